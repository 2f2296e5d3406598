"""The administrator's requirements, from the file to every refusal."""

import json
import os
import subprocess
import tempfile
import time
import unittest

from lib_daemon import BIN, Daemon

POLICY_LINE = "approval_policy: {allowed: [untrusted, on-request]}\n"
FULL = """\
# line 1 is a comment
approval_policy: {allowed: [untrusted, on-request]}
approvals_reviewer: {forced: user}
profiles: {allowed: [read-only, workspace-write]}
hosts:
  allowed: ["*.example.com", 10.0.0.0/8]
  denied: [secret.example.com]
clients: {allowed: [codex, unnamed]}
rules: {cover: {allowed: [organisation]}}
log: {payloads: {allowed: [masked, full]}}
telemetry: {file: {forced: TOP/forced.jsonl}}
"""
EXIT_CONFIG = 78


class Required(Daemon):
    def __init__(self, text, config="", rules=None):
        super().__init__(config)
        self.requirements = f"{self.root}/requirements.yaml"
        self.write(text)
        self.arguments += ["--requirements", self.requirements]
        if rules is not None:
            os.mkdir(f"{self.root}/rules", 0o700)
            with open(f"{self.root}/rules/r.yaml", "w",
                      encoding="ascii") as f:
                f.write(rules)
            os.chmod(f"{self.root}/rules/r.yaml", 0o600)
            self.arguments += ["--rules", f"{self.root}/rules"]

    def write(self, text, mode=0o600):
        with open(self.requirements, "w", encoding="ascii") as f:
            f.write(text.replace("TOP", self.root))
        os.chmod(self.requirements, mode)

    def run_once(self):
        """A daemon that is expected to refuse; (status, what it said)."""
        done = subprocess.run(
            [f"{BIN}/assentd", "--foreground", "--state", self.state,
             "--runtime", self.runtime, "--config", self.config,
             *self.arguments], capture_output=True, text=True, timeout=30,
            check=False)
        return done.returncode, done.stdout + done.stderr

    def place(self, line):
        return f"{self.requirements}:{line}"

    def tool(self, *arguments):
        return subprocess.run([f"{BIN}/assent", *arguments],
                              capture_output=True, text=True, timeout=30,
                              check=False)


class Requirements(unittest.TestCase):
    def test_the_daemon_starts_with_nothing_that_is_not_permitted(self):
        for config, line, says in (
                ("approval_policy: never\n", 2, "untrusted, on-request"),
                ("log: {payloads: \"off\"}\n", 10, "masked, full")):
            d = Required(FULL, config)
            try:
                status, said = d.run_once()
                self.assertEqual(status, EXIT_CONFIG, said)
                self.assertIn(f"{d.place(line)} permits {says}", said)
            finally:
                d.__exit__(None, None, None)

    def test_a_broken_file_starts_nothing(self):
        for text, mode, says in (
                ("approval_polcy: {allowed: [never]}\n", 0o600,
                 "unknown key"),
                ("hosts: {allowed: ['a b']}\n", 0o600, "no pattern"),
                ("- a\n", 0o600, "map of settings"),
                ("approval_policy: {allowed: [never\n", 0o600, ":1:"),
                (POLICY_LINE, 0o622, "go-w")):
            d = Required(text)
            d.write(text, mode)
            try:
                status, said = d.run_once()
                self.assertEqual(status, EXIT_CONFIG, said)
                self.assertIn(says, said)
            finally:
                d.__exit__(None, None, None)

    def test_a_file_of_another_user_is_not_believed(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give a file away")
        d = Required(POLICY_LINE)
        os.chown(d.requirements, 65534, 65534)
        try:
            status, said = d.run_once()
            self.assertEqual(status, EXIT_CONFIG, said)
            self.assertIn("belongs to user 65534", said)
        finally:
            d.__exit__(None, None, None)

    def test_requirements_hold_for_all_that_is_proposed(self):
        with Required(FULL) as d:
            # A profile above the ceiling, by the line that says so.
            status, body, _ = d.shell("true", execute=False,
                                      profile="workspace-write-online")
            self.assertEqual(status, 403, body)
            self.assertIn(d.place(4) +
                          " permits read-only, workspace-write",
                          body["detail"])
            # A client that is not listed is denied, and that is recorded.
            body = d.shell("ls", execute=False,
                           agent={"name": "gemini", "version": "1"})[1]
            self.assertEqual((body["decision"], body["decided_by"]),
                             ("deny", "ceiling"), body)
            self.assertIn(d.place(8) + " permits codex, unnamed",
                          body["reason"])
            self.assertGreater(body["seq"], 0)
            body = d.shell("ls", execute=False,
                           agent={"name": "codex", "version": "1"})[1]
            self.assertEqual(body["decision"], "allow", body)
            self.check_hosts(d)
            self.check_read_back(d)
            self.wait_until(
                lambda: os.path.exists(f"{d.root}/forced.jsonl"),
                "no telemetry where it is forced to")

    def check_hosts(self, d):
        for host, line in (("evil.example.org", 6), ("example.com", 6),
                           ("secret.example.com", 7), ("192.0.2.1", 6)):
            body = d.shell(f"curl -s https://{host}/x", execute=False)[1]
            self.assertEqual((body["decision"], body["decided_by"]),
                             ("deny", "ceiling"), (host, body))
            self.assertIn(d.place(line), body["reason"])
            # Nobody can be asked for it either, nor answer.
            body = d.agent("POST", "/v1/actions", {
                "tool": "permission", "cwd": d.workspace,
                "workspace": d.workspace,
                "input": {"hosts": [f"{host}:443"], "scope": "session"}})[1]
            self.assertEqual((body["decision"], body["decided_by"]),
                             ("deny", "ceiling"), (host, body))
        body = d.shell("curl -s https://www.example.com/x", execute=False,
                       wait=0)[1]
        self.assertNotEqual(body.get("decided_by"), "ceiling", body)
        # Also where it is only asked what would be decided.
        body = d.agent("POST", "/v1/evaluate", {
            "tool": "shell", "cwd": d.workspace, "workspace": d.workspace,
            "input": {"script": "curl -s https://evil.example.org/"}})[1]
        self.assertEqual(body["decision"], "deny", body)

    def check_read_back(self, d):
        for answer in (d.agent("GET", "/v1/requirements"),
                       d.approver("GET", "/v1/requirements")):
            self.assertEqual(answer[0], 200)
            self.assertEqual(answer[1]["file"], d.requirements)
            lines = {(q["key"], q["kind"]): q
                     for q in answer[1]["requirements"]}
            self.assertEqual(lines["hosts", "denied"]["values"],
                             ["secret.example.com"])
            self.assertEqual(lines["hosts", "denied"]["where"], d.place(7))
            self.assertIn(("telemetry.file", "forced"), lines)
        live = d.tool("requirements", "--runtime", d.runtime, "--json")
        self.assertEqual(json.loads(live.stdout), answer[1], live.stderr)
        offline = d.tool("requirements", "--requirements", d.requirements,
                         "--json")
        self.assertEqual(json.loads(offline.stdout), answer[1],
                         offline.stderr)
        text = d.tool("requirements", "--runtime", d.runtime)
        self.assertIn(d.place(11), text.stdout)
        doctor = d.tool("doctor", "--runtime", d.runtime)
        self.assertIn(d.requirements, doctor.stdout)

    def test_a_reload_keeps_what_held_before(self):
        with Required(POLICY_LINE + "clients: {allowed: [codex]}\n") as d:
            before = d.agent("GET", "/v1/requirements")[1]
            d.write("clients: {allowd: [codex]}\n")
            d.process.send_signal(1)
            self.wait_for(d, "not-reloaded")
            self.assertEqual(d.agent("GET", "/v1/requirements")[1], before)
            body = d.shell("ls", execute=False)[1]
            self.assertEqual(body["decided_by"], "ceiling", body)
            d.write("clients: {allowed: [unnamed]}\n")
            d.process.send_signal(1)
            self.wait_for(d, "reloaded role=engine")
            body = d.shell("ls", execute=False)[1]
            self.assertEqual(body["decision"], "allow", body)

    def wait_until(self, holds, why):
        for _ in range(200):
            if holds():
                return
            time.sleep(0.05)
        self.fail(why)

    def wait_for(self, d, text):
        self.wait_until(lambda: text in d.daemon_log(),
                        f"the daemon never said '{text}'")

    def test_rules_cover_only_where_it_is_permitted(self):
        rule = ("assent: 1\nrules:\n"
                "  - {id: site.touch, tool: shell, decision: allow,\n"
                "     command: {program: frobnicate}, reason: fine}\n")
        with Required("rules: {cover: {allowed: [organisation]}}\n",
                      rules=rule) as d:
            body = d.shell("frobnicate", execute=False, wait=0)[1]
            self.assertEqual(body["decision"], "allow", body)
        with Required("rules: {cover: {allowed: [requirements]}}\n",
                      rules=rule) as d:
            body = d.shell("frobnicate", execute=False, wait=0)[1]
            self.assertNotEqual(body["decision"], "allow", body)
        d = Required("rules: {directories: {allowed: [/nowhere]}}\n",
                     rules=rule)
        try:
            status, said = d.run_once()
            self.assertEqual(status, EXIT_CONFIG, said)
            self.assertIn(d.place(1) + " permits /nowhere", said)
        finally:
            d.__exit__(None, None, None)

    def test_a_broken_file_is_told_without_a_daemon(self):
        with tempfile.TemporaryDirectory() as top:
            path = f"{top}/r.yaml"
            with open(path, "w", encoding="ascii") as f:
                f.write("host: {allowed: [a]}\n")
            done = subprocess.run(
                [f"{BIN}/assent", "requirements", "--requirements", path],
                capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(done.returncode, EXIT_CONFIG)
            self.assertIn(f"{path}:1:1", done.stderr)


if __name__ == "__main__":
    unittest.main()
