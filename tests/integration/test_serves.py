"""Sources that serve some agents only: whose coverage suffers (POLICY section 3)."""
import unittest

import harness
from harness import Daemon, agent, at, roster

DAY = "2026-11-23"
NINE = at("2026-11-23 09:00")
MINUTE, HOUR = 60000, 3600000


def source(name, **more):
    return {"name": name, "type": "native", "listen": "127.0.0.1:0", **more}


class Serves(unittest.TestCase):
    def begin(self, **red):
        self.daemon = Daemon(self, sources=[source("red", **red), source("all")],
                             roster_tree=roster(agent("1001"), agent("2001", team="blue"),
                                                agent("2002", team="blue"))).start()

    def play(self):
        self.sender = self.daemon.sender("pbx1", source="red")
        for ident in ("1001", "2001", "2002"):
            self.sender.call("c" + ident, ident, NINE, talk_ms=MINUTE)
        self.sender.event("source.gap", **{"from": NINE + HOUR, "to": NINE + 2 * HOUR})
        self.sender.tick(at("2026-11-23 18:00") + 1000)
        self.sender.wait_ack()

    def coverage(self):
        days = [self.daemon.day(i, DAY) for i in ("1001", "2001", "2002")]
        return [(d["coverage_bp"], d["state"]) for d in days]

    def test_a_gap_is_that_of_those_who_are_served(self):
        self.begin(teams=["red"], agents=["2002"])
        self.play()
        expected = [(8750, "unknown"), (10000, "missed"), (8750, "unknown")]
        self.assertEqual(self.coverage(), expected)
        self.sender.close()
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.coverage(), expected)
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.coverage(), expected)

    def test_a_reload_says_it_anew(self):
        self.begin()
        self.play()
        self.assertEqual(self.coverage(), [(8750, "unknown")] * 3)
        self.daemon.config["sources"][0]["teams"] = ["blue"]
        self.daemon.write_config()
        self.daemon.ask("reload")
        self.assertEqual(self.coverage(), [(10000, "missed"), (8750, "unknown"),
                                           (8750, "unknown")])

    def test_who_is_not_on_the_roster(self):
        self.begin()
        for key, value in (("teams", ["rde"]), ("agents", ["1001", "1o01"])):
            self.daemon.config["sources"][0] = source("red", **{key: value})
            self.daemon.write_config()
            answer = self.daemon.control("reload")
            self.assertIn("\"%s\"" % value[-1], str(answer))
            self.assertIn("callpace.yaml:", str(answer))


if __name__ == "__main__":
    harness.main()
