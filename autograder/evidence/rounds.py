"""Grading rounds, and the seeds of their unseen inputs.

All submissions of a round get the same inputs. Nobody in the class can predict them, since they
follow from a secret of the course, and on appeal they can be reproduced.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import HarnessError
from autograder.files import make_folder, read_or_make, sweep_files
from autograder.model import CaseSpec, Exercise

__all__ = ["Round", "current", "public", "seed"]

_SECRET = re.compile(r"[0-9a-f]{64}")
"""What `current` writes: 32 bytes. An empty one would give seeds that everybody can compute."""


@dataclass(frozen=True, slots=True)
class Round:
    """One grading round of one exercise."""

    folder: Path
    """Holds evidence and truths of the round."""
    key: bytes
    """All seeds of the round follow from it."""

    @property
    def digest(self) -> str:
        """Distinguishes rounds without revealing their seeds."""
        return hashlib.sha256(b"round:" + self.key).hexdigest()[:16]


def current(store: Path, exercise: Exercise) -> Round:
    """Return a course's current round, starting the first one if there is none.

    Parameters
    ----------
    store : Path
        The course's evidence folder. ``secret`` in it is made on first use, readable to its
        owner only, or to the group of a folder that is shared; ``<exercise>/round`` holds the
        number of the round.

    Raises
    ------
    HarnessError
        If they cannot be read or written, or the secret is none.
    """
    try:
        folder = store / exercise.name
        make_folder(folder)
        secret = _secret(store / "secret")
        number = read_or_make(folder / "round", lambda: "1")
        key = hmac.digest(secret.encode(), f"{exercise.name}/{number}".encode(), "sha256")
        place = folder / f"round-{int(number)}"
        make_folder(place)
        sweep_files(store, folder, place, *place.glob("results/*"))
    except (OSError, ValueError) as error:
        raise HarnessError(
            f"The evidence of {exercise.name} cannot be kept in {store}: {error}. Make the folder "
            "writable for everybody who grades."
        ) from error
    return Round(place, key)


def _secret(path: Path) -> str:
    """Return a course's secret, made on first use; a damaged one is never replaced."""
    text = read_or_make(path, lambda: secrets.token_hex(32))
    if _SECRET.fullmatch(text):
        return text
    found = f"{len(text)} characters that are something else" if text else "nothing"
    raise HarnessError(
        f"The course's secret in {path} is damaged: expected 64 hexadecimal digits in small "
        f"letters, found {found}. Restore the file from a backup. Without one, remove it and begin "
        "a new round of each exercise: the next grading makes another secret."
    )


def public(folder: Path, exercise: Exercise) -> Round:
    """Return the round of self-checks, whose seeds are public."""
    folder.mkdir(parents=True, exist_ok=True)
    return Round(folder, f"public/{exercise.name}".encode())


def seed(round_: Round, case: CaseSpec, attempt: int) -> int:
    """Return the seed of one attempt at a case, 0 to 2**62 - 1.

    Every attempt has a different one, so results of an earlier attempt are useless later.
    """
    text = f"{case.name}/{attempt}".encode()
    return int.from_bytes(hmac.digest(round_.key, text, "sha256")[:8], "big") >> 2
