"""The Python packages, built and installed as a user would: pip install . into a fresh virtual environment.

Its own file because pytest reads it first: the packages are imported from there.
Changes when: they are installed in another way.
"""

import glob
import os
import subprocess
import sys
import tempfile

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INSTALLED = tempfile.TemporaryDirectory(prefix="belljar-python-")
# In this order: each may need those before it. Django is what configures CodeJail in its largest user.
PACKAGES = [ROOT, os.path.join(ROOT, "python-codejail"), os.path.join(ROOT, "python-sandbox"), "django"]
LACKS = []  # why there is no package


def install(directory):
    """None, or what the machine lacks. A failed build is an error."""
    made = subprocess.run(["/usr/bin/python3", "-m", "venv", directory], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return "python3-venv: " + made.stdout[-300:].strip()
    pip = [os.path.join(directory, "bin", "python"), "-m", "pip", "install", "--disable-pip-version-check", "-q"]
    index = subprocess.run([*pip, "--dry-run", "meson-python"], capture_output=True, text=True, check=False)
    if index.returncode != 0:
        return "a package index for pip: " + index.stderr[-300:].strip()
    for package_ in PACKAGES:
        done = subprocess.run([*pip, package_], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return None


def pytest_configure(config):
    os.chmod(INSTALLED.name, 0o755)
    lacks = install(os.path.join(INSTALLED.name, "venv"))
    if lacks:
        LACKS.append(lacks)
    else:
        sys.path[:0] = glob.glob(os.path.join(INSTALLED.name, "venv", "lib", "python3*", "site-packages"))


def pytest_unconfigure(config):
    INSTALLED.cleanup()


@pytest.fixture(autouse=True)
def package():
    if LACKS:
        pytest.skip("host lacks " + LACKS[0])


@pytest.fixture
def venv():
    """The python of the environment that the package was installed into."""
    return os.path.join(INSTALLED.name, "venv", "bin", "python")


@pytest.fixture(scope="module")
def sandbox():
    import belljar
    with belljar.Sandbox(jails=3, limits={"wall_seconds": 5}) as kept:
        yield kept
