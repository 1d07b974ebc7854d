"""A guest's exception, as one that can be raised here.

Its own file because it is made of three texts that the guest chose, and only interfaces of other libraries raise it.
Changes when: more is told of an exception, or another one of Python's needs more than its text.
"""

import ast
import builtins
import re


class GuestTraceback(Exception):
    """The cause of every exception that comes from the guest: its traceback, as text."""

    def __str__(self):
        return "\n" + self.args[0]


def _arguments(kind, message):
    if issubclass(kind, OSError):
        found = re.fullmatch(r"\[Errno (\d{1,9})\] (.*)", message, re.DOTALL)
        return (int(found[1]), found[2]) if found else (message,)
    if kind is KeyError:
        try:
            return (ast.literal_eval(message),)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return (message,)
    return (message,) if message else ()


def ordinary_exception(told):
    """Of an ExceptionInfo: Python's own exception of that name. None: there is none, it ends programs, or a text is not enough."""
    kind = getattr(builtins, told.type, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(*_arguments(kind, told.message))
        except TypeError:  # UnicodeDecodeError
            pass
    return None


def with_traceback(error, text):
    """The same, with the guest's traceback as its cause."""
    error.__cause__ = GuestTraceback(text)
    return error
