#!/usr/bin/env python3
"""Processes of a service are killed at random while many clients ask it: nobody gets another one's answer, and nothing is left.

Its own file because it takes minutes; `make test` has a short form.
Changes when: another process of the service can fall, or another thing could be left behind.

usage: tests/chaos/run.py --build DIR [--seconds N] [--clients N] [--seed N] [--no-times] [--record]
The last line is "N passed, N failed, N skipped". --record writes docs/evidence/chaos.json.
"""
import argparse
import collections
import http.client
import json
import os
import random
import signal
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
sys.dont_write_bytecode = True

import evidence  # noqa: E402
import leaks  # noqa: E402
import serving  # noqa: E402

VICTIMS = ("belljar-broker", "belljar-front", "zygote", "run")
BACK_SECONDS = 1.0
DEAD_SECONDS = 2.0  # for guests of a broker that was killed: the kernel takes their namespaces down
ANSWER_SECONDS = 15.0
REST_SECONDS = 10.0
SPARE_GROUPS = 8  # in each hierarchy: BJ_LEAVES (src/jail/cgroup.h)
BUSY = (429, 503)  # said by a service that is there
# Shares of a hundred, and the code: "N" is the client's own number.
SNIPPETS = ((70, "print(N)"), (15, "import time; time.sleep(0.05); print(N)"), (10, "print('N' * 5000)"),
            (5, "import time\nprint(N, flush=True)\ntime.sleep(0.3)"))


class Client(threading.Thread):
    """One that asks again and again, over a connection that it keeps while it can."""

    def __init__(self, port, number, stop):
        super().__init__(daemon=True)
        self.port, self.number, self.stop, self.random = port, number, stop, random.Random(number)
        self.found, self.wrong, self.asked = collections.Counter(), [], 0

    def run(self):
        connection = None
        while not self.stop.is_set():
            self.asked += 1
            mine = "%d%08d" % (self.number + 100, self.asked)
            code = self.random.choices([c for _, c in SNIPPETS], [s for s, _ in SNIPPETS])[0].replace("N", mine)
            connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
            began = time.monotonic()
            try:
                connection.request("POST", "/v1/exec", json.dumps({"code": code}), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                self.judge(mine, answer.status, json.loads(answer.read()))
            except TimeoutError:
                self.wrong.append("no answer for %.1f s" % (time.monotonic() - began))
                connection = None
            except (OSError, http.client.HTTPException):
                self.found["closed"] += 1
                connection.close()
                connection = None
                time.sleep(0.01)

    def judge(self, mine, status, answer):
        self.found["status %d" % status] += 1
        if status == 200 and answer["status"] == "ok":
            if set(answer["stdout"].split("\n")) - {""} not in ({mine}, {mine * 5000}):
                self.wrong.append("asked with %s, answered: %.200s" % (mine, answer["stdout"]))
        elif status == 200:
            self.found["run %s" % answer["status"]] += 1  # it was killed
            if answer["stdout"] and not answer["stdout"].startswith(mine):
                self.wrong.append("asked with %s, answered: %.200s" % (mine, answer["stdout"]))
        elif status in BUSY:
            time.sleep(0.01)
        else:
            self.wrong.append("status %d: %.300s" % (status, answer))


def victim_of(service, what, chooser):
    """A process of this kind; None: there is none at this moment."""
    if what.startswith("belljar-"):
        return service.pid_of(what)
    jails = {pid: serving.name_of(pid) for pid in service.jails()}
    if what == "zygote":
        return next((pid for pid, name in jails.items() if not name.startswith("memfd:")), None)
    guests = [guest for pid, name in jails.items() if name.startswith("memfd:") for guest in (pid, *serving.children(pid))]
    return chooser.choice(guests) if guests else None


class Chaos:
    """Kills, and how long the service was away after each."""

    def __init__(self, service, seed):
        self.service, self.random = service, random.Random(seed)
        self.away, self.survivors, self.kills = collections.defaultdict(list), [], collections.Counter()

    def strike(self, what):
        pid = victim_of(self.service, what, self.random)
        if not pid:
            return
        guests = {p: serving.born(p) for p in leaks.descendants(pid)} if what == "belljar-broker" else {}
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        began = time.monotonic()
        self.kills[what] += 1
        while not self.service.answers() and time.monotonic() < began + 30:
            time.sleep(0.005)
        self.away[what].append(time.monotonic() - began)
        while guests and time.monotonic() < began + DEAD_SECONDS:
            guests = {p: b for p, b in guests.items() if b and serving.born(p) == b}
            time.sleep(0.01)
        self.survivors += ["%d %s" % (p, serving.name_of(p)) for p in guests]

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.service.process.poll() is None:
            time.sleep(self.random.expovariate(1.2))
            self.strike(self.random.choice(VICTIMS))


# ---- what is there at rest --------------------------------------------------------------------------

def picture(service):
    """Of groups without anybody a broker keeps some for its next jails; more than those are not to be."""
    names, groups = collections.Counter(service.below().values()), leaks.leaves()
    spare = collections.Counter(os.path.dirname(path) for path, members in groups.items() if not members)
    return {"processes": sum(names.values()), "groups": sum(map(bool, groups.values())),
            "groups beyond the spare ones": sum(max(0, count - SPARE_GROUPS) for count in spare.values()),
            "mounts": len(leaks.mounts()), "descriptors of the keeper": serving.descriptor_count(service.process.pid)}


def at_rest(service, wanted=None):
    """When nothing changes any more, or it is as wanted; not for ever."""
    end, last = time.monotonic() + REST_SECONDS, None
    while time.monotonic() < end:
        now = picture(service)
        if now == (wanted or last):
            return now
        last = now
        time.sleep(0.5)
    return last


def judge(chaos, clients, before, after, left, options):
    """[(what, verdict, text)]"""
    wrong = [text for client in clients for text in client.wrong]
    stuck = sum(client.is_alive() for client in clients)
    found = sum((client.found for client in clients), collections.Counter())
    rows = [("answers at the wrong client, of another kind, or none", not wrong and not stuck, "%d of %d; %s%s" % (
        len(wrong) + stuck, sum(client.asked for client in clients), ", ".join("%s %d" % i for i in sorted(found.items())),
        "; ".join(wrong[:3]))),
            ("guests that outlived their broker", not chaos.survivors, "%d of %d kills%s" % (
                len(chaos.survivors), chaos.kills["belljar-broker"], ", ".join(chaos.survivors[:5])))]
    for what in VICTIMS:
        times = sorted(chaos.away[what])
        if times and not options.no_times:
            rows.append(("back after a kill of " + what, times[-1] <= BACK_SECONDS,
                         "%d kills; median %.3f s, longest %.3f s (bar: %.0f s)" % (
                len(times), statistics.median(times), times[-1], BACK_SECONDS)))
    # Fewer is no leak: of a parked jail that was killed nobody knows before it is used.
    rows += [(what + " at rest", after[what] <= before[what], "%d before, %d after" % (before[what], after[what]))
             for what in before]
    rows.append(("left behind on the host", not left, str(left or "nothing")))
    return rows


def play(options):
    host = leaks.Picture()
    stop = threading.Event()
    service = serving.Serving(options.build, profiles=[{"name": "python", "jails": 4}]).start()
    try:
        before = at_rest(service)
        clients = [Client(service.port, n, stop) for n in range(options.clients)]
        for client in clients:
            client.start()
        chaos = Chaos(service, options.seed)
        chaos.run(options.seconds)
        stop.set()
        for client in clients:
            client.join(ANSWER_SECONDS + 5)
        after = at_rest(service, before)
        lived = service.process.poll() is None
    finally:
        stop.set()
        said = service.said()
        status = service.stop()
    left = {kind: what for kind, what in leaks.left_behind(host, 5).items() if kind != "file"}  # those of others come and go
    rows = judge(chaos, clients, before, after, left, options)
    rows.append(("the keeper lives, and ends well", lived and status == 0, "" if lived and status == 0 else said[-1500:]))
    return rows, chaos, clients


def main():
    parser = argparse.ArgumentParser(description="kills at random, under load")
    parser.add_argument("--build", required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--no-times", action="store_true", help="judge no times: of a build with sanitizers, or on a busy host")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.seed = random.randrange(1 << 32) if options.seed is None else options.seed
    print("seed %d" % options.seed, flush=True)
    leaks.adopt_orphans()
    serving.own_network()
    began = time.monotonic()
    rows, chaos, clients = play(options)
    for what, well, text in rows:
        print("%-7s %-55s %s" % ("ok" if well else "FAILED", what, text))
    failed = sum(not row[1] for row in rows)
    if options.record:
        longest = max(max(times) for times in chaos.away.values())
        evidence.record("chaos", command="make chaos", passed=len(rows) - failed, failed=failed, skipped=0,
                        seconds=time.monotonic() - began, details={"rows": rows, "seed": options.seed, "away": chaos.away},
                        says="%d kills under load, %d requests; away for %.2f s at most; no answer at a wrong client" % (
                            sum(chaos.kills.values()), sum(client.asked for client in clients), longest))
    print("%d passed, %d failed, 0 skipped" % (len(rows) - failed, failed), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except serving.Lacking as lacking:
        print("skipped: %s\n0 passed, 0 failed, 1 skipped" % lacking)
