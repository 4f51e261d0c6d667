"""The schema of ``exercise.toml``: its keys, their ranges, and their consistency.

An author reads the messages more often than this code, so each is one sentence: the file, the
table, what was expected, what it got.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from autograder.errors import HarnessError
from cluster.explain import explain, matching, suggestion
from cluster.profile import SIZES

__all__ = ["IDENTIFIER", "SIZES", "Spec", "Typical", "read"]

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


_Name = Annotated[str, matching(IDENTIFIER, "letters, digits, _ and - only")]
_Function = Annotated[str, matching(r"[A-Za-z_]\w*", "the name of a Python function")]
_Text = Annotated[str, matching(r"(?s).*\S.*", "some text")]
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
    kill: list[_Count] = []


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
    """Differences from laptop size, table by table; cases by name, with their parameters."""

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
        One of `SIZES`. Without an entry in the file it equals the first.

    Returns
    -------
    Spec
        Valid and consistent, at this size and at all others.

    Raises
    ------
    HarnessError
        One sentence that names the file, the place in it, what was expected and what it got.
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
        raise HarnessError(f"{where}: {explain(error, data, Spec)}.") from error
    problem = next(_contradictions(spec), None)
    if problem is not None:
        raise HarnessError(f"{where}: {problem}.")
    return spec


def _changed(data: Mapping[str, Any], changes: _Size) -> dict[str, Any]:
    """Override the tables with the values of a size."""
    tables = {name: data.get(name, {}) | getattr(changes, name) for name in _SIZED}
    cases = [
        case | {"parameters": case.get("parameters", {}) | changes.cases.get(case["name"], {})}
        for case in data["cases"]
    ]
    return {**data, **{name: table for name, table in tables.items() if table}, "cases": cases}


_SIZED = ("cluster", "limits", "typical")


# ------------------------------------------------------------------------- contradictions


def _misplaced(spec: Spec) -> Iterator[str]:
    """Yield the names that a size overrides but the tables lack."""
    known = {case.name: list(case.parameters) for case in spec.cases}
    for size, changes in spec.sizes.items():
        for name, parameters in changes.cases.items():
            where = f"[sizes.{size}.cases]"
            yield from _unknown(where, "case", name, list(known))
            for parameter in parameters:
                place = f'{where} "{name}"'
                yield from _unknown(place, "parameter", parameter, known.get(name, []))


def _contradictions(spec: Spec) -> Iterator[str]:
    """Yield contradictions in a well-formed description, worst first."""
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
        if case.kill and (len(case.kill) != 2 or case.kill[0] > case.kill[1]):
            yield f'{where} has "kill" = {case.kill}, expected the first and the last announcement'
        if case.kill and case.timed:
            yield f"{where} is timed, and a worker is killed in it"
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
