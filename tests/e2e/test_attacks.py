"""Attacks that once worked, each as small as it can be; every one of them must stay closed.

Its own file because these were found by attacking, not by reading the design.
Changes when: an attack is found.
"""
import errno
import glob
import json
import os
import signal
import subprocess
import time

import pytest

import belljar_run
import leaks

# Says what a program gets from whoever started the command.
INHERITED = """
import ctypes, os
mask = os.umask(0)
print("umask=%o" % mask)
print("nice=%d" % os.getpriority(os.PRIO_PROCESS, 0))
print("policy=%d" % os.sched_getscheduler(0))
print("personality=%x" % ctypes.CDLL(None).personality(ctypes.c_ulong(0xffffffff)))
"""


@pytest.fixture
def bad_habits():
    """Started like this, a program runs after `prepare` and with its dispositions."""
    def start(jail, prepare, command, *options):
        argv = [jail.belljar, "run", "--json", *options, "--", *command]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, preexec_fn=prepare, timeout=60,
                              restore_signals=False)
        return json.loads(done.stdout)
    return start


def ignore_children():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


@pytest.mark.parametrize("code, status, exit_code", [("exit 0", "ok", 0), ("exit 3", "exit", 3), ("kill -9 $$", "signal", None)])
def test_a_caller_that_ignores_sigchld_learns_the_end(jail, bad_habits, code, status, exit_code):
    """The disposition survives clone and exec: pid 1 never woke up, and then nobody could reap pid 1."""
    result = bad_habits(jail, ignore_children, ["sh", "-c", code], "--profile", "sh", "-w", "5")
    assert (result["status"], result["exit_code"]) == (status, exit_code), result


def may_hurry():
    """CAP_SYS_NICE in the first user namespace: a container's root has none, and others may not take a better priority."""
    with open("/proc/self/status", encoding="ascii") as f:
        effective = next(int(line.split()[1], 16) for line in f if line.startswith("CapEff:"))
    return bool(effective & 1 << 23) and belljar_run.is_root()


def test_nothing_of_the_callers_process_is_inherited(jail, bad_habits):
    def prepare():
        os.umask(0o777)
        if may_hurry():
            os.setpriority(os.PRIO_PROCESS, 0, -5)
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        import ctypes
        ctypes.CDLL(None).personality(0x0040000)  # ADDR_NO_RANDOMIZE

    result = bad_habits(jail, prepare, ["python3", "-c", INHERITED], "--profile", "python")
    assert result["stdout"].split() == ["umask=22", "nice=0", "policy=0", "personality=0"], result


@pytest.mark.parametrize("callers,asked,had", [(10, 5, 10), (0, 5, 5)])
def test_the_worse_priority_stays(jail, callers, asked, had):
    """An ordinary user may not take back what `nice` took; a request that asks for less is no reason to fail."""
    request = {"version": 1, "profile": "python", "nice": asked,
               "command": ["python3", "-c", "import os; print(os.getpriority(os.PRIO_PROCESS, 0))"]}
    done = subprocess.run(["nice", "-n", str(callers), jail.belljar, "run", "--spec", "-"], input=json.dumps(request),
                          capture_output=True, text=True, check=False)
    assert done.stdout == "%d\n" % had, done


def test_a_better_priority_alone_is_not_inherited(jail, bad_habits, as_root):
    if not may_hurry():
        pytest.skip("host lacks CAP_SYS_NICE")
    result = bad_habits(jail, lambda: os.setpriority(os.PRIO_PROCESS, 0, -5), ["python3", "-c", INHERITED], "--profile", "python")
    assert "nice=0" in result["stdout"].split(), result


def test_a_worse_priority_is_kept(jail, bad_habits):
    result = bad_habits(jail, lambda: os.nice(5), ["python3", "-c", INHERITED], "--profile", "python")
    assert "nice=5" in result["stdout"].split(), result


def test_leaves_of_a_killed_supervisor_are_swept(jail):
    """A leaf cannot remove itself: the next run of anybody does it, in every hierarchy."""
    if not leaks.own_cgroups():
        pytest.skip("host lacks control groups")
    argv = [jail.belljar, "run", "--", "sleep", "30"]
    victim = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    mine = "/belljar-%d-" % victim.pid
    deadline = time.monotonic() + 10
    while not any(mine in path and pids for path, pids in leaks.leaves().items()) and time.monotonic() < deadline:
        time.sleep(0.01)
    made = [path for path in leaks.leaves() if mine in path]
    victim.kill()
    victim.wait()
    if not made:
        pytest.skip("host lacks a control group that may be written")
    deadline = time.monotonic() + 5
    while any(path in leaks.leaves() for path in made) and time.monotonic() < deadline:
        assert jail.run(["true"]).status == "ok"
        time.sleep(0.05)
    assert not [path for path in made if path in leaks.leaves()]


def as_user(jail, tmp_path_factory):
    """A command that an ordinary user may start, and the prefix that makes one; skips where there is no way."""
    if not belljar_run.is_root():
        return jail.belljar, []
    directory = tmp_path_factory.mktemp("command")
    for parent in (directory, directory.parent, directory.parent.parent):
        os.chmod(parent, os.stat(parent).st_mode | 0o055)
    prefix = belljar_run.setpriv(*belljar_run.ordinary_user())
    if not belljar_run.can_unshare(prefix):
        pytest.skip("host lacks unprivileged user namespaces")
    return belljar_run.reachable_copy(jail.belljar, str(directory / "bin")), prefix


# The first thread of each process only sleeps.
HIDDEN_CHILDREN = """
import os, threading, time
def make():
    for _ in range(2):
        if os.fork() == 0:
            while True: pass
    time.sleep(100)
threading.Thread(target=make, daemon=True).start()
time.sleep(100)
"""


def test_cpu_of_children_of_other_threads_is_counted_without_a_control_group(jail, tmp_path_factory):
    command, prefix = as_user(jail, tmp_path_factory)
    result = belljar_run.run(command, ["-P", "python", "-p", 8, "-t", 0.5, "-w", 8, "--off", "cgroup"],
                             ["python3", "-c", HIDDEN_CHILDREN], prefix=prefix, cwd="/")
    assert (result.status, result.limit) == ("time_limit", "cpu"), result
    assert result.seconds < 5, result


def test_cpu_of_a_run_that_was_killed_is_told_without_a_control_group(jail, tmp_path_factory):
    """Whoever is killed with the pid namespace is reaped by nobody, so the kernel adds up nothing."""
    command, prefix = as_user(jail, tmp_path_factory)
    result = belljar_run.run(command, ["-P", "sh", "-w", 2, "--off", "cgroup"], ["sh", "-c", "while :; do :; done"], prefix=prefix,
                             cwd="/")
    assert (result.status, result.limit) == ("time_limit", "wall"), result
    assert result.usage["cpu_seconds"] > 0.05, result  # on a busy host too; a jail that only waits takes 0.002


# As many descriptors under way as the kernel lets it have: all processes of a user are counted together.
IN_FLIGHT = """
import array, os, socket, sys, time
pairs, fd = [], os.open("/dev/null", os.O_RDONLY)
try:
    while len(pairs) < 200:
        if len(pairs) % 20 == 0:
            pair = socket.socketpair()
        pair[0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd] * 5))])
        pairs.append(pair)
except OSError as error:
    print(5 * len(pairs), error.errno, flush=True)
time.sleep(30)
"""


def test_descriptors_that_a_guest_keeps_under_way_stop_no_other_run(jail, tmp_path_factory):
    """unix(7), ETOOMANYREFS: the payload of the user's next jail could not send its own, while it had the guest's limit."""
    command, prefix = as_user(jail, tmp_path_factory)
    with subprocess.Popen([*prefix, command, "run", "-P", "python", "-w", "40", "--", "python3", "-c", IN_FLIGHT], cwd="/",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as hostile:
        sent, error = hostile.stdout.readline().split()
        assert int(sent) >= 65 and int(error) == errno.ETOOMANYREFS, (sent, error)
        done = [belljar_run.run(command, [], ["true"], prefix=prefix, cwd="/") for _ in range(3)]
        hostile.send_signal(signal.SIGTERM)
    assert [result.status for result in done] == ["ok"] * 3, done


def test_names_of_control_groups_do_not_show(jail, memory_cgroup):
    """The leaf's name holds the supervisor's pid."""
    result = jail.shell("cat /proc/self/cgroup")
    assert result.status == "ok" and result.stdout, result
    assert "belljar" not in result.stdout, result
    assert all(line.endswith(":/") for line in result.stdout.split()), result


def test_a_device_node_of_the_host_cannot_be_touched(jail):
    """Mode 0666 lets anybody set the times of /dev/null, and the node is the host's."""
    before = os.stat("/dev/null").st_mtime_ns
    result = jail.python("import os\nopen('/dev/null', 'w').write('x')\n"
                         "try:\n    os.utime('/dev/null')\nexcept OSError as e:\n    print(e.strerror)")
    assert (result.status, result.stdout) == ("ok", "Read-only file system\n"), result
    assert os.stat("/dev/null").st_mtime_ns == before


@pytest.mark.parametrize("command", ["x" + "\u00e9" * 150, "\udcff\udcfe"])
def test_a_name_that_is_cut_or_is_not_utf8_does_not_cost_the_result(jail, command):
    """The message ended in the middle of a character, and the whole result was lost."""
    result = jail.run([os.fsencode(command)])
    assert result.returncode in (126, 127) and result.status == "exit" and "cannot execute" in result.error, result


def test_programs_stand_where_no_mount_can_be(jail, programs, tmp_path):
    """A writable mount over their directory took them, and what was left stayed on the host."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(parent.stat().st_mode | 0o055)
    for target in ("/run", "/run/program"):
        result = jail.look("self", options=["--bind", str(shared), target])
        assert result.status == "ok", result
        assert glob.glob(str(shared) + "/*") == [], target


def test_a_request_learns_nothing_through_a_link(belljar, tmp_path):
    """A link in a directory that requests may name: one answer for all that is behind it."""
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "there").write_text("secret")
    (data / "up").symlink_to(tmp_path)
    profile = {"version": 1, "mounts": [{"source": "/usr", "target": "/usr", "mode": "ro", "executable": True}],
               "mount_sources": [str(data)], "syscalls": ["base", "processes"]}
    (tmp_path / "narrow.json").write_text(json.dumps(profile))
    env = dict(os.environ, BELLJAR_PROFILE_PATH=str(tmp_path))
    answers = set()
    for name in ("there", "missing"):
        request = {"version": 1, "profile": "narrow", "command": ["/usr/bin/true"],
                   "mounts": [{"source": "%s/up/%s" % (data, name), "target": "/m"}]}
        done = subprocess.run([belljar, "run", "--json", "--spec", "-"], input=json.dumps(request).encode(),
                              capture_output=True, env=env, timeout=30)
        assert done.returncode == 125, done
        answers.add(done.stderr.replace(name.encode(), b"NAME"))
    assert len(answers) == 1, answers


def test_a_directory_that_matches_is_still_searched(jail):
    result = jail.shell("mkdir d; echo x >d/x", options=["--collect", "*", "--collect", "d/*"])
    assert belljar_run.file_bytes(result.file("d/x")) == b"x\n", result


def test_names_with_c1_controls_are_not_handed_out(jail):
    result = jail.shell(r"""touch "$(printf 'a\302\233m')" b""", options=["--collect", "*"])
    assert [f["path"] for f in result.files] == ["b"], result
