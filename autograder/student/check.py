"""``check()``: a student's own check, in the notebook, on the student's own cluster.

It judges the same things as the grader, with the same checks and wording, but on inputs with public
seeds and without a box, since it runs on the student's machine. No traceback of the kit's own code
reaches the student.
"""

import inspect
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder.errors import (
    CheckError,
    CheckFailed,
    CheckInterrupted,
    HarnessError,
    KitError,
)
from autograder.evidence.assemble import gather
from autograder.exercise import catalogue
from autograder.formats import a_or_an, sentence
from autograder.grading import grade
from autograder.model import (
    CheckSpec,
    Exercise,
    Finding,
    FunctionNames,
    Grade,
    Reference,
    Run,
    ScoredFinding,
    Status,
)
from autograder.nbgrader_bridge.kernel_guard import leave_strange_grader
from autograder.report import card, error_text, terminal, vocabulary
from autograder.student import notebook
from autograder.student.runs import FunctionRuns, function_runs
from autograder.submissions.stubs import is_stub
from cluster import ClusterError

__all__ = ["CheckError", "CheckFailed", "CheckInterrupted", "check"]


@dataclass(frozen=True, slots=True)
class _Part:
    """One function and the requested checks."""

    function: Callable[..., Any] | None
    """None if no cell that defines it has run."""
    specs: tuple[CheckSpec, ...]


def check(function: Callable[..., Any] | None = None, only: str | None = None) -> None:
    """Check a function, or all of them, and show the card; see `autograder.check`."""
    leave_strange_grader()
    began = time.perf_counter()
    panel = notebook.Panel()
    # Whatever Dask warns of belongs on stdout: nbgrader takes stderr for a failure.
    with _plain_errors(panel), redirect_stderr(sys.stdout):
        exercise, parts = _everything(only) if function is None else _find(function, only)
        graded, reference, remarks = _grade(exercise, parts, panel)
        remark = " ".join([f"Checked in {time.perf_counter() - began:.1f} s", *remarks])
        _show(panel, graded, reference, remark if remarks else "")
    lost = [item for item in graded.scored if item.finding.status is not Status.PASSED]
    if function is None:
        # Blanks are still to come; what is filled in is what was asked for.
        lost = [item for item in lost if item.finding.status is not Status.UNTOUCHED]
    if lost:
        raise CheckFailed(_message(lost))


def _show(panel: notebook.Panel, graded: Grade, reference: Reference, remark: str) -> None:
    panel.show(
        card.render(graded, reference=reference, where="notebook", remark=remark),
        "\n".join([terminal.render(graded), *filter(None, [remark]), *terminal.preview_lines()]),
    )


def _message(lost: Iterable[ScoredFinding]) -> str:
    # nbgrader's Validate shows the message and no card.
    if os.environ.get("NBGRADER_VALIDATING"):
        return "\n".join(line for item in lost for line in terminal.finding_lines(item))
    return "\n".join(_in_a_line(item.finding) for item in lost)


def _in_a_line(finding: Finding) -> str:
    """Say what a check got, and the likely reason if there is one."""
    said = sentence(f"Not yet: {finding.title}. Got: {finding.got}")
    reasons = [sentence(f"Likely reason: {mistake.title}") for mistake in finding.mistakes[:1]]
    return " ".join([said, *reasons])


@contextmanager
def _plain_errors(panel: notebook.Panel) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        panel.say("")
        raise CheckInterrupted("The check was interrupted.") from None
    except HarnessError as error:
        raise CheckError(error_text.ours(error)) from None
    except (KitError, ClusterError) as error:
        raise CheckError(str(error)) from None
    except Exception as error:
        raise CheckError(error_text.ours(error)) from error


def _find(function: Any, only: str | None) -> tuple[Exercise, list[_Part]]:
    """Return the exercise that a function belongs to, and the requested checks."""
    if not callable(function):
        raise CheckError(
            "check() takes a function of the exercise itself, without calling it, as in "
            f"check(predict_large); it got {_kind(function)}."
        )
    checked: dict[str, list[Exercise]] = {}
    for exercise in _known():
        for checked_function in dict.fromkeys(spec.function for spec in exercise.checks):
            checked.setdefault(checked_function, []).append(exercise)
    name = notebook.name_of(function, checked)
    if name not in checked:
        called = getattr(function, "__name__", None) or _kind(function)
        there = _list([name for name in checked if name in notebook.namespace()] or checked)
        raise CheckError(f"{called} is not a function of an exercise; the functions are {there}.")
    exercise = _likeliest(checked[name])
    specs = [spec for spec in exercise.checks if spec.function == name]
    chosen = tuple(spec for spec in specs if only in (None, spec.check, spec.grade_id))
    if not chosen:
        names = [repr(spec.check) for spec in specs]
        there = f"there are {_list(names)}" if len(names) > 1 else f"there is {names[0]}"
        raise CheckError(f"There is no check {only!r} of {name}; {there}.")
    return exercise, [_Part(function, chosen)]


def _everything(only: str | None) -> tuple[Exercise, list[_Part]]:
    """Return the exercise that the notebook answers, and all of its checks by function."""
    here = notebook.namespace()
    begun = [e for e in _known() if any(name in here for name in e.functions)]
    if not begun:
        raise CheckError(
            "check() found no function of an exercise here: run the cells with the blanks first, "
            "or pass a function, as in check(predict_large)."
        )
    exercise = _likeliest(begun)
    parts = []
    for name in exercise.functions:
        specs = tuple(spec for spec in exercise.checks if spec.function == name)
        chosen = tuple(spec for spec in specs if only in (None, spec.check, spec.grade_id))
        function = here.get(name)
        parts += [_Part(function if callable(function) else None, chosen)] if chosen else []
    if not parts:
        names = dict.fromkeys(repr(spec.check) for spec in exercise.checks)
        raise CheckError(
            f"There is no check {only!r} in {exercise.name}; there are {_list(names)}."
        )
    return exercise, parts


def _likeliest(exercises: Sequence[Exercise]) -> Exercise:
    """Return which of several possible exercises the notebook answers.

    Exercises have functions of the same name: several have a ``train``. The notebook has the
    exercise's name, or is in the assignment's folder. If both were renamed, the share of each
    exercise's functions that are defined decides.

    Raises
    ------
    CheckError
        If nothing distinguishes them.
    """
    here, called = notebook.namespace(), notebook.called()

    def likely(exercise: Exercise) -> tuple[bool, float]:
        there = sum(name in here for name in exercise.functions)
        # Of a copy, the name goes on.
        is_called_so = any(exercise.name in name for name in called)
        return is_called_so, there / len(exercise.functions)

    best = max(map(likely, exercises))
    likeliest = [each for each in exercises if likely(each) == best]
    if len(likeliest) > 1:
        names = _list([each.name for each in likeliest], "or")
        raise CheckError(
            f"This may be {names}, which have functions of the same name. First run all cells that "
            "define functions, including those with blanks; or restore the notebook's name."
        )
    return likeliest[0]


def _known() -> list[Exercise]:
    return catalogue.every(catalogue.nearby(Path.cwd()))


def _kind(value: object) -> str:
    return a_or_an(type(value).__name__)


def _list(words: Iterable[str], joined_by: str = "and") -> str:
    *most, last = words
    return f"{', '.join(most)} {joined_by} {last}" if most else last


def _grade(
    exercise: Exercise, parts: Sequence[_Part], panel: notebook.Panel
) -> tuple[Grade, Reference, list[str]]:
    """Return grade, reference and remarks; an unchanged blank needs no cluster."""
    scored: list[ScoredFinding] = []
    runs: list[Run] = []
    reference, remarks, done = exercise.typical, [], ""
    for part in parts:
        seen = _look_at(exercise, part, panel, done)
        judged = _judge(seen, part)
        scored += judged
        runs += seen.runs
        if seen.runs:
            remarks = [seen.remark]
        if any(item.finding.speedup for item in judged):
            reference = seen.reference
        if len(parts) > 1:
            glyph = vocabulary.GLYPHS[vocabulary.together(item.finding.status for item in judged)]
            done += f"{glyph} {part.specs[0].function}\n"
            panel.say(done)
    graded = Grade(
        exercise=exercise.name,
        scored=tuple(scored),
        points=round(sum(item.points for item in scored), 2),
        max_points=sum(item.max_points for item in scored),
        evidence=gather(exercise, runs),
    )
    return graded, reference, remarks


def _look_at(exercise: Exercise, part: _Part, panel: notebook.Panel, said: str) -> FunctionRuns:
    if part.function is None or _is_untouched(part.function, part.specs[0].function):
        return FunctionRuns(exercise, part.specs, (), exercise.typical, "")
    return function_runs(exercise, part.specs, part.function, lambda line: panel.say(said + line))


def _judge(seen: FunctionRuns, part: _Part) -> list[ScoredFinding]:
    untouched = () if seen.runs else (part.specs[0].function,)
    evidence = gather(seen.exercise, seen.runs, untouched=untouched)
    scored = grade(seen.exercise, evidence, seen.reference, seen.specs).scored
    if any(item.finding.status is Status.FAILED for item in scored):
        names = _names(part)
        scored = grade(seen.exercise, evidence, seen.reference, seen.specs, names).scored
    if part.function is not None:
        return list(scored)
    got, advice = "no cell that defines it has run", "Run its cell, then check again."
    return [replace(i, finding=replace(i.finding, got=got, advice=advice)) for i in scored]


def _names(part: _Part) -> dict[str, FunctionNames]:
    """Return the names that the function reads, from the cells that have run."""
    name = part.specs[0].function
    if getattr(part.function, "__name__", "") != name:
        return {}
    from autograder.submissions.names import function_names, names

    code = notebook.cells()
    return function_names(names(code, [name]), [(place, place + 1) for place in range(len(code))])


def _is_untouched(function: Callable[..., Any], name: str) -> bool:
    try:
        return is_stub(textwrap.dedent(inspect.getsource(function)), name)
    except (OSError, TypeError):
        return False
