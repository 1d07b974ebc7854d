"""The keeper of a service: how it starts and stops, and what it does when something dies.

Its own file because it is about processes, not about sockets or about what is served over them.
Changes when: belljard starts, watches or ends its processes in another way.
"""
import json
import os
import signal
import stat
import subprocess
import threading
import time

import pytest
from keeper_service import alive, get, gone


# ---- start and stop ----

def test_starts_and_stops(service):
    service.start()
    broker, front = service.pid_of("broker"), service.pid_of("front")
    assert get(service.port())["pid"] and get(service.socket)["pid"]
    assert stat.S_IMODE(os.stat(service.socket).st_mode) == 0o660
    assert service.stop() == 0
    gone(broker, front)
    assert not os.path.exists(os.path.dirname(service.socket))  # it was made, so it is removed
    assert [line["event"] for line in service.seen][-2:] == ["broker_ended", "stopped"]


def test_front_has_its_seats_and_nothing_else(service):
    with open("/dev/null", "rb") as null:
        service.start(env=dict(os.environ, SECRET="x", JOURNAL_STREAM="1:2"), pass_fds=[null.fileno()])
    hello = service.seen[[line["event"] for line in service.seen].index("hello")]
    assert hello["argv"] == "http=6 http=7"
    assert hello["fds"] == "0 1 2 3 4 5 6 7 8"  # the last one lists them
    assert hello["environment"] == ""
    assert hello["sid"] == service.pid_of("front")
    handed = json.loads(hello["config"])
    assert [one["address"] for one in handed["listeners"]] == service.addresses()  # no port 0 any more
    assert handed["queued_runs"] == 256  # every default is written out
    with open("/proc/%d/environ" % service.pid_of("broker"), "rb") as file:
        assert b"SECRET" not in file.read()
    assert sorted(os.listdir("/proc/%d/fd" % service.pid_of("broker")), key=int)[:4] == ["0", "1", "2", "3"]


def test_sigint_stops_as_well(service):
    assert service.start().stop(signal.SIGINT) == 0


def test_stopping_lets_runs_end(service):
    service.start()
    got = []
    asker = threading.Thread(target=lambda: got.append(get(service.port(), "/slow/1")))
    asker.start()
    time.sleep(0.3)
    assert service.stop() == 0
    asker.join()
    assert got and got[0]["pid"]


def test_stopping_takes_no_longer_than_it_may(service):
    service.configure(drain_seconds=0.5)
    service.start()
    with pytest.raises((OSError, IndexError)):
        asker = threading.Thread(target=lambda: time.sleep(0.3) or service.tell(signal.SIGTERM))
        asker.start()
        began = time.monotonic()
        get(service.port(), "/slow/30")
    assert service.process.wait(10) == 0
    assert time.monotonic() - began < 5
    asker.join()
    assert any(line["event"] == "front_ended" and line["signal"] == "SIGKILL" and "security" not in line for line in service.drain_log())


def test_a_second_signal_stops_at_once(service):
    service.start()
    with pytest.raises((OSError, IndexError)):
        threading.Thread(target=lambda: [time.sleep(0.3), service.tell(signal.SIGTERM), time.sleep(0.3), service.tell(signal.SIGTERM)]).start()
        began = time.monotonic()
        get(service.port(), "/slow/30")
    assert service.process.wait(10) == 0
    assert time.monotonic() - began < 5


# ---- what dies ----

def test_front_killed(service):
    service.start()
    broker, front = service.pid_of("broker"), service.pid_of("front")
    os.kill(front, signal.SIGKILL)
    ended = service.wait_for("front_ended")
    assert ended["signal"] == "SIGKILL" and ended["security"] is True and ended["crashes"] == 1 and ended["level"] == "error"
    service.wait_for("ready", process="front")
    assert get(service.port())["pid"]
    assert service.pid_of("front") != front and service.pid_of("broker") == broker and alive(broker)


def test_broker_killed(service):
    service.start()
    broker, front = service.pid_of("broker"), service.pid_of("front")
    os.kill(broker, signal.SIGKILL)
    assert service.wait_for("broker_ended")["security"] is True
    service.wait_for("ready", process="front")
    gone(broker, front)
    assert get(service.port())["pid"]
    assert service.pid_of("broker") != broker and service.pid_of("front") != front


def test_keeper_killed(service):
    service.start()
    broker, front = service.pid_of("broker"), service.pid_of("front")
    assert service.stop(signal.SIGKILL) == -signal.SIGKILL
    gone(broker, front)
    service.start()  # its socket's file is still there, and nobody listens on it
    assert get(service.socket)["pid"]


def test_front_that_crashes_again_and_again(service):
    service.start()
    service.front(at_start="crash")
    os.kill(service.pid_of("front"), signal.SIGKILL)
    times = [time.monotonic()]
    for _ in range(5):
        service.wait_for("front_started")
        times.append(time.monotonic())
    assert times[5] - times[2] > 0.25  # 0, 0, then 0.1, 0.2, ...
    service.front()
    service.wait_for("ready", process="front")
    assert get(service.port())["pid"]


@pytest.mark.parametrize("how", ["crash", "exit"])
def test_gives_up_what_never_starts(service, how):
    service.front(at_start=how)
    service.start(ready=False)
    assert service.process.wait(20) == 1
    service.wait_for("failed")
    assert not os.path.exists(service.socket)


def test_programs_that_are_not_there(service):
    os.unlink(os.path.join(service.directory, "belljar-broker"))
    if any(os.path.exists(os.path.join(path, "belljar-broker")) for path in ("/usr/local/libexec/belljar", "/usr/libexec/belljar")):
        pytest.skip("host lacks a place without an installed belljar-broker")
    service.start(ready=False)
    assert service.process.wait(20) == 1
    assert "there is no belljar-broker" in service.wait_for("start_failed")["text"]


# ---- the front's log ----

def test_a_front_cannot_forge_the_log(service):
    service.front(at_start="forge")
    service.start()
    said = [line for line in service.seen if line["event"] == "front_said"]
    assert len(said) == 4 and all(line["process"] == "front" for line in said)
    assert "forged" in said[0]["text"] and "\x1b" in said[2]["text"] and "a report" in said[3]["text"]
    assert not any(line["event"] in ("stopped", "forged", "said") for line in service.seen)


def test_a_front_cannot_fill_the_log(service):
    service.front(at_start="flood")
    service.start()
    noise = sum(line["event"] == "noise" for line in service.drain_log())
    dropped = sum(line["lines"] for line in service.seen if line["event"] in ("front_log_dropped", "log_dropped"))
    assert 100 <= noise < 6000 and dropped > 0, (noise, dropped)  # how many fit depends on who reads them
    assert get(service.port())["pid"]


def test_a_front_that_closes_its_log(service):
    service.front(at_start="close_log")
    service.start()
    before = os.times()
    with open("/proc/%d/stat" % service.process.pid, encoding="utf-8") as file:
        used = int(file.read().split()[13])
    time.sleep(0.5)
    with open("/proc/%d/stat" % service.process.pid, encoding="utf-8") as file:
        assert int(file.read().split()[13]) - used < 20, (used, before)  # ticks: it does not spin
    assert get(service.port())["pid"]


# ---- its control group ----

@pytest.fixture
def delegated(as_root):
    """An empty v2 group that is marked as systemd marks those that it gives away."""
    root = next((path for path in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup") if os.path.exists(path + "/cgroup.procs")
                 and os.path.exists(path + "/cgroup.controllers")), None)
    path = root and os.path.join(root, "test-belljard-%d" % os.getpid())
    try:
        os.mkdir(path or "")
        os.setxattr(path, "trusted.delegate", b"1")
    except OSError as error:
        if path and os.path.isdir(path):
            os.rmdir(path)
        pytest.skip("host lacks a v2 control group that can be delegated: %s" % error)
    yield path
    for below in (os.path.join(path, "service"), path):
        if os.path.isdir(below):
            os.rmdir(below)


def in_group(path):
    def enter():
        with open(path + "/cgroup.procs", "w", encoding="ascii") as file:
            file.write("0")
    return enter


def members(path):
    with open(path + "/cgroup.procs", encoding="ascii") as file:
        return {int(line) for line in file}


def test_divides_the_group_that_is_its_own(service, delegated):
    service.start(preexec_fn=in_group(delegated))
    inside = {service.process.pid, service.pid_of("broker"), service.pid_of("front")}
    assert inside <= members(delegated + "/service") and not members(delegated)
    assert any(line["event"] == "protection" and delegated + "/service" in line["text"] for line in service.seen)
    with open(delegated + "/cgroup.controllers", encoding="ascii") as file:
        offered = set(file.read().split())
    if {"memory", "cpu"} <= offered:  # on a host that still has v1 they are there
        with open(delegated + "/service/memory.min", encoding="ascii") as file:
            assert int(file.read()) > 0
        with open(delegated + "/service/cpu.weight", encoding="ascii") as file:
            assert int(file.read()) == 1000
    assert service.stop() == 0


def test_leaves_a_group_alone_that_others_are_in(service, delegated):
    with subprocess.Popen(["sleep", "60"], preexec_fn=in_group(delegated)) as other:
        service.start(preexec_fn=in_group(delegated))
        assert service.process.pid in members(delegated)
        assert not os.path.exists(delegated + "/service")
        assert service.stop() == 0
        other.kill()
