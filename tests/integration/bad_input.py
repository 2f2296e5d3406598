"""
Calls of every client that are not as its contract says: other versions' JSON,
members that are missing or of another type, tools that nobody knows, ten
megabytes, bytes that are no text. The good call of each would be allowed; no
bad one is, each gets one clear line, and none takes long.
"""

import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hooks import ALLOWED, CLIENTS, hook, shell_call  # noqa: E402
from lib_codex import codex_review  # noqa: E402
from lib_daemon import Daemon, UnixConnection  # noqa: E402

LONG_S = 20
CALL = "toolu-CALL"  # another one each time: no answer is that to another call
# what a call means nothing without: the path to it in the JSON
NEEDED = {
    "claude-code": ("hook_event_name", "tool_name", "tool_input", "cwd",
                    "tool_input/command"),
    "codex": ("hook_event_name", "tool_name", "tool_input", "cwd",
              "tool_input/command"),
    "gemini": ("hook_event_name", "tool_name", "tool_input", "cwd",
               "tool_input/command"),
    "copilot": ("toolName", "toolArgs", "cwd", "toolArgs/command"),
    "cursor": ("hook_event_name", "command"),
    "opencode": ("hook", "tool", "args", "directory", "args/command"),
    "generic": ("tool", "input", "workspace", "input/script"),
}
TOOL = {"claude-code": "tool_name", "codex": "tool_name",
        "gemini": "tool_name", "copilot": "toolName", "opencode": "tool",
        "generic": "tool"}
INPUT = {"claude-code": "tool_input", "codex": "tool_input",
         "gemini": "tool_input", "copilot": "toolArgs", "opencode": "args",
         "generic": "input"}


def call_of(client, cwd):
    return shell_call(client, ALLOWED, cwd, CALL)


def copy(value):
    return json.loads(json.dumps(value))


def without(value, path):
    *above, last = path.split("/")
    value = copy(value)
    at = value
    for name in above:
        at = at[name]
    del at[last]
    return value


def having(value, path, new):
    *above, last = path.split("/")
    value = copy(value)
    at = value
    for name in above:
        at = at[name]
    at[last] = new
    return value


def bad_values(client, good):
    """(what is wrong, JSON)"""
    for path in NEEDED[client]:
        yield f"no {path}", without(good, path)
        for new in (None, 7, True, [], ["git", "status"], {}, {"x": "y"}, ""):
            # an empty script is nothing to run, and so allowed
            if new == "" and path.split("/")[-1] in ("command", "script"):
                continue
            # nothing in it is missing that another path does not name
            yield f"{path} is {new!r}", having(good, path, new)
    if client in TOOL:
        for name in ("Teleport", "BASH", "bash ", "mcp__", "mcp____x", "\u0130",
                     "x" * 100_000):
            yield f"tool {name[:20]!r}", having(good, TOOL[client], name)
        for name in ("sudo", "runAs", "environment"):
            yield f"a new member {name}", having(
                good, f"{INPUT[client]}/{name}", "root")


def bad_bytes(good):
    text = json.dumps(good).encode()
    word = ALLOWED.encode()
    yield "nothing", b""
    yield "no object", b"[]"
    yield "null", b"null"
    yield "a text", b'"git status"'
    yield "half of it", text[:len(text) // 2]
    yield "twice", text + text
    yield "more behind", text + b"x"
    yield "a mark before", b"\xef\xbb\xbf" + text
    yield "two bytes a letter", json.dumps(good).encode("utf-16")
    yield "no UTF-8", text.replace(word, word + b" \xff\xfe")
    yield "overlong", text.replace(word, word + b" \xc0\xaf")
    yield "a zero", text.replace(word, word + b"\0")
    yield "a written zero", text.replace(word, word + b"\\u0000")
    yield "half a pair", text.replace(word, word + b"\\ud800")
    yield "a member twice", text[:-1] + b"," + text[1:]
    yield "ten megabytes", text.replace(word, word + b" " * (10 << 20))
    yield "a long member", text[:-1] + b',"x":"' + b"y" * (10 << 20) + b'"}'
    yield "deep", text[:-1] + b',"x":' + b"[" * 5000 + b"]" * 5000 + b"}"
    yield "many", text[:-1] + b',"x":[' + b"0," * 300_000 + b"0]}"
    yield "no number", text[:-1] + b',"x":NaN}'


def says_no(client, status, out):
    if '"deny"' in out or '"ask"' in out:
        return True
    # silence is a yes for the one, and a no by its status for the others
    return status == 2 or (client == "generic" and status == 1)


class Bad(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon()
        cls.d.__enter__()
        cls.calls = 0

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def ask(self, client, value):
        text = value if isinstance(value, bytes) else \
            json.dumps(value).encode()
        Bad.calls += 1
        return hook(self.d.runtime, client,
                    text.replace(CALL.encode(), b"toolu-%d" % Bad.calls),
                    "--timeout", "0s")

    def check(self, client, what, value):
        began = time.monotonic()
        status, out, err = self.ask(client, value)
        self.assertNotIn("Idempotency", out + err)
        self.assertTrue(says_no(client, status, out),
                        (client, what, status, out[:500], err[:500]))
        self.assertNotIn('"allow"', out, (client, what))
        # one line, for the model or beside it
        self.assertLessEqual(err.count("\n"), 1, (client, what, err[:500]))
        self.assertLessEqual(out.strip().count("\n"), 0, (client, what))
        self.assertIn("assent", out + err, (client, what))
        self.assertLess(len(out + err), 10_000, (client, what))
        self.assertLess(time.monotonic() - began, LONG_S, (client, what))

    def test_the_good_call_of_each_client_is_allowed(self):
        for client in CLIENTS:
            status, out, _ = self.ask(
                client, call_of(client, self.d.workspace))
            self.assertFalse(says_no(client, status, out), (client, out))

    def test_no_value_of_another_form_is_allowed(self):
        for client in CLIENTS:
            good = call_of(client, self.d.workspace)
            for what, value in bad_values(client, good):
                self.check(client, what, value)

    def test_no_bytes_that_are_no_json_of_the_client_are_allowed(self):
        for client in CLIENTS:
            good = call_of(client, self.d.workspace)
            for what, text in bad_bytes(good):
                self.check(client, what, text)

    def test_one_clients_call_is_none_of_another(self):
        forms = {}
        for client in CLIENTS:
            good = call_of(client, self.d.workspace)
            forms.setdefault(json.dumps(good, sort_keys=True), client)
        for client in CLIENTS:
            for text, other in forms.items():
                same = {client, other} <= {"claude-code", "codex"}
                # Copilot speaks Claude Code's form, too
                if client == other or same or \
                        (client, other) == ("copilot", "claude-code"):
                    continue
                self.check(client, f"of {other}", json.loads(text))

    def post(self, path, body):
        connection = UnixConnection(f"{self.d.runtime}/agent.sock", 60)
        try:
            Bad.calls += 1
            body = body.replace(CALL.encode(), b"toolu-%d" % Bad.calls)
            connection.request("POST", path, body,
                               {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply.status, reply.read().decode(errors="replace")
        except (BrokenPipeError, ConnectionResetError):
            return 413, ""  # it reads no further
        finally:
            connection.close()

    def test_the_routes_allow_nothing_of_it_either(self):
        action = shell_call("generic", ALLOWED, self.d.workspace)
        forms = [(f"/v1/hooks/{c}?wait=0", call_of(c, self.d.workspace))
                 for c in CLIENTS if c != "cursor"]
        forms += [
            ("/v1/data/assent/allow?wait=0", {"input": action}),
            ("/v1/admission?wait=0", {
                "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                "request": {"uid": "u", "object": {"spec": action}}}),
            ("/v1/codex/responses?wait=0", codex_review(
                ALLOWED, self.d.workspace))]
        for path, good in forms:
            for what, text in bad_bytes(good):
                status, said = self.post(path, text)
                for yes in ('"allow"', '"result":true', '"allowed":true',
                            '\\"allow\\"'):
                    self.assertNotIn(yes, said, (path, what, status))
        self.assertEqual(self.d.agent("GET", "/readyz")[0], 200)


if __name__ == "__main__":
    unittest.main()
