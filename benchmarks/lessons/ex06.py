"""The numbers of ex06: what a task costs, a step of a loop, and each of the four repairs."""

import time

import numpy as np

from lessons.number import number
from lessons.text import Lesson, best_of

EMPTY = 1_000
"""Tasks that do nothing."""


def _examined(lesson: Lesson, program: str) -> str:
    """Return the numbers that `examine` prints of a program, without the names of its tasks."""
    lines = iter(lesson.printed.splitlines())
    head = next(line for line in lines if line.startswith(f"{program}: "))
    return f"{head}, {next(lines)}"


def _repaired(lesson: Lesson, name: str) -> tuple[float, ...]:
    return lesson(rf"(?m)^{name} +([\d.]+) s → +([\d.]+) s")


@number("About nine in ten are normal")
def _normal(lesson: Lesson) -> str:
    odd = lesson["count_odd"](lesson["warped"], lesson["X"], 4.7).sum()
    return f"{1 - odd / len(lesson['X']):.0%}"


@number("busy about 1 / workers")
def _in_turn(lesson: Lesson) -> str:
    return _examined(lesson, "count_odd_slowly")


@number("a task costs the scheduler and the worker about a millisecond, whatever it does.")
def _empty_task(lesson: Lesson) -> str:
    client = lesson["client"]
    began = time.perf_counter()
    client.gather(client.map(int, range(EMPTY), pure=False))
    return f"{(time.perf_counter() - began) / EMPTY * 1e3:.2f} ms on the clock"


@number("Whatever is done with such a block takes microseconds")
def _tiny_block(lesson: Lesson) -> str:
    block = lesson["record"](10, seed=0)
    return f"{best_of(20, block.mean) * 1e6:.0f} µs for the mean of {block.nbytes:,} bytes"


@number("Python takes a tenth of a microsecond and more for every step of such a loop.")
def _python_step(lesson: Lesson) -> str:
    block = lesson["record"](400, seed=0)
    took = best_of(3, lambda: lesson["of_block_slowly"](block))
    return f"{took / block.size * 1e6:.2f} µs"


def _by_numpy(block: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> object:
    return (block[:, 1:] * block[:, :-1] < 0).sum(axis=1)


@number("NumPy takes a few nanoseconds")
def _numpy_step(lesson: Lesson) -> str:
    block = lesson["record"](4_000, seed=0)
    return f"{best_of(5, lambda: _by_numpy(block)) / block.size * 1e9:.1f} ns"


@number("(a loop takes more than 100 times)")
def _loop(lesson: Lesson) -> str:
    block = lesson["record"](400, seed=0)
    loop = best_of(3, lambda: lesson["of_block_slowly"](block))
    return f"{loop / best_of(20, lambda: _by_numpy(block)):.0f} times as long as NumPy"


@number("is hardly faster with two threads, or slower.")
def _locked(lesson: Lesson) -> str:
    return _threads(lesson, "Python loop")


@number("nearly twice if two cores are free")
def _unlocked(lesson: Lesson) -> str:
    return _threads(lesson, "np.sort")


def _threads(lesson: Lesson, name: str) -> str:
    one, two = lesson(rf"{name} +[\d,]+ rows: ([\d.]+) s by one thread, ([\d.]+) s by two")
    return f"{one / two:.2f} times as fast with two threads"


@number("The loop of `compute()` gains at most as much as there are workers: a factor of two here")
def _gained(lesson: Lesson) -> str:
    slow, quick = _repaired(lesson, "count_odd")
    return f"{slow / quick:.2f} times as fast"


@number("All the others waste work, and what is wasted can be any multiple of what is needed.")
def _others(lesson: Lesson) -> str:
    found = {name: _repaired(lesson, name) for name in ("load", "typical_beat", "crossings")}
    return ", ".join(f"{name} {slow / quick:.1f}" for name, (slow, quick) in found.items())
