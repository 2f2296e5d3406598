"""What the kernel itself says that a run of root's was denied: Landlock's audit
records reach the person, the agent and the log, and nobody speaks for another.

Where the kernel's auditing is off the test says so and is skipped; with
ASSENT_TEST_AUDIT=1 it may switch it on for its own time, on a machine that
nobody else uses."""

import errno
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from lib_daemon import Daemon

NETLINK_AUDIT, AUDIT_GET, AUDIT_SET, AUDIT_ADD_RULE = 9, 1000, 1001, 1011
BIN = os.environ["ASSENT_BIN"]
KERNEL = "the kernel (Landlock): "
ours = False  # this test switches auditing on and off
RULES = """assent: 1
rules:
  - id: test.kill
    title: Signals
    tool: shell
    command: {program: kill}
    decision: allow
    reason: The test sends them.
    covers: {signal: any}
"""


def ask_kernel(kind, payload):
    """What the kernel's audit answers; its error as OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                       NETLINK_AUDIT) as s:
        s.settimeout(2)
        s.bind((0, 0))
        flags = 1 if kind == AUDIT_GET else 5
        s.send(struct.pack("IHHII", 16 + len(payload), kind, flags, 1, 0) +
               payload)
        answer = s.recv(65536)
    error = struct.unpack("i", answer[16:20])[0]
    if struct.unpack("H", answer[4:6])[0] == 2 and error != 0:
        raise OSError(-error, os.strerror(-error))
    return answer[16:]


def is_on():
    return struct.unpack("2I", ask_kernel(AUDIT_GET, b"")[:8])[1] != 0


def set_audit(on):
    ask_kernel(AUDIT_SET, struct.pack("11I", 1, on, *[0] * 9))


def leave_others_alone():
    """No process gets slower by auditing: none is followed call by call."""
    try:
        ask_kernel(AUDIT_ADD_RULE, struct.pack("III", 1, 0, 0) +
                   b"\xff" * 256 + bytes(768) + struct.pack("I", 0))
    except OSError as e:
        if e.errno != errno.EEXIST:
            raise


def skip(why):
    print(f"SKIP: {why}")
    sys.exit(77)


def landlock_abi():
    import ctypes
    return ctypes.CDLL(None).syscall(444, None, 0, 1)


def kernel_words(violations):
    return [v for v in violations if v.startswith(KERNEL)]


def sandbox(script, *options, config=None):
    words = [f"{BIN}/assent", "sandbox"]
    words += ["--config", config] if config else []
    with tempfile.TemporaryDirectory(prefix="assent-it-",
                                     dir="/var/tmp") as ws:
        return subprocess.run(
            [*words, "--workspace", ws, *options, "--", "sh", "-c", script],
            capture_output=True, text=True, timeout=60, check=False,
            cwd=ws).stderr


class KernelsWord(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rules = tempfile.mkdtemp(prefix="assent-it-")
        with open(cls.rules + "/kill.yaml", "w", encoding="ascii") as to:
            to.write(RULES)
        cls.d = Daemon("", ["--rules", cls.rules])
        cls.d.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def is_of_daemon(self, pid):
        while pid > 1 and pid != self.d.process.pid:
            with open(f"/proc/{pid}/stat", encoding="ascii") as text:
                pid = int(text.read().rsplit(")", 1)[1].split()[1])
        return pid == self.d.process.pid

    def run_script(self, script):
        status, body, _ = self.d.agent(
            "POST", "/v1/actions",
            {"tool": "shell", "input": {"script": script},
             "cwd": self.d.workspace, "workspace": self.d.workspace,
             "session": "s", "execute": True}, {"Prefer": "wait=30"})
        self.assertEqual((status, body["state"]), (200, "done"), body)
        return body

    def test_the_agent_and_the_log_are_told_what_the_kernel_denied(self):
        # Everything fresh, then prepared ahead. Slow enough for any machine.
        for _ in range(4):
            body = self.run_script(
                "kill -9 1; kill -9 1; sleep 0.2; exit 3")
            told = kernel_words(body["outcome"]["violations"])
            self.assertEqual(len(told), 1, body["outcome"])
            self.assertIn("scope.signal", told[0])
            self.assertIn("(2 times)", told[0])
            self.assertIn("hint: signals reach processes of the run alone",
                          str(body["outcome"]["violations"]))
        log = subprocess.run(
            [f"{BIN}/assent", "log", "show", "--state", self.d.state,
             body["id"]], capture_output=True, text=True, timeout=60,
            check=False).stdout
        self.assertIn("denied: the kernel (Landlock): scope.signal", log)

    def test_assent_sandbox_tells_the_person(self):
        said = sandbox("kill -9 1; kill -9 1; false")
        self.assertIn("denied: the kernel (Landlock): scope.signal", said)
        self.assertIn("(2 times)", said)

    def test_a_run_that_was_denied_nothing_hears_nothing(self):
        for _ in range(3):
            body = self.run_script("true")
            self.assertEqual(body["outcome"]["violations"], [])

    def test_no_run_speaks_for_another(self):
        """Many at once, of one account: each has its own number of denials."""
        found, failed = {}, []

        def one(n):
            try:
                body = self.run_script(
                    "for i in $(seq %d); do kill -9 1; done; sleep 0.3; "
                    "exit 1" % n)
                found[n] = kernel_words(body["outcome"]["violations"])
            except Exception as e:  # shown by the test
                failed.append(e)

        threads = [threading.Thread(target=one, args=(n,))
                   for n in range(2, 8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(failed, [])
        for n, words in found.items():
            self.assertEqual(len(words), 1, (n, words))
            self.assertIn(f"({n} times)", words[0])

    def test_another_landlock_user_speaks_for_no_run(self):
        """Outside, as another user: its denials are no run's."""
        outsider = subprocess.Popen(
            [sys.executable, "-c", OUTSIDER], stdout=subprocess.DEVNULL)
        try:
            for _ in range(3):
                body = self.run_script("sleep 0.2; exit 1")
                self.assertEqual(
                    kernel_words(body["outcome"]["violations"]), [])
        finally:
            outsider.kill()
            outsider.wait()

    def test_a_flood_of_denials_is_counted_and_ends(self):
        began = time.monotonic()
        body = self.run_script(
            "for i in $(seq 3000); do kill -9 1; done 2>/dev/null; "
            "sleep 0.3; exit 1")
        self.assertLess(time.monotonic() - began, 30)
        words = kernel_words(body["outcome"]["violations"])
        self.assertEqual(len(words), 1, body["outcome"])
        self.assertEqual(self.run_script("true")["outcome"]["violations"],
                         [])

    def test_who_reads_the_records_has_no_rights(self):
        self.run_script("true")
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/status", encoding="ascii") as text:
                    status = dict(line.split(":\t", 1) for line in text
                                  if ":\t" in line)
                with open(f"/proc/{status['PPid'].strip()}/cmdline",
                          "rb") as text:
                    parent = text.read().split(b"\0")
            except (OSError, KeyError):
                continue
            if (parent[1:2] == [b"--launcher"] and
                    status["Uid"].split()[0] == "65534" and
                    self.is_of_daemon(int(status["PPid"]))):
                found.append((pid, status))
        self.assertEqual(len(found), 1, found)
        pid, status = found[0]
        self.assertEqual(status["Uid"].split(), ["65534"] * 4)
        self.assertEqual(status["Groups"].strip(), "")
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual(status["NoNewPrivs"].strip(), "1")
        self.assertEqual(status["Seccomp"].strip(), "2")
        self.assertEqual(len(os.listdir(f"/proc/{pid}/fd")), 2)

    def test_with_off_a_run_makes_no_records(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as c:
            c.write("sandbox: {audit: off}\n")
            c.flush()
            said = sandbox("kill -9 1; false", config=c.name)
        self.assertNotIn(KERNEL, said)

    def test_on_switches_auditing_on_and_it_stays(self):
        if not ours:
            self.skipTest("SKIP: auditing was on before, and stays as it is")
        set_audit(0)
        try:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as c:
                c.write("sandbox: {audit: auto}\n")
                c.flush()
                self.assertNotIn(
                    KERNEL, sandbox("kill -9 1; false", config=c.name))
                self.assertFalse(is_on())
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as c:
                c.write("sandbox: {audit: on}\n")
                c.flush()
                said = sandbox("kill -9 1; kill -9 1; false", config=c.name)
            self.assertIn("denied: the kernel (Landlock): scope.signal", said)
            self.assertTrue(is_on())
        finally:
            set_audit(1)

    def test_doctor_says_that_they_are_read(self):
        out = subprocess.run([f"{BIN}/assent", "doctor"], timeout=120,
                             capture_output=True, text=True,
                             check=False).stdout
        self.assertRegex(out, r"ok +kernel +denial-records: read")


# A domain that forbids reading files, entered as another user, and read in.
OUTSIDER = """
import ctypes, os, struct
l = ctypes.CDLL(None)
os.setgid(34567); os.setuid(34567)
l.prctl(38, 1, 0, 0, 0)
attr = struct.pack("Q", 4)
fd = l.syscall(444, attr, 8, 0)
l.syscall(446, fd, 0)
while True:
    try:
        open("/etc/hostname").close()
    except OSError:
        pass
    os.sched_yield()
"""


def main():
    if os.geteuid() != 0:
        skip("only root may read the kernel's audit records")
    if landlock_abi() < 7:
        skip("this kernel keeps no records of what Landlock denies (6.15)")
    try:
        on = is_on()
    except OSError as e:
        skip(f"this kernel's auditing cannot be asked: {e}")
    if not on and os.environ.get("ASSENT_TEST_AUDIT") != "1":
        skip("the kernel's auditing is off: 'auditctl -e 1', or "
             "ASSENT_TEST_AUDIT=1 lets this test switch it on and off")
    global ours
    ours = not on
    if not on:
        leave_others_alone()
        set_audit(1)
    try:
        unittest.main()
    finally:
        if not on:
            set_audit(0)


if __name__ == "__main__":
    main()
