"""``calibration.toml``: factors that fit the work of timed cases to a grading machine.

The file lies in a course's ``exercises`` folder, is written by ``autograder calibrate`` and may be
written by hand. Its factors multiply the parameters to which a timed case's work is proportional
(``grows`` in ``exercise.toml``); the number of blocks stays the same. It also contains the
reference solution's figures at that size, for self-checks. A factor changes the exercise's digest,
so evidence of another size no longer matches. ::

    [ex02_parallel_prediction.laptop]
    factors = { predict_large = 2.5 }
    typical = { speedup = 1.93, tasks = 17, graphs = 1, gathered_bytes = 1120000, … }
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from autograder.errors import HarnessError
from autograder.exercise.spec import Typical
from autograder.files import publish
from autograder.model import CaseSpec, Exercise, Reference
from cluster.explain import explain

__all__ = ["FILE", "Entry", "Table", "apply", "lookup", "of_reference", "read", "text", "write"]

FILE = "calibration.toml"


class Entry(BaseModel):
    """One exercise at one size."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    factors: dict[str, Annotated[float, Field(gt=0)]]
    """By case."""
    typical: Typical
    """What the reference solution did with them."""


Table = dict[str, dict[str, Entry]]
"""By exercise and size."""

_TABLE = TypeAdapter(Table)

_ANEW = "Remove the file and run autograder calibrate again."


def read(path: Path) -> Table:
    """Read a calibration; empty if there is no file.

    Raises
    ------
    HarnessError
        If the file is empty, cannot be read or has the wrong format; one sentence says where.
    """
    try:
        written = path.read_text(encoding="utf-8")
        data = tomllib.loads(written)
        table = _TABLE.validate_python(data)
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        raise HarnessError(f"{path}: {explain(error, data, Table)}. {_ANEW}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HarnessError(f"{path} cannot be read: {error}. {_ANEW}") from error
    if not written.strip():
        raise HarnessError(
            f"{path} is empty: expected at least the first lines that autograder calibrate writes, "
            f"so a calibration may be lost. {_ANEW}"
        )
    return table


def write(path: Path, exercise: Exercise, entry: Entry) -> None:
    """Put an exercise's calibration into a file; one that is the author's needs no entry.

    Raises
    ------
    HarnessError
        If the file cannot be read or written.
    """
    table = read(path)
    table.setdefault(exercise.name, {}).pop(exercise.size, None)
    if any(factor != 1 for factor in entry.factors.values()):
        table[exercise.name][exercise.size] = entry
    try:
        path.parent.mkdir(exist_ok=True)
        publish(path, text(table))
    except OSError as error:
        raise HarnessError(f"The calibration cannot be written: {error}.") from error


def of_reference(factors: Mapping[str, float], reference: Reference) -> Entry:
    """Return an entry: factors, and of a run of the reference solution what self-checks need."""
    measured = {name: getattr(reference, name) for name in Typical.model_fields}
    typical = Typical(**measured | {"speedup": round(reference.speedup, 2)})
    return Entry(factors=dict(factors), typical=typical)


def lookup(name: str, size: str, places: Iterable[Path]) -> Entry | None:
    """Return the calibration of an exercise from the first of the folders that has one."""
    for place in places:
        entry = read(place / FILE).get(name, {}).get(size)
        if entry is not None:
            return entry
    return None


def apply(exercise: Exercise, entry: Entry) -> Exercise:
    """Return an exercise with its timed cases at another size, and with another digest.

    Raises
    ------
    HarnessError
        If a factor names a case that is missing or cannot grow.
    """
    growing = {case.name for case in exercise.cases if case.grows}
    for name in entry.factors:
        if name not in growing:
            raise HarnessError(
                f"{FILE} has a factor for case {name} of {exercise.name}, which has no "
                f"growing case of that name. {_ANEW}"
            )
    factors = {name: factor for name, factor in entry.factors.items() if factor != 1}
    if not factors:
        return exercise
    content = f"{exercise.digest}{json.dumps(factors, sort_keys=True)}"
    return replace(
        exercise,
        cases=tuple(_scaled(case, factors.get(case.name, 1.0)) for case in exercise.cases),
        typical=Reference(
            **entry.typical.model_dump(), work_seconds=None, serial_seconds=None, same_round=False
        ),
        digest=hashlib.sha256(content.encode()).hexdigest(),
    )


def _scaled(case: CaseSpec, factor: float) -> CaseSpec:
    def times(value: float) -> float:
        return max(round(value * factor), 1) if float(value).is_integer() else value * factor

    grown = {name: times(case.parameters[name]) for name in case.grows}
    return replace(case, parameters={**case.parameters, **grown}) if factor != 1 else case


def text(table: Table) -> str:
    """Write a calibration as TOML."""
    lines = [
        "# Written by autograder calibrate: for this machine, factors that change the sizes of",
        "# timed cases, and the reference solution's figures at these sizes. An exercise without a",
        "# table here keeps its author's sizes. Remove this file to restore them all.",
    ]
    for name in sorted(table):
        for size, entry in sorted(table[name].items()):
            lines += ["", f"[{name}.{size}]"]
            lines += [f"{key} = {_inline(values)}" for key, values in entry.model_dump().items()]
    return "\n".join(lines) + "\n"


def _inline(values: Mapping[str, float]) -> str:
    return "{ " + ", ".join(f"{key} = {value!r}" for key, value in values.items()) + " }"
