"""What exhausts a machine, as Python snippets for the warm guest: a twin of each C program below resource/ of the corpus.

Its own file because a parked interpreter takes no C program, and the limits must hold for what runs in it all the same.
Changes when: the corpus gains a C program below resource/, or a limit is told in another way.

Each bounds itself, as the corpus does: at most some 400 MB, a thousand processes, a few seconds.
"""
MIB = 1 << 20
LIMITS = {"wall_us": 6000000, "cpu_us": 1000000, "memory_bytes": 128 * MIB, "processes": 16, "open_files": 64,
          "output_bytes": 65536, "file_bytes": 16 * MIB, "disk_bytes": 32 * MIB, "files": 1024}
SHORT, BUSY = {"wall_us": 1000000}, {"cpu_us": 400000}
CPU, WALL, MEMORY, PROCESSES, OK = "time_limit cpu", "time_limit wall", "memory_limit", "process_limit", "ok"


class Warm:
    """name: of the twin. ends: each end that contains it, a status and for time its limit. says: all of what it prints, as a
    regular expression, where it ends by itself. gone: no process of this name may outlive the run. starves: of a session it
    leaves processes or memory, which are that guest's own and its other branches' to share."""

    def __init__(self, name, code, *ends, says="", gone="", starves=False, **limits):
        self.name, self.code, self.ends, self.says, self.gone, self.limits = name, code, ends, says, gone, dict(LIMITS, **limits)
        self.starves, self.alone = starves, bool(gone)


NAMED = """
import ctypes, os, signal, time
libc = ctypes.CDLL(None, use_errno=True)
def named(name):
    libc.prctl(15, name.encode(), 0, 0, 0)
def why():
    return os.strerror(ctypes.get_errno())
"""

CASES = [
    Warm("cpu_spin", """
while True:
    pass
""", CPU, **BUSY),
    Warm("cpu_system_time", """
zero, into = open("/dev/zero", "rb", 0), bytearray(1 << 20)
while True:
    zero.readinto(into)
""", CPU, **BUSY),
    Warm("cpu_threads", """
import hashlib, threading
much = bytes(1 << 20)
def burn():
    while True:
        hashlib.sha256(much)
threads = [threading.Thread(target=burn) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
""", CPU, **BUSY),
    Warm("cpu_split_over_children", """
import os, time
for _ in range(8):
    if os.fork() == 0:
        while time.process_time() < 0.3:
            pass
        os._exit(0)
print([os.wait()[1] for _ in range(8)])
""", CPU, **BUSY),
    Warm("cpu_signal_storm", """
import os, signal
queued, storm = signal.SIGRTMIN + 3, 0
def on(number, frame):
    global storm
    storm += 1
signal.pthread_sigmask(signal.SIG_BLOCK, [queued])
try:
    for _ in range(100000): os.kill(os.getpid(), queued)
except OSError:
    pass
signal.signal(signal.SIGALRM, on)
signal.setitimer(signal.ITIMER_REAL, 30e-6, 30e-6)
while True:
    pass
""", CPU, **BUSY),
    Warm("cpu_after_exit", NAMED + """
if os.fork() == 0:
    named("warm-burner")
    os.setsid()
    for fd in range(3): os.close(fd)
    while time.process_time() < 5: pass
    os._exit(0)
print("planted")
""", OK, says="planted\n", gone="warm-burner", wall_us=3000000, cpu_us=3000000),
    Warm("wall_stopped", """
import os, signal, time
if os.fork() == 0:
    time.sleep(4)
    os.kill(os.getppid(), signal.SIGCONT)
    os._exit(0)
os.kill(os.getpid(), signal.SIGSTOP)
print("went on")
""", WALL, **SHORT),
    Warm("wall_stop_everyone", """
import os, signal, time
me = os.getpid()
try:
    os.setpgid(0, 0)
except PermissionError:
    pass  # it leads a session
if os.fork() == 0:
    os.setsid()
    time.sleep(4)
    os.kill(me, signal.SIGCONT)
    os._exit(0)
time.sleep(0.1)
os.kill(0, signal.SIGSTOP)
print("went on")
""", WALL, **SHORT),
    Warm("fork_bomb_exponential", """
import os, time
end = time.monotonic() + 0.5
while time.monotonic() < end:
    try:
        os.fork()
    except OSError:
        time.sleep(0.01)
print("refused")
""", PROCESSES, OK, says="(refused\n)+", starves=True),
    Warm("thread_bomb", """
import threading, time
threading.stack_size(65536)
count = 0
try:
    while count < 3000:
        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
        count += 1
except RuntimeError as error:
    print(count < 32, error)
""", OK, PROCESSES, says="True can't start new thread\n", starves=True),
    Warm("pid_churn", """
import os
for count in range(1000):
    child = os.fork()
    if child == 0: os._exit(0)
    os.waitpid(child, 0)
print("all of them")
""", OK, CPU, says="all of them\n"),
    Warm("procs_many_sessions", NAMED + """
for _ in range(10):
    if os.fork() == 0:
        os.setsid()
        for number in set(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
            signal.signal(number, signal.SIG_IGN)
        named("warm-survivor")
        for fd in range(3): os.close(fd)
        time.sleep(5)
        os._exit(0)
print("planted")
""", OK, says="planted\n", gone="warm-survivor", wall_us=3000000),
    Warm("disk_fallocate", """
import os
fd = os.open("much", os.O_CREAT | os.O_RDWR, 0o600)
for make in (lambda: os.posix_fallocate(fd, 0, 400 << 20), lambda: os.ftruncate(fd, 1 << 40)):
    try:
        make()
    except OSError as error:
        print(error.strerror)
print(os.fstat(fd).st_size <= 16 << 20)
""", OK, says="(File too large|No space left on device)\nFile too large\nTrue\n"),
    Warm("mem_touch_mmap", """
import mmap
kept = []
try:
    for _ in range(32):
        kept.append(mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        kept[-1].write(b"x" * (16 << 20))
    print("touched")
except OSError as error:
    print(len(kept) < 8, error.strerror)
""", MEMORY, OK, says="True Cannot allocate memory\n", starves=True),
    Warm("mem_memfd", """
import os
count = 0
try:
    fd = os.memfd_create("m")
    for count in range(400): os.write(fd, bytes(1 << 20))
    print("written")
except OSError as error:
    print(count <= 16, error.strerror)
""", OK, MEMORY, says="True (File too large|Operation not permitted)\n"),
    Warm("mem_sysv_shm", NAMED + """
libc.shmat.restype = ctypes.c_void_p
for count in range(8):
    one = libc.shmget(0, 50 << 20, 0o1600)
    if one < 0: break
    at = libc.shmat(one, None, 0)
    libc.shmctl(one, 0, None)
    ctypes.memset(at, 1, 50 << 20)
print(count, why())
""", MEMORY, OK, says="[0-2] .+\n"),
    Warm("mem_reserve_only", """
import mmap
try:
    mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=0)
    print("reserved")
except OSError as error:
    print(error.strerror)
""", OK, says="reserved\n|Cannot allocate memory\n"),
    Warm("mem_pipe_buffers", """
import fcntl, os
total = 0
try:
    while total < 400 << 20:
        _, end = os.pipe2(os.O_NONBLOCK)
        try:
            fcntl.fcntl(end, 1031, 1 << 20)
        except OSError:
            pass
        try:
            while True: total += os.write(end, bytes(65536))
        except BlockingIOError:
            pass
    print("filled")
except OSError as error:
    print(total <= 64 << 20, error.strerror)
""", OK, MEMORY, says="True Too many open files\n"),
    Warm("mem_socket_buffers", """
import socket
total, kept = 0, []
try:
    while total < 300 << 20:
        kept += socket.socketpair()
        for one in kept[-2:]:
            one.setblocking(False)
            try:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
            except PermissionError:
                pass
            try:
                while True: total += one.send(bytes(65536))
            except BlockingIOError:
                pass
    print("filled")
except OSError as error:
    print(total <= 64 << 20, error.strerror)
""", OK, MEMORY, says="True Too many open files\n"),
    Warm("mem_negative_dentries", """
import os
for count in range(150000): os.access("none-%d" % count, 0)
print("looked up")
""", OK, CPU, MEMORY, says="looked up\n"),
    Warm("ipc_ids_exhaust", NAMED + """
count = 0
while count < 4000 and libc.shmget(0, 4096, 0o1600) >= 0: count += 1
print(count < 1000, why())
""", OK, says="True .+\n"),
    Warm("kernel_timers", NAMED + """
import fcntl
event, timer, timers, locks = (ctypes.c_int * 16)(0, 0, 0, 1), ctypes.c_void_p(), 0, 0
while timers < 60000 and libc.timer_create(1, event, ctypes.byref(timer)) == 0: timers += 1
print(timers < 50000, why())
with open("locked", "w") as file:
    for locks in range(5000): fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, locks * 2)
""", OK, MEMORY, says="True .+\n"),
    Warm("fd_inotify_user_limit", NAMED + """
count = 0
while count < 2000 and libc.inotify_init1(0) >= 0: count += 1
print(count < 64, why())
""", OK, says="True .+\n"),
    Warm("fd_pty_global_limit", """
import os
count = 0
try:
    while count < 1024:
        os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
        count += 1
    print("all of them")
except OSError as error:
    print(count < 64, error.strerror)
""", OK, says="True .+\n"),
    Warm("out_stderr_flood", """
import os
for _ in range(1024): os.write(2, b"e" * 65536)
print("written")
""", OK, says="written\n"),
]
