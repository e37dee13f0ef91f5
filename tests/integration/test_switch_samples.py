"""The samples of conf/switches: the real daemon reads the YAML ones, and the snippets
for the switches say the same as these and as doc/switches.md, and grant no more."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

import harness

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SWITCHES = os.path.join(ROOT, "conf", "switches")
GENERAL_KEYS = {"enabled", "port", "bindaddr", "timestampevents"}
USER_KEYS = {"secret", "deny", "permit", "read", "write"}


def text_of(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def asterisk_sections(text):
    """As Asterisk reads its files, but strictly: every line a comment, a section or a key."""
    sections, current = {}, None
    for line in text.splitlines():
        line = line.split(";", 1)[0].strip()
        if not line:
            continue
        if head := re.fullmatch(r"\[([a-z]+)\]", line):
            current = sections.setdefault(head[1], {})
            continue
        key, value = re.fullmatch(r"([a-z]+) = (\S+)", line).groups()
        assert key not in current, key
        current[key] = value
    return sections


class Samples(unittest.TestCase):
    def dump(self, switch, *secrets):
        """The configuration in force by the sample, as the daemon tells it."""
        place = tempfile.mkdtemp(prefix="callpace-")
        self.addCleanup(shutil.rmtree, place)
        for name in ("policy.yaml", "roster.yaml"):
            shutil.copy(os.path.join(ROOT, "conf", name), place)
        path = shutil.copy(os.path.join(SWITCHES, switch, "callpace.yaml"), place)
        for name in secrets:
            with open(os.path.join(place, name), "w", encoding="utf-8") as file:
                file.write("choose-a-long-one\n")
            os.chmod(os.path.join(place, name), 0o600)
        told = {}
        for option in ("--check-config", "--dump-config"):
            ran = subprocess.run([harness.PROGRAMS["callpaced"], option, "-c", path],
                                 capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            told[option] = ran.stdout
        return told["--dump-config"]

    def test_asterisk(self):
        dump = self.dump("asterisk", "ami.secret")
        sections = asterisk_sections(text_of("conf", "switches", "asterisk", "manager.conf"))
        self.assertEqual(set(sections), {"general", "callpace"})
        general, user = sections["general"], sections["callpace"]
        self.assertEqual(set(general), GENERAL_KEYS)
        self.assertEqual(set(user), USER_KEYS)
        self.assertEqual((user["read"], user["write"]), ("call,agent,system", "reporting"))
        self.assertEqual(user["deny"], "0.0.0.0/0.0.0.0")
        self.assertIn("%s:%s" % (general["bindaddr"], general["port"]), dump)
        self.assertRegex(dump, r"username: \"?callpace\b")

    def test_freeswitch(self):
        dump = self.dump("freeswitch", "esl.secret")

        def load(name):
            return xml.etree.ElementTree.fromstring(text_of("conf", "switches", "freeswitch", name))
        socket = load("event_socket.conf.xml")
        self.assertEqual((socket.tag, socket.get("name")), ("configuration", "event_socket.conf"))
        params = {p.get("name"): p.get("value") for p in socket.find("settings")}
        self.assertIn("%s:%s" % (params["listen-ip"], params["listen-port"]), dump)
        self.assertNotEqual(params["password"], "ClueCon")
        lists = {row.get("name"): row for row in load("acl.conf.xml").find("network-lists")}
        chosen = lists[params["apply-inbound-acl"]]
        self.assertEqual(chosen.get("default"), "deny")
        self.assertEqual([n.get("cidr") for n in chosen], ["127.0.0.1/32"])

    def test_kamailio(self):
        port = re.search(r'CALLPACE_LISTEN "([^"]+)"',
                         text_of("conf", "switches", "kamailio", "callpace.cfg"))
        self.assertIn(port[1], self.dump("kamailio"))

    def test_the_manual_shows_what_the_samples_say(self):
        manual = " ".join(text_of("doc", "switches.md").split())
        user = asterisk_sections(text_of("conf", "switches", "asterisk", "manager.conf"))["callpace"]
        for key, value in user.items():
            self.assertIn("%s = %s" % (key, value), manual)
        for param in re.findall(r'<param name="(?!nat-map)[^>]+/>',
                                text_of("conf", "switches", "freeswitch", "event_socket.conf.xml")):
            self.assertIn(param, manual)
        for path in re.findall(r"`((?:asterisk|freeswitch|kamailio|smdr)/[a-z_.-]+)`", manual):
            self.assertTrue(os.path.exists(os.path.join(SWITCHES, path)), path)


if __name__ == "__main__":
    harness.main()
