"""Everything that knows nbgrader, in one place.

nbgrader's autograde runs two lists of preprocessors over every submission
(`autograder.course.configure`). Four places in them are ours, the same for the command line,
``NbGraderAPI`` and the formgrader's button:

- `read_submission.SubmissionExporter` reads the notebook file; one that cannot be read stops its
  own student. It also sees to it that a submission is whole: plain files only when it begins, and
  graded to the end or not at all, should the grader be killed.
- `read_submission.ForgetStrangers` lets a notebook with doubled cells pass nbgrader's own checks,
  and an exercise of the kit with foreign ones, too.
- `execute.BoxedExecute` hands exercises of the kit to the pipeline and puts what it found under
  the cells; any other notebook it executes as nbgrader does, only inside a box
  (`ordinary_notebook`).
- `gradebook_writer.SaveGrades` writes the pipeline's marks into the gradebook, also for grade cells
  that the student deleted. Without a result there are no marks: it fails closed.

`batch` checks a batch before anything is touched, and puts back what there was where we fail;
`guard` refuses where the kit's configuration is not in force. `html_exporter` makes feedback pages
safe, `course_files` and `gradebook_reader` read what a course has, `release` hands out, and
`formgrader` grades without holding up the server.
"""
