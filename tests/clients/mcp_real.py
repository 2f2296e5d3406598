#!/usr/bin/env python3
"""
assent mcp-proxy between the protocol's own client (its SDK) and its own
"everything" server, both from npm: calls are judged, all else arrives.
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

from lib_clients import add, peers  # noqa: E402
from lib_daemon import BIN, Daemon  # noqa: E402

PACKAGES = ("@modelcontextprotocol/sdk",
            "@modelcontextprotocol/server-everything")
RULES = """\
assent: 1
rules:
  - id: everything.most
    tool: mcp
    mcp: {server: everything}
    decision: allow
    covers: {any: [any]}
  - id: everything.sums
    tool: mcp
    mcp: {server: everything, tool: "get-sum"}
    decision: deny
    reason: Sums are done by hand here.
"""
CLIENT = """\
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from
  "@modelcontextprotocol/sdk/client/stdio.js";
import { CreateMessageRequestSchema, ElicitRequestSchema } from
  "@modelcontextprotocol/sdk/types.js";

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: "sdk", version: "1" }, {
  capabilities: { sampling: {}, elicitation: {} } });
const said = { sampled: 0, progress: 0 };
client.setRequestHandler(CreateMessageRequestSchema, async () => {
  said.sampled++;
  return { model: "none", role: "assistant",
           content: { type: "text", text: "a sampled word" } };
});
client.setRequestHandler(ElicitRequestSchema,
                         async () => ({ action: "decline" }));
await client.connect(new StdioClientTransport({ command, args }));
said.server = client.getServerVersion().name;
const tools = (await client.listTools()).tools.map(t => t.name);
said.tools = tools.length;
const call = async (name, input, options) => {
  const r = await client.callTool({ name, arguments: input }, undefined,
                                  options);
  return { error: r.isError === true,
           text: r.content.map(c => c.text ?? c.type).join(" ") };
};
said.echo = await call("echo", { message: "it's \\u00e9" });
said.sum = await call("get-sum", { a: 1, b: 2 });
const long = tools.find(t => t.includes("ong-running"));
said.long = await call(long, { duration: 1, steps: 3 }, {
  onprogress: () => said.progress++ });
const sampling = tools.find(t => t.includes("sampling"));
if (sampling)
  said.sampling = await call(sampling, { prompt: "x", maxTokens: 10 });
said.resources = (await client.listResources()).resources.length;
said.prompts = (await client.listPrompts()).prompts.length;
console.log(JSON.stringify(said));
await client.close();
process.exit(0);
"""


def check(said):
    """What is wrong, or nothing."""
    wants = {
        "the server is the real one": "everything" in said["server"],
        "its tools are listed": said["tools"] >= 5,
        "an allowed call arrives": "it's \u00e9" in said["echo"]["text"],
        "a denied one does not": said["sum"]["error"] and
        "Sums are done by hand" in said["sum"]["text"],
        "its progress arrives": said["progress"] >= 2,
        "its sampling reaches the client": "sampling" not in said or (
            said["sampled"] == 1 and
            "a sampled word" in said["sampling"]["text"]),
        "resources and prompts pass": said["resources"] > 0 and
        said["prompts"] > 0,
    }
    for name, good in wants.items():
        print("ok  " if good else "FAILED", name)
    return [name for name, good in wants.items() if not good]


def main():
    faulthandler.cancel_dump_traceback_later()
    folder = f"{peers()}/mcp"
    why = add(folder, PACKAGES)
    if why is not None:
        print(f"SKIP: the server cannot be installed: {why}")
        return 77
    work = tempfile.mkdtemp(prefix="assent-mcp-")
    os.mkdir(f"{work}/rules")
    with open(f"{work}/rules/everything.yaml", "w", encoding="ascii") as f:
        f.write(RULES)
    with open(f"{folder}/client.mjs", "w", encoding="utf-8") as f:
        f.write(CLIENT)
    with Daemon(arguments=["--rules", f"{work}/rules"]) as d:
        ran = subprocess.run(
            ["node", f"{folder}/client.mjs", f"{BIN}/assent", "mcp-proxy",
             "--name", "everything", "--runtime", d.runtime, "--state",
             f"{work}/pins", "--workspace", d.workspace, "--", "node",
             f"{folder}/node_modules/.bin/mcp-server-everything"],
            capture_output=True, text=True, timeout=120, check=False,
            cwd=d.workspace)
    shutil.rmtree(work, ignore_errors=True)
    if ran.returncode != 0:
        print(ran.stdout[-2000:], ran.stderr[-2000:])
        return 1
    said = json.loads(ran.stdout.splitlines()[-1])
    wrong = check(said)
    if wrong:
        print(json.dumps(said)[:3000], ran.stderr[-1000:])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
