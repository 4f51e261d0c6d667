"""The numbers of ex01: the messages, what a search sends, and when it pays.

Those of 20 Newsgroups are counted where the collection is at hand; scikit-learn says its size.
"""

import inspect
import re
from typing import Any

from sklearn.datasets import fetch_20newsgroups

from lessons.number import number
from lessons.text import Lesson, best_of

AWAY = "20 Newsgroups is out of reach here"


def _collection(lesson: Lesson, **options: Any) -> list[str] | None:
    """Return messages of 20 Newsgroups as the text reads them, None if they are not here."""
    if lesson["origin"] != "20 Newsgroups":
        return None
    found: list[str] = fetch_20newsgroups(remove=("headers", "footers", "quotes"), **options).data
    return found


def _said_by_scikit_learn(pattern: str) -> str:
    module = inspect.getmodule(fetch_20newsgroups)
    assert module is not None
    found = re.search(pattern, inspect.getsource(module))
    return found[1] if found else "nothing"


@number("otherwise downloads it once, 14 MB.")
def _download(lesson: Lesson) -> str:
    return f"scikit-learn says {_said_by_scikit_learn(r'from %s .([^)]*MB)')} when it downloads it"


@number("some eighteen thousand messages of the 1990s.")
def _all_messages(lesson: Lesson) -> str:
    return f"scikit-learn says {_said_by_scikit_learn(r'Samples total *(.*)')}"


@number("these four groups have some 2,200 messages.")
def _four_groups(lesson: Lesson) -> str:
    found = _collection(lesson, categories=lesson["GROUPS"])
    return AWAY if found is None else f"{len(found):,} messages"


@number("Counting the words takes most of the time")
def _counting(lesson: Lesson) -> str:
    model, texts, labels = lesson["build_pipeline"](), lesson["documents"], lesson["labels"]
    whole = best_of(3, lambda: model.fit(texts, labels))
    counting = best_of(3, lambda: model["vect"].transform(texts))
    return f"{counting / whole:.0%} of a training"


@number("Two workers can at best halve it")
def _search(lesson: Lesson) -> str:
    (serial,), (spread,) = (
        lesson(rf"{name}: ([\d.]+) s") for name in ("serial search", "search on the cluster")
    )
    return f"{serial:.2f} s serial, {spread:.2f} s on the cluster: {serial / spread:.2f} times"


@number("then a cluster has to find the same scores as a single process, to the last digit.")
def _same_scores(lesson: Lesson) -> str:
    column = lesson["column"]
    here, there = (lesson[name].cv_results_[column] for name in ("serial", "found"))
    return f"the largest difference is {abs(here - there).max():.0e}"


@number(
    "joblib puts a list into every single task, however large it is; each copy goes to the "
    "scheduler first and from there to a worker."
)
def _sent(lesson: Lesson) -> str:
    (size,) = lesson(r"the messages themselves: +([\d.]+) MB")
    (sent,), (less,) = lesson(r"as above: +([\d.]+) MB"), lesson(r"with scatter: +([\d.]+) MB")
    trainings = len(lesson["serial"].cv_results_["params"]) * lesson["serial"].n_splits_
    return f"{sent:.1f} MB for {trainings} trainings on {size:.1f} MB, {less:.1f} MB with scatter"


@number("For one megabyte nobody would bother.")
def _one_megabyte(lesson: Lesson) -> str:
    return f"{lesson['megabytes']:.2f} MB"


@number("All of 20 Newsgroups has about 20 MB")
def _all_of_them(lesson: Lesson) -> str:
    found = _collection(lesson, subset="all")
    return AWAY if found is None else f"{sum(map(len, found)) / 1e6:.1f} MB in {len(found):,}"


def _places(lesson: Lesson, name: str) -> tuple[float, ...]:
    """Return the seconds of a search here, on one worker and on two."""
    return lesson(rf"{name} +([\d.]+) s +([\d.]+) s +([\d.]+) s")


@number("One worker has two of them, so 1.5 is the most that can be gained")
def _few(lesson: Lesson) -> str:
    here, _, two = _places(lesson, "few")
    return f"{here / two:.2f} times as fast on two workers"


@number("one worker needs about as long as this process, two need little more than half.")
def _many(lesson: Lesson) -> str:
    here, one, two = _places(lesson, "many")
    return f"one worker {one / here:.2f}, two {two / here:.2f} of this process's {here:.2f} s"


@number(
    "a training takes a few milliseconds, and so does making a task of it, sending it and "
    "fetching the score. Two workers are hardly faster than this process, or slower."
)
def _tiny(lesson: Lesson) -> str:
    here, one, two = _places(lesson, "tiny")
    return (
        f"{here / 12 * 1e3:.1f} ms a training here, {one / 12 * 1e3:.1f} ms on one worker; two "
        f"workers take {two / here:.2f} of the time here"
    )
