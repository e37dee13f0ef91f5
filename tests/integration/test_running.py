"""The daemon as a service: options, files, signals, reload, restart, many senders."""
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
import unittest

import harness
from harness import PROGRAMS, Daemon, Sender, agent, at, roster, wait_until

DAY = "2026-11-23"
NINE = at("2026-11-23 09:00")


def run(*words, program="callpaced", **more):
    return subprocess.run([PROGRAMS[program], *words], capture_output=True, text=True, timeout=60,
                          **more)


class Options(unittest.TestCase):
    def test_version_and_help(self):
        self.assertEqual(run("--version").returncode, 0)
        told = run("--help")
        self.assertEqual(told.returncode, 0)
        for word in ("-c", "--check-config", "--dump-config", "--version"):
            self.assertIn(word, told.stdout)

    def test_usage(self):
        for words, part in ((["--chek-config"], "--check-config"), (["--nothing"], "--nothing"),
                            (["-c"], "-c"), (["-x"], "-x"), (["more"], "more")):
            told = run(*words)
            self.assertEqual((words, told.returncode), (words, 64))
            self.assertIn(part, told.stderr)
            self.assertEqual(told.stdout, "")

    def test_check_and_dump(self):
        daemon = Daemon(self)
        told = run("-c", daemon.config_path, "--check-config")
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        dumped = run("--dump-config", "-c", daemon.config_path)
        self.assertEqual(dumped.returncode, 0)
        self.assertIn("state_dir", dumped.stdout)
        daemon.write("dumped.yaml", dumped.stdout)
        self.assertEqual(run("-c", daemon.path("dumped.yaml"), "--check-config").returncode, 0)
        self.assertFalse(os.path.exists(daemon.state_dir))

    def check_bad(self, name, text, place, *parts):
        daemon = Daemon(self)
        daemon.write(name, text)
        for more in (["--check-config"], []):
            told = run("-c", daemon.config_path, *more)
            with self.subTest(text=text, more=more):
                self.assertEqual(told.returncode, 78)
                self.assertIn("%s:%s: " % (name, place), told.stderr)
                for part in parts:
                    self.assertIn(part, told.stderr)

    def test_configuration_errors_name_their_place(self):
        bad = "callpace.yaml"
        self.check_bad(bad, "state_dir: x\nsorces: []\n", "2:1", "sources")
        self.check_bad(bad, "clock: wall\nclock: wall\n", "2:1")
        self.check_bad(bad, "clock: walls\n", "1:8", "wall")
        self.check_bad(bad, "journal: {retain: 400}\n", "1:19")
        self.check_bad(bad, "journal: {segment: 64MB}\n", "1:20")
        self.check_bad("roster.yaml", "teams: []\nagents:\n  - {id: \"1\", team: rde}\n", "3:21")
        self.check_bad("policy.yaml", "timezone: Asia/Shangai\n", "1:11")

    def test_beyond_loopback_needs_token_or_tls(self):
        for listen in ("0.0.0.0:0", "[::]:0"):
            daemon = Daemon(self, sources=[{"name": "s", "type": "native", "listen": listen}])
            told = run("-c", daemon.config_path, "--check-config")
            self.assertEqual(told.returncode, 78)
            self.assertIn("token_file", told.stderr)
        daemon = Daemon(self, sources=[{"name": "s", "type": "native", "listen": "0.0.0.0:0",
                                        "token_file": "token"}])
        daemon.write("token", "s3cret")
        self.assertEqual(run("-c", daemon.config_path, "--check-config").returncode, 0)

    def test_a_missing_file(self):
        self.assertIn(run("-c", "/nonexistent/callpace.yaml").returncode, (74, 78))
        daemon = Daemon(self)
        os.remove(daemon.path("roster.yaml"))
        self.assertIn(run("-c", daemon.config_path).returncode, (74, 78))

    def test_a_second_daemon_is_kept_out(self):
        daemon = Daemon(self).start()
        told = run("-c", daemon.config_path)
        self.assertEqual(told.returncode, 69)
        self.assertEqual(daemon.status()["state"], "running")

    def test_an_address_in_use(self):
        daemon = Daemon(self)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            daemon.config["sources"][0]["listen"] = "127.0.0.1:%d" % taken.getsockname()[1]
            daemon.write_config()
            self.assertEqual(run("-c", daemon.config_path).returncode, 69)

    def test_an_io_error(self):
        daemon = Daemon(self)
        daemon.write("state", "a file where the directory should be")
        told = run("-c", daemon.config_path)
        self.assertEqual(told.returncode, 74, told.stderr)
        self.assertIn(daemon.state_dir, told.stderr)

    def test_files_that_may_not_be_read_or_written(self):
        """Root may do everything: then as somebody else, with a copy of the program."""
        daemon = Daemon(self)
        program = shutil.copy(PROGRAMS["callpaced"], daemon.path("callpaced"))
        who = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        os.chmod(daemon.dir, 0o555)
        self.addCleanup(os.chmod, daemon.dir, 0o755)
        for path in (daemon.state_dir, daemon.config_path):
            told = subprocess.run([program, "-c", daemon.config_path], capture_output=True,
                                  text=True, timeout=60, **who)
            self.assertEqual(told.returncode, 77, told.stderr)
            self.assertIn(path, told.stderr)
            os.chmod(daemon.config_path, 0)

    def test_a_redis_server_that_is_not_there(self):
        daemon = Daemon(self)
        told = run("-c", daemon.config_path, env=dict(os.environ, PATH="/nonexistent"))
        self.assertEqual(told.returncode, 69)
        self.assertIn("redis-server", told.stderr)


class Journal(unittest.TestCase):
    def begin(self, stop=True):
        self.daemon = Daemon(self).start()
        s = self.daemon.sender("pbx1")
        for i in range(50):
            s.call("c%d" % i, "1001", NINE + i * 60000, talk_ms=30000)
        s.finish()
        self.counters = self.daemon.day("1001", DAY)
        if stop:
            self.daemon.stop()
        else:
            self.daemon.kill()
            self.daemon.wait()
        return [os.path.join(self.daemon.state_dir, "journal", name)
                for name in sorted(os.listdir(os.path.join(self.daemon.state_dir, "journal")))]

    def segment(self, files):
        return max((f for f in files if os.path.isfile(f)), key=os.path.getsize)

    def test_a_torn_tail_is_cut_and_reported(self):
        segment = self.segment(self.begin(stop=False))
        with open(segment, "r+b") as file:
            file.seek(0, 2)
            file.write(b"\x55torn")
        self.daemon.start()
        self.assertRegex(self.daemon.log(), "torn|tail|cut")
        self.assertEqual(self.daemon.day("1001", DAY)["calls"], 50)
        self.assertEqual(self.daemon.sender("pbx1").welcome["seq"], 150)

    def test_damage_before_the_tail_is_refused(self):
        segment = self.segment(self.begin(stop=False))
        with open(segment, "r+b") as file:
            size = file.seek(0, 2)
            file.seek(size // 2)
            byte = file.read(1)
            file.seek(size // 2)
            file.write(bytes([byte[0] ^ 0x55]))
        told = run("-c", self.daemon.config_path)
        self.assertEqual(told.returncode, 78, told.stderr)
        self.assertIn(os.path.basename(segment), told.stderr)
        self.assertRegex(told.stderr, r"\d+")

    def test_a_dump_fed_to_an_empty_daemon_gives_the_same_counters(self):
        self.begin()
        dump = run("journal", "dump", "-c", self.daemon.config_path, program="callpace")
        self.assertEqual(dump.returncode, 0, dump.stderr)
        lines = [json.loads(line) for line in dump.stdout.splitlines()]
        self.assertEqual(len(lines), 150)
        self.assertFalse([l for l in lines if l["type"].startswith("x.")])
        other = Daemon(self).start()
        s = other.sender()
        s.raw(dump.stdout.encode())
        self.assertEqual(s.finish(), [])
        apart = ("lsn", "updated_ms")
        self.assertEqual({k: v for k, v in other.day("1001", DAY).items() if k not in apart},
                         {k: v for k, v in self.counters.items() if k not in apart})

    def test_verify(self):
        self.begin()
        told = run("journal", "verify", "-c", self.daemon.config_path, program="callpace")
        self.assertEqual(told.returncode, 0, told.stderr + told.stdout)


class Running(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(self)

    def test_a_restart_keeps_counters_and_acknowledgements(self):
        daemon = self.daemon.start()
        s = daemon.sender("pbx1")
        for i in range(30):
            s.call("c%d" % i, "1001", NINE + i * 60000, talk_ms=30000)
        s.event("call.start", call="open", agent="1002", ts=NINE)
        s.event("call.answer", call="open", ts=NINE + 5000)
        s.event("agent.state", agent="1002", state="ready", ts=NINE + 3600000)
        s.finish()
        daemon.settle()
        before = daemon.counters()
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
            daemon.kill(number)
            self.assertEqual(daemon.wait(), -9 if number == signal.SIGKILL else 0)
            daemon.start()
            daemon.settle()
            self.assertEqual(daemon.counters(), before)
            self.assertEqual(daemon.sender("pbx1").welcome["seq"], s.last)
        s = daemon.sender("pbx1")
        s.event("call.end", call="open", ts=NINE + 65000)
        s.wait_ack()
        self.assertEqual(daemon.day("1002", DAY)["talk_ms"], 60000)

    def test_term_drains_within_five_seconds(self):
        daemon = self.daemon.start()
        senders = [daemon.sender("p%d" % i) for i in range(5)]
        for s in senders:
            s.events([("member.developed", {"agent": "1001", "member": "%s-%d" % (s.producer, i),
                                            "ts": NINE}) for i in range(2000)])
        senders[0].wait_ack()
        began = time.monotonic()
        daemon.kill(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        self.assertLess(time.monotonic() - began, 5)
        self.assertFalse(os.path.exists(daemon.redis_path()) and self.redis_answers())
        daemon.start()
        taken = sum(daemon.sender(s.producer).welcome["seq"] for s in senders)
        self.assertEqual(daemon.day("1001", DAY)["members"], taken)

    def redis_answers(self):
        try:
            return self.daemon.redis()("PING")
        except OSError:
            return False

    def test_reload_of_the_roster_is_all_or_nothing(self):
        daemon = self.daemon.start()
        s = daemon.sender("pbx1")
        s.tick(NINE)
        daemon.write("roster.yaml", roster(agent("1001", name="新名"), agent("1009")))
        self.assertTrue(daemon.control("reload")["ok"])
        self.assertEqual(daemon.day("1001", DAY)["name"], "新名")
        self.assertEqual(daemon.day("1009", DAY)["calls_target"], 60)
        daemon.write("roster.yaml", "agents: [{id: \"1001\", nam: x}]")
        reply = daemon.control("reload")
        self.assertFalse(reply["ok"])
        self.assertIn("roster.yaml:1:", json.dumps(reply))
        daemon.kill(signal.SIGHUP)
        s.tick(NINE + 60000)
        s.wait_ack()
        self.assertEqual(daemon.day("1001", DAY)["name"], "新名")
        daemon.write("roster.yaml", roster(agent("1001", name="third")))
        daemon.kill(signal.SIGHUP)
        wait_until(lambda: daemon.day("1001", DAY)["name"] == "third", "the reload")

    def test_reload_adds_and_removes_sources_without_dropping_others(self):
        daemon = self.daemon.start()
        s = daemon.sender("pbx1")
        s.tick(NINE)
        s.wait_ack()
        more = {"name": "second", "type": "native", "listen": "127.0.0.1:0"}
        daemon.config["sources"].append(more)
        daemon.write_config()
        self.assertTrue(daemon.control("reload")["ok"])
        t = daemon.sender("pbx2", source="second")
        t.tick(NINE + 1000)
        t.wait_ack()
        daemon.config["sources"].append(dict(more, name="bad", listen="127.0.0.1:1x"))
        daemon.write_config()
        self.assertFalse(daemon.control("reload")["ok"])
        self.assertEqual(len(daemon.status()["sources"]), 2)
        daemon.config["sources"] = daemon.config["sources"][:1]
        daemon.write_config()
        daemon.kill(signal.SIGHUP)
        wait_until(lambda: len(daemon.status()["sources"]) == 1, "the reload")
        self.assertIsNone(t.reply())
        s.tick(NINE + 2000)
        s.wait_ack()

    def test_usr1_opens_the_log_anew(self):
        path = self.daemon.path("callpace.log")
        self.daemon.config["log"] = {"file": path}
        self.daemon.write_config()
        self.daemon.start()
        os.rename(path, path + ".1")
        self.daemon.kill(signal.SIGUSR1)
        wait_until(lambda: os.path.exists(path), "the new log")
        self.daemon.stop()
        self.assertIn("stopping", open(path, encoding="utf-8").read())

    def test_status_holds_what_the_contract_names(self):
        status = self.daemon.start().status()
        self.assertTrue({"node", "state", "lsn", "published_lsn", "sources", "redis", "journal"}
                        <= set(status))
        self.assertTrue({"name", "type", "listen", "state"} <= set(status["sources"][0]))
        told = run("status", "--json", "--socket", self.daemon.socket_path, program="callpace")
        self.assertEqual((told.returncode, json.loads(told.stdout)["node"]), (0, "test"))

    def test_the_wall_clock_moves_the_day_without_events(self):
        daemon = Daemon(self, clock="wall").start()
        status = daemon.status()
        self.assertLess(abs(status["clock_ms"] - time.time() * 1000), 5000)
        day = daemon.ask("agent", id="1001")["day"]
        self.assertEqual(day["dials"], 0)

    def test_source_down_and_up_with_the_wall_clock(self):
        daemon = Daemon(self, clock="wall").start()
        self.assertEqual(daemon.source()["state"], "up")
        s = daemon.sender("pbx1")
        s.finish()
        wait_until(lambda: daemon.source()["state"] == "down", "the source down")
        again = daemon.sender("pbx1")
        self.assertEqual(daemon.source()["state"], "up")
        again.close()
        wait_until(lambda: daemon.source()["state"] == "down", "the source down again")

    def test_many_connections_disturb_nobody(self):
        """Those with half a line, deaf ones and ones of a byte at a time, beside one that
        works."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        count = 10000 if hard >= 12000 else min(2000, hard // 2)
        if count < 10000:
            print("only %d connections: the limit of open files is %d" % (count, hard))
        self.daemon.config["sources"][0]["max_connections"] = count + 50
        self.daemon.write_config()
        daemon = self.daemon.start()
        before = self.resident_kib()
        address = daemon.address()
        idle = [socket.create_connection(address) for _ in range(count)]
        self.addCleanup(lambda: [s.close() for s in idle])
        wait_until(lambda: daemon.source()["connections"] == count, "all connections")
        for s in idle:
            s.send(b"{")  # half a line each, for the daemon to keep
        deaf, slow = idle[:20], idle[20:40]
        line = b'{"type":"call.end","call":"x","outcome":"odd"}\n'
        for s in deaf:
            s.setblocking(False)
        s = Sender(address, "worker")
        slowest = 0
        for i in range(200):
            for d in deaf:
                try:
                    d.send(line * 100)
                except BlockingIOError:
                    pass
            for d in slow:
                d.send(line[i % len(line):][:1])
            began = time.monotonic()
            s.call("c%d" % i, "1001", NINE + i * 60000, talk_ms=1000)
            s.wait_ack()
            slowest = max(slowest, time.monotonic() - began)
        self.assertLess(slowest, 2)
        self.assertEqual(daemon.day("1001", DAY)["calls"], 200)
        grown = self.resident_kib() - before
        self.assertLess(grown, 400 * 1024, "%d connections took %d KiB" % (count, grown))
        print("%d connections, %d KiB more, slowest acknowledgement %.0f ms" %
              (count, grown, slowest * 1000))

    def resident_kib(self):
        with open("/proc/%d/status" % self.daemon.process.pid) as file:
            return int(next(l for l in file if l.startswith("VmRSS")).split()[1])


if __name__ == "__main__":
    harness.main()
