"""The log on its way out: OTLP, syslog, a webhook and a file, from a request
over HTTP to the record that a receiver stores.

The receivers misbehave on demand; nothing may be lost, and no decision may
wait for them.
"""

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import time
import unittest

from lib_daemon import Daemon
from lib_telemetry import (DENIED, WITHIN_S, Datagrams, Posted, TelemetryTest,
                           TextOf, attribute, eventually, records, seqs)


class Telemetry(TelemetryTest):
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
        daemon = Daemon()
        self.addCleanup(daemon.__exit__, None, None, None)
        daemon.start()
        for _ in range(10):
            daemon.shell(DENIED, execute=False)
        daemon.stop()
        # Rows that are there already come as one batch.
        with open(daemon.config, "w", encoding="ascii") as file:
            file.write(f"telemetry: {{otlp: '{self.receiver.url}', "
                       "otlp_protocol: json}\n")
        self.receiver.moods = ["400", "400"]
        daemon.start()
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

    def test_a_peer_that_hangs_holds_up_no_other_destination(self):
        """One that accepts and says nothing: a handshake that never ends."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        path = f"{self.folder}/rows.jsonl"
        daemon = self.daemon({
            "syslog": f"tls://127.0.0.1:{server.getsockname()[1]}",
            "file": path})

        def has(action):
            with open(path, encoding="ascii") as file:
                return action in file.read()

        worst = 0
        for _ in range(10):
            action = daemon.shell(DENIED, execute=False)[1]["id"]
            began = time.monotonic()
            eventually(lambda: os.path.exists(path) and has(action))
            worst = max(worst, time.monotonic() - began)
        self.assertLess(worst, 2)
        eventually(lambda: 'assent_export_failures{dest="syslog"} 0' not in
                   daemon.agent("GET", "/metrics")[1].decode())

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

    # ---- retention ----

    def bodies_dropped(self, daemon):
        verified = daemon.assent("log", "verify", "--json", "--state",
                                 daemon.state, check=True).stdout
        return json.loads(verified)["bodies_dropped"]

    def test_old_bodies_are_dropped_while_the_daemon_runs(self):
        path = f"{self.folder}/rows.jsonl"
        daemon = self.daemon({"file": path}, "log: {retention: 1s}\n")
        last = daemon.shell(DENIED, execute=False)[1]["seq"]
        eventually(lambda: self.bodies_dropped(daemon) >= last)
        text = daemon.assent("log", "export", "--state", daemon.state,
                             check=True).stdout
        self.assertNotIn(DENIED, text)
        self.assertIn('"event":"log.pruned"', text)
        with open(path, encoding="ascii") as file:
            self.assertIn(DENIED, file.read())
        metrics = daemon.agent("GET", "/metrics")[1].decode()
        self.assertNotIn("assent_log_bodies_dropped_total 0\n", metrics)

    def test_retention_drops_nothing_that_a_destination_does_not_have(self):
        port = socket.socket()
        port.bind(("127.0.0.1", 0))  # nobody listens
        self.addCleanup(port.close)
        daemon = self.daemon({
            "file": f"{self.folder}/rows.jsonl",
            "otlp": f"http://127.0.0.1:{port.getsockname()[1]}"},
            "log: {retention: 1s}\n")
        last = daemon.shell(DENIED, execute=False)[1]["seq"]
        cursor = f"{daemon.state}/exported/file"

        def written_down():
            with open(cursor, encoding="ascii") as file:
                return int(file.read()) >= last

        eventually(lambda: os.path.exists(cursor) and written_down())
        time.sleep(3)  # as long as the bodies would be kept, and longer
        self.assertEqual(self.bodies_dropped(daemon), 0)
        self.assertIn(DENIED, daemon.assent(
            "log", "export", "--state", daemon.state).stdout)

    # ---- checkpoints ----

    def test_the_last_rows_and_their_signature_are_out_before_the_end(self):
        """Nobody has to wait for the next start to have what a cut hides."""
        path = f"{self.folder}/rows.jsonl"
        daemon = self.daemon({"file": path, "webhook":
                              f"{self.receiver.url}/hook", "webhook_key_file":
                              self.secret("key", "the key\n")})
        for _ in range(20):
            last = daemon.shell(DENIED, execute=False)[1]["seq"]
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait(20)
        self.assertLess(time.monotonic() - began, 5)
        rows = len(daemon.assent(
            "log", "export", "--state", daemon.state).stdout.splitlines())
        self.assertGreaterEqual(rows, last)
        ways = {"file": TextOf(path),
                "webhook": Posted(self.receiver, "/hook")}
        for name, way in ways.items():
            self.assertTrue(way.attests(rows), f"{name}: {rows}")
            self.assertIn(b'"seq":%d,' % rows,
                          way.bytes().replace(b'": ', b'":'))

    def test_a_destination_that_is_dead_does_not_hold_up_the_end(self):
        daemon = self.daemon({"otlp": "http://127.0.0.1:9"})
        daemon.shell(DENIED, execute=False)
        eventually(lambda: 'assent_export_failures{dest="otlp"} 0' not in
                   daemon.agent("GET", "/metrics")[1].decode())
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait(20)
        self.assertLess(time.monotonic() - began, 4)

    # ---- retention ----

    def test_a_destination_that_is_removed_does_not_hold_up_retention(self):
        def dropped():
            text = daemon.agent("GET", "/metrics")[1].decode()
            return int(text.split("\nassent_log_bodies_dropped_total ")[1]
                       .split()[0])

        path = f"{self.folder}/rows.jsonl"
        daemon = self.daemon({"otlp": "http://127.0.0.1:9", "file": path},
                             "log: {retention: 1s}\n")
        for _ in range(5):
            daemon.shell(DENIED, execute=False)
        eventually(lambda: 'assent_export_lag_records{dest="file"} 0' in
                   daemon.agent("GET", "/metrics")[1].decode())
        time.sleep(2)
        self.assertEqual(dropped(), 0)
        with open(daemon.config, "w", encoding="ascii") as f:
            f.write("log: {retention: 1s}\n"
                    f"telemetry: {{file: '{path}'}}\n")
        daemon.process.send_signal(signal.SIGHUP)
        eventually(lambda: dropped() >= 5)
        listed = daemon.assent("log", "cursors", "--state", daemon.state,
                               "--json").stdout
        self.assertEqual({c["name"]: c["of"]
                          for c in json.loads(listed)["cursors"]},
                         {"otlp": "daemon", "file": "daemon"})
        # offline nobody knows what is set: it has to be said
        daemon.stop()
        words = ("log", "prune", "--through", "3", "--state", daemon.state)
        refused = daemon.assent(*words)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("assent log cursors --forget otlp", refused.stderr)
        daemon.assent("log", "cursors", "--forget", "otlp", "--state",
                      daemon.state, check=True)
        self.assertEqual(daemon.assent(*words).returncode, 0)

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
