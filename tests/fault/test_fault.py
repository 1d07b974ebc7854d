"""The short form of the fault sweeps: a test for each sweep and privilege.

Its own file because pytest collects by file.
Changes when: run.py does.
"""
import argparse
import os
import subprocess
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import run  # noqa: E402
import sweeps  # noqa: E402
import world  # noqa: E402

BUILD = run.find_build(None)
LACKS = world.host_lacks(BUILD)


@pytest.fixture(scope="module", params=run.privileges(), ids=lambda privilege: privilege[0])
def lists(request):
    who, user = request.param
    try:
        place = world.World(os.path.join(BUILD, "src", "cli", "belljar"), BUILD, user)
        with place:
            yield run.Lists(sweeps.Sweeper(place, who, True), True)
    except sweeps.NoCleanRun as problem:
        if problem.host_lacks:
            pytest.skip("host lacks what a jail needs as %s: %s" % (who, problem))
        raise


@pytest.mark.skipif(LACKS is not None, reason=LACKS or "")
@pytest.mark.parametrize("name", run.SHORT)
def test_sweep(lists, name):
    sweep = dict(lists.all()).get(name)
    if sweep is None:
        pytest.skip("host lacks a build with allocations that can fail (static libraries, no sanitizer)")
    for tally in sweep():
        assert tally.points > 0
        assert not tally.failures, "%d of %d: %s" % (len(tally.failures), tally.points, tally.failures[:5])


@pytest.mark.skipif(LACKS is not None, reason=LACKS or "")
def test_pid_one_is_confined_before_the_program_starts(lists):
    """What the program cannot see of pid 1 is seen from outside, at the program's first word."""
    place = lists.sweeper.world
    argv = lists.sweeper.run_argv(0, lists.sweeper.layers, ["--wall-time", "20"], [*sweeps.COMMAND, "stay"])
    said = os.path.join(place.marks[0], "audit")
    if os.path.exists(said):
        os.unlink(said)
    # prlimit and setpriv exec what follows them: the child is the command.
    child = subprocess.Popen([*place.prefix(), *argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 15
        while not os.path.exists(said):
            assert time.monotonic() < deadline and child.poll() is None, "the program did not start"
        first = [pid for pid, (parent, _, _) in world.leaks.parents().items() if parent == child.pid]
        assert len(first) == 1, first
        with open("/proc/%d/status" % first[0], encoding="ascii", errors="replace") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1"), status
        assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}, status
        assert int(status["SigBlk"], 16) | 0x40100 == 0xffffffffffffffff, status  # but SIGKILL and SIGSTOP
    finally:
        child.terminate()  # in order: its group is removed
        child.wait(15)


def test_the_judge_sees_a_partial_jail():
    """A judge that passes everything would prove nothing."""
    clean, other = (stub(audit) for audit in ("started\nuid 1000\nend\n", "started\nuid 0\nend\n"))
    assert not run.sweeps.judge.judge(stub(clean.audit), clean)[1]
    assert any("another jail" in problem for problem in run.sweeps.judge.judge(other, clean)[1])
    silent = stub(None, returncode=125, status=None)
    assert any("name the step" in problem for problem in run.sweeps.judge.judge(silent, clean)[1])
    left = stub(clean.audit)
    left.leaves = ["/sys/fs/cgroup/belljar-1-0"]
    assert any("left behind" in problem for problem in run.sweeps.judge.judge(left, clean)[1])


def stub(audit, returncode=0, status="ok"):
    attempt = argparse.Namespace(audit=audit, returncode=returncode, signal=0, hang=False, left=[], leaves=[], calls=[],
                                 point=None, message="", json={}, status=status)
    attempt.result = {"status": status, "layers": {}, "stdout": audit}
    return attempt
