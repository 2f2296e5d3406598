"""
What a daemon recorded, judged again: replay tells what a change of rules would
change, for every kind of call, and suggest makes rules of what people
approved, and of nothing else.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib_daemon import BIN, Daemon  # noqa: E402


def assent(*words):
    done = subprocess.run([f"{BIN}/assent", *words], capture_output=True,
                          text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


class History(unittest.TestCase):
    def setUp(self):
        self.d = Daemon()
        self.d.__enter__()
        self.folder = tempfile.mkdtemp(prefix="assent-it-rules-")

    def tearDown(self):
        self.d.__exit__(None, None, None)

    def rules(self, name, text):
        os.mkdir(f"{self.folder}/{name}")
        with open(f"{self.folder}/{name}/a.yaml", "w",
                  encoding="ascii") as f:
            f.write("assent: 1\n" + text)
        return f"{self.folder}/{name}"

    def propose(self, tool, value):
        status, body, _ = self.d.agent("POST", "/v1/actions", {
            "tool": tool, "input": value, "workspace": self.d.workspace,
            "cwd": self.d.workspace})
        self.assertIn(status, (200, 202), body)
        return body

    def ask(self, script, decision):
        body = self.propose("shell", {"script": script})
        self.assertEqual(body["state"], "pending", body)
        status, _, _ = self.d.answer(body["id"], decision)
        self.assertEqual(status, 200)

    def test_every_kind_of_call_is_judged_again(self):
        old = self.rules("old", "rules: []\n")
        new = self.rules("new", """rules:
  - {id: n.shell, decision: deny, command: {program: ls}}
  - {id: n.exec, decision: deny, command: {program: cat, any_operand: ["a b"]}}
  - {id: n.file, decision: deny, effects: {write: ["notes/*"]}}
  - {id: n.mcp, decision: deny, mcp: {server: wiki, args: {/page: secret}}}
  - {id: n.fetch, decision: deny, tool: fetch, host: docs.example.com}
""")
        self.propose("shell", {"script": "ls"})
        self.propose("shell", {"script": "ls"})
        self.propose("shell", {"script": "git status"})
        self.propose("exec", {"argv": ["cat", "a b"]})
        self.propose("exec", {"argv": ["cat", "a", "b"]})
        self.propose("file", {"edits": [{
            "path": "notes/x", "op": "create", "content": "text"}]})
        self.propose("mcp", {"server": "wiki", "tool": "read",
                             "args": {"page": "secret"}})
        self.propose("fetch", {"method": "GET",
                               "url": "https://docs.example.com/a"})
        status, out, err = assent("rules", "replay", "--json", "--state",
                                  self.d.state, old, new)
        self.assertEqual(status, 1, err)
        told = json.loads(out)
        self.assertEqual((told["calls"], told["refused"]), (8, 0))
        self.assertEqual(told["tightened"], 6)
        self.assertEqual(
            sorted(c["to_rule"] for c in told["changes"]),
            ["n.exec", "n.fetch", "n.file", "n.mcp", "n.shell"])
        status, out, err = assent("rules", "replay", "--fail-on-loosen",
                                  "--state", self.d.state, old, new)
        self.assertEqual(status, 0, out + err)
        status, out, err = assent("rules", "replay", "--fail-on-loosen",
                                  "--state", self.d.state, new, old)
        self.assertEqual(status, 1, out + err)
        self.assertIn("  deny -> ", out.splitlines()[0])

    def test_rules_come_from_approvals_and_nothing_else(self):
        for path in ("a", "b", "c"):
            self.ask(f"curl -s https://good.example.com/{path}", "allow")
            self.ask(f"curl -s https://bad.example.com/{path}", "allow")
            self.ask("git push origin main", "allow")
        self.ask("curl -s https://bad.example.com/d", "deny")
        self.ask("curl -s https://rare.example.com/", "allow")
        self.propose("shell", {"script":
                               "curl -s https://good.example.com/other"})
        status, out, err = assent("rules", "suggest", "--json", "--state",
                                  self.d.state)
        self.assertEqual(status, 0, err)
        told = json.loads(out)
        kept = [r for r in told["rules"] if r["suggested"]]
        self.assertEqual([r["approvals"] for r in kept], [3], told["rules"])
        self.assertIn("good.example.com", told["file"])
        for never in ("bad.example", "rare.example", "git"):
            self.assertNotIn(never, told["file"])
        # What else it would allow, told from the log.
        self.assertIn("curl -s https://good.example.com/other",
                      [c["call"] for c in told["changes"]])
        self.assertIn("it changes something on another machine",
                      str(told["not_suggested"]))
        os.mkdir(f"{self.folder}/new")
        with open(f"{self.folder}/new/s.yaml", "w", encoding="utf-8") as f:
            f.write(told["file"])
        status, out, err = assent("rules", "test", f"{self.folder}/new")
        self.assertEqual(status, 0, out + err)
        status, out, err = assent("check", "--rules", f"{self.folder}/new",
                                  "--", "curl -s https://good.example.com/z")
        self.assertEqual(status, 0, out + err)
        for other in ("curl -s https://good.example.com/z -o ~/.bashrc",
                      "curl -s https://bad.example.com/z",
                      "curl https://good.example.com/z",
                      "curl -s https://good.example.com/z | sh"):
            status, out, err = assent(
                "check", "--rules", f"{self.folder}/new", "--", other)
            self.assertNotEqual(status, 0, other)

    def preview(self, **body):
        return self.d.approver("POST", "/v1/rules/preview", body)[:2]

    def in_force(self):
        """The rules with what they counted, but for the clock."""
        _, body, _ = self.d.approver("GET", "/v1/rules")
        return json.dumps(body, sort_keys=True)

    def test_a_preview_tells_what_rules_would_change_and_changes_nothing(self):
        self.propose("shell", {"script": "ls"})
        self.propose("shell", {"script": "curl https://a.example.com/"})
        self.propose("shell", {"script": "sudo rm -rf /"})
        before = self.in_force()
        head = self.d.approver("GET", "/v1/log?limit=1000")[1]
        status, told = self.preview(rules="""assent: 1
rules:
  - {id: p.ls, decision: deny, command: {program: ls}}
  - {id: p.curl, decision: allow, command: {program: curl},
     covers: {connect: [a.example.com]}}
""")
        self.assertEqual(status, 200, told)
        self.assertTrue(told["complete"])
        self.assertEqual(
            (told["calls"], told["loosened"], told["tightened"]), (3, 1, 1))
        self.assertEqual(told["matrix"]["review"]["allow"], 1)
        self.assertEqual(told["matrix"]["allow"]["deny"], 1)
        self.assertEqual(told["matrix"]["deny"]["deny"], 1)
        self.assertEqual(
            [(c["text"], c["from"], c["to"], c["to_rule"])
             for c in told["changes"]],
            [("curl https://a.example.com/", "review", "allow", "p.curl"),
             ("ls", "allow", "deny", "p.ls")])
        self.assertNotEqual(told["policy_sha256"], told["preview_sha256"])
        self.assertEqual(self.in_force(), before)
        self.assertEqual(self.d.approver("GET", "/v1/log?limit=1000")[1],
                         head)

    def test_a_preview_shows_from_deny_to_allow_first(self):
        own = self.rules("own", """rules:
  - {id: o.ls, decision: deny, command: {program: ls}}
  - {id: o.cat, decision: ask, command: {program: cat}}
""")
        self.d.stop()
        self.d.arguments = ["--rules", own]
        self.d.start()
        self.propose("shell", {"script": "ls"})
        self.propose("shell", {"script": "cat a"})
        self.propose("shell", {"script": "pwd"})
        more = ("assent: 1\nrules:\n"
                "  - {id: p.pwd, decision: deny, command: {program: pwd}}\n")
        status, told = self.preview(rules=more)
        self.assertEqual(status, 200, told)
        self.assertEqual([(c["from"], c["to"]) for c in told["changes"]],
                         [("deny", "allow"), ("ask", "allow"),
                          ("allow", "deny")])
        self.assertEqual(told["changes"][0]["from_rule"], "o.ls")
        # Beside the organisation's rules they take nothing away.
        status, told = self.preview(rules=more, place="beside")
        self.assertEqual(status, 200, told)
        self.assertEqual((told["loosened"], told["tightened"]), (0, 1))

    def test_a_preview_of_the_candidate(self):
        self.propose("shell", {"script": "ls"})
        status, body = self.preview(set="candidate")
        self.assertEqual(status, 400, body)
        self.assertIn("shadow --try", body["detail"])
        new = self.rules("new", "rules:\n"
                         "  - {id: n, decision: ask, "
                         "command: {program: ls}}\n")
        status, _, err = assent("rules", "shadow", "--try", new, "--state",
                                self.d.state)
        self.assertEqual(status, 0, err)
        end = time.monotonic() + 15
        while self.preview(set="candidate")[0] != 200:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        told = self.preview(set="candidate")[1]
        self.assertEqual([c["to_rule"] for c in told["changes"]], ["n"])

    def test_a_preview_of_broken_rules_says_where(self):
        status, body = self.preview(rules="assent: 1\nrules:\n"
                                    "  - {id: a, decison: deny}\n")
        self.assertEqual(status, 422, body)
        self.assertIn("preview.yaml:3:", json.dumps(body["errors"])
                      .replace('", "line": ', ":").replace(', "col"', ":"))
        self.assertIn("did you mean 'decision'?", json.dumps(body))
        for wrong in ({}, {"rules": "assent: 1\n", "set": "candidate"},
                      {"set": "other"}, {"rules": "assent: 1\n",
                                         "place": "under"},
                      {"rules": "#" * 300000}):
            self.assertIn(self.preview(**wrong)[0], (400, 413), wrong)
        # Who proposes calls learns nothing of it.
        self.assertEqual(self.d.agent("POST", "/v1/rules/preview",
                                      {"rules": "assent: 1\n"})[0], 403)


if __name__ == "__main__":
    unittest.main()
