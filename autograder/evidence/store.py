"""Evidence on disk: one JSON file per submission and round, whole or not there at all.

A record that fits is used instead of running the submission again, so that measuring can be
done in parallel or on another machine, killed and resumed, while nbgrader keeps the marks one
after another. What a record depends on is in its key.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from autograder.errors import HarnessError
from autograder.evidence import rounds
from autograder.evidence.versions import environment
from autograder.model import Evidence, Exercise, Result, Submission

__all__ = ["key", "load", "results", "save", "save_result"]

_EVIDENCE = TypeAdapter(Evidence)
_RESULT = TypeAdapter(Result)
_SCHEMA = 1


def key(exercise: Exercise, submission: Submission, round_: rounds.Round, *, boxed: bool) -> str:
    """Return the name of the evidence for a submission: a hash of all that it depends on."""
    depends = {
        "schema": _SCHEMA,
        "exercise": [exercise.name, exercise.digest],
        "submission": submission.digest,
        "round": round_.digest,
        "cluster": asdict(exercise.cluster),
        "limits": asdict(exercise.limits),
        "environment": environment(),
        "boxed": boxed,
    }
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:32]


def load(round_: rounds.Round, name: str) -> Evidence | None:
    """Return kept evidence, or None if there is none that can be read."""
    path = _path(round_, name)
    try:
        evidence = _EVIDENCE.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return evidence if evidence.key == name and evidence.schema == _SCHEMA else None


def save(round_: rounds.Round, evidence: Evidence) -> Path:
    """Keep evidence; returns where.

    Raises
    ------
    HarnessError
        If it cannot be written.
    """
    path = _path(round_, evidence.key)
    try:
        rounds.write(path, _EVIDENCE.dump_json(evidence).decode())
    except (OSError, ValueError) as error:
        raise HarnessError(f"The evidence cannot be written to {path.parent}: {error}.") from error
    return path


def save_result(round_: rounds.Round, result: Result) -> None:
    """Keep what became of a submission, in place of what became of an earlier one.

    Raises
    ------
    HarnessError
        If it cannot be written.
    """
    folder = round_.folder / "results"
    try:
        folder.mkdir(exist_ok=True)
        rounds.write(folder / f"{result.student}.json", _RESULT.dump_json(result).decode())
    except (OSError, ValueError) as error:
        raise HarnessError(f"The result cannot be written to {folder}: {error}.") from error


def results(round_: rounds.Round) -> list[Result]:
    """Return what became of every submission of a round, by student."""
    paths = sorted((round_.folder / "results").glob("*.json"))
    return [_RESULT.validate_json(path.read_bytes()) for path in paths]


def _path(round_: rounds.Round, name: str) -> Path:
    return round_.folder / f"evidence-{name}.json"
