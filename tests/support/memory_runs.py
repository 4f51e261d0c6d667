"""Runs that memory is judged on, made by hand; all sizes in MB."""

from recordings import UNSEEN

from autograder.exercise import catalogue
from autograder.model import Comparison, ProcessUsage, Recording, Role, Run

__all__ = ["EX03", "MB", "seen"]

EX03 = catalogue.find("ex03_incremental_training")
MB = 10**6


def seen(growth: int = 60, workers: tuple[int, ...] = (510, 515), equal: bool = True) -> Run:
    """A run of 1,300 MB of data, all sizes in MB."""
    return Run(
        case="train_large",
        function="train",
        go=0.0,
        returned=1.0,
        done=1.0,
        usage=(
            ProcessUsage(Role.CLIENT, "client", 0.1, 0.0, (400 + growth) * MB, 400 * MB),
            *(
                ProcessUsage(Role.WORKER, f"worker-{i}", 1.0, 0.0, peak * MB, 200 * MB)
                for i, peak in enumerate(workers)
            ),
        ),
        recording=Recording(),
        answer={},
        comparison=Comparison(equal, "accuracy", "accuracy"),
        failure=None,
        **UNSEEN | {"input_bytes": 1300 * MB},
    )
