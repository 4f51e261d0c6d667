"""The numbers of ex12: the three prices, the COST of a job, and which way is quickest.

Its table of measured jobs is made by ``benchmarks/ex12_measured.py``, which runs here, too.
"""

import subprocess
import sys
from pathlib import Path

from lessons.number import number
from lessons.text import Lesson, best_of

MEASURED = Path(__file__).parents[1] / "ex12_measured.py"
TABLE = ("small_boards", "digests", "passwords", "primes")
"""The jobs of the text's table, by their names there."""


def _prices(lesson: Lesson) -> tuple[float, float, float]:
    """Return milliseconds of a task and of a call, and megabytes a second."""
    (task,), (call,) = lesson(r"a task: +([\d.]+) ms"), lesson(r"a call: +([\d.]+) ms")
    return task, call, lesson(r"data travel: +([\d.]+) MB")[0]


@number("A task costs about a millisecond**, and it is the client and the scheduler")
def _task(lesson: Lesson) -> str:
    return f"{_prices(lesson)[0]:.2f} ms"


@number("A call in a thread costs a tenth or a twentieth of that.")
def _call(lesson: Lesson) -> str:
    task, call, _ = _prices(lesson)
    return f"{call:.3f} ms: a {task / call:.0f}th"


@number("Data travel at some hundred megabytes a second")
def _travel(lesson: Lesson) -> str:
    return f"{_prices(lesson)[2]:.0f} MB a second"


@number("where a processor goes through thousands.")
def _memory(lesson: Lesson) -> str:
    some = lesson["some"]
    return f"{some.nbytes / 1e6 / best_of(3, some.sum):,.0f} MB a second"


def _predicted(lesson: Lesson, workers: int) -> float:
    return float(lesson["seconds"](lesson["job"], workers, lesson["TASK"], lesson["BANDWIDTH"]))


@number("The curve falls from 12.7 on one worker to 2.8 on eleven, and rises again to 7.2 on 64.")
def _curve(lesson: Lesson) -> str:
    return ", ".join(f"{n}: {_predicted(lesson, n):.1f}" for n in (1, 11, 64))


@number("Eleven workers are 4.5 times as fast as one")
def _advertised(lesson: Lesson) -> str:
    return f"{_predicted(lesson, 1) / _predicted(lesson, 11):.2f}"


@number("they are 2.2 times as fast as what you had before")
def _honest(lesson: Lesson) -> str:
    return f"{lesson['job']['alone'] / _predicted(lesson, 11):.2f}"


@number("We measured 17 jobs, each in one thread, in a pool of two threads and on a cluster")
def _table(lesson: Lesson) -> str:
    done = subprocess.run(
        [sys.executable, str(MEASURED), "--rounds", "3", "--jobs", *TABLE],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return f"not measured: {done.stderr.splitlines()[-1:]}"
    return "\n" + done.stdout.strip()


@number("`slow`: a few small tables, and a fit takes a tenth of a second.")
def _slow(lesson: Lesson) -> str:
    return _fitted(lesson, "slow")


@number("`many`: 300 small tables, and a fit takes less than a task costs;")
def _many(lesson: Lesson) -> str:
    return _fitted(lesson, "many")


@number("`heavy`: 8 tables of 8 MB, and a fit takes less than the trip of its data;")
def _heavy(lesson: Lesson) -> str:
    return _fitted(lesson, "heavy")


def _fitted(lesson: Lesson, name: str) -> str:
    model, tables = lesson[name]
    X, y = tables[0]
    took = best_of(3, lambda: lesson["fit_one"](tables[0], model))
    _, _, bandwidth = _prices(lesson)
    size = (X.nbytes + y.nbytes) / 1e6
    return (
        f"{len(tables)} tables of {size:.2f} MB, a fit takes {took * 1e3:.1f} ms; a trip by the "
        f"price above {size / bandwidth * 1e3:.1f} ms"
    )


def _ways(lesson: Lesson, pieces: int) -> tuple[float, ...]:
    return lesson(rf"(?m)^ *{pieces} +([\d.]+) s +([\d.]+) s +([\d.]+) s$")


@number("the cluster is the slowest by far.")
def _four_thousand(lesson: Lesson) -> str:
    return _in_words(_ways(lesson, 4_000))


@number("The cluster** is clearly the quickest with 4 or 40 pieces")
def _four(lesson: Lesson) -> str:
    return "; ".join(f"{n}: {_in_words(_ways(lesson, n))}" for n in (4, 40))


@number("that it lies near 400 pieces, where a piece takes a few milliseconds")
def _border(lesson: Lesson) -> str:
    found = _ways(lesson, 400)
    return f"{_in_words(found)}; a piece takes {found[0] / 400 * 1e3:.1f} ms"


def _in_words(ways: tuple[float, ...]) -> str:
    return "one thread {:.2f} s, threads {:.2f} s, cluster {:.2f} s".format(*ways)


@number("The weights differ by less than 0.01")
def _weights(lesson: Lesson) -> str:
    return f"off by {lesson['off']:.4f}"


@number("The single thread was several times as fast.")
def _descent(lesson: Lesson) -> str:
    (alone,) = lesson(r"scikit-learn, one thread: ([\d.]+) s")
    one, two = (lesson(rf"gradient descent, {n} worker.s.: ([\d.]+) s")[0] for n in (1, 2))
    return f"{alone:.2f} s; descent {one:.2f} s on one worker, {two:.2f} s on two"
