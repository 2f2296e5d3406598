"""What a run reaches: the hosts that were approved with it, those that somebody
allows while it runs, and nothing else; and what the log says of it."""

import json
import os
import time
import unittest

from lib_daemon import Daemon
from lib_proxy import METADATA, OTHER, PRIVATE, UID, WEB, World
from lib_proxy import be_oneself

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
  reads: {network: ["web.test:80 GET"], network_only: true}
  little: {base: only, network_limits: {down: 64K, connections: 8}}
  corp: {network: ["far.test:80"], network_only: true,
         network_upstream: "other.test:3128"}
  wide: {network: ["*.test:80", "deny.test:80"], network_only: true}
"""


PROBE = f"""
import errno, os, socket
print(sum("proxy" in name.lower() for name in os.environ))
for host, port in (("{WEB}", 80), ("127.0.0.1", 3128), ("127.0.0.1", 53)):
    try: socket.create_connection((host, port), 3); print("connected")
    except OSError as e: print(errno.errorcode[e.errno])
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
    if b"/large" in head:
        text *= 20000
    sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "
                 + str(len(text)).encode() + b"\r\n\r\n" + text)


class Site(Daemon):
    if UID != 0:
        before = staticmethod(be_oneself)

    def __init__(self, more="", requirements=""):
        super().__init__(CONFIG + more)
        if requirements:
            path = f"{self.root}/requirements.yaml"
            with open(path, "w", encoding="ascii") as to:
                to.write(requirements)
            self.arguments += ["--requirements", path]
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
                     if all(i["proposal"].get(k) == v
                            for k, v in more.items())]
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
            kinds = [(r["kind"], r["action_id"] == done["id"])
                     for r in d.rows()]
            # Decided, durably, before anything went there (I1).
            self.assertLess(kinds.index(("decided", False)),
                            len(kinds) - 1 - kinds[::-1].index(
                                ("network", True)), kinds)
            last = d.rows("network")[-1]
            self.assertEqual((last["decided_by"], last["body"]["by"]),
                             ("human", f"uid:{UID}"), last)

    def test_a_host_that_is_refused_fails_alone_and_the_agent_is_told(self):
        with Site() as d:
            d.hosts("other.test", "web.test")
            done, _ = d.approved(FETCH, ["deny", "allow"])
            self.assertEqual(done["outcome"]["exit"], 0, done)
            self.assertIn("page of web.test", done["outcome"]["stdout"])
            self.assertNotIn("page of other", done["outcome"]["stdout"])
            told = [v for v in done["outcome"]["violations"]
                    if v.startswith("network: other.test:80 was refused")]
            self.assertEqual(len(told), 1, done["outcome"])
            self.assertIn("do without it", told[0])
            denied = [r for r in d.rows("network")
                      if r["decision"] == "deny"]
            self.assertEqual([(r["body"]["host"], r["decided_by"])
                              for r in denied], [("other.test", "human")])
            told = d.assent("log", "show", "--state", d.state,
                            done["id"]).stdout
            self.assertIn(f"was refused other.test:80 by uid:{UID}", told)
            self.assertIn(f"reached web.test:80 by uid:{UID}; "
                          "0 bytes up, 17 down", told)
            figures = json.loads(d.assent(
                "log", "report", "--state", d.state, "--json").stdout)
            self.assertEqual(figures["hosts"], [
                {"name": "other.test", "allowed": 0, "denied": 1},
                {"name": "web.test", "allowed": 1, "denied": 0}])

    def test_rules_decide_on_hosts_while_a_call_runs(self):
        with Site() as d:
            d.hosts("allowed.test", "deny.test", "web.test")
            done, asked = d.approved(FETCH, ["allow"])
            self.assertIn("web.test:80", asked[0]["display"])
            self.assertEqual(done["outcome"]["stdout"].count("page of"), 2)
            said = [(r["body"]["host"], r["decision"], r["rule"])
                    for r in d.rows("network")]
            self.assertEqual(said, [
                ("allowed.test", "allow", "site.web"),
                ("deny.test", "deny", "site.never"),
                ("web.test", "allow", None)], said)

    def test_no_answer_leads_to_metadata_or_a_private_address(self):
        with Site() as d:
            d.hosts("meta.test", "inside.test", METADATA)
            done, asked = d.approved(FETCH, ["allow", "allow"])
            self.assertEqual([a["display"] for a in asked],
                             ["connect to meta.test:80",
                              "connect to inside.test:80"])
            self.assertNotIn("page of", done["outcome"]["stdout"])
            rows = d.rows("network")
            self.assertEqual([r["decision"] for r in rows], ["deny"] * 3)
            # The address itself is a floor's: nobody is asked.
            self.assertEqual(rows[-1]["decided_by"], "rule", rows[-1])

    def test_no_permitted_name_leads_to_a_network_that_requirements_deny(self):
        for text, decision in (("", "allow"),
                               ("hosts: {denied: [10.0.0.0/8]}\n", "deny")):
            with Site(requirements=text) as d:
                d.hosts("inside.test")
                d.approved(FETCH, profile="site")
                row, = d.rows("network")
                self.assertEqual((row["body"]["host"], row["decision"]),
                                 ("inside.test", decision), row)

    def test_a_rule_that_denies_a_host_is_held_against_a_profile(self):
        with Site() as d:
            d.hosts("web.test", "deny.test", "DENY.test.", "other.test")
            done, _ = d.approved(FETCH, profile="wide")
            self.assertEqual(
                done["outcome"]["stdout"].count("page of"), 2, done)
            rows = [r["body"] for r in d.rows("network")
                    if r["body"].get("host") == "deny.test"]
            self.assertEqual({(r["decision"], r["by"]) for r in rows},
                             {("deny", "site.never")}, rows)

    def test_a_profile_reaches_what_it_names_and_may_close_the_rest(self):
        with Site() as d:
            d.hosts("web.test", "inside.test")
            done, asked = d.approved(FETCH, profile="site")
            self.assertEqual(done["outcome"]["stdout"],
                             "page of web.test\npage of inside.test\n", done)
            self.assertEqual(asked, [])
            d.hosts("web.test", "other.test")
            done, _ = d.approved(FETCH, profile="only")
            self.assertEqual(done["outcome"]["stdout"].count("page of"), 1)
            self.assertIn("no rule", d.rows("network")[-1]["body"]["reason"]
                          .replace("no network rule", "no rule"))

    def test_a_profile_limits_methods_and_bytes_and_says_so(self):
        with Site() as d:
            d.hosts("web.test")
            posts = FETCH.replace("-m 20", "-m 20 -d x -w '%{http_code}'")
            done, _ = d.approved(posts, profile="reads")
            self.assertIn("403", done["outcome"]["stdout"], done)
            self.assertNotIn("page of", done["outcome"]["stdout"])
            done, _ = d.approved(FETCH, profile="reads")
            self.assertIn("page of web", done["outcome"]["stdout"], done)
            rows = [(r["decision"], r["body"]["method"])
                    for r in d.rows("network")]
            self.assertEqual(rows, [("deny", "POST"), ("allow", "GET")])
            d.hosts("web.test/large", "web.test/large")
            done, _ = d.approved(FETCH + "; echo over", profile="little")
            self.assertLess(len(done["outcome"]["stdout"]), 80000)
            self.assertIn("over", done["outcome"]["stdout"])
            row = d.rows("network")[-1]
            self.assertIn("all that it may", row["body"]["reason"], row)
            _, action, _ = d.shell(FETCH, wait=0, profile="little")
            _, whole, _ = d.approver(
                "GET", f"/v1/actions/{action['id']}/explain")
            self.assertEqual(
                whole["profile"]["network"],
                "runs with network: web.test:80 only; at most 64K down; "
                "at most 8 connections at a time")

    def test_a_profile_leads_through_a_sites_own_proxy(self):
        asked = []

        def upstream(sock):
            asked.append(sock.recv(4096).split(b"\r\n")[0].decode())
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            page(sock)
        self.world.serve(OTHER, 3128, upstream)
        with Site() as d:
            d.hosts("far.test", "web.test", METADATA)
            done, _ = d.approved(FETCH, profile="corp")
            self.assertEqual(done["outcome"]["stdout"].count("page of"), 1,
                             done)
            # What is not named does not get there, nor does an address
            # that nobody may reach.
            self.assertEqual(asked, ["CONNECT far.test:80 HTTP/1.1"])
            self.assertEqual([r["decision"] for r in d.rows("network")],
                             ["allow", "deny", "deny"])

    def test_a_connection_that_is_cut_for_its_idleness_is_told(self):
        def silent(sock):
            sock.recv(4096)
            time.sleep(8)
        self.world.serve(WEB, 8099, silent)
        with Site("  workspace-write: {network: ['web.test:8099'], "
                  "network_only: true, network_limits: {idle: 1s}}\n") as d:
            done, _ = d.approved("curl -sS -m 20 http://web.test:8099/; true")
            self.assertEqual(
                [v for v in done["outcome"]["violations"]
                 if v.startswith("limit: ")],
                ["limit: nothing moved for as long as it may, so the "
                 "connection to web.test:8099 was cut; 'network_limits: "
                 "{idle: ...}' in a profile is more"])

    def test_connections_beyond_their_limit_are_told(self):
        with Site("  workspace-write: {network: ['web.test:80'], "
                  "network_only: true, network_limits: {connections: 2}}\n"
                  ) as d:
            done, _ = d.approved(
                "python3 -c 'import socket, time\n"
                "all = [socket.create_connection((\"web.test\", 80))"
                " for _ in range(5)]\ntime.sleep(0.5)'; true")
            self.assertIn(
                "limit: the run has as many connections at once as it may, "
                "so the connection to", str(done["outcome"]["violations"]))

    def test_a_profile_without_a_network_lifts_no_limit_of_it(self):
        asked = []

        def upstream(sock):
            asked.append(sock.recv(4096).split(b"\r\n")[0].decode())
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            page(sock)
        self.world.serve(OTHER, 3129, upstream)
        with Site("  workspace-write: {network: ['web.test:80 GET'], "
                  "network_only: true, network_limits: {down: 64K}, "
                  "network_upstream: 'other.test:3129'}\n") as d:
            done, _ = d.approved("curl -sS -m 20 http://far.test/large; true",
                                 profile="read-only")
            self.assertLess(len(done["outcome"]["stdout"]), 80000)
            self.assertEqual(asked, ["CONNECT far.test:80 HTTP/1.1"])
            self.assertEqual(
                [v for v in done["outcome"]["violations"]
                 if v.startswith("limit: ")],
                ["limit: the run has received all that it may, so the "
                 "connection to far.test:80 was cut; 'network_limits: "
                 "{down: ...}' in a profile is more"])
            for profile in ("read-only", "workspace-write"):
                done, _ = d.approved(
                    "curl -sS -m 20 -d x http://web.test/; true",
                    profile=profile)
                self.assertNotIn("page of", done["outcome"]["stdout"])
            self.assertEqual(len(asked), 1)

    def test_a_session_is_asked_once_for_each_host(self):
        with Site() as d:
            d.hosts("other.test")
            both = "(%s) & (%s); wait" % (FETCH, FETCH)
            done, asked = d.approved(
                both, [{"decision": "allow", "scope": "session"}],
                session="s-1")
            self.assertEqual(done["outcome"]["stdout"].count("page of"), 2)
            self.assertEqual(len(asked), 1)
            done, _ = d.approved(FETCH, session="s-1")
            self.assertIn("page of other", done["outcome"]["stdout"])
            self.assertEqual(d.rows("network")[-1]["decided_by"], "grant")

    def test_a_rule_is_made_of_a_live_question(self):
        with Site() as d:
            d.hosts("other.test")
            _, action, _ = d.shell(FETCH, wait=0)
            d.answer(action["id"], "allow")
            question = d.pending(tool="permission")
            status, draft, _ = d.approver(
                "GET", f"/v1/actions/{question['id']}/rule")
            self.assertEqual(status, 200, draft)
            d.answer(question["id"], "deny")
            d.done(action["id"])
            d.stop()
            with open(f"{d.root}/rules/drafted.yaml", "w",
                      encoding="ascii") as to:
                to.write(draft["rule"])
            d.start()
            done, asked = d.approved(FETCH)
            self.assertEqual(asked, [])
            self.assertIn("page of other", done["outcome"]["stdout"])

    def test_nobody_need_answer_what_an_ended_run_has_asked(self):
        with Site() as d:
            d.hosts("other.test")
            _, action, _ = d.shell(FETCH, wait=0)
            d.answer(action["id"], "allow")
            question = d.pending(tool="permission")
            d.agent("POST", f"/v1/actions/{action['id']}/signal",
                    {"signal": "KILL"})
            d.done(action["id"])
            _, gone, _ = d.approver("GET", f"/v1/actions/{question['id']}")
            self.assertEqual(gone["state"], "cancelled", gone)

    def test_a_question_that_nobody_answers_is_a_no(self):
        with Site("ask_timeout: 2s\n") as d:
            d.hosts("other.test")
            done, _ = d.approved(FETCH)
            self.assertNotIn("page of", done["outcome"]["stdout"])
            self.assertEqual(d.rows("network")[-1]["decided_by"], "timeout")

    def test_a_fetch_is_a_request_of_a_run_with_its_host(self):
        with Site() as d:
            done, asked = d.approved(None, tool="fetch", input={
                "method": "GET", "url": "http://web.test/x",
                "headers": {"X-A": "b"}})
            self.assertEqual(asked, [])
            self.assertEqual(done["outcome"]["stdout"], "page of web.test\n")
            self.assertIn("status 200", done["outcome"]["stderr"])
            for name in ("@/etc/passwd", "a b"):
                status, body, _ = d.shell(None, wait=0, tool="fetch", input={
                    "method": "GET", "url": "http://web.test/x",
                    "headers": {name: "b"}})
                self.assertEqual(status, 400, body)

    def test_a_run_that_is_offline_has_no_proxy_and_no_way_out(self):
        with Site() as d:
            with open(f"{d.workspace}/probe.py", "w",
                      encoding="ascii") as to:
                to.write(PROBE)
            _, action, _ = d.shell("python3 probe.py")
            done = d.done(action["id"])
            self.assertEqual(done["outcome"]["stdout"].split(),
                             ["0", "ENETUNREACH", "ECONNREFUSED",
                              "ECONNREFUSED"], done)
            self.assertEqual(d.rows("network"), [])


if __name__ == "__main__":
    unittest.main()
