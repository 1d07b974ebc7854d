"""The shipped profiles, each with the real programs that it is for.

Its own file because a wall that real programs do not fit through is no use.
Changes when: a profile is added, or promises more.
"""
import os
import shutil
import subprocess

import pytest

MODULES = ["json", "re", "math", "random", "datetime", "decimal", "fractions", "collections", "itertools", "functools",
           "hashlib", "sqlite3", "csv", "io", "os", "sys", "subprocess", "threading", "tempfile", "zlib", "bz2", "lzma",
           "struct", "array", "statistics", "textwrap", "string", "uuid", "secrets", "base64", "unittest", "asyncio",
           "email", "html", "xml.etree.ElementTree", "urllib.parse", "pathlib", "shutil", "glob", "logging", "argparse",
           "configparser", "dataclasses", "typing", "enum", "heapq", "bisect", "contextlib", "copy", "pickle",
           "ctypes", "locale", "gettext", "time", "calendar", "zoneinfo", "socket", "ssl", "select", "selectors"]


@pytest.fixture(scope="module", autouse=True)
def debian_python():
    if not os.path.exists("/usr/bin/python3"):
        pytest.skip("host lacks /usr/bin/python3")


def is_there(module):
    return subprocess.run(["/usr/bin/python3", "-c", "import " + module], capture_output=True, check=False).returncode == 0


def test_profiles_are_listed(belljar):
    out = subprocess.run([belljar, "profiles"], capture_output=True, text=True, check=True).stdout
    for name in ("default", "python", "python-packages", "sh", "c", "node"):
        assert name in out, out


# ---- python ---------------------------------------------------------------------------------------------

def test_python_prints(jail):
    result = jail.python("print(6 * 7)")
    assert result.status == "ok" and result.stdout == "42\n" and result.denials == [], result


@pytest.mark.parametrize("module", MODULES)
def test_python_standard_library(jail, module):
    result = jail.python("import %s; print('imported')" % module)
    assert result.stdout == "imported\n", result


def test_python_work_with_nothing_refused(jail):
    code = """
import json, re, sqlite3, math, random, tempfile, hashlib, time, datetime, zlib
assert json.loads(json.dumps({"a": [1, None, "ü"]})) == {"a": [1, None, "ü"]}
assert re.sub(r"(\\w+)@(\\w+)", r"\\2.\\1", "you@home") == "home.you"
db = sqlite3.connect("box.db"); db.execute("create table t(x)"); db.executemany("insert into t values(?)", [(i,) for i in range(1000)])
db.commit(); assert db.execute("select sum(x) from t").fetchone() == (499500,); db.close()
with tempfile.NamedTemporaryFile("w+") as f: f.write("x"); f.flush(); assert open(f.name).read() == "x"
assert hashlib.sha256(b"").hexdigest().startswith("e3b0"); random.random(); datetime.datetime.now(); time.sleep(0.01)
assert zlib.decompress(zlib.compress(b"a" * 100000)) == b"a" * 100000
print("worked")
"""
    result = jail.python(code)
    assert result.status == "ok" and result.stdout == "worked\n", result
    assert result.denials == [], result


def test_python_traceback(jail):
    result = jail.python("def f(): return 1 / 0\nf()")
    assert result.status == "exit" and result.exit_code == 1, result
    assert "ZeroDivisionError" in result.stderr


def test_python_unicode(jail):
    result = jail.python("print('grüße ☃ \\U0001f600')")
    assert result.stdout == "grüße ☃ 😀\n", result


def test_python_script_file(jail, host_file):
    script = host_file("main.py", b"import sys, helper; print(helper.f(), sys.argv[1:])")
    helper = host_file("helper.py", b"def f(): return 'helped'")
    result = jail.run(["python3", "main.py", "a b"], ["--profile", "python", "--file", "main.py=" + script,
                                                      "--file", "helper.py=" + helper])
    assert result.stdout == "helped ['a b']\n", result


def test_python_has_no_network(jail):
    code = "import socket\ntry: socket.socket()\nexcept OSError as e: print(type(e).__name__)"
    assert jail.python(code).stdout == "PermissionError\n"


def test_python_recursion_and_memory_are_its_own_errors(jail):
    result = jail.python("def f(): f()\ntry: f()\nexcept RecursionError: print('caught')")
    assert result.stdout == "caught\n", result


# ---- python-packages -------------------------------------------------------------------------------------

def test_python_threads(jail):
    code = "import threading\nd=[]\nts=[threading.Thread(target=d.append, args=(i,)) for i in range(8)]\n" \
           "[t.start() for t in ts]; [t.join() for t in ts]\nprint(sorted(d))"
    result = jail.python(code, profile="python-packages")
    assert result.stdout == "[0, 1, 2, 3, 4, 5, 6, 7]\n", result


def test_numpy(jail):
    if not is_there("numpy"):
        pytest.skip("host lacks numpy (python3-numpy)")
    code = "import numpy as np; a = np.arange(90000.).reshape(300, 300); print(int(np.trace(a @ np.eye(300))))"
    result = jail.python(code, profile="python-packages", options=["-w", 60])
    assert result.stdout == "13499850\n", result


def test_other_packages(jail):
    """Whatever of these the host has; numpy above is the one that it must have."""
    for module in ("pandas", "scipy", "matplotlib", "yaml", "lxml", "PIL"):
        if is_there(module):
            result = jail.python("import %s; print('imported')" % module, profile="python-packages", options=["-w", 60])
            assert result.stdout == "imported\n", result


# ---- sh --------------------------------------------------------------------------------------------------

def test_sh_pipeline(jail):
    text = "printf '3 c\\n1 a\\n2 b\\n' | sort -n | awk '{print $2 $1}' | sed 's/^/> /' | tr a-z A-Z"
    result = jail.shell(text)
    assert result.stdout == "> A1\n> B2\n> C3\n", result
    assert result.denials == [], result


def test_sh_files(jail):
    text = "mkdir -p d/e && echo one >d/e/f && cp -r d g && mv g h && cat h/e/f && find . -type f | sort && " \
           "tar cf x.tar h && tar tf x.tar | wc -l && gzip x.tar && ls x.tar.gz && rm -r d && test ! -e d && date +%Y >/dev/null"
    result = jail.shell(text)
    assert result.status == "ok", result
    assert result.stdout == "one\n./d/e/f\n./h/e/f\n3\nx.tar.gz\n", result


def test_sh_background_and_wait(jail):
    result = jail.shell("(sleep 0.1; echo a) & (sleep 0.3; echo b) & wait; echo done")
    assert result.stdout == "a\nb\ndone\n", result


def test_sh_here_document_and_arithmetic(jail):
    result = jail.shell("x=$(cat <<E\n$((6 * 7))\nE\n); echo $x; trap 'echo bye' EXIT")
    assert result.stdout == "42\nbye\n", result


def test_bash(jail):
    if not os.path.exists("/usr/bin/bash"):
        pytest.skip("host lacks bash")
    result = jail.run(["bash", "-c", "a=(1 2 3); diff <(echo 1) <(echo 1) && echo ${#a[@]}"], ["--profile", "sh"])
    assert result.stdout == "3\n", result


# ---- c ---------------------------------------------------------------------------------------------------

HELLO = b"""#include <stdio.h>
#include <pthread.h>
static void *f(void *x) { return x; }
int main(int c, char **v) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); printf("hello %d\\n", c); return 3; }
"""


@pytest.fixture
def compiler():
    for name in ("gcc", "cc"):
        if shutil.which(name):
            return name
    return pytest.skip("host lacks a C compiler")


@pytest.mark.parametrize("flags", ["-O1", "-O2 -g -Wall -pthread", "-static"])
def test_c_compile_and_run(jail, host_file, compiler, flags):
    text = "%s %s -o hello hello.c && ./hello a" % (compiler, flags)
    result = jail.run(["sh", "-c", text], ["--profile", "c", "--file", "hello.c=" + host_file("hello.c", HELLO)])
    assert result.stdout == "hello 2\n" and result.exit_code == 3, result


def test_c_error_message(jail, host_file, compiler):
    bad = host_file("bad.c", b"int main(void) { return x; }\n")
    result = jail.run([compiler, "bad.c"], ["--profile", "c", "--file", "bad.c=" + bad])
    assert result.status == "exit" and "undeclared" in result.stderr, result


def test_c_program_that_crashes(jail, host_file, compiler):
    bad = host_file("bad.c", b"int main(void) { *(volatile int *)0 = 1; }\n")
    result = jail.run(["sh", "-c", "%s bad.c && exec ./a.out" % compiler], ["--profile", "c", "--file", "bad.c=" + bad])
    assert result.status == "signal" and result.returncode == 139, result


def test_cxx(jail, host_file):
    if not shutil.which("g++"):
        pytest.skip("host lacks a C++ compiler")
    source = host_file("a.cc", b"#include <iostream>\n#include <vector>\nint main() { std::vector<int> v(3); "
                               b"std::cout << v.size() << std::endl; }\n")
    result = jail.run(["sh", "-c", "g++ a.cc && ./a.out"], ["--profile", "c", "-w", 180, "-t", 90, "--file",
                                                            "a.cc=" + source])
    assert result.stdout == "3\n", result


# ---- node ------------------------------------------------------------------------------------------------

@pytest.fixture
def node():
    # Only what lies below /usr is in the jail.
    path = shutil.which("node")
    if not path or not os.path.realpath(path).startswith("/usr/"):
        pytest.skip("host lacks node below /usr")


def run_node(jail, code, *options):
    return jail.run(["node", "-e", code], ["--profile", "node", "-w", 30, *options])


def test_node_hello(jail, node):
    result = run_node(jail, "console.log('hello', 6 * 7)")
    assert result.status == "ok" and result.stdout == "hello 42\n", result


def test_node_promises(jail, node):
    code = "(async () => { for (const x of [1, 2]) { await new Promise(r => setTimeout(r, 20)); console.log(x); } })()"
    assert run_node(jail, code).stdout == "1\n2\n"


def test_node_files(jail, node):
    code = "const fs = require('fs'); fs.writeFileSync('a', 'x'.repeat(10)); " \
           "require('fs/promises').readFile('a', 'utf8').then(s => console.log(s.length))"
    assert run_node(jail, code).stdout == "10\n"


def test_node_worker(jail, node):
    code = "const { Worker } = require('worker_threads'); const w = new Worker(" \
           "'require(\"worker_threads\").parentPort.postMessage(21 * 2)', { eval: true }); w.on('message', m => console.log(m))"
    assert run_node(jail, code).stdout == "42\n"


def test_node_standard_input(jail, node):
    code = "let n = 0; process.stdin.on('data', d => n += d.length).on('end', () => console.log(n))"
    result = jail.run(["node", "-e", code], ["--profile", "node", "-w", 30], stdin=b"x" * 300000)
    assert result.stdout == "300000\n", result


def test_node_has_no_network(jail, node):
    code = "require('net').connect(80, '127.0.0.1').on('error', e => console.log(e.code))"
    assert run_node(jail, code).stdout.strip() in ("EACCES", "EPERM", "ENETUNREACH")


# ---- default ---------------------------------------------------------------------------------------------

def test_default_runs_a_static_program(jail):
    assert jail.look("self").status == "ok"


def test_default_runs_a_dynamic_program(jail):
    result = jail.run(["/usr/bin/env"])
    assert result.status == "ok", result
