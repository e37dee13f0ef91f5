"""callpace report: from the daemon and from the journal, in every format."""
import csv
import io
import json
import os
import subprocess
import unittest

import harness
from harness import HASH_DAY, PROGRAMS, Daemon, agent, at, roster, wait_until

HOSTILE = "=cmd|' /C calc'!A0,\"<b>王</b>\""


def callpace(daemon, *words, code=0):
    told = subprocess.run([PROGRAMS["callpace"], *words, "-c", daemon.config_path],
                          capture_output=True, timeout=60, env=dict(os.environ, LANG="C"))
    if told.returncode != code:
        raise AssertionError("callpace %s ended with %d: %s"
                             % (" ".join(words), told.returncode, told.stderr))
    return told.stdout.decode()


def rows(daemon, *words):
    return json.loads(callpace(daemon, "report", *words, "--json"))


class Reports(unittest.TestCase):
    def begin(self):
        people = roster(agent("1001", name=HOSTILE), agent("1002", team="blue"), agent("1003"))
        daemon = Daemon(self, roster_tree=people).start()
        s = daemon.sender("pbx1")
        for i in range(4):
            s.event("lead.issue", agent="1002", lead="l%d" % i, number="1380013800%d" % i,
                    ts=at("2026-11-23 08:00"))
        for day in ("2026-11-23", "2026-11-24"):
            for i in range(5):
                s.call("%s/%d" % (day, i), "1001" if i % 2 else "1002",
                       at(day + " 09:00") + i * 600000, talk_ms=60000 + i,
                       number="13800138000")
            s.tick(at(day + " 18:00"))
        s.event("member.developed", agent="1002", member="m1", ts=at("2026-11-24 18:01"))
        s.wait_ack()
        daemon.settle()
        return daemon

    def test_columns_are_the_fields_in_redis(self):
        daemon = self.begin()
        with daemon.redis() as redis:
            for row in rows(daemon, "day", "2026-11-23"):
                shown = redis.hash(HASH_DAY % (row["agent"], "2026-11-23"))
                row.pop("period")
                self.assertEqual({k: str(v) for k, v in row.items()}, shown)
            for row in rows(daemon, "week", "2026-W48"):
                shown = redis.hash("callpace:agent:{%s}:week:2026-W48" % row["agent"])
                self.assertEqual({k: str(row.get(k)) for k in shown}, shown)
            for row in rows(daemon, "month"):
                shown = redis.hash("callpace:agent:{%s}:month:2026-11" % row["agent"])
                self.assertEqual({k: str(row.get(k)) for k in shown}, shown)
        week = {r["agent"]: r for r in rows(daemon, "week", "2026-W48")}
        self.assertEqual((week["1002"]["calls"], week["1002"]["members"], week["1002"]["period"]),
                         (6, 1, "2026-W48"))
        self.assertEqual([week["1002"].get(k) for k in
                          ("leads_issued", "leads_reached", "contact_rate_bp", "points")],
                         [4, 1, 2500, 100])
        self.assertEqual(week["1003"]["days_missed"], 2)
        self.assertEqual([r["agent"] for r in rows(daemon, "day", "--team", "blue")], ["1002"])

    def test_the_journal_tells_the_same(self):
        daemon = self.begin()
        passing = ("lsn", "updated_ms", "node")
        asked = (["day", "2026-11-24"], ["week"], ["month", "2026-11"])
        before = [rows(daemon, *words) for words in asked]
        for _ in range(2):
            for words, told in zip(asked, before):
                again = rows(daemon, *words, "--state-dir", daemon.state_dir)
                for a, b in zip(told, again):
                    self.assertEqual({k: v for k, v in a.items() if k not in passing},
                                     {k: v for k, v in b.items() if k not in passing})
            if daemon.process.poll() is None:
                daemon.stop()
        self.assertEqual(rows(daemon, "day", "2026-11-24")[0]["calls"], before[0][0]["calls"])

    def test_csv_and_html_hold_hostile_names(self):
        daemon = self.begin()
        text = callpace(daemon, "report", "day", "--format", "csv")
        self.assertTrue(text.startswith("\ufeffagent,name,team,"))
        table = list(csv.DictReader(io.StringIO(text[1:], newline="")))
        self.assertEqual(table[1]["name"], "'" + HOSTILE)
        self.assertEqual(table[1]["calls"], "2")
        target = daemon.path("day.html")
        self.assertEqual(callpace(daemon, "report", "day", "--format", "html", "--lang", "zh",
                                  "-o", target), "")
        with open(target, encoding="utf-8") as file:
            page = file.read()
        self.assertIn("坐席日报 2026-11-24", page)
        self.assertNotIn("<b>王", page)
        self.assertIn("&lt;b&gt;王&lt;/b&gt;&quot;", page)
        plain = callpace(daemon, "report", "day").splitlines()
        self.assertEqual(plain[0].split("\t")[:3], ["agent", "name", "team"])
        self.assertEqual(len(plain), 4)

    def test_reports_are_written_once_when_a_period_has_closed(self):
        daemon = Daemon(self, roster_tree=roster(agent("1001", name="王")),
                        reports={"folder": "out", "daily": ["csv", "html"], "weekly": ["json"],
                                 "monthly": [], "after": "10m", "language": "zh"}).start()
        out = daemon.path("out")
        s = daemon.sender("pbx1")

        def files():
            return sorted(n for n in os.listdir(out) if n[0] != ".") if os.path.isdir(out) else []

        def after(text):
            s.tick(at(text))
            s.wait_ack()

        s.call("a", "1001", at("2026-11-27 09:00"), talk_ms=60000)
        after("2026-11-28 00:09")
        after("2026-11-28 00:10")
        wait_until(lambda: "day-2026-11-27.html" in files(), "the day's reports")
        self.assertEqual(files(), ["day-2026-11-27.csv", "day-2026-11-27.html"])
        with open(os.path.join(out, "day-2026-11-27.csv"), encoding="utf-8-sig", newline="") as f:
            self.assertEqual(f.read(), callpace(daemon, "report", "day", "2026-11-27", "--format",
                                                "csv", "--lang", "zh")[1:])
        # Late, and the file is somebody's already.
        with open(os.path.join(out, "day-2026-11-27.csv"), "w", encoding="utf-8") as f:
            f.write("mine")
        s.call("b", "1001", at("2026-11-27 10:00"), talk_ms=60000)
        s.wait_ack()
        os.remove(os.path.join(out, "day-2026-11-27.html"))
        daemon.stop()
        daemon.start()
        wait_until(lambda: "day-2026-11-27.html" in files(), "the report that is missing")
        with open(os.path.join(out, "day-2026-11-27.csv"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "mine")
        s = daemon.sender("pbx1", epoch="e2")
        after("2026-11-30 00:30")
        wait_until(lambda: "week-2026-W48.json" in files(), "the week's report")
        with open(os.path.join(out, "week-2026-W48.json"), encoding="utf-8") as f:
            self.assertEqual(json.load(f)[0]["calls"], 2)
        self.assertEqual(files(), ["day-2026-11-27.csv", "day-2026-11-27.html",
                                   "week-2026-W48.json"])

    def test_wrong_words(self):
        daemon = self.begin()
        for words in (["report"], ["report", "dya"], ["report", "day", "2026-W48"],
                      ["report", "day", "--format", "xls"], ["report", "day", "--team", "none"],
                      ["report", "day", "--team", "none", "--state-dir", daemon.state_dir]):
            callpace(daemon, *words, code=64)


if __name__ == "__main__":
    harness.main()
