"""The checks of a notebook on a cluster of the student's choice: pytest's ``--profile``."""

import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from autograder.evidence import oracle, rounds
from autograder.evidence.in_kernel import InKernel, cluster_of, in_kernel
from autograder.evidence.observe import observe
from autograder.exercise import catalogue
from autograder.grading import grade
from autograder.model import CheckSpec, Exercise, Grade, Submission
from autograder.student.own_cluster import fit
from cluster import size_of

__all__ = ["check"]


def check(
    exercise: Exercise,
    submission: Submission,
    folder: Path,
    profile: str,
    specs: Sequence[CheckSpec],
) -> Grade:
    """Judge some checks of a notebook on another cluster, as ``check()`` in it would.

    Returns
    -------
    Grade
        Without the checks that cannot be judged on that cluster.

    Raises
    ------
    ClusterError
        If there is no such cluster, or none of the checks can be judged on it.
    SubmissionError, HarnessError
        As the observer does (`in_kernel`).
    """
    with cluster_of(profile) as client, tempfile.TemporaryDirectory(prefix="dsk-check-") as place:
        exercise = catalogue.sized(exercise, size_of(client))
        exercise, fitting, _ = fit(exercise, tuple(specs), client)
        wanted = {name for spec in fitting for name in spec.cases}
        asked = replace(exercise, cases=tuple(c for c in exercise.cases if c.name in wanted))

        def opened(seconds: float) -> AbstractContextManager[InKernel]:
            return in_kernel(exercise, folder, client)

        round_ = rounds.public(Path(place), exercise)
        evidence = observe(asked, submission, round_, opened)
        took = oracle.seconds_by_case(round_, asked, evidence)
    reference = replace(exercise.typical, case_cpu=took)
    return grade(exercise, evidence, reference, fitting, names=submission.names)
