"""The command line itself: mistakes are named with their fix and start nothing; help, version and completion.

Its own file because nothing here needs a jail.
Changes when: options, help or messages change.
"""
import os
import re
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMANDS = ("run", "exec", "eval", "repl", "cgi", "plan", "explain", "doctor", "profiles", "top", "help")


@pytest.fixture
def cli(belljar):
    def call(*arguments, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([belljar, *map(str, arguments)], check=False, capture_output=True, timeout=20, **more)
    return call


def options_of_table():
    with open(os.path.join(ROOT, "src", "cli", "opts.def"), encoding="utf-8") as f:
        return re.findall(r'^(?:FLAG|TEXT|SPEC)\("([a-z-]+)"', f.read(), re.M)


MISTAKES = [
    (["run", "--mem", "12Q", "--", "true"],
     '--mem: "12Q" is not a size; write bytes or a number with K, M or G'),
    (["run", "--mem=99999999999999T", "--", "true"], '--mem: "99999999999999T" is too large'),
    (["run", "-m", "-5", "true"], '--mem: "-5" is not a size'),
    (["run", "-w", "1 minute", "true"], '--wall-time: "1 minute" is not a duration'),
    (["run", "-t", "", "true"], '--time: "" is not a duration'),
    (["run", "-p", "1K", "true"], '--processes: "1K" is not a whole number'),
    (["run", "--netwrok", "none", "--", "true"], "--netwrok: there is no such option; did you mean --network?"),
    (["run", "--netw", "none", "--", "true"], "--netw: there is no such option; did you mean --network?"),
    (["run", "--utterly-unknown", "true"], "--utterly-unknown: there is no such option; see belljar help run"),
    (["run", "-Z", "true"], "-Z: there is no such option"),
    (["run", "--mem"], "--mem: a value is missing; write --mem SIZE"),
    (["run", "-m"], "--mem: a value is missing; write --mem SIZE"),
    (["run", "--bind", "/srv"], "--bind: a value is missing; write --bind SOURCE TARGET"),
    (["run", "--json=yes", "true"], '--json: takes no value; leave out what stands behind the "="'),
    (["run", "--completion", "bash", "true"], "--completion: is not an option of run; see belljar help run"),
    (["doctor", "--mem", "5"], "--mem: is not an option of doctor; see belljar help doctor"),
    (["run"], "there is no command; write: belljar run [options] -- COMMAND [ARGUMENT...]"),
    (["run", "--"], "there is no command"),
    (["run", "-q", "-v", "--", "true"], "--quiet: contradicts --verbose"),
    (["run", "--stderr-to-stdout", "-r", "x", "--", "true"], "--stderr: contradicts --stderr-to-stdout"),
    (["run", "--collect", "*.txt", "--", "true"], "--collect: says nothing about where the files go"),
    (["run", "--collect-to", "out", "--", "true"], "--collect-to: says nothing about which files"),
    (["run", "--status-fd", "x", "--", "true"], '--status-fd: "x" is not a descriptor\'s number'),
    (["run", "--status-fd", "99", "--", "true"], "--status-fd: descriptor 99 is not open for writing"),
    (["run", "--require", "seccomp,,user", "--", "true"], "--require: there is an empty name in the list"),
    (["run", "--require", "secomp", "--", "true"], '--require: "secomp"'),
    (["run", "--network", "some", "--", "true"], '--network: "some"'),
    (["run", "--output-action", "burn", "--", "true"], '--output-action: "burn"'),
    (["run", "--spec", "-", "--mem", "5M"], "--mem: cannot be combined with --spec; write it into the request"),
    (["run", "--spec", "-", "--profile", "sh"], "--profile: cannot be combined with --spec"),
    (["run", "--spec", "-", "-i", "x"], "--stdin: cannot be combined with --spec"),
    (["run", "--spec", "-", "--", "true"], '--spec: "true": the request says what is run'),
    (["run", "--spec", "/nowhere/at-all", ], '--spec: cannot open "/nowhere/at-all": No such file or directory'),
    (["run", "--file", "a=/nowhere/at-all", "--", "true"], "/nowhere/at-all"),
    (["run", "--file", "a=/nowhere/./x/../at-all", "--", "true"], "/nowhere/at-all"),
    (["run", "--file", "a=", "--", "true"], "--file: the source is missing; write NAME=SOURCE"),
    (["run", "--file", "=/etc/hostname", "--", "true"], "--file: "),
    (["run", "--ro-bind", "/nowhere/at-all", "/data", "--", "true"], '--ro-bind: cannot find "/nowhere/at-all"'),
    (["run", "--bind", "/nowhere/at-all:/data", "--", "true"], '--bind: cannot find "/nowhere/at-all"'),
    (["run", "--profile", "no-such-profile", "--", "true"], "no-such-profile"),
    (["run", "-i", "/nowhere/at-all", "--", "true"], '--stdin: cannot open "/nowhere/at-all"'),
    (["run", "-o", "/nowhere/at-all", "--", "true"], '--stdout: cannot open "/nowhere/at-all"'),
    (["run", "--meta", "/nowhere/at-all", "--", "true"], '--meta: cannot open "/nowhere/at-all"'),
    (["run", "--collect", "x", "--collect-to", "/nowhere/at/all", "--", "true"],
     '--collect-to: cannot make "/nowhere/at/all"'),
    (["explain"], "there is no question; write: belljar explain syscall NAME, or: belljar explain path PATH"),
    (["doctor", "now"], '"now": takes no such word'),
    (["profiles", "no-such-profile"], "no-such-profile"),
    (["help", "fly"], '"fly" is not a command'),
    (["help", "--completion", "tcsh"], '"tcsh" is not a shell that is known; write bash or zsh'),
]


@pytest.mark.parametrize("arguments,message", MISTAKES, ids=[" ".join(a) or "nothing" for a, _ in MISTAKES])
def test_a_mistake_is_named_with_its_fix(cli, arguments, message, tmp_path):
    result = cli(*arguments, cwd=tmp_path)
    text = result.stderr.decode()
    assert result.returncode == 125
    assert text.startswith("belljar: %s: " % arguments[0])
    assert message in text
    assert text.count("\n") == 1
    assert result.stdout == b""


def test_a_mistake_starts_nothing(cli, tmp_path):
    """A writable bind would show it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out").chmod(0o777)
    command = ["sh", "-c", "echo started > /out/started"]
    bad = cli("run", "--bind", tmp_path / "out", "/out", "--mem", "12Q", "--", *command)
    assert bad.returncode == 125
    assert list((tmp_path / "out").iterdir()) == []


def test_a_mistake_truncates_no_file(cli, tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("kept")
    assert cli("run", "-o", kept, "-r", kept, "--require", "secomp", "--", "true").returncode == 125
    assert kept.read_text() == "kept"


@pytest.mark.parametrize("arguments,message", [
    ([], "a command is missing"),
    (["rum"], '"rum" is not a command; did you mean run'),
    (["--mem"], '"--mem" is not a command'),
])
def test_a_missing_or_unknown_command(cli, arguments, message):
    result = cli(*arguments)
    assert result.returncode == 125
    assert message in result.stderr.decode()
    assert result.stdout == b""


def test_control_characters_of_arguments_do_not_reach_the_terminal(cli):
    result = cli("run", "--mem", "\x1b]0;title\x07", "--", "true")
    assert result.returncode == 125
    assert b"\x1b" not in result.stderr and b"\x07" not in result.stderr


def test_a_mistake_is_in_the_meta_file_and_on_the_status_descriptor(belljar, tmp_path):
    meta, status = tmp_path / "meta", tmp_path / "status"
    with open(status, "wb") as f:
        result = subprocess.run([belljar, "run", "--meta", meta, "--status-fd", str(f.fileno()), "--mem", "12Q", "--",
                                 "true"], check=False, capture_output=True, pass_fds=[f.fileno()], timeout=20)
    assert result.returncode == 125
    lines = dict(line.split(":", 1) for line in meta.read_text().splitlines())
    assert lines["status"] == "XX"
    assert '"12Q" is not a size' in lines["message"]
    assert status.read_text() == '{"status": "jail_error", "exit-code": 125}\n'


def test_version(cli):
    result = cli("--version")
    assert result.returncode == 0
    assert re.fullmatch(rb"belljar \d+\.\d+\.\d+\n", result.stdout)


def test_help_names_every_command(cli):
    result = cli("help")
    assert result.returncode == 0 and result.stderr == b""
    for command in COMMANDS:
        assert re.search(r"^  %s +\S" % command, result.stdout.decode(), re.M)
    assert cli("--help").stdout == result.stdout
    assert cli("-h").stdout == result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_the_same_three_ways(cli, command):
    text = cli("help", command).stdout
    assert text.startswith(b"usage: belljar %s" % command.encode())
    if command != "help":
        assert cli(command, "--help").stdout == text
        assert cli(command, "-h").stdout == text


def test_help_lists_every_option_of_the_table(cli):
    text = "".join(cli("help", command).stdout.decode() for command in COMMANDS)
    names = options_of_table()
    assert len(names) > 30
    for name in names:
        assert re.search(r"--%s\b" % name, text), name


def test_help_to_a_full_disk_is_an_error(belljar):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([belljar, "help"], check=False, stdout=full, stderr=subprocess.PIPE, timeout=20)
    assert result.returncode == 125
    assert b"No space left on device" in result.stderr


def complete(belljar, cli, tmp_path, *words):
    """What bash would offer for the last of these words."""
    script = tmp_path / "completion.bash"
    script.write_bytes(cli("help", "--completion", "bash").stdout)
    lines = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _belljar; printf "%s\\n" "${COMPREPLY[@]}"'
    env = dict(os.environ, PATH=os.path.dirname(belljar) + ":" + os.environ["PATH"])
    result = subprocess.run(["bash", "-c", lines, "bash", script, "belljar", *words], check=True, capture_output=True,
                            env=env, timeout=20)
    assert result.stderr == b""
    return result.stdout.decode().split()


@pytest.mark.skipif(not shutil.which("bash"), reason="host lacks bash")
def test_bash_completion(belljar, cli, tmp_path):
    assert complete(belljar, cli, tmp_path, "r") == ["run", "repl"]
    assert complete(belljar, cli, tmp_path, "run", "--net") == ["--network"]
    assert complete(belljar, cli, tmp_path, "run", "--network", "l") == ["loopback"]
    assert complete(belljar, cli, tmp_path, "doctor", "--") == ["--profile", "--json", "--help"]
    assert "python" in complete(belljar, cli, tmp_path, "run", "--profile", "py")
    assert complete(belljar, cli, tmp_path, "run", "--mem", "") == []


@pytest.mark.skipif(not shutil.which("zsh"), reason="host lacks zsh")
def test_zsh_completion_is_a_script(cli, tmp_path):
    script = tmp_path / "_belljar"
    script.write_bytes(cli("help", "--completion", "zsh").stdout)
    assert subprocess.run(["zsh", "-n", script], check=False, timeout=20).returncode == 0


def test_profiles_are_listed_with_a_line_each(cli):
    lines = cli("profiles").stdout.decode().splitlines()
    names = [line.split()[0] for line in lines]
    for name in ("default", "python", "python-packages", "sh", "c", "node"):
        assert name in names
    assert all(len(line.split()) > 1 for line in lines)
