"""A grade held against the verdict that a sample states."""

from autograder.model import Grade, Status
from samples import Sample

__all__ = ["differences"]


def differences(graded: Grade, sample: Sample, *, busy: bool = False) -> list[str]:
    """Return how a grade differs from a sample's verdict, a line each; empty if it does not.

    Parameters
    ----------
    graded : Grade
    sample : Sample
    busy : bool
        Whether part of the points may be due to a machine that was busy.
    """
    found = {item.finding.grade_id: item for item in graded.scored}
    wrong = []
    for check in sorted(found.keys() | sample.status.keys()):
        item = found.get(check)
        if item is None or check not in sample.status:
            wrong.append(f"{check}: judged, or stated, but not both")
            continue
        finding, wanted = item.finding, sample.status[check]
        status = finding.status
        if busy and status is Status.BUSY:
            status = Status.PARTIAL
        if status != wanted:
            wrong.append(f"{check}: {status}, not {wanted}")
        # A part of the points is never the same twice; the status holds it between none and all.
        elif status is not Status.PARTIAL and item.points != sample.verdict[check]:
            wrong.append(f"{check}: {item.points:g} points, not {sample.verdict[check]:g}")
        mistake = finding.mistakes[0].name if finding.mistakes else None
        if mistake != sample.mistakes.get(check):
            wrong.append(f"{check}: mistake {mistake}, not {sample.mistakes.get(check)}")
        said = f"{finding.expected}\n{finding.got}"
        if sample.says.get(check, "") not in said:
            wrong.append(f"{check}: {sample.says[check]!r} is not in: {said}")
    return wrong
