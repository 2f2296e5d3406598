"""SIGHUP is all or nothing: settings and rules are taken by every role or by
none; and folders of rules that are made later are found."""

import json
import os
import shutil
import signal
import socket
import tempfile
import time
import unittest

from lib_daemon import Daemon
from lib_etc import alone

TOKEN = "agent " + "a" * 40
RULE = ("assent: 1\nrules:\n"
        "  - {id: site.one, decision: deny, risk: high, reason: no,\n"
        "     command: {program: frobnicate}}\n")
NOBODY = 65534


def wait(condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it never came")
        time.sleep(0.05)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def put(path, text):
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path + ".new", 0o600)
    os.rename(path + ".new", path)


class User(Daemon):
    """A plain user's daemon, with a home of its own."""

    def __init__(self):
        super().__init__()
        self.home = f"{self.root}/home"
        os.mkdir(self.home)
        for path in (self.root, self.home, self.workspace, self.config):
            os.chown(path, NOBODY, NOBODY)
        os.chmod(self.root, 0o755)

    def before(self):
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    def start(self):
        kept = dict(os.environ)
        os.environ["HOME"] = self.home
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            os.environ.pop(name, None)
        try:
            super().start()
        finally:
            os.environ.clear()
            os.environ.update(kept)


class Reload(unittest.TestCase):
    def setUp(self):
        shutil.rmtree("/etc/assent", ignore_errors=True)

    def daemon(self, config="", rules=True):
        d = Daemon(config)
        self.rules = f"{d.root}/rules"
        if rules:
            os.mkdir(self.rules, 0o700)
            put(f"{self.rules}/r.yaml", RULE)
            d.arguments += ["--rules", self.rules]
        self.addCleanup(d.__exit__, None, None, None)
        return d

    def ready(self, d):
        return d.agent("GET", "/readyz")

    def is_ready_and_warns(self, d):
        status, ready, _ = self.ready(d)
        return status == 200 and ready["ready"] and ready["warnings"] != []

    def refused(self, d):
        """Sends SIGHUP; the failure in the row that it leaves."""
        before = len(self.rows(d))
        d.process.send_signal(signal.SIGHUP)
        wait(lambda: len(self.rows(d)) > before)
        wait(lambda: self.ready(d)[1]["settings_problem"])
        self.assertTrue(self.is_ready_and_warns(d))
        return self.rows(d)[-1].get("failure")

    def rows(self, d):
        done = d.assent("log", "export", "--state", d.state, check=True)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return [row["body"] for row in rows if row["kind"] == "reload"]

    def test_rules_that_do_not_load_keep_new_settings_from_every_role(self):
        d = self.daemon("grants: until\n")
        d.start()
        put(f"{self.rules}/r.yaml", RULE.replace("deny", "perhaps"))
        wait(lambda: self.is_ready_and_warns(d))
        put(d.config, "grants: until\napproval_policy: never\n")
        self.assertIn("perhaps", self.refused(d) or "")
        self.assertNotIn(" reloaded role=", d.daemon_log())
        ready = self.ready(d)[1]
        self.assertIn("perhaps", ready["settings_problem"])
        self.assertIn("the settings from before are in force",
                      " ".join(ready["warnings"]))
        self.assertIn(b"\nassent_settings_last_reload_successful 0\n",
                      d.agent("GET", "/metrics")[1])
        doctor = d.assent("doctor", "--runtime", d.runtime)
        self.assertIn("settings from before", doctor.stdout)
        # under 'never' this would be denied at once
        body = d.shell("curl -s https://a.example", execute=False, wait=0)[1]
        self.assertEqual(body["state"], "pending", body)
        # Rules that are good again are taken; the settings wait for a signal.
        put(f"{self.rules}/r.yaml", RULE)
        wait(lambda: self.ready(d)[1]["rules_problem"] is None)
        self.assertTrue(self.is_ready_and_warns(d))
        d.process.send_signal(signal.SIGHUP)
        wait(lambda: self.ready(d)[1]["warnings"] == [])
        wait(lambda: " reloaded role=front" in d.daemon_log())
        body = d.shell("curl -s https://b.example", execute=False, wait=0)[1]
        self.assertEqual(body["decision"], "deny", body)

    def test_what_another_role_refuses_is_a_row_and_reaches_no_role(self):
        with tempfile.TemporaryDirectory(prefix="assent-token-") as folder:
            tokens = f"{folder}/tokens"
            put(tokens, TOKEN + "\n")
            listen = (f'listen: {{tcp: "127.0.0.1:{free_port()}", '
                      f"token_file: {tokens}}}\n")
            d = self.daemon(listen)
            d.start()
            put(tokens, "nobody " + "b" * 40 + "\n")
            put(d.config, listen + "approval_policy: never\n")
            why = self.refused(d)
            self.assertIn("front: line 1 of the token file", why)
            self.assertNotIn("b" * 40, why)
            self.assertNotIn(" reloaded role=", d.daemon_log())
            self.assertIn("front: ", self.ready(d)[1]["settings_problem"])
            body = d.shell("curl -s https://a.example", execute=False,
                           wait=0)[1]
            self.assertEqual(body["state"], "pending", body)
            put(tokens, TOKEN + "\n")
            d.process.send_signal(signal.SIGHUP)
            wait(lambda: self.ready(d)[1]["warnings"] == [])

    def test_signals_that_come_together_end_in_what_is_there_then(self):
        d = self.daemon("")
        d.start()
        for i in range(20):
            put(d.config, "approval_policy: " +
                ("never" if i % 2 else "on-request") + "\n")
            d.process.send_signal(signal.SIGHUP)
        wait(lambda: d.shell("curl -s https://a.example", execute=False,
                             wait=0)[1]["decision"] == "deny")

    def test_a_role_that_dies_while_it_is_asked_refuses_nothing_for_ever(self):
        d = self.daemon("")
        d.start()
        front = d.roles()["front"][0]
        os.kill(front, signal.SIGSTOP)
        put(d.config, "approval_policy: never\n")
        d.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        os.kill(front, signal.SIGKILL)
        wait(lambda: "a role ended while it was asked" in d.daemon_log())
        wait(lambda: d.roles().get("front", [front]) != [front])
        d.process.send_signal(signal.SIGHUP)

        def denied():
            try:
                return d.shell("curl -s https://a.example", execute=False,
                               wait=0)[1].get("decision") == "deny"
            except OSError:
                return False
        wait(denied)

    def decision(self, d):
        return d.shell("frobnicate", execute=False, wait=0)[1]["decision"]

    def test_the_machines_folder_of_rules_is_found_when_it_is_made(self):
        d = self.daemon(rules=False)
        d.start()
        self.assertNotEqual(self.decision(d), "deny")
        os.mkdir("/etc/assent", 0o755)
        time.sleep(0.3)  # the watch follows from folder to folder
        os.mkdir("/etc/assent/rules.d", 0o755)
        put("/etc/assent/rules.d/r.yaml", RULE)
        os.chmod("/etc/assent/rules.d/r.yaml", 0o644)
        wait(lambda: self.decision(d) == "deny")

    def test_a_folder_that_is_made_whole_is_found_at_a_reload(self):
        d = self.daemon(rules=False)
        d.start()
        os.makedirs("/etc/assent/rules.d", 0o755)
        put("/etc/assent/rules.d/r.yaml", RULE)
        os.chmod("/etc/assent/rules.d/r.yaml", 0o644)
        d.process.send_signal(signal.SIGHUP)
        wait(lambda: self.decision(d) == "deny")

    def test_the_users_own_folder_is_there_from_the_start(self):
        d = User()
        self.addCleanup(d.__exit__, None, None, None)
        d.start()
        folder = f"{d.home}/.config/assent/rules"
        self.assertEqual(os.stat(folder).st_mode & 0o777, 0o700)
        self.assertNotEqual(self.decision(d), "deny")
        put(f"{folder}/r.yaml", RULE)
        os.chown(f"{folder}/r.yaml", NOBODY, NOBODY)
        wait(lambda: self.decision(d) == "deny")


if __name__ == "__main__":
    alone()
    unittest.main()
