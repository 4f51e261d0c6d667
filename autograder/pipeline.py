"""The pipeline of a submission, from notebook to grade."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import nbformat

from autograder import grading, submissions
from autograder.checks.work import is_costly
from autograder.errors import HarnessError, SubmissionError
from autograder.evidence import reference_again, rounds, store
from autograder.evidence.in_sandbox import in_sandbox
from autograder.evidence.observe import observe
from autograder.evidence.reference_again import at_the_moment
from autograder.model import (
    CaseSpec,
    Evidence,
    Exercise,
    Grade,
    Reference,
    Run,
    Submission,
)
from autograder.sandbox.untrusted import Room
from autograder.speedup.decide import (
    COVERED,
    is_crowded,
    is_doubtful,
    is_limited,
    is_unlucky,
)

__all__ = [
    "GradingContext",
    "grade",
    "marked",
    "measured",
    "observed",
    "read_solution",
    "refuse_crowded",
]


@dataclass(frozen=True, slots=True)
class GradingContext:
    """Where and how an exercise is graded: the common context of a round's submissions."""

    exercise: Exercise
    round: rounds.Round
    reference: Reference
    boxed: bool = True
    again: Callable[[Run], bool] | None = None
    """Whether to run a measured case again; decided by what it would earn if None."""
    solution: Path | None = None
    """The exercise's notebook with its solutions, to run beside a submission that would lose points
    because the machine was faster when the reference solution ran; None if it is not to run."""

    def is_tried_again(self, run: Run) -> bool:
        """Whether to run a measured case again."""
        if self.again is not None:
            return self.again(run)
        if run.right and is_costly(self.exercise, run, self.reference):
            return True
        workers = self.exercise.cluster.workers
        return run.case in self.exercise.timed and (
            is_doubtful(run) or (run.right and is_unlucky(run, workers, self.reference))
        )

    def is_limited(self, run: Run) -> bool:
        """Tell whether a right run loses points that the reference solution may decide again."""
        return is_costly(self.exercise, run, self.reference) or (
            run.case in self.exercise.timed
            and is_limited(run, self.exercise.cluster.workers, self.reference)
        )


def grade(
    notebook: nbformat.NotebookNode,
    context: GradingContext,
    progress: Callable[[str], None] = lambda step: None,
    submitted: nbformat.NotebookNode | None = None,
) -> Grade:
    """Grade a submission: parse, observe in a box unless that was done before, judge.

    Parameters
    ----------
    submitted : NotebookNode, optional
        The notebook as it was handed in, if ``notebook`` is what nbgrader made of it.

    Raises
    ------
    HarnessError
        If the kit or the machine fails; the submission is not to blame.
    """
    outline = submissions.outline(notebook, context.exercise)
    key = store.key(context.exercise, outline, context.round, boxed=context.boxed)
    evidence = store.load(context.round, key)
    if evidence is None:
        submission = submissions.with_untouched(outline, context.exercise)
        evidence = measured(context, submission, key=key, progress=progress)
        store.save(context.round, evidence)
    # Evidence is about code: another notebook with the same code may be odd in other ways.
    odd = outline.remarks
    if submitted is not None:
        odd = submissions.remarks(submitted, context.exercise)
    evidence = replace(evidence, remarks=odd)
    # What the code reads explains wrong answers alone.
    if not all(run.right for run in evidence.runs):
        outline = submissions.with_names(outline, context.exercise)
    return grading.grade(context.exercise, evidence, context.reference, names=outline.names)


def measured(
    context: GradingContext,
    submission: Submission,
    *,
    key: str,
    progress: Callable[[str], None] = lambda step: None,
) -> Evidence:
    """Observe a submission as often as its context asks for, and the reference solution beside it.

    Raises
    ------
    HarnessError
        If the kit or the machine fails, or is too busy for a verdict.
    """
    evidence = observed(
        context.exercise,
        submission,
        context.round,
        key=key,
        boxed=context.boxed,
        again=context.is_tried_again,
        progress=progress,
    )
    evidence = _with_reference(context, evidence, progress)
    refuse_crowded(context, evidence)
    return evidence


def _with_reference(
    context: GradingContext, evidence: Evidence, progress: Callable[[str], None]
) -> Evidence:
    """Run the reference solution again for each case in which its CPU seconds cost points."""
    if context.solution is None:
        return evidence
    runs = list(evidence.runs)
    for case in context.exercise.cases:
        places = [i for i, run in enumerate(runs) if run.case == case.name and run.right]
        if places and all(context.is_limited(runs[place]) for place in places):
            progress(f"running the reference solution beside it ({case.name})")
            beside = tuple(map(reference_again.taken, _reference_runs(context, case)))
            runs[places[-1]] = replace(runs[places[-1]], reference=beside)
    return replace(evidence, runs=tuple(runs))


def _reference_runs(context: GradingContext, case: CaseSpec) -> tuple[Run, ...]:
    """Run a case of the reference solution as often as it ran when the round was opened."""
    assert context.solution is not None
    exercise = marked(replace(context.exercise, cases=(case,)), context.solution)
    solution = read_solution(context.solution, exercise.name)
    submission = submissions.with_untouched(submissions.outline(solution, exercise), exercise)
    seen = observed(
        exercise, submission, context.round, boxed=context.boxed, again=lambda run: True
    )
    if not seen.runs or not all(run.right for run in seen.runs):
        raise HarnessError(
            f"The reference solution of {exercise.name} ran again beside a submission, and its "
            f"answer to {case.name} is not right. Grade the submission again."
        )
    return seen.runs


def refuse_crowded(context: GradingContext, evidence: Evidence) -> None:
    """Refuse evidence whose timing the machine's other work may have distorted.

    Raises
    ------
    HarnessError
        If a submission would lose points for its speed, or for the work that an answer took.
    """
    reference = at_the_moment(context.reference, context.exercise.timed, evidence.runs)
    context = replace(context, reference=reference)
    for case in context.exercise.cases:
        slow = case.timed and is_crowded(evidence, case.name, reference)
        if slow or _works_crowded(context, evidence, case.name):
            others = max(
                run.background_load or 0.0 for run in evidence.runs if run.case == case.name
            )
            raise HarnessError(
                f"A submission to {context.exercise.name} was timed while {others:.0%} of the "
                "machine's CPU went to other work, so its speed is unknown. Grade it again when "
                "the machine is quieter."
            )


def _works_crowded(context: GradingContext, evidence: Evidence, case: str) -> bool:
    """Tell whether an answer took too much work in each try, under more other work than tested."""
    right = [run for run in evidence.runs if run.case == case and run.right]
    return bool(right) and all(
        is_costly(context.exercise, run, context.reference)
        and (run.background_load or 0.0) > COVERED
        for run in right
    )


def observed(
    exercise: Exercise,
    submission: Submission,
    round_: rounds.Round,
    *,
    key: str = "",
    boxed: bool = True,
    again: Callable[[Run], bool] = is_doubtful,
    progress: Callable[[str], None] = lambda step: None,
) -> Evidence:
    """Observe a submission in a sandbox; repeat a timed case if its recording cannot be true.

    If experiments were left out and not all answers are right, everything is observed again with
    them, unless certainly nothing depends on them: right work never fails because of a cell that
    was not run.

    Raises
    ------
    HarnessError
        If the sandbox or the kit's own part in it fails.
    """

    def see(submission: Submission) -> Evidence:
        return observe(
            exercise,
            submission,
            round_=round_,
            open_=partial(in_sandbox, exercise, boxed=boxed, room=Room()),
            key=key,
            boxed=boxed,
            again=again,
            progress=progress,
        )

    seen = see(submission)
    whole = submissions.whole(submission)
    if whole != submission and _may_lack_something(submission, seen):
        progress("running it again, with the experiments of the exercise")
        seen = see(whole)
    return seen


_UNKNOWN_NAME = frozenset({"NameError", "UndefinedVariableError"})
"""Exceptions of Python and pandas."""


def _may_lack_something(submission: Submission, evidence: Evidence) -> bool:
    """Tell whether a failure may be due to the missing experiments."""
    failures = [*(cell.failure for cell in evidence.cells), *(run.failure for run in evidence.runs)]
    unknown = any(failure and failure.kind in _UNKNOWN_NAME for failure in failures)
    return unknown or not (submission.stateless or all(run.right for run in evidence.runs))


def marked(exercise: Exercise, solution: Path) -> Exercise:
    """Return an exercise with the cells of its notebook that need not run in grading.

    Parameters
    ----------
    solution : Path
        The exercise's notebook with its solutions, as in ``source/``.

    Raises
    ------
    HarnessError
        If it cannot be read.
    """
    try:
        status = solution.stat()
        found = _experiments(solution, exercise.name, status.st_mtime_ns, status.st_size)
    except OSError:
        found = submissions.experiments_of(read_solution(solution, exercise.name))
    return replace(exercise, experiments=found)


# Asked for with every submission.
@lru_cache(maxsize=32)
def _experiments(solution: Path, name: str, _changed: int, _size: int) -> frozenset[str]:
    return submissions.experiments_of(read_solution(solution, name))


def read_solution(solution: Path, name: str) -> nbformat.NotebookNode:
    """Read the notebook of an exercise with its solutions.

    Raises
    ------
    HarnessError
        If it cannot be read.
    """
    try:
        return submissions.read(solution)
    except SubmissionError as error:
        raise HarnessError(
            f"The reference solution of {name} cannot be read: {error} Expected at {solution}; "
            "build it with: autograder build."
        ) from error
