"""opencode serve with assent opencode beside it: one session, one prompt.

usage: lib_serve.py PROMPT OPENCODE -- ASSENT opencode ARGUMENTS...
"""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

START_S = 60
PROMPT_S = 140


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ask(port, method, path, body=None, timeout=10):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.loads(answer.read() or b"null")


def wait_for(port):
    end = time.monotonic() + START_S
    while True:
        try:
            return ask(port, "GET", "/path")
        except (OSError, urllib.error.URLError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def main(prompt, program, sidecar):
    port = free_port()
    server = subprocess.Popen([program, "serve", "--port", str(port)])
    beside = None
    try:
        wait_for(port)
        beside = subprocess.Popen([*sidecar, "--port", str(port)])
        session = ask(port, "POST", "/session", {})
        answer = ask(port, "POST", f"/session/{session['id']}/message", {
            "parts": [{"type": "text", "text": prompt}]}, PROMPT_S)
        print(json.dumps(answer), flush=True)
    finally:
        server.kill()
        if beside is not None:
            beside.terminate()
            beside.wait(10)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[4:])
