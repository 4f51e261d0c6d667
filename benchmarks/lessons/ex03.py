"""The numbers of ex03: what a star takes, what models know night by night, and what Dask gains.

The curves of its picture are learnt anew, in six random orders of the nights.
"""

import runpy
from pathlib import Path
from typing import Any

import numpy as np

from autograder.exercise import catalogue
from lessons.number import number
from lessons.text import SOLUTIONS, Lesson

ORDERS = 6
"""As many as the picture's means are over."""
ROUNDS = 7
"""How often the text teaches the nights of the second season."""
PICTURE = runpy.run_path(str(SOLUTIONS / "pictures" / "ex03_seasons.py"))

Curves = dict[str, np.ndarray[Any, Any]]


def _nights(lesson: Lesson, name: str) -> list[tuple[Any, Any]]:
    """Return the parsed nights of a season: shards or later."""
    if f"parsed {name}" not in lesson.names:
        lesson.names[f"parsed {name}"] = [lesson["parse"](path) for path, _ in lesson[name]]
    found: list[tuple[Any, Any]] = lesson[f"parsed {name}"]
    return found


def _learn(model: Any, nights: list[tuple[Any, Any]], order: Any) -> None:
    for n in order:
        model.partial_fit(*nights[n], classes=[0, 1])


def _curves(lesson: Lesson, *, average: bool) -> Curves:
    """Return accuracies by season, (orders, nights of the picture)."""
    name = f"curves {average}"
    if name not in lesson.names:
        first, later = _nights(lesson, "shards"), _nights(lesson, "later")
        found: dict[str, list[list[float]]] = {"season 1": [], "season 2": []}
        for seed in range(ORDERS):
            generator = np.random.default_rng(seed)
            model = lesson["new_estimator"]().set_params(average=average)
            _learn(model, first, generator.permutation(len(first)))
            order = generator.permutation(len(later))
            curve = []
            for before, until in zip((0, *PICTURE["NIGHTS"]), PICTURE["NIGHTS"], strict=False):
                _learn(model, later, order[before:until])
                curve.append([model.score(*lesson[n]) for n in ("unseen", "unseen_later")])
            for season, values in zip(found, np.array(curve).T, strict=True):
                found[season].append(values.tolist())
        lesson.names[name] = {season: np.array(curve) for season, curve in found.items()}
    curves: Curves = lesson[name]
    return curves


def _compared(curves: Curves, drawn: dict[str, tuple[float, ...]]) -> str:
    """Say how far the means of curves are from those that are drawn."""
    off = [np.abs(curves[season].mean(axis=0) - values).max() for season, values in drawn.items()]
    shown = ", ".join(f"{value:.3f}" for value in curves["season 2"].mean(axis=0))
    return f"off by {max(off):.3f} at most; season 2 over {PICTURE['NIGHTS']} nights: {shown}"


@number("One star takes 202 bytes in the file and 808 bytes in memory")
def _bytes_of_a_star(lesson: Lesson) -> str:
    path, stars = lesson["shards"][0]
    X, y = _nights(lesson, "shards")[0]
    return f"{Path(path).stat().st_size / stars:g} and {(X.nbytes + y.nbytes) / stars:g} bytes"


@number("Reading took most of the time")
def _reading(lesson: Lesson) -> str:
    seconds, reading = lesson(r"serial: ([\d.]+) s, of which ([\d.]+) s reading")
    return f"{reading / seconds:.0%} of {seconds:.2f} s"


@number("Our features are around ten, not one")
def _features(lesson: Lesson) -> str:
    X, _ = _nights(lesson, "shards")[0]
    return f"a standard deviation of {X.std():.1f}, {np.abs(X).mean():.1f} from 0 on the average"


@number("The weights run away, and the model guesses, no matter how many nights it sees.")
def _losses(lesson: Lesson) -> str:
    return f"{lesson.line('squared_error')}; {lesson.line('log_loss')}"


@number("A third check uses nights that have twice as many numbers as a worker may hold.")
def _memory(lesson: Lesson) -> str:
    exercise = catalogue.load(catalogue.KIT / lesson.exercise)
    (case,) = (each for each in exercise.cases if each.name == "train_large")
    size = case.parameters["nights"] * case.parameters["rows"] * lesson["CHANNELS"] * 8
    return f"{size / exercise.cluster.memory_per_worker:.2f} times"


@number("from 0.49, which is guessing, to about 0.64, where 0.95 would be possible.")
def _gained(lesson: Lesson) -> str:
    gained = _curves(lesson, average=True)["season 2"]
    anew = lesson["new_estimator"]()
    later = _nights(lesson, "later")
    _learn(anew, later, range(len(later)))
    possible = anew.score(*lesson["unseen_later"])
    return f"{gained[:, 0].mean():.2f} to {gained[:, -1].mean():.2f}; {possible:.2f} without a past"


@number(
    "The *last* weights are at 0.93 on the new stars after a single night, and guess on the old "
    "ones"
)
def _last_weights(lesson: Lesson) -> str:
    found = _curves(lesson, average=False)
    old, new = (found[season][:, 1].mean() for season in ("season 1", "season 2"))
    return f"{new:.2f} on the new stars, {old:.2f} on the old ones"


@number("Averaged weights: season 1 stays at 0.95, season 2 rises slowly from 0.49 to 0.64.")
def _averaged_curve(lesson: Lesson) -> str:
    return _compared(_curves(lesson, average=True), PICTURE["AVERAGED"])


@number(
    "Last weights: season 2 jumps to 0.93 after one night, and season 1 falls to 0.5, guessing."
)
def _last_curve(lesson: Lesson) -> str:
    return _compared(_curves(lesson, average=False), PICTURE["LAST"])


@number(
    "it was at 0.72 after three rounds, and at 0.78 after seven, with 0.94 on the first season."
)
def _rounds(lesson: Lesson) -> str:
    first, later = _nights(lesson, "shards"), _nights(lesson, "later")
    generator = np.random.default_rng(0)
    model = lesson["new_estimator"]()
    _learn(model, first, generator.permutation(len(first)))
    said = []
    for round_ in range(1, ROUNDS + 1):
        _learn(model, later, generator.permutation(len(later)))
        if round_ in (3, ROUNDS):
            old, new = (model.score(*lesson[name]) for name in ("unseen", "unseen_later"))
            said.append(f"{new:.2f} after {round_} rounds, {old:.2f} on the first season")
    return "; ".join(said)


@number("The order of the blocks is random, so your numbers differ by about 0.01.")
def _orders(lesson: Lesson) -> str:
    found = _curves(lesson, average=True)["season 2"]
    return f"{np.ptp(found, axis=0).max():.3f} at most between {ORDERS} orders"


@number("On a busy machine all three take longer; the order stays.")
def _order_of_three(lesson: Lesson) -> str:
    took = [
        lesson(rf"{what} +([\d.]+) s, best of three")[0]
        for what in ("from files", "from workers' memory", "from this memory")
    ]
    return "files {:.2f} s, workers' memory {:.2f} s, serial loop {:.2f} s".format(*took)
