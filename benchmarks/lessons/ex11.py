"""The numbers of ex11: how often jobs start when a worker dies, and what a file costs."""

import dask
import distributed  # noqa: F401  (its settings)

from lessons.number import number
from lessons.text import Lesson, best_of


@number("those that fail at first two and three times, all others once.")
def _tries(lesson: Lesson) -> str:
    return lesson.line("started more than once")


@number("With `release` 17 starts or so")
def _released(lesson: Lesson) -> str:
    return _starts(lesson, "release=True")


@number("Without it above 20: all that the dead worker had done until then")
def _kept(lesson: Lesson) -> str:
    return _starts(lesson, "release=False")


def _starts(lesson: Lesson, how: str) -> str:
    (starts,) = lesson(rf"{how}: (\d+) starts")
    return f"{starts:.0f} starts"


@number("The second call should have started only the jobs that the first one had not done.")
def _resumed(lesson: Lesson) -> str:
    jobs = len(lesson["writers"])
    half = lesson(rf"(?m)^{jobs // 2} results, (\d+) starts")
    whole = lesson(rf"(?m)^{jobs} results, (\d+) starts")
    return f"{half[0]:.0f} starts for {jobs // 2} jobs, then {whole[0]:.0f} for all {jobs}"


@number("After the fourth death it gives the job up, with the error `KilledWorker`.")
def _given_up(lesson: Lesson) -> str:
    return f"{dask.config.get('distributed.scheduler.allowed-failures')} deaths are allowed"


@number("Writing a file takes milliseconds, on a shared file system more.")
def _a_file(lesson: Lesson) -> str:
    place = lesson["folder"] / "one-more.txt"

    def keep() -> None:
        lesson["keep"](lambda path: path.write_text("1\n"), place)
        place.unlink()

    return f"{best_of(20, keep) * 1e3:.2f} ms in {place.parent}"
