"""belljar top, beside a broker that runs something.

Its own file because it is another program that asks the broker.
Changes when: top shows something more.
"""

import json
import os
import socket
import subprocess
import time

import pytest
import wire
from belljar_run import find_belljar
from wire import request


def top(*options):
    return subprocess.run([find_belljar(), "top", *options], capture_output=True, text=True, timeout=20, check=False)


@pytest.fixture
def watched(start, tmp_path):
    """A broker, and the path of its control socket."""
    path = str(tmp_path / "control.sock")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen(4)
    broker = start(control=listener)
    listener.close()
    return broker, path


def test_what_it_shows(watched):
    broker, path = watched
    front = broker.front()
    front.run(code="1")
    front.run(code="1/0")
    front.send("RUN", 3, request(code="import time; time.sleep(2)"))
    time.sleep(0.2)
    done = top("--once", "--socket", path)
    assert done.returncode == 0, done.stderr
    head, _, titles, python, _, _, run = done.stdout.splitlines()
    assert "runs 1/4" in head and head.endswith("ready")
    assert dict(zip(titles.split(), python.split()))["RUNS"] == "2" and python.split()[0] == "python"
    assert run.split()[1] == "python" and 0.1 < float(run.split()[2]) < 2


def test_as_json(watched):
    broker, path = watched
    broker.front().run(code="1")
    told = json.loads(top("--json", "--socket", path).stdout)
    assert told["ready"] is True and told["profiles"][0]["runs"]["ok"] == 1


def test_nobody_is_there(tmp_path):
    done = top("--once", "--socket", str(tmp_path / "no.sock"))
    assert done.returncode == 125 and "is belljard running" in done.stderr


@pytest.mark.parametrize("options, words", [(["--interval", "0"], "0.1 to 3600"), (["--interval", "x"], "0.1 to 3600"), (["x"], "no such word")])
def test_wrong_options(options, words):
    done = top(*options)
    assert done.returncode == 125 and words in done.stderr


def test_a_watcher_may_only_watch(watched):
    broker, path = watched
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(path)
    peer = wire.Peer(sock)
    peer.send("HELLO", 0, wire.fields(version=1))
    assert peer.hear().kind == "WELCOME"
    peer.send("RUN", 1, request(code="1"))
    assert peer.hear() is None
    peer.close()
    assert broker.front().run(code="1").kind == "RESULT"
    assert os.path.exists(path)
