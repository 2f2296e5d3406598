"""assent run --ask against a real daemon: a person at the terminal where he
asked answers there by his passphrase, and nobody else does.
"""

import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import time
import unittest

from lib_daemon import as_a_person, BIN, Daemon

DENIED, UNANSWERED, TYPED_S = 125, 124, 30
SECRET = "correct horse battery"
RULES = """assent: 1
rules:
  - id: t.ask
    command: {program: uname}
    decision: ask
    risk: low
    reason: A test asks.
"""


class Terminal:
    """A command at a terminal of its own, whose end we hold: a person's, or
    that of an agent that opened one."""

    def __init__(self, words, cwd):
        self.shown = b""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execv(words[0], words)

    def read(self, wait_s):
        if not select.select([self.master], [], [], wait_s)[0]:
            return False
        try:
            got = os.read(self.master, 4096)
        except OSError:
            got = b""
        self.shown += got
        return bool(got)

    def until(self, text):
        end = time.monotonic() + TYPED_S
        while text not in self.shown:
            if time.monotonic() > end or not self.read(end -
                                                       time.monotonic()):
                raise AssertionError(f"{text} is not in {self.shown}")

    def type(self, after, text):
        self.until(after)
        self.shown = b""
        os.write(self.master, text)

    def end(self):
        while self.read(TYPED_S):
            pass
        os.close(self.master)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Ask(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="assent-ask-")
        self.addCleanup(self.folder.cleanup)
        self.kept = f"{self.folder.name}/passphrases"
        os.mkdir(f"{self.folder.name}/rules")
        with open(f"{self.folder.name}/rules/ask.yaml", "w",
                  encoding="ascii") as f:
            f.write(RULES)

    def daemon(self, with_passphrase=True):
        if with_passphrase:
            self.set_passphrase()
        config = f"passphrase_file: {self.kept}\n" if with_passphrase else ""
        d = Daemon(config, ["--rules", f"{self.folder.name}/rules"])
        self.addCleanup(d.__exit__, None, None, None)
        d.start()
        return d

    def set_passphrase(self, text=SECRET, again=None):
        t = Terminal([f"{BIN}/assent", "passphrase", "--file", self.kept],
                     self.folder.name)
        t.type(b"New passphrase: ", text.encode() + b"\n")
        if len(text) >= 8:
            t.type(b"The same again: ", (again or text).encode() + b"\n")
        return t.end(), t.shown

    def ask(self, d, *more):
        return Terminal([f"{BIN}/assent", "run", "--runtime", d.runtime,
                         "--ask", *more, "--", "uname"], d.workspace)

    def pending(self, d):
        _, found, _ = d.approver("GET", "/v1/actions?state=pending")
        return found["items"]

    def exported(self, d):
        """The log as it is, without the quoting of JSON in JSON."""
        said = d.assent("log", "export", "--state", d.state, check=True)
        return said.stdout.replace('\\"', '"')

    def test_a_person_answers_where_he_asked(self):
        d = self.daemon()
        t = self.ask(d)
        t.until(b"A test asks.")
        t.type(b"Type yes or no: ", b"yes\n")
        t.type(b"Your passphrase: ", SECRET.encode() + b"\n")
        self.assertEqual(t.end(), 0, t.shown)
        self.assertIn(b"Linux", t.shown)
        self.assertNotIn(SECRET.encode(), t.shown)
        text = self.exported(d)
        self.assertEqual(text.count('"proof":"passphrase"'), 1)
        self.assertNotIn(SECRET, text + d.daemon_log())

    def test_i2_a_terminal_of_its_own_answers_nothing_for_an_agent(self):
        """With a terminal and every word but the passphrase."""
        d = self.daemon()
        t = self.ask(d)
        t.type(b"Type yes or no: ", b"yes\n")
        for guess in (b"yes", b"", b"correct horse batterz"):
            t.type(b"Your passphrase: ", guess + b"\n")
        t.until(b"from another terminal: assent tui")
        self.assertIn(b"too many wrong passphrases", t.shown)
        self.assertEqual(len(self.pending(d)), 1)
        one = self.pending(d)[0]["id"]
        # What the agent's own processes try beside it is refused, too.
        tried = subprocess.run(
            [f"{BIN}/assent", "approve", one, "--runtime", d.runtime],
            capture_output=True, check=False, timeout=60)
        self.assertNotEqual(tried.returncode, 0)
        self.assertEqual(len(self.pending(d)), 1)
        # and somebody else at his own terminal still can.
        said = as_a_person([f"{BIN}/assent", "approve", one, "--runtime",
                            d.runtime])
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(t.end(), 0)

    def test_the_right_one_is_not_looked_at_while_guesses_wait(self):
        d = self.daemon()
        t = self.ask(d)
        t.type(b"Type yes or no: ", b"yes\n")
        t.type(b"Your passphrase: ", b"not this one\n")
        t.type(b"Your passphrase: ", SECRET.encode() + b"\n")
        t.until(b"too many wrong passphrases")
        time.sleep(1.2)
        t.type(b"Your passphrase: ", SECRET.encode() + b"\n")
        self.assertEqual(t.end(), 0, t.shown)

    def test_without_a_passphrase_it_says_where_to_answer(self):
        d = self.daemon(with_passphrase=False)
        t = self.ask(d)
        t.until(b"from another terminal: assent tui")
        self.assertIn(b"A test asks.", t.shown)
        self.assertIn(b"assent passphrase", t.shown)
        self.assertNotIn(b"yes or no", t.shown)
        one = self.pending(d)[0]["id"]
        said = as_a_person([f"{BIN}/assent", "approve", one, "--runtime",
                            d.runtime])
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(t.end(), 0)
        self.assertIn(b"Linux", t.shown)

    def test_no_takes_the_question_back(self):
        d = self.daemon()
        t = self.ask(d)
        t.type(b"Type yes or no: ", b"no\n")
        self.assertEqual(t.end(), DENIED, t.shown)
        self.assertEqual(self.pending(d), [])
        self.assertIn(b"nothing was run", t.shown)

    def test_a_passphrase_counts_at_the_approver_socket_alone(self):
        d = self.daemon()
        status, action, _ = d.agent("POST", "/v1/actions", {
            "tool": "exec", "input": {"argv": ["uname"]},
            "cwd": d.workspace, "workspace": d.workspace, "execute": False})
        self.assertEqual(status, 202)
        _, seen, head = d.agent("GET", f"/v1/actions/{action['id']}")
        answer = {"decision": "allow", "passphrase": SECRET,
                  "action_sha256": seen["action_sha256"]}
        status, _, _ = d.agent(
            "PUT", f"/v1/actions/{action['id']}/decision", answer,
            {"If-Match": head["ETag"]})
        self.assertEqual(status, 403)
        status, said, _ = d.approver(
            "PUT", f"/v1/actions/{action['id']}/decision",
            {**answer, "passphrase": "another one"},
            {"If-Match": head["ETag"]})
        self.assertEqual(status, 403, said)
        self.assertEqual(len(self.pending(d)), 1)

    def test_a_passphrase_is_typed_twice_and_not_short(self):
        status, said = self.set_passphrase("short")
        self.assertNotEqual(status, 0)
        self.assertIn(b"at least 8", said)
        status, said = self.set_passphrase(again="correct horse battere")
        self.assertNotEqual(status, 0)
        self.assertFalse(os.path.exists(self.kept))
        status, _ = self.set_passphrase()
        self.assertEqual(status, 0)
        self.assertEqual(os.stat(self.kept).st_mode & 0o777, 0o600)
        removed = subprocess.run(
            [f"{BIN}/assent", "passphrase", "--remove", "--file", self.kept,
             "--json"], capture_output=True, check=True, timeout=60)
        self.assertTrue(json.loads(removed.stdout)["removed"])
        self.assertFalse(os.path.exists(self.kept))

    def test_it_is_taken_at_sighup_and_refused_where_others_read_it(self):
        d = self.daemon()
        os.chmod(self.kept, 0o644)
        checked = subprocess.run(
            [f"{BIN}/assentd", "--check", "--config", d.config],
            capture_output=True, check=False, timeout=60)
        self.assertEqual(checked.returncode, 78, checked.stderr)
        self.assertIn(b"chmod 600", checked.stderr)


if __name__ == "__main__":
    if os.environ.get("ASSENT_BIN") is None:
        sys.exit("ASSENT_BIN is not set")
    unittest.main()
