"""What hostile clients do: the corpus's cases of HTTP and JSON, floods, crawlers, and a front that must not be able to do anything.

Its own file because nobody here means well.
Changes when: the corpus has another kind of step, or another attack is thought of.
"""
import base64
import glob
import json
import os
import resource
import select
import signal
import socket
import subprocess
import threading
import time

import pytest

import belljar_run

TOKEN = "T0KEN-of-the-service"
GOOD = '{"code":"print(1)"}'
HEAD = "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CORPUS = os.environ.get("BELLJAR_ABUSE_CORPUS") or os.path.join(os.path.dirname(belljar_run.ROOT), "shared", "abuse")
CASES = sorted(glob.glob(os.path.join(CORPUS, "protocol", "http_*.json")) + glob.glob(os.path.join(CORPUS, "protocol", "json_*.json")))
# Those have tests of their own below: they take longer, or are many.
APART = {"http_slow_body", "http_slow_headers", "http_idle_connections", "http_slow_reader", "http_expect_continue", "json_wrong_types"}
# The case's own note: such a coding is chunked, and then what was decoded is judged.
DECODED = {"http_transfer_encoding_odd": 422}


@pytest.fixture(scope="module")
def strict(service):  # which is there for longer, and looks at what is left behind
    import hashlib
    import service as services
    tokens = [{"name": "t", "sha256": hashlib.sha256(TOKEN.encode()).hexdigest(), "quota": {}}]
    with services.Service(anonymous=False, tokens=tokens, idle_seconds=3) as one:
        yield one


def filled(text, variant):
    text = text.replace("@@V@@", variant or "")
    for name, value in (("PATH", "/v1/exec"), ("HOST", "localhost"), ("GOOD_LEN_HEX", "%x" % len(GOOD)), ("GOOD_LEN", str(len(GOOD))),
                        ("GOOD_BODY", GOOD), ("TOKEN_PREFIX", TOKEN[:3]), ("TOKEN", TOKEN)):
        text = text.replace("@@%s@@" % name, value)
    return text.encode("utf-8", "surrogatepass")


def read_answer(connection, seconds):
    """b"" when nothing came, otherwise what did until there was nothing more."""
    answer = b""
    end = time.monotonic() + seconds
    while select.select([connection], [], [], max(0, min(end - time.monotonic(), 0.3 if answer else 9)))[0]:
        try:
            piece = connection.recv(65536)
        except OSError:
            return answer or b"closed"
        if not piece:
            return answer or b"closed"
        answer += piece
    return answer


def do_step(connection, step, variant):
    for kind, value in step.items():
        if kind == "send":
            connection.sendall(filled(value, variant))
        elif kind == "send_hex":
            connection.sendall(bytes.fromhex(value.replace("@@V@@", variant or "")))
        elif kind == "send_b64":
            connection.sendall(base64.b64decode(value))
        elif kind == "send_hex_repeat":
            connection.sendall(bytes.fromhex(value["hex"]) * value["n"])
        elif kind == "send_repeat":
            connection.sendall(filled(value["text"], variant) * value["n"])
        elif kind == "close":
            if value == "rst":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        else:
            assert kind == "wait_reply_ms", kind


def body_of(case, variant):
    parts = []
    for part in case["body_parts"]:
        if "text" in part:
            parts.append(filled(part["text"], variant))
        if "repeat" in part:
            parts.append(part["repeat"]["text"].encode() * part["repeat"]["n"])
        if "sequence" in part:
            parts.append("".join(part["sequence"]["text"].replace("%d", str(n)) for n in range(part["sequence"]["n"])).encode())
    return b"".join(parts)


def play(service, case, variant):
    """The status, or None: closed, or silent. What came to the corpus's waiting steps, or to a body."""
    answer = b""
    with service.connect() as connection:
        try:
            if "steps" not in case:
                body = body_of(case, variant)
                connection.sendall(HEAD.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                answer = read_answer(connection, 8)
            for step in case.get("steps", ()):
                do_step(connection, step, variant)
                if "wait_reply_ms" in step:
                    answer = read_answer(connection, step["wait_reply_ms"] / 1000)
        except (ConnectionError, BrokenPipeError):
            pass
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else None


@pytest.mark.skipif(not CASES, reason="host lacks the abuse corpus")
@pytest.mark.parametrize("path", CASES, ids=[os.path.basename(path)[:-5] for path in CASES])
def test_corpus(service, strict, path):
    name = os.path.basename(path)[:-5]
    if name in APART:
        return
    with open(path, encoding="utf-8") as file:
        case = json.load(file)
    expect = case["expect"]
    target = strict if name == "http_auth_odd" else service
    front = target.pid_of("belljar-front")
    for variant in case.get("variants") or case.get("variants_hex") or [None]:
        before = len(target.events("run"))
        status = play(target, case, variant)
        good = set(expect["status_any_of"]) | {DECODED.get(name)}
        # Who announces a body, or half a line, and is silent is closed when his time is over.
        assert status in good or (status is None and (expect.get("or_close") or name == "http_short_body_close")), (variant, status)
        assert target.ask("GET", "/healthz")[0] == 200
        if expect.get("no_run"):
            time.sleep(0.02)
            assert len(target.events("run")) == before, variant
    assert target.pid_of("belljar-front") == front, "the front was started anew"


@pytest.mark.skipif(not CASES, reason="host lacks the abuse corpus")
def test_wrong_types(service):
    with open(os.path.join(CORPUS, "protocol", "json_wrong_types.json"), encoding="utf-8") as file:
        case = json.load(file)
    for field in ("code", "files", "stdin", "args", "env", "limits", "globals", "policy", "collect", "profile", "layers", "trace"):
        for value in case["values"]:
            body = {"code": "1", field: value}
            status, problem = service.post("/v1/exec", body)
            assert status in (200, 400, 422), (body, problem)
            assert status == 200 or problem.get("field", "").startswith(field), (body, problem)


def closed_within(connection, seconds):
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except socket.timeout:
        return False
    except OSError:
        pass
    return True


def served_in_time(service, seconds=2.0, **options):
    begin = time.monotonic()
    assert service.post("/v1/exec", {"code": "print(1)"}, **options)[0] == 200
    assert time.monotonic() - begin < seconds


def drip(connections, text, every, seconds, meanwhile):
    """Sends a byte on each of them now and then; how many are still open in the end."""
    end = time.monotonic() + seconds
    n = 0
    while connections and time.monotonic() < end:
        for one in list(connections):
            try:
                one.sendall(text[n % len(text):n % len(text) + 1])
            except OSError:
                connections.remove(one)
        n += 1
        meanwhile()
        time.sleep(every)
    return len(connections)


@pytest.mark.parametrize("head, text", [(HEAD, b"X-Slow: aaaaaaaaaaaaaaa"), (HEAD + "Content-Length: 100000\r\n\r\n", b"a"), ("", b"G")],
                         ids=["headers", "body", "first-line"])
def test_crawlers(start, head, text):
    service = start(idle_seconds=2)
    connections = [service.connect() for _ in range(32)]
    for one in connections:
        one.sendall(head.encode())
    assert drip(connections, text, 0.25, 6, lambda: served_in_time(service)) == 0
    assert service.metrics()["belljar_connections_timed_out_total"] == 32


def test_who_is_slow_is_told(start):
    service = start(idle_seconds=1)
    answer = service.raw((HEAD + "Content-Length: 100\r\n\r\n{").encode(), 5)
    assert answer.startswith(b"HTTP/1.1 408") and answer.endswith(b"<end>")
    assert service.raw(b"", 3) == b"<end>"


@pytest.mark.parametrize("word", ["100-continue", "200-maybe"])
def test_expect(start, word):
    service = start(idle_seconds=2)
    answer = service.raw((HEAD + "Content-Length: 10\r\nExpect: %s\r\n\r\n" % word).encode(), 8)
    assert answer.startswith(b"HTTP/1.1 100" if word.startswith("1") else b"HTTP/1.1 417") and answer.endswith(b"<end>")


def test_flood_of_idle_connections(start):
    """Five times as many as there may be: each new one is taken, and makes one go that has been silent for longer."""
    service = start(connections=200, idle_seconds=60)
    flood = []
    for n in range(1000):
        flood.append(service.connect())
        if n % 100 == 99:
            served_in_time(service)
            served_in_time(service, unix=True)
    assert service.metrics()["belljar_connections"] <= 203
    still = sum(1 for one in flood if not select.select([one], [], [], 0)[0])
    assert 150 <= still <= 200
    for one in flood:
        one.close()


def test_a_run_is_not_evicted(start):
    service = start(connections=20, idle_seconds=60)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(service.post("/v1/exec", {"code": "import time; time.sleep(1.5); print(7)"})))
    thread.start()
    time.sleep(0.2)
    flood = [service.connect() for _ in range(300)]
    thread.join()
    assert answers[0][1]["stdout"] == "7\n"
    for one in flood:
        one.close()


def small_window(service):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", service.port))
    return connection


def test_slow_reader(start):
    """Asks for much and reads nothing: its run's place is free at once, its connection closed in time."""
    service = start(idle_seconds=2, concurrent_runs=1)
    body = json.dumps({"code": "print('x' * 30000000)", "limits": {"output_bytes": 33554432}}).encode()
    body = body if service.post("/v1/exec", body, headers={"Content-Type": "application/json"})[0] == 200 else b'{"code": "print(1000000 * \'x\')"}'
    connections = [small_window(service) for _ in range(4)]
    for one in connections:
        one.sendall(HEAD.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    time.sleep(1)
    served_in_time(service)
    time.sleep(5)
    assert service.metrics()["belljar_connections"] == 1
    assert service.metrics()["belljar_buffered_bytes"] == 0
    for one in connections:
        one.close()


def test_slow_reader_of_events(start):
    service = start(idle_seconds=60)
    code = "while True: print('x' * 10000)"
    body = json.dumps({"code": code, "output_action": "truncate", "limits": {"wall_seconds": 5}}).encode()
    with small_window(service) as connection:
        connection.sendall(HEAD.encode() + b"Accept: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        line = service.wait_for("run", process="front", seconds=10)
        assert line["status"] in ("cancelled", "time_limit", "output_limit", "memory_limit")  # the last of a sanitizer's guest
        served_in_time(service)


def test_bodies_together_have_a_limit(start):
    service = start(buffered_bytes=1 << 20, request_bytes=1 << 20, idle_seconds=3)
    connections = []
    statuses = []
    for _ in range(8):
        one = service.connect()
        one.sendall(HEAD.encode() + b"Content-Length: 1000000\r\n\r\n" + b" " * 400000)
        connections.append(one)
    time.sleep(0.3)
    for one in connections:
        try:
            if not select.select([one], [], [], 0)[0]:  # it has not made room for others
                one.sendall(b" " * 600000)
            statuses.append(one.recv(65536)[9:12])
        except OSError:
            statuses.append(b"")
        one.close()
    assert statuses.count(b"503") >= 5, statuses
    served_in_time(service)
    assert service.metrics()["belljar_buffered_bytes"] == 0


def in_pieces(text, size):
    """A body with Transfer-Encoding: chunked."""
    pieces = [text[at:at + size] for at in range(0, len(text), size)]
    return b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_large_bodies_are_read_at_a_rate(start):
    """They arrive whole, those together take as long as the rate says, and who asks for little does not wait for them."""
    service = start(upload_bytes_per_second=1 << 20)
    body = json.dumps({"code": "print(len(open('f').read()))", "files": [{"path": "f", "text": "x" * (1 << 20)}]}).encode()
    whole = b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    answers = []

    def upload(request):
        with service.connect() as connection:
            connection.settimeout(20)
            connection.sendall(HEAD.encode() + request)
            answers.append(read_answer(connection, 20))

    began = time.monotonic()
    threads = [threading.Thread(target=upload, args=(request,)) for request in (whole, in_pieces(body, 100), in_pieces(body, 70000))]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    served_in_time(service)
    assert not answers, "they are still being read"
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    assert all(b"200 OK" in answer and b'"1048576\\n"' in answer for answer in answers) and len(answers) == 3, answers
    assert took >= 2, "three times 768 KiB at 1 MiB a second"


def test_who_leaves_or_sends_nonsense_while_a_body_waits(start):
    service = start(upload_bytes_per_second=1 << 20, request_bytes=1 << 20)
    pieces = in_pieces(b" " * 700000, 7)
    for number in range(12):
        with service.connect() as connection:
            connection.setblocking(False)
            try:
                connection.sendall(HEAD.encode() + (pieces[:-5] + b"nonsense\r\n\r\n" if number % 2 else pieces))
            except OSError:
                pass  # as much as there was room for
    with service.connect() as connection:
        connection.settimeout(20)
        connection.sendall(HEAD.encode() + in_pieces(b" " * (2 << 20), 1000)[:-5])
        assert b" 413 " in read_answer(connection, 20)
    served_in_time(service)
    end = time.monotonic() + 20
    while service.metrics()["belljar_connections"] > 1 and time.monotonic() < end:
        time.sleep(0.2)
    assert service.metrics()["belljar_connections"] == 1 and service.metrics()["belljar_buffered_bytes"] == 0


def test_requests_that_are_cut_anywhere(service):
    request = (HEAD + "Content-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD)).encode()
    for length in range(0, len(request), 3):
        with service.connect() as connection:
            connection.sendall(request[:length])
    served_in_time(service)


def test_smuggled_request_is_not_run(service):
    inner = (HEAD + "Content-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD)).encode()
    served_in_time(service)
    time.sleep(0.2)
    before = len(service.events("run"))
    for head in ("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Content-Length: 4\r\nContent-Length: 200\r\n\r\n{}  ",
                 "Content-Length: x\r\n\r\n", "Transfer-Encoding: identity\r\n\r\n", "Content-Length : 0\r\n\r\n", "X: y\n\r\nContent-Length: 0\r\n\r\n"):
        answer = service.raw(HEAD.encode() + head.encode() + inner, 2)
        assert answer.startswith(b"HTTP/1.1 400") and answer.endswith(b"<end>"), (head, answer)
        # libmicrohttpd 0.9.75 answers a length that is none by itself, and begins its answer twice.
        assert answer.count(b"HTTP/1.1 ") == 1 or "Content-Length: x" in head, (head, answer)
    time.sleep(0.05)
    assert len(service.events("run")) == before


# ---- the front itself --------------------------------------------------------------------------------

def test_a_front_that_crashes_is_replaced(start):
    service = start()
    service.may_crash = True
    os.kill(service.pid_of("belljar-front"), signal.SIGSEGV)
    service.wait_for("ready", process="front", count=2)
    served_in_time(service, 5)


def test_front_alone_serves_nothing():
    import service as services
    done = subprocess.run([services.FRONT, "http=6"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    assert done.returncode == 1


def test_file_descriptors_are_enough(start):
    """More connections than there may be descriptors for: they wait in the queue of the kernel, and nobody is harmed."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] > 100000 and os.geteuid() != 0:
        pytest.skip("host lacks a limit that can be met")
    service = start(connections=300, idle_seconds=60)
    flood = [service.connect() for _ in range(350)]
    served_in_time(service)
    for one in flood:
        one.close()
