"""Containers as Docker, Podman and Kubernetes make them, by crun and out of this host's own /usr: no image, no engine.

Its own file because what an engine's flag means for the runtime is said here and nowhere else.
Changes when: an engine changes its defaults, or a flag is found that Belljar needs.
"""
import contextlib
import dataclasses
import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
import types

import stock

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GENERATOR = os.path.join(ROOT, "packaging", "containers", "seccomp-profile")
generator = types.SimpleNamespace(**runpy.run_path(GENERATOR))
# Kubernetes has no defaults of its own: its container runtimes took Docker's capabilities and profile.
ENGINES = {"docker": "docker", "podman": "podman", "kubernetes": "docker"}
# moby daemon/pkg/oci/caps/defaults.go; containers.conf(5), "default_capabilities".
CAPABILITIES = {
    "docker": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
               "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"],
    "podman": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",
               "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"],
}
# moby daemon/pkg/oci/defaults.go; Podman's list differs in places that no kernel of today has.
MASKED = ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
          "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
ENVIRONMENT = {"docker": {}, "podman": {"container": "podman"}, "kubernetes": {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}}
MARKS = {"docker": ".dockerenv", "podman": "run/.containerenv"}
ROOTLESS_UID, ROOTLESS_FIRST = 60777, 1_000_000  # who starts the rootless ones; where its other ids begin
# Dies with its caller, and all of it with that.
ALONE = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
V1 = ("memory", "pids", "cpuacct")


@dataclasses.dataclass(frozen=True)
class Flags:
    """What one would type after `docker run`."""
    engine: str = "docker"
    seccomp: str = "stock"      # stock; added (the stock one and Belljar's calls); unconfined; or a file in the engines' format
    unmasked: bool = False      # systempaths=unconfined, unmask=ALL, procMount: Unmasked
    add: tuple = ()             # --cap-add
    uid: int = 0                # --user
    rootless: bool = False      # started by an ordinary user, in a user namespace
    no_new_privs: bool = False  # no-new-privileges, allowPrivilegeEscalation: false
    cgroup: str = "none"        # none; read-only; writable
    limits: tuple = ()          # rootless only: (name, value) below /proc/sys/user


def seccomp_of(flags, folder):
    """linux.seccomp of config.json, or None."""
    if flags.seccomp == "unconfined":
        return None
    engine = ENGINES[flags.engine]
    path = stock.fetch(folder, engine) if flags.seccomp in ("stock", "added") else flags.seccomp
    capabilities = [*CAPABILITIES[engine], *flags.add]
    if flags.seccomp == "added" and flags.engine == "kubernetes":  # containerd hands it on as it is
        words = [GENERATOR, "--resolve", ",".join(capabilities), path]
        return json.loads(subprocess.run([sys.executable, *words], check=True, capture_output=True).stdout)
    profile = stock.read(path)
    return generator.resolve(generator.extend(profile) if flags.seccomp == "added" else profile, capabilities)


def mounts(flags, shown, groups):
    plain = ["nosuid", "noexec", "nodev"]
    made = [("/proc", "proc", "proc", plain), ("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            ("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            ("/sys", "sysfs", "sysfs", [*plain, "ro"]), ("/dev/mqueue", "mqueue", "mqueue", plain),
            ("/dev/shm", "tmpfs", "shm", [*plain, "mode=1777", "size=65536k"]), ("/usr", "bind", "/usr", ["rbind", "ro"])]
    if groups:
        how = "rw" if flags.cgroup == "writable" else "ro"
        made.append(("/sys/fs/cgroup", "tmpfs", "tmpfs", ["mode=755"]))
        made += [("/sys/fs/cgroup/" + name, "bind", path, ["rbind", how]) for name, path in groups.items()]
    made += [(path, "bind", path, ["rbind", how]) for path, how in shown]
    return [{"destination": d, "type": t, "source": s, "options": o} for d, t, s, o in made]


def own_group(name):
    with open("/proc/self/cgroup", encoding="ascii") as f:
        for line in f:
            if line.split(":")[1] == name:
                return line.rstrip("\n").split(":", 2)[2].rstrip("/")
    return None


@contextlib.contextmanager
def made_groups(flags):
    """{hierarchy: directory} below this process's own groups, as an engine makes them for a container; removed at the end."""
    groups = {}
    try:
        for name in V1 if flags.cgroup != "none" else ():
            path = "/sys/fs/cgroup/%s%s/container-test-%d" % (name, own_group(name), os.getpid())
            os.mkdir(path)
            groups[name] = path
        yield groups
    finally:
        for path in groups.values():
            remove_group(path)


def remove_group(path):
    """Its processes are dead or dying: the kernel says EBUSY until the last is gone."""
    for directory, _, _ in os.walk(path, topdown=False):
        deadline = time.monotonic() + 5
        while True:
            try:
                os.rmdir(directory)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


def namespaces(flags):
    return [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount", *(["cgroup"] if flags.cgroup != "none" else []))]


def environment(flags, more):
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
            "HOME": "/root" if flags.uid == 0 else "/home/user", **ENVIRONMENT[flags.engine], **more}


def config(flags, argv, folder, shown=(), env=None, groups=None):
    """config.json of the runtime specification."""
    engine = ENGINES[flags.engine]
    capabilities = [*CAPABILITIES[engine], *flags.add]
    held = capabilities if flags.uid == 0 else []  # an engine gives them to root only; to others they are a bound
    made = {
        "ociVersion": "1.0.0", "hostname": "box", "root": {"path": "rootfs", "readonly": False},
        "process": {
            "terminal": False, "user": {"uid": flags.uid, "gid": flags.uid}, "args": list(argv), "cwd": "/",
            "env": ["%s=%s" % pair for pair in environment(flags, env or {}).items()],
            "capabilities": {"bounding": capabilities, "effective": held, "permitted": held, "inheritable": [], "ambient": []},
            "noNewPrivileges": flags.no_new_privs,
        },
        "mounts": mounts(flags, shown, groups),
        "linux": {"namespaces": namespaces(flags), "maskedPaths": [] if flags.unmasked else MASKED,
                  "readonlyPaths": [] if flags.unmasked else READ_ONLY},
    }
    seccomp = seccomp_of(flags, folder)
    if seccomp:
        made["linux"]["seccomp"] = seccomp
    return made


def host_lacks(flags=Flags()):
    """Why such a container cannot be made here; None when it can."""
    if os.geteuid() != 0:
        return "root, to make containers as Docker does"
    for program in ("crun", "unshare", "setpriv", "mount"):
        if not shutil.which(program):
            return program
    if flags.cgroup != "none" and not all(own_group(name) is not None and os.path.isdir("/sys/fs/cgroup/" + name) for name in V1):
        return "control groups v1 for memory, pids and cpuacct"
    return None


def crun_version():
    text = subprocess.run(["crun", "--version"], check=True, capture_output=True, text=True).stdout
    return text.splitlines()[0].replace(" version", "")


class Done:
    """How a container's program ended, and what it said."""

    def __init__(self, returncode, out, err, seconds):
        self.returncode, self.out, self.err, self.seconds = returncode, out, err, seconds

    def __repr__(self):
        return "exit %s after %.1f s\nstdout: %.6000s\nstderr: %.3000s" % (self.returncode, self.seconds, self.out, self.err)


def order_for(flags, bundle, shown, groups):
    """What enter.py is told."""
    return {"bundle": bundle, "mark": MARKS.get(flags.engine),
            "rootless": [ROOTLESS_UID, ROOTLESS_FIRST] if flags.rootless else None, "groups": list(groups.values()),
            "limits": flags.limits, "shown": [[path, os.path.isdir(path)] for path, _ in shown]}


def wait_for(command, timeout):
    with tempfile.TemporaryFile("w+", errors="replace") as out, tempfile.TemporaryFile("w+", errors="replace") as err:
        began = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        try:
            status = child.wait(timeout)
        except subprocess.TimeoutExpired:
            status = "none: killed after %s s" % timeout
        finally:
            child.kill()  # unshare's child is pid 1 of a namespace, and dies with it
            child.wait()
        out.seek(0)
        err.seek(0)
        return Done(status, out.read(), err.read(), time.monotonic() - began)


def run(flags, argv, *, folder, shown=(), env=None, timeout=60):
    """Runs argv in a container. folder: where stock profiles are kept. shown: [(path, "ro" or "rw")], there inside too.

    All of it is in a pid namespace that ends with this call, and in a mount namespace of its own (enter.py).
    """
    with tempfile.TemporaryDirectory(prefix="container-test-") as bundle, made_groups(flags) as groups:
        os.chmod(bundle, 0o755)
        os.mkdir(os.path.join(bundle, "rootfs"))
        with open(os.path.join(bundle, "config.json"), "w", encoding="utf-8") as f:
            json.dump(config(flags, argv, folder, shown, env, groups), f, indent=1)
        return wait_for([*ALONE, sys.executable, os.path.join(HERE, "enter.py"),
                         json.dumps(order_for(flags, bundle, shown, groups))], timeout)
