"""Mistakes of the caller: the message names the field and the fix, the exit status is 125, and nothing was started.

Its own file because an error that a stranger can mend without reading the source is a feature.
Changes when: a field is added or a message's promise changes.
"""
import json
import os
import re

import belljar_run
import pytest

GOOD = {"version": 1, "profile": "sh", "command": ["sh", "-c", "echo started"]}


@pytest.fixture
def refused(belljar, tmp_path):
    """Runs a spec that must be refused; checks what holds for every refusal; gives back the message."""
    def check(spec, field, *words):
        path = tmp_path / "spec.json"
        path.write_text(spec if isinstance(spec, str) else json.dumps(spec), encoding="utf-8", errors="surrogatepass")
        result = belljar_run.run_argv([belljar, "run", "--json", "--spec", str(path)])
        return verify(result, field, *words)
    return check


def verify(result, field, *words):
    assert result.returncode == 125, result
    assert b"started" not in result.out, "the program ran: %s" % result
    assert field in result.message, "the message does not name %r: %s" % (field, result)
    for word in words:
        assert word in result.message, result
    assert result.message.count("\n") <= 3 and "\x1b" not in result.message, result
    if result.out.strip():
        assert result.json["status"] == "jail_error", result
    return result.message


def changed(**fields):
    return {**GOOD, **fields}


def test_the_good_one_runs(belljar, tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(GOOD))
    assert belljar_run.run_argv([belljar, "run", "--json", "--spec", str(path)]).stdout == "started\n"


@pytest.mark.parametrize("spec,field", [
    (changed(colour="red"), "colour"),
    (changed(limits={"wall": 1}), "wall"),
    (changed(limits={"wall_seconds": 1, "swap_bytes": 1}), "limits.swap_bytes"),
    (changed(layers={"moat": "require"}), "moat"),
    (changed(files=[{"path": "a", "text": "", "mode": "0777"}]), "mode"),
    (changed(mounts=[{"source": "/usr", "target": "/u", "mode": "ro", "recursive": True}]), "recursive"),
], ids=lambda v: v if isinstance(v, str) else "")
def test_unknown_key(refused, spec, field):
    refused(spec, field)


@pytest.mark.parametrize("key,value", [
    ("command", "echo started"), ("command", [1]), ("command", []), ("command", {}), ("args", "x"), ("env", ["A=1"]),
    ("env", {"A": 1}), ("stdin", 5), ("files", {}), ("files", ["x"]), ("collect", "out"), ("collect", [1]),
    ("limits", []), ("layers", "all"), ("network", True), ("profile", 3), ("version", "1"), ("version", 2),
    ("mounts", "x"), ("policy", []), ("globals", []),
], ids=str)
def test_wrong_type(refused, key, value):
    refused(changed(**{key: value}), key)


@pytest.mark.parametrize("name,value", [
    ("wall_seconds", "6"), ("wall_seconds", -1), ("wall_seconds", 0), ("wall_seconds", 1e300), ("cpu_seconds", True),
    ("cpu_seconds", -0.5), ("memory_bytes", 1.5), ("memory_bytes", -1), ("memory_bytes", 1), ("memory_bytes", 1 << 62),
    ("memory_bytes", "64M"), ("processes", 0), ("processes", 10**9), ("output_bytes", -1), ("output_bytes", 1 << 60),
    ("disk_bytes", 0), ("files", 0), ("file_bytes", -5), ("open_files", 0), ("open_files", 10**7), ("stack_bytes", 1),
    ("wall_seconds", None),
], ids=str)
def test_impossible_limit(refused, name, value):
    refused(changed(limits={name: value}), "limits." + name)


@pytest.mark.parametrize("env,word", [({"": "x"}, "env"), ({"A=B": "x"}, "env"), ({"A": "a\u0000b"}, "env")], ids=str)
def test_impossible_environment(refused, env, word):
    refused(changed(env=env), word)


def test_nul_in_a_command(refused):
    refused(changed(command=["sh", "a\u0000b"]), "command")


def test_command_and_code(refused):
    spec = changed(code="print(1)")
    refused(spec, "code", "command")


def test_no_command(refused):
    spec = dict(GOOD)
    del spec["command"]
    refused(spec, "command")


def test_missing_profile(refused):
    message = refused(changed(profile="no-such-profile"), "no-such-profile")
    assert "profile" in message and re.search(r"belljar profiles|default", message), message


def test_profile_name_is_no_path_of_a_request(refused, tmp_path):
    (tmp_path / "wide.json").write_text("{}")
    refused(changed(profile="../../../../" + str(tmp_path / "wide.json")), "profile")


@pytest.mark.parametrize("text,word", [("", ""), ("{", ""), ("[]", ""), ("null", ""), ('{"version": 1, "version": 1}', ""),
                                       (json.dumps(GOOD) + "x", ""), (json.dumps(GOOD)[:-1] + ",}", ""),
                                       ("[" * 5000, ""), ('{"stdin": "\\ud800"}', ""), ("\ufeff" + json.dumps(GOOD), ""),
                                       ('{"limits": {"memory_bytes": 9223372036854775808}}', "too big")],
                         ids=lambda t: repr(t)[:18])
def test_broken_json(refused, text, word):
    refused(text, word)


@pytest.mark.parametrize("fields", [{"limits": {"wall_seconds": 86000}}, {"limits": {"memory_bytes": 1 << 40}},
                                    {"network": "host"}, {"layers": {"seccomp": "off"}},
                                    {"syscalls": ["base", "everything"]}], ids=lambda f: next(iter(f)))
def test_a_request_may_only_narrow(refused, fields):
    refused(changed(**fields), next(iter(fields)))


# ---- the command line -------------------------------------------------------------------------------------

def options(belljar, *words, command=("sh", "-c", "echo started")):
    return belljar_run.run(belljar, ["--profile", "sh", *words], list(command), as_json=False)


@pytest.mark.parametrize("words,names", [
    (["-t", "abc"], ["-t", "abc"]), (["-w", "-1"], ["-w", "-1"]), (["-w", "1e999"], ["1e999"]), (["-m", "12Q"], ["12Q"]),
    (["-m", "99999999999999G"], ["99999999999999G"]), (["-p", "0"], ["0"]), (["-p", "1.5"], ["1.5"]), (["-f", ""], []),
    (["-d", "-5M"], ["-5M"]), (["--open-files", "x"], ["x"]), (["-E", "=x"], []),
    (["--file", "noequals"], ["noequals"]), (["--output-action", "explode"], ["explode"]), (["--network", "mesh"], ["mesh"]),
    (["--status-fd", "999"], ["999"]), (["--status-fd", "x"], ["x"]), (["-C", "relative"], ["relative"]),
    (["-i", "/no/such/file"], ["/no/such/file"]), (["-o", "/no/such/dir/file"], ["/no/such/dir/file"]),
    (["--file", "a=/no/such/file"], ["/no/such/file"]), (["--profile", "nope"], ["nope"]), (["--nope"], ["--nope"]),
], ids=lambda v: " ".join(v)[:30] if isinstance(v, list) else "")
def test_bad_option(belljar, words, names):
    verify(options(belljar, *words), names[-1] if names else "", *names[:-1])


def test_missing_spec(belljar):
    verify(belljar_run.run_argv([belljar, "run", "--spec", "/no/such/spec"]), "/no/such/spec")


def test_no_command_at_all(belljar):
    result = belljar_run.run_argv([belljar, "run", "--profile", "sh"])
    assert result.returncode == 125 and result.message, result


def test_unknown_subcommand(belljar):
    result = belljar_run.run_argv([belljar, "fly"])
    assert result.returncode == 125 and "fly" in result.message, result


def test_help_is_no_error(belljar):
    for words in (["--help"], ["run", "--help"], ["--version"]):
        result = belljar_run.run_argv([belljar, *words])
        assert result.returncode == 0 and result.out, result


def test_odd_bytes_in_arguments_do_not_reach_the_terminal(belljar):
    result = belljar_run.run_argv([belljar, "run", "--profile", b"\x1b[31m\xff", "--", "true"])
    assert result.returncode == 125 and b"\x1b" not in result.err, result


def test_a_profile_of_ones_own(belljar, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"limits": {"wall_seconds": "soon"}}')
    result = options(belljar, "--profile", str(path))
    verify(result, "limits.wall_seconds")


def test_unreadable_profile(belljar, tmp_path):
    result = options(belljar, "--profile", str(tmp_path / "missing.json"))
    verify(result, "missing.json")
    assert os.listdir(tmp_path) == []
