"""A daemon whose source is a fake Asterisk, and looks at what it made of it."""
import datetime
import json
import subprocess
import unittest

import harness
from harness import Daemon

AGENTS = ["agent%02d" % n for n in range(1, 21)]


def crew():
    return harness.roster(*(harness.agent(a, extensions=["PJSIP/" + a]) for a in AGENTS))


def rules(hour=10, **more):
    """The shipped rules on every day of the week, in a zone where it is about `hour`
    o'clock now, so that no test runs over midnight. Returns them and today's date."""
    now = datetime.datetime.now(datetime.timezone.utc)
    east = (hour - now.hour + 12) % 24 - 12
    today = (now + datetime.timedelta(hours=east)).date().isoformat()
    tree = harness.policy(timezone="Etc/GMT%+d" % -east if east else "Etc/GMT", **more)
    tree["calendar"]["working"] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    return tree, today



def local_day(seconds, zone):
    east = -int(zone[len("Etc/GMT"):] or 0)
    then = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return (then + datetime.timedelta(hours=east)).date().isoformat()


class AmiCase(unittest.TestCase):
    def daemon(self, switch, clock="wall", secret="labsecret", address=None, ca=None,
               source_more=None):
        tree, self.today = rules()
        self.zone = tree["timezone"]
        source = {"name": "pbx1", "type": "ami", "connect": address or switch.address,
                  "username": "callpace", "secret_file": "ami.secret", **(source_more or {})}
        if ca:
            source["tls"] = {"ca": ca}
        daemon = Daemon(self, clock=clock, policy_tree=tree, roster_tree=crew(), sources=[source])
        daemon.write("ami.secret", secret)
        return daemon.start()

    def counters(self, daemon, agent, day):
        with daemon.redis() as redis:
            fields = redis.hash(harness.HASH_DAY % (agent, day))
        return {k: int(v) for k, v in fields.items() if v.isdigit()}

    def journal(self, daemon):
        text = subprocess.run([harness.PROGRAMS["callpace"], "journal", "dump", "--all",
                               "--state-dir", daemon.state_dir], check=True,
                              capture_output=True).stdout
        return [json.loads(line) for line in text.splitlines()]

    def changes(self, daemon):
        return [r for r in self.journal(daemon) if r["type"] == "x.source"]
