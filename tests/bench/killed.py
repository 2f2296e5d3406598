"""Some hundred runs, each with one process killed, or stopped for a while, at
a time that nobody chose: the launcher, a template, the first process of a run,
what waits prepared, the proxy, the command itself. Each action ends and says
what happened; no process, mount, control group or file is left; the daemon
goes on.

    ./dev bench killed [ROUNDS]            SEED=N for the same once more

Ends with status 1, and says what was wrong, if anything was.
"""

import faulthandler
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "integration"))
from lib_daemon import Daemon  # noqa: E402
from soak import family, groups, tree  # noqa: E402

ROUNDS = 300
LIMIT_S = 40
STOPPED_S = 0.3
SWEEP_S = 3  # until a new launcher has cleared up after a killed one
MARK = "of-a-killed-one"
SCRIPT = ("import os, time\n"
          "for _ in range(3): os.fork()\n"
          "time.sleep(float(open('seconds').read()))\n")
# With and without a proxy for each run.
CONFIGS = ("", "profiles: {workspace-write: {network: [a.example]}}\n")
# Whose end everything has; tests of their own kill these.
ROLES = (b"--role=", b"assentd\0")


def mounts():
    with open("/proc/self/mountinfo", "rb") as lines:
        return len(lines.readlines())


def victims(daemon):
    return {pid: words for pid, words in family(daemon.process.pid).items()
            if pid != daemon.process.pid and
            not any(mark in words for mark in ROLES)}


def send(pid, signo):
    try:
        os.kill(pid, signo)
    except ProcessLookupError:
        pass


def name_of(pid, words, launchers):
    program = words.split(b"\0")[0].decode("utf-8", "replace")
    if b"--launcher" in words and pid not in launchers:
        return "a template, or the first process of a run"
    return os.path.basename(program) or "a process without a name"


class Killer:
    def __init__(self, daemon, chance):
        self.d, self.chance = daemon, chance
        self.wrong, self.seen, self.said = [], {}, {}
        self.launchers = set()

    def fault(self, number, what):
        self.wrong.append(f"round {number}: {what}")

    def hit(self):
        """Kills or stops one of them."""
        all_of_them = victims(self.d)
        self.launchers |= set(self.d.roles().get("launcher", ()))
        if not all_of_them:
            return
        pid = self.chance.choice(sorted(all_of_them))
        who = name_of(pid, all_of_them[pid], self.launchers)
        stop = self.chance.random() < 0.3
        if stop:
            send(pid, signal.SIGSTOP)
            time.sleep(STOPPED_S * self.chance.random())
        if stop and self.chance.random() < 0.7:
            send(pid, signal.SIGCONT)
            who += ", stopped for a while"
        else:
            send(pid, signal.SIGKILL)
        self.seen[who] = self.seen.get(who, 0) + 1

    def wait(self, action):
        end = time.monotonic() + LIMIT_S
        while action["state"] not in ("done", "unknown"):
            if time.monotonic() > end:
                return None
            _, action, _ = self.d.agent(
                "GET", f"/v1/actions/{action['id']}",
                headers={"Prefer": "wait=5"})
        return action

    def left(self):
        return [words for words in family(self.d.process.pid).values()
                if MARK.encode() in words]

    def round(self, number):
        with open(f"{self.d.workspace}/seconds", "w", encoding="ascii") as f:
            f.write(str(self.chance.choice((0, 0.05, 0.5))))
        actions = [self.d.shell(f"python3 family.py {MARK}", wait=0)[1]
                   for _ in range(self.chance.choice((1, 1, 3)))]
        time.sleep(self.chance.choice((0, 0.003, 0.02, 0.1, 0.5)) *
                   self.chance.random())
        self.hit()
        for action in actions:
            ended = self.wait(action)
            if ended is None:
                self.fault(number, f"{action['id']} never ends")
                continue
            outcome = ended.get("outcome") or {}
            said = outcome.get("failure") or (
                f"exit {outcome.get('exit')} signal {outcome.get('signal')}")
            self.said[said] = self.said.get(said, 0) + 1
            if ended["state"] != "done":
                self.fault(number, f"it is {ended['state']}")
        end = time.monotonic() + 5
        while self.left() and time.monotonic() < end:
            time.sleep(0.01)
        for words in self.left():
            self.fault(number, f"it stays: {words!r}")

    def after(self):
        _, action, _ = self.d.shell("echo works", wait=30)
        outcome = action.get("outcome") or {}
        if outcome.get("stdout") != "works\n":
            self.fault("last", f"nothing runs any more: {action}")
        dead = self.launchers - set(self.d.roles().get("launcher", ()))
        time.sleep(SWEEP_S)
        if groups(dead) > 0:
            self.fault("last", f"{groups(dead)} control groups of launchers "
                       "that are no more")


def kill(config, rounds, chance):
    with Daemon(config) as daemon:
        os.chmod(daemon.root, 0o755)
        with open(f"{daemon.workspace}/family.py", "w",
                  encoding="ascii") as file:
            file.write(SCRIPT)
        with open(f"{daemon.workspace}/seconds", "w", encoding="ascii"):
            pass
        killer = Killer(daemon, chance)
        files, mounted = tree(daemon.workspace), mounts()
        for number in range(rounds):
            killer.round(number)
            if number % 50 == 49:
                print(f"{number + 1} rounds, {len(killer.wrong)} faults",
                      flush=True)
        killer.after()
        if tree(daemon.workspace) != files:
            killer.fault("last", f"files: {tree(daemon.workspace)}")
        if mounts() != mounted:
            killer.fault("last", f"{mounts() - mounted} mounts more")
        alive = family(daemon.process.pid)
    time.sleep(0.2)
    killer.wrong += [f"after the end: {words!r}" for pid, words
                     in alive.items() if os.path.exists(f"/proc/{pid}/exe")]
    return killer


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1 << 30)
    faulthandler.cancel_dump_traceback_later()
    print(f"SEED={seed}")
    faults = 0
    for config in CONFIGS:
        killer = kill(config, rounds // len(CONFIGS), random.Random(seed))
        for what, counts in (("killed", killer.seen), ("said", killer.said)):
            for name, count in sorted(counts.items(), key=lambda i: -i[1]):
                print(f"  {what} {count} times: {name[:150]}")
        for fault in killer.wrong[:20]:
            print(f"killed: {fault}")
        faults += len(killer.wrong)
    print(f"killed: {rounds} runs: "
          + ("nothing is left" if faults == 0 else f"{faults} faults"))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
