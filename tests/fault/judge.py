"""What may come of a fault, and what may not.

Its own file because this is the claim of the fault sweeps, and is to be read by itself.
Changes when: a failure is told in other words, or another outcome is right.

A fault ends in one of three ways, and everything else is a failure of Belljar:
  closed    the program did not start; 125 and a message that names the step (126 for its exec)
  ended     it had started, in the whole jail; then the run was ended, and says so
  survived  the run is what it is without the fault: the same jail from inside, the same result, or a result that says what
            is missing
"""
import re

# The command's own calls up to the one that failed say where it was; the message must be of that place. Each begins with the
# first call that matches: (name, call, path, what a message may say).
MEMORY = r"[Oo]ut of memory"  # ours, and strerror(3)
PHASES = (
    ("start", r"", r"", MEMORY + r"|descriptors 0, 1 and 2"),
    ("spec", r"open", r"profiles/|\.json$", r"profile|--bind|--file|--spec|cannot (open|read)|" + MEMORY),
    ("host", r"uname", r"", r"uname|layers\.\w+: (required, but|cannot)|control groups|" + MEMORY),
    ("sources", r"openat2", r"", r"(files|mounts)\[\d+\]\.source|BELLJAR_GUEST|" + MEMORY),
    ("plan", r"munmap|mprotect", r"", r"cannot make the plan read-only|cannot open \"|" + MEMORY),
    ("cgroup", r"mkdir", r"belljar-", r"layers\.cgroup: (making|writing)"),
    ("descriptors", r"pipe2|memfd_create", r"", r"cannot open the descriptors of a jail|layers\.cgroup: cannot (open|hand)"
                                   r"|cannot make a process"),
    ("clone", r"clone3", r"", r"cannot make a process|namespace"),
    ("maps", r"open", r"^/proc/\d+$", r"uid_map|gid_map|setgroups|layers\.user"),
    ("steps", r"sendto", r"", r"cannot speak to the jail|did not become ready|cannot receive from the jail"
                              r"|the jail sent a malformed step|cannot make the supervisor's descriptors"),
    ("watching", r"epoll_create1", r"",
     r"supervisor's descriptors|cannot watch|cannot ask for the size of a notification|cannot wait for the jail|" + MEMORY +
     r"|cannot (keep|read|write to) the (program|snippet)'s|cannot read what is meant|cannot (answer|learn of) a refused|cannot set the clock"
     r"|without a report|cannot collect|cannot write|output was lost|cannot be (read|opened)"),
)
OPTIONAL = ("spec", "sources", "cgroup", "maps")  # not every run has them
OUTPUT = ("stdout", "stdout_total_bytes", "files", "denials")
REFUSED = re.compile(r"\b(EPERM|EACCES|ENOTTY|ENOSYS)\b")
# pid 1's own deeds between the operations (src/jail/child/child.h), and its program's.
DEEDS = {"seats": "take its descriptors", "listen": "hear from its supervisor", "box": "open the guest's directory",
         "ready": "say that it is ready", "clone": "make the process that becomes the program",
         "init": "become its own program",
         "program": "ended before the program was started|without a report|hand_over, failed: .*; the jail's first process ended"}


def phase_of(calls):
    """Where the command is after these calls, the last of which failed."""
    at = 0
    for call in calls:
        for later in range(at + 1, len(PHASES)):
            _, name, path, _ = PHASES[later]
            if re.fullmatch(name, call.name) and re.search(path, call.path):
                at = later
                break
            if PHASES[later][0] not in OPTIONAL:
                break
    return PHASES[at]


def names_the_step(attempt, where):
    """where: None for the command, or the Place of a call of the jail's processes."""
    if where is None:
        return re.search(phase_of(attempt.calls)[3], attempt.message)
    return re.search(where.pattern, attempt.message)


def layers_say_so(attempt, clean):
    """A layer that was preferred and is missing must be named as such."""
    return attempt.result and attempt.result.get("layers") != clean.result.get("layers")


def same_result(attempt, clean):
    """What differs of the result, without what is named as missing: a file that could not be read, another way to the groups."""
    if attempt.result is None:
        return ["no result"]
    differs = []
    for key, value in clean.result.items():
        got = attempt.result.get(key)
        if key == "files" and isinstance(got, list) and len(got) == len(value):
            got = [before if now.get("error") else now for now, before in zip(got, value)]
        if key == "layers":
            got = {name: value.get(name) if is_on(text) == is_on(value.get(name)) else text for name, text in got.items()}
        if got != value:
            differs.append(key)
    return differs


def is_on(text):
    return text is not None and not str(text).startswith(("off", "unavailable"))


def leftovers(attempt, leaf_may_stay=False):
    problems = list(attempt.left)
    if attempt.leaves and not leaf_may_stay:
        problems += ["control group " + leaf for leaf in attempt.leaves]
    return ["left behind: " + what for what in problems]


def whole(attempt, clean, unheard=False):
    """As far as the program got to say: it must be in the whole jail. unheard: nobody listens to the filter any more, and the
    kernel answers what it refuses with ENOSYS (seccomp_unotify(2)); nor does anybody feed its input."""
    if attempt.audit is None or clean.audit.startswith(attempt.audit):
        return True
    return unheard and alone(clean.audit).startswith(alone(attempt.audit))


def alone(audit):
    """What does not depend on a supervisor that lives."""
    return re.sub(r"(?m)^input .*$", "input", REFUSED.sub("refused", audit))


def judge(attempt, clean, where=None, prefer=False, wanted="ok"):
    """(how it ended, problems). prefer: layers may be missing if the result says so."""
    problems = leftovers(attempt)
    if attempt.hang:
        return "hang", problems + ["it did not end within the deadline"]
    started = attempt.audit is not None
    honest = prefer and layers_say_so(attempt, clean)
    if not whole(attempt, clean) and not honest:
        problems.append("the program ran in another jail: %s" % difference(attempt.audit, clean.audit))
    if attempt.status == wanted and attempt.returncode == clean.returncode:
        if wanted == "ok" and not honest and attempt.audit != clean.audit:
            problems.append("the run is ok, the program's own words are not all there")
        may_differ = (("layers",) if honest else ()) + (OUTPUT if honest or wanted != "ok" else ())
        return "survived", problems + ["the result differs in " + key for key in same_result(attempt, clean)
                                       if key not in may_differ]
    if attempt.signal and not started and phase_of(attempt.calls)[0] == "start" and len(attempt.calls) < 4:
        return "closed", problems  # the C library's own start: there is nobody yet who could speak
    lost = attempt.returncode == clean.returncode != 0 and attempt.json is None  # the program's own end outranks a lost report
    if (attempt.returncode not in (125, 126) and not lost) or (attempt.returncode == 126 and started):
        problems.append("it says: %s" % attempt)
    if not names_the_step(attempt, where):
        problems.append("the message does not name the step (%s): %s" % (
            where.pattern if where else phase_of(attempt.calls)[0], attempt.message or "none"))
    return "ended" if started else "closed", problems


def judge_kill(attempt, clean):
    """The command was killed: nothing lives on, and the program was never in half a jail."""
    problems = leftovers(attempt, leaf_may_stay=True)
    if attempt.hang:
        problems.append("it did not end within the deadline")
    if attempt.signal != 9:
        problems.append("it was not killed: %s" % attempt)
    if not whole(attempt, clean, unheard=True):
        problems.append("the program ran in another jail: %s" % difference(attempt.audit, clean.audit))
    return "closed" if attempt.audit is None else "ended", problems


def difference(audit, clean):
    """The first lines that differ in more than how they were refused."""
    for now, before in zip(audit.splitlines(), clean.splitlines()):
        if REFUSED.sub("refused", now) != REFUSED.sub("refused", before):
            return "%r instead of %r" % (now, before)
    return "%d lines instead of %d" % (audit.count("\n"), clean.count("\n"))
