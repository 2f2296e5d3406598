"""assent sandbox --tty: a terminal of the run's own, shown in the caller's."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
import unittest

from lib_sandbox import in_each_mode, require_sandbox
from lib_terminal import Terminal

LIMIT_S = 30


class Screen(Terminal):
    """A caller at a terminal."""

    def __init__(self, w, words, *options):
        def start():
            w._become()
            os.chdir(w.ws)
            os.execve(w.helper, [
                w.helper, "--oneshot", "--workspace", w.ws, "--tty",
                *options, "--", *words], w.env(TERM="dumb"))
        super().__init__(start, LIMIT_S)


class Tty(unittest.TestCase):
    @in_each_mode
    def test_the_command_has_a_terminal_with_a_name(self, w):
        with Screen(w, ["sh", "-c", "tty; test -t 0 && test -t 1 && "
                        "test -t 2 && echo yes; ps -o tty= -p $$; "
                        "ls /dev/pts; exit 7"]) as s:
            s.until("yes")
            self.assertEqual(s.status(), 7)
            self.assertIn("/dev/pts/0", s.text)
            self.assertIn("pts/0", s.text.split("yes")[1])
            self.assertTrue(s.cooked())

    @in_each_mode
    def test_a_new_size_reaches_the_command(self, w):
        with Screen(w, ["bash", "-c", "trap 'stty size' WINCH; echo ready; "
                        "while sleep 0.1; do :; done"]) as s:
            s.until("ready")
            s.size(51, 133)
            s.until("51 133")

    @in_each_mode
    def test_keys_are_signals_and_jobs_are_controlled(self, w):
        with Screen(w, ["bash", "--norc", "-i"]) as s:
            s.type("sleep 100\n")
            s.until("sleep 100")
            time.sleep(0.3)
            s.type("\x1a")
            s.until("Stopped")
            s.type("jobs; fg\n")
            time.sleep(0.5)
            s.type("\x03")
            time.sleep(0.2)
            s.type("echo st''ill; exit 3\n")
            s.until("still")
            self.assertEqual(s.status(), 3)

    @in_each_mode
    def test_the_terminal_is_put_back_also_when_we_are_killed(self, w):
        with Screen(w, ["sh", "-c", "echo ready; sleep 60"]) as s:
            s.until("ready")
            self.assertFalse(s.cooked())
            os.kill(s.pid, signal.SIGKILL)
            end = time.time() + LIMIT_S
            while not s.cooked() and time.time() < end:
                time.sleep(0.01)
            self.assertTrue(s.cooked())

    @in_each_mode
    def test_a_signal_ends_the_run_and_puts_the_terminal_back(self, w):
        with Screen(w, ["sh", "-c", "echo ready; sleep 60"]) as s:
            s.until("ready")
            os.kill(s.pid, signal.SIGTERM)
            self.assertIn(s.status(), (128 + 15, 128 + 9))
            self.assertTrue(s.cooked())

    @in_each_mode
    def test_nothing_is_typed_into_the_callers_terminal(self, w):
        with Screen(w, ["python3", "-c",
                        "import ctypes, os\n"
                        "l = ctypes.CDLL(None, use_errno=True)\n"
                        "for fd in range(3):\n"
                        " for n in (0x5412, 0xdead00005412, 0x541c):\n"
                        "  print(l.ioctl(fd, ctypes.c_ulong(n), b'x'))\n"
                        "try: os.open('/dev/pts/1', os.O_RDWR); print('IN')\n"
                        "except OSError: print('end')\n"]) as s:
            s.until("end")
            self.assertEqual(s.text.split().count("-1"), 9)
            self.assertEqual(s.status(), 0)
            self.assertNotIn("x", s.text)

    @in_each_mode
    def test_no_answer_to_the_run_is_left_for_the_shell_after_it(self, w):
        master, slave = pty.openpty()
        os.set_blocking(master, False)
        run = w.start(["sh", "-c", "stty raw -echo; echo ready; sleep 1; "
                       "echo enough; sleep 1"],
                      "--tty", stdin=slave, stdout=slave, stderr=slave)
        shown, sent, end = b"", 0, time.time() + LIMIT_S
        while run.poll() is None and time.time() < end:
            if select.select([master], [], [], 0.05)[0]:
                shown += os.read(master, 4096)
            # More than the run takes, as a terminal answers to questions.
            if b"ready" in shown and b"enough" not in shown:
                try:
                    sent += os.write(master, b"id\n" * 1300)
                except BlockingIOError:
                    pass
        self.assertEqual(run.wait(LIMIT_S), 0, shown)
        self.assertGreater(sent, 12000)
        # As a shell that edits its lines does.
        now = termios.tcgetattr(slave)
        now[3] &= ~termios.ICANON
        termios.tcsetattr(slave, termios.TCSANOW, now)
        left = fcntl.ioctl(slave, termios.FIONREAD, b"\0" * 4)
        os.close(master)
        os.close(slave)
        self.assertEqual(struct.unpack("i", left)[0], 0)

    @in_each_mode
    def test_without_a_terminal_it_is_refused(self, w):
        status, out = w.run(["true"], "--tty")
        self.assertEqual(status, 125)
        self.assertIn("needs a terminal", out)


if __name__ == "__main__":
    require_sandbox()
    unittest.main()
