"""assent against a daemon that lies, breaks off, and sends hostile text."""

import base64
import json
import os
import pty
import subprocess
import unittest

from lib_fake_daemon import (BIN, FakeDaemon, chunked_reply, decision,
                             json_reply, raw_reply)

POST = "POST /v1/actions"
GET = "GET /v1/actions/act_01TEST"
OUTPUT = GET + "/output?disconnect=end"
PENDING = decision(state="pending", decision="ask", outcome=None)
ALLOWED = 0
DENIED, UNANSWERED, FAILED = 125, 124, 123


def stream(*events, whole=True):
    """Events, and at the end how much they were."""
    counts = {"stdout": 0, "stderr": 0}
    for name, data in events:
        try:
            text = json.loads(data)
            counts[name[:6]] += len(
                base64.b64decode(text) if name.endswith("-base64")
                else text.encode("utf-8", "surrogatepass"))
        except (KeyError, TypeError, ValueError):
            pass
    if whole:
        events = [*events, ("done", json.dumps(counts))]
    body = b"".join(
        f"event: {name}\ndata: {data}\n\n".encode() for name, data in events)
    return raw_reply(200, "text/event-stream", body)


class RunBelievesNothing(unittest.TestCase):
    def run_with(self, *posts, gets=(), arguments=()):
        with FakeDaemon() as fake:
            fake.answer(POST, *posts)
            fake.answer(GET, *(gets or [json_reply(200, decision())]))
            fake.answer(OUTPUT, stream(("stdout", '"ran\\n"')))
            return fake.assent("run", *arguments, "--", "true"), fake

    def assert_not_run(self, *posts, gets=(), status=FAILED):
        ran, _ = self.run_with(*posts, gets=gets)
        self.assertEqual(ran.returncode, status, ran.stderr)
        self.assertEqual(ran.stdout, b"")

    def test_a_status_200_alone_is_no_allow(self):
        self.assert_not_run(raw_reply(200, "application/json", b""))
        self.assert_not_run(raw_reply(200, "application/json", b"{}"))
        self.assert_not_run(json_reply(200, []))
        self.assert_not_run(json_reply(200, "allow"))

    def test_a_page_of_a_proxy_is_no_allow(self):
        body = json.dumps(decision()).encode()
        self.assert_not_run(raw_reply(200, "text/html", body))
        self.assert_not_run(raw_reply(200, "text/html", b"<p>allow</p>"))

    def test_only_the_exact_word_is_an_allow(self):
        for word in ("Allow", "allowed", "allow ", "", None, True, 1):
            self.assert_not_run(json_reply(200, decision(decision=word)))

    def test_an_allow_without_id_or_hash_is_not_believed(self):
        for change in ({"id": None}, {"id": "act_"}, {"id": "../x"},
                       {"id": "act_" + "x" * 100}, {"action_sha256": None},
                       {"action_sha256": "ab"}, {"state": "allowed"}):
            self.assert_not_run(json_reply(200, decision(**change)))

    def test_an_allow_for_another_action_is_not_believed(self):
        first = json_reply(202, PENDING)
        other = json_reply(200, decision(id="act_01OTHER"))
        self.assert_not_run(first, gets=[other])
        changed = json_reply(200, decision(action_sha256="cd" * 32))
        self.assert_not_run(first, gets=[changed])

    def test_an_allow_that_still_waits_is_not_believed(self):
        self.assert_not_run(
            json_reply(200, decision(state="cancelled")), status=UNANSWERED)
        self.assert_not_run(
            json_reply(200, decision(state="expired")), status=UNANSWERED)

    def test_a_key_given_twice_is_refused(self):
        text = json.dumps(decision())[:-1] + ',"decision":"allow"}'
        self.assert_not_run(raw_reply(200, "application/json", text.encode()))

    def test_a_broken_answer_is_no_answer(self):
        whole = json_reply(200, decision())
        self.assert_not_run(whole[:-1] + b"")
        self.assert_not_run(whole[: len(whole) // 2])
        self.assert_not_run(b"")
        self.assert_not_run(b"\xff" * 100)

    def test_an_answer_without_an_end_is_no_answer(self):
        whole = json_reply(200, decision())
        head, _, body = whole.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n")
                 if not line.startswith(b"Content-Length")]
        self.assert_not_run(b"\r\n".join(lines) + b"\r\n\r\n" + body)

    def test_chunks_are_read_and_a_missing_last_one_is_an_error(self):
        body = json.dumps(decision()).encode()
        kind = "application/json"
        for size in (1, 7, 4096):
            ran, _ = self.run_with(chunked_reply(kind, body, size))
            self.assertEqual(ran.returncode, ALLOWED, ran.stderr)
            self.assert_not_run(chunked_reply(kind, body, size, end=b""))
            self.assert_not_run(chunked_reply(kind, body, size, end=b"0\r\n"))
        self.assert_not_run(chunked_reply(kind, body, 9, end=b"-1\r\n\r\n"))
        whole = chunked_reply(kind, body, 100)
        both = whole.replace(
            b"Transfer-", b"Content-Length: 5\r\nTransfer-")
        self.assert_not_run(both)

    def test_an_answer_in_single_bytes_is_read_whole(self):
        whole = json_reply(200, decision())
        pieces = [whole[at:at + 1] for at in range(len(whole))]
        ran, _ = self.run_with(pieces)
        self.assertEqual(ran.returncode, ALLOWED, ran.stderr)

    def test_other_protocols_are_no_answer(self):
        whole = json_reply(200, decision())
        self.assert_not_run(b"HTTP/1.1 100 Continue\r\n\r\n" + whole)
        self.assert_not_run(b"SSH-2.0-OpenSSH_9.2\r\n")
        long = b"Content-Type: " + b"x" * 500
        self.assert_not_run(whole.replace(b"Content-Type: ", long))
        self.assert_not_run(whole.replace(
            b"\r\n", b"\r\nX: " + b"y" * 100_000 + b"\r\n", 1))

    def test_a_redirect_is_not_followed(self):
        self.assert_not_run(raw_reply(
            302, "application/json", b"{}", "Location: /v1/else\r\n"))

    def test_an_endless_answer_is_cut_off(self):
        body = b'{"a":"' + b"x" * (65 << 20) + b'"}'
        self.assert_not_run(raw_reply(200, "application/json", body))

    def test_errors_are_no_allow(self):
        for status in (400, 401, 403, 404, 409, 413, 422, 429, 500, 503):
            reply = json_reply(status, decision(detail="no"))
            self.assert_not_run(reply)

    def test_a_denial_tells_its_reason_and_is_125(self):
        ran, _ = self.run_with(json_reply(200, decision(
            state="decided", decision="deny", reason="not that way")))
        self.assertEqual(ran.returncode, DENIED)
        self.assertIn(b"not that way", ran.stderr)

    def test_nobody_answered_is_124(self):
        ran, _ = self.run_with(json_reply(200, decision(
            state="decided", decision="deny", decided_by="timeout")))
        self.assertEqual(ran.returncode, UNANSWERED)

    def test_giving_up_cancels_the_action(self):
        ran, fake = self.run_with(
            json_reply(202, PENDING), gets=[json_reply(200, PENDING)],
            arguments=["--timeout", "200ms"])
        self.assertEqual(ran.returncode, UNANSWERED)
        self.assertEqual(len(fake.asked("DELETE /v1/actions/act_01TEST")), 1)

    def test_there_is_no_daemon_is_123(self):
        ran = subprocess.run(
            [f"{BIN}/assent", "run", "--runtime", "/nonexistent", "--",
             "true"], stderr=subprocess.PIPE, check=False)
        self.assertEqual(ran.returncode, FAILED)
        self.assertIn(b"start assentd", ran.stderr)

    def test_a_folder_that_others_may_write_is_not_believed(self):
        with FakeDaemon() as fake:
            fake.answer(POST, json_reply(200, decision()))
            os.chmod(fake.runtime, 0o777)
            ran = fake.assent("run", "--", "true")
            self.assertEqual(ran.returncode, FAILED)
            self.assertIn(b"not believed", ran.stderr)
            self.assertEqual(fake.requests, [])


class RunShowsWhatRan(unittest.TestCase):
    def run_done(self, events, outcome, **options):
        done = decision(outcome=outcome)
        with FakeDaemon() as fake:
            fake.answer(POST, json_reply(
                200, decision(state="running", outcome=None)))
            fake.answer(OUTPUT, stream(*events))
            fake.answer(GET, json_reply(200, done))
            ran = fake.assent("run", *options.pop("arguments", ()), "--",
                              "program", "two words", **options)
            return ran, fake

    def test_the_proposal_is_the_very_command(self):
        _, fake = self.run_done([], {"exit": 0})
        asked = fake.asked(POST)[0]
        body = json.loads(asked.body)
        self.assertEqual(body["input"]["argv"], ["program", "two words"])
        self.assertEqual((body["tool"], body["execute"]), ("exec", True))
        self.assertEqual(body["cwd"], os.getcwd())
        self.assertGreaterEqual(len(asked.headers["idempotency-key"]), 16)

    def test_output_arrives_byte_for_byte(self):
        ran, _ = self.run_done(
            [("stdout", '"a\\u001b[1mb\\n"'), ("stdout-base64", '"AP/+"'),
             ("stderr", '"oops"'), ("other", '"no"')], {"exit": 0})
        self.assertEqual(ran.stdout, b"a\x1b[1mb\n\x00\xff\xfe")
        self.assertEqual(ran.stderr, b"oops")
        self.assertEqual(ran.returncode, 0)

    def test_the_exit_status_is_the_commands_own(self):
        self.assertEqual(self.run_done([], {"exit": 7})[0].returncode, 7)
        self.assertEqual(self.run_done(
            [], {"exit": None, "signal": 9})[0].returncode, 137)
        self.assertEqual(self.run_done(
            [], {"exit": None, "timed_out": True})[0].returncode, UNANSWERED)
        self.assertEqual(self.run_done(
            [], {"failure": "no sandbox"})[0].returncode, FAILED)
        self.assertEqual(self.run_done([], None)[0].returncode, FAILED)

    def test_output_that_is_not_whole_is_a_failure(self):
        for events in ([("stdout", '"ran\\n"')],
                       [("stdout", '"ran\\n"'),
                        ("done", '{"stdout":5,"stderr":0}')],
                       [("done", '{"stdout":0,"stderr":1}')]):
            with FakeDaemon() as fake:
                fake.answer(POST, json_reply(200, decision()))
                fake.answer(OUTPUT, stream(*events, whole=False))
                ran = fake.assent("run", "--", "true")
            self.assertEqual(ran.returncode, FAILED)
            self.assertIn(b"some of its output was lost", ran.stderr)

    def test_i8_output_on_a_terminal_is_inert(self):
        master, slave = pty.openpty()
        done = decision()
        with FakeDaemon() as fake:
            fake.answer(POST, json_reply(200, done))
            fake.answer(OUTPUT, stream(
                ("stdout", '"\\u001b]0;owned\\u0007\\u009b31m x\\n"')))
            subprocess.run(
                [f"{BIN}/assent", "run", "--runtime", fake.runtime, "--",
                 "true"], stdout=slave, stdin=subprocess.DEVNULL, check=True,
                timeout=60)
        os.close(slave)
        shown = os.read(master, 65536)
        os.close(master)
        self.assertNotIn(b"\x1b", shown)
        self.assertNotIn(b"\x07", shown)
        self.assertNotIn(b"\xc2\x9b", shown)
        self.assertIn(b"\\x1b]0;owned", shown)

    def test_i8_reasons_are_inert_and_rules_are_named(self):
        with FakeDaemon() as fake:
            fake.answer(POST, json_reply(200, decision(
                state="decided", decision="deny", reason="\x1b[2J\u202e no",
                rules=[{"id": "a.b", "decision": "deny", "file": "a.yaml",
                        "line": 3, "part": "x"}])))
            ran = fake.assent("run", "--", "true")
        self.assertNotIn(b"\x1b", ran.stderr)
        self.assertNotIn("\u202e".encode(), ran.stderr)
        self.assertIn(b"a.b (a.yaml:3)", ran.stderr)


class AskAtTheTerminal(unittest.TestCase):
    def ask(self, *lines, timeout="20s"):
        """assent run --ask on a terminal of its own; (status, fake, shown)."""
        with FakeDaemon() as fake:
            allowed = json_reply(200, decision(), 'ETag: "2"\r\n')
            pending = json_reply(202, PENDING, 'ETag: "1"\r\n')
            fake.answer(POST, pending)
            fake.answer(GET + "/explain", json_reply(200, {
                "display": "rm \x1b[2J x", "profile": {"name": "read-only"},
                "asker_answers": "passphrase"}))
            # the approver looks once before it answers
            fake.answer(GET, pending, allowed)
            fake.answer("PUT /v1/actions/act_01TEST/decision", allowed)
            fake.answer(OUTPUT, stream(("stdout", '"ran\\n"')))
            pid, master = pty.fork()
            if pid == 0:
                os.execv(f"{BIN}/assent", [
                    "assent", "run", "--ask", "--runtime", fake.runtime,
                    "--timeout", timeout, "--", "true"])
            shown = b""
            for prompt, line in zip((b"yes or no: ", b"passphrase: "), lines):
                while prompt not in shown:
                    shown += os.read(master, 4096)
                os.write(master, line)
            status = self.drain(pid, master)
            return status, fake, shown

    @staticmethod
    def drain(pid, master):
        try:
            while os.read(master, 4096):
                pass
        except OSError:
            pass
        os.close(master)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_the_answer_goes_to_the_approver_socket_alone(self):
        status, fake, shown = self.ask(b"yes\n", b"a few words\n")
        puts = fake.asked("PUT /v1/actions/act_01TEST/decision")
        self.assertEqual([one.door for one in puts], ["approver"])
        body = json.loads(puts[0].body)
        self.assertEqual(body["decision"], "allow")
        self.assertEqual(body["action_sha256"], "ab" * 32)
        self.assertEqual(body["passphrase"], "a few words")
        self.assertNotIn(b"a few", shown)
        self.assertEqual(puts[0].headers["if-match"], '"1"')
        self.assertEqual(status, 0)
        self.assertNotIn(b"\x1b", shown)
        self.assertIn(b"rm \\x1b[2J x", shown)

    def test_no_takes_the_question_back(self):
        status, fake, _ = self.ask(b"no\n")
        self.assertEqual(status, DENIED)
        self.assertEqual(len(fake.asked("DELETE /v1/actions/act_01TEST")), 1)
        self.assertFalse([one for one in fake.requests
                          if one.line.startswith("PUT")])

    def test_nothing_typed_in_time_is_no_answer(self):
        status, fake, _ = self.ask(b"", timeout="200ms")
        self.assertEqual(status, UNANSWERED)
        self.assertEqual(len(fake.asked("DELETE /v1/actions/act_01TEST")), 1)
        self.assertFalse([one for one in fake.requests
                          if one.line.startswith("PUT")])

    def test_anything_but_a_whole_word_is_asked_again(self):
        _, fake, _ = self.ask(b"y\n\nno\n")
        self.assertEqual(len(fake.asked("DELETE /v1/actions/act_01TEST")), 1)

    def test_without_a_terminal_nothing_is_answered(self):
        with FakeDaemon() as fake:
            fake.answer(POST, json_reply(202, PENDING))
            fake.answer(GET, json_reply(200, PENDING))
            ran = fake.assent("run", "--ask", "--timeout", "200ms", "--",
                              "true", input=b"yes\n", stdin=None)
            self.assertEqual(ran.returncode, UNANSWERED)
            self.assertIn(b"assent approve act_01TEST", ran.stderr)
            self.assertFalse([one for one in fake.requests
                              if one.line.startswith("PUT")])


class Approve(unittest.TestCase):
    PUT = "PUT /v1/actions/act_01TEST/decision"

    def approve(self, *arguments, seen=None):
        with FakeDaemon() as fake:
            fake.answer(GET, json_reply(
                200, seen or PENDING, 'ETag: "9"\r\n'))
            fake.answer(self.PUT, json_reply(
                200, decision(state="decided", outcome=None)))
            return fake.assent("approve", *arguments), fake

    def test_it_sends_the_hash_and_the_version_it_saw(self):
        ran, fake = self.approve("act_01TEST", "--reason", "fine")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        put = fake.asked(self.PUT)[0]
        self.assertEqual(json.loads(put.body), {
            "decision": "allow", "action_sha256": "ab" * 32,
            "reason": "fine"})
        self.assertEqual((put.door, put.headers["if-match"]),
                         ("approver", '"9"'))

    def test_another_hash_is_not_approved(self):
        for prefix in ("abababac", "ab", ""):
            ran, fake = self.approve("act_01TEST", "--sha256", prefix)
            self.assertNotEqual(ran.returncode, 0)
            self.assertEqual(fake.asked(self.PUT), [])
        ran, _ = self.approve("act_01TEST", "--sha256", "abababab")
        self.assertEqual(ran.returncode, 0, ran.stderr)

    def test_an_id_cannot_be_a_path(self):
        for name in ("../log", "act_1/decision", "act_1?x", "act_1#", "%2e"):
            ran, fake = self.approve(name)
            self.assertNotEqual(ran.returncode, 0)
            self.assertEqual(fake.requests, [])

    def test_another_actions_answer_is_refused(self):
        ran, fake = self.approve("act_01TEST",
                                 seen=decision(id="act_01OTHER"))
        self.assertNotEqual(ran.returncode, 0)
        self.assertEqual(fake.asked(self.PUT), [])


class Pending(unittest.TestCase):
    LIST = "GET /v1/actions?state=pending&limit=500"

    def test_i8_a_list_is_inert_and_lines_are_lines(self):
        item = dict(PENDING, proposal={
            "tool": "shell", "display": "a\nact_fake  low  harmless\x1b[A",
            "cwd": "/x"})
        with FakeDaemon() as fake:
            fake.answer(self.LIST, json_reply(200, {"items": [item]}))
            short = fake.assent("pending")
            full = fake.assent("pending", "--long")
            machine = fake.assent("pending", "--json")
        self.assertEqual(short.stdout.count(b"\n"), 1)
        for ran in (short, full, machine):
            self.assertNotIn(b"\x1b", ran.stdout)
        self.assertIn(b"\n  | act_fake  low  harmless\\x1b[A\n", full.stdout)
        self.assertEqual(json.loads(machine.stdout)["items"][0]["id"],
                         "act_01TEST")

    def test_watching_shows_each_question_once(self):
        one = dict(PENDING)
        two = dict(PENDING, id="act_01SECOND")
        with FakeDaemon() as fake:
            fake.answer(self.LIST, json_reply(200, {"items": [one]}),
                        json_reply(200, {"items": [one, two]}))
            fake.answer("GET /v1/events", stream(
                ("row", "{}"), ("row", "{}")))
            ran = fake.assent("pending", "--watch")
        lines = ran.stdout.decode().splitlines()
        self.assertEqual([line.split()[0] for line in lines],
                         ["act_01TEST", "act_01SECOND"])


if __name__ == "__main__":
    unittest.main()
