#!/usr/bin/env python3
"""Every banned name is a compile error in every compiler, and every source of
ours is compiled with the header that bans them.

    banned.py ROOT BUILD_DIR
"""

import json
import os
import re
import subprocess
import sys
import tempfile

MUST_BE_BANNED = (
    "strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atof "
    "sscanf system popen mktemp tmpnam gmtime localtime ctime asctime setenv "
    "putenv").split()
COMPILERS = ("gcc", "clang")
NO_LIMIT = {"gcc": [], "clang": ["-ferror-limit=0"]}


def refused_by(compiler, poison, names):
    """The names that the compiler refuses when each is used once."""
    lines = ["static void use(void)", "{"]
    lines += [f"\t(void){name};" for name in names] + ["}"]
    with tempfile.TemporaryDirectory(prefix="assent-banned.") as folder:
        source = os.path.join(folder, "use.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        ran = subprocess.run(
            [compiler, "-D_GNU_SOURCE", "-include", poison,
             "-fsyntax-only", *NO_LIMIT[compiler], source],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = ran.stdout.decode("utf-8", "replace")
    rows = {int(row) for row in re.findall(r"use\.c:(\d+):\d+: error", text)}
    return {name for index, name in enumerate(names) if index + 3 in rows}


def main():
    root, build = sys.argv[1:3]
    poison = os.path.join(root, "engine/base/poison.h")
    findings = []
    for compiler in COMPILERS:
        refused = refused_by(compiler, poison, MUST_BE_BANNED + ["printf"])
        for name in MUST_BE_BANNED:
            if name not in refused:
                findings.append(f"{compiler} lets {name} pass")
        if "printf" in refused:
            findings.append(f"{compiler} refuses everything: the test lies")
    with open(os.path.join(build, "compile_commands.json"),
              encoding="utf-8") as file:
        commands = json.load(file)
    for entry in commands:
        if not re.search(r"-include \S*engine/base/poison\.h",
                         entry["command"]):
            findings.append(f"{entry['file']} is compiled without poison.h")
    for row in findings:
        print(row)
    print(f"lint.banned: {len(commands)} sources, {len(findings)} findings")
    return 1 if findings or not commands else 0


if __name__ == "__main__":
    sys.exit(main())
