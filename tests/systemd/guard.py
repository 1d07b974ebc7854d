"""What keeps runs in their places and the service alive: control groups, limits, memory that is kept for it.

Its own file because all of it rests on how systemd and the service divide one control group.
Changes when: the service is protected by something more.
"""
import os
import subprocess
import threading
import time

from checking import check
from operate import (GROUPS, UNIT, Runs, drop_in, execute, figure, fresh, group, leaves, members, name_of, processes, read, running,
                     show, state, systemctl, tried, wait_for, write)

MIB = 1 << 20
HEALTH_SECONDS = 10  # on an emulated processor that hundreds of processes want
HOLD = "import time; time.sleep(%d)"
BOMB = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
HOG = "held = []\nwhile True:\n    held.append(bytearray(1 << 20))"
TOUCH = "held = bytearray(100 << 20)\nwhile True:\n    for n in range(0, len(held), 4096):\n        held[n] = held[n] + 1 & 255"


def values(folder, *names):
    return {name: read(os.path.join(folder, name)) for name in names}


def groups():
    """Who stands where, and what is kept for whom."""
    fresh()
    held = Runs(HOLD % 12, profile="many")
    where = group()
    check("groups: the unit's", where == GROUPS + "/belljar.slice/belljard.service", where)
    check("groups: nobody in the unit's own", read(where + "/cgroup.procs") == "", read(where + "/cgroup.procs"))
    controllers = read(where + "/cgroup.subtree_control").split()
    check("groups: controllers for what is below", {"memory", "pids", "cpu"} <= set(controllers), controllers)
    inside = sorted(name_of(int(pid)) for pid in read(where + "/service/cgroup.procs").split())
    check("groups: keeper, broker and front in service", set(inside) >= {"belljard", "belljar-broker", "belljar-front"}, inside)
    wanted = {"memory.min": str(64 * MIB), "memory.low": str(256 * MIB)}
    kept = values(where + "/service", "memory.min", "memory.low", "cpu.weight")
    check("groups: what is kept for them", kept == {**wanted, "cpu.weight": "1000"}, kept)
    for above in (where, os.path.dirname(where)):
        kept = values(above, "memory.min", "memory.low")
        check("groups: kept by %s as well" % os.path.basename(above), kept == wanted, kept)
    [leaf] = wait_for(running)
    check("groups: a run's is beside it", os.path.dirname(leaf) == where, leaf)
    check("groups: all of them are", leaves() and all(os.path.dirname(one) == where for one in leaves()), leaves())
    wanted = {"memory.max": str(128 * MIB), "pids.max": "65", "memory.oom.group": "1", "cpu.weight": "100", "memory.min": "0"}
    check("groups: a run's limits", values(leaf, *wanted) == wanted, values(leaf, *wanted))
    scores = {name: read("/proc/%d/oom_score_adj" % pid) for name, pid in processes().items()}
    wanted = {"belljard": "-500", "belljar-broker": "-500", "belljar-front": "0"}
    check("groups: whom the kernel chooses last", scores == wanted, scores)
    guests = {read("/proc/%d/oom_score_adj" % pid) for pid in members(leaf)}
    check("groups: and whom first", guests == {"1000"}, guests)
    check("groups: no limit on how many processes the unit has", read(where + "/pids.max") == "max", read(where + "/pids.max"))
    check("groups: the run ended well", held.statuses() == ["ok"], held.results)


def limits():
    """Of one run, by the control group that systemd delegated."""
    fresh()
    before = processes()
    result = execute(HOG)
    check("limits: memory", (result.get("status"), result["usage"]["memory_source"]) == ("memory_limit", "cgroup") and
          64 * MIB < result["usage"]["memory_peak_bytes"] <= 129 * MIB, result)
    check("limits: a run that memory has ended leaves the unit active", (state(), show("Result"), processes()) ==
          ("active", "success", before), (state(), show("Result")))
    peak = []
    bomb = Runs(BOMB, profile="many", limits={"wall_seconds": 6})
    while bomb.threads[0].is_alive():
        peak += [int(read(leaf + "/pids.current")) for leaf in running() if os.path.exists(leaf + "/pids.current")]
        time.sleep(0.1)
    [status] = bomb.statuses()
    check("limits: processes", status in ("process_limit", "time_limit") and peak and 30 < max(peak) <= 65, (status, peak[-5:]))
    check("limits: layers", execute("1")["layers"]["cgroup"] == "v2, memory, pids, kill", execute("1")["layers"])


def hostile():
    """Fork bombs and memory hogs in every seat."""
    fresh()
    before, waits, most = processes(), [], 0
    seats = Runs(*[BOMB] * 4, *[TOUCH] * 2, profile="many", limits={"wall_seconds": 25})
    ending = threading.Event()
    died = []

    def hogs():
        while not ending.is_set():
            died.append(execute(HOG, profile="many").get("status"))
    others = [threading.Thread(target=hogs) for _ in range(2)]
    for thread in others:
        thread.start()
    wait_for(lambda: len(running()) >= 7, 30)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        began = time.monotonic()
        status = tried("/healthz", timeout=60)
        waits.append(time.monotonic() - began if status == 200 else 60)
        most = max(most, len(members(group())))
        time.sleep(0.2)
    ending.set()
    statuses = seats.statuses()
    for thread in others:
        thread.join()
    figure("healthz_worst_seconds", max(waits))
    figure("processes_at_once", most)
    check("hostile: /healthz is answered", len(waits) >= 3 and max(waits) < HEALTH_SECONDS, (len(waits), max(waits)))
    check("hostile: the seats were full", most >= 150 and len(died) >= 2, (most, died))
    ended = set(statuses[:4]) <= {"time_limit", "process_limit"} and set(statuses[4:]) == {"time_limit"}
    check("hostile: what came of them", ended and set(died) == {"memory_limit"}, (statuses, died))
    check("hostile: keeper, broker and front are the same", processes() == before and show("NRestarts") == "0", processes())
    check("hostile: nobody is left", wait_for(lambda: not running(), 20), leaves())
    check("hostile: the next run", execute("print(1)").get("status") == "ok")


def tight():
    """All that Belljar runs may have less than its runs may: some of them end, and nothing else."""
    fresh()
    write("/run/systemd/system/belljar.slice.d/limit.conf", "[Slice]\nMemoryMax=300M\n")
    systemctl("daemon-reload")
    before, waits = processes(), []
    check("tight: the slice has a limit", read(GROUPS + "/belljar.slice/memory.max") == str(300 * MIB))
    seats = Runs(*[TOUCH] * 6, profile="many", limits={"wall_seconds": 20})
    while any(thread.is_alive() for thread in seats.threads):
        began = time.monotonic()
        waits.append(time.monotonic() - began if tried("/healthz", timeout=60) == 200 else 60)
        time.sleep(0.2)
    statuses = seats.statuses()
    errors = {result["error"] for result in seats.results if result.get("status") == "jail_error"}
    check("tight: some run has no room", {"jail_error", "time_limit"} >= set(statuses) and "jail_error" in statuses, seats.results)
    told = all("a control group above the run's" in error for error in errors)
    check("tight: it is told that this was no limit of its own", told, errors)
    check("tight: /healthz is answered", max(waits) < HEALTH_SECONDS, max(waits))
    check("tight: keeper, broker and front are the same", processes() == before and show("NRestarts") == "0", processes())
    os.unlink("/run/systemd/system/belljar.slice.d/limit.conf")
    systemctl("daemon-reload")
    check("tight: the next run", execute("print(1)").get("status") == "ok")


def make_swap():
    if "/var/tmp/swap" not in read("/proc/swaps"):
        subprocess.run("head -c 700M /dev/zero >/var/tmp/swap && chmod 600 /var/tmp/swap && mkswap -q /var/tmp/swap && "
                       "swapon /var/tmp/swap", shell=True, check=True, stdout=subprocess.DEVNULL)


PRESSURE = """
import time
total = int(open('/proc/meminfo').readline().split()[1]) << 10
held, end = [], time.monotonic() + %d
for n in range((total + (150 << 20)) >> 24):
    held.append(bytearray(b'x') * (1 << 24))
open('/run/pressed', 'w').close()
while time.monotonic() < end:
    for piece in held:
        for n in range(0, len(piece), 4096):
            piece[n] = piece[n] + 1 & 255
"""


def stays(name):
    """(MiB of the service's own memory before and under pressure, MiB of it in swap, how long /healthz took at worst)."""
    for _ in range(10):
        execute("print(1)")
    service = group() + "/service"
    before, lowest, waits = int(read(service + "/memory.current")), 1 << 62, []
    if os.path.exists("/run/pressed"):
        os.unlink("/run/pressed")
    systemctl("reset-failed")
    subprocess.run(["systemd-run", "-q", "--unit", name, "-p", "OOMScoreAdjust=1000", "python3", "-c", PRESSURE % 90], check=True)
    pressed = wait_for(lambda: os.path.exists("/run/pressed") or state(name) == "failed", 120) and os.path.exists("/run/pressed")
    for _ in range(15):
        lowest = min(lowest, int(read(service + "/memory.current")))
        began = time.monotonic()
        waits.append(time.monotonic() - began if tried("/healthz", timeout=60) == 200 else 60)
        time.sleep(0.2)
    swapped = int(read(service + "/memory.swap.current"))
    systemctl("stop", name)
    if not pressed:
        raise AssertionError("there was no pressure: %s" % systemctl("status", name)[1])
    return before / MIB, lowest / MIB, swapped / MIB, max(waits)


def pressure():
    """Somebody else wants all memory of the host: what is kept for the service stays, and would not in system.slice."""
    make_swap()
    fresh()
    before, lowest, swapped, wait = said = stays("presses")
    figure("kept_mib", lowest)
    figure("kept_of_mib", before)
    check("pressure: what is kept for the service stays", lowest >= 0.9 * before and swapped < 0.1 * before, said)
    check("pressure: /healthz is answered", wait < HEALTH_SECONDS, wait)
    drop_in("slice", "[Service]\nSlice=system.slice\n")
    systemctl("restart", UNIT)
    before, lowest, swapped, _ = said = stays("presses-too")
    figure("kept_mib_in_system_slice", lowest)
    figure("swapped_mib_in_system_slice", swapped)
    elsewhere = group().startswith(GROUPS + "/system.slice/")
    check("pressure: in system.slice it would not", elsewhere and (lowest < 0.9 * before or swapped > 0.1 * before), said)


SUBJECTS = {"groups": groups, "limits": limits, "hostile": hostile, "tight": tight, "pressure": pressure}
