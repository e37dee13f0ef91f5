"""callpace top on a real terminal (tmux) beside a running daemon, and in a pipe."""
import os
import shutil
import signal
import subprocess
import unittest

import harness
from harness import PROGRAMS, Daemon, agent, at, roster, wait_until

NINE = at("2026-11-23 09:00")
MINUTE = 60000
NAMES = {"1001": "王芳", "1002": "Zhang Min", "1003": "李明明"}


class Terminal:
    """A tmux server of its own with one window."""

    def __init__(self, test, daemon, *words, columns=80, rows=24, **environment):
        self.socket = daemon.path("tmux")
        self.env = dict(os.environ, LC_ALL="C.UTF-8", LANG="C.UTF-8", TERM="xterm", TMUX_TMPDIR="")
        self.env.pop("NO_COLOR", None)
        self.env.pop("TMUX", None)
        self.env.update(environment)
        test.addCleanup(self.end)
        line = "%s --socket %s top --every 200ms %s; echo left with $?; exec cat" % (
            PROGRAMS["callpace"], daemon.socket_path, " ".join(words))
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), line)

    def tmux(self, *words):
        told = subprocess.run(["tmux", "-u", "-S", self.socket, *words], env=self.env,
                              capture_output=True, timeout=60, check=True)
        return told.stdout.decode()

    def end(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], env=self.env,
                       capture_output=True, timeout=60, check=False)

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def size(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def lines(self):
        return [line.rstrip() for line in self.tmux("capture-pane", "-p").split("\n")[:-1]]

    def screen(self):
        return "\n".join(self.lines())

    def wait(self, *texts):
        """Until all of them stand on the screen; returns it."""
        def shows():
            screen = self.screen()
            return screen if all(text in screen for text in texts) else None
        try:
            return wait_until(shows, "the screen to show %r" % (texts,))
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, self.screen())) from None

    def wait_gone(self, text):
        wait_until(lambda: text not in self.screen(), "%r to go away" % text)


@unittest.skipUnless(shutil.which("tmux"), "tmux is not installed")
class Top(unittest.TestCase):
    def begin(self, people=None):
        people = people or [agent(ident, name=name, team="red" if ident < "1003" else "blue")
                            for ident, name in NAMES.items()]
        self.daemon = Daemon(self, roster_tree=roster(*people)).start()
        wait_until(lambda: self.daemon.status()["redis"]["state"] == "up", "Redis to be up")
        self.sender = self.daemon.sender("pbx1")

    def morning(self):
        """At 11:00: 1001 made 20 calls of 3 min and talks, 1002 made 15 of 1 min, 1003 none."""
        for i in range(20):
            self.sender.call("a%d" % i, "1001", NINE + i * 5 * MINUTE, talk_ms=3 * MINUTE)
        for i in range(15):
            self.sender.call("b%d" % i, "1002", NINE + i * 5 * MINUTE, talk_ms=MINUTE)
        self.sender.event("call.start", call="up", agent="1001", ts=NINE + 117 * MINUTE)
        self.sender.event("call.answer", call="up", ts=NINE + 118 * MINUTE)
        self.tick(120)

    def tick(self, minutes):
        self.sender.tick(NINE + minutes * MINUTE)
        self.sender.wait_ack()

    def once(self, *words, **more):
        told = subprocess.run([PROGRAMS["callpace"], "--socket", self.daemon.socket_path, "top",
                               "--once", *words], capture_output=True, text=True, timeout=60,
                              **more)
        self.assertEqual(told.returncode, 0, told.stderr)
        return told.stdout

    PICTURE = """\
callpace 2026-11-23 11:00:00  3 agents, 1 on a call, calls 35, talk 1 h    live
B 2 behind  P 1 on_pace
sort state  3 shown
  id   name      call   calls           talk       pace   at end  until alert
B 1003 李明明            0/60 ·····   0/150m ·····   0%     0/0m 13:00c behind
B 1002 Zhang M  21:50   15/60 █▎···  15/150m ▌····  40%   60/60m 14:15c behind
P 1001 王芳     >2:00   20/60 █▋···  60/150m ██··· 133%  80/248m 14:40c
"""

    def test_a_picture_in_a_pipe(self):
        self.begin()
        self.morning()
        self.assertEqual(self.once("--columns", "80"), self.PICTURE)
        only = self.once("--columns", "80", "--team", "red", "--sort", "calls").splitlines()
        self.assertEqual([line[2:6] for line in only[4:]], ["1001", "1002"])
        teams = self.once("--teams", "--columns", "80").splitlines()
        self.assertIn("B red  2  ", teams[-1])
        wide = self.once("--columns", "200")
        self.assertIn("80 (59-101)", wide)
        told = subprocess.run([PROGRAMS["callpace"], "--socket", self.daemon.socket_path, "top",
                               "--sort", "colour"], capture_output=True, text=True, timeout=60)
        self.assertEqual((told.returncode, told.stdout), (64, ""), told.stderr)

    def test_the_terminal_shows_the_same_and_follows_keys(self):
        self.begin()
        self.morning()
        terminal = Terminal(self, self.daemon)
        terminal.wait("14:40c", " live")
        expected = self.PICTURE.splitlines()
        wait_until(lambda: terminal.lines()[:7] == expected, "the picture on the terminal")
        self.assertIn("q quit", terminal.lines()[23])
        terminal.keys("s")
        terminal.wait("sort id")
        self.assertEqual([line[2:6] for line in terminal.lines()[4:7]], ["1001", "1002", "1003"])
        terminal.keys("t")
        terminal.wait("team blue", "1 shown")
        terminal.keys("c", "/", "z", "h", "a", "Enter")
        self.assertIn("1002", terminal.wait("search zha", "1 shown", "q quit"))
        terminal.keys("c")
        terminal.wait("3 shown")
        terminal.keys("v")
        terminal.wait("agents by stat", "2 shown")
        terminal.keys("h")
        terminal.wait("last useful minute;")
        terminal.keys("x")
        terminal.wait_gone("last useful minute;")
        terminal.keys("v", "Home", "Enter")
        terminal.wait("1001  王芳  red  veteran  P on_pace", "at end 80 (59-101)",
                      "last useful minute 14:40", "none open", "timeline  ██")
        terminal.keys("Down")
        terminal.wait("1002  Zhang Min", "is behind today")
        terminal.keys("q")
        terminal.wait("3 shown")
        terminal.size(200, 60)
        terminal.wait("calls at end", "80 (59-101)")
        terminal.size(80, 24)
        terminal.wait_gone("calls at end")
        terminal.keys("q")
        terminal.wait("left with 0")

    def test_events_show_by_themselves_and_a_lost_daemon_plainly(self):
        self.begin()
        self.morning()
        terminal = Terminal(self, self.daemon)
        terminal.wait("20/60", " live")
        self.sender.event("call.end", call="up", ts=NINE + 121 * MINUTE)
        self.sender.wait_ack()
        terminal.wait("21/60")
        self.daemon.kill(signal.SIGSTOP)
        self.assertIn("21/60", terminal.wait("STALE"))
        self.daemon.kill(signal.SIGCONT)
        terminal.wait(" live")
        self.daemon.kill()
        self.daemon.wait()
        terminal.wait("reconnecting", "21/60")
        self.daemon.start()
        terminal.wait("21/60", " live")
        terminal.wait_gone("reconnecting")
        terminal.keys("q")
        terminal.wait("left with 0")

    def test_hostile_names_never_reach_the_terminal(self):
        hostile = "\x1b]2;pwned\x07\x1b[2J\u202eevil\u009b31m"
        self.begin([agent("1001", name="a\u202eb<&'\"`$(x)")])
        self.sender.call("c", hostile, NINE, talk_ms=MINUTE)
        self.tick(10)
        terminal = Terminal(self, self.daemon)
        terminal.wait("?]2;pwned", "2 shown", "a?b<&")
        terminal.keys("/", "p", "w", "n", "Enter", "Enter")
        terminal.wait("?]2;pwned??[2J?evil?31m")
        self.assertNotIn("pwned", terminal.tmux("display-message", "-p", "#{pane_title}"))
        self.assertNotRegex(self.once(), "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")

    def test_in_chinese(self):
        self.begin()
        self.morning()
        terminal = Terminal(self, self.daemon, LC_ALL="zh_CN.UTF-8", LANG="zh_CN.UTF-8")
        terminal.wait("工号", "实时", "落后", "1 人通话中", "q 退出")
        terminal.keys("Enter")
        terminal.wait("时间线", "最晚补救时间 13:00", "今天落后于进度")

    def test_two_thousand_agents_without_flicker(self):
        self.begin([agent("a%04d" % i, name="坐席%d" % i, team="red") for i in range(2000)])
        self.tick(10)
        terminal = Terminal(self, self.daemon, "--sort", "id")
        terminal.wait("2000 agents", "a0000", "09:10:00")
        terminal.keys("End")
        terminal.wait("a1999")
        record = self.daemon.path("bytes")
        terminal.tmux("pipe-pane", "-O", "cat >%s" % record)
        for minute in (11, 12, 13):
            self.tick(minute)
            terminal.wait("09:%d:00" % minute)
        with open(record, "rb") as file:
            sent = file.read()
        self.assertNotIn(b"\x1b[2J", sent)
        self.assertNotIn(b"\x1b[J", sent)
        self.assertLess(len(sent), 3 * 2000)  # a whole picture has more than 1,900


if __name__ == "__main__":
    harness.main()
