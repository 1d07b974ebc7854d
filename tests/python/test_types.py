"""The package as a type checker sees it: its own code, and a program that uses it under mypy's strictest rules.

Its own file because it needs mypy, which nothing else does.
Changes when: something public has another type.
"""

import os
import subprocess

import pytest

PROGRAM = '''
import belljar

result: belljar.Result = belljar.run(["true"], limits={"wall_seconds": 1})
text: str = result.text
data: bytes = result.stdout
wall: float = result.usage.wall_seconds
with belljar.Sandbox(jails=1, functions={"f": len}) as sandbox:
    reveal_type(sandbox.execute("x = 1", globals={"x": belljar.readonly([1])}).check())
    reveal_type(list(sandbox.map("x = 1", [{"x": 1}])))
    reveal_type(sandbox.call(abs, -1).denials)
    with sandbox.session() as session:
        reveal_type(session.snapshot())
        reveal_type(session.evaluate("1").exception)


async def main() -> belljar.Result:
    return await belljar.arun(["true"])
'''
REVEALED = ["belljar._result.Result", "list[belljar._result.Result]", "tuple[belljar._result.Denial, ...]", "int",
            "belljar._result.ExceptionInfo"]
WRONG = '''
import belljar

number: int = belljar.execute("1").stdout
belljar.Sandbox(jails="many")
belljar.execute(7)
'''


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """mypy(program, *options): what it says of a program beside the installed package."""
    import belljar
    directory = str(tmp_path_factory.mktemp("mypy"))
    tool = os.path.join(directory, "venv", "bin", "python")
    subprocess.run(["/usr/bin/python3", "-m", "venv", os.path.dirname(os.path.dirname(tool))], check=True, capture_output=True)
    done = subprocess.run([tool, "-m", "pip", "install", "-q", "--disable-pip-version-check", "mypy"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("host lacks mypy: " + done.stderr[-200:].strip())

    def check(program, *options):
        path = os.path.join(directory, "program.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(program)
        site = os.path.dirname(os.path.dirname(belljar.__file__))
        python = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(site))), "bin", "python")
        return subprocess.run([tool, "-m", "mypy", "--cache-dir", os.path.join(directory, "cache"), "--python-executable", python, *options,
                               *([path] if program else [])], capture_output=True, text=True, check=False, cwd=directory).stdout
    return check


def test_the_package_itself(mypy):
    assert mypy("", "-p", "belljar").startswith("Success")


def test_a_program_under_the_strictest_rules(mypy):
    said = mypy(PROGRAM, "--strict")
    for what in REVEALED:
        assert 'Revealed type is "%s' % what in said.replace("builtins.", ""), said
    assert "error" not in said


def test_mistakes_are_found(mypy):
    said = mypy(WRONG, "--strict")
    assert said.count("error") >= 3 and "program.py:4" in said and "program.py:5" in said and "program.py:6" in said, said
