#!/usr/bin/env python3
"""Runs the whole suite in each mode of privilege and makes one table of it: group x mode.

Its own file because it takes ten minutes and needs root to become the others; no part of `make test`.
Changes when: there is another mode, or the table shows another thing.

usage: tests/modes/run.py --build DIR [--corpus DIR] [--mode NAME]... [--group NAME]... [--only WORD] [--record]
The last line is "N passed, N failed, N skipped". --record writes docs/MODES.md and docs/evidence/modes.json.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SUPPORT = os.path.join(os.path.dirname(HERE), "support")
sys.path.insert(0, SUPPORT)
sys.dont_write_bytecode = True

import belljar_run  # noqa: E402
import groups  # noqa: E402
import suites  # noqa: E402

# name: (what suites.py calls it, whether control groups are given to it, what it is)
MODES = {
    "root": ("root", False, "root of the host: each run gets user ids and a control group of its own"),
    "user": ("user", False, "an ordinary user without any control group: limits by the kernel's per-process limits alone"),
    "user, groups": ("user", True, "an ordinary user to whom root has given a control group in each hierarchy"),
    "unshared": ("unshared", False, "that ordinary user below `unshare -Ur`: root of a user namespace that maps nobody else"),
}
COUNTED = ("passed", "failed", "skipped")


def run_mode(name, options, enter=()):
    """What suites.py says of this mode, as data."""
    with tempfile.NamedTemporaryFile(prefix="modes-", suffix=".json") as report:
        argv = [sys.executable, os.path.join(SUPPORT, "suites.py"), "--build", options.build, "--as", MODES[name][0], "--json",
                report.name]
        for group in options.group:
            argv += ["--group", group]
        argv += ["--only", options.only] if options.only else []
        argv += ["--corpus", options.corpus] if options.corpus else []
        enters = "".join('echo $$ >"%s/cgroup.procs" && ' % group for group in enter)
        status = subprocess.run(["sh", "-c", enters + 'exec "$@"', "sh", *argv], check=False).returncode
        try:
            return json.load(report)["groups"]
        except ValueError:
            return lost(options.group, "failed", "suites.py ended with %d and no report" % status)


def lost(names, what, why):
    """The report of a mode that could not be run."""
    return {group: {"passed": 0, "failed": int(what == "failed"), "skipped": int(what == "skipped"), "seconds": 0.0,
                    "failures": [{"name": group, "why": why}] if what == "failed" else [],
                    "skips": [{"name": group, "reason": why}] if what == "skipped" else []} for group in names}


def try_mode(name, options):
    if name in ("root", "user, groups") and not belljar_run.is_root():
        return lost(options.group, "skipped", "host lacks root")
    try:
        if not MODES[name][1]:
            return run_mode(name, options)
        with groups.given_groups(belljar_run.ordinary_user()[0]) as enter:
            return run_mode(name, options, enter)
    except groups.Lacking as lacking:
        return lost(options.group, "skipped", str(lacking))


# ---- what is said of it

def total(report, what):
    return sum(group[what] for group in report.values())


def table(reports, names):
    lines = ["| | " + " | ".join("%s (%s)" % (group, what) for group, what in zip(names, map(suite_of, names))) +
             " | passed | failed | skipped | seconds |", "|---|" + "---|" * (len(names) + 4)]
    for name, report in reports.items():
        cells = ["%(passed)d / %(failed)d / %(skipped)d" % report[group] for group in names]
        cells += [str(total(report, what)) for what in COUNTED] + ["%d" % total(report, "seconds")]
        lines.append("| **%s** | %s |" % (name, " | ".join(cells)))
    return lines


def suite_of(group):
    return {"unit": "pure parts", "jail": "operations, groups", "e2e": "the command", "abuse": "hostile programs"}[group]


def by_reason(report):
    """{reason: [group: test]}, the long story of a reason cut off."""
    found = {}
    for group, data in report.items():
        for skip in data["skips"]:
            found.setdefault(skip["reason"].split(":")[0], []).append(skip["name"] if skip["name"] != group else group + ": all")
    return found


def skips_text(reports):
    lines = []
    for name, report in reports.items():
        reasons = by_reason(report)
        lines.append("**%s**: %s" % (name, "nothing." if not reasons else ""))
        for reason, names in sorted(reasons.items()):
            lines += ["", "* %s (%d):" % (reason, len(names)), "  " + ", ".join("`%s`" % n for n in sorted(names)) + "."]
        lines.append("")
    return lines


def failures_text(reports):
    return ["%s: %s: %s" % (name, failure["name"], failure["why"]) for name, report in reports.items()
            for data in report.values() for failure in data["failures"]]


def document(reports, names):
    failures = failures_text(reports)
    lines = ["Generated by `make test-modes RECORD=1`; do not edit.", "", "# The suite in each mode of privilege", "",
             "The same tests, run as different callers. No test is told which one it is: it sees what it may do. Cells are",
             "passed / failed / skipped.", "", *table(reports, names), ""]
    lines += ["* **%s**: %s." % (name, MODES[name][2]) for name in reports]
    lines += ["", "A test of what only another caller can have is not collected, or is skipped with the reason. Tests that become",
              "another user themselves are more in the mode that may.", "", "## Failures", "",
              *(["* " + line for line in failures] or ["None."]), "", "## What is skipped, and why", "", *skips_text(reports)]
    return "\n".join(lines).rstrip() + "\n"


def record(reports, options, seconds):
    import evidence
    with open(os.path.join(belljar_run.ROOT, "docs", "MODES.md"), "w", encoding="utf-8") as file:
        file.write(document(reports, options.group))
    counts = {what: sum(total(report, what) for report in reports.values()) for what in COUNTED}
    says = "The whole suite in %d modes: %s." % (len(reports), "; ".join(
        "%s %d passed, %d failed, %d skipped" % (name, *(total(report, what) for what in COUNTED))
        for name, report in reports.items()))
    evidence.record("modes", command="make test-modes", seconds=seconds, says=says,
                    details={name: {group: [data[what] for what in COUNTED] for group, data in report.items()}
                             for name, report in reports.items()}, **counts)


def main():
    parser = argparse.ArgumentParser(description="run the suite in each mode of privilege")
    parser.add_argument("--build", required=True)
    parser.add_argument("--corpus")
    parser.add_argument("--mode", action="append", choices=list(MODES))
    parser.add_argument("--group", action="append", choices=suites.GROUPS)
    parser.add_argument("--only")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    options.build, options.group = os.path.abspath(options.build), options.group or list(suites.GROUPS)
    began = time.monotonic()
    reports = {}
    for name in options.mode or MODES:
        print("\n=== mode: %s" % name, flush=True)
        reports[name] = try_mode(name, options)
    print("\n" + "\n".join([*table(reports, options.group), "", *skips_text(reports)]))
    for line in failures_text(reports):
        print("FAILED " + line)
    if options.record:
        record(reports, options, time.monotonic() - began)
    counts = [sum(total(report, what) for report in reports.values()) for what in COUNTED]
    print("%d passed, %d failed, %d skipped" % tuple(counts), flush=True)
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
