"""The runs of a student's function for its checks: observed once, and kept while valid.

Nothing is computed twice: the oracle answers each case once per process, and consecutive checks
without other cells between them judge the same run.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import distributed

from autograder.checks.base import OF_ANSWERS
from autograder.evidence import oracle, rounds
from autograder.evidence.assemble import assemble
from autograder.evidence.in_process import InProcess, identity, local_workers
from autograder.exercise import catalogue
from autograder.model import CaseSpec, CheckSpec, Exercise, Reference, Run
from autograder.student import notebook
from autograder.student.own_cluster import fit, own_client
from cluster import size_of

__all__ = ["FunctionRuns", "function_runs"]


@dataclass(frozen=True, slots=True)
class FunctionRuns:
    """The observations of a function on the student's own cluster, and their reference."""

    exercise: Exercise
    """Fitted to the cluster's number of workers."""
    specs: tuple[CheckSpec, ...]
    """The checks that can be judged there."""
    runs: tuple[Run, ...]
    reference: Reference
    """The typical one, with the serial seconds of this machine."""
    remark: str
    """Where it ran, and how that differs from the grader."""


def function_runs(
    exercise: Exercise,
    specs: tuple[CheckSpec, ...],
    function: Callable[..., Any],
    progress: Callable[[str], None],
) -> FunctionRuns:
    """Run a function on the cases that its checks need.

    The notebook's cluster is warmed up and recorded from the first time on. If the notebook has
    none, one is started and stays until the end of the process.

    Parameters
    ----------
    exercise : Exercise
    specs : tuple of CheckSpec
        Checks of one function.
    function : callable
        The student's.
    progress : callable
        Called with the results so far and the next step.

    Raises
    ------
    ClusterError
        If none of the checks can be judged on the cluster; one sentence says why.
    SubmissionError
        If the function closes the notebook's client.
    """
    client = own_client(progress)
    exercise = catalogue.sized(exercise, size_of(client))
    exercise, specs, remark = fit(exercise, specs, client)
    kept = _runs_so_far(function, specs, client)
    wanted = {name for spec in specs for name in spec.cases}
    # Those that are timed take longest; whether an answer is right at all is known before.
    cases = sorted((c for c in exercise.cases if c.name in wanted), key=lambda case: case.timed)
    place = "on your own cluster" if set(kept.runs) < wanted else "on the same run as the last"
    said = ""
    for case in cases:
        if case.name not in kept.runs:
            # What had to be stopped is not called again, as in a box.
            stopped = any(run.stopped for run in kept.runs.values())
            if stopped or _is_settled(specs, kept.runs):
                break
            about = f"{'timed ' * case.timed}case {case.name}"
            progress(f"{said}Calling {case.function} on the {about} …")
            kept.runs[case.name] = _run(exercise, case, function, client)
            if kept.runs[case.name].kills:
                # That the cluster has another worker now is the check's own doing.
                kept.cluster = identity(client)
        said += f"{_in_words(kept.runs[case.name])}\n"
        progress(said)
    kept.judged |= {spec.grade_id for spec in specs}
    ran = [case for case in cases if case.name in kept.runs]
    if not ran:
        # The call that had to be stopped says why there is no other.
        ran = [case for case in exercise.cases if case.name in kept.runs]
    specs = tuple(_only(spec, kept.runs) for spec in specs)
    truths = {case.name: _truths.get(_name(exercise, case)) for case in ran}
    took = {name: truth.seconds for name, truth in truths.items() if truth is not None}
    reference = replace(exercise.typical, case_cpu=took)
    for case in cases:
        if case.timed and case.name in took:
            reference = replace(reference, serial_seconds=took[case.name])
    return FunctionRuns(
        exercise=exercise,
        specs=specs,
        runs=tuple(kept.runs[case.name] for case in ran),
        reference=reference,
        remark=" ".join(filter(None, (f"{place}.", remark, _spared(ran, kept.runs, client)))),
    )


def _spared(cases: Iterable[CaseSpec], runs: Mapping[str, Run], client: distributed.Client) -> str:
    """Say that a worker should have been killed but none could be."""
    spared = any(case.kill and not runs[case.name].kills for case in cases)
    if not spared or local_workers(client):
        return ""
    return (
        "No worker was killed: only workers on this machine that a nanny restarts, such as those "
        "of connect(), are killed. The grader kills one."
    )


def _is_settled(specs: Iterable[CheckSpec], runs: Mapping[str, Run]) -> bool:
    """Whether no further case can change the checks' results: a wrong answer is final.

    A check of anything but the answer needs all of its cases.
    """
    wrong = {name for name, run in runs.items() if not run.right}
    return all(spec.check in OF_ANSWERS and wrong & set(spec.cases) for spec in specs)


def _only(spec: CheckSpec, runs: Mapping[str, Run]) -> CheckSpec:
    """Judge a check by the cases that were run, if the others could not change it."""
    ran = tuple(name for name in spec.cases if name in runs)
    return replace(spec, cases=ran) if _is_settled([spec], runs) else spec


@dataclass
class _Kept:
    """The runs of the function that was checked last."""

    function: object = None
    cluster: object = None
    since: int | None = None
    runs: dict[str, Run] = field(default_factory=dict)
    judged: set[str] = field(default_factory=set)


_kept = _Kept()
_truths: dict[tuple[object, ...], oracle.Truth] = {}


def _runs_so_far(function: object, specs: Iterable[CheckSpec], client: distributed.Client) -> _Kept:
    """Return the runs that are still valid; none if anything but checks ran since.

    A check that is called again wants to see a new run.
    """
    global _kept
    since, cluster = notebook.since(), identity(client)
    again = any(spec.grade_id in _kept.judged for spec in specs)
    same = _kept.function is function and _kept.cluster == cluster
    if since is None or since != _kept.since or not same or again:
        _kept = _Kept(function, cluster, since)
    return _kept


def _in_words(run: Run) -> str:
    if run.failure is not None:
        return f"✗ {run.case}: it raised {run.failure.kind}"
    if run.stopped is not None:
        return f"✗ {run.case}: it was stopped, {run.stopped}"
    if run.comparison is None:
        return f"✗ {run.case}: no answer"
    return f"{'✓' if run.comparison.equal else '✗'} {run.case}: {run.comparison.got}"


def _run(
    exercise: Exercise,
    case: CaseSpec,
    function: Callable[..., Any],
    client: distributed.Client,
) -> Run:
    # The folder of this round stays empty: truths are kept in memory here.
    seed = rounds.seed(rounds.public(Path(), exercise), case, 0)
    call = InProcess(exercise, client, {case.function: function}).run_case(case, seed)
    truth = None if call.failure or call.stopped else _truth(exercise, case, seed)
    return assemble(exercise, case, call, truth)


def _truth(exercise: Exercise, case: CaseSpec, seed: int) -> oracle.Truth:
    known = _name(exercise, case)
    if known not in _truths:
        _truths[known] = oracle.work_out(catalogue.cases(exercise), case, seed)
    return _truths[known]


def _name(exercise: Exercise, case: CaseSpec) -> tuple[object, ...]:
    return (exercise.digest, case.name, *sorted(case.parameters.items()))
