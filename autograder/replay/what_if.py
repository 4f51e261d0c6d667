"""Predict a program's speedup with one or two mistakes repaired, by replaying a changed graph.

Each change repairs a mistake (`_CHANGES`). The plan of the recorded run is changed accordingly, and
simulated like any other. It does not affect marks: it says what is worth repairing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from math import fsum

from autograder.model import Run, Speedup
from autograder.replay.plan import MEASURABLE_BYTES, Plan, make_plan
from autograder.replay.scheduler import DEFAULT, Budget, Placement, simulate

__all__ = ["Prediction", "would_help"]

LONG = 1_000
"""Tasks of a recording up to which changes are tried: each is replayed some twenty times. Larger
ones are told to use fewer tasks (`autograder.diagnose.granularity`)."""

MOST_CHANGES = 2
"""Number of changes that are combined; nobody repairs three things at once."""

PER_GRAPH = 0.005
"""CPU seconds that the notebook needs for each graph it submits: a loop of 49 used 5.3 ms, one of
12 used 5.8 ms (the samples ``zeno`` of ex02 and ex01)."""

PIECES = 4
"""Pieces per worker when work is cut. Chosen: one piece more or less is then a quarter of a
worker's part at most, and more pieces would cost more to hand out."""

SHORTEST = 0.02
"""Seconds of a piece that are worth a task, which costs 1.3 ms of them (`DEFAULT`). With 0.04 in
its place the kept runs of the tests are told the same."""

WORTH_IT = 0.15
"""Speedup that a change must gain, and the extra gain required of a rarer change. The replay is
right to about a tenth on two workers (``benchmarks/README.md``)."""

UNEVEN = 0.75
"""Share of the workers' work above which one worker did nearly everything. In the kept evidence the
busier of two had up to 0.69 in right samples, 0.75 in one whose tasks start tasks (``matryoshka``
of ex01), and 0.89 and more in pinned ones."""

NEEDLESS = 1.3
"""Work, in multiples of the useful work, above which some of it is not needed. Right programs need
up to 1.41 times the reference solution's, of which 1.05 are useful."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A program's predicted speedup with some changes."""

    changes: tuple[str, ...]
    """In words that follow "with"."""
    speedup: float
    """As the verdict counts it."""


@dataclass(frozen=True, slots=True)
class _Case:
    """The data of a run that a change needs: all tasks' work, and the rest of the notebook's."""

    found: Speedup
    alone: float
    """CPU seconds done alone that the reference solution spares."""
    plan: Plan


def would_help(run: Run, found: Speedup) -> Prediction | None:
    """Find the most effective change; the fewest changes that earn all points come first.

    Parameters
    ----------
    run : Run
        With its recording.
    found : Speedup
        Of the run.

    Returns
    -------
    Prediction or None
        None if no change gains much, or if the recording is too long to try.

    Raises
    ------
    InconsistentRecording, OversizeRecording
        As `autograder.replay.plan.make_plan` and `autograder.replay.scheduler.simulate` do.
    """
    if len(run.recording.tasks) > LONG:
        return None
    case = _Case(found, max(found.alone - found.spared, 0.0), _plan(run, found))
    useful = [change for change in _CHANGES if change.helps(case)]
    budget = Budget()
    best: Prediction | None = None
    for count in range(1, MOST_CHANGES + 1):
        for chosen in combinations(useful, count):
            if {_AT_ONCE, _FREE} <= {*chosen}:
                continue  # Then nothing waits, and every program is parallel.
            speedup = _predict(case, chosen, budget)
            if speedup >= (best.speedup if best else found.speedup) + WORTH_IT:
                best = Prediction(tuple(change.words(case) for change in chosen), speedup)
        if best is not None and best.speedup >= found.full:
            break
    return best


def _plan(run: Run, found: Speedup) -> Plan:
    """Make a plan of a run in which no task computes for longer than its worker did.

    The recording has wall-clock seconds, in which other programs may have had the cores.
    """
    plan = make_plan(run.recording, run.go, run.done)
    recorded = fsum(plan.seconds)
    scale = min(1.0, fsum(found.each) / recorded) if recorded else 1.0
    return replace(plan, seconds=tuple(scale * seconds for seconds in plan.seconds))


def _predict(case: _Case, changes: tuple["_Change", ...], budget: Budget) -> float:
    plan = case.plan
    for change in changes:
        plan = change.apply(case, plan)
    seconds = simulate(plan, case.found.workers, DEFAULT, Placement.DASK, budget)
    if seconds <= 0.0:
        return 1.0
    # What the notebook did alone is in the client's time, or in tasks: work either way.
    work = fsum(case.plan.seconds) + case.alone
    if _LEAN not in changes and case.found.most is not None:
        work *= min(1.0, case.found.most / case.found.work)
    return min(work / seconds, float(case.found.workers))


@dataclass(frozen=True, slots=True)
class _Change:
    """The repair of a mistake."""

    words: Callable[[_Case], str]
    helps: Callable[[_Case], bool]
    """Tells whether there is anything to change."""
    apply: Callable[[_Case, Plan], Plan]


def _at_once(case: _Case, plan: Plan) -> Plan:
    """Submit every task at the start; what the notebook computes comes after them."""
    size = len(plan.seconds)
    alone = max(case.alone - PER_GRAPH * len({*plan.seen}), 0.0)
    return replace(plan, seen=(0,) * size, think=(0.0,) * size, tail=alone)


def _on_workers(case: _Case, plan: Plan) -> Plan:
    """Have tasks compute what the notebook computed alone."""
    count = max(1, min(PIECES * case.found.workers, int(case.alone / SHORTEST)))
    size = len(plan.seconds)
    seconds = case.alone / count
    return replace(
        plan,
        seconds=(*plan.seconds, *count * [seconds]),
        nbytes=(*plan.nbytes, *count * [0.0]),
        dependencies=(*plan.dependencies, *count * [()]),
        seen=(*plan.seen, *count * [0]),
        think=(*size * [0.0], *count * [0.0]),
        worker=(*plan.worker, *count * [0]),
        rank=(*plan.rank, *range(size, size + count)),
        estimate=(*plan.estimate, *count * [seconds]),
        roots=(*plan.roots, *count * [count]),
        tail=0.0,
    )


def _finer(case: _Case, plan: Plan) -> Plan:
    """Cut every task into pieces, each of which needs the same part of what the task needed."""
    counts = _pieces(case, plan)
    old = [i for i, count in enumerate(counts) for _ in range(count)]
    part = [number for count in counts for number in range(count)]
    first = [0]
    for count in counts:
        first.append(first[-1] + count)
    return replace(
        plan,
        seconds=tuple(plan.seconds[i] / counts[i] for i in old),
        nbytes=tuple(plan.nbytes[i] / counts[i] for i in old),
        dependencies=tuple(
            tuple(
                first[j] + piece
                for j in plan.dependencies[i]
                for piece in _same_part(number, counts[i], counts[j])
            )
            for i, number in zip(old, part, strict=True)
        ),
        seen=tuple(first[plan.seen[i]] for i in old),
        think=tuple(plan.think[i] for i in old),
        worker=tuple(plan.worker[i] for i in old),
        rank=_ranks([plan.rank[i] for i in old]),
        estimate=tuple(plan.estimate[i] / counts[i] for i in old),
        roots=tuple(plan.roots[i] * counts[i] for i in old),
    )


def _same_part(number: int, of: int, among: int) -> range:
    """Return which pieces of ``among`` lie where piece ``number`` of ``of`` lies."""
    start = number * among // of
    return range(start, max(start + 1, -(-(number + 1) * among // of)))


def _pieces(case: _Case, plan: Plan) -> list[int]:
    """Return into how many pieces each task is cut: a long one, and all along its large data."""
    most = PIECES * case.found.workers
    counts = [max(1, min(most, int(seconds / SHORTEST))) for seconds in plan.seconds]
    edges = [(j, i) for i, found in enumerate(plan.dependencies) for j in found]
    for j, i in reversed(edges):  # in the order of the plan, every edge points forward
        counts[j] = max(counts[j], counts[i])
    for j, i in edges:
        if plan.nbytes[j] >= counts[j] * MEASURABLE_BYTES:
            counts[i] = max(counts[i], counts[j])
    return counts


def _ranks(ranks: list[int]) -> tuple[int, ...]:
    """Rank tasks anew: those that share a rank keep their order."""
    order = sorted(range(len(ranks)), key=ranks.__getitem__)
    return tuple(sorted(range(len(ranks)), key=order.__getitem__))


def _free(_: _Case, plan: Plan) -> Plan:
    """Have no task wait for another."""
    return replace(plan, dependencies=((),) * len(plan.seconds))


def _same(_: _Case, plan: Plan) -> Plan:
    """Leave the graph as it is: the replay places tasks as Dask does, and runs them once."""
    return plan


def _pinned(case: _Case) -> bool:
    each = case.found.each
    return max(each, default=0.0) > UNEVEN * fsum(each) and len(case.plan.seconds) > 1


def _counted(case: _Case) -> str:
    finer = sum(_pieces(case, case.plan))
    return f"the same work in {finer} tasks instead of {len(case.plan.seconds)}"


_AT_ONCE = _Change(
    words=lambda case: f"all {len(case.plan.seconds)} tasks handed in at once",
    helps=lambda case: any(case.plan.seen),
    apply=_at_once,
)

_FREE = _Change(
    words=lambda _: "tasks that do not wait for one another",
    helps=lambda case: any(case.plan.dependencies),
    apply=_free,
)

_LEAN = _Change(
    words=lambda case: (
        f"only the work that the answer needs ({case.found.work:.1f} s of CPU were used, "
        f"{case.found.most:.1f} s count)"
    ),
    helps=lambda case: case.found.most is not None and case.found.work > NEEDLESS * case.found.most,
    apply=_same,
)

_CHANGES = (
    _Change(
        words=lambda _: "tasks that run on any free worker",
        helps=_pinned,
        apply=_same,
    ),
    _AT_ONCE,
    _Change(
        words=lambda case: f"tasks for the {case.alone:.1f} s your notebook computes by itself",
        # Less is not worth a task for each of two workers, and reads "0.0 s".
        helps=lambda case: case.alone > PIECES * SHORTEST,
        apply=_on_workers,
    ),
    _FREE,
    _Change(
        words=_counted,
        helps=lambda case: sum(_pieces(case, case.plan)) > len(case.plan.seconds),
        apply=_finer,
    ),
    _LEAN,
)
"""From the commonest to the rarest."""
