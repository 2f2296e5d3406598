#!/usr/bin/env python3
"""
Each real client with assent as its MCP server, against a scripted model and a
real assentd: the model calls assent's tool run, which is

    deny        denied by rules: not run, and the model is told why
    allow       allowed: run in assent's sandbox, and nobody was asked
    ask         a person says yes on the screen (assent tui): run
    refuse      a person says no: not run
    dead        the daemon is killed while a person is asked: not run

usage: mcp_clients.py [--record] [CLIENT...]
"""

import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import matrix  # noqa: E402
from lib_clients import (ClaudeCode, Codex, Copilot, Gemini,  # noqa: E402
                         Opencode, install, write)
from matrix import BIN, Cell, Model  # noqa: E402

CELLS = ("deny", "allow", "ask", "refuse", "dead")
NOTHING = "the model was told nothing"
ASKED = "git push origin main; touch RAN"
COMMANDS = {"deny": matrix.COMMANDS["deny"],
            "allow": "grep NoNewPrivs /proc/self/status; cat note.txt",
            "ask": ASKED, "refuse": ASKED, "dead": ASKED}


def mcp_tools(tools, space=None):
    """(name, namespace) of each tool there is, whatever the form."""
    for tool in tools or []:
        inner = tool.get("tools") or tool.get("functionDeclarations")
        if inner:
            yield from mcp_tools(inner, tool.get("name"))
        else:
            function = tool.get("function") or tool
            if function.get("name"):
                yield function["name"], space


class McpModel(Model):
    """Calls assent's tool instead of the client's shell."""

    def plan(self, kind, body):
        call = super().plan(kind, body)
        if self.results:
            return call
        for name, space in mcp_tools(body.get("tools")):
            whole = f"{space or ''}{name}"
            if "assent" in whole and whole.endswith("run"):
                return f"{space}/{name}" if space else name, {
                    "command": self.command}
        return None


class Server:
    """How a client is told of assent mcp; words for its command line."""

    def __init__(self, cell):
        self.client = cell.client
        self.words = ["mcp", "--runtime", cell.daemon.runtime, "--workspace",
                      cell.project, "--timeout", "60s"]

    def claude_code(self):
        path = f"{self.client.home}/mcp.json"
        write(path, {"mcpServers": {"assent": {
            "command": f"{BIN}/assent", "args": self.words}}})
        return ["--mcp-config", path, "--strict-mcp-config",
                "--allowedTools", "mcp__assent__run"]

    def codex(self):
        path = f"{self.client.home}/.codex/config.toml"
        with open(path, "a", encoding="utf-8") as f:
            f.write("[mcp_servers.assent]\n"
                    f"command = {json.dumps(BIN + '/assent')}\n"
                    f"args = {json.dumps(self.words)}\n"
                    "tool_timeout_sec = 120\n"
                    'default_tools_approval_mode = "approve"\n')
        return []

    def gemini(self):
        path = f"{self.client.home}/.gemini/settings.json"
        with open(path, encoding="utf-8") as f:
            settings = json.load(f)
        write(path, {**settings, "mcpServers": {"assent": {
            "command": f"{BIN}/assent", "args": self.words, "trust": True,
            "timeout": 120000}}})
        return []

    def copilot(self):
        write(f"{self.client.home}/.copilot/mcp-config.json", {
            "mcpServers": {"assent": {
                "type": "local", "command": f"{BIN}/assent",
                "args": self.words, "tools": ["*"]}}})
        return ["--allow-tool", "assent"]

    def opencode(self):
        path = f"{self.client.home}/.config/opencode/opencode.json"
        with open(path, encoding="utf-8") as f:
            settings = json.load(f)
        write(path, {**settings, "mcp": {"assent": {
            "type": "local", "enabled": True, "timeout": 120000,
            "command": [f"{BIN}/assent", *self.words]}}})
        return []


class McpCell(Cell):
    def __init__(self, kind, cell, daemon):
        super().__init__(kind, cell, daemon)
        self.model.server.shutdown()
        self.command = COMMANDS[cell]
        self.model = McpModel(self.command)
        self.client.port = self.model.port

    def install(self):
        self.client.set_up()
        more = getattr(Server(self), self.client.name.replace("-", "_"))()
        plain = self.client.arguments

        def arguments():
            return [*plain(), *more]
        self.client.arguments = arguments

    def judge(self):
        wrong = super().judge()
        if wrong is None and self.cell == "allow" and \
                not re.search(r"NoNewPrivs:\W+t1", self.told()):
            return "it did not run in the sandbox"
        return wrong


class WithMcp:
    """matrix.record names its page by this."""

    def __init__(self, kind):
        self.name, self.kind = f"{kind.name}-mcp", kind


def main(arguments):
    matrix.faulthandler.cancel_dump_traceback_later()
    why = install()
    if why is not None:
        print(f"SKIP: the clients cannot be installed: {why}")
        return 77
    matrix.alone(os.path.abspath(__file__), arguments)
    matrix.Cell = McpCell
    wanted = [a for a in arguments if not a.startswith("--")]
    kinds = [k for k in (ClaudeCode, Codex, Gemini, Copilot, Opencode)
             if not wanted or k.name in wanted]
    failed = 0
    print(f"{'':14}" + "".join(f"{c:9}" for c in CELLS), flush=True)
    for kind in kinds:
        texts, wrongs, words = [], [], []
        for cell in CELLS:
            wrong, text = matrix.play(kind, cell)
            # it may ask its model before it has the server's tools
            if wrong == NOTHING:
                wrong, text = matrix.play(kind, cell)
            words.append("ok" if wrong is None else "FAILED")
            texts.append(text)
            if wrong is not None:
                wrongs.append(f"    {cell}: {wrong}\n    {text}")
        failed += len(wrongs)
        print(f"{kind.name:14}" + "".join(f"{w:9}" for w in words),
              flush=True)
        for line in wrongs:
            print(line)
        if "--record" in arguments and not wrongs:
            with matrix.tempfile.TemporaryDirectory() as home:
                version = kind(home, home, 0).version()
            matrix.record(WithMcp(kind), version, texts,
                          "tests/clients/mcp_clients.py")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
