"""What a program sees of the world from inside: its root, its neighbours, itself.

Its own file because these are facts about the jail, read from inside and without regard to how it was made.
Changes when: the jail's root, its devices or its identity change.
"""
import os
import re

import belljar_run
import pytest

HOST_ONLY = ["/boot", "/home", "/srv", "/opt", "/media", "/mnt", "/lost+found", "/etc/shadow",
             "/var/lib/dpkg/status", "/etc/ssh", "/root/.bashrc", "/sys/kernel", "/sys/class"]
CLOSED = ["/etc", "/root", "/sys", "/var"]
WRITABLE = ["/tmp", "/box", "/dev/shm"]


def test_root_is_closed_too(jail):
    """It may be searched and not listed, whichever layers are on."""
    for options in ([], ["--off", "landlock"]):
        assert jail.look("list", "/", options=options).lines()["list"] == "EACCES"
    assert jail.look("paths", "/usr/bin", "/box").lines()["stat:/usr/bin"] == "ok"


@pytest.mark.parametrize("path", CLOSED)
def test_closed_doors(jail, path):
    """They are there, they may not be listed, nothing can be made in them."""
    lines = jail.look("paths", path).lines()
    assert lines["stat:" + path] == "ok", lines
    assert lines["list:" + path] == "EACCES" and lines["read:" + path] == "EACCES", lines
    assert lines["make:" + path] in ("EACCES", "EROFS"), lines


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/group", "/etc/hosts"])
def test_closed_files(jail, path):
    lines = jail.look("paths", path).lines()
    assert lines["read:" + path] == "EACCES" and lines["write:" + path] in ("EACCES", "EROFS"), lines


def test_no_host_files(jail):
    result = jail.look("paths", *HOST_ONLY)
    lines = result.lines()
    assert all(lines["stat:" + p] == "ENOENT" for p in HOST_ONLY), result


def test_host_paths_do_not_say_whether_they_exist(jail, tmp_path):
    """A path that exists on the host answers exactly like one that does not."""
    there, missing = str(tmp_path), "/nowhere/at-all"
    lines = jail.look("paths", there, missing).lines()
    answers = [[lines["%s:%s" % (what, p)] for what in ("stat", "list", "read", "write")] for p in (there, missing)]
    assert answers[0] == answers[1] == ["ENOENT"] * 4


@pytest.mark.parametrize("path", ["/", "/usr", "/usr/bin", "/usr/lib", "/dev", "/dev/null-not"])
def test_not_writable(jail, path):
    assert jail.look("paths", path).lines()["make:" + path] in ("EROFS", "EACCES", "ENOENT", "EPERM")


@pytest.mark.parametrize("path", WRITABLE)
def test_writable_places(jail, path):
    result = jail.look("paths", path)
    assert result.lines()["make:" + path] == "ok", result


def test_sizes(jail):
    lines = jail.look("space", *WRITABLE, options=["-d", "20M", "--files", 300]).lines()
    for path in WRITABLE:
        assert (19 << 20) <= int(lines["bytes:" + path]) <= (21 << 20), lines
        assert 250 <= int(lines["inodes:" + path]) <= 450, lines


def test_mount_flags_where_guests_write(jail):
    """statvfs(3): nosuid 2, nodev 4, noexec 8. The root and /usr: read-only 1, nosuid, nodev."""
    lines = jail.look("space", *WRITABLE, "/", "/usr").lines()
    for path in WRITABLE:
        assert int(lines["flags:" + path]) & 0xF == 2 | 4 | 8, (path, lines)
    for path in ("/", "/usr"):
        assert int(lines["flags:" + path]) & 7 == 1 | 2 | 4, (path, lines)


@pytest.mark.parametrize("path", WRITABLE)
def test_what_can_be_planted(jail, path):
    result = jail.look("plant", path, options=["-d", "32M", "-f", "16M", "-p", 4])
    lines = result.lines()
    assert lines["exec:" + path] in ("EACCES", "EPERM"), result
    assert lines["setuid:" + path] != "ok" or "setuid" not in lines, result
    assert lines["mknod:" + path] in ("EPERM", "EACCES"), result
    assert lines["follow:" + path] in ("ELOOP", "EACCES", "ENOENT", "ENOTDIR"), result


def test_devices(jail):
    result = jail.look("devices")
    lines = result.lines()
    assert lines["null"] == lines["zero"] == lines["urandom"] == "ok" and lines["full"] == "ENOSPC", result
    names = {n.partition(":")[2] for n in lines if n.startswith("entry:")}
    assert names <= {"null", "zero", "full", "random", "urandom", "shm", "fd", "stdin", "stdout", "stderr"}, names


def test_identity(jail):
    result = jail.look("self")
    lines = result.lines()
    if result.layers["user"] == "on":
        assert (lines["uid"], lines["euid"], lines["gid"]) == ("1000", "1000", "1000")
    else:  # where the host has no user namespaces it is an id of this run on the host itself
        assert lines["uid"] == lines["euid"] == lines["gid"] and int(lines["uid"]) > 65536, result
        assert not belljar_run.can_unshare(), result
    assert int(lines["groups"]) == 0 or os.geteuid() != 0, lines  # an ordinary user cannot drop its groups


def test_hostname(jail):
    lines = jail.look("self").lines()
    assert lines["hostname"] not in (os.uname().nodename, "") and len(lines["hostname"]) < 32
    assert lines["domainname"] in ("(none)", ""), lines


def test_pid_one_is_not_ours(jail):
    result = jail.look("neighbours")
    lines = result.lines()
    assert lines["others"] == "0", result
    assert lines["alive"] == "ok" and result.status == "ok", result
    for secret in ("init_environ", "init_mem", "init_exe"):
        assert lines[secret] in ("ENOENT", "EACCES", "EPERM"), result


def test_process_numbers_are_small(jail):
    lines = jail.look("self").lines()
    assert int(lines["pid"]) < 10 and int(lines["ppid"]) in (0, 1) and lines["sid"] == lines["pid"], lines


def test_environment_is_empty(jail):
    os.environ["BELLJAR_TEST_SECRET"] = "never to be seen"
    try:
        result = jail.look("environment")
    finally:
        del os.environ["BELLJAR_TEST_SECRET"]
    names = {line.partition("=")[0] for line in result.stdout.splitlines()}
    assert names <= {"PATH", "HOME", "LANG", "PWD", "TMPDIR"}, result  # at most what the profile gives
    assert "never to be seen" not in result.stdout


def test_environment_as_given(jail):
    result = jail.look("environment", options=["-E", "A=1", "-E", "B=x=y z", "-E", "EMPTY="])
    assert {"A=1", "B=x=y z", "EMPTY="} <= set(result.stdout.splitlines()), result


def test_descriptors(jail):
    reading = os.open("/", os.O_RDONLY)
    os.set_inheritable(reading, True)
    try:
        result = jail.look("descriptors", pass_fds=[reading])
    finally:
        os.close(reading)
    lines = result.lines()
    assert set(lines) == {"0", "1", "2"}, result
    assert all(kind in ("pipe", "device", "file") for kind in lines.values()), result


def test_stdio_is_not_the_hosts(jail, tmp_path):
    """Even with files for all three, the guest holds pipes or memfds: it cannot seek in, cut or reopen the host's."""
    source = tmp_path / "in"
    source.write_text("input")
    result = jail.look("descriptors", options=["-i", source])
    assert result.lines()["1"] == "pipe" and result.lines()["2"] == "pipe", result
    changed = jail.shell("echo spoiled >/proc/self/fd/0; echo spoiled >/dev/stdin; true", ["-i", source])
    assert source.read_text() == "input", changed


def test_no_terminal(jail):
    lines = jail.look("self").lines()
    assert lines["tty"] == "000" and lines["dev_tty"] != "ok", lines


def test_working_directory(jail):
    assert jail.look("self").lines()["cwd"] == "/box"
    assert jail.run(["/box/look", "self"], ["--file", "look=%s/look" % jail.programs, "-C", "/tmp"]).lines()["cwd"] \
        == "/tmp"


def test_confinement_bits(jail):
    lines = jail.look("self").lines()
    assert lines["no_new_privs"] == "1" and lines["seccomp"] in ("2", "EPERM", "-1"), lines
    assert lines["bounding_caps"] == "0", lines
    assert lines["signals_ignored"] == "0" and lines["signals_blocked"] == "0", lines


def test_confinement_bits_by_proc(jail):
    result = jail.python("print(open('/proc/self/status').read())")
    if result.status != "ok":
        assert "No such file" in result.stderr, result  # the profile has no /proc: nothing to read
        return
    status = dict(re.findall(r"^(\w+):\s*(.*)$", result.stdout, re.M))
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, (name, status[name])
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


def test_limits_are_set(jail):
    lines = jail.look("limits", options=["-t", 3, "-f", "5M", "--open-files", 33]).lines()
    assert lines["core"] == lines["core_hard"] == "0", lines
    assert lines["fsize"] == lines["fsize_hard"] == str(5 << 20), lines
    assert lines["nofile_hard"] == "33", lines
    assert 3 <= int(lines["cpu_hard"]) <= 6, lines
    assert int(lines["memlock_hard"]) <= 1 << 16 and int(lines["rtprio_hard"]) == 0, lines
    assert int(lines["stack_hard"]) > 0


def test_nothing_stays_for_the_next_run(jail):
    for _ in range(2):
        text = "ls -A /tmp /box /dev/shm; echo left >/tmp/left; echo left >/box/left; echo left >/dev/shm/left"
        result = jail.shell(text)
        assert "left" not in result.stdout, result
