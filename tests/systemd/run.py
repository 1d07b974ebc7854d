#!/usr/bin/env python3
"""Boots systemd as pid 1 under QEMU, with Belljar installed as a distribution would, and lets inside.py be its operator.

Its own file because systemd's units do nothing without systemd, and a container's is not the whole of it.
Changes when: the machine holds something else, or what it says is judged in another way.

usage: tests/systemd/run.py --build DIR [--kernel stock|newer] [--only SUBJECT]... [--record] [--emulate] [--fresh]
                            [--timeout SECONDS]
       tests/systemd/run.py --build DIR --command SHELL-TEXT    boot, run the text instead, show what it says
Subjects: inside.py. What the machine says is kept in DIR/vm/systemd/log. The last line is "N passed, N failed, N skipped".
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "vm"), os.path.join(ROOT, "tests", "support")]
sys.dont_write_bytecode = True

import evidence  # noqa: E402
import image  # noqa: E402
from checking import summary  # noqa: E402
from machine import Boot, Machine  # noqa: E402

# What the service, its guests and inside.py need, copied from this host.
COPIED = ("python3", "lib" + os.path.basename(os.path.realpath("/usr/bin/python3")), "dash", "bash", "coreutils", "util-linux",
          "grep", "sed", "findutils", "mount", "procps", "tar", "mawk", "libmicrohttpd12", "libnettle8", "libseccomp2",
          "libjansson4", "libedit2", "ncurses-base")
# systemd itself is of the release that apt has, with all that it links: none of it need be installed here.
FETCHED = ("busybox-static", "systemd", "libsystemd-shared", "libsystemd0", "libapparmor1", "libargon2-1", "libaudit1",
           "libcap-ng0", "libcap2", "libcryptsetup12", "libdevmapper1.02.1", "libfdisk1", "libgcrypt20", "libgpg-error0",
           "libip4tc2", "libjson-c5", "libkmod2", "liblz4-1", "libp11-kit0", "libpam0g", "libssl3", "libudev1", "libzstd1")
# As systemd's postinst makes them (sysusers.d).
PASSWD = image.PASSWD + "messagebus:x:100:100::/nonexistent:/usr/sbin/nologin\n"
GROUP = "".join("%s:x:%d:\n" % (name, 900 + n) for n, name in enumerate((
    "adm", "systemd-journal", "utmp", "kvm", "render", "input", "sgx", "disk", "kmem", "dialout", "cdrom", "video", "audio", "tape",
    "lp", "users", "messagebus"))) + image.GROUP
CONTENTS = image.Contents(COPIED, FETCHED, os.path.join(HERE, "machine-init"), ("etc", "usr", "bin", "sbin", "lib"), PASSWD, GROUP)
FIGURES = ("systemd {systemd} as pid 1 of Linux {kernel}; answered {first_request_seconds:.1f} s after a request has woken it; "
           "back {back_after_kill_seconds:.1f} s after SIGKILL of the keeper and {back_after_watchdog_seconds:.1f} s after SIGSTOP "
           "(WatchdogSec=4); /healthz within {healthz_worst_seconds:.2f} s beside {processes_at_once:.0f} processes of bombs and "
           "hogs; {kept_mib:.0f} of {kept_of_mib:.0f} MiB stay when the host is short of memory; "
           "{runs_under_reload:.0f} runs and none lost under two reloads")
LINE = "systemd.show_status=1 systemd.log_level=notice panic=-1 lsm=landlock,lockdown,yama,apparmor,bpf"
JOB = "python3 -B /job/main/tests/systemd/inside.py"


def install(folder):
    """Belljar below FOLDER/installed, built as a package of a distribution is: with the prefix /usr, and DESTDIR."""
    build, installed = os.path.join(folder, "usr"), os.path.join(folder, "installed")
    if not os.path.exists(os.path.join(build, "build.ninja")):
        quiet("meson", "setup", build, ROOT, "--prefix", "/usr", "--sysconfdir", "/etc", "--localstatedir", "/var", "-Dtests=false")
    quiet("ninja", "-C", build)
    shutil.rmtree(installed, ignore_errors=True)
    quiet("meson", "install", "-C", build, "--no-rebuild", "--destdir", installed)
    return installed


def quiet(*argv):
    done = subprocess.run(argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit("systemd: %s failed:\n%s" % (" ".join(argv), done.stdout[-3000:]))


def make_job_disk(folder, installed, command, only):
    """A tar on a raw disk, to be laid over the root: what is installed, the tests, and what the machine shall run."""
    disk, job = os.path.join(folder, "job.tar"), os.path.join(folder, "job")
    os.makedirs(job)
    with open(os.path.join(job, "command"), "w", encoding="utf-8") as file:
        file.write(command + "\n")
    with open(os.path.join(job, "settings.json"), "w", encoding="utf-8") as file:
        json.dump({"only": only}, file)
    for name in ("tests/systemd", "tests/vm", "tests/support"):
        shutil.copytree(os.path.join(ROOT, name), os.path.join(job, "main", name), ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["tar", "--owner=0", "--group=0", "--mode=go+rX,go-w", "-cf", disk, "-C", folder, "job", "-C", installed, "usr"],
                   check=True)
    os.truncate(disk, (os.path.getsize(disk) + 65535) // 65536 * 65536)
    return disk


def boot(options, folder):
    """Every line that the machine said."""
    own = os.path.join(folder, "systemd")
    if options.fresh:
        shutil.rmtree(own, ignore_errors=True)
    os.makedirs(own, exist_ok=True)
    kernel = image.fetch_kernel(folder, options.kernel)
    if kernel is None:
        sys.exit("systemd: no %s; run apt-get update, on Debian 12" % image.KERNELS[options.kernel])
    unpacked = image.fetch(own, CONTENTS.fetched)
    machine = Machine(image.root_disk(own, unpacked, CONTENTS), options.timeout, options.emulate)
    installed = install(own)
    print("# Linux %s, with %s" % (kernel[0], machine.accelerator), flush=True)
    with tempfile.TemporaryDirectory(dir=own, prefix="job-") as work, \
            open(os.path.join(own, "log"), "w", encoding="utf-8") as log:
        def show(line):
            print(line, file=log, flush=True)
            print(line[:2000], flush=True)
        job = make_job_disk(work, installed, options.command or JOB, options.only)
        initramfs = image.make_initramfs(work, unpacked, kernel[2])
        return machine.boot(Boot(kernel[1], initramfs, LINE, job, log.name + ".console", show))


def judge(lines):
    """(passed, [(name, why)], facts)."""
    passed, failures = summary(lines)
    facts = {}
    for line in lines:
        if line.startswith("FACT "):
            facts.update(json.loads(line[5:]))
    if not any(line == "machine: the job ended with %d" % bool(failures) for line in lines) and not failures:
        failures.append(("machine", "the job did not come to its end"))
    return passed, failures, facts


def parse():
    parser = argparse.ArgumentParser(description="try Belljar's units under systemd in QEMU")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--kernel", choices=sorted(image.KERNELS), default="stock")
    parser.add_argument("--only", action="append", default=[], metavar="SUBJECT")
    parser.add_argument("--command", help="run this instead")
    parser.add_argument("--record", action="store_true", help="write docs/evidence/systemd.json")
    parser.add_argument("--emulate", action="store_true", help="do without the host's virtualization")
    parser.add_argument("--fresh", action="store_true", help="make the disks anew")
    parser.add_argument("--timeout", type=int, default=3000, help="seconds for the boot")
    return parser.parse_args()


def main():
    options = parse()
    began = time.monotonic()
    lines = boot(options, os.path.join(os.path.abspath(options.build), "vm"))
    if options.command:
        return 0 if lines and lines[-1].endswith(" 0") else 1
    passed, failures, facts = judge(lines)
    seconds = time.monotonic() - began
    if options.record:
        says = FIGURES.format(**facts)
        evidence.record("systemd", command="make test-systemd", passed=passed, failed=len(failures), skipped=0, seconds=seconds,
                        says=says, details=facts)
    print("%d seconds\n%d passed, %d failed, 0 skipped" % (seconds, passed, len(failures)), flush=True)
    return 1 if failures or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
