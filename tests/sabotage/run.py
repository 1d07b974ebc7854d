#!/usr/bin/env python3
"""Takes away one wall after the other, runs every attack each time, and says which walls stop what.

Its own file because the order of the work and the promise of its exit status are read here.
Changes when: the table gets another kind of column.

  run.py [options]
    --record        write docs/SABOTAGE.md and the evidence
    --only WORD     only attacks whose path contains WORD (may be repeated)
    --wall NAME     only these walls (may be repeated)
    --no-alone      without the second table
    --short         only what each wall was shown to stop when the page was recorded (a minute)
    --jobs N        worlds at one time (default 2)
    --build DIR     the build directory (default: that of $BELLJAR, else the newest below the project)
    --json FILE     all cells as JSON       --from FILE  no runs: what --json wrote before

Needs root, a corpus of hostile programs ($BELLJAR_ABUSE_CORPUS or ../shared/abuse) and a build with tests. Each world is thrown
away afterwards (world.py). About twenty minutes.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import analysis  # noqa: E402
import cells  # noqa: E402
import page  # noqa: E402
import world  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import evidence  # noqa: E402

SLOW_SECONDS = 2.0
INSIDE = ("ids", "capabilities", "no_new_privs", "seccomp", "backstop", "landlock", "rlimits")
# Second walls that were added because of this table: attack, the first wall.
ADDED = (("os-daemon-double-fork", "pid"),)
RECORD = 4  # bytes of a number in the queue


def find_corpus():
    beside = os.path.join(os.path.dirname(cells.belljar_run.ROOT), "shared", "abuse")
    for path in (os.environ.get("BELLJAR_ABUSE_CORPUS"), beside):
        if path and os.path.isfile(os.path.join(path, "tools", "canary.py")):
            return os.path.abspath(path)
    return None


def find_command(build):
    belljar = cells.belljar_run.find_belljar()
    build = build or (belljar and os.path.join(os.path.dirname(belljar), "..", ".."))
    found = build and os.path.realpath(os.path.join(build, "tests", "attack", "belljar-sabotage"))
    return found if found and os.path.isfile(found) else None


# ---- inside a world: one attack under every choice of walls --------------------------------------------


def bases(walls, attack, full):
    """What goes: all but the run's own ids, without a user namespace; all but that, with root in it; or what holds root
    inside of the jail, so that it can turn on the jail's own mounts. A supervisor ends a run by ending its pid 1."""
    needs_end = full["seconds"] >= SLOW_SECONDS or attack.header.get("limits") in ("memory", "output")
    walls = [w for w in walls if w not in attack.keeps and not (w == "pid" and needs_end)]
    return {"user": [w for w in walls if w != "ids"], "root": [w for w in walls if w != "user"],
            "inside": [w for w in walls if w in INSIDE]}


def wanted(walls, attack, full, column):
    """Walls whose cell is run: all, or for a slow attack those of its kind of limit."""
    return [w for w in walls if w not in attack.keeps and (full.seconds < SLOW_SECONDS or w in analysis.SLOW_WALLS[column])]


def cell_of(stage, attack, off):
    """Once more where only the clock said so."""
    cell = stage.jailed(attack, off)
    if cell.verdict == cells.ESCAPED and cell.by.startswith("took "):
        cell = stage.jailed(attack, off)
    return cell


def run_alone(stage, attack, walls, chosen, full, row):
    for base, off in bases(walls, attack, row["full"]).items():
        cell = cell_of(stage, attack, off)
        row["base"][base] = cell.data()
        if cell.verdict != cells.ESCAPED:
            continue
        for wall in wanted(chosen, attack, full, "alone"):
            if wall in off:
                row["alone"][wall] = cell_of(stage, attack, [w for w in off if w != wall]).data()
        row.update(alone_base=base, alone_off=off)
        return


def run_attack(stage, attack, options):
    walls = [name for name, _ in cells.wall_names()]
    chosen = [w for w in walls if not options.wall or w in options.wall]
    row = {"path": attack.path, "id": attack.id, "title": attack.header.get("title", ""), "severity": attack.severity,
           "kind": attack.header.get("kind", ""), "keeps": sorted(attack.keeps), "bare": {}, "off": {}, "base": {}, "alone": {}}
    stage.prepare(attack)
    row["bare"]["user"] = stage.bare(attack, False).data()
    if row["bare"]["user"]["verdict"] != cells.ESCAPED:
        row["bare"]["root"] = stage.bare(attack, True).data()
    full = cell_of(stage, attack, [])
    row["full"] = full.data()
    for wall in wanted(chosen, attack, full, "off"):
        row["off"][wall] = cell_of(stage, attack, [wall]).data()
    if options.alone:
        run_alone(stage, attack, walls, chosen, full, row)
    return row


def run_queue(stage, options):
    """Takes numbers of attacks from the queue until there are no more; a line of JSON for each."""
    attacks = cells.find_attacks(options.corpus, options.only)
    while True:
        number = os.read(options.queue, RECORD)
        if not number:
            break
        print(json.dumps(run_attack(stage, attacks[int(number)], options)), flush=True)


def run_short(stage, options):
    """For each wall the attack that showed it: it works without, and does not with the wall."""
    attacks = {attack.id: attack for attack in cells.find_attacks(options.corpus)}
    count = {"passed": 0, "failed": 0}
    for wall, (name, off) in sorted(shown_by_record().items()):
        attack = attacks[name]
        stage.prepare(attack)
        full = cell_of(stage, attack, [])
        without = cell_of(stage, attack, off)  # the very walls of the record: what is slow depends on the day
        with_it = full if off == [wall] else cell_of(stage, attack, [w for w in off if w != wall])
        good = without.verdict == cells.ESCAPED and with_it.verdict == full.verdict == cells.CONTAINED
        count["passed" if good else "failed"] += 1
        print("%s %-16s %-28s without: %s, %s; with: %s, %s" % (
            "ok  " if good else "FAIL", wall, name, without.verdict, without.by[:80], with_it.verdict, with_it.by[:80]), flush=True)
    for name, wall in ADDED:
        stage.prepare(attacks[name])
        cell = cell_of(stage, attacks[name], [wall])
        good = cell.verdict == cells.CONTAINED
        count["passed" if good else "failed"] += 1
        print("%s %-16s %-28s without it another wall: %s, %s" % (
            "ok  " if good else "FAIL", wall, name, cell.verdict, cell.by[:80]))
    print("%(passed)d passed, %(failed)d failed, 0 skipped" % count)
    return count["failed"]


def shown_by_record():
    facts = [fact for fact in evidence.recorded() if fact["suite"] == "sabotage"]
    return facts[0]["details"]["shown"] if facts else {}


def inside(options):
    world.build([options.corpus, options.command, HERE])
    bounds = world.Bounds("sabotage-%s" % options.inside)
    try:
        with cells.Stage(options.corpus, options.command, bounds) as stage:
            return run_short(stage, options) if options.short else run_queue(stage, options)
    finally:
        bounds.done()


# ---- outside -------------------------------------------------------------------------------------------


def again(number, options):
    """This program, inside a world."""
    return [sys.executable, os.path.abspath(__file__), "--inside", "%d-%d" % (os.getpid(), number), "--corpus", options.corpus,
            "--command", options.command]


def start_world(number, queue, options):
    words = [*again(number, options), "--queue", str(queue)]
    for word in options.only:
        words += ["--only", word]
    for wall in options.wall:
        words += ["--wall", wall]
    if not options.alone:
        words.append("--no-alone")
    out = tempfile.TemporaryFile("w+", encoding="utf-8")
    return subprocess.Popen(world.enter(words), stdout=out, pass_fds=[queue], cwd="/"), out


def run_all(options):
    attacks = cells.find_attacks(options.corpus, options.only)
    reading, writing = os.pipe()
    os.write(writing, b"".join(b"%*d" % (RECORD, i) for i in range(len(attacks))))
    os.close(writing)
    worlds = [start_world(number, reading, options) for number in range(options.jobs)]
    os.close(reading)
    rows, failed = [], []
    for child, out in worlds:
        if child.wait() != 0:
            failed.append("a world ended with status %d" % child.returncode)
        out.seek(0)
        rows += [json.loads(line) for line in out if line.startswith("{")]
        out.close()
    known = {row["path"]: row for row in rows}
    failed += ["%s was not run" % a.path for a in attacks if a.path not in known]
    return [known[a.path] for a in attacks if a.path in known], failed


def refusal(options, **variables):
    """Why a harmless run is refused before the program starts, or "". It has a group, so that one can be left over."""
    environment = dict(os.environ, BELLJAR_SABOTAGE_STDIN="/etc/hostname", BELLJAR_SABOTAGE_FILE="/etc/hostname", **variables)
    ended = subprocess.run(["setpriv", "--groups", str(world.EXTRA_GROUP), options.command, "run", "--json", "--collect", "x", "--",
                            "true"], env=environment, cwd="/", capture_output=True, text=True, timeout=30, check=False)
    return "" if ended.stdout else " ".join(ended.stderr.split()) or "status %d" % ended.returncode


def noticed(options):
    """{wall: who would notice it missing before the program starts}. Only a refusal that is about the wall counts: where an
    operation of our own stands in for it ("nice"), the check of the plan may have meant that one."""
    if refusal(options):
        raise OSError("with all walls in place: " + refusal(options))
    found = {}
    for wall, _ in cells.wall_names():
        by_assertion = refusal(options, BELLJAR_SABOTAGE=wall, BELLJAR_SABOTAGE_ASSERTIONS="1")
        by_check = refusal(options, BELLJAR_SABOTAGE=wall, BELLJAR_SABOTAGE_ASSERTIONS="1", BELLJAR_SABOTAGE_CHECK="1")
        found[wall] = ["assertion"] if ": assert_" in by_assertion else []
        found[wall] += ["plan check"] if "defect of Belljar" in by_check and "(nice)" not in by_check else []
    return found


def parse(words=None):
    parser = argparse.ArgumentParser(description="which walls stop what")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--wall", action="append", default=[])
    parser.add_argument("--no-alone", dest="alone", action="store_false")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json")
    parser.add_argument("--from", dest="source")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("--queue", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--corpus", default=find_corpus(), help=argparse.SUPPRESS)
    parser.add_argument("--command", help=argparse.SUPPRESS)
    parser.add_argument("--build")
    options = parser.parse_args(words)
    options.command = options.command or find_command(options.build)
    return options


def lacking(options):
    """What is needed and not there, or None."""
    if os.getuid() != 0:
        return "root"
    if not options.corpus:
        return "the abuse corpus"
    return None if options.command else "a build with tests/attack/belljar-sabotage"


def measure(options):
    rows, failed = run_all(options)
    return {"rows": rows, "failed": failed, "noticed": noticed(options)}


def main():
    options = parse()
    if options.inside:
        return 1 if inside(options) else 0
    if not options.source and lacking(options):
        print("host lacks %s\n0 passed, 0 failed, 1 skipped" % lacking(options))
        return 0
    if options.short:
        return subprocess.run(world.enter([*again(0, options), "--short"]), cwd="/", check=False).returncode
    began = time.monotonic()
    if options.source:
        with open(options.source, encoding="utf-8") as f:
            data = json.load(f)
    else:
        data = measure(options)
        data.update(seconds=time.monotonic() - began, date=time.strftime("%Y-%m-%d", time.gmtime()), commit=evidence.commit())
    if options.json:
        with open(options.json, "w", encoding="utf-8") as f:
            json.dump(data, f, indent=1)
    verdict = analysis.judge(data)
    for problem in verdict.problems:
        print("FAIL " + problem)
    if options.record:
        page.write(data, verdict, slow_seconds=SLOW_SECONDS, slow_walls=analysis.SLOW_WALLS, host=evidence.host(),
                   date=data["date"])
        evidence.commit = lambda: data["commit"]  # what was tried, however late it is written down (--from)
        evidence.record("sabotage", command="make sabotage", passed=verdict.passed, failed=len(verdict.problems), skipped=0,
                        seconds=data["seconds"], says=verdict.says(data), details=verdict.details())
    print("%d passed, %d failed, 0 skipped" % (verdict.passed, len(verdict.problems)))
    return 1 if verdict.problems else 0


if __name__ == "__main__":
    sys.exit(main())
