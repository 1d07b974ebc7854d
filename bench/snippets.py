"""Snippets of Python in parked jails: how long, how many a second, how flat, how large.

Its own file because these are programs that keep a pool or a session, and take turns, instead of commands that start.
Changes when: something more of a pool or a session is measured, or a bar is added. run.py calls it.
"""
import os
import random
import shutil
import statistics
import subprocess
import time

import belljar_run

CODE = "x = 1"
BARE = ["/usr/bin/python3", "-I", "-S", "-c", CODE]
NUMPY = "import numpy"
BARE_NUMPY = ["/usr/bin/python3", "-c", NUMPY]
WARM, FLOOR, PYTHON = "belljar, parked jail", "parked fork", "python3 -I -S -c, no sandbox"
WARM_NUMPY, PYTHON_NUMPY = "import numpy: belljar, parked jail", "import numpy: python3 -c, no sandbox"
WARM_POLICY, POLICY = "belljar, parked jail, with a policy", '{"features": ["math", "stdout"]}'
SESSION = {what: "belljar, session: " + what for what in ("snippet", "snapshot", "fork", "restore")}
STATE = "x = [str(i) for i in range(200000)]"  # about 15 MB, in many small objects
FORK_MS = 5
FASTER, OF_FLOOR, MORE, FLAT, PRIVATE_KIB, FASTER_NUMPY = 10, 2.0, 3, 0.9, 1024, 60
SETTLE_SECONDS = 0.02  # until the next jail is parked
PROGRAMS = ("bench/bench-warm", "bench/bench-parked", "bench/bench-session", "libbelljar.so.0")


class Place:
    """Copies of the programs that every user can run, and what stands before them."""

    def __init__(self, bench, uid):
        self.directory, self.filter, self.uid = bench.directory, bench.filter, uid
        guest = "src/guest/belljar-guest-" + os.path.basename(os.path.realpath("/usr/bin/python3"))[len("python"):]
        self.lacks = next((name for name in (*PROGRAMS, guest) if not (bench.build and bench.built(name))), None)
        self.has_numpy = subprocess.run(BARE_NUMPY, check=False, capture_output=True).returncode == 0
        if self.lacks:
            return
        for name in (*PROGRAMS, guest):
            shutil.copy(bench.built(name), self.path(os.path.basename(name)))
            os.chmod(self.path(os.path.basename(name)), 0o755)
        shutil.copytree(os.path.join(belljar_run.ROOT, "profiles"), self.path("profiles"), dirs_exist_ok=True)
        self.environment = dict(os.environ, LD_LIBRARY_PATH=self.directory, BELLJAR_GUEST=self.path(os.path.basename(guest)),
                                BELLJAR_PROFILE_PATH=self.path("profiles"))

    def path(self, name):
        return os.path.join(self.directory, name)

    def words(self, name, *arguments):
        prefix = belljar_run.setpriv(self.uid) if self.uid != os.geteuid() else []
        return [*prefix, self.path(name), *map(str, arguments)]

    def start(self, name, *arguments):
        return subprocess.Popen(self.words(name, *arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                env=self.environment, cwd="/")


def ask(program):
    program.stdin.write("\n")
    program.stdin.flush()
    return int(program.stdout.readline())


def latencies(place, stopwatch, rounds):
    """{subject: nanoseconds of each round}; each once a round, in a new random order."""
    warm, floor = place.start("bench-warm", "latency", CODE), place.start("bench-parked", place.filter, CODE)
    subjects = {WARM: lambda: ask(warm), FLOOR: lambda: ask(floor),
                PYTHON: lambda: stopwatch(["latency", 1, 1], [BARE])[0][1]}
    programs = [warm, floor]
    more = {WARM_POLICY: place.start("bench-warm", "latency", CODE, "-", POLICY)}
    more.update({SESSION[what]: place.start("bench-session", what, STATE, CODE) for what in SESSION})
    for name, program in more.items():
        programs.append(program)
        subjects[name] = lambda program=program: ask(program)
    if place.has_numpy:
        numpy = place.start("bench-warm", "latency", NUMPY, "numpy")
        programs.append(numpy)
        subjects[WARM_NUMPY] = lambda: ask(numpy)
        subjects[PYTHON_NUMPY] = lambda: stopwatch(["latency", 1, 1], [BARE_NUMPY])[0][1]
    found = {name: [] for name in subjects}
    for turn in range(rounds + 5):
        for name in random.sample(list(subjects), len(subjects)):
            took = subjects[name]()
            if turn >= 5:  # the first ones warm the caches
                found[name].append(took)
        time.sleep(SETTLE_SECONDS)
    private = private_kib(warm.pid)
    for program in programs:
        program.stdin.close()
        program.wait(10)
    return found, private


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return [int(word) for word in f.read().split()]


def private_of(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Private_"))


def private_kib(pid):
    """Of the largest parked jail: its pid 1 and its payload. None where that may not be read."""
    jails = [[first, *children(first)] for first in children(pid) if children(first)]
    try:
        return max(sum(map(private_of, jail)) for jail in jails)
    except (OSError, ValueError):
        return None


def per_second(place, stopwatch, seconds):
    """Whole runs a second on all processors, slices of each subject in turn."""
    workers, slices, found = os.cpu_count(), 3, {WARM: [0, 0], PYTHON: [0, 0]}
    for _ in range(slices):
        running = [place.start("bench-warm", "throughput", CODE, int(seconds * 1000 / slices)) for _ in range(workers)]
        rows = [[int(x) for x in program.communicate(timeout=60)[0].split()] for program in running]
        found[WARM][0] += sum(runs for runs, _ in rows)
        found[WARM][1] += max(took for _, took in rows)
        runs, took, _ = stopwatch(["throughput", workers, int(seconds * 1000 / slices), 0], [BARE])[0]
        found[PYTHON][0] += runs
        found[PYTHON][1] += took
    return {name: runs / (took / 1e9) for name, (runs, took) in found.items()}


def flatness(place, runs):
    """Runs a second in each tenth."""
    done = subprocess.run(place.words("bench-warm", "flat", CODE, runs), env=place.environment, cwd="/", capture_output=True,
                          text=True, check=True)
    return [runs / 10 / (int(line) / 1e9) for line in done.stdout.split()]


def measure(bench, uid, stopwatch, rounds, seconds, runs):
    """Everything, or {"gone": why}. stopwatch(arguments, command lines) runs the program of that name."""
    place = Place(bench, uid)
    if place.lacks:
        return {"gone": "not built: " + place.lacks}
    found, private = latencies(place, stopwatch, rounds)
    data = {"latency": {name: sorted(times) for name, times in found.items()}, "private_kib": private}
    if seconds:
        data["per_second"] = per_second(place, stopwatch, seconds)
        data["tenths"], data["runs"] = flatness(place, runs), runs
    return data


def table(data):
    if "gone" in data:
        return ["Not measured: snippets in parked jails (%s)." % data["gone"]]
    floor = statistics.median(data["latency"][FLOOR])
    out = ["| `%s`, code in to result out | median | p90 | p99 | ÷ parked fork |" % CODE, "|---|---:|---:|---:|---:|"]
    for name, times in data["latency"].items():
        shares = [times[min(len(times) - 1, int(len(times) * share))] / 1e6 for share in (0.5, 0.9, 0.99)]
        shown = "**%s**" % name if name == WARM else name
        out.append("| %s | %s | %.2f |" % (shown, " | ".join("%.2f" % ms for ms in shares), statistics.median(times) / floor))
    if "per_second" in data:
        out += ["", "Whole runs a second on %d processors: %s." % (os.cpu_count(), ", ".join(
            "%s %.0f" % item for item in data["per_second"].items())),
            "%d runs one after the other, a second, by tenths: %s." % (data["runs"], ", ".join("%.0f" % x for x in data["tenths"]))]
    if data["private_kib"]:
        out += ["Private memory of a parked jail, its pid 1 and its Python: %d KiB." % data["private_kib"]]
    return out


def bars(data, who):
    """(lines, all met)."""
    if "gone" in data:
        return [], True
    median = {name: statistics.median(times) for name, times in data["latency"].items()}
    rows = [("%.1f × faster than Python without a sandbox (bar: ≥ %d)", median[PYTHON] / median[WARM], FASTER, True),
            ("%.2f × the bare parked fork (bar: ≤ %.1f)", median[WARM] / median[FLOOR], OF_FLOOR, False)]
    if WARM_NUMPY in median:
        rows.append(("NumPy imported %.1f × faster than without a sandbox (bar: ≥ %d)", median[PYTHON_NUMPY] / median[WARM_NUMPY],
                     FASTER_NUMPY, True))
    if "per_second" in data:
        rates, tenths = data["per_second"], data["tenths"]
        rows += [("%.2f × the runs a second of Python without a sandbox (bar: ≥ %d)", rates[WARM] / rates[PYTHON], MORE, True),
                 ("last tenth of many at %.2f × the rate of the first (bar: ≥ %.1f)", tenths[-1] / tenths[0], FLAT, True)]
    rows += [("%%.2f ms for a %s of a session (bar: ≤ %%d)" % what, median[SESSION[what]] / 1e6, FORK_MS, False)
             for what in ("snapshot", "fork", "restore")]
    if data["private_kib"]:
        rows.append(("%d KiB private memory (bar: ≤ %d)", data["private_kib"], PRIVATE_KIB, False))
    lines, all_met = [], True
    for text, value, bar, at_least in rows:
        met = value >= bar if at_least else value <= bar
        all_met &= met
        lines.append("as %s: a snippet in a parked jail: %s: %s" % (who, text % (value, bar), "met" if met else "missed"))
    return lines, all_met
