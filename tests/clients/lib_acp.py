"""An editor of the Agent Client Protocol: starts what it is given, sends one
prompt, does what it is asked to, and prints every message.

usage: lib_acp.py PROJECT PROMPT -- AGENT...

Its user answers nothing: a question that reaches the editor is cancelled.
"""

import json
import subprocess
import sys

CAPABILITIES = {"fs": {"readTextFile": True, "writeTextFile": True},
                "terminal": False}


class Editor:
    def __init__(self, command):
        self.agent = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ids = 0

    def send(self, message):
        self.agent.stdin.write(json.dumps(message).encode() + b"\n")
        self.agent.stdin.flush()

    def call(self, method, **params):
        self.ids += 1
        self.send({"jsonrpc": "2.0", "id": self.ids, "method": method,
                   "params": params})
        for line in self.agent.stdout:
            print(line.decode(errors="replace"), end="", flush=True)
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if message.get("id") == self.ids and "method" not in message:
                return message
            if "method" in message and "id" in message:
                self.serve(message)
        raise SystemExit("the agent has ended")

    def serve(self, message):
        answer = {"jsonrpc": "2.0", "id": message["id"]}
        params = message.get("params", {})
        try:
            if message["method"] == "session/request_permission":
                answer["result"] = {"outcome": {"outcome": "cancelled"}}
            elif message["method"] == "fs/read_text_file":
                with open(params["path"], encoding="utf-8") as f:
                    answer["result"] = {"content": f.read()}
            elif message["method"] == "fs/write_text_file":
                with open(params["path"], "w", encoding="utf-8") as f:
                    f.write(params["content"])
                answer["result"] = None
            else:
                answer["error"] = {"code": -32601, "message": "no"}
        except OSError as e:
            answer["error"] = {"code": -32000, "message": str(e)}
        self.send(answer)


def main(project, prompt, command):
    editor = Editor(command)
    info = editor.call("initialize", protocolVersion=1,
                       clientCapabilities=CAPABILITIES,
                       clientInfo={"name": "editor", "version": "1"})
    session = editor.call("session/new", cwd=project, mcpServers=[])
    if "error" in session:
        ways = info["result"].get("authMethods") or [{}]
        editor.call("authenticate", methodId=ways[0].get("id"))
        session = editor.call("session/new", cwd=project, mcpServers=[])
    editor.call("session/prompt",
                sessionId=session["result"]["sessionId"],
                prompt=[{"type": "text", "text": prompt}])
    editor.agent.stdin.close()
    try:
        editor.agent.wait(10)
    except subprocess.TimeoutExpired:
        editor.agent.kill()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[4:])
