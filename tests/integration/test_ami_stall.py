"""The journal stalls while an Asterisk speaks: the switch is read on, so that it cuts
nobody off; what came is counted with the times at which it came; and where more comes
than is kept, the switch is left, and that is a gap."""
import resource
import threading
import time

import harness
from ami_case import AmiCase
from fake_asterisk import Switch
from harness import wait_until


def message(event, **fields):
    lines = ["Event: " + event] + ["%s: %s" % pair for pair in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def start(number):
    """agent01 dials and is answered."""
    agent, trunk = "%d.0" % number, "%d.1" % number
    return b"".join((
        message("Newchannel", Channel="PJSIP/agent01-%08d" % number, Uniqueid=agent,
                Linkedid=agent),
        message("Newchannel", Channel="PJSIP/trunk-%08d" % number, Uniqueid=trunk,
                Linkedid=agent),
        message("DialBegin", Uniqueid=agent, Linkedid=agent, DestUniqueid=trunk,
                DestLinkedid=agent, DialString="0600@trunk"),
        message("BridgeEnter", BridgeUniqueid="b%d" % number, Uniqueid=trunk, Linkedid=agent),
        message("BridgeEnter", BridgeUniqueid="b%d" % number, Uniqueid=agent, Linkedid=agent)))


def end(number):
    return message("Hangup", Uniqueid="%d.0" % number, Cause=16) + \
        message("Hangup", Uniqueid="%d.1" % number, Cause=16)


class Stall(AmiCase):
    def begin(self, script, **more):
        """A daemon that is up and whose journal cannot grow."""
        self.stalled = threading.Event()
        self.switch = Switch(self, script)
        daemon = self.daemon(self.switch, source_more=more)
        wait_until(lambda: daemon.source("pbx1")["state"] == "up", "the source to be up")
        self.limit(daemon, 64)
        wait_until(lambda: daemon.status()["journal"]["stalled"], "the journal to stall")
        self.stalled.set()
        return daemon

    def limit(self, daemon, size):
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE,
                         (size, resource.RLIM_INFINITY))

    def recover(self, daemon):
        self.limit(daemon, resource.RLIM_INFINITY)
        wait_until(lambda: not daemon.status()["journal"]["stalled"], "the journal to recover")

    def calls(self, daemon, count):
        def counted():
            daemon.settle()
            return self.counters(daemon, "agent01", self.today).get("answered") == count
        wait_until(counted, "%d calls" % count)
        return self.counters(daemon, "agent01", self.today)

    def test_read_on_and_counted_with_its_times(self):
        said = threading.Event()
        pauses = []

        def script(_, connection):
            connection.login()
            self.stalled.wait(60)
            for number in range(1, 4):
                connection.send(start(number))
                began = time.monotonic()
                time.sleep(0.7)
                connection.send(end(number))
                pauses.append(time.monotonic() - began)
            said.set()
        daemon = self.begin(script)
        self.assertTrue(said.wait(60))
        time.sleep(1)
        self.assertEqual(daemon.source("pbx1")["events"], 0, "nothing is taken in a stall")
        self.recover(daemon)
        counters = self.calls(daemon, 3)
        self.assertAlmostEqual(counters["talk_ms"], sum(pauses) * 1000, delta=300)
        self.assertEqual(len(self.switch.connections), 1)
        self.assertEqual(daemon.source("pbx1")["gaps"], 0)

    def test_too_much_is_a_gap(self):
        def script(_, connection):
            connection.login()
            self.stalled.wait(60)
            if len(self.switch.connections) > 1:
                return
            number = 0
            while not connection.closed and number < 100000:
                number += 1
                connection.send(start(number) + end(number))
        daemon = self.begin(script, stall_buffer="64KiB")
        first = self.switch.connections[0]
        first.wait_closed()
        time.sleep(1)
        self.recover(daemon)
        wait_until(lambda: len(self.switch.connections) == 2 and
                   daemon.source("pbx1")["state"] == "up", "it to come back")
        wait_until(lambda: daemon.source("pbx1")["events"] >= 3 * 40, "what was kept to count")
        self.assertEqual(daemon.source("pbx1")["gaps"], 1)
        gap = [r for r in self.journal(daemon) if r["type"] == "source.gap"]
        self.assertEqual(len(gap), 1, gap)
        self.assertGreaterEqual(gap[0]["to"] - gap[0]["from"], 900)
        self.assertIn("more came than is kept", daemon.log())


if __name__ == "__main__":
    harness.main()
