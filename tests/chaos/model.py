"""The sender's own count of what it sent: a plain model of a switch whose calls end,
against which the daemon's counters are held."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))

from harness import at  # noqa: E402

DAY = "2026-11-23"
NINE = at("2026-11-23 09:00")
FIELDS = ("dials", "answered", "calls", "inbound", "inbound_talk_ms", "no_answer", "busy", "failed",
          "cancelled", "talk_ms", "ring_ms", "hold_ms", "longest_ms", "members", "open_calls",
          "lost_track")


class Switch:
    """Makes events from a seed, without an end. Calls of one agent follow each other,
    so short that a fast daemon does not get to midnight."""

    def __init__(self, name, seed, agents):
        self.name, self.chance = name, random.Random(seed)
        self.count = {a: dict.fromkeys(FIELDS, 0) for a in agents}
        self.free_at = {a: NINE for a in agents}
        self.number = 0

    def call(self):
        """The events of one call, counted as if all of them arrived."""
        chance, self.number = self.chance, self.number + 1
        who = chance.choice(list(self.count))
        mine, call = self.count[who], "%s-%d" % (self.name, self.number)
        begin = self.free_at[who] + chance.randrange(1, 300)
        ring, talk = chance.randrange(1, 400), chance.randrange(1, 900)
        inbound = chance.random() < 0.1
        events = [("call.start", {"call": call, "agent": who, "ts": begin,
                                  **({"dir": "in"} if inbound else {})})]
        over = begin + ring
        mine["dials"] += not inbound
        mine["ring_ms"] += 0 if inbound else ring
        if chance.random() < 0.6:
            events.append(("call.answer", {"call": call, "ts": over}))
            over += talk
            if not inbound and talk > 300 and chance.random() < 0.2:
                events.append(("call.hold", {"call": call, "ts": over - 200}))
                events.append(("call.retrieve", {"call": call, "ts": over - 50}))
                mine["hold_ms"] += 150
            events.append(("call.end", {"call": call, "ts": over}))
            if inbound:
                mine["inbound"] += 1
                mine["inbound_talk_ms"] += talk
            else:
                mine["answered"] += 1
                mine["calls"] += 1
                mine["talk_ms"] += talk
                mine["longest_ms"] = max(mine["longest_ms"], talk)
        else:
            outcome = chance.choice(["no_answer", "busy", "failed", "cancelled"])
            events.append(("call.end", {"call": call, "ts": over, "outcome": outcome}))
            mine[outcome] += not inbound
        if chance.random() < 0.1:
            member = chance.randrange(self.number)
            events.append(("member.developed", {"agent": who, "ts": over,
                                                "member": "m%d-%d" % (self.number, member)}))
            mine["members"] += 1
        self.free_at[who] = over
        return events


def differences(daemon, count):
    """What the daemon counts otherwise, in its own board and in Redis."""
    wrong = []
    with daemon.redis() as redis:
        for who, mine in count.items():
            board = daemon.day(who, DAY)
            stored = redis.hash("callpace:agent:{%s}:day:%s" % (who, DAY))
            for field, value in mine.items():
                if board[field] != value or stored.get(field) != str(value):
                    wrong.append("%s %s: sent %d, counted %s, in Redis %s" %
                                 (who, field, value, board[field], stored.get(field)))
    return wrong
