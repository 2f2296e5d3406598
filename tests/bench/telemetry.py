"""What telemetry costs decisions, and how fast a log that waits is sent.

Two daemons are asked in turns, one that sends its log to a collector and to a
file, and one that sends it nowhere. Then a log of many rows is sent to each
kind of destination by a daemon that has just been started.

    telemetry.py [ROWS]      ROWS of the log that is sent, 20000 by default
"""

import contextlib
import http.server
import json
import os
import selectors
import socket
import sqlite3
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "integration"))

from lib_daemon import Daemon  # noqa: E402

ROUNDS, ROUND_S, CLIENTS = 7, 2.0, 32
SENT_WITHIN_S = 120


class Receiver:
    """Takes everything at once and keeps nothing."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()


def request_of(daemon):
    body = json.dumps({
        "tool": "shell", "input": {"script": "ls -l src"},
        "cwd": daemon.workspace, "workspace": daemon.workspace}).encode()
    return (b"POST /v1/actions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body


class Load:
    """Keep-alive clients, each with one question under way."""

    def __init__(self, daemon):
        self.text = request_of(daemon)
        self.ready = selectors.DefaultSelector()
        self.clients = []
        for _ in range(CLIENTS):
            client = socket.socket(socket.AF_UNIX)
            client.connect(f"{daemon.runtime}/agent.sock")
            self.ready.register(client, selectors.EVENT_READ)
            self.clients.append(client)
            client.sendall(self.text)

    def run(self, seconds=None, count=None):
        """Decisions a second."""
        began, done = time.perf_counter(), 0
        while ((seconds is None or time.perf_counter() - began < seconds)
               and (count is None or done < count)):
            for key, _ in self.ready.select(1):
                if not key.fileobj.recv(65536).startswith(b"HTTP/1.1 20"):
                    sys.exit("a decision failed")
                key.fileobj.sendall(self.text)
                done += 1
        return done / (time.perf_counter() - began)

    def close(self):
        for client in self.clients:
            client.close()


def config(ways):
    return "telemetry:\n" + "".join(
        f"  {key}: '{value}'\n" for key, value in ways.items())


def cost(receiver, folder):
    with Daemon() as plain, Daemon(config({
            "otlp": receiver.url, "file": f"{folder}/cost.jsonl"})) as sends:
        loads = {"off": Load(plain), "on": Load(sends)}
        rates = {name: [] for name in loads}
        for load in loads.values():
            load.run(seconds=0.5)
        for _ in range(ROUNDS):
            for name, load in loads.items():
                rates[name].append(load.run(seconds=ROUND_S))
        for load in loads.values():
            load.close()
    for name, seen in rates.items():
        print(f"decisions_{name}\t{statistics.median(seen):.0f}\tper s")
    pairs = [100 * (1 - on / off)
             for on, off in zip(rates["on"], rates["off"])]
    print(f"cost\t{statistics.median(pairs):.1f}\t% of decisions")


def cpu_s(daemon):
    """What the two roles that are at work have used."""
    ticks = 0
    for role in ("engine", "reporter"):
        with open(f"/proc/{daemon.roles()[role][0]}/stat",
                  encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def export(daemon, name, ways, rows):
    """From the start of the daemon on; the cursor is written once a second,
    so the metric is asked."""
    with open(daemon.config, "w", encoding="ascii") as file:
        file.write(config(ways))
    daemon.start()
    began = time.perf_counter()
    word = f'assent_export_lag_records{{dest="{name}"}} '
    lag = rows
    while lag > 0 and time.perf_counter() - began < SENT_WITHIN_S:
        text = daemon.agent("GET", "/metrics")[1].decode()
        found = [line for line in text.splitlines() if line.startswith(word)]
        lag = int(found[0].split()[1]) if found else rows
        time.sleep(0.005)
    spent = time.perf_counter() - began
    cpu = cpu_s(daemon)
    daemon.stop()
    if lag > 0:
        sys.exit(f"{name}: {lag} rows were not sent")
    print(f"export_{name}\t{rows / spent:.0f}\trows per s")
    print(f"export_{name}_cpu\t{1e6 * cpu / rows:.1f}\tus a row")


def print_row(path):
    """The log alone; what is kept of actions beside it has a limit."""
    with contextlib.closing(
            sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        size, = db.execute(
            "SELECT sum(pgsize) FROM dbstat WHERE name IN ('log', "
            "'log_action', 'payload')").fetchone()
        rows, = db.execute("SELECT count(*) FROM log").fetchone()
    print(f"row\t{size / rows:.0f}\tbytes in the database")


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    receiver = Receiver()
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        cost(receiver, folder)
        with Daemon() as daemon:
            load = Load(daemon)
            load.run(count=rows)
            load.close()
            daemon.stop()
            with open(f"{folder}/key", "w", encoding="ascii",
                      opener=lambda p, f: os.open(p, f, 0o600)) as file:
                file.write("key\n")
            export(daemon, "otlp", {"otlp": receiver.url}, rows)
            export(daemon, "file", {"file": f"{folder}/rows.jsonl"}, rows)
            export(daemon, "webhook", {
                "webhook": receiver.url,
                "webhook_key_file": f"{folder}/key"}, rows)
            print_row(f"{daemon.state}/assent.db")


if __name__ == "__main__":
    main()
