"""
The store against real disks: killed at its system calls, a full and a
read-only file system, errors of single calls. What was acknowledged is there,
the log verifies, and where the trouble ends it goes on without a restart.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

BIN = os.environ["ASSENT_BIN"]
STORE = os.path.join(os.path.dirname(BIN), "fake", "store_alone")
ASSENT = os.path.join(BIN, "assent")
SANITIZES = os.environ.get("ASSENT_PRESET_SANITIZES") == "1"
FULL = "ASSENT_TEST_FULL" in os.environ
CALLS = ["pwrite64", "fdatasync", "ftruncate", "unlink", "openat", "write",
         "rename", "fallocate"]
FILL_BYTES = 4096

skipped = []


def verify(state):
    """The result of assent log verify."""
    run = subprocess.run(
        [ASSENT, "log", "verify", "--json", "--state", state],
        capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout, run.stderr
    return json.loads(run.stdout)


def rows(state, *options):
    run = subprocess.run(
        [ASSENT, "log", "export", "--state", state, *options],
        capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def acknowledged(lines):
    """The last "ok SEQ HASH", as (seq, hash)."""
    last = (0, None)
    for line in lines:
        word, *rest = line.split()
        if word == "ok" and len(rest) == 2:
            last = (int(rest[0]), rest[1])
    return last


def check(state, lines, what):
    """What was acknowledged is there, and the log is good and goes on."""
    seq, digest = acknowledged(lines)
    again = subprocess.run(
        [STORE, state], input="commit 1 10\nquit\n", capture_output=True,
        text=True, timeout=60, check=False)
    assert again.returncode == 0, f"{what}: {again.stdout}{again.stderr}"
    result = verify(state)
    assert result["ok"], f"{what}: {result['error']}"
    assert result["rows"] >= seq + 2, f"{what}: {result['rows']} < {seq}"
    if seq:
        found = rows(state, "--from", str(seq), "--to", str(seq))
        assert found[0]["log_hash"] == digest, f"{what}: row {seq} is another"


def killed_at_any_system_call(folder):
    if shutil.which("strace") is None or SANITIZES:
        skipped.append("kill at system calls: needs strace, no sanitizer")
        return
    script = "commit 6 100\nidle\ncommit 6 100\nquit\n"
    points = 0
    for call in CALLS:
        step = 1 if FULL else 5
        for n in range(1, 200, step):
            state = os.path.join(folder, f"{call}-{n}")
            run = subprocess.run(
                ["strace", "-f", "-qq", "-o", "/dev/null", "-e",
                 f"trace={call}", "-e",
                 f"inject={call}:signal=SIGKILL:when={n}", STORE, state],
                input=script, capture_output=True, text=True, timeout=60,
                check=False)
            if run.returncode == 0:
                break
            assert "refused" not in run.stdout, run.stdout
            if "ptrace" in run.stderr:
                skipped.append("kill at system calls: " + run.stderr.strip())
                return
            check(state, run.stdout.splitlines(), f"killed at {call} {n}")
            shutil.rmtree(state)
            points += 1
    print(f"killed at {points} system calls")
    assert points > 20


def failing_system_calls(folder):
    if shutil.which("strace") is None or SANITIZES:
        skipped.append("failing system calls: needs strace, no sanitizer")
        return
    script = "commit 4 100\nidle\nrecover\ncommit 4 100\nrecover\nquit\n"
    faults = [("pwrite64", "ENOSPC"), ("pwrite64", "EIO"),
              ("fdatasync", "EIO"), ("fdatasync", "ENOSPC"),
              ("openat", "EMFILE"), ("ftruncate", "EIO"), ("mmap", "ENOMEM"),
              ("write", "ENOSPC")]
    for call, errno in faults:
        for n in range(3, 60, 1 if FULL else 13):
            for when in (f"{n}", f"{n}+"):
                state = os.path.join(folder, f"{call}-{errno}-{when}")
                with open(state + ".out", "w+", encoding="utf-8") as out:
                    # Only the store's own calls: its answers are lost else.
                    subprocess.run(
                        ["strace", "-f", "-qq", "-o", "/dev/null", "-e",
                         f"trace={call}", "-e",
                         f"inject={call}:error={errno}:when={when}",
                         STORE, state],
                        input=script, stdout=out, stderr=subprocess.DEVNULL,
                        text=True, timeout=60, check=False)
                    out.seek(0)
                    lines = out.read().splitlines()
                if os.path.exists(os.path.join(state, "assent.db")):
                    check(state, lines, f"{call} {errno} {when}")


class Alone:
    """store_alone, asked line by line."""

    def __init__(self, state):
        self.process = subprocess.Popen(
            [STORE, state], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1)
        self.lines = [self.process.stdout.readline().strip()]

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        self.lines.append(self.process.stdout.readline().strip())
        return self.lines[-1]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.process.stdout.close()


def commit_until_it_fails(store, limit):
    for _ in range(limit):
        answer = store.ask(f"commit 1 {FILL_BYTES}")
        if answer.startswith("failed"):
            return answer
    raise AssertionError("it never failed")


def full_disk(mount):
    state = os.path.join(mount, "state")
    store = Alone(state)
    filler = os.path.join(mount, "filler")
    assert store.ask("commit 1 10").startswith("ok")
    free = os.statvfs(mount)
    with open(filler, "wb") as file:
        file.write(bytes(free.f_bavail * free.f_frsize - 256 * 1024))
    # Copying the write-ahead log back makes room at first.
    for _ in range(20):
        why = commit_until_it_fails(store, 200)
        assert "full" in why, why
        if store.ask("recover").startswith("failed"):
            break
    seq, _ = acknowledged(store.lines)
    # It stays so: nothing is acknowledged while there is no room.
    assert "full" in store.ask("commit 1 10"), store.lines[-1]
    assert "make room there" in store.ask("recover"), store.lines[-1]
    # Its last words are there, from the room that was kept for them.
    said = [r["body"]["event"] for r in rows(state, "--kind", "degraded")]
    assert "store.degraded" in said, said
    # Room again: it goes on, without a restart.
    os.unlink(filler)
    assert store.ask("recover").startswith("ok"), store.lines[-1]
    assert store.ask("commit 1 10").startswith("ok")
    assert acknowledged(store.lines)[0] > seq
    # It may say, too, how much room there is now.
    said = [r["body"]["event"] for r in rows(state, "--kind", "degraded")
            if "space" not in r["body"]["event"]]
    assert said[-1] == "store.recovered", said
    store.close()
    check(state, store.lines, "full disk")


def read_only_disk(mount):
    state = os.path.join(mount, "state-ro")
    store = Alone(state)
    assert store.ask("commit 3 10").startswith("ok")
    for _ in range(2):
        store.lines.append(store.process.stdout.readline().strip())
    # Files that are open for writing keep a remount away: a quota of no
    # blocks is the nearest thing that tmpfs has.
    subprocess.run(["mount", "-o", "remount,size=4k", mount], check=False,
                   stderr=subprocess.DEVNULL)
    store.close()
    subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
    refused = subprocess.run([STORE, state], input="quit\n", text=True,
                             capture_output=True, timeout=60, check=False)
    assert refused.returncode == 1, refused.stdout
    assert "Read-only file system" in refused.stdout, refused.stdout
    # It can still be read and verified there.
    result = verify(state)
    assert result["ok"], result
    assert result["rows"] >= 6
    subprocess.run(["mount", "-o", "remount,rw,size=8m", mount], check=True)
    check(state, store.lines, "read-only disk")


def in_private_mounts():
    """The rest runs in a mount namespace of its own."""
    with tempfile.TemporaryDirectory(prefix="assent-it-") as mount:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700",
                        "none", mount], check=True)
        try:
            full_disk(mount)
            read_only_disk(mount)
        finally:
            subprocess.run(["umount", "-l", mount], check=False)
    print("full and read-only disk")


def with_private_mounts():
    unshare = ["unshare", "--mount", "--propagation", "private"]
    if os.geteuid() != 0:
        unshare += ["--user", "--map-root-user"]
    probe = subprocess.run(
        unshare + ["mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        skipped.append("full disk: " + probe.stderr.strip())
        return
    subprocess.run(unshare + [sys.executable, "-B", __file__, "--mounts"],
                   check=True, timeout=100)


def main():
    if sys.argv[1:] == ["--mounts"]:
        in_private_mounts()
        return
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="assent-it-", dir=shm) as folder:
        killed_at_any_system_call(folder)
        failing_system_calls(folder)
    with_private_mounts()
    for why in skipped:
        print(f"SKIP: {why}")
    if skipped and os.environ.get("ASSENT_MUST_SANDBOX") == "1":
        sys.exit(1)


main()
