"""First steps: the right number, not computed, whatever way it is described."""

import dask
import dask.array as da
import numpy as np
import pytest
from small_cases import SMALL

NAME = "ex00_first_steps"
SIZES = SMALL[NAME]["uneven"]


def called(cases, function, seed=4):
    (x,), size = cases.prepare("uneven", SIZES, seed)
    assert size == 8 * sum(SIZES.values())
    answer = cases.materialise("uneven", function(x))
    return cases.compare("uneven", cases.oracle("uneven", SIZES, 4), answer)


def from_sums(blocks):
    """Add up the squares of blocks, each in a task."""
    sums = [dask.delayed(lambda block: np.sum(block**2))(block) for block in blocks]
    return da.stack([da.from_delayed(each, (), float) for each in sums]).sum()


def test_it_is_worth_a_point(exercise):
    assert sum(check.points for check in exercise.checks) == 1 and not exercise.words


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("function", "mistake"),
    [
        (lambda x: (x**2).mean(), "right"),
        (lambda x: (x @ x) / x.size, "right"),
        (lambda x: x.rechunk(4).map_blocks(np.square, dtype=float).mean(), "right"),
        (lambda x: x.persist().map_blocks(np.square, dtype=float).mean(), "right"),
        (lambda x: da.from_delayed(dask.delayed(np.mean)(x**2), (), float), "right"),
        (lambda x: from_sums(x.to_delayed()) / x.size, "right"),
        (lambda x: (x**2).mean().compute(), "computed_already"),
        (lambda x: (x**2).mean().persist(), "computed_already"),
        (lambda x: (x**2).persist().mean(), "computed_already"),
        (lambda x: da.from_array(np.mean(np.asarray(x) ** 2)), "computed_already"),
        (lambda x: float((x**2).mean()), "computed_already"),
        (lambda x: x.mean() ** 2, "square_of_mean"),
        (lambda x: (x**2).sum(), "sum_of_squares"),
        (lambda x: np.sqrt((x**2).mean()), "root"),
        (lambda x: x.var(), "variance"),
        (lambda x: x.mean(), "not_squared"),
        (lambda x: (x * 2).mean(), "doubled"),
        (lambda x: (x.blocks[0] ** 2).mean(), "first_chunk"),
        (lambda x: (x**2).sum() / (x.size - 1), "one_less"),
        (lambda x: (x**4).mean(), None),
    ],
)
def test_what_is_described_is_judged_and_named(function, mistake, exercise, cases):
    compared = called(cases, function)
    assert compared.equal is (mistake == "right")
    assert compared.mistake == (None if compared.equal else mistake)
    assert compared.mistake is None or compared.mistake in exercise.mistakes


@pytest.mark.usefixtures("client")
def test_the_answer_to_another_seed_a_delayed_and_no_number_are_refused(cases):
    assert not called(cases, lambda x: (x**2).mean(), seed=5).equal
    assert "Dask array" in called(cases, lambda x: dask.delayed(np.mean)(x**2)).got
    with pytest.raises(TypeError, match="mean_square must return"):
        called(cases, lambda x: x**2)
