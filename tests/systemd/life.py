"""Start, sockets, change and end of the service, as systemctl(1) asks for them.

Its own file because these are the words of an operator's day.
Changes when: the service is started, changed or ended in another way.
"""
import os
import threading
import time

from checking import check
from operate import (CONFIG, TOKENS, UNIT, UNIX, Runs, ask, configure, events, execute, figure, fresh, left_over, moment,
                     processes, running, said, show, state, systemctl, tried, wait_for, write)

HELD = "import time; time.sleep(%s); print('done')"


def start():
    """Active when it serves, not before."""
    configure()
    after = moment()
    systemctl("start", "--no-block", UNIT)
    seen = {}
    while (now := state()) != "active" and len(seen) < 5000:
        seen.setdefault(now, tried("/readyz", timeout=0.3))
        if now == "failed":
            break
    ready = tried("/readyz")
    check("start: active, and at that moment ready", (now, ready) == ("active", 200), (now, ready, seen))
    waited = seen.get("activating") in ("TimeoutError", "ConnectionRefusedError")
    check("start: activating until then, and nobody is let in", waited, seen)
    told = [int(line["__MONOTONIC_TIMESTAMP"]) for line in events(after) if line["said"]["event"] == "ready" and
            line["said"]["process"] == "keeper"]
    entered = int(show("ActiveEnterTimestampMonotonic"))
    check("start: READY=1 came before", len(told) == 1 and told[0] <= entered + 100000, (told, entered))
    check("start: the status line", show("StatusText") == "serving", show("StatusText"))
    check("start: systemctl status", systemctl("status", UNIT)[0] == 0 and "active (running)" in systemctl("status", UNIT)[1])
    held = [line for line in said("self_test", after) if line["process"] == "broker"]
    check("start: every profile's walls were tried", len(held) == 4 and all(line["text"].endswith(": held") for line in held), held)
    result = execute("print(6 * 7)")
    check("start: POST /v1/exec", (result.get("status"), result.get("stdout")) == ("ok", "42\n"), result)
    status, result = ask("/v1/exec", {"code": "print(6 * 7)"}, unix=True)
    check("start: over the unix socket", status == 200 and result["stdout"] == "42\n", result)
    check("start: POST /v1/exec without a token over TCP", tried_without_token() == 401)
    check("start: the socket's mode", oct(os.stat(UNIX).st_mode & 0o7777) == "0o660", oct(os.stat(UNIX).st_mode))


def tried_without_token():
    kept = dict(TOKENS)
    TOKENS.clear()
    try:
        return tried("/v1/exec", body={"code": "1"})
    finally:
        TOKENS.update(kept)


def bad_start():
    """A configuration that is not good: not active, and systemd gives up."""
    systemctl("stop", UNIT)
    write(CONFIG, '{"listeners": [')
    after = moment()
    code, _ = systemctl("start", UNIT)
    check("bad configuration: systemctl start fails", code != 0 and state() != "active", (code, state()))
    gave_up = wait_for(lambda: state() == "failed", 60)
    check("bad configuration: systemd gives up", gave_up, (state(), show("NRestarts")))
    told = said("failed", after)
    check("bad configuration: the journal says why", told and all("/etc/belljar/belljard.json" in str(line) for line in told), told)
    configure()
    systemctl("reset-failed", UNIT)
    check("bad configuration: corrected", systemctl("start", UNIT)[0] == 0 and tried("/readyz") == 200)


def sockets():
    """belljard.socket alone."""
    systemctl("stop", UNIT)
    configure()
    code, said_ = systemctl("enable", "--now", "belljard.socket")
    check("socket: enabled", code == 0 and state("belljard.socket") == "active", said_)
    check("socket: the service does not run", state() == "inactive", state())
    check("socket: its mode", os.path.exists(UNIX) and oct(os.stat(UNIX).st_mode & 0o7777) == "0o660", os.path.exists(UNIX))
    began = time.monotonic()
    result = execute("print(6 * 7)")
    check("socket: the first request is answered", result.get("stdout") == "42\n", result)
    check("socket: it has started the service", state() == "active", state())
    figure("first_request_seconds", time.monotonic() - began)
    check("socket: the service has no other of the kind", tried("/readyz", unix=True) == 200 and
          oct(os.stat(UNIX).st_mode & 0o7777) == "0o660")
    systemctl("stop", UNIT)
    check("socket: stopped, the sockets stay", state("belljard.socket") == "active" and os.path.exists(UNIX),
          (state("belljard.socket"), os.path.exists(UNIX)))
    again = tried("/readyz", unix=True)
    check("socket: the next request, over the unix socket, starts it anew", (again, state()) == (200, "active"), (again, state()))
    code, said_ = systemctl("restart", UNIT)
    check("socket: restarted", code == 0 and (tried("/readyz"), tried("/readyz", unix=True)) == (200, 200), said_)
    systemctl("stop", "belljard.socket")
    check("socket: stopped, its file is gone", not os.path.exists(UNIX))
    systemctl("stop", UNIT)
    check("socket: both stopped, nothing is left", wait_for(lambda: not left_over(), 20) and tried("/readyz") != 200, left_over())
    systemctl("start", "belljard.socket")
    systemctl("enable", "--now", UNIT)
    check("socket: both enabled", (state(), state("belljard.socket"), tried("/readyz"), tried("/readyz", unix=True)) ==
          ("active", "active", 200, 200), (state(), state("belljard.socket")))
    systemctl("disable", "--now", UNIT, "belljard.socket")


def reload():
    """A new configuration takes over; nobody's run is lost."""
    fresh()
    before, after = processes(), moment()
    load = Load()
    held = Runs(*[HELD % 12] * 2, profile="many")
    for sessions in (7, 9):
        configure(sessions=sessions)
        code, said_ = systemctl("reload", UNIT)
        check("reload: systemctl reload", code == 0, said_)
        limits = ask("/v1/limits")[1]
        check("reload: the new configuration is at work when it returns", "'sessions': %d" % sessions in str(limits), limits)
    check("reload: active, with the same keeper", state() == "active" and show("MainPID") == str(before["belljard"]))
    check("reload: no run was dropped", held.statuses() == ["ok"] * 2, held.results)
    load.end()
    check("reload: every request under load was answered", load.count >= 4 and not load.failures, (load.count, load.failures[:5]))
    check("reload: broker and front are others", wait_for(lambda: len(processes()) == 3 and processes()["belljar-front"] !=
                                                           before["belljar-front"]), processes())
    check("reload: told in the log", len(said("reloaded", after)) == 2 and show("StatusText") == "serving", said("reloaded", after))
    figure("runs_under_reload", load.count)


class Load:
    """Runs, one after the other, until it is ended."""

    def __init__(self):
        self.count, self.failures, self.ending = 0, [], False
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    def _loop(self):
        while not self.ending:
            try:
                result = execute("print(1)")
            except Exception as error:  # whatever it is: it counts
                result = {"status": repr(error)}
            self.count += 1
            if result.get("status") != "ok":
                self.failures.append(result)

    def end(self):
        self.ending = True
        self.thread.join(60)


def bad_reload():
    fresh()
    write(CONFIG, '{"sessions": "many"}')
    code, said_ = systemctl("reload", UNIT)
    check("bad reload: systemctl reload fails", code != 0, said_)
    check("bad reload: the old configuration stays", state() == "active" and tried("/readyz") == 200, state())
    configure()
    check("bad reload: corrected", systemctl("reload", UNIT)[0] == 0 and tried("/readyz") == 200)


def stop():
    """What runs may end; then nothing is left."""
    fresh()
    held = Runs(*[HELD % 8] * 3, profile="many")
    wait_for(lambda: len(running()) >= 3)
    code, said_ = systemctl("stop", UNIT)
    check("stop: systemctl stop", code == 0, said_)
    check("stop: what ran has ended well", held.statuses() == ["ok"] * 3, held.results)
    check("stop: inactive, without a failure", (state(), show("Result"), show("ExecMainStatus")) == ("inactive", "success", "0"),
          (state(), show("Result"), show("ExecMainStatus")))
    check("stop: nothing is left", not left_over(), left_over())
    fresh()
    configure(drain_seconds=2)
    systemctl("reload", UNIT)
    held = Runs(HELD % 50, profile="many")
    wait_for(running)
    began = time.monotonic()
    systemctl("stop", UNIT)
    took = time.monotonic() - began
    check("stop: what does not end is ended after drain_seconds", took < 30 and held.statuses() != ["ok"], (took, held.results))
    check("stop: nothing is left of that either", not left_over(), left_over())


def restart():
    fresh()
    before = show("MainPID")
    code, said_ = systemctl("restart", UNIT)
    check("restart: systemctl restart", code == 0 and show("MainPID") != before and tried("/readyz") == 200, said_)
    check("restart: by hand counts as none", show("NRestarts") == "0", show("NRestarts"))


SUBJECTS = {"start": start, "bad_start": bad_start, "sockets": sockets, "reload": reload, "bad_reload": bad_reload, "stop": stop,
            "restart": restart}
