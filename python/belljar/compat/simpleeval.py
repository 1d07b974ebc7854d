"""simpleeval's interface: simple_eval("a + 1", names={"a": 1}), worked out in a jail at the policy's level "expression".

    from belljar.compat.simpleeval import simple_eval, EvalWithCompoundTypes, InvalidExpression
    simple_eval("square(a) + 1", names={"a": 4}, functions={"square": lambda x: x * x})

The text is not even parsed here. What differs from simpleeval 1.0:

* functions: built-in functions are those of the guest, by their name; of Python functions the source goes to the guest, so it
  must be in a file and may use nothing around it but built-ins and the modules that are allowed. Others are refused with a
  FeatureNotAvailable: there is no way from the guest to the host. int, float, str, rand and randint are always there.
* names: a dict of what JSON can hold, ModuleWrapper or functions. A function of the node, objects and their attributes are
  refused.
* operators, allowed_attrs and subclasses with their own nodes are refused with a NotImplementedError.
* Values come back by JSON: tuples as lists, keys as text; a set is a TypeError.
* SimpleEval knows lists, dicts and comprehensions as EvalWithCompoundTypes does; that one has the functions list, tuple, dict and
  set.
* Assignments and several statements are a SyntaxError, and no warning. parse() does nothing but strip the text.
* Time and memory have an end: LimitExceeded, an InvalidExpression. limits={"wall_seconds": 1} and the like are those of
  belljar-spec(5).
* What simpleeval still lets through is refused: 'a'.center(90000000), f-strings of many long parts, functions within sets.

Its own file because simpleeval's names are a module's.
Changes when: simpleeval has another name that its users catch or call.
"""

import builtins
import re
import types
import typing

from .._errors import InvalidError
from .._guest_errors import ordinary_exception, with_traceback
from .._kept import kept_sandbox
from .._source import function_source

LIMITS = {"wall_seconds": 5, "cpu_seconds": 5}
DISALLOW_FUNCTIONS = ("type", "isinstance", "eval", "getattr", "setattr", "repr", "compile", "open", "exec", "globals", "locals",
                      "help", "vars", "delattr", "__import__", "input", "breakpoint")


class InvalidExpression(Exception):
    """The expression cannot be worked out. All others come of it."""


class _Named(InvalidExpression):
    text, attribute = "", ""

    def __init__(self, name, expression):
        self.message = self.text % (name, expression)
        self.expression = expression
        setattr(self, self.attribute, name)
        super().__init__(self.message)


class FunctionNotDefined(_Named):
    """func_name: which one."""

    text, attribute = "Function '%s' not defined, for expression '%s'.", "func_name"


class NameNotDefined(_Named):
    """name: which one."""

    text, attribute = "'%s' is not defined for expression '%s'", "name"


class AttributeDoesNotExist(_Named):
    """attr: which one."""

    text, attribute = "Attribute '%s' does not exist in expression '%s'", "attr"


class OperatorNotDefined(_Named):
    """attr: which one."""

    text, attribute = "Operator '%s' does not exist in expression '%s'", "attr"


class FeatureNotAvailable(InvalidExpression):
    """Something that expressions have not, or must not do."""


class NumberTooHigh(InvalidExpression):
    """A power or a shift of large numbers."""


class IterableTooLong(InvalidExpression):
    """A text or a collection longer than 100,000, or a comprehension of more than 10,000."""


class LimitExceeded(InvalidExpression):
    """It took too long, or too much memory. simpleeval has no such limits."""


_NAMED = {kind.__name__: kind for kind in (FunctionNotDefined, NameNotDefined, AttributeDoesNotExist, OperatorNotDefined)}
_PLAIN = {kind.__name__: kind for kind in (InvalidExpression, FeatureNotAvailable, NumberTooHigh, IterableTooLong)}


class ModuleWrapper:
    """A module of the library that expressions may use, by its own name: these attributes of it, or all that are public."""

    def __init__(self, module, allowed_attrs=None):
        if not isinstance(module, types.ModuleType):
            raise TypeError("ModuleWrapper requires a module, not %s" % type(module).__name__)
        self.name = module.__name__
        self.allowed_attrs = sorted(allowed_attrs) if allowed_attrs is not None else ["*"]


def random_int(top):
    """randint of expressions: 0 to top, and not top itself."""
    import random
    return int(random.random() * top)


def _random():
    import random
    return random.random()


DEFAULT_FUNCTIONS = {"rand": _random, "randint": random_int, "int": int, "float": float, "str": str}
DEFAULT_NAMES = {"True": True, "False": False, "None": None}
DEFAULT_OPERATORS: dict = {}  # the guest's; they cannot be replaced


def _definition(name, function):
    """Statements of the guest that make a function of the host's known there."""
    if DEFAULT_FUNCTIONS.get(name) is function:
        return ""
    if isinstance(function, (types.BuiltinFunctionType, type)) and getattr(builtins, function.__name__, None) is function:
        if function.__name__ in DISALLOW_FUNCTIONS:
            raise FeatureNotAvailable("This function %s is a really bad idea." % function)
        return "%s = %s\n" % (name, function.__name__)
    if not isinstance(function, types.FunctionType):
        raise FeatureNotAvailable("the function '%s' cannot go to the guest: neither one of Python's built-in functions nor one "
                                  "whose source can be had, but %s" % (name, type(function).__name__))
    try:
        return function_source(function, name)
    except InvalidError as error:
        raise FeatureNotAvailable("the function '%s' cannot go to the guest: %s" % (name, error.message)) from None


def _error_of(result, expression):
    told = result.exception
    if result.status in ("time_limit", "memory_limit"):
        return LimitExceeded("the limit on %s is exceeded" % result.status.partition("_")[0])
    if told is None:
        return LimitExceeded(result.summary())
    if told.type in _NAMED:
        found = re.search(r"'([^']*)'", told.message)
        error = _NAMED[told.type](found[1] if found else "", expression)
    elif told.type in _PLAIN:
        error = _PLAIN[told.type](told.message)
    elif told.type == "SandboxError":
        error = FeatureNotAvailable(told.message)
    else:
        error = ordinary_exception(told) or InvalidExpression("%s: %s" % (told.type, told.message))
    return with_traceback(error, told.traceback)


class SimpleEval:
    """Works out expressions over the same names and functions. Each one in a jail of its own, which was parked before."""

    COMPOUND_FUNCTIONS: dict = {}

    def __init__(self, operators=None, functions=None, names=None, allowed_attrs=None, *, limits=None):
        if operators:
            raise NotImplementedError("operators are those of the guest: functions of the host's cannot be called from there")
        if allowed_attrs is not None:
            raise NotImplementedError("allowed_attrs are no rule of the policy; all public attributes of plain values are there")
        self.operators = DEFAULT_OPERATORS
        self.functions = dict(DEFAULT_FUNCTIONS) if functions is None else functions
        self.names = dict(DEFAULT_NAMES) if names is None else names
        self.limits = {**LIMITS, **(limits or {})}
        self._split()  # what cannot go is told at once

    def _split(self):
        """Of functions and names: values, the text of functions, and modules."""
        if not isinstance(self.names, dict):
            raise NotImplementedError("names has to be a dict: a function of the host's cannot be called from the guest")
        values, modules = {}, {}
        definitions = [_definition(*item) for item in {**self.COMPOUND_FUNCTIONS, **self.functions}.items()]
        for name, value in self.names.items():
            if isinstance(value, ModuleWrapper):
                if name != value.name:
                    raise FeatureNotAvailable("the module %s has its own name in expressions, and not '%s'" % (value.name, name))
                modules[name] = value.allowed_attrs
            elif isinstance(value, types.ModuleType):
                raise FeatureNotAvailable("Sorry, modules are not allowed; put a ModuleWrapper around '%s'" % name)
            elif callable(value):
                definitions.append(_definition(name, value))
            elif name not in DEFAULT_NAMES:
                values[name] = value
        return values, "\n".join(definition for definition in definitions if definition), modules

    @staticmethod
    def parse(expr: str) -> str:
        """The text that eval takes. It is parsed in the jail."""
        expr = expr.strip()
        if not expr:
            raise InvalidExpression("Sorry, cannot evaluate empty string")
        return expr

    def eval(self, expr: str, previously_parsed: typing.Optional[str] = None) -> typing.Any:
        """The value of the expression, by JSON."""
        expression = previously_parsed or self.parse(expr)
        values, functions, modules = self._split()
        policy = {"level": "expression", "modules": modules, "recursion_limit": 1000}
        if functions:
            policy["functions"] = functions
        try:
            with kept_sandbox(limits=self.limits) as jails:
                result = jails.evaluate(expression, policy=policy, globals=values)
        except TypeError as error:  # of what is not JSON
            raise FeatureNotAvailable("a value among names cannot go to the guest: %s" % error) from None
        if not result.ok:
            raise _error_of(result, expression)
        return result.value


class EvalWithCompoundTypes(SimpleEval):
    """With the functions list, tuple, dict and set."""

    COMPOUND_FUNCTIONS = {"list": list, "tuple": tuple, "dict": dict, "set": set}


def simple_eval(expr: str, operators=None, functions=None, names=None, allowed_attrs=None, *, limits=None) -> typing.Any:
    """The value of one expression."""
    return SimpleEval(operators, functions, names, allowed_attrs, limits=limits).eval(expr)
