"""assent run, pending, approve and deny against a real daemon and sandbox.

As root twice: as root, and as a plain user (nobody).
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from lib_daemon import as_a_person, BIN, Daemon

DENIED, UNANSWERED = 125, 124
ASKED = ["git", "push", "origin", "main"]  # rules send it to a person


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.daemon.start()
        os.chmod(cls.daemon.root, 0o755)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def start(self, *command, options=(), **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(
            [f"{BIN}/assent", "run", "--runtime", self.daemon.runtime,
             *options, "--", *command],
            cwd=self.daemon.workspace, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, **more)

    def run_it(self, *command, **more):
        text = more.pop("text", None)
        process = self.start(*command, **more)
        out, err = process.communicate(text, timeout=100)
        return process.returncode, out, err

    def shell(self, *words, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            [f"{BIN}/assent-shell", "--runtime", self.daemon.runtime, *words],
            cwd=self.daemon.workspace, capture_output=True, check=False,
            timeout=100, **more)

    def test_who_waits_is_told_where_to_answer(self):
        process = self.start(*ASKED)
        try:
            said = b"".join(process.stderr.readline() for _ in range(2))
        finally:
            process.terminate()
            process.communicate(timeout=30)
        self.assertIn(b"waits for a person's answer", said)
        self.assertIn(b"another terminal: assent tui, or assent approve act_",
                      said)

    def test_who_asks_is_told_that_another_terminal_answers(self):
        script = (f"exec 2>&1; {BIN}/assent run --runtime "
                  f"{self.daemon.runtime} -- git push origin main & sleep 1; "
                  f"{BIN}/assent approve --runtime {self.daemon.runtime} "
                  f"$({BIN}/assent pending --json --runtime "
                  f"{self.daemon.runtime} | grep -o 'act_[0-9A-Z]*' | "
                  "head -n 1); kill $!; wait")
        ran = subprocess.run(
            ["bash", "-c", script], cwd=self.daemon.workspace, timeout=30,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        self.assertIn(b"nobody answers his own question; answer from another "
                      b"terminal, with assent tui", ran.stdout)

    def test_as_a_shell_it_runs_what_is_allowed(self):
        ran = self.shell("-c", 'echo "$0 $1"; exit 7', "name", "a b")
        self.assertEqual((ran.returncode, ran.stdout), (7, b"name a b\n"), ran)
        ran = self.shell("-lec", "false; echo no")
        self.assertEqual((ran.returncode, ran.stdout), (1, b""), ran)
        self.assertEqual(self.shell("-c", "rm -rf /").returncode, DENIED)

    def test_as_a_shell_it_reads_a_file_and_no_pipe(self):
        with tempfile.TemporaryFile() as file:
            file.write(b"from a file\n")
            file.seek(0)
            self.assertEqual(
                self.shell("-c", "cat", stdin=file).stdout, b"from a file\n")
        ours, theirs = os.pipe()
        try:
            ran = self.shell("-c", "cat", stdin=ours)
        finally:
            os.close(ours)
            os.close(theirs)
        self.assertEqual((ran.returncode, ran.stdout), (0, b""), ran)

    def test_as_a_shell_it_takes_scripts_alone(self):
        for words in ([], ["-i"], ["script.sh"], ["-o", "posix"], ["-c"]):
            self.assertEqual(self.shell(*words).returncode, 64, words)

    def assent(self, command, *arguments):
        return as_a_person([f"{BIN}/assent", command, "--runtime",
                            self.daemon.runtime, *arguments])

    def the_pending_one(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            listed = self.assent("pending", "--json")
            items = json.loads(listed.stdout)["items"]
            if items:
                return items[0]
            time.sleep(0.02)
        raise AssertionError("nothing waits")

    def has_run(self, name):
        return os.path.exists(f"{self.daemon.workspace}/{name}")

    # ---- what runs at once ----

    def test_the_exit_status_is_the_commands_own(self):
        for status in (0, 1, 42, 126):
            self.assertEqual(
                self.run_it("bash", "-c", f"exit {status}")[0], status)
        self.assertEqual(self.run_it(
            "python3", "-c", "import os; os.abort()")[0],
            128 + signal.SIGABRT)

    def test_output_is_byte_for_byte(self):
        every = bytes(range(256)) * 40
        with open(f"{self.daemon.workspace}/bytes", "wb") as file:
            file.write(every)
        os.chmod(f"{self.daemon.workspace}/bytes", 0o644)
        self.assertEqual(self.run_it("cat", "bytes"), (0, every, b""))

    def test_much_output_is_whole_and_streams_are_apart(self):
        status, out, err = self.run_it(
            "bash", "-c", "seq 200000; echo to stderr >&2")
        self.assertEqual(status, 0)
        self.assertEqual(
            out, b"".join(b"%d\n" % i for i in range(1, 200001)))
        self.assertEqual(err, b"to stderr\n")

    def test_what_the_sandbox_denied_is_said(self):
        name = f"{self.daemon.workspace}/writes.sh"
        with open(name, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho x >.envrc\n")
        os.chmod(name, 0o755)
        _, _, err = self.run_it("./writes.sh")
        self.assertIn(b"assent run: denied: create .envrc\n", err)

    def test_a_run_on_a_copy_says_how_to_get_at_it(self):
        status, _, err = self.run_it("sh", "-c", "echo x >made",
                                     options=["--overlay"])
        self.assertEqual(status, 0, err)
        self.assertFalse(self.has_run("made"))
        action = re.search(rb"^  assent changes (act_\w+)$", err, re.M)
        shown = self.assent("changes", action[1].decode())
        self.assertIn("made", shown.stdout)

    def test_a_workspace_that_became_a_link_is_refused(self):
        victim = f"{self.daemon.root}/victim"
        os.mkdir(victim)
        os.chmod(victim, 0o777)
        os.symlink(victim, f"{self.daemon.workspace}/swapped")
        for path in (f"{self.daemon.workspace}/swapped", "swapped",
                     f"{self.daemon.workspace}/swapped/"):
            status, _, err = self.run_it(
                "touch", "made", options=["--workspace", path])
            self.assertNotEqual(status, 0)
            self.assertIn(b"leads through a symbolic link", err)
        self.assertEqual(os.listdir(victim), [])

    def test_output_comes_while_it_runs(self):
        process = self.start("bash", "-c", "echo first; sleep 60")
        self.assertEqual(process.stdout.readline(), b"first\n")
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)

    def test_standard_input_is_passed_on_when_asked_for(self):
        self.assertEqual(
            self.run_it("cat", options=["--stdin"], stdin=subprocess.PIPE,
                        text=b"a line\n")[:2], (0, b"a line\n"))
        self.assertEqual(
            self.run_it("cat", stdin=subprocess.PIPE, text=b"x")[:2],
            (0, b""))

    def test_the_json_is_the_whole_decision(self):
        status, out, _ = self.run_it("echo", "hi", options=["--json"])
        decision = json.loads(out)
        self.assertEqual(status, 0)
        self.assertEqual(decision["outcome"]["stdout"], "hi\n")
        self.assertEqual(decision["state"], "done")

    def test_a_profile_may_narrow(self):
        status, _, _ = self.run_it("bash", "-c", "echo x >narrow",
                                   options=["--profile", "read-only"])
        self.assertNotEqual(status, 0)
        self.assertFalse(self.has_run("narrow"))

    def test_ten_at_a_time_do_not_mix(self):
        running = [self.start("bash", "-c", f"echo {i}; exit {i}")
                   for i in range(10)]
        for i, process in enumerate(running):
            out, _ = process.communicate(timeout=100)
            self.assertEqual((process.returncode, out), (i, b"%d\n" % i))

    # ---- what does not ----

    def test_a_denied_command_leaves_no_trace_but_its_reason(self):
        status, out, err = self.run_it(
            "bash", "-c", "touch denied; rm -rf /usr")
        self.assertEqual((status, out), (DENIED, b""))
        self.assertIn(b"floor.delete-system", err)
        self.assertFalse(self.has_run("denied"))

    def test_unanswered_is_cancelled_and_never_runs(self):
        status, out, err = self.run_it(
            "bash", "-c", "touch unanswered; git push origin main",
            options=["--timeout", "300ms"])
        self.assertEqual((status, out), (UNANSWERED, b""))
        self.assertIn(b"nobody answered", err)
        self.assertEqual(
            json.loads(self.assent("pending", "--json").stdout)["items"], [])
        self.assertFalse(self.has_run("unanswered"))

    def test_interrupted_while_it_waits_is_cancelled(self):
        process = self.start("bash", "-c",
                             "touch interrupted; git push origin main")
        self.the_pending_one()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 123)
        self.assertEqual(
            json.loads(self.assent("pending", "--json").stdout)["items"], [])
        self.assertFalse(self.has_run("interrupted"))

    # ---- a person ----

    def test_approved_it_runs_once(self):
        process = self.start("bash", "-c", "echo ran >>approved; "
                             "git push origin main")
        item = self.the_pending_one()
        self.assertFalse(self.has_run("approved"))
        wrong = self.assent("approve", item["id"], "--sha256", "0" * 8)
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIsNone(process.poll())
        right = self.assent("approve", item["id"], "--sha256",
                            item["action_sha256"][:12])
        self.assertEqual(right.returncode, 0, right.stderr)
        process.communicate(timeout=60)
        self.assertNotIn(process.returncode, (DENIED, UNANSWERED, 123))
        with open(f"{self.daemon.workspace}/approved",
                  encoding="ascii") as file:
            self.assertEqual(file.read(), "ran\n")
        again = self.assent("approve", item["id"])
        self.assertEqual(again.returncode, 1)

    def test_denied_by_a_person_it_tells_why(self):
        process = self.start(*ASKED)
        item = self.the_pending_one()
        self.assertEqual(item["proposal"]["display"], " ".join(ASKED))
        self.assent("deny", item["id"], "--reason", "use a branch")
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, DENIED)
        self.assertIn(b"use a branch", err)

    def test_pending_shows_what_it_would_be_permitted(self):
        process = self.start(*ASKED, options=["--justification", "so that"])
        self.the_pending_one()
        shown = self.assent("pending", "--long").stdout
        for text in ("  | git push origin main\n", "profile  workspace-write",
                     "claims   so that", "sha256", self.daemon.workspace):
            self.assertIn(text, shown)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

    def test_watching_sees_a_question_come(self):
        watch = subprocess.Popen(
            [f"{BIN}/assent", "pending", "--watch", "--runtime",
             self.daemon.runtime], stdout=subprocess.PIPE)
        process = self.start(*ASKED)
        line = watch.stdout.readline()
        self.assertTrue(line.startswith(b"act_"))
        self.assertIn(b"git push origin main", line)
        watch.kill()
        watch.communicate()
        watch.stdout.close()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def as_nobody():
    """This very test once more, with programs that nobody may start."""
    with tempfile.TemporaryDirectory(prefix="assent-it-") as folder:
        os.chmod(folder, 0o755)
        for name in ("assent", "assent-cli", "assentd", "assent-exec",
                     "assent-proxy"):
            shutil.copy(f"{BIN}/{name}", folder)
        os.symlink("assent", f"{folder}/assent-shell")
        for name in ("run.py", "lib_daemon.py"):
            shutil.copy(f"{os.path.dirname(os.path.abspath(__file__))}/{name}",
                        folder)
        return subprocess.run(
            ["setpriv", "--reuid", "nobody", "--regid", "nogroup",
             "--clear-groups", sys.executable, "-B", f"{folder}/run.py"],
            env=dict(os.environ, ASSENT_BIN=folder, HOME="/nonexistent"),
            cwd="/", check=False).returncode


if __name__ == "__main__":
    failed = not unittest.main(exit=False).result.wasSuccessful()
    if os.geteuid() == 0:
        failed = as_nobody() != 0 or failed
    sys.exit(failed)
