"""Alerts over HTTP to servers that behave as each vendor does (chat_vendors)."""
import json
import os
import tempfile
import unittest

import harness
from chat_vendors import (Authority, DingTalk, Feishu, Json, Slack, Teams, VendorServer, WeCom,
                          coded, feishu)
from harness import Daemon, agent, at, policy, roster, wait_until

NINE = at("2026-11-23 09:00")
HOSTILE = "<!channel> @all <at user_id=\"all\">x</at> [a](http://evil) **b**"
# One call meets the day: a call is an alert, day.met.
RULES = policy(classes__veteran={"day": {"calls": 1, "talk": "1s"},
                                 "month": {"calls": 1, "talk": "1m", "members": 1}})


class Webhooks(unittest.TestCase):
    def begin(self, hooks, agents=1, names=None, **more):
        people = [agent(str(1001 + i), name=(names or {}).get(i, "Agent %d" % i),
                        team="red" if i % 2 == 0 else "blue") for i in range(agents)]
        self.daemon = Daemon(self, policy_tree=RULES, roster_tree=roster(*people), **more)
        for hook in hooks:
            for key in ("secret_file", "webhook_file"):
                if key in hook:
                    hook[key] = self.daemon.write(hook["name"] + "." + key, hook[key])
        self.daemon.config["hooks"] = hooks
        self.daemon.write_config()
        return self.start()

    def start(self):
        environment = {name: "" for name in ("http_proxy", "https_proxy", "all_proxy")}
        self.daemon.start(environment)
        return self.daemon

    def meet(self, *indices):
        """In one piece, so that the alerts come together."""
        sender = self.daemon.sender("pbx1")
        sender.events([("call.end", {"call": "c%d" % i, "agent": str(1001 + i), "talk_ms": 5000,
                                     "ts": NINE + i * 1000}) for i in indices])
        sender.wait_ack()
        sender.close()

    def hook(self, name):
        return next(h for h in self.daemon.status()["hooks"] if h["name"] == name)

    def wait_delivered(self, name, count):
        wait_until(lambda: self.hook(name)["delivered"] >= count, name)

    def authority(self):
        directory = tempfile.TemporaryDirectory(prefix="callpace-ca-")
        self.addCleanup(directory.cleanup)
        return Authority(directory.name)

    def test_json_signed_over_tls(self):
        authority = self.authority()
        crm, stranger, moved = Json("sign me"), Json(), Json()
        moved.script.append((302, {"Location": "/crm"}, b""))
        server = VendorServer(self, {"crm": crm, "stranger": stranger, "moved": moved}, authority)
        self.begin([
            {"name": "crm", "webhook": server.url("crm"), "format": "json",
             "secret_file": "sign me", "ca_file": authority.ca, "on": ["day.met"]},
            {"name": "stranger", "webhook": server.url("stranger"), "retries": 0},
            {"name": "moved", "webhook": server.url("moved"), "ca_file": authority.ca}])
        self.meet(0)
        self.wait_delivered("crm", 1)
        self.assertEqual(crm.messages, self.daemon.alerts())
        wait_until(lambda: self.hook("stranger")["given_up"] == 1, "the certificate is refused")
        self.assertEqual(stranger.requests, [])
        wait_until(lambda: self.hook("moved")["given_up"] == 1, "the redirect is refused")
        self.assertEqual((len(moved.requests), len(crm.requests), server.gets), (1, 1, []))
        self.assertNotIn("sign me", self.daemon.log())

    def test_every_vendor_at_once(self):
        """40 alerts in one go: all arrive, in messages that every vendor takes."""
        vendors = {"slack": Slack(), "teams": Teams(), "dingtalk": DingTalk("SEC1"),
                   "wecom": WeCom(), "feishu": Feishu("SEC2")}
        authority = self.authority()
        server = VendorServer(self, vendors, authority)
        hooks = []
        for name, vendor in vendors.items():
            hook = {"name": name, "format": name, "ca_file": authority.ca,
                    "webhook_file": server.url(name) + "?access_token=t0k3n"}
            if vendor.secret:
                hook["secret_file"] = vendor.secret.decode()
            hooks.append(hook)
        self.begin(hooks, agents=40, names={7: HOSTILE})
        self.meet(*range(40))
        for name, vendor in vendors.items():
            self.wait_delivered(name, 40)
            self.assertEqual(vendor.throttled, 0, name)
            for i in set(range(40)) - {7}:
                self.assertTrue(vendor.has_text("Agent %d" % i), (name, i))
            self.assertLess(len(vendor.messages), 20, name)
            whole = "\n".join(vendor.texts())
            for harm in ("<!channel>", "<at ", "://evil"):
                self.assertNotIn(harm, whole, name)
            self.assertEqual(self.hook(name)["failures"], 0)
        self.assertIn("今天已达标", "\n".join(vendors["feishu"].texts()))
        self.assertIn("has met today's target", "\n".join(vendors["teams"].texts()))
        self.assertNotIn("t0k3n", self.daemon.log() + json.dumps(self.daemon.status()))

    def test_what_passes_is_tried_again_and_what_does_not_is_given_up(self):
        busy, limited, wrong, bad_token = Json(), Feishu("s"), DingTalk("right"), Slack()
        busy.script.extend([(503, {}, b""), (429, {"Retry-After": "1"}, b"")])
        limited.script.append(feishu(11232, "frequency limited"))
        bad_token.script.append((403, {}, b"invalid_token"))
        server = VendorServer(self, {"busy": busy, "limited": limited, "wrong": wrong,
                                     "token": bad_token})
        self.begin([
            {"name": "busy", "webhook": server.url("busy")},
            {"name": "limited", "webhook": server.url("limited"), "format": "feishu",
             "secret_file": "s"},
            {"name": "wrong", "webhook": server.url("wrong"), "format": "dingtalk",
             "secret_file": "left"},
            {"name": "token", "webhook": server.url("token"), "format": "slack"}])
        self.meet(0)
        for name, tries in (("busy", 3), ("limited", 2)):
            self.wait_delivered(name, 1)
            self.assertEqual(len(server.vendors[name].requests), tries)
            self.assertEqual(self.hook(name)["failures"], tries - 1)
        for name in ("wrong", "token"):
            wait_until(lambda: self.hook(name)["given_up"] == 1, name)
            self.assertEqual(len(server.vendors[name].requests), 1)
        self.assertIn("sign not match", self.daemon.log())
        self.assertIn("invalid_token", self.daemon.log())

    def test_one_that_is_refused_takes_no_others_with_it(self):
        picky = WeCom()
        judge = picky.judge
        picky.judge = lambda query, headers, body: coded(40058, "no") \
            if "Agent 3" in body.decode() else judge(query, headers, body)
        server = VendorServer(self, {"picky": picky})
        self.begin([{"name": "picky", "webhook": server.url("picky"), "format": "wecom"}], agents=6)
        self.meet(*range(6))
        wait_until(lambda: self.hook("picky")["waiting"] == 0, "all is done")
        self.assertEqual((self.hook("picky")["delivered"], self.hook("picky")["given_up"]), (5, 1))

    def test_messages_bear_a_link_that_acknowledges(self):
        crm, chat = Json(), WeCom()
        server = VendorServer(self, {"crm": crm, "chat": chat})
        self.begin([{"name": "crm", "webhook": server.url("crm")},
                    {"name": "chat", "webhook": server.url("chat"), "format": "wecom"}],
                   public_url="https://wall.example/")
        sender = self.daemon.sender("pbx1")
        sender.tick(at("2026-11-23 10:00"))
        sender.wait_ack()
        wait_until(lambda: crm.messages and chat.messages, "agent 1001 is behind")
        url = crm.messages[0]["ack_url"]
        self.assertRegex(url, "^https://wall.example/ack[?]id=1001%2Fday.behind%2F2026-11-23"
                              "&by=crm&until=[0-9]+&sign=[0-9a-f]{32}$")
        self.assertIn("\n确认收到: https://wall.example/ack?id=1001", chat.texts()[0])
        self.assertIn("&by=chat&", chat.texts()[0])
        self.meet(0)
        wait_until(lambda: len(crm.messages) == 3, "resolved and met")
        self.assertFalse([m for m in crm.messages[1:] if "ack_url" in m])

    def test_routes_by_team_and_severity(self):
        red, severe = Json(), Json()
        server = VendorServer(self, {"red": red, "severe": severe})
        self.begin([{"name": "red", "webhook": server.url("red"), "teams": ["red"]},
                    {"name": "severe", "webhook": server.url("severe"), "severity": "critical"}],
                   agents=4)
        self.meet(0, 1, 2)
        self.wait_delivered("red", 2)
        sender = self.daemon.sender("pbx1")
        sender.tick(at("2026-11-23 18:00"))
        sender.wait_ack()
        wait_until(lambda: self.hook("severe")["delivered"] > 0, "agent 3 missed the day")
        self.assertEqual({m["agent"] for m in red.messages}, {"1001", "1003"})
        self.assertEqual({m["agent"] for m in severe.messages}, {"1004"})

    def test_killed_on_the_way_both_deliver_again(self):
        """The first try of both hangs; the daemon dies; the next one tells them."""
        crm = Json("s")
        crm.script.append(None)
        server = VendorServer(self, {"crm": crm})
        script = "echo $1 >>$0; [ $(wc -l <$0) -ge 2 ] || exec tail -f $0"
        self.begin([{"name": "crm", "webhook": server.url("crm"), "secret_file": "s",
                     "timeout": "60s"},
                    {"name": "run", "exec": ["sh", "-c", script, "TOLD", "{id}"],
                     "timeout": "60s"}])
        told = self.daemon.config["hooks"][1]["exec"][3] = self.daemon.path("told")
        self.daemon.write_config()
        self.daemon.control("reload")
        self.meet(0)
        wait_until(lambda: len(crm.requests) == 1 and os.path.exists(told), "both are under way")
        self.daemon.kill()
        self.daemon.wait()
        self.start()
        for name in ("crm", "run"):
            self.wait_delivered(name, 1)
            self.assertEqual(self.hook(name)["waiting"], 0)
        self.assertEqual([m["id"] for m in crm.messages], ["1001/day.met/2026-11-23"])
        bodies = {body for _, _, body in crm.requests}
        self.assertEqual((len(crm.requests), len(bodies)), (2, 1), "the same, word for word")
        with open(told, encoding="utf-8") as file:
            self.assertEqual(file.read(), "1001/day.met/2026-11-23\n" * 2)


if __name__ == "__main__":
    harness.main()
