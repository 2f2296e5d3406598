"""The ways out of it.network_attacks, of runs with accounts of their own: by
root's daemon, with the firewall of 'assent setup --elevated'; and of the
accounts alone, as if a sandbox had a hole."""

import os
import unittest

from lib_attacks import ADDRESSES, Host, Outside, PROBES, WaysOut
from lib_elevated import DEV_UID, Place, account, as_user, enter, setup

# What a person approves: the call's own hosts, and no others.
NAMED = ("false && curl http://web.test/ http://rebind.test/ "
         "http://meta.test/ http://back.test/; ")
CONFIG = ("profiles: {site: {base: workspace-write-online, "
          "network_only: true}}\n")
# Those that are packets: the firewall alone has to hold them.
PACKETS = ("an address by TCP", "an address by TCP over IPv6",
           "a mapped address", "a datagram", "a datagram over IPv6",
           "a broadcast", "a multicast group", "fast open", "multipath TCP",
           "SCTP", "ICMP by a raw socket", "ICMP by a ping socket", "raw IP",
           "raw IPv6", "packets of a device", "a name server of the host",
           "a tunnel to the machine", "an address by netlink",
           "a transparent connection to a name that is private")


class ElevatedAttacksTest(unittest.TestCase, WaysOut):
    @classmethod
    def setUpClass(cls):
        enter()
        cls.net = Outside()
        done = setup("--pool", "2")
        assert done.returncode == 0, done.stdout + done.stderr

    @classmethod
    def tearDownClass(cls):
        setup("--remove")
        cls.net.__exit__()

    def attack(self, named, profile):
        """Who waited outside, and the run, which was elevated."""
        self.net.forget()
        with Place(CONFIG) as d:
            for name, text in (
                    ("probes.py", PROBES),
                    ("attack", "exec python3 probes.py "
                     + " ".join(ADDRESSES))):
                with open(f"{d.project}/{name}", "w",
                          encoding="utf-8") as to:
                    to.write(text)
            with Host(d.project + "/host.sock") as host:
                body = d.agent("POST", "/v1/actions", {
                    "tool": "shell",
                    "input": {"script": named + "sh attack"},
                    "workspace": d.project, "cwd": d.project,
                    "execute": True, "profile": profile},
                    {"Prefer": "wait=0"})[1]
                if body["state"] == "pending":
                    self.assertEqual(d.answer(body["id"], "allow")[0], 200)
                body = d.agent("GET", f"/v1/actions/{body['id']}",
                               headers={"Prefer": "wait=60"}, timeout=90)[1]
            self.assertEqual(body["state"], "done", body)
            self.assertEqual(body["mode"], "elevated")
            return host, body["outcome"]["stdout"]

    def test_no_way_leads_out_of_an_elevated_run_that_is_offline(self):
        self.check_offline(self.net, *self.attack("", "workspace-write"))

    def test_an_elevated_run_reaches_its_named_hosts_and_nothing_else(self):
        self.check_named(self.net, *self.attack(NAMED, "site"))

    def test_the_firewall_alone_holds_every_packet_of_the_accounts(self):
        """With no sandbox at all; and without it the ways are open."""
        place = os.path.dirname(self.net.top)
        with open(f"{place}/probes.py", "w", encoding="utf-8") as to:
            to.write(PROBES)

        def outside(uid, gid, ways):
            self.net.forget()
            return as_user(uid, "python3", f"{place}/probes.py", *ADDRESSES,
                           *ways, gid=gid, cwd="/").stdout
        for name in ("assent-offline", "assent-online", "assent-online-2"):
            out = outside(*account(name), PACKETS)
            self.assertEqual(out.count("held "), len(PACKETS), name + out)
            self.assertEqual((self.net.reached, self.net.asked), ([], []))
        ways = ("an address by TCP", "an address by TCP over IPv6",
                "a name server of the host")
        self.assertEqual(outside(DEV_UID, DEV_UID, ways).count("OUT "), 3)


if __name__ == "__main__":
    unittest.main()
