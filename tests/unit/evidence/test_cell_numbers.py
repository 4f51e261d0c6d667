"""The numbers of cells, as Run All on a fresh kernel gives them."""

from types import SimpleNamespace

import pytest

from autograder.evidence.cell_numbers import numbered, numbers
from autograder.model import Failure


def submitted(*sources):
    cells = (SimpleNamespace(index=2 * i, source=source) for i, source in enumerate(sources))
    return SimpleNamespace(cells=tuple(cells))


def test_cells_are_numbered_as_run_all_does():
    assert numbers(submitted("a = 1", "  \n", "check(f)", "b = 2")) == {0: 1, 4: 2, 6: 3}


def test_a_failure_is_named_by_the_number_that_run_all_gives():
    text = 'File "your cell [2]", line 3, in f\nFile "your cell [1]", line 9, in g\nKeyError: 1'
    failure = Failure("KeyError", "1", text, cell=1, line=9)
    named = numbered(failure, [4, 7])
    assert named.cell == 4
    assert 'File "your cell [7]", line 3, in f' in named.traceback
    assert 'File "your cell [4]", line 9, in g' in named.traceback


@pytest.mark.parametrize("cell", [None, 0, 3, 10**5])
def test_a_number_that_cannot_be_is_left_alone(cell):
    failure = Failure("KeyError", "1", "KeyError: 1", cell=cell)
    assert numbered(failure, [4, 7]) is failure
    assert numbered(None, [4, 7]) is None
