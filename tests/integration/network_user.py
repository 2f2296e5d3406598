"""it.network of a plain user's daemon, where root runs the tests: what differs
there is who may do what, so not all of it is done again."""

import os
import subprocess
import sys
import tempfile

from lib_daemon import BIN, skip
from lib_sandbox import USER

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
TESTS = (
    "a_live_question_is_answered_while_the_connection_waits",
    "a_host_that_is_refused_fails_alone_and_the_agent_is_told",
    "rules_decide_on_hosts_while_a_call_runs",
    "no_answer_leads_to_metadata_or_a_private_address",
    "a_profile_limits_methods_and_bytes_and_says_so",
    "a_run_that_is_offline_has_no_proxy_and_no_way_out",
)


def main():
    if os.geteuid() != 0:
        print("it.network has run as this user already")
        return 0
    become = ["setpriv", f"--reuid={USER}", f"--regid={USER}",
              "--clear-groups"]
    if subprocess.run([*become, PYTHON, "-c", f"open('{BIN}/assentd', 'rb'); "
                       f"open('{HERE}/network.py')"], check=False,
                      stderr=subprocess.DEVNULL).returncode != 0:
        skip(f"user {USER} has no {PYTHON}, or cannot read this tree")
    with tempfile.TemporaryDirectory(prefix="assent-it-user-") as home:
        os.chown(home, USER, USER)
        env = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": home,
               "TMPDIR": home, "ASSENT_BIN": BIN,
               "ASSENT_MUST_SANDBOX":
               os.environ.get("ASSENT_MUST_SANDBOX", "")}
        return subprocess.run(
            [*become, PYTHON, "-B", "network.py",
             *(f"NetworkTest.test_{name}" for name in TESTS)],
            cwd=HERE, env=env, check=False).returncode


sys.exit(main())
