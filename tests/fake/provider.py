#!/usr/bin/env python3
"""A provider of reviews that follows a script. No model is in it.

    provider.py [--unix PATH | --port N] [--format chat|responses|messages]
                [--tls CERT KEY] [--deny WORD] [--delay-ms N]

Prints "ready PORT" and serves until its standard input is closed. It reads
the evidence as a model would be told to, and answers with a verdict by the
words in the action: "review-deny" denies, "review-escalate" asks a person,
"review-high", "review-critical" raise the risk, and the rest is approved.
With --deny, what names WORD is denied, too.
Tests import it and give each request a function of their own instead.
"""

import argparse
import json
import re
import socket
import socketserver
import ssl
import sys
import threading

MARKS = {
    "nonce_first": re.compile(r"nonce_first is ([0-9a-f]{32})\."),
    "nonce_last": re.compile(r"nonce_last is ([0-9a-f]{32})\."),
    "action_sha256": re.compile(r"action_sha256 is ([0-9a-f]{64})\."),
    "canary": re.compile(r"Never write ([0-9a-f]+)\."),
}


class Request:
    """One request as it came: head lines, body, and what the body says."""

    def __init__(self, line, headers, body):
        self.line = line
        self.headers = headers
        self.body = body
        self.path = line.split(" ")[1] if " " in line else ""
        try:
            self.json = json.loads(body)
        except ValueError:
            self.json = {}
        self.evidence = evidence_of(self.json)
        self.marks = marks_of(self.evidence)

    def action(self):
        """The action's script or words, from the line of evidence."""
        try:
            fact = json.loads(self.evidence.split("\n")[1])["action"]
        except (IndexError, ValueError, KeyError):
            return ""
        given = fact.get("input", {})
        return given.get("script") or " ".join(given.get("argv", []))


def evidence_of(j):
    if "messages" in j:
        return j["messages"][-1]["content"]
    if "input" in j:
        return j["input"][-1]["content"]
    return j.get("evidence", "")


def marks_of(evidence):
    """The marks from the first and the last lines, not from inside."""
    lines = evidence.split("\n")
    outside = "\n".join(lines[:1] + lines[2:])
    found = {}
    for name, pattern in MARKS.items():
        match = pattern.search(outside)
        found[name] = match.group(1) if match else ""
    return found


def verdict(request, **other):
    """The verdict that is exactly in form, with some members changed."""
    said = {
        "action_sha256": request.marks["action_sha256"],
        "nonce_first": request.marks["nonce_first"],
        "nonce_last": request.marks["nonce_last"],
        "risk_level": "low",
        "user_authorization": "high",
        "outcome": "approve",
        "rationale": "scripted: it looks harmless",
    }
    said.update(other)
    return said


def by_words(request, deny="review-deny"):
    """What the script says about an action."""
    words = request.action()
    said = {}
    if "review-deny" in words or deny in words:
        said = {"outcome": "deny", "risk_level": "high",
                "rationale": "scripted: this is not what the user wants"}
    elif "review-escalate" in words:
        said = {"outcome": "escalate", "risk_level": "medium",
                "rationale": "scripted: a person should look"}
    elif "review-critical" in words:
        said = {"risk_level": "critical"}
    elif "review-high" in words:
        said = {"risk_level": "high", "user_authorization": "unknown"}
    return json.dumps(verdict(request, **said))


def tokens_of(request):
    return max(1, len(request.body) // 5)


def envelope(request, text):
    """An answer in the format that the request is in."""
    model = request.json.get("model")
    count = tokens_of(request)
    if request.path.startswith("/v1/messages"):
        return {"id": "m", "type": "message", "role": "assistant",
                "model": model, "stop_reason": "end_turn",
                "content": [{"type": "text", "text": text}],
                "usage": {"input_tokens": count, "output_tokens": 60,
                          "cache_read_input_tokens": 0}}
    if "responses" in request.path:
        return {"id": "r", "object": "response", "status": "completed",
                "error": None, "incomplete_details": None, "model": model,
                "output": [{"type": "message", "role": "assistant",
                            "content": [{"type": "output_text",
                                         "text": text}]}],
                "usage": {"input_tokens": count, "output_tokens": 60,
                          "input_tokens_details": {"cached_tokens": 0}}}
    return {"id": "c", "object": "chat.completion", "model": model,
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": text,
                                     "refusal": None}}],
            "usage": {"prompt_tokens": count, "completion_tokens": 60,
                      "prompt_tokens_details": {"cached_tokens": 0}}}


def http(body, status="200 OK", kind="application/json", headers=""):
    """A whole answer as bytes."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\n"
    if kind is not None:
        head += f"Content-Type: {kind}\r\n"
    return (head + headers + f"Content-Length: {len(body)}\r\n\r\n").encode() \
        + body


def scripted(request, connection, deny="review-deny"):
    """The default: answers by the words of the action."""
    connection.sendall(http(envelope(request, by_words(request, deny))))


class Handler(socketserver.BaseRequestHandler):
    def read_request(self, pending):
        while b"\r\n\r\n" not in pending:
            more = self.request.recv(65536)
            if not more:
                return None, b""
            pending += more
        head, _, rest = pending.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        while len(rest) < length:
            more = self.request.recv(65536)
            if not more:
                return None, b""
            rest += more
        return Request(lines[0], headers, rest[:length]), rest[length:]

    def handle(self):
        pending = b""
        try:
            while True:
                request, pending = self.read_request(pending)
                if request is None:
                    return
                with self.server.lock:
                    self.server.requests.append(request)
                if self.server.answer(request, self.request) is False:
                    return
        except (OSError, ValueError):
            return


class Base:
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def prepare(self, answer):
        self.answer = answer
        self.requests = []
        self.lock = threading.Lock()
        self.connections = 0

    def handle_error(self, request, client_address):
        pass


class Tcp(Base, socketserver.ThreadingMixIn, socketserver.TCPServer):
    def __init__(self, answer=scripted, port=0, tls=None):
        super().__init__(("127.0.0.1", port), Handler)
        self.prepare(answer)
        self.tls = tls

    def get_request(self):
        connection, address = super().get_request()
        self.connections += 1
        if self.tls is not None:
            connection.settimeout(20)
            connection = self.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False)
        return connection, address


class Unix(Base, socketserver.ThreadingMixIn,
           socketserver.UnixStreamServer):
    def __init__(self, path, answer=scripted):
        super().__init__(path, Handler)
        self.prepare(answer)


def serve(server):
    """Starts it beside us; shut down with server.shutdown()."""
    thread = threading.Thread(target=server.serve_forever,
                              kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    return server


def tls_context(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unix")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--delay-ms", type=int, default=0)
    parser.add_argument("--deny", default="review-deny")
    given = parser.parse_args()
    tls = tls_context(*given.tls) if given.tls else None

    def slowly(request, connection):
        if given.delay_ms:
            threading.Event().wait(given.delay_ms / 1000)
        scripted(request, connection, given.deny)

    if given.unix:
        server = Unix(given.unix, slowly)
        where = given.unix
    else:
        server = Tcp(slowly, given.port, tls)
        where = server.server_address[1]
    serve(server)
    print("ready", where, flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
