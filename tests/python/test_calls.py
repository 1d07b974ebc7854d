"""Functions of the host's that snippets call, and views of its values, as a user has them.

Its own file because nothing else runs code of the host's while a snippet waits.
Changes when: functions or views can be given in another way.
"""

import asyncio
import signal
import subprocess
import threading
import time

import pytest


def lookup(key, default=None):
    return {"colour": "green", "sizes": [1, 2.5, {"x": None}]}.get(key, default)


def fail(name):
    raise KeyError(name)


@pytest.fixture(scope="module")
def calling():
    import belljar
    with belljar.Sandbox(jails=3, functions={"lookup": lookup, "fail": fail}, limits={"wall_seconds": 5}) as kept:
        yield kept


def test_positional_and_keyword_arguments_and_values(calling):
    result = calling.execute("a = lookup('sizes')\nb = lookup('none', default={'é': [1]})\nc = lookup(key='colour')").check()
    assert result.globals == {"a": [1, 2.5, {"x": None}], "b": {"é": [1]}, "c": "green"}
    assert calling.evaluate("lookup('colour').upper()").value == "GREEN"


@pytest.mark.parametrize("where", ["execute", "evaluate"])
def test_functions_of_one_run_in_a_jail_of_its_own(where):
    import belljar
    result = getattr(belljar, where)("double(21)", functions={"double": lambda x: 2 * x}).check()
    assert where == "execute" or result.value == 42


def test_functions_of_a_run_come_on_top_of_the_sandboxs(calling, sandbox):
    assert calling.evaluate("[lookup('colour'), more()]", functions={"more": lambda: 1}).value == ["green", 1]
    assert calling.evaluate("lookup('colour')", functions={"lookup": lambda key: key}).value == "colour"
    assert calling.evaluate("more()").exception.type == "NameError"
    assert sandbox.evaluate("more(2)", functions={"more": lambda x: x + 1}).value == 3  # of one that has none


def test_what_the_snippet_sees_is_a_callable_and_nothing_else(calling):
    result = calling.execute("print(lookup, lookup.__name__, callable(lookup))\n"
                             "print([n for n in dir(lookup) if n in ('__globals__', '__code__', '__self__', '__dict__', '__closure__')])\n"
                             "print(sorted(n for n in globals() if not n.startswith('__')))\n"
                             "try: type(lookup)()\nexcept TypeError as error: print(error)\n"
                             "try:\n    class More(type(lookup)): pass\nexcept TypeError as error: print(error)").check()
    assert result.text.splitlines() == ["<function lookup of the host> lookup True", "[]", "['fail', 'lookup']",
                                        "cannot create 'host_function' instances",
                                        "type 'host_function' is not an acceptable base type"]


def test_an_exception_of_the_hosts_is_the_guests(calling):
    result = calling.execute("try:\n    fail('key')\nexcept RuntimeError as error:\n"
                             "    told = [str(error), error.type, error.message, type(error).__name__]\n").check()
    assert result.globals["told"] == ["KeyError: 'key'", "KeyError", "'key'", "HostError"]
    result = calling.execute("fail('key')")
    assert (result.status, result.exception.type, result.exception.message) == ("exception", "HostError", "KeyError: 'key'")
    assert "test_calls" not in result.exception.traceback and "raise KeyError" not in result.exception.traceback


def test_an_exception_without_a_message_and_one_with_any(calling):
    class Odd(Exception):
        def __str__(self):
            raise ValueError

    def odd(kind):
        raise [Odd(), ValueError("a\0b\ud800"), ValueError("x" * 100000)][kind]

    told = [calling.evaluate("odd(%d)" % kind, functions={"odd": odd}).exception.message for kind in range(3)]
    assert told[:2] == ["Odd: ", "ValueError: a\ufffdb?"] and 1000 < len(told[2]) < 10000


def test_wrong_arguments_are_told_to_the_guest(calling):
    result = calling.evaluate("lookup()")
    assert result.exception.message.startswith("TypeError: lookup() missing 1 required positional argument")


@pytest.mark.parametrize("argument, message", [
    ("{1}", "an object of type set is not of JSON"), ("object()", "an object of type object is not of JSON"),
    ("{(1, 2): 3}", "a key of type tuple is not of JSON"), ("lookup", "an object of type host_function is not of JSON")])
def test_arguments_that_are_not_json(calling, argument, message):
    result = calling.evaluate("lookup(%s)" % argument)
    assert (result.exception.type, result.exception.message) == ("TypeError", message)
    result = calling.evaluate("lookup('colour', default=[%s])" % argument)
    assert (result.exception.type, result.exception.message) == ("TypeError", message)


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", [{1}, object(), "\ud800", nested(70), nested(3000)], ids=["set", "object", "half", "deep", "deeper"])
@pytest.mark.parametrize("cold", [False, True])
def test_a_value_that_is_not_json_is_this_sides_mistake(calling, value, cold):
    import belljar
    where = belljar if cold else calling
    with pytest.raises(TypeError, match="function.* gave .*JSON"):
        where.execute("give()", functions={"give": lambda: value})

    async def go():
        await calling.aexecute("give()", functions={"give": lambda: value})

    with pytest.raises(TypeError, match="function.* gave .*JSON"):
        asyncio.run(go())
    assert calling.evaluate("lookup('colour')").value == "green"


def test_large_arguments_and_values(calling):
    assert calling.evaluate("len(lookup('none', 'x' * 1000000))").value == 1000000
    result = calling.evaluate("lookup('x' * 1048576)")
    assert result.exception.type == "ValueError" and "limits.call_bytes" in result.exception.message
    result = calling.evaluate("give()", functions={"give": lambda: "x" * 1048576})
    assert (result.exception.type, "at most 1048576" in result.exception.message) == ("HostError", True)


def test_limits():
    import belljar
    called = []
    limits = {"wall_seconds": 5, "calls": 3, "call_seconds": 0.5, "call_bytes": 64}
    with belljar.Sandbox(jails=2, functions={"note": called.append, "rest": time.sleep}, limits=limits) as sandbox:
        result = sandbox.execute("for n in range(5): note(n)")
        assert (called, result.exception.type) == ([0, 1, 2], "HostError")
        assert result.exception.message == "LimitError: 3 calls have been made, and there are no more (limits.calls)"
        assert sandbox.execute("note('x' * 50)").ok and sandbox.execute("note('x' * 70)").exception.type == "ValueError"
        result = sandbox.execute("rest(0.3)\ntry: rest(0.3)\nexcept RuntimeError as error: late = [error.type, error.message]\nrest(0)")
        assert result.globals["late"] == ["TimeoutError", "the host's functions have had their 0.5 seconds (limits.call_seconds)"]
        assert (result.exception.type, result.exception.message[:12]) == ("HostError", "TimeoutError")
    with pytest.raises(belljar.InvalidError, match="limits.call_bytes"):
        belljar.execute("pass", limits={"call_bytes": 1})
    assert belljar.evaluate("f()", functions={"f": int}, limits={"calls": 0}).exception.message.startswith("LimitError: 0 calls")


def test_the_runs_clock_goes_on():
    import belljar
    began = time.monotonic()
    result = belljar.execute("rest(1.5)\nprint('after')", functions={"rest": time.sleep}, limits={"wall_seconds": 1})
    assert (result.status, result.limit, result.text) == ("time_limit", "wall", "") and time.monotonic() - began < 5


def test_names_that_cannot_be_given(sandbox):
    import belljar
    for name in ("", "a.b", "1a", "__builtins__", "x" * 65, "a b", "é"):
        with pytest.raises(belljar.InvalidError, match="is no name for a function"):
            sandbox.execute("pass", functions={name: int})
    with pytest.raises(belljar.InvalidError, match="functions.f: is 3, which cannot be called"):
        sandbox.execute("pass", functions={"f": 3})
    with pytest.raises(belljar.InvalidError, match="functions"):
        belljar.run(["true"], functions={"f": int})


def test_many_threads_of_the_host(calling):
    wrong = []

    def work(number):
        def mine(x):
            return [number, x]

        result = calling.execute("v = [mine(n) for n in range(20)]", functions={"mine": mine})
        if (result.globals or {}).get("v") != [[number, n] for n in range(20)]:
            wrong.append(result)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads) and wrong == []


def test_threads_of_the_guest_call_one_after_the_other():
    import belljar
    code = """
import threading
out = []
threads = [threading.Thread(target=lambda n=n: out.extend(echo([n, k]) for k in range(20))) for n in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
v = sorted(out) == sorted([n, k] for n in range(8) for k in range(20))
"""
    result = belljar.execute(code, profile="python-packages", functions={"echo": lambda x: x})
    assert result.globals["v"] is True, result


def test_a_forked_child_has_no_calls():
    import belljar
    code = """
import os
pid = os.fork()
if not pid:
    try: echo(1)
    except RuntimeError as error: print(error, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
v = echo(2)
"""
    result = belljar.execute(code, profile="python-packages", functions={"echo": lambda x: x}).check()
    assert result.text == "echo() is of the host, which a process that the snippet forked cannot call\n" and result.globals["v"] == 2


def test_a_call_that_is_given_up_disturbs_no_later_one():
    import belljar
    code = """
import signal
def ring(*unused): raise TimeoutError('rung')
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.2)
try: slow(1)
except TimeoutError as error: print(error)
print(slow(0), slow(0))
"""
    answers = iter(["first", "second", "third"])

    def slow(seconds):
        time.sleep(seconds * 0.6)
        return next(answers)

    assert belljar.execute(code, functions={"slow": slow}).check().text == "rung\nsecond third\n"


def test_a_signals_handler_does_not_wait_for_itself():
    import belljar
    code = """
import signal
def ring(*unused):
    try: slow(0)
    except RuntimeError as error: print(error)
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.1)
print(slow(0.4))
"""
    result = belljar.execute(code, functions={"slow": lambda s: [time.sleep(s), s][1]}).check()
    assert result.text == "slow() cannot be called while this thread waits for another call\n0.4\n"


def test_what_a_function_prints_and_runs_is_the_hosts(calling):
    inner = calling.execute("v = outer(20)", functions={"outer": lambda n: calling.evaluate("%d * 2" % n).value}).check()
    assert inner.globals["v"] == 40


def test_in_an_event_loop(calling):
    running = [0, 0]

    async def slow(n):
        running[0] += 1
        running[1] = max(running)
        await asyncio.sleep(0.2)
        running[0] -= 1
        return n * 2

    async def go():
        results = await asyncio.gather(*[calling.aevaluate("[slow(%d), plain(1)]" % n, functions={"slow": slow, "plain": lambda x: -x})
                                         for n in range(64)])
        return [result.value for result in results]

    assert asyncio.run(go()) == [[n * 2, -1] for n in range(64)] and running[1] > 1


def test_exceptions_and_cancelling_in_an_event_loop(calling):
    ended = []

    async def endless():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def broken():
        raise KeyError("x")

    async def cancelled():
        raise asyncio.CancelledError

    async def go():
        result = await calling.aevaluate("broken()", functions={"broken": broken})
        assert result.exception.message == "KeyError: 'x'"
        result = await calling.aevaluate("cancelled()", functions={"cancelled": cancelled})
        assert result.exception.message == "CancelledError: "
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(calling.aevaluate("endless()", functions={"endless": endless}), 0.3)
        await asyncio.sleep(0)
        assert ended == [True]
        return await calling.aevaluate("lookup('colour')")

    assert asyncio.run(go()).value == "green"


def test_the_time_of_an_awaited_function_is_limited():
    import belljar

    async def endless():
        await asyncio.sleep(60)

    async def go():
        with belljar.Sandbox(jails=1, limits={"call_seconds": 0.3, "wall_seconds": 5}) as sandbox:
            return await sandbox.aexecute("try: endless()\nexcept RuntimeError as error: v = error.type", functions={"endless": endless})

    began = time.monotonic()
    assert asyncio.run(go()).globals == {"v": "TimeoutError"} and time.monotonic() - began < 3


def test_a_coroutine_function_needs_an_event_loop(calling):
    import belljar

    async def wait():
        return 1

    with pytest.raises(belljar.InvalidError, match="functions.wait: is a coroutine function"):
        calling.evaluate("wait()", functions={"wait": wait})
    with pytest.raises(TypeError, match="gave something to wait for"):
        calling.evaluate("hidden()", functions={"hidden": lambda: wait()})  # noqa: PLW0108


INTERRUPTED = """
import belljar, sys, time
def rest():
    print("called", flush=True)
    time.sleep(60)
try:
    belljar.execute("rest()", functions={"rest": rest}, limits={"wall_seconds": 60})
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_in_a_function_ends_the_run(venv):
    program = subprocess.Popen([venv, "-I", "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True)
    assert program.stdout.readline() == "called\n"
    began = time.monotonic()
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=20)[0] == "interrupted\n" and time.monotonic() - began < 10


def test_exits_of_a_function_come_out(calling):
    with pytest.raises(SystemExit):
        calling.execute("leave()", functions={"leave": lambda: exit(3)})
    assert calling.evaluate("lookup('colour')").value == "green"


def test_sessions():
    import belljar
    with belljar.Session(functions={"lookup": lookup}, limits={"wall_seconds": 5}) as session:
        assert session.execute("a = lookup('colour')\nkept = more", functions={"more": lambda: 1}).globals["a"] == "green"
        assert session.evaluate("[a, lookup('colour')]").value == ["green", "green"]
        result = session.execute("kept()")
        assert result.exception.message == "more() was given to a snippet that is over"
        branch = session.fork()
        assert session.evaluate("lookup('sizes')[0]", branch=branch).value == 1
        with belljar.Session() as plain:
            assert plain.evaluate("6 * 7").value == 42

        async def go():
            return await session.aevaluate("wait(1)", functions={"wait": wait})

        async def wait(n):
            await asyncio.sleep(0.05)
            return n + 1

        assert asyncio.run(go()).value == 2


def test_a_thread_of_an_earlier_snippet_of_a_session():
    import belljar
    early = """
import threading, time
told = []
def work():
    try: slow(1)
    except Exception as error: told.append(type(error).__name__)
thread = threading.Thread(target=work, daemon=True)
thread.start()
time.sleep(0.2)
"""

    async def slow(seconds):
        await asyncio.sleep(30)

    async def go(session):
        await session.aexecute(early, functions={"slow": slow})
        second = await session.aexecute("values = [f(n) for n in range(50)]\nthread.join(5)", functions={"f": lambda x: x})
        return second.check().globals["values"], (await session.aexecute("told = list(told)")).globals["told"]

    for _ in range(8):  # whether it waits in the kernel when it is stopped and let go on, is chance
        with belljar.Session("python-packages", limits={"wall_seconds": 10}) as session:
            assert asyncio.run(go(session)) == (list(range(50)), ["ConnectionError"])


@pytest.mark.parametrize("level", ["features", "restricted", "expression"])
def test_levels_of_policies(level):
    import belljar
    policy = {"level": level}
    with belljar.Sandbox(jails=1, policy=policy, functions={"lookup": lookup}) as sandbox:
        assert sandbox.evaluate("lookup('colour') + '!'").value == "green!"
        assert sandbox.evaluate("lookup('none', default=[1])").value == [1]
        if level == "expression":
            return
        result = sandbox.execute("try:\n    lookup(key=1, nothing=2)\nexcept RuntimeError as error:\n    v = error.type\n"
                                 "w = lookup('sizes')\nw.append(1)")
        assert result.globals == {"v": "TypeError", "w": [1, 2.5, {"x": None}, 1]}, result


@pytest.mark.parametrize("way", ["lookup.__globals__", "lookup.__code__", "lookup.__self__", "lookup.__call__.__self__.__globals__",
                                 "type(lookup).__subclasses__()", "type(lookup).__mro__", "lookup.__reduce_ex__(2)", "lookup.__dict__",
                                 "lookup.__class__.__base__", "lookup.__init__.__globals__", "lookup.__call__.__objclass__.__subclasses__()"])
def test_no_way_out_of_a_policy_by_a_function(way):
    import belljar
    result = belljar.evaluate(way, policy={}, functions={"lookup": lookup})
    assert result.status == "exception" and result.exception.type == "AttributeError", result


def test_a_record_and_a_run_that_repeats():
    import belljar
    code = "import random, time\na = lookup('colour')\nb = [random.random(), time.time()]\n"
    runs = [belljar.execute(code, functions={"lookup": lookup}, deterministic={"seed": 7}).globals for _ in range(2)]
    assert runs[0] == runs[1] and runs[0]["a"] == "green"
    result = belljar.execute("a = lookup('colour')\nb = a\n", functions={"lookup": lookup}, trace={"max_steps": 50}).check()
    assert result.globals["b"] == "green" and len(result.trace["steps"]) >= 3


# ---- views -----------------------------------------------------------------------------------------------

CONFIG = {"name": "x", "list": [1, {"deep": [2]}], "empty": {}}


@pytest.mark.parametrize("change", ["v['name'] = 1", "del v['name']", "v['list'].append(1)", "v['list'][1]['deep'][0] = 3", "v.update(a=1)",
                                    "v['list'] += [1]", "v['empty'].setdefault('a', 1)", "v |= {}", "v['list'].sort()", "v.clear()",
                                    "v['list'][1]['deep'].extend([1])", "v['list'] *= 2", "del v['list'][:]", "v.pop('name')",
                                    "v.__init__(a=1)", "v['list'].__init__()", "v.__setitem__('a', 1)", "v.new = 1"])
@pytest.mark.parametrize("policy", [None, {}])
def test_a_view_cannot_be_changed(sandbox, change, policy):
    result = sandbox.execute(change + "\n", views={"v": CONFIG}, policy=policy)
    assert result.status == "exception" and result.exception.type in ("TypeError", "SandboxError", "AttributeError"), result
    if policy is None and "new" not in change:
        assert "read-only view of what the host gave" in result.exception.message


def test_a_view_can_be_read_and_copied(sandbox):
    import belljar
    code = ("import copy, json, pickle\nw = [v['list'][1]['deep'][0], len(v), sorted(v), list(v['list'])[0], v == json.loads(json.dumps(v))]\n"
            "c = copy.deepcopy(v)\nc['list'][1]['deep'].append(3)\nd = dict(v)\nd['name'] = 'y'\ne = pickle.loads(pickle.dumps(v))\n"
            "e['empty']['a'] = 1\nf = v['list'] + [5]\nf.append(6)\ng = copy.copy(v['list'])\ng.append(1)\n")
    for given in ({"views": {"v": CONFIG}}, {"globals": {"v": belljar.readonly(CONFIG), "other": 1}}):
        told = sandbox.execute(code, **given).check().globals
        assert told["v"] == CONFIG and told["w"] == [2, 3, ["empty", "list", "name"], 1, True]
        assert told["c"]["list"][1]["deep"] == [2, 3] and told["d"]["name"] == "y" and told["e"]["empty"] == {"a": 1}
        assert told["f"][-2:] == [5, 6] and told["g"][-1] == 1


def test_a_policy_closes_the_way_by_the_base_types(sandbox):
    result = sandbox.execute("list.append(v['list'], 1)", views={"v": CONFIG}, policy={})
    assert (result.exception.type, result.exception.message) == ("SandboxError", "Read only object")


def test_views_that_are_not_json(sandbox):
    import belljar
    with pytest.raises(TypeError, match="views: not all of it is JSON"):
        sandbox.execute("pass", views={"v": {1}})
    with pytest.raises(TypeError, match="readonly.. is for a whole variable"):
        sandbox.execute("pass", globals={"v": [belljar.readonly([])]})


def change_first(values):
    values["list"].append(1)


def total(values, *more, scale=1):
    return [sum(values) * scale, list(more)]


def test_arguments_of_call_are_views(sandbox):
    result = sandbox.call(change_first, CONFIG)
    assert (result.status, result.exception.type) == ("exception", "TypeError")
    assert sandbox.call(total, [1, 2], {"a": []}, scale=3).check().value == [9, [{"a": []}]]
    assert sandbox.call(total, [1]).globals == {}
