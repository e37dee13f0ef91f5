"""Calls through the real Kamailio: each agent's counters in Redis must be what the
telephones (SIPp) themselves counted."""
import kamailio_case
from kamailio_case import AGENTS, KamailioCase


class Calls(KamailioCase):
    def test_a_hundred_calls(self):
        self.start_all()
        rows = []
        for i in range(100):
            first = "9" if i % 7 == 3 else "8" if i % 10 == 5 else "3"
            rows.append((AGENTS[i % len(AGENTS)], "%s%06d" % (first, i), 100 + i * 37 % 3300))
        mixed = self.call("agents", rows, 5)
        given_up = self.call("cancels", [(a, "8999999", 0) for a in AGENTS[::2]], 1)
        stats, seen = self.finish(mixed)
        more_stats, more_seen = self.finish(given_up)
        for s, calls in ((stats, 100), (more_stats, 10)):
            self.assertEqual((int(s["SuccessfulCall(C)"]), int(s["FailedCall(C)"])), (calls, 0))
        self.check_counters(seen + more_seen)
        told = [self.counters(agent) for agent in AGENTS]
        for field, count in (("answered", stats["answered(C)"]), ("busy", stats["busy(C)"]),
                             ("no_answer", stats["unanswered(C)"]),
                             ("cancelled", more_stats["cancelled(C)"])):
            self.assertGreater(int(count), 0)
            self.assertEqual(sum(t.get(field, 0) for t in told), int(count), field)
        self.assertEqual(sum(t["dials"] for t in told), 110)
        self.assertEqual(self.daemon.source("kam1")["refused"], 0)


if __name__ == "__main__":
    kamailio_case.main()
