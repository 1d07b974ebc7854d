"""Keyword arguments, put into a spec.

Its own file because every way to run something takes the same ones, under the names of belljar-spec(5).
Changes when: a spec can say something more.
"""

import json
import os
import typing

from . import _core
from ._errors import InvalidError, translated

Name = typing.Union[str, "os.PathLike[str]"]  # of a profile, or a word of a command

SECONDS = {"wall_seconds": "wall_us", "cpu_seconds": "cpu_us", "lifetime_seconds": "lifetime_us", "idle_seconds": "idle_us",
           "call_seconds": "call_us"}
COUNTS = ("memory_bytes", "processes", "output_bytes", "disk_bytes", "files", "file_bytes", "open_files", "stack_bytes",
          "address_space_bytes", "branches", "calls", "call_bytes",
          "input_bytes")


def _limits(spec, limits):
    for name, value in limits.items():
        if name in SECONDS:
            spec.set_limit(SECONDS[name], round(value * 1000000))
        elif name in COUNTS:
            spec.set_limit(name, value)
        else:
            raise InvalidError("there is no such limit; there are %s" % ", ".join((*SECONDS, *COUNTS)), field="limits." + name)


def _files(spec, files):
    for path, source in files.items():
        if isinstance(source, os.PathLike):
            spec.add_file_source(path, os.fspath(source))
        else:
            spec.add_file_bytes(path, source.encode() if isinstance(source, str) else bytes(source), False)


def _mounts(spec, mounts):
    for target, source in mounts.items():
        where, mode = source if isinstance(source, tuple) else (source, "ro")
        spec.add_mount(os.fspath(where), target, mode)


def _each(setter):
    def put(spec, values):
        for value in [values] if isinstance(values, str) else values:
            getattr(spec, setter)(value)
    return put


def _pairs(setter):
    def put(spec, values):
        for pair in values.items():
            getattr(spec, setter)(*pair)
    return put


def _one(setter):
    return lambda spec, value: getattr(spec, setter)(value)


def _deterministic(spec, value):
    told = {"seed": 0} if value is True else dict(value)
    spec.set_deterministic(told.get("seed", 0), told.get("time"))


def _trace(spec, value):
    told = {"max_steps": value} if isinstance(value, int) else dict(value)
    spec.set_trace(told["max_steps"], told.get("max_bytes", 0))


class ReadOnly:
    """What readonly() gives: one of the values of globals, to be looked at."""

    def __init__(self, value: typing.Any) -> None:
        self.value = value


def _json(field, value):
    try:
        return json.dumps(value)
    except TypeError as error:
        hint = "; readonly() is for a whole variable" if "ReadOnly" in str(error) else ""
        raise TypeError("%s: not all of it is JSON: %s%s" % (field, error, hint)) from None


def _globals(spec, values):
    views = {name: value.value for name, value in values.items() if isinstance(value, ReadOnly)}
    spec.add_globals(_json("globals", {name: value for name, value in values.items() if name not in views}))
    if views:
        _views(spec, views)


def _views(spec, values):
    spec.add_views(_json("views", {name: value.value if isinstance(value, ReadOnly) else value for name, value in values.items()}))


def _stdin(spec, value):
    spec.set_stdin(value.encode() if isinstance(value, str) else bytes(value))


SETTERS = {
    "limits": _limits, "files": _files, "mounts": _mounts, "collect": _each("add_collect"), "env": _pairs("set_env"),
    "layers": _pairs("set_layer"), "syscalls": _one("set_syscalls"), "stdin": _stdin, "directory": _one("set_directory"),
    "hostname": _one("set_hostname"), "network": _one("set_network"), "python": lambda spec, value: spec.set_python(os.fspath(value)),
    "python_path": _each("add_python_path"), "preload": _one("set_preload"), "policy": lambda spec, value: spec.add_policy(json.dumps(value)),
    "globals": _globals, "views": _views, "args": _one("set_args"), "trace": _trace,
    "deterministic": _deterministic, "display": _one("set_display"), "output_action": _one("set_output_action")}


def put(spec, options):
    """Every option that is not None. InvalidError names the one that does not exist."""
    for name, value in options.items():
        if name not in SETTERS:
            raise InvalidError("there is no such option; there are %s" % ", ".join(SETTERS), field=name)
        if value is not None:
            with translated():
                SETTERS[name](spec, value)
    return spec


def new_spec(profile, options):
    """A profile's spec, with the options in it."""
    with translated():
        spec = _core.Spec(os.fspath(profile))
    return put(spec, options)
