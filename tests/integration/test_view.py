"""What stands in Redis: CONTRACT section 4, key by key."""
import json
import unittest

import harness
from harness import Daemon, agent, at, policy, roster, wait_until

DAY = "2026-11-23"  # a Monday
NINE = at("2026-11-23 09:00")
MINUTE, HOUR = 60000, 3600000


class View(unittest.TestCase):
    def begin(self, *agents, rules=None, **more):
        self.daemon = Daemon(self, policy_tree=rules,
                             roster_tree=roster(*(agents or (agent("1001"), agent("1002")))),
                             **more).start()
        self.s = self.daemon.sender("pbx1")
        return self.daemon

    def hash(self, ident="1001", day=DAY, kind="agent"):
        self.s.wait_ack()
        self.daemon.settle()
        with self.daemon.redis() as redis:
            return redis.hash("callpace:%s:{%s}:day:%s" % (kind, ident, day))

    def month(self, ident="1001", month="2026-11"):
        self.s.wait_ack()
        self.daemon.settle()
        with self.daemon.redis() as redis:
            return redis.hash("callpace:agent:{%s}:month:%s" % (ident, month))

    def test_every_field_of_a_day(self):
        self.begin()
        self.s.call("a", "1001", NINE, talk_ms=10 * MINUTE)
        self.s.call("b", "1001", NINE + 15 * MINUTE, outcome="busy")
        self.s.event("call.start", call="c", agent="1001", ts=NINE + 20 * MINUTE)
        self.s.event("call.answer", call="c", ts=NINE + 21 * MINUTE)
        self.s.tick(NINE + 30 * MINUTE)
        day = self.hash()
        lsn, updated = int(day.pop("lsn")), int(day.pop("updated_ms"))
        self.assertGreater(lsn, 0)
        self.assertTrue(NINE + 21 * MINUTE <= updated <= NINE + 30 * MINUTE)
        self.assertEqual(day, {
            "agent": "1001", "name": "Agent 1001", "team": "red", "class": "veteran",
            "dials": "2", "answered": "1", "calls": "1", "inbound": "0", "inbound_talk_ms": "0",
            "no_answer": "0", "busy": "1", "failed": "0", "cancelled": "0", "lost_track": "0",
            "talk_ms": "600000", "ring_ms": "20000", "hold_ms": "0", "longest_ms": "600000",
            "members": "0", "open_calls": "1", "on_call_since_ms": str(NINE + 21 * MINUTE),
            "first_dial_ms": day["first_dial_ms"], "last_dial_ms": day["last_dial_ms"],
            "calls_target": "60", "talk_target_ms": "9000000", "calls_expected": "3",
            "talk_expected_ms": "562500", "calls_state": "warming", "talk_state": "warming",
            "state": "warming", "coverage_bp": "10000", "node": "test"})
        self.assertEqual(day["first_dial_ms"], str(NINE))
        self.s.event("call.end", call="c", ts=NINE + 31 * MINUTE)
        day = self.hash()
        self.assertNotIn("on_call_since_ms", day)
        self.assertEqual((day["open_calls"], day["dials"], day["talk_ms"]), ("0", "3", "1200000"))

    def test_a_judged_agent_stands_from_the_start_of_the_day(self):
        self.begin(agent("1001"), agent("1002", team="blue"))
        self.s.tick(at("2026-11-23 00:00"))
        for ident in ("1001", "1002"):
            day = self.hash(ident)
            self.assertEqual((day["dials"], day["state"], day["calls_target"]),
                             ("0", "warming", "60"))
            self.assertNotIn("first_dial_ms", day)
            self.assertNotIn("on_call_since_ms", day)
        self.s.tick(at("2026-11-24 00:00"))
        self.assertEqual(self.hash(day="2026-11-24")["calls_target"], "60")

    def test_teams_and_boards(self):
        self.begin(agent("1001"), agent("1002"), agent("1003", team="blue"))
        for i in range(4):
            self.s.call("a%d" % i, "1001", NINE + i * 5 * MINUTE, talk_ms=MINUTE)
        self.s.call("b", "1002", NINE, talk_ms=2 * MINUTE)
        self.s.call("c", "1003", NINE)
        self.s.event("member.developed", agent="1002", member="m", ts=NINE)
        self.s.tick(NINE + 20 * MINUTE)
        red, blue = self.hash("red", kind="team"), self.hash("blue", kind="team")
        self.assertEqual([red[f] for f in ("dials", "answered", "calls", "talk_ms", "members")],
                         ["5", "5", "5", "360000", "1"])
        self.assertEqual([blue[f] for f in ("dials", "answered", "calls", "talk_ms")],
                         ["1", "0", "0", "0"])
        self.assertEqual((red["warming"], red["met"], red["behind"]), ("2", "0", "0"))
        with self.daemon.redis() as redis:
            self.assertEqual(redis.scores("callpace:board:day:%s:calls" % DAY),
                             {"1001": 4, "1002": 1, "1003": 0})
            self.assertEqual(redis.scores("callpace:board:day:%s:talk_ms" % DAY),
                             {"1001": 240000, "1002": 120000, "1003": 0})

    def test_month(self):
        self.begin(agent("1001"), agent("1002", hired="2026-11-02", confirmed_on=None,
                                        **{"class": None}))
        self.s.call("a", "1001", NINE, talk_ms=MINUTE)
        self.s.call("b", "1001", NINE + 24 * HOUR, talk_ms=MINUTE)
        month = self.month()
        self.assertEqual([month[f] for f in ("calls", "talk_ms", "members", "calls_target",
                                             "talk_target_ms", "members_target")],
                         ["2", "120000", "0", "1320", "198000000", "700"])
        self.assertNotIn("must_meet", month)
        self.assertEqual([month[f] for f in ("basic", "incentive", "outcome", "attainment_bp",
                                             "points", "offences")],
                         ["unmet", "unmet", "by_attainment", "6", "100", "0"])
        month = self.month("1002")
        self.assertEqual((month["calls_target"], month["members_target"], month["must_meet"]),
                         ("1100", "600", "1"))

    def test_midnight_the_call_belongs_to_the_day_it_started_in(self):
        self.begin()
        late = at("2026-11-23 23:59")
        self.s.call("a", "1001", late, talk_ms=10 * MINUTE)
        self.assertEqual(self.hash()["talk_ms"], "600000")
        self.assertEqual(self.hash(day="2026-11-24")["talk_ms"], "0")

    def test_cut_over_hour(self):
        self.begin(rules=policy(business_day_starts="04:00"))
        self.s.call("a", "1001", at("2026-11-24 03:59"), talk_ms=MINUTE)
        self.s.call("b", "1001", at("2026-11-24 04:00"), talk_ms=2 * MINUTE)
        self.assertEqual(self.hash()["talk_ms"], "60000")
        self.assertEqual(self.hash(day="2026-11-24")["talk_ms"], "120000")

    def test_leave_holiday_grace_weekend(self):
        rules = policy(calendar={"working": ["mon", "tue", "wed", "thu", "fri"],
                                 "holidays": ["2026-11-24"], "workdays": ["2026-11-28"]})
        self.begin(agent("1001"),
                   agent("half", leave=[{"from": "2026-11-23 13:00", "to": "2026-11-23 18:00"}]),
                   agent("away", leave=[{"from": "2026-11-23", "to": "2026-11-23"}]),
                   agent("fresh", hired="2026-11-17", confirmed_on=None, **{"class": "new"}),
                   agent("week2", hired="2026-11-16", confirmed_on=None, **{"class": "new"}),
                   rules=rules)
        self.s.tick(NINE + 30 * MINUTE)
        half = self.hash("half")
        self.assertEqual((half["calls_target"], half["talk_target_ms"]), ("23", "3375000"))
        for ident, state in (("away", "exempt"), ("fresh", "exempt"), ("week2", "warming")):
            day = self.hash(ident)
            self.assertEqual((ident, day["state"]), (ident, state))
            self.assertEqual("calls_target" in day, state != "exempt")
        self.assertEqual(self.hash("week2")["calls_target"], "50")
        for day, state in (("2026-11-24", "exempt"), ("2026-11-25", "warming"),
                           ("2026-11-28", "warming"), ("2026-11-29", "exempt")):
            self.s.tick(at(day + " 09:30"))
            self.assertEqual((day, self.hash(day=day)["state"]), (day, state))

    def test_ttl_channels_and_meta(self):
        self.begin(redis={"retain": "10d"})
        self.s.tick(NINE)
        self.s.wait_ack()
        self.daemon.settle()
        with self.daemon.redis() as redis, self.daemon.redis() as look:
            redis.subscribe("callpace:changed", "callpace:alert")
            self.s.call("a", "1002", NINE, talk_ms=MINUTE)
            kind, channel, ident = redis.read()
            while ident != "1002" or look.hash(harness.HASH_DAY % (ident, DAY))["calls"] != "1":
                kind, channel, ident = redis.read()
            self.assertEqual((kind, channel), ("message", "callpace:changed"))
            self.s.tick(NINE + HOUR)
            while channel != "callpace:alert":
                kind, channel, ident = redis.read()
            alert = harness.json.loads(ident)
            self.assertEqual(alert["type"], "day.behind")
            self.daemon.settle()
            for key in look.keys("callpace:*:day:*") + look.keys("callpace:*:month:*"):
                self.assertTrue(10 * 86400 - 3700 < look("TTL", key) <= 10 * 86400, key)
            meta = look.hash("callpace:meta")
            self.assertTrue({"version", "node", "started_ms", "lsn", "state"} <= set(meta), meta)
            self.assertEqual(meta["source:switch"].split(",")[0], "up")
            health = json.loads(meta["health:switch"])
            self.assertEqual((health["gaps"], health["gaps_by"]["declared"]), (0, 0))
            self.assertIn("events_per_minute", health)

    def test_every_key_expires_also_when_redis_was_emptied(self):
        self.begin(redis={"retain": "10d"})
        self.s.call("a", "1001", NINE, talk_ms=MINUTE)
        self.s.event("lead.issue", agent="1001", lead="l1", number="13800", ts=NINE)
        self.s.tick(NINE + 10 * HOUR)
        self.s.wait_ack()
        self.daemon.settle()
        with self.daemon.redis() as redis:
            keys = sorted(redis.keys("*"))
            self.assertIn("callpace:alerts", keys)
            for emptied in (False, True):
                if emptied:
                    redis("FLUSHALL")
                    wait_until(lambda: sorted(redis.keys("*")) == keys, "all keys again")
                for key in keys:
                    left = redis("TTL", key)
                    self.assertTrue(9 * 86400 < left <= 10 * 86400, (emptied, key, left))

    def test_lost_track(self):
        self.begin()
        self.s.event("call.start", call="a", agent="1001", ts=NINE)
        self.s.event("call.answer", call="a", ts=NINE + 5000)
        self.s.event("call.start", call="b", agent="1001", ts=NINE)
        self.s.tick(NINE + 4 * HOUR - 1)
        self.assertEqual(self.hash()["lost_track"], "0")
        self.s.tick(NINE + 4 * HOUR + 10000)
        day = self.hash()
        self.assertEqual([day[f] for f in ("dials", "answered", "calls", "talk_ms", "lost_track",
                                           "open_calls")], ["2", "1", "1", "0", "2", "0"])
        lost = [a for a in self.daemon.alerts() if a["type"] == "call.lost_track"]
        self.assertEqual([(a["agent"], a["reason"]) for a in lost], [("1001", "max_call")])
        self.assertIn("call " + lost[0]["call"], lost[0]["text"]["en"])
        self.s.event("call.end", call="a", ts=NINE + 5 * HOUR)
        day = self.hash()
        self.assertEqual([day[f] for f in ("dials", "calls", "talk_ms", "lost_track")],
                         ["2", "1", str(5 * HOUR - 5000), "1"])

    def test_switches_of_counting(self):
        self.begin(rules=policy(count__directions=["out", "in"], count__min_talk="30s",
                                count__talk_includes_hold=False))
        self.s.call("a", "1001", NINE, talk_ms=29999)
        self.s.call("b", "1001", NINE + 10 * MINUTE, talk_ms=60000)
        self.s.event("call.hold", call="b", ts=NINE + 10 * MINUTE + 20000)
        self.s.event("call.retrieve", call="b", ts=NINE + 10 * MINUTE + 25000)
        self.s.event("call.start", call="c", agent="1001", dir="in", ts=NINE + 20 * MINUTE)
        self.s.event("call.answer", call="c", ts=NINE + 21 * MINUTE)
        self.s.event("call.end", call="c", ts=NINE + 22 * MINUTE)
        day = self.hash()
        self.assertEqual([day[f] for f in ("dials", "answered", "calls", "inbound", "hold_ms",
                                           "inbound_talk_ms")],
                         ["2", "2", "2", "1", "5000", "60000"])
        self.assertEqual(day["talk_ms"], str(29999 + 55000 + 60000))

    def test_attempted_counts_every_dial(self):
        self.begin(rules=policy(count__call_counts_when="attempted"))
        self.s.call("a", "1001", NINE)
        self.s.call("b", "1001", NINE + MINUTE, talk_ms=5000)
        self.assertEqual(self.hash()["calls"], "2")


if __name__ == "__main__":
    harness.main()
