"""Alerts that people do not switch off: quiet hours, hold-down, budgets with digests,
acknowledgement and escalation, by event time and across kill -9."""
import json
import os
import subprocess
import unittest
import urllib.request

import harness
from harness import Daemon, agent, at, policy, roster, wait_until

NINE = at("2026-11-23 09:00")
MINUTE = 60000
# Without a call everybody is behind at 10:00, when the warm-up is over.
RULES = policy(classes__veteran={"day": {"calls": 8, "talk": "8m"},
                                 "month": {"calls": 1, "talk": "1m", "members": 1}})


class Care(unittest.TestCase):
    def begin(self, hooks, agents=1):
        people = [agent(str(1001 + i)) for i in range(agents)]
        self.daemon = Daemon(self, policy_tree=RULES, roster_tree=roster(*people))
        for hook in hooks:
            hook.update(exec=["sh", "-c", "cat >>$0; echo >>$0", self.daemon.path(hook["name"])],
                        concurrency=1, timeout="60s")
        self.daemon.config["hooks"] = hooks
        self.daemon.config["http"] = {"listen": "127.0.0.1:0"}
        self.daemon.write_config()
        self.daemon.start()
        self.s = self.daemon.sender("pbx1")

    def at(self, minutes):
        self.s.tick(NINE + int(minutes * MINUTE))
        self.s.wait_ack()

    def catch_up(self, ident, minutes, calls=3, talk=MINUTE):
        self.s.events([("call.end", {"call": "%s-%g-%d" % (ident, minutes, i), "agent": ident,
                                     "talk_ms": talk, "ts": NINE + int(minutes * MINUTE) - i * talk})
                       for i in range(calls)])
        self.s.wait_ack()

    def kill(self):
        self.daemon.kill()
        self.daemon.wait()
        self.daemon.start()
        self.s = self.daemon.sender("pbx1")

    def hook(self, name):
        return next(h for h in self.daemon.status()["hooks"] if h["name"] == name)

    def settled(self, name):
        """Nothing runs, and what waits is held back."""
        hook = self.hook(name)
        return hook["waiting"] == hook["held"] and hook["running"] == 0

    def told(self, name):
        wait_until(lambda: self.settled(name), "%s to be done: %s" % (name, self.hook(name)))
        try:
            with open(self.daemon.path(name), encoding="utf-8") as file:
                return [json.loads(line) for line in file if line.strip()]
        except FileNotFoundError:
            return []

    def ids_of(self, alerts):
        return [(a.get("agent"), a["type"], a["state"]) for a in alerts]

    def told_ids(self, name):
        return self.ids_of(self.told(name))

    def run_client(self, *words):
        result = subprocess.run([harness.PROGRAMS["callpace"], "--socket", self.daemon.socket_path,
                                 *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env=dict(os.environ, LANG="C.UTF-8"))
        return result.returncode, result.stdout, result.stderr

    def test_quiet_hours_queue_and_do_not_drop(self):
        self.begin([{"name": "noon", "quiet": [["09:30", "11:00"]]},
                    {"name": "off", "quiet": ["shift"]},
                    {"name": "severe", "quiet": ["shift", ["00:00", "24:00"]],
                     "quiet_passes": "warning"}])
        self.at(60)
        self.assertEqual(self.told_ids("noon"), [])
        self.assertEqual(self.hook("noon")["held"], 1)
        behind = [("1001", "day.behind", "raised")]
        self.assertEqual(self.told_ids("off"), behind)
        self.assertEqual(self.told_ids("severe"), behind)
        self.kill()
        self.assertEqual(self.hook("noon")["waiting"], 1)
        self.at(119)
        self.assertEqual(self.told_ids("noon"), [])
        self.at(120)
        self.assertEqual(self.told_ids("noon"), behind)
        self.at(9 * 60 - 1)
        self.assertIn(("1001", "day.unreachable", "raised"), self.told_ids("off"))
        self.at(9 * 60)
        self.assertIn(("1001", "day.missed", "raised"), self.told_ids("noon"))
        self.assertNotIn(("1001", "day.missed", "raised"), self.told_ids("off"))
        self.assertEqual(self.hook("off")["held"], 1)
        self.kill()
        self.at(24 * 60)
        self.assertIn(("1001", "day.missed", "raised"), self.told_ids("off"))

    def test_hold_down_tells_only_what_lasts(self):
        self.begin([{"name": "patient", "hold_down": "10m"}, {"name": "eager"}], agents=2)
        self.at(60)
        self.assertEqual(self.hook("patient")["held"], 2)
        self.catch_up("1001", 65)
        self.at(69)
        self.assertEqual(self.told("patient"), [])
        self.assertEqual(len(self.told("eager")), 3)
        self.kill()
        self.at(70)
        self.assertEqual(self.told_ids("patient"), [("1002", "day.behind", "raised")])
        self.assertEqual(self.hook("patient")["waiting"], 0)

    def test_a_budget_and_one_digest_for_the_rest(self):
        self.begin([{"name": "lead", "budget": {"alerts": 2, "per": "30m"}}, {"name": "all"}],
                   agents=6)
        self.at(60)
        self.assertEqual(len(self.told("all")), 6)
        direct = self.told_ids("lead")
        self.assertEqual(len(direct), 2)
        waiting = sorted({str(1001 + i) for i in range(6)} - {d[0] for d in direct})
        recovered, eager = waiting[0], waiting[1]
        self.catch_up(recovered, 65)
        self.catch_up(eager, 66, calls=1, talk=1000)
        self.at(89)
        self.assertEqual(len(self.told("lead")), 2)
        self.assertEqual(len(self.told("all")), 7)
        self.kill()
        self.at(90)
        told = self.told("lead")
        self.assertEqual(len(told), 3)
        digest = told[-1]
        self.assertEqual((digest["type"], digest["team_lead"], digest["severity"]),
                         ("digest", "Li Wei", "warning"))
        ranked = [(a["agent"], a["state"], a["chance"]) for a in digest["alerts"]]
        self.assertEqual(ranked, [(waiting[2], "raised", "recoverable"),
                                  (waiting[3], "raised", "recoverable"),
                                  (eager, "raised", "recoverable"),
                                  (recovered, "resolved", "info")])
        self.assertEqual(digest["numbers"], {"alerts": 4, "recoverable": 3})
        self.assertIn("1. Agent " + waiting[2], digest["text"]["en"])
        self.assertIn("还来得及", digest["text"]["zh"])
        self.kill()
        self.at(100)
        self.assertEqual(len(self.told("lead")), 3)
        self.assertEqual(len(self.told("all")), 7)
        address = self.daemon.status()["http"]["listen"]
        with urllib.request.urlopen("http://%s/api/v1/alerts" % address) as reply:
            shown = json.load(reply)["alerts"]
        for alerts in (self.daemon.alerts(), shown):
            self.assertEqual({a["type"] for a in alerts}, {"day.behind"})
        self.catch_up(direct[0][0], 101)
        self.assertEqual(self.told_ids("lead")[3:], [(direct[0][0], "day.behind", "resolved")])

    def test_escalates_what_nobody_acknowledges(self):
        self.begin([{"name": "lead", "escalate": {"after": "15m", "to": "boss"}},
                    {"name": "boss", "on": ["source.*"]}], agents=2)
        self.at(60)
        self.assertEqual(len(self.told("lead")), 2)
        self.at(74)
        ident = "1001/day.behind/2026-11-23"
        code, _, errors = self.run_client("alerts", "ack", ident, "--note", "打电话了\x1b[2J")
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(self.told("boss"), [])
        self.kill()
        self.at(75)
        told = self.told("boss")
        self.assertEqual(self.ids_of(told), [("1002", "day.behind", "raised")])
        self.assertEqual((told[0]["escalated_from"], told[0]["unacknowledged_ms"]),
                         ("lead", 15 * MINUTE))
        self.kill()
        self.at(100)
        self.assertEqual(len(self.told("boss")), 1)
        raised = [a for a in self.daemon.alerts() if a["state"] == "raised"]
        self.assertEqual(len(raised), 2)
        acked = {a["agent"]: a.get("acked") for a in raised}
        self.assertEqual((acked["1001"]["note"], acked["1001"]["at_ms"], acked["1002"]),
                         ("打电话了\x1b[2J", NINE + 74 * MINUTE, None))
        for name in ("1001", "1002"):
            self.catch_up(name, 101)
        self.assertEqual(self.told_ids("boss")[1:], [("1002", "day.behind", "resolved")])
        _, listed, _ = self.run_client("alerts")
        self.assertIn("acknowledged by", listed)
        self.assertNotIn("\x1b", listed)
        stats = json.loads(self.run_client("alerts", "stats", "--json")[1])
        self.assertEqual(stats, [{"type": "day.behind", "raised": 2, "recovered": 2, "ran_out": 0,
                                  "open": 0, "acked": 1, "recovered_median_ms": 41 * MINUTE,
                                  "acked_median_ms": 14 * MINUTE}])
        self.assertIn("day.behind", self.run_client("alerts", "stats")[1])

    def test_what_cannot_be_acknowledged(self):
        self.begin([])
        code, _, errors = self.run_client("alerts", "ack", "1001/day.behind/2026-11-23")
        self.assertEqual((code, "no alert of this id" in errors), (64, True))
        self.assertEqual(self.run_client("alerts", "ack")[0], 64)
        self.assertEqual(self.run_client("alerts", "--note", "x")[0], 64)
        self.assertEqual(self.run_client("alerts", "stat")[0], 64)


if __name__ == "__main__":
    harness.main()
