"""How much of the data leaves its partition before the result is fetched."""

from autograder.checks.base import failed_by, first_right, judged_runs, passed
from autograder.checks.no_answer import check
from autograder.evidence.summary import MOVED, moved_bytes
from autograder.formats import megabytes
from autograder.model import CheckSpec, Evidence, Exercise, Finding, Reference

__all__ = ["moved"]


@check
def moved(exercise: Exercise, spec: CheckSpec, evidence: Evidence, reference: Reference) -> Finding:
    """The rows of a large table stay in the partition that they were read into."""
    most = spec.options.get("most", MOVED)
    shown = ("", "")
    closest = -1.0
    for run in judged_runs(spec, evidence):
        travelled = moved_bytes(run.recording)
        allowed = most * run.input_bytes
        expected = (
            f"at most {megabytes(allowed)} of the {megabytes(run.input_bytes)} are shuffled, put "
            "together or sent before the result is fetched"
        )
        got = f"{megabytes(travelled)} were shuffled, put together or sent"
        advice = "Send the small table to every worker, so that the large one need not move."
        if not run.right:
            got = "the answer is not right, so the data it sent do not count"
            advice = first_right(spec)
        elif travelled <= allowed:
            if travelled > closest:
                closest, shown = travelled, (expected, got)
            continue
        return failed_by(exercise, spec, run, reference, expected, got, advice)
    return passed(spec, *shown)
