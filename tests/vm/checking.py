"""One line per check: "ok NAME" or "FAIL NAME: why".

Its own file because several programs inside of the test machine check, and one reads what they say.
Changes when: the form of these lines does.
"""
import traceback

failed = []


def check(name, true, said=""):
    if not true:
        failed.append(name)
    print("ok " + name if true else "FAIL %s: %s" % (name, " ".join(str(said).split())[:1500]), flush=True)


def guarded(name, function, *arguments):
    try:
        function(*arguments)
    except Exception as error:  # whatever it is: the other checks go on
        check(name, False, "%s at %s" % (error, traceback.format_exc(limit=-1)))


def summary(lines):
    """(passed, [(name, why)]) of such lines."""
    passed, failures = 0, []
    for line in lines:
        if line.startswith("ok "):
            passed += 1
        elif line.startswith("FAIL "):
            name, _, why = line[5:].partition(": ")
            failures.append((name, why))
    return passed, failures
