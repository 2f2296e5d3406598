"""What was denied is said: which call or path, what forbids it, what would
permit it - as root and as a plain user, to the person at the terminal and in
what the agent gets."""

import os
import socket
import subprocess
import unittest

from lib_daemon import Daemon
from lib_sandbox import World, modes, require_sandbox

# A script; what has to be said of it.
DENIALS = {
    "a write outside": (
        "echo x > ~/made",
        ["write outside the workspace: ", "/made", "'write' in a profile"]),
    "a folder outside": (
        "mkdir ~/made", ["write outside the workspace: ", "/made"]),
    "a write beside the workspace": (
        "echo x > ../other/file", ["closed to it: ../other/file", "'read'"]),
    "a protected file": (
        "echo x >> .git/config",
        ["write .git/config", "no profile opens them"]),
    "a hidden file": (
        "cat ~/notes.txt /etc/shadow",
        ["closed to it: ~/notes.txt", "'read' in a profile"]),
    "an .env file": ("cat .env", ["hidden from it in the workspace: .env"]),
    "a host": (
        "exec 3<>/dev/tcp/192.0.2.1/80",
        ["connect to 192.0.2.1 port 80", "network"]),
    "a socket of the host": (
        "python3 -c 'import socket; "
        "socket.socket(socket.AF_UNIX).connect(\"host.sock\")'",
        ["connect to a socket of the host: host.sock", "every profile"]),
    "a set-id program": (
        "sudo -n id || su -c id; false",
        ["set-id programs gain no rights here: sudo, su"]),
    "a mount": ("mount -t tmpfs x /mnt", ["system call mount", "no profile"]),
    "a file that is too large": (
        "truncate -s 3G big",
        ["limit: bytes of one file: 2147483648", "limits: {file: ...}"]),
    "a set-id bit": (
        "chmod u+s README",
        ["system call chmod: a set-id bit", "under any profile"]),
    "new namespaces": (
        "unshare -U true",
        ["system call unshare: new namespaces", "under any profile"]),
    "a datagram socket": (
        "python3 -c 'import socket; "
        "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)'",
        ["system call socket: a unix socket", "out of reach"]),
    "input of the terminal": (
        "python3 -c 'import fcntl, termios; "
        "fcntl.ioctl(0, termios.TIOCSTI, b\"x\")'",
        ["system call ioctl: input of the terminal", "no profile"]),
}

# By a pair of datagram sockets to a socket file in sight.
PAIR = """
import os, socket
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
a.send(b'one'); a.send(b'two')
assert b.recv(100) == b'one' and b.recv(100) == b'two'
b.send(b'three')
assert a.recv(2) == b'th'   # the rest of a message goes with it
assert not os.get_inheritable(a.fileno())
for way in (lambda: a.sendto(b'forged', 'dgram.sock'),
            lambda: a.sendmsg([b'forged'], [], 0, 'dgram.sock'),
            lambda: a.connect('dgram.sock') or a.send(b'forged')):
    try:
        way()
    except OSError:
        pass
print('done')
"""


def host_socket(path, kind, uid):
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(path)
    if kind == socket.SOCK_STREAM:
        s.listen()
    os.chmod(path, 0o666)
    if os.geteuid() == 0:
        os.chown(path, uid, uid)
    return s


class Denied(unittest.TestCase):
    def test_each_denial_says_what_forbids_and_what_permits_it(self):
        for uid in modes():
            with World(uid) as w, host_socket(
                    w.ws + "/host.sock", socket.SOCK_STREAM, uid):
                w.put(w.ws + "/.env", "KEY=1\n", 0o600)
                for name, (script, words) in DENIALS.items():
                    with self.subTest(uid=uid, denied=name):
                        status, out = w.run(script)
                        self.assertNotEqual(status, 0, out)
                        for word in words:
                            self.assertIn(word, out)

    def test_what_would_have_worked_is_not_called_denied(self):
        for uid in modes():
            with World(uid) as w:
                status, out = w.run(
                    "mkdir a && touch a/b && chmod 755 a && ls ~ && "
                    "grep -q nothing README; false")
                self.assertEqual(status, 1, out)
                self.assertNotIn("denied", out)
                self.assertNotIn("closed to it", out)

    def test_a_pair_of_datagram_sockets_reaches_nobody_else(self):
        for uid in modes():
            with World(uid) as w, host_socket(
                    w.ws + "/dgram.sock", socket.SOCK_DGRAM, uid) as host:
                status, out = w.python(PAIR)
                self.assertEqual(status, 0, out)
                self.assertTrue(out.startswith("done\n"), out)
                self.assertIn("socket of the host: dgram.sock", out)
                host.setblocking(False)
                with self.assertRaises(BlockingIOError):
                    host.recv(100)


class Told(unittest.TestCase):
    """By the daemon: what is prepared ahead tells as much as what is fresh."""

    def test_a_prepared_run_explains_as_a_fresh_one_does(self):
        config = ("profiles:\n"
                  "  workspace-write: {protect: [ci]}\n")
        with Daemon(config) as d:
            os.mkdir(d.workspace + "/ci")
            with open(d.workspace + "/.env", "w", encoding="ascii") as f:
                f.write("K=1\n")
            if os.geteuid() != 0:
                os.chmod(d.workspace + "/.env", 0o600)
            for _ in range(5):
                done = subprocess.run(
                    [f"{os.environ['ASSENT_BIN']}/assent", "run",
                     "--runtime", d.runtime, "--", "touch", "ci/x"],
                    cwd=d.workspace, capture_output=True, text=True,
                    timeout=60, check=False)
                self.assertIn("denied: create ci/x", done.stderr)
                self.assertIn("'protect: ci' of the profile", done.stderr)
            for _ in range(5):
                done = subprocess.run(
                    [f"{os.environ['ASSENT_BIN']}/assent", "run",
                     "--runtime", d.runtime, "--", "ls", "nowhere"],
                    cwd=d.workspace, capture_output=True, text=True,
                    timeout=60, check=False)
                self.assertIn("hidden from it in the workspace: .env",
                              done.stderr)


if __name__ == "__main__":
    require_sandbox()
    unittest.main()
