"""The interface of the package "sandbox": configuration, values, errors, threads, forks.

Its own file because the behaviours that pysandbox's own tests describe have one.
Changes when: the interface offers something more.
"""

import optparse
import os
import subprocess
import threading

import pytest


def test_the_readme_keeps_its_promise(capsys):
    from sandbox import Sandbox, SandboxConfig, SandboxError

    def func(a, b):
        return a + b
    assert Sandbox().call(func, 1, 2) == 3
    kept = Sandbox(SandboxConfig("stdout"))
    kept.execute('print("Code executed in the sandbox")')
    data = [1, 2, 3]
    kept.execute("print(data)", locals={"data": data})
    assert capsys.readouterr().out == "Code executed in the sandbox\n[1, 2, 3]\n"
    for where in ("locals", "globals"):
        with pytest.raises(SandboxError, match="^Read only object$"):
            kept.execute("data.append(4)", **{where: {"data": data}})
    assert data == [1, 2, 3]


def test_names():
    import sandbox
    assert (sandbox.HAVE_CSANDBOX, sandbox.HAVE_CPYTHON_RESTRICTED, sandbox.DEFAULT_TIMEOUT) == (True, False, 5.0)
    assert issubclass(sandbox.Timeout, sandbox.SandboxError) and sandbox.Sandbox.PROTECTIONS == []
    from sandbox.test import createSandbox, execute_code, unindent
    createSandbox("math").execute(unindent("    import math"))
    execute_code(unindent("    import math"))


def test_defaults_and_settings():
    from sandbox import SandboxConfig
    config = SandboxConfig("interpreter", "random")
    assert (config.timeout, config.max_memory, config.max_input_size, config.max_output_size, config.recusion_limit) == (
        5.0, 250 << 20, 65536, 65536, 50)
    assert {"traceback", "stdin", "codecs", "hashlib"} <= config.features and config.has_feature("math") and config.use_subprocess
    config.max_memory, config.timeout = 10, 0
    assert (config.max_memory, config.timeout) == (10 << 20, None)
    config.allowModule("sys", "version")
    config.allowSafeModule("sys", "version_info")
    assert config.import_whitelist == {"sys": (("version",), ("version_info",))}
    assert {"SystemExit", "input", "print"} <= config.builtins_whitelist and "SystemExit" not in SandboxConfig().builtins_whitelist


@pytest.mark.parametrize("make,kind,said", [
    (lambda: {"features": ["colour"]}, ValueError, "^Unknown feature: colour$"),
    (lambda: {"colour": 1}, TypeError, "^unexpected keywords: colour$"),
    (lambda: {"cpython_restricted": True}, ValueError, "restricted mode")])
def test_a_wrong_setting_is_told(make, kind, said):
    from sandbox import SandboxConfig
    options = make()
    with pytest.raises(kind, match=said):
        SandboxConfig(*options.pop("features", ()), **options)


def test_options_of_a_command_line(tmp_path):
    from sandbox import SandboxConfig
    parser = optparse.OptionParser()
    SandboxConfig.createOptparseOptions(parser)
    options, _ = parser.parse_args(["--features=math, stdout", "--allow-path", str(tmp_path), "--timeout", "1.5"])
    config = SandboxConfig.fromOptparseOptions(options)
    assert (config.features, config.open_whitelist, config.timeout) == ({"math", "stdout"}, {os.path.realpath(tmp_path)}, 1.5)
    parser = optparse.OptionParser()
    SandboxConfig.createOptparseOptions(parser, default_timeout=None)
    assert SandboxConfig.fromOptparseOptions(parser.parse_args([])[0]).timeout is None


VALUES = [None, True, 7, 10 ** 30, 1.5, "é", [1, [2]], {"a": {"b": None}}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_go_in_and_come_back(value):
    from sandbox import Sandbox

    def same(given):
        return given
    assert Sandbox().call(same, value) == value


@pytest.mark.parametrize("value,expression", [
    ("a\0b", "'a\\0b'"), ("\ud800", "'\\ud800'"), ((1, (2, b"x")), "(1, (2, b'x'))"), (b"\x00\xff", "bytes([0, 255])"),
    (float("inf"), "float('inf')"), (len, "len"), (int, "int")], ids=repr)
def test_values_that_are_no_json_go_in(value, expression):
    from sandbox import Sandbox
    Sandbox().execute("assert given == %s and type(given) == type(%s)" % (expression, expression), locals={"given": value})


def double(x):
    return x * 2


def test_functions_go_in_by_their_source():
    from sandbox import Sandbox

    def use(function, values):
        return [function(value) for value in values]
    assert Sandbox().call(use, double, [1, 2]) == [2, 4]
    assert Sandbox().call(use, abs, [-1]) == [1] and Sandbox().call(len, "abc") == 3


@pytest.mark.parametrize("value", [{1}, object(), [b"x"], {1: 2}, os, [2 ** 64], ["\0"]],
                         ids=["set", "object", "nested bytes", "key", "module", "nested integer", "nested text"])
def test_what_cannot_go_is_told(value):
    from sandbox import Sandbox, SandboxError
    with pytest.raises(SandboxError, match="^Unable to proxy a value of type <class"):
        Sandbox().execute("pass", globals={"value": value})


def test_a_variable_has_a_name():
    from sandbox import Sandbox, SandboxError
    with pytest.raises(SandboxError, match="^1 is no name of a variable$"):
        Sandbox().execute("pass", globals={1: 2})


def test_a_function_with_surroundings_cannot_go():
    from sandbox import Sandbox, SandboxError
    secret = 1

    def tell():
        return secret
    with pytest.raises(SandboxError, match="it uses secret of the function around it"):
        Sandbox().call(tell)


@pytest.mark.parametrize("statement,kind,text", [
    ("1 / 0", ZeroDivisionError, "division by zero"), ("{}['k']", KeyError, "'k'"), ("raise ValueError('a')", ValueError, "a"),
    ("x = (", SyntaxError, "was never closed"), ("b'\\xff'.decode()", None, "UnicodeDecodeError: 'utf-8' codec"),
    ("assert 0, 'why'", AssertionError, "why"),
    ("class Own(Exception): pass\nraise Own('o')", None, "Own: o"),
    ("class KeyboardInterrupt(Exception): pass\nraise KeyboardInterrupt", None, "KeyboardInterrupt"),
    ("class SystemExit(Exception): pass\nraise SystemExit(3)", None, "SystemExit: 3"),
    ("class print(Exception): pass\nraise print(3)", None, "print: 3")])
def test_exceptions_of_the_guest(statement, kind, text):
    from sandbox import Sandbox, SandboxError
    with pytest.raises(kind or SandboxError) as caught:
        Sandbox().execute(statement)
    assert text in str(caught.value) and "Traceback" in str(caught.value.__cause__)


def test_the_end_of_the_process_is_told():
    from sandbox import Sandbox, SandboxConfig, SandboxError
    config = SandboxConfig("exit", "stderr")
    config.allowModule("os", "_exit", "abort")
    for code, said in (("import os; os._exit(3)", "exit code 3"), ("exit(1)", "exit code 1"), ("exit()", "exit code 0"),
                       ("import os; os.abort()", "signal 6")):
        left = {"kept": 1}
        with pytest.raises(SandboxError, match="^subprocess .*%s$" % said):
            Sandbox(config).execute(code, globals=left)
        assert left == {"kept": 1}


def test_memory_and_sizes():
    from sandbox import Sandbox, SandboxConfig, SandboxError
    config = SandboxConfig()
    config.max_memory = 64
    with pytest.raises(MemoryError):
        Sandbox(config).execute("x = bytearray(10**9)\nfor i in range(0, len(x), 4096): x[i] = 1")
    with pytest.raises(SandboxError, match=r"^Input data are too big: \d+ bytes \(max=65536\)$"):
        Sandbox().execute("", locals={"x": "x" * 65536})
    with pytest.raises(SandboxError, match=r"^Output data are too big: \d+ bytes \(max=65536\)$"):
        Sandbox().execute("x = 'x' * 65536", locals={})
    with pytest.raises(SandboxError, match="^Output data are too big"):
        Sandbox().execute("x = 'x' * 5000000", locals={})


def test_what_json_cannot_hold_is_not_brought_back():
    from sandbox import Sandbox
    left = {}
    Sandbox().execute("def f(): pass\nx = 1\ny = {1, 2}\nz = (1, 2)", globals=left)
    assert left == {"x": 1, "z": [1, 2]}


@pytest.mark.parametrize("path", ["/etc", "/tmp/x"])
def test_a_path_that_a_jail_cannot_show_is_told(path):
    from sandbox import Sandbox, SandboxConfig
    config = SandboxConfig()
    config.allowPath(path)
    if path == "/tmp/x":
        Sandbox(config).execute("pass")  # it is not there
        config.allowPath("/tmp")
    with pytest.raises(ValueError, match="^allowPath: .*%s" % path[:4]):
        Sandbox(config).execute("pass")


STDIN = """
from sandbox import Sandbox, SandboxConfig
config = SandboxConfig("stdin", "stdout", "stderr")
Sandbox(config).execute("import sys\\nprint(input())\\nprint('wrong', file=sys.stderr)")
Sandbox(SandboxConfig("stdout")).execute("print('no stdin')")
"""


def test_streams_with_their_features(venv):
    done = subprocess.run([venv, "-I", "-c", STDIN], input="typed\n", capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("typed\nno stdin\n", "wrong\n")


def test_callbacks():
    from sandbox import Sandbox
    callback = Sandbox().createCallback(double, 21)
    assert (callback(), callback()) == (42, 42)


def test_threads_and_forks():
    from sandbox import Sandbox
    wrong = []

    def work(number):
        for call in range(5):
            if Sandbox().call(double, number + call) != 2 * (number + call):
                wrong.append(number)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    child = os.fork()
    if child == 0:
        try:
            os._exit(Sandbox().call(double, 4))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 8 and Sandbox().call(double, 5) == 10 and wrong == []


def test_many_settings_keep_few_jails():
    from belljar import _kept
    from sandbox import Sandbox, SandboxConfig
    for number in range(_kept.MOST + 3):
        config = SandboxConfig()
        config.timeout = 10 + number
        Sandbox(config).execute("pass")
    assert len(_kept._entries) == _kept.MOST
