"""Ways out of a run, and work that has to go on in it: the cases of
tests/data/escapes, each in a fresh home and workspace. As root the uids take
turns; with ASSENT_ESCAPES=all each case runs in each way in which a run can be
started (lib_escapes.py), with ASSENT_ESCAPES=own,root-ready in those."""

import json
import os
import unittest

from lib_escapes import places
from lib_sandbox import require_sandbox

DATA = os.environ["ASSENT_SOURCE"] + "/tests/data/escapes"
WANTED = os.environ.get("ASSENT_ESCAPES")


def read(name):
    with open(f"{DATA}/{name}.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class Escapes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.places = places(WANTED)

    @classmethod
    def tearDownClass(cls):
        for place in cls.places:
            place.__exit__()

    def each(self, name, worth):
        for i, case in enumerate(read(name)):
            turn = self.places if WANTED \
                else [self.places[i % len(self.places)]]
            for place in turn:
                if place.kind in case.get("but", ()):
                    continue
                with self.subTest(case["id"], way=place.kind, uid=place.uid):
                    holds, text = place.case(case)
                    self.assertEqual(holds, worth, text[-2000:])

    def test_no_repository_is_made_to_run_something(self):
        self.each("git", False)

    def test_no_name_that_programs_obey_is_planted(self):
        self.each("names", False)

    def test_a_file_with_a_name_outside_stays_as_it_is(self):
        self.each("links", False)

    def test_no_secret_is_read(self):
        self.each("secrets", False)

    def test_no_path_is_judged_that_is_not_the_one_that_is_used(self):
        self.each("files", False)

    def test_no_call_leads_out(self):
        self.each("calls", False)

    def test_what_the_user_shares_with_the_run_is_left_to_him(self):
        self.each("bounds", False)

    @unittest.skipUnless(WANTED, "they fill the memory")
    def test_no_flood_goes_over_the_limits(self):
        self.each("floods", False)

    def test_the_kernel_and_other_processes_are_out_of_reach(self):
        self.each("kernel", False)

    def test_ordinary_work_goes_on(self):
        self.each("works", True)


if __name__ == "__main__":
    require_sandbox()
    unittest.main()
