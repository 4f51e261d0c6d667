"""What makes evidence of an exercise unfit: values and code, no words."""

import pytest

from autograder.exercise.digest import digest_of

SPEC = """
title = "Parallel prediction"
functions = ["predict"]
[limits]
wall = 120          # seconds
[[checks]]
check = "values"
title = "The labels are right"
points = 2
[mistakes.title]
title = "A title"
explanation = "One label too many."
see = "Dask: Chunks"
raises = "IndexError"
"""
CODE = '''
"""About the cases."""

LIMIT = 0.5
"""Chosen by hand."""


def compare(got, expected):
    """Compare labels."""
    text = """not
    a docstring"""  # but a value
    return "#" in text  # no comment inside of a string
'''


def of(spec: str = SPEC, *code: str, size: str = "laptop") -> str:
    return digest_of(size, spec.encode(), [text.encode() for text in code or (CODE,)])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Parallel prediction", "Predict side by side"),
        ("The labels are right", "right labels"),
        ("# seconds", "# s"),
        ("One label too many.", "There is one label too many."),
        ("Dask: Chunks", "Dask: Arrays"),
        ('title = "A title"', 'title = "Another"'),
    ],
)
def test_words_of_the_description_do_not_count(old: str, new: str) -> None:
    assert old in SPEC and of(SPEC.replace(old, new)) == of()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("wall = 120", "wall = 121"),
        ("points = 2", "points = 3"),
        ("[mistakes.title]", "[mistakes.other]"),
        ("IndexError", "KeyError"),
        ('check = "values"', 'check = "lazy"'),
    ],
)
def test_values_of_the_description_count(old: str, new: str) -> None:
    assert old in SPEC and of(SPEC.replace(old, new)) != of()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("About the cases.", "The cases.\n\nAnd more of them."),
        ("Chosen by hand.", "Chosen."),
        ("Compare labels.", "Compare the labels."),
        ("# but a value", ""),
        ("# no comment inside of a string", "# none"),
        ("LIMIT = 0.5", "\n\nLIMIT = 0.5  # half"),
    ],
)
def test_comments_docstrings_and_empty_lines_do_not_count(old: str, new: str) -> None:
    assert old in CODE and of(SPEC, CODE.replace(old, new)) == of()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 0.5", "LIMIT = 0.6"),
        ('"#" in text', '"" in text'),
        ("a docstring", "a text"),
        ("    return", "    if text:\n        return"),
    ],
)
def test_statements_count(old: str, new: str) -> None:
    assert old in CODE and of(SPEC, CODE.replace(old, new)) != of()


def test_size_and_the_place_of_a_statement_count() -> None:
    assert of(size="node") != of()
    assert of(SPEC, "a = 1\n", "b = 2\n") != of(SPEC, "a = 1\nb = 2\n", "")
    assert of(SPEC, CODE, "") != of(SPEC, CODE, "b = 2")


@pytest.mark.parametrize("broken", ["def f(:\n    1\n", "x = '''", "\0", "é = 1 # ä\n\tx"])
def test_what_cannot_be_read_counts_as_it_is(broken: str) -> None:
    assert of(broken) != of(broken + "#") and of(SPEC, broken) == of(SPEC, broken)
    assert of(SPEC, broken) != of(SPEC, broken.replace("1", "2") + "x")
