"""The speedup verdict: how much credit a run earns, from its replay and the facts around it.

A stopwatch fails right work and passes wrong work on a shared machine, so it decides nothing
here. Five rules do, each a small function over what was seen:

1. The replay of the recorded task graph on 1 and on P workers gives the speedup (`study`).
2. Facts corroborate it. A recording that cannot be true is forged and earns nothing
   (`_CONTRADICTIONS`); one that can be true is bounded by the CPU time of the processes and by
   the clock, which no code in the box can change (`_BOUNDS`). The smallest counts.
3. A busy machine is nobody's fault: of several tries the best counts, and the status says that
   more may be due (`decide`).
4. Credit rises without a step from nothing at about serial speed to all of it at a share of
   what the reference solution reached in the same round (`credit_for`).
5. The seconds on the wall clock are shown, whatever they are (`SpeedupStudy`).

``docs/verdict.md`` has the reasons, the formulas and an example by hand.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import fsum

from autograder.measure.accounting import NEIGHBOURS, cpu_speedup
from autograder.measure.plan import InconsistentRecording, OversizeRecording
from autograder.measure.replay import replay, study
from autograder.measure.summary import cpu_of, read_again
from autograder.model import Evidence, Reference, Role, Run, SpeedupStudy, Status

__all__ = ["Verdict", "credit_for", "decide", "held_up", "judge"]

ZERO = 1.1
"""Speedup up to which nothing is earned. Serial programs replay at 1.00 to 1.02, and the
operating system's hundredths of a second can lift the bound of the CPU times by some percent: 399
serial runs, quiet and beside burning programs, counted 1.00 to 1.09."""

SHARE = 0.8
"""Share of the reference solution's speedup that earns full credit. In 300 runs of ex01, ex02 and
ex04, quiet and beside burning programs, all right solutions but one in twenty reached 87 % and more
of it (``docs/verdict.md``); what needs less work is asked for less, too (`full_at`)."""

LEAST_SHARE = 0.5
"""Least part of the way from `ZERO` to full credit that a program has to go which needs less
work than the reference solution, to earn all of it (`full_at`)."""

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

SOME, ALL = 0.5, 0.6
"""The client's share of the reference solution's CPU time up to which its seconds are taken for
what they say, within `UNEQUAL`, and from which they may be all of the work, where more was used
than needed. Right programs had 0.23 and less in the client, and those that worked there alone
0.63 and more: 2.28 s, where the reference solution had taken 3.59 s in a slow moment."""

FAIR_TASK, WHOLE_TASK = 0.6, 0.8
"""Share of the reference solution's CPU time up to which the longest task may be one of two, on a
machine a fifth slower, and from which it may hold all of the work: that took 0.78 and more in one
process."""

ENOUGH, NOTHING = 0.2, 0.05
"""CPU seconds per CPU second of the reference solution from which a program may simply be fast,
and down to which its answer must have come from elsewhere. The fastest right program tried, which
turns the texts of ex01 into numbers once for all trainings, needed 0.3."""

ASIDE = 0.3
"""CPU seconds that may be used more than in the reference solution's run where none of the work
belongs: by all processes while the input is made, before GO, and by the scheduler afterwards. The
same step takes up to twice the time when the machine is slow, and 0.1 to 0.4 s in ex01 and ex02;
a scheduler used 0.07 to 0.2 s in recorded runs of up to 50 tasks."""

ROUNDS = 3.0
"""Times the reference solution's tasks for which the scheduler may use as many times its CPU time.
k-means with all defaults took 2.3 times the tasks and 2.6 times the seconds in the scheduler; who
invents tasks to hide work there gains no more than this."""

HIDDEN, HIDDEN_SECONDS = 3.0, 0.5
"""CPU seconds of the workers per recorded second of task time, and beyond it, from which the
recording must be missing work. 0.5 to 1.03 was measured; unpacking data and spilling may add to
it, and idle workers use about 0.02 s per second."""

MOVED_RECORD, MOVED_FACT = 0.5, 0.1
"""The idlest worker's share of what the busiest did, by record and by fact, from and under which
the recording has work on the wrong worker. Other work on the machine slows both alike."""

ROUNDING = 0.3
"""Seconds of work below which such ratios say nothing."""

OVERLAP, OVERLAP_SECONDS = 1.05, 0.05
"""A worker of one thread cannot have worked longer than the wall clock ran; 5 % and 50 ms are
for clocks that are read at different moments."""

UNSEEN = 0.1
"""CPU seconds per second of task time under which the instructor is told. With four programs
that burn CPU beside it on two cores a worker still gets a third."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a timed run earns and why."""

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
    if any(not run.busy for run in right):
        return replace(best, status=_status(best.credit, busy=False))
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
        replayed = study(run, workers, None if run.busy else reference.serial_seconds)
    except OversizeRecording as error:
        return Verdict(Status.FAILED, 0.0, 1.0, ZERO, full, SHARE, None, str(error), str(error))
    except InconsistentRecording as error:
        return _forged(str(error), full)
    for contradiction in _CONTRADICTIONS:
        if said := contradiction(run):
            return _forged(said, full)
    bounds = [(replayed.speedup, "")]
    bounds += [found for bound in _BOUNDS if (found := bound(run, replayed, reference))]
    speedup, reason = min(bounds, key=lambda bound: bound[0])
    speedup = max(speedup, 1.0)
    credit = credit_for(speedup, full)
    return Verdict(
        status=_status(credit, run.busy),
        credit=credit,
        speedup=speedup,
        zero=ZERO,
        full=full,
        share=SHARE,
        study=replace(replayed, counted=speedup),
        reason=reason if credit < 1.0 else "",
        note=" ".join(filter(None, (note(run) for note in _NOTES))),
    )


def held_up(run: Run, workers: int) -> bool:
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
        if not wall > CLOCK_ROOM * best > 0.0:
            return False
        speedup = study(run, workers, None).speedup
    except InconsistentRecording:
        return False
    return speedup > CLOCK_ROOM and wall > _clock_room(run, speedup) * best


def full_at(reference: Reference, run: Run, workers: int) -> float:
    """Return the speedup that earns full credit beside a reference solution's run.

    It is a share of the reference solution's, which amounts to an allowance of seconds: for
    starting, fetching, and waiting for the last task. A program that needs less work than the
    reference solution (in CPU seconds, a fact) is given the same seconds, which are a larger part
    of its time. Otherwise who saves work would be punished for it.
    """
    usual = max(SHARE * reference.speedup, ZERO + 0.1)
    own = fsum(use.cpu_seconds for use in run.usage if use.role is not Role.SCHEDULER)
    if reference.cpu_seconds is None or not 0.0 < own < reference.cpu_seconds:
        return usual
    # Seconds per second of work: 1 / speedup is what a run takes, 1 / workers what it has to.
    allowed = (1 / usual - 1 / workers) * reference.cpu_seconds / own
    return min(usual, max(1 / (1 / workers + allowed), ZERO + LEAST_SHARE * (usual - ZERO)))


def credit_for(speedup: float, full: float) -> float:
    """Return the share of the points, 0 to 1, that a speedup earns."""
    return min(max((speedup - ZERO) / (full - ZERO), 0.0), 1.0)


def _status(credit: float, busy: bool) -> Status:
    if credit >= 1.0:
        return Status.PASSED
    if credit <= 0.0:
        # No part of the points: not what other work on the machine does to a right program.
        return Status.FAILED
    return Status.BUSY if busy else Status.PARTIAL


def _forged(contradiction: str, full: float) -> Verdict:
    return Verdict(
        Status.FORGED, 0.0, 1.0, ZERO, full, SHARE, None,
        reason="what the cluster recorded contradicts what was measured from outside",
        note=f"The recording contradicts the facts: {contradiction}",
    )  # fmt: skip


# ------------------------------------------------------- what cannot be true, whoever wrote it


def _overlong(run: Run) -> str:
    wall = run.done - run.go
    for worker, seconds in _recorded(run).items():
        if seconds > wall * OVERLAP + OVERLAP_SECONDS:
            return f"{worker} is said to have worked {seconds:.2f} s in a run of {wall:.2f} s."
    return ""


def _strangers(run: Run) -> str:
    strangers = set(_recorded(run)) - set(run.recording.workers)
    # A worker that died and was replaced is a stranger, too, and its tasks were real.
    started = {f"worker-{i}" for i in range(len(run.recording.workers))}
    as_started = {use.name for use in run.usage if use.role is Role.WORKER} == started
    if strangers and as_started:
        return f"tasks are said to have run on {', '.join(sorted(strangers))}, which is no worker."
    return ""


def _gone(run: Run) -> str:
    if run.recording.tasks and not _worker_cpu(run):
        return "tasks are said to have run, but no worker of the cluster was left at the end."
    return ""


def _hidden(run: Run) -> str:
    spent, recorded = sum(_worker_cpu(run)), sum(_recorded(run).values())
    # What there was no room for is taken to be like the rest; the bounds hold all the same.
    told, lost = len(run.recording.tasks), max(run.recording.unrecorded, 0)
    # What a task does while it has left its thread is in no record; it counts as the client's.
    recorded += fsum(task.away_seconds for task in run.recording.tasks)
    if spent <= HIDDEN * recorded * (told + lost) / max(told, 1) + HIDDEN_SECONDS:
        return ""
    used = f"the workers used {spent:.2f} s of CPU"
    if not run.recording.workers:
        return f"{used}, but the recorder gave no answer."
    if not run.recording.tasks:
        return f"{used}, but no task is recorded."
    return f"{used}, but the recorded tasks come to {recorded:.2f} s."


def _moved(run: Run) -> str:
    spent = sorted(_worker_cpu(run))
    recorded = sorted({**dict.fromkeys(run.recording.workers, 0.0), **_recorded(run)}.values())
    if len(spent) < 2 or len(spent) != len(recorded) or spent[-1] < ROUNDING:
        return ""
    if recorded[0] >= MOVED_RECORD * recorded[-1] and spent[0] < MOVED_FACT * spent[-1]:
        return (
            f"each worker is said to have worked {recorded[0]:.2f} s or more, but one used "
            f"{spent[-1]:.2f} s of CPU and another {spent[0]:.2f} s."
        )
    return ""


_CONTRADICTIONS: tuple[Callable[[Run], str], ...] = (_overlong, _strangers, _gone, _hidden, _moved)
"""Each says what in a recording cannot have happened, or nothing."""


# ----------------------------------------------------------------- what the facts allow at most

Bound = Callable[[Run, SpeedupStudy, Reference], tuple[float, str] | None]
"""The highest speedup that a fact allows, and the reason in words; None where it abstains."""


def _clock(run: Run, replayed: SpeedupStudy, reference: Reference) -> tuple[float, str] | None:
    """Bound by the wall clock: what takes as long as on one worker has no speedup."""
    best = replayed.makespans[replayed.workers]
    wall = run.done - run.go
    if replayed.speedup <= CLOCK_ROOM or best <= 0:
        return None
    room = _clock_room(run, replayed.speedup)
    return (
        _between(replayed.speedup, wall / best, fair=room, serial=replayed.speedup),
        f"{_allowed(replayed)} and be done in {best:.2f} s, but the clock showed {wall:.2f} s",
    )


def _clock_room(run: Run, speedup: float) -> float:
    """Return by how much the clock may exceed the replay before it counts.

    On a busy machine it is the tasks that got too little, and the replay has that in it.
    """
    if run.others is None or run.others < NEIGHBOURS or run.busy:
        return CLOCK_ROOM
    return max(CLOCK_ROOM, 1.0 + STRETCH * (speedup - 1.0))


def _waiting(run: Run, replayed: SpeedupStudy, reference: Reference) -> tuple[float, str] | None:
    """Bound by what the tasks computed: of those that wait for one another only one runs."""
    usual, own = reference.summary, sum(replayed.worker_cpu)
    # Without knowing what else ran, a task that waits looks like one that got no CPU.
    if (
        run.others is None
        or run.busy
        or usual is None
        or min(replayed.work, usual.work_seconds) <= 0
    ):
        return None
    share = (own / replayed.work) / min(max(usual.worker_cpu / usual.work_seconds, 1e-9), 1.0)
    if replayed.work < ROUNDING or replayed.speedup * WAITING_ROOM <= 1.0:
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
    early = scheduler = 0.0
    if usual is not None:
        rounds = len(run.recording.tasks) / max(usual.tasks, 1)
        early = _aside(run.early_cpu - usual.early_cpu)
        scheduler = _aside(
            cpu_of(run, Role.SCHEDULER) - usual.scheduler_cpu * min(max(rounds, 1.0), ROUNDS)
        )
    client = replayed.client_cpu + early + scheduler + _beside(run)
    # Of much of the work it is not known that it was not all; of a little of it that is clear.
    whole = _ramp(client / max(needed, 1e-9), SOME, ALL)
    client += min(_beyond(replayed, needed), (UNEQUAL + (1 - UNEQUAL) * whole) * client)
    rest = max(needed - client, 0.0) / replayed.workers
    said = f" ({early:.2f} s more before it was called)" if early else ""
    said += f" ({scheduler:.2f} s more in the scheduler)" if scheduler else ""
    return needed / max(client + rest, 1e-9), _against(replayed, reference) + said


def _one_task(run: Run, replayed: SpeedupStudy, reference: Reference) -> tuple[float, str] | None:
    """Bound by the longest task, where much more was used than needed: it may hold all the work.

    Then the rest only looked busy. A program of two long tasks uses about what is needed.
    """
    needed = reference.cpu_seconds
    if needed is None or replayed.work <= 0 or not run.recording.tasks:
        return None
    rate = min(sum(replayed.worker_cpu) / replayed.work, 1.0)
    longest = rate * max(task.busy_seconds for task in run.recording.tasks)
    doubt = _ramp(longest / max(needed, 1e-9), FAIR_TASK, WHOLE_TASK)
    longest += doubt * min(_beyond(replayed, needed), UNEQUAL * longest)
    return needed / max(longest, 1e-9), _against(replayed, reference)


def _beyond(replayed: SpeedupStudy, needed: float) -> float:
    """Return the CPU seconds that were used and not needed."""
    return max(replayed.client_cpu + sum(replayed.worker_cpu) - needed, 0.0)


def _beside(run: Run) -> float:
    """Return the workers' CPU seconds that no record can explain, where tasks left their thread."""
    if not any(task.away_seconds for task in run.recording.tasks):
        return 0.0
    return _aside(sum(_worker_cpu(run)) - sum(_recorded(run).values()))


def _aside(more: float) -> float:
    """Return what counts of CPU seconds used in the wrong place: nothing of a few, all of many."""
    return max(min(more, 2 * (more - ASIDE)), 0.0)


def _elsewhere(run: Run, replayed: SpeedupStudy, reference: Reference) -> tuple[float, str] | None:
    """Bound by the work that was seen at all: a right answer takes some, on whatever core."""
    if reference.cpu_seconds is None:
        return None
    seen = replayed.client_cpu + sum(replayed.worker_cpu)
    share = seen / max(reference.cpu_seconds, 1e-9)
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
    """Return ``speedup`` up to ``fair``, 1 from ``serial`` on, and what lies between between."""
    return 1.0 + (speedup - 1.0) * _ramp(seen, serial, fair)


def _ramp(seen: float, none: float, whole: float) -> float:
    """Return 0 at ``none`` and beyond, 1 at ``whole`` and beyond, and what lies between between."""
    return min(max((seen - none) / (whole - none), 0.0), 1.0)


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


# ------------------------------------------------------------ what an instructor should know


def _unrecorded(run: Run) -> str:
    lost = run.recording.unrecorded
    return f"{lost} events on the cluster were not recorded." if lost else ""


def _silent(run: Run) -> str:
    if run.recording.workers or run.recording.tasks:
        return ""
    return (
        f"{run.case}: the recorder gave no answer. The workers used {sum(_worker_cpu(run)):.2f} s "
        "of CPU, so no work to speak of was done on the cluster."
    )


def _idle(run: Run) -> str:
    spent, recorded = sum(_worker_cpu(run)), sum(_recorded(run).values())
    if recorded < ROUNDING or spent >= UNSEEN * recorded:
        return ""
    return (
        f"{run.case}: the recorded tasks come to {recorded:.2f} s, in which the workers used "
        f"{spent:.2f} s of CPU. They slept, or never ran."
    )


_NOTES: tuple[Callable[[Run], str], ...] = (_unrecorded, _silent, _idle)


def _recorded(run: Run) -> Mapping[str, float]:
    """Return the recorded seconds of work by worker; testimony."""
    seconds: dict[str, float] = defaultdict(float)
    for task in run.recording.tasks:
        seconds[task.worker] += task.busy_seconds
    return seconds


def _worker_cpu(run: Run) -> list[float]:
    """Return the CPU seconds of every worker process; fact."""
    return [use.cpu_seconds for use in run.usage if use.role is Role.WORKER]
