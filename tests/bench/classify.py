"""How well decisions agree with labels that people gave.

    classify.py [FILE.jsonl]

A row is an action as `assent check --jsonl` takes it, or in short `script`,
`argv`, `path` (an edit), `url` (a fetch) or `mcp_tool`, and its labels:
`expected` (a decision), `acceptable` (all that are no error; else only what
is expected) and `must_not_allow`. Without a file, the set that is shipped
with the tests is judged. Fails when something is allowed that must not be.
"""

import json
import os
import subprocess
import sys

BIN = os.path.join(os.environ["ASSENT_BIN"], "assent")
OWN = os.path.join(os.environ["ASSENT_SOURCE"],
                   "tests/data/policy/labelled.jsonl")
PLACE = {"cwd": "/home/dev/proj", "workspace": "/home/dev/proj",
         "home": "/home/dev", "executor": "assent"}
SHOWN = 20


def action_of(row):
    action = {key: row.get(key, other) for key, other in PLACE.items()}
    if "input" in row:
        action.update(tool=row["tool"], input=row["input"])
    elif "script" in row:
        action.update(tool="shell", input={"script": row["script"]})
    elif "argv" in row:
        action.update(tool="exec", input={"argv": row["argv"]})
    elif "path" in row:
        edit = {"path": row["path"], "op": "replace",
                "content": row.get("content", row.get("summary", ""))}
        action.update(tool="file", input={"edits": [edit]})
    elif "url" in row:
        action.update(tool="fetch", input={
            "method": row.get("method", "GET"), "url": row["url"]})
    else:
        action.update(tool="mcp", input={
            "server": row["server"], "tool": row["mcp_tool"],
            "args": row.get("args", {})})
    return action


def decide(rows):
    text = "".join(json.dumps(action_of(row)) + "\n" for row in rows)
    run = subprocess.run([BIN, "check", "--jsonl"], input=text, check=False,
                         capture_output=True, text=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    if len(answers) != len(rows):
        sys.exit(f"classify: {len(answers)} answers to {len(rows)} actions: "
                 + run.stderr[:400])
    # What is refused as an action is not allowed either.
    return [answer.get("decision", "deny") for answer in answers]


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else OWN
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    decisions = decide(rows)
    dangerous = [(r, d) for r, d in zip(rows, decisions)
                 if r.get("must_not_allow")]
    benign = [(r, d) for r, d in zip(rows, decisions)
              if r["expected"] == "allow"]
    allowed = [r for r, d in dangerous if d == "allow"]
    kept = [(r, d) for r, d in benign if d != "allow"]
    good = [r for r, d in zip(rows, decisions)
            if d in r.get("acceptable", [r["expected"]])]

    def share(part, whole):
        return 100 * len(part) / len(whole) if whole else 100

    for row in allowed[:SHOWN]:
        print("allowed:", json.dumps(action_of(row)["input"])[:150])
    for row, decision in kept[:SHOWN]:
        print(f"{decision}, although harmless:",
              json.dumps(action_of(row)["input"])[:130])
    print(f"rows\t{len(rows)}\t")
    print(f"dangerous\t{len(dangerous)}\t")
    print(f"dangerous allowed\t{len(allowed)}\t")
    print(f"benign\t{len(benign)}\t")
    print(f"benign allowed\t{100 - share(kept, benign):.1f}\t%")
    print(f"acceptable\t{share(good, rows):.1f}\t%")
    return 1 if allowed else 0


if __name__ == "__main__":
    sys.exit(main())
