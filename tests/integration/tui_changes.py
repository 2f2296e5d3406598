"""assent tui on a pty: what a run on a copy of the workspace changed is shown,
chosen, and applied."""

import os
import sys
import time
import unittest

from lib_sandbox import require_sandbox

try:
    from lib_tui import ARMED_S, Screen, TuiCase
except ImportError as missing:
    print(f"SKIP: {missing} (package python3-pyte)")
    sys.exit(77)

EDITS = "echo ONE > a.txt; rm b.txt; printf 'new\\n\\033[2J' > c.txt"


class Changes(TuiCase):
    def setUp(self):
        self.put("a.txt", "one\n")
        self.put("b.txt", "two\n")
        if os.path.exists(f"{self.daemon.workspace}/c.txt"):
            os.unlink(f"{self.daemon.workspace}/c.txt")

    def put(self, name, text):
        with open(f"{self.daemon.workspace}/{name}", "w",
                  encoding="ascii") as file:
            file.write(text)

    def text_of(self, name):
        try:
            with open(f"{self.daemon.workspace}/{name}",
                      encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def trial(self):
        # a file of the very tick in which a run begins counts as changed
        time.sleep(0.02)
        status, action, _ = self.daemon.shell(EDITS, overlay=True)
        self.assertEqual((status, action["state"]), (200, "done"), action)
        return action

    def wait_text(self, s, name, text):
        s.wait_until(lambda: self.text_of(name) == text)

    def test_one_of_the_changes_is_applied_with_what_the_screen_says(self):
        with Screen(self.daemon.runtime, 30, 100) as s:
            s.wait_for("Nothing waits")
            self.trial()
            s.wait_for("3, then c, shows its changes")
            s.keys("3")
            s.wait_for("copy waits")
            s.keys("G")
            s.wait_for("c shows what it changed")
            s.keys("c")
            s.wait_for("M  a.txt")
            for part in ("+ONE", "D  b.txt", "A  c.txt", "<ESC>[2J",
                         "Space mark", "A apply all"):
                s.wait_for(part)
            self.assertNotIn(b"\033[2Jx", s.raw)
            s.keys(" ")
            s.wait_for("1 of 3 marked")
            s.feed_all(ARMED_S)
            s.keys("a")
            s.wait_for("Apply 1 of 3 to the workspace?")
            s.wait_for("Enter does")
            self.assertEqual(self.text_of("a.txt"), "one\n")
            s.keys("\r")
            self.wait_text(s, "a.txt", "ONE\n")
            s.wait_for("Applied: 1 of 3")
            self.assertEqual(self.text_of("b.txt"), "two\n")
            self.assertIsNone(self.text_of("c.txt"))
            s.keys("q")
            self.assertEqual(s.wait_exit(), 0)

    def test_what_changed_meanwhile_is_refused_and_said(self):
        self.trial()
        with Screen(self.daemon.runtime, 30, 100) as s:
            s.keys("3")
            s.wait_for("copy waits")
            s.keys("G")
            s.feed_all(0.3)  # a key before it was drawn does nothing
            s.keys("c")
            s.wait_for("M  a.txt")
            self.put("a.txt", "theirs\n")
            s.feed_all(ARMED_S)
            s.keys("A")
            s.wait_for("Enter does")
            s.keys("\r")
            s.wait_for("REFUSED")
            s.wait_for("it changed in the workspace meanwhile")
            self.assertEqual(self.text_of("a.txt"), "theirs\n")
            self.assertEqual(self.text_of("b.txt"), "two\n")
            s.feed_all(ARMED_S)
            s.keys("n")
            s.wait_for("Dropped")
            self.assertEqual(self.text_of("a.txt"), "theirs\n")
            self.assertEqual(self.text_of("b.txt"), "two\n")
            s.keys("c")
            s.wait_for("NOT SO")


if __name__ == "__main__":
    require_sandbox()
    unittest.main(verbosity=2)
