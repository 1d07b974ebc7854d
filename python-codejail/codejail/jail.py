"""Jails as objects, as in CodeJail 1.1.

Its own file because programs that use that version import it; jail_code does the work.
Changes when: they need another of its names.
"""

import typing

from . import jail_code as _jail_code
from . import languages, safe_exec as _safe_exec
from .exceptions import JailError
from .jail_code import COMMANDS, JailResult, is_configured

__all__ = ["COMMANDS", "Jail", "JailError", "JailResult", "configure", "get_codejail", "is_configured"]


class Jail:
    """A configured command."""

    def __init__(self, command: str, bin_path: str, user: typing.Optional[str] = None,
                 lang: typing.Optional[languages.Language] = None) -> None:
        self.command, self.bin_path, self.user = command, bin_path, user
        self.lang = lang or (languages.python3 if command == "python" else languages.other)

    @property
    def cmdline_start(self) -> typing.List[str]:
        """The program, and the arguments that its language has first."""
        return [self.bin_path, *self.lang.argv]

    def jail_code(self, code=None, files=None, extra_files=None, argv=None, stdin=None, slug=None) -> JailResult:
        """As jail_code.jail_code."""
        return _jail_code.jail_code(self.command, code, files, extra_files, argv, stdin, None, slug)

    def safe_exec(self, code, globals_dict, files=None, python_path=None, slug=None, extra_files=None) -> None:
        """As safe_exec.safe_exec. JailError where the program is no Python."""
        if self.lang.safe_exec_template is None:
            raise JailError("%s runs no Python, and has no safe_exec; use jail_code" % self.command)
        _safe_exec.run(self.command, code, globals_dict, files, python_path, None, slug, extra_files)


def configure(command: str, bin_path: str, user: typing.Optional[str] = None,
              lang: typing.Optional[languages.Language] = None) -> Jail:
    """As jail_code.configure; returns the jail."""
    _jail_code.configure(command, bin_path, user, lang)
    return get_codejail(command)


def get_codejail(command: str) -> Jail:
    """The jail of a configured command, or JailError."""
    if not _jail_code.is_configured(command):
        raise JailError("CodeJail not found for %s: configure it first" % command)
    told = _jail_code.COMMANDS[command]
    return Jail(command, told["cmdline_start"][0], told["user"], told.get("lang"))
