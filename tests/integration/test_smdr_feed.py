"""Lines of a switch over TCP, either way, to the running daemon; and what
`callpace check --sample` shows of them."""
import json
import os
import socket
import subprocess
import threading
import unittest

import harness
from harness import Daemon, wait_until

LAYOUTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "conf", "switches",
                       "smdr")
DAY = "2026-11-23"
LINES = ("2026/11/23 10:00:00,00:01:35,9,1001,O,13800138000,13800138000,,0,17,0,E1001,Wang,T9001,"
         "Line 1.1,0,0\r\n"
         "2026/11/23 10:05:00,00:00:00,20,1001,O,13800138001,13800138001,,0,18,0,E1001,Wang,T9001,"
         "Line 1.1,0,0\r\n"
         "2026/11/23 10:06:00,00:00:30,5,13800138002,I,1001,1001,,0,19,0,E1001,Wang,T9001,"
         "Line 1.1,0,0\r\n"
         "2026/11/23 10:07:00,00:00:30,5,1001,O,1002,1002,,1,20,0,E1001,Wang,E1002,Chen,0,0\r\n"
         "2026/11/23 10:08:00,00:00:30,5,555,I,1001,1001,,0,21,0,V9502,VM Channel 2,T9002,"
         "LINE 1.2,0,0\r\n")
BROKEN = "yesterday,00:00:30,5,1001,O,1002,1002,,1,20,0,E1001,Wang,E1002,Chen,0,0\r\n"


class Feed(unittest.TestCase):
    def daemon(self, **source):
        tree = harness.policy(timezone="Asia/Shanghai")
        daemon = Daemon(self, clock="events", policy_tree=tree, sources=[
            {"name": "pbx2", "type": "smdr", "layout": os.path.join(LAYOUTS,
                                                                    "avaya-ip-office.yaml"),
             **source}])
        return daemon.start()

    def check_counters(self, daemon):
        def counters():
            daemon.settle()
            with daemon.redis() as redis:
                fields = redis.hash(harness.HASH_DAY % ("1001", DAY))
            told = {k: int(v) for k, v in fields.items() if v.isdigit()}
            return told.get("inbound") and told
        told = wait_until(counters, "the calls in Redis")
        expected = {"dials": 2, "answered": 1, "no_answer": 1, "talk_ms": 95000, "ring_ms": 29000,
                    "inbound": 1, "inbound_talk_ms": 30000}
        self.assertEqual({k: told[k] for k in expected}, expected)

    def test_it_comes_to_us(self):
        daemon = self.daemon(listen="127.0.0.1:0")
        with socket.create_connection(daemon.address("pbx2")) as switch:
            switch.sendall((LINES + BROKEN + LINES).encode())
            self.check_counters(daemon)
            wait_until(lambda: daemon.source("pbx2")["refused"] == 1, "the refusal")
            switch.shutdown(socket.SHUT_WR)
            self.assertEqual(switch.recv(1000), b"", "a switch is not answered")
        rejects = wait_until(daemon.rejects, "the refused line in its file")
        self.assertEqual([r["code"] for r in rejects], ["bad_field"])
        self.assertEqual(rejects[0]["line"], BROKEN.strip())

    def test_we_go_to_it(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            switch, _ = listener.accept()
            switch.sendall(LINES.encode())
            switch.recv(1)
            switch.close()
        threading.Thread(target=serve, daemon=True).start()
        daemon = self.daemon(connect="127.0.0.1:%d" % listener.getsockname()[1])
        wait_until(lambda: daemon.source("pbx2")["state"] == "up", "the source to be up")
        self.check_counters(daemon)

    def test_a_reload_takes_another_layout(self):
        daemon = self.daemon(listen="127.0.0.1:0")
        address = daemon.address("pbx2")
        daemon.config["sources"][0]["layout"] = os.path.join(LAYOUTS, "example.yaml")
        daemon.write_config()
        with socket.create_connection(address) as switch:
            daemon.ask("reload")
            switch.sendall(b"2026-11-23 10:02:11,out,1002,0600,95,answered,9,c-17\n")

            def talk():
                daemon.settle()
                with daemon.redis() as redis:
                    return redis.hash(harness.HASH_DAY % ("1002", DAY)).get("talk_ms")
            self.assertEqual(wait_until(talk, "the call in Redis"), "95000")

    def test_a_sample(self):
        daemon = Daemon(self, sources=[{"name": "pbx2", "type": "smdr", "listen": "127.0.0.1:0",
                                        "layout": os.path.join(LAYOUTS, "avaya-ip-office.yaml")}])
        sample = daemon.write("lines.txt", LINES + BROKEN)
        run = subprocess.run([harness.PROGRAMS["callpace"], "check", daemon.config_path, "--sample",
                              sample, "--json"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 78, run.stderr)
        shown = [json.loads(line) for line in run.stdout.splitlines()]
        self.assertEqual([s["passed_over"] for s in shown], [False] * 4 + [True, False])
        self.assertEqual([e["type"] for e in shown[0]["events"]],
                         ["call.start", "call.answer", "call.end"])
        self.assertEqual(shown[0]["events"][2]["talk_ms"], 95000)
        self.assertEqual(shown[5]["code"], "bad_field")
        words = subprocess.run([harness.PROGRAMS["callpace"], "check", daemon.config_path,
                                "--sample", sample, "--source", "other"], capture_output=True,
                               text=True)
        self.assertEqual(words.returncode, 78)
        self.assertIn("no such source", words.stderr)


if __name__ == "__main__":
    harness.main()
