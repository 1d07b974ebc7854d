"""What a run must not leave behind on the host, as a picture to compare before and after.

Its own file because the end-to-end tests, the abuse harness and the growth test must all mean the same by "leak".
Changes when: a run starts to make another kind of thing on the host.
"""
import ctypes
import os
import re
import time

PR_SET_CHILD_SUBREAPER = 36
LEAF = re.compile(r"^belljar-([0-9]+)-")  # the supervisor's process
# Names that a run might leave in a shared directory. Other people's files come and go there, so only these count,
# unless BELLJAR_ALONE=1 says that nobody else is at work on the host.
OURS = re.compile(r"^\.?(belljar|bj)([-_.](?!test)|$)", re.IGNORECASE)
SHARED_DIRECTORIES = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock", "/mnt")
NAMESPACES = ("user", "mnt", "pid", "ipc", "uts", "cgroup", "net", "time")


def adopt_orphans():
    """Make this process the one that orphans of its descendants fall to, so that none can hide from `descendants`."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def parents():
    """{pid: (ppid, state, name)} of every process that can be seen."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as f:
                text = f.read()
        except OSError:
            continue
        head, _, tail = text.rpartition(")")
        fields = tail.split()
        if len(fields) > 1:
            found[int(entry)] = (int(fields[1]), fields[0], head.partition("(")[2])
    return found


def descendants(of=None):
    """{pid: name} of the living processes below `of` (this process)."""
    of = of or os.getpid()
    table = parents()
    below = {}
    for pid, (ppid, state, name) in table.items():
        if state in "ZX":
            continue
        seen = 0
        while ppid > 1 and ppid != of and ppid in table and seen < 100:
            ppid = table[ppid][0]
            seen += 1
        if ppid == of:
            below[pid] = name
    return below


def reap_orphans():
    """Dead processes that fell to this one are nobody's leak, but they would hold their numbers."""
    for pid, (ppid, state, _) in parents().items():
        if ppid == os.getpid() and state == "Z":
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass


def own_cgroups():
    """Directories of this process's groups, one for each hierarchy that is mounted."""
    roots = {}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as f:
        for line in f:
            left, _, right = line.partition(" - ")
            kind, _, options = right.split(" ", 2)
            if kind == "cgroup2":
                roots["0::"] = left.split()[4]
            elif kind == "cgroup":
                for option in options.split(" ")[-1].strip().split(","):
                    roots[option] = left.split()[4]
    found = set()
    with open("/proc/self/cgroup", encoding="utf-8", errors="replace") as f:
        for line in f:
            number, controllers, path = line.rstrip("\n").split(":", 2)
            key = "0::" if number == "0" else controllers.split(",")[0]
            for root in (roots.get(key), roots.get(controllers)):
                if root and os.path.isdir(root + path):
                    found.add((root + path).rstrip("/"))
                elif root:
                    found.add(root)
    return found


def leaf_paths(group):
    """Below a group, and beside it and its parents: where the group is delegated, leaves stand in a parent of it."""
    for directory, names, _ in os.walk(group):
        yield from (os.path.join(directory, name) for name in names if LEAF.match(name))
    while os.path.exists(os.path.join(os.path.dirname(group), "cgroup.procs")):
        group = os.path.dirname(group)
        yield from (os.path.join(group, name) for name in os.listdir(group) if LEAF.match(name))


def is_at_work(path, ours):
    """Does the leaf belong to somebody else's supervisor, which lives and will see to it?"""
    supervisor = int(LEAF.match(os.path.basename(path)).group(1))
    return supervisor != os.getpid() and supervisor not in ours and os.path.exists("/proc/%d" % supervisor)


def leaves():
    """{path: pids in it} of the leaves that runs of this process have made, and of those that nobody sees to."""
    found, ours = {}, descendants()
    for path in (path for group in own_cgroups() for path in leaf_paths(group)):
        if is_at_work(path, ours):
            continue
        try:
            with open(path + "/cgroup.procs", encoding="ascii") as f:
                found[path] = {int(x) for x in f.read().split()}
        except OSError:
            continue
    return found


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as f:
        # Fields 1 and 2 are the ids, 3 the device; a mount that is only renumbered is not a new one.
        return {" ".join(line.split()[2:6]) for line in f}


def descriptors():
    found = {}
    for entry in os.listdir("/proc/self/fd"):
        try:
            found[int(entry)] = os.readlink("/proc/self/fd/" + entry)
        except OSError:
            continue  # the descriptor of the listing itself
    return found


def namespaces(pids):
    found = set()
    for pid in pids:
        for name in NAMESPACES:
            try:
                found.add(os.readlink("/proc/%d/ns/%s" % (pid, name)))
            except OSError:
                continue
    return found


def files():
    alone = os.environ.get("BELLJAR_ALONE") == "1"
    found = set()
    for directory in SHARED_DIRECTORIES:
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        found.update(os.path.join(directory, n) for n in names
                     if OURS.match(n) or (alone and not n.startswith("pytest-")))
    return found


class Picture:
    """The host as this process sees it now."""

    def __init__(self):
        self.mounts = mounts()
        self.leaves = leaves()
        self.processes = descendants()
        self.descriptors = descriptors()
        self.namespaces = namespaces([os.getpid(), *self.processes])
        self.files = files()

    def new(self, before):
        """What is here and was not in `before`: {kind: [what]}."""
        found = {
            "mount": sorted(self.mounts - before.mounts),
            "process": ["%d %s" % (p, n) for p, n in sorted(self.processes.items()) if p not in before.processes],
            "descriptor": ["%d %s" % (d, t) for d, t in sorted(self.descriptors.items())
                           if d not in before.descriptors],
            "namespace": sorted(self.namespaces - before.namespaces),
            "file": sorted(self.files - before.files),
            # A leaf with strangers in it is another test session's run; an empty one, or one of ours, is a leak.
            "cgroup leaf": [p for p, pids in sorted(self.leaves.items())
                            if p not in before.leaves and not pids - set(self.processes)],
        }
        return {kind: what for kind, what in found.items() if what}


def identity(kind, what):
    """A process may change its name, a descriptor's file may be renamed: the number is what stays."""
    return what.split()[0] if kind in ("process", "descriptor") else what


def left_behind(before, patience_seconds=2.0):
    """What is new and stays. The kernel takes down namespaces and mounts after the last process is gone, and another
    session's leaf is empty for a moment, so only what is still there at the end of the patience counts."""
    deadline = time.monotonic() + patience_seconds
    stays = None
    while True:
        reap_orphans()
        now = Picture().new(before)
        if stays is not None:
            known = {(kind, identity(kind, what)) for kind, some in stays.items() for what in some}
            now = {kind: [w for w in some if (kind, identity(kind, w)) in known] for kind, some in now.items()}
        stays = {kind: some for kind, some in now.items() if some}
        if not stays or time.monotonic() > deadline:
            return stays
        time.sleep(0.05)
