#!/usr/bin/env python3
"""Root on a host on which nobody may make user namespaces: refused where the profile requires them, told where it prefers them.

Its own file because only here a jail stands on ids of the host, and everything that they reach must be looked at.
Changes when: the fallback does.

usage: fallback.py        user.max_user_namespaces is 0 already; lines as checking.py has them.
"""
import os
import subprocess
import sys

from checking import check, failed, guarded
from places import BELLJAR, PROGRAMS, make_programs, places

SYSCTL = "user.max_user_namespaces"


def check_required(place):
    result = place.run(["--require", "user"], "true")
    check("required", result.code == 125 and SYSCTL in result.message and "fix:" in result.message, result)
    result = place.run(["--profile", "/vm/shipped-profiles/default.json"], "true")
    check("shipped profiles require it", result.code == 125 and SYSCTL in result.message, result)


def check_told(place):
    result = place.run([], "true")
    check("fallback runs", result["status"] == "ok", result)
    check("fallback is told", result["layers"]["user"].startswith("unavailable: ") and SYSCTL in result["layers"]["user"], result)
    code, out, err = place.call(BELLJAR, "doctor")
    check("doctor", SYSCTL in out, "exit %d: %s %s" % (code, out, err))


def check_ids(place):
    """Two runs at one time are strangers on the host, and neither is root or a user of it."""
    load = ["--file", "load=" + PROGRAMS + "/load", "-w", "20", "--", "./load", "deaf"]
    children = [place.start([BELLJAR, "run", "--json", *load]) for _ in range(2)]
    subprocess.run(["sleep", "1.5"], check=True)
    owners = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/status" % entry, encoding="utf-8", errors="replace") as f:
                lines = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        except OSError:
            continue
        if int(lines.get("NSpid", "0").split()[-1]) != int(entry) and "\t" in lines["NSpid"]:
            owners[int(entry)] = (lines["Uid"].split(), lines["Gid"].split(), lines["Groups"].split(), lines["CapEff"], lines["CapBnd"])
    for child in children:
        child.terminate()
        child.communicate(timeout=20)
    ids = [owner[0][0] for owner in owners.values()]
    check("ids of their own", len(ids) >= 4 and len(set(ids)) == len(ids) and all(int(uid) > 65536 for uid in ids), owners)
    check("one id each", all(len(set(owner[0] + owner[1])) == 1 and not owner[2] for owner in owners.values()), owners)
    check("no capability", all(int(owner[3], 16) == 0 and int(owner[4], 16) == 0 for owner in owners.values()), owners)


def main():
    make_programs()
    place = {place.name: place for place in places()}["root-delegated"]
    for function in (check_required, check_told, check_ids):
        guarded(function.__name__, function, place)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
