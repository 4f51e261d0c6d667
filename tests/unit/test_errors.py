"""All exceptions stand in one file, and its first lines draw them as they are."""

import ast
import builtins
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder import errors

ROOT = Path(__file__).parents[2]
OURS = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, BaseException)
}


def exceptions(source: str) -> Iterator[str]:
    """Public exception classes that a module defines, known by the names of their bases."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
            built_in = {base for base in bases if is_exception(getattr(builtins, base, None))}
            if built_in or bases & OURS.keys():
                yield node.name


def is_exception(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseException)


def edges(drawing: str) -> set[tuple[str, str]]:
    """(parent, child) pairs of a tree drawn with ``├──`` and ``└──``."""
    found, path = set(), {}
    for line in drawing.splitlines():
        if drawn := re.match(r"( {4,}(?:[│ ] {3})*)(?:([├└])── )?([A-Z]\w+)(?: {2,}|$)", line):
            indent, branch, name = drawn.groups()
            depth = (len(indent) - 4) // 4 + bool(branch)
            path[depth] = name
            if branch:
                found.add((path[depth - 1], name))
    return found


def test_every_public_exception_is_defined_in_one_file():
    for path in sorted((ROOT / "autograder").rglob("*.py")):
        if path != ROOT / "autograder" / "errors.py":
            assert [*exceptions(path.read_text(encoding="utf-8"))] == [], path
    assert {*exceptions(inspect.getsource(errors))} == OURS.keys()


@pytest.mark.parametrize(
    "source",
    [
        "class Lost(Exception): ...",
        "class Lost(KitError): ...",
        "class Lost(errors.HarnessError): ...",
        "def f():\n    class Lost(ValueError): ...",
    ],
)
def test_an_exception_elsewhere_is_seen(source):
    assert [*exceptions(source)] == ["Lost"]


@pytest.mark.parametrize("source", ["class _Stop(Exception): ...", "class Found(NamedTuple): ..."])
def test_what_never_leaves_its_module_or_is_no_exception_is_let_pass(source):
    assert [*exceptions(source)] == []


def test_the_tree_is_drawn_as_it_is():
    drawn = edges(errors.__doc__)
    assert {(kind.__base__.__name__, name) for name, kind in OURS.items()} <= drawn
    for parent, child in drawn:
        known = OURS | vars(builtins)
        assert known[child].__base__ is known[parent], child


def test_a_drawing_is_read_level_by_level():
    drawing = "    Top\n    ├── One    words\n    │   └── Two\n    └── Three\n"
    assert edges(drawing) == {("Top", "One"), ("One", "Two"), ("Top", "Three")}


def test_every_exception_can_be_imported_by_a_star():
    assert set(errors.__all__) == OURS.keys() | {"UNDEFINED"}


def test_students_find_the_exceptions_of_check_where_they_are_documented():
    import autograder
    from autograder.student import check

    named = re.findall(r"autograder\.student\.check\.(\w+)", autograder.check.__doc__)
    assert named == ["CheckFailed"]
    for name in ["CheckFailed", "CheckError", "CheckInterrupted"]:
        assert getattr(check, name) is OURS[name]
        assert name in check.__all__


@pytest.mark.parametrize("kind", [errors.CheckFailed, errors.CheckError, errors.CheckInterrupted])
def test_ipython_shows_the_message_without_a_traceback(kind):
    assert kind("Not yet: values.")._render_traceback_() == ["Not yet: values."]


def test_except_exception_passes_over_an_interrupt_only():
    assert [n for n, kind in OURS.items() if not issubclass(kind, Exception)] == [
        "CheckInterrupted"
    ]
