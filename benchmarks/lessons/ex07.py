"""The numbers of ex07: the loss of trees, and what the slowest worker costs."""

import numpy as np
import xgboost

from autograder.exercise import catalogue
from lessons.number import number
from lessons.text import Lesson


def _layout(lesson: Lesson, name: str) -> tuple[float, ...]:
    """Return seconds and the best round."""
    return lesson(rf"(?m)^{name} +([\d.]+) s, best round ([\d.]+)")


@number("On new rows it falls first, and then it **rises**")
def _curve(lesson: Lesson) -> str:
    new = lesson["curves"]["new"]["logloss"]
    best = int(np.argmin(new))
    return f"{new[0]:.3f} at first, {new[best]:.3f} in round {best}, {new[-1]:.3f} at the end"


@number("With eight files instead of one the best round comes later and its loss is lower")
def _eight_files(lesson: Lesson) -> str:
    one, model = lesson["curves"]["new"]["logloss"], lesson["model"]
    return (
        f"round {int(np.argmin(one))} with {min(one):.4f}, then round {model.best_iteration} with "
        f"{model.best_score:.4f}"
    )


@number("The grader stops a training after half a minute.")
def _stopped(lesson: Lesson) -> str:
    return f"{catalogue.load(catalogue.KIT / lesson.exercise).limits.case_seconds:.0f} s"


@number("The first check allows 0.002, but here nothing differs at all.")
def _nothing_differs(lesson: Lesson) -> str:
    X, y, X_valid, y_valid = (lesson[name].compute() for name in ("X", "y", "X_valid", "y_valid"))
    training = xgboost.QuantileDMatrix(X, y)
    validation = xgboost.QuantileDMatrix(X_valid, y_valid, ref=training)
    plain = xgboost.train(
        lesson["settings"], training, 200, evals=[(validation, "validation")],
        early_stopping_rounds=10, verbose_eval=False,
    )  # fmt: skip
    here, there = (
        model.inplace_predict(X_valid, iteration_range=(0, model.best_iteration + 1))
        for model in (plain, lesson["model"])
    )
    return f"the largest difference is {np.abs(here - there).max():.0e}"


@number("*Three to one* takes longer than *evenly*, and *all on one* longest, up to twice as long")
def _pace(lesson: Lesson) -> str:
    took = {name: _layout(lesson, name)[0] for name in ("evenly", "three to one", "all on one")}
    evenly = took["evenly"]
    return ", ".join(f"{name} {each / evenly:.2f}" for name, each in took.items())


@number("The model is the same to the last tree")
def _same_model(lesson: Lesson) -> str:
    found = {int(_layout(lesson, name)[1]) for name in ("evenly", "three to one", "all on one")}
    return f"best rounds {sorted(found)}"
