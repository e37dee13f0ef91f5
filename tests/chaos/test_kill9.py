"""SIGKILL at random moments while a sender with acknowledgements runs: what was
acknowledged is never lost, and nothing is counted twice."""
import random
import signal
import threading
import time
import unittest

import model
import harness
from harness import Daemon, Sender, agent, roster, wait_until

AGENTS = ["%d" % n for n in range(1001, 1011)]
WINDOW = 4000


class Producer(threading.Thread):
    """Sends without an end, keeps what is not acknowledged, and after every broken
    connection goes on behind what welcome says is durable."""

    def __init__(self, name, seed, agents):
        super().__init__(daemon=True)
        self.name = name
        self.switch = model.Switch(name, seed, agents)
        self.address = None
        self.unacked = []   # (seq, line), oldest first
        self.seq = self.acked = 0
        self.connections = 0
        self.over = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not (self.over.is_set() and not self.unacked):
                try:
                    self.converse()
                except (OSError, ValueError):
                    time.sleep(0.005)
        except AssertionError as failure:
            self.failure = str(failure)

    def took(self, seq, word):
        if seq < self.acked:
            raise AssertionError("%s: %s %d, but %d was acknowledged" %
                                 (self.name, word, seq, self.acked))
        if seq > self.seq:
            raise AssertionError("%s: %s %d, but only %d was sent" %
                                 (self.name, word, seq, self.seq))
        self.acked = seq
        while self.unacked and self.unacked[0][0] <= seq:
            self.unacked.pop(0)

    def make(self):
        lines = []
        s = Numbered(self)
        while len(self.unacked) + len(lines) < WINDOW and len(lines) < 60:
            lines += [s.line(kind, fields) for kind, fields in self.switch.call()]
        return lines

    def converse(self):
        s = Sender(self.address, self.name, timeout=15)
        try:
            if not s.welcome or s.welcome["type"] != "welcome":
                raise OSError("not welcomed")
            self.connections += 1
            self.took(s.welcome["seq"], "welcome")
            s.socket.sendall(b"".join(line for _, line in self.unacked))
            while not (self.over.is_set() and not self.unacked):
                if not self.over.is_set():
                    lines = self.make()
                    self.unacked += lines
                    s.socket.sendall(b"".join(line for _, line in lines))
                reply = s.reply()
                if reply is None:
                    raise OSError("connection lost")
                if reply["type"] != "ack":
                    raise AssertionError("%s: %s" % (self.name, reply))
                self.took(reply["seq"], "ack")
        finally:
            s.close()


class Numbered:
    def __init__(self, producer):
        self.producer = producer

    def line(self, kind, fields):
        self.producer.seq += 1
        tree = {"type": kind, "seq": self.producer.seq, **fields}
        return self.producer.seq, harness.json.dumps(tree).encode() + b"\n"


class Kill9(unittest.TestCase):
    def test_nothing_acknowledged_is_lost_or_counted_twice(self):
        options = harness.OPTIONS
        chance = random.Random(options.seed)
        path = {}
        daemon = Daemon(self, roster_tree=roster(*(agent(a) for a in AGENTS)),
                        journal={"segment": "1MiB"})
        daemon.config["sources"][0]["listen"] = path["unix"] = "unix:" + daemon.path("in.sock")
        daemon.write_config()
        daemon.start()
        producers = [Producer("pbx%d" % n, "%s/%d" % (options.seed, n), AGENTS[n::2])
                     for n in range(2)]
        for p in producers:
            p.address = daemon.path("in.sock")
            p.start()
        for kill in range(options.kills):
            self.kill_once(daemon, chance, producers, options.kills - kill)
        self.come_to_rest(daemon, producers)
        for p in producers:
            self.assertEqual([], model.differences(daemon, p.switch.count))
        source = daemon.source()
        print("seed %s: %d kills, %d events acknowledged over %d connections, %d duplicates" %
              (options.seed, options.kills, sum(p.seq for p in producers),
               sum(p.connections for p in producers), source["duplicates"]))
        self.assertEqual(source["gaps"], 0)
        self.assertNotIn("source_gap", daemon.log())
        # And once more from disk alone.
        daemon.kill()
        daemon.wait()
        daemon.start()
        daemon.settle()
        for p in producers:
            self.assertEqual([], model.differences(daemon, p.switch.count))

    def kill_once(self, daemon, chance, producers, left):
        """Kills it while it starts, just after, or in full run."""
        moment = chance.random()
        if moment < 0.7:
            before = sum(p.acked for p in producers)
            wait_until(lambda: sum(p.acked for p in producers) > before or
                       any(p.failure for p in producers), "an acknowledgement")
        time.sleep(chance.random() * chance.choice([0.01, 0.1, 0.4]))
        for p in producers:
            self.assertIsNone(p.failure)
        self.assertIsNone(daemon.process.poll(), daemon.log()[-4000:])
        daemon.kill()
        daemon.wait()
        daemon.check_log()
        daemon.launch()

    def come_to_rest(self, daemon, producers):
        for p in producers:
            p.over.set()
        wait_until(daemon.is_ready, "the daemon to be ready")
        for p in producers:
            p.join(60)
            self.assertIsNone(p.failure)
            self.assertFalse(p.is_alive(), "%s still waits for an acknowledgement" % p.name)
        daemon.settle()


def options(parser):
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10 ** 6)))


if __name__ == "__main__":
    harness.main(options)
