"""Programs that people really write run unchanged: what they print under glass is what they print without it.

Its own file because the programs are many and the test is one; they lie in tests/snippets, and harm nobody.
Changes when: a snippet runs in another way.
"""
import os
import subprocess

import belljar_run
import pytest

FOLDER = os.path.join(belljar_run.ROOT, "tests", "snippets")
NAMES = sorted(name for name in os.listdir(FOLDER) if name.endswith(".py"))
EMULATED = os.environ.get("BELLJAR_SHORT") == "1"


def text_of(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
        return f.read()


def profile_for(name):
    """The profile python has one process, and so one thread, and no installed packages."""
    return "python-packages" if any(word in text_of(name) for word in ("numpy", "thread")) else "python"


@pytest.fixture(scope="session")
def numpy_here():
    return subprocess.run(["/usr/bin/python3", "-c", "import numpy"], check=False, capture_output=True).returncode == 0


def run_bare(name, directory):
    done = subprocess.run(["/usr/bin/python3", "-I", os.path.join(FOLDER, name)], stdin=subprocess.DEVNULL, capture_output=True,
                          cwd=directory, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b""), done
    return done.stdout


def test_there_are_a_hundred():
    assert len(NAMES) == 100


@pytest.mark.parametrize("name", NAMES)
def test_it_prints_the_same(belljar, pooled, numpy_here, name, tmp_path):
    if "numpy" in text_of(name) and not numpy_here:
        pytest.skip("host lacks python3-numpy")
    expected = run_bare(name, tmp_path)
    for command in (belljar, *([pooled] if pooled else [])):
        result = belljar_run.run_argv([command, "exec", "--json", "--profile", profile_for(name), *(["-w", "60", "-t", "60"] if EMULATED else []),
                                       os.path.join(FOLDER, name)])
        assert (result.status, result.bytes("stdout"), result.stderr) == ("ok", expected, ""), (command, result)


@pytest.mark.parametrize("name", NAMES[::3])
def test_it_prints_the_same_with_a_record(belljar, numpy_here, name, tmp_path):
    """Coroutines, metaclasses, descriptors, databases: whatever the tracer looks into, it changes nothing."""
    if "numpy" in text_of(name) and not numpy_here:
        pytest.skip("host lacks python3-numpy")
    expected = run_bare(name, tmp_path)
    result = belljar_run.run_argv([belljar, "exec", "--json", "--trace-steps", "100000", "--output-limit", "2M", "--profile", profile_for(name),
                                   "-w", "60", "-t", "60", os.path.join(FOLDER, name)])
    assert (result.status, result.bytes("stdout"), result.stderr) == ("ok", expected, ""), result
    assert result.trace["truncated"] or result.trace["steps"][-1]["event"] in ("return", "exception"), result
