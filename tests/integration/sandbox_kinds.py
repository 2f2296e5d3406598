"""Attacks of further kinds: on the supervisor itself, by other ways into the
kernel, and by what lingers. Each must leave no trace outside."""

import os
import socket
import time
import unittest

from lib_sandbox import in_each_mode, require_sandbox

C = ("import ctypes, errno, os, socket, struct, sys, time\n"
     "l = ctypes.CDLL(None, use_errno=True)\n"
     "def call(*a):\n"
     "  r = l.syscall(*a)\n"
     "  return 'OK' if r >= 0 else errno.errorcode[ctypes.get_errno()]\n")

# What must fail, and how it may: a name, and Python that prints the outcome.
REFUSED = {
    "limit the files of the supervisor":
        "print(call(302, 1, 7, struct.pack('QQ', 0, 0), None))",
    "limit the time of the supervisor":
        "print(call(302, 1, 0, struct.pack('QQ', 1, 1), None))",
    "make the supervisor idle": "print(call(144, 1, 5, struct.pack('i', 0)))",
    "make the supervisor idle by attributes":
        "print(call(314, 1, struct.pack('IIQiIQQQ', 48, 5, 0, 0, 0, 0, 0, 0),"
        " 0))",
    "pin the supervisor": "print(call(203, 1, 8, struct.pack('Q', 1)))",
    "slow the supervisor": "print(call(141, 0, 1, 19))",
    "slow all of this user": "print(call(141, 2, 0, 19))",
    "slow the supervisor's disk": "print(call(251, 1, 1, 3 << 13))",
    "trace the supervisor": "print(call(101, 16, 1, 0, 0))",
    "read the supervisor's memory":
        "b = ctypes.create_string_buffer(8)\n"
        "v = struct.pack('QQ', ctypes.addressof(b), 8)\n"
        "print(call(310, 1, v, 1, struct.pack('QQ', 0x400000, 8), 1, 0))",
    "take a descriptor of the supervisor":
        "p = l.syscall(434, 1, 0)\nprint(call(438, p, 3, 0))",
    "pages left in pipes": "r, w = os.pipe()\nprint(call(278, w, b'', 0, 0))",
    "a listener of its own":
        "f = struct.pack('HBBI', 6, 0, 0, 0x7fff0000)\n"
        "b = ctypes.create_string_buffer(f)\n"
        "print(call(317, 1, 8, struct.pack('HxxxxxxQ', 1,"
        " ctypes.addressof(b))))",
    "files by handle":
        "print(call(304, -100, struct.pack('IiQ', 8, 1, 2), 0))",
    "namespaces of the supervisor":
        "p = l.syscall(434, 1, 0)\nprint(call(308, p, 0x20000))",
    "a key of the session": "print(call(250, 1, 0, 0, 0, 0))",
    "a set-id mode by the newest call":
        "open('s', 'w').close()\nprint(call(452, -100, b's', 0o4755, 0))",
    "an immutable file":
        "open('i', 'w').close()\nf = os.open('i', os.O_RDONLY)\n"
        "print(call(16, f, 0x40086602, struct.pack('l', 0x10)))",
    "memory for code": "print(call(319, b'x', 16))",
    "a system call of the x32 kind": "print(call(0x40000000 + 83, b'x', 511))",
    "its user map": "f = os.open('/proc/self/uid_map', os.O_WRONLY)\n"
                    "print('OK' if os.write(f, b'0 0 1') else '')",
    "the score of the supervisor":
        "f = os.open('/proc/1/oom_score_adj', os.O_WRONLY)\n"
        "print('OK' if os.write(f, b'1000') else '')",
}

FAMILIES = (3, 9, 15, 17, 29, 30, 31, 38, 40, 41, 42, 43, 44, 45)

ANOTHER_WAY_IN = """
#include <stdio.h>
int main(void) {
	int r;
	const char *at = "made-by-32";
	/* mkdir of the 32-bit kind: its number means another call else. */
	__asm__ volatile("int $0x80" : "=a"(r)
	    : "a"(39), "b"(at), "c"(0755) : "memory");
	printf("%d\\n", r);
	return 0;
}
"""


class Kinds(unittest.TestCase):
    @in_each_mode
    def test_calls_that_reach_for_the_supervisor_or_around_it_fail(self, w):
        for name, code in REFUSED.items():
            with self.subTest(attack=name):
                _, out = w.python(C + code)
                self.assertNotRegex(out, r"(?m)^OK$")

    @in_each_mode
    def test_a_run_may_do_the_same_to_itself(self, w):
        _, out = w.python(
            C + "p = os.fork()\n"
            "if p == 0: time.sleep(9); os._exit(0)\n"
            "print(call(141, 0, 0, 15), call(141, 0, p, 17), "
            "call(302, p, 7, struct.pack('QQ', 9, 9), None), "
            "call(203, 0, 8, struct.pack('Q', 1)), os.nice(1))\n"
            "os.kill(p, 9)\n")
        self.assertIn("OK OK OK OK 16\n", out)

    @in_each_mode
    def test_families_of_sockets_that_leave_are_not_there(self, w):
        _, out = w.python(
            "import socket\n"
            f"for f in {FAMILIES}:\n"
            "  for t in (1, 2, 3, 5):\n"
            "    try: socket.socket(f, t); print('MADE', f, t)\n"
            "    except OSError: pass\n"
            "for p in range(1, 23):\n"
            "  try: socket.socket(16, 3, p); print('MADE netlink', p)\n"
            "  except OSError: pass\n")
        self.assertNotIn("MADE", out)

    @in_each_mode
    def test_another_way_into_the_kernel_is_shut(self, w):
        w.put(w.ws + "/a.c", ANOTHER_WAY_IN)
        _, out = w.run("cc -o a a.c && ./a; ls")
        self.assertNotIn("made-by-32", out)
        self.assertFalse(os.path.exists(w.ws + "/made-by-32"))

    @in_each_mode
    def test_datagrams_reach_no_socket_of_the_host(self, w):
        path = w.top + "/host.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            os.chmod(path, 0o777)
            s.settimeout(0.2)
            w.python(
                "import socket\n"
                "for t in (1, 2, 5):\n"
                "  for ways in (lambda s: s.sendto(b'x', "
                f"'{path}'), lambda s: s.sendmsg([b'x'], [], 0, '{path}')):\n"
                "    try: ways(socket.socket(1, t))\n"
                "    except OSError: pass\n"
                "a, b = None, None\n"
                "try:\n"
                "  a, b = socket.socketpair(1, 2)\n"
                f"  a.sendto(b'x', '{path}')\n"
                "except OSError: pass\n")
            with self.assertRaises(OSError):
                s.recv(1)

    @in_each_mode
    def test_protected_names_are_not_made_by_side_doors(self, w):
        before = w.outside("cat .git/config; ls .git/hooks").stdout
        w.run(
            "python3 - <<'P'\n"
            "import os, ctypes\n"
            "l = ctypes.CDLL(None, use_errno=True)\n"
            "def t(f):\n"
            "  try: f()\n"
            "  except OSError: pass\n"
            "def tmpfile():\n"
            "  f = os.open('.', os.O_TMPFILE | os.O_WRONLY, 0o755)\n"
            "  os.write(f, b'x')\n"
            "  os.link(f'/proc/self/fd/{f}', '.git/hooks/pre-push',"
            " follow_symlinks=True)\n"
            "t(tmpfile)\n"
            "def reopened():\n"
            "  f = os.open('.git/config', os.O_PATH)\n"
            "  os.write(os.open(f'/proc/self/fd/{f}', os.O_WRONLY), b'x')\n"
            "t(reopened)\n"
            "def by_folder():\n"
            "  d = os.open('.git/hooks', os.O_PATH)\n"
            "  open(f'/proc/self/fd/{d}/pre-commit', 'w').write('x')\n"
            "t(by_folder)\n"
            "def by_fchdir():\n"
            "  os.chdir('.git/hooks')\n"
            "  open('pre-commit', 'w').write('x')\n"
            "t(by_fchdir)\n"
            "os.chdir(os.environ.get('PWD', '.'))\n"
            "def exchanged():\n"
            "  os.mkdir('h')\n  open('h/pre-commit', 'w').write('x')\n"
            "  l.renameat2(-100, b'h', -100, b'.git/hooks', 2)\n"
            "t(exchanged)\n"
            "def threads():\n"
            "  import threading\n"
            "  os.mkdir('r')\n"
            "  def swap():\n"
            "    for i in range(300):\n"
            "      t(lambda: os.rename('r', 'r2'))\n"
            "      t(lambda: os.symlink('.git/hooks', 'r'))\n"
            "      t(lambda: os.unlink('r'))\n"
            "      t(lambda: os.rename('r2', 'r'))\n"
            "  s = threading.Thread(target=swap)\n  s.start()\n"
            "  for i in range(300):\n"
            "    t(lambda: open('r/post-merge', 'w').write('x'))\n"
            "  s.join()\n"
            "t(threads)\n"
            "P\n")
        after = w.outside("cat .git/config; ls .git/hooks").stdout
        self.assertEqual(before, after)

    @in_each_mode
    def test_a_starved_or_flooded_supervisor_still_ends_the_run(self, w):
        start = time.monotonic()
        status, out = w.run(
            "mkfifo f; for i in $(seq 90); do (cat f >/dev/null &) ; done; "
            "for i in $(seq 8); do (while :; do : >> flood; done &) ; done; "
            "while :; do :; done", "--timeout", "2")
        self.assertEqual(status, 124, out[-300:])
        self.assertLess(time.monotonic() - start, 20)

    @in_each_mode
    def test_many_denials_are_counted_not_kept(self, w):
        status, out = w.run(
            "for i in $(seq 3000); do echo x > .git/hooks/h$i; done "
            "2>/dev/null; true")
        self.assertEqual(status, 0)
        self.assertLess(len(out), 20000)

    @in_each_mode
    def test_names_of_denied_files_are_inert_on_a_terminal(self, w):
        _, out = w.run(
            "python3 -c \"open('.git/hooks/\\x1b]52;c;eA==\\x07\\n\\u202e"
            "x', 'w')\" 2>/dev/null; true")
        told = [line for line in out.splitlines() if "denied" in line]
        self.assertTrue(told, out)
        for line in told:
            self.assertTrue(line.isascii() and line.isprintable(), line)

    @in_each_mode
    def test_no_core_of_a_run_is_handed_to_the_host(self, w):
        _, out = w.run("ulimit -H -c; ulimit -c unlimited; "
                       "python3 -c 'import os; os.abort()'; ls core*; true")
        self.assertNotIn("unlimited\n", out)
        self.assertEqual([n for n in os.listdir(w.ws) if "core" in n], [])

    @in_each_mode
    def test_paths_without_end_hold_nobody_up(self, w):
        status, _ = w.run(
            "python3 - <<'P'\n"
            "import os\n"
            "try:\n"
            "  for i in range(300):\n"
            "    os.mkdir('d' * 100)\n    os.chdir('d' * 100)\n"
            "except OSError as e: print(e)\n"
            "os.chdir('../' * 5)\n"
            "os.symlink('a', 'b')\nos.symlink('b', 'a')\n"
            "try: open('a', 'w')\n"
            "except OSError as e: print(e)\n"
            "P\n")
        self.assertEqual(status, 0)
        self.assertEqual(w.run("echo next"), (0, "next\n"))
        w.outside("rm -rf ddd* || python3 -c \"import shutil; "
                  "shutil.rmtree('d' * 100, True)\"", check=False)

    @in_each_mode
    def test_a_thread_whose_leader_has_ended_is_judged_as_well(self, w):
        w.put(w.ws + "/t.c",
              "#include <pthread.h>\n#include <stdio.h>\n"
              "#include <fcntl.h>\n#include <unistd.h>\n"
              "static void *f(void *a) { usleep(200000);"
              " int d = open(\".git/hooks/pre-commit\", O_CREAT | O_WRONLY,"
              " 0755); int g = open(\"good\", O_CREAT | O_WRONLY, 0644);"
              " dprintf(1, \"%d %d\\n\", d >= 0, g >= 0); _exit(0);"
              " return a; }\n"
              "int main(void) { pthread_t t; pthread_create(&t, 0, f, 0);"
              " pthread_exit(0); }\n")
        status, out = w.run("cc -pthread -o t t.c && ./t")
        self.assertIn("0 ", out)
        self.assertFalse(os.path.exists(w.ws + "/.git/hooks/pre-commit"))

    @in_each_mode
    def test_a_run_does_not_find_what_another_left(self, w):
        w.run("echo LEFT > /tmp/left; echo LEFT > /dev/shm/left; mkdir -p "
              "~/.cache; echo LEFT > ~/.cache/left; ipcmk -M 4096; "
              "(setsid sh -c 'exec sleep 60 LEFT' &)")
        _, out = w.run("cat /tmp/left /dev/shm/left ~/.cache/left; ipcs -m; "
                       "cat /proc/*/cmdline; ls /tmp")
        self.assertNotIn("LEFT", out)
        self.assertNotIn("0x", out)


if __name__ == "__main__":
    require_sandbox()
    unittest.main()
