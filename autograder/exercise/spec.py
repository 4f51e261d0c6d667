"""The text of ``exercise.toml``: its keys, its ranges, and what is said of a wrong one.

An author reads these messages more often than this code, so each is one sentence: the file,
the table, what was expected, what came.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from autograder.errors import HarnessError

__all__ = ["IDENTIFIER", "SIZES", "Spec", "Typical", "read", "suggestion"]

SIZES = ("laptop", "node", "cluster")
"""For which an exercise may have numbers of its own; the first is what its tables say."""

IDENTIFIER = r"[A-Za-z0-9_-]+"
"""What nbgrader accepts as a ``grade_id``, and we as a name."""

_UNITS = {
    "B": 1,
    **{f"{prefix}B": 1000**n for n, prefix in enumerate("kMGT", start=1)},
    **{f"{prefix}iB": 1024**n for n, prefix in enumerate("KMGT", start=1)},
}


def _to_bytes(value: object) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)", value) if isinstance(value, str) else None
    size = float(match[1]) * _UNITS.get(match[2], 0) if match else 0.0
    if not size:
        raise ValueError('a size such as "512 MiB" or "1 GB"')
    return round(size)


def _named(pattern: str, description: str) -> AfterValidator:
    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(description)
        return value

    return AfterValidator(check)


_Name = Annotated[str, _named(IDENTIFIER, "letters, digits, _ and - only")]
_Function = Annotated[str, _named(r"[A-Za-z_]\w*", "the name of a Python function")]
_Text = Annotated[str, _named(r"(?s).*\S.*", "some text")]
_Seconds = Annotated[float, Field(gt=0)]
_Bytes = Annotated[int, BeforeValidator(_to_bytes)]
_Count = Annotated[int, Field(ge=1)]
_Total = Annotated[int, Field(ge=0)]
_Points = Annotated[float, Field(ge=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class _Cluster(_Table):
    workers: _Count
    threads_per_worker: _Count
    memory_per_worker: _Bytes


class _Limits(_Table):
    wall: _Seconds
    cell: _Seconds
    case: _Seconds
    memory: _Bytes
    processes: _Count
    output: _Bytes
    answer: _Bytes


class _Case(_Table):
    name: _Name
    function: _Function
    timed: bool = False
    parameters: dict[str, float] = {}
    grows: list[_Function] = []
    per_worker: list[_Function] = []


class _Check(_Table):
    grade_id: _Name
    function: _Function
    check: _Function
    cases: Annotated[list[_Name], Field(min_length=1)]
    points: _Points
    title: _Text
    options: dict[str, float] = {}


class Typical(_Table):
    """What the reference solution does on the timed case."""

    speedup: Annotated[float, Field(gt=0)]
    tasks: _Total
    graphs: _Total
    gathered_bytes: _Total
    graph_bytes: _Total
    reads: _Total = 0
    client_growth: _Total = 0


class _Mistake(_Table):
    title: _Text
    explanation: _Text
    see: _Text
    raises: str = ""


class _Size(_Table):
    """What is other than at laptop size, table by table; cases by name, with their parameters."""

    cluster: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    cases: dict[_Name, dict[str, float]] = {}
    typical: dict[str, Any] = {}


class Spec(_Table):
    """The whole of ``exercise.toml``, each value in range on its own."""

    title: _Text
    technique: _Text
    version: _Text
    functions: Annotated[list[_Function], Field(min_length=1)]
    cluster: _Cluster
    limits: _Limits
    cases: Annotated[list[_Case], Field(min_length=1)]
    checks: Annotated[list[_Check], Field(min_length=1)]
    words: dict[_Name, _Points] = {}
    typical: Typical | None = None
    mistakes: dict[_Name, _Mistake] = {}
    sizes: dict[Literal["node", "cluster"], _Size] = {}


def read(path: Path, text: bytes, size: str = SIZES[0]) -> Spec:
    """Read the text of an ``exercise.toml``.

    Parameters
    ----------
    path : Path
        Where the text is from, for the message.
    text : bytes
        Content of the file.
    size : str
        One of `SIZES`. Where the file says nothing of it, it is like the first.

    Returns
    -------
    Spec
        Well formed, and without contradictions, at this size and at all others.

    Raises
    ------
    HarnessError
        One sentence that names the file, the place in it, what was expected and what came.
    """
    try:
        data = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path} is not valid TOML: {error}.") from error
    if size not in SIZES:
        raise HarnessError(f"There is no size {size!r}{suggestion(size, SIZES)}.")
    specs = {SIZES[0]: _spec(f"{path}", data)}
    problem = next(_misplaced(specs[SIZES[0]]), None)
    if problem is not None:
        raise HarnessError(f"{path}: {problem}.")
    for name, changes in specs[SIZES[0]].sizes.items():
        specs[name] = _spec(f"{path}, at the size {name}", _changed(data, changes))
    return specs.get(size, specs[SIZES[0]])


def _spec(where: str, data: Mapping[str, Any]) -> Spec:
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        raise HarnessError(f"{where}: {_explain(error, data)}.") from error
    problem = next(_contradictions(spec), None)
    if problem is not None:
        raise HarnessError(f"{where}: {problem}.")
    return spec


def _changed(data: Mapping[str, Any], changes: _Size) -> dict[str, Any]:
    """Put what is other at a size in place of what the tables say."""
    tables = {name: data.get(name, {}) | getattr(changes, name) for name in _SIZED}
    cases = [
        case | {"parameters": case.get("parameters", {}) | changes.cases.get(case["name"], {})}
        for case in data["cases"]
    ]
    return {**data, **{name: table for name, table in tables.items() if table}, "cases": cases}


_SIZED = ("cluster", "limits", "typical")


# ------------------------------------------------------------------- what an author is told


def _misplaced(spec: Spec) -> Iterator[str]:
    """Yield what a size would change that is not there."""
    known = {case.name: list(case.parameters) for case in spec.cases}
    for size, changes in spec.sizes.items():
        for name, parameters in changes.cases.items():
            where = f"[sizes.{size}.cases]"
            yield from _unknown(where, "case", name, list(known))
            for parameter in parameters:
                place = f'{where} "{name}"'
                yield from _unknown(place, "parameter", parameter, known.get(name, []))


def _contradictions(spec: Spec) -> Iterator[str]:
    """Yield what is well formed and still cannot be meant, worst first."""
    cases = [case.name for case in spec.cases]
    grade_ids = [*(check.grade_id for check in spec.checks), *spec.words]
    for what, names in (
        ("function", spec.functions),
        ("case", cases),
        ("grade_id", grade_ids),
    ):
        yield from (f'{what} "{name}" is given twice' for name in _repeated(names))
    owner = {case.name: case.function for case in spec.cases}
    for case in spec.cases:
        where = f'case "{case.name}"'
        yield from _unknown(where, "function", case.function, spec.functions)
        for names in (case.grows, case.per_worker):
            for name in names:
                yield from _unknown(where, "parameter", name, [*case.parameters])
            yield from (f'{where} names parameter "{name}" twice' for name in _repeated(names))
    for check in spec.checks:
        where = f'check "{check.grade_id}"'
        yield from _unknown(where, "function", check.function, spec.functions)
        for name in check.cases:
            yield from _unknown(where, "case", name, cases)
            if owner.get(name, check.function) != check.function:
                calls = f'case "{name}", which calls {owner[name]}'
                yield f"{where} is about {check.function}, but is judged on {calls}"
        yield from (f'{where} names case "{name}" twice' for name in _repeated(check.cases))
    pairs = [f"{check.check} of {check.function}" for check in spec.checks]
    yield from (f'check "{pair}" has two entries, expected one' for pair in _repeated(pairs))
    timed = [case.function for case in spec.cases if case.timed]
    yield from (f"{name} has two timed cases, expected one at most" for name in _repeated(timed))
    if timed and spec.typical is None:
        yield f'the key "typical" is missing, and {timed[0]} has a timed case'
    judged = {name for check in spec.checks for name in check.cases}
    for name in spec.functions:
        if name not in owner.values():
            yield f"function {name} has no case, expected one at least"
    yield from (f'case "{name}" is judged by no check' for name in cases if name not in judged)


def _repeated(names: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _unknown(where: str, what: str, name: str, known: Sequence[str]) -> Iterator[str]:
    if name not in known:
        yield f'{where} names {what} "{name}", which is not there{suggestion(name, known)}'


_WANTED = {
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a table",
    "string_type": "a text in quotes",
    "too_short": "at least one entry",
}
"""Our words for pydantic's types of error, where its own are not for authors."""


def _explain(error: ValidationError, data: Mapping[str, Any]) -> str:
    """Say in one clause what the first problem is; a key too many explains the one missing."""
    problems = error.errors(include_url=False)
    problem = min(problems, key=lambda each: each["type"] != "extra_forbidden")
    *tables, key = (part for part in problem["loc"] if part != "[key]")
    if isinstance(key, int) and tables:  # an item of a list: its key says more than its index
        key = tables.pop()
    where = _place(tables, data)
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        return f'unknown key "{key}"{where}{suggestion(str(key), _keys(tables))}'
    if kind == "missing":
        return f'the key "{key}" is missing{where}'
    if kind.startswith("greater_than"):
        above = "above" if kind == "greater_than" else "of at least"
        wanted = f"a number {above} {next(iter(context.values())):g}"
    elif kind == "value_error":
        wanted = str(context["error"])
    else:
        wanted = _WANTED.get(kind, problem["msg"].removeprefix("Input should be "))
    return f'"{key}"{where}: expected {wanted}, came {_shown(problem["input"])}'


def _place(tables: Sequence[int | str], data: Mapping[str, Any]) -> str:
    """Name a table as its author knows it, as in ``in [limits]`` or ``in [[cases]] "fit"``."""
    if not tables:
        return ""
    if len(tables) == 1 or isinstance(tables[1], str):
        return f" in [{'.'.join(map(str, tables))}]"
    entry, number = data[str(tables[0])][tables[1]], tables[1] + 1
    names = (entry.get(key) for key in ("grade_id", "name"))
    name = next((f'"{name}"' for name in names if isinstance(name, str)), f"number {number}")
    inner = "".join(f"{part} of " for part in tables[2:])
    return f" in {inner}[[{tables[0]}]] {name}"


def _keys(tables: Sequence[int | str]) -> list[str]:
    """List the keys that are valid in a table; none where any may be."""
    table: Any = Spec
    parts = iter(part for part in tables if isinstance(part, str))
    for part in parts:
        kind = table.model_fields[part].annotation
        models = [each for each in (kind, *get_args(kind)) if hasattr(each, "model_fields")]
        if not models:
            return []
        if get_origin(kind) is dict:
            next(parts, None)  # the entry's name, which is nobody's key
        table = models[-1]
    return list(table.model_fields)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def suggestion(name: str, known: Sequence[str]) -> str:
    """Name the nearest of the known names in brackets, or all of them."""
    if not known:
        return ""
    near = get_close_matches(name, known, n=1)
    return f' (did you mean "{near[0]}"?)' if near else f" (expected one of {', '.join(known)})"
