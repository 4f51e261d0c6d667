"""The speedup that the facts of a run allow at most, whatever its recording says.

Facts are the wall clock and the CPU seconds of every process, read outside the box, and what the
reference solution used in the same round. A bound is a function of them that gives a speedup and
the reason in words, or abstains; ``docs/verdict.md`` has the formulas and whom each stops.
"""

from collections.abc import Callable
from math import sqrt

from autograder.evidence.contention import NEIGHBOURS
from autograder.evidence.summary import (
    SHORT,
    cpu_of,
    cpu_used,
    read_again,
    task_seconds,
    worker_cpu,
)
from autograder.model import Reference, Role, Run, SpeedupStudy
from autograder.speedup.credit import ZERO, ramp

__all__ = ["CLOCK_ROOM", "clock_room", "cpu_speedup", "smallest"]

CLOCK_ROOM = 1.25
"""By how much the wall clock may exceed the replay on P workers without lowering the speedup.
In 28 right and wrong runs under loads up to 10 on two cores the wall clock was 0.96 to 1.13 times
the replay: what slows the tasks down slows both."""

STRETCH = 0.7
"""The same where other work had a part of the machine and the tasks had their CPU all the same:
this part of the way from 1 to what one worker would have taken. Then it is between the tasks that
time was lost, waiting for messages of processes that waited for a core: of 75 right runs of ex03
(260 short tasks in a chain) beside burning programs, the clock showed more than 1.25 times the
replay in 28, and 1.62 times at the most, 0.65 of the way."""

BALANCE = 0.65
"""CPU seconds of all processes per second of the busiest path (`cpu_speedup`), as a share of the
number of workers, from which the work counts as shared out. A neighbour takes CPU from one worker
and the other does more: 1.5 of 2 was seen, and one worker that gets a third of its core leaves
1.33. All tasks pinned to one worker: 1.01 to 1.1."""

WAITING_ROOM = 0.8
"""CPU seconds per second of task time, against the reference solution's, from which tasks count
as waiting. 0.89 to 1.03 was measured on a quiet machine; a lock around every task gives half."""

WASTE = 2.5
"""CPU seconds that a program may use per CPU second of the reference solution before its speedup
shrinks. The same work takes up to twice the CPU time when the machine is slow for an hour; 7,000
tiny tasks took four times as much."""

UNEQUAL = 0.25
"""Share by which two runs of a round may differ in the CPU seconds of the same work. The work of
ex01 took 2.25 s in the client where the reference solution had needed 2.88 s beside other
programs."""

CLEAR, DOUBTFUL = 0.5, 0.6
"""The client's share of the reference solution's CPU time up to which its seconds are taken for
what they say, within `UNEQUAL`, and from which they may be all of the work, where more was used
than needed. Right programs had 0.23 and less in the client, and those that worked there alone
0.63 and more: 2.28 s, where the reference solution had taken 3.59 s in a slow moment."""

LONG, WHOLE = 0.55, 0.7
"""Share of the reference solution's CPU time up to which the longest task is not all of the work
at any pace, and from which it may be: the share of all of it in one process was 0.63 and more. Two
tasks of one length have 0.5, and 0.6 on a machine a fifth slower."""

SEEMING, HIDING = 0.9, 1.05
"""Of such a task there are two readings. Either it is what it seems, and the machine ran at the
pace of all CPU seconds against the reference solution's; or it is all of the work, the rest only
looked busy, and the pace is the task's own. The reading whose pace is nearer to 1 is the likelier:
the first below a geometric mean of both of 0.9, the second from 1.05 on. A task of three quarters
has 0.87, and 0.95 on a machine a tenth slower; one that does all of it at the reference solution's
pace, beside the least busy work that earns all points, 1.2."""

ENOUGH, NOTHING = 0.2, 0.05
"""CPU seconds per CPU second of the reference solution from which a program may simply be fast,
and down to which its answer must have come from elsewhere. The fastest right program tried, which
turns the texts of ex01 into numbers once for all trainings, needed 0.3."""

SLOW, ASIDE = 2.0, 0.3
"""Times the CPU seconds of the reference solution's run that may be used where none of the work
belongs, and seconds on top: by all processes while the input is made, before GO, and by the
scheduler afterwards. The same step takes up to twice the time when the machine is slow; making the
input took 0.1 to 0.4 s in ex01 and ex02 and 0.7 to 0.8 s in ex03, and a scheduler used 0.03 to
0.3 s in ex01 to ex03. In ex04 it used 0.8 s for the reference solution, and 1.4 s for a right
program with as many tasks. The seconds on top are also those of tasks that have left their thread
(`_beside`)."""

SPARE = 0.2
"""Of the reference solution's CPU time: what both together may take more than there at the most, so
that little is gained by hiding work there. The right program with the most took 0.15 (ex04)."""

ROUNDS = 3.0
"""Times the reference solution's tasks for which the scheduler may use as many times its CPU time.
k-means with all defaults took 2.3 times the tasks and 2.6 times the seconds in the scheduler; who
invents tasks to hide work there gains no more than this."""

Bound = Callable[[Run, SpeedupStudy, Reference], tuple[float, str] | None]
"""The highest speedup that a fact allows, and the reason in words; None where it abstains."""


def smallest(run: Run, replayed: SpeedupStudy, reference: Reference) -> tuple[float, str]:
    """Return the smallest of the replayed speedup and all bounds, 1 or more, and its reason."""
    found = [bound(run, replayed, reference) for bound in _BOUNDS]
    speedup, reason = min(
        [(replayed.speedup, ""), *filter(None, found)], key=lambda allowed: allowed[0]
    )
    return max(speedup, 1.0), reason


def _clock(run: Run, replayed: SpeedupStudy, reference: Reference) -> tuple[float, str] | None:
    """Bound by the wall clock: what takes as long as on one worker has no speedup."""
    best = replayed.makespans[replayed.workers]
    wall = run.done - run.go
    if replayed.speedup <= CLOCK_ROOM or best <= 0:
        return None
    room = clock_room(run, replayed.speedup)
    return (
        _between(replayed.speedup, wall / best, fair=room, serial=replayed.speedup),
        f"{_allowed(replayed)} and be done in {best:.2f} s, but the clock showed {wall:.2f} s",
    )


def clock_room(run: Run, speedup: float) -> float:
    """Return by how much the clock may exceed the replay before it counts.

    On a busy machine it is the tasks that got too little, and the replay has that in it.
    """
    if run.background_load is None or run.background_load < NEIGHBOURS or run.contended:
        return CLOCK_ROOM
    return max(CLOCK_ROOM, 1.0 + STRETCH * (speedup - 1.0))


def _waiting(run: Run, replayed: SpeedupStudy, reference: Reference) -> tuple[float, str] | None:
    """Bound by what the tasks computed: of those that wait for one another only one runs."""
    usual, own = reference.summary, sum(replayed.worker_cpu)
    # Without knowing what else ran, a task that waits looks like one that got no CPU.
    if (
        run.background_load is None
        or run.contended
        or usual is None
        or min(replayed.work, usual.work_seconds) <= 0
    ):
        return None
    share = (own / replayed.work) / min(max(usual.worker_cpu / usual.work_seconds, 1e-9), 1.0)
    if replayed.work < SHORT or replayed.speedup * WAITING_ROOM <= 1.0:
        return None
    return (
        _between(replayed.speedup, share, fair=WAITING_ROOM, serial=1 / replayed.speedup),
        f"{_allowed(replayed)}, but of {replayed.work:.2f} s that they took the workers computed "
        f"for {own:.2f} s only and waited for the rest",
    )


def _processors(run: Run, replayed: SpeedupStudy, reference: Reference) -> tuple[float, str] | None:
    """Bound by the balance of CPU time over the processes (`cpu_speedup`)."""
    balance = cpu_speedup(run, replayed.workers)
    return (
        _between(replayed.speedup, balance, fair=BALANCE * replayed.workers, serial=ZERO),
        f"{_allowed(replayed)}, but {_spent(replayed)}",
    )


def cpu_speedup(run: Run, workers: int) -> float:
    """Return the speedup that the CPU time of the processes allows at most.

    The client's CPU time counts as serial and the busiest worker's as the time of the parallel
    part (Amdahl 1967, with the operating system's counts in place of a model)::

        (client + sum of workers) / (client + busiest worker)

    It is fact, and CPU time hardly depends on what else the machine does. Work that was done in
    the client beside sham tasks, or by one worker alone, shows here whatever the recording says.

    Parameters
    ----------
    run : Run
        With ``usage`` of the client and the workers.
    workers : int
        Of the cluster; the bound never exceeds it.
    """
    client, each = cpu_of(run, Role.CLIENT), worker_cpu(run)
    slowest = client + max(each, default=0.0)
    if slowest <= 0:
        return 1.0
    return min((client + sum(each)) / slowest, float(workers))


def _useless(run: Run, replayed: SpeedupStudy, reference: Reference) -> tuple[float, str] | None:
    """Bound by the reference's work: several times as much is not made good by sharing it.

    What it took to read the input again and again has a check of its own, and costs its points.
    """
    if reference.cpu_seconds is None or read_again(run, reference):
        return None
    longest = replayed.client_cpu + max(replayed.worker_cpu, default=0.0)
    return WASTE * reference.cpu_seconds / max(longest, 1e-9), _against(replayed, reference)


def _spread(run: Run, replayed: SpeedupStudy, reference: Reference) -> tuple[float, str] | None:
    """Bound by the client's work, which is not there to be spread, whatever else was done.

    What was done in advance, while the grader's step made the input, in the scheduler, or by tasks
    that had left their thread is like it. Who used more than was needed all in all cannot be sure
    to have done less than all of the work in the client: CPU seconds are not that exact.
    """
    needed, usual = reference.cpu_seconds, reference.summary
    if needed is None:
        return None
    more = aside = 0.0
    if usual is not None:
        rounds = min(max(len(run.recording.tasks) / max(usual.tasks, 1), SLOW), ROUNDS)
        slower = (SLOW - 1) * usual.setup_cpu + (rounds - 1) * usual.scheduler_cpu
        more = max(run.setup_cpu - usual.setup_cpu, 0.0)
        more += max(cpu_of(run, Role.SCHEDULER) - usual.scheduler_cpu, 0.0)
        aside = _aside(more, min(slower, SPARE * needed))
    client = replayed.client_cpu + aside + _beside(run)
    # Of much of the work it is not known that it was not all; of a little of it that is clear.
    whole = ramp(client / max(needed, 1e-9), CLEAR, DOUBTFUL)
    beyond = max(cpu_used(run) + more - needed, 0.0)
    client += min(beyond, (UNEQUAL + (1 - UNEQUAL) * whole) * client)
    rest = max(needed - client, 0.0) / replayed.workers
    said = f" ({aside:.2f} s more before it was called or in the scheduler)" if aside else ""
    return needed / max(client + rest, 1e-9), _against(replayed, reference) + said


def _one_task(run: Run, replayed: SpeedupStudy, reference: Reference) -> tuple[float, str] | None:
    """Bound by the longest task, which may hold all of the work (`LONG`, `SEEMING`)."""
    needed = reference.cpu_seconds
    if not needed or replayed.work <= 0 or not run.recording.tasks:
        return None
    rate = min(sum(replayed.worker_cpu) / replayed.work, 1.0)
    longest = rate * max(task.busy_seconds for task in run.recording.tasks)
    spent = cpu_used(run)
    doubt = ramp(longest / needed, LONG, WHOLE)
    doubt *= ramp(sqrt(longest * spent) / needed, SEEMING, HIDING)
    # What is likely the work at a slow machine's pace is as much more of it.
    paced = max(needed, min(spent, (1 + UNEQUAL) * needed))
    shared = max(paced / max(longest, 1e-9), 1.0)
    return 1.0 + (shared - 1.0) * (1.0 - doubt), _against(replayed, reference)


def _beside(run: Run) -> float:
    """Return the workers' CPU seconds that no record can explain, where tasks left their thread."""
    if not any(task.away_seconds for task in run.recording.tasks):
        return 0.0
    return _aside(cpu_of(run, Role.WORKER), task_seconds(run.recording))


def _aside(spent: float, expected: float) -> float:
    """Weigh misplaced CPU seconds: a few are forgiven, many count in full."""
    more = spent - expected
    return max(min(more, 2 * (more - ASIDE)), 0.0)


def _elsewhere(run: Run, replayed: SpeedupStudy, reference: Reference) -> tuple[float, str] | None:
    """Bound by the work that was seen at all: a right answer takes some, on whatever core."""
    if reference.cpu_seconds is None:
        return None
    share = cpu_used(run) / max(reference.cpu_seconds, 1e-9)
    return (
        _between(replayed.speedup, share, fair=ENOUGH, serial=NOTHING),
        _against(replayed, reference),
    )


_BOUNDS: tuple[Bound, ...] = (
    _clock,
    _processors,
    _useless,
    _spread,
    _one_task,
    _elsewhere,
    _waiting,
)


def _between(speedup: float, seen: float, *, fair: float, serial: float) -> float:
    """Interpolate from ``speedup`` at ``fair`` down to 1 at ``serial``; constant outside."""
    return 1.0 + (speedup - 1.0) * ramp(seen, serial, fair)


def _allowed(replayed: SpeedupStudy) -> str:
    return f"the tasks alone would allow {replayed.speedup:.2f}"


def _spent(replayed: SpeedupStudy) -> str:
    each = " and ".join(f"{cpu:.2f} s" for cpu in replayed.worker_cpu)
    return (
        f"the notebook's own process used {replayed.client_cpu:.2f} s of CPU and the workers {each}"
    )


def _against(replayed: SpeedupStudy, reference: Reference) -> str:
    return (
        f"{_allowed(replayed)}, but {_spent(replayed)}, for what takes the reference solution "
        f"{reference.cpu_seconds:.2f} s in all"
    )
