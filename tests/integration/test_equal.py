"""The same events, the same figures: whatever the reads, restarts, repetitions and
order; and the figures are those of the rules, by a reference written from their text."""
import copy
import datetime
import glob
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
    policy = harness.policy(classes=copy.deepcopy(SMALL), **changes)
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


class Absent(Equal):
    """Nobody watched: the daemon was down, or time leapt."""

    def missed(self, daemon):
        return sorted((a["id"], a["at_ms"], a["state"]) for a in daemon.alerts()
                      if a["type"] == "day.missed")

    def expect_missed(self, ident, days):
        return [("%s/day.missed/%s" % (ident, d), harness.at(d + " 18:00"), "raised")
                for d in days]

    def test_a_leap_over_days(self):
        """From Thursday's afternoon to Tuesday's morning."""
        rules = harness.policy(), harness.roster(harness.agent("1001"))
        for restart in (False, True):
            daemon = self.daemon(rules)
            s = daemon.sender("p")
            s.call("a", "1001", harness.at("2026-11-19 10:00"), talk_ms=60000)
            s.tick(harness.at("2026-11-19 16:00"))
            s.wait_ack()
            s.close()
            if restart:
                daemon.stop()
                daemon.start()
            s = daemon.sender("p")
            s.tick(harness.at("2026-11-24 08:00"))
            s.wait_ack()
            daemon.settle()
            days = ["2026-11-19", "2026-11-20", "2026-11-23"]
            self.assertEqual(self.missed(daemon), self.expect_missed("1001", days))
            states = [daemon.day("1001", "2026-11-%d" % d).get("state") for d in range(19, 24)]
            self.assertEqual(states, ["missed", "missed", "exempt", "exempt", "missed"])
            self.assertEqual(daemon.day("1001", "2026-11-19")["calls"], 1)
            self.assertFalse([a for a in daemon.alerts() if a["type"] == "day.behind" and
                              a["state"] == "raised" and a["at_ms"] > harness.at(
                                  a["period"] + " 18:00")])

    def test_down_over_midnight_by_the_wall_clock(self):
        """The real clock, moved by libfaketime."""
        libraries = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        if not libraries or b"asan" in open(PROGRAMS["callpaced"], "rb").read(1 << 22):
            self.skipTest("needs libfaketime and a build without sanitizers")
        # UTC; the centre is 8 hours ahead: Monday 17:00, then Wednesday 10:00.
        rules = harness.policy(coverage__floor=0.1), harness.roster(harness.agent("1001"))
        daemon = Daemon(self, clock="wall", policy_tree=rules[0], roster_tree=rules[1])
        path = daemon.path("redis.sock")  # its own: redis-server hangs under libfaketime
        redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save",
                                  "", "--dir", daemon.dir], stdout=subprocess.DEVNULL)
        self.addCleanup(redis.wait)
        self.addCleanup(redis.terminate)
        daemon.config["redis"] = {"url": "unix://" + path}
        daemon.write_config()

        def fake(when):
            return {"LD_PRELOAD": libraries[0], "TZ": "UTC", "FAKETIME": "@" + when,
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        daemon.start(fake("2026-11-23 08:00:00"))
        s = daemon.sender("p")
        s.call("a", "1001", harness.at("2026-11-23 16:00"), talk_ms=60000)
        s.wait_ack()
        daemon.kill()
        daemon.wait()
        harness.reap_orphans(daemon.dir)
        for minute in (0, 10):
            daemon.start(fake("2026-11-25 02:%02d:00" % minute))
            daemon.settle()
            self.assertEqual(self.missed(daemon), self.expect_missed("1001", ["2026-11-23"]))
            self.assertEqual(daemon.day("1001", "2026-11-23")["state"], "missed")
            self.assertEqual(daemon.day("1001", "2026-11-24")["state"], "unknown")
            self.assertEqual(daemon.day("1001", "2026-11-23")["calls"], 1)
            daemon.stop()


class Late(Equal):
    def test_a_backlog_loses_no_call(self):
        """Starts older than max_call whose ends follow at once are no lost calls."""
        rules = harness.policy(count__max_call="1m"), harness.roster(harness.agent("1001"))
        daemon = self.daemon(rules, clock="wall")
        now = int(time.time() * 1000)
        s = daemon.sender("p")
        for n in range(20):
            start = now - 6 * 3600_000 + n * 60_000
            s.event("call.start", call="c%d" % n, agent="1001", ts=start)
            s.wait_ack()  # every start in a tick of its own
            s.event("call.answer", call="c%d" % n, ts=start + 5000)
            s.event("call.end", call="c%d" % n, ts=start + 30_000)
            s.wait_ack()
        s.event("call.start", call="gone", agent="1001", ts=now - 7 * 3600_000)
        s.wait_ack()

        def told():
            return [a for a in daemon.alerts() if a["type"] == "call.lost_track"]
        wait_until(told, "the one call that was lost")
        self.assertEqual([a["numbers"]["started_ms"] for a in told()], [now - 7 * 3600_000])

    def test_a_loss_not_yet_told_survives_a_crash(self):
        rules = harness.policy(count__max_call="1m"), harness.roster(harness.agent("1001"))
        daemon = self.daemon(rules, clock="wall")
        s = daemon.sender("p")
        s.event("call.start", call="gone", agent="1001", ts=int(time.time() * 1000) - 3600_000)
        s.wait_ack()
        daemon.kill()
        daemon.wait()
        harness.reap_orphans(daemon.dir)
        daemon.start()

        def told():
            return [a for a in daemon.alerts() if a["type"] == "call.lost_track"]
        for _ in range(2):
            wait_until(told, "the lost call")
            self.assertEqual(len(told()), 1)
            daemon.stop()
            daemon.start()

    def test_a_gap_told_of_later_changes_the_day(self):
        rules = harness.policy(), harness.roster(harness.agent("1001"))
        events = [{"type": "call.start", "call": "a", "agent": "1001",
                   "ts": harness.at("2026-11-23 09:30")},
                  {"type": "tick", "ts": harness.at("2026-11-24 08:00")},
                  {"type": "source.gap", "from": harness.at("2026-11-23 15:00"),
                   "to": harness.at("2026-11-23 17:00"), "ts": harness.at("2026-11-24 08:01")},
                  {"type": "tick", "ts": harness.at("2026-11-24 08:02")}]
        for pieces in (None, lambda data: data.splitlines(keepends=True)):
            daemon = self.daemon(rules)
            self.feed(daemon, text_of(events), pieces)
            self.assert_reference(daemon, rules, events)
            self.assertEqual(daemon.day("1001", "2026-11-23")["coverage_bp"], 7500)


class Reload(Equal):
    """Other rules in the middle of the day, and what a restart makes of them."""

    def part(self, which):
        at = [harness.at("2026-11-24 11:00")]
        events = Stream(3, *self.before, "2026-11-23", 2, rate=8).events
        return text_of([e for e in events if (e["ts"] < at[0]) == (which == 0)])

    def setUp(self):
        self.before = centre(12, "2026-11-23")
        policy, roster = centre(13, "2026-11-23", count__min_talk="60s")
        policy["policies"][0]["classes"]["veteran"]["day"] = {"calls": 11, "talk": "33m"}
        roster["agents"][1]["team"] = "red"
        del roster["agents"][5]
        self.after = policy, roster

    def swap(self, daemon):
        daemon.write("policy.yaml", self.after[0])
        daemon.write("roster.yaml", self.after[1])

    def test_reload_then_restart(self):
        seen = []
        for restart in (None, "kill", "stop", "stop without snapshot"):
            daemon = self.daemon(self.before)
            self.feed(daemon, self.part(0))
            self.assertEqual(daemon.day("1001", "2026-11-24")["calls_target"], 7)
            self.swap(daemon)
            daemon.ask("reload")
            daemon.settle()
            self.assertEqual(daemon.day("1001", "2026-11-24")["calls_target"], 11)
            self.assertEqual(daemon.day("1001", "2026-11-23")["calls_target"], 7)
            self.restart(daemon, restart)
            self.feed(daemon, self.part(1))
            self.restart(daemon, restart)
            seen.append(self.seen(daemon))
            self.assert_same(seen[-1], seen[0])

    def restart(self, daemon, how):
        if not how:
            return
        if how == "kill":
            daemon.kill()
            daemon.wait()
            harness.reap_orphans(daemon.dir)
        else:
            daemon.stop()
        if how == "stop without snapshot":
            for path in pathlib.Path(daemon.state_dir).rglob("*.snap"):
                path.unlink()
        daemon.start()

    def test_files_changed_while_it_was_down(self):
        """A snapshot, then events, then a kill: they were counted by the old rules."""
        seen = []
        for snapshot in (True, False):
            daemon = self.daemon(self.before)
            self.feed(daemon, self.part(0))
            self.restart(daemon, "stop")
            self.feed(daemon, self.part(1))
            daemon.kill()
            daemon.wait()
            harness.reap_orphans(daemon.dir)
            found = list(pathlib.Path(daemon.state_dir).rglob("*.snap"))
            self.assertTrue(found)
            for path in [] if snapshot else found:
                path.unlink()
            self.swap(daemon)
            daemon.start()
            seen.append(self.seen(daemon))
        self.assert_same(seen[0], seen[1])


def options(parser):
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=int(time.time()) % 100000
                        if harness.os.environ.get("CALLPACE_RANDOM") else 1)


if __name__ == "__main__":
    harness.main(options)
