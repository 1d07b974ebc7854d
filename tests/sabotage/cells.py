"""One attack under one choice of walls: run, and judged.

Its own file because a cell of the table must mean the same in every column.
Changes when: an attack needs another setting, or escapes in a way that is not seen yet.
"""
import os
import pty
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("support", "abuse"):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), folder))

import belljar_run  # noqa: E402
import checks  # noqa: E402
import leaks  # noqa: E402
import run_corpus  # noqa: E402
import world  # noqa: E402

ESCAPED, CONTAINED, REFUSED, ABSENT = "escaped", "contained", "refused", "absent"
SURVIVAL_SECONDS = 1.0
BARE_SECONDS = 30
GRACE_SECONDS = 5  # beyond the wall limit: a run that is not over by then is not going to be
# With these walls away the result says jail_error for a reason that has nothing to do with the attack.
NO_REPORT = re.compile("ended without a report")


def wall_names():
    with open(os.path.join(HERE, "walls.def"), encoding="utf-8") as f:
        return re.findall(r'^X\("(\w+)", \w+, "(.*)"\)', f.read(), re.MULTILINE)


class Attack(run_corpus.Case):
    """A case, of the corpus or of our own."""

    def __init__(self, top, path):
        super().__init__(top, path)
        self.own = path.startswith("attack/")
        self.severity = self.header.get("severity", "medium")
        self.settings = [w.strip() for w in self.header.get("settings", "").split(",") if w.strip()]
        self.options = self.command = None
        # What it attacks is mounted in the jail: outside of the jail's root it would be another thing.
        self.keeps = {"root"} if {"host", "open"} & set(self.settings) else set()

    def limits(self):
        return super().limits() if not self.own else own_limits(self)


def own_limits(attack):
    kind, attack.kind = attack.kind, "resource" if "limits" in attack.header else attack.kind
    try:
        return run_corpus.Case.limits(attack)
    finally:
        attack.kind = kind


def find_attacks(corpus, only=()):
    tests = os.path.dirname(HERE)
    own = sorted("attack/" + name for name in os.listdir(os.path.join(tests, "attack")) if name.endswith(".c"))
    found = [Attack(tests, path) for path in own]
    if corpus:
        found += [Attack(corpus, case.path) for case in run_corpus.find_cases(corpus)]
    return [a for a in found if not only or any(word in a.path for word in only)]


class Cell:
    """What came of one run (or of its bare half)."""

    def __init__(self, verdict, by="", seconds=0.0, held=False):
        self.verdict, self.by, self.seconds, self.held = verdict, by, seconds, held

    def data(self):
        data = {"verdict": self.verdict, "by": self.by[:200], "seconds": round(self.seconds, 2)}
        return dict(data, held=True) if self.held else data


def steady(canary):
    """The corpus's canaries, with services that outlive a client who hangs up at once: here they stand for hours."""
    class Steady(canary):
        def _serve(self, s):
            while not self.stop and s.fileno() >= 0:
                canary._serve(self, s)  # comes back with the first error
    return Steady


class Stage(run_corpus.Harness):
    """The harness of the abuse suite, in a world of its own, with a command whose walls can be taken away."""

    def __init__(self, corpus, belljar, bounds):  # pylint: disable=super-init-not-called
        self.corpus, self.belljar, self.bounds = corpus, belljar, bounds
        self.uid, self.jobs, self.lock = 0, 1, -1
        self.directory = world.RUN
        self.canary_module = run_corpus.load_canary(corpus)
        self.canary, self.descriptors = None, []
        # Not this process's own: hostile programs get to see it where that wall is away.
        self.environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/", "LANG": "C.UTF-8"}
        self.prefix = []
        self.programs = {}
        self.pty = pty.openpty()
        self.terminal = os.ttyname(self.pty[1])

    def __enter__(self):
        self.canary = steady(self.canary_module.Canary)(world.UID)
        self.canary.__enter__()
        self.descriptors = self.canary.fds()
        self.environment.update(self.canary.env())
        return self

    def __exit__(self, *what):
        for fd in self.descriptors:
            os.close(fd)
        self.descriptors = []
        self.canary.__exit__(*what)

    # ---- what checks.py asks for

    def processes_named(self, name):
        table = leaks.parents()
        return [pid for pid in self.bounds.members() if table.get(pid, (0, "Z", ""))[2] == name]

    # ---- preparation

    def compile(self, case, outcome):
        """Once for all cells."""
        if case.id not in self.programs:
            self.programs[case.id] = super().compile(case, outcome)
        return self.programs[case.id]

    def prepare(self, attack):
        outcome = run_corpus.Outcome(attack)
        made = self.command(attack, outcome)
        if not made:
            raise OSError("%s: %s" % (attack.path, outcome.why))
        attack.options, attack.command = made
        for setting in attack.settings:
            attack.options = attack.options + SETTINGS[setting].get("options", [])
            if "profile" in SETTINGS[setting]:
                attack.options[attack.options.index("--profile") + 1] = SETTINGS[setting]["profile"]

    def launcher(self, attack):
        """What stands before the command: its control group, who starts it, and what it is to inherit."""
        words = [*self.bounds.prefix(), "setpriv", "--groups", str(world.EXTRA_GROUP)]
        if "user" in attack.settings:
            words += ["--reuid", str(world.UID), "--regid", str(world.UID)]
        for setting in attack.settings:
            words += SETTINGS[setting].get("launcher", [])
        return words

    # ---- runs

    def belljar_with(self, options, command, **more):
        limit = float(options[options.index("-w") + 1]) if "-w" in options else 10
        return belljar_run.run(self.belljar, options, command, prefix=self.prefix, env=self.environment,
                               pass_fds=self.descriptors, cwd="/", timeout=limit + GRACE_SECONDS, **more)

    def jailed(self, attack, off):
        """Under glass, without the walls in `off`."""
        world.sweep()
        stdin = self.stdin_file(attack)
        handed = self.terminal if "terminal" in attack.settings else stdin
        environment = dict(self.environment, BELLJAR_SABOTAGE=",".join(off), BELLJAR_SABOTAGE_STDIN=handed,
                           BELLJAR_SABOTAGE_FILE=world.USER_SECRET if "user" in attack.settings else world.SECRET)
        if len(off) == 1:
            environment["BELLJAR_SABOTAGE_STRICT"] = "1"
        plain, self.environment, self.prefix = self.environment, environment, self.launcher(attack)
        began = time.monotonic()
        try:
            return self.judge_cell(attack, stdin)
        except (AssertionError, subprocess.TimeoutExpired) as e:
            return Cell(ESCAPED, "the command did not end: %.100s" % e, time.monotonic() - began)
        finally:
            self.environment = plain
            self.bounds.clear()

    def judge_cell(self, attack, stdin):
        context = checks.Context(self, attack, stdin, attack.options, attack.command)
        began = time.monotonic()
        for _ in range(attack.runs):
            context.began = time.monotonic()
            result = self.belljar_with([*attack.options, "-i", stdin], attack.command)
            context.results.append(result)
            if result.json is None:
                return self.refused(result, time.monotonic() - began)
            found = run_corpus.escapes(attack, result)
            if found:
                return self.escaped(context, found[0], time.monotonic() - began)
        survivors = self.survivors()
        seconds = time.monotonic() - began
        problem = "%d processes outlived the run" % len(survivors) if survivors else self.problem(context)
        if problem:
            return self.escaped(context, problem, seconds)
        return Cell(CONTAINED, self.stopped_by(context.result), seconds)

    def escaped(self, context, by, seconds):
        held = HELD.get(context.case.id)
        return Cell(ESCAPED, by, seconds, bool(held and held(context.result)))

    def refused(self, result, seconds):
        message = " ".join(result.message.split())
        if "no such wall" in message:
            return Cell(ABSENT, message, seconds)
        if result.returncode < 0:
            return Cell(ESCAPED, "the command itself was killed by signal %d" % -result.returncode, seconds)
        return Cell(REFUSED, message, seconds)

    def problem(self, context):
        """What checks.py says. A result without a report (pid 1 was not pid 1) cannot be held against the attack."""
        if context.result.status == "jail_error" and NO_REPORT.search(context.result.json.get("error") or ""):
            if context.case.id.startswith("os-status-"):
                return None
            context.results[-1].json["status"] = "ok"
        return checks.check(context)

    def survivors(self):
        deadline = time.monotonic() + SURVIVAL_SECONDS
        while True:
            world.reap()
            left = self.bounds.members()
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.02)

    def stopped_by(self, result):
        """In a few words: the limit, the denials, or what the attack itself said."""
        words = run_corpus.verdicts(result)
        killed = [w for w in words if w.startswith("killed:") and w not in ("killed:signal",)]
        marks = [line for line in result.bytes("stdout").split(b"\n") if b"CONTAINED: " in line]
        if killed:
            return killed[0]
        if marks:
            return marks[0].decode("utf-8", "replace").partition("CONTAINED: ")[2]
        return words[0]

    def bare(self, attack, as_root):
        """Without Belljar: as an ordinary user, or as root of a user namespace with namespaces of its own."""
        world.sweep()
        work = os.path.join(self.directory, "bare")
        subprocess.run(["rm", "-rf", work], check=False)
        os.makedirs(work)
        argv = ["/usr/bin/python3", "./" + attack.name]
        if attack.in_compiler:
            argv = ["sh", "-c", "cc -O1 -o prog %s && exec ./prog" % attack.name]
        elif attack.is_c:
            argv = ["./prog"]
            subprocess.run(["cp", self.programs[attack.id], work + "/prog"], check=True)
        subprocess.run(["cp", attack.file, work + "/" + attack.name], check=True)
        subprocess.run(["chown", "-R", "%d:%d" % (world.UID, world.UID), work], check=True)
        words = [*self.bounds.prefix(), "setpriv", "--reuid", str(world.UID), "--regid", str(world.UID),
                 "--groups", str(world.EXTRA_GROUP)]
        if as_root:
            words += ["unshare", "-Ur", "-m", "-p", "-f", "-i", "-u", "-C", "--kill-child", "--mount-proc"]
        for setting in attack.settings:
            words += SETTINGS[setting].get("launcher", [])
        words += ["prlimit", "--fsize=1073741824", "--core=0"]
        environment = dict(self.canary.env(), PATH="/usr/bin:/bin:/usr/sbin:/sbin", HOME=work, LANG="C.UTF-8")
        began = time.monotonic()
        try:
            return self.judge_bare(attack, words + argv + attack.arguments, work, environment)
        finally:
            self.bounds.clear()
            self.seconds = time.monotonic() - began

    def judge_bare(self, attack, argv, work, environment):
        last = b""
        stdin = self.terminal if "terminal" in attack.settings else self.stdin_file(attack)
        for _ in range(attack.runs):
            with open(stdin, "r+b", buffering=0) as source, open(work + ".out", "w+b") as out:
                child = subprocess.Popen(argv, stdin=source, stdout=out, stderr=subprocess.STDOUT, cwd=work, env=environment,
                                         pass_fds=self.descriptors, start_new_session=True)
                try:
                    child.wait(BARE_SECONDS)
                except subprocess.TimeoutExpired:
                    return Cell(ESCAPED, "ran for %d seconds" % BARE_SECONDS)
                out.seek(0)
                last = out.read(1 << 20)
            for line in last.split(b"\n"):
                if run_corpus.MARK in line:
                    return Cell(ESCAPED, line.decode("utf-8", "replace"))
            if self.canary_module.TOKEN.encode() in last:
                return Cell(ESCAPED, "the canary's token came out")
            if "output" in attack.header.get("limits", "") and len(last) > checks.OUTPUT_LIMIT:
                return Cell(ESCAPED, "wrote %d bytes and more" % checks.OUTPUT_LIMIT)
        survivors = self.survivors()
        if survivors:
            return Cell(ESCAPED, "%d processes outlived it" % len(survivors))
        if self.canary.victim.poll() is not None:
            self.restart_canary()
            return Cell(ESCAPED, "killed the victim")
        return Cell(CONTAINED, last[-200:].decode("utf-8", "replace").strip())

    def restart_canary(self):
        self.__exit__(None, None, None)
        self.__enter__()


# ---- escapes by the letter whose harm does not come: what is looked at is said in reasons.HELD


def never_waited(result):
    entries = [f for f in result.files if f["path"] == "output.txt"]
    return result.seconds < 5 and [belljar_run.file_bytes(f) for f in entries] == [b""]


def refused_as_too_large(result):
    entries = [f for f in result.files if f["path"] == "output.txt"]
    peak = result.json["usage"]["memory_peak_bytes"]
    return [f.get("error") for f in entries] == ["too large"] and peak is not None and peak < 64 << 20


def ended_by_the_maximum(result):
    kept = sum(len(result.bytes(stream)) for stream in ("stdout", "stderr"))
    return result.status == "output_limit" and kept < 97 << 20  # the last read may go beyond


HELD = {"os-copyout-fifo": never_waited, "os-copyout-sparse": refused_as_too_large,
        "rs-out-both-interleaved": ended_by_the_maximum, "rs-out-stderr-flood": ended_by_the_maximum}

# Words of our own attacks' line "settings:": options of the command, and what stands before it.
SETTINGS = {
    "user": {"launcher": ["setsid"]},
    "proc": {"profile": "sh"},
    "host": {"options": ["--ro-bind", world.HOST, "/host"]},
    "open": {"options": ["--ro-bind", world.HOST + "/open", "/host"]},
    "personality": {"launcher": ["setarch", "-R"]},
    "terminal": {"stdin": "terminal"},
    "important": {"launcher": ["nice", "-n", "-10"]},
}
