"""assent tui on a pty against a real daemon: what a person sees and does."""

import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

try:
    from lib_tui import ARMED_S, ASKED, BIN, WAIT_S, Screen, TuiCase
except ImportError as missing:
    print(f"SKIP: {missing} (package python3-pyte)")
    sys.exit(77)


ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


class Tui(TuiCase):
    # ---- as a new user would ----

    def test_three_questions_are_answered_with_what_the_screen_says(self):
        first, second, third = (self.ask(f"git push origin branch-{i}")
                                for i in range(3))
        with Screen(self.daemon.runtime, 30, 100) as s:
            s.wait_for("3 waiting")
            s.wait_for("New: Enter opens it")
            s.open_and_arm()
            s.wait_for("a allows it once")
            s.keys("a")
            self.assertEqual(self.wait_decided(s, first)["decision"], "allow")
            s.wait_for("branch-1")
            s.wait_for("d denies it")
            s.keys("d")
            self.assertEqual(self.wait_decided(s, second)["decision"], "deny")
            s.wait_for("1 waiting")
            s.wait_for("branch-2")
            s.feed(0.4)
            s.keys("m")
            s.wait_for("tell the agent")
            s.keys("use a fork\r")
            ruling = self.wait_decided(s, third)
            self.assertEqual(ruling["decision"], "deny")
            self.assertEqual(ruling["reason"], "use a fork")
            s.wait_for("Nothing waits")
            s.keys("q")
            self.assertEqual(s.wait_exit(), 0)

    @unittest.skipUnless(shutil.which("tmux"), "tmux is not installed")
    def test_it_works_in_tmux(self):
        one = self.ask("git push origin in-tmux")
        with tempfile.TemporaryDirectory() as folder:
            def tmux(*words):
                return subprocess.run(
                    ["tmux", "-S", f"{folder}/tmux", "-f", "/dev/null",
                     *words], check=True, stdout=subprocess.PIPE, text=True,
                    env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                         "HOME": folder, "TERM": "xterm-256color"}).stdout

            def wait_for(text):
                end = time.monotonic() + WAIT_S
                while text not in tmux("capture-pane", "-p"):
                    self.assertLess(time.monotonic(), end,
                                    tmux("capture-pane", "-p"))
                    time.sleep(0.05)

            tmux("new-session", "-d", "-x", "100", "-y", "30",
                 f"{BIN}/assent", "tui", "--runtime", self.daemon.runtime)
            try:
                wait_for("New: Enter opens it")
                tmux("send-keys", "Enter")
                wait_for("a works in")
                tmux("send-keys", "-l", "aaaa")
                wait_for("Too soon")
                self.assert_waits(one)
                wait_for("a allows it once")
                tmux("send-keys", "a")
                wait_for("Nothing waits")
                self.assertEqual(self.state(one)["decision"], "allow")
            finally:
                tmux("kill-server")

    def test_a_question_that_was_there_before_is_shown(self):
        self.ask("git push origin early")
        with Screen(self.daemon.runtime) as s:
            s.wait_for("git push origin early")
            s.wait_for("default.remote")
            s.wait_for("changes what others see")

    # ---- without a screen ----

    def test_the_line_mode_tells_each_question_once_and_all_of_it(self):
        watch = subprocess.Popen(
            [f"{BIN}/assent", "pending", "--watch", "--long", "--runtime",
             self.daemon.runtime], stdout=subprocess.PIPE, text=True)
        body = self.daemon.agent("POST", "/v1/actions", {
            "tool": "exec", "input": {
                "argv": ["git", "push", "origin", "main"],
                "env": {"GIT_TRACE": "\u202e1"}, "stdin": "line 1\nline 2"},
            "cwd": self.daemon.workspace,
            "workspace": self.daemon.workspace})[1]
        lines = []
        while not lines or " or       assent deny" not in lines[-1]:
            lines.append(watch.stdout.readline())
        self.daemon.answer(body["id"], "deny")
        lines.append(watch.stdout.readline())
        other = self.ask("git push origin other")
        lines.append(watch.stdout.readline())
        watch.kill()
        watch.communicate()
        watch.stdout.close()
        text = "".join(lines)
        self.assertTrue(text.startswith("Permission required: act_"), text)
        for part in ("  | git push origin main\n", "  | line 1\n  | line 2\n",
                     "GIT_TRACE", f"assent approve {body['id']} --sha256",
                     f"{body['id']}  waits no longer\n", other):
            self.assertIn(part, text)
        self.assertEqual(text.count("Permission required"), 2)
        self.assertNotIn("\u202e", text)
        self.assertNotIn("\033", text)

    # ---- what is seen ----

    def test_hostile_text_reaches_the_terminal_spelled_out(self):
        self.ask("git push origin main # \033]0;owned\007\033[2J\u202e"
                 "\u200b\t\u0430pple.com")
        with Screen(self.daemon.runtime, 30, 100) as s:
            s.wait_for("<ESC>]0;owned<BEL>")
            s.wait_for("<U+202E>")
            s.wait_for("letters or signs that look like others")
            self.assertNotIn(b"\033]0;", s.raw)
            self.assertNotIn("\u202e".encode(), s.raw)

    def test_small_and_growing_screens(self):
        self.ask()
        with Screen(self.daemon.runtime, 10, 39) as s:
            s.wait_for("New: Enter opens it")
            s.keys("\r")
            s.wait_for("HIDDEN:")
            s.wait_for(ASKED)
            for rows, columns in ((30, 100), (5, 20), (60, 200), (24, 80)):
                s.resize(rows, columns)
                s.feed(0.3)
            s.wait_for("default.remote")

    def test_without_colour_none_is_sent(self):
        self.ask()
        for env, options in (({"NO_COLOR": "1"}, ()), ({}, ("--no-color",))):
            with Screen(self.daemon.runtime, env=env, options=options) as s:
                s.wait_for("New: Enter")
                self.assertNotRegex(s.raw, rb"\x1b\[[0-9;]*3[0-7]m")

    def test_in_the_c_locale_only_ascii_is_sent(self):
        self.ask("git push origin m\u00e4in")
        with Screen(self.daemon.runtime, env={"LANG": "C"}) as s:
            s.wait_for("m<U+00E4>in")
            self.assertTrue(all(b < 0x80 for b in s.raw))

    def test_history_shows_the_trace_again(self):
        one = self.ask("git push origin past")
        self.daemon.answer(one, "deny", reason="not now")
        with Screen(self.daemon.runtime, 40, 100) as s:
            s.wait_for("Nothing waits")
            s.keys("H")
            s.wait_for("git push origin past")
            s.keys("\r")
            s.wait_for("not now")
            s.keys("e")
            s.wait_for("TRACE")
            s.keys("/nothing-like-it\r")
            s.wait_for("Nothing like that")

    def test_the_output_of_what_runs_is_followed(self):
        status, body, _ = self.daemon.shell(
            "for i in 1 2 3; do echo line-$i; sleep 1; done; sleep 30",
            wait=0)
        self.assertIn(status, (200, 202))
        with Screen(self.daemon.runtime, 40, 100) as s:
            s.wait_for("waiting")
            s.keys("2")
            s.wait_for("for i in 1 2 3")
            s.keys("G")  # what another test started may run as well
            s.wait_for("line-1")
            s.wait_for("line-3")
            s.feed(0.3)
            s.keys("x")
            s.wait_for("Told to stop")
            s.wait_until(
                lambda: self.state(body["id"])["state"] == "done")

    # ---- answers that last, and taking back ----

    def test_a_session_grant_is_given_after_its_preview(self):
        one = self.ask("npm install left-pad")
        with Screen(self.daemon.runtime, 50, 110) as s:
            s.wait_for("New: Enter")
            s.wait_for("s session")
            s.open_and_arm()
            s.keys("s")
            s.wait_for("MATCHES")
            s.wait_for("It never matches")
            s.wait_for("Enter allows this")
            s.keys("\r")
            self.assertEqual(self.wait_decided(s, one)["decision"], "allow")
            grants = self.daemon.approver("GET", "/v1/grants")[1]["items"]
            self.assertEqual(len(grants), 1)
            s.keys("5")
            s.wait_for("grt_")
            s.keys("x")
            s.wait_for("Revoked")
            self.assertEqual(self.daemon.approver(
                "GET", "/v1/grants")[1]["items"], [])

    def test_what_may_be_allowed_once_only_says_so(self):
        one = self.ask()
        with Screen(self.daemon.runtime, 40, 110) as s:
            s.wait_for("New: Enter")
            s.open_and_arm()
            s.keys("s")
            s.wait_for("this can only be approved once")
            s.feed(ARMED_S)
            s.keys("\r")
            s.feed(0.3)
            self.assert_waits(one)

    def test_marked_ones_are_allowed_together_when_each_was_read(self):
        ids = [self.ask(f"git push origin marked-{i}") for i in range(2)]
        with Screen(self.daemon.runtime, 40, 110) as s:
            s.wait_for("2 waiting")
            s.wait_for("New: Enter")
            s.keys(" ")
            s.wait_for("1 marked")
            s.keys("j")
            s.wait_for(">! git push origin marked-1")
            s.keys(" ")
            s.wait_for("2 marked")
            s.feed_all(ARMED_S)
            s.keys("a")
            s.wait_for("Not read to its end yet: " + ids[0])
            self.assert_waits(*ids)
            s.open_and_arm()
            s.keys("\033")
            s.wait_for("1 not read")
            s.keys("k")
            s.open_and_arm()
            s.keys("a")
            s.wait_for("Allow all 2 marked")
            s.wait_for("Enter allows them")
            s.keys("\r")
            for one in ids:
                ruling = self.wait_decided(s, one)
                self.assertEqual(ruling["decision"], "allow")
            s.wait_for("2 allowed")

    # ---- a rule ----

    def make_rule(self, home, said, key="\r", shown=""):
        with Screen(self.daemon.runtime, 50, 110, env={"HOME": home}) as s:
            s.wait_for("New: Enter")
            s.open_and_arm()
            s.keys("M")
            s.wait_for("A RULE, for your own rules")
            for _ in range(20):
                s.feed_all(ARMED_S)
                if "Enter writes it" in s.text():
                    break
                s.keys(" ")
            s.wait_for(shown)
            s.keys(key)
            s.wait_for(said)

    def test_a_rule_is_written_into_the_own_rules_and_passes_its_tests(self):
        self.ask("curl -sS https://a.example.com/x")
        with tempfile.TemporaryDirectory() as home:
            folder = f"{home}/.config/assent/rules"
            path = f"{folder}/approved.yaml"
            self.make_rule(home, "Its folder is new: restart")
            self.assertEqual(len(self.pending()), 1)
            self.assertEqual(os.stat(path).st_mode & 0o7777, 0o600)
            tested = self.daemon.assent("rules", "test", f"user={folder}")
            self.assertEqual(tested.returncode, 0,
                             tested.stdout + tested.stderr)
            with open(path, encoding="utf-8") as file:
                first = file.read()
            # the same once more has the same name: refused, nothing changes
            self.make_rule(home, "No rule was written")
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), first)
            self.daemon.answer(self.pending()[0]["id"], "deny")
            self.ask("curl -sS https://b.example.com/x")
            self.make_rule(home, "The daemon picks it up")
            with open(path, encoding="utf-8") as file:
                both = file.read()
            self.assertTrue(both.startswith(first))
            self.assertEqual(both.count("  - id: "), 2)
            tested = self.daemon.assent("rules", "test", f"user={folder}")
            self.assertEqual(tested.returncode, 0,
                             tested.stdout + tested.stderr)
            self.assertEqual(os.listdir(folder), ["approved.yaml"])

    def test_a_draft_for_the_organisation_is_written_beside_nobodys_rules(
            self):
        one = self.ask("curl -sS https://d.example.com/x")
        with tempfile.TemporaryDirectory() as home:
            path = f"{home}/.local/state/assent/drafts/{one}.yaml"
            self.make_rule(home, "A draft:", "o",
                           "0  denied ones would be allowed (must be 0)")
            self.assertEqual(os.stat(path).st_mode & 0o7777, 0o600)
            self.assertFalse(os.path.exists(f"{home}/.config"))
            tested = self.daemon.assent("rules", "test", path)
            self.assertEqual(tested.returncode, 0,
                             tested.stdout + tested.stderr)
        self.assert_waits(one)

    def test_no_rule_is_written_beside_rules_that_do_not_load(self):
        self.ask("curl -sS https://c.example.com/x")
        with tempfile.TemporaryDirectory() as home:
            folder = f"{home}/.config/assent/rules"
            os.makedirs(folder, 0o700)
            with open(f"{folder}/own.yaml", "w", encoding="ascii") as file:
                file.write("assent: 1\nrules: nonsense\n")
            self.make_rule(home, "No rule was written")
            self.assertEqual(os.listdir(folder), ["own.yaml"])

    # ---- an edit ----

    def editor(self, folder, body):
        path = f"{folder}/editor"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\n{body}\n")
        os.chmod(path, 0o755)
        return {"VISUAL": path, "EDITOR": "/nonexistent", "TMPDIR": folder}

    def test_an_edited_action_waits_for_an_answer_of_its_own(self):
        one = self.ask("git push origin wrong")
        with tempfile.TemporaryDirectory() as folder:
            env = self.editor(folder, 'sed -i s/wrong/right/ "$1"')
            with Screen(self.daemon.runtime, 30, 100, env=env) as s:
                s.wait_for("New: Enter")
                s.open_and_arm()
                s.keys("E")
                s.wait_for("waits for an answer of its own")
                s.wait_for("git push origin right")
                s.feed_all(ARMED_S)
                s.keys("a")
                s.feed_all(0.3)
                self.assertEqual(self.state(one)["decision"], "deny")
                waits = self.pending()
                self.assertEqual(
                    [i["proposal"]["display"] for i in waits],
                    ["git push origin right"])
                s.open_and_arm()
                s.keys("a")
                ruling = self.wait_decided(s, waits[0]["id"])
                self.assertEqual(ruling["decision"], "allow")
            self.assertEqual(os.listdir(folder), ["editor"])

    def test_words_of_a_command_are_edited_one_by_one(self):
        body = self.daemon.agent("POST", "/v1/actions", {
            "tool": "exec",
            "input": {"argv": ["git", "push", "origin", "a b\nc"]},
            "cwd": self.daemon.workspace,
            "workspace": self.daemon.workspace})[1]
        with tempfile.TemporaryDirectory() as folder:
            env = self.editor(folder, 'sed -i s/origin/mine/ "$1"')
            with Screen(self.daemon.runtime, 30, 100, env=env) as s:
                s.wait_for("New: Enter")
                s.open_and_arm()
                s.keys("E")
                s.wait_for("waits for an answer of its own")
        self.assertEqual(self.state(body["id"])["decision"], "deny")
        (other,) = self.pending()
        action = self.daemon.approver(
            "GET", f"/v1/actions/{other['id']}/explain")[1]["action"]
        self.assertEqual(action["input"]["argv"],
                         ["git", "push", "mine", "a b\nc"])

    def test_an_editor_that_crashes_or_changes_nothing_decides_nothing(self):
        one = self.ask()
        for body, said in (
                ("stty sane; printf '\\033[?1049h\\033[2;3r'; kill -SEGV $$",
                 "the editor ended with signal 11"),
                ("true", "the text was not changed"),
                (': >"$1"', "the edited text is empty")):
            with tempfile.TemporaryDirectory() as folder:
                env = self.editor(folder, body)
                with Screen(self.daemon.runtime, 30, 100, env=env) as s:
                    s.wait_for("New: Enter")
                    s.open_and_arm()
                    s.keys("E")
                    s.wait_for(said)
                    s.wait_for("default.remote")
                    self.assert_waits(one)
                    s.keys("q")
                    self.assertEqual(s.wait_exit(), 0)
                self.assertEqual(os.listdir(folder), ["editor"])

    def test_a_deny_is_taken_back(self):
        one = self.ask()
        with Screen(self.daemon.runtime, 30, 100) as s:
            s.wait_for("New: Enter")
            s.keys("d")
            s.wait_for("u takes it back")
            s.keys("u")
            s.wait_for("1 waiting")
            self.assert_waits(one)

    # ---- notices ----

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_a_webhook_learns_how_many_wait_and_no_word_of_what(self):
        """The script and the command of docs/tui.md, without a screen."""
        got = []

        class Hook(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers["Content-Length"])
                got.append(str(self.headers) + self.rfile.read(size).decode())
                self.send_response(204)
                self.end_headers()

            def log_message(self, *words):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with tempfile.TemporaryDirectory() as folder, \
                open(f"{ROOT}/docs/tui.md", encoding="utf-8") as manual:
            script = re.search(r"```sh\n(#!/bin/sh.*?)```", manual.read(),
                               re.S).group(1)
            hook = f"{folder}/on-waiting"
            with open(hook, "w", encoding="ascii") as file:
                file.write(script.replace(
                    "https://hooks.example.com",
                    f"http://127.0.0.1:{server.server_port}"))
            os.chmod(hook, 0o700)
            watch = subprocess.Popen(
                [f"{BIN}/assent", "pending", "--watch", "--on-waiting", hook,
                 "--runtime", self.daemon.runtime],
                stdout=subprocess.DEVNULL, env={**os.environ,
                                                "NO_PROXY": "*"})
            try:
                self.ask("git push origin a-secret-branch")
                self.ask("git push origin a-secret-branch-2")
                end = time.monotonic() + WAIT_S
                while not any('{"waiting": 2}' in body for body in got):
                    self.assertLess(time.monotonic(), end, got)
                    time.sleep(0.05)
            finally:
                watch.kill()
                watch.wait()
        server.shutdown()
        server.server_close()
        self.assertNotIn("secret", "".join(got))
        self.assertNotIn("git", "".join(got))

    def test_a_question_rings_and_says_no_word_of_itself(self):
        with tempfile.TemporaryDirectory() as folder:
            hook = f"{folder}/hook"
            with open(hook, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\n"
                           f"{{ env; echo \"args $*\"; }} >{folder}/told\n")
            os.chmod(hook, 0o755)
            with Screen(self.daemon.runtime, options=(
                    "--notify", "bell,osc9,osc777,osc99",
                    "--on-waiting", hook)) as s:
                s.wait_for("Nothing waits")
                self.ask("git push origin secret-name")
                s.wait_for("secret-name")
                s.wait_until(lambda: b"\a" in s.raw)
                s.wait_until(lambda: os.path.exists(f"{folder}/told"))
                s.feed(0.3)
                self.assertIn(b"\033]9;assent: 1 request waiting", s.raw)
                with open(f"{folder}/told", encoding="utf-8") as file:
                    told = file.read()
                self.assertIn("ASSENT_WAITING=1\n", told)
                self.assertNotIn("secret-name", told)

    def test_no_terminal_is_an_error_that_says_what_to_do(self):
        done = self.daemon.assent("tui", "--runtime", self.daemon.runtime)
        self.assertEqual(done.returncode, 64)
        self.assertIn("assent pending --watch", done.stderr)
        with Screen(self.daemon.runtime, env={"TERM": "dumb"}) as s:
            self.assertEqual(s.wait_exit(), 64)


if __name__ == "__main__":
    unittest.main()
