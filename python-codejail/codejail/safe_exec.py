"""exec, in a jail: variables in, variables out.

Its own file because its names are CodeJail's.
Changes when: they do, or variables are handed over in another way.
"""

import json
import logging
import os
import sys
import typing

from . import jail_code
from .exceptions import SafeExecException
from .inside.codejail_inside import json_safe
from .util import change_directory, temp_directory

__all__ = ["ALWAYS_BE_UNSAFE", "LOG_ALL_CODE", "SafeExecException", "json_safe", "not_safe_exec", "safe_exec"]

log = logging.getLogger("codejail")

LOG_ALL_CODE = False  # code, variables and results, at the level DEBUG
ALWAYS_BE_UNSAFE = False  # safe_exec is not_safe_exec then: without any jail


def safe_exec(code: str, globals_dict: typing.Dict[str, typing.Any], files=None, python_path=None,
              limit_overrides_context: typing.Optional[str] = None, slug: typing.Optional[str] = None, extra_files=None) -> None:
    """Runs code in a jail with these variables; what json_safe keeps of its own comes back into the same dictionary.

    python_path: paths of directories and archives, from which it imports, too; a name that is in extra_files is of a file there.
    The rest is as for jail_code. SafeExecException when the code fails, and nothing comes back then.
    """
    if ALWAYS_BE_UNSAFE:
        not_safe_exec(code, globals_dict, files=files, python_path=python_path, limit_overrides_context=limit_overrides_context,
                      slug=slug, extra_files=extra_files)
        return
    if not jail_code.is_configured("python"):
        raise RuntimeError("safe_exec has not been configured for Python")
    run("python", code, globals_dict, files, python_path, limit_overrides_context, slug, extra_files)


def run(command: str, code: str, globals_dict: typing.Dict[str, typing.Any], files, python_path, context: typing.Optional[str],
        slug: typing.Optional[str], extra_files) -> None:
    """safe_exec with any command that is a Python."""
    extra_files = list(extra_files or ())
    names = {name for name, _ in extra_files}
    paths = list(python_path or ())
    tree = jail_code.gather([*(files or ()), *(path for path in paths if os.path.basename(path) not in names)], extra_files)
    variables = json_safe(globals_dict)
    told = {"code": code, "variables": json.dumps(variables) if variables else "",
            "python_path": [os.path.basename(path) for path in paths]}
    if LOG_ALL_CODE:
        log.debug("Exec: %s", code)
        log.debug("Variables: %r", variables)
    outcome = jail_code.execute(command, tree, told, b"", context, slug)
    if LOG_ALL_CODE:
        log.debug("Status: %s", outcome.status)
        log.debug("Stdout: %s", outcome.stdout)
        log.debug("Stderr: %s", outcome.stderr)
    if outcome.status != 0:
        raise SafeExecException("Couldn't execute jailed code: stdout: %r, stderr: %r with status code: %s"
                                % (outcome.stdout, outcome.stderr, outcome.status))
    globals_dict.update(_variables(outcome))


def _variables(outcome) -> typing.Dict[str, typing.Any]:
    """The code may have ended by itself, or have put something of its own in the place of its variables."""
    try:
        told = outcome.answer if isinstance(outcome.answer, dict) else json.loads(outcome.answer or "")
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise SafeExecException("Couldn't execute jailed code: it ended without its variables: stdout: %r, stderr: %r "
                                "with status code: 0" % (outcome.stdout, outcome.stderr))
    return told


def not_safe_exec(code: str, globals_dict: typing.Dict[str, typing.Any], files=None, python_path=None,
                  limit_overrides_context: typing.Optional[str] = None, slug: typing.Optional[str] = None,
                  extra_files=None) -> None:
    """The same in this very process, without any jail or limit, for finding mistakes. Not for threads: it changes directory."""
    log.warning("DANGER: Executing code with `not_safe_exec` for %s", slug)
    variables = json_safe(globals_dict)
    extra_files = list(extra_files or ())
    paths = [os.path.abspath(path) for path in python_path or () if os.path.exists(path)]
    paths += [path for path in python_path or () if not os.path.exists(path)]
    tree = jail_code.gather(files, extra_files)
    before = list(sys.path)
    with temp_directory() as directory, change_directory(directory):
        for name in tree.directories:
            os.makedirs(name, exist_ok=True)
        tree.settle()
        for name, data in tree.files.items():
            with open(name, "wb") as file:
                file.write(data)
        try:
            sys.path += paths
            exec(code, variables)
        except Exception as error:
            raise SafeExecException("%s: %s" % (type(error).__name__, error)) from error
        finally:
            sys.path[:] = before
    globals_dict.update(json_safe(variables))
