"""What a policy allows and denies: pysandbox's features, its error texts, and the holes by which it and others fell.

Its own file because the policy is a rail of its own, above walls that other tests try.
Changes when: the policy allows or denies something else. Every test runs in a cold jail and in a parked one.
"""
import json
import sys

import pytest

import belljar_run
from policies import denied, raised


# ---- what a feature allows, and what is said without it -------------------------------------------------------------

ALLOWED = [
    ("math", "import math\nassert math.sqrt(4) == 2 and math.pi > 3"),
    ("random", "import random\nassert random.randint(1, 6) in range(1, 7)\nrandom.shuffle([1, 2])\nrandom.choice('ab')"),
    ("regex", "import re\nassert re.findall('a+', 'aab') == ['aa'] and re.split(',', 'a,b') == ['a', 'b']\n"
              "assert re.sub('a', 'b', 'aa') == 'bb' and re.match('a', 'a') and re.search('b', 'ab') and re.escape('.')\n"
              "assert re.compile('(?P<x>a|b)+', re.I).match('AB').group('x') == 'B'"),
    ("regex", "import sre_parse\nassert len(sre_parse.parse('ab')) == 2"),
    ("time", "import time\nassert time.time() > 0 and time.gmtime(0).tm_year == 1970 and time.strftime('%Y', time.gmtime(0)) == '1970'"),
    ("datetime", "import datetime\nassert datetime.date(2020, 1, 2).strftime('%d') == '02'\n"
                 "assert datetime.datetime.strptime('2020', '%Y').year == 2020"),
    ("itertools", "import itertools\nassert list(itertools.chain([1], [2])) == [1, 2]"),
    ("hashlib", "import hashlib\nassert hashlib.sha256(b'').hexdigest().startswith('e3b0c442') and hashlib.md5(b'x')"),
    ("unicodedata", "import unicodedata\nassert unicodedata.name('a') == 'LATIN SMALL LETTER A'"),
    ("future", "from __future__ import annotations\nimport __future__\nassert __future__.annotations"),
    ("codecs", "import codecs\nassert codecs.encode('a', 'utf-8') == b'a' and codecs.BOM_UTF8"),
    ("encodings", "import codecs, encodings.rot_13\nassert codecs.encode('a', 'rot_13') == 'n' and encodings.rot_13.getregentry()"),
    ("traceback", "import sys, traceback\ntry: 1 / 0\nexcept ZeroDivisionError as e:\n"
                  "  assert e.__traceback__.tb_frame.f_code.co_filename == 'main.py'\n  assert 'by zero' in traceback.format_exc()"),
    ("debug_sandbox", "import sys\nassert sys._getframe().f_globals['__name__'] == '__main__'"),
    ("interpreter stdout", "import sys\nprint(sys.version_info[0] >= 3, file=sys.stderr)\nassert sys.ps1 if hasattr(sys, 'ps1') else True"),
    ("site stdout stdin", "print(copyright)"),
]


@pytest.mark.parametrize("features,source", ALLOWED, ids=[features.split()[0] for features, _ in ALLOWED])
def test_a_feature_allows(under, features, source):
    result = under(features, source)
    assert result.status == "ok" and not denied(result), result


DENIED = [
    ("import os", "", 'ImportError: Import "os" blocked by the sandbox', ("import os", None)),
    ("import re", "", 'ImportError: Import "re" blocked by the sandbox', ("import re", "regex")),
    ("from math import sqrt, os", "math", "ImportError: cannot import name 'os' from 'math'", ("math.os", None)),
    ("print(1)", "", "SandboxError: Block access to sys.stdout.write", ("sys.stdout.write", "stdout")),
    ("exit()", "", "SandboxError: exit() function blocked by the sandbox", ("exit()", "exit")),
    ("import time\ntime.sleep(1)", "time", "AttributeError: SafeModule 'time' has no attribute 'sleep'", ("time.sleep", None)),
    ("import random\nrandom.seed(0)", "random", "AttributeError: SafeModule 'random' has no attribute 'seed'", ("random.seed", None)),
    ("import math\nmath.pi = 3", "math", "SandboxError: Read only object", ("change of a module", None)),
    ("open('/etc/passwd')", "", "PermissionError: [Errno 13] Sandbox deny access to the file '/etc/passwd'",
     ("open of a file that is not among policy.paths", None)),
    ("open('x', 'w')", "", "ValueError: Only read modes are allowed.", ("open for writing", None)),
    ("__builtins__['X'] = 42", "", "SandboxError: Read only object", ("change of a read-only dict", None)),
    ("dict.__delitem__(__builtins__, '__import__')", "", "SandboxError: Read only object", ("change of a read-only dict", None)),
    ("__builtins__.__init__({})", "", "SandboxError: Read only object", ("change of a read-only dict", None)),
    ("type(compile('1', '<x>', 'eval'))()", "", "SandboxError: code() blocked by the sandbox", ("code()", None)),
    ("(lambda: 0).__globals__", "", "AttributeError: 'function' object has no attribute '__globals__'", ("function.__globals__", None)),
]


@pytest.mark.parametrize("source,features,said,noted", DENIED, ids=[source.split("\n")[-1] for source, _, _, _ in DENIED])
def test_without_it_the_denial_says_what_and_by_what_it_would_be_allowed(under, guest_version, source, features, said, noted):
    result = under(features, source)
    assert raised(result) == said and noted in denied(result), result
    notes = guest_version >= (3, 11)  # PEP 678
    assert ("The policy denies this" in result.exception["traceback"]) == notes, result
    assert (noted[1] is not None and notes) == ("would allow it" in result.exception["traceback"]), result


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "BaseException", "input", "breakpoint"])
def test_what_is_no_built_in_has_no_name(under, name):
    assert raised(under("", name)) == "NameError: name '%s' is not defined" % name


def test_exit_with_its_feature(under):
    result = under("exit", "try:\n    exit(1)\nexcept SystemExit as e:\n    x = e.args\nimport sys\nsys.exit(3)")
    assert (result.status, result.exit_code) == ("exit", 3) and not denied(result), result
    assert under("exit stderr", "import sys\nsys.exit('bye')").stderr == "bye\n"


def test_streams(under, tmp_path):
    given = tmp_path / "in"
    given.write_text("hello\n")
    result = under("stdin stdout stderr", "import sys\nx = input()\nprint(x)\nprint('e', file=sys.stderr)\ny = sys.stdin.read()",
                   stdin=str(given))
    assert (result.stdout, result.stderr, result.globals) == ("hello\n", "e\n", {"x": "hello", "y": ""}), result
    assert not denied(under("stdin", "x = input()", stdin=str(given))), "flushing is no attempt"


def test_help(under):
    result = under("help stdout", "help(len)")
    assert result.status == "ok" and "Return the number of items" in result.stdout and not denied(result), result
    result = under("help stdout", "import re\nhelp(re)")
    assert result.status == "ok" and "SafeModule" in result.stdout and not denied(result), result


def test_warnings_of_the_library_are_lost_without_stderr(under):
    """Invalid escapes and what is deprecated are said on sys.stderr, which is not there."""
    source = "def f(): return '\\d' is 1\nx = f()"
    result = under("", source)
    assert (result.status, result.globals, result.stderr) == ("ok", {"x": False}, "") and not denied(result), result
    assert "Warning: " in under("stderr", source).stderr
    assert raised(under("", "import sys\nprint(1, file=sys.stderr)")).endswith('Import "sys" blocked by the sandbox')


SOURCE = "try: statistics.mean([])\nexcept ValueError as e: name = e.__traceback__.tb_next.tb_frame.f_code.co_filename\nx = open(name).read(5000)"


def test_with_traceback_sources_of_imported_modules_can_be_read(under):
    policy = {"features": ["traceback"], "modules": {"statistics": ["mean"]}}
    result = under(policy, "import statistics\n" + SOURCE)
    assert result.status == "ok" and '"""' in result.globals["x"] and not denied(result), result
    beside = result.globals["name"].replace("statistics.py", "os.py")
    for path in (beside, beside.replace("os.py", "fractions.py"), result.globals["name"] + "/../os.py"):
        assert "deny access" in raised(under(policy, "import statistics\nopen(%r)" % path)), path
    assert "deny access" in raised(under(policy, "open(%r)" % result.globals["name"])), "it was not imported"
    assert "deny access" in raised(under({"modules": {"statistics": ["mean"]}}, "import statistics\nopen(%r)" % result.globals["name"]))


def test_modules_of_the_operator(under):
    policy = {"features": ["stdout"], "modules": {"json": ["loads"], "sys": ["version"], "collections": ["*"], "os.path": ["join"]},
              "recursion_limit": 200}
    result = under(policy, "import json, sys, os.path\nfrom collections import namedtuple\nfrom collections import *\nP = namedtuple('P', 'x y')\n"
                           "print(json.loads('[1]'), P(1, 2), OrderedDict(), os.path.join('a', 'b'), sys.version[0])")
    assert result.stdout == "[1] P(x=1, y=2) OrderedDict() a/b 3\n", result
    assert "no attribute 'dumps'" in raised(under(policy, "import json\njson.dumps"))
    assert "no attribute 'modules'" in raised(under(policy, "import sys\nsys.modules"))
    assert "no attribute 'system'" in raised(under(policy, "import os.path\nos.system"))


LIBRARY = {"features": ["stdout"], "recursion_limit": 300,
           "modules": {name: ["*"] for name in ("enum", "dataclasses", "functools", "typing", "contextlib", "abc", "copy", "statistics",
                                                "fractions", "decimal", "string", "textwrap", "heapq", "bisect", "operator")}}
USES = """
from enum import Enum
from dataclasses import dataclass, field
from functools import lru_cache, wraps, singledispatch, reduce
from typing import NamedTuple, List
from contextlib import contextmanager
from abc import ABC, abstractmethod
import copy, statistics, fractions, decimal, string, textwrap, heapq, bisect, operator
class Color(Enum):
    RED = 1
@dataclass(order=True)
class P:
    x: int
    y: List[int] = field(default_factory=list)
class T(NamedTuple):
    a: int
@lru_cache
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
@singledispatch
def kind(x): return 'any'
@kind.register(int)
def _(x): return 'int'
@contextmanager
def cm():
    yield 1
class A(ABC):
    @abstractmethod
    def f(self): ...
class B(A):
    def f(self): return 'f'
with cm() as one: pass
print(Color(1).name, P(1) < P(2), T(3).a, fib(20), kind(1), kind(''), one, B().f(), copy.deepcopy([P(1)])[0] == P(1))
print(statistics.mean([1, 2]), fractions.Fraction(1, 2), decimal.Decimal('0.1'), string.digits, textwrap.fill('a b', 1).split())
print(heapq.nsmallest(1, [2, 1]), bisect.bisect([1, 2], 1), operator.itemgetter(0)([5]), reduce(operator.add, [1, 2]))
"""


def test_the_library_works_when_its_modules_are_listed(under):
    result = under(LIBRARY, USES)
    assert result.status == "ok" and not denied(result), result
    assert result.stdout.split("\n")[0] == "RED True 3 6765 int any 1 f True", result


# ---- what is left of Python ---------------------------------------------------------------------------------------

PATTERN = "match {'k': [1, 2]}:\n    case {'k': [first, *rest]}: pass\n"  # Python 3.10
ORDINARY = """
d = {}
d.update(a=1); d.setdefault('b', 2); d |= {'c': 3}; d.pop('a'); dict.update(d, e=5); del d['b']
l = [3, 1]; l.append(2); l.sort(); list.append(l, 9); l += [1]; l[0] = 0; l.pop()
class C:
    x = 1
    def __init__(self): self.y = 2
    @property
    def z(self): return self.x + self.y
    @classmethod
    def make(cls): return cls()
    @staticmethod
    def s(): return 4
class D(C):
    def __init__(self): super().__init__(); self.w = 5
def gen():
    got = yield 1
    yield got
g = gen(); next(g); got = g.send(7)
b = bytearray(b'abc'); b[0] = 65; b.append(66); b.extend(b'x'); b.insert(0, 1); has = 66 in b
match {'k': [1, 2]}:
    case {'k': [first, *rest]}: pass
try:
    [][1]
except IndexError as e:
    text = str(e)
    line = e.__traceback__.tb_lineno
import_error = None
exec('q = 1 + 1'); w = eval('q * 2'); ns = {}; exec('v = len("ab")', ns); v = ns['v']
out = (d, l, C.make().z, C.s(), D().w, got, bytes(b).hex(), has, first, rest, text, line, f'{3.14159:.2f}', '{0[0]}'.format([1]), w, v,
       sorted({3, 1}), isinstance(D(), C), [x for x in range(3)], getattr(C(), 'x'), hasattr(C(), 'nope'), type('N', (), {'a': 1}).a)
async def co(): return 1
try:
    co().send(None)
except StopIteration as e:
    awaited = e.value
"""


def test_ordinary_code_runs_under_an_empty_policy(under, guest_version):
    source = ORDINARY if guest_version >= (3, 10) else ORDINARY.replace(PATTERN, "first, *rest = [1, 2]\n\n")
    result = under("", source)
    assert result.status == "ok" and not denied(result), result
    assert result.globals["out"] == [{"c": 3, "e": 5}, [0, 2, 3, 9], 3, 4, 5, 7, "0141626342" + "78", True, 1, [2],
                                     "list index out of range", ORDINARY.split("\n").index("    [][1]") + 1, "3.14", "1", 4, 2, [1, 3], True, [0, 1, 2], 1, False, 1], result
    assert result.globals["awaited"] == 1


def test_a_class_may_have_a_method_of_a_hidden_name(under):
    result = under("", "class A: pass\nA.__reduce_ex__ = lambda self, n: n\nclass B:\n def __reduce__(self): return 'own'\n"
                       "x = [A().__reduce_ex__(2), B().__reduce__()]")
    assert result.globals["x"] == [2, "own"] and not denied(result), result


def test_values_of_the_host_are_read_only(under):
    values = ("--globals", '{"data": [1, {"a": [2]}], "n": 5}')
    for change in ("data.append(4)", "data[0] = 1", "data += [1]", "del data[0]", "data[1]['b'] = 1", "data[1]['a'].sort()", "list.append(data, 1)",
                   "data[1] |= {}"):
        assert raised(under("", change, *values)) == "SandboxError: Read only object", change
    result = under("", "n += 1\nmine = [*data, 3]\nmine.append(4)\ntotal = data[0] + data[1]['a'][0]\nkind = isinstance(data, list)", *values)
    assert result.globals == {"data": [1, {"a": [2]}], "n": 6, "mine": [1, {"a": [2]}, 3, 4], "total": 3, "kind": True}, result


def test_recursion_is_limited(under):
    deep = "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nx = f(%d)"
    assert under("", deep % 40).status == "ok"
    assert raised(under("", deep % 51)).startswith("RecursionError: maximum recursion depth exceeded")
    assert under({"recursion_limit": 200}, deep % 150).status == "ok"


def test_a_record_is_made_under_a_policy(under):
    source = "def f(n):\n    return n * 2\nx = f(2)\nprint(x)\n"
    result = under("stdout", source, "--trace")
    assert [step["event"] for step in result.trace["steps"]] == ["step_line", "step_line", "call", "step_line", "return", "step_line", "return"]
    assert result.trace["steps"][-1]["stdout"] == "4\n" and not denied(result), result
    result = under("", source, "--trace")
    assert raised(result).startswith("SandboxError") and result.trace["steps"][-1]["event"] == "exception", result
    assert under({"level": "restricted"}, source, "--trace").policy["printed"] == "4\n"


# ---- holes of predecessors ------------------------------------------------------------------------------------------

def test_the_name_that_compile_is_given_is_no_file(under):
    """pysandbox, 2013: the SyntaxError's text was a line of that file."""
    source = "try:\n    compile('\\nreturn 1', '/usr/share/common-licenses/BSD', 'exec')\nexcept SyntaxError as e:\n    text, name = e.text, e.filename"
    result = under("", source)
    assert result.status == "ok" and (result.globals["text"] or "").strip() in ("", "return 1"), result
    assert result.globals["name"] == "<compiled>", result
    assert under("stdout", "eval(compile('print(6 * 7)', '<string>', 'single'))").stdout == "42\n"


FRAMES = {
    "a traceback received in __exit__": "class C:\n def __enter__(s): return s\n def __exit__(s, t, v, tb): tb.tb_frame.f_back\nwith C(): 1 / 0",
    "a generator": "(i for i in ()).gi_frame",
    "a coroutine": "async def f(): pass\nf().cr_frame",
    "an asynchronous generator": "async def f(): yield\nf().ag_frame",
    "a function": "def f(): pass\nf.__code__",
    "str.format": "'{0.__globals__}'.format(lambda: 0)",
    "str.format_map": "'{f.__globals__}'.format_map({'f': lambda: 0})",
    "getattr": "getattr(lambda: 0, '__glo' + 'bals__')",
    "an own str": "class S(str): pass\ngetattr(lambda: 0, S('__globals__'))",
    "object.__getattribute__": "object.__getattribute__(lambda: 0, '__globals__')",
    "the dictionary of a type": "vars(type(lambda: 0))['__globals__'].__get__(lambda: 0)",
    "subclasses": "object.__subclasses__()",
    "type.__subclasses__": "type.__subclasses__(type)",
    "bases": "().__class__.__base__",
    "assigned bases": "class A: pass\nclass B(A): pass\nB.__bases__ = (object,)",
    "assigned code": "def f(): pass\ndef g(): pass\nf.__code__ = g.__code__",
    "assigned defaults": "def f(x=1): pass\nf.__defaults__ = (2,)",
    "a closure": "def f():\n secret = 1\n return lambda: secret\nf().__closure__",
    "the module of a built-in": "len.__self__",
    "reduction": "(1).__reduce_ex__(2)",
}


@pytest.mark.parametrize("source", FRAMES.values(), ids=FRAMES)
def test_nothing_leads_out(under, source):
    result = under("", source)
    assert raised(result).startswith("AttributeError: "), result
    assert denied(result), result


def test_a_pattern_does_not_match_what_is_hidden(under, has_patterns):
    result = under("", "match (lambda: 0):\n case object(__globals__=g): found = True\n case _: found = False")
    assert result.globals["found"] is False, result


def test_an_own_str_is_the_text_that_it_holds(under):
    """pysandbox 1.5: a str that says that it equals what is allowed."""
    cheat = "class S(str):\n def __eq__(s, o): return True\n def __hash__(s): return hash('%s')\n"
    assert "no attribute 'sleep'" in raised(under("time", cheat % "time" + "import time\ngetattr(time, S('sleep'))"))
    assert raised(under("time", cheat % "time" + "__import__(S('os'))")) == 'ImportError: Import "os" blocked by the sandbox'
    assert "expect string" in raised(under("math", "import math\ntype(math).__getattribute__(math, 1)"))


def test_a_type_of_an_open_file_opens_no_other(under):
    for source in ("type(sys.stdout.buffer.raw)('/usr/share/common-licenses/BSD')", "type(sys.stdout.buffer.raw)(6, 'w')"):
        result = under("stdout", "import sys\n" + source)
        assert result.status == "exception" and denied(result), result


def test_paths_are_contained_truly(under):
    """pysandbox: a prefix of the text, so that /etc/iss opened /etc/issue."""
    source = "x = open('/usr/share/common-licenses/%s').readline()"
    assert under({"paths": ["/usr/share/common-licenses"]}, source % "BSD").globals["x"].startswith("Copyright")
    assert under({"paths": ["/usr/share/common-licenses/BSD"]}, source % "BSD").status == "ok"
    for paths, name in ((["/usr/share/common-lic"], "BSD"), (["/usr/share/common-licenses/B"], "BSD"), (["/usr/share/common-licenses"], "../../lib/os-release")):
        assert "Sandbox deny access" in raised(under({"paths": paths}, source % name)), (paths, name)


def test_a_deputy_of_the_library_has_no_more_rights(under):
    policy = {"modules": {"string": ["Formatter"], "operator": ["attrgetter", "methodcaller"], "functools": ["reduce"]}}
    for source in ("import string\nstring.Formatter().format('{0.__globals__}', lambda: 0)",
                   "from operator import attrgetter\nattrgetter('__globals__')(lambda: 0)",
                   "from operator import methodcaller\nmethodcaller('__subclasses__')(object)",
                   "from functools import reduce\nreduce(getattr, ['__globals__'], lambda: 0)"):
        assert raised(under(policy, source)).startswith("AttributeError"), source


def test_no_deputy_sees_behind_a_function_of_the_library(under):
    policy = {"modules": {"inspect": ["getmembers"], "re": ["compile"]}, "recursion_limit": 300}
    result = under(policy, "import inspect, re\nx = [name for name, _ in inspect.getmembers(re.compile) if 'globals' in name or 'code' in name]")
    assert result.globals["x"] == [], result


def test_a_callback_from_the_library_has_no_more_rights(under):
    """The door is open while the library's function runs, but not for what the snippet had it call."""
    policy = {"features": ["regex"], "recursion_limit": 300}
    assert raised(under(policy, "import re\nre.sub('a', lambda m: str((lambda: 0).__globals__), 'a')")).startswith("AttributeError")
    assert raised(under(policy, "import re\nre.sub('a', lambda m: __import__('os').name, 'a')")).startswith("ImportError")


def test_a_callback_reaches_no_deputy_either(under):
    """A frame of the snippet's between the door and the library's frame closes the door again."""
    policy = {"features": ["regex"], "modules": {"string": ["Formatter"]}, "recursion_limit": 300}
    source = "import re, string\nf = string.Formatter()\nre.sub('a', lambda m: f.format('{0.__globals__}', lambda: 0), 'a')"
    assert raised(under(policy, source)).startswith("AttributeError")


AFTERWARDS = """
class E(Exception):
    def __str__(self):
        found = []
        for what in ("object.__subclasses__()", "(lambda: 0).__globals__", "__import__('os').getpid()", "open('/usr/lib/os-release')"):
            try:
                eval(what)
                found.append(what)
            except Exception as e:
                pass
        return repr(found)
raise E
"""


def test_what_runs_when_the_snippet_is_over_has_no_more_rights(under):
    """Its exception is asked for its text by code that may look into tracebacks."""
    assert raised(under("", AFTERWARDS)) == "E: []"
    policy = {"modules": {"string": ["Formatter"]}, "recursion_limit": 300}
    source = AFTERWARDS.replace('"object.__subclasses__()"', '"f.format(\'{0.__globals__}\', lambda: 0)"')
    assert raised(under(policy, "import string\nf = string.Formatter()\n" + source)) == "E: []"


def test_files_beside_the_snippet_are_no_modules(under, tmp_path):
    """They would run with the real built-ins."""
    module = tmp_path / "json.py"
    module.write_text("x = 'mine'\n")
    result = under({"modules": {"json": ["loads", "x"]}}, "import json\ny = hasattr(json, 'x')", "--file", "json.py=%s" % module)
    assert result.status == "ok" and result.globals["y"] is False, result
    assert "blocked" in raised(under("", "import helper", "--file", "helper.py=%s" % module))


def test_a_cookie_does_not_change_the_text(under):
    """PEP 263: what a reader sees as a comment became a line of code."""
    assert under("", "# coding: unicode_escape\nx = 1\n# \\x0ax = 2\n").globals["x"] == 1


def test_a_number_that_shrinks_the_buffer_it_is_for(under):
    """gh-91153: a write to freed memory, and with it any object's length."""
    source = ("class Evil:\n def __index__(s):\n  b.clear()\n  m.append(bytearray())\n  b.extend([0] * 56)\n  return 1\n"
              "m = []\nb = bytearray(56)\nb[23] = Evil()\nx = [len(o) for o in m]")
    assert under("", source).globals["x"] == [0]


@pytest.mark.parametrize("lie", [
    "class Lie(ExceptionGroup):\n def split(self, kind): return [1, 2, 3]\ng = Lie('x', [ValueError('a')])",
    "class Lie(BaseExceptionGroup):\n def split(self, kind): return 1\ng = Lie('x', [ValueError('a')])",
    "g = type('Lie', (ExceptionGroup,), {'split': lambda self, kind: ('a',)})('x', [ValueError('a')])",
    "g = ExceptionGroup('x', [ValueError('a')])\ng.split = lambda kind: [1, 2, 3]",
    "ExceptionGroup.split = lambda self, kind: [1, 2, 3]\ng = ExceptionGroup('x', [ValueError('a')])",
    "BaseExceptionGroup.split = lambda self, kind: [1, 2, 3]\ng = ExceptionGroup('x', [ValueError('a')])",
])
def test_a_group_that_lies_when_it_is_split(under, has_groups, lie):
    """CVE-2025-22153: "except*" took what it returned for the pair that it should be, and the interpreter's memory with it."""
    caught = "\ntry:\n raise g\nexcept* ValueError as error:\n x = len(error.exceptions)"
    result = under("", lie + caught)
    assert result.status == "exception" and result.signal is None and "x" not in (result.globals or {}), result


def test_groups_of_exceptions(under, has_groups):
    source = ("g = ExceptionGroup('x', [ValueError('a'), TypeError('b')])\nparts = [len(part.exceptions) for part in g.split(ValueError)]\n"
              "seen = []\ntry:\n raise g\nexcept* ValueError as error:\n seen.append(str(error.exceptions[0]))\n"
              "except* TypeError as error:\n seen.append(str(error.exceptions[0]))")
    result = under("", source)
    assert result.globals["parts"] == [1, 1] and result.globals["seen"] == ["a", "b"], result


# ---- the request ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("policy,field,said", [
    ('{"features": ["stdou"]}', "policy.features[0]", 'did you mean "stdout"'),
    ('{"feature": []}', "policy.feature", 'did you mean "features"'),
    ('{"modules": {"os": "path"}}', "policy.modules.os", "an array"),
    ('{"modules": {"a b": []}}', "policy.modules.a b", "no name of a module"),
    ('{"modules": {"os": ["a.b"]}}', "policy.modules.os[0]", "the name of something"),
    ('{"paths": ["etc"]}', "policy.paths[0]", "absolute"),
    ('{"level": "expressions"}', "policy.level", 'did you mean "expression"'),
    ('{"level": "expression"}', "policy.level", "this is a script"),
    ('{"functions": "def f(): pass"}', "policy.functions", 'only with the level "expression"'),
    ('{"recursion_limit": 0}', "policy.recursion_limit", "a whole number from 10"),
])
def test_a_bad_policy_starts_nothing(belljar, policy, field, said):
    request = '{"profile": "python", "code": "x = 1", "policy": %s}' % policy
    done = belljar_run.run_argv([belljar, "run", "--json", "--spec", "-"], stdin=request.encode())
    assert done.returncode == 125 and field in done.err.decode() and said in done.err.decode(), done


def test_a_policy_is_for_snippets(belljar):
    request = {"profile": "python", "command": ["python3", "-c", "1"], "policy": {}}
    done = belljar_run.run_argv([belljar, "run", "--json", "--spec", "-"], stdin=json.dumps(request).encode())
    assert done.returncode == 125 and "policy" in done.err.decode() and "command" in done.err.decode(), done


def test_options(either, tmp_path):
    def call(*words):
        return belljar_run.run_argv([either, *words])
    assert call("eval", "--json", "-P", "python", "--features", "math,time", "__import__('math').floor(2.5)").value == 2
    script = tmp_path / "s.py"
    script.write_text("x = open('/usr/share/common-licenses/BSD').read(9)\nprint(x)\n")
    done = call("exec", "-P", "python", "--features", "stdout", "--allow-path", "/usr/share/common-licenses", str(script))
    assert (done.returncode, done.out) == (0, b"Copyright\n"), done
    done = call("exec", "-P", "python", "--features", "math", str(script))
    assert done.returncode == 1 and b"Sandbox deny access" in done.err, done


def test_a_denial_is_shown_with_its_feature_in_a_summary(belljar, tmp_path):
    script = tmp_path / "s.py"
    script.write_text("import re\n")
    done = belljar_run.run_argv([belljar, "exec", "-P", "python", "--features", "math", "--verbose", str(script)])
    assert b"import re" in done.err and b"regex" in done.err, done
