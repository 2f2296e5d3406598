"""The file system of a run: what it sees, writes, and may not touch."""

import functools
import os
import socket
import unittest

from lib_sandbox import World, modes, require_sandbox

# What a run may not leave behind in a workspace, each on its own.
FORBIDDEN = (
    "echo x > .git/hooks/pre-commit",
    "echo x > .git/hooks/new",
    "mkdir -p h && echo x > h/pre-commit && mv h .git/hooks",
    "rm -rf .git/hooks && mkdir .git/hooks && echo x > .git/hooks/pre-commit",
    "git config core.hooksPath hk",
    "git config core.fsmonitor 'touch pwned'",
    "echo '[core]' >> .git/config",
    "cp .git/config c && echo x >> c && mv c .git/config",
    "ln -sf ../evil .git/config",
    "echo ../evil > .git/commondir",
    "echo x > .git/config.worktree",
    "mv .git gone",
    "python3 -c \"import os; os.rename('.git', 'gone')\"",
    "mkdir new && python3 -c \"import ctypes; "
    "exit(ctypes.CDLL(None).renameat2(-100, b'.git', -100, b'new', 2))\"",
    "echo 'gitdir: ../evil' > sub.git && mkdir s && mv sub.git s/.git",
    "mkdir s && echo 'gitdir: ../evil' > s/.git",
    "mkdir s e && ln -s ../e s/.git",
    "mkdir -p e/hooks && mv e .git2 && mv .git2 s/.git",
    "mkdir s && cd s && git init -q . && git config core.fsmonitor 'touch x'",
    "mkdir s && cd s && git init -q . && echo x > .git/hooks/pre-commit",
    "mkdir s && cd s && git init -q . && printf '[alias]\\nx=!x\\n' > "
    ".git/config",
    "mkdir s && cd s && git init -q . && printf '[alias]\\nx=!x\\n' > "
    ".git/config.lock && mv .git/config.lock .git/config",
    "mkdir s && cd s && git init -q . && ln .git/config.lock y; "
    "ln .git/config y && echo x >> y",
    "mkdir s && cd s && git init -q --bare . && printf '[alias]\\nx=!x\\n' "
    "> config",
    "mkdir -p s/objects s/refs && cd s && printf '[core]\\nfsmonitor=x\\n' > "
    "config && echo 'ref: refs/heads/m' > HEAD",
    "mkdir -p s/objects s/refs && cd s && printf '[core]\\nfsmonitor=x\\n' > "
    "config && echo 'ref: refs/heads/m' > h && mv h HEAD",
    "mkdir -p s/objects s/refs s/hooks && cd s && echo x > hooks/update && "
    "echo 'ref: refs/heads/m' > h && ln h HEAD",
    "mkdir -p s/objects s/refs && cd s && printf '[core]\\nbare=true\\n' > c "
    "&& ln -s c config && echo 'ref: refs/heads/m' > HEAD",
    "mkdir .vscode",
    "echo x > .mcp.json",
    "ln -s /tmp .claude",
    "mkdir d && mv d .idea",
    "echo x > f && mv f .envrc",
    "mkdir d && echo x > d/.envrc",
    "mkdir -p g && echo x > g/copilot-instructions.md && mv g .github",
    "mkdir .assent",
    "mknod .envrc p",
    "python3 -c \"import socket; socket.socket(1).bind('.mcp.json')\"",
    "printf x > a && chmod u+s a",
    "python3 -c \"import os; os.open('a', os.O_CREAT|os.O_WRONLY, 0o4755); "
    "exit(0 if os.stat('a').st_mode & 0o6000 else 1)\"",
)

# What a run does every day.
ALLOWED = (
    "echo more >> README && git add -A && git commit -qm second",
    "git checkout -q -b topic && echo x > t && git add t && git commit -qm t "
    "&& git checkout -q - && git merge -q topic && git branch -d topic",
    "echo y >> README && git stash -q && git stash pop -q && git diff --stat",
    "git tag v1 && git log --oneline && git status --short",
    "mkdir s && cd s && git init -q . && echo x > f && git add f && "
    "git commit -qm nested && git checkout -q -b b",
    "git clone -q . copy && cd copy && git log --oneline",
    "git init -q --bare bare.git && git push -q bare.git HEAD:refs/heads/m",
    "mkdir -p a/b/c && mv a/b d && rmdir d/c d && rm -r a",
    "echo 1 > f && ln f g && echo 2 > g && grep -q 2 f",
    "ln -s README link && cat link && rm link",
    "echo x > f && chmod 755 f && touch -d 2020-01-01 f && mv f e && rm e",
    "mkfifo p && (echo through > p &) && grep -q through p",
    "echo x > f && exec 3<>f && echo y >&3 && grep -q y f",
    "truncate -s 100 f && [ $(stat -c %s f) = 100 ]",
    "echo x | tee /dev/stderr > f && cat f",
    "exec > f; echo hidden > /dev/stdout; grep -q hidden f",
    "mkdir -p node_modules/p/.vscode && echo x > node_modules/p/.vscode/s",
    "echo x > config && echo y > hooks && echo z > HEAD.txt",
    "mkdir hooks2 && echo x > hooks2/pre-commit",
    "mkdir -p .github/workflows && echo x > .github/workflows/ci.yml",
    "python3 -c \"import tempfile; tempfile.TemporaryFile(dir='.')\"",
    "dd if=/dev/zero of=f bs=1M count=3 status=none && fallocate -l 5M g",
    "umask 077; echo x > f; [ $(stat -c %a f) = 600 ]; umask 022; mkdir d; "
    "[ $(stat -c %a d) = 755 ]",
)


def in_every_world(test):
    """As each uid, with the workspace inside and outside of /tmp."""
    @functools.wraps(test)
    def run(self):
        for uid in modes():
            for base in ("/var/tmp", "/tmp"):
                with self.subTest(uid=uid, base=base), World(uid, base) as w:
                    test(self, w)
    return run


class Files(unittest.TestCase):

    def test_everyday_work_works(self):
        for uid in modes():
            for script in ALLOWED:
                with self.subTest(uid=uid, script=script), World(uid) as w:
                    status, out = w.run("set -e; " + script)
                    self.assertEqual(status, 0, out)

    def test_nothing_is_left_that_programs_outside_obey(self):
        for uid in modes():
            for script in FORBIDDEN:
                with self.subTest(uid=uid, script=script), World(uid) as w:
                    status, out = w.run("set -e; " + script)
                    self.assertNotEqual(status, 0, out)

    @in_every_world
    def test_a_planted_repository_runs_nothing_outside(self, w):
        w.run("mkdir s; cd s; git init -q .; "
              "git config core.fsmonitor 'touch " + w.victim + "/pwned'; "
              "printf '[core]\\nfsmonitor=touch " + w.victim
              + "/pwned\\n' > .git/config; "
              "printf '#!/bin/sh\\ntouch " + w.victim + "/pwned\\n' > "
              ".git/hooks/post-commit; chmod +x .git/hooks/post-commit; "
              "echo x > f; git add f; git commit -qm x")
        w.outside("cd s && git status; git commit -q --allow-empty -m y; "
                  "true", check=False)
        self.assertFalse(os.path.exists(w.victim + "/pwned"))

    @in_every_world
    def test_no_race_of_modes_makes_a_repository_that_runs_something(self, w):
        _, out = w.python(r"""
import os, time
os.makedirs('d/objects'); os.makedirs('d/refs')
open('d/config', 'w').write('[core]\n\tfsmonitor = evil\n')
pid = os.fork()
while pid == 0: os.chmod('d', 0); os.chmod('d', 0o755)
end = time.time() + 2
while time.time() < end:
    try: os.open('d/HEAD', os.O_CREAT | os.O_WRONLY); break
    except OSError: pass
os.kill(pid, 9)
os.wait()
os.chmod('d', 0o755)
print('tried')
""")
        self.assertIn("tried", out)
        self.assertFalse(os.path.exists(f"{w.ws}/d/HEAD"), out)

    @in_every_world
    def test_files_keep_the_owner_of_the_workspace(self, w):
        status, out = w.run("echo x > made && mkdir d && stat -c %u made")
        self.assertEqual(status, 0, out)
        for name in ("made", "d"):
            self.assertEqual(os.stat(w.ws + "/" + name).st_uid, w.uid)
        # Nobody is the host's root in there.
        self.assertNotEqual(out.strip(), "0")

    @in_every_world
    def test_file_write_isolation(self, w):
        targets = (w.victim + "/new", w.victim + "/plain.txt",
                   w.home + "/.bashrc", w.home + "/new", "/etc/new",
                   "/usr/new", "/new", "/var/new", "/dev/new",
                   "/proc/sys/kernel/core_pattern", "/run/new",
                   "../../victim/new", "/sys/kernel/x")
        for path in targets:
            status, out = w.run(f"echo pwned > {path}")
            # A home in /tmp is a private one.
            if not path.startswith("/tmp"):
                self.assertNotEqual(status, 0, path + out)
        w.run(f"ln -s {w.victim} v; echo pwned > v/new; "
              f"ln -s {w.home}/.bashrc rc; echo pwned >> rc")
        self.assertEqual(os.listdir(w.victim), ["plain.txt"])
        for path in (w.victim + "/plain.txt", w.home + "/.bashrc"):
            with open(path, encoding="utf-8") as text:
                self.assertNotIn("pwned", text.read())

    @in_every_world
    def test_the_home_is_closed(self, w):
        _, out = w.run(f"cat {w.home}/.ssh/id_ed25519 {w.home}/notes.txt; "
                       f"ls -a {w.home} {w.home}/.ssh; "
                       f"cat /proc/self/root{w.home}/notes.txt; "
                       f"ln {w.home}/notes.txt n; cat n; env; "
                       "cat /etc/shadow")
        self.assertNotIn("SECRET", out)
        self.assertNotIn("notes.txt\n", out.replace("/notes.txt", ""))
        self.assertNotIn("root:", out)

    @in_every_world
    def test_secrets_in_the_workspace_are_hidden(self, w):
        for name in (".env", "terraform.tfstate"):
            w.put(w.ws + "/" + name, "SECRET-ENV\n")
        _, out = w.run("cat .env terraform.tfstate; cp .env e; cat e; "
                       "mv .env f; cat f; ln .env g; cat g")
        self.assertNotIn("SECRET", out)

    @in_every_world
    def test_a_hard_link_to_elsewhere_is_not_written_through(self, w):
        os.link(w.victim + "/plain.txt", w.ws + "/shared")
        w.run("echo pwned >> shared; echo pwned > shared; "
              "ln shared mine; echo pwned >> mine; truncate -s 0 shared; "
              "python3 -c \"open('shared', 'r+').write('pwned')\"")
        with open(w.victim + "/plain.txt", encoding="utf-8") as text:
            self.assertEqual(text.read(), "original\n")
        # Taking the name for a file of one's own is fine.
        status, out = w.run("echo new > n && mv n shared && cat shared")
        self.assertEqual((status, out), (0, "new\n"))

    @in_every_world
    def test_sockets_of_the_host_are_out_of_reach_also_in_the_workspace(self, w):
        with socket.socket(socket.AF_UNIX) as host:
            host.bind(w.ws + "/s")
            os.chmod(w.ws + "/s", 0o777)
            w.own(w.ws)
            host.listen()
            host.settimeout(0.1)
            _, out = w.python(
                "import socket, os\n"
                "for path in ('s', os.getcwd() + '/s', './s', "
                "'../proj/s'):\n"
                "  try: socket.socket(1).connect(path); print('IN')\n"
                "  except OSError as e: print(e)\n"
                "os.symlink('s', 'l')\n"
                "try: socket.socket(1).connect('l'); print('IN')\n"
                "except OSError as e: print(e)\n")
            self.assertNotIn("IN", out)
            self.assertRaises(OSError, host.accept)

    @in_every_world
    def test_own_sockets_work_in_tmp_and_in_the_workspace(self, w):
        status, out = w.python(
            "import socket\n"
            "for path in ('/tmp/s', 'own'):\n"
            "  s = socket.socket(1); s.bind(path); s.listen()\n"
            "  c = socket.socket(1); c.connect(path)\n"
            "  s.accept()[0].send(b'k'); assert c.recv(1) == b'k'\n"
            "a, b = socket.socketpair(); a.send(b'x')\n"
            "assert b.recv(1) == b'x'\n"
            "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()\n"
            "socket.create_connection(s.getsockname(), 2)\n"
            "try: socket.socket(1, 2)\n"
            "except OSError: print('no datagrams')\n")
        self.assertEqual((status, out.splitlines()[0]), (0, "no datagrams"))
        self.assertIn("denied: system call socket: a unix socket", out)

    def test_no_race_puts_a_protected_name_there(self):
        # Another thread changes the path between the question and the deed.
        race = (
            "import ctypes, threading, time\n"
            "libc = ctypes.CDLL(None, use_errno=True)\n"
            "good, bad = b'ok/x\\0\\0\\0\\0', b'.envrc\\0\\0'\n"
            "buf = ctypes.create_string_buffer(good, 8)\n"
            "import os; os.mkdir('ok')\n"
            "end = time.time() + 2\n"
            "def flip():\n"
            "  while time.time() < end:\n"
            "    buf.raw = bad; buf.raw = good\n"
            "threading.Thread(target=flip).start()\n"
            "while time.time() < end:\n"
            "  fd = libc.open(buf, 0o102, 0o644)\n"
            "  if fd >= 0: libc.close(fd)\n"
            "  libc.mkdir(buf, 0o755)\n"
            "  libc.rename(b'ok', buf)\n"
            "  libc.symlink(b'README', buf)\n"
            "  libc.link(b'README', buf)\n"
            "  libc.unlink(b'ok/x')\n"
            "  libc.rmdir(b'ok/x')\n")
        for uid in modes():
            with self.subTest(uid=uid), World(uid) as w:
                status, out = w.python(race)
                self.assertEqual(status, 0, out)
                self.assertFalse(os.path.lexists(w.ws + "/.envrc"), out)

    @in_every_world
    def test_a_workspace_behind_a_link_is_refused(self, w):
        os.symlink(w.victim, w.ws + "/sub")
        status, out = w.run(["touch", "pwned"], "--workspace",
                            w.ws + "/sub", cwd="/")
        self.assertEqual(status, 125, out)
        self.assertIn("symbolic link", out)
        self.assertEqual(os.listdir(w.victim), ["plain.txt"])

    @in_every_world
    def test_nothing_is_left_in_the_workspace(self, w):
        before = sorted(os.listdir(w.ws) + os.listdir(w.ws + "/.git"))
        w.run("mkdir .vscode; echo x > .mcp.json; true")
        with w.start(["sleep", "100"]) as process:
            process.kill()
        after = sorted(os.listdir(w.ws) + os.listdir(w.ws + "/.git"))
        self.assertEqual(before, after)

    @in_every_world
    def test_a_read_only_run_writes_only_its_own_tmp(self, w):
        status, out = w.run("cat README; echo x > /tmp/f && cat /tmp/f; "
                            "echo pwned > f; echo pwned >> README; "
                            "mkdir d; mv README r; true",
                            "--profile", "read-only")
        self.assertEqual(status, 0, out)
        self.assertIn("read me", out)
        self.assertEqual(sorted(os.listdir(w.ws)), [".git", "README"])

    @in_every_world
    def test_what_was_denied_is_said(self, w):
        _, out = w.run("mkdir .vscode; echo x > ~/x; "
                       "python3 -c 'import os; os.chroot(\"/\")'; true")
        self.assertIn("denied: create .vscode", out)
        if not w.home.startswith("/tmp"):
            self.assertIn("denied: write outside the workspace: "
                          + w.home + "/x", out)
        self.assertIn("denied: system call chroot", out)


if __name__ == "__main__":
    require_sandbox()
    unittest.main()
