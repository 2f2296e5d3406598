#!/usr/bin/env python3
"""clang-format decides. `./dev fmt` makes it so."""

import os
import re
import shutil
import subprocess

import tree

BATCH = 40


def config(found):
    """The tree's own style file; a planted tree takes this project's."""
    own = os.path.join(found.root, ".clang-format")
    here = os.path.dirname(os.path.abspath(__file__))
    return own if os.path.exists(own) else os.path.join(
        here, "../../.clang-format")


def check(found):
    if shutil.which("clang-format") is None:
        found.find(".", 0, "clang-format is not installed")
        return
    paths = list(found.files(suffixes=(".c", ".h")))
    batches = [paths[i:i + BATCH] for i in range(0, len(paths), BATCH)]
    running = [subprocess.Popen(
        ["clang-format", f"--style=file:{config(found)}", "--dry-run",
         "--Werror", *batch], cwd=found.root, stderr=subprocess.PIPE)
        for batch in batches]
    for process in running:
        text = process.communicate()[1].decode("utf-8", "replace")
        for path, line in sorted(set(re.findall(
                r"^([^\s:]+):(\d+):\d+: error", text, re.M))):
            found.find(path, line, "not as clang-format has it: ./dev fmt")


if __name__ == "__main__":
    tree.main(check, "lint.format")
