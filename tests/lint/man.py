#!/usr/bin/env python3
"""The man pages are well-formed, have examples, and leave nothing out: every
subcommand, every option of assentd, every setting, every key of a rule.

    man.py ROOT BUILT_ASSENT_1
"""

import os
import re
import subprocess
import sys

# page, source, what in the source has to be named in the page
NAMED = [
    ("docs/man/assentd.8", "engine/core/supervisor_args.c",
     r'^    "  (--[a-z]+)'),
    ("docs/man/assent.conf.5", "engine/model/config_table.c",
     r'\.key = "([^"]+)"'),
    ("docs/man/assent.rules.5", "rules/schema.c",
     r'^\t\{ "([a-z_]+)", VALUE_'),
    ("assent.1", "cmake/assent_programs.cmake", r"^\t([a-z]+)\)?$"),
]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def check_page(path):
    ran = subprocess.run(["mandoc", "-Tlint", "-W", "warning", path],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         check=False)
    for row in ran.stdout.decode("utf-8", "replace").splitlines():
        yield row
    if ran.returncode != 0 and not ran.stdout:
        yield f"{path}: mandoc exits with {ran.returncode}"
    if ".Sh EXAMPLES" not in read(path):
        yield f"{path}: no EXAMPLES"


def is_named(name, text):
    """An option as mdoc has it, or a word."""
    if name.startswith("--"):
        return re.search(rf"(Fl|\|) {name[1:]}\b", text)
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)


def check_named(root, page, path, source, pattern):
    text = read(path).replace("\\-", "-")
    wanted = re.findall(pattern, read(os.path.join(root, source)), re.M)
    if not wanted:
        yield f"{source}: nothing matches {pattern}"
    for name in wanted:
        if not is_named(name, text):
            yield f"{page}: '{name}' of {source} is not there"


def main():
    root, built = sys.argv[1:3]
    pages = [os.path.join(root, "docs/man", name)
             for name in sorted(os.listdir(os.path.join(root, "docs/man")))
             if re.search(r"\.[1-8]$", name)] + [built]
    findings = [row for page in pages for row in check_page(page)]
    for page, source, pattern in NAMED:
        path = built if page == "assent.1" else os.path.join(root, page)
        findings += check_named(root, page, path, source, pattern)
    for row in findings:
        print(row)
    print(f"lint.man: {len(pages)} pages, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
