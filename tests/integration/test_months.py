"""Random months of leads, ladder, points and outcomes against a plain model of POLICY
sections 4 to 6: late and repeated events, gaps, holds, reassignments, new rules in
mid-week, restarts. CALLPACE_SEED=N repeats one seed, CALLPACE_SEEDS=N tries more."""
import collections
import datetime
import json
import os
import random
import subprocess
import unittest

import harness
import months_reference as reference
from harness import Daemon, PROGRAMS, agent, policy, roster

WEEKS, SEEDS = 6, 10
WEEK_FIELDS = ("leads_issued", "leads_received", "leads_dialled", "leads_contacted",
               "leads_reached")
MONTH_FIELDS = ("calls", "talk_ms", "members", "basic", "incentive", "must_meet", "outcome",
                "attainment_bp", "points", "offences")


def seeds():
    if os.environ.get("CALLPACE_SEED"):
        return [int(os.environ["CALLPACE_SEED"])]
    return range(1, int(os.environ.get("CALLPACE_SEEDS", SEEDS)) + 1)


class World:
    def __init__(self, test, seed):
        self.test, self.seed = test, seed
        self.chance = random.Random(seed)
        self.first = datetime.date(2026, 1, 5) + datetime.timedelta(
            days=7 * self.chance.randint(0, 40))
        self.people = reference.random_agents(self.chance, self.first)
        self.rules = [reference.random_rules(self.chance, "2016-01-01")]
        self.model = reference.Model(self.people, self.rules)
        self.daemon = Daemon(test, policy_tree=self.policy(), roster_tree=self.roster()).start()
        self.s = self.daemon.sender("crm1")

    def policy(self):
        tree = policy()
        base = tree["policies"][0]
        tree["policies"] = [dict(base, **rules) for rules in self.rules]
        return tree

    def roster(self):
        def leave(day):
            return {"from": day + " 00:00", "to": day + " 24:00"}
        return roster(*[agent(p["id"], team=p["team"], hired=p["hired"],
                              confirmed_on=p["confirmed_on"], **{"class": None},
                              leave=[leave(day) for day in p["leave_days"]])
                        for p in self.people])

    def play(self):
        """Every event to both; now and then something happens to the daemon."""
        stream = reference.Stream(self.chance, self.people, self.first, WEEKS)
        end = reference.begin_of(self.first) + WEEKS * 7 * reference.DAY
        events = [e for e in stream.events if e[1]["ts"] < end] + [("tick", {"ts": end})]
        trouble = set(self.chance.sample(range(len(events)), 3))
        for n, (kind, event) in enumerate(events):
            if n in trouble:
                self.s.wait_ack()
                self.chance.choice([self.reload, self.kill, self.restart, self.kill])()
            self.model.take(kind, event)
            self.s.event(kind, **event)
        self.s.wait_ack()

    def reload(self):
        """Other rules from today on."""
        if self.model.clock is None:
            return
        today = reference.day_of(self.model.clock).isoformat()
        if today > self.rules[-1]["from"]:
            self.rules.append(reference.random_rules(self.chance, today))
            self.daemon.write("policy.yaml", self.policy())
            self.daemon.ask("reload")

    def kill(self):
        self.daemon.kill()
        self.daemon.wait()
        self.daemon.start()
        self.s = self.daemon.sender("crm1")

    def restart(self):
        self.daemon.stop()
        self.daemon.start()
        self.s = self.daemon.sender("crm1")

    # ---- comparing ----

    def compare(self):
        counters = self.daemon.counters()
        for person in self.people:
            ident = person["id"]
            for n in range(WEEKS):
                self.compare_week(counters, ident, self.first + datetime.timedelta(days=7 * n))
            for first in {m for _, m in self.model.months}:
                self.compare_month(counters, ident, first)
        dump = subprocess.run([PROGRAMS["callpace"], "journal", "dump", "--all", "-c",
                               self.daemon.config_path], check=True, stdout=subprocess.PIPE)
        decisions = [json.loads(line) for line in dump.stdout.splitlines()]
        self.compare_decisions(decisions)

    def same(self, got, expected, what):
        self.test.assertEqual(got, expected, "seed %d: %s" % (self.seed, what))

    def compare_week(self, counters, ident, monday):
        name = reference.week_text(monday)
        got = counters["callpace:agent:{%s}:week:%s" % (ident, name)]
        verdict, counts = self.model.weeks[ident, monday], self.model.counts(ident, monday)
        expected = {k: str(v) for k, v in counts.items()}
        expected["state"] = verdict["state"]
        if verdict["rung"]:
            expected["threshold_bp"] = str(verdict["below"])
        if verdict["offence"]:
            expected["rung"] = str(verdict["rung"])
        got = {k: v for k, v in got.items() if k != "contact_rate_bp"}
        self.same(got, expected, "%s in %s" % (ident, name))
        leads = {lead: "%s,%d,%d,%s" % (number, *self.model.lead_facts(ident, number, monday))
                 for lead, number, _ in self.model.held(ident, monday)}
        self.same(counters.get("callpace:lead:{%s}:%s" % (ident, name), {}), leads,
                  "leads of %s in %s" % (ident, name))

    def compare_month(self, counters, ident, first):
        name = first.strftime("%Y-%m")
        got = counters["callpace:agent:{%s}:month:%s" % (ident, name)]
        expected = {k: str(v) for k, v in self.model.month(ident, first).items()}
        self.same({k: got[k] for k in MONTH_FIELDS if k in got}, expected,
                  "%s in %s" % (ident, name))

    def compare_decisions(self, decisions):
        moves = [(d["lead"], d["from"], d.get("to"), d["week"]) for d in decisions
                 if d["type"] == "x.lead_move"]
        self.same(moves, self.model.moves, "moves")
        holds = {(d["agent"], d["week"]) for d in decisions if d["type"] == "x.lead_hold"}
        self.same(holds, {(a, reference.week_text(m)) for a, m in self.model.holds}, "holds")
        told = sorted(d["id"] for d in decisions if d["type"] == "x.alert" and
                      d["id"].split("/")[1] in ("contact.warning", "lead.hold", "lead.reassigned"))
        types = {"warn": "contact.warning", "hold_leads": "lead.hold",
                 "reassign_undialled": "lead.reassigned"}
        self.same(told, sorted("%s/%s/%s" % (a, types[v["act"]["action"]], reference.week_text(m))
                               for (a, m), v in self.model.weeks.items() if v["offence"]), "alerts")
        outcomes = [d["id"] for d in decisions if d["type"] == "x.alert" and "month" in d["id"]]
        self.same(len(outcomes), len(set(outcomes)), "outcomes told twice")
        chain = subprocess.run([PROGRAMS["callpace"], "score", "verify", "--json", "-c",
                                self.daemon.config_path], stdout=subprocess.PIPE, check=True)
        self.same(json.loads(chain.stdout)["entries"], len(self.model.entries), "points")

    def explain(self, *words):
        told = subprocess.run([PROGRAMS["callpace"], "explain", *words, "--json", "-c",
                               self.daemon.config_path], check=True, stdout=subprocess.PIPE)
        return json.loads(told.stdout)

    def compare_explained(self):
        """What explain credits adds up to the figures in Redis."""
        counters = self.daemon.counters()
        ident = self.chance.choice(self.people)["id"]
        for n in range(WEEKS):
            name = reference.week_text(self.first + datetime.timedelta(days=7 * n))
            entries = self.explain(ident, "leads", "--week", name)
            week = counters["callpace:agent:{%s}:week:%s" % (ident, name)]
            self.same(str(sum(e["credited"] for e in entries if e["figure"] == "leads")),
                      week["leads_reached"], "leads of %s in %s explained" % (ident, name))
            contacts = collections.Counter()
            for e in entries:
                if e["figure"] == "contacts" and "lead" in e:
                    contacts[e["lead"]] += e["credited"]
            leads = counters.get("callpace:lead:{%s}:%s" % (ident, name), {})
            self.same({lead: contacts[lead] for lead in leads},
                      {lead: int(text.split(",")[2]) for lead, text in leads.items()},
                      "contacts of %s in %s explained" % (ident, name))
            judged = [e for e in entries if e["what"] in ("week", "rung")]
            self.same([(e["state"], str(e.get("rung"))) for e in judged],
                      [(week["state"], str(week.get("rung")))], "%s in %s" % (ident, name))
        for first in {m for _, m in self.model.months}:
            name = first.strftime("%Y-%m")
            entries = self.explain(ident, "points", "--month", name)
            self.same(str(sum(e["credited"] for e in entries)),
                      counters["callpace:agent:{%s}:month:%s" % (ident, name)]["points"],
                      "points of %s in %s explained" % (ident, name))

    def compare_replay(self):
        """The same rules over the past say the same, from any month on."""
        for first in sorted({m for _, m in self.model.months}):
            done = subprocess.run(
                [PROGRAMS["callpace"], "replay", "--policy", self.daemon.path("policy.yaml"),
                 "--from", first.isoformat(), "--json", "-c", self.daemon.config_path],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
            changes = [json.loads(line) for line in done.stdout.splitlines()]
            self.same([c for c in changes if "agent" in c], [], "replay from %s" % first)

    def compare_dump(self):
        """An empty daemon that is fed the events decides the same."""
        events = subprocess.run([PROGRAMS["callpace"], "journal", "dump", "-c",
                                 self.daemon.config_path], stdout=subprocess.PIPE, check=True)
        other = Daemon(self.test, policy_tree=self.policy(), roster_tree=self.roster()).start()
        sender = other.sender()
        sender.raw(events.stdout)
        sender.finish()
        other.settle()
        self.same(other.counters(), self.daemon.counters(), "another daemon's view")
        other.stop()


class Months(unittest.TestCase):
    def test_random_months(self):
        for seed in seeds():
            world = World(self, seed)
            world.play()
            world.daemon.settle()
            world.compare()
            world.compare_explained()
            if len(world.rules) == 1:
                world.compare_replay()
                world.compare_dump()
            world.daemon.stop()


if __name__ == "__main__":
    harness.main()
