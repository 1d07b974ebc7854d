"""What the cells mean: which wall is the only one, which is decoration, what must be acted on.

Its own file because it is pure: the same cells give the same findings, and a test feeds it cells that it must refuse.
Changes when: a bar is added.
"""
import cells
import reasons

HIGH = ("high", "critical")
# An attack that takes seconds meets only walls of its kind: limits, and what ends a run.
SLOW_WALLS = {
    "off": {"pid", "rlimits", "seccomp", "cgroup", "wall_clock", "init_clock", "cpu_clock", "memory_clock", "output_cap"},
    "alone": {"rlimits", "cgroup", "wall_clock", "init_clock", "cpu_clock"},
}


class Verdict:
    """Everything that the page and the exit status are made of."""

    def __init__(self):
        self.problems, self.passed = [], 0
        self.only, self.alone = {}, {}          # attack id -> walls
        self.only_by_wall, self.alone_by_wall = {}, {}
        self.findings = []                      # (row, wall, what stands behind it or None)
        self.decoration = {}                    # wall -> reason or None
        self.unseen = {}                        # attack id -> reason or None
        self.shown = {}                         # wall -> [attack id, the walls that were away with it]: the quickest

    def check(self, good, problem):
        if good:
            self.passed += 1
        else:
            self.problems.append(problem)

    def says(self, data):
        rows = data["rows"]
        count = sum(len(r["off"]) + len(r["alone"]) + len(r["base"]) + len(r["bare"]) + 1 for r in rows)
        held = sum(1 for row in rows if row["full"]["verdict"] == cells.CONTAINED)
        still_open = len({row["id"] for row, _, behind in self.findings if not behind})
        seen_behind = len({row["id"] for row, _, behind in self.findings if behind})
        one_wall = sum(1 for walls in self.only.values() if walls) - seen_behind
        return ("%d attacks, %d walls, %d runs: the full jail contains %d; %d attacks have one wall only, of them %d of high severity;"
                " behind %d more of high severity a second one was seen that is no column" % (
                    len(rows), len(self.only_by_wall), count, held, one_wall, still_open, seen_behind))

    def details(self):
        return {"open": sorted({row["id"] for row, _, reason in self.findings if not reason}), 
                "only": {k: v for k, v in self.only.items() if v}, "stays": sorted(self.decoration), "shown": self.shown}


def escaped(cell):
    return cell is not None and cell["verdict"] == cells.ESCAPED


def is_seen(row):
    """The attack can be told to work by some run: bare, or in a jail with walls missing."""
    return any(escaped(c) for group in ("bare", "base", "off") for c in row[group].values())


def second_wall(row, wall, data):
    """What stands behind the one wall, as this run has shown it, or None."""
    rows = {other["id"]: other for other in data["rows"]}
    noticed_wall, by, words = reasons.NOTICED.get(row["id"], (None, None, None))
    if noticed_wall == wall and by in data["noticed"].get(wall, []):
        return words
    if row["off"][wall].get("held"):
        return reasons.HELD[row["id"]]
    other, words = reasons.SHOWN_BY.get(row["id"], (None, None))
    shown = rows.get(other, {}).get("off", {}).get(wall, {})
    return "%s (see %s)" % (words, other) if shown.get("verdict") == cells.CONTAINED else None


def judge_row(verdict, row, data):
    verdict.check(not escaped(row["full"]), "%s escapes from the full jail: %s" % (row["path"], row["full"]["by"]))
    verdict.check(row["full"]["verdict"] == cells.CONTAINED, "%s did not run in the full jail: %s" % (
        row["path"], row["full"]["by"]))
    seen = is_seen(row)
    if not seen:
        verdict.unseen[row["id"]] = reasons.UNSEEN.get(row["id"])
    verdict.check(seen or row["id"] in reasons.UNSEEN,
                  "%s never escapes, whatever is taken away: its test cannot see" % row["path"])
    verdict.only[row["id"]] = [wall for wall, cell in row["off"].items() if escaped(cell)]
    verdict.alone[row["id"]] = [wall for wall, cell in row["alone"].items() if cell["verdict"] == cells.CONTAINED]
    for wall in verdict.only[row["id"]]:
        verdict.only_by_wall.setdefault(wall, []).append(row["id"])
        if row["severity"] in HIGH:
            reason = second_wall(row, wall, data)
            verdict.findings.append((row, wall, reason))
            verdict.check(reason, "%s (%s) has one wall, %s: %s" % (row["path"], row["severity"], wall, row["off"][wall]["by"]))
    for wall in verdict.alone[row["id"]]:
        verdict.alone_by_wall.setdefault(wall, []).append(row["id"])


def quickest(rows, wall):
    """[attack, how]: what shows in the shortest time that the wall stands. That it is the only one shows more."""
    only, alone = [], []
    for row in rows:
        seconds = row["full"]["seconds"]
        if escaped(row["off"].get(wall)):
            only.append((seconds + row["off"][wall]["seconds"], row["id"], [wall]))
        elif row["alone"].get(wall, {}).get("verdict") == cells.CONTAINED:
            base = row["alone_base"]
            alone.append((seconds + row["base"][base]["seconds"] + row["alone"][wall]["seconds"], row["id"], row["alone_off"]))
    return list(min(only or alone)[1:]) if only or alone else None


def judge(data):
    verdict = Verdict()
    walls = [name for name, _ in cells.wall_names()]
    for failure in data["failed"]:
        verdict.problems.append(failure)
    for wall in walls:
        verdict.only_by_wall[wall], verdict.alone_by_wall[wall] = [], []
    for row in data["rows"]:
        judge_row(verdict, row, data)
    for wall in walls:
        works = verdict.only_by_wall[wall] or verdict.alone_by_wall[wall]
        if not works:
            verdict.decoration[wall] = reasons.STAYS.get(wall)
        if works:
            verdict.shown[wall] = quickest(data["rows"], wall)
        verdict.check(works or wall in reasons.STAYS, "%s stops nothing: give it an attack, a reason, or take it out" % wall)
    return verdict
