"""What the names in archives of Canvas and Moodle say: whose a file is, and which notebook."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from nbgrader.apps import ZipCollectApp
from nbgrader.coursedir import CourseDirectory

from autograder.nbgrader_bridge import gradebook_reader
from autograder.nbgrader_bridge.gradebook_reader import Account
from autograder.nbgrader_bridge.lms_archive import (
    Archived,
    LmsCollector,
    notebook,
    parse,
    student,
)

CLASS = {
    "ada": Account("Ada", "Lovelace", "", "101"),
    "zoe": Account("Zoë", "Ångström-Smith", "", ""),
    "li1": Account("Wei", "Li", "", "201"),
    "li2": Account("Wei", "Li", "", "202"),
    "bob": Account("", "", "", ""),
}

NAMES = {
    "lovelaceada_101_9001_ex02.ipynb": Archived("lovelaceada", "101", "ex02.ipynb"),
    "lovelaceada_LATE_101_9001_ex02-1.ipynb": Archived("lovelaceada", "101", "ex02-1.ipynb", True),
    "submissions/liwei_202_77_my_ex02.ipynb": Archived("liwei", "202", "my_ex02.ipynb"),
    "liwei_202_77_all/ex02.ipynb": Archived("liwei", "202", "ex02.ipynb"),
    "Ada Lovelace_12345_assignsubmission_file_/ex02.ipynb":
        Archived("Ada Lovelace", "", "ex02.ipynb", participant="12345"),
    "x/Ada Lovelace_12345_assignsubmission_file/ex02.ipynb":
        Archived("Ada Lovelace", "", "ex02.ipynb", participant="12345"),
    "Ada Lovelace_12345_assignsubmission_file_ex02 (1).ipynb":
        Archived("Ada Lovelace", "", "ex02 (1).ipynb", participant="12345"),
    "Ada Lovelace_12345_assignsubmission_file_/sub/ex02.ipynb":
        Archived("Ada Lovelace", "", "ex02.ipynb", participant="12345"),
    "lovelaceada_101_9001_/ex02.ipynb": Archived("lovelaceada", "101", "ex02.ipynb"),
    "lovelaceada_101_9001_my\nwork/ex02.ipynb": Archived("lovelaceada", "101", "ex02.ipynb"),
}  # fmt: skip


@pytest.mark.parametrize("path", NAMES)
def test_the_names_of_both_systems_are_read(path: str) -> None:
    assert parse(Path(path)) == NAMES[path]


@pytest.mark.parametrize(
    "path",
    ["ex02.ipynb", "ada/ex02.ipynb", "ada_ex02.ipynb", "ada_1_ex02.ipynb", "_1_2_ex02.ipynb"],
)
def test_other_names_say_nothing(path: str) -> None:
    assert parse(Path(path)) is None


@pytest.mark.parametrize(
    ("name", "user", "who"),
    [
        ("lovelaceada", "101", "ada"),
        ("somebodyelse", "101", "ada"),  # renamed since: the number decides
        ("lovelaceada", "999", None),  # the same name, and another number
        ("ångströmsmithzoë", "300", "zoe"),  # whose number nobody has written down
        ("Zoë Ångström-Smith", "", "zoe"),
        ("Ångström-Smith Zoë", "", "zoe"),
        ("ADA LOVELACE", "", "ada"),
        ("liwei", "202", "li2"),
        ("Wei Li", "", None),
        ("Nobody", "", None),
        ("", "", None),
        ("---", "", None),
    ],
)
def test_a_student_is_told_by_number_or_by_a_name_that_one_has(
    name: str, user: str, who: str | None
) -> None:
    assert student(Archived(name, user, "ex02.ipynb"), CLASS) == who


@pytest.mark.parametrize(
    "path",
    [
        "mallory_103_9_lovelaceada_101_1_ex02.ipynb",
        "mallory_103_9_work/lovelaceada_101_1_ex02.ipynb",
        "mallory_103_9_work/Ada Lovelace_1_assignsubmission_file_/ex02.ipynb",
        "mallory_103_9_Ada Lovelace_1_assignsubmission_file_ex02.ipynb",
        "Mallory_3_assignsubmission_file_/Ada Lovelace_1_assignsubmission_file_/ex02.ipynb",
        "Mallory_3_assignsubmission_file_Ada Lovelace_1_assignsubmission_file_ex02.ipynb",
        "Mallory_3_assignsubmission_file_/lovelaceada_101_1_ex02.ipynb",
        "mallory_103_9_/lovelaceada_101_1_ex02-99.ipynb",  # of an archive called ".zip"
        "mallory_103_9_a\nb/lovelaceada_101_1_ex02-99.ipynb",
        "Mallory_3_assignsubmission_file_a\nb/Ada Lovelace_1_assignsubmission_file_ex02.ipynb",
    ],
)
def test_nobody_hands_in_for_another_by_the_name_of_a_file(path: str) -> None:
    read = parse(Path(path))
    assert read is not None and student(read, CLASS) is None


@pytest.mark.parametrize(
    "path",
    [
        "Mallory_3_assignsubmission_onlinetext_/Ada Lovelace_1_assignsubmission_file_ex02.ipynb",
        "Mallory_3_assignsubmission_onlinetext/lovelaceada_101_1_ex02-99.ipynb",
    ],
)
def test_what_lies_beside_a_text_that_was_typed_is_nobodys_file(path: str) -> None:
    assert parse(Path(path)) is None


def test_a_number_that_two_have_says_nothing() -> None:
    twice = CLASS | {"eve": Account("Eve", "Hall", "", "101")}
    assert student(Archived("lovelaceada", "101", "ex02.ipynb"), twice) is None


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("ex02.ipynb", ("ex02", 0)),
        ("ex02-1.ipynb", ("ex02", 1)),
        ("ex02 (3).ipynb", ("ex02", 3)),
        ("ex02(3).ipynb", ("ex02", 3)),
        ("ex02-Copy1.ipynb", ("ex02", 1)),
        ("ex02 - Copy.ipynb", ("ex02", 1)),
        ("ex02-Copy1-2.ipynb", ("ex02", 2)),
        ("part-1.ipynb", ("part-1", 0)),
        ("part-1-4.ipynb", ("part-1", 4)),
        ("ex023.ipynb", None),
        ("photocopy.ipynb", None),
        ("ex02.py", None),
        ("../ex02.ipynb", None),
        ("ipynb", None),
    ],
)
def test_a_notebook_is_told_without_the_number_of_a_copy(
    file: str, found: tuple[str, int] | None
) -> None:
    assert notebook(file, ["ex02.ipynb", "part-1.ipynb", "part-2.ipynb"]) == found


Collect = Callable[..., dict[str, str]]


@pytest.fixture
def collect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collect:
    """Collect files of an archive: by path, whose each one is that was taken."""
    monkeypatch.setattr(gradebook_reader, "accounts", lambda *place: CLASS)
    for name in ("ex02", "part-1"):
        (tmp_path / "release" / "ps1").mkdir(parents=True, exist_ok=True)
        (tmp_path / "release" / "ps1" / f"{name}.ipynb").touch()

    def collected(*names: str) -> dict[str, str]:
        extracted = tmp_path / "downloaded" / "ps1" / "extracted"
        for name in names:
            (extracted / name).parent.mkdir(parents=True, exist_ok=True)
            (extracted / name).touch()
        app = ZipCollectApp()
        app.coursedir = CourseDirectory(root=str(tmp_path), assignment_id="ps1")
        collector = LmsCollector(parent=app, log=logging.getLogger())
        found = {name: collector.collect(str(extracted / name)) for name in names}
        return {name: one["student_id"] for name, one in found.items() if one}

    return collected


MOODLE = "Ada Lovelace_{}_assignsubmission_file_/{}"
CANVAS = "ångströmsmithzoë_{}_{}_{}"


@pytest.mark.parametrize(
    "files",
    [
        [MOODLE.format(111, "ex02.ipynb"), MOODLE.format(999, "ex02.ipynb")],
        [MOODLE.format(111, "ex02.ipynb"), MOODLE.format(999, "part-1.ipynb")],
        [MOODLE.format(111, "ex02.ipynb"), MOODLE.format(999, "essay.pdf")],
        [CANVAS.format(111, 5, "ex02.ipynb"), CANVAS.format(999, 6, "ex02-1.ipynb")],
    ],
    ids=["moodle", "another notebook", "no notebook", "canvas"],
)
def test_of_two_people_of_one_name_nobody_gets_the_others_place(
    files: list[str], collect: Collect, caplog: pytest.LogCaptureFixture
) -> None:
    # The others of the class are collected.
    assert collect(*files, "liwei_202_7_ex02.ipynb") == {"liwei_202_7_ex02.ipynb": "li2"}
    assert "Skipped all files of " in caplog.text and "numbers 111, 999" in caplog.text
    assert "lms_user_id" in caplog.text and "later copy" not in caplog.text


@pytest.mark.parametrize(
    ("files", "last"),
    [
        ([MOODLE.format(111, "ex02.ipynb"), MOODLE.format(111, "ex02 (1).ipynb")], "ada"),
        ([CANVAS.format(111, 5, "ex02.ipynb"), CANVAS.format(111, 6, "ex02-1.ipynb")], "zoe"),
        (["lovelaceada_999_5_ex02.ipynb", "lovelaceada_101_6_ex02.ipynb"], "ada"),
    ],
    ids=["moodle", "canvas", "canvas, number in the gradebook"],
)
def test_of_one_persons_files_the_last_is_collected(
    files: list[str], last: str, collect: Collect, caplog: pytest.LogCaptureFixture
) -> None:
    assert collect(*files) == {files[1]: last}
    assert "Skipped all files" not in caplog.text
