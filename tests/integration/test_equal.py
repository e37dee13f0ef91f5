"""The same events, the same figures: whatever the reads, restarts, repetitions and
order; and the figures are those of the rules, by a reference written from their text."""
import datetime
import json
import pathlib
import random
import signal
import subprocess
import time

import harness
from harness import PROGRAMS, Daemon, Sender, wait_until
from plain_reference import Reference, Stream

SMALL = {"new": {"day": {"calls": 4, "talk": "9m"},
                 "month": {"calls": 100, "talk": "300m", "members": 60}},
         "veteran": {"day": {"calls": 7, "talk": "13m"},
                     "month": {"calls": 130, "talk": "400m", "members": 70}}}


def centre(count=20, first="2026-11-23", **changes):
    """A policy with small targets, and agents of every kind on it."""
    policy = harness.policy(classes=SMALL, **changes)
    agents = []
    day = datetime.date.fromisoformat(first)
    next_day, week_before = (str(day + datetime.timedelta(days=d)) for d in (1, -6))
    for n in range(count):
        fields = {"team": ("red", "blue")[n % 2], "extensions": ["PJSIP/%d" % (1001 + n)]}
        if n % 5 == 1:
            fields.update({"class": None, "confirmed_on": next_day, "hired": "2026-01-05"})
        if n % 5 == 2:
            fields.update({"class": "new", "confirmed_on": None, "hired": week_before})
        if n % 5 == 3:
            fields["leave"] = [{"from": first + " 13:20", "to": first + " 16:47"}]
        if n % 10 == 4:
            fields["leave"] = [{"from": first + " 00:00", "to": next_day + " 12:34"}]
        agents.append(harness.agent(str(1001 + n), **fields))
    return policy, harness.roster(*agents)


def text_of(events):
    return b"".join(json.dumps(e).encode() + b"\n" for e in events)


class Equal(harness.unittest.TestCase):
    maxDiff = 2000

    def daemon(self, rules, **more):
        policy, roster = rules
        return Daemon(self, policy_tree=policy, roster_tree=roster, **more).start()

    def feed(self, daemon, data, pieces=None, source="switch"):
        """Without hello, so nothing is acknowledged: a tick's arrival tells the end."""
        before = daemon.source(source)["events"]
        sender = Sender(daemon.address(source))
        for piece in pieces(data) if pieces else [data]:
            sender.raw(piece)
        wait_until(lambda: daemon.source(source)["events"] - before >= data.count(b"\n"),
                   "all events", 60)
        sender.close()
        daemon.settle()

    def seen(self, daemon):
        """The complete view and the alerts, less what tells of the way there."""
        daemon.settle()
        view = daemon.view()
        meta = view.pop("callpace:meta", None)
        self.assertIsNotNone(meta)
        view.pop("callpace:alerts", None)
        alerts = daemon.alerts()
        for fields in view.values():
            for passing in ("lsn", "node"):
                fields.pop(passing, None)
        told = sorted((a["id"], a["at_ms"], a["state"]) for a in alerts
                      if not a["id"].startswith(("redis/", "journal/", "switch/")))
        return view, told

    def assert_same(self, got, wanted):
        self.assertEqual(sorted(set(got[0]) ^ set(wanted[0])), [])
        for key in wanted[0]:
            self.assertEqual(got[0][key], wanted[0][key], key)
        self.assertEqual(got[1], wanted[1])

    def assert_reference(self, daemon, rules, events):
        wanted = Reference(*rules).feed(events).days()
        view = self.seen(daemon)[0]
        for (ident, date), fields in sorted(wanted.items()):
            got = view.get("callpace:agent:{%s}:day:%s" % (ident, date))
            if got is None:
                self.fail("no day %s of %s" % (date, ident))
            short = {k: got.get(k) for k in fields}
            self.assertEqual(short, {k: str(v) for k, v in fields.items()}, (ident, date))
        days = [k for k in view if ":agent:" in k and ":day:" in k]
        self.assertEqual(len(days), len(wanted))


# ---- the rules ----

CENTRES = {
    "plain": ({}, "2026-11-23", 3),
    "night": ({"business_day_starts": "04:00"}, "2026-11-26", 3),
    "holds": ({"count__talk_includes_hold": False, "count__min_talk": "30s"}, "2026-11-23", 2),
    "inbound": ({"count__directions": ["out", "in"], "count__min_talk": "5s",
                 "count__talk_includes_hold": False}, "2026-11-23", 2),
    "attempted": ({"count__call_counts_when": "attempted", "count__min_talk": "10s",
                   "leave": "full"}, "2026-11-23", 2),
    "berlin": ({"timezone": "Europe/Berlin", "business_day_starts": "04:00",
                "calendar__workdays": ["2026-10-25"], "calendar__holidays": ["2026-10-26"]},
               "2026-10-24", 3),
    "berlin_spring": ({"timezone": "Europe/Berlin", "calendar__workdays": ["2026-03-29"],
                       "shift__start": "01:00", "shift__breaks": [["02:30", "03:30"]]},
                      "2026-03-28", 3),
    "short": ({"count__max_call": "20m"}, "2026-11-23", 2),
}


class Rules(Equal):
    """Every agent's day is what the plain reference computes."""

    def check(self, name, seed):
        changes, first, days = CENTRES[name]
        rules = centre(20, first, **changes)
        events = Stream(seed, *rules, first, days).events
        daemon = self.daemon(rules)
        self.feed(daemon, text_of(events))
        self.assert_reference(daemon, rules, events)


def add_rules_test(name):
    def test(self):
        for seed in range(harness.OPTIONS.seeds):
            with self.subTest(seed=seed + harness.OPTIONS.first_seed):
                self.check(name, seed + harness.OPTIONS.first_seed)
    setattr(Rules, "test_" + name, test)


for centre_name in CENTRES:
    add_rules_test(centre_name)


class Ways(Equal):
    """The way of the events to the daemon leaves no trace."""

    def setUp(self):
        self.seed = harness.OPTIONS.first_seed
        self.rules = centre(16, "2026-11-23", count__max_call="2h")
        self.events = Stream(self.seed, *self.rules, "2026-11-23", 2, rate=8).events
        self.text = text_of(self.events)

    def lines(self, data):
        return data.splitlines(keepends=True)

    def chunks(self, data):
        r, at = random.Random(self.seed), 0
        while at < len(data):
            to = at + r.choice([1, 7, 100, 4096, 30000])
            yield data[at:to]
            at = to

    def whole(self):
        daemon = self.daemon(self.rules)
        self.feed(daemon, self.text)
        return self.seen(daemon)

    def test_reads_of_any_size(self):
        wanted = self.whole()
        self.assertTrue(wanted[1])
        for pieces in (self.lines, self.chunks):
            daemon = self.daemon(self.rules)
            self.feed(daemon, self.text, pieces)
            self.assert_same(self.seen(daemon), wanted)

    def test_restarts(self):
        wanted = self.whole()
        r = random.Random(self.seed)
        daemon = self.daemon(self.rules, journal={"segment": "1MiB"})
        lines = self.lines(self.text)
        cuts = sorted(r.sample(range(1, len(lines)), 5))
        for n, (a, b) in enumerate(zip([0] + cuts, cuts + [len(lines)])):
            self.feed(daemon, b"".join(lines[a:b]))
            if n == 5:
                break
            if n % 2:
                daemon.kill(signal.SIGKILL)
                daemon.wait()
                harness.reap_orphans(daemon.dir)
            else:
                daemon.stop()
            if n in (1, 2):
                for path in pathlib.Path(daemon.state_dir).rglob("*.snap"):
                    path.unlink()
            daemon.start()
        self.assert_same(self.seen(daemon), wanted)

    def dump(self, daemon):
        return subprocess.run([PROGRAMS["callpace"], "journal", "dump", "--state-dir",
                               daemon.state_dir], check=True, capture_output=True).stdout

    def test_dump_into_an_empty_daemon(self):
        first = self.daemon(self.rules, journal={"segment": "1MiB"})
        self.feed(first, self.text)
        wanted = first.counters()
        first.stop()
        second = self.daemon(self.rules)
        self.feed(second, self.dump(first))
        self.assertEqual(second.counters(), wanted)

    def test_repeated_and_out_of_order(self):
        first = self.daemon(self.rules)
        self.feed(first, self.text)
        r = random.Random(self.seed)
        calendar = Stream(0, *self.rules, "2026-11-23", 1).calendar
        days = {}
        for e in self.events[:-1]:
            days.setdefault(calendar.day_of(e["ts"]), []).append(e)
        events = []
        for day in sorted(days):
            again = days[day] * 2
            r.shuffle(again)
            events += again
        events += self.events
        daemon = self.daemon(self.rules)
        self.feed(daemon, text_of(events))
        same = ("calls_state", "talk_state", "state", "updated_ms")
        pure = lambda counters: {k: {f: v for f, v in fields.items() if f not in same}
                                 for k, fields in counters.items() if ":agent:" in k}
        got, wanted = pure(daemon.counters()), pure(first.counters())
        self.assertEqual(sorted(got), sorted(wanted))
        for key in wanted:
            self.assertEqual(got[key], wanted[key], key)


def options(parser):
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=int(time.time()) % 100000
                        if harness.os.environ.get("CALLPACE_RANDOM") else 1)


if __name__ == "__main__":
    harness.main(options)
