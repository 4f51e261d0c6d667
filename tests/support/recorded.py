"""Evidence of real runs, kept in ``corpus/evidence``: rules are tested on it without a cluster.

``python tests/support/recorded.py`` makes it anew, with the real pipeline and box: after a change
of an exercise, of the recorder or of the form of evidence. What the notebook printed is left out.
"""

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from checkout import ROOT, SAMPLES
from pydantic import TypeAdapter

from autograder import pipeline
from autograder.author import build
from autograder.author.samples import fill, read_samples, released, without_free_cells
from autograder.evidence import rounds
from autograder.exercise import catalogue
from autograder.model import Evidence, Exercise, Reference

__all__ = ["EX01", "EX02", "evidence", "exercise_of", "reference"]

DATA = Path(__file__).parents[1] / "corpus" / "evidence"
EX01, EX02 = "ex01_distributed_training", "ex02_parallel_prediction"
KEPT = {
    EX01: ("hypatia", "euler", "zeno"),
    EX02: ("hypatia", "atlas", "banach", "euler", "zeno"),
}
"""A right submission of each, and ways to be serial."""

_EVIDENCE = TypeAdapter(Evidence)
_REFERENCE = TypeAdapter(Reference)


@cache
def exercise_of(name: str) -> Exercise:
    """Return an exercise of the kit."""
    found = catalogue.find(name)
    assert found is not None
    return found


@cache
def evidence(name: str, student: str) -> Evidence:
    """Return what was seen of a submission."""
    return _EVIDENCE.validate_json((DATA / name / f"{student}.json").read_bytes())


@cache
def reference(name: str) -> Reference:
    """Return what the reference solution did in the same round."""
    return _REFERENCE.validate_json((DATA / name / "reference.json").read_bytes())


def main() -> None:
    """Record all of it."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "source")
        build.build_all(ROOT / "solutions", source)
        for name, students in KEPT.items():
            found = exercise_of(name)
            folder = DATA / name
            folder.mkdir(parents=True, exist_ok=True)
            round_ = rounds.current(Path(scratch, "evidence"), found)
            measured = pipeline.reference(source / name / f"{name}.ipynb", found, round_)
            (folder / "reference.json").write_bytes(_REFERENCE.dump_json(measured, indent=1))
            bench = pipeline.Bench(found, round_, measured)
            wanted = [
                sample for sample in read_samples(found, SAMPLES) if sample.student in students
            ]
            for sample in wanted:
                graded = pipeline.grade(
                    fill(sample, without_free_cells(released(found, source))), bench
                )
                assert graded.evidence is not None
                kept = replace(graded.evidence, cells=(), phases={})
                (folder / f"{sample.student}.json").write_bytes(_EVIDENCE.dump_json(kept))
                print(name, sample.student, f"{graded.points:g} of {graded.max_points:g}")


if __name__ == "__main__":
    main()
