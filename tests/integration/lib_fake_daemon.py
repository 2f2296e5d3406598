"""A daemon that says whatever a test wants, to see what assent believes.

    with FakeDaemon() as fake:
        fake.answer("POST /v1/actions", json_reply(200, {...}))
        ran = fake.assent("run", "--", "true")

Answers are raw bytes; several for one request line are given in turn, the last
one again and again; a list is sent piece by piece. Every request is kept in fake.requests.
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading

BIN = os.environ["ASSENT_BIN"]


def raw_reply(status, kind, body, extra=""):
    head = (f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n"
            f"{extra}\r\n")
    return head.encode() + body


def chunked_reply(kind, body, size, end=b"0\r\n\r\n"):
    """The body in chunks of that size."""
    chunks = b"".join(
        f"{len(body[at:at + size]):x}\r\n".encode() + body[at:at + size]
        + b"\r\n" for at in range(0, len(body), size))
    return (f"HTTP/1.1 200 X\r\nContent-Type: {kind}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n").encode() + chunks + end


def json_reply(status, value, extra=""):
    return raw_reply(status, "application/json",
                     json.dumps(value).encode(), extra)


def decision(**changes):
    """A decision object that is fine unless changed."""
    value = {"id": "act_01TEST", "state": "done", "decision": "allow",
             "decided_by": "rule", "risk": "low", "reason": "a test",
             "rules": [], "action_sha256": "ab" * 32,
             "outcome": {"exit": 0, "signal": None, "timed_out": False}}
    value.update(changes)
    return value


class Request:
    def __init__(self, door, text):
        head, _, self.body = text.partition("\r\n\r\n")
        rows = head.split("\r\n")
        self.door = door
        self.line = rows[0].rsplit(" ", 1)[0]
        self.headers = {}
        for row in rows[1:]:
            name, _, value = row.partition(":")
            self.headers[name.lower()] = value.strip()


class FakeDaemon:
    def __init__(self):
        self.runtime = tempfile.mkdtemp(prefix="assent-fake-")
        os.chmod(self.runtime, 0o700)
        self.answers = {}
        self.requests = []
        self.sockets = []
        for door in ("agent", "approver"):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(f"{self.runtime}/{door}.sock")
            listener.listen(8)
            self.sockets.append(listener)
            threading.Thread(target=self._accept, args=(door, listener),
                             daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for listener in self.sockets:
            listener.close()
        shutil.rmtree(self.runtime)

    def answer(self, line, *replies):
        self.answers[line] = list(replies)

    def assent(self, command, *arguments, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            [f"{BIN}/assent", command, "--runtime", self.runtime, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
            check=False, start_new_session=True, **options)

    def asked(self, line):
        return [one for one in self.requests if one.line == line]

    def _accept(self, door, listener):
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(door, peer),
                             daemon=True).start()

    def _serve(self, door, peer):
        """One request, one answer."""
        with peer:
            request = self._read(door, peer)
            if request is None:
                return
            self.requests.append(request)
            replies = self.answers.get(request.line) or [
                json_reply(404, {"detail": "no such thing"})]
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
            try:
                for piece in reply if isinstance(reply, list) else [reply]:
                    peer.sendall(piece)
            except OSError:
                pass  # the other side had enough

    @staticmethod
    def _read(door, peer):
        data = b""
        while b"\r\n\r\n" not in data:
            more = peer.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for row in head.split(b"\r\n"):
            if row.lower().startswith(b"content-length:"):
                length = int(row.split(b":")[1])
        while len(body) < length:
            body += peer.recv(65536)
        return Request(door, (head + b"\r\n\r\n" + body).decode())
