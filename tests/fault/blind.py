"""Calls of the jail's processes that could be left out without the program noticing, and why each is no hole.

Its own file because what a test cannot see must be said, and read.
Changes when: audit.c looks at more, or the child half makes another call.

run.py lets every call say that it was done without doing it. Nearly all of that is seen: by an assertion of the plan, by a
later operation, or by the program (audit.c). What is seen by nobody must stand here.
"""
import re

REASONS = (
    (r"close \(.*\)", "a descriptor more: `stdio` closes it, exec does, and `assert_fds` looks"),
    (r"getgroups \(assert_ids\)", "an assertion: 0 is the answer that it wants"),
    (r"close_range \(seats of pid 1\)", "the caller's descriptors: `stdio` closes the payload's, exec pid 1's"),
    (r"(fchmod|fchmodat) \((mkdir|touch)\)", "says a mode once more, for callers with an odd umask; what is mounted covers it"),
    (r"fchownat \(chown\)", "an ordinary user's guest has the same id outside as pid 1"),
    (r"chdir \(pivot\)", "`chdir` follows, and the root is entered by then"),
    (r"(getpriority|sched_getscheduler) \(inherited\)", "asks only; the answer 0 is the usual one"),
    (r"prctl \(bounding\)", "the last one asks for a capability that the kernel does not have"),
    (r"(prctl|capset) \(capabilities\)",
     "becoming the guest, and the exec, empty these sets (capabilities(7)); `assert_userns` tries"),
    (r"prctl \(undumpable\)", "nobody else is in the namespace while it counts"),
    (r"prlimit64 \((rlimit|open_files)\)", "the caller's own limit is already as low"),
    (r"rt_sigaction \((signals|clone of pid 1)\)", "the signal was not ignored by the caller (SIGCHLD, SIGALRM) or cannot be"),
    (r"setdomainname \(hostname\)", "the host's is the same"),
    (r"keyctl \(keyring\)", "a second wall: the filter refuses the program everything that has to do with keys"),
    (r"(write|unshare) \(join_cgroup\)", "without /proc no group can be seen; the limits are tried by tests/e2e/test_status.py"),
    (r"(timerfd_settime|dup3) \(init of pid 1\)", "pid 1's own clock, a second wall; tried by tests/e2e/test_status.py"),
    (r"(capset|prctl|seccomp|rt_sigprocmask) \(program of pid 1\)",
     "pid 1 is not to be looked at from inside; tests/fault/test_fault.py looks from outside"),
    (r"(ppoll|read|waitid|write) \(program of pid 1\)", "asked again at once"),
)


def reason(what):
    """Why it is no hole that nobody sees this, or None."""
    for pattern, why in REASONS:
        if re.fullmatch(pattern, what):
            return why
    return None
