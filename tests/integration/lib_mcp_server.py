"""An MCP server of its own kind for tests, on stdin and stdout: it writes each
line that it gets to the file LINES, and says what the file SAY holds:
tools: how it describes them; send: messages to send before everything else;
answers: raw lines for a method, {id} is replaced."""

import json
import os
import sys


def main():
    folder = sys.argv[1]
    with open(f"{folder}/SAY", encoding="utf-8") as f:
        say = json.load(f)
    with open(f"{folder}/PID", "w", encoding="ascii") as f:
        f.write(str(os.getpid()))

    def send(message):
        text = message if isinstance(message, str) else json.dumps(message)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    for message in say.get("send", []):
        send(message)
    with open(f"{folder}/LINES", "a", encoding="utf-8") as lines:
        for line in sys.stdin:
            lines.write(line)
            lines.flush()
            try:
                message = json.loads(line)
            except ValueError:
                continue
            method, name = message.get("method"), message.get("id")
            for text in say.get("answers", {}).get(method, []):
                send(text.replace("{id}", json.dumps(name)))
            if method in say.get("answers", {}) or name is None:
                continue
            if method == "tools/list":
                send({"jsonrpc": "2.0", "id": name,
                      "result": {"tools": say["tools"]}})
            elif method == "tools/call":
                if message["params"]["name"] == "hang":
                    continue
                send({"jsonrpc": "2.0", "id": name, "result": {
                    "content": [{"type": "text", "text": json.dumps(
                        message["params"])}]}})
            elif method is not None:
                send({"jsonrpc": "2.0", "id": name, "result": {
                    "echo": message}})


if __name__ == "__main__":
    main()
