#!/usr/bin/env python3
"""Runs the subjects of the operator's day, one after the other, in a machine whose pid 1 is systemd.

Its own file because it is the half of tests/systemd/run.py that stands on the other side of the serial line.
Changes when: there is another subject.

/job/settings.json says which ("only"; none: all). Lines for the other side: "ok NAME", "FAIL NAME: why", "FACT {json}".
"""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "vm"))

import fall  # noqa: E402
import guard  # noqa: E402
import life  # noqa: E402
import operate  # noqa: E402
import walls  # noqa: E402
from checking import failed, guarded  # noqa: E402

SUBJECTS = {**life.SUBJECTS, **walls.SUBJECTS, **fall.SUBJECTS, **guard.SUBJECTS}


def main():
    with open("/job/settings.json", encoding="utf-8") as file:
        only = json.load(file)["only"]
    version = subprocess.run(["systemctl", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")[0]
    print("FACT " + json.dumps({"systemd": version.partition(" ")[2].partition("(")[2].strip(")"), "kernel": os.uname().release}))
    for name, function in SUBJECTS.items():
        if only and name not in only:
            continue
        began, before = time.monotonic(), len(failed)
        guarded(name, function)
        print("# %s: %.0f s" % (name, time.monotonic() - began), flush=True)
        if len(failed) > before:
            for line in operate.journal()[-12:]:
                print("# journal: %s" % line["MESSAGE"], flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
