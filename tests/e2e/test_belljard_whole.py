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
from keeper_service import ROOT, alive


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


def http_get(path, what):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(path)
        client.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % what.encode())
        text = b""
        while piece := client.recv(65536):
            text += piece
    head, _, answer = text.partition(b"\r\n\r\n")
    return int(head.split()[1]), answer.decode()


@pytest.fixture
def open_wall(whole, monkeypatch):
    """A profile "open", in which something stands at /etc/shadow that can be read."""
    with open(os.path.join(ROOT, "profiles", "sh.json"), encoding="utf-8") as file:
        profile = json.load(file)
    whole.write("shadow", {})
    profile["mounts"].append({"source": os.path.join(whole.directory, "shadow"), "target": "/etc/shadow", "mode": "ro"})
    whole.write("open.json", profile)
    monkeypatch.setenv("BELLJAR_PROFILE_PATH", whole.directory)
    return {"profiles": [{"name": "sh"}, {"name": "open"}]}


def test_a_change_to_walls_that_do_not_hold_fails(whole, open_wall, monkeypatch):
    """Nobody is refused, and who watches is told."""
    metrics, notify = (os.path.join(whole.directory, name) for name in ("metrics.sock", "notify"))
    listeners = [{"kind": "http", "address": whole.socket}, {"kind": "metrics", "address": metrics}]
    monkeypatch.setenv("NOTIFY_SOCKET", notify)
    got, ending = [], threading.Event()

    def go_on():
        while not ending.is_set():
            got.append(run(whole.socket, "true"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(notify)
        told.settimeout(10)
        whole.configure(listeners=listeners)
        whole.start()
        front, broker = whole.pid_of("front"), whole.pid_of("broker")
        threads = [threading.Thread(target=go_on) for _ in range(3)]
        for thread in threads:
            thread.start()
        whole.configure(listeners=listeners, **open_wall)
        whole.tell(signal.SIGHUP)
        failed = whole.wait_for("reload_failed", process="keeper")
        assert failed["config"].endswith("belljard.json") and failed["field"] == "profiles"
        assert "open: disk: /etc/shadow could be read; mount less of the host's /etc in this profile" in failed["text"]
        whole.wait_for("broker_ended", generation=2, exit_code=0)
        time.sleep(0.3)
        ending.set()
        for thread in threads:
            thread.join()
        assert {(status, answer.get("status")) for status, answer in got} == {(200, "ok")}, got
        assert http_get(whole.socket, "/readyz")[0] == 200 and alive(front) and alive(broker)
        assert "\nbelljar_reloads_failed_total 1\n" in http_get(metrics, "/metrics")[1]
        heard = [told.recv(4096).decode() for _ in range(3)]
        assert heard[0] == "READY=1\nSTATUS=serving" and heard[1].startswith("RELOADING=1\n")
        assert heard[2].startswith("READY=1\nSTATUS=the walls of the new configuration did not hold, the old one stays")
        whole.configure(listeners=listeners, profiles=[{"name": "sh"}, {"name": "default"}])
        whole.tell(signal.SIGHUP)
        whole.wait_for("reloaded")
        assert works(whole)
    assert whole.stop() == 0


def test_a_start_with_walls_that_do_not_hold_runs_nothing(whole, open_wall):
    """There is no other one that could serve: it says why it does not, until it is given walls that hold."""
    whole.configure(**open_wall)
    whole.start()
    status, answer = http_get(whole.socket, "/readyz")
    assert status == 503 and "open: disk: /etc/shadow could be read" in json.loads(answer)["reason"]
    assert run(whole.socket, "true")[0] == 503
    whole.tell(signal.SIGHUP)
    assert "its walls did not hold" in whole.wait_for("reload_failed", process="keeper")["text"]
    assert http_get(whole.socket, "/readyz")[0] == 503
    whole.configure()
    whole.tell(signal.SIGHUP)
    whole.wait_for("reloaded")
    assert works(whole)
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
