"""What goes into the jail: values as JSON, and what JSON has no word for, described.

Its own file because guest.py reads what is written here, and nothing else needs to know how.
Changes when: another kind of value can go in; then guest.py has to read it.
"""

import math
import types

from belljar import InvalidError
from belljar._source import function_source

from .errors import SandboxError

SHOWN = ("__str__", "__repr__", "__hash__")


def _is_short(number):
    return -1 << 63 <= number < 1 << 63


def _is_text(value):
    """Of JSON: without half characters, and the NUL that Belljar's JSON refuses."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _refuse(value):
    raise SandboxError("Unable to proxy a value of type %s" % type(value))


def _plain(value):
    """JSON: what is nested in a value is nothing else."""
    if value is None or isinstance(value, bool) or (isinstance(value, str) and _is_text(value)):
        return value
    if isinstance(value, int) and _is_short(value):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) and _is_text(key) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    return _refuse(value)


def _fields(value):
    fields = {}
    for name, field in vars(value).items():
        try:
            fields[name] = _plain(field)
        except SandboxError:  # it is not there, then
            pass
    return fields


def _shown(value, name):
    method = getattr(type(value), name)
    return None if method is None else [method(value), method.__doc__]


def _object(value):
    shown = {name: _shown(value, name) for name in SHOWN}
    return {"type": type(value).__name__, "doc": value.__doc__, "fields": _fields(value),
            "shown": {name: told for name, told in shown.items() if told}}


def proxy(value):
    """[kind, what guest.py makes it of]. SandboxError: the value cannot go."""
    if isinstance(value, float) and not math.isfinite(value):
        return ["float", repr(value)]
    if isinstance(value, int) and not _is_short(value):
        return ["int", hex(value)]
    if isinstance(value, str) and not _is_text(value):
        return ["text", value.encode("utf-8", "surrogatepass").hex()]
    if isinstance(value, (bytes, bytearray)):
        return ["bytes", value.hex()]
    if isinstance(value, tuple):
        return ["tuple", [proxy(item) for item in value]]
    if isinstance(value, (types.BuiltinFunctionType, type)) and value.__module__ in ("builtins", "io", "_io"):
        return ["builtin", value.__name__]
    if isinstance(value, types.FunctionType):
        return ["function", call_source(value)]
    if hasattr(value, "__dict__") and not isinstance(value, (types.ModuleType, type, list, dict, str, int)) and not callable(value):
        return ["object", _object(value)]
    return ["plain", _plain(value)]


def proxy_names(names):
    """Of variables, or None."""
    if names is None:
        return None
    for name in names:
        if not isinstance(name, str) or not _is_text(name):
            raise SandboxError("%r is no name of a variable" % (name,))
    return {name: proxy(value) for name, value in names.items()}


def call_source(function):
    """Statements that define it as "function"."""
    try:
        return function_source(function, "function")
    except InvalidError as error:
        raise SandboxError("Unable to call %r: %s" % (getattr(function, "__name__", function), error.message)) from None
