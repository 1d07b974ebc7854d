"""What came of a run, in the words of belljar-result(5).

Its own file because it is data, and needs nothing of the library.
Changes when: a result tells something more.
"""

import base64
import dataclasses
import json
import typing

from ._errors import RunError

CORE = "_core"  # the library's result, in a Result that has not been read to its end
LARGE = 1 << 20  # bytes of output that are not kept twice for that


@dataclasses.dataclass(frozen=True)
class Usage:
    """wall_seconds, cpu_seconds: of all processes; memory_peak_bytes: by memory_source; None: it was not counted."""

    wall_seconds: float
    cpu_seconds: typing.Optional[float]
    memory_peak_bytes: typing.Optional[int]
    memory_source: str
    processes_peak: typing.Optional[int]


@dataclasses.dataclass(frozen=True)
class Denial:
    """One thing that the guest was refused: by which layer, how often, and which feature of the policy would allow it."""

    layer: str
    what: str
    count: int
    feature: typing.Optional[str] = None


@dataclasses.dataclass(frozen=True)
class ExceptionInfo:
    """The Python exception that ended a snippet. Three texts, the guest's own word."""

    type: str
    message: str
    traceback: str


@dataclasses.dataclass(frozen=True)
class File:
    """One collected file. data is None where it was not collected; error says why."""

    path: str
    data: typing.Optional[bytes]
    error: typing.Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Result:
    """How a run ended, and what it left. The names are those of belljar-result(5).

    status: "ok", "exit", "exception", "signal", "time_limit", "memory_limit", "process_limit", "output_limit", "disk_limit",
    "denied", "cancelled" or "jail_error". stdout, stderr: bytes, at most limits.output_bytes of them. value, globals, exception: what
    a snippet of Python told; they are the guest's own word. exit_status: what a command that stands for the run should exit with.
    """

    status: str
    limit: typing.Optional[str]
    exit_code: typing.Optional[int]
    signal: typing.Optional[str]
    error: typing.Optional[str]
    stdout: bytes
    stderr: bytes
    stdout_truncated: bool
    stderr_truncated: bool
    value: typing.Any
    globals: typing.Optional[typing.Dict[str, typing.Any]]
    exception: typing.Optional[ExceptionInfo]
    policy: typing.Optional[typing.Dict[str, typing.Any]]
    trace: typing.Optional[typing.Dict[str, typing.Any]]
    files: typing.Tuple[File, ...]
    usage: Usage
    denials: typing.Tuple[Denial, ...]
    layers: typing.Dict[str, str]
    exit_status: int = 0

    def __getattr__(self, name):
        """Called for a field that was not read yet, and for what there is not."""
        if name not in FIELDS:
            raise AttributeError("%r object has no attribute %r" % (type(self).__name__, name))
        _read_all(self.__dict__)
        return self.__dict__[name]

    def __getstate__(self):
        _read_all(self.__dict__)
        return self.__dict__

    @property
    def ok(self) -> bool:
        """The program ran to its end, with exit code 0 and no exception."""
        return self.status == "ok"

    @property
    def text(self) -> str:
        """stdout as text; bytes that are no UTF-8 are shown as U+FFFD."""
        return self.stdout.decode("utf-8", "replace")

    def check(self) -> "Result":
        """Itself, or RunError when it is not ok."""
        if not self.ok:
            raise RunError(self)
        return self

    def file(self, path: str) -> bytes:
        """A collected file's bytes. KeyError when it is not among them, or was not collected."""
        for file in self.files:
            if file.path == path and file.data is not None:
                return file.data
        raise KeyError(path)

    def summary(self) -> str:
        """One line: how it ended, and why."""
        raised = "%s: %s" % (self.exception.type, self.exception.message) if self.exception else None
        if self.status == "exception" and raised:
            return raised
        error = raised or self.error
        how = {"exit": "exit code %s" % self.exit_code, "signal": "ended by %s" % self.signal,
               "time_limit": "%s time limit" % self.limit,
               "process_limit": "process limit (limits.processes)"}.get(self.status, self.status.replace("_", " "))
        return "%s: %s" % (how, error) if error else how

    def _repr_mimebundle_(self, include=None, exclude=None):
        """A notebook shows what was written, and the first picture that was collected."""
        bundle = {"text/plain": (self.text + (self.stderr.decode("utf-8", "replace"))).rstrip("\n") or self.summary()}
        if not self.ok:
            bundle["text/plain"] = (bundle["text/plain"] + "\n[" + self.summary() + "]").lstrip("\n")
        for file in self.files:
            kind = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg"}.get(file.path.rpartition(".")[2].lower())
            if kind and file.data is not None:
                bundle.setdefault(kind, base64.b64encode(file.data).decode())
        return bundle


FIELDS = frozenset(field.name for field in dataclasses.fields(Result))


def from_core(core) -> Result:
    """Of the library's result. What is large besides, or seldom asked for, is read from it when it is."""
    status, limit, exit_code, signal, exit_status = core.figures()
    value, variables, exception = core.told()
    result = object.__new__(Result)
    known = result.__dict__
    known.update(status=status, limit=limit, exit_code=None if exit_code < 0 else exit_code, stdout=core.output(1),
                 stderr=core.output(2), value=value and json.loads(value), globals=variables and json.loads(variables),
                 exception=exception and ExceptionInfo(**json.loads(exception)), exit_status=exit_status)
    if not signal:
        known["signal"] = None
    known[CORE] = core
    if len(result.stdout) + len(result.stderr) > LARGE:
        _read_all(known)
    return result


def _read_all(known) -> None:
    """The fields that are not there yet. Several threads may come to it: they read the same."""
    core = known.get(CORE)
    if core is None:
        return
    told = json.loads(core.json())
    usage = told["usage"]
    known.update(
        signal=told["signal"], error=told["error"], stdout_truncated=told["stdout_truncated"], stderr_truncated=told["stderr_truncated"],
        policy=told["policy"], trace=told["trace"], files=tuple(_file(file) for file in told["files"]),
        usage=Usage(usage["wall_seconds"], usage["cpu_seconds"], usage["memory_peak_bytes"], usage["memory_source"],
                    usage["processes_peak"]),
        denials=tuple(Denial(**denial) for denial in told["denials"]), layers=told["layers"])
    known.pop(CORE, None)


def _file(told) -> File:
    data = base64.b64decode(told["base64"]) if "base64" in told else None
    return File(told["path"], data, told.get("error"))
