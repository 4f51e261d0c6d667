"""A student's function on the student's own cluster: run as in the box, without one.

What the grader reads from the operating system is asked of the processes themselves here:
nobody gains anything by fooling a self-check. Nothing is worked out twice: the oracle answers
each case once per process, and checks that follow one another without anything else in between
judge the same run.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import distributed
from psutil import virtual_memory

from autograder.errors import SubmissionError
from autograder.evidence import rounds
from autograder.evidence.driver import call_student
from autograder.evidence.one_clock import OneClock
from autograder.evidence.recorder import Recorder
from autograder.evidence.usage import is_busy, peak_since
from autograder.exercise import catalogue
from autograder.model import (
    CaseSpec,
    CheckSpec,
    Evidence,
    Exercise,
    Failure,
    ProcessUsage,
    Recording,
    Reference,
    Role,
    Run,
)
from autograder.sandbox.processes import reset_peak, resident
from autograder.student import notebook
from cluster import ClusterError, connect, size_of

__all__ = ["Rehearsal", "evidence", "fit", "rehearse", "run_case"]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was seen of a function on the student's own cluster, and against what to judge it."""

    exercise: Exercise
    """Fitted to the cluster's number of workers."""
    specs: tuple[CheckSpec, ...]
    """The checks that can be judged there."""
    runs: tuple[Run, ...]
    reference: Reference
    """The typical one, with the serial seconds of this machine if a timed case had a fair run."""
    remark: str
    """Where it ran, and what is other than at the grader's."""


def rehearse(
    exercise: Exercise,
    specs: tuple[CheckSpec, ...],
    function: Callable[..., Any],
    progress: Callable[[str], None],
) -> Rehearsal:
    """Run a function on the cases that some checks of it ask for.

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
        Told what has been found so far and what is run next.

    Raises
    ------
    ClusterError
        If none of the checks can be judged on the cluster; one sentence says why.
    SubmissionError
        If the function closes the notebook's client.
    """
    client = _client(progress)
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
            about = f"{'timed ' * case.timed}case {case.name}"
            progress(f"{said}Calling {case.function} on the {about} …")
            kept.runs[case.name], _ = run_case(exercise, case, function, client)
        said += f"{_in_words(kept.runs[case.name])}\n"
        progress(said)
    kept.judged |= {spec.grade_id for spec in specs}
    reference = exercise.typical
    for case in cases:
        truth = _truths.get(_name(exercise, case))
        # Seconds of a busy moment and of a quiet one say nothing about each other.
        if case.timed and truth is not None and not kept.runs[case.name].busy:
            reference = replace(reference, serial_seconds=truth.seconds)
    return Rehearsal(
        exercise=exercise,
        specs=specs,
        runs=tuple(kept.runs[case.name] for case in cases),
        reference=reference,
        remark=f"{place}. {remark}".rstrip(),
    )


def evidence(exercise: Exercise, runs: Iterable[Run], untouched: Iterable[str] = ()) -> Evidence:
    """Put runs together to what a grade follows from."""
    return Evidence(
        key="",
        exercise=exercise.name,
        digest=exercise.digest,
        submission="",
        seed_digest="public",
        cluster=exercise.cluster,
        environment={},
        boxed=False,
        untouched=frozenset(untouched),
        cells=(),
        runs=tuple(runs),
        phases={},
    )


def _client(progress: Callable[[str], None]) -> distributed.Client:
    """Return the notebook's client, or one of a new cluster if it has none."""
    try:
        return distributed.default_client()
    except ValueError:
        progress("Starting a cluster …")
        return connect()


def fit(
    exercise: Exercise, specs: tuple[CheckSpec, ...], client: distributed.Client
) -> tuple[Exercise, tuple[CheckSpec, ...], str]:
    """Fit an exercise and its checks to the student's cluster, and say what was changed.

    Raises
    ------
    ClusterError
        If none of the checks can be judged there.
    """
    workers = client.scheduler_info(n_workers=-1)["workers"]
    if not workers:
        raise ClusterError(
            "Your cluster has no workers: wait for them with client.wait_for_workers(2), or close "
            "the client and run the cell with connect() again."
        )
    untold = not Path("/proc/self/status").exists()
    if untold and any(spec.check == "memory" for spec in specs):
        specs = tuple(spec for spec in specs if spec.check != "memory")
        if not specs:
            raise ClusterError("This system does not tell a process's memory; the grader's does.")
    exercise, held = _with_memory(exercise, specs, workers)
    exercise, specs, remark = _with_workers(exercise, specs, workers)
    return exercise, specs, " ".join(filter(None, (remark, held)))


def _with_memory(
    exercise: Exercise, specs: Iterable[CheckSpec], workers: Mapping[str, Any]
) -> tuple[Exercise, str]:
    """Judge memory by the limit that the workers were given; Dask fills them up to it."""
    if not any(spec.check == "memory" for spec in specs):
        return exercise, ""
    # A limit of 0 is none.
    room = min(worker["memory_limit"] or virtual_memory().total for worker in workers.values())
    usual = exercise.cluster.memory_per_worker
    if room == usual:
        return exercise, ""
    remark = (
        f"Its workers may hold {room / 1e6:.0f} MB each and were judged by that; the grader's "
        f"{usual / 1e6:.0f} MB."
    )
    return replace(exercise, cluster=replace(exercise.cluster, memory_per_worker=room)), remark


def _with_workers(
    exercise: Exercise, specs: tuple[CheckSpec, ...], workers: Mapping[str, Any]
) -> tuple[Exercise, tuple[CheckSpec, ...], str]:
    """Judge speedup by as many workers as there are, if it can be judged on them at all."""
    count, usual = len(workers), exercise.cluster.workers
    unfit = ""
    if count < 2:
        unfit = "it has one worker"
    elif any(worker["nthreads"] > 1 for worker in workers.values()):
        unfit = "its workers have several threads each"
    elif any(address.startswith("inproc") for address in workers):
        unfit = "its workers are threads of this notebook's process"
    if unfit:
        judged = tuple(spec for spec in specs if spec.check != "speedup")
        remark = (
            f"The speedup cannot be checked on your cluster, since {unfit}. Close its client and "
            f"call connect(): that starts {usual} workers of one thread, as the grader does."
        )
        if not judged:
            raise ClusterError(remark)
        return exercise, judged, remark if judged != specs else ""
    if count == usual:
        return exercise, specs, ""
    shape = replace(exercise.cluster, workers=count)
    typical = replace(exercise.typical, speedup=_speedup_on(count, exercise.typical, usual))
    remark = f"It has {count} workers and was judged by that; the grader's has {usual}."
    return replace(exercise, cluster=shape, typical=typical), specs, remark


def _speedup_on(workers: int, reference: Reference, measured_on: int) -> float:
    """Return the reference's speedup on another number of workers.

    From its speedup follows the serial share of its work (Karp and Flatt, CACM 33(5), 1990),
    and from that the speedup on any number of workers (Amdahl, AFIPS 1967).
    """
    serial = (1 / reference.speedup - 1 / measured_on) / (1 - 1 / measured_on)
    return 1 / (serial + (1 - serial) / workers)


@dataclass
class _Kept:
    """The runs of the function that was checked last."""

    function: object = None
    cluster: object = None
    since: int | None = None
    runs: dict[str, Run] = field(default_factory=dict)
    judged: set[str] = field(default_factory=set)


_kept = _Kept()
_truths: dict[tuple[object, ...], rounds.Truth] = {}
_warm: set[object] = set()


def _runs_so_far(function: object, specs: Iterable[CheckSpec], client: distributed.Client) -> _Kept:
    """Return the runs that still hold; none if anything but checks ran since.

    A check that is called again wants to see a new run.
    """
    global _kept
    since, cluster = notebook.since(), _identity(client)
    again = any(spec.grade_id in _kept.judged for spec in specs)
    same = _kept.function is function and _kept.cluster == cluster
    if since is None or since != _kept.since or not same or again:
        _kept = _Kept(function, cluster, since)
    return _kept


def _identity(client: distributed.Client) -> tuple[str, ...]:
    return (client.id, *sorted(client.scheduler_info(n_workers=-1)["workers"]))


def _in_words(run: Run) -> str:
    if run.failure is not None:
        return f"✗ {run.case}: it raised {run.failure.kind}"
    if run.comparison is None:
        return f"✗ {run.case}: no answer"
    return f"{'✓' if run.comparison.equal else '✗'} {run.case}: {run.comparison.got}"


def run_case(
    exercise: Exercise,
    case: CaseSpec,
    function: Callable[..., Any] | None,
    client: distributed.Client,
) -> tuple[Run, float]:
    """Run one case as the box would.

    Returns
    -------
    run : Run
    serial_seconds : float
        What plain scikit-learn took for it; 0 where there was no answer to compare with.
    """
    module = catalogue.cases(exercise)
    # The folder of this round stays empty: truths are kept in memory here.
    seed = rounds.seed(rounds.public(Path(), exercise), case, 0)
    with client.as_current():
        _warm_up(exercise, module, client)
        arguments, input_bytes = module.prepare(case.name, case.parameters, seed)
        before = _used(client, anew=True)
        go = time.time()
        told, arrays, failure = call_student(module, case.name, case.function, function, arguments)
        done = time.time()
        if failure is not None and failure["kind"] == "KeyboardInterrupt":
            raise KeyboardInterrupt
        if client.status != "running":
            raise SubmissionError(
                f"{case.function} closed the notebook's client, so it cannot be checked: leave "
                "that to whoever made the client, and run the cell with connect() again."
            )
        after = _used(client)
    returned = told.get("returned", done)
    comparison, serial = None, 0.0
    if failure is None:
        truth = _truth(exercise, case, module, seed)
        comparison = module.compare(case.name, truth.arrays, arrays)
        serial = truth.seconds
    run = Run(
        case=case.name,
        function=case.function,
        go=go,
        returned=returned,
        done=done,
        usage=tuple(
            _usage(role, name, before.get((role, name), (0.0, 0, 0)), used)
            for (role, name), used in after.items()
        ),
        recording=_recording(client, go, done, returned),
        answer=told,
        comparison=comparison,
        failure=Failure(**failure) if failure else None,
        input_bytes=input_bytes,
    )
    return replace(run, busy=case.timed and is_busy(run)), serial


def _warm_up(exercise: Exercise, module: catalogue.Cases, client: distributed.Client) -> None:
    """Do a little of everything and begin recording, once per set of workers."""
    known = (exercise.digest, *_identity(client))
    if known not in _warm:
        module.warm()
        client.register_plugin(OneClock())
        client.register_plugin(Recorder())
        _warm.add(known)


def _truth(exercise: Exercise, case: CaseSpec, module: catalogue.Cases, seed: int) -> rounds.Truth:
    known = _name(exercise, case)
    if known not in _truths:
        _truths[known] = rounds.work_out(module, case, seed)
    return _truths[known]


def _name(exercise: Exercise, case: CaseSpec) -> tuple[object, ...]:
    return (exercise.digest, case.name, *sorted(case.parameters.items()))


_Used = tuple[float, int, int]
"""CPU seconds, peak of memory so far and memory now; zeros for memory where no /proc tells it."""


def _own(anew: bool = False) -> _Used:
    """Return what this process has used, by what it says itself."""
    if anew:
        reset_peak()
    try:
        peak, now = resident()
    except OSError:
        peak = now = 0
    return time.process_time(), peak, now


def _used(client: distributed.Client, anew: bool = False) -> dict[tuple[Role, str], _Used]:
    """Return what this process and every worker have used, wherever the workers are."""
    workers = client.run(_own, anew)
    return {
        (Role.CLIENT, "client"): _own(anew),
        **{
            (Role.WORKER, f"worker-{i}"): workers[address]
            for i, address in enumerate(sorted(workers))
        },
    }


def _usage(role: Role, name: str, before: _Used, after: _Used) -> ProcessUsage:
    peak = peak_since(before[1], after[1], max(before[2], after[2]))
    return ProcessUsage(role, name, after[0] - before[0], peak, before[2])


def _recording(client: distributed.Client, go: float, done: float, returned: float) -> Recording:
    def read(dask_scheduler: Any) -> Recording:
        recorder: Recorder = dask_scheduler.plugins[Recorder.name]
        return recorder.recording(go, done, returned)

    recording: Recording = client.run_on_scheduler(read)
    return recording
