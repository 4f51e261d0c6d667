"""Timed runs for the tests of the verdict: some made by hand, some real ones, altered.

Times are seconds. ``kept_evidence.py`` made the real evidence, and makes it anew.
"""

from collections.abc import Sequence
from dataclasses import replace

import recordings
from kept_evidence import EX01, EX02, evidence, reference
from recordings import GO, UNSEEN

from autograder.model import ProcessUsage, Recording, Reference, Role, Run, TaskRecord
from autograder.speedup.decide import Verdict, judge

__all__ = [
    "EVERY", "EX01", "EX02", "REFERENCE", "TIMED", "WORKERS", "alternating", "cpu_needed", "found",
    "invented", "lasting", "recorded", "run", "shortened", "spread", "spread_in", "task", "timed",
    "two_tasks", "using", "verdict", "within",
]  # fmt: skip

WORKERS = ("tcp://one", "tcp://two")
REFERENCE = Reference(
    speedup=1.9,
    work_seconds=1.6,
    tasks=16,
    graphs=1,
    gathered_bytes=400_000,
    graph_bytes=160_000,
    serial_seconds=1.6,
    same_round=True,
    cpu_seconds=1.65,
)

TIMED = {EX01: "search_large", EX02: "predict_large"}

EVERY = [
    *[(EX01, student) for student in ("hypatia", "euler", "zeno")],
    *[(EX02, student) for student in ("hypatia", "atlas", "banach", "euler", "zeno")],
]
"""A right submission of each, and ways to be serial."""


def task(
    number: int, start: float, seconds: float, worker: str, submitted: float = 0.02
) -> TaskRecord:
    key = f"predict-{number}"
    made = recordings.task(key, start, seconds, submitted=submitted, worker=worker, nbytes=28_000)
    return replace(made, layer="predict")


def spread(tasks: int = 16, seconds: float = 0.1) -> tuple[TaskRecord, ...]:
    """Independent tasks, dealt to two workers in turn."""
    return tuple(task(i, 0.03 + i // 2 * seconds, seconds, WORKERS[i % 2]) for i in range(tasks))


def run(
    tasks: Sequence[TaskRecord] | None = None,
    *,
    wall: float = 0.9,
    client: float = 0.03,
    workers: Sequence[float] = (0.8, 0.8),
) -> Run:
    return Run(
        case="predict_large",
        function="predict_large",
        go=GO,
        returned=GO + 0.01,
        done=GO + wall,
        usage=(
            ProcessUsage(Role.CLIENT, "client", client, 0.0, 0, 0),
            ProcessUsage(Role.SCHEDULER, "scheduler", 0.1, 0.0, 0, 0),
            *(
                ProcessUsage(Role.WORKER, f"worker-{i}", s, 0.0, 0, 0)
                for i, s in enumerate(workers)
            ),
        ),
        recording=Recording(tasks=spread() if tasks is None else tuple(tasks), workers=WORKERS),
        answer={},
        comparison=None,
        failure=None,
        **UNSEEN,
    )


def verdict(seen: Run, reference: Reference = REFERENCE) -> Verdict:
    return judge(seen, 2, reference)


def timed(name: str, student: str) -> Run:
    return next(r for r in reversed(evidence(name, student).runs) if r.case == TIMED[name])


def found(seen: Run, name: str = EX02) -> Verdict:
    return judge(seen, 2, reference(name))


def recorded(seen: Run, **changes: object) -> Run:
    return replace(seen, recording=replace(seen.recording, **changes))  # type: ignore[arg-type]


def cpu_needed(name: str = EX02) -> float:
    seconds = reference(name).cpu_seconds
    assert seconds is not None
    return seconds


def using(seen: Run, role: Role, *seconds: float) -> Run:
    """The same run, with other CPU times of the processes of a role."""
    kept = tuple(use for use in seen.usage if use.role is not role)
    new = tuple(ProcessUsage(role, f"{role}-{i}", s, 0.0, 0, 0) for i, s in enumerate(seconds))
    before = {use.name: use.cpu_seconds for use in seen.usage}
    times = {use.name: use.cpu_seconds / before.get(use.name, 1.0) for use in new}
    cpu = tuple(replace(s, ran=s.ran * times.get(s.name, 1.0)) for s in seen.cpu)
    return replace(seen, usage=(*kept, *new), cpu=cpu)


def within(seen: Run, *, left: bool = True) -> Run:
    """The same run, sent by a task that waited for all the others on a worker."""
    first = min(seen.recording.tasks, key=lambda t: t.start)
    length = seen.done - seen.go - 0.02
    outer = replace(
        first, key="outer-1", layer="outer", dependencies=(), submitted=seen.go + 0.001,
        start=seen.go + 0.01, stop=seen.go + 0.01 + length,
        compute_seconds=0.01 if left else length, away_seconds=length - 0.01 if left else 0.0,
    )  # fmt: skip
    return recorded(seen, tasks=(outer, *seen.recording.tasks))


def two_tasks(seen: Run, seconds: float) -> Run:
    """A run of two tasks of one length, one on each worker."""
    dealt = spread(2, seconds)
    names = dict(zip(sorted({t.worker for t in dealt}), seen.recording.workers, strict=True))
    tasks = tuple(
        replace(
            t, worker=names[t.worker], submitted=seen.go, start=seen.go + 0.02,
            stop=seen.go + 0.02 + seconds,
        )
        for t in dealt
    )  # fmt: skip
    long = replace(recorded(seen, tasks=tasks), done=seen.go + seconds + 0.05)
    return using(using(long, Role.WORKER, seconds, seconds), Role.CLIENT, 0.02)


def lasting(seen: Run, seconds: float) -> Run:
    """The same run, with its tasks spread evenly over a run of another length."""
    factor = seconds / (seen.done - seen.go)

    def at(moment: float) -> float:
        return seen.go + (moment - seen.go) * factor

    tasks = tuple(
        replace(
            t,
            submitted=at(t.submitted),
            start=at(t.start),
            stop=at(t.stop),
            compute_seconds=t.compute_seconds * factor,
        )
        for t in seen.recording.tasks
    )
    return replace(recorded(seen, tasks=tasks), done=seen.go + seconds)


def alternating(seen: Run) -> Run:
    """The same tasks, said to have run on the workers in turn."""
    workers = seen.recording.workers
    tasks = (replace(t, worker=workers[i % 2]) for i, t in enumerate(seen.recording.tasks))
    return recorded(seen, tasks=tuple(tasks))


def shortened(seen: Run) -> Run:
    """What a replaced event class reports: a millisecond for each task."""
    tasks = (replace(t, start=t.stop - 0.001, compute_seconds=0.001) for t in seen.recording.tasks)
    return recorded(seen, tasks=tuple(tasks))


def invented(seen: Run, true: Run) -> Run:
    """The record of another, parallel run in place of the true one."""
    there = lasting(true, seen.done - seen.go)
    shift = seen.go - there.go
    tasks = tuple(
        replace(t, submitted=t.submitted + shift, start=t.start + shift, stop=t.stop + shift)
        for t in there.recording.tasks
    )
    return recorded(seen, tasks=tasks, workers=there.recording.workers)


def spread_in(seen: Run, tasks: int, seconds: float) -> tuple[TaskRecord, ...]:
    """Independent tasks from the beginning of a run on, dealt to its workers in turn."""
    dealt = spread(tasks, seconds)
    return tuple(
        replace(
            t,
            worker=seen.recording.workers[i % 2],
            submitted=t.submitted - GO + seen.go,
            start=t.start - GO + seen.go,
            stop=t.stop - GO + seen.go,
        )
        for i, t in enumerate(dealt)
    )
