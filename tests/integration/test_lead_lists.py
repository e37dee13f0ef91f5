"""callpace leads import, show, export, unassigned against the running daemon."""
import csv
import io
import json
import subprocess
import unittest

import harness
from harness import Daemon, agent, at, roster, wait_until

NINE = at("2026-11-23 09:00")
WEEK = "2026-W48"
MANY = 20000


class LeadLists(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(self, roster_tree=roster(agent("1001", name="王勇"), agent("1002"))).start()
        self.s = self.daemon.sender("pbx1")
        self.s.tick(NINE)
        self.s.wait_ack()

    def leads(self, *words, code=0):
        done = subprocess.run([harness.PROGRAMS["callpace"], "--socket", self.daemon.socket_path,
                               "leads", *words], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def show(self, *words):
        return json.loads(self.leads("show", *words, "--json").stdout)

    def test_what_is_wrong_is_told_by_line_and_the_rest_is_issued(self):
        path = self.daemon.write("leads.csv", "\ufefflead,agent,number,note\r\n"
                                 "L1,1001,+86 138-0013-8000,\r\n"
                                 "L2,nobody,13800138001,\r\n"
                                 "L1,1001,13800138000,again\r\n"
                                 "\"L,3\",1002,13800138003,\"a \"\"b\"\"\"\r\n"
                                 "L4,1001,call me,\r\n")
        dry = self.leads("import", path, "--dry-run", code=1)
        self.assertEqual([line.split("leads.csv:")[1] for line in dry.stderr.splitlines()[:3]],
                         ["3: unknown agent: nobody", "4: the lead stands in the file twice: L1",
                          "6: not a telephone number: call me"])
        self.assertIn("2 leads to issue, 3 left out", dry.stderr)
        self.assertEqual(self.show("1001"), [])
        for _ in range(2):  # the second time nothing is sent
            self.leads("import", path, code=1)
            self.assertEqual([(x["lead"], x["state"]) for x in self.show("1001")],
                             [("L1", "issued")])
        self.assertEqual([x["lead"] for x in self.show("1002", "--week", WEEK)], ["L,3"])
        self.assertEqual({x["agent"]: x["leads_issued"] for x in self.show()},
                         {"1001": 1, "1002": 1})

    def test_calls_show_and_what_is_exported_is_safe_in_a_spreadsheet(self):
        self.s.event("lead.issue", agent="1001", lead="=1+1", number="13800138000", ts=NINE)
        self.s.event("call.start", call="c1", agent="1001", number="13800138000", ts=NINE + 1000)
        self.s.event("call.answer", call="c1", ts=NINE + 5000)
        self.s.event("call.end", call="c1", ts=NINE + 65000)
        self.s.wait_ack()
        lead = self.show("1001")[0]
        self.assertEqual((lead["dials"], lead["contacts"], lead["state"]), (1, 1, "contacted"))
        rows = list(csv.DictReader(io.StringIO(self.leads("export").stdout)))
        self.assertEqual(len(rows), 1)
        self.assertEqual((rows[0]["agent"], rows[0]["number"], rows[0]["state"]),
                         ("1001", "13800138000", "contacted"))
        self.assertFalse(rows[0]["lead"].startswith("="))
        self.assertEqual(json.loads(self.leads("unassigned", "--json").stdout), [])

    def test_many_in_seconds(self):
        rows = ["agent,lead,number"] + ["%d,L%d,139%08d" % (1001 + i % 2, i, i) for i in range(MANY)]
        path = self.daemon.write("many.csv", "\n".join(rows))
        self.leads("import", path)
        wait_until(lambda: sum(x["leads_issued"] for x in self.show()) == MANY, "all to be issued")

    def test_faults(self):
        self.leads("import", self.daemon.write("bad.csv", "a,b\n1,2\n"), code=64)
        self.leads("import", "/nowhere.csv", code=74)
        self.leads("import", code=64)
        self.leads("show", "nobody", code=64)
        self.leads("show", "--week", "last", code=64)


if __name__ == "__main__":
    harness.main()
