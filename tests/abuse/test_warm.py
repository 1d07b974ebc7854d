"""The twins in the warm guest are all there; their judge convicts limits that do not hold, what stays behind, a broken pool.

Its own file because these cases have to fail.
Changes when: warm.py does.
"""
import os
import subprocess

import pytest

import run_corpus  # first: it says where its neighbours are
import warm
import warm_cases
from test_corpus import CORPUS
from test_judgement import harness  # noqa: F401  pylint: disable=unused-import

pytestmark = pytest.mark.skipif(not CORPUS, reason="host lacks the abuse corpus")
NAMED = "import ctypes, time; ctypes.CDLL(None).prctl(15, b'warm-burner', 0, 0, 0); print(flush=True); time.sleep(60)"


def judged(harness, name, way, **limits):  # noqa: F811  pylint: disable=redefined-outer-name
    if harness.lacks_pools:
        pytest.skip(harness.lacks_pools)
    one = next(case for case in warm_cases.CASES if case.name == name)
    changed = warm_cases.Warm(one.name, one.code, *one.ends, says=one.says, gone=one.gone, starves=one.starves,
                              **dict(one.limits, **limits))
    return harness.run(warm.Case(changed, way))


def test_every_program_has_a_twin():
    programs = {name[:-len(".c")] for name in os.listdir(os.path.join(CORPUS, "resource")) if name.endswith(".c")}
    assert programs == {case.name for case in warm_cases.CASES}
    assert len(warm.find()) == 2 * len(programs) and set(run_corpus.find_all_cases(CORPUS, ["warm/"])[0].accept)


@pytest.mark.parametrize("way", warm.WAYS)
@pytest.mark.parametrize("name, limits, why", [
    ("thread_bomb", {"processes": 200}, "False can't start new thread"),
    ("cpu_spin", {"wall_us": 300000}, "ended by time_limit wall, expected is time_limit cpu"),
    ("pid_churn", {"processes": 1, "file_bytes": 4096}, "does not work"),
])
def test_another_end_is_no_containment(harness, way, name, limits, why):  # noqa: F811  pylint: disable=redefined-outer-name
    outcome = judged(harness, name, way, **limits)
    assert outcome.state == "failed" and why in outcome.why, (outcome.why, outcome.results)


@pytest.mark.parametrize("way", warm.WAYS)
def test_what_outlives_a_run_is_found(harness, way):  # noqa: F811  pylint: disable=redefined-outer-name
    with subprocess.Popen(["/usr/bin/python3", "-c", NAMED], stdout=subprocess.PIPE) as left:
        assert left.stdout.readline()
        outcome = judged(harness, "cpu_after_exit", way)
        assert outcome.why == "on the host: 1 processes named warm-burner outlived the run", (outcome.why, outcome.results)
    assert judged(harness, "cpu_after_exit", way).state == "passed"
