#!/usr/bin/env python3
"""The whole suite inside containers, as Docker, Podman and Kubernetes would make them: one table, configuration and group.

Its own file because the short form is a test (test_container.py), and this one takes minutes.
Changes when: a configuration is worth a row.

usage: run.py [--build DIR] [--corpus DIR] [--only NAME] [--short] [--record]
  --short    a part of each group, a quarter of the time
  --record   writes the table into docs/CONTAINERS.md, and docs/evidence/containers.json
The last line is "N passed, N failed, N skipped".
"""
import argparse
import json
import os
import platform
import re
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]
sys.dont_write_bytecode = True

import bundle  # noqa: E402
import evidence  # noqa: E402
import stock  # noqa: E402
import suites  # noqa: E402
from bundle import Flags  # noqa: E402

PAGE = os.path.join(bundle.ROOT, "docs", "CONTAINERS.md")
BEGIN, END = "<!-- table of tests/container/run.py: begin -->", "<!-- table of tests/container/run.py: end -->"
GROUPS = ("unit", "jail", "e2e", "abuse")
SECONDS = 1800
MINIMAL = {"seccomp": "added", "unmasked": True}
# name, flags in words, Flags
ROWS = [
    ("Docker, root", "seccomp, systempaths", Flags("docker", **MINIMAL)),
    ("Docker, root, writable groups", "the same, and writable v1 control groups", Flags("docker", cgroup="writable", **MINIMAL)),
    ("Docker, uid 1000", "the same as root's", Flags("docker", uid=1000, **MINIMAL)),
    ("Docker, root with CAP_SYS_ADMIN", "seccomp, systempaths, cap-add", Flags("docker", add=("CAP_SYS_ADMIN",), **MINIMAL)),
    ("Podman, root", "seccomp, unmask", Flags("podman", **MINIMAL)),
    ("Podman, rootless, root", "seccomp, unmask", Flags("podman", rootless=True, **MINIMAL)),
    ("Podman, rootless, uid 1000", "seccomp, unmask", Flags("podman", rootless=True, uid=1000, **MINIMAL)),
    ("Kubernetes, uid 1000", "seccompProfile, procMount, hostUsers: false, allowPrivilegeEscalation: false",
     Flags("kubernetes", uid=1000, rootless=True, no_new_privs=True, **MINIMAL)),
]
# Started with nothing but the engine's own flags: (name, Flags, call, words of the fix).
STOCK = [
    ("Docker, root, stock flags", Flags("docker"), "clone3", "docker run --security-opt seccomp="),
    ("Docker, uid 1000, stock flags", Flags("docker", uid=1000), "clone3", "docker run --security-opt seccomp="),
    ("Podman, rootless, stock flags", Flags("podman", rootless=True), "sethostname", "podman run --security-opt seccomp="),
    ("Kubernetes, stock flags", Flags("kubernetes"), "clone3", "seccompProfile: {type: Localhost"),
]


class Row:
    """A line of the table: (passed, failed, skipped) of each group, and what there is to say of it."""

    def __init__(self, name, words):
        self.name, self.words, self.groups, self.failures, self.skips, self.seconds = name, words, {}, [], [], 0.0

    def add(self, group, passed, failed, skipped=0):
        self.groups[group] = (passed, failed, skipped)

    @property
    def counts(self):
        return tuple(map(sum, zip(*self.groups.values()))) if self.groups else (0, 0, 0)


def shown(build, corpus, scratch):
    return [(bundle.ROOT, "ro"), (build, "ro"), *([(corpus, "ro")] if corpus else []), (scratch, "rw")]


def run_suites(name, words, flags, options):
    row = Row(name, words)
    with tempfile.TemporaryDirectory(prefix="container-report-") as scratch:
        os.chmod(scratch, 0o777)
        report = os.path.join(scratch, "report.json")
        argv = ["/usr/bin/python3", os.path.join(bundle.ROOT, "tests", "support", "suites.py"), "--build", options.build,
                "--json", report]
        argv += ["--corpus", options.corpus] if options.corpus else []
        argv += ["--group", "jail", "--group", "e2e", "--only", "root"] if options.short else []
        done = bundle.run(flags, argv, folder=options.folder, shown=shown(options.build, options.corpus, scratch), timeout=SECONDS)
        row.seconds = done.seconds
        try:
            with open(report, encoding="utf-8") as f:
                groups = json.load(f)["groups"]
        except (OSError, ValueError):
            row.add("e2e", 0, 1)
            row.failures.append(("suites.py", repr(done)))
            return row
    for group, data in groups.items():
        row.add(group, data["passed"], data["failed"], data["skipped"])
        row.failures += [("%s: %s" % (group, f["name"]), f["why"]) for f in data["failures"]]
        row.skips += [f["reason"] for f in data["skips"]]
    return row


def run_stock(name, flags, call, fix, options):
    """Without a flag nothing is started, and what is said names the call and the flag."""
    row = Row(name, "none")
    done = bundle.run(flags, [options.belljar, "run", "--", "/bin/echo", "STARTED"], folder=options.folder,
                      shown=shown(options.build, None, "/tmp")[:2])
    doctor = bundle.run(flags, [options.belljar, "doctor"], folder=options.folder, shown=[(options.build, "ro")])
    row.seconds = done.seconds + doctor.seconds
    checks = {"exit status 125": done.returncode == 125, "nothing started": "STARTED" not in done.out,
              "the error names the call": call + "(2)" in done.err, "the error names the flag": fix in done.err,
              "doctor's exit status": doctor.returncode == 1, "doctor names the flag": fix in doctor.out}
    row.add("doctor", sum(checks.values()), len(checks) - sum(checks.values()))
    row.failures = [(what, "%r\n%r" % (done, doctor)) for what, well in checks.items() if not well]
    return row


def print_row(row):
    cells = " ".join("%s %d/%d/%d" % (group, *counts) for group, counts in row.groups.items())
    print("%-4s %-34s %s  (%.0f s)" % ("FAIL" if row.counts[1] else "ok", row.name, cells, row.seconds), flush=True)
    for what, why in row.failures:
        print("     FAILED: %s: %s" % (what, why[:1500]), flush=True)


def cell(counts):
    return "–" if counts is None else "%d passed%s%s" % (counts[0], ", **%d failed**" % counts[1] if counts[1] else "",
                                                        ", %d skipped" % counts[2] if counts[2] else "")


def table(rows):
    columns = ("doctor", *GROUPS)
    lines = ["| container | flags | %s |" % " | ".join(columns), "|%s" % ("---|" * (2 + len(columns)))]
    lines += ["| %s | %s | %s |" % (row.name, row.words, " | ".join(cell(row.groups.get(c)) for c in columns)) for row in rows]
    return "\n".join(lines)


def reasons(rows):
    """Why tests were skipped, each once."""
    said = {re.sub(r"[;:].*", "", reason) for row in rows for reason in row.skips}
    return "Skipped: %s." % "; ".join(sorted(said)) if said else "Nothing was skipped."


def record(rows, counts, seconds, options):
    versions = ", ".join("%s's seccomp profile from %s %s" % (engine.capitalize(), package, stock.version(options.folder, engine))
                         for engine, (package, _) in stock.PACKAGES.items())
    kernel = platform.release().split("-")[0]
    text = "%s\n\n%s\n\nLinux %s, %s; %s.\n" % (table(rows), reasons(rows), kernel, options.crun, versions)
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + "\nGenerated by `make test-containers`; do not edit.\n\n" + text + END + after)
    evidence.record("containers", command="make test-containers", passed=counts[0], failed=counts[1], skipped=counts[2],
                    seconds=seconds, says="%d kinds of container, by %s with stock seccomp profiles: %d tests passed, %d failed"
                    % (len(rows), options.crun, counts[0], counts[1]),
                    details={row.name: {group: list(c) for group, c in row.groups.items()} for row in rows})


def read_options():
    parser = argparse.ArgumentParser(description="run the suite inside containers")
    parser.add_argument("--build", default=os.path.join(bundle.ROOT, "build"))
    parser.add_argument("--corpus")
    parser.add_argument("--only", default="")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    if options.record and (options.short or options.only):
        parser.error("--record is for the whole table")
    options.build = os.path.abspath(options.build)
    options.belljar = os.path.join(options.build, "src", "cli", "belljar")
    options.folder = os.path.join(options.build, "containers")
    options.corpus = suites.find_corpus(options.corpus)
    return options


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was made is removed
    options = read_options()
    lacks = bundle.host_lacks()
    if lacks:
        print("host lacks %s\n0 passed, 0 failed, 1 skipped" % lacks)
        return 0
    options.crun = bundle.crun_version()
    began = time.monotonic()
    rows = []
    try:
        for name, flags, call, fix in STOCK:
            if options.only in name:
                rows.append(run_stock(name, flags, call, fix, options))
                print_row(rows[-1])
        for name, words, flags in ROWS:
            if options.only in name and not bundle.host_lacks(flags):
                rows.append(run_suites(name, words, flags, options))
                print_row(rows[-1])
            elif options.only in name:
                print("skip %-34s host lacks %s" % (name, bundle.host_lacks(flags)), flush=True)
    except stock.Missing as missing:
        print("host lacks %s\n0 passed, 0 failed, 1 skipped" % missing)
        return 0
    counts = tuple(map(sum, zip(*(row.counts for row in rows)))) if rows else (0, 0, 0)
    print("\n" + table(rows) + "\n\n" + reasons(rows))
    if options.record:
        record(rows, counts, time.monotonic() - began, options)
    print("%d passed, %d failed, %d skipped" % counts, flush=True)
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
