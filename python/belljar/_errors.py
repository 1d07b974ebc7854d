"""What Belljar raises: misuse, and jails that could not be made. A guest's failure is a result, and never an exception.

Its own file because every other module raises them.
Changes when: the library has another error code.
"""

from . import _core


class BelljarError(Exception):
    """Belljar could not do what it was asked, and nothing was started.

    code: "invalid", "not_found", "unavailable", "setup", "system", "state", "widens". field: which option, "limits.memory_bytes" for
    example, or "". errno: of the call that failed, or 0.
    """

    code = ""

    def __init__(self, message, code="", field="", errno=0):
        super().__init__("%s: %s" % (field, message) if field else message)
        self.message, self.code, self.field, self.errno = message, code or self.code, field, errno


class InvalidError(BelljarError, ValueError):
    """A value is not acceptable."""

    code = "invalid"


class NotFoundError(BelljarError, LookupError):
    """A named thing (a profile, a file, a guest program) does not exist."""

    code = "not_found"


class UnavailableError(BelljarError):
    """This host cannot give a layer that is required. The message names the fix."""

    code = "unavailable"


class SetupError(BelljarError):
    """The jail could not be made."""

    code = "setup"


class StateError(BelljarError):
    """Called in the wrong order, or on a session that is over."""

    code = "state"


class WidensError(BelljarError):
    """A request asks for more than its profile gives."""

    code = "widens"


class SystemCallError(BelljarError, OSError):
    """A system call that should work has failed."""

    code = "system"


_BY_CODE = {kind.code: kind for kind in (InvalidError, NotFoundError, UnavailableError, SetupError, StateError, WidensError, SystemCallError)}


class RunError(Exception):
    """Raised by Result.check(): the run did not end well. result: all that is known of it."""

    def __init__(self, result):
        super().__init__(result.summary())
        self.result = result


class _Translation:
    """A class, and not a generator: every call passes through two or three of these."""

    def __enter__(self):
        pass

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, _core.Error):
            message, code, field, number = error.args
            raise _BY_CODE.get(code, BelljarError)(message, code, field, number) from None


_translation = _Translation()


def translated():
    """with translated(): the library's errors become the exceptions of this module."""
    return _translation
