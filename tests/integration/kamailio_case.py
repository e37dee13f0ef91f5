"""The real Kamailio with the sample configuration and real telephones (SIPp) on both
sides of it, on free ports of the loopback."""
import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import harness
from ami_case import rules
from harness import Daemon, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = os.path.join(HERE, "..", "..", "conf", "switches", "kamailio")
SKIPPED = 77
ON_THE_WAY_MS = 250  # between a telephone and the proxy, on a loaded machine
AGENTS = [str(n) for n in range(1001, 1021)]


def missing():
    if not shutil.which("kamailio") or not shutil.which("sipp"):
        return "kamailio and sip-tester"
    if not glob.glob("/usr/lib/*/kamailio/modules/evapi.so"):
        return "kamailio-extra-modules"
    return None


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def is_bound(port):
    with open("/proc/net/udp") as file:
        return any(line.split()[1] == "0100007F:%04X" % port for line in file.readlines()[1:])


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def union_ms(spans):
    total = until = 0
    for begin, end in sorted(spans):
        total += max(0, end - max(begin, until))
        until = max(until, end)
    return total


class Process:
    """A program of ours with its output in a file."""

    def __init__(self, test, name, command):
        self.path = os.path.join(test.dir, name + ".out")
        with open(self.path, "ab") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out, cwd=test.dir)
        test.addCleanup(self.end)

    def output(self):
        with open(self.path, errors="replace") as file:
            return file.read()[-3000:]

    def ended(self):
        return self.process.poll() is not None

    def end(self):
        if not self.ended():
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class KamailioCase(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="callpace-kamailio-")
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.started = 0

    # ---- processes ----

    def start(self, name, command, is_ready):
        """Ports that were free a moment ago may be taken now: tried again by the caller."""
        self.started += 1
        process = Process(self, "%s-%d" % (name, self.started), command)
        wait_until(lambda: process.ended() or is_ready(), name)
        return None if process.ended() else process

    def started_on_free_ports(self, start):
        for _ in range(5):
            if start():
                return
        self.fail("it does not start: " + "\n".join(
            Process.output(p) for p in [self.last] if p))

    def start_telephone(self):
        self.trunk = free_port(socket.SOCK_DGRAM)
        self.last = self.start("telephone", [
            "sipp", "-sf", os.path.join(HERE, "sipp", "telephone.xml"), "-i", "127.0.0.1",
            "-p", str(self.trunk), "-nostdin"], lambda: is_bound(self.trunk))
        return self.last

    def start_switch(self, same_ports=False, **defines):
        if not same_ports:
            self.sip = free_port(socket.SOCK_DGRAM)
            self.evapi = free_port(socket.SOCK_STREAM)
        defines = {"SIP_LISTEN": "udp:127.0.0.1:%d" % self.sip, "RING_MS": 3000,
                   "CALLPACE_LISTEN": '"127.0.0.1:%d"' % self.evapi,
                   "TRUNK": '"sip:127.0.0.1:%d"' % self.trunk, **defines}
        command = ["kamailio", "-f", os.path.join(SAMPLES, "kamailio.cfg"), "-DD", "-E", "-m", "32",
                   "-M", "4", "-Y", self.dir, "-w", self.dir,
                   "-P", os.path.join(self.dir, "kamailio.pid")]
        for key, value in defines.items():
            command += ["-A", "%s=%s" % (key, value)]
        self.switch = self.last = self.start("kamailio", command, lambda: listens(self.evapi))
        return self.last

    def start_all(self, **defines):
        self.last = None
        self.started_on_free_ports(self.start_telephone)
        self.started_on_free_ports(lambda: self.start_switch(**defines))
        tree, self.today = rules()
        people = harness.roster(*(harness.agent(a) for a in AGENTS))
        source = {"name": "kam1", "type": "evapi", "connect": "127.0.0.1:%d" % self.evapi}
        self.daemon = Daemon(self, clock="wall", policy_tree=tree, roster_tree=people,
                             sources=[source]).start()
        self.wait_up()
        self.daemon.settle()

    def wait_up(self):
        wait_until(lambda: self.daemon.source("kam1")["state"] == "up", "the source to be up")

    def call(self, scenario, rows, rate):
        """Starts SIPp with one call a row; calls() says what it saw when it is over."""
        self.started += 1
        name = os.path.join(self.dir, "%s-%d" % (scenario, self.started))
        with open(name + ".csv", "w") as file:
            file.write("SEQUENTIAL\n" + "".join("%s;%s;%d;\n" % row for row in rows))
        process = Process(self, os.path.basename(name), [
            "sipp", "-sf", os.path.join(HERE, "sipp", scenario + ".xml"), "-inf", name + ".csv",
            "-i", "127.0.0.1", "-p", str(free_port(socket.SOCK_DGRAM)), "-m", str(len(rows)),
            "-r", str(rate), "-nostdin", "-timeout", "120s", "-trace_logs",
            "-log_file", name + ".log", "-trace_stat", "-stf", name + ".stat",
            "127.0.0.1:%d" % self.sip])
        return process, name

    def finish(self, call):
        """SIPp's statistics, and what each agent saw: (agent, outcome, span or None)."""
        process, name = call
        self.assertEqual(process.process.wait(150), 0, process.output())
        with open(name + ".stat") as file:
            lines = file.read().splitlines()
        stats = dict(zip(lines[0].split(";"), lines[-1].split(";")))
        seen = []
        with open(name + ".log") as file:
            for words in (line.split() for line in file):
                span = None
                if words[1] == "talked":
                    t = [float(word) for word in words[2:6]]
                    span = (t[0] * 1000 + t[1] / 1000, t[2] * 1000 + t[3] / 1000)
                seen.append((words[0], words[1], span))
        return stats, seen

    # ---- counters ----

    def counters(self, agent):
        with self.daemon.redis() as redis:
            fields = redis.hash(harness.HASH_DAY % (agent, self.today))
        return {k: int(v) for k, v in fields.items() if v.isdigit()}

    def expected(self, seen, agent):
        mine = [what for who, what, _ in seen if who == agent]
        talk = [span for who, _, span in seen if who == agent and span]
        return {"dials": len(mine), "answered": len(talk), "calls": len(talk),
                "busy": mine.count("busy"), "no_answer": mine.count("unanswered"),
                "cancelled": mine.count("cancelled"), "failed": 0, "lost_track": 0,
                "open_calls": 0, "talk_ms": union_ms(talk)}

    def differences(self, seen):
        self.daemon.settle()
        wrong = []
        for agent in AGENTS:
            told = self.counters(agent)
            for field, value in self.expected(seen, agent).items():
                slack = ON_THE_WAY_MS * (told.get("answered", 0) + 1) if field == "talk_ms" else 0
                if abs(told.get(field, 0) - value) > slack:
                    wrong.append("%s %s: %d, not %d" % (agent, field, told.get(field, 0), value))
        return wrong

    def check_counters(self, seen):
        """The last BYE may still be on its way."""
        until = time.monotonic() + 20
        while wrong := self.differences(seen):
            if time.monotonic() > until:
                self.fail("; ".join(wrong))
            time.sleep(0.1)


def main():
    """Runs the tests, or says loudly that it cannot."""
    if missing():
        print("SKIPPED, AND NOTHING OF KAMAILIO WAS TESTED: install %s" % missing())
        sys.exit(SKIPPED)
    harness.main()
