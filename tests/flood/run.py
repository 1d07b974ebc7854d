#!/usr/bin/env python3
"""Floods of a service: what other clients feel of each, how much memory it takes, and whether every answer is the right one.

Its own file because it takes minutes and all processors; `make test` has a short form.
Changes when: what is judged of a flood changes. The floods are flooder.py's.

usage: tests/flood/run.py --build DIR [--seconds N] [--rounds N] [--held N] [--only KIND]... [--no-times] [--no-memory] [--record]
  --seconds  of each phase; a round is a phase without the flood and one with it, and clients at an even rate in both
  --held     connections of the floods that hold them (10,000, or as many as this process may have)
The last line is "N passed, N failed, N skipped". --record writes docs/evidence/flood.json.
"""
import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
sys.dont_write_bytecode = True

import evidence  # noqa: E402
import leaks  # noqa: E402
import serving  # noqa: E402

CORPUS = os.environ.get("BELLJAR_ABUSE_CORPUS") or os.path.join(os.path.dirname(ROOT), "shared", "abuse")
# Flood: connections or requests a second; connections that the service may have (None: its default)
KINDS = {"idle": (None, 12000), "slow": (None, 12000), "evicted": (None, None), "uploads": (1000, 2000), "declared": (50, None),
         "chunked": (20, None), "headers": (20, None), "json": (20, None)}
WORSE = 2.0
RATE = 100.0  # requests a second of the other clients: what they wait for is not each other
CLIENTS = 4
SPARE_FILES = 200
MIB = 1024
# KiB: what it has at rest, a connection's buffers, bodies as often as they are in memory at one time.
REST_KIB, CONNECTION_KIB, BROKER_KIB, BUFFERED = 48 * MIB, 40, 64 * MIB, 64 << 20
# 9 MB of nothing but escapes take 0.1 s of the front's only thread: who serves strangers allows less than the default.
JSON_BYTES, JSON_KIB = 1 << 20, 64 * MIB  # the largest body; as a tree


def most_connections(wanted):
    """(how many this process may have, why fewer)."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < wanted + SPARE_FILES:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted + SPARE_FILES,) * 2)
        except (ValueError, OSError):
            return hard - SPARE_FILES, "this process may have no more than %d descriptors" % hard
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return wanted, ""


class Flood:
    """The program that floods, for one phase."""

    def __init__(self, kind, port, seconds, count):
        program = "idle" if kind == "evicted" else kind
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "flooder.py"), program, str(port), str(seconds),
                                         str(count), CORPUS], stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the flood %s did not begin" % kind)

    def end(self):
        text = self.process.communicate(timeout=120)[0]
        return json.loads(text) if self.process.returncode == 0 else {"failed": 1}


def forget_peaks(service):
    for name in serving.PROGRAMS:
        try:
            with open("/proc/%d/clear_refs" % service.pid_of(name), "w", encoding="ascii") as file:
                file.write("5")
        except (OSError, TypeError):
            pass  # the peak of its whole life then, which is only stricter


def clients(build, port, seconds):
    """Whole figures of those that mean well."""
    done = subprocess.run([os.path.join(build, "bench", "bench-load"), "open", str(port), "/v1/exec", "print(@@)", str(CLIENTS),
                           str(int(seconds * 1000)), str(RATE)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def bound_kib(kind, connections, held):
    bound = REST_KIB + min(held, connections) * CONNECTION_KIB
    if kind == "uploads":
        bound += 2 * BUFFERED // 1024
    return bound + (JSON_KIB if kind == "json" else 0)


def flood_through(options, kind, count, service):
    """Phases in turn: (without, with, what the flooder found)."""
    quiet, loud, found = [], [], []
    forget_peaks(service)
    for _ in range(options.rounds):
        quiet.append(clients(options.build, service.port, options.seconds))
        flood = Flood(kind, service.port, options.seconds + 1, count)
        loud.append(clients(options.build, service.port, options.seconds))
        found.append(flood.end())
        time.sleep(0.5)
    return quiet, loud, found


def judge(kind, quiet, loud, found, memory, bound):
    """[(what, verdict, text)]"""
    # Who got no answer at all has waited for ever.
    worse = statistics.median(f["us"].get("p99", math.inf) / q["us"].get("p99", 1) for q, f in zip(quiet, loud))
    p99 = statistics.median(f["us"].get("p99", math.inf) for f in loud) / 1000
    lost = sum(f["failed"] + f["wrong"] + sum(n for s, n in f["statuses"].items() if s != "200") for f in loud)
    wrong = sum(f.get("wrong status", 0) + f.get("failed", 0) for f in found)
    rows = [("p99 of other clients", worse <= WORSE, "%.2f times without the flood, %.1f ms (bar: at most %.0f times)" % (
        worse, p99, WORSE)),
            ("other clients' answers", lost == 0, "%d of %d lost or wrong" % (lost, sum(f["asked"] for f in loud))),
            ("memory of the front", memory["belljar-front"] <= bound, "%d MiB at most (bound: %d)" % (
                memory["belljar-front"] // MIB, bound // MIB)),
            ("memory of the broker", memory["belljar-broker"] <= BROKER_KIB, "%d MiB at most (bound: %d)" % (
                memory["belljar-broker"] // MIB, BROKER_KIB // MIB)),
            ("answers to the flood", wrong == 0, ", ".join("%s %d" % item for item in sorted(found[-1].items())))]
    return [(kind, *row) for row in rows]


def try_kind(options, kind, held):
    count, connections = KINDS[kind]
    config = {"buffered_bytes": BUFFERED}
    if kind == "json":
        config["request_bytes"] = JSON_BYTES
    if connections:
        config["connections"] = min(connections, max(1024, held * 6 // 5))
    with serving.Serving(options.build, **config) as service:
        before = {name: service.pid_of(name) for name in serving.PROGRAMS}
        rows = flood_through(options, kind, count or held, service)
        memory = service.memory_kib("VmHWM")
        bound = bound_kib(kind, config.get("connections", 1024), count or held)
        rows = judge(kind, *rows, memory, bound)
        same = before == {name: service.pid_of(name) for name in serving.PROGRAMS}
        rows.append((kind, "no process ended", same and service.answers(), "" if same else service.said()[-1500:]))
        fine = service.stop() == 0
        rows.append((kind, "ends well", fine, ""))
    return rows


def main():
    parser = argparse.ArgumentParser(description="floods of a service")
    parser.add_argument("--build", required=True)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--held", type=int, default=10000)
    parser.add_argument("--only", action="append", choices=list(KINDS))
    parser.add_argument("--no-times", action="store_true", help="judge no times: of a build with sanitizers, or on a busy host")
    parser.add_argument("--no-memory", action="store_true", help="judge no memory: sanitizers keep what is freed")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    leaks.adopt_orphans()
    began, rows, skipped = time.monotonic(), [], []
    own = serving.own_network()
    held, why = most_connections(options.held)
    print("%s network; %d connections are held%s" % ("its own" if own else "the host's", held, why and ": " + why), flush=True)
    for kind in options.only or KINDS:
        if kind == "json" and not os.path.isdir(CORPUS):
            skipped.append("json: host lacks the abuse corpus")
            continue
        hidden = ("p99",) * options.no_times + ("memory",) * options.no_memory
        some = [row for row in try_kind(options, kind, held) if not row[1].startswith(hidden)]
        rows += some
        for row in some:
            print("%-9s %-23s %-7s %s" % (row[0], row[1], "ok" if row[2] else "FAILED", row[3]), flush=True)
    failed = sum(not row[2] for row in rows)
    if options.record:
        worst = [row[3].split(" ")[0] for row in rows if row[1].startswith("p99")]
        evidence.record("flood", command="make flood", passed=len(rows) - failed, failed=failed, skipped=len(skipped),
                        seconds=time.monotonic() - began, details={"rows": rows, "held": held},
                        says="%d floods, %d connections held; p99 of other clients at most %s times that without the flood" % (
                            len({row[0] for row in rows}), held, max(worst, key=float)))
    for line in skipped:
        print("skipped: " + line)
    print("%d passed, %d failed, %d skipped" % (len(rows) - failed, failed, len(skipped)), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except serving.Lacking as lacking:
        print("skipped: %s\n0 passed, 0 failed, 1 skipped" % lacking)
