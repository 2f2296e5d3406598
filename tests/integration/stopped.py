"""What does not answer any more: a launcher, a run's first process or a role
that somebody stops (SIGSTOP) is killed after its time, runs end with the
reason, clients get an error, and nothing is allowed meanwhile."""

import os
import signal
import time
import unittest

from lib_daemon import Daemon

CONFIG = ("sandbox: {launcher_timeout: 2s}\n"
          "role_timeout: 6s\n")
MARK = "left-by-a-stopped-launcher"
WITHIN_S = 40  # a busy machine


def wait(condition, what):
    end = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {WITHIN_S} s: {what}")
        time.sleep(0.02)


def processes(word):
    """Whose command line has this word."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as words:
                if word.encode() in words.read() and \
                        int(entry) != os.getpid():
                    found.append(int(entry))
        except OSError:
            pass
    return found


def parent(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as text:
        return int(text.read().rsplit(")", 1)[1].split()[1])


class Stopped(unittest.TestCase):
    def setUp(self):
        self.d = Daemon(CONFIG)
        self.d.__enter__()
        os.chmod(self.d.root, 0o755)
        self.stopped = []

    def tearDown(self):
        for pid in self.stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self.d.__exit__(None, None, None)

    def stop(self, pid):
        os.kill(pid, signal.SIGSTOP)
        self.stopped.append(pid)

    def outcome(self, action):
        end = time.monotonic() + WITHIN_S
        while action.get("state") != "done":
            self.assertLess(time.monotonic(), end, action)
            _, action, _ = self.d.agent(
                "GET", f"/v1/actions/{action['id']}",
                headers={"Prefer": "wait=5"})
        return action["outcome"]

    def works(self):
        _, after, _ = self.d.shell("echo works", wait=30)
        self.assertEqual(after["outcome"]["stdout"], "works\n", after)

    def run_of(self, script, **more):
        """A run that is under way: the action, its processes."""
        _, action, _ = self.d.shell(f"{script} # {MARK}", wait=0, **more)
        wait(lambda: processes(MARK), "the run begins")
        return action

    def test_a_stopped_launcher_is_killed_with_all_its_runs(self):
        runs = [self.run_of("sleep 50; true"), self.run_of("sleep 51; true")]
        launcher, = self.d.roles()["launcher"]
        # Also what it started: that hears of nothing by itself.
        for pid in {parent(p) for p in processes(MARK)}:
            self.stop(pid)
        self.stop(launcher)
        for action in runs:
            outcome = self.outcome(action)
            self.assertIsNone(outcome["exit"])
            self.assertIn("did not answer for 2000 ms "
                          "(sandbox.launcher_timeout)", outcome["failure"])
        wait(lambda: not processes(MARK), "the processes of its runs end")
        wait(lambda: not os.path.exists(f"/proc/{launcher}"), "it ends")
        self.assertIn("launcher-killed", self.d.daemon_log())
        self.works()

    def test_a_launcher_that_is_stopped_before_the_run_is_noticed(self):
        self.works()
        launcher, = self.d.roles()["launcher"]
        self.stop(launcher)
        _, action, _ = self.d.shell("echo no", wait=0)
        self.assertIn("did not answer", self.outcome(action)["failure"])
        self.works()

    def test_a_launcher_that_is_busy_with_its_runs_is_left_alone(self):
        _, action, _ = self.d.shell("sleep 6; echo done", wait=30)
        self.assertEqual(self.outcome(action)["stdout"], "done\n")
        self.assertNotIn("launcher-killed", self.d.daemon_log())

    def test_a_stopped_first_process_of_a_run_ends_with_its_time(self):
        _, action, _ = self.d.agent(
            "POST", "/v1/actions",
            {"tool": "shell",
             "input": {"script": f"sleep 52; true # {MARK}",
                       "timeout_ms": 1000},
             "cwd": self.d.workspace, "workspace": self.d.workspace,
             "execute": True}, {"Prefer": "wait=0"})
        wait(lambda: processes(MARK), "the run begins")
        for pid in {parent(p) for p in processes(MARK)}:
            self.stop(pid)
        outcome = self.outcome(action)
        self.assertIn("did not end in time", outcome["failure"])
        self.works()

    def test_a_stopped_role_is_started_again_and_allows_nothing(self):
        for name in ("engine", "front"):
            pid, = self.d.roles()[name]
            self.stop(pid)
            try:
                status, body, _ = self.d.shell("rm -rf /", wait=0)
                self.assertNotEqual(body.get("decision"), "allow")
                self.assertIn(status, (200, 202, 503), body)
            except OSError:
                pass  # its link broke: an error, too
            wait(lambda: not os.path.exists(f"/proc/{pid}"), f"{name} ends")
            self.assertIn(f"role-killed role={name} pid={pid} why=it did not "
                          "answer", self.d.daemon_log().replace('"', ""))
            self.d.wait_ready()
            self.works()


if __name__ == "__main__":
    unittest.main()
