"""assent report answers: what it counts, from a log of real answers."""

import json
import unittest

from lib_daemon import Daemon


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.daemon.start()
        for i in range(4):
            cls.answer("npm install left-pad", "allow")
        cls.answer("npm install other-thing", "deny")
        for i in range(3):
            cls.answer(f"git push origin branch-{i}", "allow")
            cls.answer("pip install thing", "allow")

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    @classmethod
    def answer(cls, script, decision):
        body = cls.daemon.shell(script, wait=0, execute=False)[1]
        status = cls.daemon.answer(body["id"], decision)[0]
        assert status == 200, (status, body)

    def report(self, *arguments):
        return self.daemon.assent("report", "answers", "--runtime",
                                  self.daemon.runtime, *arguments)

    def test_it_counts_answers_and_names_nobody(self):
        done = self.report("--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        counted = json.loads(done.stdout)
        self.assertEqual(counted["answered"], 11)
        self.assertEqual(counted["allowed"], 10)
        self.assertEqual(counted["denied"], 1)
        self.assertEqual(counted["under_a_second"], 11)
        self.assertEqual(counted["asked_again"], 3 + 2)
        self.assertNotIn("uid", done.stdout)

    def test_it_suggests_only_what_was_always_allowed_and_of_no_high_risk(
            self):
        what = [s["what"] for s in
                json.loads(self.report("--json").stdout)["suggestions"]]
        self.assertEqual(len(what), 1, what)
        self.assertIn("pip install", what[0])

    def test_the_text_says_the_same(self):
        shown = self.report().stdout
        self.assertIn("Answers of people in the last 30d: 11", shown)
        self.assertIn("1  denied  (9 %)", shown)
        self.assertIn("pip install", shown)
        self.assertNotIn("\033", shown)

    def test_what_is_older_does_not_count(self):
        counted = json.loads(self.report("--since", "0s", "--json").stdout)
        self.assertEqual(counted["answered"], 0)
        self.assertEqual(self.report("--since", "yesterday").returncode, 64)
        self.assertEqual(self.daemon.assent("report").returncode, 64)


if __name__ == "__main__":
    unittest.main()
