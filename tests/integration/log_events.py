"""Whatever happens is a row: proposals, answers, grants, login failures, rules
that were loaded or were not, prompts and results that clients report.
"""

import http.client
import json
import os
import signal
import socket
import unittest

from lib_daemon import Daemon
from lib_telemetry import DENIED, eventually

ASKED = "curl -sS https://a.example.com/x"
TOKEN = "0123456789abcdef0123456789abcdef"


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            cls.port = probe.getsockname()[1]
        cls.d = Daemon()
        cls.addClassCleanup(cls.d.__exit__, None, None, None)
        cls.rules = f"{cls.d.root}/rules"
        os.mkdir(cls.rules)
        cls.d.arguments += ["--rules", cls.rules]
        path = f"{cls.d.root}/token"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"agent {TOKEN}\n")
        os.chmod(path, 0o600)
        with open(cls.d.config, "w", encoding="ascii") as file:
            file.write(f'listen: {{tcp: "127.0.0.1:{cls.port}", '
                       f"token_file: {path}}}\n")
        cls.d.start()

    def rows(self, kind):
        text = self.d.assent("log", "export", "--state", self.d.state,
                             "--kind", kind, check=True).stdout
        return [json.loads(line) for line in text.splitlines()]

    def row(self, kind, is_it=lambda row: True):
        return eventually(lambda: [
            row for row in self.rows(kind) if is_it(row)])[-1]

    def of(self, action, kind):
        return self.row(kind, lambda row: row["action_id"] == action["id"])

    def asked(self):
        body = self.d.shell(ASKED, execute=False, wait=0)[1]
        self.assertEqual(body["state"], "pending", body)
        return body

    def head(self, action):
        return {"If-Match": self.d.approver(
            "GET", f"/v1/actions/{action['id']}")[2]["ETag"]}

    def test_the_start_names_version_and_what_is_enforced(self):
        body = self.row("boot")["body"]
        self.assertIn("version", body)
        self.assertIn("roles", body)

    def test_a_proposal_its_ruling_and_its_run(self):
        action = self.d.shell("echo hi")[1]
        for kind in ("decided", "intent", "outcome"):
            self.assertEqual(self.of(action, kind)["action_sha256"],
                             action["action_sha256"])
        self.assertEqual(self.of(action, "outcome")["body"]["exit"], 0)

    def test_a_question_its_answer_that_taken_back_and_the_end(self):
        action = self.asked()
        path = f"/v1/actions/{action['id']}"
        self.of(action, "proposed")
        self.assertEqual(self.d.answer(action["id"], "allow")[0], 200)
        self.assertEqual(self.of(action, "decided")["decided_by"], "human")
        self.assertIn("approver", self.of(action, "decided")["body"])
        self.assertEqual(self.d.approver(
            "DELETE", f"{path}/decision", None, self.head(action))[0], 200)
        self.of(action, "undone")
        self.assertEqual(self.d.agent("DELETE", path)[0], 204)
        self.of(action, "cancelled")

    def test_a_grant_and_its_revocation(self):
        action = self.d.shell(ASKED, execute=False, wait=0,
                              session="s-g")[1]
        status, body, _ = self.d.answer(action["id"], "allow",
                                        scope="session")
        self.assertEqual(status, 200, body)
        grant = self.row("grant")
        self.assertEqual(self.d.approver(
            "DELETE", f"/v1/grants/{grant['action_id']}")[0], 204)
        self.of({"id": grant["action_id"]}, "revoked")

    def test_a_login_that_failed(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=20)
        connection.request("GET", "/v1/actions", headers={
            "Authorization": "Bearer a-wrong-word-that-is-no-token"})
        self.assertEqual(connection.getresponse().status, 401)
        connection.close()
        self.assertNotIn("a-wrong-word", json.dumps(self.row("auth")))

    def test_rules_that_were_loaded_and_rules_that_were_not(self):
        loaded = self.d.approver("POST", "/v1/rules/reload")[1]
        self.row("reload", lambda row: row["body"].get("policy_sha256") ==
                 loaded["policy_sha256"])
        bad = f"{self.rules}/bad.yaml"
        with open(bad, "w", encoding="ascii") as file:
            file.write("assent: 1\nrules: [{id: x, decision: perhaps}]\n")
        try:
            self.assertEqual(
                self.d.approver("POST", "/v1/rules/reload")[0], 422)
            self.row("reload", lambda row: "failure" in row["body"])
        finally:
            os.unlink(bad)
            self.d.approver("POST", "/v1/rules/reload")

    def test_a_configuration_that_is_refused_is_said(self):
        with open(self.d.config, encoding="ascii") as file:
            good = file.read()
        with open(self.d.config, "w", encoding="ascii") as file:
            file.write("no_such_key: 1\n")
        try:
            self.d.process.send_signal(signal.SIGHUP)
            self.row("reload", lambda row: "no_such_key" in
                     row["body"].get("failure", ""))
        finally:
            with open(self.d.config, "w", encoding="ascii") as file:
                file.write(good)

    def test_what_if_is_counted_too(self):
        self.assertEqual(self.d.agent("POST", "/v1/evaluate", {
            "tool": "shell", "input": {"script": DENIED},
            "cwd": self.d.workspace, "workspace": self.d.workspace})[0], 200)
        self.row("evaluated")

    def test_prompts_and_tool_results_that_clients_report(self):
        for kind in ("prompt", "tool_result", "session_end"):
            self.assertEqual(self.d.agent(
                "POST", "/v1/sessions/s-7/events",
                {"type": kind, "text": f"the {kind}"})[0], 204)
            row = self.row("event", lambda row, kind=kind:
                           row["body"].get("type") == kind)
            self.assertEqual((row["session"], row["uid"]),
                             ("s-7", os.getuid()))


if __name__ == "__main__":
    unittest.main()
