"""A program that is spoken to in lines of JSON, as a client starts it."""

import json
import subprocess
import threading


class Lines:
    """words are its command line; errors: its standard error is kept."""

    def __init__(self, words, cwd, errors=False):
        # timeout is the agent here: who answers must not be who asks
        self.process = subprocess.Popen(
            ["timeout", "90", *words], cwd=cwd, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if errors else subprocess.DEVNULL)
        self.errors = []  # line by line
        self.reader = None
        if errors:
            self.reader = threading.Thread(target=self.read_errors,
                                           daemon=True)
            self.reader.start()

    def read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line.decode(errors="replace"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
        if self.reader:
            self.reader.join(10)
            self.process.stderr.close()

    def write(self, message):
        """Bytes go as they are, anything else as JSON."""
        text = message if isinstance(message, bytes) else \
            json.dumps(message).encode()
        self.process.stdin.write(text + b"\n")
        self.process.stdin.flush()

    def line(self):
        return json.loads(self.process.stdout.readline())
