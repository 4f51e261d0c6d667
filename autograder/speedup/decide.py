"""The speedup verdict: how much credit a run earns, from its replay and the facts around it.

A stopwatch fails right work and passes wrong work on a shared machine, so it decides nothing
here. Five rules do, each a small function over what was seen:

1. The replay of the recorded task graph on 1 and on P workers gives the speedup (`study`).
2. Facts corroborate it. A recording that cannot be true is forged and earns nothing
   (`contradiction`); one that can be true is bounded by the CPU time of the processes and by the
   clock, which no code in the box can change (`bounds`). The smallest counts.
3. A busy machine is nobody's fault: of several tries the best counts, and the status says that
   more may be due (`decide`).
4. Credit rises without a step from nothing at about serial speed to all of it at a share of
   what the reference solution reached in the same round (`credit_for`).
5. The seconds on the wall clock are shown, whatever they are (`SpeedupStudy`).

``docs/verdict.md`` has the reasons, the formulas and an example by hand.
"""

from dataclasses import dataclass, replace

from autograder.errors import InconsistentRecording, OversizeRecording
from autograder.model import Evidence, Reference, Run, SpeedupStudy, Status
from autograder.replay.makespan import replay, study
from autograder.speedup import bounds
from autograder.speedup.credit import SHARE, ZERO, credit_for, full_at
from autograder.speedup.tampering import contradiction, doubts

__all__ = ["Verdict", "decide", "judge", "stalled"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a timed run earns and why."""

    run: Run
    status: Status
    credit: float
    speedup: float
    """The one that counts: the smallest of replay and bounds."""
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


def decide(evidence: Evidence, case: str, reference: Reference) -> Verdict:
    """Judge a timed case on all its tries.

    A case is tried again only where the machine was busy or the run was held up, a bounded number
    of times. That can make a run worse, never better, so the best try counts; a forged one spoils
    all.

    Parameters
    ----------
    evidence : Evidence
        With at least one run of the case that gave the right answer.
    case : str
        Name of the case.
    reference : Reference
        The reference solution on the same case.
    """
    right = [run for run in evidence.runs if run.case == case and run.right]
    verdicts = [judge(run, evidence.cluster.workers, reference) for run in right]
    forged = next((verdict for verdict in verdicts if verdict.status is Status.FORGED), None)
    if forged is not None:
        return forged
    best = max(verdicts, key=lambda verdict: verdict.speedup)
    if any(not run.contended for run in right):
        return replace(best, status=_status(best.credit, contended=False))
    if best.status is Status.PASSED:
        return best  # there is no more to be had, and nothing to look at
    told = "The machine was busy in every try; the best of them was judged."
    if best.status is Status.BUSY:
        told += " Grading it again on a quieter machine may give more."
    return replace(best, note=f"{told} {best.note}".rstrip())


def judge(run: Run, workers: int, reference: Reference) -> Verdict:
    """Judge the speedup of one timed run.

    Parameters
    ----------
    run : Run
        With its recording (testimony), wall clock and CPU per process (facts).
    workers : int
        Of the cluster.
    reference : Reference
        The reference solution on the same case.
    """
    full = full_at(reference, run, workers)
    try:
        # Seconds of a busy moment beside seconds of a quiet one would teach nothing.
        replayed = study(run, workers, None if run.contended else reference.serial_seconds)
    except OversizeRecording as error:
        return Verdict(
            run, Status.FAILED, 0.0, 1.0, ZERO, full, SHARE, None, str(error), str(error)
        )
    except InconsistentRecording as error:
        return _forged(run, str(error), full)
    if said := contradiction(run):
        return _forged(run, said, full)
    speedup, reason = bounds.smallest(run, replayed, reference)
    credit = credit_for(speedup, full)
    return Verdict(
        run=run,
        status=_status(credit, run.contended),
        credit=credit,
        speedup=speedup,
        zero=ZERO,
        full=full,
        share=SHARE,
        study=replace(replayed, counted=speedup),
        reason=reason if credit < 1.0 else "",
        note=doubts(run),
    )


def stalled(run: Run, workers: int) -> bool:
    """Tell whether a right run took far longer than its tasks and its waiting explain.

    A full disk cache, data that a worker moved to disk, a machine that stood still: no task
    says so. Or tasks wait for one another, and then the next try will show the same.
    """
    if not run.right:
        return False
    wall = run.done - run.go
    try:
        best = replay(run.recording, run.go, run.done, workers)
        # Most runs end here, and are not replayed on all the numbers of workers of a study.
        if not wall > bounds.CLOCK_ROOM * best > 0.0:
            return False
        speedup = study(run, workers, None).speedup
    except InconsistentRecording:
        return False
    return speedup > bounds.CLOCK_ROOM and wall > bounds.clock_room(run, speedup) * best


def _status(credit: float, contended: bool) -> Status:
    if credit >= 1.0:
        return Status.PASSED
    if credit <= 0.0:
        # No part of the points: not what other work on the machine does to a right program.
        return Status.FAILED
    return Status.BUSY if contended else Status.PARTIAL


def _forged(run: Run, contradiction: str, full: float) -> Verdict:
    return Verdict(
        run, Status.FORGED, 0.0, 1.0, ZERO, full, SHARE, None,
        reason="what the cluster recorded contradicts what was measured from outside",
        note=f"The recording contradicts the facts: {contradiction}",
    )  # fmt: skip
