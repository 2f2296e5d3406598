"""An MCP server over HTTP on loopback that does what a test tells it: each
method of a request is answered by a function of the script."""

import http.server
import json
import socketserver
import ssl
import threading

SESSION = "a-session-of-the-test"


class Reply:
    """How to answer one request."""

    def __init__(self, status=200, body=b"", kind="application/json",
                 headers=(), cut=False, chunks=None):
        self.status, self.kind, self.cut = status, kind, cut
        self.body = body if isinstance(body, bytes) else body.encode()
        self.headers, self.chunks = dict(headers), chunks


def message(name, result):
    return json.dumps({"jsonrpc": "2.0", "id": name, "result": result})


def result(said, value, **more):
    return Reply(body=message(said["id"], value), **more)


def events(*items, **more):
    """Each a message or text as it is; (id, message)."""
    text = ""
    for item in items:
        if isinstance(item, tuple):
            text += f"id: {item[0]}\n"
            item = item[1]
        if isinstance(item, str) and not item.startswith("{"):
            text += item
        else:
            text += "data: " + (item if isinstance(item, str) else
                                json.dumps(item)) + "\n\n"
    return Reply(body=text, kind="text/event-stream", **more)


class Remote:
    """script: {method or "GET" or "DELETE": function(message, headers)}"""

    def __init__(self, script, certificate=None):
        self.script, self.got, self.lock = script, [], threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def serve(self, key, said):
                with outer.lock:
                    outer.got.append((key, said, dict(self.headers)))
                work = outer.script.get(key) or outer.script.get("*")
                reply = work(said, self.headers) if work else \
                    Reply(405 if key in ("GET", "DELETE") else 202)
                self.send(reply)

            def send(self, reply):
                self.send_response(reply.status)
                if reply.body or reply.chunks:
                    self.send_header("Content-Type", reply.kind)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.cut:
                    # less than was promised
                    self.send_header("Content-Length",
                                     str(len(reply.body) + 100))
                elif reply.chunks is not None:
                    self.send_header("Connection", "close")
                    self.close_connection = True
                else:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                try:
                    self.wfile.write(reply.body)
                    for chunk in reply.chunks or ():
                        self.wfile.write(chunk)
                        self.wfile.flush()
                except OSError:
                    pass
                if reply.cut:
                    self.close_connection = True

            def do_POST(self):
                said = json.loads(self.rfile.read(
                    int(self.headers["Content-Length"])))
                self.serve(said.get("method", "answer"), said)

            def do_GET(self):
                self.serve("GET", None)

            def do_DELETE(self):
                self.serve("DELETE", None)

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True)
            self.url = self.url.replace("http:", "https:")
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def keys(self):
        with self.lock:
            return [key for key, _, _ in self.got]

    def headers(self, key):
        with self.lock:
            return [h for k, _, h in self.got if k == key]
