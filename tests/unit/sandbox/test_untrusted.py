"""Files out of a box: no content of theirs breaks the grader."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
