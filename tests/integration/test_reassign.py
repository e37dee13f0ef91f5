"""Undialled leads go to the best: POLICY section 5, reassignment."""
import harness
from harness import agent, roster
from ladder_case import Centre, DAY, HOUR, MINUTE, NINE, RUNGS, WEEKS, rules


class Reassign(Centre):
    """1001 (red) commits three offences; the third is judged by rung 3."""
    THIRD = [dict(RUNGS[2], points=-3)]

    def begin_third(self, idents=("1001", "1002", "1003"), tree=None, **reassign):
        more = {"reassign": reassign} if reassign else {}
        self.begin(policy_tree=rules(self.THIRD, **more),
                   roster_tree=tree or roster(*[agent(i) for i in idents]))

    def leads(self, ident, week=1):
        self.daemon.settle()
        with self.daemon.redis() as redis:
            return redis.hash("callpace:lead:{%s}:%s" % (ident, WEEKS[week]))

    def moves(self):
        return [(d["lead"], d.get("to")) for d in self.decisions() if d["type"] == "x.lead_move"]

    def test_requires_base_unmet(self):
        """POLICY 5, rung 3: below 70 % and poor basic habits; without them the week is short
        and no offence."""
        tree = rules(self.THIRD)
        tree["policies"][0]["classes"]["veteran"]["day"] = {"calls": 0, "talk": "0s"}
        self.begin(policy_tree=tree)
        self.play("1001", 6, 10)
        self.close()
        week = self.week("1001")
        self.assertEqual((week["state"], week.get("rung"), week["threshold_bp"]),
                         ("short", None, 7000))
        self.assertEqual(self.told("lead.reassigned"), [])

    def test_undialled_leads_go_to_the_best(self):
        """POLICY 5: receivers by contact rate, then calls, then id; they take turns in the
        order of issue; a dialled lead stays; received leads stay out of the rate."""
        self.begin_third(("1001", "1002", "1003", "1004", "1005"), receivers=2, receiver_cap=3)
        self.play("1001", 1, 8)
        self.call("1001", 1, 0, 5 * HOUR, answered=False)  # dialled: stays
        self.play("1002", 9, 10)
        self.play("1003", 10, 10)
        self.play("1004", 8, 10)  # the third best gets none
        self.play("1005", 3, 10)  # a giver itself: it gets none
        self.close()
        alert = self.told("lead.reassigned")[0]
        self.assertEqual(alert["id"], "1001/lead.reassigned/2026-W45")
        lead = "1001-0-%d"
        expected = [(lead % 2, "1003"), (lead % 3, "1002"), (lead % 4, "1003"), (lead % 5, "1002"),
                    (lead % 6, "1003"), (lead % 7, "1002")]
        self.assertEqual([(m["lead"], m["to"]) for m in alert["leads"]], expected)
        self.assertEqual({m["from"] for m in alert["leads"]}, {"1001"})
        # The cap of three each is used up: all of 1005's go to the pool.
        self.assertEqual(self.moves(), expected + [("1005-0-%d" % i, None) for i in range(3, 10)])
        self.assertEqual(self.leads("1003"), {lead % i: "11001000%03d,0,0,issued" % i
                                              for i in (2, 4, 6)})
        week = self.week("1003", 1)
        self.assertEqual((week["leads_issued"], week["leads_received"], week["state"]),
                         (0, 3, "none"))
        self.assertEqual(self.week("1001")["leads_issued"], 8)  # the closed week stands
        self.assertEqual(self.daemon.ask("score", id="1001")[0]["points"], 97)
        self.again()
        self.assertEqual(len(self.moves()), 13)
        self.assertEqual(len(self.told("lead.reassigned")), 2)

    def test_turns_among_equals_and_teams(self):
        """Equal rates: more calls first, then the id; other teams only with scope: site; an
        agent without productive time gets none."""
        people = [agent("1001"), agent("1003"), agent("1002"), agent("1004", team="blue"),
                  agent("1005", leave=[{"from": "2026-11-09", "to": "2026-11-15"}])]
        for scope, expected in (("team", ["1003", "1002", "1003"]),
                                ("site", ["1004", "1003", "1002"])):
            self.begin_third(tree=roster(*people), scope=scope)
            self.issue("1001", 3)
            for ident in ("1002", "1003", "1004", "1005"):
                self.play(ident, 1, 1)
            for ident, more in (("1004", 2), ("1003", 1)):
                for i in range(more):
                    self.call(ident, 900 + i, 0, 6 * HOUR + i * 5 * MINUTE)
            self.close()
            self.assertEqual([to for _, to in self.moves()], expected)

    def test_who_is_on_hold_receives_none(self):
        """1002 gets no leads for two weeks; in the second of them others give theirs away. A
        stranger who calls is judged by nothing, and receives nothing."""
        tree = rules([dict(RUNGS[1], weeks=2)])
        people = roster(agent("1001"), agent("1002"), agent("1003"))
        self.begin(policy_tree=tree, roster_tree=people)
        self.play("1002", 0, 5)
        self.close()
        later = dict(tree["policies"][0], **{"from": "2026-11-09"})
        later["contact"] = {"ladder": self.THIRD, "reassign": {"scope": "site"}}
        tree["policies"].append(later)
        self.daemon.write("policy.yaml", tree)
        self.daemon.ask("reload")
        self.issue("1001", 2, 1)
        self.play("1003", 1, 1, 1)
        self.play("stranger", 1, 1, 1)
        self.close(1)
        self.assertEqual(self.moves(), [("1001-1-0", "1003"), ("1001-1-1", "1003")])
        self.assertEqual(self.week("1002", 1)["state"], "none")
        self.assertNotIn("state", self.week("stranger", 1))

    def test_proposals_wait_for_approval(self):
        """reassign.mode: propose waits for callpace leads approve ID, with a preview of both
        sides; what changed meanwhile is left out."""
        self.begin_third(mode="propose")
        self.issue("1001", 3)
        self.play("1002", 2, 2)
        self.play("1003", 1, 1)
        self.close()
        alert, = self.told("lead.proposed")
        self.assertEqual([m["to"] for m in alert["leads"]], ["1002", "1003", "1002"])
        self.assertEqual(self.moves(), [])
        self.again()
        proposal, = self.client("leads", "proposals")
        self.assertEqual((proposal["id"], proposal["state"]), ("1001/2026-W45", "waiting"))
        self.assertEqual(proposal["giver"]["gives"], 3)
        self.assertEqual(proposal["giver"]["judged"]["contact_rate_bp"], 0)
        best = proposal["receivers"][0]
        self.assertEqual((best["agent"], best["gets"], best["judged"]["contact_rate_bp"],
                          best["begins"]["leads_received_after"]), ("1002", 2, 10000, 2))
        self.s.event("lead.withdraw", agent="1001", lead="1001-0-1", week=WEEKS[0],
                     ts=NINE + 7 * DAY)
        self.s.wait_ack()
        done = self.client("leads", "approve", alert["id"])
        self.assertEqual(done["state"], "approved")
        self.assertEqual(self.moves(), [("1001-0-0", "1002"), ("1001-0-2", "1002")])
        alert, = self.told("lead.reassigned")
        self.assertEqual(len(alert["leads"]), 2)
        self.assertIn("already", self.client("leads", "reject", "1001/2026-W45", fails=True))
        self.assertIn("no such", self.client("leads", "approve", "1001/2026-W44", fails=True))

    def test_a_rejected_proposal_moves_nothing(self):
        self.begin_third(mode="propose")
        self.issue("1001", 3)
        self.play("1002", 2, 2)
        self.close()
        self.assertIn("no such", self.client("leads", "reject", "1002", fails=True))
        self.client("leads", "reject", "1001")
        self.again()
        self.assertEqual((self.moves(), self.told("lead.reassigned")), ([], []))
        self.assertEqual(self.client("leads", "proposals")[0]["state"], "rejected")


if __name__ == "__main__":
    harness.main()
