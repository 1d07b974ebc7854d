"""A front that has fallen: what it sends, and that nobody else is harmed.

Its own file because each test is one broken rule of src/broker/wire.h.
Changes when: there is another rule.
"""

import contextlib
import fcntl
import os
import random
import socket
import time

import pytest
import wire
from wire import HEAD, MAGIC, fields, message, record, request


@pytest.fixture(scope="module")
def broker():
    """One for all: whatever a test does, the next one is served."""
    with wire.brokers() as start:
        yield start()


def good(broker):
    """Somebody else is served."""
    other = broker.front()
    told = other.run(code="print(1)", extra=fields(parts=1))
    other.close()
    return told.kind == "RESULT" and told.bytes("STDOUT") == b"1\n"


def is_dropped(peer):
    """Nothing but an end comes of it."""
    while True:
        told = peer.hear()
        if told is None:
            return True
        if told.kind not in ("OUTPUT", "STARTED"):
            return False


HELLO = message("HELLO", 0, fields(version=1))
RUN = message("RUN", 1, request(code="1"))

BROKEN = {
    "empty": b"\0",
    "short head": RUN[:15],
    "no magic": message("RUN", 1, request(code="1"), magic=MAGIC + 1),
    "type 0": message(0, 1),
    "type too high": message(len(wire.ASK) + 1, 1),
    "type of an answer": message(65, 1),
    "type 65535": message(65535, 1),
    "length too short": message("RUN", 1, request(code="1"), length=3),
    "length too long": message("RUN", 1, request(code="1"), length=70000),
    "length 4 GB": message("RUN", 1, b"", length=0xFFFFFFFF),
    "memfd without one": message("RUN", 1, b"", in_memfd=1, length=100),
    "memfd 2": message("RUN", 1, b"", in_memfd=2),
    "HELLO twice": HELLO,
    "no request": message("RUN", 1, fields(parts=1)),
    "record cut off": message("RUN", 1, request(code="1")[:-1]),
    "record with bits set": message("RUN", 1, b"\1\0\1\0\0\0\0\0"),
    "record longer than the message": message("RUN", 1, b"\x08\0\0\0\xff\xff\xff\xff"),
    "field twice": message("RUN", 1, request(code="1") + fields(parts=1) + fields(parts=1)),
    "field 0": message("RUN", 1, record(0, 1)),
    "field unknown": message("RUN", 1, request(code="1") + record(len(wire.FIELD) + 1, 1)),
    "parts 2": message("RUN", 1, request(code="1") + fields(parts=2)),
    "number of 4 bytes": message("RUN", 1, request(code="1") + record(wire.FIELD["PARTS"], b"\0\0\0\0")),
    "session beyond 32 bits": message("RUN", 1, request(code="1") + fields(session=1 << 32)),
    "action 4": message("BRANCH", 1, fields(session=1, action=4)),
    "branch without session": message("BRANCH", 1, fields(action=1)),
    "close without session": message("CLOSE", 1),
    "cancel with a body": message("CANCEL", 1, b"x" * 8),
    "watch with a body": message("WATCH", 1, fields(parts=1)),
    "branch too long": message("BRANCH", 1, b"x" * 129),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_the_end_of_its_peer(broker, name):
    peer = broker.front()
    peer.send("RUN", 77, request(code="while True: pass"))  # what it has running ends with it
    peer.sock.send(BROKEN[name])
    assert is_dropped(peer)
    assert good(broker)


def test_nothing_before_hello(broker):
    peer = broker.front(greet=False)
    peer.sock.send(RUN)
    assert is_dropped(peer)


def test_another_version(broker):
    peer = broker.front(greet=False)
    peer.send("HELLO", 0, fields(version=2))
    assert is_dropped(peer)


def test_an_id_that_is_in_use(broker):
    peer = broker.front()
    peer.send("RUN", 5, request(code="while True: pass"))
    peer.send("RUN", 5, request(code="1"))
    assert is_dropped(peer) and good(broker)


def sealed(data, seals=15):
    fd = os.memfd_create("body", os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    if seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def descriptors(kind, tmp_path):
    body = request(code="x" * 100)
    if kind == "not sealed":
        return [sealed(body, 0)], len(body)
    if kind == "half sealed":
        return [sealed(body, 7)], len(body)
    if kind == "too short":
        return [sealed(body)], len(body) + 1
    if kind == "too long":
        return [sealed(body)], len(body) - 1
    if kind == "a file":
        path = tmp_path / "x"
        path.write_bytes(body)
        return [os.open(path, os.O_RDONLY)], len(body)
    if kind == "a pipe":
        read, write = os.pipe()
        os.close(write)
        return [read], len(body)
    if kind == "a socket":
        return [socket.socket().detach()], len(body)
    if kind == "two":
        return [sealed(body), sealed(body)], len(body)
    if kind == "eight":
        return [sealed(body) for _ in range(8)], len(body)
    return [sealed(b"")], 0


def identity(path):
    status = os.stat(path)
    return status.st_dev, status.st_ino


def open_in(broker):
    """What its descriptors are of; those of jails come and go meanwhile."""
    found = set()
    for name in os.listdir("/proc/%d/fd" % broker.process.pid):
        with contextlib.suppress(FileNotFoundError):
            found.add(identity("/proc/%d/fd/%s" % (broker.process.pid, name)))
    return found


@pytest.mark.parametrize("kind", ["not sealed", "half sealed", "too short", "too long", "a file", "a pipe", "a socket", "two", "eight", "empty"])
def test_strange_descriptors(broker, kind, tmp_path):
    peer = broker.front()
    fds, length = descriptors(kind, tmp_path)
    sent = {identity(fd) for fd in fds}
    peer.send_fds(HEAD.pack(MAGIC, wire.ASK["RUN"], 1, 1, length), fds)
    assert is_dropped(peer)
    assert good(broker)
    assert not sent & open_in(broker)
    for fd in fds:  # not before: its number as an inode might be another's by then
        os.close(fd)


def test_a_descriptor_that_nobody_asked_for(broker, tmp_path):
    peer = broker.front()
    fd = sealed(b"x")
    peer.send_fds(message("WATCH", 1), [fd])
    os.close(fd)
    assert is_dropped(peer)


def test_a_front_that_does_not_read(broker):
    peer = broker.front()
    code = "import sys\nfor _ in range(30): sys.stdout.write('x' * 30000); sys.stdout.flush()"
    for number in range(4):
        peer.send("RUN", number, request(code=code) + fields(stream=1))
    deadline = time.monotonic() + 20
    while not good(broker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert good(broker)


def test_a_front_that_dies_takes_its_runs_along(broker):
    peer = broker.front()
    for number in range(4):
        peer.send("RUN", number, request(code="while True: pass"))
    time.sleep(0.2)
    peer.close()
    assert good(broker)


def test_a_widening_request_is_refused_by_the_broker_itself(broker):
    peer = broker.front()
    for number, part in enumerate([request(code="1", network=2, keys=1 << 15), request(code="1", limits={2: 1 << 40}),
                                   request(code="1", mount=record(1, "/etc") + record(2, "/etc2") + record(3, 0) + record(4, 0) + record(5, 0)),
                                   request(code="1", file=record(1, "a") + record(2, "/etc/shadow") + record(4, 0)),
                                   request(code="1", layer=record(1, 14) + record(2, 0)), request(code="1", syscalls="namespaces")]):
        peer.send("RUN", number, part)
        assert peer.hear().kind == "REFUSED"


def test_any_sequence(broker):
    """Of messages whose forms are right, in any order, from fronts that come and go."""
    chance = random.Random(20)
    peers = []
    for _ in range(300):
        if not peers or chance.random() < 0.05:
            peers.append(broker.front(greet=chance.random() < 0.9))
        peer = chance.choice(peers)
        session, number = chance.randrange(4), chance.randrange(4)
        asked = chance.choice([
            ("RUN", request(code=chance.choice(["1", "while True: pass", "print('x' * 9999)"])) + fields(stream=chance.randrange(2))),
            ("RUN", request(code="x = 1") + fields(session=session, branch=chance.randrange(3))), ("CANCEL", b""), ("OPEN", request()),
            ("BRANCH", fields(session=session, action=chance.randrange(4), branch=chance.randrange(3))),
            ("CLOSE", fields(session=session)), ("FILES", fields(session=session) + request(collect=["*"])), ("WATCH", b"")])
        try:
            peer.send(asked[0], number, asked[1])
        except OSError:
            peers.remove(peer)
            peer.close()
            continue
        if chance.random() < 0.1:
            peers.remove(peer)
            peer.close()
    for peer in peers:
        peer.close()
    deadline = time.monotonic() + 15
    while not good(broker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert good(broker) and broker.process.poll() is None
