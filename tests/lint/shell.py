#!/usr/bin/env python3
"""shellcheck on every shell script of the tree."""

import re
import shutil
import subprocess

import tree

SHEBANG = re.compile(rb"^#!.*\b(ba)?sh\b")


def check(found):
    if shutil.which("shellcheck") is None:
        found.find(".", 0, "shellcheck is not installed")
        return
    scripts = [path for path in found.files()
               if path.endswith(".sh")
               or SHEBANG.match(found.read_bytes(path)[:64])]
    scripts = [path for path in scripts
               if not path.startswith(("tests/data/", "tests/fuzz/corpus/"))]
    if not scripts:
        return
    ran = subprocess.run(["shellcheck", "--format=gcc", "--shell=bash",
                          *scripts], cwd=found.root, stdout=subprocess.PIPE,
                         check=False)
    for row in ran.stdout.decode("utf-8", "replace").splitlines():
        path, line, rest = row.split(":", 2)
        found.find(path, int(line), rest.split(":", 1)[1].strip())


if __name__ == "__main__":
    tree.main(check, "lint.shell")
