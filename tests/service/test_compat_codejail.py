"""Clients of codejail-service: its documented requests and answers, and what must not come through.

Its own file because it is one other service's interface. Requests and answers are those of its own tests (apps/api/v0/tests, api_tests).
Changes when: that service asks or answers in another way.
"""
import base64
import importlib
import importlib.util
import io
import json
import math
import os
import sys
import types
import zipfile

import pytest

import belljar_run

PATH = "/api/v0/code-exec"
CORPUS = os.environ.get("BELLJAR_ABUSE_CORPUS") or os.path.join(os.path.dirname(belljar_run.ROOT), "shared", "abuse")


def part(name, data, file=None):
    head = 'Content-Disposition: form-data; name="%s"%s\r\n\r\n' % (name, '; filename="%s"' % file if file is not None else "")
    return b"--XbX\r\n" + head.encode() + data + b"\r\n"


def send(service, *parts, end=b"--XbX--\r\n", **options):
    status, _, answer = service.ask("POST", PATH, b"".join(parts) + end, {"Content-Type": "multipart/form-data; boundary=XbX"}, **options)
    return status, answer


def run(service, payload, files=(), **options):
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return send(service, part("payload", text.encode()), *[part(name, data, name) for name, data in files], **options)


def library():
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("course_library.py", "def triangular_number(n):\n    return sum(range(n + 1))\n")
    return memory.getvalue()


def failed(service, code, variables=None):
    status, answer = run(service, {"code": code, "globals_dict": variables or {}})
    assert status == 200 and answer["globals_dict"] == (variables or {})
    return answer["emsg"]


# ---- what its tests ask ----

def test_success(service):
    assert run(service, {"code": "retval = 3 + 4", "globals_dict": {}, "slug": "hw5"}) == (200, {"globals_dict": {"retval": 7}})


def test_it_takes_a_form_without_parts(service):
    body = "payload=%7B%22code%22%3A+%22out+%3D+1%22%2C+%22globals_dict%22%3A+%7B%7D%7D"
    status, _, answer = service.ask("POST", PATH, body, {"Content-Type": "application/x-www-form-urlencoded"})
    assert (status, answer) == (200, {"globals_dict": {"out": 1}})


def test_missing_payload(service):
    missing = (400, {"error": "Missing 'payload' parameter in POST body"})
    assert send(service) == missing
    assert send(service, part("payload", b"{}", "payload")) == missing
    assert service.ask("POST", PATH, "", {"Content-Type": "application/x-www-form-urlencoded"})[::2] == missing


@pytest.mark.parametrize("payload,error", [
    ("Not JSON", "Unable to parse payload JSON: Expecting value: line 1 column 1 (char 0)"),
    ({"globals_dict": {}}, "Payload JSON did not match schema at path $: 'code' is a required property"),
    ({"code": "retval = 3 + 4"}, "Payload JSON did not match schema at path $: 'globals_dict' is a required property"),
    ({}, "Payload JSON did not match schema at path $: 'code' is a required property"),
    ({"code": "out = 1 + 1", "globals_dict": {}, "python_path": ["something_else"]}, "Only allowed entry in 'python_path' is 'python_lib.zip'"),
    ({"code": "out = 1 + 1", "globals_dict": {}, "python_path": ["python_lib.zip", "something_else"]},
     "Only allowed entry in 'python_path' is 'python_lib.zip'"),
    ({"code": "out = 1 + 1", "globals_dict": {}, "python_path": ["/etc"]}, "Only allowed entry in 'python_path' is 'python_lib.zip'"),
    ({"code": "retval = 3 + 4", "globals_dict": {}, "unsafely": True}, "Refusing codejail execution with unsafely=true"),
])
def test_refusals(service, payload, error):
    assert run(service, payload) == (400, {"error": error})


@pytest.mark.parametrize("names", [["unknown.zip"], ["python_lib.zip", "unknown.zip"], ["/tmp/test.txt"], ["../x"]])
def test_unknown_files(service, names):
    files = [(name, b"TESTING") for name in names]
    assert run(service, {"code": "out = 1 + 1", "globals_dict": {}}, files) == \
        (400, {"error": "Only allowed name for uploaded file is 'python_lib.zip'"})


def test_course_library(service):
    code = "from course_library import triangular_number\nresult = triangular_number(6)\n"
    payload = {"code": code, "globals_dict": {}, "python_path": ["python_lib.zip"]}
    assert run(service, payload, [("python_lib.zip", library())]) == (200, {"globals_dict": {"result": 21}})
    assert "ModuleNotFoundError" in run(service, {**payload, "python_path": None}, [("python_lib.zip", library())])[1]["emsg"]
    assert "ModuleNotFoundError" in run(service, payload)[1]["emsg"]


def test_exception(service):
    emsg = failed(service, "x = 1\n1/0", {"a": 1})
    assert emsg.startswith("Couldn't execute jailed code: stdout: b'', stderr: b'Traceback (most recent call last):\\n")
    assert emsg.endswith("  File \"<string>\", line 2, in <module>\\nZeroDivisionError: division by zero\\n' with status code: 1")


def test_any_context_is_taken(service):
    payload = {"code": "out = 1 + 1", "globals_dict": {}, "limit_overrides_context": "xxxxxxx some junk xxxxxxxx"}
    assert run(service, payload) == (200, {"globals_dict": {"out": 2}})


def test_float_specials(service):
    status, answer = run(service, '{"code": "out_special = in_special; more = [1e400, -1e400]", "globals_dict": {"in_special": NaN}}')
    assert status == 200 and "emsg" not in answer
    variables = answer["globals_dict"]
    assert math.isnan(variables["in_special"]) and math.isnan(variables["out_special"])
    assert variables["more"] == [math.inf, -math.inf]
    assert math.isnan(run(service, '{"code": "1/0", "globals_dict": {"in_special": NaN}}')[1]["globals_dict"]["in_special"])


def test_health(service):
    assert service.ask("GET", "/health/")[::2] == (200, {"status": "OK"})


# ---- what safe_exec does ----

def test_variables(service):
    code = "import math\nf = lambda: 1\nn = __name__\nt = (1, b'a')\nd = {1: 2}\nprint('not told')\n__codejail__ = 3\ndel y"
    status, answer = run(service, {"code": code, "globals_dict": {"x": [1.0, "é"], "y": 1}})
    assert (status, answer) == (200, {"globals_dict": {"x": [1.0, "é"], "n": "builtins", "t": [1, "a"], "d": {"1": 2}}})


def test_digits_stay(service):
    body = '{"code": "", "globals_dict": {"a": 123456789012345678901234567890, "b": 0.1}}'
    assert run(service, body)[1]["globals_dict"] == {"a": 123456789012345678901234567890, "b": 0.1}


@pytest.mark.parametrize("code", ["x = 1\nexit(0)", "import os\nx = 1\nos._exit(0)"])
def test_an_early_end_is_none(service, code):
    assert failed(service, code, {"a": 1}) == "Sandboxed code produced corrupted stdout."


@pytest.mark.parametrize("code,end", [("exit(3)", "b'' with status code: 3"), ("import sys\nsys.stderr.write('e')\nexit(1)", "b'e' with status code: 1"),
                                      ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", " with status code: -15"),
                                      ("while True: pass", " with status code: -24"), ("import time\ntime.sleep(60)", " with status code: -9")])
def test_failures(start, profiles_with, code, end):
    profiles_with("codejail", wall_seconds=1.5, cpu_seconds=0.3)
    service = start(profiles=(("codejail", 1),))
    assert failed(service, code).endswith(end)


@pytest.fixture
def profiles_with(tmp_path, monkeypatch):
    """profiles_with(name, limit=value, ...): services that are started then find a profile of that name, python's with other limits."""
    place = os.path.join(belljar_run.ROOT, "profiles")
    with open(os.path.join(place, "python.json"), encoding="utf-8") as file:
        profile = json.load(file)
    monkeypatch.setenv("BELLJAR_PROFILE_PATH", "%s:%s" % (tmp_path, place))

    def write(name, **limits):
        profile["limits"].update(limits)
        with open(tmp_path / (name + ".json"), "w", encoding="utf-8") as out:
            json.dump(profile, out)

    return write


def test_a_context_has_a_profile_of_its_own(start, profiles_with):
    profiles_with("codejail-course-v1-edx-demo", wall_seconds=0.3)
    service = start(profiles=(("python", 1), ("codejail-course-v1-edx-demo", 0)))
    payload = {"code": "import time\ntime.sleep(0.8)", "globals_dict": {}}
    assert "emsg" in run(service, {**payload, "limit_overrides_context": "course-v1:edX+Demo"})[1]
    assert run(service, {**payload, "limit_overrides_context": "course-v1:edX+Other"})[1] == {"globals_dict": {}}


def test_runs_start_parked(service):
    before = service.metrics()
    assert run(service, {"code": "import course_library", "globals_dict": {}, "python_path": ["python_lib.zip"]}, [("python_lib.zip", library())])[0] == 200
    assert service.metrics()['belljar_runs_total{status="ok",profile="python"}'] == before.get('belljar_runs_total{status="ok",profile="python"}', 0) + 1


# ---- what must not come through ----

@pytest.mark.parametrize("parts,end", [
    ([part("payload", b"{}"), part("payload", b"{}")], b"--XbX--\r\n"), ([part("payload", b"{}")], b""), ([part("payload", b"{}")], b"--XbX"),
    ([b"before\r\n", part("payload", b"{}")], b"--XbX--\r\n"), ([part("payload", b"{}")], b"--XbX--\r\nbehind"),
    ([b'--XbX\r\nContent-Disposition: form-data; name="payload"; filename*=UTF-8\'\'x\r\n\r\n{}\r\n'], b"--XbX--\r\n"),
    ([b"--XbX\r\n" + b"X: y\r\n" * 100 + b"\r\n{}\r\n"], b"--XbX--\r\n"), ([b"--XbX\r\nX: " + b"y" * 100000 + b"\r\n\r\n{}\r\n"], b"--XbX--\r\n"),
    ([part("f%d" % n, b"") for n in range(100)], b"--XbX--\r\n"),
    ([b'--XbX\r\nContent-Disposition: form-data; name="payload"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n'], b"--XbX--\r\n"),
])
def test_odd_forms(service, parts, end):
    before = len(service.events("run"))
    status, answer = send(service, *parts, end=end)
    assert status == 400 and answer["error"].startswith("Form parse error - ")
    assert len(service.events("run")) == before


@pytest.mark.parametrize("payload", [
    '{"code": "x", "globals_dict": {}, "code": "y"}', '{"code": "x", "globals_dict": {"a": ' + "[" * 100000, '{"code": "\\ud800", "globals_dict": {}}',
    '{"code": "x", "globals_dict": {"a": 01}}', '{"code": "x", "globals_dict": {"a": 1.}}', '{"code": "x", "globals_dict": {"a": nan}}',
    '{"code": "x", "globals_dict": {}} x', "{'code': 'x', 'globals_dict': {}}", '{"code": "x", "globals_dict": {},}', "\x00", "",
    '{"code": ' + "9" * 100000 + ', "globals_dict": {}}', '{"code": "x", "globals_dict": {"a": ' * 1000, '{"code": {"code": "x"}, "globals_dict": []}',
])
def test_odd_payloads(service, payload):
    before = len(service.events("run"))
    status, answer = run(service, payload)
    assert status == 400 and "payload JSON" in answer["error"] or "Payload JSON" in answer["error"]
    assert len(service.events("run")) == before


def test_many_digits_and_nul_are_pythons_matter(service):
    body = part("payload", b'{"code": "x", "globals_dict": {"a": %s}}' % (b"9" * 100000)) + b"--XbX--\r\n"
    answer = service.raw(b"POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=XbX\r\n"
                         b"Content-Length: %d\r\n\r\n" % (PATH.encode(), len(body)) + body)
    assert answer.startswith(b"HTTP/1.1 200") and b"ValueError: Exceeds the limit" in answer and b"9" * 100000 in answer
    assert "null bytes" in failed(service, "x = 1\0")
    assert run(service, {"code": "y = x", "globals_dict": {"x": "\0"}})[1] == {"globals_dict": {"x": "\0", "y": "\0"}}


def zip_cases():
    directory = os.path.join(CORPUS, "protocol")
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return [name for name in names if name.startswith("zip_")]


@pytest.mark.skipif(not zip_cases(), reason="host lacks the abuse corpus")
def test_archives_are_never_unpacked(service):
    """Nothing of an archive is seen but what Python reads of it."""
    front = service.pid_of("belljar-front")
    for name in zip_cases():
        with open(os.path.join(CORPUS, "protocol", name), encoding="utf-8") as file:
            archive = json.load(file).get("archive", {})
        data = base64.b64decode(archive.get("b64", "")) or b"PK\x05\x06" + bytes(18)
        code = "import os, sys\nassert os.listdir('.') == ['python_lib.zip']\nsize = os.path.getsize('python_lib.zip')\ntry:\n    import nothing\nexcept ImportError: pass"
        status, answer = run(service, {"code": code, "globals_dict": {}, "python_path": ["python_lib.zip"]}, [("python_lib.zip", data)])
        assert (status, answer) == (200, {"globals_dict": {"size": len(data)}}), name
    assert service.pid_of("belljar-front") == front


def test_other_types_are_refused(service):
    for kind in ("application/json", "multipart/mixed; boundary=XbX", "text/plain"):
        status, _, answer = service.ask("POST", PATH, b"{}", {"Content-Type": kind})
        assert status == 415 and list(answer) == ["error"]


# ---- its own client ----

@pytest.mark.skipif(not all(importlib.util.find_spec(name) for name in ("xblocks_contrib", "django", "codejail", "edx_toggles", "edx_rest_api_client")), reason="host lacks xblocks-contrib")
def test_its_own_client(service):
    from django.conf import settings  # pylint: disable=import-outside-toplevel
    if not settings.configured:
        settings.configure(CODE_JAIL_REST_SERVICE_HOST="http://localhost:%d" % service.port, CODE_JAIL_REST_SERVICE_CONNECT_TIMEOUT=5,
                           CODE_JAIL_REST_SERVICE_READ_TIMEOUT=10, USE_I18N=False)
    settings.CODE_JAIL_REST_SERVICE_HOST = "http://localhost:%d" % service.port
    place = importlib.util.find_spec("xblocks_contrib").submodule_search_locations[0]
    alone = sys.modules["its_safe_exec"] = types.ModuleType("its_safe_exec")  # of all that package only this needs to be there
    alone.__path__ = [os.path.join(place, "problem", "capa", "safe_exec")]
    remote_exec = importlib.import_module("its_safe_exec.remote_exec")
    asked = {"code": "from course_library import triangular_number\nout = triangular_number(n)", "globals_dict": {"n": 6, "special": math.nan},
             "python_path": ["python_lib.zip"], "limit_overrides_context": None, "slug": None, "unsafely": False,
             "extra_files": [("python_lib.zip", library())]}
    assert remote_exec.send_safe_exec_request_v0(dict(asked)) == (None, None)
    assert asked["globals_dict"]["out"] == 21 and math.isnan(asked["globals_dict"]["special"])
    emsg, error = remote_exec.send_safe_exec_request_v0({**asked, "code": "1/0", "extra_files": []})
    assert "ZeroDivisionError" in emsg and "ZeroDivisionError" in str(error)
