"""What the tests of closed weeks and months share: a centre whose weeks are made of leads."""
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
