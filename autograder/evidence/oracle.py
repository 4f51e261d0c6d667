"""The oracle's answers: computed once for each case and seed of a round, and stored with it."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from autograder.errors import HarnessError
from autograder.evidence import rounds
from autograder.evidence.versions import versions
from autograder.exercise.catalogue import Cases, cases
from autograder.files import writing
from autograder.model import CaseSpec, Evidence, Exercise

__all__ = ["Truth", "seconds_by_case", "truth", "work_out"]


@dataclass(frozen=True, slots=True)
class Truth:
    """The oracle's answer for one case and seed."""

    arrays: Mapping[str, npt.NDArray[np.generic]]
    seconds: float
    """CPU time of the oracle, without generating the data if the case reports it.

    Without Dask it is what one core takes; in a self-check it stands in for the reference's CPU
    time. Other programs make a time on the clock longer, and hardly this one.
    """


def truth(round_: rounds.Round, exercise: Exercise, case: CaseSpec, attempt: int) -> Truth:
    """Return the oracle's answer, from the round's folder if it is stored there.

    Raises
    ------
    HarnessError
        If the oracle fails, or its answer cannot be kept.
    """
    # Other versions of numpy or scikit-learn may give other numbers.
    told = json.dumps(versions(), sort_keys=True).encode()
    depends = f"{exercise.digest[:12]}-{hashlib.sha256(told).hexdigest()[:8]}"
    path = round_.folder / f"truth-{depends}-{case.name}-{attempt}.npz"
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        return Truth(arrays, float(arrays.pop("seconds:")))
    except (OSError, KeyError, ValueError, BadZipFile):
        pass
    try:
        found = work_out(cases(exercise), case, rounds.seed(round_, case, attempt))
    except HarnessError:
        raise
    except Exception as error:
        raise HarnessError(
            f"The oracle of {exercise.name} failed on case {case.name}: {type(error).__name__}: "
            f"{error}. Correct its cases.py; nobody is graded until then."
        ) from error
    kept = {**found.arrays, "seconds:": np.array(found.seconds)}
    try:
        with writing(path) as file:
            np.savez(file, **kept)
    except OSError as error:
        raise HarnessError(
            f"The oracle's answer cannot be kept in {path.parent}: {error}."
        ) from error
    return found


def seconds_by_case(
    round_: rounds.Round, exercise: Exercise, evidence: Evidence
) -> dict[str, float]:
    """Return the oracle's seconds for every answered case, as a substitute for a reference.

    Raises
    ------
    HarnessError
        As `truth`, which has them all at hand after an observation.
    """
    answered = {run.case for run in evidence.runs if run.comparison is not None}
    return {
        case.name: truth(round_, exercise, case, 0).seconds
        for case in exercise.cases
        if case.name in answered
    }


def work_out(module: Cases, case: CaseSpec, number: int) -> Truth:
    """Ask the oracle of an exercise for the answer to one case and seed."""
    began = time.process_time()
    arrays = dict(module.oracle(case.name, case.parameters, number))
    spent = time.process_time() - began
    seconds = float(arrays.pop("seconds", np.array(spent)))
    return Truth(arrays, seconds)
