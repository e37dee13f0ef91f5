"""Written from the rules alone (CONTRACT section 2 and 4, POLICY sections 1 to 3), slow and
plain, to compare the daemon with: streams of events as bad days bring them, and what
every agent's day must come to at their end."""
import datetime
import math
import random
from zoneinfo import ZoneInfo

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY_NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
OUTCOMES = ("no_answer", "busy", "failed", "cancelled")


def duration(text):
    units = {"ms": 1, "s": 1000, "m": MINUTE, "h": HOUR}
    for unit in ("ms", "s", "m", "h"):
        if text.endswith(unit) and text[:-len(unit)].isdigit():
            return int(text[:-len(unit)]) * units[unit]
    raise ValueError(text)


class Calendar:
    def __init__(self, policy):
        self.tree = policy
        self.zone = ZoneInfo(policy["timezone"])
        hours, minutes = policy["business_day_starts"].split(":")
        self.cut = datetime.time(int(hours), int(minutes))

    def moment(self, date, time):
        """A wall time of a business day: one before the cut-over is on the next date."""
        if time < self.cut:
            date += datetime.timedelta(days=1)
        return self.local(datetime.datetime.combine(date, time))

    def local(self, naive):
        return round(naive.replace(tzinfo=self.zone).timestamp()) * 1000

    def begin(self, date):
        return self.local(datetime.datetime.combine(date, self.cut))

    def day_of(self, ts):
        local = datetime.datetime.fromtimestamp(ts // 1000, self.zone)
        guess = local.date()
        if ts < self.begin(guess):
            guess -= datetime.timedelta(days=1)
        return guess

    def works(self, date):
        c, text = self.tree["calendar"], date.isoformat()
        if text in c["workdays"]:
            return True
        return DAY_NAMES[date.weekday()] in c["working"] and text not in c["holidays"]

    def shift_end(self, date):
        return self.moment(date, datetime.time.fromisoformat(self.tree["shift"]["end"]))

    def productive(self, date, leave):
        """Minutes' starts would do for most, but leave may begin at any second."""
        if not self.works(date):
            return []
        shift = self.tree["shift"]
        t = datetime.time.fromisoformat
        spans = [(self.moment(date, t(shift["start"])), self.moment(date, t(shift["end"])))]
        cuts = [(self.moment(date, t(a)), self.moment(date, t(b))) for a, b in shift["breaks"]]
        return minus(spans, cuts + leave)


def minus(spans, cuts):
    for c_from, c_to in cuts:
        left = []
        for a, b in spans:
            left += [(x, y) for x, y in ((a, min(b, c_from)), (max(a, c_to), b)) if x < y]
        spans = left
    return spans


def length(spans):
    return sum(b - a for a, b in spans)


def union(spans):
    total, reach = 0, None
    for a, b in sorted(s for s in spans if s[0] < s[1]):
        if reach is None or a > reach:
            total, reach = total + b - a, b
        elif b > reach:
            total, reach = total + b - reach, b
    return total


class Call:
    def __init__(self):
        self.start = self.answer = self.end = None
        self.agent = self.dir = self.outcome = self.talk = None  # (rank, ts, value)
        self.holds = set()

    @staticmethod
    def first(known, rank, ts, value):
        if value is None or (known and known[:2] <= (rank, ts)):
            return known
        return (rank, ts, value)

    def learn(self, e):
        ts, kind = e["ts"], e["type"]
        rank = 0 if kind == "call.start" else 1
        if kind == "call.start":
            self.start = ts if self.start is None else min(self.start, ts)
        elif kind == "call.answer":
            self.answer = ts if self.answer is None else min(self.answer, ts)
        elif kind == "call.end":
            self.end = ts if self.end is None else min(self.end, ts)
            self.outcome = self.first(self.outcome, 0, ts, e.get("outcome"))
            self.talk = self.first(self.talk, 0, ts, e.get("talk_ms"))
        else:
            self.holds.add((ts, kind == "call.retrieve"))
        self.agent = self.first(self.agent, rank, ts, e.get("agent"))
        self.dir = self.first(self.dir, rank, ts, e.get("dir"))

    def value(self, name):
        fact = getattr(self, name)
        return fact[2] if fact else None

    def begin(self):
        if self.start is not None:
            return self.start
        if self.end is None or (self.talk is None and self.outcome is None):
            return None
        return self.end - (self.value("talk") or 0)

    def answered(self):
        return self.answer is not None or self.value("outcome") == "answered" or \
            (self.value("talk") or 0) > 0

    def talk_span(self):
        if self.talk is not None:
            return (self.end - self.talk[2], self.end)
        if self.answer is not None:
            return (min(self.answer, self.end), self.end)
        return (self.end, self.end)

    def hold_spans(self, span):
        spans, since = [], None
        for ts, back in sorted(self.holds):
            if not back and since is None:
                since = ts
            elif back and since is not None:
                spans.append((since, ts))
                since = None
        if since is not None:
            spans.append((since, span[1]))
        return [(max(a, span[0]), min(b, span[1])) for a, b in spans
                if max(a, span[0]) < min(b, span[1])]


def new_day():
    return {"dials": 0, "answered": 0, "calls": 0, "inbound": 0, "no_answer": 0, "busy": 0,
            "failed": 0, "cancelled": 0, "lost_track": 0, "ring_ms": 0, "hold_ms": 0,
            "longest_ms": 0, "members": 0, "open_calls": 0, "talk": [], "inbound_talk": [],
            "dialled": []}


class Reference:
    def __init__(self, policy, roster):
        self.policy, self.calendar = policy, Calendar(policy)
        self.agents = {a["id"]: a for a in roster["agents"]}
        self.names = {x: a["id"] for a in roster["agents"]
                      for x in [a["id"]] + a.get("extensions", [])}
        self.calls, self.members, self.gaps = {}, {}, []
        self.now = 0
        self.first_now = None

    def feed(self, events):
        for e in events:
            self.now = max(self.now, e["ts"])
            if self.first_now is None:
                self.first_now = e["ts"]
            e = dict(e)
            if "agent" in e:
                e["agent"] = self.names.get(e["agent"], e["agent"])
            if e["type"].startswith("call."):
                self.calls.setdefault(e["call"], Call()).learn(e)
            elif e["type"] == "member.developed":
                key = (e["agent"], e["member"])
                self.members[key] = min(e["ts"], self.members.get(key, e["ts"]))
            elif e["type"] == "source.gap":
                self.gaps.append((e["from"], e["to"]))
        return self

    def rules(self, date):
        found = self.policy["policies"][0]
        for p in sorted(self.policy["policies"], key=lambda p: p["from"]):
            if p["from"] <= date.isoformat():
                found = p
        return found

    def days(self):
        """{(agent, date): what Redis must hold}, at the time of the last event."""
        days = {}

        def day(agent, date):
            return days.setdefault((agent, date), new_day())
        date, last = self.calendar.day_of(self.first_now), self.calendar.day_of(self.now)
        while date <= last:
            for agent in self.agents:
                day(agent, date)
            date += datetime.timedelta(days=1)
        for (agent, _), ts in self.members.items():
            day(agent, self.calendar.day_of(ts))["members"] += 1
        for call in self.calls.values():
            begin = call.begin()
            if begin is None or call.agent is None or call.value("dir") == "internal":
                continue
            date = self.calendar.day_of(begin)
            self.count(day(call.agent[2], date), call, begin, self.rules(date)["count"])
        return {key: self.finish(key[0], key[1], d) for key, d in days.items()}

    def count(self, d, call, begin, rules):
        out = call.value("dir") != "in"
        lost = call.end is None
        if lost and self.now < begin + duration(rules["max_call"]):
            d["open_calls"] += 1
            return
        answered = call.answered()
        span = (0, 0) if lost else call.talk_span()
        holds = [] if lost else call.hold_spans(span)
        talk = span[1] - span[0]
        pieces = [span]
        if not rules["talk_includes_hold"]:
            talk -= length(holds)
            pieces = minus(pieces, holds)
        if lost:
            d["lost_track"] += 1
        if out:
            d["dials"] += 1
            d["dialled"].append(begin)
            d["answered"] += answered
            if not answered and not lost:
                d[call.value("outcome") or "no_answer"] += 1
            if call.answer is not None:
                d["ring_ms"] += max(0, call.answer - begin)
            elif not lost:
                d["ring_ms"] += max(0, span[0] - begin)
            d["hold_ms"] += length(holds)
            d["longest_ms"] = max(d["longest_ms"], talk)
        elif answered:
            d["inbound"] += 1
            d["inbound_talk"] += pieces
        if ("out" if out else "in") in rules["directions"]:
            if answered:
                d["talk"] += pieces
            if rules["call_counts_when"] == "attempted" and out:
                d["calls"] += 1
            elif answered and talk >= duration(rules["min_talk"]):
                d["calls"] += 1

    def finish(self, ident, date, d):
        fields = {k: v for k, v in d.items() if not isinstance(v, list)}
        fields["talk_ms"] = union(d["talk"])
        fields["inbound_talk_ms"] = union(d["inbound_talk"])
        if d["dialled"]:
            fields["first_dial_ms"], fields["last_dial_ms"] = min(d["dialled"]), max(d["dialled"])
        agent = self.agents.get(ident)
        if agent:
            self.judge(agent, date, fields)
        else:
            fields.update({"class": "new", "state": "unrostered"})
        return fields

    def class_on(self, agent, date):
        if agent.get("class"):
            return agent["class"]
        since = agent.get("confirmed_on")
        return "veteran" if since and since <= date.isoformat() else "new"

    def leave(self, agent):
        def moment(text):
            return self.calendar.local(datetime.datetime.strptime(text, "%Y-%m-%d %H:%M"))
        return [(moment(l["from"]), moment(l["to"])) for l in agent.get("leave", [])]

    def judge(self, agent, date, fields):
        rules = self.rules(date)
        whole = length(self.calendar.productive(date, []))
        spans = self.calendar.productive(date, self.leave(agent))
        fields["class"] = self.class_on(agent, date)
        left = length(spans)
        grace = False
        if agent.get("hired"):
            hired = datetime.date.fromisoformat(agent["hired"])
            grace = date < hired + datetime.timedelta(days=rules["grace_days"])
        if left == 0 or grace:
            fields["state"] = "exempt"
            return
        targets = rules["classes"][fields["class"]]["day"]
        part = left if rules["leave"] == "prorate" else whole
        fields["calls_target"] = math.ceil(targets["calls"] * part / whole)
        talk = duration(targets["talk"]) * part
        fields["talk_target_ms"] = -(-talk // whole)
        if self.now < self.calendar.shift_end(date):
            return
        seen = length(minus(spans, self.gaps))
        fields["coverage_bp"] = seen * 10000 // left
        fields["calls_expected"] = fields["calls_target"]
        fields["talk_expected_ms"] = fields["talk_target_ms"]
        short = "unknown" if fields["coverage_bp"] < rules["coverage"]["floor"] * 10000 else "missed"
        for what, field in (("calls", "calls"), ("talk", "talk_ms")):
            met = fields[field] >= fields["%s_target" % what + ("_ms" if what == "talk" else "")]
            fields[what + "_state"] = "met" if met else short
        states = {fields["calls_state"], fields["talk_state"]}
        fields["state"] = short if short in states else "met"


# ---- streams ----

class Stream:
    """Calls of some days as a bad switch tells of them. Sorted by time, with a tick at
    the end; what comes late comes at its own `ts`."""

    def __init__(self, seed, policy, roster, first, days, rate=14, strangers=True):
        self.random = random.Random(seed)
        self.calendar = Calendar(policy)
        self.max_call = duration(policy["policies"][0]["count"]["max_call"])
        self.events, self.number = [], 0
        date = datetime.date.fromisoformat(first)
        people = [a["id"] for a in roster["agents"]]
        names = {a["id"]: [a["id"]] + a.get("extensions", []) for a in roster["agents"]}
        if strangers:
            people.append("stranger")
            names["stranger"] = ["stranger"]
        self.begin = self.calendar.begin(date)
        for n in range(days):
            today = date + datetime.timedelta(days=n)
            a, b = self.calendar.begin(today), self.calendar.begin(today +
                                                                  datetime.timedelta(days=1))
            for who in people:
                for _ in range(self.random.randint(0, 2 * rate)):
                    self.call(names[who], a, b)
                for _ in range(self.random.randint(0, 3)):
                    self.put("member.developed", self.random.randrange(a, b), agent=who,
                             member="m%d" % self.random.randrange(20))
                self.put("agent.state", self.random.randrange(a, b), agent=who,
                         state=self.random.choice(["ready", "not_ready", "acw"]))
            if self.random.random() < 0.5:
                since = self.random.randrange(a, b)
                until = since + self.random.randrange(1, 90 * MINUTE)
                self.put("source.gap", until, **{"from": since, "to": until})
        self.end = b
        self.events.sort(key=lambda e: e["ts"])
        self.put("tick", max(b, self.events[-1]["ts"]) + 6 * HOUR)

    def put(self, kind, ts, **fields):
        self.events.append({"type": kind, "ts": ts, **fields})

    def call(self, names, a, b):
        r = self.random
        # Most in working hours, some any time, some across the cut-over.
        shape = r.random()
        if shape < 0.75:
            start = r.randrange(a + (b - a) // 5, a + (b - a) * 2 // 3)
        elif shape < 0.95:
            start = r.randrange(a, b)
        else:
            start = b - r.randrange(1, 10 * MINUTE)
        if r.random() < 0.3:
            start -= start % 1000
        self.number += 1
        call = "c%d" % self.number
        agent = r.choice(names)
        kind = r.choices(["out", "in", "internal", None], [60, 15, 6, 19])[0]
        ring, talk = r.randrange(0, 40_000), int(r.expovariate(1 / 180_000))
        answer = start + ring
        end = answer + talk
        fields = {"dir": kind} if kind else {}
        fate = r.random()
        if fate < 0.06:  # an end alone
            more = r.choice([{"talk_ms": talk}, {"outcome": r.choice(OUTCOMES)},
                             {"talk_ms": talk, "outcome": "answered"}, {}])
            self.put("call.end", end, call=call, agent=agent, **fields, **more)
            return
        if r.random() < 0.1:
            self.put("call.start", start, call=call, agent=agent, number="+8613800000001", **fields)
            self.put("call.start", start + 700, call=call, agent=agent)  # told again, later
        else:
            self.put("call.start", start, call=call, agent=agent, **fields)
        if fate < 0.35:  # never answered
            if fate < 0.10:
                return  # and its end never seen
            more = r.choice([{}, {"outcome": r.choice(OUTCOMES)}, {"cause": "17"}])
            self.put("call.end", answer, call=call, **more)
            return
        told = r.random()
        if told < 0.85:
            self.put("call.answer", answer, call=call)
            if r.random() < 0.1:
                self.put("call.answer", answer + 5, call=call)
        if r.random() < 0.25 and talk > 10:
            for _ in range(r.randint(1, 3)):
                since = r.randrange(answer - 5, end + 5)
                self.put("call.hold", since, call=call)
                if r.random() < 0.85:
                    self.put("call.retrieve", since + r.randrange(1, talk), call=call)
        if fate > 0.96:
            return  # its end never seen
        if fate > 0.92:  # seen long after, when it was given up
            end = start + self.max_call + r.randrange(1, HOUR)
            self.put("call.end", end, call=call, **({"talk_ms": talk} if r.random() < 0.7 else {}))
            return
        more = {}
        if told >= 0.85 or r.random() < 0.2:
            more = r.choice([{"talk_ms": talk}, {"talk_ms": talk + 3000}, {"outcome": "answered"}])
        self.put("call.end", end, call=call, **more)
        if r.random() < 0.05:
            self.put("call.end", end + 4000, call=call, outcome="busy", agent=agent)
