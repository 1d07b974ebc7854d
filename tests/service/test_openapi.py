"""The description of the API is true: every path and every answer that it names is looked at, and what is answered is what it says.

Its own file because it is driven by the description alone.
Changes when: the description can say something that this cannot follow.
"""
import json
import os
import re

import jsonschema
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
OF_PROFILES = ("description", "links", "closed_directories", "closed_files", "python", "preload", "scratch_executable", "mount_sources", "env_names")
# What a request of each operation looks like that is answered well. {id} is a session's.
GOOD = {
    "run": {"profile": "sh", "command": ["true"]}, "exec": {"code": "x = 1"}, "eval": {"expression": "1"}, "openSession": {}, "sessionExec": {"code": "y = 1"},
    "sessionEval": {"expression": "1", "branch": 1}, "fork": {}, "snapshot": {"branch": 1}, "restore": {"snapshot": 0}, "drop": {"branch": 2}, "putFile": b"x",
    "codejail": b"payload=%7B%22code%22:%22x=1%22,%22globals_dict%22:%7B%7D%7D",
    "piston": {"language": "python", "version": "*", "files": [{"content": "print(1)"}]}, "snekbox": {"input": "print(1)"},
}
TYPES = {"putFile": "application/octet-stream", "codejail": "application/x-www-form-urlencoded"}  # of those that are bytes
# In this order, because later ones use what earlier ones made.
ORDER = ("openapi", "health", "ready", "profiles", "limits", "run", "exec", "eval", "openSession", "showSession", "sessionExec", "sessionEval", "fork", "drop",
         "snapshot", "restore", "putFile", "getFile", "files", "closeSession", "codejail", "codejailHealth", "pistonRuntimes", "piston", "snekbox")


@pytest.fixture(scope="module")
def description(service):
    status, headers, answer = service.ask("GET", "/openapi.json")
    assert status == 200 and headers["Content-Type"] == "application/json"
    return answer


def operations(description):
    return {operation["operationId"]: (method, path, operation) for path, item in description["paths"].items()
            for method, operation in item.items() if method != "parameters"}


def followed(description, value):
    while "$ref" in value:
        place = description
        for name in value["$ref"][2:].split("/"):
            place = place[name]
        value = place
    return value


def check(description, operation, status, headers, body):
    """The answer is one that the operation has, in a form that it names, and as its schema says."""
    assert str(status) in operation["responses"], (operation["operationId"], status, body)
    answer = followed(description, operation["responses"][str(status)])
    for name, header in answer.get("headers", {}).items():
        assert re.search(header["schema"].get("pattern", ""), headers[name])
    kind = headers.get("Content-Type", "").partition(";")[0]
    content = answer.get("content", {})
    assert (kind in content) if content else not body, (operation["operationId"], status, kind)
    if "json" in kind:
        schema = {**content[kind]["schema"], "components": description["components"]}
        jsonschema.Draft202012Validator(schema).validate(body)


def test_it_is_one(description):
    assert description["openapi"].startswith("3.1")
    for name, schema in description["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema), name
    for _, _, operation in operations(description).values():
        for answer in operation["responses"].values():
            assert followed(description, answer)["description"]


def test_every_route_is_described(description):
    with open(os.path.join(HERE, "..", "..", "src", "server", "routes.def"), encoding="utf-8") as file:
        rows = re.findall(r'^X\((\w+), "([^"]+)".*\b(HTTP|METRICS),', file.read(), re.M)
    served = {(method.lower(), pattern.replace("{*}", "{path}").replace("{}", "{id}")) for method, pattern, where in rows if where == "HTTP"}
    assert served == {(method, path) for method, path, _ in operations(description).values()}


def test_every_operation(service, description):
    known = operations(description)
    assert set(ORDER) == set(known)
    place = {"id": "0" * 32, "path": "a/b.txt"}
    for name in ORDER:
        method, path, operation = known[name]
        target = re.sub(r"\{(\w+)\}", lambda found: place[found.group(1)], path)
        body = GOOD.get(name)
        headers = {"Content-Type": TYPES[name]} if isinstance(body, bytes) else {}
        status, answer_headers, answer = service.ask(method.upper(), target, body, headers)
        assert 200 <= status < 300, (name, status, answer)
        check(description, operation, status, answer_headers, answer)
        if name == "openSession":
            place["id"] = answer["id"]


def test_every_problem(service, description):
    """Each operation, asked badly in every way that there is."""
    for name, (method, path, operation) in operations(description).items():
        target = path.replace("{id}", "0" * 32).replace("{path}", "x")
        body = GOOD.get(name)
        good = {"Content-Type": TYPES.get(name, "application/json")}
        tried = [({"Host": "evil.example"}, body), ({"Origin": "http://evil.example"}, body), ({"Authorization": "Bearer x"}, body), (good, body)]
        if body is not None:
            tried += [({"Content-Type": "text/html"}, b"{}"), (good, b"{"), (good, b"[]"), (good, b'{"nope": 1}'), ({**good, "Expect": "x"}, b"{}"),
                      (good, b" " * 17000000)]
        for headers, what in tried:
            try:
                status, answer_headers, answer = service.ask(method.upper(), target, what, headers)
            except (BrokenPipeError, ConnectionResetError):
                continue # it was refused before all of the body was sent
            check(description, operation, status, answer_headers, answer)
        status, answer_headers, answer = service.ask("PATCH", target)
        check(description, operation, status, answer_headers, answer)
        assert status == 405


def test_what_only_profiles_may_say(service, description):
    properties = description["components"]["schemas"]["Spec"]["properties"]
    for key in OF_PROFILES:
        assert key not in properties
        status, problem = service.post("/v1/exec", {"code": "1", key: "x"})
        assert status == 422 and problem["field"] == key
    with open(os.path.join(HERE, "..", "..", "schema", "spec.schema.json"), encoding="utf-8") as file:
        assert set(json.load(file)["properties"]) == set(properties) | set(OF_PROFILES)


def test_events_are_described(service, description):
    status, headers, _ = service.ask("POST", "/v1/exec", {"code": "print(1)"}, {"Accept": "text/event-stream"})
    check(description, operations(description)["exec"][2], status, headers, b"x")
