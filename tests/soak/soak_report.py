"""What is said of a soak: tables as text, a page for docs/, and a plot.

Its own file because judging is one thing and showing another.
Changes when: the page or the plot shows another figure.
"""
import os
import textwrap

import belljar_run
import evidence
import soak_figures as figures

DOCS = os.path.join(belljar_run.ROOT, "docs")
COLUMNS = (("rate", "runs a second"), ("rss_kib", "memory, KiB"), ("fds", "descriptors"), ("processes", "processes"),
           ("leaves", "groups"), ("namespaces", "name&shy;spaces"), ("mounts", "mounts"),
           ("memory_groups", "memory groups in the kernel"), ("net_namespaces", "network name&shy;spaces in the kernel"),
           ("open_files", "open files of the host"), ("slab_kib", "kernel memory, KiB"))
# Panels of the plot: figure, title, how many to a unit, unit
PANELS = (("rate", "runs a second", 1, ""), ("rss_kib", "resident memory of the workers", 1024, "MiB"),
          ("fds", "open descriptors of the workers", 1, ""), ("processes", "processes below the workers", 1, ""),
          ("leaves", "control groups of runs", 1, ""), ("namespaces", "namespaces of the workers and below", 1, ""),
          ("mounts", "mounts of the host", 1, ""), ("slab_kib", "kernel memory that cannot be reclaimed", 1024, "MiB"))
WIDTH, HEIGHT, LEFT, TOP, GAP_X, GAP_Y, MARGIN = 380, 120, 52, 84, 76, 62, 24
# Without variables: not every viewer of SVG knows them.
STYLE = """
  svg { font-family: system-ui, sans-serif; font-size: 12px; }
  text { fill: #1f2328; } .soft { fill: #656d76; font-size: 11px; } .head { font-size: 15px; font-weight: 600; }
  .title { font-weight: 600; } .paper { fill: #ffffff; } .grid { stroke: #d8dee4; stroke-width: 1; fill: none; }
  .line { stroke: #2f6fb5; stroke-width: 1.3; fill: none; } .rest { fill: #b35900; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .soft { fill: #9198a1; } .paper { fill: #0d1117; } .grid { stroke: #3d444d; }
    .line { stroke: #6cb0f5; } .rest { fill: #f0a04b; } }
"""


def shown(value):
    return "-" if value is None else "%.0f" % value


def lap_lines(laps):
    """For a terminal."""
    head = ["tenth"] + [name for name, _ in COLUMNS]
    rows = [head] + [[str(lap["lap"])] + [shown(lap[name]) for name, _ in COLUMNS] for lap in laps]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]


def row_lines(rows):
    return ["%-7s %-62s %9s -> %9s  allowed %-10s %s" % (row["verdict"], row["title"], shown(row["first"]), shown(row["last"]),
                                                        row["allowed"], row["why"]) for row in rows]


# ---- the plot

def round_up(value):
    """The next round number that holds it."""
    step = 1.0
    while step < value:
        for factor in (1.5, 2, 3, 4, 5, 6, 8, 10):
            if step * factor >= value:
                return step * factor
        step *= 10
    return step


def label(value):
    return ("%g" % value) if value < 10000 else "%dk" % (value // 1000)


def panel(x, y, what, samples, laps):
    name, title, per, unit = what
    points = [(s["seconds"], s[name] / per) for s in samples if s[name] is not None]
    dots = [(lap["at"], lap[name] / per) for lap in laps if lap[name] is not None]
    top = round_up(1.02 * max([value for _, value in points + dots] or [1]))
    end = max([at for at, _ in points + dots] or [1])
    place = lambda at, value: (x + WIDTH * at / end, y + HEIGHT - HEIGHT * value / top)  # noqa: E731
    text = title + (" (%s)" % unit if unit else "")
    parts = ['<text class="title" x="%d" y="%d">%s</text>' % (x, y - 12, text)]
    for part in (0, 0.5, 1):
        level = y + HEIGHT - HEIGHT * part
        parts.append('<path class="grid" d="M%d %.1fh%d"/>' % (x, level, WIDTH))
        parts.append('<text class="soft" text-anchor="end" x="%d" y="%.1f">%s</text>' % (x - 6, level + 4, label(top * part)))
    if points:
        parts.append('<path class="line" d="M%s"/>' % "L".join("%.1f %.1f" % place(*point) for point in points))
    parts += ['<circle class="rest" r="3" cx="%.1f" cy="%.1f"/>' % place(*dot) for dot in dots]
    parts.append('<text class="soft" x="%d" y="%d">0</text>' % (x, y + HEIGHT + 16))
    parts.append('<text class="soft" text-anchor="end" x="%d" y="%d">%s</text>' % (x + WIDTH, y + HEIGHT + 16, minutes(end)))
    return parts


def minutes(seconds):
    return "%d min %02d s" % (seconds // 60, seconds % 60) if seconds >= 60 else "%.0f s" % seconds


def svg(samples, laps):
    columns, rows = 2, (len(PANELS) + 1) // 2
    size = (MARGIN * 2 + LEFT + columns * WIDTH + (columns - 1) * GAP_X, TOP + rows * (HEIGHT + GAP_Y))
    title = "%s mixed runs at full speed" % format(laps[-1]["runs"], ",")
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">' % (*size, *size),
             "<title>%s: what grows and what does not</title>" % title, "<style>%s</style>" % STYLE,
             '<rect class="paper" width="100%" height="100%"/>', '<text class="head" x="%d" y="30">%s</text>' % (MARGIN, title),
             '<path class="line" d="M%d 50h22"/>' % MARGIN,
             '<text class="soft" x="%d" y="54">while runs are made</text>' % (MARGIN + 28),
             '<circle class="rest" r="3" cx="%d" cy="50"/>' % (MARGIN + 165),
             '<text class="soft" x="%d" y="54">at rest, after each tenth</text>' % (MARGIN + 174)]
    for i, what in enumerate(PANELS):
        x = MARGIN + LEFT + (i % columns) * (WIDTH + GAP_X)
        parts += panel(x, TOP + 16 + (i // columns) * (HEIGHT + GAP_Y), what, samples, laps)
    return "\n".join([*parts, "</svg>", ""])


# ---- the page

def paragraph(text):
    return [textwrap.fill(text, 112), ""]


def page(laps, rows, mix):
    runs = laps[-1]["runs"]
    lines = ["Generated by `make soak RECORD=1`; do not edit.", "", "# Soak", "",
             *paragraph("%s runs at full speed in %s; %d of them ended otherwise than their kind must." % (
                 format(runs, ","), minutes(laps[-1]["at"]), mix["bad"])), "![Figures over time](soak.svg)", "",
             *paragraph("%(jobs)d long-lived workers make the runs through the library, each up to %(slots)d at a time. One run "
                        "in ten is made by the command, which %(commands)d more workers start one after the other. Every tenth has "
                        "the same runs in the same order; after it the workers rest, and everything is counted." % mix),
             "## At rest after each tenth", "", "| tenth | " + " | ".join(title for _, title in COLUMNS) + " |",
             "|--:|" + "--:|" * len(COLUMNS)]
    lines += ["| %d | " % lap["lap"] + " | ".join(shown(lap[name]) for name, _ in COLUMNS) + " |" for lap in laps]
    lines += ["", "## First tenth and last", "", "| | first | last | allowed | |", "|---|--:|--:|---|---|"]
    lines += ["| %s | %s | %s | %s | %s |" % (row["title"], shown(row["first"]), shown(row["last"]), row["allowed"],
                                            ", ".join(filter(None, [row["verdict"], row["why"]]))) for row in rows]
    lines += ["", *why_these_bounds(runs, mix["jobs"]), "## What is run", "", "| kind | runs | must end as |", "|---|--:|---|"]
    lines += ["| %s | %d | `%s` |" % (name, mix["counts"][letter], status) for letter, _, name, status in mix["kinds"]]
    return "\n".join(lines) + "\n"


def why_these_bounds(runs, jobs):
    each = runs * 9 // 10 * 9 // 10 // jobs  # a tenth of them by the command, a tenth of them before the first count
    return paragraph(
        "What belongs to the soak alone must be equal. Resident memory may differ by %d KiB for each worker: the smallest object "
        "that malloc gives takes %d bytes, so one that is lost in each of the %s runs of a worker after the first tenth would "
        "be %s KiB. What other programs of the host have a part in may grow by one for each hundred runs: the rarest kind "
        "is two of a hundred, so what is lost in that kind alone would be twice as many. Kernel memory that cannot be reclaimed "
        "may grow by %d MiB, which is %d bytes for each run." % (
            figures.RSS_BOUND_KIB, figures.SMALLEST_CHUNK, format(each, ","), format(each * figures.SMALLEST_CHUNK // 1024, ","),
            figures.SLAB_BOUND_KIB // 1024, figures.SLAB_BOUND_KIB * 1024 // (runs * 9 // 10)))


def record(laps, samples, rows, mix, counts):
    with open(os.path.join(DOCS, "soak.svg"), "w", encoding="utf-8") as file:
        file.write(svg(samples, laps))
    with open(os.path.join(DOCS, "SOAK.md"), "w", encoding="utf-8") as file:
        file.write(page(laps, rows, mix))
    says = "%s mixed runs at %.0f a second; last tenth %+.1f %% against the first; %d wrong verdicts; %d of %d figures flat." % (
        format(laps[-1]["runs"], ","), laps[-1]["runs"] / sum(lap["seconds"] for lap in laps),
        100 * (laps[-1]["rate"] / laps[0]["rate"] - 1), mix["bad"], sum(row["verdict"] == "ok" for row in rows), len(rows))
    evidence.record("soak", command="make soak", passed=counts["passed"], failed=counts["failed"], skipped=counts["skipped"],
                    seconds=counts["seconds"], says=says, details={"laps": laps, "rows": rows})
