"""Clients of Piston: its documented requests and answers (docs/api-v2.md), and what must not come through.

Its own file because it is one other service's interface.
Changes when: Piston asks or answers in another way.
"""
import base64
import json
import os
import re
import shutil
import time

import pytest

import belljar_run

CORPUS = os.environ.get("BELLJAR_ABUSE_CORPUS") or os.path.join(os.path.dirname(belljar_run.ROOT), "shared", "abuse")


@pytest.fixture(scope="module")
def piston(service):  # which is there for longer, and looks at what is left behind
    import service as services  # pylint: disable=import-outside-toplevel
    with services.Service(profiles=(("python", 1), ("sh", 0), ("c", 0), ("node", 0))) as one:
        yield one


def run(service, content="", language="python", name=None, **more):
    files = [{"content": content, **({"name": name} if name else {})}] + more.pop("files", [])
    status, answer = service.post("/api/v2/execute", {"language": language, "version": "*", "files": files, **more})
    assert status == 200, answer
    return answer


def refused(service, **body):
    status, answer = service.post("/api/v2/execute", body)
    assert status == 400 and list(answer) == ["message"], (status, answer)
    return answer["message"]


def offered(service):
    status, _, answer = service.ask("GET", "/api/v2/runtimes")
    assert status == 200
    return {one["language"]: one for one in answer}


# ---- what is documented ----

def test_runtimes(piston):
    python = offered(piston)["python"]
    assert re.fullmatch(r"3\.\d+\.\d+", python["version"]) and python["aliases"] == ["py", "py3", "python3"] and "runtime" not in python
    assert offered(piston)["bash"]["aliases"] == ["sh"]
    assert ("c" in offered(piston)) == bool(shutil.which("gcc"))


def test_only_what_is_served(service):
    assert set(offered(service)) == {"python", "bash"}
    assert refused(service, language="c", version="*", files=[{"content": "x"}]) == "c-* runtime is unknown"


@pytest.mark.skipif(not shutil.which("node"), reason="host lacks node")
def test_the_documented_example(piston):
    asked = {"language": "js", "version": offered(piston)["javascript"]["version"], "files": [{"name": "my_cool_code.js", "content": "console.log(process.argv)"}],
             "stdin": "", "args": ["1", "2", "3"], "compile_timeout": 10000, "run_timeout": 3000, "compile_memory_limit": -1, "run_memory_limit": -1}
    status, answer = piston.post("/api/v2/execute", asked)
    assert status == 200 and set(answer) == {"run", "language", "version"} and answer["language"] == "javascript"
    ran = answer["run"]
    assert re.fullmatch(r"\[ *\n? *'[^']*node',\s*'[^']*my_cool_code.js',\s*'1',\s*'2',\s*'3'\s*\]\n", ran["stdout"])
    assert ran["output"] == ran["stdout"] and ran["stderr"] == "" and ran["code"] == 0 and ran["signal"] is None


def test_what_a_run_tells(piston):
    answer = run(piston, "import sys\nprint(sys.argv, input())\nprint('e', file=sys.stderr)", args=["1", "a b"], stdin="hi", name="m.py")
    ran = answer["run"]
    assert ran["stdout"] == "['m.py', '1', 'a b'] hi\n" and ran["stderr"] == "e\n"
    assert sorted(ran["output"].split("\n")) == sorted((ran["stdout"] + ran["stderr"]).split("\n"))
    assert (ran["code"], ran["signal"], ran["status"], ran["message"]) == (0, None, None, None)
    assert all(isinstance(ran[name], int) for name in ("cpu_time", "wall_time", "memory"))
    assert "compile" not in answer


def test_output_is_in_order(piston):
    code = "import sys, time\nfor n in range(4):\n    print(n, file=(sys.stdout, sys.stderr)[n % 2], flush=True)\n    time.sleep(0.05)"
    assert run(piston, code)["run"]["output"] == "0\n1\n2\n3\n"


def test_an_empty_stdin_is_a_line(piston):
    assert run(piston, "print(repr(input()))")["run"]["stdout"] == "''\n"


@pytest.mark.parametrize("encoding,content", [("base64", base64.b64encode(b"\0\xff").decode()), ("hex", "00fF")])
def test_encodings(piston, encoding, content):
    answer = run(piston, "print(open('d/b.bin', 'rb').read())", files=[{"name": "d/b.bin", "content": content, "encoding": encoding}])
    assert answer["run"]["stdout"] == "b'\\x00\\xff'\n"


def test_the_first_file_is_the_program(piston):
    files = [{"name": "data", "content": "eA==", "encoding": "base64"}, {"name": "main.py", "content": "import other"}, {"name": "other.py", "content": "print(7)"}]
    status, answer = piston.post("/api/v2/execute", {"language": "python3", "version": "3.x", "files": files})
    assert status == 200 and answer["run"]["stdout"] == "7\n"


@pytest.mark.parametrize("code,options,expected", [
    ("exit(3)", {}, {"code": 3, "signal": None, "status": "RE", "message": "Exited with error status 3"}),
    ("import os\nos.kill(os.getpid(), 11)", {}, {"code": None, "signal": "SIGSEGV", "status": "SG", "message": "Caught fatal signal 11"}),
    ("import time\ntime.sleep(9)", {"run_timeout": 200}, {"code": None, "signal": "SIGKILL", "status": "TO", "message": "Time limit exceeded (wall clock)"}),
    ("while True: pass", {"run_cpu_time": 200}, {"code": None, "signal": "SIGKILL", "status": "TO", "message": "Time limit exceeded"}),
    ("while True: print('x' * 9999)", {}, {"code": None, "signal": "SIGKILL", "status": "OL", "message": "stdout length exceeded"}),
    ("import sys\nwhile True: sys.stderr.write('x' * 9999)", {}, {"code": None, "signal": "SIGKILL", "status": "EL", "message": "stderr length exceeded"}),
    ("x = bytearray(10 ** 9)\nx[::4096] = x[::4096]", {"run_memory_limit": 30000000}, {"code": None, "signal": "SIGKILL", "status": "SG"}),
])
def test_what_ends_a_run(piston, code, options, expected):
    ran = run(piston, code, **options)["run"]
    if "memory" in str(options) and ran["code"] == 1:
        pytest.skip("host lacks a control group: memory of each process is limited instead")
    assert {name: ran[name] for name in expected} == expected


def test_what_is_no_text_is_replaced(piston):
    assert run(piston, "import sys\nsys.stdout.buffer.write(b'a\\xff')")["run"]["stdout"] == "a\ufffd"


# ---- compiled ----

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="host lacks gcc")


@needs_gcc
def test_compiling(piston):
    source = '#include <math.h>\n#include <stdio.h>\n#include "x.h"\nint main(int c, char **v) { printf("%s %.0f", v[1], sin(0)); return X; }'
    answer = run(piston, source, "c", "m.c", args=["arg"], files=[{"name": "x.h", "content": "#define X 3"}])
    assert answer["compile"]["code"] == 0 and answer["compile"]["signal"] is None
    assert answer["run"]["stdout"] == "arg 0" and answer["run"]["code"] == 3


@needs_gcc
def test_what_does_not_compile(piston):
    answer = run(piston, "int main(){", "c")
    assert answer["run"] == answer["compile"] and answer["run"]["code"] == 1 and "error" in answer["run"]["stderr"]


@needs_gcc
def test_limits_of_each_stage(piston):
    answer = run(piston, "int main(){for(;;);}", "c", run_timeout=200, compile_timeout=15000)
    assert answer["compile"]["status"] is None and answer["run"]["status"] == "TO"
    assert run(piston, "int main(){}", "c", compile_timeout=1)["compile"]["status"] == "TO"


@needs_gcc
def test_a_program_of_ones_own_is_not_run_instead(piston):
    answer = run(piston, "#include <stdio.h>\nint main(){puts(\"compiled\");}", "c", files=[{"name": "a.out", "content": "#!/bin/sh\necho given"}])
    assert "given" not in answer["run"]["stdout"]


# ---- refusals in its words ----

@pytest.mark.parametrize("body,message", [
    ({}, "language is required as a string"), ({"language": 5}, "language is required as a string"),
    ({"language": "python"}, "version is required as a string"), ({"language": "python", "version": "*"}, "files is required as an array"),
    ({"language": "python", "version": "*", "files": [{}]}, "files[0].content is required as a string"),
    ({"language": "python", "version": "*", "files": []}, "files must include at least one utf8 encoded file"),
    ({"language": "python", "version": "*", "files": [{"content": "", "encoding": "hex"}]}, "files must include at least one utf8 encoded file"),
    ({"language": "cobol", "version": "1.0.0", "files": [{"content": ""}]}, "cobol-1.0.0 runtime is unknown"),
    ({"language": "python", "version": "2.7.0", "files": [{"content": ""}]}, "python-2.7.0 runtime is unknown"),
    ({"language": "python", "version": "*", "files": [{"content": ""}], "run_timeout": "1"}, "If specified, run_timeout must be a number"),
    ({"language": "python", "version": "*", "files": [{"content": ""}], "run_timeout": 999999}, "run_timeout cannot exceed the configured limit of 6000"),
    ({"language": "python", "version": "*", "files": [{"content": ""}], "run_cpu_time": -5}, "run_cpu_time must be non-negative"),
])
def test_refusals(piston, body, message):
    assert refused(piston, **body) == message


def test_other_types_are_refused(piston):
    status, _, answer = piston.ask("POST", "/api/v2/execute", b"{}", {"Content-Type": "text/plain"})
    assert (status, answer) == (415, {"message": "requests must be of type application/json"})


def test_who_may_have_none(start):
    service = start(anonymous=False)
    status, _, answer = service.ask("GET", "/api/v2/runtimes")
    assert status == 401 and list(answer) == ["message"]


# ---- what must not come through ----

@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "a//b", "a\0b", "a\nb", "x" * 5000, "/".join("d" * 100), ".", "a/", "\x7f"])
def test_odd_names(piston, name):
    before = len(piston.events("run"))
    assert refused(piston, language="python", version="*", files=[{"content": "1", "name": name}])
    assert len(piston.events("run")) == before


def test_names_that_look_like_options(piston):
    assert run(piston, "print(1)", name="-c")["run"]["stdout"] == "1\n"


def file_cases():
    directory = os.path.join(CORPUS, "protocol")
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    return [name for name in names if name.startswith("files_")]


@pytest.mark.skipif(not file_cases(), reason="host lacks the abuse corpus")
def test_files_of_the_corpus(piston):
    """Whatever is refused or run: nothing of it is outside of the working directory, and the front lives on."""
    front = piston.pid_of("belljar-front")
    code = "import os\nprint(sorted(os.path.join(p, n) for p, _, f in os.walk('/') if not p.startswith(('/usr', '/proc', '/dev', '/sys')) for n in f if not p.startswith('/box')))"
    plain = run(piston, code, name="main.py")["run"]["stdout"]
    for name in file_cases():
        with open(os.path.join(CORPUS, "protocol", name), encoding="utf-8") as file:
            case = json.load(file)
        for variant in case.get("request_variants", ()):
            if not isinstance(variant, dict) or not isinstance(variant.get("files"), list):
                continue
            files = [{"name": "main.py", "content": code}, *variant["files"]]
            status, answer = piston.post("/api/v2/execute", {"language": "python", "version": "*", "files": files})
            assert status == 400 or (status == 200 and answer["run"]["stdout"] in (plain, "")), (name, variant, answer)
    assert piston.pid_of("belljar-front") == front


def test_who_hangs_up_ends_his_run(piston):
    """While it is compiled, while a version is asked for, while it runs."""
    for language, code in (("python", "import time\ntime.sleep(5)"), ("bash", "sleep 5")):
        body = json.dumps({"language": language, "version": "*", "files": [{"content": code}]}).encode()
        with piston.connect() as connection:
            connection.sendall(b"POST /api/v2/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            time.sleep(0.3)
    end = time.monotonic() + 3
    while piston.metrics()["belljar_runs_running"] > 0:
        assert time.monotonic() < end
        time.sleep(0.05)
