"""Belljar inside containers: with stock flags a named error, with the documented ones a jail, and the doctor's word in between.

Its own file because pytest collects by file; the whole suite inside containers is run.py.
Changes when: a container needs another flag, or the doctor names one otherwise.
"""
import json
import os
import re
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]

import belljar_run  # noqa: E402
import bundle  # noqa: E402
import stock  # noqa: E402
from bundle import Flags  # noqa: E402

DOCS = os.path.join(bundle.ROOT, "docs", "CONTAINERS.md")
CALLS = [line.split()[0] for line in subprocess.run([sys.executable, bundle.GENERATOR, "--list"], check=True, capture_output=True,
                                                    text=True).stdout.splitlines()]
FORKS = """
import os, time
made = 0
try:
    while made < 300:
        if os.fork() == 0:
            time.sleep(3)
            os._exit(0)
        made += 1
except OSError as e:
    print("refused", e.errno)
else:
    print("ESCAPED", made)
"""


class Host:
    """Runs the command in containers, and hands out profiles."""

    def __init__(self, scratch):
        self.belljar = belljar_run.find_belljar()
        assert self.belljar, "no belljar to test: build it, or set BELLJAR to its path"
        build = os.path.dirname(os.path.dirname(os.path.dirname(self.belljar)))
        kept = os.path.exists(os.path.join(build, "build.ninja")) and os.access(build, os.W_OK)
        self.scratch = scratch
        self.folder = os.path.join(build, "containers") if kept else self.scratch

    def run(self, flags, argv, **more):
        try:
            return bundle.run(flags, argv, folder=self.folder, shown=[(self.belljar, "ro")], **more)
        except stock.Missing as missing:
            pytest.skip("host lacks %s" % missing)

    def doctor(self, flags, profile="default"):
        done = self.run(flags, [self.belljar, "doctor", "--json", "--profile", profile])
        try:
            return done, json.loads(done.out)
        except ValueError:
            raise AssertionError("the doctor said no JSON: %r" % done) from None

    def without(self, engine, call):
        """The profile that docs/CONTAINERS.md describes, without one of its calls; a file."""
        try:
            path = stock.fetch(self.folder, bundle.ENGINES[engine])
        except stock.Missing as missing:
            pytest.skip("host lacks %s" % missing)
        made = subprocess.run([sys.executable, bundle.GENERATOR, path], check=True, capture_output=True, text=True)
        profile = json.loads(made.stdout)
        profile["syscalls"][0]["names"].remove(call)
        for rule in profile["syscalls"][1:]:
            rule["names"] = [name for name in rule["names"] if name != call]
        profile["syscalls"].append({"names": [call], "action": "SCMP_ACT_ERRNO", "errnoRet": 1})
        made_path = os.path.join(self.scratch, "%s-without-%s.json" % (engine, call))
        with open(made_path, "w", encoding="utf-8") as f:
            json.dump(profile, f)
        return made_path


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    lacks = bundle.host_lacks()
    if lacks:
        pytest.skip("host lacks " + lacks)
    return Host(str(tmp_path_factory.mktemp("profiles")))


def findings(report):
    """What is not as it should be: {name: finding}, layers and /proc."""
    return {f["name"]: f for f in [*report["layers"], report["proc"]] if f["problem"]}


def causes(report):
    """Without what this kernel has not, and what the runtime here does not mount: the same in every container."""
    return {f["cause"] for f in findings(report).values()} - {"other", "kernel", "cgroup_absent", None}


STOCK = [("docker", {}, "clone3"), ("docker", {"uid": 1000}, "clone3"), ("docker", {"no_new_privs": True}, "clone3"),
         ("podman", {}, "sethostname"), ("podman", {"rootless": True}, "sethostname"), ("kubernetes", {}, "clone3")]
SECCOMP_FIX = {"docker": "docker run --security-opt seccomp=", "podman": "podman run --security-opt seccomp=",
               "kubernetes": "seccompProfile: {type: Localhost"}


@pytest.mark.parametrize("engine,how,call", STOCK, ids=str)
def test_stock_flags_give_a_named_error(host, engine, how, call):
    """Exit status 125, nothing started, and the message says which call, and which flag in that engine's words."""
    done = host.run(Flags(engine, **how), [host.belljar, "run", "--", "/bin/echo", "STARTED"])
    assert done.returncode == 125 and "STARTED" not in done.out, done
    assert call + "(2)" in done.err and SECCOMP_FIX[engine] in done.err, done
    assert done.err.count("\n") == 1 and len(done.err) < 500, done


@pytest.mark.parametrize("engine,how,call", STOCK, ids=str)
def test_doctor_names_the_seccomp_flag(host, engine, how, call):
    done, report = host.doctor(Flags(engine, unmasked=True, **how))
    assert (done.returncode, report["container"], report["seccomp_filter_around"]) == (1, engine, True), report
    assert causes(report) == {"seccomp"}, findings(report)
    required = [f for f in report["layers"] if f["mode"] == "require" and not f["on"]]
    assert required and report["missing"] == len(required), report
    for finding in required:
        assert SECCOMP_FIX[engine] in finding["fix"] and re.search(r"refuses \w+\(2\)", finding["problem"]), finding
    assert any(call + "(2)" in f["problem"] for f in required), required


MINIMAL = [Flags("docker", "added", True), Flags("docker", "added", True, uid=1000), Flags("docker", "unconfined", True),
           Flags("docker", "added", True, add=("CAP_SYS_ADMIN",)), Flags("podman", "added", True, rootless=True),
           Flags("podman", "added", True, rootless=True, uid=1000), Flags("podman", "added", True),
           Flags("kubernetes", "added", True, uid=1000, rootless=True, no_new_privs=True)]


def name_of(flags):
    return "-".join([flags.engine, flags.seccomp, str(flags.uid), *flags.add, *(["rootless"] if flags.rootless else [])])


@pytest.mark.parametrize("flags", MINIMAL, ids=name_of)
def test_minimal_flags_run_a_jail(host, flags):
    """Every required layer is on, in a profile with /proc too, and the doctor has nothing to name."""
    programs = {"python": ["python3", "-c", "print(6 * 7)"], "sh": ["sh", "-c", "echo $((6 * 7)); test -e /proc/$$"]}
    for profile, words in programs.items():
        done = host.run(flags, [host.belljar, "run", "--json", "-P", profile, "--", *words])
        result = json.loads(done.out or "null")
        assert result and (result["status"], result["stdout"]) == ("ok", "42\n"), done
    off = {name for name, value in result["layers"].items() if not re.match("on|abi|v[12]", value)}
    assert off <= {"apparmor", "cgroup", "landlock", "time", "denial_report"}, result["layers"]
    done, report = host.doctor(flags, "sh")
    assert done.returncode == 0 and causes(report) == set(), findings(report)


@pytest.mark.parametrize("flags", [MINIMAL[0], MINIMAL[1], MINIMAL[4]], ids=name_of)
def test_attacks_are_contained(host, flags):
    """Processes without end (no control group here: a host's root would not be bound by RLIMIT_NPROC), the container's files,
    its other processes, and the way out by its own root directory."""
    done = host.run(flags, [host.belljar, "run", "--json", "-P", "python", "-p", "20", "--", "python3", "-c", FORKS])
    assert json.loads(done.out)["stdout"].startswith("refused"), done
    script = ("cat /etc/passwd; ls /etc /work /home; kill -0 1 && echo ESCAPED; cd /proc/1/root && ls && echo ESCAPED; "
              "mount -t tmpfs x /tmp && echo ESCAPED; unshare -Ur true && echo ESCAPED; echo done")
    done = host.run(flags, [host.belljar, "run", "--json", "-P", "sh", "--", "sh", "-c", script])
    result = json.loads(done.out)
    assert result["stdout"].split()[-1] == "done" and "ESCAPED" not in result["stdout"] and "bjtest" not in result["stdout"], done


def test_runs_of_a_containers_root_have_ids_of_their_own(host):
    """Its uid is the host's root. Without CAP_SYS_ADMIN, Docker's capabilities still let it give its runs other ids."""
    script = ("import subprocess, sys, time, os\n"
              "child = subprocess.Popen([sys.argv[1], 'run', '--', 'sleep', '5'])\ntime.sleep(1)\n"
              "print(sorted(os.stat('/proc/' + p).st_uid for p in os.listdir('/proc') if p.isdigit() and int(p) > child.pid))\n"
              "child.terminate()\nchild.wait()")
    done = host.run(MINIMAL[0], ["/usr/bin/python3", "-c", script, host.belljar])
    ids = json.loads(done.out or "[]")
    assert len(ids) == 2 and all(uid >= 1610612736 for uid in ids) and ids[0] != ids[1], done


# One flag less than what is documented: the doctor names that one, and nothing else.
LESS = [
    ("docker", {"unmasked": False}, "masked_proc", "--security-opt systempaths=unconfined"),
    ("podman", {"unmasked": False}, "masked_proc", "--security-opt unmask=ALL"),
    ("podman", {"unmasked": False, "rootless": True}, "masked_proc", "--security-opt unmask=ALL"),
    ("kubernetes", {"unmasked": False}, "masked_proc", "procMount: Unmasked"),
    ("docker", {"seccomp": "stock"}, "seccomp", "--security-opt seccomp="),
    ("docker", {"cgroup": "read-only"}, "cgroup_read_only", "--security-opt writable-cgroups=true"),
    ("podman", {"cgroup": "read-only"}, "cgroup_read_only", "--security-opt unmask=/sys/fs/cgroup"),
    ("kubernetes", {"cgroup": "read-only"}, "cgroup_read_only", "cgroup_writable = true"),
    ("docker", {"cgroup": "writable"}, None, None),
    ("podman", {"rootless": True, "limits": (("max_user_namespaces", "0"),)}, "max_user_namespaces",
     "sysctl -w user.max_user_namespaces"),
]


@pytest.mark.parametrize("engine,less,cause,fix", LESS, ids=str)
def test_doctor_names_exactly_the_flag_that_is_missing(host, engine, less, cause, fix):
    flags = Flags(engine, **{"seccomp": "added", "unmasked": True, **less})
    lacks = bundle.host_lacks(flags)
    if lacks:
        pytest.skip("host lacks " + lacks)
    done, report = host.doctor(flags, "sh")
    assert causes(report) == ({cause} if cause else set()), findings(report)
    named = [f for f in findings(report).values() if f["cause"] == cause]
    assert not cause or any(fix in f["fix"] for f in named), named
    wanted = any(f["mode"] in ("require", "own") and not f["on"] for f in named)
    assert done.returncode == int(wanted), report
    with open(DOCS, encoding="utf-8") as f:
        assert not fix or fix in f.read(), "docs/CONTAINERS.md does not tell of it"


# Made only for a run in a v1 group, and where no group counts memory: what they give is then told apart.
NEEDS = {"unshare": {"cgroup": "writable"}}


@pytest.mark.parametrize("call", CALLS)
def test_doctor_names_exactly_the_call_that_is_missing(host, call):
    flags = Flags("docker", host.without("docker", call), True, **NEEDS.get(call, {}))
    lacks = bundle.host_lacks(flags)
    if lacks:
        pytest.skip("host lacks " + lacks)
    done, report = host.doctor(flags, "sh")
    named = {word for f in findings(report).values() if f["cause"] == "seccomp" for word in re.findall(r"(\w+)\(2\)", f["problem"])
             if word != "vfork"}
    assert causes(report) == {"seccomp"} and named == {call}, findings(report)
    ran = host.run(flags, [host.belljar, "run", "-P", "sh", "--", "sh", "-c", "echo STARTED"])
    if call == "kcmp":  # costs a run nothing but the exact sum of its memory
        assert done.returncode == 0 and ran.out == "STARTED\n", ran
    else:
        assert done.returncode == 1 and (ran.returncode, ran.out) == (125, "") and call + "(2)" in ran.err, ran


def test_doctor_knows_containers_without_a_mark(host):
    """crun or runc by themselves: all three engines' words."""
    done = host.run(Flags("docker", unmasked=True), ["sh", "-c", "rm /.dockerenv; exec %s doctor --json" % host.belljar])
    report = json.loads(done.out)
    assert report["container"] == "unknown", report
    fix = next(f["fix"] for f in report["layers"] if f["name"] == "user")
    assert "docker or podman run --security-opt seccomp=" in fix and "kubernetes seccompProfile:" in fix, fix


# ---- the generator, without any container

PROFILE = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
    {"names": ["read", "mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
    {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
    {"names": ["bpf", "sethostname"], "action": "SCMP_ACT_ERRNO"}]}


def generate(text, *words):
    argv = [sys.executable, bundle.GENERATOR, *(words or ("-",))]
    return subprocess.run(argv, input=text, check=False, capture_output=True, text=True)


def test_generator_adds_its_calls_and_nothing_else():
    made = json.loads(generate(json.dumps(PROFILE)).stdout)
    added, *rest = made["syscalls"]
    assert set(added) == {"names", "action", "comment"}
    assert (added["action"], sorted(added["names"])) == ("SCMP_ACT_ALLOW", sorted(CALLS))
    assert rest == [PROFILE["syscalls"][0], {"names": ["bpf"], "action": "SCMP_ACT_ERRNO"}]
    assert {key: made[key] for key in made if key != "syscalls"} == {key: PROFILE[key] for key in PROFILE if key != "syscalls"}


def test_generator_resolves_conditions():
    """containerd takes no conditions: what is for CAP_SYS_ADMIN must not come through without it."""
    def actions(capabilities):
        made = json.loads(generate(json.dumps(PROFILE), "--resolve", capabilities, "-").stdout)
        assert not any(set(rule) - {"names", "action", "args", "errnoRet"} for rule in made["syscalls"])
        return {name: rule["action"] for rule in made["syscalls"] for name in rule["names"]}
    assert "read" not in actions("default") and actions("default,CAP_SYS_ADMIN")["read"] == "SCMP_ACT_ALLOW"
    assert actions("none")["clone3"] == "SCMP_ACT_ALLOW" and actions("none")["bpf"] == "SCMP_ACT_ERRNO"
    odd = dict(PROFILE, syscalls=[{"names": ["read"], "action": "SCMP_ACT_ALLOW", "unless": {}}])
    assert generate(json.dumps(odd), "--resolve", "none", "-").returncode == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"syscalls": 3}', "not JSON", '{"syscalls": [{}]}'])
def test_generator_refuses_what_is_no_profile(text):
    done = generate(text)
    assert done.returncode == 1 and done.stdout == "" and "not a seccomp profile" in done.stderr, done


def test_docs_list_the_calls():
    with open(DOCS, encoding="utf-8") as f:
        page = f.read()
    assert re.findall(r"^\| `(\w+)` \| ", page, re.M) == CALLS
