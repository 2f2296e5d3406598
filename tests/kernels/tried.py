"""What is tried in each place."""

import json
import os
import re
import signal
import socket
import subprocess
import time

import places
from lib_sandbox import GIT, World

BIN = os.environ["ASSENT_BIN"]
KNOWN_ABI = 7  # later ones are the newest kernel's affair
RUN_S = 120  # a machine without KVM is slow

# What a command tries; each line that it prints is a way out.
WAYS_OUT = r"""
w() { echo "way out: $1"; }
exec 2>/dev/null
V=%(victim)s H=%(home)s
echo x >>$V/plain.txt && w 'write outside'
: >$V/plain.txt && w 'truncate outside'
rm $V/plain.txt && w 'remove outside'
mv $V/plain.txt . && w 'move from outside'
ln $V/plain.txt l && echo x >>l && w 'write by a hard link'
ln -s $V s && echo x >s/new && w 'write by a symbolic link'
chmod 777 $V/plain.txt && w 'mode outside'
touch -d 2001-01-01 $V/plain.txt && w 'times outside'
grep -q SECRET $H/notes.txt $H/.ssh/id_ed25519 .env && w 'secrets read'
mv .env e && grep -q SECRET e && w 'a secret under another name'
cat /proc/[0-9]*/environ | tr '\0' '\n' | grep -q SECRET && w 'environment'
echo x >.git/hooks/pre-commit && w 'a hook'
mv .git .tig && w 'git folder moved'
printf '[core]\nfsmonitor=x\n' >>.git/config && w 'git configuration'
mkdir .vscode && echo x >.vscode/tasks.json && w 'editor settings'
for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe; do
	(exec 3>>$f) && w "$f"
done
(exec 3>/proc/sysrq-trigger) && w 'sysrq'
kill -0 %(outside)d && w 'signal to a process outside'
[ -r /proc/%(outside)d/cwd/ ] && w 'folder of a process outside'
unshare -Ur true && w 'user namespace'
unshare -n true && w 'network namespace'
mount -t tmpfs x /tmp && w 'mount'
(exec 3<>/dev/tcp/127.0.0.1/%(port)d) && w 'connect to the host'
for d in /sys/fs/cgroup /sys/fs/cgroup/memory /sys/fs/cgroup/user; do
	mkdir $d/x && w "group in $d"
	echo $$ >$d/cgroup.procs && w "into $d"
done
find / -xdev -newer README -type f -path '/var/tmp/*' ! -path "$PWD/*" \
	-writable | grep . && w 'writable outside'
cp /bin/true t && chmod u+s t && [ -u t ] && w 'set-uid'
python3 - <<'E'
import ctypes, os, socket, mmap
l = ctypes.CDLL(None, use_errno=True)
def way(name, good):
    if good: print('way out:', name)
C = l.syscall
way('io_uring', C(425, 8, ctypes.create_string_buffer(256)) >= 0)
way('bpf', C(321, 5, ctypes.create_string_buffer(128), 128) >= 0)
way('userfaultfd', C(323, 0) >= 0)
way('perf', C(298, ctypes.create_string_buffer(128), 0, -1, -1, 0) >= 0)
way('keyctl', C(250, 0, -3, 1) >= 0)
way('ptrace', C(101, 16, %(outside)d, 0, 0) == 0)
way('open_tree', C(428, -100, b'/', 1) >= 0)
way('fsopen', C(430, b'tmpfs', 0) >= 0)
way('statmount of the host', C(457, ctypes.create_string_buffer(64), 0, 0, 0)
    == 0)
way('landlock taken off', C(446, -1, 2) == 0)
way('handle', C(304, -100, ctypes.create_string_buffer(64), 0) >= 0)
way('pidfd', (f := C(434, %(outside)d, 0)) >= 0 and C(424, f, 0, 0, 0) == 0)
way('setns', (f := os.open('/proc/self/ns/user', 0)) >= 0 and
    C(308, f, 0x10000000) == 0)
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    s = socket.socket(socket.AF_UNIX, kind)
    try:
        s.connect('%(victim)s/socket'); way('socket outside', True)
    except OSError: pass
    try:
        s.connect('\0assent-outside'); way('abstract socket', True)
    except OSError: pass
for kind in (17, 16, 40):
    try:
        socket.socket(kind, socket.SOCK_RAW)
        if kind != 16: way('socket family %%d' %% kind, True)
    except OSError: pass
E
echo tried
"""


class Here(World):
    """A world in a place."""

    def __init__(self, place, uid):
        self.place = place
        super().__init__(uid)
        self.put(self.ws + "/.env", "KEY=SECRET-ENV\n")

    def _become(self):
        self.place.become(self.uid)

    def outside(self, script, check=True):
        return subprocess.run(
            ["bash", "-c", script], cwd=self.ws, env=self.env(), check=check,
            preexec_fn=lambda: super(Here, self)._become(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=RUN_S)

    def call(self, words):
        """assent in this place: exit status, output."""
        ran = subprocess.run(
            [*self.place.prefix(self.uid), BIN + "/assent", *words],
            cwd=self.ws, preexec_fn=self._become, stdin=subprocess.DEVNULL,
            env=self.env(XDG_RUNTIME_DIR=self.top, XDG_STATE_HOME=self.top),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=RUN_S,
            check=False)
        return ran.returncode, ran.stdout.decode("utf-8", "replace")

    def sandbox(self, words, *options, config=""):
        if isinstance(words, str):
            words = ["bash", "-c", "".join(
                f"export {k}='{v}'; " for k, v in GIT.items()) + words]
        path = self.top + "/c.yaml"
        self.put(path, config)
        more = ["--config", path] if config else []
        return self.call(["sandbox", *more, "--workspace", self.ws, *options,
                          "--", *words])


def worlds(place):
    for uid in place.uids:
        with Here(place, uid) as w:
            yield w


def wrong(w, what, out):
    return f"uid {w.uid}: {what}:\n{out[-3000:]}"


def findings(w):
    status, out = w.call(["doctor", "--json"])
    try:
        return status, {f["name"]: f for f in json.loads(out)["findings"]}
    except (ValueError, KeyError) as why:
        raise AssertionError(f"doctor said: {out[-2000:]}") from why


def has(w, what):
    """Is this to be found by a run of this world?"""
    if what == "cgroup":
        return {"memory", "pids"} <= set(w.place.groups)
    if what == "userns":
        return w.uid == 0 or not w.place.bare
    return w.place.landlock >= int(what.split(">=")[1])


def what_doctor_says_is_so(place):
    for w in worlds(place):
        _, found = findings(w)
        print({name: f["detail"] for name, f in found.items()})
        abi = re.match(r"ABI (\d+)", found["landlock"]["detail"])
        said = (min(int(abi.group(1)), KNOWN_ABI) if abi else 0,
                found["cgroup"]["state"] == "ok",
                found["user-namespaces"]["state"] == "ok",
                found["runs"]["state"] == "ok")
        true = (place.landlock, has(w, "cgroup"), not place.bare or place.proc,
                place.runs)
        if said != true:
            return wrong(w, f"{said} instead of {true}", str(found))
    return None


def a_run_works(place):
    for w in worlds(place):
        status, out = w.sandbox(
            "echo in >made && cat made && mkdir d && mv made d/other && "
            "ln d/other l && rm d/other && truncate -s 1 l && "
            "git status --short && git add README && echo two >>README && "
            "git commit -qam second && git log --oneline | wc -l && "
            "ls /proc/self/fd | wc -l && sleep 0.1 & wait $! && echo done")
        print(out)
        if not place.runs:
            if status not in (123, 125) or os.path.exists(w.ws + "/l"):
                return wrong(w, f"status {status}, not refused", out)
            continue
        if status != 0 or "done\n" not in out or "2\n" not in out:
            return wrong(w, f"status {status}", out)
    return None


def programs_of_a_run_reach_each_other(place):
    if not place.runs:
        return None
    for w in worlds(place):
        if not has(w, "userns"):
            continue
        status, out = w.sandbox(["python3", "-c", TALK])
        if status != 0 or "talked tcp\n" not in out or \
                "talked unix\n" not in out:
            return wrong(w, f"status {status}", out)
    return None


def the_ways_out_are_open_without_a_sandbox(place):
    """Else nothing is shown by what follows."""
    with Here(place, places.USER) as w, Outside(w) as outside:
        ran = w.outside(ways_out(w, outside), check=False)
        print(ran.stdout)
        if ran.stdout.count("way out") < 12 or not outside.told():
            return wrong(w, "few ways out", ran.stdout)
    return None


def ways_out(w, outside):
    return WAYS_OUT % {"victim": w.victim, "home": w.home,
                       "outside": os.getpid(), "port": outside.port}


def nothing_gets_out(place):
    for w in worlds(place):
        with Outside(w) as outside:
            status, out = w.sandbox(ways_out(w, outside))
            said = outside.told()
        print("\n".join(line for line in out.splitlines()
                        if not line.startswith("assent: denied")))
        if place.runs and "tried\n" not in out:
            return wrong(w, f"status {status}, ended early", out)
        if "way out" in out or said:
            return wrong(w, f"something got out {said}", out)
    return None


def what_is_missing_is_refused_where_it_is_required(place):
    for w in worlds(place):
        for what in ("landlock>=1", "landlock>=3", "landlock>=6", "landlock>=99", "userns",
                     "cgroup", "seccomp"):
            status, out = w.sandbox(["touch", "made"],
                                    config=f"require: [{what}]\n")
            made = os.path.exists(w.ws + "/made")
            there = place.runs and (what == "seccomp" or has(w, what))
            if there != made or there != (status == 0):
                return wrong(w, f"{what}: status {status}, ran: {made}", out)
            if made:
                os.unlink(w.ws + "/made")
    return None


def what_is_missing_is_said(place):
    if not place.runs:
        return None
    for w in worlds(place):
        status, out = w.sandbox(
            ["true"], config="profiles: {workspace-write: {limits: {cpu: 50}}}"
                             "\n")
        for there, words in (
                (place.landlock > 0, "Landlock is not there"),
                (place.landlock == 0 or place.landlock > 2,
                 "does not cover truncation"),
                (has(w, "userns"), "may make no namespaces here"),
                ("cpu" in place.groups, "no control group limits the share")):
            if there == (words in out) or status != 0:
                return wrong(w, f"'{words}' with status {status}", out)
    return None


HOG = ("import mmap\nkeep = []\n"
       "for i in range(400):\n"
       "  m = mmap.mmap(-1, 1 << 20)\n  m.write(b'x' * (1 << 20))\n"
       "  keep.append(m)\n  print('held', i + 1, flush=True)\n")
FORKS = ("import os, time\nn = 0\n"
         "try:\n  for i in range(300):\n"
         "    if os.fork() == 0: time.sleep(20); os._exit(0)\n"
         "    n += 1\nexcept OSError: pass\nprint('made', n, flush=True)\n"
         "os.kill(-1, 9)\n")
# What was had too much is given back later: over a second it comes out even.
BURN = ("import os, time\nb = time.monotonic()\n"
        "while time.process_time() < 2: pass\n"
        "print('used', int(200 / (time.monotonic() - b)))\n")
SMALL = "profiles: {workspace-write: {limits: {memory: 128M, pids: 60}}}\n"
SLOW = "profiles: {workspace-write: {limits: {cpu: 20}}}\n"


TALK = """
import os, socket
for name, family, at in (("unix", socket.AF_UNIX, "/tmp/talk"),
                         ("tcp", socket.AF_INET, ("127.0.0.1", 0))):
    s = socket.socket(family)
    s.bind(at)
    s.listen()
    if os.fork() == 0:
        c = socket.socket(family)
        c.connect(at if name == "unix" else s.getsockname())
        c.send(b"talked " + name.encode())
        os._exit(0)
    print(s.accept()[0].recv(99).decode())
"""


def number(word, out):
    found = [line.split()[1] for line in out.splitlines()
             if line.startswith(word + " ") and line.split()[1].isdigit()]
    return max([int(n) for n in found], default=-1)


def limits_hold(place):
    if not place.runs:
        return None
    for w in worlds(place):
        status, out = w.sandbox(["python3", "-c", HOG], config=SMALL)
        held = number("held", out)
        if not 16 < held < 320 or "of memory" not in out:
            return wrong(w, f"memory: status {status}, held {held}", out)
        status, out = w.sandbox(["python3", "-c", FORKS], config=SMALL)
        made = number("made", out)
        if not 10 < made < 200:
            return wrong(w, f"processes: status {status}, made {made}", out)
        status, out = w.sandbox(["python3", "-c", BURN], config=SLOW)
        used = number("used", out)
        print("held", held, "made", made, "used", used)
        if "cpu" in place.groups and not 5 < used < 45:
            return wrong(w, f"processor: status {status}, used {used}", out)
        if place.left():
            return wrong(w, "groups are left", str(place.left()))
    return None


def processes(mark):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as text:
                if mark in text.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass
    return found


def until(true, seconds=60):
    end = time.time() + seconds
    while not true() and time.time() < end:
        time.sleep(0.05)
    return true()


def nothing_outlives_the_killed_first_process_of_a_run(place):
    """Where it has no processes of its own, its control group tells them."""
    if not place.runs or (place.bare and not place.groups) or \
            place.prefix(0):
        return None
    for w in worlds(place):
        mark = b"98765%d" % (os.getpid() + w.uid)
        with subprocess.Popen(
                [*place.prefix(w.uid), BIN + "/assent", "sandbox",
                 "--workspace", w.ws, "--", "sh", "-c",
                 f"setsid sleep {mark.decode()} & wait"],
                cwd=w.ws, preexec_fn=w._become, stdin=subprocess.DEVNULL,
                env=w.env(), stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL) as process:
            if not until(lambda m=mark: processes(m)):
                return wrong(w, "did not start", "")
            first = [pid for pid in map(int, filter(str.isdigit,
                                                    os.listdir("/proc")))
                     if parent(pid) == process.pid]
            for pid in first:
                os.kill(pid, signal.SIGKILL)
            process.wait(RUN_S)
        if not until(lambda m=mark: not processes(m), 10) or place.left():
            return wrong(w, "stayed", f"{processes(mark)} {place.left()}")
    return None


def parent(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as text:
            return int(text.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


class Outside:
    """A socket by path, one by name and a port, and what came to them."""

    def __init__(self, w):
        self.w = w

    def __enter__(self):
        self.all = []
        for kind, family, at in (
                (socket.SOCK_STREAM, socket.AF_UNIX,
                 self.w.victim + "/socket"),
                (socket.SOCK_STREAM, socket.AF_UNIX, "\0assent-outside"),
                (socket.SOCK_STREAM, socket.AF_INET, ("127.0.0.1", 0))):
            s = socket.socket(family, kind)
            s.bind(at)
            s.listen(8)
            s.setblocking(False)
            self.all.append(s)
        os.chmod(self.w.victim + "/socket", 0o777)
        self.port = self.all[2].getsockname()[1]
        self.before = self._files()
        return self

    def _files(self):
        with open(self.w.victim + "/plain.txt", encoding="ascii") as text:
            st = os.stat(self.w.victim + "/plain.txt")
            return (text.read(), st.st_mode, st.st_mtime_ns, st.st_nlink,
                    sorted(os.listdir(self.w.victim)))

    def told(self):
        found = []
        for s in self.all:
            try:
                s.accept()
                found.append(str(s))
            except OSError:
                pass
        if self._files() != self.before:
            found.append("files outside changed")
        return found

    def __exit__(self, *_):
        for s in self.all:
            s.close()


CHECKS = (what_doctor_says_is_so, a_run_works,
          programs_of_a_run_reach_each_other, nothing_gets_out,
          what_is_missing_is_said,
          what_is_missing_is_refused_where_it_is_required, limits_hold,
          nothing_outlives_the_killed_first_process_of_a_run)
# Once for each boot.
BEFORE = (the_ways_out_are_open_without_a_sandbox,)
