"""Makes the disks of the test machine out of Debian packages, without root and without installing them.

Its own file because it knows packages and file systems, and nothing of what is tested.
Changes when: the machine needs another package, or another kernel.
"""
import dataclasses
import glob
import hashlib
import json
import lzma
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# Files of these, and of what they depend on, are copied from this host.
COPIED = ["python3-pytest", "python3-jsonschema", "python3-numpy", "nodejs", "gcc", "g++", "libc6-dev", "linux-libc-dev", "dash",
          "bash", "zsh", "coreutils", "util-linux", "grep", "sed", "findutils", "mount", "procps", "tar", "gzip", "diffutils", "mawk",
          "strace", "libcmocka0", "libseccomp2", "libjansson4", "libedit2", "ncurses-base",
          "lib" + os.path.basename(os.path.realpath("/usr/bin/python3"))]
# These are fetched and unpacked only; nothing of them is installed on this host.
FETCHED = ["busybox-static", "apparmor"]
# What the packages of Debian's kernels are called: of the release, and the newest that the release has besides.
KERNELS = {"stock": "linux-image-amd64", "newer": "linux-image-6.12-amd64"}
MODULES = ["virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk", "crc16",
           "crc32c_generic", "mbcache", "jbd2", "ext4"]
LEFT_OUT = re.compile(r"^/(usr/share/(doc|man|info|locale|lintian|bash-completion|perl5?)|var|boot|dev|proc|sys|run|tmp|etc/init\.d)(/|$)"
                      r"|/(lto1|lto-dump|libasan.*|libtsan.*|liblsan.*|libubsan.*)$")
DIRECTORIES = ["dev", "proc", "sys", "run", "tmp", "root", "new", "var/tmp", "var/lib", "mnt", "job", "vm", "home", "opt",
               "modules"]
PASSWD = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bjtest:x:60777:60777::/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = "root:x:0:\ndaemon:x:1:\ntty:x:5:\nbjtest:x:60777:\nnogroup:x:65534:\n"


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a root disk holds."""
    copied: tuple
    fetched: tuple
    first: str  # the program that the machine starts with, as /vm/init
    merged: tuple = ("etc", "usr", "sbin", "lib")  # what is taken of the packages that are fetched
    passwd: str = PASSWD
    group: str = GROUP


SUITES = Contents(tuple(COPIED), tuple(FETCHED), os.path.join(HERE, "machine-init"))


def output(*argv, **more):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, **more).stdout


def kernel_package(kind):
    """What the name of a kind stands for today, or None."""
    done = subprocess.run(["apt-cache", "depends", KERNELS[kind]], check=False, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        if line.strip().startswith("Depends: linux-image"):
            return line.split()[1]
    return None


def download(folder, package):
    subprocess.run(["apt-get", "-q", "download", package], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    [archive] = glob.glob(os.path.join(folder, glob.escape(package) + "_*.deb"))
    return archive


def fetch(folder, packages):
    """Unpacks packages into FOLDER/unpacked; those that are there already stay."""
    unpacked = os.path.join(folder, "unpacked")
    os.makedirs(unpacked, exist_ok=True)
    for package in packages:
        mark = os.path.join(folder, package + ".done")
        if os.path.exists(mark):
            continue
        archive = download(folder, package)
        subprocess.run(["dpkg-deb", "-x", archive, unpacked], check=True)
        os.unlink(archive)
        open(mark, "w", encoding="ascii").close()
    return unpacked


def fetch_kernel(folder, kind):
    """(release, kernel, folder of its modules), or None when apt does not know it. Only what is booted is unpacked."""
    package = kernel_package(kind)
    if package is None:
        return None
    release = package.removeprefix("linux-image-")
    place = os.path.join(folder, "kernel-" + release)
    if not os.path.exists(place):
        archive = download(folder, package)
        os.makedirs(place + ".new", exist_ok=True)
        wanted = ["./boot/vmlinuz-*", *("*/%s.ko%s" % (name, end) for name in MODULES for end in ("", ".xz"))]
        unpack = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE)
        # GNU tar complains of each pattern that nothing matches: a module that is built in.
        subprocess.run(["tar", "-C", place + ".new", "-x", "--wildcards", *wanted], stdin=unpack.stdout, check=False,
                       stderr=subprocess.DEVNULL)
        unpack.communicate()
        os.unlink(archive)
        os.rename(place + ".new", place)
    return release, os.path.join(place, "boot", "vmlinuz-" + release), place


def copied_packages(contents):
    text = output("apt-cache", "depends", "--recurse", "--installed", "--no-recommends", "--no-suggests", "--no-conflicts",
                  "--no-breaks", "--no-replaces", "--no-enhances", *contents.copied)
    return sorted({line for line in text.splitlines() if re.match(r"^[a-z0-9][a-z0-9.+-]*(:\w+)?$", line)})


def copied_files(contents):
    """Paths on this host, without the links /bin, /lib ... in them."""
    found = set()
    for package in copied_packages(contents):
        listed = subprocess.run(["dpkg", "-L", package], check=False, capture_output=True, text=True)
        for path in listed.stdout.splitlines():
            path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
            if LEFT_OUT.search(path) or not os.path.lexists(path) or (os.path.isdir(path) and not os.path.islink(path)):
                continue
            found.add(path)
            if path.endswith(".py"):  # compiled modules are made when a package is installed; emulation is slow
                stem = os.path.join(os.path.dirname(path), "__pycache__", os.path.basename(path)[:-3])
                found.update(glob.glob(glob.escape(stem) + ".cpython-*.pyc"))
    for folder, _, names in os.walk("/etc/alternatives"):
        found.update(os.path.join(folder, name) for name in names)
    for path in glob.glob("/usr/bin/*"):  # cc and its like belong to no package
        if os.path.islink(path) and os.readlink(path).startswith("/etc/alternatives/") and os.path.realpath(path) in found:
            found.add(path)
    found.update(glob.glob("/etc/ld.so.*") + glob.glob("/etc/ld.so.conf.d/*") + ["/etc/nsswitch.conf", "/etc/login.defs"])
    return sorted(path for path in found if os.path.lexists(path) and os.access(path, os.R_OK))


def lay_over(folder, to):
    """Links that are there already are replaced, which shutil cannot do."""
    pack = subprocess.Popen(["tar", "-C", folder, "--exclude=./modules", "-cf", "-", "."], stdout=subprocess.PIPE)
    unpack = subprocess.run(["tar", "-C", to, "-xf", "-"], stdin=pack.stdout, check=False)
    pack.stdout.close()
    if pack.wait() or unpack.returncode:
        raise SystemExit("vm: cannot copy " + folder)


def make_tree(tree, unpacked, contents):
    shutil.rmtree(tree, ignore_errors=True)
    for name in DIRECTORIES:
        os.makedirs(os.path.join(tree, name))
    for name in ("bin", "sbin", "lib", "lib64"):
        os.makedirs(os.path.join(tree, "usr", name))
        os.symlink("usr/" + name, os.path.join(tree, name))
    names = "\0".join(path[1:] for path in copied_files(contents))
    pack = subprocess.Popen(["tar", "-C", "/", "--null", "-T", "-", "-cf", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    unpack = subprocess.Popen(["tar", "-C", tree, "-xf", "-"], stdin=pack.stdout)
    pack.stdout.close()
    pack.stdin.write(names.encode())
    pack.stdin.close()
    if unpack.wait() or pack.wait():
        raise SystemExit("vm: cannot copy the files of the host's packages")
    for top in contents.merged:
        if os.path.isdir(os.path.join(unpacked, top)):
            to = os.path.realpath(os.path.join(tree, top))
            lay_over(os.path.join(unpacked, top), to)
    shutil.copy(os.path.join(unpacked, "bin", "busybox"), os.path.join(tree, "vm", "busybox"))
    shutil.copy(contents.first, os.path.join(tree, "vm", "init"))
    os.chmod(os.path.join(tree, "vm", "init"), 0o755)
    for name, text in (("passwd", contents.passwd), ("group", contents.group), ("hostname", "testvm\n"), ("hosts", "127.0.0.1 localhost\n")):
        with open(os.path.join(tree, "etc", name), "w", encoding="ascii") as f:
            f.write(text)


def recipe(contents):
    """Changes with whatever the root disk is made of."""
    digest = hashlib.sha256(repr((contents, LEFT_OUT.pattern, DIRECTORIES)).encode())
    with open(contents.first, "rb") as f:
        digest.update(f.read())
    copied = {name.partition(":")[0] for name in copied_packages(contents)}
    for line in output("dpkg-query", "-W", "-f=${Package}\t${Version}\n").splitlines():
        if line.split("\t")[0] in copied:
            digest.update(line.encode())
    return digest.hexdigest()


def root_disk(folder, unpacked, contents=SUITES):
    """The image, made anew if its recipe is another than the one on the mark."""
    disk, mark, wanted = os.path.join(folder, "root.ext4"), os.path.join(folder, "root.recipe"), recipe(contents)
    if os.path.exists(disk) and os.path.exists(mark):
        with open(mark, encoding="ascii") as f:
            if f.read() == wanted:
                return disk
    disk = make_root_disk(folder, unpacked, contents)
    with open(mark, "w", encoding="ascii") as f:
        f.write(wanted)
    return disk


def make_root_disk(folder, unpacked, contents):
    """An ext4 image whose files belong to root, whoever makes it."""
    disk = os.path.join(folder, "root.ext4")
    tree = os.path.join(folder, "tree")
    make_tree(tree, unpacked, contents)
    mke2fs = shutil.which("mke2fs") or "/sbin/mke2fs"
    subprocess.run([mke2fs, "-q", "-t", "ext4", "-E", "root_owner=0:0", "-O", "^has_journal", "-d", tree, disk + ".new", "1600M"],
                   check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    os.rename(disk + ".new", disk)
    return disk


def make_initramfs(folder, unpacked, modules):
    tree = os.path.join(folder, "initramfs")
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "dev", "proc", "sys", "new", "modules"):
        os.makedirs(os.path.join(tree, name))
    busybox = os.path.join(unpacked, "bin", "busybox")
    shutil.copy(busybox, os.path.join(tree, "bin", "busybox"))
    for name in ("sh", "mount", "umount", "insmod", "sleep", "switch_root", "poweroff", "echo"):
        os.symlink("busybox", os.path.join(tree, "bin", name))
    for path in glob.glob(os.path.join(modules, "lib/modules/*/kernel/**", "*.ko*"), recursive=True):
        name, _, compressed = os.path.basename(path).partition(".ko")
        with (lzma.open if compressed else open)(path, "rb") as packed, open(os.path.join(tree, "modules", name + ".ko"), "wb") as f:
            f.write(packed.read())
    shutil.copy(os.path.join(HERE, "initramfs-init"), os.path.join(tree, "init"))
    os.chmod(os.path.join(tree, "init"), 0o755)
    names = output("find", ".", cwd=tree)
    archive = os.path.join(folder, "initramfs.cpio")
    with open(archive, "wb") as f:
        subprocess.run([busybox, "cpio", "-o", "-H", "newc", "-R", "0:0"], cwd=tree, input=names.encode(), stdout=f,
                       stderr=subprocess.DEVNULL, check=True)
    shutil.rmtree(tree)
    return archive


# Of a build directory: what tests/support/suites.py runs.
BUILT = ("src/cli/belljar", "src/cli/belljar-repl", "src/cli/safeexec", "src/cli/simple_pysandbox", "src/guest/belljar-guest-*", "libbelljar.so*", "tests/*/test_*", "tests/unit/spec-tool", "tests/pool/belljar-pooled", "tests/pool/belljar-kept", "fuzz/replay_*")
TREE = ("tests", "fuzz", "include", "tools", "packaging", "profiles", "schema", "examples", "man", "src")


def copy_build(build, to):
    for pattern in BUILT:
        for path in glob.glob(os.path.join(build, pattern)):
            if os.path.isfile(path):
                target = os.path.join(to, os.path.relpath(path, build))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy(path, target, follow_symlinks=False)


def make_job_disk(folder, build, command, corpus, settings=None):
    """A tar on a raw disk: the tests, what is tested, what the machine shall run, and how it shall be set up."""
    disk = os.path.join(folder, "job.tar")
    job = os.path.join(folder, "job")
    shutil.rmtree(job, ignore_errors=True)
    os.makedirs(job)
    with open(os.path.join(job, "command"), "w", encoding="utf-8") as f:
        f.write(command + "\n")
    with open(os.path.join(job, "settings.json"), "w", encoding="utf-8") as f:
        json.dump(settings or {}, f)
    copy_build(build, os.path.join(job, "build"))
    os.symlink("build/src/cli/belljar", os.path.join(job, "belljar"))
    for name in TREE:
        shutil.copytree(os.path.join(ROOT, name), os.path.join(job, "main", name), symlinks=True,
                        ignore=shutil.ignore_patterns("__pycache__"))
    if corpus:
        shutil.copytree(corpus, os.path.join(job, "shared", "abuse"), symlinks=True)
    subprocess.run(["tar", "-C", folder, "--owner=0", "--group=0", "--mode=go+rX,go-w", "-cf", disk, "job"], check=True)
    size = os.path.getsize(disk)
    os.truncate(disk, (size + 65535) // 65536 * 65536)
    shutil.rmtree(job)
    return disk
