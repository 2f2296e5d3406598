#!/usr/bin/env python3
"""What state.py and banned.py look for, put before them.

    built_planted.py ROOT
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

GOOD = "static const char *const names[] = { \"a\" };\n" \
       "const char *name(int i);\n" \
       "const char *name(int i) { return names[i]; }\n"
MUTABLE = {
    "a counter": "static int n;\nint next(void);\n"
                 "int next(void) { return ++n; }\n",
    "a local that stays": "int next(void);\n"
                          "int next(void) { static int n = 3; return ++n; }\n",
    "a thread's own": "static __thread int n;\nint next(void);\n"
                      "int next(void) { return ++n; }\n",
}


def run(script, *arguments):
    ran = subprocess.run(
        [sys.executable, "-B", os.path.join(HERE, script), *arguments],
        stdout=subprocess.PIPE, check=False)
    return ran.returncode, ran.stdout.decode()


def state_of(text):
    with tempfile.TemporaryDirectory(prefix="assent-state.") as folder:
        source = os.path.join(folder, "a.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run(["gcc", "-fPIC", "-c", source, "-o", source + ".o"],
                       check=True)
        return run("state.py", folder)


def banned_with(root, old, new, command):
    """banned.py on a tree whose poison.h has new for old."""
    with tempfile.TemporaryDirectory(prefix="assent-banned.") as folder:
        os.makedirs(f"{folder}/engine/base")
        poison = f"{folder}/engine/base/poison.h"
        shutil.copy(f"{root}/engine/base/poison.h", poison)
        with open(poison, encoding="utf-8") as file:
            text = file.read()
        with open(poison, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))
        with open(f"{folder}/compile_commands.json", "w",
                  encoding="utf-8") as file:
            json.dump([{"file": "a.c", "command": command}], file)
        return run("banned.py", folder, folder)


def main():
    root = sys.argv[1]
    wrong = []
    if state_of(GOOD)[0] != 0:
        wrong.append("state.py refuses a constant table")
    for what, text in MUTABLE.items():
        if state_of(text)[0] != 1:
            wrong.append(f"state.py misses {what}")
    with_poison = "gcc -include /x/engine/base/poison.h a.c"
    status, text = banned_with(root, " strtok", "", with_poison)
    if status != 1 or "gcc lets strtok pass" not in text \
            or "clang lets strtok pass" not in text:
        wrong.append(f"banned.py misses a name: {text}")
    status, text = banned_with(root, "x", "x", "gcc a.c")
    if status != 1 or "a.c is compiled without poison.h" not in text:
        wrong.append(f"banned.py misses a source: {text}")
    if banned_with(root, "x", "x", with_poison)[0] != 0:
        wrong.append("banned.py refuses a good tree")
    for row in wrong:
        print(row)
    print(f"planted: {len(MUTABLE) + 2}, {len(wrong)} not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
