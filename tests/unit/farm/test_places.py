"""How many slots there will be, and what is asked of a batch system for them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.errors import HarnessError
from autograder.farm import places, slots
from autograder.farm.places import Need

NEED = Need(cores=2, memory=4_500_000_000, asked_memory=7_000_000_000, seconds=660.0, boxed=True)


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "here", lambda: list(range(8)))
    monkeypatch.setattr(slots, "memory_limit", lambda: 64_000_000_000)


def site(folder: Path, **changes: object) -> str:
    fields = {
        "kind": "slurm", "workers": 8, "cores": 8, "processes": 4, "memory": "16GB",
        "walltime": "02:00:00",
    } | changes  # fmt: skip
    path = folder / "site.toml"
    path.write_text("\n".join(f"{name} = {value!r}" for name, value in fields.items()))
    return str(path)


def test_this_machine_has_as_many_slots_as_cores_allow() -> None:
    offered = places.offer(NEED, None, None)
    assert (offered.slots, offered.where) == (4, "in 4 slots of 2 cores on this machine")
    assert places.offer(NEED, None, 2).slots == 2
    assert places.offer(NEED, "local", 1).where == "in 1 slot of 2 cores on this machine"


def test_more_are_refused_unless_they_are_forced() -> None:
    with pytest.raises(HarnessError, match="--jobs 4"):
        places.offer(NEED, None, 5)
    assert places.offer(NEED, None, 8, forced=True).where.startswith("in 8 slots of 1 core ")


def test_one_core_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "here", lambda: [0])
    with pytest.raises(HarnessError, match="1 submission at a time need 2 cores"):
        places.offer(NEED, None, None)


def test_memory_allows_fewer_slots_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "memory_limit", lambda: 10_000_000_000)
    assert places.offer(NEED, None, None).slots == 2
    with pytest.raises(HarnessError, match=r"may need 13\.5 GB.*--jobs 2"):
        places.offer(NEED, None, 3)


def test_jobs_of_a_profile_have_as_many_slots_as_cores(tmp_path: Path) -> None:
    offered = places.offer(NEED, site(tmp_path), 10)
    assert (offered.slots, offered.per_job) == (40, 4)
    assert "on 10 jobs of" in offered.where and "4 slots each" in offered.where
    assert (
        places.offer(NEED, site(tmp_path), None).slots == 8
    )  # the profile's eight workers: 2 jobs


@pytest.mark.parametrize("name", ["gadi", "slurm"])
def test_the_kits_own_profiles_serve(name: str) -> None:
    assert places.offer(NEED, name, 1).per_job == {"gadi": 24, "slurm": 1}[name]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cores": 1}, "1 core a job, and one submission needs 2"),
        ({"walltime": "00:20:00"}, "walltime of 00:20:00, and one submission may take 11 min"),
    ],
)
def test_profile_that_asks_for_too_little_is_refused(
    tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(HarnessError, match=says):
        places.offer(NEED, site(tmp_path, **changes), 1)


def test_scheduler_that_runs_already_is_no_place_for_grading() -> None:
    with pytest.raises(HarnessError, match="address of a running scheduler"):
        places.offer(NEED, "address", 1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ``start_batch`` was called with."""
    told: dict[str, Any] = {}

    def start(profile: Any, workers: int, further: Any) -> Any:
        told.update(profile=profile, workers=workers, further=further)
        raise RuntimeError("no batch system here")

    monkeypatch.setattr(places, "start_batch", start)
    return told


@pytest.mark.parametrize("kind", ["slurm", "pbs"])
def test_jobs_are_asked_for_with_memory_and_an_end_before_their_walltime(
    tmp_path: Path, asked: dict[str, Any], kind: str
) -> None:
    offered = places.offer(NEED, site(tmp_path, kind=kind), 3)
    with pytest.raises(RuntimeError), places.opened(NEED, offered, tmp_path / "jobs"):
        pass
    assert asked["workers"] == 12
    profile, words = asked["profile"], asked["further"]["worker_extra_args"]
    assert (profile.processes, profile.cores) == (4, 8)
    assert profile.memory == "28000000000B" and profile.log_directory == str(tmp_path / "jobs")
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert options["--nthreads"] == "1" and options["--memory-limit"] == "0"
    assert 7200 - 120 < float(options["--lifetime"].rstrip("s")) < 7200


@pytest.mark.parametrize(("kind", "head"), [("slurm", "#SBATCH"), ("pbs", "#PBS")])
def test_head_of_the_job_script_asks_for_the_cores_and_memory_of_all_its_slots(
    tmp_path: Path, asked: dict[str, Any], kind: str, head: str
) -> None:
    from dask_jobqueue.pbs import PBSJob
    from dask_jobqueue.slurm import SLURMJob

    from cluster.batch import job_options

    offered = places.offer(NEED, site(tmp_path, kind=kind), 3)
    with pytest.raises(RuntimeError), places.opened(NEED, offered, tmp_path / "jobs"):
        pass
    options = job_options(asked["profile"]) | asked["further"]
    del options["scheduler_options"]
    make = SLURMJob if kind == "slurm" else PBSJob
    script = make("tls://127.0.0.1:1", name="slots", **options).job_script()
    asks = [line for line in script.splitlines() if line.startswith(head)]
    cores = "--cpus-per-task=8" if kind == "slurm" else "ncpus=8:mem=27GB"
    assert any(cores in line for line in asks), script
    # Of options that are there twice, the worker takes the last.
    (command,) = [line for line in script.splitlines() if "--nthreads" in line]
    assert command.rindex("--nthreads 1") > command.index("--nthreads 2")
    assert "--nworkers 4" in command and "--death-timeout 120" in command


def _place(tmp_path: Path, jobs: int, names: list[str]) -> Any:
    offered = places.offer(NEED, site(tmp_path), jobs)
    assert offered.profile is not None
    made: list[str] = []
    cluster = SimpleNamespace(
        worker_spec={"J-0": 1, "J-1": 1},
        # As SpecCluster does it: the first name from the last number on that is free.
        new_worker_spec=lambda: {
            next(n for n in ("J-1", "J-2") if n not in cluster.worker_spec): 1
        },
        sync=lambda *_: made.append("submitted"),
        _correct_state=None,
    )
    workers = {"workers": {name: {"name": name} for name in names}}
    client = SimpleNamespace(scheduler_info=lambda n_workers: workers)
    started = SimpleNamespace(cluster=cluster)
    return places._Batch(client, NEED, offered, offered.profile, started), cluster


def test_job_is_replaced_when_its_last_slot_is_gone(tmp_path: Path) -> None:
    place, cluster = _place(tmp_path, 2, ["J-0-1", "J-1-0"])
    assert not place.replace("J-0-0")  # its neighbour works on
    assert set(cluster.worker_spec) == {"J-0", "J-1"}
    place, cluster = _place(tmp_path, 2, ["J-0-1", "J-1-0"])
    assert place.replace("J-0-1")
    assert set(cluster.worker_spec) == {"J-1", "J-2"}
    place, cluster = _place(tmp_path, 2, ["J-0-1", "J-1-0"])
    assert place.replace("J-1-0")
    assert set(cluster.worker_spec) == {"J-0", "J-2"}


def test_slot_of_a_job_knows_its_place_in_it(tmp_path: Path) -> None:
    place, _ = _place(tmp_path, 2, [])
    share = place.share("J-1-3")
    assert (share.number, share.slots, share.divided) == (3, 4, True)
    assert 7200 * 0.8 - 780 < place.lifetime() <= 7200 - 780
