"""Recordings of a real Asterisk played byte for byte to the daemon: each agent's
counters in Redis must be what the telephones saw."""
import os
import threading
import time

import harness
from ami_case import AGENTS, AmiCase, local_day
from fake_asterisk import Player, Recording, Switch
from harness import wait_until

LOADED_S = 0.5  # without time stamps a time is when the daemon came to read
HARMLESS = {"Login", "Ping", "Status", "ListCommands"}


# ---- what the telephones say ----

def outcome_of(call):
    """What became of an attempt, by the answers that the customer's telephone gave."""
    if call["answered"]:
        return "answered"
    if call["agent_leg"]["ended_by"] == "switch died":
        return "failed"
    code = call["customer_leg"]["sip"]
    if code == 487:
        return "cancelled" if call["agent_leg"]["ended_by"] == "local" else "no_answer"
    return {486: "busy", 480: "no_answer", 603: "no_answer"}.get(code, "failed")


def received(truth, agent):
    """A transfer that an agent received is an inbound call of its own."""
    return sum(segment.get("agent") == agent for call in truth["calls"]
               for segment in (call.get("segments") or [])[1:])


def expected(truth, agent):
    sums = truth["per_agent"].get(agent) or dict.fromkeys(truth["totals"], 0)
    counts = {k: 0 for k in ("no_answer", "busy", "failed", "cancelled")}
    for call in truth["calls"]:
        if call["kind"] == "outbound" and call["agent"] == agent and call["counts_as_attempt"] \
                and not call["answered"]:
            counts[outcome_of(call)] += 1
    return {"dials": sums["out_attempts"], "answered": sums["out_answered"],
            "inbound": sums["in_answered"] + received(truth, agent),
            "talk_ms": sums["out_talk_s"] * 1000,
            "inbound_talk_ms": (sums["in_talk_s"] + sums["xfer_talk_s"]) * 1000,
            "lost_track": 0, "open_calls": 0, **counts}


def expected_over_gap(truth, agent):
    """What lay wholly in the gap was not seen; what ended in it is lost without talk."""
    sums = expected(truth, agent)
    if agent in ("agent10", "agent12"):
        return {k: 0 for k in sums}
    if agent == "agent01":
        sums.update(talk_ms=0, lost_track=1)
    return sums


class Recordings(AmiCase):
    def play(self, scenario, user, cut, clock, skew_s):
        recording = Recording(scenario, user)
        player = Player(recording, cut, skew_s)
        switch = Switch(self, player)
        daemon = self.daemon(switch, clock)
        if not player.done.wait(200):
            raise switch.failure or AssertionError("not played to its end:\n" + daemon.log())
        return recording, switch, daemon

    def differences(self, recording, daemon, day, timed, truth_of):
        daemon.settle()
        more_s = {"d_transfers": 0.4, "f_reconnect": 1.0}.get(recording.scenario, 0) + LOADED_S
        wrong = []
        for agent in AGENTS:
            told = self.counters(daemon, agent, day)
            for field, value in truth_of(recording.truth, agent).items():
                slack = 0
                if field.endswith("_ms"):
                    calls = told.get("inbound" if field.startswith("inbound") else "answered", 0)
                    slack = (0.06 * (calls + 1) + more_s) * 1000 if timed else float("inf")
                if abs(told.get(field, 0) - value) > slack:
                    wrong.append("%s %s: %d, not %d" % (agent, field, told.get(field, 0), value))
        return wrong

    def check_counters(self, *seen):
        """What the switch said last may still be on its way."""
        until = time.monotonic() + 5
        while wrong := self.differences(*seen):
            if time.monotonic() > until:
                self.fail("; ".join(wrong))
            time.sleep(0.1)

    def check_actions(self, switch):
        for connection in switch.connections:
            self.assertLessEqual({a["Action"] for a in connection.actions}, HARMLESS)
            for login in connection.asked("Login"):
                self.assertEqual((login["Username"], login["Secret"]), ("callpace", "labsecret"))
                self.assertEqual(login["Events"], "call,agent,system")
        self.assertEqual(len(switch.connections[-1].asked("Login")), 1)
        self.assertTrue(switch.connections[-1].asked("Status"), "it asks for the live channels")

    def check(self, scenario, user, cut, clock="wall", timed=True, truth_of=expected,
              skew_s=0):
        recording, switch, daemon = self.play(scenario, user, cut, clock, skew_s)
        day = self.today
        if clock == "events":
            day = local_day(recording.truth["meta"]["wall_from"], self.zone)
        self.check_counters(recording, daemon, day, timed, truth_of)
        self.check_actions(switch)
        self.assertEqual(daemon.source("pbx1")["refused"], 0)
        return switch, daemon

    def together(self, *jobs):
        """Each job (a function and its arguments) in a thread: they mostly wait."""
        failures = []

        def run(job):
            try:
                job[0](*job[1:])
            except BaseException as failure:
                failures.append("%s: %s" % (job[1:], failure))
        threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertFalse(failures, "\n".join(failures))

    def test_all_at_once(self):
        for scenario in ("b_dispositions", "c_queue", "d_transfers", "e_mix"):
            for user in ("ami", "ami-min"):
                with self.subTest(scenario=scenario, user=user):
                    self.check(scenario, user, "once", timed=False)

    def test_in_odd_pieces(self):
        self.check("e_mix", "ami-min", "odd", timed=False)
        self.check("c_queue", "ami", "odd", timed=False)

    def test_with_time_stamps_time_is_the_switchs(self):
        for scenario in ("a_smoke_ts", "h_sysname_reload"):
            for cut in ("once", "odd"):
                with self.subTest(scenario=scenario, cut=cut):
                    self.check(scenario, "ami", cut, clock="events")
                    self.check(scenario, "ami-min", cut, clock="events")

    def test_in_real_time(self):
        self.together((self.check, "a_smoke", "ami-min", "real"),
                      (self.check, "h_sysname_reload", "ami-min", "real"),
                      (self.check_gap,), (self.check_gap, -3600), (self.check_killed,))

    def test_long_ones_in_real_time(self):
        """Minutes: only where CALLPACE_LONG is set."""
        if not os.environ.get("CALLPACE_LONG"):
            self.skipTest("CALLPACE_LONG is not set")
        self.together(*((self.check, scenario, "ami-min", "real") for scenario in
                        ("b_dispositions", "c_queue", "d_transfers", "e_mix")))

    def check_gap(self, skew_s=0):
        """The client itself was away for six seconds, with calls up."""
        _, daemon = self.check("f_reconnect", "ami", "real", truth_of=expected_over_gap,
                               skew_s=skew_s)
        changes = self.changes(daemon)
        self.assertEqual([c["change"] for c in changes][-3:], ["up", "down", "up"])
        self.assertAlmostEqual(changes[-1]["at_ms"] - changes[-2]["at_ms"], 6000, delta=1000)
        wait_until(lambda: [a for a in daemon.alerts() if a["type"] == "call.lost_track" and
                            a["agent"] == "agent01"], "the lost call's alert")

    def check_killed(self):
        """The switch was killed with calls up, and came back two seconds later."""
        switch, daemon = self.check("g_kill9", "ami", "real")
        self.assertEqual([c["change"] for c in self.changes(daemon)][-3:], ["up", "down", "up"])
        first, second, third = (c.opened for c in switch.connections)
        del first
        self.assertGreater(third - second, 1.5, "it waits longer after every failure")


if __name__ == "__main__":
    harness.main()
