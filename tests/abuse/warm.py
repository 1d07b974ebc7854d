"""Runs a snippet of warm_cases.py in a jail of a pool, or in a branch of a session, and looks at what it leaves to the next one.

Its own file because here one process keeps the pool or the session over several runs; run_corpus.py has one for each run.
Changes when: belljar-kept tells something else, or there is another thing that a run may not leave behind.
"""
import json
import os
import re
import types

import belljar_run
import checks
import warm_cases

WAYS = ("pool", "session")
# In a jail that a run before it had no hand in: nothing is there, and what is limited can be had.
NEXT = """
import os, threading
child = os.fork()
if child == 0: os._exit(0)
thread = threading.Thread(target=len, args=("",))
thread.start()
thread.join()
with open("new", "xb") as file: file.write(bytes(1 << 16))
os.remove("new")
print(6 * 7, os.waitpid(child, 0)[1], len(bytearray(8 << 20)) >> 20, sorted(os.listdir(".")))
"""
SAID = re.compile(r"42 0 8 \[\]\n")
SAID_BESIDE = re.compile(r"42 0 8 \[.*\]\n")  # branches of a session share their files
CPU_SLACK_SECONDS, SECONDS = 1.5, 15
SESSION_PROCESSES = 4 + 8  # its own, and its branches, come on top of the limit (belljar-spec(5))


class Case:
    """What run_corpus.py knows of a case, of one that has no file in the corpus."""
    parked, under_policy, kind = True, False, "warm"

    def __init__(self, one, way):
        self.one, self.way, self.alone = one, way, one.alone
        self.id = "warm-%s-%s" % (way, one.name)
        self.name, self.path, self.accept = one.name + ".py", "warm/%s/%s.py" % (way, one.name), list(one.ends)
        if os.environ.get("BELLJAR_SHORT") == "1":
            self.accept.append(warm_cases.CPU)  # an emulated processor may meet its own limit before the one that is tried


def find(only=()):
    cases = [Case(one, way) for one in warm_cases.CASES for way in WAYS]
    return [case for case in cases if not only or any(word in case.path for word in only)]


def kept(harness, case):
    """(results in their order, why that is none of them)."""
    hostile, after = (os.path.join(harness.directory, name) for name in (case.id + ".py", "warm-next.py"))
    for path, code in ((hostile, case.one.code), (after, NEXT)):
        if not os.path.exists(path):
            with open(path, "w", encoding="ascii") as file:
                file.write(code)
            os.chmod(path, 0o644)
    limits = ["%s=%d" % limit for limit in case.one.limits.items()]
    done = belljar_run.run_argv([*harness.prefix, harness.kept, case.way, *limits, "--", hostile, after],
                                env=dict(harness.environment, BELLJAR_GUEST=harness.guest), pass_fds=harness.descriptors, cwd="/",
                                timeout=SECONDS + 25)
    results, text = [], done.out.decode("utf-8")
    while text.strip():
        text = text.lstrip()
        end = json.JSONDecoder().raw_decode(text)[1]
        results.append(belljar_run.Result(done.argv, done.returncode, text[:end].encode(), b"", done.seconds))
        text = text[end:]
    return results, done


def end_of(result):
    return result.status + (" " + result.limit if result.status == "time_limit" else "")


def damage(case, result):
    """What the hostile run had of the host is within its limits, whatever it said."""
    usage, limits = result.usage, case.one.limits
    if result.seconds > SECONDS:
        yield "took %.1f s" % result.seconds
    if usage["cpu_seconds"] > limits["cpu_us"] / 1e6 + CPU_SLACK_SECONDS:
        yield "had %.1f s of processor time" % usage["cpu_seconds"]
    if usage["memory_source"] == "cgroup" and usage["memory_peak_bytes"] > limits["memory_bytes"]:
        yield "had %d bytes of memory" % usage["memory_peak_bytes"]
    if (usage["processes_peak"] or 0) > limits["processes"] + (SESSION_PROCESSES if case.way == "session" else 0):
        yield "had %d processes" % usage["processes_peak"]
    for stream in ("stdout", "stderr"):
        if len(result.bytes(stream)) > limits["output_bytes"]:
            yield "%s holds more than the limit" % stream


def hostile_problems(case, result):
    end = end_of(result)
    if end not in case.accept:
        yield "ended by %s, expected is %s" % (end, " or ".join(case.accept))
    if result.status == "ok" and not re.fullmatch(case.one.says, result.stdout):
        yield "says %.200r" % result.stdout
    yield from damage(case, result)


def works(result, said):
    return "refused" not in result.json and result.status == "ok" and said.fullmatch(result.stdout)


def next_problems(case, results):
    """The next run of the pool; of a session its first branch, and a new session."""
    if len(results) != (2 if case.way == "session" else 1):
        yield "%d runs after it" % len(results)
        return
    if case.way == "session":
        beside = results[0]
        starved = case.one.starves and beside.json.get("status") in ("process_limit", "memory_limit", "exception")
        if not starved and not works(beside, SAID_BESIDE):
            yield "the session's other branch does not work: %.600s" % beside
    if not works(results[-1], SAID):
        yield "the next run does not work: %.600s" % results[-1]


def judge(harness, case, outcome):
    if harness.lacks_pools:
        outcome.skip(harness.lacks_pools)
        return
    outcome.results, done = kept(harness, case)
    if done.returncode != 0 or not outcome.results or "refused" in outcome.results[0].json:
        outcome.fail("was not run: %.600s" % done)
        return
    hostile = outcome.results[0]
    outcome.verdicts, outcome.said = [end_of(hostile)], hostile.stdout.strip().split("\n")[-1]
    for problem in (*hostile_problems(case, hostile), *next_problems(case, outcome.results[1:])):
        outcome.fail(problem)
    context = types.SimpleNamespace(harness=harness, results=outcome.results)
    host = [checks.victim_is_alive] + ([checks.no_process(case.one.gone)] if case.one.gone else [])
    problem = checks.every(*host)(context)
    if problem:
        outcome.fail("on the host: " + problem)
    harness.check_next_run(outcome)
