"""What a sandbox costs: /bin/true plain, in bwrap with a like profile, in
`assent sandbox` (everything fresh, one process tree) and through a launcher,
as the daemon runs commands. Interleaved in one run: ratios mean something on
any machine, times do not. Runs through a launcher with everything fresh come
after all these, beside a plain start again: the start of the next one is made
ahead, and would be in the way of what is timed then. How many run in a second
is measured in turns, too.
As root and, where we are root, as a plain user.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

BIN = os.environ["ASSENT_BIN"]
CLOCK = os.path.dirname(BIN) + "/fake/executor_clock"
USER = 59990
ROUNDS = 100
PARALLEL = 4
TURNS = 15
TURN_ROUNDS = 40
THROUGHPUT_MS = 3000
MANY = 100000  # entries of a workspace that must cost nothing


def commands(folder, workspace):
    bwrap = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc",
             "/proc", "--tmpfs", "/tmp", "--unshare-all", "--die-with-parent",
             "--new-session", "--bind", workspace, workspace, "/bin/true"]
    rows = [["spawn", "/bin/true"],
            ["assent_sandbox", folder + "/assent",
             "sandbox", "--workspace", workspace, "--", "/bin/true"]]
    if shutil.which("bwrap") and subprocess.run(
            bwrap, check=False, stderr=subprocess.DEVNULL).returncode == 0:
        rows.insert(1, ["bwrap", *bwrap])
    else:
        print("SKIP: bwrap is not there or cannot run here")
    return "".join(" ".join(row) + "\n" for row in rows)


# Only root makes control groups; without them both do the same.
BARE = ["unshare", "-m", "sh", "-c",
        'mount -t tmpfs none /sys/fs/cgroup && exec "$@"', "sh"]


def clock(uid, folder, workspace, text, rounds, throughput_ms, more=(),
          before=()):
    def become():
        if os.geteuid() == 0 and uid != 0:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
    ran = subprocess.run(
        [*before, folder + "/executor_clock", folder + "/assent-exec", workspace,
         str(rounds), str(PARALLEL), str(throughput_ms), *more],
        input=text, text=True, stdout=subprocess.PIPE, check=False,
        preexec_fn=become, env={"PATH": os.environ["PATH"], "HOME": folder})
    if ran.returncode != 0:
        sys.exit(f"executor_clock failed as {uid}")
    return [line.split("\t") for line in ran.stdout.splitlines()]


def alive(folder):
    """Processes of programs in our folder."""
    count = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            count += os.readlink(f"/proc/{pid}/exe").startswith(folder)
        except OSError:
            pass
    return count


def fill(folder, uid):
    os.mkdir(folder)
    for i in range(MANY):
        at = f"{folder}/{i // 1000}"
        if i % 1000 == 0:
            os.mkdir(at)
            os.chown(at, uid, -1)
        os.mknod(f"{at}/{i}")
        os.chown(f"{at}/{i}", uid, -1)
    os.chown(folder, uid, -1)


def beside_many(uid, who, folder, workspace):
    """A large workspace beside an empty one: in turns, in one run."""
    fill(folder + "/many", uid)
    for name in ("first", "few", "last"):
        os.mkdir(f"{folder}/{name}")
        os.chown(f"{folder}/{name}", uid, -1)
    rows = clock(uid, folder, workspace,
                 "".join(f"{name} in: {folder}/{name}\n" for name in
                         ("first", "few", "many", "last")), 4 * ROUNDS, 1)
    took = {name: float(value) for name, value, _ in rows}
    few, many = took["few: p50"], took["many: p50"]
    print(f"{who}: a run, no files in the workspace\t{few}\tms")
    print(f"{who}: a run, {MANY} files in the workspace\t{many}\tms")
    print(f"{who}: {MANY} files / none\t{many / few:.2f}\tratio")


def measure(uid):
    who = "root" if uid == 0 else "user"
    folder = tempfile.mkdtemp(prefix="assent-bench.", dir="/var/tmp")
    workspace = folder + "/project"
    try:
        os.chmod(folder, 0o755)
        os.mkdir(workspace)
        for name in ("assent", "assent-exec"):
            shutil.copy(f"{BIN}/{name}", folder)
        shutil.copy(CLOCK, folder)
        if os.geteuid() == 0:
            for path in (folder, workspace):
                os.chown(path, uid, uid)
        rows = clock(uid, folder, workspace, commands(folder, workspace),
                     ROUNDS, THROUGHPUT_MS)
        for name, value, unit in rows:
            print(f"{who}: {name}\t{value}\t{unit}")
        p50 = {name: float(value) for name, value, _ in rows}
        rate = f"runs a second, {PARALLEL} at a time"
        floor = p50["spawn: p50"]
        run = p50["run through a launcher: p50"]
        alone = p50["assent_sandbox: p50"]
        print(f"{who}: a run through a launcher adds\t{run - floor:.3f}\tms")
        fresh_adds = (p50["run with everything fresh: p50"] -
                      p50["beside fresh runs: p50"])
        print(f"{who}: a run with everything fresh adds\t{fresh_adds:.3f}\tms")
        print(f"{who}: assent sandbox adds\t{alone - floor:.3f}\tms")
        if "bwrap: p50" in p50:
            bwrap = p50["bwrap: p50"]
            print(f"{who}: run / bwrap\t{run / bwrap:.2f}\tratio")
            print(f"{who}: assent sandbox / bwrap\t{alone / bwrap:.2f}"
                  "\tratio")
            print(f"{who}: {rate} / bwrap"
                  f"\t{p50[rate] / p50['bwrap: ' + rate]:.2f}\tratio")
        print(f"{who}: {rate} / spawn"
              f"\t{p50[rate] / p50['spawn: ' + rate]:.2f}\tratio")
        beside_many(uid, who, folder, workspace)
        time.sleep(0.1)
        print(f"{who}: processes alive after 100 ms\t{alive(folder)}\t-")
    finally:
        shutil.rmtree(folder)


def compare():
    """A run as an account of its own beside one as its proposer: the same
    folder, in turns."""
    folder = tempfile.mkdtemp(prefix="assent-bench.", dir="/var/tmp")
    workspace = folder + "/project"
    took = {"elevated": [], "unelevated": [],
            "elevated, without control groups,": []}
    try:
        os.chmod(folder, 0o755)
        os.mkdir(workspace)
        for name in ("assent", "assent-exec"):
            shutil.copy(f"{BIN}/{name}", folder)
        shutil.copy(CLOCK, folder)
        for path in (folder, workspace):
            os.chown(path, USER, USER)
        for _ in range(TURNS):
            for mode, uid, more, before in (
                    ("unelevated", USER, (), ()),
                    ("elevated", 0, (str(USER),), ()),
                    ("elevated, without control groups,", 0, (str(USER),),
                     BARE)):
                rows = clock(uid, folder, workspace, "", TURN_ROUNDS, 1,
                             more, before)
                took[mode].append(float(rows[0][1]))
        for mode, times in took.items():
            print(f"{mode} run through a launcher: p50"
                  f"\t{sorted(times)[TURNS // 2]:.3f}\tms")
        # Each beside the one before it: machines drift.
        base = took.pop("unelevated")
        for mode, times in took.items():
            ratios = sorted(a / b for a, b in zip(times, base))
            print(f"{mode} / unelevated\t{ratios[TURNS // 2]:.2f}\tratio")
    finally:
        shutil.rmtree(folder)


def main():
    for uid in (0, USER) if os.geteuid() == 0 else (os.geteuid(),):
        measure(uid)
    if os.geteuid() == 0:
        compare()


if __name__ == "__main__":
    main()
