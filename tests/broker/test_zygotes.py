"""Zygotes that die, stand still or take their time: runs go on.

Its own file because each test makes the broker's own trusted part fail.
Changes when: jails come from somewhere else.
"""

import contextlib
import json
import os
import signal
import time

from wire import fields

PROFILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "profiles")


def zygote_of(broker):
    """The only child that is no pid 1 of a pid namespace of its own."""
    ours = os.stat("/proc/self/ns/pid").st_ino
    [one] = [pid for pid in broker.children() if os.stat("/proc/%d/ns/pid" % pid).st_ino == ours]
    return one


def is_dead(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def counter(front, name):
    front.send("WATCH", 90)
    return front.hear().counters()[name]


def test_zygote_and_parked_jails_may_die(broker, front):
    for _ in range(3):
        assert front.run(code="1").kind == "RESULT"
        for child in broker.children():
            os.kill(child, signal.SIGKILL)
        deadline = time.monotonic() + 5
        told = front.run(code="print(1)", extra=fields(parts=1))
        while (told.kind != "RESULT" or told.number("STATUS") != 0) and time.monotonic() < deadline:
            time.sleep(0.1)
            told = front.run(code="print(1)", extra=fields(parts=1))
        assert told.kind == "RESULT" and told.bytes("STDOUT") == b"1\n"


def test_a_zygote_that_stands_still_is_replaced(broker, front):
    os.kill(zygote_of(broker), signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(6):  # two jails are parked, and it makes no more
        told = front.run(code="print(1)", extra=fields(parts=1))
        assert told.kind == "RESULT" and told.bytes("STDOUT") == b"1\n"
    assert time.monotonic() - began < 8
    parked = counter(front, "parked_runs.python")
    deadline = time.monotonic() + 10
    while counter(front, "parked.python") < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert counter(front, "zygotes.python") == 2
    assert front.run(code="1").kind == "RESULT" and counter(front, "parked_runs.python") == parked + 1


def front_with_preloaded(start, tmp_path, text):
    """A broker whose profile "own" imports a module of this text beforehand, and its front."""
    (tmp_path / "preloaded.py").write_text(text)
    with open(os.path.join(PROFILES, "python.json"), encoding="utf-8") as file:
        profile = json.load(file)
    tmp_path.chmod(0o755)
    profile["mounts"].append({"source": str(tmp_path), "target": "/extra", "mode": "ro"})
    (tmp_path / "own.json").write_text(json.dumps({**profile, "python_path": ["/extra"], "preload": ["preloaded"]}))
    broker = start(profiles=("own:2",), environment={"BELLJAR_PROFILE_PATH": str(tmp_path)})
    return broker, broker.front()


def test_nobody_waits_for_a_zygote_that_imports(start, tmp_path):
    broker, front = front_with_preloaded(start, tmp_path, "import time\ntime.sleep(3)\n")
    os.kill(zygote_of(broker), signal.SIGKILL)
    began = time.monotonic()
    answers = [front.run(profile="own", code="print(input())", stdin=b"1", extra=fields(parts=1)) for _ in range(6)]
    assert time.monotonic() - began < 2.5, "they waited for what is imported"
    assert {(one.kind, one.number("STATUS"), one.bytes("STDOUT")) for one in answers} == {("RESULT", 0, b"1\n")}


def test_what_is_imported_may_write_more_than_anybody_reads(start, tmp_path):
    _, front = front_with_preloaded(start, tmp_path, "import os\nfor _ in range(3):\n    try: os.write(2, b'x' * 70000)\n"
                                                     "    except BlockingIOError: pass\n")
    assert front.run(profile="own", code="1").number("STATUS") == 0


def test_who_meets_dead_jails_is_run_in_another(broker, front):
    for _ in range(5):
        children = broker.children()
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in children:
            while not is_dead(pid):
                time.sleep(0.001)
        told = front.run(code="print(input())", stdin=b"2", extra=fields(parts=1))
        assert told.kind == "RESULT" and (told.number("STATUS"), told.bytes("STDOUT")) == (0, b"2\n")
