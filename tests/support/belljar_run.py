"""Starts the command and gives back what it said, as an object.

Its own file because the end-to-end tests and the abuse harness must start it alike.
Changes when: the command line's contract does.
"""
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STATUSES = ("ok", "exit", "exception", "signal", "time_limit", "memory_limit", "process_limit", "output_limit",
            "disk_limit", "denied", "cancelled", "jail_error")


def find_belljar():
    """$BELLJAR, else the newest build below build*/, else None."""
    named = os.environ.get("BELLJAR")
    if named:
        return os.path.abspath(named) if os.path.isfile(named) else None
    found = []
    for folder in sorted(os.listdir(ROOT)):
        if folder.startswith("build"):
            for inside in ("src/cli/belljar", "belljar"):
                path = os.path.join(ROOT, folder, inside)
                if os.path.isfile(path) and os.access(path, os.X_OK):
                    found.append(path)
    return max(found, key=os.path.getmtime) if found else None


def reachable_copy(belljar, directory):
    """A copy that every user can run (the tree may stand in a private directory)."""
    os.makedirs(directory, mode=0o755, exist_ok=True)
    os.chmod(directory, 0o755)
    path = os.path.join(directory, "belljar")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(belljar):
        shutil.copyfile(belljar, path)
        os.chmod(path, 0o755)
    return path


def make_validator():
    """Of schema/result.schema.json; None where jsonschema is not installed (the abuse harness runs without)."""
    try:
        import jsonschema
    except ImportError:
        return None
    with open(os.path.join(ROOT, "schema", "result.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def check_schema(result):
    """Every result that any test gets is held against the shipped schema."""
    if "validator" not in check_schema.__dict__:
        check_schema.validator = make_validator()
    if check_schema.validator:
        errors = [error.message for error in check_schema.validator.iter_errors(result)]
        assert not errors, (errors, result)


# What a program that was built with AddressSanitizer says in a jail without /proc, and of stacks that it did not make. A report of
# an error is none of these, and stays.
SANITIZER_EXCUSES = re.compile(r"(==\d+==WARNING: (reading executable name failed|ASan is ignoring requested __asan_handle_no_return).*"
                               r"|False positive error reports may follow|For details see https://github\.com/google/sanitizers/.*)\n")


class Result:
    """The result object of a run, and how the command itself ended."""

    def __init__(self, argv, returncode, out, err, seconds):
        self.argv, self.returncode, self.out, self.seconds = argv, returncode, out, seconds
        self.err = re.sub(SANITIZER_EXCUSES.pattern.encode(), b"", err)
        self.json = None
        try:
            # Strict: valid UTF-8, exactly one object and nothing else, no name twice.
            self.json = json.loads(out.decode("utf-8"), object_pairs_hook=no_duplicates)
        except ValueError:
            pass
        if not isinstance(self.json, dict):
            self.json = None
        elif isinstance(self.json.get("stderr"), str):
            self.json["stderr"] = SANITIZER_EXCUSES.sub("", self.json["stderr"])
        if self.json is not None and "status" in self.json:
            check_schema(self.json)

    def __getattr__(self, name):
        if name.startswith("_") or self.__dict__.get("json") is None:
            raise AttributeError("no result object (%s): %s" % (name, self.describe()))
        if name not in self.json:
            raise AttributeError("no %r in the result: %s" % (name, self.describe()))
        return self.json[name]

    @property
    def message(self):
        return self.err.decode("utf-8", "replace")

    def bytes(self, stream="stdout"):
        """The output's own bytes."""
        encoded = self.json.get(stream + "_base64")
        if encoded is not None:
            return base64.b64decode(encoded, validate=True)
        return self.json[stream].encode("utf-8")

    def lines(self):
        """stdout's "name=value" lines."""
        pairs = (line.partition("=") for line in self.stdout.splitlines() if "=" in line)
        return {name: value for name, _, value in pairs}

    def denial(self, what):
        """How often something was refused, 0 for never."""
        return sum(d["count"] for d in self.denials if d["what"] == what)

    def file(self, path):
        for entry in self.files:
            if entry["path"] == path:
                return entry
        raise AssertionError("%r was not collected: %s" % (path, self.describe()))

    def describe(self):
        text = self.out.decode("utf-8", "replace")
        return "exit %s after %.2f s\n  %s\n  stdout: %.3000s\n  stderr: %.2000s" % (
            self.returncode, self.seconds, " ".join(map(str, self.argv))[:600], text, self.message)

    __repr__ = describe


def no_duplicates(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a name stands twice in one object")
    return dict(pairs)


def file_bytes(entry):
    """Bytes of one entry of "files", or None when it was refused."""
    return base64.b64decode(entry["base64"], validate=True) if entry.get("base64") is not None else None


def run(belljar, options, command, *, stdin=None, as_json=True, env=None, pass_fds=(), prefix=(), timeout=60, cwd=None):
    """Runs `belljar run OPTIONS -- COMMAND`. stdin: bytes (sent through a pipe), a file object, or None (/dev/null)."""
    argv = [*prefix, belljar, "run", *(["--json"] if as_json else []), *map(str, options), "--", *command]
    return run_argv(argv, stdin=stdin, env=env, pass_fds=pass_fds, timeout=timeout, cwd=cwd)


def run_argv(argv, *, stdin=None, env=None, pass_fds=(), timeout=60, cwd=None):
    """The same for any command line. Output goes to files, so that what remains of a run cannot hold this process."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        feed = subprocess.DEVNULL if stdin is None else subprocess.PIPE if isinstance(stdin, bytes) else stdin
        began = time.monotonic()
        child = subprocess.Popen([*map(os.fspath, argv)], stdin=feed, stdout=out, stderr=err, env=env, cwd=cwd,
                                 pass_fds=pass_fds)
        try:
            if isinstance(stdin, bytes):
                feed_all(child, stdin, began + timeout)
            child.wait(max(0.1, began + timeout - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise AssertionError("did not end within %s s: %s" % (timeout, " ".join(map(str, argv))[:600])) from None
        finally:
            if child.stdin:
                child.stdin.close()
        seconds = time.monotonic() - began
        out.seek(0)
        err.seek(0)
        return Result(argv, child.returncode, out.read(), err.read(), seconds)


def feed_all(child, data, deadline):
    """Writes without ever waiting for a reader that is gone or stuck."""
    os.set_blocking(child.stdin.fileno(), False)
    view = memoryview(data)
    while view and child.poll() is None:
        if time.monotonic() > deadline:
            raise subprocess.TimeoutExpired(child.args, 0)
        try:
            view = view[os.write(child.stdin.fileno(), view[:65536]):]
        except BlockingIOError:
            time.sleep(0.002)
        except BrokenPipeError:
            break
    try:
        child.stdin.close()
    except OSError:
        pass


def setpriv(uid, gid=None):
    """Prefix of a command line that runs the rest as an ordinary user."""
    gid = uid if gid is None else gid
    return ["setpriv", "--reuid", str(uid), "--regid", str(gid), "--clear-groups"]


def can_unshare(prefix=()):
    """Gives this host user namespaces to whoever the prefix makes one?"""
    return subprocess.run([*prefix, "unshare", "-Ur", "true"], capture_output=True, check=False).returncode == 0


def ordinary_user():
    """(uid, gid) for tests as somebody else: $BELLJAR_TEST_UID, a user `bjtest`, else one that nobody has."""
    import pwd
    named = os.environ.get("BELLJAR_TEST_UID")
    if named:
        return int(named), int(named)
    for name in ("bjtest", "nobody"):
        try:
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
        except KeyError:
            continue
    return 60777, 60777


def is_root():
    """Root who may become an ordinary user. Root of a namespace that maps nobody else (`unshare -Ur`) is none."""
    if os.geteuid() != 0:
        return False
    uid = ordinary_user()[0]
    with open("/proc/self/uid_map", encoding="ascii") as file:
        ranges = [[int(word) for word in line.split()] for line in file]
    return any(first <= uid < first + count for first, _, count in ranges)


if __name__ == "__main__":
    print(find_belljar() or sys.exit("no belljar: build it, or set BELLJAR"))
