"""
A full disk: no allow, 503, not ready; and everything works again without a
restart once there is room. (A store that turns read-only: unit.db.)
"""

import os
import shutil
import subprocess
import sys
import time

import lib_daemon as lib

IN_NAMESPACE = "ASSENT_IN_NAMESPACE"
RECOVER_S = 15


def enter_namespace():
    """Mounts only in a mount namespace of our own."""
    if os.environ.get(IN_NAMESPACE) == "1":
        return
    flags = "-m" if os.geteuid() == 0 else "-rm"
    probe = subprocess.run(["unshare", flags, "true"],
                           stderr=subprocess.PIPE, text=True, check=False)
    if probe.returncode != 0:
        lib.skip(f"no mount namespace here: {probe.stderr.strip()}")
    os.environ[IN_NAMESPACE] = "1"
    os.execvp("unshare", ["unshare", flags, "--propagation", "private",
                          sys.executable, "-B", *sys.argv])


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def allowed(daemon):
    """Status, and whether anything that says allow came back."""
    try:
        status, body, _ = daemon.shell("ls", execute=False, wait=0)
    except OSError:
        return 0, False
    return status, isinstance(body, dict) and body.get("decision") == "allow"


def until_allowed(daemon, what):
    end = time.monotonic() + RECOVER_S
    while time.monotonic() < end:
        if allowed(daemon) == (200, True):
            return
        time.sleep(0.1)
    raise SystemExit(f"WRONG: {what}: nothing is allowed afterwards")


def is_refused(daemon, what):
    """No refusal may look like an allow, and no allow like a refusal."""
    status, allow = allowed(daemon)
    if status == 200 and allow:
        return False
    if status != 503 or allow:
        raise SystemExit(f"WRONG: {what}: {status}, allow={allow}")
    return True


def refuse(daemon, what, path, tries=400):
    """Proposes until nothing but refusals come. The store gives up what it
    kept in reserve, and goes on while that lasts: it is taken, too."""
    refused = 0
    for _ in range(tries):
        refused = refused + 1 if is_refused(daemon, what) else 0
        if refused == 1:
            fill(path)
        if refused == 20:
            break
    else:
        raise SystemExit(f"WRONG: {what}: was never refused")
    if daemon.agent("GET", "/readyz")[0] != 503:
        raise SystemExit(f"WRONG: {what}: says that it is ready")
    print(f"{what}: refused with 503, not ready")


def fill(path):
    """A file that takes all the room there is."""
    with open(path, "ab", buffering=0) as f:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    f.write(b"\0" * size)
            except OSError:
                pass


def main():
    enter_namespace()
    d = lib.Daemon()
    os.mkdir(d.state, 0o700)
    mount("-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs", d.state)
    try:
        d.start()
        until_allowed(d, "at the start")
        fill(f"{d.state}/filler")
        refuse(d, "full disk", f"{d.state}/filler")
        os.unlink(f"{d.state}/filler")
        until_allowed(d, "with room again")
        d.stop()
        verified = d.assent("log", "verify", "--state", d.state)
        if verified.returncode != 0:
            raise SystemExit(f"WRONG: log verify: {verified.stdout}"
                             f"{verified.stderr}")
    finally:
        d.stop()
        print(d.daemon_log()[-3000:])
        subprocess.run(["umount", d.state], check=False)
        shutil.rmtree(d.root, ignore_errors=True)


if __name__ == "__main__":
    main()
