"""What a sandbox costs: /bin/true plain, in bwrap with a like profile, and in
assent's. Ratios within one run mean something on any machine; times do not.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BIN = os.environ["ASSENT_BIN"]
ROUNDS = 60
BWRAP = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
         "--tmpfs", "/tmp", "--unshare-all", "--die-with-parent",
         "--new-session"]


def cpu_ms():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (used.ru_utime + used.ru_stime)


def measure(command):
    """Median wall time and mean user+system time of a run, in ms."""
    times = []
    before = cpu_ms()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        pid = os.posix_spawnp(command[0], command, os.environ)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
            sys.exit(f"{command[0]} failed")
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times), (cpu_ms() - before) / ROUNDS


def main():
    with tempfile.TemporaryDirectory(prefix="assent-bench.") as folder:
        os.chmod(folder, 0o755)
        commands = {
            "plain": ["/bin/true"],
            "assent sandbox": [f"{BIN}/assent", "sandbox", "--workspace",
                               folder, "--", "/bin/true"],
        }
        bwrap = [*BWRAP, "--bind", folder, folder, "/bin/true"]
        if shutil.which("bwrap") and subprocess.run(
                bwrap, check=False, stderr=subprocess.DEVNULL
                ).returncode == 0:
            commands["bwrap"] = bwrap
        else:
            print("SKIP: bwrap is not there or cannot run here")
        for command in commands.values():
            measure(command)  # warm
        results = {name: measure(command)
                   for name, command in commands.items()}
        for name, (wall, cpu) in results.items():
            print(f"{name}: wall\t{wall:.3f}\tms")
            print(f"{name}: user+system\t{cpu:.3f}\tms")
        if "bwrap" in results:
            ours, theirs = results["assent sandbox"], results["bwrap"]
            print(f"assent / bwrap: wall\t{ours[0] / theirs[0]:.2f}\tratio")
            print(f"assent / bwrap: user+system\t{ours[1] / theirs[1]:.2f}"
                  "\tratio")


if __name__ == "__main__":
    main()
