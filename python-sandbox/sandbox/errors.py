"""SandboxError and Timeout, and which exception of the host a run's end is.

Its own file because execute and call end in the same ways.
Changes when: a run can end in another way, or a guest's exception is another one here.
"""

import re
import signal
import typing

from belljar._guest_errors import ordinary_exception, with_traceback


class SandboxError(Exception):
    """The sandbox denied something, or the code's end was no ordinary one."""


class Timeout(SandboxError):
    """The code ran for longer than its configuration allows."""


_OWN_FRAMES = re.compile(r'^  File "main\.py", .*\n(?:    .*\n)*', re.MULTILINE)
_OUTPUT_ERROR = "the result is larger than the limit on output"


def _of_guest(told):
    """An ordinary exception of Python's is itself here. One of the guest's own, or that ends programs, is a SandboxError."""
    if told.type == "SandboxError":
        return SandboxError(told.message)
    if told.type == "OverflowError" and told.message == _OUTPUT_ERROR:
        return SandboxError("Output data are too big")
    return ordinary_exception(told) or SandboxError("%s: %s" % (told.type, told.message))


def exception_of(result) -> typing.Optional[BaseException]:
    """None when it ended well."""
    if result.ok:
        return None
    if result.status == "time_limit":
        return Timeout("the %s time limit is over" % result.limit)
    if result.status == "memory_limit":
        return MemoryError("the guest used more than max_memory")
    if result.exception:
        return with_traceback(_of_guest(result.exception), _OWN_FRAMES.sub("", result.exception.traceback))
    if result.signal:
        return SandboxError("subprocess killed by signal %d" % signal.Signals[result.signal])
    if result.exit_code:
        return SandboxError("subprocess failed with exit code %d" % result.exit_code)
    return SandboxError(result.summary())
