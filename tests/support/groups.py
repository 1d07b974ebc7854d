"""Control groups that a test makes below its own, to give them to somebody else or to have them to itself.

Its own file because the modes give groups away, the soak counts what is in its own, and both must leave none behind.
Changes when: control groups v1 go, or leaves are made in another place.
"""
import contextlib
import os
import time

import leaks

# Made where it exists: a hierarchy of control groups v1 that limits or counts.
V1_FILES = ("memory.limit_in_bytes", "pids.max", "cpuacct.usage", "cpu.shares")


class Lacking(Exception):
    """Why this host cannot have such a group; begins with "host lacks"."""


def read_words(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read().split()
    except FileNotFoundError:
        return None


def make_group(parent, uid, made):
    """A group below `parent` that this user may divide; the one to enter, or None where the hierarchy limits nothing."""
    group = os.path.join(parent, "given-%d" % os.getpid())
    offered = read_words(os.path.join(parent, "cgroup.controllers"))  # None: v1
    divides = offered is not None and {"memory", "pids"} <= set(offered)
    if divides:
        with open(os.path.join(parent, "cgroup.subtree_control"), "w", encoding="ascii") as file:
            file.write("+memory +pids")
    os.mkdir(group)
    made.insert(0, group)
    if divides:  # as systemd's DelegateSubgroup= does: whoever divides a group may not be in it
        os.setxattr(group, "user.delegate", b"1")
        os.mkdir(os.path.join(group, "main"))
        made.insert(0, os.path.join(group, "main"))
    elif offered is None and not any(os.path.exists(os.path.join(group, name)) for name in V1_FILES):
        return None
    for directory in made[:2] if divides else [group]:
        for name in ("", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "tasks"):
            path = os.path.join(directory, name)
            if os.path.exists(path):
                os.chown(path, uid, -1)
    return made[0]


@contextlib.contextmanager
def given_groups(uid):
    """Groups to enter, one for each hierarchy; they are gone afterwards."""
    made = []
    try:
        try:
            enter = [group for group in (make_group(parent, uid, made) for parent in sorted(leaks.own_cgroups())) if group]
        except OSError as error:
            raise Lacking("host lacks a control group that may be divided: %s" % error) from error
        if not enter:
            raise Lacking("host lacks control groups")
        yield enter
    finally:
        for group in made:
            remove_group(group)


def remove_group(group):
    deadline = time.monotonic() + 5
    while os.path.isdir(group):
        try:
            os.rmdir(group)
        except OSError:  # its last process is not quite gone
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def enter_group(group):
    with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as file:
        file.write("0")


@contextlib.contextmanager
def inside_own_groups():
    """This process and its children in groups that hold nobody else, where that can be; gives their directories, or []."""
    before = sorted(leaks.own_cgroups())
    with contextlib.ExitStack() as stack:
        try:
            inside = stack.enter_context(given_groups(os.getuid()))
            for group in inside:
                enter_group(group)
        except (Lacking, OSError):
            inside = []
        try:
            yield inside
        finally:
            for group in before if inside else ():
                enter_group(group)
