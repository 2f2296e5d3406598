"""A terminal of its own with a program at it, whose other end we hold."""

import errno
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time


class Terminal:
    """start() is called in the child and becomes the program."""

    def __init__(self, start, limit_s):
        self.text = ""
        self.limit_s = limit_s
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                start()
            finally:
                os._exit(99)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.fd)

    def size(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self):
        """What there is within a moment; False once nobody writes here."""
        if not select.select([self.fd], [], [], 0.1)[0]:
            return True
        try:
            more = os.read(self.fd, 4096)
        except OSError as e:
            if e.errno != errno.EIO:
                raise
            more = b""
        self.text += more.decode("utf-8", "replace")
        return bool(more)

    def until(self, words):
        """Reads until these words have been shown."""
        end = time.time() + self.limit_s
        goes_on = True
        while words not in self.text:
            if time.time() > end or not goes_on:
                raise AssertionError(f"{words!r} not in {self.text!r}")
            goes_on = self.read()

    def status(self):
        end = time.time() + self.limit_s
        while time.time() < end:
            if not self.read():
                time.sleep(0.01)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"it does not end: {self.text!r}")

    def cooked(self):
        flags = termios.tcgetattr(self.fd)[3]
        return bool(flags & termios.ECHO and flags & termios.ICANON)
