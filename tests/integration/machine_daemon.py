"""Who has no daemon of his own asks that of the machine, and no other."""

import os
import subprocess
import sys
import tempfile
import unittest

USER = 20500  # owns nothing
ASSENT = os.environ["ASSENT_BIN"] + "/assent"


def unshared():
    """In mounts of our own: /run is an empty folder here."""
    if os.environ.get("ASSENT_UNSHARED"):
        return
    if subprocess.run(["unshare", "-m", "true"], check=False,
                      capture_output=True).returncode != 0:
        print("SKIP: a mount namespace takes root")
        sys.exit(77)
    os.environ["ASSENT_UNSHARED"] = "1"
    os.execvp("unshare", ["unshare", "-m", "--propagation", "private",
                          sys.executable, *sys.argv])


class Machine(unittest.TestCase):
    def setUp(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none",
                        "/run"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/run"], check=True)
        self.top = tempfile.TemporaryDirectory(prefix="assent-it-")
        self.addCleanup(self.top.cleanup)
        os.chmod(self.top.name, 0o755)
        self.own = self.top.name + "/assent"

    def status(self, *options):
        """What a plain user is told; he owns what is in his folder."""
        done = subprocess.run(
            [ASSENT, "status", *options], check=False, timeout=30,
            capture_output=True, text=True, cwd="/",
            env={"XDG_RUNTIME_DIR": self.top.name, "PATH": "/usr/bin:/bin"},
            user=USER, group=USER, extra_groups=[])
        self.assertIn(done.returncode, (1, 69), done)
        return done.stderr

    def test_a_user_without_a_daemon_asks_the_machines(self):
        self.assertIn(self.own, self.status())
        os.mkdir("/run/assent")
        self.assertIn("/run/assent/agent.sock", self.status())
        self.assertIn("/nowhere", self.status("--runtime", "/nowhere"))

    def test_a_daemon_of_ones_own_comes_first(self):
        os.mkdir("/run/assent")
        os.mkdir(self.own)
        os.chown(self.own, USER, USER)
        self.assertIn(self.own + "/agent.sock", self.status())

    def test_a_folder_that_others_may_write_is_not_believed(self):
        os.mkdir("/run/assent")
        os.chmod("/run/assent", 0o777)
        self.assertIn("a daemon there is not believed", self.status())


if __name__ == "__main__":
    unshared()
    unittest.main()
