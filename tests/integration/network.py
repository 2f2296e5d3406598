"""What a run reaches: the hosts that were approved with it, those that somebody
allows while it runs, and nothing else; and what the log says of it."""

import contextlib
import json
import os
import threading
import time
import unittest

from lib_daemon import Daemon
from lib_proxy import METADATA, OTHER, PRIVATE, WEB, World

NAMES = {"web.test": [WEB], "other.test": [OTHER], "deny.test": [OTHER],
         "inside.test": [PRIVATE], "meta.test": [METADATA],
         "allowed.test": [OTHER]}
RULES = """
assent: 1
rules:
  - id: site.web
    host: ["allowed.test:80"]
    covers: {connect: ["allowed.test:80"]}
    decision: allow
    reason: It is ours.
  - id: site.never
    host: ["deny.test"]
    decision: deny
    reason: Nobody goes there.
"""
CONFIG = """
profiles:
  site: {network: ["web.test:80", "inside.test:80"]}
  only: {network: ["web.test:80"], network_only: true}
"""


# Hosts that no rule can tell from the text.
FETCH = "for h in $(cat hosts); do curl -sS -m 20 http://$h/; done"


def page(sock):
    head = b""
    while b"\r\n\r\n" not in head:
        more = sock.recv(4096)
        if not more:
            return
        head += more
    text = b"page of " + head.split(b"\r\n")[1].split(b": ")[1] + b"\n"
    sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "
                 + str(len(text)).encode() + b"\r\n\r\n" + text)


class Site(Daemon):
    def __init__(self):
        super().__init__(CONFIG)
        rules = f"{self.root}/rules"
        os.mkdir(rules)
        with open(f"{rules}/site.yaml", "w", encoding="ascii") as to:
            to.write(RULES)
        self.arguments += ["--rules", rules]
        os.chmod(self.root, 0o755)

    def pending(self, **more):
        """The one question that waits, as soon as it is there."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            _, found, _ = self.approver("GET", "/v1/actions?state=pending")
            items = [i for i in found["items"]
                     if all(i.get(k) == v for k, v in more.items())]
            if items:
                return items[0]
            time.sleep(0.02)
        raise AssertionError(f"nothing waits: {found}, "
                             f"{self.rows()[-4:]}")

    def hosts(self, *names):
        """What `fetch` reads."""
        with open(f"{self.workspace}/hosts", "w", encoding="ascii") as to:
            to.write("\n".join(names) + "\n")

    def approved(self, script, answers=(), **more):
        """Runs a script that a person approves; then the answers, one for
        each question that its run asks. The end of it."""
        status, action, _ = self.shell(script, wait=0, **more)
        if action["state"] == "pending":
            status, body, _ = self.answer(action["id"], "allow")
            assert status == 200, body
        asked = []
        for answer in answers:
            question = self.pending(tool="permission")
            _, whole, _ = self.approver(
                "GET", f"/v1/actions/{question['id']}/explain")
            asked.append(whole)
            words = {"decision": answer} if isinstance(answer, str) \
                else answer
            status, body, _ = self.answer(question["id"], **words)
            assert status == 200, body
        done = self.done(action["id"])
        return done, asked

    def done(self, action_id):
        for _ in range(10):
            _, action, _ = self.agent("GET", f"/v1/actions/{action_id}",
                                      headers={"Prefer": "wait=5"})
            if action["state"] == "done":
                return action
        raise AssertionError(f"it does not end: {action}")

    def rows(self, kind=None):
        out = self.assent("log", "export", "--state", self.state).stdout
        rows = [json.loads(line) for line in out.splitlines()]
        return [r for r in rows if kind is None or r["kind"] == kind]


class NetworkTest(unittest.TestCase):
    world = None

    @classmethod
    def setUpClass(cls):
        cls.world = World(NAMES)
        for address in (WEB, OTHER, PRIVATE, METADATA):
            for port in (80, 8080):
                cls.world.serve(address, port, page)

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__()

    def test_an_approved_call_reaches_its_host_and_the_question_says_so(self):
        with Site() as d:
            _, action, _ = d.shell("curl -sS http://web.test/", wait=0)
            self.assertEqual(action["state"], "pending")
            _, whole, _ = d.approver(
                "GET", f"/v1/actions/{action['id']}/explain")
            self.assertEqual(
                whole["profile"]["network"],
                "runs with network: web.test:443, web.test:80 only; each "
                "other host is asked about first")
            d.answer(action["id"], "allow")
            done = d.done(action["id"])
            self.assertEqual(done["outcome"]["stdout"],
                             "page of web.test\n", done)
            rows = d.rows("network")
            self.assertEqual(len(rows), 1, rows)
            body = rows[0]["body"]
            self.assertEqual(
                (rows[0]["action_id"], body["decision"], body["host"],
                 body["port"], body["address"], body["by"]),
                (action["id"], "allow", "web.test", 80, WEB, "call"), body)
            self.assertEqual(body["bytes_down"], 17)
            self.assertGreaterEqual(body["bytes_up"], 0)

    def test_a_live_question_is_answered_while_the_connection_waits(self):
        with Site() as d:
            d.hosts("other.test")
            done, asked = d.approved(
                "curl -sS http://web.test/; " + FETCH,
                ["allow"])
            self.assertEqual(done["outcome"]["stdout"],
                             "page of web.test\npage of other.test\n", done)
            self.assertIn("other.test:80", asked[0]["display"])


if __name__ == "__main__":
    unittest.main()
