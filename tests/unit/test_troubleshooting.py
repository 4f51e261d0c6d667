"""The messages that docs/instructor.md explains are those that the kit gives."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def texts(tree: ast.AST) -> Iterator[str]:
    """Every string of a module, those between the placeholders of an f-string on their own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def said() -> list[str]:
    paths = ROOT.glob("autograder/**/*.py")
    return [text for path in paths for text in texts(ast.parse(path.read_text()))]


def explained() -> list[str]:
    page = (ROOT / "docs" / "instructor.md").read_text()
    table = page[page.index("## Troubleshooting") :]
    return re.findall(r"^\| `([^`]+)` \|", table, re.M)


def is_said(message: str) -> bool:
    return all(any(part in text for text in said()) for part in re.split(r" ?… ?", message))


def test_there_are_ten_at_least():
    assert len(explained()) >= 10


@pytest.mark.parametrize("message", explained())
def test_an_explained_message_is_one_that_is_given(message):
    assert is_said(message)


def test_another_message_is_found_out():
    assert not is_said("The reference solution of … is too slow")
