"""The names of exceptions that a page for the class shows are those of Python and the libraries."""

import importlib
from collections import defaultdict
from collections.abc import Iterator

import pytest

from autograder.report.classroom.known_exceptions import KNOWN, LIBRARIES

HOLDERS = ("joblib.externals.loky.process_executor", "concurrent.futures.process", "pandas.errors")
"""Modules that their package does not import by itself."""


def kinds(of: type[BaseException]) -> Iterator[type[BaseException]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


@pytest.fixture(scope="module")
def defined() -> dict[str, set[str]]:
    """By package, the names of all exceptions in it."""
    for package in (*LIBRARIES, *HOLDERS, "sklearn.base"):
        importlib.import_module(package)
    found = defaultdict(set)
    for kind in kinds(BaseException):
        found[kind.__module__.partition(".")[0]].add(kind.__name__)
    return found


@pytest.mark.parametrize("package", LIBRARIES)
def test_each_name_is_an_exception_of_its_package(
    package: str, defined: dict[str, set[str]]
) -> None:
    assert set(LIBRARIES[package]) <= defined[package]


def test_what_python_has_built_in_is_known_and_nothing_else_of_it() -> None:
    assert {"ValueError", "ZeroDivisionError", "MemoryError", "KeyboardInterrupt"} <= KNOWN
    assert not {"print", "object", "AdaLovelaceError", "ValueError: Ada", ""} & KNOWN
