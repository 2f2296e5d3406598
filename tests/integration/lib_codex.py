"""The form in which Codex asks for its own reviews, and what it reads."""

import json


def part(text):
    return {"type": "input_text", "text": text}


def message(role, *texts):
    return {"type": "message", "role": role,
            "content": [part(text) for text in texts]}


def codex_review(command, cwd, workspace=None):
    """A request of the Responses API as Codex 0.169 sends it."""
    action = {"command": ["/bin/bash", "-lc", command], "cwd": cwd,
              "environment_id": "local", "justification": "outside, please",
              "sandbox_permissions": "require_escalated",
              "tool": "exec_command", "tty": False}
    return {
        "model": "m", "stream": True, "store": False,
        "prompt_cache_key": "guardian:01a215a9",
        "text": {"format": {"type": "json_schema", "schema": {
            "properties": {"outcome": {"type": "string"}}}}},
        "input": [
            message("developer", "a policy"),
            message("developer", "permissions"),
            message("user", "<environment_context>\n"
                    f"  <cwd>{workspace or cwd}</cwd>\n"
                    "</environment_context>"),
            message("user", ">>> TRANSCRIPT START\n", "[1] user: do it\n",
                    ">>> TRANSCRIPT END\n", ">>> APPROVAL REQUEST START\n",
                    "Planned action JSON:\n",
                    json.dumps(action, indent=2) + "\n",
                    ">>> APPROVAL REQUEST END\n")]}


def codex_outcome(stream):
    """The verdict in an answer, read as strictly as Codex does."""
    events = [dict(line.split(": ", 1) for line in event.split("\n"))
              for event in stream.decode().split("\n\n") if event]
    data = [json.loads(event["data"]) for event in events]
    types = [event["type"] for event in data]
    assert types == ["response.created", "response.output_item.done",
                     "response.completed"], types
    assert types == [event["event"] for event in events], events
    return json.loads(data[1]["item"]["content"][0]["text"])
