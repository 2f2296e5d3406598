"""
What integration tests share: a daemon in a folder of its own, HTTP over its
sockets, and processes that are surely gone at the end.

    with Daemon() as d:
        status, body, headers = d.agent("POST", "/v1/actions", {...})
"""

import contextlib
import faulthandler
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time

BIN = os.environ["ASSENT_BIN"]
START_S = 30
ASKED_S = 20
OPEN_FILES_MAX = 4096
faulthandler.dump_traceback_later(400)  # where a test hangs


def skip(why):
    """Says why this machine cannot run the test, loudly."""
    print(f"SKIP: {why}")
    if os.environ.get("ASSENT_MUST_SANDBOX") == "1":
        sys.exit(1)
    sys.exit(77)


def connect_as_another(path, person=False):
    """A connection of a child, which stays while it is used: a test plays the
    agent and the person, and nobody answers what he asked himself."""
    mine, its = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            # What others have open ends when they close it.
            os.closerange(3, its.fileno())
            os.closerange(its.fileno() + 1, OPEN_FILES_MAX)
            if person:
                sit_at_a_terminal()
            agent = socket.socket(socket.AF_UNIX)
            agent.connect(path)
            socket.send_fds(its, [b"x"], [agent.fileno()])
            agent.close()
            its.recv(1)
        finally:
            os._exit(0)
    its.close()
    _, fds, _, _ = socket.recv_fds(mine, 1, 1)
    return (socket.socket(fileno=fds[0]) if fds else None), mine, child


def sit_at_a_terminal():
    """In a child: nobody's child, in a session and at a terminal of its own,
    as a person's shell is."""
    parent = os.getpid()
    if os.fork() != 0:
        os._exit(0)
    while os.getppid() == parent:  # until then it is somebody's child
        time.sleep(0.001)
    os.setsid()
    _, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def as_a_person(words):
    """Runs a command as somebody at a terminal of his own would."""
    r, w = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(r)
            sit_at_a_terminal()
            done = subprocess.run(words, stdin=subprocess.DEVNULL, text=True,
                                  capture_output=True, check=False)
            os.write(w, json.dumps([done.returncode, done.stdout,
                                    done.stderr]).encode())
        finally:
            os._exit(0)
    os.close(w)
    os.waitpid(child, 0)
    with open(r, encoding="utf-8") as pipe:
        status, out, err = json.load(pipe)
    return subprocess.CompletedProcess(words, status, out, err)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path
        self.other = None
        self.child = 0

    def close(self):
        super().close()
        if self.other is not None:
            with contextlib.suppress(OSError):
                self.other.send(b"x")
            self.other.close()
            self.other = None
            os.waitpid(self.child, 0)

    def connect(self):
        if self.path.endswith(("/agent.sock", "/approver.sock")):
            self.sock, self.other, self.child = connect_as_another(
                self.path, self.path.endswith("/approver.sock"))
            if self.sock is None:
                self.close()
                raise ConnectionRefusedError(self.path)
        else:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(self.path)
        self.sock.settimeout(self.timeout)


def request(path, method, url, body=None, headers=None, timeout=60):
    """One request; (status, body, headers). OSError when it breaks."""
    connection = UnixConnection(path, timeout)
    head = dict(headers or {})
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        head.setdefault("Content-Type", "application/json")
    try:
        connection.request(method, url, data, head)
        answer = connection.getresponse()
        text = answer.read()
    except http.client.HTTPException as e:
        raise OSError(str(e)) from e
    finally:
        connection.close()
    try:
        parsed = json.loads(text) if text else None
    except ValueError:
        parsed = text
    return answer.status, parsed, answer.headers


class Daemon:
    """assentd with a state, runtime and workspace folder of its own."""

    before = None  # what its process does before it is a daemon

    def __init__(self, config="", arguments=()):
        self.root = tempfile.mkdtemp(prefix="assent-it-")
        self.state = f"{self.root}/state"
        self.runtime = f"{self.root}/run"
        self.workspace = f"{self.root}/project"
        self.log = f"{self.root}/daemon.log"
        self.config = f"{self.root}/assent.yaml"
        os.mkdir(self.workspace)
        with open(self.config, "w", encoding="ascii") as f:
            f.write(config)
        os.chmod(self.config, 0o600)
        self.arguments = list(arguments)
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
        if kind is not None:
            print(self.daemon_log()[-6000:])
        shutil.rmtree(self.root, ignore_errors=True)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [f"{BIN}/assentd", "--foreground", "--state", self.state,
                 "--runtime", self.runtime, "--config", self.config,
                 *self.arguments], preexec_fn=self.before,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_ready()

    def wait_ready(self):
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                if self.agent("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise SystemExit("assentd did not become ready:\n" +
                         self.daemon_log()[-6000:])

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def daemon_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def agent(self, method, url, body=None, headers=None, timeout=60):
        return request(f"{self.runtime}/agent.sock", method, url, body,
                       headers, timeout)

    def approver(self, method, url, body=None, headers=None, timeout=60):
        return request(f"{self.runtime}/approver.sock", method, url, body,
                       headers, timeout)

    def shell(self, script, execute=True, wait=30, headers=None, **more):
        """Proposes a shell script; (status, body, headers)."""
        action = {"tool": "shell", "input": {"script": script},
                  "cwd": self.workspace, "workspace": self.workspace,
                  "execute": execute, **more}
        head = {"Prefer": f"wait={wait}", **(headers or {})}
        return self.agent("POST", "/v1/actions", action, head, wait + 30)

    def answer(self, action_id, decision, **more):
        """A person's answer to a pending action."""
        _, action, headers = self.approver("GET", f"/v1/actions/{action_id}")
        return self.approver(
            "PUT", f"/v1/actions/{action_id}/decision",
            {"decision": decision, "action_sha256": action["action_sha256"],
             **more}, {"If-Match": headers["ETag"]})

    def pending(self):
        """The id of the question that is open, once there is one."""
        end = time.monotonic() + ASKED_S
        while time.monotonic() < end:
            _, body, _ = self.approver("GET", "/v1/actions?state=pending")
            if body["items"]:
                return body["items"][0]["id"]
            time.sleep(0.02)
        raise AssertionError("nothing is pending")

    def answer_soon(self, decision, seen=None):
        """A person's answer to the next question: a thread to be joined. What
        he is shown is put into seen."""
        def work():
            action = self.pending()
            if seen is not None:
                seen.append(self.approver(
                    "GET", f"/v1/actions/{action}/explain")[1]["action"])
            status, why, _ = self.answer(action, decision)
            assert status == 200, why
        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def roles(self):
        """Process ids by role, from the kernel: children of the daemon."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii",
                          errors="replace") as f:
                    parent = int(f.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{entry}/cmdline", "rb") as f:
                    words = f.read().split(b"\0")
            except (OSError, ValueError, IndexError):
                continue
            if parent != self.process.pid:
                continue
            name = "launcher"
            for word in words:
                if word.startswith(b"--role="):
                    name = word[7:].decode()
            found.setdefault(name, []).append(int(entry))
        return found

    def assent(self, *arguments, check=False):
        """The command line, offline or against this daemon."""
        return subprocess.run([f"{BIN}/assent", *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=check, text=True)
