"""Where the time of a prepared run goes: the kernel's own record of the steps
of each process, from the engine's look at the plan to its word of the end, as
medians. Beside it a plain spawn of the same program, in turns.

The record is the kernel's (tracefs), so the programs are those that are
shipped; it makes each step a little longer. Root only.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

BIN = os.environ["ASSENT_BIN"]
CLOCK = os.path.dirname(BIN) + "/fake/executor_clock"
ROUNDS = 200
PAUSE = 0.005  # in which all that follows an answer has its time
BUFFER_KB = 20000
PROGRAM = "/bin/true"
CALLS = ["exit_wait4", "enter_sendmmsg", "exit_epoll_wait", "enter_sendto",
         "enter_recvfrom", "exit_recvfrom", "enter_execve", "exit_poll",
         "enter_sendmsg", "exit_recvmmsg"]
EVENTS = ["sched:sched_process_exec", "sched:sched_process_exit",
          *("syscalls:sys_" + call for call in CALLS)]
LINE = re.compile(r"\s*(.+)-(\d+)\s+\[\d+\]\s+\S+\s+([\d.]+): (\w+)(.*)")

# In order; each ends where the next begins.
PHASES = ["the engine makes the plan again and sends it",
          "the launcher wakes up",
          "it reads the plan, looks for changes, hands over",
          "the command's process wakes up",
          "it reads the job, takes its input and output",
          "execve",
          "the program, from its first instruction to its last",
          "its end, until the run's first process hears of it",
          "that reaps and reports",
          "the launcher wakes up and answers",
          "the engine wakes up"]


class Tracing:
    """An instance of the kernel's trace buffers, for us alone."""

    def __init__(self, folder):
        self.mount = folder + "/tracefs"
        self.at = f"{self.mount}/instances/assent-{os.getpid()}"
        os.mkdir(self.mount)

    def __enter__(self):
        subprocess.run(["mount", "-t", "tracefs", "none", self.mount],
                       check=True)
        try:
            os.mkdir(self.at)
            self.write("trace_clock", "mono")
            self.write("buffer_size_kb", str(BUFFER_KB))
            for event in EVENTS:
                self.write("set_event", event)
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if os.path.isdir(self.at):
            os.rmdir(self.at)
        subprocess.run(["umount", self.mount], check=True)

    def write(self, name, text):
        """Adds to what is there, where there can be more."""
        fd = os.open(f"{self.at}/{name}", os.O_WRONLY)
        try:
            os.write(fd, text.encode() + b"\n")
        finally:
            os.close(fd)

    def lines(self):
        with open(f"{self.at}/trace", encoding="ascii",
                  errors="replace") as file:
            for line in file:
                found = LINE.match(line)
                if found:
                    comm, pid, when, name, rest = found.groups()
                    value = None
                    if rest.startswith(" -> "):
                        name += "<"
                        value = int(rest[len(" -> "):], 16)
                    elif name.startswith("sys_"):
                        name += ">"
                    elif f"filename={PROGRAM} " in rest:
                        name += " of the program"
                    yield comm, int(pid), float(when) * 1e6, name, value


class Run:
    """The times of one, in the order of PHASES."""

    def __init__(self, began):
        self.at = [began]
        self.launcher = self.command = self.first = None

    def see(self, comm, pid, when, name):
        step = len(self.at)
        helper = comm == "assent-exec"
        if step == 1 and comm == "executor_clock" and name == "sys_sendmmsg>":
            self.at.append(when)
        elif step == 2 and helper and name == "sys_epoll_wait<":
            self.launcher = pid
            self.at.append(when)
        elif step == 3 and pid == self.launcher and name == "sys_sendto>":
            self.at.append(when)
        elif step == 4 and pid != self.launcher and name == "sys_recvfrom<":
            self.command = pid
            self.at.append(when)
        elif step == 5 and pid == self.command and name == "sys_execve>":
            self.at.append(when)
        elif step == 6 and pid == self.command and (
                name.startswith("sched_process_exec")):
            self.at.append(when)
        elif step == 7 and pid == self.command and (
                name == "sched_process_exit"):
            self.at.append(when)
        elif step in (8, 9) and helper and pid != self.launcher and (
                name == "sys_poll<"):
            # Of several, the last before it reports.
            self.first = pid
            self.at[8:] = [when]
        elif step == 9 and pid == self.first and name == "sys_sendmsg>":
            self.at.append(when)
        elif step == 10 and pid == self.launcher and name == "sys_sendmmsg>":
            self.at.append(when)
        elif step == 11 and comm == "executor_clock" and (
                name == "sys_epoll_wait<"):
            self.at.append(when)

    def is_whole(self):
        return len(self.at) == len(PHASES) + 1


def read(tracing):
    """Whole runs, the program's time in plain spawns and how long its end
    takes there, and how long after an answer the next process was ready."""
    runs, plain, ends, refills = [], [], [], []
    run = None
    executed, exited = {}, {}
    for comm, pid, when, name, value in tracing.lines():
        if name == "sched_process_exec of the program":
            executed[pid] = when
        elif name == "sched_process_exit":
            exited[pid] = when
        if comm == "executor_clock" and name == "sys_wait4<":
            run = Run(when)
            if value in executed and value in exited:
                plain.append(exited[value] - executed[value])
                ends.append(when - exited[value])
        elif run is not None:
            if run.is_whole() and name == "sys_recvfrom>" and (
                    pid not in (run.launcher, run.first)):
                refills.append(when - run.at[-2])
                run = None
                continue
            whole = run.is_whole()
            run.see(comm, pid, when, name)
            if run.is_whole() and not whole:
                runs.append(run)
    return runs, plain, ends, refills


def main():
    if os.geteuid() != 0:
        print("SKIP: only root reads the kernel's trace")
        return
    folder = tempfile.mkdtemp(prefix="assent-bench.", dir="/var/tmp")
    os.chmod(folder, 0o755)
    os.mkdir(folder + "/project")
    try:
        with Tracing(folder) as tracing:
            subprocess.run(
                [CLOCK, f"{BIN}/assent-exec", folder + "/project",
                 str(ROUNDS), "1", "1"], text=True,
                input=f"pause /bin/sleep {PAUSE}\nspawn {PROGRAM}\n", stdout=subprocess.DEVNULL, check=True,
                env={"PATH": os.environ["PATH"], "HOME": folder})
            tracing.write("tracing_on", "0")
            runs, plain, ends, refills = read(tracing)
    except (OSError, subprocess.CalledProcessError) as why:
        print(f"SKIP: the kernel's trace cannot be used here: {why}")
        return
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if len(runs) < ROUNDS // 4:
        sys.exit(f"only {len(runs)} runs of {ROUNDS} were recorded")
    for i, phase in enumerate(PHASES):
        took = statistics.median(r.at[i + 1] - r.at[i] for r in runs)
        print(f"{phase}\t{took:.0f}\tus")
    print(f"all\t{statistics.median(r.at[-1] - r.at[0] for r in runs):.0f}"
          "\tus")
    for name, took in (
            ("a plain program, from its first instruction to its last", plain),
            ("its end, until its parent hears of it", ends),
            ("after the answer, until the next process is ready", refills)):
        if took:
            print(f"{name}\t{statistics.median(took):.0f}\tus")


if __name__ == "__main__":
    main()
