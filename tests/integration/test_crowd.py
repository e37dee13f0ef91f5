"""Crowds at the door: ten thousand connections, senders that never read, senders of
single bytes. Nobody else notices, and memory stays bounded."""
import resource
import socket
import threading
import unittest

import harness
from harness import Daemon, at, wait_until

DAY = "2026-11-23"
NINE = at("2026-11-23 09:00")
CROWD = 10000
SPARE_DESCRIPTORS = 300
# Freed memory that the sanitizer keeps to find its use would hide what this measures.
FRUGAL = {"ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}


def crowd_size():
    """As many as this machine lets one process open, at most CROWD."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return CROWD if hard == resource.RLIM_INFINITY else min(CROWD, hard - SPARE_DESCRIPTORS)


def memory_kib(process):
    with open("/proc/%d/status" % process.pid) as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


class Crowd(unittest.TestCase):
    def start(self, **source):
        options = {"name": "switch", "type": "native", "listen": "127.0.0.1:0", **source}
        return Daemon(self, sources=[options]).start(FRUGAL)

    def check_served(self, daemon, producer, talk_ms=60000):
        """Another sender is served as if it were alone; the day says so."""
        before = (daemon.day("1001", DAY) or {"calls": 0})["calls"]
        s = daemon.sender(producer)
        s.call("%s-%d" % (producer, before), "1001", NINE, talk_ms=talk_ms)
        s.finish()
        self.assertEqual(daemon.day("1001", DAY)["calls"], before + 1)

    def test_ten_thousand_connections_each_with_half_a_line(self):
        count = crowd_size()
        daemon = self.start(max_connections=CROWD + 10)
        address, crowd = daemon.address(), []
        self.addCleanup(lambda: [s.close() for s in crowd])
        before_kib = memory_kib(daemon.process)
        for _ in range(count):
            s = socket.create_connection(address)
            s.sendall(b'{"type":"call.end","call":"x')
            crowd.append(s)
        wait_until(lambda: daemon.source()["connections"] == count, "all to be connected")
        self.assertLess((memory_kib(daemon.process) - before_kib) / count, 16)
        self.check_served(daemon, "alone")
        for i, s in enumerate(crowd):
            s.sendall(b'%d","agent":"1002","talk_ms":1000,"ts":%d}\n' % (i, NINE + 2000 * i))
            s.shutdown(socket.SHUT_WR)
        wait_until(lambda: daemon.source()["connections"] == 0, "all to be gone")
        self.assertEqual(daemon.day("1002", DAY)["calls"], count)
        self.assertEqual(daemon.source()["refused"], 0)

    def test_more_than_max_connections_are_closed_at_once(self):
        daemon = self.start(max_connections=5)
        kept = [daemon.sender() for _ in range(5)]
        wait_until(lambda: daemon.source()["connections"] == 5, "five connections")
        refused = daemon.sender()
        self.assertIsNone(refused.reply())
        kept[0].close()
        wait_until(lambda: daemon.source()["connections"] == 4, "room for one")
        self.check_served(daemon, "next")

    def test_senders_that_never_read_hold_up_nobody(self):
        """Each line has a reply that nobody takes: what finds no room is given up."""
        daemon = self.start()
        address, lines = daemon.address(), 100000
        self.check_served(daemon, "before")
        before_kib = memory_kib(daemon.process)
        crowd = []
        for _ in range(4):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(harness.PATIENCE_S * 4)
            s.connect(address)
            crowd.append(s)
        self.addCleanup(lambda: [s.close() for s in crowd])
        threads = [threading.Thread(target=s.sendall, args=(b"{no line of ours}\n" * lines,))
                   for s in crowd]
        for thread in threads:
            thread.start()
        self.check_served(daemon, "meanwhile")
        for thread in threads:
            thread.join()
        wait_until(lambda: daemon.source()["refused"] == len(crowd) * lines, "all to be refused",
                   harness.PATIENCE_S * 4)
        # Some 10 MiB of replies for each, of which the kernel takes a part.
        self.assertLess(memory_kib(daemon.process) - before_kib, 8 * 1024)
        self.check_served(daemon, "afterwards")
        self.assertEqual(daemon.source()["connections"], len(crowd))

    def test_a_reader_who_comes_late_gets_every_reply(self):
        daemon = self.start()
        s = daemon.sender("late")
        events = 20000
        writer = threading.Thread(target=s.events, args=([
            ("member.developed", {"agent": "1001", "member": "m%d" % i, "ts": NINE})
            for i in range(events)],))
        writer.start()
        self.check_served(daemon, "other")
        s.wait_ack(events)
        writer.join()
        self.assertEqual(daemon.day("1001", DAY)["members"], events)

    def test_single_bytes_of_many_at_once(self):
        daemon = self.start()
        crowd = [daemon.sender("slow-%d" % i) for i in range(40)]
        lines = [s.line_of("call.end", call="s%d" % i, agent="1001", talk_ms=1000,
                           ts=NINE + 2000 * i) for i, s in enumerate(crowd)]
        for k in range(max(map(len, lines))):
            for s, line in zip(crowd, lines):
                if k < len(line):
                    s.socket.send(line[k:k + 1])
        for s in crowd:
            s.finish()
        self.assertEqual(daemon.day("1001", DAY)["calls"], len(crowd))


if __name__ == "__main__":
    harness.main()
