"""assent run --tty: a terminal for a run of the daemon, lines judged one by
one; and what long-running runs take and give: input, signals, much output.

As root twice: as root, and as a plain user (nobody).
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from lib_daemon import BIN, Daemon
from lib_terminal import Terminal

LIMIT_S = 15
DENIED = 125
OUTPUT_BYTES = 8000000


def approve(d, action):
    """What somebody else says yes to."""
    _, body, head = d.approver("GET", f"/v1/actions/{action}")
    return d.approver("PUT", f"/v1/actions/{action}/decision", {
        "decision": "allow", "action_sha256": body["action_sha256"]},
        {"If-Match": head["ETag"]})


def approve_next(d):
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        _, body, _ = d.approver("GET", "/v1/actions?state=pending&limit=9")
        for item in body["items"]:
            return approve(d, item["id"])
        time.sleep(0.02)
    raise AssertionError("nothing waits")


class Screen(Terminal):
    """assent run --tty in a terminal of its own."""

    def __init__(self, d, words, *options):
        def start():
            os.chdir(d.workspace)
            os.execve(f"{BIN}/assent", [
                "assent", "run", "--runtime", d.runtime, "--tty",
                *options, "--", *words], dict(os.environ, TERM="xterm"))
        super().__init__(start, LIMIT_S)


class RunTty(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon()
        cls.d.start()
        os.chmod(cls.d.root, 0o755)

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def test_a_shell_has_a_terminal_and_gets_lines_that_were_judged(self):
        with Screen(self.d, ["sh"]) as s:
            approve_next(self.d)
            s.until("$ ")
            s.type("tty; test -t 0 && test -t 1 && echo is-a-$((40+2))\r")
            s.until("is-a-42")
            self.assertIn("/dev/pts/", s.text)
            s.type("exit 7\r")
            self.assertEqual(s.status(), 7)
            self.assertTrue(s.cooked())
        status, log, _ = self.d.approver(
            "GET", "/v1/actions?tool=stdin&limit=20")
        self.assertEqual(status, 200)
        self.assertGreaterEqual(len(log["items"]), 2)

    def test_a_line_that_is_denied_does_not_reach_the_shell(self):
        with Screen(self.d, ["sh"]) as s:
            approve_next(self.d)
            s.until("$ ")
            s.type("touch made; assent approve act_1\r")
            s.until("assent run: denied")
            s.type("echo still-$((1+1))-here\r")
            s.until("still-2-here")
            s.type("\x04")
            self.assertEqual(s.status(), 0)
        self.assertFalse(os.path.exists(self.d.workspace + "/made"))

    def test_the_size_follows_ours(self):
        with Screen(self.d, ["sh", "-c", "trap 'stty size' WINCH; stty size; "
                             "while :; do sleep 0.1; done"]) as s:
            s.until("\n")
            s.size(33, 111)
            s.until("33 111")
            s.type("\x03")
            self.assertEqual(s.status(), 130)

    def test_ctrl_c_reaches_what_runs_in_front(self):
        with Screen(self.d, ["bash", "--norc", "--noprofile", "-i"]) as s:
            approve_next(self.d)
            s.until("$ ")
            s.type("sleep 99\r")
            time.sleep(0.5)
            s.type("\x03")
            s.type("echo back-$((5+5))\r")
            s.until("back-10")
            s.type("exit 3\r")
            self.assertEqual(s.status(), 3)

    def test_it_needs_a_terminal(self):
        ran = subprocess.run(
            [f"{BIN}/assent", "run", "--runtime", self.d.runtime, "--tty",
             "--", "true"], cwd=self.d.workspace, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
            check=False)
        self.assertEqual(ran.returncode, 64)
        self.assertIn(b"needs a terminal", ran.stderr)

    def test_the_terminal_is_put_back_when_the_run_ends(self):
        with Screen(self.d, ["sh", "-c", "echo up; exec python3 -c \"import os; os.abort()\""]) as s:
            s.until("up")
            self.assertEqual(s.status(), 134)
            self.assertTrue(s.cooked())


class Input(unittest.TestCase):
    """The same by the API, without a terminal."""

    @classmethod
    def setUpClass(cls):
        cls.d = Daemon()
        cls.d.start()
        os.chmod(cls.d.root, 0o755)

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def look(self, action, stage, limit_s=LIMIT_S):
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            _, body, _ = self.d.agent("GET", f"/v1/actions/{action}")
            if body["state"] == stage:
                return body
            time.sleep(0.05)
        raise AssertionError(body)

    def start(self, script):
        """An input that is given, and empty, stays open for more."""
        status, body, _ = self.d.agent("POST", "/v1/actions", {
            "tool": "shell", "input": {"script": script, "stdin": ""},
            "cwd": self.d.workspace, "workspace": self.d.workspace,
            "execute": True})
        self.assertIn(status, (200, 201, 202), body)
        if body["state"] == "pending":
            self.assertEqual(approve(self.d, body["id"])[0], 200)
        self.look(body["id"], "running")
        return body["id"]

    def type(self, action, text):
        status, body, _ = self.d.agent("POST", "/v1/actions", {
            "tool": "stdin", "input": {"action": action, "text": text},
            "cwd": self.d.workspace, "workspace": self.d.workspace,
            "execute": True}, {"Prefer": "wait=10"})
        self.assertIn(status, (200, 202), body)
        return body

    def test_each_line_for_a_running_shell_is_judged_by_itself(self):
        shell = self.start("bash")
        self.assertEqual(self.type(shell, "echo one\n")["decision"], "allow")
        asked = self.type(shell, "git push origin main\n")
        self.assertNotEqual(asked["decision"], "allow")
        self.assertEqual(asked["state"], "pending")
        denied = self.type(shell, "assent approve act_1\n")
        self.assertEqual(denied["decision"], "deny")
        self.assertEqual(self.type(shell, "echo two; exit 5\n")["decision"],
                         "allow")
        end = self.look(shell, "done")
        self.assertEqual(end["outcome"]["exit"], 5)
        self.assertEqual(end["outcome"]["stdout"], "one\ntwo\n")

    def test_signals_and_statuses_are_as_a_shell_reports(self):
        for name, signo in (("TERM", 15), ("INT", 2), ("KILL", 9),
                            ("USR1", 10)):
            run = self.start("exec sleep 60")
            status, body, _ = self.d.agent(
                "POST", f"/v1/actions/{run}/signal", {"signal": name})
            self.assertEqual(status, 202, body)
            self.assertEqual(self.look(run, "done")["outcome"]["signal"],
                             signo)
        run = self.start("trap 'echo got; exit 9' HUP; echo up; "
                         "while :; do sleep 0.05; done")
        time.sleep(0.3)
        self.d.agent("POST", f"/v1/actions/{run}/signal", {"signal": "HUP"})
        self.assertEqual(self.look(run, "done")["outcome"]["exit"], 9)
        status, _, _ = self.d.agent(
            "POST", f"/v1/actions/{run}/signal", {"signal": "WINCH"})
        self.assertIn(status, (409, 422))

    def test_a_slow_reader_gets_all_that_the_limit_lets_through(self):
        """Output comes faster than it is taken: nothing is lost, and what
        waits is bounded by the limit of the run."""
        with subprocess.Popen(
                [f"{BIN}/assent", "run", "--runtime", self.d.runtime, "--",
                 "sh", "-c", f"yes | head -c {OUTPUT_BYTES}; echo end >&2"],
                cwd=self.d.workspace, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
            got = len(p.stdout.read(1 << 16))
            time.sleep(1)  # in which it comes whole, and waits
            used = self.memory_of(self.d.process.pid)
            got += len(p.stdout.read())
            self.assertEqual(p.wait(LIMIT_S), 0)
        self.assertEqual(got, OUTPUT_BYTES)
        self.assertLess(used, 400 << 20)

    @staticmethod
    def memory_of(pid):
        """Of a process and all that it started, in bytes."""
        total, todo = 0, [pid]
        while todo:
            one = todo.pop()
            try:
                with open(f"/proc/{one}/status", encoding="ascii") as text:
                    found = re.search(r"RssAnon:\s+(\d+)", text.read())
                with open(f"/proc/{one}/task/{one}/children",
                          encoding="ascii") as text:
                    todo += [int(n) for n in text.read().split()]
            except OSError:
                continue
            total += int(found[1]) << 10 if found else 0
        return total


def as_nobody():
    """The whole test again as a plain user."""
    folder = tempfile.mkdtemp(prefix="assent-it-nobody-", dir="/var/tmp")
    os.chmod(folder, 0o755)
    for name in ("assent", "assent-cli", "assentd", "assent-exec",
                 "assent-reporter", "assent-reviewer", "assent-proxy",
                 "assent-broker"):
        if os.path.exists(f"{BIN}/{name}"):
            shutil.copy(f"{BIN}/{name}", folder)
    here = os.path.dirname(os.path.abspath(__file__))
    for name in ("lib_daemon.py", "lib_terminal.py", "run_tty.py"):
        shutil.copy(f"{here}/{name}", folder)
    home = f"{folder}/home"
    os.mkdir(home)
    os.chown(home, 65534, 65534)
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
         sys.executable, "-B", f"{folder}/run_tty.py"],
        env={**os.environ, "HOME": home, "ASSENT_BIN": folder,
             "XDG_STATE_HOME": f"{home}/state", "XDG_RUNTIME_DIR": home,
             "TMPDIR": home},
        check=False, timeout=100)
    shutil.rmtree(folder, ignore_errors=True)
    return done.returncode


if __name__ == "__main__":
    if os.geteuid() == 0:
        status = as_nobody()
        if status != 0:
            sys.exit(status)
    unittest.main()
