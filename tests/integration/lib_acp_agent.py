"""An agent of the Agent Client Protocol for tests: at each prompt it sends the
messages of the file SAY, waits for the answers to those with an id, and writes
all that it gets to the file LINES."""

import json
import sys


def main():
    folder = sys.argv[1]

    def send(message):
        text = message if isinstance(message, str) else json.dumps(message)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    with open(f"{folder}/LINES", "a", encoding="utf-8") as lines:
        waiting, prompt = set(), None
        for line in sys.stdin:
            lines.write(line)
            lines.flush()
            message = json.loads(line)
            method, name = message.get("method"), message.get("id")
            if method == "initialize":
                with open(f"{folder}/SAY", encoding="utf-8") as f:
                    info = json.load(f)["info"]
                send({"jsonrpc": "2.0", "id": name, "result": {
                    "protocolVersion": 1, "agentInfo": info}})
            elif method == "session/new":
                send({"jsonrpc": "2.0", "id": name,
                      "result": {"sessionId": "s-1"}})
            elif method == "session/prompt":
                prompt = name
                with open(f"{folder}/SAY", encoding="utf-8") as f:
                    for ask in json.load(f)["ask"]:
                        if isinstance(ask, dict) and "id" in ask:
                            waiting.add(ask["id"])
                        send(ask)
            elif method is None and name in waiting:
                waiting.remove(name)
            if prompt is not None and not waiting:
                send({"jsonrpc": "2.0", "id": prompt,
                      "result": {"stopReason": "end_turn"}})
                prompt = None


if __name__ == "__main__":
    main()
