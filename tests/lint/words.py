#!/usr/bin/env python3
"""What the text of the tree may not hold: paths of one machine, unfinished
business, characters that a reader cannot see, untidy ends.

The list of words is words.txt: a regular expression, a tab, why.
"""

import os
import re
import unicodedata

import tree

# Hidden characters are what these files are about.
HOSTILE_ON_PURPOSE = ("tests/data/", "tests/fuzz/corpus/")
LISTS_THEM = ("tests/lint/words.txt",)
BINARY = (".png", ".db", ".ico", ".gz")


def load_words():
    here = os.path.dirname(os.path.abspath(__file__))
    words = []
    with open(os.path.join(here, "words.txt"), encoding="utf-8") as file:
        for row in file:
            if row.strip() and not row.startswith("#"):
                pattern, why = row.rstrip("\n").split("\t")
                words.append((re.compile(pattern, re.M), why))
    return words


CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def hidden(line):
    """The characters of a line that a reader does not see."""
    if line.isascii():
        return CONTROL.findall(line)
    return [char for char in line if char != "\t" and unicodedata.category(
        char) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")]


def check_tidy(found, path, text):
    if text and not text.endswith("\n"):
        found.find(path, text.count("\n") + 1, "no newline at the end")
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            found.find(path, number, "blank at the end of the line")
        for char in hidden(line):
            found.find(path, number, f"hidden character U+{ord(char):04X}")


def check(found):
    words = load_words()
    for path in found.files():
        if path.endswith(BINARY) or path in LISTS_THEM:
            continue
        if path.startswith(HOSTILE_ON_PURPOSE):
            continue
        text = found.read(path)
        check_tidy(found, path, text)
        for pattern, why in words:
            for match in pattern.finditer(text):
                found.find(path, text.count("\n", 0, match.start()) + 1,
                           f"'{match.group(0).strip()}': {why}")


if __name__ == "__main__":
    tree.main(check, "lint.words")
