"""Denials: what was refused is counted and named, and refused all the same.

Its own file because a report of denials must never become a way through.
Changes when: the filter names things differently, or another layer reports.
"""
import socket
import subprocess

import pytest

import belljar_run

EACCES, EPERM, ENOSYS = "EACCES", "EPERM", "ENOSYS"


@pytest.fixture(scope="session")
def reports(layers):
    value = str(layers.get("denial_report"))
    if value.startswith("unavailable"):
        pytest.skip("host lacks seccomp user notification")


def answer_around(jail, *words):
    """What a seccomp filter around this process (a container's) lets look's syscall answer outside of any jail; None without
    one. Of two filters the kernel takes ERRNO before USER_NOTIF (seccomp(2)): such a call is refused, and not reported."""
    with open("/proc/self/status", encoding="ascii") as f:
        if "\nSeccomp:\t2" not in f.read():
            return None
    prefix = belljar_run.setpriv(*belljar_run.ordinary_user()) if belljar_run.is_root() else []
    done = subprocess.run([*prefix, jail.programs + "/look", "syscall", *map(str, words)], check=False, capture_output=True, text=True)
    return done.stdout.partition("syscall=")[2].strip()


def test_nothing_refused_nothing_reported(jail):
    assert jail.load("exit", 0).denials == []


def test_socket(jail, reports):
    result = jail.look("socket", int(socket.AF_INET), 3)
    assert result.stdout == "socket=EACCES\n" * 3, result
    assert result.denials == [{"layer": "seccomp", "what": "socket(AF_INET)", "count": 3}], result


@pytest.mark.parametrize("family,name", [(10, "AF_INET6"), (16, "AF_NETLINK"), (17, "AF_PACKET"), (38, "AF_ALG"),
                                         (40, "AF_VSOCK")])
def test_socket_families(jail, reports, family, name):
    result = jail.look("socket", family)
    assert result.stdout == "socket=EACCES\n", result
    assert result.denial("socket(%s)" % name) == 1, result


def test_ptrace(jail, reports):
    result = jail.look("ptrace")
    assert result.lines()["ptrace"] == EPERM, result
    assert result.denial("ptrace") == 1 or any(d["what"].startswith("ptrace") for d in result.denials), result


@pytest.mark.parametrize("number,name", [(165, "mount"), (272, "unshare"), (308, "setns"), (321, "bpf"),
                                         (298, "perf_event_open"), (323, "userfaultfd"), (425, "io_uring_setup"),
                                         (250, "keyctl"), (175, "init_module"), (169, "reboot"), (161, "chroot"),
                                         (155, "pivot_root"), (170, "sethostname"), (101, "ptrace")])
def test_dangerous_calls(jail, reports, number, name):
    result = jail.look("syscall", number, 0, 0, 0, 0, 0)
    answer = result.lines()["syscall"]
    assert answer in (EPERM, ENOSYS, EACCES), result
    assert answer == answer_around(jail, number, 0, 0, 0, 0, 0) or any(d["layer"] == "seccomp" and d["what"].startswith(name) and d["count"] == 1 for d in result.denials), \
        result


def test_unknown_new_call(jail, reports):
    """glibc falls back on ENOSYS; the number is what there is to tell."""
    result = jail.look("syscall", 1999)
    if answer_around(jail, 1999) == EPERM:
        pytest.skip("host lacks ENOSYS for unknown calls: a container's filter answers EPERM")
    assert result.lines()["syscall"] == ENOSYS, result
    if answer_around(jail, 1999) == ENOSYS:
        return  # by that filter; there is nothing to report
    assert any("1999" in d["what"] for d in result.denials), result


def test_clone3_is_refused_in_silence(jail):
    result = jail.look("syscall", 435, 0, 0)
    assert result.lines()["syscall"] == ENOSYS and result.denials == [], result


def test_x32_is_refused(jail):
    result = jail.look("syscall", 0x40000000 + 39)
    assert result.status == "denied" or result.lines().get("syscall") in (ENOSYS, EPERM), result


def test_namespaces_by_clone(jail, reports):
    """clone(CLONE_NEWUSER | SIGCHLD): refused by its flags."""
    result = jail.look("syscall", 56, 0x10000011, 0, 0, 0, 0)
    assert result.lines()["syscall"] == EPERM, result
    assert answer_around(jail, 56, 0x10000011, 0, 0, 0, 0) == EPERM or any(d["what"].startswith("clone") for d in result.denials), result


def test_high_half_of_an_argument_does_not_matter(jail):
    """The kernel looks at 32 bits of a socket family; so must the filter."""
    result = jail.look("syscall", 41, 2 + (1 << 32), 1, 0)
    assert result.lines()["syscall"] == EACCES, result


def test_a_flood_of_denials_is_counted(jail, reports):
    result = jail.look("socket", 2, 20000, options=["-t", 20, "-w", 30])
    assert result.status == "ok", result
    assert result.denial("socket(AF_INET)") == 20000, result


def test_many_kinds_are_bounded(jail):
    """A program cannot fill the result with kinds of denials of its own making."""
    code = "import ctypes\nl = ctypes.CDLL(None)\nfor n in range(600, 40000): l.syscall(n)"
    result = jail.python(code, ["-t", 20, "-w", 30])
    assert result.status == "ok", result
    assert len(result.denials) <= 1024 and len(result.out) < 1 << 20


def test_same_refusals_without_the_report(jail):
    with_report = [jail.look("socket", f).stdout for f in (2, 10, 16)]
    without = [jail.look("socket", f, options=["--off", "denial_report"]).stdout for f in (2, 10, 16)]
    assert with_report == without
    assert jail.look("socket", 2, options=["--off", "denial_report"]).denials == []


def test_refused_all_the_same_while_the_supervisor_is_busy(jail):
    """Threads that ask for the refused while another floods stdout: none gets through."""
    code = ("import socket,threading,sys\nbad=[]\ndef ask():\n"
            " for _ in range(300):\n"
            "  try: socket.socket(); bad.append(1)\n"
            "  except OSError as e:\n   if e.errno != 13: bad.append(e.errno)\n"
            "ts=[threading.Thread(target=ask) for _ in range(4)]\n"
            "for t in ts: t.start()\nsys.stdout.write('x'*3000000)\nfor t in ts: t.join()\nsys.stderr.write(repr(bad))")
    result = jail.python(code, ["-p", 8, "-w", 30, "-t", 20], profile="python-packages")
    assert result.stderr == "[]", result
    assert sum(d["count"] for d in result.denials) >= 1200 or not result.denials, result
