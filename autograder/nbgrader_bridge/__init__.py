"""Everything that depends on nbgrader, in one place.

nbgrader's autograde runs two lists of preprocessors over every submission
(`autograder.course.configure`). Four places in them are ours, the same for the command line,
``NbGraderAPI`` and the formgrader's button:

- `read_submission.SubmissionExporter` reads the notebook file; one that cannot be read stops its
  own student. It also ensures that a submission has only plain files, and that it is graded
  completely or not at all, even if the grader is killed.
- `read_submission.ForgetStrangers` lets notebooks with duplicated cells pass nbgrader's checks, and
  the kit's exercises with foreign cells, too.
- `execute.BoxedExecute` passes exercises of the kit to the pipeline and inserts the findings under
  the cells; it executes other notebooks as nbgrader does, but inside a box (`ordinary_notebook`).
- `gradebook_writer.SaveGrades` writes the pipeline's marks into the gradebook, also for grade cells
  that the student deleted. Without a result there are no marks (it fails closed).

`batch` checks a batch before anything is touched, and restores the earlier state if we fail;
`guard` refuses where the kit's configuration is not in force. `html_exporter` makes feedback pages
safe, `course_files` and `gradebook_reader` read what a course has, `release` releases assignments,
and `formgrader` grades without blocking the server.
"""
