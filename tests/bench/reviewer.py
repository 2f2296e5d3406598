"""What a review costs besides the provider's own time: memory of the process
with 64 of them under way, time between a provider's answer and its next
question, and what a thousand waiting questions do to memory and to decisions
that need no review. The provider is a script on loopback.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = os.environ["ASSENT_SOURCE"]
sys.path[:0] = [f"{SOURCE}/tests/integration", f"{SOURCE}/tests/fake"]

import lib_daemon  # noqa: E402  pylint: disable=wrong-import-position
import lib_reviewer as lib  # noqa: E402  pylint: disable=wrong-import-position
import provider  # noqa: E402  pylint: disable=wrong-import-position

IN_FLIGHT = 64
WAITING = 1000
ROUNDS = 100  # of ten cases each


def say(name, value, unit):
    print(f"{name}\t{value:g}\t{unit}", flush=True)


def memory(pid):
    """Resident KiB: all, and its own."""
    found = {}
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name in ("VmRSS", "RssAnon"):
                found[name] = int(value.split()[0])
    return found["VmRSS"], found["RssAnon"]


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    if not what():
        raise SystemExit("it did not come to it")


class Held:
    """A provider that answers when the gate opens."""

    def __init__(self, tls=None):
        self.gate = threading.Event()
        self.held = 0
        self.lock = threading.Lock()
        self.server = provider.serve(provider.Tcp(self.answer, tls=tls))
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, request, connection):
        with self.lock:
            self.held += 1
        self.gate.wait(120)
        provider.scripted(request, connection)


def reviewer_state(daemon):
    return daemon.agent("GET", "/readyz")[1]["reviewer"]


def in_flight(what, held, **more):
    text = lib.settings([lib.provider_line(held.url, **more)], "120s",
                        parallel=IN_FLIGHT, queue=WAITING)
    with lib_daemon.Daemon(text) as d:
        until(lambda: reviewer_state(d)["there"])
        pid = d.roles()["reviewer"][0]
        idle = memory(pid)
        for n in range(IN_FLIGHT):
            d.shell(f"unknown-program {n}", execute=False, wait=0)
        until(lambda: held.held == IN_FLIGHT)
        peak = memory(pid)
        time.sleep(1)
        busy = memory(pid)
        say(f"reviewer, idle, {what}", idle[0] / 1024, "MiB")
        say(f"reviewer, {IN_FLIGHT} reviews under way, {what}",
            busy[0] / 1024, "MiB")
        say(f"as the last of them was sent, {what}", peak[0] / 1024, "MiB")
        say(f"of that its own, {what}", busy[1] / 1024, "MiB")
        held.gate.set()
        until(lambda: reviewer_state(d)["under_way"] == 0)
    held.server.shutdown()


def certificate(folder):
    cert, key = f"{folder}/c.pem", f"{folder}/c.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
         "-keyout", key, "-out", cert, "-subj", "/CN=bench", "-addext",
         "subjectAltName=IP:127.0.0.1", "-days", "2"], check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cert, key


def turnaround(folder):
    """From the last byte of an answer to the last of the next question."""
    gaps, last = [], []

    def answer(request, connection):
        now = time.perf_counter()
        if last:
            gaps.append(now - last[0])
        connection.sendall(provider.http(provider.envelope(
            request, json.dumps(provider.verdict(request)))))
        last[:] = [time.perf_counter()]
    server = provider.serve(provider.Tcp(answer))
    config = lib.write_settings(folder, lib.settings(
        [lib.provider_line(f"http://127.0.0.1:{server.server_address[1]}")],
        "30s", parallel=1))
    cases = f"{folder}/cases.jsonl"
    with open(cases, "w", encoding="ascii") as file:
        for n in range(10):
            file.write(json.dumps({"label": "benign", "command":
                                   f"unknown-program {n}"}) + "\n")
    def spent(runs):
        """Processor seconds of assent and the reviewer's process."""
        def now():
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            return used.ru_utime + used.ru_stime
        before = now()
        subprocess.run(
            [f"{lib.BIN}/assent", "review", "eval", "--config", config,
             "--cases", cases, "--runs", str(runs), "--json"], check=True,
            stdout=subprocess.DEVNULL)
        return now() - before
    once = spent(1)
    gaps.clear()
    last.clear()
    cpu = (spent(ROUNDS) - once) / (10 * (ROUNDS - 1))
    server.shutdown()
    say("processor time of a review, both ends of it", cpu * 1e3, "ms")
    gaps.sort()
    say("between an answer and the next question, median",
        statistics.median(gaps) * 1e3, "ms")
    say("the same, p99", gaps[len(gaps) * 99 // 100] * 1e3, "ms")


def decisions(daemon, count=100):
    """Seconds of a decision by rules, median and worst."""
    spent = []
    for _ in range(count):
        began = time.perf_counter()
        _, body, _ = daemon.shell("ls", execute=False, wait=10)
        spent.append(time.perf_counter() - began)
        if body["decision"] != "allow":
            raise SystemExit(f"not allowed: {body}")
    return statistics.median(spent), max(spent)


def propose_many(daemon, script):
    for n in range(WAITING):
        status, body, _ = daemon.shell(f"{script} {n}", execute=False, wait=0)
        if status != 202:
            raise SystemExit(f"does not wait: {body}")


def many_waiting():
    held = Held()
    text = lib.settings([lib.provider_line(held.url)], "120s", parallel=4,
                        queue=WAITING)
    with lib_daemon.Daemon(text) as d:
        until(lambda: reviewer_state(d)["there"])
        roles = d.roles()
        before = {r: memory(roles[r][0])[1] for r in ("engine", "reviewer")}
        alone = decisions(d)
        propose_many(d, "unknown-program")
        until(lambda: held.held == 4)
        state = reviewer_state(d)
        if state["waiting"] < WAITING - 4 - 1:
            raise SystemExit(f"they do not wait: {state}")
        crowd = decisions(d)
        after = {r: memory(roles[r][0])[1] for r in ("engine", "reviewer")}
        say(f"reviewer, growth by {WAITING} waiting",
            after["reviewer"] - before["reviewer"], "KiB")
        say("engine, growth for each action that waits for a review",
            (after["engine"] - before["engine"]) / WAITING, "KiB")
        say("decision by rules, nobody waits, median", alone[0] * 1e3, "ms")
        say(f"decision by rules, {WAITING} wait, median", crowd[0] * 1e3,
            "ms")
        say(f"decision by rules, {WAITING} wait, worst", crowd[1] * 1e3,
            "ms")
        held.gate.set()
        held.server.shutdown()
    # The same actions where a person is asked: what the queue itself adds.
    with lib_daemon.Daemon("") as d:
        engine = d.roles()["engine"][0]
        before = memory(engine)[1]
        decisions(d)
        propose_many(d, "unknown-program")
        say("engine, growth for each action that waits for a person",
            (memory(engine)[1] - before) / WAITING, "KiB")


def main():
    in_flight("http", Held())
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        cert, key = certificate(folder)
        # With as many authorities as a real system trusts.
        bundle = f"{folder}/all.pem"
        with open(bundle, "wb") as file:
            for path in ("/etc/ssl/certs/ca-certificates.crt", cert):
                if os.path.exists(path):
                    with open(path, "rb") as part:
                        file.write(part.read())
        in_flight("https", Held(provider.tls_context(cert, key)),
                  ca_file=bundle)
        turnaround(folder)
    many_waiting()


if __name__ == "__main__":
    main()
