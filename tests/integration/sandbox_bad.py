"""Hostile and broken surroundings: an error in words, and nothing is left."""

import os
import shutil
import signal
import subprocess
import time
import unittest

from lib_sandbox import World, in_each_mode, modes, require_sandbox

# A hundred thousand take a while to make.
ENTRIES = 100000 if os.environ.get("ASSENT_TEST_FULL") else 4000
WORDS = 5000


def of_helper(w):
    """Processes that run this world's helper."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/exe").startswith(w.helper):
                found.append(int(pid))
        except OSError:
            pass
    return found


def marked(mark):
    """Processes whose command line has the mark."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as text:
                if mark.encode() in text.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as text:
        return text.read()


def settle(what, limit_s=10):
    end = time.time() + limit_s
    while what() and time.time() < end:
        time.sleep(0.01)
    return what()


def kill_if_there(pid):
    """With one of them others end, too."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Bad(unittest.TestCase):
    @in_each_mode
    def test_the_helper_may_be_killed_at_any_point(self, w):
        before, mark = mounts(), f"31.4{os.getpid()}{w.uid}"
        for i in range(24):
            with w.start(["sleep", mark]) as process:
                time.sleep(i * 0.0007)
                if i % 3 == 2:
                    for pid in of_helper(w):
                        if pid != process.pid:
                            kill_if_there(pid)
                    # What it was doing there is over, and it says so.
                    time.sleep(0.02)
                process.kill()
                process.communicate(timeout=30)
            self.assertEqual(settle(lambda: of_helper(w)), [])
            self.assertEqual(settle(lambda: marked(mark)), [])
        self.assertEqual(mounts(), before)
        self.assertEqual(sorted(os.listdir(w.ws)), [".git", "README"])

    @in_each_mode
    def test_the_first_process_killed_is_reported(self, w):
        mark = f"271.{os.getpid()}{w.uid}"
        with w.start(["sleep", mark]) as process:
            settle(lambda: len(marked(mark)) < 2)
            inner = [pid for pid in of_helper(w) if pid != process.pid]
            for pid in inner:
                kill_if_there(pid)
            try:
                out, _ = process.communicate(timeout=30)
            finally:
                process.kill()
        self.assertEqual(process.returncode, 123)
        self.assertIn(b"killed from outside", out)
        self.assertEqual(settle(lambda: marked(mark)), [])

    @in_each_mode
    def test_many_entries_are_no_trouble(self, w):
        os.mkdir(w.ws + "/many")
        for i in range(ENTRIES):
            os.mknod(f"{w.ws}/many/{i}")
        w.own(w.ws)
        self.assertEqual(w.run("ls many | wc -l"), (0, f"{ENTRIES}\n"))

    @in_each_mode
    def test_a_workspace_may_have_any_name(self, w):
        for name in (b"new\nline", b"bad\xff\xfe", b" ", b"-x",
                     b"'quotes\"$(true)`", b"x" * 200, "ünï".encode()):
            path = os.fsencode(w.home) + b"/" + name
            os.mkdir(path)
            w.own(w.home)
            status, out = w.run(["sh", "-c", "pwd > here; cat here"],
                                "--workspace", os.fsdecode(path), cwd=path)
            self.assertEqual(status, 0, out)
            self.assertEqual(out, (path + b"\n").decode("utf-8", "replace"))
            self.assertTrue(os.path.exists(path + b"/here"))
            status, _ = w.run(["true"], "--print-plan", "--workspace",
                              os.fsdecode(path))
            self.assertEqual(status, 0)

    @in_each_mode
    def test_workspaces_that_are_none(self, w):
        w.outside("ln -s loop ../loop; ln -s proj ../link; mkfifo ../pipe; "
                  "mkdir ../shut; chmod 0 ../shut")
        for name, words in (("loop", "cannot"), ("link", "symbolic link"),
                            ("pipe", "not a folder"), ("none", "cannot"),
                            ("link/.git", "symbolic link")):
            status, out = w.run(["true"], "--workspace",
                                f"{w.home}/{name}", cwd="/")
            self.assertIn(status, (123, 125), out)
            self.assertRegex(out, f"^assent: .*{words}")
        if w.uid != 0:
            status, out = w.run(["true"], "--workspace", w.home + "/shut",
                                cwd="/")
            self.assertEqual(status, 125, out)

    @in_each_mode
    def test_more_than_the_limits_is_refused_in_words(self, w):
        for words in (["true"] + ["x"] * WORDS,
                      ["true", "y" * (120 << 10)]):
            status, out = w.run(words)
            self.assertTrue(status == 0 or
                            out.startswith("assent: "), (status, out[:200]))
        status, out = w.run(["true"], "--workspace", "/" + "z" * 5000)
        self.assertEqual(status, 125, out)
        status, out = w.run(["true"], cwd="/")
        self.assertEqual(status, 0, out)

    @unittest.skipUnless(os.geteuid() == 0, "SKIP: needs root")
    def test_mounts_in_the_workspace_do_no_harm(self):
        for uid in modes():
            with self.subTest(uid=uid), World(uid) as w:
                for name in ("disk", "processes", "file"):
                    os.mkdir(f"{w.ws}/{name}")
                ran = subprocess.run(
                    ["unshare", "-m", "--propagation", "private", "sh", "-c",
                     f"mount -t tmpfs -o mode=777 t '{w.ws}/disk' && "
                     f"mount -t proc p '{w.ws}/processes' && "
                     f"mount --bind /etc/shadow '{w.ws}/README' && "
                     f"chown -R {uid}:{uid} '{w.ws}/disk' && "
                     f"exec setpriv --reuid {uid} --regid {uid} "
                     f"--clear-groups '{w.helper}' --oneshot --workspace "
                     f"'{w.ws}' -- sh -c 'echo x > disk/x; cat README; "
                     "ls processes/1/root; echo end'"],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    text=True, timeout=60, check=False, cwd="/",
                    env=w.env())
                self.assertIn("end", ran.stdout)
                self.assertNotIn("root:", ran.stdout)
                self.assertNotIn("\nbin\n", ran.stdout)
                # Owners cannot be mapped on every file system: then what
                # is mounted is left out, and the folder below is shown.
                if uid != 0:
                    self.assertEqual(os.listdir(w.ws + "/disk"), [])


if __name__ == "__main__":
    if not shutil.which("setpriv"):
        raise SystemExit(77)
    require_sandbox()
    unittest.main()
