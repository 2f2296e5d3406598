#!/usr/bin/env python3
"""A lint that finds nothing proves nothing: plant violations, see them found.

Each folder planted/CHECK/CASE is a small tree with one violation, and `expect`,
lines that CHECK.py has to print (their beginning) when it looks at a copy of
that tree.
"""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PLANTED = os.path.join(HERE, "planted")


def run_case(check, case):
    """None, or what went wrong."""
    source = os.path.join(PLANTED, check, case)
    with open(os.path.join(source, "expect"), encoding="utf-8") as file:
        wanted = [row for row in file.read().split("\n") if row]
    with tempfile.TemporaryDirectory(prefix="assent-planted.") as root:
        shutil.copytree(source, root, dirs_exist_ok=True)
        os.unlink(os.path.join(root, "expect"))
        ran = subprocess.run(
            [sys.executable, os.path.join(HERE, check + ".py"), root],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    printed = ran.stdout.decode("utf-8", "replace").split("\n")
    missing = [row for row in wanted
               if not any(line.startswith(row) for line in printed)]
    if ran.returncode == 1 and wanted and not missing:
        return None
    return (f"exit status {ran.returncode}, expected {wanted},"
            f" printed {printed}")


def main():
    failed = 0
    total = 0
    for check in sorted(os.listdir(PLANTED)):
        for case in sorted(os.listdir(os.path.join(PLANTED, check))):
            total += 1
            wrong = run_case(check, case)
            if wrong:
                failed += 1
                print(f"{check}/{case}: not caught: {wrong}")
    print(f"planted: {total} violations, {failed} not caught")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
