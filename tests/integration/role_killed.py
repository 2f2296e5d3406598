"""
Any role killed at any moment: no acknowledged decision is lost, nothing runs
twice, and the log stays whole (I1, I9).

Clients propose without end and try again under the same key when the
connection breaks. Meanwhile a role is killed at a random moment, again and
again. At the end what was acknowledged is compared with the log, and what ran
with what was proposed: each command adds a line to a file of its own, so a
second run would show.
"""

import json
import os
import random
import signal
import sys
import threading
import time
import unittest

from lib_daemon import Daemon

KILLS = 50
CLIENTS = 6
SEED = int(os.environ.get("ASSENT_SEED", random.randrange(1 << 32)))
TRIES_S = 60


class Client(threading.Thread):
    """Proposes one action after the other; insists on an answer to each."""

    def __init__(self, daemon, number, stop):
        super().__init__()
        self.daemon_under_test = daemon
        self.number = number
        self.stop = stop
        self.answers = {}  # key -> the first acknowledged decision
        self.files = {}  # key -> the file that its command adds to
        self.broken = 0
        self.problem = None

    def run(self):
        count = 0
        while not self.stop.is_set() and self.problem is None:
            count += 1
            try:
                self.propose(f"k-{self.number}-{count}")
            except AssertionError as e:
                self.problem = e

    def propose(self, key):
        d = self.daemon_under_test
        self.files[key] = f"{d.workspace}/{key}"
        end = time.monotonic() + TRIES_S
        while time.monotonic() < end:
            try:
                status, body, _ = d.shell(
                    f"echo ran >> {key}", wait=10,
                    headers={"Idempotency-Key": key})
            except OSError:
                self.broken += 1
                time.sleep(0.01)
                continue
            if status in (200, 202):
                self.acknowledged(key, body)
                if status == 200:
                    return
            elif status not in (503, 429):
                raise AssertionError(f"{key}: {status} {body}")
            time.sleep(0.01)
        raise AssertionError(f"{key}: no answer within {TRIES_S} s")

    def acknowledged(self, key, body):
        """A second answer under one key tells of the same decision."""
        first = self.answers.setdefault(key, body)
        for field in ("id", "action_sha256"):
            if first[field] != body[field]:
                raise AssertionError(
                    f"{key}: {field} was {first[field]}, is {body[field]}")
        if body["decision"] != first["decision"]:
            raise AssertionError(f"{key}: another decision: {body}")
        self.answers[key] = body


class RoleKilled(unittest.TestCase):
    def setUp(self):
        print(f"ASSENT_SEED={SEED}", file=sys.stderr)
        self.random = random.Random(SEED)

    def kill_one(self, daemon):
        """A role that is there now; which one was it? With the supervisor
        all of them go, and the daemon is started again."""
        for _ in range(1000):
            roles = daemon.roles()
            name = self.random.choice(
                ("engine", "engine", "front", "reporter", "launcher",
                 "supervisor"))
            if name == "supervisor":
                daemon.process.kill()
                daemon.process.wait()
                daemon.start()
                return name
            if roles.get(name):
                try:
                    os.kill(self.random.choice(roles[name]), signal.SIGKILL)
                    return name
                except ProcessLookupError:
                    pass
            time.sleep(0.005)
        raise AssertionError("no role is there to be killed")

    def log_rows(self, daemon):
        listed = daemon.assent("log", "list", "--state", daemon.state,
                               "--limit", "1000000", "--json")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        return [json.loads(line) for line in listed.stdout.splitlines()]

    def check_log(self, daemon, answers):
        verified = daemon.assent("log", "verify", "--state", daemon.state)
        self.assertEqual(verified.returncode, 0,
                         verified.stdout + verified.stderr)
        decided, hashes = {}, {}
        for row in self.log_rows(daemon):
            hashes[row["seq"]] = row["log_hash"]
            if row["kind"] == "decided":
                decided.setdefault(row["action_id"], []).append(row)
        for key, answer in answers.items():
            rows = decided.get(answer["id"], [])
            self.assertEqual(len(rows), 1, f"{key}: {answer}: {rows}")
            self.assertEqual(rows[0]["decision"], answer["decision"])
            self.assertEqual(rows[0]["action_sha256"],
                             answer["action_sha256"])
            self.assertEqual(hashes[answer["seq"]], answer["log_hash"])

    def check_runs(self, files, answers):
        ran = 0
        for key, path in files.items():
            lines = 0
            if os.path.exists(path):
                with open(path, encoding="ascii") as f:
                    lines = f.read().count("ran\n")
            self.assertLessEqual(lines, 1, f"{key} ran {lines} times")
            ran += lines
            answer = answers.get(key, {})
            # With its launcher killed, a run may have come to nothing.
            if (answer.get("outcome") or {}).get("exit") == 0:
                self.assertEqual(lines, 1, f"{key} is done: {answer}")
        return ran

    def test_i1_no_decision_is_lost_and_nothing_runs_twice(self):
        stop = threading.Event()
        killed = {}
        with Daemon() as d:
            clients = [Client(d, n, stop) for n in range(CLIENTS)]
            for client in clients:
                client.start()
            for _ in range(KILLS):
                time.sleep(self.random.uniform(0.02, 0.25))
                name = self.kill_one(d)
                killed[name] = killed.get(name, 0) + 1
            time.sleep(0.5)
            stop.set()
            for client in clients:
                client.join()
            for client in clients:
                self.assertIsNone(client.problem)
            d.wait_ready()
            d.stop()
            self.assertEqual(d.process.returncode, 0)
            answers, files = {}, {}
            for client in clients:
                answers.update(client.answers)
                files.update(client.files)
            self.assertNotIn("Segmentation", d.daemon_log())
            self.check_log(d, answers)
            ran = self.check_runs(files, answers)
        broken = sum(client.broken for client in clients)
        print(f"{len(answers)} acknowledged, {ran} ran, {broken} broken "
              f"connections, killed: {killed}", file=sys.stderr)
        self.assertGreater(len(answers), KILLS)
        self.assertGreater(ran, 0)


if __name__ == "__main__":
    unittest.main()
