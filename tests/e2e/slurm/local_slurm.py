"""A real SLURM on this machine alone: munged, slurmctld and slurmd as children of this process.

All three listen on loopback and keep what they write in one folder. Nothing of the machine's own
SLURM, if it has one, is used or changed.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from public_folder import for_everybody

__all__ = ["PROFILE", "SlurmUnavailable", "jobs", "running"]

PROFILE = """
kind = "slurm"
workers = 2
cores = 1
processes = 1
memory = "2GB"
walltime = "00:20:00"
interface = "lo"
timeout = 120
"""
"""Of a course that is observed here, without the folder that nodes and grader share."""

HERE = Path(__file__).parent
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "sinfo", "squeue")
START_SECONDS = 60
END_SECONDS = 20


class SlurmUnavailable(Exception):
    """SLURM cannot be had on this machine; the message says why."""


@contextmanager
def running(cores: int = 2) -> Iterator[Path]:
    """Run SLURM, installed if need be; yields its ``slurm.conf``, which is ``SLURM_CONF``.

    Parameters
    ----------
    cores : int
        That the one node has, whatever the machine has.

    Raises
    ------
    SlurmUnavailable
        If it cannot be installed, or does not start.
    """
    if os.geteuid() != 0:
        raise SlurmUnavailable("only root can run SLURM's daemons")
    _install()
    with ExitStack() as stack:
        # Not pytest's own temporary folder: munge wants one that everybody can look into.
        folder = Path(tempfile.mkdtemp(prefix="slurm-", dir=for_everybody()))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        conf = _configure(folder, cores)
        before = os.environ.get("SLURM_CONF")
        stack.callback(_restore, "SLURM_CONF", before)
        os.environ["SLURM_CONF"] = str(conf)
        _munge(stack, folder)
        _daemon(stack, folder, "slurmctld", "-D", "-f", str(conf))
        _daemon(stack, folder, "slurmd", "-D", "-f", str(conf), "-N", _host())
        _wait_until_idle(folder)
        stack.callback(_cancel_all)
        yield conf


def jobs(columns: str = "%A") -> list[str]:
    """List the jobs that wait or run, one line each, in squeue's columns; those ending left out."""
    states = "--states=PENDING,CONFIGURING,RUNNING,SUSPENDED"
    asked = ["squeue", "--noheader", states, f"--format={columns}"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()


def _install() -> None:
    done = subprocess.run([HERE / "install.sh"], capture_output=True, text=True, timeout=600)
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if done.returncode or missing:
        said = " ".join(done.stderr.split()[-40:]) or f"{', '.join(missing)} not found"
        raise SlurmUnavailable(f"SLURM could not be installed: {said}")


def _host() -> str:
    return socket.gethostname().split(".")[0]


def _configure(folder: Path, cores: int) -> Path:
    for name in ("state", "spool"):
        (folder / name).mkdir()
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        ports = one.getsockname()[1], two.getsockname()[1]
    text = (
        (HERE / "slurm.conf")
        .read_text()
        .format(
            folder=folder,
            host=_host(),
            controller_port=ports[0],
            node_port=ports[1],
            cores=cores,
            megabytes=psutil.virtual_memory().total // 2**20 * 8 // 10,
        )
    )
    conf = folder / "slurm.conf"
    conf.write_text(text)
    return conf


def _munge(stack: ExitStack, folder: Path) -> None:
    key, place = folder / "munge.key", folder / "munge.socket"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(128))
    own = [f"--{what}-file={folder / f'munge.{what}'}" for what in ("pid", "log", "seed")]
    _daemon(stack, folder, "munged", "-F", f"--key-file={key}", f"--socket={place}", *own)
    _wait(place.exists, "munged", folder)


def _daemon(stack: ExitStack, folder: Path, *command: str) -> None:
    log = stack.enter_context((folder / f"{command[0]}.out").open("wb"))
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
    )
    stack.callback(_end, process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_idle(folder: Path) -> None:
    def idle() -> bool:
        asked = ["sinfo", "--noheader", "--format=%T"]
        said = subprocess.run(asked, capture_output=True, text=True)
        return said.stdout.strip() == "idle"

    _wait(idle, "slurmd", folder)


def _wait(ready: object, name: str, folder: Path) -> None:
    assert callable(ready)
    until = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > until:
            logs = {
                log.stem: log.read_text(errors="replace")[-300:] for log in folder.glob("*.out")
            }
            raise SlurmUnavailable(f"{name} did not start within {START_SECONDS} s: {logs}")
        time.sleep(0.1)


def _cancel_all() -> None:
    """End what a failed test left, and wait for it: slurmd's own children are not ours."""
    subprocess.run(["scancel", "--user=root"], capture_output=True)
    until = time.monotonic() + END_SECONDS
    squeue = ["squeue", "--noheader"]
    while subprocess.run(squeue, capture_output=True).stdout and time.monotonic() < until:
        time.sleep(0.1)


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
