"""belljar repl at a terminal: what is typed, what is shown, what ends. Without one: test_repl_script.py.

Its own file because only here somebody types.
Changes when: something else can be typed, or is shown.
"""
import os
import pty
import signal
import stat
import subprocess
import termios
import time

from terminal import MORE, PROMPT, SECONDS


def test_values_are_shown_and_kept(terminal):
    t = terminal()
    assert t.say("x = 20") == ""
    assert t.say("x + 1") == "21\n"
    assert t.say("None") == ""
    assert t.say("_ * 2") == "42\n"
    assert t.say("'caf\u00e9'") == "'caf\u00e9'\n"
    assert t.leave() == 0


def test_a_statement_goes_on_until_it_is_whole(terminal):
    t = terminal()
    assert t.say("def double(n):", MORE) == ""
    assert t.say("\treturn n * 2", MORE) == ""  # a tab is a tab
    t.keys("\r")
    t.prompted()
    assert t.say("double(", MORE) == ""
    assert t.say("4)") == "8\n"
    assert t.say("x = '''", MORE) == ""
    assert t.say("'''") == ""
    assert t.say("x") == "'\\n'\n"


def test_lines_are_edited_and_come_back(terminal):
    t = terminal()
    assert t.say("1111 - 111x\x7f1") == "0\n"  # backspace
    t.keys("\x1b[A")  # up
    t.until(b"1111 - 1111")
    t.keys("\x01" + "5 + " + "\r")  # to its beginning
    t.until(b"\r\n5\r\n")


def test_output_comes_as_it_is_written(terminal):
    t = terminal()
    t.keys("import time; print('now'); time.sleep(2); print('then')\r")
    t.until(b"\nnow\r\n")
    assert not t.shown
    t.until(b"then\r\n")


def test_an_exception_tells_its_line(terminal):
    t = terminal()
    t.say("def f():", MORE)
    t.say("    1 / 0", MORE)
    t.keys("\r")
    t.prompted()
    told = t.say("f()").splitlines()
    assert told[0] == "Traceback (most recent call last):" and told[-1] == "ZeroDivisionError: division by zero"
    assert "    1 / 0" in told and any(line.endswith("line 2, in f") for line in told)
    assert t.say("x =").splitlines()[-1] == "SyntaxError: invalid syntax"


def test_an_interrupt_ends_the_snippet_alone(terminal):
    t = terminal("-t", 60, "-w", 60)
    t.say("x = 5")
    t.keys("while True: pass\r\r")
    t.until(MORE)
    time.sleep(0.5)
    t.keys("\x03")
    assert "KeyboardInterrupt" in t.prompted()
    assert t.say("x") == "5\n"


def test_a_second_interrupt_ends_what_ignores_the_first(terminal):
    t = terminal("-t", 60, "-w", 60)
    t.say("x = 5")
    t.say("import signal, time; _ = signal.signal(signal.SIGINT, signal.SIG_IGN)")
    t.keys("print('on'); x = 6; time.sleep(50)\r")
    t.until(b"\non\r")
    t.keys("\x03")
    time.sleep(0.5)
    assert PROMPT not in t.shown
    t.keys("\x03")
    assert "belljar: cancelled: it was ended on request; all is as it was before" in t.prompted()
    assert t.say("x") == "5\n"


def test_an_interrupt_at_the_prompt_drops_the_line(terminal):
    t = terminal()
    t.keys("1 + \x03")
    t.prompted()
    assert t.say("2") == "2\n"
    t.say("if True:", MORE)
    t.keys("\x03")
    t.prompted()
    assert t.say("3") == "3\n"


def test_ways_to_leave(terminal):
    assert terminal().leave("exit(7)\r") == 7
    assert terminal().leave("raise SystemExit\r") == 0
    t = terminal()
    t.keys("x\x04")  # not on an empty line
    t.until(b"x")
    assert t.leave("\r\x04") == 0
    t = terminal()
    os.kill(t.pid, signal.SIGTERM)
    assert t.leave("") == 128 + signal.SIGTERM


def test_the_wall_clock_stops_while_it_waits_for_input(terminal, tells_of_waiting):
    t = terminal("-w", 1)
    t.keys("import time; name = input('name? '); name\r")
    t.until(b"name? ")
    t.until(b"name? ")
    time.sleep(2.5)
    t.keys("Ada\r")
    assert "'Ada'" in t.prompted()
    t.keys("a = input(), input(); a\r")
    time.sleep(1.3)
    t.keys("1\r")
    time.sleep(1.3)
    t.keys("2\r")
    assert "('1', '2')" in t.prompted()
    begun = time.monotonic()
    assert "time_limit: its time on the clock was over (--wall-time); all is as it was before" in t.say("time.sleep(9)")
    assert time.monotonic() - begun < 6
    assert t.say("name") == "'Ada'\n"


def test_another_descriptor_in_its_place_is_no_input(terminal):
    """One that will never be readable would stop the clock for ever."""
    t = terminal("-w", 1)
    assert "time_limit" in t.say("import os; r, w = os.pipe(); _ = os.dup2(r, 0); _ = os.read(0, 1)")
    assert "time_limit" in t.say("import os; r, w = os.pipe(); _ = os.read(r, 1)")


def test_waiting_outlasts_a_pause_of_everything(terminal, tells_of_waiting):
    """The jail's own clock would have ended it, as it ends a snippet whose supervisor stands still."""
    t = terminal("-w", 1)
    t.keys("x = input('x? '); x\r")
    t.until(b"\nx? ")
    time.sleep(0.3)
    os.kill(t.pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(t.pid, signal.SIGCONT)
    t.keys("still\r")
    assert "'still'" in t.prompted()
    t.keys("import time; time.sleep(30)\r")
    time.sleep(0.3)
    os.kill(t.pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(t.pid, signal.SIGCONT)
    t.until(b"time_limit")
    assert t.leave("") == 124


def test_a_line_is_not_swallowed_by_who_does_not_read(terminal, tells_of_waiting):
    t = terminal("-w", 10)
    t.keys("import time; time.sleep(1)\r")
    time.sleep(0.3)
    t.keys("6 * 7\r")
    t.prompted()
    t.until(b"\r\n42\r\n")
    t.keys("print(input(), 'read')\r")
    time.sleep(0.5)
    t.keys("one\n'two' + 'three'\r")
    t.until(b"one read")
    t.until(b"'twothree'")


def test_the_end_of_input_is_only_its_own(terminal):
    t = terminal()
    t.keys("input()\r")
    time.sleep(0.5)
    t.keys("\x04")
    assert "EOFError" in t.prompted()
    assert t.say("1") == "1\n"


def test_output_is_harmless_for_the_terminal(terminal):
    t = terminal()
    assert t.say("print('\\x1b]0;title\\x07 \\x9b31m')") == "\\x1b]0;title\\x07 \\xc2\\x9b31m\n"
    assert "ValueError: \\x1b[2J" in t.say("raise ValueError('\\x1b[2J')")
    t = terminal("--raw-output")
    assert t.say("print('\\x1b[2J')") == "\x1b[2J\n"
    t = terminal("--policy", '{"level": "expression"}')
    assert t.say("'\\x9b31m'") == '"\\xc2\\x9b31m"\n'


def test_a_limit_gives_the_state_before_it_back(terminal):
    t = terminal("-t", 1, "-w", 5)
    t.say("x = 'kept'")
    assert "its CPU time was used up (--time); all is as it was before" in t.say("x = 0; any(0 for _ in iter(int, 1))")
    assert t.say("x") == "'kept'\n"
    assert "signal 10" in t.say("import os; x = 1; os.kill(os.getpid(), 10)")
    assert t.say("x") == "'kept'\n"
    assert "exit code 3; all is as it was before" in t.say("import os; x = 2; os._exit(3)")
    assert t.say("x") == "'kept'\n"
    t.say("y = [x]")
    assert t.say("y") == "['kept']\n"


def test_memory_that_is_used_up_gives_it_back_as_well(terminal, memory_cgroup):
    t = terminal("-m", "64M")
    t.say("x = 'kept'")
    told = t.say("x = bytearray(1 << 29); x[::4096] = bytes(len(x) // 4096)")
    assert "memory_limit" in told or "MemoryError" in told
    assert t.say("x") == "'kept'\n"


def test_snapshots_have_names(terminal):
    t = terminal("--branches", 3)
    t.say("x = 1")
    assert t.say(":snapshot one") == ""
    t.say("x = 2")
    assert "no room for another; start with a higher --branches" in t.say(":snapshot two")
    assert t.say("x") == "2\n"
    assert t.say(":restore one") == ""
    assert t.say("x") == "1\n"
    assert "there is no snapshot \"two\"" in t.say(":restore two")
    t.say(":reset")
    assert "NameError" in t.say("x")
    t.say(":restore one")
    assert t.say("x") == "1\n"
    assert ":restore NAME" in t.say(":help")
    assert "is not known here" in t.say(":quit")
    assert "is not a name" in t.say(":snapshot a b")


def test_what_options_give_is_there_once_and_again_after_a_reset(terminal, host_file):
    t = terminal("--name", "x=1", "--file", "data.txt=" + host_file("data", b"seven"))
    assert t.say("open('data.txt').read(), x") == "('seven', 1)\n"
    t.say("x = 2")
    assert t.say("x") == "2\n"
    t.say(":reset")
    assert t.say("x") == "1\n"


def test_a_policy_holds(terminal, guest_version):
    t = terminal("--features", "stdout,math")
    assert t.say("import math; math.floor(2.5)") == "2\n"
    told = t.say("import re")
    assert "blocked by the sandbox" in told
    notes = guest_version >= (3, 11)  # before, a traceback has none
    assert ('its feature "regex" would allow it' in told) == notes
    assert "AttributeError" in t.say("[].__class__.__base__.__subclasses__()")
    t = terminal("--features", "math")
    assert ('its feature "stdout" would allow it' in t.say("1 + 1")) == notes
    t = terminal("--policy", '{"level": "restricted", "features": ["stdout"]}')
    assert t.say("1 + 1") == "2\n"
    assert "SyntaxError" in t.say("().__class__")
    assert t.say("f = lambda: 1; a = [1]") == ""
    for _ in range(2):  # each snippet of a session is read and guarded
        assert "TypeError: attribute-less object" in t.say("f.x = 1") and t.say("a[0] = 2") == ""
    t = terminal("--policy", '{"level": "expression"}', "--name", "x=3")
    assert t.say("[x, 'a']") == '[3, "a"]\n'
    assert t.say("x = 4").splitlines()[-1].startswith("SyntaxError")


def test_the_session_ends_by_its_time(terminal):
    t = terminal("--idle-time", 1)
    t.until(b"its idle or its life time has ended")
    assert t.leave("") == 124
    t = terminal("--lifetime", 2, "-w", 60, "-t", 60)
    t.keys("import time; time.sleep(50)\r")
    t.until(b"life time has ended")
    assert t.leave("") == 124


def test_the_session_ends_by_its_guest(terminal):
    t = terminal()
    t.keys("import os; os.kill(2, 9)\r")
    t.until(b"its guest has ended it")
    assert t.leave("") not in (0, 124)


def test_the_terminal_is_as_it_was(terminal, belljar, home):
    t = terminal()
    first = termios.tcgetattr(t.fd)
    assert not first[3] & termios.ICANON  # it is the editor's
    t.keys("import time; time.sleep(1)\r")
    time.sleep(0.5)
    during = termios.tcgetattr(t.fd)
    assert during[3] & termios.ICANON and during[3] & termios.ECHO and during[3] & termios.ISIG
    t.prompted()
    parent, child = pty.openpty()
    before = termios.tcgetattr(child)
    done = subprocess.Popen([belljar, "repl"], stdin=child, stdout=child, stderr=child, start_new_session=True,
                            env=dict(os.environ, HOME=str(home), TERM="vt100"))
    os.read(parent, 4096)
    os.write(parent, b"exit()\r")
    assert done.wait(SECONDS) == 0
    assert termios.tcgetattr(child)[:4] == before[:4]
    os.close(parent)
    os.close(child)


def test_history(terminal, home, tmp_path):
    t = terminal()
    t.say("remembered = 1")
    assert t.leave() == 0
    kept = home / ".local" / "state" / "belljar" / "repl_history"
    assert "remembered" in kept.read_text() and stat.S_IMODE(kept.stat().st_mode) == 0o600
    t = terminal()
    t.keys("\x1b[A")
    t.until(b"remembered = 1")
    t.keys("\r")
    t.prompted()
    t = terminal(XDG_STATE_HOME=str(tmp_path / "state"))
    t.say("elsewhere = 1")
    t.leave()
    assert "elsewhere" in (tmp_path / "state" / "belljar" / "repl_history").read_text()
    assert "elsewhere" not in kept.read_text()
    t = terminal(HOME="/proc/nowhere")
    assert t.say("1") == "1\n"
    assert t.leave() == 0
