"""
kill -9 of any role at 50 random points: no acknowledged decision is lost,
nothing runs twice, an interrupted run is unknown and never repeated.
"""

import json
import os
import random
import signal
import sys
import threading
import time

import lib_daemon as lib

KILLS = 50
CLIENTS = 4
RETRY_S = 60


class Client(threading.Thread):
    """Proposes runs until told to stop; remembers what was acknowledged."""

    def __init__(self, daemon, number, stop):
        super().__init__(daemon=True)
        self.d, self.number, self.stop = daemon, number, stop
        self.acknowledged = {}
        self.trouble = []

    def run(self):
        turn = 0
        while not self.stop.is_set():
            self.propose(f"c{self.number}-{turn}")
            turn += 1

    def propose(self, key):
        """The same key again until it is answered: it is one action."""
        end = time.monotonic() + RETRY_S
        while time.monotonic() < end:
            try:
                status, body, _ = self.d.shell(
                    f"echo {key} >> runs", wait=20,
                    headers={"Idempotency-Key": key})
            except OSError:
                time.sleep(0.05)
                continue
            if status == 200:
                self.acknowledged[key] = body
                return
            if status not in (202, 429, 503):
                self.trouble.append((key, status, body))
                return
            time.sleep(0.05)
        self.trouble.append((key, "not answered within a minute", None))


def kill_one(daemon, dice):
    """A role at random; the supervisor too, which is then started again."""
    roles = daemon.roles()
    names = sorted(roles) + ["supervisor"]
    name = dice.choice(names)
    if name == "supervisor":
        daemon.process.kill()
        daemon.process.wait()
        daemon.start()
        return name
    try:
        os.kill(dice.choice(roles[name]), signal.SIGKILL)
    except ProcessLookupError:
        pass
    return name


def check(daemon, clients):
    wrong = [t for c in clients for t in c.trouble]
    runs = []
    if os.path.exists(f"{daemon.workspace}/runs"):
        with open(f"{daemon.workspace}/runs", encoding="ascii") as f:
            runs = f.read().split()
    twice = {r for r in runs if runs.count(r) > 1}
    if twice:
        wrong.append(("ran twice", sorted(twice), None))
    verified = daemon.assent("log", "verify", "--state", daemon.state)
    if verified.returncode != 0:
        wrong.append(("log verify", verified.stdout, verified.stderr))
    listed = daemon.assent("log", "export", "--state", daemon.state,
                           "--format", "jsonl")
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    decided = {}
    for row in rows:
        if row["kind"] == "decided":
            decided[row["action_id"]] = decided.get(row["action_id"], 0) + 1
    states = {}
    for c in clients:
        for key, body in c.acknowledged.items():
            states[body["state"]] = states.get(body["state"], 0) + 1
            if decided.get(body["id"]) != 1:
                wrong.append(("acknowledged, rows in the log", key,
                              decided.get(body["id"])))
            if body["state"] == "done" and \
                    (body.get("outcome") or {}).get("exit") == 0 and \
                    key not in runs:
                wrong.append(("done but did not run", key, body))
    print(f"{len(rows)} rows, {len(runs)} runs, acknowledged: {states}")
    return wrong


def main():
    seed = int(os.environ.get("ASSENT_SEED", random.randrange(1 << 30)))
    dice = random.Random(seed)
    print(f"seed {seed}")
    killed = {}
    with lib.Daemon() as d:
        stop = threading.Event()
        clients = [Client(d, n, stop) for n in range(CLIENTS)]
        for c in clients:
            c.start()
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.02, 0.4))
            name = kill_one(d, dice)
            killed[name] = killed.get(name, 0) + 1
        time.sleep(0.5)
        stop.set()
        for c in clients:
            c.join(RETRY_S * 2)
        print(f"killed: {killed}")
        d.stop()
        wrong = check(d, clients)
    for item in wrong[:20]:
        print("WRONG:", item)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
