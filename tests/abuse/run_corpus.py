#!/usr/bin/env python3
"""Runs the operating system and resource cases of a corpus of hostile programs under glass, and judges what came of each.

Its own file because one program must say of every case: contained or not, and by what.
Changes when: the corpus format, the shipped profiles or the ways to end a run change.

  run_corpus.py [options] [CORPUS]      CORPUS or $BELLJAR_ABUSE_CORPUS: a directory with os/, resource/ and tools/canary.py
    --user [UID]   run the command as this ordinary user (setpriv), default one that is not root
    --only WORD    only cases whose path contains WORD (may be repeated)
    --json FILE    the table as JSON        --jobs N   cases at one time (default 2)
    --verbose      what a failed case printed

A case passes if no line with "ESCAPED: " appears anywhere, its verdict is one that it accepts, its check of the host holds
(checks.py), and the next ordinary run works. The canaries of the corpus stand meanwhile, or cases pass for the wrong reason.
"""
import argparse
import concurrent.futures
import fcntl
import importlib.util
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
sys.path.insert(0, HERE)

import belljar_run  # noqa: E402
import checks  # noqa: E402
import leaks  # noqa: E402
import warm  # noqa: E402
from judgement import MARK, escapes, verdicts  # noqa: E402,F401  pylint: disable=unused-import

# More generous than anybody would be to code that he does not trust; what is left is refused by every policy.
POLICY = json.dumps({
    "features": ["interpreter", "math", "random", "regex", "time", "datetime", "itertools", "help", "hashlib", "unicodedata", "future"],
    "modules": {name: ["*"] for name in (
        "asyncio", "calendar", "collections", "contextlib", "copy", "dataclasses", "enum", "functools", "inspect", "json", "math",
        "operator", "random", "re", "statistics", "string", "traceback", "types", "typing", "weakref")},
    "recursion_limit": 500})
DEFAULT_LIMITS = {"mem": "128M", "cpu": "2s", "wall": "5s", "procs": "32", "nofile": "64", "output": "64K", "fsize": "16M",
                  "disk": "32M", "inodes": "1024"}
OPTION = {"mem": "-m", "cpu": "-t", "wall": "-w", "procs": "-p", "nofile": "--open-files", "output": "--output-limit",
          "fsize": "-f", "disk": "-d", "inodes": "--files"}
COMPILE_SECONDS = 60
CASE_SECONDS = 40


class Case:
    """One program of the corpus and its header. way: "parked", Python that runs as a snippet in a parked jail; "policy", as a
    snippet under a policy; "parked-policy", both; or none."""

    def __init__(self, corpus, path, way=""):
        self.path = way + "/" + path if way else path
        self.file = os.path.join(corpus, path)
        self.name = os.path.basename(path)
        self.header = read_header(self.file)
        self.id = self.header.get("id", path)
        self.kind = path.split("/")[0]
        self.parked, self.under_policy = "parked" in way, "policy" in way
        self.accept = [w.strip() for w in self.header.get("accept", self.header.get("expected", "")).split(",")]
        self.accept += checks.ALSO_CONTAINED.get(self.id, [])
        if self.header.get("limits") == "memory" and os.environ.get("BELLJAR_SHORT") == "1":
            self.accept.append("killed:cpu")  # an emulated processor may meet its own limit before the one that is tried
        self.runs = int(self.header.get("runs", "1"))
        self.arguments = shlex.split(self.header.get("args", ""))
        self.is_c = path.endswith(".c")
        self.in_compiler = self.header.get("stage") == "compile"
        self.collect = [w.strip() for w in self.header.get("files", "").split(",") if w.strip()]

    @property
    def alone(self):
        """Cases about time or about processes that remain must not be disturbed, nor disturb."""
        return self.kind == "resource" or "host-check" in self.header

    def limits(self):
        wanted = dict(DEFAULT_LIMITS) if self.kind == "resource" else {"procs": "32", "wall": "10s"}
        if self.header.get("limits") == "cpu":
            wanted["cpu"] = DEFAULT_LIMITS["cpu"]
        for word in self.header.get("run-with", "").split(","):
            name, _, value = word.strip().partition("=")
            if name in OPTION:
                wanted[name] = value
        options = []
        for name, value in wanted.items():
            options += [OPTION[name], value[:-1] if value.endswith("s") else value]
        if self.header.get("limits") == "output":  # the shipped default is to drop the rest and let the program go on
            options += ["--output-action", "kill"]
        return options


def read_header(path):
    """The block from "abuse-case: 1" to "end-abuse-case": key: value, continued by lines that begin with two blanks."""
    with open(path, "rb") as f:
        text = f.read(60000).decode("utf-8", "replace")
    header, key, inside = {}, None, False
    for line in text.split("\n"):
        line = re.sub(r"^(# ?|/\* ?| \* ?)", "", line.rstrip("\r"))
        if line.startswith("abuse-case:"):
            inside = True
        elif line.startswith("end-abuse-case"):
            break
        elif inside:
            found = re.match(r"([a-z-]+): (.*)", line)
            if found:
                key = found.group(1)
                header[key] = found.group(2)
            elif key and line.startswith("  "):
                header[key] += " " + line.strip()
    return header


def find_cases(corpus, only=(), folders=("os", "resource")):
    paths = []
    for folder in folders:
        for name in sorted(os.listdir(os.path.join(corpus, folder))):
            path = folder + "/" + name
            if name.endswith((".c", ".py")) and (not only or any(word in path for word in only)):
                paths.append(path)
    return [Case(corpus, path) for path in paths]


def find_all_cases(corpus, only=()):
    """And Python's own tricks without Python's policy: as programs, and, with what exhausts limits, in parked jails; and with it,
    in jails of their own and in parked ones. And what exhausts limits in pools and sessions that live on (warm.py)."""
    snippets = [case for case in find_cases(corpus, (), ("resource", "python")) if not case.is_c]
    more = [Case(corpus, case.path, "parked") for case in snippets]
    more += [Case(corpus, case.path, way) for way in ("policy", "parked-policy") for case in snippets if case.kind == "python"]
    return find_cases(corpus, only, ("os", "resource", "python")) + [
        case for case in more if not only or any(word in case.path for word in only)] + warm.find(only)


def load_canary(corpus):
    spec = importlib.util.spec_from_file_location("canary", os.path.join(corpus, "tools", "canary.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Outcome:
    """What came of one case."""

    def __init__(self, case):
        self.case, self.state, self.verdicts, self.said, self.seconds, self.why = case, "passed", [], "", 0.0, ""
        self.results = []

    def fail(self, why):
        self.state, self.why = "failed", (self.why + "; " if self.why else "") + why

    def skip(self, why):
        self.state, self.why = "skipped", why

    @property
    def verdict(self):
        accepted = [v for v in self.verdicts if v in self.case.accept]
        return (accepted or self.verdicts or ["-"])[0]


class Harness:
    """Knows how to run a case; shared by all of them."""

    def __init__(self, corpus, uid=None, jobs=2):
        self.corpus = os.path.abspath(corpus)
        self.jobs = jobs
        self.uid = os.getuid() if uid is None else uid
        self.prefix = [] if self.uid == os.getuid() else belljar_run.setpriv(self.uid)
        self.directory = tempfile.mkdtemp(prefix="abuse-run-")
        os.chmod(self.directory, 0o755)
        found = belljar_run.find_belljar()
        if not found:
            sys.exit("no belljar: build it, or set BELLJAR to its path")
        self.belljar = belljar_run.reachable_copy(found, self.directory)
        self.copy_parked(os.path.join(os.path.dirname(found), "..", ".."))
        self.canary_module = load_canary(self.corpus)
        self.canary = None
        self.descriptors = []
        self.lock = -1
        self.lacks_pools = None
        self.environment = dict(os.environ)

    def copy_parked(self, build):
        """The commands whose snippets run in parked jails, and the program that runs them; None where they were not built."""
        guest = "belljar-guest-" + os.path.basename(os.path.realpath("/usr/bin/python3"))[len("python"):]
        self.pooled = self.kept = self.guest = None
        if os.path.exists(os.path.join(build, "tests", "pool", "belljar-kept")):
            self.pooled, self.kept, self.guest = (shutil.copy(os.path.join(build, *path), self.directory) for path in (
                ("tests", "pool", "belljar-pooled"), ("tests", "pool", "belljar-kept"), ("src", "guest", guest)))

    def __enter__(self):
        leaks.adopt_orphans()
        # The canaries have fixed names on the host, so that only one corpus run at a time can have them.
        self.lock = os.open(os.path.join(tempfile.gettempdir(), "abuse-corpus.lock"), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC,
                            0o644)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.canary = self.canary_module.Canary(self.uid)
        self.canary.__enter__()
        self.descriptors = self.canary.fds()
        self.environment.update(self.canary.env())
        self.lacks_pools = self.why_no_pools()
        return self

    def __exit__(self, *what):
        for fd in self.descriptors:
            os.close(fd)
        for listening in self.canary.socks:  # else its accept(2) would keep the address from the next harness of this process
            listening.shutdown(socket.SHUT_RDWR)
        self.canary.__exit__(*what)
        os.close(self.lock)
        shutil.rmtree(self.directory, ignore_errors=True)

    def processes_named(self, name):
        return [pid for pid, (_, state, comm) in leaks.parents().items() if comm == name and state not in "ZX"]

    def belljar_with(self, options, command, **more):
        return belljar_run.run(self.belljar, options, command, prefix=self.prefix, env=self.environment,
                               pass_fds=self.descriptors, cwd="/", timeout=CASE_SECONDS, **more)

    def why_no_pools(self):
        """Why nothing can run in a parked jail here; they need more than others, and say what."""
        if not self.pooled:
            return "host lacks a build with tests/pool/belljar-pooled"
        handed = os.path.join(self.directory, "nothing.py")
        with open(handed, "w", encoding="ascii") as f:
            f.write("pass\n")
        os.chmod(handed, 0o644)
        done = self.snippet_with(["--profile", "python"], handed)
        missing = re.match(r"belljar: exec: layers\.\w+: (required, but .*|a pool needs .*)", done.err.decode("utf-8", "replace"))
        return "host lacks what a pool needs: " + missing.group(1) if done.returncode == 125 and missing else None

    def snippet_with(self, options, path, command=None):
        """The same in a parked jail, or by another command."""
        return belljar_run.run_argv([*self.prefix, command or self.pooled, "exec", "--json", *map(str, options), path],
                                    env=dict(self.environment, BELLJAR_GUEST=self.guest), pass_fds=self.descriptors, cwd="/",
                                    timeout=CASE_SECONDS)

    def run_case(self, case, options, command):
        if case.under_policy:
            return self.snippet_with([*options, "--policy", POLICY], command, None if case.parked else self.belljar)
        return self.snippet_with(options, command) if case.parked else self.belljar_with(options, command)

    def compile(self, case, outcome):
        """The host's compiler makes the program, except where the compiler is the target. Dynamic first, then static."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if not compiler:
            outcome.skip("host lacks a C compiler")
            return None
        program = os.path.join(self.directory, case.id)
        for flags in ([], ["-static"]):
            made = subprocess.run([compiler, "-O1", "-Wall", *flags, "-o", program, case.file], capture_output=True,
                                  timeout=COMPILE_SECONDS, check=False)
            if made.returncode == 0:
                os.chmod(program, 0o755)
                return program
        outcome.fail("does not compile here: " + made.stderr[-300:].decode("utf-8", "replace"))
        return None

    def command(self, case, outcome):
        """(options, command) of a case, or None."""
        handed = os.path.join(self.directory, case.id + "-" + case.name)
        shutil.copyfile(case.file, handed)
        os.chmod(handed, 0o644)
        options = case.limits()
        for pattern in case.collect:
            options += ["--collect", pattern]
        if case.in_compiler:
            command = "cc -O1 -Wall -o prog %s && exec ./prog" % shlex.quote(case.name)
            return ["--profile", "c", *options, "--file", "%s=%s" % (case.name, handed)], ["sh", "-c", command]
        if case.is_c:
            program = self.compile(case, outcome)
            return program and (["--profile", "default", *options, "--file", "prog=" + program],
                                ["./prog", *case.arguments])
        options = ["--profile", "python", *options, "--file", "%s=%s" % (case.name, handed)]
        if case.parked and self.lacks_pools:
            outcome.skip(self.lacks_pools)
            return None
        if case.under_policy and not self.guest:
            outcome.skip("host lacks a build with tests/pool/belljar-pooled")
            return None
        if case.parked or case.under_policy:
            return options, handed
        return (options, ["python3", "./" + case.name, *case.arguments])

    def stdin_file(self, case):
        """A regular file, as the corpus asks for: a host that hands its own file in would be found out."""
        data = checks.STDIN.get(case.id)
        if data is None:
            data = case.header.get("stdin", "").encode().decode("unicode_escape").encode("latin-1")
        path = os.path.join(self.directory, case.id + ".in")
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, 0o666)  # writable by everybody: the jail's own walls must be what protects it
        return path

    def run(self, case):
        outcome = Outcome(case)
        began = time.monotonic()
        try:
            if case.kind == "warm":
                warm.judge(self, case, outcome)
            else:
                made = self.command(case, outcome)
                if made:
                    self.judge(case, outcome, *made)
        except (AssertionError, AttributeError, KeyError, ValueError, OSError, subprocess.TimeoutExpired) as e:
            outcome.fail("%s: %.300s" % (type(e).__name__, e))
        outcome.seconds = time.monotonic() - began
        return outcome

    def judge(self, case, outcome, options, command):
        context = checks.Context(self, case, self.stdin_file(case), options, command)
        for _ in range(case.runs):
            context.began = time.monotonic()
            result = self.run_case(case, [*options, "-i", context.stdin], command)
            outcome.results.append(result)
            if result.json is None:
                outcome.fail("no valid result object")
                return
            for line in escapes(case, result):
                outcome.fail(line)
        result = outcome.results[-1]
        outcome.verdicts = verdicts(result)
        marks = [line for line in result.bytes("stdout").split(b"\n") if b"CONTAINED: " in line]
        outcome.said = marks[0].decode("utf-8", "replace") if marks else result.stderr.strip().split("\n")[-1]
        if result.status in ("jail_error", "cancelled"):
            outcome.fail("status %s: %s" % (result.status, result.message.strip()[:300]))
        elif (case.kind != "python" or case.under_policy) and not set(outcome.verdicts) & set(case.accept):
            outcome.fail("verdict %s, accepted are %s" % ("/".join(outcome.verdicts), ", ".join(case.accept)))
        context.results = outcome.results
        problem = checks.check(context)
        if problem:
            outcome.fail("on the host: " + problem)
        self.check_next_run(outcome)

    def check_next_run(self, outcome):
        result = self.belljar_with(["--profile", "python"], ["python3", "-c", "print(6 * 7)"])
        if result.json is None or result.status != "ok" or result.stdout != "42\n":
            outcome.fail("the next ordinary run does not work: %.300s" % result)

    def run_all(self, cases, told):
        """Cases that bear company first, several at a time; then the others, one by one."""
        together = [c for c in cases if not c.alone]
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            done = [told(outcome) for outcome in pool.map(self.run, together)]
        return done + [told(self.run(case)) for case in cases if case.alone]


def shown(text, width):
    return "".join(c if c.isprintable() else "?" for c in text)[:width]


def print_row(outcome):
    mark = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}[outcome.state]
    print("%s %-38s %-15s %6.2f s  %s" % (mark, outcome.case.path, outcome.verdict, outcome.seconds,
                                          shown(outcome.said, 90)), flush=True)
    if outcome.why:
        print("       " + shown(outcome.why, 600), flush=True)
    return outcome


def as_json(outcomes):
    return [{"id": o.case.id, "path": o.case.path, "state": o.state, "verdict": o.verdict, "verdicts": o.verdicts,
             "said": o.said, "why": o.why, "seconds": round(o.seconds, 3),
             "status": [r.json.get("status") if r.json else None for r in o.results]} for o in outcomes]


def main():
    parser = argparse.ArgumentParser(description="run the abuse corpus under glass")
    parser.add_argument("corpus", nargs="?", default=os.environ.get("BELLJAR_ABUSE_CORPUS"))
    parser.add_argument("--user", nargs="?", type=int, const=-1)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--json")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if not options.corpus or not os.path.isdir(os.path.join(options.corpus, "os")):
        print("host lacks the abuse corpus\n0 passed, 0 failed, 1 skipped")
        return 0
    uid = options.user
    if uid is not None and uid < 0:
        uid = belljar_run.ordinary_user()[0]
    with Harness(options.corpus, uid, options.jobs) as harness:
        before = leaks.Picture()
        outcomes = harness.run_all(find_all_cases(harness.corpus, options.only), print_row)
        left = leaks.left_behind(before)
    if options.verbose:
        for outcome in outcomes:
            if outcome.state == "failed":
                print("\n".join(["", outcome.case.path, *(shown(repr(r), 3000) for r in outcome.results)]))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as f:
            json.dump(as_json(outcomes), f, indent=1)
    count = {state: sum(o.state == state for o in outcomes) for state in ("passed", "failed", "skipped")}
    if left:
        print("FAIL left behind on the host after all cases: %s" % left)
        count["failed"] += 1
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % count)
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
