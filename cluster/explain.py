"""Explain an error in a TOML file in one clause: pydantic's errors, reworded for authors.

The exercises' files use it, too: the grader may import this package, but not the other way round.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import AfterValidator, ValidationError

__all__ = ["explain", "matching", "suggestion"]

_WANTED = {
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a table",
    "string_type": "a text in quotes",
    "too_short": "at least one entry",
}
"""Our wording for pydantic's error types, where its own does not suit authors."""


def explain(error: ValidationError, data: Mapping[str, Any], schema: Any) -> str:
    """Describe the first problem in one clause; an unknown key explains a missing one.

    Parameters
    ----------
    error : ValidationError
    data : mapping
        What was validated.
    schema : type
        What it was validated against: a model, or a ``dict`` or ``list`` of models.
    """
    problems = error.errors(include_url=False)
    problem = min(problems, key=lambda each: each["type"] != "extra_forbidden")
    *tables, key = (part for part in problem["loc"] if part != "[key]")
    if isinstance(key, int) and tables:  # an item of a list: its key says more than its index
        key = tables.pop()
    where = _place(tables, data)
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        return f'unknown key "{key}"{where}{suggestion(str(key), _keys(schema, tables))}'
    if kind == "missing":
        return f'the key "{key}" is missing{where}'
    if kind.startswith("greater_than"):
        above = "above" if kind == "greater_than" else "of at least"
        wanted = f"a number {above} {next(iter(context.values())):g}"
    elif kind == "value_error":
        wanted = str(context["error"])
    else:
        message = problem["msg"].removeprefix("Input should be ")
        wanted = _WANTED.get(kind, f"{message[0].lower()}{message[1:]}")
    return f'"{key}"{where}: expected {wanted}, got {_shown(problem["input"])}'


def matching(pattern: str, description: str) -> AfterValidator:
    """Require a text format, with a description for the error message."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(description)
        return value

    return AfterValidator(check)


def suggestion(name: str, known: Sequence[str]) -> str:
    """Name the nearest of the known names in brackets, or all of them."""
    if not known:
        return ""
    near = get_close_matches(name, known, n=1)
    return f' (did you mean "{near[0]}"?)' if near else f" (expected one of {', '.join(known)})"


def _place(tables: Sequence[int | str], data: Mapping[str, Any]) -> str:
    """Name a table as in the file, such as ``in [limits]`` or ``in [[cases]] "fit"``."""
    if not tables:
        return ""
    if len(tables) == 1 or isinstance(tables[1], str):
        return f" in [{'.'.join(map(str, tables))}]"
    entry, number = data[str(tables[0])][tables[1]], tables[1] + 1
    names = (entry.get(key) for key in ("grade_id", "name"))
    name = next((f'"{name}"' for name in names if isinstance(name, str)), f"number {number}")
    inner = "".join(f"{part} of " for part in tables[2:])
    return f" in {inner}[[{tables[0]}]] {name}"


def _keys(schema: Any, tables: Sequence[int | str]) -> list[str]:
    """List the keys that are valid in a table; none if any is."""
    for part in (part for part in tables if isinstance(part, str)):
        if get_origin(schema) is dict:
            schema = get_args(schema)[1]
        else:
            schema = schema.model_fields[part].annotation
            kinds = [schema, *get_args(schema)]
            if get_origin(schema) is not dict:
                schema = next((kind for kind in kinds if hasattr(kind, "model_fields")), dict)
    return list(getattr(schema, "model_fields", ()))


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
