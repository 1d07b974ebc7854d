"""Sessions over HTTP: state, branches, files, and whose they are.

Its own file because each test here is a little story of several requests.
Changes when: sessions can do something more.
"""
import hashlib
import re
import time

import pytest


def opened(service, headers=(), **spec):
    status, answer_headers, session = service.ask("POST", "/v1/sessions", spec, headers=headers)
    assert status == 201, session
    assert re.fullmatch("[0-9a-f]{32}", session["id"]) and answer_headers["Location"] == "/v1/sessions/" + session["id"]
    return answer_headers["Location"]


def test_state_is_kept(service):
    place = opened(service)
    assert service.post(place + "/exec", {"code": "x = 20"})[1]["status"] == "ok"
    assert service.post(place + "/exec", b"x += 1", headers={"Content-Type": "text/x-python"})[1]["globals"] == {"x": 21}
    assert service.post(place + "/eval", {"expression": "x * 2"})[1]["value"] == 42
    status, _, shown = service.ask("GET", place)
    assert status == 200 and shown["profile"] == "python" and shown["runs"] == 3
    assert service.ask("DELETE", place)[0] == 204
    assert service.ask("GET", place)[0] == 404 and service.ask("DELETE", place)[0] == 404
    assert service.post(place + "/exec", {"code": "1"})[0] == 404


def test_branches(service):
    place = opened(service)
    assert service.post(place + "/exec", {"code": "x = 1"})[0] == 200
    status, answer = service.post(place + "/snapshot", {})
    assert status == 200, answer
    snapshot = answer["snapshot"]
    assert service.post(place + "/exec", {"code": "x = 2"})[0] == 200
    fork = service.post(place + "/fork", {"branch": 1})[1]["branch"]
    assert service.post(place + "/exec", {"code": "x = 3", "branch": fork})[0] == 200
    assert service.post(place + "/eval", {"expression": "x"})[1]["value"] == 2
    assert service.post(place + "/eval", {"expression": "x", "branch": fork})[1]["value"] == 3
    assert service.post(place + "/restore", {"branch": 1, "snapshot": snapshot})[1] == {"branch": 1}
    assert service.post(place + "/eval", {"expression": "x"})[1]["value"] == 1
    assert service.post(place + "/drop", {"branch": fork})[0] == 200
    assert service.post(place + "/eval", {"expression": "x", "branch": fork})[0] in (409, 422)
    for body, status in (({"branch": "1"}, 422), ({"x": 1}, 422), ({"branch": 99}, 422), (b"", 400), (b"[]", 400)):
        answer = service.ask("POST", place + "/fork", body, headers={"Content-Type": "application/json"})
        assert answer[0] in (status, 409), (body, answer)
    assert service.ask("DELETE", place)[0] == 204


def test_a_branch_that_is_busy(service):
    import threading
    place = opened(service)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(service.post(place + "/exec", {"code": "import time; time.sleep(0.6)"})[0]))
    thread.start()
    time.sleep(0.2)
    assert service.post(place + "/exec", {"code": "1"})[0] == 409
    thread.join()
    assert answers == [200] and service.post(place + "/exec", {"code": "1"})[0] == 200
    service.ask("DELETE", place)


def test_files(service):
    place = opened(service)
    put = {"Content-Type": "application/octet-stream"}
    assert service.ask("PUT", place + "/files/in/a%20b.bin", b"\x00\xff", headers=put)[0] == 204
    assert service.ask("PUT", place + "/files/empty", b"", headers=put)[0] == 204
    assert service.post(place + "/eval", {"expression": "open('in/a b.bin', 'rb').read() == b'\\x00\\xff'"})[1]["value"] is True
    assert service.post(place + "/exec", {"code": "open('out*[1].txt', 'w').write('hello')"})[1]["status"] == "ok"
    files = {one["path"]: one.get("bytes") for one in service.ask("GET", place + "/files")[2]["files"]}
    assert files == {"in": None, "in/a b.bin": 2, "empty": 0, "out*[1].txt": 5}  # a directory is listed, and cannot be read
    status, headers, body = service.ask("GET", place + "/files/out*%5B1%5D.txt")
    assert (status, body, headers["Content-Type"]) == (200, b"hello", "application/octet-stream")
    assert service.ask("GET", place + "/files/nope")[0] == 404
    for bad in ("../x", "%2e%2e/x", "/etc/passwd", "a//b", "a/./b", "%00", "%", "%zz", "a%0ab", "x" * 300):
        assert service.ask("GET", place + "/files/" + bad)[0] in (400, 404, 422), bad
        assert service.ask("PUT", place + "/files/" + bad, b"x", headers=put)[0] in (400, 404, 422), bad
    assert service.ask("PUT", place + "/files/x", b"x", headers={"Content-Type": "text/html"})[0] == 415
    assert service.ask("DELETE", place)[0] == 204


def test_a_session_is_nobody_elses(start):
    tokens = [{"name": name, "sha256": hashlib.sha256(name.encode()).hexdigest(), "quota": {"sessions": 1}} for name in ("one", "two")]
    service = start(tokens=tokens)
    one, two = ({"Authorization": "Bearer " + name} for name in ("one", "two"))
    place = opened(service, headers=one)
    for headers in (two, {}):
        assert service.ask("GET", place, headers=headers)[0] == 404
        assert service.ask("DELETE", place, headers=headers)[0] == 404
        assert service.post(place + "/exec", {"code": "1"}, headers=headers)[0] == 404
        assert service.ask("GET", place + "/files/x", headers=headers)[0] == 404
    assert service.ask("POST", "/v1/sessions", {}, headers=one)[0] == 429
    opened(service, headers=two)
    assert service.ask("DELETE", place, headers=one)[0] == 204
    opened(service, headers=one)


def test_what_a_session_costs(start):
    token = {"name": "t", "sha256": hashlib.sha256(b"t").hexdigest(), "quota": {"runs_per_minute": 1, "runs_burst": 3}}
    service = start(tokens=[token])
    headers = {"Authorization": "Bearer t"}
    place = opened(service, headers=headers)
    assert service.ask("POST", place + "/snapshot", {}, headers=headers)[0] == 200
    assert service.ask("GET", place + "/files", headers=headers)[0] == 200
    assert service.ask("GET", place + "/files", headers=headers)[0] == 429
    assert service.ask("POST", "/v1/sessions", {}, headers=headers)[0] == 429
    assert service.ask("GET", place, headers=headers)[0] == 200 and service.ask("DELETE", place, headers=headers)[0] == 204


def test_as_many_as_there_may_be(start):
    service = start(sessions=2)
    places = [opened(service), opened(service)]
    assert service.ask("POST", "/v1/sessions", {})[0] == 503
    service.ask("DELETE", places[0])
    opened(service)


@pytest.mark.parametrize("spec, status", [({"code": "1"}, 422), ({"profile": "nope"}, 422), ({"branch": 1}, 422)])
def test_what_is_no_session(service, spec, status):
    assert service.ask("POST", "/v1/sessions", spec)[0] == status


def test_one_that_ends_by_itself(service):
    place = opened(service, limits={"idle_seconds": 0.3})
    end = time.monotonic() + 5
    while service.ask("GET", place)[0] != 404:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_another_profile(service):
    place = opened(service)
    assert service.post(place + "/exec", {"code": "1", "profile": "python"})[0] == 200
    assert service.post(place + "/exec", {"code": "1", "profile": "sh"})[0] == 422
    service.ask("DELETE", place)
