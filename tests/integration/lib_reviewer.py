"""
What the tests of the reviewer share: a scripted provider, settings that name
it, and `assent review try`, which starts the daemon's own reviewer process.
"""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "fake"))

import provider  # noqa: E402  pylint: disable=wrong-import-position

BIN = os.environ["ASSENT_BIN"]
SANITIZES = os.environ.get("ASSENT_PRESET_SANITIZES") == "1"
SECRET = "sk-test-0123456789abcdefSECRET"
ALLOW, DENY, ESCALATE, FAILED = "approve", "deny", "escalate", "failed"
MODEL = "scripted-1"


def write_key(folder, text=SECRET, mode=0o600, name="key"):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text + "\n")
    os.chmod(path, mode)
    return path


def provider_line(url, key=None, **more):
    """One entry of reviewer.providers, as YAML."""
    entry = {"name": "main", "format": "chat", "url": url, "model": MODEL}
    if key:
        entry["key_file"] = key
    entry.update(more)
    return json.dumps({k: v for k, v in entry.items() if v is not None})


def settings(lines, timeout="4s", **more):
    text = f"reviewer:\n  timeout: {timeout}\n"
    for name, value in more.items():
        text += f"  {name}: {value}\n"
    return text + "  providers:\n" + "".join(f"    - {x}\n" for x in lines)


def write_settings(folder, text, name="assent.yaml"):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o600)
    return path


def attempt(config, script, *options, environment=None, timeout=60):
    """assent review try: (answer as JSON or None, exit status, stderr)."""
    ran = subprocess.run(
        [f"{BIN}/assent", "review", "try", "--json", "--config", config,
         *options, "--", script],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=timeout, check=False,
        env=environment)
    text = ran.stdout.decode("utf-8", "replace")
    if SECRET in text or SECRET.encode() in ran.stderr:
        raise SystemExit("the key was printed")
    try:
        return json.loads(text), ran.returncode, ran.stderr.decode()
    except ValueError:
        return None, ran.returncode, ran.stderr.decode("utf-8", "replace")


class Checks:
    """Counts what held; says what did not."""

    def __init__(self):
        self.held = 0
        self.failed = []

    def that(self, what, holds, detail=""):
        if holds:
            self.held += 1
        else:
            self.failed.append(what)
            print(f"NOT SO: {what}: {detail}", flush=True)

    def end(self):
        print(f"{self.held} held, {len(self.failed)} did not")
        sys.exit(1 if self.failed else 0)
