"""Where nobody may make namespaces, as in a container: what is left is held,
and the rest is said aloud."""

import ctypes
import errno
import glob
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from lib_sandbox import USER, World
from lib_weak import without, without_namespaces

CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
ERRORS = (errno.EPERM, errno.ENOSPC, errno.EINVAL)


def uid():
    return USER if os.geteuid() == 0 else os.geteuid()


class Bare(World):
    """A world whose runs can have no namespaces."""

    error = errno.EPERM
    missing = ()

    def _become(self):
        super()._become()
        without_namespaces(self.error)
        if self.missing:
            without(errno.ENOSYS, *self.missing)


class Hollow(World):
    """As AppArmor has it on some systems: a user's namespaces are made, and
    he may mount nothing in them. The setting that says so is not here, so it
    is put over the others; the rest is taken away by a filter."""

    SETTING = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"

    def _become(self):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS) != 0 or \
                libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) != 0 \
                or libc.mount(b"settings", b"/proc/sys/kernel", b"tmpfs", 0,
                              None) != 0:
            raise OSError(ctypes.get_errno(), "no private settings")
        with open(self.SETTING, "w", encoding="ascii") as to:
            to.write("1\n")
        super()._become()
        without(errno.EACCES, "mount", "open_tree", "fsopen")


class Covered(World):
    """As in a container: a part of /proc is covered, so a user's namespaces
    can have no /proc of their own."""

    def _become(self):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS) != 0 or \
                libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) != 0 \
                or libc.mount(b"/proc/sys", b"/proc/sys", None, MS_BIND,
                              None) != 0:
            raise OSError(ctypes.get_errno(), "nothing covered")
        super()._become()


def tmp_folders():
    return [path for path in glob.glob("/tmp/assent-run-*")
            if os.stat(path).st_uid == uid()]


def marked(mark):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as text:
                if mark.encode() in text.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def state_of(pid):
    """Is it stopped, and how nice is it?"""
    with open(f"/proc/{pid}/stat", encoding="ascii") as text:
        fields = text.read().rsplit(")", 1)[1].split()
    return fields[0] == "T", fields[16]


class WithoutNamespaces(unittest.TestCase):
    def test_i10_a_run_without_namespaces_says_so(self):
        for error in ERRORS:
            with Bare(uid()) as w:
                w.error = error
                status, out = w.run("echo ran > made; cat made")
                self.assertEqual(status, 0, out)
                self.assertIn("ran\n", out)
                self.assertIn("may make no namespaces here", out)

    @unittest.skipUnless(os.geteuid() == 0, "SKIP: needs root")
    def test_i10_namespaces_without_rights_in_them_are_taken_for_none(self):
        for kind in (Hollow, Covered):
            with self.subTest(kind=kind.__name__), kind(uid()) as w:
                _, out = w.run(
                    "echo ran > made; cat made; echo x > "
                    f"{w.victim}/new; cat {w.home}/notes.txt")
                self.assertIn("ran\n", out)
                self.assertIn("may make no namespaces here", out)
                self.assertNotIn("SECRET", out)
                self.assertEqual(os.listdir(w.victim), ["plain.txt"])

    def test_i10_a_required_namespace_refuses_the_weaker_mode(self):
        with Bare(uid()) as w:
            shutil.copy(os.environ["ASSENT_BIN"] + "/assent", w.top)
            w.put(w.top + "/c.yaml", "require: [userns]\n")
            ran = subprocess.run(
                [w.top + "/assent", "sandbox", "--config", w.top + "/c.yaml",
                 "--workspace", w.ws, "--", "touch", "made"],
                cwd=w.ws, env=w.env(XDG_RUNTIME_DIR=w.top,
                                    XDG_STATE_HOME=w.top),
                preexec_fn=w._become, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
            self.assertEqual(ran.returncode, 125, ran.stdout)
            self.assertIn("user namespaces are required", ran.stdout)
            self.assertFalse(os.path.exists(w.ws + "/made"))

    def test_with_neither_namespaces_nor_landlock_nothing_runs(self):
        with Bare(uid()) as w:
            w.missing = ("landlock_create_ruleset",)
            status, out = w.run("touch made")
            self.assertEqual(status, 125, out)
            self.assertIn("nothing would hold the command", out)
            self.assertFalse(os.path.exists(w.ws + "/made"))

    def test_what_cannot_be_held_is_refused(self):
        with Bare(uid()) as w:
            status, out = w.run(["true"], "--overlay")
            self.assertEqual(status, 125, out)
            self.assertIn("needs namespaces", out)

    def test_files_outside_are_neither_read_nor_changed(self):
        with Bare(uid()) as w:
            w.put(w.ws + "/.env", "KEY=SECRET-ENV\n")
            before = os.stat(w.victim + "/plain.txt")
            _, out = w.run(
                f"cat {w.home}/.ssh/id_ed25519 {w.home}/notes.txt; cat .env; "
                f"echo x >> {w.victim}/plain.txt; : > {w.victim}/plain.txt; "
                f"rm -f {w.victim}/plain.txt; mv {w.victim}/plain.txt .; "
                f"ln {w.home}/notes.txt n; cat n; ln -s {w.home}/notes.txt s; "
                f"cat s; truncate -s 0 {w.victim}/plain.txt; "
                f"chmod 777 {w.victim}/plain.txt; touch {w.victim}/plain.txt; "
                f"setfattr -n user.a -v b {w.victim}/plain.txt; "
                f"echo x > {w.victim}/new; echo x >> {w.home}/.bashrc; "
                "mv .env e; cat e; ln .env f; cat f; cp .env g; cat g; "
                "cat /proc/*/environ; cat $PWD/../notes.txt")
            after = os.stat(w.victim + "/plain.txt")
            self.assertNotIn("SECRET", out)
            self.assertEqual(os.listdir(w.victim), ["plain.txt"])
            for what in ("st_size", "st_mode", "st_mtime_ns", "st_nlink",
                         "st_ctime_ns"):
                self.assertEqual(getattr(before, what), getattr(after, what))

    def test_protected_names_stay(self):
        with Bare(uid()) as w:
            w.put(w.ws + "/.envrc", "original\n")
            w.run("rm -f .envrc; echo x > .envrc; mv .envrc y; rm -rf .git; "
                  "mv .git z; echo x > .git/hooks/pre-commit; rm .git/config; "
                  "echo x >> .git/config; chmod +x .git/hooks/*.sample; "
                  "mkdir -p .vscode; echo x > .vscode/tasks.json; "
                  "mv README .mcp.json; rmdir .git/hooks; unlink .git/HEAD")
            self.assertFalse(os.path.exists(w.ws + "/.git/hooks/pre-commit"))
            with open(w.ws + "/.envrc", encoding="ascii") as text:
                self.assertEqual(text.read(), "original\n")
            with open(w.ws + "/.git/config", encoding="ascii") as text:
                self.assertNotIn("x\n", text.read().replace("index", ""))
            for name in (".vscode/tasks.json", ".mcp.json"):
                self.assertFalse(os.path.exists(f"{w.ws}/{name}"), name)

    def test_no_file_is_cut_short_by_the_kernel_itself(self):
        """Landlock before Linux 6.2 does not hold that, and the path may be
        another one by then."""
        for world in (Bare, World):
            with world(uid()) as w:
                status, out = w.python(
                    "import os, tempfile\n"
                    "own = tempfile.gettempdir() + '/own'\n"
                    "for path in (own, 'mine'):\n"
                    "  open(path, 'w').write('abc')\n"
                    "  os.truncate(path, 1)\n"
                    "  print(os.path.getsize(path))\n"
                    "for path in ('/dev/null', '/dev/fd/0', own, 'mine'):\n"
                    "  for access in (os.O_RDONLY, 3):\n"
                    "    try: print('CUT', os.open(path, access|os.O_TRUNC))\n"
                    "    except PermissionError: pass\n"
                    "for path in ('/dev/null', '/dev/fd/0', '/none/x',"
                    " own + '2', '/', '/etc/hostname'):\n"
                    "  try: print('CUT', path, os.truncate(path, 0))\n"
                    "  except OSError: pass\n")
                self.assertEqual((status, out.split("assent:")[0]),
                                 (0, "1\n1\n"))

    def test_no_network_no_socket_of_the_host(self):
        with Bare(uid()) as w:
            hits = []
            listeners = []
            for family, at in ((socket.AF_INET, ("127.0.0.1", 0)),
                               (socket.AF_UNIX, w.top + "/host.sock"),
                               (socket.AF_UNIX, f"\0assent-{os.getpid()}")):
                s = socket.socket(family)
                s.bind(at)
                s.listen()
                listeners.append(s)
                if family == socket.AF_UNIX and at[0] == "/":
                    os.chmod(at, 0o777)
            port = listeners[0].getsockname()[1]

            def accept(s):
                try:
                    s.accept()
                    hits.append(s.getsockname())
                except OSError:
                    pass

            for s in listeners:
                threading.Thread(target=accept, args=(s,),
                                 daemon=True).start()
            _, out = w.python(
                "import socket\n"
                f"for f, a in ((2, ('127.0.0.1', {port})),"
                f" (1, '{w.top}/host.sock'), (1, '\\0assent-{os.getpid()}'),"
                " (16, 0), (2, None)):\n"
                "  try:\n    s = socket.socket(f)\n    s.connect(a)\n"
                "    print('REACHED', a)\n"
                "  except (OSError, TypeError) as e: print('no', e)\n")
            time.sleep(0.1)
            self.assertNotIn("REACHED", out)
            self.assertEqual(hits, [])
            for s in listeners:
                s.close()

    def test_processes_outside_are_not_touched(self):
        for missing in ((), ):
            with Bare(uid()) as w, subprocess.Popen(
                    ["sleep", "60"], preexec_fn=super(Bare, w)._become) as p:
                w.missing = missing
                before = state_of(p.pid)
                w.run(f"kill -9 {p.pid}; kill -9 -1; renice 19 {p.pid}; "
                      f"prlimit --pid {p.pid} --nofile=1; "
                      f"kill -STOP {p.pid}; kill -9 -{os.getpgid(p.pid)}; "
                      f"taskset -p 1 {p.pid}; chrt -i -p 0 {p.pid}; "
                      f"gdb -p {p.pid} -batch; ionice -c3 -p {p.pid}")
                after = p.poll(), state_of(p.pid)
                p.kill()
                self.assertEqual(after, (None, before))

    def test_command_lines_of_others_are_not_seen(self):
        with Bare(uid()) as w, subprocess.Popen(
                ["sh", "-c", ": SECRET-ARGUMENT; read _; :"],
                stdin=subprocess.PIPE,
                preexec_fn=super(Bare, w)._become) as p:
            _, out = w.run("cat /proc/[0-9]*/cmdline /proc/*/comm "
                           f"/proc/{p.pid}/status; ps axww; "
                           "cat /proc/self/cmdline | tr '\\0' ' '; "
                           "grep -c . /proc/meminfo; cat /proc/$$/comm")
            self.assertNotIn("SECRET-ARGUMENT", out)
            self.assertIn("cat /proc/self/cmdline", out)
            self.assertIn("bash", out)
            p.kill()

    def test_nothing_is_left_of_a_run(self):
        with Bare(uid()) as w:
            before = tmp_folders()
            mark = f"27.1{os.getpid()}"
            status, _ = w.run(
                f"mkdir -p $TMPDIR/a/b; ln -s / $TMPDIR/l; mkdir $TMPDIR/c; "
                f"chmod 0 $TMPDIR/c; (setsid nohup sleep {mark} "
                f">/dev/null 2>&1 &); (trap '' TERM; exec sleep {mark}) & "
                f"python3 -c \"import os\nif os.fork() == 0: os.setsid(); "
                f"os.fork() or os.execlp('sleep', 'sleep', '{mark}')\" & "
                "sleep 0.3")
            self.assertEqual(status, 0)
            self.assertEqual(marked(mark), [])
            self.assertEqual(tmp_folders(), before)

    def test_time_and_memory_are_limited(self):
        with Bare(uid()) as w:
            mark = f"27.2{os.getpid()}"
            start = time.monotonic()
            status, out = w.run(f"trap '' TERM; (setsid sleep {mark} &); "
                                f"sleep {mark}; sleep {mark}",
                                "--timeout", "1")
            self.assertEqual(status, 124, out)
            self.assertLess(time.monotonic() - start, 20)
            self.assertEqual(marked(mark), [])
            status, out = w.python(
                "import time\nx = []\n"
                "for _ in range(64): x.append(bytearray(b'x') * (64 << 20))\n"
                "print('ESCAPED')\n")
            self.assertNotIn("ESCAPED", out)

    def test_a_folder_of_a_killed_run_goes_with_the_next(self):
        with Bare(uid()) as w:
            with w.start(["sh", "-c", "echo up; sleep 60"]) as process:
                process.stdout.readline()
                process.send_signal(signal.SIGKILL)
            end = time.time() + 10
            while tmp_folders() and time.time() < end:
                w.run(["true"])
            self.assertEqual(tmp_folders(), [])

    def test_usual_work_goes_on(self):
        with Bare(uid()) as w:
            w.put(w.ws + "/m.c", "#include <stdio.h>\n"
                  "int main(void) { puts(\"built\"); return 0; }\n")
            status, out = w.run(
                "set -e; cc -o m m.c; ./m; git add m.c; git commit -qm second; "
                "git log --oneline | wc -l; mkdir d; cp -p m.c d/; mv d e; "
                "rm -r e; printf 'all:\\n\\techo made\\n' > Makefile; make; "
                "python3 -c 'import tempfile; tempfile.mkdtemp()'; "
                "touch -d 2001-01-01 m.c; chmod 700 m; sort < m.c | wc -l; "
                "mktemp; diff <(echo a) <(echo a); exec 5<>m.c; echo done")
            self.assertEqual(status, 0, out)
            self.assertIn("built\n", out)
            self.assertIn("done\n", out)


if __name__ == "__main__":
    unittest.main()
