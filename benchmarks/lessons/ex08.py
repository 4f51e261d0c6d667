"""The numbers of ex08: what halving saves, and which resources mislead it."""

import time

import joblib
from distributed import get_task_stream
from sklearn.model_selection import GridSearchCV

from lessons.number import number
from lessons.text import Lesson, best_of


def _searched(lesson: Lesson, resource: str, start: int) -> tuple[float, ...]:
    """Return leaf, score and seconds of a search of the experiment."""
    return lesson(rf"{resource} +from +{start}: leaf +(\d+), r² ([\d.]+) in .*, ([\d.]+) s")


def _full_grid_of_leaves(lesson: Lesson) -> float:
    """Return the seconds of the full grid over the leaves."""
    if "full grid of leaves" not in lesson.names:
        grid = GridSearchCV(lesson["forest"], lesson["leaves"], cv=3, refit=False)
        lesson.names["full grid of leaves"] = best_of(
            2, lambda: grid.fit(lesson["X_few"], lesson["y_few"])
        )
    return float(lesson["full grid of leaves"])


@number("Half of the yield follows from the measurements; the rest is chance")
def _half(lesson: Lesson) -> str:
    return f"the best r² is {lesson['full'].best_score_:.3f}"


@number("The full grid costs 27 × 8,100 = 218,700: nearly seven times as much.")
def _seven_times(lesson: Lesson) -> str:
    _, total = lesson["budget"](27, 3, 300, 8_100)
    return f"{27 * 8_100:,} / {total:,} = {27 * 8_100 / total:.2f}"


@number("The time is below the full grid's, but not as far below as the table promised.")
def _saved(lesson: Lesson) -> str:
    halving, full = lesson(r"halving: ([\d.]+) s, full grid: ([\d.]+) s")
    return f"{halving:.2f} s and {full:.2f} s: {full / halving:.1f} times as fast"


@number("A training on 300 rows takes a few milliseconds")
def _short(lesson: Lesson) -> str:
    X, y, model = lesson["X"][:300], lesson["y"][:300], lesson["model"]
    model = model.set_params(eta0=0.001)
    return f"{best_of(3, lambda: model.fit(X, y)) * 1e3:.1f} ms"


@number("All of it takes a few seconds, so **here we leave the cluster out**.")
def _forest(lesson: Lesson) -> str:
    return f"the full grid of the leaves takes {_full_grid_of_leaves(lesson):.2f} s here"


@number("Inside the `with` it would hand them to the cluster as well, in hundreds of tiny tasks")
def _tiny_tasks(lesson: Lesson) -> str:
    arguments = (lesson[name] for name in ("forest", "leaves", "X_few", "y_few"))
    began = time.perf_counter()
    with joblib.parallel_config("dask"), get_task_stream(lesson["client"]) as stream:
        lesson["search_forest"](*arguments)
    took = time.perf_counter() - began
    return f"{len(stream.data):,} tasks in {took:.1f} s"


@number("Large leaves are clearly best: averaged over 80 fields, chance nearly cancels out.")
def _large_leaves(lesson: Lesson) -> str:
    scores = lesson["in_full"]
    return f"{scores[-1]:.3f} for the large one, {max(scores[:-1]):.3f} at most for the others"


@number("In the first rung a tree sees 133 rows less those held out")
def _first_rung(lesson: Lesson) -> str:
    return f"{lesson['by_rows'].n_resources_[0]} rows; the large leaf scores " + (
        f"{lesson['in_first'][-1]:.3f} there"
    )


@number("small leaves win, and the large ones would have been better by 0.03 or more.")
def _misled(lesson: Lesson) -> str:
    found = {start: _searched(lesson, "n_samples", start) for start in (12, 133)}
    best = lesson["in_full"][-1]
    return "; ".join(
        f"from {start} leaf {leaf:.0f}, {best - score:.3f} below the large one"
        for start, (leaf, score, _) in found.items()
    )


@number("But it takes nearly as long as the full grid.")
def _many_rows(lesson: Lesson) -> str:
    leaf, _, seconds = _searched(lesson, "n_samples", 400)
    full = _full_grid_of_leaves(lesson)
    return f"leaf {leaf:.0f}; {seconds:.2f} s, the full grid {full:.2f} s: {seconds / full:.0%}"


@number("Starting from 1 is several times as fast as starting from 15.")
def _few_trees(lesson: Lesson) -> str:
    found = [_searched(lesson, "n_estimators", start) for start in (1, 5, 15)]
    leaves = ", ".join(f"{leaf:.0f}" for leaf, _, _ in found)
    return f"{found[2][2] / found[0][2]:.1f} times as fast; leaves {leaves}"


@number(
    "With one or two workers halving is nearly seven times as fast, with ten three times. **With "
    "54 workers the full grid is done first**"
)
def _workers(lesson: Lesson) -> str:
    found = {n: lesson(rf"(?m)^ +{n} +([\d,]+) +([\d,]+)$") for n in (1, 2, 10, 54)}
    return ", ".join(f"{n}: {full / halving:.2f}" for n, (halving, full) in found.items())
