"""The keeper of a service: its sockets, other configurations while it runs, systemd, its options.

Its own file because it is about what the keeper has to do with others than its own processes.
Changes when: sockets are bound or handed over in another way, or belljard has another option.
"""
import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time

import belljar_run
import pytest
from keeper_service import alive, get, gone


# ---- reload ----

def test_reload_drops_no_run(service):
    service.start()
    port, old = service.port(), service.pid_of("front")
    got = []
    asker = threading.Thread(target=lambda: got.append(get(port, "/slow/1.5")))
    asker.start()
    time.sleep(0.3)
    other = os.path.join(service.directory, "belljar", "other.sock")
    service.configure(listeners=[{"kind": "http", "address": "127.0.0.1:0"}, {"kind": "http", "address": other, "mode": "0600"}])
    service.tell(signal.SIGHUP)
    service.wait_for("reloaded")
    assert service.port() == port  # it was kept, not bound again
    assert alive(old)
    assert get(other)["pid"] and not os.path.exists(service.socket)
    by_the_new = 0
    deadline = time.monotonic() + 10
    while by_the_new < 20:  # the old one accepts until it has seen the signal; who asks is answered by either
        by_the_new = by_the_new + 1 if get(port)["pid"] != old else 0
        assert time.monotonic() < deadline
    service.wait_for("front_ended", generation=1, exit_code=0)
    service.wait_for("broker_ended", generation=1, exit_code=0)
    asker.join()
    assert got
    assert service.stop() == 0
    assert not os.path.exists(other)


@pytest.mark.parametrize("changes, says", [
    ({"sessions": -1}, "whole number"),
    ({"profiles": [{"name": "no-such-profile"}]}, "no-such-profile"),
    ({"listeners": [{"kind": "http", "address": "192.0.2.1:1"}]}, "cannot listen"),
])
def test_reload_of_a_bad_file_changes_nothing(service, changes, says):
    service.start()
    port, front = service.port(), service.pid_of("front")
    service.configure(**changes)
    service.tell(signal.SIGHUP)
    assert says in service.wait_for("reload_failed")["text"]
    assert get(port)["pid"] and get(service.socket)["pid"]
    assert service.pid_of("front") == front and alive(front)


def test_reload_that_does_not_come_up_changes_nothing(service):
    service.start()
    port, front = service.port(), service.pid_of("front")
    service.front(at_start="exit")
    other = os.path.join(service.directory, "belljar", "other.sock")
    service.configure(listeners=[{"kind": "http", "address": "127.0.0.1:0"}, {"kind": "http", "address": service.socket},
                                 {"kind": "http", "address": other}])
    service.tell(signal.SIGHUP)
    assert "did not come up" in service.wait_for("reload_failed")["text"]
    assert alive(front) and get(port)["pid"] and get(service.socket)["pid"] and not os.path.exists(other)
    service.front()
    service.tell(signal.SIGHUP)
    service.wait_for("reloaded")
    assert get(port)["pid"] and get(other)["pid"]


@pytest.mark.parametrize("held, says", [(False, "python: as told"), (None, "does not say")])
def test_reload_to_walls_that_do_not_hold_changes_nothing(service, held, says):
    """Whatever else the new front says of itself: this one is ready."""
    service.start()
    port, front, broker = service.port(), service.pid_of("front"), service.pid_of("broker")
    service.front(self_test=held)
    other = os.path.join(service.directory, "belljar", "other.sock")
    listeners = [{"kind": "http", "address": "127.0.0.1:0"}, {"kind": "http", "address": service.socket, "mode": "0600"}]
    service.configure(listeners=[*listeners, {"kind": "http", "address": other}])
    service.tell(signal.SIGHUP)
    failed = service.wait_for("reload_failed")
    assert failed["field"] == "profiles" and says in failed["text"] and "the old configuration stays" in failed["text"]
    service.wait_for("front_ended", generation=2, exit_code=0)
    service.wait_for("broker_ended", generation=2, exit_code=0)
    assert alive(front) and get(port)["pid"] == front and get(service.socket)["pid"] == front and not os.path.exists(other)
    assert stat.S_IMODE(os.stat(service.socket).st_mode) == 0o660  # that of the configuration at work
    service.front()
    service.configure(listeners=listeners)
    service.tell(signal.SIGHUP)
    service.wait_for("reloaded")
    assert get(port)["pid"] and stat.S_IMODE(os.stat(service.socket).st_mode) == 0o600
    gone(front)  # until its last answer it takes connections, too
    os.kill(service.pid_of("broker"), signal.SIGKILL)  # a front that takes over from nobody is started otherwise, and serves too
    service.wait_for("ready", process="front")
    assert get(port)["pid"] not in (front, broker)


def test_many_reloads(service):
    service.configure(drain_seconds=1)
    service.start()
    port = service.port()
    askers = [threading.Thread(target=get, args=(port, "/slow/0.3")) for _ in range(3)]
    for asker in askers:
        asker.start()
    for _ in range(12):
        service.tell(signal.SIGHUP)
        time.sleep(0.05)
    service.wait_for("reloaded")
    for asker in askers:
        asker.join()
    assert get(port)["pid"]
    assert service.stop() == 0


# ---- sockets ----

def test_stale_socket_is_replaced(service):
    os.mkdir(os.path.dirname(service.socket))
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(service.socket)
    service.start()
    assert get(service.socket)["pid"]


def test_socket_of_another_program_is_not(service):
    os.mkdir(os.path.dirname(service.socket))
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(service.socket)
        other.listen(1)
        service.start(ready=False)
        assert service.process.wait(10) == 1
        failed = service.wait_for("failed")
        assert failed["field"] == "listeners[1].address" and "another program listens" in failed["text"]
        assert os.path.exists(service.socket)


def test_a_file_is_not_replaced(service):
    os.mkdir(os.path.dirname(service.socket))
    with open(service.socket, "w", encoding="utf-8") as file:
        file.write("precious")
    service.start(ready=False)
    assert service.process.wait(10) == 1
    assert "is no socket" in service.wait_for("failed")["text"]
    with open(service.socket, encoding="utf-8") as file:
        assert file.read() == "precious"


def test_port_in_use(service):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        service.configure(listeners=[{"kind": "http", "address": "127.0.0.1:%d" % other.getsockname()[1]}])
        service.start(ready=False)
        assert service.process.wait(10) == 1
        assert "another program listens" in service.wait_for("failed")["text"]


def test_control_socket_is_the_brokers(service):
    path = os.path.join(service.directory, "control.sock")
    service.configure(control_socket=path)
    service.start()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as watcher:
        watcher.connect(path)
    assert service.stop() == 0
    assert not os.path.exists(path)


def activated(service, sockets, names):
    """As systemd starts it: the sockets are its descriptors 3, 4, ..."""
    code = ("import os, sys\n"
            "fds = [int(fd) for fd in sys.argv[1].split(',')]\n"
            "high = [__import__('fcntl').fcntl(fd, 0, 100) for fd in fds]\n"
            "for n, fd in enumerate(high): os.dup2(fd, 3 + n)\n"
            "os.closerange(3 + len(high), 200)\n"
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=sys.argv[2])\n"
            "os.execv(sys.argv[3], sys.argv[3:])\n")
    fds = [one.fileno() for one in sockets]
    argv = ["python3", "-c", code, ",".join(map(str, fds)), names, service.program, "--config", os.path.join(service.directory, "belljard.json")]
    return service.start(argv=argv, pass_fds=fds, ready=False)


def listening(address=("127.0.0.1", 0), kind=socket.SOCK_STREAM):
    one = socket.socket(socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX, kind)
    one.bind(address)
    if kind != socket.SOCK_DGRAM:
        one.listen(16)
    return one


def test_socket_activation(service):
    path = os.path.join(service.directory, "handed.sock")
    with listening() as tcp, listening(path) as unix:
        activated(service, [tcp, unix], "http:http")
        service.wait_for("ready", process="keeper")
        assert service.addresses() == ["127.0.0.1:%d" % tcp.getsockname()[1], path]  # in the place of those of the configuration
        assert get(tcp.getsockname()[1])["pid"] and get(path)["pid"]
        service.tell(signal.SIGHUP)
        service.wait_for("reloaded")
        assert get(path)["pid"]
        assert service.stop() == 0
        assert os.path.exists(path)  # systemd's


def test_socket_activation_by_address(service):
    os.mkdir(os.path.dirname(service.socket))
    with listening(service.socket) as unix:
        activated(service, [unix], "belljard.socket")
        service.wait_for("ready", process="keeper")
        assert get(service.socket)["pid"] and get(service.port())["pid"]
        assert service.stop() == 0
        assert os.path.exists(service.socket)


def test_socket_activation_with_what_is_of_no_use(service):
    with listening() as tcp:
        activated(service, [tcp], "belljard.socket")
        assert service.process.wait(10) == 1
        assert "not among them" in service.wait_for("failed")["text"]
        service.stop()
    with listening(kind=socket.SOCK_DGRAM) as udp:
        activated(service, [udp], "http")
        assert service.process.wait(10) == 1
        assert "no listening stream socket" in service.wait_for("failed")["text"]


# ---- systemd ----

def test_tells_systemd(service):
    path = os.path.join(service.directory, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(path)
        told.settimeout(10)
        service.start(env=dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="200000"))
        heard = []

        def wait_for(word):
            while not heard or word not in heard[-1]:
                heard.append(told.recv(4096).decode())
        wait_for("READY=1")
        wait_for("WATCHDOG=1")
        wait_for("WATCHDOG=1")
        service.tell(signal.SIGHUP)
        wait_for("RELOADING=1\nMONOTONIC_USEC=")
        wait_for("READY=1")
        service.tell(signal.SIGTERM)
        wait_for("STOPPING=1")
    assert service.stop() == 0


# ---- its options ----

def ask(belljard, *options, **more):
    return subprocess.run([belljard, *options], capture_output=True, text=True, check=False, timeout=20, **more)


@pytest.mark.parametrize("ok", [True, False])
def test_self_test(service, ok):
    service.front(self_test=ok)
    service.start("--self-test", ready=False)
    assert service.process.wait(20) == (0 if ok else 1)
    assert service.process.stdout.read() == b"python: as told\nsh: as told\n"
    assert not os.path.exists(service.socket)


def test_check_config(belljard, tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"listeners": [{"kind": "http", "address": "127.0.0.1:1"}]}')
    path.chmod(0o644)
    done = ask(belljard, "--check-config", "--config", str(path))
    assert done.returncode == 0 and json.loads(done.stdout)["drain_seconds"] == 30
    assert "there are no tokens" in done.stderr
    path.write_text('{"drain_second": 1}')
    done = ask(belljard, "--config", str(path), "--check-config")
    assert done.returncode == 1 and done.stderr == 'belljard: %s: drain_second: unknown key "drain_second"; did you mean "drain_seconds"?\n' % path
    path.write_text('{"user": "no-such-user-here"}')
    if belljar_run.is_root():
        assert "useradd" in ask(belljard, "--config", str(path), "--check-config").stderr
    path.chmod(0o666)
    assert "chmod go-w" in ask(belljard, "--config", str(path), "--check-config").stderr
    assert "No such file" in ask(belljard, "--config", str(tmp_path / "none"), "--check-config").stderr


def test_tokens(belljard, tmp_path):
    token, line = ask(belljard, "--new-token", "alice").stdout.splitlines()
    assert len(token) == 43
    hashed = ask(belljard, "--hash-token", input=token + "\n").stdout
    assert json.loads("{%s}" % hashed)["sha256"] == json.loads(line)["sha256"]
    path = tmp_path / "c.json"
    path.write_text('{"tokens": [%s]}' % line)
    path.chmod(0o600)
    assert ask(belljard, "--check-config", "--config", str(path)).returncode == 0
    assert ask(belljard, "--hash-token", input="").returncode == 2
    assert ask(belljard, "--hash-token", input="a\nb\n").returncode == 2
    assert ask(belljard, "--new-token", "a b").returncode == 2


def test_options(belljard):
    assert ask(belljard, "--version").stdout.startswith("belljard ")
    assert "--check-config" in ask(belljard, "--help").stdout
    assert ask(belljard, "--bogus").returncode == 2
    assert ask(belljard, "more").returncode == 2


def test_as_an_ordinary_user(service, as_root):
    runtime = os.path.join(service.directory, "runtime")
    os.mkdir(runtime)
    os.chmod(service.directory, 0o755)
    parent = os.path.dirname(service.directory)
    for path in (parent, os.path.dirname(parent)):
        os.chmod(path, os.stat(path).st_mode | 0o055)
    service.configure(listeners=[{"kind": "http", "address": "127.0.0.1:0"}, {"kind": "http", "address": runtime + "/belljar/http.sock"}])
    os.chown(runtime, 65534, 65534)
    service.start(env={"XDG_RUNTIME_DIR": runtime, "PATH": "/usr/bin:/bin"}, user=65534, group=65534, extra_groups=[])
    hello = [line for line in service.seen if line["event"] == "hello"][0]
    assert hello["uid"] == 65534
    assert get(runtime + "/belljar/http.sock")["pid"]
    assert service.stop() == 0
