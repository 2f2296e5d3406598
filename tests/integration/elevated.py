"""
Elevated runs: accounts of their own, a firewall, and what happens where they
cannot be had. All of it in a private mount namespace with a copy of /etc and
a network of its own, so that this machine's accounts and rules stay as they
are.
"""

import errno
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from lib_daemon import BIN
from lib_elevated import DEV_UID, MARKER, OTHER_UID, Place, account, \
    as_user, content, enter, run, setup
from lib_weak import without_namespaces

EXIT_CONFIG = 78
# What is dropped is known by waiting: all at the same time.
PROBE = r"""
import concurrent.futures, errno, socket
ICMP = b'\x08\x00\xf7\xff\x00\x00\x00\x00'
WAYS = {
    'tcp4': (socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', PORT4)),
    'tcp6': (socket.AF_INET6, socket.SOCK_STREAM, ('::1', PORT6)),
    'udp4': (socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', PORT4)),
    'udp6': (socket.AF_INET6, socket.SOCK_DGRAM, ('::1', PORT6)),
    'far4': (socket.AF_INET, socket.SOCK_STREAM, ('192.0.2.1', PORT4)),
    'far6': (socket.AF_INET6, socket.SOCK_STREAM, ('2001:db8::1', PORT6)),
    'proxy': (socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', PROXY)),
    'proxy6': (socket.AF_INET6, socket.SOCK_STREAM, ('::1', PROXY6)),
    'icmp': (socket.AF_INET, socket.SOCK_DGRAM, None),
    'raw': (socket.AF_INET, socket.SOCK_RAW, None)}

def attempt(name):
    family, kind, address = WAYS[name]
    try:
        if address is None:
            s = socket.socket(family, kind, socket.IPPROTO_ICMP)
            if name == 'icmp':
                s.settimeout(3)
                s.sendto(ICMP, ('127.0.0.1', 0))
                s.recv(64)
        else:
            s = socket.socket(family, kind)
            s.settimeout(3)
            s.connect(address)
            if kind == socket.SOCK_DGRAM:
                s.send(b'x')
                s.send(b'x')
        return 'reached'
    except OSError as e:
        return f'blocked {errno.errorcode.get(e.errno, e)}'
with concurrent.futures.ThreadPoolExecutor(len(WAYS)) as pool:
    for name, what in zip(WAYS, pool.map(attempt, WAYS)):
        print(name, what)
"""


class Weak(Place):
    """Where nobody may make namespaces, as in a container."""

    @staticmethod
    def before():
        without_namespaces(errno.EPERM)


class Elevated(unittest.TestCase):
    def setUp(self):
        done = setup()
        self.assertEqual(done.returncode, 0, done.stderr)

    def tearDown(self):
        done = setup("--remove")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_execution_identity_separation(self):
        """A run is another user, and what it writes is the developer's."""
        uid, gid = account("assent-offline")
        with Place() as d:
            self.assertEqual(d.ready()["mode"], "elevated")
            got = d.outcome(
                "sh", "-c", "id -u; id -g; git init -q . && echo a > f && "
                "git add f && git status --short")
            self.assertEqual(got["outcome"]["stdout"],
                             f"{uid}\n{gid}\nA  f\n", got)
            self.assertEqual(got["mode"], "elevated")
            self.assertEqual(got["outcome"]["mode"], "elevated")
            self.assertEqual(got["outcome"]["violations"], [])
            for name in ("f", ".git/HEAD", ".git/index"):
                st = os.stat(f"{d.project}/{name}")
                self.assertEqual((st.st_uid, st.st_gid), (DEV_UID, DEV_UID))
            done = as_user(DEV_UID, "git", "status", "--short",
                           cwd=d.project, env={"HOME": f"{TOP}/assentdev",
                                               "PATH": "/usr/bin:/bin"})
            self.assertEqual((done.returncode, done.stdout), (0, "A  f\n"),
                             done.stderr)
            with open(f"{d.project}/g", "w", encoding="ascii") as f:
                f.write("mine")
            os.chown(f"{d.project}/g", DEV_UID, DEV_UID)
            os.chmod(f"{d.project}/g", 0o600)
            self.assertEqual(
                d.outcome("cat", "g")["outcome"]["stdout"], "mine")
            for kind in ("decided", "intent", "outcome"):
                rows = d.rows(kind)
                self.assertTrue(rows, kind)
                for row in rows:
                    self.assertIn('"mode":"elevated"',
                                  json.dumps(row).replace(": ", ":"), kind)

    def test_code_of_the_proposer_cannot_reach_into_a_run(self):
        """Neither its memory, its files, its descriptors nor its life."""
        with Place() as d:
            child = subprocess.Popen(
                ["setpriv", f"--reuid={DEV_UID}", f"--regid={DEV_UID}",
                 "--clear-groups", f"{BIN}/assent", "run", "--runtime",
                 d.runtime, "--", "sleep", "4242"], cwd=d.project,
                env={"HOME": f"{TOP}/assentdev", "PATH": "/usr/bin:/bin"},
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            try:
                found = []
                uid = account("assent-offline")[0]

                def look():
                    for p in os.listdir("/proc"):
                        try:
                            with open(f"/proc/{p}/cmdline", "rb") as f:
                                if p.isdigit() and f.read() == \
                                        b"sleep\x004242\x00" and \
                                        os.stat(f"/proc/{p}").st_uid in (
                                            uid, 0):
                                    found.append(p)
                        except OSError:
                            pass
                    return found
                d.wait_until(look, "the run did not start")
                pid = found[0]
                status = content(f"/proc/{pid}/status")
                self.assertIn(f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}", status)
                for what in (f"cat /proc/{pid}/environ",
                             f"head -c1 /proc/{pid}/mem",
                             f"ls /proc/{pid}/fd", f"ls /proc/{pid}/root/",
                             f"kill -9 {pid}", f"kill -STOP {pid}",
                             f"strace -p {pid} -o /dev/null"):
                    done = as_user(DEV_UID, "timeout", "5", "sh", "-c", what)
                    self.assertNotEqual(done.returncode, 0, what)
                self.assertTrue(os.path.exists(f"/proc/{pid}"))
                # Nor does it become an approver, or reach its launcher.
                for uid in (DEV_UID, *account("assent-offline")[:1]):
                    done = as_user(uid, sys.executable, "-c",
                                   "import socket; socket.socket(1)"
                                   f".connect('{d.runtime}/approver.sock')")
                    self.assertIn("PermissionError", done.stderr, uid)
            finally:
                child.send_signal(signal.SIGTERM)
                child.wait(20)

    def test_a_run_reaches_nothing_that_its_proposer_could_not(self):
        """Root's launcher opens with the proposer's rights."""
        with Place() as d:
            # A folder of another user, in a folder closed to the proposer.
            closed = f"{TOP}/assentother/closed"
            os.makedirs(f"{closed}/p", exist_ok=True)
            os.chown(f"{closed}/p", DEV_UID, DEV_UID)
            os.chmod(closed, 0o700)
            status, body, _ = d.agent("POST", "/v1/actions", {
                "tool": "shell", "input": {"script": "id"},
                "workspace": f"{closed}/p", "execute": True,
                "cwd": f"{closed}/p"}, {"Prefer": "wait=20"})
            self.assertEqual(status, 200, body)
            # Root may, being root; the developer may not.
            done = as_user(
                DEV_UID, "curl", "-s", "--unix-socket",
                f"{d.runtime}/agent.sock", "-H", "Prefer: wait=20", "-H",
                "Content-Type: application/json", "-d", json.dumps({
                    "tool": "shell", "input": {"script": "id"},
                    "workspace": f"{closed}/p", "cwd": f"{closed}/p",
                    "execute": True}), "http://localhost/v1/actions")
            got = json.loads(done.stdout)
            self.assertIn("ermission denied", json.dumps(got), got)
            # Somebody else's folder that everybody may write.
            other = tempfile.mkdtemp(prefix="other-", dir=TOP)
            os.chown(other, OTHER_UID, OTHER_UID)
            os.chmod(other, 0o777)
            d.project = other
            got = d.as_dev("touch", "made")
            self.assertIn(f"belongs to user {OTHER_UID}",
                          got.stdout + got.stderr)
            self.assertFalse(os.path.exists(f"{other}/made"))

    def listeners(self):
        made = []
        for family, address in ((socket.AF_INET, "0.0.0.0"),
                                (socket.AF_INET6, "::")):
            s = socket.socket(family)
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind((address, 0))
            s.listen(16)
            made.append(s)
        return made

    def probe(self, uid, gid, ports):
        text = PROBE
        for name, port in zip(("PORT4", "PORT6", "PROXY6", "PROXY"), ports):
            text = text.replace(name, str(port))
        done = as_user(uid, sys.executable, "-c", text, gid=gid)
        return dict(line.split(" ", 1)
                    for line in done.stdout.strip().split("\n"))

    def test_network_isolation_of_the_accounts(self):
        """Not one packet, in both families, whatever the protocol."""
        plain, proxy = self.listeners(), self.listeners()
        ports = [plain[0].getsockname()[1], plain[1].getsockname()[1],
                 proxy[1].getsockname()[1], proxy[0].getsockname()[1]]
        with open("/proc/sys/net/ipv4/ping_group_range", "w",
                  encoding="ascii") as f:
            f.write("0 2147483647")
        done = setup("--proxy-port", str(ports[2]), "--proxy-port",
                     str(ports[3]), "--pool", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        free = self.probe(DEV_UID, DEV_UID, ports)
        for name in ("tcp4", "tcp6", "udp4", "far4", "far6", "proxy", "icmp"):
            if name.startswith("udp"):
                continue  # nobody listens: the answer is an ICMP error
            self.assertEqual(free[name], "reached", free)
        offline = self.probe(*account("assent-offline"), ports)
        for name, what in offline.items():
            self.assertNotEqual(what, "reached", offline)
        for online in ("assent-online", "assent-online-2"):
            got = self.probe(*account(online), ports)
            for name, what in got.items():
                self.assertEqual(what == "reached",
                                 name in ("proxy", "proxy6"), (online, got))
        # A user namespace of its own changes nothing.
        uid, gid = account("assent-offline")
        done = as_user(uid, "unshare", "-Ur", sys.executable, "-c",
                       "import socket; socket.create_connection("
                       f"('127.0.0.1', {ports[0]}), 3)", gid=gid)
        self.assertNotEqual(done.returncode, 0)
        for s in plain + proxy:
            s.close()

    def test_sessions_have_accounts_of_their_own(self):
        done = setup("--pool", "3")
        self.assertEqual(done.returncode, 0, done.stderr)
        config = "profiles:\n  net: {identity: online}\n" \
                 "  mine: {identity: own}\n"
        with Place(config) as d:
            def ask(session, profile):
                body = d.agent("POST", "/v1/actions", {
                    "tool": "exec", "input": {"argv": ["id", "-un"]},
                    "workspace": d.project, "cwd": d.project,
                    "execute": True, "session": session,
                    "profile": profile}, {"Prefer": "wait=0"})[1]
                if body["state"] == "pending":
                    self.assertEqual(
                        d.answer(body["id"], "allow")[0], 200)
                if body["state"] != "done":
                    body = d.agent("GET", f"/v1/actions/{body['id']}",
                                   headers={"Prefer": "wait=20"})[1]
                return body["outcome"]["stdout"].strip(), body.get("mode")
            names = {ask(f"s-{i}", "net") for i in range(3)}
            self.assertEqual(len(names), 3, names)
            for name, mode in names:
                self.assertTrue(name.startswith("assent-online"), names)
                self.assertEqual(mode, "elevated")
            self.assertEqual(ask("s-1", "net"), ask("s-1", "net"))
            self.assertEqual(ask("s-1", "read-only")[0], "assent-offline")
            self.assertEqual(ask("s-1", "mine")[1], "unelevated")

    def serve(self):
        """A page on an address of this network; its port."""
        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "5")
                self.end_headers()
                self.wfile.write(b"page\n")

            def log_message(self, *arguments):
                pass
        server = http.server.ThreadingHTTPServer(("192.0.2.1", 0), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def test_in_both_modes_a_run_reaches_its_proxy_and_nothing_else(self):
        port, other = self.serve(), self.serve()
        # Named in a file: what a call names itself is approved with it.
        script = ("for h in $(cat good); do curl -sS -m 9 http://$h/; done; "
                  "for h in $(cat bad); do curl -fsS -m 9 http://$h/ >&2; "
                  "curl -fsS -m 5 --noproxy '*' http://$h/ >&2; done; id -un")
        for mode, setting in (("elevated", "preferred"),
                              ("unelevated", "\"off\"")):
            with Place(f"elevated: {setting}\nprofiles: {{site: {{base: "
                       "workspace-write-online, network_only: true, "
                       f"network: [\"192.0.2.1:{port}\"]}}}}\n") as d:
                for name, text in (("good", f"192.0.2.1:{port}"),
                                   ("bad", f"192.0.2.1:{other} "
                                    f"127.0.0.1:{other}")):
                    with open(f"{d.project}/{name}", "w",
                              encoding="ascii") as f:
                        f.write(text)
                body = d.agent("POST", "/v1/actions", {
                    "tool": "shell", "input": {"script": script},
                    "workspace": d.project, "cwd": d.project,
                    "execute": True, "profile": "site"},
                    {"Prefer": "wait=0"})[1]
                self.assertEqual(body["state"], "pending", body)
                self.assertEqual(d.answer(body["id"], "allow")[0], 200)
                body = d.agent("GET", f"/v1/actions/{body['id']}",
                               headers={"Prefer": "wait=40"})[1]
                self.assertEqual(body["mode"], mode)
                lines = body["outcome"]["stdout"].split("\n")
                self.assertEqual(lines[0], "page", body["outcome"])
                if mode == "elevated":
                    self.assertEqual(lines[1], "assent-online")
                self.assertNotIn("page", body["outcome"]["stderr"], mode)

    def test_what_a_run_makes_is_never_set_id_and_no_link_leads_elsewhere(
            self):
        with Place() as d:
            secret = f"{TOP}/assentother/secret"
            with open(secret, "w", encoding="ascii") as f:
                f.write("theirs\n")
            os.chown(secret, OTHER_UID, OTHER_UID)
            os.chmod(secret, 0o600)
            os.link(secret, f"{d.project}/link")
            script = ("cp /usr/bin/id s; chmod 4755 s; chmod 2755 s; "
                      "install -m 4755 /usr/bin/id q; python3 -c \"import os;"
                      "os.open('z', os.O_CREAT | os.O_WRONLY, 0o6755)\"; "
                      "mkdir d; chmod 2777 d; mknod n c 1 1; chown 0 s; "
                      "unshare -Ur true && echo root; cat link; "
                      "echo x >> link; chmod 777 link")
            with open(f"{d.project}/attack", "w", encoding="ascii") as f:
                f.write(script)
            for options in ((), ("--overlay",)):
                got = d.outcome("sh", "attack", options=options)
                self.assertEqual((got["mode"], got["outcome"]["stdout"]),
                                 ("elevated", ""), got)
                if options:
                    self.assertEqual(self.apply(d, got)[0], 200)
                for name in ("s", "q", "z", "d"):
                    st = os.stat(f"{d.project}/{name}")
                    self.assertEqual(st.st_mode & 0o6000, 0, name)
                    self.assertEqual(st.st_uid, DEV_UID, name)
                self.assertFalse(os.path.exists(f"{d.project}/n"))
                self.assertEqual(os.stat(secret).st_mode & 0o777, 0o600)
                self.assertEqual(content(secret), "theirs\n")
                run("sh", "-c", f"cd {d.project} && rm -rf s q z d")

    def apply(self, d, action):
        """What a person says of the copy that a run has left."""
        return d.approver("POST", f"/v1/actions/{action['id']}/changes",
                          {"apply": "all"})[:2]

    def test_a_copy_is_made_and_applied_with_its_owners_rights(self):
        with Place() as d:
            os.mkdir(f"{d.project}/d")
            os.chown(f"{d.project}/d", DEV_UID, DEV_UID)
            os.chmod(f"{d.project}/d", 0o700)
            for name in ("old", "kept"):
                with open(f"{d.project}/{name}", "w", encoding="ascii") as f:
                    f.write("old\n")
                os.chown(f"{d.project}/{name}", DEV_UID, DEV_UID)
                os.chmod(f"{d.project}/{name}", 0o600)
            got = d.outcome(
                "sh", "-c", "umask 077; id -un; rm old; echo a >> kept; "
                "mkdir n; echo b > n/f; ln -s n/f link",
                options=("--overlay",))
            self.assertEqual((got["mode"], got["outcome"]["stdout"]),
                             ("elevated", "assent-offline\n"), got)
            self.assertEqual(sorted(os.listdir(d.project)),
                             ["d", "kept", "old"])
            status, body = self.apply(d, got)
            self.assertEqual(status, 200, body)
            self.assertEqual(content(f"{d.project}/kept"), "old\na\n")
            self.assertEqual(content(f"{d.project}/link"), "b\n")
            self.assertFalse(os.path.exists(f"{d.project}/old"))
            for name in ("kept", "n", "n/f", "link"):
                st = os.lstat(f"{d.project}/{name}")
                self.assertEqual((st.st_uid, st.st_gid), (DEV_UID, DEV_UID))
            # His when it ran, and closed to him by now: root's launcher
            # does not do what he could not.
            got = d.outcome("sh", "-c", "echo x > d/f",
                            options=("--overlay",))
            os.chown(f"{d.project}/d", OTHER_UID, OTHER_UID)
            status, body = self.apply(d, got)
            self.assertEqual(status, 409, body)
            self.assertIn("d/f", json.dumps(body))
            self.assertEqual(os.listdir(f"{d.project}/d"), [])

    def test_both_modes_with_fallback(self):
        """Said aloud where it is preferred, refused where it is required."""
        with Place() as d:
            self.assertEqual(d.outcome("id")["mode"], "elevated")
            # Flushed by another tool: put back, and said.
            run("/usr/sbin/nft", "flush", "ruleset")
            d.wait_until(lambda: "loading the firewall" in d.daemon_log(),
                         "nobody saw that the firewall is gone")
            d.wait_until(lambda: "skuid" in
                         run("/usr/sbin/nft", "list", "ruleset").stdout,
                         "the firewall was not put back")
            self.assertEqual(d.outcome("id")["mode"], "elevated")
            # It cannot be put back: runs go on, as their proposer.
            self.take_nft_away()
            try:
                d.process.send_signal(signal.SIGHUP)
                d.wait_until(lambda: d.ready()["mode"] == "unelevated",
                             "still elevated without a firewall")
                self.check_fallback(d)
            finally:
                run("umount", "/usr/sbin/nft")
            d.process.send_signal(signal.SIGHUP)
            d.wait_until(lambda: d.ready()["mode"] == "elevated",
                         "not elevated again")
            self.assertEqual(d.outcome("id")["mode"], "elevated")

    def take_nft_away(self):
        with open(f"{TOP}/broken", "w", encoding="ascii") as f:
            f.write("#!/bin/sh\nexit 1\n")
        os.chmod(f"{TOP}/broken", 0o755)
        run("mount", "--bind", f"{TOP}/broken", "/usr/sbin/nft")

    def check_fallback(self, d):
        got = d.outcome("id", "-u")
        self.assertEqual(got["outcome"]["stdout"], f"{DEV_UID}\n")
        self.assertEqual(got["mode"], "unelevated")
        self.assertIn("/usr/sbin/nft", got["mode_reason"])
        self.assertIn("note: this run was not elevated",
                      got["outcome"]["violations"][0])
        self.assertIn("runs are not elevated", d.daemon_log())
        doctor = run(f"{BIN}/assent", "doctor", "--runtime", d.runtime,
                     check=False)
        self.assertIn("missing  daemon   elevated", doctor.stdout)
        self.assertIn('"mode":"unelevated"', json.dumps(
            d.rows("outcome")[-1]).replace(": ", ":"))

    def test_who_has_no_daemon_of_his_own_asks_the_machines(self):
        with Place() as d:
            run("mount", "-t", "tmpfs", "-o", "mode=755", "none", "/run")
            try:
                os.mkdir("/run/assent")
                run("mount", "--bind", d.runtime, "/run/assent")
                done = as_user(DEV_UID, f"{BIN}/assent", "run", "--json", "--",
                               "true", cwd=d.project,
                               env={"HOME": "/nonexistent",
                                    "PATH": "/usr/bin:/bin"})
            finally:
                run("umount", "-l", "/run")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_where_it_is_required_nothing_runs_otherwise(self):
        with open(f"{TOP}/r.yaml", "w", encoding="ascii") as f:
            f.write("elevated: {allowed: [required]}\n")
        os.chmod(f"{TOP}/r.yaml", 0o600)
        more = ["--requirements", f"{TOP}/r.yaml"]
        config = "profiles:\n  mine: {identity: own}\n"
        with Place(config, more) as d:
            self.assertEqual(d.ready()["setting"], "required")
            self.assertEqual(d.outcome("id")["mode"], "elevated")
            done = d.as_dev("touch", "made", options=("--profile", "mine"))
            self.assertIn("as its proposer", done.stdout + done.stderr)
            self.assertIn(f"{TOP}/r.yaml:1 permits required",
                          done.stdout + done.stderr)
            self.take_nft_away()
            try:
                # A reload keeps what held; a start is refused.
                d.process.send_signal(signal.SIGHUP)
                d.wait_until(lambda: "not-reloaded" in d.daemon_log(),
                             "it was reloaded")
                d.stop()
                status = subprocess.run(
                    [f"{BIN}/assentd", "--foreground", "--state", d.state,
                     "--runtime", d.runtime, "--config", d.config, *more],
                    capture_output=True, text=True, timeout=30, check=False)
                self.assertEqual(status.returncode, EXIT_CONFIG)
                self.assertIn("elevated runs are required", status.stderr)
            finally:
                run("umount", "/usr/sbin/nft")
            self.assertFalse(os.path.exists(f"{d.project}/made"))

    def test_without_namespaces_no_run_is_elevated_and_each_says_so(self):
        """What is left without them holds a plain user's run, not root's."""
        why = "may make no namespaces here"
        with Weak() as d:
            self.assertEqual(d.ready()["mode"], "unelevated")
            self.assertIn(why, d.ready()["why_not"])
            got = d.outcome("id", "-u")
            self.assertEqual((got["mode"], got["outcome"]["stdout"]),
                             ("unelevated", f"{DEV_UID}\n"), got)
            self.assertIn(why, got["mode_reason"])
            notes = " ".join(got["outcome"]["violations"])
            self.assertIn("note: this run was not elevated", notes)
            self.assertIn("Landlock, the system call filter and limits "
                          "stand alone", notes)
            self.assertIn(why, json.dumps(d.rows("decided")[-1]))
            self.assertIn('"unelevated"', json.dumps(d.rows("outcome")[-1]))
        d = Weak("elevated: required\n")
        with self.assertRaises(SystemExit) as refused:
            d.start()
        self.assertEqual(d.process.wait(10), EXIT_CONFIG)
        self.assertIn("elevated runs are required", str(refused.exception))
        self.assertIn(why, str(refused.exception))

    def test_no_account_is_trusted_that_is_not_ours(self):
        for text in ("version: 2\n", "version: 1\noffline: {name: root, "
                     "uid: 0, gid: 0}\n", "- a\n", "other: x\n"):
            keep = content(MARKER)
            with open(MARKER, "w", encoding="ascii") as f:
                f.write(text)
            done = run(f"{BIN}/assentd", "--check", check=False)
            with open(MARKER, "w", encoding="ascii") as f:
                f.write(keep)
            self.assertEqual(done.returncode, EXIT_CONFIG,
                             text + done.stdout + done.stderr)


class Setup(unittest.TestCase):
    def state(self, place):
        acl = run("getfacl", "-R", "-n", "-p", place).stdout
        modes = run("find", place, "-printf", "%m %U %G %p\n").stdout
        trusted = []
        for top, folders, files in os.walk(place):
            for name in (".", *folders, *files):
                trusted += os.listxattr(f"{top}/{name}",
                                        follow_symlinks=False)
        return acl, "\n".join(sorted(modes.split("\n"))), sorted(trusted)

    def project(self):
        place = tempfile.mkdtemp(prefix="acl-", dir=TOP)
        os.makedirs(f"{place}/src/deep")
        for name, mode in (("a", 0o644), ("src/b", 0o600),
                           ("src/deep/run", 0o755), ("src/c", 0o440)):
            with open(f"{place}/{name}", "w", encoding="ascii") as f:
                f.write("x")
            os.chmod(f"{place}/{name}", mode)
        os.chmod(f"{place}/src", 0o2775)
        run("chown", "-R", f"{DEV_UID}:{DEV_UID}", place)
        run("setfacl", "-m", f"u:{OTHER_UID}:r", f"{place}/a")
        run("setfacl", "-d", "-m", f"u:{OTHER_UID}:rx", f"{place}/src/deep")
        # What must not be touched: another's file, a link out, a second
        # name of a file that lies elsewhere.
        with open(f"{place}/theirs", "w", encoding="ascii") as f:
            f.write("x")
        os.chown(f"{place}/theirs", OTHER_UID, OTHER_UID)
        with open(f"{TOP}/elsewhere", "w", encoding="ascii") as f:
            f.write("x")
        os.chown(f"{TOP}/elsewhere", DEV_UID, DEV_UID)
        os.link(f"{TOP}/elsewhere", f"{place}/second")
        os.symlink("/etc/shadow", f"{place}/out")
        return place

    def test_rights_on_a_workspace_are_given_and_taken_back_exactly(self):
        place = self.project()
        before = self.state(place)
        shadow = run("getfacl", "-n", "-p", "/etc/shadow").stdout
        done = setup("--workspace", place)
        self.assertEqual(done.returncode, 0, done.stderr)
        given = self.state(place)
        self.assertNotEqual(given, before)
        done = setup("--workspace", place)
        self.assertEqual(done.stdout, "nothing is to be done\n")
        self.assertEqual(self.state(place), given)
        uid, gid = account("assent-offline")
        done = as_user(uid, "sh", "-c",
                       f"cd {place} && echo y >> src/b && mkdir made && "
                       "echo z > made/f && cat a && ! cat theirs 2>/dev/null "
                       ">> a || true", gid=gid)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = as_user(DEV_UID, "sh", "-c",
                       f"cd {place} && echo more >> made/f && cat src/b")
        self.assertEqual((done.returncode, done.stdout), (0, "xy\n"),
                         done.stderr)
        for name in ("theirs", "second"):
            self.assertEqual(os.listxattr(f"{place}/{name}"), [])
        self.assertEqual(run("getfacl", "-n", "-p", "/etc/shadow").stdout,
                         shadow)
        done = setup("--remove")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        st = os.stat(f"{place}/made/f")
        self.assertEqual((st.st_uid, st.st_gid), (DEV_UID, DEV_UID))
        self.assertEqual(os.listxattr(f"{place}/made/f"), [])
        shutil.rmtree(f"{place}/made")
        with open(f"{place}/src/b", "w", encoding="ascii") as f:
            f.write("x")
        self.assertEqual(self.state(place), before)

    def test_a_set_up_twice_is_once_and_leaves_nothing(self):
        before = [content(f"/etc/{n}") for n in ("passwd", "group")]
        rules = run("/usr/sbin/nft", "list", "ruleset").stdout
        done = setup("--dry-run")
        self.assertIn("would be done:", done.stdout)
        self.assertIsNone(account("assent-offline"))
        self.assertFalse(os.path.exists(MARKER))
        self.assertEqual(setup().returncode, 0)
        self.assertEqual(setup().stdout, "nothing is to be done\n")
        self.assertEqual(os.stat(MARKER).st_mode & 0o777, 0o644)
        self.assertRegex(content("/etc/passwd"),
                         "assent-offline:.*:/usr/sbin/nologin\n")
        done = setup("--remove", "--dry-run")
        self.assertTrue(os.path.exists(MARKER))
        self.assertEqual(setup("--remove").returncode, 0)
        self.assertEqual(
            before, [content(f"/etc/{n}") for n in ("passwd", "group")])
        self.assertEqual(run("/usr/sbin/nft", "list", "ruleset").stdout,
                         rules)
        self.assertFalse(os.path.exists(MARKER))
        self.assertEqual(setup("--remove").stdout, "nothing is to be done\n")

    def test_a_set_up_under_a_running_daemon_is_taken_over_and_away(self):
        with Place() as d:
            self.assertFalse(d.ready()["set_up"])
            self.assertEqual(d.outcome("id", "-u")["mode"], "unelevated")
            for arguments in ((), ("--pool", "3"),
                              ("--proxy-port", "4321")):
                done = setup(*arguments)
                self.assertEqual(done.returncode, 0, done.stderr)
            d.process.send_signal(signal.SIGHUP)
            d.wait_until(lambda: d.ready()["mode"] == "elevated",
                         "a reload does not take it over")
            self.assertEqual(d.outcome("id", "-un")["outcome"]["stdout"],
                             "assent-offline\n")
            self.assertIn("4321",
                          run("/usr/sbin/nft", "list", "ruleset").stdout)
            self.assertEqual(setup("--remove").returncode, 0)
            d.wait_until(lambda: d.ready()["mode"] == "unelevated",
                         "nobody saw that it was taken away")
            self.assertIn("elevated.yaml' is gone", d.ready()["why_not"])
            self.assertEqual(
                run("/usr/sbin/nft", "list", "ruleset").stdout, "")
            d.process.send_signal(signal.SIGHUP)
            d.wait_until(lambda: not d.ready()["set_up"], "not reloaded")
            self.assertEqual(
                d.outcome("id", "-u")["outcome"]["stdout"], f"{DEV_UID}\n")

    def test_a_plain_users_daemon_cannot_have_what_is_required(self):
        place = tempfile.mkdtemp(prefix="user-", dir=TOP)
        with open(f"{place}/c.yaml", "w", encoding="ascii") as f:
            f.write("elevated: required\n")
        run("chown", "-R", f"{DEV_UID}:{DEV_UID}", place)
        done = as_user(DEV_UID, f"{BIN}/assentd", "--foreground", "--config",
                       f"{place}/c.yaml", "--state", f"{place}/s",
                       "--runtime", f"{place}/r")
        self.assertEqual(done.returncode, EXIT_CONFIG, done.stderr)
        self.assertIn("only root's daemon has them", done.stderr)
        done = as_user(DEV_UID, f"{BIN}/assent", "sandbox", "--config",
                       f"{place}/c.yaml", "--", "true", cwd=place)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("use assent run", done.stderr)

    def test_the_machines_requirements_hold_for_users_and_without_a_daemon(
            self):
        file = "/etc/assent/requirements.yaml"
        place = tempfile.mkdtemp(prefix="user-", dir=TOP)
        run("chown", f"{DEV_UID}:{DEV_UID}", place)
        with open(f"{place}/none.yaml", "w", encoding="ascii") as f:
            f.write("")
        os.makedirs("/etc/assent", exist_ok=True)
        with open(file, "w", encoding="ascii") as f:
            f.write("hosts: {allowed: [good.example]}\n"
                    "approval_policy: {forced: untrusted}\n")

        def daemon(*more):
            return as_user(DEV_UID, f"{BIN}/assentd", "--check", "--state",
                           f"{place}/s", "--runtime", f"{place}/r", *more)
        try:
            os.chmod(file, 0o644)
            self.assertEqual(daemon().returncode, 0, daemon().stderr)
            # Nobody gets around it by naming another one,
            done = daemon("--requirements", f"{place}/none.yaml")
            self.assertEqual(done.returncode, EXIT_CONFIG)
            self.assertIn("holds for this machine", done.stderr)
            # nor where it cannot even be seen.
            os.chmod("/etc/assent", 0o700)
            for more in ((), ("--requirements", f"{place}/none.yaml")):
                self.assertEqual(daemon(*more).returncode, EXIT_CONFIG, more)
            os.chmod("/etc/assent", 0o755)
            done = as_user(DEV_UID, f"{BIN}/assent", "sandbox", "--host",
                           "evil.example", "--", "true", cwd=place)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f"{file}:1 permits good.example", done.stderr)
            self.no_words_hide_a_host_from_them(file, place)
            # One that is not root's is not believed, whoever reads it.
            os.chown(file, DEV_UID, DEV_UID)
            self.assertEqual(daemon().returncode, EXIT_CONFIG)
            self.assertIn("must be root's", daemon().stderr)
        finally:
            os.chmod("/etc/assent", 0o755)
            os.unlink(file)

    def no_words_hide_a_host_from_them(self, file, place):
        def sandbox(*words):
            return as_user(DEV_UID, f"{BIN}/assent", "sandbox", *words,
                           "--", "true", cwd=place)
        with open(f"{place}/c.yaml", "w", encoding="ascii") as f:
            f.write("profiles: {site: {network: [good.example]}}\n")
        os.chown(f"{place}/c.yaml", DEV_UID, DEV_UID)
        site = ("--config", f"{place}/c.yaml", "--profile", "site")
        with open(file, "w", encoding="ascii") as f:
            f.write("approval_policy: {forced: untrusted}\n")
        done = sandbox(*site, "--pin", f"{place}/pin")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(file, "w", encoding="ascii") as f:
            f.write("hosts: {denied: [bad.example, 10.9.0.0/16]}\n")
        # A -- that is the value of an option ends no options,
        done = sandbox("--overlay", "--apply", "--", "--host", "bad.example")
        self.assertIn("may never be reached", done.stderr)
        # an option without a value has none,
        with open(f"{place}/e.yaml", "w", encoding="ascii") as f:
            f.write("elevated: required\n")
        os.chown(f"{place}/e.yaml", DEV_UID, DEV_UID)
        done = sandbox("--tty", "--config", f"{place}/e.yaml")
        self.assertIn("use assent run", done.stderr)
        # and no name leads there, be it a profile's or a pin's.
        done = sandbox(*site, "--print-plan")
        self.assertEqual(done.returncode, 0, done.stderr)
        rules = json.loads(done.stdout)["network_policy"]["rules"]
        self.assertIn(("10.9.0.0/16", "deny"),
                      [(r["host"], r["decision"]) for r in rules])
        done = sandbox(*site, "--pinned", f"{place}/pin")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("pin it again", done.stderr)

    def test_what_cannot_be_set_up_is_said(self):
        for arguments, says in (
                (("--workspace", "/etc"), "folder of the system"),
                (("--workspace", TOP), "root's"),
                (("--workspace", "relative"), "absolute"),
                (("--pool", "0"), "1 to 64"),
                (("--proxy-port", "70000"), "is a port"),
                (("extra",), "no operand")):
            done = setup(*arguments)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertIn(says, done.stderr, arguments)
        self.assertEqual(setup("--remove").returncode, 0)
        # A name that is somebody else's already.
        run("useradd", "-M", "assent-offline")
        done = setup()
        self.assertEqual(done.returncode, EXIT_CONFIG, done.stdout)
        self.assertIn("remove it first", done.stderr)
        self.assertFalse(os.path.exists(MARKER))
        # its number may be that of somebody's processes
        run("userdel", "--force", "assent-offline")
        self.assertEqual(setup("--remove").returncode, 0)
        done = as_user(DEV_UID, f"{BIN}/assent", "setup", "--elevated")
        self.assertEqual(done.returncode, 1)
        self.assertIn("only root", done.stderr)

    def test_where_owners_cannot_be_mapped_rights_by_acl_serve(self):
        """An overlay file system cannot; a run says whose its files are."""
        place = f"{TOP}/merged"
        for name in ("lower", "upper", "work", "merged"):
            os.mkdir(f"{TOP}/{name}")
        os.chown(f"{TOP}/upper", DEV_UID, DEV_UID)
        done = run("mount", "-t", "overlay", "overlay", "-o",
                   f"lowerdir={TOP}/lower,upperdir={TOP}/upper,"
                   f"workdir={TOP}/work", place, check=False)
        if done.returncode != 0:
            self.skipTest("no overlay file system: " + done.stderr.strip())
        os.chown(place, DEV_UID, DEV_UID)
        self.assertEqual(setup().returncode, 0)
        try:
            with Place() as d:
                d.project = place
                first = d.as_dev("touch", "made")
                if os.path.exists(f"{place}/made"):
                    self.skipTest("this kernel maps owners on overlays")
                self.assertIn("map the owners", first.stdout + first.stderr)
                done = setup("--workspace", place)
                self.assertEqual(done.returncode, 0, done.stderr)
                got = d.outcome("sh", "-c", "echo 1 > made; id -u")
                self.assertEqual(got["outcome"]["exit"], 0, got)
                self.assertIn("cannot map owners",
                              " ".join(got["outcome"]["violations"]))
                done = as_user(DEV_UID, "sh", "-c",
                               f"echo 2 >> {place}/made; rm {place}/made")
                self.assertEqual(done.returncode, 0, done.stderr)
        finally:
            self.assertEqual(setup("--remove").returncode, 0)
            run("umount", place)


if __name__ == "__main__":
    TOP = enter()
    unittest.main()
