#!/usr/bin/env python3
"""Add up what CTest wrote: failures, skips with their reasons, one last line.

    report.py JUNIT.xml...

Programs that count their own cases (cmocka) are counted by case, so that a
skipped case is seen although its program passed.
"""

import os
import re
import sys
import xml.etree.ElementTree

CMOCKA = {"passed": re.compile(r"^\[  PASSED  \] (\d+) test", re.M),
          "skipped": re.compile(r"^\[  SKIPPED \] (\d+) test", re.M),
          "failed": re.compile(r"^\[  FAILED  \] (\d+) test", re.M)}
WHY = re.compile(r"^(?:skip|SKIP)[a-zA-Z]*:? *(.*)$", re.M)


def number(pattern, text):
    found = pattern.search(text)
    return int(found.group(1)) if found else 0


def results(case):
    """passed, failed, skipped of one CTest entry, and its output."""
    output = case.findtext("system-out") or ""
    status = case.get("status")
    if status in ("fail", "notrun") and case.find("skipped") is None:
        return 0, max(1, number(CMOCKA["failed"], output)), 0, output
    if case.find("skipped") is not None or status == "notrun":
        return 0, 0, 1, output
    passed = number(CMOCKA["passed"], output)
    skipped = number(CMOCKA["skipped"], output)
    return (passed if passed or skipped else 1), 0, skipped, output


def main():
    total = [0, 0, 0]
    failed = []
    skipped = []
    for path in sys.argv[1:]:
        preset = re.sub(r"^junit-|\.xml$", "", os.path.basename(path))
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            *counts, output = results(case)
            total = [old + new for old, new in zip(total, counts)]
            name = f"{preset}: {case.get('name')}"
            if counts[1]:
                failed.append(name)
            if counts[2]:
                why = WHY.findall(output) or ["no reason given"]
                skipped.append((name, sorted(set(why))))
    print()
    for name, reasons in skipped:
        print(f"skipped {name}: {'; '.join(reasons)}")
    for name in failed:
        print(f"FAILED {name}")
    print("{} passed, {} failed, {} skipped".format(*total))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
