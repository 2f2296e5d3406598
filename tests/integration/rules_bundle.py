"""
Rules as signed bundles: only what the key signed is installed, never an older
one, and whatever is refused leaves the folder as it is.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib_https import https_server  # noqa: E402

BIN = os.environ["ASSENT_BIN"]


def assent(*words):
    done = subprocess.run([f"{BIN}/assent", "rules", *words], text=True,
                          capture_output=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


class Bundle(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="assent-it-bundle-")
        self.rules = f"{self.root}/rules"
        self.there = f"{self.root}/there"
        self.key = f"{self.root}/k"
        os.mkdir(self.rules)
        self.write("a", "deny")
        self.good("keygen", "--key", self.key)

    def tearDown(self):
        shutil.rmtree(self.root)

    def write(self, name, decision):
        with open(f"{self.rules}/{name}.yaml", "w", encoding="ascii") as f:
            f.write(f"assent: 1\nrules:\n  - {{id: {name}, decision: "
                    f"{decision}, command: {{program: {name}}}}}\n")

    def good(self, *words):
        status, out, err = assent(*words)
        self.assertEqual(status, 0, err)
        return out

    def bundle(self, number, *more, name="acme/base", key=None):
        file = f"{self.root}/b{number}"
        self.good("bundle", "--name", name, "--number", str(number),
                  "--out", file, "--key", key or self.key, *more, self.rules)
        return file

    def install(self, file):
        return assent("install", "--key", self.key + ".pub", file,
                      self.there)

    def refused(self, file, why):
        before = self.listing()
        status, _, err = self.install(file)
        self.assertEqual(status, 1, err)
        self.assertRegex(err, why)
        self.assertEqual(self.listing(), before)

    def listing(self):
        if not os.path.isdir(self.there):
            return None
        found = {}
        for name in os.listdir(self.there):
            with open(f"{self.there}/{name}", "rb") as f:
                found[name] = f.read()
        return found

    def test_a_newer_one_takes_the_place_of_an_older_one(self):
        self.assertIn("is installed", self.install(self.bundle(1))[1])
        self.assertIn("was there", self.install(self.bundle(1))[1])
        os.rename(f"{self.rules}/a.yaml", f"{self.root}/gone")
        self.write("b", "ask")
        self.assertEqual(self.install(self.bundle(2))[0], 0)
        self.assertEqual(sorted(self.listing()), [".bundle", "b.yaml"])
        self.assertEqual(self.good("check", self.there)[:1].isdigit(), True)

    def test_an_older_one_is_refused(self):
        old, new = self.bundle(3), self.bundle(4)
        self.assertEqual(self.install(new)[0], 0)
        self.refused(old, "version 4 is there already; version 3 is older")
        self.write("b", "ask")
        self.refused(self.bundle(4), "another of that number")
        self.refused(self.bundle(9, name="evil/base"),
                     "holds 'acme/base', not 'evil/base'")

    def test_what_the_key_did_not_sign_is_refused(self):
        file = self.bundle(1)
        with open(file, "rb") as f:
            content = f.read()
        os.rename(file + ".minisig", f"{self.root}/signature")
        self.refused(file, "is not signed")
        os.rename(f"{self.root}/signature", file + ".minisig")
        for changed in (content.replace(b"deny", b"allo"), content[:-20],
                        content + b"\n", b""):
            with open(file, "wb") as f:
                f.write(changed)
            self.refused(file, "changed or cut")
        with open(file, "wb") as f:
            f.write(content)
        with open(file + ".minisig", encoding="ascii") as f:
            signature = f.read()
        with open(file + ".minisig", "w", encoding="ascii") as f:
            f.write(signature.replace("version 1", "version 9"))
        self.refused(file, "comment was changed")
        self.good("keygen", "--key", f"{self.root}/other")
        self.refused(self.bundle(2, key=f"{self.root}/other"),
                     "signed by another key")

    def test_one_that_is_over_or_does_not_load_is_refused(self):
        file = self.bundle(1, "--days", "1")
        with open(file, encoding="ascii") as f:
            text = f.read()
        with open(file, "w", encoding="ascii") as f:
            f.write(re.sub("expires: [0-9]+", "expires: 1000", text))
        self.good("sign", "--key", self.key, file)
        self.refused(file, "has expired")
        with open(f"{self.rules}/x.yaml", "w", encoding="ascii") as f:
            f.write("assent: 1\nrules: [{id: x}]\n")
        status, _, err = assent(
            "bundle", "--name", "acme/base", "--number", "2", "--out",
            f"{self.root}/x", self.rules)
        self.assertEqual(status, 78)
        self.assertIn("x.yaml:2:", err)
        os.unlink(f"{self.rules}/x.yaml")

    def test_a_folder_with_files_of_others_is_refused(self):
        os.mkdir(self.there)
        with open(f"{self.there}/own.yaml", "w", encoding="ascii") as f:
            f.write("assent: 1\n")
        self.refused(self.bundle(1), "a folder of its own")

    def test_a_key_that_others_can_read_signs_nothing(self):
        file = self.bundle(1)
        os.chmod(self.key, 0o644)
        status, _, err = assent("sign", "--key", self.key, file)
        self.assertEqual(status, 78)
        self.assertIn("can be read by others", err)

    @unittest.skipUnless(shutil.which("minisign"), "minisign is not there")
    def test_minisign_checks_ours_and_we_check_its(self):
        file = self.bundle(1)
        subprocess.run(["minisign", "-Vm", file, "-p", self.key + ".pub"],
                       check=True, capture_output=True)
        subprocess.run(["minisign", "-GW", "-p", f"{self.root}/m.pub", "-s",
                        f"{self.root}/m.key"], check=True,
                       capture_output=True)
        for how in ("-Sm", "-Slm"):
            os.unlink(file + ".minisig")
            subprocess.run(["minisign", how, file, "-s",
                            f"{self.root}/m.key"], check=True,
                           capture_output=True)
            self.good("verify", "--key", f"{self.root}/m.pub", file)
        self.assertEqual(assent("verify", "--key", self.key + ".pub",
                                file)[0], 1)

    @unittest.skipUnless(shutil.which("openssl") and shutil.which("curl"),
                         "openssl or curl is not there")
    def test_it_is_fetched_over_https_alone(self):
        self.bundle(1)
        server, ca = https_server(self.root)
        url = f"https://localhost:{server.server_port}/b"
        fetch = ("fetch", "--key", self.key + ".pub", "--cacert", ca)
        try:
            self.assertIn("is installed",
                          self.good(*fetch, url + "1", self.there))
            self.assertIn("was there",
                          self.good(*fetch, url + "1", self.there))
            self.assertEqual(assent(*fetch, url + "7", self.there)[0], 69)
            # A server that is not known.
            self.assertEqual(assent("fetch", "--key", self.key + ".pub",
                                    url + "1", self.there)[0], 69)
            self.assertEqual(
                assent(*fetch, url.replace("https", "http") + "1",
                       self.there)[0], 64)
        finally:
            server.shutdown()
            server.server_close()
        self.assertEqual(sorted(self.listing()), [".bundle", "a.yaml"])


if __name__ == "__main__":
    unittest.main()
