"""callpace audit: what was counted against records as the switches write them, made of
what the telephones of the recordings saw."""
import csv
import datetime
import gzip
import io
import json
import os
import subprocess
import unittest

import harness
from harness import PROGRAMS, Daemon, agent, roster

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
DAY = "2026-11-24"


def truth_of(*path):
    with gzip.open(os.path.join(DATA, *path, "truth.json.gz")) as file:
        return json.load(file)


def stamp(seconds, zone):
    return datetime.datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S")


def ms(seconds):
    return round(seconds * 1000)


class Audit(unittest.TestCase):
    def begin(self, *agents):
        self.daemon = Daemon(self, roster_tree=roster(*agents)).start()
        self.s = self.daemon.sender("pbx1")

    def call(self, call, ident, start, connect, end, **more):
        self.s.event("call.start", call=call, agent=ident, ts=ms(start), **more)
        if connect:
            self.s.event("call.answer", call=call, ts=ms(connect))
        self.s.event("call.end", call=call, ts=ms(end))

    def end_day(self):
        self.s.tick(harness.at("2026-11-25 00:01"))
        self.s.wait_ack()

    def audit(self, text, kind, *words, code=0):
        path = self.daemon.path("cdr.csv")
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        told = subprocess.run([PROGRAMS["callpace"], "audit", "--cdr", path, "--format", kind,
                               "-c", self.daemon.config_path, *words], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(told.returncode, code, told.stderr)
        return told.stderr if code else told.stdout

    def drift(self, text, kind):
        """{agent: [(reason, number)]} of those that drift, and the sums of all."""
        rows = json.loads(self.audit(text, kind, "--json"))
        sums = {k: sum(row[k] for row in rows) for k in
                ("dials", "cdr_dials", "answered", "cdr_answered", "inbound", "cdr_inbound")}
        return {row["agent"]: [(c["reason"], c["number"]) for c in row["calls"]]
                for row in rows if row["drift"]}, sums

    def test_freeswitch(self):
        truth = truth_of("freeswitch", "mix-20-agents-200-calls")
        self.begin(*[agent(ident) for ident in sorted(truth["agents"])])
        numbers = {leg["uuid"]: leg["destination"] for leg in truth["legs"]}
        for call in truth["calls"]:
            connect = call["end"] - call["talk_seconds"] if call["answered"] else None
            self.call(call["uuid"], call["agent"], call["start"], connect, call["end"],
                      number=numbers[call["uuid"]])
        self.end_day()
        names = ["uuid", "direction", "user_name", "caller_id_number", "destination_number",
                 "start_stamp", "answer_stamp", "billmsec", "originate_disposition",
                 "channel_name"]

        def written(legs, zone):
            out = io.StringIO()
            table = csv.writer(out)
            table.writerow(names)
            for leg in legs:
                times = [stamp(leg[k], zone) if leg[k] else "" for k in ("start", "answer")]
                table.writerow([leg["uuid"], leg["direction"], leg["user_name"] or "",
                                leg["caller"], leg["destination"], *times, leg["billmsec"],
                                leg["originate_disposition"] or "", leg["channel"]])
            return out.getvalue()

        total = sum(a["attempted"] for a in truth["agents"].values())
        answered = sum(a["answered"] for a in truth["agents"].values())
        for zone in (harness.CHINA, datetime.timezone.utc):
            drifting, sums = self.drift(written(truth["legs"], zone), "freeswitch")
            self.assertEqual((drifting, sums["dials"], sums["cdr_dials"], sums["cdr_answered"]),
                             ({}, total, total, answered))
        spoiled = [dict(leg) for leg in truth["legs"]]
        own = [leg for leg in spoiled if leg["user_name"] and leg["billmsec"] > 4000]
        missing, longer, extra = own[0], own[1], dict(own[2], uuid="none-of-ours")
        longer["billmsec"] += 60000
        extra["start"] += 30
        spoiled.remove(missing)
        spoiled.append(extra)
        drifting, sums = self.drift(written(spoiled, harness.CHINA), "freeswitch")
        found = sorted((ident, reason, number) for ident, calls in drifting.items()
                       for reason, number in calls)
        self.assertEqual(found, sorted([
            (missing["user_name"], "only_here", missing["destination"]),
            (longer["user_name"], "talk_differs", longer["destination"]),
            (extra["user_name"], "only_in_cdr", extra["destination"])]))
        self.assertEqual(sums["cdr_dials"], total)
        table = self.audit(written(spoiled, harness.CHINA), "freeswitch")
        self.assertIn(missing["uuid"], table)

    def rows_of(self, calls):
        """Master.csv, and the calls told to the daemon."""
        out = io.StringIO()
        table = csv.writer(out, quoting=csv.QUOTE_ALL)
        for call in calls:
            ident, number, start = call["agent"], call["number"], call["t_start"]
            connect, end = call["t_connect"], call["t_disconnect"] or start + 3
            unique = "%.3f.%d" % (start, call["id"])
            extension = "10" + ident[-2:]
            mine, other = "PJSIP/%s-%08x" % (ident, call["id"]), "PJSIP/trunk-%08x" % call["id"]
            if call["kind"] == "internal":
                other = "PJSIP/%s-%08x" % (call["peer"], call["id"])
                self.call(unique, ident, start, connect, end, number=number, dir="internal")
            elif call["kind"] == "outbound":
                self.call("pbx1:" + unique, ident, start, connect, end, number=number)
            else:
                mine, other = other, mine
                self.call("q" + unique, ident, start, connect, end, number=number, dir="in")
            src, dst = (number, "2000") if call["kind"] == "inbound" else (extension, number)
            seconds = int(end - connect) if connect else 0
            table.writerow(["", src, dst, "agents", '"x, ""y""" <%s>' % src, mine, other, "Dial", "",
                            stamp(start, harness.CHINA),
                            stamp(connect, harness.CHINA) if connect else "",
                            stamp(end, harness.CHINA), int(end - start), seconds,
                            "ANSWERED" if connect else "NO ANSWER", "DOCUMENTATION", unique, "",
                            "", unique, call["id"]])
        return out.getvalue()

    def test_asterisk(self):
        truth = truth_of("asterisk", "e_mix")
        self.begin(*[agent("agent%02d" % i, extensions=["10%02d" % i, "PJSIP/agent%02d" % i])
                     for i in range(1, 21)])
        calls = [c for c in truth["calls"] if c["agent"] and c["via"].startswith(("phone", "0800"))]
        text = self.rows_of(calls)
        self.end_day()
        made = [c for c in calls if c["kind"] == "outbound"]
        drifting, sums = self.drift(text, "asterisk")
        self.assertEqual(drifting, {})
        expected = [len(made), sum(c["answered"] for c in made),
                    sum(c["answered"] for c in calls if c["kind"] == "inbound")]
        self.assertEqual([sums[k] for k in ("cdr_dials", "cdr_answered", "cdr_inbound")], expected)
        self.assertEqual([sums[k] for k in ("dials", "answered", "inbound")], expected)
        lines = text.splitlines(keepends=True)
        gone = next(i for i, c in enumerate(calls) if c["kind"] == "inbound" and c["answered"])
        other = next(i for i, c in enumerate(calls) if c["kind"] == "outbound" and c["answered"])
        lines[other] = lines[other].replace('"ANSWERED"', '"BUSY"')
        del lines[gone]
        drifting, _ = self.drift("".join(lines), "asterisk")
        self.assertEqual(sorted(pair for pairs in drifting.values() for pair in pairs),
                         sorted([("only_here", calls[gone]["number"]),
                                 ("answered_differs", calls[other]["number"])]))

    def test_what_is_no_record(self):
        self.begin(agent("1001"))
        self.end_day()
        self.assertEqual(json.loads(self.audit("", "asterisk", "--json")), [])
        for text in ("hello\n", b"\x00\xff,\"" * 1000, '"' * 100000, "," * 5000 + "\n"):
            for kind in ("asterisk", "freeswitch"):
                self.assertIn("cdr.csv: no row", self.audit(text, kind, code=78))
        row = '"","1\x1b]0;x","13800138000","c","","PJSIP/1001-1","PJSIP/t-1","Dial","",' \
              '"2026-11-24 10:00:00","","2026-11-24 10:00:09",9,999999999999999999999,"ANSWERED",' \
              '"x","\x1b[2J\u202eid"\n'
        self.daemon.write("roster.yaml", roster(agent("1001", extensions=["PJSIP/1001"])))
        self.daemon.ask("reload")
        self.assertNotIn("\x1b", self.audit(row, "asterisk"))
        told, = json.loads(self.audit(row, "asterisk", "--json"))
        self.assertEqual((told["cdr_dials"], told["cdr_talk_ms"]), (1, 0))
        for words in ([], ["--format", "cisco"], ["--day", "yesterday"]):
            told = subprocess.run([PROGRAMS["callpace"], "audit", "--cdr", "/dev/null",
                                   *(["--format", "asterisk"] if "--day" in words else []), *words,
                                   "-c", self.daemon.config_path], capture_output=True)
            self.assertEqual(told.returncode, 64)


if __name__ == "__main__":
    harness.main()
