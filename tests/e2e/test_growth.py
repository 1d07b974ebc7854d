"""Many runs in a row leave the host as it was: no mount, leaf, process, descriptor, namespace or file more, no slow-down.

Its own file because it is the slow one: 1,000 runs, 10,000 with BELLJAR_LONG=1, 200 with BELLJAR_SHORT=1 (an emulated machine).
Changes when: there is another thing that could grow.
"""
import os
import statistics
import subprocess
import time

import belljar_run
import leaks
import pytest

RUNS = 10000 if os.environ.get("BELLJAR_LONG") == "1" else 200 if os.environ.get("BELLJAR_SHORT") == "1" else 1000


def census():
    """What could grow. Counts of the whole host mean something only when nobody else is at work on it."""
    counts = {"mounts": len(leaks.mounts()), "leaves": len(leaks.leaves()), "files": len(leaks.files()),
              "descendants": len(leaks.descendants())}
    if os.environ.get("BELLJAR_ALONE") == "1":
        with open("/proc/sys/fs/file-nr", encoding="ascii") as f:
            counts["handles"] = int(f.read().split()[0])
        with open("/proc/cgroups", encoding="ascii") as f:
            counts["cgroups"] = max(int(line.split()[2]) for line in f if not line.startswith("#"))
        counts["processes"] = len(leaks.parents())
    return counts


def one(belljar, programs):
    began = time.perf_counter()
    code = subprocess.run([belljar, "run", "-q", "--file", "load=%s/load" % programs, "--", "./load", "exit", "0"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return code.returncode, time.perf_counter() - began


def bare(programs):
    """The same program without a jail: what the host is able to at this moment."""
    began = time.perf_counter()
    subprocess.run([programs + "/load", "exit", "0"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   check=False)
    return time.perf_counter() - began


def growth(times):
    """Of the last quarter's median over the first one's."""
    quarter = len(times) // 4
    return statistics.median(times[-quarter:]) / statistics.median(times[:quarter])


def test_no_growth(belljar, programs):
    for _ in range(20):
        code, _ = one(belljar, programs)
        assert code == 0
    before, times, bare_times = census(), [], []
    for _ in range(RUNS):
        code, seconds = one(belljar, programs)
        assert code == 0, "run %d of %d failed" % (len(times), RUNS)
        times.append(seconds)
        bare_times.append(bare(programs))
    time.sleep(1)
    after = census()
    for name, count in before.items():
        # A leak of one a run would be RUNS. Dead groups and open files go when the kernel finds time.
        allowed = {"leaves": 8, "processes": 50, "cgroups": RUNS // 10, "handles": RUNS // 2}.get(name, 0)
        assert after[name] <= count + allowed, (name, before, after)
    # A ratio, because the host may have become busier meanwhile; or less busy, which shortens a bare program most.
    assert growth(times) < 2 * max(1, growth(bare_times)), "runs became %.2f times as long, bare programs %.2f times" % (
        growth(times), growth(bare_times))


@pytest.mark.parametrize("words", [["deaf"], ["burn", "2", "0"], ["forks", "6", "1"]], ids=lambda w: w[0])
def test_no_growth_of_killed_runs(belljar, programs, words):
    """The same for runs that are killed in the middle, which tidy up on another path."""
    before = census()
    for _ in range(25):
        subprocess.run([belljar, "run", "-q", "-w", "0.05", "-t", "0.05", "-p", "5", "--file",
                        "load=%s/load" % programs, "--", "./load", *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
    time.sleep(0.5)
    after = census()
    for name in ("mounts", "files", "descendants"):
        assert after[name] <= before[name], (name, before, after)
    assert after["leaves"] <= before["leaves"] + 5, (before, after)


def test_at_the_same_time(belljar, programs):
    """Sixty runs, up to eight at once: all succeed, each in a jail of its own."""
    running, done = [], 0
    while done < 60:
        while len(running) < 8 and done + len(running) < 60:
            running.append(subprocess.Popen([belljar, "run", "--json", "--file", "look=%s/look" % programs, "--",
                                             "./look", "neighbours"], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        child = running.pop(0)
        out, err = child.communicate(timeout=60)
        assert child.returncode == 0 and b"others=0" in out, (out, err)
        done += 1


def test_what_a_killed_supervisor_has_left_is_removed_everywhere(belljar, either):
    """By a run in a parked jail as well, whose own group may be in fewer hierarchies."""
    running = subprocess.Popen([belljar, "run", "--", "sleep", "0.3"])
    parents, deadline = set(), time.monotonic() + 5
    while not parents and time.monotonic() < deadline:
        time.sleep(0.05)
        parents = {os.path.dirname(path) for path in leaks.leaves() if os.path.basename(path).startswith("belljar-%d-" % running.pid)}
    running.wait(10)
    if not parents:
        pytest.skip("host lacks control groups that a leaf can be made in")
    left = [os.path.join(parent, "belljar-%d-99" % running.pid) for parent in sorted(parents)]  # a process that is no more
    for path in left:
        os.mkdir(path)
    try:
        result = belljar_run.run_argv([either, "eval", "1"])
        assert result.out == b"1\n", result
        assert not [path for path in left if os.path.exists(path)]
    finally:
        for path in left:
            if os.path.exists(path):
                os.rmdir(path)
