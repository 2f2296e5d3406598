"""Ways out of a run that is offline, and of one that reaches two named hosts:
each is tried from inside, and whoever would have been reached counts."""

import shutil
import subprocess
import unittest

from lib_attacks import ADDRESSES, Host, Outside, PROBES, WaysOut
from lib_sandbox import BIN, World, modes, require_sandbox

NAMED = ("--host", "web.test:80", "--host", "rebind.test:80",
         "--host", "meta.test", "--host", "back.test")


class AttacksTest(unittest.TestCase, WaysOut):
    @classmethod
    def setUpClass(cls):
        cls.net = Outside()

    @classmethod
    def tearDownClass(cls):
        cls.net.__exit__()

    def attack(self, *options):
        """Who waited outside and what came of it, in each mode."""
        for uid in modes():
            self.net.forget()
            with World(uid) as w:
                shutil.copy(BIN + "/assent-proxy", w.top)
                w.put(w.ws + "/probes.py", PROBES)
                with Host(w.ws + "/host.sock") as host:
                    status, out = w.run(
                        ["python3", "probes.py", *ADDRESSES], *options)
                self.assertEqual(status, 0, out)
                yield host, out

    def test_no_way_leads_out_of_a_run_that_is_offline(self):
        for host, out in self.attack():
            self.check_offline(self.net, host, out)

    def test_a_run_with_named_hosts_reaches_them_and_nothing_else(self):
        for host, out in self.attack(
                "--profile", "workspace-write-online", *NAMED):
            self.check_named(self.net, host, out)

    def test_the_ways_are_open_where_nothing_holds_them(self):
        """Else the other tests would say nothing."""
        names = ("an address by TCP", "an address by TCP over IPv6",
                 "a mapped address", "multipath TCP", "the kernel's ciphers",
                 "a socket of the host in the workspace",
                 "an abstract socket of the host",
                 "a name server of the host", "ICMP by a raw socket",
                 "a transparent connection to a name that is private")
        with World(modes()[0]) as w:
            w.put(w.ws + "/probes.py", PROBES)
            with Host(w.ws + "/host.sock"):
                out = subprocess.run(
                    ["python3", "probes.py", *ADDRESSES, *names], cwd=w.ws, stdout=subprocess.PIPE,
                    text=True, check=True, timeout=60).stdout
        held = [n for n in names if f"OUT {n}\n" not in out]
        # A plain user has no raw sockets, a kernel not every protocol.
        self.assertLessEqual(
            set(held), {"ICMP by a raw socket", "the kernel's ciphers",
                        "multipath TCP"}, out)


if __name__ == "__main__":
    require_sandbox()
    unittest.main()
