#!/usr/bin/env python3
"""Functions of 60 lines, 6 parameters, 4 levels; files of 700 lines (tests
1000); no goto.

Relies on the form that clang-format gives: the name of a function being
defined stands in the first column, and so does its closing brace. Lines of a
table inside a function do not count. A comment right above a definition that
begins with "lint.size:" and gives the reason exempts that function.
"""

import re

import tree

FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 6
NESTING_MAX = 4
FILE_LINES_MAX = 700
TEST_LINES_MAX = 1000  # splitting a test means copying its fixture

DEFINITION = re.compile(r"^([A-Za-z_]\w*)\(((?:[^;{}])*?)\)[^;{}()]*\n\{\n",
                        re.M)


def parameters(text):
    """How many: commas outside of inner parentheses; "..." is none."""
    depth = 0
    text = re.sub(r",\s*\.\.\.\s*$", "", text)
    count = 0 if text.strip() in ("", "void") else 1
    for char in text:
        depth += (char == "(") - (char == ")")
        count += char == "," and depth == 0
    return count


def measure(body):
    """Lines that count, and the deepest level of blocks below the body."""
    stack = []
    lines = body.count("\n")
    deepest = 0
    for match in re.finditer(r"[{}]", body):
        offset = match.start()
        if match.group(0) == "{":
            before = body[:offset].rstrip()
            block = before.endswith((")", "else", "do")) and not re.search(
                r"\(\s*(const\s+)?struct\s+\w+\s*(\[\s*\d*\s*\])?\s*\)$",
                before)
            stack.append((block, offset))
            deepest = max(deepest, sum(b for b, _ in stack))
        elif stack:
            block, opened = stack.pop()
            if not block and not any(not b for b, _ in stack):
                lines -= max(0, body.count("\n", opened, offset) - 1)
    return lines, deepest


def exempt(raw, offset):
    """Is there a comment with a reason right above the definition?"""
    above = raw[:offset].rstrip()
    above = above[:above.rfind("\n")].rstrip()  # without the return type
    comment = re.search(r"/\*((?!\*/).)*\*/\Z", above, re.S)
    return comment is not None and "lint.size:" in comment.group(0)


def check_function(found, path, line, name, args, body):
    lines, deepest = measure(body)
    if lines > FUNCTION_LINES_MAX:
        found.find(path, line, f"{name}() has {lines} lines; at most "
                   f"{FUNCTION_LINES_MAX}")
    if deepest > NESTING_MAX:
        found.find(path, line, f"{name}() nests {deepest} levels; at most "
                   f"{NESTING_MAX}")
    count = parameters(args)
    if count > PARAMETERS_MAX:
        found.find(path, line, f"{name}() has {count} parameters; at most "
                   f"{PARAMETERS_MAX}; use an options struct")


def check_file(found, path):
    raw = found.read(path)
    lines = raw.count("\n")
    lines_max = FILE_LINES_MAX
    if path.startswith("tests/"):
        lines_max = TEST_LINES_MAX
    if lines > lines_max:
        found.find(path, lines, f"{lines} lines; at most {lines_max}")
    text = tree.without_noise(raw)
    for match in re.finditer(r"\bgoto\b", text):
        found.find(path, text.count("\n", 0, match.start()) + 1,
                   "goto; use the cleanup attributes")
    for match in DEFINITION.finditer(text):
        end = text.find("\n}\n", match.end() - 1)
        body = text[match.end():end + 1 if end >= 0 else len(text)]
        line = text.count("\n", 0, match.start()) + 1
        if exempt(raw, match.start()):
            continue
        check_function(found, path, line, match.group(1), match.group(2),
                       body)


def check(found):
    for path in found.files(suffixes=(".c", ".h")):
        check_file(found, path)


if __name__ == "__main__":
    tree.main(check, "lint.size")
