"""Snippets that write to the descriptors of their calls themselves.

Its own file because everything in it is a lie.
Changes when: base/reply.h does.
"""

import os
import time

import pytest

HEAD = """
import os, struct, threading, time
def frame(number, name, arguments=b'[]', keywords=b'{}', magic=0x626a6b31, lengths=None):
    lengths = lengths or (len(name), len(arguments), len(keywords))
    return struct.pack('<IIIII', magic, number, *lengths) + name + b'\\0' + arguments + b'\\0' + keywords + b'\\0'
def part(kind, text): return struct.pack('<III', 0x626a7231, kind, len(text)) + text
def answer():
    magic, number, kind, length = struct.unpack('<IIII', os.read(7, 16))
    return number, kind, os.read(7, length).decode()
END = part(6, b'')
"""


@pytest.fixture(scope="module")
def given():
    import belljar
    called = []

    def note(*args, **keywords):
        called.append((args, keywords))
        return len(called)

    with belljar.Sandbox(jails=2, functions={"note": note}, limits={"wall_seconds": 2, "calls": 100, "call_bytes": 65536}) as kept:
        kept.called = called
        yield kept


def run(given, code, **options):
    del given.called[:]
    return given.execute(HEAD + code, **options)


def test_a_call_by_hand_is_a_call(given):
    result = run(given, "os.write(6, frame(1, b'note', b'[1]', b'{\"a\": 2}'))\nprint(answer(), flush=True)\n"
                        "for byte in frame(2, b'note'): os.write(6, bytes([byte]))\nprint(answer(), flush=True)\nos.write(6, END)\nos._exit(0)")
    assert (result.status, result.text) == ("ok", "(1, 1, '1')\n(2, 1, '2')\n") and given.called == [((1,), {"a": 2}), ((), {})]


@pytest.mark.parametrize("bytes_", [
    "b'\\x00' * 64", "os.urandom(4096)", "frame(0, b'note')", "frame(2, b'note')", "frame(1, b'secret')", "frame(1, b'__import__')",
    "frame(1, b'note', b'{}')", "frame(1, b'note', b'[], {}')", "frame(1, b'note', b'[' * 100 + b']' * 100)", "frame(1, b'note', b'[\\xff]')",
    "frame(1, b'note', lengths=(4, 0xffffffff, 0xffffffff))", "frame(1, b'note', lengths=(4, 65536, 2))", "frame(1, b'note', lengths=(4, 65537, 0))",
    "frame(1, b'note', magic=1)", "frame(1, b'note\\0', lengths=(4, 2, 2))", "frame(1, b'note')[:-1] + b'x'", "END + frame(1, b'note')"])
def test_what_is_no_call_calls_nobody_and_is_no_result(given, bytes_):
    result = run(given, "os.write(6, %s)\nos._exit(0)" % bytes_)
    assert given.called == [] and result.status == "exit" and "the snippet left no result" in result.error, result
    result = run(given, "os.write(6, %s)\nos.write(6, frame(1, b'note'))\nx = 1" % bytes_)
    assert given.called == [] and result.status == "exit" and result.globals is None, result
    assert given.evaluate("note()").value == 1


def test_a_forged_reply_behind_a_call(given):
    result = run(given, "os.write(6, frame(1, b'note') + part(1, b'42') + END)\nanswer()\nos._exit(0)")
    assert (result.status, result.value, len(given.called)) == ("ok", 42, 1)  # its own word, as ever
    result = run(given, "os.write(6, part(2, b'{}') + END + frame(1, b'note'))\ntime.sleep(0.1)\nos._exit(0)")
    assert (result.status, given.called) == ("exit", [])  # a call behind the end


def test_a_call_in_the_middle_of_a_reply(given):
    result = run(given, "os.write(6, part(1, b'1') + frame(1, b'note') + END)\nos._exit(0)")
    assert (result.status, given.called) == ("exit", [])


def test_a_flood_that_reads_no_answers(given):
    """One answer of 60 kB fills the pipe; the next one waits, and with it everything else of the guest's."""
    before = resident()
    result = run(given, "n = 0\nwhile True:\n    n += 1\n    os.write(6, frame(n, b'big'))", functions={"big": lambda: "x" * 60000})
    assert (result.status, result.limit) == ("time_limit", "wall") and resident() - before < 8 << 20


def test_a_flood_beyond_the_count(given):
    result = run(given, "n = 0\nwhile True:\n    n += 1\n    os.write(6, frame(n, b'note'))\n    os.read(7, 4096)")
    assert len(given.called) == 100 and result.status in ("time_limit", "output_limit"), result


def test_endless_bytes(given):
    before = resident()
    result = run(given, "os.write(6, frame(1, b'note', b'[' + b'1,' * 30000 + b'1]'))\nanswer()\nwhile True: os.write(6, b'x' * 65536)")
    assert result.status == "output_limit" and len(given.called) == 1 and resident() - before < 16 << 20, result


def test_half_a_call_holds_up_nobody(given):
    began = time.monotonic()
    result = run(given, "os.write(6, frame(1, b'note')[:30])\nwhile True: pass")
    assert result.status == "time_limit" and time.monotonic() - began < 4 and given.called == []


def test_a_closed_door(given):
    result = run(given, "os.closerange(7, 32)\ntry: note()\nexcept OSError as error: print(error)\n")
    assert result.text == "the host answers no more\n" and len(given.called) == 1
    result = run(given, "os.closerange(7, 32)\nos.write(6, frame(1, b'note') + frame(2, b'note'))\nos.write(6, END)\nos._exit(0)")
    assert result.status == "ok" and len(given.called) == 2
    result = run(given, "os.close(6)\ntry: note()\nexcept OSError as error: print(error)\n")
    assert result.text == "the host answers no more\n" and given.called == []


def test_threads_and_children_at_once():
    import belljar
    code = HEAD + """
for child in range(4):
    if not os.fork():
        for n in range(50): os.write(6, frame(n, b'note'))
        os._exit(0)
for n in range(50): os.write(6, frame(n, b'note'))
"""
    for _ in range(3):
        result = belljar.execute(code, profile="python-packages", functions={"note": lambda: 1}, limits={"wall_seconds": 3})
        assert not result.ok


def resident():
    with open("/proc/self/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_nothing_grows(given):
    def once():
        run(given, "for n in range(50): note(list(range(1000)))\nos.write(6, b'garbage')")
        given.execute("x = note('x' * 60000)")

    for _ in range(20):
        once()
    before, descriptors = resident(), len(os.listdir("/proc/self/fd"))
    for _ in range(60):
        once()
    assert resident() - before < 4 << 20 and len(os.listdir("/proc/self/fd")) <= descriptors + 4
