"""Settings that a role would refuse change nothing: not at a start, not at a
check, and not in a running daemon."""

import json
import os
import signal
import subprocess
import time
import unittest

from lib_daemon import BIN, Daemon

GOOD = "ask_timeout: 1m\nprofiles: {p: {network: [a.example]}}\n"
REFUSED = (
    'network: [a.example], network_upstream: proxy.example',
    'network: [a.example], network_upstream: "http://proxy.example"',
    'network: ["a.example:443 tls GET"]',
    'write: [/etc/assent]',
)
EXIT_CONFIG = 78
RULES = ("assent: 1\nrules:\n"
         "  - {id: site.one, tool: shell, decision: allow,\n"
         "     command: {program: frobnicate}, reason: fine}\n")


def refused(line):
    return f"ask_timeout: 2m\nprofiles: {{p: {{{line}}}}}\n"


class Settings(unittest.TestCase):
    def check(self, d):
        return subprocess.run(
            [f"{BIN}/assentd", "--check", "--state", d.state, "--runtime",
             d.runtime, "--config", d.config], capture_output=True,
            text=True, timeout=30, check=False)

    def write(self, d, text):
        with open(d.config, "w", encoding="ascii") as f:
            f.write(text)

    def wait_for(self, d, text, times=1):
        for _ in range(200):
            if d.daemon_log().count(text) >= times:
                return
            time.sleep(0.05)
        self.fail(f"the daemon never said '{text}': {d.daemon_log()}")

    def failures(self, d, count):
        """Of the rows of reloads, once there are that many."""
        found = []
        for _ in range(100):
            done = subprocess.run(
                [f"{BIN}/assent", "log", "export", "--state", d.state],
                capture_output=True, text=True, timeout=30, check=True)
            rows = [json.loads(x) for x in done.stdout.splitlines()]
            found = [x["body"]["failure"] for x in rows
                     if x.get("kind") == "reload" and "failure" in x["body"]]
            if len(found) >= count:
                break
            time.sleep(0.05)
        return found

    def test_a_check_refuses_what_the_engine_would_refuse(self):
        d = Daemon(GOOD)
        try:
            done = self.check(d)
            self.assertEqual(done.returncode, 0, done.stderr)
            for line in REFUSED:
                self.write(d, refused(line))
                done = self.check(d)
                self.assertEqual(done.returncode, EXIT_CONFIG, line)
                self.assertNotIn("settings are good", done.stdout)
                self.assertIn("profile 'p'", done.stderr, line)
                self.assertIn(f"{d.config}:2", done.stderr, line)
        finally:
            d.__exit__(None, None, None)

    def test_settings_that_a_role_would_refuse_reach_no_role(self):
        with Daemon(GOOD) as d:
            before = d.roles()
            for i, line in enumerate(REFUSED):
                self.write(d, refused(line))
                d.process.send_signal(signal.SIGHUP)
                self.wait_for(d, "not-reloaded", i + 1)
            self.assertNotIn(" reloaded ", d.daemon_log())
            self.assertEqual(d.roles(), before)
            self.write(d, GOOD)
            d.process.send_signal(signal.SIGHUP)
            self.wait_for(d, "reloaded role=engine")
            told = self.failures(d, len(REFUSED))
            self.assertEqual(len(told), len(REFUSED), told)
            for why in told:
                self.assertIn("profile 'p'", why)
            listed = d.assent("log", "list", "--state", d.state).stdout
            self.assertEqual(
                listed.count("a reload failed, what was before holds: "),
                len(REFUSED), listed)

    def test_rules_that_do_not_load_leave_the_profiles_and_a_row(self):
        d = Daemon(GOOD)
        os.mkdir(f"{d.root}/rules", 0o700)
        path = f"{d.root}/rules/r.yaml"
        with open(path, "w", encoding="ascii") as f:
            f.write(RULES)
        os.chmod(path, 0o600)
        d.arguments += ["--rules", f"{d.root}/rules"]
        with d:
            with open(path, "w", encoding="ascii") as f:
                f.write("assent: 1\nrules: wrong\n")
            self.write(d, "profiles: {q: {network: [a.example]}}\n")
            d.process.send_signal(signal.SIGHUP)
            self.wait_for(d, "not-reloaded")
            body = d.shell("ls", execute=False, profile="q")[1]
            self.assertIn("there is no profile 'q'", json.dumps(body))
            body = d.shell("ls", execute=False, wait=0, profile="p")[1]
            self.assertNotIn("there is no profile", json.dumps(body))
            self.assertTrue(self.failures(d, 1))


if __name__ == "__main__":
    unittest.main()
