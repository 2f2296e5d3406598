"""
The states of a machine in which assent is tried: its control groups, what a
user may make, who runs. Each knows what assent has to find there.
"""

import os
import subprocess
import time

USER = 1000
TREE = "/sys/fs/cgroup"
MANAGER_S = 120
TESTS = ("escapes", "sandbox_odd", "sandbox_bare", "sandbox_kernels",
         "sandbox_places", "elevated", "overlay", "sandbox_audit")
ALL = ("memory", "pids", "cpu")
# Landlock by kernel: the newest row that is not newer.
LANDLOCK = (((5, 13), 1), ((5, 19), 2), ((6, 2), 3), ((6, 7), 4),
            ((6, 10), 5), ((6, 12), 6), ((6, 15), 7))


class Absent(Exception):
    """This kernel has no such state; says why."""


def write(path, text):
    with open(path, "w", encoding="ascii") as to:
        to.write(text)


def read(path):
    with open(path, encoding="ascii") as text:
        return text.read().strip()


def mount(*words):
    ran = subprocess.run(["mount", *words], stderr=subprocess.PIPE, text=True,
                         check=False)
    if ran.returncode != 0:
        raise Absent(ran.stderr.strip())


class Place:
    """As found: no control groups, all namespaces."""

    scripts = ()  # tests of the default run, as they are
    checks = None  # or names, or functions, instead of those for every place
    uids = (0, USER)
    groups = ()  # what a run's control group limits
    bare = False  # a plain user may make no namespaces
    proc = False  # the namespaces are there, but not their /proc
    runs = True

    def __init__(self, kernel, landlock=None):
        self.kernel = kernel
        self.landlock = landlock if landlock is not None else max(
            [abi for since, abi in LANDLOCK if since <= kernel], default=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def become(self, uid):
        """In the process that will start assent."""
        if uid != 0:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)

    def prefix(self, uid):
        """What starts assent there."""
        return []

    def left(self):
        """Control groups of runs that are still there."""
        return []


class Version2(Place):
    """As systemd has it: one tree, and a part of it is the user's."""

    groups = ALL

    def __enter__(self):
        mount("-t", "cgroup2", "-o", "nsdelegate", "cgroup2", TREE)
        os.makedirs(TREE + "/rest", exist_ok=True)
        for pid in read(TREE + "/cgroup.procs").split():
            try:
                write(TREE + "/rest/cgroup.procs", pid)
            except OSError:
                pass  # the kernel's own
        write(TREE + "/cgroup.subtree_control", "+memory +pids +cpu")
        for part in ("/system", "/user"):
            os.mkdir(TREE + part)
            write(TREE + part + "/cgroup.subtree_control",
                  "+memory +pids +cpu")
        for name in ("", "/cgroup.procs", "/cgroup.subtree_control",
                     "/cgroup.threads"):
            os.chown(TREE + "/user" + name, USER, USER)
        return self

    def become(self, uid):
        where = "/system" if uid == 0 else "/user"
        path = f"{TREE}{where}/{os.getpid()}"
        os.mkdir(path)
        for name in ("", "/cgroup.procs", "/cgroup.subtree_control",
                     "/cgroup.threads"):
            os.chown(path + name, uid, uid)
        write(path + "/cgroup.procs", "0")
        super().become(uid)

    def left(self):
        """Groups of runs that are still there."""
        return [folder for folder, _, _ in os.walk(TREE)
                if "/assent-run-" in folder]

    def __exit__(self, *_):
        write(TREE + "/cgroup.procs", "0")
        for folder, _, _ in os.walk(TREE, topdown=False):
            try:
                write(TREE + "/cgroup.procs", "0")
                if folder != TREE:
                    os.rmdir(folder)
            except OSError:
                pass
        subprocess.run(["umount", TREE], check=False)


class Version2Alone(Version2):
    """Groups without namespaces: they are the user's to write, and a run's
    processes are the user's."""

    uids = (USER,)
    bare = True
    SETTING = "/proc/sys/user/max_user_namespaces"

    def __enter__(self):
        self.before = read(self.SETTING)
        write(self.SETTING, "0")
        return super().__enter__()

    def __exit__(self, *why):
        super().__exit__(*why)
        write(self.SETTING, self.before)


class NotDelegated(Version2):
    """The same tree, and nothing of it is the user's."""

    uids = (USER,)
    groups = ()

    def __enter__(self):
        super().__enter__()
        for name in ("", "/cgroup.procs", "/cgroup.subtree_control"):
            os.chown(TREE + "/user" + name, 0, 0)
        return self

    def become(self, uid):
        path = f"{TREE}/user/{os.getpid()}"
        os.mkdir(path)
        write(path + "/cgroup.procs", "0")
        Place.become(self, uid)


class Version1(Place):
    """A tree for each, as before systemd had one."""

    def __enter__(self):
        mount("-t", "tmpfs", "groups", TREE)
        self.folders = []
        for name in ALL:
            os.mkdir(f"{TREE}/{name}")
            try:
                mount("-t", "cgroup", "-o", name, name, f"{TREE}/{name}")
            except Absent:
                continue
            self.folders.append(name)
            for to in ("system", "user"):
                os.mkdir(f"{TREE}/{name}/{to}")
                for file in ("", "/cgroup.procs", "/tasks"):
                    os.chown(f"{TREE}/{name}/{to}{file}",
                             USER if to == "user" else 0, -1)
        self.groups = tuple(self.folders)
        if not self.groups:
            raise Absent("no version 1 controllers in this kernel")
        return self

    def become(self, uid):
        for name in self.folders:
            where = "system" if uid == 0 else "user"
            write(f"{TREE}/{name}/{where}/cgroup.procs", "0")
        super().become(uid)

    def left(self):
        return [folder for folder, _, _ in os.walk(TREE)
                if "/assent-run-" in folder]

    def __exit__(self, *_):
        for name in self.folders:
            for to in ("system", "user"):
                for pid in read(f"{TREE}/{name}/{to}/cgroup.procs").split():
                    write(f"{TREE}/{name}/cgroup.procs", pid)
                os.rmdir(f"{TREE}/{name}/{to}")
            subprocess.run(["umount", f"{TREE}/{name}"], check=False)
        subprocess.run(["umount", "-l", TREE], check=False)


class Setting(Place):
    """A setting of the kernel that takes namespaces away."""

    uids = (USER,)
    bare = True

    def __init__(self, kernel, path, value, **more):
        super().__init__(kernel, **more)
        self.path, self.value = path, value

    def __enter__(self):
        if not os.path.exists(self.path):
            raise Absent(f"no {self.path}")
        self.before = read(self.path)
        write(self.path, self.value)
        return self

    def __exit__(self, *_):
        write(self.path, self.before)


class RootWithout(Setting):
    """Root needs one to show files as another user's."""

    uids = (0,)
    runs = False


class NoExec(Place):
    """Memory files may not be executed: what is made without saying so is
    not (1), or is refused (2)."""

    PATH = "/proc/sys/vm/memfd_noexec"

    def __init__(self, kernel, value):
        super().__init__(kernel)
        self.value = value

    def __enter__(self):
        if not os.path.exists(self.PATH):
            raise Absent(f"no {self.PATH}")
        write(self.PATH, self.value)
        return self

    def __exit__(self, *_):
        write(self.PATH, "0")


class Systemd(Place):
    """Services that systemd starts and gives control groups to, root's and
    those of a user's own manager."""

    groups = ALL
    NAMES = ("HOME", "PATH", "LANG", "XDG_STATE_HOME")

    def __enter__(self):
        subprocess.run(["useradd", "-u", str(USER), "-m", "dev"], check=False)
        subprocess.run(["loginctl", "enable-linger", "dev"], check=False)
        end = time.time() + MANAGER_S
        while not os.path.exists(f"/run/user/{USER}/bus"):
            if time.time() > end:
                raise OSError("no manager of the user's own")
            time.sleep(0.2)
        return self

    def prefix(self, uid):
        words = ["systemd-run", "--pipe", "--wait", "--collect", "--quiet",
                 "--same-dir", "--property=Delegate=yes",
                 *(f"--setenv={name}" for name in self.NAMES)]
        if uid != 0:
            words = ["env", f"XDG_RUNTIME_DIR=/run/user/{uid}", *words,
                     "--user"]
        return words + ["--"]

    def left(self):
        return [folder for folder, _, _ in os.walk(TREE)
                if "/assent-run-" in folder]


class Nothing(Setting):
    """Neither namespaces nor Landlock: nothing would hold a command."""

    runs = False


class TooOld(Place):
    """Before mounts could be made read-only in one step."""

    runs = False


class NoAdministrator(Place):
    """Root without CAP_SYS_ADMIN, as in most containers."""

    uids = (0,)
    runs = False

    def prefix(self, uid):
        return ["setpriv", "--bounding-set", "-sys_admin",
                "--inh-caps", "-sys_admin", "--"]


class Masked(Place):
    """A container's own processes, and a /proc of which parts are covered:
    no other may be mounted without them."""

    bare = True
    proc = True

    def prefix(self, uid):
        return ["unshare", "--mount", "--pid", "--fork", "--mount-proc",
                "sh", "-c",
                "mount -t tmpfs -o ro none /proc/acpi 2>/dev/null;"
                "mount --bind /dev/null /proc/kcore &&"
                "mount --bind -o ro /proc/sys /proc/sys &&"
                'exec setpriv --reuid "$0" --regid "$0" --clear-groups '
                '-- "$@"', str(uid)]

    def become(self, uid):
        """By setpriv, in there."""


# Where control groups and namespaces are as they were.
FEW = ("what_doctor_says_is_so", "a_run_works", "nothing_gets_out",
       "nothing_outlives_the_killed_first_process_of_a_run")


class Prepared(Place):
    """What is mounted for the process that starts assent alone."""

    checks = FEW
    SCRIPT = ""

    def prefix(self, uid):
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                self.SCRIPT + ' && exec setpriv --reuid "$0" --regid "$0" '
                '--clear-groups -- "$@"', str(uid)]

    def become(self, uid):
        """By setpriv, in there."""


class HiddenProcesses(Prepared):
    """Each sees his own processes only."""

    SCRIPT = "mount -t proc -o hidepid=2 proc /proc"


class NothingExecutedInTmp(Prepared):
    SCRIPT = "mount -t tmpfs -o noexec,nosuid,nodev,mode=1777 tmp /tmp"


class Value(Place):
    """A setting of the kernel from which nothing follows for runs."""

    checks = FEW

    def __init__(self, kernel, path, value, back=True):
        super().__init__(kernel)
        self.path, self.value, self.back = path, value, back

    def __enter__(self):
        if not os.path.exists(self.path):
            raise Absent(f"no {self.path}")
        self.before = read(self.path)
        write(self.path, self.value)
        return self

    def __exit__(self, *_):
        if self.back:
            write(self.path, self.before)


class NotTraced(Value):
    """A supervisor without rights may not read what a program asks for."""

    checks = None
    runs = False


class Confined(Place):
    """A profile of AppArmor's under which a user's namespaces are made, and
    nothing is mounted in them."""

    uids = (USER,)
    bare = proc = True
    PROFILE = """
profile assent-tried flags=(attach_disconnected,mediate_deleted) {
  file,
  network,
  capability,
  signal,
  ptrace,
  unix,
  deny mount,
  deny pivot_root,
}
"""

    def __enter__(self):
        if not os.path.isdir("/sys/kernel/security/apparmor"):
            raise Absent("AppArmor is not in force")
        write("/tmp/assent-tried.profile", self.PROFILE)
        ran = subprocess.run(
            ["apparmor_parser", "--replace", "--skip-cache",
             "/tmp/assent-tried.profile"], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        if ran.returncode != 0:
            raise Absent(ran.stdout.strip())
        return self

    def prefix(self, uid):
        return ["aa-exec", "-p", "assent-tried", "--"]


class Hybrid(Version1):
    """As systemd had it between: controllers of version 1, and a tree of
    version 2 without any beside them."""

    def __enter__(self):
        super().__enter__()
        os.mkdir(TREE + "/unified")
        mount("-t", "cgroup2", "cgroup2", TREE + "/unified")
        return self

    def __exit__(self, *why):
        subprocess.run(["umount", TREE + "/unified"], check=False)
        super().__exit__(*why)


class Tests(Place):
    """Tests of the default run, in the state that the machine boots into."""

    checks = ()

    def __init__(self, kernel, *scripts):
        super().__init__(kernel)
        self.scripts = [(name,) for name in scripts]


TRACE = "/proc/sys/kernel/yama/ptrace_scope"


def of(boot, kernel):
    """The places of a boot, by name."""
    if boot == "old":
        return [("too-old", TooOld(kernel))]
    if boot == "systemd":
        import units  # which is made of what is here
        return [("systemd", Systemd(kernel)),
                *((name, kind(kernel)) for name, kind in units.PLACES)]
    if boot == "tests":
        return [(name, Tests(kernel, name)) for name in TESTS]
    if boot == "nothing":
        return [("without-landlock", Place(kernel, landlock=0)),
                ("without-landlock-or-namespaces",
                 Nothing(kernel, "/proc/sys/user/max_user_namespaces", "0",
                         landlock=0))]
    if boot == "version1":
        return [("version1", Version1(kernel)), ("hybrid", Hybrid(kernel))]
    return [
        ("version2", Version2(kernel)),
        ("version2-no-namespaces", Version2Alone(kernel)),
        ("not-delegated", NotDelegated(kernel)),
        ("no-groups", Place(kernel)),
        ("no-user-namespaces",
         Setting(kernel, "/proc/sys/user/max_user_namespaces", "0")),
        ("no-user-namespaces-for-root",
         RootWithout(kernel, "/proc/sys/user/max_user_namespaces", "0")),
        ("no-user-namespaces-for-users",
         Setting(kernel, "/proc/sys/kernel/unprivileged_userns_clone", "0")),
        ("apparmor-restricts",
         Setting(kernel, "/proc/sys/kernel/"
                 "apparmor_restrict_unprivileged_userns", "1")),
        ("root-without-administration", NoAdministrator(kernel)),
        ("masked-proc", Masked(kernel)),
        ("no-executable-memory-files", NoExec(kernel, "2")),
        ("hidden-processes", HiddenProcesses(kernel)),
        ("nothing-executed-in-tmp", NothingExecutedInTmp(kernel)),
        ("no-io-uring", Value(kernel, "/proc/sys/kernel/io_uring_disabled",
                              "2")),
        ("apparmor-denies-mounts", Confined(kernel)),
        ("only-root-traces", NotTraced(kernel, TRACE, "2")),
        # This one cannot be taken back.
        ("nobody-traces", NotTraced(kernel, TRACE, "3", back=False)),
    ]
