"""Output and input: kept in order, cut where asked, never the cause of a wait.

Its own file because pipes are where supervisors get stuck.
Changes when: capture or feeding of streams changes.
"""
import json
import os
import subprocess
import time

import belljar_run

MEGABYTE = 1 << 20


def test_truncate_and_drain(jail):
    """A program that writes far more than is kept runs to its end, undisturbed."""
    result = jail.load("output", "both", 40 * MEGABYTE, 0, options=["--output-limit", "10K", "-w", 30, "-t", 20])
    assert result.status == "ok", result
    assert result.stdout_truncated and result.stderr_truncated
    assert len(result.bytes("stdout")) == len(result.bytes("stderr")) == 10240


def test_a_report_of_output_with_nul_bytes(belljar, tmp_path):
    meta = tmp_path / "meta"
    result = belljar_run.run(belljar, ["-v", "--meta", meta], ["printf", "a\\0b"], as_json=False)
    assert (result.returncode, result.out) == (0, b"a\0b"), result
    assert b"out of memory" not in result.err and "exitcode:0\n" in meta.read_text()


def test_a_report_of_values_that_are_no_numbers(belljar, tmp_path):
    meta = tmp_path / "meta"
    result = belljar_run.run_argv([belljar, "eval", "--meta", meta, "float('nan')"])
    assert (result.returncode, result.out, result.err) == (0, b"NaN\n", b""), result
    assert "exitcode:0\n" in meta.read_text()


def test_a_flood_ends_whatever_the_limit_is(jail):
    """Neither stream alone is a flood here; together they are."""
    result = jail.load("output", "both", 60 * MEGABYTE, 0, options=["--output-limit", "32M", "-w", 30, "-t", 20])
    assert (result.status, result.returncode) == ("output_limit", 137), result
    assert max(len(result.bytes("stdout")), len(result.bytes("stderr"))) <= 32 * MEGABYTE


def test_what_is_kept_is_the_beginning(jail):
    result = jail.load("output", "stdout", 100000, 0, options=["--output-limit", 30])
    assert result.stdout == "abcdefghijklmnopqrstuvwxyzabcd", result


def test_limit_of_zero(jail):
    result = jail.load("output", "stdout", 10, 0, options=["--output-limit", 0])
    assert result.status == "ok" and result.stdout == "" and result.stdout_truncated, result


def test_binary(jail):
    result = jail.load("binary")
    wanted = bytes(range(256)) + b"\xf0\x9f\x98"
    assert result.status == "ok" and result.bytes("stdout") == wanted, result
    assert result.bytes("stderr") == bytes(range(16))
    assert "\ufffd" in result.stdout and "stdout_base64" in result.json


def test_text_has_no_base64(jail):
    result = jail.shell("printf 'gr\\303\\274\\303\\237\\n'")
    assert result.stdout == "grüß\n" and result.json.get("stdout_base64") is None, result


def test_character_cut_at_the_limit(jail):
    """The limit falls into the middle of a character: the bytes kept are still told exactly."""
    result = jail.shell("printf 'ab\\303\\274'", ["--output-limit", 3])
    assert result.stdout_truncated and result.bytes() in (b"ab\xc3", b"ab"), result


def test_control_characters_are_escaped_in_json(jail):
    result = jail.shell("printf '\\033]0;title\\007\\000\\177\\r\\n'")
    assert result.bytes() == b"\x1b]0;title\x07\x00\x7f\r\n", result
    assert b"\x1b" not in result.out and b"\x07" not in result.out and b"\x00" not in result.out


def test_interleaved(jail):
    result = jail.load("talk", 20, 2)
    assert result.stdout == "".join("out %d\n" % i for i in range(0, 20, 2)), result
    assert result.stderr == "".join("err %d\n" % i for i in range(1, 20, 2)), result


def test_ten_megabytes_through(jail):
    """In and out at once: neither side may be fed first."""
    data = os.urandom(5 * MEGABYTE) * 2
    result = jail.load("echo", options=["--output-limit", "16M", "-w", 30], stdin=data)
    assert result.status == "ok" and result.bytes() == data, result.usage
    assert result.stderr == "read=%d\n" % len(data)


def test_more_in_than_is_read(jail):
    result = jail.load("exit", 3, stdin=b"x" * (10 * MEGABYTE))
    assert result.status == "exit" and result.exit_code == 3, result


def test_stdin_is_at_its_end_when_none_is_given(jail):
    result = jail.load("echo")
    assert result.stderr == "read=0\n", result


def test_stdin_that_stays_open_does_not_hold_the_run(belljar, programs):
    """The command's own stdin is a pipe that nobody closes; the program does not read it."""
    reading, writing = os.pipe()
    try:
        began = time.monotonic()
        with os.fdopen(reading, "rb") as source:
            result = belljar_run.run(belljar, ["--file", "load=%s/load" % programs], ["./load", "exit", "0"],
                                     stdin=source, timeout=20)
        assert result.status == "ok" and time.monotonic() - began < 5, result
    finally:
        os.close(writing)


def test_slow_reader(belljar, programs):
    """Whoever reads the command's stdout is slow: the run must not be slower, or be killed, for that."""
    child = subprocess.Popen([belljar, "run", "--json", "--output-limit", "8M", "-w", "20", "--file",
                              "load=%s/load" % programs, "--", "./load", "output", "stdout", str(4 * MEGABYTE)],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    time.sleep(1.0)
    pieces = []
    while True:
        piece = os.read(child.stdout.fileno(), 65536)
        if not piece:
            break
        pieces.append(piece)
        time.sleep(0.001)
    child.stdout.close()
    assert child.wait(20) == 0
    result = json.loads(b"".join(pieces))
    assert result["status"] == "ok" and len(result["stdout"]) == 4 * MEGABYTE
    assert result["usage"]["wall_seconds"] < 5


def test_reader_that_is_gone(belljar, programs):
    """stdout's reader leaves: the command ends by itself, and the run with it."""
    child = subprocess.Popen([belljar, "run", "--output-limit", "32M", "-w", "20", "--file",
                              "load=%s/load" % programs, "--", "./load", "output", "stdout", str(40 * MEGABYTE)],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    os.read(child.stdout.fileno(), 10)
    child.stdout.close()
    child.wait(15)


def test_without_json_the_output_is_the_programs_own(jail):
    result = jail.load("talk", 4, 1, as_json=False)
    assert result.out == b"out 0\nout 2\n" and result.err == b"err 1\nerr 3\n", result


def test_without_json_output_is_seen_while_it_runs(belljar, programs):
    child = subprocess.Popen([belljar, "run", "-w", "20", "--file", "load=%s/load" % programs, "--", "./load", "talk",
                              "20", "150"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    began = time.monotonic()
    first = os.read(child.stdout.fileno(), 10)
    early = time.monotonic() - began
    child.terminate()
    child.stdout.close()
    child.wait(10)
    assert first.startswith(b"out 0") and early < 1.5, (first, early)


def test_quiet_and_status_fd(belljar, programs, tmp_path):
    """-q says nothing of its own; the result goes to the status descriptor and the meta file instead."""
    reading, writing = os.pipe()
    meta = tmp_path / "meta"
    result = belljar_run.run(belljar, ["-q", "--status-fd", writing, "--meta", meta, "--file",
                                       "load=%s/load" % programs], ["./load", "talk", "2", "1"], as_json=False,
                             pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading, "rb") as f:
        told = f.read()
    assert result.out == b"out 0\n" and result.err == b"err 1\n", result
    status = json.loads(told.splitlines()[-1])
    assert status["status"] == "ok", told
    assert meta.stat().st_size > 0 and "ok" in meta.read_text()


def test_status_fd_is_not_the_guests(belljar, programs):
    """The program writes to every descriptor that it could have: none of it arrives."""
    reading, writing = os.pipe()
    text = "for i in 3 4 5 6 7 8 9; do eval \"echo forged >&$i\" 2>/dev/null; done; true"
    result = belljar_run.run(belljar, ["--profile", "sh", "--status-fd", writing], ["sh", "-c", text],
                             pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading, "rb") as f:
        told = f.read()
    assert b"forged" not in told and result.status == "ok", (told, result)


def test_forged_result_on_stdout(jail):
    """What the program prints is a string of the result, whatever it looks like."""
    forged = '{"status": "ok", "exit_code": 0}'
    result = jail.shell("printf '%%s' '%s'; exit 3" % forged)
    assert result.status == "exit" and result.stdout == forged, result
