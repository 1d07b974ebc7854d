"""The keeper with the real broker and the real front: what dies, changes and stops while programs run.

Its own file because the other tests of the keeper have a stand-in for the front, and this is what they stand for.
Changes when: keeper, broker and front agree on something more.
"""
import json
import os
import signal
import socket
import threading
import time

import pytest


@pytest.fixture
def whole(service):
    if not service.use_real_front():
        pytest.skip("host lacks a build with belljar-front")
    return service


def run(path, *command):
    """Status of HTTP, and the result or the problem."""
    body = json.dumps({"profile": "sh", "command": list(command)}).encode()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(path)
        client.sendall(b"POST /v1/run HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                       b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        text = b""
        while piece := client.recv(65536):
            text += piece
    head, _, answer = text.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(answer)


def start_runs(path, count, seconds):
    got = []
    threads = [threading.Thread(target=lambda: got.append(run(path, "sleep", str(seconds)))) for _ in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(0.4)
    return threads, got


def works(service):
    status, answer = run(service.socket, "echo", "yes")
    assert (status, answer.get("stdout")) == (200, "yes\n"), answer
    return True


def test_runs_end_when_it_stops_and_when_it_changes(whole):
    whole.start()
    for number, event in ((signal.SIGHUP, "reloaded"), (signal.SIGTERM, "stopping")):
        threads, got = start_runs(whole.socket, 4, 1.2)  # two of them have to wait
        whole.tell(number)
        whole.wait_for(event)
        if number == signal.SIGHUP:
            assert works(whole)
        for thread in threads:
            thread.join()
        assert [(status, answer["status"]) for status, answer in got] == [(200, "ok")] * 4
    assert whole.stop() == 0


def test_who_comes_first_waits_until_it_serves(whole):
    """As the request does for which systemd starts the service."""
    whole.start(ready=False)
    whole.wait_for("front_started")
    assert works(whole)
    whole.wait_for("ready", process="keeper", timeout=1)
    assert whole.stop() == 0


def test_nobody_is_refused_while_a_configuration_takes_over(whole):
    whole.configure(profiles=[{"name": "sh"}, {"name": "default"}, {"name": "c"}])  # each is tried first, which takes a while
    whole.start()
    got, ending = [], threading.Event()

    def go_on():
        while not ending.is_set():
            got.append(run(whole.socket, "true"))
    threads = [threading.Thread(target=go_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        whole.tell(signal.SIGHUP)
        whole.wait_for("reloaded")
    ending.set()
    for thread in threads:
        thread.join()
    assert len(got) > len(threads) and {(status, answer.get("status")) for status, answer in got} == {(200, "ok")}
    assert whole.stop() == 0


def test_who_has_connected_before_a_change_can_still_ask(whole):
    """Its request may be on its way. Who has been silent for longer is let go, as ever."""
    whole.start()
    silent = socket.socket(socket.AF_UNIX)
    silent.connect(whole.socket)
    time.sleep(1.2)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(whole.socket)
        time.sleep(0.1)
        whole.tell(signal.SIGHUP)
        whole.wait_for("draining")
        client.sendall(b"GET /v1/limits HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = client.recv(65536)
        assert head.startswith(b"HTTP/1.1 200 ") and b"\r\nConnection: close\r\n" in head, head
    silent.settimeout(10)
    assert silent.recv(1) == b""
    silent.close()
    assert whole.stop() == 0


@pytest.mark.parametrize("name", ["front", "broker"])
def test_serves_again(whole, name):
    whole.start()
    assert works(whole)
    os.kill(whole.pid_of(name), signal.SIGKILL)
    assert whole.wait_for(name + "_ended", process="keeper")["security"] is True
    whole.wait_for("ready", process="front")
    assert works(whole)
    assert whole.stop() == 0


def test_self_test(whole):
    whole.start("--self-test", ready=False)
    assert whole.process.wait(60) == 0
    assert whole.process.stdout.read().strip()
