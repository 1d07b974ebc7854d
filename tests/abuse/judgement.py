"""What the output of a hostile program says of its containment: the verdict in the corpus's words, and lines that say it got out.

Its own file because a judge that cannot find anybody guilty is tried by tests of its own (test_judgement.py).
Changes when: the corpus has another word for an end, or a policy that is off lets a program say something new of its own inside.
"""
import re
import signal

import belljar_run

MARK = b"ESCAPED: "
# What a limit of the corpus is called in a verdict.
BY_SIGNAL = {signal.SIGXCPU: "killed:cpu", signal.SIGXFSZ: "killed:fsize", signal.SIGSYS: "killed:syscall"}
BY_STATUS = {"memory_limit": "killed:memory", "process_limit": "killed:procs", "output_limit": "killed:output",
             "disk_limit": "killed:disk"}

# What a program of python/ may say without the policy that it was written against, in the whole line: why it is no escape, and the
# cases with their words. Every other line is one: a file's content, a variable of the host, a limit that did not hold. Numbers of
# processes are those of the jail, small ones: a host's would be an escape.
PID = r"[2-9]"
INSIDE = {
    "modules are reached that the interpreter has anyway; the process that they tell of is the jail's": {
        "py-attr-descriptor-get": r"a member descriptor gave __globals__, pid " + PID,
        "py-attr-getattr-joined-name": r"getattr with built names, pid " + PID,
        "py-attr-operator-attrgetter": r"operator\.attrgetter, pid " + PID,
        "py-attr-super-getattribute": r"super\(\)\.__getattribute__, pid " + PID,
        "py-attr-vars-type-dict": r"vars\(type\), pid " + PID,
        "py-attr-weakref-proxy": r"globals through a weak proxy, pid " + PID,
        "py-deputy-ctypes-pythonapi": r"libc through ctypes, pid " + PID,
        "py-deputy-help-imports": r"pydoc imported posix, pid " + PID,
        "py-deputy-pickle-global": r"pickle called posix\.getpid: " + PID,
        "py-fmt-string-formatter-get-field": r"string\.Formatter as getattr, pid " + PID,
        "py-guard-builtins-rebind": r"globals\(\) gave __builtins__, pid " + PID,
        "py-guard-eval-builtin": r"exec with a fresh dict, pid " + PID,
        "py-guard-import-direct": r"imported \['os', 'subprocess', 'socket', 'importlib'\]",
        "py-guard-importlib-machinery": r"importlib made a second posix, pid " + PID,
        "py-guard-private-c-modules": r"private modules gave \[%s, <class '_socket\.socket'>, <built-in function create_dynamic>, "
                                      r"<built-in function fork_exec>\]" % PID,
        "py-guard-sys-modules": r"sys\.modules has os, pid " + PID,
        "py-guard-unicode-identifiers": r"normalised identifiers, pid " + PID,
        "py-walk-allowed-module-loader": r"posix through math's loader, pid " + PID,
        "py-walk-bound-method-func": r"globals of a bound method's function, pid " + PID,
        "py-walk-class-object-mro": r"class graph through type\.mro and vars, pid " + PID,
        "py-walk-function-builtins-attr": r"__import__ from a lambda's __builtins__, pid " + PID,
        "py-walk-os-path-os": r"os through os\.path, pid " + PID,
        "py-walk-own-function-globals": r"(__import__|builtins module) out of my globals, pid " + PID,
        "py-walk-random-private-os": r"os through random\._os, pid " + PID,
        "py-walk-reduce-ex-copyreg": r"copyreg's globals through __reduce_ex__, pid " + PID,
        "py-walk-site-exit-globals": r"sys through exit's globals, pid " + PID,
        "py-walk-statistics-sys": r"sys through [0-9] allowed modules, pid " + PID,
        "py-walk-subclasses-importer": r"loaded posix through object's subclasses, pid " + PID,
        "py-walk-wrap-close-globals": r"the os module's own globals, getpid = " + PID,
    },
    "frames are those of the jail's one interpreter, which knows nothing of its host's": {
        "py-frame-asyncio-task-stack": r"Task\.get_stack gave a frame, pid " + PID,
        "py-frame-coroutine": r"builtins through cr_frame, pid " + PID,
        "py-frame-exception-traceback": r"outermost frame through a traceback, pid " + PID,
        "py-frame-generator-fback": r"outermost frame through gi_frame, pid " + PID,
        "py-frame-inspect-stack": r"inspect gave a frame, pid " + PID,
        "py-frame-library-traceback": r"json\.decoder's frame globals, pid " + PID,
        "py-frame-sys-getframe": r"sys\._getframe, pid " + PID,
    },
    "a process more is the jail's, which counts and ends it": {
        "py-frame-asyncio-loop": r"a process through the event loop, pid " + PID,
    },
    "code, objects and memory are changed or read that are the process's own; in a parked jail it has them for this run alone": {
        "py-attr-store-targets": r"a for target replaced a function's code",
        "py-attr-type-three-args": r"FunctionType and CodeType through type\(\), globals of my choice <class 'code'>",
        "py-bc-code-replace-names": r"edited code read <class '__main__\.Box'>",
        "py-bc-marshal-code": r"unmarshalled code read <class 'int'>",
        "py-bc-out-of-range-const": r"a constant from outside the tuple came back",
        "py-frame-generator-code-swap": r"gi_code rewritten to read <class '__main__\.Box'>",
        "py-guard-except-star-split": r"except\* accepted a split\(\) that returned a list:.*",
        "py-guard-shadow-as-names": r"wrote an attribute of a shared module",
        "py-guard-shadow-posonly": r"wrote an attribute of a shared module",
        "py-guard-shadow-walrus": r"wrote an attribute of a shared module",
        "py-mem-bytearray-index-reentrant": r"a freed buffer's write changed another object's length to [0-9]+",
        "py-mem-ctypes-peek": r"read interpreter memory",
    },
    "classes and names of the interpreter's own are seen": {
        "py-deputy-reduce-getattr": r"functools\.reduce walked attributes, [0-9]+ subclasses",
        "py-fmt-format-map-globals": r"format_map read a global through a function",
        "py-fmt-str-format-attr": r"str\.format walked attributes: \(<class 'int'>, <class 'object'>\)",
        "py-fmt-unbound-str-format": r"unbound str\.format gave <class 'object'>",
        "py-guard-annotation-expression": r"annotations ran [0-9] expressions, <class 'object'>",
        "py-guard-type-params": r"a lazy type alias gave [0-9]+ subclasses",
    },
    "code ran that a reader of the source may miss; without a policy nobody reads it": {
        "py-deputy-timeit-code": r"timeit ran unchecked source, [0-9]+ classes",
        "py-guard-carriage-return-line": r"code after a carriage return ran, <class 'object'>",
        "py-guard-coding-cookie-unicode-escape": r"code hidden in an escaped comment ran",
        "py-leak-breakpoint-stdin": r"pdb ran a command from stdin",
    },
    "these two are in every jail, closed and empty, whatever its host has": {
        "py-audit-no-event-stat": r"existence oracle through os\.access: \['/etc/passwd', '/root'\]",
    },
}
MAY_SAY = {case: re.compile(words) for cases in INSIDE.values() for case, words in cases.items()}


def verdicts(result):
    """Every word of the corpus that describes this end; a case passes if it accepts one of them."""
    status, limit = result.status, result.limit
    noticed = b"CONTAINED: " in result.bytes("stdout")
    words = []
    if status == "time_limit":
        words.append("killed:" + str(limit))
    elif status in BY_STATUS:
        words.append(BY_STATUS[status])
    elif status == "denied":
        words += ["denied", "killed:syscall"]
    elif status == "signal":
        number = result.signal if isinstance(result.signal, int) else getattr(signal, str(result.signal))
        words += [BY_SIGNAL[number]] if number in BY_SIGNAL else []
        words += ["killed:signal", "error"]
    elif status in ("exit", "exception"):
        words.append("error")
    elif status == "ok":
        words.append("harmless")
    if noticed and result.exit_code is not None:
        words.append("denied")
        words += ["harmless"] if result.exit_code == 0 and "harmless" not in words else []
    elif result.exit_code and "error" not in words:
        words.append("error")
    return words or [status]


def texts(value, name="the result"):
    """Every text of a result with its name, as bytes."""
    if isinstance(value, str):
        yield name, value.encode("utf-8", "surrogatepass")
    elif isinstance(value, list):
        for entry in value:
            yield from texts(entry, name)
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield name, key.encode("utf-8", "surrogatepass")
            yield from texts(entry, key)


def marked_lines(case, result):
    """(place, what stands behind the mark) of each line with it, wherever it came out."""
    places = [(stream, result.bytes(stream)) for stream in ("stdout", "stderr")] + [("the command's stderr", result.err)]
    places += [(name, data) for name, data in texts(result.json) if name not in ("stdout", "stderr")]
    for entry in result.files:
        if entry["path"] != case.name:  # its own source, which quotes the marker
            places.append(("file %r" % entry["path"], belljar_run.file_bytes(entry) or b""))
    return [(place, line[line.index(MARK) + len(MARK):].decode("utf-8", "replace"))
            for place, data in places for line in data.split(b"\n") if MARK in line]


def escapes(case, result):
    """Lines that say that the forbidden thing worked. What python/ forbids is the policy's to forbid: without one it may say what
    stands in INSIDE, the host is out of reach all the same."""
    free = MAY_SAY.get(case.id) if case.kind == "python" and not case.under_policy else None
    return ["%s: %s%.200s" % (place, MARK.decode(), words) for place, words in marked_lines(case, result)
            if not (free and free.fullmatch(words))]
