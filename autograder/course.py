"""Configuration of a course's ``nbgrader_config.py``; imports nothing heavy."""

from typing import Any

__all__ = ["configure"]


def configure(c: Any) -> None:
    """Let nbgrader grade this course's kit exercises with the kit, and box everything else.

    Four things change; everything else is stock nbgrader, and later settings override these:

    - ``autograde`` runs notebooks in a box. Exercises of the kit get their marks from the
      pipeline outside it, never from what a cell prints; any other notebook is executed and
      scored as always;
    - an unreadable submission does not stop the batch, and one with duplicated cells is graded; so
      is one to an exercise of the kit with foreign cells;
    - what students wrote and displayed cannot run or load anything in feedback pages and in the
      formgrader;
    - ``zip_collect`` knows the names that Canvas and Moodle give to files, unless a
      ``named_regexp`` says otherwise, and continues if a student's archive is damaged.

    Parameters
    ----------
    c : traitlets.config.Config
        What ``get_config()`` returns in ``nbgrader_config.py``.
    """
    bridge = "autograder.nbgrader_bridge"
    c.Autograde.exporter_class = f"{bridge}.read_submission.SubmissionExporter"
    c.Autograde.sanitize_preprocessors = [
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.DeduplicateIds",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
        f"{bridge}.read_submission.ForgetStrangers",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        f"{bridge}.execute.BoxedExecute",
        "nbgrader.preprocessors.IgnorePattern",
        "nbconvert.preprocessors.ClearMetadataPreprocessor",
        "nbgrader.preprocessors.LimitOutput",
        f"{bridge}.gradebook_writer.SaveGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.ZipCollectApp.extractor_plugin = f"{bridge}.unpack.Extractor"
    c.ZipCollectApp.collector_plugin = f"{bridge}.lms_archive.LmsCollector"
    c.GenerateFeedback.exporter_class = f"{bridge}.html_exporter.FeedbackExporter"
    c.HTMLExporter.filters = {
        name: f"{bridge}.html_exporter.{name}"
        for name in ("markdown2html", "highlight_code", "ansi2html")
    }
