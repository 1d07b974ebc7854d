"""Files handed in and handed out.

Its own file because what crosses the wall as data is the most repeated hole of all sandboxes.
Changes when: the rules for names or for what may be collected change.
"""
import base64
import json
import os
import re

import belljar_run
import pytest


def spec(tmp_path, files, command=("cat", "in.txt"), **more):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"version": 1, "profile": "sh", "command": list(command), "files": files, **more}))
    return str(path)


def run_spec(belljar, path, *options):
    return belljar_run.run_argv([belljar, "run", "--json", *options, "--spec", path])


# ---- in ------------------------------------------------------------------------------------------------

def test_text(belljar, tmp_path):
    result = run_spec(belljar, spec(tmp_path, [{"path": "in.txt", "text": "grüß\n"}]))
    assert result.status == "ok" and result.stdout == "grüß\n", result


def test_base64(belljar, tmp_path):
    data = bytes(range(256))
    result = run_spec(belljar, spec(tmp_path, [{"path": "in.txt", "base64": base64.b64encode(data).decode()}]))
    assert result.status == "ok" and result.bytes() == data, result


def test_source(jail, host_file):
    result = jail.run(["cat", "a/b/in.txt"], ["--profile", "sh", "--file", "a/b/in.txt=" + host_file("x", b"deep\n")])
    assert result.status == "ok" and result.stdout == "deep\n", result


def test_source_directory(jail, tmp_path):
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "one").write_text("1\n")
    (tmp_path / "tree" / "sub" / "two").write_text("2\n")
    result = jail.shell("cat lib/one lib/sub/two", ["--file", "lib=%s/tree" % tmp_path])
    assert result.stdout == "1\n2\n", result


def test_several(jail, host_file):
    a, b = host_file("a", b"A"), host_file("b", b"B")
    result = jail.shell("cat a d/b", ["--file", "a=" + a, "--file", "d/b=" + b])
    assert result.stdout == "AB", result


def test_a_program_is_run_but_not_changed(jail):
    """The handed-in program is the operator's: the guest may run it and nothing else."""
    text = "./look exit 0; echo x >look; echo write=$?; rm -f look; echo remove=$?; mv look other; echo move=$?; " \
           "cp /bin/true look; echo replace=$?; ./look self >/dev/null; echo run=$?"
    result = jail.shell(text, ["--file", "look=%s/look" % jail.programs, "-p", 8])
    lines = result.lines()
    assert lines["run"] == "0", result
    assert all(lines[name] != "0" for name in ("write", "remove", "move", "replace")), result


def test_stdin_is_whole(jail, host_file):
    data = os.urandom(3 << 20)
    result = jail.load("echo", options=["-i", host_file("in", data), "--output-limit", "8M"])
    assert result.status == "ok" and result.bytes() == data, result


def test_output_to_files(jail, tmp_path):
    out, err = tmp_path / "out", tmp_path / "err"
    result = jail.load("talk", 4, 1, options=["-o", out, "-r", err], as_json=False)
    assert result.returncode == 0, result
    assert out.read_text() == "out 0\nout 2\n" and err.read_text() == "err 1\nerr 3\n"
    assert result.out == b""


BAD_NAMES = ["../up", "a/../b", "/absolute", "a/./b", "./a", "a//b", "", ".", "..", "a/", "new\nline", "tab\tname",
             "a\u0000b", "esc\x1b[1m", "x" * 256, "/".join("d" * 60), "del\x7f"]


@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda n: ascii(n)[:24])
def test_bad_names_are_refused(belljar, tmp_path, name):
    result = run_spec(belljar, spec(tmp_path, [{"path": "in.txt", "text": "ok"}, {"path": name, "text": "x"}]))
    assert result.returncode == 125, result
    assert "files[1].path" in result.message, result
    assert "\x1b" not in result.message and "\x00" not in result.message
    assert b"ok" not in result.out


@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b", "a")], ids="+".join)
def test_duplicate_names_are_refused(belljar, tmp_path, names):
    result = run_spec(belljar, spec(tmp_path, [{"path": "in.txt", "text": ""},
                                               *[{"path": n, "text": "x"} for n in names]]))
    assert result.returncode == 125, result
    assert "files[" in result.message, result


def test_exactly_one_content(belljar, tmp_path):
    for extra in ({}, {"text": "a", "base64": "YQ=="}):
        result = run_spec(belljar, spec(tmp_path, [{"path": "in.txt", **extra}]))
        assert result.returncode == 125 and "files[0]" in result.message, result


@pytest.mark.parametrize("text", ["YQ", "Y Q=", "****", "YQ==YQ==", "YR=="])
def test_bad_base64_is_refused(belljar, tmp_path, text):
    result = run_spec(belljar, spec(tmp_path, [{"path": "in.txt", "base64": text}]))
    assert result.returncode == 125 and "files[0].base64" in result.message, result


def test_source_link_is_refused(jail, tmp_path, host_file):
    os.symlink(host_file("target", b"behind the link"), tmp_path / "link")
    result = jail.run(["cat", "in"], ["--profile", "sh", "--file", "in=%s/link" % tmp_path])
    assert result.returncode == 125, result
    assert "link" in result.message and b"behind" not in result.out, result


def test_source_below_a_linked_directory_is_refused(jail, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "f").write_text("behind the link")
    os.symlink("real", tmp_path / "alias")
    result = jail.run(["cat", "in"], ["--profile", "sh", "--file", "in=%s/alias/f" % tmp_path])
    assert result.returncode == 125 and b"behind" not in result.out, result


def test_link_inside_a_source_directory_is_refused(jail, tmp_path):
    (tmp_path / "tree").mkdir()
    os.symlink("/etc/hostname", tmp_path / "tree" / "link")
    result = jail.run(["cat", "in/link"], ["--profile", "sh", "--file", "in=%s/tree" % tmp_path])
    assert result.returncode == 125, result


@pytest.mark.parametrize("make", ["fifo", "device", "missing"])
def test_odd_sources_are_refused(jail, tmp_path, make):
    path = tmp_path / "odd"
    if make == "fifo":
        os.mkfifo(path)
    elif make == "device":
        path = "/dev/zero"
    result = jail.run(["cat", "in"], ["--profile", "sh", "--file", "in=%s" % path], timeout=10)
    assert result.returncode == 125, result
    assert str(path) in result.message, result


def test_unreadable_source(belljar, programs, tmp_path):
    path, prefix = "/etc/shadow", []
    if belljar_run.is_root():
        path = tmp_path / "private"
        path.write_text("root:")
        path.chmod(0o600)
        os.chmod(tmp_path, 0o755)
        prefix = belljar_run.setpriv(*belljar_run.ordinary_user())
    elif not os.path.exists(path) or os.access(path, os.R_OK):
        pytest.skip("host lacks a file that this user may not read")
    copy = belljar_run.reachable_copy(belljar, programs)
    result = belljar_run.run(copy, ["--profile", "sh", "--file", "in=%s" % path], ["cat", "in"], prefix=prefix)
    assert result.returncode == 125 and b"root:" not in result.out, result
    assert str(path) in result.message, result


# ---- out -----------------------------------------------------------------------------------------------

def test_patterns(jail):
    result = jail.load("leave", 10, options=["--collect", "out/*", "--collect", "plain.txt"])
    assert sorted(f["path"] for f in result.files) == ["out/a.bin", "out/b.txt", "plain.txt"], result
    assert belljar_run.file_bytes(result.file("plain.txt")) == b"fffff"
    assert belljar_run.file_bytes(result.file("out/a.bin")) == b"f" * 3000
    assert result.file("out/a.bin")["bytes"] == 3000


def test_star_does_not_cross_a_directory(jail):
    result = jail.load("leave", 10, options=["--collect", "*.bin"])
    assert result.files == [], result


def test_nothing_is_collected_unasked(jail):
    assert jail.load("leave", 10).files == []


def test_a_pattern_without_a_match_is_no_error(jail):
    result = jail.load("leave", 10, options=["--collect", "nothing-*"])
    assert result.status == "ok" and result.files == [], result


@pytest.mark.parametrize("name", ["link.txt", "beside.txt", "hard.txt", "fifo.txt", "directory.txt", "sparse.txt"])
def test_only_plain_files_come_out(jail, name):
    """Asked for by name, what is no plain file with one link is refused, quickly, and says why."""
    result = jail.load("leave", 1 << 34, options=["--collect", name, "-f", "32G", "-w", 10])
    made = {"link.txt": "symlink", "beside.txt": "symlink_beside", "hard.txt": "hardlink", "fifo.txt": "fifo",
            "directory.txt": "directory", "sparse.txt": "sparse"}[name]
    assert result.seconds < 8, result
    if result.lines()[made] != "ok":
        assert result.files == [], result  # the jail would not even let it be made
        return
    entry = result.file(name)
    assert belljar_run.file_bytes(entry) is None, result
    assert entry.get("error"), result


def test_a_linked_directory_is_not_entered(jail):
    result = jail.load("leave", 10, options=["--collect", "linkdir/*", "--collect", "linkdir/passwd"])
    assert all(belljar_run.file_bytes(f) is None for f in result.files), result


def test_a_hard_linked_file_is_refused_under_both_names(jail):
    result = jail.load("leave", 10, options=["--collect", "hard.txt", "--collect", "first.txt"])
    if result.lines()["hardlink"] == "ok":
        assert all(belljar_run.file_bytes(f) is None for f in result.files), result


def test_names_that_break_lines_and_text(jail):
    result = jail.load("leave", 10, options=["--collect", "*"])
    assert result.json is not None, "the result is not valid JSON: %s" % result
    for entry in result.files:
        assert not set(entry["path"]) & set("\x00"), entry
    assert b"new\nline" not in result.out  # a raw line break in JSON would be invalid; escaped or refused is right
    assert belljar_run.file_bytes(result.file("plain.txt")) == b"fffff"


def test_a_file_of_mode_zero_is_still_the_results(jail):
    result = jail.load("leave", 10, options=["--collect", "secret.txt"])
    assert belljar_run.file_bytes(result.file("secret.txt")) in (b"ff", None), result
    entry = result.file("secret.txt")
    assert belljar_run.file_bytes(entry) is not None or entry.get("error"), result


def test_too_many(jail):
    result = jail.load("fill", "n", 1, 600, options=["--collect", "n*", "--files", 1000])
    assert result.status == "ok", result
    taken = [f for f in result.files if belljar_run.file_bytes(f) is not None]
    assert len(taken) <= 256 and len(result.files) <= 300, len(result.files)
    assert any(f.get("error") for f in result.files), "600 files became %d without a word" % len(result.files)


def test_too_large_together(jail):
    result = jail.load("fill", "n", 30 << 20, 4, options=["--collect", "n*", "-d", "256M", "-f", "64M", "-m", "512M"])
    assert result.status == "ok", result
    taken = [f for f in result.files if belljar_run.file_bytes(f) is not None]
    assert sum(f["bytes"] for f in taken) <= 64 << 20, result
    assert any(f.get("error") for f in result.files)


def test_collected_after_a_kill(jail):
    result = jail.shell("echo early >a.txt; sleep 30", ["--collect", "a.txt", "-w", 1, "-p", 4])
    assert result.status == "time_limit", result
    assert belljar_run.file_bytes(result.file("a.txt")) == b"early\n"


def test_a_deep_tree_is_harmless(jail):
    code = "import os\nfor i in range(900):\n os.mkdir('d'); os.chdir('d')\nopen('f','w').close()"
    result = jail.python(code, ["--collect", "d/*", "--collect", "/".join(["d"] * 20) + "/*", "--files", 2000])
    assert result.json is not None and result.seconds < 10, result


@pytest.mark.parametrize("pattern", ["../*", "/etc/*", "a/../../*", ""])
def test_bad_patterns_are_refused(jail, pattern):
    result = jail.load("exit", 0, options=["--collect", pattern])
    assert result.returncode == 125 and "collect" in result.message, result


def test_collect_to_a_directory(jail, tmp_path):
    to = tmp_path / "to"
    to.mkdir()
    result = jail.load("leave", 10, options=["--collect", "out/*", "--collect", "link.txt", "--collect-to", to])
    assert result.status == "ok", result
    assert (to / "out" / "a.bin").read_bytes() == b"f" * 3000
    assert not os.path.lexists(to / "link.txt")
    assert os.stat(to / "out" / "a.bin").st_mode & 0o7000 == 0


def test_collect_to_follows_no_link_of_the_hosts(jail, tmp_path):
    """A directory that holds a link under an output's name: the file behind it must not change."""
    victim = tmp_path / "victim"
    victim.write_text("unchanged")
    to = tmp_path / "to"
    to.mkdir()
    os.symlink(victim, to / "plain.txt")
    jail.load("leave", 10, options=["--collect", "plain.txt", "--collect-to", to])
    assert victim.read_text() == "unchanged"


def test_collect_to_a_missing_directory(jail, tmp_path):
    result = jail.load("leave", 10, options=["--collect", "plain.txt", "--collect-to", tmp_path / "missing" / "deep"])
    assert result.returncode == 125 or (tmp_path / "missing" / "deep" / "plain.txt").exists(), result


# ---- mounts --------------------------------------------------------------------------------------------

def test_read_only_bind(jail, tmp_path):
    os.chmod(tmp_path, 0o755)
    (tmp_path / "data").write_text("seen\n")
    result = jail.shell("cat /data/data; echo x >/data/new; echo write=$?",
                        ["--ro-bind", tmp_path, "/data", "--off", "apparmor"])  # whose profile knows the usual paths only
    assert result.stdout.startswith("seen\n") and result.lines()["write"] != "0", result
    assert os.listdir(tmp_path) == ["data"]


def test_writable_bind(jail, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(0o777)
    os.chmod(tmp_path, 0o755)
    result = jail.shell("echo x >/data/new; echo write=$?; ln -s /usr /data/l; ls /data/l/bin >/dev/null; "
                        "echo follow=$?", ["--bind", place, "/data", "-p", 4, "--off", "apparmor"])
    assert result.lines()["write"] == "0", result
    assert (place / "new").read_text() == "x\n"
    assert result.lines()["follow"] != "0", "a link made by the guest was followed where guests write"


@pytest.mark.parametrize("target", ["/", "/proc", "relative", "/a/../b", "/box/../etc", "/dev"])
def test_bad_mount_targets(jail, tmp_path, target):
    result = jail.load("exit", 0, options=["--ro-bind", tmp_path, target])
    assert result.returncode == 125 and re.search("mounts|--ro-bind", result.message), result


def test_missing_mount_source(jail):
    result = jail.load("exit", 0, options=["--ro-bind", "/no/such/place", "/data"])
    assert result.returncode == 125 and "/no/such/place" in result.message, result


def test_sources_are_only_for_operators(belljar, tmp_path):
    """A request file may name sources only if its profile does; the command line's own options may."""
    result = run_spec(belljar, spec(tmp_path, [{"path": "in.txt", "text": "x"}],
                                    mounts=[{"source": "/root", "target": "/data", "mode": "rw"}]))
    assert result.returncode == 125 and "mounts" in result.message, result
