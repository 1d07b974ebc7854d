"""Starts belljard with a configuration of the test's own, and speaks to it over HTTP.

Its own file because every test of the service needs it started, asked and ended.
Changes when: the service is started in another way.
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

from belljar_run import find_belljar

BUILD = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(find_belljar() or "/"))))
BELLJARD = os.path.join(BUILD, "src", "server", "belljard")
FRONT = os.path.join(BUILD, "src", "server", "belljar-front")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Service:
    """with Service(...) as service: options are keys of belljard.json(5)."""

    def __init__(self, profiles=(("python", 2), ("sh", 0)), wrap=(), **config):
        self.directory = tempfile.mkdtemp(prefix="belljar-test-service-")
        self.unix, self.nul, self.json = (os.path.join(self.directory, kind + ".sock") for kind in ("http", "nul", "json"))
        self.port, self.metrics_port = free_port(), free_port()
        listeners = [{"kind": "http", "address": "127.0.0.1:%d" % self.port}, {"kind": "http", "address": self.unix},
                     {"kind": "nul", "address": self.nul}, {"kind": "json", "address": self.json},
                     {"kind": "metrics", "address": "127.0.0.1:%d" % self.metrics_port}]
        self.config = {"listeners": listeners, "profiles": [{"name": n, "jails": j} for n, j in profiles],
                       "default_profile": profiles[0][0], "anonymous": True, "control_socket": os.path.join(self.directory, "control.sock"), "concurrent_runs": 4, "sessions": 4, **config}
        self.lines = []
        self.wrap = wrap # words before the command: setpriv(1)
        self.process = self.reader = None
        self.may_crash = False # a test that ends a process by force says so

    def start(self):
        path = os.path.join(self.directory, "belljard.json")
        with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            json.dump(self.config, file)
        self.process = subprocess.Popen([*self.wrap, BELLJARD, "--config", path], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        try:
            self.wait_for("ready", process="keeper")
        except AssertionError:
            self.stop()
            raise
        return self

    def _read_log(self):
        for line in self.process.stderr:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.lines.append({"event": "no_json", "text": line.decode(errors="replace")})

    def events(self, name, process=None):
        return [line for line in list(self.lines) if line.get("event") == name and process in (None, line.get("process"))]

    def wait_for(self, name, process=None, count=1, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(self.events(name, process)) < count:
            if self.process.poll() is not None:
                time.sleep(0.1)
                break
            time.sleep(0.005)
        found = self.events(name, process)
        assert len(found) >= count, "no %r in the log: %s" % (name, self.lines)
        return found[-1]

    def pid_of(self, name):
        """Of a child of the keeper."""
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as file:
            for pid in file.read().split():
                with open("/proc/%s/comm" % pid, encoding="ascii") as comm:
                    if comm.read().strip() == name:
                        return int(pid)
        return None

    # ---- asking ----

    def connect(self, unix=False, port=None, timeout=20):
        if unix:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(timeout)
            connection.connect(self.unix)
            return connection
        return socket.create_connection(("127.0.0.1", port or self.port), timeout)

    def ask(self, method, path, body=None, headers=(), unix=False, port=None, timeout=20):
        """(status, headers, body): JSON as what it says."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        connection.sock = self.connect(unix, port, timeout)
        headers = dict(headers)
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        kind = answer.headers.get("Content-Type", "")
        return answer.status, answer.headers, json.loads(text) if "json" in kind and text else text

    def raw(self, data, seconds=5, unix=False):
        """What comes back until the end, or until nothing comes for so long; the end as b"<end>"."""
        with self.connect(unix) as connection:
            connection.settimeout(seconds)
            answer = b""
            try:
                connection.sendall(data)
                while True:
                    piece = connection.recv(65536)
                    if not piece:
                        return answer + b"<end>"
                    answer += piece
            except socket.timeout:
                return answer
            except OSError:
                return answer + b"<end>"

    def post(self, path, body, **options):
        status, _, answer = self.ask("POST", path, body, **options)
        return status, answer

    def metrics(self):
        """Names with labels, as they stand there, to numbers."""
        text = self.ask("GET", "/metrics", port=self.metrics_port)[2].decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if not line.startswith("#")}

    # ---- end ----

    def stop(self, seconds=20):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(5)
        self.process.stderr.close()
        for name in os.listdir(self.directory):
            os.unlink(os.path.join(self.directory, name))
        os.rmdir(self.directory)
        crashes = [line for line in self.lines if line.get("security") or line.get("event") in ("front_said", "no_json")]
        assert self.may_crash or not crashes, crashes
        return self.process.returncode

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
