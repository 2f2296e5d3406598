"""assent tui: nothing is decided by accident, whatever is typed, pasted, clicked
or goes away."""

import os
import random
import signal
import string
import sys
import termios
import time
import unittest

try:
    from lib_tui import ARMED_S, Screen, TuiCase
except ImportError as missing:
    print(f"SKIP: {missing} (package python3-pyte)")
    sys.exit(77)


class Accidents(TuiCase):
    # ---- nothing by accident ----

    def test_a_storm_of_500_keys_decides_nothing(self):
        keys = random.Random(7)
        alphabet = (string.ascii_letters + string.digits + " \r\t,.;:-_#+*"
                    ).replace("q", "")
        with Screen(self.daemon.runtime) as s:
            s.wait_for("Nothing waits")
            ids = []
            for i in range(500):
                s.keys(keys.choice(alphabet))
                if i in (100, 300):
                    ids.append(self.ask(f"git push origin storm-{i}"))
                s.feed(0.01)
            s.feed(1)
            self.assert_waits(*ids)

    def test_keys_in_one_write_before_and_after_it_appears_decide_nothing(
            self):
        with Screen(self.daemon.runtime) as s:
            s.wait_for("Nothing waits")
            s.keys("aaaa")
            one = self.ask()
            s.keys("aaaadaaa\raaaa")
            s.wait_for("1 waiting")
            s.keys("a" * 400)
            s.feed(1)
            self.assert_waits(one)

    def test_too_soon_is_said_and_decides_nothing(self):
        one = self.ask()
        with Screen(self.daemon.runtime, 30, 100) as s:
            s.wait_for("New: Enter")
            s.keys("\r")
            s.feed(0.2)
            s.keys("a")
            s.wait_for("Too soon")
            self.assert_waits(one)

    def test_a_paste_decides_nothing(self):
        one = self.ask()
        with Screen(self.daemon.runtime, 30, 100) as s:
            s.wait_for("New: Enter")
            s.open_and_arm()
            s.keys("\033[200~aaaa\ndd\n\033[201~")
            s.feed(1)
            self.assert_waits(one)
            self.assertIn(b"\033[?2004h", s.raw)

    def test_a_click_into_the_window_decides_nothing(self):
        one = self.ask()
        with Screen(self.daemon.runtime, 30, 100) as s:
            s.wait_for("New: Enter")
            s.open_and_arm()
            s.keys("\033[O")
            s.feed(1)
            s.keys("\033[I")
            s.keys("a")
            s.keys("\033[<0;30;29M\033[<0;30;29m")
            s.feed(0.5)
            self.assert_waits(one)

    def test_what_is_not_shown_whole_is_not_allowed(self):
        one = self.ask("\n".join(f"echo {i}" for i in range(30))
                       + "\ngit push origin main")
        with Screen(self.daemon.runtime) as s:
            s.wait_for("New: Enter")
            s.keys("\r")
            s.wait_for("PART HIDDEN")
            s.feed(ARMED_S)
            s.keys("a")
            s.wait_for("scroll to its end")
            self.assert_waits(one)
            s.open_and_arm()
            s.keys("a")
            self.assertEqual(self.wait_decided(s, one)["decision"], "allow")

    def test_leaving_and_dying_decide_nothing(self):
        one = self.ask()
        for signo in (None, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL,
                      signal.SIGABRT):
            with Screen(self.daemon.runtime, 30, 100) as s:
                s.wait_for("New: Enter")
                s.open_and_arm()
                if signo is None:
                    s.keys("q")
                else:
                    os.kill(s.pid, signo)
                s.wait_exit()
                self.assert_waits(one)

    def test_a_crash_gives_the_terminal_back(self):
        with Screen(self.daemon.runtime) as s:
            before = termios.tcgetattr(s.fd)[3] & termios.ICANON
            s.wait_for("Nothing waits")
            self.assertNotEqual(
                termios.tcgetattr(s.fd)[3] & termios.ICANON, before)
            os.kill(s.pid, signal.SIGABRT)
            s.wait_exit()
            self.assertEqual(
                termios.tcgetattr(s.fd)[3] & termios.ICANON, before)
            self.assertIn(b"\033[?1049l", s.raw)
            self.assertIn(b"\033[?2004l", s.raw)

    # ---- others, and a daemon that goes ----

    def test_decided_elsewhere_is_said(self):
        one = self.ask()
        with Screen(self.daemon.runtime, 30, 100) as s:
            s.wait_for("New: Enter")
            s.open_and_arm()
            self.daemon.answer(one, "deny", reason="no")
            s.wait_for("Decided elsewhere: deny by human")
            s.keys("a")
            s.feed(0.3)
            self.assertEqual(self.state(one)["decision"], "deny")

    def test_a_daemon_that_starts_again_is_found_and_nothing_decided(self):
        one = self.ask()
        with Screen(self.daemon.runtime, 30, 100) as s:
            s.wait_for("New: Enter")
            s.open_and_arm()
            self.daemon.stop()
            s.wait_for("NO DAEMON")
            s.keys("a")
            s.feed(0.5)
            s.keys("d")
            s.feed(0.5)
            self.daemon.start()
            s.wait_for("1 waiting")
            s.wait_for("New: Enter")
            self.assert_waits(one)
            s.open_and_arm()
            s.keys("a")
            self.assertEqual(self.wait_decided(s, one)["decision"], "allow")

    def test_a_stopped_daemon_does_not_hold_the_screen(self):
        self.ask()
        with Screen(self.daemon.runtime) as s:
            s.wait_for("New: Enter")
            roles = [p for pids in self.daemon.roles().values()
                     for p in pids]
            for pid in roles:
                os.kill(pid, signal.SIGSTOP)
            try:
                s.keys("j")
                s.keys("?")
                s.wait_for("Answers (only for what", 5)
                s.keys("?q")
                self.assertEqual(s.wait_exit(5), 0)
            finally:
                for pid in roles:
                    os.kill(pid, signal.SIGCONT)

    def test_a_program_that_was_stopped_arms_anew(self):
        one = self.ask()
        with Screen(self.daemon.runtime, 30, 100) as s:
            s.wait_for("New: Enter")
            s.open_and_arm()
            os.kill(s.pid, signal.SIGSTOP)
            time.sleep(0.3)
            s.keys("a")
            os.kill(s.pid, signal.SIGCONT)
            s.feed(0.5)
            self.assert_waits(one)


if __name__ == "__main__":
    unittest.main()
