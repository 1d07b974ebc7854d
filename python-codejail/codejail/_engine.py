"""What is run, as Belljar runs it: Python in parked jails, other programs each in a jail of its own.

Its own file because it is the only one that knows of Belljar, and because a helper process may stand between it and its caller:
what goes in and comes out is made of plain values.
Changes when: Belljar offers something that fits better.
"""

import functools
import json
import os
import pathlib
import shutil
import signal
import tempfile
import typing

import belljar
from belljar._kept import kept, key_of

from .exceptions import JailError
from .inside.codejail_inside import CODE

HERE = os.path.dirname(os.path.abspath(__file__))
PROFILE = os.path.join(HERE, "codejail.json")
PLACE = "/box"  # the working directory in the jail
INSIDE = "/opt/codejail"  # where the jail sees the directory "inside" of this package
NEVER_LEFT_OUT = ("argv", "code")  # of what is told
WARM = ["ast", "codejail_waits"]  # compile() is slow before ast was imported


class Job(typing.NamedTuple):
    """One run. python: the directory of a virtual environment, "" for the distribution's own Python, None for a program.

    command: the program and its arguments. told: for enter of codejail_inside. files: names in the working directory, and their
    bytes. limits: of Belljar.
    """

    python: typing.Optional[str]
    command: typing.List[str]
    told: typing.Dict[str, typing.Any]
    files: typing.Dict[str, bytes]
    stdin: bytes
    limits: typing.Dict[str, typing.Any]


class Outcome(typing.NamedTuple):
    """status: an exit code, or a signal's number, negative. answer: a snippet's variables, or JSON of them. stopped: "wall" or "cpu", if time was
    up; seconds: after how long. pid: of the jail. cut: there was more output than is kept."""

    status: int
    stdout: bytes
    stderr: bytes
    answer: typing.Union[None, str, typing.Dict[str, typing.Any]]
    stopped: typing.Optional[str]
    seconds: float
    pid: int
    cut: bool


def _stdin_of(data: bytes) -> int:
    fd = os.memfd_create("stdin")
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _run_python(job: Job, on_start) -> belljar.Result:
    try:
        return _run_parked(job, on_start)
    except (belljar.SetupError, belljar.StateError, belljar.SystemCallError):
        return _run_parked(job, on_start)  # what makes its jails has died: with another one, nothing has run yet


@functools.lru_cache(64)
def _kept_as(python: typing.Optional[str], limits: typing.Tuple[typing.Tuple[str, typing.Any], ...]):
    """Which of the kept sandboxes it is, and how one is made."""
    options = {"profile": PROFILE, "fill_behind": True, "preload": WARM, "python_path": [INSIDE],
               "mounts": {INSIDE: os.path.join(HERE, "inside")}, "python": python, "limits": dict(limits)}
    return key_of(options), options


def _literal(value: typing.Any) -> str:
    """As JSON holds it, written as Python: subclasses may be written in any way."""
    if type(value) is str and value.isascii() or not value:
        return ascii(value)
    return ascii(json.loads(json.dumps(value)))


def _code(told: typing.Dict[str, typing.Any]) -> str:
    return CODE % ", ".join("%r: %s" % (name, ascii(value) if name == "rlimits" else _literal(value))
                            for name, value in told.items() if value or name in NEVER_LEFT_OUT)


def _run_parked(job: Job, on_start) -> belljar.Result:
    fd = _stdin_of(job.stdin) if job.stdin else -1
    try:
        with kept(*_kept_as(job.python or None, tuple(job.limits.items()))) as jails:
            return jails.execute(_code(job.told), files=job.files or None, stdin_fd=fd, on_start=on_start)
    finally:
        if fd >= 0:
            os.close(fd)


def _program_mounts(program: str) -> typing.Dict[str, str]:
    """A program that is not the distribution's is shown with its directory's parent: bin, and what is beside it."""
    place = os.path.dirname(os.path.dirname(os.path.realpath(program)))
    if place == "/" or place == "/usr" or place.startswith("/usr/"):
        return {}
    return {place: place}


def _run_program(job: Job, on_start) -> belljar.Result:
    with tempfile.TemporaryDirectory(prefix="codejail-") as empty:
        directories = [*job.told["directories"], "tmp"]
        if job.told["closed"]:
            raise JailError("%s is a link that leads out of the files; only Python code can be given one" % job.told["closed"][0])
        files: typing.Dict[str, typing.Any] = {**job.files}
        for path in directories:
            if not any(name.startswith(path + "/") for name in (*job.files, *(other for other in directories if other != path))):
                files[path] = pathlib.Path(empty)
        return belljar.run(job.command, profile=PROFILE, files=files, stdin=job.stdin, mounts=_program_mounts(job.command[0]),
                           limits=job.limits, on_start=on_start)


def _status(result: belljar.Result) -> int:
    if result.status == "time_limit":
        return -signal.SIGXCPU if result.limit == "cpu" else -signal.SIGKILL
    if result.signal:
        return -getattr(signal, result.signal, signal.SIGKILL)
    if result.status == "exception":
        return 1
    return -signal.SIGKILL if result.exit_code is None else result.exit_code


def run(job: Job, told_pid: typing.Optional[typing.Callable[[int], None]] = None) -> Outcome:
    """Runs it to its end. JailError where no jail can be had for it; told_pid is called when it has begun."""
    pids: typing.List[int] = []

    def on_start(pid: int) -> None:
        pids.append(pid)
        if told_pid:
            told_pid(pid)

    try:
        result = _run_program(job, on_start) if job.python is None else _run_python(job, on_start)
    except belljar.BelljarError as error:
        raise JailError("the jail cannot be had: %s" % error) from error
    if result.status in ("jail_error", "cancelled"):
        raise JailError("the jail cannot be had: %s" % result.summary())
    stderr = result.stderr
    if result.exception:
        stderr += result.exception.traceback.encode("utf-8", "surrogatepass")
    answer = (result.globals or {}).get("__codejail__")
    if not isinstance(answer, (str, dict)):
        answer = None
    late = result.status == "time_limit"
    wrote = bool(result.stdout or result.stderr)  # what is asked of a result besides, it has to read
    return Outcome(_status(result), result.stdout, stderr, answer, result.limit if late else None,
                   result.usage.wall_seconds if late else 0.0, pids[0],
                   wrote and (result.stdout_truncated or result.stderr_truncated))


def python_of(bin_path: str) -> str:
    """Which Python a configured path stands for: a virtual environment's directory, or "" for the distribution's own."""
    return _python_at(bin_path) if os.path.isabs(bin_path) else _look_for_python(bin_path)


def _look_for_python(bin_path: str) -> str:
    place = os.path.dirname(os.path.dirname(os.path.abspath(bin_path)))
    if os.path.isfile(os.path.join(place, "pyvenv.cfg")):
        return place
    found = shutil.which(bin_path)
    if found and os.path.realpath(found).startswith("/usr/bin/python3"):
        return ""
    raise JailError("%r is neither /usr/bin/python3 nor in a virtual environment made with it; give one of those" % bin_path)


_python_at = functools.lru_cache(64)(_look_for_python)  # what was found stays; what was not is looked for again
