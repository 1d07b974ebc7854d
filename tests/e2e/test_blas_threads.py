"""Threads of OpenBLAS: as many as the environment asks for, cold and parked, numpy preloaded or imported by the snippet.

Its own file because a library that starts threads when it is loaded is what a warm interpreter must not simply copy.
Changes when: a zygote lets go of threads in another way.
"""
import json
import os

import belljar_run
import pytest

ASKED = "OPENBLAS_NUM_THREADS"
# A product that is large enough to be shared out; small ones are never.
SOURCE = """
import ctypes, os
import numpy
blas = ctypes.CDLL("libopenblas.so.0")
a = numpy.ones((400, 400))
for _ in range(3):
    trace = int(numpy.trace(a @ a))
told, threads = os.environ.get("OPENBLAS_NUM_THREADS"), blas.openblas_get_num_threads()
"""


@pytest.fixture(params=["imported", "preloaded"])
def profile(request, belljar, tmp_path):
    """profile(threads): the path of python-packages whose environment asks for so many; None: for no number."""
    def make(threads, processes=16):
        shown = belljar_run.run_argv([belljar, "profiles", "python-packages"])
        spec = json.loads(shown.out)
        spec["env"] = {name: value for name, value in spec["env"].items() if not name.endswith("_NUM_THREADS")}
        if threads:
            spec["env"][ASKED] = str(threads)
        spec["limits"]["processes"] = processes
        spec["preload"] = ["numpy"] if request.param == "preloaded" else []
        path = tmp_path / "blas.json"
        path.write_text(json.dumps(spec))
        return str(path)
    return make


def run(command, profile, source=SOURCE):
    result = belljar_run.run_argv([command, "exec", "--json", "-P", profile, "-w", "60", "-"], stdin=source.encode())
    told = (result.exception or {}).get("message", "")
    if "numpy" in told or "libopenblas" in told:
        pytest.skip("host lacks numpy with OpenBLAS (python3-numpy, libopenblas0-pthread): " + told[:60])
    assert result.status == "ok" and result.globals["trace"] == 160000, result
    return result


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="host lacks a second processor")
def test_as_many_as_are_asked_for(either, profile, pids_cgroup):
    result = run(either, profile(2))
    assert (result.globals["told"], result.globals["threads"]) == ("2", 2), result
    assert result.usage["processes_peak"] == 2, result


def test_one_where_one_is_asked_for(either, profile):
    result = run(either, profile(1, processes=1))
    assert (result.globals["told"], result.globals["threads"]) == ("1", 1), result


def test_a_child_is_asked_the_same(either, profile):
    """It begins with the environment, which says what its parent has."""
    child = "import subprocess\nchild = subprocess.check_output(['/usr/bin/printenv', '%s'], text=True).strip()\n"
    assert run(either, profile(2), SOURCE + child % ASKED).globals["child"] == "2"


def test_parked_and_not_asked_there_is_one(pooled, profile):
    """Nobody may have allowed more processes than one."""
    if not pooled:
        pytest.skip("host lacks a build with tests/pool/belljar-pooled")
    result = run(pooled, profile(None, processes=1))
    assert (result.globals["told"], result.globals["threads"]) == (None, 1), result


def test_both_sides_of_a_fork_go_on(either, profile):
    """os.fork: OpenBLAS ends its threads before it, and starts them anew on both sides."""
    forked = ("pid = os.fork()\nif pid == 0:\n    os._exit(7 if int(numpy.trace(a @ a)) == 160000 else 8)\n"
              "ended, here = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), int(numpy.trace(a @ a))\n")
    result = run(either, profile(2), SOURCE + forked)
    assert (result.globals["ended"], result.globals["here"]) == (7, 160000), result
