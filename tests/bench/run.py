#!/usr/bin/env python3
"""Run the measurements and show their numbers beside the last ones.

    run.py PROGRAMS_DIR RESULTS_DIR [NAME [ARGUMENT...]]

A measurement is bench_NAME (C) or NAME.sh or NAME.py beside this file. It
prints lines of name, tab, number, tab, unit; other lines are passed on.
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def measurements(programs):
    """name -> command"""
    found = {}
    if os.path.isdir(programs):
        for name in sorted(os.listdir(programs)):
            if name.startswith("bench_"):
                found[name[len("bench_"):]] = [os.path.join(programs, name)]
    for name in sorted(os.listdir(HERE)):
        stem, suffix = os.path.splitext(name)
        if suffix == ".sh":
            found[stem] = ["bash", os.path.join(HERE, name)]
        elif suffix == ".py" and stem != "run" and not stem.startswith("lib"):
            found[stem] = [sys.executable, "-B", os.path.join(HERE, name)]
    return found


def read_last(path):
    last = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for row in file:
                name, value, _ = row.rstrip("\n").split("\t")
                last[name] = float(value)
    return last


def measure(name, command, results):
    """Runs one; prints its table; its exit status."""
    path = os.path.join(results, name + ".tsv")
    last = read_last(path)
    rows = []
    print(f"\n== bench: {name}", flush=True)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            field = line.rstrip("\n").split("\t")
            if len(field) != 3:
                print(line, end="", flush=True)
                continue
            metric, value, unit = field
            rows.append(field)
            before = ""
            if last.get(metric):
                change = 100 * (float(value) / last[metric] - 1)
                before = f"  (last {last[metric]:g}, {change:+.0f} %)"
            print(f"{metric:<44} {float(value):>12.4g} {unit}{before}",
                  flush=True)
    if run.returncode == 0:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines("\t".join(row) + "\n" for row in rows)
    else:
        print(f"{name}: exit status {run.returncode}")
    return run.returncode


def main():
    programs, results = sys.argv[1:3]
    found = measurements(programs)
    if len(sys.argv) > 3:
        if sys.argv[3] not in found:
            print(f"no measurement '{sys.argv[3]}'; there is "
                  + (", ".join(found) or "none"), file=sys.stderr)
            return 1
        found = {sys.argv[3]: found[sys.argv[3]] + sys.argv[4:]}
    os.makedirs(results, exist_ok=True)
    failed = [name for name, command in found.items()
              if measure(name, command, results) != 0]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
