"""`callpace doctor` against switches that behave and such that do not, a real Redis and
the running daemon."""
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import harness
from fake_freeswitch import frame, reply
from harness import Daemon, agent

READ_ONLY = "CoreShowChannels: List. (Priv: system,reporting,all)\r\n" \
            "Status: Status. (Priv: system,call,reporting,all)\r\n"
HARMFUL = READ_ONLY + "Originate: Originate Call. (Priv: originate,all)\r\n"


class Server:
    """serve(connection) runs in a thread of its own for each client."""

    def __init__(self, test, serve, context=None):
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.serve = serve
        threading.Thread(target=self.accept, daemon=True).start()
        test.addCleanup(self.close)

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.run, args=(connection,), daemon=True).start()

    def run(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.serve(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def commands(connection, end):
    rest = b""
    while got := connection.recv(4096):
        rest += got
        while end in rest:
            command, rest = rest.split(end, 1)
            yield command.decode()


def asterisk(secret="right", rights=READ_ONLY, skew_s=0, booted=True):
    def serve(connection):
        connection.sendall(b"Asterisk Call Manager/8.0.2\r\n")
        for text in commands(connection, b"\r\n\r\n"):
            action = dict(line.split(": ", 1) for line in text.split("\r\n"))
            head = "ActionID: %s\r\n" % action.get("ActionID", "")
            if action["Action"] == "Login":
                if action["Secret"] != secret:
                    connection.sendall(b"Response: Error\r\n" + head.encode() +
                                       b"Message: Authentication failed\r\n\r\n")
                    return
                connection.sendall(("Response: Success\r\n" + head +
                                    "Message: Authentication accepted\r\n\r\n").encode())
                if booted:
                    connection.sendall(b"Event: FullyBooted\r\nPrivilege: system,all\r\n\r\n")
            elif action["Action"] == "ListCommands":
                connection.sendall(("Response: Success\r\n" + head + rights + "\r\n").encode())
            elif action["Action"] == "Ping":
                connection.sendall(("Response: Success\r\n%sPing: Pong\r\nTimestamp: %.6f\r\n\r\n"
                                    % (head, time.time() + skew_s)).encode())
            else:
                return
    return serve


def freeswitch(password="right", skew_s=0, refuses=False, allowed=("show", "strepoch")):
    def serve(connection):
        if refuses:
            connection.sendall(frame("text/rude-rejection", b"Access Denied, go away.\n"))
            return
        connection.sendall(frame("auth/request"))
        for text in commands(connection, b"\n\n"):
            verb, _, argument = text.partition(" ")
            if verb in ("auth", "userauth"):
                good = argument in (password, "callpace@pbx:" + password)
                connection.sendall(reply("+OK accepted" if good else "-ERR invalid"))
                if not good:
                    return
            elif verb == "api" and argument.split()[0] not in allowed:
                connection.sendall(reply("-ERR permission denied"))
            elif text == "api version":
                connection.sendall(frame("api/response", b"FreeSWITCH Version 1.10"))
            elif text == "api show channels as json":
                connection.sendall(frame("api/response", b'{"row_count":0}'))
            elif text == "api strepoch":
                connection.sendall(frame("api/response", b"%d" % (time.time() + skew_s)))
            else:
                return
    return serve


def kamailio(connection):
    event = json.dumps({"ev": "heartbeat", "ts": "%.6f" % time.time(), "active": 0})
    connection.sendall(b"%d:%s," % (len(event), event.encode()))
    connection.recv(1)


class Doctor(unittest.TestCase):
    def doctor(self, daemon, *options):
        command = [harness.PROGRAMS["callpace"], "doctor", "-c", daemon.config_path, *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                              env=dict(os.environ, LANG="C.UTF-8"))

    def findings(self, daemon, code=None):
        ran = self.doctor(daemon, "--json")
        self.assertEqual(ran.stderr, "")
        found = json.loads(ran.stdout)
        problems = [f for f in found if f["level"] == "problem"]
        self.assertEqual(ran.returncode, 1 if problems else 0, found)
        if code is not None:
            self.assertEqual(ran.returncode, code, found)
        for finding in found:
            self.assertTrue(finding["todo"] or finding["level"] == "ok", finding)
        return found

    def installation(self, sources=(), **more):
        daemon = Daemon(self, clock="wall", sources=list(sources), **more)
        for name, text in (("right.secret", "right"), ("wrong.secret", "wrong")):
            os.chmod(daemon.write(name, text), 0o600)
        return daemon

    def source_says(self, kind, serve, secret="right", **more):
        key = "secret_file" if kind == "ami" else "password_file"
        source = {"name": "pbx", "type": kind, "connect": Server(self, serve).address}
        if kind != "evapi":
            source[key] = secret + ".secret"
        if kind == "ami":
            source["username"] = "callpace"
        source.update(more)
        found = self.findings(self.installation([source]))
        told = [f for f in found if f["subject"] == "source pbx"]
        worst = "ok"
        for level in ("warning", "problem"):
            if any(f["level"] == level for f in told):
                worst = level
        return worst, " ".join(f["text"] for f in told)

    def check_source(self, expected, words, *arguments, **more):
        level, text = self.source_says(*arguments, **more)
        self.assertEqual(level, expected, text)
        for word in words if isinstance(words, tuple) else (words,):
            self.assertIn(word, text)

    def test_asterisk(self):
        self.check_source("ok", ("logged in", "no harm", "clock"), "ami", asterisk())
        self.check_source("problem", "Authentication failed", "ami", asterisk(), secret="wrong")
        self.check_source("warning", ("too high", "Originate"), "ami", asterisk(rights=HARMFUL))
        self.check_source("warning", "cannot be asked", "ami",
                          asterisk(rights="Ping: Keepalive command. (Priv: <none>)\r\n"))
        self.check_source("warning", "FullyBooted", "ami", asterisk(booted=False))
        self.check_source("warning", "clock is", "ami", asterisk(skew_s=-90))
        self.check_source("problem", "no Asterisk manager", "ami", freeswitch())

    def test_freeswitch(self):
        self.check_source("ok", ("logged in", "clock"), "esl", freeswitch())
        self.check_source("problem", "-ERR invalid", "esl", freeswitch(), secret="wrong")
        self.check_source("problem", "ACL", "esl", freeswitch(refuses=True))
        self.check_source("warning", "clock is", "esl", freeswitch(skew_s=300))
        self.check_source("warning", "cannot be asked", "esl", freeswitch(allowed=("strepoch",)))
        user = {"username": "callpace@pbx"}
        self.check_source("ok", "logged in", "esl", freeswitch(), **user)
        self.check_source("warning", "too high", "esl",
                          freeswitch(allowed=("show", "strepoch", "version")), **user)

    def test_kamailio_and_a_dead_port(self):
        self.check_source("ok", ("events come", "clock"), "evapi", kamailio)
        taken = socket.socket()  # bound, and nobody listens
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        daemon = self.installation([{"name": "pbx", "type": "evapi",
                                     "connect": "127.0.0.1:%d" % taken.getsockname()[1]}])
        found = self.findings(daemon, code=1)
        told = next(f for f in found if f["subject"] == "source pbx")
        self.assertIn("cannot be reached", told["text"])

    def test_beside_the_running_daemon(self):
        daemon = self.installation(
            [{"name": "switch", "type": "native", "listen": "127.0.0.1:0"}],
            roster_tree=harness.roster(agent("1001"), agent("1002"))).start()
        sender = daemon.sender("pbx")
        now = int(time.time() * 1000)
        sender.call("c-1", "1001", now - 60000, 5000)
        sender.call("c-2", "7777", now - 60000, 5000)
        sender.wait_ack()
        self.addCleanup(sender.close)
        daemon.settle()
        found = self.findings(daemon)
        text = "\n".join("%(level)s %(subject)s: %(text)s" % f for f in found)
        self.assertIn("ok daemon: runs", text)
        self.assertIn("warning roster: 1 unknown extensions with calls in 7 days: 7777 (1)", text)
        self.assertIn("warning roster: 1 of 2 agents without a call in 7 days: 1002", text)
        self.assertRegex(text, r"ok redis: version \d")
        self.assertRegex(text, r"disk: a sync takes \d")
        self.assertRegex(text, r"source switch: the daemon has it up, 6 events")
        left = [n for n in os.listdir(os.path.join(daemon.state_dir, "journal")) if "doctor" in n]
        self.assertEqual(left, [])

    def test_hooks_and_no_daemon(self):
        daemon = self.installation(hooks=[])
        program = daemon.write("hook", "#!/bin/sh")
        rows = []
        for name, mode in (("good", 0o755), ("open", 0o757), ("flat", 0o644)):
            path = daemon.write(name, "#!/bin/sh")
            os.chmod(path, mode)
            rows.append({"name": name, "exec": [path], "on": ["*"]})
        rows.append({"name": "gone", "exec": [program + "-gone"], "on": ["*"]})
        daemon.config["hooks"] = rows
        daemon.write_config()
        levels = {f["subject"]: f["level"] for f in self.findings(daemon, code=1)}
        self.assertEqual({n: levels["hook " + n] for n in ("good", "open", "flat", "gone")},
                         {"good": "ok", "open": "problem", "flat": "problem", "gone": "problem"})
        self.assertEqual(levels["daemon"], "warning")
        self.assertEqual(levels["redis"], "ok")

    def test_tls(self):
        place = tempfile.mkdtemp(prefix="callpace-")
        self.addCleanup(shutil.rmtree, place)
        cert, key = os.path.join(place, "cert.pem"), os.path.join(place, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3", "-subj",
                        "/CN=pbx", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                        "-out", cert], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server = Server(self, asterisk(), context)
        for ca, words in ((cert, "logged in"), (None, "TLS: ")):
            daemon = self.installation([{"name": "pbx", "type": "ami", "connect": server.address,
                                         "username": "callpace", "secret_file": "right.secret",
                                         "tls": {"ca": ca} if ca else {}}])
            told = [f for f in self.findings(daemon) if f["subject"] == "source pbx"]
            self.assertIn(words, " ".join(f["text"] for f in told))

    def test_redis_of_ones_own(self):
        place = tempfile.mkdtemp(prefix="callpace-")
        self.addCleanup(shutil.rmtree, place)
        path = os.path.join(place, "redis.sock")
        server = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", path, "--dir", place, "--save", "",
             "--requirepass", "right", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"],
            stdout=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)

        def listens():
            with socket.socket(socket.AF_UNIX) as client:
                return client.connect_ex(path) == 0
        harness.wait_until(listens, "Redis to listen")
        for secret, level, words in (("right", "warning", "allkeys-lru"),
                                     ("wrong", "problem", "WRONGPASS")):
            daemon = self.installation(redis={"url": "unix://" + path,
                                              "password_file": secret + ".secret"})
            told = next(f for f in self.findings(daemon) if f["subject"] == "redis")
            self.assertEqual(told["level"], level, told)
            self.assertIn(words, told["text"])

    def test_a_wrong_configuration(self):
        daemon = self.installation()
        daemon.write("roster.yaml", "agents:\n  - {id: '1', nmae: x}\n")
        ran = self.doctor(daemon)
        self.assertEqual(ran.returncode, 78, ran.stderr)
        lines = [line.split("\t") for line in ran.stdout.splitlines()]
        wrong = next(line for line in lines if line[0] == "problem")
        self.assertEqual(wrong[1], "configuration")
        self.assertIn("roster.yaml:2:", wrong[2])


if __name__ == "__main__":
    harness.main()
