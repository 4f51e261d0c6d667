"""The kit on a real batch system: SLURM's own daemons, on this machine."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dask
import dask_jobqueue  # noqa: F401  its defaults have to be there before one of them is changed
import nbformat
import psutil
import pytest
from checkout import SAMPLES
from local_slurm import jobs

from autograder.author.samples import Sample, read_samples
from autograder.exercise import catalogue
from cluster import ClusterError, connect

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("slurm")]

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "source" / "ex05_batch_cluster" / "ex05_batch_cluster.ipynb"

EX05 = catalogue.find(NOTEBOOK.stem)
assert EX05 is not None
POINTS = {check.grade_id: check.points for check in EX05.checks}
RIGHT = [sample for sample in read_samples(EX05, SAMPLES) if sample.verdict == POINTS]


@pytest.fixture(autouse=True)
def leaves_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail the test if a job is there before or after it."""
    monkeypatch.chdir(tmp_path)  # where the jobs' output goes
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__INTERFACE", "lo")  # for processes of their own
    assert jobs() == []
    with dask.config.set({"jobqueue.slurm.interface": "lo"}):
        yield
    assert _none_left_after(20), jobs()


def _within(seconds: float, comes_true: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not comes_true() and time.monotonic() < until:
        time.sleep(0.1)
    return comes_true()


def _none_left_after(seconds: float) -> bool:
    return _within(seconds, lambda: jobs() == [])


def test_connect_computes_on_two_workers_and_leaves_nothing_behind() -> None:
    client = connect("slurm", workers=2)
    try:
        assert len(jobs()) == 1  # the profile puts two workers into a job
        assert sum(client.gather(client.map(lambda n: n * n, range(10)))) == 285
        # A lambda travels by value: the workers do not have this file.
        where = list(client.run(lambda: (os.environ.get("SLURM_JOB_ID"), os.getpid())).values())
        assert len(where) == 2
        assert all(job is not None for job, _ in where)
    finally:
        client.close()
    assert _none_left_after(20), jobs()
    assert _within(20, lambda: not any(psutil.pid_exists(pid) for _, pid in where))


def test_a_job_that_slurm_refuses_is_told_in_slurms_words(tmp_path: Path) -> None:
    profile = tmp_path / "wrong.toml"
    profile.write_text(
        'kind = "slurm"\nworkers = 1\ncores = 1\nprocesses = 1\nmemory = "1GB"\n'
        'walltime = "00:05:00"\nqueue = "nowhere"\n'
    )
    with pytest.raises(ClusterError, match=r"sbatch refused the jobs.*[Ii]nvalid partition"):
        connect(str(profile))


def test_workers_that_wait_in_the_queue_are_counted_and_their_jobs_taken_back() -> None:
    with pytest.raises(ClusterError, match=r"of 6 workers arrived within .*squeue"):
        connect("slurm", workers=6, timeout=10)  # the node has two cores
    assert _none_left_after(20), jobs()


@pytest.fixture(scope="module")
def slurm_job() -> object:
    """``slurm_job`` of the reference solution, as it stands in the notebook."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cell = next(
        cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "slurm_job"
    )
    namespace: dict[str, object] = {}
    exec(cell.source, namespace)
    return namespace["slurm_job"]


@pytest.mark.parametrize(("jobs_", "processes"), [(2, 1), (1, 2)])
def test_the_reference_of_ex05_starts_a_cluster_that_computes(
    slurm_job: object, jobs_: int, processes: int
) -> None:
    from dask_jobqueue import SLURMCluster
    from distributed import Client

    assert callable(slurm_job)
    arguments = slurm_job("normal", None, jobs_, processes, 1, 1, "00:05:00", "lo")
    with SLURMCluster(**arguments) as cluster, Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(jobs_ * processes, timeout=60)
        assert len(jobs()) == jobs_
        limits = {worker["memory_limit"] for worker in client.scheduler_info()["workers"].values()}
        assert limits == {2**30 // processes}
        assert client.gather(client.map(lambda n: n * n, range(4))) == [0, 1, 4, 9]
    assert _none_left_after(20), jobs()


# In make test: the older names of arguments, all arguments there are, sizes in bytes, and a site
# without --mem.
ODD = ("dijkstra", "hamilton", "lamarr", "liskov")


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param(sample, marks=() if sample.student in ODD else pytest.mark.thorough)
        for sample in RIGHT
    ],
    ids=lambda sample: sample.student,
)
def test_a_right_sample_of_ex05_starts_a_cluster_that_computes(sample: Sample) -> None:
    from dask_jobqueue import SLURMCluster
    from distributed import Client

    namespace: dict[str, object] = {}
    helpers = [extra.source for extra in sample.extra if not extra.source.lstrip().startswith("%")]
    for source in [*helpers, sample.answers["slurm_job"]]:
        exec(source, namespace)
    slurm_job = namespace["slurm_job"]
    assert callable(slurm_job)
    arguments = slurm_job("normal", None, 2, 1, 1, 1, "00:05:00", "lo")
    with SLURMCluster(**arguments) as cluster, Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        assert client.gather(client.map(lambda n: n * n, range(4))) == [0, 1, 4, 9]
    assert _none_left_after(20), jobs()


def test_what_the_job_script_asks_for_is_what_slurm_says_the_job_has(slurm_job: object) -> None:
    from dask_jobqueue import SLURMCluster

    assert callable(slurm_job)
    with SLURMCluster(**slurm_job("normal", None, 1, 2, 1, 1, "01:05:00", "lo")):
        assert _within(20, lambda: len(jobs()) == 1)
        (said,) = jobs("%P %C %m %l")
    assert said.split() == ["normal", "2", "1G", "1:05:00"]


def test_the_notebooks_own_cell_finds_slurm_and_computes() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    wanted = ("import difflib", "def slurm_job(", "partition, account, interface")
    chosen = [cell.source for cell in cells if cell.source.lstrip().startswith(wanted)]
    assert len(chosen) == len(wanted)
    code = "\n\n".join(chosen).replace("client = connect()", "client = None")
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "[0, 1, 4, 9, 16, 25, 36, 49], from 2 workers" in done.stdout, done.stderr


SITE = """
kind = "slurm"
size = "laptop"
workers = 2
cores = 2
processes = 2
memory = "4GB"
walltime = "00:10:00"
interface = "lo"
"""


@pytest.mark.parametrize(
    "text",
    [
        # In make test: the one about SLURM.
        pytest.param(
            path, id=path.stem, marks=() if path.stem == NOTEBOOK.stem else pytest.mark.thorough
        )
        for path in sorted((ROOT / "solutions").glob("*.py"))
    ],
)
def test_every_reference_solution_passes_its_checks_on_slurm(text: Path, tmp_path: Path) -> None:
    """As a script, on workers that are jobs; each check of it raises if it is not passed."""
    (tmp_path / "site.toml").write_text(SITE)
    # The node has two cores, and ex05 submits jobs of its own.
    place = "local" if text.stem == NOTEBOOK.stem else "./site.toml"
    done = subprocess.run(
        [sys.executable, str(text), "--profile", place],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    found = catalogue.find(text.stem)
    assert found is not None
    assert all(check.title in _titles(done.stdout) for check in found.checks), done.stdout[-3000:]


def _titles(said: str) -> str:
    """Put titles that were broken into lines together again, without the points in between."""
    return " ".join(re.sub(r"\s[\d.]+ / [\d.]+$", "", said, flags=re.M).split())
