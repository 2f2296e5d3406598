#!/usr/bin/env python3
"""
What the proxy costs: throughput of one stream, added latency, memory.

A fresh sink and source in C would measure them; here the streams are moved by
programs that do nothing else (sendfile and splice in the kernel), so that the
proxy is what is measured. Targets: 70 % of a direct connection, under 0.3 ms
at the median, 1,000 connections under 32 MB.
"""

import os
import socket
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../integration")
os.environ.setdefault("ASSENT_BIN", sys.argv[1] if len(sys.argv) > 1
                      else HERE + "/../../build/release/bin")

import lib_proxy as lib  # noqa: E402

SIZE = 1 << 30
PAIRS = 7
ROUNDS = 2000
CONNECTIONS = 1000


def source(path):
    """Sends the whole file, by the kernel alone."""
    def handle(sock):
        with open(path, "rb") as file:
            at = 0
            while at < SIZE:
                sent = os.sendfile(sock.fileno(), file.fileno(), at,
                                   SIZE - at)
                at += sent
        sock.shutdown(socket.SHUT_WR)
    return handle


def drain(sock):
    """MB a second; nothing is kept."""
    view = memoryview(bytearray(1 << 20))
    began = time.perf_counter()
    got = 0
    while True:
        n = sock.recv_into(view)
        if not n:
            break
        got += n
    assert got == SIZE, got
    return got / (time.perf_counter() - began) / 1e6


def direct(world, port):
    with world.machine:
        sock = socket.create_connection((lib.WEB, port))
    return sock


def throughput(world, proxy):
    plain, through = [], []
    for _ in range(PAIRS):
        with direct(world, 9) as sock:
            plain.append(drain(sock))
        sock, first = proxy.tunnel(f"{lib.WEB}:9")
        assert b" 200 " in first, first
        with sock:
            through.append(drain(sock))
    # Each beside the one before it: machines drift.
    share = statistics.median(b / a for a, b in zip(plain, through))
    print(f"stream_direct\t{statistics.median(plain):.0f}\tMB/s")
    print(f"stream_proxy\t{statistics.median(through):.0f}\tMB/s")
    print(f"stream_share\t{100 * share:.0f}\t%")


def round_trips(sock):
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        sock.sendall(b"x" * 64)
        sock.recv(64)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e3


def latency(world, proxy):
    with direct(world, 7) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain = round_trips(sock)
    sock, _ = proxy.tunnel(f"{lib.WEB}:7")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with sock:
        through = round_trips(sock)
    print(f"round_trip_direct\t{plain:.3f}\tms")
    print(f"round_trip_added\t{through - plain:.3f}\tms")


def connects(world, proxy):
    plain, through = [], []
    for _ in range(300):
        began = time.perf_counter()
        direct(world, 7).close()
        plain.append(time.perf_counter() - began)
        began = time.perf_counter()
        sock = proxy.connect()
        sock.sendall(f"CONNECT {lib.WEB}:7 HTTP/1.1\r\n\r\n".encode())
        assert b" 200 " in sock.recv(100)
        through.append(time.perf_counter() - began)
        sock.close()
    added = statistics.median(through) - statistics.median(plain)
    print(f"connect_added\t{added * 1e3:.3f}\tms")


def memory(proxy):
    held = []
    for _ in range(CONNECTIONS):
        sock, _ = proxy.tunnel(f"{lib.WEB}:7")
        sock.sendall(b"ping")
        assert sock.recv(4) == b"ping"
        held.append(sock)
    with open(f"/proc/{proxy.process.pid}/status", encoding="ascii") as text:
        rss = [int(row.split()[1]) for row in text
               if row.startswith("VmRSS")][0]
    print(f"connections_{CONNECTIONS}_memory\t{rss / 1024:.1f}\tMB")


def main():
    with lib.World() as world:
        path = world.top + "/source"
        with open(path, "wb") as file:
            file.truncate(SIZE)
        world.serve(lib.WEB, 9, source(path))
        world.serve(lib.WEB, 7, lib.echo)
        stop = threading.Event()
        with lib.Proxy(world, [lib.allow("0.0.0.0/0:*")],
                       connections=CONNECTIONS + 50) as proxy:
            # Events are taken as a launcher would.
            threading.Thread(target=take_events, args=(proxy, stop),
                             daemon=True).start()
            throughput(world, proxy)
            latency(world, proxy)
            connects(world, proxy)
            memory(proxy)
            stop.set()


def take_events(proxy, stop):
    while not stop.is_set():
        try:
            proxy.read_one(0.1)
        except (OSError, EOFError, ValueError):
            return


main()
