"""Detect impossible recordings and answers without the work for them, and list odd runs.

The student's code can run in the scheduler, too, so a recording is testimony. Here it is compared
with the measurements from outside the box. Every rule says yes or no: none deducts a part of the
points.
"""

from collections.abc import Callable
from math import fsum

from autograder.evidence.summary import SHORT, cpu_of, seconds_by_worker, task_seconds, worker_cpu
from autograder.model import Reference, Role, Run, Speedup

__all__ = ["contradiction", "doubts", "unseen", "unshared"]

HIDDEN, IDLE, HIDDEN_SECONDS = 3.0, 0.1, 0.5
"""Limits on the workers' CPU seconds (per recorded second of task time, per worker and second of
wall clock, and a constant) beyond which the recording must be missing work. 0.5 to 1.03 was
measured for the first; unpacking data and spilling may add to it. An idle worker uses 0.02 s per
second."""

MOVED_RECORD, MOVED_FACT = 0.5, 0.1
"""The idlest worker's work as a share of the busiest's: if it is above the first in the record but
below the second in fact, the recording has work on the wrong worker. Other work on the machine
slows both equally."""

OVERLAP, OVERLAP_SECONDS = 1.05, 0.05
"""A worker of one thread cannot have worked longer than the wall clock ran; 5 % and 50 ms are
allow for clocks that are read at different moments."""

ASLEEP = 0.1
"""CPU seconds per second of task time below which the instructor is told. Beside four CPU-bound
programs on two cores a worker still gets a third."""

WHOLE = 0.7
"""Share of the reference solution's CPU seconds in which one process can do everything, without the
cost of distributing. The least that such a program needed in the corpus was 0.71; the busiest
worker of a right program there used at most 0.69, and 0.71 in one try of a right sample
(matryoshka)."""

LEAST = 0.1
"""Share of the reference solution's CPU seconds below which an answer was computed elsewhere. The
fastest right program tried, which turns the texts of ex01 into numbers once for all trainings,
needed 0.27."""


def contradiction(run: Run) -> str:
    """Describe what in a recording cannot have happened, if anything."""
    return next(filter(None, (found(run) for found in _CONTRADICTIONS)), "")


def doubts(run: Run) -> str:
    """Describe oddities of a run that may have an honest reason, if any."""
    return " ".join(filter(None, (doubt(run) for doubt in _DOUBTS)))


def unseen(found: Speedup, reference: Reference) -> str:
    """Report an answer without the work that it takes, if it is one."""
    needed = reference.cpu_seconds
    if needed is None or found.work >= LEAST * needed:
        return ""
    return (
        f"all processes together computed for {found.work:.2f} s, for an answer that takes the "
        f"reference solution {needed:.2f} s: it was computed at another time or place"
    )


def unshared(run: Run, found: Speedup, reference: Reference) -> str:
    """Report that one worker did all of the work, or that no task ran, if so."""
    needed, most = reference.cpu_seconds, max(found.each, default=0.0)
    if needed is not None and most >= WHOLE * needed:
        return (
            f"one worker alone computed for {most:.2f} s, and a single process that does "
            f"everything needs no more than about {WHOLE * needed:.2f} s: the other workers saved "
            "no time"
        )
    if not run.recording.tasks:
        return "no task ran on the cluster, so Dask had no work to distribute"
    return ""


def _overlong(run: Run) -> str:
    wall = run.done - run.go
    for worker, seconds in seconds_by_worker(run.recording).items():
        if seconds > wall * OVERLAP + OVERLAP_SECONDS:
            return f"{worker} is recorded as working {seconds:.2f} s in a run of {wall:.2f} s."
    return ""


def _strangers(run: Run) -> str:
    strangers = set(seconds_by_worker(run.recording)) - set(run.recording.workers)
    # A worker that died and was replaced is a stranger, too, and its tasks were real.
    started = {f"worker-{i}" for i in range(len(run.recording.workers))}
    as_started = {use.name for use in run.usage if use.role is Role.WORKER} == started
    if strangers and as_started:
        return f"tasks are recorded on {', '.join(sorted(strangers))}, which is not a worker."
    return ""


def _gone(run: Run) -> str:
    if run.recording.tasks and not worker_cpu(run):
        return "tasks are recorded, but no worker of the cluster was left at the end."
    return ""


def _hidden(run: Run) -> str:
    spent, recorded = cpu_of(run, Role.WORKER), task_seconds(run.recording)
    # What there was no room for is taken to be like the rest.
    told, lost = len(run.recording.tasks), max(run.recording.unrecorded, 0)
    # What a task does while it has left its thread is in no record; it counts as the client's.
    recorded += fsum(task.away_seconds for task in run.recording.tasks)
    idle = IDLE * len(worker_cpu(run)) * (run.done - run.go)
    if spent <= HIDDEN * recorded * (told + lost) / max(told, 1) + idle + HIDDEN_SECONDS:
        return ""
    used = f"the workers used {spent:.2f} s of CPU"
    if not run.recording.workers:
        return f"{used}, but the recorder gave no answer."
    if not run.recording.tasks:
        return f"{used}, but no task is recorded."
    return f"{used}, but the recorded tasks come to {recorded:.2f} s."


def _moved(run: Run) -> str:
    spent = sorted(worker_cpu(run))
    recorded = sorted(
        {**dict.fromkeys(run.recording.workers, 0.0), **seconds_by_worker(run.recording)}.values()
    )
    if len(spent) < 2 or len(spent) != len(recorded) or spent[-1] < SHORT:
        return ""
    least = MOVED_RECORD * recorded[-1]
    if recorded[0] >= least > 0.0 and spent[0] < MOVED_FACT * spent[-1]:
        return (
            f"each worker is recorded as working {recorded[0]:.2f} s or more, but one used "
            f"{spent[-1]:.2f} s of CPU and another {spent[0]:.2f} s."
        )
    return ""


def _unrecorded(run: Run) -> str:
    lost = run.recording.unrecorded
    return f"{lost} events on the cluster were not recorded." if lost else ""


def _silent(run: Run) -> str:
    if run.recording.workers or run.recording.tasks:
        return ""
    return (
        f"{run.case}: the recorder gave no answer. The workers used "
        f"{cpu_of(run, Role.WORKER):.2f} s of CPU, so hardly any work was done on the cluster."
    )


def _idle(run: Run) -> str:
    spent, recorded = cpu_of(run, Role.WORKER), task_seconds(run.recording)
    if recorded < SHORT or spent >= ASLEEP * recorded:
        return ""
    return (
        f"{run.case}: the recorded tasks come to {recorded:.2f} s, in which the workers used "
        f"{spent:.2f} s of CPU. They slept, or never ran."
    )


_CONTRADICTIONS: tuple[Callable[[Run], str], ...] = (_overlong, _strangers, _gone, _hidden, _moved)
_DOUBTS: tuple[Callable[[Run], str], ...] = (_unrecorded, _silent, _idle)
