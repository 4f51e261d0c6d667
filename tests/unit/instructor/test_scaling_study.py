"""A scaling study: its numbers, and what people get to see of them."""

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from autograder.cli import main
from autograder.errors import SubmissionError
from autograder.exercise.catalogue import every, find
from autograder.instructor import scaling_study
from autograder.model import ScalingPoint, ScalingStudy
from autograder.report import scaling_page


def point(workers, factor, seconds, replayed, fewest, tasks=17):
    middle = sorted(seconds)[(len(seconds) - 1) // 2]
    return ScalingPoint(workers, factor, seconds, middle, replayed, fewest, 3.0, tasks)


STRONG = (point(1, 1.0, (6.0, 6.6, 6.2), 6.0, 6.0), point(2, 1.0, (3.1, 4.0, 3.0), 3.0, 5.7))
WEAK = (STRONG[0], point(2, 2.0, (6.2, 6.4, 7.0), 6.25, 12.0))
STUDY = ScalingStudy(
    exercise="ex02_parallel_prediction",
    function="predict_large",
    case="predict_large",
    profile="slurm",
    size="laptop",
    grows=("rows", "blocks"),
    strong=STRONG,
    weak=WEAK,
    environment={"python": "3.11", "cores": "2"},
)


def test_ratios_are_to_the_smallest_cluster():
    rows = {(row["scaling"], row["workers"]): row for row in scaling_page.rows(STUDY)}
    assert rows["strong", "1"]["ratio"] == rows["weak", "1"]["ratio"] == "1.000"
    assert rows["strong", "2"]["ratio"] == "2.000"  # 6.2 / 3.1
    assert rows["strong", "2"]["replayed_ratio"] == "1.900"  # 5.7 / 3.0, one run, two clusters
    assert rows["weak", "2"]["ratio"] == "0.969"  # 6.2 / 6.4
    assert rows["weak", "2"]["replayed_ratio"] == "0.960"  # 6.0 / 6.25, two runs
    assert (rows["strong", "2"]["least"], rows["strong", "2"]["most"]) == ("3.000", "4.000")


def test_the_csv_has_a_line_for_each_point():
    read = list(csv.DictReader(io.StringIO(scaling_page.table(STUDY))))
    assert read == scaling_page.rows(STUDY)
    assert len(read) == 4


def test_the_picture_says_its_numbers_to_who_cannot_see_it():
    root = ElementTree.fromstring(scaling_page.picture(STUDY))
    told = {child.tag.rpartition("}")[2]: child.text for child in root[:2]}
    assert told["title"] == "Scaling of predict_large on slurm"
    assert "1: 1.00 measured, 1.00 replayed; 2: 2.00 measured, 1.90 replayed" in told["desc"]
    assert "Weak scaling, efficiency" in told["desc"]
    drawn = "".join(root.itertext())
    assert "ideal" in drawn and "measured" in drawn and "without Dask" in drawn


def test_without_weak_scaling_there_is_one_panel_and_a_reason():
    alone = replace(STUDY, weak=(), grows=())
    width = [
        int(ElementTree.fromstring(scaling_page.picture(s)).get("width")) for s in (STUDY, alone)
    ]
    assert width[0] == 2 * width[1]
    assert "There is no weak scaling here" in scaling_page.page(alone)
    assert "There is no weak scaling here" not in scaling_page.page(STUDY)


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.headings, self.cells, self.loads = [], [], []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._inside = tag
        self.loads += [v for k, v in attrs if k in ("src", "href") and not v.startswith("#")]

    def handle_data(self, data):
        if data.strip() and self._inside in ("th", "td"):
            (self.headings if self._inside == "th" else self.cells).append(data.strip())


def test_the_page_is_complete_in_itself():
    page = _Page(scaling_page.page(STUDY))
    assert page.loads == []
    assert page.headings == list(scaling_page.COLUMNS.values())
    assert page.cells == [value for row in scaling_page.rows(STUDY) for value in row.values()]


def test_what_odd_numbers_mean_is_said_where_there_are_any():
    no_tasks = replace(STUDY, strong=(replace(STRONG[0], tasks=0), STRONG[1]))
    assert "With 1 worker no task ran on the cluster" in scaling_page.page(no_tasks)
    four = point(4, 1.0, (3.0,), 1.5, 6.0)
    crowded = replace(STUDY, profile="local", strong=(*STRONG, four))
    assert "This machine has 2 cores" in scaling_page.page(crowded)
    for text in (scaling_page.page(STUDY), scaling_page.page(replace(crowded, strong=STRONG))):
        assert "no task ran" not in text and "This machine has" not in text


def test_a_text_from_outside_stays_a_text():
    assert "<script>" not in scaling_page.page(replace(STUDY, profile="<script>alert(1)</script>"))


# ------------------------------------------------------------------------------ what is scaled


def test_the_input_grows_with_the_workers():
    case = scaling_study.timed_case(find("ex02_parallel_prediction"))
    grown = scaling_study._grown(case, 4.0)
    for name, value in case.parameters.items():
        assert grown.parameters[name] == (4 * value if name in ("rows", "blocks") else value)
    # Blocks stay as long as they are: else it would be another program.
    length = [each.parameters["rows"] / each.parameters["blocks"] for each in (case, grown)]
    assert length[0] == length[1]


def test_every_timed_exercise_says_what_grows():
    timed = [case for exercise in every() for case in exercise.cases if case.timed]
    assert timed
    assert [case.name for case in timed if not (case.grows and case.per_worker)] == []


def test_an_exercise_without_a_timed_case_has_nothing_to_scale():
    with pytest.raises(SubmissionError, match="Nothing in ex05_batch_cluster is timed"):
        scaling_study.timed_case(find("ex05_batch_cluster"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ex02_parallel_prediction", "--workers", "1,two"], "'1,two' is not a list of numbers"),
        (["ex02_parallel_prediction", "--workers", "0,1"], "'0,1' is not a list of numbers"),
        (["ex02_parallel_prediction"], "There is no ex02_parallel_prediction.ipynb here"),
        (["ex02_paralel"], "There is no exercise 'ex02_paralel'"),
        (["ex05_batch_cluster"], "Nothing in ex05_batch_cluster is timed"),
    ],
)
def test_an_error_of_use_is_one_sentence(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["scale", *arguments])
    assert result.exit_code != 0
    assert said in re.sub(r"\s+", " ", result.output)
    assert "Traceback" not in result.output
