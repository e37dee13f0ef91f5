"""The HTTP face of the running daemon: figures, stream, metrics, health, roles."""
import hmac
import http.client
import itertools
import json
import os
import shutil
import socket
import subprocess
import tempfile
import unittest
import urllib.parse

import harness
from harness import Daemon, agent, at, roster, wait_until

DAY = "2026-11-23"
NINE = at("2026-11-23 09:00")
OPENAPI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "doc",
                       "openapi.json")
HOSTILE = "<script>alert(1)</script>"


def check_schema(document, schema, value, where):
    """As much of a schema as doc/openapi.json uses."""
    if value is None and schema.get("nullable"):
        return
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    if type(value) is not kinds[schema["type"]]:
        raise AssertionError("%s: %r is no %s" % (where, value, schema["type"]))
    if "enum" in schema and value not in schema["enum"]:
        raise AssertionError("%s: %r is none of %s" % (where, value, schema["enum"]))
    for name in schema.get("required", ()):
        if name not in value:
            raise AssertionError("%s: %s is missing in %r" % (where, name, value))
    for name, inner in schema.get("properties", {}).items():
        if name in value:
            check_schema(document, inner, value[name], where + "." + name)
    if schema["type"] == "array":
        for i, item in enumerate(value):
            check_schema(document, schema["items"], item, "%s[%d]" % (where, i))


class Http(unittest.TestCase):
    def begin(self, **http):
        self.daemon = Daemon(self, roster_tree=roster(
            agent("1001", name=HOSTILE), agent("1002"), agent("1003", team="blue")),
            http={"listen": "127.0.0.1:0", **http}).start()
        self.address = self.daemon.status()["http"]["listen"]
        self.s = self.daemon.sender("pbx1")
        self.s.tick(NINE)
        self.s.wait_ack()

    def ask(self, path, method="GET", **headers):
        host, port = self.address.rsplit(":", 1)
        link = http.client.HTTPConnection(host, int(port), timeout=harness.PATIENCE_S)
        self.addCleanup(link.close)
        link.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        reply = link.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read()

    def json(self, path, **headers):
        status, _, body = self.ask(path, **headers)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def call(self, name="c1", ident="1001"):
        self.s.call(name, ident, NINE, talk_ms=30000, ring_ms=5000)
        self.s.wait_ack()

    def test_figures_are_those_of_redis(self):
        self.begin()
        self.call()
        day = self.daemon.day("1001", DAY)
        got = self.json("/api/v1/agents/1001")["day"]
        for field in ("calls", "talk_ms", "dials", "ring_ms", "calls_target", "state", "name"):
            self.assertEqual(got[field], day[field], field)
        rows = self.json("/api/v1/agents")["agents"]
        self.assertEqual([row["agent"] for row in rows], ["1001", "1002", "1003"])
        self.assertEqual([row["name"] for row in rows][0], HOSTILE)
        self.assertEqual(self.ask("/api/v1/agents/nobody")[0], 404)
        teams = {row["team"]: row for row in self.json("/api/v1/teams")["teams"]}
        self.assertEqual(teams["red"]["calls"], 1)
        self.assertIsInstance(self.json("/api/v1/alerts")["alerts"], list)

    def test_calls_that_do_not_count_say_why(self):
        self.begin()
        self.call()
        self.s.event("call.end", call="c2", agent="1001", outcome="busy", ts=NINE + 60000)
        self.s.event("call.start", call="c3", agent="1001", dir="in", ts=NINE + 120000)
        self.s.event("call.answer", call="c3", ts=NINE + 120000)
        self.s.event("call.end", call="c3", talk_ms=5000, ts=NINE + 125000)
        self.s.event("call.start", call="c4", agent="1001", ts=NINE + 130000)
        self.s.wait_ack()
        calls = {c["at_ms"]: c for c in self.json("/api/v1/agents/1001/timeline")["calls"]}
        said = [(c.get("reason"), c.get("outcome")) for _, c in sorted(calls.items())]
        self.assertEqual(said, [(None, None), ("not_answered", "busy"), ("direction", None),
                                ("open", None)])

    def test_who_is_at_risk_this_week(self):
        self.begin()
        for agent_id, count in (("1001", 10), ("1002", 5)):
            for i in range(count):
                self.s.event("lead.issue", agent=agent_id, lead="%s-%d" % (agent_id, i),
                             number="1380%s%03d" % (agent_id, i), ts=NINE)
        self.s.tick(at("2026-11-25 13:00"))
        self.s.wait_ack()
        week = self.json("/api/v1/overview")["week"]
        self.assertEqual(week["agents_at_risk"], 2)
        self.assertEqual([(a["agent"], a["leads_needed"], a["next_rung"]) for a in week["at_risk"]],
                         [("1002", 3, 1), ("1001", 6, 1)])
        self.assertEqual(self.json("/api/v1/agents/1001")["week_forecast"]["leads_needed"], 6)

    def test_pages_fields_and_tags(self):
        self.begin()
        first = self.json("/api/v1/agents?limit=2&fields=agent,calls")
        self.assertEqual(first["agents"], [{"agent": "1001", "calls": 0}, {"agent": "1002", "calls": 0}])
        rest = self.json("/api/v1/agents?limit=2&fields=agent&after=" + first["next"])
        self.assertEqual(rest["agents"], [{"agent": "1003"}])
        status, headers, _ = self.ask("/api/v1/agents?fields=agent,calls")
        self.assertEqual(status, 200)
        self.assertEqual(self.ask("/api/v1/agents?fields=agent,calls", If_None_Match=headers["ETag"])[0], 304)
        self.call()
        self.assertEqual(self.ask("/api/v1/agents?fields=agent,calls", If_None_Match=headers["ETag"])[0], 200)
        self.assertEqual(self.ask("/api/v1/agents?fields=zork")[0], 400)

    def test_answers_are_as_the_openapi_file_says(self):
        with open(OPENAPI, encoding="utf-8") as file:
            document = json.load(file)
        self.begin()
        self.call()
        self.raise_an_alert()
        looked = 0
        for path, methods in document["paths"].items():
            reply = methods.get("get", {}).get("responses", {}).get("200", {})
            content = reply.get("content", {}).get("application/json")
            if not content:
                continue
            value = self.json(path.replace("{id}", "1001"))
            check_schema(document, content["schema"], value, path)
            looked += 1
        self.assertEqual(looked, 6)
        for path in ("/healthz", "/metrics"):
            self.assertEqual(self.ask(path)[0], 200)
            self.assertIn(path, document["paths"])

    def test_health_and_hosts(self):
        self.begin()
        self.assertEqual(self.ask("/healthz")[0], 200)
        wait_until(lambda: self.ask("/readyz")[0] == 200, "readiness")
        self.assertEqual(self.ask("/healthz", Host="evil.example")[0], 421)
        self.assertEqual(self.ask("/nowhere")[0], 404)
        self.assertEqual(self.ask("/api/v1/agents", method="DELETE")[0], 405)

    def test_metrics(self):
        self.begin()
        self.call()
        status, headers, body = self.ask("/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        self.assertIn(b"\ncallpace_", body)
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True)
            self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_stream_tells_changes(self):
        self.begin()
        host, port = self.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=harness.PATIENCE_S) as link:
            link.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            got = b""

            def read_until(what):
                nonlocal got
                while what not in got:
                    more = link.recv(65536)
                    self.assertTrue(more, got)
                    got += more

            read_until(b"text/event-stream")
            read_until(b'"1003"')
            got = b""
            self.call("c1", "1002")
            read_until(b'"1002"')
            self.assertNotIn(b'"1003"', got)

    def stream(self, mark=None, token=None):
        """Pairs of an event's name and its fields, as they come; the mark of the last."""
        host, port = self.address.rsplit(":", 1)
        link = socket.create_connection((host, int(port)), timeout=harness.PATIENCE_S)
        self.addCleanup(link.close)
        last = "Last-Event-ID: %s\r\n" % mark if mark else ""
        last += "Authorization: Bearer %s\r\n" % token if token else ""
        link.sendall(("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % last).encode())
        fields = {}
        for line in link.makefile("r", encoding="utf-8", newline="\n"):
            name, _, value = line.rstrip("\r\n").partition(": ")
            if name:
                fields[name] = value
            elif "event" in fields:
                yield fields["event"], fields.get("id"), json.loads(fields["data"])
                fields = {}

    def test_a_stream_goes_on_where_it_was_left(self):
        self.begin()
        kind, mark, data = next(self.stream())
        self.assertEqual((kind, len(data["agents"])), ("snapshot", 3))
        self.call("c1", "1002")
        kind, later, data = next(self.stream(mark))
        self.assertEqual((kind, [a["agent"] for a in data["agents"]]), ("change", ["1002"]))
        self.assertEqual(data["agents"][0]["calls"], 1)
        kind, _, data = next(self.stream(later))
        self.assertEqual((kind, data["state"]), ("beat", "running"))
        for strange in ("1-2-3", "x", mark + "0" * 40, "%s-%s" % (mark, mark)):
            self.assertEqual(next(self.stream(strange))[0], "snapshot", strange)
        # a sign of life while nothing happens
        events = self.stream()
        self.assertEqual(next(events)[0], "snapshot")
        beats = itertools.islice((data for kind, _, data in events if kind == "beat"), 3)
        self.assertEqual([data["state"] for data in beats], ["running"] * 3)
        # marks of another life of the daemon are worth nothing
        self.s.close()
        self.daemon.kill()
        self.daemon.wait()
        self.daemon.start()
        self.address = self.daemon.status()["http"]["listen"]
        kind, _, data = next(self.stream(later))
        self.assertEqual((kind, len(data["agents"])), ("snapshot", 3))

    def raise_an_alert(self):
        """1001 is behind after the first hour."""
        self.s.tick(NINE + 3 * 3600000)
        self.s.wait_ack()
        return next(a["id"] for a in self.daemon.alerts() if a.get("agent") == "1001")

    def acked_by(self, ident):
        return next(a.get("acked", {}).get("by") for a in self.daemon.alerts()
                    if a["id"] == ident and a["state"] == "raised")

    def post(self, path, body="", **headers):
        host, port = self.address.rsplit(":", 1)
        link = http.client.HTTPConnection(host, int(port), timeout=harness.PATIENCE_S)
        self.addCleanup(link.close)
        link.request("POST", path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        return link.getresponse().status

    def test_a_supervisor_acknowledges_and_nobody_else(self):
        self.begin(tokens=[{"role": role, "token_file": self.secret(role)}
                           for role in ("supervisor", "wall", "team:blue", "agent:1001")])
        ident = self.raise_an_alert()
        body = urllib.parse.urlencode({"id": ident, "note": "on it"})

        def status(role, **more):
            return self.post("/api/v1/alerts/ack", body, Authorization="Bearer secret of " + role,
                             **more)

        self.assertEqual(self.post("/api/v1/alerts/ack", body), 401)
        self.assertEqual(status("wall"), 403)
        self.assertEqual(status("agent:1001"), 403)
        self.assertEqual(status("team:blue"), 404)
        self.assertEqual(status("supervisor", Origin="https://evil.example"), 403)
        self.assertIsNone(self.acked_by(ident))
        link = self.stream(mark=None, token="secret of supervisor")
        self.assertEqual(next(link)[0], "snapshot")
        self.assertEqual(status("supervisor"), 204)
        self.assertEqual(self.acked_by(ident), "supervisor")
        # everybody who looks hears of it
        told = next(a for _, _, data in link for a in data.get("alerts", ()) if a["id"] == ident)
        self.assertEqual((told["acked"]["by"], told["acked"]["note"]), ("supervisor", "on it"))
        listed = self.json("/api/v1/alerts", Authorization="Bearer secret of supervisor")["alerts"]
        self.assertEqual([a for a in listed if a["id"] == ident], [told])
        listed = self.json("/api/v1/alerts", Authorization="Bearer secret of wall")["alerts"]
        self.assertNotIn("acked", next(a for a in listed if a["id"] == ident))

    def test_a_link_acknowledges_when_it_is_pressed_and_good(self):
        self.begin(tokens=[{"role": "supervisor", "token_file": self.secret("supervisor")}])
        ident = self.raise_an_alert()
        with open(os.path.join(self.daemon.state_dir, "ack.key"), "rb") as file:
            key = file.read()

        def url(by="crm", until=4102444800, forge=""):
            text = b"callpace ack 1\n"
            for part in (ident.encode(), by.encode()):
                text += bytes([len(part)]) + part
            text += until.to_bytes(8, "little")
            sign = hmac.new(key, text, "sha256").hexdigest()[:32]
            return "/ack?" + urllib.parse.urlencode(
                {"id": ident, "by": by + forge, "until": until, "sign": sign})

        status, headers, body = self.ask(url())
        self.assertEqual(status, 200)
        self.assertIn(b'<form method="post">', body)
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertIsNone(self.acked_by(ident))
        self.assertEqual(self.post(url(forge="x")), 403)
        self.assertEqual(self.post(url(until=1000000000)), 403)
        self.assertEqual(self.post("/ack?id=x"), 400)
        self.assertIsNone(self.acked_by(ident))
        self.assertEqual(self.post(url()), 200)
        self.assertEqual(self.acked_by(ident), "crm")

    def secret(self, role):
        path = os.path.join(self.dir_of_secrets(), "token")
        with open(path, "w") as out:
            out.write("secret of %s\n" % role)
        os.chmod(path, 0o600)
        return path

    def test_roles(self):
        here = os.path.join(self.dir_of_secrets(), "%s")
        roles = {"boss": "supervisor", "screen": "wall", "red": "team:red", "wang": "agent:1002"}
        for name in roles:
            with open(here % name, "w") as out:
                out.write("secret-of-%s\n" % name)
            os.chmod(here % name, 0o600)
        self.begin(tokens=[{"role": role, "token_file": here % name} for name, role in roles.items()])

        def seen(name):
            rows = self.json("/api/v1/agents", Authorization="Bearer secret-of-" + name)["agents"]
            return [row["agent"] for row in rows], "name" in rows[0]

        self.assertEqual(self.ask("/api/v1/agents")[0], 401)
        self.assertEqual(self.ask("/api/v1/agents", Authorization="Bearer wrong")[0], 401)
        self.assertEqual(seen("boss"), (["1001", "1002", "1003"], True))
        self.assertEqual(seen("red"), (["1001", "1002"], True))
        self.assertEqual(seen("wang"), (["1002"], True))
        self.assertFalse(seen("screen")[1])
        self.assertEqual(self.ask("/api/v1/agents/1001", Authorization="Bearer secret-of-wang")[0], 404)

    def login(self, token, **headers):
        host, port = self.address.rsplit(":", 1)
        link = http.client.HTTPConnection(host, int(port), timeout=harness.PATIENCE_S)
        self.addCleanup(link.close)
        link.request("POST", "/login", urllib.parse.urlencode({"token": token}), headers)
        reply = link.getresponse()
        return reply.status, reply.getheader("Location"), reply.getheader("Set-Cookie")

    def test_a_browser_signs_in(self):
        self.begin(tokens=[{"role": "team:blue", "token_file": self.secret("blue")}])
        self.assertEqual(self.ask("/")[0], 200)  # the page, which holds no figure
        self.assertEqual(self.login("wrong"), (303, "/?refused", None))
        self.assertEqual(self.login("secret of blue", Origin="https://evil.example")[0], 403)
        status, place, cookie = self.login("secret of blue", Origin="http://" + self.address)
        self.assertEqual((status, place), (303, "/"))
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, cookie)
        self.assertNotIn("secret", cookie)
        value = cookie.split(";")[0]
        rows = self.json("/api/v1/agents", Cookie=value)["agents"]
        self.assertEqual([row["agent"] for row in rows], ["1003"])
        for forged in (value[:-1], value[:-1] + "g", "callpace=secret of blue"):
            self.assertEqual(self.ask("/api/v1/agents", Cookie=forged)[0], 401)

    def dir_of_secrets(self):
        path = tempfile.mkdtemp(prefix="callpace-")
        self.addCleanup(shutil.rmtree, path, True)
        return path


if __name__ == "__main__":
    harness.main()
