"""A belljard for tests, in a directory of its own, with a stand-in for its front; its log as it comes.

Its own file because several files of tests start services.
Changes when: belljard is started or watched by tests in another way.

The broker is the real one. The front is front_stand_in.py, because most of these tests need one that goes wrong; use_real_front()
puts the real one in its place.
Environment: BELLJARD (the program; default: the newest below build*/).
"""
import glob
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def find_belljard():
    given = os.environ.get("BELLJARD")
    found = [given] if given else glob.glob(os.path.join(ROOT, "build*", "src", "server", "belljard"))
    return max(found, key=os.path.getmtime) if found else None


def get(where, path="/", timeout=15):
    """The body of a GET, over a port or a unix socket, as JSON."""
    family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(timeout)
        client.connect(where if isinstance(where, str) else ("127.0.0.1", where))
        client.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path.encode())
        text = b""
        while piece := client.recv(65536):
            text += piece
    return json.loads(text.split(b"\r\n\r\n", 1)[1])


class Service:
    """A belljard in a directory of its own, with the stand-in for its front; its log as it comes."""

    def __init__(self, belljard, directory):
        self.directory, self.built = str(directory), belljard
        self.process, self.reader, self.lines, self.seen = None, None, queue.Queue(), []
        self.program = os.path.join(self.directory, "belljard")
        shutil.copy(belljard, self.program)
        # Beside the keeper, so that these are the ones that it finds.
        for name, source in (("belljar-broker", os.path.join(os.path.dirname(belljard), "..", "broker", "belljar-broker")),
                             ("belljar-front", os.path.join(ROOT, "tests", "support", "front_stand_in.py"))):
            shutil.copy(source, os.path.join(self.directory, name))
            os.chmod(os.path.join(self.directory, name), 0o755)
        self.socket = os.path.join(self.directory, "belljar", "http.sock")
        self.configure()

    def use_real_front(self):
        """False where there is none."""
        front = os.path.join(os.path.dirname(self.built), "belljar-front")
        if os.path.exists(front):
            shutil.copy(front, os.path.join(self.directory, "belljar-front"))
        return os.path.exists(front)

    def configure(self, **changes):
        config = {"listeners": [{"kind": "http", "address": "127.0.0.1:0"}, {"kind": "http", "address": self.socket}],
                  "profiles": [{"name": "sh"}], "concurrent_runs": 2, "control_socket": None, "anonymous": True, "drain_seconds": 10}
        config.update(changes)
        self.write("belljard.json", config)

    def write(self, name, value):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(value, file)
        os.rename(path + ".new", path)

    def front(self, **mode):
        self.write("front.json", mode)

    def start(self, *options, ready=True, argv=None, **more):
        argv = argv or [self.program, "--config", os.path.join(self.directory, "belljard.json"), *options]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        self.reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        if ready:
            self.wait_for("ready", process="keeper")
        return self

    def _read(self, stream):
        for line in stream:
            self.lines.put(json.loads(line))

    def wait_for(self, event, timeout=20, **values):
        """The next line about event that has these values."""
        until = time.monotonic() + timeout
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                raise AssertionError("no %s %s in the log: %s" % (event, values, json.dumps(self.seen[-30:], indent=1))) from None
            self.seen.append(line)
            if line["event"] == event and all(line.get(key) == value for key, value in values.items()):
                return line

    def drain_log(self):
        time.sleep(0.1)
        while not self.lines.empty():
            self.seen.append(self.lines.get())
        return self.seen

    def addresses(self):
        return [line["address"] for line in self.seen if line["event"] == "listening"]

    def port(self):
        return int([a for a in self.addresses() if a.startswith("127.")][-1].split(":")[1])

    def pid_of(self, name):
        return [line for line in self.seen if line["event"] == name + "_started"][-1]["pid"]

    def tell(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, timeout=20):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.reader.join(10)
            self.process.stdout.close()
            self.process.stderr.close()
            self.drain_log()
            self.process = None


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(*pids):
    until = time.monotonic() + 10
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < until, "still there: %s" % (pids,)
        time.sleep(0.02)
