"""What a person looked at is what runs, or nothing does (I4), through the
daemon: scripts and programs that change between the question and the run."""

import os
import shutil
import subprocess
import unittest

from lib_daemon import Daemon
from lib_sandbox import require_sandbox

GOOD = "#!/bin/sh\necho approved > ran\n"
EVIL = "#!/bin/sh\necho attacker > ran\n"


class Pinned(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Whatever is no listed read is a person's to answer.
        cls.daemon = Daemon("approval_policy: untrusted\n")
        cls.daemon.start()
        os.chmod(cls.daemon.root, 0o755)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def setUp(self):
        self.ws = self.daemon.workspace
        for name in os.listdir(self.ws):
            path = self.ws + "/" + name
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)

    def put(self, name, text, mode=0o755):
        path = f"{self.ws}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)

    def ask(self, script, **more):
        status, action, _ = self.daemon.shell(script, wait=0, **more)
        self.assertEqual((status, action.get("state")), (202, "pending"),
                         action)
        return action["id"]

    def allow(self, action_id):
        """The outcome of the run that an answer starts."""
        status, answer, _ = self.daemon.answer(action_id, "allow")
        self.assertEqual(status, 200, answer)
        status, action, _ = self.daemon.agent(
            "GET", f"/v1/actions/{action_id}", headers={"Prefer": "wait=30"})
        while action["state"] == "running":
            status, action, _ = self.daemon.agent(
                "GET", f"/v1/actions/{action_id}",
                headers={"Prefer": "wait=30"})
        self.assertEqual(status, 200, action)
        return action["outcome"]

    def ran(self):
        try:
            with open(f"{self.ws}/ran", encoding="ascii") as file:
                return file.read().strip()
        except FileNotFoundError:
            return None

    def refused(self, action_id, words="has changed since it was approved"):
        outcome = self.allow(action_id)
        self.assertIn(words, outcome.get("failure") or "", outcome)
        self.assertIn("propose it again", outcome["failure"])
        self.assertIsNone(self.ran())

    def test_i4_what_nobody_touched_runs(self):
        self.put("x.sh", GOOD)
        for script in ("./x.sh", "sh x.sh", "bash ./x.sh",
                       f"/bin/sh {self.ws}/x.sh"):
            with self.subTest(script):
                outcome = self.allow(self.ask(script))
                self.assertEqual(outcome["exit"], 0, outcome)
                self.assertEqual(self.ran(), "approved")
                os.unlink(f"{self.ws}/ran")

    def test_i4_a_script_renamed_over_is_refused(self):
        for script in ("./x.sh", "sh x.sh"):
            with self.subTest(script):
                self.put("x.sh", GOOD)
                action = self.ask(script)
                self.put("y", EVIL)
                os.rename(f"{self.ws}/y", f"{self.ws}/x.sh")
                self.refused(action)

    def test_i4_a_script_rewritten_in_place_is_refused(self):
        for script in ("./x.sh", "sh x.sh"):
            with self.subTest(script):
                self.put("x.sh", GOOD)
                action = self.ask(script)
                self.put("x.sh", EVIL)
                self.refused(action)

    def test_i4_what_a_command_runs_without_naming_it_is_held_on_to(self):
        self.put("sub/keep", "")
        for script, name, good, evil in (
                ("make", "Makefile", "all:\n\techo approved > ran\n",
                 "all:\n\techo attacker > ran\n"),
                ("make -C sub", "sub/Makefile",
                 "all:\n\techo approved > ../ran\n",
                 "all:\n\techo attacker > ../ran\n"),
                ("cd sub && make", "sub/Makefile",
                 "all:\n\techo approved > ../ran\n",
                 "all:\n\techo attacker > ../ran\n"),
                ("cd sub && cd b && make", "sub/b/Makefile",
                 "all:\n\techo approved > ../../ran\n",
                 "all:\n\techo attacker > ../../ran\n"),
                ("cd sub && make -C b", "sub/b/Makefile",
                 "all:\n\techo approved > ../../ran\n",
                 "all:\n\techo attacker > ../../ran\n"),
                ("make -C sub -C b", "sub/b/Makefile",
                 "all:\n\techo approved > ../../ran\n",
                 "all:\n\techo attacker > ../../ran\n"),
                ("python3 -m p.q.x", "p/q/__init__.py", "",
                 "open('ran', 'w').write('attacker')\n"),
                ("python3 -m p.q.x", "p/__init__.py", "",
                 "open('ran', 'w').write('attacker')\n"),
                ("npm run x", "package.json", '{"scripts":{"x":"true"}}',
                 '{"scripts":{"x":"echo attacker > ran"}}'),
                ("python3 -m x", "x.py", "print(1)\n",
                 "open('ran', 'w').write('attacker')\n"),
                ("hash -p ./x.sh foo; foo", "x.sh", GOOD, EVIL),
                ("PATH=.:$PATH x.sh", "x.sh", GOOD, EVIL),
                ("export PATH=$PWD:$PATH; x.sh", "x.sh", GOOD, EVIL),
                ("bash +x x.sh", "x.sh", GOOD, EVIL),
                ("cp x.sh y.sh; sh y.sh", "x.sh", GOOD, EVIL),
                ("ln -s x.sh l.sh; sh l.sh", "x.sh", GOOD, EVIL)):
            with self.subTest(script):
                self.setUp()
                self.put("sub/b/keep", "")
                self.put("p/q/x.py", "print(1)\n")
                self.put(name, good)
                action = self.ask(script)
                self.put(name, evil)
                self.refused(action)

    def test_i4_what_becomes_code_by_its_use_is_held_on_to(self):
        js = "require('fs').writeFileSync('ran', 'approved')"
        for script, name in (
                ('python3 -c "$(cat x.py)"', "x.py"),
                ('eval "$(cat x.sh)"', "x.sh"),
                ('bash -c "$(<x.sh)"', "x.sh"),
                ("sed s/a/b/ x.sh | bash", "x.sh"),
                ("base64 -d x.b64 | sh", "x.b64"),
                ("xargs -a list sh", "list"),
                ("while read f; do sh $f; done < list", "list"),
                ("python3 < x.py", "x.py"),
                ("sqlite3 db < x.sql", "x.sql"),
                ("pip install -r r.txt", "r.txt"),
                ("python3 folder", "folder/__main__.py"),
                ("node .", "index.js"),
                ("node -r ./x.js -e 1", "x.js"),
                ("pytest tests/test_a.py::test_b", "tests/test_a.py"),
                ("pytest tests", "tests/conftest.py"),
                ("npx jest", "jest.config.js"),
                ("docker build .", "Dockerfile"),
                ("docker compose up", "compose.yaml"),
                ("pip install -e .", "setup.py"),
                ("make -f my.mk", "my.mk"),
                ("env -S 'sh x.sh'", "x.sh"),
                ("bash -c '. ./x.sh'", "x.sh"),
                ("for d in sub b; do (cd $d && make); done",
                 "sub/Makefile"),
                ("X=sub; cd \"$X\" && make", "sub/Makefile"),
                ("cd sub; ../x.sh", "x.sh"),
                ("git -c core.fsmonitor=./x.sh status", "x.sh"),
                ("git -c alias.x='!./x.sh' x", "x.sh")):
            with self.subTest(script):
                self.setUp()
                self.put("sub/keep", "")
                self.put(name, js if name.endswith("js") else "approved")
                action = self.ask(script)
                self.put(name, "attacker")
                self.refused(action)

    def test_what_is_only_read_by_code_that_was_shown_may_change(self):
        for script in ("cat log | python3 -c 'print(1)'",
                       "tail -n 1 log | grep x; ./x.sh"):
            with self.subTest(script):
                self.put("log", "one\n", 0o644)
                self.put("x.sh", GOOD)
                action = self.ask(script)
                self.put("log", "two\n", 0o644)
                self.assertIsNotNone(self.allow(action)["exit"])

    def test_what_is_too_large_to_be_held_on_to_as_data_is_no_reason(self):
        self.put("x.txt", "")
        os.truncate(f"{self.ws}/x.txt", 65 << 20)
        action = self.ask("head -n 1 x.txt | sh")
        _, explained, _ = self.daemon.approver(
            "GET", f"/v1/actions/{action}/explain")
        self.assertIn(f"{self.ws}/x.txt", explained["not_held"])
        self.assertIsNotNone(self.allow(action)["exit"])

    def test_i4_the_question_says_what_is_not_held_on_to(self):
        self.put("x.sh", GOOD)
        self.put("Makefile", "include *.mk\n")
        for script, what in (
                ("find . -name x.sh -exec sh {} \\;", ": sh ./*"),
                ("ls *.sh | xargs -n1 sh", f"{self.ws}/*.sh"),
                ("find . | xargs sh", ": sh "),
                ("make", ": make"), ("npm run x", ": npm run x"),
                ("python3 -c 'import x'", ": python3 -c 'import x'"),
                ("for d in */; do make -C $d; done", ": make -C"),
                ("git st", ": git st"), ("go generate", ": go generate")):
            with self.subTest(script):
                action = self.ask(script)
                _, explained, _ = self.daemon.approver(
                    "GET", f"/v1/actions/{action}/explain")
                self.assertTrue(any(what in one for one in
                                    explained["not_held"]), explained)
                self.daemon.answer(action, "deny")

    def test_i4_code_that_is_found_by_name_is_held_on_to(self):
        """Imports, includes, scripts that scripts run, tests: whatever the
        command does not say."""
        evil = "open('ran', 'w').write('attacker')\n"
        for script, name, good, bad in (
                ("python3 main.py", "m.py", "x = 1\n", evil),
                ("python3 main.py", "p/q/__init__.py", "", evil),
                ("python3 main.py", "json.py", None, evil),
                ("make", "rules.mk", "all:\n\t:\n",
                 "all:\n\techo attacker > ran\n"),
                ("sh outer.sh", "inner.sh", ":\n", "echo attacker > ran\n"),
                ("./outer.sh", "inner.sh", ":\n", "echo attacker > ran\n"),
                ("perl -I. a.pl", "M.pm", "1;\n",
                 "open(F, '>', 'ran'); print F 'attacker'; 1;\n")):
            with self.subTest((script, name)):
                self.setUp()
                self.put("Makefile", "include rules.mk\n")
                self.put("main.py", "import m, p.q, json\n")
                self.put("m.py", "")
                self.put("p/q/__init__.py", "")
                self.put("outer.sh", "#!/bin/sh\n. ./inner.sh\n")
                self.put("a.pl", "use M;\n")
                if good is not None:
                    self.put(name, good, 0o644)
                action = self.ask(script)
                self.put(name, bad, 0o644)
                self.refused(action)
                self.assertIn(name, self.daemon.agent(
                    "GET", f"/v1/actions/{action}")[1]["outcome"]["failure"])

    def test_data_that_changes_is_no_reason_to_refuse(self):
        self.put("x.sh", GOOD)
        self.put("notes.txt", "one\n", 0o644)
        action = self.ask("sh x.sh")
        self.put("notes.txt", "two\n", 0o644)
        self.put("data.json", "{}\n", 0o644)
        self.assertEqual(self.allow(action)["exit"], 0)
        self.assertEqual(self.ran(), "approved")

    def test_i4_a_makefile_that_goes_before_another_is_refused(self):
        self.put("Makefile", "all:\n\techo approved > ran\n")
        action = self.ask("make")
        self.put("GNUmakefile", "all:\n\techo attacker > ran\n")
        self.refused(action, "has appeared since it was approved")

    def test_a_build_that_nobody_touched_runs(self):
        self.put("Makefile", "all:\n\techo approved > ran\n")
        self.assertEqual(self.allow(self.ask("make"))["exit"], 0)
        self.assertEqual(self.ran(), "approved")

    def test_i4_patterns_and_foreign_interpreters_are_not_vouched_for(self):
        self.put("x.sh", GOOD)
        self.put("i.sh", "#!./x.sh\n")
        self.put("own.sh", f"#!{self.ws}/x.sh\n")
        self.put("arg.sh", "#!/bin/sh ./x.sh\n")
        self.put("env.sh", "#!/usr/bin/env -S ./x.sh\n")
        for script, why in (("bash *.sh", "it is a pattern"),
                            ("sh [x].sh", "it is a pattern"),
                            ("./i.sh", "the interpreter in its first line"),
                            ("./own.sh", "the interpreter in its first"),
                            ("./arg.sh", "what that is told to run"),
                            ("./env.sh", "what that is told to run")):
            with self.subTest(script):
                status, problem, _ = self.daemon.shell(script, wait=0)
                self.assertGreaterEqual(status, 400, problem)
                self.assertIn(why, problem["detail"])
        self.assertIsNone(self.ran())

    def test_i4_a_script_on_the_standard_input_is_held_on_to(self):
        for script in ("bash < x.sh", "sh -s < x.sh", "cat x.sh | sh"):
            with self.subTest(script):
                self.put("x.sh", GOOD)
                outcome = self.allow(self.ask(script))
                self.assertEqual((outcome["exit"], self.ran()),
                                 (0, "approved"), outcome)
                os.unlink(f"{self.ws}/ran")
                action = self.ask(script)
                self.put("x.sh", EVIL)
                self.refused(action)

    def program(self, name, word):
        source = (f'#include <stdio.h>\nint main(void) {{ FILE *f = '
                  f'fopen("ran", "w"); fputs("{word}", f); return 0; }}\n')
        subprocess.run(["gcc", "-x", "c", "-o", f"{self.ws}/{name}", "-"],
                       input=source, text=True, check=True, timeout=60)

    def test_i4_a_program_renamed_over_or_rewritten_is_refused(self):
        self.program("good", "approved")
        self.program("evil", "attacker")
        shutil.copy(f"{self.ws}/good", f"{self.ws}/p")
        outcome = self.allow(self.ask("./p"))
        self.assertEqual((outcome["exit"], self.ran()), (0, "approved"))
        os.unlink(f"{self.ws}/ran")
        action = self.ask("./p")
        os.rename(f"{self.ws}/evil", f"{self.ws}/p")
        self.refused(action)
        shutil.copy(f"{self.ws}/good", f"{self.ws}/p")
        action = self.ask("./p")
        with open(f"{self.ws}/p", "r+b") as file:
            file.seek(0, os.SEEK_END)
            file.write(b"more")
        self.refused(action)

    def test_i4_a_program_with_a_loader_of_the_workspace_is_refused(self):
        subprocess.run(["gcc", "-x", "c", f"-Wl,-I{self.ws}/ld.so", "-o",
                        f"{self.ws}/p", "-"], input="int main(void) { }",
                       text=True, check=True, timeout=60)
        status, problem, _ = self.daemon.shell("./p", wait=0)
        self.assertGreaterEqual(status, 400, problem)
        self.assertIn("its loader is no program of the system",
                      problem["detail"])

    def test_i4_a_link_that_leads_elsewhere_is_refused(self):
        self.put("a.sh", GOOD)
        self.put("b.sh", EVIL)
        os.symlink("a.sh", f"{self.ws}/x.sh")
        outcome = self.allow(self.ask("sh x.sh"))
        self.assertEqual((outcome["exit"], self.ran()), (0, "approved"))
        os.unlink(f"{self.ws}/ran")
        action = self.ask("sh x.sh")
        os.unlink(f"{self.ws}/x.sh")
        os.symlink("b.sh", f"{self.ws}/x.sh")
        self.refused(action)

    def test_i4_a_folder_swapped_on_the_way_is_refused(self):
        self.put("d/x.sh", GOOD)
        self.put("e/x.sh", EVIL)
        action = self.ask("sh d/x.sh")
        os.rename(f"{self.ws}/d", f"{self.ws}/f")
        os.rename(f"{self.ws}/e", f"{self.ws}/d")
        self.refused(action)

    def test_i4_a_file_that_appears_is_refused(self):
        action = self.ask("sh x.sh")
        self.put("x.sh", EVIL)
        self.refused(action, "has appeared since it was approved")

    def test_i4_a_file_that_went_away_is_refused(self):
        self.put("x.sh", GOOD)
        action = self.ask("sh x.sh")
        os.unlink(f"{self.ws}/x.sh")
        self.refused(action, "is not there any more")

    def test_i4_a_script_cannot_be_swapped_while_it_runs(self):
        self.put("x.sh", "#!/bin/sh\nsh y.sh\n")
        self.put("y.sh", GOOD)
        self.put("z.sh", "#!/bin/sh\ncp evil x.sh; mv evil y.sh; echo tried\n")
        self.put("evil", EVIL)
        outcome = self.allow(self.ask("sh z.sh; sh y.sh"))
        self.assertEqual(self.ran(), "approved", outcome)

    def test_what_the_action_makes_itself_is_its_own(self):
        outcome = self.allow(self.ask(
            "printf 'echo made > ran' > new.sh && sh new.sh"))
        self.assertEqual((outcome["exit"], self.ran()), (0, "made"))
        self.put("old.sh", GOOD)
        outcome = self.allow(self.ask(
            "printf 'echo made > ran' > old.sh && sh old.sh"))
        self.assertEqual((outcome["exit"], self.ran()), (0, "made"))
        self.put("mode.sh", GOOD, 0o644)
        os.unlink(f"{self.ws}/ran")
        outcome = self.allow(self.ask("chmod +x mode.sh && ./mode.sh"))
        self.assertEqual((outcome["exit"], self.ran()), (0, "approved"))

    def test_the_question_shows_what_is_held_on_to(self):
        self.put("x.sh", GOOD)
        action = self.ask("sh x.sh")
        _, explained, _ = self.daemon.approver(
            "GET", f"/v1/actions/{action}/explain")
        pins = explained["plan"]["pins"]
        self.assertEqual([(p["kind"], p["path"]) for p in pins],
                         [("code", self.ws), ("frozen", f"{self.ws}/x.sh")])
        self.daemon.answer(action, "deny")

    def test_i4_what_cannot_be_vouched_for_is_not_run(self):
        self.put("x.sh", GOOD)
        os.truncate(f"{self.ws}/x.sh", 65 << 20)
        status, problem, _ = self.daemon.shell("sh x.sh", wait=0)
        self.assertEqual(status, 403, problem)
        self.assertIn("too large to be held on to", problem["detail"])
        # It can be asked about; an answer does not make it run.
        action = self.ask("sh x.sh", execute=False)
        self.assertEqual(self.daemon.answer(action, "allow")[0], 200)
        _, action, _ = self.daemon.agent("GET", f"/v1/actions/{action}")
        status, problem, _ = self.daemon.agent(
            "POST", f"/v1/actions/{action['id']}/execution",
            {"action_sha256": action["action_sha256"]})
        self.assertEqual(status, 409, problem)
        self.assertIsNone(self.ran())

    def test_an_edit_holds_for_the_file_that_was_seen(self):
        self.put("f.txt", "old\n", 0o644)
        action = {"tool": "file", "cwd": self.ws, "workspace": self.ws,
                  "execute": True, "input": {"edits": [
                      {"path": "f.txt", "op": "replace",
                       "content": "new\n"}]}}
        _, asked, _ = self.daemon.agent("POST", "/v1/actions", action,
                                        {"Prefer": "wait=0"})
        self.assertEqual(asked["state"], "pending", asked)
        self.put("f.txt", "meanwhile\n", 0o644)
        outcome = self.allow(asked["id"])
        self.assertIn("has changed since", outcome["failure"])
        with open(f"{self.ws}/f.txt", encoding="ascii") as file:
            self.assertEqual(file.read(), "meanwhile\n")

    def test_i4_a_restart_keeps_what_was_seen(self):
        self.put("x.sh", GOOD)
        same, changed = self.ask("sh x.sh"), self.ask("sh x.sh; true")
        _, before, _ = self.daemon.agent("GET", f"/v1/actions/{same}")
        self.daemon.stop()
        self.daemon.start()
        _, after, _ = self.daemon.agent("GET", f"/v1/actions/{same}")
        self.assertEqual(before["action_sha256"], after["action_sha256"])
        self.assertEqual(self.allow(same)["exit"], 0)
        os.unlink(f"{self.ws}/ran")
        self.put("x.sh", EVIL)
        self.refused(changed)


if __name__ == "__main__":
    require_sandbox()
    unittest.main(verbosity=2)
