#!/usr/bin/env python3
"""
What is tried in a machine with another kernel; started by first.sh.

    guest.py BOOT[:PLACE,...]

Each place is a state of the machine - its control groups, what a user may make,
who runs - and the same is tried in all: what assent says of it, that a run
works, that nothing gets out of it, that limits hold, and that `require:`
refuses what is not there. The last line says how many were tried.
"""

import os
import re
import subprocess
import sys
import termios
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
os.environ.update(
    ASSENT_BIN=TOP + "/bin", ASSENT_SOURCE=TOP, ASSENT_MUST_SANDBOX="1",
    HOME="/root", LANG="C.UTF-8")
sys.path.insert(0, TOP + "/tests/integration")

import places  # noqa: E402  (finds the programs by the environment)
import tried  # noqa: E402

TEST_S = 1200


def kernel():
    """The version, as two numbers."""
    return tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2])


def say(*words):
    print(*words, flush=True)


class Counted:
    def __init__(self):
        self.tried = 0

    def one(self, name, call):
        began = time.time()
        self.tried += 1
        try:
            why = call()
        except places.Absent as absent:
            say(f"SKIP {name}: {absent}")
            return
        except Exception:  # whatever it is, the next one is tried
            why = traceback.format_exc()
        took = f"{time.time() - began:.1f} s"
        say(f"FAILED {name} ({took})\n{why}" if why else f"ok {name} ({took})")


def script(name, *options):
    """One of the integration tests, as it is."""
    ran = subprocess.run(
        ["python3", "-B", f"{TOP}/tests/integration/{name}.py", *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=TEST_S, check=False,
        env=dict(os.environ, PYTHONPATH=TOP + "/tests/integration"))
    return ran.stdout[-4000:] if ran.returncode not in (0, 77) else None


def checks_of(place):
    """The tests of a place; where it runs scripts alone, none."""
    if place.checks is None:
        return tried.CHECKS
    return tuple(getattr(tried, c) if isinstance(c, str) else c
                 for c in place.checks)


def main():
    boot, _, only = sys.argv[1].partition(":")
    subprocess.run(["depmod"], check=False)
    with open("/proc/version", encoding="ascii") as text:
        say(text.read().split(" (")[0])
    counted = Counted()
    before = tried.BEFORE
    for name, place in places.of(boot, kernel()):
        if only and name not in only.split(","):
            continue
        try:
            with place as p:
                for check in before + checks_of(p):
                    counted.one(f"{name}.{check.__name__}",
                                lambda c=check, p=p: c(p))
                before = ()
                for words in p.scripts:
                    counted.one(f"{name}.{words[0]}",
                                lambda w=words: script(*w))
        except places.Absent as absent:
            say(f"SKIP {name}: {absent}")
        except OSError:
            counted.one(name, traceback.format_exc)
    say(f"END {counted.tried} tried")


if __name__ == "__main__":
    try:
        main()
    except Exception:  # the machine ends with us: whoever reads has to know
        say(traceback.format_exc())
    termios.tcdrain(1)
