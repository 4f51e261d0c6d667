"""The demonstration on kept evidence: a class judged without a box, and nothing left elsewhere."""

import csv
import os
import tempfile
from pathlib import Path

import pytest
from checkout import ROOT, SAMPLES
from click.testing import CliRunner
from kept_evidence import EX02, REFERENCE, exercise_of, reference

from autograder.author import samples
from autograder.author.materials import find
from autograder.cli import main
from autograder.errors import HarnessError
from autograder.instructor import demo_class, recorded_demo
from autograder.model import Status


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, dict[str, list[str]]]:
    """What the command printed, its folder, and what is in two others that it could have used."""
    place = tmp_path_factory.mktemp("recorded")
    away = {name: place / name for name in ("home", "tmp")}
    for folder in away.values():
        folder.mkdir()
    # The settings of a real course, which a demo must not read.
    config, gradebook = place / "jupyter" / "nbgrader_config.py", place / "gradebook.db"
    config.parent.mkdir()
    config.write_text(f"c = get_config()\nc.CourseDirectory.db_url = 'sqlite:///{gradebook}'\n")
    gradebook.write_text("damaged")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(away["home"]))
        patch.setenv("JUPYTER_CONFIG_DIR", str(config.parent))
        patch.setattr(tempfile, "tempdir", str(away["tmp"]))
        arguments = ["demo", str(place / "demo"), EX02, "--recorded", "--project", str(ROOT)]
        done = CliRunner().invoke(main, arguments)
        left = {name: os.listdir(folder) for name, folder in away.items()}
    assert done.exit_code == 0, done.output
    return done.output, place / "demo", left


def test_the_whole_class_gets_its_verdicts_in_80_columns(
    shown: tuple[str, Path, dict[str, list[str]]],
) -> None:
    said, folder, _ = shown
    roll = samples.read_class(exercise_of(EX02), SAMPLES)
    with open(folder / "reports" / f"{EX02}.csv", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(roll)
    for student, sample in roll.items():
        assert any(line.startswith(student) for line in said.splitlines())
        if Status.PARTIAL not in sample.status.values():
            assert float(rows[student]["points"]) == sum(sample.verdict.values())
    table = said[: said.index("feedback pages")]
    assert max(map(len, table.splitlines())) <= 80
    assert "  The labels are computed too early; compute() inside a loop\n" in table


def test_its_pages_are_those_of_a_graded_class(
    shown: tuple[str, Path, dict[str, list[str]]],
) -> None:
    _, folder, _ = shown
    report = (folder / "reports" / f"{EX02}.html").read_text()
    for student in samples.read_class(exercise_of(EX02), SAMPLES):
        link = f"../feedback/{student}/{EX02}/{EX02}.html"
        assert f'href="{link}"' in report and (folder / "reports" / link).is_file()
    assert f"reference {reference(EX02, REFERENCE).speedup:.2f}" in report
    page = (folder / "feedback" / "dora" / EX02 / f"{EX02}.html").read_text()
    assert "12.0 / 20.0" in page and page.count('class="dsk-card"') == 8


def test_nothing_is_left_outside_the_folder(
    shown: tuple[str, Path, dict[str, list[str]]],
) -> None:
    assert shown[2] == {"home": [], "tmp": []}


def test_without_kept_evidence_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    for name in ("solutions", "source", "samples", "nbgrader_config.py"):
        (package / name).symlink_to(ROOT / name)
    with pytest.raises(HarnessError, match="only a checkout has") as error:
        recorded_demo.run(package, tmp_path / "demo")
    assert "leave --recorded out" in str(error.value)
    assert not (tmp_path / "demo").exists()


def test_a_sample_whose_evidence_does_not_fit_is_named_and_the_others_are_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = demo_class.chosen(find(ROOT), [])[0].name
    project = tmp_path / "project"
    kept = project / "tests" / "corpus" / "evidence" / name
    kept.mkdir(parents=True)
    for entry in ("solutions", "source", "samples", "nbgrader_config.py"):
        (project / entry).symlink_to(ROOT / entry)
    roll = samples.read_class(exercise_of(name), SAMPLES)
    first, second, third = list(roll.values())[:3]
    corpus = ROOT / "tests" / "corpus" / "evidence" / name
    (kept / f"{first.student}.json.xz").symlink_to(corpus / f"{first.student}.json.xz")
    # Of another submission.
    (kept / f"{second.student}.json.xz").symlink_to(corpus / f"{first.student}.json.xz")
    recorded_demo.run(project, tmp_path / "demo", [name], students=3)
    said = " ".join(capsys.readouterr().out.split())
    assert f"the sample {second.student} is out of date" in said
    assert f"No evidence of the sample {third.student} is kept" in said
    assert said.count("ungraded") == 2 and "1 feedback page" in said


def test_two_exercises_are_shown_first_and_all_of_them_on_request() -> None:
    materials = find(ROOT)
    first = [exercise.name for exercise in demo_class.chosen(materials, [])]
    assert first == samples.first_shown(SAMPLES) and len(first) == 2
    everything = [exercise.name for exercise in demo_class.chosen(materials, ["all"])]
    assert everything == materials.names and set(first) < set(everything)
    assert [one.name for one in demo_class.chosen(materials, [EX02])] == [EX02]
