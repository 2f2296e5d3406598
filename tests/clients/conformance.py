#!/usr/bin/env python3
"""
The conformance suite of the Model Context Protocol against POST /v1/mcp.

The suite's server scenarios are of two kinds. Those about the protocol hold for
every server. The others call tools, prompts and resources of one certain server
that was written for the suite (test_simple_text, test://static-text, ...), or about
streams and sessions, which are optional and which POST /v1/mcp has not. assent
has its own tools, so those cannot pass: EXPECTED names them, and the run fails
when one of them passes, or when any other one does not.

usage: conformance.py [--record]
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, f"{os.path.dirname(HERE)}/integration")

import faulthandler  # noqa: E402

from lib_clients import add, peers  # noqa: E402
from lib_daemon import Daemon  # noqa: E402

SUITE = "@modelcontextprotocol/conformance@0.1.16"
NODE = "node@22"  # the suite needs it
RUN_S = 600
EXPECTED = """\
completion-complete tools-call-simple-text tools-call-image tools-call-audio
tools-call-embedded-resource tools-call-mixed-content tools-call-with-logging
tools-call-error tools-call-with-progress tools-call-sampling
tools-call-elicitation elicitation-sep1034-defaults elicitation-sep1330-enums json-schema-2020-12
server-sse-polling server-sse-multiple-streams
resources-list resources-read-text resources-read-binary
resources-templates-read resources-subscribe resources-unsubscribe
prompts-list prompts-get-simple prompts-get-with-args
prompts-get-embedded-resource prompts-get-with-image logging-set-level
""".split()


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


def record(rows):
    passed = [name for _, name, good, bad in rows
              if int(good) > 0 and bad == "0"]
    path = f"{os.environ['ASSENT_SOURCE']}/docs/agents/transcripts"
    with open(f"{path}/mcp-conformance.md", "w", encoding="utf-8") as f:
        f.write(
            f"# {SUITE}\n\nWritten by `tests/clients/conformance.py "
            "--record`: the suite's server scenarios against\na real "
            "assentd's `POST /v1/mcp`.\n\nPassed: " + ", ".join(passed) +
            ".\n\nNot for this server, as they call tools, prompts and "
            "resources of the server that the\nsuite brings along, or "
            "streams and sessions, which are optional:\n\n" + "\n".join(
                f"- {name}" for _, name, _, _ in rows
                if name not in passed) + "\n")


def main():
    faulthandler.cancel_dump_traceback_later()
    folder = f"{peers()}/conformance"
    why = add(folder, [SUITE], "@modelcontextprotocol/conformance") or \
        add(folder, [NODE], "node")
    if why is not None:
        print(f"SKIP: the suite cannot be installed: {why}")
        return 77
    work = tempfile.mkdtemp(prefix="assent-conformance-")
    token = "t" * 40
    with open(f"{work}/token", "w", encoding="ascii") as f:
        f.write(f"agent {token}\n")
    os.chmod(f"{work}/token", 0o600)
    with open(f"{work}/expected.yml", "w", encoding="ascii") as f:
        f.write("server:\n" + "".join(f"  - {n}\n" for n in EXPECTED))
    port = free_port()
    with Daemon(f'listen: {{tcp: "127.0.0.1:{port}", '
                f'token_file: {work}/token}}\n'):
        between = Pass(port, token)
        ran = subprocess.run(
            [f"{folder}/node_modules/.bin/node",
             f"{folder}/node_modules/.bin/conformance", "server", "--url",
             f"http://127.0.0.1:{between.own}/v1/mcp", "--suite", "all",
             "--expected-failures", f"{work}/expected.yml"],
            cwd=work, capture_output=True, text=True, timeout=RUN_S,
            check=False)
    shutil.rmtree(work, ignore_errors=True)
    summary = ran.stdout.split("=== SUMMARY ===")[-1]
    rows = re.findall(r"^(.) ([\w-]+): (\d+) passed, (\d+) failed", summary,
                      re.MULTILINE)
    print("\n".join(" ".join(row) for row in rows))
    if ran.returncode != 0 or not rows:
        print(ran.stdout[-3000:], ran.stderr[-2000:])
        return ran.returncode or 1
    if "--record" in sys.argv:
        record(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
