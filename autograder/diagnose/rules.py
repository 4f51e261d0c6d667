"""Rules: the sign of a mistake, its name, and a text with the student's own numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from autograder.evidence.summary import summarise
from autograder.model import Exercise, Mistake, Reference, Run, SpeedupStudy, Summary

__all__ = ["ENOUGH", "FLAT", "MOST", "Observed", "Rule", "rule"]

MOST = 0.5
"""More than this share of something is "most of it". Kept evidence: 0.11 to 0.74."""

ENOUGH = 0.1
"""Seconds of work above which its structure is meaningful. Kept evidence: 0.01 to 1 name all
alike."""

FLAT = 1.3
"""Replayed speedup up to which a program is as good as serial. Kept evidence: 1.03 to 1.75."""


@dataclass(frozen=True)
class Observed:
    """The input of a rule: a run, and the reference solution's on the same input."""

    exercise: Exercise
    run: Run
    study: SpeedupStudy | None
    """The replay, where the speedup is judged."""
    reference: Reference

    @cached_property
    def summary(self) -> Summary:
        """Totals of the run."""
        return summarise(self.run)

    @property
    def judged_lazy(self) -> bool:
        """Whether a check requires a lazy result of the run's function."""
        checks = self.exercise.checks
        return any(c.function == self.run.function and c.check == "lazy" for c in checks)


@dataclass(frozen=True, slots=True)
class Rule:
    """One mistake, or several that look alike."""

    name: str
    title: str
    numbers: tuple[int, ...]
    """In the catalogue, ``docs/mistakes.md``."""
    see: str
    """Title of the documentation page to read."""
    sign: str
    """Its sign."""
    techniques: tuple[str, ...]
    """Techniques of the exercises in which it occurs; empty for all."""
    explains: tuple[str, ...]
    """Names of the checks in which it can cost points."""
    detect: Callable[[Observed], str | None]
    """Returns the explanation with the student's own numbers, or None if it is not this mistake."""
    see_in: tuple[tuple[str, str], ...] = ()
    """A different page for exercises of some techniques."""

    def __call__(self, observed: Observed) -> Mistake | None:
        """Return the mistake if a run shows it."""
        explanation = self.detect(observed)
        if explanation is None:
            return None
        see = dict(self.see_in).get(observed.exercise.technique, self.see)
        return Mistake(self.name, self.title, explanation, see)


def rule(
    title: str,
    *,
    numbers: tuple[int, ...],
    see: str,
    techniques: tuple[str, ...] = (),
    explains: tuple[str, ...] = ("speedup",),
    see_in: Mapping[str, str] | None = None,
) -> Callable[[Callable[[Observed], str | None]], Rule]:
    """Make a rule of a function that recognises a mistake; parameters as in `Rule`.

    The function's name is the mistake's, the first line of its docstring the sign.
    """

    def decorate(detect: Callable[[Observed], str | None]) -> Rule:
        sign = (detect.__doc__ or "").strip().splitlines()[0].rstrip(".")
        pages = tuple((see_in or {}).items())
        return Rule(detect.__name__, title, numbers, see, sign, techniques, explains, detect, pages)

    return decorate
