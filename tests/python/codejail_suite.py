"""CodeJail's own tests, unmodified, against the package codejail of this tree: python3 codejail_suite.py [SOURCES]

Its own file because it is no part of the ordinary run: it fetches what others wrote. SOURCES is a checkout of CodeJail; without it
one is fetched. Everything runs in a network namespace of its own, because those tests contact a public address where nothing
confines them.
Changes when: a newer CodeJail is followed.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

REPOSITORY, VERSION = "https://github.com/openedx/codejail", "v4.1.0"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def call(*words, **options):
    subprocess.run(words, check=True, **options)


def environment(place, name, *packages):
    """A virtual environment with packages."""
    made = os.path.join(place, name)
    call("/usr/bin/python3", "-m", "venv", made)
    call(os.path.join(made, "bin", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages)
    return made


def tests_beside_ours(place, sources):
    """A package with our modules and their tests: those import what is beside them."""
    package = os.path.join(place, "run", "codejail")
    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(os.path.join(ROOT, "python-codejail", "codejail"), package, ignore=left_out)
    shutil.copytree(os.path.join(sources, "codejail", "tests"), os.path.join(package, "tests"), ignore=left_out)
    return os.path.dirname(package)


def main(arguments):
    failed = False
    with tempfile.TemporaryDirectory(prefix="codejail-suite-") as place:
        os.chmod(place, 0o755)
        sources = arguments[0] if arguments else os.path.join(place, "sources")
        if not arguments:
            call("git", "clone", "-q", "--depth", "1", "--branch", VERSION, REPOSITORY, sources)
        outside = environment(place, "outside", "pytest", "django", "six", "numpy", ROOT)
        inside = environment(place, "inside", "six", "numpy")
        here = tests_beside_ours(place, sources)
        for proxy in ("0", "1"):
            told = {**os.environ, "CODEJAIL_PROXY": proxy, "CODEJAIL_TEST_USER": "nobody", "CODEJAIL_TEST_VENV": inside,
                    "PYTHONDONTWRITEBYTECODE": "1"}
            words = ["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "--log-level=DEBUG", "codejail"]
            done = subprocess.run(["unshare", "-n", os.path.join(outside, "bin", "python"), *words], cwd=here, env=told,
                                  capture_output=True, text=True, check=False)
            failed |= done.returncode != 0
            if done.returncode:
                print(done.stdout[-20000:], done.stderr[-2000:])
            print("CODEJAIL_PROXY=%s: %s" % (proxy, (re.findall(r"\d+ \w+[^\n]* in [^\n]*", done.stdout) or ["no tally"])[-1]))
            print("".join(line + "\n" for line in done.stdout.splitlines() if line.startswith("SKIPPED")), end="")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
