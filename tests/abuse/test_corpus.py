"""The abuse corpus as tests: one a case where the corpus is at hand, else one skip.

Its own file because pytest collects by file.
Changes when: the harness does.
"""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import run_corpus  # noqa: E402


def find_corpus():
    """$BELLJAR_ABUSE_CORPUS, else beside the project."""
    beside = os.path.join(os.path.dirname(run_corpus.belljar_run.ROOT), "shared", "abuse")
    for path in (os.environ.get("BELLJAR_ABUSE_CORPUS"), beside):
        if path and os.path.isfile(os.path.join(path, "tools", "canary.py")):
            return path
    return None


CORPUS = find_corpus()
CASES = run_corpus.find_all_cases(CORPUS) if CORPUS else []


@pytest.fixture(scope="module")
def harness():
    with run_corpus.Harness(CORPUS) as harness:
        before = run_corpus.leaks.Picture()
        yield harness
        left = run_corpus.leaks.left_behind(before)
        assert not left, "left behind on the host: %s" % left


@pytest.mark.skipif(not CORPUS, reason="host lacks the abuse corpus")
@pytest.mark.parametrize("case", CASES or [None], ids=lambda c: c.path if c else "corpus")
def test_case(harness, case):
    outcome = harness.run(case)
    if outcome.state == "skipped":
        pytest.skip(outcome.why)
    assert outcome.state == "passed", "%s\n%s" % (outcome.why, outcome.results)
