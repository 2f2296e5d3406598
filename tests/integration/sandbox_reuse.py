"""A first process that serves another run: nothing can be told from one that
has had none, and one of which that is not sure serves no more.
"""

import json
import os
import shutil
import signal
import time
import unittest

from lib_sandbox import BIN, World, modes, require_sandbox
from sandbox_prepared import Live, children, gone

WAITING = 4  # first processes that wait at a time
SERVES_MAX = 64

# All that a run can see of its first process and of what is its own; printed
# as one line, beside the namespace and the number of the process.
LOOK = r"""
import ctypes, json, os, resource
libc = ctypes.CDLL(None)
def lines(path, *names):
    try:
        with open(path) as file:
            return [l for l in file if not names or l.split(':')[0] in names]
    except OSError as e:
        return e.errno
def stat(path):
    s = os.lstat(path)
    return [path, s.st_mode, s.st_uid, s.st_gid, s.st_nlink, s.st_size]
tree = []
for folder, names, files in sorted(os.walk('/tmp')):
    tree += [stat(folder)] + [stat(folder + '/' + n) for n in sorted(files)]
one = {
    'tree': tree + [stat('/dev/shm/.'), stat('/dev/pts/.'), stat('/dev/ptmx')],
    'pts': sorted(os.listdir('/dev/pts')),
    'limits': [resource.prlimit(0, i) for i in range(16)],
    'nice': [os.getpriority(os.PRIO_PROCESS, p) for p in (0, 1)],
    'policy': [os.sched_getscheduler(p) for p in (0, 1)],
    'affinity': [sorted(os.sched_getaffinity(p)) for p in (0, 1)],
    'io': [libc.syscall(252, 1, p) for p in (0, 1)],
    'oom': [lines('/proc/%s/oom_score_adj' % p) for p in ('self', 1)],
    'slack': libc.prctl(30, 0, 0, 0, 0),
    'umask': lines('/proc/self/status', 'Umask', 'SigBlk', 'SigIgn', 'SigCgt',
                   'SigPnd', 'ShdPnd', 'SigQ', 'Groups', 'CapBnd', 'NoNewPrivs'),
    'status of 1': lines('/proc/1/status', 'SigPnd', 'ShdPnd', 'SigQ',
                         'FDSize', 'NoNewPrivs', 'SigBlk'),
    'ipc': [lines('/proc/sysvipc/' + n) for n in ('shm', 'msg', 'sem')],
    'unix': len(lines('/proc/net/unix')), 'tcp': lines('/proc/net/tcp'),
    'udp': lines('/proc/net/snmp', 'Udp', 'Tcp', 'Icmp'),
    'mounts': sorted(l.split(' ', 3)[3] for l in lines('/proc/self/mountinfo')),
    'fds': sorted(os.listdir('/proc/self/fd')),
    'environ of 1': lines('/proc/1/environ'), 'maps of 1': lines('/proc/1/maps'),
    'others': [p for p in os.listdir('/proc') if p.isdigit() and
               int(p) not in (1, os.getpid(), os.getppid())],
    'groups': lines('/proc/self/cgroup'),
    'rest': [os.getcwd(), os.getsid(0) == os.getpid() or os.getsid(0) > 1],
}
one['groups'] = len(one['groups'])
began = lines('/proc/1/stat')[0].split()[21]
print(json.dumps([os.readlink('/proc/self/ns/pid') + '-' + began, os.getpid(),
                  one]))
"""

# The kernel uses the number of a namespace again, which began later then.
NS = ("set -- $(cat /proc/1/stat); "
      "echo $(readlink /proc/self/ns/pid)-${22}; ")

# What leaves something, or might: its first process serves nobody else.
SPENT = {
    "a daemon": "setsid sleep 300 >/dev/null 2>&1 < /dev/null & sleep 0.05",
    "a daemon of a daemon":
        "(setsid sh -c 'sleep 300 & ' >/dev/null 2>&1 &); sleep 0.05",
    "an orphan that ended": "(sh -c 'sleep 0.02' >/dev/null &); sleep 0.1",
    "a file in /tmp": "echo x > /tmp/x",
    "a file that was in /tmp": "echo x > /tmp/x; rm /tmp/x",
    "a file in /dev/shm": "echo x > /dev/shm/x",
    "a folder of /tmp that is gone": "rmdir /tmp/.private/shm",
    "a mode in /tmp": "chmod 700 /tmp/.private/home",
    "a time in /tmp": "touch -d 2001-01-01 /tmp/.private/home",
    "a look into /tmp": "ls /tmp",
    # Another thread may change the name after it was compared.
    "a file without a name": "python3 -c '\nimport os\ntry: os.open("
        "\"/dev/null\", os.O_TMPFILE | os.O_RDWR)\nexcept OSError: pass'",
    "a child of its first process": "python3 -c 'import ctypes, os; "
        "ctypes.CDLL(None).syscall(56, 0x8000 | 17, 0, 0, 0, 0); os._exit(0)'",
    "an orphan that ends with no signal": "python3 -c 'import ctypes, os; "
        "ctypes.CDLL(None).syscall(56, 0, 0, 0, 0, 0); os._exit(0)'",
    "a terminal": "python3 -c 'import os; os.openpty()'",
    "a socket": "python3 -c 'import socket; socket.socket(socket.AF_UNIX)"
        ".bind(\"\\0abstract\")'",
    "a pair of sockets": "python3 -c 'import socket; socket.socketpair()'",
    "shared memory":
        "python3 -c 'import ctypes; ctypes.CDLL(None).shmget(1, 9, 0o1666)'",
    "a semaphore":
        "python3 -c 'import ctypes; ctypes.CDLL(None).semget(1, 1, 0o1666)'",
    "a queue":
        "python3 -c 'import ctypes; ctypes.CDLL(None).msgget(1, 0o1666)'",
    "a key": "python3 -c 'import ctypes; "
        "ctypes.CDLL(None).syscall(248, b\"user\", b\"k\", b\"v\", 1, -3)'",
    "a namespace that is refused": "unshare -r true || true",
    "a file in the workspace": "echo x > made",
    "an end by a signal": "kill -9 $$",
}
# Takes so long that those beside it would be too old to serve on anyway.
SPENT_SLOWLY = {
    "all names of /tmp": "python3 -c '\nimport os\ntry:\n for i in range(10**6):"
        " os.mknod(\"/tmp/%d\" % i)\nexcept OSError: pass'",
}

# What a run may try on its first process, and what it may do to itself: they
# change nothing, so it may serve on.
HARMLESS = {
    "limits of 1": "resource.prlimit(1, resource.RLIMIT_NOFILE, (20, 20))",
    "limits": "resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))",
    "nice of 1": "os.setpriority(os.PRIO_PROCESS, 1, 19)",
    "nice of the user": "os.setpriority(os.PRIO_USER, 0, 19)",
    "nice of the group": "os.setpriority(os.PRIO_PGRP, 0, 19)",
    "policy of 1": "os.sched_setscheduler(1, 3, os.sched_param(0))",
    "processors of 1": "os.sched_setaffinity(1, {0})",
    "processors": "os.sched_setaffinity(0, {0})",
    "io of 1": "ctypes.CDLL(None).syscall(251, 1, 1, (3 << 13) | 7)",
    "io of the user":
        "ctypes.CDLL(None).syscall(251, 3, os.getuid(), (3 << 13) | 7)",
    "signals to 1": "[os.kill(1, n) for n in (1, 15, 10, 17, 34, 50)]",
    "queued signals to 1":
        "[ctypes.CDLL(None).sigqueue(1, 40, None) for _ in range(100)]",
    "stop of 1": "os.kill(1, 19)",
    "end of 1": "os.kill(1, 9)",
    "umask": "os.umask(0)",
    "a watch": "ctypes.CDLL(None).inotify_add_watch("
        "ctypes.CDLL(None).inotify_init(), b\"/tmp\", 4095)",
    "word of its output for 1": "[fcntl.fcntl(fd, *what) for fd in (1, 2)"
        " for what in ((8, 1), (10, 40), (4, 0o20001))]",
    "word of a folder for 1": "fcntl.fcntl(os.open(\"/tmp\", 0), 8, 1), "
        "fcntl.fcntl(os.open(\"/tmp\", 0), 1026, 0x8000003f)",
    "a terminal of which it only reads":
        "os.open(\"/dev/ptmx\", os.O_RDONLY | os.O_NOCTTY)",
    "a lock": "fcntl.flock(os.open(\"/tmp\", 0), fcntl.LOCK_EX)",
    "slack": "ctypes.CDLL(None).prctl(29, 10**8, 0, 0, 0)",
}


TRY = """
try: {}
except OSError: pass
"""


def batches(table):
    """As many as wait: each in a first process of its own."""
    names = list(table)
    return [names[i:i + WAITING] for i in range(0, len(names), WAITING)]


def in_each_mode(test):
    def run(self):
        for uid in modes():
            with self.subTest(uid=uid), World(uid) as w, Live(w) as s:
                w.put(w.ws + "/look.py", LOOK)
                s.warm()
                # A template remembers what its launcher knew when it was made.
                for _ in range(2 * WAITING):
                    s.out("true")
                test(self, w, s)
    run.__name__ = test.__name__
    return run


def look(s):
    """namespace, number of its process, what it saw"""
    one = s.run("exec python3 -B look.py")
    assert one["exit"] == 0, one
    return json.loads(one["stdout"])


def begin(self, s):
    """What a run in a first process that has had none sees."""
    for _ in range(3 * WAITING):
        _, number, seen = look(s)
        if number == 2:
            return seen
    self.fail("first processes serve on that somebody looked into")
    return None


class Reuse(unittest.TestCase):
    maxDiff = None

    @in_each_mode
    def test_a_run_that_left_nothing_is_followed_by_others(self, _, s):
        begin(self, s)
        served = {}
        for _ in range(SERVES_MAX * WAITING + 80):
            namespace, number = s.out(NS + "echo $$").split()
            served.setdefault(namespace, []).append(int(number))
        times = [len(numbers) for numbers in served.values()]
        self.assertGreater(max(times), 20, times)
        self.assertLessEqual(max(times), SERVES_MAX, times)

    @in_each_mode
    def test_what_a_run_leaves_no_later_run_meets(self, w, s):
        before = begin(self, s)
        spent = {}
        every = {**SPENT, **SPENT_SLOWLY}
        for some in batches(SPENT) + batches(SPENT_SLOWLY):
            for what in some:
                out = s.run(NS + every[what])["stdout"].split("\n")[0]
                self.assertIn("pid:", out, what)
                self.assertNotIn(out, spent, what)
                spent[out] = what
            w.outside("rm -f made")
            for _ in range(WAITING + 1):
                where, _, after = look(s)
                self.assertNotIn(where, spent, spent.get(where))
                self.assertEqual(after, before, some)

    @in_each_mode
    def test_what_a_run_tries_on_its_first_process_no_later_run_meets(
            self, w, s):
        before = begin(self, s)
        w.put(w.ws + "/try.py", "import ctypes, fcntl, os, resource\n" + "".join(
            TRY.format(call) for call in HARMLESS.values()))
        numbers = []
        for _ in range(WAITING):
            self.assertEqual(s.out("exec python3 -B try.py; true"), "")
        for _ in range(WAITING + 1):
            _, number, after = look(s)
            numbers.append(number)
            self.assertEqual(after, before)
        # Else nothing was looked at.
        self.assertGreater(max(numbers), 2)

    @in_each_mode
    def test_whoever_changes_a_first_process_from_outside_spends_it(
            self, w, s):
        """The same user on the host may; in the run the filter refuses."""
        changes = {
            "limit": lambda p: w.outside(f"prlimit --pid {p} --nofile=99:99"),
            "nice": lambda p: os.setpriority(os.PRIO_PROCESS, p, 5),
            "processors": lambda p: os.sched_setaffinity(
                p, {min(os.sched_getaffinity(0))}),
            "policy": lambda p: os.sched_setscheduler(
                p, os.SCHED_BATCH, os.sched_param(0)),
            "signal": lambda p: os.kill(p, signal.SIGUSR1),
            "badness": lambda p: write(f"/proc/{p}/oom_score_adj", "500"),
        }
        if os.geteuid() != 0:
            del changes["badness"]
        if len(os.sched_getaffinity(0)) < 2:
            del changes["processors"]
        before = begin(self, s)
        for some in batches(changes):
            spent = {}
            numbers = [s.start(f"{NS}exec sleep 1.{i}")
                       for i in range(len(some))]
            s.say("!sleep 200")
            for i, what in enumerate(some):
                changes[what](first_process_of(
                    s.launcher(), f"sleep\0001.{i}\0"))
            for number, what in zip(numbers, some):
                spent[s.wait(number)["stdout"].strip()] = what
            for _ in range(WAITING + 1):
                where, _, after = look(s)
                self.assertNotIn(where, spent, spent.get(where))
                self.assertEqual(after, before, some)

    @in_each_mode
    def test_who_was_spoken_to_or_given_something_serves_nobody_else(
            self, _, s):
        def killed():
            number = s.start(NS + "trap 'exit 0' TERM; sleep 0.4")
            s.say("!sleep 200")
            s.say(f"!kill {number} 15")
            return s.wait(number)

        for what, run in (
                ("a signal", killed),
                ("input", lambda: s.run(NS + "cat", stdin="secret")),
                ("its time", lambda: s.run(NS + "sleep 9", timeout_ms=300)),
                ("memory", lambda: s.run(
                    NS + "exec python3 -c 'x = b\"x\" * (3 << 30)'"))):
            namespace = run()["stdout"].split("\n")[0]
            self.assertIn("pid:", namespace, what)
            for _ in range(WAITING + 1):
                self.assertNotEqual(s.out(NS), namespace, what)

    @in_each_mode
    def test_nothing_that_a_run_was_told_stays_in_its_first_process(
            self, _, s):
        """Seen from outside, as root: the run cannot look at all."""
        # A sanitizer maps more memory than can be read.
        if os.geteuid() != 0 or \
                os.environ.get("ASSENT_PRESET_SANITIZES") == "1":
            self.skipTest("only root reads the memory of others")
        mark = "told-" + os.urandom(8).hex()
        used = set()
        for _ in range(3 * WAITING):
            used.add(s.out(NS + f": {mark}"))
        s.say("!wait")
        time.sleep(0.1)
        seen = 0
        for pid in children(s.launcher()):
            if gone(pid) or not serves(pid, used):
                continue
            seen += 1
            self.assertNotIn(mark.encode(), memory_of(pid))
        self.assertGreater(seen, 0)

    @in_each_mode
    def test_each_run_is_told_its_own_denials_and_how_it_ended(self, _, s):
        for i in range(3 * WAITING):
            one = s.run(f"exit {i}")
            self.assertEqual((one["exit"], one["violations"]), (i, []), one)
            one = s.run("echo x > .git/hooks/evil")
            self.assertEqual(
                [v for v in one["violations"] if not v.startswith("hint")],
                ["create .git/hooks/evil"], one)
            one = s.run(f"echo {i}; echo {i} >&2")
            self.assertEqual((one["stdout"], one["stderr"]),
                             (f"{i}\n", f"{i}\n"), one)
            self.assertEqual(one["violations"], [], one)


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def first_process_of(launcher, cmdline):
    """Of the run whose command this is, on the host."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for pid in children(launcher):
            for child in children(pid):
                try:
                    with open(f"/proc/{child}/cmdline", encoding="utf-8") as f:
                        if f.read() == cmdline:
                            return pid
                except OSError:
                    continue
        time.sleep(0.01)
    raise AssertionError("it does not run")


def serves(pid, namespaces):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            began = stat.read().split()[21]
        return os.readlink(f"/proc/{pid}/ns/pid") + "-" + began in namespaces
    except OSError:
        return False


def memory_of(pid):
    found = b""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            area, rights = line.split()[:2]
            if "r" not in rights or "[v" in line:
                continue
            begin_at, end = (int(x, 16) for x in area.split("-"))
            memory.seek(begin_at)
            while begin_at < end:
                part = memory.read(min(end - begin_at, 1 << 20))
                if not part:
                    break
                begin_at += len(part)
                found += part
    return found


if __name__ == "__main__":
    if not shutil.which("git") or not BIN:
        raise SystemExit(77)
    require_sandbox()
    unittest.main()
