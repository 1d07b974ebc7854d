"""Why something stays as the table shows it.

Its own file because these are judgements of people; everything else is measured.
Changes when: a finding is acted on, or a new one is accepted.
"""

# What stands behind the one wall whose absence lets an attack of high severity say "ESCAPED". Nothing here is taken on trust:
#   NOTICED   (wall, by whom, ...): a run without the wall is refused before its program starts; seen in each run of the table
#   HELD      what the attack is there for does not happen all the same; cells.HELD looks at the very run that lost the wall
#   SHOWN_BY  another attack, which goes on where this one stops counting, is contained without the wall
NOTICED = {
    "os-fd-inherited-scan": ("descriptors", "assertion", "the assertion before exec fails the run when a descriptor is open"),
    "os-groups-leftover": ("ids", "assertion", "the assertion before exec fails the run that keeps gid 0"),
    "os-no-new-privs-unset": ("no_new_privs", "assertion", "the assertion before exec fails the run without it"),
    "os-proc-environ-scan": ("environment", "plan check",
                             "the check of the plan fails the run whose environment is not in the plan's own memory"),
    "own-group-file": ("groups", "assertion", "the assertion before exec fails the run when a group is left"),
}
FLOOD = "more is kept than was asked for, but a maximum that no limit moves ends the run: 96 MiB of both streams together"
HELD = {
    "os-copyout-fifo": "it is opened with O_NONBLOCK: nobody waits, and nothing is read",
    "os-copyout-sparse": "collecting refuses it as too large, and no memory was taken for it",
    "rs-out-both-interleaved": FLOOD,
    "rs-out-stderr-flood": FLOOD,
}
SHOWN_BY = {
    "os-kill-everything-probe": ("own-signal-others", "it only sees that there are others; none of them would get its signals"),
    "rs-disk-many-files": ("own-file-flood", "its 20000 files fit in the memory that the run may have; who goes on meets the"
                                             " memory limit"),
}

# attack: not good enough, and what would be. These fail the run.
OPEN = {}

# Walls that no attack here shows. "open" is not a reason but a finding.
STAYS = {
    "apparmor": "not in this kernel, so that nothing is said of it here",
    "closed": "no attack here tells it from an open empty directory: it is there so that a program is told EACCES, not that there"
              " is nothing",
    "time": "it stops nothing by itself, and no attack is claimed for it: its clocks have no offset yet. It is the place where a"
            " run's own clocks will be set, and made with the others by the same clone3(2)",
    "undumpable": "not shown: it is for the moments before exec, when no program of the jail is there yet to try",
}

REFUSED_BARE = "refused without Belljar already, to an ordinary user and to root of a user namespace"
NO_PLAN = "what holds it is no part of a plan, so there is nothing to take away"
# Attacks that no run here shows to work.
UNSEEN = {
    "os-abi-x32-getpid": "this kernel has no x32 calls (CONFIG_X86_X32_ABI)",
    "os-clock-set-probe": REFUSED_BARE,
    "os-compile-macro-bomb": "has no marker, and ends by itself without Belljar",
    "os-copyout-deep-tree": NO_PLAN,
    "os-copyout-hardlink": "the link cannot be made in the jail, which has no /proc; with all walls away it would cross a mount",
    "os-copyout-directory": "without the rule it is refused as well: a directory cannot be read",
    "os-copyout-odd-names": NO_PLAN,
    "os-exec-proc-self-fd": "this kernel puts an empty string for a missing argv[0]",
    "os-fd-nonblock-shared": "harms who shares an open file; without its pipes it gets an open file of its own here",
    "os-file-shadow-modules": NO_PLAN,
    "os-iopl-ports": "this kernel has neither iopl nor ioperm (CONFIG_X86_IOPL_IOPERM)",
    "os-kernel-log-read": REFUSED_BARE,
    "os-kill-everything-armed": "does nothing outside of a fresh pid namespace, and in one it finds nobody",
    "os-mlock-hugepages": REFUSED_BARE,
    "os-module-load-probe": REFUSED_BARE,
    "os-net-af-alg": "this kernel has no AF_ALG (CONFIG_CRYPTO_USER_API)",
    "os-net-dns": "there is no name service in the throw-away world",
    "os-sched-realtime": REFUSED_BARE,
    "os-status-forge-exit-codes": NO_PLAN,
    "os-status-forge-signals": NO_PLAN,
    "os-status-forge-sigsys": NO_PLAN,
    "os-swap-acct-quota-probe": REFUSED_BARE,
    "os-terminal-escape-output": NO_PLAN,
    "os-tty-controlling": "no run here has a controlling terminal; own-terminal has one on its stdin",
    "rs-disk-sync-storm": "has no marker of its own success, and ends by itself without Belljar",
    "rs-mem-negative-dentries": "ends by itself within every limit",
    "rs-mem-reserve-only": "a control: reserving without touching must be allowed",
    "rs-out-before-in": NO_PLAN,
    "rs-out-binary-garbage": NO_PLAN,
    "rs-out-ignore-stdin": NO_PLAN,
    "rs-pid-churn": NO_PLAN,
}
