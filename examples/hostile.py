"""The hostile program of `make demo`: tries what it should not be able to do, and prints what it was answered.

Harmless outside a jail too: what succeeds is undone or only read, and nothing is kept. It ends with 0 if everything
was refused and with 1 if anything worked.
"""
import ctypes
import errno
import os
import socket
import sys

worked = 0


def attempt(what, action):
    global worked
    try:
        got = action()
    except OSError as error:
        print("refused  %-38s %s" % (what, errno.errorcode.get(error.errno, error)))
    else:
        worked += 1
        print("WORKED   %-38s %s" % (what, got))
    sys.stdout.flush()


def read_passwd():
    with open("/etc/passwd", encoding="utf-8") as f:
        return f.readline().strip()


def open_socket():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        return s.fileno()


def write_usr():
    path = "/usr/lib/belljar-was-not-here"
    with open(path, "w", encoding="utf-8"):
        pass
    os.unlink(path)
    return "wrote and removed " + path


def fork_many():
    """Children that wait for a pipe to close; 200 are enough to know."""
    gate, release = os.pipe()
    children = []
    try:
        for _ in range(200):
            child = os.fork()
            if child == 0:
                os.close(release)
                os.read(gate, 1)
                os._exit(0)
            children.append(child)
        return "%d processes" % len(children)
    finally:
        os.close(release)
        for child in children:
            os.waitpid(child, 0)
        os.close(gate)


def other_environment():
    """The environment of any process that is not this one."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            with open("/proc/%s/environ" % entry, "rb") as f:
                return "%d bytes of process %s" % (len(f.read()), entry)
    raise OSError(errno.ENOENT, "no other process to be seen")


def system_call(name, *arguments):
    """A call of the C library, as an OSError when it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)
    return "returned"


CLONE_NEWUSER = 0x10000000
PTRACE_ATTACH = 16

attempt("read /etc/passwd", read_passwd)
attempt("list /root", lambda: os.listdir("/root"))
attempt("open a TCP socket", open_socket)
attempt("write below /usr", write_usr)
attempt("start 200 processes", fork_many)
attempt("read another process's environment", other_environment)
attempt("make a user namespace", lambda: system_call("unshare", CLONE_NEWUSER))
attempt("trace its parent", lambda: system_call("ptrace", PTRACE_ATTACH, os.getppid(), 0, 0))
attempt("kill process 1", lambda: os.kill(1, 0) or "may send signals")
print("%s" % ("nothing worked" if not worked else "%d attempts worked" % worked))
sys.exit(1 if worked else 0)
