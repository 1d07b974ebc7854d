"""Sandbox: execute and call, each in a jail of its own that was parked before.

Its own file because it is the one place that runs something.
Changes when: code is run, or what it left is brought back, in another way.
"""

import json
import os
import sys
import typing

import belljar
from belljar._kept import kept_sandbox

from .config import SandboxConfig
from .errors import SandboxError, exception_of
from .proxy import call_source, proxy, proxy_names

_Names = typing.Optional[typing.Dict[str, typing.Any]]

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest.py"), encoding="utf-8") as _file:
    _GUEST = _file.read()
_EXECUTE = _GUEST + """
sandbox_globals = sandbox_names(sandbox_told["globals"])
sandbox_locals = sandbox_names(sandbox_told["locals"])
if sandbox_globals is None:
    sandbox_globals = {}
if sandbox_locals is None:
    sandbox_locals = sandbox_globals
exec(sandbox_told["code"], sandbox_globals, sandbox_locals)
sandbox_tell(sandbox_globals, "globals:")
sandbox_tell(sandbox_locals, "locals:")
sandbox_done = True
"""
_CALL = _GUEST + """
sandbox_called = sandbox_value(sandbox_told["function"])
sandbox_arguments = [sandbox_value(value) for value in sandbox_told["args"]]
sandbox_keywords = sandbox_names(sandbox_told["keywords"])
sandbox_result = sandbox_called(*sandbox_arguments, **sandbox_keywords)
sandbox_type = str(type(sandbox_result))
"""


def _stdin_fd():
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return -1


def _refill(names, told, prefix):
    if names is not None:
        names.clear()
        names.update((name[len(prefix):], value) for name, value in told.items() if name.startswith(prefix))


class Sandbox:
    """Runs code that is not trusted. One may be used from many threads, and in forked processes.

    Exceptions of the code are raised here: Python's ordinary ones as themselves, all others as SandboxError; its traceback is the
    text of their __cause__. Timeout: the time is over. MemoryError: the memory is.
    """

    PROTECTIONS = []  # pysandbox's were in the same process; a policy and a jail are in their place

    def __init__(self, config: typing.Optional[SandboxConfig] = None):
        self.config = config or SandboxConfig()

    def _run(self, code, told):
        options = {"policy": self.config.policy(), "globals": {"sandbox_told": told}}
        if self.config.has_feature("stdin"):
            options["stdin_fd"] = _stdin_fd()
        try:
            with kept_sandbox(**self.config.jail()) as jails:
                result = jails.execute(code, **options)
        except belljar.InvalidError as error:
            raise ValueError(("allowPath: %s" if error.field.startswith(("mounts", "closed_")) else "%s") % error) from None
        for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
            text = getattr(result, name).decode("utf-8", "replace")
            if text and stream is not None and self.config.has_feature(name):
                stream.write(text)
                stream.flush()
        error = exception_of(result)
        if error is not None:
            raise error
        return {name: value for name, value in (result.globals or {}).items() if name != "sandbox_told"}

    def execute(self, code: typing.Union[str, bytes], globals: _Names = None, locals: _Names = None) -> None:
        """As exec(code, globals, locals), in a jail. The values that it finds there are read-only views.

        Afterwards the two dictionaries have what JSON can hold of the variables that the code left; not when it raised something.
        """
        told = {"code": code.decode() if isinstance(code, bytes) else code}
        told.update(globals=proxy_names(globals), locals=proxy_names(locals))
        if not isinstance(told["code"], str):
            raise SandboxError("Unable to proxy a value of type %s" % type(code))
        self._bound("Input", told, self.config.max_input_size)
        left = self._run(_EXECUTE, told)
        if "sandbox_done" not in left:
            raise SandboxError("subprocess failed with exit code 0")
        left = {name: value for name, value in left.items() if name.startswith(("globals:", "locals:"))}
        self._bound("Output", left, self.config.max_output_size)
        _refill(globals, left, "globals:")
        _refill(locals, left, "locals:")

    @staticmethod
    def _bound(which, value, most):
        size = len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if size > most:
            raise SandboxError("%s data are too big: %d bytes (max=%d)" % (which, size, most))

    def call(self, func: typing.Callable, *args, **kw) -> typing.Any:
        """func(*args, **kw) in a jail: its source goes there, and so it has no variables of its module. Its value, by JSON."""
        described = proxy(func) if not hasattr(func, "__code__") else ["function", call_source(func)]
        told = {"function": described, "args": [proxy(value) for value in args], "keywords": proxy_names(kw)}
        left = self._run(_CALL, told)
        if "sandbox_result" not in left:
            raise SandboxError("Unable to proxy a value of type %s" % left.get("sandbox_type"))
        return left["sandbox_result"]

    def createCallback(self, func: typing.Callable, *args, **kw) -> typing.Callable[[], typing.Any]:
        """A function without arguments that calls func(*args, **kw) in a jail, each time in a new one."""
        def callback():
            return self.call(func, *args, **kw)
        return callback
