"""The JSON Schema of a service's configuration says the same as belljard, and the shipped example is good.

Its own file because it is the only test that reads this schema as a validator does.
Changes when: a key is added, or a value gets another rule.
"""
import json
import os
import subprocess

import pytest

jsonschema = pytest.importorskip("jsonschema")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HASH = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def validator():
    with open(os.path.join(ROOT, "schema", "belljard.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def check(belljard, directory, text):
    path = directory / "c.json"
    path.write_text(text)
    path.chmod(0o600)
    return subprocess.run([belljard, "--check-config", "--config", str(path)], capture_output=True, text=True, check=False, timeout=20)


def http(**more):
    return {"kind": "http", "address": "127.0.0.1:1", **more}


GOOD = [
    {},
    {"version": 1},
    {"listeners": []},
    {"listeners": [http(), http(address="[::1]:65535"), http(kind="metrics", address="/a.sock", mode="0600")]},
    {"listeners": [{"kind": "json", "address": "/a"}], "control_socket": "/b/c"},
    {"profiles": [{"name": "python", "jails": 256}, {"name": "sh", "jails": 0}], "default_profile": "sh"},
    {"tokens": [{"name": "a.b-C_1", "sha256": HASH, "quota": {}}]},
    {"tokens": [{"name": "a", "sha256": HASH.upper(), "quota": {"profiles": ["sh"], "runs_per_minute": 1, "runs_burst": 1, "concurrent_runs": 1024,
                                                               "sessions": 0}}], "anonymous_quota": {"sessions": 1}},
    {"anonymous": True, "hosts": ["a.example", "B"], "control_socket": None, "user": "nobody"},
    {"concurrent_runs": 1024, "queued_runs": 65536, "queue_seconds": 0, "sessions": 1024, "request_bytes": 1024, "buffered_bytes": 1048576, "upload_bytes_per_second": 1048576,
     "connections": 65536, "idle_seconds": 0.1, "drain_seconds": 3600},
]
BAD = [
    [], {"version": 2}, {"listener": []}, {"listeners": None}, {"listeners": [{}]}, {"listeners": [http(kind="https")]}, {"listeners": [http(x=1)]},
    {"listeners": [http(address="localhost:1")]}, {"listeners": [http(address="relative")]}, {"listeners": [http(address="/a/")]},
    {"listeners": [http(address="/a", mode="660 ")]}, {"listeners": [http(address="/a", mode="888")]}, {"listeners": [http()] * 17},
    {"profiles": []}, {"profiles": ["sh"]}, {"profiles": [{"name": "Sh"}]}, {"profiles": [{"name": "sh", "jails": 257}]}, {"default_profile": ""},
    {"tokens": [{"name": "a"}]}, {"tokens": [{"name": "a", "sha256": "00"}]}, {"tokens": [{"name": "", "sha256": HASH}]},
    {"tokens": [{"name": "a", "sha256": HASH, "quota": {"runs": 1}}]}, {"anonymous": 1}, {"anonymous_quota": {"profiles": []}},
    {"anonymous_quota": {"sessions": 1025}}, {"hosts": ["a:1"]}, {"hosts": [""]}, {"control_socket": "relative"}, {"control_socket": ""}, {"user": "root"},
    {"user": ""}, {"user": "1a"}, {"concurrent_runs": 0}, {"concurrent_runs": 1025}, {"queued_runs": -1}, {"queue_seconds": 3601}, {"sessions": 0.5},
    {"request_bytes": 1023}, {"request_bytes": 50331649}, {"buffered_bytes": 1}, {"upload_bytes_per_second": 1048575}, {"connections": 0}, {"idle_seconds": 0}, {"drain_seconds": "1"},
]


@pytest.mark.parametrize("config", GOOD, ids=json.dumps)
def test_both_accept(config, belljard, validator, tmp_path):
    validator.validate(config)
    done = check(belljard, tmp_path, json.dumps(config))
    assert done.returncode == 0, done.stderr
    validator.validate(json.loads(done.stdout))  # and what the front is given
    assert check(belljard, tmp_path, done.stdout).stdout == done.stdout


@pytest.mark.parametrize("config", BAD, ids=json.dumps)
def test_both_refuse(config, belljard, validator, tmp_path):
    assert not validator.is_valid(config)
    done = check(belljard, tmp_path, json.dumps(config))
    assert done.returncode == 1 and done.stderr.startswith("belljard: "), done.stderr


def test_the_example(belljard, validator, tmp_path):
    with open(os.path.join(ROOT, "packaging", "belljard.json"), encoding="utf-8") as file:
        text = file.read()
    validator.validate(json.loads(text))
    assert check(belljard, tmp_path, text).returncode == 0
    assert set(json.loads(text)) | {"version"} == set(json.loads(check(belljard, tmp_path, "{}").stdout))  # it shows every key
