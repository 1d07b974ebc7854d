"""Fixtures of the end-to-end tests: the command under test, programs to jail, and the check that nothing is left behind.

Its own file because pytest wants it so.
Changes when: tests need another subject, or a run can leave another kind of thing behind.

Environment: BELLJAR (the command; default: the newest build below build*/), BELLJAR_LONG=1 (the slow ones at full
length), BELLJAR_ALONE=1 (nobody else works on this host: every new file in a shared directory counts as a leak).
"""
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))

import belljar_run  # noqa: E402
import keeper_service  # noqa: E402
import leaks  # noqa: E402
import terminal as terminals  # noqa: E402

leaks.adopt_orphans()
# A shell ignores the one for what it starts in the background, and nohup the other; the commands of the tests would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def build(directory, name, source, *flags):
    """A static program from C source, built once; skips the test on a host without a compiler."""
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        compiler = shutil.which("cc") or shutil.which("gcc")
        if not compiler:
            pytest.skip("host lacks a C compiler")
        subprocess.run([compiler, "-O1", "-static", "-pthread", "-o", path + ".new", source, *flags], check=True)
        os.chmod(path + ".new", 0o755)
        os.rename(path + ".new", path)
    return path


@pytest.fixture(scope="session")
def belljar():
    path = belljar_run.find_belljar()
    assert path, "no belljar to test: build it, or set BELLJAR to its path"
    return path


@pytest.fixture(scope="session")
def pooled(belljar):
    """The same command with its snippets in parked jails (tests/pool); None where it was not built."""
    build = os.path.abspath(os.path.join(os.path.dirname(belljar), "..", ".."))
    path = os.path.join(build, "tests", "pool", "belljar-pooled")
    if not os.path.exists(path):
        yield None
        return
    version = os.path.basename(os.path.realpath("/usr/bin/python3"))[len("python"):]
    with pytest.MonkeyPatch.context() as patch:  # a command in a build directory finds its own guest, this one is elsewhere
        if "BELLJAR_GUEST" not in os.environ:
            patch.setenv("BELLJAR_GUEST", os.path.join(build, "src", "guest", "belljar-guest-" + version))
        yield path


@pytest.fixture(scope="session", params=["cold", "parked"])
def either(request, belljar, pooled):
    """The command as it is, and with its snippets in parked jails."""
    if request.param == "parked" and not pooled:
        pytest.skip("host lacks a build with tests/pool/belljar-pooled")
    return belljar if request.param == "cold" else pooled


@pytest.fixture(scope="session")
def guest_version(belljar):
    """Of the interpreter of snippets, (3, 11); another one than pytest's, perhaps."""
    told = belljar_run.run_argv([belljar, "eval", "--json", "-P", "python", "list(__import__('sys').version_info[:2])"])
    return tuple(told.value)


@pytest.fixture
def has_groups(guest_version):
    if guest_version < (3, 11):
        pytest.skip("host lacks exception groups: its Python is older")


@pytest.fixture
def has_patterns(guest_version):
    if guest_version < (3, 10):
        pytest.skip("host lacks match statements: its Python is older")


@pytest.fixture(scope="session")
def under(either):
    """under(features, source, ...): the result of the source under a policy with these features, or under a whole policy."""
    def run(policy, source, *options, stdin=None):
        policy = {"features": policy.split()} if isinstance(policy, str) else policy
        argv = [either, "exec", "--json", "-P", "python", "--policy", json.dumps(policy), *options]
        if stdin is not None:
            argv += ["-i", stdin]
        return belljar_run.run_argv([*argv, "-"], stdin=source.encode())
    return run


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Directory of the helper programs, built from programs/*.c; every user may read it."""
    directory = tmp_path_factory.mktemp("programs")
    for parent in (directory, directory.parent, directory.parent.parent):
        os.chmod(parent, os.stat(parent).st_mode | 0o055)
    for name in ("load", "look"):
        build(str(directory), name, os.path.join(HERE, "programs", name + ".c"))
    return str(directory)


class Runner:
    """run(...) for tests: `jail.load("burn", options=["-t", 1])`."""

    def __init__(self, belljar, programs):
        self.belljar, self.programs = belljar, programs

    def run(self, command, options=(), **more):
        return belljar_run.run(self.belljar, list(options), list(command), **more)

    def _program(self, name, arguments, options, more):
        handed = ["--file", "%s=%s/%s" % (name, self.programs, name)]
        return self.run(["./" + name, *map(str, arguments)], [*handed, *options], **more)

    def load(self, *arguments, options=(), **more):
        return self._program("load", arguments, options, more)

    def look(self, *arguments, options=(), **more):
        return self._program("look", arguments, options, more)

    def python(self, code, options=(), profile="python", **more):
        return self.run(["python3", "-c", code], ["--profile", profile, *options], **more)

    def shell(self, text, options=(), **more):
        return self.run(["sh", "-c", text], ["--profile", "sh", *options], **more)


@pytest.fixture(scope="session")
def jail(belljar, programs):
    return Runner(belljar, programs)


@pytest.fixture(scope="session")
def layers(jail):
    """What this host gives to a plain run: the "layers" object of its result."""
    return jail.look("self").layers


def has(value):
    return value is not None and not str(value).startswith(("off", "unavailable"))


@pytest.fixture(scope="session")
def memory_cgroup(jail):
    """Skips where memory cannot be limited and counted by a control group (an ordinary user without delegation)."""
    result = jail.look("self")
    if not has(result.layers.get("cgroup")) or result.usage["memory_source"] != "cgroup":
        pytest.skip("host lacks a writable memory cgroup")


@pytest.fixture(scope="session")
def pids_cgroup(jail):
    result = jail.look("self")
    if not has(result.layers.get("cgroup")) or not result.usage.get("processes_peak"):
        pytest.skip("host lacks a writable pids cgroup")


@pytest.fixture(scope="session")
def as_root():
    if not belljar_run.is_root():
        pytest.skip("host lacks root for this test")


@pytest.fixture
def host_file(tmp_path):
    """Makes a file on the host: host_file("name", b"bytes")."""
    def make(name, content=b"", mode=0o644):
        path = tmp_path / name
        path.write_bytes(content)
        path.chmod(mode)
        return str(path)
    return make


@pytest.fixture
def has_repl(belljar):
    """Skips where libedit was not there when it was built."""
    if not os.path.exists(os.path.join(os.path.dirname(os.path.realpath(belljar)), "belljar-repl")):
        pytest.skip("host lacks a build with libedit")


@pytest.fixture
def home(tmp_path):
    """The directory of a user who has nothing in it."""
    directory = tmp_path / "home"
    directory.mkdir()
    return directory


@pytest.fixture
def terminal(belljar, has_repl, home):
    """terminal("--time", 1, HOME="/x"): belljar repl at its first prompt."""
    opened = []

    def open_one(*options, **variables):
        environment = dict(os.environ, TERM="vt100", HOME=str(home), LC_ALL="C.UTF-8")
        environment.pop("XDG_STATE_HOME", None)
        environment.update(variables)
        opened.append(terminals.Terminal([belljar, "repl", *map(str, options)], environment))
        opened[-1].prompted()
        return opened[-1]
    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def tells_of_waiting():
    """Skips where nobody is told in which system call a process is."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as waiting:
        try:
            with open("/proc/%d/syscall" % waiting.pid, encoding="ascii") as file:
                file.read()
        except OSError:
            pytest.skip("host lacks /proc/PID/syscall")
        finally:
            waiting.stdin.close()


@pytest.fixture(scope="session")
def belljard():
    path = keeper_service.find_belljard()
    if not path:
        pytest.skip("host lacks a build with nettle")
    return path


@pytest.fixture
def service(belljard, tmp_path):
    """A service that has not been started yet."""
    one = keeper_service.Service(belljard, tmp_path)
    yield one
    one.stop()


@pytest.fixture(autouse=True)
def nothing_left_behind(request, jail, tmp_path_factory):
    """After every test the host looks as before it: mounts, leaves, processes, descriptors, namespaces, files."""
    before = leaks.Picture()
    yield
    left = leaks.left_behind(before)
    assert not left, "left behind on the host: %s" % left
