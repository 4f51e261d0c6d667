"""The numbers of ex04: passes, reads, graphs, and dask_ml against scikit-learn.

The check's own run is made here, too, and scikit-learn's is that of its oracle.
"""

import time
from typing import Any

import joblib
import numpy as np

from autograder.evidence.in_process import InProcess
from autograder.exercise import catalogue
from lessons.number import number
from lessons.text import Lesson

SEED = 4


@number("Standardised, all sensors matter equally, and the states come out.")
def _unscaled(lesson: Lesson) -> str:
    return f"{lesson.line('as it is')}; {lesson.line('standardised')}"


@number("In a small example we counted 13 graphs with 481 tasks, with it and without.")
def _graphs(lesson: Lesson) -> str:
    exercise = catalogue.load(catalogue.KIT / lesson.exercise)
    (case,) = (each for each in exercise.cases if each.name == "cluster_odd")

    def inside(*arguments: Any) -> Any:
        with joblib.parallel_config("dask"):
            return lesson["cluster_points"](*arguments)

    said = []
    for function in (lesson["cluster_points"], inside):
        observer = InProcess(exercise, lesson["client"], {"cluster_points": function})
        seen = observer.run_case(case, SEED).recording
        said.append(f"{len(seen.graphs)} graphs, {len(seen.tasks)} tasks")
    return f"without {said[0]}, with {said[1]}"


def _check_s_run(lesson: Lesson) -> tuple[float, float]:
    """Return the seconds of the check's timed run, and of scikit-learn for the same steps."""
    if "check's run" not in lesson.names:
        exercise = catalogue.load(catalogue.KIT / lesson.exercise)
        cases = catalogue.cases(exercise)
        (case,) = (each for each in exercise.cases if each.timed)
        arguments, _ = cases.prepare(case.name, case.parameters, SEED)
        began = time.perf_counter()
        lesson["cluster_points"](*arguments)
        took = time.perf_counter() - began
        alone = float(cases.oracle(case.name, case.parameters, SEED)["seconds"])
        lesson.names["check's run"] = took, alone
    found: tuple[float, float] = lesson["check's run"]
    return found


@number("three steps with 32 centres for 1.4 million rows, takes some seconds.")
def _timed_run(lesson: Lesson) -> str:
    return f"{_check_s_run(lesson)[0]:.2f} s"


@number("dask_ml 2025.1 adds up the plain distances in its last pass")
def _inertia(lesson: Lesson) -> str:
    model, rows = lesson["model"], lesson["X_scaled"].compute()
    squared = ((rows - model.cluster_centers_[model.labels_.compute()]) ** 2).sum(axis=1)
    return (
        f"inertia_ {model.inertia_:,.0f}; distances {np.sqrt(squared).sum():,.0f}, squared "
        f"{squared.sum():,.0f}"
    )


def _kept_and_anew(lesson: Lesson) -> tuple[tuple[float, int], tuple[float, int]]:
    return lesson["kept"], lesson["anew"]


@number("each of the seven passes reads the files: 56 reads instead of eight.")
def _reads(lesson: Lesson) -> str:
    kept, anew = _kept_and_anew(lesson)
    return f"{anew[1]} and {kept[1]} reads"


@number("It takes about twice as long, although a read takes only milliseconds here.")
def _without_persist(lesson: Lesson) -> str:
    kept, anew = _kept_and_anew(lesson)
    began = time.perf_counter()
    lesson["draw"](0)
    read = time.perf_counter() - began
    return f"{anew[0] / kept[0]:.1f} times {kept[0]:.2f} s; a read takes {read * 1e3:.0f} ms"


def _against(lesson: Lesson, rows: str) -> tuple[float, ...]:
    """Return the seconds of scikit-learn and of dask_ml."""
    return lesson(rf"{rows} rows: scikit-learn ([\d.]+) s, dask_ml ([\d.]+) s")


@number(
    "Each pass costs dask_ml some hundredths of a second to build a graph, send it and fetch the "
    "sums, however few the rows."
)
def _one_file(lesson: Lesson) -> str:
    alone, spread = _against(lesson, " 20,000")
    passes = lesson["STEPS"] + 2
    return f"{spread / passes * 1e3:.0f} ms a pass; dask_ml {spread:.2f} s, alone {alone:.2f} s"


@number(
    "eight times the rows take dask_ml far less than eight times as long, since the passes cost "
    "what they did before. But scikit-learn is still several times faster."
)
def _all_files(lesson: Lesson) -> str:
    (_, one), (alone, spread) = _against(lesson, " 20,000"), _against(lesson, " 160,000")
    return f"{spread / one:.1f} times as long; scikit-learn is {spread / alone:.1f} times as fast"


@number("the two are closer, and scikit-learn is ahead")
def _closer(lesson: Lesson) -> str:
    took, alone = _check_s_run(lesson)
    return f"scikit-learn {alone:.2f} s (one core), dask_ml on two workers {took:.2f} s"


@number("In the check's run it is more than two")
def _cost(lesson: Lesson) -> str:
    took, alone = _check_s_run(lesson)
    return "more than two" if took > alone else "two at most"


@number(
    "The very first time each worker had to compile the inner loop of k-means, which takes some "
    "seconds."
)
def _compiled(lesson: Lesson) -> str:
    lesson["client"].restart()
    said = []
    for _ in range(2):
        X = lesson["standardise"](lesson["collect"](1))
        began = time.perf_counter()
        lesson["cluster_points"](X, lesson["start"], 1)
        said.append(time.perf_counter() - began)
    return "{:.1f} s with new workers, {:.1f} s after that".format(*said)
