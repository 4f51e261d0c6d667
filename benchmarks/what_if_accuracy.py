"""How well "what would help" predicts: a sample's prediction beside a program that is repaired so.

    python benchmarks/what_if_accuracy.py

Every sample of the kept evidence that loses points for its speedup is predicted, and held against
the speedup of the reference solution in the same round: the program in which all of its mistakes
are taken back. A prediction that takes one of several mistakes back is lower, and should be.
"""

import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from kept_evidence import kept, sample_class

from autograder.replay.what_if import would_help
from autograder.speedup.decide import decide


def main() -> None:
    """Print a line for each sample, and how many are within a tenth."""
    ratios = []
    print(f"{'sample':45} seen  predicted / repaired")
    for name, (exercise, sample) in sample_class().items():
        if not exercise.timed:
            continue
        one = kept(exercise.name, sample.student)
        (case,) = exercise.timed
        if not any(run.case == case and run.right for run in one.evidence.runs):
            continue
        verdict = decide(one.evidence, case, one.reference)
        if verdict.credit >= 1.0:
            continue
        predicted = would_help(verdict.run, verdict.speedup)
        line = f"{name:45} {verdict.speedup.speedup:.2f}"
        if predicted is None:
            print(f"{line}  nothing")
            continue
        ratios.append(predicted.speedup / one.reference.speedup)
        print(
            f"{line}  {predicted.speedup:.2f} / {one.reference.speedup:.2f} = {ratios[-1]:.2f}  "
            f"with {' and '.join(predicted.changes)}"
        )
    within = sum(0.9 <= ratio <= 1.1 for ratio in ratios)
    print(
        f"{within} of {len(ratios)} within a tenth; "
        f"{min(ratios):.2f} to {max(ratios):.2f}, median {median(ratios):.2f}"
    )


if __name__ == "__main__":
    main()
