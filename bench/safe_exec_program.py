"""Calls safe_exec, of whichever package "codejail" is installed, as often as it is told, for safe_exec.py.

Its own file because it is a program that runs in an environment of its own, beside CodeJail or beside ours.
Changes when: another configuration is measured.

  safe_exec_program.py PYTHON [USER]    for each line on stdin, a number: so many calls; prints the nanoseconds of all of them
"""
import sys
import time

from codejail import jail_code, safe_exec

CODE = "x = 1 + 1"


def leave_out_word():
    """Without a user CodeJail 4.1 cannot start anything: its command line begins with a word that only sudo understands (its issue
    162). What the word says is told in another way, so that there is something to measure."""
    run = jail_code.run_subprocess

    def without_word(cmd, **options):
        word, _, value = cmd[0].partition("=")
        return run(cmd[1:], **{**options, "env": {word: value}}) if value else run(cmd, **options)

    jail_code.run_subprocess = without_word


def calls(count):
    """Each as a program makes it: variables of its own, and a look at what came back."""
    began = time.perf_counter_ns()
    for _ in range(count):
        variables = {}
        safe_exec.safe_exec(CODE, variables)
        if variables != {"x": 2}:
            raise RuntimeError("it came to %r" % variables)
    return time.perf_counter_ns() - began


def main(python, user=None):
    jail_code.configure("python", python, user=user)
    if user is None and hasattr(jail_code, "run_subprocess"):
        leave_out_word()
    for line in sys.stdin:
        print(calls(int(line)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
