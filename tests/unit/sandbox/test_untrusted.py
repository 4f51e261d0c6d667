"""Files out of a box: no content of theirs breaks the grader."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.errors import SubmissionError
from autograder.model import Recording
from autograder.sandbox import untrusted

_LIGHT = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=60,
)


@_LIGHT
@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_no_file_of_answers_breaks_the_grader(content: bytes) -> None:
    assert isinstance(untrusted._as_json(content), dict)
    untrusted.as_failure(untrusted._as_json(content))
    array = untrusted._as_array(content)
    assert array is None or not array.dtype.hasobject


@pytest.mark.parametrize(
    "descr, shape, kept",
    [("<U0", f"({2**50},)", False), ("|V8", "(1,)", False), ("<f8", "(1,)", True)],
)
def test_an_array_is_no_larger_than_its_file(descr: str, shape: str, kept: bool) -> None:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}"
    header = header.ljust(117) + "\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    assert (untrusted._as_array(content + bytes(8)) is not None) is kept


def test_a_number_of_many_digits_is_none() -> None:
    assert untrusted.natural(10**400) == untrusted.natural(-1) == untrusted.natural("7") == 0
    assert untrusted.natural(7) == 7


@_LIGHT
@given(st.binary(max_size=120), st.integers(0, 127))
def test_no_array_file_breaks_the_grader(noise: bytes, at: int) -> None:
    import io

    file = io.BytesIO()
    np.save(file, np.arange(5.0))
    content = bytearray(file.getvalue())
    content[at : at + len(noise)] = noise
    array = untrusted._as_array(bytes(content))
    assert array is None or not array.dtype.hasobject


@pytest.mark.parametrize(
    "said",
    [
        '"unrecorded": 1{zeros}',
        '"unrecorded": -1',
        '"layers": [{{"layer": "a", "cpu_seconds": NaN, "wall_seconds": 1.0}}]',
        '"layers": [{{"layer": "a", "cpu_seconds": 1.0, "wall_seconds": Infinity}}]',
        '"balance": NaN',
        '"missing": {{"cancelled": 1{zeros}}}',
        '"graphs": [{{"submitted": NaN, "tasks": 1, "wanted": 1, "nbytes": 1}}]',
    ],
)
def test_a_record_with_numbers_that_no_file_holds_is_silence(said: str) -> None:
    record = '{"workers": ["tcp://one"], ' + said.format(zeros="0" * 400) + "}"
    assert untrusted.recording(record.encode()) == Recording()
    honest = '{"workers": ["tcp://one"], "unrecorded": 3, "balance": 1.5}'
    assert untrusted.recording(honest.encode()) == Recording(
        workers=("tcp://one",), unrecorded=3, balance=1.5
    )


@pytest.mark.parametrize("number", [10**400, 2**60, -1])
def test_a_record_of_more_bytes_than_there_are_is_silence(number: int) -> None:
    said = f'{{"tasks": [], "gathered_bytes": {number}, "workers": ["tcp://one"]}}'
    assert untrusted.recording(said.encode()) == Recording()
    assert untrusted.recording(said.replace(str(number), "7").encode()).gathered_bytes == 7


def told(**parts: object) -> bytes:
    return json.dumps({"workers": ["tcp://one"], **parts}).encode()


def a_task(**parts: object) -> dict[str, object]:
    numbers = dict.fromkeys(("submitted", "start", "stop"), 1.5)
    seconds = dict.fromkeys(("compute_seconds", "transfer_seconds"), 0.25)
    names = {"key": "a-1", "layer": "a", "worker": "tcp://one"}
    return {**names, **numbers, **seconds, "nbytes": 7, "dependencies": [], **parts}


GRAPH = {"submitted": 1.5, "tasks": 1, "wanted": 1, "nbytes": 1}


@pytest.mark.parametrize(
    "parts",
    [
        {"tasks": [a_task(priority=[1] * 10_000_000)]},
        {"tasks": [a_task(dependencies=["b"] * 2_000_000)]},
        {"graphs": [GRAPH] * 400_000},
        {"missing": {str(i): 1 for i in range(1_000)}},
    ],
)
def test_a_record_that_the_recorder_could_not_write_is_refused(parts: dict[str, object]) -> None:
    with pytest.raises(SubmissionError):
        untrusted.recording(told(**parts))


def test_the_largest_record_that_the_recorder_writes_is_read() -> None:
    parts = [f"('part-0123456789abcdef', {i})" for i in range(100)]
    dask = {"dependencies": parts, "priority": [0, 1, 7], "worker": "tcp://127.0.0.1:45678"}
    tasks = [a_task(key=f"('sum-0123456789abcdef', {i})", **dask) for i in range(7_000)]
    content = told(tasks=tasks, graphs=[GRAPH] * 7_000)
    assert len(content) > 24_000_000
    read = untrusted.recording(content)
    assert len(read.tasks) == len(read.graphs) == 7_000
    assert read.tasks[-1].dependencies[-1] == parts[-1]


def test_the_records_of_a_submission_have_room_together() -> None:
    content = told(tasks=[a_task()] * 100)
    room = untrusted.Room(2 * len(content) + 1)
    for _ in range(2):
        assert len(untrusted.recording(content, room).tasks) == 100
    with pytest.raises(SubmissionError, match="the records of earlier calls have left only"):
        untrusted.recording(content, room)
    # One that says nothing takes no room, and the next submission has its own.
    assert untrusted.recording(b"", room) == Recording()
    assert len(untrusted.recording(content).tasks) == 100


def test_what_is_in_no_record_is_left_out_of_it() -> None:
    content = told(junk=[{}] * 1_000_000, tasks=[a_task(more="than that")])
    assert untrusted.recording(content) == untrusted.recording(told(tasks=[a_task()]))
