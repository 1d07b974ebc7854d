"""The JSON Schema of the spec says the same as the parser: of the shipped profiles, and of many texts, good and bad.

Its own file because it is the only test that reads the schema as a validator does.
Changes when: a key is added to the spec, or a value gets another rule.

Environment: BELLJAR_SPEC_TOOL (tests/unit/spec-tool of a build; default: the newest below build*/).
"""
import glob
import json
import os
import subprocess

import pytest

jsonschema = pytest.importorskip("jsonschema")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROFILES = sorted(glob.glob(os.path.join(ROOT, "profiles", "*.json")))


def find_tool():
    given = os.environ.get("BELLJAR_SPEC_TOOL")
    found = [given] if given else glob.glob(os.path.join(ROOT, "build*", "tests", "unit", "spec-tool"))
    assert found, "no spec-tool: build it, or set BELLJAR_SPEC_TOOL to its path"
    return max(found, key=os.path.getmtime)


def parse(text, kind="profile"):
    done = subprocess.run([find_tool(), kind], input=text, stdout=subprocess.PIPE, check=True, text=True, timeout=20)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def validator():
    with open(os.path.join(ROOT, "schema", "spec.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_there_are_profiles():
    assert {os.path.basename(path) for path in PROFILES} == {
        "c.json", "default.json", "node.json", "python-packages.json", "python.json", "sh.json"}


@pytest.mark.parametrize("path", PROFILES, ids=os.path.basename)
def test_shipped_profile(path, validator):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    validator.validate(json.loads(text))
    answer = parse(text)
    assert answer["ok"], answer
    validator.validate(answer["spec"])  # and what bj_spec_json prints of it
    assert answer["spec"]["description"] == json.loads(text)["description"]


A_FILE = {"path": "a", "text": ""}
GOOD = [
    {},
    {"version": 1},
    {"command": ["a"], "args": ["", "\u00e4"], "env": {"A": "", "b c": "1=2"}, "stdin": "\u0000"},
    {"code": "x", "globals": {"x": [None, 1e-3]}, "policy": {"features": []}},
    {"expression": "x"},
    {"code": "x", "display": True},
    {"display": True, "policy": {"features": []}},
    {"command": ["a"], "display": False},
    {"code": "x", "trace": {}},
    {"trace": {"max_steps": 1, "max_bytes": 4096}},
    {"code": "x", "trace": {"max_steps": 100000, "max_bytes": 2**25}},
    {"command": ["a"], "trace": None},
    {"code": "x", "deterministic": {}},
    {"expression": "x", "deterministic": {"seed": 4294967295, "time": "2199-12-31T23:59:59Z"}},
    {"deterministic": {"seed": 0, "time": "1970-01-01T00:00:00Z"}},
    {"command": ["a"], "deterministic": None},
    {"stdin_base64": ""},
    {"stdin_base64": "/w=="},
    {"directory": "/"},
    {"directory": "/box/a.b/..c"},
    {"hostname": "a-b.c"},
    {"files": [A_FILE, {"path": "b/.c", "base64": "AAAA", "executable": True}]},
    {"files": [{"path": "...", "source": "/a/b"}]},
    {"files": [{"path": "c", "source": "/a/b", "beneath": "/a"}]},
    {"collect": ["*", "a/?[bc].png"]},
    {"mounts": [{"source": "/", "target": "/a", "mode": "rw", "optional": True, "executable": False}]},
    {"links": [{"path": "/a", "target": "../b"}]},
    {"closed_directories": ["/etc"], "closed_files": ["/etc/x"]},
    {"preload": ["numpy", "xml.etree", "_a1"]},
    {"limits": {"wall_seconds": 0.001, "cpu_seconds": None, "memory_bytes": 65536, "output_bytes": 0}},
    {"limits": {"wall_seconds": 86400, "processes": 32768, "open_files": 4, "address_space_bytes": None}},
    {"layers": {"landlock": "off", "mount": "prefer", "seccomp": "require"}},
    {"network": "loopback", "proc": "own", "output_action": "kill", "scratch_executable": True, "nice": 19},
    {"syscalls": ["base", "unix_sockets"]},
    {"mount_sources": ["/srv", "/"], "env_names": ["A"]},
    {"env_names": [], "description": "x" * 199},
]
BAD = [
    {"nope": 1},
    {"version": 2},
    {"version": "1"},
    {"command": "ls"},
    {"command": []},
    {"command": [1]},
    {"command": ["a\u0000b"]},
    {"command": ["a"] * 1025},
    {"command": ["a"], "code": "x"},
    {"expression": "a", "code": "x"},
    {"code": 1},
    {"globals": []},
    {"policy": "x"},
    {"display": 1},
    {"display": None},
    {"expression": "x", "display": True},
    {"command": ["x"], "display": True},
    {"trace": True},
    {"trace": {"steps": 1}},
    {"trace": {"max_steps": 0}},
    {"trace": {"max_steps": 100001}},
    {"trace": {"max_steps": 1.5}},
    {"trace": {"max_bytes": 4095}},
    {"trace": {"max_bytes": 2**25 + 1}},
    {"trace": {}, "command": ["a"]},
    {"deterministic": True},
    {"deterministic": {"sed": 1}},
    {"deterministic": {"seed": -1}},
    {"deterministic": {"seed": 4294967296}},
    {"deterministic": {"seed": "1"}},
    {"deterministic": {"time": 0}},
    {"deterministic": {"time": ""}},
    {"deterministic": {"time": "1969-12-31T23:59:59Z"}},
    {"deterministic": {"time": "2200-01-01T00:00:00Z"}},
    {"deterministic": {"time": "2020-13-01T00:00:00Z"}},
    {"deterministic": {"time": "2020-01-01T24:00:00Z"}},
    {"deterministic": {"time": "2020-01-01T00:00:60Z"}},
    {"deterministic": {"time": "2020-01-01 00:00:00Z"}},
    {"deterministic": {"time": "2020-01-01T00:00:00Z\n"}},
    {"deterministic": {"time": "2020-01-01T00:00:00+00:00"}},
    {"deterministic": {}, "command": ["a"]},
    {"trace": {}, "expression": "x"},
    {"env": {"": "x"}},
    {"env": {"A=": "x"}},
    {"env": {"A\n": "x"}},
    {"env": {"A": 1}},
    {"env": ["A=1"]},
    {"stdin": 1},
    {"stdin": "", "stdin_base64": ""},
    {"stdin_base64": "A"},
    {"stdin_base64": "AAA"},
    {"stdin_base64": "A A="},
    {"directory": "box"},
    {"directory": "/a/../b"},
    {"directory": "/a/"},
    {"directory": "//a"},
    {"hostname": ""},
    {"hostname": "a b"},
    {"hostname": "a" * 65},
    {"hostname": "a\n"},
    {"directory": "/a\n"},
    {"syscalls": ["base\n"]},
    {"stdin_base64": "AAAA\n"},
    {"files": {}},
    {"files": [{"path": "a"}]},
    {"files": [{"text": ""}]},
    {"files": [dict(A_FILE, base64="")]},
    {"files": [dict(A_FILE, mode=1)]},
    {"files": [dict(A_FILE, executable=1)]},
    {"files": [{"path": "a", "source": "b"}]},
    *({"files": [{"path": path, "text": ""}]} for path in (
        "", "/a", ".", "..", "../a", "a/..", "a/../b", "./a", "a/./b", "a//b", "a/", "a\nb", "\u007f", "a\u0000",
        ".belljar", ".belljarx/y")),
    {"collect": ["/a"]},
    {"collect": ["../a"]},
    {"collect": ["a"] * 65},
    {"mounts": [{"source": "/a"}]},
    {"mounts": [{"target": "/a"}]},
    {"mounts": [{"source": "a", "target": "/a"}]},
    {"mounts": [{"source": "/a", "target": "a"}]},
    {"mounts": [{"source": "/a", "target": "/b", "mode": "rx"}]},
    {"mounts": [{"source": "/a", "target": "/b", "optional": "yes"}]},
    {"links": [{"path": "/a"}]},
    {"links": [{"path": "/a", "target": ""}]},
    {"links": [{"path": "a", "target": "b"}]},
    {"closed_directories": ["etc"]},
    {"preload": ["a."]},
    {"preload": ["1a"]},
    {"preload": ["a b"]},
    {"preload": [""]},
    {"closed_files": "/etc/x"},
    {"limits": {"memory": 1}},
    {"limits": {"memory_bytes": "1G"}},
    {"limits": {"memory_bytes": 0}},
    {"limits": {"memory_bytes": 1.5e6 + 0.5}},
    {"limits": {"files": None}},
    {"limits": {"wall_seconds": None}},
    {"limits": {"wall_seconds": 0}},
    {"limits": {"wall_seconds": 86400.1}},
    {"limits": {"wall_seconds": True}},
    {"limits": {"open_files": 3}},
    {"limits": []},
    {"layers": {"landlok": "off"}},
    {"layers": {"landlock": "on"}},
    {"layers": {"mount": "off"}},
    {"network": "wifi"},
    {"network": None},
    {"proc": True},
    {"output_action": "drop"},
    {"scratch_executable": 0},
    {"syscalls": []},
    {"syscalls": ["a-b"]},
    {"nice": -1},
    {"nice": 20},
    {"nice": 1.5},
    {"mount_sources": ["srv"]},
    {"env_names": ["A=B"]},
    {"description": "x" * 200},
    [],
    "x",
    None,
]


@pytest.mark.parametrize("spec", GOOD, ids=json.dumps)
def test_both_accept(spec, validator):
    answer = parse(json.dumps(spec))
    assert answer["ok"], answer
    validator.validate(spec)
    validator.validate(answer["spec"])


@pytest.mark.parametrize("spec", BAD, ids=lambda spec: json.dumps(spec)[:60])
def test_both_refuse(spec, validator):
    answer = parse(json.dumps(spec))
    assert not answer["ok"]
    assert answer["code"] == "invalid" and answer["message"]
    assert not validator.is_valid(spec)


def test_profile_only_keys_are_refused_in_requests(validator):
    properties = validator.schema["properties"]
    values = {"description": "", "scratch_executable": True, "python": "/srv/venv"}
    only = [key for key, value in properties.items() if value["description"].startswith("Profile only")]
    assert len(only) == 9
    for key in only:
        answer = parse(json.dumps({key: values.get(key, [])}), "request")
        assert (answer["ok"], answer["code"], answer["field"]) == (False, "widens", key)
    assert parse('{"command": ["true"]}', "request")["ok"]
