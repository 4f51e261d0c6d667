"""Grade samples as ``autograder grade`` does; print how each differs from what it says of itself.

Usage: ``python grade_samples.py RELEASED STUDENT…``, with the released notebook of their exercise
"""

import json
import sys
import tempfile
from pathlib import Path

import nbformat
from course import CLASS, EX02

from autograder import pipeline
from autograder.author.samples import differences, fill
from autograder.evidence import rounds
from autograder.exercise import catalogue


def main() -> None:
    """Run the command line."""
    released, *students = sys.argv[1:]
    exercise = catalogue.find(EX02)
    assert exercise is not None
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        round_ = rounds.public(Path(folder), exercise)
        context = pipeline.GradingContext(exercise, round_, exercise.typical)
        for student in students:
            notebook = fill(CLASS[student], nbformat.read(released, 4))
            graded = pipeline.grade(notebook, context)
            assert graded.evidence is not None
            found[student] = [
                graded.points,
                graded.evidence.machine.get("wall", ""),
                *differences(CLASS[student], graded),
            ]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
