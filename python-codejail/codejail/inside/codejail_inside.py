"""What is in the jail before the code: it makes the place as the code expects it, runs it, and hands its variables back.

Its own file because the jails import it, before they wait: it needs nothing but the standard library of the Python that they have.
Changes when: code should find something else, or be told of in another way.
"""

import json
import os
import resource
import sys
import types

OURS = os.path.dirname(__file__)
CODE = "from codejail_inside import enter\n__codejail__ = enter({%s})\n"  # what is run, with what enter is told
state = {"entered": False}  # whether the run has begun
LARGEST = 1 << 64  # of numbers that JSON holds without a question: those with thousands of digits are refused


def json_safe(d):
    """The part of a dictionary that JSON can hold, as it is after a way through JSON.

    Bytes become text, tuples lists, keys text. What cannot be told is left out with its key, and nothing is raised.
    """
    kept = {}
    for key, value in d.items():
        if type(key) is str and key.isascii() and key != "__builtins__" and _stays(value):
            kept[key] = value
            continue
        if not isinstance(value, (type(None), int, float, bytes, str, list, tuple, dict)) or key == "__builtins__":
            continue
        try:
            pair = json.loads(json.dumps({_text(key): _plain(value)}))
        except Exception:  # of objects of the code's own, too
            continue
        kept.update(pair)
    return kept


def _stays(value):
    """It is after a way through JSON what it was: not every text is, and not every number."""
    kind = type(value)
    if kind is str:
        return value.isascii()
    if kind is int:
        return -LARGEST <= value <= LARGEST
    return value is None or kind is float or kind is bool


def _text(key):
    return key.decode("utf-8") if isinstance(key, bytes) else key


def _plain(value):
    """Without comprehensions, which are calls of their own up to Python 3.11: as deep as CodeJail's."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, (list, tuple)):
        items = []
        for item in value:
            items.append(_plain(item))
        return items
    if isinstance(value, dict):
        members = {}
        for key, item in value.items():
            members[_text(key)] = _plain(item)
        return members
    return value


class Nowhere:
    """A standard output that keeps nothing."""

    def write(self, *args, **kwargs):
        """As if it were written."""

    def flush(self, *args, **kwargs):
        """Nothing is waiting."""


nowhere = Nowhere()


def prepare(told):
    """The working directory as CodeJail had it: nothing in it can be changed but what is in tmp. The limits are lowered last: the
    files were written before."""
    sys.path.remove(OURS)
    for path in told.get("directories", ()):
        os.makedirs(path, exist_ok=True)
    for path in told.get("closed", ()):
        os.chmod(path, 0)
    os.chmod(".", 0o555)
    for name, value in told.get("rlimits", ()):
        resource.setrlimit(getattr(resource, name), (value, value))


def shown(error):
    """An exception's traceback on standard error, without what is ours of it. The exit code."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    error = error.with_traceback(trace)
    if not isinstance(error, SystemExit):
        sys.excepthook(type(error), error, trace)
        return 1
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 255
    print(error.code, file=sys.stderr)
    return 1


def program(argv):
    """Runs a file as the interpreter runs a script. Its exit code."""
    try:
        with open(argv[0], "rb") as file:
            source = file.read()
    except OSError as error:
        print("%s: can't open file %r: [Errno %d] %s" % (sys.executable, argv[0], error.errno, error.strerror), file=sys.stderr)
        return 2
    sys.argv[:] = argv
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__file__ = argv[0]
    module.__builtins__ = sys.modules["builtins"]
    try:
        exec(compile(source, argv[0], "exec", dont_inherit=True), module.__dict__)
    except BaseException as error:
        return shown(error)
    return 0


def snippet(told):
    """Runs code with variables. The exit code, and what of them can be told afterwards: as they are, or as a text of JSON."""
    sys.stdout = nowhere
    sys.path += told.get("python_path", ())
    variables = json.loads(told["variables"]) if "variables" in told else {}
    try:
        exec(told["code"], variables)
    except BaseException as error:
        return shown(error), None
    kept = json_safe(variables)
    return 0, kept if all(map(_stays, kept.values())) else json.dumps(kept)


def enter(told):
    """told: by the caller, as far as it is not empty. What it is told of a snippet; a program tells nothing."""
    state["entered"] = True
    prepare(told)
    answer = None
    if "argv" in told:
        status = program(told["argv"])
    else:
        status, answer = snippet(told)
    if status:
        raise SystemExit(status)
    return answer
