"""``check()``: a student's own check, in the notebook, on the student's own cluster.

It looks at the same things as the grader, through the same checks and in the same words, but
on inputs whose seeds everybody may know and without a box, since it is the student's machine.
No traceback of the kit's own code reaches the student.
"""

import inspect
import os
import sys
import textwrap
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from autograder import exercise as exercises
from autograder import notebook, rehearsal
from autograder.errors import KitError
from autograder.grade import grade
from autograder.model import CheckSpec, Evidence, Exercise, Grade, Reference, Status
from autograder.report import card, plain
from autograder.submission import is_stub
from cluster import ClusterError

__all__ = ["CheckError", "CheckFailed", "CheckInterrupted", "check"]


class CheckFailed(AssertionError):
    """A check of the notebook is not passed; the card above the message says why."""

    def _render_traceback_(self) -> list[str]:
        # The card has said it all; a traceback would be of the kit's own code.
        return str(self).splitlines()


class CheckError(KitError):
    """The check could not be made; the message says why and what to do."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


class CheckInterrupted(KeyboardInterrupt):
    """The student interrupted the check."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def check(function: Callable[..., Any], only: str | None = None) -> None:
    """Check a function and show the card; see `autograder.check`."""
    began = time.perf_counter()
    panel = notebook.Panel()
    # Whatever Dask warns of belongs on stdout: nbgrader takes stderr for a failure.
    with _plain_errors(panel), redirect_stderr(sys.stdout):
        exercise, specs = _find(function, only)
        graded, reference, remark = _grade(exercise, specs, function, panel)
        html = card.render(graded, reference=reference, where="notebook")
        text = plain.render(graded)
        if remark:
            remark = f"Checked in {time.perf_counter() - began:.1f} s {remark}"
            html += f'<p style="max-width: 732px; font-size: 13px">{remark}</p>'
            text += f"\n{remark}"
        panel.show(html, text)
    lost = [item for item in graded.scored if item.finding.status is not Status.PASSED]
    if lost:
        raise CheckFailed(_message(lost))


def _message(lost: Iterable[Any]) -> str:
    # nbgrader's Validate shows the message and no card.
    if os.environ.get("NBGRADER_VALIDATING"):
        return "\n".join(line for item in lost for line in plain.finding_lines(item))
    return "\n".join(f"Not yet: {item.finding.title}: {item.finding.got}." for item in lost)


@contextmanager
def _plain_errors(panel: notebook.Panel) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        panel.say("")
        raise CheckInterrupted("The check was interrupted.") from None
    except (KitError, ClusterError) as error:
        raise CheckError(str(error)) from None
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise CheckError(
            f"check() itself failed, for which your function need not be to blame: "
            f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno}). "
            "Restart the kernel and run all cells; if it fails again, report this message to your "
            "instructor."
        ) from error


def _find(function: Any, only: str | None) -> tuple[Exercise, tuple[CheckSpec, ...]]:
    """Return the exercise that a function belongs to, and the checks that are asked for."""
    if not callable(function):
        raise CheckError(
            "check() takes a function of the exercise itself, without calling it, as in "
            f"check(predict_large); it got {_kind(function)}."
        )
    known = exercises.every([Path("exercises"), Path("../exercises")])
    checked = {spec.function: exercise for exercise in known for spec in exercise.checks}
    name = notebook.name_of(function, checked)
    exercise = checked.get(name)
    if exercise is None:
        called = getattr(function, "__name__", None) or _kind(function)
        there = _list(notebook.defined(checked) or checked)
        raise CheckError(f"{called} is no function of an exercise; those are {there}.")
    specs = [spec for spec in exercise.checks if spec.function == name]
    chosen = tuple(spec for spec in specs if only in (None, spec.check, spec.grade_id))
    if not chosen:
        names = [repr(spec.check) for spec in specs]
        there = f"there are {_list(names)}" if len(names) > 1 else f"there is {names[0]}"
        raise CheckError(f"There is no check {only!r} of {name}; {there}.")
    return exercise, chosen


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _list(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _grade(
    exercise: Exercise,
    specs: tuple[CheckSpec, ...],
    function: Callable[..., Any],
    panel: notebook.Panel,
) -> tuple[Grade, Reference, str]:
    """Return grade, reference and a remark; a blank that is as released needs no cluster."""
    name = specs[0].function
    untouched = _is_untouched(function, name)
    if untouched:
        seen = rehearsal.Rehearsal(exercise, specs, (), exercise.typical, "")
    else:
        seen = rehearsal.rehearse(exercise, specs, function, panel.say)
    evidence = Evidence(
        key="",
        exercise=exercise.name,
        digest=exercise.digest,
        submission="",
        seed_digest="public",
        cluster=seen.exercise.cluster,
        environment={},
        boxed=False,
        untouched=frozenset({name} if untouched else ()),
        cells=(),
        runs=seen.runs,
        phases={},
    )
    graded = grade(seen.exercise, evidence, seen.reference, seen.specs)
    return graded, seen.reference, seen.remark


def _is_untouched(function: Callable[..., Any], name: str) -> bool:
    try:
        return is_stub(textwrap.dedent(inspect.getsource(function)), name)
    except (OSError, TypeError):
        return False
