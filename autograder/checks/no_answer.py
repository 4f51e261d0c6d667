"""What a check says where there is no answer to judge: a blank, an exception, what was stopped."""

import re
from collections import defaultdict
from dataclasses import replace
from functools import wraps

from autograder.checks.base import OF_ANSWERS, Check, failed, finding, judged_runs
from autograder.checks.wrong_results import refused, to_return
from autograder.diagnose import explain, named
from autograder.diagnose.failures import endless, unreadable
from autograder.errors import UNDEFINED
from autograder.evidence.summary import died_alone
from autograder.formats import clean, shorten
from autograder.model import (
    CellOutput,
    CheckSpec,
    Evidence,
    Exercise,
    Failure,
    Finding,
    FunctionNames,
    Mistake,
    Reference,
    Role,
    Run,
    Status,
)

__all__ = ["UNREADABLE", "check", "given_away", "with_names"]

UNREADABLE = ("SyntaxError", "IndentationError", "TabError")
"""Exceptions of a cell that Python cannot read."""

_MOST_OF_IT = 0.5
"""Share of a call in which a process was ready but had no CPU, above which the machine was crowded.
On two cores with 12 to 20 other programs it was 0.80 to 0.83, on a quiet machine up to 0.04."""

_LAST = 0.25
"""Share of a stopped call, at its end, in which it is looked at whether anything computes. An
endless loop computes in every part, so the smaller the better; of a call of 8 s, 2 s are left."""


def check(judge: Check) -> Check:
    """Decorate a check: it judges only if there is an answer; otherwise the finding says why."""

    @wraps(judge)
    def checked(
        exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
    ) -> Finding:
        missing = _no_answer(exercise, spec, evidence)
        return judge(exercise, spec, evidence, reference) if missing is None else missing

    return checked


def _busy(run: Run) -> float:
    """Return the CPU seconds of the busiest process per second of a run; 1 where nobody read them.

    Waiting for a CPU that other programs have is not idling: those seconds count, too. Of a run
    whose CPU is known over time, its last part says more: whatever waits in vain has computed
    something before, if only the imports of a library, which take seconds on a slow machine.
    """
    seconds = run.done - run.go
    used = {use.name: use.cpu_seconds + (use.delay or 0.0) for use in run.usage}
    late = [sample for sample in run.cpu if sample.seconds > (1 - _LAST) * seconds]
    if len(late) > len(run.usage):  # otherwise they are of the whole call
        seconds *= _LAST
        used = defaultdict(float)
        for sample in late:
            used[sample.name] += sample.ran + sample.waited
    return max(used.values()) / seconds if run.usage and seconds > 0.0 else 1.0


def _crowded(run: Run) -> bool:
    """Whether a process was without a CPU for most of a run, though it was ready."""
    delays = [use.delay or 0.0 for use in run.usage]
    return max(delays, default=0.0) > _MOST_OF_IT * (run.done - run.go)


def _held(exercise: Exercise, run: Run) -> float:
    """Return the peak of the fullest worker of a run, as a share of its memory."""
    peaks = (use.peak_memory for use in run.usage if use.role is Role.WORKER)
    return max(peaks, default=0) / exercise.cluster.memory_per_worker


def _no_answer(exercise: Exercise, spec: CheckSpec, evidence: Evidence) -> Finding | None:
    """Return the finding for a function without an answer to judge, if it has none."""
    runs = judged_runs(spec, evidence)
    wanted = f"{spec.function} returns an answer"
    if spec.function in evidence.untouched:
        return finding(
            spec,
            Status.UNTOUCHED,
            0.0,
            f"{spec.function} is filled in",
            "the blank is as it was released",
            advice=f"Fill in {spec.function}, and run its check in the notebook.",
        )
    # A function that had to be stopped is not called again. What stopped it from outside may
    # look like an exception inside, so it is asked about first.
    calls = (
        runs
        if len(runs) == len(spec.cases)
        else [run for run in evidence.runs if run.function == spec.function]
    )
    for run in calls:
        if run.stopped is not None:
            return failed(
                spec,
                wanted,
                f"it was stopped: {run.stopped}",
                advice=f"Try {spec.function} on a small array in the notebook first.",
                mistakes=endless(
                    spec.function,
                    run.stopped,
                    _busy(run),
                    run.kills,
                    held=_held(exercise, run),
                    lost=died_alone(run),
                    crowded=_crowded(run),
                ),
            )
    for run in runs:
        if run.failure is not None:
            return _raised(exercise, spec, run, run.failure, evidence)
    if len(runs) < len(spec.cases):
        cell = next((cell for cell in evidence.cells if cell.stopped), None)
        reason = (
            f"cell {cell.index + 1} of the notebook was stopped: {cell.stopped}" if cell else ""
        )
        return failed(
            spec,
            wanted,
            reason or "the notebook was stopped before it could be called",
            advice="Restart the kernel and run all cells: each should end within seconds.",
        )
    return None


def given_away(exercise: Exercise, failure: Failure) -> tuple[Mistake, ...]:
    """Return the exercise's own mistake behind an exception, if there is one."""
    raised = f"{failure.kind}: {failure.message}"
    known = (m for m in exercise.mistakes.values() if m.raises and m.raises in raised)
    return tuple(known)[:1]


def with_names(
    finding: Finding, spec: CheckSpec, evidence: Evidence, names: FunctionNames
) -> Finding:
    """Explain a finding by the code of the function; never for a right answer.

    Parameters
    ----------
    finding : Finding
        As its check made it.
    spec, evidence
        What it is of.
    names : FunctionNames
        What the function reads.
    """
    if finding.status is not Status.FAILED:
        return finding
    if finding.failure is not None and finding.failure.message.startswith(UNDEFINED):
        return _without_definition(finding, evidence, names)
    runs = judged_runs(spec, evidence)
    if any(run.stopped is not None for run in runs) or all(run.right for run in runs):
        return finding
    # A variable in place of an argument explains a wrong value and an exception, named or not. What
    # is written otherwise than asked for explains those that have no other name, and what is left
    # out explains no exception.
    instead = FunctionNames(instead=names.instead)
    if any(run.failure is not None for run in runs):
        other = FunctionNames(settings=names.settings, nothing=names.nothing)
        added = named(spec.function, instead)
        if not added and not finding.mistakes:
            added = named(spec.function, other)
    elif spec.check in OF_ANSWERS:
        added = named(spec.function, names if not finding.mistakes else instead)
    else:
        return finding
    return replace(finding, mistakes=(*finding.mistakes, *added))


def _raised(
    exercise: Exercise, spec: CheckSpec, run: Run, failure: Failure, evidence: Evidence
) -> Finding:
    """Return the finding for a function that raised an exception, or whose result was refused."""
    mistakes = given_away(exercise, failure) or explain(failure)
    result = refused(run)
    if result is not None:
        return failed(
            spec,
            result.promised,
            result.got,
            advice="" if mistakes else to_return(spec.function, result.wrong),
            mistakes=mistakes,
        )
    return failed(
        spec,
        f"{spec.function} returns an answer",
        f"it raised {_named(failure)}",
        advice=_undefined(failure, evidence) or _to_read(failure, mistakes),
        failure=failure,
        mistakes=mistakes,
    )


def _to_read(failure: Failure, mistakes: tuple[Mistake, ...]) -> str:
    """Say how to read an exception."""
    if failure.line is not None:  # of the student's own
        return "Read the traceback from the bottom: the last line says what happened."
    if mistakes:
        return ""
    return (
        "None of your lines was running: a library raised this when it used what you returned. Use "
        "the result in a separate cell, and read the traceback there."
    )


def _named(failure: Failure) -> str:
    """Name an exception in one line."""
    message = failure.message.strip().splitlines()
    return f"{failure.kind}: {shorten(message[0], 200)}" if message else failure.kind


def _undefined(failure: Failure, evidence: Evidence) -> str:
    """Say which cell is responsible if there is no function to call."""
    if not failure.message.startswith(UNDEFINED):
        return ""
    cell = next((cell for cell in evidence.cells if cell.failure), None)
    if cell is None or cell.failure is None:
        return "Keep the name that the blank has, and define it in a cell of its own."
    return (
        f"Cell {cell.index + 1} of the notebook ended with {_named(cell.failure).rstrip('.')}, "
        "so what it defines is missing. Correct that first."
    )


def _without_definition(finding: Finding, evidence: Evidence, names: FunctionNames) -> Finding:
    """Say why there is no function: what happened in the cell that should define it."""
    cell = next((cell for cell in evidence.cells if cell.index == names.cell), None)
    if cell is None or cell.failure is None:
        return finding
    failure = _of_cell(cell, cell.failure, names.number)
    if failure.kind not in UNREADABLE:
        return replace(
            finding,
            got=f"the cell that should define it raised {_named(failure)}",
            advice=f"Run cell [{names.number}] on a fresh kernel, and correct its error.",
            failure=failure,
        )
    line = f"line {failure.line} of " if failure.line is not None else ""
    return replace(
        finding,
        got=f"Python cannot read {line}the cell that defines it: {_named(failure)}",
        advice=f"Correct cell [{names.number}], and run it until it shows no error.",
        failure=failure,
        mistakes=(unreadable(finding.function, failure),),
    )


def _of_cell(cell: CellOutput, failure: Failure, number: int | None) -> Failure:
    """Return the exception of a cell with its place, as the student sees it beside the cell."""
    # IPython adds the name of a file that nobody knows: '(' was never closed (1714.py, line 3).
    place = re.search(r" \((?:[^() ]+), line (\d{1,6})\)$", failure.message)
    message = failure.message[: place.start()] if place else failure.message
    traceback = re.sub(r"Cell In\s?\[\d+\]", f"your cell [{number}]", clean(failure.traceback))
    line = int(place[1]) if place else failure.line
    return replace(failure, message=message, traceback=traceback, cell=number, line=line)
