"""Requests to belljar cgi: what a web server tells of one, and what is in an answer.

Its own file because they are sent by hand and by a real server, and the answers are the same.
Changes when: belljar cgi answers in another form.
"""
import ast
import json
import os
import re
import subprocess
import time
import urllib.parse

import belljar_run

REPORT = re.compile(rb"(?P<verdict>[^\n]+)\nelapsed time: \d+ seconds\n(memory usage: \d+ kbytes\n)?"
                    rb"cpu usage: \d+\.\d{3} seconds\n\Z")


class Answer:
    """Status, headers (names in lower case) and body."""

    def __init__(self, status, headers, body, log=b"", returncode=0, seconds=0.0):
        self.status, self.headers, self.body, self.log = status, headers, body, log.decode("utf-8", "replace")
        self.returncode, self.seconds = returncode, seconds

    @property
    def problem(self):
        """The body of an error."""
        assert self.headers["content-type"] == "application/problem+json", self
        found = json.loads(self.body)
        assert set(found) - {"field"} == {"title", "status", "detail"} and found["status"] == self.status, self
        return found

    @property
    def result(self):
        assert (self.status, self.headers["content-type"]) == (200, "application/json"), self
        found = json.loads(self.body)
        belljar_run.check_schema(found)
        return found

    @property
    def streams(self):
        """stdout, stderr without the report, and the report's verdict, of an answer in the old script's form."""
        assert (self.status, self.headers["content-type"]) == (200, "text/plain; charset=iso-8859-1"), self
        lines = self.body.decode("ascii").split("\n")
        assert lines[0] == "stdout:" and lines[2] == "stderr:" and lines[4:] == [""], self
        out, err = ast.literal_eval(lines[1]), ast.literal_eval(lines[3])
        assert (repr(out), repr(err)) == (lines[1], lines[3]), self
        err = re.sub(belljar_run.SANITIZER_EXCUSES.pattern.encode(), b"", err)
        report = REPORT.search(err)
        assert report, self
        return out, err[:report.start()], report["verdict"].decode("ascii")

    def __repr__(self):
        return "%s %s %.2000r (log: %.2000s)" % (self.status, self.headers, self.body, self.log)


def parse(output, **more):
    """What the program wrote, read as strictly as a server may (RFC 3875, 6)."""
    head, _, body = output.partition(b"\r\n\r\n")
    headers = {}
    for line in head.decode("ascii").split("\r\n"):
        name, divided, value = line.partition(": ")
        assert divided and re.fullmatch(r"[A-Za-z-]+", name) and name.lower() not in headers, output
        headers[name.lower()] = value
    status = re.fullmatch(r"(\d{3}) [A-Za-z ]+", headers.pop("status"))
    assert status, output
    return Answer(int(status[1]), headers, body, **more)


def environment(method="GET", query="", headers=(), body=None, **more):
    """The meta-variables of a request, and nothing else but PATH."""
    found = {"PATH": os.environ["PATH"], "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": "localhost",
             "SERVER_PORT": "8080", "SCRIPT_NAME": "/cgi-bin/run_code.py", "REMOTE_ADDR": "127.0.0.1",
             "REQUEST_METHOD": method, "QUERY_STRING": query, "HTTP_HOST": "localhost:8080"}
    if body is not None:
        found["CONTENT_LENGTH"] = str(len(body))
    for name, value in dict(headers).items():
        name = name.upper().replace("-", "_")
        found[name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + name] = value
    found.update(more)
    return {name: value for name, value in found.items() if value is not None}


def start(belljar, options, variables, *words, **more):
    pipe = subprocess.PIPE
    argv = [belljar, "cgi", *map(str, options), *words]
    return subprocess.Popen(argv, env=variables, stdin=pipe, stdout=pipe, stderr=pipe, **more)


def send(belljar, options, variables, body=b"", words=()):
    began = time.monotonic()
    with start(belljar, options, variables, *words) as child:
        out, err = child.communicate(body, timeout=60)
        return parse(out, log=err, returncode=child.returncode, seconds=time.monotonic() - began)


def form(**fields):
    return urllib.parse.urlencode(fields)


def words_of(query):
    """The arguments that a server makes of a query without "=" (RFC 3875, 4.4)."""
    return [] if "=" in query or not query else [urllib.parse.unquote(word) for word in query.split("+")]
