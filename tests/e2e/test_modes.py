"""The three modes of privilege: root, an ordinary user, and the root of a user namespace.

Its own file because what one mode cannot have must be reported there and nowhere else.
Changes when: a mode gains or loses a layer.
"""
import os
import shutil
import subprocess
from pathlib import Path

import belljar_run
import pytest


def find_modes():
    """Those that can be had from here: nobody becomes root, and below `unshare -Ur` there is nobody else."""
    if belljar_run.is_root():
        return ["root", "user", "unshared"]
    return ["unshared"] if os.geteuid() == 0 else ["user", "unshared"]


@pytest.fixture(scope="module")
def reachable(belljar, programs):
    return belljar_run.reachable_copy(belljar, programs)


@pytest.fixture(params=find_modes())
def mode(request, reachable, programs):
    """run(command, options) in each of the modes that this host offers."""
    prefix = []
    if request.param != "root" and belljar_run.is_root():
        if not shutil.which("setpriv"):
            pytest.skip("host lacks setpriv")
        prefix = belljar_run.setpriv(*belljar_run.ordinary_user())
    if request.param != "root" and not belljar_run.can_unshare(prefix):
        pytest.skip("host lacks unprivileged user namespaces")
    if request.param == "unshared" and (prefix or os.geteuid() != 0):
        prefix = [*prefix, "unshare", "-Ur"]

    def run(command, options=(), **more):
        handed = ["--file", "look=%s/look" % programs, "--file", "load=%s/load" % programs]
        return belljar_run.run(reachable, [*handed, *options], command, prefix=prefix, cwd="/", **more)
    run.name = request.param
    return run


def test_identity_is_the_same_in_every_mode(mode):
    result = mode(["./look", "self"])
    assert result.status == "ok", result
    lines = result.lines()
    assert (lines["uid"], lines["gid"], lines["cwd"]) == ("1000", "1000", "/box"), result
    assert lines["bounding_caps"] == "0" and lines["no_new_privs"] == "1", result


def test_walls_hold_in_every_mode(mode):
    layers = mode(["./look", "self"]).layers
    for name in ("user", "mount", "pid", "ipc", "uts", "network", "seccomp", "rlimits", "capabilities", "no_new_privs"):
        assert not str(layers[name]).startswith(("unavailable", "off")), (mode.name, layers)


def test_what_is_missing_is_reported(mode):
    result = mode(["./look", "self"])
    if mode.name == "root" or not str(result.layers["cgroup"]).startswith("unavailable"):
        return
    assert len(result.layers["cgroup"]) > len("unavailable: xx"), result
    required = mode(["./look", "self"], ["--require", "cgroup"])
    assert required.returncode == 125 and "cgroup" in required.message and b"uid=" not in required.out, required
    assert result.usage["memory_source"] in ("processes", "maxrss", "none"), result  # none: smaller than belljar itself


@pytest.mark.parametrize("words,status,limit", [(["deaf"], "time_limit", "wall"), (["burn"], "time_limit", "cpu"),
                                                (["exit", "3"], "exit", None), (["signal", "9"], "signal", None)],
                         ids=lambda v: v if isinstance(v, str) else None)
def test_verdicts_are_the_same_in_every_mode(mode, words, status, limit):
    result = mode(["./load", *words], ["-t", 0.5, "-w", 1.5 if limit == "wall" else 30, "-p", 4])
    assert (result.status, result.limit) == (status, limit), result


def test_processes_are_limited_in_every_mode(mode):
    result = mode(["./load", "forks", "40", "3"], ["-p", 6, "-w", 10])
    assert result.lines()["fork"] == "EAGAIN" and int(result.lines()["made"]) < 40, result


def test_processes_of_the_same_user_outside_do_not_count(mode):
    """RLIMIT_NPROC alone counts all processes of a uid on the host; a run must not fail for its neighbours."""
    helpers = [subprocess.Popen(["sleep", "20"]) for _ in range(12)]
    try:
        result = mode(["./load", "forks", "3", "3"], ["-p", 6, "-w", 10])
        assert result.status == "ok" and result.lines()["made"] == "3", result
    finally:
        for helper in helpers:
            helper.kill()
            helper.wait()


def test_memory_is_limited_in_every_mode(mode):
    result = mode(["./load", "allocate", str(1 << 30)], ["-m", "64M", "-w", 10])
    assert result.status in ("memory_limit", "exit") and "allocate=ok" not in result.stdout, result


SHARERS = """
import os, time
inherited = bytearray(40 << 20)
for _ in range(4):
    if os.fork() == 0:
        time.sleep(0.5)
        os._exit(0)
time.sleep(0.6)
for _ in range(100):
    os.posix_spawn("/usr/bin/true", ["true"], {})
    os.wait()
"""


def test_memory_of_all_processes_together_is_limited_in_every_mode(mode):
    """Each of them is far below the limit; where the kernel does not add them up, the supervisor does."""
    result = mode(["./load", "allocate", str(24 << 20), "6"], ["-m", "64M", "-p", 8, "-w", 3])
    assert result.status == "memory_limit", result


def test_memory_that_is_shared_counts_once_in_every_mode(mode):
    """By fork, and by vfork, where the child has the parent's memory until it execs."""
    result = mode(["python3", "-c", SHARERS], ["--profile", "python", "-m", "80M", "-p", 8, "-t", 30, "-w", 60])
    assert result.status == "ok", result


def test_files_in_and_out_in_every_mode(mode, programs, tmp_path):
    result = mode(["./load", "leave", "10"], ["--collect", "plain.txt"])
    assert belljar_run.file_bytes(result.file("plain.txt")) == b"fffff", result


def test_denials_in_every_mode(mode):
    result = mode(["./look", "socket", "2"])
    assert result.stdout == "socket=EACCES\n", result


def test_python_in_every_mode(mode):
    result = mode(["python3", "-c", "import json; print(json.dumps([1]))"], ["--profile", "python"])
    assert result.stdout == "[1]\n", result


def test_root_files_stay_roots(mode, tmp_path):
    """What an ordinary user may not read outside, its run may not read inside, bound or not."""
    if mode.name == "root":
        return
    secret = tmp_path / "shadow"
    if belljar_run.is_root():
        secret.write_text("root:")
        secret.chmod(0o600)
        for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
            parent.chmod(parent.stat().st_mode | 0o055)
    else:
        secret = Path("/etc/shadow")
        if not secret.exists() or os.access(secret, os.R_OK):
            pytest.skip("host lacks a file that this user may not read")
    result = mode(["cat", "/data/shadow"], ["--profile", "sh", "--ro-bind", secret.parent, "/data"])
    assert "Permission denied" in result.stderr and b"root:" not in result.out, result


@pytest.mark.parametrize("options", [[], ["--off", "user"]], ids=["namespace", "host-ids"])
def test_ids_of_two_runs_differ_as_root(belljar, programs, as_root, options):
    """Root's runs each have a uid of their own outside, so that one could not touch another even without namespaces; and
    without a user namespace nothing in the jail is the host's root, its pid 1 neither."""
    with open("/proc/self/uid_map", encoding="ascii") as f:
        if not any(int(line.split()[2]) > 1 << 24 for line in f):
            pytest.skip("host lacks the ids of the range in this user namespace (a rootless container)")
    with open("/proc/self/status", encoding="ascii") as f:
        capabilities = next(int(line.split()[1], 16) for line in f if line.startswith("CapEff:"))
    if options and not capabilities & 1 << 21:
        pytest.skip("host lacks CAP_SYS_ADMIN, without which there is no jail without a user namespace (a container)")
    import time
    children = [subprocess.Popen([belljar, "run", "--json", "-w", "20", *options, "--file", "load=%s/load" % programs, "--", "./load",
                                  "deaf"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for _ in range(3)]
    import leaks
    uids, deadline = [], time.monotonic() + 20
    while len(uids) < 6 and time.monotonic() < deadline:
        time.sleep(0.7)  # until the last of them has its ids
        uids = []
        for pid in (pid for child in children for pid in leaks.descendants(child.pid)):
            with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as f:
                uids.append(int(next(line for line in f if line.startswith("Uid:")).split()[1]))
    for child in children:
        child.terminate()
        child.wait(10)
    assert len(uids) >= 6 and len(set(uids)) == len(uids), uids  # an init and a guest each, all different
    assert all(uid > 65536 for uid in uids), uids
