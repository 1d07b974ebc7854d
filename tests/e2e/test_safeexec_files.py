"""safeexec: what of the host its programs can read and write, and as whom.

Its own file because the old command showed the whole host, and a jail must not.
Changes when: something else of the host is shown.
"""
import os
import shutil

import pytest

from test_safeexec import ROOM, modes, place, put, python, safeexec, tool  # noqa: F401  pylint: disable=unused-import

HELLO = "#include <unistd.h>\nint main(void) { return write(1, \"Hello World\\n\", 12) != 12; }\n"
PROC = "import ctypes; ctypes.CDLL(None).prctl(15, b'renamed', 0, 0, 0); b = ctypes.create_string_buffer(16); " \
       "ctypes.CDLL(None).prctl(16, b, 0, 0, 0); print(b.value)"


# ---- ids: they have no power


IDS = "import os; print(*os.getresuid(), *os.getresgid(), os.getgroups())"


@pytest.mark.parametrize("options", [[], ["--gid", "42"], ["--uidplus", "0"], ["--uid", "0"], ["--uid", "99"],
                                     ["--gid", "6", "--uid", "1", "--uidplus", "3"]])
def test_ids_are_the_jails(safeexec, options):
    """Real, effective and saved ones are the same, and no number of the caller's choice."""
    done = safeexec(*options, command=python(IDS))
    assert (done.code, done.out) == (0, b"1000 1000 1000 1000 1000 1000 []\n"), done


@pytest.fixture
def guarded(place):
    """A file that only its group, 42, may read, and one of root's; in a directory that is shown."""
    if "root" not in modes():
        pytest.skip("host lacks root for this test")
    for name, uid, gid, mode in (("shadow", 0, 42, 0o640), ("roots", 0, 0, 0o600), ("open", 0, 0, 0o644)):
        put(place, name, "secret", mode)
        os.chown(place / name, uid, gid)
        os.chmod(place / name, mode)
    return place


@pytest.mark.parametrize("options", [["--gid", "42"], ["--uid", "0"], ["--uid", "0", "--gid", "42"], ["--uidplus", "0"]])
def test_no_group_or_user_is_had(safeexec, guarded, options):
    """What made the set-uid command a way to root."""
    for path in ("/etc/shadow", "shadow", "roots", str(guarded / "shadow")):
        done = safeexec(*options, command=["/usr/bin/wc", "-c", path])
        assert done.code == 1 and b"6" not in done.out and done.out == b"", (path, done)
        assert done.verdict == "Command exited with non-zero status (1)", (path, done)
    assert safeexec(*options, command=["/usr/bin/wc", "-c", "open"]).out == b"6 open\n"


def test_other_processes_are_not_seen(safeexec):
    done = safeexec("--mem", ROOM, command=python("import os\nfor n in range(2, 400):\n try: os.kill(n, 0); print(n)\n except OSError: pass"))
    assert len(done.out.split()) <= 1, done  # itself


def test_the_name_of_a_process(safeexec):
    done = safeexec("--mem", ROOM, command=python(PROC))
    assert done.out == b"b'renamed'\n", done


# ---- the directory where it starts


def test_programs_of_the_working_directory(safeexec, place, programs):
    shutil.copy(os.path.join(programs, "load"), place / "load")
    put(place, "hello.py", "#!/usr/bin/env python3\nprint('Hello World')\n")
    (place / "tests").mkdir()
    put(place / "tests", "hello.py", "#!/usr/bin/python3\nprint('Hello World')\n")
    os.chmod(place / "tests", 0o755)
    for name in ("./hello.py", "hello.py", "tests/hello.py", "../judge/hello.py", str(place / "hello.py")):
        assert safeexec(command=[name]).out == b"Hello World\n", name
    assert safeexec("--exec_dir", "tests", command=["hello.py"]).out == b"Hello World\n"
    assert safeexec(command=["/usr/bin/python3", "tests/hello.py"]).out == b"Hello World\n"


def test_a_program_from_elsewhere_comes_alone(safeexec, place, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    os.chmod(other, 0o755)
    put(other, "neighbour", "x", 0o644)
    program = put(other, "look.py", "#!/usr/bin/python3\nimport os, sys\n"
                  "print(os.path.exists(sys.argv[0]), os.path.exists(os.path.dirname(sys.argv[0]) + '/neighbour'))\n")
    done = safeexec(command=[str(program)])
    assert (done.code, done.out) == (0, b"True False\n"), done


def test_commands_are_found_as_a_shell_does(safeexec):
    """The old command knew no PATH; where it failed this works."""
    assert safeexec(command=["echo", "x"]).out == b"x\n"


def test_a_listing_of_the_working_directory(safeexec, place):
    put(place, "ls.py", "#!/usr/bin/python3\nimport os; print(sorted(os.listdir('.')))\n")
    (place / "tests").mkdir(mode=0o755)
    listing = python("import os; print(sorted(os.listdir('.')))")
    assert safeexec(command=["./ls.py"]).out == b"['ls.py', 'tests']\n"
    assert safeexec("--exec_dir", "tests", command=listing).out == b"[]\n"
    os.chmod(place, 0o750)
    done = safeexec(command=listing)
    assert done.code == 1 and "Permission denied" in done.report.stderr, done


def test_reading(safeexec, place):
    put(place, "Makefile", "all:\n", 0o644)
    show = python("print(open(input()).read())")
    assert safeexec(command=show, stdin=b"Makefile\n").out == b"all:\n\n"
    for name in (b"/etc/passwd\n", b"/etc/shadow\n", b"/proc/1/environ\n", b"/root/.bashrc\n"):
        assert safeexec(command=show, stdin=name).code == 1, name
    if safeexec.mode == "root":
        os.chmod(place / "Makefile", 0o640)
        assert "Permission denied" in safeexec(command=show, stdin=b"Makefile\n").report.stderr


WRITE = "f = open('new', 'wb', 0); print('opened'); f.write(b'x' * 1000)"


def test_writing(safeexec, place):
    """Where others may write, as ever; and no more than --fsize."""
    done = safeexec("--fsize", 1, command=python(WRITE))
    assert done.code == 1 and ("Read-only" in done.text or "Permission denied" in done.text), done
    os.chmod(place, 0o777)
    done = safeexec(command=python(WRITE))
    assert (done.code, done.out) == (1, b"opened\n") and "File too large" in done.text, done
    (place / "new").unlink()
    done = safeexec("--fsize", 1, command=python(WRITE))
    assert (done.code, (place / "new").read_bytes()) == (0, b"x" * 1000), done


def test_its_own_places_can_be_written(safeexec):
    assert safeexec("--fsize", 1, command=python("open('/tmp/x', 'w').write('x'); print(open('/tmp/x').read())")).out == b"x\n"


def test_files_of_the_host_cannot_be_changed(safeexec, place):
    put(place, "mine", "x", 0o644)
    done = safeexec(command=python("import os; os.chmod('mine', 0)"))
    assert done.code == 1 and (place / "mine").stat().st_mode & 0o777 == 0o644, done


def test_odd_places_to_start_from(safeexec):
    for directory in ("/", "/tmp", "/usr/lib"):
        assert safeexec(command=["/bin/pwd"], cwd=directory).out == directory.encode() + b"\n"
    for directory in ("/etc", "/dev", "/var"):
        assert safeexec(command=["/bin/pwd"], cwd=directory).out == b"/box\n"


# ---- --chroot_dir


@pytest.fixture
def chroot(place, programs):
    directory = place / "chrootjail"
    for part in ("", "bin", "lib", "proc", "tmp"):
        (directory / part).mkdir(mode=0o755)
    shutil.copy(os.path.join(programs, "look"), directory / "look")
    shutil.copy(os.path.join(programs, "look"), directory / "bin" / "look")
    return directory


def test_chroot(safeexec, chroot):
    """Nothing but what is in it, and what every jail has."""
    for options, command in (([], "look"), ([], "/look"), ([], "bin/look"), (["--exec_dir", "bin"], "look"),
                             (["--exec_dir", "/bin/."], "./look"), (["--exec_dir", "bin"], "/look")):
        done = safeexec("--chroot_dir", chroot, *options, command=[command, "paths", "/usr", "/etc", "/bin/look", "/lib"])
        assert done.code == 0, (options, command, done)
        lines = done.out.decode().splitlines()
        assert "stat:/usr=ENOENT" in lines and "stat:/etc=ENOENT" in lines, done
        assert "stat:/bin/look=ok" in lines and "stat:/lib=ok" in lines, done
    assert safeexec("--chroot_dir", "chrootjail", "--exec_dir", "bin", command=["./look", "self"]).out.count(b"cwd=/bin\n") == 1


def test_chroot_without_libraries(safeexec, chroot, place):
    if not os.path.exists("/lib64/ld-linux-x86-64.so.2") or not shutil.which("cc"):
        pytest.skip("host lacks a C compiler, or another processor's loader is known here")
    put(place, "hello.c", HELLO)
    assert os.system("cc -o %s/hello %s/hello.c" % (chroot, place)) == 0
    done = safeexec("--chroot_dir", chroot, command=["hello"])
    assert (done.code, done.report.stderr) == (1, "error 2 (No such file or directory): execve error"), done
    for name in ("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"):
        target = chroot / name[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(name), target)
    assert safeexec("--chroot_dir", chroot, command=["hello"]).out == b"Hello World\n"
    os.rename(chroot / "lib64", chroot / "libraries")
    os.symlink("libraries", chroot / "lib64")
    assert safeexec("--chroot_dir", chroot, command=["hello"]).out == b"Hello World\n"


def test_links_in_a_chroot_stay_in_it(safeexec, chroot):
    os.symlink("/etc", chroot / "outside")
    os.symlink("../../../../etc/passwd", chroot / "bin" / "passwd")
    done = safeexec("--chroot_dir", chroot, command=["look", "paths", "/outside", "/bin/passwd"])
    assert "stat:/outside=ENOENT" in done.out.decode() and "stat:/bin/passwd=ENOENT" in done.out.decode(), done


def test_what_a_chroot_cannot_hold(safeexec, chroot):
    (chroot / "box").mkdir()
    done = safeexec("--chroot_dir", chroot, command=["look", "self"])
    assert done.code == 1 and "what Belljar makes itself" in done.text and done.verdict == "Internal Error", done
