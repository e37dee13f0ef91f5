"""What the tests of the running daemon share: start it, feed it, look at it.

A test is a unittest.TestCase in a program of its own; it ends with
`harness.main()`, which takes --callpaced and --callpace (or the environment's
CALLPACED and CALLPACE). Nothing waits for a fixed time: wait_until() a condition.
"""
import argparse
import ctypes
import datetime
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from redis_client import Redis

PROGRAMS = {}
OPTIONS = None
PATIENCE_S = 30
CHINA = datetime.timezone(datetime.timedelta(hours=8))
SANITIZER = re.compile(rb"ERROR: (Address|Leak|Undefined)|runtime error:|AddressSanitizer")
HASH_DAY = "callpace:agent:{%s}:day:%s"


def main(options=None):
    """Runs the tests of the calling program; `options(parser)` may add arguments."""
    global OPTIONS
    parser = argparse.ArgumentParser()
    parser.add_argument("--callpaced", default=os.environ.get("CALLPACED"))
    parser.add_argument("--callpace", default=os.environ.get("CALLPACE"))
    if options:
        options(parser)
    OPTIONS, rest = parser.parse_known_args()
    for name in ("callpaced", "callpace"):
        path = getattr(OPTIONS, name) or shutil.which(name)
        if not path:
            sys.exit("give --%s PATH, or set %s" % (name, name.upper()))
        PROGRAMS[name] = os.path.abspath(path)
    # A daemon that is killed leaves its redis-server to us, not to init.
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2, warnings="ignore")


def wait_until(condition, what="the condition", patience=PATIENCE_S, pause=0.01):
    """The first true value of condition(), or a failure when patience ends."""
    until = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError("waited %g s in vain for %s; it is %r" % (patience, what, value))
        time.sleep(pause)


def at(text, plus_ms=0):
    """Milliseconds of a local time of the centre: at("2026-11-23 09:00")."""
    form = "%Y-%m-%d %H:%M:%S" if text.count(":") == 2 else "%Y-%m-%d %H:%M"
    local = datetime.datetime.strptime(text, form).replace(tzinfo=CHINA)
    return int(local.timestamp()) * 1000 + plus_ms


def policy(**changes):
    """The shipped rules as a tree; `x__y=...` changes policies[0].x.y, other keys the top."""
    rules = {
        "from": "2016-01-01",
        "count": {"directions": ["out"], "call_counts_when": "answered", "min_talk": "0s",
                  "talk_includes_hold": True, "max_call": "4h"},
        "grace_days": 7,
        "leave": "prorate",
        "classes": {
            "new": {"day": {"calls": 50, "talk": "120m"},
                    "month": {"calls": 1100, "talk": "2640m", "members": 600}},
            "veteran": {"day": {"calls": 60, "talk": "150m"},
                        "month": {"calls": 1320, "talk": "3300m", "members": 700}}},
        "monthly": {"prorate": "none"},
        "pace": {"warmup": "60m", "behind_below": 0.80, "hold_down": "15m"},
        "coverage": {"floor": 0.95},
    }
    tree = {"timezone": "Asia/Shanghai", "business_day_starts": "00:00", "week_starts": "monday",
            "calendar": {"working": ["mon", "tue", "wed", "thu", "fri"],
                         "holidays": [], "workdays": []},
            "shift": {"start": "09:00", "end": "18:00", "breaks": [["12:00", "13:00"]]},
            "policies": [rules]}
    for path, value in changes.items():
        steps = path.split("__")
        place = rules if steps[0] in rules else tree
        for step in steps[:-1]:
            place = place[step]
        place[steps[-1]] = value
    return tree


def agent(ident, **fields):
    row = {"id": ident, "name": "Agent " + ident, "team": "red", "class": "veteran",
           "hired": "2024-03-01", "confirmed_on": "2024-06-01"}
    row.update(fields)
    return {k: v for k, v in row.items() if v is not None}


def roster(*agents):
    return {"teams": [{"id": "red", "name": "红队", "lead": "Li Wei"},
                      {"id": "blue", "name": "Blue team", "lead": "Zhang Min"}],
            "agents": list(agents)}


class Daemon:
    """callpaced in a directory of its own. Configuration is a tree; JSON is YAML."""

    def __init__(self, test, clock="events", policy_tree=None, roster_tree=None, sources=None,
                 redis=None, hooks=None, **more):
        self.dir = tempfile.mkdtemp(prefix="callpace-")
        self.state_dir = os.path.join(self.dir, "state")
        self.config_path = os.path.join(self.dir, "callpace.yaml")
        self.socket_path = os.path.join(self.dir, "ctl.sock")
        self.process = None
        self.started = 0
        self.config = {"node": "test", "state_dir": self.state_dir, "clock": clock,
                       "policy": "policy.yaml", "roster": "roster.yaml",
                       "control": {"socket": self.socket_path},
                       "sources": sources if sources is not None else
                       [{"name": "switch", "type": "native", "listen": "127.0.0.1:0"}]}
        if redis:
            self.config["redis"] = redis
        if hooks:
            self.config["hooks"] = hooks
        self.config.update(more)
        self.write("policy.yaml", policy_tree or policy())
        self.write("roster.yaml", roster_tree or roster(agent("1001"), agent("1002")))
        self.write_config()
        test.addCleanup(self.clean_up)

    # ---- files ----

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content):
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text + "\n")
        return self.path(name)

    def write_config(self):
        self.write("callpace.yaml", self.config)

    def log(self):
        with open(self.path("stderr"), "rb") as file:
            return file.read().decode(errors="replace")

    def rejects(self):
        found = []
        where = os.path.join(self.state_dir, "rejects")
        for name in sorted(os.listdir(where)):
            with open(os.path.join(where, name), encoding="utf-8") as file:
                found += [json.loads(line) for line in file]
        return found

    # ---- life ----

    def launch(self, environment=None):
        """Starts it without waiting until it is ready."""
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0",
                   UBSAN_OPTIONS="print_stacktrace=1")
        env.pop("NOTIFY_SOCKET", None)
        env.update(environment or {})
        with open(self.path("stderr"), "ab") as log:
            self.process = subprocess.Popen([PROGRAMS["callpaced"], "-c", self.config_path],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=env)
        self.started += 1
        return self

    def start(self, environment=None):
        self.launch(environment)
        wait_until(self.is_ready, "the daemon to be ready")
        return self

    def is_ready(self):
        code = self.process.poll()
        if code is not None:
            raise AssertionError("callpaced ended with %d:\n%s" % (code, self.log()))
        try:
            return self.status()["state"] == "running"
        except (OSError, ValueError):
            return False

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)

    def wait(self, patience=PATIENCE_S):
        return self.process.wait(patience)

    def stop(self, patience=20):
        """Ends it as a supervisor does, and looks at what it said on the way."""
        self.kill(signal.SIGTERM)
        code = self.wait(patience)
        if code != 0:
            raise AssertionError("callpaced ended with %d:\n%s" % (code, self.log()[-6000:]))
        self.check_log()

    def check_log(self):
        if self.started and SANITIZER.search(self.log().encode()):
            raise AssertionError("the sanitizer found something:\n" + self.log()[-8000:])

    def clean_up(self):
        alive = self.process and self.process.poll() is None
        try:
            if alive:
                self.kill(signal.SIGCONT)
                self.stop()
            elif self.process:
                self.check_log()
        finally:
            if self.process and self.process.poll() is None:
                self.kill()
                self.wait()
            reap_orphans(self.dir)
            if os.environ.get("CALLPACE_KEEP"):
                print("kept", self.dir, file=sys.stderr)
            else:
                shutil.rmtree(self.dir, ignore_errors=True)

    # ---- looking ----

    def control(self, command, timeout=10, **arguments):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            s.connect(self.socket_path)
            s.sendall(json.dumps(dict(arguments, command=command)).encode() + b"\n")
            with s.makefile("rb") as stream:
                return json.loads(stream.readline())

    def ask(self, command, **arguments):
        reply = self.control(command, **arguments)
        if not reply["ok"]:
            raise AssertionError("%s: %s" % (command, reply))
        return reply["data"]

    def status(self):
        return self.ask("status")

    def source(self, name="switch"):
        return next(s for s in self.status()["sources"] if s["name"] == name)

    def address(self, name="switch"):
        text = self.source(name)["listen"]
        if text.startswith("unix:"):
            return text[5:]
        host, port = text.rsplit(":", 1)
        return host.strip("[]"), int(port)

    def day(self, ident, day):
        return self.ask("agent", id=ident, day=day)["day"]

    def alerts(self):
        return self.ask("alerts")

    def redis_path(self):
        return self.config.get("redis", {}).get("url", "")[len("unix://"):] or \
            os.path.join(self.state_dir, "redis", "redis.sock")

    def redis(self):
        return Redis(self.redis_path())

    def settle(self, patience=PATIENCE_S):
        """Until everything that is on disk now stands in Redis."""
        lsn = self.status()["lsn"]
        wait_until(lambda: self.status()["published_lsn"] >= lsn, "Redis to be current", patience)

    def view(self):
        """All that supervisors read, as {key: content}, apart from when and where it was
        written."""
        with self.redis() as redis:
            view = {}
            for key in redis.keys("callpace:*"):
                kind = redis("TYPE", key)
                if kind == "hash":
                    view[key] = redis.hash(key)
                elif kind == "zset":
                    view[key] = redis.scores(key)
                elif kind == "stream":
                    view[key] = [fields for _, fields in redis("XRANGE", key, "-", "+")]
            return view

    def counters(self):
        """The view without what tells of the way to it."""
        passing = ("lsn", "updated_ms", "node")
        return {key: {f: v for f, v in value.items() if f not in passing}
                for key, value in self.view().items()
                if isinstance(value, dict) and key != "callpace:meta"}

    def sender(self, producer=None, source="switch", **options):
        return Sender(self.address(source), producer, **options)


def reap_orphans(directory):
    """Ends what a killed daemon left to us: children that work in `directory`."""
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name) as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
            with open("/proc/%s/cmdline" % name) as file:
                words = file.read()
            where = os.readlink("/proc/%s/cwd" % name)
        except OSError:
            continue
        if parent == os.getpid() and (directory in words or where.startswith(directory)):
            try:
                os.kill(int(name), signal.SIGKILL)
                os.waitpid(int(name), 0)
            except (ProcessLookupError, ChildProcessError):
                pass


class Sender:
    """One connection of the line protocol. With a producer it says hello and numbers
    its events; `last` is the last number used."""

    def __init__(self, address, producer=None, epoch="e1", token=None, context=None, timeout=20):
        self.producer, self.epoch = producer, epoch
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        if context:
            self.socket = context.wrap_socket(self.socket)
        self.stream = self.socket.makefile("rb")
        self.last = self.acked = 0
        self.errors = []
        self.welcome = None
        if producer:
            self.hello(token)

    def hello(self, token=None, **more):
        line = {"type": "hello", "v": 1, "producer": self.producer, "epoch": self.epoch}
        if token:
            line["token"] = token
        self.raw(dict(line, **more))
        self.welcome = self.reply()
        if self.welcome and self.welcome["type"] == "welcome":
            self.last = self.acked = self.welcome["seq"]
        return self.welcome

    def raw(self, line):
        """A tree, a text or bytes; the line's end is added unless bytes are given."""
        if isinstance(line, dict):
            line = json.dumps(line, ensure_ascii=False)
        self.socket.sendall(line if isinstance(line, bytes) else line.encode() + b"\n")

    def line_of(self, kind, **fields):
        line = {"type": kind, **fields}
        if self.producer:
            self.last += 1
            line["seq"] = self.last
        return json.dumps(line, ensure_ascii=False).encode() + b"\n"

    def event(self, kind, **fields):
        self.raw(self.line_of(kind, **fields))

    def events(self, events):
        """Many at once: pairs of type and fields."""
        self.raw(b"".join(self.line_of(kind, **fields) for kind, fields in events))

    def call(self, call, ident, start_ms, talk_ms=None, ring_ms=10000, **end):
        """A whole outbound call; without talk it is not answered. Returns its end."""
        self.event("call.start", call=call, agent=ident, ts=start_ms)
        over = start_ms + ring_ms
        if talk_ms is not None:
            self.event("call.answer", call=call, ts=over)
            over += talk_ms
        self.event("call.end", call=call, ts=over, **end)
        return over

    def tick(self, ts):
        self.event("tick", ts=ts)

    def reply(self):
        """The next reply, or None at the connection's end."""
        try:
            line = self.stream.readline()
        except ConnectionResetError:
            return None
        return json.loads(line) if line else None

    def error(self):
        """The next error; what else comes is passed over."""
        while True:
            reply = self.reply()
            if reply is None:
                raise AssertionError("the connection ended; an error was expected")
            if reply["type"] == "error":
                return reply
            self.note(reply)

    def note(self, reply):
        if reply["type"] == "ack":
            if reply["seq"] < self.acked:
                raise AssertionError("acknowledged %d after %d" % (reply["seq"], self.acked))
            self.acked = reply["seq"]
        else:
            self.errors.append(reply)

    def wait_ack(self, seq=None):
        seq = self.last if seq is None else seq
        while self.acked < seq:
            reply = self.reply()
            if reply is None:
                raise AssertionError("the connection ended before the acknowledgement of %d" % seq)
            self.note(reply)

    def finish(self):
        """Everything sent is taken: by acknowledgement, or by the end of the connection.
        Returns the replies that came last."""
        if self.producer:
            self.wait_ack()
        self.socket.shutdown(socket.SHUT_WR)
        left = []
        while (reply := self.reply()) is not None:
            left.append(reply)
        self.close()
        return left

    def close(self):
        self.stream.close()
        self.socket.close()
