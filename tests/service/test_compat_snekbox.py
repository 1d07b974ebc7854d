"""Clients of snekbox: its documented requests and answers, and what must not come through.

Its own file because it is one other service's interface. Requests and answers are those of its own tests (tests/api/test_eval.py).
Changes when: snekbox asks or answers in another way.
"""
import base64
import json
import os

import pytest

import belljar_run


def encoded(data):
    return base64.b64encode(data).decode()


def evaluate(service, **body):
    status, answer = service.post("/eval", body)
    assert status == 200 and set(answer) == {"stdout", "returncode", "files"}, answer
    return answer["stdout"], answer["returncode"], answer["files"]


def refused(service, **body):
    status, answer = service.post("/eval", body)
    assert status == 400
    return answer


# ---- what its tests ask ----

@pytest.mark.parametrize("body", [{"args": ["-c", "print('output')"]}, {"input": "print('output')"}, {"input": "print('output')", "args": ["-c"]},
                                  {"input": "print('output')", "args": ["", "-c"]}, {"args": ["-c", "import sys; print(sys.argv[1])", "output"]},
                                  {"args": ["main.py"], "files": [{"path": "main.py", "content": encoded(b"print('output')")}]}])
def test_runs(service, body):
    assert evaluate(service, **body) == ("output\n", 0, [])


def test_modules_are_run(service):
    stdout, code, _ = evaluate(service, input="pass", args=["-m", "timeit", "-n", "10"])
    assert "10 loops, best of" in stdout and code == 0


def test_what_is_no_request(service):
    title = "Request data failed validation"
    assert refused(service, stuff="foo") == {"title": title, "description": "{'stuff': 'foo'} is not valid under any of the given schemas"}
    assert refused(service, args=400) == {"title": title, "description": "400 is not of type 'array'"}
    assert refused(service, args=[], files=[215]) == {"title": title, "description": "215 is not of type 'object'"}
    assert refused(service, args=["a"], files=[{}]) == {"title": title, "description": "'path' is a required property"}
    assert service.post("/eval", [])[1]["title"] == "Invalid JSON"


@pytest.mark.parametrize("path", ["file.txt", "./0.jpg", "path/to/file", "folder/../hm", "folder/./to/./somewhere", "traversal/but/../not/beyond/../root",
                                  r"backslash\\okay", r"backslash\okay", "numbers/0123456789"])
def test_paths(service, path):
    code = b"import os\nprint('output')\n"
    body = {"args": ["test.py"], "files": [{"path": path}, {"path": "test.py", "content": encoded(code)}]}
    assert evaluate(service, **body) == ("output\n", 0, [])


@pytest.mark.parametrize("path", ["../secrets", "../../dir", "dir/../../secrets", "dir/var/../../../file"])
def test_paths_that_lead_out(service, path):
    assert refused(service, args=["test.py"], files=[{"path": path}]) == \
        {"title": "Request file is invalid", "description": "File path '%s' may not traverse beyond root" % path}


@pytest.mark.parametrize("path", ["/", "/etc", "/etc/vars/secrets", "/absolute", "/file.bin", r"etc/passwd\0", r"a\0b", r"\0", r"\\0", r"var/\0/path", "a\0b"])
def test_paths_that_are_none(service, path):
    answer = refused(service, args=["test.py"], files=[{"path": path}])
    assert answer["title"] == "Request data failed validation" and "does not match" in answer["description"]


def test_other_types_are_refused(service):
    status, _, answer = service.ask("POST", "/eval", "{'input': 'foo'}", {"Content-Type": "application/xml"})
    assert status == 415 and answer["title"] == "415 Unsupported Media Type" and answer["description"]


def test_other_methods_are_refused(service):
    assert service.ask("GET", "/eval")[0] == 405


def test_other_pythons_are_not_there(service):
    assert refused(service, input="1", executable_path="/abc/def") == {"title": "executable_path does not exist"}
    assert evaluate(service, input="print(1)", executable_path="/snekbin/python/default/bin/python")[:2] == ("1\n", 0)


# ---- files that come back ----

MAKES = b"""import os
open('output.png', 'wb').write(b'x')
open('_private', 'w').close(), open('.hidden', 'w').close()
os.makedirs('d/e'), os.mkdir('.h')
open('d/e/f', 'w').write('y'), open('.h/f', 'w').close()
os.symlink('/etc/passwd', 'link'), os.mkfifo('fifo')
"""


def test_files_that_are_new(service):
    _, code, files = evaluate(service, args=["main.py"], files=[{"path": "main.py", "content": encoded(MAKES)}])
    assert code == 0
    assert files == [{"path": "d/e/f", "size": 1, "content": encoded(b"y")}, {"path": "output.png", "size": 1, "content": encoded(b"x")}]


def test_files_that_changed(service):
    given = [{"path": "same", "content": encoded(b"s")}, {"path": "x/../changed", "content": encoded(b"c")}, {"path": "gone"}]
    _, code, files = evaluate(service, input="import os\nopen('changed', 'a').write('+')\nos.remove('gone')", files=given)
    assert code == 0 and files == [{"path": "changed", "size": 2, "content": encoded(b"c+")}]


def test_files_after_a_failure(service):
    stdout, code, files = evaluate(service, input="open('a', 'w').write('1')\n1/0")
    assert code == 1 and stdout.endswith("ZeroDivisionError: division by zero\n") and [file["path"] for file in files] == ["a"]


def test_many_files(service):
    _, _, files = evaluate(service, input="for n in range(300): open(f'f{n}', 'w').close()")
    assert 0 < len(files) <= 100


# ---- ends ----

@pytest.mark.parametrize("code,expected", [("exit(3)", 3), ("import os; os.kill(os.getpid(), 15)", 143), ("import os; os.kill(os.getpid(), 9)", 137),
                                           ("while True: print('x' * 9999)", 143), ("import time; time.sleep(60)", 137)])
@pytest.mark.parametrize("form", ["input", "args"])
def test_return_codes(start, faster, code, expected, form):
    faster()
    service = start()
    assert evaluate(service, **({"input": code} if form == "input" else {"args": ["-B", "-c", code]}))[1] == expected


@pytest.fixture
def faster(tmp_path, monkeypatch):
    """faster(key=value, ...): services that are started then have less time for python, and a profile snekbox, which is the same."""
    place = os.path.join(belljar_run.ROOT, "profiles")
    with open(os.path.join(place, "python.json"), encoding="utf-8") as file:
        profile = json.load(file)
    profile["limits"]["wall_seconds"] = 2
    monkeypatch.setenv("BELLJAR_PROFILE_PATH", "%s:%s" % (tmp_path, place))

    def write(**keys):
        profile.update(keys)
        for name in ("python", "snekbox"):
            with open(tmp_path / (name + ".json"), "w", encoding="utf-8") as out:
                json.dump(profile, out)

    return write


def test_memory(service):
    stdout, code, _ = evaluate(service, input="x = bytearray(10 ** 9)\nx[::4096] = x[::4096]")
    assert code == 137 or (code == 1 and "MemoryError" in stdout)


def test_what_is_no_text(service):
    assert evaluate(service, input="import sys\nsys.stdout.buffer.write(b'\\xff')") == ("UnicodeDecodeError: invalid Unicode in output pipe", None, [])


def test_both_streams_in_order(service):
    code = "import sys, time\nfor n in range(4):\n    print(n, file=(sys.stdout, sys.stderr)[n % 2], flush=True)\n    time.sleep(0.05)"
    assert evaluate(service, input=code) == ("0\n1\n2\n3\n", 0, [])


def test_a_profile_of_its_own_is_parked(start, faster):
    faster(collect=["[!_.]*"])
    service = start(profiles=(("python", 0), ("snekbox", 2)))
    assert evaluate(service, input="open('a', 'w').write('1')")[2] == [{"path": "a", "size": 1, "content": encoded(b"1")}]
    assert service.metrics()['belljar_runs_total{status="ok",profile="snekbox"}'] == 1


# ---- what must not come through ----

@pytest.mark.parametrize("content", ["!", "QQ", "Q=Q=", "QUJD\n", "\0"])
def test_odd_contents(service, content):
    assert refused(service, args=["a"], files=[{"path": "a", "content": content}]) == \
        {"title": "Request file is invalid", "description": "Invalid base64 encoding for file 'a'"}


@pytest.mark.parametrize("path", ["", ".", "a/..", "a\nb", "x" * 5000, "/".join("d" * 100), "\x7f"])
def test_odd_paths(service, path):
    assert refused(service, args=["a"], files=[{"path": path}])["title"] == "Request file is invalid"


def test_what_is_no_json(service):
    for text in (b"", b"{", b'{"input": "1", "input": "2"}', b'{"input": NaN}', b'{"input": "\xff"}', b"[" * 100000):
        status, _, answer = service.ask("POST", "/eval", text, {"Content-Type": "application/json"})
        assert status == 400 and answer["title"], text
    assert refused(service, input="a\0b")["title"] == "Request data failed validation"
    assert refused(service, args=["a\0b"])["title"] == "Request data failed validation"
