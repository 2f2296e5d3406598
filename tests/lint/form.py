#!/usr/bin/env python3
"""Each source says what it is: a placard on top (where it runs, what it trusts,
what it owns; a test only says what it is about), its own header first; and
headers have a guard."""

import os
import re

import tree

PLACARD = re.compile(r"\A(#!.*\n)?/\*\n \*.*?\*/", re.S)
WANTED = ("Runs in:", "Trusts:", "Owns:")
INCLUDE = re.compile(r'^#include\s+[<"]([^>"]+)[>"]', re.M)


def check_source(found, path):
    text = found.read(path)
    placard = PLACARD.match(text)
    wanted = ("\n * ",) if path.startswith("tests/") else WANTED
    missing = [want.strip() for want in wanted
               if not placard or want not in placard.group(0)]
    if missing:
        found.find(path, 1, "the comment at the top lacks "
                   + ", ".join(f"'{want}'" for want in missing))
    own = os.path.splitext(os.path.basename(path))[0] + ".h"
    beside = os.path.join(found.root, os.path.dirname(path), own)
    first = INCLUDE.search(text)
    if os.path.exists(beside) and first and \
            os.path.basename(first.group(1)) != own:
        found.find(path, text.count("\n", 0, first.start()) + 1,
                   f"the first include is not its own header '{own}'")


def check_header(found, path):
    text = tree.without_noise(found.read(path)).lstrip()
    guard = re.match(r"#ifndef (\w+_H)\n#define (\w+_H)\n", text)
    if not guard or guard.group(1) != guard.group(2):
        found.find(path, 1, "no include guard NAME_H at the top")


def check(found):
    for path in found.files(suffixes=(".c",)):
        check_source(found, path)
    for path in found.files(suffixes=(".h",)):
        check_header(found, path)


if __name__ == "__main__":
    tree.main(check, "lint.form")
