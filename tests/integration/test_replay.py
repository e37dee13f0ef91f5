"""callpace replay against a daemon that ran under the other rules from the start."""
import collections
import json
import os
import subprocess
import unittest

import harness
from harness import HASH_DAY, PROGRAMS, Daemon, agent, roster

AGENTS = ("1001", "1002", "1003", "1004", "1005")
DAYS = ("2026-11-23", "2026-11-24", "2026-11-25")
OLD = harness.policy()
LADDER = [{"below": 0.9, "points": -5, "action": "warn"},
          {"below": 0.9, "points": -2, "action": "hold_leads", "weeks": 1}]
NEW = harness.policy(count__min_talk="30s", count__directions=["out", "in"], pace__warmup="90m",
                     classes__veteran={"day": {"calls": 40, "talk": "80m"},
                                       "month": {"calls": 150, "talk": "200m", "members": 60}})
NEW["policies"][0]["contact"] = {"ladder": LADDER, "reached_contacts": 1}


def callpace(*words, code=0):
    told = subprocess.run([PROGRAMS["callpace"], *words], capture_output=True, text=True,
                          timeout=120)
    if told.returncode != code:
        raise AssertionError("callpace %s ended with %d: %s"
                             % (" ".join(words), told.returncode, told.stderr))
    return told


def history():
    """Three days and a bit, with a gap, and now and then an event said twice. Every third
    number is a lead of the week, which closes, and so does the month."""
    leads = collections.defaultdict(set)
    lines = callpace("simulate", "--agents", str(len(AGENTS)), "--days", str(len(DAYS)),
                     "--seed", "11", "--gap", "14:00-14:20").stdout.splitlines()
    for number, line in enumerate(lines):
        event = json.loads(line)
        owner, called = event.get("agent"), event.get("number")
        if called and number % 3 == 0 and called not in leads[owner]:
            leads[owner].add(called)
            yield {"type": "lead.issue", "agent": owner, "number": called, "ts": event["ts"],
                   "lead": "%s/%d" % (owner, len(leads[owner]))}
        yield event
        if number % 53 == 0:
            yield event
    yield {"type": "tick", "ts": harness.at("2026-12-01 08:00")}


class Replay(unittest.TestCase):
    def daemon(self, rules):
        return Daemon(self, policy_tree=rules, roster_tree=roster(*map(agent, AGENTS)),
                      journal={"segment": "64KiB"}).start()

    def feed(self, daemon, events, producer="pbx1"):
        sender = daemon.sender(producer)
        for event in events:
            sender.event(event["type"], **{k: v for k, v in event.items() if k != "type"})
        sender.wait_ack()
        sender.close()
        daemon.settle()

    def figures(self, daemon):
        """(agent, period, field): value, for what replay compares."""
        found = {}
        with daemon.redis() as redis:
            for ident in AGENTS:
                for day in DAYS:
                    shown = redis.hash(HASH_DAY % (ident, day))
                    for field in ("calls", "talk_ms", "members", "state"):
                        found[ident, day, field] = shown[field]
                for kind, period in (("week", "2026-W48"), ("month", "2026-11")):
                    shown = redis.hash("callpace:agent:{%s}:%s:%s" % (ident, kind, period))
                    for field in shown:
                        if field != "lsn":
                            found[ident, period, field] = shown[field]
        return found

    def raised(self, daemon):
        return collections.Counter(a["type"] for a in daemon.alerts() if a["state"] == "raised")

    def replay(self, daemon, *words):
        told = callpace("replay", "--policy", daemon.write("new.yaml", NEW), "--state-dir",
                        daemon.state_dir, *words, "--json")
        return [json.loads(line) for line in told.stdout.splitlines()], told.stderr

    def test_is_what_a_daemon_under_those_rules_came_to(self):
        events = list(history())
        was, other = self.daemon(OLD), self.daemon(NEW)
        half = len(events) // 2
        self.feed(was, events[:half])
        was.kill()
        was.wait()
        was.start()
        self.feed(was, events[half:])
        self.feed(other, events)
        before = self.files(was)
        changes, totals = self.replay(was)
        self.assertEqual(self.files(was), before)
        expected, reached = self.figures(other), self.figures(was)
        self.assertNotEqual(expected, reached)
        for change in changes:
            key = change["agent"], change["period"], change["field"]
            if key[1] not in DAYS + ("2026-W48", "2026-11"):
                continue
            self.assertEqual(reached.get(key), None if change["was"] is None
                             else str(change["was"]), change)
            self.assertNotEqual(change["was"], change["becomes"])
            reached[key] = None if change["becomes"] is None else str(change["becomes"])
        reached = {key: value for key, value in reached.items() if value is not None}
        self.assertEqual(reached, expected)
        fields = {(c["period"], c["field"]) for c in changes}
        self.assertLessEqual({("2026-W48", "contact_rate_bp"), ("2026-11", "points"),
                              ("2026-11", "outcome")}, fields)
        for kind, count in self.raised(other).items():
            self.assertRegex(totals, r"alerts\t%s\t%d\t%d\n" % (kind, self.raised(was)[kind], count))

    def files(self, daemon):
        """What stands in the state directory; the daemon goes on meanwhile."""
        where = os.path.join(daemon.state_dir, "journal")
        return {name: os.stat(os.path.join(where, name)).st_size
                for name in os.listdir(where) if name.endswith(".snap")}

    def test_the_same_rules_change_nothing(self):
        daemon = self.daemon(NEW)
        self.feed(daemon, history())
        changes, totals = self.replay(daemon)
        self.assertEqual(changes, [])
        self.assertIn("0 changes", totals)

    def test_chosen_days_and_agents(self):
        daemon = self.daemon(OLD)
        self.feed(daemon, history())
        everything, _ = self.replay(daemon)
        some, _ = self.replay(daemon, "--agents", "1002,1004", "--from", DAYS[1], "--to", DAYS[1])
        self.assertEqual(some, [c for c in everything if c["agent"] in ("1002", "1004") and
                                c["period"] in (DAYS[1], "2026-11")])
        self.assertTrue(some)

    def test_wrong_rules_and_words(self):
        daemon = self.daemon(OLD)
        self.feed(daemon, [])
        bad = daemon.write("bad.yaml", dict(OLD, polices=[]))
        told = callpace("replay", "--policy", bad, "--state-dir", daemon.state_dir, code=78)
        self.assertIn("bad.yaml:1:", told.stderr)
        callpace("replay", "--state-dir", daemon.state_dir, code=64)
        callpace("replay", "--policy", bad, "--from", "yesterday", code=64)
        callpace("replay", "--policy", daemon.path("none"), "--state-dir", daemon.state_dir, code=78)


if __name__ == "__main__":
    harness.main()
