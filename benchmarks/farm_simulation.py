"""A large class before a deadline, on nodes that nobody here has: discrete events, measured phases.

1,000 students hand in 12 notebooks each in the last hour, more and more of them towards the end,
while ``autograder autograde`` is given again and again: each call reads what is there, asks a batch
system for its jobs, observes what is new and records it. How long does a student wait for the
marks? What would make it shorter, and how many nodes are worth asking for?

The queue is the kit's own (`autograder.farm.queue`), with its retries, other hosts and jobs that
end. Measured: how long cells and calls of the sample class took, all of its samples with their
mistakes (``tests/corpus/evidence``), and what `Costs` says of. Assumed, since nobody here has such
a machine: `Site` and `Crowd`. Events are: a job starts, a slot has imported the kit from the file
system, a submission ends or is lost, a node fails, a job is near its walltime, the driver goes
round.

The bottleneck is found by trial: each part in turn takes no time, and the one without which
students wait least is named.

    python benchmarks/farm_simulation.py [--nodes 1 --nodes 5 …] [--shared-file-system]
"""

import heapq
import math
import random
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from autograder.farm.engine import _ARRIVAL_SECONDS as ARRIVAL_SECONDS
from autograder.farm.places import _MARGIN_SECONDS as MARGIN_SECONDS
from autograder.farm.queue import Queue

ENOUGH = 1.1
"""An allocation is enough if hardly anybody waits longer by this factor than on the largest."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of the kit's own parts, and file calls; measured where it says by what."""

    box: float = 1.2
    """Of a submission beyond its cells and calls: starting the box (0.45, `box_start.py`); ending
    it, making inputs and reading what came back are estimated."""
    call: float = 5.0
    """Until `autograder autograde` begins to read, and nbgrader's own start after it (1.75,
    `recording_time.py`); estimated."""
    read: float = 0.03
    """For each notebook that was handed in, in every call; estimated."""
    passed_over: float = 0.01
    """For nbgrader to see that a submission is recorded already; estimated."""
    record: float = 0.12
    """For each notebook that is recorded (`recording_time.py`)."""
    arrive: float = 4.0
    """For a slot to start, with its files in the node's memory; estimated."""
    file_calls: int = 18_265
    """Of a process that imports all of the kit (traced)."""
    round_: float = 0.002
    """For the driver to go round once; estimated, as the next two."""
    round_slot: float = 0.0001
    """And for each slot that it looks after."""
    give: float = 0.002
    """For the driver to give a slot its task and to take the outcome."""


@dataclass(frozen=True, slots=True)
class Site:
    """A batch system. All of this is assumed."""

    nodes: int = 50
    slots: int = 24
    """Of a node: two cores each."""
    job_wait: float = 60.0
    """Until a job starts."""
    walltime: float = 3600.0
    file_rate: float = math.inf
    """File calls a second of a file system that all nodes import from; infinite: on their disks."""
    cached: float = 0.1
    """Part of the file calls that processes of a node make after the first one."""
    failures: float = 0.001
    """Of a node, an hour."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """A class before a deadline. All of this is assumed."""

    students: int = 1000
    exercises: int = 12
    hour: float = 3600.0
    """Before the deadline, within which all hand in."""
    mean: float = 900.0
    """Seconds before the deadline at which a student hands in, on average, were the hour endless:
    the last quarter of an hour has two thirds of them."""
    equal: float = 0.04
    """Share of the codes that somebody has handed in before (in this kit's made-up class of 300
    it was 0.04)."""
    hung: float = 0.005
    """Share of submissions that run into the limit of their box."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a simulated evening."""

    waits: tuple[float, ...]
    """Of each student, from handing in to the last mark."""
    ended: float
    """Seconds after the deadline at which all are recorded."""
    calls: int
    slot_hours: float
    """For which jobs held slots."""
    busy: float
    """Share of them in which a submission ran."""
    dismissed: int
    """Slots that did not arrive in time."""
    aside: int
    """Times that a submission was set aside, to be taken up by the next call."""

    def quantile(self, share: float) -> float:
        """Return the wait that so many students do not exceed."""
        ordered = sorted(self.waits)
        return ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1]


@dataclass(frozen=True)
class Work:
    """How long submissions hold a slot: drawn from what was measured, by exercise."""

    seconds: Mapping[str, Sequence[float]]
    wall: float = 240.0
    """The limit that a submission which hangs runs into."""

    def draw(self, chance: random.Random, exercise: int, hung: float) -> float:
        """Return how long one takes."""
        if chance.random() < hung:
            return self.wall
        names = sorted(self.seconds)
        return chance.choice(self.seconds[names[exercise % len(names)]])


def measured(costs: Costs) -> Work:
    """Return what the samples of ex01 to ex12 took in a slot; on a machine with other work beside.

    A sample with limits of its own, which is there to run into them, is left out: see `Crowd.hung`.
    """
    from kept_evidence import evidence, sample_class

    found: dict[str, list[float]] = {}
    for exercise, sample in sample_class().values():
        if exercise.name.startswith("ex00") or sample.limits:
            continue
        seen = evidence(exercise.name, sample.student)
        took = sum(cell.seconds for cell in seen.cells) + sum(
            run.done - run.go for run in seen.runs
        )
        found.setdefault(exercise.name, []).append(costs.box + took)
    return Work(found)


def arrivals(crowd: Crowd, chance: random.Random) -> list[float]:
    """Return when students hand in, from 0 to the deadline at ``crowd.hour``."""
    whole = 1 - math.exp(-crowd.hour / crowd.mean)
    before = [-crowd.mean * math.log(1 - chance.random() * whole) for _ in range(crowd.students)]
    return sorted(crowd.hour - seconds for seconds in before)


class Farm:
    """Jobs of one call, and what they do, event by event.

    Parameters
    ----------
    begins : float
        When the jobs are asked for.
    work : mapping from task to float
        Seconds that each needs.
    """

    def __init__(
        self,
        begins: float,
        work: Mapping[int, float],
        wall: float,
        site: Site,
        costs: Costs,
        chance: random.Random,
    ) -> None:
        self._work, self._wall, self._site, self._costs = work, wall, site, costs
        self._chance = chance
        self.queue: Queue[int] = Queue(sorted(work))
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.now = begins
        self._files_free = begins
        self._slots: dict[str, tuple[float, float]] = {}
        """When each slot's job began, and until when it takes tasks."""
        self._ended: list[str] = []
        """Slots whose task has ended and of which the driver does not know yet."""
        self._round_due = False
        self.held = self.busy = 0.0
        self.dismissed = 0
        self._jobs = 0
        # No more slots than there is to do.
        self._wanted = min(site.nodes, math.ceil(len(work) / site.slots))
        self._most_replaced = 3 * self._wanted
        for _ in range(self._wanted):
            self._ask(begins)

    def run(self) -> float:
        """Return when nothing is left to observe."""
        while not self.queue.finished and self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()
        for began, _ in self._slots.values():
            self.held += self.now - began
        return self.now

    def _at(self, when: float, event: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, event))

    def _ask(self, when: float) -> None:
        self._jobs += 1
        job = self._jobs
        self._at(when + self._site.job_wait, lambda: self._start(f"node{job}"))

    def _start(self, node: str) -> None:
        """Start the workers of a job: all of them import at once."""
        began = self.now
        if self._site.failures:
            fails = self._chance.expovariate(self._site.failures / 3600)
            self._at(began + fails, lambda: self._fail(node))
        for number in range(self._site.slots):
            # The first process of a node reads, the others ask whether anything has changed. Each
            # slot has two processes: its worker, and the one that boxes are forked from.
            calls = self._costs.file_calls * (2 * self._site.cached if number else 1.0)
            self._files_free = max(self._files_free, self.now) + calls / self._site.file_rate
            there = max(self._files_free, self.now) + self._costs.arrive
            slot = f"{node}/{number}"
            self._at(there, lambda slot=slot: self._arrive(slot, node, began))  # type: ignore[misc]

    def _arrive(self, slot: str, node: str, began: float) -> None:
        if self.now - began - self._costs.arrive > ARRIVAL_SECONDS:
            self.dismissed += 1
            return
        most = self._site.walltime - self._wall - MARGIN_SECONDS
        until = began + most * self._chance.uniform(0.9, 1.0)
        self._slots[slot] = began, until
        self.queue.arrived(slot, node)
        self._at(until, lambda: self._retire(slot))
        self._go_round()

    def _retire(self, slot: str) -> None:
        """End the job of a slot that does nothing, or let it end its task first."""
        if slot in self._slots and slot not in self.queue.running:
            self._leave(slot)
            if self.queue.waiting:
                self._replace(slot.partition("/")[0])

    def _leave(self, slot: str) -> None:
        began, _ = self._slots.pop(slot)
        self.held += self.now - began
        self.queue.lose(slot, "lost")

    def _replace(self, node: str) -> None:
        """Ask for another job where the last slot of one is gone."""
        others = any(slot.startswith(f"{node}/") for slot in self._slots)
        if not others and self._most_replaced and not self.queue.finished:
            self._most_replaced -= 1
            self._ask(self.now)

    def _fail(self, node: str) -> None:
        """Lose a node with all that runs there."""
        lost = [slot for slot in self._slots if slot.startswith(f"{node}/")]
        for slot in lost:
            self._leave(slot)
        if lost:
            self._replace(node)
            self._go_round()

    def _finish(self, slot: str, task: int, seconds: float) -> None:
        if self.queue.running.get(slot) == task:  # unless it was lost meanwhile
            self.busy += seconds
            self._ended.append(slot)
            self._go_round()

    def _go_round(self) -> None:
        """Let the driver go round, unless it does already."""
        if not self._round_due:
            self._round_due = True
            costs = self._costs
            takes = costs.round_ + costs.round_slot * len(self._slots)
            self._at(self.now + takes + costs.give * len(self._ended), self._round)

    def _round(self) -> None:
        self._round_due = False
        for slot in self._ended:
            if slot in self.queue.running:
                self.queue.finish(slot)
                if self._slots[slot][1] <= self.now:
                    self._retire(slot)
        self._ended.clear()
        given = 0.0
        for slot in self.queue.free:
            if not self.queue.waiting:
                break
            if self._slots[slot][1] <= self.now or (task := self.queue.take(slot)) is None:
                continue
            given += self._costs.give
            seconds = self._work[task]
            self._at(
                self.now + given + seconds,
                lambda s=slot, t=task, n=seconds: self._finish(s, t, n),  # type: ignore[misc]
            )


def simulate(
    work: Work, site: Site, crowd: Crowd, costs: Costs, *, seed: int = 0, after: bool = False
) -> Outcome:
    """Simulate an evening.

    Parameters
    ----------
    work, site, crowd, costs
    seed : int
    after : bool
        Whether the first call comes after the deadline, not as soon as something is there.
    """
    chance = random.Random(seed)
    came = arrivals(crowd, chance)
    tasks: dict[int, float] = {}
    for number in range(len(came) * crowd.exercises):
        if chance.random() >= crowd.equal:
            tasks[number] = work.draw(chance, number % crowd.exercises, crowd.hung)
    recorded: dict[int, float] = {}
    now = crowd.hour if after else came[0]
    calls = dismissed = aside = 0
    held = busy = 0.0
    observed: set[int] = set()
    while len(recorded) < len(came):
        there = [student for student, when in enumerate(came) if when <= now]
        new = [student for student in there if student not in recorded]
        if not new:
            now = came[len(recorded)]
            continue
        calls += 1
        now += costs.call + costs.read * len(there) * crowd.exercises
        due = {
            number: tasks[number]
            for student in new
            for number in range(student * crowd.exercises, (student + 1) * crowd.exercises)
            if number in tasks and number not in observed
        }
        if due:
            farm = Farm(now, due, work.wall, site, costs, chance)
            now = farm.run()
            held, busy = held + farm.held, busy + farm.busy
            dismissed += farm.dismissed
            aside += len(farm.queue.aside)
            observed |= set(farm.queue.done)
        now += costs.passed_over * (len(there) - len(new))
        for student in new:
            mine = range(student * crowd.exercises, (student + 1) * crowd.exercises)
            if all(number in observed or number not in tasks for number in mine):
                now += costs.record * crowd.exercises
                recorded[student] = now
    return Outcome(
        waits=tuple(recorded[student] - came[student] for student in range(len(came))),
        ended=now - crowd.hour,
        calls=calls,
        slot_hours=held / 3600,
        busy=busy / held if held else 0.0,
        dismissed=dismissed,
        aside=aside,
    )


FREE: dict[str, Callable[[Work, Site, Costs], tuple[Work, Site, Costs]]] = {
    "running the submissions": lambda w, s, c: (
        Work({name: [0.0] for name in w.seconds}, 0.0), s, c),
    "waiting for jobs": lambda w, s, c: (w, replace(s, job_wait=0.0), c),
    "imports": lambda w, s, c: (w, replace(s, file_rate=math.inf), replace(c, arrive=0.0)),
    "reading what was handed in": lambda w, s, c: (w, s, replace(c, read=0.0)),
    "recording": lambda w, s, c: (w, s, replace(c, record=0.0, passed_over=0.0)),
    "the driver": lambda w, s, c: (w, s, replace(c, round_=0.0, round_slot=0.0, give=0.0)),
}  # fmt: skip
"""Parts, each without the time that it takes."""


def gains(
    work: Work, site: Site, crowd: Crowd, costs: Costs, *, seed: int = 0, after: bool = False
) -> dict[str, float]:
    """Return by what share students would wait less, without each part; the largest first."""
    whole = simulate(work, site, crowd, costs, seed=seed, after=after).quantile(0.95)
    found = {
        part: 1 - simulate(w, s, crowd, c, seed=seed, after=after).quantile(0.95) / whole
        for part, (w, s, c) in ((part, free(work, site, costs)) for part, free in FREE.items())
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def enough(waits: Mapping[int, float]) -> int:
    """Return the smallest number of nodes with which students wait hardly longer than on most."""
    least = min(waits.values())
    return min(nodes for nodes, seconds in waits.items() if seconds <= ENOUGH * least)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f}"


@click.command()
@click.option("--students", default=1000, show_default=True)
@click.option("--exercises", default=12, show_default=True)
@click.option("--slots", default=24, show_default=True, help="Of a node.")
@click.option("--nodes", "sizes", type=int, multiple=True, default=(1, 2, 3, 5, 10, 20, 50))
@click.option("--seeds", default=3, show_default=True)
@click.option(
    "--shared-file-system",
    "rate",
    type=float,
    default=math.inf,
    help="File calls a second; by default, the kit is on the nodes' own disks.",
)
@click.option("--record", default=Costs().record, show_default=True, help="Seconds a notebook.")
@click.option("--after", is_flag=True, help="One call, after the deadline.")
def main(
    students: int,
    exercises: int,
    slots: int,
    sizes: tuple[int, ...],
    seeds: int,
    rate: float,
    record: float,
    after: bool,
) -> None:
    """Print a table by the number of nodes."""
    crowd, costs = Crowd(students, exercises), replace(Costs(), record=record)
    work = measured(costs)
    means = [statistics.mean(values) for values in work.seconds.values()]
    table = Table(
        "nodes", "half wait", "95 % wait", "longest", "all recorded", "calls", "slot hours", "busy",
        "dismissed", "95 % wait less without", title="minutes",
    )  # fmt: skip
    waits: dict[int, float] = {}
    for nodes in sizes:
        site = Site(nodes=nodes, slots=slots, file_rate=rate)
        found = [
            simulate(work, site, crowd, costs, seed=seed, after=after) for seed in range(seeds)
        ]

        def middle(of: Callable[[Outcome], float], found: list[Outcome] = found) -> float:
            return statistics.median(map(of, found))

        waits[nodes] = middle(lambda one: one.quantile(0.95))
        best = list(gains(work, site, crowd, costs, after=after).items())[:2]
        table.add_row(
            str(nodes),
            _minutes(middle(lambda one: one.quantile(0.5))),
            _minutes(waits[nodes]),
            _minutes(middle(lambda one: max(one.waits))),
            f"{_minutes(middle(lambda one: one.ended))} after",
            f"{middle(lambda one: one.calls):.0f}",
            f"{middle(lambda one: one.slot_hours):.0f}",
            f"{middle(lambda one: one.busy):.0%}",
            f"{middle(lambda one: one.dismissed):.0f}",
            ", ".join(f"{part} ({share:.0%})" for part, share in best),
        )
    Console(width=160).print(table)
    print(
        f"{students} students × {exercises} notebooks of {statistics.mean(means):.1f} s; medians "
        f"of {seeds} seeds; the share in the last column is of one. More than {enough(waits)} "
        "nodes hardly shorten the wait."
    )


if __name__ == "__main__":
    main()
