"""The line protocol at the daemon's door: opening, numbers, refusals, limits."""
import json
import random
import ssl
import subprocess
import time
import unittest

import harness
from harness import Daemon, Sender, agent, at, roster, wait_until

DAY = "2026-11-23"
NINE = at("2026-11-23 09:00")
NATIVE = {"name": "switch", "type": "native", "listen": "127.0.0.1:0"}


def source(**more):
    return [dict(NATIVE, **more)]


class Opening(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(self).start()

    def test_hello_is_welcomed_and_events_acknowledged(self):
        s = self.daemon.sender("pbx1")
        self.assertEqual(s.welcome, {"type": "welcome", "v": 1, "producer": "pbx1", "seq": 0})
        s.call("c1", "1001", NINE, talk_ms=60000)
        s.wait_ack()
        self.assertEqual(s.acked, 3)
        self.assertEqual(self.daemon.day("1001", DAY)["calls"], 1)

    def test_welcome_names_what_is_durable(self):
        s = self.daemon.sender("pbx1")
        s.call("c1", "1001", NINE, talk_ms=60000)
        s.finish()
        self.assertEqual(self.daemon.sender("pbx1").welcome["seq"], 3)
        self.assertEqual(self.daemon.sender("pbx2").welcome["seq"], 0)

    def test_a_new_epoch_starts_again(self):
        s = self.daemon.sender("pbx1")
        s.call("c1", "1001", NINE)
        s.finish()
        t = self.daemon.sender("pbx1", epoch="e2")
        self.assertEqual(t.welcome["seq"], 0)
        t.call("c2", "1001", NINE + 60000)
        t.finish()
        self.assertEqual(self.daemon.sender("pbx1").welcome["seq"], 2)
        self.assertEqual(self.daemon.day("1001", DAY)["dials"], 2)

    def test_a_repeated_seq_is_acknowledged_and_not_counted(self):
        s = self.daemon.sender("pbx1")
        s.event("member.developed", agent="1001", member="m1", ts=NINE)
        s.wait_ack()
        s.raw({"type": "member.developed", "agent": "1001", "member": "m2", "ts": NINE, "seq": 1})
        self.assertEqual(s.reply(), {"type": "ack", "seq": 1})
        self.assertEqual(self.daemon.day("1001", DAY)["members"], 1)
        self.assertEqual(self.daemon.source()["duplicates"], 1)

    def test_a_jump_is_taken_and_recorded_as_gap(self):
        s = self.daemon.sender("pbx1")
        s.tick(NINE)
        s.last = 9
        s.tick(NINE + 60000)
        s.wait_ack()
        self.assertEqual(s.acked, 10)
        s.event("source.gap", **{"from": NINE, "to": NINE + 1000})
        s.wait_ack()
        source = self.daemon.source()
        self.assertEqual((source["gaps"], source["gaps_by"]),
                         (2, {"sequence": 1, "reconnect": 0, "declared": 1}))
        harness.wait_until(lambda: self.daemon.source()["events_per_minute"] == 3)

    def test_a_refused_line_without_readable_seq_excuses_the_jump(self):
        s = self.daemon.sender("pbx1")
        s.tick(NINE)
        s.raw('{"type":"tick","seq":2,')
        s.last = 2
        s.tick(NINE + 60000)
        self.assertEqual(s.error()["code"], "bad_json")
        s.wait_ack()
        self.assertEqual(self.daemon.source()["gaps"], 0)

    def test_a_refused_line_with_seq_counts_as_taken(self):
        s = self.daemon.sender("pbx1")
        s.tick(NINE)
        s.event("call.start", call="c1")
        self.assertEqual(s.error()["code"], "missing_field")
        s.wait_ack(2)
        s.finish()
        self.assertEqual(self.daemon.source()["gaps"], 0)
        self.assertEqual(self.daemon.sender("pbx1").welcome["seq"], 2)

    def test_seq_is_needed_after_hello(self):
        s = self.daemon.sender("pbx1")
        s.raw({"type": "tick", "ts": NINE})
        reply = s.error()
        self.assertEqual((reply["code"], reply["line"]), ("missing_field", 2))
        self.assertIn("seq", reply["message"])

    def test_a_second_connection_of_a_producer_closes_the_first(self):
        first = self.daemon.sender("pbx1")
        first.tick(NINE)
        first.wait_ack()
        second = self.daemon.sender("pbx1")
        self.assertEqual(second.welcome["seq"], 1)
        self.assertIsNone(first.reply())
        second.tick(NINE + 1000)
        second.wait_ack()
        self.assertEqual(self.daemon.source()["connections"], 1)

    def test_a_burst_before_the_takeover_is_in_the_welcome_or_comes_again(self):
        first = self.daemon.sender("pbx1")
        first.events([("member.developed", {"agent": "1001", "member": "m%d" % i, "ts": NINE})
                      for i in range(1, 2001)])
        second = self.daemon.sender("pbx1")
        for i in range(second.last + 1, 2001):
            second.event("member.developed", agent="1001", member="m%d" % i, ts=NINE)
        second.wait_ack()
        self.assertEqual(self.daemon.day("1001", DAY)["members"], 2000)

    def test_without_hello_nothing_is_acknowledged_and_repeats_count_once(self):
        for _ in range(3):
            s = self.daemon.sender()
            s.call("c1", "1001", NINE, talk_ms=60000)
            s.event("call.hold", call="c1", ts=NINE + 20000)
            s.event("call.retrieve", call="c1", ts=NINE + 25000)
            s.event("call.hold", call="c1", ts=NINE + 30000)
            s.event("call.retrieve", call="c1", ts=NINE + 32000)
            self.assertEqual(s.finish(), [])
        day = self.daemon.day("1001", DAY)
        self.assertEqual([day[f] for f in ("dials", "calls", "talk_ms", "hold_ms", "ring_ms")],
                         [1, 1, 60000, 7000, 10000])

    def test_crlf_unknown_keys_and_extensions(self):
        s = self.daemon.sender("pbx1")
        s.raw(b'{"type":"call.end","seq":1,"call":"c1","agent":1001,"talk_ms":5000,"ts":%d,'
              b'"x":null,"y":1.5e3,"z":true}\r\n' % (NINE + 5000))
        s.wait_ack(1)
        self.assertEqual(self.daemon.day("1001", DAY)["talk_ms"], 5000)

    def test_rfc3339_times(self):
        s = self.daemon.sender("pbx1")
        s.event("call.start", call="c1", agent="1001", ts="2026-11-23T09:00:00.250+08:00")
        s.event("call.answer", call="c1", ts="2026-11-23T01:00:05.250Z")
        s.event("call.end", call="c1", ts="2026-11-22T20:01:05.250-05:00")
        s.wait_ack()
        day = self.daemon.day("1001", DAY)
        self.assertEqual((day["first_dial_ms"], day["ring_ms"], day["talk_ms"]),
                         (NINE + 250, 5000, 60000))

    def test_one_byte_writes(self):
        s = self.daemon.sender()
        lines = (json.dumps({"type": "hello", "v": 1, "producer": "slow", "epoch": "1"}) + "\n" +
                 json.dumps({"type": "call.end", "seq": 1, "call": "c1", "agent": "1001",
                             "outcome": "busy", "ts": NINE, "number": "号码"},
                            ensure_ascii=False) + "\r\n")
        for byte in lines.encode():
            s.socket.send(bytes([byte]))
        self.assertEqual(s.reply()["type"], "welcome")
        self.assertEqual(s.reply(), {"type": "ack", "seq": 1})
        self.assertEqual(self.daemon.day("1001", DAY)["busy"], 1)


class Refusals(unittest.TestCase):
    CASES = [
        ('{"type":"call.start"', "bad_json", None),
        ("", "bad_json", None),
        ("[1]", "bad_json", None),
        ('{"type":"tick","ts":1,"a":{"b":1}}', "bad_json", None),
        ('{"type":"tick","ts":1,"a":[1]}', "bad_json", None),
        ('{"type":"tick","ts":%d,"ts":%d}' % (NINE, NINE), "bad_json", None),
        ('{"type":"tick","ts":%d} x' % NINE, "bad_json", None),
        (b'{"type":"tick","ts":%d,"a":"\xff"}\n' % NINE, "bad_utf8", None),
        (b'{"type":"tick","ts":%d,"a":"\xed\xa0\x80"}\n' % NINE, "bad_utf8", None),
        ('{"ts":1}', "missing_field", "type"),
        ('{"type":"call.begin","call":"x"}', "unknown_type", None),
        ('{"type":"call.start","call":"x"}', "missing_field", "agent"),
        ('{"type":"call.start","agent":"1001"}', "missing_field", "call"),
        ('{"type":"call.start","call":"","agent":"1001"}', None, "call"),
        ('{"type":"call.start","call":null,"agent":"1001"}', "missing_field", "call"),
        ('{"type":"call.start","call":"x","agent":"1001","dir":"up"}', "bad_field", "dir"),
        ('{"type":"call.start","call":"x","agent":"1001","ts":"today"}', "bad_field", "ts"),
        ('{"type":"call.start","call":"x","agent":"1001","ts":1.5}', "bad_field", "ts"),
        ('{"type":"call.end","call":"x","talk_ms":-1}', "bad_field", "talk_ms"),
        ('{"type":"call.end","call":"x","talk_ms":"many"}', "bad_field", "talk_ms"),
        ('{"type":"call.end","call":"x","outcome":"great"}', "bad_field", "outcome"),
        ('{"type":"call.answer"}', "missing_field", "call"),
        ('{"type":"agent.state","agent":"1001"}', "missing_field", "state"),
        ('{"type":"agent.state","agent":"1001","state":"asleep"}', "bad_field", "state"),
        ('{"type":"lead.issue","agent":"1001","lead":"l1"}', "missing_field", "number"),
        ('{"type":"member.developed","agent":"1001"}', "missing_field", "member"),
        ('{"type":"review.points","agent":"1001","points":1.5,"reason":"r","by":"b"}',
         "bad_field", "points"),
        ('{"type":"review.points","agent":"1001","points":1,"reason":"r"}', "missing_field", "by"),
        ('{"type":"source.gap","from":%d}' % NINE, "missing_field", "to"),
        ('{"type":"source.gap","from":%d,"to":%d}' % (NINE, NINE - 1), "bad_field", None),
        ('{"type":"tick"}', "missing_field", "ts"),
        ('{"type":"tick","ts":%d,"pad":"%s"}' % (NINE, "x" * 5000), "too_long", None),
        ('{"type":"hello","v":2,"producer":"p","epoch":"e"}', "bad_field", "v"),
        ('{"type":"hello","v":1,"epoch":"e"}', "missing_field", "producer"),
        ('{"type":"hello","v":1,"producer":"p"}', "missing_field", "epoch"),
    ]

    def test_every_refusal_has_its_code_and_line_and_the_connection_stays(self):
        daemon = Daemon(self).start()
        s = daemon.sender()
        for number, (line, code, field) in enumerate(self.CASES, 1):
            with self.subTest(line=line):
                s.raw(line)
                reply = s.error()
                self.assertEqual(reply["line"], number)
                if code:
                    self.assertEqual(reply["code"], code)
                if field:
                    self.assertIn(field, reply["message"])
        s.raw({"type": "hello", "v": 1, "producer": "p", "epoch": "e"})
        self.assertEqual(s.reply(), {"type": "welcome", "v": 1, "producer": "p", "seq": 0})
        self.check_rejects(daemon)
        self.assertEqual(daemon.source()["refused"], len(self.CASES))

    def check_rejects(self, daemon):
        rows = wait_until(lambda: len(daemon.rejects()) == len(self.CASES) and daemon.rejects(),
                          "all refused lines in rejects/")
        for row, (line, code, _) in zip(rows, self.CASES):
            self.assertEqual(set(row), {"time", "source", "code", "line"})
            self.assertEqual(row["source"], "switch")
            if code:
                self.assertEqual(row["code"], code)
            if isinstance(line, str):
                self.assertEqual(row["line"], line[:4096])

    def test_a_line_of_4096_bytes_is_taken_and_one_more_is_too_long(self):
        daemon = Daemon(self).start()
        s = daemon.sender("p")
        for size, ending in ((4096, b"\n"), (4096, b"\r\n"), (4097, b"\n"), (100000, b"\n")):
            line = s.line_of("tick", ts=NINE)[:-2]
            line += b',"pad":"%s"}' % (b"x" * (size - len(line) - 10))
            self.assertEqual(len(line), size)
            s.raw(line + ending)
            if size > 4096:
                reply = s.error()
                self.assertEqual((reply["code"], reply["line"]), ("too_long", 1 + s.last))
        s.tick(NINE)
        s.wait_ack()
        self.assertEqual(daemon.source()["gaps"], 0)

    def test_an_unterminated_last_line_is_truncated_and_not_taken(self):
        daemon = Daemon(self).start()
        s = daemon.sender()
        s.raw(b'{"type":"tick","ts":%d}\n' % NINE +
              b'{"type":"member.developed","agent":"1001","member":"m","ts":%d}' % NINE)
        left = s.finish()
        self.assertEqual([(r["code"], r["line"]) for r in left], [("truncated", 2)])
        self.assertFalse((daemon.day("1001", DAY) or {}).get("members"))

    def test_the_neighbours_of_a_bad_line_count(self):
        daemon = Daemon(self).start()
        s = daemon.sender("p")
        for i in range(50):
            s.event("member.developed", agent="1001", member="m%d" % i, ts=NINE)
            s.raw(b"\x00\xff\xfe{{{\n")
        s.wait_ack()
        self.assertEqual(daemon.day("1001", DAY)["members"], 50)

    def test_the_future_is_refused_by_the_wall_clock(self):
        daemon = Daemon(self, clock="wall").start()
        s = daemon.sender("p")
        now = int(time.time() * 1000)
        s.event("call.start", call="c1", agent="1001", ts=now + 6 * 60000)
        reply = s.error()
        self.assertEqual((reply["code"], reply["line"]), ("future_ts", 2))
        s.event("call.start", call="c2", agent="1001", ts=now + 4 * 60000)
        s.wait_ack()
        self.assertEqual(daemon.source()["refused"], 1)

    def test_an_unknown_agent_is_counted_and_judged_by_nothing(self):
        daemon = Daemon(self).start()
        s = daemon.sender("p")
        s.call("c1", "stranger", NINE, talk_ms=60000)
        s.wait_ack()
        day = daemon.day("stranger", DAY)
        self.assertEqual((day["class"], day["state"], day["calls"], day["talk_ms"]),
                         ("new", "unrostered", 1, 60000))
        for field in ("calls_target", "talk_target_ms", "calls_expected", "team", "name",
                      "calls_state", "talk_state"):
            self.assertNotIn(field, day)


class Calls(unittest.TestCase):
    """What events of a call amount to, in any order."""

    def setUp(self):
        self.daemon = Daemon(self).start()
        self.s = self.daemon.sender("pbx1")

    def day(self, ident="1001"):
        self.s.wait_ack()
        return self.daemon.day(ident, DAY)

    def test_an_end_alone_makes_a_call(self):
        self.s.event("call.end", call="a", agent="1001", talk_ms=60000, ts=NINE + 60000)
        self.s.event("call.end", call="b", agent="1001", outcome="busy", ts=NINE + 70000)
        self.s.event("call.end", call="c", agent="1001", outcome="answered", ts=NINE + 80000)
        self.s.event("call.end", call="d", agent="1001", ts=NINE + 90000)
        self.s.event("call.end", call="e", agent="1001", talk_ms=0, ts=NINE + 95000)
        day = self.day()
        self.assertEqual([day[f] for f in ("dials", "answered", "calls", "busy", "no_answer",
                                           "talk_ms", "first_dial_ms", "longest_ms")],
                         [4, 2, 2, 1, 1, 60000, NINE, 60000])

    def test_talk_ms_is_placed_at_the_end(self):
        self.s.event("call.start", call="a", agent="1001", ts=NINE)
        self.s.event("call.end", call="a", talk_ms=30000, ts=NINE + 60000)
        self.s.event("call.end", call="b", agent="1001", talk_ms=30000, ts=NINE + 75000)
        day = self.day()
        self.assertEqual((day["calls"], day["talk_ms"], day["ring_ms"]), (2, 45000, 30000))

    def test_talk_is_zero_without_answer_and_talk_ms(self):
        self.s.event("call.start", call="a", agent="1001", ts=NINE)
        self.s.event("call.end", call="a", outcome="answered", ts=NINE + 60000)
        day = self.day()
        self.assertEqual((day["calls"], day["answered"], day["talk_ms"]), (1, 1, 0))

    def test_outcomes(self):
        for i, outcome in enumerate(("no_answer", "busy", "failed", "cancelled", None)):
            more = {"outcome": outcome} if outcome else {}
            self.s.call("o%d" % i, "1001", NINE + i * 60000, **more)
        day = self.day()
        self.assertEqual([day[f] for f in ("dials", "answered", "no_answer", "busy", "failed",
                                           "cancelled", "calls")], [5, 0, 2, 1, 1, 1, 0])

    def test_inbound_and_internal(self):
        self.s.event("call.start", call="i", agent="1001", dir="in", ts=NINE)
        self.s.event("call.answer", call="i", ts=NINE + 4000)
        self.s.event("call.end", call="i", ts=NINE + 64000)
        self.s.event("call.start", call="j", agent="1001", dir="in", ts=NINE + 70000)
        self.s.event("call.end", call="j", ts=NINE + 75000)
        self.s.event("call.start", call="k", agent="1001", dir="internal", ts=NINE + 80000)
        self.s.event("call.answer", call="k", ts=NINE + 81000)
        self.s.event("call.end", call="k", ts=NINE + 90000)
        day = self.day()
        self.assertEqual([day[f] for f in ("dials", "answered", "calls", "inbound", "talk_ms",
                                           "inbound_talk_ms", "no_answer", "ring_ms",
                                           "longest_ms")], [0, 0, 0, 1, 0, 60000, 0, 0, 0])

    def test_an_extension_is_its_agent(self):
        daemon = Daemon(self, roster_tree=roster(
            agent("1001", extensions=["8001", "PJSIP/1001"]))).start()
        s = daemon.sender("p")
        s.call("a", "8001", NINE, talk_ms=1000)
        s.call("b", "PJSIP/1001", NINE + 20000, talk_ms=1000)
        s.call("c", "1001", NINE + 40000, talk_ms=1000)
        s.wait_ack()
        self.assertEqual(daemon.day("1001", DAY)["calls"], 3)
        self.assertEqual(daemon.ask("agent", id="8001", day=DAY)["day"]["agent"], "1001")

    def test_members_are_counted_once(self):
        for member in ("m1", "m2", "m1"):
            self.s.event("member.developed", agent="1001", member=member, ts=NINE)
        self.s.event("member.developed", agent="1002", member="m1", ts=NINE)
        self.assertEqual(self.day()["members"], 2)
        self.assertEqual(self.day("1002")["members"], 1)

    def test_order_and_repetition_give_the_same_view(self):
        """Every event up to three times, the lot shuffled, in lots with and without numbers."""
        chance = random.Random(20261123)
        events = []
        for i in range(120):
            call, who = "c%d" % i, chance.choice(["1001", "1002"])
            begin = NINE + i * 40000 + chance.randrange(20000)
            talk = chance.choice([None, 0, 15000, 61000])
            events.append(("call.start", {"call": call, "agent": who, "ts": begin,
                                          "dir": chance.choice(["out", "out", "in"])}))
            if talk is not None:
                events.append(("call.answer", {"call": call, "ts": begin + 8000}))
            if talk:
                events.append(("call.hold", {"call": call, "ts": begin + 9000}))
                events.append(("call.retrieve", {"call": call, "ts": begin + 12000}))
            events.append(("call.end", {"call": call, "ts": begin + 8000 + (talk or 0)}))
        over = ("tick", {"ts": NINE + 3 * 3600000})
        self.s.events(events + [over])
        self.s.wait_ack()
        self.daemon.settle()
        wanted = self.daemon.counters()
        self.assertIn(harness.HASH_DAY % ("1002", DAY), wanted)
        for producer in ("shuffled", None):
            daemon = Daemon(self).start()
            mixed = [e for e in events for _ in range(chance.randrange(1, 4))]
            chance.shuffle(mixed)
            s = daemon.sender(producer)
            s.events(mixed + [over])
            s.finish()
            daemon.settle()
            self.assertEqual(daemon.counters(), wanted)

    def test_of_conflicting_repeats_the_earliest_wins_and_a_known_field_stays(self):
        self.s.event("call.start", call="a", agent="1001", number="1", ts=NINE + 5000)
        self.s.event("call.start", call="a", agent="1001", ts=NINE)
        self.s.event("call.answer", call="a", ts=NINE + 20000)
        self.s.event("call.answer", call="a", ts=NINE + 10000)
        self.s.event("call.end", call="a", ts=NINE + 50000)
        self.s.event("call.end", call="a", ts=NINE + 40000)
        day = self.day()
        self.assertEqual([day[f] for f in ("dials", "first_dial_ms", "ring_ms", "talk_ms")],
                         [1, NINE, 10000, 30000])


class Sources(unittest.TestCase):
    def test_start_means_answer(self):
        daemon = Daemon(self, sources=source(start_means="answer")).start()
        s = daemon.sender("p")
        s.event("call.start", call="a", agent="1001", ts=NINE)
        s.event("call.end", call="a", ts=NINE + 60000)
        s.wait_ack()
        day = daemon.day("1001", DAY)
        self.assertEqual([day[f] for f in ("dials", "answered", "calls", "talk_ms", "ring_ms")],
                         [1, 1, 1, 60000, 0])

    def test_token(self):
        daemon = Daemon(self, sources=source(token_file="token"))
        daemon.write("token", "s3cret")
        daemon.start()
        for token in (None, "wrong", "s3cre", "s3crett"):
            s = daemon.sender("p", token=token)
            self.assertEqual((s.welcome["type"], s.welcome["code"]), ("error", "not_authorized"))
            self.assertIsNone(s.reply())
        bare = daemon.sender()
        bare.tick(NINE)
        self.assertEqual(bare.reply()["code"], "not_authorized")
        self.assertIsNone(bare.reply())
        s = daemon.sender("p", token="s3cret")
        s.tick(NINE)
        s.wait_ack()

    def test_allow_list(self):
        daemon = Daemon(self, sources=source(allow=["10.0.0.0/8"]) +
                        [dict(NATIVE, name="open", allow=["127.0.0.1/32"])]).start()
        try:
            s = Sender(daemon.address())
            s.raw({"type": "hello", "v": 1, "producer": "p", "epoch": "e"})
            self.assertIsNone(s.reply())
        except (ConnectionError, OSError):
            pass
        self.assertEqual(daemon.sender("p", source="open").welcome["seq"], 0)

    def test_max_connections(self):
        daemon = Daemon(self, sources=source(max_connections=3)).start()
        held = [daemon.sender("p%d" % i) for i in range(3)]
        address = daemon.address()
        late = Sender(address)
        late.socket.settimeout(1)
        late.raw({"type": "hello", "v": 1, "producer": "late", "epoch": "e"})
        try:
            self.assertIsNone(late.reply())
        except TimeoutError:
            pass
        for s in held:
            s.tick(NINE)
            s.wait_ack()
        held.pop().close()

        def another():
            try:
                t = Sender(address, "again")
            except (OSError, ValueError):
                return False
            return t.welcome
        wait_until(another, "room for another connection")

    def test_idle_timeout(self):
        daemon = Daemon(self, sources=source(idle_timeout="1s")).start()
        idle = daemon.sender("idle")
        began = time.monotonic()
        self.assertIsNone(idle.reply())
        self.assertLess(0.5, time.monotonic() - began)

    def test_unix_socket(self):
        daemon = Daemon(self)
        path = daemon.path("events.sock")
        daemon.config["sources"] = source(listen="unix:" + path)
        daemon.write_config()
        daemon.start()
        s = daemon.sender("p")
        s.call("a", "1001", NINE, talk_ms=1000)
        s.wait_ack()
        self.assertEqual(daemon.day("1001", DAY)["calls"], 1)
        self.assertEqual(daemon.source()["listen"], "unix:" + path)

    def test_tls(self):
        daemon = Daemon(self, sources=source(tls={"cert": "cert.pem", "key": "key.pem"}))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", daemon.path("key.pem"), "-out", daemon.path("cert.pem")],
                       check=True, capture_output=True)
        daemon.start()
        context = ssl.create_default_context(cafile=daemon.path("cert.pem"))
        context.check_hostname = False
        s = Sender(daemon.address(), "p", context=context)
        s.events([("member.developed", {"agent": "1001", "member": "m%d" % i, "ts": NINE})
                  for i in range(1000)])
        s.wait_ack()
        self.assertEqual(daemon.day("1001", DAY)["members"], 1000)
        plain = Sender(daemon.address())
        plain.raw({"type": "tick", "ts": NINE})
        try:
            self.assertFalse((plain.stream.readline() or b"").startswith(b"{"))
        except ConnectionError:
            pass

    def test_several_sources_share_the_calls(self):
        daemon = Daemon(self, sources=[dict(NATIVE, name=n) for n in ("a", "b", "c")]).start()
        one, two, three = (daemon.sender(n, source=n) for n in ("a", "b", "c"))
        one.event("call.start", call="x", agent="1001", ts=NINE)
        one.wait_ack()
        two.event("call.answer", call="x", ts=NINE + 1000)
        two.wait_ack()
        three.event("call.end", call="x", ts=NINE + 5000)
        three.wait_ack()
        day = daemon.day("1001", DAY)
        self.assertEqual((day["calls"], day["talk_ms"]), (1, 4000))
        self.assertEqual([s["events"] for s in daemon.status()["sources"]], [1, 1, 1])
        self.assertEqual([s["name"] for s in daemon.status()["sources"]], ["a", "b", "c"])

    def test_a_sender_that_never_reads_loses_only_the_replies(self):
        daemon = Daemon(self).start()
        deaf = daemon.sender("deaf")
        for lot in range(40):
            deaf.events([("member.developed", {"agent": "1001", "member": "m%d-%d" % (lot, i),
                                               "ts": NINE}) for i in range(250)])
            deaf.raw(b"x\n" * 250)
        wait_until(lambda: daemon.source()["events"] == 10000, "all events of the deaf sender")
        self.assertEqual(daemon.day("1001", DAY)["members"], 10000)


if __name__ == "__main__":
    harness.main()
