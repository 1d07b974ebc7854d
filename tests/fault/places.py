"""Which operation of the plan, or which deed beside it, each system call of a jail's processes belongs to.

Its own file because the error of a failed call must name exactly that.
Changes when: the protocol between parent and child changes (src/jail/child/child.c).

One run with --timing tells: there each process asks for the time at the end of each operation, and only then.
"""
import re

import judge

CLOCK = "clock_gettime"


class Place:
    """A call's operation or deed, and what a message about it must say."""

    def __init__(self, call, index=None, name=None, deed=None):
        self.call, self.index, self.name, self.deed = call, index, name, deed
        if deed:
            self.pattern = judge.DEEDS[deed]
        else:
            self.pattern = r"operation %d, %s\b" % (index, re.escape(name))
            if call in ("execve", "execveat"):
                self.pattern += "|cannot execute"

    def __str__(self):
        return "%s of pid 1" % self.deed if self.deed else self.name


def deed_of(call, seen, after_operations):
    """Of a call of pid 1 outside of the operations: the calls before it there tell which. `seen` is their names."""
    if not after_operations:
        return "listen" if call == "read" else "seats"
    for names, deed in ((("execveat",), "program"), (("clone", "clone3"), "init"), (("read",), "clone"),
                        (("sendmsg",), "listen")):
        if any(name in seen for name in names):
            return deed
    return "ready" if call == "sendmsg" else "box"


def of_first_process(calls, operations):
    """Places of the calls of pid 1, and how many operations it ran."""
    count = sum(call.name == CLOCK for call in calls)
    places, done, after = [], -1, []
    for call in calls:
        if call.name == CLOCK:
            done += 1
        elif done < 0:
            places.append(Place(call.name, deed=deed_of(call.name, after, False)))
            if call.name == "read":
                done = 0
        elif done < count:
            places.append(Place(call.name, done, operations[done]))
        else:
            places.append(Place(call.name, deed=deed_of(call.name, after, True)))
            after.append(call.name)
    return places, count


def of_payload(calls, operations, first):
    places, index = [], first
    for call in calls:
        if call.name == CLOCK:
            index += 1
        else:
            places.append(Place(call.name, index, operations[index]))
    return places


def find(timed):
    """{process: [Place of call 1, 2, ...]}; timed: an attempt with --list and --timing."""
    operations = [entry["op"] for entry in timed.json["timing"]["operations"]]
    by_process = {number: [call for call in timed.calls if call.process == number] for number in (1, 2)}
    first, count = of_first_process(by_process[1], operations)
    return {1: first, 2: of_payload(by_process[2], operations, count)}
