"""Twenty seconds of chaos, and whether the judge can turn red; `make chaos` is ten minutes.

Its own file because a long test that is never run is no test.
Changes when: chaos is started in another way, or judges another thing.
"""
import collections
import importlib.util
import os
import subprocess
import sys
import types

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "support")]

import belljar_run  # noqa: E402  pylint: disable=wrong-import-position

# By its path: other suites have a run.py too.
spec = importlib.util.spec_from_file_location("chaos_run", os.path.join(HERE, "run.py"))
chaos_run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(chaos_run)

REST = {"processes": 11, "groups": 8, "groups beyond the spare ones": 0, "mounts": 24, "descriptors of the keeper": 12}


def reds(wrong=(), survivors=(), away=0.2, left=None, **after):
    client = types.SimpleNamespace(wrong=list(wrong), found=collections.Counter(), asked=10, is_alive=lambda: False)
    chaos = types.SimpleNamespace(survivors=list(survivors), kills=collections.Counter({"belljar-broker": 1}),
                                  away={what: [away] for what in chaos_run.VICTIMS})
    rows = chaos_run.judge(chaos, [client], REST, dict(REST, **after), left or {}, types.SimpleNamespace(no_times=False))
    return [what for what, well, _ in rows if not well]


def test_the_judge_can_turn_red():
    assert not reds()
    assert len(reds(wrong=["asked with 1, answered: 2"])) == len(reds(survivors=["7 python"])) == 1
    assert len(reds(left={"mount": ["x"]})) == 1
    assert len(reds(away=1.1)) == len(chaos_run.VICTIMS)
    for what, count in REST.items():
        assert reds(**{what: count + 1}) == [what + " at rest"]


def test_an_answer_at_the_wrong_client_is_seen():
    client = chaos_run.Client(1, 0, None)
    client.judge("101", 200, {"status": "ok", "stdout": "101\n"})
    client.judge("101", 200, {"status": "signal", "stdout": ""})
    assert not client.wrong
    client.judge("101", 200, {"status": "ok", "stdout": "102\n"})
    client.judge("101", 200, {"status": "ok", "stdout": ""})
    client.judge("101", 500, {})
    assert len(client.wrong) == 3


def test_twenty_seconds():
    build = os.path.dirname(os.path.dirname(os.path.dirname(belljar_run.find_belljar())))
    done = subprocess.run([sys.executable, os.path.join(HERE, "run.py"), "--build", build, "--seconds", "20", "--no-times"],
                          capture_output=True, text=True, check=False, timeout=180)
    if "skipped: host lacks" in done.stdout:
        pytest.skip(done.stdout.split("skipped: ")[1].splitlines()[0])
    assert done.returncode == 0, done.stdout + done.stderr
