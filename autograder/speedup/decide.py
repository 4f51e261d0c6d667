"""The speedup verdict: the points of a timed case, and whether its record can be true.

The points follow from facts (`quiet_time`, `credit`): clock and CPU, read outside the box. The
recording is testimony and earns nothing; its replay predicts the speedup on other numbers of
workers (`autograder.replay`). Whether it can be true is a separate question, answered by yes or no
(`tampering`).
"""

from dataclasses import dataclass, replace

from autograder.errors import InconsistentRecording, OversizeRecording
from autograder.model import Evidence, Reference, Run, Speedup, SpeedupStudy, Status
from autograder.replay.makespan import study
from autograder.replay.plan import make_plan
from autograder.speedup.credit import credit, speedup
from autograder.speedup.tampering import contradiction, doubts, unseen, unshared

__all__ = [
    "COVERED",
    "Verdict",
    "decide",
    "is_crowded",
    "is_doubtful",
    "is_limited",
    "is_unlucky",
    "judge",
]

COVERED = 0.88
"""The largest share of the machine's CPU that other work used during a run of the corpus.

The verdict was not tested beyond it. (Right answers under a load of 10 to 15 on two cores got 0.9
to 1.6 instead of 1.7 to 1.9, in 19 self-checks.)
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a timed run earns and why."""

    run: Run
    status: Status
    credit: float
    speedup: Speedup
    study: SpeedupStudy | None
    """None where the recording cannot be replayed."""
    reason: str = ""
    """Why the speedup earns nothing, for the student, if the number does not show it."""
    note: str = ""
    """What the instructor should know."""
    contradiction: str = ""
    """What in the recording cannot be true."""


def decide(evidence: Evidence, case: str, reference: Reference) -> Verdict:
    """Judge a timed case on all its runs.

    Normally there is one. A case is run again, on another seed, if its recording cannot be true
    ("not accepted" takes two such runs), or if the run is unlucky (`is_unlucky`); then the best one
    counts. At least one run of the case gave the right answer.
    """
    right = [run for run in evidence.runs if run.case == case and run.right]
    verdicts = [judge(run, evidence.cluster.workers, reference) for run in right]
    told = [verdict for verdict in verdicts if verdict.contradiction and verdict.credit > 0.0]
    if len(told) > 1:
        return _not_accepted(told[0])
    # One contradiction accuses nobody; a try without any is the better evidence.
    return max(verdicts, key=lambda verdict: (not verdict.contradiction, verdict.credit))


def judge(run: Run, workers: int, reference: Reference) -> Verdict:
    """Judge one timed run: clock and CPU are facts, its recording is testimony."""
    found = speedup(run, workers, reference)
    replayed, said, note = None, "", doubts(run)
    try:
        replayed = study(run, workers, reference.serial_seconds)
    except OversizeRecording as error:
        note = f"{error} {note}".rstrip()
    except InconsistentRecording as error:
        said = str(error)
    said = said or contradiction(run)
    if said:
        note = f"The recording does not fit what was measured: {said} {note}".rstrip()
    reason = _reason(run, found, reference)
    earned = 0.0 if reason else credit(found)
    status = Status.PASSED if earned >= 1.0 else Status.PARTIAL if earned > 0.0 else Status.FAILED
    return Verdict(run, status, earned, found, replayed, reason, note, said)


def _reason(run: Run, found: Speedup, reference: Reference) -> str:
    """Return why a speedup earns nothing, if the number does not show it."""
    reason = unseen(found, reference)
    if not reason and credit(found) > 0.0:
        reason = unshared(run, found, reference)
    return reason


def is_unlucky(run: Run, workers: int, reference: Reference) -> bool:
    """Tell whether a run that distributes its work loses points, so that another run is fair.

    Other work can only lower a speedup: the same work takes more CPU seconds beside it, and Dask
    gives the faster worker more to do. So the best run counts, for the reference solution and for
    everybody else. A program that distributes nothing does so in every run.

    How much of the work is useful is told by the reference solution's CPU seconds, which are those
    of another moment: the same program took 1.3 to 1.6 times the CPU seconds of its quickest run
    within three minutes (28 runs each of four kinds of work, 0.3 to 1.2 s, beside as much other
    work as there are cores). So all of it counts here.
    """
    return _with_all_work(run, workers, reference) > 0.0 and _earned(run, workers, reference) < 1.0


def is_limited(run: Run, workers: int, reference: Reference) -> bool:
    """Tell whether the reference solution's CPU seconds cost a run points.

    They are those of another moment, and perhaps of another machine.
    """
    return _with_all_work(run, workers, reference) > _earned(run, workers, reference)


def _with_all_work(run: Run, workers: int, reference: Reference) -> float:
    """Return what a run would earn if all that it computed during the call were useful."""
    return credit(speedup(run, workers, replace(reference, cpu_seconds=None, summary=None)))


def _earned(run: Run, workers: int, reference: Reference) -> float:
    found = speedup(run, workers, reference)
    return 0.0 if _reason(run, found, reference) else credit(found)


def is_crowded(evidence: Evidence, case: str, reference: Reference) -> bool:
    """Tell whether a case loses points under more other work than the verdict was tested with."""
    if not any(run.case == case and run.right for run in evidence.runs):
        return False
    verdict = decide(evidence, case, reference)
    return verdict.credit < 1.0 and (verdict.run.background_load or 0.0) > COVERED


def is_doubtful(run: Run) -> bool:
    """Tell whether the recording of a run cannot be true, so that the case must be run again."""
    try:
        make_plan(run.recording, run.go, run.done)
    except OversizeRecording:
        return False
    except InconsistentRecording:
        return True
    return bool(contradiction(run))


def _not_accepted(verdict: Verdict) -> Verdict:
    return replace(
        verdict,
        status=Status.FORGED,
        credit=0.0,
        study=None,
        reason="twice, the cluster's record contradicted what was measured from outside",
    )
