"""Where the command is started on the test machine: control groups as systemd lays them out, a user, and what comes back.

Its own file because every program that runs inside of the machine starts commands in these places.
Changes when: systemd lays out control groups in another way.
"""
import json
import os
import subprocess

BELLJAR = "/job/belljar"
GROUPS = "/sys/fs/cgroup"
USER = 60777
PROGRAMS = "/tmp/programs"


class Place:
    """Where the command is started: a control group and a user, and what that must give."""

    def __init__(self, name, group, uid, controllers, leaves):
        self.name, self.group, self.uid, self.controllers, self.leaves = name, group, uid, controllers, leaves

    def start(self, argv, **more):
        prefix = ["sh", "-c", 'echo $$ >%s/cgroup.procs && exec "$@"' % (GROUPS + self.group), "sh"]
        if self.uid:
            prefix += ["setpriv", "--reuid", str(self.uid), "--regid", str(self.uid), "--clear-groups"]
        return subprocess.Popen([*prefix, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                cwd="/", **more)

    def call(self, *argv):
        child = self.start(argv)
        try:
            out, err = child.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        return child.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def run(self, options, *command):
        code, out, err = self.call(BELLJAR, "run", "--json", *options, "--", *command)
        try:
            return Result(code, json.loads(out), err)
        except ValueError:
            return Result(code, None, out + err)

    def load(self, options, *words):
        return self.run(["--file", "load=" + PROGRAMS + "/load", *options], "./load", *map(str, words))

    def look(self, options, *words):
        return self.run(["--file", "look=" + PROGRAMS + "/look", *options], "./look", *map(str, words))

    def python(self, options, code):
        return self.run(["--profile", "python", *options], "python3", "-c", code)


class Result:
    def __init__(self, code, value, message):
        self.code, self.value, self.message = code, value, message

    def __getitem__(self, key):
        if self.value is None:
            raise AssertionError("no result: exit %d, %s" % (self.code, self.message[:900]))
        return self.value[key]

    def __repr__(self):
        return "exit %d %s %s" % (self.code, json.dumps(self.value), self.message[:600])


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def group(path, owner=0, controllers=False):
    directory = GROUPS + path
    os.makedirs(directory, exist_ok=True)
    for name in ("", "/cgroup.procs", "/cgroup.threads", "/cgroup.subtree_control"):
        os.chown(directory + name, owner, owner)
    if controllers:
        write(directory + "/cgroup.subtree_control", "+memory +pids +cpu")


def places():
    """As systemd lays them out: a service with and without Delegate=yes, a user's own slice, and a login shell's scope."""
    group("/system.slice", 0, True)
    group("/system.slice/plain.service")
    group("/deleg.service")
    os.setxattr(GROUPS + "/deleg.service", "trusted.delegate", b"1")
    group("/deleg.service/main")
    group("/user.slice", 0, True)
    group("/user.slice/user@60777.service", USER, True)
    group("/user.slice/user@60777.service/app.slice", USER, True)
    group("/user.slice/user@60777.service/app.slice/run.scope", USER)
    group("/user.slice/delegated", USER)
    group("/user.slice/delegated/main", USER)
    group("/user.slice/session.scope")
    group("/system.slice/user.service", USER)
    manager = "/user.slice/user@60777.service/app.slice"
    return [
        Place("root", "", 0, True, ""),
        Place("root-delegated", "/deleg.service/main", 0, True, "/deleg.service"),
        Place("root-undelegated", "/system.slice/plain.service", 0, True, "/system.slice"),  # by its parent's controllers
        Place("user-scope", manager + "/run.scope", USER, True, manager),
        Place("user-delegated", "/user.slice/delegated/main", USER, True, "/user.slice/delegated"),
        Place("user-service", "/system.slice/user.service", USER, False, None),  # Delegate=yes before systemd 254
        Place("user-undelegated", "/user.slice/session.scope", USER, False, None),
    ]


def make_programs():
    os.makedirs(PROGRAMS, exist_ok=True)
    for name in ("load", "look"):
        subprocess.run(["gcc", "-O1", "-static", "-pthread", "-o", "%s/%s" % (PROGRAMS, name),
                        "/job/main/tests/e2e/programs/%s.c" % name], check=True)
    os.makedirs("/tmp/data", exist_ok=True)
    write("/tmp/data/file", "data\n")
    profile = json.loads(read("/job/main/profiles/python.json"))
    profile["proc"] = "own"
    write("/tmp/proc.json", json.dumps(profile))
