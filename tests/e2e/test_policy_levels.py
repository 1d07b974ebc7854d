"""The levels of a policy that read the text: RestrictedPython's rules, and simpleeval's expressions.

Its own file because each is a language of its own, which others have described.
Changes when: a level allows or refuses something else. Every test runs in a cold jail and in a parked one.
"""
import json

import belljar_run
import pytest
from policies import denied, raised


# ---- RestrictedPython's level ---------------------------------------------------------------------------------------

def restricted(source, features=""):
    return {"level": "restricted", "features": features.split()}, source


REFUSED = [
    ("_x = 1", '"_x" is an invalid variable name because it starts with "_"'),
    ("def _f(): pass", '"_f" is an invalid variable name because it starts with "_"'),
    ("def f(_getattr_, /): pass", '"_getattr_" is an invalid variable name because it starts with "_"'),
    ("lambda *, _a: 1", '"_a" is an invalid variable name because it starts with "_"'),
    ("(_y := 1)", '"_y" is an invalid variable name because it starts with "_"'),
    ("import os as _os", '"_os" is an invalid variable name because it starts with "_"'),
    ("try: pass\nexcept ValueError as _e: pass", '"_e" is an invalid variable name because it starts with "_"'),
    ("def __init__(): pass", '"__init__" is an invalid variable name because it starts with "_"'),
    ("class A:\n def __call__(self): pass", '"__call__" is an invalid variable name because it starts with "_"'),
    ("x__roles__ = 1", '"x__roles__" is an invalid variable name because it ends with "__roles__".'),
    ("a._b", '"_b" is an invalid attribute name because it starts with "_".'),
    ("a.gi_frame", '"gi_frame" is a restricted name, that is forbidden to access in RestrictedPython.'),
    ("print = 1", '"print" is a reserved name.'), ("def printed(): pass", '"printed" is a reserved name.'),
    ("builtins", '"builtins" is a reserved name.'), ("breakpoint()", '"breakpoint" is a reserved name.'),
    ("exec('1')", "Exec calls are not allowed."), ("eval('1')", "Eval calls are not allowed."),
    ("from math import *", '"*" imports are not allowed.'), ("class A(metaclass=type): pass", 'The keyword argument "metaclass" is not allowed.'),
    ("a.b += 1", "Augmented assignment of attributes is not allowed."),
    ("a[0] += 1", "Augmented assignment of object items and slices is not allowed."),
    ("async def f(): pass", "AsyncFunctionDef statements are not allowed."), ("match 1:\n case _: pass", "Match statements are not allowed."),
    ("try: pass\nexcept* ValueError: pass", "TryStar statements are not allowed."),
    ("def f():\n x = 1\n def g():\n  nonlocal x", "Nonlocal statements are not allowed."),
]


NEW_SYNTAX = {"match": (3, 10), "try:*": (3, 11)}


@pytest.mark.parametrize("source,said", REFUSED, ids=[source for source, _ in REFUSED])
def test_restricted_refuses_in_the_text(under, guest_version, source, said):
    if guest_version < NEW_SYNTAX.get(source.split()[0] + ("*" if "except*" in source else ""), (3, 9)):
        pytest.skip("host lacks this statement: its Python is older")
    result = under(*restricted("ran = True\n" + source))
    assert result.exception["type"] == "SyntaxError" and said in result.exception["message"], result
    assert "Line " in result.exception["message"] and "ran" not in (result.globals or {}), result
    assert any(said[:40] in what for what, _ in denied(result)), result


def test_restricted_tells_all_that_it_refuses(under):
    result = under(*restricted("_x = 1\na._b\nexec('1')"))
    assert [line.split(":")[0] for line in result.exception["message"].split("\n")] == ["Line 1", "Line 2", "Line 3"], result


def test_restricted_runs_what_it_allows(under):
    result = under(*restricted("""
class A:
    def __init__(self, x): self.x = x
    def __eq__(self, other): return self.x == other.x
    def total(self): return self.x + 1
a = A(1)
setattr(a, 'y', 5)
pairs = [(k, v) for k, v in {'a': 1}.items()]
s = sum(x * 2 for x in range(4))
f = lambda n, *rest, **more: n if n < 2 else n * f(n - 1)
def gen():
    yield from (1, 2)
with_default = getattr(a, 'nope', 'none')
d = {}
d['k'] = [1]
d['k'].append(2)
try:
    1 / 0
except ZeroDivisionError as e:
    text = str(e)
out = [a.total(), a == A(1), a.y, pairs, s, f(5), list(gen()), with_default, d, text, f'{s:>4}', 'x' if s else 'y']
"""))
    assert result.status == "ok", result
    assert result.globals["out"] == [2, True, 5, [["a", 1]], 12, 120, [1, 2], "none", {"k": [1, 2]}, "division by zero", "  12", "x"], result


def test_restricted_collects_what_is_printed_and_names(under):
    result = under(*restricted("print('a', 1, sep='-')\nsofar = printed\nprint(len(sofar), end='')"))
    assert result.policy == {"names": ["len", "sofar"], "printed": "a-1\n4"} and result.stdout == "", result
    assert result.globals["sofar"] == "a-1\n", result
    assert under(*restricted("print('a')", "stdout")).stdout == "a\n"
    assert under("stdout", "print('a')").policy is None


@pytest.mark.parametrize("source,said", [
    ("'{0.__class__}'.format(1)", "NotImplementedError: Using the format*() methods of `str` is not safe"),
    ("str.format_map('{a}', {'a': 1})", "NotImplementedError: Using the format*() methods of `str` is not safe"),
    ("getattr('a', '__cl' + 'ass__')", 'AttributeError: "__class__" is an invalid attribute name because it starts with "_"'),
    ("getattr((lambda: 0), 'gi_frame', None)", 'AttributeError: "gi_frame" is an invalid attribute name because it shows the interpreter'),
    ("getattr('a', 1)", "TypeError: type(name) must be str"), ("setattr(int, 'x', 1)", "TypeError: attribute-less object (assign or del): a snippet may change attributes of objects of its own classes, not 'x' of a 'type'"),
    ("class S(str):\n def startswith(s, x): return False\ngetattr('a', S('__class__'))",
     'AttributeError: "__class__" is an invalid attribute name because it starts with "_"'),
    ("vars", "NameError: name 'vars' is not defined"), ("type", "NameError: name 'type' is not defined"),
])
def test_restricted_guards_at_run_time(under, source, said):
    assert raised(under(*restricted(source))) == said


# ---- simpleeval's level ---------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def worked_out(either):
    def run(source, *features, **values):
        argv = [either, "eval", "--json", "-P", "python", "--policy", json.dumps({"level": "expression", "features": features}),
                "--globals", json.dumps(values), "--", source]
        return belljar_run.run_argv(argv)
    return run


@pytest.mark.parametrize("source,value", [
    ("x * 2 + 1", 43), ("2 ** 10 % 1000 // 3", 8), ("[i * x for i in [1, 2, 3] if i > 1]", [42, 63]), ("{k: v for k, v in [('a', 1)]}", {"a": 1}),
    ("d.a + d['a']", 10), ("1 < x < 30", True), ("x in [21] and not (x == 3)", True), ("0 or 'y'", "y"), ("0 and y", 0),
    ("'yes' if x > 3 else nope", "yes"), ("l[1:][0]", 2), ("f'{x:>5}!{x!r}'", "   21!21"), ("str(x)[0].upper()", "2"),
    ("int('5') + float('1.5')", 6.5), ("(1, [2], -x, ~x)", [1, [2], -21, -22]), ("len_of.text", "t"), ("sorted_ is None", True),
    ("[a + b for a in [1, 2] for b in [10, 20]]", [11, 21, 12, 22]), ("'a' 'b' + 'c' * 2", "abcc"), ("0 <= rand() < 1 and 0 <= randint(3) < 3", True),
])
def test_an_expression_is_worked_out(worked_out, source, value):
    result = worked_out(source, x=21, d={"a": 5}, l=[1, 2, 3], len_of={"text": "t"}, sorted_=None)
    assert result.status == "ok" and result.value == value and not denied(result), result


FUNCTIONS = {"level": "expression", "modules": {"math": ["sqrt"]}, "recursion_limit": 100,
             "functions": "import math\ndef double(x): return x * 2\ndef evil(): return __import__('os')\ndef root(x): return math.sqrt(x)\n"
                          "long = lambda n: 'a' * n\ndef deep(n): return n and deep(n - 1)\ndef opened(): return open('/usr/lib/os-release')\n"}


@pytest.mark.parametrize("source,said", [
    ("double(21)", 42), ("[double(i) for i in [1, 2]]", [2, 4]), ("root(9) + x", 10), ("double(double(x))", 28), ("deep(60)", 0),
    ("long(100001)", "IterableTooLong"), ("evil()", "ImportError"), ("opened()", "PermissionError"), ("deep(200)", "RecursionError"),
    ("double.__globals__", "FeatureNotAvailable"), ("triple(1)", "FunctionNotDefined"), ("double()", "TypeError")])
def test_functions_of_the_host_are_defined_in_the_guest(either, source, said):
    argv = [either, "eval", "--json", "-P", "python", "--policy", json.dumps(FUNCTIONS), "--globals", '{"x": 7}', "--", source]
    result = belljar_run.run_argv(argv)
    assert raised(result).startswith(said) if isinstance(said, str) else (result.status, result.value) == ("ok", said), result


def test_modules_are_names_of_expressions(worked_out):
    assert worked_out("math.sqrt(4) + math.floor(2.5)", "math").value == 4
    assert raised(worked_out("math.sqrt(4)")).startswith("NameNotDefined")


@pytest.mark.parametrize("source,said", [
    ("x.__class__", "FeatureNotAvailable: Sorry, access to __attributes  or func_ attributes is not available. (__class__)"),
    ("x.func_globals", "FeatureNotAvailable: Sorry, access to __attributes  or func_ attributes is not available. (func_globals)"),
    ("'{}'.format(x)", "FeatureNotAvailable: Sorry, this method is not available. (format)"),
    ("(i for i in [1]).gi_frame", "FeatureNotAvailable: Sorry, this method is not available. (gi_frame)"),
    ("lambda: 1", "FeatureNotAvailable: Lambda Functions not implemented"), ("(y := 1)", "FeatureNotAvailable: Sorry, NamedExpr is not available in this evaluator"),
    ("f(*[1])", "FunctionNotDefined"), ("int(*[1])", "FeatureNotAvailable: Sorry, Starred is not available in this evaluator"),
    ("__builtins__['getattr'](x, 'real')", "NameNotDefined"), ("__name__", "NameNotDefined"), ("__import__('os')", "FunctionNotDefined"),
    ("open('x')", "FunctionNotDefined"), ("eval('1')", "FunctionNotDefined"), ("nope", "NameNotDefined"), ("d.b", "AttributeDoesNotExist"),
    ("4000001 ** 2", "NumberTooHigh: Sorry! I don't want to evaluate 4000001 ** 2"), ("1 << 10001", "NumberTooHigh"),
    ("'a' * 100001", "IterableTooLong: Sorry, I will not evaluate something that long."), ("[0] * 100001", "IterableTooLong"),
    ("('a' * 60000) + ('a' * 60000)", "IterableTooLong"), ("'%90000000d' % 1", "IterableTooLong"), ("'%*d' % (90000000, 1)", "IterableTooLong"),
    ("'a'.center(90000000)", "IterableTooLong"), ("f'{x:>90000000}'", "IterableTooLong"), ("f'{x:>60000}{x:>60000}'", "IterableTooLong"),
    ("[[0 for i in [1] * 200] for j in [1] * 200]", "IterableTooLong: Comprehension generates too many elements"),
    ("  ", "InvalidExpression: Sorry, cannot evaluate empty string"), ("import os", "SyntaxError"), ("x = 1", "SyntaxError"), ("l.append(1)", "SandboxError: Read only object"),
    ("1 / 0", "ZeroDivisionError"), ("x.nope()", "AttributeDoesNotExist"),
])
def test_an_expression_holds_nothing_else(worked_out, source, said):
    assert raised(worked_out(source, x=21, d={"a": 5}, l=[1])).startswith(said)
