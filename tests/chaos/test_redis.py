"""Redis is killed, emptied and frozen while events come: ingest and acknowledgements
go on, and afterwards the view equals what was sent."""
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

import model
import harness
from harness import Daemon, agent, roster, wait_until
from redis_client import Redis

AGENTS = ["%d" % n for n in range(1001, 1009)]


class Server:
    """A redis-server of our own on a unix socket; it keeps nothing on disk."""

    def __init__(self, test, directory):
        self.socket = os.path.join(directory, "own.sock")
        self.directory = directory
        self.process = None
        test.addCleanup(self.end)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [shutil.which("redis-server"), "--port", "0", "--unixsocket", self.socket, "--save", "",
             "--appendonly", "no", "--dir", self.directory, "--daemonize", "no"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, "redis-server to answer")

    def answers(self):
        try:
            with Redis(self.socket) as redis:
                return redis("PING") == "PONG"
        except OSError:
            return False

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        self.signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


class Chaos(unittest.TestCase):
    def begin(self, embedded=False):
        self.daemon = Daemon(self, roster_tree=roster(*(agent(a) for a in AGENTS)))
        if not embedded:
            self.server = Server(self, self.daemon.dir)
            self.daemon.config["redis"] = {"url": "unix://" + self.server.socket}
            self.daemon.write_config()
        self.daemon.start()
        self.switch = model.Switch("s", harness.OPTIONS.seed, AGENTS)
        self.sender = self.daemon.sender("pbx1")
        self.feed()
        self.daemon.settle()

    def feed(self, calls=300):
        """Sends and waits for the acknowledgement, whatever Redis does."""
        for _ in range(calls):
            self.sender.events(self.switch.call())
        began = time.monotonic()
        self.sender.wait_ack()
        self.assertLess(time.monotonic() - began, 10, "an acknowledgement waited for Redis")

    def check_whole(self, patience=20):
        self.daemon.settle(patience)
        self.assertEqual([], model.differences(self.daemon, self.switch.count))
        with self.daemon.redis() as redis:
            board = redis.scores("callpace:board:day:%s:calls" % model.DAY)
            team = redis.hash("callpace:team:{red}:day:%s" % model.DAY)
            stream = redis("XRANGE", "callpace:alerts", "-", "+")
            self.assertIn("source:switch", redis.hash("callpace:meta"))
        self.assertEqual(board, {a: c["calls"] for a, c in self.switch.count.items()})
        for field in ("dials", "answered", "calls", "talk_ms", "members"):
            self.assertEqual(int(team[field]), sum(c[field] for c in self.switch.count.values()))
        told = [harness.json.loads(fields[1]) for _, fields in stream]
        shown = self.daemon.alerts()
        self.assertEqual({(a["id"], a["state"], a["at_ms"]) for a in shown},
                         {(a["id"], a["state"], a["at_ms"]) for a in told})

    def whole_again(self):
        with self.daemon.redis() as redis:
            return len(redis.keys("callpace:agent:*:day:*")) == len(AGENTS) and \
                redis("EXISTS", "callpace:meta")

    def test_killed_and_empty_again(self):
        self.begin()
        for _ in range(3):
            self.server.process.kill()
            self.server.process.wait()
            self.feed()
            wait_until(lambda: self.daemon.status()["redis"]["state"] == "down", "redis down")
            self.feed()
            self.server.start()
            began = time.monotonic()
            wait_until(self.whole_again, "the view", pause=0.05)
            self.assertLess(time.monotonic() - began, 5)
            self.feed()
            self.check_whole()

    def test_flushed_and_fed_on(self):
        self.begin()
        with self.daemon.redis() as redis:
            redis("FLUSHALL")
        began = time.monotonic()
        self.feed()
        wait_until(self.whole_again, "the view after FLUSHALL", patience=40, pause=0.05)
        self.assertLess(time.monotonic() - began, 5)
        self.check_whole()

    def test_flushed_in_silence(self):
        self.begin()
        with self.daemon.redis() as redis:
            redis("FLUSHALL")
        began = time.monotonic()
        wait_until(self.whole_again, "the view after FLUSHALL", patience=40, pause=0.05)
        self.assertLess(time.monotonic() - began, 5)
        self.check_whole()

    def test_frozen(self):
        self.begin()
        self.server.signal(signal.SIGSTOP)
        for _ in range(5):
            self.feed()
        self.server.signal(signal.SIGCONT)
        self.feed()
        self.check_whole()

    def test_one_key_deleted_comes_back_with_the_next_event(self):
        self.begin()
        key = harness.HASH_DAY % ("1001", model.DAY)
        with self.daemon.redis() as redis:
            redis("DEL", key)
        while not self.switch.count["1001"]["dials"] > 200:
            self.feed(50)
        self.check_whole()

    def test_embedded_server_killed(self):
        self.begin(embedded=True)
        for _ in range(3):
            with self.daemon.redis() as redis:
                pid = int(redis("INFO", "server").split("process_id:")[1].split()[0])
            os.kill(pid, signal.SIGKILL)
            began = time.monotonic()
            self.feed()

            def whole():
                try:
                    return self.whole_again()
                except OSError:
                    return False
            wait_until(whole, "the embedded server whole again", pause=0.05)
            self.assertLess(time.monotonic() - began, 5)
            self.check_whole()

    def test_absent_at_the_start(self):
        self.daemon = Daemon(self, roster_tree=roster(*(agent(a) for a in AGENTS)))
        self.server = Server(self, self.daemon.dir)
        self.server.process.kill()
        self.server.process.wait()
        self.daemon.config["redis"] = {"url": "unix://" + self.server.socket}
        self.daemon.write_config()
        self.daemon.start()
        self.switch = model.Switch("s", harness.OPTIONS.seed, AGENTS)
        self.sender = self.daemon.sender("pbx1")
        self.feed()
        self.server.start()
        wait_until(self.whole_again, "the view")
        self.check_whole()

    def test_a_key_of_a_wrong_type_does_not_stop_the_others(self):
        self.begin()
        with self.daemon.redis() as redis:
            redis("DEL", harness.HASH_DAY % ("1001", model.DAY))
            redis("SET", harness.HASH_DAY % ("1001", model.DAY), "mine")
        self.feed()
        wait_until(lambda: self.daemon.process.poll() is None, "the daemon to live")
        with self.daemon.redis() as redis:
            redis("DEL", harness.HASH_DAY % ("1001", model.DAY))
        wait_until(lambda: self.feed(20) or not model.differences(self.daemon, self.switch.count),
                   "the view to heal", patience=40)


def options(parser):
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10 ** 6)))


if __name__ == "__main__":
    harness.main(options)
