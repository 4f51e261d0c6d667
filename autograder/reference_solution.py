"""Submission zero of a round: the reference solution, with which all others are compared."""

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median

from autograder import submissions
from autograder.errors import HarnessError, SubmissionError
from autograder.evidence import oracle, rounds, store
from autograder.evidence.observe import attempts
from autograder.evidence.summary import (
    client_at_go,
    client_growth,
    cpu_used,
    graph_bytes,
    summarise,
    task_seconds,
)
from autograder.model import Evidence, Exercise, Reference
from autograder.pipeline import GradingContext, grade, read_solution
from autograder.speedup.credit import measured

__all__ = ["ask_oracle", "is_observed", "measure", "reference", "stored", "trial"]


def reference(
    solution: Path,
    exercise: Exercise,
    round_: rounds.Round,
    *,
    boxed: bool = True,
    progress: Callable[[str], None] = lambda step: None,
) -> Reference:
    """Run the reference solution through the same pipeline, as submission zero of the round.

    Parameters
    ----------
    solution : Path
        The exercise's notebook with its solutions, as in ``source/``.

    Raises
    ------
    HarnessError
        If it does not get full marks: then no student's marks could be trusted either.
    """
    notebook = read_solution(solution, exercise.name)
    exercise = replace(exercise, experiments=submissions.experiments_of(notebook))
    graded = grade(notebook, trial(exercise, round_, boxed=boxed), progress)
    assert graded.evidence is not None
    usual = measure(exercise, graded.evidence, round_)
    graded = grade(notebook, GradingContext(exercise, round_, usual, boxed))
    if graded.points < graded.max_points:
        lost = next(item.finding for item in graded.scored if item.points < item.max_points)
        raise HarnessError(
            f"The reference solution of {exercise.name} gets only {graded.points:g} of "
            f"{graded.max_points:g} points, so nothing is graded. {lost.title}: expected "
            f"{lost.expected}; got {lost.got.rstrip('.')}."
        )
    return usual


def trial(exercise: Exercise, round_: rounds.Round, *, boxed: bool) -> GradingContext:
    """Return the context in which the reference solution is observed.

    It runs as often as a case is tried at most, since all others are compared with it.
    """
    return GradingContext(exercise, round_, exercise.typical, boxed, again=lambda run: True)


def stored(solution: Path, exercise: Exercise, round_: rounds.Round) -> Reference | None:
    """Return the reference solution's figures in a round, or None without evidence; runs nothing.

    Raises
    ------
    SubmissionError
        If the solution cannot be read.
    """
    for boxed in (True, False):
        evidence = _kept(solution, exercise, round_, boxed=boxed)
        if evidence is not None:
            return measure(exercise, evidence, round_)
    return None


def _kept(
    solution: Path, exercise: Exercise, round_: rounds.Round, *, boxed: bool
) -> Evidence | None:
    notebook = submissions.read(solution)
    exercise = replace(exercise, experiments=submissions.experiments_of(notebook))
    outline = submissions.outline(notebook, exercise)
    return store.load(round_, store.key(exercise, outline, round_, boxed=boxed))


def ask_oracle(exercise: Exercise, round_: rounds.Round) -> None:
    """Compute the right answers to every attempt at every case of a round, and keep them.

    Raises
    ------
    HarnessError
        If the oracle fails, or its answers cannot be kept.
    """
    for case in exercise.cases:
        for attempt in range(attempts(exercise, case)):
            oracle.truth(round_, exercise, case, attempt)


def is_observed(solution: Path, exercise: Exercise, round_: rounds.Round) -> bool:
    """Tell whether evidence of the reference solution in a box is kept: then none is needed."""
    with suppress(SubmissionError):
        return _kept(solution, exercise, round_, boxed=True) is not None
    return False


def measure(exercise: Exercise, evidence: Evidence, round_: rounds.Round) -> Reference:
    """Return the reference solution's figures on the timed case, and the CPU time of each case."""
    spent: dict[str, list[float]] = defaultdict(list)
    setup: dict[str, list[float]] = defaultdict(list)
    for run in evidence.runs:
        spent[run.case].append(cpu_used(run))
        setup[run.case].append(run.setup_cpu)
    # The middle run, not the least: most submissions have a single run. On a machine whose speed
    # changed, the solution's own next run took up to 1.7 times the least of its three (ex08).
    case_cpu = {case: median(seconds) for case, seconds in spent.items()}
    case_setup = {case: median(seconds) for case, seconds in setup.items()}
    timed = {case.name: case for case in exercise.cases if case.timed}
    runs = [run for run in evidence.runs if run.case in timed]
    if not runs:
        return replace(exercise.typical, case_cpu=case_cpu, case_setup=case_setup)
    run = runs[-1]
    attempt = sum(other.case == run.case for other in runs) - 1
    serial = oracle.truth(round_, exercise, timed[run.case], attempt).seconds
    speedup, work, alone = measured(runs, exercise.cluster.workers)
    return Reference(
        speedup=speedup,
        work_seconds=task_seconds(run.recording),
        tasks=len(run.recording.tasks),
        graphs=len(run.recording.graphs),
        gathered_bytes=run.recording.gathered_bytes,
        graph_bytes=graph_bytes(run.recording),
        serial_seconds=serial,
        same_round=True,
        cpu_seconds=work,
        alone=alone,
        summary=summarise(run),
        reads=run.recording.reads,
        client_growth=client_growth(run),
        client_at_go=client_at_go(run),
        input_bytes={run.case: run.input_bytes for run in evidence.runs},
        case_cpu=case_cpu,
        case_setup=case_setup,
    )
