"""What a soak looks at: rate, memory, descriptors, control groups, mounts, namespaces, processes and the kernel's own memory.

Its own file because each figure is read from another corner of the system, and judged by another bound.
Changes when: a run can lose another kind of thing, or the kernel counts it elsewhere.
"""
import os
import re
import time

import leaks

SMALLEST_CHUNK = 32  # bytes that malloc(3) of glibc takes for the smallest object on a 64-bit machine
RSS_BOUND_KIB = 512
SLAB_BOUND_KIB = 16384
RATE_BOUND = 0.10
HOST_RUNS = 20000  # with fewer runs, what other programs of the host do is more than what may be lost
RATE_SECONDS = 5.0  # a tenth that is shorter says nothing of a rate
PATIENCE_SECONDS = 3.0  # for the tenths that are compared
LITTLE_PATIENCE_SECONDS = 0.2  # for the others

# name: (title, unit, whether other programs of the host have a part in it)
FIGURES = {
    "rss_kib": ("resident memory of the workers", "KiB", False),
    "fds": ("open descriptors of the workers", "", False),
    "processes": ("processes below the workers", "", False),
    "leaves": ("control groups of runs", "", False),
    "namespaces": ("namespaces of the workers and below", "", False),
    "mounts": ("mounts of the host", "", False),
    "host_namespaces": ("namespaces that any process is in", "", True),
    "memory_groups": ("memory control groups in the kernel, removed ones included", "", True),
    "net_namespaces": ("network namespaces in the kernel", "", True),
    "kernel_mounts": ("mounts in the kernel, of all namespaces", "", True),
    "open_files": ("open files of the host", "", True),
    "slab_kib": ("kernel memory that cannot be reclaimed", "KiB", True),
}
SLABS = {"net_namespaces": "net_namespace", "kernel_mounts": "mnt_cache"}


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def number_of(text, pattern):
    found = re.search(pattern, text, re.M)
    return int(found.group(1)) if found else None


def below(pids):
    """Every process below these, dead ones that nobody has waited for included."""
    table, found = leaks.parents(), set()
    for pid in table:
        above = table[pid][0]
        for _ in range(100):
            if above in pids:
                found.add(pid)
                break
            above = table.get(above, (0,))[0]
    return found - set(pids)


def count_leaves(own):
    """Groups below those that hold nobody but the soak; where it could not have such, nobody knows whose they are."""
    if not own:
        return None
    return sum(name != "main" for group in own for _, names, _ in os.walk(group.removesuffix("/main")) for name in names)


def count_memory_groups():
    """A removed group stays in the kernel while a page is charged to it."""
    line = re.search(r"^memory\s+(\d+)\s+(\d+)", read("/proc/cgroups"), re.M)
    if line and line.group(1) != "0":
        return int(line.group(2))
    for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        stat = read(root + "/cgroup.stat")
        if stat:
            return number_of(stat, r"^nr_descendants (\d+)") + number_of(stat, r"^nr_dying_descendants (\d+)")
    return None


def look(workers, own):
    """All figures now. Those that this host does not tell are None."""
    known = below(workers)
    meminfo, slabinfo = read("/proc/meminfo"), read("/proc/slabinfo")
    status = {pid: read("/proc/%d/status" % pid) for pid in workers}
    figures = {
        "each_rss_kib": [number_of(text, r"^VmRSS:\s+(\d+)") or 0 for text in status.values()],
        "each_fds": [len(os.listdir("/proc/%d/fd" % pid)) if os.path.isdir("/proc/%d/fd" % pid) else 0 for pid in workers],
        "processes": len(known),
        "leaves": count_leaves(own),
        "namespaces": len(leaks.namespaces([*workers, *known])),
        "mounts": len(read("/proc/self/mountinfo").splitlines()),
        "host_namespaces": len(leaks.namespaces(leaks.parents())),
        "memory_groups": count_memory_groups(),
        "open_files": number_of(read("/proc/sys/fs/file-nr"), r"^(\d+)"),
        "slab_kib": sum(number_of(meminfo, r"^%s:\s+(\d+)" % name) or 0 for name in ("SUnreclaim", "Percpu")) or None,
    }
    for name, slab in SLABS.items():
        figures[name] = number_of(slabinfo, r"^%s\s+(\d+)" % slab)
    figures["rss_kib"], figures["fds"] = sum(figures["each_rss_kib"]), sum(figures["each_fds"])
    return figures


def look_at_rest(workers, own, wanted, patience_seconds):
    """After the last run is over: the kernel takes down namespaces and groups a moment later. `wanted`: earlier figures."""
    deadline = time.monotonic() + patience_seconds
    while True:
        time.sleep(0.1)  # a worker that has told of its last run has yet to tidy up
        figures = look(workers, own)
        calm = figures["processes"] == 0 and not figures["leaves"]
        if wanted:
            calm = calm and all(figures[name] <= wanted[name] for name in ("fds", "namespaces", "mounts"))
        if calm or time.monotonic() > deadline:
            return figures


def bound_of(name, runs):
    """By how much a figure may grow from the end of the first tenth to the end of the last."""
    if name == "slab_kib":
        return SLAB_BOUND_KIB
    if FIGURES[name][2]:
        return max(500, runs // 100)
    return 0


def judge_rate(laps):
    first, last = laps[0]["rate"], laps[-1]["rate"]
    row = {"name": "rate", "title": "runs a second", "first": first, "last": last, "allowed": "±10 %"}
    if min(laps[0]["seconds"], laps[-1]["seconds"]) < RATE_SECONDS:
        return dict(row, verdict="skipped", why="a tenth took less than %.0f s, which says nothing of a rate" % RATE_SECONDS)
    return dict(row, verdict="ok" if abs(last - first) <= RATE_BOUND * first else "failed", why="")


def judge_rss(laps):
    """Each worker for itself: one that grows may not hide behind one that shrinks."""
    growth = [last - first for first, last in zip(laps[0]["each_rss_kib"], laps[-1]["each_rss_kib"])]
    return {"name": "rss_kib", "title": FIGURES["rss_kib"][0] + " (KiB)", "first": laps[0]["rss_kib"], "last": laps[-1]["rss_kib"],
            "allowed": "+%d each" % RSS_BOUND_KIB, "verdict": "ok" if max(growth) <= RSS_BOUND_KIB else "failed",
            "why": "the most that one grew: %d" % max(growth)}


def judge(laps, runs):
    """[{name, title, first, last, allowed, verdict, why}] of the figures at rest after each tenth."""
    rows = [judge_rate(laps), judge_rss(laps)]
    for name, (title, unit, shared) in FIGURES.items():
        if name == "rss_kib":
            continue
        first, last, bound = laps[0][name], laps[-1][name], bound_of(name, runs)
        row = {"name": name, "title": title + (" (%s)" % unit if unit else ""), "first": first, "last": last,
               "allowed": "+%d" % bound if bound else "equal", "why": ""}
        if first is None or last is None:
            rows.append(dict(row, verdict="skipped", why="host lacks a count of it"))
        elif shared and runs < HOST_RUNS:
            rows.append(dict(row, verdict="skipped", why="other programs have a part in it; judged from %d runs on" % HOST_RUNS))
        else:
            rows.append(dict(row, verdict="ok" if last - first <= bound else "failed"))
    return rows
