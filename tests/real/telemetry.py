"""Telemetry against real receivers: rsyslog (over UDP, TCP, a unix socket and
mutual TLS), a collector on OpenTelemetry's own message classes, promtool.

Each runs in a folder of its own, on loopback. What is not there is skipped, and
the reason said; the npm package is kept in ASSENT_REAL (~/.cache/assent-real).
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import unittest

from lib_telemetry import DENIED, TelemetryTest, eventually

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ["ASSENT_SOURCE"]
CACHE = os.environ.get("ASSENT_REAL",
                       os.path.expanduser("~/.cache/assent-real"))
HOSTILE = ("printf 'a\n<0>1 - evil - - - [x@1 y=\"z\"] b\r\n\\x1b[2J' "
           "'\u202e\"]\\\\' && rm -rf /usr")

RSYSLOG = """
global(workDirectory="@DIR@" maxMessageSize="64k"
    defaultNetstreamDriverCAFile="@DIR@/ca.pem"
    defaultNetstreamDriverCertFile="@DIR@/server.pem"
    defaultNetstreamDriverKeyFile="@DIR@/server.key")
module(load="imudp")
module(load="imptcp")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1"
    streamDriver.authMode="x509/name" permittedPeer=["assent-client"])
module(load="imuxsock" sysSock.use="off")
template(name="parsed" type="list") {
    constant(value="{") property(name="pri" format="jsonf" outname="pri")
    constant(value=",")
    property(name="app-name" format="jsonf" outname="app")
    constant(value=",") property(name="msgid" format="jsonf")
    constant(value=",")
    property(name="structured-data" format="jsonf" outname="sd")
    constant(value=",") property(name="msg" format="jsonf" outname="msg")
    constant(value=",") property(name="inputname" format="jsonf" outname="by")
    constant(value="}\\n") }
ruleset(name="keep") {
    action(type="omfile" file="@DIR@/out" template="parsed") }
input(type="imudp" address="127.0.0.1" port="@UDP@" ruleset="keep")
input(type="imptcp" address="127.0.0.1" port="@TCP@" ruleset="keep"
    supportOctetCountedFraming="on" name="tcp")
input(type="imtcp" address="127.0.0.1" port="@TLS@" ruleset="keep" name="tls")
input(type="imuxsock" socket="@DIR@/log" ruleset="keep" parseHostname="on"
    useSpecialParser="off" rateLimit.interval="0")
"""


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def need(program):
    """Where it is; daemons are not always on the path."""
    found = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
    if found is None:
        raise unittest.SkipTest(f"{program} is not installed: "
                                "./dev test real installs it")
    return found


class Real(TelemetryTest):
    def remove_folder(self):
        shutil.rmtree(self.folder)

    def run_quietly(self, *words):
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, cwd=self.folder)

    def start(self, *words, **more):
        """A server of this test alone, gone at its end."""
        process = subprocess.Popen(words, cwd=self.folder, **more)

        def end():
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self.addCleanup(end)
        return process

    # ---- rsyslog ----

    def certificates(self):
        self.run_quietly(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
            "-days", "2", "-subj", "/CN=test-ca", "-keyout", "ca.key",
            "-out", "ca.pem")
        for name, alternative in (("server", "IP:127.0.0.1"),
                                  ("assent-client", "DNS:assent-client")):
            self.run_quietly(
                "openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj",
                f"/CN={name}", "-keyout", f"{name}.key", "-out", "csr")
            with open(f"{self.folder}/ext", "w", encoding="ascii") as file:
                file.write(f"subjectAltName={alternative}\n")
            self.run_quietly(
                "openssl", "x509", "-req", "-in", "csr", "-CA", "ca.pem",
                "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "ext", "-out", f"{name}.pem")
            os.chmod(f"{self.folder}/{name}.key", 0o600)

    def rsyslog(self):
        """The port of each way in."""
        program = need("rsyslogd")
        if not os.path.exists(
                "/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so"):
            raise unittest.SkipTest("rsyslog-gnutls is not installed")
        self.certificates()
        ports = {"UDP": free_port(socket.SOCK_DGRAM),
                 "TCP": free_port(socket.SOCK_STREAM),
                 "TLS": free_port(socket.SOCK_STREAM)}
        text = RSYSLOG.replace("@DIR@", self.folder)
        for name, port in ports.items():
            text = text.replace(f"@{name}@", str(port))
        with open(f"{self.folder}/rsyslog.conf", "w",
                  encoding="ascii") as file:
            file.write(text)
        self.start(program, "-n", "-f", f"{self.folder}/rsyslog.conf", "-i",
                   f"{self.folder}/rsyslogd.pid")
        eventually(lambda: os.path.exists(f"{self.folder}/log"))
        return ports

    def kept(self, way):
        return [line for line in lines(f"{self.folder}/out")
                if line["by"] == way]

    def test_rsyslog_takes_every_row_whole_over_each_way(self):
        ports = self.rsyslog()
        tls = {"ca_file": f"{self.folder}/ca.pem",
               "cert_file": f"{self.folder}/assent-client.pem",
               "key_file": f"{self.folder}/assent-client.key"}
        for way, address, more in (
                ("tls", f"tls://127.0.0.1:{ports['TLS']}", tls),
                ("tcp", f"tcp://127.0.0.1:{ports['TCP']}", {}),
                ("imudp", f"udp://127.0.0.1:{ports['UDP']}", {}),
                ("imuxsock", f"unix:{self.folder}/log", {})):
            with self.subTest(way):
                self.takes_every_row(way, address, more)

    def takes_every_row(self, way, address, more):
        daemon = self.daemon({"syslog": address, **more})
        last = daemon.shell(HOSTILE, execute=False)[1]

        def arrived():
            return [line for line in self.kept(way)
                    if f'seq="{last["seq"]}"' in line["sd"]]

        line = eventually(arrived)[0]
        self.assertEqual(line["app"], "assent")
        self.assertEqual(line["msgid"], "DECIDED")
        self.assertEqual(line["pri"], "84")
        self.assertIn(f'action_id="{last["id"]}"', line["sd"])
        self.assertNotIn("evil", [at["app"] for at in self.kept(way)])
        numbers = [int(re.search(r'seq="(\d+)"', at["sd"])[1])
                   for at in self.kept(way) if 'seq="' in at["sd"]]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        for at in self.kept(way):
            self.assertTrue(at["sd"].endswith("]"), at)
            for c in at["sd"] + at["msg"]:
                self.assertGreaterEqual(ord(c), 0x20)
        daemon.stop()

    def test_rsyslog_that_does_not_know_us_gets_nothing(self):
        ports = self.rsyslog()
        daemon = self.daemon({
            "syslog": f"tls://127.0.0.1:{ports['TLS']}",
            "ca_file": f"{self.folder}/ca.pem"})
        daemon.shell(DENIED, execute=False)
        eventually(lambda: 'assent_export_failures{dest="syslog"} 0' not in
                   daemon.agent("GET", "/metrics")[1].decode())
        self.assertEqual(self.kept("tls"), [])

    # ---- a collector ----

    def collector(self):
        """Its address; what it keeps is in the folder's file 'otlp'."""
        need("node")
        os.makedirs(CACHE, exist_ok=True)
        if not os.path.isdir(f"{CACHE}/node_modules/@opentelemetry"):
            shutil.copy(f"{HERE}/package.json", CACHE)
            made = subprocess.run(
                [need("npm"), "install", "--ignore-scripts", "--no-audit",
                 "--no-fund"], cwd=CACHE, check=False, text=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if made.returncode != 0:
                raise unittest.SkipTest(f"npm: {made.stderr[-200:]}")
        process = self.start(
            "node", f"{HERE}/otlp_receiver.js", f"{self.folder}/otlp",
            stdout=subprocess.PIPE, text=True,
            env={**os.environ, "NODE_PATH": f"{CACHE}/node_modules"})
        self.addCleanup(process.stdout.close)
        return f"http://127.0.0.1:{process.stdout.readline().split()[1]}"

    def kept_by_collector(self, kind):
        return [one for one in lines(f"{self.folder}/otlp")
                if one.get("signal") == kind]

    def test_the_official_classes_take_every_record_span_and_metric(self):
        for protocol in ("protobuf", "json"):
            with self.subTest(protocol):
                self.takes_otlp(protocol)
                os.unlink(f"{self.folder}/otlp")

    def takes_otlp(self, protocol):
        daemon = self.daemon({"otlp": self.collector(),
                              "otlp_protocol": protocol})
        trace = "0af7651916cd43dd8448eb211c80319c"
        denied = daemon.shell(HOSTILE, execute=False, headers={
            "traceparent": f"00-{trace}-b7ad6b7169203331-01"})[1]
        daemon.shell("echo ran")
        record = eventually(lambda: [
            r for r in self.kept_by_collector("log")
            if any(a["value"].get("stringValue") == denied["id"]
                   for a in r["attributes"])])[0]
        self.assertEqual(record["eventName"], "assent.decision.recorded")
        self.assertEqual(record["traceId"], trace)
        self.assertEqual(record["severityNumber"], 13)
        eventually(lambda: {"assent.evaluate", "execute_tool"} <= {
            s["name"] for s in self.kept_by_collector("span")})
        eventually(lambda: "assent.decisions" in [
            m["name"] for m in self.kept_by_collector("metric")])
        self.assertEqual([one for one in lines(f"{self.folder}/otlp")
                          if "violation" in one], [])
        daemon.stop()

    def test_a_request_becomes_a_stored_otlp_record_and_a_syslog_line(self):
        ports = self.rsyslog()
        daemon = self.daemon({
            "otlp": self.collector(),
            "syslog": f"tls://127.0.0.1:{ports['TLS']}",
            "ca_file": f"{self.folder}/ca.pem",
            "cert_file": f"{self.folder}/assent-client.pem",
            "key_file": f"{self.folder}/assent-client.key"})
        status, denied, _ = daemon.shell(DENIED, execute=False)
        self.assertEqual((status, denied["decision"]), (200, "deny"))
        digest = denied["action_sha256"]
        eventually(lambda: [r for r in self.kept_by_collector("log")
                            if digest in json.dumps(r)])
        eventually(lambda: [line for line in self.kept("tls")
                            if f'action_sha256="{digest}"' in line["sd"]])

    # ---- Prometheus ----

    def test_promtool_takes_the_metrics_and_the_alerts(self):
        promtool = need("promtool")
        daemon = self.daemon({"file": f"{self.folder}/rows"})
        daemon.shell(DENIED, execute=False)
        daemon.shell("echo ran")
        metrics = daemon.agent("GET", "/metrics")[1]
        checked = subprocess.run(
            [promtool, "check", "metrics"], input=metrics,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual((checked.returncode, checked.stdout.decode()),
                         (0, ""))
        rules = subprocess.run(
            [promtool, "check", "rules",
             f"{SOURCE}/docs/prometheus/alerts.yaml"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(rules.returncode, 0, rules.stdout.decode())


if __name__ == "__main__":
    program = unittest.main(exit=False)
    skipped = program.result.skipped
    for _, why in skipped:
        print(f"SKIP: {why}")
    if not program.result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if len(skipped) == program.result.testsRun else 0)
