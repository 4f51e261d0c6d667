"""The progress line that the instructor sees while a class is observed."""

import sys
import time
from collections.abc import Callable, Iterable
from typing import TextIO

from autograder.farm.planning import duration

__all__ = ["Line", "line", "time_left"]

_LOG_SECONDS = 30.0
"""Interval between lines if the output is not a terminal."""


def time_left(elapsed: float, done: int, waiting: int, running: int, usual: float | None) -> str:
    """Estimate how long the rest takes; empty if nothing is known.

    Parameters
    ----------
    elapsed : float
        Seconds since the first slot began.
    done, waiting, running : int
    usual : float, optional
        Seconds that a submission takes in its slot, as known from earlier.
    """
    slots = max(running, 1)
    if done:
        # Those that run are half done on average.
        return f"about {duration(elapsed / (done + running / 2) * (waiting + running / 2))} left"
    if usual is None:
        return ""
    return f"about {duration(usual * (waiting + running / 2) / slots)} left"


def line(done: int, running: int, waiting: int, aside: int, left: str) -> str:
    """Write the line."""
    said = f"{done} done, {running} running, {waiting} waiting"
    if aside:
        said += f", {aside} set aside"
    return f"{said}; {left}" if left else said


class Line:
    """A line that is rewritten on a terminal, and repeated every 30 seconds in a log."""

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._shown, self._when = "", float("-inf")

    def show(self, text: str) -> None:
        """Show the current state."""
        if text == self._shown:
            return
        if self._stream.isatty():
            print(f"\r\x1b[2K{text}", end="", file=self._stream, flush=True)
        elif self._clock() - self._when >= _LOG_SECONDS:
            print(text, file=self._stream, flush=True)
        else:
            return
        self._shown, self._when = text, self._clock()

    def say(self, texts: Iterable[str]) -> None:
        """Write permanent lines."""
        self.end()
        for text in texts:
            print(text, file=self._stream, flush=True)

    def end(self) -> None:
        """Finish the line."""
        if self._shown and self._stream.isatty():
            print(file=self._stream, flush=True)
        self._shown = ""
