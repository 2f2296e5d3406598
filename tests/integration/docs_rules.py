#!/usr/bin/env python3
"""docs/rules.md holds what it says: every YAML example loads, passes its own
tests and is formatted; the walk-through gives what it shows; the reference is
the loader's; the codes exist.

    docs_rules.py [--write]    --write: put the real output into the page
"""

import os
import re
import subprocess
import sys
import tempfile

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


def walk_through(text):
    """The transcript as it stands, and as it comes out."""
    block = re.search(r"^```console\n(.*?)^```", text, re.M | re.S).group(1)
    commands = re.findall(r"^\$ (.*)$", block, re.M)
    path = os.path.abspath(os.environ["ASSENT_BIN"])
    out = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("old", "new"):
            os.mkdir(os.path.join(folder, name))
            with open(os.path.join(folder, name, "git.yaml"), "w",
                      encoding="utf-8") as file:
                file.write(examples(text)[0])
        for command in commands:
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, text=True, check=False,
                env={"PATH": path + ":" + os.environ["PATH"]},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            out.append("$ " + command + "\n" + done.stdout)
    return block, "".join(out)


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
    shown, real = walk_through(text)
    if "--write" in sys.argv[1:]:
        text = text.replace(shown, real)
        text = text.replace(reference(text), run("rules", "reference").stdout)
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(text)
        shown = real
    check("the walk-through gives what it shows", shown == real, real)
    done = run("rules", "reference")
    check("the reference is the loader's", done.stdout == reference(text),
          "put the output of 'assent rules reference' between the marks")
    missing = codes_in_source() - codes_in_page(text)
    check("every code is listed", not missing, str(sorted(missing)))
    sys.exit(1 if failures else 0)


main()
