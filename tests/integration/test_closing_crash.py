"""A crash in the middle of the closing of a week and a month: POLICY sections 4 to 6. What
was decided is not decided again, and what follows is not forgotten."""
import json
import os
import random
import shutil
import struct
import subprocess
import unittest

import harness
from harness import Daemon, PROGRAMS, agent, at, policy, roster

MINUTE, HOUR, DAY = 60000, 3600000, 24 * 3600000
FIRST = at("2026-05-04 09:00")  # a Monday; the fourth week from it ends with the month
CLOSING = at("2026-06-01 00:00")
DECISIONS = {"x.week_closed", "x.points", "x.lead_hold", "x.proposal", "x.lead_move",
             "x.month_closed", "x.alert"}


def rules():
    tree = policy()
    tree["policies"][0]["contact"] = {"reached_contacts": 1}
    tree["policies"][0]["pace"] = {"warmup": "9h", "behind_below": 0.8, "hold_down": "15m"}
    return tree


class Crash(unittest.TestCase):
    def begin(self, idents):
        people = roster(*[agent(i) for i in idents])
        self.daemon = Daemon(self, policy_tree=rules(), roster_tree=people).start()
        return self.daemon.sender("crm1")

    def week(self, s, ident, week, issued, reached):
        """So many leads, the first of them reached."""
        monday = FIRST + week * 7 * DAY
        events = []
        for i in range(issued):
            number = "1%s%d%04d" % (ident, week, i)
            events.append(("lead.issue", dict(agent=ident, lead="L" + number, number=number,
                                              ts=monday)))
            if i < reached:
                events.append(("call.end", dict(call="c" + number, agent=ident, number=number,
                                                talk_ms=60000, ts=monday + (i + 2) * MINUTE)))
        s.events(events)

    def decided(self, daemon):
        dump = subprocess.run([PROGRAMS["callpace"], "journal", "dump", "--all", "-c",
                               daemon.config_path], check=True, stdout=subprocess.PIPE).stdout
        found = [json.loads(line) for line in dump.splitlines()]
        return [{k: v for k, v in d.items() if k != "now_ms"} for d in found
                if d["type"] in DECISIONS]

    def shown(self, daemon):
        daemon.settle()
        return daemon.counters(), [daemon.ask("score", month=month)
                                   for month in ("2026-05", "2026-06")]

    def frames(self, path):
        """The places behind every record of a segment."""
        with open(path, "rb") as file:
            data = file.read()
        place, = struct.unpack_from("<I", data, 20)
        ends = []
        while place + 12 <= len(data):
            length, = struct.unpack_from("<I", data, place + 4)
            place += 12 + length
            ends.append(place)
        return ends

    def cut_copy(self, end):
        """A daemon that finds the journal as it was when only so much was on disk."""
        other = Daemon(self, policy_tree=rules())
        other.write("roster.yaml", open(self.daemon.path("roster.yaml"), encoding="utf-8").read())
        shutil.copytree(os.path.join(self.kept, "journal"),
                        os.path.join(other.state_dir, "journal"))
        os.chmod(other.state_dir, 0o700)
        with open(os.path.join(other.state_dir, "journal", self.segment), "r+b") as file:
            file.truncate(end)
        other.start()
        s = other.sender("crm1")
        s.tick(CLOSING)
        s.wait_ack()
        return other

    def test_cut_off_behind_every_record(self):
        """One agent is warned, one gets no leads, one loses its undialled ones, and the month
        ends: whatever of it was on disk when the machine died, the end is the same."""
        s = self.begin(("1001", "1002", "1003", "1004"))
        offences = {"1001": (3,), "1002": (2, 3), "1003": (0, 1, 3)}  # 1003: no leads in 2
        for week in range(4):
            for ident, weeks in offences.items():
                if (ident, week) != ("1003", 2):
                    self.week(s, ident, week, 4, 1 if week in weeks else 4)
            self.week(s, "1004", week, 2, 2)
        s.tick(CLOSING - 1)
        s.wait_ack()
        before = self.daemon.status()["lsn"]
        s.tick(CLOSING)
        s.wait_ack()
        expected, view = self.decided(self.daemon), self.shown(self.daemon)
        kinds = [d["type"] for d in expected]
        self.assertEqual(kinds.count("x.proposal"), 1)
        self.assertEqual(kinds.count("x.lead_move"), 3)
        self.assertEqual(kinds.count("x.month_closed"), 5)
        self.daemon.kill()
        self.daemon.wait()
        self.kept = self.daemon.state_dir
        folder = os.path.join(self.kept, "journal")
        self.segment, = [n for n in os.listdir(folder) if n.endswith(".seg")]
        ends = self.frames(os.path.join(folder, self.segment))
        self.assertGreater(len(ends) - before, 20)
        for n, end in enumerate(ends[before:]):
            # every fifth time in the middle of the record that follows
            other = self.cut_copy(end + (7 if n % 5 == 4 and end != ends[-1] else 0))
            self.assertEqual(self.decided(other), expected, "cut behind record %d" % (before + n))
            if n % 4 == 0:
                self.assertEqual(self.shown(other), view)
            other.stop()

    def test_killed_while_it_closes(self):
        """SIGKILL at some moment while a hundred weeks close, again and again."""
        idents = ["%d" % i for i in range(1001, 1101)]
        chance = random.Random(7)
        s = self.begin(idents)
        for n, ident in enumerate(idents):
            self.week(s, ident, 0, 4, n % 5)
        s.tick(FIRST + 5 * DAY)
        s.wait_ack()
        sunday = FIRST + 7 * DAY - 9 * HOUR
        for _ in range(4):
            s.tick(sunday)
            harness.time.sleep(chance.random() * 0.02)
            self.daemon.kill()
            self.daemon.wait()
            self.daemon.start()
            s = self.daemon.sender("crm1")
        s.tick(sunday)
        s.wait_ack()
        decided = self.decided(self.daemon)
        closed = [d.get("agent") for d in decided if d["type"] == "x.week_closed"]
        self.assertEqual(closed, idents + [None])
        short = [ident for n, ident in enumerate(idents) if n % 5 < 3]
        self.assertEqual([d["agent"] for d in decided if d["type"] == "x.points"], short)
        told = [d["id"] for d in decided if d["type"] == "x.alert" and "contact.warning" in d["id"]]
        self.assertEqual(told, ["%s/contact.warning/2026-W19" % ident for ident in short])


if __name__ == "__main__":
    harness.main()
