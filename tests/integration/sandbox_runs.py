"""Runs: what they get, how they end, what they may use, what leaks."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from lib_sandbox import USER, World, in_each_mode, modes, require_sandbox


def alive(mark):
    """Processes whose command line holds mark."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as text:
                if mark.encode() in text.read():
                    found.append(pid)
        except OSError:
            pass
    return found


class Runs(unittest.TestCase):
    @in_each_mode
    def test_the_status_is_what_a_shell_would_report(self, w):
        for words, want in ((["true"], 0), (["sh", "-c", "exit 7"], 7),
                            (["sh", "-c", "kill -9 $$"], 137),
                            (["sh", "-c", "kill -TERM $$"], 143),
                            (["no-such-program"], 127),
                            (["/etc/passwd"], 126)):
            status, out = w.run(words)
            self.assertEqual(status, want, f"{words}: {out}")

    @in_each_mode
    def test_input_and_both_outputs_are_passed_on(self, w):
        with w.start(["sh", "-c", "cat; echo err >&2"],
                     stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            out, err = process.communicate(b"x" * 300000)
        self.assertEqual(len(out), 300000)
        self.assertEqual(err, b"err\n")

    @in_each_mode
    def test_time_is_limited_and_everything_ends(self, w):
        mark = "assent-mark-" + os.urandom(6).hex()
        start = time.monotonic()
        status, _ = w.run(
            f"trap '' TERM INT HUP; (setsid sh -c 'trap \"\" TERM; : {mark}; "
            "while :; do sleep 0.1; done' >/dev/null 2>&1 &); sleep 60",
            "--timeout", "1")
        self.assertEqual(status, 124)
        self.assertLess(time.monotonic() - start, 30)
        self.assertEqual(alive(mark), [])

    @in_each_mode
    def test_a_background_process_does_not_outlive_the_run(self, w):
        mark = "assent-mark-" + os.urandom(6).hex()
        status, _ = w.run(f"setsid nohup sh -c ': {mark}; sleep 60' "
                          ">/dev/null 2>&1 & disown; true")
        self.assertEqual(status, 0)
        self.assertEqual(alive(mark), [])

    @in_each_mode
    def test_killing_the_helper_kills_the_run(self, w):
        for signo in (signal.SIGKILL, signal.SIGTERM):
            mark = "assent-mark-" + os.urandom(6).hex()
            with w.start(["sh", "-c", f"echo up; : {mark}; sleep 60; :"]) as p:
                self.assertEqual(p.stdout.readline(), b"up\n")
                p.send_signal(signo)
                p.wait(10)
            end = time.monotonic() + 2
            while alive(mark) and time.monotonic() < end:
                time.sleep(0.02)
            self.assertEqual(alive(mark), [])

    @in_each_mode
    def test_signals_reach_the_command(self, w):
        with w.start(["sh", "-c", "trap 'echo got; exit 5' INT; echo up; "
                      "while :; do sleep 0.05; done"]) as process:
            self.assertEqual(process.stdout.readline(), b"up\n")
            process.send_signal(signal.SIGINT)
            self.assertIn(b"got", process.stdout.read())
            self.assertEqual(process.wait(), 5)

    @in_each_mode
    def test_every_signal_is_a_status_as_a_shell_reports_it(self, w):
        for name in ("HUP", "INT", "KILL", "SEGV", "USR1", "PIPE", "TERM"):
            status, _ = w.run(["bash", "-c", f"kill -{name} $$"])
            self.assertEqual(status, 128 + getattr(signal, "SIG" + name))

    @in_each_mode
    def test_a_long_stream_passes_both_ways_at_its_readers_pace(self, w):
        block = os.urandom(1 << 20)
        with w.start(["cat"], stdin=subprocess.PIPE,
                     stderr=subprocess.PIPE) as process:
            def write():
                for _ in range(64):
                    process.stdin.write(block)
                process.stdin.close()
            writer = threading.Thread(target=write, daemon=True)
            writer.start()
            time.sleep(0.5)  # in which nobody reads, and it waits
            self.assertTrue(writer.is_alive())
            for _ in range(64):
                self.assertEqual(process.stdout.read(1 << 20), block)
            self.assertEqual(process.stdout.read(), b"")
            self.assertEqual(process.wait(30), 0)

    @in_each_mode
    def test_all_of_a_long_output_is_passed_on(self, w):
        with w.start(["head", "-c", "90000000", "/dev/zero"],
                     stderr=subprocess.PIPE) as process:
            out, err = process.communicate(timeout=60)
        self.assertEqual((len(out), err), (90000000, b""))

    @in_each_mode
    def test_who_writes_without_end_is_ended(self, w):
        for to in ("", ">&2"):
            with w.start(["sh", "-c", f"yes {to}"],
                         stderr=subprocess.PIPE) as process:
                out, err = process.communicate(timeout=60)
            self.assertIn(b"(limits.stream)", err[-200:])
            self.assertGreater(len(out) + len(err), 99 * (1 << 20))
            self.assertLess(len(out) + len(err), 101 * (1 << 20))
            self.assertNotEqual(process.returncode, 0)

    @in_each_mode
    def test_as_in_a_shell_head_ends_what_writes_for_ever(self, w):
        with w.start(["yes"], stderr=subprocess.PIPE) as process:
            self.assertEqual(process.stdout.read(4), b"y\ny\n")
            process.stdout.close()
            self.assertEqual(process.wait(30), 128 + signal.SIGPIPE)

    @in_each_mode
    def test_processes_memory_files_and_disk_are_limited(self, w):
        _, out = w.python(
            "import os, time\n"
            "n = 0\n"
            "try:\n"
            "  for n in range(2000):\n"
            "    if os.fork() == 0: time.sleep(3); os._exit(0)\n"
            "except OSError: print('stopped at', n < 600)\n", "--timeout", "5")
        self.assertIn("stopped at True", out)
        status, out = w.python(
            "import time\nhold = []\n"
            "for _ in range(64):\n"
            "  hold.append(bytearray(b'x' * (64 << 20)))\n"
            "print('TOO MUCH')\n", "--timeout", "30")
        self.assertNotIn("TOO MUCH", out)
        self.assertEqual(status, 137, out)
        self.assertIn("memory", out)
        _, out = w.run("dd if=/dev/zero of=/tmp/f bs=1M count=1500 2>&1; "
                       "ulimit -Hn; fallocate -l 3G big; "
                       "for i in 1 2 3 4; do fallocate -l 1G b$i; done; "
                       "ls b* | wc -l; rm -f b*")
        self.assertIn("No space left", out)
        self.assertIn("\n4096\n", out)
        self.assertNotIn("\n4\n", out)

    @in_each_mode
    def test_there_is_no_network_but_loopback(self, w):
        with socket.create_server(("127.0.0.1", 0)) as host:
            _, out = w.python(
                "import socket\n"
                f"for to in (('127.0.0.1', {host.getsockname()[1]}), "
                "('198.51.100.7', 80)):\n"
                "  try: socket.create_connection(to, 2); print('IN')\n"
                "  except OSError as e: print(e)\n"
                "for args in ((2, 3, 1), (17, 3, 0), (16, 3, 15), (38, 5, 0), "
                "(40, 1, 0), (1, 2, 0)):\n"
                "  try: socket.socket(*args); print('IN', args)\n"
                "  except OSError as e: print(e)\n"
                "print([i[1] for i in socket.if_nameindex()])\n")
        self.assertNotIn("IN", out)
        self.assertIn("['lo']", out)

    @in_each_mode
    def test_private_desktop(self, w):
        name = "assent-it-" + os.urandom(6).hex()
        with socket.socket(socket.AF_UNIX) as abstract, \
                socket.socket(socket.AF_UNIX) as file:
            abstract.bind("\0" + name)
            abstract.listen()
            file.bind("/tmp/" + name)
            os.chmod("/tmp/" + name, 0o777)
            file.listen()
            _, out = w.python(
                "import os, socket\n"
                f"for to in ('\\0{name}', '/tmp/{name}'):\n"
                "  try: socket.socket(1).connect(to); print('IN')\n"
                "  except OSError as e: print(e)\n"
                "for path in ('/tmp/.X11-unix', '/run/user', '/run/dbus', "
                "'/var/run/docker.sock', '/run/systemd'):\n"
                "  print('IN' if os.path.exists(path) else 'none')\n"
                "try: open('/dev/tty'); print('IN')\n"
                "except OSError as e: print(e)\n"
                "print({k for k in os.environ if k in ('DISPLAY', "
                "'SSH_AUTH_SOCK', 'DBUS_SESSION_BUS_ADDRESS')} or 'clean')\n",
                env=w.env(DISPLAY=":0", SSH_AUTH_SOCK="/tmp/x",
                          DBUS_SESSION_BUS_ADDRESS="unix:path=/x"))
            os.unlink("/tmp/" + name)
        self.assertNotIn("IN", out)
        self.assertIn("clean", out)

    @in_each_mode
    def test_no_privilege_is_left(self, w):
        _, out = w.run("grep -E 'Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp:' "
                       "/proc/self/status; id -u; cat /proc/1/environ; "
                       "cat /proc/1/maps; ls /proc/1/root; "
                       "echo processes: $(ls -d /proc/[0-9]* | wc -l)")
        self.assertEqual(len(re.findall(r"Cap\w+:\s0000000000000000", out)), 4)
        self.assertRegex(out, r"NoNewPrivs:\s1")
        self.assertRegex(out, r"Seccomp:\s2")
        self.assertEqual(out.count("Permission denied"), 3, out)
        self.assertNotIn("SECRET", out)
        # both streams are in it, also in the middle of a line
        processes = re.search(r"processes: (\d+)\n", out)
        self.assertLess(int(processes.group(1)), 10)

    @in_each_mode
    def test_kernel_doors_are_shut(self, w):
        _, out = w.python(
            "import ctypes, os\n"
            "l = ctypes.CDLL(None, use_errno=True)\n"
            "def t(name, nr, *a):\n"
            "  r = l.syscall(nr, *a)\n"
            "  print('OPEN ' + name if r >= 0 else name)\n"
            "t('userns', 272, 0x10000000)\n"
            "t('mount', 165, b'none', b'/tmp', b'tmpfs', 0, 0)\n"
            "t('fsopen', 430, b'tmpfs', 0)\n"
            "t('bpf', 321, 0, b'\\2\\0\\0\\0\\4\\0\\0\\0\\4\\0\\0\\0\\1\\0\\0"
            "\\0' + bytes(112), 128)\n"
            "t('uring', 425, 1, bytes(120))\n"
            "t('uffd', 323, 0)\n"
            "t('keyctl', 250, 0, -3, 1)\n"
            "t('perf', 298, bytes(128), 0, -1, -1, 0)\n"
            "t('personality', 135, 0x40000)\n"
            "t('handle', 303, -100, b'/', bytes(128), bytes(8), 0)\n"
            "t('tiocsti', 16, 0, 0xdead00005412, b'x')\n"
            "t('clone3', 435, bytes(88), 88)\n"
            "f = os.memfd_create('x'); os.write(f, open('/bin/true', "
            "'rb').read())\n"
            "try: os.execve(f, ['x'], {}); print('OPEN memfd')\n"
            "except OSError as e: print(e)\n")
        self.assertNotIn("OPEN", out)
        self.assertIn("ermission denied", out)

    @in_each_mode
    def test_no_descriptor_of_the_caller_is_inherited(self, w):
        with open(w.home + "/notes.txt", encoding="utf-8") as leak:
            os.set_inheritable(leak.fileno(), True)
            os.dup2(leak.fileno(), 300)
            _, out = w.run(["sh", "-c", "ls -l /proc/self/fd; cat <&300"],
                           pass_fds=(leak.fileno(), 300))
            os.close(300)
        self.assertNotIn("SECRET", out)
        self.assertNotIn("notes", out)

    @unittest.skipUnless(os.geteuid() == 0, "SKIP: needs root")
    def test_root_runs_nothing_as_root(self):
        with World(0) as w:
            w.put("/etc/assent-it.key", "SECRET-ETC\n", 0o600)
            try:
                _, out = w.run("id -u; whoami; cat /etc/assent-it.key; "
                               "v=$(cat /proc/sys/kernel/core_pattern); "
                               "echo \"$v\" > /proc/sys/kernel/core_pattern; "
                               "chown 1:1 README; mknod m c 1 3; true")
            finally:
                os.unlink("/etc/assent-it.key")
            self.assertNotIn("SECRET", out)
            self.assertTrue(out.startswith("59998\nassent\n"), out)
            self.assertFalse(os.path.exists(w.ws + "/m"))
            self.assertEqual(os.stat(w.ws + "/README").st_uid, 0)

    @unittest.skipUnless(os.geteuid() == 0, "SKIP: needs root")
    def test_a_users_workspace_stays_his_when_root_runs(self):
        with World(USER) as w:
            w.uid = 0
            status, out = w.run("echo x > made; echo y >> README; ls -l made",
                                env=w.env(HOME="/root"))
            self.assertEqual(status, 0, out)
            self.assertEqual(os.stat(w.ws + "/made").st_uid, USER)

    def test_a_plan_is_printed_and_nothing_runs(self):
        with World(modes()[-1]) as w:
            status, out = w.run(["touch", "ran"], "--print-plan")
            self.assertEqual(status, 0, out)
            self.assertTrue(out.startswith('{"version":'))
            self.assertFalse(os.path.exists(w.ws + "/ran"))

    @in_each_mode
    def test_bad_requests_are_refused_with_a_sentence(self, w):
        for options, status in (
                (("--workspace", "/"), 125), (("--workspace", w.home), 125),
                (("--workspace", "/etc"), 125),
                (("--workspace", w.ws + "/none"), 123),
                (("--workspace", w.ws + "/README"), 125),
                (("--workspace", w.ws + "/../proj"), 125),
                (("--profile", "none"), 125),
                (("--profile", "danger-full-access"), 125),
                (("--timeout", "0"), 64), (("--timeout", "x"), 64),
                (("--nothing",), 64)):
            got, out = w.run(["true"], *options)
            self.assertEqual(got, status, f"{options}: {out}")
            self.assertRegex(out, r"^assent: .{20,}\n")

    @in_each_mode
    def test_odd_workspaces_do_no_harm(self, w):
        os.symlink("loop", w.ws + "/loop")
        os.mkdir(os.fsencode(w.ws) + b"/bad\xff\nname")
        shutil.copy("/bin/true", w.ws + "/tool")
        w.own(w.ws)
        status, out = w.run("ls; ./tool && cat loop; echo x > loop; "
                            "cd bad*; pwd > f; test -s f")
        self.assertEqual(status, 0, out)


class Pins(unittest.TestCase):
    def swap(self, w, prepare, words, swap):
        """What runs after a swap between the pin and the run."""
        w.outside(prepare)
        status, out = w.run(words, "--pin", w.home + "/pin")
        self.assertEqual((status, out), (0, ""))
        w.outside(swap)
        return w.run(words, "--pinned", w.home + "/pin")

    @in_each_mode
    def test_i4_all_five_swaps_fail(self, w):
        evil = "printf '#!/bin/sh\\necho EVIL\\n' > "
        for prepare, words, swap in (
                ("cp /bin/true tool", ["./tool"],
                 evil + "t2; chmod +x t2; mv t2 tool"),
                ("cp /bin/true tool", ["./tool"], "cat /bin/date > tool"),
                ("echo 'echo fine' > s.sh", ["sh", "s.sh"],
                 "echo 'echo EVIL' > s2; mv s2 s.sh"),
                ("echo 'echo fine' > s.sh", ["sh", "s.sh"],
                 "echo 'echo EVIL' > s.sh"),
                ("mkdir -p d; echo 'echo fine' > d/s.sh",
                 ["sh", "-c", "sh d/s.sh"],
                 "mkdir e; echo 'echo EVIL' > e/s.sh; mv d x; mv e d")):
            status, out = self.swap(w, prepare, words, swap)
            self.assertNotIn("EVIL", out)
            self.assertNotRegex(out, "20[0-9][0-9]")
            self.assertIn(status, (0, 125), out)
            w.outside("git clean -fdqx")

    @in_each_mode
    def test_i4_what_the_script_loads_is_pinned_too(self, w):
        status, out = self.swap(
            w, "echo 'x = \"fine\"' > m.py; echo 'import m; print(m.x)' > a.py",
            ["python3", "a.py"], "echo 'x = \"EVIL\"' > m.py")
        self.assertEqual((status, out), (0, "fine\n"))
        w.outside("git clean -fdqx")
        # A new file that would be preferred to the one that was seen.
        status, out = self.swap(
            w, "printf 'all:\\n\\t@echo fine\\n' > Makefile",
            ["make", "-s"], "printf 'all:\\n\\t@echo EVIL\\n' > GNUmakefile")
        self.assertNotIn("EVIL", out)

    @in_each_mode
    def test_i4_a_link_in_the_place_of_a_file_is_refused(self, w):
        status, out = self.swap(
            w, "echo 'echo fine' > s.sh", ["sh", "s.sh"],
            "rm s.sh; ln -s ../../victim/plain.txt s.sh")
        self.assertEqual(status, 125, out)

    @in_each_mode
    def test_a_pinned_file_cannot_be_changed_by_the_run(self, w):
        status, out = self.swap(
            w, "echo 'echo x > s.sh; mv s.sh t; rm s.sh; echo end' > s.sh",
            ["sh", "s.sh"], "true")
        self.assertEqual(status, 0, out)
        self.assertIn("end", out)
        with open(w.ws + "/s.sh", encoding="utf-8") as text:
            self.assertIn("echo end", text.read())

    @in_each_mode
    def test_a_script_named_as_the_record_is_kept(self, w):
        w.outside("echo 'echo fine' > s.sh")
        status, out = w.run(["sh", "s.sh"], "--pin", w.ws + "/s.sh")
        self.assertEqual(status, 125, out)
        self.assertIn("name a new one", out)
        with open(w.ws + "/s.sh", encoding="utf-8") as text:
            self.assertEqual(text.read(), "echo fine\n")
        # A record of before is replaced.
        for _ in range(2):
            status, out = w.run(["sh", "s.sh"], "--pin", w.home + "/pin")
            self.assertEqual(status, 0, out)

    @in_each_mode
    def test_a_pin_of_others_is_refused(self, w):
        w.run(["true"], "--pin", w.home + "/pin")
        os.chmod(w.home + "/pin", 0o666)
        status, out = w.run(["true"], "--pinned", w.home + "/pin")
        self.assertEqual(status, 125, out)
        with open(w.home + "/pin", "w", encoding="utf-8") as text:
            text.write("nonsense")
        os.chmod(w.home + "/pin", 0o600)
        status, out = w.run(["true"], "--pinned", w.home + "/pin")
        self.assertEqual(status, 125, out)


if __name__ == "__main__":
    require_sandbox()
    unittest.main()
