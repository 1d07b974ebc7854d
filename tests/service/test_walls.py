"""The walls around the front: that they stand, that what is missing is said, and that nothing is served where one cannot be had.

Its own file because here the host is made to refuse things.
Changes when: the front has another wall.
"""
import fcntl
import json
import os
import shutil
import socket
import subprocess

import pytest

import service as services

# A call that is made to fail, and what then has no wall.
REQUIRED = {
    "capset": "capset:error=EPERM", "ids": "setresuid:error=EPERM", "groups": "setgroups:error=EIO", "limits": "setrlimit,prlimit64:error=EIO",
    "no_new_privs": "prctl:error=EIO", "landlock": "landlock_restrict_self:error=EIO", "seccomp": "seccomp:error=EIO",
}


def status_of(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def test_they_stand(service):
    pid = service.pid_of("belljar-front")
    status = status_of(pid)
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == 0 and int(status["CapPrm"], 16) == 0
    assert int(status["CapBnd"], 16) == 0 or os.geteuid() != 0
    assert status["Threads"] == "1"
    if os.geteuid() == 0:
        assert "0" not in status["Uid"].split() and status["Groups"].split() == []
        assert os.listdir("/proc/%d/root" % pid) == []
        for name in ("net", "ipc", "uts", "mnt", "cgroup"):
            assert os.readlink("/proc/%d/ns/%s" % (pid, name)) != os.readlink("/proc/self/ns/" + name)
    with open("/proc/%d/limits" % pid, encoding="ascii") as file:
        limits = {line[:26].strip(): line[26:].split()[:2] for line in file}
    assert limits["Max processes"] == ["0", "0"] and limits["Max core file size"] == ["0", "0"]
    names = [os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)]
    assert all(name.startswith(("socket:", "anon_inode:")) or name == "/dev/null" for name in names), names
    line = service.events("ready", process="front")[0]
    assert line["seccomp"] == line["capabilities"] == line["no_new_privs"] == "on"
    layers = service.ask("GET", "/v1/limits")[2]["layers"]
    assert all(line[name] == text for name, text in layers.items())


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="host lacks root, or setpriv")
def test_what_is_missing_is_said(start):
    service = start(wrap=("setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"), profiles=(("sh", 0),))
    line = service.events("ready", process="front")[0]
    assert line["namespaces"].startswith("unavailable: ") and line["root"].startswith("unavailable: ") and line["landlock"].startswith("abi ")


def start_front(*words):
    """(exit code, lines of its log) of a front whose calls are tampered with, and which has everything that it needs otherwise."""
    config = {"listeners": [{"kind": "http", "address": "127.0.0.1:1"}], "profiles": [{"name": "sh"}], "anonymous": True}
    memfd = os.memfd_create("config", os.MFD_ALLOW_SEALING)
    os.write(memfd, json.dumps(config).encode())
    broker, broker_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    log, log_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener = socket.socket()
    listener.listen()

    def sit_down():
        fds = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (broker_end.fileno(), log_end.fileno(), memfd, listener.fileno())]
        for seat, fd in enumerate(fds):
            os.dup2(fd, 3 + seat)
        os.closerange(7, 4096)

    with broker, log, listener:
        process = subprocess.Popen([*words, services.FRONT, "http=6"], stdin=subprocess.DEVNULL, preexec_fn=sit_down, close_fds=False)
        broker_end.close()
        log_end.close()
        os.close(memfd)
        broker.settimeout(1.5)
        try:
            greeted = bool(broker.recv(4096))
        except (socket.timeout, ConnectionResetError):
            greeted = False
        broker.close()
        code = process.wait(10)
        log.settimeout(1)
        lines = []
        while piece := log.recv(65536):
            lines.append(json.loads(piece))
    return greeted, code, lines


@pytest.mark.skipif(not shutil.which("strace"), reason="host lacks strace")
class TestFailsClosed:
    """Each time it ends before it says a word to the broker, and says why to the log."""

    def test_all_well(self):
        greeted, code, _ = start_front("strace", "-o", "/dev/null", "-e", "inject=fanotify_init:error=EIO")
        assert greeted and code == 1 # the broker went away

    @pytest.mark.parametrize("wall", REQUIRED)
    def test_without(self, wall):
        if wall in ("ids", "groups") and os.geteuid() != 0:
            pytest.skip("host lacks root")
        greeted, code, lines = start_front("strace", "-o", "/dev/null", "-e", "inject=" + REQUIRED[wall])
        assert not greeted and code == 1
        assert lines[-1]["event"] == "front_ended" and lines[-1]["level"] == "error" and lines[-1]["text"], lines

    def test_without_a_wall_before_files(self):
        greeted, code, lines = start_front("strace", "-o", "/dev/null", "-e", "inject=unshare,landlock_create_ruleset:error=ENOSYS")
        assert not greeted and code == 1 and "could still be opened" in lines[-1]["text"]

    def test_a_filter_that_does_nothing(self):
        """The call that loads it is answered as if it had worked."""
        greeted, code, lines = start_front("strace", "-o", "/dev/null", "-e", "inject=seccomp:retval=0")
        assert not greeted and code == 1 and lines[-1]["field"] == "seccomp", lines
