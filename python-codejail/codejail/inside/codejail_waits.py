"""What a jail does before its run is known, so that nobody waits for it.

Its own file because it acts on every fork of the process that imports it: the jails do, and nothing else may.
Changes when: more can be done beforehand.

Jails are forks of one process, which imports this. It has no place of its own that could be changed, nor has the first of its
forks, from which it learns what memory a run will need: those two rehearse a run instead.
"""

import contextlib
import os
import resource
import stat
import sys

import codejail_inside

TURNS = 20  # more than there are calls before Python writes another form of a function (PEP 659)
SAMPLES = ["'rlimits': [['RLIMIT_FSIZE', 0]], 'code': 'x = 1 + 1'",
           "'rlimits': [['RLIMIT_FSIZE', 0]], 'code': 'x = 1 + 1', 'variables': '{\"a\": [1, 2.5, null, true]}'"]


def make_place():
    """What every run finds, whatever it brings along: of the working directory, tmp is what can be changed."""
    os.mkdir("tmp")
    os.chmod("tmp", 0o777)
    os.chmod("/tmp", 0)


def prepare_nothing(told):
    """What a run does with its jail, so that everything is as it was."""
    sys.path.insert(1, codejail_inside.OURS)
    sys.path.remove(codejail_inside.OURS)
    with contextlib.suppress(OSError):
        os.chmod(".", stat.S_IMODE(os.stat(".").st_mode))
    for name, _ in told["rlimits"]:
        resource.setrlimit(getattr(resource, name), resource.getrlimit(getattr(resource, name)))


def rehearse():
    """All of a run: a jail then has its own copy of the memory that a run writes to."""
    kept = sys.stdout, sys.path[:], codejail_inside.prepare
    codejail_inside.prepare = prepare_nothing
    for sample in SAMPLES * TURNS:
        exec(compile(codejail_inside.CODE % sample, "main.py", "exec"), {"__builtins__": __builtins__})
        sys.stdout.flush()
        codejail_inside.state["entered"] = False
    sys.stdout, sys.path[:], codejail_inside.prepare = kept


def begin_fork():
    """In a fork, when it is made. Those that the run makes are its own."""
    if codejail_inside.state["entered"]:
        return
    if os.stat(".").st_dev == os.stat("/").st_dev:
        rehearse()
    else:
        make_place()


os.register_at_fork(after_in_child=begin_fork)
