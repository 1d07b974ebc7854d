"""Why something stays as the table shows it.

Its own file because these are judgements of people; everything else is measured.
Changes when: a finding is acted on, or a new one is accepted.
"""

# A call that only opens a door to more kernel code: nothing but the filter can say no to the call itself.
SURFACE = "kernel surface: only the filter can refuse a call as such; what the call could be used for meets the other walls"

FLOOD = ("with the limit away more is kept than was asked for, which counts as out here; a maximum that no limit moves then ends the"
         " run: 96 MiB of both streams together")
# attack: why one wall is enough. What is said of an assertion or a check must be so in each run: ASSERTED.
ONE_WALL = {
    "os-copyout-fifo": "without the rule it is collected as an empty file and nobody waits: it is opened with O_NONBLOCK",
    "os-copyout-sparse": "the file has holes: the run took 4 MB at its peak, and collecting refused it as too large",
    "os-fd-inherited-scan": "the assertion before exec fails the run when a descriptor is open",
    "os-groups-leftover": "gid 0 of the jail is an id of this run outside; the assertion before exec fails the run that keeps it",
    "os-kill-everything-probe": "the attack sees that there are others; a signal to one of them was still refused, also without"
                                " Landlock",
    "os-no-new-privs-unset": "the attack looks at the flag; the assertion before exec fails the run without it; for what the flag"
                             " is there, see own-setid-program",
    "os-proc-environ-scan": "the check of the plan fails the run whose environment is not in the plan's own memory",
    "own-group-file": "the assertion before exec fails the run when a group is left",
    "rs-disk-many-files": "its 20000 files fit in the memory that the run may have; own-file-flood, which goes on, meets the"
                          " memory limit as well",
    "rs-out-both-interleaved": FLOOD,
    "rs-out-stderr-flood": FLOOD,
}
ASSERTED = {"os-fd-inherited-scan": ("descriptors", "assertion"), "os-groups-leftover": ("ids", "assertion"),
            "os-no-new-privs-unset": ("no_new_privs", "assertion"), "os-proc-environ-scan": ("environment", "plan check"),
            "own-group-file": ("groups", "assertion")}

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
