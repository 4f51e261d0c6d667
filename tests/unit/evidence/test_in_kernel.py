"""A notebook in a kernel of its own: the cluster it gets, and the numbers of its cells."""

import sys
from types import SimpleNamespace

import pytest
from kept_evidence import EX02, exercise_of

from autograder.errors import HarnessError
from autograder.evidence import in_kernel
from cluster import ClusterError
from cluster.client import Client


class Started(Client):
    """A client of a cluster that was started for it; four workers came."""

    def __init__(self):
        self.retired, self.closed = [], False

    def scheduler_info(self, n_workers):
        return {"workers": dict.fromkeys("badc")}

    def retire_workers(self, workers, close_workers):
        assert close_workers
        self.retired += workers

    def close(self):
        self.closed = True


@pytest.mark.parametrize(("asked", "retired"), [(None, ""), (4, ""), (2, "cd"), (1, "bcd")])
def test_workers_too_many_are_sent_home(asked, retired, monkeypatch):
    client = Started()
    monkeypatch.setattr(in_kernel, "connect", lambda profile, workers: client)
    with in_kernel.cluster_of("slurm", asked) as given:
        assert given is client
        assert client.retired == list(retired)
        assert not client.closed
    assert client.closed


def test_workers_of_somebody_elses_cluster_are_not(monkeypatch):
    known = Started()
    other = SimpleNamespace(scheduler_info=known.scheduler_info, close=known.close)
    monkeypatch.setattr(in_kernel, "connect", lambda profile, workers: other)
    refused = pytest.raises(ClusterError, match="has 4 workers, and this command cannot resize it")
    with refused, in_kernel.cluster_of("tcp://host:8786", 2):
        pass
    with in_kernel.cluster_of("tcp://host:8786", 4):
        pass
    assert known.closed


FAILS = [sys.executable, "-c", "raise SystemExit('no socket is free')"]


@pytest.fixture
def cluster(monkeypatch):
    """A cluster for a kernel that nobody asks to compute anything."""
    monkeypatch.setattr(in_kernel, "size_of", lambda client: "laptop")
    return SimpleNamespace(scheduler=SimpleNamespace(address="tcp://127.0.0.1:1"))


def test_a_kernel_that_never_starts_is_the_kits_fault_and_its_last_words_are_told(
    cluster, tmp_path, monkeypatch
):
    monkeypatch.setattr(in_kernel, "_argv", lambda: FAILS)
    refused = pytest.raises(HarnessError, match=r"did not start: .* It said: no socket is free")
    with refused, in_kernel.in_kernel(exercise_of(EX02), tmp_path, cluster):
        pass


@pytest.mark.slow
def test_a_kernel_that_ends_at_once_is_started_again(cluster, tmp_path, monkeypatch):
    arguments = [FAILS, in_kernel._argv()]
    monkeypatch.setattr(in_kernel, "_argv", lambda: arguments.pop(0))
    with in_kernel.in_kernel(exercise_of(EX02), tmp_path, cluster) as observer:
        assert observer._execute("1 + 1", "a cell").failure is None
    assert arguments == []
