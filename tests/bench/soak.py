"""Ten thousand runs through one daemon, eight at a time, with some that leave
processes behind, are ended for their time, or fail: what is held afterwards is
what was held before. Descriptors and memory of each role, processes and
control groups of runs, the table of runs, the workspace.

    ./dev bench soak [RUNS]

Ends with status 1, and says what grew, if anything did.
"""

import faulthandler
import http.client
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "integration"))
from lib_daemon import Daemon, UnixConnection  # noqa: E402

RUNS = 10000
CALLERS = 8
STEPS = 10  # times that it is looked at
AFTER_S = 0.1  # from the answer until nothing of the run may be alive
REST_S = 2  # then the launcher has made ahead what it makes ahead
# As many are kept for the next runs as were needed at once.
AT_ONCE = {"groups": 32, "processes": CALLERS}
MEMORY_SLACK_KB = 4 << 10
# The engine remembers what ended, for who asks later, up to a limit of its own.
ENGINE_SLACK_KB = 48 << 10
LEAVES = "sleep 600 & setsid sleep 601 & disown"
KINDS = (
    ("true", 0), ("echo one; echo two >&2", 0), ("exit 7", 7),
    ("head -c 100000 /dev/zero", 0), ("echo x > made.# && rm made.#", 0),
    ("ls /not-there", 2), ("sh ends.sh", None), ("(sleep 0.01; true) & wait", 0),
)


class Caller(threading.Thread):
    """One connection that is kept, with one run after another on it."""

    def __init__(self, daemon, number, count):
        super().__init__(daemon=True)
        self.d, self.number, self.count = daemon, number, count
        self.wrong = []
        self.took = []

    def script(self, i):
        if i % 101 == 100:
            return LEAVES, 0
        script, status = KINDS[(i + self.number) % len(KINDS)]
        return script.replace("#", str(self.number)), status

    def run(self):
        connection = UnixConnection(f"{self.d.runtime}/agent.sock", 60)
        try:
            for i in range(self.count):
                self.one(connection, *self.script(i))
        except (OSError, ValueError, KeyError, http.client.HTTPException) as e:
            self.wrong.append(repr(e))
        finally:
            connection.close()

    def one(self, connection, script, exit_status):
        began = time.monotonic()
        connection.request(
            "POST", "/v1/actions",
            json.dumps({"tool": "shell", "input": {"script": script},
                        "cwd": self.d.workspace, "execute": True,
                        "workspace": self.d.workspace}),
            {"Content-Type": "application/json", "Prefer": "wait=60"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        outcome = body.get("outcome") or {}
        self.took.append(time.monotonic() - began)
        if outcome.get("exit") != exit_status:
            self.wrong.append(f"{script}: {json.dumps(body)[:600]}")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def family(top):
    """All that descends from the daemon, but its roles and itself."""
    parents, words = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii",
                      errors="replace") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            with open(f"/proc/{entry}/cmdline", "rb") as line:
                words[int(entry)] = line.read()
        except (OSError, IndexError):
            continue
        parents[int(entry)] = (int(fields[1]), fields[0])
    of_it = {top}
    for _ in range(6):
        of_it |= {pid for pid, (above, _) in parents.items() if above in of_it}
    return {pid: words[pid] for pid in of_it if parents[pid][1] != "Z"}


def left_of_runs(daemon):
    """Programs that a run started: neither roles nor prepared processes."""
    return [words for words in family(daemon.process.pid).values()
            if words.startswith((b"/bin/", b"sleep", b"sh\0"))]


def groups(launchers):
    """Control groups of these launchers' runs, wherever they are."""
    found = set()  # one has a folder for each kind of limit
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        if folder.count("/") > 8:
            names.clear()
        found |= {name for name in names for pid in launchers
                  if name.startswith(f"assent-run-{pid}-")}
    return len(found)


def running(daemon):
    _, body, _ = daemon.approver("GET", "/v1/actions?state=running")
    return len(body["items"])


def tree(folder):
    return sorted(os.path.join(at, name) for at, names, files in
                  os.walk(folder) for name in names + files)


def look(daemon):
    seen = {"processes": len(family(daemon.process.pid)),
            "groups": groups(daemon.roles().get("launcher", ()))}
    roles = {role: pids[0] for role, pids in daemon.roles().items()}
    roles["supervisor"] = daemon.process.pid
    for role, pid in roles.items():
        seen[role] = (pid, descriptors(pid), resident_kb(pid))
    return seen


def step(daemon, count):
    """Runs count of them; what went wrong, seconds, times."""
    callers = [Caller(daemon, i, count // CALLERS) for i in range(CALLERS)]
    began = time.monotonic()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    took = time.monotonic() - began
    time.sleep(AFTER_S)
    wrong = [w for caller in callers for w in caller.wrong]
    wrong += [f"alive {AFTER_S} s after the answer: {words!r}"
              for words in left_of_runs(daemon)]
    if running(daemon) != 0:
        wrong.append(f"{running(daemon)} are said to be running")
    return wrong, took, sorted(t for c in callers for t in c.took)


def compare(before, after):
    """What grew, in words."""
    grew = []
    for name, first in before.items():
        last = after.get(name)
        if not isinstance(first, tuple):
            if last > first + AT_ONCE.get(name, 0):
                grew.append(f"{name}: {first}, then {last}")
            continue
        if last is None or last[0] != first[0]:
            grew.append(f"{name} ended, or was started again")
            continue
        slack = ENGINE_SLACK_KB if name == "engine" else MEMORY_SLACK_KB
        if last[1] > first[1]:
            grew.append(f"descriptors of {name}: {first[1]}, then {last[1]}")
        if last[2] > first[2] + slack:
            grew.append(f"memory of {name}: {first[2]}, then {last[2]} kB")
    return grew


def soak(daemon, runs):
    wrong, _, _ = step(daemon, CALLERS * 50)  # what is made once is made
    time.sleep(REST_S)
    first, files = look(daemon), tree(daemon.workspace)
    last = first
    for i in range(STEPS):
        more, took, times = step(daemon, runs // STEPS)
        time.sleep(REST_S)
        last = look(daemon)
        wrong += more
        held = " ".join(f"{name}={seen[1]}/{seen[2]}kB" for name, seen
                        in sorted(last.items()) if isinstance(seen, tuple))
        print(f"{(i + 1) * len(times)} runs, {len(times) / took:.0f}/s: "
              f"processes={last['processes']} groups={last['groups']} {held}",
              flush=True)
    wrong += compare(first, last)
    if tree(daemon.workspace) != files:
        wrong.append(f"the workspace has {tree(daemon.workspace)}")
    for name, seen in sorted(last.items()):
        if isinstance(seen, tuple):
            print(f"descriptors gained: {name}\t{seen[1] - first[name][1]}\t-")
            print(f"memory gained: {name}\t{seen[2] - first[name][2]}\tkB")
    return wrong


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    faulthandler.cancel_dump_traceback_later()
    with Daemon() as daemon:
        os.chmod(daemon.root, 0o755)
        with open(f"{daemon.workspace}/ends.sh", "w", encoding="ascii") as f:
            f.write("kill -9 $$\n")
        wrong = soak(daemon, runs)
        launchers = daemon.roles().get("launcher", ())
        alive = family(daemon.process.pid)
    time.sleep(AFTER_S)
    wrong += [f"after the daemon's end: {words!r}" for pid, words
              in alive.items() if os.path.exists(f"/proc/{pid}/exe")]
    if groups(launchers) > 0:
        wrong.append(f"{groups(launchers)} control groups stay")
    for what in wrong[:20]:
        print(f"soak: {what}")
    print(f"soak: {runs} runs: "
          + ("nothing is left" if not wrong else f"{len(wrong)} faults"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
