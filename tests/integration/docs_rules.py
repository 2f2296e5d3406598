#!/usr/bin/env python3
"""docs/rules.md holds what it says: every YAML example loads, passes its own
tests and is formatted; the walk-through gives what it shows, beside a daemon,
too, and leaves no command out; the reference is the loader's; the codes exist.

    docs_rules.py [--write]    --write: put the real output into the page
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib_daemon import Daemon  # noqa: E402
from lib_https import https_server  # noqa: E402

BIN = os.path.join(os.environ["ASSENT_BIN"], "assent")
SOURCE = os.environ["ASSENT_SOURCE"]
PAGE = os.path.join(SOURCE, "docs", "rules.md")
failures = []


def run(*words, stdin=""):
    return subprocess.run([BIN, *words], input=stdin, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)


def check(what, ok, output=""):
    print(("ok   " if ok else "FAIL ") + what)
    if not ok:
        failures.append(what)
        print(output)


def examples(text):
    return re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)


def reference(text):
    return re.search(r"<!-- reference: begin -->\n(.*?)<!-- reference: end -->",
                     text, re.S).group(1)


# What a daemon notices by itself, a moment after the command.
CHANGES = re.compile(r"rules (shadow .*--(try|stop)|(off|rollback)(?!.*--list"
                     r"\Z))|^sed -i .* rules\.d/")
PATIENCE_S = 15
HISTORY = [(f"curl -s https://good.example.com/{page}", "allow")
           for page in "abc"]
HISTORY += [("ls", None), ("git push origin topic", "allow")]


def propose(daemon, script, answer):
    body = daemon.shell(script, execute=False, wait=0)[1]
    if answer is not None:
        assert body["state"] == "pending", body
        assert daemon.answer(body["id"], answer)[0] == 200


def in_force(daemon):
    rules = daemon.approver("GET", "/v1/rules")[1]
    return rules["policy_sha256"], rules["shadow"]["candidate"] is None


def same_everywhere(text):
    """Without what differs from build to build and from run to run."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", text)
    return re.sub(r"\b20\d\d-\d\d-\d\dT[0-9:.]+Z", "TIME", text)


class WalkThrough:
    """The blocks of the transcript, one after another in one folder."""

    def __init__(self, folder, example):
        self.folder = folder
        self.server = None
        self.daemon = None
        for name in ("old", "new"):
            os.mkdir(os.path.join(folder, name))
            with open(os.path.join(folder, name, "git.yaml"), "w",
                      encoding="utf-8") as file:
                file.write(example)

    def __enter__(self):
        self.server, _ = https_server(self.folder)
        return self

    def __exit__(self, kind, value, trace):
        if self.daemon is not None:
            self.daemon.__exit__(kind, value, trace)
        self.server.shutdown()
        self.server.server_close()

    def start_daemon(self):
        shutil.copytree(f"{self.folder}/new", f"{self.folder}/rules.d")
        daemon = Daemon(arguments=["--rules", f"{self.folder}/rules.d"])
        daemon.state = f"{self.folder}/state"
        daemon.runtime = f"{self.folder}/run"
        self.daemon = daemon
        daemon.start()
        for script, answer in HISTORY:
            propose(daemon, script, answer)

    def run(self, command):
        waits = self.daemon is not None and CHANGES.search(command)
        before = in_force(self.daemon) if waits else None
        path = os.path.abspath(os.environ["ASSENT_BIN"])
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, text=True, check=False,
            env={"PATH": path + ":" + os.environ["PATH"],
                 "SERVER": f"localhost:{self.server.server_port}"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        end = time.monotonic() + PATIENCE_S
        while waits and in_force(self.daemon) == before:
            if time.monotonic() > end:
                return f"$ {command}\n(the daemon did not notice it)\n"
            time.sleep(0.02)
        return f"$ {command}\n" + same_everywhere(done.stdout)


def walk_through(text):
    """Each part of the transcript as it stands, and as it comes out."""
    pairs = []
    with tempfile.TemporaryDirectory() as folder, \
            WalkThrough(folder, examples(text)[0]) as walk:
        for number, block in enumerate(transcripts(text)):
            if number == 1:
                walk.start_daemon()
            pairs.append((block, "".join(
                walk.run(command)
                for command in re.findall(r"^\$ (.*)$", block, re.M))))
    return pairs


MISTAKE = """assent: 1
rules:
  - id: git.push
    command: {progam: git}
    decision: ask
"""


def mistake(text):
    """The finding that the page shows, and what such a file gives."""
    shown = re.search(r"^```text\n(a\.yaml:.*?)^```", text, re.M | re.S)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "a.yaml"), "w",
                  encoding="utf-8") as file:
            file.write(MISTAKE)
        done = run("rules", "check", "--no-packs",
                   os.path.join(folder, "a.yaml"))
        return shown.group(1), done.stdout.replace(folder + "/", "")


def transcripts(text):
    return re.findall(r"^```console\n(.*?)^```", text, re.M | re.S)


def verbs_left_out(text):
    """Commands of 'assent rules' that the walk-through does not use."""
    usage = run("rules", "--help").stdout.split("\n")[0]
    verbs = set(re.search(r"rules ([a-z|]+)", usage).group(1).split("|"))
    used = set(re.findall(r"assent rules ([a-z]+)",
                          "".join(re.findall(r"^\$ .*$", "".join(
                              transcripts(text)), re.M))))
    assert len(verbs) > 10, verbs
    return verbs - used


def codes_in_source():
    found = set()
    for folder in ("rules", os.path.join("engine", "base")):
        base = os.path.join(SOURCE, folder)
        for name in os.listdir(base):
            if name.endswith(".c"):
                with open(os.path.join(base, name), encoding="utf-8") as file:
                    found |= set(re.findall(r'"([ELTW]0\d\d)"', file.read()))
    return found


def codes_in_page(text):
    listed = text.split("### Codes of findings")[1]
    found = set(re.findall(r"`([ELTW]0\d\d)`", listed))
    for kind, first, last in re.findall(r"`([EL])(0\d\d)`-`[EL](0\d\d)`",
                                        listed):
        found |= {f"{kind}{n:03d}" for n in range(int(first), int(last) + 1)}
    return found


def main():
    if run("rules", "--help").returncode != 0:
        print("skip: this assent has no 'rules' yet")
        sys.exit(77)
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    for number, example in enumerate(examples(text), 1):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "example.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(example)
            for verb in (["check", "--strict", "--no-packs"],
                         ["test", "--threshold", "100"]):
                done = run("rules", *verb, folder)
                check(f"example {number}: rules {' '.join(verb)}",
                      done.returncode == 0, done.stdout)
            done = run("rules", "fmt", "--check", path)
            check(f"example {number}: rules fmt", done.returncode == 0,
                  done.stdout)
    pairs = walk_through(text)
    if "--write" in sys.argv[1:]:
        for shown, real in pairs:
            text = text.replace(shown, real)
        text = text.replace(reference(text), run("rules", "reference").stdout)
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(text)
        pairs = walk_through(text)
    for shown, real in pairs:
        check("the walk-through gives what it shows", shown == real, real)
    shown, real = mistake(text)
    check("the mistake is told as shown", shown in real, real)
    left_out = verbs_left_out(text)
    check("the walk-through uses every command", not left_out, str(left_out))
    done = run("rules", "reference")
    check("the reference is the loader's", done.stdout == reference(text),
          "put the output of 'assent rules reference' between the marks")
    missing = codes_in_source() - codes_in_page(text)
    check("every code is listed", not missing, str(sorted(missing)))
    sys.exit(1 if failures else 0)


main()
