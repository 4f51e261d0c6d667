"""Profiles, ``connect()`` and the server process, on real clusters."""

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import distributed
import psutil
import pytest
from distributed import Security

import cluster
from cluster import ClusterError, command_line, connect, connection, size_of
from cluster.batch import job_options
from cluster.connection import version_mismatch
from cluster.environment import WORKER_ENVIRONMENT
from cluster.profile import BatchProfile, known_profiles, load_profile, with_memory
from cluster.serve import write_atomically

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(cluster.__file__).parents[1])}

PRELOAD = """
import dask_ml

def dask_setup(scheduler):
    scheduler.handlers["preloaded"] = lambda: dask_ml.__name__
"""

OTHER_DASK = """
def dask_setup(scheduler):
    real = scheduler.handlers["versions"]

    def versions(packages=None):
        answer = real(packages)
        return answer | {"packages": answer["packages"] | {"dask": "1999.1.0"}}

    scheduler.handlers["versions"] = versions
"""


class Serving:
    """A running ``python -m cluster serve`` and what it wrote when it was ready."""

    def __init__(self, folder: Path, *options: object) -> None:
        self.file = folder / "ready.json"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "cluster", "serve"),
                *("--port", "0", "--ready", str(self.file)),
                *map(str, options),
            ],
            env=ENVIRONMENT,
        )
        while not self.file.exists() and self.process.poll() is None:
            time.sleep(0.01)
        self.ready = json.loads(self.file.read_text())

    def pids(self) -> list[int]:
        """Everything it started, helpers included, and itself."""
        started = psutil.Process(self.process.pid).children(recursive=True)
        return [self.process.pid, *(process.pid for process in started)]

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=20)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def left_after(seconds: float, pids: list[int]) -> list[int]:
    deadline = time.monotonic() + seconds
    while any(map(is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return [pid for pid in pids if is_running(pid)]


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serving")
    (folder / "preload.py").write_text(PRELOAD)
    running = Serving(
        folder,
        *("--preload", folder / "preload.py"),
        *("--scheduler-file", folder / "scheduler.json"),
    )
    yield running
    running.end()


@pytest.fixture(scope="module")
def client(serving):
    with connect(serving.ready["address"], workers=2) as connected:
        yield connected


@pytest.fixture
def no_address(monkeypatch):
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)


# ------------------------------------------------------------------------------- profiles


def test_profiles_load():
    assert known_profiles() == ["address", "gadi", "local", "slurm"]
    kinds = [load_profile(name).kind for name in known_profiles()]
    assert kinds == ["address", "pbs", "local", "slurm"]


def test_unknown_profile_names_the_known_and_the_nearest():
    with pytest.raises(ClusterError, match=r"'slrum' \(did you mean 'slurm'\?\).*gadi, local"):
        connect("slrum")


def test_unknown_profile_far_from_all_gets_no_guess():
    with pytest.raises(ClusterError, match=r"no profile 'xyzzy': known are address"):
        connect("xyzzy")


LOCAL = 'kind = "local"\nworkers = 3\nthreads = 1\nmemory = "512MiB"\n'


def test_own_file_is_a_profile(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(LOCAL)
    assert load_profile(str(path)).workers == 3


@pytest.mark.parametrize("memory", ["640 MB", "1.5GiB"])
def test_workers_of_this_machine_get_another_limit(memory):
    given = with_memory(load_profile("local"), memory)
    assert given.memory == memory and given.workers == load_profile("local").workers


@pytest.mark.parametrize("memory", ["640", "much", "-1 GB", "0 B"])
def test_limit_that_is_no_size_is_refused(memory):
    with pytest.raises(ClusterError, match=r"write a number and its unit, such as '640 MB'"):
        connect("local", memory=memory)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LOCAL + "wrokers = 2\n", r'unknown key "wrokers" \(did you mean "workers"\?\)'),
        (LOCAL.replace("512MiB", "lots"), "\"memory\": expected a size such as .*, got 'lots'"),
        (LOCAL.replace("workers = 3\n", ""), 'the key "workers" is missing'),
        (LOCAL.replace("local", "cloud"), "kind must be one of local, address, slurm, pbs"),
        (LOCAL.replace("kind =", "knd ="), "kind must be one of local, address, slurm, pbs"),
        (LOCAL.replace("= 3", "= 0"), '"workers": expected a number above 0, got 0'),
        (LOCAL + 'size = "planet"\n', "\"size\": expected 'laptop', 'node' or 'cluster', got"),
        ("kind = ", "not valid TOML"),
    ],
)
def test_own_file_that_is_wrong_is_refused_in_a_sentence(tmp_path, content, said):
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(ClusterError, match=said) as caught:
        connect(str(path))
    assert "\n" not in str(caught.value)


def test_own_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ClusterError, match="No such file"):
        connect(str(tmp_path / "none.toml"))


# ------------------------------------------------------------------------- batch systems


def job_script(name: str) -> list[str]:
    from dask_jobqueue.pbs import PBSJob
    from dask_jobqueue.slurm import SLURMJob

    profile = load_profile(name)
    assert isinstance(profile, BatchProfile)
    kind = {"pbs": PBSJob, "slurm": SLURMJob}[profile.kind]
    job = kind(scheduler="tcp://10.0.0.1:8786", name="w", **job_options(profile))
    return str(job.job_script()).splitlines()


def test_gadi_job_has_gadis_directives():
    script = job_script("gadi")
    head = [line for line in script if line.startswith("#PBS")]
    for directive in ("-q normal", "-l ncpus=48", "-l mem=190GB", "-l walltime=01:00:00"):
        assert f"#PBS {directive}" in head
    assert not any("select" in line for line in head)
    (command,) = [line for line in script if "dask_worker" in line]
    for option in ("--nthreads 4", "--nworkers 12", "--memory-limit 15.83GiB", "--interface ib0"):
        assert option in command


@pytest.mark.parametrize("name", ["gadi", "slurm"])
def test_batch_workers_get_the_environment(name):
    script = job_script(name)
    for variable, value in WORKER_ENVIRONMENT.items():
        assert f"export {variable}={value}" in script


@pytest.mark.parametrize(("profile", "command"), [("slurm", "sbatch"), ("gadi", "qsub")])
def test_no_batch_system_here(profile, command, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match=f"needs {command}, which this machine does not have"):
        connect(profile)


BATCH = """
kind = "slurm"
workers = 1
cores = 1
processes = 1
memory = "512MB"
walltime = "00:05:00"
interface = "lo"
"""


@pytest.fixture
def batch_system(tmp_path, monkeypatch):
    """An ``sbatch`` that runs the job at once, here, and the ``scancel`` to go with it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    submit, cancel = folder / "sbatch", folder / "scancel"
    submit.write_text(
        f"#!/bin/sh\ncp $1 {tmp_path}/job.sh\n"
        f"setsid sh {tmp_path}/job.sh >{tmp_path}/job.log 2>&1 </dev/null &\n"
        "echo Submitted batch job $!\n"
    )
    cancel.write_text("#!/bin/sh\nkill -9 -$1\n")
    for program in (submit, cancel):
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
    (tmp_path / "mine.toml").write_text(f'{BATCH}shared_directory = "{tmp_path}"\n')
    return tmp_path


def test_batch_workers_arrive_and_end_with_the_client(batch_system):
    client = connect(str(batch_system / "mine.toml"), timeout=30)
    pid = client.submit(os.getpid).result()
    assert is_running(pid)
    client.close()
    assert left_after(5, [pid]) == []


def test_nobody_without_the_certificate_reaches_the_scheduler(batch_system):
    client = connect(str(batch_system / "mine.toml"), timeout=30)
    address = client.scheduler.address
    assert address.startswith("tls://")
    assert client.submit(lambda: 2).result() == 2
    for stranger in (address.replace("tls:", "tcp:"), address):
        security = Security.temporary() if stranger.startswith("tls:") else None
        with pytest.raises(OSError):
            distributed.Client(stranger, security=security, timeout=2, set_as_default=False)
    assert client.submit(lambda: 3).result() == 3
    client.close()


def test_the_key_is_its_owners_alone_and_goes_with_the_cluster(batch_system):
    client = connect(str(batch_system / "mine.toml"), timeout=30)
    (folder,) = batch_system.glob(".dask-tls-*")
    assert folder.stat().st_mode & 0o077 == 0
    files = list(folder.iterdir())
    assert [oct(path.stat().st_mode & 0o777) for path in files] == ["0o600"] * len(files)
    secret = (folder / "key.pem").read_text().splitlines()[1]
    shown = [
        (batch_system / "job.sh").read_text(), repr(client), client._repr_html_(),
        repr(client.cluster), repr(client.cluster.security), client.cluster.security._repr_html_(),
        *(" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])),
    ]  # fmt: skip
    assert str(folder / "key.pem") in shown[0]
    assert not [text for text in shown if secret in text or "PRIVATE KEY" in text]
    assert "processes=1 " in repr(client)
    client.close()
    assert not list(batch_system.glob(".dask-tls-*"))


def test_a_profile_can_do_without_encryption(batch_system):
    path = batch_system / "mine.toml"
    path.write_text(path.read_text() + "tls = false\n")
    client = connect(str(path), timeout=30)
    assert client.scheduler.address.startswith("tcp://")
    assert client.submit(lambda: 2).result() == 2
    client.close()


def test_certificate_that_cannot_be_written_says_where_else(batch_system):
    path = batch_system / "mine.toml"
    path.write_text(path.read_text().replace(str(batch_system), f"{batch_system}/nowhere"))
    with pytest.raises(ClusterError, match=r"nowhere.*shared_directory"):
        connect(str(path))
    assert not (batch_system / "job.sh").exists()


def test_workers_that_stay_in_the_queue(batch_system, capsys):
    """The profile has the time, and the message what to do; nothing of it is left."""
    (batch_system / "bin" / "sbatch").write_text(
        "#!/bin/sh\nsetsid sleep 60 >/dev/null 2>&1 </dev/null &\necho Submitted batch job $!\n"
    )
    path = batch_system / "mine.toml"
    path.write_text(path.read_text() + "timeout = 4\n")
    began = time.monotonic()
    with pytest.raises(ClusterError, match=r"0 of 1 workers arrived within 4 s: look at squeue"):
        connect(str(path))
    assert 3 < time.monotonic() - began < 30
    said = capsys.readouterr().out
    assert "0 of 1 workers are there. Waiting for 1 job (" in said and "squeue shows" in said
    assert not list(batch_system.glob(".dask-tls-*"))


def test_batch_system_that_refuses_is_quoted(batch_system):
    (batch_system / "bin" / "sbatch").write_text("#!/bin/sh\necho bad account >&2\nexit 1\n")
    with pytest.raises(ClusterError, match=r"sbatch refused the jobs.*bad account"):
        connect(str(batch_system / "mine.toml"))


def test_interface_that_is_not_there(batch_system):
    path = batch_system / "mine.toml"
    path.write_text(BATCH.replace('"lo"', '"ib7"'))
    with pytest.raises(ClusterError, match=r"interface 'ib7'.*it has .*\blo\b"):
        connect(str(path))


# --------------------------------------------------------------------- a running cluster


def test_ready_file_names_address_and_processes(serving, client):
    assert serving.ready["scheduler"] == serving.process.pid
    workers = client.run(os.getpid)
    assert sorted(workers.values()) == sorted(serving.ready["workers"])
    assert serving.ready["address"] == client.scheduler.address
    assert serving.ready["dashboard"] is None


def test_scheduler_file_and_preload(serving, client):
    identity = json.loads((serving.file.parent / "scheduler.json").read_text())
    assert identity["address"] == serving.ready["address"]
    assert client.sync(client.scheduler.preloaded) == "dask_ml"


def test_environment_arrives_in_the_worker(serving, client):
    for here in client.run(lambda: dict(os.environ)).values():
        for name, value in WORKER_ENVIRONMENT.items():
            assert here[name] == value


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another malloc")
def test_memory_that_a_worker_has_freed_stays_with_it(serving, client):
    def kept() -> tuple[int, int]:
        import numpy as np

        def resident() -> int:
            return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        before = resident()
        blocks = [np.ones(125_000) for _ in range(200)]  # 1 MB each
        most = resident() - before
        del blocks
        return resident() - before, most

    for after, most in client.run(kept).values():
        assert most > 150e6
        assert after > 0.8 * most


def test_blas_of_the_worker_has_one_thread(client):
    def threads() -> list[int]:
        import threadpoolctl

        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]

    for pools in client.run(threads).values():
        assert pools
        assert set(pools) == {1}


def test_modules_are_there_before_the_first_task(client):
    def loaded() -> bool:
        return "dask_ml.wrappers" in sys.modules and "sklearn.linear_model" in sys.modules

    assert all(client.run(loaded).values())


def test_what_a_task_forks_lives(client):
    def fork() -> int:
        pid = os.fork()
        if not pid:
            os._exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert client.submit(fork).result() == 7


def test_second_call_returns_the_same_client(serving, client):
    assert connect(serving.ready["address"]) is client


def test_memory_is_for_the_start_and_the_client_stays_the_same(no_address):
    given = connect("local", workers=1, memory="640 MB")
    try:
        assert connect("local", workers=1) is given
        limits = [w["memory_limit"] for w in given.scheduler_info()["workers"].values()]
        assert limits == [640_000_000]
    finally:
        given.close()


def test_address_in_the_environment_is_respected(serving, client, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", serving.ready["address"])
    assert connect() is client


def test_explicit_profile_goes_before_the_environment(serving, client, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:1")
    assert connect(serving.ready["address"]) is client


def test_address_in_the_environment_that_is_none(monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "localhost")
    with pytest.raises(ClusterError, match="DASK_SCHEDULER_ADDRESS is 'localhost'"):
        connect()


def test_profile_with_an_address(serving, client, tmp_path):
    path = tmp_path / "here.toml"
    path.write_text(f'kind = "address"\naddress = "{serving.ready["address"]}"\nworkers = 2\n')
    assert connect(str(path)) is client


def test_size_is_what_the_profile_says(serving, client, tmp_path, no_address):
    address = serving.ready["address"]
    assert size_of(connect(address)) == "laptop"
    path = tmp_path / "site.toml"
    path.write_text(f'kind = "address"\nsize = "node"\naddress = "{address}"\nworkers = 2\n')
    assert size_of(connect(str(path))) == "node"
    assert size_of(connect(address)) == "laptop"


def test_size_of_an_address_is_what_the_environment_says(serving, client, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", serving.ready["address"])
    monkeypatch.setenv("DASK_SCALING_SIZE", "cluster")
    assert size_of(connect()) == "cluster"
    monkeypatch.setenv("DASK_SCALING_SIZE", "planet")
    with pytest.raises(ClusterError, match=r"DASK_SCALING_SIZE is 'planet'.*laptop, node, cluster"):
        connect()


def test_a_script_says_where_connect_goes(serving, client, monkeypatch, capsys):
    monkeypatch.setattr(connection, "_usual", dict(connection._usual))
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    address = serving.ready["address"]
    monkeypatch.setattr(sys, "argv", ["ex.py", "--profile", address, "--workers", "2"])
    command_line()
    assert connect().scheduler.address == address
    monkeypatch.setattr(sys, "argv", ["ex.py", "--workers", "2"])
    with pytest.raises(SystemExit):
        command_line()
    assert "--workers goes with --profile" in capsys.readouterr().err


def test_nothing_listens_at_the_address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ClusterError, match=f"No Dask scheduler answers at tcp://127.0.0.1:{port}"):
        connect(f"tcp://127.0.0.1:{port}", timeout=0.5)


def test_port_that_is_taken_is_named(serving):
    port = serving.ready["address"].rpartition(":")[2]
    result = subprocess.run(
        [sys.executable, "-m", "cluster", "serve", "--port", port, "--warm", ""],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert result.returncode == 1
    assert f"cluster: port {port} of 127.0.0.1 is taken" in result.stderr


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A scheduler of another version with one worker."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "other_dask.py").write_text(OTHER_DASK)
    running = Serving(folder, "--workers", 1, "--warm", "", "--preload", folder / "other_dask.py")
    yield running
    running.end()


def test_version_mismatch_says_which(odd):
    with pytest.raises(ClusterError, match=r"dask is 20\S+ here and 1999.1.0 on the scheduler"):
        connect(odd.ready["address"])


def test_workers_that_do_not_arrive_are_counted(odd):
    with pytest.raises(ClusterError, match=r"1 of 2 workers arrived within 0.5 s: look at"):
        connect(odd.ready["address"], workers=2, timeout=0.5)


@pytest.mark.parametrize(
    ("package", "theirs", "said"),
    [
        ("python", "3.12.1.final.0", "python is 3.11 here and 3.12 on worker a"),
        ("python", "3.11.9.final.0", ""),
        ("distributed", "2025.1.0", "distributed is 2026.8.0 here and 2025.1.0 on worker a"),
        ("numpy", "1.0", ""),
    ],
)
def test_versions_that_matter(package, theirs, said):
    ours = {"python": "3.11.7.final.0", "dask": "2026.8.0", "distributed": "2026.8.0"}
    versions = {
        "client": {"packages": ours},
        "scheduler": {"packages": ours},
        "workers": {"a": {"packages": ours | {package: theirs}}},
    }
    assert version_mismatch(versions) == said


# -------------------------------------------------------------------------- start and end


def test_written_record_replaces_the_old_whole(tmp_path):
    path = tmp_path / "record.json"
    path.write_text("old")
    write_atomically(path, {"a": 1})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_local_that_takes_too_long_is_counted_and_gone(no_address):
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with pytest.raises(ClusterError, match="0 of 2 workers had started"):
        connect("local", timeout=0.1)
    after = {process.pid for process in psutil.Process().children(recursive=True)}
    assert left_after(1, list(after - before)) == []


# No main guard; the thread that asks for the cluster ends before it is used.
SCRIPT = """
import json, os, sys, threading
import psutil
from cluster import connect
from helper import triple

def double(x):
    return 2 * x

thread = threading.Thread(target=connect)
thread.start()
thread.join()
client = connect()
answers = [client.submit(double, 21).result(), client.submit(triple, 5).result()]
pids = [p.pid for p in psutil.Process().children(recursive=True)]
blas = [name for name in os.environ if name.endswith("_NUM_THREADS")]
print(json.dumps({"answers": answers, "pids": pids, "workers": len(client.nthreads()),
                  "blas": blas, "dashboard": client.dashboard_link}), flush=True)
ending = sys.argv[1]
if ending == "close":
    client.close()
    print(json.dumps([p.pid for p in psutil.Process().children(recursive=True)]))
elif ending == "kill":
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("ending", ["close", "exit", "kill"])
def test_script_without_main_guard_works_and_leaves_nothing(ending, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "helper.py").write_text("def triple(x):\n    return 3 * x\n")
    environment = {k: v for k, v in ENVIRONMENT.items() if not k.endswith("_NUM_THREADS")}
    environment.pop("DASK_SCHEDULER_ADDRESS", None)
    result = subprocess.run(
        [sys.executable, str(tmp_path / "script.py"), ending],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == (-signal.SIGKILL if ending == "kill" else 0), result.stderr
    first, *rest = map(json.loads, result.stdout.splitlines())
    assert first["answers"] == [42, 15]
    assert first["workers"] == 2
    assert first["blas"] == []
    assert first["dashboard"].startswith("http://127.0.0.1:")
    assert len(first["pids"]) >= 4
    if ending == "close":
        assert not set(rest[0]) & set(first["pids"])
    assert left_after(15 if ending == "kill" else 1, first["pids"]) == []


def test_sigterm_closes_in_order(tmp_path):
    running = Serving(tmp_path, "--workers", 1, "--warm", "")
    pids = running.pids()
    assert running.end() == 0
    assert left_after(2, pids) == []


def test_killed_server_takes_a_busy_worker_with_it(tmp_path):
    running = Serving(tmp_path, "--workers", 1, "--warm", "")
    pids = running.pids()
    client = connect(running.ready["address"])
    busy = client.submit(sum, range(10**12))  # holds the interpreter's lock
    time.sleep(0.2)
    running.process.kill()
    running.process.wait()
    assert left_after(3, pids) == []
    del busy
    client.close()
