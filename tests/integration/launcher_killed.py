"""A launcher that is killed at any moment: no process of its runs stays, no
mount, and each action says what happened."""

import os
import random
import signal
import time
import unittest

from lib_daemon import Daemon

ROUNDS = 15
MARK = "left-by-a-killed-launcher"


def of_the_runs():
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as words:
                if MARK.encode() in words.read():
                    found.append(int(entry))
        except OSError:
            pass
    return found


def mounts():
    with open("/proc/self/mountinfo", "rb") as lines:
        return len(lines.readlines())


class Killed(unittest.TestCase):
    def test_nothing_is_left_and_the_outcome_says_so(self):
        seed = int(os.environ.get("SEED", "0")) or random.randrange(1 << 30)
        print(f"SEED={seed}")
        chance = random.Random(seed)
        with Daemon() as d:
            os.chmod(d.root, 0o755)
            with open(f"{d.workspace}/family.py", "w", encoding="ascii") as f:
                f.write("import os, time\n"
                        "for _ in range(4): os.fork()\n"
                        "time.sleep(30)\n")
            before = mounts()
            for _ in range(ROUNDS):
                _, action, _ = d.shell(f"python3 family.py {MARK}", wait=0)
                time.sleep(chance.choice((0, 0.004, 0.02, 0.1, 0.4)) *
                           chance.random())
                end = time.monotonic() + 20
                while not d.roles().get("launcher"):
                    self.assertLess(time.monotonic(), end)
                for pid in d.roles().get("launcher", []):
                    os.kill(pid, signal.SIGKILL)
                while action["state"] != "done":
                    self.assertLess(time.monotonic(), end, action)
                    _, action, _ = d.agent(
                        "GET", f"/v1/actions/{action['id']}",
                        headers={"Prefer": "wait=5"})
                self.assertIn("launcher ended", action["outcome"]["failure"])
                while of_the_runs():
                    self.assertLess(time.monotonic(), end, "a process stays")
                    time.sleep(0.02)
            self.assertEqual(mounts(), before)
            _, after, _ = d.shell("echo works", wait=30)
            self.assertEqual(after["outcome"]["stdout"], "works\n")


if __name__ == "__main__":
    unittest.main()
