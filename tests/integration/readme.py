"""The demo works, leaves nothing behind, and says what README.md shows.

    readme.py            the test
    readme.py --print    the demo's output as it is compared
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ.get("ASSENT_SOURCE") or os.path.abspath(
    os.path.join(os.path.dirname(__file__), "../.."))

# What differs from run to run.
NORMAL = [
    (r"act_[0-9A-Z]{26}", "act_ID"),
    (r"\b[0-9a-f]{64}\b", "HASH"),
    (r"plan [0-9a-f]{10}", "plan HASH"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
    (r"/\S*/assent-demo\.\w+", "DIR"),
    (r"after \d+ ms(, denied by its sandbox: \d+)?", "after N ms"),
    (r"uid[ :]\d+", "uid N"),
    (r"^[0-9a-f]{7} ", "COMMIT "),
    (r"^ +(\d+)  TIME", r"\1  TIME"),
    (r" +$", ""),
]


def normal(text):
    lines = []
    for line in text.split("\n"):
        for pattern, name in NORMAL:
            line = re.sub(pattern, name, line)
        lines.append(line)
    return lines


def run_demo(folder, before=()):
    env = dict(os.environ, TMPDIR=folder)
    env.setdefault("ASSENT_BIN", f"{SOURCE}/build/dev/bin")
    command = ["bash", f"{SOURCE}/tests/demo/demo.sh"]
    if before:
        # what nobody may read and start
        for name in ("assent", "assent-cli", "assentd", "assent-exec",
                     "assent-proxy", "assent-reviewer"):
            shutil.copy(f"{env['ASSENT_BIN']}/{name}", folder)
        shutil.copy(command[1], folder)
        shutil.copy(f"{SOURCE}/tests/fake/provider.py", folder)
        env.update(ASSENT_BIN=folder,
                   ASSENT_PROVIDER=f"{folder}/provider.py", HOME="/nonexistent",
                   TMPDIR=f"{folder}/tmp")
        os.mkdir(env["TMPDIR"])
        shutil.chown(env["TMPDIR"], "nobody", "nogroup")
        command = [*before, "bash", f"{folder}/demo.sh"]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False, timeout=110, env=env, stdin=subprocess.DEVNULL, cwd="/")


def processes_that_name(text):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if text.encode() in file.read():
                    found.append(pid)
        except OSError:
            pass
    return found


def sessions():
    """The console blocks of README.md: lists of lines; "..." is a gap."""
    with open(f"{SOURCE}/README.md", encoding="utf-8") as file:
        text = file.read()
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        yield normal(block.rstrip("\n"))


def follows(lines, output):
    """The lines stand in output, one after the other but for gaps."""
    at = 0
    gap = True
    for line in lines:
        if line == "...":
            gap = True
            continue
        if gap:
            if line not in output[at:]:
                return line
            at = output.index(line, at) + 1
        elif at < len(output) and output[at] == line:
            at += 1
        else:
            return line
        gap = False
    return None


class Demo(unittest.TestCase):
    def test_the_demo_works_and_readme_shows_its_real_output(self):
        # a short path: sockets live below it
        with tempfile.TemporaryDirectory(prefix="a-demo.", dir="/tmp") as tmp:
            os.chmod(tmp, 0o711)
            ran = run_demo(tmp)
            output = ran.stdout.decode()
            self.assertEqual(ran.returncode, 0, output)
            self.assertEqual(os.listdir(tmp), [], "files were left behind")
            self.assertEqual(processes_that_name(tmp), [],
                             "processes were left behind")
        lines = normal(output)
        blocks = list(sessions())
        self.assertGreaterEqual(len(blocks), 1)
        for block in blocks:
            self.assertIsNone(follows(block, lines),
                              "README.md shows what the demo does not say; "
                              "it says:\n" + "\n".join(lines))

    @unittest.skipUnless(os.geteuid() == 0, "this was the plain user's run")
    def test_the_demo_works_for_a_plain_user(self):
        with tempfile.TemporaryDirectory(prefix="a-demo.", dir="/tmp") as tmp:
            os.chmod(tmp, 0o755)
            ran = run_demo(tmp, ("setpriv", "--reuid", "nobody", "--regid",
                                 "nogroup", "--clear-groups"))
            self.assertEqual(ran.returncode, 0, ran.stdout.decode())
            self.assertEqual(os.listdir(f"{tmp}/tmp"), [])
            self.assertEqual(processes_that_name(tmp), [])


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        print("\n".join(normal(run_demo("/tmp").stdout.decode())))
    else:
        unittest.main()
