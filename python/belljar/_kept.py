"""Sandboxes that are kept for the whole process, one for each set of options.

Its own file because interfaces of other libraries know no object that could hold one.
Changes when: what is kept is told apart, or given up, by another rule.
"""

import atexit
import collections
import json
import os
import threading

from ._errors import SetupError, StateError, SystemCallError
from ._sandbox import Sandbox

MOST = 8  # that are kept while nobody uses them
JAILS = 16  # of each: so many calls may come one upon the other before one has to wait for a jail

_lock = threading.Lock()
_entries: "collections.OrderedDict[str, list]" = collections.OrderedDict()  # of [sandbox, how many use it], the latest one last


def _take(key, options):
    with _lock:
        entry = _entries.pop(key, None) or [Sandbox(**{"jails": JAILS, **options}), 0]
        entry[1] += 1
        _entries[key] = entry
        return entry


def _give_back(key, entry, broken):
    with _lock:
        entry[1] -= 1
        if broken and _entries.get(key) is entry:
            del _entries[key]
        over = [] if _entries.get(key) is entry or entry[1] else [entry[0]]
        if len(_entries) > MOST:
            idle = [other for other, (_, users) in _entries.items() if not users]
            over += [_entries.pop(other)[0] for other in idle[:len(_entries) - MOST]]
    for sandbox in over:
        sandbox.close()


def key_of(options):
    """For kept(). Options are data, and of all runs."""
    return json.dumps(options, sort_keys=True)


def kept_sandbox(**options):
    """One with these options, made when nobody has asked for them before."""
    return kept(key_of(options), options)


def kept(key, options):
    """The same for who asks for it again and again, and has kept the key: with kept(key, options) as sandbox."""
    return _Kept(key, options)


class _Kept:
    """An exception of Belljar's own means that the sandbox may be broken: the next who asks gets another one."""

    def __init__(self, key, options):
        self._key, self._entry = key, _take(key, options)

    def __enter__(self):
        return self._entry[0]

    def __exit__(self, kind, error, trace):
        _give_back(self._key, self._entry, kind is not None and issubclass(kind, (SetupError, StateError, SystemCallError)))


def _forget():
    """In a forked child: they are the parent's."""
    global _lock
    _lock = threading.Lock()
    _entries.clear()


@atexit.register
def _close():
    while _entries:
        _entries.popitem()[1][0].close()


os.register_at_fork(after_in_child=_forget)
