"""What a front that keeps the rules is told.

Its own file because the other one is about those that do not.
Changes when: the broker can be asked something more.
"""

import json
import os
import signal
import time

import pytest
import wire
from wire import fields, request


def test_it_says_what_it_serves(front):
    assert front.welcome.number("VERSION") == 1 and front.welcome.number("CAPACITY") == 4 and front.welcome.number("READY") == 1
    assert [(profile.text("NAME"), profile.number("PARKED")) for profile in front.profiles] == [("python", 2)]
    assert b'"wall_seconds"' in front.profiles[0].bytes("JSON")


def test_a_snippet(front):
    told = front.run(7, code="print(x + 1)", globals='{"x": 41}')
    assert (told.kind, told.id, told.number("STATUS")) == ("RESULT", 7, 0)
    assert b'"stdout": "42\\n"' in told.bytes("JSON")


def test_its_parts(front):
    told = front.run(code="import sys; print(sys.stdin.read()); y = float('nan'); 1/0", stdin=b"hello", extra=fields(parts=1))
    assert told.bytes("STDOUT") == b"hello\n" and told.number("EXIT_CODE") == 1
    assert '"ZeroDivisionError"' in told.text("EXCEPTION") and "NaN" in told.text("GLOBALS")


def test_what_it_writes_arrives_at_once(front):
    front.send("RUN", 3, request(code="import time\nprint('a', flush=True)\ntime.sleep(0.5)\nprint('b')") + fields(stream=1))
    assert front.hear().kind == "STARTED"
    first = front.hear()
    begun = time.monotonic()
    assert (first.kind, first.number("STREAM"), first.bytes("BYTES")) == ("OUTPUT", 1, b"a\n")
    assert front.hear_kind("RESULT").number("STATUS") == 0
    assert time.monotonic() - begun > 0.3


def test_runs_end_in_their_own_order(front):
    for number, seconds in enumerate((0.6, 0.3, 0.0), 1):
        front.send("RUN", number, request(code="import time; time.sleep(%s)" % seconds))
    assert [front.hear().id for _ in range(3)] == [3, 2, 1]


def test_a_run_is_cancelled(front):
    front.send("RUN", 9, request(code="while True: pass"))
    time.sleep(0.1)
    front.send("CANCEL", 9)
    told = front.hear()
    assert told.kind == "RESULT" and b'"status": "cancelled"' in told.bytes("JSON")


def test_cancelling_what_is_over_is_nothing(front):
    assert front.run(9, code="1").kind == "RESULT"
    front.send("CANCEL", 9)
    assert front.run(9, code="1").kind == "RESULT"


def test_large_requests_and_results(front):
    front_code = "x = %r\nprint(x * 4)" % ("a" * 150000)
    body = request(code=front_code)
    fd = os.memfd_create("body", os.MFD_ALLOW_SEALING)
    os.write(fd, body)
    import fcntl
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, 15)
    front.send_fds(wire.HEAD.pack(wire.MAGIC, wire.ASK["RUN"], 1, 5, len(body)), [fd])
    os.close(fd)
    told = front.hear()
    assert told.kind == "RESULT" and b"a" * 600000 in told.bytes("JSON")


@pytest.mark.parametrize("parts, field, words", [
    ({"profile": "sh", "code": "1"}, "profile", "not served"),
    ({"code": "1", "command": ["x"]}, "code", ""),
    ({"code": "1", "limits": {0: 86400000000}}, "limits.wall_seconds", "narrow"),
    ({"code": "1", "files": b""}, "", ""),
])
def test_what_cannot_be_run_is_refused(front, parts, field, words):
    if "files" in parts:
        del parts["files"]
        parts["file"] = wire.record(1, "../x") + wire.record(3, b"") + wire.record(4, 0)
        field = "files.path"
    told = front.run(4, **parts)
    assert (told.kind, told.id) == ("REFUSED", 4)
    assert field in (told.text("FIELD"), "code", "") and words in told.text("TEXT")
    assert front.run(4, code="1").kind == "RESULT"  # and it goes on


def test_narrower_limits_hold(front):
    told = front.run(code="while True: pass", limits={0: 200000})
    assert b'"status": "time_limit"' in told.bytes("JSON")


def test_no_more_than_its_capacity(front):
    for number in range(5):
        front.send("RUN", number, request(code="import time; time.sleep(0.5)"))
    kinds = [front.hear() for _ in range(5)]
    assert [told.kind for told in kinds].count("REFUSED") == 1
    refused = next(told for told in kinds if told.kind == "REFUSED")
    assert refused.number("ERRNO") == 11 and "4 runs at once" in refused.text("TEXT")


def open_session(front, number=1):
    front.send("OPEN", number, request())
    told = front.hear()
    assert told.kind == "OPENED"
    return told.number("SESSION")


def in_session(front, session, code, **more):
    front.send("RUN", 2, request(code=code) + fields(session=session, parts=1, **more))
    return front.hear()


def test_a_session_keeps_its_variables(front):
    session = open_session(front)
    assert in_session(front, session, "x = 5").number("STATUS") == 0
    assert in_session(front, session, "print(x)").bytes("STDOUT") == b"5\n"
    front.send("BRANCH", 3, fields(session=session, action=1, branch=1))
    snapshot = front.hear().number("BRANCH")
    assert in_session(front, session, "x = 6").number("STATUS") == 0
    front.send("BRANCH", 3, fields(session=session, action=2, branch=1, **{"from": snapshot}))
    assert front.hear().kind == "BRANCHED"
    assert in_session(front, session, "print(x)").bytes("STDOUT") == b"5\n"
    front.send("CLOSE", 4, fields(session=session))
    assert front.hear().kind == "CLOSED"
    assert in_session(front, session, "1").kind == "REFUSED"


def test_files_of_a_session(front):
    session = open_session(front)
    assert in_session(front, session, "open('a.txt', 'w').write('hello')").number("STATUS") == 0
    front.send("FILES", 5, fields(session=session) + request(collect=["*"]))
    told = front.hear()
    assert told.kind == "FILES" and b"a.txt" in told.bytes("FILE") and b"hello" in told.bytes("FILE")


def test_a_session_is_only_its_owners(broker, front):
    session = open_session(front)
    other = broker.front()
    assert in_session(other, session, "1").kind == "REFUSED"
    other.send("CLOSE", 4, fields(session=session))
    assert other.hear().kind == "CLOSED"  # of nothing
    assert in_session(front, session, "print(1)").number("STATUS") == 0


def test_a_closed_session_takes_its_run_along(front):
    session = open_session(front)
    front.send("RUN", 2, request(code="while True: pass") + fields(session=session))
    time.sleep(0.1)
    front.send("CLOSE", 3, fields(session=session))
    kinds = {front.hear().kind, front.hear().kind}
    assert kinds == {"REFUSED", "CLOSED"}


def test_no_more_sessions_than_may_be(front):
    open_session(front), open_session(front)
    front.send("OPEN", 1, request())
    assert front.hear().kind == "REFUSED"


def test_it_drains(broker, front):
    front.send("RUN", 1, request(code="import time; time.sleep(0.5); print(1)"))
    time.sleep(0.1)
    broker.drain()
    time.sleep(0.1)
    front.send("RUN", 2, request(code="1"))
    told = [front.hear(), front.hear()]
    assert {(one.id, one.kind) for one in told} == {(1, "RESULT"), (2, "REFUSED")}
    assert broker.process.wait(timeout=10) == 0


def test_it_ends_with_its_keeper(broker, front):
    front.send("RUN", 1, request(code="while True: pass"))
    time.sleep(0.1)
    broker.keeper.close()
    assert front.hear() is None and broker.end()[0] == 0


def test_nothing_outlives_a_broker_that_is_killed(start):
    broker = start()
    front = broker.front()
    front.send("RUN", 1, request(code="while True: pass"))
    time.sleep(0.2)
    jails = broker.children()
    broker.process.kill()
    broker.process.wait()
    deadline = time.monotonic() + 5
    while any(os.path.exists("/proc/%d" % pid) for pid in jails) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [pid for pid in jails if os.path.exists("/proc/%d" % pid)]
    assert start().front().run(code="1").kind == "RESULT"  # and the next one removes its control groups


def test_how_it_stands(front):
    front.run(code="1")
    front.run(code="1/0")
    front.send("WATCH", 8)
    counters = front.hear().counters()
    assert counters["runs.python.ok"] == 1 and counters["runs.python.exception"] == 1 and counters["capacity"] == 4
    assert counters["parked_runs.python"] == 2 and counters["other_runs.python"] == 0


def test_nothing_runs_where_a_wall_is_missing(start, tmp_path):
    with open(os.path.join(wire.ROOT, "profiles", "sh.json"), encoding="utf-8") as file:
        profile = json.load(file)
    (tmp_path / "shadow").write_text("root::0::::::\n")
    profile["mounts"].append({"source": str(tmp_path / "shadow"), "target": "/etc/shadow", "mode": "ro"})
    (tmp_path / "open.json").write_text(json.dumps(profile))
    broker = start(profiles=("open:0",), environment={"BELLJAR_PROFILE_PATH": str(tmp_path)})
    front = broker.front()
    if front.welcome.number("READY"):
        pytest.fail("a jail in which /etc/shadow can be read was served")
    assert front.welcome.text("TEXT") == "open: disk: /etc/shadow could be read; mount less of the host's /etc in this profile"
    told = front.run(profile="open", command=["/bin/true"])
    assert told.kind == "REFUSED" and "nothing runs here" in told.text("TEXT")


def test_it_counts_changes_that_have_failed(broker, front):
    def failed():
        front.send("WATCH", 9)
        return front.hear().counters()["reloads_failed"]
    assert failed() == 0
    broker.keeper.send(b"r")
    time.sleep(0.1)
    assert failed() == 1
    assert front.run(code="1").kind == "RESULT"  # it goes on
