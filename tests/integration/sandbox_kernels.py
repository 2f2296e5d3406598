"""Older kernels, by taking calls away: what is missing is either not needed,
or said; nothing runs with less than that."""

import errno
import os
import shutil
import subprocess
import unittest

from lib_sandbox import World, modes, require_sandbox
from lib_weak import without

# Without these nothing runs: what is missing, with which errors, and words.
NEEDED = {
    "mounts by descriptor": (("open_tree", "move_mount"), (errno.ENOSYS,)),
    "read-only trees": (("mount_setattr",), (errno.ENOSYS,)),
    "new mounts": (("fsopen", "fsconfig", "fsmount"), (errno.ENOSYS,)),
    "paths without links": (("openat2",), (errno.ENOSYS,)),
    "supervised calls": (("seccomp",), (errno.ENOSYS, errno.EINVAL)),
}
# Without these all goes on as before.
SPARE = {
    "clone3": (("clone3",), (errno.ENOSYS, errno.EPERM)),
}
DENIED = "echo x > .git/hooks/y; echo on"


class Old(World):
    names, error = (), errno.ENOSYS

    def _become(self):
        super()._become()
        if self.names:
            without(self.error, *self.names)


def in_each_mode(test):
    def run(self):
        for uid in modes():
            with self.subTest(uid=uid), Old(uid) as w:
                test(self, w)
    run.__name__ = test.__name__
    return run


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as text:
        return text.read()


class Kernels(unittest.TestCase):
    @in_each_mode
    def test_i10_without_what_is_needed_nothing_runs_and_it_is_said(self, w):
        before = mounts()
        for name, (calls, errors) in NEEDED.items():
            for error in errors:
                with self.subTest(missing=name, error=error):
                    w.names, w.error = calls, error
                    status, out = w.run(["touch", "made"])
                    self.assertIn(status, (123, 125), out)
                    self.assertRegex(out, r"^assent: \S")
                    self.assertFalse(os.path.exists(w.ws + "/made"))
        self.assertEqual(mounts(), before)

    @in_each_mode
    def test_without_what_is_not_needed_all_goes_on(self, w):
        for name, (calls, errors) in SPARE.items():
            for error in errors:
                with self.subTest(missing=name, error=error):
                    w.names, w.error = calls, error
                    self.assertEqual(*map(sorted, (
                        w.run(DENIED)[1].splitlines(),
                        w.run_as_usual()[1].splitlines())))

    @in_each_mode
    def test_i10_a_kernel_without_landlock_is_told_and_holds(self, w):
        w.names = ("landlock_create_ruleset",)
        for w.error in (errno.ENOSYS, errno.EOPNOTSUPP):
            status, out = w.run(
                f"echo in > made; echo x > .git/hooks/pre-commit; "
                f"cat {w.home}/notes.txt; echo x > {w.victim}/plain.txt; cat "
                "made")
            self.assertEqual(status, 0, out)
            self.assertIn("note: Landlock is not there", out)
            self.assertNotIn("SECRET", out)
            self.assertFalse(
                os.path.exists(w.ws + "/.git/hooks/pre-commit"))
            with open(w.victim + "/plain.txt", encoding="ascii") as text:
                self.assertEqual(text.read(), "original\n")

    @in_each_mode
    def test_i10_required_landlock_refuses_an_older_kernel(self, w):
        shutil.copy(os.environ["ASSENT_BIN"] + "/assent", w.top)
        w.put(w.top + "/c.yaml", "require: [landlock>=1]\n")
        w.names = ("landlock_create_ruleset",)
        ran = subprocess.run(
            [w.top + "/assent", "sandbox", "--config", w.top + "/c.yaml",
             "--workspace", w.ws, "--", "touch", "made"], cwd=w.ws,
            env=w.env(XDG_RUNTIME_DIR=w.top, XDG_STATE_HOME=w.top),
            preexec_fn=w._become, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        self.assertEqual(ran.returncode, 125, ran.stdout)
        self.assertIn("landlock>=1 is required", ran.stdout)
        self.assertFalse(os.path.exists(w.ws + "/made"))


def run_as_usual(self):
    self.names = ()
    return self.run(DENIED)


Old.run_as_usual = run_as_usual

if __name__ == "__main__":
    require_sandbox()
    unittest.main()
