"""Which Python a snippet has: its arguments, its places for modules, a virtual environment.

Its own file because these are the snippet's surroundings, and test_snippets is about what it tells.
Changes when: a snippet's surroundings can be set in another way.
"""
import json
import subprocess

import belljar_run
import pytest


def call(command, *words, stdin=b""):
    return belljar_run.run_argv([command, *map(str, words)], stdin=stdin)


def refused(result, *words):
    assert result.returncode == 125 and all(word in result.message for word in words), result


# ---- arguments ---------------------------------------------------------------------------------------------------

def test_arguments_stand_behind_the_scripts_name(either):
    result = call(either, "exec", "--json", "-", "a", "--b", "é", stdin=b"import sys\nx = sys.argv\n")
    assert result.globals["x"] == ["main.py", "a", "--b", "é"], result


def test_arguments_of_a_request(belljar):
    request = {"profile": "python", "args": ["1", "2"], "expression": "__import__('sys').argv"}
    result = call(belljar, "run", "--json", "--spec", "-", stdin=json.dumps(request).encode())
    assert result.value == ["main.py", "1", "2"], result


def test_an_expression_is_one_word(belljar):
    refused(call(belljar, "eval", "1", "+", "1"), "more than one word")


def test_arguments_that_are_no_text_are_refused(belljar):
    done = subprocess.run([belljar, "exec", "-", b"\xff"], input=b"pass", capture_output=True, timeout=60)
    assert done.returncode == 125 and b"args[0]: is no UTF-8" in done.stderr, done


# ---- places for modules ------------------------------------------------------------------------------------------

def test_modules_are_found_in_places_that_are_named(either, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "which.py").write_text("name = %r\n" % name)
    (tmp_path / "two" / "other.py").write_text("x = 1\n")
    result = call(either, "exec", "--json", "--python-path", "one", "--python-path", "/box/two",
                  "--file", "one=%s" % (tmp_path / "one"), "--file", "two=%s" % (tmp_path / "two"), "-",
                  stdin=b"import sys, which, other\nx = which.name\npath = sys.path[:3]\n")
    assert result.globals == {"x": "one", "path": ["/box", "/box/one", "/box/two"]}, result


@pytest.mark.parametrize("path", ["../etc", "", "/", "a//b"])
def test_a_place_is_a_clean_path(belljar, path):
    refused(call(belljar, "exec", "--python-path", path, "-"), "python_path[0]")


def test_a_policy_has_no_other_places(belljar):
    refused(call(belljar, "exec", "--python-path", "lib", "--features", "math", "-"), "python_path", "policy")


def test_a_command_finds_its_modules_itself(belljar):
    request = {"profile": "python", "command": ["true"], "python_path": ["lib"]}
    refused(call(belljar, "run", "--spec", "-", stdin=json.dumps(request).encode()), "python_path", "PYTHONPATH")


# ---- a virtual environment ---------------------------------------------------------------------------------------

@pytest.fixture(params=["--symlinks", "--copies"])
def environment(request, tmp_path):
    """A virtual environment with one package, made by the Python that the jail shows."""
    path = tmp_path / "venv"
    words = ["/usr/bin/python3", "-m", "venv", "--without-pip", request.param, str(path)]
    done = subprocess.run(words, capture_output=True, timeout=300)
    if done.returncode != 0:
        pytest.skip("host lacks the module venv of /usr/bin/python3")
    tmp_path.chmod(0o755)
    site = next(path.glob("lib/python3.*/site-packages"))
    (site / "only_there").mkdir()
    (site / "only_there" / "__init__.py").write_text("x = 42\n")
    (site / "more.pth").write_text("/opt/venv/more\n")
    (path / "more").mkdir()
    (path / "more" / "by_pth.py").write_text("y = 43\n")
    return path


def test_packages_of_a_virtual_environment(either, environment):
    source = b"import sys, only_there, by_pth, json\nx = [only_there.x, by_pth.y, sys.prefix, sys.base_prefix]\n"
    result = call(either, "exec", "--json", "--python", environment, "-", stdin=source)
    assert result.globals["x"] == [42, 43, "/opt/venv", "/usr"], result
    result = call(either, "exec", "--json", "-", stdin=source)
    assert result.exception["type"] == "ModuleNotFoundError", result


def test_it_cannot_be_written_to(either, environment):
    result = call(either, "exec", "--json", "--python", environment, "-",
                  stdin=b"open('/opt/venv/lib/x', 'w')\n")
    assert result.exception["type"] in ("OSError", "PermissionError"), result
    assert not (environment / "lib" / "x").exists()


def test_a_profile_may_name_one_and_a_request_may_not(belljar, environment, tmp_path):
    directory = tmp_path / "profiles"
    directory.mkdir()
    (directory / "school.json").write_text(json.dumps({
        "version": 1, "python": str(environment),
        "mounts": [{"source": "/usr", "target": "/usr", "mode": "ro", "executable": True}],
        "links": [{"path": "/lib", "target": "usr/lib"}, {"path": "/lib64", "target": "usr/lib64"}],
        "syscalls": ["base", "processes", "threads"]}))
    request = {"profile": "school", "expression": "__import__('only_there').x"}
    done = subprocess.run([belljar, "run", "--json", "--spec", "-"], input=json.dumps(request).encode(), capture_output=True,
                          timeout=60, env={"BELLJAR_PROFILE_PATH": str(directory), "PATH": "/usr/bin:/bin"})
    assert json.loads(done.stdout)["value"] == 42, done
    refused(call(belljar, "run", "--spec", "-", stdin=json.dumps(dict(request, profile="python", python="/x")).encode()),
            "python")


@pytest.mark.parametrize("what, said", [("none", "no virtual environment"), ("other", "was not made by a Python below /usr/bin"),
                                        ("missing", "No such file")])
def test_what_is_none_is_refused(belljar, tmp_path, monkeypatch, what, said):
    monkeypatch.delenv("BELLJAR_GUEST", raising=False)  # whoever sets it knows what it was built for
    if what == "other":
        (tmp_path / "pyvenv.cfg").write_text("home = /somewhere\n")
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "python3").symlink_to("/bin/sh")
    refused(call(belljar, "exec", "--python", tmp_path / "missing" if what == "missing" else tmp_path, "-"), said)
