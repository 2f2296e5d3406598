"""How fast output comes through `assent run`, both streams at once, and what
it costs in memory: through the launcher, the engine and the front."""

import hashlib
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "integration"))
from lib_daemon import BIN, Daemon  # noqa: E402

MB = 1 << 20
EACH = 128  # megabytes on each stream
CONFIG = "profiles:\n  workspace-write: {limits: {output: 600M}}\n"
WRITES = r"""
import hashlib, os, threading
def write(fd, block):
    sum = hashlib.sha256()
    for _ in range(%d):
        sum.update(block)
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(fd, rest):]
    open(f'sum{fd}', 'w').write(sum.hexdigest())
text = b'a line of text as compilers write it, more or less\n' * 20560
other = threading.Thread(
    target=write, args=(2, hashlib.shake_128(b'x').digest(1 << 20)))
other.start()
write(1, text)
other.join()
""" % EACH


def peak_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0


def read(file, into):
    digest = hashlib.sha256()
    while block := file.read1(MB):
        digest.update(block)
        into["bytes"] = into.get("bytes", 0) + len(block)
    into["sum"] = digest.hexdigest()


def main():
    with Daemon(CONFIG) as daemon:
        os.chmod(daemon.root, 0o755)
        with open(f"{daemon.workspace}/writes.py", "w",
                  encoding="ascii") as file:
            file.write(WRITES)
        begin = time.monotonic()
        run = subprocess.Popen(
            [f"{BIN}/assent", "run", "--runtime", daemon.runtime, "--",
             "python3", "writes.py"], cwd=daemon.workspace,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        seen = [{}, {}]
        readers = [threading.Thread(target=read, args=(file, into))
                   for file, into in zip((run.stdout, run.stderr), seen)]
        for reader in readers:
            reader.start()
        client = 0
        while run.poll() is None:
            client = max(client, peak_mb(run.pid))
            time.sleep(0.02)
        for reader in readers:
            reader.join()
        seconds = time.monotonic() - begin
        for fd in (1, 2):
            with open(f"{daemon.workspace}/sum{fd}", encoding="ascii") as file:
                if file.read() != seen[fd - 1]["sum"]:
                    sys.exit(f"stream {fd} is not what was written")
        total = sum(one["bytes"] for one in seen) / MB
        print(f"output_speed\t{total / seconds:.1f}\tMB/s, both streams")
        print(f"client_peak\t{client:.1f}\tMB of assent run")
        for role, pids in sorted(daemon.roles().items()):
            print(f"{role}_peak\t{peak_mb(pids[0]):.1f}\tMB")


if __name__ == "__main__":
    main()
