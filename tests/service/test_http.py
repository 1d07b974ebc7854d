"""The API over HTTP: runs, what is refused, who may what.

Its own file because these are what an ordinary client meets.
Changes when: the API does.
"""
import hashlib
import json
import os
import re
import signal
import socket
import threading
import time

import pytest

TOKEN = "a-token-of-the-tests"


def events_of(text):
    """[(event, data)] of a text/event-stream."""
    found = []
    for block in text.split("\n\n"):
        lines = [line.partition(": ") for line in block.splitlines()]
        if lines:
            found.append((lines[0][2], "\n".join(data for key, _, data in lines if key == "data")))
    return found


def test_exec(service):
    status, headers, result = service.ask("POST", "/v1/exec", {"code": "print(6 * 7)\nx = 3", "globals": {"y": 1}})
    assert (status, result["status"], result["stdout"]) == (200, "ok", "42\n")
    assert result["globals"]["x"] == 3
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in headers
    assert re.fullmatch("[0-9a-f]{16}", headers["Belljar-Run-Id"])
    line = service.wait_for("run", process="front")
    assert headers["Belljar-Run-Id"] in [one["id"] for one in service.events("run")] and line["client"] == "anonymous"
    assert "6 * 7" not in json.dumps(service.lines)


def test_exec_of_a_script_itself(service):
    status, result = service.post("/v1/exec", "print('h\u00e9')".encode(), headers={"Content-Type": "text/x-python; charset=utf-8"})
    assert (status, result["stdout"]) == (200, "h\u00e9\n")
    assert service.post("/v1/exec?profile=nope", b"1", headers={"Content-Type": "text/x-python"})[0] == 422
    assert service.post("/v1/exec", b"\xff", headers={"Content-Type": "text/x-python"})[0] == 400
    assert service.post("/v1/eval", b"1", headers={"Content-Type": "text/x-python"})[0] == 415


def test_eval(service):
    assert service.post("/v1/eval", {"expression": "x * 2", "globals": {"x": 21}})[1]["value"] == 42


def test_run_of_a_command(service):
    status, result = service.post("/v1/run", {"profile": "sh", "command": ["sh", "-c", "cat; exit 3"], "stdin": "in"})
    assert (status, result["status"], result["exit_code"], result["stdout"]) == (200, "exit", 3, "in")


def test_failures_of_guests_are_results(service):
    for code, expected in (("1/0", "exception"), ("while True: pass", "time_limit"), ("import os; os.abort()", "signal")):
        status, result = service.post("/v1/exec", {"code": code, "limits": {"wall_seconds": 0.5}})
        assert (status, result["status"]) == (200, expected)


def test_a_large_result(service):
    status, result = service.post("/v1/exec", {"code": "print('x' * 900000)"})
    assert (status, len(result["stdout"])) == (200, 900001)


def test_a_large_request(service):
    text = "y" * 3000000
    status, result = service.post("/v1/exec", {"code": "print(len(open('a').read()))", "files": [{"path": "a", "text": text}]})
    assert (status, result["stdout"]) == (200, "3000000\n")


def test_over_a_unix_socket(service):
    assert service.post("/v1/exec", {"code": "print(1)"}, unix=True)[1]["stdout"] == "1\n"


def test_connection_is_kept(service):
    with service.connect() as connection:
        for n in range(20):
            body = b'{"code": "print(%d)"}' % n
            connection.sendall(b"POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                               b"Content-Length: %d\r\n\r\n" % len(body) + body)
            answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200") and b'"stdout": "%d\\n"' % n in answer


@pytest.mark.parametrize("body, status, field", [
    (b"{", 400, None), (b"", 400, None), (b"[]", 400, None), (b'{"code": 1}', 422, "code"), (b"{}", 422, "code"),
    (b'{"code": "1", "expression": "1"}', 422, "code"), (b'{"expression": "1"}', 422, "code"), (b'{"code": "1", "x": 1}', 422, "x"),
    (b'{"code": "1", "profile": "nope"}', 422, "profile"), (b'{"code": "1", "limits": {"wall_seconds": 1e9}}', 422, "limits.wall_seconds"),
    (b'{"code": "1" , "stdin": "22", "limits": {"input_bytes": 2}}', 422, "limits.input_bytes"),
    (b'{"code": "1", "network": "host"}', 422, "network"), (b'{"code": "1", "branch": 1}', 422, "branch"),
])
def test_problems(service, body, status, field):
    answer, headers, problem = service.ask("POST", "/v1/exec", body, headers={"Content-Type": "application/json"})
    assert answer == status == problem["status"] and headers["Content-Type"] == "application/problem+json"
    assert problem.get("field") == field and problem["detail"] and problem["title"] and problem["type"].startswith("urn:belljar:problem:")


def test_routes(service):
    assert service.ask("GET", "/")[0] == 404
    assert service.ask("GET", "/v1/exec/")[0] == 404
    assert service.ask("GET", "/metrics")[0] == 404
    assert service.ask("GET", "/v1/exec", port=service.metrics_port)[0] == 404
    status, headers, _ = service.ask("GET", "/v1/exec")
    assert (status, headers["Allow"]) == (405, "POST")
    status, headers, _ = service.ask("PUT", "/v1/sessions/x")
    assert (status, headers["Allow"]) == (405, "GET, HEAD, DELETE")
    status, headers, body = service.ask("HEAD", "/healthz")
    assert (status, body) == (200, b"") and int(headers["Content-Length"]) > 0


def test_content_type(service):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", "application/json; charset=latin1"):
        assert service.post("/v1/exec", b'{"code": "1"}', headers={"Content-Type": kind})[0] == 415, kind
    assert service.post("/v1/exec", b'{"code": "1"}', headers={"Content-Type": "Application/JSON; charset=UTF-8"})[0] == 200
    assert service.raw(b"POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", 1).startswith(b"HTTP/1.1 415")


def test_host(start):
    service = start(hosts=["our.example"])
    for host, status in (("localhost", 200), ("LOCALHOST:1", 200), ("127.0.0.1", 200), ("127.0.0.1:99", 200), ("evil.example", 421),
                         ("localhost.evil.example", 421), ("127.0.0.1.nip.example", 421), ("", 421), ("localhost:x", 421), ("[::1]", 421),
                         ("our.example", 200)):
        answer = service.raw(b"GET /healthz HTTP/1.1\r\nConnection: close\r\nHost: " + host.encode() + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 %d" % status), (host, answer)


def test_origin(service):
    for origin, status in (("http://evil.example", 403), ("null", 403), ("http://localhost", 200), ("https://localhost", 200), ("file://", 403)):
        assert service.ask("GET", "/healthz", headers={"Host": "localhost", "Origin": origin})[0] == status
    assert service.ask("GET", "/healthz", headers={"Host": "x", "Origin": "http://y"}, unix=True)[0] == 200


def test_no_host(service):
    assert service.raw(b"GET /healthz HTTP/1.1\r\n\r\n", 0.5).startswith(b"HTTP/1.1 400")
    assert service.raw(b"GET /healthz HTTP/1.0\r\n\r\n", 0.5).startswith(b"HTTP/1.1 200")


def test_about(service):
    assert service.ask("GET", "/healthz")[2] == {"status": "ok"}
    assert service.ask("GET", "/readyz")[:1] + service.ask("GET", "/readyz")[2:] == (200, {"ready": True, "reason": None})
    profiles = {one["name"]: one for one in service.ask("GET", "/v1/profiles")[2]["profiles"]}
    assert sorted(profiles) == ["python", "sh"] and profiles["python"]["default"] and profiles["python"]["parked"] == 2
    limits = service.ask("GET", "/v1/limits")[2]
    assert limits["service"]["concurrent_runs"] == 4 and limits["profiles"]["python"]["wall_seconds"] > 0
    assert limits["layers"]["seccomp"] == "on" and limits["client"]["client"] == "anonymous"


# ---- events ----------------------------------------------------------------------------------------

def test_events(service):
    code = "import sys, os, time\nprint('a', flush=True)\nprint('b', file=sys.stderr, flush=True)\ntime.sleep(0.1)\nos.write(1, b'\\xe2\\x82')\ntime.sleep(0.1)\nos.write(1, b'\\xac')\ntime.sleep(0.1)\nos.write(1, b'\\xff')\nx = 1"
    status, headers, text = service.ask("POST", "/v1/exec", {"code": code}, headers={"Accept": "text/event-stream"})
    assert (status, headers["Content-Type"]) == (200, "text/event-stream")
    events = events_of(text.decode())
    assert "".join(json.loads(data) for event, data in events if event == "stdout") == "a\n\u20ac"
    assert "".join(json.loads(data) for event, data in events if event == "stderr") == "b\n"
    assert [json.loads(data) for event, data in events if event == "stdout_base64"] == ["/w=="]
    assert events[-1][0] == "result" and json.loads(events[-1][1])["globals"] == {"x": 1}


def test_events_come_while_it_runs(service):
    body = b'{"code": "import time\\nprint(1, flush=True)\\ntime.sleep(1)\\nprint(2)"}'
    with service.connect() as connection:
        connection.sendall(b"POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                           b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        begin, text = time.monotonic(), b""
        while b'data: "1' not in text:
            text += connection.recv(65536)
        assert time.monotonic() - begin < 0.8
        while b"event: result" not in text or not text.endswith(b"0\r\n\r\n"):
            text += connection.recv(65536)
        assert time.monotonic() - begin > 0.9


def test_events_of_what_is_refused(service):
    assert service.post("/v1/exec", {"code": "1", "profile": "nope"}, headers={"Accept": "text/event-stream"})[0] == 422
    assert service.post("/v1/exec", {"code": "1", "network": "host"}, headers={"Accept": "text/event-stream"})[0] == 422


@pytest.mark.parametrize("accept", [b"", b"Accept: text/event-stream\r\n"])
def test_who_hangs_up_cancels(service, accept):
    def cancelled():
        return [line for line in service.events("run") if line["status"] == "cancelled"]
    before = len(cancelled())
    body = b'{"code": "import time; time.sleep(4)"}'
    with service.connect() as connection:
        connection.sendall(b"POST /v1/exec HTTP/1.1\r\nHost: localhost\r\n" + accept + b"Content-Type: application/json\r\n"
                           b"Content-Length: %d\r\n\r\n" % len(body) + body)
        time.sleep(0.3)
    end = time.monotonic() + 2
    while len(cancelled()) == before:
        assert time.monotonic() < end, service.events("run")[-1]
        time.sleep(0.01)


# ---- clients ---------------------------------------------------------------------------------------

def with_token(token=TOKEN):
    return {"Authorization": "Bearer " + token}


def token(name="tester", text=TOKEN, **quota):
    return {"name": name, "sha256": hashlib.sha256(text.encode()).hexdigest(), "quota": quota}


def test_tokens(start):
    service = start(anonymous=False, tokens=[token(), token("other", "second")])
    status, headers, _ = service.ask("POST", "/v1/exec", {"code": "1"})
    assert status == 401 and headers["WWW-Authenticate"].startswith("Bearer")
    for bad in ("", "x", TOKEN[:-1], TOKEN + "x", TOKEN + " " + TOKEN):
        assert service.post("/v1/exec", {"code": "1"}, headers=with_token(bad))[0] == 401
    assert service.post("/v1/exec", {"code": "1"}, headers={"Authorization": "Basic " + TOKEN})[0] == 401
    assert service.post("/v1/exec", {"code": "1"}, headers=with_token())[0] == 200
    assert service.post("/v1/exec", {"code": "1"}, headers={"authorization": "bearer second"})[0] == 200
    assert service.post("/v1/exec", {"code": "1"}, unix=True)[0] == 200
    assert service.post("/v1/exec", {"code": "1"}, unix=True, headers=with_token("x"))[0] == 401
    assert service.ask("GET", "/healthz")[0] == 200 and service.ask("GET", "/v1/limits")[0] == 401
    service.wait_for("run", count=3)
    assert [line["client"] for line in service.events("run")] == ["tester", "other", "anonymous"]
    assert TOKEN not in json.dumps(service.lines)


def test_profiles_of_a_token(start):
    service = start(tokens=[token(profiles=["sh"])])
    assert service.post("/v1/exec", {"code": "1"}, headers=with_token())[0] == 403
    assert service.post("/v1/run", {"profile": "sh", "command": ["true"]}, headers=with_token())[0] == 200
    assert [one["name"] for one in service.ask("GET", "/v1/profiles", headers=with_token())[2]["profiles"]] == ["sh"]


def test_rate(start):
    service = start(tokens=[token(runs_per_minute=6, runs_burst=3)])
    statuses = [service.ask("POST", "/v1/exec", {"code": "1"}, headers=with_token()) for _ in range(4)]
    assert [one[0] for one in statuses] == [200, 200, 200, 429]
    assert [one[1]["RateLimit-Remaining"] for one in statuses[:3]] == ["2", "1", "0"]
    assert 8 <= int(statuses[3][1]["Retry-After"]) <= 10


def ask_at_once(service, count, body, headers=()):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(service.ask("POST", "/v1/exec", body, headers=headers))) for _ in range(count)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return answers


def test_runs_at_once_of_a_token(start):
    service = start(tokens=[token(concurrent_runs=2)])
    answers = ask_at_once(service, 4, {"code": "import time; time.sleep(0.7)"}, with_token())
    assert sorted(one[0] for one in answers) == [200, 200, 429, 429]
    assert service.post("/v1/exec", {"code": "1"}, headers=with_token())[0] == 200


def test_queue(start):
    service = start(concurrent_runs=1, queued_runs=2)
    answers = ask_at_once(service, 5, {"code": "import time; time.sleep(0.4)"})
    assert sorted(one[0] for one in answers) == [200, 200, 200, 503, 503]
    assert all(int(headers["Retry-After"]) >= 1 for status, headers, _ in answers if status == 503)


def test_queue_time(start):
    service = start(concurrent_runs=1, queue_seconds=0.3)
    answers = ask_at_once(service, 2, {"code": "import time; time.sleep(1)"})
    assert sorted(one[0] for one in answers) == [200, 503]
    assert [problem["type"] for status, _, problem in answers if status == 503] == ["urn:belljar:problem:queue_timeout"]


def test_clients_take_turns(start):
    service = start(concurrent_runs=1, tokens=[token("a", "aa"), token("b", "bb")])
    threads = [threading.Thread(target=service.ask, args=("POST", "/v1/exec", {"code": "import time; time.sleep(0.15)"}, with_token(text)))
               for text in ("aa", "aa", "aa", "aa", "bb")]
    for one in threads:
        one.start()
        time.sleep(0.02)
    for one in threads:
        one.join()
    service.wait_for("run", count=5)
    assert [line["client"] for line in service.events("run")].index("b") <= 2


# ---- end -------------------------------------------------------------------------------------------

def test_drain(start):
    service = start()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(service.ask("POST", "/v1/exec", {"code": "import time; time.sleep(1); print(1)"})))
    thread.start()
    time.sleep(0.3)
    service.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    with pytest.raises(OSError):
        service.ask("GET", "/healthz", timeout=2)
    thread.join()
    assert answers[0][0] == 200 and answers[0][2]["stdout"] == "1\n" and answers[0][1]["Connection"] == "close"
    assert service.process.wait(10) == 0


def test_broker_that_is_gone(start):
    service = start()
    service.may_crash = True
    os.kill(service.pid_of("belljar-broker"), signal.SIGKILL)
    service.wait_for("ready", process="front", count=2)
    end = time.monotonic() + 10
    while True:
        try:
            if service.post("/v1/exec", {"code": "print(1)"})[0] == 200:
                break
        except OSError:
            pass
        assert time.monotonic() < end
        time.sleep(0.05)


# ---- metrics ---------------------------------------------------------------------------------------

def test_metrics(start):
    service = start(tokens=[token()])
    assert service.post("/v1/exec", {"code": "1"}, headers=with_token())[0] == 200
    assert service.post("/v1/exec", {"code": "1/0"})[0] == 200
    assert service.post("/v1/exec", {"code": "1", "x": 1})[0] == 422
    metrics = service.metrics()
    assert metrics['belljar_runs_total{status="ok",profile="python"}'] == 1
    assert metrics['belljar_runs_total{status="exception",profile="python"}'] == 1
    assert metrics["belljar_run_wall_seconds_count"] == 2
    assert metrics['belljar_http_request_duration_seconds_count{route="/v1/exec",code="200"}'] == 2
    assert metrics['belljar_http_request_duration_seconds_count{route="/v1/exec",code="422"}'] == 1
    assert metrics['belljar_http_request_duration_seconds_bucket{route="/v1/exec",code="200",le="+Inf"}'] == 2
    assert metrics["belljar_selftest_ok"] == 1 and metrics["belljar_queue_depth"] == 0
    assert 'belljar_pool_jails{profile="python",state="warm"}' in metrics
    assert "tester" not in json.dumps(metrics)


def test_socket_that_is_half_closed_while_it_asks(service):
    with service.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
