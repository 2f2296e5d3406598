"""
The supervisor: what it starts, what it survives, what it refuses. The roles
are stand-ins that misbehave on command (tests/fake/roles_main.c), so that
each fault can be had when it is wanted.
"""

import json
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
import unittest

BIN = os.environ["ASSENT_BIN"]
FAKE = os.path.join(os.path.dirname(BIN), "fake", "assentd")
ROLES = ("engine", "reporter", "front")
SANITIZED = os.environ.get("ASSENT_PRESET_SANITIZES") == "1"
STRANGER = 54321
EXIT_CONFIG = 78
EXIT_INTERNAL = 70
PATIENCE_S = 20


class Supervised:
    """A daemon with the stand-ins, in folders of its own."""

    def __init__(self, config="", arguments=(), user=None, env=None):
        self.root = tempfile.mkdtemp(prefix="assent-sv-")
        self.state = f"{self.root}/state"
        self.runtime = f"{self.root}/run"
        self.config = f"{self.root}/c.yaml"
        self.log_path = f"{self.root}/log"
        self.arguments = list(arguments)
        self.user = user
        self.env = {"PATH": "/usr/bin:/bin", **(env or {})}
        for name in os.environ:
            if name.endswith("SAN_OPTIONS"):
                self.env[name] = os.environ[name]
        self.process = None
        self.wrapper = []
        self.set_config(config)
        if user is not None:
            os.chown(self.root, user, user)
            os.chown(self.config, user, user)

    def set_config(self, text):
        with open(self.config, "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(self.config, 0o600)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE_S)
        if kind is not None:
            print(self.log())
        shutil.rmtree(self.root, ignore_errors=True)

    def launch(self):
        more = {}
        if self.user is not None:
            more = {"user": self.user, "group": self.user,
                    "extra_groups": []}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, FAKE, "--state", self.state, "--runtime",
                 self.runtime, "--config", self.config, *self.arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.env, cwd="/", **more)

    def start(self):
        mark = self.mark()
        self.launch()
        self.wait_line(" ready ", mark)

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def mark(self):
        """Where the log ends now: what comes later is news."""
        return len(self.log())

    def wait_line(self, pattern, mark=0):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            for line in self.log()[mark:].split("\n"):
                if re.search(pattern, line):
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        raise AssertionError(f"no '{pattern}' in:\n{self.log()[mark:]}")

    def ended(self):
        """Its exit status."""
        return self.process.wait(PATIENCE_S)

    def pid(self, role):
        lines = re.findall(rf"role-up role={role} pid=(\d+)", self.log())
        return int(lines[-1])

    def say(self, words, name="agent.sock"):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE_S)
            s.connect(f"{self.runtime}/{name}")
            s.sendall(words.encode() + b"\n")
            return self.read_all(s)

    @staticmethod
    def read_all(s):
        text = b""
        while True:
            more = s.recv(65536)
            if not more:
                return text.decode()
            text += more

    def say_until(self, words, want):
        """Once a role has been restarted its peers may take a moment."""
        end = time.monotonic() + PATIENCE_S
        got = None
        while time.monotonic() < end:
            try:
                got = self.say(words)
            except OSError as e:
                got = str(e)
            if got == want:
                return
            time.sleep(0.01)
        raise AssertionError(f"'{words}' gave '{got}', not '{want}'")

    def roles(self):
        up, roles = self.say("engine status").split(" ", 1)
        return up, json.loads(roles)

    def roles_when_up(self):
        """The last word to the engine may still be on its way."""
        end = time.monotonic() + PATIENCE_S
        up, roles = self.roles()
        while up != "up" and time.monotonic() < end:
            time.sleep(0.05)
            up, roles = self.roles()
        return up, roles


def run_to_end(daemon):
    daemon.launch()
    try:
        return daemon.ended()
    except subprocess.TimeoutExpired:
        daemon.process.kill()
        daemon.process.wait()
        raise


class Life(unittest.TestCase):
    def test_roles_come_up_and_end_in_order(self):
        with Supervised() as d:
            self.assertEqual(d.say("hello"), "hello")
            self.assertEqual(d.say("engine hello"), "hello")
            pids = [d.pid(role) for role in ROLES]
            d.process.send_signal(signal.SIGTERM)
            self.assertEqual(d.ended(), 0)
            ends = re.findall(r"role-ended role=(\w+) pid=\d+ how=(.*)",
                              d.log())
            self.assertEqual(ends, [("front", "exit 0"),
                                    ("reporter", "exit 0"),
                                    ("engine", "exit 0")])
            self.assertEqual(os.listdir(d.runtime), ["assentd.lock"])
            for pid in pids:
                self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_each_role_says_what_is_enforced(self):
        with Supervised() as d:
            up, roles = d.roles_when_up()
            self.assertEqual(up, "up")
            self.assertEqual(tuple(roles), ROLES)
            for role in roles.values():
                self.assertTrue(role["up"])
                for fact in ("no_new_privs", "capabilities"):
                    self.assertTrue(role["enforced"][fact], fact)
                self.assertEqual(role["enforced"]["not_dumpable"],
                                 not SANITIZED)
                self.assertEqual(
                    role["enforced"]["relaxed_for_sanitizer"], SANITIZED)

    def test_the_kernel_agrees_with_what_a_role_says(self):
        with Supervised() as d:
            for role in ROLES:
                with open(f"/proc/{d.pid(role)}/status",
                          encoding="ascii") as f:
                    status = dict(re.findall(r"(\w+):\s*(.*)", f.read()))
                self.assertEqual(status["NoNewPrivs"], "1")
                self.assertEqual(status["Seccomp"], "2")
                bounds = ("CapBnd",) if os.geteuid() == 0 else ()
                for caps in ("CapEff", "CapPrm", "CapInh", "CapAmb",
                             *bounds):
                    self.assertEqual(int(status[caps], 16), 0, caps)

    def test_a_role_has_only_its_own_descriptors_and_no_environment(self):
        if os.geteuid() != 0:
            self.skipTest("only root may look into a role")
        with Supervised(env={"SECRET_KEY": "x"}) as d:
            with open(f"/proc/{d.pid('engine')}/environ", "rb") as f:
                self.assertEqual(b"SECRET_KEY" in f.read(),
                                 SANITIZED)
            links = {
                os.readlink(f"/proc/{d.pid('reporter')}/fd/{n}").split(":")[0]
                for n in os.listdir(f"/proc/{d.pid('reporter')}/fd")}
            self.assertLessEqual(
                links, {"/dev/null", d.log_path, "socket", "anon_inode"})

    def test_a_killed_role_starts_again_and_is_linked_anew(self):
        with Supervised() as d:
            for role in ROLES:
                mark = d.mark()
                old = d.pid(role)
                os.kill(old, signal.SIGKILL)
                d.wait_line(f"role-up role={role}", mark)
                self.assertNotEqual(d.pid(role), old)
                d.say_until("engine hello", "hello")
            _, roles = d.roles()
            self.assertEqual([r["restarts"] for r in roles.values()],
                             [1, 1, 1])
            self.assertEqual(roles["front"]["ended"], "signal 9 (Killed)")

    def test_many_kills_from_outside_do_not_slow_the_restart(self):
        with Supervised() as d:
            for _ in range(15):
                mark = d.mark()
                os.kill(d.pid("engine"), signal.SIGKILL)
                d.wait_line("role-up role=engine", mark)
            self.assertEqual(set(re.findall(r"in_ms=(\d+)", d.log())),
                             {"50"})

    def test_a_role_that_crashes_is_started_slower_each_time(self):
        with Supervised() as d:
            for _ in range(3):
                mark = d.mark()
                try:
                    d.say("abort")
                except OSError:
                    pass
                line = d.wait_line("role-ended role=front", mark)
                self.assertIn("signal 6", line)
                d.wait_line("role-up role=front", mark)
                d.say_until("hello", "hello")
            self.assertEqual(re.findall(r"in_ms=(\d+)", d.log()),
                             ["50", "100", "200"])

    def test_a_client_waits_while_front_starts_again(self):
        with Supervised() as d:
            os.kill(d.pid("front"), signal.SIGKILL)
            self.assertEqual(d.say("engine hello"), "hello")

    def test_front_does_not_answer_before_it_has_an_engine(self):
        with Supervised() as d:
            with open(f"{d.state}/slow-open", "w", encoding="ascii"):
                pass
            os.kill(d.pid("engine"), signal.SIGKILL)
            os.kill(d.pid("front"), signal.SIGKILL)
            d.wait_line("role-ended role=front")
            self.assertEqual(d.say("engine hello"), "hello")

    @unittest.skipIf(SANITIZED, "the filter is relaxed for a sanitizer")
    def test_a_role_that_tries_to_execute_a_program_dies(self):
        with Supervised() as d:
            try:
                d.say("exec")
            except OSError:
                pass
            line = d.wait_line("role-ended role=front")
            self.assertIn("signal 31", line)

    def test_when_the_supervisor_is_killed_no_role_stays(self):
        with Supervised() as d:
            pids = [d.pid(role) for role in ROLES]
            d.process.kill()
            d.process.wait()
            end = time.monotonic() + PATIENCE_S
            while any(os.path.exists(f"/proc/{p}") for p in pids):
                self.assertLess(time.monotonic(), end)
                time.sleep(0.01)
            # What it left behind is no obstacle.
            d.start()
            self.assertEqual(d.say("engine hello"), "hello")

    def test_a_role_that_only_hangs_up_is_ended(self):
        with Supervised() as d:
            pid = d.pid("engine")
            mark = d.mark()
            try:
                d.say("engine hang-up")
            except OSError:
                pass
            d.wait_line("role-up role=engine", mark)
            self.assertFalse(os.path.exists(f"/proc/{pid}"))


class Rules(unittest.TestCase):
    def check_killed(self, words, role, why):
        with Supervised() as d:
            pid = d.pid(role)
            mark = d.mark()
            try:
                d.say(words)
            except OSError:
                pass
            line = d.wait_line(f"role-killed role={role} pid={pid}", mark)
            self.assertRegex(line, why)
            d.wait_line(f"role-up role={role}", mark)
            d.say_until("engine hello", "hello")

    def test_i6_a_role_that_is_rude_to_a_peer_is_killed(self):
        self.check_killed("rude", "front",
                          "by=engine why=message 0x7777 from front is not "
                          "in the table")
        self.check_killed("engine rude", "engine", "by=front")

    def test_i6_a_role_that_is_rude_to_the_supervisor_is_killed(self):
        self.check_killed("rude-to-supervisor", "front",
                          "message 0x7777 from front is not in the table")

    def test_i6_a_role_cannot_accuse_one_it_has_no_link_to(self):
        self.check_killed("accuse-stranger", "front", "accuses a stranger")

    def test_only_front_has_the_token(self):
        with Supervised() as d:
            token = f"{d.root}/token"
            with open(token, "w", encoding="ascii") as f:
                f.write("0123456789abcdef")
            os.chmod(token, 0o600)
            d.process.send_signal(signal.SIGTERM)
            d.ended()
            d.set_config("listen: {tcp: \"127.0.0.1:0\", "
                         f"token_file: {token}}}\n")
            mark = d.mark()
            d.start()
            self.assertEqual(d.say("token"), "has it")
            self.assertEqual(d.say("engine token"), "none")
            port = re.search(r"listening tcp=\S+ port=(\d+)",
                             d.log()[mark:]).group(1)
            with socket.create_connection(("127.0.0.1", int(port))) as s:
                s.sendall(b"hello\n")
                self.assertEqual(d.read_all(s), "hello")


class Start(unittest.TestCase):
    def assert_refused(self, daemon, message, status=EXIT_CONFIG):
        self.assertEqual(run_to_end(daemon), status, daemon.log())
        self.assertIn(message, daemon.log())

    def test_a_second_daemon_on_the_same_state_is_refused(self):
        with Supervised() as d:
            other = Supervised()
            other.state = d.state
            self.assert_refused(other, f"another assentd uses '{d.state}'")
            self.assertEqual(d.say("engine hello"), "hello")
            shutil.rmtree(other.root)

    def test_a_second_daemon_on_the_same_sockets_is_refused(self):
        with Supervised() as d:
            other = Supervised()
            other.runtime = d.runtime
            self.assert_refused(other, f"another assentd uses '{d.runtime}'")
            self.assertEqual(d.say("engine hello"), "hello")
            shutil.rmtree(other.root)

    def test_a_folder_that_lets_others_in_is_refused(self):
        for which in ("state", "runtime"):
            for mode in (0o770, 0o777, 0o757):
                d = Supervised()
                os.mkdir(getattr(d, which))
                os.chmod(getattr(d, which), mode)
                self.assert_refused(d, "run chmod")
                shutil.rmtree(d.root)
        d = Supervised()
        os.mkdir(d.state, 0o700)
        os.chmod(d.state, 0o750)
        self.assert_refused(d, "lets others in; run chmod 0700")
        shutil.rmtree(d.root)

    @unittest.skipIf(os.geteuid() != 0, "only root can give folders away")
    def test_a_folder_of_another_user_is_refused(self):
        d = Supervised()
        os.mkdir(d.state, 0o700)
        os.chown(d.state, STRANGER, STRANGER)
        self.assert_refused(d, f"belongs to user {STRANGER}")
        shutil.rmtree(d.root)

    def test_a_link_in_the_place_of_a_folder_is_refused(self):
        d = Supervised()
        os.mkdir(f"{d.root}/elsewhere", 0o700)
        os.symlink(f"{d.root}/elsewhere", d.state)
        self.assert_refused(d, "cannot open folder", EXIT_INTERNAL)
        shutil.rmtree(d.root)

    def test_a_parent_that_everybody_may_write_is_refused(self):
        d = Supervised()
        os.mkdir(f"{d.root}/open")
        os.chmod(f"{d.root}/open", 0o777)
        d.state = f"{d.root}/open/state"
        self.assert_refused(d, "may be written by everybody")
        shutil.rmtree(d.root)

    def test_a_file_where_the_socket_goes_is_not_removed(self):
        d = Supervised()
        os.mkdir(d.runtime, 0o700)
        with open(f"{d.runtime}/agent.sock", "w", encoding="ascii") as f:
            f.write("mine")
        self.assert_refused(d, "is there and is not a socket")
        self.assertTrue(os.path.exists(f"{d.runtime}/agent.sock"))
        shutil.rmtree(d.root)

    def test_wrong_settings_are_shown_with_their_place(self):
        d = Supervised("approval_policy: nevr\n")
        self.assert_refused(d, f"{d.config}:1:18: 'nevr' is not a value")
        shutil.rmtree(d.root)

    def test_i10_a_requirement_that_is_not_met_refuses_to_start(self):
        d = Supervised("require: [landlock>=999]\n")
        self.assert_refused(
            d, "landlock>=999 is required, and role engine has")
        self.assertNotIn(" ready runtime=", d.log())
        shutil.rmtree(d.root)

    @unittest.skipIf(SANITIZED, "the filter is relaxed for a sanitizer")
    def test_a_requirement_that_is_met_does_no_harm(self):
        with Supervised("require: [landlock>=1, seccomp, no_new_privs, "
                        "capabilities, not_dumpable]\n") as d:
            self.assertEqual(d.say("engine hello"), "hello")

    @unittest.skipIf(not SANITIZED, "the filter is whole")
    def test_i10_a_relaxed_filter_does_not_meet_a_requirement(self):
        d = Supervised("require: [seccomp]\n")
        self.assert_refused(d, "seccomp is required")
        shutil.rmtree(d.root)

    def test_a_role_that_never_comes_up_ends_the_daemon(self):
        for when, status in (("settings", EXIT_CONFIG),
                             ("open", EXIT_INTERNAL),
                             ("crash", EXIT_INTERNAL)):
            d = Supervised()
            os.mkdir(d.state, 0o700)
            with open(f"{d.state}/fail-{when}", "w", encoding="ascii"):
                pass
            self.assert_refused(d, "role=engine did not start", status)
            self.assertNotIn("agent.sock", os.listdir(d.runtime))
            shutil.rmtree(d.root)

    def test_a_role_is_not_started_by_hand(self):
        for role in ROLES:
            r = subprocess.run([FAKE, f"--role={role}"],
                               stdin=subprocess.DEVNULL, check=False,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(r.returncode, EXIT_INTERNAL)
            self.assertIn(b"is started by assentd, not by hand", r.stderr)

    def test_the_command_line_is_checked(self):
        for arguments in (["--stat", "x", "--nonsense"], ["file"]):
            r = subprocess.run([FAKE, *arguments], check=False,
                               stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(r.returncode, 64)
        for arguments, want in ((["--help"], b"--runtime DIR"),
                                (["--settings"], b"approval_policy:"),
                                (["--version"], b"assentd ")):
            r = subprocess.run([FAKE, *arguments], check=False,
                               stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(r.returncode, 0)
            self.assertIn(want, r.stdout)


class Sockets(unittest.TestCase):
    @staticmethod
    def mode(path):
        return stat.S_IMODE(os.lstat(path).st_mode)

    @unittest.skipIf(os.geteuid() != 0, "for root")
    def test_roots_agents_are_everybody_and_approvers_root(self):
        with Supervised() as d:
            self.assertEqual(self.mode(d.runtime), 0o755)
            self.assertEqual(self.mode(d.state), 0o700)
            self.assertEqual(self.mode(f"{d.runtime}/agent.sock"), 0o666)
            self.assertIn(self.mode(f"{d.runtime}/approver.sock"),
                          (0o600, 0o660))

    @unittest.skipIf(os.geteuid() != 0, "root takes on a plain user")
    def test_a_plain_users_daemon_is_that_users_alone(self):
        with Supervised(user=STRANGER) as d:
            for name in ("agent.sock", "approver.sock"):
                self.assertEqual(self.mode(f"{d.runtime}/{name}"), 0o600)
            self.assertEqual(self.mode(d.runtime), 0o700)
            self.assertEqual(d.say("engine hello"), "hello")
            os.kill(d.pid("engine"), signal.SIGKILL)
            d.say_until("engine hello", "hello")
            self.assertRegex(d.say(f"engine launch {STRANGER} {STRANGER}"),
                             f"^uid={STRANGER} euid={STRANGER} "
                             f"gid={STRANGER} groups=0 ")
            for ids in ("0 0", f"{STRANGER} 0", f"1 {STRANGER}"):
                self.assertIn("runs nothing as user",
                              d.say(f"engine launch {ids}"))


class Users(unittest.TestCase):
    @unittest.skipIf(os.geteuid() != 0, "for root")
    def test_a_role_has_a_user_of_its_own_where_there_is_one(self):
        d = Supervised()
        users = f"{d.root}/passwd"
        shutil.copy("/etc/passwd", users)
        with open(users, "a", encoding="utf-8") as f:
            f.write(f"assent-front:x:{STRANGER}:{STRANGER}::/:/bin/false\n"
                    f"assent-engine:x:{STRANGER}:{STRANGER}::/:/bin/false\n")
        d.wrapper = ["unshare", "--mount", "--propagation", "private",
                     "/bin/sh", "-c", 'mount --bind "$0" /etc/passwd && '
                     'exec "$@"', users]
        with d:
            self.assertEqual(d.say("engine hello"), "hello")
            _, roles = d.roles()
            self.assertEqual([r["uid"] for r in roles.values()],
                             [0, 0, STRANGER])
            with open(f"/proc/{d.pid('front')}/status",
                      encoding="ascii") as f:
                status = f.read()
            self.assertRegex(status, rf"Uid:(\s+{STRANGER}){{4}}\n")
            self.assertRegex(status, rf"Gid:(\s+{STRANGER}){{4}}\n")
            self.assertRegex(status, r"Groups:\s*\n")


class Launch(unittest.TestCase):
    @unittest.skipIf(os.geteuid() != 0, "for root")
    def test_a_launcher_has_the_identity_and_nothing_else(self):
        with Supervised() as d:
            said = d.say(f"engine launch {STRANGER} {STRANGER + 1}")
            self.assertRegex(said, rf"^uid={STRANGER} euid={STRANGER} "
                             rf"gid={STRANGER + 1} groups=0 fds=0,1,2,3, ")
            if not SANITIZED:
                self.assertIn("env=none", said)
            self.assertRegex(d.say("engine launch 0 0"),
                             "^uid=0 euid=0 gid=0 groups=0 ")
            d.wait_line("launcher-ended")


class Signals(unittest.TestCase):
    def test_a_hang_up_reads_the_settings_again(self):
        with Supervised("ask_timeout: 1m\n") as d:
            self.assertEqual(d.say("engine ask-timeout"), "60000")
            d.set_config("ask_timeout: 2m\n")
            d.process.send_signal(signal.SIGHUP)
            d.wait_line("reloaded role=engine")
            self.assertEqual(d.say("engine ask-timeout"), "120000")
            # A role that is started later has the new ones, too.
            os.kill(d.pid("engine"), signal.SIGKILL)
            d.say_until("engine ask-timeout", "120000")

    def test_wrong_settings_change_nothing(self):
        with Supervised("ask_timeout: 1m\n") as d:
            d.set_config("ask_timeout: soon\n")
            d.process.send_signal(signal.SIGHUP)
            d.wait_line("not-reloaded")
            self.assertEqual(d.say("engine ask-timeout"), "60000")
            mark = d.mark()
            d.set_config("ask_timeout: 2m\nrequire: [landlock>=999]\n")
            d.process.send_signal(signal.SIGHUP)
            d.wait_line("not-reloaded why=landlock>=999 is required", mark)
            self.assertEqual(d.say("engine ask-timeout"), "60000")
            d.set_config("ask_timeout: 2m\n")
            with open(f"{d.state}/fail-reload", "w", encoding="ascii"):
                pass
            d.process.send_signal(signal.SIGHUP)
            d.wait_line(r"engine\[\d+\] not-reloaded")
            self.assertEqual(d.say("engine ask-timeout"), "60000")

    def test_a_signal_to_all_processes_ends_in_order(self):
        with Supervised() as d:
            for role in ROLES:
                os.kill(d.pid(role), signal.SIGTERM)
                os.kill(d.pid(role), signal.SIGINT)
                os.kill(d.pid(role), signal.SIGHUP)
            self.assertEqual(d.say("engine hello"), "hello")
            d.process.send_signal(signal.SIGINT)
            self.assertEqual(d.ended(), 0)
            self.assertNotIn("restarts role=", d.log())

    def test_a_service_manager_is_told(self):
        with tempfile.TemporaryDirectory() as folder, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(f"{folder}/notify")
            s.settimeout(PATIENCE_S)
            env = {"NOTIFY_SOCKET": f"{folder}/notify",
                   "WATCHDOG_USEC": "200000"}
            with Supervised(env=env) as d:
                said = {s.recv(256) for _ in range(4)}
                self.assertEqual(said, {b"READY=1", b"WATCHDOG=1"})
                d.process.send_signal(signal.SIGTERM)
                while s.recv(256) != b"STOPPING=1":
                    pass
                self.assertEqual(d.ended(), 0)

    def test_it_starts_with_closed_standard_descriptors(self):
        d = Supervised()
        d.process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", FAKE,
             "--state", d.state, "--runtime", d.runtime,
             "--config", d.config], env=d.env)
        end = time.monotonic() + PATIENCE_S
        while not os.path.exists(f"{d.runtime}/agent.sock"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        d.say_until("engine hello", "hello")
        d.process.send_signal(signal.SIGTERM)
        self.assertEqual(d.ended(), 0)
        shutil.rmtree(d.root)

    def test_with_few_descriptors_it_says_so_and_ends(self):
        d = Supervised()
        with open(d.log_path, "ab") as log:
            d.process = subprocess.Popen(
                [FAKE, "--state", d.state, "--runtime", d.runtime,
                 "--config", d.config], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=d.env,
                preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_NOFILE, (12, 12)))
        self.assertNotEqual(d.ended(), 0)
        self.assertIn("Too many open files", d.log())
        shutil.rmtree(d.root)


if __name__ == "__main__":
    unittest.main()
