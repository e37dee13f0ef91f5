"""The client beside a running daemon, and the journal without one: as users call it."""
import json
import os
import re
import signal
import subprocess
import threading
import unittest

import harness
from harness import PROGRAMS, Daemon, at, wait_until

DAY = "2026-11-23"
NINE = at("2026-11-23 09:00")


def callpace(*words, **more):
    return subprocess.run([PROGRAMS["callpace"], *words], capture_output=True, text=True,
                          timeout=60, **more)


def lines_of_calls(count, first=0):
    text = ""
    for i in range(first, first + count):
        start = NINE + i * 60000
        text += json.dumps({"type": "call.start", "call": "c%d" % i, "agent": "1001",
                            "ts": start}) + "\n"
        text += json.dumps({"type": "call.end", "call": "c%d" % i, "ts": start + 40000,
                            "talk_ms": 30000}) + "\n"
    return text


class Feed(unittest.TestCase):
    def begin(self, **source):
        self.daemon = Daemon(self, sources=[dict({"name": "switch", "type": "native",
                                                  "listen": "127.0.0.1:0"}, **source)])

    def to(self):
        return self.daemon.source()["listen"]

    def feed(self, text, *words):
        return callpace("feed", "-", "--to", self.to(), *words, input=text)

    def calls(self):
        return self.daemon.day("1001", DAY)["calls"]

    def test_through_a_unix_socket_and_again_from_a_file(self):
        self.begin()
        path = self.daemon.path("in.sock")
        self.daemon.config["sources"][0]["listen"] = "unix:" + path
        self.daemon.write_config()
        self.daemon.start()
        file = self.daemon.path("day.jsonl")
        for count in (20, 30):  # the file has grown: what is known is not sent again
            with open(file, "w", encoding="utf-8") as out:
                out.write(lines_of_calls(count))
            told = callpace("feed", file, "--to", "unix:" + path, "--producer", "p", "--epoch",
                            "e", "--json")
            self.assertEqual((told.returncode, self.calls()), (0, count), told.stderr)
        self.assertEqual(self.daemon.source()["duplicates"], 0)
        self.assertEqual(self.daemon.source()["events"], 60)

    def test_with_the_token_and_without(self):
        self.begin(token_file="token")
        self.daemon.write("token", "s3cret")
        self.daemon.write("wrong", "s3cre")
        self.daemon.start()
        for words in ([], ["--token-file", self.daemon.path("wrong")], ["--no-hello"]):
            told = self.feed(lines_of_calls(1), *words)
            if words != ["--no-hello"]:  # which hears nothing and cannot know
                self.assertEqual(told.returncode, 77, (words, told.stderr))
            self.assertNotIn("s3cre", told.stdout + told.stderr)
        self.assertEqual(self.daemon.source()["events"], 0)
        told = self.feed(lines_of_calls(5), "--token-file", self.daemon.path("token"))
        self.assertEqual((told.returncode, self.calls()), (0, 5), told.stderr)

    def test_without_hello_nothing_is_numbered(self):
        self.begin()
        self.daemon.start()
        for _ in range(2):
            told = self.feed(lines_of_calls(20), "--no-hello")
            self.assertEqual(told.returncode, 0, told.stderr)
        wait_until(lambda: self.daemon.source()["events"] == 80, "all lines")
        self.assertEqual(self.calls(), 20)

    def test_refused_lines_are_told_and_the_others_count(self):
        self.begin()
        self.daemon.start()
        text = lines_of_calls(3) + '{"type":"call.odd"}\nnot JSON\n\n' + lines_of_calls(3, 3)
        told = self.feed(text, "--json")
        self.assertEqual((told.returncode, self.calls()), (1, 6), told.stderr)
        self.assertIn("unknown_type", told.stdout + told.stderr)
        self.assertEqual(self.daemon.source()["gaps"], 0)

    def test_it_ends_when_the_last_lines_are_refused_for_good(self):
        self.begin()
        self.daemon.start()
        told = self.feed("not JSON\n" + lines_of_calls(3) + "{\n" * 5)
        self.assertEqual((told.returncode, self.calls()), (1, 3), told)
        told = self.feed("when,who,what\n" * 100000)
        self.assertEqual(told.returncode, 1, told)

    def test_it_goes_on_when_the_daemon_comes_back(self):
        self.begin()
        self.daemon.start()
        listen = self.to()
        self.daemon.config["sources"][0]["listen"] = listen
        self.daemon.write_config()
        feeder = subprocess.Popen(
            [PROGRAMS["callpace"], "feed", "-", "--to", listen, "--producer", "p"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        feeder.stdin.write(lines_of_calls(50))
        feeder.stdin.flush()
        wait_until(lambda: self.daemon.source()["events"] == 100, "the first half")
        self.daemon.kill()
        self.daemon.wait()
        harness.reap_orphans(self.daemon.dir)
        self.daemon.start()
        told, _ = feeder.communicate(lines_of_calls(50, 50), timeout=60)
        self.assertEqual((feeder.returncode, self.calls()), (0, 100), told)

    def test_nobody_there(self):
        self.begin()
        told = callpace("feed", "-", "--to", "unix:" + self.daemon.path("none"), "--give-up",
                        "500ms", input=lines_of_calls(1))
        self.assertEqual(told.returncode, 69, told.stderr)


class Alerts(unittest.TestCase):
    def test_follow_tells_what_was_and_what_comes_until_the_daemon_ends(self):
        daemon = Daemon(self).start()
        sender = daemon.sender("p")

        def meet(ident):
            for i in range(60):
                sender.call("%s-%d" % (ident, i), ident, NINE + i * 400000, talk_ms=200000)
            sender.wait_ack()
        meet("1001")
        follower = subprocess.Popen(
            [PROGRAMS["callpace"], "alerts", "--follow", "--json", "--socket",
             daemon.socket_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        alerts = []

        def read():
            for line in follower.stdout:
                alerts.append(json.loads(line))
        reader = threading.Thread(target=read)
        reader.start()

        def met():
            return [a["agent"] for a in alerts if a["type"] == "day.met"]
        wait_until(lambda: met() == ["1001"], "the alert that was")
        meet("1002")
        wait_until(lambda: met() == ["1001", "1002"], "the alert that came")
        daemon.stop()
        follower.wait(30)
        reader.join()
        follower.stdout.close()
        follower.stderr.close()
        self.assertEqual(met(), ["1001", "1002"])


class Repair(unittest.TestCase):
    def journal(self, *words):
        return callpace("journal", *words, "-c", self.daemon.config_path)

    def test_damage_is_cut_and_set_aside_when_asked_for(self):
        self.daemon = daemon = Daemon(self).start()
        sender = daemon.sender("p")
        for i in range(50):
            sender.call("c%d" % i, "1001", NINE + i * 60000, talk_ms=30000)
        sender.wait_ack()
        told = self.journal("repair")
        self.assertEqual(told.returncode, 69, "a daemon runs: " + told.stderr)
        daemon.kill(signal.SIGKILL)
        daemon.wait()
        harness.reap_orphans(daemon.dir)
        where = os.path.join(daemon.state_dir, "journal")
        segment = max((os.path.join(where, n) for n in os.listdir(where)), key=os.path.getsize)
        with open(segment, "r+b") as file:
            content = file.read()
            damaged = content.index(b"c25") + 1
            file.seek(damaged)
            file.write(b"\xff")
        for words in (["verify"], ["dump"]):
            told = self.journal(*words)
            self.assertEqual(told.returncode, 78, told.stderr)
            place = re.search(re.escape(os.path.basename(segment)) + r"\D+(\d+)",
                              told.stdout + told.stderr)
            self.assertTrue(place, told.stdout + told.stderr)
            self.assertTrue(damaged - 64 <= int(place.group(1)) <= damaged)
        told = self.journal("repair")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(self.journal("verify").returncode, 0)
        kept = b""
        for folder, _, names in os.walk(where):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    kept += file.read()
        self.assertIn(content[damaged + 100:damaged + 400], kept, "the rest is set aside")
        daemon.start()
        self.assertEqual(daemon.day("1001", DAY)["calls"], 25)
        self.assertEqual(daemon.sender("p").welcome["seq"], 75)


if __name__ == "__main__":
    harness.main()
