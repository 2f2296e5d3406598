"""
Findings of 'assent rules' as SARIF 2.1.0: those of check, lint and test, and
those of loading in each of them, with rule, level and place.
"""

import json
import os
import subprocess
import tempfile
import unittest

BIN = os.environ["ASSENT_BIN"]
TWICE = """assent: 1
rules:
  - {id: a, decision: deny, command: {program: ls}}
  - {id: b, decision: deny, command: {program: ls}}
"""
FAILS = """assent: 1
rules:
  - {id: a, decision: deny, command: {program: ls}, tests: {match: [cat]}}
"""
BROKEN = """assent: 1
rules:
  - {id: a, decison: deny}
"""


class Sarif(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="assent-it-sarif-")

    def tearDown(self):
        self.folder.cleanup()

    def run_verb(self, verb, text, status):
        path = f"{self.folder.name}/a.yaml"
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        done = subprocess.run(
            [f"{BIN}/assent", "rules", verb, "--sarif", self.folder.name],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual(told["version"], "2.1.0")
        run, = told["runs"]
        self.assertEqual(run["tool"]["driver"]["name"],
                         f"assent rules {verb}")
        for result in run["results"]:
            place, = result["locations"]
            place = place["physicalLocation"]
            self.assertEqual(place["artifactLocation"]["uri"], path)
            self.assertGreater(place["region"]["startColumn"], 0)
            self.assertTrue(result["message"]["text"])
        return [(r["ruleId"], r["level"], r["locations"][0]
                 ["physicalLocation"]["region"]["startLine"])
                for r in run["results"]]

    def test_lint_tells_the_duplicate(self):
        self.assertIn(("L001", "warning", 4),
                      self.run_verb("lint", TWICE, 1))

    def test_a_failed_test_of_a_rule_is_an_error(self):
        self.assertEqual(self.run_verb("test", FAILS, 1),
                         [("T001", "error", 3)])

    def test_files_that_do_not_load_are_told_by_each(self):
        for verb, status in (("check", 1), ("lint", 78), ("test", 78)):
            found = self.run_verb(verb, BROKEN, status)
            self.assertIn(("E020", "error", 3), found)

    def test_without_findings_there_is_an_empty_list(self):
        good = TWICE.split("  - {id: b")[0]
        self.assertEqual(self.run_verb("check", good, 0), [])
        self.assertEqual(self.run_verb("test", good, 0), [])


if __name__ == "__main__":
    unittest.main()
