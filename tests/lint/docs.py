#!/usr/bin/env python3
"""Documents do not promise what is not there: links lead somewhere, files in
backticks exist, every test that the threat model names is defined, every
invariant has one, and each decision (docs/adr) has a number of its own."""

import os
import re

import tree

LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
FILE = re.compile(r"`((?:engine|rules|reviewer|sandbox|db|tests|docs|cmake)/"
                  r"[\w./-]+\.\w+)`")
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b|_X\b")
TEST = re.compile(r"`((?:test_)?i(\d+)_\w+|test_\w+)`")
DEFINED = re.compile(r"^(?:(?:static void\n)?(\w+)\(void \*\*|"
                     r"    def (test_\w+)\(self)", re.M)
THREAT_MODEL = "docs/threat-model.md"
INVARIANTS = range(1, 11)
DECISION = re.compile(r"docs/adr/(\d{4})-[\w.-]+\.md$")


def line_of(text, match):
    return text.count("\n", 0, match.start()) + 1


def check_links(found, path, text):
    for match in LINK.finditer(text):
        target = match.group(1)
        if re.match(r"[a-z]+:", target):
            continue
        full = os.path.join(found.root, os.path.dirname(path), target)
        if not os.path.exists(full):
            found.find(path, line_of(text, match), f"no '{target}'")
    for match in FILE.finditer(text):
        if PLACEHOLDER.search(match.group(1)):
            continue
        if not os.path.exists(os.path.join(found.root, match.group(1))):
            found.find(path, line_of(text, match), f"no '{match.group(1)}'")


def defined_tests(found):
    names = set()
    for path in found.files(suffixes=(".c", ".py"), below="tests/"):
        for match in DEFINED.finditer(found.read(path)):
            names.add(match.group(1) or match.group(2))
    return names


def check_invariants(found):
    if not os.path.exists(os.path.join(found.root, THREAT_MODEL)):
        found.find(THREAT_MODEL, 0, "is not there")
        return
    text = found.read(THREAT_MODEL)
    names = defined_tests(found)
    proved = set()
    for match in TEST.finditer(text):
        if match.group(1) not in names:
            found.find(THREAT_MODEL, line_of(text, match),
                       f"no test is called '{match.group(1)}'")
        number = re.match(r"(?:test_)?i(\d+)_", match.group(1))
        if number:
            proved.add(int(number.group(1)))
    for number in INVARIANTS:
        if number not in proved:
            found.find(THREAT_MODEL, 1, f"I{number} names no test")


def check_decisions(found):
    """A number names one decision, in its file and in its heading."""
    taken = {}
    for path in sorted(found.files(suffixes=(".md",), below="docs/adr/")):
        match = DECISION.match(path)
        if match is None:
            found.find(path, 1, "is not called NNNN-what-it-says.md")
            continue
        number = match.group(1)
        if number in taken:
            found.find(path, 1,
                       f"has the number of '{taken[number]}', too")
        taken[number] = path
        if not found.read(path).startswith(f"# {int(number)}. "):
            found.find(path, 1, f"does not begin with '# {int(number)}. '")


def check(found):
    for path in found.files(suffixes=(".md",)):
        check_links(found, path, found.read(path))
    check_decisions(found)
    check_invariants(found)


if __name__ == "__main__":
    tree.main(check, "lint.docs")
