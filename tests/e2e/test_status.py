"""Every status of a result, and the ones that are easily taken for each other.

Its own file because the verdict is the product: each way to end has exactly one name.
Changes when: a status or a limit is added.
"""
import json
import os
import signal
import subprocess
import time

import belljar_run
import leaks
import pytest


def test_ok(jail):
    result = jail.load("exit", 0)
    assert (result.status, result.exit_code, result.signal, result.limit) == ("ok", 0, None, None), result
    assert result.returncode == 0
    assert result.stdout == "" and result.stderr == ""
    assert not result.stdout_truncated and not result.stderr_truncated


def test_output_comes_back(jail):
    result = jail.look("self")
    assert result.lines()["cwd"] == "/box", result


@pytest.mark.parametrize("code", [1, 2, 42, 124, 125, 126, 127, 137, 255])
def test_exit_code_is_the_programs_own(jail, code):
    result = jail.load("exit", code)
    assert (result.status, result.exit_code, result.signal, result.limit) == ("exit", code, None, None), result
    assert result.returncode == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT, signal.SIGXCPU,
                                    signal.SIGXFSZ, signal.SIGPIPE])
def test_signal_of_its_own(jail, number):
    """A signal that the program sent itself is no limit and no layer, whichever signal it chose."""
    result = jail.load("signal", int(number))
    assert (result.status, result.limit, result.exit_code) == ("signal", None, None), result
    assert result.signal in (int(number), number.name), result
    assert result.returncode == 128 + number


def test_forged_sigsys_is_a_signal_too(jail):
    """SIGSYS by kill(2) is the program's own doing; only the filter's word makes it "denied"."""
    result = jail.load("signal", int(signal.SIGSYS))
    assert result.status == "signal", result


def test_wall_limit(jail):
    result = jail.load("deaf", options=["-w", 0.7])
    assert (result.status, result.limit, result.exit_code) == ("time_limit", "wall", None), result
    assert result.returncode == 124
    assert 0.7 <= result.usage["wall_seconds"] < 2.0, result
    assert result.seconds < 4
    assert result.stdout == "deaf=ok\n"


@pytest.mark.parametrize("kind,children,threads", [("one loop", 0, 0), ("children", 3, 0), ("threads", 0, 3)])
def test_cpu_limit_is_of_the_whole_tree(jail, kind, children, threads):
    result = jail.load("burn", children, threads, options=["-t", 0.6, "-w", 30, "-p", 16])
    assert (result.status, result.limit) == ("time_limit", "cpu"), result
    assert result.returncode == 124
    # Several processors may burn at once between two looks of the supervisor; not by whole multiples, though.
    assert 0.5 <= result.usage["cpu_seconds"] <= 1.6, result


def test_cpu_of_dead_children_counts(jail):
    """Ten children, one after the other, none of which is over the limit alone."""
    result = jail.load("spend", 10, 200, options=["-t", 0.8, "-w", 10, "-p", 16])
    assert (result.status, result.limit) == ("time_limit", "cpu"), result


def test_cpu_usage_of_the_tree_is_told(jail):
    result = jail.load("spend", 3, 150, options=["-t", 5, "-w", 10, "-p", 16])
    assert result.status == "ok", result
    assert 0.4 <= result.usage["cpu_seconds"] < 1.5, result


def test_sleeping_is_not_cpu(jail):
    result = jail.load("wait", 900, options=["-t", 0.3, "-w", 10])
    assert result.status == "ok", result
    assert result.usage["cpu_seconds"] < 0.3 and result.usage["wall_seconds"] >= 0.9, result


def test_memory_limit(jail, memory_cgroup):
    result = jail.load("allocate", 200 << 20, options=["-m", "32M", "-w", 20])
    assert (result.status, result.exit_code) == ("memory_limit", None), result
    assert result.returncode == 137
    assert result.stdout == ""
    assert result.usage["memory_source"] == "cgroup"
    assert (16 << 20) < result.usage["memory_peak_bytes"] <= (34 << 20), result


def test_memory_limit_is_of_the_whole_tree(jail, memory_cgroup):
    result = jail.load("allocate", 20 << 20, 5, options=["-m", "48M", "-w", 20, "-p", 16])
    assert result.status == "memory_limit", result


def test_memory_within_the_limit(jail, memory_cgroup):
    result = jail.load("allocate", 20 << 20, options=["-m", "64M", "-w", 20])
    assert result.status == "ok", result
    assert (20 << 20) <= result.usage["memory_peak_bytes"] < (40 << 20), result


def test_memory_limit_below_the_programs_own_size(jail, memory_cgroup):
    """Dies before its first instruction; still the memory limit, not a missing program and not our failure."""
    result = jail.run(["python3", "-c", "print(1)"], ["--profile", "python", "-m", "512K", "-w", 10])
    assert result.status == "memory_limit", result
    assert result.returncode == 137


def test_memory_is_limited_without_a_cgroup(jail):
    """Where no control group can be had, the address space is limited instead: the allocation fails."""
    result = jail.load("allocate", 1 << 30, options=["-m", "64M", "-w", 20, "--off", "cgroup"])
    assert result.status in ("exit", "memory_limit"), result
    assert "allocate=ok" not in result.stdout
    assert result.layers["cgroup"].startswith("off")


def test_killed_by_itself_near_the_memory_limit_is_a_signal(jail, memory_cgroup):
    result = jail.load("signal", 9, options=["-m", "32M", "-w", 10])
    assert result.status == "signal", result
    assert result.returncode == 137  # 128 + SIGKILL: the status tells it apart, the number cannot


def test_memory_kill_is_not_a_wall_kill(jail, memory_cgroup):
    result = jail.load("allocate", 200 << 20, 3, options=["-m", "32M", "-w", 3, "-p", 16])
    assert result.status == "memory_limit", result


def test_process_limit(jail, pids_cgroup):
    result = jail.load("forks", 20, 3, options=["-p", 5, "-w", 10])
    assert (result.status, result.exit_code) == ("process_limit", 3), result
    assert result.lines() == {"made": "4", "fork": "EAGAIN"}
    assert result.usage["processes_peak"] <= 6, result


def test_process_limit_without_a_cgroup(jail):
    result = jail.load("forks", 20, 3, options=["-p", 5, "-w", 10, "--off", "cgroup"])
    assert result.lines()["fork"] == "EAGAIN", result
    assert int(result.lines()["made"]) < 20


def test_exactly_the_processes_that_were_allowed(jail):
    result = jail.load("forks", 4, 3, options=["-p", 5, "-w", 10])
    assert result.status == "ok" and result.lines()["made"] == "4", result


def test_output_is_truncated_and_drained(jail):
    result = jail.load("output", "stdout", 5 << 20, 3, options=["--output-limit", "64K", "-w", 20])
    assert (result.status, result.exit_code) == ("exit", 3), result
    assert result.stdout_truncated and not result.stderr_truncated
    assert len(result.bytes()) == 65536


def test_output_limit_kills_when_asked(jail):
    result = jail.load("output", "stdout", 1 << 30, 0,
                       options=["--output-limit", "64K", "--output-action", "kill", "-w", 20])
    assert result.status == "output_limit", result
    assert result.exit_code is None
    assert len(result.bytes()) <= 65536
    assert result.returncode not in (0, 125)


@pytest.mark.parametrize("name,limit", [("stdout", "stdout"), ("stderr", "stderr")])
def test_output_limit_of_each_stream(jail, name, limit):
    result = jail.load("output", name, 1 << 20, 0, options=["--output-limit", "1K", "--output-action", "kill"])
    assert result.status == "output_limit", result


def test_exactly_the_output_that_was_allowed(jail):
    result = jail.load("output", "stdout", 65536, 0, options=["--output-limit", "64K", "--output-action", "kill"])
    assert result.status == "ok" and not result.stdout_truncated, result
    assert len(result.bytes()) == 65536


def test_disk_limit_of_bytes(jail):
    result = jail.load("fill", "big", 8 << 20, options=["-d", "4M", "-f", "64M"])
    assert result.status == "disk_limit", result
    assert result.exit_code == 5
    assert result.lines()["fill"] == "ENOSPC"


def test_disk_limit_of_inodes(jail):
    result = jail.load("fill", "many", 0, 500, options=["--files", 100, "-d", "32M"])
    assert result.status == "disk_limit", result
    assert result.lines()["fill"] == "ENOSPC" and 50 <= int(result.lines()["filled"]) <= 100


def test_disk_limit_is_of_all_places_together(jail):
    first = jail.load("fill", "/tmp/a", 3 << 20, options=["-d", "8M"])
    assert first.status == "ok", first
    text = "cd /tmp && head -c 3000000 /dev/zero >a && cd /box && head -c 3000000 /dev/zero >b && " \
           "head -c 3000000 /dev/zero >/dev/shm/c"
    result = jail.shell(text, ["-d", "8M", "-p", 8])
    assert result.status == "disk_limit", result


def test_file_size_limit(jail):
    result = jail.load("fill", "big", 2 << 20, options=["-f", "1M", "-d", "16M"])
    assert result.exit_code == 5 and result.lines()["fill"] == "EFBIG", result


def test_open_file_limit(jail):
    result = jail.look("limits", options=["--open-files", 17])
    assert result.lines()["nofile"] == result.lines()["nofile_hard"] == "17", result


def test_denied(jail):
    """The filter kills what speaks another architecture's language; that is neither its own crash nor ours."""
    result = jail.look("int80")
    if result.status == "signal" and os.uname().machine == "x86_64":
        # A kernel without 32-bit support answers int 0x80 with SIGSEGV before any filter sees it.
        config = subprocess.run("zgrep -h IA32_EMULATION= /proc/config.gz /boot/config-$(uname -r)", shell=True,
                                capture_output=True, text=True, check=False).stdout
        if "=y" not in config:
            pytest.skip("host lacks IA32_EMULATION")
    assert result.status == "denied", result
    assert "int80=" not in result.stdout and result.exit_code is None
    assert any(d["layer"] == "seccomp" for d in result.denials), result


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_cancelled(jail, belljar, programs, number):
    child = subprocess.Popen([belljar, "run", "--json", "-w", "30", "--file", "load=%s/load" % programs, "--", "./load",
                              "deaf"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.5)
    began = time.monotonic()
    child.send_signal(number)
    out, err = child.communicate(timeout=10)
    result = belljar_run.Result(child.args, child.returncode, out, err, time.monotonic() - began)
    assert result.status == "cancelled", result
    assert result.seconds < 3
    assert child.returncode != 0


def test_killed_supervisor_takes_the_run_along(belljar, programs):
    """SIGKILL leaves the command no time to tidy up; the kernel must end the jail (parent-death signal)."""
    child = subprocess.Popen([belljar, "run", "--json", "-w", "30", "--prefer", "cgroup", "--off", "cgroup", "--file",
                              "load=%s/load" % programs, "--", "./load", "deaf"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    assert child.poll() is None
    child.kill()
    child.wait()
    # the autouse check finds the survivor, if there is one


def test_jail_error_is_ours_and_told(jail):
    """A working directory that is not in the jail: no program ran, and the message says which field."""
    result = jail.load("exit", 0, options=["-C", "/no/such/directory"])
    assert result.returncode == 125, result
    assert "/no/such/directory" in result.message + result.out.decode(), result
    assert "directory" in result.message + result.out.decode()


def test_missing_program_is_127(jail):
    result = jail.run(["./no-such-program"])
    assert result.returncode == 127, result
    assert result.status not in ("ok",)


def test_missing_program_in_path_is_127(jail):
    result = jail.run(["no-such-program-anywhere"])
    assert result.returncode == 127, result


def test_not_executable_is_126(jail, host_file):
    result = jail.run(["./plain"], ["--file", "plain=" + host_file("plain", b"just text\n", 0o644)])
    assert result.returncode == 126, result


def test_not_a_program_is_126(jail, host_file):
    result = jail.run(["./garbage"], ["--file", "garbage=" + host_file("garbage", b"\x7fELF but not really", 0o755)])
    assert result.returncode == 126, result


def test_a_whole_second_of_cpu_is_a_limit_as_any_other(jail):
    """RLIMIT_CPU counts otherwise than the control group, and came first now and then: a signal, which is no verdict."""
    for _ in range(4):
        result = jail.run(["sh", "-c", "while :; do :; done"], options=["-P", "sh", "-t", 1])
        assert (result.status, result.limit) == ("time_limit", "cpu"), result


def test_grandchild_that_holds_the_pipes(jail):
    """The run is over when the program is, whatever still holds its output."""
    result = jail.load("hold", 30, 0, options=["-w", 10, "-p", 8])
    assert result.status in ("ok", "time_limit"), result
    assert result.status == "ok", "waited for the end of a pipe instead of the end of the program: %s" % result
    assert result.stdout == "planted=ok\n"
    assert result.seconds < 5


def test_grandchild_cannot_outlive_the_wall_limit(jail):
    result = jail.shell("(setsid sleep 60 & ) ; sleep 60", ["-w", 1, "-p", 8])
    assert (result.status, result.limit) == ("time_limit", "wall"), result
    assert result.seconds < 4


def test_a_stopped_supervisor_does_not_stop_the_clock(belljar):
    """The clock is the supervisor's; behind it pid 1 has one of its own, a second later."""
    with subprocess.Popen([belljar, "run", "--json", "-w", "1", "--", "sleep", "60"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE) as supervisor:
        time.sleep(0.3)
        os.kill(supervisor.pid, signal.SIGSTOP)
        try:
            assert leaks.descendants(supervisor.pid)
            deadline = time.monotonic() + 10
            while any(leaks.parents()[pid][1] not in "ZX" for pid in leaks.descendants(supervisor.pid)):
                assert time.monotonic() < deadline, "the program went on without its supervisor"
                time.sleep(0.1)
        finally:
            os.kill(supervisor.pid, signal.SIGCONT)
        result = json.loads(supervisor.communicate(timeout=10)[0])
    assert (result["status"], result["limit"]) == ("time_limit", "wall"), result


def test_usage_is_complete(jail):
    # Without a control group only what is more than Belljar's own size can be told.
    usage = jail.load("allocate", 32 << 20).usage
    assert set(usage) >= {"wall_seconds", "cpu_seconds", "memory_peak_bytes", "memory_source", "processes_peak"}
    assert usage["memory_source"] in ("cgroup", "maxrss") and usage["memory_peak_bytes"] >= 32 << 20, usage


def test_timing_is_told(jail):
    timing = jail.load("exit", 0).timing
    assert 0 < timing["setup_us"] < 1_000_000 and timing["run_us"] > 0 and "queue_us" in timing, timing


def test_timing_per_operation(jail):
    result = jail.load("exit", 0, options=["--timing"])
    operations = result.timing["operations"]
    assert len(operations) > 10, result
    assert all("us" in str(o) for o in operations), operations
