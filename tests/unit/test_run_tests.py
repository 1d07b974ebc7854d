"""What tools/run-tests makes of reports: a skip that says what the host lacks is a skip, in CI too; one that does not fails there.

Its own file because the tally decides what lands, and nothing else would notice that it counts wrongly.
Changes when: meson or pytest reports skips differently.
"""
import importlib.machinery
import importlib.util
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# As meson 1.0 and 1.3 and pytest 7 write them.
REPORT = """<?xml version='1.0' encoding='utf8'?>
<testsuites tests="6" errors="0" failures="1"><testsuite name="jail" tests="6" errors="0" failures="1" skipped="4">
<testcase name="1 - passed" classname="jail" />
<testcase name="2 - one of many" classname="jail"><skipped /><system-out>host lacks a thing</system-out></testcase>
<testcase name="3 - without a word" classname="jail"><skipped /></testcase>
<testcase name="4 - failed" classname="jail"><failure /></testcase>
<testcase name="all of a program" classname="jail"><skipped />
<system-out>1..0 # SKIP host lacks them all
</system-out></testcase>
<testcase name="by pytest" classname="jail"><skipped type="pytest.skip" message="host lacks pytest's thing">f.py:1</skipped>
</testcase>
</testsuite></testsuites>
"""


def tally_of(report, path):
    tool = os.path.join(ROOT, "tools", "run-tests")
    loader = importlib.machinery.SourceFileLoader("run_tests", tool)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
    loader.exec_module(module)
    path.write_text(report)
    tally = module.Tally()
    tally.add_junit(str(path), "a suite")
    tally.fail_unmet_skips()
    return tally


def test_skips_have_the_reasons_that_were_given(tmp_path):
    tally = tally_of(REPORT, tmp_path / "report.xml")
    assert tally.passed == 1
    assert tally.skips == [("jail 2 - one of many", "host lacks a thing"), ("jail all of a program", "host lacks them all"),
                           ("jail by pytest", "host lacks pytest's thing")]


def test_what_failed_and_what_was_skipped_in_silence_fails(tmp_path):
    tally = tally_of(REPORT, tmp_path / "report.xml")
    assert tally.failures == ["jail 4 - failed", "jail 3 - without a word: skipped: no reason given"]
