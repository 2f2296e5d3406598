"""
Rules while the daemon runs: a changed file is noticed, a broken one changes
nothing, no call is dropped or judged by half of a set while rules are loaded
again; and a repository's own rules tighten, never loosen, and never hang.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib_daemon import BIN, Daemon  # noqa: E402

PATIENCE_S = 15
# Two rules in two files that only make sense together: under either set
# exactly one of them denies.
PAIR = {
    "one": ("deny", "ask"),
    "two": ("ask", "deny"),
}


def rule(name, program, decision):
    return (f"assent: 1\nrules:\n  - id: {name}\n    decision: {decision}\n"
            f"    command: {{program: {program}}}\n")


def write(folder, name, text):
    """Whole or not at all, as tools that deliver files do."""
    path = f"{folder}/{name}"
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(text)
    os.rename(path + ".new", path)


def until(check, what):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.02)
    raise AssertionError(f"never happened: {what}")


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rules = tempfile.mkdtemp(prefix="assent-it-rules-")
        write(cls.rules, "a.yaml", rule("a", "alpha", "ask"))
        cls.d = Daemon(arguments=["--rules", cls.rules])
        cls.d.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def decision(self, script, **more):
        status, body, _ = self.d.agent("POST", "/v1/evaluate", {
            "tool": "shell", "input": {"script": script},
            "workspace": self.d.workspace, "cwd": self.d.workspace, **more})
        self.assertEqual(status, 200, body)
        return body["decision"]

    def reload(self):
        return self.d.approver("POST", "/v1/rules/reload")

    def test_a_changed_file_is_noticed(self):
        write(self.rules, "b.yaml", rule("b", "beta", "deny"))
        until(lambda: self.decision("beta") == "deny", "the new rule")
        write(self.rules, "b.yaml", rule("b", "beta", "ask"))
        until(lambda: self.decision("beta") == "ask", "the changed rule")

    def test_a_broken_file_changes_nothing_and_says_where(self):
        write(self.rules, "c.yaml", rule("c", "gamma", "deny"))
        until(lambda: self.decision("gamma") == "deny", "the new rule")
        write(self.rules, "c.yaml", "assent: 1\nrules:\n  - id: c\n"
              "    decison: allow\n")
        until(lambda: "rules stay as they were" in self.d.daemon_log(),
              "the message")
        self.assertEqual(self.decision("gamma"), "deny")
        status, body, _ = self.reload()
        self.assertEqual(status, 422)
        self.assertIn("c.yaml", json.dumps(body))
        self.assertEqual(self.decision("gamma"), "deny")
        os.unlink(f"{self.rules}/c.yaml")
        self.assertEqual(self.reload()[0], 200)

    def test_hang_up_loads_them_again(self):
        write(self.rules, "d.yaml", rule("d", "delta", "deny"))
        self.d.process.send_signal(signal.SIGHUP)
        until(lambda: self.decision("delta") == "deny", "the new rule")

    def test_rules_count_what_they_matched(self):
        write(self.rules, "e.yaml", rule("e", "epsilon", "deny"))
        self.assertEqual(self.reload()[0], 200)
        self.decision("epsilon")
        _, body, _ = self.d.approver("GET", "/v1/rules")
        row = next(r for r in body["rules"] if r["id"] == "e")
        self.assertEqual((row["hits"], row["decided"]), (1, 1))
        self.assertEqual(row["regex_errors"], 0)

    def test_a_shadow_decides_nothing_and_is_counted(self):
        write(self.rules, "s.yaml", rule("s", "sierra", "deny") +
              "    mode: shadow\n")
        self.assertEqual(self.reload()[0], 200)
        self.assertEqual(self.decision("sierra"), "review")
        told = self.tool("rules", "shadow", "--json", "--runtime",
                         self.d.runtime)
        self.assertEqual(told["rules"]["tightened"], 1, told)
        self.assertEqual(told["rules"]["examples"][0]["call"], "sierra")
        self.assertEqual(told["rules"]["examples"][0]["rule"], "s")
        self.assertIsNone(told["candidate"])
        os.unlink(f"{self.rules}/s.yaml")

    def test_a_candidate_is_judged_beside_and_decides_nothing(self):
        folder = tempfile.mkdtemp(prefix="assent-it-rules-")
        write(folder, "t.yaml", rule("t", "ls", "deny"))
        self.tool("rules", "shadow", "--try", folder, "--state",
                  self.d.state)

        def is_tried():
            self.assertEqual(self.decision("ls"), "allow")
            _, body, _ = self.d.approver("GET", "/v1/rules")
            c = body["shadow"]["candidate"]
            return c is not None and c["tightened"] > 0
        until(is_tried, "the candidate judges")
        _, text, _ = self.d.approver("GET", "/metrics")
        self.assertIn(b'by="candidate",change="stricter"', text)
        self.tool("rules", "shadow", "--stop", "--state", self.d.state)
        until(lambda: self.d.approver("GET", "/v1/rules")[1]["shadow"]
              ["candidate"] is None, "it is gone")

    def test_a_rule_is_switched_off_at_once(self):
        write(self.rules, "k.yaml", rule("k", "quebec", "deny"))
        until(lambda: self.decision("quebec") == "deny", "the rule")
        self.tool("rules", "off", "--state", self.d.state, "k")
        until(lambda: self.decision("quebec") == "review", "off")
        self.assertEqual(self.tool("rules", "off", "--list", "--state",
                                   self.d.state), "k\n")
        self.tool("rules", "off", "--on", "--state", self.d.state, "k")
        until(lambda: self.decision("quebec") == "deny", "on again")

    def test_a_set_of_before_is_in_force_again(self):
        write(self.rules, "r.yaml", rule("r", "romeo", "deny"))
        self.assertEqual(self.reload()[0], 200)
        digest = self.d.approver("GET", "/v1/version")[1]["policy_sha256"]
        write(self.rules, "r.yaml", rule("r", "romeo", "ask"))
        until(lambda: self.decision("romeo") == "ask", "the change")
        self.assertIn(digest, self.tool("rules", "rollback", "--list",
                                        "--state", self.d.state))
        self.tool("rules", "rollback", "--state", self.d.state, digest[:20])
        until(lambda: self.decision("romeo") == "deny", "rolled back")
        self.d.stop()
        self.d.start()
        self.assertEqual(self.decision("romeo"), "deny")
        self.tool("rules", "rollback", "--end", "--state", self.d.state)
        until(lambda: self.decision("romeo") == "ask", "by the files")
        done = subprocess.run(
            [f"{BIN}/assent", "rules", "rollback", "--state", self.d.state,
             "0" * 64], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no set with the digest", done.stderr)

    def tool(self, *words):
        done = subprocess.run([f"{BIN}/assent", *words], text=True,
                              capture_output=True, timeout=30, check=False,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout) if "--json" in words else done.stdout

    def swap(self, names, stop):
        """The pair in turns, each time both files at once."""
        i = 0
        while not stop.is_set():
            one, two = PAIR[names[i % 2]]
            # A folder of its own that takes the place of the other: what is
            # read is one of the two sets.
            write(self.rules, "pair.yaml",
                  rule("pair.x", "xray", one) +
                  rule("pair.y", "yankee", two).split("rules:\n")[1])
            self.reload()
            i += 1

    def test_reload_under_load_drops_nothing_and_mixes_nothing(self):
        write(self.rules, "pair.yaml",
              rule("pair.x", "xray", "deny") +
              rule("pair.y", "yankee", "ask").split("rules:\n")[1])
        self.assertEqual(self.reload()[0], 200)
        stop = threading.Event()
        swapper = threading.Thread(target=self.swap, args=(["two", "one"],
                                                           stop))
        answers = {}
        swapper.start()
        try:
            for _ in range(120):
                status, body, _ = self.d.agent("POST", "/v1/evaluate", {
                    "tool": "shell", "input": {"script": "xray; yankee"},
                    "workspace": self.d.workspace})
                self.assertEqual(status, 200, body)
                parts = tuple(p["decision"] for p in body["parts"])
                answers[parts] = answers.get(parts, 0) + 1
        finally:
            stop.set()
            swapper.join()
        self.assertLessEqual(set(answers), {("deny", "ask"), ("ask", "deny")})
        self.assertEqual(len(answers), 2, "both sets were in force")


class Project(unittest.TestCase):
    def setUp(self):
        self.d = Daemon()
        self.d.__enter__()
        self.folder = f"{self.d.workspace}/.assent/rules"

    def tearDown(self):
        self.d.__exit__(None, None, None)

    def propose(self, script):
        status, body, _ = self.d.shell(script, execute=False, wait=0)
        self.assertIn(status, (200, 202), body)
        return body

    def test_a_repository_tightens_and_never_loosens(self):
        self.assertEqual(self.propose("ls")["decision"], "allow")
        os.makedirs(self.folder)
        write(self.folder, "a.yaml", rule("repo.ls", "ls", "deny") +
              "  - id: repo.push\n    decision: allow\n"
              "    command: {program: git, subcommand: push}\n"
              "    covers: {any: any}\n")
        body = self.propose("ls")
        self.assertEqual(body["decision"], "deny")
        self.assertEqual(body["rules"][0]["file"], ".assent/rules/a.yaml")
        self.assertEqual(self.propose("git push origin main")["decision"],
                         "ask")
        self.assertEqual(self.propose("cat README")["decision"], "allow")
        write(self.folder, "a.yaml", rule("repo.ls", "ls", "ask"))
        self.assertEqual(self.propose("ls")["decision"], "ask")
        os.unlink(f"{self.folder}/a.yaml")
        self.assertEqual(self.propose("ls")["decision"], "allow")

    def test_what_is_broken_asks_and_says_why(self):
        os.makedirs(self.folder)
        write(self.folder, "a.yaml", "assent: 1\nrules:\n  - {id: a, "
              "decision: deny, command: {progam: ls}}\n")
        body = self.propose("ls")
        self.assertEqual(body["decision"], "ask")
        self.assertIn(".assent/rules/a.yaml:3:", body["reason"])
        self.assertIn("progam", body["reason"])
        self.assertEqual(self.propose("rm -rf /")["decision"], "deny")

    def test_what_cannot_be_read_asks_and_never_hangs(self):
        os.makedirs(self.folder)
        os.mkfifo(f"{self.folder}/pipe.yaml")
        body = self.propose("ls")
        self.assertEqual(body["decision"], "ask")
        self.assertIn("pipe.yaml is no regular file", body["reason"])
        os.unlink(f"{self.folder}/pipe.yaml")
        os.symlink("/etc/passwd", f"{self.folder}/link.yaml")
        time.sleep(2.1)
        body = self.propose("ls")
        self.assertEqual(body["decision"], "ask")
        self.assertIn("link.yaml is a link", body["reason"])
        os.unlink(f"{self.folder}/link.yaml")
        with open(f"{self.folder}/long.yaml", "w", encoding="ascii") as f:
            f.write("#" * 400000)
        time.sleep(2.1)
        body = self.propose("ls")
        self.assertEqual(body["decision"], "ask")
        self.assertIn("too long", body["reason"])

    def test_an_approval_by_rules_ends_when_the_repository_changes(self):
        os.makedirs(self.folder)
        write(self.folder, "a.yaml", rule("repo.x", "nothing", "deny"))
        body = self.propose("true")
        self.assertEqual(body["decision"], "allow")
        write(self.folder, "a.yaml", rule("repo.x", "true", "deny"))
        status, answer, _ = self.d.agent(
            "POST", f"/v1/actions/{body['id']}/execution",
            {"action_sha256": body["action_sha256"]})
        self.assertEqual(status, 409, answer)


if __name__ == "__main__":
    unittest.main()
