#!/usr/bin/env python3
"""Builds belljar-guest for every CPython of this host that can be embedded, and runs the tests of snippets with each.

Its own file because every other suite has one interpreter, Debian's, and the guest is a program for six of them.
Changes when: interpreters are found elsewhere, or another suite depends on the version of CPython.

usage: tests/pythons/run.py --build BUILD [--short] [--only VERSION]... [--record]
  --build   its command is what is run; guests are built in BUILD/pythons/VERSION, with warnings as errors
  --short   a few tests of each kind instead of whole files; with the system's Python, which make test has, none (CI)
  --only    3.13: not the others
Which versions there are says src/guest/meson.build. They are looked for as pkg-config does, below pyenv's directory,
/usr/local and /opt. A release of Debian or Ubuntu has one, which tools/deps installs; others are there where somebody built them.
The last line is "N passed, N failed, N skipped": a build counts as one test, and a version that is not here as one skip.
"""
import argparse
import glob
import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
sys.dont_write_bytecode = True

import evidence  # noqa: E402

SYSTEM = "/usr"  # whose Python the shipped profiles show anyway, with its packages
NOT_LOADED = 127
# Of tests/e2e: snippets cold and parked, policies, records.
FILES = ("snippets", "policy", "policy_levels", "policy_writes", "trace", "deterministic", "python", "repl", "repl_script")
SHORT = (("snippets", "test_variables_come_back"), ("snippets", "test_value_of_an_expression"),
         ("snippets", "test_exception_with_its_lines"), ("policy", "test_ordinary_code_runs_under_an_empty_policy"),
         ("policy", "test_without_it_the_denial_says_what_and_by_what_it_would_be_allowed"),
         ("policy_levels", "test_restricted_runs_what_it_allows"),
         ("policy_levels", "test_an_expression_is_worked_out"),
         ("trace", "test_a_call_with_its_variables"), ("trace", "test_closures_and_their_parents"), ("trace", "test_generators"))
# These need packages of Debian's Python, or make an environment of it.
SYSTEMS_OWN = ("test_a_plot_comes_out", "test_packages_of_a_virtual_environment")
# Of tests/jail: pools, sessions with snapshots and branches, calls; and those that wait for clocks.
PROGRAMS, SLOW_PROGRAMS = ("test_pool_end", "test_session", "test_calls"), ("test_session_ends", "test_session_input")


class Tally:
    def __init__(self):
        self.passed, self.failures, self.skips = 0, [], []

    def skip(self, name, reason):
        if reason.startswith("host lacks"):
            self.skips.append((name, reason))
        else:
            self.failures.append("%s: skipped: %s" % (name, reason))


class Python:
    """One that can be embedded: its version, where it is, and the directory of its .pc file (None: pkg-config knows)."""

    def __init__(self, version, prefix, folder=None):
        self.version, self.prefix, self.folder = version, prefix, folder

    @property
    def environment(self):
        own = [self.folder] if self.folder else []
        return dict(os.environ, PKG_CONFIG_PATH=":".join(own + list(filter(None, [os.environ.get("PKG_CONFIG_PATH")]))))


# ---- which there are

def versions():
    """As the build itself lists them."""
    with open(os.path.join(ROOT, "src", "guest", "meson.build"), encoding="utf-8") as file:
        listed = re.search(r"foreach version : \[(.*?)\]", file.read()).group(1)
    return re.findall(r"'([\d.]+)'", listed)


def prefix_of(version, folder=None):
    """None: pkg-config finds none there."""
    env = Python(version, None, folder).environment
    asked = subprocess.run(["pkg-config", "--variable=prefix", "python-%s-embed" % version], check=False, capture_output=True,
                           text=True, env=env)
    return os.path.realpath(asked.stdout.strip()) if asked.returncode == 0 else None


def find(version):
    prefix = prefix_of(version)
    if prefix:
        return Python(version, prefix)
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    places = glob.glob(os.path.join(pyenv, "versions", version + ".*")) + ["/usr/local"] + glob.glob("/opt/*")
    for place in sorted(places, reverse=True):
        folder = os.path.join(place, "lib", "pkgconfig")
        if os.path.exists(os.path.join(folder, "python-%s-embed.pc" % version)):
            return Python(version, prefix_of(version, folder), folder)
    return None


# ---- one of them

def build(python, directory):
    """(the guest, None), or (None, what went wrong)."""
    guest = "src/guest/belljar-guest-" + python.version
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        made = subprocess.run(["meson", "setup", directory, ROOT, "-Dtests=false", "-Dwerror=true"], check=False,
                              capture_output=True, text=True, env=python.environment)
        if made.returncode != 0:
            return None, made.stdout + made.stderr
    done = subprocess.run(["ninja", "-C", directory, guest], check=False, capture_output=True, text=True, env=python.environment)
    return (os.path.join(directory, guest), None) if done.returncode == 0 else (None, done.stdout + done.stderr)


def why_not_loaded(guest):
    """What the dynamic linker says of it, or None. The program itself refuses the word, and ends in another way."""
    tried = subprocess.run([guest, "--is-it-loaded"], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return tried.stderr.strip() if tried.returncode == NOT_LOADED else None


def write_profiles(python, directory):
    """The shipped ones, which show this interpreter as well."""
    os.makedirs(directory, exist_ok=True)
    for path in glob.glob(os.path.join(ROOT, "profiles", "*.json")):
        with open(path, encoding="utf-8") as file:
            profile = json.load(file)
        if os.path.basename(path).startswith("python") and python.prefix != SYSTEM:
            profile["mounts"].append({"source": python.prefix, "target": python.prefix, "mode": "ro", "executable": True})
        with open(os.path.join(directory, os.path.basename(path)), "w", encoding="utf-8") as file:
            json.dump(profile, file)


def arguments_of_pytest(python, short):
    if short:
        return ["tests/e2e/test_%s.py::%s" % one for one in SHORT]
    own = [] if python.prefix == SYSTEM else ["-k", " and ".join("not " + name for name in SYSTEMS_OWN)]
    return ["tests/e2e/test_%s.py" % name for name in FILES] + own


def run_pytest(python, report, short, env, tally):
    status = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=" + report,
                             *arguments_of_pytest(python, short)], cwd=ROOT, env=env, check=False).returncode
    before, name = len(tally.failures), "CPython %s" % python.version
    try:
        cases = list(ElementTree.parse(report).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        cases = []
    for case in cases:
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            tally.failures.append("%s: %s" % (name, case.get("name")))
        elif skipped is not None:
            tally.skip("%s: %s" % (name, case.get("name")), skipped.get("message") or "")
        else:
            tally.passed += 1
    if not cases or (status != 0 and len(tally.failures) == before):
        tally.failures.append("%s: pytest ended with %d after %d tests" % (name, status, len(cases)))


def run_program(path, python, env, tally):
    name = "CPython %s: %s" % (python.version, os.path.basename(path))
    done = subprocess.run([path], check=False, capture_output=True, text=True, env=dict(env, CMOCKA_MESSAGE_OUTPUT="TAP"))
    lacks = re.search(r"^1\.\.0 # SKIP (.+)$", done.stdout, re.M)
    if lacks:
        tally.skip(name, lacks.group(1))
    elif done.returncode == 0 and re.search(r"^ok ", done.stdout, re.M):
        tally.passed += 1
    else:
        tally.failures.append("%s: %s" % (name, (done.stdout + done.stderr)[-1500:]))


def run_tests(python, directory, guest, options, tally):
    profiles = os.path.join(directory, "profiles-shown")
    write_profiles(python, profiles)
    env = dict(os.environ, BELLJAR=os.path.join(options.build, "src", "cli", "belljar"), BELLJAR_GUEST=guest,
               BELLJAR_PROFILE_PATH=profiles, PYTHONDONTWRITEBYTECODE="1")
    run_pytest(python, os.path.join(directory, "pytest.junit.xml"), options.short, env, tally)
    for program in PROGRAMS + (() if options.short else SLOW_PROGRAMS):
        run_program(os.path.join(options.build, "tests", "jail", program), python, env, tally)


def try_one(python, options, tally):
    name = "CPython %s of %s" % (python.version, python.prefix)
    directory = os.path.join(options.build, "pythons", python.version)
    print("== " + name, flush=True)
    guest, wrong = build(python, directory)
    if not guest:
        print(wrong[-6000:])
        tally.failures.append("%s: belljar-guest cannot be built" % name)
        return
    tally.passed += 1
    wrong = why_not_loaded(guest)
    if wrong:
        tally.skip(name, "host lacks the shared library that belongs to its headers: " + wrong)
        return
    if not options.short or python.prefix != SYSTEM:  # all of `make test` has run with the system's
        run_tests(python, directory, guest, options, tally)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    began, tally, tried = time.monotonic(), Tally(), []
    for version in versions():
        if options.only and version not in options.only:
            continue
        python = find(version)
        if python:
            try_one(python, options, tally)
            tried.append(version)
        else:
            tally.skip("CPython " + version, "host lacks CPython %s's headers (python-%s-embed.pc)" % (version, version))
    for name, reason in tally.skips:
        print("skipped: %s: %s" % (name, reason))
    for name in tally.failures:
        print("FAILED: " + name)
    if options.record and not options.short:
        evidence.record("pythons", command="make test-pythons", passed=tally.passed, failed=len(tally.failures),
                        skipped=len(tally.skips), seconds=time.monotonic() - began, says="CPython " + ", ".join(tried))
    print("%d passed, %d failed, %d skipped" % (tally.passed, len(tally.failures), len(tally.skips)), flush=True)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
