"""Run Python, or any program, that you do not trust, under glass, and be told exactly what happened.

    import belljar

    result = belljar.run(["sh", "-c", "echo hello"], limits={"wall_seconds": 1})
    print(result.status, result.text)

    with belljar.Sandbox() as sandbox:
        print(sandbox.execute("y = x + 1", globals={"x": 41}).globals["y"])
        print(sandbox.evaluate("6 * 7").value)

A guest's failure is a result; exceptions are for misuse, and for jails that cannot be made. Names of options and results are those of
belljar-spec(5) and belljar-result(5).
"""

import json
import os
import typing

from . import _core
from ._errors import (BelljarError, InvalidError, NotFoundError, RunError, SetupError, StateError, SystemCallError, UnavailableError,
                      WidensError, translated)
from ._options import Name, new_spec
from ._options import ReadOnly as readonly
from ._result import Denial, ExceptionInfo, File, Result, Usage
from ._sandbox import Sandbox, arun, evaluate, execute, run
from ._session import Session

__version__ = _core.version
__all__ = ["BelljarError", "Denial", "ExceptionInfo", "File", "InvalidError", "NotFoundError", "Result", "RunError", "Sandbox", "Session",
           "SetupError", "StateError", "SystemCallError", "UnavailableError", "Usage", "WidensError", "arun", "doctor", "evaluate",
           "execute", "explain", "profiles", "readonly", "run"]

_programs = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_programs")
if os.path.isdir(_programs):
    _core.use_programs(_programs)


def doctor(profile: Name = "default") -> typing.Dict[str, typing.Any]:
    """Each layer on this host: on, or why not and what would fix it."""
    return json.loads(_core.doctor(new_spec(profile, {})))


def explain(question: str, profile: Name = "default", **options: typing.Any) -> str:
    """Would this be allowed, and which layer says so? question: "syscall NAME" or "path PATH"; options as for run()."""
    with translated():
        return _core.explain(new_spec(profile, options), question)


def profiles() -> typing.List[typing.Dict[str, typing.Any]]:
    """Every profile that can be found by its name."""
    return json.loads(_core.profiles())


def load_ipython_extension(shell: typing.Any) -> None:
    """%load_ext belljar"""
    from . import _magic
    _magic.load(shell)
