"""What the driver writes down of a call: whether the result is lazy, and what was opened for it."""

from pathlib import Path
from types import SimpleNamespace

import dask
import dask.array as da
import numpy as np
import pytest

from autograder.evidence import driver
from autograder.sandbox import untrusted

LAZY = da.ones((6, 2), chunks=(2, 2)) + 1


class Pretender:
    def __dask_graph__(self):
        return {"a": 1}


class Child(da.Array):
    pass


@pytest.mark.parametrize(
    ("result", "lazy"),
    [
        (LAZY, True),
        ((LAZY, LAZY), True),
        (dask.delayed(len)([1]), True),
        (np.ones(3), False),
        ((LAZY, np.ones(3)), False),
        (Pretender(), False),
        (Child({}, "a", ((1,),), float), False),
        ((), False),
    ],
)
def test_lazy_is_what_is_dasks_own(result, lazy):
    assert driver._describe(result, ())["lazy"] is lazy


def kept(result):
    return driver._describe(result, ())["kept"]


def test_blocks_that_are_there_are_counted_and_what_is_only_described_is_not(client):
    assert kept(LAZY) == kept(dask.delayed(len)([1])) == kept(np.ones(3)) == kept(Pretender()) == 0
    here = LAZY.persist()
    assert kept(here) == 3
    assert kept(da.concatenate([here, here])) == 6
    assert kept((LAZY, here)) == 3
    assert kept(here + 1) == 0  # from what is kept, but not kept itself
    assert kept(da.from_array(np.ones((4, 2)), chunks=(2, 2))) == 2
    assert kept(dask.delayed(len)([1]).persist()) == 1


def call(student, *arguments):
    cases = SimpleNamespace(materialise=lambda case, result: {})
    told, _, failure = driver.call_student(cases, "load", "load", student, arguments)
    assert failure is None
    return told


@pytest.fixture
def shards(tmp_path):
    paths = [tmp_path / f"{n}.txt" for n in range(3)]
    for path in paths:
        path.write_text("a star")
    return [(str(path), 1) for path in paths]


def read(path):
    return Path(path).read_bytes()


@pytest.mark.parametrize(
    ("student", "opened"),
    [
        (lambda shards: [dask.delayed(read)(path) for path, _ in shards], 0),
        (lambda shards: [Path(path).stat().st_size for path, _ in shards], 0),
        (lambda shards: Path(__file__).read_text(), 0),
        (lambda shards: read(shards[0][0]), 1),
        (lambda shards: [np.fromfile(path, np.uint8) for path, _ in shards * 2], 3),
        (
            lambda shards: dask.compute(
                *[dask.delayed(read)(p) for p, _ in shards], scheduler="synchronous"
            ),
            3,
        ),
    ],
)
def test_files_opened_by_the_notebooks_own_process_are_counted(student, opened, shards):
    assert call(student, shards)["opened"] == opened


def test_what_a_task_opens_is_not_the_notebooks_though_the_worker_is_a_thread_of_it(client, shards):
    def student(shards):
        return client.gather(client.map(read, [path for path, _ in shards]))

    assert call(student, shards)["opened"] == 0
    assert call(lambda shards: read(shards[0][0]), shards)["opened"] == 1


def test_what_is_counted_comes_out_of_the_box_as_numbers(shards):
    told = untrusted.answer(call(lambda shards: read(shards[0][0]), shards))
    assert (told["opened"], told["kept"], told["lazy"]) == (1, 0, False)
    assert untrusted.answer({"opened": "x", "kept": 2**60})["opened"] is None
