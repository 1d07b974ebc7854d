#!/usr/bin/env python3
"""Makes every operation, system call and allocation of a run fail, one at a time, and judges what came of each (judge.py).

Its own file because one program must count the points and say which of them failed open.
Changes when: there is another sweep, or the table is to say more.

  run.py [--build DIR] [--short] [--record] [--only WORD]... [--verbose]
    --build DIR   a build directory (default: that of $BELLJAR, else build/)
    --short       each point with one errno, some sweeps thinned out: what the ordinary tests run
    --only WORD   only sweeps whose name or privilege contains WORD
    --record      write docs/FAULTS.md and docs/evidence/fault.json

As root, everything is done as root and as an ordinary user; as anybody else, as that. The last line is
"N passed, N failed, N skipped", where one is a point.
"""
import argparse
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import sweeps  # noqa: E402
import world  # noqa: E402
from world import belljar_run, leaks  # noqa: E402

ROOT = belljar_run.ROOT
# The sweeps of the short form, for test_fault.py to know them before anything is started.
SHORT = ("calls of the command", "calls of pid 1", "calls of the payload", "calls of the command, wall limit",
         "calls of the command, layers preferred", "calls of the command, a snippet", "calls of pid 1, a snippet",
         "calls of the payload, a snippet", "SIGKILL to the command at its own calls",
         "SIGKILL to the command at calls of pid 1", "SIGKILL to the command at calls of the payload", "allocations of run",
         "allocations of run --spec", "allocations of plan", "allocations of plan --json", "allocations of doctor",
         "allocations of doctor --json", "allocations of a library's caller")


class Lists:
    """The sweeps of one privilege, as (name, function that gives tallies)."""

    def __init__(self, sweeper, short):
        self.sweeper, self.short = sweeper, short
        self.library, self.allocations = sweeps.Library(sweeper), sweeps.Allocations(sweeper)

    def all(self):
        s, short = self.sweeper, self.short
        most = sweeps.MANY
        yield "calls of the command", lambda: [s.calls(0, "calls of the command", last=300 if short else most)]
        yield "calls of pid 1", lambda: [s.calls(1, "calls of pid 1")]
        yield "calls of the payload", lambda: [s.calls(2, "calls of the payload")]
        yield "calls of the command, wall limit", lambda: [s.watched("calls of the command, wall limit", 40 if short else 200)]
        yield "calls of the command, layers preferred", lambda: [
            s.calls(0, "calls of the command, layers preferred", prefer=True, rounds=1, last=120 if short else most)]
        for process, what in enumerate(("the command", "pid 1", "the payload")):
            name = "calls of %s, a snippet" % what
            yield name, lambda process=process, name=name: [self.snippet().calls(process, name, last=300 if short else most, rounds=1)]
        for process, what in enumerate(("its own calls", "calls of pid 1", "calls of the payload")):
            name = "SIGKILL to the command at " + what
            yield name, lambda process=process, name=name: s.kills(
                process, name, 5 if short else 1, 360 if short else most)
        if not short:
            yield "calls that lie", lambda: s.lies("calls that lie")
        if "library" in s.world.variants:
            yield from self.memory()

    def snippet(self):
        """The same, of a run that has a request and a reply."""
        return sweeps.Sweeper(self.sweeper.world, self.sweeper.who, self.short, command=sweeps.SNIPPET)

    def memory(self):
        """In the short form one allocation in seven."""
        stride = 7 if self.short else 1

        def few(what):
            return 5 if what == "plan --json" and self.short else 1

        def sweep(what, argv, on):
            return lambda: [self.allocations.sweep("allocations of " + what, argv, on, stride * few(what))]
        for what, argv in self.allocations.commands():
            yield "allocations of " + what, sweep(what, argv, False)
            if not self.short and "run" in what:
                yield "allocations of %s, from the N-th on" % what, sweep(what, argv, True)
        if not self.short:
            yield "calls of a library's caller", lambda: [self.library.calls("calls of a library's caller")]
            yield "allocations of a library's caller, from the N-th on", lambda: [
                self.library.memory("allocations of a library's caller", True)]
        yield "allocations of a library's caller", lambda: [
            self.library.memory("allocations of a library's caller", False, stride)]


def operations(place, who):
    """tests/jail/test_ops makes every operation fail at each of its calls, and of the plans of several profiles every one."""
    tally = sweeps.Tally("operations of plans", who)
    began = time.monotonic()
    program, prefix = place.path("bin", "test_ops"), belljar_run.setpriv(*place.user) if place.user else []
    done = subprocess.run([*prefix, program], check=False, capture_output=True, text=True, timeout=600,
                          env=dict(os.environ, BELLJAR_PROFILE_PATH=place.path("profiles"), CMOCKA_MESSAGE_OUTPUT="TAP"))
    said = done.stdout + done.stderr
    counted = re.search(r"(\d+) failures were injected", said)
    tally.counts["closed"] = int(counted.group(1)) if counted else 0
    for line in said.splitlines():
        if line.startswith("not ok"):
            tally.failures.append((line, [said[-2000:]]))
    if not counted or (done.returncode != 0 and not tally.failures):
        tally.failures.append((program, ["ended with %d: %s" % (done.returncode, said[-2000:])]))
    tally.seconds = time.monotonic() - began
    return tally


def privileges():
    """(name, user or None)."""
    if os.geteuid() != 0:
        return [("user", None)]
    return [("root", None), ("user", belljar_run.ordinary_user())]


def run_all(args, build, say=print):
    """All tallies."""
    tallies = []
    before = leaks.Picture()
    belljar = os.path.join(build, "src", "cli", "belljar")

    def wanted(name, who):
        return not args.only or any(word in name or word == who for word in args.only)

    def take(found):
        for tally in found:
            tallies.append(tally)
            say("%-5s %-62s %5d points: %d closed, %d ended, %d survived; %d failed (%.0f s)" % (
                tally.who, tally.name, tally.points, tally.counts["closed"], tally.counts["ended"], tally.counts["survived"],
                len(tally.failures), tally.seconds), flush=True)
            for label, problems in tally.failures[:None if args.verbose else 4]:
                say("      %s\n        %s" % (label, "\n        ".join(problems)), flush=True)

    for who, user in privileges():
        with world.World(belljar, build, user) as place:
            sweeper = sweeps.Sweeper(place, who, args.short)
            for name, sweep in Lists(sweeper, args.short).all():
                if wanted(name, who):
                    take(sweep())
            if wanted("operations", who) and not args.short:
                take([operations(place, who)])
    left = leaks.left_behind(before)
    if os.environ.get("BELLJAR_ALONE") != "1":
        left.pop("file", None)  # of shared directories, where others work; what is ours has its own (world.py)
    if left and tallies:
        tallies[-1].failures.append(("all sweeps together", ["left behind on the host: %s" % left]))
        say("      left behind on the host: %s" % left)
    return tallies


def totals(tallies):
    """passed, failed, skipped, and by ending."""
    ends = {how: sum(tally.counts[how] for tally in tallies) for how in ("closed", "ended", "survived", "spared")}
    return ends["closed"] + ends["ended"] + ends["survived"], sum(len(t.failures) for t in tallies), 0, ends


def find_build(named):
    if named:
        return os.path.abspath(named)
    belljar = os.environ.get("BELLJAR")
    if belljar:
        return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(belljar))))
    return os.path.join(ROOT, "build")


def main(argv):
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    args = parser.parse_args(argv)
    build = find_build(args.build)
    lacks = world.host_lacks(build)
    if lacks:
        print("%s\n0 passed, 0 failed, 1 skipped" % lacks)
        return 0
    began = time.monotonic()
    tallies = run_all(args, build)
    passed, failed, skipped, ends = totals(tallies)
    seconds = time.monotonic() - began
    print("%d faults injected in %.0f s: %d closed, %d ended, %d survived in the whole jail; %d calls cannot fail" % (
        passed + failed, seconds, ends["closed"], ends["ended"], ends["survived"], ends["spared"]))
    if args.record and not args.only:
        import report
        report.write(tallies, passed, failed, skipped, seconds)
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
