"""The only package that knows nbgrader's autograde: marks from the pipeline into the gradebook.

nbgrader's autograde runs two lists of preprocessors over every submission. Four places in
them are ours, the same for the command line, ``NbGraderAPI`` and the formgrader's button:

- `SubmissionExporter` reads the notebook file; one that cannot be read stops its own student.
  It also sees to it that a submission is whole: plain files only when it begins, and graded to
  the end or not at all, should the grader be killed.
- `ForgetStrangers` lets a notebook with doubled cells pass nbgrader's own checks, and an exercise
  of the kit with foreign ones, too.
- `BoxedExecute` hands exercises of the kit to the pipeline and puts what it found under the
  cells; any other notebook it executes as nbgrader does, only inside a box.
- `SaveGrades` writes the pipeline's marks into the gradebook, also for grade cells that the
  student deleted. Without a result there are no marks: it fails closed.
"""

from autograder.nbgrader_bridge.execute import BoxedExecute
from autograder.nbgrader_bridge.marks import SaveGrades
from autograder.nbgrader_bridge.plumbing import EVIDENCE, EXERCISES
from autograder.nbgrader_bridge.submitted import ForgetStrangers, SubmissionExporter

__all__ = [
    "EVIDENCE",
    "EXERCISES",
    "BoxedExecute",
    "ForgetStrangers",
    "SaveGrades",
    "SubmissionExporter",
]
