"""assent doctor: what a kernel lacks is said, with a remedy (I10)."""

import errno
import json
import os
import shutil
import subprocess
import unittest

from lib_fake_daemon import FakeDaemon, json_reply
from lib_weak import without_namespaces

ASSENT = os.environ["ASSENT_BIN"] + "/assent"
ENFORCED = {"no_new_privs": True, "not_dumpable": True, "capabilities": True,
            "seccomp": True, "landlock": 7}


def doctor(*before, runtime="/nonexistent", become=None):
    """exit status, findings by (area, name)"""
    ran = subprocess.run(
        [*before, ASSENT, "doctor", "--json", "--runtime", runtime],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
        timeout=100, preexec_fn=become)
    report = json.loads(ran.stdout)
    found = {(one["area"], one["name"]): one for one in report["findings"]}
    return ran.returncode, found


def can_trace():
    return shutil.which("strace") and subprocess.run(
        ["strace", "-o", "/dev/null", "true"], check=False,
        stderr=subprocess.DEVNULL).returncode == 0


class Doctor(unittest.TestCase):
    def test_i10_namespaces_that_a_container_forbids_are_missing(self):
        """By a filter, which no setting of the kernel's tells."""
        _, found = doctor()
        before = found["kernel", "user-namespaces"]["state"]
        _, found = doctor(become=lambda: without_namespaces(errno.EPERM))
        self.assertEqual((before, found["kernel", "user-namespaces"]["state"]),
                         ("ok", "missing"), found)

    def test_without_a_daemon_it_says_so_and_goes_on(self):
        _, found = doctor()
        self.assertEqual(found["daemon", "running"]["state"], "note")
        self.assertIn(("kernel", "seccomp"), found)

    def test_what_the_sandbox_holds_was_tried(self):
        _, found = doctor()
        tried = {name: one for (area, name), one in found.items()
                 if area == "sandbox"}
        if found["sandbox", "runs"]["state"] != "ok":
            if os.environ.get("ASSENT_MUST_SANDBOX") == "1":
                self.fail(found["sandbox", "runs"]["detail"])
            self.skipTest("SKIP: no sandbox here: "
                          + found["sandbox", "runs"]["detail"])
        self.assertEqual(len(tried), 8)
        for name, one in tried.items():
            self.assertEqual(one["state"], "ok", name)

    @unittest.skipUnless(can_trace(), "SKIP: strace cannot trace here")
    def test_i10_each_missing_feature_is_reported_with_a_remedy(self):
        for call, name in (("landlock_create_ruleset", "landlock"),
                           ("seccomp", "seccomp-notify")):
            status, found = doctor(
                "strace", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                f"inject={call}:error=ENOSYS")
            self.assertEqual(found["kernel", name]["state"], "missing")
            self.assertTrue(found["kernel", name]["remedy"])
            self.assertEqual(status, 1)

    def roles(self, **roles):
        with FakeDaemon() as fake:
            fake.answer("GET /readyz", json_reply(
                200, {"ready": True, "reasons": [], "roles": roles}))
            return doctor(runtime=fake.runtime)[1]

    def test_i10_what_a_role_lacks_is_reported(self):
        found = self.roles(
            front={"up": True, "enforced": ENFORCED},
            engine={"up": True, "enforced": dict(ENFORCED, seccomp=False)},
            reporter={"up": True, "enforced": dict(ENFORCED, landlock=0)},
            reviewer={"up": True}, other={"up": False})
        self.assertEqual(found["role", "front"]["state"], "ok")
        self.assertIn("lacks seccomp", found["role", "engine"]["detail"])
        self.assertIn("lacks landlock", found["role", "reporter"]["detail"])
        self.assertIn("no_new_privs", found["role", "reviewer"]["detail"])
        self.assertEqual(found["role", "other"]["state"], "missing")

    def test_a_daemon_that_is_not_ready_gives_its_reasons(self):
        with FakeDaemon() as fake:
            fake.answer("GET /readyz", json_reply(
                503, {"ready": False, "reasons": ["the disk is full"]}))
            status, found = doctor(runtime=fake.runtime)
        self.assertEqual(status, 1)
        self.assertEqual(found["daemon", "reason"]["detail"],
                         "the disk is full")


if __name__ == "__main__":
    unittest.main()
