"""codejail.safe_exec: variables in and out, Django's settings.

Its own file because jail_code has one.
Changes when: safe_exec does.
"""

import io
import logging
import math
import subprocess
import threading
import types
import zipfile

import pytest


@pytest.fixture(autouse=True)
def codejail(package):
    from codejail import jail_code
    jail_code.COMMANDS.clear()
    jail_code.LIMIT_OVERRIDES.clear()
    jail_code.configure("python", "/usr/bin/python3")
    yield jail_code
    jail_code.LIMITS.clear()
    jail_code.LIMITS.update(jail_code.DEFAULT_LIMITS)


@pytest.fixture(params=["safe_exec", "not_safe_exec"])
def execute(request):
    from codejail import safe_exec
    return getattr(safe_exec, request.param)


def test_variables(execute):
    variables = {"x": 1, "left": object()}
    left = variables["left"]
    execute("y = x + 1\ndef f():\n    return y\nz = [f(), (1, b'two'), {3: None}]\nimport os\nbad = b'\\x99'\nprint(1)", variables)
    assert variables == {"x": 1, "left": left, "y": 2, "z": [2, [1, "two"], {"3": None}]}


def test_the_module_has_no_name_of_its_own(execute):
    variables = {}
    execute("a = __name__", variables)
    assert variables == {"a": "builtins"}


def test_numbers_that_are_none(execute):
    variables = {"n": math.nan, "i": math.inf}
    execute("m, j = n, -i", variables)
    assert math.isnan(variables["m"]) and variables["j"] == -math.inf


def test_an_exception(execute):
    from codejail.safe_exec import SafeExecException
    variables = {"x": 1}
    with pytest.raises(SafeExecException, match=r"ValueError: That\\?'s wrong"):
        execute("x = 2\nraise ValueError(\"That's wrong\")", variables)
    assert variables == {"x": 1}


def test_paths(execute, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "cj_module.py").write_text("const = 42\n")
    (tmp_path / "a.txt").write_text("text")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("cj_zipped.py", "const = 43\n")
    variables = {}
    execute("import cj_module, cj_zipped; a, b, c = cj_module.const, cj_zipped.const, open('a.txt').read()", variables,
            files=[str(tmp_path / "a.txt")], python_path=[str(tmp_path / "lib"), "code.zip"],
            extra_files=[("code.zip", packed.getvalue())])
    assert [variables[name] for name in "abc"] == [42, 43, "text"]


@pytest.mark.parametrize("given,kept", [
    ({1: b"a", "b": {1: b"b", 2: (1, b"a")}}, {"1": "a", "b": {"1": "b", "2": [1, "a"]}}),
    ({b"\x99": "v", "v": b"\x99", "deep": [b"\x99"], "k": {b"\x99": 1}, "a": "b"}, {"a": "b"}),
    ({"__builtins__": {}, "f": len, "m": types, "s": {1}, "n": None, "t": True, "deep": [{1}], (1, 2): 3}, {"n": None, "t": True}),
    ({"x": "\u0200\uffff", "\u0200": 1}, {"x": "\u0200\uffff", "\u0200": 1})])
def test_what_json_can_hold(given, kept):
    from codejail.safe_exec import json_safe
    assert json_safe(given) == kept


def test_halves_of_characters_are_no_error():
    from codejail.safe_exec import json_safe, safe_exec
    json_safe({"\ud800": "\udfff"})
    variables = {}
    safe_exec("a = '\\ud800'", variables)
    assert variables == {"a": "\ud800"}


def test_what_is_nested_500_times_comes_back():
    from codejail.safe_exec import json_safe, safe_exec
    variables = {}
    safe_exec("x = 1\nfor i in range(500): x = [x] if i % 2 else {'a': x}", variables)
    assert json_safe(variables)["x"] == variables["x"]
    depth, at = 0, variables["x"]
    while at != 1:
        depth, at = depth + 1, at["a"] if isinstance(at, dict) else at[0]
    assert depth == 500


def test_the_message():
    from codejail.safe_exec import SafeExecException, safe_exec
    with pytest.raises(SafeExecException) as caught:
        safe_exec("import os\nos.write(1, b'real')\n1 / 0", {})
    message = str(caught.value)
    assert message.startswith("Couldn't execute jailed code: stdout: b'real', stderr: b'Traceback"), message
    assert message.endswith("with status code: 1"), message


@pytest.mark.parametrize("code", ["raise SystemExit(0)", "import os; os._exit(0)"])
def test_an_end_without_variables_is_told(code):
    from codejail.safe_exec import SafeExecException, safe_exec
    with pytest.raises(SafeExecException, match="ended without its variables"):
        safe_exec(code, {})


def test_what_is_written_on_the_real_output_is_not_taken_for_variables():
    from codejail.safe_exec import safe_exec
    variables = {}
    writes = "import os, sys\nos.write(1, b'{}')\nsys.__stdout__.write('{\"a\": 2}')\n"
    safe_exec(writes + "if os.fork() == 0:\n    a = 3\n    sys.exit(0)\nos.wait()\na = 1", variables)
    assert variables == {"a": 1}


@pytest.mark.parametrize("answer", ["1", "'[1]'", "'{'", "'null'"])
def test_code_that_answers_in_our_place(answer):
    from codejail.safe_exec import SafeExecException, safe_exec
    with pytest.raises(SafeExecException):
        safe_exec("import codejail_inside as i\ni.json_safe = lambda d: d\ni.json.dumps = lambda d: %s" % answer, {})


@pytest.mark.parametrize("code,status", [("while True: pass", -24), ("import time; time.sleep(60)", -9)])
def test_limits(codejail, code, status):
    from codejail.safe_exec import SafeExecException, safe_exec
    codejail.override_limit("REALTIME", 10 if status == -24 else 0.3, "context")
    with pytest.raises(SafeExecException, match="stderr: b'' with status code: %d$" % status):
        safe_exec(code, {}, limit_overrides_context="context")


def test_not_configured(codejail):
    from codejail.safe_exec import safe_exec
    codejail.COMMANDS.clear()
    with pytest.raises(RuntimeError, match="^safe_exec has not been configured for Python$"):
        safe_exec("a = 1", {})


def test_always_unsafe(codejail, monkeypatch, caplog):
    from codejail import safe_exec
    codejail.COMMANDS.clear()
    monkeypatch.setattr(safe_exec, "ALWAYS_BE_UNSAFE", True)
    variables = {}
    safe_exec.safe_exec("a = 1", variables, slug="slug")
    assert variables == {"a": 1} and "DANGER: Executing code with `not_safe_exec` for slug" in caplog.text


def test_all_code_in_the_log(monkeypatch, caplog):
    from codejail import safe_exec
    monkeypatch.setattr(safe_exec, "LOG_ALL_CODE", True)
    caplog.set_level(logging.DEBUG, "codejail")
    safe_exec.safe_exec("a = 1", {})
    assert "Exec: a = 1" in caplog.text and "Status: 0" in caplog.text


def test_threads_and_limits_that_change(codejail):
    from belljar import _kept
    from codejail.safe_exec import safe_exec
    wrong = []
    for size in range(_kept.MOST + 3):
        codejail.override_limit("NPROC", 3 + size, size + 1)

    def work(number):
        for call in range(15):
            variables = {"x": number}
            try:
                safe_exec("y = x * 100 + %d" % call, variables, limit_overrides_context=(number + call) % (_kept.MOST + 3) + 1)
            except Exception as error:
                wrong.append(error)
                continue
            if variables.get("y") != number * 100 + call:
                wrong.append(variables)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == [] and len(_kept._entries) <= _kept.MOST


def test_what_makes_the_jails_may_die(venv):
    program = """
import os, signal, time
from codejail import jail_code, safe_exec
jail_code.configure("python", "/usr/bin/python3")

def children():
    return [int(child) for task in os.listdir("/proc/self/task")
            for child in open("/proc/self/task/%s/children" % task).read().split()]

def is_alive(pid):
    try:
        return open("/proc/%d/stat" % pid).read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:  # a used one, which has been removed behind us
        return False

variables = {}
for x in range(4):
    safe_exec.safe_exec("x = %d" % x, variables)
    print(variables, flush=True)
    killed = children()
    for child in killed:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass
    while any(map(is_alive, killed)):  # a signal takes its time
        time.sleep(0.001)
"""
    done = subprocess.run([venv, "-c", program], capture_output=True, text=True, check=False, timeout=30, cwd="/")
    assert (done.stdout, done.stderr) == ("".join("{'x': %d}\n" % x for x in range(4)), "")


def test_no_interpreter_is_started(codejail):
    """A jail of its own takes a start of Python; one that is parked a fraction of it."""
    import time
    from codejail.safe_exec import safe_exec
    safe_exec("x = 1 + 1", {})
    times = []
    for _ in range(30):
        began = time.perf_counter()
        safe_exec("x = 1 + 1", {})
        times.append(time.perf_counter() - began)
    assert min(times) < 0.01


def test_django_settings(codejail):
    from codejail.django_integration_utils import apply_django_settings
    apply_django_settings({"python_bin": "/a/bin/python", "user": "x", "limits": {"CPU": 5, "PROXY": 1},
                           "limit_overrides": {"course": {"CPU": 50, "PROXY": 0}},
                           "jails": [{"command": "sh", "bin_path": "/bin/sh"}]})
    assert codejail.COMMANDS == {"python": {"cmdline_start": ["/a/bin/python", "-E", "-B"], "user": "x"},
                                 "sh": {"cmdline_start": ["/bin/sh"], "user": None}}
    assert codejail.get_effective_limits("course") == {**codejail.DEFAULT_LIMITS, "CPU": 50, "PROXY": 1}


def test_django_middleware(codejail):
    from django.conf import settings
    settings.configure(CODE_JAIL={"limits": {"CPU": 7}})
    from codejail.django_integration import ConfigureCodeJailMiddleware, MiddlewareNotUsed
    with pytest.raises(MiddlewareNotUsed):
        ConfigureCodeJailMiddleware(lambda request: None)
    assert codejail.LIMITS["CPU"] == 7


def test_forks_are_nobodys_but_the_runs():
    """What a jail does beforehand is done in forks of one process; neither the host's own nor those of the code are any of these."""
    import os
    import tempfile
    from codejail.safe_exec import safe_exec
    with tempfile.TemporaryDirectory() as place:
        child = os.fork()
        if child == 0:
            os.chdir(place)
            os._exit(os.fork() == 0 or bool(os.listdir(place)) or os.stat("/tmp").st_mode & 0o777 == 0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and os.listdir(place) == []
    variables = {}
    safe_exec("import os\nif os.fork() == 0:\n    os._exit(os.listdir('.') != ['tmp'])\nstatus = os.wait()[1]", variables)
    assert variables == {"status": 0}


def test_each_run_finds_the_same_place():
    from codejail.safe_exec import safe_exec
    looks = "import os, sys\nlooks = [os.listdir('.'), [oct(os.stat(path).st_mode) for path in ('.', 'tmp', '/tmp')], sys.path[:3]]"
    for _ in range(4):
        variables = {}
        safe_exec(looks, variables)
        assert variables["looks"][:2] == [["tmp"], ["0o40555", "0o40777", "0o40000"]]
        assert not any("codejail" in path for path in variables["looks"][2])


class Loud(str):
    """Text that is not written as a text is."""

    def __repr__(self):
        return "Loud(%s)" % str.__repr__(self)


def test_text_of_any_kind(execute):
    variables = {"given": Loud("é")}
    execute(Loud("same, emoji, quotes = given, '\U0001f600', '\\'\"\"\"\\\\'"), variables)
    assert variables == {"given": "é", "same": "é", "emoji": "\U0001f600", "quotes": "'\"\"\"\\"}
    with pytest.raises(TypeError):
        from codejail.safe_exec import safe_exec
        safe_exec(b"x = 1", {})


def test_numbers_that_are_too_long_are_left_out(execute):
    variables = {}
    execute("short, long, deep = 10 ** 30, 10 ** 5000, [[[1]]]\nfor _ in range(200): deep = [deep]", variables)
    assert variables.pop("deep") and variables == {"short": 10 ** 30, "_": 199}
