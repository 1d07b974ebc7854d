#!/usr/bin/env python3
"""Sets the test machine up as its configuration says, runs its suites, and says what came of each. Runs inside of it.

Its own file because it is the half of tests/vm/run that stands on the other side of the serial line.
Changes when: a configuration has another setting, or a suite is run in another way.

/job/settings.json has the configuration. Lines for the other side: "SUITE {json}" and "FACT {json}"; the rest is for people.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import time

import places
from checking import summary

HERE = os.path.dirname(os.path.abspath(__file__))
MAIN = "/job/main"
BUILD = "/job/build"
CORPUS = "/job/shared/abuse"
PLACE = {("delegated", "root"): "root-delegated", ("delegated", "user"): "user-scope", ("delegated", "unshared"): "user-scope",
         ("undelegated", "user"): "user-undelegated"}


def tell(kind, **data):
    print(kind + " " + json.dumps(data), flush=True)


def enter_group(settings):
    """This process and all that it starts."""
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        by_name = {place.name: place for place in places.places()}
        name = PLACE.get((settings["group"], settings["mode"]))
        group = [places.GROUPS + by_name[name].group] if name else []
    else:  # v1: a service of its own in each hierarchy, as systemd and container managers make them
        group = [os.path.join(folder, "job.service") for folder in glob.glob("/sys/fs/cgroup/*") if not os.path.islink(folder)]
        for folder in group:
            os.makedirs(folder, exist_ok=True)
    for folder in group:
        places.write(folder + "/cgroup.procs", str(os.getpid()))


def change_profiles(layers):
    """In the operator's folder, and in the tree, where the tests of the jail group take them from."""
    shutil.copytree(MAIN + "/profiles", "/vm/shipped-profiles")
    os.makedirs("/etc/belljar/profiles", exist_ok=True)
    for path in glob.glob(MAIN + "/profiles/*.json"):
        profile = json.loads(places.read(path))
        profile["layers"] = {**profile.get("layers", {}), **layers}
        places.write(path, json.dumps(profile))
        shutil.copy(path, "/etc/belljar/profiles")


def set_up(settings):
    enter_group(settings)
    if settings["apparmor"]:
        subprocess.run(["apparmor_parser", "-r", MAIN + "/packaging/apparmor/belljar-guest"], check=True)
    if settings["layers"]:
        change_profiles(settings["layers"])
    for name, value in settings["sysctl"].items():
        places.write("/proc/sys/" + name.replace(".", "/"), str(value))


def run_suite(settings, suite, only):
    report = "/tmp/report.json"
    argv = ["/usr/bin/python3", MAIN + "/tests/support/suites.py", "--build", BUILD, "--as", settings["mode"], "--group", suite,
            "--json", report, *(["--only", only] if only else [])]
    if os.path.isdir(CORPUS):
        argv += ["--corpus", CORPUS]
    status = subprocess.run(argv, check=False, cwd=MAIN).returncode
    try:
        result = json.loads(places.read(report))["groups"][suite]
        os.unlink(report)
    except (OSError, ValueError, KeyError) as error:
        return {"passed": 0, "failures": [{"name": suite, "why": "ended with %d without a report (%s)" % (status, error)}], "skips": []}
    return {key: result[key] for key in ("passed", "failures", "skips")}


def run_checks(words):
    child = subprocess.Popen(["/usr/bin/python3", os.path.join(HERE, words[0]), *words[1:]], stdout=subprocess.PIPE, text=True,
                             errors="replace")
    lines = []
    for line in child.stdout:
        print(line, end="", flush=True)
        lines.append(line.rstrip("\n"))
    passed, failures = summary(lines)
    if child.wait() and not failures:
        failures.append((words[0], "ended with %d although no check failed" % child.returncode))
    return {"passed": passed, "failures": [{"name": name, "why": why} for name, why in failures], "skips": []}


def facts(settings):
    doctor = subprocess.run([places.BELLJAR, "doctor"], check=False, capture_output=True, text=True).stdout
    tell("FACT", kernel=os.uname().release, command_line=places.read("/proc/cmdline").strip(),
         lsm=places.read("/sys/kernel/security/lsm").strip(), doctor=doctor, name=settings["name"], commit=settings["commit"])
    print(doctor, flush=True)


def main():
    settings = json.loads(places.read("/job/settings.json"))
    sys.dont_write_bytecode = True
    os.environ.update(BELLJAR_ALONE="1", BELLJAR_SHORT="1")  # nobody else is at work here; and it may be emulated
    set_up(settings)
    facts(settings)
    for suite, only in settings["suites"]:
        began = time.monotonic()
        result = run_checks(settings["checks"].split()) if suite == "checks" else run_suite(settings, suite, only)
        tell("SUITE", suite=suite, seconds=round(time.monotonic() - began, 1), **result)


if __name__ == "__main__":
    main()
