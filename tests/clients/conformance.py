#!/usr/bin/env python3
"""
The conformance suite of the Model Context Protocol, twice: against a server made
of the product's own front, sessions and protocol with the tools, resources and
prompts that the suite calls (tests/fake/mcp_alone.c), which passes every scenario;
and against assentd's POST /v1/mcp, whose tools are its own.

Then assent mcp-proxy --url is the client of the suite's servers.

A scenario that calls what only the suite's server has (test_simple_text,
test://static-text, ...) cannot pass with the latter: NEEDS_FIXTURE names each with
what it calls, and the run fails when one of them passes or any other one does not.

usage: conformance.py [--record]
"""

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, f"{os.path.dirname(HERE)}/integration")

import faulthandler  # noqa: E402

from lib_clients import add, peers  # noqa: E402
from lib_daemon import BIN, Daemon  # noqa: E402

SUITE = "@modelcontextprotocol/conformance@0.1.16"
NODE = "node@22"  # the suite needs it
RUN_S = 600
TOKEN = "t" * 40
CLIENT_SCENARIOS = ("initialize", "tools_call", "sse-retry")
CLIENT_RULES = """\
assent: 1
rules:
  - id: suite.all
    tool: mcp
    mcp: {server: suite}
    decision: allow
    covers: {any: [any]}
"""
NEEDS_FIXTURE = {
    "completion-complete": "prompt test_prompt_with_arguments",
    "tools-call-simple-text": "tool test_simple_text",
    "tools-call-image": "tool test_image_content",
    "tools-call-audio": "tool test_audio_content",
    "tools-call-embedded-resource": "tool test_embedded_resource",
    "tools-call-mixed-content": "tool test_multiple_content_types",
    "tools-call-with-logging": "tool test_tool_with_logging",
    "tools-call-error": "tool test_error_handling",
    "tools-call-with-progress": "tool test_tool_with_progress",
    "tools-call-sampling": "tool test_sampling",
    "tools-call-elicitation": "tool test_elicitation",
    "elicitation-sep1034-defaults": "tool test_elicitation_sep1034_defaults",
    "elicitation-sep1330-enums": "tool test_elicitation_sep1330_enums",
    "json-schema-2020-12": "tool json_schema_2020_12_tool",
    "resources-read-text": "resource test://static-text",
    "resources-read-binary": "resource test://static-binary",
    "resources-templates-read": "template test://template/{id}/data",
    "resources-subscribe": "resource test://watched-resource",
    "resources-unsubscribe": "resource test://watched-resource",
    "prompts-get-simple": "prompt test_simple_prompt",
    "prompts-get-with-args": "prompt test_prompt_with_arguments",
    "prompts-get-embedded-resource":
        "prompt test_prompt_with_embedded_resource",
    "prompts-get-with-image": "prompt test_prompt_with_image",
}


class Pass:
    """Adds the token that the suite cannot send; nothing else is touched."""

    def __init__(self, port, token):
        self.port, self.token = port, token
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.own = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,),
                             daemon=True).start()

    def serve(self, client):
        server = socket.create_connection(("127.0.0.1", self.port))

        def back():
            try:
                while data := server.recv(65536):
                    client.sendall(data)
            except OSError:
                pass
            client.close()
        threading.Thread(target=back, daemon=True).start()
        rest, body = b"", 0
        try:
            while data := client.recv(65536):
                rest += data
                while rest:
                    if body:
                        server.sendall(rest[:body])
                        rest, body = rest[body:], max(0, body - len(rest))
                        continue
                    end = rest.find(b"\r\n\r\n")
                    if end < 0:
                        break
                    head, rest = rest[:end], rest[end + 4:]
                    # the suite speaks to our port, the daemon to its own
                    head = head.replace(b"127.0.0.1:%d" % self.own,
                                        b"127.0.0.1:%d" % self.port)
                    head = head.replace(b"localhost:%d" % self.own,
                                        b"localhost:%d" % self.port)
                    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
                    body = int(found.group(1)) if found else 0
                    server.sendall(head + b"\r\nAuthorization: Bearer " +
                                   self.token.encode() + b"\r\n\r\n")
        except OSError:
            pass
        server.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def fixture(work):
    """The front alone with the suite's own tools: its port."""
    folder = f"{work}/alone"
    os.mkdir(folder)
    server = subprocess.Popen(
        [f"{os.path.dirname(BIN)}/fake/mcp_alone", folder],
        stdin=subprocess.PIPE)
    try:
        for _ in range(500):
            if os.path.exists(f"{folder}/port") and \
                    os.path.getsize(f"{folder}/port"):
                break
            time.sleep(0.02)
        with open(f"{folder}/port", encoding="ascii") as f:
            yield int(f.read())
    finally:
        server.stdin.close()
        if server.wait(30) != 0:
            raise RuntimeError("the server did not end well")


@contextlib.contextmanager
def product(work):
    """The daemon: its port."""
    with open(f"{work}/token", "w", encoding="ascii") as f:
        f.write(f"agent {TOKEN}\n")
    os.chmod(f"{work}/token", 0o600)
    port = free_port()
    with Daemon(f'listen: {{tcp: "127.0.0.1:{port}", '
                f'token_file: {work}/token}}\n'):
        yield port


def run_suite(folder, work, port, expected):
    """The rows of its summary; None: it is not content."""
    with open(f"{work}/expected.yml", "w", encoding="ascii") as f:
        f.write("server: [" + ", ".join(expected) + "]\n")
    between = Pass(port, TOKEN)
    ran = subprocess.run(
        [f"{folder}/node_modules/.bin/node",
         f"{folder}/node_modules/.bin/conformance", "server", "--url",
         f"http://127.0.0.1:{between.own}/v1/mcp", "--suite", "all",
         "--expected-failures", f"{work}/expected.yml"],
        cwd=work, capture_output=True, text=True, timeout=RUN_S,
        check=False)
    summary = ran.stdout.split("=== SUMMARY ===")[-1]
    rows = re.findall(r"^(.) ([\w-]+): (\d+) passed, (\d+) failed", summary,
                      re.MULTILINE)
    print("\n".join(" ".join(row) for row in rows))
    if ran.returncode != 0 or not rows:
        print(ran.stdout[-3000:], ran.stderr[-2000:])
        return None
    return rows


def run_client(folder, work):
    """Scenarios of a client's transport, with assent mcp-proxy as the client;
    what was found, or None."""
    os.mkdir(f"{work}/rules")
    with open(f"{work}/rules/suite.yaml", "w", encoding="ascii") as f:
        f.write(CLIENT_RULES)
    found = []
    with Daemon(arguments=["--rules", f"{work}/rules"]) as d:
        for scenario in CLIENT_SCENARIOS:
            ran = subprocess.run(
                [f"{folder}/node_modules/.bin/node",
                 f"{folder}/node_modules/.bin/conformance", "client",
                 "--command", f"{sys.executable} -B {HERE}/mcp_driver.py",
                 "--scenario", scenario], cwd=d.workspace,
                env={**os.environ, "ASSENT_RUNTIME": d.runtime,
                     "ASSENT_PINS": f"{work}/pins"},
                capture_output=True, text=True, timeout=RUN_S, check=False)
            print("\u2713" if ran.returncode == 0 else "FAILED", scenario)
            if ran.returncode != 0:
                print(ran.stdout[-2500:], ran.stderr[-2500:])
                return None
            found.append(scenario)
    return found


def names(rows):
    return ", ".join(name for _, name, good, bad in rows
                     if int(good) > 0 and bad == "0")


def record(alone, daemon, client):
    path = f"{os.environ['ASSENT_SOURCE']}/docs/agents/transcripts"
    with open(f"{path}/mcp-conformance.md", "w", encoding="utf-8") as f:
        f.write(
            f"# {SUITE}\n\nWritten by `tests/clients/conformance.py "
            "--record`.\n\n## The protocol\n\nThe front, the sessions and "
            "the protocol of assentd with the tools, resources and\nprompts "
            "that the suite calls (`tests/fake/mcp_alone.c`), all "
            f"{len(alone)} scenarios\npassed: {names(alone)}.\n\n"
            "## assentd\n\n`POST /v1/mcp` of a real assentd passed: "
            f"{names(daemon)}.\n\nserver-sse-polling ends there before it "
            "checks anything, as there is no tool\ntest_reconnection. What "
            "is left calls what only the suite's own server has:\n\n" +
            "\n".join(
                f"- {name}: {what}"
                for name, what in NEEDS_FIXTURE.items()) +
            "\n\n## assent mcp-proxy --url\n\nIn front of the suite's "
            f"servers, as their client, it passed: {', '.join(client)}.\n")


def main():
    faulthandler.cancel_dump_traceback_later()
    folder = f"{peers()}/conformance"
    why = add(folder, [SUITE], "@modelcontextprotocol/conformance") or \
        add(folder, [NODE], "node")
    if why is not None:
        print(f"SKIP: the suite cannot be installed: {why}")
        return 77
    with tempfile.TemporaryDirectory(prefix="assent-conformance-") as work:
        print("---- the protocol with the suite's own tools")
        with fixture(work) as port:
            alone = run_suite(folder, work, port, [])
        print("---- assentd")
        with product(work) as port:
            daemon = run_suite(folder, work, port, NEEDS_FIXTURE)
        print("---- assent mcp-proxy --url")
        client = run_client(folder, work)
    if alone is None or daemon is None or client is None:
        return 1
    if "--record" in sys.argv:
        record(alone, daemon, client)
    return 0


if __name__ == "__main__":
    sys.exit(main())
