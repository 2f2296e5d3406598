"""What tests of telemetry share: receivers that misbehave on demand, and what
they have kept.
"""

import base64
import contextlib
import gzip
import http.server
import json
import os
import re
import socket
import tempfile
import threading
import time
import unittest

from lib_daemon import Daemon

WITHIN_S = 20
NEVER_S = 2  # longer than a test lets a collector take
DENIED = "rm -rf /usr"  # the shipped rules deny it


class Receiver:
    """An HTTP server on loopback that keeps what it took."""

    def __init__(self):
        self.taken, self.requests, self.moods = [], 0, []
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.serve(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def serve(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        with self.lock:
            self.requests += 1
            mood = self.moods.pop(0) if self.moods else "ok"
            if mood == "ok":
                self.taken.append((request.path, request.headers, body))
        if mood in ("drop", "never", "half"):
            request.close_connection = True
            if mood == "never":
                time.sleep(NEVER_S)
            if mood == "half":
                request.wfile.write(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{")
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        status, answer, more = {
            "ok": (200, b"{}", {}),
            "garbage": (200, b"\0<html>welcome</html>", {}),
            "400": (400, b"{}", {}),
            "401": (401, b"{}", {}),
            "429": (429, b"{}", {"Retry-After": "1"}),
            "503": (503, b"{}", {}),
        }[mood]
        request.send_response(status)
        request.send_header("Content-Length", str(len(answer)))
        for name, value in more.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(answer)

    def bodies(self, path):
        with self.lock:
            return [json.loads(body) for at, _, body in self.taken
                    if at == path]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Way:
    """What a destination has, as bytes that somebody may keep."""

    def attests(self, rows):
        """Whether it has a checkpoint of so many rows."""
        for word in re.findall(rb"assent-checkpoint:([\w-]+)", self.bytes()):
            note = base64.urlsafe_b64decode(word + b"=" * (-len(word) % 4))
            if int(note.splitlines()[1]) >= rows:
                return True
        return False


class Posted(Way):
    def __init__(self, receiver, path):
        self.receiver, self.path = receiver, path

    def bytes(self):
        with self.receiver.lock:
            return b"\n".join(body for at, _, body in self.receiver.taken
                              if at == self.path)


class Datagrams(Way):
    """Reads all the time, as syslog does: a queue of ten is soon full."""

    def __init__(self, receiver):
        self.receiver, self.taken = receiver, bytearray()
        receiver.settimeout(None)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with contextlib.suppress(OSError):
            while True:
                self.taken += self.receiver.recv(1 << 20) + b"\n"

    def bytes(self):
        return bytes(self.taken)


class TextOf(Way):
    def __init__(self, path):
        self.path = path

    def bytes(self):
        with contextlib.suppress(FileNotFoundError), \
                open(self.path, "rb") as file:
            return file.read()
        return b""


def eventually(check):
    """What check returns once it is true."""
    end = time.monotonic() + WITHIN_S
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def records(receiver):
    return [record for body in receiver.bodies("/v1/logs")
            for resource in body["resourceLogs"]
            for scope in resource["scopeLogs"]
            for record in scope["logRecords"]]


def attribute(record, name):
    for one in record["attributes"]:
        if one["key"] == name:
            value = one["value"]
            return value.get("stringValue", value.get("intValue"))
    return None


def seqs(receiver):
    """Of the rows that it has; a checkpoint is none."""
    return [int(attribute(r, "assent.log.seq")) for r in records(receiver)
            if attribute(r, "assent.log.seq") is not None]


class TelemetryTest(unittest.TestCase):
    """A receiver, a folder, and daemons that send there."""

    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.folder = tempfile.mkdtemp(prefix="assent-telemetry-")
        self.addCleanup(self.remove_folder)

    def remove_folder(self):
        for name in os.listdir(self.folder):
            os.unlink(f"{self.folder}/{name}")
        os.rmdir(self.folder)

    def daemon(self, telemetry, more=""):
        daemon = Daemon(more + "telemetry:\n" + "".join(
            f"  {key}: '{value}'\n" for key, value in telemetry.items()))
        self.addCleanup(daemon.__exit__, None, None, None)
        daemon.start()
        return daemon

    def otlp(self):
        return self.daemon({"otlp": self.receiver.url,
                            "otlp_protocol": "json"})

    def secret(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(text)
        return path

    def all_arrive(self, daemon):
        """Every row of the log, none left out."""
        last = daemon.shell(DENIED, execute=False)[1]["seq"]
        eventually(lambda: last in seqs(self.receiver))
        self.assertEqual(sorted(set(seqs(self.receiver))),
                         list(range(1, max(seqs(self.receiver)) + 1)))
        return last
