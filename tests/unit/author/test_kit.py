"""The helpers of ``cases.py``: what they make, what they say, and that evidence depends on them."""

import ast
import subprocess
import sys

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
    covered = {f"autograder.author.{path.stem}" for path in catalogue._HELPERS}
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
        copy.write_text(copy.read_text() + "\n")
        digests.add(catalogue.load(folder).digest)
    assert len(digests) == 1 + len(copies)
