"""A wrong TOML file is explained in one clause, wherever the problem lies."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from cluster.explain import explain, matching, suggestion


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Inner(Table):
    name: Annotated[str, matching("[a-z]+", "lower-case letters")]
    size: Annotated[float, Field(gt=0)] = 1.0
    count: Annotated[int, Field(ge=1)] = 1


class Outer(Table):
    title: str
    inner: Inner | None = None
    items: Annotated[list[Inner], Field(min_length=1)] = [Inner(name="a")]
    by_name: dict[str, Inner] = {}
    numbers: dict[str, float] = {}


def said(data: dict[str, Any], schema: Any = Outer) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(schema).validate_python(data)
    return explain(caught.value, data, schema)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"titel": "x"}, 'unknown key "titel" (did you mean "title"?)'),
        (
            {"title": "x", "zzz": 1},
            'unknown key "zzz" (expected one of title, inner, items, by_name, numbers)',
        ),
        ({}, 'the key "title" is missing'),
        ({"title": 3}, '"title": expected a text in quotes, got 3'),
        ({"title": {}}, '"title": expected a text in quotes, got a table'),
        ({"title": "x", "inner": {}}, 'the key "name" is missing in [inner]'),
        (
            {"title": "x", "inner": {"name": "a", "siz": 1}},
            'unknown key "siz" in [inner] (did you mean "size"?)',
        ),
        (
            {"title": "x", "inner": {"name": "A"}},
            "\"name\" in [inner]: expected lower-case letters, got 'A'",
        ),
        (
            {"title": "x", "inner": {"name": "a", "size": 0}},
            '"size" in [inner]: expected a number above 0, got 0',
        ),
        (
            {"title": "x", "items": [{"name": "a"}, {"name": "b", "count": 0}]},
            '"count" in [[items]] "b": expected a number of at least 1, got 0',
        ),
        ({"title": "x", "items": [{}]}, 'the key "name" is missing in [[items]] number 1'),
        ({"title": "x", "items": []}, '"items": expected at least one entry, got []'),
        (
            {"title": "x", "by_name": {"one": {"nam": "a"}}},
            'unknown key "nam" in [by_name.one] (did you mean "name"?)',
        ),
        (
            {"title": "x", "numbers": {"n": "many"}},
            "\"n\" in [numbers]: expected a number, got 'many'",
        ),
        (
            {"title": "x", "numbers": {"n": float("inf")}},
            '"n" in [numbers]: expected a finite number, got inf',
        ),
        ({"title": "x", "numbers": [1] * 40}, '"numbers": expected a table, got [1'),
    ],
)
def test_the_first_problem_is_named_with_its_place(data: dict[str, Any], words: str) -> None:
    assert said(data).startswith(words)
    assert "\n" not in said(data) and len(said(data)) < 120


def test_a_file_whose_tables_have_names_of_their_own_is_explained_too() -> None:
    schema = dict[str, dict[str, Inner]]
    assert said({"e": {"big": {}}}, schema) == 'the key "name" is missing in [e.big]'
    misspelt = {"e": {"big": {"name": "a", "cont": 1}}}
    assert said(misspelt, schema).endswith('"cont" in [e.big] (did you mean "count"?)')


def test_a_suggestion_is_the_nearest_name_or_all_of_them() -> None:
    assert suggestion("predct", ["fit", "predict"]) == ' (did you mean "predict"?)'
    assert suggestion("score", ["fit", "predict"]) == " (expected one of fit, predict)"
    assert suggestion("score", []) == ""
