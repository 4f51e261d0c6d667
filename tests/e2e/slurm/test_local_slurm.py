"""Where SLURM cannot be had, the reason is told, and nothing is left behind."""

import os
import tempfile
from pathlib import Path

import pytest
from local_slurm import SlurmUnavailable, running
from public_folder import for_everybody


@pytest.fixture(autouse=True)
def leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("SLURM_CONF", "as it was")
    yield
    assert os.listdir(tmp_path) == []
    assert os.environ["SLURM_CONF"] == "as it was"


def test_an_ordinary_user_is_told_that_it_takes_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SlurmUnavailable, match="only root"), running():
        pass


def test_a_machine_without_packages_is_told_so(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(Path(__file__).parent))
    with pytest.raises(SlurmUnavailable, match="could not be installed"), running():
        pass


def test_munge_gets_a_folder_that_everybody_can_look_into(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    place = for_everybody()
    assert tmp_path not in (place, *place.parents)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    assert for_everybody() == place
