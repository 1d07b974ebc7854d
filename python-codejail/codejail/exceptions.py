"""What this package raises.

Its own file because every other module raises them.
Changes when: something else can go wrong.
"""


class CodeJailException(Exception):
    """The base of the others."""


class JailError(CodeJailException):
    """A command is not configured, cannot be run as it is configured, or was given what no jail takes."""


class SafeExecException(CodeJailException):
    """The code has failed. The message holds what it wrote, and its status."""
