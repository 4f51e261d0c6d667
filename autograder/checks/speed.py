"""Whether the work is distributed, and whether a student's own timing is right."""

from autograder.checks.base import failed, failed_by, finding, first_right, judged_runs, passed
from autograder.checks.no_answer import check
from autograder.diagnose import diagnose
from autograder.diagnose.timing import COVERED
from autograder.errors import OversizeRecording
from autograder.evidence.summary import worked_seconds
from autograder.model import CheckSpec, Evidence, Exercise, Finding, Mistake, Reference, Speedup
from autograder.replay.what_if import would_help
from autograder.speedup.credit import SHARE
from autograder.speedup.decide import Verdict, decide

__all__ = ["speedup", "timing"]

_CLOCK_SHARE, _CLOCK_SECONDS = 0.05, 0.05
"""By how much a student's clock may be ahead of the driver's. Both take the same seconds;
milliseconds in their place are a thousand times as many. In 51 right runs of the kept evidence it
was 0.002 to 0.066 s behind, never ahead."""

_CROWDED = 0.5
"""Share of the clock without a CPU above which the verdict is called rough. Under a load of 10 to
15 on two cores, right answers of ex01 to ex04 and ex08 had no CPU for 0.66 to 0.84 of it, and got
0.89 to 1.64 instead of 1.7 to 1.9 (19 self-checks)."""

_SPREAD = (
    "Look at the task stream: each worker should be busy from beginning to end, and the client "
    "idle. An empty lane means that the work is in too few pieces, or in the wrong place."
)


@check
def speedup(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The work is spread over all workers: two do it in about half the time of one."""
    run = judged_runs(spec, evidence)[-1]
    if not run.right:
        return failed(
            spec,
            "a right answer, in less time",
            "the answer is not right, so its speed does not count",
            advice=first_right(spec),
        )
    verdict = decide(evidence, run.case, reference)
    advice = ""
    mistakes: tuple[Mistake, ...] = ()
    if verdict.credit < 1.0:
        advice = " ".join(filter(None, [_crowded(verdict.speedup), _what_if(verdict), _SPREAD]))
        mistakes = diagnose(exercise, verdict.run, verdict.study, reference, spec.check)
    return finding(
        spec,
        verdict.status,
        verdict.credit,
        _asked_for(verdict.speedup, reference),
        _in_words(verdict),
        advice=advice,
        mistakes=mistakes,
        speedup=verdict.speedup,
        study=verdict.study,
        note=verdict.note,
    )


@check
def timing(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The reported seconds are those of the work, from the request to the last result."""
    runs = judged_runs(spec, evidence)
    advice = "Read the clock, compute, and read it again when the results are there."
    for run in runs:
        claimed = run.comparison.seconds if run.comparison else None
        worked, called = worked_seconds(run.recording), run.returned - run.go
        expected = (
            f"right answers, and a time that includes the work: the cluster took {worked:.3f} s "
            f"from the first task to the last, and the whole call {called:.3f} s"
        )
        if not run.right:
            got = "the answer is not right, so the time it took does not count"
        elif claimed is None:
            got = "not a number of seconds"
        elif not run.recording.tasks:
            got = f"{claimed:.3f} s, and no task ran on the cluster"
        elif claimed < COVERED * worked:
            got = f"{claimed:.3f} s, less than the work took"
            if claimed < 0.0:
                advice = "Subtract the first reading of the clock from the second."
        elif claimed > (1 + _CLOCK_SHARE) * called + _CLOCK_SECONDS:
            got = f"{claimed:.3f} s, more than the whole call took"
            if COVERED * worked < claimed / 1e3 <= called:
                advice = "Return seconds: these may be milliseconds."
        else:
            continue
        return failed_by(exercise, spec, run, reference, expected, got, advice)
    return passed(spec, expected, f"{claimed:.3f} s")


def _crowded(found: Speedup) -> str:
    """Warn if other programs had the cores for most of the time."""
    if found.without_cpu is None or found.without_cpu <= _CROWDED * found.wall:
        return ""
    return (
        f"For {found.without_cpu:.1f} of the {found.wall:.1f} s, other programs had the cores. So "
        "large a share can only be subtracted roughly: on a quieter machine the speedup may be "
        "higher."
    )


def _what_if(verdict: Verdict) -> str:
    """Predict which change would help most, in numbers, if any."""
    if verdict.study is None:
        return ""
    try:
        predicted = would_help(verdict.run, verdict.speedup)
    except OversizeRecording:
        return ""
    if predicted is None:
        return ""
    changes = " and ".join(predicted.changes)
    return f"With {changes}, the speedup would be about {predicted.speedup:.1f} (replayed)."


def _asked_for(found: Speedup, reference: Reference) -> str:
    return (
        f"a speedup of {found.full:.2f} or more on {found.workers} workers, {SHARE:.0%} of the "
        f"reference solution's {reference.speedup:.2f}"
    )


def _in_words(verdict: Verdict) -> str:
    found = verdict.speedup
    if verdict.reason:
        return f"no credit: {verdict.reason}"
    text = (
        f"a speedup of {found.speedup:.2f}: {found.useful:.2f} s of work in {found.quiet:.2f} s on "
        "quiet workers"
    )
    if 0.0 < verdict.credit < 1.0:
        text += (
            f"; credit ({found.speedup:.2f} - {found.zero:.2f}) / "
            f"({found.full:.2f} - {found.zero:.2f}) = {verdict.credit:.0%}"
        )
    return text
