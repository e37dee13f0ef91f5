"""Points and the month: POLICY sections 4 and 6."""
import os
import struct

import harness
from harness import agent, at, roster
from ladder_case import Centre, MINUTE, NINE, RUNGS, day_of, rules


def crc32c(data):
    """As doc/journal-format.md has it, from an LSN below 2^32 on."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


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
