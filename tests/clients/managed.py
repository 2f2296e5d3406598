#!/usr/bin/env python3
"""
assent install CLIENT --managed, with each real client: what rules deny does
not run although the user's own settings and the command line say that there
are no hooks and no questions; what rules allow runs. Then it is taken out, and
the machine's files are gone.

Below /etc of a mount namespace of its own; needs root.

usage: managed.py [CLIENT...]
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, f"{os.path.dirname(HERE)}/integration")

import faulthandler  # noqa: E402

import lib_clients as lib  # noqa: E402
from lib_daemon import BIN, Daemon  # noqa: E402
from matrix import Cell  # noqa: E402


def add(path, value):
    """Into a file of settings that may be there."""
    have = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            have = json.load(f)
    lib.write(path, {**have, **value})


class ClaudeCode(lib.ClaudeCode):
    def set_up(self):
        super().set_up()
        add(f"{self.home}/.claude/settings.json", {"disableAllHooks": True})

    def arguments(self):
        return [*super().arguments(), "--dangerously-skip-permissions"]


class Codex(lib.Codex):
    def arguments(self):
        return [*super().arguments(), "-c", "features.hooks=false",
                "-c", "allow_managed_hooks_only=false",
                "--dangerously-bypass-approvals-and-sandbox"]


class Gemini(lib.Gemini):
    def set_up(self):
        super().set_up()
        add(f"{self.home}/.gemini/settings.json", {
            "hooksConfig": {"enabled": False},
            "hooks": {"disabled": ["assent"]}})

    def arguments(self):
        return [*super().arguments(), "--yolo"]


class Copilot(lib.Copilot):
    def set_up(self):
        super().set_up()
        for name in ("settings", "config"):
            add(f"{self.home}/.copilot/{name}.json",
                {"disableAllHooks": True})

    def arguments(self):
        return [*super().arguments(), "--yolo"]


class Opencode(lib.Opencode):
    def set_up(self):
        super().set_up()
        add(f"{self.home}/.config/opencode/opencode.json",
            {"plugin": [], "permission": {"*": "allow"}})


CLIENTS = (ClaudeCode, Codex, Gemini, Copilot, Opencode)


class Managed(Cell):
    def assent(self, *words):
        ran = subprocess.run(
            [f"{BIN}/assent", *words], env=self.client.environment(),
            capture_output=True, text=True, check=False, timeout=120,
            stdin=subprocess.DEVNULL)
        if ran.returncode != 0:
            raise RuntimeError(f"{words}: {ran.stdout[-900:]}{ran.stderr}")
        return ran.stdout

    def install(self):
        self.client.set_up()
        self.assent("install", self.client.name, "--managed", "--yes",
                    "--runtime", self.daemon.runtime)

    def remove(self):
        """None, or what is wrong."""
        told = self.assent("doctor", self.client.name)
        if "client   managed: the machine's settings, " not in told:
            return told
        self.assent("install", self.client.name, "--managed", "--yes",
                    "--uninstall")
        left = [f"{folder}/{name}" for folder, _, names in os.walk("/etc")
                for name in names if "assent" in name and
                not name.endswith(".before-assent")]
        return f"it is still there: {left}" if left else None


def play(kind, cell):
    with Daemon("ask_timeout: 2m\n") as daemon:
        subprocess.run(["git", "init", "-q", daemon.workspace], check=True)
        lib.write(f"{daemon.workspace}/note.txt",
                  "a-word-that-only-the-file-holds\n")
        one = Managed(kind, cell, daemon)
        try:
            one.install()
            out = one.run()
            wrong = one.judge()
            if wrong is not None and os.environ.get("ASSENT_CLIENTS_KEEP"):
                print(out[-3000:], file=sys.stderr)
            return wrong or one.remove()
        finally:
            one.close()


def alone():
    """Again, with a network and an /etc of its own."""
    if os.environ.get("ASSENT_ALONE") == "1":
        return
    own = tempfile.mkdtemp(prefix="assent-etc-")
    os.execvpe("unshare", [
        "unshare", "-n", "-m", "sh", "-c",
        'ip link set lo up && mount -t tmpfs tmpfs "$0" && '
        'mkdir "$0/up" "$0/work" && mount -t overlay overlay -o '
        '"lowerdir=/etc,upperdir=$0/up,workdir=$0/work" /etc && '
        'exec "$@"', own,
        sys.executable, "-B", os.path.abspath(__file__), *sys.argv[1:]],
        dict(os.environ, ASSENT_ALONE="1"))


def main(wanted):
    faulthandler.cancel_dump_traceback_later()
    why = lib.install()
    if why is None and os.geteuid() != 0:
        why = "the machine's settings need root"
    if why is not None:
        print(f"SKIP: {why}")
        return 77
    alone()
    failed = 0
    print(f"{'':14}{'denied':11}allowed", flush=True)
    for kind in CLIENTS:
        if wanted and kind.name not in wanted:
            continue
        wrongs = [play(kind, cell) for cell in ("deny", "allow")]
        print(f"{kind.name:14}" + "".join(
            f"{'ok' if w is None else 'FAILED':11}" for w in wrongs),
            flush=True)
        for wrong in filter(None, wrongs):
            failed += 1
            print(f"    {wrong}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
