"""Writes down what a long suite found: one JSON file in docs/evidence for each suite.

Its own file because every long suite keeps the same facts, and the README's table is made of nothing else.
Changes when: another fact of a run is worth keeping.
"""
import datetime
import json
import os
import platform
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "docs", "evidence")
# In the order of the README's table: suite, what it shows.
SUITES = [("tests", "Everything that `make test` runs"), ("pythons", "The guest with every CPython that is found"),
          ("modes", "Root, ordinary user, root of a user namespace"),
          ("vm", "Debian's kernel in a virtual machine, in several configurations"), ("systemd", "The service under systemd as pid 1, in a virtual machine"),
          ("containers", "Inside unprivileged containers"),
          ("fault", "Every operation, system call and allocation fails once"),
          ("sabotage", "Every attack with every wall taken away in turn"), ("fuzz", "Fuzzers"),
          ("sanitizers", "AddressSanitizer and UndefinedBehaviorSanitizer, the jail on"),
          ("analysis", "Static analysis"), ("soak", "Mixed runs at full speed"),
          ("flood", "Floods of the service"), ("chaos", "Processes of the service killed at random, under load")]


def commit():
    """The commit that was tried; "+" when the sources were changed since. What this module writes does not count."""
    def git(*words):
        return subprocess.run(["git", "-C", ROOT, *words], check=False, capture_output=True, text=True).stdout.strip()
    changed = git("status", "--porcelain", "--", "include", "src", "profiles", "tests", "fuzz", "tools")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


def host():
    kernel = platform.release().split("-")[0]
    return "Linux %s, %s, %d processors" % (kernel, platform.machine(), os.cpu_count() or 1)


def record(suite, *, command, passed, failed, skipped, seconds, says, details=None):
    """says: one sentence with the figures. details: whatever else of JSON is worth keeping."""
    if suite not in dict(SUITES):
        raise ValueError("evidence: %r is not a suite; there are %s" % (suite, ", ".join(dict(SUITES))))
    fact = {"suite": suite, "command": command, "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
            "commit": commit(), "host": host(), "passed": passed, "failed": failed, "skipped": skipped,
            "seconds": round(seconds), "says": says}
    if details is not None:
        fact["details"] = details
    os.makedirs(FOLDER, exist_ok=True)
    with open(os.path.join(FOLDER, suite + ".json"), "w", encoding="utf-8") as f:
        json.dump(fact, f, indent=1, ensure_ascii=False)
        f.write("\n")


def recorded():
    """All facts, in the order of the table."""
    facts = []
    for suite, _ in SUITES:
        path = os.path.join(FOLDER, suite + ".json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                facts.append(json.load(f))
    return facts
