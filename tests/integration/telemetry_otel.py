"""OTEL_* variables of the daemon's own environment, and the place of a run in
the caller's trace.

What the administrator sets counts for the daemon alone: nothing that is
executed sees it.
"""

import json
import os
import subprocess
import unittest
import unittest.mock

from lib_daemon import BIN
from lib_telemetry import (DENIED, TelemetryTest, attribute, eventually,
                           records)

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
KEY = "s3cret-of-the-collector"


class Otel(TelemetryTest):
    def started_with(self, variables, config=None):
        """A daemon whose starter has these, and nothing else of them."""
        clean = {k: v for k, v in os.environ.items()
                 if not k.startswith("OTEL_")}
        with unittest.mock.patch.dict(os.environ, {**clean, **variables},
                                      clear=True):
            return self.daemon(config or {"file": f"{self.folder}/rows"})

    def usual(self, **more):
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.receiver.url,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", **more}

    def resource(self):
        body = eventually(lambda: self.receiver.bodies("/v1/logs"))[0]
        return body["resourceLogs"][0]["resource"]

    def test_endpoint_headers_and_names_are_heeded(self):
        daemon = self.started_with(self.usual(
            OTEL_EXPORTER_OTLP_HEADERS=f"api-key={KEY},x-two=a%20b",
            OTEL_EXPORTER_OTLP_TIMEOUT="5000",
            OTEL_SERVICE_NAME="agents",
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=prod,"
                                     "service.version=9,team=a%2Cb"))
        daemon.shell(DENIED, execute=False)
        resource = self.resource()
        self.assertEqual(attribute(resource, "service.name"), "agents")
        self.assertEqual(
            attribute(resource, "deployment.environment.name"), "prod")
        self.assertEqual(attribute(resource, "team"), "a,b")
        # one key has one value, and the version is ours to state
        keys = [a["key"] for a in resource["attributes"]]
        self.assertEqual(len(keys), len(set(keys)))
        head = self.receiver.taken[0][1]
        self.assertEqual(head["api-key"], KEY)
        self.assertEqual(head["x-two"], "a b")
        self.assertEqual(head["Content-Encoding"], "gzip")
        self.assertNotIn(KEY, daemon.daemon_log())

    def test_each_signal_may_have_its_own(self):
        daemon = self.started_with(self.usual(
            OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=f"{self.receiver.url}/mine",
            OTEL_EXPORTER_OTLP_LOGS_HEADERS="x-for=logs",
            OTEL_EXPORTER_OTLP_LOGS_COMPRESSION="none",
            OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf",
            OTEL_METRICS_EXPORTER="none"))
        daemon.shell(DENIED, execute=False)

        def paths():
            with self.receiver.lock:
                return {path: head for path, head, _ in self.receiver.taken}

        eventually(lambda: {"/mine", "/v1/traces"} <= set(paths()))
        self.assertEqual(paths()["/mine"]["x-for"], "logs")
        self.assertNotIn("Content-Encoding", paths()["/mine"])
        self.assertNotIn("x-for", paths()["/v1/traces"])
        self.assertEqual(paths()["/v1/traces"]["Content-Type"],
                         "application/x-protobuf")
        self.assertNotIn("/v1/metrics", paths())
        self.assertNotIn("/v1/logs", paths())

    def test_what_the_configuration_says_wins(self):
        daemon = self.started_with(
            {"OTEL_SDK_DISABLED": "true",
             "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
             "OTEL_EXPORTER_OTLP_HEADERS": f"api-key={KEY}"},
            {"otlp": self.receiver.url, "otlp_protocol": "json"})
        daemon.shell(DENIED, execute=False)
        eventually(lambda: records(self.receiver))
        self.assertNotIn("api-key", self.receiver.taken[0][1])

    def test_disabled_is_disabled(self):
        daemon = self.started_with(self.usual(OTEL_SDK_DISABLED="true"))
        daemon.shell(DENIED, execute=False)
        eventually(lambda: os.path.exists(f"{daemon.state}/exported/file"))
        self.assertFalse(os.path.exists(f"{daemon.state}/exported/otlp"))
        self.assertEqual(self.receiver.requests, 0)

    def test_a_collector_that_never_answers_or_stops_half_way_loses_nothing(
            self):
        daemon = self.started_with(self.usual(
            OTEL_EXPORTER_OTLP_TIMEOUT="400"))
        self.receiver.moods = ["never", "half", "429"]
        for _ in range(3):
            daemon.shell(DENIED, execute=False)
        self.all_arrive(daemon)
        self.assertEqual(self.receiver.moods, [])

    def test_what_cannot_be_used_is_said_and_no_value_is_shown(self):
        for variables, word in (
                (self.usual(OTEL_EXPORTER_OTLP_PROTOCOL="grpc"), "PROTOCOL"),
                (self.usual(OTEL_EXPORTER_OTLP_HEADERS=f"a={KEY}%0ab"),
                 "HEADERS"),
                (self.usual(OTEL_EXPORTER_OTLP_TIMEOUT="soon"), "TIMEOUT"),
                ({"OTEL_EXPORTER_OTLP_ENDPOINT":
                  f"http://collector.example/{KEY}"}, "ENDPOINT")):
            with self.subTest(word), self.assertRaises(SystemExit) as refused:
                self.started_with(variables)
            self.assertIn(f"OTEL_EXPORTER_OTLP_{word}",
                          str(refused.exception))
            self.assertNotIn(KEY, str(refused.exception))

    def test_nothing_that_is_executed_sees_any_of_it(self):
        daemon = self.started_with(self.usual(
            OTEL_EXPORTER_OTLP_HEADERS=f"api-key={KEY}"))
        asked = daemon.shell(
            "env; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'",
            wait=0)[1]
        self.assertEqual(daemon.answer(asked["id"], "allow")[0], 200)

        def ended():
            _, found, _ = daemon.agent("GET", f"/v1/actions/{asked['id']}")
            return found if found["state"] == "done" else None

        done = eventually(ended)
        self.assertNotIn("OTEL_", done["outcome"]["stdout"])
        self.assertNotIn(KEY, done["outcome"]["stdout"])
        self.assertIn("PATH=", done["outcome"]["stdout"])
        # a sanitizer is told what to do by the environment: roles have it all
        if os.environ.get("ASSENT_PRESET_SANITIZES") == "1":
            return
        # a child has the daemon's own until it is another program
        eventually(lambda: not any(
            b"OTEL_" in text for text in self.environments(daemon)))

    def environments(self, daemon):
        for pids in daemon.roles().values():
            for pid in pids:
                try:
                    with open(f"/proc/{pid}/environ", "rb") as file:
                        yield file.read()
                except OSError:  # it has ended
                    pass

    def test_the_sandbox_alone_passes_none_whatever_a_profile_lists(self):
        config = f"{self.folder}/config.yaml"
        with open(config, "w", encoding="ascii") as file:
            file.write("profiles: {workspace-write: {env: ['OTEL_*', "
                       "'SHOWN_*']}}\n")
        os.chmod(config, 0o600)
        workspace = f"{self.folder}/w"
        os.mkdir(workspace)
        self.addCleanup(os.rmdir, workspace)
        run = subprocess.run(
            [f"{BIN}/assent", "sandbox", "--config", config, "--workspace",
             workspace, "--", "env"],
            env={**os.environ, "SHOWN_A": "1",
                 "OTEL_EXPORTER_OTLP_HEADERS": f"api-key={KEY}"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=workspace, check=False)
        self.assertIn("SHOWN_A=1", run.stdout, run.stderr)
        self.assertNotIn("OTEL_", run.stdout)

    # ---- the caller's trace ----

    def spans(self):
        return [span for body in self.receiver.bodies("/v1/traces")
                for resource in body["resourceSpans"]
                for scope in resource["scopeSpans"]
                for span in scope["spans"]]

    def test_the_callers_trace_goes_on_in_the_run_and_in_what_is_exported(
            self):
        daemon = self.otlp()
        _, done, _ = daemon.shell("echo $TRACEPARENT", headers={
            "traceparent": f"00-{TRACE}-{PARENT}-01"})
        told = done["outcome"]["stdout"].strip()
        span = eventually(lambda: [
            s for s in self.spans() if s["name"] == "execute_tool"])[0]
        self.assertEqual(told, f"00-{TRACE}-{span['spanId']}-01")
        self.assertEqual(span["traceId"], TRACE)
        self.assertEqual(span["parentSpanId"], PARENT)
        for record in records(self.receiver):
            if attribute(record, "assent.request.id") == done["id"]:
                self.assertEqual(record["traceId"], TRACE,
                                 record["eventName"])

    def test_what_is_approved_does_not_depend_on_the_trace(self):
        daemon = self.started_with({})
        digests = set()
        for parent in (PARENT, "00f067aa0ba902b7"):
            digests.add(daemon.shell("echo hello", headers={
                "traceparent": f"00-{TRACE}-{parent}-01"})[1]
                        ["action_sha256"])
        self.assertEqual(len(digests), 1)

    def test_without_a_trace_a_run_is_told_none(self):
        daemon = self.started_with({})
        for headers in ({}, {"traceparent": "00-zz-1-01"},
                        {"traceparent": f"00-{'0' * 32}-{PARENT}-01"}):
            _, done, _ = daemon.shell("echo \"[$TRACEPARENT]\"",
                                      headers=headers)
            self.assertEqual(done["outcome"]["stdout"], "[]\n", json.dumps(
                headers))


if __name__ == "__main__":
    unittest.main()
