"""belljar cgi under a real Apache with mod_cgid, as www-data where the tests are root's: by HTTP, as a client meets it.

Its own file because it needs a server; what each request is answered stands in test_cgi.py.
Changes when: belljar cgi is started or ended in another way.
"""
import concurrent.futures
import contextlib
import http.client
import json
import os
import pwd
import re
import signal
import stat
import time

import apache
import belljar_run
import cgi_request
import pytest
from cgi_request import form

ENDLESS = "run_code.py?" + form(user_script="while True: pass")
JSON = {"Content-Type": "application/json"}


def recipe():
    """The wrapper, as the README gives it."""
    with open(os.path.join(belljar_run.ROOT, "README.md"), encoding="utf-8") as file:
        lines = re.findall(r"#!/usr/bin/env -S belljar cgi [^']*", file.read())
    assert len(lines) == 1, lines
    return lines[0] + "\n"


SCRIPTS = {
    "shell": '#!/bin/sh\nexec belljar cgi -w 4\n',
    "careless": '#!/bin/sh\nexec belljar cgi -w 4 "$@"\n',
    "more-careless": '#!/bin/sh\nexec belljar "$@"\n',
    "words": '#!/bin/sh\necho Content-Type: text/plain\necho\necho "[$*]"\n',
}


@pytest.fixture(scope="module")
def server(belljar):
    try:
        apache.check_host()  # before the recipe is read, which is not on every machine that has these tests
        with apache.serving(belljar, {"run_code.py": recipe(), **SCRIPTS}) as one:
            yield one
    except apache.Lacking as lacking:
        pytest.skip(str(lacking))


def ask(server, *words, **more):
    return cgi_request.Answer(*server.ask(*words, **more), log=server.log().encode())


def post(server, spec, **headers):
    return ask(server, "POST", "shell", json.dumps(spec), {**JSON, **headers})


def test_the_recipe(server):
    answer = ask(server, "GET", 'run_code.py?user_script=print("hello%20CGI!")')
    assert answer.streams == (b"hello CGI!\n", b"", "OK"), answer
    assert answer.headers["cache-control"] == "no-store" and "access-control-allow-origin" not in answer.headers


def test_forms_and_json(server):
    form_type = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ask(server, "POST", "shell", form(user_script="print(6 * 7)"), form_type).streams[0] == b"42\n"
    assert post(server, {"expression": "6 * 7"}).result["value"] == 42
    assert post(server, {"code": "1", "limits": {"wall_seconds": 5}}).problem["field"] == "limits.wall_seconds"
    assert post(server, {"code": "print(len(x))", "globals": {"x": "y" * 900000}}).result["stdout"] == "900000\n"


def test_other_methods(server):
    head = ask(server, "HEAD", ENDLESS)
    assert (head.status, head.body) == (200, b""), head
    options = ask(server, "OPTIONS", "run_code.py")
    assert (options.status, options.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS"), options
    assert ask(server, "PUT", "run_code.py", "1").status == 405


REFUSED = [(413, "x" * 3000000, JSON), (415, "x" * 300000, {"Content-Type": "text/plain"}), (400, "{" * 300000, JSON),
           (403, "x" * 300000, {**JSON, "Origin": "https://evil.example"}),
           (411, (b"x" * 10000 for _ in range(30)), JSON)]  # in chunks


@pytest.mark.parametrize("status,body,headers", REFUSED, ids=[str(status) for status, _, _ in REFUSED])
def test_a_refusal_arrives_although_the_body_is_not_read(server, status, body, headers):
    """mod_cgid has one socket for both directions: what is left unread in it would take the answer along."""
    before = server.log()
    answer = ask(server, "POST", "run_code.py", body, headers)
    assert answer.status == status and answer.problem, answer
    assert server.log() == before


def test_words_of_a_query_are_never_options(server, tmp_path):
    mark = tmp_path / "mark"
    tmp_path.chmod(0o777)
    for query in ("--profile+x", "--off+seccomp", "--share-net", "-w+1000", "--allow-origin+*", "--version", "doctor",
                  "%2D%2Doff%20x", "cgi+--share-net", "run+--bind+%s+/data+--+touch+/data/mark" % tmp_path):
        words = ask(server, "GET", "words?" + query).body.decode()
        assert "=" not in query and words != "[]\n", words  # the server does hand them over
        for script in ("run_code.py", "shell", "careless", "more-careless"):
            answer = ask(server, "GET", script + "?" + query)
            assert answer.status == 400 and answer.problem, (script, query, answer)
    assert not mark.exists()


def test_nothing_of_the_server_reaches_the_program(server):
    headers = {"Cookie": "secret-1", "Authorization": "secret-2", "Proxy": "secret-3"}
    for code in ("import os, sys; print(os.environ, sys.argv)", "print(open('/proc/self/environ').read())",
                 "import os, stat\nfor n in range(64):\n    try: print('of the server:' * (not stat.S_ISFIFO(os.fstat(n).st_mode)))"
                 "\n    except OSError: pass"):  # pipes are the jail's own, sockets would be the server's
        result = post(server, {"code": code}, **headers).result
        assert "secret" not in json.dumps(result) and "of the server" not in result["stdout"], result


def start(server, path=ENDLESS):
    """A request that is under way."""
    connection = http.client.HTTPConnection("localhost", server.port, timeout=60)
    connection.request("GET", "/cgi-bin/" + path)
    server.wait_for_scripts(True, 10)
    time.sleep(0.3)
    return connection


def test_it_runs_as_the_servers_user(server):
    with contextlib.closing(start(server)) as connection:
        _, users = server.processes()
        names = server.scripts()
        uids = {users[pid] for pid, name in names.items() if name == "belljar" and pid in users}
        assert uids == {pwd.getpwnam(server.user).pw_uid}, (uids, names)
        assert not os.stat(server.belljar).st_mode & (stat.S_ISUID | stat.S_ISGID)
        body = connection.getresponse().read()
        assert b"Time Limit Exceeded" in body, body
    server.wait_for_scripts(False, 5)


def test_a_client_that_goes_away(server):
    """The server does not look before there is something to write: the limit on time ends the run."""
    start(server).close()
    server.wait_for_scripts(False, 8)


def test_many_at_one_time(server):
    def one(number):
        return ask(server, "GET", "shell?" + form(user_script="print(%d)" % number)).streams
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(40))) == [(b"%d\n" % number, b"", "OK") for number in range(40)]
    server.wait_for_scripts(False, 5)


SLOW = {"run_code.py": "#!/usr/bin/env -S belljar cgi -t 60 -w 60\n"}


def test_a_server_that_waits_no_longer(belljar):
    """Its own limit is shorter than the run's: it answers, and ends what it has started."""
    try:
        with apache.serving(belljar, SLOW, timeout=2) as server:
            began = time.monotonic()
            assert ask(server, "GET", ENDLESS).status == 504
            server.wait_for_scripts(False, 10)
            assert time.monotonic() - began < 20
    except apache.Lacking as lacking:
        pytest.skip(str(lacking))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_ends(belljar, number):
    """Nothing outlives it; after a SIGKILL not even of the server, which then can end nothing any more."""
    try:
        with apache.serving(belljar, SLOW) as server:
            connection = start(server)
            everything = server.processes()[0]
            server.child.send_signal(number)
            for pid in [pid for pid, name in everything.items() if name == "apache2" and number == signal.SIGKILL]:
                os.kill(pid, number)
            server.child.wait(20)
            connection.close()
            deadline = time.monotonic() + 10
            while [pid for pid in everything if alive(pid)]:
                assert time.monotonic() < deadline, everything
                time.sleep(0.05)
    except apache.Lacking as lacking:
        pytest.skip(str(lacking))


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
