"""What the doctor says of a course's configuration."""

from dataclasses import replace
from pathlib import Path

import pytest

from autograder.instructor import course_doctor
from autograder.instructor.course_doctor import CourseReadings, examine
from autograder.instructor.doctor import Level

COURSE = CourseReadings(broken="", lacking="", boxed=True, uses_kit=True, guarded=True)

SLIPS = {
    "broken": ({"broken": "line 3"}, Level.BAD, "nbgrader refuses this course's", "line 3"),
    "not configured": ({"lacking": "no call"}, Level.BAD, "nbgrader refuses", "no call"),
    "not guarded": ({"guarded": False}, Level.WEAK, "would run", "make setup"),
    "ordinary course": (
        {"lacking": "no call", "uses_kit": False},
        Level.WEAK,
        "nbgrader refuses exercises of the kit",
        "no call",
    ),
    "another course": (
        {"elsewhere": Path("/srv/other")},
        Level.WEAK,
        "works on another course: /srv/other",
        "--course",
    ),
    "unboxed": ({"boxed": False}, Level.WEAK, "without protection", "remove that setting"),
}


def test_good_course_lacks_nothing() -> None:
    assert {line.level for line in examine(COURSE)} == {Level.GOOD}


@pytest.mark.parametrize("name", SLIPS)
def test_one_slip_is_one_line_with_its_remedy(name: str) -> None:
    change, level, what, remedy = SLIPS[name]
    lines = examine(replace(COURSE, **change))  # type: ignore[arg-type]
    (line,) = [line for line in lines if line.level is not Level.GOOD]
    assert line.level is level
    assert what in line.what and remedy in line.remedy


def test_without_the_guard_a_slip_means_code_without_a_box() -> None:
    first, _ = examine(replace(COURSE, broken="line 3", guarded=False))
    assert first.level is Level.BAD and "WITHOUT A BOX" in first.what


def test_an_older_nbgrader_without_what_the_settings_name_is_said_so(tmp_path: Path) -> None:
    """0.9.3 has no IgnorePattern: the doctor reports it, where it ended with an ImportError."""
    (tmp_path / "source").mkdir()
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        'c.Autograde.autograde_preprocessors = ["nbgrader.preprocessors.NoSuchPart"]\n'
    )
    found = course_doctor.read(tmp_path)
    assert found is not None and "NoSuchPart" in found.lacking
    assert any("NoSuchPart" in line.remedy for line in examine(found))


def test_settings_that_name_another_course_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, home = tmp_path / "course", tmp_path / "jupyter"
    (root / "source").mkdir(parents=True)
    home.mkdir()
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(home))
    for other, told in ((tmp_path / "other", tmp_path / "other"), (root, None)):
        (home / "nbgrader_config.py").write_text(
            f"c = get_config()\nc.CourseDirectory.root = {str(other)!r}\n"
        )
        found = course_doctor.read(root)
        assert found is not None and found.elsewhere == told
