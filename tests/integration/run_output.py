"""What a run writes reaches who reads it: all of it, no faster than he reads,
and at nobody else's cost."""

import hashlib
import json
import os
import pty
import select
import signal
import subprocess
import threading
import time
import unittest

from lib_daemon import BIN, Daemon, UnixConnection

SANITIZED = os.environ.get("ASSENT_PRESET_SANITIZES") == "1"
CONFIG = """
profiles:
  workspace-write: {limits: {output: 600M, stream: 100G}}
  short: {limits: {output: 600M, stream: 100G, wall: 3s}}
  little: {limits: {output: 1M, stream: 20M}}
"""
MB = 1 << 20
# Bytes of every value on both streams at the same time, and their hashes.
BOTH = r"""
import hashlib, os, sys, threading
def write(fd, seed, count):
    block, sum = hashlib.shake_128(seed).digest(1 << 20), hashlib.sha256()
    for i in range(count):
        bytes = block[i * 7:] + block[:i * 7]
        sum.update(bytes)
        rest = memoryview(bytes)
        while rest:
            rest = rest[os.write(fd, rest):]
    open(f'sum{fd}', 'w').write(sum.hexdigest())
n = int(sys.argv[1])
other = threading.Thread(target=write, args=(2, b'err', n))
other.start()
write(1, b'out', n)
other.join()
"""
YES = ["python3", "yes.py"]
# Says in a file how much it has written.
COUNTS = r"""
import os
block, n = b'x' * 65536, 0
while True:
    n += os.write(1, block)
    open('written.new', 'w').write(str(n))
    os.rename('written.new', 'written')
"""


def peak_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


class Hashing(threading.Thread):
    def __init__(self, file):
        super().__init__(daemon=True)
        self.file, self.sum, self.count = file, hashlib.sha256(), 0
        self.start()

    def run(self):
        while block := self.file.read1(MB):
            self.sum.update(block)
            self.count += len(block)


class Output(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(CONFIG)
        cls.daemon.start()
        os.chmod(cls.daemon.root, 0o755)
        for name, text in (("both.py", BOTH), ("counts.py", COUNTS),
                           ("yes.py", "import os\nwhile True: "
                            "os.write(1, b'y\\n' * 999)\n")):
            with open(f"{cls.daemon.workspace}/{name}", "w",
                      encoding="ascii") as file:
                file.write(text)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def start(self, *command, options=(), **more):
        return subprocess.Popen(
            [f"{BIN}/assent", "run", "--runtime", self.daemon.runtime,
             *options, "--", *command], cwd=self.daemon.workspace,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=more.pop("stderr", subprocess.PIPE), **more)

    def read(self, name):
        try:
            with open(f"{self.daemon.workspace}/{name}",
                      encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def until(self, what, holds, seconds=30):
        end = time.monotonic() + seconds
        while not holds():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)

    def is_still(self, name):
        """A number in a file stops growing; what it is then."""
        last, since = None, time.monotonic()
        end = since + 30
        while time.monotonic() - since < 0.7:
            now = self.read(name)
            if now != last:
                last, since = now, time.monotonic()
            self.assertLess(since, end, "it writes on and on")
            time.sleep(0.02)
        return int(last or 0)

    def state_of(self, action):
        return self.daemon.agent("GET", f"/v1/actions/{action}")[1]

    def running(self):
        _, body, _ = self.daemon.approver("GET", "/v1/actions?state=running")
        return [item["id"] for item in body["items"]]

    def follow(self, action, query=""):
        connection = UnixConnection(f"{self.daemon.runtime}/agent.sock", 60)
        connection.request("GET", f"/v1/actions/{action}/output{query}",
                           headers={"Accept": "text/event-stream"})
        return connection, connection.getresponse()

    def propose(self, script, **more):
        status, body, _ = self.daemon.shell(script, wait=0, **more)
        self.assertIn(status, (200, 202), body)
        return body["id"]

    # ---- whole, and bounded ----

    def test_every_byte_of_both_streams_arrives_and_memory_is_bounded(self):
        count = 8 if SANITIZED else 40
        run = self.start("python3", "both.py", str(count))
        streams = [Hashing(run.stdout), Hashing(run.stderr)]
        ours = 0
        while run.poll() is None:
            ours = max(ours, peak_kb(run.pid))
            time.sleep(0.02)
        for stream in streams:
            stream.join()
        self.assertEqual(run.returncode, 0)
        for fd, stream in ((1, streams[0]), (2, streams[1])):
            self.assertEqual(stream.count, count * MB)
            self.assertEqual(stream.sum.hexdigest(), self.read(f"sum{fd}"))
        if SANITIZED:
            return
        roles = self.daemon.roles()
        self.assertLess(ours, 32 << 10)
        # it keeps 8M of each stream, and has a plan and a database
        self.assertLess(peak_kb(roles["engine"][0]), 80 << 10)
        self.assertLess(peak_kb(roles["front"][0]), 40 << 10)
        self.assertLess(peak_kb(roles["launcher"][0]), 16 << 10)

    def test_the_last_words_of_both_streams_come_before_the_end(self):
        for _ in range(10):
            run = self.start("sh", "-c", "head -c 70000 /dev/zero; echo end; "
                             "head -c 70000 /dev/zero >&2; echo END >&2; "
                             "exit 3")
            out, err = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 3)
            self.assertEqual(out, bytes(70000) + b"end\n")
            self.assertEqual(err, bytes(70000) + b"END\n")

    def test_over_http_the_end_says_how_much_it_was(self):
        action = self.propose("head -c 3000000 /dev/zero; echo é >&2")
        connection, answer = self.follow(action)
        events = answer.read().decode()
        connection.close()
        self.assertTrue(events.endswith(
            'event: done\ndata: {"stdout":3000000,"stderr":3}\n\n'),
            events[-200:])
        self.assertIn('event: stderr\ndata: "é\\n"\n', events)
        _, whole, _ = self.daemon.agent("GET", f"/v1/actions/{action}/output")
        self.assertEqual(whole["stdout_bytes"], 3000000)
        self.assertFalse(whole["truncated"])

    def test_what_is_too_long_for_one_answer_is_said_so(self):
        action = self.propose("head -c 8000000 /dev/zero")
        self.until("it ends", lambda: self.state_of(action)["state"] == "done")
        outcome = self.state_of(action)["outcome"]
        self.assertLess(MB - 100, len(outcome["stdout"]))
        self.assertLessEqual(len(outcome["stdout"]), MB)
        self.assertTrue(outcome["truncated"])
        status, problem, _ = self.daemon.agent(
            "GET", f"/v1/actions/{action}/output")
        self.assertEqual(status, 413)
        self.assertIn("stream it", problem["detail"])

    # ---- who reads slowly ----

    def test_a_reader_that_stops_stops_his_run_alone(self):
        run = self.start("python3", "counts.py")
        try:
            self.until("it begins", lambda: self.read("written"))
            written = self.is_still("written")
            # in pipes, sockets, windows: a few megabytes and no more
            self.assertLess(written, 12 * MB)
            at = time.monotonic()
            other = self.start("seq", "100000")
            self.assertEqual(len(other.communicate(timeout=60)[0]), 588895)
            self.assertEqual(self.daemon.agent("GET", "/healthz")[0], 200)
            self.assertLess(time.monotonic() - at, 20)
            # it goes on where it was
            got = 0
            while got < 20 * MB:
                got += len(run.stdout.read1(MB))
            self.assertGreater(int(self.read("written")), written)
        finally:
            run.kill()
            run.communicate()

    def test_the_time_limit_ends_a_run_that_nobody_reads(self):
        run = self.start(*YES, options=["--profile", "short"])
        try:
            self.until("it runs", self.running)
            self.until("it ends", lambda: not self.running(), 20)
            out = run.stdout.read()
            self.assertEqual(set(out), set(b"y\n"))
            run.wait(30)
            self.assertEqual(run.returncode, 124)
        finally:
            run.kill()
            run.communicate()

    def test_a_signal_reaches_a_run_whose_reader_stopped(self):
        run = self.start(*YES)
        try:
            self.until("it runs", self.running)
            time.sleep(0.5)
            run.send_signal(signal.SIGTERM)
            self.until("it ends", lambda: not self.running(), 20)
        finally:
            run.stdout.read()
            run.wait(30)
        self.assertEqual(run.returncode, 128 + signal.SIGTERM)

    def test_who_looks_on_and_is_slow_does_not_hold_it(self):
        action = self.propose("head -c 40000000 /dev/zero")
        looks_on = UnixConnection(f"{self.daemon.runtime}/approver.sock", 60)
        looks_on.request("GET", f"/v1/actions/{action}/output",
                         headers={"Accept": "text/event-stream"})
        answer = looks_on.getresponse()
        connection, mine = self.follow(action)
        events = mine.read()
        connection.close()
        self.assertIn(b'event: done\ndata: {"stdout":40000000', events[-100:])
        self.assertIn(b"event: dropped\n", answer.read()[-100:])
        looks_on.close()

    # ---- who leaves, and who never came ----

    def test_the_run_ends_when_its_reader_was_killed(self):
        for command in (["sleep", "100"], YES,
                        ["sh", "-c", "trap '' HUP; sleep 100"]):
            run = self.start(*command)
            self.until("it runs", self.running)
            action = self.running()[0]
            run.kill()
            run.communicate()
            self.until("it ends", lambda: not self.running(), 20)
            outcome = self.state_of(action)["outcome"]
            self.assertIn(outcome["signal"],
                          (signal.SIGHUP, signal.SIGKILL), outcome)

    def test_as_in_a_shell_head_ends_what_writes_for_ever(self):
        run = self.start(*YES)
        self.assertEqual(run.stdout.read(4), b"y\ny\n")
        run.stdout.close()
        self.assertEqual(run.wait(30), -signal.SIGPIPE)
        self.until("it ends", lambda: not self.running(), 20)

    def test_by_default_the_run_outlives_a_stream(self):
        action = self.propose("sleep 1.5; echo here")
        connection, _ = self.follow(action)
        connection.close()
        self.until("it ends", lambda: self.state_of(action)["state"] == "done")
        self.assertEqual(self.state_of(action)["outcome"]["stdout"], "here\n")

    def test_who_left_in_the_middle_does_not_hold_it(self):
        action = self.propose("head -c 60000000 /dev/zero; echo end >&2")
        connection, answer = self.follow(action)
        answer.read(100)
        connection.close()
        self.until("it ends", lambda: self.state_of(action)["state"] == "done")
        self.assertEqual(self.state_of(action)["outcome"]["stderr"], "end\n")

    def test_without_any_reader_it_goes_on_and_the_rest_is_counted(self):
        action = self.propose("head -c 30000000 /dev/zero")
        self.until("it ends", lambda: self.state_of(action)["state"] == "done")
        self.assertTrue(self.state_of(action)["outcome"]["truncated"])
        connection, answer = self.follow(action)
        events = answer.read()
        connection.close()
        self.assertIn(b'event: missed\ndata: {"stdout":%d,"stderr":0}'
                      % (30000000 - 9 * MB), events)
        self.assertIn(b'event: done\ndata: {"stdout":30000000', events)

    def test_who_writes_without_end_is_ended_and_told_why(self):
        for to in ("", ">&2"):
            action = self.propose(f"head -c 400000000 /dev/zero {to}",
                                  profile="little")
            self.until("it ends",
                       lambda: self.state_of(action)["state"] == "done")
            outcome = self.state_of(action)["outcome"]
            self.assertEqual(outcome["failure"],
                             "ended: more than 20971520 bytes of stream "
                             "(limits.stream)")
            self.assertTrue(outcome["truncated"])

    def test_who_reads_gets_more_than_is_kept(self):
        for profile in ("little", "workspace-write"):
            run = self.start("head", "-c", "20000000", "/dev/zero",
                             options=["--profile", profile])
            out, err = run.communicate(timeout=60)
            self.assertEqual((run.returncode, len(out), err),
                             (0, 20000000, b""))

    def test_a_build_with_much_output_ends_well_and_keeps_both_ends(self):
        action = self.propose("echo begin; head -c 30000000 /dev/zero | tr "
                              "'\\0' x; echo; echo end; exit 3")
        self.until("it ends", lambda: self.state_of(action)["state"] == "done")
        outcome = self.state_of(action)["outcome"]
        self.assertEqual((outcome["exit"], outcome.get("failure")), (3, None))
        self.assertTrue(outcome["truncated"])
        self.assertLessEqual(len(outcome["stdout"]), MB)
        self.assertTrue(outcome["stdout"].startswith("begin\nxxx"))
        self.assertTrue(outcome["stdout"].endswith("xxx\nend\n"))
        self.assertRegex(outcome["stdout"],
                         r"x\n\[\.\.\. 2\d+ bytes are left out here \.\.\.\]"
                         r"\nx")
        # who comes later gets more of both ends
        connection, answer = self.follow(action)
        events = answer.read().decode()
        connection.close()
        self.assertIn('event: missed\ndata: {"stdout":%d,"stderr":0}'
                      % (30000011 - 9 * MB), events)
        self.assertIn('xxx\\nend\\n"\n\nevent: done', events)

    def test_a_profile_says_how_much_is_kept(self):
        action = self.propose("head -c 3000000 /dev/zero; echo end",
                              profile="little")
        self.until("it ends", lambda: self.state_of(action)["state"] == "done")
        connection, answer = self.follow(action)
        events = answer.read()
        connection.close()
        self.assertIn(b'event: missed\ndata: {"stdout":%d,"stderr":0}'
                      % (3000004 - MB - MB // 8), events)

    # ---- later ----

    def test_after_a_restart_an_outcome_says_that_output_is_gone(self):
        with Daemon() as d:
            os.chmod(d.root, 0o755)
            wrote = d.shell("echo words")[1]
            silent = d.shell("exit 3")[1]
            _, killed, _ = d.shell("echo begun; sleep 60", wait=0)
            end = time.monotonic() + 30
            while d.agent("GET", f"/v1/actions/{killed['id']}")[1][
                    "state"] != "running":
                self.assertLess(time.monotonic(), end)
            for pid in d.roles()["launcher"]:
                os.kill(pid, signal.SIGKILL)
            d.agent("GET", f"/v1/actions/{killed['id']}",
                    headers={"Prefer": "wait=20"})
            d.stop()
            d.start()
            seen = [d.agent("GET", f"/v1/actions/{action['id']}")[1]
                    for action in (wrote, silent, killed)]
        self.assertEqual([one["state"] for one in seen], ["done"] * 3)
        first, second, third = (one["outcome"] for one in seen)
        self.assertEqual((first["exit"], first["stdout"], first["truncated"]),
                         (0, "", True))
        self.assertEqual((second["exit"], second["truncated"]), (3, False))
        self.assertIn("launcher ended", third["failure"])

    def test_who_asks_late_gets_what_hundreds_wrote(self):
        connection = UnixConnection(f"{self.daemon.runtime}/agent.sock", 60)
        count, ids = 200, []

        def call(method, url, body=None, wait=0):
            connection.request(
                method, url, None if body is None else json.dumps(body),
                {"Prefer": f"wait={wait}", "Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())
        for i in range(count):
            ids.append(call("POST", "/v1/actions", {
                "tool": "shell", "input": {"script": f"echo {i}"},
                "cwd": self.daemon.workspace, "execute": True,
                "workspace": self.daemon.workspace})["id"])
        self.until("they end", lambda: not self.running(), 60)
        for i, action in enumerate(ids):
            ended = call("GET", f"/v1/actions/{action}", wait=30)
            self.assertEqual(ended["outcome"]["stdout"], f"{i}\n")
        connection.close()

    # ---- a terminal ----

    def test_a_terminal_gets_all_of_it_too(self):
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.daemon.workspace)
            os.execv(f"{BIN}/assent", [
                "assent", "run", "--runtime", self.daemon.runtime, "--tty",
                "--", "seq", "300000"])
        shown = b""
        while select.select([master], [], [], 60)[0]:
            try:
                shown += os.read(master, 65536)
            except OSError:
                break
        os.close(master)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertEqual(shown, b"".join(
            b"%d\r\n" % i for i in range(1, 300001)))


if __name__ == "__main__":
    unittest.main()
