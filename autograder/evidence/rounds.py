"""Grading rounds: the seeds of unseen inputs, and the oracle's answers to them.

All submissions of a round get the same inputs. Nobody in the class can know them beforehand,
since they follow from a secret of the course, and on appeal they can be made again. The oracle
answers each seed once per round; its answers are kept beside the evidence.
"""

import hashlib
import hmac
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from autograder.errors import HarnessError
from autograder.evidence.versions import environment
from autograder.exercise.catalogue import Cases, cases
from autograder.model import CaseSpec, Exercise
from autograder.sandbox.scratch import PREFIX, own_prefix, owner_is_gone

__all__ = ["Round", "Truth", "current", "public", "seed", "truth", "work_out", "write"]


@dataclass(frozen=True, slots=True)
class Round:
    """One grading round of one exercise."""

    folder: Path
    """Holds evidence and truths of the round."""
    key: bytes
    """All seeds of the round follow from it."""

    @property
    def digest(self) -> str:
        """Tells rounds apart without giving their seeds away."""
        return hashlib.sha256(b"round:" + self.key).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Truth:
    """The oracle's answer for one case and seed."""

    arrays: Mapping[str, npt.NDArray[np.generic]]
    seconds: float
    """The oracle's time on one core, making the data left out where the case says so."""


def current(store: Path, exercise: Exercise) -> Round:
    """Return the round that a course is in, beginning the first one if there is none.

    Parameters
    ----------
    store : Path
        The course's evidence folder. ``secret`` in it is made on first use, readable to its
        owner only; ``<exercise>/round`` holds the number of the round.
    """
    try:
        folder = store / exercise.name
        folder.mkdir(parents=True, exist_ok=True)
        secret = _read_or_make(store / "secret", lambda: secrets.token_hex(32))
        number = _read_or_make(folder / "round", lambda: "1")
        key = hmac.digest(secret.encode(), f"{exercise.name}/{number}".encode(), "sha256")
        place = folder / f"round-{int(number)}"
        place.mkdir(exist_ok=True)
        _sweep(store, folder, place, place / "results")
    except (OSError, ValueError) as error:
        raise HarnessError(
            f"The evidence of {exercise.name} cannot be kept in {store}: {error}. Make the folder "
            "writable for whoever grades."
        ) from error
    return Round(place, key)


def public(folder: Path, exercise: Exercise) -> Round:
    """Return the round of self-checks, whose seeds everybody may know."""
    folder.mkdir(parents=True, exist_ok=True)
    return Round(folder, f"public/{exercise.name}".encode())


def seed(round_: Round, case: CaseSpec, attempt: int) -> int:
    """Return the seed of one attempt at a case, 0 to 2**62 - 1.

    Every attempt has another: what an earlier one computed helps no later one.
    """
    text = f"{case.name}/{attempt}".encode()
    return int.from_bytes(hmac.digest(round_.key, text, "sha256")[:8], "big") >> 2


def truth(round_: Round, exercise: Exercise, case: CaseSpec, attempt: int) -> Truth:
    """Return the oracle's answer, from the round's folder if it is there already.

    Raises
    ------
    HarnessError
        If the oracle fails, or its answer cannot be kept.
    """
    # Other versions of numpy or scikit-learn may give other numbers.
    told = json.dumps(environment(), sort_keys=True).encode()
    depends = f"{exercise.digest[:12]}-{hashlib.sha256(told).hexdigest()[:8]}"
    path = round_.folder / f"truth-{depends}-{case.name}-{attempt}.npz"
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        return Truth(arrays, float(arrays.pop("seconds:")))
    except (OSError, KeyError, ValueError, BadZipFile):
        pass
    try:
        found = work_out(cases(exercise), case, seed(round_, case, attempt))
    except HarnessError:
        raise
    except Exception as error:
        raise HarnessError(
            f"The oracle of {exercise.name} failed on case {case.name}: {type(error).__name__}: "
            f"{error}. Its cases.py has to be put right; nobody is graded until then."
        ) from error
    kept = {**found.arrays, "seconds:": np.array(found.seconds)}
    try:
        with tempfile.NamedTemporaryFile(
            dir=round_.folder, prefix=own_prefix(), suffix=".npz", delete=False
        ) as file:
            np.savez(file, **kept)
        os.replace(file.name, path)
    except OSError as error:
        raise HarnessError(
            f"The oracle's answer cannot be kept in {path.parent}: {error}."
        ) from error
    return found


def work_out(module: Cases, case: CaseSpec, number: int) -> Truth:
    """Ask the oracle of an exercise for the answer to one case and seed."""
    began = time.perf_counter()
    arrays = dict(module.oracle(case.name, case.parameters, number))
    elapsed = time.perf_counter() - began
    seconds = float(arrays.pop("seconds", np.array(elapsed)))
    return Truth(arrays, seconds)


def write(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, for its owner only."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=own_prefix(), suffix=".new", delete=False
    ) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(file.name)
            raise


def _sweep(*places: Path) -> None:
    """Remove what graders that were killed while writing have left."""
    for place in places:
        for left in place.glob(f"{PREFIX}*"):
            if owner_is_gone(left.name):
                left.unlink(missing_ok=True)


def _read_or_make(path: Path, make: Callable[[], str]) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    text = make()
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=own_prefix()) as file:
        file.write(text)
        file.flush()
        try:
            # Of two graders that start together, one makes it and both read the same.
            os.link(file.name, path)
        except FileExistsError:
            return path.read_text().strip()
    return text
