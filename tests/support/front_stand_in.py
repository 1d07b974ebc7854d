#!/usr/bin/python3 -I
"""A front that does as it is told, in the place of belljar-front: answers GET with its pid, and misbehaves if "front.json" beside it
says so.

Its own file because the keeper must withstand fronts that no good program would be.
Changes when: a front can go wrong in another way.

front.json: {"at_start": "crash" | "exit" | "silent" | "forge" | "flood" | "close_log", "self_test": true | false | null, "name": "any"}
Of the tests of its jails it says that they held, if nothing else is told; with null, nothing.
A request's path: /slow/SECONDS answers late; /crash crashes it.
"""
import json
import os
import select
import signal
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def told():
    try:
        with open(os.path.join(HERE, "front.json"), encoding="utf-8") as file:
            return json.load(file)
    except OSError:
        return {}


def answer(client, stopping):
    client.settimeout(10)
    path = client.recv(65536).split()[1].decode()
    if path == "/crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if path.startswith("/slow/"):
        until = time.monotonic() + float(path[6:])
        while time.monotonic() < until:
            time.sleep(0.02)
    body = json.dumps({"pid": os.getpid(), "draining": bool(stopping)}).encode()
    client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    client.close()


def misbehave(what, log):
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "exit":
        sys.exit(3)
    if what == "silent":
        time.sleep(1000)
    if what == "forge":
        log.send(b'{"event":"stopped","process":"keeper","text":"forged"}')
        log.send(b'{"event":"said","text":"x"}\n{"process":"keeper","event":"forged"}')
        log.send(b"\x1b]0;title\x07 \xff")
        log.send(b"")
        os.write(2, b"==1==ERROR: a report\n")
    if what == "flood":
        for number in range(6000):
            log.send(b'{"event":"noise","number":%d}' % number)


def main():
    log = socket.socket(fileno=4)
    broker = socket.socket(fileno=3)
    listeners = [socket.socket(fileno=int(word.split("=")[1])) for word in sys.argv[1:] if "=" in word]
    mode = told()
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    log.send(json.dumps({"event": "hello", "level": "debug", "argv": " ".join(sys.argv[1:]), "uid": os.geteuid(),
                         "fds": " ".join(sorted(os.listdir("/proc/self/fd"), key=int)), "sid": os.getsid(0),
                         "environment": " ".join(sorted(name for name in os.environ if name != "LC_CTYPE")),  # Python's own
                         "config": os.pread(5, 3000, 0).decode()}).encode())
    misbehave(mode.get("at_start"), log)
    if mode.get("self_test", True) is not None:
        log.send(json.dumps({"event": "self_test", "ok": mode.get("self_test", True), "text": "python: as told\nsh: as told"}).encode())
    log.send(b'{"event":"ready"}')
    if mode.get("at_start") == "close_log":
        for fd in (1, 2, 4):
            os.close(fd)
        log.detach()
    while not stopping:
        for ready in select.select([broker, *listeners], [], [], 0.05)[0]:
            if ready is broker:
                if not broker.recv(65536):
                    return
                continue
            try:
                client, _ = ready.accept()
            except OSError:
                continue  # the front of another generation was faster
            threading.Thread(target=answer, args=(client, stopping)).start()  # which the interpreter waits for at its end


main()
