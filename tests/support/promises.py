"""The promises that the docstring of a blank makes, held against a table of what judges each."""

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any

from checkout import ROOT

from autograder.model import Exercise

__all__ = ["docstring", "hold_promises"]


def docstring(exercise: Exercise, function: str) -> str:
    """Return the docstring of a blank as its notebook has it."""
    tree = ast.parse((ROOT / "solutions" / f"{exercise.name}.py").read_text("utf-8"))
    found = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function)
    return ast.get_docstring(found) or ""


def hold_promises(
    exercise: Exercise,
    promises: Iterable[tuple[str, str, str, str]],
    tests: Mapping[str, Any],
) -> None:
    """Fail unless each sentence that promises something is judged by a check and broken by a test.

    Parameters
    ----------
    exercise : Exercise
    promises : iterable of (str, str, str, str)
        Function, words of its docstring, ``grade_id`` of the check that judges them, and the test
        that breaks the promise.
    tests : mapping
        The names of the module with the table.
    """
    checks = {(spec.function, spec.grade_id) for spec in exercise.checks}
    for function in exercise.functions:
        text = docstring(exercise, function)
        own = [row[1:] for row in promises if row[0] == function]
        for words, grade_id, test in own:
            assert _plain(words) in _plain(text), f"{function} does not promise: {words}"
            assert (function, grade_id) in checks, f"no check {grade_id} of {function}"
            assert callable(tests.get(test)), f"no test {test}"
        for sentence in _sentences(text):
            judged = any(_plain(w) in sentence or sentence in _plain(w) for w, _, _ in own)
            assert judged, f"nothing judges what {function} promises: {sentence}"


def _sentences(text: str) -> list[str]:
    """Return the sentences of a docstring that say what is returned; brackets are left out."""
    summary, _, rest = text.partition("\n")
    returned = rest.partition("Returns\n-------\n")[2]
    returned = re.sub(r"\([A-Z][^()]*\)", "", returned)
    lines = [re.sub(r"(?m)^(?=\S)(.*)$", r"\1.", returned)]
    parts = re.split(r"[.;](?:\s+|$)", f"{summary}\n{' '.join(lines)}")
    return [_plain(part) for part in parts if part.strip()]


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
