"""Ways out that others have fallen to: each attack runs in a world of its own
and must leave no trace outside, read no secret, and not outlast its run."""

import os
import socket
import stat
import subprocess
import time
import unittest

from lib_sandbox import World, modes, require_sandbox

C = ("import ctypes, os, socket, struct\n"
     "l = ctypes.CDLL(None, use_errno=True)\n")

# Writes and changes: the tree outside must be as it was. {V}: the victim's
# folder, {H}: the home.
WRITES = {
    "times of a file outside": "touch -d 2001-01-01 {V}/plain.txt",
    "attributes outside": "setfattr -n user.x -v y {V}/plain.txt",
    "owner outside": "chown 12345 {V}/plain.txt; chgrp 12345 {V}/plain.txt",
    "append by a link made in the workspace":
        "ln -s {V}/plain.txt l; echo x >> l; cp README l; dd if=README of=l",
    "write by a link to a folder":
        "ln -s {V} d; echo x > d/new; mkdir d/sub; rm d/plain.txt; "
        "mv README d/",
    "a link swapped while it is opened":
        "mkdir real; echo x > real/plain.txt; (for i in $(seq 300); do ln -sfn "
        "real s; ln -sfn {V} s; done) & for i in $(seq 300); do echo evil "
        "2>/dev/null > s/plain.txt; done; wait",
    "a folder swapped for a link while names are made in it":
        "mkdir -p t; (for i in $(seq 200); do mv t t2; ln -s {V} t; rm t; "
        "mv t2 t; done) 2>/dev/null & for i in $(seq 200); do mkdir t/x$i; "
        "ln -s y t/l$i; done 2>/dev/null; wait",
    "by /proc of the first process":
        "echo x > /proc/1/root{V}/new; echo x > /proc/1/cwd/../victim/new; "
        "ls /proc/1/fd/; for f in 0 1 2 3 4 5 6 7 8; do echo x > "
        "/proc/1/fd/$f; done",
    "by a file descriptor of the gate":
        "for f in /proc/[0-9]*/fd/*; do echo x > $f; done; for p in "
        "/proc/[0-9]*; do echo x > $p/root{V}/new; done",
    "home's start files": "echo x >> {H}/.bashrc; echo x > {H}/.profile; "
                          "mkdir -p {H}/.config/autostart; echo x > "
                          "{H}/.config/autostart/x.desktop",
    "tools in the home": "mkdir -p {H}/.local/bin; echo x > "
                         "{H}/.local/bin/git; echo x > {H}/go/x",
    "settings of git in the home":
        "git config --global core.fsmonitor x; echo '[core]' >> "
        "{H}/.gitconfig; mkdir -p {H}/.config/git; echo x > "
        "{H}/.config/git/config",
    "kernel settings": "for f in /proc/sys/kernel/modprobe "
                       "/proc/sys/vm/overcommit_memory /proc/sysrq-trigger "
                       "/proc/self/oom_score_adj /sys/kernel/uevent_helper; "
                       "do echo 1 > $f; done; echo x > /proc/1/oom_score_adj",
    "rename of the workspace": "cd ..; mv proj other; ln -s {V} proj; "
                               "rmdir proj; mkdir -p proj/.git",
}

# What programs outside obey: nothing of it may be left in the workspace.
PLANTS = {
    "an included configuration":
        "printf '[include]\\npath = ../evil\\n' >> .git/config; "
        "git config include.path ../evil; git config --file .git/config "
        "core.pager x",
    "a filter by attributes":
        "git config filter.x.smudge x; git config diff.x.command x; "
        "git config core.sshCommand x; git config credential.helper x",
    "an alias by way of a worktree":
        "git worktree add -q wt; git -C wt config alias.st '!x'; "
        "git config extensions.worktreeConfig true; "
        "git -C wt config --worktree core.fsmonitor x; "
        "echo '[core]' > .git/worktrees/wt/config.worktree",
    "a submodule's own configuration":
        "mkdir -p .git/modules/m/hooks; printf '[core]\\nfsmonitor=x\\n' > "
        ".git/modules/m/config; echo 'ref: refs/heads/m' > "
        ".git/modules/m/HEAD; echo x > .git/modules/m/hooks/post-checkout",
    "a hooks folder by another name":
        "mkdir hk; echo x > hk/pre-commit; chmod +x hk/pre-commit; "
        "git config core.hooksPath hk; ln -s ../hk .git/hooks2; "
        "rm -rf .git/hooks; ln -s ../hk .git/hooks; mv hk .git/hooks",
    "editors and agents, deep and by case":
        "mkdir -p .VSCODE .Claude .CURSOR; echo x > .Envrc; echo x > .ENVRC; "
        "mkdir -p .vscode/../.vscode; ln -s README .mcp.json; "
        "cp README .cursorrules; touch .windsurfrules",
    "a gitfile in the place of the folder":
        "rm -rf .git; echo 'gitdir: x' > .git; mv .git .git.old; "
        "git init -q --separate-git-dir=x .",
}

READS = {
    "keys in the home": "cat {H}/.ssh/* {H}/notes.txt; tar c {H} | strings; "
                        "find {H} -type f -exec cat {{}} +; cp -r {H} h; "
                        "cat h/notes.txt",
    "by a link": "ln -s {H}/notes.txt n; cat n; ln -s {H} h; cat h/notes.txt; "
                 "ln -s /proc/self/root{H}/notes.txt p; cat p",
    "by a hard link": "ln {H}/notes.txt n; cat n; cp -l {H}/notes.txt m; "
                      "cat m",
    "by /proc": "cat /proc/*/environ /proc/*/cmdline; cat /proc/1/root{H}/"
                "notes.txt; cat /proc/self/cwd/../notes.txt; "
                "cat /proc/*/maps > m; ls -l /proc/*/fd",
    "by git": "git -C {H} status; git clone -q {H} c; git config --get-all "
              "x; git archive --remote={H} HEAD; echo {H} > "
              ".git/objects/info/alternates; git hash-object {H}/notes.txt",
    "by a mount of its own": "unshare -rm cat {H}/notes.txt; unshare -r "
                             "mount --bind {H} t; bwrap --bind / / cat "
                             "{H}/notes.txt",
    "by debugging": "gdb -p 1 -batch -ex 'x/s *environ'; strace -p 1; "
                    "python3 -c \"print(open('/proc/1/mem','rb').read(1))\"",
}


class Attacks(unittest.TestCase):
    def fill(self, w, script):
        return script.replace("{V}", w.victim).replace("{H}", w.home) \
            .replace("{{}}", "{}")

    def facts(self, w, *folders):
        """Everything about the tree but what reading changes."""
        found = {}
        for top in folders:
            for folder, names, files in os.walk(top):
                if folder == w.home and "proj" in names:
                    names.remove("proj")
                for name in [""] + names + files:
                    path = os.path.join(folder, name)
                    st = os.lstat(path)
                    text = b""
                    if stat.S_ISREG(st.st_mode):
                        with open(path, "rb") as file:
                            text = file.read()
                    found[path] = (st.st_mode, st.st_uid, st.st_gid,
                                   st.st_mtime_ns if text else 0, text,
                                   os.listxattr(path, follow_symlinks=False))
        return found

    def test_no_attack_changes_anything_outside(self):
        for uid in modes():
            for name, script in WRITES.items():
                with self.subTest(name, uid=uid), World(uid) as w:
                    before = self.facts(w, w.home, w.victim)
                    _, out = w.run(self.fill(w, script) + "; echo END")
                    self.assertIn("END", out)
                    self.assertEqual(self.facts(w, w.home, w.victim), before)

    def test_no_attack_plants_what_programs_outside_obey(self):
        for uid in modes():
            for name, script in PLANTS.items():
                with self.subTest(name, uid=uid), World(uid) as w:
                    with open(f"{w.ws}/.git/config", encoding="ascii") as f:
                        config = f.read()
                    w.run(script)
                    self.assertTrue(os.path.isdir(f"{w.ws}/.git"))
                    with open(f"{w.ws}/.git/config", encoding="ascii") as f:
                        now = f.read()
                    self.assertEqual(
                        [line for line in now.splitlines() if "x" in
                         line.split("=")[-1] and line not in config], [])
                    for bad in (".vscode", ".VSCODE", ".Claude", ".CURSOR",
                                ".envrc", ".ENVRC", ".mcp.json",
                                ".cursorrules", ".windsurfrules",
                                ".git/hooks/pre-commit",
                                ".git/worktrees/wt/config.worktree",
                                ".git/modules/m/config",
                                ".git/modules/m/hooks/post-checkout"):
                        self.assertFalse(
                            os.path.lexists(f"{w.ws}/{bad}"), bad)
                    self.assertFalse(os.path.islink(f"{w.ws}/.git/hooks"))

    def test_no_attack_reads_a_secret(self):
        for uid in modes():
            for name, script in READS.items():
                with self.subTest(name, uid=uid), World(uid) as w:
                    _, out = w.run(self.fill(w, script))
                    self.assertNotIn("SECRET", out)
                    for folder, _, files in os.walk(w.ws):
                        for file in files:
                            path = os.path.join(folder, file)
                            if os.path.isfile(path) and \
                                    not os.path.islink(path):
                                with open(path, "rb") as f:
                                    self.assertNotIn(b"SECRET", f.read(),
                                                     path)

    def test_no_odd_socket_reaches_the_host(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as host, \
                socket.create_server(("127.0.0.1", 0)) as tcp:
            host.bind("\0assent-attack-%d" % os.getpid())
            tcp.settimeout(0.2)
            host.settimeout(0.2)
            for uid in modes():
                with self.subTest(uid=uid), World(uid) as w:
                    _, out = w.python(C + (
                        "def t(n, f):\n"
                        "  try: f(); print('OPEN', n)\n"
                        "  except OSError: pass\n"
                        "for n, a in (('vsock', (40, 1, 0)), ('alg', (38, 5, "
                        "0)), ('packet', (17, 3, 0)), ('audit', (16, 3, 9)), "
                        "('uevent', (16, 3, 15)), ('raw', (2, 3, 1)), "
                        "('bluetooth', (31, 3, 1)), ('xdp', (44, 3, 0)), "
                        "('kcm', (41, 5, 0)), ('dgram', (1, 2, 0))):\n"
                        "  t(n, lambda: socket.socket(*a))\n"
                        "a, b = socket.socketpair()\n"
                        f"t('tcp', lambda: socket.create_connection(('127.0."
                        f"0.1', {tcp.getsockname()[1]}), 1))\n"
                        "s = socket.socket(socket.AF_INET, 2)\n"
                        "t('dns', lambda: s.sendto(b'x', ('8.8.8.8', 53)))\n"
                        "s = socket.socket(socket.AF_INET, 1)\n"
                        "t('fast', lambda: s.sendto(b'x', 0x20000000, "
                        "('10.0.0.1', 80)))\n"
                        "print('END')"))
                    self.assertIn("END", out)
                    self.assertNotIn("OPEN", out)
            with self.assertRaises(TimeoutError):
                tcp.accept()
            with self.assertRaises(TimeoutError):
                host.recv(10)

    def test_no_handle_of_the_kernel_leads_out(self):
        for uid in modes():
            with self.subTest(uid=uid), World(uid) as w:
                _, out = w.python(C + (
                    "def t(n, nr, *a):\n"
                    "  if l.syscall(nr, *a) >= 0: print('OPEN', n)\n"
                    "t('chroot', 161, b'/tmp')\n"
                    "t('pivot', 155, b'/tmp', b'/tmp')\n"
                    "t('quotactl', 179, 0, b'/', 0, 0)\n"
                    "t('fanotify', 300, 0, 0)\n"
                    "t('kcmp', 312, 1, os.getpid(), 0, 0, 0)\n"
                    "t('secret', 447, 0)\n"
                    "t('mount_setattr', 442, -100, b'/', 0, bytes(32), 32)\n"
                    "t('open_tree', 428, -100, b'/', 1)\n"
                    "t('move', 429, -1, b'', -1, b'', 0)\n"
                    "t('time', 227, 0, bytes(16))\n"
                    "t('unshare time', 272, 0x80)\n"
                    "t('clone ns', 56, 0x10000011, 0, 0, 0, 0)\n"
                    "t('x32', 0x40000000 | 165, 0, 0, 0, 0, 0)\n"
                    "t('sethostname', 170, b'x', 1)\n"
                    "t('vm', 310, 1, 0, 0, 0, 0, 0) if False else None\n"
                    "print('END')"))
                self.assertIn("END", out)
                self.assertNotIn("OPEN", out)

    def test_no_run_keeps_what_it_should_give_back(self):
        for uid in modes()[-1:]:
            for script in (
                    "d=; for i in $(seq 3000); do mkdir d; cd d; done",
                    "for i in $(seq 200000); do : > f$i; done",
                    "truncate -s 100G big; head -c 4G /dev/zero > big2",
                    "python3 -c \"import os\nwhile 1: os.pipe()\"",
                    "for i in $(seq 50); do mkfifo p$i; cat p$i & done; wait"
                    " & sleep 0.1; exit 0",
                    "(trap '' TERM HUP INT; setsid sleep 1000 &) & exit 0"):
                with self.subTest(script, uid=uid), World(uid) as w:
                    began = time.monotonic()
                    w.run(script, "--timeout", "3")
                    self.assertLess(time.monotonic() - began, 20)
                    self.assertLess(int(subprocess.run(
                        ["du", "-s", "--block-size=1M", w.ws], check=True,
                        stdout=subprocess.PIPE).stdout.split()[0]), 4096)
                    subprocess.run(["rm", "-rf", w.ws], check=False)


if __name__ == "__main__":
    require_sandbox()
    unittest.main(verbosity=2)
