"""Ways out of a run, and work that has to go on in it: the cases of
tests/data/escapes, each in a fresh home and workspace. As root the uids take
turns; with ASSENT_ESCAPES=all each case runs as each."""

import json
import os
import re
import secrets
import shutil
import subprocess
import unittest

from lib_sandbox import GIT, World, modes, require_sandbox

DATA = os.environ["ASSENT_SOURCE"] + "/tests/data/escapes"
ALL = os.environ.get("ASSENT_ESCAPES") == "all"
WORDS = ('loot() { grep -aqs "$MARK-$1" "$OUT"; }\n'
         'ok() { grep -aqs "^OK" "$OUT"; }\n')


def read(name):
    with open(f"{DATA}/{name}.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class Place(World):
    """A world that begins anew for each case."""

    def __init__(self, uid):
        super().__init__(uid)
        self.out = self.top + "/out"
        self.put(self.ws + "/README.md", "readme\n")
        self.put(self.ws + "/.envrc", "export A=1\n")
        self.put(self.ws + "/.gitignore", "build/\n")
        self.outside("git add -A && git commit -qm more")
        self.kept = self.top + "/kept"
        os.mkdir(self.kept)
        subprocess.run(["cp", "-a", self.home, self.victim, self.kept],
                       check=True)

    def renew(self):
        for path in (self.home, self.victim):
            shutil.rmtree(path)
        subprocess.run(["cp", "-a", self.kept + "/home",
                        self.kept + "/victim", self.top], check=True)

    def case(self, case):
        """Whether the proof holds, and what the run wrote."""
        self.renew()
        names = {"WS": self.ws, "FH": self.home, "VIC": self.victim,
                 "OUT": self.out, "MARK": "M" + secrets.token_hex(6),
                 "ID": re.sub(r"\W", "-", case["id"])}
        said = "".join(f"{k}='{v}'\n" for k, v in {**names, **GIT}.items())
        said += "export " + " ".join(GIT) + "\n"
        if "setup" in case:
            self.outside(said + case["setup"])
        _, text = self.run(["sh", "-c", said + case["do"]])
        with open(self.out, "w", encoding="utf-8") as out:
            out.write(text)
        proof = case.get("proof", 'grep -aq GOOD "$OUT"')
        done = self.outside(said + WORDS + proof, check=False)
        return done.returncode == 0, text


class Escapes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.places = [Place(uid) for uid in modes()]

    @classmethod
    def tearDownClass(cls):
        for place in cls.places:
            place.__exit__()

    def each(self, name, worth):
        for i, case in enumerate(read(name)):
            turn = self.places if ALL \
                else [self.places[i % len(self.places)]]
            for place in turn:
                with self.subTest(case["id"], uid=place.uid):
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

    def test_the_kernel_and_other_processes_are_out_of_reach(self):
        self.each("kernel", False)

    def test_ordinary_work_goes_on(self):
        self.each("works", True)


if __name__ == "__main__":
    require_sandbox()
    unittest.main()
