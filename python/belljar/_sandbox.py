"""Running things: one at a time, or out of jails that are kept parked.

Its own file because it is what most programs use, and nothing else starts jails.
Changes when: something can be run in another way.
"""

import concurrent.futures
import contextlib
import dataclasses
import os
import threading
import typing

from . import _aio, _calls, _core
from ._behind import Behind
from ._errors import BelljarError, translated
from ._options import Name, new_spec, put
from ._result import Result, from_core
from ._session import Session
from ._source import function_source

RESULT_NAME, CALLED_NAME = "__belljar_result__", "__belljar_function__"


def _awaited(run) -> Result:
    with translated():
        run.wait()
        return from_core(run.result())


def _finish(run) -> Result:
    try:
        return _awaited(run)
    finally:
        run.close()  # Ctrl-C, too, leaves nothing behind


def _start(spec, calls, stdin_fd, on_output, on_start):
    with translated():
        if calls:
            spec.set_calls(calls.names())
        run = _core.Plan(spec).start(stdin_fd)
        if calls:
            calls.watch(run)
        if on_output:
            run.on_output(lambda stream, data: on_output("stdout" if stream == 1 else "stderr", data))
    return _told(run, on_start)


def _told(run, on_start):
    """The run, after its process was told to who asked. What that raises comes out, and ends the run."""
    try:
        if on_start:
            on_start(run.pid())
    except BaseException:
        run.close()
        raise
    return run


def _listeners(options):
    return options.pop("stdin_fd", -1), options.pop("on_output", None), options.pop("on_start", None)


def _command_run(command, profile, options):
    listeners = _listeners(options)
    spec = new_spec(profile, options)
    with translated():
        spec.set_command([os.fspath(word) for word in command])
    return _start(spec, None, *listeners)


def _snippet_run(setter, source, profile, options):
    listeners, calls = _listeners(options), _calls.taken(options, {})
    spec = new_spec(profile, options)
    with translated():
        getattr(spec, setter)(source)
    return _start(spec, calls, *listeners)


def run(command: typing.Iterable[Name], *, profile: Name = "default", **options: typing.Any) -> Result:
    """Runs a program in a jail of its own, and tells what came of it.

    command: list of str. profile: a name or a path. Options are those of belljar-spec(5): limits={"wall_seconds": 2, "memory_bytes":
    2**26}, files={"a.txt": b"..."}, collect=["*.png"], env, stdin, mounts={"/data": "/srv/data"}, ...; besides, stdin_fd: a
    descriptor that is read and copied, on_output(stream, data), called with "stdout" or "stderr" as it comes, and on_start(pid).
    """
    return _finish(_command_run(command, profile, options))


def execute(code: str, *, profile: Name = "python", **options: typing.Any) -> Result:
    """Runs Python in a jail of its own. globals={"x": 1} are its variables; Result.globals those that JSON can hold afterwards.

    views={"x": [1]}: the same, and it cannot change them. functions={"f": f}: what it may call here by name, with arguments and value
    as JSON; an exception of f's is raised in the snippet as HostError, a RuntimeError of its type and message. The run's clock goes on
    meanwhile; limits={"calls": 1000, "call_seconds": 2, "call_bytes": 2**20}. The interpreter starts for it; a Sandbox keeps warm ones.
    """
    return _finish(_snippet_run("set_code", code, profile, options))


def evaluate(expression: str, *, profile: Name = "python", **options: typing.Any) -> Result:
    """The value of a Python expression, in Result.value, from a jail of its own."""
    return _finish(_snippet_run("set_expression", expression, profile, options))


async def arun(command: typing.Iterable[Name], *, profile: Name = "default", **options: typing.Any) -> Result:
    """As run, in an event loop."""
    return await _aio.finished(_command_run(command, profile, options))


class Sandbox:
    """Keeps jails parked, each with a warm Python and each for one run: a snippet then starts faster than Python starts at all.

    jails: how many are kept ready. Options are as for run(), and of all runs; preload=["numpy"] imports modules beforehand. It may be
    used from many threads, and closes at the end of a with statement. functions={"f": f}: what all snippets may call here, see execute();
    those of a run come on top of them. fill_behind: a thread of its own removes used jails and puts new ones in their place, and no
    run waits for that.
    """

    def __init__(self, profile: Name = "python", *, jails: int = 4, fill_behind: bool = False, **options: typing.Any) -> None:
        self._functions = _calls.checked(options.pop("functions", None) or {})
        self._profile, self._options = profile, options
        spec = new_spec(profile, options)
        with translated():
            spec.set_calls([])  # a run may name some, also where the sandbox has none
            self._pool = _core.Pool(spec, jails)
        self._lock = threading.Lock()
        self._few = max(1, jails // 4)
        self._behind = Behind("belljar-fill", self._fill_one) if fill_behind else None

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the parked jails. Runs have to be over."""
        if self._behind:
            self._behind.close()
        with self._lock:
            self._pool.close()

    def _start(self, setter, source, options, calls):
        stdin_fd, on_start = options.pop("stdin_fd", -1), options.pop("on_start", None)
        with self._lock, translated():
            spec = self._pool.spec()
            getattr(spec, setter)(source)
            if calls:
                spec.set_calls(calls.names())
            run_ = self._pool.start(put(spec, options), stdin_fd)
        if calls:
            calls.watch(run_)
        return _told(run_, on_start)

    def _renew(self, run_):
        """What is left of a run is removed, and another jail is made."""
        if self._behind:
            self._behind.do(self._remove, run_)
        else:
            run_.kill()  # the kernel takes it apart while another one is made
            self._fill(self._pool.fill)
            run_.close()

    def _remove(self, run_):
        """Jails are made when nobody asks for any, but for the last ones."""
        run_.kill()
        with self._lock:
            few = self._pool.parked() <= self._few
        if few:
            self._fill_one()
        run_.close()

    def _fill_one(self):
        return self._fill(self._pool.fill_one)

    def _fill(self, fill):
        """What goes wrong here, the next run that needs a jail is told: this one has its result."""
        with contextlib.suppress(BelljarError), self._lock, translated():
            return fill()
        return False

    def _run(self, setter, source, options) -> Result:
        run_ = self._start(setter, source, options, _calls.taken(options, self._functions))
        try:
            result = _awaited(run_)
        except BaseException:
            run_.close()
            raise
        self._renew(run_)
        return result

    async def _arun(self, setter, source, options) -> Result:
        calls = _calls.taken(options, self._functions, awaited=True)
        run_ = self._start(setter, source, options, calls)
        try:
            result = await _aio.result_of(run_, calls)
        except BaseException:
            run_.close()
            raise
        self._renew(run_)
        return result

    def execute(self, code: str, **options: typing.Any) -> Result:
        """Runs a script. globals={"x": 1}: its variables; views, functions, files, trace, policy (where there is none), stdin_fd, on_start."""
        return self._run("set_code", code, options)

    def evaluate(self, expression: str, **options: typing.Any) -> Result:
        """The value of an expression, in Result.value."""
        return self._run("set_expression", expression, options)

    async def aexecute(self, code: str, **options: typing.Any) -> Result:
        """As execute, in an event loop. functions may be coroutine functions; plain ones are called in the loop."""
        return await self._arun("set_code", code, options)

    async def aevaluate(self, expression: str, **options: typing.Any) -> Result:
        """As evaluate, in an event loop."""
        return await self._arun("set_expression", expression, options)

    def call(self, function: typing.Callable[..., typing.Any], *args: typing.Any, **kwargs: typing.Any) -> Result:
        """Calls a function of yours in a jail: its source goes there, and not itself. Arguments and value are JSON; Result.value.

        The arguments are read-only views there: a function that changes one has to copy it first.
        """
        code, variables = _call_source(function, args, kwargs)
        result = self._run("set_code", code, {"views": variables})
        return _with_value(result)

    async def acall(self, function: typing.Callable[..., typing.Any], *args: typing.Any, **kwargs: typing.Any) -> Result:
        """As call, in an event loop."""
        code, variables = _call_source(function, args, kwargs)
        return _with_value(await self._arun("set_code", code, {"views": variables}))

    def map(self, code: str, inputs: typing.Iterable[typing.Dict[str, typing.Any]], *, workers: typing.Optional[int] = None,
            **options: typing.Any) -> typing.Iterator[Result]:
        """Yields the result of the script for each dictionary of variables, in their order, several at a time."""
        with concurrent.futures.ThreadPoolExecutor(workers or os.cpu_count() or 1) as threads:
            yield from threads.map(lambda variables: self.execute(code, globals=variables, **options), inputs)

    def session(self, **options: typing.Any) -> Session:
        """A session with the options of this sandbox, and more."""
        mine = {name: value for name, value in self._options.items() if name != "preload"}
        return Session(self._profile, **{"functions": self._functions, **mine, **options})


def _call_source(function, args, kwargs):
    source = function_source(function, CALLED_NAME)
    code = "%s\n%s = %s(*__belljar_args__, **__belljar_kwargs__)\n" % (source, RESULT_NAME, CALLED_NAME)
    return code, {"__belljar_args__": list(args), "__belljar_kwargs__": kwargs}


def _with_value(result: Result) -> Result:
    told = dict(result.globals or {})
    value = told.pop(RESULT_NAME, None)
    for name in ("__belljar_args__", "__belljar_kwargs__"):
        told.pop(name, None)
    return dataclasses.replace(result, value=value, globals=told)
