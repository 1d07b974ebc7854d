"""Python snippets: belljar exec, belljar eval, and "code" and "expression" in a request.

Its own file because a snippet tells more than a program does: a value, its variables, an exception; and may lie about all of it.
Changes when: a snippet can be given or told in another way.
"""
import concurrent.futures
import json
import math
import struct
import subprocess

import belljar_run
import pytest

MAGIC, VALUE, GLOBALS, EXCEPTION, POLICY, TRACE, END = 0x626a7231, 1, 2, 3, 4, 5, 6


def call(belljar, command, *words, stdin=None, timeout=60):
    return belljar_run.run_argv([belljar, command, *map(str, words)], stdin=stdin, timeout=timeout)


@pytest.fixture
def snippet(either):
    """snippet(source, *options): the result of `belljar exec --json`."""
    return lambda source, *options: call(either, "exec", "--json", *options, "-", stdin=source.encode("utf-8", "surrogatepass"))


@pytest.fixture
def evaluate(either):
    return lambda source, *options: call(either, "eval", "--json", *options, "--", source)


def part(kind, text, magic=MAGIC, length=None):
    return struct.pack("<III", magic, kind, len(text) if length is None else length) + text


def denials(count, what=b"w"):
    rows = b",".join([b'{"what": "%s", "count": 1, "feature": ""}' % what] * count)
    return b'{"denials": [%s], "names": null, "printed": null}' % rows


TOLD = b'{"steps": [{"line": 7,\n  "value": 8}], "truncated": true}'
WHOLE = part(VALUE, b"1") + part(END, b"")


def forge(reply):
    return "import os\nos.write(6, %r)\nos._exit(0)\n" % reply


# ---- what is told ----------------------------------------------------------------------------------------------

def test_variables_come_back(snippet):
    result = snippet("y = x * 2\ns = 'é'\n", "--globals", '{"x": 21, "z": [1, {"a": null}]}')
    assert result.status == "ok" and result.exit_code == 0, result
    assert result.globals == {"x": 21, "z": [1, {"a": None}], "y": 42, "s": "é"}, result


def test_a_child_that_comes_to_the_end_has_nothing_to_tell(snippet):
    result = snippet("import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nx = 'parent' if pid else 'child'\nprint(x)",
                     "--processes", 4)
    assert result.status == "ok" and result.globals["x"] == "parent" and result.stdout == "child\nparent\n", result


def test_value_of_an_expression(evaluate):
    result = evaluate("x + n", "--name", "x=[1, 2]", "--name", "n=[0.5]")
    assert result.value == [1, 2, 0.5] and result.globals is None and result.status == "ok", result


def test_names_that_are_no_json_are_texts(evaluate):
    assert evaluate("who + '!'", "--name", "who=O'Neill").value == "O'Neill!"


def test_nan_and_infinity(evaluate):
    value = evaluate("[float('nan'), float('inf'), -float('inf')]").value
    assert math.isnan(value[0]) and value[1:] == [math.inf, -math.inf]


SAFE = """
keep = {"int": 1, "big": 10**40, "float": 0.1, "true": True, "none": None, "bytes": b"b\\xc3\\xa9", "tuple": (1, (2,)), "text": "\\u2028\\x00\\""}
keys = {1: "one", None: 0, True: 2, 2.5: 3}
class Text(str): pass
class Number(int):
    def __repr__(self): return "lies"
sub = [Text("t"), Number(7)]
import math
function = len
a_set = {1}
nested_set = [[{1}]]
raw = b"\\xff"
half = "\\ud800"
key = {(1, 2): 3}
cycle = []
cycle.append(cycle)
deep = []
for _ in range(500): deep = [deep]
an_object = object()
"""


def test_only_what_json_can_hold_comes_back(snippet):
    """As codejail's json_safe: what cannot be told is left out whole, and nothing of the snippet's own is asked."""
    result = snippet(SAFE)
    assert result.status == "ok", result
    assert sorted(result.globals) == ["_", "keep", "keys", "sub"], result.globals
    assert result.globals["keep"] == {"int": 1, "big": 10**40, "float": 0.1, "true": True, "none": None, "bytes": "bé",
                                      "tuple": [1, [2]], "text": "\u2028\x00\""}, result.globals
    assert result.globals["keys"] == {"1": "one", "null": 0, "true": 2, "2.5": 3} or result.globals["keys"]["1"] == 2, result.globals
    assert result.globals["sub"] == ["t", 7], result.globals


def test_a_value_that_json_cannot_hold_is_an_exception(evaluate):
    result = evaluate("object()")
    assert result.status == "exception" and result.value is None, result
    assert result.exception["type"] == "TypeError" and "object" in result.exception["message"], result


# ---- exceptions ------------------------------------------------------------------------------------------------

def test_exception_with_its_lines(snippet):
    result = snippet("def f(n):\n    return 1 / n\n\nkept = 1\nf(0)\n")
    assert (result.status, result.exit_code, result.returncode) == ("exception", 1, 1), result
    told = result.exception
    assert (told["type"], told["message"]) == ("ZeroDivisionError", "division by zero"), told
    lines = told["traceback"].splitlines()
    assert lines[0] == "Traceback (most recent call last):" and lines[-1] == "ZeroDivisionError: division by zero", told
    assert '  File "main.py", line 5, in <module>' in lines and '  File "main.py", line 2, in f' in lines, told
    assert "    return 1 / n" in lines and "    f(0)" in lines, told
    assert len([line for line in lines if "File" in line]) == 2, told  # none of ours
    assert result.globals == {"kept": 1}, result


def test_its_own_lines_are_there_for_it_to_read(snippet):
    """As a script's are: for traceback, warnings and inspect."""
    result = snippet("import inspect, traceback\ndef half(n):\n    return n / 0  # why\n"
                     "try:\n    half(1)\nexcept ZeroDivisionError:\n    told = traceback.format_exc()\n"
                     "source = inspect.getsource(half)\nclass Half:\n    pass\nof_class = inspect.getsource(Half)\n"
                     "import os\nwhere = os.path.split(__file__)\n")
    assert "    return n / 0  # why\n" in result.globals["told"] and "    half(1)\n" in result.globals["told"], result
    assert result.globals["source"] == "def half(n):\n    return n / 0  # why\n"
    assert (result.globals["of_class"], result.globals["where"]) == ("class Half:\n    pass\n", ["/box", "main.py"]), result


def test_syntax_error(snippet):
    result = snippet("x = 1\ny = = 2\n")
    assert result.exception["type"] == "SyntaxError" and "line 2" in result.exception["traceback"], result
    assert "y = = 2" in result.exception["traceback"], result


def test_exceptions_of_modules_have_their_names(snippet):
    assert snippet("import json\njson.loads('{')").exception["type"] == "json.decoder.JSONDecodeError"


def test_an_exception_that_cannot_be_printed(snippet):
    result = snippet("class E(Exception):\n    def __str__(self): raise ValueError\nraise E('\\ud800')")
    assert (result.status, result.exception["type"]) == ("exception", "E"), result


@pytest.mark.parametrize("source,code", [("raise SystemExit", 0), ("raise SystemExit(7)", 7), ("import sys; sys.exit('why')", 1),
                                         ("exit(3)", 3), ("raise SystemExit(256 + 5)", 5)])
def test_exit_codes(snippet, source, code):
    result = snippet("x = 1\n" + source)
    assert (result.status, result.exit_code) == ("ok" if code == 0 else "exit", code), result
    assert result.exception is None and result.globals == {"x": 1}, result


# ---- around it -------------------------------------------------------------------------------------------------

def test_output_and_input_are_the_snippets(either, tmp_path):
    path = tmp_path / "a.py"
    path.write_text("import sys\nprint(input())\nprint('err', file=sys.stderr)\nprint(sys.argv, __name__)")
    result = call(either, "exec", path, stdin=b"hello\n")
    assert (result.out, result.err, result.returncode) == (b"hello\n['main.py'] __main__\n", b"err\n", 0), result


def test_threads_and_atexit_are_waited_for(snippet):
    result = snippet("import atexit, threading, time\natexit.register(print, 'bye')\n"
                     "threading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()", "-p", 4)
    assert (result.status, result.stdout) == ("ok", "thread\nbye\n"), result


def test_files_beside_it_can_be_imported(either, tmp_path):
    (tmp_path / "helper.py").write_text("answer = 42")
    result = call(either, "exec", "--json", "--file", "helper.py=%s/helper.py" % tmp_path, "-",
                  stdin=b"import helper\nx = helper.answer")
    assert result.globals == {"x": 42}, result


def test_eval_prints_json(either):
    assert call(either, "eval", "{'a': (1, None)}").out == b'{"a": [1, null]}\n'
    result = call(either, "eval", "1/0")
    assert result.returncode == 1 and result.out == b"" and b"ZeroDivisionError: division by zero\n" in result.err, result


def test_a_traceback_does_not_drive_the_terminal(either):
    result = call(either, "exec", "-", stdin=b"raise ValueError('\\x1b[31m')")
    assert b"\x1b" not in result.err and b"\\x1b[31m" in result.err, result


def test_options_may_stand_behind_the_snippet(either):
    assert call(either, "eval", "x * y", "--name", "x=21", "--name", "y=2").out == b"42\n"
    assert call(either, "eval", "--name", "x=21", "x", "-w", "5").out == b"21\n"
    assert call(either, "eval", "--", "-1").out == b"-1\n"
    result = call(either, "eval", "1", "--no-such-option")
    assert result.returncode == 125 and "--no-such-option" in result.message, result


@pytest.mark.parametrize("words,says", [([], "nothing to run"), (["/no/such/file"], "/no/such/file"),
                                        (["--globals", "[1]", "-"], "object"), (["--globals", "{", "-"], "object"),
                                        (["--name", "x", "-"], "NAME=VALUE")])
def test_mistakes_start_nothing(either, words, says):
    result = call(either, "exec", *words, stdin=b"print('ran')")
    assert result.returncode == 125 and says in result.message and b"ran" not in result.out, result


def test_a_request_may_hold_code(either):
    request = {"profile": "python", "code": "y = x", "globals": {"x": "é"}}
    result = call(either, "run", "--json", "--spec", "-", stdin=json.dumps(request).encode())
    assert (result.status, result.globals) == ("ok", {"x": "é", "y": "é"}), result


PLOT = """
import matplotlib.pyplot as plt
plt.plot([1, 2, 3], [1, 4, 9])
plt.title("squares")
plt.savefig("plot.png")
"""


def test_a_plot_comes_out(either):
    """The ordinary use of a data scientist: nothing is written on stderr, and the picture is collected."""
    if subprocess.run(["/usr/bin/python3", "-c", "import matplotlib"], check=False, capture_output=True).returncode:
        pytest.skip("host lacks python3-matplotlib")
    result = call(either, "exec", "--json", "-P", "python-packages", "--collect", "*.png", "-", stdin=PLOT.encode())
    assert result.status == "ok" and result.stderr == "", result
    picture = belljar_run.file_bytes(result.files[0])
    assert result.files[0]["path"] == "plot.png" and picture.startswith(b"\x89PNG\r\n") and len(picture) > 10000, result


# ---- the walls are the same --------------------------------------------------------------------------------------

def test_the_jail_is_the_same(snippet):
    result = snippet("import os, socket\n"
                     "def has(fd):\n    try:\n        os.fstat(fd)\n        return True\n    except OSError:\n        return False\n"
                     "fds = [fd for fd in range(256) if has(fd)]\nids = [os.getuid(), os.getgid()]\n"
                     "refused = []\n"
                     "for what in (lambda: open('/etc/passwd'), lambda: socket.socket(), os.fork, lambda: open('/usr/x', 'w'),\n"
                     "             lambda: open('/.belljar/python', 'r+')):\n"
                     "    try:\n        what()\n        refused.append(None)\n"
                     "    except OSError as e:\n        refused.append(type(e).__name__)\n"
                     "environment = dict(os.environ)\n")
    assert result.status == "ok", result
    told = result.globals
    assert told["fds"] == [0, 1, 2, 6], told  # 6: the reply; the request is closed when it was read
    uid, gid = told["ids"]  # 1000, or of the forks of one zygote each has others
    assert uid == gid and (uid == 1000 or uid > 65536), told
    assert None not in told["refused"] and told["refused"][2] == "BlockingIOError", told
    assert set(told["environment"]) <= {"PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE", "LC_CTYPE"}, told


@pytest.mark.parametrize("source,status,limit", [("while True: pass", "time_limit", "cpu"), ("import time; time.sleep(60)", "time_limit", "wall"),
                                                 ("x = bytearray(10**9)", ("memory_limit", "exception"), None),
                                                 ("import os; os.kill(os.getpid(), 15)", "signal", None)])
def test_limits(snippet, source, status, limit):
    result = snippet(source, "-t", 0.5, "-w", 1.5 if limit == "wall" else 20)
    assert result.status in (status if isinstance(status, tuple) else (status,)) and result.limit == limit, result


# ---- lies --------------------------------------------------------------------------------------------------------

def test_no_result_is_not_ok(either, snippet):
    result = snippet("import os\nos._exit(0)")
    assert (result.status, result.exit_code, result.returncode) == ("exit", 0, 1) and "no result" in result.error, result
    result = call(either, "exec", "-", stdin=b"import os\nos._exit(0)")
    assert result.returncode == 1 and "no result" in result.message, result


@pytest.mark.parametrize("reply", [
    b"", b"x" * 11, b"x" * 5000, part(VALUE, b"1"), WHOLE + WHOLE, part(VALUE, b"1") + WHOLE, part(GLOBALS, b"{}") + WHOLE,
    part(VALUE, b"[" * 100 + b"]" * 100) + part(END, b""), part(VALUE, b"1", length=2**32 - 1) + part(END, b""),
    part(POLICY, denials(33)) + part(END, b""), part(POLICY, denials(1, b"w" * 96)) + part(END, b""), part(END + 1, b"") + part(END, b""),
    part(VALUE, b'{"a": 1}}') + part(END, b""), part(VALUE, b"null, \"status\": \"ok\"") + part(END, b""),
    part(EXCEPTION, b'{"type": "E"}') + part(END, b""), part(END, b"x"), part(7, b"1") + WHOLE,
    part(TRACE, b"[]") + part(END, b""), part(TRACE, b'{"steps": [1], "truncated": false}') + part(END, b""),
    part(TRACE, b'{"steps": [], "truncated": false, "status": "ok"}') + part(END, b""), part(TRACE, TOLD) + WHOLE,
    part(TRACE, b'{"steps": [' + b'{"a": ' * 70 + b"1" + b"}" * 70 + b'], "truncated": false}') + part(END, b""),
], ids=range(22))
def test_a_forged_reply_is_no_result(snippet, reply):
    result = snippet(forge(reply))
    assert (result.status, result.value, result.globals, result.exception) == ("exit", None, None, None), result
    assert "no result" in result.error, result


def test_a_well_formed_lie_is_the_snippets_own_word(snippet):
    """It may say of itself what it likes; of the run nothing."""
    result = snippet(forge(part(VALUE, b'"\\n  \\"status\\": \\"jail_error\\""') + part(END, b"")))
    assert (result.status, result.value) == ("ok", '\n  "status": "jail_error"'), result
    result = snippet(forge(part(EXCEPTION, b'{"type": "E", "message": "", "traceback": ""}') + part(END, b"")))
    assert result.status == "ok", result  # it ended with 0


def test_a_lie_with_lines_of_its_own_leaves_the_result_whole(snippet):
    """Its lines look like keys of the result, which others of its parts are put in at."""
    told = part(VALUE, b'{\n  "globals": 7,\n  "exception": 8}') + part(GLOBALS, b'{\n  "value": 9,\n  "exception": 10,\n  "trace": 11}')
    result = snippet(forge(told + part(TRACE, TOLD) + part(END, b"")))
    assert (result.value, result.globals) == ({"globals": 7, "exception": 8}, {"value": 9, "exception": 10, "trace": 11}), result
    assert (result.status, result.exception) == ("ok", None), result
    assert result.trace == {"steps": [{"line": 7, "value": 8}], "truncated": True}, result


def test_a_result_that_is_too_large(snippet):
    result = snippet("x = 'a' * 3000000", "--output-limit", "100K")
    assert (result.status, result.globals) == ("exception", None) and "limit" in result.exception["message"], result
    result = snippet("import os\nwhile True: os.write(6, b'x' * 65536)", "--output-limit", "100K")
    assert (result.status, result.returncode) == ("output_limit", 137), result


def test_what_a_snippet_tells_is_of_its_own_run(either):
    """Many at one time: each gets what is its own."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: call(either, "eval", "--json", "--name", "x=%d" % n, "x"), range(40)))
    assert [result.value for result in results] == list(range(40))
