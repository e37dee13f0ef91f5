"""Weekly leads and the contact rate, live: POLICY section 5, CONTRACT sections 2, 4, 5."""
import subprocess
import unittest

import harness
from harness import Daemon, PROGRAMS, agent, at, policy, roster, wait_until

WEEK, MONDAY = "2026-W48", "2026-11-23"
NINE = at("2026-11-23 09:00")
MINUTE, HOUR, DAY = 60000, 3600000, 24 * 3600000


class Leads(unittest.TestCase):
    def begin(self, **more):
        more.setdefault("roster_tree", roster(agent("1001"), agent("1002")))
        self.daemon = Daemon(self, **more).start()
        self.s = self.daemon.sender("crm1")
        self.calls = 0

    def issue(self, ident, lead, number, ts=NINE, **more):
        self.s.event("lead.issue", agent=ident, lead=lead, number=number, ts=ts, **more)

    def call(self, ident, number, ts, answered=True, **more):
        self.calls += 1
        call = "c%d" % self.calls
        self.s.event("call.start", call=call, agent=ident, number=number, ts=ts, **more)
        if answered:
            self.s.event("call.answer", call=call, ts=ts + 5000)
        self.s.event("call.end", call=call, ts=ts + 65000)

    def reach(self, ident, number, ts):
        self.call(ident, number, ts)
        self.call(ident, number, ts + 120000)

    def week(self, ident, week=WEEK):
        self.daemon.settle()
        with self.daemon.redis() as redis:
            return redis.hash("callpace:agent:{%s}:week:%s" % (ident, week))

    def leads(self, ident, week=WEEK):
        self.daemon.settle()
        with self.daemon.redis() as redis:
            return redis.hash("callpace:lead:{%s}:%s" % (ident, week))

    def at(self, text, plus_ms=0):
        self.s.tick(at(text, plus_ms))
        self.s.wait_ack()

    def told(self):
        return [(a["state"], a["at_ms"]) for a in self.daemon.alerts()
                if a["type"] == "contact.at_risk"]

    def test_what_becomes_of_leads(self):
        """POLICY 5: issued, dialled, contacted, reached; numbers in any form; the holder's
        own calls alone; an explicit lead wins; a withdrawn lead leaves."""
        self.begin()
        for i in range(1, 7):
            self.issue("1001", "L%d" % i, "1380013800%d" % i)
        self.issue("1002", "M1", "13800138001")
        self.call("1001", "913800138002", NINE + MINUTE, answered=False)
        self.call("1001", "+8613800138003", NINE + 5 * MINUTE)
        self.call("1001", "013800138004", NINE + 10 * MINUTE)
        self.call("1001", "008613800138004", NINE + 15 * MINUTE)
        self.call("1001", "13800138001", NINE + 20 * MINUTE, lead="L5")
        self.call("1002", "13800138006", NINE + 20 * MINUTE)
        self.call("1001", "13800138006", NINE + 25 * MINUTE, dir="in")
        self.s.event("lead.withdraw", agent="1001", lead="L6", ts=NINE + HOUR)
        self.s.wait_ack()
        self.assertEqual(self.leads("1001"), {
            "L1": "13800138001,0,0,issued", "L2": "13800138002,1,0,dialled",
            "L3": "13800138003,1,1,contacted", "L4": "13800138004,2,2,reached",
            "L5": "13800138005,1,1,contacted"})
        week = self.week("1001")
        del week["lsn"]
        self.assertEqual(week, {
            "leads_issued": "5", "leads_received": "0", "leads_dialled": "4",
            "leads_contacted": "3", "leads_reached": "1", "contact_rate_bp": "2000",
            "threshold_bp": "6000", "state": "on_track"})
        self.assertEqual(self.week("1002")["leads_dialled"], "0")
        self.assertEqual(self.daemon.ask("agent", id="1001", day=MONDAY)["week"]["leads_reached"], 1)
        # The same again, and what is not held.
        self.issue("1001", "L6", "13800138006")
        self.s.event("lead.withdraw", agent="1002", lead="L1", ts=NINE + HOUR)
        self.assertEqual(self.s.error()["code"], "unknown_lead")
        self.s.event("lead.withdraw", agent="1001", lead="L1", week="2026-W49", ts=NINE + HOUR)
        self.assertEqual(self.s.error()["code"], "unknown_lead")
        self.s.event("lead.issue", agent="1001", lead="L7", number="1", week="2028-W20", ts=NINE)
        self.assertEqual(self.s.error()["code"], "bad_field")
        self.s.wait_ack()
        self.assertEqual(self.week("1001")["leads_issued"], "5")

    def test_no_leads_no_rate(self):
        """POLICY 5: no leads issued, no rate, no judgement."""
        self.begin()
        self.at("2026-11-25 17:00")
        week = self.week("1001")
        self.assertEqual(week["state"], "none")
        self.assertNotIn("contact_rate_bp", week)
        self.assertEqual(self.leads("1001"), {})
        self.assertEqual(self.told(), [])

    def test_a_late_lead_finds_its_calls(self):
        self.begin()
        self.reach("1001", "13800138000", NINE)
        self.at("2026-11-24 10:00")
        self.issue("1001", "L1", "+86 138 0013 8000", ts=at("2026-11-24 10:00"))
        self.issue("1001", "N1", "13900139000", ts=at("2026-11-24 10:00"), week="2026-W49")
        self.s.wait_ack()
        self.assertEqual(self.leads("1001"), {"L1": "+86 138 0013 8000,2,2,reached"})
        self.assertEqual(self.week("1001")["state"], "reached")
        self.assertEqual(self.leads("1001", "2026-W49"), {"N1": "13900139000,0,0,issued"})
        self.assertEqual(self.week("1001", "2026-W49")["leads_issued"], "1")

    def test_at_risk_at_the_very_moment(self):
        """POLICY 5, flagged live: 3 of 10 reached are projected to 60 % until 20 of the
        week's 40 hours have passed: Wednesday 14:00."""
        self.begin()
        for i in range(10):
            self.issue("1001", "L%d" % i, "1380013800%d" % i)
        for i in range(3):
            self.reach("1001", "1380013800%d" % i, NINE + i * 10 * MINUTE)
        self.at("2026-11-25 14:00")
        self.assertEqual(self.week("1001")["state"], "on_track")
        self.at("2026-11-25 16:00")
        self.assertEqual(self.week("1001")["state"], "at_risk")
        self.assertEqual(self.told(), [("raised", at("2026-11-25 14:00", 1))])
        alert = [a for a in self.daemon.alerts() if a["type"] == "contact.at_risk"][0]
        self.assertEqual(alert["id"], "1001/contact.at_risk/2026-W48")
        self.assertEqual(alert["numbers"]["needed"], 3)
        self.assertEqual(alert["numbers"]["productive_left_ms"], 20 * HOUR - 1)
        self.assertIn("3 more leads reached twice avoid rung 1", alert["text"]["en"])
        self.assertIn("再联系 3 条（每条 2 次）即可避免第 1 级", alert["text"]["zh"])
        ahead = self.daemon.ask("agent", id="1001")["week_forecast"]
        self.assertEqual((ahead["leads_needed"], ahead["next_rung"], ahead["next_action"],
                          ahead["next_points"]), (3, 1, "warn", -1))
        self.assertEqual((ahead["leads_forecast"], ahead["contact_rate_forecast_bp"]), (5, 5000))
        for i in range(3, 6):
            self.reach("1001", "1380013800%d" % i, at("2026-11-25 16:10", i * 10 * MINUTE))
        self.at("2026-11-25 17:30")
        self.assertEqual(self.week("1001")["state"], "reached")
        self.assertEqual([state for state, _ in self.told()], ["raised", "resolved"])
        self.at("2026-11-30 00:00")
        self.assertEqual(self.week("1001")["state"], "reached")

    def test_flagged_from_wednesday_noon_and_short_on_sunday(self):
        self.begin()
        for i in range(10):
            self.issue("1001", "L%d" % i, "1380013800%d" % i)
        self.at("2026-11-25 11:59:59")
        self.assertEqual(self.week("1001")["state"], "on_track")
        self.at("2026-11-25 12:00")
        self.assertEqual(self.week("1001")["state"], "at_risk")
        self.assertEqual(self.told(), [("raised", at("2026-11-25 12:00"))])
        self.at("2026-11-29 23:59:59")
        self.assertEqual(self.week("1001")["state"], "at_risk")
        self.at("2026-11-30 00:00")
        self.assertEqual(self.week("1001")["state"], "short")
        self.assertEqual(self.week("1001", "2026-W49")["state"], "none")

    def test_the_rules_are_policy(self):
        """One attempt a day reaches, with contacts at least an hour apart."""
        rules = policy(contact={"reached_contacts": 2, "contact_when": "attempted",
                                "contact_min_gap": "1h",
                                "ladder": [{"below": 0.5, "points": -1, "action": "warn"}]})
        rules["policies"][0]["contact"] = rules.pop("contact")
        self.begin(policy_tree=rules)
        self.issue("1001", "L1", "13800138000")
        for minutes in (0, 59):
            self.call("1001", "13800138000", NINE + minutes * MINUTE, answered=False)
        self.s.wait_ack()
        self.assertEqual(self.leads("1001"), {"L1": "13800138000,2,1,contacted"})
        self.call("1001", "13800138000", NINE + 61 * MINUTE, answered=False)
        self.s.wait_ack()
        self.assertEqual(self.leads("1001"), {"L1": "13800138000,3,2,reached"})
        self.assertEqual(self.week("1001")["threshold_bp"], "5000")

    def test_all_of_it_comes_back(self):
        """After a kill, after FLUSHALL, and from the journal's dump in an empty daemon."""
        self.begin()
        for i in range(200):
            self.issue("1001" if i % 2 else "1002", "L%d" % i, "138%08d" % i)
        for i in range(0, 200, 3):
            self.call("1001" if i % 2 else "1002", "0138%08d" % i, NINE + i * 2 * MINUTE, i % 4 > 0)
        for i in range(0, 200, 10):
            self.s.event("lead.withdraw", agent="1002", lead="L%d" % i, ts=NINE + 2 * DAY)
        self.at("2026-11-25 18:00")
        self.daemon.settle()
        before = self.daemon.counters()
        self.assertEqual(len(before["callpace:lead:{1002}:2026-W48"]), 80)
        self.daemon.kill()
        self.daemon.wait()
        self.daemon.start()
        self.daemon.settle()
        self.assertEqual(self.daemon.counters(), before)
        with self.daemon.redis() as redis:
            redis("FLUSHALL")
        wait_until(lambda: self.daemon.counters() == before, "the view to be whole again")
        dump = subprocess.run([PROGRAMS["callpace"], "journal", "dump", "-c", self.daemon.path(
            "callpace.yaml")], check=True, stdout=subprocess.PIPE).stdout
        other = Daemon(self, roster_tree=roster(agent("1001"), agent("1002"))).start()
        sender = other.sender()
        sender.raw(dump)
        sender.finish()
        other.settle()
        self.assertEqual(other.counters(), before)


if __name__ == "__main__":
    harness.main()
