"""A throw-away world for hostile programs with few walls around them: what they take for the host is this.

Its own file because the bounds outside of Belljar must hold whatever is switched off inside.
Changes when: an attack needs another thing of a host, or the bounds turn out too narrow or too wide.

Namespaces of its own for mounts, network, IPC, host name and processes; /tmp, /var/tmp and /dev/shm empty and private; every
file of the real host read-only and without set-id bits; capabilities that reach beyond namespaces given away for good; one
control group around each run, with all that is left in it killed afterwards. The canaries of the corpus stand in here.
"""
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import time

UID = 60779          # of hostile programs outside a jail, and of the canaries' victim
OTHER_UID = 60780    # owns the set-id program
EXTRA_GROUP = 60888  # a supplementary group of whoever starts Belljar
MEMORY_BYTES = 1 << 30
PROCESSES = 2500     # more than any attack makes, so that a limit inside is what stops it
# capabilities(7): CAP_SYS_MODULE, RAWIO, BOOT, TIME, MAC_OVERRIDE, MAC_ADMIN, SYSLOG, WAKE_ALARM, BLOCK_SUSPEND
DANGEROUS = (16, 17, 22, 25, 32, 33, 34, 35, 36)
HOST = "/tmp/sabotage-host"  # things that only our own attacks look for
RUN = "/tmp/abuse-run"  # where attacks run outside a jail, and what a stage makes
SECRET, USER_SECRET = HOST + "/inherited.txt", HOST + "/user.txt"  # open in whoever starts Belljar: root, an ordinary user

libc = ctypes.CDLL(None, use_errno=True)


def enter(command):
    """A command line that runs `command` in new namespaces; what is left dies with it."""
    return ["unshare", "--mount", "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc",
            "--propagation", "private", "--", *command]


def call(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def keep_of_tmp(paths):
    """Places below /tmp that must be seen in the new one as well: [(directory, what is bound there)]."""
    kept = []
    for path in map(os.path.realpath, paths):
        if path.startswith("/tmp/"):
            top = "/tmp/" + path.split("/")[2]
            if os.path.exists(top) and top not in kept:
                kept.append(top)
    return kept


def make_mounts(needed):
    call("mount", "-t", "tmpfs", "-o", "mode=1777,nosuid,nodev,size=512m", "tmpfs", "/var/tmp")
    call("mount", "-t", "tmpfs", "-o", "mode=1777,nosuid,nodev,size=512m", "tmpfs", "/dev/shm")
    for top in keep_of_tmp(needed):
        new = "/var/tmp/" + top.split("/")[2]
        if os.path.isdir(top):
            os.mkdir(new)
        else:
            with open(new, "wb"):
                pass
        call("mount", "--bind", top, new)
    call("mount", "--rbind", "/var/tmp", "/tmp")
    call("umount", "--recursive", "/var/tmp")
    call("mount", "-t", "tmpfs", "-o", "mode=1777,size=64m", "tmpfs", "/var/tmp")
    call("mount", "-o", "remount,bind,nosuid,ro", "/")
    call("mount", "-t", "tmpfs", "-o", "mode=1777,nosuid,nodev,size=16m", "tmpfs", "/opt")  # one place of the host is open
    os.mkdir(RUN)
    call("mount", "-t", "tmpfs", "-o", "mode=0755,nodev,size=512m", "tmpfs", RUN)


def give_away_capabilities():
    for capability in DANGEROUS:
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; gone from the sets with the next exec


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def make_keys():
    """A session keyring with a secret in it, possessed by all that is started from here."""
    join, add = 250, 248  # keyctl(KEYCTL_JOIN_SESSION_KEYRING), add_key
    libc.syscall(join, 1, b"sabotage", 0, 0, 0)
    key = libc.syscall(add, b"user", b"sabotage-secret", b"SABOTAGE-KEY", 12, -3)
    libc.syscall(join, 5, key, 0x3F3F3F3F, 0, 0)  # KEYCTL_SETPERM: whoever possesses or finds it


SETID = r"""
#include <stdio.h>
#include <unistd.h>
int main(void) { printf("%d\n", (int)geteuid()); return 0; }
"""


def make_host_things():
    """Beside the canaries: a set-id program of an ordinary user, a device, a directory for everybody, a secret file."""
    os.makedirs(HOST)
    call("mount", "-t", "tmpfs", "-o", "mode=0755,size=16m", "tmpfs", HOST)
    with open(HOST + "/setid.c", "w", encoding="ascii") as f:
        f.write(SETID)
    call("cc", "-O1", "-static", "-o", HOST + "/setid", HOST + "/setid.c")
    os.chown(HOST + "/setid", OTHER_UID, OTHER_UID)
    os.chmod(HOST + "/setid", 0o4755)
    os.mknod(HOST + "/device", 0o666 | stat.S_IFCHR, os.makedev(1, 5))  # zero(4)
    os.chmod(HOST + "/device", 0o666)
    os.mkdir(HOST + "/open")
    os.chmod(HOST + "/open", 0o1777)
    with open(HOST + "/open/data.txt", "w", encoding="ascii") as f:
        f.write("as it was\n")
    os.chmod(HOST + "/open/data.txt", 0o666)
    with open(HOST + "/group.txt", "w", encoding="ascii") as f:
        f.write("for a group\n")
    os.chown(HOST + "/group.txt", 0, EXTRA_GROUP)
    os.chmod(HOST + "/group.txt", 0o640)
    for path, uid in ((SECRET, 0), (USER_SECRET, UID)):
        with open(path, "w", encoding="ascii") as f:
            f.write("SABOTAGE-INHERITED\n")
        os.chmod(path, 0o600)
        os.chown(path, uid, uid)


def sweep():
    """What a run may have left where everybody can write; System V objects of the attacks that leave some."""
    for directory in ("/tmp", "/var/tmp", "/dev/shm"):
        for name in os.listdir(directory):
            if name.startswith("abuse-") and name not in ("abuse-canary", "abuse-run"):
                path = os.path.join(directory, name)
                shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.unlink(path)
    for kind, control in (("shm", "-M"), ("sem", "-S"), ("msg", "-Q")):
        with open("/proc/sysvipc/" + kind, encoding="ascii") as f:
            for line in f.readlines()[1:]:
                key = int(line.split()[0]) & 0xFFFFFFFF
                if key in (0x0AB5E011, 0x0AB5E012, 0x0AB5E013):
                    subprocess.run(["ipcrm", control, hex(key)], check=False)


class Bounds:
    """A control group for one run at a time, in whatever hierarchies the host has."""

    def __init__(self, name):
        self.groups = []
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            mounted = [line.split() for line in f]
        for fields in mounted:
            kind = fields[fields.index("-") + 1]
            options = fields[-1].split(",")
            if kind == "cgroup" and {"memory", "pids"} & set(options):
                self.add(fields[4], "memory" if "memory" in options else "pids", name)
            elif kind == "cgroup2":
                self.add(fields[4], "", name)
        if not any(controller == "pids" or not controller for _, controller in self.groups):
            raise OSError("host lacks a control group for processes")

    def add(self, mount, controller, name):
        own = mount + own_path(controller)
        group = os.path.join(own, name)
        os.makedirs(group, exist_ok=True)
        self.groups.append((group, controller))
        for file, value in (("memory.limit_in_bytes", MEMORY_BYTES), ("memory.max", MEMORY_BYTES), ("pids.max", PROCESSES)):
            if os.path.exists(os.path.join(group, file)):
                with open(os.path.join(group, file), "w", encoding="ascii") as f:
                    f.write(str(value))

    def prefix(self):
        """sh joins and becomes the command."""
        joins = "".join("echo 0 > %s/cgroup.procs && " % group for group, _ in self.groups)
        return ["sh", "-c", joins + 'exec "$@"', "sh"]

    def members(self):
        found = set()
        for group, _ in self.groups:
            for directory, _, files in os.walk(group):
                if "cgroup.procs" in files:
                    with open(os.path.join(directory, "cgroup.procs"), encoding="ascii") as f:
                        found.update(int(line) for line in f if int(line) > 0)
        return {pid for pid in found if not is_dead(pid)}

    def clear(self):
        """Everything in it is killed, what is below it removed."""
        deadline = time.monotonic() + 20
        while True:
            left = self.members()
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            reap()
            if not left:
                break
            if time.monotonic() > deadline:
                raise OSError("cannot end %s" % left)
            time.sleep(0.005)
        for group, _ in self.groups:
            for directory, names, _ in os.walk(group, topdown=False):
                for name in names:
                    remove(os.path.join(directory, name))

    def done(self):
        self.clear()
        for group, _ in self.groups:
            remove(group)


def own_path(controller):
    with open("/proc/self/cgroup", encoding="ascii") as f:
        for line in f:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            if controller in controllers.split(","):
                return path.rstrip("/")
    return ""


def remove(group):
    for _ in range(100):
        try:
            os.rmdir(group)
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)


def is_dead(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def reap():
    """This world's pid 1 is us or our parent: orphans are nobody's."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def build(needed):
    give_away_capabilities()
    make_mounts(needed)
    raise_loopback()
    make_keys()
    make_host_things()
    subprocess.run(["hostname", "sabotage-host"], check=False)
