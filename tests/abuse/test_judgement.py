"""The judge of python/ without its policy acquits what stands inside the jail, and nothing else; a jail with a hole is convicted.

Its own file because these cases have to fail, and need no whole corpus run for it.
Changes when: judgement.py does.
"""
import json
import os
import types

import pytest

import run_corpus  # first: it says where its neighbours are
import judgement
from test_corpus import CORPUS

pytestmark = pytest.mark.skipif(not CORPUS, reason="host lacks the abuse corpus")
CASES = {case.path: case for case in run_corpus.find_all_cases(CORPUS, ["python/"])} if CORPUS else {}


def said(path, stdout="", stderr="", **more):
    """What escapes() finds in a result that was never run."""
    told = {"stdout": stdout, "stderr": stderr, "files": [], **more}
    result = types.SimpleNamespace(json=told, files=told["files"], err=b"", bytes=lambda stream: told[stream].encode())
    return judgement.escapes(CASES[path], result)


@pytest.fixture(scope="module")
def harness():
    with run_corpus.Harness(CORPUS) as one:
        yield one


def test_every_excuse_is_for_a_case_of_the_corpus():
    assert set(judgement.MAY_SAY) <= {case.id for case in CASES.values()}


def test_its_own_words_are_no_escape_without_the_policy_only():
    line = "ESCAPED: os through os.path, pid 2\n"
    for way in ("", "parked/"):
        assert not said(way + "python/walk_os_path_os.py", line)
    for way in ("policy/", "parked-policy/"):
        assert said(way + "python/walk_os_path_os.py", line)


@pytest.mark.parametrize("line", [
    "os through os.path, pid 31337",
    "os through os.path, pid 2, and /etc/shadow",
    "and os through os.path, pid 2",
    "the host's secret is in my environment as DATABASE_URL",
])
def test_other_words_are_an_escape_wherever_they_stand(line):
    path, text = "python/walk_os_path_os.py", "x\nfirst ESCAPED: " + line + "\nlast"
    assert said(path, text) == ["stdout: ESCAPED: " + line]
    assert said(path, "ESCAPED: os through os.path, pid 2\n" + text) and said(path, stderr=text)
    assert said(path, exception={"traceback": text}) and said(path, value=[{"ESCAPED: " + line: 1}])
    assert said(path, files=[{"path": "out", "base64": "RVNDQVBFRDogeA=="}])  # "ESCAPED: x"


@pytest.mark.parametrize("path", ["python/leak_environ.py", "python/cpu_hash_collision.py", "python/audit_readline_file.py",
                                  "python/walk_main_loader_get_data.py", "python/leak_compile_filename_traceback.py"])
def test_what_reaches_the_host_or_beats_a_limit_has_no_excuse(path):
    assert said(path, "ESCAPED: os through os.path, pid 2\n") and said(path, "ESCAPED: anything\n")


# A hole in the jail's wall, and the case that finds it. Without the hole it is contained. {profile}: python's, with a host's file.
HOLES = {
    "python/leak_environ.py": (["--env", "DATABASE_URL"], "the host's secret is in my environment as DATABASE_URL"),
    "python/audit_no_event_stat.py": (["--ro-bind", "/etc/shadow", "/etc/shadow"], "'/etc/shadow'"),
    "python/audit_readline_file.py": (["--profile", "{profile}"], "readline read a file: root:"),
}


@pytest.fixture(scope="module")
def profile(harness):
    with open(os.path.join(run_corpus.belljar_run.ROOT, "profiles", "python.json"), encoding="utf-8") as file:
        described = json.load(file)
    described["closed_files"].remove("/etc/passwd")
    described["mounts"].append({"source": "/etc/passwd", "target": "/etc/passwd", "mode": "ro"})
    path = os.path.join(harness.directory, "with-a-file.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(described, file)
    return path


@pytest.mark.parametrize("path", HOLES)
@pytest.mark.parametrize("way", ["", "parked/"])
def test_a_hole_is_found(harness, monkeypatch, profile, way, path):
    case = CASES[way + path]
    if case.parked and harness.lacks_pools:
        pytest.skip(harness.lacks_pools)
    assert harness.run(case).state == "passed"
    options, words = [option.format(profile=profile) for option in HOLES[path][0]], HOLES[path][1]
    closed = run_corpus.Case.limits
    monkeypatch.setattr(run_corpus.Case, "limits", lambda of: closed(of) + options)
    outcome = harness.run(case)
    assert outcome.state == "failed" and "stdout: ESCAPED: " in outcome.why and words in outcome.why, outcome.results
