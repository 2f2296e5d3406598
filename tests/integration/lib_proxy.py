"""
What the proxy's tests share: a run, a machine and an internet, each a network
namespace of its own, and the launcher's end of the proxy's link.

    with World() as world:
        world.serve("93.184.216.34", 80, handler)
        with Proxy(world, [allow("web.test:80")]) as proxy:
            sock = proxy.connect("http")
"""

import ctypes
import faulthandler
import os
import select
import shutil
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time

BIN = os.environ["ASSENT_BIN"]
SANITIZED = os.environ.get("ASSENT_PRESET_SANITIZES") == "1"
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)

UID, GID = os.geteuid(), os.getegid()
HANGS_AFTER_S = 100  # then it is said where

ALLOW, ASK, DENY = 1, 2, 3
ANY, HTTP, TLS, TCP = 0, 1, 2, 3
PROTOCOLS = ("any", "http", "tls", "tcp", "dns", "udp")
KINDS = {"http": 1, "socks": 2, "dns_udp": 3, "dns_tcp": 4, "transparent": 5}
LP_START, LP_LISTENER, LP_VERDICT, LP_STOP, LP_BROKER = range(0xA01, 0xA06)
PL_READY, PL_ASK, PL_EVENT = range(0xB01, 0xB04)

WEB, OTHER, NAMES = "93.184.216.34", "93.184.216.35", "93.184.216.53"
WEB6 = "2606:2800::34"
PRIVATE, METADATA = "10.9.9.9", "169.254.169.254"
MACHINE = "93.184.216.2"


def skip(why):
    print(f"SKIPPED: {why}", file=sys.stderr)
    sys.exit(1 if os.environ.get("ASSENT_MUST_SANDBOX") == "1" else 77)


# ---- namespaces ------------------------------------------------------------

def unshare(flags):
    if LIBC.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def setns(fd):
    if LIBC.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def private_world():
    """A user, mount and network namespace of this process's own."""
    uid, gid = UID, GID
    # Its thread: a process with threads gets no user namespace.
    faulthandler.cancel_dump_traceback_later()
    try:
        unshare(CLONE_NEWNS | CLONE_NEWNET
                | (CLONE_NEWUSER if uid != 0 else 0))
    except OSError as error:
        skip(f"no namespaces here: {error}")
    if uid != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"),
                           ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as to:
                to.write(text)
    faulthandler.dump_traceback_later(HANGS_AFTER_S)
    sh("mount --make-rprivate /")


def be_oneself():
    """In a child of a plain user's world, whose root he is: himself again,
    in a user namespace below, with no rights over the world's networks."""
    unshare(CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{UID} 0 1"),
                       ("gid_map", f"{GID} 0 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as to:
            to.write(text)


def sh(text):
    subprocess.run(["sh", "-ec", text], check=True)


class Namespace:
    """Sockets that are made inside of `with` belong to it."""

    def __init__(self, fd=None):
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        if fd is None:
            unshare(CLONE_NEWNET)
            fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            setns(here)
        self.fd = fd
        self.back = here

    def __enter__(self):
        setns(self.fd)
        return self

    def __exit__(self, *_):
        setns(self.back)

    def run(self, command, **options):
        """A program inside of it."""
        return subprocess.run(command, preexec_fn=lambda: setns(self.fd),
                              check=False, **options)


class World:
    def __init__(self, names=None):
        private_world()
        self.top = tempfile.mkdtemp(prefix="assent-it-proxy-")
        self.machine = Namespace(os.open("/proc/self/ns/net", os.O_RDONLY))
        self.internet, self.run = Namespace(), Namespace()
        self.servers = []
        self.names = dict(names or {})
        self.asked = []  # what reached the name server
        self.link_up()
        self.put_file("/etc/resolv.conf", f"nameserver {NAMES}\n")
        self.put_file("/etc/hosts", "127.0.0.1 localhost\n"
                      f"{OTHER} fromhosts.test\n")
        self.serve_names()

    def put_file(self, path, text):
        own = os.path.join(self.top, os.path.basename(path))
        with open(own, "w", encoding="ascii") as to:
            to.write(text)
        sh(f"mount --bind {own} {path}")

    def link_up(self):
        """Two ends of a cable; the far one has every address."""
        there = f"/proc/{os.getpid()}/fd/{self.internet.fd}"
        sh(f"""
        ip link set lo up
        ip link add m0 type veth peer name i0 netns {there}
        ip addr add {MACHINE}/24 dev m0
        ip -6 addr add 2606:2800::2/64 dev m0 nodad
        ip link set m0 up""")
        with self.internet:
            sh(f"""
            ip link set lo up; ip link set i0 up
            for a in 93.184.216.1 {WEB} {OTHER} {NAMES}; do
                    ip addr add $a/24 dev i0; done
            ip addr add {PRIVATE}/32 dev i0
            ip addr add {METADATA}/32 dev i0
            ip -6 addr add {WEB6}/64 dev i0 nodad""")
        sh("ip route add default via 93.184.216.1")
        with self.run:
            sh("ip link set lo up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.shutdown()
            server.server_close()
        for path in ("/etc/resolv.conf", "/etc/hosts"):
            sh(f"umount {path}")
        shutil.rmtree(self.top, ignore_errors=True)

    # ---- the internet's side

    def serve(self, address, port, handle, where=None, wrap=None):
        """handle(sock) for each connection; returns the port."""
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    sock = wrap(self.request) if wrap else self.request
                    handle(sock)
                except (OSError, ValueError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128
            address_family = (socket.AF_INET6 if ":" in address
                              else socket.AF_INET)

        with where or self.internet:
            server = Server((address, port), Handler)
        self.servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    def serve_names(self):
        """name -> addresses (a list, or a function of the count of asks)."""
        with self.internet:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((NAMES, 53))
        threading.Thread(target=self.answer_names, args=(sock,),
                         daemon=True).start()

    def answer_names(self, sock):
        while True:
            query, peer = sock.recvfrom(512)
            end = 12
            labels = []
            while query[end]:
                labels.append(query[end + 1:end + 1 + query[end]].decode())
                end += query[end] + 1
            name = ".".join(labels).lower()
            kind = struct.unpack(">H", query[end + 1:end + 3])[0]
            self.asked.append(name)
            found = self.names.get(name)
            if callable(found):
                found = found(self.asked.count(name))
            records = b""
            count = 0
            for address in found or []:
                v6 = ":" in address
                if (kind == 28) != v6:
                    continue
                data = socket.inet_pton(
                    socket.AF_INET6 if v6 else socket.AF_INET, address)
                records += struct.pack(">HHHIH", 0xC00C, kind, 1, 0,
                                       len(data)) + data
                count += 1
            flags = 0x8180 if found is not None else 0x8183
            sock.sendto(query[:2] + struct.pack(">HHHHH", flags, 1, count, 0,
                                                0)
                        + query[12:end + 5] + records, peer)


# ---- records ---------------------------------------------------------------

def cstr(text):
    if text is None:
        return struct.pack("<I", 0xFFFFFFFF)
    data = text.encode()
    return struct.pack("<I", len(data)) + data


def rule(decision, text, protocol=ANY, methods=(), private=False, inject=None,
         name=None):
    host, _, ports = text.rpartition(":")
    low, _, high = ports.partition("-")
    low, high = (1, 65535) if low == "*" else (int(low), int(high or low))
    return (cstr(host.strip("[]"))
            + struct.pack("<HHBBI", low, high, protocol, decision,
                          1 if private else 0)
            + struct.pack("<I", len(methods))
            + b"".join(cstr(m) for m in methods)
            + cstr(name or text) + cstr(inject))


def allow(text, **more):
    return rule(ALLOW, text, **more)


def deny(text, **more):
    return rule(DENY, text, **more)


LIMITS = {"connections": 1024, "bytes_up": 0, "bytes_down": 0,
          "bytes_per_second": 0, "idle_ms": 30000, "head_ms": 2000,
          "head_bytes": 32768, "connect_ms": 3000, "ask_ms": 3000, "asks": 16}
# After the three 64 bit numbers and the first one.
LIMITS_FORM = "<IQQQIIIIII"


def policy(rules, otherwise=DENY, flags=0, upstream=None, hiding=(),
           **limits):
    values = {**LIMITS, **limits}
    assert values.keys() == LIMITS.keys()
    return (struct.pack("<BII", otherwise, flags, len(rules))
            + b"".join(rules) + struct.pack(LIMITS_FORM, *values.values())
            + cstr(upstream) + struct.pack("<I", len(hiding))
            + b"".join(hiding))


class Record:
    def __init__(self, data):
        self.data = data

    def take(self, form):
        size = struct.calcsize(form)
        value = struct.unpack(form, self.data[:size])[0]
        self.data = self.data[size:]
        return value

    def text(self):
        size = self.take("<I")
        if size == 0xFFFFFFFF:
            return None
        value, self.data = self.data[:size], self.data[size:]
        return value.decode()


def read_event(data):
    r = Record(data)
    return {"allow": r.take("<B") == 1, "host": r.text(),
            "port": r.take("<H"), "address": r.text(),
            "protocol": PROTOCOLS[r.take("<B")], "up": r.take("<Q"),
            "down": r.take("<Q"), "ms": r.take("<q"), "method": r.text(),
            "by": r.text(), "reason": r.text(), "limit": r.take("<B")}


def read_ask(data):
    r = Record(data)
    return {"ticket": r.take("<Q"), "host": r.text(), "port": r.take("<H"),
            "protocol": PROTOCOLS[r.take("<B")], "address": r.text()}


# ---- the proxy -------------------------------------------------------------

class Proxy:
    """One assent-proxy and its launcher's end of the link."""

    def __init__(self, world, rules, kinds=("http", "socks"), ports=(),
                 uid=None, **options):
        self.world = world
        self.events, self.asks = [], []
        self.ports = {}
        ours, theirs = socket.socketpair(socket.AF_UNIX,
                                         socket.SOCK_SEQPACKET)
        self.link = ours
        self.process = subprocess.Popen(
            [BIN + "/assent-proxy"], stdin=subprocess.DEVNULL, env={},
            pass_fds=(3,), preexec_fn=lambda: self.arrange(theirs, uid))
        theirs.close()
        self.send(LP_START, policy(rules, **options))
        assert self.receive(PL_READY, 20) is not None, "it is not ready"
        for kind in kinds:
            self.listen(kind)
        for port in ports:
            self.listen("transparent", port)

    @staticmethod
    def arrange(theirs, uid):
        os.dup2(theirs.fileno(), 3)
        if uid is not None and os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.close()
        assert self.process.wait(10) == 0, "the proxy did not end well"

    def send(self, kind, payload=b"", fd=None):
        head = struct.pack("<HHIII", 1, kind, 2 if fd is not None else 0,
                           len(payload), 0)
        rights = []
        if fd is not None:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                       struct.pack("i", fd))]
        self.link.sendmsg([head + payload], rights)

    def read_one(self, timeout):
        if not select.select([self.link], [], [], timeout)[0]:
            return None
        data = self.link.recv(65536)
        if not data:
            raise EOFError("the proxy is gone")
        _, kind, _, size, _ = struct.unpack("<HHIII", data[:16])
        body = data[16:]
        assert len(body) == size
        if kind == PL_EVENT:
            self.events.append(read_event(body))
        elif kind == PL_ASK:
            self.asks.append(read_ask(body))
        return kind

    def receive(self, wanted, timeout=5):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            kind = self.read_one(end - time.monotonic())
            if kind == wanted:
                return kind
        return None

    def event(self, timeout=5):
        """The next event, in order."""
        end = time.monotonic() + timeout
        while not self.events and time.monotonic() < end:
            self.read_one(max(0, end - time.monotonic()))
        assert self.events, "no event came"
        return self.events.pop(0)

    def no_more_events(self, timeout=0.2):
        while self.read_one(timeout) is not None:
            pass
        assert not self.events, f"unexpected: {self.events}"

    def ask(self, timeout=5):
        end = time.monotonic() + timeout
        while not self.asks and time.monotonic() < end:
            self.read_one(max(0, end - time.monotonic()))
        assert self.asks, "no question came"
        return self.asks.pop(0)

    def verdict(self, ticket, yes, who="user:dev", remember=True):
        self.send(LP_VERDICT, struct.pack("<QBB", ticket, yes, remember)
                  + cstr(who))

    def listen(self, kind, port=0):
        udp = kind == "dns_udp"
        if kind.startswith("dns"):
            port = 53
        with self.world.run:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp
                                 else socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("0.0.0.0" if kind == "transparent" else "127.0.0.1",
                       port))
            if not udp:
                sock.listen(1024)
        self.ports[kind] = sock.getsockname()[1]
        self.send(LP_LISTENER, bytes([KINDS[kind]]), sock.fileno())
        sock.close()

    # ---- the run's side

    def connect(self, kind="http", address=None, timeout=10):
        with self.world.run:
            sock = socket.socket()
        sock.settimeout(timeout)
        sock.connect(address or ("127.0.0.1", self.ports[kind]))
        return sock

    def http(self, request):
        """Everything that comes back for these bytes."""
        with self.connect("http") as sock:
            sock.sendall(request)
            return read_all(sock)

    def tunnel(self, target):
        """A socket after CONNECT, and the first line of the answer."""
        sock = self.connect("http")
        sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"
                     .encode())
        return sock, read_head(sock).split(b"\r\n")[0]

    def curl(self, *words, kind="http", **options):
        scheme = {"http": "http", "socks": "socks5h"}[kind]
        return self.world.run.run(
            ["curl", "-sS", "-m", "20", "--noproxy", "", "-x",
             f"{scheme}://127.0.0.1:{self.ports[kind]}", *words],
            capture_output=True, **options)


def read_all(sock):
    data = b""
    try:
        while True:
            more = sock.recv(65536)
            if not more:
                return data
            data += more
    except ConnectionResetError:
        return data


def read_head(sock):
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        more = sock.recv(1)
        if not more:
            return data
        data += more
    return data


# ---- servers ---------------------------------------------------------------

def http_server(seen=None, body=b"hello from the web\n"):
    """Answers each request with what it saw."""
    def handle(sock):
        head = read_head(sock)
        if not head.endswith(b"\r\n\r\n"):
            return
        lines = head.decode("latin-1").split("\r\n")
        fields = {line.split(":")[0].lower(): line.split(":", 1)[1].strip()
                  for line in lines[1:] if ":" in line}
        data = b""
        size = int(fields.get("content-length", 0))
        while len(data) < size:
            data += sock.recv(size - len(data))
        if seen is not None:
            seen.append((lines[0], fields, data))
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"
                     b"Keep-Alive: timeout=5\r\nX-Test: yes\r\n\r\n"
                     % len(body) + body)
    return handle


def echo(sock):
    while True:
        data = sock.recv(65536)
        if not data:
            sock.shutdown(socket.SHUT_WR)
            return
        sock.sendall(data)
