"""Running code of a configured command in a jail, and the limits for it.

Its own file because its names are CodeJail's, and its dictionaries (COMMANDS, LIMITS, LIMIT_OVERRIDES) are read and replaced by
programs.
Changes when: what can be configured does.
"""

import logging
import os
import sys
import typing

from . import _engine, proxy
from ._tree import Tree
from .exceptions import JailError
from .limits import both

log = logging.getLogger("codejail")

COMMANDS: typing.Dict[str, typing.Dict[str, typing.Any]] = {}

DEFAULT_LIMITS: typing.Dict[str, typing.Any] = {
    "CPU": 1,  # seconds of all processes
    "REALTIME": 1,  # seconds
    "VMEM": 0,  # bytes of address space of one process
    "FSIZE": 0,  # bytes of one file; 0: nothing can be written
    "NPROC": 15,  # processes and threads of one run
    "PROXY": None,  # 1: jails are made by a helper process; None: the environment's CODEJAIL_PROXY says it
}
LIMITS = DEFAULT_LIMITS.copy()
LIMIT_OVERRIDES: typing.Dict[str, typing.Dict[str, typing.Any]] = {}


class JailResult:
    """stdout, stderr: bytes. status: the exit code, or the number of the signal that ended it, negative."""

    def __init__(self, stdout: typing.Optional[bytes] = None, stderr: typing.Optional[bytes] = None,
                 status: typing.Optional[int] = None) -> None:
        self.stdout, self.stderr, self.status = stdout, stderr, status


def configure(command: str, bin_path: str, user: typing.Optional[str] = None, lang=None) -> None:
    """A name for a program. "python" is Debian's own, or that of a virtual environment made with it; a path that does not exist is
    found out when it is run. user is kept and not used: a jail has ids of its own."""
    arguments = list(lang.argv) if lang else ["-E", "-B"] if command == "python" else []
    COMMANDS[command] = {"cmdline_start": [bin_path, *arguments], "user": user}
    if lang:
        COMMANDS[command]["lang"] = lang


def is_configured(command: str) -> bool:
    """Whether the name is known."""
    return command in COMMANDS


def is_python(command: str) -> bool:
    """Whether it is Python code that a command runs."""
    lang = COMMANDS[command].get("lang")
    return lang.name.startswith("python") if lang else command == "python"


def set_limit(limit_name: str, value: typing.Any) -> None:
    """For all runs to come. 0 is no limit, but for FSIZE."""
    LIMITS[limit_name] = value


def override_limit(limit_name: str, value: typing.Any, limit_overrides_context: str) -> None:
    """For all runs to come with this context. PROXY is of the process, and cannot be overridden."""
    if limit_name == "PROXY" and value != LIMITS["PROXY"]:
        log.error("Tried to override value of PROXY to %s. It is the same in all contexts, and stays %s.", value, LIMITS["PROXY"])
        return
    LIMIT_OVERRIDES.setdefault(limit_overrides_context, {})[limit_name] = value


def get_effective_limits(overrides_context: typing.Optional[str] = None) -> typing.Dict[str, typing.Any]:
    """The limits of a context, or those of all."""
    return {**LIMITS, **(LIMIT_OVERRIDES.get(overrides_context, {}) if overrides_context else {})}


def jail_code(command: str, code: typing.Optional[str] = None, files=None, extra_files=None, argv=None,
              stdin: typing.Optional[str] = None, limit_overrides_context: typing.Optional[str] = None,
              slug: typing.Optional[str] = None) -> JailResult:
    """Runs code in a jail, and waits for its end.

    code: text, which is the file jailed_code in the jail. Without it argv begins with one of the files. files: paths of the host,
    copied under their own names. extra_files: pairs of a name and bytes. stdin: text. slug: a word for the log.
    """
    if not is_configured(command):
        raise JailError("jail_code needs to be configured for %r" % command)
    words = list(argv or ())
    tree = gather(files, extra_files)
    if code:
        tree.add_bytes("jailed_code", code.encode("utf-8"))
        words.insert(0, "jailed_code")
    outcome = execute(command, tree, {"argv": words}, (stdin or "").encode("utf-8"), limit_overrides_context, slug)
    return JailResult(outcome.stdout, outcome.stderr, outcome.status)


def gather(files, extra_files) -> Tree:
    """What a run brings along."""
    tree = Tree()
    for path in files or ():
        tree.add_path(path)
    for name, data in extra_files or ():
        tree.add_bytes(name, data)
    return tree


def execute(command: str, tree: Tree, told: typing.Dict[str, typing.Any], stdin: bytes, context: typing.Optional[str],
            slug: typing.Optional[str]) -> _engine.Outcome:
    """Runs what is told of, with the limits of the context, and writes the log."""
    limits = get_effective_limits(context)
    if slug:
        log.info("Preparing to execute jailed code %r (overrides context = %r, resource limits = %r).", slug, context, limits)
    tree.settle()
    lowered, around = both(tuple(limits.items()), tree.size())
    told = {"directories": sorted(tree.directories), "closed": tree.closed, "rlimits": lowered, **told}
    words, start = told.get("argv", ()), COMMANDS[command]["cmdline_start"]
    as_python = is_python(command) and (not words or not words[0].startswith("-"))
    job = _engine.Job(python=_engine.python_of(start[0]) if as_python else None, command=[*start, *words], told=told,
                      files=tree.files, stdin=stdin, limits=around)
    if not as_python:
        job = job._replace(limits={**job.limits, **_of_program(limits)})
    outcome = (proxy.run if uses_proxy(limits) else _engine.run)(job)
    if slug:
        log.info("Executed jailed code %s in %s, with PID %s", slug, _engine.PLACE, outcome.pid)
    if outcome.stopped == "wall":
        log.warning("Killing process %r (group %r), ran too long: %.1fs", outcome.pid, outcome.pid, outcome.seconds)
    if outcome.cut:
        log.warning("Output of jailed code %s was longer than is kept, and was cut", slug or "")
    return outcome


def _of_program(limits: typing.Dict[str, typing.Any]) -> typing.Dict[str, typing.Any]:
    """What is lowered inside for Python is set from outside for other programs."""
    return {"file_bytes": limits["FSIZE"] or 0, **({"address_space_bytes": limits["VMEM"]} if limits["VMEM"] else {})}


def uses_proxy(limits: typing.Mapping[str, typing.Any]) -> bool:
    """Whether a helper process makes the jails."""
    wanted = limits["PROXY"]
    return bool(int(os.environ.get("CODEJAIL_PROXY", "0")) if wanted is None else wanted)


def _configure_beside() -> None:
    """As CodeJail: in a virtual environment, "python" is that of the environment beside it whose name ends in -sandbox."""
    if sys.base_prefix == sys.prefix:
        return
    user, place = os.environ.get("CODEJAIL_TEST_USER"), os.environ.get("CODEJAIL_TEST_VENV")
    if user and place:
        configure("python", place + "/bin/python", user)
    elif os.path.isdir(sys.prefix + "-sandbox"):
        configure("python", sys.prefix + "-sandbox/bin/python", "sandbox")


_configure_beside()
