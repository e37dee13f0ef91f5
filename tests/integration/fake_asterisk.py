"""An Asterisk as far as its manager port goes: says what a script tells it, byte
for byte as recorded, and keeps what the other side asked for."""
import gzip
import json
import os
import random
import re
import socket
import struct
import threading
import time

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "asterisk")
END = b"\r\n\r\n"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
ACCEPTED = b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"


def booted(uptime):
    return b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: %d\r\n\r\n" % uptime


class Recording:
    """One client's stream of a scenario, cut into its connections:
    (begin, end, seconds until it opened, seconds until it closed)."""

    def __init__(self, scenario, user):
        self.scenario, self.user = scenario, user
        self.raw = self.load(user + ".raw.gz")
        self.reads = self.lines(user + ".timing.jsonl.gz")
        self.acts = self.lines(user + ".sent.jsonl")
        self.truth = json.loads(self.load("truth.json.gz"))
        self.began = self.acts[0]["m"]
        self.connections = []
        opened = None
        for act in self.acts:
            if act.get("connect") == "ok":
                opened = act
            elif "disconnect" in act:
                self.connections.append((opened["off"], act["off"], opened["m"] - self.began,
                                         act["m"] - self.began))

    def move(self, seconds):
        """As if recorded later: in all time stamps and unique ids."""
        head = b"%d" % (self.acts[0]["t"] // 10 ** 5)
        self.raw = re.sub(rb"\b%s\d{5}(?=\.\d)" % head,
                          lambda found: b"%d" % (int(found[0]) + seconds), self.raw)

    def load(self, name):
        path = os.path.join(DATA, self.scenario, name)
        opener = gzip.open if name.endswith(".gz") else open
        with opener(path, "rb") as file:
            return file.read()

    def lines(self, name):
        return [json.loads(line) for line in self.load(name).splitlines() if line]

    def pieces(self, connection, cut):
        """Pairs of seconds since the recording began and bytes; cut is `real`, `once`
        or `odd`. The banner is a piece of its own: the client speaks after it."""
        begin, end, opened, _ = connection
        if begin == end:
            return
        banner = self.raw.index(b"\n", begin) + 1
        yield opened, self.raw[begin:banner]
        if cut == "once":
            yield opened, self.raw[banner:end]
            return
        if cut == "odd":
            dice = random.Random(banner)
            while banner < end:
                step = min(dice.choice((1, 2, 3, 61, 997, 4099)), end - banner)
                yield opened, self.raw[banner:banner + step]
                banner += step
            return
        for read in self.reads:
            first, last = max(read["off"], banner), min(read["off"] + read["len"], end)
            if first < last:
                yield read["m"] - self.began, self.raw[first:last]


class Connection:
    """What the other side sent is parsed into actions as it comes."""

    def __init__(self, sock, answers_pings):
        self.socket = sock
        self.actions = []
        self.opened = time.monotonic()
        self.closed = None  # when the other side closed
        self.changed = threading.Condition()
        self.writing = threading.Lock()
        self.at_end = True  # of a message: an answer may stand here
        self.answers_pings = answers_pings
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        rest = b""
        while True:
            try:
                got = self.socket.recv(65536)
            except OSError:
                got = b""
            if not got:
                break
            rest += got
            while END in rest:
                text, rest = rest.split(END, 1)
                self.take(dict(line.split(": ", 1) for line in text.decode().split("\r\n")))
        with self.changed:
            self.closed = time.monotonic()
            self.changed.notify_all()

    def take(self, action):
        with self.changed:
            self.actions.append(action)
            self.changed.notify_all()
        with self.writing:
            if action["Action"] == "Ping" and self.answers_pings and self.at_end:
                self.put(b"Response: Success\r\nActionID: %s\r\nPing: Pong\r\n\r\n"
                         % action["ActionID"].encode())

    def put(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def send(self, data):
        with self.writing:
            self.put(data)
            self.at_end = data.endswith(END)

    def asked(self, name):
        return [a for a in self.actions if a["Action"] == name]

    def wait(self, condition, patience=30):
        with self.changed:
            if not self.changed.wait_for(condition, patience):
                raise AssertionError("in vain waited for the client; it sent %r" % self.actions)

    def wait_action(self, name):
        self.wait(lambda: self.asked(name) or self.closed)
        return (self.asked(name) or [None])[0]

    def wait_closed(self, patience=60):
        self.wait(lambda: self.closed, patience)

    def login(self, uptime=100):
        """As a healthy switch without calls."""
        self.send(BANNER)
        self.wait_action("Login")
        self.send(ACCEPTED + booted(uptime))
        self.wait_action("Status")
        self.send(b"Response: Success\r\nActionID: callpace-status\r\nEventList: start\r\n\r\n"
                  b"Event: StatusComplete\r\nActionID: callpace-status\r\nItems: 0\r\n\r\n")

    def close(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


class Switch:
    """Listens; `script(switch, connection)` runs once a connection, one at a time."""

    def __init__(self, test, script, context=None, answers_pings=True, host="127.0.0.1"):
        self.script, self.context, self.answers_pings = script, context, answers_pings
        self.connections = []
        self.tried = []  # when each attempt came, also those that TLS ended
        self.listener = None
        self.host, self.port = host, 0
        self.failure = None
        self.open()
        test.addCleanup(self.shut)

    @property
    def address(self):
        return "%s:%d" % (self.host, self.port)

    def open(self):
        self.listener = socket.create_server((self.host, self.port), backlog=8)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self.tried.append(time.monotonic())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                try:
                    sock = self.context.wrap_socket(sock, server_side=True)
                except OSError:
                    sock.close()
                    continue
            connection = Connection(sock, self.answers_pings)
            self.connections.append(connection)
            try:
                self.script(self, connection)
            except AssertionError as failure:
                self.failure = failure

    def close_listener(self):
        """Refuses from now on."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def shut(self):
        try:
            self.close_listener()
        except OSError:
            pass
        for connection in self.connections:
            connection.close()
        if self.failure:
            raise self.failure


class Player:
    """A script that plays a recording, connection after connection; ready when
    `done`. Refused attempts of the recording are refused again. In real time the
    switch's clock shows today's time, plus `skew_s`."""

    def __init__(self, recording, cut, skew_s=0):
        self.recording, self.cut, self.skew_s = recording, cut, skew_s
        self.done = threading.Event()
        self.zero = None  # our clock when the recording began
        self.at = 0

    def __call__(self, switch, connection):
        if self.at == 0 and self.cut == "real":
            self.recording.move(round(time.time() - self.recording.acts[0]["t"]) + self.skew_s)
        pieces = list(self.recording.pieces(self.recording.connections[self.at], self.cut))
        last = self.at + 1 == len(self.recording.connections)
        _, _, opened, closed = self.recording.connections[self.at]
        self.at += 1
        now = time.monotonic()
        if self.zero is None or self.zero + opened < now:
            self.zero = now - opened  # late by the client's patience: the rest is, too
        for number, (seconds, data) in enumerate(pieces):
            if self.cut == "real":
                time.sleep(max(0, self.zero + seconds - time.monotonic()))
            connection.send(data)
            if number == 0 and not connection.wait_action("Login"):
                raise AssertionError("the client never logged in")
        if last:
            self.done.set()
            return
        if self.cut == "real":
            time.sleep(max(0, self.zero + closed - time.monotonic()))
        connection.close()
        if not pieces:
            switch.close_listener()
            time.sleep(1.5)
            switch.open()
