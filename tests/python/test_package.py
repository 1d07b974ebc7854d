"""belljar for Python: commands, snippets, results, errors.

Its own file because these are what most programs use.
Changes when: the package offers something more.
"""

import math
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest


def test_three_lines_in_a_fresh_environment(venv):
    program = "import belljar\nresult = belljar.evaluate('6 * 7')\nprint(result.status, result.value)\n"
    done = subprocess.run([venv, "-I", "-c", program], capture_output=True, text=True, check=False, cwd="/")
    assert (done.stdout, done.stderr) == ("ok 42\n", "")


def test_a_command():
    import belljar
    result = belljar.run(["sh", "-c", "cat; echo wrong >&2; exit 3"], stdin="a line\n", limits={"wall_seconds": 2})
    assert (result.status, result.exit_code, result.signal, result.exit_status) == ("exit", 3, None, 3)
    assert (result.stdout, result.stderr, result.text) == (b"a line\n", b"wrong\n", "a line\n")
    assert not result.ok and result.usage.wall_seconds < 2


def test_files_in_and_out(tmp_path):
    import belljar
    source = tmp_path / "b.txt"
    source.write_text("second")
    result = belljar.run(["sh", "-c", "cat a.txt b.txt > c.txt"], files={"a.txt": b"first ", "b.txt": source}, collect=["c.txt"]).check()
    assert result.file("c.txt") == b"first second"
    with pytest.raises(KeyError):
        result.file("d.txt")


def test_output_as_it_comes():
    import belljar
    heard = []
    belljar.run(["sh", "-c", "echo one; sleep 0.1; echo two >&2"], on_output=lambda stream, data: heard.append((stream, data))).check()
    assert heard == [("stdout", b"one\n"), ("stderr", b"two\n")]


@pytest.mark.parametrize("cold", [False, True])
def test_its_process_is_told_when_it_has_started(sandbox, cold):
    import belljar
    where, heard = belljar if cold else sandbox, []
    assert where.execute("pass", on_start=heard.append).ok and len(heard) == 1 and heard[0] > 1
    with pytest.raises(ZeroDivisionError):
        where.execute("import time; time.sleep(60)", on_start=lambda pid: 1 / 0)


def test_what_the_listener_raises_comes_out():
    import belljar

    def listen(stream, data):
        raise LookupError("of the listener")

    with pytest.raises(LookupError, match="of the listener"):
        belljar.run(["sh", "-c", "echo one; sleep 10"], on_output=listen)


@pytest.mark.parametrize("cold", [False, True])
def test_snippets(sandbox, cold):
    import belljar
    where = belljar if cold else sandbox
    assert where.execute("y = x + 1", globals={"x": 41}).globals == {"x": 41, "y": 42}
    assert where.evaluate("[x, None]", globals={"x": {"é": 1.5}}).value == [{"é": 1.5}, None]


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("kind", ["globals", "views"])
def test_numbers_that_json_lacks_go_in_and_come_out(sandbox, cold, kind):
    import belljar
    given = {kind: {"x": [math.nan, math.inf, -math.inf], "text": "a\0b"}}
    result = (belljar if cold else sandbox).execute("y = list(x)\nz = text", **given).check()
    assert [str(n) for n in result.globals["y"]] == ["nan", "inf", "-inf"] and result.globals["z"] == "a\0b"


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("code", [
    "import multiprocessing\nmultiprocessing.Process(target=print).start()",
    "import multiprocessing\nwith multiprocessing.Pool(2) as pool:\n    print(pool.map(abs, [-1]))",
    "import concurrent.futures\nwith concurrent.futures.ProcessPoolExecutor(2) as pool:\n    print(list(pool.map(abs, [-1])))"])
def test_processes_that_may_not_be_are_said_to_be_so(sandbox, cold, code):
    import belljar
    result = (belljar if cold else sandbox).execute(code)
    if not result.usage.processes_peak:
        pytest.skip("host lacks a writable pids cgroup")
    assert result.status == "process_limit", result
    with pytest.raises(belljar.RunError, match=r"^process limit \(limits.processes\): BlockingIOError: "):
        result.check()


def test_a_guests_failure_is_a_result(sandbox):
    import belljar
    result = sandbox.execute("print('before')\n1 / 0")
    assert (result.status, result.text, result.exception.type) == ("exception", "before\n", "ZeroDivisionError")
    assert "line 2" in result.exception.traceback
    with pytest.raises(belljar.RunError, match="ZeroDivisionError: division by zero") as caught:
        result.check()
    assert caught.value.result is result


@pytest.mark.parametrize("code,limits,status,limit", [
    ("while True: pass", {"cpu_seconds": 1, "wall_seconds": 20}, "time_limit", "cpu"),
    ("import time; time.sleep(60)", {"wall_seconds": 0.3}, "time_limit", "wall"),
    ("x = bytearray(10**9)", {"memory_bytes": 64 << 20}, "exception", None)])
def test_limits(code, limits, status, limit):
    import belljar
    result = belljar.execute(code, limits=limits)
    assert status in (result.status, "exception") and (result.status in (status, "memory_limit")) and result.limit in (limit, "bytes")


def test_each_run_is_fresh(sandbox):
    assert sandbox.execute("import builtins; builtins.kept = 1; open('/tmp/kept', 'w').close()").ok
    assert sandbox.evaluate("(hasattr(__import__('builtins'), 'kept'), __import__('os').path.exists('/tmp/kept'))").value == [False, False]


def add(a, b=2, *, scale=1):
    """Its source goes to the jail."""
    return [(a + b) * scale, __import__("os").getpid()]


def test_call(sandbox):
    result = sandbox.call(add, 1, scale=10).check()
    assert result.value[0] == 30 and result.value[1] != os.getpid()
    assert result.globals == {}


DOUBLE, HALVE = lambda x: x * 2, lambda x: x / 2


@pytest.mark.parametrize("function,value", [(DOUBLE, 6), (HALVE, 1.5)])
def test_a_lambda_is_found_on_its_line(sandbox, function, value):
    assert sandbox.call(function, 3).value == value


def of_surroundings(secret):
    return lambda: secret


@pytest.mark.parametrize("function", [len, of_surroundings(1), eval("lambda: 1")], ids=["of C", "with surroundings", "of no file"])
def test_what_has_no_source_cannot_be_called(sandbox, function):
    import belljar
    with pytest.raises(belljar.InvalidError, match="^function: "):
        sandbox.call(function)


def test_map_keeps_the_order(sandbox):
    results = sandbox.map("import time; time.sleep(0.02 * (3 - x)); z = x * x", [{"x": x} for x in range(4)], workers=3)
    assert [result.globals["z"] for result in results] == [0, 1, 4, 9]


def test_session(sandbox):
    with sandbox.session() as session:
        assert session.execute("a = [1]").ok
        before = session.snapshot()
        other = session.fork()
        assert session.execute("a.append(2)").ok
        assert (session.evaluate("a").value, session.evaluate("a", branch=other).value) == ([1, 2], [1])
        assert session.execute("import os; os._exit(3)").exit_code == 3
        session.restore(before)
        assert session.evaluate("a").value == [1]
        session.drop(other)


@pytest.mark.parametrize("options,kind,message", [
    ({"limits": {"wall": 1}}, "InvalidError", "limits.wall: there is no such limit"),
    ({"limits": {"memory_bytes": 1}}, "InvalidError", "limits.memory_bytes: "),
    ({"limits": {"input_bytes": 3}}, "InvalidError", "limits.input_bytes: "),
    ({"colour": "red"}, "InvalidError", "colour: there is no such option"),
    ({"profile": "nothing"}, "NotFoundError", "profile: there is no profile \"nothing\""),
    ({"files": {"../a": b""}}, "InvalidError", "files")])
def test_misuse_is_told_with_its_field(options, kind, message):
    import belljar
    with pytest.raises(getattr(belljar, kind)) as caught:
        belljar.run(["true"], **options)
    assert isinstance(caught.value, belljar.BelljarError) and str(caught.value).startswith(message)


def test_modules_of_ones_own_are_there_beforehand(tmp_path):
    import belljar
    tmp_path.chmod(0o755)
    (tmp_path / "of_my_own.py").write_text("import os\nmade_by = os.getppid(), os.getpid()\n")
    with belljar.Sandbox(jails=1, mounts={"/opt/mine": tmp_path}, python_path=["/opt/mine"], preload=["of_my_own"]) as kept:
        result = kept.execute("import sys\nloaded = 'of_my_own' in sys.modules\npath = sys.path.count('/opt/mine')").check()
    assert result.globals == {"loaded": True, "path": 1}


def test_a_closed_sandbox_says_so():
    import belljar
    kept = belljar.Sandbox(jails=1)
    kept.close()
    with pytest.raises(RuntimeError, match="closed"):
        kept.evaluate("1")


FORKS = """
import belljar, os, sys
sandbox = belljar.Sandbox(jails=2)
child = os.fork()
if child == 0:
    try:
        sandbox.evaluate("1")
    except RuntimeError as error:
        print(error, flush=True)
    del sandbox
    sys.exit(0)
os.waitpid(child, 0)
print(sandbox.evaluate("40 + 2").value)
"""


def test_a_forked_child_leaves_its_parents_jails_alone(venv):
    done = subprocess.run([venv, "-I", "-c", FORKS], capture_output=True, text=True, check=False)
    assert done.stdout == "it was made before a fork, by another process; make one here\n42\n" and done.stderr == ""


def test_doctor_and_profiles():
    import belljar
    assert {"default", "python"} <= {profile["name"] for profile in belljar.profiles()}
    assert "seccomp" in str(belljar.doctor())


def test_explain():
    import belljar
    assert belljar.explain("syscall ptrace").startswith("ptrace: refused")
    assert belljar.explain("syscall getpid").startswith("getpid: allowed")
    with pytest.raises(belljar.InvalidError):
        belljar.explain("colour red")


def test_a_result_is_not_lost_with_what_makes_the_jails():
    """The zygote dies while a snippet runs: its result is there, and the next run is told."""
    import belljar

    def children():
        return {int(pid) for task in os.listdir("/proc/self/task")
                for pid in open("/proc/self/task/%s/children" % task, encoding="ascii").read().split()}

    before = children()
    kept = belljar.Sandbox(jails=1)
    mine = children() - before

    def kill_zygote(pid):
        os.kill((mine - {pid}).pop(), signal.SIGKILL)

    assert kept.evaluate("6 * 7", on_start=kill_zygote).value == 42
    with pytest.raises(belljar.BelljarError):
        kept.evaluate("6 * 7")
    kept.close()


def test_a_picture_for_a_notebook(sandbox):
    import belljar
    code = "open('a.png', 'wb').write(bytes.fromhex('89504e470d0a1a0a'))\nprint('drawn')"
    shown = belljar.execute(code, collect=["*.png"])._repr_mimebundle_()
    assert shown == {"text/plain": "drawn", "image/png": "iVBORw0KGgo="}
    assert sandbox.execute("1 / 0")._repr_mimebundle_()["text/plain"].endswith("[ZeroDivisionError: division by zero]")


def test_control_c_ends_the_run_and_leaves_nothing(venv):
    program = textwrap.dedent("""
        import belljar, sys
        print("ready", flush=True)
        try:
            belljar.run(["sleep", "60"])
        except KeyboardInterrupt:
            print(open("/proc/self/task/%d/children" % __import__("os").getpid()).read().split(), flush=True)
        """)
    child = subprocess.Popen([venv, "-I", "-c", program], stdout=subprocess.PIPE, text=True,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert child.stdout.read() == "[]\n" and child.wait(10) == 0
    assert time.monotonic() - began < 5


def test_the_python_of_tests_is_not_the_guests():
    assert sys.version_info >= (3, 9)


def test_a_result_is_whole_however_it_is_asked():
    import copy
    import dataclasses
    import pickle
    import belljar

    def make():
        return belljar.run(["sh", "-c", "echo a; kill -9 $$"])

    asked, copied, whole = make(), copy.deepcopy(make()), dataclasses.asdict(make())
    assert (asked.signal, asked.layers["seccomp"], asked.denials, asked.files, asked.error) == ("SIGKILL", "on", (), (), None)
    assert copied.signal == whole["signal"] == pickle.loads(pickle.dumps(asked)).signal == "SIGKILL"
    assert pickle.loads(pickle.dumps(asked)) == asked and "SIGKILL" in repr(make())
    assert dataclasses.replace(make(), stdout=b"b").usage.wall_seconds > 0
    with pytest.raises(AttributeError, match="no attribute 'sigmal'"):
        make().sigmal
    with pytest.raises(RuntimeError, match="from a run"):
        belljar._core.Result().json()
