"""
What the sandbox's tests share: a world in a folder of its own with a home, a
workspace in it, a victim beside it, and runs as root and as a plain user.
"""

import os
import shutil
import subprocess
import sys
import tempfile

BIN = os.environ["ASSENT_BIN"]
# Owns nothing, is nobody; another one in each test, since a limit on processes
# counts per user: a bomb in the sandbox of one would starve another.
USER = 20000 + os.getpid() % 30000
GIT = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t.example",
       "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t.example",
       "GIT_CONFIG_NOSYSTEM": "1"}


def modes():
    """The uids to run as: root tries both ways, others their own."""
    return (0, USER) if os.geteuid() == 0 else (os.geteuid(),)


class World:
    """A fresh home and workspace of one uid; gone at the end."""

    def __init__(self, uid, base=None):
        self.uid = uid
        self.top = tempfile.mkdtemp(prefix="assent-it-", dir=base or "/var/tmp")
        os.chmod(self.top, 0o755)
        self.helper = self.top + "/assent-exec"
        shutil.copy(BIN + "/assent-exec", self.helper)
        self.home = self.top + "/home"
        self.ws = self.home + "/proj"
        self.victim = self.top + "/victim"
        for path in (self.home, self.ws, self.victim, self.home + "/.ssh"):
            os.mkdir(path)
        self.put(self.home + "/.ssh/id_ed25519", "SECRET-KEY\n", 0o600)
        self.put(self.home + "/.bashrc", "# rc\n")
        self.put(self.home + "/notes.txt", "SECRET-NOTE\n")
        self.put(self.victim + "/plain.txt", "original\n")
        self.put(self.ws + "/README", "read me\n")
        self.own(self.top)
        self.outside("git init -q . && git add -A && git commit -qm first")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def own(self, path):
        if os.geteuid() != 0:
            return
        for folder, names, files in os.walk(path):
            for name in [folder] + [folder + "/" + n for n in names + files]:
                os.chown(name, self.uid, self.uid, follow_symlinks=False)

    def put(self, path, text, mode=0o644):
        with open(path, "w", encoding="utf-8") as to:
            to.write(text)
        os.chmod(path, mode)
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.uid)

    def _become(self):
        if os.geteuid() == 0 and self.uid != 0:
            os.setgroups([])
            os.setgid(self.uid)
            os.setuid(self.uid)

    def env(self, **more):
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": self.home,
               "LANG": "C.UTF-8", "API_TOKEN": "SECRET-TOKEN"}
        env.update(GIT)
        env.update(more)
        return env

    def outside(self, script, check=True):
        """What the person does on the host, with no sandbox."""
        return subprocess.run(
            ["bash", "-c", script], cwd=self.ws, env=self.env(), check=check,
            preexec_fn=self._become, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=60)

    def start(self, words, *options, **popen):
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.STDOUT)
        popen.setdefault("cwd", self.ws)
        popen.setdefault("env", self.env())
        workspace = [] if "--workspace" in options \
            else ["--workspace", self.ws]
        return subprocess.Popen(
            [self.helper, "--oneshot", *workspace, *options, "--", *words],
            preexec_fn=self._become, **popen)

    def run(self, words, *options, **popen):
        """exit status, output"""
        if isinstance(words, str):
            exports = "".join(f"export {k}='{v}'; " for k, v in GIT.items())
            words = ["bash", "-c", exports + words]
        with self.start(words, *options, **popen) as process:
            out, _ = process.communicate(timeout=60)
        return process.returncode, out.decode("utf-8", "replace")

    def python(self, text, *options, **popen):
        return self.run(["python3", "-c", text], *options, **popen)


def in_each_mode(test):
    """The test in a world of each uid."""
    def run(self):
        for uid in modes():
            with self.subTest(uid=uid), World(uid) as w:
                test(self, w)
    run.__name__ = test.__name__
    return run


def require_sandbox():
    """Skips loudly where no sandbox can be made; fails where one must."""
    for uid in modes():
        with World(uid) as w:
            status, out = w.run(["true"])
            if status == 0:
                continue
            print(f"SKIP: no sandbox for uid {uid} here: {out}")
            sys.exit(1 if os.environ.get("ASSENT_MUST_SANDBOX") == "1" else 77)
