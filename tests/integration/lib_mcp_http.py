"""A client of MCP's streamable HTTP over any socket: no help, no repair."""

import json
import socket


class Answer:
    """A status, headers, and the body or its events as they come."""

    def __init__(self, sock, method):
        self.sock, self.rest = sock, b""
        head = self.until(b"\r\n\r\n").decode()
        lines = head.split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.strip().lower(): v.strip() for k, v in (
            line.split(":", 1) for line in lines[1:])}
        self.type = self.headers.get("content-type", "")
        self.text = b""
        self.over = False
        if "event-stream" not in self.type and method != "HEAD":
            while self.more():
                pass

    def read(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.rest += data

    def until(self, end):
        while end not in self.rest:
            self.read()
        data, self.rest = self.rest.split(end, 1)
        return data

    def exactly(self, n):
        while len(self.rest) < n:
            self.read()
        data, self.rest = self.rest[:n], self.rest[n:]
        return data

    def more(self):
        """Some more of the body; False at its end."""
        if self.over:
            return False
        if "transfer-encoding" not in self.headers:
            self.text = self.exactly(int(
                self.headers.get("content-length", "0")))
            self.over = True
            return False
        size = int(self.until(b"\r\n"), 16)
        self.text += self.exactly(size)
        self.exactly(2)
        self.over = size == 0
        return not self.over

    def json(self):
        return json.loads(self.text)

    def event(self):
        """The next one: (id, data), or None at the end."""
        while True:
            while b"\n\n" not in self.text:
                if not self.more():
                    return None
            block, self.text = self.text.split(b"\n\n", 1)
            fields = dict(line.split(": ", 1) for line in
                          block.decode().split("\n")
                          if not line.startswith(":"))
            if "id" in fields:
                return int(fields["id"]), fields["data"]

    def message(self):
        """The next event that is a message, or None."""
        while (found := self.event()) is not None:
            self.last = found[0]
            if found[1]:
                return json.loads(found[1])
        return None

    def close(self):
        self.sock.close()


class Http:
    """One session: requests over connections of their own."""

    def __init__(self, address, token=None):
        self.address, self.token = address, token
        self.session = None
        self.ids = 0
        self.open = []

    def connect(self):
        if isinstance(self.address, str):
            sock = socket.socket(socket.AF_UNIX)
        else:
            sock = socket.socket()
        sock.settimeout(30)
        sock.connect(self.address)
        return sock

    def request(self, method, body=b"", session="own", **headers):
        sock = self.connect()
        head = {"Host": "localhost", "Accept":
                "application/json, text/event-stream"}
        if self.token:
            head["Authorization"] = f"Bearer {self.token}"
        if session == "own":
            session = self.session
        if session:
            head["Mcp-Session-Id"] = session
        if body:
            head["Content-Type"] = "application/json"
            head["Content-Length"] = str(len(body))
        head.update({k.replace("_", "-"): v for k, v in headers.items()})
        text = f"{method} /v1/mcp HTTP/1.1\r\n" + "".join(
            f"{k}: {v}\r\n" for k, v in head.items() if v is not None)
        sock.sendall(text.encode() + b"\r\n" + body)
        answer = Answer(sock, method)
        if "event-stream" not in answer.type:
            sock.close()
        else:
            self.open.append(sock)
        return answer

    def close(self):
        for sock in self.open:
            sock.close()

    def post(self, message, **more):
        return self.request("POST", message if isinstance(message, bytes)
                            else json.dumps(message).encode(), **more)

    def ask(self, method, **params):
        self.ids += 1
        return self.post({"jsonrpc": "2.0", "id": self.ids,
                          "method": method, "params": params})

    def result(self, method, **params):
        """Of a request that is answered at once or with events."""
        answer = self.ask(method, **params)
        if "event-stream" not in answer.type:
            return answer.json().get("result", answer.json())
        while (said := answer.message()) is not None:
            if "method" not in said:
                answer.close()
                return said.get("result", said)
        raise EOFError

    def tool(self, tool, arguments=None, **more):
        return self.ask("tools/call", name=tool, arguments=arguments or {},
                        **more)

    def begin(self, version="2025-11-25", **capabilities):
        answer = self.ask("initialize", protocolVersion=version,
                          capabilities=capabilities,
                          clientInfo={"name": "t", "version": "1"})
        assert answer.status == 200, answer.text
        self.session = answer.headers["mcp-session-id"]
        assert self.post({"jsonrpc": "2.0", "method":
                          "notifications/initialized"}).status == 202
        return answer.json()["result"]
