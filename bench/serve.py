"""The service over HTTP: against the library in the same run, and against a server that starts bubblewrap for each request.

Its own file because programs that answer over a socket are compared by their clients' clocks, and take turns as servers.
Changes when: something more of the service is measured, or a bar is added. run.py calls it.
"""
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time

import snippets

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "support"))

import belljar_run  # noqa: E402  pylint: disable=wrong-import-position
import serving  # noqa: E402  pylint: disable=wrong-import-position

CODE = "x = 1"
LIBRARY, SERVICE, PEER = "library, parked jail", "belljard, /v1/exec", "bubblewrap and python3 for each request"
OF_LIBRARY, OF_RATE, OF_MEDIAN, OF_PEER = 1.5, 0.7, 5.0, 4.0
CONNECTIONS = (1, 2, 4, 8)  # at one time; each server's best counts
PROGRAMS = ("bench-load", "bench-bwrap_server")
SLICES = 5  # of each subject, in turn
HALF_MS = 2000  # of each slice
PEER_RUNS_AT_ONCE = 8


class Place(snippets.Place):
    """Besides the library's programs: a service, a peer, and who asks them."""

    def __init__(self, bench, uid):
        super().__init__(bench, uid)
        self.bench = bench
        self.lacks = self.lacks or next((n for n in PROGRAMS if not bench.built("bench/" + n)), None)
        self.lacks = self.lacks or (None if bench.built("src/server/belljard") else "src/server/belljard")
        for name in PROGRAMS if not self.lacks else ():
            shutil.copy(bench.built("bench/" + name), self.path(name))

    def load(self, how, port, path, *arguments):
        done = subprocess.run([self.path("bench-load"), how, str(port), path, CODE, *map(str, arguments)], capture_output=True,
                              text=True, check=True)
        found = json.loads(done.stdout)
        if found["failed"] or set(found["statuses"]) != {"200"}:
            raise RuntimeError("load: not all were answered: %s" % done.stdout)
        return found

    def start_peer(self):
        """(process, port), or None where it does not work."""
        port = serving.free_port()
        peer = subprocess.Popen(self.words("bench-bwrap_server", port, self.filter, PEER_RUNS_AT_ONCE), cwd="/")
        time.sleep(0.3)
        try:
            self.load("closed", port, "/", 1, 300)
        except (RuntimeError, subprocess.CalledProcessError):
            peer.kill()
            peer.wait()
            return None
        return peer, port


def latencies(place, service, rounds):
    """{subject: nanoseconds of each round}; each once a round, in a new random order."""
    programs = {LIBRARY: place.start("bench-warm", "latency", CODE),
                SERVICE: subprocess.Popen([place.path("bench-load"), "step", str(service.port), "/v1/exec", CODE], bufsize=1,
                                          text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)}
    found = {name: [] for name in programs}
    for turn in range(rounds + 5):
        for name in random.sample(list(programs), len(programs)):
            took = snippets.ask(programs[name])
            if turn >= 5:
                found[name].append(took)
        time.sleep(snippets.SETTLE_SECONDS)
    for program in programs.values():
        program.stdin.close()
        program.wait(10)
    return found


def library_rate(place, milliseconds):
    """As many programs as there are processors, each with a pool of its own; nobody asks them over a socket."""
    running = [place.start("bench-warm", "throughput", CODE, milliseconds) for _ in range(os.cpu_count())]
    rows = [[int(x) for x in program.communicate(timeout=60)[0].split()] for program in running]
    return sum(runs for runs, _ in rows) / (max(took for _, took in rows) / 1e9)


def rates(place, service, peer, seconds):
    """{subject: runs a second of each slice}; of servers with each number of connections."""
    each = max(200, int(seconds * 1000 / SLICES))
    subjects = {LIBRARY: lambda: library_rate(place, each)}
    for count in CONNECTIONS:
        subjects[SERVICE, count] = lambda count=count: place.load("closed", service.port, "/v1/exec", count, each)["rate"]
        if peer:
            subjects[PEER, count] = lambda count=count: place.load("closed", peer[1], "/", count, each)["rate"]
    found = {name: [] for name in subjects}
    for _ in range(SLICES):
        for name in random.sample(list(subjects), len(subjects)):
            found[name].append(subjects[name]())
    return {name: statistics.median(values) for name, values in found.items()}


def best(found, subject):
    """(runs a second, with how many connections)."""
    return max((rate, name[1]) for name, rate in found.items() if name[0] == subject)


def half_load(place, service, rate):
    """Percentiles at half of the highest rate: in even steps, and as clients come who do not know of each other. Slices in turn; of
    each figure the middle one."""
    slices = {"open": [], "poisson": []}
    for _ in range(SLICES):
        for how in random.sample(list(slices), len(slices)):
            slices[how].append(place.load(how, service.port, "/v1/exec", 16, HALF_MS, rate / 2)["us"])
    return {how: {name: statistics.median(one[name] for one in some) for name in some[0]} for how, some in slices.items()}


def measure(bench, uid, rounds, seconds):
    """Everything, or {"gone": why}."""
    place = Place(bench, uid)
    if place.lacks:
        return {"gone": "not built: " + place.lacks}
    prefix = belljar_run.setpriv(uid) if uid != os.geteuid() else []
    environment = dict(place.environment, LD_LIBRARY_PATH="")
    try:
        service = serving.Serving(bench.build, prefix, environment).start()
    except RuntimeError as error:
        return {"gone": "does not work here: " + str(error).replace("\n", " ")[:300]}
    peer = place.start_peer() if seconds else None
    try:
        data = {"latency": {name: sorted(times) for name, times in latencies(place, service, rounds).items()}}
        if seconds:
            found = rates(place, service, peer, seconds)
            data["per_second"] = {LIBRARY: found[LIBRARY], SERVICE: best(found, SERVICE)}
            if peer:
                data["per_second"][PEER] = best(found, PEER)
            data["all_rates"] = [[*name, rate] for name, rate in found.items() if name != LIBRARY]
            data["half"] = half_load(place, service, best(found, SERVICE)[0])
    finally:
        service.stop()
        if peer:
            peer[0].terminate()
            peer[0].wait()
    return data


def table(data):
    if "gone" in data:
        return ["Not measured: the service (%s)." % data["gone"]]
    library = statistics.median(data["latency"][LIBRARY])
    out = ["| `%s`, milliseconds | median | p90 | p99 | ÷ library |" % CODE, "|---|---:|---:|---:|---:|"]
    for name, times in data["latency"].items():
        shares = [times[min(len(times) - 1, int(len(times) * share))] / 1e6 for share in (0.5, 0.9, 0.99)]
        out.append("| %s | %s | %.2f |" % (name, " | ".join("%.2f" % ms for ms in shares), statistics.median(times) / library))
    for how, text in (("open", "evenly"), ("poisson", "by chance")) if "half" in data else ():
        us = data["half"][how]
        out.append("| %s, at half its rate, asked %s | %.2f | %.2f | %.2f | %.2f |" % (
            SERVICE, text, us["p50"] / 1e3, us["p90"] / 1e3, us["p99"] / 1e3, us["p50"] * 1e3 / library))
    if "per_second" in data:
        found = data["per_second"]
        out += ["", "Whole runs a second on %d processors: %s %.0f, %s." % (os.cpu_count(), LIBRARY, found[LIBRARY], ", ".join(
            "%s %.0f (%d connections)" % (name, *found[name]) for name in (SERVICE, PEER) if name in found)),
            "The clients of a service share the processors with it."]
        for subject in (SERVICE, PEER):
            some = ["%d: %.0f" % (count, rate) for name, count, rate in data["all_rates"] if name == subject]
            if some:
                out.append("%s with so many connections: %s." % (subject, ", ".join(some)))
    return out


def bars(data, who):
    """(lines, all met)."""
    if "gone" in data:
        return [], True
    median = {name: statistics.median(times) for name, times in data["latency"].items()}
    rows = [("%.2f × the library's median (bar: ≤ %.1f)", median[SERVICE] / median[LIBRARY], OF_LIBRARY, False)]
    if "per_second" in data:
        found, half = data["per_second"], data["half"]["open"]
        rate = found[SERVICE][0]
        rows += [("%.2f × the library's runs a second (bar: ≥ %.1f)", rate / found[LIBRARY], OF_RATE, True),
                 ("p99 at half load %.1f × its median (bar: ≤ %.0f)", half["p99"] / half["p50"], OF_MEDIAN, False)]
        if PEER in found:
            rows.append(("%.1f × the runs a second of bubblewrap and python3 for each request (bar: ≥ %.0f)",
                         rate / found[PEER][0], OF_PEER, True))
    lines, all_met = [], True
    for text, value, bar, at_least in rows:
        met = value >= bar if at_least else value <= bar
        all_met &= met
        lines.append("as %s: a snippet over HTTP: %s: %s" % (who, text % (value, bar), "met" if met else "missed"))
    return lines, all_met
