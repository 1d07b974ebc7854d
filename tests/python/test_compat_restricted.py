"""belljar.compat.restricted: code that exec takes, and that runs in a jail by RestrictedPython's rules.

Its own file because it is another library's interface. What the rules refuse is tested with the policy's levels.
Changes when: the level "restricted" allows or refuses something else, or the interface has another name.
"""

import os

import pytest


def restricted(source, names=None, **options):
    from belljar.compat.restricted import compile_restricted, safe_builtins
    own = dict(names or {})
    exec(compile_restricted(source, "<inline>", "exec", **options), {"__builtins__": safe_builtins}, own)
    return own


def test_exec_and_eval():
    from belljar.compat.restricted import compile_restricted, safe_globals
    assert restricted("y = [x * 2 for x in data]\ndef f(): return 1\nz = f()",
                      {"data": [1, 2]}) == {"data": [1, 2], "y": [2, 4], "z": 1}
    assert eval(compile_restricted(" a * 2 ", "<inline>", "eval"), dict(safe_globals), {"a": 21}) == 42
    names = {"a": 1}
    exec(compile_restricted("global_ = a + 1", mode="exec"), names)
    assert names["global_"] == 2 and names["a"] == 1


def test_the_guest_is_another_process():
    assert restricted("import os\npid = os.getpid()", modules={"os": ["getpid"]})["pid"] != os.getpid()


REFUSED = [("_x = 1", '"_x" is an invalid variable name because it starts with "_"'), ("a._b", '"_b" is an invalid attribute name'),
           ("exec('1')", "Exec calls are not allowed."), ("eval('1')", "Eval calls are not allowed."),
           ("x = 1\na[0] += 1", "Line 2: Augmented assignment"),
           ("async def f(): pass", "AsyncFunctionDef statements are not allowed."),
           ("def f(_getattr_, /): pass", '"_getattr_" is an invalid'),
           ("try: pass\nexcept* ValueError: pass", "TryStar statements are not allowed."),
           ("(g for g in ()).gi_frame", '"gi_frame" is a restricted name'),
           ("x = (", "was never closed"), ("x = 'a", "unterminated"), ("if 1:", "expected an indented block"), ("x = 1 \\", "")]


@pytest.mark.parametrize("source,said", REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_refused_is_told_by_the_compiler(source, said):
    from belljar.compat.restricted import compile_restricted, compile_restricted_exec
    with pytest.raises(SyntaxError) as caught:
        compile_restricted(source)
    assert said in str(caught.value) and "_belljar_end_" not in str(caught.value)
    result = compile_restricted_exec(source)
    assert result.code is None and said in result.errors[0] and len(result.errors) == 1


def test_all_errors_and_all_names():
    from belljar.compat.restricted import compile_restricted_eval, compile_restricted_exec, compile_restricted_single
    assert len(compile_restricted_exec("_a = 1\nb._c\nexec('1')").errors) == 3
    result = compile_restricted_exec("x = y + len(z)  # and a comment")
    assert set(result.used_names) == {"y", "len", "z"} and result.errors == () and result.warnings == []
    assert set(compile_restricted_eval("a + b").used_names) == {"a", "b"} and compile_restricted_single("1 + 1").code is not None


@pytest.mark.parametrize("call,kind,said", [
    (lambda compile_: compile_("1", mode="other"), TypeError, "unknown mode other"),
    (lambda compile_: compile_(object()), TypeError, "Not allowed source type"),
    (lambda compile_: compile_("1", policy=object), TypeError, "Unallowed policy provided")])
def test_misuse(call, kind, said):
    from belljar.compat.restricted import compile_restricted
    with pytest.raises(kind, match=said):
        call(compile_restricted)


def test_without_rules_it_is_still_in_a_jail():
    names = restricted("_x = 1\nimport os\npid = os.getpid()\nshadow = os.path.exists('/etc/shadow')", policy=None)
    assert names["pid"] != os.getpid() and names["shadow"] is False and names["_x"] == 1
    with pytest.raises(SyntaxError):
        restricted("x = (", policy=None)


ESCAPES = [
    ("'{0.__class__}'.format(1)", NotImplementedError), ("str.format_map('{a}', {'a': 1})", NotImplementedError),
    ("class S(str):\n    def startswith(s, x): return False\ngetattr('a', S('__class__'))", AttributeError),
    ("getattr((lambda: 0), 'gi_frame')", AttributeError),
    ("import os", ImportError), ("open('/etc/passwd')", PermissionError), ("import string", ImportError), ("type", NameError),
    ("vars", NameError),
    ("setattr(int, 'x', 1)", TypeError), ("def f(): pass\nf.x = 1", TypeError), ("x = (1, 2)\nx[0] = 3", TypeError), ("1 / 0", ZeroDivisionError), ("data.append(1)", Exception),
    ("x = 'a' * 10 ** 10", MemoryError)]


@pytest.mark.parametrize("source,kind", ESCAPES, ids=[row[0] for row in ESCAPES])
def test_escapes_end_in_the_guest(source, kind):
    with pytest.raises(kind) as caught:
        restricted(source, {"data": [1]})
    assert "Traceback" in str(caught.value.__cause__) or kind is MemoryError


def test_printing():
    names = restricted("print('a', 1)\nsofar = printed\nprint('b')")
    assert names["sofar"] == "a 1\n" and names["_print"]() == "a 1\nb\n"


def test_functions_of_the_host_cannot_be_called():
    with pytest.raises(TypeError, match="^f cannot be called from the jail"):
        restricted("f()", {"f": lambda: 1})
    assert "y" in restricted("y = 1", {"_getattr_": getattr, "__name__": "restricted", "_print_": None})


def test_time_has_an_end():
    import belljar
    with pytest.raises(belljar.RunError, match="time limit"):
        restricted("while True: pass", limits={"wall_seconds": 0.2})
