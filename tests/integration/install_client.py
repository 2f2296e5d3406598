"""assent install: what it writes into clients' settings, and takes out."""

import json
import os
import stat
import subprocess
import tempfile
import unittest

BIN = os.environ["ASSENT_BIN"]
MINE = {"matcher": "Bash", "hooks": [
    {"type": "command", "command": "/my/own --assent-me"}]}
CODEX = """#!/bin/sh
[ "$1" = app-server ] || { echo "codex-cli 0.169.0"; exit; }
while read -r line; do case $line in
*'"id":1,'*) echo '{"id":1,"result":{}}';;
*hooks/list*) echo '{"id":2,"result":{"data":[{"cwd":"x","hooks":[{"key":'\
'"'$CODEX_HOME'/hooks.json:pre_tool_use:0:0","command":"/x/assent hook '\
'codex","currentHash":"sha256:abcd"},{"key":"/other:pre_tool_use:0:0",'\
'"command":"/x/assent hook codex","currentHash":"sha256:no"}]}]}}';;
esac; done
"""


class Install(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="assent-install-")
        self.home = self.folder.name
        os.mkdir(f"{self.home}/bin")
        os.chmod(self.home, 0o755)

    def tearDown(self):
        self.folder.cleanup()

    def program(self, name, text):
        path = f"{self.home}/bin/{name}"
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(path, 0o755)

    def claude(self, version):
        self.program("claude", f"#!/bin/sh\necho '{version} (Claude Code)'\n")

    def run_assent(self, *arguments, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            [f"{BIN}/assent", *arguments], check=False, text=True, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={
                "HOME": self.home, "PATH": f"{self.home}/bin:/usr/bin:/bin",
                "CODEX_HOME": f"{self.home}/.codex"}, **options)

    def write(self, path, text):
        path = f"{self.home}/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def read(self, path):
        with open(f"{self.home}/{path}", encoding="utf-8") as f:
            return f.read()

    SETTINGS = ".claude/settings.json"

    def test_nothing_is_written_without_a_yes(self):
        self.claude("2.1.330")
        for arguments, options in (
                (("--dry-run",), {}), ((), {}),
                ((), {"stdin": None, "input": "no\n"}),
                ((), {"stdin": None, "input": "y\n"})):
            ran = self.run_assent(
                "install", "claude-code", *arguments, **options)
            self.assertIn("+++ " + self.home, ran.stdout)
            self.assertFalse(os.path.exists(f"{self.home}/.claude"))

    def test_what_was_there_stays_and_comes_back(self):
        self.claude("2.1.330")
        before = {"model": "opus", "hooks": {"PreToolUse": [MINE]},
                  "permissions": {"deny": ["Bash(rm:*)"]}}
        self.write(self.SETTINGS, json.dumps(before))
        for _ in range(2):  # a second time changes nothing
            ran = self.run_assent("install", "claude-code", "--yes")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            now = json.loads(self.read(self.SETTINGS))
            self.assertEqual(now["hooks"]["PreToolUse"][0], MINE)
            self.assertEqual(len(now["hooks"]["PreToolUse"]), 2)
            self.assertEqual(now["permissions"], before["permissions"])
        self.assertIn("nothing to change", ran.stdout)
        self.assertEqual(
            json.loads(self.read(self.SETTINGS + ".before-assent")), before)
        ran = self.run_assent("install", "claude-code", "--uninstall", "--yes")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(json.loads(self.read(self.SETTINGS)), before)

    def hook_of(self, settings):
        return settings["hooks"]["PreToolUse"][-1]["hooks"][0]

    def test_a_version_that_fails_open_is_named_and_closed_where_possible(self):
        self.claude("2.1.197")
        ran = self.run_assent("install", "claude-code", "--yes")
        self.assertIn("2.1.295", ran.stdout)
        hook = self.hook_of(json.loads(self.read(self.SETTINGS)))
        self.assertNotIn("onFailure", hook)
        self.claude("2.1.330")
        ran = self.run_assent("install", "claude-code", "--yes")
        hook = self.hook_of(json.loads(self.read(self.SETTINGS)))
        self.assertEqual(hook["onFailure"], "block")
        self.assertNotIn("note:", ran.stdout)

    def test_a_hook_whose_program_is_gone_is_a_no(self):
        self.claude("2.1.197")
        self.run_assent("install", "claude-code", "--yes")
        command = self.hook_of(
            json.loads(self.read(self.SETTINGS)))["command"]
        self.assertIn(f"{BIN}/assent hook claude-code", command)
        for broken in (command.replace(f"{BIN}/assent", "/gone/assent"),
                       command.replace(f"{BIN}/assent hook", "false hook"),
                       command.replace(f"{BIN}/assent", "kill -SEGV $$;")):
            ran = subprocess.run(
                ["/bin/sh", "-c", f"( {broken} )"], input="{}", text=True,
                capture_output=True, check=False, timeout=60)
            if "SEGV" not in broken:
                self.assertEqual(ran.returncode, 2, broken)
                self.assertIn("was not run", ran.stderr)

    def test_settings_that_cannot_be_read_are_left_alone(self):
        self.claude("2.1.330")
        for text in ("{", "[]", '{"a":1,"a":2}', "\x00"):
            self.write(self.SETTINGS, text)
            ran = self.run_assent("install", "claude-code", "--yes")
            self.assertEqual(ran.returncode, 78, text)
            self.assertIn("left as it is", ran.stderr)
            self.assertEqual(self.read(self.SETTINGS), text)
        for hooks in ([], 7, {"PreToolUse": 1}):
            text = json.dumps({"hooks": hooks})
            self.write(self.SETTINGS, text)
            ran = self.run_assent("install", "claude-code", "--yes")
            self.assertEqual(ran.returncode, 78, ran.stdout)
            self.assertEqual(self.read(self.SETTINGS), text)

    def test_links_and_modes_stay(self):
        self.claude("2.1.330")
        self.write("dotfiles/settings.json", "{}")
        os.mkdir(f"{self.home}/.claude")
        os.chmod(f"{self.home}/dotfiles/settings.json", 0o640)
        os.symlink("../dotfiles/settings.json",
                   f"{self.home}/{self.SETTINGS}")
        self.run_assent("install", "claude-code", "--yes")
        self.assertTrue(os.path.islink(f"{self.home}/{self.SETTINGS}"))
        path = f"{self.home}/dotfiles/settings.json"
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o640)
        self.assertIn("assent", self.read("dotfiles/settings.json"))

    def test_codex_is_told_to_trust_our_hooks_and_no_others(self):
        self.program("codex", CODEX)
        self.write(".codex/config.toml", 'model = "m"\n[a]\nb = 1\n')
        for _ in range(2):
            ran = self.run_assent("install", "codex", "--yes")
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
            text = self.read(".codex/config.toml")
            self.assertEqual(text.count("trusted_hash"), 1)
            self.assertIn('trusted_hash = "sha256:abcd"', text)
            self.assertTrue(text.startswith('model = "m"\n[a]\nb = 1\n'))
        ran = self.run_assent("install", "codex", "--uninstall", "--yes")
        self.assertEqual(
            self.read(".codex/config.toml"), 'model = "m"\n[a]\nb = 1\n')
        self.assertEqual(self.names(".codex"), [
            "config.toml", "config.toml.before-assent"])
        self.assertEqual(self.read(".codex/config.toml.before-assent"),
                         'model = "m"\n[a]\nb = 1\n')

    def test_codex_goes_on_trusting_the_hooks_of_others(self):
        """They are told by where they stand, and move when ours come or go."""
        hooks = f"{self.home}/.codex/hooks.json"

        def state(place, value):
            return (f'[hooks.state."{hooks}:{place}"]\n'
                    f'trusted_hash = "{value}"\n')

        def entry(command):
            return {"matcher": "*", "hooks": [
                {"type": "command", "command": command}]}

        own = "/x/assent hook codex"
        two = {"matcher": "*", "hooks": [
            {"type": "command", "command": "/second"},
            {"type": "command", "command": own},
            {"type": "command", "command": "/third"}]}
        self.write(".codex/hooks.json", json.dumps({"hooks": {
            "PreToolUse": [entry(own), entry("/first"), two],
            "PostToolUse": [entry("/after")]}}))
        self.write(".codex/config.toml", 'model = "m"\n'
                   + state("pre_tool_use:0:0", "sha256:ours")
                   + state("pre_tool_use:1:0", "sha256:first")
                   + state("pre_tool_use:2:0", "sha256:second")
                   + state("pre_tool_use:2:1", "sha256:ours too")
                   + state("pre_tool_use:2:2", "sha256:third")
                   + state("post_tool_use:0:0", "sha256:after")
                   + state("pre_tool_use:7:0", "sha256:nobody")
                   + '[hooks.state."/other:pre_tool_use:0:0"]\nx = 1\n')
        ran = self.run_assent("install", "codex", "--uninstall", "--yes")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        left = json.loads(self.read(".codex/hooks.json"))["hooks"]
        self.assertEqual([h["command"] for g in left["PreToolUse"]
                          for h in g["hooks"]],
                         ["/first", "/second", "/third"])
        self.assertEqual(
            self.read(".codex/config.toml"), 'model = "m"\n'
            + state("pre_tool_use:0:0", "sha256:first")
            + state("pre_tool_use:1:0", "sha256:second")
            + state("pre_tool_use:1:1", "sha256:third")
            + state("post_tool_use:0:0", "sha256:after")
            + '[hooks.state."/other:pre_tool_use:0:0"]\nx = 1\n')

    def test_a_file_of_somebody_elses_in_our_place_comes_back(self):
        for client, path in (
                ("copilot", ".copilot/hooks/assent.json"),
                ("opencode", ".config/opencode/plugin/assent.js"),
                ("gemini", ".gemini/policies/assent.toml")):
            theirs = '{"version": 1}' if path.endswith("json") else "# mine\n"
            self.write(path, theirs)
            # nothing of ours is there: nothing is taken out
            self.run_assent("install", client, "--uninstall", "--yes")
            self.assertEqual(self.read(path), theirs, client)
            for _ in range(2):
                ran = self.run_assent("install", client, "--yes")
                self.assertEqual(ran.returncode, 0, ran.stderr)
                self.assertIn("assent", self.read(path))
                ran = self.run_assent("install", client, "--uninstall",
                                      "--yes")
                self.assertEqual(ran.returncode, 0, ran.stderr)
                self.assertEqual(self.read(path), theirs, client)
            # what was put back is not put back where it was removed since
            os.unlink(f"{self.home}/{path}")
            self.run_assent("install", client, "--yes")
            self.run_assent("install", client, "--uninstall", "--yes")
            self.assertFalse(os.path.exists(f"{self.home}/{path}"), client)

    def names(self, folder):
        return sorted(os.listdir(f"{self.home}/{folder}"))

    def test_a_kept_original_is_never_overwritten(self):
        self.claude("2.1.330")
        self.write(self.SETTINGS, '{"model": "opus"}')
        for words in ((), ("--contain",), ("--uninstall",), ()):
            self.run_assent("install", "claude-code", "--yes", *words)
            self.assertEqual(self.read(self.SETTINGS + ".before-assent"),
                             '{"model": "opus"}')
        self.assertEqual(len(self.names(".claude")), 2)

    def test_a_file_that_assent_made_goes_without_a_trace(self):
        self.claude("2.1.330")
        self.program("codex", CODEX)
        for client, folder in (("claude-code", ".claude"),
                               ("codex", ".codex"), ("gemini", ".gemini"),
                               ("cursor", ".cursor")):
            for words in ((), ("--contain",), ("--uninstall",)):
                ran = self.run_assent("install", client, "--yes", *words)
                self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertEqual([name for name in self.names(folder)
                              if name != "policies"], [], client)

    def test_codex_that_cannot_be_asked_is_said_to_skip_the_hook(self):
        self.program("codex", "#!/bin/sh\necho 'codex-cli 0.169.0'\n")
        ran = self.run_assent("install", "codex", "--yes")
        self.assertEqual(ran.returncode, 78)
        self.assertIn("SKIPS", ran.stderr)

    def test_every_client_is_installed_tried_and_taken_out(self):
        for client in ("claude-code", "gemini", "copilot", "cursor",
                       "opencode"):
            ran = self.run_assent("install", client, "--yes")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            ran = self.run_assent("doctor", client)
            self.assertIn("ok       client   fails closed", ran.stdout)
            self.assertIn("missing  client   reaches assentd", ran.stdout)
            self.assertEqual(ran.returncode, 1)
            ran = self.run_assent("install", client, "--uninstall", "--yes")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            ran = self.run_assent("doctor", client)
            self.assertIn("missing  client   hook", ran.stdout)

    def test_json_is_one_document_and_nothing_else(self):
        self.program("codex", CODEX)
        for client in ("claude-code", "codex"):
            ran = self.run_assent("install", client, "--json", "--yes")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertEqual(json.loads(ran.stdout)["client"], client)
        self.assertIn("trusted_hash", ran.stderr)

    def test_options_may_stand_before_the_client(self):
        for words in (("--dry-run", "cursor"), ("cursor", "--dry-run")):
            ran = self.run_assent("install", *words)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertIn("beforeShellExecution", ran.stdout)
        for words in (("--json", "cursor"), ("cursor", "--json")):
            ran = self.run_assent("doctor", *words)
            self.assertEqual(json.loads(ran.stdout)["missing"], 1)
        ran = self.run_assent("install", "--dry-run", "cursor", "codex")
        self.assertEqual(ran.returncode, 64)
        self.assertIn("behind 'cursor': 'codex'", ran.stderr)

    def test_a_client_that_nobody_knows(self):
        ran = self.run_assent("install", "emacs", "--yes")
        self.assertEqual(ran.returncode, 64)
        self.assertIn("claude-code", ran.stderr)


if __name__ == "__main__":
    unittest.main()
