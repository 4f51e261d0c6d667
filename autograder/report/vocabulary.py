"""The wording that all views of a grade share: statuses, the verdict, the preview."""

from collections.abc import Iterable, Iterator

from autograder.formats import clean, counted
from autograder.model import Failure, Grade, Mistake, ScoredFinding, SpeedupStudy, Status

__all__ = [
    "GLYPHS",
    "PREVIEW",
    "PREVIEW_TITLE",
    "WORDS",
    "Explained",
    "by_function",
    "in_order",
    "seconds_rows",
    "together",
    "verdict",
]

Explained = frozenset[Failure | Mistake | str]
"""Failures, mistakes and advice already explained by an earlier check of the same grade."""

WORDS = {
    Status.PASSED: "passed",
    Status.PARTIAL: "partly passed",
    Status.FAILED: "not passed",
    Status.UNTOUCHED: "not attempted",
    Status.FORGED: "not accepted",
}

GLYPHS = {
    Status.PASSED: "✓",
    Status.PARTIAL: "◐",
    Status.FAILED: "✗",
    Status.UNTOUCHED: "○",
    Status.FORGED: "⚑",
}

PREVIEW_TITLE = "This is a preview: what can differ in the grade"
PREVIEW = (
    "The grade uses other data, which neither you nor your code has seen, in other sizes and "
    "chunks: an answer that fits only the data here fails there. The notebook runs in a sandbox "
    "without network access and without any other file. Its speedup is compared with the "
    "reference solution's on the same machine, so these points may differ a little."
)
"""The remark of every self-check on how the grade may differ."""


def verdict(grade: Grade) -> str:
    """Summarise a grade in a sentence or two, and say where to begin.

    Parameters
    ----------
    grade : Grade

    Returns
    -------
    str
    """
    findings = [scored.finding for scored in grade.scored]
    failing = [finding for finding in findings if finding.status is not Status.PASSED]
    if not findings:
        return "Nothing in this exercise is marked by a machine."
    if not failing:
        return "Every check passed."
    if all(finding.status is Status.UNTOUCHED for finding in findings):
        return "Nothing to mark yet: the blanks are unchanged."
    if any(finding.status is Status.FORGED for finding in findings):
        return (
            "The recording of this run contradicts what was measured from outside. Your instructor "
            "will look at it."
        )
    passed = len(findings) - len(failing)
    counted = f"{passed} of {len(findings)} checks passed."
    blanks = [name for name, status in by_function(grade) if status is Status.UNTOUCHED]
    if all(finding.status is Status.UNTOUCHED for finding in failing):
        return f"{counted} All that is filled in is right; next: {clean(blanks[0])}."
    failing = [finding for finding in failing if finding.status is not Status.UNTOUCHED]
    # An exception tends to break all checks after it: it is the place to begin.
    first = next((f for f in failing if f.failure is not None), failing[0])
    if first.failure is not None:
        return f"{counted} Begin with the {clean(first.failure.kind)} that your code raised."
    named = next((f.mistakes[0].title for f in failing if f.mistakes), None)
    if named is None:
        return f"{counted} Begin with “{clean(first.title)}”."
    return f"{counted} Most likely reason: {clean(named).rstrip('.')}."


def together(statuses: Iterable[Status]) -> Status:
    """Summarise the checks of a function in one word.

    Parameters
    ----------
    statuses : iterable of Status
        At least one.

    Returns
    -------
    Status
        The most serious of them.
    """
    return max(statuses, key=list(Status).index)


def by_function(grade: Grade) -> list[tuple[str, Status]]:
    """Summarise each function, in the order of the exercise."""
    statuses: dict[str, list[Status]] = {}
    for scored in grade.scored:
        statuses.setdefault(scored.finding.function, []).append(scored.finding.status)
    return [(name, together(found)) for name, found in statuses.items()]


def seconds_rows(study: SpeedupStudy) -> list[tuple[str, float]]:
    """List the seconds of the timed case with their labels, in reading order."""
    rows = (
        [] if study.serial_seconds is None else [("one core, without Dask", study.serial_seconds)]
    )
    for count in sorted({1, study.workers}):
        rows.append((f"Dask, {counted(count, 'worker')}, replayed", study.makespans[count]))
    return [*rows, (f"Dask, {counted(study.workers, 'worker')}, measured", study.measured_seconds)]


def in_order(grade: Grade) -> Iterator[tuple[ScoredFinding, Explained]]:
    """Go through the checks of a grade, each with what the earlier ones have explained already."""
    explained: Explained = frozenset()
    for scored in grade.scored:
        yield scored, explained
        finding = scored.finding
        if finding.status is not Status.PASSED:
            explained |= {finding.advice, *finding.mistakes}
            explained |= {finding.failure} if finding.failure else set()
