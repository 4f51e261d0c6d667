"""CPU time of every process of a sandbox over time, and its waits for a CPU, read from outside."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import fsum

from autograder.evidence import sampling
from autograder.model import CpuSample
from autograder.sandbox import cgroups, machine_load, processes, run_queue
from cluster import system

__all__ = [
    "Reader",
    "Reading",
    "Step",
    "delays",
    "due_to_others",
    "of_others",
    "reader",
    "sampled",
    "samples",
    "with_stolen",
]

_SECONDS = 0.05
"""Interval between readings: a thread's wait after the last reading is lost when it ends. A reading
of 34 threads took 0.4 ms of CPU (median of 200, at most 0.5 ms), under a hundredth of one core."""

_NEWCOMERS = 20
"""Number of readings between searches for new processes: one second."""

_BESIDE = 5
"""Neighbouring steps, a quarter of a second before and after, in which a thread's work shows
whether it did the work of a step. Beside four CPU stressors a thread may get no CPU for some tenths
of a second."""

Reading = Mapping[str, run_queue.Threads]
"""The threads of all processes of a name, as in `ProcessUsage`."""

Reader = Callable[[], Reading]

Step = tuple[float, Reading]
"""The end of a step between two readings, in seconds, and every thread's account of it."""


def reader(root: int, roles: processes.Roles) -> Reader:
    """Return a function that reads the threads of every process of a sandbox."""
    names = sampling.known_names(root, roles, _NEWCOMERS)

    def read() -> Reading:
        threads: dict[str, dict[int, run_queue.Turn]] = defaultdict(dict)
        for pid, name in names().items():
            threads[name].update(run_queue.read(pid))
        return threads

    return read


def samples(steps: Sequence[Step]) -> list[CpuSample]:
    """Return every process's CPU time and waits in each step, where the kernel counts them.

    A process was delayed as long as the threads that did its work around the step: threads wait at
    the same time, so a sum would count a second twice; and a thread that lowered its own priority
    (``nice``) delays no work.
    """
    found = []
    for number, (ended, threads) in enumerate(steps):
        around = steps[max(number - _BESIDE, 0) : number + _BESIDE + 1]
        for name, turns in threads.items():
            if not turns:
                continue
            work = {
                thread: fsum(
                    step[name][thread].ran
                    for _, step in around
                    if name in step and thread in step[name]
                )
                for thread in turns
            }
            ran = fsum(turn.ran for turn in turns.values())
            found.append(CpuSample(ended, name, ran, run_queue.held_up(turns, work)))
    return found


def delays(found: Sequence[CpuSample]) -> dict[str, float]:
    """Return the seconds without a CPU of every process, by name."""
    waits: dict[str, list[float]] = defaultdict(list)
    for sample in found:
        waits[sample.name].append(sample.waited)
    return {name: fsum(each) for name, each in waits.items()}


def with_stolen(found: Sequence[CpuSample], seconds: float) -> list[CpuSample]:
    """Add the time that a hypervisor took from the processors to the processes' waits.

    A process whose processor is taken away counts as running, so no wait shows it.

    Parameters
    ----------
    found : sequence of CpuSample
    seconds : float
        Of one processor, in the mean over all of them.
    """
    steps = len({sample.seconds for sample in found})
    return [replace(sample, waited=sample.waited + seconds / steps) for sample in found]


def of_others(found: Sequence[CpuSample], seconds: float) -> list[CpuSample]:
    """Cap the processes' waits by the CPU time of other programs.

    The processes of a sandbox wait for one another, too, and a program could arrange that one of
    them waits all the time. A process cannot wait for other programs longer than these use a CPU.

    Parameters
    ----------
    found : sequence of CpuSample
    seconds : float
        CPU seconds of all other work meanwhile.
    """
    longest: dict[float, float] = defaultdict(float)
    for sample in found:
        longest[sample.seconds] = max(longest[sample.seconds], sample.waited)
    waited = fsum(longest.values())
    part = seconds / waited if waited > seconds else 1.0
    return [replace(sample, waited=part * sample.waited) for sample in found]


def due_to_others(
    found: Sequence[CpuSample],
    before: machine_load.Reading,
    after: machine_load.Reading,
    workers: int,
) -> list[CpuSample]:
    """Correct the processes' waits by what the machine's processors did meanwhile.

    Parameters
    ----------
    found : sequence of CpuSample
    before, after : Reading
        Of the machine, at the beginning and at the end.
    workers : int
        Of the cluster. With fewer processors, or under a quota, its processes wait for one another,
        too, and the waits are not capped.
    """
    processors = system.cores()
    found = with_stolen(found, (after.stolen - before.stolen) / processors)
    if processors >= workers and not cgroups.has_quota():
        found = of_others(found, machine_load.taken(before, after))
    return list(found)


@contextmanager
def sampled(read: Reader, seconds: float = _SECONDS) -> Iterator[list[CpuSample]]:
    """Read until the block ends; the samples are complete after that."""
    found: list[CpuSample] = []
    steps: list[Step] = []
    began, last = time.monotonic(), read()

    def look() -> float:
        nonlocal last
        now = read()
        had = {name: run_queue.since(last.get(name, {}), turns) for name, turns in now.items()}
        steps.append((time.monotonic() - began, had))
        last = now
        return seconds

    with sampling.repeatedly(look, "delays", wait=seconds):
        yield found
    look()
    found += samples(steps)
