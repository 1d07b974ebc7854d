#!/usr/bin/env python3
"""A host on which an ordinary user may make no user namespaces: nothing is run, and everybody is told why and what to do.

Its own file because here the whole suite is the other way round: a program that starts is the failure.
Changes when: Belljar gets a way to run without namespaces.

usage: refusal.py SYSCTL        SYSCTL is 0 already; lines as checking.py has them.
"""
import glob
import json
import os
import subprocess
import sys

from checking import check, failed, guarded
from places import BELLJAR, make_programs, places, read

CORPUS = "/job/shared/abuse"
MARK = "/tmp/mark"


def refused(name, place, result, sysctl):
    """Exit 125, a message with the sysctl, no output of a program, no file of it, and no control group."""
    check(name, result.code == 125 and sysctl in result.message and "fix:" in result.message and not os.listdir(MARK), result)
    if result.value is not None:
        check(name + " as data", result["status"] == "jail_error" and result["stdout"] == "" and sysctl in result["error"], result)


def check_profiles(place, sysctl):
    mount = ["--bind", MARK, "/mark"]
    for path in sorted(glob.glob("/job/main/profiles/*.json")):
        name = os.path.basename(path)[:-5]
        for layers in ([], ["--off", "user"], ["--prefer", "user"], ["--require", "user"], ["--off", "landlock,apparmor,seccomp"]):
            result = place.run(["--profile", name, *mount, *layers], "sh", "-c", "echo ran >/mark/ran; echo ran")
            refused("%s %s" % (name, " ".join(layers)), place, result, sysctl)


def check_corpus(place, sysctl):
    """Whatever is handed in: no line of it is executed."""
    cases = sorted(glob.glob(CORPUS + "/os/*.py") + glob.glob(CORPUS + "/resource/*.py"))
    for path in cases:
        name = os.path.basename(path)
        result = place.run(["--profile", "python", "--file", "%s=%s" % (name, path)], "python3", "./" + name)
        check("corpus " + name, result.code == 125 and sysctl in result.message and
              "CONTAINED" not in str(result) and "ESCAPED" not in str(result), result)


def check_doctor(place, sysctl):
    code, out, err = place.call(BELLJAR, "doctor")
    check("doctor", code != 0 and sysctl in out and "sysctl -w" in out, "exit %d: %s %s" % (code, out, err))
    code, out, err = place.call(BELLJAR, "doctor", "--json")
    try:
        data = json.loads(out)
    except ValueError:
        data = None
    check("doctor as data", data is not None and sysctl in json.dumps(data), "exit %d: %s %s" % (code, out, err))


def main():
    sysctl = sys.argv[1]
    make_programs()
    os.makedirs(MARK, exist_ok=True)
    os.chmod(MARK, 0o777)
    place = {place.name: place for place in places()}["user-scope"]
    assert read("/proc/sys/" + sysctl.replace(".", "/")).strip() == "0"
    bare = subprocess.run(["setpriv", "--reuid", str(place.uid), "--regid", str(place.uid), "--clear-groups", "unshare", "-Ur", "true"],
                          check=False, capture_output=True)
    check("the kernel refuses it too", bare.returncode != 0, bare)
    for function in (check_doctor, check_profiles, check_corpus):
        guarded(function.__name__, function, place, sysctl)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
