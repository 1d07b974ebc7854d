"""The broker's wire in Python: for tests that play a front, a good one or a fallen one.

Its own file because a test of the broker must be able to send what no program of ours would.
Changes when: src/broker/wire.h is read in another way; the names and numbers come from there.
"""

import array
import contextlib
import fcntl
import os
import re
import socket
import struct
import subprocess

import leaks
from belljar_run import find_belljar

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(find_belljar())))), "src", "broker",
                       "belljar-broker")
MAGIC = 0x626A6231
HEAD = struct.Struct("<IHHII")


def _names(path, macro):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    return re.findall(r"X\((\w+)\)", re.search(r"#define %s\(X\)(.*?[^\\])\n" % macro, text, re.S).group(1))


REQUEST = {name: number for number, name in enumerate(_names("src/spec/spec_wire.h", "BJ_REQUEST_TAG_LIST"), 1)}
FIELD = {name: number for number, name in enumerate(_names("src/broker/wire.h", "BJ_FIELD_LIST"), 1)}
ASK = {name: number for number, name in enumerate(_names("src/broker/wire.h", "BJ_ASK_LIST"), 1)}
TOLD = {number: name for number, name in enumerate(_names("src/broker/wire.h", "BJ_TOLD_LIST"), 65)}
FIELD_NAMES = {number: name for name, number in FIELD.items()}


def record(tag, value):
    """A number, a text, or bytes."""
    if isinstance(value, int):
        value = struct.pack("<Q", value)
    elif isinstance(value, str):
        value = value.encode() + b"\0"
    return struct.pack("<HHI", tag, 0, len(value)) + value


def request(**parts):
    """keys: the mask. limits: numbers by their place. Everything else: one value or several."""
    parts.setdefault("profile", "python")
    body = b""
    for name, value in parts.items():
        if name == "limits":
            for limit, number in value.items():
                body += record(REQUEST["LIMIT"], record(1, limit) + record(2, number))
        else:
            for one in value if isinstance(value, list) else [value]:
                body += record(REQUEST[name.upper()], one)
    return record(FIELD["REQUEST"], body)


def fields(**values):
    return b"".join(record(FIELD[name.upper()], value) for name, value in values.items())


def message(ask, number, body=b"", **head):
    """head: anything of the head that shall be wrong."""
    return HEAD.pack(head.get("magic", MAGIC), ASK.get(ask, ask) if isinstance(ask, str) else ask, head.get("in_memfd", 0), number,
                     head.get("length", len(body))) + body


class Told:
    """A message of the broker's: kind, id, and its fields, each in the form that fits it."""

    def __init__(self, data, body):
        _, kind, _, self.id, _ = HEAD.unpack_from(data)
        self.kind = TOLD[kind]
        self.records = []
        while body:
            tag, _, length = struct.unpack_from("<HHI", body)
            self.records.append((FIELD_NAMES[tag], body[8:8 + length]))
            body = body[8 + length:]

    def bytes(self, name):
        return dict(self.records)[name]

    def text(self, name):
        return self.bytes(name)[:-1].decode()

    def number(self, name):
        return struct.unpack("<Q", self.bytes(name))[0]

    def counters(self):
        """Of STATE."""
        values = [value for name, value in self.records if name in ("COUNTER", "COUNT")]
        return {values[at][:-1].decode(): struct.unpack("<Q", values[at + 1])[0] for at in range(0, len(values), 2)}


class Peer:
    """One end of a socket to the broker."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(20)

    def send(self, ask, number, body=b"", **head):
        self.sock.send(message(ask, number, body, **head))

    def send_fds(self, data, fds):
        self.sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])

    def hear(self):
        """None: the broker has closed it."""
        try:
            data, ancillary, _, _ = self.sock.recvmsg(65536, 64)
        except ConnectionResetError:
            return None
        if not data:
            return None
        body = data[HEAD.size:]
        if ancillary:
            fd = struct.unpack("i", ancillary[0][2][:4])[0]
            with open(fd, "rb") as file:
                file.seek(0)
                body = file.read()
        return Told(data, body)

    def hear_kind(self, kind):
        """The next one of that kind; others are left out."""
        while True:
            told = self.hear()
            assert told is not None, "the broker has closed the socket"
            if told.kind == kind:
                return told

    def run(self, number=1, **parts):
        """From RUN to what came of it."""
        extra = parts.pop("extra", b"")
        self.send("RUN", number, request(**parts) + extra)
        return self.hear()

    def close(self):
        self.sock.close()


class Broker:
    """belljar-broker, started as the keeper does."""

    def __init__(self, profiles=("python:2",), runs=4, sessions=2, environment=None, control=None):
        self.keeper, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        arguments = [PROGRAM, "--concurrent-runs", str(runs), "--sessions", str(sessions)]
        for profile in profiles:
            arguments += ["--profile", profile]
        seats = [os.dup(theirs.fileno())] + ([os.dup(control.fileno())] if control else [])
        arguments += ["--control"] if control else []

        def seat():
            above = [fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for fd in seats]
            for number, fd in enumerate(above, 3):
                os.dup2(fd, number)
            os.closerange(3 + len(above), 256)

        self.process = subprocess.Popen(arguments, preexec_fn=seat, close_fds=False, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        env={**os.environ, **(environment or {})})
        theirs.close()
        for fd in seats:
            os.close(fd)
        self.peers = []

    def front(self, greet=True):
        """Another front. With greet, one that has said HELLO and heard WELCOME and the profiles."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.keeper.sendmsg([b"f"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))])
        theirs.close()
        peer = Peer(ours)
        self.peers.append(peer)
        if greet:
            peer.send("HELLO", 0, fields(version=1))
            peer.welcome = peer.hear()
            assert peer.welcome.kind == "WELCOME"
            peer.profiles = []
            while len(peer.profiles) < len([name for name in self.process.args if name == "--profile"]):
                peer.profiles.append(peer.hear_kind("PROFILE"))
        return peer

    def children(self):
        """Its zygotes and the first processes of its jails."""
        found = []
        for task in os.listdir("/proc/%d/task" % self.process.pid):
            with open("/proc/%d/task/%s/children" % (self.process.pid, task), encoding="ascii") as file:
                found += map(int, file.read().split())
        return found

    def drain(self):
        self.keeper.send(b"d")

    def end(self):
        """Its exit status, and what it wrote to its log; all sockets are closed. Again: the same."""
        self.keeper.close()
        if not self.process.stderr.closed:
            self.log = self.process.communicate(timeout=20)[1].decode()
        for peer in self.peers:
            peer.close()
        return self.process.returncode, self.log


@contextlib.contextmanager
def brokers():
    """start(profiles=..., runs=..., sessions=...): a broker that ends with the test, and leaves the host as it was."""
    before = leaks.Picture()
    started = []

    def start_one(**options):
        started.append(Broker(**options))
        return started[-1]

    yield start_one
    for broker in started:
        broker.end()
    left = leaks.left_behind(before)
    assert not left, "left behind on the host: %s" % left
