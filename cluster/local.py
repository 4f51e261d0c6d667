"""Start ``python -m cluster serve`` for this process and end it again.

Nothing is changed in this process: the workers' BLAS threads and malloc settings are in the
environment of the server and of what it starts.
"""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import psutil

from cluster.errors import ClusterError
from cluster.profile import LocalProfile

__all__ = ["Server"]


class Server:
    """A scheduler and its workers in separate processes, which end with this one.

    Parameters
    ----------
    profile : LocalProfile
        What to start.
    workers : int
        How many, overriding the profile.
    """

    def __init__(self, profile: LocalProfile, workers: int) -> None:
        self._workers = workers
        self._stopped = False
        self._folder = tempfile.TemporaryDirectory(prefix="cluster-")
        self._ready = Path(self._folder.name, "ready.json")
        options = {
            "--workers": workers,
            "--threads": profile.threads,
            "--memory": profile.memory,
            "--port": 0,
            "--ready": self._ready,
            "--parent": os.getpid(),
        }
        if profile.dashboard:
            options["--dashboard"] = 0
        self.process = subprocess.Popen(
            # -P: the module path is this process's, no more and no less.
            [sys.executable, "-P", "-m", "cluster", "serve"]
            + [str(word) for option in options.items() for word in option],
            env=os.environ | {"PYTHONPATH": _module_path()},
            stdin=subprocess.DEVNULL,
            # A Ctrl-C, or a notebook's interrupt, is meant for this process only.
            start_new_session=True,
        )

    def wait(self, timeout: float) -> str:
        """Wait until all workers are up.

        Parameters
        ----------
        timeout : float
            Seconds.

        Returns
        -------
        str
            The scheduler's address.

        Raises
        ------
        ClusterError
            If the workers do not arrive in time, or the server fails.
        """
        deadline = time.monotonic() + timeout
        while not self._ready.exists() and self.process.poll() is None:
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"The local cluster did not start within {timeout:g} s: {self._stopped_at()}; "
                    f"see with top if the machine is busy or out of memory, or give a longer "
                    f"timeout."
                )
            time.sleep(0.01)
        ready = self._read()
        if "address" not in ready:
            self.stop()
            reason = ready.get("error", f"exit status {self.process.returncode}")
            raise ClusterError(f"The local cluster did not start: {reason}.")
        self._folder.cleanup()
        return str(ready["address"])

    def is_alive(self) -> bool:
        """Whether the server is still running."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End the server with all its processes, and wait until they are gone."""
        if self._stopped:
            return
        self._stopped = True
        try:
            started = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            started = []
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # The kernel has killed the workers by now; their parent's last helper ends by itself.
        deadline = time.monotonic() + 2
        while any(map(_is_running, started)) and time.monotonic() < deadline:
            time.sleep(0.005)
        self._folder.cleanup()

    def _stopped_at(self) -> str:
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
        return str(
            self._read().get("error", f"stopped when 0 of {self._workers} workers had started")
        )

    def _read(self) -> dict[str, object]:
        return json.loads(self._ready.read_text()) if self._ready.exists() else {}


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE and process.is_running())
    except psutil.NoSuchProcess:
        return False


def _module_path() -> str:
    """List this process's import paths, without every interpreter's default ones."""
    own = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    own |= {str(Path(path, "lib-dynload")) for path in own}
    places = [os.path.abspath(place) for place in sys.path]
    return os.pathsep.join(p for p in places if p not in own and os.path.isdir(p))
