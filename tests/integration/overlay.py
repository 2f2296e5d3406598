"""Runs on a copy of the workspace: what is shown is what is applied, nothing
is overwritten that changed meanwhile, and nothing hostile comes out."""

import json
import os
import shutil
import socket
import subprocess
import time
import unittest

from lib_daemon import Daemon, UnixConnection
from lib_sandbox import BIN, World, modes, require_sandbox


class Site(World):
    def __init__(self, uid):
        super().__init__(uid)
        for name in ("assent", "assent-exec"):
            shutil.copy(f"{BIN}/{name}", f"{self.top}/{name}")
        self.put(f"{self.ws}/a.txt", "one\ntwo\nthree\n")
        os.mkdir(f"{self.ws}/d")
        self.put(f"{self.ws}/d/x", "x\n")
        self.put(f"{self.ws}/d/y", "y\n")
        os.symlink("a.txt", f"{self.ws}/link")
        self.own(self.top)
        # What changed in the very tick in which a run began is a conflict.
        time.sleep(0.02)

    def words(self, script, *apply):
        more = [word for path in apply for word in ("--apply", path)]
        return [f"{self.top}/assent", "sandbox", "--workspace", self.ws,
                "--overlay", *more, "--", "bash", "-c", script]

    def overlay(self, script, *apply):
        ran = subprocess.run(
            self.words(script, *apply), cwd=self.ws, env=self.env(),
            preexec_fn=self._become, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
            check=False)
        return ran.returncode, ran.stdout.decode("utf-8", "replace")

    def meanwhile(self, script, change, *apply):
        """change() happens in the workspace before the run has ended."""
        with subprocess.Popen(
                self.words(script + "; echo ready; read line", *apply),
                cwd=self.ws, env=self.env(), preexec_fn=self._become,
                text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT) as run:
            assert run.stdout.readline() == "ready\n"
            change()
            out, _ = run.communicate("go\n", timeout=60)
        return run.returncode, out

    def tree(self):
        """Everything in the workspace but git's own."""
        found = {}
        for folder, names, files in os.walk(self.ws):
            if ".git" in names:
                names.remove(".git")
            for name in names + files:
                path = os.path.join(folder, name)
                rel = os.path.relpath(path, self.ws)
                if os.path.islink(path):
                    found[rel] = "-> " + os.readlink(path)
                elif os.path.isdir(path):
                    found[rel] = None
                else:
                    with open(path, "rb") as file:
                        found[rel] = file.read()
        return found


def each_mode(test):
    def all_modes(self):
        for uid in modes():
            with self.subTest(uid=uid), Site(uid) as w:
                test(self, w)
    return all_modes


EDITS = ("sed -i s/two/TWO/ a.txt; rm d/x; mkdir -p n/m; echo new > n/m/f; "
         "chmod 755 d/y; ln -sfn d link; rm -r d/y; mkdir d/y; echo z > d/y/z")


class Overlay(unittest.TestCase):
    @each_mode
    def test_nothing_is_written_unless_it_is_applied(self, w):
        before = w.tree()
        status, out = w.overlay(EDITS + "; cat n/m/f; exit 3")
        self.assertEqual(status, 3, out)
        self.assertIn("nothing was applied", out)
        self.assertEqual(w.tree(), before)
        self.assertEqual(w.overlay(EDITS, "none")[0], 0)
        self.assertEqual(w.tree(), before)

    @each_mode
    def test_all_of_it_is_what_the_run_has_seen(self, w):
        with Site(w.uid) as other:
            other.run(EDITS)
            status, out = w.overlay(EDITS, "all")
            self.assertEqual(status, 0, out)
            self.assertEqual(w.tree(), other.tree())
        for path in ("a.txt", "n", "n/m/f", "link"):
            self.assertEqual(os.lstat(f"{w.ws}/{path}").st_uid, w.uid)
        self.assertEqual([n for n in os.listdir(w.ws)
                          if n.startswith(".assent")], [])

    @each_mode
    def test_the_changes_are_shown_with_their_content(self, w):
        _, out = w.overlay(EDITS)
        for line in ("M  a.txt (14 -> 14 bytes)", "-two", "+TWO", "D  d/x",
                     "D  d/y", "A  d/y/", "A  d/y/z (2 bytes)", "A  n/m/",
                     "A  n/m/f (4 bytes)", "M  link -> d"):
            self.assertIn(line + "\n", out)
        self.assertIn("nothing was changed",
                      w.overlay("cat a.txt; touch -c a.txt; chmod 644 a.txt; "
                                "echo >> d/x; printf 'x\\n' > d/x; "
                                "touch t; rm t")[1])

    @each_mode
    def test_some_of_it_leaves_the_rest(self, w):
        status, out = w.overlay(EDITS, "a.txt", "n/m/f")
        self.assertEqual(status, 0, out)
        tree = w.tree()
        self.assertEqual(tree["a.txt"], b"one\nTWO\nthree\n")
        self.assertEqual(tree["n/m/f"], b"new\n")
        self.assertEqual(tree["d/x"], b"x\n")
        self.assertEqual(tree["link"], "-> a.txt")
        self.assertIn("nothing was changed there",
                      w.overlay("echo >> a.txt", "d")[1])

    @each_mode
    def test_what_changed_meanwhile_is_not_overwritten(self, w):
        def edit(path, text):
            return lambda: w.put(f"{w.ws}/{path}", text)
        for script, change in (
                ("echo mine > a.txt", edit("a.txt", "theirs\n")),
                ("rm a.txt", edit("a.txt", "theirs\n")),
                ("rm -r d", edit("d/y", "theirs\n")),
                ("rm -r d", edit("d/new", "theirs\n")),
                ("echo mine > fresh", edit("fresh", "theirs\n")),
                ("mkdir fresh", edit("fresh", "theirs\n")),
                ("rm a.txt; mkdir a.txt", edit("a.txt", "theirs\n"))):
            with Site(w.uid) as w:
                status, out = w.meanwhile(
                    script + "; echo also > also", change, "all")
                self.assertNotEqual(status, 0, (script, out))
                self.assertIn(b"theirs\n", w.tree().values(), script)
                self.assertIn("nothing was applied, because", out)
                self.assertNotIn("also", w.tree())

    @each_mode
    def test_a_link_put_there_meanwhile_leads_nowhere(self, w):
        def swap():
            os.rename(f"{w.ws}/d", f"{w.ws}/was")
            os.symlink(w.victim, f"{w.ws}/d")
        status, out = w.meanwhile("echo mine > d/plain.txt; echo m > d/x",
                                  swap, "all")
        self.assertEqual(status, 125, out)
        with open(f"{w.victim}/plain.txt", encoding="ascii") as file:
            self.assertEqual(file.read(), "original\n")
        self.assertFalse(os.path.exists(f"{w.victim}/x"))

    @each_mode
    def test_hostile_names_are_inert_and_stay_inside(self, w):
        status, out = w.overlay(
            "python3 - <<'E'\nimport os\n"
            "for n in (b'\\x1b[31mred', b'new\\nline', b'\\xff\\xfe', b'-rf',"
            " b'\\xe2\\x80\\xaeabc', b' ', b'a b'):\n"
            "    open(n, 'w').write('x')\n"
            f"os.symlink('{w.victim}/plain.txt', 'out')\n"
            f"os.symlink('{w.victim}', 'folder')\n"
            "E\nln -s ../../victim up", "all")
        self.assertEqual(status, 0, out)
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\u202e", out)
        self.assertIn(b"x", [w.tree()[n] for n in w.tree() if "red" in n])
        with open(f"{w.victim}/plain.txt", encoding="ascii") as file:
            self.assertEqual(file.read(), "original\n")
        self.assertEqual(os.listdir(w.victim), ["plain.txt"])

    @each_mode
    def test_no_protected_name_and_no_set_id_bit_comes_out(self, w):
        for script in ("mkdir .vscode", "echo x > .mcp.json",
                       "mkdir g; mv g .claude", "echo x > .envrc",
                       "echo x > .git/hooks/pre-commit",
                       "git config core.fsmonitor x"):
            w.overlay(script + "; true", "all")
            self.assertFalse(any(os.path.exists(f"{w.ws}/{n}") for n in (
                ".vscode", ".mcp.json", ".claude", ".envrc",
                ".git/hooks/pre-commit")), script)
            with open(f"{w.ws}/.git/config", encoding="ascii") as file:
                self.assertNotIn("fsmonitor", file.read())
        w.overlay("cp /bin/true t; chmod 4755 t; chmod 2755 t; true", "all")
        if os.path.exists(f"{w.ws}/t"):
            self.assertEqual(os.stat(f"{w.ws}/t").st_mode & 0o6000, 0)

    @each_mode
    def test_a_run_cannot_say_that_what_is_there_is_gone(self, w):
        w.put(f"{w.ws}/.git/hooks/pre-commit", "#!/bin/sh\n", 0o755)
        status, out = w.overlay(
            "echo new > d/n; python3 -c \"import os\n"
            "for d in ('.git', '.git/hooks', 'd'):\n"
            "    for kind in ('user', 'trusted'):\n"
            "        try: os.setxattr(d, kind + '.overlay.opaque', b'y')\n"
            "        except OSError: pass\"; cat d/x", "all")
        self.assertEqual(status, 0, out)
        self.assertTrue(os.path.exists(f"{w.ws}/d/n"), out)
        for kept in ("d/x", ".git/config", ".git/hooks/pre-commit"):
            self.assertTrue(os.path.exists(f"{w.ws}/{kept}"), kept)
            self.assertNotIn(f"D  {kept}", out)

    @each_mode
    def test_a_commit_is_applied_as_a_whole_or_not(self, w):
        status, out = w.overlay(
            "git add -A && git -c user.name=t -c user.email=t@t "
            "commit -qm second", ".git/HEAD", ".git/index")
        self.assertEqual(status, 125, out)
        self.assertIn("applied as a whole", out)
        status, out = w.overlay(
            "git add -A && git -c user.name=t -c user.email=t@t "
            "commit -qm second", "all")
        self.assertEqual(status, 0, out)
        self.assertIn("second", w.outside("git log --oneline; git fsck")
                      .stdout)

    @each_mode
    def test_the_copy_is_limited_and_leaves_nothing(self, w):
        status, out = w.overlay("head -c 3G /dev/zero > big")
        self.assertNotEqual(status, 0, out[-300:])
        self.assertNotIn("big", w.tree())

    @each_mode
    def test_roots_beside_the_workspace_are_not_written_either(self, w):
        os.mkdir(f"{w.top}/cache")
        w.own(w.top)
        w.put(f"{w.top}/c.yaml", "profiles:\n  p: {write: [$workspace, "
              f"{w.top}/cache], overlay: true}}\n", 0o600)
        ran = subprocess.run(
            [f"{w.top}/assent", "sandbox", "--config", f"{w.top}/c.yaml",
             "--profile", "p", "--workspace", w.ws, "--", "bash", "-c",
             f"echo x > f; echo x > {w.top}/cache/f"], cwd=w.ws,
            env=w.env(), preexec_fn=w._become, check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertIn("A  f", ran.stdout)
        self.assertEqual(os.listdir(f"{w.top}/cache"), [])
        self.assertNotIn("f", w.tree())

    def test_without_an_overlay_file_system_nothing_runs(self):
        if shutil.which("strace") is None or \
                os.environ.get("ASSENT_PRESET_SANITIZES") == "1":
            self.skipTest("SKIP: no strace, or a sanitizer that it upsets")
        with Site(modes()[0]) as w:
            ran = subprocess.run(
                ["strace", "-f", "-o", "/dev/null", "-e", "trace=fsopen",
                 "-e", "inject=fsopen:error=ENODEV:when=3+",
                 *w.words("echo ran")], cwd=w.ws, env=w.env(), check=False,
                text=True, stdin=subprocess.DEVNULL, timeout=60,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(ran.returncode, 123, ran.stdout)
            self.assertNotIn("ran\n", ran.stdout)


class Itself(UnixConnection):
    """This process asks, and no other in its place."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class ThroughTheDaemon(unittest.TestCase):
    """A person decides what becomes of a copy, over the API and by assent."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("profiles:\n  trial: {overlay: true}\n")
        cls.daemon.start()
        os.chmod(cls.daemon.root, 0o755)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def setUp(self):
        self.ws = self.daemon.workspace
        self.put("a.txt", "one\n")
        self.put("b.txt", "two\n")

    def put(self, name, text):
        with open(f"{self.ws}/{name}", "w", encoding="ascii") as file:
            file.write(text)

    def text(self, name):
        try:
            with open(f"{self.ws}/{name}", encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def trial(self, script="echo ONE > a.txt; rm b.txt; echo new > c.txt",
              **more):
        # a file of the very tick in which a run begins counts as changed
        time.sleep(0.02)
        status, action, _ = self.daemon.shell(
            script, **(more or {"overlay": True}))
        self.assertEqual((status, action["state"]), (200, "done"), action)
        return action

    def changes(self, action, **body):
        return self.daemon.approver(
            "POST", f"/v1/actions/{action['id']}/changes", body)[:2]

    def cli(self, *words):
        return self.daemon.assent("changes", "--runtime",
                                  self.daemon.runtime, *words)

    def test_the_changes_wait_and_are_applied_once(self):
        for more in ({"overlay": True}, {"profile": "trial"}):
            self.setUp()
            action = self.trial(**more)
            self.assertEqual(self.text("a.txt"), "one\n")
            self.assertIn("copy of the workspace",
                          " ".join(action["outcome"]["violations"]))
            status, answer = self.changes(action)
            self.assertEqual(status, 200, answer)
            self.assertEqual(
                [(c["change"], c["path"]) for c in answer["changes"]],
                [("modified", "a.txt"), ("deleted", "b.txt"),
                 ("added", "c.txt")])
            self.assertIn("+ONE", answer["changes"][0]["diff"])
            status, answer = self.changes(action, apply="all")
            self.assertEqual((status, answer["applied"]), (200, 3))
            self.assertEqual((self.text("a.txt"), self.text("b.txt"),
                              self.text("c.txt")), ("ONE\n", None, "new\n"))
            self.assertEqual(self.changes(action, apply="all")[0], 404)
            os.unlink(f"{self.ws}/c.txt")

    def test_some_or_none_of_it_by_the_command_line(self):
        action = self.trial()
        shown = self.cli(action["id"])
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for line in ("M  a.txt", "D  b.txt", "A  c.txt", "+ONE"):
            self.assertIn(line, shown.stdout)
        done = self.cli(action["id"], "--apply", "a.txt")
        self.assertEqual(done.stdout, "applied: 1 of 3\n", done.stderr)
        self.assertEqual((self.text("a.txt"), self.text("b.txt"),
                          self.text("c.txt")), ("ONE\n", "two\n", None))
        action = self.trial("echo THREE > a.txt")
        self.assertEqual(self.cli(action["id"], "--none").returncode, 0)
        self.assertEqual(self.text("a.txt"), "ONE\n")
        self.assertNotEqual(self.cli(action["id"], "--all").returncode, 0)

    def test_what_changed_meanwhile_is_refused_and_the_copy_kept(self):
        action = self.trial()
        self.put("a.txt", "theirs\n")
        status, problem = self.changes(action, apply="all")
        self.assertEqual(status, 409, problem)
        self.assertIn("'a.txt': it changed", problem["detail"])
        self.assertEqual(self.text("b.txt"), "two\n")
        status, answer = self.changes(action, apply="some", paths="c.txt")
        self.assertEqual((status, answer["applied"]), (200, 1))
        self.assertEqual(self.text("a.txt"), "theirs\n")
        os.unlink(f"{self.ws}/c.txt")

    def test_no_agent_applies_its_own_changes(self):
        action = self.trial()
        status, _, _ = self.daemon.agent(
            "POST", f"/v1/actions/{action['id']}/changes", {"apply": "all"})
        self.assertEqual(status, 403)
        self.assertEqual(self.text("a.txt"), "one\n")
        self.assertEqual(self.changes(action, apply="half")[0], 400)
        self.assertEqual(self.changes(action, apply="some")[0], 422)
        plain = self.trial("true", overlay=False)
        self.assertEqual(self.changes(plain)[0], 404)

    def test_nobody_applies_what_he_had_run_himself(self):
        """The same process asks, and then speaks as if a person did."""
        asker = Itself(f"{self.daemon.runtime}/agent.sock", 60)
        asker.request("POST", "/v1/actions", json.dumps(
            {"tool": "shell", "input": {"script": "echo ONE > a.txt"},
             "cwd": self.ws, "workspace": self.ws, "execute": True,
             "overlay": True}),
            {"Content-Type": "application/json", "Prefer": "wait=30"})
        action = json.loads(asker.getresponse().read())
        asker.close()
        self.assertEqual(action["state"], "done", action)
        def own(body):
            answerer = Itself(f"{self.daemon.runtime}/approver.sock", 60)
            answerer.request(
                "POST", f"/v1/actions/{action['id']}/changes",
                json.dumps(body), {"Content-Type": "application/json"})
            status = answerer.getresponse().status
            answerer.close()
            return status

        self.assertEqual(own({"apply": "list"}), 200)
        for apply in ({"apply": "all"}, {"apply": "some", "paths": "a.txt"}):
            self.assertEqual(own(apply), 403)
        self.assertEqual(self.text("a.txt"), "one\n")

    def test_who_applied_what_is_in_the_log(self):
        action = self.trial()
        self.changes(action, apply="none")
        rows = self.daemon.assent("log", "list", "--state",
                                  self.daemon.state, "--json").stdout
        self.assertIn('"changes"', rows)
        self.assertIn(action["id"], rows)


if __name__ == "__main__":
    require_sandbox()
    unittest.main(verbosity=2)
