"""Recordings of a real FreeSWITCH played to the daemon: each agent's counters in
Redis must be what the telephones saw. And what can go wrong with a switch."""
import threading
import time
import unittest

import harness
from ami_case import local_day, rules
from fake_freeswitch import Recording, Switch, frame
from harness import Daemon, wait_until

OUTCOMES = {"USER_BUSY": "busy", "NO_ANSWER": "no_answer", "ORIGINATOR_CANCEL": "cancelled"}
GRAIN_MS = 45  # the switch's, at both ends of a talk
AGENTS = [str(n) for n in range(1001, 1023)]


def union(spans):
    """Overlapping calls of one agent count once."""
    total = until = 0
    for begin, end in sorted(spans):
        total += max(0, end - max(begin, until))
        until = max(until, end)
    return total


def expected(truth, agent):
    sums = dict.fromkeys(("dials", "answered", "inbound", "talk_ms", "inbound_talk_ms", "no_answer",
                          "busy", "failed", "cancelled", "lost_track", "open_calls"), 0)
    talk = []
    for call in truth["calls"]:
        if call["agent"] != agent:
            continue
        talk_ms = call["talk_seconds"] * 1000
        if call["kind"] in ("queue", "inbound"):
            sums["inbound"] += call["answered"]
            sums["inbound_talk_ms"] += talk_ms
            continue
        sums["dials"] += 1
        talk.append((call["end"] * 1000 - talk_ms, call["end"] * 1000))
        why = "answered" if call["answered"] else \
            OUTCOMES.get(call["originate_disposition"], "failed")
        sums[why] += 1
    sums["talk_ms"] = union(talk)
    return sums


class EslCase(unittest.TestCase):
    def daemon(self, switch, clock="events", password="ClueCon", **more):
        tree, self.today = rules()
        self.zone = tree["timezone"]
        source = {"name": "fs1", "type": "esl", "connect": switch.address,
                  "password_file": "esl.secret", **more}
        people = harness.roster(*(harness.agent(a, extensions=[a]) for a in AGENTS))
        daemon = Daemon(self, clock=clock, policy_tree=tree, roster_tree=people, sources=[source])
        daemon.write("esl.secret", password)
        return daemon.start()

    def counters(self, daemon, agent, day):
        with daemon.redis() as redis:
            fields = redis.hash(harness.HASH_DAY % (agent, day))
        return {k: int(v) for k, v in fields.items() if v.isdigit()}

    def state(self, daemon, state, reason=""):
        def is_so():
            now = daemon.source("fs1")
            return now["state"] == state and reason in now.get("reason", "")
        wait_until(is_so, "the source to be %s: %s" % (state, reason))


class Recordings(EslCase):
    def differences(self, truth, daemon, day):
        daemon.settle()
        wrong = []
        for agent in AGENTS:
            told = self.counters(daemon, agent, day)
            for field, value in expected(truth, agent).items():
                calls = told.get("inbound" if field.startswith("inbound") else "answered", 0)
                slack = GRAIN_MS * calls if field.endswith("_ms") else 0
                if abs(told.get(field, 0) - value) > slack:
                    wrong.append("%s %s: %d, not %d" % (agent, field, told.get(field, 0), value))
        return wrong

    def check(self, scenario, form, cut):
        recording = Recording(scenario, form)
        done = threading.Event()

        def play(connection):
            if connection.login():
                connection.list(recording.list)
                connection.send(b"".join(recording.events), cut)
                done.set()
        switch = Switch(self, play)
        daemon = self.daemon(switch, events=form)
        self.assertTrue(done.wait(60), switch.failure)
        day = local_day(recording.truth["calls"][0]["start"], self.zone)
        until = time.monotonic() + 10
        while wrong := self.differences(recording.truth, daemon, day):
            if time.monotonic() > until:
                self.fail("; ".join(wrong))
            time.sleep(0.1)
        self.assertEqual(daemon.source("fs1")["refused"], 0)
        self.state(daemon, "up")
        return switch, daemon, day

    def test_all_at_once(self):
        switch, _, _ = self.check("mix-20-agents-200-calls", "plain", "once")
        for command in switch.connections[0].commands:
            self.assertIn(command.split()[0], ("auth", "event", "api"))

    def test_as_json_in_odd_pieces(self):
        self.check("mix-20-agents-200-calls", "json", "odd")

    def test_small_ones(self):
        for scenario, form in (("callcenter-queue", "plain"), ("transfer-refer", "json"),
                               ("click-to-dial", "plain")):
            with self.subTest(scenario=scenario):
                self.check(scenario, form, "odd")

    def test_a_call_that_was_up_before_us(self):
        _, daemon, day = self.check("connect-mid-call", "plain", "odd")
        self.assertAlmostEqual(self.counters(daemon, "1001", day)["ring_ms"], 440, delta=1)

    def test_hold(self):
        _, daemon, day = self.check("hold", "json", "odd")
        for agent in ("1001", "1002"):
            self.assertAlmostEqual(self.counters(daemon, agent, day)["hold_ms"], 2280, delta=20)


class Trouble(EslCase):
    def test_a_wrong_password_is_told_and_not_hammered(self):
        switch = Switch(self, lambda connection: connection.login())
        daemon = self.daemon(switch, password="wr0ng")
        self.state(daemon, "down", "the switch refused the password: -ERR invalid")
        wait_until(lambda: "-ERR invalid" in daemon.log(), "the log to say so")
        self.assertNotIn("wr0ng", daemon.log(), "a secret is no log line")
        first = switch.connections[0].opened
        wait_until(lambda: time.monotonic() > first + 5)
        self.assertEqual(len(switch.connections), 1, "a plain loss would be tried again after 1 s")

    def test_an_address_that_may_not_come(self):
        switch = Switch(self, lambda connection: (
            connection.send(frame("text/rude-rejection", b"Access Denied, go away.\n")),
            connection.close()))
        daemon = self.daemon(switch)
        self.state(daemon, "down", "refuses this host: Access Denied, go away.")

    def test_a_gap(self):
        """Of two calls that were up, one ended while nobody listened; its end comes too
        late to be seen, that of the other one comes in order."""
        recording = Recording("answered-outbound")
        creates = [e for e in recording.events if b"CHANNEL_HANGUP" not in e and
                   b"CHANNEL_UNBRIDGE" not in e]
        ends = [e for e in recording.events if b"CHANNEL_HANGUP_COMPLETE" in e]
        calls = sorted(recording.truth["calls"], key=lambda call: call["start"])
        gone, lives = calls[0], calls[1]
        returned = threading.Event()
        row = b'{"uuid":"%s","direction":"inbound","created_epoch":"%d","name":"x",' \
              b'"call_uuid":"%s","callstate":"ACTIVE"}'

        def script(connection):
            if not connection.login():
                return
            if not returned.is_set():
                connection.list()
                connection.send(b"".join(creates))
                wait_until(lambda: self.open_calls(gone["agent"]) and
                           self.open_calls(lives["agent"]))
                returned.set()
                connection.close()
                return
            ident = lives["uuid"].encode()
            connection.list(b'{"row_count":1,"rows":[%s]}' % (row % (ident, lives["start"], ident)))
            connection.send(b"".join(e for e in ends if ident in e))
        self.running = None
        switch = Switch(self, script)
        daemon = self.running = self.daemon(switch, clock="events")
        day = local_day(lives["start"], self.zone)

        def settled():
            daemon.settle()
            lost, done = (self.counters(daemon, c["agent"], day) for c in (gone, lives))
            return lost.get("lost_track") and done.get("answered") and (lost, done)
        lost, done = wait_until(settled, "both calls to be over")
        self.assertEqual((done["dials"], done.get("lost_track", 0)), (1, 0))
        self.assertAlmostEqual(done["talk_ms"], lives["talk_seconds"] * 1000, delta=GRAIN_MS)
        self.assertGreaterEqual(lost["dials"], 1)
        wait_until(lambda: [a for a in daemon.alerts() if a["type"] == "call.lost_track" and
                            a["agent"] == gone["agent"]], "the lost call's alert")
        self.state(daemon, "up")

    def open_calls(self, agent):
        try:
            day = local_day(1795458219, self.zone)
            return self.running and self.counters(self.running, agent, day).get("open_calls")
        except OSError:
            return None  # Redis is not up yet

    def test_a_switch_that_is_shut_down(self):
        def script(connection):
            if len(connection.switch.connections) == 1 and connection.login():
                connection.list()
                connection.send(frame("text/disconnect-notice", b"The system is being shut down."))
                connection.wait_closed()
            elif connection.login():
                connection.list()
        switch = Switch(self, script)
        daemon = self.daemon(switch, clock="wall")
        wait_until(lambda: len(switch.connections) > 1, "the second connection")
        self.state(daemon, "up")
        self.assertIn("The system is being shut down.", daemon.log())

    def test_another_service_answers(self):
        switch = Switch(self, lambda connection: connection.send(b"220 mail\r\n\r\n"))
        daemon = self.daemon(switch)
        self.state(daemon, "down", "no FreeSWITCH event socket answers there")


if __name__ == "__main__":
    harness.main()
