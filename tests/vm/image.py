"""Makes the disks of the test machine out of Debian packages, without root and without installing them.

Its own file because it knows packages and file systems, and nothing of what is tested.
Changes when: the machine needs another package, or another kernel.
"""
import glob
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# Files of these, and of what they depend on, are copied from this host.
COPIED = ["python3-pytest", "python3-jsonschema", "gcc", "libc6-dev", "dash", "bash", "coreutils", "util-linux", "grep", "sed",
          "findutils", "mount", "procps", "tar", "gzip", "diffutils", "mawk",
          "strace"]
# These are fetched and unpacked only; nothing of them is installed on this host.
FETCHED = ["busybox-static", "apparmor"]
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


def output(*argv, **more):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, **more).stdout


def kernel_package():
    """What linux-image-amd64 stands for today."""
    for line in output("apt-cache", "depends", "linux-image-amd64").splitlines():
        if line.strip().startswith("Depends: linux-image"):
            return line.split()[1]
    raise SystemExit("vm: no package linux-image-amd64; run apt-get update, on Debian 12")


def fetch(folder, packages):
    """Unpacks packages into FOLDER/unpacked; those that are there already stay."""
    unpacked = os.path.join(folder, "unpacked")
    os.makedirs(unpacked, exist_ok=True)
    for package in packages:
        mark = os.path.join(folder, package + ".done")
        if os.path.exists(mark):
            continue
        subprocess.run(["apt-get", "-q", "download", package], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        [archive] = glob.glob(os.path.join(folder, package + "_*.deb"))
        subprocess.run(["dpkg-deb", "-x", archive, unpacked], check=True)
        os.unlink(archive)
        open(mark, "w", encoding="ascii").close()
    return unpacked


def copied_packages():
    text = output("apt-cache", "depends", "--recurse", "--installed", "--no-recommends", "--no-suggests", "--no-conflicts",
                  "--no-breaks", "--no-replaces", "--no-enhances", *COPIED)
    return sorted({line for line in text.splitlines() if re.match(r"^[a-z0-9][a-z0-9.+-]*(:\w+)?$", line)})


def copied_files():
    """Paths on this host, without the links /bin, /lib ... in them."""
    found = set()
    for package in copied_packages():
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


def make_tree(tree, unpacked):
    shutil.rmtree(tree, ignore_errors=True)
    for name in DIRECTORIES:
        os.makedirs(os.path.join(tree, name))
    for name in ("bin", "sbin", "lib", "lib64"):
        os.makedirs(os.path.join(tree, "usr", name))
        os.symlink("usr/" + name, os.path.join(tree, name))
    names = "\0".join(path[1:] for path in copied_files())
    pack = subprocess.Popen(["tar", "-C", "/", "--null", "-T", "-", "-cf", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    unpack = subprocess.Popen(["tar", "-C", tree, "-xf", "-"], stdin=pack.stdout)
    pack.stdout.close()
    pack.stdin.write(names.encode())
    pack.stdin.close()
    if unpack.wait() or pack.wait():
        raise SystemExit("vm: cannot copy the files of the host's packages")
    for top in ("etc", "usr", "sbin", "lib"):
        if os.path.isdir(os.path.join(unpacked, top)):
            to = os.path.realpath(os.path.join(tree, top))
            shutil.copytree(os.path.join(unpacked, top), to, symlinks=True, dirs_exist_ok=True,
                            ignore=lambda folder, _: ["modules"] if folder.endswith("/lib") else [])
    shutil.copy(os.path.join(unpacked, "bin", "busybox"), os.path.join(tree, "vm", "busybox"))
    shutil.copy(os.path.join(HERE, "machine-init"), os.path.join(tree, "vm", "init"))
    os.chmod(os.path.join(tree, "vm", "init"), 0o755)
    for name, text in (("passwd", PASSWD), ("group", GROUP), ("hostname", "testvm\n"), ("hosts", "127.0.0.1 localhost\n")):
        with open(os.path.join(tree, "etc", name), "w", encoding="ascii") as f:
            f.write(text)


def make_root_disk(folder, unpacked):
    """An ext4 image whose files belong to root, whoever makes it."""
    disk = os.path.join(folder, "root.ext4")
    tree = os.path.join(folder, "tree")
    make_tree(tree, unpacked)
    mke2fs = shutil.which("mke2fs") or "/sbin/mke2fs"
    subprocess.run([mke2fs, "-q", "-t", "ext4", "-E", "root_owner=0:0", "-O", "^has_journal", "-d", tree, disk + ".new", "1200M"],
                   check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    os.rename(disk + ".new", disk)
    return disk


def make_initramfs(folder, unpacked):
    tree = os.path.join(folder, "initramfs")
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "dev", "proc", "sys", "new", "modules"):
        os.makedirs(os.path.join(tree, name))
    busybox = os.path.join(unpacked, "bin", "busybox")
    shutil.copy(busybox, os.path.join(tree, "bin", "busybox"))
    for name in ("sh", "mount", "umount", "insmod", "sleep", "switch_root", "poweroff", "echo"):
        os.symlink("busybox", os.path.join(tree, "bin", name))
    for name in MODULES:
        for path in glob.glob(os.path.join(unpacked, "lib/modules/*/kernel/**", name + ".ko"), recursive=True):
            shutil.copy(path, os.path.join(tree, "modules"))
    shutil.copy(os.path.join(HERE, "initramfs-init"), os.path.join(tree, "init"))
    os.chmod(os.path.join(tree, "init"), 0o755)
    names = output("find", ".", cwd=tree)
    archive = os.path.join(folder, "initramfs.cpio")
    with open(archive, "wb") as f:
        subprocess.run([busybox, "cpio", "-o", "-H", "newc", "-R", "0:0"], cwd=tree, input=names.encode(), stdout=f,
                       stderr=subprocess.DEVNULL, check=True)
    shutil.rmtree(tree)
    return archive


def make_job_disk(folder, belljar, command, corpus):
    """A tar on a raw disk: the tests, the command under test, and what the machine shall run."""
    disk = os.path.join(folder, "job.tar")
    job = os.path.join(folder, "job")
    shutil.rmtree(job, ignore_errors=True)
    os.makedirs(job)
    with open(os.path.join(job, "command"), "w", encoding="utf-8") as f:
        f.write(command + "\n")
    shutil.copy(belljar, os.path.join(job, "belljar"))
    spec_tool = os.path.join(os.path.dirname(belljar), "..", "..", "tests", "unit", "spec-tool")
    if os.path.exists(spec_tool):  # for tests/e2e/test_schema.py: BELLJAR_SPEC_TOOL=/job/spec-tool
        shutil.copy(spec_tool, os.path.join(job, "spec-tool"))
    for name in ("tests", "packaging", "profiles", "schema", "examples", "man", "src"):
        shutil.copytree(os.path.join(ROOT, name), os.path.join(job, "main", name), symlinks=True,
                        ignore=shutil.ignore_patterns("__pycache__"))
    if corpus:
        shutil.copytree(corpus, os.path.join(job, "shared", "abuse"), symlinks=True)
    subprocess.run(["tar", "-C", folder, "--owner=0", "--group=0", "-cf", disk, "job"], check=True)
    size = os.path.getsize(disk)
    os.truncate(disk, (size + 65535) // 65536 * 65536)
    shutil.rmtree(job)
    return disk
