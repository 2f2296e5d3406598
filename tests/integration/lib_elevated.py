"""
What tests of elevated runs share: a private mount namespace with a copy of
/etc and a network of its own, so that this machine's accounts and rules stay
as they are; a developer in it; root's daemon.

    TOP = enter()                  first of all
    setup("--pool", "2")           assent setup --elevated
    with Place() as d: d.outcome("id")
"""

import atexit
import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import tempfile
import time

import lib_daemon
from lib_daemon import BIN, Daemon, skip

DEV_UID, OTHER_UID = 61001, 61002
MARKER = "/etc/assent/elevated.yaml"
CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
TOP = None


def run(*argv, check=True, **more):
    return subprocess.run(argv, capture_output=True, text=True, timeout=60,
                          check=check, **more)


def as_user(uid, *argv, gid=None, **more):
    gid = uid if gid is None else gid
    return run("setpriv", f"--reuid={uid}", f"--regid={gid}",
               "--clear-groups", *argv, check=False, **more)


def leave():
    """What was made is gone with the namespaces; the folder is not."""
    run("umount", "-l", TOP, check=False)
    with contextlib.suppress(OSError):
        os.rmdir(TOP)


def enter():
    """This process, in namespaces of its own; the folder of the test."""
    global TOP
    if os.geteuid() != 0:
        skip("accounts and firewalls are root's to make")
    for tool in ("/usr/sbin/nft", "/usr/sbin/useradd", "/usr/bin/setpriv",
                 "/usr/bin/getfacl"):
        if not os.path.exists(tool):
            skip(f"there is no {tool}")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        skip("no namespaces: " + os.strerror(ctypes.get_errno()))
    run("mount", "--make-rprivate", "/")
    TOP = tempfile.mkdtemp(prefix="assent-elevated-")
    atexit.register(leave)
    os.chmod(TOP, 0o755)
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", TOP)
    run("cp", "-a", "/etc", f"{TOP}/etc")
    shutil.rmtree(f"{TOP}/etc/assent", ignore_errors=True)
    run("mount", "--bind", f"{TOP}/etc", "/etc")
    # The accounts that are made have numbers that no other such test has: one
    # in use, wherever, is not removed.
    with open("/etc/login.defs", "a", encoding="ascii") as f:
        first = 30000 + os.getpid() % 250 * 100
        for kind in ("UID", "GID"):
            f.write(f"SYS_{kind}_MIN {first}\nSYS_{kind}_MAX {first + 99}\n")
    for name, uid in (("assentdev", DEV_UID), ("assentother", OTHER_UID)):
        os.mkdir(f"{TOP}/{name}")
        run("groupadd", "-g", str(uid), name)
        run("useradd", "-M", "-u", str(uid), "-g", str(uid), "-d",
            f"{TOP}/{name}", name)
        os.chown(f"{TOP}/{name}", uid, uid)
    run("ip", "link", "set", "lo", "up")
    run("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
    run("ip", "-6", "addr", "add", "2001:db8::1/128", "dev", "lo")
    try:
        run("/usr/sbin/nft", "list", "ruleset")
    except subprocess.CalledProcessError as e:
        skip("this kernel has no nftables: " + e.stderr.strip())
    lib_daemon.tempfile.tempdir = TOP
    return TOP


def content(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def setup(*arguments):
    return run(f"{BIN}/assent", "setup", "--elevated", *arguments,
               check=False)


def account(name):
    for line in content("/etc/passwd").split("\n"):
        fields = line.split(":")
        if fields[0] == name:
            return int(fields[2]), int(fields[3])
    return None


class Place(Daemon):
    """A daemon of root's and a project of the developer's."""

    def __init__(self, config="", arguments=()):
        super().__init__(config, arguments)
        os.chmod(self.root, 0o755)
        self.project = tempfile.mkdtemp(prefix="project-", dir=TOP)
        os.chmod(self.project, 0o755)
        os.chown(self.project, DEV_UID, DEV_UID)

    def as_dev(self, *command, options=(), uid=DEV_UID):
        return as_user(uid, f"{BIN}/assent", "run", "--runtime",
                       self.runtime, "--json", *options, "--", *command,
                       cwd=self.project,
                       env={"HOME": f"{TOP}/assentdev",
                            "PATH": "/usr/bin:/bin"})

    def outcome(self, *command, **more):
        done = self.as_dev(*command, **more)
        try:
            return json.loads(done.stdout.strip().split("\n")[-1])
        except ValueError:
            raise AssertionError(done.stdout + done.stderr) from None

    def ready(self):
        return self.agent("GET", "/readyz")[1]["elevated"]

    def wait_until(self, holds, why):
        for _ in range(200):
            if holds():
                return
            time.sleep(0.05)
        raise AssertionError(why + "\n" + self.daemon_log()[-3000:])

    def rows(self, kind):
        done = run(f"{BIN}/assent", "log", "list", "--state", self.state,
                   "--json", check=False)
        rows = [json.loads(line) for line in done.stdout.split("\n") if line]
        return [r for r in rows if r.get("kind") == kind]
