"""belljar cgi with a hand-made environment: what each request is answered, what is refused and how, what ends a run.

Its own file because no web server is needed for it; test_cgi_apache.py has a real one.
Changes when: belljar cgi answers another kind of request.
"""
import base64
import json
import os
import signal
import subprocess
import time

import cgi_request
import leaks
import pytest
from cgi_request import form

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
LIMITS = ("-t", 6, "-w", 10, "-m", "250M")


@pytest.fixture(scope="module")
def ask(belljar):
    """ask(query, *options, method=..., headers=..., body=...)"""
    def send(query="", *options, body=None, sent=None, words=(), **more):
        variables = cgi_request.environment(query=query, body=body, **more)
        return cgi_request.send(belljar, options, variables, (body or b"") if sent is None else sent, words)
    return send


@pytest.fixture(scope="module")
def run(ask):
    """run(script, *options): the script as a field of the address."""
    return lambda script, *options, **more: ask(form(user_script=script), *options, **more)


@pytest.fixture(scope="module")
def request_json(ask):
    """request_json({...}, *options): a spec as the body."""
    def send(spec, *options, headers=(), **more):
        body = spec if isinstance(spec, bytes) else json.dumps(spec).encode()
        return ask("", *options, method="POST", headers={**JSON, **dict(headers)}, body=body, **more)
    return send


# ---- the form of the old script

def test_the_recipe(run):
    answer = run('print("hello CGI!")', *LIMITS)
    assert answer.body.startswith(b"stdout:\nb'hello CGI!\\n'\nstderr:\nb'") and b"OK\\nelapsed time: 0 seconds\\n" in answer.body, answer
    assert answer.streams == (b"hello CGI!\n", b"", "OK") and answer.returncode == 0 and not answer.log, answer
    assert answer.headers["cache-control"] == "no-store" and answer.headers["x-content-type-options"] == "nosniff"


VERDICTS = [("import sys; sys.exit(3)", (), "Command exited with non-zero status (3)"),
            ("1/0", (), "Command exited with non-zero status (1)"),
            ("while True: pass", ("-w", 1), "Time Limit Exceeded"),
            ("while True: pass", ("-t", 1, "-w", 20), "Time Limit Exceeded"),
            ("import time; time.sleep(60)", ("-w", 1), "Time Limit Exceeded"),
            ("import os; os.kill(os.getpid(), 9)", (), "Command terminated by signal (9: SIGKILL)"),
            ("print('x' * 100000)", ("--output-limit", 1000), "Output Limit Exceeded")]


@pytest.mark.parametrize("script,options,verdict", VERDICTS, ids=[script for script, _, _ in VERDICTS])
def test_verdicts_are_safeexecs(run, script, options, verdict):
    answer = run(script, *options)
    assert answer.streams[2] == verdict, answer


def test_memory(run):
    """By a control group, or where there is none by the address space."""
    _, err, verdict = run("x = bytearray(10**9)", *LIMITS).streams
    assert verdict == "Memory Limit Exceeded" or (b"MemoryError" in err and verdict == "Command exited with non-zero status (1)")


def test_a_traceback_stands_before_the_report(run):
    out, err, _ = run("import sys\nprint(1)\nsys.stderr.write('mine\\n')\nnothing").streams
    assert out == b"1\n" and err.startswith(b"mine\nTraceback (most recent call last):\n"), err
    assert err.endswith(b"NameError: name 'nothing' is not defined\n"), err


def test_every_byte_arrives(run):
    out, err, _ = run("import sys\nfor s in sys.stdout, sys.stderr: s.buffer.write(bytes(range(256)) + b'\\n')").streams
    assert out == err == bytes(range(256)) + b"\n"


def test_text_that_was_encoded(ask, run):
    assert run("print('a+b=c & d%41;', 'ä€🐍')").streams[0] == "a+b=c & d%41; ä€🐍\n".encode()
    assert run("if 1:\r\n    print(1)\r\nprint(2)\r\n").streams[0] == b"1\n2\n"  # as a browser sends lines
    assert ask("user_script=print(5%2)").streams[0] == b"1\n"  # "%2)" is no byte
    assert ask("other=1&%75ser_script=print(2)&user_scripts=3").streams[0] == b"2\n"


def test_a_form_in_the_body(ask):
    body = form(user_script="print(7)", other="x" * 5000).encode()
    for kind in (FORM["Content-Type"], "Application/X-WWW-Form-UrlEncoded; charset=UTF-8"):
        assert ask("", method="POST", headers={"Content-Type": kind}, body=body).streams[0] == b"7\n"
    assert ask("user_script=print(8)", method="POST", headers=FORM, body=b"").streams[0] == b"8\n"


BAD_FORMS = [("", b""), ("user_script=", b""), ("a=user_script", b""), ("user_script=1&user_script=2", b""),
             ("user_script=1", b"user_script=2"), ("", b"user_script=%FF"), ("user_script=a%00b", b""), ("", b"user_script=a\0b"),
             ("User_Script=1", b""), ("", b'{"code": "1"}')]


@pytest.mark.parametrize("query,body", BAD_FORMS, ids=repr)
def test_forms_that_are_refused(ask, query, body):
    answer = ask(query, method="POST", headers=FORM, body=body)
    assert answer.status == 400 and "user_script" in answer.problem["detail"], answer


def test_a_get_has_no_body(ask):
    answer = ask("user_script=print(1)", headers=FORM, body=b"user_script=2")
    assert answer.streams[0] == b"1\n"


# ---- requests in JSON

def test_a_request_is_answered_with_its_result(request_json):
    result = request_json({"version": 1, "code": "y = x + 1\nprint(y)", "globals": {"x": 41}}, *LIMITS).result
    assert (result["status"], result["stdout"], result["globals"]["y"]) == ("ok", "42\n", 42), result
    assert request_json({"expression": "6 * 7"}).result["value"] == 42
    files = [{"path": "m.py", "text": "open('o', 'w').write('7')"}]
    result = request_json({"command": ["python3", "m.py"], "files": files, "collect": ["o"]}).result
    assert [(f["path"], base64.b64decode(f["base64"])) for f in result["files"]] == [("o", b"7")], result


def test_a_run_that_fails_is_answered_all_the_same(request_json):
    assert request_json({"code": "1/0"}).result["exception"]["type"] == "ZeroDivisionError"
    assert request_json({"code": "while 1: pass", "limits": {"wall_seconds": 0.5}}).result["status"] == "time_limit"


NARROWED = [
    ({"limits": {"wall_seconds": 11}}, "limits.wall_seconds"),
    ({"limits": {"wall_seconds": "2"}}, "limits.wall_seconds"),
    ({"limits": {"memory_bytes": 300 << 20}}, "limits.memory_bytes"),
    ({"network": "host"}, "network"),
    ({"layers": {"seccomp": "off"}}, "layers.seccomp"),
    ({"syscalls": ["ptrace"]}, "syscalls"),
    ({"mounts": [{"source": "/etc", "target": "/data"}]}, "mounts[0].source"),
    ({"files": [{"path": "p", "source": "/etc/passwd"}]}, "files[0].source"),
    ({"mount_sources": ["/"]}, "mount_sources"),
    ({"profile": "sh"}, "profile"),
    ({"profile": "/tmp/x.json"}, "profile"),
    ({"command": ["true"]}, "command"),
    ({"wat": 1}, "wat"),
]


@pytest.mark.parametrize("asked,field", NARROWED, ids=[json.dumps(asked) for asked, _ in NARROWED])
def test_a_request_can_only_narrow(request_json, asked, field):
    """The profile, with the operator's options: it gets no more than a form does."""
    answer = request_json({"code": "print(1)", **asked}, *LIMITS)
    assert answer.status == 422 and answer.problem["field"] == field, answer


def test_the_options_are_part_of_what_is_narrowed(request_json):
    assert request_json({"profile": "python", "code": "1", "limits": {"wall_seconds": 9}}, "-w", 9).result["status"] == "ok"
    assert request_json({"code": "1", "limits": {"wall_seconds": 5}}, "-w", 4).status == 422
    assert request_json({"code": "import re", "policy": {}}, "--features", "math").problem["field"] == "policy"
    assert request_json({"code": "import re"}, "--features", "math").result["status"] == "exception"
    assert request_json({"command": ["sh", "-c", "echo $0"]}, "-P", "sh").result["stdout"] == "sh\n"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"code": "1", "code": "2"}', b"[" * 100000, b'{"code": "1"} x',
                                  b"user_script=1"], ids=lambda body: repr(body[:20]))
def test_what_is_no_json(request_json, body):
    answer = request_json(body)
    assert answer.status == 400 and "field" not in answer.problem, answer


def test_nothing_to_run(request_json):
    assert request_json({}).status == 422


# ---- bodies

@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/xml", "", None])
def test_other_bodies(ask, kind):
    answer = ask("", method="POST", headers={"Content-Type": kind}, body=b'{"code": "1"}')
    assert answer.status == 415 and "application/json" in answer.problem["detail"], answer


def test_lengths(ask):
    for length, status in ((None, 411), ("", 411), ("-1", 400), ("1x", 400), ("2000000", 413), ("9" * 30, 413)):
        answer = ask("", method="POST", headers={**JSON, "Content-Length": length})
        assert answer.status == status and answer.problem, (length, answer)


def test_a_body_is_bounded(request_json):
    spec = {"code": "print(len(x))", "globals": {"x": "y" * (1 << 20)}}
    assert request_json(spec).status == 413
    assert request_json(spec, "--body-limit", "2M").result["stdout"] == "1048576\n"
    assert request_json({"code": "1"}, "--body-limit", 5).status == 413


def test_a_body_that_ends_early(request_json, ask):
    answer = ask("", method="POST", headers=JSON, body=b'{"code": "1"}', sent=b'{"co')
    assert answer.status == 400 and answer.problem["detail"] == "the body ends after 4 of 13 bytes", answer


def test_what_stands_behind_a_body_is_not_waited_for(belljar):
    body = b'{"expression": "6 * 7"}'
    variables = cgi_request.environment("POST", headers=JSON, body=body)
    with cgi_request.start(belljar, (), variables) as child:
        child.stdin.write(body + b"more")
        child.stdin.flush()  # and it stays open
        answer = cgi_request.parse(child.stdout.read())
    assert answer.result["value"] == 42


# ---- methods

def test_head_runs_nothing(ask):
    answer = ask(form(user_script="while True: pass"), method="HEAD")
    assert (answer.status, answer.body) == (200, b"") and answer.headers["content-type"].startswith("text/plain"), answer
    assert answer.seconds < 5
    for refused in (ask("", method="HEAD"), ask("user_script=1", method="HEAD", headers={"Host": "evil.example"})):
        assert refused.status in (400, 403) and not refused.body, refused


def test_options(ask):
    answer = ask("", method="OPTIONS")
    assert (answer.status, answer.body, answer.headers["allow"]) == (204, b"", "GET, HEAD, POST, OPTIONS"), answer


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "get", "A" * 5000])
def test_other_methods(ask, method):
    answer = ask("user_script=1", method=method)
    assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD, POST, OPTIONS" and answer.problem, answer


# ---- whose page asks

FRIEND = "https://friend.example"


def test_nothing_is_said_to_other_sites_unless_asked_for(run, ask):
    for answer in (run("1"), run("1", headers={"Origin": "http://localhost:8080"}), run("1", headers={"Origin": FRIEND}),
                   ask("", method="OPTIONS", headers={"Origin": FRIEND})):
        assert not [name for name in answer.headers if name.startswith("access-control")], answer


REFUSED = [{"Origin": FRIEND}, {"Origin": "null"}, {"Origin": "http://localhost"}, {"Sec-Fetch-Site": "cross-site"},
           {"Sec-Fetch-Site": "same-site"},
           {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}]


@pytest.mark.parametrize("headers", REFUSED, ids=repr)
def test_pages_of_other_sites_are_refused(run, request_json, headers):
    for answer in (run("1", headers=headers), request_json({"code": "1"}, headers=headers)):
        assert answer.status == 403 and answer.problem and not answer.log, answer


def test_a_site_that_the_operator_names(run, request_json, ask):
    headers = {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"}
    answers = [run("1", "--allow-origin", "https://a.example," + FRIEND, headers=headers),
               ask("", "--allow-origin", FRIEND, headers=headers),
               request_json({"code": "1"}, "--allow-origin", FRIEND, headers=headers)]
    assert [answer.status for answer in answers] == [200, 400, 200], answers
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == FRIEND and answer.headers["vary"] == "Origin", answer
    headers["Access-Control-Request-Method"] = "POST"
    before = ask("", "--allow-origin", FRIEND, method="OPTIONS", headers=headers).headers
    assert before["access-control-allow-headers"] == "Content-Type" and "POST" in before["access-control-allow-methods"], before
    assert run("1", "--allow-origin", FRIEND, headers={"Origin": "https://other.example"}).status == 403
    assert run("1", "--allow-origin", "*", headers={"Origin": "null"}).headers["access-control-allow-origin"] == "*"


def test_hosts_that_the_operator_names(run):
    headers = {"Host": "code.example"}
    assert run("1", headers=headers).status == 403
    assert run("1", headers=headers, REMOTE_ADDR="192.0.2.1").status == 200
    assert run("1", "--host", "a.example,code.example", headers=headers).status == 200
    assert run("1", "--host", "a.example", headers=headers, REMOTE_ADDR="192.0.2.1").status == 403


# ---- what a server hands over

SECRETS = {"Cookie": "secret-1", "Authorization": "secret-2", "Proxy": "http://secret-3"}


def test_nothing_of_the_request_reaches_the_program(request_json):
    look = "import os, sys\nprint(os.environ, sys.argv, sys.stdin.read())\n"
    for spec, options in (({"code": look}, ()), ({"command": ["python3", "-c", look]}, ()), ({"command": ["env"]}, ("-P", "sh"))):
        result = request_json({**spec, "stdin": "mine"}, *options, headers=SECRETS, REMOTE_USER="secret-4").result
        assert result["status"] == "ok" and "secret" not in json.dumps(result) and "CGI/1.1" not in result["stdout"], result


def test_no_variable_is_copied(belljar):
    variables = cgi_request.environment(query="user_script=1", headers=SECRETS)
    done = subprocess.run([belljar, "cgi", "--env", "HTTP_COOKIE"], env=variables, check=False, capture_output=True)
    assert done.returncode == 125 and b"write HTTP_COOKIE=VALUE" in done.stderr and not done.stdout, done


def test_a_variable_with_a_value(run):
    assert run("import os; print(os.environ['A'])", "-E", "A=b").streams[0] == b"b\n"


# What has been tried on other CGI programs (CVE-2012-1823, CVE-2012-2311, CVE-2024-4577), with options of this one.
WORDS = ["--profile+x", "--off+seccomp", "-w+1000", "%2D%2Dshare-net", "--share-net+--", "%AD%ADshare-net", "+--share-net",
         "\n--share-net", "%2D%2Dallow-origin%3D*", "--help", "--version", "-V", "-", "x", "help", "doctor", "exec+-",
         "run+--share-net+--+touch+%s"]


@pytest.mark.parametrize("query", WORDS, ids=repr)
def test_words_of_a_query_are_never_options(belljar, tmp_path, query):
    """Whatever makes a command line of them: the wrapper as it should be, one that hands over all it gets, or none at all."""
    mark = tmp_path / "mark"
    query = query.replace("%s", str(mark))
    words = cgi_request.words_of(query)
    variables = cgi_request.environment(query=query)
    for argv in ([belljar, "cgi", "-w", "4"], [belljar, "cgi", "-w", "4", *words], [belljar, "cgi", *words], [belljar, *words],
                 [belljar, "cgi", "/usr/lib/cgi-bin/run_code.py", *words]):
        done = subprocess.run(argv, env=variables, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=20)
        if argv == [belljar, *words] and not words[0].isascii():
            assert (done.returncode, done.stdout) == (125, b""), (argv, done)  # in other bytes, it is no command
            continue
        answer = cgi_request.parse(done.stdout, log=done.stderr)
        assert answer.status == 400 and answer.problem and "no options of mine" in answer.log, (argv, answer)
    assert not mark.exists()


def test_words_are_refused_with_a_body_too(ask, request_json):
    assert ask("--off+seccomp", method="POST", headers=JSON, body=b'{"code": "1"}').status == 400


def test_a_script_that_uses_the_command_is_none_of_ours(belljar):
    """It has a query of its own, whose words are not what it calls us with."""
    variables = cgi_request.environment(query="show+all")
    done = subprocess.run([belljar, "eval", "6 * 7"], env=variables, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "42\n"), done


def test_the_path_of_a_script_may_follow(ask):
    assert ask("user_script=print(1)", words=["/usr/lib/cgi-bin/run_code.py"]).streams[0] == b"1\n"


# ---- mistakes of the operator

MISTAKES = [(["--profile", "no-such"], "no-such", 500), (["--off", "secomp"], '--off: "secomp"', 500), (["-E", "=x"], "--env", 500),
            (["--file", "a=/nowhere/at-all"], "/nowhere/at-all", 503)]


@pytest.mark.parametrize("options,told,status", MISTAKES, ids=[told for _, told, _ in MISTAKES])
def test_what_is_wrong_here_is_not_told_to_strangers(run, request_json, options, told, status):
    for answer in (run("1", *options), request_json({"code": "1"}, *options)):
        assert answer.status == status and told in answer.log and told not in answer.body.decode(), answer


def test_a_host_without_jails(run, request_json):
    for answer in (run("1", BELLJAR_GUEST="/nowhere/at-all"), request_json({"code": "1"}, BELLJAR_GUEST="/nowhere/at-all")):
        assert answer.status == 503 and "/nowhere" in answer.log and b"/nowhere" not in answer.body, answer


WRONG = [(["--allow-origin", "friend.example"], "--allow-origin: "), (["--allow-origin", "null"], "--allow-origin: "),
         (["--body-limit", "1Q"], "--body-limit: "), (["--body-limit", "49M"], "--body-limit: "),
         (["a", "b"], '"b": takes no such word'),
         (["--json"], "--json: is not an option of cgi"), (["--spec", "-"], "--spec: is not an option of cgi")]


@pytest.mark.parametrize("words,told", WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_options_that_are_wrong(belljar, words, told):
    variables = cgi_request.environment(query="user_script=1")
    done = subprocess.run([belljar, "cgi", *words], env=variables, check=False, capture_output=True)
    assert done.returncode == 125 and told in done.stderr.decode() and not done.stdout, done


def test_without_a_server(belljar):
    done = subprocess.run([belljar, "cgi"], env={"PATH": os.environ["PATH"]}, check=False, capture_output=True)
    assert done.returncode == 125 and b"a web server starts this command" in done.stderr, done


# ---- what ends a run

def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def endless(belljar):
    """A run that would last for a minute, once it is under way."""
    variables = cgi_request.environment(query=form(user_script="import os\nwhile True: os.getpid()"))
    before = leaks.descendants()
    with cgi_request.start(belljar, ("-w", 60, "-t", 60), variables) as child:
        child.stdin.close()
        wait_until(lambda: len(leaks.descendants().keys() - before.keys()) > 2)
        time.sleep(0.2)
        child.jailed = leaks.descendants().keys() - before.keys()
        yield child
        if child.poll() is None:
            child.kill()


@pytest.mark.parametrize("number,status", [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129), (signal.SIGKILL, -9)])
def test_a_signal_ends_it(endless, run, number, status):
    endless.send_signal(number)
    assert endless.wait(5) == status
    assert endless.stdout.read() == b""
    wait_until(lambda: not endless.jailed & leaks.descendants().keys(), 5)
    if number == signal.SIGKILL:  # it could remove nothing itself: the next run does, of what the kernel does not
        assert run("print(1)").status == 200


def test_a_server_that_reads_no_more_ends_it(endless):
    endless.stdout.close()
    assert endless.wait(5) == 125


def test_an_answer_that_nobody_reads(belljar):
    """More than a pipe holds: it waits, and a signal still ends it."""
    script = "import sys; sys.stdout.write('x' * 500000)"
    with cgi_request.start(belljar, (), cgi_request.environment(query=form(user_script=script))) as child:
        child.stdin.close()
        time.sleep(1.5)
        assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        assert child.wait(5) == 125
