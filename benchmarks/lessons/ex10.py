"""The numbers of ex10: passes, what is spilled, and what squaring and projecting cost.

What the text says of fifteen other programs is measured with ``--beside 15``.
"""

import dask
import numpy as np

from lessons.number import number
from lessons.text import Lesson, best_of

DIGITS = (1.9e-6, 1e-8)
"""Singular values of which the text counts the digits."""


@number("1.3 GB in workers of 640 MB, much of it on disk")
def _size(lesson: Lesson) -> str:
    return lesson.line("data: ")


@number(
    "60 to 70 % | moves the results that were not used for longest to its disk: it **spills** |"
)
def _shares(lesson: Lesson) -> str:
    memory = dask.config.get("distributed.worker.memory")
    return ", ".join(f"{name} {memory[name]}" for name in ("target", "spill", "pause", "terminate"))


@number("All of them: the mean of all rows is a step *within the graph* of every block.")
def _five_rows(lesson: Lesson) -> str:
    (reads,) = lesson(r"five rows, (\d+) files read")
    return f"{reads:.0f} of {lesson['FILES']} files"


@number(
    "1.1 s from the recipe, 4.4 s to persist (968 of 1,313 MB were on disk then), and 2.8 s from "
    "what was persisted."
)
def _persisted(lesson: Lesson) -> str:
    anew, persisted, disk, again = (
        *lesson(r"from the recipe: ([\d.]+) s"),
        *lesson(r"persist: ([\d.]+) s, ([\d,]+) MB on disk"),
        *lesson(r"from what was persisted: ([\d.]+) s"),
    )
    return f"{anew:.1f} s, {persisted:.1f} s ({disk:,.0f} MB on disk) and {again:.1f} s"


@number("NumPy needs about 30 times as long for the QR of such a block as for its Gram matrix")
def _qr(lesson: Lesson) -> str:
    block = np.random.default_rng(0).normal(size=(lesson["ROWS"], lesson["STATIONS"]))
    qr = best_of(3, lambda: np.linalg.qr(block, mode="r"))
    gram = best_of(5, lambda: block.T @ block)
    return f"{qr / gram:.0f} times {gram * 1e3:.0f} ms"


@number("The archive was made of five patterns, and the sixth component is already as small")
def _patterns(lesson: Lesson) -> str:
    return ", ".join(f"{variance:.3f}" for variance in lesson["variances"])


def _errors(lesson: Lesson, by: str) -> list[float]:
    return [float(abs(found / true - 1)) for found, true in zip(lesson[by], lesson["true"],
            strict=True)]  # fmt: skip


@number("at 2e-6 six digits are right, and at 1e-8 none.")
def _gram(lesson: Lesson) -> str:
    errors = _errors(lesson, "by_gram")
    places = [int(np.abs(lesson["true"] - value).argmin()) for value in DIGITS]
    return "; ".join(f"{lesson['true'][n]:.1e} is off by {errors[n]:.0e}" for n in places)


@number("even the last column is right to ten digits.")
def _triangles(lesson: Lesson) -> str:
    return f"off by {_errors(lesson, 'by_qr')[-1]:.0e}"


@number(
    "the error falls from 2e-02 by a factor of some hundreds each time: to 1e-04, to 1e-06 or "
    "below."
)
def _powers(lesson: Lesson) -> str:
    found = [lesson(rf"(?m)^{power} power iterations: (\d+) passes, error ([\d.e-]+)")
             for power in (0, 1, 2, 4)]  # fmt: skip
    return ", ".join(f"{passes:.0f} passes {error:.0e}" for passes, error in found)


@number("NumPy decomposes a million rows of 32 columns in a second or two.")
def _million(lesson: Lesson) -> str:
    rows = np.random.default_rng(0).normal(size=(1_000_000, lesson["STATIONS"]))
    took = best_of(1, lambda: np.linalg.svd(np.linalg.qr(rows, mode="r"), compute_uv=False))
    whole = best_of(1, lambda: np.linalg.svd(rows, full_matrices=False))
    return f"{took:.1f} s by QR, {whole:.1f} s with all of u"
