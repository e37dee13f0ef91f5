"""callpace explain against the figures in Redis, from the journal of a daemon that
runs, was killed, or is stopped."""
import json
import subprocess
import unittest

import harness
from harness import HASH_DAY, PROGRAMS, Daemon, agent, at, roster

DAYS = ("2026-11-23", "2026-11-24", "2026-11-25")
AGENTS = ("1001", "1002", "1003", "1004")


def callpace(daemon, *words):
    told = subprocess.run([PROGRAMS["callpace"], *words, "-c", daemon.config_path],
                          capture_output=True, text=True, timeout=60)
    if told.returncode != 0:
        raise AssertionError("callpace %s ended with %d: %s"
                             % (" ".join(words), told.returncode, told.stderr))
    return told.stdout


def explain(daemon, *words):
    return json.loads(callpace(daemon, "explain", *words, "--json"))


class Explain(unittest.TestCase):
    def test_sums_are_the_figures_in_redis(self):
        daemon = Daemon(self, roster_tree=roster(*map(agent, AGENTS)),
                        journal={"segment": "64KiB"}).start()
        lines = subprocess.run([PROGRAMS["callpace"], "simulate", "--agents", str(len(AGENTS)),
                                "--days", str(len(DAYS)), "--seed", "7"],
                               capture_output=True, timeout=60, check=True).stdout
        sender = daemon.sender("pbx1")
        for number, line in enumerate(lines.splitlines()):
            event = json.loads(line)
            kind = event.pop("type")
            sender.event(kind, **event)
            if number % 97 == 0:  # said twice
                sender.event(kind, **event)
        sender.event("member.developed", agent="1001", member="m1", ts=at("2026-11-25 19:00"))
        sender.wait_ack()
        sender.close()
        daemon.settle()
        self.compare(daemon)
        daemon.kill()
        daemon.wait()
        self.compare_journal(daemon, self.seen)
        daemon.start()
        daemon.settle()
        self.compare(daemon)

    def compare(self, daemon):
        with daemon.redis() as redis:
            self.seen = {(a, d): redis.hash(HASH_DAY % (a, d)) for a in AGENTS for d in DAYS}
        self.compare_journal(daemon, self.seen)

    def compare_journal(self, daemon, seen):
        for ident in AGENTS:
            whole = explain(daemon, ident, "all", "--week", "2026-W48")
            for day in DAYS:
                entries = explain(daemon, ident, "all", "--day", day)
                self.assertEqual([e for e in whole if e["period"] == day],
                                 sorted(entries, key=lambda e: whole.index(e)))
                sums = {f: sum(e["credited"] for e in entries if e["figure"] == f)
                        for f in ("calls", "talk")}
                states = [e["state"] for e in entries if e["what"] == "state"]
                shown = seen[ident, day]
                self.assertEqual(sums, {"calls": int(shown["calls"]),
                                        "talk": int(shown["talk_ms"])})
                self.assertEqual(states[-1], shown["state"])
                for e in entries:
                    if e["figure"] != "state":
                        self.assertEqual("reason" not in e or e["reason"] == "overlap",
                                         e["credited"] > 0)
                        self.assertEqual(e["policy_from"], "2016-01-01")

    def test_reasons_and_forms(self):
        daemon = Daemon(self).start()
        nine = at("2026-11-23 09:00")
        s = daemon.sender("pbx1")
        s.call("good", "1001", nine, talk_ms=60000)
        s.event("call.end", call="good", ts=nine + 70000)
        s.event("call.start", call="inside", agent="1001", dir="internal", ts=nine + 100000)
        s.event("call.end", call="inside", ts=nine + 110000)
        s.event("call.start", call="lost", agent="1001", ts=nine + 200000)
        s.tick(nine + 5 * 3600 * 1000)
        s.wait_ack()
        by_call = {(e["call"], e["what"]): e.get("reason")
                   for e in explain(daemon, "1001", "calls")}
        self.assertEqual(by_call, {("good", "call"): None, ("good", "call.end"): "duplicate",
                                   ("inside", "call"): "internal",
                                   ("lost", "call"): "lost_track"})
        first = explain(daemon, "1001", "talk", "--day", "2026-11-23")[0]
        self.assertEqual((first["when"], first["credited"], first["rule"]),
                         ("2026-11-23T09:00:00+08:00", 60000, "POLICY 2"))
        self.assertIn("good", callpace(daemon, "explain", "1001"))
        self.assertEqual(explain(daemon, "1001", "--day", "2026-11-20"), [])
        self.assertEqual(explain(daemon, "nobody"), [])
        for words in (["explain"], ["explain", "1001", "tallk"],
                      ["explain", "1001", "--week", "2026-11-23"]):
            told = subprocess.run([PROGRAMS["callpace"], *words, "-c", daemon.config_path],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(told.returncode, 64, words)

    def test_rules_that_changed_are_those_of_the_day(self):
        """The day before the reload is explained by the rules of then."""
        daemon = Daemon(self, policy_tree=harness.policy(count__min_talk="30s")).start()
        monday, tuesday = at("2026-11-23 09:00"), at("2026-11-24 09:00")
        s = daemon.sender("pbx1")
        s.call("a", "1001", monday, talk_ms=20000)
        s.tick(tuesday)
        s.wait_ack()
        daemon.write("policy.yaml", harness.policy(count__min_talk="10s"))
        daemon.ask("reload")
        s.call("b", "1001", tuesday, talk_ms=20000)
        s.wait_ack()
        week = explain(daemon, "1001", "calls", "--week", "2026-W48")
        self.assertEqual([(e["call"], e.get("reason")) for e in week],
                         [("a", "too_short"), ("b", None)])


if __name__ == "__main__":
    harness.main()
