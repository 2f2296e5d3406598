#!/usr/bin/env python3
"""The clang-tidy configuration is read and its warnings are errors: each of
these mistakes, which no compiler warns of, must be refused.

    tidy_planted.py ROOT
"""

import os
import subprocess
import sys
import tempfile

PLANTED = {
    "bugprone-suspicious-string-compare":
        "#include <string.h>\nint f(const char *a);\n"
        "int f(const char *a) { return strcmp(a, \"x\") == 2; }\n",
    "cert-err33-c":
        "#include <stdio.h>\nvoid f(void);\n"
        "void f(void) { fopen(\"x\", \"re\"); }\n",
    "clang-analyzer-core.DivideZero":
        "int f(int a);\n"
        "int f(int a) { int b = 0; return a / b; }\n",
    "misc-redundant-expression":
        "int f(int a);\nint f(int a) { return a == a; }\n",
    "readability-else-after-return":
        "int f(int a);\n"
        "int f(int a) { if (a) { return 1; } else { return 2; } }\n",
}


def main():
    root = os.path.abspath(sys.argv[1])
    config = os.path.join(root, ".clang-tidy")
    missed = []
    for check, text in PLANTED.items():
        with tempfile.TemporaryDirectory(prefix="assent-tidy.") as folder:
            source = os.path.join(folder, "a.c")
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            ran = subprocess.run(
                ["clang-tidy", f"--config-file={config}", "--quiet", source,
                 "--"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                check=False)
        if ran.returncode == 0 or check not in ran.stdout.decode():
            missed.append(check)
    for check in missed:
        print(f"{check} is not caught")
    print(f"planted: {len(PLANTED)} mistakes, {len(missed)} not caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
