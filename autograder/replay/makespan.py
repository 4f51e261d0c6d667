"""Turn a recorded task graph into makespans: how long the run would take on P workers.

A stopwatch on a shared machine says more about the neighbours than about the program. The recorded
graph does not: task durations, dependencies and the client's waiting are the same whatever else is
running. `autograder.replay.plan` determines the dependencies, and `autograder.replay.scheduler`
where Dask would run each task; the ratio of the makespans on 1 and on P workers is the speedup that
the program has.

Schedules have anomalies (R. L. Graham, "Bounds on multiprocessing timing anomalies", SIAM J.
Appl. Math. 17(2), 1969): a makespan can be longer on more workers. Makespans are therefore
reported as they are, not smoothed.
"""

from collections import defaultdict
from math import fsum

from autograder.model import Recording, Role, Run, SpeedupStudy
from autograder.replay import laws
from autograder.replay.plan import make_plan
from autograder.replay.scheduler import DEFAULT, FREE, Budget, Costs, Placement, simulate

__all__ = ["CURVE", "replay", "study"]

CURVE = tuple(2**k for k in range(11))
"""Numbers of workers in a study: 1 to 1,024."""

SHORT_CURVE = (1, 4, 16, 64, 256, 1024)
"""Those for a recording of more than `LONG` tasks, or four times as many dependencies: each takes
seconds."""

LONG = 50_000
"""Chosen: the longest recording of the kept evidence has 7,025 tasks and 10,536 dependencies."""


def replay(recording: Recording, go: float, done: float, workers: int) -> float:
    """Compute the makespan of a recorded run on a number of single-thread workers.

    Parameters
    ----------
    recording : Recording
        Of the run; the order of its records does not matter.
    go, done : float
        When the run began and ended, in seconds on the recording's clock.
    workers : int
        At least 1; any number, whatever the run was recorded on.

    Returns
    -------
    float
        Seconds from GO to done. ``done - go`` if no task ran on the cluster.

    Raises
    ------
    InconsistentRecording
        If a number is negative, not finite or absurdly large, or tasks wait for one another
        in a circle.
    HarnessError
        If a task was not run, or ``done`` is not after ``go``: faults of the kit.
    """
    return simulate(make_plan(recording, go, done), workers, DEFAULT)


def study(run: Run, workers: int, serial_seconds: float | None) -> SpeedupStudy:
    """Replay a run on 1, 2, 4, … 1,024 and on ``workers`` workers.

    Parameters
    ----------
    run : Run
        With its recording and the usage of its processes.
    workers : int
        Of the cluster; the speedup is the one on this many.
    serial_seconds : float or None
        Plain scikit-learn on the same input, for the record.

    Returns
    -------
    SpeedupStudy
        Its ``speedup`` is 1 exactly if no task ran on the cluster. It is the higher of the replayed
        and the observed one: what was done in a certain time on ``workers`` workers can be done in
        that time. The makespan on one worker then assumes a cluster without overhead, so that the
        model's costs increase no speedup. ``worker_cpu`` is in the order of the workers' names.

    Raises
    ------
    InconsistentRecording, HarnessError
        As `replay` does.
    """
    plan = make_plan(run.recording, run.go, run.done)
    size = max(len(plan.seconds), sum(map(len, plan.dependencies)) // 4)
    curve = CURVE if size <= LONG else SHORT_CURVE
    budget = Budget()

    def seconds(count: int, costs: Costs) -> float:
        return simulate(plan, count, costs, Placement.DASK, budget)

    makespans = {p: seconds(p, DEFAULT) for p in sorted({*curve, workers})}
    replayed = makespans[1] / makespans[workers] if makespans[workers] > 0 else 1.0
    seen = seconds(1, FREE) / (run.done - run.go) if run.done > run.go else 1.0
    cpu: dict[Role, list[tuple[int, str, float]]] = defaultdict(list)
    for usage in run.usage:
        # Length first, so that worker-10 comes after worker-9.
        cpu[usage.role].append((len(usage.name), usage.name, usage.cpu_seconds))
    return SpeedupStudy(
        workers=workers,
        measured_seconds=run.done - run.go,
        work=laws.work(plan),
        span=laws.span(plan),
        makespans=makespans,
        speedup=max(replayed, seen) if plan.seconds else 1.0,
        client_cpu=fsum(seconds for _, _, seconds in cpu[Role.CLIENT]),
        worker_cpu=tuple(seconds for _, _, seconds in sorted(cpu[Role.WORKER])),
        serial_seconds=serial_seconds,
    )
