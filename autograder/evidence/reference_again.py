"""The reference solution's CPU seconds at the moment of a submission, where they decide. Pure.

Processors change their speed within minutes: the same program takes up to 1.6 times the CPU seconds
of its quickest run. A submission is compared with a run of the reference solution at the beginning
of its round, perhaps on another machine. Where that costs it points, the reference solution runs
again right after it, as often as in the round, and the larger number of seconds counts. Other work
adds to them, too, so a run beside much more of it than the submission had says nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from autograder.evidence.summary import cpu_of, crowd
from autograder.model import Reference, ReferenceRun, Role, Run

__all__ = ["at_the_moment", "taken"]

CROWDED = 0.25
"""Demand of other work, in machines beyond that beside the submission, from which on a run of the
reference solution does not count. In the corpus its CPU seconds rose by up to 16 % with that much
(ex08: 8.7 s beside 0.97, 12.7 s beside 1.67; ex06: not at all), and a serial program needs 25 % to
earn."""


def taken(run: Run) -> ReferenceRun:
    """Return what a run of the reference solution took."""
    return ReferenceRun(
        client_cpu=cpu_of(run, Role.CLIENT),
        scheduler_cpu=cpu_of(run, Role.SCHEDULER),
        worker_cpu=cpu_of(run, Role.WORKER),
        setup_cpu=run.setup_cpu,
        crowd=crowd(run),
    )


def _comparable(run: Run) -> list[ReferenceRun]:
    """Return the runs of the reference solution that had no more other work beside them."""
    own = crowd(run)
    return [
        again
        for again in run.reference
        if own is None or again.crowd is None or again.crowd <= own + CROWDED
    ]


def at_the_moment(reference: Reference, timed: Collection[str], runs: Iterable[Run]) -> Reference:
    """Return the reference solution's figures for a submission with these runs.

    Parameters
    ----------
    reference : Reference
        Its figures in the round.
    timed : collection of str
        Names of the cases that speedup is judged on.
    runs : iterable of Run
        Of the submission.
    """
    for run in runs:
        if again := _comparable(run):
            reference = _slower(reference, run.case, again, run.case in timed)
    return reference


def _slower(
    reference: Reference, case: str, again: Sequence[ReferenceRun], timed: bool
) -> Reference:
    """Take the larger seconds, of several runs the least: the submission's least counts, too."""
    spent = min(one.client_cpu + one.worker_cpu for one in again)
    spent = max(spent, reference.case_cpu.get(case, 0.0))
    setup_cpu = min(one.setup_cpu for one in again)
    case_setup = dict(reference.case_setup)
    if case in case_setup:
        case_setup[case] = max(setup_cpu, case_setup[case])
    case_cpu = {**reference.case_cpu, case: spent}
    reference = replace(reference, case_cpu=case_cpu, case_setup=case_setup)
    if not timed or reference.cpu_seconds is None or reference.summary is None:
        return reference
    alone = min(one.client_cpu + one.scheduler_cpu for one in again)
    total = min(one.client_cpu + one.scheduler_cpu + one.worker_cpu for one in again)
    return replace(
        reference,
        cpu_seconds=max(total, reference.cpu_seconds),
        alone=max(alone, reference.alone),
        summary=replace(reference.summary, setup_cpu=max(setup_cpu, reference.summary.setup_cpu)),
    )
