#!/usr/bin/env python3
"""
assent-proxy alone: real clients and servers in namespaces of their own, and
what a run must not get through it. Each test is a sentence; all of them share
one world.
"""

import hashlib
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import lib_proxy as lib
from lib_proxy import ASK, Proxy, allow, deny

HELLO = b"hello from the web\n"


class Tests:
    def __init__(self, world):
        self.world = world
        self.seen = []
        world.serve(lib.WEB, 80, lib.http_server(self.seen))
        world.serve(lib.WEB, 7, lib.echo)
        world.serve(lib.WEB6, 80, lib.http_server(self.seen))
        world.serve(lib.PRIVATE, 80, lib.http_server(self.seen, b"private\n"))
        world.serve(lib.METADATA, 80, lib.http_server(self.seen, b"SECRET\n"))
        with world.machine:
            world.serve("127.0.0.1", 80, lib.http_server(self.seen, b"own\n"),
                        where=world.machine)
            world.serve(lib.MACHINE, 80, lib.http_server(self.seen, b"own\n"),
                        where=world.machine)
        self.make_certificates()
        self.serve_tls()

    def make_certificates(self):
        top = self.world.top
        lib.sh(f"""cd {top}
        openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem \
            -out cert.pem -days 2 -subj /CN=web.test \
            -addext 'subjectAltName=DNS:web.test,DNS:*.web.test' 2>/dev/null
        """)
        self.cert = top + "/cert.pem"

    def serve_tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.world.top + "/key.pem")
        for port in (443, 8443):
            self.world.serve(
                lib.WEB, port, lib.http_server(self.seen),
                wrap=lambda s: context.wrap_socket(s, server_side=True))

    def proxy(self, *rules, **options):
        self.seen.clear()
        self.world.asked.clear()
        return Proxy(self.world, list(rules), **options)

    def denied(self, proxy, says):
        event = proxy.event()
        assert not event["allow"], event
        assert says in event["reason"], event
        return event

    # ---- plain requests

    def plain_requests_pass_by_every_door(self):
        with self.proxy(allow("web.test:80")) as proxy:
            for kind, extra in (("http", []), ("http", ["-p"]),
                                ("socks", [])):
                self.seen.clear()
                got = proxy.curl(*extra, "http://web.test/a?b=1", kind=kind)
                assert got.stdout == HELLO, got
                event = proxy.event()
                assert event["allow"] and event["host"] == "web.test", event
                assert event["address"] == lib.WEB, event
                assert event["method"] == "GET", event
                assert event["down"] == len(got.stdout), event
                assert event["by"] == "web.test:80", event
                first, fields, _ = self.seen[0]
                assert first == "GET /a?b=1 HTTP/1.1", first
                assert "proxy-connection" not in fields, fields
            got = proxy.curl("http://other.test/", "-w", "%{http_code}")
            assert got.stdout.endswith(b"403"), got
            event = self.denied(proxy, "no network rule allows GET")
            assert event["host"] == "other.test", event
            proxy.no_more_events()

    def bodies_are_passed_on_whole(self):
        big = os.urandom(300000)
        path = self.world.top + "/big"
        with open(path, "wb") as to:
            to.write(big)
        with self.proxy(allow("web.test:80")) as proxy:
            got = proxy.curl("--data-binary", "@" + path, "-H",
                             "Content-Type: x/y", "http://web.test/up")
            assert got.stdout == HELLO, got
            assert self.seen[0][2] == big
            assert proxy.event()["up"] == len(big)
            # chunks, as they come
            chunked = []

            def raw(sock):
                data = lib.read_head(sock)
                while not data.endswith(b"0\r\n\r\n"):
                    data += sock.recv(65536)
                chunked.append(data)
                sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
                             b"\r\n\r\n3\r\nabc\r\n0\r\n\r\nGARBAGE")
            self.world.serve(lib.WEB, 81, raw)
        with self.proxy(allow("web.test:81")) as proxy:
            got = proxy.curl("-H", "Transfer-Encoding: chunked", "-T", path,
                             "http://web.test:81/")
            assert got.stdout == b"abc", got
            assert b"Transfer-Encoding: chunked" in chunked[0]

    def a_client_may_wait_for_100_before_its_body(self):
        def patient(sock):
            head = lib.read_head(sock)
            assert b"Expect: 100-continue" in head, head
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            data = b""
            while len(data) < 5:
                data += sock.recv(5)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
                         + data)
        self.world.serve(lib.WEB, 89, patient)
        with self.proxy(allow("web.test:89")) as proxy:
            got = proxy.curl("-H", "Expect: 100-continue", "-d", "12345",
                             "--expect100-timeout", "15",
                             "http://web.test:89/")
            assert got.stdout == b"12345", got
            assert proxy.event()["ms"] < 10000

    def answers_of_every_framing_end_where_they_end(self):
        answers = {
            82: b"HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n",
            83: b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
            84: b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                b"Content-Length: 4\r\n\r\nwhole, and more than was said",
            85: b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n",
        }
        for port, answer in answers.items():
            def handle(sock, answer=answer):
                lib.read_head(sock)
                sock.sendall(answer)
            self.world.serve(lib.WEB, port, handle)
        with self.proxy(allow("web.test:80-90")) as proxy:
            def get(port):
                return proxy.http(b"GET http://web.test:%d/ HTTP/1.1\r\n"
                                  b"Host: web.test:%d\r\n\r\n" % (port, port))
            assert get(82).endswith(b"close\r\n\r\n")
            assert get(83).endswith(b"\r\n\r\nuntil the end")
            assert get(84).endswith(b"\r\n\r\nwhol"), get(84)
            assert get(85).endswith(b"close\r\n\r\n")
            got = proxy.curl("-I", "http://web.test/")  # a length, no body
            assert b"Content-Length: 19" in got.stdout, got

    def a_second_request_is_never_sent(self):
        with self.proxy(allow("web.test:80")) as proxy:
            one = b"GET http://web.test/1 HTTP/1.1\r\nHost: web.test\r\n\r\n"
            two = b"GET http://evil.test/2 HTTP/1.1\r\nHost: evil.test\r\n\r\n"
            assert proxy.http(one + two).count(b"HTTP/1.1 ") == 1
            proxy.event()
            proxy.http(b"POST http://web.test/3 HTTP/1.1\r\nHost: web.test\r\n"
                       b"Content-Length: 2\r\n\r\nab" + two)
            proxy.event()
            assert [s[0] for s in self.seen] == [
                "GET /1 HTTP/1.1", "POST /3 HTTP/1.1"], self.seen
            proxy.no_more_events()

    def malformed_requests_reach_nobody(self):
        host = b"Host: web.test\r\n"
        get = b"GET http://web.test/ HTTP/1.1\r\n"
        bad = {
            b"GET / HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"GET ftp://web.test/ HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"GET https://web.test/ HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"GET http://u@web.test/ HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"GET http://evil.test@web.test/ HTTP/1.1\r\n" + host
            + b"\r\n": 400,
            b"GET http://web.test/#x HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"GET http://web.test:0/ HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"GET http://web.test:99999/ HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"GET http:///x HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"GET  http://web.test/ HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"GET http://web.test/ a HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"GET http://web.test/ HTTP/2.0\r\n" + host + b"\r\n": 400,
            b"get http://web.test/ HTTP/1.1\r\n" + host + b"\r\n": 400,
            get + b"\r\n": 400,
            get + host + host + b"\r\n": 400,
            get + b"Host: evil.test\r\n\r\n": 403,
            get + b"Host: web.test:81\r\n\r\n": 403,
            get + b"Host : web.test\r\n\r\n": 400,
            get + b" Host: web.test\r\n\r\n": 400,
            get + host + b"A: b\r\n c\r\n\r\n": 400,
            get + host + b"A\x00b: c\r\n\r\n": 400,
            get + host + b"A: b\x00c\r\n\r\n": 400,
            get + host + b"A: b\rc\r\n\r\n": 400,
            get + host + b"A: b\nC: d\r\n\r\n": 400,
            get + host + b": b\r\n\r\n": 400,
            get + host + b"nothing\r\n\r\n": 400,
            get + host + b"Content-Length: 1\r\nContent-Length: 1\r\n"
            b"\r\na": 400,
            get + host + b"Content-Length: 1\r\nTransfer-Encoding: chunked"
            b"\r\n\r\n0\r\n\r\n": 400,
            get + host + b"Content-Length: -1\r\n\r\n": 400,
            get + host + b"Content-Length: +1\r\n\r\na": 400,
            get + host + b"Content-Length: 1, 1\r\n\r\na": 400,
            get + host + b"Content-Length: 0x1\r\n\r\na": 400,
            get + host + b"Content-Length: 99999999999999999999\r\n\r\n": 400,
            get + host + b"Transfer-Encoding: gzip, chunked\r\n\r\n": 400,
            get + host + b"Transfer-Encoding: xchunked\r\n\r\n": 400,
            get + host + b"Transfer-Encoding: chunked\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n": 400,
            b"GET http://web.test/ HTTP/1.0\r\n" + host
            + b"Transfer-Encoding: chunked\r\n\r\n": 400,
            get + host + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n": 400,
            get + host + b"Transfer-Encoding: chunked\r\n\r\n"
            b"1;x=y\r\na\r\n0\r\n\r\n": 400,
            get + host + b"Transfer-Encoding: chunked\r\n\r\n"
            b"1\na\n0\n\n": 400,
            get + host + b"Transfer-Encoding: chunked\r\n\r\n"
            b"0\r\nHost: evil.test\r\n\r\n": 400,
            get + host + b"X: " + b"a" * 40000 + b"\r\n\r\n": 431,
            get + host + b"X: y\r\n" * 200 + b"\r\n": 431,
            b"CONNECT web.test HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"CONNECT web.test:0 HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"CONNECT web.test:80:80 HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"CONNECT http://web.test:80 HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"CONNECT ::1:80 HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"CONNECT [::1%25lo]:80 HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"CONNECT we\x00b.test:80 HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"CONNECT w\xc3\xa9b.test:80 HTTP/1.1\r\n" + host + b"\r\n": 400,
            b"CONNECT " + b"a" * 300 + b":80 HTTP/1.1\r\n\r\n": 400,
            b"CONNECT web.test:80 HTTP/1.1\r\nContent-Length: 5\r\n\r\n": 400,
            b"\x16\x03\x01\x00\x05hello": 400,
            b"\x05\x01\x00": 400,
            b"\r\n\r\n": 400,
            b"\x00" * 64: 400,
        }
        with self.proxy(allow("*:*")) as proxy:
            for request, status in bad.items():
                self.seen.clear()
                answer = proxy.http(request)
                assert answer.startswith(b"HTTP/1.1 %d " % status), (
                    request[:200], answer)
                assert b"\r\n\r\nassent: " in answer, answer
                event = proxy.event()
                assert not event["allow"] or event["reason"], (request, event)
                assert not any(s[0].endswith("HTTP/1.1") and "evil" in s[1]
                               .get("host", "") for s in self.seen), self.seen
            assert proxy.curl("http://web.test/").stdout == HELLO

    def spellings_of_loopback_lead_nowhere(self):
        with self.proxy(allow("*:*")) as proxy:
            for host in ("127.0.0.1", "127.1", "2130706433", "0x7f000001",
                         "0177.0.0.1", "017700000001", "0", "0.0.0.0",
                         "[::1]", "[::]", "[::ffff:127.0.0.1]",
                         "[::ffff:7f00:1]", "[::127.0.0.1]",
                         "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]",
                         "localhost", "LOCALHOST.", "127.0.0.1.",
                         "169.254.169.254", "[::ffff:169.254.169.254]",
                         "[fd00:ec2::254]", "10.9.9.9", "100.64.0.1",
                         "[fe80::1]", "224.0.0.1", "255.255.255.255",
                         lib.MACHINE, "[2606:2800::2]"):
                answer = proxy.http(f"GET http://{host}/ HTTP/1.1\r\nHost: "
                                    f"{host}\r\n\r\n".encode())
                status = answer.split(b" ")[1]
                assert status in (b"403", b"400"), (host, answer)
                assert not proxy.event()["allow"], host
                sock, first = proxy.tunnel(f"{host}:443")
                sock.close()
                assert b" 403 " in first or b" 400 " in first, (host, first)
                proxy.event()
            assert not self.seen, self.seen
            assert not self.world.asked, self.world.asked

    # ---- names and addresses

    def an_allowed_name_does_not_lead_inside(self):
        world = self.world
        world.names.update({
            "private.test": [lib.PRIVATE], "meta.test": [lib.METADATA],
            "loop.test": ["127.0.0.1", "::1"], "own.test": [lib.MACHINE],
            "mapped.test": ["::ffff:127.0.0.1"], "zero.test": ["0.0.0.0"],
            "mixed.test": [lib.METADATA, lib.WEB],
        })
        with self.proxy(allow("*:80")) as proxy:
            for name, why in (("private", "(private)"),
                              ("meta", "metadata service"),
                              ("loop", "(loopback)"),
                              ("mapped", "(loopback)"),
                              ("zero", "(reserved)"),
                              ("own", "machine's own")):
                got = proxy.curl(f"http://{name}.test/", "-w",
                                 "%{http_code}")
                assert got.stdout.endswith(b"403"), got
                self.denied(proxy, why)
            got = proxy.curl("http://mixed.test/")
            assert got.stdout == HELLO and len(self.seen) == 1
            assert proxy.event()["address"] == lib.WEB
        with self.proxy(allow("private.test:80", private=True),
                        allow("10.0.0.0/8:80"),
                        allow("169.254.169.254:80")) as proxy:
            assert proxy.curl("http://private.test/").stdout == b"private\n"
            assert proxy.curl("http://10.9.9.9/").stdout == b"private\n"
            assert proxy.curl(
                "http://169.254.169.254/").stdout == b"SECRET\n"

    def a_name_does_not_move_while_it_is_used(self):
        def rebind(asked):
            return [lib.WEB] if asked <= 2 else ["127.0.0.1"]
        self.world.names["rebind.test"] = rebind
        with self.proxy(allow("rebind.test:80")) as proxy:
            for _ in range(5):
                got = proxy.curl("http://rebind.test/")
                assert got.stdout == HELLO, got
                assert proxy.event()["address"] == lib.WEB
            assert self.world.asked.count("rebind.test") == 2  # A and AAAA

    def a_redirect_inside_is_a_new_request(self):
        def redirect(sock):
            lib.read_head(sock)
            sock.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://"
                         b"169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n")
        self.world.serve(lib.WEB, 86, redirect)
        with self.proxy(allow("*:*")) as proxy:
            got = proxy.curl("-L", "http://web.test:86/", "-w",
                             "%{http_code}")
            assert got.stdout.endswith(b"403"), got
            assert proxy.event()["allow"]
            self.denied(proxy, "metadata service")

    def hosts_of_the_machine_and_v6_are_reached(self):
        self.world.names["six.test"] = [lib.WEB6]
        self.world.serve(lib.OTHER, 80, lib.http_server(self.seen, b"file\n"))
        with self.proxy(allow("*:80")) as proxy:
            assert proxy.curl("http://fromhosts.test/").stdout == b"file\n"
            assert proxy.curl("http://six.test/").stdout == HELLO
            assert proxy.curl(f"http://[{lib.WEB6}]/").stdout == HELLO
            got = proxy.curl("http://nowhere.test/", "-w", "%{http_code}")
            assert got.stdout.endswith(b"502"), got
            for _ in range(3):
                proxy.event()
            event = proxy.event()
            assert event["allow"] and "no such name" in event["reason"], event

    def a_name_that_may_be_private_does_not_lead_to_this_machine(self):
        own = "10.9.8.7"
        self.world.names["here.test"] = [own]
        with self.world.machine:
            lib.sh(f"ip addr add {own}/32 dev m0")
            self.world.serve(own, 80, lib.http_server(self.seen, b"own\n"),
                             where=self.world.machine)
        with self.proxy(allow("here.test:80", private=True)) as proxy:
            proxy.curl("http://here.test/")
            self.denied(proxy, "machine's own")
        with self.proxy(allow("here.test:80", private=True),
                        allow(own + ":80")) as proxy:
            assert proxy.curl("http://here.test/").stdout == b"own\n"
            assert proxy.curl(f"http://{own}/").stdout == b"own\n"

    def a_request_is_one_after_blank_lines_and_however_long(self):
        self.world.serve(lib.WEB, 8090, lib.http_server(self.seen))
        for start, says in ((b"\r\n\r\nGET /x", "does not begin"),
                            (b"\nGET /x", "does not begin"),
                            (b"GET /" + b"x" * 40000, "too long")):
            with self.proxy(allow("web.test:8090")) as proxy:
                with self.world.run:
                    sock = proxy.connect("http")
                sock.sendall(b"CONNECT web.test:8090 HTTP/1.1\r\n"
                             b"Host: web.test:8090\r\n\r\n")
                assert b" 200 " in lib.read_head(sock)
                sock.sendall(start + b" HTTP/1.1\r\nHost: evil.test\r\n\r\n")
                self.denied(proxy, says)
                assert not self.seen, self.seen
                sock.close()

    def names_of_other_alphabets_are_shown_in_punycode(self):
        with self.proxy(allow("web.test:80")) as proxy:
            with proxy.connect("socks") as sock:
                name = "wеb.test".encode()  # a Cyrillic letter
                sock.sendall(b"\x05\x01\x00\x05\x01\x00\x03"
                             + bytes([len(name)]) + name + b"\x01\xbb")
                assert sock.recv(2) == b"\x05\x00"
                got = sock.recv(10)
                assert got[1] == 2, (got, proxy.event())
            assert proxy.event()["host"] == "xn--wb-nlc.test"

    # ---- tunnels

    def tls_passes_when_it_names_the_host(self):
        with self.proxy(allow("web.test:443"),
                        allow("*.web.test:8443")) as proxy:
            for kind in ("http", "socks"):
                got = proxy.curl("--cacert", self.cert, "https://web.test/",
                                 kind=kind)
                assert got.stdout == HELLO, got
                event = proxy.event()
                assert event["protocol"] == "tls" and event["allow"], event
                assert event["up"] > 300 and event["down"] > 1000, event
            # a certificate that fails is the client's to refuse
            got = proxy.curl("https://web.test/")
            assert got.returncode == 60, got
            assert proxy.event()["allow"]

    def tls_for_another_host_is_cut(self):
        def hello(name):
            context = ssl.create_default_context(cafile=self.cert)
            context.check_hostname = False
            out = ssl.MemoryBIO()
            tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            return out.read()

        def first_bytes(proxy, data, cut=None):
            sock, first = proxy.tunnel("web.test:443")
            assert b" 200 " in first, first
            for at in range(0, len(data), cut or len(data)):
                sock.sendall(data[at:at + (cut or len(data))])
            answer = sock.recv(5)
            sock.close()
            return answer

        def records(data, size):
            """The same hello in many records."""
            body = data[5:]
            return b"".join(
                b"\x16\x03\x01" + struct.pack(">H", len(body[at:at + size]))
                + body[at:at + size] for at in range(0, len(body), size))

        def with_ech(data):
            """An extension more, and every length that holds it."""
            more = b"\xfe\x0d\x00\x04\x00\x01\x02\x03"
            body = bytearray(data[9:])
            at = 34
            at += 1 + body[at]
            at += 2 + struct.unpack(">H", body[at:at + 2])[0]
            at += 1 + body[at]
            size = struct.unpack(">H", body[at:at + 2])[0] + len(more)
            body[at:at + 2] = struct.pack(">H", size)
            body += more
            return (b"\x16\x03\x01" + struct.pack(">H", len(body) + 4) + b"\x01"
                    + struct.pack(">I", len(body))[1:] + bytes(body))

        good, bad = hello("web.test"), hello("evil.test")
        with self.proxy(allow("web.test:443")) as proxy:
            for data, cut in ((good, None), (good, 7), (records(good, 40), 13),
                              (hello("WEB.test"), None)):
                assert first_bytes(proxy, data, cut)[:1] == b"\x16"
                assert proxy.event()["allow"]
            for data, cut, why in (
                    (bad, None, "names evil.test"),
                    (bad, 7, "names evil.test"),
                    (records(bad, 3), 11, "names evil.test"),
                    (hello(None), None, "names no host"),
                    (with_ech(good), None, "encrypted part"),
                    (b"\x16\x03\x01\x00\x00", None, "malformed"),
                    (b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00", None,
                     "malformed"),
                    (b"GET / HTTP/1.1\r\nHost: web.test\r\n\r\n", None,
                     "takes TLS"),
                    (b"SSH-2.0-x\r\n", None, "takes TLS")):
                answer = first_bytes(proxy, data, cut)
                assert answer[:1] in (b"\x15", b""), (why, answer)
                self.denied(proxy, why)
        with self.proxy(allow("web.test:443"), flags=1) as proxy:
            first_bytes(proxy, with_ech(good))
            assert proxy.event()["allow"]
        # Where the host is named for it, and then the name must agree.
        with self.proxy(allow("web.test:443"), allow("other.test:443"),
                        hiding=[allow("web.test:443")]) as proxy:
            first_bytes(proxy, with_ech(good))
            assert proxy.event()["allow"]
            first_bytes(proxy, with_ech(bad))
            self.denied(proxy, "names evil.test")
        with self.proxy(allow("web.test:443"),
                        hiding=[allow("other.test:443")]) as proxy:
            first_bytes(proxy, with_ech(good))
            self.denied(proxy, "encrypted part")
        # To be named for it allows nothing.
        with self.proxy(allow("other.test:443"),
                        hiding=[allow("web.test:443")]) as proxy:
            sock = proxy.connect()
            sock.sendall(b"CONNECT web.test:443 HTTP/1.1\r\n"
                         b"Host: web.test:443\r\n\r\n")
            assert b" 403 " in sock.recv(4096)
            sock.close()

    def other_protocols_pass_where_a_rule_lets_them(self):
        with self.proxy(allow("web.test:7-8"), allow("web.test:8443"),
                        allow("web.test:80", protocol=lib.HTTP),
                        allow("web.test:443", protocol=lib.TCP)) as proxy:
            sock, first = proxy.tunnel("web.test:7")
            sock.sendall(b"SSH-2.0-test\r\n")
            assert sock.recv(100) == b"SSH-2.0-test\r\n"
            sock.shutdown(socket.SHUT_WR)  # half closed, then whole
            assert sock.recv(100) == b""
            assert proxy.event()["protocol"] == "tcp"
            # a server that speaks first, and ends, before the client did
            self.world.serve(lib.WEB, 8, lambda s: s.sendall(b"220 hi\r\n"))
            sock, first = proxy.tunnel("web.test:8")
            assert lib.read_all(sock) == b"220 hi\r\n"
            sock.close()
            assert proxy.event()["down"] == 8
            sock, first = proxy.tunnel("web.test:443")
            assert b" 200 " in first  # seen by nobody, as the rule says
            sock.sendall(b"\x00\x01")
            sock.close()
            assert proxy.event()["protocol"] == "tcp"
            got = proxy.curl("-p", "http://web.test:7/", "-m", "5")
            event = proxy.event()
            assert event["protocol"] == "http", (got, event)
            sock, first = proxy.tunnel("web.test:80")
            sock.sendall(b"SSH-2.0-test\r\n")
            assert lib.read_all(sock).startswith(b"HTTP/1.1 400 ")
            self.denied(proxy, "malformed")

    def a_request_in_a_tunnel_names_its_host(self):
        with self.proxy(allow("web.test:*"), kinds=("http", "socks")) as proxy:
            self.world.serve(lib.WEB, 87, lib.http_server(self.seen))
            for port in (80, 87):
                for head, status in (
                        (b"GET / HTTP/1.1\r\nHost: web.test", 200),
                        (b"GET / HTTP/1.1\r\nHost: evil.test", 403),
                        (b"GET http://evil.test/ HTTP/1.1\r\nHost: web.test",
                         400),
                        (b"GET / HTTP/1.1\r\nX: y", 400),
                        (b"GET / HTTP/1.0\r\nX: y", 400)):
                    if port == 87:
                        head = head.replace(b".test", b".test:87")
                    sock, first = proxy.tunnel(f"web.test:{port}")
                    sock.sendall(head + b"\r\n\r\n")
                    answer = lib.read_all(sock)
                    assert answer.startswith(b"HTTP/1.1 %d " % status), (
                        port, head, answer)
                    sock.close()
                    assert proxy.event()["allow"] == (status == 200)
            assert all("evil" not in str(s) for s in self.seen), self.seen

    def methods_are_limited_where_they_can_be_seen(self):
        with self.proxy(allow("web.test:80", methods=("GET", "HEAD")),
                        allow("web.test:443", methods=("GET",)),
                        deny("web.test:8443", methods=("POST",)),
                        allow("web.test:8443")) as proxy:
            assert proxy.curl("http://web.test/").stdout == HELLO
            assert proxy.event()["method"] == "GET"
            for kind in ("http", "socks"):
                got = proxy.curl("-d", "x", "http://web.test/", "-w",
                                 "%{http_code}", kind=kind)
                assert got.stdout.endswith(b"403"), got
                assert self.denied(proxy, "POST")["method"] == "POST"
            for port in (443, 8443):  # what cannot be seen is not a GET
                got = proxy.curl("--cacert", self.cert,
                                 f"https://web.test:{port}/")
                assert got.returncode != 0, got
                self.denied(proxy, "")
            assert len(self.seen) == 1, self.seen

    def socks_refuses_what_it_does_not_carry(self):
        hello = b"\x05\x01\x00"
        web = b"\x03\x08web.test\x00\x50"
        cases = (
            (hello + b"\x05\x02\x00" + web, b"\x05\x00\x05\x07", "CONNECT"),
            (hello + b"\x05\x03\x00" + web, b"\x05\x00\x05\x07", "UDP"),
            (hello + b"\x05\x03\x00\x01" + bytes(6), b"\x05\x00\x05\x07",
             "UDP"),
            (hello + b"\x05\x01\x00\x02" + bytes(6), b"\x05\x00\x05\x08",
             "kind"),
            (hello + b"\x05\x01\x00\x03\x00\x00\x50", b"\x05\x00\x05\x01",
             "without a name"),
            (hello + b"\x05\x01\x00\x03\x08web.test\x00\x00",
             b"\x05\x00\x05\x01", "port"),
            (hello + b"\x05\x01\x00\x03\x05a\x00b.c\x00\x50",
             b"\x05\x00\x05\x01", "character"),
            (hello + b"\x05\x01\x01" + web, b"\x05\x00\x05\x01", "malformed"),
            (hello + b"\x04\x01\x00" + web, b"\x05\x00\x05\x01", "malformed"),
            (b"\x05\x01\x02", b"\x05\xff", "log in"),
            (b"\x04\x01\x00\x50\x01\x02\x03\x04\x00", b"", "version 4"),
            (hello + b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50",
             b"\x05\x00\x05\x02", "rule"),
            (hello + b"\x05\x01\x00\x03\x09127.0.0.1\x00\x50",
             b"\x05\x00\x05\x02", "rule"),
        )
        with self.proxy(allow("web.test:80")) as proxy:
            for data, answer, why in cases:
                with proxy.connect("socks") as sock:
                    sock.sendall(data)
                    got = lib.read_all(sock)
                assert got.startswith(answer) and bool(got) == bool(answer), (
                    data, got)
                event = self.denied(proxy, why)
                assert (event["protocol"] == "udp") == ("UDP" in why), event

    # ---- names inside

    def dns(self, proxy, name, kind=1, tcp=False, raw=None):
        query = raw
        if query is None:
            query = b"\x12\x34\x01\x00\x00\x01" + bytes(6)
            for label in name.split("."):
                query += bytes([len(label)]) + label.encode()
            query += b"\x00" + struct.pack(">HH", kind, 1)
        with self.world.run:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp
                                 else socket.SOCK_DGRAM)
        with sock:
            sock.settimeout(1)
            sock.connect(("127.0.0.1", 53))
            if tcp:
                sock.sendall(struct.pack(">H", len(query)) + query)
                size = struct.unpack(">H", sock.recv(2))[0]
                answer = sock.recv(size)
            else:
                sock.send(query)
                try:
                    answer = sock.recv(600)
                except TimeoutError:
                    return None
        assert answer[:2] == query[:2]
        rcode, count = answer[3] & 15, struct.unpack(">H", answer[6:8])[0]
        if count == 0:
            return rcode
        return socket.inet_ntoa(answer[-4:])

    def the_name_service_tells_allowed_names_only(self):
        with self.proxy(allow("web.test:80"), allow("*.sub.test:443"),
                        deny("bad.sub.test:*"),
                        kinds=("http", "dns_udp", "dns_tcp")) as proxy:
            def ask(*words, **more):
                return self.dns(proxy, *words, **more)
            first = ask("web.test")
            assert first.startswith("127.64."), first
            assert ask("WEB.test") == first and ask("web.test",
                                                    tcp=True) == first
            assert ask("a.sub.test") not in (first, 3)
            assert ask("bad.sub.test") == 3
            assert ask("sub.test") == 3
            assert ask("localhost") == "127.0.0.1"
            for kind in (16, 28, 15, 33, 65, 255, 12, 6):
                assert ask("web.test", kind) == 0
                assert ask("secret.evil.test", kind) == 3
            assert ask("x" * 63 + ".evil.test") == 3
            event = proxy.event()
            assert event["protocol"] == "dns" and not event["allow"], event
            # malformed, and nothing comes back for what looks like an answer
            head = b"\x12\x34\x01\x00\x00\x01" + bytes(6)
            for raw, answer in (
                    (head + b"\x40" + b"a" * 64 + b"\x00\x00\x01\x00\x01", 1),
                    (head + b"\xc0\x0c\x00\x01\x00\x01", 1),
                    (head + b"\x03web", 1), (head, 1),
                    (head + b"\x03a.b\x00\x00\x01\x00\x01", 1),
                    (head + b"\x03a\x00b\x00\x00\x01\x00\x01", 1),
                    (b"\x12\x34\x01\x00\x00\x02" + bytes(6), 1),
                    (b"\x12\x34\x81\x80\x00\x01" + bytes(6), None),
                    (b"\x12\x34", None)):
                assert ask("", raw=raw) == answer, raw
            assert not self.world.asked, self.world.asked

    def programs_without_a_proxy_come_by_the_transparent_door(self):
        with self.proxy(allow("web.test:80"), allow("web.test:443"),
                        allow("echo.test:7"), kinds=("dns_udp", "dns_tcp"),
                        ports=(80, 443, 7)) as proxy:
            self.world.names["echo.test"] = [lib.WEB]
            web, echo = self.dns(proxy, "web.test"), self.dns(proxy,
                                                              "echo.test")

            def curl(url, *more):
                return self.world.run.run(
                    ["curl", "-sS", "-m", "10", "--noproxy", "*", "--resolve",
                     f"web.test:80:{web}", "--resolve", f"web.test:443:{web}",
                     "--resolve", f"evil.test:443:{web}", *more, url],
                    capture_output=True)
            assert curl("http://web.test/").stdout == HELLO
            assert proxy.event()["host"] == "web.test"
            got = curl("https://web.test/", "--cacert", self.cert)
            assert got.stdout == HELLO, got
            assert proxy.event()["protocol"] == "tls"
            got = curl("http://web.test/", "-H", "Host: evil.test", "-w",
                       "%{http_code}")
            assert got.stdout.endswith(b"403"), got
            self.denied(proxy, "names evil.test")
            assert curl("https://evil.test/", "-k").returncode != 0
            self.denied(proxy, "names evil.test")
            with proxy.connect(address=(echo, 7)) as sock:
                sock.sendall(b"ping")
                assert sock.recv(10) == b"ping"
            assert proxy.event()["host"] == "echo.test"
            for address in (("127.0.0.1", 80), ("127.64.9.9", 80)):
                with proxy.connect(address=address) as sock:
                    assert lib.read_all(sock) == b""
                self.denied(proxy, "nobody asked for a name")
            with proxy.connect(address=(echo, 80)) as sock:
                sock.sendall(b"GET / HTTP/1.1\r\nHost: echo.test\r\n\r\n")
                assert b" 403 " in lib.read_all(sock)

    # ---- questions

    def an_unknown_host_is_asked_about_once(self):
        with self.proxy(otherwise=ASK) as proxy:
            results = []

            def fetch():
                results.append(proxy.curl("http://web.test/").stdout)
            threads = [threading.Thread(target=fetch) for _ in range(8)]
            for thread in threads:
                thread.start()
            question = proxy.ask()
            assert question["host"] == "web.test", question
            assert question["port"] == 80 and question["address"] is None
            proxy.no_more_events(0.3)
            assert not proxy.asks, proxy.asks
            # nothing is looked up before somebody said yes: a lookup alone
            # would carry a secret out
            assert not self.world.asked, self.world.asked
            proxy.verdict(question["ticket"], True)
            for thread in threads:
                thread.join()
            assert results == [HELLO] * 8, results
            for _ in range(8):
                event = proxy.event()
                assert event["allow"] and event["by"] == "user:dev", event
            assert proxy.curl("http://web.test/").stdout == HELLO
            assert not proxy.asks
            # another port is another question; no is no, and remembered
            sock = proxy.connect()
            sock.sendall(b"CONNECT web.test:443 HTTP/1.1\r\n\r\n")
            question = proxy.ask()
            assert question["port"] == 443, question
            proxy.verdict(question["ticket"], False)
            assert b" 403 " in lib.read_all(sock)
            proxy.event()
            self.denied(proxy, "refused by user:dev")
            assert b" 403 " in proxy.tunnel("web.test:443")[1]
            proxy.verdict(question["ticket"], True)  # too late
            assert b" 403 " in proxy.tunnel("web.test:443")[1]

    def questions_have_a_deadline_and_a_limit(self):
        with self.proxy(otherwise=ASK, ask_ms=300, asks=3) as proxy:
            got = proxy.curl("http://web.test/", "-w", "%{http_code}")
            assert got.stdout.endswith(b"403"), got
            self.denied(proxy, "nobody answered in time")
            for host in ("a", "b"):
                proxy.curl(f"http://{host}.test/")
                self.denied(proxy, "nobody answered in time")
            proxy.curl("http://c.test/")
            self.denied(proxy, "too many questions")
            # a yes for once is no yes for the next
            proxy.asks.clear()
            sock = proxy.connect()
            sock.sendall(b"GET http://web.test/ HTTP/1.1\r\n"
                         b"Host: web.test\r\n\r\n")
            proxy.verdict(proxy.ask()["ticket"], True, remember=False)
            assert lib.read_all(sock).endswith(HELLO)
            proxy.event()
            proxy.curl("http://web.test/")
            self.denied(proxy, "nobody answered in time")

    def a_yes_does_not_open_private_addresses(self):
        self.world.names["private.test"] = [lib.PRIVATE]
        with self.proxy(otherwise=ASK) as proxy:
            sock = proxy.connect()
            sock.sendall(b"GET http://private.test/ HTTP/1.1\r\n"
                         b"Host: private.test\r\n\r\n")
            proxy.verdict(proxy.ask()["ticket"], True)
            assert b" 403 " in lib.read_all(sock)
            self.denied(proxy, "(private)")

    # ---- limits and accidents

    def slow_and_silent_clients_are_hung_up_on(self):
        with self.proxy(allow("web.test:*"), head_ms=300,
                        idle_ms=700) as proxy:
            began = time.monotonic()
            with proxy.connect() as sock:
                sock.sendall(b"GET http://web.test/ HT")
                assert b" 408 " in lib.read_all(sock)
            assert time.monotonic() - began < 2
            self.denied(proxy, "not whole")
            with proxy.connect() as sock:
                assert lib.read_all(sock) == b""
            self.denied(proxy, "said nothing")
            sock, _ = proxy.tunnel("web.test:7")
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"
            assert sock.recv(1) == b""
            assert "nothing moved" in proxy.event()["reason"]

    def connections_are_counted(self):
        with self.proxy(allow("web.test:7"), connections=5) as proxy:
            held = [proxy.tunnel("web.test:7")[0] for _ in range(5)]
            assert b" 503 " in proxy.http(b"CONNECT web.test:7 HTTP/1.1\r\n"
                                          b"\r\n")
            self.denied(proxy, "5 connections at once")
            held.pop().close()
            assert proxy.event()["allow"]
            sock, first = proxy.tunnel("web.test:7")
            assert b" 200 " in first, first

    def bytes_are_counted_and_rated(self):
        with self.proxy(allow("web.test:7"), bytes_up=100000) as proxy:
            sock, _ = proxy.tunnel("web.test:7")
            sock.sendall(b"x" * 60000)
            got = 0
            while got < 60000:
                got += len(sock.recv(65536))
            sock.sendall(b"x" * 60000)
            lib.read_all(sock)
            event = proxy.event()
            assert "all that it may" in event["reason"], event
            assert event["limit"] == 1, event
            assert b" 403 " in proxy.http(b"CONNECT web.test:7 HTTP/1.1\r\n"
                                          b"\r\n")
        # The head of a request carries data as well as its body does.
        with self.proxy(allow("web.test:80"), bytes_up=2000) as proxy:
            before = len(self.seen)
            for _ in range(3):
                got = proxy.curl("-H", "X-Data: " + "x" * 20000,
                                 "http://web.test/", "-w", "%{http_code}")
                assert got.stdout.endswith(b"403"), got
                self.denied(proxy, "network_limits: up")
            assert len(self.seen) == before, self.seen
        with self.proxy(allow("web.test:7"),
                        bytes_per_second=400000) as proxy:
            sock, _ = proxy.tunnel("web.test:7")
            began = time.monotonic()
            threading.Thread(target=sock.sendall,
                             args=(b"x" * 400000,)).start()
            got = 0
            while got < 400000:
                got += len(sock.recv(65536))
            took = time.monotonic() - began
            assert 1 < took < 6, took  # both ways count: two seconds

    def servers_that_misbehave_cost_their_request_only(self):
        def reset(sock):
            lib.read_head(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
            sock.close()

        def answering(data):
            def handle(sock):
                lib.read_head(sock)
                sock.sendall(data)
            return handle
        bad = {
            90: reset,
            91: answering(b""),
            92: answering(b"nonsense\r\n\r\n"),
            93: answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            94: answering(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 40000),
            95: answering(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            96: answering(b"HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n"),
            97: answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                          b"Content-Length: 2\r\n\r\nab"),
        }
        for port, handle in bad.items():
            self.world.serve(lib.WEB, port, handle)
        with self.proxy(allow("web.test:*"), allow(f"{lib.OTHER}:*")) as proxy:
            for port in bad:
                got = proxy.curl(f"http://web.test:{port}/", "-w",
                                 "%{http_code}")
                assert got.stdout.endswith(b"502"), (port, got)
                event = proxy.event()
                assert event["allow"] and event["reason"], event
            got = proxy.curl(f"http://{lib.OTHER}:9999/", "-w",
                             "%{http_code}")
            assert got.stdout.endswith(b"502"), got
            assert "refused" in proxy.event()["reason"]
            with proxy.connect("socks") as sock:
                sock.sendall(b"\x05\x01\x00\x05\x01\x00\x01"
                             + socket.inet_aton(lib.OTHER) + b"\x27\x0f")
                assert lib.read_all(sock)[2:4] == b"\x05\x05"
            proxy.event()
            # bodies that stop short are not made whole
            self.world.serve(lib.WEB, 98, answering(
                b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"))
            got = proxy.curl("http://web.test:98/")
            assert got.returncode == 18, got
            assert "middle of a body" in proxy.event()["reason"]
            assert proxy.curl("http://web.test/").stdout == HELLO

    def what_a_server_said_before_it_broke_is_delivered(self):
        """It answers an upload before its end and hangs up on the rest; the
        answer and the reset are there when the proxy looks."""
        answer = (b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 1000\r\n"
                  b"\r\n" + b"n" * 1000)
        stopped, said = threading.Event(), threading.Event()

        def hangs_up(words):
            def handle(sock):
                sock.recv(1000)
                stopped.wait(10)
                sock.sendall(words)
                time.sleep(0.2)  # on its way before the reset
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
                sock.close()
                said.set()
            return handle

        def send(sock):
            try:
                sock.sendall(b"x" * (4 << 20))
            except OSError:
                pass

        def hears(sock, proxy):
            sender = threading.Thread(target=send, args=(sock,))
            sender.start()
            time.sleep(0.3)
            os.kill(proxy.process.pid, signal.SIGSTOP)
            stopped.set()
            assert said.wait(10)
            os.kill(proxy.process.pid, signal.SIGCONT)
            got = lib.read_all(sock)
            sock.close()
            sender.join()
            stopped.clear()
            said.clear()
            return got
        self.world.serve(lib.WEB, 101, hangs_up(answer))
        self.world.serve(lib.WEB, 102, hangs_up(b"no more\n"))
        with self.proxy(allow("web.test:101-102")) as proxy:
            with proxy.connect() as sock:
                sock.sendall(b"POST http://web.test:101/ HTTP/1.1\r\n"
                             b"Host: web.test:101\r\n"
                             b"Content-Length: 4194304\r\n\r\n")
                got = hears(sock, proxy)
            assert got.startswith(b"HTTP/1.1 413 "), got[:200]
            assert got.endswith(b"n" * 1000), len(got)
            event = proxy.event()
            assert "cannot send to the server" in event["reason"], event
            assert event["down"] >= 1000, event
            sock, _ = proxy.tunnel("web.test:102")
            sock.sendall(b"SSH-2.0-test\r\n")
            assert hears(sock, proxy) == b"no more\n"
            assert proxy.event()["down"] == 8

    def a_server_that_does_not_answer_is_given_up(self):
        with self.world.machine:
            lib.sh("ip route add blackhole 93.184.217.0/24 || true")
        with self.world.internet:
            lib.sh("ip addr add 93.184.218.1/32 dev i0; "
                   "ip route add blackhole 93.184.219.0/24")
        with self.proxy(allow("*:80"), connect_ms=400) as proxy:
            got = proxy.curl("http://93.184.219.1/", "-w", "%{http_code}")
            assert got.stdout.endswith((b"504", b"502")), got
            assert proxy.event()["reason"]

    def a_long_stream_arrives_as_it_was(self):
        size = 64 << 20
        block = os.urandom(1 << 20)
        digest = hashlib.sha256()
        for _ in range(size // len(block)):
            digest.update(block)

        def source(sock):
            lib.read_head(sock)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
                         % size)
            for _ in range(size // len(block)):
                sock.sendall(block)
        self.world.serve(lib.WEB, 99, source)
        with self.proxy(allow("web.test:*")) as proxy:
            got = proxy.curl("http://web.test:99/")
            assert hashlib.sha256(got.stdout).digest() == digest.digest()
            assert proxy.event()["down"] == size
            sock, _ = proxy.tunnel("web.test:7")
            sender = threading.Thread(
                target=lambda: [sock.sendall(block) for _ in range(32)])
            sender.start()
            back = hashlib.sha256()
            left = 32 << 20
            while left:
                data = sock.recv(min(left, 1 << 20))
                back.update(data)
                left -= len(data)
            sender.join()
            want = hashlib.sha256(block * 32)
            assert back.digest() == want.digest()

    def a_thousand_connections_are_small(self):
        with self.proxy(allow("web.test:7"), connections=1100) as proxy:
            held = []
            # Not all at once: a busy machine answers the last ones too late.
            for _ in range(20):
                few = [proxy.connect() for _ in range(50)]
                for sock in few:
                    sock.sendall(b"CONNECT web.test:7 HTTP/1.1\r\n\r\n")
                for sock in few:
                    assert b" 200 " in lib.read_head(sock)
                    sock.sendall(b"ping")
                held += few
            for sock in held:
                assert sock.recv(4) == b"ping"
            with open(f"/proc/{proxy.process.pid}/status",
                      encoding="ascii") as status:
                rss = [int(line.split()[1]) for line in status
                       if line.startswith("VmRSS")][0]
            for sock in held:
                sock.close()
            for _ in range(1000):
                assert proxy.event()["allow"]
            proxy.no_more_events()
            assert lib.SANITIZED or rss < 32 * 1024, f"{rss} KiB"

    # ---- life

    def it_keeps_nothing_but_its_sockets(self):
        with self.proxy(allow("web.test:80")) as proxy:
            with open(f"/proc/{proxy.process.pid}/status",
                      encoding="ascii") as status:
                facts = dict(line.split(":\t", 1) for line in status)
            assert facts["NoNewPrivs"].strip() == "1", facts
            assert int(facts["CapEff"], 16) == 0, facts
            assert int(facts["CapPrm"], 16) == 0, facts
            if not lib.SANITIZED:
                assert facts["Seccomp"].strip() == "2", facts
                # one for system calls, one for families of sockets
                with open("/proc/self/status", encoding="ascii") as status:
                    ours = dict(line.split(":\t", 1) for line in status)
                more = (int(facts.get("Seccomp_filters", 2))
                        - int(ours.get("Seccomp_filters", 0)))
                assert more == 2, facts
            if os.environ.get("SUDO_UID") is None and self.is_root():
                assert facts["Uid"].split()[0] == "65534", facts
            names = os.listdir(f"/proc/{proxy.process.pid}/fd")
            kinds = [os.readlink(f"/proc/{proxy.process.pid}/fd/{n}")
                     for n in names]
            assert not any(k.startswith("/") and k != "/dev/null"
                           and n not in ("1", "2")
                           for k, n in zip(kinds, names)), kinds

    @staticmethod
    def is_root():
        with open("/proc/self/uid_map", encoding="ascii") as ids:
            return int(ids.read().split()[2]) > 65534

    def it_ends_with_its_launcher(self):
        proxy = self.proxy(allow("web.test:7"))
        sock, _ = proxy.tunnel("web.test:7")
        proxy.link.close()
        assert proxy.process.wait(5) == 0
        assert sock.recv(1) == b""
        proxy = self.proxy(allow("web.test:7"))
        sock, _ = proxy.tunnel("web.test:7")
        proxy.send(lib.LP_STOP)
        assert proxy.event()["reason"] == "the run has ended"
        assert proxy.process.wait(5) == 0
        proxy.link.close()

    def a_launcher_that_says_nonsense_ends_it(self):
        for kind, body in ((lib.LP_START, b""), (lib.LP_START, b"\xff" * 50),
                           (0x999, b""), (lib.LP_VERDICT, b"x")):
            proxy = self.proxy(allow("web.test:7"))
            proxy.send(kind, body)
            assert proxy.process.wait(5) != 0
            proxy.link.close()

    # ---- through another

    def a_sites_own_proxy_is_used_where_there_is_one(self):
        asked = []

        def upstream(sock):
            first = lib.read_head(sock).split(b"\r\n")[0].decode()
            asked.append(first)
            if "refused" in first:
                sock.sendall(b"HTTP/1.1 407 Log in\r\nContent-Length: 0"
                             b"\r\n\r\n")
                return
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            http = lib.http_server(self.seen, b"by proxy\n")
            http(sock)
        self.world.serve(lib.OTHER, 3128, upstream)
        with self.proxy(allow("*:80"), allow("*:8080"),
                        upstream=f"{lib.OTHER}:3128") as proxy:
            got = proxy.curl("http://far.test/")
            assert got.stdout == b"by proxy\n", got
            assert asked == ["CONNECT far.test:80 HTTP/1.1"], asked
            got = proxy.curl("http://refused.test/", "-w", "%{http_code}")
            assert got.stdout.endswith(b"502"), got
            got = proxy.curl("http://127.0.0.1/", "-w", "%{http_code}")
            assert got.stdout.endswith(b"403"), got
            assert len(asked) == 2, asked
            assert not self.world.asked, self.world.asked

    # ---- programs as they are

    def git_clones_through_it(self):
        top = self.world.top
        env = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "HOME": top,
               "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t.example",
               "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t.example"}
        subprocess.run(
            ["sh", "-ec", "git init -q repo; cd repo; echo x >a; git add a;"
             "git commit -qm one; git update-server-info"], cwd=top, env=env,
            check=True)
        code = ("import http.server as h, functools as f, sys;"
                "h.ThreadingHTTPServer((sys.argv[1], 88), f.partial("
                "h.SimpleHTTPRequestHandler, directory=sys.argv[2]))"
                ".serve_forever()")
        with self.world.internet:
            server = subprocess.Popen(
                [sys.executable, "-c", code, lib.WEB, top + "/repo/.git"],
                stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        try:
            with self.proxy(allow("web.test:88")) as proxy:
                for n, scheme in enumerate(("http", "socks5h")):
                    port = proxy.ports["http" if n == 0 else "socks"]
                    got = self.world.run.run(
                        ["git", "clone", "-q", "http://web.test:88/",
                         f"{top}/clone{n}"], capture_output=True,
                        env={**env, "http_proxy":
                             f"{scheme}://127.0.0.1:{port}"})
                    assert got.returncode == 0, got
                    assert os.path.exists(f"{top}/clone{n}/a")
                got = self.world.run.run(
                    ["git", "clone", "-q", "http://evil.test/", top + "/no"],
                    capture_output=True,
                    env={**env, "http_proxy":
                         f"http://127.0.0.1:{proxy.ports['http']}"})
                assert b"403" in got.stderr, got
                code = ("import urllib.request as u; print(u.urlopen("
                        "'http://web.test:88/HEAD').read())")
                got = self.world.run.run(
                    [sys.executable, "-c", code], capture_output=True,
                    env={"http_proxy":
                         f"http://127.0.0.1:{proxy.ports['http']}"})
                assert b"ref:" in got.stdout, got
        finally:
            server.kill()
            server.wait()


def main():
    wanted = sys.argv[1:]
    with lib.World({"web.test": [lib.WEB]}) as world:
        tests = Tests(world)
        names = [n for n, v in Tests.__dict__.items()
                 if type(v).__name__ == "function" and "_" in n and not n.startswith("_")
                 and n not in ("make_certificates", "serve_tls")]
        for name in names:
            if wanted and name not in wanted:
                continue
            began = time.monotonic()
            getattr(tests, name)()
            print(f"ok {name} ({time.monotonic() - began:.1f} s)", flush=True)


main()
