"""safeexec: the options, verdicts, reports and exit statuses that scripts of the old set-uid command rely on.

Its own file because nothing else speaks in those words.
Changes when: an option of the old command is mapped to something else.
"""
import os
import re
import shutil
import socket
import subprocess
import threading

import belljar_run
import pytest

VERDICTS = ("OK", "Command exited with non-zero status", "Command terminated by signal", "Time Limit Exceeded",
            "Memory Limit Exceeded", "Output Limit Exceeded", "Invalid Function", "Internal Error")
FIGURES = re.compile(r"elapsed time: (\d+) seconds\n(?:memory usage: (\d+) kbytes\n)?cpu usage: (\d+\.\d{3}) seconds\n\Z")
SLEEP = "import time; time.sleep(30)"
# As a number of kilobytes: room for a Python and for what AddressSanitizer would have in it.
ROOM = 100000


class Report:
    """What was written to stderr: of the program, the verdict, the figures."""

    def __init__(self, text):
        figures = FIGURES.search(text)
        before = (text[:figures.start()] if figures else text).splitlines()
        self.verdict = before[-1] if before and before[-1].startswith(VERDICTS) else None
        self.stderr = "\n".join(before[:-1] if self.verdict else before)
        self.seconds, self.memory, self.cpu = figures.groups() if figures else (None, None, None)


class Done:
    def __init__(self, result):
        self.code, self.out, self.text = result.returncode, result.out, result.err.decode()
        self.report = Report(self.text)
        self.verdict = self.report.verdict

    def __repr__(self):
        return "exit status %d\n%r\n%s" % (self.code, self.out[-500:], self.text)


@pytest.fixture(scope="session")
def tool(belljar, programs):
    """A copy that every user can run."""
    built = os.path.join(os.path.dirname(os.path.realpath(belljar)), "safeexec")
    if not os.path.exists(built):
        pytest.skip("host lacks a safeexec beside this belljar")
    path = os.path.join(programs, "safeexec")
    shutil.copyfile(built, path)
    os.chmod(path, 0o755)
    return path


@pytest.fixture
def place(tmp_path):
    """A directory that others may look at, as that of a judge."""
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        os.chmod(parent, os.stat(parent).st_mode | 0o055)
    directory = tmp_path / "judge"
    directory.mkdir()
    directory.chmod(0o755)
    return directory


def modes():
    return ["root", "user"] if belljar_run.is_root() else ["self"]


@pytest.fixture(params=modes())
def safeexec(request, tool, place):
    """safeexec("--cpu", 1, command=[...]): as root and as an ordinary user."""
    prefix = belljar_run.setpriv(*belljar_run.ordinary_user()) if request.param == "user" else []
    if prefix and not belljar_run.can_unshare(prefix):
        pytest.skip("host lacks unprivileged user namespaces")

    def run(*options, command=None, **more):
        words = [*map(str, options), *(["--exec", *command] if command else [])]
        return Done(belljar_run.run_argv([*prefix, tool, *words], cwd=more.pop("cwd", place), **more))
    run.mode = request.param
    return run


def put(place, name, text, mode=0o755):
    path = place / name
    path.write_text(text)
    path.chmod(mode)
    return path


def python(code):
    return ["/usr/bin/python3", "-c", code]


# ---- verdicts


def test_ok(safeexec):
    done = safeexec(command=["/bin/echo", "Hello World"])
    assert (done.code, done.out, done.verdict) == (0, b"Hello World\n", "OK"), done
    assert (done.report.seconds, done.report.stderr) == ("0", ""), done


@pytest.mark.parametrize("code, line", [
    ("raise SystemExit(7)", "Command exited with non-zero status (7)"),
    ("import os; os.kill(os.getpid(), 11)", "Command terminated by signal (11: SIGSEGV)"),
    ("import os; os.kill(os.getpid(), 9)", "Command terminated by signal (9: SIGKILL)"),
    ("import os; os.kill(os.getpid(), 1)", "Invalid Function"),
    ("import os, signal; signal.signal(13, signal.SIG_DFL); os.kill(os.getpid(), 13)", "Internal Error"),
    ("import signal; signal.signal(25, signal.SIG_DFL); open('/box/f', 'wb', 0).write(b'x')", "Output Limit Exceeded"),
])
def test_ends(safeexec, code, line):
    done = safeexec("--mem", ROOM, command=python(code))
    assert (done.code, done.verdict) == (1, line), done


def test_cpu(safeexec):
    done = safeexec("--cpu", 1, "--mem", ROOM, command=python("while True: pass"))
    assert (done.code, done.verdict, done.report.cpu) == (1, "Time Limit Exceeded", "1.000"), done


def test_clock(safeexec):
    done = safeexec("--cpu", 5, "--clock", 1, "--mem", ROOM, command=python(SLEEP))
    assert (done.code, done.verdict, done.report.seconds) == (1, "Time Limit Exceeded", "1"), done
    assert float(done.report.cpu) < 1, done


def test_memory_of_one_process(safeexec):
    """It is refused more address space, as ever."""
    done = safeexec("--mem", 50000, command=python("x = 2\nwhile True: x = x * x"))
    assert (done.code, done.verdict) == (1, "Command exited with non-zero status (1)"), done
    assert done.report.stderr.endswith("MemoryError"), done


def test_memory_of_all_processes(safeexec):
    """Each has less than the limit, and together they have more."""
    code = "import os, time\nfor n in range(2): os.fork()\nx = bytearray(60 << 20); time.sleep(3)"
    done = safeexec("--mem", 100000, "--nproc", 4, command=python(code))
    assert (done.code, done.verdict) == (1, "Memory Limit Exceeded"), done


def test_output(safeexec):
    """A finite program that says too much is cut, and told so."""
    done = safeexec("--mem", ROOM, command=python("import sys\nfor n in range(40): sys.stdout.write('x' * (1 << 20))"))
    assert (done.code, done.verdict, len(done.out)) == (1, "Output Limit Exceeded", 32 << 20), done


def test_output_without_end(safeexec):
    code = "import sys\nwhile True: print('argh'); print('argh', file=sys.stderr)"
    done = safeexec("--mem", ROOM, "--clock", 2, command=python(code))
    assert done.code == 1 and done.verdict in ("Time Limit Exceeded", "Output Limit Exceeded"), done.verdict


def test_bytes_that_are_no_text(safeexec):
    done = safeexec("--mem", ROOM, command=python("import sys; sys.stdout.buffer.write(bytes(range(256)) * 100)"))
    assert (done.code, done.out, done.verdict) == (0, bytes(range(256)) * 100, "OK"), done


def test_what_cannot_be_executed(safeexec, place):
    put(place, "plain", "no program", 0o644)
    for command, text in (("./nosuch", "error 2 (No such file or directory): execve error"),
                          ("./plain", "error 13 (Permission denied): execve error")):
        done = safeexec(command=[command])
        assert (done.code, done.report.stderr) == (1, text), done
        assert done.verdict == "Command exited with non-zero status (1)", done


def test_a_jail_that_cannot_be(safeexec, tmp_path):
    """The reason is on stderr, also where the report goes elsewhere."""
    report = put(tmp_path, "report", "", 0o666)
    done = safeexec("--report_file", report, "--chroot_dir", "/nowhere", command=["/hello"])
    assert (done.code, report.read_text()) == (1, "Internal Error\n"), done
    assert '--chroot_dir: cannot go to "/nowhere": No such file or directory' in done.text, done


# ---- reports, input, output


def test_report_file(safeexec, tmp_path):
    report = put(tmp_path, "report", "what was there", 0o666)
    done = safeexec("--report_file", report, command=["/bin/echo"])
    assert (done.code, done.out, done.text) == (0, b"\n", "")
    assert Report(report.read_text()).verdict == "OK" and report.read_text().startswith("OK\nelapsed time: ")


def test_report_fd(safeexec, tmp_path):
    with open(tmp_path / "report", "w+b") as report:
        fd = report.fileno()
        code = "import os\ntry: os.write(%d, b'OK')\nexcept OSError: print('closed')" % fd
        done = safeexec("--mem", ROOM, "--report_fd", fd, command=python(code), pass_fds=[fd])
        report.seek(0)
        assert (done.code, done.out, done.text) == (0, b"closed\n", ""), done
        assert report.read().startswith(b"OK\nelapsed time: ")


def test_silent(safeexec):
    assert safeexec("--silent", command=["/bin/echo"]).text == ""
    assert safeexec("--silent", command=["/bin/false"]).code == 1


def test_what_cannot_be_written(tool, place):
    """A report or output that is lost is a failure, whatever the program did."""
    done = Done(belljar_run.run_argv([tool, "--report_file", "/dev/full", "--exec", "/bin/echo"], cwd=place))
    assert (done.code, done.text) == (1, "safeexec: the report was lost: No space left on device\n"), done
    with open("/dev/full", "wb") as full:
        child = subprocess.run([tool, "--exec", "/bin/echo"], cwd=place, stdin=subprocess.DEVNULL, stdout=full,
                               stderr=subprocess.PIPE, check=False)
    assert child.returncode == 1 and b"output was lost" in child.stderr and b"\nInternal Error\n" in child.stderr


def test_stdin(safeexec):
    assert safeexec(command=["/bin/cat"], stdin=b"a\0b" * 100000).out == b"a\0b" * 100000
    assert safeexec(command=["/bin/cat"]).out == b""


def test_output_comes_as_it_is_written(tool, place):
    with subprocess.Popen([tool, "--mem", str(ROOM), "--exec", *python("print('now', flush=True); input()")], cwd=place,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout.readline() == b"now\n" and child.poll() is None
        child.stdin.write(b"\n")
        child.stdin.close()
        assert child.wait(30) == 0


def test_a_reader_that_goes_away(tool, place):
    code = "while True: print('x' * 1000)"
    with subprocess.Popen([tool, "--mem", str(ROOM), "--exec", *python(code)], cwd=place, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read().decode().startswith("Internal Error\n")
        assert child.wait(30) == 1


def test_interrupted(tool, place):
    with subprocess.Popen([tool, "--mem", str(ROOM), "--exec", *python("print('on', flush=True); " + SLEEP)], cwd=place,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.readline()
        child.terminate()
        assert child.stderr.read().decode().startswith("Command terminated by signal (15: SIGTERM)\n")
        assert child.wait(30) == 1


# ---- options that are wrong


@pytest.mark.parametrize("words, text, usage", [
    ([], "usage: safeexec [OPTION]... --exec COMMAND [ARGUMENT]...", True),
    (["--bogus"], "error: Invalid option: --bogus", True),
    (["word"], "error: Invalid option: word", True),
    (["--cpu"], "error: Failed to match the numeric argument for --cpu", True),
    (["--cpu", "x", "--exec", "true"], "error: Failed to match the numeric argument for --cpu", True),
    (["--mem", "-1", "--exec", "true"], "error: Failed to match the numeric argument for --mem", True),
    (["--mem", "64K", "--exec", "true"], "error: Failed to match the numeric argument for --mem", True),
    (["--mem", "18446744073709551616", "--exec", "true"], "error: Failed to match the numeric argument for --mem", True),
    (["--report_file"], "error: There is no argument for --report_file", True),
    (["--cpu", "1"], "error: There is no command; write it behind --exec", True),
    (["--exec"], "error: There is no command; write it behind --exec", True),
    (["--cpu", "0"], "Cpu time must be greater than zero", False),
    (["--clock", "0"], "Wall clock time must be greater than zero", False),
    (["--clock", "4194304"], "Wall clock time must be smaller than 4194304", False),
    (["--mem", "41943040"], "Memory limit must be smaller than 41943040", False),
    (["--core", "4194304"], "Core file size must be smaller than 4194304", False),
    (["--stack", "4194304"], "Stack size must be smaller than 4194304", False),
    (["--fsize", "4194304"], "File size must be smaller than 4194304", False),
    (["--nproc", "65536"], "Number of extra processes must be smaller than 65536", False),
    (["--nfile", "1025"], "Number of open files must be between 0 and 1024", False),
    (["--niceness", "9"], "Niceness must be between 10 and 19", False),
    (["--niceness", "20"], "Niceness must be between 10 and 19", False),
    (["--uidplus", "4194304"], "Uid must be smaller than 4194304", False),
    (["--uid", "4194304"], "Uid must be smaller than 4194304", False),
    (["--gid", "0"], "Gid must be between 1 and 65535", False),
    (["--gid", "65536"], "Gid must be between 1 and 65535", False),
])
def test_bad_options(tool, place, words, text, usage):
    ranged = ["--exec", "/bin/echo"] if not usage else []
    done = Done(belljar_run.run_argv([tool, *words, *ranged], cwd=place))
    first = text if usage else "error 22 (Invalid argument): " + text
    assert (done.code, done.out, done.text.splitlines()[0]) == (1, b"", first), done
    assert ("usage: safeexec" in done.text) == usage and len(done.text.splitlines()) > 1 or not usage, done


@pytest.mark.parametrize("words, text", [
    (["--nfile", "0"], "--nfile: 0 is too little for a jail; give at least 4"),
    (["--stack", "1"], "--stack: 1 is too little for a jail; give at least 64"),
    (["--mem", "0"], "--mem: 0 is too little for a jail; give at least 64"),
    (["--env_vars", "A=B\nC"], '--env_vars: "C" has no \'='),
    (["--exec_dir", "nowhere"], '--exec_dir: cannot go to "nowhere": No such file or directory'),
    (["--exec_dir", "/etc"], '--exec_dir: "/etc" is a directory that a jail has of its own; give one below it'),
    (["--report_fd", "99"], "--report_fd: descriptor 99 is not open for writing"),
    (["--report_file", "/nowhere/at-all"], '--report_file: cannot open "/nowhere/at-all": No such file or directory'),
    (["--report_file", "x", "--report_fd", "2"], "--report_fd: contradicts --report_file; leave one of them out"),
])
def test_what_a_jail_refuses(tool, place, words, text):
    done = Done(belljar_run.run_argv([tool, *words, "--exec", "/bin/echo"], cwd=place))
    assert (done.code, done.out) == (1, b"") and text in done.text and "Internal Error\n" in done.text, done


@pytest.mark.parametrize("words, text", [
    (["--cpu", "100000"], "safeexec: --cpu: 100000 is more than a jail can have; 86400 is used\n"),
    (["--clock", "100000"], "safeexec: --clock: 100000 is more than a jail can have; 86400 is used\n"),
    (["--nproc", "40000"], "safeexec: --nproc: 40000 is more than a jail can have; 32767 is used\n"),
    (["--core", "1"], "safeexec: --core: a jail writes no core file; 0 is used\n"),
])
def test_what_a_jail_makes_less(tool, place, words, text):
    done = Done(belljar_run.run_argv([tool, *words, "--exec", "/bin/echo"], cwd=place))
    assert (done.code, done.text.startswith(text + "OK\n")) == (0, True), done


def test_exec_ends_the_options(safeexec):
    assert safeexec(command=["/bin/echo", "--cpu", "--exec", "x"]).out == b"--cpu --exec x\n"


# ---- limits and surroundings


LIMITS = "import resource as r; print(*(r.getrlimit(n)[1] for n in (r.RLIMIT_AS, r.RLIMIT_STACK, r.RLIMIT_FSIZE, r.RLIMIT_NOFILE, r.RLIMIT_CORE)))"


def test_limits_arrive(safeexec):
    done = safeexec("--mem", 90000, "--stack", 4096, "--fsize", 3, "--nfile", 40, command=python(LIMITS))
    assert done.out.split() == [b"92160000", b"4194304", b"3072", b"40", b"0"], done
    done = safeexec(command=python("import os; print(os.nice(0))"))
    assert done.out == b"16\n", done
    assert safeexec("--niceness", 12, command=python("import os; print(os.nice(0))")).out == b"12\n"


def test_limits_cannot_be_raised(safeexec):
    code = "import resource as r; r.setrlimit(r.RLIMIT_AS, (30 << 20, 30 << 20)); r.setrlimit(r.RLIMIT_AS, (31 << 20, 31 << 20))"
    done = safeexec(command=python(code))
    assert done.code == 1 and "not allowed to raise maximum limit" in done.report.stderr, done


def test_processes(safeexec):
    code = "import os\nchild = os.fork()\nprint('Just forked')\nif child: os.wait()"
    done = safeexec(command=python(code))
    assert (done.code, done.out) == (1, b"") and "BlockingIOError" in done.report.stderr, done
    assert done.verdict == "Command exited with non-zero status (1)", done
    done = safeexec("--nproc", 1, command=python(code))
    assert (done.code, done.out, done.verdict) == (0, b"Just forked\n" * 2, "OK"), done


def test_environment(safeexec):
    """It is no longer the caller's."""
    done = safeexec(command=["/usr/bin/env"], env={"PATH": os.environ["PATH"], "SECRET": "x"})
    assert sorted(done.out.split()) == [b"HOME=/box", b"LANG=C.UTF-8", b"PATH=/usr/local/bin:/usr/bin:/bin"], done
    assert safeexec("--env_vars", "A=B\nC=D=E\n", command=["/usr/bin/env"]).out == b"A=B\nC=D=E\n"
    assert safeexec("--env_vars", "", command=["/usr/bin/env"]).out == b""
    assert sorted(safeexec("--env_vars", "PY", command=["/usr/bin/env"]).out.split()) == [
        b"PYTHONHOME=/", b"PYTHONIOENCODING=utf-8", b"PYTHONPATH=/static"]


def test_encoding(safeexec, place):
    put(place, "encode.py", "#!/usr/bin/python3\nimport os\nprint('\u00e9\u4e2d', os.environ['PYTHONIOENCODING'])\n")
    done = safeexec("--env_vars", "PYTHONIOENCODING=UTF-8", command=["./encode.py"])
    assert done.out.decode() == "\u00e9\u4e2d UTF-8\n", done


def test_no_network(safeexec):
    done = safeexec("--mem", 500000, command=python("import urllib.request as u; u.urlopen('http://example.org/')"))
    assert done.code == 1 and "Temporary failure in name resolution" in done.report.stderr, done


def test_share_newnet(safeexec):
    """A service of the host's loopback is met with it, and not without."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        code = "import socket; print(socket.create_connection(('127.0.0.1', %d)).recv(9))" % server.getsockname()[1]

        def answer():
            connection = server.accept()[0]
            connection.sendall(b"met")
            connection.close()
        thread = threading.Thread(target=answer)
        thread.start()
        refused = safeexec("--mem", ROOM, command=python(code))
        done = safeexec("--mem", ROOM, "--share_newnet", command=python(code))
        thread.join()
    assert (done.code, done.out) == (0, b"b'met'\n"), done
    assert refused.code == 1, refused
