"""The checks: each judges one thing of the evidence and says so in the student's words.

A check is a function ``(exercise, spec, evidence, reference) -> Finding``; its name is what
``exercise.toml`` says under ``check``, and the first line of its docstring is what a student
reads about it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from autograder.diagnose import diagnose, explain
from autograder.diagnose.clock import COVERED
from autograder.errors import UNDEFINED, HarnessError
from autograder.measure.accounting import client_growth
from autograder.measure.summary import (
    REREADS,
    cpu_of,
    graph_bytes,
    read_again,
    worked_seconds,
)
from autograder.measure.verdict import Verdict, decide
from autograder.model import (
    CheckSpec,
    Evidence,
    Exercise,
    Failure,
    Finding,
    Mistake,
    Reference,
    Role,
    Run,
    Status,
)

__all__ = [
    "CHECKS",
    "Check",
    "judged_runs",
    "lazy",
    "memory",
    "reads_once",
    "request",
    "rule",
    "speedup",
    "stays_distributed",
    "timing",
    "values",
    "workers",
]

Check = Callable[[Exercise, CheckSpec, Evidence, Reference], Finding]

_GATHERED_SHARE = 0.1
"""Of the bytes that the reference brings to the client in the whole run: what may come before
the function returns. A lazy solution brings none; one that computes brings all."""

_FETCHED_SHARE = 0.1
"""Of the input's bytes: what may come to the client on top of what the reference brings there.
k-means fetches candidates and centres, up to 0.1 % of the input in 20 right runs; whoever
fetches the input fetches all of it."""


_HELD_SHARE = 0.25
"""Of the input's bytes: by what the client may grow on top of the reference's own growth. A few
blocks in flight, whatever the student prints or keeps, fit in; whoever holds all the data needs
four times as much."""

_CLOCK_SHARE, _CLOCK_SECONDS = 0.05, 0.05
"""By how much a student's clock may be ahead of the driver's. Both take the same seconds;
milliseconds in their place are a thousand times as many."""


def values(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """What the function returns equals what plain scikit-learn gives on the same data."""
    advice = f"Run {spec.function} on a small array and compare with scikit-learn alone."
    return _compared(exercise, spec, evidence, advice, reference)


def rule(exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference) -> Finding:
    """What the function returns is what the rule of its contract gives."""
    advice = f"Work one example out by hand, then print what {spec.function} makes of it."
    return _compared(exercise, spec, evidence, advice)


def request(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The job script asks the batch system for what it should, in the units that it counts in."""
    advice = f"Print the job script that {spec.function} makes, and read its directives."
    return _compared(exercise, spec, evidence, advice)


def workers(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The job script starts the workers that it should, where and with what they should have."""
    advice = f"Print the job script that {spec.function} makes, and read its last lines."
    return _compared(exercise, spec, evidence, advice)


def lazy(exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference) -> Finding:
    """The function returns Dask collections, and no data come to the client before."""
    runs = judged_runs(spec, evidence)
    broken = _broken(exercise, spec, evidence, runs)
    if broken is not None:
        return broken
    finding = _finder(spec)
    expected = "a lazy result, returned before any data were brought to the notebook's process"
    most = spec.options.get("graphs", float("inf"))
    packed = spec.options.get("graph_share", float("inf"))
    advice = "Return what Dask gives you; whoever needs the numbers calls compute()."
    # The reference's bytes are those of the timed case, so it is the one to look at first.
    for run in sorted(runs, key=lambda run: run.case not in exercise.timed):
        # Where the contract lets means and the like come over, that is a share of the input.
        share = spec.options.get("input_share", 0.0) * run.input_bytes
        room = max(_GATHERED_SHARE * reference.gathered_bytes, share)
        if not run.answer.get("lazy"):
            got = f"an object of type {run.answer.get('type', 'unknown')}, computed already"
        elif run.recording.gathered_during_call > room:
            got = (
                f"a lazy result, but {_megabytes(run.recording.gathered_during_call)} were brought "
                "to the notebook's process before it was returned"
            )
        elif (sent := _sent_during_call(run)) > most:
            got = (
                f"a lazy result, but its making had begun: {sent} graphs were sent to the cluster "
                "before it was returned, as persist() and compute() do"
            )
        elif (held := graph_bytes(run.recording)) > packed * run.input_bytes:
            got = (
                f"a lazy result, but {_megabytes(held)} lie in its graph, about the "
                f"{_megabytes(run.input_bytes)} of the data themselves: they were read in the "
                "notebook's own process"
            )
            advice = "Let tasks do the reading: the graph holds what to read, not what was read."
        else:
            continue
        return finding(
            Status.FAILED,
            0.0,
            expected,
            got,
            advice=advice,
            mistakes=diagnose(exercise, run, None, reference),
        )
    return finding(Status.PASSED, 1.0, expected, "a lazy result; nothing was brought over")


def speedup(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The work is spread over all workers: two do it in about half the time of one."""
    runs = judged_runs(spec, evidence)
    broken = _broken(exercise, spec, evidence, runs)
    if broken is not None:
        return broken
    run = runs[-1]
    finding = _finder(spec)
    if not run.right:
        return finding(
            Status.FAILED,
            0.0,
            "a right answer, sooner",
            "the answer is not right, so its speed does not count",
            advice=f"First make {spec.function} return the right values.",
        )
    verdict = decide(evidence, run.case, reference)
    return finding(
        verdict.status,
        verdict.credit,
        _asked_for(verdict, exercise, reference),
        _speedup_in_words(verdict),
        advice="" if verdict.credit >= 1.0 else _SPREAD,
        mistakes=() if verdict.credit >= 1.0 else diagnose(exercise, run, verdict.study, reference),
        study=verdict.study,
        note=verdict.note,
    )


def stays_distributed(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The data stay on the workers; only small results come to the notebook's process."""
    runs = judged_runs(spec, evidence)
    broken = _broken(exercise, spec, evidence, runs)
    if broken is not None:
        return broken
    finding = _finder(spec)
    room = reference.gathered_bytes + _FETCHED_SHARE * runs[-1].input_bytes
    expected = (
        f"the workers read the input, and at most {_megabytes(int(room))} of its "
        f"{_megabytes(runs[-1].input_bytes)} come to the notebook's process"
    )
    for run in runs:
        gathered = run.recording.gathered_bytes
        client = cpu_of(run, Role.CLIENT)
        spent = client + cpu_of(run, Role.WORKER)
        if run.case not in exercise.timed and not run.right:
            # Nobody knows what such a case takes, so only a right answer shows that it was done.
            got = "the answer is not right, so where the data stayed does not count"
        elif gathered > reference.gathered_bytes + _FETCHED_SHARE * run.input_bytes:
            got = f"{_megabytes(gathered)} came to the notebook's process"
        elif run.recording.reads < _MOST_READ * reference.reads:
            got = f"the workers read {_files(run.recording.reads, reference)}"
        elif _worked_elsewhere(exercise, run, reference) and client > _MOST_READ * spent:
            # Whatever way the data took: a record without gathering does not explain this.
            got = (
                f"the notebook's process used {client:.2f} s of the {spent:.2f} s of CPU, and the "
                "tasks of the workers are not what took them"
            )
        else:
            continue
        return finding(
            Status.FAILED,
            0.0,
            expected,
            got,
            advice="Hand the Dask array itself to what can work on chunks; fetch the outcome only.",
            mistakes=diagnose(exercise, run, None, reference, spec.check),
        )
    came = _megabytes(runs[-1].recording.gathered_bytes)
    return finding(Status.PASSED, 1.0, expected, f"{came} came over")


def reads_once(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The input is read once and kept on the workers, however often it is gone through."""
    if not reference.reads:
        raise HarnessError(
            f"{spec.grade_id}: no read was recorded of the reference solution of {exercise.name}, "
            "so nobody's reads can be judged; the tasks of cases.py that read must log an event "
            "each, and [typical] of exercise.toml needs their number as reads."
        )
    runs = judged_runs(spec, evidence)
    broken = _broken(exercise, spec, evidence, runs)
    if broken is not None:
        return broken
    finding = _finder(spec)
    expected = (
        f"each file is read once, as by the reference solution, or twice ({reference.reads} "
        f"reads, at most {int(REREADS * reference.reads)})"
    )
    for run in runs:
        reads = run.recording.reads
        if reads < _MOST_READ * reference.reads:
            return finding(
                Status.FAILED,
                0.0,
                expected,
                f"the workers read {_files(reads, reference)}",
                advice="All the data count: work on the whole Dask array, on the cluster.",
                mistakes=diagnose(exercise, run, None, reference, spec.check),
            )
        if read_again(run, reference):
            return finding(
                Status.FAILED,
                0.0,
                expected,
                f"{reads} reads, {reads / reference.reads:.0f} times the reference solution's",
                advice="X = X.persist() keeps the chunks on the workers as long as X is there.",
                mistakes=diagnose(exercise, run, None, reference, spec.check),
            )
    return finding(Status.PASSED, 1.0, expected, f"{runs[-1].recording.reads} reads")


def memory(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The data pass through memory block by block, in the notebook's process and on the workers."""
    runs = judged_runs(spec, evidence)
    broken = _broken(exercise, spec, evidence, runs)
    if broken is not None:
        return broken
    finding = _finder(spec)
    limit = exercise.cluster.memory_per_worker
    room = int(reference.client_growth + _HELD_SHARE * runs[-1].input_bytes)
    source = "" if reference.same_round else ", as the processes say of themselves"
    expected = (
        f"the notebook's process grows by at most {_megabytes(room)} of the "
        f"{_megabytes(runs[-1].input_bytes)} of data, and no worker beyond {_megabytes(limit)}"
    )
    for run in runs:
        growth = client_growth(run)
        peaks = {use.name: use.peak_memory for use in run.usage if use.role is Role.WORKER}
        lost = len({f"worker-{i}" for i in range(exercise.cluster.workers)} - set(peaks))
        if not run.right:
            got = "the answer is not right, so the memory that it took does not count"
        elif growth > reference.client_growth + _HELD_SHARE * run.input_bytes:
            got = f"the notebook's process grew by {_megabytes(growth)}{source}"
        elif lost:
            got = f"{lost} of the {exercise.cluster.workers} workers did not live to the end"
        elif max(peaks.values()) > limit:
            got = f"a worker held {_megabytes(max(peaks.values()))}{source}"
        else:
            continue
        return finding(
            Status.FAILED,
            0.0,
            expected,
            got,
            advice="Learn from a block and drop it before the next but one is read.",
            mistakes=diagnose(exercise, run, None, reference, spec.check),
        )
    got = (
        f"the notebook's process grew by {_megabytes(growth)}, and the fullest worker held "
        f"{_megabytes(max(peaks.values()))}{source}"
    )
    return finding(Status.PASSED, 1.0, expected, got)


def timing(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference
) -> Finding:
    """The seconds that the function says are those of the work, from asking to the last result."""
    runs = judged_runs(spec, evidence)
    broken = _broken(exercise, spec, evidence, runs)
    if broken is not None:
        return broken
    finding = _finder(spec)
    for run in runs:
        said = run.comparison.seconds if run.comparison else None
        worked, called = worked_seconds(run.recording), run.returned - run.go
        expected = (
            f"right answers, and seconds that hold the work: it took the cluster {worked:.3f} s "
            f"from the first task to the last, and the whole call {called:.3f} s"
        )
        if not run.right:
            got = "the answer is not right, so the time that it took does not count"
        elif said is None:
            got = "no number of seconds"
        elif not run.recording.tasks:
            got = f"{said:.3f} s, and not one task ran on the cluster"
        elif said < COVERED * worked:
            got = f"{said:.3f} s, less than the work took"
        elif said > (1 + _CLOCK_SHARE) * called + _CLOCK_SECONDS:
            got = f"{said:.3f} s, more than the whole call took"
        else:
            continue
        return finding(
            Status.FAILED,
            0.0,
            expected,
            got,
            advice="Look at the clock, compute, and look again when the results are there.",
            mistakes=diagnose(exercise, run, None, reference, spec.check),
        )
    return finding(Status.PASSED, 1.0, expected, f"{said:.3f} s")


_MOST_READ = 0.5
"""Fewer reads than this share of the reference's, and most of the input was not looked at."""


def _files(reads: int, reference: Reference) -> str:
    return f"{reads or 'none'} of the {reference.reads} files of the input"


def _worked_elsewhere(exercise: Exercise, run: Run, reference: Reference) -> bool:
    """Whether the tasks did less than half of what the reference solution's did.

    On a case that is not timed nobody knows that; there, whether they took less time than the
    client computed.
    """
    done = sum(task.compute_seconds for task in run.recording.tasks)
    if run.case not in exercise.timed:
        return done < cpu_of(run, Role.CLIENT)
    return reference.work_seconds is not None and done < 0.5 * reference.work_seconds


CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        *(values, lazy, speedup, rule, request, workers),
        *(stays_distributed, reads_once, memory, timing),
    )
}

_SPREAD = (
    "Look at the task stream: each worker should be busy from beginning to end, and the client "
    "idle. If one lane is empty, the work is in too few pieces or in the wrong place."
)


def _compared(
    exercise: Exercise,
    spec: CheckSpec,
    evidence: Evidence,
    advice: str,
    reference: Reference | None = None,
) -> Finding:
    """Judge what the exercise's own comparison of each run says."""
    runs = judged_runs(spec, evidence)
    broken = _broken(exercise, spec, evidence, runs)
    if broken is not None:
        return broken
    wrong = [run for run in runs if not run.right]
    shown = (wrong or runs[-1:])[0].comparison
    finding = _finder(spec)
    if not wrong:
        assert shown is not None
        return finding(Status.PASSED, 1.0, shown.expected, shown.got)
    expected = shown.expected if shown else "an answer"
    got = shown.got if shown else "nothing that could be read"
    known = exercise.mistakes.get(shown.mistake or "") if shown else None
    mistakes: tuple[Mistake, ...] = (known,) if known else ()
    if reference is not None:
        for run in wrong:
            mistakes = mistakes or diagnose(exercise, run, None, reference, "values")
    return finding(
        Status.FAILED,
        0.0,
        expected,
        got,
        advice=advice,
        mistakes=mistakes,
    )


def _sent_during_call(run: Run) -> int:
    """Count the graphs that were sent before the function returned."""
    return sum(graph.submitted <= run.returned for graph in run.recording.graphs)


def judged_runs(spec: CheckSpec, evidence: Evidence) -> list[Run]:
    """Return the last run of each case of a check, in the check's order."""
    last = {run.case: run for run in evidence.runs}
    return [last[case] for case in spec.cases if case in last]


def _broken(
    exercise: Exercise, spec: CheckSpec, evidence: Evidence, runs: list[Run]
) -> Finding | None:
    """Return the finding for a function that gave no answer to judge, if it gave none."""
    finding = _finder(spec)
    wanted = f"{spec.function} returns an answer"
    if spec.function in evidence.untouched:
        return finding(
            Status.UNTOUCHED,
            0.0,
            f"{spec.function} is filled in",
            "the blank is as it was released",
            advice=f"Fill in {spec.function}, and run its check in the notebook.",
        )
    # A function that had to be stopped is not called again. What stopped it from outside may
    # look like an exception inside, so it is asked about first.
    calls = runs if len(runs) == len(spec.cases) else _calls(spec.function, evidence)
    for run in calls:
        if run.stopped is not None:
            return finding(
                Status.FAILED,
                0.0,
                wanted,
                f"it was stopped: {run.stopped}",
                advice=f"Try {spec.function} on a small array in the notebook first.",
            )
    for run in runs:
        if run.failure is not None:
            return finding(
                Status.FAILED,
                0.0,
                wanted,
                f"it raised {_named(run.failure)}",
                advice=_undefined(run.failure, evidence)
                or "Read the traceback from the bottom: the last line says what happened.",
                failure=run.failure,
                mistakes=_given_away(exercise, run.failure) or explain(run.failure),
            )
    if len(runs) < len(spec.cases):
        cell = next((cell for cell in evidence.cells if cell.stopped), None)
        reason = (
            f"cell {cell.index + 1} of the notebook was stopped: {cell.stopped}" if cell else ""
        )
        return finding(
            Status.FAILED,
            0.0,
            wanted,
            reason or "the notebook was stopped before it could be called",
            advice="Choose Run All on a fresh kernel: every cell should end within seconds.",
        )
    return None


def _given_away(exercise: Exercise, failure: Failure) -> tuple[Mistake, ...]:
    """Return the exercise's own mistake that an exception gives away, if there is one."""
    said = f"{failure.kind}: {failure.message}"
    known = (m for m in exercise.mistakes.values() if m.raises and m.raises in said)
    return tuple(known)[:1]


def _calls(function: str, evidence: Evidence) -> list[Run]:
    return [run for run in evidence.runs if run.function == function]


def _finder(spec: CheckSpec) -> Callable[..., Finding]:
    def finding(status: Status, credit: float, expected: str, got: str, **more: Any) -> Finding:
        return Finding(
            grade_id=spec.grade_id,
            function=spec.function,
            check=spec.check,
            title=spec.title,
            status=status,
            credit=credit,
            expected=expected,
            got=got,
            **more,
        )

    return finding


def _asked_for(verdict: Verdict, exercise: Exercise, reference: Reference) -> str:
    text = (
        f"a speedup of {verdict.full:.2f} or more on {exercise.cluster.workers} workers, "
        f"{verdict.share:.0%} of the reference solution's {reference.speedup:.2f}"
    )
    usual = verdict.share * reference.speedup
    if max(verdict.full, verdict.speedup) < 0.99 * usual:
        text += " or a little less, since your program needs less work than that"
    return text


def _speedup_in_words(verdict: Verdict) -> str:
    text = f"a speedup of {verdict.speedup:.2f}"
    if verdict.reason:
        text += f" ({verdict.reason})"
    if 0.0 < verdict.credit < 1.0:
        text += (
            f"; credit ({verdict.speedup:.2f} - {verdict.zero:.2f}) / "
            f"({verdict.full:.2f} - {verdict.zero:.2f}) = {verdict.credit:.0%}"
        )
    return text


def _undefined(failure: Failure, evidence: Evidence) -> str:
    """Say which cell is to blame where there is no function to call."""
    if not failure.message.startswith(UNDEFINED):
        return ""
    cell = next((cell for cell in evidence.cells if cell.failure), None)
    if cell is None or cell.failure is None:
        return "Keep the name that the blank has, and define it in a cell of its own."
    return (
        f"Cell {cell.index + 1} of the notebook ended with {_named(cell.failure)}, and what it was "
        "to define is not there. Put that right first."
    )


def _named(failure: Failure) -> str:
    message = failure.message.strip().splitlines()
    return f"{failure.kind}: {message[0][:200]}" if message else failure.kind


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 50_000 else f"{size / 1e3:.1f} kB"
