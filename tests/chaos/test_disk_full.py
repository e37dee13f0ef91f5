"""The journal cannot be written: no false acknowledgement, sources wait, the state
says so, and when there is room again all goes on by itself."""
import contextlib
import os
import random
import resource
import subprocess
import unittest

import model
import harness
from harness import Daemon, agent, roster, wait_until

AGENTS = ["1001", "1002", "1003"]


class DiskFull(unittest.TestCase):
    def begin(self, daemon):
        self.daemon = daemon.start()
        self.switch = model.Switch("s", harness.OPTIONS.seed, AGENTS)
        self.sender = daemon.sender("pbx1")
        self.feed(100)
        self.sender.wait_ack()

    def feed(self, calls):
        for _ in range(calls):
            self.sender.events(self.switch.call())

    def stalled(self):
        return self.daemon.status()["journal"]["stalled"]

    def check_stall(self, make_room):
        """The journal must be full; make_room() ends that."""
        acked = self.sender.acked

        def feed_and_look():
            self.feed(200)
            return self.stalled()
        wait_until(feed_and_look, "journal.stalled")
        self.assertEqual(self.daemon.status()["state"], "journal.stalled")
        self.sender.socket.settimeout(1.5)
        with self.assertRaises(TimeoutError):
            self.sender.wait_ack()
        self.assertLessEqual(self.sender.acked, self.daemon.status()["lsn"])
        self.assert_not_reading()
        self.sender.socket.settimeout(30)
        self.sender.stream = self.sender.socket.makefile("rb")
        self.assertIsNone(self.daemon.process.poll())
        make_room()
        wait_until(lambda: not self.stalled(), "the journal to recover")
        self.sender.wait_ack()
        self.assertGreater(self.sender.acked, acked)
        self.feed(50)
        self.sender.wait_ack()
        self.daemon.settle()
        self.assertEqual([], model.differences(self.daemon, self.switch.count))
        self.daemon.kill()
        self.daemon.wait()
        self.daemon.start()
        self.assertEqual(self.daemon.sender("pbx1").welcome["seq"], self.sender.last)
        self.daemon.settle()
        self.assertEqual([], model.differences(self.daemon, self.switch.count))
        alerts = [(a["type"], a["state"]) for a in self.daemon.alerts()]
        self.assertLessEqual(alerts.count(("journal.stalled", "raised")), 1)

    def assert_not_reading(self):
        """More than socket buffers hold is not taken from a sender meanwhile."""
        other = self.daemon.sender()
        other.socket.setblocking(False)
        line = other.line_of("tick", ts=model.NINE)
        with self.assertRaises(BlockingIOError):
            for _ in range(4000):
                other.socket.send(line * 1000)
        other.close()

    def test_file_size_limit(self):
        daemon = Daemon(self, roster_tree=roster(*(agent(a) for a in AGENTS)))
        self.begin(daemon)
        pid = daemon.process.pid
        where = os.path.join(daemon.state_dir, "journal")
        size = max(os.path.getsize(os.path.join(where, f)) for f in os.listdir(where))
        no_limit = resource.RLIM_INFINITY
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (64, no_limit))
        self.assertGreater(size, 64)
        self.check_stall(lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE,
                                                  (no_limit, no_limit)))

    def test_full_file_system(self):
        daemon = Daemon(self, roster_tree=roster(*(agent(a) for a in AGENTS)),
                        journal={"segment": "1MiB"})
        os.makedirs(daemon.state_dir)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "callpace",
                                  daemon.state_dir], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("a file system of our own cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", daemon.state_dir], check=True)
        self.begin(daemon)
        # What the running segment has reserved is still to be had: use it up.
        filler = os.path.join(daemon.state_dir, "filler")
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        self.check_stall(lambda: os.remove(filler))


def options(parser):
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10 ** 6)))


if __name__ == "__main__":
    harness.main(options)
