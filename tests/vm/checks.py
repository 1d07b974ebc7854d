#!/usr/bin/env python3
"""What Belljar must do on a machine with control groups v2 alone, and with or without AppArmor and Landlock. Runs inside of it.

Its own file because it changes sysctls, groups, swap and profiles of its host, as no other test may.
Changes when: Belljar looks at another part of the host.

usage: checks.py full|bare      Lines as checking.py has them. full: control groups v2, AppArmor; bare: without both and Landlock.
"""
import json
import os
import subprocess
import sys
import time

from checking import check, failed, guarded
from places import BELLJAR, GROUPS, PROGRAMS, Result, make_programs, places, read, write

PACKAGING = "/job/main/packaging/apparmor"


def leaves():
    return [os.path.join(directory, name) for directory, names, _ in os.walk(GROUPS) for name in names
            if name.startswith("belljar-")]


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    return what()


def check_doctor(place):
    code, out, err = place.call(BELLJAR, "doctor")
    line = next((line for line in out.splitlines() if line.startswith("cgroup ")), "")
    good = "v2, memory, pids, kill" in line if place.controllers else " missing" in line or " partly" in line or "no memory" in out
    check(place.name + " doctor", code == 0 and good, "exit %d: %s %s" % (code, out, err))


def check_ordinary_runs(place):
    result = place.run([], "true")
    check(place.name + " true", result["status"] == "ok", result)
    layers = result["layers"]
    if place.controllers:
        check(place.name + " cgroup layer", layers["cgroup"] == "v2, memory, pids, kill", layers)
        check(place.name + " memory from cgroup", result["usage"]["memory_source"] == "cgroup", result["usage"])
    else:
        check(place.name + " cgroup layer", layers["cgroup"].startswith("unavailable: no memory and pids limit"), layers)
        required = place.run(["--require", "cgroup"], "true")
        check(place.name + " required cgroup fails", required.code == 125 and "cgroup" in required.message, required)
    result = place.python([], "print(6 * 7)")
    check(place.name + " python3", (result["status"], result["stdout"]) == ("ok", "42\n"), result)
    result = place.run(["--profile", "sh", "-p", "8"], "sh", "-c", "echo a b c | wc -w; exit 3")
    check(place.name + " sh", (result["status"], result["exit_code"], result["stdout"]) == ("exit", 3, "3\n"), result)
    result = place.python(["--profile", "/tmp/proc.json"], "import os; print(os.readlink('/proc/self/ns/time'))")
    on, inside = result["layers"]["time"] == "on", result["stdout"].strip()
    check(place.name + " time namespace", inside.startswith("time:") and on == (inside != os.readlink("/proc/self/ns/time")) and
          (on or result["layers"]["time"].startswith("unavailable: ")), result)


def check_old_clone3(place):
    """clone3 refused CLONE_NEWTIME until 6.3 and 6.1.16 (kernel commit a402f1e35313): the first one answers as it did then."""
    old = ["strace", "-o", "/dev/null", "-e", "trace=clone3", "-e", "inject=clone3:error=EINVAL:when=1", BELLJAR, "run", "--json"]
    code, out, err = place.call(*old, "--", "true")
    result = Result(code, json.loads(out) if out.startswith("{") else None, out + err)
    check(place.name + " without a time namespace", result["status"] == "ok" and
          result["layers"]["time"].startswith("unavailable: "), result)
    code, out, err = place.call(*old, "--require", "time", "--", "true")
    check(place.name + " required time namespace fails", code == 125 and "time" in err, "exit %d %s %s" % (code, out, err))


def check_limits(place):
    result = place.load(["-t", "0.6", "-w", "30", "-p", "16"], "burn", 3, 0)
    check(place.name + " cpu limit of a tree", (result["status"], result["limit"]) == ("time_limit", "cpu"), result)
    result = place.load(["-w", "0.7"], "deaf")
    check(place.name + " wall limit", (result["status"], result["limit"]) == ("time_limit", "wall"), result)
    result = place.load(["-p", "5", "-w", "10"], "forks", 20, 3)
    lines = dict(line.split("=", 1) for line in result["stdout"].splitlines())
    check(place.name + " process limit", lines.get("fork") == "EAGAIN" and int(lines["made"]) <= (4 if place.controllers else 6) and
          (not place.controllers or result["status"] == "process_limit"), result)
    result = place.load(["-m", "32M", "-w", "20"], "allocate", 200 << 20)
    if place.controllers:
        check(place.name + " memory limit", (result["status"], result.code) == ("memory_limit", 137) and
              (16 << 20) < result["usage"]["memory_peak_bytes"] <= (33 << 20), result)
        result = place.load(["-m", "48M", "-w", "20", "-p", "16"], "allocate", 20 << 20, 5)
        check(place.name + " memory limit of a tree", result["status"] == "memory_limit", result)
        result = place.load(["-m", "32M", "-w", "10"], "signal", 9)
        check(place.name + " SIGKILL of its own is a signal", result["status"] == "signal", result)
    else:
        check(place.name + " memory limit by address space", "allocate=ok" not in result["stdout"] and
              result["status"] in ("exit", "memory_limit"), result)


def check_leaf(place):
    """What is written into the leaf, seen while the run lives; then the end of all that is in it."""
    child = place.start([BELLJAR, "run", "--json", "-m", "40M", "-p", "5", "-w", "60", "--file", "load=" + PROGRAMS + "/load", "--",
                         "./load", "deaf"])
    found = wait_for(lambda: [leaf for leaf in leaves() if "populated 1" in read(leaf + "/cgroup.events")])
    where = GROUPS + place.leaves
    check(place.name + " leaf in its place", len(found) == 1 and os.path.dirname(found[0]) == where, found)
    leaf = found[0]
    if place.controllers:
        values = {name: read(leaf + "/" + name).strip() for name in ("memory.max", "memory.oom.group", "pids.max")}
        check(place.name + " limits of the leaf",
              values == {"memory.max": str(40 << 20), "memory.oom.group": "1", "pids.max": "6"}, values)
        check(place.name + " no swap", read(leaf + "/memory.swap.max").strip() == "0")
    child.kill()  # it cannot tidy up: the kernel ends the jail, the next run takes the leaf away
    child.communicate()
    check(place.name + " jail ends with its supervisor", wait_for(lambda: "populated 0" in read(leaf + "/cgroup.events")))
    place.run([], "true")
    check(place.name + " stale leaf swept", not leaves(), leaves())
    child = place.start([BELLJAR, "run", "--json", "-w", "60", "-p", "8", "--profile", "sh", "--", "sh", "-c",
                         "trap '' TERM; (setsid sleep 50 &); sleep 50"])
    [leaf] = wait_for(lambda: [leaf for leaf in leaves() if len(read(leaf + "/cgroup.procs").split()) >= 4])
    write(leaf + "/cgroup.kill", "1")
    out, _ = child.communicate(timeout=20)
    check(place.name + " cgroup.kill from outside is told", "without a report (signal 9)" in json.loads(out)["error"], out[:600])


def check_swap(place):
    """With swap on the host a guest must not get more memory than it was given."""
    result = place.load(["-m", "32M", "-w", "30"], "allocate", 100 << 20)
    check(place.name + " memory limit with swap", result["status"] == "memory_limit", result)


def check_denials(place):
    result = place.look([], "socket", 2, 3)
    check(place.name + " denial counted", result["denials"] == [{"layer": "seccomp", "what": "socket(AF_INET)", "count": 3}], result)
    result = place.look([], "syscall", 165, 0, 0, 0, 0, 0)
    check(place.name + " mount denied", result["stdout"] == "syscall=EPERM\n", result)
    result = place.look([], "int80")
    check(place.name + " foreign calls", result["status"] == "denied", result)


def check_place(place):
    for function in (check_doctor, check_ordinary_runs, check_limits, check_denials):
        guarded(place.name + " " + function.__name__, function, place)
    if place.leaves is not None:
        guarded(place.name + " check_leaf", check_leaf, place)
    check(place.name + " leaves removed", not leaves(), leaves())


def check_not_loaded(place):
    result = place.run([], "true")
    check(place.name + " apparmor not loaded is told", "belljar-guest is not loaded" in result["layers"]["apparmor"], result)
    result = place.run(["--require", "apparmor"], "true")
    check(place.name + " apparmor required but not loaded", result.code == 125 and "apparmor_parser" in result.message, result)


READ_LABEL = "print(open('/proc/self/attr/current').read())"
READ_SECURE = "import ctypes; print(ctypes.CDLL(None).getauxval(23))"  # AT_SECURE: the dynamic linker would ignore variables
SOCKET = "import socket\ntry: socket.socket(); print('through')\nexcept OSError as e: print(e.errno)"


def check_loaded(place):
    result = place.run(["--require", "apparmor"], "true")
    check(place.name + " apparmor on", result["status"] == "ok" and result["layers"]["apparmor"] == "belljar-guest", result)
    result = place.python(["--profile", "/tmp/proc.json", "--off", "seccomp"], READ_LABEL)
    check(place.name + " label inside", result["stdout"].strip() == "belljar-guest (enforce)", result)
    result = place.python([], READ_SECURE)
    check(place.name + " apparmor makes no secure exec", result["stdout"] == "0\n", result)
    open_filter = ["--off", "seccomp,denial_report"]
    with_it = place.python(open_filter, SOCKET)
    without = place.python([*open_filter, "--off", "apparmor"], SOCKET)
    check(place.name + " apparmor enforces", (with_it["stdout"], without["stdout"]) == ("13\n", "through\n"), (with_it, without))
    bound = ["--profile", "sh", "--ro-bind", "/tmp/data", "/data"]
    with_it = place.run([*bound, "--require", "apparmor"], "cat", "/data/file")
    preferred = place.run(bound, "cat", "/data/file")
    check(place.name + " paths not in the profile", with_it["exit_code"] == 1 and "denied" in with_it["stderr"] and
          preferred["stdout"] == "data\n" and "does not show" in preferred["layers"]["apparmor"], (with_it, preferred))
    result = place.python([], "open('/box/x','w').write('y'); import tempfile; f=tempfile.TemporaryFile(); f.write(b'z');"
                              "import os; os.link('/box/x','/box/z'); print(os.listdir('/box'))")
    check(place.name + " own files under apparmor", result["status"] == "ok", result)


def check_sysctl(name, value, user, root):
    path = "/proc/sys/" + name.replace(".", "/")
    before = read(path)
    write(path, value)
    try:
        code, out, err = user.call(BELLJAR, "doctor")
        check("user %s=%s doctor" % (name, value), code != 0 and name in out + err, "exit %d %s %s" % (code, out, err))
        result = user.run([], "true")
        check("user %s=%s run" % (name, value), result.code == 125 and name in result.message, result)
        result = user.run(["--off", "user"], "true")
        check("user %s=%s --off user" % (name, value), result.code == 125 and ("only root" in result.message or name in result.message),
              result)
        result = root.run(["--off", "user"], "true")
        check("root %s=%s --off user" % (name, value), result["status"] == "ok" and result["layers"]["user"].startswith("off"),
              result)
        result = root.run([], "true")
        works = result.value is not None and result["status"] == "ok"
        closed = result.code == 125 and name in result.message
        check("root %s=%s run" % (name, value), works if "clone" in name else closed, result)
    finally:
        write(path, before)


def check_without_landlock(place):
    code, out, err = place.call(BELLJAR, "doctor")
    check(place.name + " doctor without landlock", code == 0 and "add landlock to lsm=" in out, "exit %d %s %s" % (code, out, err))
    result = place.run([], "true")
    layers = result["layers"]
    check(place.name + " missing landlock is named", result["status"] == "ok" and
          layers["landlock"].startswith("unavailable: disabled at boot"), result)
    check(place.name + " missing apparmor is named", layers["apparmor"].startswith("unavailable: "), layers)
    for layer in ("landlock", "apparmor"):
        result = place.run(["--require", layer], "true")
        check("%s required %s fails" % (place.name, layer), result.code == 125 and layer in result.message, result)
    result = place.python([], "print(open('/etc/passwd').read())")
    check(place.name + " walls without landlock", result["status"] != "ok" and "root:" not in result["stdout"], result)


def make_swap():
    subprocess.run("head -c 300M /dev/zero >/var/tmp/swap && chmod 600 /var/tmp/swap && mkswap -q /var/tmp/swap && "
                   "swapon /var/tmp/swap", shell=True, check=True, stdout=subprocess.DEVNULL)


def main():
    make_programs()
    everywhere = places()
    by_name = {place.name: place for place in everywhere}
    if sys.argv[1] == "bare":
        for name in ("root", "user-scope"):
            guarded(name, check_without_landlock, by_name[name])
    else:
        for name in ("root", "user-scope"):
            guarded(name, check_not_loaded, by_name[name])
        for place in everywhere:
            check_place(place)
        for name in ("root", "user-scope"):
            guarded(name, check_old_clone3, by_name[name])
        subprocess.run(["apparmor_parser", "-r", PACKAGING + "/belljar-guest"], check=True)
        for name in ("root", "user-scope", "user-undelegated"):
            guarded(name, check_loaded, by_name[name])
        check_place(by_name["root-delegated"])  # everything again, under AppArmor
        for name, value in (("kernel.unprivileged_userns_clone", "0"), ("user.max_user_namespaces", "0")):
            guarded(name, check_sysctl, name, value, by_name["user-scope"], by_name["root"])
        make_swap()
        for name in ("root", "user-scope"):
            guarded(name, check_swap, by_name[name])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
