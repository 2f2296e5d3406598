"""A value that a run is handed: on a descriptor of sealed memory, and nowhere
else; recorded before, gone after."""

import base64
import glob
import json
import os
import time
import unittest

from lib_daemon import Daemon

VALUE = "value-" + os.urandom(12).hex()
OTHER = "other-" + os.urandom(12).hex()
QUIET = "quiet-" + os.urandom(12).hex()  # no run ever says it
CONFIG = """
profiles:
  release: {{base: workspace-write}}
  asks: {{base: workspace-write}}
  broken: {{base: workspace-write}}
  quiet: {{base: workspace-write}}
  plain: {{base: workspace-write}}
  ruled: {{base: workspace-write}}
credentials:
  - {{name: quiet, kind: value, profiles: [quiet], variable: QUIET_FD,
     file: {root}/secrets/quiet}}
  - {{name: signing, kind: value, profiles: [release], variable: SIGN_FD,
     file: {root}/secrets/signing}}
  - {{name: second, kind: value, profiles: [release], variable: SECOND_FD,
     file: {root}/secrets/second}}
  - {{name: asked, kind: value, profiles: [asks], variable: SIGN_FD,
     file: {root}/secrets/signing, ask: true}}
  - {{name: barred, kind: value, profiles: [ruled], variable: SIGN_FD,
     file: {root}/secrets/signing, ask: true}}
  - {{name: gone, kind: value, profiles: [broken], variable: SIGN_FD,
     command: [/bin/false]}}
"""
# The name that a question about a credential has for rules.
RULES = """
assent: 1
rules:
  - id: site.barred
    host: "barred.credential.invalid"
    decision: deny
    reason: Nobody is handed this one.
"""
# What it looks for would be in its own memory and text as it is.
SEARCH = r"""
import os, sys
needles = [bytes.fromhex(w)[::-1] for w in sys.argv[1].split(",")]
found, looked = [], 0
def look(where, data):
    global looked
    looked += 1
    found.extend(where for n in needles if n in data)
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "cmdline", "maps", "status"):
        try:
            look(f"/proc/{pid}/{name}", open(f"/proc/{pid}/{name}", "rb").read())
        except OSError:
            pass
for top in (os.getcwd(), "/tmp", "/run", "/etc", "/dev/shm", "/var/tmp"):
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            try:
                if os.path.isfile(path) and os.path.getsize(path) < 1 << 20:
                    look(path, open(path, "rb").read())
            except OSError:
                pass
assert looked > 10
print("found", found)
"""
CHANGE = r"""
import fcntl, mmap, os
fd = int(os.environ["SIGN_FD"])
def refused(what, *args):
    try:
        what(*args)
    except (OSError, ValueError):
        return True
    return False
print(refused(os.pwrite, fd, b"x", 0), refused(os.ftruncate, fd, 1),
      refused(os.ftruncate, fd, 9999), refused(mmap.mmap, fd, 1),
      refused(open, f"/dev/fd/{fd}", "wb"), hex(fcntl.fcntl(fd, 1034)))
"""
needles_hex = ",".join(n.encode()[::-1].hex()
                       for n in (VALUE, OTHER))


class Site(Daemon):
    def __init__(self):
        super().__init__()
        os.chmod(self.root, 0o755)
        os.mkdir(f"{self.root}/secrets", 0o700)
        os.mkdir(f"{self.root}/rules", 0o755)
        with open(f"{self.root}/rules/site.yaml", "w", encoding="ascii") as f:
            f.write(RULES)
        self.arguments += ["--rules", f"{self.root}/rules"]
        for name, text in (("signing", VALUE + "\n"), ("second", OTHER),
                           ("quiet", QUIET)):
            with open(f"{self.root}/secrets/{name}", "w",
                      encoding="ascii") as f:
                f.write(text)
            os.chmod(f"{self.root}/secrets/{name}", 0o600)
        with open(self.config, "w", encoding="ascii") as f:
            f.write(CONFIG.format(root=self.root))
        for name, text in (("search.py", SEARCH), ("change.py", CHANGE)):
            with open(f"{self.workspace}/{name}", "w", encoding="ascii") as f:
                f.write(text)

    def start(self):
        super().start()
        end = time.monotonic() + 20
        while self.daemon_log().count(" holds ") < 5:
            assert time.monotonic() < end, self.daemon_log()[-3000:]
            time.sleep(0.02)

    def begin(self, script, profile):
        _, action, _ = self.shell(script, wait=0, profile=profile)
        assert "id" in action, action
        if action["state"] == "pending":
            status, body, _ = self.answer(action["id"], "allow")
            assert status == 200, body
        return action["id"]

    def end(self, action_id):
        for _ in range(12):
            _, action, _ = self.agent("GET", f"/v1/actions/{action_id}",
                                      headers={"Prefer": "wait=5"})
            if action["state"] == "done":
                return action["outcome"]
        raise AssertionError(f"it does not end: {action}")

    def outcome(self, script, profile="release"):
        return self.end(self.begin(script, profile))

    def handed(self):
        out = self.assent("log", "export", "--state", self.state).stdout
        rows = [json.loads(line) for line in out.splitlines()]
        return [r["body"] for r in rows if r["kind"] == "credential"]


class Values(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site()
        cls.site.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.site.__exit__(None, None, None)

    def test_1_a_run_reads_its_value_from_the_descriptor_it_is_told(self):
        out = self.site.outcome(
            'echo $SIGN_FD $SECOND_FD; cat /dev/fd/$SIGN_FD; echo; '
            'python3 -c "import os; print(os.pread(int(os.environ['
            "'SECOND_FD'" ']), 99, 0).decode())"'
            '; cat /dev/fd/$SIGN_FD')
        # python3 keeps what it inherits; a shell's children have it, too.
        self.assertEqual(out["stdout"],
                         f"40 41\n{VALUE}\n{OTHER}\n{VALUE}", out)

    def test_1a_the_example_of_the_documentation_is_asked_and_runs(self):
        d = self.site
        with open(f"{d.workspace}/minisign", "w", encoding="ascii") as f:
            f.write('#!/bin/sh\ncat "$4"\n')
        os.chmod(f"{d.workspace}/minisign", 0o755)
        out = d.outcome("sh -c 'echo $SIGN_FD; PATH=$PWD:$PATH; "
                        "minisign -Sm dist.tar -s /dev/fd/$SIGN_FD'")
        self.assertEqual(out["stdout"], f"40\n{VALUE}", out)

    def test_2_env_and_proc_and_disk_have_no_secret(self):
        out = self.site.outcome(
            f"env | grep _FD; python3 search.py {needles_hex}; "
            "ls -l /proc/self/fd | grep -c memfd; ls /proc/1/fd")
        self.assertEqual(out["stdout"].splitlines()[:4],
                         ["SECOND_FD=41", "SIGN_FD=40", "found []", "2"]
                         if out["stdout"].startswith("SECOND") else
                         ["SIGN_FD=40", "SECOND_FD=41", "found []", "2"], out)

    def test_3_a_run_cannot_change_what_it_was_handed(self):
        out = self.site.outcome("python3 change.py; cat /dev/fd/$SIGN_FD")
        words, value = out["stdout"].split("\n")
        self.assertEqual(value, VALUE, out)
        self.assertEqual(words.split()[:5], ["True"] * 5, out)
        # no more seals, none shorter, longer or written
        self.assertEqual(int(words.split()[5], 16) & 0x17, 0x17, words)

    def test_4_a_run_of_another_profile_has_no_descriptor(self):
        out = self.site.outcome(
            "echo ${SIGN_FD-none}; ls -l /proc/self/fd | grep -c memfd",
            "workspace-write")
        self.assertEqual(out["stdout"], "none\n0\n", out)

    def test_5_each_hand_over_is_a_row_before_it_without_the_value(self):
        before = len(self.site.handed())
        self.site.outcome("true")
        rows = self.site.handed()[before:]
        self.assertEqual([r["credential"] for r in rows],
                         ["signing", "second"])
        for row in rows:
            self.assertEqual(row["what"], "the run itself is handed its value")
        self.assertEqual(self.site.outcome("true", "workspace-write")["exit"],
                         0)
        self.assertEqual(len(self.site.handed()), before + 2)

    def test_5a_no_agent_gets_a_value_by_naming_its_profile(self):
        d = self.site
        before = len(d.handed())
        for script in ("cat <&40", "true"):
            _, action, _ = d.shell(script, wait=0, profile="release")
            self.assertEqual(action["state"], "pending", action)
            self.assertEqual(action["decision"], "ask", action)
            self.assertIn("the profile 'release'", action["reason"])
            self.assertEqual(len(d.handed()), before)
            d.answer(action["id"], "deny")
            _, action, _ = d.agent("GET", f"/v1/actions/{action['id']}")
            self.assertNotIn(VALUE, json.dumps(action))
        # It is the value that makes it more, not the name.
        _, action, _ = d.shell("true", wait=0, profile="plain")
        self.assertNotEqual(action["state"], "pending", action)
        self.assertEqual(d.end(action["id"])["exit"], 0)
        self.assertEqual(len(d.handed()), before)

    def test_5b_the_api_tells_names_and_last_use_and_no_value(self):
        d = self.site
        action = d.begin("true", "release")
        d.end(action)
        for status, told, _ in (d.agent("GET", "/v1/credentials"),
                                d.approver("GET", "/v1/credentials")):
            self.assertEqual(status, 200)
            by_name = {c["name"]: c for c in told["credentials"]}
            self.assertEqual(list(by_name),
                             ["quiet", "signing", "second", "asked", "barred", "gone"])
            signing = by_name["signing"]
            self.assertEqual(signing["kind"], "value")
            self.assertEqual(signing["hosts"], [])
            self.assertEqual(signing["source"], "file")
            self.assertEqual(signing["last_use"]["action_id"], action)
            self.assertIsNone(by_name["gone"]["last_use"])
            self.assertNotIn("secrets", json.dumps(told))
            self.assertNotIn(VALUE, json.dumps(told))
        words = ["credentials", "list", "--runtime", d.runtime]
        self.assertEqual(
            json.loads(d.assent(*words, "--json").stdout), told)
        text = d.assent(*words, "signing").stdout
        self.assertIn(f"by {action}\n", text)
        self.assertNotIn("second", text)
        # Without the daemon: the same but for the last use.
        offline = json.loads(d.assent(
            "credentials", "list", "--json", "--config", d.config).stdout)
        for c in told["credentials"]:
            c["last_use"] = None
        self.assertEqual(offline, told)
        # A restart does not forget.
        d.stop()
        d.start()
        _, told, _ = d.agent("GET", "/v1/credentials")
        self.assertEqual(told["credentials"][1]["last_use"]["action_id"],
                         action)

    def test_6_a_value_that_asks_waits_for_a_person(self):
        d = self.site
        for answer in ("deny", "allow"):
            before = len(d.handed())
            action = d.begin("cat /dev/fd/$SIGN_FD", "asks")
            question = self.question()
            self.assertEqual(len(d.handed()), before)
            _, whole, _ = d.approver(
                "GET", f"/v1/actions/{question['id']}/explain")
            self.assertIn("is handed its value", json.dumps(whole))
            self.assertEqual(whole["credential"], {
                "name": "asked", "host": None, "port": None,
                "what": "the run itself is handed its value"})
            self.assertEqual(whole["action"]["input"]["hosts"],
                             ["asked.credential.invalid:1"])
            self.assertNotIn("connects to it", json.dumps(whole))
            said = d.approver("GET", f"/v1/actions/{question['id']}")[1]
            for text in (whole["display"], whole["parts"][0]["text"],
                         whole["profile"]["network"], said["reason"]):
                self.assertIn("credential", text)
                self.assertNotIn(".credential.invalid", text)
            d.answer(question["id"], answer)
            out = d.end(action)
            if answer == "allow":
                self.assertEqual(out["stdout"], VALUE, out)
            else:
                self.assertIn("may not be handed 'asked'", out["failure"])
                self.assertEqual(out["stdout"], "")
            self.assertEqual(len(d.handed()) - before, answer == "allow")

    def test_6_a_rule_denies_a_credential_by_its_name(self):
        d = self.site
        action = d.begin("cat /dev/fd/$SIGN_FD", "ruled")
        out = d.end(action)
        self.assertIn("may not be handed 'barred'", out["failure"])
        self.assertEqual(out["stdout"], "")
        _, found, _ = d.approver("GET", "/v1/actions?state=pending")
        self.assertEqual(found["items"], [])

    def question(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            _, found, _ = self.site.approver(
                "GET", "/v1/actions?state=pending")
            for item in found["items"]:
                if item["proposal"]["tool"] == "permission":
                    return item
            time.sleep(0.02)
        raise AssertionError(self.site.daemon_log()[-3000:])

    def test_7_a_run_whose_value_cannot_be_had_does_not_begin(self):
        out = self.site.outcome("echo ran; touch ran", "broken")
        self.assertEqual(out["stdout"], "")
        self.assertIn("the secret of credential 'gone' is not there",
                      out["failure"], out)
        self.assertFalse(os.path.exists(f"{self.site.workspace}/ran"))

    def test_8_what_was_handed_out_is_wiped_when_the_run_is_over(self):
        if os.geteuid() != 0:
            self.skipTest("nobody else may look into a run")
        d = self.site
        action = d.begin("touch up; while test -e up; do sleep 0.05; done",
                         "release")
        end = time.monotonic() + 20
        kept = None
        while kept is None:
            self.assertLess(time.monotonic(), end)
            for path in glob.glob("/proc/[0-9]*/fd/40"):
                try:
                    if "assent-credential" not in os.readlink(path):
                        continue
                    found = os.open(path, os.O_RDONLY)
                except OSError:
                    continue
                if os.pread(found, 99, 0) == VALUE.encode():
                    kept = found
                else:
                    os.close(found)  # of another daemon
            time.sleep(0.02)
        while not os.path.exists(f"{d.workspace}/up"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        os.unlink(f"{d.workspace}/up")
        self.assertEqual(d.end(action)["exit"], 0)
        end = time.monotonic() + 10
        while os.pread(kept, 99, 0) != bytes(len(VALUE)):
            self.assertLess(time.monotonic(), end, "it is still there")
            time.sleep(0.02)
        os.close(kept)

    def test_9_only_the_broker_has_it_and_it_is_written_nowhere(self):
        d = self.site
        out = d.outcome("wc -c </dev/fd/$QUIET_FD", "quiet")
        self.assertEqual(out["stdout"].strip(), str(len(QUIET)), out)
        for folder, _, names in os.walk(d.root):
            for name in names:
                path = os.path.join(folder, name)
                if path.startswith(d.root + "/secrets/") or \
                        not os.path.isfile(path):
                    continue
                with open(path, "rb") as f:
                    data = f.read()
                for needle in (VALUE, OTHER, QUIET):
                    for form in (needle.encode(),
                                 base64.b64encode(needle.encode())):
                        self.assertNotIn(form, data, path)
        # A sanitizer maps more memory than can be read.
        if os.geteuid() != 0 or \
                os.environ.get("ASSENT_PRESET_SANITIZES") == "1":
            return
        seen = 0
        for role, pids in {**d.roles(), "supervisor": [d.process.pid]}.items():
            for pid in pids:
                if role == "broker":
                    continue
                seen += 1
                self.assertFalse(QUIET.encode() in self.memory(pid), role)
        self.assertGreater(seen, 3)
        self.assertIn(QUIET.encode(), self.memory(d.roles()["broker"][0]))

    @staticmethod
    def memory(pid):
        parts = []
        with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
                open(f"/proc/{pid}/mem", "rb", 0) as mem:
            for line in maps:
                words = line.split()
                low, high = (int(x, 16) for x in words[0].split("-"))
                if "w" not in words[1]:
                    continue
                try:
                    mem.seek(low)
                    parts.append(mem.read(high - low))
                except (OSError, OverflowError, ValueError):
                    pass
        return b"\0".join(parts)


if __name__ == "__main__":
    unittest.main(failfast=True)
