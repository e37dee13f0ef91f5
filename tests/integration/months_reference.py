"""Leads, the ladder, points and months, written from POLICY sections 4 to 6 alone, slow and
plain: it keeps every event and looks at all of them again for every figure. Times are of
Shanghai; a whole world of a few weeks is made from a seed."""
import datetime
import random

MINUTE, HOUR, DAY = 60000, 3600000, 24 * 3600000
EPOCH = datetime.date(1970, 1, 1)
ZONE_MS = 8 * HOUR


def day_of(ts):
    return EPOCH + datetime.timedelta(days=(ts + ZONE_MS) // DAY)


def begin_of(day):
    return (day - EPOCH).days * DAY - ZONE_MS


def monday_of(day):
    return day - datetime.timedelta(days=day.weekday())


def week_text(monday):
    year, week, _ = monday.isocalendar()
    return "%04d-W%02d" % (year, week)


def days_of(monday):
    return [monday + datetime.timedelta(days=n) for n in range(7)]


def next_month(first):
    return (first.replace(day=28) + datetime.timedelta(days=5)).replace(day=1)


def talk_of(calls):
    """The union of the times in which one spoke."""
    talk, until = 0, 0
    for start, end in sorted((c[2], c[2] + c[3]) for c in calls):
        talk += max(0, end - max(start, until))
        until = max(until, end)
    return talk


class Model:
    def __init__(self, agents, policies):
        self.agents = {a["id"]: a for a in agents}
        self.policies = policies
        self.clock = None
        self.calls = {}     # call id -> (agent, number, start, talk, answered)
        self.members = {}   # (agent, member) -> day
        self.leads = {}     # monday -> {(agent, lead): [number, held, received]}
        self.gaps = []
        self.holds = set()  # (agent, monday)
        self.pool = []
        self.weeks = {}     # (agent, monday) -> closed verdict
        self.months = {}    # (agent, first) -> closed verdict
        self.entries = []   # (agent, first of month, points)
        self.reviews = set()
        self.moves = []

    # ---- rules ----

    def policy(self, day):
        fitting = [p for p in self.policies if p["from"] <= day.isoformat()]
        return fitting[-1] if fitting else self.policies[0]

    def works(self, agent, day):
        a = self.agents[agent]
        leave = [datetime.date.fromisoformat(d) for d in a["leave_days"]]
        return day.weekday() < 5 and day not in leave

    def hired(self, agent):
        return datetime.date.fromisoformat(self.agents[agent]["hired"])

    def kind(self, agent, day):
        confirmed = self.agents[agent]["confirmed_on"]
        return "veteran" if confirmed and confirmed <= day.isoformat() else "new"

    def seen(self, day):
        return not any(first <= day <= last for first, last in self.gaps)

    # ---- facts, looked up anew ----

    def of_day(self, agent, day):
        mine = [c for c in self.calls.values()
                if c[0] == agent and day_of(c[2]) == day and c[4]]
        return len(mine), talk_of(mine)

    def missed(self, agent, day):
        if not self.works(agent, day) or day < self.hired(agent) + datetime.timedelta(days=7):
            return False
        target = self.policy(day)["classes"][self.kind(agent, day)]["day"]
        calls, talk = self.of_day(agent, day)
        met = calls >= target["calls"] and talk >= int(target["talk"][:-1]) * MINUTE
        return not met and self.seen(day)

    def lead_facts(self, agent, number, monday):
        rules = self.policy(days_of(monday)[6])["contact"]
        mine = [c for c in self.calls.values()
                if c[0] == agent and c[1] == number and monday_of(day_of(c[2])) == monday]
        attempted = rules["contact_when"] == "attempted"
        contacts = sum(1 for c in mine if c[4] or attempted)
        if contacts >= rules["reached_contacts"]:
            return len(mine), contacts, "reached"
        return len(mine), contacts, "contacted" if contacts else "dialled" if mine else "issued"

    def held(self, agent, monday):
        return [(lead, number, received)
                for (who, lead), (number, held, received) in self.leads.get(monday, {}).items()
                if who == agent and held]

    def counts(self, agent, monday):
        mine = self.held(agent, monday)
        states = [self.lead_facts(agent, n, monday)[2] for _, n, received in mine if not received]
        return {"leads_issued": len(states), "leads_received": len(mine) - len(states),
                "leads_dialled": sum(s != "issued" for s in states),
                "leads_contacted": sum(s in ("contacted", "reached") for s in states),
                "leads_reached": states.count("reached")}

    def coverage_bp(self, agent, monday):
        days = [d for d in days_of(monday) if self.works(agent, d) and d >= self.hired(agent)]
        return sum(self.seen(d) for d in days) * 10000 // len(days) if days else 10000

    # ---- the ladder ----

    def offences(self, agent, monday, policy):
        """In the window, before this week."""
        ends = days_of(monday)[6]
        found = 0
        for (who, week), verdict in self.weeks.items():
            same = policy["contact"]["window"] == "none" or \
                days_of(week)[6].replace(day=1) == ends.replace(day=1)
            counts = verdict["offence"] and (not verdict["shadow"] or shadow(policy))
            found += who == agent and week < monday and same and counts
        return found

    def judge(self, agent, monday):
        policy = self.policy(days_of(monday)[6])
        rungs, counts = rungs_of(policy), self.counts(agent, monday)
        n = self.offences(agent, monday, policy)
        if n < len(rungs):
            rung = n + 1
        else:
            rung = len(rungs) if policy["contact"]["after_last"] == "repeat" else 0
        verdict = {"rung": rung, "offence": False, "shadow": shadow(policy), "counts": counts,
                   "below": round(rungs[rung - 1]["below"] * 10000) if rung else 0}
        issued, reached = counts["leads_issued"], counts["leads_reached"]
        if not issued:
            return dict(verdict, state="none")
        if self.coverage_bp(agent, monday) < 9500:
            return dict(verdict, state="unknown")
        if reached * 10000 >= verdict["below"] * issued:
            return dict(verdict, state="reached")
        unmet = sum(self.missed(agent, d) for d in days_of(monday)) > \
            policy["contact"]["base_unmet_days"]
        asks = rungs[rung - 1].get("requires") == "base_unmet"
        return dict(verdict, state="short", offence=not asks or unmet, act=rungs[rung - 1])

    def close_week(self, monday):
        order = sorted(self.agents)
        for agent in order:
            self.weeks[agent, monday] = self.judge(agent, monday)
        guilty = [a for a in order if self.weeks[a, monday]["offence"]
                  and not self.weeks[a, monday]["shadow"]]
        first = days_of(monday)[6].replace(day=1)
        for agent in guilty:
            act = self.weeks[agent, monday]["act"]
            self.entries.append((agent, first, act["points"]))
            if act["action"] == "hold_leads":
                for n in range(act.get("weeks", 1)):
                    self.hold(agent, monday + datetime.timedelta(days=7 * (n + 1)))
        taken = {}
        for agent in guilty:
            if self.weeks[agent, monday]["act"]["action"] == "reassign_undialled":
                self.reassign(agent, monday, taken)

    def hold(self, agent, monday):
        self.holds.add((agent, monday))
        for (who, lead), row in self.leads.get(monday, {}).items():
            if who == agent and row[1] and not row[2]:
                row[1] = False
                self.to_pool(lead, monday)

    def to_pool(self, lead, monday):
        if not self.holder(lead, monday) and (lead, monday) not in self.pool:
            self.pool.append((lead, monday))

    def holder(self, lead, monday, but=None):
        return [who for (who, l), row in self.leads.get(monday, {}).items()
                if l == lead and row[1] and who != but]

    def receivers(self, giver, monday):
        policy = self.policy(days_of(monday)[6])["contact"]["reassign"]
        following = monday + datetime.timedelta(days=7)

        def merit(agent):
            counts = self.weeks[agent, monday]["counts"]
            issued, reached = counts["leads_issued"], counts["leads_reached"]
            calls = sum(self.of_day(agent, d)[0] for d in days_of(monday))
            return (-reached / issued if issued else 1, -calls, agent)
        return sorted((a for a in self.agents
                       if a != giver and not self.weeks[a, monday]["offence"]
                       and (policy["scope"] == "site" or
                            self.agents[a]["team"] == self.agents[giver]["team"])
                       and (a, following) not in self.holds
                       and any(self.works(a, d) and d >= self.hired(a)
                               for d in days_of(following))), key=merit)[:policy["receivers"]]

    def reassign(self, giver, monday, taken):
        cap = self.policy(days_of(monday)[6])["contact"]["reassign"]["receiver_cap"]
        best, following = self.receivers(giver, monday), monday + datetime.timedelta(days=7)
        for lead, number, _ in self.held(giver, monday):
            if self.lead_facts(giver, number, monday)[0] or self.holder(lead, following, giver):
                continue
            free = [a for a in best if taken.get(a, 0) < cap]
            to = min(free, key=lambda a: taken.get(a, 0)) if free else None
            self.moves.append((lead, giver, to, week_text(following)))
            row = self.leads.get(following, {}).get((giver, lead))
            if row:
                row[1] = False
            if to:
                taken[to] = taken.get(to, 0) + 1
                self.give(to, lead, number, following, True)
            else:
                self.to_pool(lead, following)

    def give(self, agent, lead, number, monday, received):
        self.leads.setdefault(monday, {})[agent, lead] = [number, True, received]

    # ---- months ----

    def month_facts(self, agent, first):
        days = [first + datetime.timedelta(days=n)
                for n in range((next_month(first) - first).days)]
        sums = [self.of_day(agent, day) for day in days]
        members = sum(1 for (who, _), day in self.members.items()
                      if who == agent and day.replace(day=1) == first)
        return sum(calls for calls, _ in sums), sum(talk for _, talk in sums), members

    def judge_month(self, agent, first):
        last = next_month(first) - datetime.timedelta(days=1)
        policy, hired = self.policy(last), self.hired(agent)
        if last < hired + datetime.timedelta(days=7):
            return {}
        calls, talk, members = self.month_facts(agent, first)
        target = policy["classes"][self.kind(agent, last)]["month"]
        talk_target = int(target["talk"][:-1]) * MINUTE
        must = hired.replace(day=1) == first
        confirmed = self.kind(agent, last) == "veteran"
        base = calls >= target["calls"] and talk >= talk_target
        other = confirmed and not must and any(
            calls >= a["calls"] and talk >= int(a["talk"][:-1]) * MINUTE and
            members >= a["members"] for a in policy["alternatives"])
        bonus = other or members >= target["members"]
        outcome = {(True, True): "base_and_bonus", (True, False): "base_only",
                   (False, True): "bonus_less_100", (False, False): "by_attainment"}
        verdict = {"basic": "met" if base else "alternative" if other else "unmet",
                   "incentive": "met" if bonus else "unmet",
                   "outcome": outcome[base or other, bonus],
                   "attainment_bp": min(10000, calls * 10000 // target["calls"],
                                        talk * 10000 // talk_target)}
        return dict(verdict, must_meet=1) if must else verdict

    def month_offences(self, agent, first):
        policy = self.policy(next_month(first) - datetime.timedelta(days=1))
        return sum(1 for (who, week), v in self.weeks.items() if who == agent and v["offence"]
                   and days_of(week)[6].replace(day=1) == first
                   and (not v["shadow"] or shadow(policy)))

    def close_month(self, first):
        for agent in self.agents:
            self.months[agent, first] = (self.judge_month(agent, first),
                                         self.month_offences(agent, first))

    def month(self, agent, first):
        closed = self.months.get((agent, first))
        verdict, offences = closed or (self.judge_month(agent, first),
                                       self.month_offences(agent, first))
        calls, talk, members = self.month_facts(agent, first)
        points = 100 + sum(p for who, m, p in self.entries if who == agent and m == first)
        return dict(verdict, calls=calls, talk_ms=talk, members=members, points=points,
                    offences=offences)

    # ---- time and events ----

    def advance(self, ts):
        if self.clock is None:
            self.clock = ts
            self.monday = monday_of(day_of(ts))
            self.first = day_of(ts).replace(day=1)
        while True:
            week = begin_of(self.monday + datetime.timedelta(days=7))
            month = begin_of(next_month(self.first))
            if min(week, month) > ts:
                break
            if week <= month:
                self.close_week(self.monday)
                self.monday += datetime.timedelta(days=7)
            else:
                self.close_month(self.first)
                self.first = next_month(self.first)
        self.clock = max(self.clock, ts)

    def take(self, kind, event):
        self.advance(event["ts"])
        getattr(self, "take_" + kind.replace(".", "_"))(event)

    def take_tick(self, event):
        pass

    def take_call_end(self, event):
        talk = event.get("talk_ms", 0)
        self.calls[event["call"]] = (event["agent"], event["number"], event["ts"] - talk, talk,
                                     "talk_ms" in event)

    def take_member_developed(self, event):
        self.members.setdefault((event["agent"], event["member"]), day_of(event["ts"]))

    def take_review_points(self, event):
        if event["id"] not in self.reviews:
            self.reviews.add(event["id"])
            self.entries.append((event["agent"], day_of(event["ts"]).replace(day=1),
                                 event["points"]))

    def take_source_gap(self, event):
        self.gaps.append((day_of(event["from"]), day_of(event["to"] - 1)))

    def take_lead_issue(self, event):
        monday = self.week_of(event)
        if (event["agent"], monday) in self.holds:
            self.to_pool(event["lead"], monday)
            return
        if (event["lead"], monday) in self.pool:
            self.pool.remove((event["lead"], monday))
        if (event["agent"], event["lead"]) not in self.leads.get(monday, {}):
            self.give(event["agent"], event["lead"], event["number"], monday, False)

    def take_lead_withdraw(self, event):
        row = self.leads.get(self.week_of(event), {}).get((event["agent"], event["lead"]))
        if row:
            row[1] = False

    def week_of(self, event):
        if "week" not in event:
            return monday_of(day_of(event["ts"]))
        return datetime.datetime.strptime(event["week"] + "-1", "%G-W%V-%u").date()


def rungs_of(policy):
    ladder = policy["contact"]["ladder"]
    return ladder["rungs"] if isinstance(ladder, dict) else ladder


def shadow(policy):
    ladder = policy["contact"]["ladder"]
    return isinstance(ladder, dict) and ladder["shadow"]


# ---- a world from a seed ----

def random_rules(chance, since):
    """A dated policy in the form of the file."""
    def rung():
        action = chance.choice(["warn", "hold_leads", "reassign_undialled", "reassign_undialled"])
        row = {"below": chance.choice([0.3, 0.5, 0.6, 0.65, 0.7, 1.0]),
               "points": chance.choice([-1, -2, -3]), "action": action}
        if action == "hold_leads":
            row["weeks"] = chance.choice([1, 1, 2])
        if chance.random() < 0.3:
            row["requires"] = "base_unmet"
        return row
    rungs = [rung() for _ in range(chance.randint(1, 4))]
    return {"from": since,
            "classes": {name: {"day": {"calls": chance.randint(1, 2), "talk": "1m"},
                               "month": {"calls": chance.randint(8, 30),
                                         "talk": "%dm" % chance.randint(8, 40),
                                         "members": chance.randint(1, 4)}}
                        for name in ("new", "veteran")},
            "alternatives": [{"calls": 6, "talk": "6m", "members": 4}],
            "contact": {"reached_contacts": chance.randint(1, 2),
                        "contact_when": chance.choice(["answered", "answered", "attempted"]),
                        "ladder": {"shadow": True, "rungs": rungs}
                        if chance.random() < 0.2 else rungs,
                        "after_last": chance.choice(["repeat", "none"]),
                        "window": chance.choice(["month", "month", "none"]),
                        "base_unmet_days": chance.randint(0, 3),
                        "reassign": {"mode": "apply", "scope": chance.choice(["team", "site"]),
                                     "receivers": chance.randint(1, 3),
                                     "receiver_cap": chance.randint(1, 4)}}}


def random_agents(chance, first):
    people = []
    for n in range(6):
        hired = chance.choice([-400, -400, -400, 3, 22])
        confirmed = chance.choice([None, -300, 12]) if hired == -400 else None
        leave = chance.sample(range(40), chance.choice([0, 0, 5]))
        people.append({"id": "%d" % (1001 + n), "team": chance.choice(["red", "red", "blue"]),
                       "hired": (first + datetime.timedelta(days=hired)).isoformat(),
                       "confirmed_on": confirmed and
                       (first + datetime.timedelta(days=confirmed)).isoformat(),
                       "leave_days": [(first + datetime.timedelta(days=d)).isoformat()
                                      for d in leave]})
    return people


class Stream:
    """Events in the order of their delivery: (kind, event)."""

    def __init__(self, chance, agents, first, weeks):
        self.chance, self.made = chance, []
        self.calls = 0
        self.ids = [a["id"] for a in agents]
        for n in range(weeks):
            for person in agents:
                self.lead_week(person["id"], first + datetime.timedelta(days=7 * n), n)
            if chance.random() < 0.2:
                self.gap(first + datetime.timedelta(days=7 * n + chance.randint(0, 3)))
        for person in agents:
            self.others(person["id"], begin_of(first), weeks)
        self.made.sort(key=lambda row: row[0])
        self.events = [(kind, event) for _, kind, event in self.made]

    def add(self, kind, ts, late=True, **event):
        """Some come late, while calls are remembered (48 h); some come twice."""
        due = ts + (self.chance.randint(1, 40) * HOUR if late and self.chance.random() < 0.25
                    else 0)
        for n in range(2 if self.chance.random() < 0.05 else 1):
            self.made.append((due + n * HOUR, kind, dict(event, ts=ts)))

    def lead_week(self, ident, monday, n):
        begin, skill = begin_of(monday), self.chance.random()
        for i in range(self.chance.choice([0, 3, 5, 8])):
            number, lead = "1%s%02d%04d" % (ident, n, i), "%s-%d-%d" % (ident, n, i)
            ahead = self.chance.random() < 0.2
            more = {"week": week_text(monday)} if ahead else {}
            self.add("lead.issue", begin - 30 * HOUR if ahead else begin + 9 * HOUR, not ahead,
                     agent=ident, lead=lead, number=number, **more)
            if self.chance.random() < 0.05:
                self.add("lead.withdraw", begin + 4 * DAY + 19 * HOUR, False, agent=ident,
                         lead=lead, week=week_text(monday))
            for _ in range(2 if self.chance.random() < skill else self.chance.randint(0, 1)):
                self.call(ident, number, begin)
            if self.chance.random() < 0.3:  # whoever may have taken it over
                self.call(self.chance.choice(self.ids), number, begin + 7 * DAY)

    def call(self, ident, number, begin):
        self.calls += 1
        ts = begin + self.chance.choice([0, 1, 2, 3, 4, 4, 5, 6]) * DAY + 10 * HOUR + \
            self.chance.randint(0, 400) * MINUTE
        if self.chance.random() < 0.85:
            self.add("call.end", ts, call="c%d" % self.calls, agent=ident, number=number,
                     talk_ms=self.chance.randint(1, 180) * 1000)
        else:
            self.add("call.end", ts, call="c%d" % self.calls, agent=ident, number=number,
                     outcome="no_answer")

    def gap(self, day):
        self.add("source.gap", begin_of(day) + 20 * HOUR, **{"from": begin_of(day),
                                                              "to": begin_of(day) + DAY})

    def others(self, ident, begin, weeks):
        for n in range(self.chance.randint(0, 8)):
            self.add("member.developed", begin + self.chance.randint(0, weeks * 7 * 24 - 1) * HOUR,
                     agent=ident, member="m%d" % n)
        for n in range(self.chance.randint(0, 3)):
            self.add("review.points", begin + self.chance.randint(0, weeks * 7 * 24 - 1) * HOUR,
                     agent=ident, points=self.chance.choice([-5, -2, 3]), reason="review", by="Li",
                     id="%s-%d" % (ident, n))
