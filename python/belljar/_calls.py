"""Functions of the host's, which a snippet calls by their names.

Its own file because it is the only place where a guest makes this process do something.
Changes when: a function is called, or its answer told, in another way.

Arguments come as JSON and answers go as JSON; nothing is pickled, nothing of the guest's is run here, and no name is looked up but among
those that were given. An exception of a function's is the guest's, its type and its message; what a function gives that is not JSON is a
mistake of this side, raised here.
"""

import asyncio
import inspect
import json

from ._errors import InvalidError, StateError, translated

MESSAGE_LENGTH = 4096  # of an exception's that is told


def checked(functions):
    """Names and what can be called, or InvalidError."""
    for name, function in functions.items():
        if not callable(function):
            raise InvalidError("is %r, which cannot be called" % (function,), field="functions.%s" % name)
    return dict(functions)


def _exception(error):
    """Of an exception of a function's: its type and its message, and no more."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001: any code of the host's
        message = ""
    clean = message[:MESSAGE_LENGTH].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return type(error).__name__, clean


def _value(name, value):
    try:
        return None, json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError("what the function %s() gave is not JSON: %s" % (name, error)) from error


class Calls:
    """Those of one run, answered in the thread that waits for it."""

    def __init__(self, functions):
        self._functions = functions
        for name, function in functions.items():
            self._check(name, function)

    def _check(self, name, function):
        if inspect.iscoroutinefunction(function):
            raise InvalidError("is a coroutine function, which only aexecute and its kin can wait for", field="functions.%s" % name)

    def names(self):
        return list(self._functions)

    def watch(self, run):
        """From now on the run's calls are answered."""
        run.on_call(self._asked)

    def _called(self, name, arguments, keywords):
        return self._functions[name](*json.loads(arguments), **json.loads(keywords))

    def _asked(self, call, name, arguments, keywords):
        try:
            value = self._called(name, arguments, keywords)
        except Exception as error:  # noqa: BLE001: whatever it is, it is the guest's; Ctrl-C and the like are not
            return _exception(error)
        if inspect.isawaitable(value):
            getattr(value, "close", int)()
            raise TypeError("the function %s() gave something to wait for; call it from aexecute or its kin" % name)
        return _value(name, value)


class AwaitedCalls(Calls):
    """Those of a run in an event loop: what a function gives to wait for is waited for, and other runs go on."""

    failure = None  # a mistake of this side, which ends the run
    _task = _wake = _run = None

    def _check(self, name, function):
        pass

    def wake_by(self, wake):
        """What is called when there is a failure."""
        self._wake = wake

    def watch(self, run):
        self._run = run
        super().watch(run)

    def _asked(self, call, name, arguments, keywords):
        self._task = asyncio.get_running_loop().create_task(self._answer(call, name, arguments, keywords))
        self._task.add_done_callback(self._done)

    async def _answer(self, call, name, arguments, keywords):
        try:
            value = self._called(name, arguments, keywords)
            if inspect.isawaitable(value):
                value = await value
        except asyncio.CancelledError as error:
            if not self._run:
                raise
            answer = _exception(error)
        except Exception as error:  # noqa: BLE001
            answer = _exception(error)
        else:
            answer = _value(name, value)
        with translated():
            self._run.answer(call, answer)

    def _done(self, task):
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, StateError):  # that is: nobody waits for it any more
            self.failure = error
            self._wake()

    def close(self):
        """The run is over: nobody waits for what is under way."""
        self._run = None
        if self._task:
            self._task.cancel()


def taken(options, kept, awaited=False):
    """Out of keyword arguments, on top of those that are kept for all runs. None: there are none."""
    given = options.pop("functions", None)
    functions = {**kept, **checked(given)} if given else kept
    return (AwaitedCalls if awaited else Calls)(functions) if functions else None
