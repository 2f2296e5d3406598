"""
The screen of `assent tui` on a pty, with a terminal model (pyte) that says
what a person would see.

    with Screen(daemon.runtime) as s:
        s.wait_for("Nothing waits")
        s.keys("j")
"""

import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
import unittest

# Debian's package belongs to Debian's own Python; it is plain Python, so any
# other that comes first in PATH can use it as well.
sys.path.append("/usr/lib/python3/dist-packages")
import pyte

from lib_daemon import Daemon

BIN = os.environ["ASSENT_BIN"]
WAIT_S = 20
ASKED = "git push origin main"  # rules send it to a person
ARMED_S = 0.75  # the time without keys that arms, and a little more


class Terminal(pyte.Screen):
    """What pyte lacks of xterm, whose description ncurses goes by: REP, SU,
    SD. Without them what scrolled stays where it was."""

    last = " "

    def draw(self, data):
        super().draw(data)
        if data:
            self.last = data[-1]

    def repeat(self, count=None, **_):
        self.draw(self.last * (count or 1))


    def scroll(self, move, at, count):
        row = self.cursor.y
        for _ in range(count or 1):
            self.cursor.y = at
            move()
        self.cursor.y = row

    def scroll_up(self, count=None, **_):
        _, bottom = self.margins or (0, self.lines - 1)
        self.scroll(self.index, bottom, count)

    def scroll_down(self, count=None, **_):
        top, _ = self.margins or (0, self.lines - 1)
        self.scroll(self.reverse_index, top, count)


class Stream(pyte.Stream):
    more = {"b": "repeat", "S": "scroll_up", "T": "scroll_down"}
    csi = {**pyte.Stream.csi, **more}
    events = pyte.Stream.events | set(more.values())


class Screen:
    def __init__(self, runtime, rows=24, columns=80, options=(), env=None,
                 runs=None):
        self.screen = Terminal(columns, rows)
        self.stream = Stream(self.screen)
        self.decode = codecs.getincrementaldecoder("utf-8")("replace")
        self.raw = b""
        self.environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                            "TERM": "xterm-256color", "HOME": "/nonexistent",
                            **(env or {})}
        self.command = runs or [f"{BIN}/assent", "tui", "--runtime", runtime,
                                *options]
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execve(self.command[0], self.command, self.environment)
            finally:
                os._exit(127)
        self.resize(rows, columns)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print("\n".join(self.screen.display))
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        if self.status is None:
            os.kill(self.pid, signal.SIGWINCH)

    def feed(self, seconds):
        """Takes what comes for so long."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return
            if not select.select([self.fd], [], [], left)[0]:
                return
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return
            if not data:
                return
            self.raw += data
            self.stream.feed(self.decode.decode(data))

    def feed_all(self, seconds):
        """Takes everything that comes for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.feed(end - time.monotonic())

    def text(self):
        return "\n".join(self.screen.display)

    def wait_for(self, text, seconds=WAIT_S):
        end = time.monotonic() + seconds
        while text not in self.text():
            if time.monotonic() > end:
                raise AssertionError(f"never shown: {text}\n{self.text()}")
            self.feed(0.05)

    def wait_until(self, test, seconds=WAIT_S):
        end = time.monotonic() + seconds
        while not test():
            if time.monotonic() > end:
                raise AssertionError(f"not so in time\n{self.text()}")
            self.feed(0.05)

    def keys(self, keys):
        os.write(self.fd, keys.encode() if isinstance(keys, str) else keys)

    def open_and_arm(self):
        """What a careful person does: opens it, reads it to its end."""
        self.keys("\r")
        for _ in range(200):
            self.feed(ARMED_S)
            if "PART HIDDEN" not in self.text() and \
                    "HIDDEN:" not in self.text():
                return
            self.keys(" ")
        raise AssertionError("it has no end\n" + self.text())

    def wait_exit(self, seconds=WAIT_S):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.feed(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                return self.status
        raise AssertionError("it does not end\n" + self.text())


class TuiCase(unittest.TestCase):
    """A daemon for all tests of a class; each leaves nothing pending."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.daemon.start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def tearDown(self):
        for item in self.pending():
            self.daemon.answer(item["id"], "deny")

    def pending(self):
        return self.daemon.approver(
            "GET", "/v1/actions?state=pending")[1]["items"]

    def ask(self, script=ASKED, **more):
        status, body, _ = self.daemon.shell(script, wait=0, session="s-1",
                                            **more)
        self.assertEqual(status, 202, body)
        return body["id"]

    def state(self, action_id):
        return self.daemon.approver("GET", f"/v1/actions/{action_id}")[1]

    def assert_waits(self, *ids):
        self.assertEqual(sorted(i["id"] for i in self.pending()),
                         sorted(ids))

    def wait_decided(self, screen, action_id):
        screen.wait_until(
            lambda: self.state(action_id)["state"] != "pending")
        return self.state(action_id)
