"""
A folder served over https on the loopback, with a certificate of its own.

    server, ca = https_server(folder)
    ...
    server.shutdown(); server.server_close()
"""

import functools
import http.server
import ssl
import subprocess
import threading


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *a):
        pass


def https_server(folder):
    """The server, and the file of the certificate that vouches for it; its
    port is server.server_port, its name localhost."""
    ca, key = f"{folder}/ca.pem", f"{folder}/server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
         "-keyout", key, "-out", ca, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True)
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, ca
