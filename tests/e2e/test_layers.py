"""Layers: each is on and says so; a required one that cannot be had stops the run; a preferred one is reported.

Its own file because "fail closed, and say what held" is a promise of its own.
Changes when: a layer is added.
"""
import ctypes
import errno
import os
import re
import socket

import belljar_run
import pytest

ALWAYS = ["user", "mount", "pid", "ipc", "uts", "cgroup_namespace", "network", "capabilities", "no_new_privs",
          "keyring", "rlimits", "seccomp"]
KNOWN = ALWAYS + ["time", "landlock", "apparmor", "denial_report", "cgroup"]


def missing(layers):
    return [name for name, value in layers.items() if str(value).startswith("unavailable")]


def test_every_layer_is_in_the_result(layers):
    assert sorted(layers) == sorted(KNOWN), layers


@pytest.mark.parametrize("name", ALWAYS)
def test_on(layers, name):
    if name == "user" and not belljar_run.can_unshare():
        pytest.skip("host lacks user namespaces")
    assert layers[name] and not str(layers[name]).startswith(("unavailable", "off")), layers


def test_what_is_missing_says_why(layers):
    for name in missing(layers):
        assert re.match(r"unavailable: .{4,}", layers[name]), layers[name]


def test_landlock_is_on_where_the_kernel_has_it(layers):
    """landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) tells the kernel's version, see landlock(7)."""
    version = ctypes.CDLL(None).syscall(444, None, 0, 1)
    if version < 1:
        pytest.skip("host lacks Landlock")
    assert re.match(r"abi \d+", str(layers["landlock"])), layers


def test_require_of_a_missing_layer_runs_nothing(jail, layers, tmp_path):
    gone = missing(layers)
    if not gone:
        pytest.skip("host lacks nothing: it has every layer")
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(0o777)
    os.chmod(tmp_path, 0o755)
    result = jail.run(["sh", "-c", "echo ran >/data/ran; echo ran"],
                      ["--profile", "sh", "--bind", place, "/data", "--require", gone[0]])
    assert result.returncode == 125, result
    assert gone[0] in result.message and b"ran\n" not in result.out, result
    assert not os.listdir(place), "the program was started although a required layer is missing"


def test_prefer_of_a_missing_layer_is_reported(jail, layers):
    gone = missing(layers)
    if not gone:
        pytest.skip("host lacks nothing: it has every layer")
    result = jail.look("self", options=["--prefer", gone[0]])
    assert result.status == "ok" and str(result.layers[gone[0]]).startswith("unavailable: "), result


@pytest.mark.parametrize("name", ["landlock", "time", "cgroup", "apparmor", "denial_report", "network"])
def test_off_is_reported_as_off(jail, name):
    result = jail.look("self", options=["--off", name])
    assert result.status == "ok" and result.layers[name].startswith("off"), result


@pytest.mark.parametrize("name", ["mount", "pid", "no_new_privs"])
def test_what_cannot_be_off(jail, name):
    result = jail.look("self", options=["--off", name])
    assert result.returncode == 125 and name in result.message, result


def test_require_of_what_is_there(jail):
    result = jail.look("self", options=["--require", "seccomp", "--require", "pid"])
    assert result.status == "ok", result


def test_unknown_layer(jail):
    for option in ("--require", "--prefer", "--off"):
        result = jail.look("self", options=[option, "moat"])
        assert result.returncode == 125 and "moat" in result.message and "seccomp" in result.message, result


def test_each_layer_holds_alone(jail):
    """Without the filter the namespaces still refuse, and without Landlock the filter does: no layer stands in for all."""
    result = jail.look("socket", 2, options=["--off", "seccomp"])
    assert result.layers["seccomp"].startswith("off"), result
    # No interface is up, so that even an allowed socket reaches nobody; the network namespace's own effect:
    code = "import socket\ns = socket.socket()\ntry:\n s.connect(('127.0.0.1', 9)); print('through')\n" \
           "except OSError as e: print(e.errno)"
    alone = jail.python(code, ["--off", "seccomp,apparmor"])  # AppArmor would not even let it be made
    assert alone.stdout.strip() in ("101", "13", "1"), alone


def test_loopback_network_is_its_own(jail):
    code = "import socket,threading\ns = socket.create_server(('127.0.0.1', 0))\n" \
           "t = threading.Thread(target=lambda: s.accept()[0].sendall(b'hi')); t.start()\n" \
           "print(socket.create_connection(s.getsockname()).recv(9)); t.join()"
    result = jail.python(code, ["--network", "loopback", "-p", 8], profile="python-packages")
    assert result.stdout == "b'hi'\n", result


def test_loopback_network_reaches_no_host_service(jail):
    server = socket.create_server(("127.0.0.1", 0))
    try:
        code = "import socket\ntry: socket.create_connection(('127.0.0.1', %d), 2); print('through')\n" \
               "except OSError as e: print('refused')" % server.getsockname()[1]
        result = jail.python(code, ["--network", "loopback"], profile="python-packages")
    finally:
        server.close()
    assert result.stdout == "refused\n", result


CALL_BY_PATH = """
import socket
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET:
    try:
        socket.socket(socket.AF_UNIX, kind).connect('/shared/service')
        print('through')
    except OSError as e:
        print(e.errno)
"""


def test_a_service_of_the_host_in_a_shared_directory_is_not_called(jail, tmp_path):
    """No other layer looks at the path of a socket: here the mounts let it through, and the filter does not."""
    os.chmod(tmp_path, 0o777)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as service:
        service.bind(str(tmp_path / "service"))
        os.chmod(tmp_path / "service", 0o777)
        service.listen()
        shared = ["--bind", str(tmp_path), "/shared", "--off", "apparmor"]
        result = jail.python(CALL_BY_PATH, shared)
        named = jail.python(CALL_BY_PATH, shared, profile="python-packages")
    assert result.stdout == "13\n" * 3 and result.denial("socket(AF_UNIX)") == 3, result
    assert named.stdout.startswith("through\n"), named  # who needs names asks for unix_sockets, and knows


SEARCH_KEY = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
found = libc.syscall({keyctl}, 10, -3, b"user", b"belljar-test", 0)  # KEYCTL_SEARCH in KEY_SPEC_SESSION_KEYRING
print("found" if found > 0 else ctypes.get_errno())
"""
KEYCTL = {"x86_64": (248, 250), "aarch64": (217, 219)}  # add_key, keyctl


def test_session_keyring_is_empty(jail):
    """What the caller's session possesses is not possessed inside; with this one layer off it is, so the test can see."""
    numbers = KEYCTL.get(os.uname().machine)
    libc = ctypes.CDLL(None, use_errno=True)
    if not numbers or libc.syscall(numbers[1], 1, 0) < 0:  # KEYCTL_JOIN_SESSION_KEYRING: one of our own
        pytest.skip("host lacks keyrings")
    key = libc.syscall(numbers[0], b"user", b"belljar-test", b"secret", 6, -3)
    if key < 0 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):
        pytest.skip("host lacks add_key(2): a container's filter refuses it")
    assert key > 0, os.strerror(ctypes.get_errno())
    code = SEARCH_KEY.format(keyctl=numbers[1])
    with_layer = jail.python(code, ["--off", "seccomp,denial_report"])
    without = jail.python(code, ["--off", "seccomp,denial_report,keyring"])
    both = jail.python(code)
    libc.syscall(numbers[1], 3, key)  # KEYCTL_REVOKE
    assert with_layer.stdout.strip() == str(errno.ENOKEY), with_layer
    assert without.stdout.strip() == "found", without
    assert both.stdout.strip() == str(errno.EPERM), both
