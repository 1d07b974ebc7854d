"""The sweeps: where a fault is put, point by point, until a run is clean.

Its own file because run.py prints and these do.
Changes when: something else can fail, or another use of Belljar is to be tried with failures.
"""
import concurrent.futures
import json
import os
import re
import tempfile
import time

import blind
import judge
import places

NO_MORE = "no more points"
COMMAND = ["./audit", "/mark/audit"]
SNIPPET = []  # no command: a snippet, which audit is to run (world.py sets BELLJAR_GUEST)
SOON = ("--wall-time", "0.2")
MANY = 3000  # more points than any process has: something does not end


class Tally:
    """What came of one sweep."""

    def __init__(self, name, who):
        self.name, self.who = name, who
        self.counts = {"closed": 0, "ended": 0, "survived": 0, "spared": 0}
        self.failures, self.notes, self.seconds = [], [], 0.0

    def add(self, label, how, problems):
        if problems:
            self.failures.append((label, problems))
        else:
            self.counts[how] += 1

    @property
    def points(self):
        return sum(self.counts.values()) - self.counts["spared"] + len(self.failures)

    @property
    def injected(self):
        return self.points


class NoCleanRun(Exception):
    """Without any fault the command does not do what it should: nothing can be said of faults."""

    def __init__(self, who, attempt, problems=()):
        super().__init__("no clean run as %s: %s %s" % (who, attempt, list(problems)))
        self.host_lacks = "unavailable" in attempt.message


class Sweeper:
    """One privilege: its world, its clean runs, and the sweeps over them."""

    def __init__(self, world, who, short, workers=2, command=COMMAND):  # pylint: disable=too-many-arguments
        self.world, self.who, self.short, self.workers, self.command = world, who, short, workers, command
        self.rounds = 1 if short else 3  # a call can fail with up to three errnos
        first = world.attempt(0, self.run_argv(0, []))
        if first.status != "ok":
            raise NoCleanRun(who, first)
        self.layers = [name for name, text in first.json["layers"].items() if judge.is_on(text)]
        timed = world.attempt(0, self.run_argv(0, self.layers, ["--timing"]), ["--list"])
        self.places = places.find(timed)

    def run_argv(self, worker, require, more=(), command=None):
        options, command = self.world.options(worker, require, more), self.command if command is None else command
        if command == SNIPPET:
            return [self.world.belljar, "exec", *options, self.world.path("snippet.py")]
        return [self.world.belljar, "run", *options, "--", *command]

    def clean(self, argv, wanted="ok"):
        attempt = self.world.attempt(0, argv, ["--list"])
        problems = judge.leftovers(attempt)
        if attempt.status != wanted or problems or not (attempt.audit or "").endswith("end\n"):
            raise NoCleanRun(self.who, attempt, problems)
        return attempt

    def lanes(self, name, try_point, first=1, last=MANY, stride=1, rounds=None, skip=None):
        """try_point(worker, n, round) gives NO_MORE or (label, how, problems). Each worker takes every other point."""
        tally = Tally(name, self.who)
        began = time.monotonic()

        def lane(worker):
            for turn in range(self.rounds if rounds is None else rounds):
                for n in range(first + worker * stride, last + 1, stride * self.workers):
                    if skip and skip(n):
                        continue
                    outcome = try_point(worker, n, turn)
                    if outcome == NO_MORE:
                        break
                    tally.add(*outcome)
                else:
                    if last == MANY:
                        tally.add("point %d" % n, "hang", ["there is no end of points"])

        with concurrent.futures.ThreadPoolExecutor(self.workers) as pool:
            for done in [pool.submit(lane, worker) for worker in range(self.workers)]:
                done.result()
        tally.seconds = time.monotonic() - began
        return tally

    def calls(self, process, name, *, prefer=False, more=(), wanted="ok", command=None, first=1, last=MANY, rounds=None):
        """Every call of a process fails."""
        require = [] if prefer else self.layers
        clean = self.clean(self.run_argv(0, require, more, command), wanted)
        argvs = [self.run_argv(worker, require, more, command) for worker in range(self.workers)]

        def try_point(worker, n, turn):
            attempt = self.world.attempt(worker, argvs[worker], ["--process", process, "--fail", n, turn])
            if attempt.point is None and not attempt.hang:
                return NO_MORE
            label = str(attempt.point or "point %d" % n)
            if attempt.spared:
                return label, "spared", judge.leftovers(attempt)
            where, problems = self.place(process, attempt)
            if attempt.point and attempt.point.name in ("rmdir", "unlinkat"):
                problems += self.swept(worker, attempt)
            how, found = judge.judge(attempt, clean, where, prefer, wanted)
            return label, how, problems + found

        return self.lanes(name, try_point, first, last, rounds=rounds, skip=self.is_repeated(process))

    def is_repeated(self, process):
        """The short form tries one in eight of the calls that an operation makes again and again."""
        known = self.places.get(process)
        if not self.short or not known:
            return None

        def skip(n):
            if n < 2 or n > len(known) or n % 8 == 0:
                return False
            now, before = known[n - 1], known[n - 2]
            return (now.call, now.index, now.deed) == (before.call, before.index, before.deed)
        return skip

    def swept(self, worker, attempt):
        """A group that the command could not remove is removed by the next run."""
        if not self.world.leaves_of(attempt.pid):
            return []
        after = self.world.attempt(worker, self.run_argv(worker, self.layers))
        problems = [] if after.status == "ok" else ["the next run is not ok: %s" % after]
        attempt.leaves = []
        return problems + ["left behind by the next run, too: " + leaf for leaf in self.world.leaves_of(attempt.pid)]

    def place(self, process, attempt):
        if process == 0 or attempt.point is None:
            return None, []
        known = self.places[process]
        at = attempt.point.ordinal - 1
        if at < len(known) and known[at].call == attempt.point.name:
            return known[at], []
        if at >= len(known) and process == 1:
            return places.Place(attempt.point.name, deed="program"), []
        return None, ["%s is not the call that a clean run makes there" % attempt.point]

    def lies(self, name):
        """Every call of the jail's processes is skipped and says that it was done: does anybody see it?"""
        clean = self.clean(self.run_argv(0, self.layers))
        tallies, unseen = [], {}
        for process in (1, 2):
            def try_point(worker, n, _turn, process=process):
                attempt = self.world.attempt(worker, self.run_argv(worker, self.layers), ["--process", process, "--lie", n])
                if attempt.point is None and not attempt.hang:
                    return NO_MORE
                label = str(attempt.point)
                self.world.tidy(attempt)
                if attempt.spared:
                    return label, "spared", []
                place, problems = self.place(process, attempt)
                if attempt.hang or attempt.status != "ok" or attempt.audit != clean.audit or judge.same_result(attempt, clean):
                    return label, "closed", judge.leftovers(attempt)
                what = "%s (%s)" % (attempt.point.name, place)
                unseen[what] = unseen.get(what, 0) + 1
                return label, "survived", problems + judge.leftovers(attempt) + (
                    [] if blind.reason(what) else ["nobody sees that this was not done: %s" % what])
            tallies.append(self.lanes("%s, process %d" % (name, process), try_point, rounds=1))
        tallies[0].notes = sorted(unseen.items())
        return tallies

    def kills(self, process, name, stride, last=MANY):
        """The command is killed while the process is at its N-th call; the next run sweeps what is left of its group."""
        if process > 0:
            return [self.kill(process, name, COMMAND, stride, 1, last)]
        # Up to where the command waits the program is one that would never end, and its limit is far away.
        staying = [*COMMAND, "stay"]
        listed = self.clean(self.run_argv(0, self.layers, SOON, staying), "time_limit")
        own = [call.name for call in listed.calls if call.process == 0]
        waits = own.index("ppoll", own.index("epoll_create1")) + 1
        return [self.kill(0, name + ", up to its waiting", staying, stride, 1, waits),
                self.kill(0, name + ", from there on", COMMAND, stride, waits, last)]

    def kill(self, process, name, command, stride, first, last):
        stays = command != COMMAND
        clean = self.clean(self.run_argv(0, self.layers, SOON if stays else (), command), "time_limit" if stays else "ok")

        def try_point(worker, n, _turn):
            argv = self.run_argv(worker, self.layers, ("--wall-time", "60") if stays else (), command)
            attempt = self.world.attempt(worker, argv, ["--process", process, "--kill", n])
            if attempt.point is None and not attempt.hang:
                return NO_MORE
            how, problems = judge.judge_kill(attempt, clean)
            return str(attempt.point), how, problems + self.swept(worker, attempt)

        return self.lanes(name, try_point, stride=stride, rounds=1, first=first, last=last)

    def watched(self, name, points):
        """The limit on wall clock time holds, whatever fails of the watching: the program would never end."""
        clean = self.clean(self.run_argv(0, self.layers, SOON, [*COMMAND, "stay"]), "time_limit")
        own = [call.name for call in clean.calls if call.process == 0]
        first = own.index("epoll_create1") + 1
        return self.calls(0, name, more=SOON, wanted="time_limit", command=[*COMMAND, "stay"], first=first, last=first + points,
                          rounds=1)


class Allocations:
    """Allocations of the command and of a program that stays: built apart, see allocations.c."""

    def __init__(self, sweeper):
        self.sweeper, self.world = sweeper, sweeper.world

    def attempt(self, worker, argv, order):
        """(attempt, calls, live)."""
        with tempfile.TemporaryFile() as report:
            env = dict(os.environ, BELLJAR_TEST_ALLOCATIONS=str(report.fileno()))
            if order:
                env["BELLJAR_TEST_FAIL_ALLOCATION"] = order
            attempt = self.world.attempt(worker, argv, None, env, (report.fileno(),))
            report.seek(0)
            words = report.read().decode().split()
        return attempt, *((int(words[1]), int(words[3])) if len(words) == 4 else (0, 0))

    def commands(self):
        program = self.world.path("bin", "belljar-allocations")
        request = self.world.path("request.json")
        with open(request, "w", encoding="utf-8") as f:
            f.write('{"command": ["/bin/sh", "-c", "cat d/t; echo x > out.txt"], "collect": ["*.txt"], "stdin": "given",'
                    ' "files": [{"path": "d/t", "text": "handed in"}], "limits": {"wall_seconds": 5},'
                    ' "layers": {"landlock": "prefer"}, "env": {"A": "b"}}')
        os.chmod(request, 0o644)
        yield "run", lambda worker: [program, "run", *self.world.options(worker, self.sweeper.layers), "--", *COMMAND]
        yield "run --spec", lambda worker: [program, "run", "--json", "--spec", request]
        yield "plan", lambda worker: [program, "plan", *self.world.options(worker, [])[1:], "--", *COMMAND]
        yield "plan --json", lambda worker: [program, "plan", *self.world.options(worker, []), "--", *COMMAND]
        yield "doctor", lambda worker: [program, "doctor"]
        yield "doctor --json", lambda worker: [program, "doctor", "--json"]

    def sweep(self, name, argv_of, on, stride=1):
        """on: every allocation after the N-th fails as well."""
        clean, _, live = self.attempt(0, argv_of(0), None)
        plain = "run" not in name
        if clean.returncode != 0:
            raise NoCleanRun(self.sweeper.who, clean)

        def try_point(worker, n, _turn):
            attempt, calls, left = self.attempt(worker, argv_of(worker), "%d%s" % (n, "+" if on else ""))
            if 0 < calls < n:
                return NO_MORE
            if plain:
                how, problems = self.judge_plain(attempt, clean)
            else:
                how, problems = judge.judge(attempt, clean, AnyStep) if clean.audit else self.judge_request(attempt, clean)
            if left > live:
                problems.append("%d blocks are not given back, %d without a fault" % (left, live))
            return "allocation %d%s of %s" % (n, " and all after it" if on else "", name), how, problems

        return self.sweeper.lanes(name + (", from the N-th on" if on else ""), try_point, rounds=1, stride=stride)

    def judge_request(self, attempt, clean):
        problems = judge.leftovers(attempt)
        if attempt.returncode == 0 and attempt.status == "ok":
            return "survived", problems + ["the result differs in " + key for key in judge.same_result(attempt, clean)]
        return "closed", problems + self.says_memory(attempt)

    def judge_plain(self, attempt, clean):
        problems = judge.leftovers(attempt)
        if attempt.returncode == 0:
            return "survived", problems + ([] if same_words(attempt.out, clean.out) else ["it prints something else"])
        return "closed", problems + self.says_memory(attempt)

    def says_memory(self, attempt):
        """Jansson 2.14 does not tell a string for which there is no memory from one that is malformed."""
        if attempt.returncode in (1, 125) and re.search(r"(?i)memory|not valid JSON", attempt.message + attempt.out):
            return []
        return ["it does not say that memory was short: %s" % attempt]


def same_words(text, clean):
    """Of a report, less the directories of the worker. A detail that is null was not to be had, which is said."""
    try:
        return same_or_null(json.loads(text), json.loads(clean))
    except ValueError:
        now, before = ([word for word in some.split() if "/mark" not in word] for some in (text, clean))
        return now == before


def same_or_null(now, before):
    if isinstance(now, dict) and isinstance(before, dict):
        return now.keys() == before.keys() and all(same_or_null(now[key], before[key]) for key in now)
    if isinstance(now, list) and isinstance(before, list):
        return len(now) == len(before) and all(map(same_or_null, now, before))
    return now is None or now == before or (isinstance(now, str) and "/mark" in now)


class AnyStep:
    """Of an allocation: that memory was short is all there is to say."""
    pattern = r"(?i)out of memory|cannot allocate memory"


class Library:
    """A program that uses the library and stays: what a fault leaves open or allocated in it."""

    def __init__(self, sweeper):
        self.sweeper, self.world = sweeper, sweeper.world
        self.allocations = Allocations(sweeper)

    def argv(self, worker):
        return [self.world.path("bin", "library"), self.world.marks[worker], self.world.path("bin", "audit"),
                *self.sweeper.layers]

    @staticmethod
    def words(attempt):
        """Its line as a dictionary, or None."""
        head, _, message = attempt.out.partition(" message ")
        words = head.split()
        if len(words) < 2 or words[0] != "r":
            return None
        return dict(zip(words[0::2], words[1::2]), message=message.strip())

    def judge(self, attempt, clean):
        problems, said = judge.leftovers(attempt), self.words(attempt)
        started = attempt.audit is not None
        if attempt.hang:
            return "hang", problems + ["it did not end within the deadline"]
        if not judge.whole(attempt, clean):
            problems.append("the program ran in another jail")
        if said is None:
            return "closed", problems + (["it says nothing: %s" % attempt] if started or attempt.returncode == 0 else [])
        for what in ("fds", "live", "children"):
            # Who is told that it has no child leaves that child to whoever took it.
            if int(said[what]) > 0 and not (what == "children" and attempt.point and attempt.point.errno == "ECHILD"):
                problems.append("%s %s too many afterwards" % (said[what], what))
        if said["r"] == "0" and said["status"] == "ok":
            return "survived", problems + ([] if attempt.audit == clean.audit else ["the program's own words are not all there"])
        if said["r"] != "0" and not said["message"]:
            problems.append("no message: %s" % attempt.out)
        if said["r"] == "0" and said["status"] not in ("jail_error", "no-json", "exit"):
            problems.append("status %s" % said["status"])
        return "ended" if started else "closed", problems

    def calls(self, name):
        clean = self.world.attempt(0, self.argv(0))

        def try_point(worker, n, turn):
            attempt = self.world.attempt(worker, self.argv(worker), ["--fail", n, turn])
            if attempt.point is None and not attempt.hang:
                return NO_MORE
            label = str(attempt.point)
            own = attempt.point and attempt.point.name == "write" and attempt.point.argument == 1  # its own line
            if attempt.spared or own:
                return label, "spared", judge.leftovers(attempt)
            problems = self.sweeper.swept(worker, attempt) if attempt.point and attempt.point.name == "unlinkat" else []
            how, found = self.judge(attempt, clean)
            return label, how, problems + found

        return self.sweeper.lanes(name, try_point, last=500)  # what comes then is the watching, again and again

    def memory(self, name, on, stride=1):
        clean = self.world.attempt(0, self.argv(0))

        def try_point(worker, n, _turn):
            attempt, calls, _ = self.allocations.attempt(worker, self.argv(worker), "%d%s" % (n, "+" if on else ""))
            if 0 < calls < n:
                return NO_MORE
            return "allocation %d" % n, *self.judge(attempt, clean)

        return self.sweeper.lanes(name + (", from the N-th on" if on else ""), try_point, rounds=1, stride=stride)
