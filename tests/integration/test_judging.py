"""Live judgement by event time: states, the exact moments, and the alerts."""
import unittest

import harness
from harness import Daemon, agent, at, policy, roster

DAY = "2026-11-23"
NINE = at("2026-11-23 09:00")
MINUTE, HOUR = 60000, 3600000


class Judging(unittest.TestCase):
    def begin(self, rules=None, **more):
        self.daemon = Daemon(self, policy_tree=rules, roster_tree=roster(agent("1001")),
                             **more).start()
        self.s = self.daemon.sender("pbx1")
        self.calls = 0

    def call(self, begin, talk, ring=10000):
        self.calls += 1
        return self.s.call("c%d" % self.calls, "1001", begin, talk_ms=talk, ring_ms=ring)

    def at(self, minutes, plus_ms=0):
        self.s.tick(NINE + int(minutes * MINUTE) + plus_ms)
        self.s.wait_ack()
        return self.daemon.day("1001", DAY)

    def states(self, minutes, plus_ms=0):
        day = self.at(minutes, plus_ms)
        return day["calls_state"], day["talk_state"], day["state"]

    def alerts(self):
        return [(a["type"], a["state"], a["at_ms"] - NINE) for a in self.daemon.alerts()]

    def test_a_day_without_calls(self):
        self.begin()
        self.assertEqual(self.states(59, 59999)[2], "warming")
        self.assertEqual(self.states(60)[2], "behind")
        self.assertEqual(self.states(390), ("behind", "behind", "behind"))
        self.assertEqual(self.states(390, 1), ("behind", "unreachable", "unreachable"))
        self.assertEqual(self.states(539, 59999)[2], "unreachable")
        self.assertEqual(self.states(540), ("missed", "missed", "missed"))
        self.s.tick(at("2026-11-24 00:00"))
        self.s.wait_ack()
        raised = [a for a in self.alerts() if a[1] == "raised"]
        self.assertEqual(raised, [("day.behind", "raised", 60 * MINUTE),
                                  ("day.unreachable", "raised", 390 * MINUTE + 1),
                                  ("day.missed", "raised", 540 * MINUTE)])

    def test_moments_do_not_depend_on_ticks(self):
        self.begin()
        self.at(-1)
        self.at(12 * 60)
        raised = [a for a in self.alerts() if a[1] == "raised"]
        self.assertEqual(raised, [("day.behind", "raised", 60 * MINUTE),
                                  ("day.unreachable", "raised", 390 * MINUTE + 1),
                                  ("day.missed", "raised", 540 * MINUTE)])

    def test_hold_down_and_recovery(self):
        """Rules in round figures: 8 calls and 480 s of talk in 8 hours."""
        rules = policy(classes__veteran={"day": {"calls": 8, "talk": "8m"},
                                         "month": {"calls": 1, "talk": "1m", "members": 1}})
        self.begin(rules)
        self.call(NINE, 2 * MINUTE)
        self.call(NINE + 10 * MINUTE, 2 * MINUTE)
        # 2 calls last until 0.8 x 8 x t / 480 min = 2: t = 150 min, and the hold-down 15 more.
        self.assertEqual(self.states(164, 59999), ("on_pace", "on_pace", "on_pace"))
        # Behind before the talk's time comes: 4 min of 8 last until 300 min.
        self.assertEqual(self.states(165), ("behind", "on_pace", "behind"))
        self.assertEqual(self.alerts(), [("day.behind", "raised", 165 * MINUTE)])
        end = self.call(NINE + 166 * MINUTE, MINUTE)
        self.call(end + 1000, MINUTE)
        self.assertEqual(self.states(176)[2], "on_pace")
        self.assertEqual([a[1] for a in self.alerts() if a[0] == "day.behind"],
                         ["raised", "resolved"])

    def test_the_break_is_no_productive_time(self):
        rules = policy(classes__veteran={"day": {"calls": 8, "talk": "8m"},
                                         "month": {"calls": 1, "talk": "1m", "members": 1}})
        self.begin(rules)
        for i in range(2):
            self.call(NINE + i * 10 * MINUTE, 10 * MINUTE - 20000)
        self.call(NINE + 30 * MINUTE, 1000)
        before = self.at(180)
        during = self.at(239, 59999)
        self.assertEqual((before["calls_expected"], during["calls_expected"]), (3, 3))
        self.assertEqual(self.at(300)["calls_expected"], 4)

    def test_met_and_stays_met(self):
        rules = policy(classes__veteran={"day": {"calls": 2, "talk": "4m"},
                                         "month": {"calls": 1, "talk": "1m", "members": 1}})
        self.begin(rules)
        self.call(NINE, 2 * MINUTE)
        self.assertEqual(self.states(50)[2], "warming")
        end = self.call(NINE + 51 * MINUTE, 2 * MINUTE)
        self.s.wait_ack()
        self.assertEqual(self.states(54)[2], "met")
        self.assertEqual(self.states(541)[2], "met")
        self.assertEqual(self.alerts(), [("day.met", "raised", end - NINE)])

    def test_talk_of_a_call_that_is_up_counts_for_the_pace_and_not_for_met(self):
        rules = policy(classes__veteran={"day": {"calls": 1, "talk": "60m"},
                                         "month": {"calls": 1, "talk": "1m", "members": 1}})
        self.begin(rules)
        self.call(NINE, 1000)
        self.s.event("call.start", call="long", agent="1001", ts=NINE + 60000)
        self.s.event("call.answer", call="long", ts=NINE + 70000)
        self.assertEqual(self.states(120), ("met", "on_pace", "on_pace"))
        self.assertEqual(self.daemon.day("1001", DAY)["talk_ms"], 1000)
        self.s.event("call.end", call="long", ts=NINE + 2 * HOUR + 70000)
        self.s.wait_ack()
        self.assertEqual(self.states(122)[2], "met")

    def test_talk_beside_a_call_that_is_up_counts_once(self):
        """POLICY section 2: overlapping calls of one agent count once, also while one
        of them is up (section 3)."""
        rules = policy(classes__veteran={"day": {"calls": 1, "talk": "480m"},
                                         "month": {"calls": 1, "talk": "1m", "members": 1}},
                       pace__behind_below=1.0, pace__hold_down="0s", pace__warmup="1m")
        self.begin(rules)
        self.s.event("call.start", call="long", agent="1001", ts=NINE)
        self.s.event("call.answer", call="long", ts=NINE)
        self.call(NINE + 10 * MINUTE, 20 * MINUTE, ring=0)
        self.assertEqual(self.states(30)[1], "on_pace")
        # A minute's silence loses the target, which asks for every minute.
        self.s.event("call.end", call="long", ts=NINE + 60 * MINUTE)
        self.s.event("call.start", call="next", agent="1001", ts=NINE + 60 * MINUTE)
        self.s.event("call.answer", call="next", ts=NINE + 61 * MINUTE)
        self.call(NINE + 62 * MINUTE, 20 * MINUTE, ring=0)
        self.assertEqual(self.states(90)[1], "unreachable")

    def test_missed_may_still_become_met(self):
        rules = policy(classes__veteran={"day": {"calls": 1, "talk": "1m"},
                                         "month": {"calls": 1, "talk": "1m", "members": 1}})
        self.begin(rules)
        self.assertEqual(self.states(540)[2], "missed")
        self.call(at("2026-11-23 20:00"), 2 * MINUTE)
        self.s.wait_ack()
        self.assertEqual(self.states(11.5 * 60)[2], "met")
        self.assertIn(("day.missed", "resolved"), [a[:2] for a in self.alerts()])

    def test_a_gap_lowers_coverage_and_the_day_ends_unknown(self):
        self.begin()
        self.at(60)
        self.s.event("source.gap", **{"from": NINE + 2 * HOUR, "to": NINE + 2 * HOUR + 24 * MINUTE,
                                      "ts": NINE + 2 * HOUR + 24 * MINUTE})
        self.assertEqual(self.at(539)["state"], "unreachable")
        day = self.at(540)
        self.assertEqual((day["coverage_bp"], day["state"]), (9500, "missed"))
        self.begin()
        self.at(60)
        self.s.event("source.gap", **{"from": NINE + 2 * HOUR, "to": NINE + 2 * HOUR + 25 * MINUTE,
                                      "ts": NINE + 2 * HOUR + 25 * MINUTE})
        day = self.at(540)
        self.assertEqual((day["coverage_bp"], day["state"]), (9479, "unknown"))
        self.assertNotIn("day.missed", [a[0] for a in self.alerts()])

    def test_a_jump_in_seq_is_a_gap_between_its_neighbours(self):
        self.begin()
        self.at(60)
        self.s.last += 5
        self.at(100)
        day = self.at(540)
        self.assertEqual((day["coverage_bp"], day["state"]), (9166, "unknown"))

    def test_the_form_of_an_alert(self):
        self.begin()
        self.at(0)
        self.at(61)
        told = self.daemon.alerts()[0]
        self.assertEqual({k: told[k] for k in ("id", "type", "severity", "state", "agent", "name",
                                               "team", "team_lead", "at_ms", "period",
                                               "policy_from")},
                         {"id": "1001/day.behind/" + DAY, "type": "day.behind",
                          "severity": "warning", "state": "raised", "agent": "1001",
                          "name": "Agent 1001", "team": "red", "team_lead": "Li Wei",
                          "at_ms": NINE + HOUR, "period": DAY, "policy_from": "2016-01-01"})
        self.assertIsInstance(told["numbers"], dict)
        self.assertEqual(set(told["text"]), {"en", "zh"})
        self.assertIn("红队", told["text"]["zh"])
        self.assertTrue(told["action"])
        self.daemon.settle()
        with self.daemon.redis() as redis:
            stream = redis("XRANGE", "callpace:alerts", "-", "+")
        self.assertEqual([harness.json.loads(f[1]) for _, f in stream], self.daemon.alerts())

    def test_alerts_survive_a_crash_once(self):
        self.begin()
        self.at(61)
        told = self.daemon.alerts()
        for _ in range(3):
            self.daemon.kill()
            self.daemon.wait()
            self.daemon.start()
        self.s = self.daemon.sender("pbx1")
        self.at(70)
        self.assertEqual(self.daemon.alerts(), told)

    def test_unreachable_by_calls_uses_the_cycle(self):
        """One call every 30 min is too slow for 20 of them."""
        rules = policy(classes__veteran={"day": {"calls": 20, "talk": "1m"},
                                         "month": {"calls": 1, "talk": "1m", "members": 1}})
        self.begin(rules)
        for i in range(6):
            self.call(NINE + i * 30 * MINUTE, MINUTE)
        # 14 missing x 30 min are 420 min; 325 min of productive time are left.
        self.assertEqual(self.states(155)[0], "unreachable")

    def test_the_forecast_stands_beside_the_day_and_its_last_useful_minute_is_the_last(self):
        self.begin()
        self.assertNotIn("forecast", self.daemon.ask("agent", id="1001", day="2026-11-22"))
        for i in range(20):
            self.call(NINE + i * 9 * MINUTE, 4 * MINUTE)
        self.at(300)  # 14:00: half of the working day
        told = self.daemon.ask("agent", id="1001")
        forecast = told["forecast"]
        self.assertEqual((forecast["calls_forecast"], forecast["talk_forecast_ms"]),
                         (40, 160 * MINUTE))
        # 40 missing x 9 min are 6 hours, 4 are left: it is too late for calls.
        self.assertEqual((forecast["binds"], forecast.get("last_useful_ms")), ("calls", None))
        self.assertEqual(told["day"]["calls_state"], "unreachable")
        row = self.daemon.ask("board")["agents"][0]
        self.assertEqual(row["forecast"], forecast)
        self.assertFalse(set(forecast) & set(told["day"]))

    def test_the_last_useful_minute_by_the_cycle(self):
        self.begin(policy(classes__veteran={"day": {"calls": 10, "talk": "20m"},
                                            "month": {"calls": 1, "talk": "1m", "members": 1}}))
        for i in range(6):
            self.call(NINE + i * 30 * MINUTE, MINUTE)
        self.at(200)
        forecast = self.daemon.ask("agent", id="1001")["forecast"]
        # 4 missing x 30 min before 18:00
        self.assertEqual((forecast["last_useful_ms"] - NINE, forecast["binds"]),
                         (420 * MINUTE, "calls"))
        self.assertNotEqual(self.states(420)[0], "unreachable")
        self.assertEqual(self.states(420, 1)[0], "unreachable")


if __name__ == "__main__":
    harness.main()
