"""The short form of the sabotage table: each wall stops today what docs/SABOTAGE.md says, and the page names all there is.

Its own file because pytest collects by file.
Changes when: the page or the runner does.
"""
import os
import re
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import analysis  # noqa: E402
import cells  # noqa: E402
import page  # noqa: E402
import reasons  # noqa: E402
import run  # noqa: E402


def read_page():
    with open(page.PAGE, encoding="utf-8") as f:
        return f.read()


def test_page_names_every_wall():
    rows = re.findall(r"^\| \d+ \| (\w+) \| (.*?) \|", read_page(), re.MULTILINE)
    assert rows == cells.wall_names(), "regenerate the page: make sabotage"


def test_page_names_every_attack():
    named = set(re.findall(r"^\| ([\w-]+) \| (?:low|medium|high|critical) \| [urw?] \|", read_page(), re.MULTILINE))
    missing = {attack.id for attack in cells.find_attacks(run.find_corpus())} - named
    assert not missing, "regenerate the page: make sabotage"


def test_page_has_no_open_finding_that_nobody_has_written_down():
    found = set(re.findall(r"^\| ([\w-]+) \|.*\*\*open\*\*", read_page(), re.MULTILINE))
    assert found <= set(reasons.OPEN)


def test_every_wall_is_shown_or_has_a_reason():
    known = {name for name, _ in cells.wall_names()}
    assert known == set(run.shown_by_record()) | set(reasons.STAYS)


def test_each_wall_stops_what_the_page_says():
    options = run.parse([])
    if run.lacking(options):
        pytest.skip("host lacks " + run.lacking(options))
    ended = subprocess.run([sys.executable, os.path.join(HERE, "run.py"), "--short"], capture_output=True, text=True, timeout=300,
                           check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"^[1-9]\d* passed, 0 failed, 0 skipped$", ended.stdout, re.MULTILINE), ended.stdout


# ---- the analysis refuses what it must refuse


def cell(verdict):
    return {"verdict": verdict, "by": "because", "seconds": 0.1}


def data(**changes):
    """One attack that every wall stops alone, with all of them in place."""
    walls = [name for name, _ in cells.wall_names()]
    row = {"path": "attack/x.c", "id": "x", "title": "x", "severity": "high", "kind": "breach", "keeps": [],
           "bare": {"user": cell("escaped")}, "full": cell("contained"), "off": {w: cell("contained") for w in walls},
           "base": {"user": cell("escaped")}, "alone": {w: cell("contained") for w in walls}, "alone_base": "user",
           "alone_off": walls}
    row.update(changes)
    return {"rows": [row], "failed": [], "noticed": {}, "seconds": 1.0}


def problems(**changes):
    return analysis.judge(data(**changes)).problems


def test_analysis_accepts_a_sound_table():
    assert problems() == []


def test_analysis_refuses_an_escape_from_the_full_jail():
    assert any("escapes from the full jail" in p for p in problems(full=cell("escaped")))


def test_analysis_refuses_an_attack_that_did_not_run():
    assert any("did not run" in p for p in problems(full=cell("refused")))


def test_analysis_refuses_an_attack_that_cannot_be_seen_to_work():
    assert any("cannot see" in p for p in problems(bare={"user": cell("contained")}, base={"user": cell("contained")}))


def test_analysis_refuses_a_single_wall_without_a_reason():
    off = dict(data()["rows"][0]["off"], landlock=cell("escaped"))
    assert any("has one wall, landlock" in p for p in problems(off=off))
    assert problems(off=off, severity="medium") == []


def test_analysis_refuses_a_reason_whose_assertion_does_not_work():
    off = dict(data()["rows"][0]["off"], groups=cell("escaped"))
    table = data(off=off, id="own-group-file")
    assert any("has one wall, groups" in p for p in analysis.judge(table).problems)
    table["noticed"] = {"groups": ["assertion"]}
    assert analysis.judge(table).problems == []


def test_analysis_looks_at_the_run_for_harm_that_does_not_come():
    gone = dict(cell("escaped"), held=True)
    off = dict(data()["rows"][0]["off"], rlimits=gone)
    assert problems(off=off, id="os-copyout-sparse") == []
    assert any("has one wall, rlimits" in p for p in problems(off=dict(off, rlimits=cell("escaped")), id="os-copyout-sparse"))


def test_analysis_believes_another_attack_only_if_it_was_contained():
    off = dict(data()["rows"][0]["off"], pid=cell("escaped"))
    table = data(off=off, id="os-kill-everything-probe")
    assert any("has one wall, pid" in p for p in analysis.judge(table).problems)
    other = data(id="own-signal-others")["rows"][0]
    table["rows"].append(other)
    assert analysis.judge(table).problems == []
    other["off"]["pid"] = cell("refused")
    assert any("has one wall, pid" in p for p in analysis.judge(table).problems)


def test_analysis_refuses_decoration():
    alone = {w: cell("escaped") for w in data()["rows"][0]["alone"]}
    stopping = set(alone) - set(reasons.STAYS)
    assert len([p for p in problems(alone=alone) if "stops nothing" in p]) == len(stopping)


def test_analysis_refuses_what_was_not_run():
    lost = data()
    lost["failed"] = ["attack/y.c was not run"]
    assert analysis.judge(lost).problems == ["attack/y.c was not run"]
