#!/usr/bin/env python3
"""Runs the suite of tests on whatever machine this is, without meson, as root or as somebody else, and counts it.

Its own file because another kernel, a container and another user must all run the very same tests.
Changes when: a group of tests is added, or a test program needs another variable.

usage: suites.py --build DIR [--corpus DIR] [--as root|user|unshared] [--group unit|jail|e2e|abuse]... [--only WORD] [--json FILE]
  --build   a build directory, or of one: src/cli/belljar, libbelljar.so*, the test programs below tests/ (and fuzz/)
  --as      root: as whoever calls; user: everything as an ordinary user; unshared: that, below `unshare -Ur`
  --only    test programs, pytest cases and cases of the corpus whose name has WORD in it
The last line is "N passed, N failed, N skipped"; the exit status is 1 if one failed. A skip that does not begin with
"host lacks" is a failure. Which ordinary user: $BELLJAR_TEST_UID, bjtest, nobody.
"""
import argparse
import fcntl
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import belljar_run  # noqa: E402

GROUPS = ("unit", "jail", "e2e", "abuse")
MODES = ("root", "user", "unshared")
PROGRAMS = {"unit": ("tests/unit/test_*", "tests/bpf/test_*", "tests/plan/test_*", "fuzz/replay_*"),
            "jail": ("tests/jail/test_*", "tests/limit/test_*")}
SECONDS = 900  # for one test program; under emulation everything takes ten times as long
TREE = ("fuzz", "include", "man", "packaging", "profiles", "schema", "src", "tests", "tools")


class Tally:
    """What came of one group."""

    def __init__(self):
        self.passed, self.failures, self.skips, self.seconds = 0, [], [], 0.0

    def fail(self, name, why=""):
        self.failures.append((name, " ".join(why.split())[:600]))

    def skip(self, name, reason):
        if reason.startswith("host lacks"):
            self.skips.append((name, reason))
        else:
            self.fail(name, "skipped, and not because the host lacks something: " + reason)

    @property
    def counts(self):
        return self.passed, len(self.failures), len(self.skips)

    def as_data(self):
        return {"passed": self.passed, "failed": len(self.failures), "skipped": len(self.skips), "seconds": round(self.seconds, 1),
                "failures": [{"name": name, "why": why} for name, why in self.failures],
                "skips": [{"name": name, "reason": reason} for name, reason in self.skips]}


class Place:
    """Where and as whom the tests run: a tree and a build that this user can read, a directory of its own, a prefix."""

    def __init__(self, build, mode, scratch):
        self.mode, self.scratch, self.prefix, self.lacks = mode, scratch, [], None
        self.tree, self.build = belljar_run.ROOT, os.path.abspath(build)
        self.own = os.path.join(scratch, "own")
        os.mkdir(self.own, 0o700)
        if mode == "root":
            return
        if os.geteuid() == 0:
            uid, gid = belljar_run.ordinary_user()
            self.prefix = belljar_run.setpriv(uid, gid)
            os.chown(self.own, uid, gid)
        self.make_reachable()
        if mode == "unshared":
            self.prefix += ["unshare", "-Ur"]
            if self.call(["true"]).returncode != 0:
                self.lacks = "host lacks unprivileged user namespaces"

    def call(self, argv, **more):
        """The own directory is the working directory: a test that leaves a file must not leave it in the tree."""
        return subprocess.run([*self.prefix, *argv], check=False, cwd=self.own, stdin=subprocess.DEVNULL, **more)

    def can_read(self, path):
        return self.call(["test", "-r", path]).returncode == 0

    def make_reachable(self):
        """The tree may stand in a private directory."""
        if not self.can_read(os.path.join(self.tree, "tests", "support", "suites.py")):
            new = os.path.join(self.scratch, "tree")
            for name in TREE:
                if os.path.isdir(os.path.join(self.tree, name)):
                    copy(os.path.join(self.tree, name), os.path.join(new, name))
            self.tree = new
        if not self.can_read(os.path.join(self.build, "src", "cli", "belljar")):
            new = os.path.join(self.scratch, "build")
            copy(self.build, new)
            self.build = new

    def reachable_corpus(self, corpus):
        if self.mode == "root" or self.can_read(os.path.join(corpus, "tools", "canary.py")):
            return corpus
        new = os.path.join(self.scratch, "corpus")
        copy(corpus, new)
        return new

    def environment(self, **more):
        env = dict(os.environ, BELLJAR=os.path.join(self.build, "src", "cli", "belljar"), PYTHONDONTWRITEBYTECODE="1", **more)
        spec_tool = os.path.join(self.build, "tests", "unit", "spec-tool")
        if os.path.exists(spec_tool):
            env["BELLJAR_SPEC_TOOL"] = spec_tool
        if self.mode != "root":
            env.update(HOME=self.own, TMPDIR=self.own)
            for name in ("XDG_RUNTIME_DIR", "USER", "LOGNAME", "BELLJAR_TEST_UID"):
                env.pop(name, None)
        return env


def copy(source, target):
    """What every user may read and run; disks of test machines and the like stay."""
    ignore = shutil.ignore_patterns("vm", "__pycache__", "*.p", "meson-*", ".git")
    shutil.copytree(source, target, symlinks=True, ignore=ignore, dirs_exist_ok=True)
    for directory, _, names in os.walk(target):
        os.chmod(directory, 0o755)
        for name in names:
            path = os.path.join(directory, name)
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode | (0o055 if os.access(path, os.X_OK) else 0o044) & 0o555)


# ---- test programs that say TAP

def program_environment(place, path):
    """As the tests' meson.build files have it."""
    env = place.environment(CMOCKA_MESSAGE_OUTPUT="TAP", BELLJAR_GOLDEN_DIRECTORY=os.path.join(place.tree, "tests", "plan"))
    if "/tests/unit/" in path:
        env["BELLJAR_SCHEMA"] = os.path.join(place.tree, "schema", "spec.schema.json")
        env["BELLJAR_SHIPPED_PROFILES"] = os.path.join(place.tree, "profiles")
    else:
        env["BELLJAR_PROFILE_PATH"] = os.path.join(place.tree, "profiles")
    return env


def program_arguments(place, path):
    name = os.path.basename(path)
    if name == "test_tables":
        return sorted(glob.glob(os.path.join(place.tree, "tests", "bpf", "*.tbl")))
    if name.startswith("replay_"):
        pattern = os.path.join(place.tree, "fuzz", "corpus", name.removeprefix("replay_"), "**")
        return sorted(p for p in glob.glob(pattern, recursive=True) if os.path.isfile(p))
    return []


def read_tap(name, text, tally):
    """Number of results. cmocka 1.1 writes a skip as "not ok N # SKIP name"; its reason is a line before it."""
    reason, seen = "no reason given", 0
    for line in text.splitlines():
        if line.startswith("host lacks"):
            reason = line.strip()
            continue
        whole = re.match(r"1\.\.0 # SKIP (.+)", line)
        skipped = re.match(r"(?:not )?ok \d+ # SKIP (.*)", line)
        found = re.match(r"(not )?ok \d+(?: -)? ?(.*?)\s*(?:# SKIP ?(.*))?$", line)
        if whole:
            tally.skip(name, whole.group(1))
            seen += 1
        elif skipped:
            tally.skip(name + " " + skipped.group(1), reason)
            reason, seen = "no reason given", seen + 1
        elif found:
            seen += 1
            case = name + " " + found.group(2)
            if "# SKIP" in line:
                tally.skip(case, found.group(3) or reason)
            elif found.group(1):
                tally.fail(case)
            else:
                tally.passed += 1
            reason = "no reason given"
    return seen


def run_program(place, path, tally):
    name = os.path.basename(path)
    before = tally.counts
    try:
        done = place.call([path, *program_arguments(place, path)], env=program_environment(place, path), timeout=SECONDS,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text, status = done.stdout.decode("utf-8", "replace"), done.returncode
    except subprocess.TimeoutExpired as late:
        text, status = (late.stdout or b"").decode("utf-8", "replace"), -9
        tally.fail(name, "did not end within %d s" % SECONDS)
    seen = read_tap(name, text, tally)
    if status == 0 and seen == 0:  # a program of one test: its exit status
        tally.passed += 1
    elif status != 0 and tally.counts[1] == before[1]:
        tally.fail(name, "ended with %d although no test of it failed" % status)
    delta = [now - then for now, then in zip(tally.counts, before)]
    print("%-4s %-24s %d passed, %d failed, %d skipped" % ("FAIL" if delta[1] else "ok", name, *delta), flush=True)
    if delta[1]:
        print("\n".join("     " + line for line in text.splitlines()[-80:]), flush=True)


def run_programs(place, group, only, tally):
    found = 0
    for pattern in PROGRAMS[group]:
        for path in sorted(glob.glob(os.path.join(place.build, pattern))):
            if os.path.isfile(path) and os.access(path, os.X_OK):
                found += 1
                if not only or only in os.path.basename(path):
                    run_program(place, path, tally)
    if not found:
        tally.fail(group, "no test program in %s" % place.build)


# ---- pytest

def python_with_pytest(place):
    """The system's python3 has the packages that were installed for us; another one in PATH may not."""
    for python in ("/usr/bin/python3", sys.executable):
        if place.call([python, "-c", "import pytest"], capture_output=True).returncode == 0:
            return python
    return None


def run_pytest(place, what, only, tally):
    python = python_with_pytest(place)
    if not python:
        tally.skip(what, "host lacks pytest")
        return
    report = os.path.join(place.own, "report.xml")
    argv = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--color=no", "--rootdir", place.tree,
            "--junitxml=" + report, *(["-k", only] if only else []), os.path.join(place.tree, what)]
    status = place.call(argv, env=place.environment()).returncode
    failed = len(tally.failures)
    try:
        read_junit(report, tally)
    except (OSError, ElementTree.ParseError) as error:
        tally.fail(what, "no report (%s)" % error)
    if status not in (0, 5) and len(tally.failures) == failed:  # 5: none was chosen
        tally.fail(what, "pytest ended with %d although no test failed" % status)


def read_junit(path, tally):
    for case in ElementTree.parse(path).iter("testcase"):
        name = "%s %s" % ((case.get("classname") or "").rpartition(".")[2], case.get("name"))
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        skipped = case.find("skipped")
        if bad is not None:
            tally.fail(name, bad.get("message") or bad.text or "")
        elif skipped is not None:
            tally.skip(name, (skipped.get("message") or skipped.text or "no reason given").strip())
        else:
            tally.passed += 1
    os.unlink(path)


# ---- the corpus

def find_corpus(given=None):
    beside = os.path.join(os.path.dirname(belljar_run.ROOT), "shared", "abuse")
    for path in (given, os.environ.get("BELLJAR_ABUSE_CORPUS"), beside):
        if path and os.path.isfile(os.path.join(path, "tools", "canary.py")):
            return os.path.abspath(path)
    return None


def lock_canaries():
    """They have fixed names, so only one harness at a time: with a TMPDIR of its own it could not see the other's lock."""
    path = os.path.join(tempfile.gettempdir(), "abuse-corpus.lock")
    try:
        # O_CREAT on another user's file in a sticky directory fails: fs.protected_regular, proc_sys_fs(5).
        fd = os.open(path, os.O_RDONLY | (0 if os.path.exists(path) else os.O_CREAT) | os.O_CLOEXEC, 0o644)
    except OSError:
        return -1
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def run_corpus(place, corpus, only, tally):
    if not corpus:
        tally.skip("abuse", "host lacks the abuse corpus")
        return
    corpus = place.reachable_corpus(corpus)
    report = os.path.join(place.own, "abuse.json")
    lock = lock_canaries() if place.mode != "root" else -1
    try:
        status = place.call(["/usr/bin/python3", os.path.join(place.tree, "tests", "abuse", "run_corpus.py"), corpus, "--json",
                             report, *(["--only", only] if only else [])], env=place.environment()).returncode
    finally:
        if lock >= 0:
            os.close(lock)
    failed = len(tally.failures)
    try:
        with open(report, encoding="utf-8") as file:
            cases = json.load(file)
    except (OSError, ValueError) as error:
        tally.fail("abuse", "no report (%s)" % error)
        return
    for case in cases:
        if case["state"] == "failed":
            tally.fail(case["path"], case["why"])
        elif case["state"] == "skipped":
            tally.skip(case["path"], case["why"])
        else:
            tally.passed += 1
    if status != 0 and len(tally.failures) == failed:
        tally.fail("abuse", "the harness ended with %d although no case failed: something was left behind" % status)


# ---- all of it

def run_group(place, group, corpus, only):
    tally = Tally()
    began = time.monotonic()
    print("# %s, as %s" % (group, place.mode), flush=True)
    if place.lacks:
        tally.skip(group, place.lacks)
    elif group == "e2e":
        run_pytest(place, "tests/e2e", only, tally)
    elif group == "abuse":
        run_corpus(place, corpus, only, tally)
    else:
        run_programs(place, group, only, tally)
        if group == "unit" and os.path.exists(os.path.join(place.build, "src", "jail", "child", "libbelljar-child.a")):
            run_pytest(place, "tests/unit", only, tally)
    tally.seconds = time.monotonic() - began
    return tally


def run_suites(build, mode="root", groups=GROUPS, corpus=None, only=None):
    """{group: Tally}."""
    scratch = tempfile.mkdtemp(prefix="suites-")
    os.chmod(scratch, 0o755)
    try:
        place = Place(build, mode, scratch)
        return {group: run_group(place, group, find_corpus(corpus), only) for group in groups}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def print_table(tallies):
    print()
    for group, tally in tallies.items():
        for name, reason in tally.skips:
            print("skipped: %s: %s: %s" % (group, name, reason))
    for group, tally in tallies.items():
        for name, why in tally.failures:
            print("FAILED: %s: %s: %s" % (group, name, why))
    print("%-8s %8s %8s %8s %9s" % ("group", "passed", "failed", "skipped", "seconds"))
    for group, tally in tallies.items():
        print("%-8s %8d %8d %8d %9.1f" % (group, *tally.counts, tally.seconds))
    print("%d passed, %d failed, %d skipped" % tuple(map(sum, zip(*(tally.counts for tally in tallies.values())))), flush=True)


def main():
    parser = argparse.ArgumentParser(description="run the suite of tests on this machine")
    parser.add_argument("--build", required=True)
    parser.add_argument("--corpus")
    parser.add_argument("--as", dest="mode", choices=MODES, default="root")
    parser.add_argument("--group", action="append", choices=GROUPS)
    parser.add_argument("--only")
    parser.add_argument("--json")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGQUIT):  # a shell without job control ignores them for what it starts with "&"
        signal.signal(number, signal.default_int_handler)
    tallies = run_suites(options.build, options.mode, options.group or GROUPS, options.corpus, options.only)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"as": options.mode, "groups": {group: tally.as_data() for group, tally in tallies.items()}}, file, indent=1)
    print_table(tallies)
    return 1 if any(tally.failures for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
