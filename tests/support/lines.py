"""Clients of the service's protocols without HTTP: a program and a NUL, and frames of JSON.

Its own file because well-behaved and hostile clients begin alike.
Changes when: one of the two protocols does.
"""
import contextlib
import json
import os
import socket
import struct
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GAVE_UP = b"Six seconds of execution passed, giving up"
SLEEP = b"import time; time.sleep(5)\0"
NAP = b"import time; time.sleep(1); print(1)\0"


@contextlib.contextmanager
def connected(path, timeout=15):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(path)
        yield connection


def rest_of(connection):
    answer = b""
    while True:
        piece = connection.recv(65536)
        if not piece:
            return answer
        answer += piece


def remote_exec(path, program):
    """The documented client of remote_exec.py: a program and a NUL are sent, and bytes read up to a NUL."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(path)
    client.sendall(program + b"\0")
    answer = b""
    while b"\0" not in answer:
        data = client.recv(4096)
        if not data:
            break
        answer += data
    client.close()
    return answer.split(b"\0")[0]


def nul(path, data, half_close=False):
    """All that comes until the end."""
    with connected(path) as connection:
        connection.sendall(data)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return rest_of(connection)


def frame(value):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack(">I", len(body)) + body


def take_frame(connection):
    head = connection.recv(4, socket.MSG_WAITALL)
    if not head:
        return None
    length, body = struct.unpack(">I", head)[0], b""
    while len(body) < length:
        piece = connection.recv(length - len(body))
        assert piece, "the frame is cut short"
        body += piece
    return json.loads(body)


def ask(path, value):
    with connected(path) as connection:
        connection.sendall(frame(value))
        return take_frame(connection)


def ended_as(service, status, via):
    return [line for line in service.events("run") if (line["status"], line["via"]) == (status, via)]


def wait_until(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def gauge(service, name):
    return service.metrics()["belljar_" + name]


def is_well(service):
    """It serves, and holds nothing of anybody's."""
    assert remote_exec(service.nul, b"print(1)") == b"1\n"
    assert ask(service.json, {"code": "print(2)"})["stdout"] == "2\n"
    wait_until(lambda: gauge(service, "buffered_bytes") == 0 and gauge(service, "runs_running") == 0)
    wait_until(lambda: gauge(service, "connections") == 1)  # that which asks
