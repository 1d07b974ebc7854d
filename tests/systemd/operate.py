"""What an operator does with a service: systemctl, the journal, requests; and what he sees of its processes and control groups.

Its own file because every subject of inside.py is tried by the same hand.
Changes when: the service is asked in another way, or systemd tells something in another way.
"""
import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time

UNIT = "belljard.service"
UNIX = "/run/belljar/http.sock"
GROUPS = "/sys/fs/cgroup"
CONFIG = "/etc/belljar/belljard.json"
DROPINS = "/run/systemd/system/belljard.service.d"
SECONDS = 120  # for what takes a second where nothing is emulated
TOKENS = {}


def systemctl(*words, timeout=300):
    """(exit status, what it said)."""
    done = subprocess.run(["systemctl", "--no-pager", *words], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=timeout)
    return done.returncode, done.stdout


def show(name, unit=UNIT):
    return systemctl("show", "--value", "-p", name, unit)[1].strip()


def state(unit=UNIT):
    return show("ActiveState", unit)


def wait_for(what, seconds=SECONDS):
    """What it returned first that counts as true, or last."""
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().strip()


def write(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(value if isinstance(value, str) else json.dumps(value, indent=1))


# ---- its configuration ----

def configure(**changes):
    """The example that is shipped, with a token of our own in the place of its; what Belljar is started with from now on."""
    if not TOKENS:
        token, entry = subprocess.run(["belljard", "--new-token", "operator"], check=True, stdout=subprocess.PIPE,
                                      text=True).stdout.split("\n", 1)
        TOKENS.update(token=token, entry=json.loads(entry))
    with open("/usr/share/belljar/belljard.json", encoding="utf-8") as file:
        config = json.load(file)
    config["tokens"] = [TOKENS["entry"]]
    config["profiles"].append({"name": "many"})
    write(CONFIG, {**config, **changes})
    with open("/usr/share/belljar/profiles/python.json", encoding="utf-8") as file:
        profile = json.load(file)
    profile["limits"].update(wall_seconds=60, cpu_seconds=60, processes=64)  # python, for who wants to fork
    write("/etc/belljar/profiles/many.json", profile)


def drop_in(name, text):
    write(os.path.join(DROPINS, name + ".conf"), text)
    systemctl("daemon-reload")


def no_drop_ins():
    shutil.rmtree(DROPINS, ignore_errors=True)
    systemctl("daemon-reload")


def fresh():
    """The service with the example's configuration, running alone, as the units have it; nothing before counts as a failure."""
    systemctl("disable", "--now", "belljard.socket")
    systemctl("stop", UNIT)
    no_drop_ins()
    systemctl("reset-failed")
    configure()
    code, said = systemctl("start", UNIT)
    if code:
        raise AssertionError("it does not start: %s %s" % (said, [line.get("MESSAGE") for line in journal()[-8:]]))


# ---- requests ----

class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(UNIX)


def ask(path, body=None, unix=False, timeout=SECONDS):
    """(status, value)."""
    connection = Unix("localhost", timeout=timeout) if unix else http.client.HTTPConnection("127.0.0.1", 8060, timeout=timeout)
    headers = {"Connection": "close"}
    if TOKENS and not unix:
        headers["Authorization"] = "Bearer " + TOKENS["token"]
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
    return answer.status, json.loads(text) if text.startswith(("{", "[")) else text


def tried(path, **more):
    """The status, or why there is none."""
    try:
        return ask(path, **more)[0]
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__


def execute(code, **more):
    """The result of a run; a problem where there was none."""
    return ask("/v1/exec", {"code": code, **more})[1]


class Runs:
    """Runs side by side, each in a thread of its own; .results once they have ended."""

    def __init__(self, *codes, **more):
        self.results = [None] * len(codes)
        self.threads = [threading.Thread(target=self._run, args=(n, code, more), daemon=True) for n, code in enumerate(codes)]
        for thread in self.threads:
            thread.start()

    def _run(self, n, code, more):
        try:
            self.results[n] = execute(code, **more)
        except (OSError, http.client.HTTPException) as error:
            self.results[n] = {"status": type(error).__name__}

    def end(self):
        for thread in self.threads:
            thread.join(300)
        return self.results

    def statuses(self):
        return [(result or {}).get("status") for result in self.end()]


def running():
    """Groups of runs of the profile many; parked jails have fewer processes."""
    return [leaf for leaf in leaves(group()) if int(read(leaf + "/pids.max")) > 8]


def figure(name, value):
    print("FACT " + json.dumps({name: round(value, 2)}), flush=True)


# ---- its processes and control groups ----

def group():
    return GROUPS + show("ControlGroup")


def members(folder):
    """Of the group and of all below it."""
    found = []
    for directory, _, _ in os.walk(folder):
        try:
            found += [int(word) for word in read(directory + "/cgroup.procs").split()]
        except OSError:
            continue
    return found


def leaves(folder=GROUPS):
    """Groups of runs, with somebody in them."""
    found = []
    for directory, names, _ in os.walk(folder):
        for name in names:
            path = os.path.join(directory, name)
            if name.startswith("belljar-") and members(path):
                found.append(path)
    return found


def name_of(pid):
    try:
        return read("/proc/%d/comm" % pid)
    except OSError:
        return ""


def alive(pid):
    try:
        return read("/proc/%d/stat" % pid).rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def processes():
    """{name: pid} of keeper, broker and front."""
    return {name_of(pid): pid for pid in members(group() + "/service") if name_of(pid).startswith("bellja")}


def left_over():
    """What a service that has ended may not leave behind: processes, control groups, sockets."""
    found = ["process %s %s" % (pid, name_of(int(pid))) for pid in os.listdir("/proc")
             if pid.isdigit() and name_of(int(pid)).startswith(("belljar", "init"))]
    for directory, names, _ in os.walk(GROUPS):
        found += ["group " + os.path.join(directory, name) for name in names if "belljar" in name and not name.endswith(".slice")]
    if os.path.isdir("/run/belljar"):
        found += ["file /run/belljar/" + name for name in os.listdir("/run/belljar")]
    return found


# ---- its log ----

def moment():
    """Now, as the journal counts it. (With a filter, --after-cursor of systemd 252 swallows the first line.)"""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def journal(after=0, unit=UNIT):
    """Lines of the journal about the unit, the service's own and systemd's."""
    subprocess.run(["journalctl", "--sync"], check=False)
    text = subprocess.run(["journalctl", "-q", "-b", "-o", "json", "--no-pager", "-u", unit], check=False, stdout=subprocess.PIPE,
                          text=True).stdout
    return [line for line in map(json.loads, text.splitlines()) if int(line["__MONOTONIC_TIMESTAMP"]) >= after]


def events(after=0):
    """The service's own lines of the journal, each with its line of JSON as "said"."""
    found = []
    for line in journal(after):
        if line.get("_SYSTEMD_UNIT") == UNIT:
            try:
                line["said"] = json.loads(line["MESSAGE"])
            except (ValueError, TypeError):
                line["said"] = {"event": None}
            found.append(line)
    return found


def said(event, after=0):
    return [line["said"] for line in events(after) if line["said"]["event"] == event]
