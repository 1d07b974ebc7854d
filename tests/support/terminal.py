"""A command at a pseudo terminal, and somebody who types there.

Its own file because more than one test types.
Changes when: something else can be done at a terminal.
"""
import os
import pty
import re
import select
import signal
import termios
import time

PROMPT, MORE = b">>> ", b"... "
SECONDS = 20  # a busy host is slow, not broken


class Terminal:
    """A command at a pseudo terminal of its own."""

    def __init__(self, argv, environment):
        self.shown, self.status = b"", None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(argv[0], argv, environment)

    def read(self, seconds):
        """What comes next, within that time; False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.shown += data
        return bool(data)

    def until(self, text, seconds=SECONDS):
        """What was shown up to the text, which is taken away with it."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            left = deadline - time.monotonic()
            assert left > 0 and self.read(left), "%r was not shown: %r" % (text, self.shown)
        before, _, self.shown = self.shown.partition(text)
        return before.decode("utf-8", "replace")

    def prompted(self, prompt=PROMPT):
        """The same up to a prompt, and the editor has the terminal: what is typed before is shown twice."""
        before = self.until(prompt)
        deadline = time.monotonic() + SECONDS
        while termios.tcgetattr(self.fd)[3] & termios.ICANON:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return before

    def keys(self, text):
        os.write(self.fd, text.encode() if isinstance(text, str) else text)

    def say(self, line, prompt=PROMPT):
        """Types a line, and gives back what is shown between it and the prompt."""
        self.keys(line + "\r")
        self.until(b"\n") if line else None
        return re.sub(r"\r+\n", "\n", self.prompted(prompt))

    def leave(self, keys="\x04"):
        if keys:
            self.keys(keys)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.read(0.2):
            pass
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGTERM)
            self.leave("")
        os.close(self.fd)
