"""Programs that end with NUL, and frames of JSON: what their clients get.

Its own file because HTTP knows nothing of these two protocols, nor they of it.
Changes when: one of them does.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time

import pytest
from lines import GAVE_UP, NAP, ask, connected, frame, is_well, nul, remote_exec, rest_of, take_frame


# ---- a program and a NUL ----------------------------------------------------------------------------

def test_documented_client(service):
    assert remote_exec(service.nul, b"print('Hello')") == b"Hello\n"
    assert remote_exec(service.nul, b"x = 1\nfor n in range(3):\n    print(n + x)\n") == b"1\n2\n3\n"
    assert remote_exec(service.nul, "print('h\u00e9')".encode()) == "h\u00e9\n".encode()


def test_both_streams_come_back(service):
    program = b"import sys, time\nfor n in range(3):\n    print(n, flush=True); time.sleep(.05)\n    print(-n, file=sys.stderr, flush=True); time.sleep(.05)"
    assert remote_exec(service.nul, program) == b"0\n0\n1\n-1\n2\n-2\n"
    program = b"import os\nfor n in range(3000):\n    os.write(1 + n % 2, b'%d\\n' % n)"
    assert remote_exec(service.nul, program) == b"".join(b"%d\n" % n for n in range(3000))
    assert nul(service.nul, b"import sys\nsys.stderr.write('e' * 3000000)\0").endswith(b"ee\nThe limit of output was reached\0")


def test_an_exception_comes_behind_its_output(service):
    answer = remote_exec(service.nul, b"print(1)\n1/0")
    assert answer.startswith(b"1\nTraceback (most recent call last):\n") and answer.endswith(b"ZeroDivisionError: division by zero\n")
    assert b"MemoryError" in remote_exec(service.nul, b"bytearray(1 << 40)")
    assert b"BlockingIOError" in remote_exec(service.nul, b"import os; os.fork()")
    assert b"SyntaxError" in remote_exec(service.nul, b"x = (")
    assert remote_exec(service.nul, b"raise SystemExit('bye')") == b"bye\n"


def test_end_of_file_comes_at_once(service):
    begin = time.monotonic()
    assert nul(service.nul, b"print(1)\0") == b"1\n\0"
    assert nul(service.nul, b"\0") == b"\0"
    assert time.monotonic() - begin < 0.5


def test_output_comes_while_it_runs(service):
    with connected(service.nul) as connection:
        begin = time.monotonic()
        connection.sendall(b"import time\nprint(1, flush=True)\ntime.sleep(1)\nprint(2)\0")
        assert connection.recv(4096) == b"1\n" and time.monotonic() - begin < 0.8
        assert rest_of(connection) == b"2\n\0"


def test_client_that_closes_its_half(service):
    assert nul(service.nul, NAP, half_close=True) == b"1\n\0"
    assert b"does not end with a NUL\0" in nul(service.nul, b"print(1)", half_close=True)
    assert nul(service.nul, b"", half_close=True) == b""


def test_socat(service):
    if not shutil.which("socat"):
        pytest.skip("host lacks socat")
    done = subprocess.run("printf 'print(1)\\0' | socat - UNIX:%s | tr -d '\\0'" % service.nul, shell=True, capture_output=True, check=False)
    assert done.stdout == b"1\n"


def test_six_seconds(service):
    begin = time.monotonic()
    assert nul(service.nul, b"import time\nprint(1, end='', flush=True)\ntime.sleep(9)\0") == b"1\n" + GAVE_UP + b"\0"
    assert 5.9 < time.monotonic() - begin < 7


def test_limits(service):
    assert nul(service.nul, b"while True: pass\0") in (b"The limit of processor time was reached\0", GAVE_UP + b"\0")  # a busy host
    assert nul(service.nul, b"x = 'y' * (1 << 30)\0") == b"The limit of memory was reached\0"
    answer = nul(service.nul, b"print('x' * 3000000)\0")
    assert answer == b"x" * (1 << 20) + b"\nThe limit of output was reached\0"


def test_nul_in_the_output_is_not_the_end(service):
    assert nul(service.nul, b"import os; os.write(1, b'a\\0b\\0\\0'); os.write(2, b'\\0'); print('\\0')\0").replace(b"\n", b"") == "a\ufffdb\ufffd\ufffd\ufffd\ufffd\0".encode().replace(b"\n", b"")
    assert nul(service.nul, b"raise ValueError('a\\0b')\0").endswith("ValueError: a\ufffdb\n\0".encode())
    assert nul(service.nul, b"import os; os.write(1, bytes(65536))\0") == "\ufffd".encode() * 65536 + b"\0"


def test_what_is_no_program(service):
    assert nul(service.nul, b"print('\xff')\0").endswith(b"UTF-8, without NUL\0")
    assert nul(service.nul, b"print(1)\0print(2)\0") == b"1\n\0"


def test_runs_are_alone(service):
    left = b"open('/tmp/left', 'w').write('x'); print(1)"
    assert remote_exec(service.nul, left) == b"1\n"
    assert remote_exec(service.nul, b"import os; print(os.listdir('/tmp'), os.getpid() > 0)") == b"[] True\n"


def test_program_of_the_size_that_may_be(start):
    service = start(request_bytes=100000)
    fits = b"print(1)#".ljust(100000, b"x")
    assert nul(service.nul, fits + b"\0") == b"1\n\0"
    assert nul(service.nul, fits + b"x\0").startswith(b"The body is too large: at most 100000 bytes")
    with connected(service.nul) as connection:  # it never ends
        with contextlib.suppress(OSError):
            for _ in range(1000):
                connection.sendall(b"#" * 65536)
        with contextlib.suppress(ConnectionError):
            assert rest_of(connection).startswith(b"The body is too large")
    is_well(service)


def test_no_room(start):
    service = start(concurrent_runs=1, queued_runs=0)
    with connected(service.nul) as first:
        first.sendall(NAP)
        time.sleep(0.3)
        assert nul(service.nul, b"print(2)\0") == b"Too much is waiting: 0 runs wait already\0"
        assert ask(service.json, {"code": "1"})["error"]["status"] == 503
        assert rest_of(first) == b"1\n\0"
    is_well(service)


def test_quota_is_that_of_the_anonymous(start):
    service = start(anonymous=False, anonymous_quota={"runs_per_minute": 6, "runs_burst": 2, "profiles": ["python"]})
    assert remote_exec(service.nul, b"print(1)") == b"1\n"
    assert ask(service.json, {"code": "1", "profile": "sh"})["error"]["status"] == 403
    assert remote_exec(service.nul, b"print(1)").startswith(b"Too many runs: ")
    problem = ask(service.json, {"code": "1"})["error"]
    assert (problem["status"], problem["retry_seconds"] > 5) == (429, True)


def test_service_that_ends(start):
    service = start(concurrent_runs=1, drain_seconds=1)
    with contextlib.ExitStack() as stack:
        running, waiting, partial, idle = (stack.enter_context(connected(service.nul)) for _ in range(4))
        running.sendall(b"import time\nprint(1, flush=True)\ntime.sleep(5)\0")
        assert running.recv(10) == b"1\n"
        waiting.sendall(b"print(2)\0")
        partial.sendall(b"print(3)")
        frames = stack.enter_context(connected(service.json))
        frames.sendall(frame({"code": "1"}))
        time.sleep(0.2)
        begin = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert rest_of(partial) == b"Signal received\0" and rest_of(idle) == b""
        assert 0.8 < time.monotonic() - begin < 5  # they had as long as the runs
        assert rest_of(waiting) == b"Signal received\0"
        assert take_frame(frames)["error"]["type"] == "urn:belljar:problem:draining" and rest_of(frames) == b""
        assert rest_of(running) == b"Signal received\0"
    assert service.process.wait(10) == 0


# What a client of each kind sends, in two halves, and what it then gets to the end of its connection.
FRAME = frame({"code": "print(6 * 7)"})
ASKS = {"nul": (b"print(", b"6 * 7)\0", b"42\n\0"), "json": (FRAME[:9], FRAME[9:], b"")}


def is_answered(connection, kind):
    if kind == "json":
        assert take_frame(connection)["stdout"] == "42\n"
    assert rest_of(connection) == ASKS[kind][2]


@pytest.mark.parametrize("kind", ASKS)
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM], ids=["changes", "ends"])
def test_who_has_connected_before_it_changes_or_ends_can_still_ask(start, kind, number):
    """Also with half a request under way. It takes longer than a run does."""
    service = start()
    first, second, _ = ASKS[kind]
    with connected(getattr(service, kind)) as fresh, connected(getattr(service, kind)) as half:
        half.sendall(first)
        time.sleep(0.2)
        service.process.send_signal(number)
        service.wait_for("draining")
        if number == signal.SIGHUP:
            service.wait_for("reloaded")
            is_well_besides(service)
        time.sleep(1.5)
        assert service.process.poll() is None and not service.events("front_ended")
        fresh.sendall(first + second)
        is_answered(fresh, kind)
        half.sendall(second)
        is_answered(half, kind)
    service.wait_for("broker_ended")  # nobody holds it any more
    assert number == signal.SIGHUP or service.process.wait(10) == 0


def is_well_besides(service):
    """The new one serves, while the old one is still there."""
    assert remote_exec(service.nul, b"print(1)") == b"1\n" and ask(service.json, {"code": "print(2)"})["stdout"] == "2\n"


def test_who_never_asks_does_not_hold_a_change_up_for_ever(start):
    service = start(idle_seconds=1.5)
    with connected(service.nul) as silent, connected(service.json) as half:
        half.sendall(b"\0\0")
        time.sleep(0.2)
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("reloaded")
        begin = time.monotonic()
        assert rest_of(silent) == b"" and take_frame(half)["error"]["status"] == 408
        service.wait_for("broker_ended")
        assert time.monotonic() - begin < 5


def test_a_connection_at_rest_holds_an_end_up_for_a_second(start):
    """It may have nothing more to ask. What it asks in time is answered."""
    service = start()
    with connected(service.json) as one, connected(service.json) as other:
        for connection in (one, other):
            connection.sendall(FRAME)
            assert take_frame(connection)["stdout"] == "42\n"
        time.sleep(1.2)
        service.process.send_signal(signal.SIGTERM)
        service.wait_for("draining")
        begin = time.monotonic()
        one.sendall(FRAME)
        is_answered(one, "json")
        assert rest_of(other) == b"" and 0.5 < time.monotonic() - begin < 5
        assert service.process.wait(10) == 0


def test_service_that_ends_waits_for_runs(start):
    service = start()
    with connected(service.nul) as one, connected(service.json) as other:
        one.sendall(NAP)
        other.sendall(frame({"code": "import time; time.sleep(1); print(2)"}))
        time.sleep(0.3)
        service.process.send_signal(signal.SIGTERM)
        assert rest_of(one) == b"1\n\0"
        assert take_frame(other)["stdout"] == "2\n" and rest_of(other) == b""


# ---- frames of JSON ---------------------------------------------------------------------------------

def test_json(service):
    result = ask(service.json, {"code": "print(x)\ny = x + 1", "globals": {"x": 1}})
    assert (result["status"], result["stdout"], result["globals"]["y"]) == ("ok", "1\n", 2)
    assert ask(service.json, {"expression": "6 * 7"})["value"] == 42
    result = ask(service.json, {"profile": "sh", "command": ["sh", "-c", "cat; exit 3"], "stdin": "in"})
    assert (result["status"], result["exit_code"], result["stdout"]) == ("exit", 3, "in")


def test_requests_one_after_the_other(service):
    with connected(service.json) as connection:
        for n in range(50):
            connection.sendall(frame({"code": "print(%d)" % n}))
            assert take_frame(connection)["stdout"] == "%d\n" % n
        connection.sendall(b"".join(frame({"code": "print(%d)" % n}) for n in range(20)))
        connection.shutdown(socket.SHUT_WR)
        assert [take_frame(connection)["stdout"] for _ in range(20)] == ["%d\n" % n for n in range(20)]
        assert rest_of(connection) == b""


@pytest.mark.parametrize("body, status, field", [
    (b"{", 400, None), (b"", 400, None), (b"[]", 400, None), (b"\xff", 400, None), (b"[" * 100000, 400, None), (b'{"a":1,"a":2}', 400, None),
    (b'{"code": 1}', 422, "code"), (b"{}", 422, None), (b'{"code": "1", "x": 1}', 422, None),
    (b'{"code": "1", "stream": true}', 422, None), (b'{"code": "1", "branch": 1}', 422, None),
    (b'{"code": "1", "profile": "nope"}', 422, "profile"), (b'{"code": "1", "limits": {"wall_seconds": 1e9}}', 422, "limits.wall_seconds"),
    (b'{"code": "1", "network": "host"}', 422, "network"),
])
def test_problems(service, body, status, field):
    with connected(service.json) as connection:
        connection.sendall(frame(body))
        problem = take_frame(connection)["error"]
        assert problem["status"] == status and problem["title"] and problem["detail"] and problem["type"].startswith("urn:belljar:problem:")
        assert field is None or problem["field"] == field
        connection.sendall(frame({"code": "print(1)"}))  # what was refused takes nothing from what follows
        assert take_frame(connection)["stdout"] == "1\n"


def test_lengths_that_are_none(start):
    service = start(request_bytes=100000)
    for head in (b"\xff\xff\xff\xff", struct.pack(">I", 100001), b"\x7f\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n"):
        with connected(service.json) as connection:
            connection.sendall(head)
            assert take_frame(connection)["error"]["status"] == 413
            with contextlib.suppress(ConnectionError):
                assert rest_of(connection) == b""
    whole = frame(json.dumps({"code": "print(1)"}).encode().ljust(100000))
    with connected(service.json) as connection:
        connection.sendall(whole)
        assert take_frame(connection)["stdout"] == "1\n"
    is_well(service)


def test_a_frame_that_is_cut_short(service):
    whole = frame({"code": "print(1)"})
    for length in range(1, len(whole)):
        with connected(service.json) as connection:
            connection.sendall(whole[:length])
            connection.shutdown(socket.SHUT_WR)
            assert take_frame(connection)["error"]["status"] == 400 and rest_of(connection) == b""
    is_well(service)


def test_a_frame_byte_by_byte(service):
    with connected(service.json) as connection:
        for byte in frame({"code": "print(1)"}):
            connection.sendall(bytes([byte]))
        assert take_frame(connection)["stdout"] == "1\n"


def test_large_frames(service):
    with connected(service.json) as connection:
        connection.sendall(frame({"code": "print(len(open('a').read()), 'x' * 900000)", "files": [{"path": "a", "text": "y" * 3000000}]}))
        time.sleep(0.5)  # the answer is larger than the socket holds
        assert take_frame(connection)["stdout"] == "3000000 " + "x" * 900000 + "\n"
