"""Clients of the protocols without HTTP that go, stay, crawl, flood and do not read.

Its own file because what they must not get is the same in both protocols.
Changes when: connections are kept in another way.
"""
import contextlib
import json
import os
import random
import socket
import time

import pytest
from lines import GAVE_UP, NAP, ROOT, SLEEP, ask, connected, ended_as, frame, gauge, is_well, nul, remote_exec, rest_of, take_frame, wait_until


def send_sleeper(connection, kind):
    connection.sendall(SLEEP if kind == "nul" else frame({"code": "import time; time.sleep(5)"}))


@pytest.mark.parametrize("kind", ["nul", "json"])
def test_who_goes_cancels(service, kind):
    before = len(ended_as(service, "cancelled", kind))
    with connected(getattr(service, kind)) as connection:
        send_sleeper(connection, kind)
        time.sleep(0.3)
    wait_until(lambda: len(ended_as(service, "cancelled", kind)) > before, 2)


@pytest.mark.parametrize("kind", ["nul", "json"])
def test_who_goes_while_it_waits_cancels(start, kind):
    service = start(concurrent_runs=1)
    with connected(getattr(service, kind)) as first:
        send_sleeper(first, kind)
        time.sleep(0.2)
        with connected(getattr(service, kind)) as second:
            send_sleeper(second, kind)
            time.sleep(0.2)
            assert gauge(service, "queue_depth") == 1
        wait_until(lambda: gauge(service, "queue_depth") == 0, 2)
    wait_until(lambda: len(ended_as(service, "cancelled", kind)) == 2, 2)
    is_well(service)


def test_idle_clients(start):
    service = start(idle_seconds=0.5)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(path)) for path in (service.nul, service.json) for _ in range(50)]
        half = [stack.enter_context(connected(service.nul)) for _ in range(20)]
        for one in half:
            one.sendall(b"print(1)")
        halves = [stack.enter_context(connected(service.json)) for _ in range(20)]
        for one in halves:
            one.sendall(frame({"code": "1"})[:-1])
        begin = time.monotonic()
        assert remote_exec(service.nul, b"print(1)") == b"1\n"
        assert all(rest_of(one) == b"" for one in silent)
        assert all(rest_of(one) == b"The request took too long: nothing more has come for too long\0" for one in half)
        for one in halves:
            assert take_frame(one)["error"]["status"] == 408 and rest_of(one) == b""
        assert time.monotonic() - begin < 2
        assert gauge(service, "connections_timed_out_total") == 140
    is_well(service)


@pytest.mark.parametrize("kind", ["nul", "json"])
def test_a_crawl_is_idle(start, kind):
    service = start(idle_seconds=0.5)
    data = b"print(1)" if kind == "nul" else frame({"code": "x" * 100})
    with connected(getattr(service, kind)) as connection:
        begin = time.monotonic()
        with contextlib.suppress(OSError):
            for byte in data:
                connection.sendall(bytes([byte]))
                time.sleep(0.2)
        assert time.monotonic() - begin < 2
    is_well(service)


def test_more_connections_than_may_be(start):
    service = start(connections=20)
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(connected(service.nul))
            stack.enter_context(connected(service.json))
        assert remote_exec(service.nul, b"print(1)") == b"1\n"
        assert ask(service.json, {"code": "print(1)"})["stdout"] == "1\n"
        assert service.post("/v1/exec", {"code": "print(1)"})[0] == 200  # they are the same connections
        assert gauge(service, "connections") <= 21 and gauge(service, "connections_evicted_total") >= 100
    is_well(service)


def test_connections_that_are_all_served(start):
    service = start(connections=2, concurrent_runs=2)
    with connected(service.nul) as first, connected(service.json) as second:
        first.sendall(NAP)
        second.sendall(frame({"code": "import time; time.sleep(1); print(1)"}))
        time.sleep(0.3)
        with connected(service.nul) as third, connected(service.json) as fourth:
            assert rest_of(third).startswith(b"Too much is waiting: 2 connections")
            assert take_frame(fourth)["error"]["status"] == 503
        assert rest_of(first) == b"1\n\0"
        assert take_frame(second)["stdout"] == "1\n"
    is_well(service)


def talkative(tmp_path):
    """For start(): a profile with more output than may wait for a client."""
    with open(os.path.join(ROOT, "profiles", "python.json"), encoding="utf-8") as file:
        profile = json.load(file)
    profile["limits"]["output_bytes"] = 32 << 20
    profile["limits"]["wall_seconds"] = 5
    (tmp_path / "talkative.json").write_text(json.dumps(profile))
    return {"profiles": (("talkative", 1),), "wrap": ["env", "BELLJAR_PROFILE_PATH=%s" % tmp_path]}


def test_who_does_not_read_a_stream_is_dropped(start, tmp_path):
    service = start(**talkative(tmp_path))
    with connected(service.nul) as connection:
        connection.sendall(b"while True: print('x' * 100000)\0")
        wait_until(lambda: ended_as(service, "cancelled", "nul"))
        answer = rest_of(connection)
        assert set(answer) <= set(b"x\n") and len(answer) < 4 << 20
    is_well(service)


def test_a_profile_with_less_time_than_six_seconds(start, tmp_path):
    service = start(**talkative(tmp_path))
    begin = time.monotonic()
    assert nul(service.nul, b"import time; time.sleep(9)\0") == GAVE_UP + b"\0"
    assert 4.9 < time.monotonic() - begin < 6


def test_who_does_not_read_an_answer_is_dropped(start):
    service = start(idle_seconds=0.5)
    with connected(service.json) as frames, connected(service.nul) as program:
        frames.sendall(frame({"code": "print('x' * 900000)"}))
        program.sendall(b"print('x' * 900000)\0")
        wait_until(lambda: gauge(service, "buffered_bytes") > 900000)
        wait_until(lambda: gauge(service, "buffered_bytes") == 0)
        with pytest.raises(AssertionError):
            take_frame(frames)
        assert not rest_of(program).endswith(b"\0")
    is_well(service)


def test_memory_that_is_short(start):
    service = start(request_bytes=900000, buffered_bytes=1 << 20)
    with contextlib.ExitStack() as stack:
        full = [stack.enter_context(connected(service.nul)) for _ in range(4)]
        for one in full:
            with contextlib.suppress(OSError):
                one.sendall(b"#" * 400000)
        time.sleep(0.2)
        answers = b""
        for one in full:
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                answers += one.recv(1000)
        assert b"Too much is held in memory: too many requests are being read\0" in answers
    is_well(service)


def test_anything_in_any_order(start):
    """Clients that do what no client does, from a fixed seed."""
    service = start(idle_seconds=1, connections=40)
    chance = random.Random(7)
    pieces = [b"print(1)", b"\0", b"\0\0\0", frame({"code": "print(1)"}), b"\0\0\0\x02{}", b"import time; time.sleep(.1)\0", b"\xff" * 9, b"#" * 70000]
    open_ones = []
    for _ in range(600):
        if len(open_ones) < 60 and chance.random() < 0.4:
            one = socket.socket(socket.AF_UNIX)
            one.settimeout(0.05)
            one.connect(chance.choice([service.nul, service.json]))
            open_ones.append(one)
            continue
        if not open_ones:
            continue
        one = chance.choice(open_ones)
        with contextlib.suppress(OSError):
            action = chance.randrange(6)
            if action < 3:
                one.sendall(chance.choice(pieces))
            elif action == 3:
                one.recv(chance.choice([1, 100, 65536]))
            elif action == 4:
                one.shutdown(chance.choice([socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR]))
            else:
                open_ones.remove(one)
                one.close()
    for one in open_ones:
        one.close()
    is_well(service)
    assert not [line for line in service.events("front_ended")]


def test_permissions_of_the_socket_are_the_door(service):
    for path in (service.nul, service.json):
        assert os.stat(path).st_mode & 0o777 == 0o660
