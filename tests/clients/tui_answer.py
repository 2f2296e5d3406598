"""A person at the screen: opens the question in `assent tui`, reads it to its
end, and presses a key.

usage: tui_answer.py RUNTIME KEY
"""

import os
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}"
                   "/integration")

from lib_tui import Screen  # noqa: E402


def main(runtime, key):
    with Screen(runtime, 40, 120) as screen:
        screen.wait_for("1 waiting")
        screen.open_and_arm()
        screen.wait_for("a allows it once" if key == "a" else "d denies it")
        screen.keys(key)
        screen.wait_for("Nothing waits")
        screen.keys("q")
        return screen.wait_exit()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
