"""A client of Codex's app-server: starts what it is given, sends one prompt, and
prints every message.

usage: lib_app.py PROJECT PROMPT -- SERVER...

Its user answers nothing: a question that reaches it is an error. Tools of its
own it runs: each says what it was called with. What it does with its threads is
in ASSENT_THREAD, as JSON.
"""

import json
import os
import subprocess
import sys


class Client:
    def __init__(self, command):
        self.server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ids = 0

    def send(self, message):
        self.server.stdin.write(json.dumps(message).encode() + b"\n")
        self.server.stdin.flush()

    def wait(self, is_it):
        for line in self.server.stdout:
            print(line.decode(errors="replace"), end="", flush=True)
            message = json.loads(line)
            if "method" in message and "id" in message:
                self.send({"id": message["id"], **self.answer(message)})
            if is_it(message):
                return message
        raise SystemExit("the server has ended")

    @staticmethod
    def answer(message):
        if message["method"] != "item/tool/call":
            return {"error": {"code": -32601, "message": "nobody is here"}}
        return {"result": {"success": True, "contentItems": [{
            "type": "inputText",
            "text": f"CALLED {message['params']['tool']}"}]}}

    def call(self, method, **params):
        self.ids += 1
        name = self.ids
        self.send({"id": name, "method": method, "params": params})
        return self.wait(
            lambda m: m.get("id") == name and "method" not in m)["result"]


def main(project, prompt, command):
    client = Client(command)
    client.call("initialize", clientInfo={"name": "editor", "version": "1"},
                capabilities={"experimentalApi": True})
    client.send({"method": "initialized"})
    settings = {"approvalPolicy": "untrusted", "sandbox": "workspace-write",
                **json.loads(os.environ.get("ASSENT_THREAD", "{}"))}
    thread = client.call("thread/start", cwd=project, **settings)
    client.call("turn/start", threadId=thread["thread"]["id"],
                input=[{"type": "text", "text": prompt}])
    client.wait(lambda m: m.get("method") == "turn/completed")
    client.server.stdin.close()
    try:
        client.server.wait(10)
    except subprocess.TimeoutExpired:
        client.server.kill()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[4:])
