"""What falls: the keeper stands still or is killed, and systemd sets the service up again.

Its own file because nothing of the service is left that could do it, which no test without systemd can try.
Changes when: systemd is asked to look after something more.
"""
import os
import signal
import time

from checking import check
from operate import (Runs, alive, drop_in, execute, figure, fresh, group, journal, left_over, members, moment, processes, running,
                     said, show, state, systemctl, tried, wait_for)

HOLD = "import os, time\nos.fork()\nos.fork()\ntime.sleep(50)"
UNIT = "belljard.service"


def back(before, began):
    """Seconds until it serves again with another keeper."""
    def again():
        return show("MainPID") not in ("0", str(before["belljard"])) and state() == "active" and tried("/readyz") == 200
    return time.monotonic() - began if wait_for(again) else None


def seats(count):
    """Runs with children in so many seats; every process of the unit."""
    held = Runs(*[HOLD] * count, profile="many")
    wait_for(lambda: len(running()) == count and all(len(members(leaf)) >= 5 for leaf in running()))
    return held, members(group())


def killed():
    fresh()
    after, before = moment(), processes()
    held, everybody = seats(3)
    began = time.monotonic()
    os.kill(before["belljard"], signal.SIGKILL)
    took = back(before, began)
    check("killed: the service is back", took is not None and took > 1, took)
    figure("back_after_kill_seconds", took or 0)
    check("killed: no process of before has survived", len(everybody) >= 15 and not any(map(alive, everybody)),
          (len(everybody), [pid for pid in everybody if alive(pid)]))
    check("killed: whoever waited was told", held.statuses() and "ok" not in held.statuses(), held.results)
    check("killed: systemd counts it", (show("NRestarts"), state()) == ("1", "active"), show("NRestarts"))
    check("killed: control groups of before are gone", wait_for(lambda: not running(), 20) and
          not any("belljar-%d-" % before["belljar-broker"] in directory for directory, _, _ in os.walk(group())))
    check("killed: it works", execute("print(1)").get("stdout") == "1\n")
    check("killed: the journal says so", any("code=killed" in line["MESSAGE"] for line in journal(after)), [
        line["MESSAGE"] for line in journal(after)][:5])
    systemctl("stop", UNIT)
    check("killed: stopped, nothing is left", not left_over(), left_over())


def others_killed():
    """Broker and front are the keeper's to start again: systemd has nothing to do."""
    fresh()
    before = processes()
    for name in ("belljar-front", "belljar-broker"):
        os.kill(processes()[name], signal.SIGKILL)
        wait_for(lambda name=name: processes().get(name) not in (None, before[name]))
        serves = wait_for(lambda: tried("/readyz") == 200) and execute("print(1)")
        check("killed: after %s it serves" % name, serves and serves.get("status") == "ok", serves)
        before = processes()
    check("killed: systemd had nothing to do", (show("NRestarts"), state()) == ("0", "active"), show("NRestarts"))


def watchdog():
    """A keeper that stands still; one that turns is left alone, also when nobody asks for anything."""
    fresh()
    check("watchdog: the unit has one", show("WatchdogUSec") == "30s", show("WatchdogUSec"))
    drop_in("watchdog", "[Service]\nWatchdogSec=4\n")
    systemctl("restart", UNIT)
    time.sleep(14)
    check("watchdog: fed", (show("NRestarts"), state()) == ("0", "active"), show("NRestarts"))
    after, before = moment(), processes()
    held, everybody = seats(2)
    began = time.monotonic()
    os.kill(before["belljard"], signal.SIGSTOP)
    took = back(before, began)
    check("watchdog: a keeper that stands still is replaced", took is not None and took < 45, took)
    figure("back_after_watchdog_seconds", took or 0)
    check("watchdog: no process of before has survived", not any(map(alive, everybody)), [pid for pid in everybody if alive(pid)])
    check("watchdog: whoever waited was told", "ok" not in held.statuses(), held.results)
    check("watchdog: the journal says so", any("Watchdog timeout" in line["MESSAGE"] for line in journal(after)), [
        line["MESSAGE"] for line in journal(after)][:8])
    check("watchdog: it works", execute("print(1)").get("stdout") == "1\n" and said("ready", after))


SUBJECTS = {"killed": killed, "others_killed": others_killed, "watchdog": watchdog}
