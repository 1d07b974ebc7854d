"""RestrictedPython's entry points: compile_restricted(source), whose code runs in a jail at the policy's level "restricted".

    from belljar.compat.restricted import compile_restricted, safe_builtins
    code = compile_restricted("y = [x * 2 for x in data]", "<inline>", "exec")
    names = {"data": [1, 2]}
    exec(code, {"__builtins__": safe_builtins}, names)          # names["y"] == [2, 4]

The code that is compiled here has one instruction: have the source run in a jail. What is refused is a SyntaxError of
compile_restricted, as ever; that is asked in a jail, too. What differs from RestrictedPython 8:

* Values go in and come back by JSON, and those that go in are read-only. Functions and classes of the source stay in the jail; so
  call them in it, or give the source what to call. A function among the globals is a TypeError: it cannot be called from there.
* The hooks (_getattr_, _getitem_, _getiter_, _write_, _unpack_sequence_, _print_, ...) are the policy's own; others are not
  called, and need not be given. __builtins__ may be anything; what is there is in safe_builtins.
* Modules that may be imported are named: compile_restricted(..., modules={"math": ["sqrt"]}).
* What was printed is "printed" in the source, and names["_print"]() afterwards.
* policy: RestrictingNodeTransformer, or None for no rules at all, in the jail all the same. Own policies are a TypeError.
* Sources are texts or bytes, not trees. flags and dont_inherit have no effect.
* compile_restricted_function, RestrictionCapableEval, limited_builtins and utility_builtins are not there.
* Time and memory have an end: a RunError, a MemoryError. limits={"wall_seconds": 1} and the like are those of belljar-spec(5).

Its own file because RestrictedPython's names are a module's.
Changes when: RestrictedPython has another name that its users call.
"""

import builtins
import collections
import sys
import textwrap
import warnings

from .._errors import RunError
from .._guest_errors import ordinary_exception, with_traceback
from .._kept import kept_sandbox

LIMITS = {"wall_seconds": 5, "cpu_seconds": 5}
CompileResult = collections.namedtuple("CompileResult", "code errors warnings used_names")
_RECURSION = 500
_END = "_belljar_end_"  # a name that is always refused: so the whole text is read, and nothing of it is run
_NAMES = ("__build_class__ None False True abs bool bytes callable chr complex delattr divmod float hash hex id int isinstance "
          "issubclass len oct ord pow range repr round setattr slice sorted str tuple zip")
safe_builtins = {name: getattr(builtins, name) for name in _NAMES.split()}
safe_builtins.update((name, value) for name, value in vars(builtins).items()
                     if isinstance(value, type) and issubclass(value, Exception))
safe_globals = {"__builtins__": safe_builtins}


class RestrictingNodeTransformer:
    """Stands for the rules of the level "restricted"."""


class PrintCollector:
    """What was printed: called, it is the text."""

    def __init__(self, text=""):
        self.txt = [text] if text else []

    def __call__(self):
        return "".join(self.txt)


def _text(source, mode):
    if isinstance(source, (bytes, bytearray)):
        source = source.decode()
    if not isinstance(source, str):
        raise TypeError('Not allowed source type: "%s".' % type(source).__name__)
    return textwrap.dedent(source).strip() if mode == "eval" else source


def _policy(policy, modules):
    if policy is None:
        return None
    if policy is not RestrictingNodeTransformer:
        raise TypeError("Unallowed policy provided for RestrictedPython")
    return {"level": "restricted", "modules": modules or {}, "recursion_limit": _RECURSION}


def _refused(text, options):
    """What the rules refuse, one line each, and the names that the text uses. Nothing of it is run."""
    with kept_sandbox(limits=options["limits"], preload=["traceback"]) as jails:  # it is always an exception that is told
        result = jails.execute("%s\n%s = 0\n" % (text, _END), policy=options["policy"] or _policy(RestrictingNodeTransformer, None))
    if not result.exception:
        raise RunError(result)
    names = {name: True for name in (result.policy or {}).get("names") or () if name != _END}
    said = result.exception.message.split("\n") if result.exception.type == "SyntaxError" else [result.exception.message]
    lines = [line for line in said if _END not in line]
    if options["policy"] is None:  # only what is no Python at all
        lines = [] if len(lines) < len(said) else lines
    return lines, names


def _values(names):
    values = {}
    for name, value in names.items():
        if name.startswith("_"):
            continue
        if callable(value):
            raise TypeError("%s cannot be called from the jail; define it in the source, or give its value" % name)
        values[name] = value
    return values


def _run(text, mode, options, names, own):
    values = {**_values(names), **_values(own)}
    with kept_sandbox(limits=options["limits"]) as jails:
        run = jails.evaluate if mode == "eval" else jails.execute
        result = run(text, policy=options["policy"], globals=values)
    if result.policy and result.policy.get("printed"):
        own["_print"] = PrintCollector(result.policy["printed"])
    for name, value in (result.globals or {}).items():
        if name not in values or values[name] != value:
            (names if name in names and own is not names and name not in own else own)[name] = value
    if result.exception:
        raise with_traceback(ordinary_exception(result.exception) or RunError(result), result.exception.traceback)
    if result.status == "memory_limit":
        raise MemoryError("the guest used more than limits[\"memory_bytes\"]")
    if not result.ok:
        raise RunError(result)
    return result.value


def _code(text, filename, mode, options):
    """A code object for exec and eval whose only constant of interest is the function that runs the text."""
    def in_jail():
        frame = sys._getframe(1)
        return _run(text, mode, options, frame.f_globals, frame.f_locals)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # a text is called
        code = compile("'%s'()" % _END, filename, "eval" if mode == "eval" else "exec")
    return code.replace(co_consts=tuple(in_jail if constant == _END else constant for constant in code.co_consts))


def _compiled(source, filename, mode, policy, modules, limits):
    text = _text(source, mode)
    options = {"policy": _policy(policy, modules), "limits": {**LIMITS, **(limits or {})}}
    errors, names = _refused(text, options)
    code = None if errors else _code(text, filename, mode, options)
    return CompileResult(code, tuple(errors), [], {} if errors else names)


def compile_restricted_exec(source, filename="<string>", flags=0, dont_inherit=False, policy=RestrictingNodeTransformer, *,
                            modules=None, limits=None):
    """A CompileResult of statements: code is None where errors are."""
    return _compiled(source, filename, "exec", policy, modules, limits)


def compile_restricted_eval(source, filename="<string>", flags=0, dont_inherit=False, policy=RestrictingNodeTransformer, *,
                            modules=None, limits=None):
    """The same of one expression."""
    return _compiled(source, filename, "eval", policy, modules, limits)


def compile_restricted_single(source, filename="<string>", flags=0, dont_inherit=False, policy=RestrictingNodeTransformer, *,
                              modules=None, limits=None):
    """The same of statements. Their values are not shown."""
    return _compiled(source, filename, "exec", policy, modules, limits)


def compile_restricted(source, filename="<unknown>", mode="exec", flags=0, dont_inherit=False, policy=RestrictingNodeTransformer, *,
                       modules=None, limits=None):
    """Code for exec or eval; SyntaxError with a tuple of all that is refused."""
    compilers = {"exec": compile_restricted_exec, "eval": compile_restricted_eval, "single": compile_restricted_single}
    if mode not in compilers:
        raise TypeError("unknown mode %s" % mode)
    result = compilers[mode](source, filename, flags, dont_inherit, policy, modules=modules, limits=limits)
    if result.errors:
        raise SyntaxError(result.errors)
    return result.code
