"""What a hook costs the client: one call that rules allow, through a running
daemon, start of the program included; the same by a small adapter in Python
and, for the floor, a program that only prints, interleaved in one run. As root
and, where we are root, as a plain user. Started as a client starts it, without
Python's own subprocess in what is measured.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))

from lib_daemon import BIN, Daemon  # noqa: E402

ROUNDS = 200
USER = 59990
ADAPTER = """
import http.client, json, socket, sys
class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1] + "/agent.sock")
hook = json.load(sys.stdin)
c = Unix("localhost")
c.request("POST", "/v1/actions", json.dumps({
    "tool": "shell", "input": {"script": hook["tool_input"]["command"]},
    "cwd": hook["cwd"], "workspace": hook["cwd"], "executor": "client"}),
    {"Content-Type": "application/json"})
answer = json.loads(c.getresponse().read())
print(json.dumps({"hookSpecificOutput": {
    "hookEventName": "PreToolUse",
    "permissionDecision": answer["decision"]}}))
"""


def one(command, text, folder):
    """Milliseconds."""
    paths = [f"{folder}/{name}" for name in ("in", "out", "err")]
    with open(paths[0], "wb") as to:
        to.write(text)
    began = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, paths[0], os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, paths[1], os.O_WRONLY | os.O_CREAT
         | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, paths[2], os.O_WRONLY | os.O_CREAT
         | os.O_TRUNC, 0o600)])
    os.waitpid(pid, 0)
    spent = 1000 * (time.perf_counter() - began)
    with open(paths[1], encoding="utf-8") as answer:
        said = answer.read()
    if '"allow"' not in said:
        with open(paths[2], encoding="utf-8") as problem:
            sys.exit(f"{command[0]}: {said} {problem.read()}")
    return spent


def measure(who):
    with Daemon() as d, tempfile.TemporaryDirectory() as folder:
        commands = {
            "assent hook": [f"{BIN}/assent", "hook", "claude-code",
                            "--runtime", d.runtime],
            "python adapter": [sys.executable, "-c", ADAPTER, d.runtime],
            "nothing": ["/bin/echo", '"allow"'],
        }
        times = {name: [] for name in commands}
        for i in range(ROUNDS):
            for name, command in commands.items():
                times[name].append(one(command, json.dumps({
                    "hook_event_name": "PreToolUse", "session_id": "b",
                    "tool_use_id": f"{name}-{i}", "tool_name": "Bash",
                    "tool_input": {"command": "git status"},
                    "cwd": d.workspace}).encode(), folder))
    for name, spent in times.items():
        print(f"{who}: {name}: median\t{statistics.median(spent):.3f}\tms")
        print(f"{who}: {name}: least\t{min(spent):.3f}\tms")
        print(f"{who}: {name}: p90\t{sorted(spent)[ROUNDS * 9 // 10]:.3f}"
              "\tms")
    mine, floor, theirs = (statistics.median(times[name]) for name in (
        "assent hook", "nothing", "python adapter"))
    print(f"{who}: assent hook adds\t{mine - floor:.3f}\tms")
    print(f"{who}: python adapter / assent hook\t{theirs / mine:.1f}\tratio",
          flush=True)


def as_user():
    """The whole of it again, with programs that a plain user may start."""
    folder = tempfile.mkdtemp(prefix="assent-bench.", dir="/var/tmp")

    def become():
        os.setgroups([])
        os.setgid(USER)
        os.setuid(USER)
    try:
        os.chmod(folder, 0o755)
        for name in os.listdir(BIN):
            shutil.copy(f"{BIN}/{name}", folder, follow_symlinks=False)
        os.mkdir(f"{folder}/home")
        os.chown(f"{folder}/home", USER, USER)
        for path in (__file__, os.path.join(
                HERE, "..", "integration", "lib_daemon.py")):
            shutil.copy(path, folder)
        python = shutil.which("python3", path="/usr/bin:/bin")
        subprocess.run(
            [python, "-B", f"{folder}/hook.py"], check=True,
            preexec_fn=become, cwd=folder,
            env={"PATH": os.environ["PATH"], "ASSENT_BIN": folder,
                 "HOME": f"{folder}/home", "TMPDIR": f"{folder}/home"})
    finally:
        shutil.rmtree(folder)


def main():
    measure("root" if os.geteuid() == 0 else "user")
    if os.geteuid() == 0:
        as_user()


if __name__ == "__main__":
    main()
