"""How the daemon is, as it says itself: rules that do not load, destinations of
the log that are behind, and what the screen and `assent status` make of it."""

import os
import sys
import time
import unittest

from lib_daemon import Daemon

try:
    from lib_tui import Screen
except ImportError as missing:
    print(f"SKIP: {missing} (package python3-pyte)")
    sys.exit(77)

RULES = """assent: 1
rules:
  - id: site.one
    tool: shell
    command: {program: one}
    decision: deny
    reason: one is not for here
"""
WAIT_S = 20


def wait(test):
    end = time.monotonic() + WAIT_S
    while not test():
        if time.monotonic() > end:
            raise AssertionError("not so in time")
        time.sleep(0.05)


class Health(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("telemetry: {otlp: \"http://127.0.0.1:9\"}\n")
        cls.rules = f"{cls.daemon.root}/rules"
        os.mkdir(cls.rules)
        cls.put(RULES)
        cls.daemon.arguments = ["--rules", cls.rules]
        cls.daemon.start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    @classmethod
    def put(cls, text):
        with open(f"{cls.rules}/site.yaml.new", "w",
                  encoding="ascii") as file:
            file.write(text)
        os.chmod(f"{cls.rules}/site.yaml.new", 0o600)
        os.rename(f"{cls.rules}/site.yaml.new", f"{cls.rules}/site.yaml")

    def ready(self, who="agent"):
        return getattr(self.daemon, who)("GET", "/readyz")[:2]

    def status(self):
        return self.daemon.assent("status", "--runtime", self.daemon.runtime)

    def test_rule_files_that_do_not_load_are_a_warning_of_a_ready_daemon(self):
        self.assertEqual(self.ready()[0], 200)
        self.assertEqual(self.status().returncode, 0)
        self.put(RULES.replace("decision: deny", "decision: perhaps"))
        wait(lambda: self.ready()[1]["warnings"])
        code, ready = self.ready()
        self.assertEqual((code, ready["ready"]), (200, True))
        self.assertIn("site.yaml:6:", ready["rules_problem"])
        self.assertIn("the rules from before are in force",
                      " ".join(ready["warnings"]))
        status = self.status()
        self.assertEqual(status.returncode, 0)
        self.assertIn("ready    yes\nwarning  ", status.stdout)
        self.assertIn("site.yaml:6:", status.stdout)
        with Screen(self.daemon.runtime, 30, 100) as s:
            s.wait_for("rules BROKEN (6)")
            s.keys("6")
            s.wait_for("site.yaml:6:")
            # what was in force before still is
            self.assertEqual(
                self.daemon.shell("one", wait=0)[1]["decision"], "deny")
            self.put(RULES)
            s.wait_until(lambda: "BROKEN" not in s.text())
        wait(lambda: self.ready()[1]["warnings"] == [])
        self.assertIsNone(self.ready()[1]["rules_problem"])
        self.assertEqual(self.status().returncode, 0)

    def test_a_destination_that_is_behind_is_shown(self):
        def failing():
            return [d for d in self.ready("approver")[1]["export"]
                    if d["failures"] > 0]

        self.daemon.shell("true")
        wait(failing)
        one = failing()[0]
        self.assertGreater(one["lag"], 0)
        self.assertIn("why", one)
        self.assertNotIn("why", self.ready("agent")[1]["export"][0])
        self.assertIn(f"export   {one['name']}: ", self.status().stdout)
        with Screen(self.daemon.runtime, 30, 120) as s:
            s.wait_for("export FAILS")
            s.keys("6")
            s.wait_for(f"export {one['name']}: ")

    def test_the_reviewer_and_the_log_are_in_the_health_view(self):
        with Screen(self.daemon.runtime, 40, 120) as s:
            s.wait_for("reviewer none")
            s.keys("6")
            s.wait_for("reviewer: none; what rules send")
            head = self.ready()[1]["log_seq"]
            self.assertGreater(head, 0)
            s.wait_for("log: ")


if __name__ == "__main__":
    unittest.main(verbosity=2)
