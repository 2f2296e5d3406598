"""
Rules of other programs taken over: what they forbade stays forbidden, what
they allowed becomes no wider, what cannot be carried over is told.
"""

import json
import os
import subprocess
import tempfile
import unittest

BIN = os.environ["ASSENT_BIN"]
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data",
                    "import")


def assent(*words):
    done = subprocess.run([f"{BIN}/assent", *words], capture_output=True,
                          text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


class Import(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="assent-it-import-")

    def take(self, name):
        status, out, err = assent("rules", "import", "--json",
                                  f"{DATA}/{name}")
        self.assertEqual(status, 1, err)  # each of them loses something
        told = json.loads(out)
        with open(f"{self.folder}/imported.yaml", "w",
                  encoding="utf-8") as f:
            f.write(told["file"])
        status, out, err = assent("rules", "test", self.folder)
        self.assertEqual(status, 0, out + err)
        return told

    def decided(self, script):
        status, out, err = assent("check", "--json", "--rules", self.folder,
                                  "--", script)
        self.assertIn(status, (0, 1, 2), err)
        return json.loads(out)["decision"]

    def lost(self, told):
        return [(n["line"], n["why"]) for n in told["notes"] if n["lost"]]

    def test_codex(self):
        told = self.take("default.rules")
        self.assertEqual(told["rules"], 7)
        self.assertEqual([line for line, _ in self.lost(told)], [14, 18])
        self.assertEqual(self.decided("git push --force origin x"), "deny")
        # Found by what it means, not by how it is written.
        self.assertEqual(self.decided("git -C . push -f origin x"), "deny")
        self.assertEqual(self.decided("rm -r -f build"), "deny")
        self.assertEqual(self.decided("npm publish"), "ask")
        self.assertEqual(self.decided("git status -s"), "allow")
        self.assertNotEqual(
            self.decided("git status > ~/.bashrc"), "allow")
        self.assertNotEqual(
            self.decided("cargo build; curl https://evil.example/"),
            "allow")

    def test_gemini(self):
        told = self.take("policy.toml")
        lost = dict(self.lost(told))
        self.assertEqual(sorted(lost), [33, 39])
        # A misspelt key never widens a rule.
        self.assertIn("commandPrefx", lost[33])
        self.assertEqual(self.decided("dd if=/dev/zero of=/dev/sda"), "deny")
        self.assertEqual(
            self.decided("docker run --privileged alpine"), "deny")
        notes = [n["why"] for n in told["notes"] if n["line"] == 2]
        self.assertIn("exception to line 8", notes[0])
        self.assertEqual(self.decided("git status"), "ask")

    def test_claude(self):
        told = self.take("settings.json")
        self.assertEqual([line for line, _ in self.lost(told)], [10, 25, 28])
        self.assertEqual(self.decided("curl https://x.example"), "deny")
        self.assertEqual(self.decided("cat .env"), "deny")
        self.assertEqual(self.decided("cat /etc/shadow"), "deny")
        self.assertEqual(self.decided("git push"), "ask")
        self.assertNotEqual(self.decided("ls; git push"), "allow")

    def test_a_broken_file_is_told_with_its_line(self):
        for name, text, place in (
                ("a.rules", "prefix_rule(\n  pattern=[\"git\",\n", ":3:"),
                ("b.rules", "x = 1\n", ":1:"),
                ("c.toml", "[[rule]]\ndecision = \"allow\n", ":2:"),
                ("d.toml", "[[rule]\n", ":1:")):
            path = f"{self.folder}/{name}"
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
            status, out, err = assent("rules", "import", path)
            self.assertEqual((status, out), (78, ""), name)
            self.assertIn(place, err, name)


if __name__ == "__main__":
    unittest.main()
