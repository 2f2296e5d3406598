#!/usr/bin/env python3
"""Three small modules built by the real assent_module(): a call and an include
that a module did not declare must fail, and the same when declared must not.

    modules_planted.py ROOT
"""

import os
import subprocess
import sys
import tempfile

PROJECT = """cmake_minimum_required(VERSION 3.25)
project(planted LANGUAGES C)
include({root}/cmake/assent_module.cmake)
assent_module(low DIR low HEADERS low.h)
assent_module(good DIR good HEADERS DEPS low)
assent_module(calls DIR calls HEADERS)
assent_module(includes DIR includes HEADERS)
"""

FILES = {
    "low/low.h": "int low(void);\n",
    "low/low.c": '#include "low.h"\nint low(void) { return 1; }\n',
    "good/good.c": '#include "low/low.h"\nint good(void);\n'
                   "int good(void) { return low(); }\n",
    # declares the function by itself to get past the missing header
    "calls/calls.c": "int low(void);\nint calls(void);\n"
                     "int calls(void) { return low(); }\n",
    "includes/includes.c": '#include "low/low.h"\nint includes(void);\n'
                           "int includes(void) { return low(); }\n",
}

# target, whether it must build, what the compiler or linker says if not
EXPECTED = [
    ("linkcheck_good", True, ""),
    ("linkcheck_calls", False, "undefined reference to `low'"),
    ("linkcheck_includes", False, "low/low.h: No such file"),
]


def run(*arguments):
    ran = subprocess.run(arguments, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False)
    return ran.returncode, ran.stdout.decode("utf-8", "replace")


def write_project(folder, root):
    os.makedirs(os.path.join(folder, "cmake"))
    with open(os.path.join(root, "cmake/linkcheck.c"), "rb") as file:
        linkcheck = file.read()
    with open(os.path.join(folder, "cmake/linkcheck.c"), "wb") as file:
        file.write(linkcheck)
    for name, text in FILES.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    with open(os.path.join(folder, "CMakeLists.txt"), "w",
              encoding="utf-8") as file:
        file.write(PROJECT.format(root=root))


def main():
    root = os.path.abspath(sys.argv[1])
    wrong = []
    with tempfile.TemporaryDirectory(prefix="assent-modules.") as folder:
        write_project(folder, root)
        build = os.path.join(folder, "build")
        status, text = run("cmake", "-G", "Ninja", "-S", folder, "-B", build)
        if status != 0:
            wrong.append(f"cmake failed: {text}")
        for target, builds, says in EXPECTED:
            status, text = run("cmake", "--build", build, "--target", target)
            if (status == 0) != builds or says not in text:
                wrong.append(f"{target}: exit status {status}, {text}")
    for row in wrong:
        print(row)
    print(f"planted: {len(EXPECTED)} modules, {len(wrong)} not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
