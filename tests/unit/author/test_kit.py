"""The helpers of ``cases.py``: what they make, what they say, and that evidence depends on them."""

import ast
import subprocess
import sys

import dask
import dask.array as da
import numpy as np
import pytest

from autograder.author import kit
from autograder.exercise import catalogue
from autograder.model import Comparison

CASES = [*catalogue.KIT.glob("*/cases.py"), *catalogue.KIT.parent.glob("author/template/cases.py")]


@pytest.mark.parametrize(
    ("parameters", "rows"),
    [
        ({"rows": 12, "blocks": 3}, (4, 4, 4)),
        ({"chunk_2": 1, "chunk_1": 5, "clusters": 2, "chunk_3": 7}, (5, 1, 7)),
        ({}, ()),
    ],
)
def test_chunks_follow_from_the_parameters(parameters, rows):
    assert kit.chunks(parameters) == rows


def _rows(seed, block, rows, offset):
    return np.random.default_rng([seed, block]).normal(size=(rows, 2)) + offset


def test_blocks_are_spread_over_the_workers_in_turn_and_joined(client):
    chunks = (3, 1, 2)
    blocks = kit.spread(_rows, 7, chunks, 10.0)
    client.gather(blocks)
    holders = [holders[0] for holders in map(client.who_has(blocks).get, (b.key for b in blocks))]
    first, second = kit.workers(client)
    assert holders == [second, first, second]
    joined = kit.join(blocks, chunks, (2,))
    assert (joined.chunks, joined.dtype) == ((chunks, (2,)), np.float64)
    alone = [_rows(7, block, rows, 10.0) for block, rows in enumerate(chunks, start=1)]
    assert np.array_equal(joined.compute(), np.concatenate(alone))


def _fail_on(address):
    from distributed import get_worker

    if get_worker().address == address:
        raise RuntimeError(address)


def test_each_worker_is_asked(client):
    for address in kit.workers(client):
        with pytest.raises(RuntimeError, match=address):
            kit.on_each_worker(_fail_on, address)
    kit.on_each_worker(_fail_on, "none of them")


def test_a_value_is_named_as_a_student_knows_it():
    assert kit.kind([1]) == "a list"
    assert kit.kind(1) == "an int"
    assert kit.kind(np.zeros(2)) == "a NumPy array"
    assert kit.kind(da.zeros(2)) == "a Dask array"
    assert kit.kind(None) == "None (is there a return statement?)"
    assert kit.kind_or_class(dict) == "the class dict itself"
    assert kit.kind_or_class({}) == "a dict"


def test_only_one_real_number_is_a_number():
    assert kit.number(np.array([2]), "must").tolist() == 2.0
    for wrong in ("2", [1, 2], None, 1j, object()):
        with pytest.raises(TypeError, match="must; it returned "):
            kit.number(wrong, "must")


def test_an_error_of_the_students_computation_is_not_hidden():
    class Lazy:
        __dask_graph__ = None

        def compute(self):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kit.number(Lazy(), "must")


@pytest.mark.parametrize("value", [None, 3, [3], "3", np.array("3"), np.array([3, 3]), np.zeros(0)])
def test_what_is_no_single_number_is_none(value):
    assert kit.single(value) is None
    assert kit.single(np.array([[3]])) == 3


def test_arrays_are_told_by_their_kind():
    assert kit.is_array(np.arange(2)) and not kit.is_array(np.array([True]))
    assert kit.is_array(np.array([True]), "b") and not kit.is_array([1], "iuf")
    assert kit.has_values(np.arange(2)) and not kit.has_values([1, 2])
    assert not kit.has_values(np.ndarray)


def test_the_first_known_mistake_that_fits_is_named():
    truth = {"a": np.array(1), "mistake:squared": np.array(4), "mistake:other": np.array(4)}
    assert kit.known_mistake(truth, lambda value: value == 4) == "squared"
    assert kit.known_mistake(truth, lambda value: value == 1) is None


def test_wrong_rows_are_counted_and_the_first_is_shown():
    got, right = np.arange(1200), np.arange(1200)
    got[[3, 9]] = 7
    said = kit.wrong_rows("labels", np.array([3, 9]), got, right)
    assert said == "2 of 1,200 labels are wrong, the first in row 3: 7, not 3"
    assert kit.wrong_shape(got, right[:2]) == "an array of shape (1200,), where it should be (2,)"


def test_a_comparison_is_the_models():
    assert kit.comparison(True, "a", "b", seconds=1.0) == Comparison(True, "a", "b", None, 1.0)


# ----------------------------------------------------------------- how exercises use the kit


def test_it_is_imported_without_dask_and_the_grader():
    code = (
        "import sys, autograder.author.kit\n"
        "print(*{n.partition('.')[0] for n in sys.modules} & {'dask', 'distributed', 'pydantic'},"
        "*(n for n in sys.modules if n.startswith('autograder')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["autograder", "autograder.author", "autograder.author.kit"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_cases_import_nothing_of_the_kit_but_what_the_digest_covers(path):
    """Where another version of a module would judge otherwise, evidence must not fit it."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names if "autograder" in alias.name}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograder"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            imported |= set(names) if node.module == "autograder.author" else {node.module}
    package = catalogue._PACKAGE
    covered = {
        ".".join(("autograder", *path.relative_to(package).with_suffix("").parts))
        for path in catalogue._HELPERS
    }
    assert "autograder.author.kit" in imported
    assert imported <= covered


def test_the_digest_follows_the_helpers(tmp_path, monkeypatch):
    folder = catalogue.KIT / "ex02_parallel_prediction"
    before = catalogue.load(folder).digest
    copies = [tmp_path / path.name for path in catalogue._HELPERS]
    for path, copy in zip(catalogue._HELPERS, copies, strict=True):
        copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(catalogue, "_HELPERS", tuple(copies))
    assert catalogue.load(folder).digest == before
    digests = {before}
    for copy in copies:
        copy.write_text(copy.read_text() + "\nANOTHER = 1\n")
        digests.add(catalogue.load(folder).digest)
    assert len(digests) == 1 + len(copies)


def test_a_lazy_number_is_refused_where_it_has_to_be_there():
    lazy = da.ones(3).sum()
    assert kit.number(lazy, "must") == 3.0
    with pytest.raises(TypeError, match="must; it returned a Dask array, which is not computed"):
        kit.number(lazy, "must", lazy=False)
    assert kit.number(np.float32(3), "must", lazy=False) == 3.0


def test_an_object_has_methods_and_its_class_has_none():
    assert kit.has_methods([], "append", "pop")
    assert not kit.has_methods([], "append", "predict")
    assert not kit.has_methods(list, "append")
    assert not kit.has_methods(None, "predict")
    assert not kit.has_methods(dask.delayed([1]), "predict")


class Pretender:
    """Says that it has a graph, and has none."""

    shape, dtype, chunks = (6, 2), np.dtype(float), ((4, 2), (2,))

    def __dask_graph__(self):
        return {}

    def compute(self):
        return np.ones((6, 2))


def _array(chunks=((4, 2), (2,)), dtype=float):
    return da.ones((6, 2), chunks=chunks, dtype=dtype)


def _unknown():
    array = _array()
    return array[array[:, 0] > 0]


@pytest.mark.parametrize(
    ("value", "promises", "said"),
    [
        (_array(), {}, None),
        (_array(), {"rows": (4, 2), "kinds": "f", "whole_rows": True}, None),
        (np.ones((6, 2)), {"rows": (4, 2)}, None),  # the check "lazy" judges that
        ([[1.0, 2.0]], {"rows": (4, 2)}, None),
        (_array()[:5], {}, "of shape (5, 2), where it should be (6, 2)"),
        (_array(((3, 3), (2,))), {"rows": (4, 2)}, "in blocks of 3, 3 rows, not 4, 2"),
        (_array(((3, 3), (2,))), {}, None),
        (_array(((6,), (1, 1))), {"whole_rows": True}, "whose columns are cut into blocks"),
        (_array(((6,), (1, 1))), {}, None),
        (_array(dtype=int), {"kinds": "f"}, "that says its numbers are int64"),
        (_array(dtype="float32"), {"kinds": "f"}, None),
        (_unknown(), {}, "does not know how many rows its blocks have"),
        (dask.delayed(np.ones)((6, 2)), {}, "a Delayed, where it should be a Dask array"),
        (Pretender(), {}, "a Pretender, where it should be a Dask array"),
    ],
)
def test_each_promise_about_a_dask_array_is_judged(value, promises, said):
    answer = kit.form("X", value)
    broken = kit.broken_promise(answer, "X", shape=(6, 2), **promises)
    assert broken is None if said is None else said in broken
    assert not any(array.dtype.hasobject for array in answer.values())


def test_a_dtype_that_does_not_hold_is_a_broken_promise():
    answer = kit.form("y", da.ones(3, dtype=int)) | {"y": np.ones(3)}
    said = kit.broken_promise(answer, "y", shape=(3,), kinds="iu")
    assert said == "a Dask array that says int64, and gives float64 once computed"
    assert kit.broken_promise(answer | {"y": np.ones(3, int)}, "y", shape=(3,), kinds="iu") is None


SAID = {"X_lazy": np.array(True), "X_kind": np.array("a Dask array")}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"X_lazy": np.array("a"), "X_kind": np.array([1, 2])},
        {"X_lazy": np.array(True)},
        {"X_lazy": np.array(True), "X_kind": np.array("a Dask array"), "X_shape": np.ones((2, 2))},
        {
            "X_lazy": np.array(True),
            "X_kind": np.array("a Dask array"),
            "X_dtype": np.array("∞" * 99),
        },
    ],
)
def test_whatever_comes_out_of_the_box_is_judged(answer):
    said = kit.broken_promise(answer, "X", shape=(6, 2), kinds="f", rows=(4, 2), whole_rows=True)
    assert said or not kit.single(answer.get("X_lazy"), "b")


def test_lengths_of_blocks_are_listed_in_short():
    assert kit.in_short([700, 1, 1300]) == "700, 1, 1,300"
    assert kit.in_short([5] * 7) == "5, 5, 5, 5 and so on (7 blocks)"
