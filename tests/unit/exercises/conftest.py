"""What the tests of an exercise share: they say its ``NAME``, a ``SEED``, and ``SMALL`` cases."""

import pytest

from autograder.exercise import catalogue


@pytest.fixture(scope="module")
def exercise(request):
    return catalogue.find(request.module.NAME)


@pytest.fixture(scope="module")
def cases(exercise):
    return catalogue.cases(exercise)


@pytest.fixture(scope="module")
def truths(request, cases):
    """The right answers to the small cases."""
    module = request.module
    return {case: cases.oracle(case, sizes, module.SEED) for case, sizes in module.SMALL.items()}
