"""Ordinary clients in a run with named hosts, unchanged: they find the proxy by
the environment, or the host by its name."""

import functools
import hashlib
import http.server
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import threading
import time
import unittest
import zipfile

from lib_proxy import OTHER, WEB, WEB6
from lib_proxy import World as Internet
from lib_sandbox import BIN, World, modes, require_sandbox

NAMES = {"web.test": [WEB], "git.test": [WEB], "pypi.test": [WEB],
         "registry.test": [WEB], "other.test": [OTHER],
         "six.test": [WEB6]}
SSHD = "/usr/sbin/sshd"


def wheel():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("tiny/__init__.py", "VALUE = 42\n")
        z.writestr("tiny-1.0.dist-info/METADATA",
                   "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        z.writestr("tiny-1.0.dist-info/WHEEL",
                   "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n"
                   "Tag: py3-none-any\n")
        z.writestr("tiny-1.0.dist-info/RECORD", "")
    return out.getvalue()


def package():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        for name, text in (("package.json",
                            '{"name": "tiny", "version": "1.0.0"}'),
                           ("index.js", "module.exports = 42\n")):
            info = tarfile.TarInfo("package/" + name)
            info.size = len(text)
            t.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def crate():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        for name, text in (("Cargo.toml", '[package]\nname = "tiny"\n'
                                          'version = "1.0.0"\n'),
                           ("src/lib.rs", "pub const VALUE: u32 = 42;\n")):
            info = tarfile.TarInfo("tiny-1.0.0/" + name)
            info.size = len(text)
            t.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def module():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        top = "example.test/tiny@v1.0.0/"
        z.writestr(top + "go.mod", "module example.test/tiny\n")
        z.writestr(top + "tiny.go", "package tiny\n\nconst Value = 42\n")
    return out.getvalue()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Server6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


class ClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = Internet(NAMES)
        cls.site = cls.net.top + "/site"
        cls.started = []
        os.chmod(cls.net.top, 0o755)
        os.makedirs(cls.site + "/simple/tiny")
        cls.fill()
        handler = functools.partial(Quiet, directory=cls.site)
        with cls.net.internet:
            cls.server = http.server.ThreadingHTTPServer((WEB, 80), handler)
            cls.server6 = Server6((WEB6, 80), handler)
        for server in (cls.server, cls.server6):
            threading.Thread(target=server.serve_forever, daemon=True).start()

    @classmethod
    def fill(cls):
        def put(name, data):
            with open(f"{cls.site}/{name}", "wb") as to:
                to.write(data)
        put("hello", b"hello\n")
        put("tiny-1.0-py3-none-any.whl", wheel())
        put("simple/tiny/index.html",
            b'<a href="/tiny-1.0-py3-none-any.whl">'
            b"tiny-1.0-py3-none-any.whl</a>")
        data = package()
        put("tiny-1.0.0.tgz", data)
        put("tiny", json.dumps({
            "name": "tiny", "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": {
                "name": "tiny", "version": "1.0.0", "dist": {
                    "tarball": "http://registry.test/tiny-1.0.0.tgz",
                    "shasum": hashlib.sha1(data).hexdigest()}}}}).encode())
        cls.fill_go(put)
        data = crate()
        put("tiny-1.0.0.crate", data)
        line = json.dumps({"name": "tiny", "vers": "1.0.0", "deps": [],
                           "cksum": hashlib.sha256(data).hexdigest(),
                           "features": {}, "yanked": False})
        subprocess.run(["bash", "-ec", f"""
        export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t.example
        export GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t.example
        cd {cls.site}; git init -q src; cd src; echo text > file
        git add file; git commit -qm first; cd ..
        git clone -q --bare src repo.git; cd repo.git
        touch git-daemon-export-ok; git update-server-info; cd ..
        git init -q crates; cd crates; mkdir -p ti/ny
        echo '{line}' > ti/ny/tiny
        echo '{{"dl": "http://registry.test/{{crate}}-{{version}}.crate"}}' \
            > config.json
        git add .; git commit -qm index; cd ..
        git clone -q --bare crates crates.git; cd crates.git
        git update-server-info"""], check=True)

    @classmethod
    def fill_go(cls, put):
        os.makedirs(cls.site + "/go/example.test/tiny/@v")
        for name, data in (
                ("list", b"v1.0.0\n"),
                ("v1.0.0.info", b'{"Version": "v1.0.0"}'),
                ("v1.0.0.mod", b"module example.test/tiny\n"),
                ("v1.0.0.zip", module())):
            put("go/example.test/tiny/@v/" + name, data)

    @classmethod
    def tearDownClass(cls):
        for server in (cls.server, cls.server6):
            server.shutdown()
            server.server_close()
        for process in cls.started:
            process.terminate()
            process.wait()
        cls.net.__exit__()

    def serve(self, command, port):
        """A program of the internet's, when it listens."""
        fd = self.net.internet
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: __import__("lib_proxy").setns(fd.fd))
        self.started.append(process)
        end = time.monotonic() + 10
        while time.monotonic() < end and process.poll() is None:
            with fd:
                out = subprocess.run(["ss", "-Hltn", f"sport = :{port}"],
                                     stdout=subprocess.PIPE, check=True).stdout
            if out:
                return
            time.sleep(0.05)
        self.fail(f"{command[0]} does not listen")

    def run_in(self, uid, script, *hosts, setup=None):
        with World(uid) as w:
            shutil.copy(BIN + "/assent-proxy", w.top)
            if setup is not None:
                setup(w)
            flags = [f for h in hosts for f in ("--host", h)]
            return w.run(script, "--profile", "workspace-write-online",
                         "--home", w.home, *flags)

    def test_curl_finds_it_by_its_variables_and_by_the_name_alone(self):
        for uid in modes():
            for script in ("curl -sS http://web.test/hello",
                           "curl -sS --noproxy '*' http://web.test/hello",
                           "curl -sS --proxy socks5h://127.0.0.1:1080 "
                           "http://web.test/hello"):
                status, out = self.run_in(uid, script, "web.test:80")
                self.assertEqual((status, out), (0, "hello\n"), script)

    def test_what_asks_for_ipv6_alone_gets_there_by_the_name(self):
        look = ("import socket; a = socket.getaddrinfo('web.test', 80, "
                "socket.AF_INET6, socket.SOCK_STREAM)[0]; "
                "s = socket.socket(a[0]); s.connect(a[4]); "
                "s.sendall(b'GET /hello HTTP/1.0\\r\\nHost: web.test\\r\\n"
                "\\r\\n'); print(s.makefile().read().split()[-1])")
        for script in ("curl -6 -sS --noproxy '*' http://web.test/hello",
                       f'python3 -c "{look}"'):
            status, out = self.run_in(modes()[-1], script, "web.test:80")
            self.assertEqual((status, out), (0, "hello\n"), script)
        # Outside there is IPv6 alone: inside, either way leads there.
        for script in ("curl -sS http://six.test/hello",
                       "curl -4 -sS --noproxy '*' http://six.test/hello",
                       "curl -6 -sS --noproxy '*' http://six.test/hello"):
            status, out = self.run_in(modes()[-1], script, "six.test:80")
            self.assertEqual((status, out), (0, "hello\n"), script)
        status, out = self.run_in(
            modes()[-1], "curl -6 -sS --noproxy '*' http://other.test/",
            "web.test:80")
        self.assertNotEqual(status, 0, out)

    def test_one_blocked_host_fails_that_request_and_not_the_command(self):
        status, out = self.run_in(
            modes()[-1], "curl -sSf http://other.test/; "
            "curl -sS http://web.test/hello; exit 7", "web.test:80")
        self.assertEqual(status, 7, out)
        self.assertIn("hello\n", out)
        self.assertIn("to let it through: --host other.test:80", out)

    def test_git_clones_by_http(self):
        for uid in modes():
            status, out = self.run_in(
                uid, "git clone -q http://git.test/repo.git c && cat c/file",
                "git.test:80")
            self.assertEqual((status, out), (0, "text\n"))

    def test_git_clones_by_its_own_protocol_without_a_proxy(self):
        self.serve(["git", "daemon", f"--base-path={self.site}", "--reuseaddr",
                    f"--listen={WEB}"], 9418)
        for uid in modes():
            status, out = self.run_in(
                uid, "git clone -q git://git.test/repo.git c && cat c/file",
                "git.test:9418")
            self.assertEqual((status, out), (0, "text\n"))

    @unittest.skipUnless(os.path.exists(SSHD) and os.geteuid() == 0,
                         "no openssh-server, or not root")
    def test_git_clones_and_pushes_over_ssh_to_a_known_host(self):
        keys = self.net.top
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                            "-f", f"{keys}/{name}"], check=True)
        shutil.copy(f"{keys}/user.pub", f"{keys}/authorized")
        os.makedirs("/run/sshd", exist_ok=True)
        with open(f"{keys}/sshd.conf", "w", encoding="ascii") as to:
            to.write(f"ListenAddress {WEB}:22\nHostKey {keys}/host\n"
                     f"AuthorizedKeysFile {keys}/authorized\nUsePAM no\n"
                     f"StrictModes no\nPidFile {keys}/pid\n"
                     "PermitRootLogin yes\n")
        self.serve([SSHD, "-D", "-f", f"{keys}/sshd.conf"], 22)

        def setup(w):
            with open(f"{keys}/host.pub", encoding="ascii") as f:
                w.put(w.home + "/.ssh/known_hosts", "git.test " + f.read())
            with open(f"{keys}/user", encoding="ascii") as f:
                w.put(w.ws + "/deploy", f.read(), 0o600)
        status, out = self.run_in(
            0, "export GIT_SSH_COMMAND='ssh -i deploy -o BatchMode=yes'; "
            "install -m 600 deploy /tmp/key; "
            "export GIT_SSH_COMMAND='ssh -i /tmp/key -o BatchMode=yes'; "
            f"git clone -q ssh://root@git.test{self.site}/repo.git c && "
            "cd c && echo more >> file && git commit -qam second && "
            "git push -q origin HEAD:refs/heads/new && echo pushed; "
            "ls ~/.ssh", "git.test:22", setup=setup)
        self.assertEqual(status, 0, out)
        self.assertIn("pushed\nknown_hosts\n", out)

    def test_pip_installs_from_a_registry(self):
        if not os.path.exists("/usr/bin/python3") or subprocess.run(
                ["/usr/bin/python3", "-m", "pip", "--version"], check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no pip")
        status, out = self.run_in(
            modes()[-1], "/usr/bin/python3 -m pip install -q --target lib "
            "--no-cache-dir --disable-pip-version-check "
            "--index-url http://pypi.test/simple --trusted-host pypi.test "
            "tiny && PYTHONPATH=lib /usr/bin/python3 -c "
            "'import tiny; print(tiny.VALUE)'", "pypi.test:80")
        self.assertEqual(status, 0, out)
        self.assertIn("42\n", out)

    @unittest.skipUnless(shutil.which("cargo", path="/usr/bin"), "no cargo")
    def test_cargo_builds_with_a_crate_of_a_registry(self):
        status, out = self.run_in(
            modes()[-1], """set -e
            mkdir -p app/src; cd app
            export CARGO_HOME=/tmp/cargo CARGO_NET_GIT_FETCH_WITH_CLI=true
            export CARGO_TERM_QUIET=true
            cat > Cargo.toml <<'END'
[package]
name = "app"
version = "0.1.0"
[dependencies]
tiny = "1"
END
            echo 'fn main() { println!("{}", tiny::VALUE); }' > src/main.rs
            mkdir /tmp/cargo
            cat > /tmp/cargo/config.toml <<'END'
[source.crates-io]
replace-with = "own"
[source.own]
registry = "http://git.test/crates.git"
END
            /usr/bin/cargo run""", "registry.test:80", "git.test:80")
        self.assertEqual((status, out.split()[-1:]), (0, ["42"]), out)

    @unittest.skipUnless(shutil.which("go", path="/usr/bin"), "no go")
    def test_go_runs_with_a_module_of_a_proxy(self):
        status, out = self.run_in(
            modes()[-1], """set -e
            mkdir app; cd app
            export GOPATH=$PWD/path GOCACHE=$PWD/cache GOFLAGS=-mod=mod
            export GOPROXY=http://registry.test/go GOSUMDB=off
            cat > go.mod <<'END'
module app
require example.test/tiny v1.0.0
END
            cat > main.go <<'END'
package main
import "example.test/tiny"
func main() { println(tiny.Value) }
END
            /usr/bin/go run .""", "registry.test:80")
        self.assertEqual((status, out.split()[-1:]), (0, ["42"]), out)

    @unittest.skipUnless(shutil.which("npm", path="/usr/bin"), "no npm")
    def test_npm_installs_from_a_registry(self):
        status, out = self.run_in(
            modes()[-1], "npm install --silent --no-audit --no-fund "
            "--registry http://registry.test/ tiny && "
            "node -e 'console.log(require(\"tiny\"))'", "registry.test:80")
        self.assertEqual(status, 0, out)
        self.assertIn("42\n", out)


if __name__ == "__main__":
    require_sandbox()
    unittest.main()
