#!/usr/bin/env python3
"""The client of the conformance suite: assent mcp-proxy --url in front of the
suite's server, used as the scenario wants. usage: mcp_driver.py URL"""

import json
import os
import subprocess
import sys

CALLS = {"tools_call": ("add_numbers", {"a": 5, "b": 3}),
         "sse-retry": ("test_reconnection", {})}


def main():
    scenario = os.environ["MCP_CONFORMANCE_SCENARIO"]
    proxy = subprocess.Popen(
        [f"{os.environ['ASSENT_BIN']}/assent", "mcp-proxy", "--url",
         sys.argv[1], "--name", "suite", "--runtime",
         os.environ["ASSENT_RUNTIME"], "--state",
         os.environ["ASSENT_PINS"], "--workspace", os.getcwd()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ids = iter(range(1, 100))

    def send(method, **params):
        proxy.stdin.write(json.dumps({
            "jsonrpc": "2.0", "method": method, **params}).encode() + b"\n")
        proxy.stdin.flush()

    def ask(method, **params):
        name = next(ids)
        send(method, id=name, params=params)
        while True:
            said = json.loads(proxy.stdout.readline())
            if said.get("id") == name:
                return said["result"]

    ask("initialize", protocolVersion="2025-11-25", capabilities={},
        clientInfo={"name": "assent", "version": "1"})
    send("notifications/initialized")
    ask("tools/list")
    if scenario in CALLS:
        name, arguments = CALLS[scenario]
        said = ask("tools/call", name=name, arguments=arguments)
        assert not said.get("isError"), said
    proxy.stdin.close()
    return proxy.wait(30)


if __name__ == "__main__":
    sys.exit(main())
