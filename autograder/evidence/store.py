"""Evidence on disk: one JSON file per submission and round, written atomically.

A matching record is used instead of running the submission again, so that measuring can be done in
parallel or on another machine, killed and resumed, while nbgrader records the marks one after
another. A record's key contains what the measurement depends on, and the round; the record itself
names the machine, which may differ from the one that reads it.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from autograder.errors import HarnessError
from autograder.evidence import rounds
from autograder.evidence.versions import versions
from autograder.files import make_folder, write
from autograder.model import SCHEMA, Evidence, Exercise, Result, Submission
from autograder.sandbox import wall

__all__ = ["key", "load", "results", "results_folder", "save", "save_result"]

_EVIDENCE = TypeAdapter(Evidence)
_RESULT = TypeAdapter(Result)


def key(exercise: Exercise, submission: Submission, round_: rounds.Round, *, boxed: bool) -> str:
    """Return the name of the evidence for a submission: a hash of everything that it depends on."""
    depends = {
        "schema": SCHEMA,
        "exercise": [exercise.name, exercise.digest],
        "submission": submission.digest,
        "round": round_.digest,
        "cluster": asdict(exercise.cluster),
        "limits": asdict(exercise.limits),
        "versions": versions(),
        "boxed": wall.kind(boxed=boxed),
    }
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:32]


def load(round_: rounds.Round, name: str) -> Evidence | None:
    """Return kept evidence, or None if there is no readable record of this schema."""
    try:
        evidence = _EVIDENCE.validate_json(_path(round_, name).read_bytes())
    except (OSError, ValueError):
        return None
    # Of another schema, what happens to fit might have another meaning.
    return evidence if evidence.schema == SCHEMA and evidence.key == name else None


def save(round_: rounds.Round, evidence: Evidence) -> Path:
    """Keep evidence; returns where.

    Raises
    ------
    HarnessError
        If it cannot be written.
    """
    path = _path(round_, evidence.key)
    try:
        write(path, _EVIDENCE.dump_json(evidence).decode())
    except (OSError, ValueError) as error:
        raise HarnessError(f"The evidence cannot be written to {path.parent}: {error}.") from error
    return path


def save_result(round_: rounds.Round, assignment: str, result: Result) -> None:
    """Store the result of a submission, replacing an earlier one.

    An exercise may be set in several assignments, for a resit or another group: their results
    are kept apart, while evidence of the same code serves all of them.

    Raises
    ------
    HarnessError
        If it cannot be written.
    """
    folder = results_folder(round_, assignment)
    try:
        make_folder(folder)
        write(folder / f"{result.student}.json", _RESULT.dump_json(result).decode())
    except (OSError, ValueError) as error:
        raise HarnessError(f"The result cannot be written to {folder}: {error}.") from error


def results(round_: rounds.Round, assignment: str) -> list[Result]:
    """Return the results of all submissions to an assignment in a round, by student."""
    folder = results_folder(round_, assignment)
    return [_result(path) for path in sorted(folder.glob("*.json"))]


def results_folder(round_: rounds.Round, assignment: str) -> Path:
    """Return where the results of an assignment are stored."""
    return round_.folder / "results" / assignment


def _result(path: Path) -> Result:
    content = path.read_bytes()
    try:
        if json.loads(content)["schema"] == SCHEMA:
            return _RESULT.validate_json(content)
        why = "by another version of the kit"
    except (ValidationError, ValueError, KeyError, TypeError):
        why = "but its result cannot be read"
    exercise = path.parents[3].name
    reason = f"It was graded {why}; grade it again: nbgrader autograde with --force."
    return Result(SCHEMA, path.stem, exercise, None, reason)


def _path(round_: rounds.Round, name: str) -> Path:
    return round_.folder / f"evidence-{name}.json"
