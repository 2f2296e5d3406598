#!/usr/bin/env python3
"""The screen with 1,000 questions: a key until its frame, memory, bytes that
an idle minute writes."""

import os
import sys
import time

SOURCE = os.environ["ASSENT_SOURCE"]
sys.path.insert(0, f"{SOURCE}/tests/integration")

from lib_daemon import Daemon  # noqa: E402
from lib_tui import Screen  # noqa: E402

PENDING = 1000
KEYS = 100
IDLE_S = 5


def rss_kb(pid, what="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(what):
                return int(line.split()[1])
    return 0


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def key_ms(screen, key):
    """From the write of a key to the last byte of what it draws."""
    screen.feed(0.12)
    before = len(screen.raw)
    began = time.monotonic()
    screen.keys(key)
    first = None
    while time.monotonic() - began < 1:
        screen.feed(0.002)
        if len(screen.raw) > before:
            before = len(screen.raw)
            first = time.monotonic()
            break
    return (first - began) * 1000 if first else 1000.0


def main():
    with Daemon() as daemon:
        for i in range(PENDING):
            status, body, _ = daemon.shell(
                f"git push origin branch-{i} && npm install thing-{i}",
                wait=0, session=f"s-{i % 20}",
                agent={"name": "codex", "version": "1"})
            if status != 202:
                raise SystemExit(f"not pending: {status} {body}")
        began = time.monotonic()
        with Screen(daemon.runtime, 40, 120) as s:
            s.wait_for(f"{PENDING} waiting", 60)
            print(f"tui_first_list_ms\t{(time.monotonic() - began) * 1000}"
                  "\tms")
            s.wait_for("WHY")
            s.feed(1)
            times = sorted(key_ms(s, "j") for _ in range(KEYS))
            print(f"tui_key_to_screen_p50_ms\t{times[KEYS // 2]}\tms")
            print(f"tui_key_to_screen_max_ms\t{times[-1]}\tms")
            print(f"tui_rss_kb\t{rss_kb(s.pid)}\tkB")
            print(f"tui_rss_anon_kb\t{rss_kb(s.pid, 'RssAnon')}\tkB")
            print(f"tui_rss_peak_kb\t{rss_kb(s.pid, 'VmHWM')}\tkB")
            before, ticks = len(s.raw), cpu_ticks(s.pid)
            s.feed_all(IDLE_S)
            print(f"tui_idle_bytes_per_s\t{(len(s.raw) - before) / IDLE_S}"
                  "\tB/s")
            share = (cpu_ticks(s.pid) - ticks) / os.sysconf("SC_CLK_TCK")
            print(f"tui_idle_cpu_percent\t{share / IDLE_S * 100}\t%")
    return 0


if __name__ == "__main__":
    sys.exit(main())
