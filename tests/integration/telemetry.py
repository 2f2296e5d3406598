"""The log on its way out: OTLP, syslog, a webhook and a file, from a request
over HTTP to the record that a receiver stores.

The receivers misbehave on demand; nothing may be lost, and no decision may
wait for them.
"""

import base64
import contextlib
import gzip
import hashlib
import hmac
import http.server
import json
import os
import re
import shutil
import signal
import socket
import tempfile
import threading
import time
import unittest

from lib_daemon import Daemon

WITHIN_S = 20
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
        if mood == "drop":
            request.close_connection = True
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
    def __init__(self, receiver):
        self.receiver, self.taken = receiver, b""
        receiver.setblocking(False)

    def bytes(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.taken += self.receiver.recv(1 << 20) + b"\n"
        return self.taken


class TextOf(Way):
    def __init__(self, path):
        self.path = path

    def bytes(self):
        with open(self.path, "rb") as file:
            return file.read()


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


class Telemetry(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.folder = tempfile.mkdtemp(prefix="assent-telemetry-")
        self.addCleanup(self.remove_folder)

    def remove_folder(self):
        for name in os.listdir(self.folder):
            os.unlink(f"{self.folder}/{name}")
        os.rmdir(self.folder)

    def daemon(self, telemetry):
        daemon = Daemon("telemetry:\n" + "".join(
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

    # ---- OTLP ----

    def test_a_denial_over_http_becomes_a_stored_otlp_record_and_span(self):
        daemon = self.otlp()
        trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
        decision = daemon.shell(DENIED, execute=False, headers={
            "traceparent": f"00-{trace}-{parent}-01"})[1]
        record = eventually(lambda: [
            r for r in records(self.receiver)
            if attribute(r, "assent.request.id") == decision["id"]])[0]
        self.assertEqual(record["eventName"], "assent.decision.recorded")
        self.assertEqual(attribute(record, "assent.decision"), "deny")
        self.assertEqual(attribute(record, "security_rule.name"),
                         decision["rules"][0]["id"])
        self.assertEqual(attribute(record, "assent.log.hash"),
                         decision["log_hash"])
        self.assertEqual(record["traceId"], trace)
        span = eventually(lambda: [
            s for body in self.receiver.bodies("/v1/traces")
            for s in body["resourceSpans"][0]["scopeSpans"][0]["spans"]
            if s["traceId"] == trace])[0]
        self.assertEqual(span["parentSpanId"], parent)

    def test_decisions_are_counted(self):
        daemon = self.otlp()
        daemon.shell(DENIED, execute=False)
        metric = eventually(lambda: self.receiver.bodies("/v1/metrics"))[0]
        names = [m["name"] for m in metric["resourceMetrics"][0]
                 ["scopeMetrics"][0]["metrics"]]
        self.assertIn("assent.decisions", names)

    def test_nothing_is_lost_whatever_the_collector_answers(self):
        daemon = self.otlp()
        self.receiver.moods = ["503", "drop", "garbage", "401"]
        for _ in range(5):
            daemon.shell(DENIED, execute=False)
        self.all_arrive(daemon)
        self.assertEqual(self.receiver.moods, [])

    def test_a_batch_that_is_refused_is_halved_not_dropped(self):
        daemon = self.otlp()
        for _ in range(10):
            daemon.shell(DENIED, execute=False)
        self.receiver.moods = ["400", "400"]
        self.all_arrive(daemon)

    def test_a_dead_collector_holds_up_no_decision(self):
        port = socket.socket()
        port.bind(("127.0.0.1", 0))  # nobody listens
        self.addCleanup(port.close)
        daemon = self.daemon({
            "otlp": f"http://127.0.0.1:{port.getsockname()[1]}"})
        for _ in range(20):
            self.assertEqual(
                daemon.shell(DENIED, execute=False)[1]["decision"], "deny")

        def lag():
            text = daemon.agent("GET", "/metrics")[1].decode()
            for line in text.splitlines():
                if line.startswith('assent_export_lag_records{dest="otlp"}'):
                    return int(line.split()[1])
            return 0

        eventually(lambda: lag() >= 20)

    def test_it_goes_on_where_it_was_after_a_restart(self):
        daemon = self.otlp()
        self.all_arrive(daemon)
        daemon.stop()
        daemon.start()
        self.all_arrive(daemon)
        self.assertEqual(len(seqs(self.receiver)),
                         len(set(seqs(self.receiver))))

    def test_a_reporter_that_is_killed_loses_nothing(self):
        daemon = self.otlp()
        for _ in range(2):
            daemon.shell(DENIED, execute=False)
            os.kill(daemon.roles()["reporter"][0], signal.SIGKILL)
            eventually(lambda: daemon.roles().get("reporter"))
        self.all_arrive(daemon)

    def test_headers_come_from_a_private_file(self):
        path = self.secret("headers", "Authorization: Bearer s3cret\n")
        daemon = self.daemon({"otlp": self.receiver.url,
                              "otlp_protocol": "json",
                              "otlp_headers_file": path})
        self.all_arrive(daemon)
        self.assertEqual(self.receiver.taken[0][1]["Authorization"],
                         "Bearer s3cret")
        self.assertNotIn("s3cret", daemon.daemon_log())

    # ---- other ways ----

    def test_syslog_lines_reach_the_local_socket(self):
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.bind(f"{self.folder}/log")
        receiver.settimeout(WITHIN_S)
        daemon = self.daemon({"syslog": f"unix:{self.folder}/log"})
        decision = daemon.shell(DENIED, execute=False)[1]
        while True:
            line = receiver.recv(65536).decode()
            if decision["id"] in line:
                break
        self.assertTrue(line.startswith("<84>1 "), line)
        self.assertIn('decision="deny"', line)
        self.assertIn(f"deny: {DENIED}", line)

    def test_syslog_over_tcp_is_counted_and_survives_a_hang_up(self):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        server.settimeout(WITHIN_S)
        daemon = self.daemon({
            "syslog": f"tcp://127.0.0.1:{server.getsockname()[1]}"})
        first, _ = server.accept()
        first.close()
        decision = daemon.shell(DENIED, execute=False)[1]
        second, _ = server.accept()
        second.settimeout(WITHIN_S)
        self.addCleanup(second.close)
        text = b""
        while decision["id"].encode() not in text:
            text += second.recv(65536)
        while text:  # every message has its length before it
            length, _, rest = text.partition(b" ")
            self.assertTrue(rest.startswith(b"<"), text[:80])
            text = rest[int(length):]

    def test_a_webhook_is_signed(self):
        daemon = self.daemon({
            "webhook": f"{self.receiver.url}/hook",
            "webhook_key_file": self.secret("key", "the key\n")})
        decision = daemon.shell(DENIED, execute=False)[1]

        def post():
            with self.receiver.lock:
                return [(head, body) for _, head, body in self.receiver.taken
                        if decision["id"].encode() in body]

        head, body = eventually(post)[0]
        signed = f"{head['webhook-id']}.{head['webhook-timestamp']}."
        mac = hmac.new(b"the key", signed.encode() + body, hashlib.sha256)
        self.assertEqual(head["webhook-signature"],
                         "v1," + base64.b64encode(mac.digest()).decode())

    def test_a_file_holds_every_row_as_the_log_exports_it(self):
        path = f"{self.folder}/rows.jsonl"
        daemon = self.daemon({"file": path})
        last = daemon.shell(DENIED, execute=False)[1]["seq"]

        def rows():
            with open(path, encoding="ascii") as file:
                return [json.loads(line) for line in file]

        eventually(lambda: os.path.exists(path) and
                   [r for r in rows() if r["seq"] == last])
        self.assertEqual([r["seq"] for r in rows()],
                         list(range(1, rows()[-1]["seq"] + 1)))
        exported = daemon.assent("log", "export", "--state", daemon.state,
                                 check=True).stdout.splitlines()
        self.assertEqual(rows()[:last],
                         [json.loads(line) for line in exported][:last])

    def test_retention_drops_nothing_that_a_destination_does_not_have(self):
        daemon = self.daemon({"file": f"{self.folder}/rows.jsonl"})
        last = daemon.shell(DENIED, execute=False)[1]["seq"]
        cursor = f"{daemon.state}/exported/file"

        def written_down():
            with open(cursor, encoding="ascii") as file:
                return int(file.read()) >= last

        eventually(lambda: os.path.exists(cursor) and written_down())

    # ---- checkpoints ----

    def everywhere(self):
        """A daemon with every way out; where each of them ends up."""
        sockets = {}
        for name in ("syslog", "journal"):
            receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.addCleanup(receiver.close)
            receiver.bind(f"{self.folder}/{name}")
            sockets[name] = receiver
        daemon = self.daemon({
            "otlp": self.receiver.url, "otlp_protocol": "json",
            "syslog": f"unix:{self.folder}/syslog",
            "journal": f"{self.folder}/journal",
            "file": f"{self.folder}/rows.jsonl",
            "webhook": f"{self.receiver.url}/hook",
            "webhook_key_file": self.secret("key", "the key\n")})
        return daemon, {
            "otlp": Posted(self.receiver, "/v1/logs"),
            "webhook": Posted(self.receiver, "/hook"),
            "syslog": Datagrams(sockets["syslog"]),
            "journal": Datagrams(sockets["journal"]),
            "file": TextOf(f"{self.folder}/rows.jsonl"),
            "daemon's own log": TextOf(daemon.log)}

    def test_a_rollback_is_found_by_what_any_destination_has(self):
        daemon, ways = self.everywhere()
        daemon.shell(DENIED, execute=False)
        daemon.stop()  # signs what there is
        yesterday = f"{daemon.root}/yesterday"
        shutil.copytree(daemon.state, yesterday)
        daemon.start()
        daemon.shell(DENIED, execute=False)
        daemon.stop()
        daemon.start()
        rows = json.loads(daemon.assent(
            "log", "verify", "--json", "--state", daemon.state,
            check=True).stdout)["signed_rows"]
        for name, way in ways.items():
            with self.subTest(name):
                eventually(lambda way=way: way.attests(rows))
                path = f"{self.folder}/kept"
                with open(path, "wb") as file:
                    file.write(way.bytes())
                good = daemon.assent("log", "verify", "--state", daemon.state,
                                     "--checkpoint", path)
                self.assertEqual(good.returncode, 0, good.stderr)
                found = daemon.assent("log", "verify", "--state", yesterday,
                                      "--checkpoint", path)
                self.assertEqual(found.returncode, 1, found.stdout)
                self.assertIn("older copy", found.stderr)

    # ---- settings ----

    def test_a_webhook_without_a_key_is_refused_at_once(self):
        with self.assertRaises(SystemExit) as refused:
            self.daemon({"webhook": f"{self.receiver.url}/hook"})
        self.assertIn("webhook_key_file", str(refused.exception))

    def test_a_collector_elsewhere_needs_tls(self):
        with self.assertRaises(SystemExit) as refused:
            self.daemon({"otlp": "http://collector.example:4318"})
        self.assertIn("telemetry.otlp", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
