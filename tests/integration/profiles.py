"""Profiles of a configuration, what they require, and the two modes."""

import os
import shutil
import subprocess
import unittest

from lib_daemon import Daemon
from lib_sandbox import BIN, USER, World, modes, require_sandbox

CAN_TRACE = shutil.which("strace") and \
    os.environ.get("ASSENT_PRESET_SANITIZES") != "1"
CONFIG = """
profiles:
  build:
    summary: builds with a cache
    write: [$workspace, {top}/cache]
    read: [{top}/data]
    hide: [$workspace/private]
    deny: ["*.pem", "**/vault/*.txt"]
    protect: [Makefile, ci]
    env: [MY_*, "MODE=ci"]
    limits: {memory: 1G, wall: 20s, output: 1K}
  look:
    base: build
    write: none
  cached:
    write: [$workspace, ~/.cache/ccache, ~/.npm]
  shown:
    read: [~/other, ~/more/.env]
  tight:
    strict: true
  named:
    network: ["*.example.com", "pypi.org:443"]
  cut:
    base: named
    network: none
"""

# Every way to a file that leads through /proc, and ones that must work.
WAYS = r"""
import os, threading
def look(path, folder=None):
    for more in (0, os.O_CREAT):
        try: print(os.read(os.open(path, more, dir_fd=folder), 99), flush=True)
        except OSError: pass
def ways(name):
    fd, tid = os.open(name, os.O_PATH), threading.get_native_id()
    ws = os.getcwd()
    for link, to in (('c', '/proc/self/cwd'), ('p', '/proc/self'),
                     ('f', '/proc/self/fd/%d' % fd)):
        os.path.lexists(link) and os.unlink(link)
        os.symlink(to, link)
    folder = os.open('/proc/self/fd', os.O_PATH)
    look(str(fd), folder)
    for top in ('/proc/self', '/proc//self', '/proc/thread-self',
                '/proc/%d' % os.getpid(), '/proc/self/task/%d' % tid, 'p'):
        look(top + '/fd/%d' % fd)
        look(top + '/cwd/' + name)
        look(top + '/root' + ws + '/' + name)
    for path in ('c/' + name, 'f', '/dev/fd/%d' % fd, '/dev//fd/%d' % fd):
        look(path)
    return fd
print('ready', flush=True)
input()
ways('late.pem')
fd = ways('in/late.pem')
os.unlink('in/late.pem')
look('/proc/self/fd/%d' % fd)
look('late.txt')
fd = os.open('late.txt', os.O_PATH)
look('/proc/self/fd/%d' % fd)
look('/dev/fd/%d' % fd)
look('/proc/self/task/%d/fd/%d' % (os.getpid(), fd))
for path in ('/proc/self/status', '/proc/self/exe', '/proc/thread-self/stat',
             '/proc/cpuinfo', '/proc/self/task/%d/comm' % os.getpid()):
    open(path, 'rb').read()
os.listdir('/proc/self/cwd')
"""


class Site(World):
    """A world with a configuration, and the whole program to run in it."""

    def __init__(self, uid, config=CONFIG):
        super().__init__(uid)
        for name in ("assent", "assent-exec"):
            shutil.copy(f"{BIN}/{name}", f"{self.top}/{name}")
        for name in ("cache", "data"):
            os.mkdir(f"{self.top}/{name}")
        self.put(f"{self.top}/data/d.txt", "data\n")
        self.put(f"{self.top}/config.yaml", config.replace("{top}", self.top), 0o600)
        self.own(self.top)

    def sandbox(self, profile, script, *options, before=(), **env):
        ran = subprocess.run(
            [*before, f"{self.top}/assent", "sandbox", "--config",
             f"{self.top}/config.yaml", "--profile", profile, "--workspace",
             self.ws, *options, "--", "bash", "-c", script],
            cwd=self.ws, env=self.env(**env), preexec_fn=self._become,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=60, check=False)
        return ran.returncode, ran.stdout.decode("utf-8", "replace")


def each_mode(test):
    def all_modes(self):
        for uid in modes():
            with self.subTest(uid=uid), Site(uid) as w:
                test(self, w)
    return all_modes


class Profiles(unittest.TestCase):
    @each_mode
    def test_a_secret_in_a_folder_that_is_shown_has_to_be_named(self, w):
        w.outside("mkdir -p ../other/.ssh ../more; for f in ../other/.env "
                  "../other/.ssh/id_rsa ../more/.env ../other/plain.txt; do "
                  "echo \"bytes of $f\" > $f; done")
        _, out = w.sandbox("shown", "cat ~/other/plain.txt ~/more/.env "
                           "~/other/.env ~/other/.ssh/id_rsa")
        self.assertIn("bytes of ../other/plain.txt", out)
        self.assertIn("bytes of ../more/.env", out)
        self.assertNotIn("bytes of ../other/.", out)

    @each_mode
    def test_a_folder_of_a_cache_can_be_opened(self, w):
        status, out = w.sandbox("cached", "true")
        self.assertEqual(status, 123, out)
        self.assertIn("/.cache/ccache', which is to be writable, is not "
                      "there: make it first", out)
        w.outside("mkdir -p ../.cache/ccache ../.cache/other ../.npm; "
                  "echo secret > ../.cache/other/x")
        status, out = w.sandbox(
            "cached", "echo x > ~/.cache/ccache/made; echo y > ~/.npm/made; "
            "ls -A ~/.cache")
        self.assertEqual((status, out), (0, "ccache\n"))
        for folder in ("/.cache/ccache", "/.npm"):
            self.assertTrue(os.path.exists(w.home + folder + "/made"))
        # A repository there is guarded as in the workspace.
        w.outside("git init -q ../.npm")
        status, out = w.sandbox("cached", "echo x >> ~/.npm/.git/config")
        self.assertNotEqual(status, 0, out)

    @each_mode
    def test_roots_environment_and_limits_are_the_profiles(self, w):
        status, out = w.sandbox(
            "build", f"echo x > {w.top}/cache/f && cat {w.top}/data/d.txt; "
            f"echo x > {w.top}/data/e; echo $MY_WORD $MODE $API_TOKEN.",
            MY_WORD="mine")
        self.assertEqual(status, 0, out)
        self.assertIn("data\n", out)
        self.assertIn("mine ci .", out)
        self.assertTrue(os.path.exists(f"{w.top}/cache/f"))
        self.assertFalse(os.path.exists(f"{w.top}/data/e"))
        # how much is kept is no matter to who reads it
        self.assertEqual(
            len(w.sandbox("build", "head -c 5000 /dev/zero")[1]), 5000)

    @each_mode
    def test_denied_names_are_neither_read_nor_made_nor_moved(self, w):
        os.makedirs(f"{w.ws}/a/vault")
        w.put(f"{w.ws}/key.pem", "SECRET-PEM\n")
        w.put(f"{w.ws}/a/vault/v.txt", "SECRET-VAULT\n")
        w.own(w.ws)
        for script in ("cat key.pem", "cp key.pem k; cat k",
                       "mv key.pem k; cat k", "ln key.pem k; cat k",
                       "ln -s key.pem k; cat k", "mv a b; cat b/vault/v.txt",
                       "mv a/vault a/w; cat a/w/v.txt", "cat a/vault/v.txt",
                       "exec 3<key.pem; cat <&3", "tar c . | tar xO",
                       "echo x > new.pem", "mkdir sub.PEM",
                       "echo x > f; mv f new.pem", "cat < /proc/self/cwd/"
                       "key.pem", "git add -f key.pem && git show :key.pem"):
            _, out = w.sandbox("build", script)
            self.assertNotIn("SECRET", out, script)
            self.assertFalse(os.path.exists(f"{w.ws}/new.pem"), script)
            self.assertFalse(os.path.exists(f"{w.ws}/sub.PEM"), script)
        self.assertIn("read key.pem", w.sandbox("build", "cat key.pem")[1])

    @each_mode
    def test_a_denied_name_that_appears_during_the_run_is_not_read(self, w):
        with subprocess.Popen(
                [f"{w.top}/assent", "sandbox", "--config",
                 f"{w.top}/config.yaml", "--profile", "build", "--workspace",
                 w.ws, "--", "bash", "-c",
                 "echo ready; read line; cat late.pem; cat late.txt"],
                cwd=w.ws, env=w.env(), preexec_fn=w._become, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT) as run:
            self.assertEqual(run.stdout.readline(), "ready\n")
            w.put(f"{w.ws}/late.pem", "SECRET-LATE\n")
            w.put(f"{w.ws}/late.txt", "fine\n")
            out, _ = run.communicate("go\n", timeout=30)
        self.assertNotIn("SECRET", out)
        self.assertIn("fine", out)

    @each_mode
    def test_a_denied_name_that_appears_is_not_read_by_way_of_proc(self, w):
        with subprocess.Popen(
                [f"{w.top}/assent", "sandbox", "--config",
                 f"{w.top}/config.yaml", "--profile", "build", "--workspace",
                 w.ws, "--", "python3", "-c", WAYS],
                cwd=w.ws, env=w.env(), preexec_fn=w._become, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT) as run:
            self.assertEqual(run.stdout.readline(), "ready\n")
            w.put(f"{w.ws}/late.pem", "SECRET-LATE\n")
            os.mkdir(f"{w.ws}/in")
            w.put(f"{w.ws}/in/late.pem", "SECRET-LATE\n")
            w.put(f"{w.ws}/late.txt", "fine\n")
            w.own(w.ws)
            out, _ = run.communicate("go\n", timeout=30)
        self.assertNotIn("SECRET", out)
        self.assertEqual(out.count("fine"), 8, out)

    @each_mode
    def test_protected_and_hidden_paths_are_the_profiles_too(self, w):
        os.mkdir(f"{w.ws}/private")
        w.put(f"{w.ws}/private/p", "SECRET-P\n")
        w.put(f"{w.ws}/Makefile", "all:\n")
        w.own(w.ws)
        _, out = w.sandbox("build", "cat private/p; echo x > Makefile; "
                           "mkdir ci; mv Makefile M; rm Makefile; true")
        self.assertNotIn("SECRET", out)
        with open(f"{w.ws}/Makefile", encoding="ascii") as file:
            self.assertEqual(file.read(), "all:\n")
        self.assertFalse(os.path.exists(f"{w.ws}/ci"))

    @each_mode
    def test_a_profile_may_be_narrower_than_its_base(self, w):
        status, out = w.sandbox("look", "echo x > f")
        self.assertNotEqual(status, 0, out)
        self.assertFalse(os.path.exists(f"{w.ws}/f"))

    @each_mode
    def test_a_strict_profile_runs_ordinary_programs_and_nothing_odd(self, w):
        status, out = w.sandbox(
            "tight", "git init -q s && cd s && echo 'int main(void) { return "
            "0; }' > a.c && gcc -o a a.c && ./a && git add a.c && "
            "git -c user.name=t -c user.email=t@t commit -qm a && "
            "python3 -c 'import subprocess, threading, socket; "
            "t = threading.Thread(target=print); t.start(); t.join(); "
            "s = socket.create_server((\"127.0.0.1\", 0)); "
            "subprocess.run([\"true\"], check=True)' && echo fine")
        self.assertEqual(status, 0, out)
        self.assertIn("fine", out)
        _, out = w.sandbox("tight", "python3 -c 'import ctypes; "
                           "print(ctypes.CDLL(None).ptrace(0, 0, 0, 0))'")
        self.assertIn("-1", out)
        self.assertIn("denied: system call number 101", out)

    @each_mode
    def test_a_plan_says_what_its_run_reaches(self, w):
        for profile, network in (
                ("workspace-write", "runs offline"),
                ("workspace-write-online",
                 "runs with network, but no host is named"),
                ("named", "runs with network: *.example.com, "
                 "pypi.org:443 only"),
                ("cut", "runs offline")):
            status, out = w.sandbox(profile, "true", "--print-plan")
            self.assertEqual(status, 0, out)
            self.assertIn('"network_summary":"%s"' % network, out)

    def test_wrong_profiles_are_shown_with_their_place(self):
        for text, words in (
                ("profiles:\n  p: {wirte: [/x]}\n", "unknown key 'wirte'"),
                ("profiles:\n  p: {write: [../x]}\n", "config.yaml:2:"),
                ("profiles:\n  p: {base: q}\n", "no profile 'q'"),
                ("profiles:\n  p: {write: [$workspace, /etc]}\n",
                 "config.yaml:2: profile 'p': '/etc' cannot be made"),
                ("profiles:\n  p: {network: [\"https://example.com\"]}\n",
                 "is not a host"),
                ("profiles:\n  p: {network: [10.0.0.1/8]}\n",
                 "'10.0.0.1/8' is not a host"),
                ("profiles:\n  danger-full-access: {strict: true}\n",
                 "no sandbox that could be changed")):
            with Site(modes()[-1], text) as w:
                status, out = w.sandbox("p", "true")
                self.assertIn(status, (78, 125), out)
                self.assertIn(words, out)

    def test_the_daemon_offers_named_profiles_and_asks_for_wider_ones(self):
        with Daemon("profiles:\n  narrow: {limits: {wall: 5s}}\n"
                    "  wide: {limits: {wall: 1h}}\n") as d:
            os.chmod(d.root, 0o755)
            status, action, _ = d.shell("echo hi", profile="narrow")
            self.assertEqual((status, action["state"]), (200, "done"), action)
            status, action, _ = d.shell("echo hi", profile="wide", wait=0)
            self.assertEqual(status, 202, action)
            self.assertIn("'wide', which permits more", action["reason"])
            status, problem, _ = d.shell("echo hi", profile="none")
            self.assertEqual(status, 422, problem)
            self.assertIn("'narrow'", problem["detail"])


class Required(unittest.TestCase):
    @each_mode
    def test_i10_a_run_is_refused_where_less_than_required_is_there(self, w):
        w.put(f"{w.top}/config.yaml", "require: [landlock>=99]\n", 0o600)
        status, out = w.sandbox("workspace-write", "echo ran")
        self.assertEqual(status, 125)
        self.assertIn("landlock>=99 is required, and with this", out)
        self.assertNotIn("ran", out.replace("profile", ""))

    @unittest.skipUnless(CAN_TRACE, "SKIP: no strace, or a sanitizer")
    def test_i10_without_landlock_a_run_says_so_or_is_refused(self):
        before = ["strace", "-f", "-o", "/dev/null", "-e",
                  "trace=landlock_create_ruleset", "-e",
                  "inject=landlock_create_ruleset:error=ENOSYS"]
        with Site(modes()[0], "require: [landlock>=3]\n") as w:
            status, out = w.sandbox("workspace-write", "echo ran",
                                    before=before)
            self.assertEqual(status, 125, out)
            self.assertNotIn("ran\n", out)
            w.put(f"{w.top}/config.yaml", "require: [seccomp]\n", 0o600)
            status, out = w.sandbox("workspace-write", "echo ran",
                                    before=before)
            self.assertEqual(status, 0, out)
            self.assertIn("note: Landlock is not there", out)


class Modes(unittest.TestCase):
    @unittest.skipUnless(os.geteuid() == 0, "SKIP: needs root")
    def test_elevated_mode_runs_as_an_account_that_owns_nothing(self):
        with Site(0) as w:
            _, out = w.sandbox("workspace-write", "id -u; cat /etc/shadow; "
                               "echo x > f; grep -c . /proc/self/uid_map; "
                               "cat /proc/self/status | grep CapEff")
            self.assertEqual(out.split()[0], "59998", out)
            self.assertIn("0000000000000000", out)
            # ... and what it leaves belongs to who owns the workspace.
            self.assertEqual(os.stat(f"{w.ws}/f").st_uid, 0)

    def test_unelevated_mode_needs_no_right_that_a_plain_user_lacks(self):
        uid = USER if os.geteuid() == 0 else os.geteuid()
        with Site(uid) as w:
            status, out = w.sandbox(
                "workspace-write", "id -u; echo x > f; "
                f"echo y > {w.victim}/plain.txt; cat {w.home}/notes.txt; "
                "grep CapEff /proc/self/status")
            self.assertEqual(out.split()[0], str(uid), out)
            self.assertIn("0000000000000000", out)
            self.assertNotIn("SECRET", out)
            self.assertEqual(os.stat(f"{w.ws}/f").st_uid, uid)
            with open(f"{w.victim}/plain.txt", encoding="ascii") as file:
                self.assertEqual(file.read(), "original\n")

    @unittest.skipUnless(CAN_TRACE, "SKIP: no strace, or a sanitizer")
    def test_where_no_namespace_can_be_made_nothing_runs_unsandboxed(self):
        uid = USER if os.geteuid() == 0 else os.geteuid()
        with Site(uid) as w:
            status, out = w.sandbox(
                "workspace-write", "echo ran > f", before=[
                    "strace", "-f", "-o", "/dev/null", "-e",
                    "trace=clone,clone3,unshare", "-e",
                    "inject=clone,clone3,unshare:error=EPERM"])
            self.assertEqual(status, 123, out)
            self.assertIn("does not let a plain user make namespaces", out)
            self.assertFalse(os.path.exists(f"{w.ws}/f"))


if __name__ == "__main__":
    require_sandbox()
    unittest.main(verbosity=2)
