"""What evidence says of the packages and the machine that it was made with."""

import importlib.metadata
from collections.abc import Iterator

import pytest

from autograder.evidence import versions


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    versions._installed.cache_clear()
    yield
    versions._installed.cache_clear()


def hide(monkeypatch: pytest.MonkeyPatch, *hidden: str) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name in hidden:
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_another_version_of_what_an_exercise_imports_is_other_evidence() -> None:
    told = versions.versions()
    assert {"python", "kit", "dask", "distributed", "scikit-learn", "pyarrow"} <= set(told)
    assert "xgboost" in told or "xgboost-cpu" in told


def test_what_only_some_exercises_need_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "pyarrow", "xgboost", "xgboost-cpu")
    assert not {"pyarrow", "xgboost", "xgboost-cpu"} & set(versions.versions())


def test_what_all_exercises_need_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "dask")
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        versions.versions()


def test_a_machine_leaves_out_what_it_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in versions._JOBS:
        monkeypatch.delenv(name, raising=False)
    told = versions.machine()
    assert "job" not in told
    assert int(told["cores"]) >= 1
    assert all(told.values())
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert versions.machine()["job"] == "17"
