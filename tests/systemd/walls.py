"""What the unit takes from the service, what it leaves to its jails, and what the journal keeps.

Its own file because the unit's hardening must neither be missing nor reach into the jails.
Changes when: the unit gives the service something less.
"""
import json
import os
import re
import signal
import subprocess

from checking import check
from operate import (UNIT, events, execute, fresh, journal, moment, processes, read, systemctl, wait_for, write)

SELF_TEST = "/run/systemd/system/belljard-self-test.service"
PRIORITIES = {"debug": "7", "info": "6", "warning": "4", "error": "3"}
CAP_SYS_MODULE = 16


def within(pid, script):
    """What a shell says that sees the files as the process does."""
    done = subprocess.run(["nsenter", "-t", str(pid), "-m", "sh", "-c", script], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.stdout.strip()


def hardening():
    fresh()
    write("/home/secret", "x")
    write("/tmp/of-the-host", "x")
    for name, pid in processes().items():
        status = read("/proc/%d/status" % pid)
        bounding = int(re.search(r"CapBnd:\s*(\S+)", status).group(1), 16)
        check("hardening: no CAP_SYS_MODULE for " + name, not bounding >> CAP_SYS_MODULE & 1, hex(bounding))
    for name in ("belljard", "belljar-broker"):
        pid = processes()[name]
        for folder in ("/usr", "/etc", "/var", "/boot", "/opt", "/srv", "/"):
            if os.path.isdir(folder):
                said = within(pid, "touch %s/.new" % folder)
                check("hardening: %s cannot write to %s" % (name, folder), "Read-only file system" in said, said)
        for folder in ("/home", "/root"):
            check("hardening: %s does not see %s" % (name, folder), within(pid, "ls -A %s 2>/dev/null" % folder) == "", within(
                pid, "ls -A " + folder))
        check("hardening: %s has a /tmp of its own" % name, within(pid, "ls -A /tmp") == "", within(pid, "ls -A /tmp"))
        said = within(pid, "touch /run/belljar/.new && rm /run/belljar/.new")
        check("hardening: %s can write to /run/belljar" % name, said == "", said)
    limits = read("/proc/%d/limits" % processes()["belljard"])
    check("hardening: open files", re.search(r"Max open files\s+65536\s+65536", limits), limits)
    served, alone = layers(), layers_of_command()
    for one in (served, alone):
        one.pop("apparmor")  # not asked for, and not loaded
    check("hardening: the jails' walls are those of a command of root's", len(served) > 10 and served == alone, (served, alone))
    code, seed = "import random, time; print(random.random(), time.time())", {"seed": 7}
    result, again = execute(code, deterministic=seed), execute(code, deterministic=seed)
    check("hardening: deterministic runs repeat", result.get("status") == "ok" and result["stdout"] == again["stdout"], result)


def layers():
    return execute("1").get("layers")


def layers_of_command():
    subprocess.run(["systemd-run", "-q", "--unit", "a-command", "-p", "Type=oneshot", "-p", "Delegate=yes", "-p",
                    "StandardOutput=truncate:/run/a-command", "belljar", "run", "--json", "--profile", "python", "--",
                    "python3", "-c", "1"], check=True)
    return json.loads(read("/run/a-command"))["layers"]


def self_test():
    """With every line of the unit but those that make it a service that stays."""
    systemctl("stop", UNIT)
    unit = read("/usr/lib/systemd/system/belljard.service")
    unit = re.sub(r"(?m)^(Type|NotifyAccess|ExecReload|Restart|RestartSec|WatchdogSec)=.*\n", "", unit)
    unit, count = re.subn(r"(?m)^ExecStart=(\S+)$", r"Type=oneshot\nExecStart=\1 --self-test", unit)
    write(SELF_TEST, unit)
    systemctl("daemon-reload")
    after = moment()
    code, _ = systemctl("start", "belljard-self-test.service")
    said = [str(line["MESSAGE"]) for line in journal(after, "belljard-self-test.service")]
    check("self-test: every wall holds under the unit's settings", count == 1 and code == 0 and
          any("every wall that was tried held" in line for line in said), (code, said[-5:]))
    os.unlink(SELF_TEST)
    systemctl("daemon-reload")


def log():
    """In the journal: each line is JSON, and has its level."""
    after = moment()
    fresh()
    execute("print(1)")
    os.kill(processes()["belljar-front"], signal.SIGKILL)
    wait_for(lambda: any(line["said"]["event"] == "front_ended" for line in events(after)))
    lines = events(after)
    check("log: every line is one of JSON", len(lines) >= 10 and all(line["said"]["event"] for line in lines), [
        line["MESSAGE"] for line in lines if not line["said"]["event"]])
    wrong = [line["MESSAGE"] for line in lines if line["PRIORITY"] != PRIORITIES.get(line["said"].get("level"))]
    check("log: each has its level as priority", not wrong, wrong[:5])
    check("log: of all three", {line["said"]["process"] for line in lines} == {"keeper", "broker", "front"})
    check("log: a run is told", any(line["said"]["event"] == "run" and line["said"]["client"] == "operator" for line in lines))
    errors = subprocess.run(["journalctl", "-q", "-p", "err", "-o", "cat", "-u", UNIT], check=False, stdout=subprocess.PIPE,
                            text=True).stdout
    check("log: journalctl -p err shows the fall", '"event":"front_ended"' in errors and '"security":true' in errors, errors)
    check("log: it is the unit's, by its name", {line["SYSLOG_IDENTIFIER"] for line in lines} == {"belljard"})


SUBJECTS = {"hardening": hardening, "self_test": self_test, "log": log}
