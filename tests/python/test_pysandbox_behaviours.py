"""What pysandbox's own tests expect of it, one after the other, as far as Python 3 has it.

Its own file because it is a list that is read against theirs: each row has the name of its test there.
Changes when: one of them is understood in another way.
"""

import os
import subprocess
import sys
import time

import pytest


@pytest.fixture
def sandbox_():
    """A sandbox with these features, and what else is done to its configuration."""
    from sandbox import Sandbox, SandboxConfig

    def make(*features, **settings):
        config = SandboxConfig(*features)
        for name, value in settings.items():
            if callable(getattr(config, name)):
                for each in value:
                    getattr(config, name)(*each)
            else:
                setattr(config, name, value)
        return Sandbox(config)
    return make


def block(statement):
    return "".join("    %s\n" % line for line in statement.split("\n"))


# ---- what is denied: the statement raises this in the guest, where it can be caught ----------------------------------

READ_ONLY = ("SandboxError", "Read only object")
DENIED = {
    "attributes.closure": ("def make(secret):\n    return lambda: secret\nmake(42).__closure__[0].cell_contents", "",
                           ("AttributeError", "'function' object has no attribute '__closure__'")),
    "attributes.func_globals": ("def mysum(a, b): pass\nmysum.__globals__['SECRET']", "",
                                ("AttributeError", "'function' object has no attribute '__globals__'")),
    "attributes.func_locals": ("try:\n    __import__('os')\nexcept ImportError as e:\n    e.__traceback__.tb_frame.f_locals",
                               "traceback",
                               ("AttributeError", "'frame' object has no attribute 'f_locals'")),
    "attributes.func_defaults": ("open.__defaults__", "", ("AttributeError", "has no attribute '__defaults__'")),
    "attributes.type_bases": ("class A: pass\nclass B: pass\nclass X(A): pass\nX.__bases__ = (B,)", "",
                              ("AttributeError", "__bases__")),
    "builtins.builtins_setitem": ("__builtins__['SUPERGLOBAL'] = 42", "", READ_ONLY),
    "builtins.builtins_init": ("__builtins__.__init__({})", "", READ_ONLY),
    "builtins.builtins_init of dict": ("dict.__init__(__builtins__, {})", "", READ_ONLY),
    "builtins.modify_builtins_dict": ("__builtins__.update(X=42)", "", READ_ONLY),
    "builtins.del_builtin": ("dict.__delitem__(__builtins__, '__import__')", "", READ_ONLY),
    "code.bytecode": ("type(compile('1', '<string>', 'eval'))(0, 0, 0, 0, 0, 0, b'', (), (), (), '', '', '', 0, b'', b'')", "",
                      ("SandboxError", "code() blocked by the sandbox")),
    "code.bytecode of a function": ("type((lambda: 0).__code__)", "", ("AttributeError", "__code__")),
    "code.func_code": ("def add(): pass\ndef other(): pass\nadd.__code__ = other.__code__", "",
                       ("AttributeError", "'function' object has no attribute '__code__'")),
    "execute.execfile": ("execfile('x')", "stdout", ("NameError", "name 'execfile' is not defined")),
    "import.import": ("import os", "", ("ImportError", 'Import "os" blocked by the sandbox')),
    "misc.exit": ("exit()", "", ("SandboxError", "exit() function blocked by the sandbox")),
    "misc.system_exit": ("raise SystemExit()", "", ("NameError", "name 'SystemExit' is not defined")),
    "misc.stdout": ("print('x')", "", ("SandboxError", "Block access to sys.stdout.write")),
    "open.open_denied": ("open('/usr/lib/os-release')", "", ("PermissionError", "Sandbox deny access to the file ")),
    "open.write_file": ("open('written', 'w')", "", ("ValueError", "Only read modes are allowed.")),
    "open.filetype_from_sys_stdout": ("import sys\ntype(sys.stdout.buffer.raw)('/usr/lib/os-release').read()", "stdout",
                                       ("PermissionError", "Sandbox deny access to the file ")),
    "open.method_proxy": ("import sys\ntype(sys.stdout.__enter__().buffer.raw)('/usr/lib/os-release').read()", "stdout",
                          ("PermissionError", "Sandbox deny access to the file ")),
    "open.subclasses": ("object.__subclasses__()", "", ("AttributeError", "has no attribute '__subclasses__'")),
}


@pytest.mark.parametrize("statement,features,said", DENIED.values(), ids=DENIED)
def test_it_is_denied_in_the_guest(sandbox_, statement, features, said):
    told = {}
    code = "try:\n%sexcept Exception as error:\n    told = [type(error).__name__, str(error)]"
    sandbox_(*features.split()).execute(code % block(statement), globals=told)
    assert said[0] in told["told"][0] and said[1] in told["told"][1]


@pytest.mark.parametrize("name", ["import.import", "misc.exit", "misc.system_exit", "misc.stdout", "open.open_denied",
                                  "open.write_file"])
def test_what_is_not_caught_is_raised_in_the_host(sandbox_, name):
    import builtins

    import sandbox
    statement, features, (kind, text) = DENIED[name]
    with pytest.raises(getattr(builtins, kind, sandbox.SandboxError)) as caught:
        sandbox_(*features.split()).execute(statement)
    assert type(caught.value).__name__ == kind and text in str(caught.value)
    assert "Traceback" in str(caught.value.__cause__) and "main.py" not in str(caught.value.__cause__)
    if kind == "PermissionError":
        assert caught.value.errno == 13


# ---- what works ------------------------------------------------------------------------------------------------------

REGEX = """
import re
assert re.escape('+') == '\\\\+' and re.match('a+', 'aaaa').group(0) == 'aaaa' and re.findall('.', 'abc') == ['a', 'b', 'c']
assert re.search('a+', 'aaaa').group(0) == 'aaaa' and re.split(' +', 'a b    c') == ['a', 'b', 'c']
assert re.sub('a+', '#', 'a b aa c') == '# b # c'
"""
EXIT = """
import sys
found = []
for leave in (lambda: exit(1), lambda: sys.exit('bye')):
    try:
        leave()
    except SystemExit as error:
        found.append(error.args[0])
assert found == [1, 'bye']
"""
WORKS = {
    "builtins.call_exec_builtins": ("result = []\nexec('result.append(type(__builtins__))', {'result': result})\n"
                                    "assert result[0] != dict", ""),
    "builtins.exec_builtins": ("assert type(__builtins__) != dict", ""),
    "misc.exit": (EXIT, "exit"),
    "misc.system_exit": ("try:\n    raise SystemExit()\nexcept SystemExit:\n    pass", "exit"),
    "misc.regex": (REGEX, "regex"),
    "random.random": ("import random\nassert random.randint(1, 6) in range(1, 7)", "random"),
}


@pytest.mark.parametrize("code,features", WORKS.values(), ids=WORKS)
def test_it_works(sandbox_, code, features):
    sandbox_(*features.split()).execute(code)


EXECUTE = [
    ("assert globals() is locals() and list(globals()) == ['__builtins__']; x = 42", None, None, None, None),
    ("assert globals() is locals() and list(globals()) == ['a', '__builtins__']; a = 10; x = 42", {"a": 1}, None,
     {"a": 10, "x": 42}, None),
    ("assert globals() is not locals() and list(globals()) == ['__builtins__'] and list(locals()) == ['b']; b = 20; x = 42",
     None, {"b": 2}, None, {"b": 20, "x": 42}),
    ("assert list(globals()) == ['a', '__builtins__'] and list(locals()) == ['b']; x = 42; a = 10; b = 20",
     {"a": 1}, {"b": 2}, {"a": 1}, {"a": 10, "b": 20, "x": 42}),
    ("a = 1", None, {}, None, {"a": 1}),
]


@pytest.mark.parametrize("code,names,own,names_then,own_then", EXECUTE)
def test_execute_execute(sandbox_, code, names, own, names_then, own_then):
    names, own = (dict(each) if each is not None else None for each in (names, own))
    sandbox_().execute(code, globals=names, locals=own)
    assert (names, own) == (names_then, own_then)


def test_execute_compile(sandbox_, capsys):
    def compiled():
        exec(compile("1+1", "<string>", "single"), {})
    sandbox_("stdout").call(compiled)
    assert capsys.readouterr().out == "2\n"


def test_import_import_whitelist(sandbox_):
    def version():
        import sys
        assert sys.__name__ == "sys" and not hasattr(sys, "path")
        return sys.version
    told = subprocess.run(["/usr/bin/python3", "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=True)
    assert sandbox_(allowModule=[("sys", "version")]).call(version) == told.stdout.rstrip("\n")


@pytest.mark.parametrize("change,kind", [("sys.version = '3000'", "SandboxError"),
                                         ("object.__setattr__(sys, 'version', '3000')", "TypeError")])
def test_import_readonly_import(sandbox_, change, kind):
    kept = {}
    sandbox_(allowModule=[("sys", "version")]).execute(
        "import sys\nbefore = sys.version\ntry:\n    %s\nexcept Exception as error:\n    kind = type(error).__name__\n"
        "same = sys.version == before"
        % change, locals=kept)
    assert (kept["kind"], kept["same"]) == (kind, True)


@pytest.mark.parametrize("encoding", ["latin_1", "utf_8"])
def test_interpreter_interpreter(venv, encoding):
    typed = "1+1\nprint(ascii('\xe9'))\ndef f(x):\n    return x * 2\n\nf(21)\nimport os\nexit()\n".encode(encoding)
    done = subprocess.run([venv, "-m", "sandbox", "-q"], input=typed, capture_output=True, check=False, cwd="/",
                          env={**os.environ, "PYTHONIOENCODING": encoding, "TERM": "dumb"})
    lines = done.stdout.decode(encoding).split("\n")
    assert done.returncode == 0 and lines[:2] == ["sandbox>>> 2", "sandbox>>> '\\xe9'"], done
    assert b"42" in done.stdout and b'ImportError: Import "os" blocked by the sandbox' in done.stderr


def test_misc_valid_code(sandbox_):
    def valid():
        assert 1 + 2 == 3
    assert sandbox_().call(valid) is None


def test_misc_stdout(sandbox_, capsys):
    def hello(number):
        print("Hello Sandbox", number)
    from sandbox import SandboxError
    with pytest.raises(SandboxError):
        sandbox_().call(hello, 1)
    sandbox_("stdout").call(hello, 2)
    print("Hello Sandbox 3")
    assert capsys.readouterr().out == "Hello Sandbox 2\nHello Sandbox 3\n"


def test_misc_traceback(sandbox_):
    def name_of_caller():
        import sys
        return sys._getframe(0).f_code.co_filename
    assert sandbox_("traceback", allowModule=[("sys", "_getframe")]).call(name_of_caller) == "<string>"


@pytest.mark.parametrize("code", ["while 1: pass", "sum(2**x for x in range(100000))"], ids=["while_1", "cpu_intensive"])
def test_misc_timeout(sandbox_, code):
    from sandbox import SandboxError, Timeout
    began = time.monotonic()
    with pytest.raises(Timeout) as caught:
        sandbox_(timeout=0.1).execute(code)
    assert isinstance(caught.value, SandboxError) and time.monotonic() - began < 3


def test_misc_crash(sandbox_):
    from sandbox import SandboxError

    def crash():
        import faulthandler
        faulthandler._sigsegv()
    with pytest.raises(SandboxError, match="^subprocess killed by signal 11$"):
        sandbox_(allowSafeModule=[("faulthandler", "_sigsegv")]).call(crash)


def first_line(filename, open_):
    """open_: the guest's, which is told by the name of the host's."""
    with open_(filename) as file:
        return file.readline()


@pytest.mark.parametrize("where", ["/usr/lib/os-release", "/etc/issue", "/var/lib/dpkg/status"])
def test_open_open_whitelist(sandbox_, where):
    """/usr is in every jail; what is elsewhere is put there."""
    if not os.path.exists(where):
        pytest.skip("host lacks " + where)
    with open(where, encoding="utf-8") as file:
        assert sandbox_(allowPath=[(where,)]).call(first_line, where, open) == file.readline()


def test_open_write_file(sandbox_):
    with pytest.raises(ValueError, match="^Only read modes are allowed.$"):
        sandbox_(allowPath=[("/usr/share",)]).execute("open('/usr/share/written', 'w')")
    assert not os.path.exists("/usr/share/written")


def test_open_filetype_from_open_file(sandbox_):
    with pytest.raises(Exception) as caught:
        sandbox_(allowPath=[("/usr/lib/os-release",)]).execute(
            "kind = type(open('/usr/lib/os-release', 'rb').raw)\nkind('/usr/bin/env').read(4)")
    assert isinstance(caught.value, PermissionError)


class Person:
    """Person doc"""

    def __init__(self, name):
        self.name = name

    def __str__(self):
        "Convert to string"
        return "str"

    def __repr__(self):
        return "repr"

    def __hash__(self):
        return 42


def test_proxy_object_proxy_read(sandbox_):
    def read(person):
        assert person.__doc__ == "Person doc"
        assert (person.__str__(), person.__repr__(), person.__hash__()) == ("str", "repr", 42)
        assert (person.__str__.__name__, person.__str__.__doc__) == ("__str__", "Convert to string")
        return person.name
    assert sandbox_().call(read, Person("haypo")) == read(Person("haypo"))


@pytest.mark.parametrize("change", ["person.name = 'victor'", "del person.name", "person.__dict__['name'] = 'victor'",
                                    "person.z = 1"], ids=["setattr", "delattr", "dict", "new"])
def test_proxy_object_proxy_is_read_only(sandbox_, change):
    from sandbox import SandboxError
    person = Person("haypo")
    with pytest.raises(SandboxError, match="^Read only object$"):
        sandbox_().execute(change, locals={"person": person})
    assert vars(person) == {"name": "haypo"}


def test_proxy_proxy_module(sandbox_):
    from sandbox import SandboxError

    def give(value):
        return value

    def import_():
        import math
        return math
    with pytest.raises(SandboxError, match="^Unable to proxy a value of type <class 'module'>$"):
        sandbox_().call(give, sys)
    with pytest.raises(SandboxError, match="^Unable to proxy a value of type <class '.*SafeModule'>$"):
        sandbox_("math").call(import_)
    with pytest.raises(ImportError, match="modules"):
        sandbox_(allowModule=[("sys", "modules")]).execute("from sys import modules")


def factorial(n):
    return n * factorial(n - 1) if n >= 2 else 1


def test_recursion_recusion(sandbox_):
    with pytest.raises(RecursionError, match="^maximum recursion depth exceeded"):
        sandbox_().call(factorial, 51)
    assert sandbox_().call(factorial, 45) == factorial(45)
    assert sandbox_(recusion_limit=200).call(factorial, 150) == factorial(150)


# ---- holes that it fell by -------------------------------------------------------------------------------------------

HOLES = {
    "compile names a file": ("try:\n    compile('\\nreturn 1', '/usr/lib/os-release', 'exec')\nexcept SyntaxError as error:\n"
                             "    found = 'NAME' in (error.text or '')",
                             ""),
    "__exit__ is given a traceback": ("class C:\n    def __enter__(self): pass\n    def __exit__(self, kind, value, tb):\n"
                                      "        global found\n        found = hasattr(tb, 'tb_frame') and "
                                      "hasattr(tb.tb_frame, 'f_back')\n"
                                      "        return True\nfound = None\nwith C(): 1 / 0", ""),
    "a str that lies about itself": ("class S(str):\n    def __eq__(s, o): return True\n    def __hash__(s): return hash('time')\n"
                                     "import time\nfound = hasattr(time, S('sleep'))", "time"),
}


@pytest.mark.parametrize("code,features", HOLES.values(), ids=HOLES)
def test_a_hole_is_closed(sandbox_, code, features):
    left = {}
    sandbox_(*features.split()).execute(code, globals=left)
    assert left["found"] is False


def test_a_path_is_no_prefix_of_another(sandbox_):
    whole = "/usr/share/common-licenses/BSD"
    assert sandbox_(allowPath=[(whole,)]).call(first_line, whole, open).startswith("Copyright")
    for path in (whole[:-1], "/usr/share/common-lic"):
        with pytest.raises(PermissionError):
            sandbox_(allowPath=[(path,)]).call(first_line, whole, open)


def test_what_the_guest_says_is_read_as_text(sandbox_):
    """pysandbox unpickled it: an object's __reduce__ ran in the host."""
    from sandbox import SandboxError

    def give():
        class Evil:
            def __reduce__(self):
                return (print, ("in the host",))
        return Evil()
    with pytest.raises(SandboxError, match="Unable to proxy"):
        sandbox_().call(give)
