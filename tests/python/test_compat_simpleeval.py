"""belljar.compat.simpleeval: what simpleeval's documentation and tests say, and what fell through it.

Its own file because it is another library's interface.
Changes when: the level "expression" allows or refuses something else, or the interface has another name.
"""

import random

import pytest

VALUES = [
    ("21 + 21", {}, 42), ("  21 + 19 / 7 + (8 % 3) ** 9 ", {}, 21 + 19 / 7 + (8 % 3) ** 9), ("True and not False", {}, True),
    ("0 or 'x'", {}, "x"),
    ("1 < a < 3", {"a": 2}, True), ("'a' in word", {"word": "bat"}, True), ("1 if a == 2 else 3", {"a": 2}, 1),
    ("word[1:][0]", {"word": "bat"}, "a"),
    ("d.a.b + d['a']['b']", {"d": {"a": {"b": 4}}}, 8), ("f'{a:>3}!'", {"a": 2}, "  2!"), ("a is None", {"a": None}, True),
    ("~5 | 3 ^ 8 << 1", {}, ~5 | 3 ^ 8 << 1),
    ("'a' * 3 + str(int('4')) + str(float('1.5'))", {}, "aaa41.5"), ("'x'.upper().lower()", {}, "x"),
    ("False and nope", {}, False), ("\n1\n", {}, 1),
]


@pytest.mark.parametrize("expression,names,value", VALUES, ids=[row[0] for row in VALUES])
def test_simple_eval(expression, names, value):
    from belljar.compat.simpleeval import simple_eval
    assert simple_eval(expression, names=names) == value


COMPOUND = [
    ("[1, 2, a]", [1, 2, 3]), ("{'x': a}['x']", 3), ("(1, a)[1]", 3), ("a in {1, 3}", True), ("list((1, a))", [1, 3]),
    ("dict([('k', a)])", {"k": 3}),
    ("[x + 1 for x in [1, 2, 3] if x != 2]", [2, 4]), ("{k: v for k, v in [('p', a)]}", {"p": 3}),
    ("[x * y for x in [1, 2] for y in [3, 4]]", [3, 4, 6, 8]),
    ("len_of", 5), ("[[a for a in [1]], a]", [[1], 3]), ("2 in set([1, 2])", True),
]


@pytest.mark.parametrize("expression,value", COMPOUND, ids=[row[0] for row in COMPOUND])
def test_compound_types(expression, value):
    from belljar.compat.simpleeval import EvalWithCompoundTypes
    assert EvalWithCompoundTypes(names={"a": 3, "len_of": 5}).eval(expression) == value


REFUSED = [
    ("nope", "NameNotDefined", {"name": "nope", "expression": "nope"}), ("nope(1)", "FunctionNotDefined", {"func_name": "nope"}),
    ("d.b", "AttributeDoesNotExist", {"attr": "b"}), ("", "InvalidExpression", {}), ("  ", "InvalidExpression", {}),
    ("lambda: 1", "FeatureNotAvailable", {}),
    ("(y := 1)", "FeatureNotAvailable", {}), ("d.append(1)", "AttributeDoesNotExist", {}),
    ("l.append(1)", "FeatureNotAvailable", {}),
    ("import os", "SyntaxError", {}), ("x = 1", "SyntaxError", {}), ("1; 2", "SyntaxError", {}), ("1 +", "SyntaxError", {}),
    ("1 / 0", "ZeroDivisionError", {}), ("int('x')", "ValueError", {}), ("l[9]", "IndexError", {}), ("d['x']", "KeyError", {}),
    ("1 + 'a'", "TypeError", {}),
    ("9 ** 9 ** 8", "NumberTooHigh", {}), ("1 << 10001", "NumberTooHigh", {}), ("'a' * 100001", "IterableTooLong", {}),
    ("[0] * 100001", "IterableTooLong", {}),
    ("[a for a in [0] * 101 for b in [0] * 100]", "IterableTooLong", {}),
    # what fell through simpleeval, in its earlier versions or in 1.0.7
    ("str.__class__", "FeatureNotAvailable", {}), ("''.__class__.__mro__", "FeatureNotAvailable", {}),
    ("double.__globals__", "FeatureNotAvailable", {}),
    ("double.func_globals", "FeatureNotAvailable", {}), ("(a for a in l).gi_frame", "FeatureNotAvailable", {}),
    ("int.mro()", "FeatureNotAvailable", {}),
    ("'{0.__class__}'.format(1)", "FeatureNotAvailable", {}), ("__builtins__['eval']", "NameNotDefined", {}),
    ("__import__('os')", "FunctionNotDefined", {}),
    ("double({open})", "NameNotDefined", {}), ("os.system('x')", "NameNotDefined", {}),
    ("'a'.center(90000000)", "IterableTooLong", {}),
    ("'%90000000d' % 1", "IterableTooLong", {}), ("f'{1:>90000000}'", "IterableTooLong", {}), ("f'{l:>60000}{l:>60000}'", None, {}),
    ("'a'.zfill(90000000)", "IterableTooLong", {}), ("module().system('x')", "ImportError", {}),
    ("give_open()('/usr/lib/os-release')", "PermissionError", {}),
]


def double(x):
    return x * 2


def module():
    return __import__("os")


def give_open():
    return open


@pytest.mark.parametrize("expression,kind,attributes", REFUSED, ids=[row[0] for row in REFUSED])
def test_it_is_refused(expression, kind, attributes):
    import builtins

    from belljar.compat import simpleeval
    kind = getattr(simpleeval, kind or "", None) or getattr(builtins, kind or "Exception")
    with pytest.raises(kind) as caught:
        simpleeval.simple_eval(expression, names={"d": {"a": 1}, "l": [1]},
                               functions={"double": double, "module": module, "give_open": give_open})
    assert {name: getattr(caught.value, name) for name in attributes} == attributes


def test_all_of_its_errors_are_invalid_expressions():
    from belljar.compat import simpleeval
    kinds = [getattr(simpleeval, name) for name in ("FunctionNotDefined", "NameNotDefined", "AttributeDoesNotExist",
                                                    "OperatorNotDefined", "FeatureNotAvailable",
                                                    "NumberTooHigh", "IterableTooLong", "LimitExceeded")]
    assert all(issubclass(kind, simpleeval.InvalidExpression) for kind in kinds)
    error = simpleeval.FunctionNotDefined("f", "f(1)")
    assert (error.func_name, error.expression, str(error)) == ("f", "f(1)", error.message)
    assert error.message == "Function 'f' not defined, for expression 'f(1)'."


def joined(a, b="-", *, end=""):
    return "%s%s%s" % (a, b, end)


def test_functions_by_their_source():
    from belljar.compat.simpleeval import SimpleEval
    evaluator = SimpleEval(functions={"double": double, "cube": lambda x: x ** 3, "join": joined, "size": len, "highest": max})
    assert evaluator.eval("double(cube(2)) + size('abc') + highest(1, 2)") == 21
    assert (evaluator.eval("join(1)"), evaluator.eval("join(1, 2, end='.')")) == ("1-", "12.")
    evaluator.functions["half"] = lambda x: x / 2
    assert evaluator.eval("half(3)") == 1.5
    assert SimpleEval(names={"f": double, "x": 2}).eval("f(x)") == 4


def test_default_functions():
    from belljar.compat.simpleeval import DEFAULT_FUNCTIONS, simple_eval
    assert 0 <= simple_eval("rand()") < 1 and simple_eval("randint(5)") in range(5)
    assert simple_eval("double(int('2'))", functions={**DEFAULT_FUNCTIONS, "double": double}) == 4


@pytest.mark.parametrize("functions,said", [
    ({"f": random.Random().random}, "neither one of Python's built-in functions"), ({"f": eval}, "is a really bad idea"),
    ({"f": open}, "is a really bad idea"),
    ({"f": eval("lambda: 1")}, "the source of a lambda"),
    ({"f": object()}, "but object")], ids=["method", "eval", "open", "no source", "no function"])
def test_functions_that_cannot_go(functions, said):
    from belljar.compat.simpleeval import FeatureNotAvailable, SimpleEval
    with pytest.raises(FeatureNotAvailable, match=said):
        SimpleEval(functions=functions)


def test_modules():
    import math
    import os

    from belljar.compat.simpleeval import AttributeDoesNotExist, FeatureNotAvailable, ModuleWrapper, simple_eval
    assert simple_eval("math.sqrt(4)", names={"math": ModuleWrapper(math, {"sqrt"})}) == 2
    with pytest.raises(AttributeDoesNotExist):
        simple_eval("os.system('x')", names={"os": ModuleWrapper(os, {"sep"})})
    with pytest.raises(FeatureNotAvailable, match="^Sorry, modules are not allowed"):
        simple_eval("os", names={"os": os})
    with pytest.raises(TypeError):
        ModuleWrapper(4)


@pytest.mark.parametrize("options", [{"operators": {1: 2}}, {"allowed_attrs": {}}, {"names": lambda node: 1}], ids=str)
def test_what_is_not_there_is_told(options):
    from belljar.compat.simpleeval import simple_eval
    with pytest.raises(NotImplementedError):
        simple_eval("1", **options)
    with pytest.raises(Exception, match="names"):
        simple_eval("1", names={"x": object()})


def test_a_parsed_expression_and_long_ones():
    from belljar.compat.simpleeval import SimpleEval
    evaluator = SimpleEval()
    assert evaluator.eval("", previously_parsed=evaluator.parse(" 1 + 1 ")) == 2
    assert evaluator.eval("+".join(["1"] * 300)) == 300


def test_time_has_an_end():
    from belljar.compat.simpleeval import InvalidExpression, LimitExceeded, simple_eval
    assert issubclass(LimitExceeded, InvalidExpression)

    def forever():
        while True:
            pass
    with pytest.raises(LimitExceeded, match="time"):
        simple_eval("forever()", functions={"forever": forever}, limits={"wall_seconds": 0.2})
