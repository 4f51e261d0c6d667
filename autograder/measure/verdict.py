"""The speedup verdict: how much credit a run earns, from its replay and the facts around it.

A stopwatch fails right work and passes wrong work on a shared machine, so it decides nothing
here. The recorded task graph, replayed on 1 and on P workers, gives the speedup; the CPU time
of the processes and the wall clock, which no code in the box can change, bound it; the smallest
counts. Credit rises without a step from nothing at about serial speed to all of it at a share
of what the reference solution reached in the same round.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from autograder.measure.accounting import cpu_speedup
from autograder.measure.replay import InconsistentRecording, study
from autograder.model import Reference, Role, Run, SpeedupStudy, Status

__all__ = ["Verdict", "judge"]

_ZERO = 1.1
"""Speedup up to which nothing is earned. Serial programs replay at 1.00 to 1.02, and the
operating system's hundredths of a second can lift the bound of the CPU times by some percent."""

_SHARE = 0.8
"""Share of the reference solution's speedup that earns full credit. On two workers right
solutions reached 1.77 to 1.97 in 116 runs, on quiet and on busy machines: 90 % of the best."""

_CLOCK_ROOM = 1.25
"""By how much the replay on P workers may be shorter than the wall clock without being doubted.
In 28 right and wrong runs under loads up to 10 on two cores the wall clock was 0.96 to 1.13 times
the replay: what slows the tasks down slows both."""

_WASTE = 2.5
"""CPU seconds that a program may use per CPU second of the reference solution before its speedup
shrinks. The same work takes up to twice the CPU time when the machine is slow for an hour; 7,000
tiny tasks took four times as much."""

_HIDDEN = 3.0
"""CPU seconds of the workers per recorded second of task time from which the recording must be
missing work. 0.5 to 1.03 was measured; unpacking data and spilling may add to it."""

_OVERLAP = 1.05
"""A worker of one thread cannot have worked longer than the wall clock ran; 5 % and 50 ms are
for clocks that are read at different moments."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a timed run earns and why."""

    status: Status
    credit: float
    speedup: float
    """The one that counts: the smallest of replay, CPU bound and clock bound."""
    zero: float
    """Speedup that earns nothing."""
    full: float
    """Speedup that earns full credit."""
    share: float
    study: SpeedupStudy | None
    reason: str = ""
    """What kept the speedup below the replayed one, for the student."""
    note: str = ""
    """What the instructor should know."""


def judge(run: Run, workers: int, reference: Reference) -> Verdict:
    """Judge the speedup of a timed run.

    Parameters
    ----------
    run : Run
        With its recording (testimony), wall clock and CPU per process (facts).
    workers : int
        Of the cluster.
    reference : Reference
        The reference solution on the same case.
    """
    full = max(_SHARE * reference.speedup, _ZERO + 0.1)
    try:
        # Seconds of a busy moment beside seconds of a quiet one would teach nothing.
        serial = None if run.busy else reference.serial_seconds
        replayed = study(run, workers, serial)
        contradiction = _contradiction(run)
    except InconsistentRecording as error:
        replayed, contradiction = None, str(error)
    if replayed is None or contradiction:
        return Verdict(
            Status.FORGED, 0.0, 1.0, _ZERO, full, _SHARE, None,
            reason="what the cluster recorded contradicts what was measured from outside",
            note=f"The recording contradicts the facts: {contradiction}",
        )  # fmt: skip
    speedup, reason = min(_bounds(run, workers, replayed, reference), key=lambda bound: bound[0])
    speedup = max(speedup, 1.0)
    credit = min(max((speedup - _ZERO) / (full - _ZERO), 0.0), 1.0)
    return Verdict(
        status=_status(credit),
        credit=credit,
        speedup=speedup,
        zero=_ZERO,
        full=full,
        share=_SHARE,
        study=replace(replayed, counted=speedup),
        reason=reason if credit < 1.0 else "",
        note=_note(run),
    )


def _bounds(
    run: Run, workers: int, replayed: SpeedupStudy, reference: Reference
) -> Iterator[tuple[float, str]]:
    """Yield the replayed speedup and what bounds it by fact, each with its reason in words."""
    yield replayed.speedup, ""
    tasks = f"the tasks alone would allow {replayed.speedup:.2f}"
    wall = run.done - run.go
    yield (
        _CLOCK_ROOM * replayed.makespans[1] / max(wall, 1e-9),
        f"{tasks} and be done in {replayed.makespans[workers]:.2f} s, but the clock showed "
        f"{wall:.2f} s",
    )
    client, each = replayed.client_cpu, replayed.worker_cpu
    spent = (
        f"the notebook's own process used {client:.2f} s of CPU and the workers "
        f"{' and '.join(f'{cpu:.2f} s' for cpu in each)}"
    )
    yield cpu_speedup(run, workers), f"{tasks}, but {spent}"
    needed = reference.cpu_seconds
    if needed is None:
        return
    busiest = client + max(each, default=0.0)
    against = f"{spent}, for what takes the reference solution {needed:.2f} s in all"
    yield _WASTE * needed / max(busiest, 1e-9), f"{tasks}, but {against}"
    # The work that the client did is not there to be spread any more, whatever else was done.
    spread = max(needed - client, 0.0) / workers
    yield needed / max(client + spread, 1e-9), f"{tasks}, but {against}"


def _status(credit: float) -> Status:
    if credit >= 1.0:
        return Status.PASSED
    return Status.PARTIAL if credit > 0.0 else Status.FAILED


def _note(run: Run) -> str:
    notes = []
    if run.busy:
        notes.append("The machine was busy during every run; the best of them was judged.")
    if run.recording.unrecorded:
        notes.append(f"{run.recording.unrecorded} events on the cluster were not recorded.")
    return " ".join(notes)


def _contradiction(run: Run) -> str:
    """Return what in the recording cannot have happened, if anything."""
    wall = run.done - run.go
    room = wall * _OVERLAP + 0.05
    busy: dict[str, float] = {}
    for task in run.recording.tasks:
        busy[task.worker] = busy.get(task.worker, 0.0) + task.compute_seconds
    for worker, seconds in busy.items():
        if seconds > room:
            return f"{worker} is said to have worked {seconds:.2f} s in a run of {wall:.2f} s."
    strangers = set(busy) - set(run.recording.workers)
    if strangers:
        return f"tasks are said to have run on {', '.join(sorted(strangers))}, which is no worker."
    spent = sum(use.cpu_seconds for use in run.usage if use.role is Role.WORKER)
    recorded = sum(busy.values())
    if spent > _HIDDEN * recorded + 0.5:
        return (
            f"the workers used {spent:.2f} s of CPU, but the recorded tasks come to "
            f"{recorded:.2f} s."
        )
    return ""
