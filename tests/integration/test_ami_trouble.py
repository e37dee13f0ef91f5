"""What a switch, an account or the way there can do wrong, and what the daemon makes
of it: it says what is the matter, comes back, and does not hammer."""
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time

import harness
from ami_case import AmiCase
from fake_asterisk import ACCEPTED, BANNER, Switch, booted
from harness import wait_until


def healthy(_, connection):
    connection.login()


def silent(_, connection):
    del connection


def in_turn(*scripts):
    """The first connection runs the first script, and so on; the last one stays."""
    left = list(scripts)

    def script(switch, connection):
        (left.pop(0) if len(left) > 1 else left[0])(switch, connection)
    return script


class Trouble(AmiCase):
    def up(self, daemon, patience=30):
        wait_until(lambda: daemon.source("pbx1")["state"] == "up", "the source to be up", patience)

    def down(self, daemon, reason, patience=30):
        def is_down():
            now = daemon.source("pbx1")
            return now["state"] == "down" and reason in now.get("reason", "")
        wait_until(is_down, "the source to be down: " + reason, patience)

    def test_a_wrong_password_is_told_and_not_hammered(self):
        def refuse(_, connection):
            connection.send(BANNER)
            connection.wait_action("Login")
            connection.send(b"Response: Error\r\nMessage: Authentication failed\r\n\r\n")
            connection.wait_closed()
        switch = Switch(self, refuse)
        daemon = self.daemon(switch, secret="wrong")
        self.down(daemon, "the switch refused the login as callpace: Authentication failed")
        wait_until(lambda: "Authentication failed" in daemon.log(), "the log to say so")
        self.assertNotIn("wrong", daemon.log(), "a secret is no log line")
        first = switch.tried[0]
        wait_until(lambda: time.monotonic() > first + 8)
        self.assertEqual(len(switch.tried), 1, "a plain loss would be tried again after 1 s")
        self.down(daemon, "Authentication failed")

    def test_a_banner_that_never_comes(self):
        switch = Switch(self, in_turn(silent, healthy))
        daemon = self.daemon(switch)
        switch_saw = wait_until(lambda: switch.connections, "the connection")[0]
        switch_saw.wait_closed(20)
        self.assertGreater(switch_saw.closed - switch_saw.opened, 8)
        self.assertIn("not logged in", daemon.source("pbx1")["reason"])
        self.up(daemon)

    def test_a_login_that_is_never_answered(self):
        switch = Switch(self, in_turn(lambda _, c: c.send(BANNER), healthy))
        daemon = self.daemon(switch)
        wait_until(lambda: switch.connections, "the connection")[0].wait_closed(20)
        self.up(daemon)

    def test_an_account_that_is_not_told_of_the_boot(self):
        """Without read = system there is no FullyBooted; the first heartbeat does."""
        def script(_, connection):
            connection.send(BANNER)
            connection.wait_action("Login")
            connection.send(ACCEPTED)
        switch = Switch(self, script)
        self.up(self.daemon(switch), patience=15)
        self.assertEqual(len(switch.connections), 1)

    def test_a_dead_peer_shows(self):
        """It takes everything and says nothing any more."""
        def die(_, connection):
            connection.answers_pings = False
            connection.login()
        switch = Switch(self, in_turn(die, healthy))
        daemon = self.daemon(switch)
        self.up(daemon)
        dead = switch.connections[0]
        dead.wait_closed(45)
        self.assertGreater(dead.closed - dead.opened, 25)
        self.assertGreaterEqual(len(dead.asked("Ping")), 2)
        self.assertIn("reason=", daemon.log())
        self.up(daemon)
        self.assertEqual(len(switch.connections), 2)

    def test_a_quiet_switch_is_not_dead(self):
        """Nothing but answers to pings for longer than a dead peer is waited for."""
        switch = Switch(self, healthy)
        daemon = self.daemon(switch)
        self.up(daemon)
        wait_until(lambda: len(switch.connections[0].asked("Ping")) >= 4, "pings", 50, 0.2)
        self.assertEqual(len(switch.connections), 1)
        self.assertEqual(daemon.source("pbx1")["state"], "up")

    def test_closed_in_the_middle_of_a_message(self):
        def cut(_, connection):
            connection.login()
            connection.send(b"Event: Newchannel\r\nChannel: PJSIP/agent01-00000001\r\nUniq")
            connection.close(reset=True)
        switch = Switch(self, in_turn(cut, healthy))
        daemon = self.daemon(switch)
        wait_until(lambda: len(switch.connections) == 2, "it to come back")
        self.up(daemon)
        self.assertEqual(daemon.source("pbx1")["refused"], 0)

    def test_garbage_after_the_login_is_passed_over(self):
        def rave(_, connection):
            connection.login()
            connection.send(bytes(range(256)) * 64 + b"\r\n\r\n")
            connection.send(b"Event: Newchannel\r\n" + b"x" * 200000 + b"\r\n\r\n")
            connection.send(b"\0" * 70000 + b"\r\n\r\n" + b"Event: Hangup\r\n\r\n")
            connection.send(b"Event: Newchannel\r\nChannel: PJSIP/agent01-1\r\nUniqueid: 1.1\r\n"
                            b"Linkedid: 1.1\r\n\r\nEvent: Newchannel\r\nUniqueid: 1.2\r\nChannel: "
                            b"PJSIP/trunk-2\r\nLinkedid: 1.1\r\n\r\nEvent: DialBegin\r\n"
                            b"Uniqueid: 1.1\r\nDestUniqueid: 1.2\r\nDialString: 06@trunk\r\n\r\n")
        switch = Switch(self, rave)
        daemon = self.daemon(switch)
        wait_until(lambda: daemon.source("pbx1")["events"] == 1, "the call behind the garbage")
        self.assertGreaterEqual(daemon.source("pbx1")["refused"], 2)
        self.assertTrue({r["code"] for r in daemon.rejects()} <= {"too_long", "bad_field"})
        self.assertEqual(len(switch.connections), 1)

    def test_another_server_answers_there(self):
        switch = Switch(self, lambda _, c: c.send(b"SSH-2.0-OpenSSH_9.2\r\n"))
        daemon = self.daemon(switch)
        self.down(daemon, "no Asterisk manager answers there, but: SSH-2.0")
        wait_until(lambda: len(switch.tried) >= 3, "it to try again")
        gaps = [b - a for a, b in zip(switch.tried, switch.tried[1:])]
        self.assertGreater(gaps[0], 0.9)
        self.assertGreater(gaps[1], 1.8, "the waits double")

    def test_a_loss_is_an_outage_and_a_gap_in_coverage(self):
        switch = Switch(self, healthy)
        daemon = self.daemon(switch)
        self.up(daemon)
        switch.close_listener()
        switch.connections[0].close()
        self.down(daemon, "Connection refused")
        switch.open()
        self.up(daemon)
        changes = self.changes(daemon)
        self.assertEqual([c["change"] for c in changes][-2:], ["down", "up"])
        self.assertGreaterEqual(changes[-1]["at_ms"] - changes[-2]["at_ms"], 900)
        daemon.settle()
        self.assertLess(self.counters(daemon, "agent01", self.today)["coverage_bp"], 10000)

    def test_a_long_loss_is_an_alert(self):
        switch = Switch(self, healthy)
        daemon = self.daemon(switch)
        self.up(daemon)
        switch.close_listener()
        switch.connections[0].close()

        def told(kind):
            return [a for a in daemon.alerts() if a["type"] == kind]
        wait_until(lambda: told("source.down"), "source.down after its hold-down", 100, 0.5)
        switch.open()
        self.up(daemon, 60)
        wait_until(lambda: told("source.up") or not told("source.down") or
                   told("source.down")[0]["state"] == "resolved", "source.up", 100, 0.5)

    # ---- the way there ----

    def certificates(self):
        """A directory with ca.pem, other.pem (another CA), and server.pem for 127.0.0.1."""
        where = tempfile.mkdtemp(prefix="callpace-tls-")
        self.addCleanup(subprocess.run, ["rm", "-rf", where], check=True)
        new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        subprocess.run(
            new + "-keyout ca.key -out ca.pem -subj /CN=ca && " +
            new + "-keyout other.key -out other.pem -subj /CN=other && "
            "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key "
            "-out server.csr -subj /CN=pbx && echo subjectAltName=IP:127.0.0.1 >ext && "
            "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial "
            "-out server.pem -days 2 -extfile ext", shell=True, cwd=where, check=True,
            capture_output=True)
        return where

    def tls_switch(self, where, script=healthy):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(where, "server.pem"),
                                os.path.join(where, "server.key"))
        return Switch(self, script, context=context)

    def test_over_tls(self):
        where = self.certificates()
        switch = self.tls_switch(where)
        daemon = self.daemon(switch, ca=os.path.join(where, "ca.pem"))
        self.up(daemon)
        self.assertEqual(switch.connections[0].asked("Login")[0]["Secret"], "labsecret")

    def test_a_certificate_of_another_authority_is_told(self):
        where = self.certificates()
        switch = self.tls_switch(where)
        daemon = self.daemon(switch, ca=os.path.join(where, "other.pem"))
        self.down(daemon, "certificate verify failed")
        wait_until(lambda: "certificate verify failed" in daemon.log(), "the log to say so")
        self.assertFalse(switch.connections, "nothing was said without trust")

    def test_a_tls_handshake_that_never_ends(self):
        where = self.certificates()
        switch = Switch(self, silent)
        daemon = self.daemon(switch, ca=os.path.join(where, "ca.pem"))
        wait_until(lambda: switch.connections, "the connection")[0].socket.settimeout(None)
        wait_until(lambda: len(switch.tried) >= 2, "it to give up and try again", 25)
        self.down(daemon, "TLS handshake timed out")

    def test_a_name_with_several_addresses(self):
        """Where the first refuses, the next is tried."""
        switch = Switch(self, healthy)
        self.up(self.daemon(switch, address="localhost:%d" % switch.port))


if __name__ == "__main__":
    harness.main()
