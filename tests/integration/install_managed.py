"""assent install CLIENT --managed: the machine's settings, below an /etc of a
mount namespace of its own."""

import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib_daemon import BIN  # noqa: E402
from lib_etc import alone  # noqa: E402

CLAUDE = "/etc/claude-code/managed-settings.json"
CODEX = "/etc/codex/requirements.toml"
FILES = {
    "claude-code": [CLAUDE],
    "codex": [CODEX],
    "gemini": ["/etc/gemini-cli/settings.json"],
    "copilot": ["/etc/github-copilot/policy.d/assent.json"],
    "cursor": ["/etc/cursor/hooks.json"],
    "opencode": ["/etc/opencode/plugin/assent.js",
                 "/etc/opencode/opencode.json"],
}


def install(client, *words, user=None):
    command = [f"{BIN}/assent", "install", client, "--managed", *words]
    if user is not None:
        command = ["setpriv", "--reuid", user, "--clear-groups", *command]
    return subprocess.run(command, capture_output=True, text=True,
                          check=False, stdin=subprocess.DEVNULL, timeout=60)


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Managed(unittest.TestCase):
    def tearDown(self):
        for files in FILES.values():
            for path in files:
                for name in glob.glob(f"{path}*"):
                    os.remove(name)
        if os.path.exists("/etc/assent/requirements.yaml"):
            os.remove("/etc/assent/requirements.yaml")

    def test_every_client_has_a_file_that_all_may_read_and_root_writes(self):
        for client, files in FILES.items():
            ran = install(client, "--yes")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            for path in files:
                self.assertEqual(os.stat(path).st_mode & 0o777, 0o644, path)
            self.assertIn("/run/assent", read(files[0]))
            self.assertIn("nothing to change", install(client).stdout)
            ran = install(client, "--yes", "--uninstall")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertFalse(any("hook " + client in read(path)
                                 for path in files if os.path.exists(path)))

    def test_what_was_there_stays_and_is_kept_beside(self):
        put(CLAUDE, '{"env": {"A": "b"}}')
        put(CODEX, '[mcp_servers.a.identity]\ncommand = "x"\n')
        for client in ("claude-code", "codex"):
            self.assertEqual(install(client, "--yes").returncode, 0)
        settings = json.loads(read(CLAUDE))
        self.assertEqual(settings["env"], {"A": "b"})
        self.assertTrue(settings["allowManagedHooksOnly"])
        text = read(CODEX)
        self.assertLess(text.index("allow_managed_hooks_only"),
                        text.index("[mcp_servers"))
        self.assertIn("hooks = true", text)
        for path in (CLAUDE, CODEX):
            self.assertNotIn("hook", read(f"{path}.before-assent"))
        install("codex", "--yes", "--uninstall")
        self.assertEqual(read(CODEX),
                         '[mcp_servers.a.identity]\ncommand = "x"\n')

    def test_what_the_administrator_had_outlives_an_uninstall(self):
        put("/etc/assent/requirements.yaml",
            "profiles: {allowed: [read-only, workspace-write]}\n")
        gemini = FILES["gemini"][0]
        theirs = {
            "claude-code": (CLAUDE, {
                "allowManagedHooksOnly": True, "hooks": {},
                "permissions": {"deny": ["Read(x)"]}}),
            "gemini": (gemini, {"hooksConfig": {
                "enabled": False, "notifications": False}}),
            "opencode": (FILES["opencode"][1], {"plugin": ["mine"]}),
            "cursor": (FILES["cursor"][0], {"version": 1, "hooks": {}}),
        }
        for client, (path, had) in theirs.items():
            put(path, json.dumps(had))
            ran = install(client, "--yes")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertNotEqual(json.loads(read(path)), had)
            if client == "gemini":
                self.assertEqual(json.loads(read(path))["hooksConfig"], {
                    "enabled": True, "notifications": False})
            ran = install(client, "--yes", "--uninstall")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertEqual(read(path), json.dumps(had))

    def test_what_was_added_since_outlives_an_uninstall(self):
        put(CLAUDE, '{"allowManagedHooksOnly": false}')
        install("claude-code", "--yes")
        now = json.loads(read(CLAUDE))
        now["permissions"] = {"disableBypassPermissionsMode": "mine"}
        put(CLAUDE, json.dumps(now))
        install("claude-code", "--yes", "--uninstall")
        self.assertEqual(json.loads(read(CLAUDE)), {
            "allowManagedHooksOnly": False,
            "permissions": {"disableBypassPermissionsMode": "mine"}})

    def test_an_uninstall_of_what_is_not_there_changes_nothing(self):
        had = '{"allowManagedHooksOnly": true}'
        put(CLAUDE, had)
        put(CODEX, "[features]\nhooks = true")
        for client in ("claude-code", "codex"):
            ran = install(client, "--yes", "--uninstall")
            self.assertIn("nothing to change", ran.stdout)
        self.assertEqual(read(CLAUDE), had)
        self.assertEqual(read(CODEX), "[features]\nhooks = true")

    def test_a_kept_original_is_never_overwritten(self):
        put(CLAUDE, '{"env": {"A": "b"}}')
        for words in ((), ("--contain",), ("--uninstall",)):
            install("claude-code", "--yes", *words)
            self.assertEqual(read(f"{CLAUDE}.before-assent"),
                             '{"env": {"A": "b"}}')
        self.assertEqual(len(glob.glob(f"{CLAUDE}*")), 2)
        # another original is kept, too, and is what counts then
        put(CLAUDE, '{"allowManagedHooksOnly": true}')
        install("claude-code", "--yes")
        self.assertEqual(read(f"{CLAUDE}.before-assent"),
                         '{"env": {"A": "b"}}')
        install("claude-code", "--yes", "--uninstall")
        self.assertEqual(read(CLAUDE), '{"allowManagedHooksOnly": true}')
        self.assertEqual(read(f"{CLAUDE}.before-assent.1"), read(CLAUDE))

    def test_a_file_that_assent_made_goes_without_a_trace(self):
        put("/etc/assent/requirements.yaml",
            "profiles: {allowed: [read-only, workspace-write]}\n")
        for client, files in FILES.items():
            for words in ((), ("--contain",), ("--uninstall",)):
                ran = install(client, "--yes", *words)
                self.assertEqual(ran.returncode, 0, ran.stderr)
            for path in files:
                self.assertEqual(glob.glob(f"{path}*"), [])

    def test_a_toml_that_says_it_itself_is_left_as_it_is(self):
        put(CODEX, "[features]\nhooks = false\n")
        ran = install("codex", "--yes")
        self.assertEqual(ran.returncode, 78)
        self.assertIn("'[features]' itself", ran.stderr)
        self.assertIn("--dry-run", ran.stderr)
        shown = install("codex", "--dry-run").stdout
        for line in ("allow_managed_hooks_only = true",
                     "[[hooks.PreToolUse.hooks]]", "hooks = true"):
            self.assertIn(line, shown.splitlines())
        self.assertEqual(install("codex", "--dry-run", "--json").stdout, "")
        self.assertEqual(read(CODEX), "[features]\nhooks = false\n")

    def test_requirements_become_the_clients_own(self):
        put("/etc/assent/requirements.yaml",
            "approval_policy: {allowed: [untrusted, on-request]}\n"
            "profiles: {allowed: [read-only, workspace-write]}\n")
        for client in ("claude-code", "codex", "gemini"):
            ran = install(client, "--yes")
            self.assertEqual(ran.returncode, 0, ran.stderr)
        text = read(CODEX)
        self.assertIn('allowed_approval_policies = ["untrusted", '
                      '"on-request"]', text)
        self.assertIn('allowed_sandbox_modes = ["read-only", '
                      '"workspace-write"]', text)
        self.assertEqual(json.loads(read(CLAUDE))["permissions"],
                         {"disableBypassPermissionsMode": "disable"})
        self.assertTrue(json.loads(read(FILES["gemini"][0]))["security"][
            "disableYoloMode"])

    def test_bad_requirements_write_nothing(self):
        put("/etc/assent/requirements.yaml", "approval_policy: 7\n")
        ran = install("codex", "--yes")
        self.assertEqual(ran.returncode, 78)
        self.assertIn("assent requirements", ran.stderr)
        self.assertIn("/etc/assent/requirements.yaml:1:", ran.stderr)
        self.assertFalse(os.path.exists(CODEX))

    def test_only_root_and_only_a_program_of_roots(self):
        ran = install("cursor", "--yes", user="65534")
        self.assertEqual(ran.returncode, 78, ran.stderr)
        self.assertIn("as root", ran.stderr)
        os.chmod(f"{BIN}/assent", 0o775)
        try:
            ran = install("cursor", "--yes")
            self.assertEqual(ran.returncode, 78)
            self.assertIn("changed by others than root", ran.stderr)
        finally:
            os.chmod(f"{BIN}/assent", 0o755)
        self.assertFalse(os.path.exists(FILES["cursor"][0]))

    def test_doctor_tells_what_is_active_and_what_was_changed(self):
        install("cursor", "--yes")

        def doctor():
            return subprocess.run(
                [f"{BIN}/assent", "doctor", "cursor"], capture_output=True,
                text=True, check=False, timeout=60).stdout
        self.assertIn("which no user can take back", doctor())
        put(FILES["cursor"][0], read(FILES["cursor"][0]).replace(
            "true", "false", 1))
        self.assertIn("not as they would be written", doctor())

    def test_doctor_says_what_a_user_can_still_do(self):
        for client, way in (("gemini", "hooksConfig.disabled"),
                            ("opencode", "--pure"),
                            ("claude-code", "--bare"), ("codex", None)):
            install(client, "--yes")
            told = subprocess.run(
                [f"{BIN}/assent", "doctor", client], capture_output=True,
                text=True, check=False, timeout=60).stdout
            line = next(line for line in told.splitlines()
                        if "client   managed:" in line)
            if way is None:
                self.assertIn("which no user can take back", line)
            else:
                self.assertIn(way, line)
                self.assertNotIn("no user", line)
            self.assertLessEqual(told.count("version not known") +
                                 told.count("version is not known"), 1)
            self.assertNotIn("when a hook crashes", told)


if __name__ == "__main__":
    alone()
    unittest.main()
