"""What a program behind Landlock cannot do, and that nothing of it stays."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import zmq

from autograder.errors import HarnessError
from autograder.sandbox import landlock, landlock_calls, processes, scratch, seccomp, walls
from autograder.sandbox.wall import Sandbox

can = landlock_calls.abi() >= landlock_calls.ABI and seccomp.available()
pytestmark = pytest.mark.skipif(not can, reason="no Landlock of Linux 6.12, or no libseccomp")

SECONDS = 30

TRY = """
import ctypes, errno, json, os, resource, socket, sys, time
told = {}
def attempt(name, what):
    try:
        what()
        told[name] = "done"
    except OSError as error:
        told[name] = errno.errorcode[error.errno]
    except Exception as error:
        told[name] = repr(error)
def tell():
    print(json.dumps(told))
"""


class Begun:
    """A box in which one program runs."""

    def __init__(self) -> None:
        self.folder = scratch.make()
        self.box = landlock.LandlockBox(self.folder)
        self.process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
        sandbox = Sandbox(writable=(self.folder,), workdir=self.box.home, **options)
        with self.box.begin(sandbox, [sys.executable, *arguments]) as started:
            self.process = subprocess.Popen(
                started.line,
                pass_fds=started.files,
                env={},
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # as Jupyter does
            )
        return self.process

    def run(self, code: str, **options: Any) -> Any:
        process = self.start("-c", f"{TRY}{code}\ntell()", **options)
        said, wrong = process.communicate(timeout=SECONDS)
        assert wrong == ""
        return json.loads(said)

    def alive(self) -> list[int]:
        """Processes that began with the environment of this box."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("TMPDIR") == str(self.box.private / "tmp"):
                    found.append(process.pid)
            except psutil.Error:
                continue
        return found

    def close(self) -> None:
        if self.process is not None:
            assert self.box.end(self.process.pid)
            self.process.communicate()
        self.box.close()
        scratch.remove(self.folder)


@pytest.fixture
def begun() -> Iterator[Begun]:
    with closing(Begun()) as begun:
        yield begun


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_only_its_own_folders_can_be_written_to(begun: Begun, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the answer")
    told = begun.run(f"""
attempt("read", lambda: open({str(secret)!r}).read())
attempt("write", lambda: open({str(secret)!r}, "a"))
attempt("beside", lambda: open({str(tmp_path / "new")!r}, "w"))
attempt("list", lambda: os.listdir({str(tmp_path)!r}))
attempt("link", lambda: os.link({str(secret)!r}, "linked"))
attempt("through a link", lambda: (os.symlink({str(secret)!r}, "symbolic"), open("symbolic")))
attempt("through /proc", lambda: open("/proc/self/root" + {str(secret)!r}))
attempt("by descriptor", lambda: open(f"/proc/self/fd/{{os.open({str(secret)!r}, os.O_PATH)}}"))
attempt("truncate", lambda: os.truncate({str(secret)!r}, 0))
attempt("shared memory", lambda: open("/dev/shm/mine", "w"))
attempt("python", lambda: open(os.__file__, "ab"))
attempt("kit", lambda: open(os.path.join(sys.path[1], "autograder", "x.py"), "w"))
attempt("environment of others", lambda: open("/proc/{os.getpid()}/environ").read())
attempt("memory of others", lambda: open("/proc/{os.getpid()}/mem", "rb"))
attempt("home", lambda: open("file", "w").write("x"))
attempt("temporary", lambda: __import__("tempfile").NamedTemporaryFile())
attempt("folder", lambda: open({str(begun.folder / "file")!r}, "w").write("x"))
""")
    allowed = {name for name, said in told.items() if said == "done"}
    assert allowed == {"home", "temporary", "folder"}
    assert set(told.values()) <= {"done", "EACCES", "EXDEV", "ETXTBSY"}, told
    assert secret.read_text() == "the answer" and os.listdir(tmp_path) == ["secret"]


def test_files_that_it_may_read_keep_mode_owner_and_times(begun: Begun, tmp_path: Path) -> None:
    readable, hidden = tmp_path / "readable", tmp_path / "hidden"
    for path in (readable, hidden):
        path.write_text("content")
        os.chmod(path, 0o640)
    before = [(os.stat(path), os.listxattr(path)) for path in (readable, hidden)]
    told = begun.run(
        f"""
for name in ({str(readable)!r}, {str(hidden)!r}):
    attempt("chmod", lambda: os.chmod(name, 0))
    attempt("utime", lambda: os.utime(name, (1, 1)))
    attempt("chown", lambda: os.chown(name, 7, 7))
    attempt("attribute", lambda: os.setxattr(name, "user.mine", b"x"))
file = os.open({str(readable)!r}, os.O_RDONLY)
attempt("fchmod", lambda: os.fchmod(file, 0))
attempt("futime", lambda: os.utime(file, (1, 1)))
libc = ctypes.CDLL(None)
libc.syscall(452, -100, {str(hidden)!r}.encode(), 0, 0)  # fchmodat2
libc.syscall(91, file, 0)  # fchmod, on x86-64
attempt("read", lambda: os.read(file, 1))
""",
        readable={readable: str(readable)},
    )
    after = [(os.stat(path), os.listxattr(path)) for path in (readable, hidden)]
    for (was, attributes), (is_, now) in zip(before, after, strict=True):
        assert (is_.st_mode, is_.st_uid, is_.st_mtime_ns) == (
            was.st_mode,
            was.st_uid,
            was.st_mtime_ns,
        )
        assert attributes == now
    # `shutil.copy` and `tarfile` want the first two.
    assert told["chmod"] == told["utime"] == told["read"] == "done"
    assert told["chown"] == "EPERM" and told["attribute"] == "ENOTSUP"


def test_only_the_ports_of_the_box_can_be_reached(begun: Begun) -> None:
    reached = []
    with socket.socket() as other, socket.socket(socket.AF_UNIX) as path:
        other.bind(("127.0.0.1", 0))
        other.listen()
        other.settimeout(0.2)
        address = other.getsockname()
        path.bind(str(begun.folder / "service"))
        path.listen()
        told = begun.run(f"""
attempt("other", lambda: socket.create_connection({address!r}, 5))
attempt("fast", lambda: socket.socket().sendto(b"x", 0x20000000, {address!r}))
attempt("message", lambda: socket.socket().sendmsg([b"x"], [], 0x20000000, {address!r}))
attempt("outside", lambda: socket.create_connection(("192.0.2.1", 80), 1))
attempt("multipath", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262))
attempt("datagram", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
attempt("raw", lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW))
attempt("path", lambda: socket.socket(socket.AF_UNIX).connect({str(begun.folder / "service")!r}))
attempt("pair", lambda: socket.socketpair(type=socket.SOCK_DGRAM))
attempt("fixed", lambda: socket.socket().bind(("127.0.0.1", 8786)))
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen()
attempt("own", lambda: socket.create_connection(server.getsockname(), 5))
told["port"] = server.getsockname()[1]
""")
        with suppress(TimeoutError):
            reached.append(other.accept())
    assert not reached
    assert told.pop("port") in begun.box._ports()[1:]
    assert told.pop("own") == "done"
    assert set(told.values()) == {"EACCES", "ENOTSUP"}, told
    assert told["other"] == "EACCES"


def test_every_socket_that_asks_for_any_port_gets_another_one(begun: Begun) -> None:
    told = begun.run("""
children = []
for _ in range(4):
    if os.fork() == 0:
        servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        open(f"{os.getpid()}.ports", "w").write(" ".join(str(s.getsockname()[1]) for s in servers))
        time.sleep(1)
        os._exit(0)
while len([n for n in os.listdir() if n.endswith(".ports")]) < 4: time.sleep(0.01)
for _ in range(4): os.wait()
told["ports"] = [p for n in os.listdir() for p in open(n).read().split()]
""")
    assert len(told["ports"]) == len(set(told["ports"])) == 12


def test_other_processes_cannot_be_reached(begun: Begun) -> None:
    mine = os.getpid()

    def standing() -> object:
        limit = psutil.Process().rlimit(psutil.RLIMIT_CORE)
        return limit, os.sched_getaffinity(mine), os.sched_getscheduler(mine)

    before = standing()
    told = begun.run(f"""
for who in ({mine}, os.getppid()):
    attempt("signal", lambda: os.kill(who, 0))
    attempt("limit", lambda: resource.prlimit(who, resource.RLIMIT_CORE, (0, 0)))
    attempt("affinity", lambda: os.sched_setaffinity(who, [0]))
    attempt("priority", lambda: os.setpriority(os.PRIO_PROCESS, who, 19))
    attempt("user", lambda: os.setpriority(os.PRIO_USER, 0, 19))
    attempt("scheduler", lambda: os.sched_setscheduler(who, os.SCHED_BATCH, os.sched_param(0)))
    attempt("trace", lambda: ctypes.CDLL(None, use_errno=True).ptrace(16, who, 0, 0) and 1 / 0)
attempt("own limit", lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
attempt("nice", lambda: os.nice(1))
""")
    assert told.pop("own limit") == told.pop("nice") == "done"
    assert told.pop("trace").startswith("ZeroDivisionError")
    # These only seem to be done.
    assert told.pop("affinity") == told.pop("scheduler") == "done"
    assert set(told.values()) == {"EPERM"}, told
    assert standing() == before


def test_it_has_no_capabilities_and_no_namespaces(begun: Begun) -> None:
    told = begun.run("""
status = open("/proc/self/status").read()
told["none"] = [status.count("CapEff:\\t0000000000000000"), status.count("NoNewPrivs:\\t1")]
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0: raise OSError(ctypes.get_errno(), name)
attempt("unshare", lambda: call("unshare", 0x10000000))
attempt("mount", lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None))
attempt("shmget", lambda: call("shmget", 1, 10, 0o1600))
attempt("shmat", lambda: call("shmat", 0, None, 0))
attempt("memfd", lambda: os.memfd_create("x"))
attempt("inotify", lambda: call("inotify_init"))
""")
    assert told.pop("none") == [1, 1]
    assert set(told.values()) == {"EPERM", "ENOSYS"}, told


LEAVES = """
import signal
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        while True: time.sleep(1)
    os._exit(0)
if os.fork() == 0:
    os.setsid()
    while True:
        if os.fork(): os._exit(0)
print("ready", flush=True)
time.sleep(60)
"""


def ready(begun: Begun) -> int:
    process = begun.start("-c", TRY + LEAVES)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process.pid


def test_orphans_are_found_and_everything_ends(begun: Begun) -> None:
    root = ready(begun)
    # Two supervisors' worth: one below the root, and the program, its orphans beside it.
    until(lambda: len(processes.tree(root)) >= 3)
    inner = processes.tree(root)[0].pid
    until(lambda: sum(processes.parent(p) == inner for p in processes.tree(root)) >= 2)
    assert begun.box.end(root)
    assert begun.alive() == []


def test_a_frozen_box_ends_too(begun: Begun) -> None:
    process = begun.start("-c", "import time; print('ready', flush=True); time.sleep(60)")
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    assert processes.freeze(process.pid)
    assert begun.box.end(process.pid)
    assert begun.alive() == []


@pytest.mark.parametrize("who", ["outer", "inner", "program"])
def test_when_one_of_them_is_killed_all_of_the_box_ends(begun: Begun, who: str) -> None:
    root = ready(begun)
    chain = [root, processes.tree(root)[0].pid]
    chain.append(psutil.Process(chain[-1]).children()[0].pid)
    victim = {"outer": root, "inner": chain[1], "program": chain[2]}[who]
    os.kill(victim, signal.SIGKILL)
    until(lambda: begun.alive() == [])


def test_it_ends_with_the_grader() -> None:
    code = """
import sys, time
sys.path.insert(0, sys.argv[1])
from test_landlock import Begun, ready
begun = Begun()
ready(begun)
print(begun.box.private, begun.folder, flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    ) as grader:
        assert grader.stdout is not None
        private, folder = map(Path, grader.stdout.readline().split())

        def alive() -> bool:
            words = f"TMPDIR={private / 'tmp'}".encode()
            for process in psutil.pids():
                try:
                    if words in Path(f"/proc/{process}/environ").read_bytes():
                        return True
                except OSError:
                    continue
            return False

        assert alive()
        grader.kill()
    until(lambda: not alive())
    for place in (private, folder):
        scratch.remove(place)


def test_python_has_its_locks_queues_and_processes(begun: Begun) -> None:
    script = begun.folder / "script.py"
    script.write_text("""
import json, multiprocessing, sys
from multiprocessing import shared_memory
def work(queue, lock, name):
    with lock:
        memory = shared_memory.SharedMemory(name)
        queue.put([multiprocessing.get_start_method(), bytes(memory.buf[:3]).decode()])
        memory.close()
if __name__ == "__main__":
    told = []
    memory = shared_memory.SharedMemory(create=True, size=16)
    memory.buf[:3] = b"abc"
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        queue, lock = context.Queue(), context.Lock()
        child = context.Process(target=work, args=(queue, lock, memory.name))
        child.start()
        told.append(queue.get(timeout=20)[1])
        child.join()
        lock.acquire()
        told.append(lock.acquire(timeout=0.05))
    memory.close(); memory.unlink()
    print(json.dumps(told))
""")
    said, wrong = begun.start(str(script)).communicate(timeout=SECONDS)
    assert json.loads(said) == ["abc", False] * 3
    assert wrong == ""


def test_exercises_are_left_out_wherever_they_lie(tmp_path: Path) -> None:
    hidden = tmp_path / "packages" / "kit" / "exercises"
    for path in (hidden, tmp_path / "packages" / "numpy", tmp_path / "bin"):
        path.mkdir(parents=True)
    (tmp_path / "packages" / "kit" / "code.py").touch()
    rights = landlock._without(tmp_path, [hidden])
    read = {p for p, right in rights.items() if right == landlock_calls.READ}
    assert read == {
        str(tmp_path / "bin"),
        str(tmp_path / "packages" / "numpy"),
        str(tmp_path / "packages" / "kit" / "code.py"),
    }
    assert str(hidden) not in rights
    assert {rights[p] for p in rights.keys() - read} == {landlock_calls.LIST}


def test_an_old_kernel_is_told_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    landlock._require.cache_clear()
    monkeypatch.setattr(landlock_calls, "abi", lambda: 4)
    with pytest.raises(HarnessError, match=r"Linux 6\.12"):
        walls.WALLS["landlock"].require()
    monkeypatch.undo()
    walls.WALLS["landlock"].require()


def test_programs_take_over_the_sockets_that_the_grader_connects_to(begun: Begun) -> None:
    kernel, recorder = begun.folder / "kernel-1", begun.folder / "recorder.sock"
    process = begun.start(
        "-c",
        f"""
import asyncio, os, threading, zmq
assert "AUTOGRADER_BOX_SOCKETS" not in os.environ
if os.fork() == 0:
    async def answer(reader, writer):
        writer.write(await reader.readline()); await writer.drain(); writer.close()
    async def serve():
        async with await asyncio.start_unix_server(answer, {str(recorder)!r}) as server:
            await server.serve_forever()
    asyncio.run(serve())
context = zmq.Context()
reply = context.socket(zmq.REP)
reply.bind({f"ipc://{kernel}"!r})
while True: reply.send(reply.recv())
""",
    )
    with zmq.Context() as context, context.socket(zmq.REQ) as request:
        request.setsockopt(zmq.LINGER, 0)
        request.setsockopt(zmq.RCVTIMEO, SECONDS * 1000)
        request.connect(f"ipc://{kernel}")
        request.send(b"to the kernel")
        assert request.recv() == b"to the kernel"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SECONDS)
        client.connect(str(recorder))
        client.sendall(b"to the recorder\n")
        assert client.recv(100) == b"to the recorder\n"
    assert begun.box.end(process.pid)
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect(str(recorder))
