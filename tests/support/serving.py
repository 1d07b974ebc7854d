"""A service under load: belljard in a network of its own, and what can be counted of its processes from outside.

Its own file because the benchmark, the floods and the chaos start it alike, and must not trouble the host's network.
Changes when: the service is started in another way, or another thing is counted.
"""
import ctypes
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import leaks

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PROGRAMS = ("belljard", "belljar-front", "belljar-broker")


class Lacking(Exception):
    """Why this host cannot do it; begins with "host lacks"."""


def own_network():
    """This process, and all that it starts, leave the host's network for an empty one with a loopback. False: may not."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) < 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, asked))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
    return True


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def name_of(pid):
    try:
        with open("/proc/%d/comm" % pid, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def status_kib(pid, field):
    """VmRSS, VmHWM ... of /proc/PID/status; 0 when it is gone."""
    try:
        with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(field + ":")), 0)
    except OSError:
        return 0


def born(pid):
    """When it was started: a number may be given to another process. None: it is gone, or dead."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def descriptor_count(pid):
    try:
        return len(os.listdir("/proc/%d/fd" % pid))
    except OSError:
        return 0


def belljard_of(build):
    path = os.path.join(os.path.abspath(build), "src", "server", "belljard")
    if not os.path.exists(path):
        raise Lacking("host lacks libmicrohttpd-dev or nettle-dev: belljard was not built")
    return path


class Serving:
    """with Serving(build, key=value, ...) as service: keys of belljard.json(5) besides those that every test needs."""

    def __init__(self, build, prefix=(), environment=None, **config):
        self.program, self.prefix, self.environment = belljard_of(build), list(prefix), environment
        self.directory = tempfile.mkdtemp(prefix="bench-service-")
        os.chmod(self.directory, 0o755)
        self.port, self.metrics_port = free_port(), free_port()
        self.log = os.path.join(self.directory, "log")
        self.config = {"listeners": [{"kind": "http", "address": "127.0.0.1:%d" % self.port},
                                     {"kind": "metrics", "address": "127.0.0.1:%d" % self.metrics_port}],
                       "profiles": [{"name": "python", "jails": 8}], "anonymous": True, "concurrent_runs": 8, **config}
        if not any(word.endswith("setpriv") for word in self.prefix):
            self.config.setdefault("control_socket", os.path.join(self.directory, "control.sock"))
        self.process = None

    def start(self, seconds=30):
        path = os.path.join(self.directory, "belljard.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.config, file)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*self.prefix, self.program, "--config", path], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=self.environment, cwd="/")
        end = time.monotonic() + seconds
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                said = self.said()
                self.stop()
                raise RuntimeError("the service did not start: %s" % said[-2000:])
            time.sleep(0.05)
        return self

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def events(self, name):
        return [line for line in self.said().splitlines() if '"event":"%s"' % name in line.replace('": "', '":"')]

    # ---- asking ----

    def ask(self, method, path, body=None, kind="application/json", timeout=20, port=None):
        """(status, body); OSError or http.client.HTTPException when there is no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def answers(self):
        try:
            return self.ask("POST", "/v1/exec", "x = 1", "text/x-python", timeout=5)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    # ---- processes ----

    def pid_of(self, name):
        """Of a living child of the keeper, or the keeper's own."""
        if name == "belljard":
            return self.process.pid
        return next((pid for pid in children(self.process.pid) if name_of(pid) == name[:15] and born(pid)), None)

    def jails(self):
        """Children of the broker: zygotes, parked jails and runs."""
        broker = self.pid_of("belljar-broker")
        return children(broker) if broker else []

    def below(self):
        """{pid: name} of all that the service has started."""
        return leaks.descendants(self.process.pid)

    def memory_kib(self, field="VmRSS"):
        return {name: status_kib(self.pid_of(name) or 0, field) for name in PROGRAMS}

    def stop(self, seconds=30):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            if self.process:
                self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
        return self.process.returncode if self.process else None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
