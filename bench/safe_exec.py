"""safe_exec of CodeJail, and of the package that has its interface: the same call, in one run.

Its own file because these are Python programs, each in a virtual environment of its own.
Changes when: another CodeJail is compared with, or another configuration of it. run.py calls it.

Both are told the same: a virtual environment for the code, as CodeJail's documentation has it made (--copies), of the same Python.
CodeJail is measured as documented, with a user, which means two sudo for each call; and without one, which is less than it needs to
be a sandbox. Its AppArmor profile, which would cost it a little more, is left out: few machines that this is run on have AppArmor.
"""
import os
import random
import shutil
import statistics
import subprocess
import time

import belljar_run

PYTHON_PROGRAM = "/usr/bin/python3"
PACKAGE = "edx-codejail==4.1.1"
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "safe_exec_program.py")
USER = "nobody"
OURS, THEIRS_SUDO, THEIRS = "belljar-codejail", "CodeJail 4.1.1, with a user (sudo)", "CodeJail 4.1.1, without a user"
PYTHON = "python3 -c pass, no sandbox"
FASTER, FASTER_PYTHON = 50, 10
SETTLE_SECONDS = 0.02
WARM_ROUNDS = 5
LOOP = {OURS: 200, THEIRS_SUDO: 10, THEIRS: 10}  # calls one after the other, without a pause
LOOPS = 5


class Environments:
    """lacks: why there are none, or None. no_codejail: the same of CodeJail's."""

    def __init__(self, directory):
        self.directory = os.path.join(directory, "safe_exec")
        os.mkdir(self.directory, 0o755)
        self.program = shutil.copy(PROGRAM, self.directory)
        sources = [belljar_run.ROOT, os.path.join(belljar_run.ROOT, "python-codejail")]
        self.lacks = self.make("inside", ["six"], "--copies") or self.make("ours", sources)
        # 4.1.1 says that it needs Python 3.12; its code does not, and both are to have the same Python.
        self.no_codejail = self.lacks or self.make("theirs", ["--ignore-requires-python", PACKAGE])

    def python(self, name):
        return os.path.join(self.directory, name, "bin", "python")

    def make(self, name, packages, *options):
        """None, or what went wrong."""
        pip = [self.python(name), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        for words in ([PYTHON_PROGRAM, "-m", "venv", *options, os.path.join(self.directory, name)], [*pip, *packages]):
            done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
            if done.returncode != 0:
                return (done.stderr or done.stdout).strip().splitlines()[-1][:200]
        return None

    def start(self, uid, name, *arguments):
        """Without a network where that can be had: CodeJail alone confines nothing."""
        words = ["unshare", "-n", "--"] if os.geteuid() == 0 else []
        words += belljar_run.setpriv(uid) if uid != os.geteuid() else []
        return subprocess.Popen([*words, self.python(name), self.program, self.python("inside"), *arguments], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1, cwd="/")


def ask(program, count):
    """Nanoseconds. RuntimeError: what it said instead."""
    try:
        program.stdin.write("%d\n" % count)
        program.stdin.flush()
        return int(program.stdout.readline())
    except (OSError, ValueError):
        raise RuntimeError((program.communicate()[1].strip().splitlines() or ["nothing"])[-1][:200]) from None


def start_all(environments, uid):
    """Those that work, and why the others do not."""
    programs, gone = {OURS: environments.start(uid, "ours")}, {}
    if environments.no_codejail:
        gone["CodeJail"] = environments.no_codejail
    else:
        programs[THEIRS] = environments.start(uid, "theirs")
        if uid == 0 and shutil.which("sudo"):
            programs[THEIRS_SUDO] = environments.start(uid, "theirs", USER)
        else:
            gone[THEIRS_SUDO] = "not installed: sudo" if uid == 0 else "an ordinary user needs a rule in sudoers for it"
    for name, program in list(programs.items()):
        try:
            ask(program, WARM_ROUNDS)
        except RuntimeError as error:
            del programs[name]
            gone[name] = "does not work here: %s" % error
    return programs, gone


def end(programs):
    for program in programs.values():
        program.stdin.close()
        program.wait(10)


def measure(environments, uid, stopwatch, rounds):
    """{"latency": {name: nanoseconds, sorted}, "loop": {name: nanoseconds a call}, "gone": {name: why}}"""
    if environments.lacks:
        return {"latency": {}, "loop": {}, "gone": {OURS: environments.lacks}}
    programs, gone = start_all(environments, uid)
    subjects = {name: lambda program=program: ask(program, 1) for name, program in programs.items()}
    subjects[PYTHON] = lambda: stopwatch(["latency", 1, 1], [[PYTHON_PROGRAM, "-c", "pass"]])[0][1]
    found = {name: [] for name in subjects}
    for _ in range(rounds):
        for name in random.sample(list(subjects), len(subjects)):
            found[name].append(subjects[name]())
        time.sleep(SETTLE_SECONDS)
    loops = {name: [] for name in programs}
    for _ in range(LOOPS):
        for name, program in programs.items():
            loops[name].append(ask(program, LOOP[name]) / LOOP[name])
    end(programs)
    return {"latency": {name: sorted(times) for name, times in found.items()},
            "loop": {name: statistics.median(means) for name, means in loops.items()}, "gone": gone}


def table(data):
    gone = ["Not measured: %s (%s)." % item for item in data["gone"].items()]
    if OURS not in data["latency"]:
        return gone
    ours = statistics.median(data["latency"][OURS])
    out = ["| `safe_exec(\"x = 1 + 1\", {})` | median | p90 | p99 | ÷ ours | mean in a loop | ÷ ours |", "|---|---:|---:|---:|---:|---:|---:|"]
    for name, times in data["latency"].items():
        shares = [times[min(len(times) - 1, int(len(times) * share))] / 1e6 for share in (0.5, 0.9, 0.99)]
        loop = data["loop"].get(name)
        out.append("| %s | %s | %.1f | %s |" % (
            "**%s**" % name if name == OURS else name, " | ".join("%.2f" % ms for ms in shares), statistics.median(times) / ours,
            "%.2f | %.1f" % (loop / 1e6, loop / data["loop"][OURS]) if loop else "– | –"))
    return [*out, "", *gone]


def bars(data, who):
    """(lines, all met). CodeJail as it is documented; else as it can be had; else the interpreter that it would start."""
    median = {name: statistics.median(times) for name, times in data["latency"].items()}
    if OURS not in median:
        return [], True
    peer = next((name for name in (THEIRS_SUDO, THEIRS) if name in median), None)
    if peer:
        rows = [("%%.1f × as fast as %s, calls in turn (bar: ≥ %%d)" % peer, median[peer] / median[OURS], FASTER),
                ("%%.1f × as fast as %s, calls in a loop (bar: ≥ %%d)" % peer, data["loop"][peer] / data["loop"][OURS], FASTER)]
    else:
        rows = [("%.1f × as fast as a start of Python without a sandbox (bar: ≥ %d)", median[PYTHON] / median[OURS], FASTER_PYTHON)]
    lines = ["as %s: safe_exec: %s: %s" % (who, text % (value, bar), "met" if value >= bar else "missed") for text, value, bar in rows]
    return lines, all(value >= bar for _, value, bar in rows)
