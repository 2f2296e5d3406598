"""Secrets in what agents do and report: masked in every row and every way out,
and found again by whoever knows them.
"""

import json
import os
import random
import socket
import string
import subprocess
import time
import unittest

from lib_daemon import BIN, Daemon
from lib_telemetry import WITHIN_S, Datagrams, Posted, Receiver, TextOf

RANDOM = random.Random(1)  # the same values in every run
LETTERS = string.ascii_letters + string.digits


def some(n, alphabet=LETTERS):
    """Looks random, and has a digit and both cases."""
    return "aB3" + "".join(RANDOM.choice(alphabet) for _ in range(n - 3))


UPPER = string.ascii_uppercase + string.digits

# Put together here, so that no scanner takes this file for a leak.
TOKENS = {
    "github": "gh" + "p_" + some(36),
    "github-oauth": "gh" + "o_" + some(36),
    "github-fine-grained": "github" + "_pat_" + some(60),
    "gitlab": "gl" + "pat-" + some(20),
    "aws-key-id": "AK" + "IA" + "".join(
        RANDOM.choice(UPPER) for _ in range(13)) + "QX7",
    "slack-bot": "xo" + "xb-" + some(30),
    "slack-user": "xo" + "xp-" + some(30),
    "stripe-live": "sk" + "_live_" + some(24),
    "openai": "sk-" + "proj-" + some(40),
    "anthropic": "sk-" + "ant-" + some(40),
    "google-api": "AI" + "za" + some(35),
    "google-oauth": "ya" + "29." + some(40),
    "npm": "np" + "m_" + some(36),
    "pypi": "py" + "pi-" + some(40),
    "docker-hub": "dckr" + "_pat_" + some(27),
    "digitalocean": "dop" + "_v1_" + some(40),
    "vault": "hv" + "s." + some(24),
    "sendgrid": "S" + "G." + some(22) + "." + some(43),
    "hugging-face": "h" + "f_" + some(34),
    "groq": "gs" + "k_" + some(40),
    "tailscale": "ts" + "key-" + some(24),
    "age": "AGE-SECRET" + "-KEY-" + "".join(
        RANDOM.choice(UPPER) for _ in range(40)) + "Q7Z",
    "jwt": "ey" + "J" + some(30) + "." + "ey" + "J" + some(40) + "."
           + some(43),
    "grafana": "gl" + "sa_" + some(32),
    "linear": "lin" + "_api_" + some(40),
    "shopify": "shp" + "at_" + some(32),
}
PASSWORDS = {
    "password-option": ("mysql --password={}", some(12)),
    "password-variable": ("DB_PASSWORD={} ./migrate", some(12)),
    "url": ("git clone https://me:{}@example.com/x.git", some(12)),
    "bearer": ("curl -H 'Authorization: Bearer {}' https://example.com",
               some(30)),
    "aws-secret": ("AWS_SECRET_ACCESS_KEY={} aws s3 ls", some(40)),
    "json-field": ("echo '{{\"api_key\": \"{}\"}}'", some(20)),
    "of-no-known-form": ("deploy --with {}", some(40)),
}
KEY_BODY = "".join(RANDOM.choice(LETTERS) for _ in range(200))
PRIVATE_KEY = ("-----BEGIN OPENSSH " + "PRIVATE KEY-----\n" + KEY_BODY +
               "\n-----END OPENSSH " + "PRIVATE KEY-----\n")


def cases():
    """Name, a command that has it in it, the value that nobody may see."""
    for name, token in TOKENS.items():
        yield name, f"echo {token}", token
    for name, (command, value) in PASSWORDS.items():
        yield name, command.format(value), value
    yield "private-key", f"cat >key <<'E'\n{PRIVATE_KEY}E\n", KEY_BODY


class Privacy(unittest.TestCase):
    def setUp(self):
        self.takers = {}

    def daemon(self, payloads="masked"):
        daemon = Daemon(f"log: {{payloads: '{payloads}'}}\n"
                        "telemetry: {file: '@ROOT@/rows.jsonl', "
                        "syslog: 'unix:@ROOT@/syslog', "
                        "journal: '@ROOT@/journal', "
                        "otlp: '@URL@', otlp_protocol: json, "
                        "webhook: '@URL@/hook', "
                        "webhook_key_file: '@ROOT@/key'}\n")
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        for name in ("syslog", "journal"):
            taker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.addCleanup(taker.close)
            taker.bind(f"{daemon.root}/{name}")
            self.takers[name] = Datagrams(taker)
        with open(f"{daemon.root}/key", "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write("a key\n")
        with open(daemon.config, encoding="ascii") as file:
            text = file.read().replace("@ROOT@", daemon.root).replace(
                "@URL@", self.receiver.url)
        with open(daemon.config, "w", encoding="ascii") as file:
            file.write(text)
        self.addCleanup(daemon.__exit__, None, None, None)
        daemon.start()
        return daemon

    def log(self, daemon, command, *arguments):
        return daemon.assent(
            "log", command, "--state", daemon.state, *arguments)

    def outputs(self, daemon, actions):
        """Everything that leaves the store, by what it is."""
        for form in ("jsonl", "csv", "cef", "ecs", "ocsf"):
            yield form, self.log(daemon, "export", "--format", form).stdout
        yield "list", self.log(daemon, "list", "--limit", "1000").stdout
        for action in actions:
            yield "show", self.log(daemon, "show", action).stdout
        yield "replay", self.log(daemon, "replay", "s-1").stdout
        yield "report", self.log(daemon, "report").stdout
        yield "events", self.log(daemon, "list", "--json").stdout
        yield "API", daemon.approver("GET", "/v1/actions?limit=100")[1]
        yield "daemon's own log", daemon.daemon_log()
        last = json.loads(self.log(
            daemon, "export").stdout.splitlines()[-1])["seq"]
        yield "telemetry file", self.arrived(
            TextOf(f"{daemon.root}/rows.jsonl"), last)
        for path in ("/v1/logs", "/hook"):
            yield path, self.arrived(Posted(self.receiver, path), last)
        # a span is of an action, once it is decided
        spans = Posted(self.receiver, "/v1/traces")
        decided = self.log(daemon, "export", "--kind", "decided").stdout
        for line in decided.splitlines():
            self.wait_for(spans, [json.loads(line)["action_id"]])
        yield "/v1/traces", spans.bytes().decode("utf-8", "replace")
        for name, taker in self.takers.items():
            yield name, self.arrived(taker, last)

    def arrived(self, way, last):
        """All that a destination has, once it has the last row."""
        self.wait_for(way, (
            f'"seq":{last},', f'seq="{last}"', f"ASSENT_SEQ={last}\n",
            f'"intValue":"{last}"'))
        return way.bytes().decode("utf-8", "replace")

    def wait_for(self, way, words):
        """Until it has one of these."""
        end = time.monotonic() + WITHIN_S
        while not any(word.encode() in way.bytes() for word in words):
            self.assertLess(time.monotonic(), end, words)
            time.sleep(0.05)

    def report(self, daemon, kind, text):
        status, body, _ = daemon.agent(
            "POST", "/v1/sessions/s-1/events", {"type": kind, "text": text})
        self.assertEqual(status, 204, body)

    def find(self, daemon, secret):
        return subprocess.run(
            [f"{BIN}/assent", "log", "find-secret", "--state", daemon.state],
            input=secret, text=True, capture_output=True, check=False)

    def test_a_planted_secret_of_each_kind_appears_in_no_output(self):
        daemon = self.daemon()
        actions = []
        for name, command, value in cases():
            decision = daemon.shell(command, execute=False, wait=0,
                                    session="s-1")[1]
            # who has to judge it sees what no pattern knows
            if name != "of-no-known-form":
                self.assertNotIn(value, json.dumps(decision))
            actions.append(decision["id"])
            self.report(daemon, "prompt", f"use this: {command}")
            self.report(daemon, "tool_result", command)
        for what, text in self.outputs(daemon, actions):
            text = text if isinstance(text, str) else json.dumps(text)
            self.assertNotEqual(text, "", what)
            if what not in ("daemon's own log", "report"):
                self.assertIn("masked", text, what)
            for name, _, value in cases():
                # who has to judge it sees what no pattern knows
                if (what, name) != ("API", "of-no-known-form"):
                    self.assertNotIn(value, text, f"{name} is in {what}")

    def test_who_knows_a_secret_finds_where_it_was_seen(self):
        daemon = self.daemon()
        seen = {}
        for name, command, value in cases():
            seen[name] = daemon.shell(command, execute=False, wait=0)[1]["id"]
        for name, _, value in cases():
            if name == "private-key":
                value = PRIVATE_KEY
            found = self.find(daemon, value)
            self.assertEqual(found.returncode, 0, f"{name}: {found.stderr}")
            self.assertIn(seen[name], found.stdout, name)
        nothing = self.find(daemon, some(40))
        self.assertEqual(nothing.returncode, 1)
        self.assertEqual(nothing.stdout, "")

    def test_two_stores_hash_the_same_secret_differently(self):
        rows = []
        for _ in range(2):
            daemon = self.daemon()
            daemon.shell(f"echo {TOKENS['github']}", execute=False, wait=0)
            text = self.log(daemon, "export", "--kind", "decided").stdout
            rows.append(json.loads(text.splitlines()[-1])["body"]["masked"])
        self.assertNotEqual(rows[0], rows[1])

    def test_payloads_off_keeps_no_text_at_all(self):
        daemon = self.daemon("off")
        daemon.shell("echo a-word-of-mine", execute=False, wait=0)
        self.report(daemon, "prompt", "another-word-of-mine")
        text = self.log(daemon, "export").stdout
        self.assertNotIn("a-word-of-mine", text)
        self.assertNotIn("another-word-of-mine", text)
        self.assertIn('"text_bytes":19', text)

    def test_payloads_full_keeps_all_of_it(self):
        daemon = self.daemon("full")
        daemon.shell(f"echo {TOKENS['github']}", execute=False, wait=0)
        text = self.log(daemon, "export").stdout
        self.assertIn(TOKENS["github"], text)

    def test_what_looks_random_but_is_none_stays(self):
        daemon = self.daemon()
        plain = ("commit 3f786850e387550fdab836ed7e6dc881de23001b in "
                 "src/Components/HttpRequestHandlerFactoryBean2.java, "
                 "action act_01M8AB9ENX03A3N3BP3ZAM3V6R")
        self.report(daemon, "prompt", plain)
        self.assertIn(plain, self.log(daemon, "export").stdout)


if __name__ == "__main__":
    unittest.main()
