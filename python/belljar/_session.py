"""Sessions: variables that are kept between snippets, with snapshots and branches.

Its own file because a session is one guest with a state, and everything else has none.
Changes when: the library's sessions can do something more.
"""

import threading
import typing

from . import _aio, _calls, _core
from ._errors import translated
from ._options import Name, new_spec, put
from ._result import Result, from_core


class Session:
    """State that is kept between the snippets of one guest. branch: 1 is there from the beginning; 0 is the state before any snippet.

    A limit or a crash ends the branch that it meets, and no other. Closed at the end of a with statement.
    """

    def __init__(self, profile: Name = "python", **options: typing.Any) -> None:
        self._functions = _calls.checked(options.pop("functions", None) or {})
        with translated():
            self._core = _core.Session(new_spec(profile, options))
        self._lock = threading.Lock()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Kills what still runs in it, and removes everything."""
        with self._lock:
            self._core.close()

    def _start(self, branch, setter, source, options, calls):
        stdin_fd = options.pop("stdin_fd", -1)
        with self._lock, translated():
            spec = self._core.spec()
            getattr(spec, setter)(source)
            if calls:
                spec.set_calls(calls.names())
            run = self._core.start(branch, put(spec, options), stdin_fd)
        if calls:
            calls.watch(run)
        return run

    async def _arun(self, branch, setter, source, options) -> Result:
        calls = _calls.taken(options, self._functions, awaited=True)
        return await _aio.finished(self._start(branch, setter, source, options, calls), calls)

    def _run(self, branch, setter, source, options) -> Result:
        run = self._start(branch, setter, source, options, _calls.taken(options, self._functions))
        try:
            with translated():
                run.wait()
                return from_core(run.result())
        finally:
            run.close()

    def execute(self, code: str, *, branch: int = 1, **options: typing.Any) -> Result:
        """Runs a script in a branch. Its variables stay there."""
        return self._run(branch, "set_code", code, options)

    def evaluate(self, expression: str, *, branch: int = 1, **options: typing.Any) -> Result:
        """The value of an expression, in Result.value."""
        return self._run(branch, "set_expression", expression, options)

    async def aexecute(self, code: str, *, branch: int = 1, **options: typing.Any) -> Result:
        """As execute, in an event loop."""
        return await self._arun(branch, "set_code", code, options)

    async def aevaluate(self, expression: str, *, branch: int = 1, **options: typing.Any) -> Result:
        """As evaluate, in an event loop."""
        return await self._arun(branch, "set_expression", expression, options)

    def _ask(self, method, *arguments):
        with self._lock, translated():
            return getattr(self._core, method)(*arguments)

    def fork(self, branch: int = 1) -> int:
        """A copy of a branch that goes its own way: its number."""
        return self._ask("fork", branch)

    def snapshot(self, branch: int = 1) -> int:
        """A copy of a branch that stays as it is: its number."""
        return self._ask("snapshot", branch)

    def restore(self, snapshot: int, branch: int = 1) -> None:
        """The branch becomes what the snapshot (or another branch) is; it may have ended before."""
        self._ask("restore", branch, snapshot)

    def drop(self, branch: int) -> None:
        """Ends a branch or a snapshot."""
        self._ask("drop", branch)
