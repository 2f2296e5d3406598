"""Codex's app-server for tests: at each turn it sends the messages of the file
SAY, waits for the answers to those with an id, and writes all that it gets to
the file LINES."""

import json
import sys


def main():
    folder = sys.argv[1]

    def send(message):
        text = message if isinstance(message, str) else json.dumps(message)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    with open(f"{folder}/LINES", "a", encoding="utf-8") as lines:
        waiting = set()
        for line in sys.stdin:
            lines.write(line)
            lines.flush()
            message = json.loads(line)
            method, name = message.get("method"), message.get("id")
            if method == "thread/start":
                send({"id": name, "result": {
                    "thread": {"id": "t-1", "cliVersion": "0.169.0",
                               "cwd": message["params"]["cwd"]},
                    "cwd": message["params"]["cwd"]}})
            elif method == "turn/start":
                send({"id": name, "result": {"turn": {"id": "u-1"}}})
                with open(f"{folder}/SAY", encoding="utf-8") as f:
                    for ask in json.load(f):
                        if isinstance(ask, dict) and "id" in ask:
                            waiting.add(ask["id"])
                        send(ask)
            elif method == "thread/inject_items":
                send({"id": name, "result": {}})
            elif method is None:
                waiting.discard(name)
            elif name is not None:
                send({"id": name, "result": {}})
            if method in ("turn/start", "turn/interrupt", None) and \
                    not waiting:
                send({"method": "turn/completed", "params": {
                    "threadId": "t-1"}, "emittedAtMs": 1})


if __name__ == "__main__":
    main()
