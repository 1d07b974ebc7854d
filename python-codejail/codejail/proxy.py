"""A helper process that makes the jails, for programs that want to start no others.

Its own file because it is a second way to the same engine, used where the limit PROXY or the environment's CODEJAIL_PROXY is 1.
Changes when: what goes in or comes out of a run does.

Belljar starts jails by forking a small process of its own, so a program that has grown large does not need a helper; it has one
when it asks. One run at a time goes through it. What comes back was made by the helper, with what the jail wrote as bytes in it.
"""

import logging
import os
import pickle
import subprocess
import sys
import threading
import typing

from . import _engine
from .exceptions import JailError

log = logging.getLogger("codejail")

PROXY_PROCESS: typing.Optional["subprocess.Popen[bytes]"] = None
TRIES = 3
_lock = threading.Lock()
_not_ours: typing.List[typing.Any] = []


def _forget() -> None:
    """In a child: the helper is its parent's."""
    global PROXY_PROCESS, _lock
    _lock = threading.Lock()
    _not_ours.append(PROXY_PROCESS)
    PROXY_PROCESS = None


os.register_at_fork(after_in_child=_forget)


def get_proxy() -> "subprocess.Popen[bytes]":
    """The helper, started if there is none that lives."""
    global PROXY_PROCESS
    if PROXY_PROCESS is not None and PROXY_PROCESS.poll() is not None:
        log.info("CodeJail proxy process (pid %d) ended with status code %d", PROXY_PROCESS.pid, PROXY_PROCESS.returncode)
        _let_go(PROXY_PROCESS)
    if PROXY_PROCESS is None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
        PROXY_PROCESS = subprocess.Popen([sys.executable, "-u", "-m", "codejail.proxy_main", str(log.getEffectiveLevel())],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    return PROXY_PROCESS


def _let_go(process) -> None:
    global PROXY_PROCESS
    PROXY_PROCESS = None
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        try:
            pipe.close()
        except OSError:
            pass  # it has something left that nobody reads


def _ask(job: _engine.Job) -> typing.Tuple[bool, typing.Any]:
    process = get_proxy()
    try:
        pickle.dump(tuple(job), process.stdin)
        process.stdin.flush()
        return pickle.load(process.stdout)
    except BaseException:
        _let_go(process)  # an answer that comes late would be taken for the next one
        raise


def run(job: _engine.Job) -> _engine.Outcome:
    """As _engine.run, by the helper. One that has died is started again."""
    with _lock:
        for left in reversed(range(TRIES)):
            try:
                done, what = _ask(job)
                break
            except (OSError, EOFError, pickle.UnpicklingError) as error:
                log.exception("Proxy process failed")
                if left == 0:
                    raise JailError("Proxy process died unexpectedly!") from error
    if not done:
        raise JailError(what)
    return _engine.Outcome(*what)


def run_subprocess_through_proxy(*args, **kwargs):
    """Of CodeJail's inside: it ran any program without a jail, and does not exist here."""
    raise JailError("programs are run with jail_code.jail_code, each in a jail")
