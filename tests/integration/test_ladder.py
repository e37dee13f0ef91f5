"""Weeks that close, and the ladder: POLICY section 5."""
import subprocess
import unittest

import harness
from harness import Daemon, PROGRAMS, agent, at, policy, roster

NINE = at("2026-11-02 09:00")  # the Monday of 2026-W45
MINUTE, HOUR, DAY = 60000, 3600000, 24 * 3600000
WEEKS = ["2026-W45", "2026-W46", "2026-W47", "2026-W48", "2026-W49"]
RUNGS = [{"below": 0.60, "points": -1, "action": "warn"},
         {"below": 0.65, "points": -2, "action": "hold_leads", "weeks": 1},
         {"below": 0.70, "points": -3, "action": "reassign_undialled",
          "requires": "base_unmet"}]


def rules(ladder=None, **contact):
    tree = policy()
    tree["policies"][0]["contact"] = dict(contact, ladder=ladder or RUNGS)
    return tree


class Centre(unittest.TestCase):
    """A centre whose weeks are made of leads and of how many of them are reached."""

    def begin(self, *idents, **more):
        more.setdefault("roster_tree", roster(*[agent(i) for i in idents or ("1001",)]))
        self.daemon = Daemon(self, **more).start()
        self.s = self.daemon.sender("crm1")
        self.calls = 0

    def issue(self, ident, count, week=0):
        for i in range(count):
            self.s.event("lead.issue", agent=ident, lead="%s-%d-%d" % (ident, week, i),
                         number="1%s%d%05d" % (ident, week, i), ts=NINE + week * 7 * DAY)

    def call(self, ident, i, week=0, at_ms=0, answered=True):
        self.calls += 1
        call, start = "c%d" % self.calls, NINE + week * 7 * DAY + at_ms
        self.s.event("call.start", call=call, agent=ident, ts=start,
                     number="1%s%d%05d" % (ident, week, i))
        if answered:
            self.s.event("call.answer", call=call, ts=start + 5000)
        self.s.event("call.end", call=call, ts=start + 65000)

    def play(self, ident, reached, issued, week=0):
        """A week: so many issued, so many of them reached."""
        self.issue(ident, issued, week)
        for i in range(reached):
            self.call(ident, i, week, HOUR + i * 5 * MINUTE)
            self.call(ident, i, week, HOUR + i * 5 * MINUTE + 2 * MINUTE)

    def close(self, week=0):
        self.s.tick(NINE - 9 * HOUR + (week + 1) * 7 * DAY)
        self.s.wait_ack()

    def week(self, ident, week=0):
        return self.daemon.ask("agent", id=ident, day=day_of(week))["week"]

    def told(self, *types):
        return [a for a in self.daemon.alerts() if a["type"] in types]

    def decisions(self):
        dump = subprocess.run([PROGRAMS["callpace"], "journal", "dump", "--all", "-c",
                               self.daemon.config_path], check=True, stdout=subprocess.PIPE)
        return [harness.json.loads(line) for line in dump.stdout.splitlines()]

    def again(self):
        """A daemon that was killed and came back."""
        self.daemon.kill()
        self.daemon.wait()
        self.daemon.start()
        self.s = self.daemon.sender("crm1")


def day_of(week):
    return harness.datetime.datetime.fromtimestamp(
        (NINE + week * 7 * DAY) / 1000, harness.CHINA).strftime("%Y-%m-%d")


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


if __name__ == "__main__":
    harness.main()
