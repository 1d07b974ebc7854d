#!/usr/bin/env python3
"""Compares Belljar with a bare floor program and with other sandboxes, shuffled in one run, and writes a table.

Its own file because peers, their options and the table belong together; the measuring itself is stopwatch.c.
Changes when: a peer, a subject or a bar is added.

  run.py [--build DIR] [--rounds N] [--write FILE.md|-] [--json FILE] [--user UID] [--no-throughput] [--no-safe-exec] [--only PEER]

Every round starts each peer once, in a new random order, around a static `true`, then around a small Python. As root it
measures as root and, once more, as an ordinary user; otherwise as the caller. Only ratios travel from machine to machine.
"""
import argparse
import datetime
import json
import os
import platform
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import belljar_run  # noqa: E402
import safe_exec  # noqa: E402
import serve  # noqa: E402
import serving  # noqa: E402
import snippets  # noqa: E402

SUBJECTS = {"static true": ["/bench/true"], "python3 -I -S -c 'print(1)'": ["/usr/bin/python3", "-I", "-S", "-c", "print(1)"]}
BAR = 1.3  # cold run of a static true, times the floor
WORKERS = (1, 2, 8)
SIDE_FD = "9"  # where stopwatch.c opens the "@FILE" of a command
ROUNDS_MINIMUM = 20
FLAT_RUNS = 20000

# A filter of about the length of an allow-list: these are refused, one comparison each, everything else is allowed.
REFUSED = (101, 134, 135, 136, 139, 141, 142, 144, 149, 151, 153, 154, 155, 156, 159, 161, 163, 164, 165, 166, 167, 168, 169, 170, 171,
           172, 173, 175, 176, 179, 180, 203, 212, 227, 237, 238, 239, 246, 248, 249, 250, 251, 253, 254, 256, 272, 278, 279, 294, 298,
           300, 301, 303, 304, 305, 308, 310, 311, 312, 313, 314, 320, 321, 323, 424, 425, 426, 427, 428, 429, 430, 431, 432,
           433, 438, 440, 442, 443, 447, 448, 457, 458)


def filter_bytes():
    """Classic BPF, struct sock_filter as the kernel reads it."""
    load, equal, give = 0x20, 0x15, 0x06
    allow, kill, eperm = 0x7FFF0000, 0x80000000, 0x00050001
    rows = [(load, 0, 0, 4), (equal, 1, 0, 0xC000003E), (give, 0, 0, kill), (load, 0, 0, 0)]
    rows += [row for number in REFUSED for row in ((equal, 0, 1, number), (give, 0, 0, eperm))]
    return b"".join(struct.pack("HBBI", *row) for row in [*rows, (give, 0, 0, allow)])


class Bench:
    """The programs and files of one measurement, in a directory that every user can read."""

    def __init__(self, build):
        self.build = build
        self.directory = tempfile.mkdtemp(prefix="bench-jails-")
        os.chmod(self.directory, 0o755)
        self.inside = os.path.join(self.directory, "inside")  # what peers bind as /bench
        os.mkdir(self.inside, 0o755)
        self.stopwatch = self.program("stopwatch", self.directory)
        self.floor = self.program("floor", self.directory)
        self.program("true", self.inside)
        self.filter = os.path.join(self.directory, "filter.bpf")
        with open(self.filter, "wb") as f:
            f.write(filter_bytes())
        found = belljar_run.find_belljar() if not build or "BELLJAR" in os.environ else self.built("src/cli/belljar")
        self.belljar = found and belljar_run.reachable_copy(found, self.directory)
        os.chmod(self.filter, 0o644)
        self.profile = self.write_profile()

    def write_profile(self):
        """The shipped default profile and one mount more: programs below the bound directory may be run."""
        with open(os.path.join(ROOT, "profiles", "default.json"), encoding="utf-8") as f:
            profile = json.load(f)
        profile["mounts"].append({"source": self.inside, "target": "/bench", "mode": "ro", "executable": True})
        path = os.path.join(self.directory, "profile.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(profile, f)
        os.chmod(path, 0o644)
        return path

    def built(self, name):
        path = os.path.join(self.build, name)
        return path if os.path.isfile(path) else None

    def program(self, name, directory):
        """The build's own, else compiled here."""
        path, made = os.path.join(directory, name), self.build and self.built("bench/bench-" + name)
        if made:
            shutil.copyfile(made, path)
        else:
            subprocess.run([shutil.which("cc") or "gcc", "-O2", "-static", "-o", path, os.path.join(HERE, name + ".c")],
                           check=True)
        os.chmod(path, 0o755)
        return path

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)


# ---- peers: name -> words of the command line without the subject, or None where it cannot be had --------------------

def no_sandbox(bench, uid):
    return []


def floor(bench, uid):
    return [bench.floor, bench.filter, bench.inside]


def belljar(bench, uid):
    return bench.belljar and [bench.belljar, "run", "-q", "--profile", bench.profile, "--"]


def belljar_json(bench, uid):
    return bench.belljar and [bench.belljar, "run", "--json", "--profile", bench.profile, "--"]


def bubblewrap(bench, uid):
    if not shutil.which("bwrap"):
        return None
    return ["@" + bench.filter, shutil.which("bwrap"), "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net",
            "--unshare-uts", "--unshare-cgroup", "--new-session", "--die-with-parent", "--clearenv", "--hostname", "box",
            "--cap-drop", "ALL", "--ro-bind", "/usr", "/usr", "--ro-bind", bench.inside, "/bench", "--symlink", "usr/bin",
            "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev",
            "--tmpfs", "/tmp", "--chdir", "/tmp", "--remount-ro", "/", "--seccomp", SIDE_FD, "--"]


def minijail(bench, uid):
    if not shutil.which("minijail0"):
        return None
    return [shutil.which("minijail0"), "-U", "-m", "-M", "-v", "-p", "-l", "-e", "-N", "--uts", "-P", "/var/empty", "-b", "/usr",
            "-b", bench.inside + ",/bench", "-k", "tmpfs,/tmp,tmpfs", "-n", "--"]


def nsjail(bench, uid):
    if not shutil.which("nsjail"):
        return None
    return [shutil.which("nsjail"), "-Mo", "-Q", "-R", "/usr", "-R", bench.inside + ":/bench", "-s", "usr/bin:/bin", "-s",
            "usr/lib:/lib", "-s", "usr/lib64:/lib64", "-T", "/tmp", "--cwd", "/tmp", "--"]


def firejail(bench, uid):
    if not shutil.which("firejail"):
        return None
    return [shutil.which("firejail"), "--quiet", "--noprofile", "--net=none", "--seccomp", "--caps.drop=all", "--private-dev",
            "--nonewprivs", "--noroot", "--ipc-namespace", "--"]


def crun(bench, uid):
    if not shutil.which("crun") or uid != 0:
        return None
    return [shutil.which("crun"), "--cgroup-manager=disabled", "run", "--bundle"]


PEERS = {"no sandbox": no_sandbox, "floor": floor, "belljar": belljar, "belljar --json": belljar_json,
         "bubblewrap": bubblewrap, "minijail": minijail, "nsjail": nsjail, "crun": crun, "firejail": firejail}


def crun_bundle(bench, name, subject):
    """crun reads a bundle instead of options: the same namespaces, binds and a filter of its own format."""
    bundle = os.path.join(bench.directory, "bundle-" + name)
    os.makedirs(bundle + "/root/usr", exist_ok=True)
    for directory in ("bench", "proc", "dev", "tmp"):
        os.makedirs(bundle + "/root/" + directory, exist_ok=True)
    for link in ("bin", "lib", "lib64"):
        if not os.path.lexists(bundle + "/root/" + link):
            os.symlink("usr/" + link, bundle + "/root/" + link)
    read_only = ["rbind", "ro", "nosuid", "nodev"]
    config = {
        "ociVersion": "1.0.0", "hostname": "box", "root": {"path": "root", "readonly": True},
        "process": {"cwd": "/tmp", "args": subject, "env": ["PATH=/usr/bin:/bin"], "user": {"uid": 0, "gid": 0},
                    "noNewPrivileges": True, "capabilities": {},
                    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 64, "soft": 64}]},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                   {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid"]},
                   {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]},
                   {"destination": "/usr", "type": "none", "source": "/usr", "options": read_only},
                   {"destination": "/bench", "type": "none", "source": bench.inside, "options": read_only}],
        "linux": {"namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")],
                  "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
                  "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
                  "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                      {"names": ["ptrace", "mount", "umount2", "bpf", "keyctl", "reboot", "unshare", "setns"],
                       "action": "SCMP_ACT_ERRNO"}]}}}
    with open(bundle + "/config.json", "w", encoding="ascii") as f:
        json.dump(config, f)
    return [bundle, "bench-%d-%s" % (os.getpid(), name)]


def command_lines(bench, peers, subject_name, uid):
    """{peer: words} for one subject, of those that work here; the others with their reason."""
    subject, lines, gone = SUBJECTS[subject_name], {}, {}
    for name in peers:
        words = PEERS[name](bench, uid)
        if words is None:
            gone[name] = "not installed or not built" if name != "crun" or uid == 0 else "as root only"
            continue
        if name in ("no sandbox", "firejail"):  # these see the host's files where they are
            words = [*words, *(w.replace("/bench", bench.inside) for w in subject)]
        elif name == "crun":
            words = [*words, *crun_bundle(bench, "a" if "true" in subject_name else "b", subject)]
        else:
            words = [*words, *subject]
        lines[name] = words
        problem = try_out(bench, words, uid)
        if problem:
            del lines[name]
            gone[name] = problem
    return lines, gone


def as_user(uid):
    return belljar_run.setpriv(uid) if uid != os.geteuid() else []


def stopwatch(bench, uid, arguments, lines):
    text = "".join("\t".join(words) + "\n" for words in lines)
    done = subprocess.run([*as_user(uid), bench.stopwatch, *map(str, arguments)], input=text, capture_output=True, text=True,
                          check=False, cwd="/")
    if done.returncode != 0:
        raise RuntimeError("stopwatch: " + done.stderr)
    return [[int(x) for x in line.split()] for line in done.stdout.splitlines()]


def try_out(bench, words, uid):
    """Why a peer cannot be measured here, or None. A sandbox that fails quickly must not pass for a fast one."""
    statuses = [row[2] for row in stopwatch(bench, uid, ["latency", 2, 1], [words])]
    if not any(statuses):
        return None
    plain = [w for w in words if not w.startswith("@")]
    said = subprocess.run([*as_user(uid), *plain], capture_output=True, text=True, check=False, cwd="/",
                          stdin=subprocess.DEVNULL).stderr.strip().splitlines()
    return "does not work here: " + (said[-1][:100] if said else "status %s" % statuses)


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def figures(times, failures):
    values = sorted(t / 1e6 for t in times)
    return {"median_ms": statistics.median(values), "p90_ms": percentile(values, 0.90), "p99_ms": percentile(values, 0.99),
            "min_ms": values[0], "runs": len(values), "failures": failures}


def measure(bench, peers, uid, rounds):
    """{subject: {"peers": {...}, "gone": {...}}}"""
    found = {}
    for subject in SUBJECTS:
        lines, gone = command_lines(bench, peers, subject, uid)
        names = list(lines)
        stopwatch(bench, uid, ["latency", max(3, rounds // 20), 7], lines.values())  # warm the caches
        rows = stopwatch(bench, uid, ["latency", rounds, 20240229], lines.values())
        found[subject] = {"gone": gone, "peers": {
            name: figures([r[1] for r in rows if r[0] == i], sum(r[2] != 0 for r in rows if r[0] == i))
            for i, name in enumerate(names)}}
        base = found[subject]["peers"].get("floor", {}).get("median_ms")
        for row in found[subject]["peers"].values():
            row["ratio"] = row["median_ms"] / base if base else None
    return found


def measure_throughput(bench, peers, uid, seconds):
    """{subject: {peer: {workers: runs a second}}}; slices of each peer take turns, so that noise hits all alike."""
    found, slices = {}, 3
    for subject in SUBJECTS:
        lines, _ = command_lines(bench, peers, subject, uid)
        lines.pop("crun", None)  # one container id at a time
        found[subject] = {name: {} for name in lines}
        for workers in WORKERS:
            tally = {name: [0, 0, 0] for name in lines}
            for _ in range(slices):
                for i, name in enumerate(lines):
                    row = stopwatch(bench, uid, ["throughput", workers, int(seconds * 1000 / slices), i], lines.values())[0]
                    tally[name] = [a + b for a, b in zip(tally[name], row)]
            for name, (runs, nanoseconds, failures) in tally.items():
                found[subject][name][str(workers)] = {"per_second": runs / (nanoseconds / 1e9), "failures": failures}
    return found


def layers_on(bench, uid):
    if not bench.belljar:
        return {}
    return belljar_run.run(bench.belljar, ["--profile", bench.profile], ["/bench/true"], prefix=as_user(uid),
                           cwd="/").layers


def version_of(*words):
    try:
        said = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        return (re.search(r"\d+(\.\d+)+", said) or [""])[0]
    except OSError:
        return ""


def host():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        model = re.search(r"^model name\s*:\s*(.*)$", f.read(), re.M)
    return {"kernel": platform.release(), "cores": os.cpu_count(), "processor": model.group(1) if model else "?",
            "date": datetime.date.today().isoformat(), "machine": platform.machine(),
            "versions": {n: v for n, v in (("bubblewrap", version_of("bwrap", "--version")), ("crun", version_of("crun", "--version")),
                                           ("firejail", version_of("firejail", "--version"))) if v}}


# ---- the table ------------------------------------------------------------------------------------------------------

def latency_table(found):
    peers = list(dict.fromkeys(p for s in found.values() for p in s["peers"]))
    out = ["| | " + " | ".join("%s: median | p90 | p99 | ÷ floor" % s for s in found) + " |",
           "|---|" + "---:|" * (4 * len(found))]
    for peer in peers:
        cells = []
        for subject in found.values():
            row = subject["peers"].get(peer)
            cells += ["%.2f" % row[k] for k in ("median_ms", "p90_ms", "p99_ms")] + ["%.2f" % row["ratio"]] if row else ["–"] * 4
        out.append("| %s | %s |" % ("**%s**" % peer if peer.startswith("belljar") else peer, " | ".join(cells)))
    gone = {p: why for s in found.values() for p, why in s["gone"].items()}
    return out + ["", *("Not measured: %s (%s)." % item for item in gone.items())]


def throughput_table(found):
    out = ["| runs a second with %s workers | " % " / ".join(map(str, WORKERS)) + " | ".join(found) + " |",
           "|---|" + "---:|" * len(found)]
    for peer in dict.fromkeys(p for s in found.values() for p in s):
        cells = [" / ".join("%.0f" % s[peer][str(w)]["per_second"] for w in WORKERS) if peer in s else "–" for s in found.values()]
        out.append("| %s | %s |" % (peer, " | ".join(cells)))
    return out


def document(data):
    about = data["host"]
    out = ["# Benchmark", "",
           "Written by `make bench` (bench/run.py) on %s: Linux %s, %d cores, %s. %d rounds, every peer once a round in a new random"
           " order. Milliseconds from before the start to after the end of the command. Only the ratios travel." %
           (about["date"], about["kernel"], about["cores"], about["processor"], data["rounds"]), "",
           "`floor` (bench/floor.c) is a bare program that makes the same namespaces and mounts, straight-line, and nothing else.",
           "`parked fork` (bench/parked.c) is a bare program that embeds Python and forks into the same namespaces, with a scratch file"
           " system and a filter; each fork has rehearsed, waits for its code, and is reaped. No supervision, limits or own init."
           " Belljar's run is timed until its result is there; its process may still be dying.",
           "`safe_exec`: called from Python, of CodeJail from the package index and of python-codejail/, both told the same virtual"
           " environment; once a round, and in a loop without a pause. With a user, CodeJail runs `sudo` twice for each call; without one"
           " it does not work as it is (bench/safe_exec_program.py says what was done), and would not be a sandbox. No AppArmor.",
           "Versions: %s." % ", ".join("%s %s" % v for v in about["versions"].items()), ""]
    for who, part in data["modes"].items():
        out += ["## As %s" % who, "", *latency_table(part["latency"]), ""]
        if part.get("throughput"):
            out += [*throughput_table(part["throughput"]), ""]
        out += [*snippets.table(part["snippets"]), "", *serve.table(part["service"]), ""]
        if part.get("safe_exec"):
            out += [*safe_exec.table(part["safe_exec"]), ""]
        if part["layers"]:
            out += ["Layers of the belljar runs: %s." % ", ".join("%s %s" % kv for kv in part["layers"].items()), ""]
    return "\n".join(out + ["## Bars", "", *("- %s" % line for line in data["bars"])]) + "\n"


def bars(modes):
    lines, met = [], True
    for who, part in modes.items():
        peers = part["latency"]["static true"]["peers"]
        if "belljar" not in peers:
            return ["belljar was not measured as %s" % who], False
        ratio = peers["belljar"]["ratio"]
        lines.append("as %s: cold `belljar run` of a static true is %.2f × floor (bar: ≤ %.1f): %s" % (
            who, ratio, BAR, "met" if ratio <= BAR else "missed"))
        met = met and ratio <= BAR
        if "bubblewrap" in peers:
            faster = peers["belljar"]["median_ms"] < peers["bubblewrap"]["median_ms"]
            lines.append("as %s: %.2f × the time of bubblewrap (bar: faster): %s" % (
                who, peers["belljar"]["median_ms"] / peers["bubblewrap"]["median_ms"], "met" if faster else "missed"))
            met = met and faster
        for bars_of, what in ((snippets.bars, "snippets"), (serve.bars, "service")):
            more, also = bars_of(part[what], who)
            lines, met = lines + more, met and also
        if part.get("safe_exec"):
            more, also = safe_exec.bars(part["safe_exec"], who)
            lines, met = lines + more, met and also
    return lines, met


def arguments():
    parser = argparse.ArgumentParser(description="compare belljar with a bare floor and with other sandboxes")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--user", type=int, default=None, help="the ordinary user (default: bjtest or nobody)")
    parser.add_argument("--write", default=os.path.join(ROOT, "docs", "BENCHMARK.md"), help="where the tables go; - for nowhere")
    parser.add_argument("--json")
    parser.add_argument("--throughput-seconds", type=float, default=3.0)
    parser.add_argument("--no-throughput", action="store_true")
    parser.add_argument("--no-safe-exec", action="store_true", help="without CodeJail, for which packages are installed and built")
    parser.add_argument("--only", action="append", help="only this peer, beside the floor")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a bar is missed")
    options = parser.parse_args()
    options.build = options.build if os.path.isdir(options.build) else None
    options.rounds = max(options.rounds, ROUNDS_MINIMUM)
    return options


def main():
    options = arguments()
    peers = [p for p in PEERS if not options.only or p in ("floor", *options.only)]
    uid = os.geteuid()
    modes = {"root" if uid == 0 else "an ordinary user": uid}
    if uid == 0:
        modes["an ordinary user"] = options.user or belljar_run.ordinary_user()[0]
    bench = Bench(options.build)
    try:
        data = {"host": host(), "rounds": options.rounds, "modes": {}}
        environments = None if options.no_safe_exec else safe_exec.Environments(bench.directory)  # from the package index
        serving.own_network()  # where that is allowed: nobody else's packets
        for who, id_ in modes.items():
            print("measuring as %s ..." % who, file=sys.stderr, flush=True)
            part = {"latency": measure(bench, peers, id_, options.rounds), "layers": layers_on(bench, id_)}
            part["snippets"] = snippets.measure(
                bench, id_, lambda words, lines, id_=id_: stopwatch(bench, id_, words, lines), options.rounds,
                0 if options.no_throughput else options.throughput_seconds, FLAT_RUNS)
            part["service"] = serve.measure(bench, id_, options.rounds, 0 if options.no_throughput else options.throughput_seconds)
            if environments:
                part["safe_exec"] = safe_exec.measure(
                    environments, id_, lambda words, lines, id_=id_: stopwatch(bench, id_, words, lines), options.rounds)
            if not options.no_throughput:
                part["throughput"] = measure_throughput(bench, peers, id_, options.throughput_seconds)
            data["modes"][who] = part
        data["bars"], met = bars(data["modes"])
    finally:
        bench.close()
    text = document(data)
    print(text)
    for path, content in ((options.write, text), (options.json, json.dumps(data, indent=1) + "\n")):
        if path and path != "-":
            with open(path, "w", encoding="utf-8") as f:
                f.write(content)
    return 1 if options.strict and not met else 0


if __name__ == "__main__":
    sys.exit(main())
