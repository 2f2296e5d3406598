"""Workspaces in odd places and with odd things in them: the run goes, or says
in words why not; nothing waits, and nothing is left."""

import os
import shutil
import subprocess
import time
import unittest

from lib_sandbox import (BIN, World, in_each_mode, modes,
                         require_sandbox)

LONG_S = 20
ROOT = os.geteuid() == 0
SANITIZED = os.environ.get("ASSENT_PRESET_SANITIZES") == "1"
# In a bash in the workspace; what there is then stands where the sandbox looks
# for what it protects or hides.
ODD = {
    "a pipe for .envrc": "mkfifo .envrc",
    "a pipe for .env": "mkfifo .env",
    "a socket for .env": "python3 -c \"import socket; "
                         "socket.socket(socket.AF_UNIX).bind('.env')\"",
    "folders for .env and .envrc": "mkdir .env .envrc",
    "a pipe for .git/config": "mv .git/config c; mkfifo .git/config",
    "a link for .git/config": "mv .git/config c; ln -s /etc/passwd "
                              ".git/config",
    "hooks that lead nowhere": "mv .git/hooks h; ln -s /nowhere .git/hooks",
    "hooks that lead to themselves": "mv .git/hooks h; ln -s hooks .git/hooks",
    "a pipe for .git": "mv .git g; mkfifo .git",
    "a .git that leads to itself": "mv .git g; ln -s .git .git",
    "a .git of junk": "mv .git g; echo junk > .git",
    "a .git that names its folder": "mv .git g; echo 'gitdir: .' > .git",
    "a .git that names everything": "mv .git g; echo 'gitdir: /' > .git",
    "a .git of fifty megabytes": "mv .git g; head -c 50000000 /dev/zero > .git",
    "links in circles": "ln -s a b; ln -s b a; mkdir d; ln -s .. d/up; "
                        "ln -s / root; ln -s /proc/self/cwd me",
    "names that are no text": "touch $'a\\nb' $'bad\\xff\\xfe' $'.env\\n' "
                              "$'\\x1b[31m'; mkdir $'.git\\n' $'s\\xff'; "
                              "touch $'s\\xff/.env'",
    "a folder that is shut": "mkdir z; chmod 0 z",
    "folders a path cannot name": "for i in $(seq 90); do mkdir -p "
                                  f"{'n' * 60} && cd {'n' * 60}; done",
}


def mounted(w, mount, words, workspace=None):
    """Runs words in mounts of its own, after the script mount: output."""
    ran = subprocess.run(
        ["unshare", "-m", "--propagation", "private", "sh", "-c",
         f"{mount} && exec setpriv --reuid {w.uid} --regid {w.uid} "
         "--clear-groups \"$@\"", "sh", w.helper, "--oneshot", "--workspace",
         workspace or w.ws, "--", *words], cwd="/", env=w.env(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=LONG_S, check=False)
    return ran.returncode, ran.stdout


class Places(unittest.TestCase):
    def check(self, w, what, script="echo ran > out; cat out"):
        began = time.monotonic()
        status, out = w.run(script)
        self.assertLess(time.monotonic() - began, LONG_S, what)
        self.assertEqual((status, out), (0, "ran\n"), what)

    @in_each_mode
    def test_odd_things_in_the_place_of_protected_ones_do_no_harm(self, w):
        shutil.copytree(w.ws, w.home + "/clean", symlinks=True)
        for what, script in ODD.items():
            w.outside(script)
            self.check(w, what)
            subprocess.run(["chmod", "-R", "u+rwx", w.ws], check=False,
                           stderr=subprocess.DEVNULL)
            subprocess.run(["rm", "-rf", w.ws], check=True)
            shutil.copytree(w.home + "/clean", w.ws, symlinks=True)
            w.own(w.ws)

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    @in_each_mode
    def test_devices_in_the_place_of_protected_files_are_not_opened(self, w):
        os.mknod(w.ws + "/.env", 0o666 | 0o020000, os.makedev(1, 3))
        os.mknod(w.ws + "/.envrc", 0o666 | 0o060000, os.makedev(7, 0))
        self.check(w, "devices")

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    @in_each_mode
    def test_immutable_files_stay_and_the_rest_is_written(self, w):
        for name in ("im", "ap", ".envrc"):
            w.put(f"{w.ws}/{name}", "old\n")
        marks = [("+i", "im"), ("+i", ".envrc"), ("+a", "ap")]
        try:
            for mark, name in marks:
                if subprocess.run(["chattr", mark, f"{w.ws}/{name}"],
                                  check=False).returncode != 0:
                    self.skipTest("no such marks on this file system")
            self.check(w, "marks", "(echo new > im; rm im ap .envrc; "
                       "echo new > ap; echo more >> ap) 2> /dev/null; "
                       "echo ran > out; cat out")
        finally:
            for mark, name in marks:
                subprocess.run(["chattr", mark.replace("+", "-"),
                                f"{w.ws}/{name}"], check=False)
        for name, text in (("im", "old\n"), (".envrc", "old\n"),
                           ("ap", "old\nmore\n")):
            with open(f"{w.ws}/{name}", encoding="ascii") as file:
                self.assertEqual(file.read(), text)

    @in_each_mode
    def test_no_system_folder_home_or_shared_folder_is_a_workspace(self, w):
        for path in ("/", "/home", "/root", "/tmp", "/var/tmp", "/etc", "/usr",
                     "/usr/local", "/proc", "/dev", "/dev/shm", "/run", "/var",
                     "/boot", w.home, w.top):
            status, out = w.run(["true"], "--workspace", path, cwd="/")
            self.assertEqual(status, 125, (path, out))
            self.assertRegex(out, f"^assent: '{path}' cannot be the workspace")
            self.assertEqual(out.count("\n"), 1, out)

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    @in_each_mode
    def test_a_project_below_opt_is_a_workspace(self, w):
        top = f"/opt/assent-it-{os.getpid()}"
        os.makedirs(top + "/proj")
        try:
            w.own(top)
            status, out = w.run(["sh", "-c", "echo in > f; cat f; "
                                 "echo out > ../g"], "--workspace",
                                top + "/proj", cwd=top + "/proj")
            self.assertTrue(out.startswith("in\n"), out)
            self.assertNotEqual(status, 0)
            self.assertEqual(os.listdir(top), ["proj"])
        finally:
            shutil.rmtree(top)

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    @in_each_mode
    def test_whose_the_workspace_is_and_whether_it_is_open_is_said(self, w):
        for mode in (0, 0o555):
            os.chmod(w.ws, mode)
            status, out = w.run(["sh", "-c", "echo x > out"], cwd="/")
            self.assertNotEqual(status, 0)
            self.assertRegex(out, "you may not write there|"
                             "Permission denied")
        os.chmod(w.ws, 0o755)
        os.chown(w.ws, 12345, 12345)
        status, out = w.run(["sh", "-c", "echo x > out"], cwd="/")
        if w.uid != 0:
            self.assertEqual(status, 125, out)
            self.assertIn("you may not write there", out)
        else:
            # what root runs is its owner's, there
            self.assertEqual(os.stat(w.ws + "/out").st_uid, 12345, out)

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    @in_each_mode
    def test_a_workspace_may_be_a_mount_of_any_kind(self, w):
        write = ["sh", "-c", "echo ran > out && cat out"]
        own = f"chown {w.uid}:{w.uid} '{w.ws}'"
        status, out = mounted(
            w, f"mount -t tmpfs t '{w.ws}' && {own}", write)
        self.assertEqual((status, out), (0, "ran\n"))
        for option in ("noexec", "nosuid,nodev"):
            status, out = mounted(
                w, f"mount --bind '{w.ws}' '{w.ws}' && "
                f"mount -o remount,bind,{option} '{w.ws}'", write)
            self.assertEqual((status, out), (0, "ran\n"), option)
        w.put(w.ws + "/tool", "#!/bin/sh\necho tool\n", 0o755)
        status, out = mounted(
            w, f"mount --bind '{w.ws}' '{w.ws}' && "
            f"mount -o remount,bind,noexec '{w.ws}'", ["./tool"])
        self.assertEqual(status, 126, out)
        self.assertIn("Permission denied", out)

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    @in_each_mode
    def test_a_workspace_that_is_mounted_read_only_is_not_written(self, w):
        status, out = mounted(
            w, f"mount --bind '{w.ws}' '{w.ws}' && "
            f"mount -o remount,bind,ro '{w.ws}'",
            ["sh", "-c", "cat README; echo x > out"])
        self.assertNotEqual(status, 0)
        self.assertRegex(out, "Read-only|you may not write there")
        self.assertFalse(os.path.exists(w.ws + "/out"))

    @unittest.skipUnless(ROOT, "SKIP: needs root")
    @in_each_mode
    def test_a_workspace_on_an_overlay_is_one_or_says_why_not(self, w):
        for name in ("up", "work", "merged"):
            os.mkdir(f"{w.home}/{name}")
        w.own(w.home)
        merged = f"{w.home}/merged"
        status, out = mounted(
            w, "mount -t overlay o -o "
            f"'lowerdir={w.ws},upperdir={w.home}/up,workdir={w.home}/work' "
            f"'{merged}'", ["sh", "-c", "echo ran > out && cat out README"],
            merged)
        if status != 0:
            self.assertRegex(out, "^assent: .*owner")
        else:
            self.assertEqual(out, "ran\nread me\n")
        self.assertFalse(os.path.exists(w.ws + "/out"))

    @in_each_mode
    def test_a_workspace_that_goes_while_it_runs_is_the_runs_alone(self, w):
        with w.start(["sh", "-c", "touch there; read x; echo y > late; "
                      "echo $?; pwd"], stdin=subprocess.PIPE) as process:
            end = time.monotonic() + LONG_S
            while not os.path.exists(w.ws + "/there"):
                self.assertLess(time.monotonic(), end)
                time.sleep(0.01)
            w.outside("cd ..; mv proj old; mkdir proj; echo new > proj/file")
            out, _ = process.communicate(b"go\n", timeout=LONG_S)
        # it is where it was, under whatever name; nothing is in the new one
        self.assertEqual(os.listdir(w.ws), ["file"], out)

    @in_each_mode
    def test_a_workspace_that_is_deleted_while_it_runs_ends_in_order(self, w):
        with w.start(["sh", "-c", "touch there; read x; echo y > late; "
                      "echo status $?; exit 7"],
                     stdin=subprocess.PIPE) as process:
            end = time.monotonic() + LONG_S
            while not os.path.exists(w.ws + "/there"):
                self.assertLess(time.monotonic(), end)
                time.sleep(0.01)
            shutil.rmtree(w.ws, ignore_errors=True)
            out, _ = process.communicate(b"go\n", timeout=LONG_S)
        self.assertEqual(process.returncode, 7, out)
        self.assertFalse(os.path.exists(w.ws + "/late"))


class Limits(unittest.TestCase):
    """Profiles and commands that are larger than a run can be."""

    def sandbox(self, w, profile, *words):
        w.put(w.top + "/c.yaml", f"profiles:\n  p: {{{profile}}}\n", 0o600)
        ran = subprocess.run(
            [f"{BIN}/assent", "sandbox", "--config", w.top + "/c.yaml",
             "--profile", "p", "--workspace", w.ws, "--",
             *(words or ["sh", "-c", "echo x > out; cat out"])],
            cwd=w.ws, env=w.env(), preexec_fn=w._become,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=LONG_S, check=False)
        return ran.returncode, ran.stdout.decode("utf-8", "replace")

    def test_a_profile_with_more_than_a_plan_holds_says_how_much_that_is(self):
        many = 900
        with World(modes()[-1]) as w:
            for key, item in (("read", "/srv/x%d"), ("protect", "x%d"),
                              ("hide", "$workspace/x%d")):
                names = ", ".join(item % i for i in range(many))
                status, out = self.sandbox(w, f"{key}: [{names}]")
                self.assertEqual(status, 123, out)
                self.assertRegex(out, r"^assent: the plan has more than \d+ "
                                 "paths.*name the folders", key)
                names = ", ".join(item % i for i in range(6000))
                status, out = self.sandbox(w, f"{key}: [{names}]")
                self.assertEqual(status, 78, out)
                self.assertIn(f"{key} is a list of at most", out)
                self.assertLess(len(out), 1000)

    def test_a_thousand_patterns_and_hosts_are_held(self):
        with World(modes()[-1]) as w:
            for key, item in (("deny", '"*.x%d"'), ("network", "h%d.example")):
                names = ", ".join(item % i for i in range(1000))
                self.assertEqual(self.sandbox(w, f"{key}: [{names}]"),
                                 (0, "x\n"), key)

    def test_a_long_environment_is_refused_in_words(self):
        with World(modes()[-1]) as w:
            names = ", ".join(f'"A{i}=x"' for i in range(900))
            status, out = self.sandbox(w, f"env: [{names}]")
            self.assertEqual(status, 123, out)
            self.assertIn("more than 256 environment variables", out)
            status, out = self.sandbox(w, f'env: ["A={"x" * 200000}"]')
            self.assertEqual(status, 126, out)
            self.assertIn("Argument list too long", out)

    def test_long_commands_run_or_are_refused_in_words(self):
        with World(modes()[-1]) as w:
            for words in (["true", "y" * 131071], ["true"] + ["x" * 1000] * 1900,
                          ["sh", "-c", "true #" + "y" * (120 << 10)]):
                self.assertEqual(w.run(words), (0, ""))
            status, out = w.run(["true"] + ["x"] * 100000)
            self.assertEqual(status, 123, out)
            self.assertIn("more than 4096 words", out)

    @unittest.skipUnless(ROOT and shutil.which("strace"), "SKIP: needs strace")
    @unittest.skipIf(SANITIZED, "SKIP: a sanitizer traces, too")
    def test_no_system_call_more_for_a_larger_workspace_or_home(self):
        """What a run costs is known by what it asks of the kernel: times are
        no measure on a machine that others use."""
        with World(0) as w:
            def calls():
                out = w.top + "/trace"
                subprocess.run(
                    ["strace", "-f", "-c", "-o", out, w.helper, "--oneshot",
                     "--workspace", w.ws, "--", "true"], cwd=w.ws,
                    env=w.env(), check=True, timeout=60)
                with open(out, encoding="utf-8") as table:
                    rows = [row.split() for row in table]
                # how often somebody waits or reads anew is chance
                return {row[-1]: int(row[3]) for row in rows
                        if len(row) > 4 and row[3].isdigit() and row[-1] in
                        ("openat", "openat2", "getdents64", "statx", "mount",
                         "newfstatat", "open_tree", "move_mount", "readlink",
                         "inotify_add_watch", "landlock_add_rule")}
            few = calls()
            self.assertGreater(sum(few.values()), 50)
            for folder in (w.ws + "/many", w.home + "/many", w.home + "/.many"):
                os.mkdir(folder)
                for i in range(3000):
                    os.mknod(f"{folder}/{i}")
            for i in range(1000):
                os.mkdir(f"{w.ws}/{i}")
                os.mknod(f"{w.home}/{i}")
            many = calls()
            for name, count in many.items():
                self.assertLessEqual(count, few.get(name, 0) + 3, name)


if __name__ == "__main__":
    if not shutil.which("setpriv"):
        raise SystemExit(77)
    require_sandbox()
    unittest.main()
