"""What a hook costs the client: one call that rules allow, through a running
daemon, start of the program included; the same by a small adapter in Python,
interleaved in one run.
"""

import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "integration"))

from lib_daemon import BIN, Daemon  # noqa: E402

ROUNDS = 200
ADAPTER = """
import http.client, json, socket, sys
class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1] + "/agent.sock")
hook = json.load(sys.stdin)
c = Unix("localhost")
c.request("POST", "/v1/actions", json.dumps({
    "tool": "shell", "input": {"script": hook["tool_input"]["command"]},
    "cwd": hook["cwd"], "workspace": hook["cwd"], "executor": "client"}),
    {"Content-Type": "application/json"})
answer = json.loads(c.getresponse().read())
print(json.dumps({"hookSpecificOutput": {
    "hookEventName": "PreToolUse",
    "permissionDecision": answer["decision"]}}))
"""


def one(command, text):
    began = time.perf_counter()
    ran = subprocess.run(command, input=text, capture_output=True,
                         check=False)
    spent = 1000 * (time.perf_counter() - began)
    if b'"allow"' not in ran.stdout:
        sys.exit(f"{command[0]}: {ran.stdout} {ran.stderr}")
    return spent


def main():
    with Daemon() as d:
        commands = {
            "assent hook": [f"{BIN}/assent", "hook", "claude-code",
                            "--runtime", d.runtime],
            "python adapter": [sys.executable, "-c", ADAPTER, d.runtime],
            "nothing": ["/bin/echo", '"allow"'],
        }
        times = {name: [] for name in commands}
        for i in range(ROUNDS):
            for name, command in commands.items():
                times[name].append(one(command, json.dumps({
                    "hook_event_name": "PreToolUse", "session_id": "b",
                    "tool_use_id": f"{name}-{i}", "tool_name": "Bash",
                    "tool_input": {"command": "git status"},
                    "cwd": d.workspace}).encode()))
    for name, spent in times.items():
        print(f"{name}: median\t{statistics.median(spent):.3f}\tms")
        print(f"{name}: p90\t{sorted(spent)[ROUNDS * 9 // 10]:.3f}\tms")


if __name__ == "__main__":
    main()
