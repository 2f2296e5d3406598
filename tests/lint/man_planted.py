#!/usr/bin/env python3
"""Damage a copy of the man pages in four ways; man.py has to notice each.

    man_planted.py ROOT BUILT_ASSENT_1
"""

import os
import shutil
import subprocess
import sys
import tempfile

from man import NAMED

# page, what is replaced, by what, what man.py then says
DAMAGE = [
    ("docs/man/assent.conf.5", "ask_timeout", "ask_time",
     "'ask_timeout' of engine/model/config_table.c is not there"),
    ("docs/man/assentd.8", "\\-requirements", "\\-limits",
     "'--requirements' of engine/core/supervisor_args.c is not there"),
    ("docs/man/assent.rules.5", ".Sh EXAMPLES", ".Sh MORE", "no EXAMPLES"),
    ("docs/man/assent.rules.5", ".El", ".Ell", "unknown macro"),
]


def main():
    root, built = sys.argv[1:3]
    here = os.path.dirname(os.path.abspath(__file__))
    missed = []
    for page, old, new, says in DAMAGE:
        with tempfile.TemporaryDirectory(prefix="assent-man.") as folder:
            shutil.copytree(f"{root}/docs/man", f"{folder}/docs/man")
            for _, source, _ in NAMED:
                os.makedirs(os.path.dirname(f"{folder}/{source}"),
                            exist_ok=True)
                shutil.copy(f"{root}/{source}", f"{folder}/{source}")
            with open(f"{folder}/{page}", encoding="utf-8") as file:
                text = file.read()
            with open(f"{folder}/{page}", "w", encoding="utf-8") as file:
                file.write(text.replace(old, new))
            ran = subprocess.run(
                [sys.executable, "-B", f"{here}/man.py", folder, built],
                stdout=subprocess.PIPE, check=False)
        if ran.returncode != 1 or says not in ran.stdout.decode():
            missed.append(f"{page}: {old} became {new}: "
                          + ran.stdout.decode())
    for row in missed:
        print(row)
    print(f"planted: {len(DAMAGE)} pages, {len(missed)} not caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
