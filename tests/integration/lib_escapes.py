"""
The ways in which a run can be started, for cases that have to end alike in
all of them.

    for place in places(wanted()): holds, text = place.case(case)
"""

import os
import re
import secrets
import shutil
import subprocess
import time

import lib_elevated
from lib_daemon import BIN, Daemon
from lib_sandbox import GIT, World, modes
from lib_weak import without_namespaces

EPERM = 1
WORDS = ('loot() { grep -aqs "$MARK-$1" "$OUT"; }\n'
         'ok() { grep -aqs "^OK" "$OUT"; }\n')
WARMED_MAX = 8  # runs, until one is prepared


class Place(World):
    """A world that begins anew for each case; runs of `assent sandbox`."""

    kind = "alone"
    options = ()

    def __init__(self, uid):
        super().__init__(uid)
        self.out = self.top + "/out"
        self.put(self.ws + "/README.md", "readme\n")
        self.put(self.ws + "/.envrc", "export A=1\n")
        self.put(self.ws + "/.gitignore", "build/\n")
        self.outside("git add -A && git commit -qm more")
        self.kept = self.top + "/kept"
        os.mkdir(self.kept)
        subprocess.run(["cp", "-a", self.home, self.victim, self.kept],
                       check=True)

    def renew(self):
        for path in (self.home, self.victim):
            shutil.rmtree(path)
        subprocess.run(["cp", "-a", self.kept + "/home",
                        self.kept + "/victim", self.top], check=True)

    def begin(self, script):
        """Runs it; its output."""
        return self.run(["sh", "-c", script], *self.options)[1]

    def case(self, case):
        """Whether the proof holds, and what the run wrote."""
        self.renew()
        names = {"WS": self.ws, "FH": self.home, "VIC": self.victim,
                 "OUT": self.out, "MARK": "M" + secrets.token_hex(6),
                 "ID": re.sub(r"\W", "-", case["id"])}
        said = "".join(f"{k}='{v}'\n" for k, v in {**names, **GIT}.items())
        said += "export " + " ".join(GIT) + "\n"
        if "setup" in case:
            self.outside(said + case["setup"])
        text = self.begin(said + case["do"])
        with open(self.out, "w", encoding="utf-8") as out:
            out.write(text)
        proof = case.get("proof", 'grep -aq GOOD "$OUT"')
        done = self.outside(said + WORDS + proof, check=False)
        return done.returncode == 0, text


class Copied(Place):
    """On a copy of the workspace, of which all is applied."""

    kind = "copy"
    options = ("--overlay", "--apply", "all")


class Bare(Place):
    """Of a user who may make no namespaces."""

    kind = "bare"

    def _become(self):
        super()._become()
        without_namespaces(EPERM)


class Served(Place):
    """Through a daemon, each run made anew."""

    def __init__(self, uid, kind, daemon):
        super().__init__(uid)
        self.kind = kind
        give_home(uid, self.home)
        self.daemon = daemon
        daemon.start()

    def __exit__(self, *_):
        self.daemon.__exit__(None, None, None)
        super().__exit__()

    def propose(self, *words):
        return subprocess.run(
            [f"{BIN}/assent", "run", "--runtime", self.daemon.runtime,
             "--workspace", self.ws, "--", *words], cwd=self.ws,
            env=self.env(), preexec_fn=self._become, check=False, timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT).stdout.decode("utf-8", "replace")

    def begin(self, script):
        # A file of the workspace: rules let such code run unasked.
        os.makedirs(self.ws + "/build", exist_ok=True)
        self.put(self.ws + "/build/case.sh", script)
        self.own(self.ws + "/build")
        self.ready()
        return self.propose("sh", "build/case.sh")

    def ready(self):
        """What goes ahead of a case."""


class Prepared(Served):
    """Through a daemon, in what was prepared by runs before it."""

    def __init__(self, uid, kind, daemon):
        super().__init__(uid, kind + "-ready", daemon)
        self.prepared = 0
        self.cases = 0

    def ready(self):
        self.cases += 1
        for _ in range(WARMED_MAX):
            self.propose("true")
            time.sleep(0.05)
            if self.waiting():
                self.prepared += 1
                return

    def __exit__(self, *_):
        print(f"{self.kind}: {self.prepared} of {self.cases} were prepared")
        super().__exit__()

    def waiting(self):
        """Whether a launcher has first processes that wait for a run."""
        for pid in self.daemon.roles().get("launcher", []):
            with open(f"/proc/{pid}/task/{pid}/children",
                      encoding="ascii") as children:
                if children.read().strip():
                    return True
        return False


class OfUser(Daemon):
    """A daemon that a plain user started."""

    def __init__(self, uid):
        super().__init__()
        self.uid = uid
        os.chmod(self.root, 0o755)
        for path in (self.root, self.workspace, self.config):
            os.chown(path, uid, uid)

    def before(self):
        os.setgroups([])
        os.setgid(self.uid)
        os.setuid(self.uid)


def give_home(uid, home):
    """The password file, of which this process has a copy, names it."""
    with open("/etc/passwd", encoding="utf-8") as file:
        lines = [line for line in file if line.split(":")[2] != str(uid)]
    name = "root" if uid == 0 else f"assent-case-{uid}"
    with open("/etc/passwd", "w", encoding="utf-8") as file:
        file.write(f"{name}:x:{uid}:{uid}::{home}:/bin/sh\n")
        file.writelines(lines)


def rooted(setting):
    daemon = Daemon(f"elevated: {setting}\n")
    os.chmod(daemon.root, 0o755)
    return daemon


def elevated():
    done = lib_elevated.setup()
    assert done.returncode == 0, done.stderr
    return rooted("required")


def places(wanted):
    """Those that are wanted, by name: `all`, or some with commas. Without a
    word `assent sandbox` alone, as root and as a user."""
    if not wanted:
        return [Place(uid) for uid in modes()]
    lib_elevated.enter()
    root, user = modes()
    made = {
        "alone": lambda: [Place(root), Place(user)],
        "copy": lambda: [Copied(root), Copied(user)],
        "bare": lambda: [Bare(user)],
    }
    for name, uid, daemon in (
            ("own", user, lambda: OfUser(user)),
            ("root", root, lambda: rooted('"off"')),
            ("user", user, lambda: rooted('"off"')),
            ("elevated-root", root, elevated),
            ("elevated-user", user, elevated)):
        def served(name=name, uid=uid, daemon=daemon):
            return [Served(uid, name, daemon())]

        def prepared(name=name, uid=uid, daemon=daemon):
            return [Prepared(uid, name, daemon())]
        made[name], made[name + "-ready"] = served, prepared
    names = list(made) if wanted == "all" else wanted.split(",")
    return [place for name in names for place in made[name]()]
