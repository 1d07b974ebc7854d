"""Runs that repeat exactly: belljar exec --deterministic, and "deterministic" in a request.

Its own file because what is compared is one run with another, in jails of their own and in parked ones.
Changes when: something else has to repeat.
"""
import ctypes
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import time

import belljar_run
import pytest


@pytest.fixture(scope="module", autouse=True)
def host_fixes_addresses(belljar):
    done = belljar_run.run_argv([belljar, "eval", "--deterministic", "1"])
    if done.returncode == 125 and b"addresses cannot be fixed here" in done.err:
        pytest.skip("host lacks personality(2) with ADDR_NO_RANDOMIZE: a container's filter refuses it")


@pytest.fixture
def run(either):
    """run(source, deterministic): the result of a request; None: without the key."""
    def call(source, deterministic=None, kind="code", profile="python", **request):
        request = {"profile": profile, kind: source, **request}
        if deterministic is not None:
            request["deterministic"] = deterministic
        return belljar_run.run_argv([either, "run", "--json", "--spec", "-"], stdin=json.dumps(request).encode())
    return call


@pytest.fixture
def allowed(either):
    """allowed(source, *options): what a script prints that is allowed more than a request may ask for."""
    def call(source, *options):
        result = belljar_run.run_argv([either, "exec", "--json", "--deterministic", *map(str, options), "-"], stdin=source.encode())
        assert result.status == "ok", result
        return result.stdout
    return call


@pytest.fixture
def told(run):
    """What a script prints that runs to its end; more: of the request."""
    def call(source, deterministic=None, **more):
        result = run(source, deterministic, **more)
        assert result.status == "ok", result
        return result.stdout
    return call


# Each prints one line.
CHANCE = {
    "random": "import random; print(random.random(), random.getrandbits(70))",
    "system": "import random; print(random.SystemRandom().random())",
    "uuid4": "import uuid; print(uuid.uuid4())",
    "secrets": "import secrets; print(secrets.token_hex(20))",
    "urandom": "import os; print(os.urandom(5), os.getrandom(9), os.getrandom(3, os.GRND_NONBLOCK))",
    "temporary": "import tempfile; print(tempfile.mkstemp()[1])",
    "hash": "print(hash('x'), hash(b'yy'))",
    "set": "print({str(i) for i in range(30)})",
}
PLACES = {
    "id": "print(id(object()))",
    "repr": "print(object(), print)",
    "objects": "class A: pass\nprint({A() for i in range(9)})",
    "thread": "import threading; print(threading.get_ident())",
    "libc": "import ctypes; print(ctypes.cast(ctypes.CDLL(None).printf, ctypes.c_void_p).value)",
}
CLOCKS = {
    "time": "import time; print(repr(time.time()), time.time_ns())",
    "datetime": "import datetime; print(datetime.datetime.now(), datetime.datetime.now(datetime.timezone.utc), datetime.date.today())",
    "monotonic": "import time; print(time.monotonic(), time.perf_counter(), time.monotonic_ns())",
    "processor": "import time; print(time.process_time_ns(), time.thread_time_ns())",
    "all": "import time\nprint([time.clock_gettime(c) for n, c in sorted(vars(time).items()) if n.startswith('CLOCK_')])",
    "times": "import os; print(os.times())",
    "local": "import time; print(time.localtime(), time.strftime('%c'))",
    "logging": "import logging, sys\nlogging.basicConfig(stream=sys.stdout, format='%(asctime)s %(relativeCreated)d %(process)d')\n"
               "logging.error('x')",
    "sqlite": "import sqlite3; print(sqlite3.connect(':memory:').execute(\"select datetime('now'), julianday('now')\").fetchone())",
    "http": "import email.utils; print(email.utils.formatdate(), email.utils.make_msgid(domain='x'))",
}
ALL = {**CHANCE, **PLACES, **CLOCKS}


# ---- runs repeat ---------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def together():
    return "\n".join(ALL.values())


def test_two_runs_print_the_same(told, together):
    one, other = told(together, {"seed": 3}), told(together, {"seed": 3})
    assert one.splitlines() == other.splitlines() and len(one.splitlines()) == len(ALL), one


@pytest.mark.parametrize("what", sorted(set(ALL) - {"local"}))  # within one second it is the same
def test_without_it_two_runs_differ(told, what):
    """Or the test above would show nothing. Parked jails of one zygote share addresses; these have one each."""
    seen = {told(ALL[what]) for _ in range(3)}
    assert len(seen) > 1, seen


@pytest.mark.parametrize("what", sorted(set(CHANCE) | {"time", "monotonic", "datetime", "sqlite"}))
def test_cold_and_parked_print_the_same(belljar, pooled, what):
    """All but addresses."""
    if not pooled:
        pytest.skip("host lacks a build with tests/pool/belljar-pooled")
    out = [belljar_run.run_argv([command, "exec", "--seed", "5", "-"], stdin=ALL[what].encode()).out for command in (belljar, pooled)]
    assert out[0] == out[1] and out[0], out


@pytest.mark.parametrize("what", sorted(CHANCE))
def test_another_seed_is_another_run(told, what):
    assert told(CHANCE[what], {"seed": 1}) != told(CHANCE[what], {"seed": 2})


def test_neighbouring_seeds_have_nothing_in_common(told):
    source = "import os; print(os.urandom(8000).hex())"
    one, other = (told(source, {"seed": seed}).strip() for seed in (0, 1))
    words = [{text[i:i + 16] for i in range(0, len(text), 16)} for text in (one, other)]
    assert len(words[0]) == len(words[1]) == 1000 and not words[0] & words[1]
    ones = sum(bin(int(word, 16)).count("1") for word in words[0])
    assert abs(ones - 32000) < 1000, ones


def test_the_seed_alone_changes_no_clock(told):
    assert told(CLOCKS["time"], {"seed": 1}) == told(CLOCKS["time"], {"seed": 2})


def test_an_expression_repeats_as_well(run):
    values = [run("[__import__('random').random(), hash('x'), __import__('time').time()]", {"seed": 9}, kind="expression").value
              for _ in range(2)]
    assert values[0] == values[1] and values[0] is not None, values


def test_variables_and_files_do_not_change_it(told):
    source = "import random, time; print(random.random(), time.time(), hash('x'))"
    assert told(source, {}, globals={"a": list(range(1000))}, files=[{"path": "a", "text": "b" * 5000}]) == told(source, {})


def test_numpy(told, run):
    if run("import numpy", profile="python-packages").status != "ok":
        pytest.skip("host lacks numpy for the profile python-packages")
    source = "import numpy; print(numpy.random.rand(3), numpy.random.default_rng().integers(1 << 60, size=2))"
    one = told(source, {}, profile="python-packages")
    assert one == told(source, {}, profile="python-packages") != told(source, {"seed": 1}, profile="python-packages")


def test_ids_are_the_same(told):
    source = "import os, threading; print(os.getpid(), os.getppid(), threading.get_native_id())"
    assert told(source) == told(source, {}) == "2 1 2\n"


# ---- clocks --------------------------------------------------------------------------------------------------------

def test_the_clock_begins_where_it_is_told(told):
    for start, seconds in (("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:59Z", 951868799), ("2199-12-31T23:59:59Z", 7258118399)):
        now = float(told("import time; print(time.time())", {"time": start}))
        assert seconds <= now < seconds + 0.01, now


def test_the_default_is_new_year_2020(told):
    assert told("import datetime; print(datetime.datetime.now().isoformat(timespec='milliseconds'))", {}) == "2020-01-01T00:00:00.000\n"


def test_another_time_moves_the_clocks_of_the_day_only(told):
    source = "import time; print(time.monotonic(), time.process_time())\nimport random; print(random.random())"
    assert told(source, {}) == told(source, {"time": "2031-07-08T09:10:11Z"})


def test_each_call_takes_a_microsecond(told):
    out = told("import time\nt = [time.time_ns(), time.monotonic_ns(), time.perf_counter_ns(), time.process_time_ns(), time.time_ns()]\n"
               "print(t[4] - t[0], t[2] - t[1], t[3] // 1000 % 1000 - t[0] // 1000 % 1000)", {})
    assert out == "4000 1000 3\n"


def test_who_waits_for_the_clock_gets_there(told):
    assert told("import time\nend = time.time() + 0.05\nwhile time.time() < end: pass\nprint('there')", {}) == "there\n"


def test_sleeps_return_at_once_and_move_the_clock(told):
    begun = time.monotonic()
    out = told("import time\nt, m, p = time.time(), time.monotonic(), time.process_time()\ntime.sleep(100)\ntime.sleep(0.25)\n"
               "print(round(time.time() - t, 3), round(time.monotonic() - m, 3), round(time.process_time() - p, 3))", {})
    assert out == "100.25 100.25 0.0\n" and time.monotonic() - begun < 30


def test_sleeps_for_ever_do_not_turn_the_clock_back(told):
    out = told("import time\nlast = time.time()\nfor i in range(5):\n    time.sleep(1e9)\n    assert time.time() > last\n"
               "    last = time.time()\nprint(time.strftime('%Y', time.gmtime(last)) > '2100')", {})
    assert out == "True\n"


def test_bad_sleeps_and_clocks_are_refused(told):
    out = told("import time, os\nfor f in (lambda: time.sleep(-1), lambda: time.clock_gettime(77), lambda: os.getrandom(4, 64)):\n"
               "    try: print(f())\n    except (ValueError, OSError) as e: print(type(e).__name__, getattr(e, 'errno', None))\n", {})
    assert out == "ValueError None\nOSError 22\nOSError 22\n"


WAITS = """
import select, threading, time, asyncio, queue, os
def took(f):
    t = time.monotonic()
    f()
    return round(time.monotonic() - t, 2)
def empty():
    try: queue.Queue().get(timeout=0.2)
    except queue.Empty: pass
r, w = os.pipe()
print(took(lambda: threading.Event().wait(0.2)))
print(took(lambda: threading.Lock().acquire() and None))
print(took(empty))
print(took(lambda: select.select([], [], [], 50)))
print(took(lambda: select.select([r], [], [], 0.2)))
p = select.poll(); p.register(r)
print(took(lambda: p.poll(200)))
print(took(lambda: asyncio.run(asyncio.sleep(0.2))))
os.write(w, b"x")
print(took(lambda: select.select([r], [], [], 50)))
"""


def test_waits_end_and_move_the_clock(told):
    assert told(WAITS, {}) == "0.2\n0.0\n0.2\n50.0\n0.2\n0.2\n0.2\n0.0\n"


THREADS = """
import threading, time, queue
ready = False
def work():
    global ready
    for i in range(200000): pass
    ready = True
t = threading.Thread(target=work); t.start()
while not ready: pass  # the interpreter's lock has to be handed over
t.join(5)
q, out = queue.Queue(), []
def feed():
    for i in range(5):
        time.sleep(10)
        q.put(i)
t = threading.Thread(target=feed); t.start()
for i in range(5): out.append(q.get(timeout=60))
print(out, t.join())
"""


@pytest.mark.parametrize("start", ["1970-01-01T00:00:00Z", "1970-01-01T00:16:40Z", "2020-01-01T00:00:00Z", "2199-12-31T23:59:59Z"])
def test_threads_get_on_with_each_other(allowed, start):
    """Whichever of the clocks of the day and since the start is the greater one."""
    assert allowed(THREADS, "-p", 4, "--start-time", start) == "[0, 1, 2, 3, 4] None\n"


def test_a_child_has_chance_of_its_own_that_repeats(allowed):
    source = ("import os, uuid\nr, w = os.pipe()\nfirst = uuid.uuid4()\nif os.fork() == 0:\n    os.write(w, uuid.uuid4().bytes)\n"
              "    os._exit(0)\nown = uuid.uuid4().bytes\nos.wait()\nother = os.read(r, 16)\nprint(first, own.hex(), other.hex(), own != other)")
    out = allowed(source, "-p", 4)
    assert out.endswith("True\n") and out == allowed(source, "-p", 4)


# ---- walls ---------------------------------------------------------------------------------------------------------

def test_limits_keep_the_true_time(run):
    begun = time.monotonic()
    result = run("import time\nwhile True: time.sleep(1000)", {}, limits={"cpu_seconds": 5, "wall_seconds": 2})
    assert result.status == "time_limit" and 1.5 < result.usage["wall_seconds"] < 10, result
    assert time.monotonic() - begun >= 1.5
    result = run("while True: pass", {}, limits={"cpu_seconds": 0.5})
    assert result.status == "time_limit" and result.usage["cpu_seconds"] >= 0.5, result


def test_true_clocks_are_not_walled_off(told):
    """It says so in SECURITY.md: a snippet that looks for them finds them."""
    out = told("import os; print(os.stat('/box').st_mtime > 1700000000, len(open('/dev/urandom', 'rb').read(4)))", {})
    assert out == "True 4\n"


def test_the_jail_is_the_same(told):
    source = ("import ctypes, os\nfor f in (lambda: os.listdir('/root'), lambda: __import__('socket').socket()):\n"
              "    try: f(); print('ESCAPED')\n    except OSError as e: print(e.errno)\n"
              "print('%x' % ctypes.CDLL(None).personality(ctypes.c_ulong(0xffffffff)))")
    plain, fixed = told(source).split(), told(source, {}).split()
    assert plain[:-1] == fixed[:-1] and (plain[-1], fixed[-1]) == ("0", "40000"), (plain, fixed)


def refuse_personality():
    """As the filter of a container does: nothing but 0 and the question."""
    number = {"x86_64": 135, "aarch64": 92}[platform.machine()]
    rows = [(0x20, 0, 0, 0), (0x15, 0, 2, number), (0x20, 0, 0, 16), (0x15, 1, 0, 0x40000), (0x06, 0, 0, 0x7fff0000), (0x06, 0, 0, 0x50001)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *row) for row in rows))
    program = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(rows), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0, ctypes.get_errno()


def test_where_addresses_cannot_be_fixed_nothing_starts(either):
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("host lacks a processor whose numbers this test knows")
    for words, status in ((["--deterministic"], 125), ([], 0)):
        done = subprocess.run([either, "exec", *words, "-"], input=b"print('ran')", preexec_fn=refuse_personality, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == status and (b"ran" in done.stdout) == (status == 0), done
        assert status == 0 or (b"fixed_addresses" in done.stderr and b"ADDR_NO_RANDOMIZE (0x40000)" in done.stderr), done


def test_only_what_is_answered_is_exported(belljar):
    """A function more would be in the place of every library's of that name."""
    folder = os.path.join(os.path.dirname(belljar), "..", "guest")
    guests = [os.path.join(folder, name) for name in (os.listdir(folder) if os.path.isdir(folder) else []) if re.fullmatch(r"belljar-guest-3\.\d+", name)]
    if not guests or not shutil.which("nm"):
        pytest.skip("host lacks a build directory, or nm")
    header = open(os.path.join(belljar_run.ROOT, "src", "guest", "determinism.h"), encoding="utf-8").read()
    wanted = set(re.findall(r"^    X\((\w+),", header, re.M))
    assert len(wanted) == 15
    wanted.add("syscall")
    for guest in guests:
        words = [line.split() for line in subprocess.run(["nm", "-D", "--defined-only", guest], check=True, capture_output=True, text=True).stdout.splitlines()]
        functions = {row[-1] for row in words if row[-2] in "TW"} - {"_init", "_fini"}
        assert functions == wanted or any(name.startswith("__asan") for name in functions), functions ^ wanted


# ---- the command line, and mistakes --------------------------------------------------------------------------------

def test_options(either):
    def out(*words):
        return belljar_run.run_argv([either, "exec", *words, "-"], stdin=b"import random, time; print(random.random(), int(time.time()))").out
    plain = out("--deterministic")
    assert plain.endswith(b" 1577836800\n") and plain == out("--seed", "0") == out("--start-time", "2020-01-01T00:00:00Z")
    both = out("--seed", "7", "--start-time", "2024-02-29T12:00:00Z")
    assert both == out("--start-time", "2024-02-29T12:00:00Z", "--seed", "7", "--deterministic") and both.endswith(b" 1709208000\n")
    assert both.split()[0] == out("--seed", "7").split()[0] != plain.split()[0]


@pytest.mark.parametrize("words,says", [(["--seed", "-1"], "give 0 to 4294967295"), (["--seed", "4294967296"], "give 0 to 4294967295"),
                                        (["--seed", "x"], '"x" is not a seed'),
                                        (["--start-time", "2020-01-01"], 'give a moment of UTC like "2020-01-01T00:00:00Z", from 1970 to 2199')])
def test_mistakes_start_nothing(either, words, says):
    result = belljar_run.run_argv([either, "exec", *words, "-"], stdin=b"print('ran')")
    assert result.returncode == 125 and words[0] in result.message and says in result.message and b"ran" not in result.out, result


@pytest.mark.parametrize("deterministic,field,says", [
    (True, "deterministic", "expected an object"),
    ({"seed": 2**32}, "deterministic.seed", "from 0 to 4294967295"),
    ({"seed": 0.5}, "deterministic.seed", "from 0 to 4294967295"),
    ({"time": 0}, "deterministic.time", "expected a moment of UTC"),
    ({"time": "2023-02-29T00:00:00Z"}, "deterministic.time", "from 1970 to 2199"),
    ({"time": "2020-01-01T00:00:00+01:00"}, "deterministic.time", "expected a moment of UTC"),
    ({"sed": 1}, "deterministic.sed", "unknown key")])
def test_bad_requests_start_nothing(run, deterministic, field, says):
    result = run("print('ran')", deterministic)
    assert result.returncode == 125 and field in result.message and says in result.message, result


def test_it_is_for_snippets(belljar):
    text = json.dumps({"profile": "python", "command": ["true"], "deterministic": {}})
    result = belljar_run.run_argv([belljar, "run", "--json", "--spec", "-"], stdin=text.encode())
    assert result.returncode == 125 and "give code or expression" in result.message, result
