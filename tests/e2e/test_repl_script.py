"""belljar repl with a script, its session file, and scripts whose values belljar exec displays.

Its own file because hardly anybody types here.
Changes when: a script is read in another way, or something else is kept of a session.
"""
import contextlib
import json
import os
import pty
import signal
import stat
import subprocess
import time

import pytest
from terminal import MORE

pytestmark = pytest.mark.usefixtures("has_repl")


def script(belljar, text, *options):
    done = subprocess.run([belljar, "repl", *map(str, options)], input=text.encode(), capture_output=True, check=False,
                          timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_script_is_run_line_by_line(belljar):
    status, out, err = script(belljar, "x = 2\nx\nfor i in range(2):\n    i\n\n1 / 0\n\"a\\x1b\"\nprint('end')")
    assert (status, out) == (0, "2\n0\n1\n'a\\x1b'\nend\n")
    assert err.splitlines()[-1] == "ZeroDivisionError: division by zero" and ">>>" not in out + err


def test_a_block_needs_no_empty_line(belljar):
    assert script(belljar, "def f():\n    return 3\nf()\nif f():\n    4")[:2] == (0, "3\n4\n")


def test_a_script_is_not_its_snippets_input(belljar):
    status, out, err = script(belljar, "input()\n5\n")
    assert (status, out) == (0, "5\n") and "EOFError" in err


def test_a_script_leaves_as_it_wants(belljar):
    assert script(belljar, "exit(9)\nprint('never')\n")[:2] == (9, "")
    assert script(belljar, "exit()\nprint('never')\n")[:2] == (0, "")
    assert script(belljar, "print(1)\n:reset\n")[:2] == (0, "1\n")


def test_a_statement_that_lacks_its_end_is_told(belljar):
    status, out, err = script(belljar, "1\n(2 +\n")
    assert (status, out) == (0, "1\n") and "SyntaxError" in err


def test_lines_may_end_as_elsewhere(belljar):
    assert script(belljar, "x = '''a\r\nb'''\r\nx\r\n3")[:2] == (0, "'a\\nb'\n3\n")


def test_a_script_is_interrupted(belljar):
    with subprocess.Popen([belljar, "repl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as done:
        done.stdin.write(b"print('on')\nwhile True: pass\n\nprint('after')\n")
        done.stdin.flush()
        assert done.stdout.readline() == b"on\n"
        time.sleep(0.5)
        done.send_signal(signal.SIGINT)
        assert done.stdout.readline() == b"after\n"
        for _ in range(100):  # between two statements; the first one may still meet the end of that statement
            done.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                done.wait(0.2)
                break
        assert done.wait(0) == 128 + signal.SIGINT
        assert b"KeyboardInterrupt" in done.stderr.read()


def test_a_reader_that_goes_away_ends_it(belljar):
    with subprocess.Popen([belljar, "repl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as done:
        done.stdout.close()
        done.stdin.write(b"print(1)\n")
        done.stdin.flush()
        assert done.wait(20) == 128 + signal.SIGPIPE


def test_what_is_no_text_is_told(belljar):
    for text, message in ((b"x = '\xff'\n1\n", b"is not UTF-8"), (b"1\nx = '\0'\n", b"a line holds a NUL byte")):
        done = subprocess.run([belljar, "repl"], input=text, capture_output=True, check=False, timeout=60)
        assert message in done.stderr and done.stdout == b"1\n"
    done = subprocess.run([belljar, "exec", "-"], input=b"'\xff'", capture_output=True, check=False, timeout=60)
    assert done.returncode == 125 and b"code: is not UTF-8" in done.stderr


def test_mistakes(belljar, tmp_path):
    for options, message in ((["--branches", "1"], "--branches: 1; give 2 at least"),
                             (["script.py"], '"script.py": what is run is typed'),
                             (["--collect", "*"], "--collect: is not an option of repl"),
                             (["--lifetime", "0"], "lifetime"),
                             (["-P", "nope"], "nope")):
        status, out, err = script(belljar, "1\n", *options)
        assert status == 125 and message in err and out == "", (options, err)


def test_the_program_may_be_missing(belljar, tmp_path):
    alone = tmp_path / "bin"
    alone.mkdir()
    copy = alone / "belljar"
    copy.write_bytes(open(belljar, "rb").read())
    copy.chmod(0o755)
    done = subprocess.run([str(copy), "repl"], input=b"", capture_output=True, check=False, timeout=30)
    if done.returncode == 0:
        pytest.skip("host lacks a state without an installed belljar-repl")
    assert done.returncode == 125 and b"install libedit-dev and build Belljar again" in done.stderr


# ---- the file of a session --------------------------------------------------------------------------------------------

def test_a_session_goes_on_where_it_ended(belljar, terminal, tmp_path):
    path = tmp_path / "session"
    t = terminal("--session", path)
    t.say("x = [1]")
    t.say("def f(n):", MORE)
    t.say("  return n + 1", MORE)
    t.keys("\r")
    t.prompted()
    t.say("1 / 0")
    t.say("import os; os._exit(1)")
    t.say("print('loud')")
    t.say(":snapshot s")
    t.say("x = 2")
    t.say(":restore s")
    assert t.leave("exit(3)\r") == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        "x = [1]", "def f(n):\n  return n + 1\n", "print('loud')", ":snapshot s", "x = 2", ":restore s"]
    assert script(belljar, "x, f(1)\nx.append('\u00e9')\n", "--session", path) == (0, "([1], 2)\n", "")
    assert script(belljar, "x\n", "--session", path) == (0, "[1, '\u00e9']\n", "")


def test_a_session_that_fails_now_is_refused(belljar, tmp_path):
    path = tmp_path / "session"
    path.write_text('"x = 1"\n"y = z"\n"w = 3"\n')
    status, out, err = script(belljar, "x\n", "--session", path)
    assert (status, out) == (125, "") and "NameError" in err
    assert 'statement 2 of "%s" fails now; correct it or delete its line' % path in err
    assert path.read_text() == '"x = 1"\n"y = z"\n"w = 3"\n'
    path.write_text('"x = 1"\n{"x": 2}\n')
    status, out, err = script(belljar, "x\n", "--session", path)
    assert (status, out) == (125, "") and "is no JSON string; correct it or delete it" in err


def test_a_session_file_is_one_repls_at_a_time(belljar, terminal, tmp_path):
    path = tmp_path / "session"
    terminal("--session", path).say("x = 1")
    status, _, err = script(belljar, "x\n", "--session", path)
    assert status == 125 and "is another belljar's at this time" in err
    status, _, err = script(belljar, "x\n", "--session", tmp_path)
    assert status == 125 and "--session" in err


# ---- values of a script that is run by exec ---------------------------------------------------------------------------

def test_exec_displays_values(under):
    result = under("stdout math", "x = 4\n'doc'\nx\nNone\nfor i in range(2):\n    -i\n", "--display")
    assert (result.status, result.stdout) == ("ok", "'doc'\n4\n0\n-1\n")
    result = under("math", "4\n", "--display")
    assert result.status == "exception" and result.denials[0]["feature"] == "stdout"
    result = under({"level": "restricted", "features": ["stdout"]}, "x = 4\nx\n", "--display")
    assert (result.status, result.stdout) == ("ok", "4\n")
    result = under({"level": "restricted", "features": ["stdout"]}, "4\n''.__class__\n", "--display")
    assert (result.status, result.stdout) == ("exception", "")
    result = under("stdout", "1\n\n1 / 0\n", "--display")
    assert result.stdout == "1\n" and "line 3, in <module>\n    1 / 0\n" in result.exception["traceback"]


def test_a_value_is_harmless_for_the_terminal(belljar):
    parent, child = pty.openpty()
    done = subprocess.run([belljar, "eval", "'\\x9b31m\\u202e'"], stdout=child, check=False, timeout=30)
    assert done.returncode == 0 and os.read(parent, 4096) == b'"\\xc2\\x9b31m\\xe2\\x80\\xae"\r\n'
    os.close(parent)
    os.close(child)
