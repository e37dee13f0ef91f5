"""A FreeSWITCH as far as its event socket goes: asks for the password, answers
commands, and says what was recorded, byte for byte."""
import gzip
import json
import os
import random
import socket
import threading
import time

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "freeswitch")
EMPTY_LIST = b'{"row_count":0}'


def frame(kind, body=b"", **headers):
    text = "".join("%s: %s\n" % (k.replace("_", "-"), v) for k, v in headers.items())
    if body:
        text += "Content-Length: %d\n" % len(body)
    return (text + "Content-Type: %s\n\n" % kind).encode() + body


def reply(text):
    return frame("command/reply", Reply_Text=text)


class Recording:
    """The frames of one stream, split into the answers and the events."""

    def __init__(self, scenario, form="plain"):
        self.scenario, self.form = scenario, form
        self.frames = list(self.split(self.load("esl.%s.stream.gz" % form)))
        self.truth = json.loads(self.load("truth.json.gz"))
        self.events = [raw for kind, raw, _ in self.frames if kind.startswith("text/event")]
        lists = [body for kind, _, body in self.frames if kind == "api/response"]
        self.list = lists[0] if lists else EMPTY_LIST

    def load(self, name):
        with gzip.open(os.path.join(DATA, self.scenario, name)) as file:
            return file.read()

    @staticmethod
    def split(data):
        at = 0
        while at < len(data):
            end = data.index(b"\n\n", at) + 2
            headers = dict(line.split(": ", 1) for line in data[at:end].decode().split("\n") if line)
            over = end + int(headers.get("Content-Length", 0))
            yield headers["Content-Type"], data[at:over], data[end:over]
            at = over


def pieces(data, cut):
    if cut == "once":
        yield data
        return
    dice, at = random.Random(len(data)), 0
    while at < len(data):
        step = dice.choice((1, 2, 3, 61, 997, 4099, 20011))
        yield data[at:at + step]
        at += step


class Connection:
    """Handles one client; commands are kept as they come."""

    def __init__(self, sock, switch):
        self.socket, self.switch = sock, switch
        self.commands = []
        self.opened, self.closed = time.monotonic(), None
        self.changed = threading.Condition()
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
            while b"\n\n" in rest:
                command, rest = rest.split(b"\n\n", 1)
                self.take(command.decode())
        with self.changed:
            self.closed = time.monotonic()
            self.changed.notify_all()

    def take(self, command):
        with self.changed:
            self.commands.append(command)
            self.changed.notify_all()

    def wait_command(self, beginning, patience=30):
        def found():
            return next((c for c in self.commands if c.startswith(beginning)), None)
        with self.changed:
            if not self.changed.wait_for(lambda: found() or self.closed, patience):
                raise AssertionError("no %s came, but %r" % (beginning, self.commands))
            return found()

    def wait_closed(self, patience=60):
        with self.changed:
            if not self.changed.wait_for(lambda: self.closed, patience):
                raise AssertionError("the client did not close")

    def send(self, data, cut="once"):
        try:
            for piece in pieces(data, cut):
                self.socket.sendall(piece)
        except OSError:
            pass

    def login(self, password="ClueCon"):
        """As mod_event_socket does it; False when the client is shut out."""
        self.send(frame("auth/request"))
        if self.wait_command("auth ") != "auth " + password:
            self.send(reply("-ERR invalid") +
                      frame("text/disconnect-notice", b"Disconnected, goodbye.\n"))
            return False
        self.send(reply("+OK accepted"))
        form = self.wait_command("event ").split()[1]
        self.send(reply("+OK event listener enabled " + form))
        return True

    def list(self, body=EMPTY_LIST):
        self.wait_command("api show channels as json")
        self.send(frame("api/response", body))

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


class Switch:
    """Listens; `script(connection)` runs once a connection, one at a time."""

    def __init__(self, test, script):
        self.script = script
        self.connections = []
        self.failure = None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        test.addCleanup(self.shut)

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            connection = Connection(sock, self)
            self.connections.append(connection)
            try:
                self.script(connection)
            except Exception as failure:  # told by shut()
                self.failure = failure

    def shut(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()
        if self.failure:
            raise self.failure
