"""A place for the fault sweeps, and one attempt in it: the command with one fault, and everything that came of that.

Its own file because the sweeps differ in where they put the fault, and not in how it is watched.
Changes when: another trace of an attempt can be seen from outside.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))

import belljar_run  # noqa: E402
import leaks  # noqa: E402

DEADLINE_SECONDS = 10
NO_FAULT = ("--fail", 1000000, 0)  # at a call that is never reached
HELPERS = ("inject", "audit")
VARIANTS = ("belljar-allocations", "library")
# Of a result, what two equal runs need not share.
VOLATILE = ("usage", "timing")


class Point:
    """One system call of one process, as the injector names it."""

    def __init__(self, process, ordinal, name, argument, path, errno):
        self.process, self.ordinal, self.name = int(process), int(ordinal), name
        self.argument, self.path, self.errno = int(argument), "" if path == "-" else path, "" if errno == "-" else errno

    def __str__(self):
        who = ("the command", "pid 1", "the payload")[self.process] if self.process < 3 else "process %d" % self.process
        return "%s, call %d: %s%s%s" % (who, self.ordinal, self.name, " " + self.path if self.path else "",
                                        " gives " + self.errno if self.errno else "")


class Attempt:
    """What came of one run of the command."""

    def __init__(self, returncode, signal, out, err, report, audit):
        self.returncode, self.signal, self.out, self.err, self.audit = returncode, signal, out, err, audit
        self.point, self.spared, self.hang, self.left, self.calls, self.pid = None, False, False, [], [], 0
        for line in report.splitlines():
            word, *rest = line.split()
            if word in ("point", "spared"):
                self.point, self.spared = Point(*rest), word == "spared"
            elif word == "call":
                self.calls.append(Point(*rest))
            elif word == "end":
                self.pid = int(rest[0])
                self.returncode, self.signal = (int(rest[2]), 0) if rest[1] == "exit" else (None, int(rest[2]))
            elif word == "hang":
                self.hang = True
            elif word == "left":
                self.left.append("a process")
        try:
            self.json = json.loads(out)
        except ValueError:
            self.json = None

    @property
    def status(self):
        return self.json.get("status") if isinstance(self.json, dict) else None

    @property
    def message(self):
        said = self.err.strip()
        if isinstance(self.json, dict) and self.json.get("error"):
            said += " | " + str(self.json["error"])
        return said

    @property
    def result(self):
        """The part of the result that equal runs share."""
        if not isinstance(self.json, dict):
            return None
        return {key: value for key, value in self.json.items() if key not in VOLATILE}

    def __str__(self):
        how = "signal %s" % self.signal if self.signal else "exit %s" % self.returncode
        lines = "none" if self.audit is None else "%d lines" % self.audit.count("\n")
        return "%s, status %s, audit %s, said: %s" % (how, self.status, lines, self.message[:300] or "nothing")


class World:
    """Copies of the programs that every user can run, and a directory for each worker."""

    def __init__(self, belljar, build, user=None, workers=2):
        self.user = user  # (uid, gid), or None for the caller itself
        self.directory = tempfile.mkdtemp(prefix="belljar-test-fault-")
        os.chmod(self.directory, 0o755)
        self.belljar = belljar_run.reachable_copy(belljar, self.path("bin"))
        self.variants = []
        for name in HELPERS + VARIANTS:
            source = os.path.join(build, "tests", "fault", name)
            if os.path.exists(source):
                shutil.copyfile(source, self.path("bin", name))
                os.chmod(self.path("bin", name), 0o755)
                self.variants += [name] if name in VARIANTS else []
        for name, text in (("data.txt", "handed in\n"), ("input.txt", "what is read\n"), ("snippet.py", "x = 1\n")):
            with open(self.path(name), "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(self.path(name), 0o644)
        if os.path.exists(os.path.join(build, "tests", "jail", "test_ops")):
            shutil.copy(os.path.join(build, "tests", "jail", "test_ops"), self.path("bin"))
        shutil.copytree(os.path.join(belljar_run.ROOT, "profiles"), self.path("profiles"))
        os.mkdir(self.path("cwd"))
        os.chmod(self.path("cwd"), 0o1777)
        self.marks = []
        for worker in range(workers):
            mark = self.path("mark%d" % worker)
            os.mkdir(mark)
            private = os.path.join(mark, "private")
            with open(private, "w", encoding="utf-8") as f:
                f.write("the caller's\n")
            os.chmod(private, 0o600)
            if user:
                os.chown(private, *user)
            os.chmod(mark, 0o1777)
            self.marks.append(mark)
        self.groups = {g for group in leaks.own_cgroups() for g in (group, os.path.dirname(group))}
        self.mounts = leaks.mounts()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def prefix(self):
        """With limits and groups that the jail must take away. (inject.c sets what every user may.)"""
        if os.geteuid() != 0:
            return []
        rest = belljar_run.setpriv(*self.user) if self.user else ["setpriv", "--groups", "1,2"]
        return ["prlimit", "--core=0:unlimited", *rest]

    def options(self, worker, require, more=()):
        """Of a run that has everything which a run can have."""
        return ["--json", *(["--require", ",".join(require)] if require else []), "--bind", self.marks[worker], "/mark",
                "--file", "audit=" + self.path("bin", "audit"), "--file", "data.txt=" + self.path("data.txt"),
                "--collect", "out.txt", "--network", "loopback", "--env", "FAULT=1", *more]

    def attempt(self, worker, argv, injector=None, env=None, pass_fds=()):
        """injector: arguments of inject; None: no fault."""
        audit = os.path.join(self.marks[worker], "audit")
        for name in os.listdir(self.marks[worker]):
            if name != "private":  # what an earlier program left, which was killed before it could tidy up
                os.unlink(os.path.join(self.marks[worker], name))
        with tempfile.TemporaryFile() as report, open(self.path("input.txt"), "rb") as stdin:
            front = [*self.prefix(), self.path("bin", "inject"), "--report", str(report.fileno()), "--deadline",
                     str(DEADLINE_SECONDS), *map(str, injector or NO_FAULT)]
            env = dict(env or os.environ, BELLJAR_GUEST=self.path("bin", "audit"))  # what runs a snippet
            done = belljar_run.run_argv([*front, *argv], stdin=stdin, env=env, timeout=DEADLINE_SECONDS + 20,
                                        pass_fds=(report.fileno(), *pass_fds), cwd=self.path("cwd"))
            report.seek(0)
            text = report.read().decode("utf-8", "replace")
        try:
            with open(audit, encoding="utf-8", errors="replace") as f:
                said = f.read()
        except FileNotFoundError:
            said = None
        signal = -done.returncode if done.returncode < 0 else 0
        attempt = Attempt(done.returncode, signal, done.out.decode("utf-8", "replace"),
                          done.err.decode("utf-8", "replace"), text, said)
        if not re.search(r"^(end|hang)", text, re.M):
            attempt.left.append("no report of the injector: %s" % attempt.err)
        self.look_around(attempt)
        return attempt

    def tidy(self, attempt):
        """After a lie about where the process stands the new root is built there; no kernel tells such lies."""
        for name in os.listdir(self.path("cwd")):
            path = self.path("cwd", name)
            try:
                (os.unlink if os.path.islink(path) or not os.path.isdir(path) else shutil.rmtree)(path)
            except FileNotFoundError:
                pass  # the other worker was faster
        attempt.left = [what for what in attempt.left if not what.startswith("file ")]

    def leaves_of(self, pid):
        """Groups of the run whose supervisor had this pid."""
        found = []
        for group in self.groups:
            try:
                found += [os.path.join(group, name) for name in os.listdir(group)
                          if name.startswith("belljar-%d-" % pid)]
            except OSError:
                continue
        return found

    def look_around(self, attempt):
        """A leaf is told by the pid in its name, a process by the injector, whose children all orphans become. A file
        would be where the command was started; shared directories are looked at once, after all sweeps."""
        attempt.leaves = self.leaves_of(attempt.pid) if attempt.pid else []
        new = leaks.mounts() - self.mounts
        attempt.left += ["mount " + mount for mount in sorted(new)]
        attempt.left += ["file " + name for name in os.listdir(self.path("cwd"))]


def host_lacks(build):
    """Why no sweep is possible here, or None."""
    for name in HELPERS:
        if not os.path.exists(os.path.join(build, "tests", "fault", name)):
            return "host lacks the test programs of a build directory (tests/fault/%s)" % name
    with tempfile.TemporaryFile() as report:
        done = subprocess.run([os.path.join(build, "tests", "fault", "inject"), "--report", str(report.fileno()), "--list",
                               "/bin/true"], check=False, pass_fds=(report.fileno(),))
        report.seek(0)
        if done.returncode != 0 or b"counted" not in report.read():
            return "host lacks ptrace(2)"
    return None
