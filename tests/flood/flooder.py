#!/usr/bin/env python3
"""One flood of a service, for so many seconds: connections that are held and starve, or requests that must be refused.

Its own file because it is a program of its own: it needs other limits than who measures, and processors of its own.
Changes when: another flood is thought of. run.py starts it.

usage: flooder.py KIND PORT SECONDS COUNT [CORPUS]
  held:      idle, slow, uploads       COUNT connections at one time; what is closed is made anew, but not all at once
  refused:   declared, chunked, headers, json      COUNT requests a second
Prints "ready" when the flood is whole, and one line of JSON at the end.
"""
import collections
import glob
import json
import os
import resource
import selectors
import socket
import sys
import time

HOST = b"Host: 127.0.0.1\r\n"
POST = b"POST /v1/exec HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
GIB = 1 << 30
RECONNECTS, UPLOADS = 500, 50  # a second
SETTLE_SECONDS = 1.0  # what has been sent while the flood began is read
DRIP_SECONDS = 5.0
UPLOAD_BYTES, UPLOAD_ANNOUNCED = 100000, 200000
PIECE = 65536


class Held:
    """Connections that are opened and kept; a little more is said on each of them now and then."""

    def __init__(self, port, count, hello, drip):
        self.port, self.count, self.hello, self.drip = port, count, hello, drip
        self.selector, self.open, self.next_drip = selectors.DefaultSelector(), collections.OrderedDict(), 0
        self.found = collections.Counter()

    def connect(self):
        one = socket.create_connection(("127.0.0.1", self.port), 10)
        one.setblocking(False)
        self.found["connections"] += 1
        self.selector.register(one, selectors.EVENT_READ)
        self.open[one] = time.monotonic()
        try:
            if self.hello and one.send(self.hello) < len(self.hello):
                self.found["not taken at once"] += 1
        except OSError:
            self.close(one)

    def close(self, one):
        self.selector.unregister(one)
        del self.open[one]
        one.close()

    def hear(self, seconds):
        for key, _ in self.selector.select(seconds):
            try:
                said = key.fileobj.recv(4096)
            except OSError:
                said = b""
            self.found["status %s" % said[9:12].decode("ascii", "replace") if said else "closed"] += 1
            self.close(key.fileobj)

    def say_more(self):
        """The connection that has been silent for longest first."""
        now = time.monotonic()
        while self.drip and self.open:
            one, last = next(iter(self.open.items()))
            if last + DRIP_SECONDS > now:
                break
            self.open[one] = now
            self.open.move_to_end(one)
            try:
                one.send(self.drip)
            except OSError:
                self.close(one)

    def run(self, seconds):
        try:
            while len(self.open) < self.count:
                self.connect()
                if self.found["connections"] % 50 == 0:
                    self.hear(0)
                if self.found["connections"] - len(self.open) > self.count // 10:
                    break  # they are ended as fast as they come, with an answer or without: that is the flood then
        except OSError as error:
            self.found["cannot connect: %s" % error] += 1
        end = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < end:
            self.hear(0.02)
        print("ready", flush=True)
        self.found["held"] = len(self.open)
        began, again = time.monotonic(), 0
        while time.monotonic() < began + seconds:
            self.hear(0.02)
            self.say_more()
            allowed = int((time.monotonic() - began) * (UPLOADS if len(self.hello) > PIECE else RECONNECTS)) - again
            for _ in range(min(allowed, self.count - len(self.open))):
                again += 1
                try:
                    self.connect()
                except OSError:
                    self.found["refused connections"] += 1
        self.found["held at the end"] = len(self.open)


# ---- requests that must be refused --------------------------------------------------------------------

def pieces_declared(_):
    yield POST + b"Content-Length: %d\r\n\r\n" % GIB
    for _ in range(GIB // PIECE):
        yield b" " * PIECE


def pieces_chunked(_):
    yield POST + b"Transfer-Encoding: chunked\r\n\r\n"
    for _ in range(GIB // PIECE):
        yield b"%x\r\n" % PIECE + b" " * PIECE + b"\r\n"


def pieces_headers(number):
    yield b"GET /healthz HTTP/1.1\r\n" + HOST
    if number % 2:  # many
        for n in range(0, 100000, 1000):
            yield b"".join(b"X-%d: %d\r\n" % (k, k) for k in range(n, n + 1000))
    else:  # long
        yield b"X-Long: "
        for _ in range(64):
            yield b"x" * PIECE
    yield b"\r\n\r\n"


def corpus_bodies(corpus):
    """[(body, the statuses that it may have)]"""
    found = []
    for path in sorted(glob.glob(os.path.join(corpus, "protocol", "json_*.json"))):
        with open(path, encoding="utf-8") as file:
            case = json.load(file)
        for variant in case.get("variants") or [""]:
            text = []
            for part in case.get("body_parts", ()):
                if "text" in part:
                    text.append(part["text"].replace("@@V@@", variant))
                if "repeat" in part:
                    text.append(part["repeat"]["text"] * part["repeat"]["n"])
                if "sequence" in part:
                    text.append("".join(part["sequence"]["text"].replace("%d", str(n)) for n in range(part["sequence"]["n"])))
            body = "".join(text).encode("utf-8", "surrogatepass")
            if body and b"@@" not in body:
                found.append((body, [413, *case["expect"]["status_any_of"]]))
    return found


REFUSED = {"declared": (pieces_declared, (413,)), "chunked": (pieces_chunked, (413,)), "headers": (pieces_headers, (400, 413, 431))}


def visit(port, pieces, found):
    """One request, until there is an answer. Its status, or None: closed without one."""
    said, sent = b"", 0
    with socket.create_connection(("127.0.0.1", port), 10) as one:
        one.settimeout(10)
        try:
            for piece in pieces:
                one.sendall(piece)
                sent += len(piece)
                if len(piece) >= 1000:
                    one.setblocking(False)
                    try:
                        said = one.recv(4096, socket.MSG_PEEK)
                        break
                    except BlockingIOError:
                        pass
                    one.settimeout(10)
        except (ConnectionError, BrokenPipeError):
            pass
        try:
            one.settimeout(10)
            said = one.recv(4096)
        except (ConnectionError, socket.timeout):
            pass
    found["bytes"] += sent
    found["most bytes of one"] = max(found["most bytes of one"], sent)
    return int(said[9:12]) if said.startswith(b"HTTP/1.1 ") else None


def refused(kind, port, seconds, rate, corpus):
    found = collections.Counter()
    bodies = corpus_bodies(corpus) if kind == "json" else []
    print("ready", flush=True)
    began = time.monotonic()
    number = 0
    while time.monotonic() < began + seconds:
        if kind == "json":
            body, good = bodies[number % len(bodies)]
            status = visit(port, [POST + b"Content-Length: %d\r\n\r\n" % len(body), body], found)
        else:
            make, good = REFUSED[kind]
            status = visit(port, make(number), found)
        found["closed" if status is None else "status %d" % status] += 1
        if status is not None and status not in good:
            found["wrong status"] += 1
        number += 1
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
    return found


def main(argv):
    kind, port, seconds, count = argv[1], int(argv[2]), float(argv[3]), int(argv[4])
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    held = {"idle": (b"", b""), "slow": (b"POST /v1/exec HTTP/1.1\r\nX-Slow: ", b"x"),
            "uploads": (POST + b"Content-Length: %d\r\n\r\n" % UPLOAD_ANNOUNCED + b" " * UPLOAD_BYTES, b"")}
    if kind in held:
        flood = Held(port, count, *held[kind])
        flood.run(seconds)
        found = flood.found
    else:
        found = refused(kind, port, seconds, count, argv[5] if len(argv) > 5 else "")
    print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
