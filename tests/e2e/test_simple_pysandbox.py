"""simple_pysandbox: one JSON object with what the code wrote, whatever became of it.

Its own file because it is a program of its own.
Changes when: its object or its limits change.
"""
import json
import os
import signal
import subprocess

import belljar_run
import pytest


@pytest.fixture(scope="module")
def tool(belljar):
    path = os.path.join(os.path.dirname(os.path.realpath(belljar)), "simple_pysandbox")
    if not os.path.exists(path):
        pytest.skip("host lacks a simple_pysandbox beside this belljar")
    with open(path, "rb") as program:
        if b"__asan_init" in program.read():
            pytest.skip("host lacks a build without AddressSanitizer, which takes more than its limit of address space")
    return path


@pytest.fixture
def sandbox(tool):
    def run(code, **more):
        done = belljar_run.run_argv([tool, code], **more)
        assert (done.returncode, done.err) == (0, b""), (done.returncode, done.err, done.out)
        told = json.loads(done.out)
        assert list(told) == ["code", "user_stdout", "user_stderr"] and done.out.count(b"\n") == 1
        return told
    return run


def test_what_it_wrote(sandbox):
    code = "import sys\nprint('hello world')\nprint('caf\u00e9', file=sys.stderr)"
    assert sandbox(code) == {"code": code, "user_stdout": "hello world\n", "user_stderr": "caf\u00e9\n"}
    assert sandbox("x = float('nan')")["user_stderr"] == ""
    assert sandbox("") == {"code": "", "user_stdout": "", "user_stderr": ""}


def test_input(sandbox):
    assert sandbox("print(input() * 2)", stdin=b"ab\n")["user_stdout"] == "abab\n"


@pytest.mark.parametrize("code, out, last", [
    ("print('on', flush=True)\nwhile True: pass", "on\n", "Time Limit Exceeded (cpu)"),
    ("print('on', flush=True)\nimport time; time.sleep(60)", "on\n", "Time Limit Exceeded (wall)"),
    ("print('on', flush=True)\nimport os; os.kill(os.getpid(), 9)", "on\n", "Command terminated by signal (9: SIGKILL)"),
    ("print('x' * 5000000)", "x" * (4 << 20), "Output Limit Exceeded"),
], ids=["cpu", "wall", "signal", "output"])
def test_the_object_is_there_when_it_was_killed(sandbox, code, out, last):
    told = sandbox(code)
    assert (told["code"], told["user_stdout"], told["user_stderr"]) == (code, out, last + "\n"), told


def test_a_line_of_its_own(sandbox):
    code = "import os, sys; sys.stderr.write('no end'); sys.stderr.flush(); os.kill(os.getpid(), 9)"
    assert sandbox(code)["user_stderr"] == "no end\nCommand terminated by signal (9: SIGKILL)\n"


def test_interrupted(tool):
    """By a limit of its caller's: the object comes all the same."""
    with subprocess.Popen([tool, "print('on', flush=True)\nimport time; time.sleep(60)"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE) as child:
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(2)
        child.send_signal(signal.SIGTERM)
        told = json.loads(child.stdout.read())
        assert child.wait(10) == 0
    assert (told["user_stdout"], told["user_stderr"]) == ("on\n", "Command terminated by signal (15: SIGTERM)\n")


@pytest.mark.parametrize("code, last", [
    ("x = bytearray(10**9)", "MemoryError"),
    ("1 / 0", "ZeroDivisionError: division by zero"),
    ("open('/etc/passwd')", "PermissionError: [Errno 13] Permission denied: '/etc/passwd'"),
    ("with open('f', 'w') as f: f.write('x')", "OSError: [Errno 27] File too large"),
    ("import os; os.fork()", "BlockingIOError: [Errno 11] Resource temporarily unavailable"),
    ("import urllib.request as u; u.urlopen('http://example.org/')",
     "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>"),
    ("raise SystemExit('no')", "no"),
    ("x =", "SyntaxError: invalid syntax"),
])
def test_what_fails_is_told(sandbox, code, last):
    told = sandbox(code)
    assert told["user_stderr"].splitlines()[-1] == last, told


def test_what_works_as_ever(sandbox):
    assert sandbox("import posix; print(posix.getuid())")["user_stdout"] == "1000\n"
    assert sandbox("import doctest; raise SystemExit(3)") == {
        "code": "import doctest; raise SystemExit(3)", "user_stdout": "", "user_stderr": ""}


@pytest.mark.parametrize("text", [
    b"\xff", b"a\xe2\x82b", b"\xe2\x82", b"\xf0\x9f\x98", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\xc0\x80", b"\xe0\x80\x80",
    b"\xf4\x90\x80\x80", b"\xf5\x80", b"\x00\x01\x7f", b"\xe2\xe2\x82\xac", b"\xc3", bytes(range(256)), b"\xf0\x9f\xe2\x82\xac"])
def test_bytes_that_are_no_text(sandbox, text):
    """As Python replaces them."""
    told = sandbox("import sys; sys.stdout.buffer.write(%r)" % text)
    assert told["user_stdout"] == text.decode(errors="replace")


def test_code_that_is_no_text(tool):
    done = subprocess.run([tool, b"print('\xff')"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert json.loads(done.stdout) == {"code": "print('\ufffd')", "user_stdout": "\ufffd\n", "user_stderr": ""}


def test_a_jail_that_cannot_be(tool):
    """That is no run: the object says it, and the exit status too."""
    done = belljar_run.run_argv([tool, "print(1)"], env={"BELLJAR_GUEST": "/nowhere"})
    told = json.loads(done.out)
    assert done.returncode == 1 and b"/nowhere" in done.err
    assert told["code"] == "print(1)" and told["user_stderr"].startswith("Internal Error: "), told


def test_usage(tool):
    for words in ([], ["a", "b"]):
        done = belljar_run.run_argv([tool, *words])
        assert (done.returncode, done.out, done.err) == (1, b"", b"usage: simple_pysandbox CODE\n")
