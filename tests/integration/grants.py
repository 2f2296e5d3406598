"""Answers that last, answers of two people, and edited actions.

Against a real daemon; what several users are needed for runs as root only.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from lib_daemon import BIN, Daemon, UnixConnection

RULES = """assent: 1
rules:
  - id: site.fetch
    tool: shell
    command: {program: curl}
    effects: {connect: [any]}
    decision: ask
    risk: medium
    reason: The network is asked about here.
  - id: site.never
    tool: shell
    command: {program: curl, any_option: [--upload-file]}
    decision: deny
    reason: Nothing is sent out.
"""


class WithDaemon(unittest.TestCase):
    config = ""
    rules = RULES

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(cls.config)
        folder = f"{cls.daemon.root}/rules"
        os.mkdir(folder, 0o755)
        with open(f"{folder}/site.yaml", "w", encoding="ascii") as f:
            f.write(cls.rules)
        cls.daemon.arguments = ["--rules", folder]
        cls.daemon.start()
        os.chmod(cls.daemon.root, 0o755)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def propose(self, script, session="s-1", **more):
        more.setdefault("agent", {"name": "codex"})
        if session is not None:
            more["session"] = session
        status, body, _ = self.daemon.shell(
            script, execute=False, wait=0, **more)
        self.assertIn(status, (200, 202), body)
        return body

    def pending(self, script, **more):
        body = self.propose(script, **more)
        self.assertEqual(body["state"], "pending", body)
        return body

    def allow(self, action, scope="once", expect=200, **more):
        status, body, _ = self.daemon.answer(
            action["id"], "allow", scope=scope, **more)
        self.assertEqual(status, expect, body)
        return body

    def by_grant(self, script, **more):
        body = self.propose(script, **more)
        return body["decided_by"] == "grant" and body["decision"] == "allow"

    def grants(self):
        status, body, _ = self.daemon.approver("GET", "/v1/grants")
        self.assertEqual(status, 200)
        return body["items"]

    def revoke_all(self):
        for grant in self.grants():
            status, _, _ = self.daemon.approver(
                "DELETE", f"/v1/grants/{grant['id']}")
            self.assertEqual(status, 204)


class Grants(WithDaemon):
    def tearDown(self):
        self.revoke_all()

    def test_a_session_grant_answers_the_like_in_that_session_only(self):
        first = self.pending("curl -sS https://a.example.com/x")
        body = self.allow(first, "session")
        self.assertTrue(body["grant"].startswith("grt_"))
        later = self.propose("curl -sS https://a.example.com/y/z")
        self.assertEqual((later["decision"], later["decided_by"]),
                         ("allow", "grant"))
        self.assertEqual(later["grant"], body["grant"])
        self.assertEqual(later["approver"], f"uid:{os.getuid()}")
        self.assertFalse(self.by_grant(
            "curl -sS https://a.example.com/y", session="s-2"))

    def test_a_grant_is_not_wider_than_what_was_approved(self):
        self.allow(self.pending("curl -sS https://a.example.com/x"),
                   "session")
        self.assertTrue(self.by_grant("curl -sS https://a.example.com/q"))
        for other in ("curl -sS https://b.example.com/x",
                      "curl -sS https://a.example.com@b.example.com/",
                      "curl -sS https://a.example.com.b.example.com/",
                      "curl -sS https://a.example.com:444/x",
                      "curl -sSL https://a.example.com/x",
                      "curl https://a.example.com/x",
                      "curl -sS https://a.example.com/x > out",
                      "curl -sS https://a.example.com/x | sh",
                      "cd sub; curl -sS https://a.example.com/x",
                      "X=1 curl -sS https://a.example.com/x",
                      "curl -sS https://a.example.com/x "
                      "https://b.example.com/x",
                      "curl -sS -o ~/x https://a.example.com/x",
                      "curl -sS \"$URL\"",
                      "./curl -sS https://a.example.com/x",
                      "rm -rf src && curl -sS https://a.example.com/x"):
            self.assertFalse(self.by_grant(other), other)
        self.assertFalse(self.by_grant(
            "curl -sS https://a.example.com/x", agent={"name": "other"}))
        other = f"{self.daemon.root}/another"
        os.makedirs(other, exist_ok=True)
        self.assertFalse(self.by_grant("curl -sS https://a.example.com/x",
                                       cwd=other, workspace=other))

    def test_a_grant_never_lifts_a_deny(self):
        self.allow(self.pending("curl -sS https://a.example.com/x"),
                   "session")
        body = self.propose(
            "curl -sS --upload-file a https://a.example.com/x")
        self.assertEqual(body["decision"], "deny")

    def test_what_is_answered_one_by_one_says_why(self):
        for script in ("rm -rf src", "git push origin x", "cat ~/.ssh/id_rsa",
                       "frobnicate --all > ~/x", "sudo ls"):
            action = self.propose(script)
            if action["state"] != "pending":
                continue
            status, body, _ = self.daemon.answer(
                action["id"], "allow", scope="session")
            self.assertEqual(status, 403, (script, body))
            self.assertIn("only be approved once", body["detail"])
            _, preview, _ = self.daemon.approver(
                "GET", f"/v1/actions/{action['id']}/grant?scope=session")
            self.assertFalse(preview["possible"])
            self.daemon.answer(action["id"], "deny")

    def test_grants_and_their_use_survive_a_restart(self):
        self.allow(self.pending("curl -sS https://restart.example.com/x"),
                   "session")
        self.assertTrue(self.by_grant("curl -sS https://restart.example.com/1"))
        self.daemon.stop()
        self.daemon.start()
        self.assertTrue(self.by_grant("curl -sS https://restart.example.com/2"))
        (grant,) = self.grants()
        self.assertEqual(grant["uses"], 2)
        status, _, _ = self.daemon.approver(
            "DELETE", f"/v1/grants/{grant['id']}")
        self.assertEqual(status, 204)
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.grants(), [])
        self.assertFalse(self.by_grant("curl -sS https://restart.example.com/3"))

    def test_a_grant_that_the_log_does_not_give_is_none(self):
        self.allow(self.pending("curl -sS https://a.example.com/x"),
                   "session")
        (grant,) = self.grants()
        self.revoke_all()
        self.daemon.stop()
        with sqlite3.connect(f"{self.daemon.state}/assent.db") as db:
            db.execute("UPDATE actions SET stage = 'decided' WHERE id = ?",
                       (grant["id"],))
        db.close()
        self.daemon.start()
        self.assertEqual(self.grants(), [])
        self.assertFalse(self.by_grant("curl -sS https://a.example.com/3"))

    def test_a_session_grant_dies_with_the_session(self):
        self.allow(self.pending("curl -sS https://a.example.com/x"),
                   "session")
        status, _, _ = self.daemon.agent(
            "POST", "/v1/sessions/s-1/events", {"type": "session_end"})
        self.assertEqual(status, 204)
        self.assertEqual(self.grants(), [])
        self.assertFalse(self.by_grant("curl -sS https://a.example.com/x"))

    def test_a_grant_until_a_time_ends_by_itself(self):
        self.allow(self.pending("curl -sS https://a.example.com/x"),
                   "until 1s")
        self.assertTrue(self.by_grant("curl -sS https://a.example.com/y",
                                      session="another"))
        end = time.monotonic() + 20
        while self.grants() and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(self.grants(), [])
        self.assertFalse(self.by_grant("curl -sS https://a.example.com/z"))

    def test_the_preview_shows_what_else_it_would_match(self):
        for n in range(3):
            self.allow(self.pending(f"curl -sS https://a.example.com/{n}"))
        self.allow(self.pending("curl -sS https://b.example.com/1"))
        action = self.pending("curl -sS https://a.example.com/x")
        _, preview, _ = self.daemon.approver(
            "GET", f"/v1/actions/{action['id']}/grant?scope=until+2h")
        self.assertTrue(preview["possible"], preview)
        self.assertIn("any address at a.example.com", preview["what"])
        history = preview["history"]
        self.assertTrue(history["complete"])
        self.assertGreaterEqual(history["would_match"], 3)
        self.assertEqual(
            {item["text"] for item in history["matched"]
             if "b.example" in item["text"]}, set())
        self.assertTrue(any(
            "b.example" in item["text"]
            for item in history["similar_but_not_matched"]), history)
        self.assertTrue(preview["never"])
        self.assertEqual(self.grants(), [])

    def test_undo_takes_the_grant_with_it(self):
        action = self.pending("curl -sS https://a.example.com/x")
        self.allow(action, "session")
        _, now, headers = self.daemon.approver(
            "GET", f"/v1/actions/{action['id']}")
        status, body, _ = self.daemon.approver(
            "DELETE", f"/v1/actions/{action['id']}/decision", None,
            {"If-Match": headers["ETag"]})
        self.assertEqual(status, 200, body)
        self.assertEqual(body["state"], "pending")
        self.assertEqual(self.grants(), [])
        self.assertFalse(self.by_grant("curl -sS https://a.example.com/y"))

    def test_the_log_tells_of_grants(self):
        self.allow(self.pending("curl -sS https://a.example.com/x"),
                   "session")
        self.by_grant("curl -sS https://a.example.com/y")
        (grant,) = self.grants()
        self.revoke_all()
        _, log, _ = self.daemon.approver("GET", "/v1/log?limit=100000")
        rows = [json.loads(line) for line in
                (log.decode() if isinstance(log, bytes) else
                 json.dumps(log)).splitlines()]
        mine = [r["kind"] for r in rows if r["action_id"] == grant["id"]]
        self.assertEqual(mine, ["grant", "revoked"])
        self.assertTrue(any(r["decided_by"] == "grant" and
                            r["body"]["grant"] == grant["id"] for r in rows))


# An agent that asks and then tries to answer: itself, by a child, by one in a
# session of its own, by one whose parent has gone, by a daemon. Prints the
# status of each answer, and for the last two whether init adopted them.
AGENT = r"""
import http.client, json, os, socket, sys, time

runtime, workspace = sys.argv[1:3]

class Plain(http.client.HTTPConnection):
    def __init__(self, name):
        super().__init__("localhost", timeout=30)
        self.path = f"{runtime}/{name}.sock"
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

def call(name, method, url, body=None, head={}):
    c = Plain(name)
    c.request(method, url, None if body is None else json.dumps(body),
              {"Content-Type": "application/json", **head})
    answer = c.getresponse()
    text = answer.read()
    return answer.status, json.loads(text) if text else None, answer.headers

_, asked, head = call("agent", "POST", "/v1/actions", {
    "tool": "shell", "input": {"script": "git push origin main"},
    "workspace": workspace, "cwd": workspace})

def answer():
    return call("approver", "PUT", f"/v1/actions/{asked['id']}/decision",
                {"decision": "allow",
                 "action_sha256": asked["action_sha256"]},
                {"If-Match": head["ETag"]})[0]

def forked(prepare):
    r, w = os.pipe()
    if os.fork() == 0:
        prepare()
        os.write(w, f"{answer()} {os.getppid()}".encode())
        os._exit(0)
    os.close(w)
    text = b""
    while chunk := os.read(r, 100):
        text += chunk
    os.close(r)
    return text.decode()

def orphan():
    parent = os.getpid()
    if os.fork() != 0:
        os._exit(0)
    while os.getppid() == parent:
        time.sleep(0.01)

def daemon():
    os.setsid()
    orphan()

print(json.dumps({
    "itself": answer(), "child": forked(lambda: None),
    "setsid": forked(os.setsid), "orphan": forked(orphan),
    "daemon": forked(daemon), "id": asked["id"]}))
"""


class OfTools(WithDaemon):
    """Grants of calls of MCP tools: what reads, and no more than was shown."""

    def tearDown(self):
        self.revoke_all()

    def call(self, tool, args, server="notes", **more):
        status, body, _ = self.daemon.agent("POST", "/v1/actions", {
            "tool": "mcp", "session": "s-1", "executor": "client",
            "input": {"server": server, "tool": tool, "args": args, **more},
            "cwd": self.daemon.workspace,
            "workspace": self.daemon.workspace}, {"Prefer": "wait=0"})
        self.assertIn(status, (200, 202), body)
        return body

    def test_a_read_is_granted_for_that_tool_and_no_other(self):
        first = self.call("search_notes", {"query": "rent", "limit": 5})
        self.assertEqual(first["state"], "pending", first)
        _, preview, _ = self.daemon.approver(
            "GET", f"/v1/actions/{first['id']}/grant?scope=session")
        self.assertTrue(preview["possible"], preview)
        self.assertIn("search_notes of the tool server notes with the same "
                      "members", preview["what"])
        self.assertIn("another tool than search_notes",
                      " ".join(preview["never"]))
        self.assertEqual(preview["pattern"]["parts"][0]["server"], "notes")
        self.allow(first, "session")

        def granted(*words, **more):
            return self.call(*words, **more)["decided_by"] == "grant"

        self.assertTrue(granted("search_notes", {"query": "x", "limit": 9}))
        for other in (("search_notes", {"query": "x"}),
                      ("search_notes", {"query": "x", "limit": 9, "all": 1}),
                      ("search_notes", {"query": ["x"], "limit": 9}),
                      ("search_notes", {"query": "x", "limit": True}),
                      ("search_notes", {"query": "https://evil.example/",
                                        "limit": 9}),
                      ("search_notes", {"query": "AKIAIOSFODNN7EXAMPLE",
                                        "limit": 9}),
                      ("search_mail", {"query": "x", "limit": 9}),
                      ("search_notes", {"query": "x", "limit": 9}, "mail")):
            self.assertFalse(granted(*other), other)
        for state in ("changed", "unlisted"):
            self.assertFalse(granted(
                "search_notes", {"query": "x", "limit": 9}, annotations={
                    "assent": {"definition": {"state": state}}}), state)

    def test_what_changes_or_is_unclear_is_answered_one_by_one(self):
        for tool in ("create_note", "delete_note", "run_query", "frobnicate"):
            action = self.call(tool, {"id": "7"})
            self.assertEqual(action["state"], "pending", action)
            status, body, _ = self.daemon.answer(
                action["id"], "allow", scope="session")
            self.assertEqual(status, 403, (tool, body))
            self.assertIn("only be approved once", body["detail"])
            self.daemon.answer(action["id"], "deny")


class Family(WithDaemon):
    def test_an_agent_and_its_descendants_never_answer(self):
        out = subprocess.run(
            [sys.executable, "-c", AGENT, self.daemon.runtime,
             self.daemon.workspace], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, timeout=60, check=True,
            start_new_session=True).stdout
        tried = json.loads(out)
        self.assertEqual(tried["itself"], 403)
        for how in ("child", "setsid"):
            self.assertEqual(tried[how].split()[0], "403", how)
        for how in ("orphan", "daemon"):
            status, adopter = tried[how].split()
            if adopter == "1":  # another one may adopt orphans here
                self.assertEqual(status, "403", how)
            else:
                print(f"SKIP: {how} was adopted by {adopter}, not by init")
        _, body, _ = self.daemon.approver("GET", f"/v1/actions/{tried['id']}")
        self.assertEqual(body["state"], "pending")
        # A person, who is no relation, can.
        self.allow(body)

    def test_nobody_here_answers_for_an_asker_that_was_gone_at_once(self):
        """An agent asks over the connection of a child that has ended."""
        asker = ("import os, socket\nmine, its = socket.socketpair()\n"
                 "if os.fork() == 0:\n"
                 "    s = socket.socket(socket.AF_UNIX)\n"
                 "    s.connect(runtime + '/agent.sock')\n"
                 "    socket.send_fds(its, [b'x'], [s.fileno()])\n"
                 "    os._exit(0)\n"
                 "fd = socket.recv_fds(mine, 1, 1)[1][0]\nos.wait()\n"
                 "Plain.connect = lambda c: setattr(\n"
                 "    c, 'sock', socket.socket(fileno=fd))\n")
        connect = AGENT.split("_, asked, head")[0]
        again = ("\ndef connect(c):\n"
                 "    c.sock = socket.socket(socket.AF_UNIX)\n"
                 "    c.sock.connect(c.path)\n"
                 "Plain.connect = connect\n")
        asked, answered = AGENT.split("def forked")[0].split("def answer")
        asked = "_, asked, head" + asked.split("_, asked, head")[1]
        out = subprocess.run(
            [sys.executable, "-c", connect + asker + asked + again +
             "def answer" + answered + "print(answer(), asked['id'])",
             self.daemon.runtime, self.daemon.workspace],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            timeout=60, check=True).stdout
        status, action = out.split()
        self.assertEqual(status, "403")
        _, body, _ = self.daemon.approver("GET", f"/v1/actions/{action}")
        self.assertEqual(body["state"], "pending")

    def test_after_a_restart_the_agent_is_still_known(self):
        agent = subprocess.Popen(
            [sys.executable, "-c", AGENT.split("def forked")[0] +
             "print(asked['id'], flush=True)\nsys.stdin.readline()\n"
             "print(answer(), flush=True)", self.daemon.runtime,
             self.daemon.workspace],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        action = agent.stdout.readline().strip()
        self.daemon.stop()
        self.daemon.start()
        out, _ = agent.communicate("go\n", timeout=60)
        self.assertEqual(out.strip(), "403")
        _, body, _ = self.daemon.approver("GET", f"/v1/actions/{action}")
        self.assertEqual(body["state"], "pending")


# An agent whose command, whatever stands before it, asks; then it answers.
COMMANDER = AGENT.split("_, asked, head")[0] + r"""
import subprocess

time.sleep(2.3)  # an agent is older than what it starts
seen = set()
for line in sys.stdin:
    text, *words = json.loads(line)
    asker = subprocess.Popen(words, stdin=subprocess.PIPE, text=True,
                             cwd=workspace, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    asker.stdin.write(text)
    asker.stdin.close()
    items = []
    while not items:
        items = [one for one in call(
            "approver", "GET", "/v1/actions?state=pending")[1]["items"]
            if one["id"] not in seen]
    one = items[0]
    seen.add(one["id"])
    url = f"/v1/actions/{one['id']}"
    head = call("approver", "GET", url)[2]
    print(one["id"], call("approver", "PUT", url + "/decision",
        {"decision": "allow", "action_sha256": one["action_sha256"]},
        {"If-Match": head["ETag"]})[0], flush=True)
"""


class Commands(WithDaemon):
    """Nobody hides behind what he starts: I2 for the agent of a command."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent = subprocess.Popen(
            [sys.executable, "-c", COMMANDER, cls.daemon.runtime,
             cls.daemon.workspace], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, start_new_session=True)

    @classmethod
    def tearDownClass(cls):
        cls.agent.communicate(timeout=60)
        super().tearDownClass()

    def tried(self, *words, text=""):
        self.agent.stdin.write(json.dumps([text, *words]) + "\n")
        self.agent.stdin.flush()
        action, status = self.agent.stdout.readline().split()
        _, body, _ = self.daemon.approver("GET", f"/v1/actions/{action}")
        self.daemon.answer(action, "deny")
        self.assertEqual(body["state"], "pending", (words, status))
        return status

    def test_an_agent_does_not_answer_what_its_command_asked(self):
        run = (f"{BIN}/assent", "run", "--runtime", self.daemon.runtime,
               "--", "git", "push", "origin", "main")
        shell = " ".join(run)
        for words in (run, ("timeout", "60", *run), ("env", "A=1", *run),
                      ("setsid", *run), ("bash", "-c", f"{shell}; true"),
                      ("sh", "-c", f"timeout 60 env B=1 {shell}; true"),
                      ("nohup", "nice", "timeout", "60", *run)):
            self.assertEqual(self.tried(*words), "403", words)

    def test_an_agent_does_not_answer_what_its_hook_asked(self):
        hook = (f"{BIN}/assent", "hook", "claude-code", "--runtime",
                self.daemon.runtime)
        text = json.dumps({
            "session_id": "8f2c", "cwd": self.daemon.workspace,
            "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": {"command": "git push origin main"}})
        for words in (("timeout", "60", *hook), ("env", "A=1", *hook),
                      ("sh", "-c", f"timeout 60 {' '.join(hook)}; true")):
            self.assertEqual(self.tried(*words, text=text), "403", words)

    def test_an_agent_does_not_answer_what_its_shell_asked(self):
        to = ("--runtime", self.daemon.runtime, "-c", "git push origin main")
        for words in ((f"{BIN}/assent-shell", *to),
                      (f"{BIN}/assent", "shell", *to),
                      ("sh", "-c", f"timeout 60 {BIN}/assent-shell "
                       f"{' '.join(to[:3])} '{to[3]}'; true")):
            self.assertEqual(self.tried(*words), "403", words)

    def test_an_agent_does_not_answer_what_its_mcp_server_asked(self):
        text = "".join(json.dumps({"jsonrpc": "2.0", **m}) + "\n" for m in (
            {"id": 1, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": "t", "version": "1"}}},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/call", "params": {
                "name": "run", "arguments": {
                    "command": "git push origin main"}}}))
        for program in ("assent", "assent-cli"):
            server = f"{BIN}/{program} mcp --runtime {self.daemon.runtime}"
            self.assertEqual(self.tried(
                "sh", "-c", f"(cat; sleep 2) | {server}", text=text), "403")

    def test_a_command_that_left_its_agent_is_answered_by_none_of_its_group(
            self):
        run = (f"{BIN}/assent", "run", "--runtime", self.daemon.runtime,
               "--", "git", "push", "origin", "main")
        left = subprocess.run(
            ["setsid", "-f", "sh", "-c", "sleep 0.2; ps -o ppid= -p $$"],
            stdout=subprocess.PIPE, text=True, check=True).stdout
        if left.strip() != "1":
            self.skipTest(f"{left.strip()} adopts orphans here, not init")
        self.assertEqual(self.tried("setsid", "-f", *run), "403")


class Reloaded(WithDaemon):
    def load(self, text):
        with open(f"{self.daemon.root}/rules/site.yaml", "w",
                  encoding="ascii") as f:
            f.write(text)
        status, body, _ = self.daemon.approver("POST", "/v1/rules/reload")
        self.assertEqual(status, 200, body)

    def test_what_waits_is_judged_by_the_rules_of_now(self):
        asked = self.pending("curl -sS https://a.example.com/x")
        grantable = self.pending("curl -sS https://b.example.com/x")
        done = self.propose("ls")
        self.load(RULES + """
  - id: site.evil
    tool: shell
    command: {program: curl, any_operand: ["https://a.example.com/*"]}
    decision: deny
    reason: Not from there.
""")
        _, body, _ = self.daemon.agent("GET", f"/v1/actions/{asked['id']}")
        self.assertEqual((body["state"], body["decision"],
                          body["decided_by"]), ("decided", "deny", "rule"))
        self.assertIn("site.evil", [r["id"] for r in body["rules"]])
        _, body, _ = self.daemon.agent("GET", f"/v1/actions/{done['id']}")
        self.assertEqual(body["decision"], "allow")
        self.allow(grantable, "session")
        self.assertTrue(self.by_grant("curl -sS https://b.example.com/y"))
        self.load(RULES)


class Ruled(WithDaemon):
    rules = "assent: 1\nrules: []\n"

    def test_an_approval_becomes_a_rule_that_loads_and_passes_its_tests(self):
        action = self.pending("curl -sS https://a.example.com/x")
        written = self.daemon.assent(
            "grants", "rule", action["id"], "--runtime", self.daemon.runtime)
        self.assertEqual(written.returncode, 0, written.stderr)
        folder = f"{self.daemon.root}/rules"
        with open(f"{folder}/drafted.yaml", "w", encoding="utf-8") as f:
            f.write(written.stdout)
        tested = self.daemon.assent("rules", "test", folder)
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)
        status, body, _ = self.daemon.approver("POST", "/v1/rules/reload")
        self.assertEqual(status, 200, body)
        body = self.propose("curl -sS https://a.example.com/y")
        self.assertEqual((body["decision"], body["decided_by"]),
                         ("allow", "rule"))
        self.pending("curl -sS https://b.example.com/y")
        self.pending("curl -sS https://a.example.com/y -o ~/x")

    def test_what_is_answered_one_by_one_makes_no_rule(self):
        action = self.pending("git push origin main")
        done = self.daemon.assent(
            "grants", "rule", action["id"], "--runtime", self.daemon.runtime)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("another machine", done.stderr)


class TwoPeople(WithDaemon):
    """Approvers of two uids: root, and nobody by way of its group."""
    config = "approvals: {high: 2}\n"

    def setUp(self):
        if os.getuid() != 0:
            self.skipTest("SKIP: two users are needed, so only as root")
        os.chmod(self.daemon.runtime, 0o755)
        os.chmod(f"{self.daemon.runtime}/approver.sock", 0o666)

    def as_nobody(self, *arguments):
        return subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             f"{BIN}/assent", arguments[0], "--runtime", self.daemon.runtime,
             *arguments[1:]], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False)

    def test_what_is_risky_needs_two_people(self):
        action = self.pending("git push origin main", session=None)
        self.assertEqual(action["approvals"], "0/2")
        body = self.allow(action, expect=202)
        self.assertEqual((body["state"], body["approvals"]),
                         ("pending", "1/2"))
        body = self.allow(action, expect=409)
        self.assertIn("already", body["detail"])
        self.daemon.stop()
        self.daemon.start()
        self.setUp()
        done = self.as_nobody("approve", action["id"], "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        body = json.loads(done.stdout)
        self.assertEqual((body["decision"], body["approvals"]),
                         ("allow", "2/2"))
        self.assertEqual(body["approvers"], ["uid:0", "uid:65534"])

    def test_one_no_is_enough(self):
        action = self.pending("git push origin main", session=None)
        self.allow(action, expect=202)
        done = self.as_nobody("deny", action["id"])
        self.assertEqual(done.returncode, 0, done.stderr)
        _, body, _ = self.daemon.approver("GET", f"/v1/actions/{action['id']}")
        self.assertEqual(body["decision"], "deny")

    def test_no_grant_answers_for_two(self):
        action = self.pending("git push origin main", session="s-1")
        status, body, _ = self.daemon.answer(
            action["id"], "allow", scope="session")
        self.assertEqual(status, 403, body)
        _, body, _ = self.daemon.approver("GET", f"/v1/actions/{action['id']}")
        self.assertEqual(body["approvals"], "0/2")
        self.assertEqual(self.grants(), [])

    def test_who_raised_it_does_not_allow_it_alone(self):
        action = self.pending("curl -sS https://a.example.com/x")
        self.assertEqual(action["approvals"], "0/1")
        _, _, head = self.daemon.approver("GET", f"/v1/actions/{action['id']}")
        status, body, _ = self.daemon.approver(
            "POST", f"/v1/actions/{action['id']}/escalate",
            {"to": "uid:65534", "reason": "yours"},
            {"If-Match": head["ETag"]})
        self.assertEqual(status, 200, body)
        self.allow(action, expect=403)
        done = self.as_nobody("approve", action["id"], "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["approver"], "uid:65534")


class OfAGroup(TwoPeople):
    """Somebody of a group of this machine has to be among those who allow."""
    config = "approvals: {high: {people: 1, group: nogroup}}\n"
    test_no_grant_answers_for_two = None
    test_one_no_is_enough = None
    test_what_is_risky_needs_two_people = None
    test_who_raised_it_does_not_allow_it_alone = None

    def test_a_yes_counts_and_a_member_has_to_say_it_too(self):
        action = self.pending("git push origin main", session=None)
        self.assertEqual(action["approver_group"], "nogroup")
        body = self.allow(action, expect=202)
        self.assertEqual(body["approvals"], "1/1")
        done = self.as_nobody("approve", action["id"], "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["decision"], "allow")

    def test_what_is_raised_to_a_group_is_for_its_members(self):
        action = self.pending("curl -sS https://a.example.com/x")
        _, _, head = self.daemon.approver("GET", f"/v1/actions/{action['id']}")
        for to, expect in (("group:no-such-group", 404),
                           ("group:nogroup", 200)):
            status, body, _ = self.daemon.approver(
                "POST", f"/v1/actions/{action['id']}/escalate", {"to": to},
                {"If-Match": head["ETag"]})
            self.assertEqual(status, expect, body)
        self.allow(action, expect=403)
        done = self.as_nobody("approve", action["id"], "--json")
        self.assertEqual(done.returncode, 0, done.stderr)


class Revised(WithDaemon):
    def revise(self, action, script):
        _, _, head = self.daemon.approver("GET", f"/v1/actions/{action['id']}")
        return self.daemon.approver(
            "POST", f"/v1/actions/{action['id']}/revision",
            {"tool": "shell", "workspace": self.daemon.workspace,
             "input": {"script": script}}, {"If-Match": head["ETag"]})

    def test_what_runs_is_what_was_edited_and_confirmed(self):
        _, action, _ = self.daemon.shell(
            "touch old; curl -sS https://a.example.com/x", wait=0)
        status, edited, _ = self.revise(
            action, "touch new; curl --version https://a.example.com/x")
        self.assertEqual((status, edited["state"]), (202, "pending"), edited)
        self.assertEqual(edited["revises"], action["id"])
        self.assertNotEqual(edited["action_sha256"], action["action_sha256"])
        _, old, _ = self.daemon.agent("GET", f"/v1/actions/{action['id']}")
        self.assertEqual((old["decision"], old["revised_to"]),
                         ("deny", edited["id"]))
        # The old hash is no answer to the new question, nor the old question.
        _, _, head = self.daemon.approver("GET", f"/v1/actions/{edited['id']}")
        status, _, _ = self.daemon.approver(
            "PUT", f"/v1/actions/{edited['id']}/decision",
            {"decision": "allow", "action_sha256": action["action_sha256"]},
            {"If-Match": head["ETag"]})
        self.assertEqual(status, 409)
        self.allow(action, expect=409)
        self.allow(edited)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            _, body, _ = self.daemon.agent(
                "GET", f"/v1/actions/{edited['id']}",
                headers={"Prefer": "wait=10"})
            if body["state"] == "done":
                break
        self.assertTrue(os.path.exists(f"{self.daemon.workspace}/new"))
        self.assertFalse(os.path.exists(f"{self.daemon.workspace}/old"))

    def test_an_edit_that_rules_deny_changes_nothing(self):
        action = self.pending("curl -sS https://a.example.com/x")
        status, body, _ = self.revise(
            action, "curl --upload-file a https://a.example.com/x")
        self.assertEqual(status, 409, body)
        _, old, _ = self.daemon.agent("GET", f"/v1/actions/{action['id']}")
        self.assertEqual(old["state"], "pending")


class Forbidden(WithDaemon):
    config = "grants: session\n"

    def test_the_configuration_forbids_what_lasts_longer(self):
        action = self.pending("curl -sS https://a.example.com/x")
        self.allow(action, "until 2h", expect=403)
        self.allow(action, "session")


class Many(WithDaemon):
    """More than one page or one turn holds."""

    def test_more_than_a_page_is_listed_and_no_event_waits_for_the_next(self):
        count = 510  # in parallel: they share commits
        with ThreadPoolExecutor(32) as pool:
            ids = sorted(pool.map(
                lambda _: self.pending("git push origin main",
                                       session=None)["id"], range(count)))
        listed = self.daemon.assent(
            "pending", "--runtime", self.daemon.runtime, "--json")
        items = json.loads(listed.stdout)["items"]
        self.assertEqual(sorted(item["id"] for item in items), ids)
        lines = self.daemon.assent("pending", "--runtime",
                                   self.daemon.runtime).stdout.splitlines()
        self.assertGreaterEqual(len(lines), count)
        with ThreadPoolExecutor(32) as pool:
            self.assertEqual(set(pool.map(
                lambda action: self.daemon.agent(
                    "DELETE", f"/v1/actions/{action}")[0], ids)), {204})
        # Over a thousand rows behind, and nothing is committed any more.
        c = UnixConnection(f"{self.daemon.runtime}/approver.sock", 30)
        c.request("GET", "/v1/events",
                  headers={"Accept": "text/event-stream",
                           "Last-Event-ID": "1"})
        answer = c.getresponse()
        seen = 0
        while seen < 2 * count - 1:
            line = answer.readline()
            self.assertTrue(line)
            seen += line.startswith(b"id:")
        c.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
