"""A real Prometheus scrapes the daemon, by the rules and for the dashboard that are
shipped in conf/."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import unittest
import urllib.parse
import urllib.request

import harness
from harness import Daemon, agent, at, roster, wait_until

NINE = at("2026-11-23 09:00")
CONF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "conf")
RULES = os.path.realpath(os.path.join(CONF, "prometheus", "callpace.rules.yaml"))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Prometheus(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(self, roster_tree=roster(agent("1001"), agent("1002")),
                             http={"listen": "127.0.0.1:0"}).start()
        s = self.daemon.sender("pbx1")
        s.call("c1", "1001", NINE, talk_ms=90000)
        s.finish()
        target = self.daemon.status()["http"]["listen"]
        self.port = free_port()
        config = self.daemon.write("prometheus.yaml", {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [RULES],
            "scrape_configs": [{"job_name": "callpace",
                                "static_configs": [{"targets": [target]}]}]})
        log = open(self.daemon.path("prometheus.log"), "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            ["prometheus", "--config.file=" + config,
             "--storage.tsdb.path=" + self.daemon.path("tsdb"),
             "--web.listen-address=127.0.0.1:%d" % self.port], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def query(self, expression):
        url = "http://127.0.0.1:%d/api/v1/query?%s" % (
            self.port, urllib.parse.urlencode({"query": expression}))
        try:
            with urllib.request.urlopen(url, timeout=harness.PATIENCE_S) as reply:
                return json.load(reply)["data"]["result"]
        except OSError:
            return []

    def value(self, expression):
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else None

    def test_figures_rules_and_dashboard(self):
        wait_until(lambda: self.value('up{job="callpace"}') == 1, "Prometheus to see the daemon")
        self.assertEqual(self.value('callpace_agent_day_calls{agent="1001"}'), 1)
        self.assertEqual(self.value('callpace_agent_day_talk_seconds{agent="1001"}'), 90)
        with open(os.path.join(CONF, "grafana", "callpace.json"), encoding="utf-8") as file:
            dashboard = json.load(file)
        expressions = [t["expr"] for p in dashboard["panels"] for t in p["targets"]]
        self.assertGreater(len(expressions), 10)
        for expression in expressions:
            wait_until(lambda: self.query(expression) or "rate(" in expression, expression)
        with open(RULES, encoding="utf-8") as file:
            names = set(re.findall(r"callpace_\w+", file.read()))
        for name in names:
            self.assertTrue(self.query(name), name)

    def test_promtool_finds_no_fault(self):
        done = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    if not shutil.which("prometheus"):
        print("skipped: prometheus is not installed", file=sys.stderr)
        sys.exit(77)
    harness.main()
