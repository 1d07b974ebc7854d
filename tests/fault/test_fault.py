"""The short form of the fault sweeps: a test for each sweep and privilege.

Its own file because pytest collects by file.
Changes when: run.py does.
"""
import argparse
import os
import sys

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
