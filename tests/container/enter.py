"""Started in fresh mount and pid namespaces: arranges what crun wants to see, makes the root directory, becomes crun.

Its own file because it changes the namespaces of its process, which no test process may do to itself.
Changes when: crun wants to see something else of the host, or a container's root needs another file.

usage: enter.py ORDER, a JSON object made by bundle.run
"""
import ctypes
import json
import os
import shutil
import subprocess
import sys

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
USERS = [("root", 0, "/root"), ("user", 1000, "/home/user"), ("nobody", 65534, "/nonexistent"), ("bjtest", 60777, "/nonexistent")]


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def make_root(root, order):
    """A file system in memory: nothing of it outlives this mount namespace."""
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", root)
    for name in ("bin", "lib", "lib32", "lib64", "sbin"):
        if os.path.lexists("/" + name):
            os.symlink("usr/" + name, os.path.join(root, name))
    for name in ("usr", "proc", "sys", "dev", "run", "etc", "root", "home/user", "tmp", "var/tmp", "mnt", "srv"):
        os.makedirs(os.path.join(root, name))
    for name in ("tmp", "var/tmp"):
        os.chmod(os.path.join(root, name), 0o1777)
    write(os.path.join(root, "etc/passwd"), "".join("%s:x:%d:%d::%s:/bin/sh\n" % (n, i, i, home) for n, i, home in USERS))
    write(os.path.join(root, "etc/group"), "".join("%s:x:%d:\n" % (n, i) for n, i, _ in USERS))
    for name in ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "nsswitch.conf", "mime.types"):
        if os.path.isdir("/etc/" + name):
            shutil.copytree("/etc/" + name, os.path.join(root, "etc", name), symlinks=True)
        elif os.path.exists("/etc/" + name):
            shutil.copy("/etc/" + name, os.path.join(root, "etc", name))
    for path, directory in order["shown"]:
        inside = root + path
        os.makedirs(inside if directory else os.path.dirname(inside), exist_ok=True)
        if not directory:
            write(inside, "")
    if order["mark"]:
        write(os.path.join(root, order["mark"]), "")


def give_to(root, uid, gid):
    for directory, names, files in os.walk(root):
        for path in (directory, *(os.path.join(directory, n) for n in names + files)):
            os.lchown(path, uid, gid)


def new_user_namespace(uid, first):
    """As newuidmap(1) leaves it: this user is root in it, and has 65536 ids more."""
    libc = ctypes.CDLL(None, use_errno=True)
    ready, unready = os.pipe()
    go, stop = os.pipe()
    child = os.fork()
    if child:
        os.close(unready)
        os.close(go)
        if os.read(ready, 1) == b"r":
            for kind in ("uid", "gid"):
                write("/proc/%d/%s_map" % (child, kind), "0 %d 1\n1 %d 65536\n" % (uid, first))
            os.write(stop, b"g")
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        sys.exit("enter: unshare: %s" % os.strerror(ctypes.get_errno()))
    libc.prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: its files in /proc are its own again
    os.write(unready, b"r")
    if os.read(go, 1) != b"g":
        sys.exit("enter: no ids")
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def main():
    order = json.loads(sys.argv[1])
    root = os.path.join(order["bundle"], "rootfs")
    make_root(root, order)
    for group in order["groups"]:
        write(os.path.join(group, "cgroup.procs"), str(os.getpid()))
    # crun refuses a host that mixes both versions of control groups, though it shall not look after any here.
    if os.path.ismount("/sys/fs/cgroup/unified"):
        subprocess.run(["umount", "--lazy", "/sys/fs/cgroup/unified"], check=True)
    state = "/run/crun-test"
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    os.mkdir(state)
    if order["rootless"]:
        uid, first = order["rootless"]
        give_to(root, uid, uid)
        os.chown(state, uid, uid)
        new_user_namespace(uid, first)
        os.environ.update(XDG_RUNTIME_DIR=state, HOME="/nonexistent")
        for name, value in order["limits"]:  # those of /proc/sys/user are each user namespace's own
            write("/proc/sys/user/" + name, value)
    os.execvp("crun", ["crun", "--cgroup-manager=disabled", "--root", state, "run", "--bundle", order["bundle"], "box"])


if __name__ == "__main__":
    main()
