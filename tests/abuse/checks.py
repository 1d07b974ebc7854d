"""What must be true on the host after a case: one function each, by the case's id.

Its own file because the cases' "host-check" lines are prose, and this is their translation.
Changes when: the corpus gains a case whose containment can only be seen from outside.

A function gets the Context and gives back what is wrong, or None.
"""
import os
import pty
import select
import signal
import subprocess
import time

import belljar_run

# What these cases ask the harness to send, beyond their header.
STDIN = {"rs-out-before-in": b"line\n" * (1 << 18), "rs-out-ignore-stdin": b"x" * (10 << 20),
         "os-fd-reopen-stdin-writable": b"the judge's own input\n"}
OUTPUT_LIMIT = 65536
# Ends that contain a case although its header does not list them, with the reason.
ALSO_CONTAINED = {
    # The place to write is in memory: syncing it costs processor time instead of the disk's, and that limit comes first.
    "rs-disk-sync-storm": ["killed:cpu"],
}


class Context:
    """One case that has been run."""

    def __init__(self, harness, case, stdin, options, command):
        self.harness, self.case, self.stdin, self.options, self.command = harness, case, stdin, options, command
        self.results = []
        self.began = 0.0
        with open(stdin, "rb") as f:
            self.stdin_bytes = f.read()
        self.private = self.private_file()

    def private_file(self):
        try:
            st = os.lstat(os.path.join(self.harness.canary_module.DIR, "private.txt"))
            return (st.st_uid, st.st_gid, st.st_mode, st.st_size, st.st_mtime_ns)
        except OSError:
            return None

    @property
    def result(self):
        return self.results[-1]

    @property
    def token(self):
        return self.harness.canary_module.TOKEN.encode()


def no_process(name):
    def check(context):
        """One second after the verdict, and for good."""
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            left = context.harness.processes_named(name)
            if not left:
                return None
            time.sleep(0.05)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        return "%d processes named %s outlived the run" % (len(left), name)
    return check


def refused(*paths):
    def check(context):
        """Each is named in the result, without bytes and with the reason."""
        for path in paths:
            entry = next((f for f in context.result.files if f["path"] == path), None)
            if entry is None or belljar_run.file_bytes(entry) is not None or not entry.get("error"):
                return "%s is not refused: %s" % (path, entry)
        return None
    return check


def quick(seconds):
    def check(context):
        took = context.result.seconds
        return "took %.1f s" % took if took > seconds else None
    return check


def no_collected_file(context):
    """Nothing that was asked for is a plain file: each is refused, or was not there."""
    taken = [f["path"] for f in context.result.files if belljar_run.file_bytes(f) is not None]
    return "collected although no plain file: %s" % taken if taken else None


def no_token(context):
    """The canary's token in nothing that came back, whatever the encoding."""
    for result in context.results:
        places = [result.out, result.err, result.bytes("stdout"), result.bytes("stderr")]
        places += [belljar_run.file_bytes(f) or b"" for f in result.files if f["path"] != context.case.name]
        if any(context.token in place for place in places):
            return "the canary's token came out"
    return None


def no_host_data(context):
    for entry in context.result.files:
        data = belljar_run.file_bytes(entry) or b""
        if b"root:" in data or context.token in data:
            return "%r holds data of the host" % entry["path"]
    return no_collected_file(context)


def names_are_told_apart(context):
    """The listing is valid JSON (it was parsed), no name left the working directory, no command ran."""
    for entry in context.result.files:
        if entry["path"].startswith("/") or ".." in entry["path"].split("/"):
            return "a collected name leads elsewhere: %r" % entry["path"]
    ran = [d for d in ("/tmp", "/", os.getcwd(), context.harness.directory) if os.path.exists(d + "/abuse-ran")]
    return "a file name was run as a command" if ran else None


def canary_not_overwritten(context):
    if os.path.lexists(os.path.join(context.harness.canary_module.DIR, "i-was-here")):
        return "a file was written through a link"
    if context.private_file() != context.private:
        return "private.txt was touched"
    return no_collected_file(context)


def capped_collection(context):
    total = sum(len(belljar_run.file_bytes(f) or b"") for f in context.result.files)
    return "collected %d bytes" % total if total > 64 << 20 else quick(8)(context)


def plain_or_refused(context):
    """Collected, it has the guest's own bytes and nothing of the host's."""
    for entry in context.result.files:
        data = belljar_run.file_bytes(entry)
        if data is not None and data != b"x\n":
            return "%r holds %r" % (entry["path"], data[:40])
    return quick(5)(context)


def stdin_unchanged(context):
    with open(context.stdin, "rb") as f:
        return None if f.read() == context.stdin_bytes else "stdin's source was changed"


def stdio_still_blocks(context):
    """A run whose streams are this process's own pipe: its flags are the same afterwards."""
    reading, writing = os.pipe()
    try:
        child = subprocess.Popen([*context.harness.prefix, context.harness.belljar, "run", *context.options, "--",
                                  *context.command], stdin=subprocess.DEVNULL, stdout=writing, stderr=writing,
                                 env=context.harness.environment, cwd="/")
        child.wait(20)
        blocking = os.get_blocking(writing) and os.get_blocking(reading)
        return None if blocking else "the host's end of a stream does not block any more"
    finally:
        os.close(reading)
        os.close(writing)


def real_traceback(context):
    text = context.result.stderr
    return None if "RuntimeError: planned" in text else "not the real traceback: %r" % text[-200:]


def no_ipc_left(context):
    keys = {0x0AB5E011, 0x0AB5E012, 0x0AB5E013}
    for kind in ("shm", "sem", "msg"):
        with open("/proc/sysvipc/" + kind, encoding="ascii") as f:
            for line in f.readlines()[1:]:
                if int(line.split()[0]) & 0xFFFFFFFF in keys:
                    return "a %s object stayed on the host" % kind
    return None


def not_a_limit(context):
    status = context.result.status
    return "status %s" % status if status == "jail_error" or status.endswith("_limit") else None


def exit_137_is_exit(context):
    result = context.result
    return None if (result.status, result.exit_code) == ("exit", 137) else "status %s, exit code %s" % (
        result.status, result.exit_code)


def not_status(*statuses):
    def check(context):
        return "status %s" % context.result.status if context.result.status in statuses else None
    return check


def terminal_is_safe(context):
    """On a terminal the command shows control characters escaped; in JSON they are escapes."""
    if b"\x1b" in context.result.out or b"\x9b" in context.result.out.replace(b"\xc2\x9b", b""):
        return "raw escape sequences in the JSON"
    shown = on_a_terminal([*context.harness.prefix, context.harness.belljar, "run", *context.options, "--",
                           *context.command], context.harness.environment)
    if b"CONTAINED: wrote escape sequences" not in shown:
        return "nothing came out on a terminal: %r" % shown[-200:]
    # The summary's own colours, if any, are plain SGR; what the program tried is not.
    tried = [b"\x1b]", b"\x1b[2K", b"\x1b[8m", b"\x1b[1A", b"\x9b31m", b"\x08"]
    found = [t for t in tried if t in shown]
    return "went to the terminal as it was: %r" % found if found else None


def on_a_terminal(argv, environment):
    master, slave = pty.openpty()
    child = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd="/")
    os.close(slave)
    shown, deadline = b"", time.monotonic() + 20
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.2)[0]:
            if child.poll() is not None:
                break
            continue
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    child.wait(5)
    return shown


def both_capped(context):
    """Killed as it was asked for here; and, run again with the shipped default, cut: never more, never stuck."""
    options = [o if o != "kill" else "truncate" for o in context.options]
    cut = context.harness.run_case(context.case, [*options, "-i", context.stdin], context.command)
    for result in (context.result, cut):
        for stream in ("stdout", "stderr"):
            if len(result.bytes(stream)) > OUTPUT_LIMIT:
                return "%s holds more than the limit" % stream
    if not cut.stderr_truncated:
        return "was not cut"
    return "took %.1f s" % cut.seconds if cut.seconds > 8 else quick(8)(context)


def bytes_are_told(context):
    wanted = b"CONTAINED: binary follows\n" + bytes(range(256))
    got = context.result.bytes("stdout")
    return None if got.startswith(wanted) and got.endswith(b"\x85\xe2\x80\xa8") else "the bytes cannot be told"


def not_an_error(context):
    """A snippet that ends its process leaves no result, which is told by status exit; its exit code is its own."""
    wanted = ("exit", 0) if context.case.parked or context.case.under_policy else ("ok", 0)
    found = (context.result.status, context.result.exit_code)
    return None if found == wanted else "status %s, exit code %s" % found


def victim_is_alive(context):
    """Nothing outside was signalled: the canaries' victim still lives, and so does this process."""
    victim = context.harness.canary.victim
    return None if victim.poll() is None else "the victim was killed"


def second_run_is_clean(context):
    """The program says itself what it found: it plants again, as the first run did."""
    said = [result.bytes("stdout") for result in context.results]
    return None if len(said) == 2 and said[0] == said[1] and b"ESCAPED" not in said[1] else "the second run says %r" % said[-1]


def every(*checks):
    def check(context):
        return next((problem for problem in (c(context) for c in checks) if problem), None)
    return check


TABLE = {
    "os-compile-include-secret": no_token,
    "os-copyout-deep-tree": quick(8),
    "os-copyout-directory": refused("output.txt"),
    "os-copyout-fifo": every(refused("output.txt"), no_collected_file, quick(5)),
    "os-copyout-hardlink": no_host_data,
    "os-copyout-odd-names": names_are_told_apart,
    "os-copyout-sparse": capped_collection,
    "os-copyout-symlink-file": every(refused("output.txt", "result.json", "out/link.txt"), no_host_data),
    "os-copyout-symlink-overwrite": canary_not_overwritten,
    "os-copyout-xattr-lock": plain_or_refused,
    "os-daemon-double-fork": no_process("abuse-survivor"),
    "os-daemon-subreaper-tree": no_process("abuse-survivor"),
    "os-fd-nonblock-shared": stdio_still_blocks,
    "os-fd-reopen-stdin-writable": stdin_unchanged,
    "os-file-shadow-modules": real_traceback,
    "os-ipc-sysv-persist": no_ipc_left,
    "os-kill-everything-armed": not_a_limit,
    "os-status-forge-exit-codes": exit_137_is_exit,
    "os-status-forge-signals": not_status("time_limit"),
    "os-status-forge-sigsys": not_status("memory_limit", "time_limit", "denied"),
    "os-terminal-escape-output": terminal_is_safe,
    "py-guard-module-poison": second_run_is_clean,
    "rs-cpu-after-exit": every(quick(6), no_process("abuse-burner")),
    "rs-out-before-in": quick(6),
    "rs-out-binary-garbage": bytes_are_told,
    "rs-out-both-interleaved": both_capped,
    "rs-out-child-holds-pipe": quick(6.5),
    "rs-out-ignore-stdin": not_an_error,
    "rs-out-stderr-flood": both_capped,
    "rs-pid-churn": victim_is_alive,
    "rs-procs-many-sessions": no_process("abuse-survivor"),
}


def check(context):
    """Its own check, and those that hold for every case."""
    own = TABLE.get(context.case.id)
    if own is None and "host-check" in context.case.header:
        return "no check is written for: " + context.case.header["host-check"]
    general = every(victim_is_alive, stdin_unchanged, no_token)
    return general(context) or (own(context) if own else None)
