"""Runs in prepared namespaces: they share a template, and nothing else."""

import glob
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from lib_sandbox import BIN, World, modes, require_sandbox

DRIVER = os.path.dirname(BIN) + "/fake/executor_alone"


class Live:
    """The driver, spoken to line by line."""

    def __init__(self, w, before=()):
        self.w = w
        self.count = 0
        self.ended = {}
        self.process = subprocess.Popen(
            [*before, DRIVER, w.helper], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1, preexec_fn=w._become)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()

    def start(self, script, overlay=False, **more):
        self.count += 1
        self.say(json.dumps({
            "tool": "shell", "workspace": self.w.ws, "cwd": self.w.ws,
            "home": self.w.home, "overlay": overlay,
            "input": {"script": script, **more}}))
        return self.count

    def fresh(self, script):
        """On a copy of the workspace nothing is prepared."""
        one = self.wait(self.start(script, overlay=True))
        assert one["exit"] == 0, one
        return one["stdout"].strip()

    def edit(self, path, content):
        self.count += 1
        self.say(json.dumps({
            "tool": "file", "workspace": self.w.ws, "cwd": self.w.ws,
            "home": self.w.home, "input": {"edits": [
                {"op": "create", "path": path, "content": content}]}}))
        return self.wait(self.count)

    def say(self, line):
        self.process.stdin.write(line + "\n")

    def wait(self, number):
        self.say("!wait")
        while number not in self.ended:
            one = json.loads(self.process.stdout.readline())
            self.ended[int(one["id"])] = one
        return self.ended[number]

    def run(self, script, **more):
        return self.wait(self.start(script, **more))

    def out(self, script):
        one = self.run(script)
        assert one["exit"] == 0, one
        return one["stdout"].strip()

    def warm(self):
        """Until processes wait for the next run."""
        for _ in range(20):
            self.run("true")
            time.sleep(0.1)
            if [p for p in children(self.launcher()) if not gone(p)]:
                return
        raise AssertionError("nothing is ever prepared")

    def launcher(self):
        return children(self.process.pid)[0]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as text:
        return [int(word) for word in text.read().split()]


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as text:
            return text.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def groups_of(pid):
    """The numbers of its runs' control groups."""
    found = set()
    for path in glob.glob(f"/sys/fs/cgroup/**/assent-run-{pid}-*",
                          recursive=True):
        found.add(int(path.rsplit("-", 1)[1]))
    return found


def in_each_mode(test):
    def run(self):
        for uid in modes():
            with self.subTest(uid=uid), World(uid) as w, Live(w) as s:
                test(self, w, s)
    run.__name__ = test.__name__
    return run


def namespaces_of(*argv):
    """Of the one process with these words, open: while a namespace is, its
    number is given to no other."""
    words = b"".join(os.fsencode(word) + b"\0" for word in argv)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if file.read() == words:
                        return [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
                                for kind in ("net", "mnt", "pid")]
            except PermissionError:
                return []  # only root may look
            except OSError:
                continue
        time.sleep(0.01)
    raise AssertionError(f"no process {argv}")


# Leaves a trace of every kind and stays for a while.
TRACES = r"""
import ctypes, os, socket, subprocess, time
libc = ctypes.CDLL(None, use_errno=True)
open('/tmp/trace', 'w').write('x')
open('/dev/shm/trace', 'w').write('x')
os.umask(0)
made = [libc.shmget(4711, 4096, 0o1666), libc.msgget(4711, 0o1666),
        libc.semget(4711, 1, 0o1666)]
# Landlock lets nobody open it, but it is made.
libc.syscall(240, b'trace', os.O_CREAT | os.O_RDWR, 0o666, None)
held = [os.openpty()]
for family, name in ((socket.AF_UNIX, '\0trace'), (socket.AF_INET,
        ('127.0.0.1', 4711)), (socket.AF_INET6, ('::1', 4711))):
    s = socket.socket(family)
    s.bind(name)
    s.listen()
    held.append(s)
libc.syscall(248, b'user', b'trace', b'secret', 6, -4)
subprocess.Popen(['setsid', 'sleep', '300'], stdin=subprocess.DEVNULL,
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print('made', [m >= 0 for m in made], flush=True)
time.sleep(1.5)
"""

# Prints what it finds of them.
LOOK = r"""
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def found(what): print('FOUND', what)
for path in ('/tmp/trace', '/dev/shm/trace'):
    os.path.exists(path) and found(path)
libc.shmget(4711, 0, 0) >= 0 and found('shm')
libc.msgget(4711, 0) >= 0 and found('msg')
libc.semget(4711, 0, 0) >= 0 and found('sem')
libc.syscall(240, b'trace', 0, 0, None)
ctypes.get_errno() != errno.ENOENT and found('mq')
len(os.listdir('/dev/pts')) > 1 and found(os.listdir('/dev/pts'))
for family, name in ((socket.AF_UNIX, '\0trace'), (socket.AF_INET,
        ('127.0.0.1', 4711)), (socket.AF_INET6, ('::1', 4711))):
    try: socket.socket(family).connect(name); found(name)
    except OSError: pass
    s = socket.socket(family)
    try: s.bind(name)
    except OSError as e: found((name, e))
b = open('/proc/net/unix').read()
b.count('@trace') > 1 and found(b)
ours = {'1', str(os.getpid()), str(os.getppid())}
others = [p for p in os.listdir('/proc') if p.isdigit() and p not in ours]
for p in others:
    try: name = open('/proc/%s/comm' % p).read().strip()
    except OSError: continue
    name == 'sleep' and found(p)
libc.syscall(250, 0, -4, 0) >= 0 and found('keyring')
libc.syscall(250, 10, -4, b'user', b'trace', 0) >= 0 and found('key')
for line in open('/proc/self/mountinfo'):
    'trace' in line and found(line)
print('looked', os.getcwd())
"""


class Prepared(unittest.TestCase):
    @in_each_mode
    def test_no_run_sees_or_meets_another(self, w, s):
        w.put(w.ws + "/traces.py", TRACES)
        w.put(w.ws + "/look.py", LOOK)
        s.warm()
        first = s.start("mkdir -p sub && cd sub && exec python3 ../traces.py")
        s.say("!sleep 700")
        second = s.start("exec python3 look.py")
        self.assertEqual(s.wait(first)["stdout"], "made [True, True, True]\n")
        # More than wait ahead: those after them have what the first had.
        for one in (s.wait(second),
                    *(s.run("exec python3 look.py") for _ in range(8))):
            self.assertEqual(one["stdout"], f"looked {w.ws}\n", one)
        self.assertEqual(s.out("umask"), "0022")

    @in_each_mode
    def test_a_network_serves_again_only_when_no_socket_was_made(self, _, s):
        s.warm()
        link = "readlink /proc/self/ns/net"
        # Those that wait ahead have one each.
        self.assertLess(len({s.out(link) for _ in range(12)}), 12)
        # The kernel counts datagrams for each network.
        count = "awk '/^Udp: [0-9]/ { print $2 }' /proc/net/snmp"
        send = ("; python3 -c 'import socket; s = socket.socket(2, 2); "
                "s.bind((\"127.0.0.1\", 0)); s.sendto(b\"x\", s.getsockname())"
                "; s.recv(1)'; ")
        for _ in range(10):
            self.assertEqual(s.out(count + send + count), "0\n1")

    @in_each_mode
    def test_a_control_group_serves_again_only_when_it_is_as_new(self, w, s):
        s.warm()
        groups = groups_of(s.launcher())
        if not groups:
            self.skipTest("no control groups for this user")
        for _ in range(30):
            self.assertEqual(s.out("echo fine"), "fine")
        before = groups_of(s.launcher())
        self.assertLess(max(before), 30)
        # What a run left in the page cache is charged to its group.
        s.out("head -c 32M /dev/zero > large; rm large; head -c 32M "
              "/dev/zero > large")
        one = s.run("exec python3 -c 'x = b\"x\" * (3 << 30)'")
        self.assertIn("memory", one["failure"])
        for _ in range(30):
            self.assertEqual(s.out("echo fine"), "fine")
        time.sleep(0.1)
        after = groups_of(s.launcher())
        self.assertGreaterEqual(len(before - after), 2, (before, after))

    @in_each_mode
    def test_what_is_to_be_hidden_or_protected_is_found_for_each_run(
            self, w, s):
        def change(script):
            w.outside(script)
            return s.run("cat .env sub/.env config/master.key 2>&1; "
                         "echo EVIL > .mcp.json; echo EVIL > .vscode/x; "
                         "echo EVIL > .git/hooks/pre-commit; "
                         "mkdir -p .git; echo EVIL > new/.git/config; true")
        for script in (
                "echo SECRET > .env",
                "rm .env",
                "echo SECRET > e && mv e .env",  # as editors do
                "rm .env; echo SECRET > .env",
                "mkdir config && echo SECRET > config/master.key",
                "mv config other && mkdir config && "
                "cp other/master.key config/",
                "mkdir .vscode && echo good > .vscode/x",
                "echo good > .mcp.json",
                "git init -q new",
                "rm -rf .git && git init -q .",
                "chmod 600 .env",
                "chmod 644 .env"):
            s.warm()
            one = change(script)
            self.assertNotIn("SECRET", one["stdout"], script)
            found = w.outside("cat .mcp.json .vscode/x .git/hooks/pre-commit "
                              "new/.git/config 2>/dev/null", check=False)
            self.assertNotIn("EVIL", found.stdout, script)

    @in_each_mode
    def test_another_folder_in_the_place_of_the_workspace(self, w, s):
        s.warm()
        w.outside("cd ..; mv proj old; mkdir proj; echo new > proj/which")
        self.assertEqual(s.out("cat which; ls"), "new\nwhich")
        s.warm()
        self.assertEqual(s.out("ls"), "which")
        w.outside("cd ..; mv proj newer; ln -s old proj")
        one = s.run("ls")
        self.assertNotEqual(one["exit"], 0)
        self.assertIn("symbolic link", one["failure"])

    @in_each_mode
    def test_tools_that_are_installed_later_are_seen(self, w, s):
        s.warm()
        w.outside("mkdir -p ~/.local/bin; echo 'echo tool' > ~/.local/bin/t; "
                  "chmod +x ~/.local/bin/t")
        self.assertEqual(s.out("~/.local/bin/t"), "tool")

    @in_each_mode
    def test_each_run_has_its_own_count_of_processes(self, _, s):
        s.warm()
        bomb = "for i in $(seq 300); do sleep 2 & done; wait; echo all"
        runs = [s.start(bomb) for _ in range(3)]
        for number in runs:
            self.assertEqual(s.wait(number)["stdout"], "all\n")
        one = s.run("exec python3 -c 'import os, time\nn = 0\ntry:\n"
                    " while n < 2000:\n"
                    "  os.fork() or os.execvp(\"sleep\", [\"sleep\", \"9\"])\n"
                    "  n += 1\nexcept OSError: pass\nprint(n)'")
        self.assertLess(abs(int(one["stdout"]) - 505), 10)

    @in_each_mode
    def test_fresh_runs_share_nothing_either(self, w, s):
        w.put(w.ws + "/look.py", LOOK)
        seen, held = set(), []
        for _ in range(4):
            number = s.start("echo x > /tmp/trace; echo x > /dev/shm/trace; "
                             "(sleep 300 &); sleep 0.73", overlay=True)
            s.say("!wait")
            held += namespaces_of("sleep", "0.73")
            seen.update(os.fstat(fd).st_ino for fd in held)
            self.assertEqual(s.wait(number)["exit"], 0)
            self.assertEqual(s.fresh("exec python3 look.py"),
                             f"looked {w.ws}")
            self.assertEqual(s.fresh("ls /proc/self/fd | wc -l"), "4")
        self.assertEqual(len(seen), len(held))
        for fd in held:
            os.close(fd)

    @in_each_mode
    def test_what_was_begun_ahead_is_not_used_when_the_home_changed(
            self, w, s):
        look = ("cat ~/.local/bin/t ~/.cargo/registry/token 2>&1; "
                "cat ~/.cargo/registry/crate 2>&1; true")
        for script, there in (
                ("mkdir -p ~/.local/bin; echo TOOL > ~/.local/bin/t", "TOOL"),
                ("mkdir -p ~/.cargo/registry; cd ~/.cargo/registry; "
                 "echo CRATE > crate; echo SECRET > token", "CRATE"),
                ("rm ~/.cargo/registry/token", "CRATE"),
                ("echo SECRET > ~/t; mv ~/t ~/.cargo/registry/token",
                 "CRATE"),
                ("mv ~/.cargo ~/c; mkdir ~/.cargo; "
                 "mv ~/c/registry ~/.cargo/", "TOOL")):
            for _ in range(2):
                s.fresh("true")
            time.sleep(0.1)  # the next one is begun
            w.outside(script)
            seen = s.fresh(look)
            self.assertNotIn("SECRET", seen, script)
            self.assertIn(there, seen, script)
        w.outside("rm -r ~/.local/bin")
        self.assertNotIn("TOOL", s.fresh(look))

    @unittest.skipIf(os.geteuid() != 0, "only root mounts")
    def test_a_fresh_run_sees_what_was_mounted_since_the_last(self):
        with World(0) as w, Live(w, ["unshare", "-m"]) as s:
            for _ in range(3):
                self.assertNotEqual(s.fresh("ls /opt"), "mounted")
            time.sleep(0.1)
            enter = ["nsenter", "-t", str(s.launcher()), "-m"]
            subprocess.run([*enter, "mount", "-t", "tmpfs", "none", "/opt"],
                           check=True)
            subprocess.run([*enter, "mkdir", "/opt/mounted"], check=True)
            for _ in range(3):
                self.assertEqual(s.fresh("ls /opt"), "mounted")

    @in_each_mode
    def test_edits_are_made_by_prepared_processes_too(self, w, s):
        s.warm()
        for i in range(6):
            one = s.edit(f"made-{i}", "text\n")
            self.assertEqual((one["exit"], one.get("failure")), (0, None), one)
            self.assertEqual(s.out(f"cat made-{i}"), "text")
        one = s.edit(".git/hooks/pre-commit", "evil")
        self.assertNotEqual(one["exit"], 0)

    @in_each_mode
    def test_it_goes_on_when_what_was_prepared_is_killed(self, _, s):
        s.warm()
        for _ in range(3):
            for pid in children(s.launcher()):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)
            self.assertEqual(s.out("echo fine"), "fine")

    @in_each_mode
    def test_nothing_outlives_the_launcher(self, _, s):
        s.warm()
        s.start("setsid sleep 300 & sleep 300")
        s.say("!sleep 300")
        time.sleep(0.5)
        launcher = s.launcher()
        every = children(launcher)
        for pid in every[:]:
            every += children(pid)
        self.assertGreater(len(every), 2)
        os.kill(launcher, signal.SIGKILL)
        end = time.time() + 10
        while time.time() < end and not all(gone(pid) for pid in every):
            time.sleep(0.02)
        self.assertEqual([pid for pid in every if not gone(pid)], [])

    @in_each_mode
    def test_nothing_is_left_after_many_runs(self, w, s):
        s.warm()
        launcher = s.launcher()

        def run_and_count(rounds):
            for _ in range(rounds):
                numbers = [s.start("echo x > /tmp/y; (sleep 300 &) ; true")
                           for _ in range(5)]
                for number in numbers:
                    self.assertEqual(s.wait(number)["exit"], 0)
            time.sleep(0.1)
            return len(os.listdir(f"/proc/{launcher}/fd"))
        # Some spare control groups stay open, however many runs there were.
        before = run_and_count(20)
        self.assertLess(run_and_count(40), before + 40)
        names = []
        for pid in children(launcher):
            for child in children(pid):
                with open(f"/proc/{child}/comm", encoding="ascii") as text:
                    names.append(text.read().strip())
        self.assertNotIn("sleep", names)
        self.assertEqual(sorted(os.listdir(w.ws)), [".git", "README"])

    @in_each_mode
    def test_a_run_that_changed_its_surroundings_changes_no_other(self, w, s):
        s.warm()
        nice = s.out("nice")
        s.run("rm -rf sub; mkdir sub; cd sub; ulimit -n 17; ulimit -f 1; "
              "trap '' TERM HUP PIPE; renice 19 $$; exec sleep 0.1")
        self.assertEqual(s.out("ulimit -n; nice; pwd"), f"4096\n{nice}\n{w.ws}")
        ignored = "grep SigIgn /proc/self/status | cut -f2"
        self.assertEqual(s.out(ignored), "0000000000000000")


if __name__ == "__main__":
    if not shutil.which("git"):
        raise SystemExit(77)
    require_sandbox()
    unittest.main()
