#!/usr/bin/env python3
"""
Everything that the real Codex asks approval for, one kind at a time: a command
that leaves its sandbox, one with more permissions, a patch outside, a host, a
tool of a server of MCP, and permissions. Each is asked once through its
app-server (assent codex) and once through its own reviews
(POST /v1/codex/responses); rules of a test deny one and allow another of each
kind, so that nobody has to be asked.

Hosts are asked about where an administrator manages the network: that case has
an /etc of its own, and needs root.

usage: codex_approvals.py [KIND...]
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, f"{os.path.dirname(HERE)}/integration")

import faulthandler  # noqa: E402

from lib_clients import PROMPT, Codex, install, write  # noqa: E402
from lib_daemon import BIN, Daemon  # noqa: E402
from lib_guardian import ESCALATED, guardian_of  # noqa: E402
from lib_model import Model  # noqa: E402
from matrix import alone  # noqa: E402

CLIENT_S = 60
RULES = """\
assent: 1
rules:
  - id: test.no
    title: What is called forbidden
    path: "forbidden*"
    decision: deny
    reason: The test forbids it.
  - id: test.yes
    title: What is called allowed
    path: "allowed*"
    decision: allow
    covers: {any: [any]}
  - id: test.no-host
    title: A host that the test forbids
    host: forbidden.example
    decision: deny
    reason: The test forbids it.
  - id: test.yes-host
    title: A host that the test allows
    host: allowed.example
    decision: allow
    covers: {any: [any]}
  - id: test.no-tool
    title: A tool that the test forbids
    tool: mcp
    mcp: {server: [demo, "dynamic:codex"], tool: ["forbidden_*", "tools/forbidden_*"]}
    decision: deny
    reason: The test forbids it.
  - id: test.yes-tool
    title: A tool that the test allows
    tool: mcp
    mcp: {server: [demo, "dynamic:codex"], tool: ["allowed_*", "tools/allowed_*"]}
    decision: allow
    covers: {any: [any]}
"""
SERVER = """\
import json, sys
TOOLS = [{"name": name, "description": "a tool", "inputSchema": {
    "type": "object", "properties": {"id": {"type": "string"}}},
    "annotations": {"destructiveHint": True}}
    for name in ("allowed_row", "forbidden_row")]
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m:
        continue
    answer = {"initialize": lambda: {
        "protocolVersion": m["params"]["protocolVersion"],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "demo", "version": "1"}},
        "tools/list": lambda: {"tools": TOOLS},
        "tools/call": lambda: {"content": [{
            "type": "text", "text": "CALLED " + m["params"]["name"]}]}}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"],
                      "result": answer.get(m["method"], dict)()}), flush=True)
"""
REQUIREMENTS = """\
[experimental_network]
enabled = true
managed_allowed_domains_only = false
allowed_domains = ["listed.example"]
"""


def patch(path):
    return ("apply_patch <<'EOF'\n*** Begin Patch\n"
            f"*** Add File: {path}\n+hello\n*** End Patch\nEOF")


# what the model proposes; NAME is forbidden or allowed, OUT a folder outside
KINDS = {
    "command": ("exec_command", {"cmd": "touch OUT/NAME", **ESCALATED}),
    "more": ("exec_command", {
        "cmd": "touch OUT/NAME", "justification": "May I?",
        "sandbox_permissions": "with_additional_permissions",
        "additional_permissions": {"file_system": {"write": ["OUT"]}}}),
    "patch": ("exec_command", {"cmd": patch("OUT/NAME")}),
    "host": ("exec_command", {"cmd": "curl -sS http://NAME.example/"}),
    "tool": ("mcp__demo/NAME_row", {"id": "42"}),
    # tools of the client itself: nobody asks, the client is told to run them
    "dynamic": ("NAME_own", {"id": "42"}),
    "namespace": ("tools/NAME_own", {"id": "42"}),
    "permissions": ("request_permissions", {
        "permissions": {"file_system": {"write": ["OUT/NAME"]}},
        "reason": "May I?"}),
}
OWN = ("dynamic", "namespace")  # its own reviews are not asked about them
FEATURES = {"more": "exec_permission_approvals",
            "permissions": "request_permissions_tool"}


class One:
    """Codex, asked for one call."""

    def __init__(self, daemon, kind, name, by_review):
        self.daemon, self.kind, self.name = daemon, kind, name
        self.by_review = by_review
        # Codex has no helpers below /tmp, and may write there
        self.root = tempfile.mkdtemp(prefix="assent-client-", dir="/var/tmp")
        self.out = f"{self.root}/out"
        os.mkdir(self.out)
        tool, args = json.loads(json.dumps(KINDS[kind]).replace(
            "OUT", self.out).replace("NAME", name))
        self.model = Model(call=(tool, args))
        if by_review:
            self.model.guardian = guardian_of(daemon)
        self.client = Codex(
            f"{self.root}/home", daemon.workspace, self.model.port)

    def set_up(self):
        self.client.set_up()
        write(f"{self.root}/server.py", SERVER)
        with open(f"{self.root}/home/.codex/config.toml", "a",
                  encoding="utf-8") as f:
            if self.kind in FEATURES:
                f.write(f"{FEATURES[self.kind]} = true\n")
            f.write("[mcp_servers.demo]\n"
                    f'command = "{sys.executable}"\n'
                    f'args = ["{self.root}/server.py"]\n')

    def words(self):
        thread = {"approvalPolicy": "on-request"}
        functions = [{"type": "function", "name": f"{name}_own",
                      "description": "a tool", "inputSchema": {
                          "type": "object",
                          "properties": {"id": {"type": "string"}}}}
                     for name in ("allowed", "forbidden")]
        if self.kind == "dynamic":
            thread["dynamicTools"] = functions
        if self.kind == "namespace":
            thread["dynamicTools"] = [{
                "type": "namespace", "name": "tools",
                "description": "some tools", "tools": functions}]
        server = [f"{self.client.environment()['PATH'].split(':')[0]}/codex",
                  "app-server"]
        if self.by_review:
            thread["approvalsReviewer"] = "auto_review"
        else:
            server = [f"{BIN}/assent", "codex", "--runtime",
                      self.daemon.runtime, "--timeout", "5s", "--", *server]
        words = [sys.executable, "-B", f"{HERE}/lib_app.py",
                 self.daemon.workspace, PROMPT, "--", *server]
        if self.kind != "host":
            return words, thread
        write(f"{self.root}/etc/codex/requirements.toml", REQUIREMENTS)
        return ["unshare", "-m", "sh", "-c",
                "mount -t overlay overlay -o lowerdir=$0:/etc /etc && "
                'exec "$@"', f"{self.root}/etc", *words], thread

    def run(self):
        self.set_up()
        words, thread = self.words()
        ran = subprocess.run(
            words, cwd=self.daemon.workspace, check=False, text=True,
            env={**self.client.environment(),
                 "ASSENT_THREAD": json.dumps(thread)},
            stdin=subprocess.DEVNULL, capture_output=True, timeout=CLIENT_S)
        self.told = json.dumps(self.model.results)
        self.printed = ran.stdout + ran.stderr

    def happened(self):
        """Whether what it asked for was done."""
        if self.kind in ("command", "more", "patch"):
            return os.path.exists(f"{self.out}/{self.name}")
        if self.kind in ("tool", *OWN):
            return "CALLED" in self.told
        if self.kind == "permissions":
            return f"{self.out}/{self.name}" in self.told
        return "rejected" not in self.told

    def judge(self):
        """None, or what is wrong."""
        if not self.model.results:
            return f"the model was told nothing: {self.printed[-1500:]}"
        if self.happened() != (self.name == "allowed"):
            return f"{'it was done' if self.happened() else 'not done'}: " \
                   f"{self.told[:1500]}"
        if self.name == "forbidden" and self.kind != "permissions" and \
                "The test forbids it" not in self.told:
            return f"the model was not told why: {self.told[:1500]}"
        rows = self.daemon.assent("log", "list", "--state",
                                  self.daemon.state).stdout
        rule = "test.yes" if self.name == "allowed" else "test.no"
        return None if rule in rows else f"not decided by {rule}: {rows}"

    def close(self):
        self.model.server.shutdown()
        shutil.rmtree(self.root, ignore_errors=True)


def play(kind, name, by_review):
    with tempfile.TemporaryDirectory(prefix="assent-rules-") as rules:
        write(f"{rules}/test.yaml", RULES)
        with Daemon(arguments=["--rules", rules]) as daemon:
            subprocess.run(["git", "init", "-q", daemon.workspace], check=True)
            one = One(daemon, kind, name, by_review)
            try:
                one.run()
                return one.judge()
            finally:
                one.close()


def main(arguments):
    faulthandler.cancel_dump_traceback_later()
    why = install()
    if why is not None:
        print(f"SKIP: the clients cannot be installed: {why}")
        return 77
    alone(os.path.abspath(__file__), arguments)
    failed = 0
    print(f"{'':14}{'app-server':22}{'its own reviews'}", flush=True)
    print(f"{'':14}" + f"{'denied':11}{'allowed':11}" * 2, flush=True)
    for kind in arguments or KINDS:
        if kind == "host" and os.geteuid() != 0:
            print(f"{kind:14}SKIP: an /etc of its own needs root")
            continue
        ways = (False,) if kind in OWN else (False, True)
        wrongs = [play(kind, name, by_review) for by_review in ways
                  for name in ("forbidden", "allowed")]
        print(f"{kind:14}" + "".join(
            f"{'ok' if w is None else 'FAILED':11}" for w in wrongs),
            flush=True)
        for wrong in filter(None, wrongs):
            failed += 1
            print(f"    {wrong}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
