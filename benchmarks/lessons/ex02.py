"""The numbers of ex02: what a row costs, what a task costs, and two scores of the same labels."""

from functools import partial

import dask.array as da

from lessons.number import number
from lessons.text import Lesson, best_of

MANY = 10_000_000
"""Rows of which the text says how long they take."""


def _seconds_a_row(lesson: Lesson, rows: int = 8_192) -> float:
    X = lesson["X_new"][:rows]
    return best_of(3, lambda: lesson["plain"].predict(X)) / rows


def _chunked(lesson: Lesson, chunks: int) -> float:
    """Return the seconds of the chunk experiment's line."""
    return lesson(rf"(?m)^ *{chunks} chunks of +[\d,]+ rows: ([\d.]+) s")[0]


@number("compares it with several hundred rows of the training set, the support vectors.")
def _vectors(lesson: Lesson) -> str:
    return f"{lesson['plain'][-1].n_support_.sum()} of {len(lesson['X_small']):,} rows"


@number("ten million rows would keep one core busy for about five minutes")
def _ten_million(lesson: Lesson) -> str:
    seconds = _seconds_a_row(lesson)
    return f"{seconds * 1e6:.1f} µs a row: {seconds * MANY / 60:.1f} minutes"


@number("and would fill 1.6 GB.")
def _filled(lesson: Lesson) -> str:
    return f"{lesson['X_new'][0].nbytes * MANY / 1e9} GB"


@number("Two workers can at best halve it, and part of the gain is spent")
def _halved(lesson: Lesson) -> str:
    (serial,) = lesson(r"predicting on 8,192 rows: ([\d.]+) s")
    spread = lesson["seconds"]
    return f"{serial:.3f} s serial, {spread:.3f} s on the cluster: {serial / spread:.2f} times"


@number("The labels are as good as before, yet r² has changed.")
def _scores(lesson: Lesson) -> str:
    return f"{lesson.line('accuracy')}; {lesson.line('r²')}"


@number("and all is over in less than half the time.")
def _counted(lesson: Lesson) -> str:
    model, X = lesson["model"], lesson["X_large"]
    slowly, side_by_side = (
        best_of(3, partial(lesson[name], model, X)) for name in ("count_slowly", "count_labels")
    )
    return f"{slowly:.3f} s and {side_by_side:.3f} s: {side_by_side / slowly:.2f} of it"


@number("So many rows in a few milliseconds?")
def _described(lesson: Lesson) -> str:
    (milliseconds,) = lesson(r"([\d.]+) ms[?]")
    return f"{milliseconds} ms"


@number("Sixteen** keep both workers busy.")
def _sixteen(lesson: Lesson) -> str:
    one, two, best = (_chunked(lesson, chunks) for chunks in (1, 2, 16))
    return f"1 chunk {one:.3f} s, 2 chunks {two:.3f} s, 16 chunks {best:.3f} s"


@number("They are labelled in about a millisecond")
def _short_task(lesson: Lesson) -> str:
    return f"{_seconds_a_row(lesson, 32) * 32 * 1e3:.2f} ms for 32 rows"


@number("but the scheduler and the worker spend as much again on every task")
def _overhead(lesson: Lesson) -> str:
    labelling = _seconds_a_row(lesson, 32) * 32
    spent = 2 * _chunked(lesson, 256) / 256 - labelling
    return f"{spent * 1e3:.2f} ms of a worker beside {labelling * 1e3:.2f} ms of labelling"


@number("What one process labels within a second is labelled sooner without a cluster")
def _within_a_second(lesson: Lesson) -> str:
    said = []
    for rows in (512, 8_192, 32_768):
        X = da.from_array(lesson["draw"](rows, seed=2)[0], chunks=(max(rows // 16, 64), -1))
        here, kept = X.compute(), X.persist()
        alone = best_of(3, partial(lesson["plain"].predict, here))
        spread = best_of(3, partial(lesson["timed_predict"], lesson["model"], kept))
        said.append(f"{rows:,} rows {alone:.3f} s alone, {spread:.3f} s on two workers")
    return "; ".join(said)
