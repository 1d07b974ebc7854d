"""Boots the test machine in QEMU and listens to it, with hardware virtualization where this host really has it.

Its own file because it knows QEMU and serial lines, and nothing of what is tested.
Changes when: QEMU does, or a host is found whose /dev/kvm is of another kind.
"""
import os
import re
import selectors
import subprocess
import time

UP = "machine: up"
END = "machine: the job ended with"
KVM_PATIENCE = 60  # seconds until the first line; a kernel is there within three, under emulation within twenty


def why_no_kvm():
    """None: it can be used. A device alone says little: pKVM, PVM and their like run only kernels that were made for them."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return "/dev/kvm: " + error.strerror
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        if not re.search(r"^flags\s*:.*\b(vmx|svm)\b", f.read(), re.M):
            return "/dev/kvm is there, but the processor shows neither vmx nor svm, so that it cannot run an ordinary kernel"
    return None


class Boot:
    """What a boot needs besides the root disk: files, the kernel's command line, and who hears the lines."""

    def __init__(self, kernel, initramfs, command_line, job, console, show):
        self.kernel, self.initramfs, self.command_line, self.job, self.console, self.show = \
            kernel, initramfs, command_line, job, console, show


class Machine:
    """The root disk, and how to boot it."""

    def __init__(self, disk, timeout, emulate):
        self.disk, self.timeout = disk, timeout
        self.problem = "asked for" if emulate else why_no_kvm()

    @property
    def accelerator(self):
        return "emulation (%s)" % self.problem if self.problem else "KVM"

    @property
    def at_once(self):
        """How many machines keep the host's processors busy."""
        return max(1, (os.cpu_count() or 1) // (1 if self.problem else 2))

    def processor(self):
        """Emulated, its clock counts instructions, four nanoseconds each: a busy host makes the machine's seconds longer, and no
        program in it runs out of its processor time for that. This works with one processor only."""
        if self.problem:
            return ["-accel", "tcg,thread=single", "-icount", "shift=2,sleep=on,align=off", "-cpu", "max", "-smp", "1"]
        return ["-accel", "kvm", "-cpu", "host", "-smp", "2"]

    def argv(self, boot):
        line = "console=ttyS0 loglevel=4 panic=-1 oops=panic " + boot.command_line
        if self.problem:  # an emulated processor leaks nothing by speculation, and the kernel's detours cost a fifth of the time
            line += " mitigations=off"
        # A runner that is killed takes its machines with it.
        return ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
                "-no-reboot", "-nic", "none", "-m", "2048", *self.processor(), "-kernel", boot.kernel, "-initrd", boot.initramfs, "-append", line,
                "-drive", "file=%s,format=raw,if=virtio,snapshot=on" % self.disk,
                "-drive", "file=%s,format=raw,if=virtio,readonly=on" % boot.job,
                "-serial", "file:" + boot.console, "-serial", "stdio"]

    def boot(self, boot):
        """Every line that it said, until it powers off. A KVM that brings up nothing is given up, once and for all."""
        lines = self.listen(boot)
        if not self.problem and not any(line.startswith(UP) for line in lines):
            self.problem = "KVM brought up no kernel within %d s" % KVM_PATIENCE
            boot.show("# emulation from here on: " + self.problem)
            lines = self.listen(boot)
        return lines

    def listen(self, boot):
        lines, rest, argv = [], b"", self.argv(boot)
        first, last = time.monotonic() + KVM_PATIENCE, time.monotonic() + self.timeout
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process, selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            piece = b"-"
            while piece:
                now = time.monotonic()
                if now > last or (now > first and not lines and not self.problem):
                    process.kill()
                if not waiting.select(1):
                    continue
                piece = os.read(process.stdout.fileno(), 65536)
                *whole, rest = (rest + piece).split(b"\n")
                for line in whole:
                    lines.append(line.decode("utf-8", "replace").rstrip("\r"))
                    boot.show(lines[-1])
        if lines and not any(line.startswith(END) for line in lines):
            lines.append("FAIL machine: it did not come to its end (qemu: %s); see %s" % (process.returncode, boot.console))
            boot.show(lines[-1])
        return lines
