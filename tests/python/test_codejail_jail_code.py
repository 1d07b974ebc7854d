"""codejail.jail_code: what programs that use CodeJail rely on, and the holes that it had.

Its own file because safe_exec hands over variables, and here a program is run.
Changes when: jail_code does.
"""

import logging
import os
import signal
import subprocess
import textwrap
import time

import pytest


@pytest.fixture(autouse=True)
def codejail(package):
    """The module, configured, with limits that are put back."""
    from codejail import jail_code
    jail_code.COMMANDS.clear()
    jail_code.LIMIT_OVERRIDES.clear()
    jail_code.configure("python", "/usr/bin/python3", user="somebody")
    yield jail_code
    jail_code.LIMITS.clear()
    jail_code.LIMITS.update(jail_code.DEFAULT_LIMITS)


@pytest.fixture
def python(codejail):
    def run(code=None, **options):
        return codejail.jail_code("python", code and textwrap.dedent(code), **options)
    return run


def told(result):
    return result.stdout, result.stderr, result.status


def test_hello(python):
    assert told(python("print('Hello')")) == (b"Hello\n", b"", 0)


def test_arguments_and_standard_input(python):
    result = python("import sys; print(sys.argv, sys.stdin.read())", argv=["-x", "y"], stdin="é")
    assert result.stdout == "['jailed_code', '-x', 'y'] é\n".encode()


def test_an_exception_names_the_file_of_the_code(python):
    result = python("def f():\n    raise ValueError('no')\nf()")
    assert (result.stdout, result.status) == (b"", 1)
    assert result.stderr.decode() == textwrap.dedent("""\
        Traceback (most recent call last):
          File "jailed_code", line 3, in <module>
            f()
          File "jailed_code", line 2, in f
            raise ValueError('no')
        ValueError: no
        """)


@pytest.mark.parametrize("code,status,stderr", [
    ("raise SystemExit(3)", 3, b""), ("raise SystemExit", 0, b""), ("raise SystemExit('text')", 1, b"text\n"),
    ("import os; os._exit(0)", 0, b""), ("import os; os._exit(7)", 7, b""),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV, b"")])
def test_ends(python, code, status, stderr):
    assert told(python(code)) == (b"", stderr, status)


def test_a_mistake_of_syntax(python):
    result = python("print('never')\nx = = 1")
    assert (result.stdout, result.status) == (b"", 1)
    assert b'File "jailed_code", line 2' in result.stderr and b"SyntaxError" in result.stderr


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_large_and_binary(python, stream):
    text = "".join(chr(i) for i in range(256)) * 10000
    result = python("import sys; sys.%s.write(sys.stdin.read())" % stream, stdin=text)
    assert result.status == 0 and getattr(result, stream) == text.encode()


def test_files_and_directories(python, tmp_path):
    (tmp_path / "lib" / "empty").mkdir(parents=True)
    (tmp_path / "lib" / "module.py").write_text("const = 42\n")
    (tmp_path / "a.txt").write_bytes(b"\xff")
    result = python("""\
        import os, sys
        sys.path.append("lib")
        import module
        for row in sorted((place, sorted(directories), sorted(files)) for place, directories, files in os.walk(".")):
            print(row)
        print(module.const, open("a.txt", "rb").read(), open("extra", "rb").read())
        """, files=[str(tmp_path / "lib"), str(tmp_path / "a.txt")], extra_files=[("extra", b"\x00\xfe")])
    assert result.stdout.decode() == textwrap.dedent("""\
        ('.', ['lib', 'tmp'], ['a.txt', 'extra', 'jailed_code'])
        ('./lib', ['empty'], ['module.py'])
        ('./lib/empty', [], [])
        ('./tmp', [], [])
        42 b'\\xff' b'\\x00\\xfe'
        """), result.stderr


def test_a_file_that_is_run(python):
    assert python(extra_files=[("run.py", b"import sys; print(sys.argv)")], argv=["run.py", "1"]).stdout == b"['run.py', '1']\n"
    missing = python(argv=["nothing.py"])
    assert missing.status == 2 and b"can't open file" in missing.stderr


def test_an_argument_of_the_interpreter(python):
    assert told(python(argv=["-c", "print(1)"])) == (b"1\n", b"", 0)


def test_links(python, tmp_path):
    inside = tmp_path / "copied"
    inside.mkdir()
    (tmp_path / "secret").write_text("secret")
    (inside / "here").write_text("here")
    (inside / "link").symlink_to("here")
    (inside / "out").symlink_to("../secret")
    (inside / "away").symlink_to(tmp_path / "secret")
    result = python("""\
        print(open("copied/link").read())
        for name in ("out", "away"):
            try:
                print(open("copied/" + name).read())
            except OSError as error:
                print(error.errno)
        """, files=[str(inside)])
    assert result.stdout == b"here\n13\n13\n"


@pytest.mark.parametrize("slug", [None, "a/slug"])
def test_logs(python, caplog, slug):
    caplog.set_level(logging.DEBUG, "codejail")
    python("pass", slug=slug)
    assert ("Executed jailed code a/slug in /box, with PID " in caplog.text) == bool(slug)
    prepared = "Preparing to execute jailed code 'a/slug' (overrides context = None, resource limits = {"
    assert (prepared in caplog.text) == bool(slug)


def test_address_space(python, codejail):
    codejail.set_limit("VMEM", 80000000)
    result = python("print(len(bytearray(100000000)))")
    assert (result.stdout, result.status) == (b"", 1) and b"MemoryError" in result.stderr
    codejail.set_limit("VMEM", 160000000)
    assert told(python("print(len(bytearray(100000000)))")) == (b"100000000\n", b"", 0)


def test_processor_time(python, codejail):
    codejail.set_limit("REALTIME", 10)
    assert told(python("while True: pass")) == (b"", b"", -24)


def test_time(python, codejail, caplog):
    assert told(python("import time; time.sleep(5)")) == (b"", b"", -9)
    assert "Killing process " in caplog.text and "ran too long: 1." in caplog.text
    codejail.set_limit("REALTIME", 0)
    assert python("import time; time.sleep(1.2)").status == 0


def test_forks(python, codejail):
    codejail.set_limit("NPROC", 1)
    result = python("print('Forking')\nimport os\nos.fork()")
    assert (result.stdout, result.status) == (b"Forking\n", 1) and b"BlockingIOError" in result.stderr


def test_what_can_be_written(python, codejail):
    result = python("print('Trying')\nopen('a', 'w')")
    assert (result.stdout, result.status) == (b"Trying\n", 1) and b"Permission denied" in result.stderr
    small = "import tempfile, os\nwith open(tempfile.mkstemp()[1], 'w') as f:\n    f.write('x' * %d)\nprint(f.name[:8])"
    assert b"File too large" in python("with open('tmp/a', 'w') as f:\n    f.write('x')").stderr
    codejail.set_limit("FSIZE", 1000)
    assert told(python(small % 1000)) == (b"/box/tmp\n", b"", 0)
    assert b"OSError: [Errno 27] File too large" in python(small % 1001).stderr


def test_files_are_no_larger_than_before_where_nothing_can_be_written(python):
    assert python("print(len(open('a').read()))", extra_files=[("a", b"x" * 3000000)]).stdout == b"3000000\n"


def test_all_that_is_written_is_limited(python, codejail):
    """CodeJail skips its own test of this."""
    codejail.set_limit("FSIZE", 1000)
    result = python("""\
        import os, tempfile
        for i in range(250):
            f, path = tempfile.mkstemp()
            os.write(f, b"x" * 999)
            os.close(f)
        """)
    assert result.status == 1 and b"No space left on device" in result.stderr


@pytest.mark.parametrize("code,error", [
    ("import socket; socket.create_connection(('93.184.216.119', 80), 1)", b"Permission denied"),
    ("import urllib.request as r; r.urlopen('http://example.com')", b"URLError"),
    ("open('/etc/passwd')", b"Permission denied"), ("open('/tmp/codejail-a/secret')", b"Permission denied")])
def test_what_is_out_of_reach(python, code, error):
    result = python("print('Reading')\n" + code)
    assert (result.stdout, result.status) == (b"Reading\n", 1) and error in result.stderr


def test_directories_that_cannot_be_listed(python):
    result = python("""\
        import os
        for place in ("..", "/", "/tmp", "/home", "/etc", "/var", "/root", "/sys"):
            try:
                print(place, os.listdir(place))
            except PermissionError:
                print("no")
        """)
    assert told(result) == (b"no\n" * 8, b"", 0)


def test_the_environment_is_not_the_hosts(python, monkeypatch):
    monkeypatch.setenv("CODEJAIL_SECRET", "1")
    assert b"CODEJAIL" not in python("import os; print(dict(os.environ))").stdout


def test_devices(python):
    assert python("print(len(open('/dev/urandom', 'rb').read(10)))").stdout == b"10\n"
    assert python("open('/dev/urandom', 'rb').read()").status != 0


@pytest.mark.parametrize("name", ["/etc/cron.d/x", "../x", "a/b", "..", "", "tmp", "a\0b"])
def test_names_cannot_lead_out(python, name, tmp_path):
    from codejail.exceptions import JailError
    from codejail.safe_exec import not_safe_exec
    with pytest.raises(JailError, match="cannot be the name"):
        python("pass", extra_files=[(name, b"")])
    with pytest.raises(JailError, match="cannot be the name"):
        not_safe_exec("pass", {}, extra_files=[(name, b"")])
    with pytest.raises(JailError, match="cannot be the name"):
        not_safe_exec("pass", {}, extra_files=[(str(tmp_path / "written"), b"")])
    assert not (tmp_path / "written").exists()


def test_a_new_session_does_not_outlive_the_time(python):
    began = time.monotonic()
    result = python("""\
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True:
                    time.sleep(0.1)
        time.sleep(30)
        """)
    assert result.status == -9 and time.monotonic() - began < 2.5


def test_a_child_left_behind_does_not_keep_the_caller_waiting(python):
    began = time.monotonic()
    result = python("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(30)\nprint('out')")
    assert told(result) == (b"out\n", b"", 0) and time.monotonic() - began < 1


def test_output_is_bounded(python, codejail, caplog):
    codejail.set_limit("REALTIME", 20)
    codejail.set_limit("CPU", 20)
    result = python("import os\nfor i in range(100):\n    os.write(1, b'x' * 1000000)")
    assert result.status == 0 and len(result.stdout) == 16 << 20 and "was cut" in caplog.text


def test_runs_share_nothing(python):
    assert python("open('tmp/kept', 'w')").status == 0
    assert python("import os; print(os.listdir('tmp'))").stdout == b"[]\n"


def test_overrides(codejail, caplog):
    codejail.override_limit("CPU", 50, "course")
    codejail.override_limit("PROXY", 1, "course")
    assert "Tried to override value of PROXY to 1. " in caplog.text and caplog.records[-1].levelname == "ERROR"
    assert codejail.get_effective_limits("course") == {**codejail.DEFAULT_LIMITS, "CPU": 50}
    assert codejail.get_effective_limits("other") == codejail.get_effective_limits() == codejail.DEFAULT_LIMITS
    assert codejail.LIMIT_OVERRIDES == {"course": {"CPU": 50}}


def test_what_is_not_configured(codejail):
    with pytest.raises(Exception, match="jail_code needs to be configured for 'ruby'"):
        codejail.jail_code("ruby", "1")
    assert (codejail.is_configured("ruby"), codejail.is_configured("python")) == (False, True)
    assert codejail.COMMANDS["python"] == {"cmdline_start": ["/usr/bin/python3", "-E", "-B"], "user": "somebody"}


def test_a_python_that_cannot_be_run_is_told(codejail):
    from codejail.exceptions import JailError
    codejail.configure("python", "/nowhere/bin/python")
    with pytest.raises(JailError, match="neither /usr/bin/python3 nor in a virtual environment"):
        codejail.jail_code("python", "1")


def test_a_virtual_environment(codejail, venv, python):
    codejail.configure("python", venv)
    assert python("import belljar; print(belljar.__name__)").stdout == b"belljar\n"


def test_another_program(codejail):
    codejail.configure("shell", "/bin/sh")
    codejail.set_limit("FSIZE", 1000)
    code = "read x; echo $x $1 $TMPDIR; cat a; echo b > tmp/b; cat tmp/b; exit 4"
    result = codejail.jail_code("shell", code, stdin="in\n", argv=["-v"], extra_files=[("a", b"extra\n")])
    assert told(result) == (b"in -v tmp\nextra\nb\n", b"", 4)


def test_names_of_version_1(codejail):
    from codejail import jail, languages, limits
    from codejail.exceptions import JailError
    made = jail.configure("py", "/usr/bin/python3", lang=languages.python3)
    variables = {"x": 1}
    made.safe_exec("y = x + 1", variables)
    assert variables == {"x": 1, "y": 2} and jail.get_codejail("py").jail_code("print(1)").stdout == b"1\n"
    assert limits.LIMITS is codejail.LIMITS
    with pytest.raises(JailError, match="not found"):
        jail.get_codejail("nothing")
    with pytest.raises(JailError, match="no safe_exec"):
        jail.configure("sh", "/bin/sh").safe_exec("", {})


def test_a_helper_process(python, codejail):
    from codejail import proxy
    codejail.set_limit("PROXY", 1)
    assert told(python("print(1)")) == (b"1\n", b"", 0)
    first = proxy.PROXY_PROCESS.pid
    assert python("print(2)").stdout == b"2\n" and proxy.PROXY_PROCESS.pid == first
    for wait in (0, 0.1):
        proxy.PROXY_PROCESS.kill()
        time.sleep(wait)
        assert python("print(3)").stdout == b"3\n"
    assert proxy.PROXY_PROCESS.pid != first
    proxy._let_go(proxy.PROXY_PROCESS)


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)"])
def test_a_forked_process_has_jails_of_its_own(venv, end):
    program = textwrap.dedent("""\
        import os, sys
        from codejail import jail_code
        jail_code.configure("python", "/usr/bin/python3")
        print(jail_code.jail_code("python", "print(1)").stdout, flush=True)
        forked = os.fork()
        if forked == 0:
            print(jail_code.jail_code("python", "print(2)").stdout, flush=True)
            %s
        os.waitpid(forked, 0)  # wait() may meet a used jail
        print(jail_code.jail_code("python", "print(3)").stdout, flush=True)
        """) % end
    done = subprocess.run([venv, "-c", program], capture_output=True, text=True, check=False, timeout=30, cwd="/")
    assert (done.stdout, done.stderr) == ("b'1\\n'\nb'2\\n'\nb'3\\n'\n", "")
