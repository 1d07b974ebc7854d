"""A short form of the floods: right answers, bounded memory, no crash; times are judged by `make flood`.

Its own file because a long test that is never run is no test.
Changes when: the floods are started in another way.
"""
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "support")]

import belljar_run  # noqa: E402  pylint: disable=wrong-import-position

KINDS = ("idle", "slow", "evicted", "uploads", "declared", "chunked", "headers", "json")


@pytest.mark.parametrize("kind", KINDS)
def test_flood(kind):
    build = os.path.dirname(os.path.dirname(os.path.dirname(belljar_run.find_belljar())))
    done = subprocess.run([sys.executable, os.path.join(HERE, "run.py"), "--build", build, "--only", kind, "--seconds", "1",
                           "--rounds", "1", "--held", "2000", "--no-times"], capture_output=True, text=True, check=False, timeout=120)
    if "skipped: host lacks" in done.stdout:
        pytest.skip(done.stdout.split("skipped: ")[1].splitlines()[0])
    assert done.returncode == 0, done.stdout + done.stderr
