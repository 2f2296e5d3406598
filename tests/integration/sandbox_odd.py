"""Machines and processes in an odd state: the run goes on as ever, or one line
says what is missing. Nothing is held less without a word."""

import ctypes
import errno
import os
import resource
import subprocess
import unittest

from lib_sandbox import World, in_each_mode, modes, require_sandbox
from lib_weak import killed_for, without, without_namespaces

ROOT = os.geteuid() == 0
SANITIZED = os.environ.get("ASSENT_PRESET_SANITIZES") == "1"
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
PR_SET_NO_NEW_PRIVS = 38
NPROC, FILES, MEMORY = (resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE,
                        resource.RLIMIT_AS)
CONTAINER = ("chown,dac_override,fsetid,fowner,mknod,net_raw,setgid,setuid,"
             "setfcap,setpcap,net_bind_service,sys_chroot,kill,audit_write")
# Nothing of this may be of use, wherever it runs.
TRIED = ("echo ran >out; cat out; cat %(home)s/notes.txt; "
         "echo x >%(victim)s/plain.txt; echo x >.git/hooks/pre-commit; "
         "kill -0 %(pid)d && echo 'signal sent'; true")
# As root, in mounts of its own, before it becomes who it is; what there is
# then: these take nothing from a run.
MOUNTS = {
    "a /proc that hides others": "mount -t proc -o hidepid=2 proc /proc",
    "a /proc of processes alone": "mount -t proc -o subset=pid proc /proc",
    "no control groups": "mount -t tmpfs none /sys/fs/cgroup",
    "no /sys": "mount -t tmpfs none /sys",
    "no /dev/shm": "umount -l /dev/shm || true",
    "a /tmp where nothing is executed": "mount -t tmpfs -o noexec,mode=1777 "
                                        "none /tmp",
    "a /tmp that is read-only": "mount -t tmpfs -o ro none /tmp",
    "a /tmp of root's": "mount -t tmpfs -o mode=700 none /tmp",
    "a workspace where nothing is executed":
        "mount --bind {ws} {ws} && "
        "mount -o remount,bind,noexec,nosuid,nodev {ws}",
    "all else read-only": "mount --bind {ws} {ws} && "
                          "mount -o remount,bind,ro /",
    "a home through a link": "mount -t tmpfs none /mnt && ln -s {home} /mnt/h",
}
# What a process is started with.
STATES = {
    "no new privileges": lambda w: ctypes.CDLL(None).prctl(
        PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
    "no input": lambda w: os.close(0),
    "no error stream": lambda w: os.close(2),
    "little memory": lambda w: limit(MEMORY, 64 << 20),
    "no locked memory": lambda w: limit(resource.RLIMIT_MEMLOCK, 0),
    "a small stack": lambda w: limit(resource.RLIMIT_STACK, 64 << 10),
    "a folder that is gone": lambda w: (os.mkdir(w.ws + "/gone"),
                                        os.chdir(w.ws + "/gone"),
                                        os.rmdir(w.ws + "/gone")),
}
if SANITIZED:
    del STATES["little memory"]  # it takes terabytes of addresses
HOMES = (None, "", "/nonexistent/home", "proj", "/", "/etc/passwd",
         "{top}/link", "{top}/nowhere", "{top}/all")


def limit(what, value):
    resource.setrlimit(what, (value, value))


class Odd(World):
    """Before: by root, in mounts of its own; then: by who starts the run."""

    script = ""

    @staticmethod
    def then(w):
        pass

    def _become(self):
        if self.script:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(CLONE_NEWNS) != 0 or libc.mount(
                    None, b"/", None, MS_REC | MS_PRIVATE, None) != 0:
                raise OSError(ctypes.get_errno(), "no mounts of its own")
            subprocess.run(
                ["sh", "-c", self.script.format(ws=self.ws, home=self.home)],
                check=True, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
        super()._become()
        self.then(self)

    def tried(self, *options, **popen):
        return self.run(TRIED % {"home": self.home, "victim": self.victim,
                                 "pid": os.getpid()}, *options, **popen)


class Places(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.worlds = [Odd(uid) for uid in modes()]

    @classmethod
    def tearDownClass(cls):
        for w in cls.worlds:
            w.__exit__()

    def each(self, script=""):
        """The world of each user, as it was at the beginning."""
        for w in self.worlds:
            w.script, w.then = script, Odd.then
            for name in ("out", "new", "a.c", "a"):
                if os.path.exists(f"{w.ws}/{name}"):
                    os.unlink(f"{w.ws}/{name}")
            yield w

    def held(self, w, out):
        self.assertNotIn("SECRET", out)
        self.assertNotIn("signal sent", out)
        self.assertFalse(os.path.exists(w.ws + "/.git/hooks/pre-commit"))
        with open(w.victim + "/plain.txt", encoding="ascii") as text:
            self.assertEqual(text.read(), "original\n")

    def goes_on(self, w, **popen):
        """As ever: nothing is said to be missing."""
        status, out = w.tried(**popen)
        self.assertEqual(status, 0, out)
        self.assertIn("ran\n", out)
        self.assertNotIn("assent: note: this user", out)
        self.held(w, out)

    def refused(self, w, words, statuses=(123, 125)):
        """In one line, of which these are part."""
        status, out = w.tried()
        self.assertIn(status, statuses, out)
        self.assertRegex(out, rf"^assent: .*{words}")
        self.assertEqual(out.count("\n"), 1, out)
        self.assertFalse(os.path.exists(w.ws + "/out"))
        self.held(w, out)

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    def test_i10_odd_mounts_of_a_machine_take_nothing_from_a_run(self):
        for name, script in MOUNTS.items():
            for w in self.each(script=script):
                with self.subTest(place=name, uid=w.uid):
                    env = w.env(HOME="/mnt/h") if "/mnt/h" in script \
                        else w.env()
                    self.goes_on(w, env=env)

    def test_i10_what_a_process_is_started_with_takes_nothing(self):
        for name, then in STATES.items():
            for w in self.each():
                with self.subTest(state=name, uid=w.uid):
                    w.then = then
                    self.goes_on(w)

    @in_each_mode
    def test_i10_whatever_home_is_its_secrets_are_not_shown(self, w):
        for name, to in (("link", w.home), ("nowhere", "/nowhere"),
                         ("all", "/")):
            os.symlink(to, f"{w.top}/{name}")
        for home in HOMES:
            with self.subTest(home=home):
                env = w.env()
                env.pop("HOME")
                if home is not None:
                    env["HOME"] = home.format(top=w.top)
                status, out = w.run(
                    f"echo ran; cat {w.home}/notes.txt "
                    f"{w.home}/.ssh/id_ed25519 ~/notes.txt", env=env)
                self.assertIn("ran\n", out)
                self.assertNotIn("SECRET", out)

    def test_i10_too_few_open_files_are_said(self):
        for files in (12, 20, 64, 66, 70, 80):
            for w in self.each():
                w.then = lambda w, n=files: limit(FILES, n)
                with self.subTest(files=files, uid=w.uid):
                    self.refused(w, f"may have {files} open files.*ulimit -n")

    def test_i10_few_open_files_are_enough(self):
        for w in self.each():
            w.then = lambda w: limit(FILES, 128)
            self.goes_on(w)

    @unittest.skipIf(SANITIZED, "SKIP: looks for leaks by a process, in /proc")
    @unittest.skipUnless(ROOT, "SKIP: a user of our own")
    def test_i10_no_more_processes_are_said(self):
        *_, w = self.each()
        w.then = lambda w: limit(NPROC, 0)
        self.refused(w, "no more processes may be started")

    @unittest.skipIf(SANITIZED, "SKIP: looks for leaks by a process, in /proc")
    @unittest.skipUnless(ROOT, "SKIP: needs root")
    def test_i10_a_missing_proc_is_said(self):
        for w in self.each(script="umount -l /proc"):
            self.refused(w, "no /proc is mounted here")

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    def test_i10_where_nobody_traces_no_run_begins_and_it_is_said(self):
        """The setting is put over the others, for not every kernel has it."""
        script = ("mount -t tmpfs none /proc/sys/kernel && "
                  "mkdir /proc/sys/kernel/yama && "
                  "echo {} >/proc/sys/kernel/yama/ptrace_scope")
        for scope in (2, 3):
            for w in self.each(script=script.format(scope)):
                with self.subTest(scope=scope, uid=w.uid):
                    self.refused(w, f"ptrace_scope is {scope} here.*set it "
                                    "to 1", (125,))

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    def test_i10_missing_devices_are_named(self):
        script = ("mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 "
                  "&& mknod -m 666 /dev/urandom c 1 9")
        for w in self.each(script=script):
            if w.uid == 0:
                continue  # a template of root's has its own
            status, out = w.tried()
            self.assertEqual(status, 0, out)
            self.assertIn("the host has no /dev/zero", out)
            self.assertNotIn("no /dev/null", out)
            self.held(w, out)

    def test_i10_a_call_that_is_forbidden_is_named(self):
        for call in ("openat2", "mount_setattr", "seccomp"):
            for w in self.each():
                w.then = lambda w, c=call: without(errno.EPERM, c)
                with self.subTest(call=call, uid=w.uid):
                    self.refused(w, f"runs need the system call {call}")

    def test_i10_a_filter_that_kills_is_said(self):
        for call in ("mount", "fsopen", "seccomp"):
            for w in self.each():
                w.then = lambda w, c=call: killed_for(c)
                with self.subTest(call=call, uid=w.uid):
                    self.refused(w, "filter")

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    def test_i10_root_in_a_container_is_told_to_be_a_user(self):
        w = next(self.each())
        w.then = lambda w: without_namespaces(errno.EPERM)
        self.refused(w, "start assent as a plain user", (125,))

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    def test_i10_a_container_as_they_are_made_holds_a_users_runs(self):
        """The rights, calls and mounts that docker leaves."""
        *_, w = self.each()
        w.script = ("mount --bind /proc/sys /proc/sys && "
                    "mount -o remount,bind,ro /proc/sys && "
                    "mount -t tmpfs -o ro none /sys/fs/cgroup")

        def then(_):
            without_namespaces(errno.EPERM)
            without(errno.EPERM, "mount", "open_tree", "move_mount",
                    "fsopen", "fsconfig", "fsmount", "mount_setattr",
                    "setns")
        w.then = then
        status, out = w.tried()
        self.assertEqual(status, 0, out)
        self.assertIn("ran\n", out)
        self.assertIn("may make no namespaces here", out)
        self.held(w, out)

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    def test_i10_root_without_administration_is_told_to_be_a_user(self):
        w = next(self.each())
        ran = subprocess.run(
            ["setpriv", "--bounding-set=-all,"
             + ",".join("+" + cap for cap in CONTAINER.split(",")),
             "--inh-caps=-all", "--", w.helper, "--oneshot",
             "--workspace", w.ws, "--", "touch", "out"], cwd=w.ws,
            env=w.env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=60, check=False)
        self.assertEqual(ran.returncode, 125, ran.stdout)
        self.assertIn("start assent as a plain user", ran.stdout)
        self.assertFalse(os.path.exists(w.ws + "/out"))

    def test_i10_the_unit_covers_nothing_of_proc(self):
        """Else users' runs would have no namespaces under it."""
        with open(os.environ["ASSENT_SOURCE"] + "/docs/assentd.service",
                  encoding="ascii") as text:
            self.assertNotRegex(text.read(), r"(?m)^(ProtectKernel(Logs|"
                                "Tunables)|ProtectProc|ProcSubset|"
                                "PrivateUsers|RestrictNamespaces|"
                                "InaccessiblePaths)=")

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    def test_i10_what_the_unit_lets_root_do_is_enough_for_roots_runs(self):
        with open(os.environ["ASSENT_SOURCE"] + "/docs/assentd.service",
                  encoding="ascii") as text:
            names = [name.lower().removeprefix("cap_") for line in text
                     if line.startswith("CapabilityBoundingSet=")
                     for name in line.strip().partition("=")[2].split()]
        for without_this, words in ((None, ""), ("setfcap", "CAP_SETFCAP")):
            w = next(self.each())
            caps = [f"+{name}" for name in names if name != without_this]
            ran = subprocess.run(
                ["setpriv", "--bounding-set=" + ",".join(["-all", *caps]),
                 "--inh-caps=-all", "--", w.helper, "--oneshot",
                 "--workspace", w.ws, "--", "touch", "out"], cwd=w.ws,
                env=w.env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, timeout=60, check=False)
            with self.subTest(without=without_this):
                self.assertIn(words, ran.stdout)
                self.assertEqual((ran.returncode == 0,
                                  os.path.exists(w.ws + "/out")),
                                 (words == "",) * 2, ran.stdout)

    @in_each_mode
    def test_i10_a_program_of_another_kind_is_ended_and_it_is_said(self, w):
        w.put(w.ws + "/a.c", "int main(void) { long r; __asm__ volatile("
              "\"int $0x80\" : \"=a\"(r) : \"a\"(20)); return r < 0; }\n")
        status, out = w.run("cc -o a a.c && ./a")
        self.assertEqual(status, 128 + 31, out)
        self.assertIn("denied: system call of another kind", out)

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    def test_i10_a_full_or_read_only_workspace_is_the_programs_affair(self):
        for script, words in (
                ("mount -t tmpfs -o mode=777,size=64k none {ws} && "
                 "head -c 1000000 /dev/zero >{ws}/big || true",
                 "No space left on device"),
                ("mount --bind {ws} {ws} && mount -o remount,bind,ro {ws}",
                 "Read-only file system|you may not write there")):
            for w in self.each(script=script):
                with self.subTest(uid=w.uid):
                    _, out = w.run("cat /proc/meminfo >new; echo $?")
                    self.assertRegex(out, words)

    @in_each_mode
    def test_i10_many_groups_or_no_environment_take_nothing(self, w):
        status, out = w.run("id -G; echo ran", env={})
        self.assertIn("ran\n", out)
        if ROOT and w.uid != 0:
            status, out = w.run("echo ran", extra_groups=range(5000, 5400))
            self.assertEqual((status, out), (0, "ran\n"))


if __name__ == "__main__":
    require_sandbox()
    unittest.main()
