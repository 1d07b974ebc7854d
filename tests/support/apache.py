"""A web server of the test's own: Debian's Apache with mod_cgid, from a configuration that is made here.

Its own file because it is started and ended exactly here, and nothing of it stays.
Changes when: Apache is configured in another way.
"""
import contextlib
import glob
import http.client
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import belljar_run
import leaks

PROGRAM = "/usr/sbin/apache2"
MODULES = "/usr/lib/apache2/modules"
NEEDED = ("mpm_event", "authz_core", "alias", "cgid", "env")
USER = "www-data"

CONFIGURATION = """
ServerRoot {directory}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {directory}/pid
DefaultRuntimeDir {directory}
Mutex file:{directory}
ScriptSock {directory}/sock
ErrorLog {directory}/error.log
StartServers 1
ServerLimit 1
ThreadsPerChild 8
MaxRequestWorkers 8
Timeout {timeout}
SetEnv SECRET_OF_THE_SERVER secret-0
ScriptAlias /cgi-bin/ {directory}/cgi-bin/
<Directory {directory}/cgi-bin>
    Require all granted
</Directory>
"""


class Lacking(Exception):
    """The host cannot run it; the text is a reason to skip."""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def copy_command(belljar, directory):
    """The command with its guests, as they stand to each other in a build directory, where every user can run them."""
    copy = belljar_run.reachable_copy(belljar, os.path.join(directory, "cli"))
    os.makedirs(os.path.join(directory, "guest"))
    for guest in glob.glob(os.path.join(os.path.dirname(os.path.realpath(belljar)), "..", "guest", "belljar-guest-*")):
        if os.path.isfile(guest):
            shutil.copy(guest, os.path.join(directory, "guest"))
    return copy


class Apache:
    def __init__(self, belljar, timeout=30):
        self.as_root = belljar_run.is_root()
        self.user = USER if self.as_root else pwd.getpwuid(os.geteuid()).pw_name
        self.timeout, self.child = timeout, None
        # Not pytest's directory: others must reach it, and the path of a socket is short.
        self.directory = tempfile.mkdtemp(prefix="apache-test-")
        self.port = free_port()
        os.chmod(self.directory, 0o755)
        os.mkdir(os.path.join(self.directory, "cgi-bin"), 0o755)
        self.belljar = copy_command(belljar, self.directory)

    def script(self, name, text):
        path = os.path.join(self.directory, "cgi-bin", name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)

    def start(self):
        lines = ["LoadModule %s_module %s/mod_%s.so" % (name, MODULES, name) for name in NEEDED]
        lines += ["User " + USER, "Group " + USER] if self.as_root else []
        path = os.path.join(self.directory, "httpd.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + CONFIGURATION.format(directory=self.directory, port=self.port, timeout=self.timeout))
        environment = {"PATH": os.path.dirname(self.belljar) + ":/usr/bin:/bin"}
        self.child = subprocess.Popen([PROGRAM, "-f", path, "-DFOREGROUND"], env=environment, cwd="/", stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.child.poll() is None and time.monotonic() < deadline, "Apache does not start: " + self.log()
            time.sleep(0.05)

    def processes(self):
        """{pid: name} of all that runs below the server, and the uid of each as {pid: uid}."""
        found = leaks.descendants(self.child.pid)
        users = {}
        for pid in found:
            with contextlib.suppress(OSError):
                users[pid] = os.stat("/proc/%d" % pid).st_uid
        return found, users

    def scripts(self):
        """{pid: name} of what is not the server itself."""
        return {pid: name for pid, name in self.processes()[0].items() if name != "apache2"}

    def wait_for_scripts(self, wanted, seconds):
        """Until there is one, or none."""
        deadline = time.monotonic() + seconds
        while bool(self.scripts()) != wanted:
            assert time.monotonic() < deadline, self.scripts()
            time.sleep(0.02)

    def log(self):
        try:
            with open(os.path.join(self.directory, "error.log"), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def ask(self, method, path, body=None, headers=(), timeout=60):
        """(status, headers, body) of a request by HTTP."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, "/cgi-bin/" + path, body, dict(headers))
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    def stop(self):
        """Ends it, and what is left of it when it does not end in order."""
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(15)
            except subprocess.TimeoutExpired:
                for pid in [*self.processes()[0], self.child.pid]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.child.wait()

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory)


def check_sanitized(server):
    """A guest with AddressSanitizer wants terabytes of addresses, which only a control group's limit on memory leaves it."""
    prefix = belljar_run.setpriv(pwd.getpwnam(USER).pw_uid, pwd.getpwnam(USER).pw_gid) if server.as_root else []
    done = subprocess.run([*prefix, server.belljar, "eval", "1"], check=False, capture_output=True, cwd="/")
    if b"AddressSanitizer" in done.stderr and done.returncode != 0:
        raise Lacking("host lacks Apache's control group for a guest with AddressSanitizer")


def check_host():
    if not os.access(PROGRAM, os.X_OK) or not all(os.path.exists("%s/mod_%s.so" % (MODULES, name)) for name in NEEDED):
        raise Lacking("host lacks Apache")
    prefix = []
    if belljar_run.is_root():
        prefix = belljar_run.setpriv(pwd.getpwnam(USER).pw_uid, pwd.getpwnam(USER).pw_gid)
    elif os.geteuid() == 0:
        raise Lacking("host lacks Apache for a root that maps nobody else: it never serves as root")
    if not belljar_run.can_unshare(prefix):
        raise Lacking("host lacks unprivileged user namespaces")


@contextlib.contextmanager
def serving(belljar, scripts, **more):
    """An Apache with these CGI programs: {name: text}."""
    check_host()
    server = Apache(belljar, **more)
    try:
        for name, text in scripts.items():
            server.script(name, text)
        check_sanitized(server)
        server.start()
        yield server
    finally:
        server.remove()
