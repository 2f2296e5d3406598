"""The launcher behind the executor port: many runs, edits, input, ends."""

import hashlib
import json
import os
import signal
import subprocess
import time
import unittest

from lib_sandbox import BIN, World, modes, require_sandbox

DRIVER = os.path.dirname(BIN) + "/fake/executor_alone"


class Session:
    """Lines for the driver; results by number."""

    def __init__(self, w):
        self.w = w
        self.lines = []
        self.count = 0

    def act(self, tool, **given):
        self.count += 1
        self.lines.append(json.dumps({
            "tool": tool, "workspace": self.w.ws, "cwd": self.w.ws,
            "home": self.w.home, "input": given}))
        return self.count

    def say(self, line):
        self.lines.append(line)

    def run(self):
        ran = subprocess.run(
            [DRIVER, self.w.helper], input="\n".join(self.lines) + "\n",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=100, check=False, preexec_fn=self.w._become)
        if ran.returncode != 0:
            raise AssertionError(ran.stderr)
        ends = [json.loads(line) for line in ran.stdout.splitlines()]
        return {int(one["id"]): one for one in ends}


def in_each_mode(test):
    def run(self):
        for uid in modes():
            with self.subTest(uid=uid), World(uid) as w:
                test(self, w, Session(w))
    run.__name__ = test.__name__
    return run


class Launcher(unittest.TestCase):
    @in_each_mode
    def test_many_runs_at_once_each_with_its_own_output(self, _, s):
        for i in range(60):
            s.act("shell", script=f"echo out-{i}; echo err-{i} >&2; exit {i}")
        ends = s.run()
        self.assertEqual(len(ends), 60)
        for i in range(60):
            one = ends[i + 1]
            self.assertEqual(one["exit"], i, one)
            self.assertEqual(one["stdout"], f"out-{i}\n")
            self.assertEqual(one["stderr"], f"err-{i}\n")

    @in_each_mode
    def test_no_run_sees_another(self, _, s):
        s.act("shell", script="echo x > /tmp/mine; echo secret > "
              "/dev/shm/m; exec sleep 3")
        s.say("!sleep 300")
        s.act("shell", script="ls -A /tmp /dev/shm; ps ax | grep -c '[s]leep'; "
              "cat /proc/*/cmdline | tr '\\0' ' '")
        ends = s.run()
        self.assertNotIn("mine", ends[2]["stdout"])
        self.assertNotIn("sleep 3", ends[2]["stdout"])

    @in_each_mode
    def test_input_time_signals_and_caps(self, _, s):
        s.act("exec", argv=["cat"], stdin="given")
        s.act("exec", argv=["cat"])
        s.act("exec", argv=["sleep", "60"], timeout_ms=200)
        s.act("exec", argv=["cat"], stdin="")
        s.act("exec", argv=["no-such"])
        s.act("exec", argv=["sleep", "60"])
        s.act("exec", argv=["sh", "-c", "trap '' TERM; exec sleep 60"])
        s.act("shell", timeout_ms=1000, script="while :; do "
              "head -c 1000000 /dev/zero; sleep 0.03; done")
        s.act("exec", argv=["yes"])
        s.say("!sleep 150")
        s.say("!stdin 4 later\x04")
        s.say("!kill 6 15")
        s.say("!kill 7 15")
        s.say("!sleep 100")
        s.say("!kill 7 9")
        ends = s.run()
        self.assertEqual(ends[1]["stdout"], "given")
        self.assertEqual((ends[2]["exit"], ends[2]["stdout"]), (0, ""))
        self.assertTrue(ends[3]["timed_out"])
        self.assertEqual((ends[4]["exit"], ends[4]["stdout"]), (0, "later"))
        self.assertEqual(ends[5]["exit"], 127)
        self.assertIn("no-such", ends[5]["failure"])
        self.assertEqual(ends[6]["signal"], signal.SIGTERM)
        self.assertEqual(ends[7]["signal"], signal.SIGKILL)
        self.assertTrue(ends[8]["timed_out"])
        self.assertFalse(ends[8]["truncated"])
        self.assertGreater(ends[8]["bytes"], 4 << 20)
        self.assertIn("(limits.stream)", ends[9]["failure"])
        self.assertLessEqual(ends[9]["bytes"], 100 << 20)

    @in_each_mode
    def test_the_environment_is_what_was_approved(self, _, s):
        s.act("shell", script="env", env={"GREETING": "hello"})
        out = s.run()[1]["stdout"]
        self.assertIn("GREETING=hello\n", out)
        self.assertIn("ASSENT_SANDBOX=workspace-write\n", out)
        self.assertNotIn("TOKEN", out)

    @in_each_mode
    def test_edits_are_applied_as_they_were_shown_or_not_at_all(self, w, s):
        digest = hashlib.sha256(b"read me\n").hexdigest()
        s.act("file", edits=[
            {"path": "README", "op": "replace", "content": "one\ntwo\n",
             "sha256": digest},
            {"path": "new/deep/file", "op": "create", "content": "x\n"}])
        s.say("!wait")
        s.act("file", edits=[
            {"path": "README", "op": "patch",
             "patch": "@@ -1,2 +1,3 @@\n one\n-two\n+2\n+three\n"},
            {"path": "new/deep/file", "op": "move", "to": "moved"}])
        s.say("!wait")
        # Stale, then protected, then outside: nothing of it happens.
        s.act("file", edits=[
            {"path": "moved", "op": "delete"},
            {"path": "README", "op": "replace", "content": "EVIL",
             "sha256": digest}])
        s.say("!wait")
        for path in (".git/hooks/pre-commit", ".mcp.json", "../../victim/x",
                     "/etc/x", "s/.git/config"):
            s.act("file", edits=[
                {"path": "moved", "op": "replace", "content": "EVIL"},
                {"path": path, "op": "create", "content": "EVIL"}])
            s.say("!wait")
        ends = s.run()
        self.assertEqual((ends[1]["exit"], ends[2]["exit"]), (0, 0), ends)
        self.assertIn("stale", ends[3]["failure"])
        for i in range(4, 9):
            self.assertTrue(ends[i]["failure"], ends[i])
        with open(w.ws + "/README", encoding="utf-8") as text:
            self.assertEqual(text.read(), "one\n2\nthree\n")
        with open(w.ws + "/moved", encoding="utf-8") as text:
            self.assertEqual(text.read(), "x\n")
        self.assertEqual(os.stat(w.ws + "/moved").st_uid, w.uid)
        left = [name for name in os.listdir(w.ws) if "assent" in name]
        self.assertEqual(left, [])

    @in_each_mode
    def test_edits_do_not_follow_links_out_of_the_workspace(self, w, s):
        os.symlink(w.victim, w.ws + "/out")
        os.symlink(w.victim + "/plain.txt", w.ws + "/link")
        os.link(w.victim + "/plain.txt", w.ws + "/hard")
        w.own(w.ws)
        for path in ("out/new", "link"):
            s.act("file", edits=[
                {"path": path, "op": "create", "content": "EVIL"}])
        s.act("file", edits=[
            {"path": "hard", "op": "replace", "content": "EVIL"}])
        ends = s.run()
        self.assertTrue(ends[1]["failure"] and ends[2]["failure"])
        self.assertEqual(ends[3]["exit"], 0)
        with open(w.victim + "/plain.txt", encoding="utf-8") as text:
            self.assertEqual(text.read(), "original\n")
        self.assertEqual(os.listdir(w.victim), ["plain.txt"])

    @in_each_mode
    def test_when_the_engine_goes_everything_goes(self, w, _):
        mark = "assent-mark-" + os.urandom(6).hex()
        line = json.dumps({
            "tool": "shell", "workspace": w.ws, "cwd": w.ws, "home": w.home,
            "input": {"script": f": {mark}; sleep 60; :"}})
        with subprocess.Popen([DRIVER, w.helper], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL,
                              preexec_fn=w._become) as driver:
            driver.stdin.write(line.encode() + b"\n!sleep 20000\n")
            driver.stdin.flush()
            end = time.monotonic() + 10
            while not self.alive(mark) and time.monotonic() < end:
                time.sleep(0.02)
            self.assertTrue(self.alive(mark))
            driver.kill()
        end = time.monotonic() + 5
        while self.alive(mark) and time.monotonic() < end:
            time.sleep(0.02)
        self.assertFalse(self.alive(mark))

    @staticmethod
    def alive(mark):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as text:
                    if mark.encode() in text.read():
                        return True
            except OSError:
                pass
        return False


if __name__ == "__main__":
    require_sandbox()
    unittest.main()
