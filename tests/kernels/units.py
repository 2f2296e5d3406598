"""
assentd as systemd's unit: the machine's own, and that of a user. Its settings
are the unit that is installed; what is tried goes through the daemon.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import places
from lib_sandbox import World
from tried import FORKS, HOG, Outside, WAYS_OUT, number, processes, until

TOP = os.environ["ASSENT_SOURCE"]
BIN = os.environ["ASSENT_BIN"]
CALL_S = 240
LIMITS = ("profiles: {workspace-write: {limits: {memory: 128M, pids: 60}}}\n")
PROGRAMS = "/usr/bin/"


def call(words, **more):
    return subprocess.run(words, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=CALL_S, check=False, **more)


def must(words, **more):
    ran = call(words, **more)
    if ran.returncode != 0:
        raise AssertionError(f"{words} ended with {ran.returncode}: "
                             f"{ran.stdout[-2000:]}")
    return ran.stdout


def install():
    for name in os.listdir(BIN):
        if not name.startswith("."):
            shutil.copy(f"{BIN}/{name}", PROGRAMS)
    shutil.copy(TOP + "/docs/assent.sysusers",
                "/usr/lib/sysusers.d/assent.conf")
    must(["systemd-sysusers"])


def unit_text():
    with open(TOP + "/docs/assentd.service", encoding="ascii") as text:
        return text.read()


class Unit(places.Systemd):
    """The machine's: root's daemon, which root and users propose to."""

    manager = ["systemctl"]
    starter = 0
    uids = (0, places.USER)
    elevated = False

    def __enter__(self):
        super().__enter__()
        install()
        self.put()
        self.manage("daemon-reload")
        self.manage("start", "assentd")
        return self

    def put(self):
        os.makedirs("/etc/assent", exist_ok=True)
        places.write("/etc/assent/config.yaml", LIMITS)
        places.write("/etc/systemd/system/assentd.service", unit_text())

    def manage(self, *words):
        return must([*self.manager, *words])

    def state(self):
        return call([*self.manager, "is-active", "assentd"]).stdout.strip()

    def group(self):
        """The folder of the unit's control group."""
        return places.TREE + self.manage(
            "show", "--value", "--property=ControlGroup", "assentd").strip()

    def __exit__(self, *_):
        journal = call(["journalctl", "--no-pager", "-n", "30"]).stdout
        print(journal[-3000:])
        call([*self.manager, "stop", "assentd"])


class UsersUnit(Unit):
    """A user's own, by the unit's comment: without what is root's."""

    starter = places.USER
    uids = (places.USER,)
    manager = ["runuser", "-u", "dev", "--", "env",
               f"XDG_RUNTIME_DIR=/run/user/{places.USER}", "systemctl",
               "--user"]

    def put(self):
        text = re.sub(r"(?ms)^# as root$.*?^# end$\n", "", unit_text())
        for folder, name, what in (
                ("systemd/user", "assentd.service", text),
                ("assent", "config.yaml", LIMITS)):
            path = f"/home/dev/.config/{folder}"
            os.makedirs(path, exist_ok=True)
            places.write(f"{path}/{name}", what)
        must(["chown", "-R", "dev:", "/home/dev"])


class ElevatedUnit(Unit):
    """After 'assent setup --elevated'; what root proposes is not elevated."""

    uids = (places.USER,)
    elevated = True

    def put(self):
        super().put()
        print(must([PROGRAMS + "assent", "setup", "--elevated"]))


class Proposer(World):
    """Who proposes to a unit's daemon, from a workspace of his own."""

    def __init__(self, place, uid):
        self.place = place
        super().__init__(uid)
        self.put(self.ws + "/.env", "KEY=SECRET-ENV\n")
        os.chmod(self.home, 0o755)

    def words(self, command):
        return [PROGRAMS + "assent", "run", "--json", "--workspace", self.ws,
                "--", *command]

    def env(self, **more):
        if self.place.starter != 0:
            more["XDG_RUNTIME_DIR"] = f"/run/user/{self.uid}"
        return super().env(**more)

    def propose(self, *command):
        """The last word about it, with its outcome."""
        ran = call(self.words(command), cwd=self.ws, env=self.env(),
                   preexec_fn=self._become)
        try:
            return json.loads(ran.stdout.strip().split("\n")[-1])
        except ValueError:
            raise AssertionError(ran.stdout[-3000:]) from None

    def script(self, text):
        """A program of the workspace; it is in the repository."""
        self.put(self.ws + "/tried.py", text)
        return self.propose("python3", "tried.py")


def proposers(place):
    for uid in place.uids:
        with Proposer(place, uid) as w:
            yield w


def shown(done):
    """What it wrote, and what is said of it."""
    outcome = done.get("outcome") or {}
    return "\n".join([outcome.get("stdout", ""), outcome.get("stderr", ""),
                      str(outcome.get("failure")), str(
                          outcome.get("violations")), str(done.get("reason"))])


def the_unit_is_up_and_doctor_says_so(place):
    if place.state() != "active":
        return place.state()
    with Proposer(place, place.starter) as w:
        ran = call([PROGRAMS + "assent", "doctor", "--json"],
                   preexec_fn=w._become, cwd=w.ws,
                   env=w.env(HOME="/root" if w.uid == 0 else "/home/dev"))
    found = {f["name"]: f for f in json.loads(ran.stdout)["findings"]}
    # Groups that are delegated to the unit are not whoever asks's.
    names = ["running", "runs", "user-namespaces"]
    names += ["cgroup"] if place.starter == 0 else []
    wrong = [f for f in found.values()
             if f["name"] in names and f["state"] != "ok"]
    print({name: f["detail"] for name, f in found.items()})
    return str(wrong) if wrong else None


def a_run_works_and_is_recorded(place):
    for w in proposers(place):
        done = w.script("import os\nopen('made', 'w').write('in')\n"
                        "print('ran as', os.getuid())\n")
        out = shown(done)
        print(done.get("mode"), out)
        if done.get("state") != "done" or "ran as" not in out or \
                not os.path.exists(w.ws + "/made"):
            return f"uid {w.uid}: {json.dumps(done)[-3000:]}"
        if (done.get("mode") == "elevated") != place.elevated:
            return f"uid {w.uid}: mode {done.get('mode')}: {done}"
        if "may make no namespaces" in out:
            return f"uid {w.uid}: the unit takes its namespaces: {out}"
    return None


def limits_hold_in_a_run_of_the_unit(place):
    for w in proposers(place):
        held = number("held", out := shown(w.script(HOG)))
        if not 16 < held < 320 or "memory" not in out:
            return f"uid {w.uid}: memory: held {held}: {out[-2000:]}"
        made = number("made", out := shown(w.script(FORKS)))
        if not 10 < made < 200:
            return f"uid {w.uid}: processes: made {made}: {out[-2000:]}"
        print("held", held, "made", made)
    return None


def groups_of(place):
    return [folder for folder, _, _ in os.walk(place.group())
            if "/assent-run-" in folder]


def a_run_has_a_group_in_the_unit_and_none_is_left(place):
    for w in proposers(place):
        mark = f"97.{os.getpid()}{w.uid}"
        with subprocess.Popen(
                w.words(["sleep", mark]), cwd=w.ws, env=w.env(),
                preexec_fn=w._become, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            if not until(lambda m=mark.encode(): [
                    p for p in processes(m) if "/assent-run-" in
                    places.read(f"/proc/{p}/cgroup")]):
                run.kill()
                return f"uid {w.uid}: no group: {groups_of(place)}"
            inside = groups_of(place)
            for pid in processes(mark.encode()):
                os.kill(pid, signal.SIGKILL)
            run.wait(CALL_S)
        if not inside:
            return f"uid {w.uid}: its group is not the unit's"
        if not until(lambda: len(groups_of(place)) < len(inside), 5):
            print("kept for the next run:", groups_of(place))
    return None


def nothing_gets_out_of_a_run_of_the_unit(place):
    for w in proposers(place):
        with Outside(w) as outside:
            ways = WAYS_OUT % {"victim": w.victim, "home": w.home,
                               "outside": os.getpid(), "port": outside.port}
            w.put(w.ws + "/ways.sh", ways)
            out = shown(w.script(
                "import subprocess\n"
                "subprocess.run(['bash', 'ways.sh'])\n"))
            said = outside.told()
        if "tried\n" not in out:
            return f"uid {w.uid}: ended early: {out[-3000:]}"
        if "way out" in out or said:
            return f"uid {w.uid}: something got out {said}: {out[-3000:]}"
    return None


def stopping_the_unit_ends_its_runs(place):
    *_, w = [Proposer(place, uid) for uid in place.uids]
    with w:
        mark = f"98.{os.getpid()}"
        with subprocess.Popen(
                w.words(["sleep", mark]), cwd=w.ws, env=w.env(),
                preexec_fn=w._become, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            if not until(lambda: processes(mark.encode())):
                run.kill()
                return "it did not start"
            began = time.time()
            place.manage("stop", "assentd")
            print(f"stopped in {time.time() - began:.1f} s")
            run.kill()
            run.wait(CALL_S)
        left = [p for p in processes(mark.encode()) if p != run.pid]
        if not until(lambda: not processes(mark.encode()), 10):
            return f"processes stayed: {left}"
    if os.path.exists(place.group()) and groups_of(place):
        return f"groups stayed: {groups_of(place)}"
    place.manage("start", "assentd")
    return None if place.state() == "active" else "it did not start again"


Unit.checks = (
    the_unit_is_up_and_doctor_says_so, a_run_works_and_is_recorded,
    limits_hold_in_a_run_of_the_unit,
    a_run_has_a_group_in_the_unit_and_none_is_left,
    nothing_gets_out_of_a_run_of_the_unit, stopping_the_unit_ends_its_runs)
PLACES = (("systemd-unit", Unit), ("systemd-user-unit", UsersUnit),
          ("systemd-unit-elevated", ElevatedUnit))
