"""Limits that the kernel holds: control groups where there are any, and what
bounds memory where there are none."""

import glob
import os
import re
import shutil
import subprocess
import time
import unittest

from lib_sandbox import USER, World, in_each_mode, require_sandbox

CONTROLS = ("memory", "pids", "cpu")
HELD_MB = 900  # well above the limit of these runs, well below a machine's

# Each holds memory in a way that no process's own pages show, and says how
# many MiB it has got; {M}: a MiB of bytes.
HOGS = {
    "shared pages that were let go of":
        "import mmap\nkeep = []\n"
        "for i in range({N}):\n"
        "  m = mmap.mmap(-1, 1 << 20)\n  m.write({M})\n"
        "  m.madvise(mmap.MADV_DONTNEED)\n  keep.append(m)\n"
        "  print('held', i + 1, flush=True)\n",
    "all but a page unmapped":
        "import ctypes\nl = ctypes.CDLL(None)\n"
        "l.mmap.restype = ctypes.c_void_p\n"
        "l.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + "
        "[ctypes.c_int] * 3 + [ctypes.c_long]\n"
        "l.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]\n"
        "for i in range({N}):\n"
        "  a = l.mmap(None, 1 << 20, 3, 0x21, -1, 0)\n"
        "  if a in (None, 2**64 - 1): break\n"
        "  ctypes.memset(a, 1, 1 << 20)\n"
        "  l.munmap(a + 4096, (1 << 20) - 4096)\n"
        "  print('held', i + 1, flush=True)\n",
    "memory files on their way through a socket":
        "import os, socket\nkeep = []\n"
        "for i in range({N} // 32):\n"
        "  a, b = socket.socketpair()\n  f = os.memfd_create('x')\n"
        "  for _ in range(32): os.write(f, {M})\n"
        "  socket.send_fds(a, [b'x'], [f])\n  os.close(f)\n"
        "  keep += [a, b]\n  print('held', 32 * (i + 1), flush=True)\n",
    "a device of zeros mapped shared":
        "import mmap, os\nkeep = []\n"
        "f = os.open('/dev/zero', os.O_RDWR)\n"
        "for i in range({N}):\n"
        "  m = mmap.mmap(f, 1 << 20)\n  m.write({M})\n"
        "  m.madvise(mmap.MADV_DONTNEED)\n  keep.append(m)\n"
        "  print('held', i + 1, flush=True)\n",
    "many children":
        "import os, time\n"
        "for i in range({N} // 32):\n"
        "  if os.fork() == 0:\n"
        "    x = bytearray(b'x') * (32 << 20)\n"
        "    print('held', 32 * (i + 1), flush=True)\n"
        "    time.sleep(20)\n"
        "  time.sleep(0.05)\n"
        "time.sleep(5)\n",
}


def own_groups():
    """Where the groups of this process are, by controller (version 1)."""
    found = {}
    with open("/proc/self/cgroup", encoding="ascii") as text:
        for line in text:
            _, names, path = line.rstrip("\n").split(":", 2)
            for name in set(names.split(",")) & set(CONTROLS):
                folder = f"/sys/fs/cgroup/{name}{path.rstrip('/')}"
                if os.access(folder, os.W_OK):
                    found[name] = folder
    return found


def left_groups(groups, out):
    """Of the run that told its groups; other tests have runs of their own."""
    name = re.search(r"assent-run-[0-9-]+", out).group()
    return [path for folder in groups.values()
            for path in glob.glob(f"{folder}/{name}")]


class Delegated:
    """Groups of a plain user, as a service manager would give them."""

    def __init__(self, uid):
        self.folders = []
        for folder in own_groups().values():
            path = f"{folder}/it-{os.getpid()}"
            os.mkdir(path)
            self.folders.append(path)
            for name in (".", "cgroup.procs", "tasks"):
                os.chown(f"{path}/{name}", uid, uid)

    def enter(self):
        for folder in self.folders:
            with open(folder + "/cgroup.procs", "w", encoding="ascii") as to:
                to.write("0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end = time.time() + 10
        for folder in self.folders:
            while time.time() < end:
                try:
                    os.rmdir(folder)
                    break
                except OSError:
                    time.sleep(0.02)


def limited(w):
    """The options that make a profile with little memory."""
    path = w.top + "/assent.yaml"
    if not os.path.exists(path):
        w.put(path, "profiles:\n"
              "  small: {limits: {memory: 256M, pids: 40, tmp: 4M}}\n"
              "  slow: {limits: {cpu: 10, wall: 1s}}\n")
    return path


def run(w, words, **popen):
    """With that profile: exit status, output. By way of assent, which reads
    the configuration."""
    become = popen.pop("become", w._become)
    profile = popen.pop("profile", "small")
    with subprocess.Popen(
            [w.top + "/assent", "sandbox", "--config", limited(w),
             "--profile", profile, "--workspace", w.ws, "--", *words],
            cwd=w.ws, env=w.env(XDG_RUNTIME_DIR=w.top, XDG_STATE_HOME=w.top),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, preexec_fn=become) as process:
        out, _ = process.communicate(timeout=60)
    return process.returncode, out.decode("utf-8", "replace")


# A script that meets a limit and tells nobody but its own program; what has to
# be said.
SILENT = {
    "processes": (
        "for i in $(seq 60); do sleep 0.5 & done 2>/dev/null; wait; exit 3",
        ["limit: processes at a time: 40", "'limits: {pids: ...}'"]),
    "threads": (
        "python3 -c 'import threading, time\n"
        "for i in range(60):\n"
        "  threading.Thread(target=time.sleep, args=(0.5,)).start()'",
        ["limit: processes at a time: 40", "'limits: {pids: ...}'"]),
    "room in /tmp": (
        "head -c 5M /dev/zero > /tmp/big",
        ["limit: bytes of its own /tmp and ~/.cache: 4194304",
         "'limits: {tmp: ...}'"]),
    "room in /tmp that is free again": (
        "head -c 5M /dev/zero > /tmp/big; sleep 0.3; rm /tmp/big; exit 1",
        ["limit: bytes of its own /tmp and ~/.cache: 4194304"]),
    "open files": (
        "python3 -c 'all = [open(f\"f{i}\", \"w\") for i in range(4200)]'",
        ["limit: open files of one process", "no profile gives"]),
}


def prepared(w):
    """With the program that reads configurations beside the helper."""
    shutil.copy(os.environ["ASSENT_BIN"] + "/assent", w.top)
    return w


class Limits(unittest.TestCase):
    @in_each_mode
    def test_memory_is_bounded_however_it_is_held(self, w):
        prepared(w)
        for name, code in HOGS.items():
            with self.subTest(way=name):
                code = code.replace("{N}", str(HELD_MB)) \
                    .replace("{M}", "(b'x' * (1 << 20))")
                _, out = run(w, ["python3", "-c", code])
                held = [int(line.split()[1]) for line in out.splitlines()
                        if line.startswith("held ") and
                        line.split()[1].isdigit()]
                self.assertTrue(held, out)
                self.assertLess(max(held), HELD_MB * 3 // 4, out[-300:])

    @in_each_mode
    def test_a_limit_that_only_the_program_meets_is_told(self, w):
        prepared(w)
        for name, (script, words) in SILENT.items():
            with self.subTest(limit=name):
                _, out = run(w, ["bash", "-c", script])
                for word in words:
                    self.assertIn(word, out)

    @in_each_mode
    def test_a_limit_that_was_not_met_is_not_told(self, w):
        prepared(w)
        _, out = run(w, ["bash", "-c",
                         "for i in $(seq 20); do sleep 0.3 & done; wait; "
                         "head -c 2M /dev/zero > /tmp/x; exit 1"])
        self.assertNotIn("limit:", out)

    def test_processes_of_other_runs_do_not_count(self):
        if "pids" not in own_groups() or os.geteuid() != 0:
            self.skipTest("SKIP: no control groups to make here")
        with World(0) as w:
            prepared(w)
            crowd = ["bash", "-c", "for i in $(seq 30); do sleep 3 & done; "
                                   "echo ready; wait"]
            with subprocess.Popen(
                    [w.top + "/assent", "sandbox", "--config", limited(w),
                     "--profile", "small", "--workspace", w.ws, "--", *crowd],
                    cwd=w.ws, env=w.env(), stdout=subprocess.PIPE) as other:
                other.stdout.readline()
                status, out = run(w, ["bash", "-c",
                                      "for i in $(seq 30); do sleep 0.1 & "
                                      "done; wait"])
                other.kill()
            self.assertEqual((status, out), (0, ""))

    def test_a_slow_run_that_timed_out_says_why_it_was_slow(self):
        if "cpu" not in own_groups() or os.geteuid() != 0:
            self.skipTest("SKIP: no control groups to make here")
        with World(0) as w:
            prepared(w)
            _, out = run(w, ["bash", "-c", "while :; do :; done"],
                         profile="slow")
            self.assertIn("limits.wall", out)
            self.assertIn("10 % of a processor (limits.cpu)", out)

    def test_a_run_has_a_control_group_where_there_can_be_one(self):
        groups = own_groups()
        if set(CONTROLS) - set(groups) or os.geteuid() != 0:
            self.skipTest("SKIP: no control groups to make here")
        with World(0) as w:
            prepared(w)
            _, out = run(w, ["cat", "/proc/self/cgroup"])
            for name in ("memory", "pids"):
                self.assertRegex(out, rf"{name}[^:]*:/.*assent-run-")
        self.assertEqual(left_groups(groups, out), [])

    @unittest.skipUnless(os.geteuid() == 0, "SKIP: needs root")
    def test_a_user_uses_what_was_delegated(self):
        if set(CONTROLS) - set(own_groups()):
            self.skipTest("SKIP: no control groups to hand over here")
        with World(USER) as w, Delegated(USER) as d:
            prepared(w)

            def become():
                d.enter()
                w._become()

            _, out = run(w, ["cat", "/proc/self/cgroup"], become=become)
            self.assertRegex(out, r"memory:/.*it-\d+/assent-run-|"
                                  r"memory:.*assent-run-")
            _, out = run(w, ["python3", "-c", HOGS[
                "shared pages that were let go of"].replace(
                    "{N}", str(HELD_MB)).replace(
                        "{M}", "(b'x' * (1 << 20))")], become=become)
            self.assertIn("of memory", out)
            for folder in d.folders:
                self.assertEqual(glob.glob(folder + "/assent-run-*"), [])

    @unittest.skipUnless(os.geteuid() == 0, "SKIP: needs root")
    def test_i10_a_run_without_a_required_control_group_is_refused(self):
        with World(USER) as w:
            prepared(w)
            w.put(limited(w), "require: [cgroup]\nprofiles: {small: {}}\n")
            status, out = run(w, ["true"])
            self.assertEqual(status, 125, out)
            self.assertIn("control group", out)

    @unittest.skipUnless(os.geteuid() == 0, "SKIP: needs root")
    def test_a_group_that_was_left_behind_goes_with_the_next_run(self):
        groups = own_groups()
        if "pids" not in groups:
            self.skipTest("SKIP: no control groups to make here")
        with subprocess.Popen(["true"]) as gone:
            gone.wait()
        left = f"{groups['pids']}/assent-run-{gone.pid}-0"
        os.mkdir(left)
        with World(0) as w:
            prepared(w)
            self.assertEqual(run(w, ["true"])[0], 0)
        self.assertFalse(os.path.exists(left))


if __name__ == "__main__":
    require_sandbox()
    unittest.main()
