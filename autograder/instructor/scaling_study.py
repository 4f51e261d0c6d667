"""A scaling study: one solution on clusters of several sizes, measured by the clock and replayed.

Strong scaling keeps the input and adds workers; weak scaling lets the input grow with them, so that
each worker has as much to do as before. Both are relative to the smallest of the clusters. The
clock shows what happened on this machine, including other programs. The replay of each run shows
what its tasks and dependencies allow on this number of workers, and on the smallest cluster.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from autograder import submissions
from autograder.errors import SubmissionError
from autograder.evidence import oracle, rounds
from autograder.evidence.assemble import assemble
from autograder.evidence.cell_numbers import numbered, numbers
from autograder.evidence.in_kernel import InKernel, cluster_of, in_kernel
from autograder.evidence.versions import machine, versions
from autograder.exercise import catalogue
from autograder.formats import counted
from autograder.model import CaseSpec, Exercise, Run, ScalingPoint, ScalingStudy
from autograder.replay.makespan import replay
from autograder.report.error_text import failure_heading
from cluster import size_of

__all__ = ["measure", "timed_case"]


def timed_case(exercise: Exercise) -> CaseSpec:
    """Return the case for a study.

    Raises
    ------
    SubmissionError
        If the exercise times none.
    """
    timed = next((case for case in exercise.cases if case.timed), None)
    if timed is None:
        raise SubmissionError(
            f"Nothing in {exercise.name} is timed, so there is nothing to scale; choose an "
            "exercise with a speedup check, such as ex02_parallel_prediction."
        )
    return timed


def measure(
    exercise: Exercise,
    notebook: Path,
    profile: str,
    workers: Sequence[int],
    repeats: int,
    progress: Callable[[str], None] = lambda step: None,
) -> ScalingStudy:
    """Run the timed case of an exercise on clusters of several sizes.

    Parameters
    ----------
    exercise : Exercise
    notebook : Path
        With the solution to study.
    profile : str
        Where the clusters are, as for `cluster.connect`.
    workers : sequence of int
        Sizes of the clusters.
    repeats : int
        Runs of each size, of which the median is drawn.
    progress : callable
        Called with each step in a few words.

    Raises
    ------
    SubmissionError
        If the notebook's function does not give the right answer: its speed means nothing then.
    ClusterError
        If there is no such cluster.
    """
    submission = submissions.parse(submissions.read(notebook), exercise)
    function = timed_case(exercise).function
    if function in submission.untouched:
        raise SubmissionError(f"{function} is not filled in yet in {notebook.name}.")
    counts = sorted(set(workers))
    fewest = counts[0]
    strong, weak = [], []
    size = exercise.size
    for count in counts:
        progress(f"{counted(count, 'worker')}: connecting")
        with cluster_of(profile, count) as client:
            size = size_of(client)
            # A larger cluster has larger cases.
            sized = catalogue.sized(exercise, size)
            case = timed_case(sized)
            patience = repeats * count / fewest
            limits = replace(
                sized.limits, wall_seconds=max(1.0, patience) * sized.limits.wall_seconds
            )
            sized = replace(sized, limits=limits)
            progress(f"{counted(count, 'worker')}: running the notebook")
            with in_kernel(sized, notebook.parent, client) as kernel:
                cells = numbers(submission)
                ran = [cells[output.index] for output in kernel.run_cells(submission)]
                point = partial(_point, kernel, sized, ran, workers=(count, fewest))
                progress(f"{counted(count, 'worker')}: the same input")
                strong.append(point(case, factor=1.0, repeats=repeats))
                if not case.per_worker:
                    continue
                factor = count / fewest
                progress(f"{counted(count, 'worker')}: {factor:g} times the input")
                weak.append(
                    strong[-1]
                    if factor == 1
                    else point(_grown(case, factor), factor=factor, repeats=repeats)
                )
    here = machine()
    return ScalingStudy(
        exercise=exercise.name,
        function=function,
        case=case.name,
        profile=profile,
        size=size,
        grows=case.per_worker,
        strong=tuple(strong),
        weak=tuple(weak),
        environment={**versions(), "machine": here["machine"], "cores": here["cores"]},
    )


def _point(
    kernel: InKernel,
    exercise: Exercise,
    cells: Sequence[int],
    case: CaseSpec,
    *,
    workers: tuple[int, int],
    factor: float,
    repeats: int,
) -> ScalingPoint:
    """Run a case some times on one cluster.

    Parameters
    ----------
    kernel, exercise
        Where the notebook has run, and whose case it is.
    cells : sequence of int
        Numbers of the cells that have run.
    workers : tuple of int
        Of this cluster, and of the smallest.
    """
    count, fewest = workers
    seed = rounds.seed(rounds.public(Path(), exercise), case, 0)
    truth = oracle.work_out(catalogue.cases(exercise), case, seed)
    runs = [assemble(exercise, case, kernel.run_case(case, seed), truth) for _ in range(repeats)]
    for run in runs:
        _require_right(replace(run, failure=numbered(run.failure, cells)))
    run = sorted(runs, key=lambda each: each.done - each.go)[(len(runs) - 1) // 2]
    return ScalingPoint(
        workers=count,
        factor=factor,
        seconds=tuple(each.done - each.go for each in runs),
        median=run.done - run.go,
        replayed=replay(run.recording, run.go, run.done, count),
        replayed_fewest=replay(run.recording, run.go, run.done, fewest),
        serial_seconds=truth.seconds,
        tasks=len(run.recording.tasks),
    )


def _require_right(run: Run) -> None:
    if run.failure is not None:
        raise SubmissionError(f"{run.function} raised {failure_heading(run.failure)}.")
    if not run.right:
        told = run.comparison
        why = f"expected {told.expected}, got {told.got}" if told else "it gave no answer"
        raise SubmissionError(
            f"{run.function} is wrong on the case {run.case}, so its speed means nothing: {why}. "
            f"Make it pass check({run.function}) first."
        )


def _grown(case: CaseSpec, factor: float) -> CaseSpec:
    """Return the case with more to do."""
    grown = {name: round(case.parameters[name] * factor) for name in case.per_worker}
    return replace(case, parameters={**case.parameters, **grown})
