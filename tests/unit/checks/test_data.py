"""What a run may hold in memory."""

from dataclasses import replace

import pytest
from memory_runs import EX03, MB, seen

from autograder.checks import CHECKS
from autograder.evidence.assemble import gather
from autograder.model import Run, Status


def judged(run: Run):
    spec = next(spec for spec in EX03.checks if spec.check == "memory")
    reference = replace(EX03.typical, client_growth=20 * MB, same_round=True)
    return CHECKS["memory"](EX03, spec, gather(EX03, [run]), reference)


def test_blocks_in_flight_pass():
    assert judged(seen(growth=300)).status is Status.PASSED


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (seen(growth=1300), "grew by 1300.0 MB"),
        (seen(growth=350), "grew by 350.0 MB"),
        (seen(workers=(510, 700)), "a worker held 700.0 MB"),
        (seen(workers=(510,)), "1 of the 2 workers did not live"),
        (seen(equal=False), "not right"),
    ],
)
def test_holding_the_data_fails(run, said):
    found = judged(run)
    assert (found.status, found.credit) == (Status.FAILED, 0.0) and said in found.got
