"""What the lint checks share: the files of a tree, C without its comments,
and findings printed as path:line: message.

    tree = Tree(root)
    for path in tree.files(suffixes=(".c", ".h")):
        text = tree.read(path)
        tree.find(path, line, "message")
    sys.exit(tree.done("includes"))
"""

import os
import re
import subprocess
import sys

# Never ours to judge: what is built, and violations planted on purpose.
SKIPPED = ("build/", ".git/", "tests/lint/planted/")


class Tree:
    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.findings = 0
        self.seen = 0
        self._files = None

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            listed = subprocess.run(
                ["git", "-C", self.root, "ls-files", "-z", "--cached",
                 "--others", "--exclude-standard"],
                check=True, stdout=subprocess.PIPE).stdout
            return [os.fsdecode(name) for name in listed.split(b"\0") if name]
        found = []
        for folder, _, names in os.walk(self.root):
            for name in names:
                full = os.path.join(folder, name)
                found.append(os.path.relpath(full, self.root))
        return found

    def files(self, suffixes=None, below=None):
        """Paths relative to the root, sorted."""
        if self._files is None:
            self._files = sorted(
                path for path in self._list()
                if not path.startswith(SKIPPED)
                and os.path.isfile(os.path.join(self.root, path))
                and not os.path.islink(os.path.join(self.root, path)))
        for path in self._files:
            if suffixes and not path.endswith(suffixes):
                continue
            if below and not path.startswith(below):
                continue
            self.seen += 1
            yield path

    def read_bytes(self, path):
        with open(os.path.join(self.root, path), "rb") as file:
            return file.read()

    def read(self, path):
        return self.read_bytes(path).decode("utf-8", "surrogateescape")

    def find(self, path, line, message):
        self.findings += 1
        print(f"{path}:{line}: {message}")

    def done(self, what):
        """Prints a closing line; the exit status."""
        if self.seen == 0:
            print(f"{what}: no file was looked at: is the root right?")
            return 1
        print(f"{what}: {self.findings} findings")
        return 1 if self.findings else 0


_NOISE = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
    re.DOTALL)


def without_noise(text, keep_strings=False):
    """C with comments (and strings) blanked; lines keep their numbers."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'" and keep_strings:
            return found
        body = re.sub(r"[^\n]", " ", found)
        if found[0] in "\"'" and len(body) >= 2:
            return found[0] + body[1:-1] + found[0]
        return body
    return _NOISE.sub(blank, text)


def main(check, what):
    """The command line that all checks have: CHECK.py [ROOT]."""
    tree = Tree(sys.argv[1] if len(sys.argv) > 1 else ".")
    check(tree)
    sys.exit(tree.done(what))
