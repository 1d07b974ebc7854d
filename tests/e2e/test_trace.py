"""The record of a script, step by step: belljar exec --trace, and "trace" in a request.

Its own file because a record is a format of its own, Python Tutor's.
Changes when: a step tells something more, or in another way.
"""
import json

import belljar_run
import pytest

KEYS = {"line", "event", "func_name", "globals", "ordered_globals", "stack_to_render", "heap", "stdout"}


@pytest.fixture
def traced(either):
    """traced(source, *options): the result of `belljar exec --json --trace`."""
    def run(source, *options, **request):
        if request:
            text = json.dumps({"profile": "python", "code": source, **request})
            return belljar_run.run_argv([either, "run", "--json", "--spec", "-"], stdin=text.encode())
        return belljar_run.run_argv([either, "exec", "--json", "--trace", *map(str, options), "-"], stdin=source.encode())
    return run


@pytest.fixture
def steps(traced):
    """The steps of a script that runs to its end."""
    def run(source, *options):
        result = traced(source, *options)
        assert result.status == "ok" and not result.trace["truncated"], result
        for step in result.trace["steps"]:
            assert set(step) - {"exception_msg"} == KEYS, step
            check_references(step)
        return result.trace["steps"]
    return run


def check_references(step):
    """Whatever is referred to is there, and nothing else is."""
    found = set()

    def walk(value):
        if isinstance(value, list) and len(value) == 2 and value[0] == "REF":
            found.add(str(value[1]))
        elif isinstance(value, list):
            for item in value:
                walk(item)
    for frame in step["stack_to_render"]:
        assert sorted(frame["encoded_locals"]) == sorted(frame["ordered_varnames"]), step
        walk(list(frame["encoded_locals"].values()))
    assert sorted(step["globals"]) == sorted(step["ordered_globals"]), step
    walk(list(step["globals"].values()))
    walk(list(step["heap"].values()))
    assert found == set(step["heap"]), step


def seen(step, name):
    """The object that a global variable refers to."""
    kind, number = step["globals"][name]
    assert kind == "REF", step
    return step["heap"][str(number)]


def shape(steps):
    return [(step["event"], step["line"], step["func_name"]) for step in steps]


# ---- what is told ------------------------------------------------------------------------------------------------

def test_no_record_where_none_was_asked_for(either):
    result = belljar_run.run_argv([either, "exec", "--json", "-"], stdin=b"x = 1")
    assert result.trace is None, result


def test_a_loop(steps, guest_version):
    told = steps("total = 0\nfor i in range(3):\n    total += i\n")
    assert [step["line"] for step in told] == [1, 2, 3, 2, 3, 2, 3, 2, 2 if guest_version >= (3, 10) else 3], told  # PEP 626
    assert [step["event"] for step in told] == ["step_line"] * 8 + ["return"], told
    assert told[0]["globals"] == {} and told[1]["globals"] == {"total": 0}, told
    assert told[-1]["globals"] == {"total": 3, "i": 2} and told[-1]["ordered_globals"] == ["total", "i"], told
    assert all(step["stack_to_render"] == [] and step["heap"] == {} for step in told), told


def test_a_call_with_its_variables(steps):
    told = steps("def add(a, b=2, *rest, key=4, **more):\n    c = a + b\n    return c\nx = add(1)\n")
    assert shape(told) == [("step_line", 1, "<module>"), ("step_line", 4, "<module>"), ("call", 1, "add"), ("step_line", 2, "add"),
                           ("step_line", 3, "add"), ("return", 3, "add"), ("return", 4, "<module>")], told
    assert seen(told[1], "add") == ["FUNCTION", "add(a, b, *rest, key, **more)", None], told
    (frame,) = told[5]["stack_to_render"]
    assert (frame["func_name"], frame["frame_id"], frame["is_highlighted"]) == ("add", 1, True), frame
    assert frame["encoded_locals"] == {"a": 1, "b": 2, "key": 4, "rest": frame["encoded_locals"]["rest"], "c": 3, "__return__": 3,
                                       "more": frame["encoded_locals"]["more"]}, frame
    assert frame["ordered_varnames"] == ["a", "b", "key", "rest", "more", "c", "__return__"], frame
    assert "c" not in told[3]["stack_to_render"][0]["encoded_locals"], told
    assert told[-1]["globals"]["x"] == 3 and told[-1]["stack_to_render"] == [], told


def test_two_names_of_one_list(steps):
    told = steps("x = [1, [2]]\ny = x\nz = [1, [2]]\nx.append(y)\ny = None\n")
    assert told[2]["globals"]["x"] == told[2]["globals"]["y"], told
    assert told[3]["globals"]["z"] != told[3]["globals"]["x"], told
    assert seen(told[4], "x")[:2] == ["LIST", 1] and seen(told[4], "x")[3] == told[4]["globals"]["x"], told  # it holds itself
    numbers = {step["globals"]["x"][1] for step in told[1:]}
    assert len(numbers) == 1 and numbers.pop() < 10, told  # small, and the same from step to step


def test_kinds_of_objects(steps, guest_version):
    told = steps("import math\nt = (1, None, True)\ns = {7}\nd = {'k': t, (1,): 2}\nf = [1.5, 2.0, float('inf'), -0.0, 1e300]\n"
                 "b = b'\\xff'\nbig = 10 ** 40\nhuge = 10 ** 400\nr = range(3)\nc = 1j\nq = 'é\\n\\ud800'\nm = len\ng = (i for i in t)\n"
                 "from collections import namedtuple, OrderedDict\nP = namedtuple('P', 'x y')\np = P(1, t)\no = OrderedDict(a=1)\n")
    last = told[-1]
    assert seen(last, "math") == ["module", "math"], last
    assert seen(last, "t") == ["TUPLE", 1, None, True] and seen(last, "s") == ["SET", 7], last
    assert seen(last, "d")[:2] == ["DICT", ["k", last["globals"]["t"]]] and seen(last, "d")[2][1] == 2, last
    assert seen(last, "f") == ["LIST", 1.5, ["SPECIAL_FLOAT", "2.0"], ["SPECIAL_FLOAT", "Infinity"], ["SPECIAL_FLOAT", "-0.0"],
                               ["SPECIAL_FLOAT", "1e+300"]], last
    assert seen(last, "b") == ["bytes", "b'\\xff'"] and seen(last, "c") == ["complex", "1j"], last
    assert last["globals"]["big"] == 10 ** 40 and seen(last, "huge")[0] == "int", last
    span = "range(0, 3)" if guest_version >= (3, 10) else "<range object>"  # before, its bounds could be of a subclass of int
    assert seen(last, "r") == ["range", span] and last["globals"]["q"] == "é\n\\ud800", last
    assert seen(last, "m") == ["FUNCTION", "len(...)", None] and seen(last, "g") == ["generator", "<generator object>"], last
    assert seen(last, "p") == ["INSTANCE", "P", ["x", 1], ["y", last["globals"]["t"]]], last
    assert seen(last, "o") == ["DICT", ["a", 1]], last


def test_a_class_and_an_instance(steps):
    told = steps("class Base:\n    pass\nclass Point(Base):\n    count = 0\n    __slots__ = ('s',)\n    def __init__(self, x):\n"
                 "        self.x = x\n        self.s = 5\n    @staticmethod\n    def make(): pass\np = Point(3)\nread = p.__init__\n")
    last = told[-1]
    kind, name, bases, *members = seen(last, "Point")
    assert (kind, name, bases) == ("CLASS", "Point", ["Base"]), last
    members = dict(members)
    assert members["count"] == 0 and last["heap"][str(members["__init__"][1])] == ["FUNCTION", "__init__(self, x)", None], last
    assert last["heap"][str(members["make"][1])] == ["FUNCTION", "make()", None], last
    assert "__module__" not in members and "__doc__" not in members, last
    assert seen(last, "p") == ["INSTANCE", "Point", ["s", 5], ["x", 3]], last
    assert seen(last, "read") == ["FUNCTION", "__init__(self, x)", None], last
    bodies = [step for step in told if step["func_name"] == "Point"]
    assert bodies[-1]["stack_to_render"][0]["encoded_locals"]["count"] == 0, bodies


def test_recursion(steps):
    told = steps("def fact(n):\n    if n == 0:\n        return 1\n    return n * fact(n - 1)\nx = fact(3)\n")
    deepest = max(told, key=lambda step: len(step["stack_to_render"]))
    frames = deepest["stack_to_render"]
    assert [frame["encoded_locals"]["n"] for frame in frames] == [3, 2, 1, 0], frames
    assert [frame["frame_id"] for frame in frames] == [1, 2, 3, 4], frames
    assert [frame["is_highlighted"] for frame in frames] == [False, False, False, True], frames
    returned = [step["stack_to_render"][-1]["encoded_locals"]["__return__"] for step in told if step["event"] == "return"
                and step["stack_to_render"]]
    assert returned == [1, 1, 2, 6] and told[-1]["globals"]["x"] == 6, told


def test_frames_that_come_after_one_another_are_told_apart(steps):
    told = steps("def f(): pass\nf()\nf()\n")
    assert [step["stack_to_render"][0]["frame_id"] for step in told if step["event"] == "call"] == [1, 2], told


def test_closures_and_their_parents(steps):
    told = steps("def make(n):\n    def add(x):\n        return x + n\n    return add\nadd2 = make(2)\nx = add2(1)\nkey = lambda v: -v\n"
                 "sorted([2, 1], key=key)\n")
    assert seen(told[-1], "add2") == ["FUNCTION", "add(x)", 1], told
    inner = [step for step in told if step["func_name"] == "add"]
    assert inner[0]["stack_to_render"][0]["encoded_locals"] == {"x": 1, "n": 2}, inner
    assert seen(told[-1], "key") == ["FUNCTION", "<lambda>(v) <line 7>", None], told
    assert [step["stack_to_render"][0]["encoded_locals"]["v"] for step in told
            if step["func_name"] == "<lambda> <line 7>" and step["event"] == "call"] == [2, 1], told


def test_only_the_snippets_own_frames(steps):
    told = steps("import json\nx = json.loads('[1]')\nfrom textwrap import dedent\ny = dedent(' a')\n")
    assert {step["func_name"] for step in told} == {"<module>"} and len(told) == 5, told


def test_generators(steps):
    told = steps("def g():\n    yield 1\n    yield 2\nx = list(g())\n")
    returned = [step["stack_to_render"][0]["encoded_locals"]["__return__"] for step in told if step["event"] == "return"
                and step["stack_to_render"]]
    assert returned == [1, 2, None], told


def test_coroutines(steps):
    told = steps("import asyncio\nasync def count():\n    await asyncio.sleep(0)\n    yield 1\nasync def main():\n    return [n async for n in count()]\n"
                 "x = asyncio.run(main())\n", "-p", 3)
    assert {"count", "main"} <= {step["func_name"] for step in told} and seen(told[-1], "x") == ["LIST", 1], told


def test_variables_of_the_request_are_there_from_the_first_step(traced):
    result = traced("y = x", trace={"max_steps": 50}, globals={"x": [1]})
    step = result.trace["steps"][0]
    assert seen(step, "x") == ["LIST", 1] and step["ordered_globals"] == ["x"], result


# ---- exceptions --------------------------------------------------------------------------------------------------

def test_an_exception_that_is_caught(steps):
    told = steps("def f():\n    return 1 / 0\ntry:\n    f()\nexcept ZeroDivisionError as e:\n    x = 1\n")
    assert [(step["event"], step["func_name"]) for step in told if step["event"] in ("exception", "return")] == [
        ("exception", "f"), ("return", "f"), ("exception", "<module>"), ("return", "<module>")], told
    assert [step["exception_msg"] for step in told if "exception_msg" in step] == ["ZeroDivisionError: division by zero"] * 2, told
    assert all("__return__" not in step["stack_to_render"][0]["encoded_locals"] for step in told if step["stack_to_render"]), told


def test_an_exception_that_ends_it(traced):
    result = traced("x = 1\nraise ValueError('why', 2)\n")
    assert result.status == "exception" and result.exception["type"] == "ValueError", result
    last = result.trace["steps"][-1]
    assert (last["event"], last["line"], last["exception_msg"]) == ("exception", 2, "ValueError: ('why', 2)"), last


@pytest.mark.parametrize("source,message", [
    ("{}['k']", "KeyError: 'k'"), ("x = y", "NameError: name 'y' is not defined"), ("import nosuch", "ModuleNotFoundError: No module named 'nosuch'"),
    ("open('/nosuch')", "FileNotFoundError: [Errno 2] No such file or directory: '/nosuch'"), ("assert 0, 'a\\nb'", "AssertionError: a\nb"),
    ("b'\\xff'.decode()", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ("raise SystemExit(3)", "SystemExit: 3"), ("import json; json.loads('{')",
                                               "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)")])
def test_messages(traced, source, message):
    assert traced(source).trace["steps"][-1]["exception_msg"] == message


def test_a_script_that_does_not_begin(traced):
    result = traced("x = 1\ny = = 2\n")
    assert result.status == "exception", result
    (step,) = result.trace["steps"]
    assert (step["event"], step["line"]) == ("uncaught_exception", 2) and step["exception_msg"].startswith("SyntaxError: invalid syntax"), step


# ---- output ------------------------------------------------------------------------------------------------------

def test_output_grows(traced):
    result = traced("print('a', 'é')\nprint('b', end='')\nimport sys\nsys.stdout.buffer.write(b'c\\xc3')\nsys.stdout.buffer.write(b'\\xa9\\xff')\n"
                    "sys.stdout.writelines(['d\\n'])\n")
    assert result.status == "ok", result
    assert [step["stdout"] for step in result.trace["steps"]] == [
        "", "a é\n", "a é\nb", "a é\nb", "a é\nbc", "a é\nbcé\ufffd", "a é\nbcé\ufffdd\n"], result
    assert result.bytes() == "a é\nbcé".encode() + b"\xffd\n", result  # it is the snippet's own stdout all the same


def test_output_that_goes_elsewhere(traced):
    result = traced("import contextlib, io, os, sys\nwith contextlib.redirect_stdout(io.StringIO()) as kept:\n    print('kept')\n"
                    "print('err', file=sys.stderr)\nos.write(1, b'raw')\nx = kept.getvalue()\n")
    assert (result.stdout, result.stderr, result.globals["x"]) == ("raw", "err\n", "kept\n"), result
    assert result.trace["steps"][-1]["stdout"] == "", result


def test_output_is_written_when_it_was(either):
    """A record flushes nothing. (Text before bytes that go into the same buffer is not held back, though: as with python3 -u.)"""
    source = (b"import os, sys\nprint('one')\nos.write(1, b'two\\n')\nsys.stdout.flush()\nos.write(1, b'three\\n')\n"
              b"print('four', flush=True)\nos.write(1, b'five\\n')\nprint('six')\n")
    plain = belljar_run.run_argv([either, "exec", "--json", "-"], stdin=source)
    recorded = belljar_run.run_argv([either, "exec", "--json", "--trace", "-"], stdin=source)
    assert recorded.stdout == "two\none\nthree\nfour\nfive\nsix\n" == plain.stdout, (plain, recorded)
    assert recorded.trace["steps"][-1]["stdout"] == "one\nfour\nsix\n", recorded
    mixed = b"import sys\nprint('one')\nsys.stdout.buffer.write(b'two\\n')\n"
    assert belljar_run.run_argv([either, "exec", "--json", "--trace", "-"], stdin=mixed).stdout == "one\ntwo\n"


# ---- bounds ------------------------------------------------------------------------------------------------------

def test_as_many_steps_as_were_asked_for(traced):
    result = traced("while True:\n    pass\n", "--trace-steps", 5)
    *told, last = result.trace["steps"]
    assert len(told) == 5 and last["event"] == "instruction_limit_reached" and not result.trace["truncated"], result
    assert last["exception_msg"].startswith("Stopped after running 5 steps."), last
    assert (result.status, result.exception["type"], result.exit_code) == ("exception", "belljar.StepLimit", 1), result


def test_a_script_that_just_fits(traced):
    result = traced("x = 1\ny = 2\n", "--trace-steps", 3)
    assert result.status == "ok" and [step["event"] for step in result.trace["steps"]] == ["step_line", "step_line", "return"], result


def test_a_thousand_steps_unless_asked(traced):
    result = traced("i = 0\nwhile True:\n    i += 1\n")
    assert len(result.trace["steps"]) == 1001 and not result.trace["truncated"], result
    assert result.trace["steps"][-1]["event"] == "instruction_limit_reached", result


def test_the_end_of_the_steps_cannot_be_caught_for_long(traced):
    result = traced("n = 0\nwhile True:\n    try:\n        n += 1\n    except BaseException:\n        n += 1000\n    finally:\n        n += 10000\n",
                    "--trace-steps", 20, "-t", 10)
    assert result.status == "exception" and result.exception["type"] == "belljar.StepLimit", result
    assert result.globals["n"] < 100000, result


def test_a_record_that_does_not_fit(traced):
    """It ends with a whole step, and the script goes on to its end."""
    result = traced("x = []\nfor i in range(100):\n    x.append(i)\nend = 1\n", trace={"max_bytes": 8192})
    assert result.status == "ok" and result.globals["end"] == 1, result
    told = result.trace["steps"]
    assert result.trace["truncated"] and 3 < len(told) < 100, result
    assert len(json.dumps(result.trace, ensure_ascii=False)) <= 8192, result
    assert all(set(step) == KEYS for step in told), told


def test_a_record_has_the_room_that_the_result_leaves(traced):
    result = traced("y = 'a' * 30000\nfor i in range(500): pass\n", limits={"output_bytes": 40000}, trace={})
    assert result.status == "ok" and len(result.globals["y"]) == 30000, result
    assert result.trace["truncated"] and 0 < len(json.dumps(result.trace)) < 10000, result
    result = traced("y = 'a' * 50000\n", limits={"output_bytes": 40000}, trace={})
    assert result.status == "exception" and result.trace is None and "limit" in result.exception["message"], result


@pytest.mark.parametrize("bytes_of_output", [0, 1, 100, 1000, 5000])
def test_little_room(traced, bytes_of_output):
    result = traced("x = 1\n", limits={"output_bytes": bytes_of_output}, trace={})
    assert result.trace is None or result.trace["truncated"] or len(result.trace["steps"]) == 2, result


def test_large_and_deep_data(traced):
    result = traced("x = list(range(10000))\ny = 'a' * 100000\nd = []\nfor _ in range(5000): d = [d]\nmany = [[i] for i in range(3000)]\nz = 1\n",
                    "--trace-steps", 100000, "--output-limit", "8M", "-t", 20, "-w", 50)
    assert result.status == "ok", result
    for step in result.trace["steps"][:200]:
        check_references(step)
        if "y" in step["globals"]:
            assert seen(step, "x")[-1] == ["REF", 0] and len(seen(step, "x")) < 300 and step["heap"]["0"][0] == "...", step
            assert step["globals"]["y"] == "a" * 1000 + "…" and len(step["heap"]) <= 1001, step


def test_deep_calls(traced):
    result = traced("import sys\nsys.setrecursionlimit(10000)\ndef f(n):\n    return n and f(n - 1)\nf(5000)\nx = 1\n", "--trace-steps", 100000,
                    "-t", 20, "-w", 50)
    assert result.status == "ok" and result.globals["x"] == 1 and result.trace["truncated"], result


# ---- nothing of the snippet's own is called ------------------------------------------------------------------------

HOSTILE = """
called = []
class Meta(type):
    def __getattribute__(cls, name): called.append("meta " + name); return super().__getattribute__(name)
    def __repr__(cls): called.append("meta repr"); return "x"
    def __hash__(cls): called.append("meta hash"); return 1
    def __eq__(cls, other): called.append("meta eq"); return True
    def __instancecheck__(cls, other): called.append("meta instancecheck"); return True
class Hostile(metaclass=Meta):
    def __init__(self): object.__setattr__(self, "kept", [1])
    for name in ("repr", "str", "eq", "hash", "getattribute", "getattr", "bool", "len", "iter", "dir", "format", "index", "int", "float",
                 "bytes", "reduce", "sizeof", "contains", "get", "call"):
        exec("def __%s__(self, *a, n=name): called.append(n); return 1" % name)
    @property
    def __class__(self): called.append("class"); return int
    @property
    def __dict__(self): called.append("dict"); return {}
class L(list):
    def __iter__(self): called.append("list iter"); return iter(())
    def __len__(self): called.append("list len"); return 0
class D(dict):
    def __iter__(self): called.append("dict iter"); return iter(())
    def items(self): called.append("items"); return ()
    def keys(self): called.append("keys"); return ()
class S(set):
    def __iter__(self): called.append("set iter"); return iter(())
class T(str):
    def __str__(self): called.append("str str"); return "lies"
    def __hash__(self): called.append("str hash"); return hash("__name__")
    def __eq__(self, o): called.append("str eq"); return True
class I(int):
    def __repr__(self): called.append("int repr"); return "lies"
    def __index__(self): called.append("int index"); return 7
class E(Exception):
    def __str__(self): called.append("exception str"); return "lies"
class K:
    armed = False
    def __init__(self, name): self.name = name
    def __hash__(self): return hash(self.name)
    def __eq__(self, other):
        if K.armed: called.append("key eq")
        return False
class N:
    def __getattr__(self, name): called.append("getattr"); return 1
    __slots__ = ("a", "b")
import types
h = Hostile()
one = L([1, 2]); two = D(a=1); three = S([5]); four = T("truth"); five = I(3)
keys = {K("x"): 1}
odd = type("Odd", (), {K("__module__"): 1, K("__slots__"): 2, K("_fields"): 3, "x": 1})
module = types.ModuleType("module"); module.__dict__[K("__name__")] = 1; del module.__name__
n = N(); n.a = 1
globals()[K("__annotations__")] = 1
K.armed = True
called.clear()
line = 1
def f(h):
    local = h
    return local
f(h)
def cycle(n):
    ring = []
    ring.append(ring)
    return n and cycle(n - 1)
before_exceptions = list(called)
try:
    raise E("told", 1)
except E: pass
try:
    raise E(h)
except E: pass
try:
    o = OSError(1, "x"); o.strerror = h; raise o
except OSError: pass
try:
    raise BaseExceptionGroup(T("group"), [E()]) if "BaseExceptionGroup" in dir(__builtins__) else E()
except BaseException: pass
try:
    e = UnicodeDecodeError("utf-8", b"x", 0, 1, "why"); e.reason = h; raise e
except UnicodeDecodeError: pass
after = list(called)
"""


def test_nothing_of_the_snippets_own_is_called(traced):
    result = traced(HOSTILE, "--trace-steps", 2000)
    assert result.status == "ok" and not result.trace["truncated"], result
    assert result.globals["before_exceptions"] == [] and result.globals["after"] == [], result
    last = result.trace["steps"][-1]
    assert seen(last, "h")[:2] == ["INSTANCE", "Hostile"] and last["heap"][str(seen(last, "h")[2][1][1])] == ["LIST", 1], last
    assert (seen(last, "one"), seen(last, "two"), seen(last, "three")) == (["LIST", 1, 2], ["DICT", ["a", 1]], ["SET", 5]), last
    assert (last["globals"]["four"], last["globals"]["five"]) == ("truth", 3), last
    assert seen(last, "n") == ["INSTANCE", "N", ["a", 1]], last
    told = [step["exception_msg"] for step in result.trace["steps"] if "exception_msg" in step]
    assert told[:3] == ["E: ('told', 1)", "E: ", "PermissionError: "], told


def test_the_collector_does_not_run_while_a_step_is_told(traced):
    """A finalizer would see the line of the step that it runs in: of the snippet's own, never of the record."""
    result = traced("import gc, sys\ngc.set_threshold(1)\nclass F:\n    def __del__(self):\n        seen.append(sys._getframe(1).f_lineno)\n"
                    "seen = []\ndef ring():\n    f = F()\n    f.me = f\nring()\na = {1, 2}\nb = {3}\nc = len(seen)\ngc.collect()\ngc.enable()\n"
                    "on = gc.isenabled()\n")
    assert result.status == "ok" and result.globals["on"] is True and len(result.globals["seen"]) == 1, result


NAMESPACE = """
called = []
class Names(dict):
    def __getitem__(self, name):
        if name != "__name__": called.append(name)
        return dict.__getitem__(self, name)
    def __setitem__(self, name, value): dict.__setitem__(self, name, value)
    def __delitem__(self, name): called.append("del " + name)
    def __iter__(self): called.append("iter"); return dict.__iter__(self)
class Meta(type):
    @classmethod
    def __prepare__(cls, name, bases): return Names()
    def __new__(cls, name, bases, names): return type.__new__(cls, name, bases, dict(names.items()))
class C(metaclass=Meta):
    def method(self): return __class__
    x = 1
"""


def test_the_body_of_a_class_asks_nothing_of_its_namespace(traced, either):
    recorded = traced(NAMESPACE)
    plain = belljar_run.run_argv([either, "exec", "--json", "-"], stdin=NAMESPACE.encode())
    assert recorded.globals["called"] == plain.globals["called"], (recorded, plain)
    bodies = [step for step in recorded.trace["steps"] if step["func_name"] == "C"]
    assert bodies[-1]["stack_to_render"][-1]["encoded_locals"]["x"] == 1, bodies


def test_a_record_does_not_change_what_locals_gave(traced):
    result = traced("def f():\n    d = locals()\n    x = 1\n    y = 2\n    return sorted(d)\nkept = f()\n")
    assert result.globals["kept"] == [], result


def test_it_is_the_snippets_own_record(traced):
    """It can end it, or write another one; of the run it says nothing."""
    result = traced("import sys\nx = 1\nsys.settrace(None)\ny = 2\nz = 3\n")
    assert result.status == "ok" and [step["line"] for step in result.trace["steps"]] == [1, 2, 3], result


def test_threads_are_not_recorded(traced):
    result = traced("import threading\ndef f():\n    print('thread')\nt = threading.Thread(target=f)\nt.start()\nt.join()\n", "-p", 3)
    assert result.status == "ok" and {step["func_name"] for step in result.trace["steps"]} == {"<module>"}, result
    assert result.trace["steps"][-1]["stdout"] == "thread\n", result


# ---- mistakes ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("words,says", [(["--trace"], "add --json"), (["--trace-steps", "9"], "add --json"),
                                        (["--json", "--trace-steps", "0"], '"0" is not a number of steps; give 1 to 100000'),
                                        (["--json", "--trace-steps", "100001"], "give 1 to 100000"),
                                        (["--json", "--trace-steps", "many"], "give 1 to 100000")])
def test_mistakes_start_nothing(either, words, says):
    result = belljar_run.run_argv([either, "exec", *words, "-"], stdin=b"print('ran')")
    assert result.returncode == 125 and says in result.message and b"ran" not in result.out, result


@pytest.mark.parametrize("request_,says", [({"expression": "1", "trace": {}}, "give code"), ({"command": ["true"], "trace": {}}, "give code"),
                                           ({"code": "1", "trace": {"max_steps": 0}}, "from 1 to 100000"),
                                           ({"code": "1", "trace": {"max_bytes": 1}}, "from 4096 to 33554432")])
def test_bad_requests_start_nothing(either, request_, says):
    text = json.dumps({"profile": "python", **request_})
    result = belljar_run.run_argv([either, "run", "--json", "--spec", "-"], stdin=text.encode())
    assert result.returncode == 125 and "trace" in result.message and says in result.message, result
