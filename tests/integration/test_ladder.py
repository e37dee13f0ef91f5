"""Weeks that close, the ladder, and holds: POLICY section 5."""
import glob
import subprocess

import harness
from harness import Daemon, PROGRAMS, agent, at, roster, wait_until
from ladder_case import Centre, DAY, HOUR, MINUTE, NINE, RUNGS, WEEKS, rules


class Ladder(Centre):
    def test_rung_1_warns_when_the_week_closes(self):
        """POLICY 5, the ladder: below 60 % at Sunday 24:00 is the first offence: -1, and a
        verbal warning by the team lead. 60 % is none."""
        self.begin("1001", "1002")
        self.play("1001", 5, 10)
        self.play("1002", 6, 10)
        self.s.tick(at("2026-11-08 23:59:59"))
        self.s.wait_ack()
        self.assertEqual(self.told("contact.warning"), [])
        self.close()
        week = self.week("1001")
        self.assertEqual((week["state"], week["rung"], week["contact_rate_bp"],
                          week["threshold_bp"]), ("short", 1, 5000, 6000))
        self.assertNotIn("rung", self.week("1002"))
        self.assertEqual(self.week("1002")["state"], "reached")
        alert, = self.told("contact.warning")
        self.assertEqual(alert["id"], "1001/contact.warning/2026-W45")
        self.assertEqual((alert["at_ms"], alert["team_lead"], alert["severity"]),
                         (at("2026-11-09 00:00"), "Li Wei", "warning"))
        self.assertEqual(alert["numbers"], {
            "issued": 10, "reached": 5, "rate_bp": 5000, "threshold_bp": 6000, "rung": 1,
            "points": -1})
        self.assertIn("5 of 10 leads reached", alert["text"]["en"])
        closed = [d for d in self.decisions() if d["type"] == "x.week_closed"]
        self.assertEqual([(d.get("agent"), d.get("state")) for d in closed],
                         [("1001", "short"), ("1002", "reached"), (None, None)])

    def test_explained(self):
        """CONTRACT 8: every lead, the calls to it, the rung and its points; sums are the
        figures in Redis."""
        self.begin("1001", "1002")
        self.play("1001", 5, 10)
        self.issue("1002", 1)
        self.call("1001", 5, 0, 6 * HOUR)
        self.call("1001", 6, 0, 6 * HOUR + 5 * MINUTE, answered=False)
        self.call("1001", 77, 0, 6 * HOUR + 10 * MINUTE)
        self.s.event("call.start", call="other", agent="1001", ts=NINE + 7 * HOUR, dir="out",
                     number="11002000000")
        self.s.event("call.end", call="other", ts=NINE + 7 * HOUR + 9000)
        self.s.event("lead.withdraw", agent="1001", lead="1001-0-4", ts=NINE + 8 * HOUR)
        self.close()
        self.s.event("review.points", agent="1001", points=3, reason="test", by="Li", id="r1",
                     ts=NINE + 8 * DAY)
        self.s.wait_ack()
        self.daemon.settle()
        entries = self.client("explain", "1001", "leads", "--week", WEEKS[0])
        with self.daemon.redis() as redis:
            shown = redis.hash("callpace:lead:{1001}:" + WEEKS[0])
            week = redis.hash("callpace:agent:{1001}:week:" + WEEKS[0])
            month = redis.hash("callpace:agent:{1001}:month:2026-11")
        self.assertEqual({e["lead"]: "%s,%d,%d,%s" % (e["number"], e["dials"], e["contacts"],
                                                      e["state"])
                          for e in entries if e["what"] == "lead" and
                          e.get("reason") != "not_held"}, shown)
        self.assertEqual(str(sum(e["credited"] for e in entries if e["figure"] == "leads")),
                         week["leads_reached"])
        for lead, text in shown.items():
            self.assertEqual(sum(e["credited"] for e in entries if e["figure"] == "contacts" and
                                 e.get("lead") == lead), int(text.split(",")[2]))
        reasons = {e.get("lead") or e["call"]: e.get("reason") for e in entries
                   if e["figure"] == "contacts" and e["credited"] == 0}
        self.assertEqual(reasons, {"1001-0-4": "not_held", "1001-0-6": "not_answered",
                                   "c13": "no_lead", "other": "not_the_holder"})
        rung, = [e for e in entries if e["what"] == "rung"]
        self.assertEqual((rung["period"], rung["rung"], rung["rate_bp"], rung["threshold_bp"],
                          rung["points"], rung["policy_from"], rung["reason"]),
                         (WEEKS[0], 1, 4444, 6000, -1, "2016-01-01", "below_threshold"))
        entries = self.client("explain", "1001", "points", "--month", "2026-11")
        self.assertEqual([(e["what"], e["credited"]) for e in entries],
                         [("start", 100), ("rung", -1), ("review", 3)])
        self.assertEqual(month["points"], "102")
        self.assertEqual(self.client("explain", "1001", "points"), entries)
        self.assertEqual(len(self.client("explain", "1001", "points", "--week", WEEKS[0])), 1)
        self.assertEqual({e["figure"] for e in self.client("explain", "1001", "all", "--week",
                                                           WEEKS[0])},
                         {"calls", "talk", "leads", "contacts", "points", "state"})

    def test_a_closed_week_stands(self):
        """POLICY 3, end: events that come after a verdict move the counters; the closed
        week stands, also through a restart."""
        self.begin()
        self.play("1001", 5, 10)
        self.close()
        self.call("1001", 5, 0, 6 * HOUR)
        self.call("1001", 5, 0, 7 * HOUR)
        self.s.wait_ack()
        for _ in range(2):
            week = self.week("1001")
            self.assertEqual((week["leads_reached"], week["state"], week["rung"]),
                             (6, "short", 1))
            self.assertEqual(len(self.told("contact.warning")), 1)
            self.again()

    def test_the_nth_offence_is_judged_by_the_nth_rung(self):
        """POLICY 5: the window is the month in which the week ends; without an offence the
        same rung applies again."""
        self.begin()
        for week, (reached, expected) in enumerate((
                (5, ("short", 1, 6000)),       # first offence
                (7, ("reached", None, 6500)),  # none: rung 2 would have applied
                (6, ("short", 2, 6500)))):     # 60 % would have passed rung 1
            self.play("1001", reached, 10, week)
            self.close(week)
            got = self.week("1001", week)
            self.assertEqual((got["state"], got.get("rung"), got["threshold_bp"]), expected)
        self.assertEqual([a["id"] for a in self.told("contact.warning", "lead.hold")],
                         ["1001/contact.warning/2026-W45", "1001/lead.hold/2026-W47"])
        # W49 ends in December: its window is another one.
        self.close(3)
        self.play("1001", 5, 10, 4)
        self.close(4)
        self.assertEqual(self.week("1001", 4)["rung"], 1)

    def test_no_leads_no_judgement_and_coverage(self):
        """POLICY 5: no leads, no judgement; a week with coverage under the floor judges
        nothing."""
        self.begin("1001", "1002")
        self.issue("1002", 10)
        self.s.event("source.gap", **{"from": NINE, "to": NINE + 2 * DAY, "ts": NINE + 2 * DAY})
        self.close()
        self.assertEqual(self.week("1001")["state"], "none")
        # with clock: events a gap that the producer tells of is one all the same
        self.assertEqual(self.week("1002")["state"], "unknown")
        self.assertNotIn("rung", self.week("1002"))
        self.assertEqual(self.told("contact.warning"), [])

    def test_shadow_judges_and_reports(self):
        """ladder: {shadow: true} judges and reports, and nothing follows; once it ends the
        offences of that time do not count."""
        self.begin(policy_tree=rules({"shadow": True, "rungs": RUNGS}))
        self.play("1001", 5, 10)
        self.close()
        self.play("1001", 5, 10, 1)
        self.close(1)
        self.assertEqual([self.week("1001", w)["rung"] for w in (0, 1)], [1, 2])
        warning, hold = self.told("contact.warning", "lead.hold")
        self.assertEqual(warning["numbers"]["shadow"], 1)
        self.assertIn("nothing follows", warning["text"]["en"])
        self.assertEqual(hold["action"], "Nothing to do.")
        self.daemon.write("policy.yaml", rules())
        self.daemon.ask("reload")
        self.play("1001", 5, 10, 2)
        self.close(2)
        self.assertEqual(self.week("1001", 2)["rung"], 1)
        self.assertEqual([self.week("1001", w)["rung"] for w in (0, 1)], [1, 2])

    def test_judge_at_and_weeks_without_a_daemon(self):
        """`judge_at` of the policy; a week that ended while no daemon ran is judged at the
        start, bearing the time at which it was due."""
        self.begin(policy_tree=rules(judge_at="sat 12:00"))
        self.play("1001", 0, 10)
        self.s.tick(at("2026-11-07 11:59"))
        self.s.wait_ack()
        self.assertEqual(self.told("contact.warning"), [])
        self.again()
        self.s.tick(at("2026-11-17 10:00"))
        self.s.wait_ack()
        alert, = self.told("contact.warning")
        self.assertEqual(alert["at_ms"], at("2026-11-07 12:00"))
        self.assertEqual(self.week("1001", 1)["state"], "none")


class Hold(Centre):
    def begin_on_hold(self, rungs=None, **more):
        """1001 has had two offences; W47 is the week of the hold."""
        self.begin("1001", "1002", policy_tree=rules(rungs), **more)
        self.play("1001", 5, 10)
        self.close()
        self.s.event("lead.issue", agent="1001", lead="early", number="13800138001",
                     week="2026-W47", ts=NINE + 8 * DAY)
        self.play("1001", 5, 10, 1)
        self.close(1)

    def test_rung_2_holds_leads_for_the_week_after(self):
        """POLICY 5, rung 2: the hold is the week after the one judged, by the lead's week:
        lead.issue for it is refused and goes to the unassigned pool, and leads already
        issued for it go there too."""
        self.begin_on_hold()
        alert, = self.told("lead.hold")
        self.assertEqual((alert["id"], alert["numbers"]["weeks"], alert["numbers"]["points"]),
                         ("1001/lead.hold/2026-W46", 1, -2))
        self.assertEqual(self.week("1001", 2)["leads_issued"], 0)
        self.s.event("lead.issue", agent="1001", lead="late", number="13800138002",
                     ts=NINE + 14 * DAY)
        self.assertEqual(self.s.error()["code"], "lead_hold")
        self.s.event("lead.issue", agent="1001", lead="next", number="13800138003",
                     week="2026-W48", ts=NINE + 14 * DAY)
        self.s.event("lead.issue", agent="1002", lead="late", number="13800138002",
                     ts=NINE + 15 * DAY)
        self.s.wait_ack()
        self.assertEqual(self.week("1001", 2)["leads_issued"], 0)
        self.assertEqual(self.week("1001", 3)["leads_issued"], 1)
        self.assertEqual(self.week("1002", 2)["leads_issued"], 1)
        self.again()
        self.s.event("lead.issue", agent="1001", lead="later", number="13800138004",
                     ts=NINE + 16 * DAY)
        self.assertEqual(self.s.error()["code"], "lead_hold")
        holds = [(d["agent"], d["week"]) for d in self.decisions() if d["type"] == "x.lead_hold"]
        self.assertEqual(holds, [("1001", "2026-W47")])

    def test_weeks_of_a_hold_and_none_in_shadow(self):
        longer = [RUNGS[0], dict(RUNGS[1], weeks=2)]
        self.begin_on_hold(longer)
        holds = [d["week"] for d in self.decisions() if d["type"] == "x.lead_hold"]
        self.assertEqual(holds, ["2026-W47", "2026-W48"])
        self.begin_on_hold({"shadow": True, "rungs": longer})
        self.assertEqual(self.week("1001", 2)["leads_issued"], 1)
        self.assertEqual([d for d in self.decisions() if d["type"] == "x.lead_hold"], [])


class WallClock(Centre):
    """The real clock, moved by libfaketime, which knows UTC; the centre is 8 hours ahead."""

    def setUp(self):
        libraries = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        if not libraries or b"asan" in open(PROGRAMS["callpaced"], "rb").read(1 << 22):
            self.skipTest("needs libfaketime and a build without sanitizers")
        self.library = libraries[0]
        tree = rules()
        tree["policies"][0]["coverage"]["floor"] = 0.0
        self.daemon = Daemon(self, clock="wall", policy_tree=tree,
                             roster_tree=roster(agent("1001")))
        path = self.daemon.path("redis.sock")  # its own: redis-server hangs under libfaketime
        redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save",
                                  "", "--dir", self.daemon.dir], stdout=subprocess.DEVNULL)
        self.addCleanup(redis.wait)
        self.addCleanup(redis.terminate)
        self.daemon.config["redis"] = {"url": "unix://" + path}
        self.daemon.write_config()

    def start_at(self, when):
        self.daemon.start({"LD_PRELOAD": self.library, "TZ": "UTC", "FAKETIME": "@" + when,
                           "FAKETIME_DONT_FAKE_MONOTONIC": "1"})

    def end(self):
        self.daemon.kill()
        self.daemon.wait()
        harness.reap_orphans(self.daemon.dir)

    def lead(self):
        s = self.daemon.sender("crm1")
        s.event("lead.issue", agent="1001", lead="L1", number="13800138000")
        s.wait_ack()

    def told_at(self):
        return [a["at_ms"] for a in self.told("contact.warning")]

    def test_a_week_closes_by_the_timer(self):
        """Nothing comes in; the moment alone closes it."""
        self.start_at("2026-11-24 08:00:00")
        self.lead()
        self.end()
        self.start_at("2026-11-29 15:59:57")
        wait_until(self.told_at, "the week to close")
        self.assertEqual(self.told_at(), [at("2026-11-30 00:00")])
        self.assertEqual(self.daemon.ask("score", id="1001")[0]["points"], 99)

    def test_a_week_that_ended_without_a_daemon(self):
        self.start_at("2026-11-24 08:00:00")
        self.lead()
        self.end()
        for minute in (0, 10):
            self.start_at("2026-12-01 02:%02d:00" % minute)
            wait_until(self.told_at, "the week to close")
            self.assertEqual(self.told_at(), [at("2026-11-30 00:00")])
            self.end()


if __name__ == "__main__":
    harness.main()
