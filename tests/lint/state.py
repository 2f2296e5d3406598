#!/usr/bin/env python3
"""No mutable state at file level, but in the few places that say so.

    state.py BUILD_DIR

Looks at the symbols of the modules' own object files: an object in .data or
.bss is something that two callers share without knowing.
"""

import os
import re
import subprocess
import sys

# The log writes to one stderr; a handler of signals has nothing else; a main
# file is the program itself.
PERMITTED = re.compile(r"(/base/log\.c|/tui/term_crash\.c|/main\.c|_main\.c)\.o$")
# What sanitizers and coverage add.
NOT_OURS = re.compile(r"^(__|\.|_ZL|gcov|llvm)")


def objects(build):
    for folder, _, names in os.walk(build):
        if "/tests" in folder or "linkcheck" in folder:
            continue
        for name in names:
            if name.endswith(".c.o"):
                yield os.path.join(folder, name)


def mutable_symbols(path):
    text = subprocess.run(
        ["readelf", "-W", "-S", "-s", path], check=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    sections = {
        number for number, name in
        re.findall(r"\[\s*(\d+)\] (\S+)", text)
        if re.match(r"\.(data|bss|tdata|tbss)(\.|$)", name)
        and not name.startswith((".data.rel.ro",))}
    for row in text.split("\n"):
        field = row.split()
        if len(field) >= 8 and field[3] in ("OBJECT", "TLS") \
                and field[6] in sections:
            yield field[7]


def main():
    findings = 0
    seen = 0
    for path in objects(sys.argv[1]):
        seen += 1
        if PERMITTED.search(path):
            continue
        for symbol in mutable_symbols(path):
            if not NOT_OURS.match(symbol):
                findings += 1
                print(f"{path}: '{symbol}' is mutable and at file level")
    print(f"lint.state: {seen} objects, {findings} findings")
    return 1 if findings or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
