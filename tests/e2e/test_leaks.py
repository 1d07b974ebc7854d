"""The leak check can fail: each kind of thing left behind is found.

Its own file because every other test here leans on that check.
Changes when: the check looks for another kind of thing.
"""
import os
import subprocess
import time

import leaks
import pytest


def found(kind, before):
    return leaks.left_behind(before, patience_seconds=0.2).get(kind, [])


def test_nothing():
    assert leaks.left_behind(leaks.Picture(), patience_seconds=0.2) == {}


def test_descriptor():
    before = leaks.Picture()
    fd = os.open("/", os.O_RDONLY)
    try:
        assert len(found("descriptor", before)) == 1
    finally:
        os.close(fd)


def test_process_that_hides_in_another_session():
    """Its parent is gone: it falls to the tests' process, wherever it stood before."""
    before = leaks.Picture()
    subprocess.run(["sh", "-c", "setsid sleep 5 >/dev/null 2>&1 &"], check=True)
    left = found("process", before)
    assert len(left) == 1 and "sleep" in left[0]
    os.kill(int(left[0].split()[0]), 9)
    leaks.reap_orphans()


def test_file():
    before = leaks.Picture()
    path = "/tmp/belljar-0-%d" % os.getpid()
    with open(path, "w", encoding="ascii"):
        pass
    try:
        assert found("file", before) == [path]
    finally:
        os.unlink(path)


def test_leaf():
    groups = sorted(g for g in leaks.own_cgroups() if os.access(g, os.W_OK))
    if not groups:
        pytest.skip("host lacks a writable control group")
    before = leaks.Picture()
    path = "%s/belljar-0-%d" % (groups[0], os.getpid())
    os.mkdir(path)
    try:
        assert path in found("cgroup leaf", before)
    finally:
        os.rmdir(path)


def test_namespace():
    """A process that stays in namespaces of its own is a process and several namespaces too many."""
    before = leaks.Picture()
    child = subprocess.Popen(["unshare", "-Ur", "--net", "sleep", "5"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 3
        while child.poll() is None and not found("namespace", before) and time.monotonic() < deadline:
            time.sleep(0.02)  # it has to come so far as to make them
        if child.poll() is not None:
            pytest.skip("host lacks unprivileged user namespaces")
        assert found("namespace", before)
    finally:
        child.kill()
        child.wait()
