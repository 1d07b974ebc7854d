"""Whether the soak can turn red, and stays green otherwise; the soak itself takes minutes and is `make soak`.

Its own file because a long test that cannot fail is believed for longest.
Changes when: the soak judges another figure, or can be sabotaged in another way.
"""
import importlib.util
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))

import belljar_run  # noqa: E402
import soak_figures as figures  # noqa: E402
import soak_report as report  # noqa: E402

# By its path: other suites have a run.py too.
spec = importlib.util.spec_from_file_location("soak_run", os.path.join(HERE, "run.py"))
soak = importlib.util.module_from_spec(spec)
spec.loader.exec_module(soak)

RUNS = 100000
KINDS = [("f", 60, "fast", "ok"), ("e", 37, "failing", "exit"), ("w", 3, "too slow", "time_limit")]


def make_laps(**last):
    lap = dict({name: 100 for name in figures.FIGURES}, rate=300.0, seconds=33.0, each_rss_kib=[4000, 4000])
    laps = [dict(lap, lap=number, runs=number * RUNS // 10, at=33.0 * number) for number in range(1, 11)]
    laps[-1].update(last)
    return laps


def verdicts(laps, runs=RUNS):
    return {row["name"]: row["verdict"] for row in figures.judge(laps, runs)}


def test_flat_is_green():
    assert set(verdicts(make_laps()).values()) == {"ok"}
    assert set(verdicts(make_laps(rate=271.0, each_rss_kib=[4512, 3000], slab_kib=16484, open_files=1100)).values()) == {"ok"}


OURS = ("fds", "processes", "leaves", "namespaces", "mounts")
SHARED = ("host_namespaces", "memory_groups", "net_namespaces", "kernel_mounts", "open_files")


@pytest.mark.parametrize("name,value", [("rate", 269.0), ("rate", 331.0), ("slab_kib", 16485), *((name, 101) for name in OURS),
                                        *((name, 1101) for name in SHARED)])
def test_what_grows_is_red(name, value):
    assert {n for n, verdict in verdicts(make_laps(**{name: value})).items() if verdict != "ok"} == {name}


def test_one_worker_that_grows_is_red_though_another_shrinks():
    assert verdicts(make_laps(each_rss_kib=[4513, 3000]))["rss_kib"] == "failed"


def test_what_cannot_be_judged_is_not_green():
    laps = make_laps(memory_groups=None, open_files=9999)
    laps[0]["seconds"] = 1.0
    found = verdicts(laps, 1000)
    assert [found[name] for name in ("rate", "memory_groups", "open_files", "fds")] == ["skipped", "skipped", "skipped", "ok"]


def test_every_tenth_is_alike():
    letters = soak.schedule(KINDS, 1000)
    assert letters == soak.schedule(KINDS, 1000) and {k: letters.count(k) for k in "few"} == {"f": 600, "e": 370, "w": 30}
    assert "w" in letters[:300] and "w" in letters[-300:], "not shuffled"
    assert len(soak.schedule(KINDS, 7)) == 7


def test_plot_and_page_hold_every_figure():
    laps = make_laps()
    samples = [dict(lap, seconds=lap["at"]) for lap in laps]
    plot = report.svg(samples, laps)
    assert all(title in plot for _, title, _, _ in report.PANELS) and plot.count("<circle") == 10 * len(report.PANELS) + 1
    mix = {"kinds": KINDS, "counts": {"f": 60000, "e": 37000, "w": 3000}, "jobs": 2, "slots": 4, "commands": 2, "bad": 0}
    text = report.page(laps, figures.judge(laps, RUNS), mix)
    assert all(title in text for title, _, _ in figures.FIGURES.values()) and "| 10 | 300 |" in text


def run_soak(*options):
    build = os.path.dirname(os.path.dirname(os.path.dirname(belljar_run.find_belljar())))
    argv = [sys.executable, os.path.join(HERE, "run.py"), "--build", build, "--runs", "300", "--jobs", "1", *options]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    titles = [title for title, _, _ in figures.FIGURES.values()]
    rows = {title: line.split()[0] for line in done.stdout.splitlines() for title in titles if title in line}
    return done, rows


def reds(done):
    """What was wrong; all of what it said is more than pytest shows."""
    wrong = [line for line in done.stdout.splitlines() if line.lower().startswith("failed")]
    return "exit %d\n%s\n%s" % (done.returncode, "\n".join(wrong), done.stderr)


def test_a_short_one_is_green():
    done, rows = run_soak()
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith("30"), reds(done)
    assert rows["open descriptors of the workers"] == rows["processes below the workers"] == "ok", reds(done)


def test_leaks_and_wrong_verdicts_turn_it_red():
    done, rows = run_soak("--sabotage=lie", *("--sabotage=leak-" + what for what in ("fd", "memory", "process", "cgroup")))
    assert done.returncode == 1 and "fast: status ok instead of exit" in done.stdout, done
    red = {title for title, verdict in rows.items() if verdict == "failed"}
    wanted = {figures.FIGURES[name][0] for name in ("fds", "rss_kib", "processes", "leaves")}
    # Without groups of its own (an ordinary user) nobody can count them.
    assert red == wanted - {title for title, verdict in rows.items() if verdict == "skipped"}, done
