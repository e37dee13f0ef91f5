"""What the HTTP server bears: heads, bodies, connections and readers without end."""
import http.client
import json
import os
import shutil
import socket
import tempfile
import time
import unittest

import harness
from harness import Daemon, agent, at, roster, wait_until

NINE = at("2026-11-23 09:00")
HEAD_MAX = BODY_MAX = 16 << 10  # include/callpace/base/http.h
MEMORY_KIB = 96 << 10  # what the readers below may cost, with sanitizers


class Limits(unittest.TestCase):
    def begin(self, crowd=3, **http):
        self.daemon = Daemon(self, roster_tree=roster(
            *[agent(str(1001 + i), team=("red", "blue")[i % 2]) for i in range(crowd)]),
            http={"listen": "127.0.0.1:0", **http}).start()
        host, port = self.daemon.status()["http"]["listen"].rsplit(":", 1)
        self.place = host, int(port)
        self.s = self.daemon.sender("pbx1")
        self.s.tick(NINE)
        self.s.wait_ack()

    def link(self, sent=b"", receive_buffer=None):
        link = socket.socket()
        self.addCleanup(link.close)
        if receive_buffer:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        link.settimeout(harness.PATIENCE_S)
        link.connect(self.place)
        link.sendall(sent)
        return link

    def answer(self, request):
        """The status; None where the connection ended without one."""
        link = self.link()
        try:
            link.sendall(request)
            line = link.makefile("rb").readline()
        except (BrokenPipeError, ConnectionResetError):
            return None
        return int(line.split()[1]) if line else None

    def status(self):
        return self.daemon.status()["http"]

    def test_sizes_of_requests(self):
        self.begin()
        get = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
        post = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        for request, status in (
                (get + b"\r\n", 200),
                (get + b"X: 1\r\n" * 63 + b"\r\n", 200),
                (get + b"X: 1\r\n" * 64 + b"\r\n", 431),
                (get + b"X: " + b"x" * (HEAD_MAX - 100) + b"\r\n\r\n", 200),
                (get + b"X: " + b"x" * HEAD_MAX + b"\r\n\r\n", 431),
                (b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
                (post + b"%d\r\n\r\n" % BODY_MAX + b"x" * BODY_MAX, 303),
                (post + b"%d\r\n\r\n" % (BODY_MAX + 1), 413),
                (post + b"-1\r\n\r\n", 400),
                (post + b"1\r\nContent-Length: 1\r\n\r\nx", 400),
                (b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
                (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
                (b"GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
                (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400)):
            with self.subTest(request=request[:60], status=status):
                self.assertEqual(self.answer(request), status)
        self.assertEqual(self.answer(get + b"\r\n"), 200)

    def test_hosts(self):
        self.begin(hosts=["wall.example"])
        for host, status in (("localhost:7080", 200), ("127.0.0.1", 200), ("[::1]:80", 200),
                             ("WALL.example:1", 200), ("evil.example", 421), ("", 421),
                             ("localhost.evil.example", 421), ("127.0.0.1.evil.example", 421)):
            for path in ("/", "/api/v1/agents", "/api/v1/stream", "/metrics", "/ack", "/healthz"):
                if status == 200 and path in ("/api/v1/stream", "/ack"):
                    continue
                with self.subTest(host=host, path=path):
                    request = "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (path, host)
                    self.assertEqual(self.answer(request.encode()), status)

    def test_connections_at_once(self):
        self.begin(max_connections=3)
        links = [self.link() for _ in range(3)]
        wait_until(lambda: self.status()["connections"] == 3, "three connections")
        refused = self.link()
        try:
            refused.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(refused.recv(1), b"")
        except (BrokenPipeError, ConnectionResetError):
            pass
        links[0].close()
        wait_until(lambda: self.answer(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") == 200,
                   "room after one has gone")

    def test_slow_writers_and_readers_are_cut(self):
        """Neither the one that sends a byte now and then, nor those that take none, or one
        now and then, of an answer or of the stream, stay; what they cost is bounded."""
        self.begin(crowd=1000)
        before = self.resident_kib()
        writer = self.link(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
        readers = [self.link(("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path).encode(), 4096)
                   for path in ("/api/v1/agents", "/api/v1/stream") for _ in range(10)]
        wait_until(lambda: self.status()["streams"] == 10, "the streams")
        wait_until(lambda: self.status()["connections"] == 21, "all of them")
        dropped = self.status()["dropped"]
        moved = 0

        def trickle():
            """All but the first of each kind take a byte; the writer sends one."""
            nonlocal moved
            moved += 1
            for link in readers[1:10] + readers[11:]:
                try:
                    link.recv(1, socket.MSG_DONTWAIT)
                except OSError:
                    pass
            try:
                writer.send(b"x", socket.MSG_DONTWAIT)
            except OSError:
                pass
            return self.status()["dropped"] >= dropped + 21

        wait_until(trickle, "all to be dropped", patience=90, pause=0.5)
        self.assertLess(self.resident_kib() - before, MEMORY_KIB)
        wait_until(lambda: self.status()["connections"] == 0, "nobody left")

    def test_a_reader_that_pauses_gets_all(self):
        self.begin(crowd=1000)
        link = self.link(b"GET /api/v1/agents HTTP/1.1\r\nHost: localhost\r\n"
                         b"Connection: close\r\n\r\n", 4096)
        until = time.monotonic() + 3
        wait_until(lambda: time.monotonic() > until, "the pause", pause=0.1)
        body = link.makefile("rb").read().split(b"\r\n\r\n", 1)[1]
        self.assertEqual(len(json.loads(body)["agents"]), 1000)

    def resident_kib(self):
        with open("/proc/%d/status" % self.daemon.process.pid) as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


class Roles(Limits):
    """Every endpoint, by every role."""

    test_sizes_of_requests = test_hosts = test_connections_at_once = None
    test_slow_writers_and_readers_are_cut = test_a_reader_that_pauses_gets_all = None

    def begin_with_roles(self):
        self.secrets = tempfile.mkdtemp(prefix="callpace-")
        self.addCleanup(shutil.rmtree, self.secrets, True)
        tokens = []
        for role in ("supervisor", "wall", "team:red", "agent:1002"):
            path = os.path.join(self.secrets, role)
            with open(path, "w") as out:
                out.write("secret of %s\n" % role)
            os.chmod(path, 0o600)
            tokens.append({"role": role, "token_file": path})
        self.begin(crowd=4, tokens=tokens)
        for i in range(4):
            self.s.event("lead.issue", agent=str(1001 + i), lead="L%d" % i, number="13800%d" % i,
                         ts=NINE)
        self.s.tick(NINE + 3 * 3600000)  # everybody is behind: four alerts
        self.s.wait_ack()
        wait_until(lambda: len(self.daemon.alerts()) >= 4, "the alerts")

    def ask(self, role, path):
        link = http.client.HTTPConnection(*self.place, timeout=harness.PATIENCE_S)
        self.addCleanup(link.close)
        link.request("GET", path, headers={"Authorization": "Bearer secret of " + role})
        reply = link.getresponse()
        body = reply.read()
        return reply.status, json.loads(body) if body[:1] == b"{" else body

    def snapshot(self, role):
        link = self.link(("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n"
                          "Authorization: Bearer secret of %s\r\n\r\n" % role).encode())
        for line in link.makefile("rb"):
            if line.startswith(b"data: "):
                return json.loads(line[6:])
        raise AssertionError("no snapshot")

    def test_every_role_sees_its_own_everywhere(self):
        self.begin_with_roles()
        everybody = {"1001", "1002", "1003", "1004"}
        for role, agents, teams, names in (("supervisor", everybody, {"red", "blue"}, True),
                                           ("wall", everybody, {"red", "blue"}, False),
                                           ("team:red", {"1001", "1003"}, {"red"}, True),
                                           ("agent:1002", {"1002"}, set(), True)):
            with self.subTest(role=role):
                snapshot = self.snapshot(role)
                self.assertEqual({dict(zip(snapshot["fields"], row))["agent"]
                                  for row in snapshot["agents"]}, agents)
                self.assertEqual("name" in snapshot["fields"], names)
                self.assertEqual({t["team"] for t in snapshot["teams"]}, teams)
                self.assertEqual({a["agent"] for a in snapshot["alerts"] if "agent" in a}, agents)
                self.assertEqual({a["agent"] for a in self.ask(role, "/api/v1/alerts")[1]["alerts"]
                                  if "agent" in a}, agents)
                rows = self.ask(role, "/api/v1/agents")[1]["agents"]
                self.assertEqual({row["agent"] for row in rows}, agents)
                rows = self.ask(role, "/api/v1/teams")[1]["teams"]
                self.assertEqual({row["team"] for row in rows}, teams)
                if not names:
                    for told in (snapshot, self.ask(role, "/api/v1/alerts")[1], rows):
                        self.assertNotIn("Agent 100", json.dumps(told))
                        self.assertNotIn("Li Wei", json.dumps(told))
                overview = self.ask(role, "/api/v1/overview")[1]
                self.assertEqual(overview["week"]["leads_issued"], len(agents))
                self.assertEqual(overview["curve"]["calls_expected"][-1], 60 * len(agents))
                for ident in everybody:
                    status = 200 if ident in agents else 404
                    for path in ("", "/timeline"):
                        self.assertEqual(self.ask(role, "/api/v1/agents/" + ident + path)[0], status)
                self.assertEqual(self.ask(role, "/metrics")[0],
                                 200 if role in ("supervisor", "wall") else 403)


if __name__ == "__main__":
    harness.main()
