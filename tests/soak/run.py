#!/usr/bin/env python3
"""A great many runs of every kind at full speed, and whether anything grows meanwhile: rate, memory, descriptors, groups, mounts.

Its own file because it takes minutes and all processors; no part of `make test`, which only tries whether it can turn red.
Changes when: runs are started in another way.

usage: tests/soak/run.py --build DIR [--runs N] [--jobs N] [--sabotage WHAT] [--record]
  --jobs      workers that use the library, each with several runs at a time (default: one for each processor)
  --sabotage  leak-fd, leak-memory, leak-process, leak-cgroup (once in 100 runs of a worker) or lie; may be repeated: the soak must
              turn red
The last line is "N passed, N failed, N skipped": runs with the verdict of their kind, and figures that are flat. --record writes
docs/SOAK.md, docs/soak.svg and docs/evidence/soak.json.
"""
import argparse
import collections
import fcntl
import glob
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
sys.dont_write_bytecode = True

import belljar_run  # noqa: E402
import soak_figures as figures  # noqa: E402
import groups  # noqa: E402
import leaks  # noqa: E402
import soak_report as report  # noqa: E402

LAPS = 10
SLOTS = 4  # runs that a library worker has at one time: some only wait for their limit
COMMAND_WORKERS = 2
COMMAND_SHARE = 10  # one run in so many goes through the command
WARM_UP = 200  # runs before the first tenth: buffers of the allocator and caches of the kernel get their size
STUCK_SECONDS = 120
SAMPLES = 300
SABOTAGES = ("leak-fd", "leak-memory", "leak-process", "leak-cgroup", "lie")
F_SETPIPE_SZ = 1031
PIPE_BYTES = 1 << 20


class Soak:
    """The workers, their two queues, and what they have said."""

    def __init__(self, options, own, directory):
        self.worker = os.path.join(options.build, "tests", "soak", "soak_worker")
        self.belljar = os.path.join(options.build, "src", "cli", "belljar")
        self.directory, self.sabotage, self.own = directory, " ".join(options.sabotage), own
        self.library_queue, self.command_queue = make_queue(), make_queue()
        self.done, self.bad, self.counts = 0, [], collections.Counter()
        self.began, self.samples, self.workers, self.texts = time.monotonic(), [], [], {}
        for _ in range(options.jobs):
            self.start("library", str(SLOTS), self.library_queue)
        for _ in range(COMMAND_WORKERS):
            self.start("command", self.belljar, self.command_queue)
        os.close(self.library_queue[0])
        os.close(self.command_queue[0])

    def start(self, how, what, queue):
        env = dict(os.environ, SOAK_GROUP=self.own[0] if self.own else self.directory)
        worker = subprocess.Popen([self.worker, how, self.directory, what, self.sabotage], stdin=queue[0],
                                  stdout=subprocess.PIPE, env=env)
        self.workers.append(worker)
        self.texts[worker.stdout.fileno()] = b""

    @property
    def pids(self):
        return [worker.pid for worker in self.workers]

    def feed(self, letters):
        """A tenth of the whole; less than a pipe holds."""
        command = letters[::COMMAND_SHARE]
        library = "".join(letter for i, letter in enumerate(letters) if i % COMMAND_SHARE)
        for (_, end), text in ((self.library_queue, library), (self.command_queue, command)):
            if os.write(end, text.encode("ascii")) != len(text):
                raise RuntimeError("a pipe holds less than a tenth of the runs; ask for fewer")

    def hear(self, timeout):
        """Takes in what the workers say within this time."""
        ready, _, _ = select.select(list(self.texts), [], [], timeout)
        for fd in ready:
            piece = os.read(fd, 65536)
            if not piece:
                raise RuntimeError("a worker ended")
            *lines, self.texts[fd] = (self.texts[fd] + piece).split(b"\n")
            for line in lines:
                letter, _, said = line.decode("utf-8", "replace").partition(" ")
                self.done += 1
                self.counts[letter] += 1
                if said != "ok":
                    self.bad.append(said)

    def run(self, letters, told):
        """One tenth: until the last of its runs is over."""
        self.feed(letters)
        goal, heard, before = self.done + len(letters), time.monotonic(), self.done
        while self.done < goal:
            self.hear(0.2)
            now = time.monotonic()
            heard, before = (now, self.done) if self.done != before else (heard, before)
            if now - heard > STUCK_SECONDS:
                raise RuntimeError("no run has ended for %d s" % STUCK_SECONDS)
            told()

    def sample(self, interval):
        now = time.monotonic() - self.began
        last = self.samples[-1] if self.samples else {"seconds": 0.0, "runs": 0}
        if now - last["seconds"] < interval:
            return
        rate = (self.done - last["runs"]) / (now - last["seconds"])
        self.samples.append(dict(figures.look(self.pids, self.own), seconds=now, runs=self.done, rate=rate))

    def end(self):
        os.close(self.library_queue[1])
        os.close(self.command_queue[1])
        for worker in self.workers:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            worker.stdout.close()
        for pid in leaks.descendants():  # what sabotage has left behind
            os.kill(pid, 9)
        leaks.reap_orphans()
        for group in self.own:
            for path in glob.glob(group + "/belljar-*-leak-*"):
                os.rmdir(path)


def make_queue():
    ends = os.pipe()
    try:
        fcntl.fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        pass  # more than an ordinary user may have; 64 KiB are enough for 600,000 runs
    os.set_blocking(ends[0], False)  # all workers share this end: who comes too late must not wait
    os.set_blocking(ends[1], False)
    return ends


def read_kinds(worker):
    """[(letter, share, name, status)] as kinds.h has them."""
    lines = subprocess.run([worker, "kinds"], check=True, capture_output=True, text=True).stdout.splitlines()
    return [(letter, int(share), name, status) for letter, share, name, status in (line.split("\t") for line in lines)]


def schedule(kinds, count):
    """`count` letters in the shares of the kinds, shuffled; the same each time, so that tenths can be compared."""
    exact = [(share * count / 100, letter) for letter, share, _, _ in kinds]
    whole = {letter: int(wanted) for wanted, letter in exact}
    rest = sorted(exact, key=lambda pair: (int(pair[0]) - pair[0], pair[1]))
    for _, letter in rest[:count - sum(whole.values())]:
        whole[letter] += 1
    letters = [letter for letter, times in whole.items() for _ in range(times)]
    random.Random(1).shuffle(letters)
    return "".join(letters)


def build_guests(directory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        sys.exit("host lacks a C compiler")
    programs = os.path.join(belljar_run.ROOT, "tests", "e2e", "programs")
    os.chmod(directory, 0o755)
    for name in ("load", "look"):
        subprocess.run([compiler, "-O1", "-static", "-pthread", "-o", os.path.join(directory, name),
                        os.path.join(programs, name + ".c")], check=True)


class Teller:
    """A line on a terminal that is written over: how far, how fast, how long."""

    def __init__(self, soak, runs, interval):
        self.soak, self.runs, self.interval, self.last, self.terminal = soak, runs, interval, 0.0, sys.stderr.isatty()

    def __call__(self):
        self.soak.sample(self.interval)
        now = time.monotonic()
        if not self.terminal or now - self.last < 0.5 or not self.soak.done:
            return
        self.last = now
        rate = self.soak.done / (now - self.soak.began)
        left = max(0, self.runs - self.soak.done) / rate
        sys.stderr.write("\r%5.1f %%  %d runs  %.0f a second  %d:%02d left   " %
                         (100 * self.soak.done / self.runs, self.soak.done, rate, left // 60, left % 60))
        sys.stderr.flush()


def run_laps(soak, kinds, runs):
    """Figures at rest after each tenth."""
    lap_runs = runs // LAPS
    letters = schedule(kinds, lap_runs)
    soak.run(schedule(kinds, WARM_UP), lambda: None)
    rest = figures.look_at_rest(soak.pids, soak.own, None, figures.PATIENCE_SECONDS)
    soak.began, soak.done, soak.counts = time.monotonic(), 0, collections.Counter()
    teller = Teller(soak, lap_runs * LAPS, max(0.5, runs / 300 / SAMPLES))
    laps = []
    for number in range(LAPS):
        began = time.monotonic()
        soak.run(letters, teller)
        seconds = time.monotonic() - began
        patience = figures.PATIENCE_SECONDS if number in (0, LAPS - 1) else figures.LITTLE_PATIENCE_SECONDS
        lap = dict(figures.look_at_rest(soak.pids, soak.own, rest, patience), lap=number + 1, runs=soak.done, seconds=seconds,
                   at=time.monotonic() - soak.began, rate=lap_runs / seconds)
        laps.append(lap)
        if not teller.terminal:
            print("tenth %2d: %6d runs, %5.0f a second, %d KiB, %d descriptors, %d processes, %s groups" % (
                number + 1, soak.done, lap["rate"], lap["rss_kib"], lap["fds"], lap["processes"], lap["leaves"]), flush=True)
    if teller.terminal:
        sys.stderr.write("\n")
    return laps


def soak_through(options, directory):
    """(laps, soak), or an error as text in soak.bad."""
    build_guests(directory)
    laps = []
    with groups.inside_own_groups() as own:
        soak = Soak(options, own, directory)
        try:
            laps = run_laps(soak, read_kinds(soak.worker), options.runs)
        except RuntimeError as error:
            soak.bad.append(str(error))
        finally:
            soak.end()
    return laps, soak


def main():
    parser = argparse.ArgumentParser(description="a great many runs, and whether anything grows")
    parser.add_argument("--build", required=True)
    parser.add_argument("--runs", type=int, default=100000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sabotage", action="append", default=[], choices=SABOTAGES)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    if options.runs < LAPS:
        parser.error("--runs: at least %d" % LAPS)
    leaks.adopt_orphans()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        laps, soak = soak_through(options, directory)
    rows = figures.judge(laps, options.runs) if len(laps) == LAPS else []
    print("\n".join(report.lap_lines(laps) + [""] + report.row_lines(rows)))
    for said, times in collections.Counter(soak.bad).most_common(20):
        print("FAILED %d times: %s" % (times, said))
    good = soak.done - len(soak.bad)
    verdicts = collections.Counter(row["verdict"] for row in rows)
    counts = {"passed": max(0, good) + verdicts["ok"], "failed": len(soak.bad) + verdicts["failed"], "skipped": verdicts["skipped"]}
    if options.record and rows:
        kinds = read_kinds(soak.worker)
        report.record(laps, soak.samples, rows, {"kinds": kinds, "counts": soak.counts, "jobs": options.jobs, "slots": SLOTS,
                                                 "commands": COMMAND_WORKERS, "bad": len(soak.bad)},
                      dict(counts, seconds=time.monotonic() - began))
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts, flush=True)
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
