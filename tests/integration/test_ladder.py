"""Weeks that close, and the ladder: POLICY section 5."""
import os
import struct
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


def crc32c(data):
    """As doc/journal-format.md has it, from an LSN below 2^32 on."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


class Centre(unittest.TestCase):
    """A centre whose weeks are made of leads and of how many of them are reached."""

    def begin(self, *idents, **more):
        more.setdefault("roster_tree", roster(*[agent(i) for i in idents or ("1001",)]))
        self.daemon = Daemon(self, **more).start()
        self.s = self.daemon.sender("crm1")
        self.made = 0

    def issue(self, ident, count, week=0):
        for i in range(count):
            self.s.event("lead.issue", agent=ident, lead="%s-%d-%d" % (ident, week, i),
                         number="1%s%d%05d" % (ident, week, i), ts=NINE + week * 7 * DAY)

    def call(self, ident, i, week=0, at_ms=0, answered=True):
        self.made += 1
        call, start = "c%d" % self.made, NINE + week * 7 * DAY + at_ms
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

    def client(self, *words, fails=False):
        done = subprocess.run([PROGRAMS["callpace"], *words, "--json", "-c",
                               self.daemon.config_path], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        self.assertEqual(done.returncode != 0, fails, done.stderr)
        return done.stderr.decode() if fails else harness.json.loads(done.stdout)

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
        done = self.client("leads", "approve", "1001/2026-W45")
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
        self.client("leads", "reject", "1001/2026-W45")
        self.again()
        self.assertEqual((self.moves(), self.told("lead.reassigned")), ([], []))
        self.assertEqual(self.client("leads", "proposals")[0]["state"], "rejected")


class Points(Centre):
    def score(self, ident, *more):
        entry, = self.client("score", ident, *more)
        return entry

    def month(self, ident, week=0):
        return self.daemon.ask("agent", id=ident, day=day_of(week))["month"]

    def test_rungs_subtract_with_their_evidence(self):
        """POLICY 6: everybody starts each month with 100; each entry holds its evidence and
        the hash of the one before; it books into the month in which the week ends."""
        self.begin("1001", "1002")
        for week in range(2):
            self.play("1001", 5, 10, week)
            self.close(week)
        score = self.score("1001", "--month", "2026-11")
        self.assertEqual((score["agent"], score["points"]), ("1001", 97))
        first, second = score["entries"]
        self.assertEqual({k: first[k] for k in ("kind", "points", "period", "rung", "rate_bp",
                                                "threshold_bp", "policy_from", "at_ms")},
                         {"kind": "ladder", "points": -1, "period": "2026-W45", "rung": 1,
                          "rate_bp": 5000, "threshold_bp": 6000, "policy_from": "2016-01-01",
                          "at_ms": at("2026-11-09 00:00")})
        self.assertEqual((second["points"], second["before"]), (-2, first["hash"]))
        self.assertEqual(first["before"], "0" * 64)
        self.assertEqual(first["final_ms"], at("2026-11-12 00:00"))  # appeal: 3 days
        self.assertFalse(first["provisional"])
        self.assertTrue(second["provisional"])
        self.assertEqual((self.month("1001")["points"], self.month("1001")["offences"]), (97, 2))
        self.assertEqual((self.month("1002")["points"], self.month("1002")["offences"]), (100, 0))
        self.daemon.settle()
        with self.daemon.redis() as redis:
            shown = redis.hash("callpace:agent:{1001}:month:2026-11")
        self.assertEqual((shown["points"], shown["offences"]), ("97", "2"))
        self.play("1001", 5, 10, 4)  # ends in December: a new hundred
        self.close(4)
        self.assertEqual(self.score("1001", "--month", "2026-12")["points"], 99)
        self.assertEqual(len(self.client("score")), 2)

    def test_shadow_gives_no_points(self):
        self.begin(policy_tree=rules({"shadow": True, "rungs": RUNGS}))
        self.play("1001", 5, 10)
        self.close()
        self.assertEqual(self.score("1001")["points"], 100)
        self.assertEqual(self.score("1001")["entries"], [])

    def test_reviews_and_what_supervisors_enter(self):
        """POLICY 6: review.points, counted once per id; added and reversed with a reason;
        an entry is undone, never edited."""
        self.begin("1001", "1002")
        for ident in ("r1", "r1", "r2"):
            self.s.event("review.points", agent="1001", points=-5, reason="script", by="Li",
                         id=ident, ts=NINE)
        self.s.event("review.points", agent="1001", points=3, reason="reward", by="Li",
                     ts=at("2026-10-30 09:00"))
        self.s.wait_ack()
        self.assertEqual(self.score("1001")["points"], 90)
        self.assertEqual(self.score("1001", "--month", "2026-10")["points"], 103)
        entry = self.client("score", "add", "1001", "-2", "--reason", "test of knowledge",
                            "--by", "Zhang")
        self.assertEqual((entry["kind"], entry["points"], entry["by"]), ("manual", -2, "Zhang"))
        undone = self.client("score", "reverse", "1", "--reason", "appeal granted")
        self.assertEqual((undone["kind"], undone["points"], undone["reverses"]),
                         ("reversal", 5, 1))
        self.assertIn("already", self.client("score", "reverse", "1", "--reason", "x", fails=True))
        self.assertIn("reversal", self.client("score", "reverse", str(undone["number"]),
                                              "--reason", "x", fails=True))
        self.assertIn("no entry", self.client("score", "reverse", "99", "--reason", "x",
                                              fails=True))
        self.assertIn("no such agent", self.client("score", "add", "9", "1", "--reason", "x",
                                                   fails=True))
        self.assertIn("other than 0", self.client("score", "add", "1001", "0", "--reason", "x",
                                                  fails=True))
        before = self.score("1001")
        self.assertEqual(before["points"], 93)
        self.assertEqual([e["reversed"] for e in before["entries"]], [True, False, False, False])
        self.again()
        self.assertEqual(self.score("1001"), before)
        self.s.event("review.points", agent="1001", points=-5, reason="script", by="Li",
                     id="r2", ts=NINE)
        self.s.wait_ack()
        self.assertEqual(self.score("1001"), before)

    def test_a_changed_past_shows(self):
        """`callpace score verify` reads the chain from the journal."""
        self.begin()
        for i in range(3):
            self.client("score", "add", "1001", "-1", "--reason", "review %d" % i) \
                if i else self.s.event("review.points", agent="1001", points=-1, by="Li",
                                       reason="review 0", ts=NINE)
            self.s.wait_ack()
        self.assertEqual(self.client("score", "verify"), {"ok": True, "entries": 3, "error": None})
        self.daemon.stop()
        self.forge(b"review 1", b"review X")
        told = self.client("score", "verify", fails=True)
        self.assertIn("entry 2 of 1001 was changed", told)

    def forge(self, was, becomes):
        """Changes a record so well that its checksum fits."""
        folder = os.path.join(self.daemon.state_dir, "journal")
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                data = bytearray(file.read())
            where = data.find(was)
            if where < 0:
                continue
            for begin in range(where - 12, 0, -1):
                crc, length = struct.unpack_from("<II", data, begin)
                end = begin + 12 + length
                if end > where and length < 4096 and crc32c(data[begin + 4:end]) == crc:
                    data[where:where + len(was)] = becomes
                    struct.pack_into("<I", data, begin, crc32c(data[begin + 4:end]))
                    with open(path, "wb") as file:
                        file.write(data)
                    return
        self.fail("not found in the journal")


class Month(Centre):
    def calls(self, ident, count, talk_minutes, first_ms, members=0):
        """So many calls of equal talk, spread over the days from first_ms on."""
        talk = talk_minutes * MINUTE // count
        self.s.events([("call.end", dict(call="m%s-%d" % (ident, i), agent=ident, talk_ms=talk,
                                         ts=first_ms + talk * (i + 1))) for i in range(count)])
        self.s.events([("member.developed", dict(agent=ident, member="m%d" % i, ts=first_ms))
                       for i in range(members)])
        self.s.wait_ack()

    def month(self, ident, month="2026-11"):
        return self.daemon.ask("agent", id=ident, day=month + "-15")["month"]

    def small(self, **more):
        """Targets that a test can reach; confirmed agents have an alternative."""
        tree = rules()
        tree["policies"][0]["classes"]["veteran"]["month"] = {
            "calls": 20, "talk": "60m", "members": 7}
        tree["policies"][0]["alternatives"] = [{"calls": 10, "talk": "30m", "members": 9}]
        tree["policies"][0].update(more)
        return tree

    def test_the_four_outcomes(self):
        """POLICY 4: basic and incentive, each met or not; the alternative stands for both;
        attainment is the lower of calls and talk against target."""
        self.begin("1", "2", "3", "4", "5", policy_tree=self.small())
        for ident, calls, talk, members in (("1", 20, 60, 7), ("2", 25, 61, 6), ("3", 19, 80, 7),
                                            ("4", 15, 30, 0), ("5", 10, 30, 9)):
            self.calls(ident, calls, talk, NINE, members)
        self.s.tick(at("2026-11-30 23:59:59"))
        self.s.wait_ack()
        self.assertEqual(self.told("month.outcome"), [])
        self.s.tick(at("2026-12-01 00:00"))
        self.s.wait_ack()
        got = {i: self.month(i) for i in "12345"}
        self.assertEqual([(got[i]["basic"], got[i]["incentive"], got[i]["outcome"],
                           got[i]["attainment_bp"]) for i in "12345"], [
            ("met", "met", "base_and_bonus", 10000), ("met", "unmet", "base_only", 10000),
            ("unmet", "met", "bonus_less_100", 9500),
            ("unmet", "unmet", "by_attainment", 5000),
            ("alternative", "met", "base_and_bonus", 5000)])
        told = self.told("month.outcome")
        self.assertEqual([a["id"] for a in told],
                         ["%d/month.outcome/2026-11" % i for i in (1, 2, 3, 4, 5)])
        self.assertEqual(told[3]["outcome"], "by_attainment")
        self.assertEqual(told[3]["at_ms"], at("2026-12-01 00:00"))
        self.assertEqual(told[3]["numbers"]["attainment_bp"], 5000)
        self.assertEqual(told[3]["numbers"]["points"], 100)

    def test_a_closed_month_stands(self):
        """POLICY 3, end: late events move the counters and not the outcome; also through a
        restart. What was not judged is not told."""
        tree = roster(agent("1001"), agent("1002", hired="2026-11-26", confirmed_on=None))
        self.begin(policy_tree=self.small(), roster_tree=tree)
        self.calls("1001", 19, 60, NINE, 7)
        self.s.tick(at("2026-12-01 09:00"))
        self.calls("1001", 30, 10, at("2026-11-27 09:00"))
        for _ in range(2):
            month = self.month("1001")
            self.assertEqual((month["calls"], month["outcome"], month["attainment_bp"]),
                             (49, "bonus_less_100", 9500))
            self.assertEqual([a["agent"] for a in self.told("month.outcome")], ["1001"])
            self.again()

    def test_the_last_week_counts_into_its_month(self):
        """POLICY 5: offence and points book into the month in which the week ends, though
        both end in the same moment."""
        self.begin("1001")
        self.s.tick(at("2026-05-25 09:00"))
        for i in range(10):
            self.s.event("lead.issue", agent="1001", lead="L%d" % i, number="1380013800%d" % i,
                         ts=at("2026-05-25 09:00"))
        self.s.tick(at("2026-06-01 00:00"))
        self.s.wait_ack()
        alert, = self.told("month.outcome")
        self.assertEqual((alert["id"], alert["numbers"]["points"], alert["numbers"]["offences"]),
                         ("1001/month.outcome/2026-05", 99, 1))


if __name__ == "__main__":
    harness.main()
