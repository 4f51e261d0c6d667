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
    copy_of,
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

RELEASED = ["ex02.ipynb", "part-1.ipynb", "part-2.ipynb"]

NAMES = {
    "lovelaceada_101_9001_ex02.ipynb": Archived("lovelaceada", "101", "ex02.ipynb"),
    "lovelaceada_LATE_101_9001_ex02-1.ipynb": Archived("lovelaceada", "101", "ex02-1.ipynb", True),
    "submissions/liwei_202_77_my_ex02.ipynb": Archived("liwei", "202", "my_ex02.ipynb"),
    "liwei_202_77_all/ex02.ipynb": Archived("liwei", "202", "ex02.ipynb", inside=("all",)),
    "liwei_202_77_all/old/ex02.ipynb":
        Archived("liwei", "202", "ex02.ipynb", inside=("all", "old")),
    "Ada Lovelace_12345_assignsubmission_file_/ex02.ipynb":
        Archived("Ada Lovelace", "", "ex02.ipynb", participant="12345"),
    "x/Ada Lovelace_12345_assignsubmission_file/ex02.ipynb":
        Archived("Ada Lovelace", "", "ex02.ipynb", participant="12345"),
    "Ada Lovelace_12345_assignsubmission_file_ex02 (1).ipynb":
        Archived("Ada Lovelace", "", "ex02 (1).ipynb", participant="12345"),
    "Ada Lovelace_12345_assignsubmission_file_/sub/ex02.ipynb":
        Archived("Ada Lovelace", "", "ex02.ipynb", participant="12345", inside=("sub",)),
    "Ada Lovelace_12345_assignsubmission_file_all/ex02.ipynb":
        Archived("Ada Lovelace", "", "ex02.ipynb", participant="12345", inside=("all",)),
    "lovelaceada_101_9001_/ex02.ipynb":
        Archived("lovelaceada", "101", "ex02.ipynb", inside=("",)),
    "lovelaceada_101_9001_my\nwork/ex02.ipynb":
        Archived("lovelaceada", "101", "ex02.ipynb", inside=("my\nwork",)),
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
        ("ex02.ipynb", ("ex02", True)),
        ("ex02-1.ipynb", ("ex02", False)),
        ("ex02 (3).ipynb", ("ex02", False)),
        ("ex02(3).ipynb", ("ex02", False)),
        ("ex02-Copy1.ipynb", ("ex02", False)),
        ("ex02 - Copy.ipynb", ("ex02", False)),
        ("ex02-Copy1-2.ipynb", ("ex02", False)),
        ("ex02_20260101120000.ipynb", ("ex02", False)),
        ("part-1.ipynb", ("part-1", True)),
        ("part-1-4.ipynb", ("part-1", False)),
        ("ex023.ipynb", None),
        ("photocopy.ipynb", None),
        ("ex02.py", None),
        ("../ex02.ipynb", None),
        ("ipynb", None),
    ],
)
def test_a_notebook_is_told_without_the_number_of_a_copy(
    file: str, found: tuple[str, bool] | None
) -> None:
    assert notebook(file, RELEASED) == found


@pytest.mark.parametrize(
    ("path", "exact", "number"),
    [
        ("liwei_202_7_ex02.ipynb", True, 0),
        ("liwei_202_7_ex02-12.ipynb", True, 12),
        ("liwei_202_7_part-1.ipynb", True, 0),
        ("liwei_202_7_part-1-4.ipynb", True, 4),
        ("liwei_202_7_ex02 (1).ipynb", False, 0),  # a browser's number, and no word of Canvas
        ("liwei_202_7_ex02 (1)-2.ipynb", False, 2),
        ("liwei_202_7_ex02_20260101120000.ipynb", False, 0),
        ("liwei_202_7_ex02-20260101120000.ipynb", False, 0),
        ("liwei_202_7_all-3/ex02.ipynb", True, 3),
        ("liwei_202_7_all/ex02-3.ipynb", False, 0),
        ("liwei_202_7_all/old-3/ex02.ipynb", True, 0),
        ("Wei Li_1_assignsubmission_file_/ex02 (2).ipynb", True, 2),
        ("Wei Li_1_assignsubmission_file_ex02 (2).ipynb", True, 2),
        ("Wei Li_1_assignsubmission_file_/ex02-2.ipynb", False, 0),
        ("Wei Li_1_assignsubmission_file_/all (2)/ex02.ipynb", True, 2),
        ("Wei Li_1_assignsubmission_file_all (2)/ex02.ipynb", True, 2),
        ("Wei Li_1_assignsubmission_file_/all/ex02 (2).ipynb", False, 0),
    ],
)
def test_only_a_number_that_the_system_wrote_counts(path: str, exact: bool, number: int) -> None:
    archived = parse(Path(path))
    assert archived is not None
    copy = copy_of(archived, Path(path), RELEASED)
    assert copy is not None and (copy.exact, copy.number) == (exact, number)


Collect = Callable[..., dict[str, str]]

TEXT = "texts of files that are the same"


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
            (extracted / name).write_text(TEXT if "same" in name else name)
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
    assert "lms_user_id" in caplog.text and "left out" not in caplog.text


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


OWN = ["lovelaceada_101_7_all/{}", MOODLE.format(111, "{}"), MOODLE.format(111, "all/{}")]
"""Where what a student has named lies: in an archive, or beside what was uploaded."""


@pytest.mark.parametrize("place", OWN, ids=["canvas", "moodle", "moodle, archive"])
@pytest.mark.parametrize(
    "other",
    [
        "old/ex02.ipynb",
        "release/ex02.ipynb",
        ".history/ex02_20260101120000.ipynb",
        ".history/ex02.ipynb",
        "ex02-Copy1.ipynb",
        "ex02_20260101120000.ipynb",
        "zzz/ex02-Copy9.ipynb",
    ],
)
def test_a_backup_or_a_blank_is_not_taken_for_the_work(
    other: str, place: str, collect: Collect, caplog: pytest.LogCaptureFixture
) -> None:
    work, backup = place.format("ex02.ipynb"), place.format(other)
    assert collect(work, backup) == {work: "ada"}
    assert f"took {work} as ex02.ipynb, and left out: {backup}" in caplog.text
    assert "Skipped all files" not in caplog.text


@pytest.mark.parametrize(
    ("work", "others"),
    [
        ("liwei_202_7_ex02-1.ipynb", ["liwei_202_6_ex02.ipynb", "liwei_202_8_ex02-Copy5.ipynb"]),
        ("liwei_202_7_ex02-10.ipynb", ["liwei_202_6_ex02-9.ipynb"]),
        ("liwei_202_7_all-1/my/ex02.ipynb", ["liwei_202_6_all/ex02.ipynb"]),
        ("liwei_202_7_ex02.ipynb", ["liwei_202_8_all-1/ex02.ipynb"]),
        ("liwei_202_7_all/my/ex02.ipynb", ["liwei_202_7_all/.trash/ex02.ipynb"]),
        ("liwei_202_7_all/my/ex02.ipynb", ["liwei_202_7_all/ex02-Copy1.ipynb"]),
        ("liwei_202_7_all/ex02 (1).ipynb", []),  # the only one, whatever a browser called it
        ("liwei_202_7_ex02-Copy1.ipynb", []),
        ("a/liwei_202_7_same/ex02.ipynb", ["b/liwei_202_7_same/ex02.ipynb"]),
    ],
)
def test_what_was_uploaded_last_is_taken_as_far_as_names_tell(
    work: str, others: list[str], collect: Collect, caplog: pytest.LogCaptureFixture
) -> None:
    assert collect(work, *others) == {work: "li2"}
    assert "Skipped" not in caplog.text and ("left out" in caplog.text) == bool(others)


@pytest.mark.parametrize(
    "files",
    [
        ["all/old/ex02.ipynb", "all/release/ex02.ipynb"],
        ["all/ex02-Copy1.ipynb", "all/ex02 (1).ipynb"],
        ["all/ex02.ipynb", "final/ex02.ipynb"],
        ["all/.history/ex02_20260101120000.ipynb"],
        ["all/.work/ex02.ipynb"],
    ],
)
def test_where_names_do_not_tell_which_is_the_work_a_student_is_skipped_and_named(
    files: list[str], collect: Collect, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [f"lovelaceada_101_7_{file}" for file in files]
    sure, other = "lovelaceada_101_7_part-1.ipynb", "liwei_202_7_ex02.ipynb"
    assert collect(*paths, sure, other) == {other: "li2"}
    assert "Skipped all files of ada" in caplog.text and "submitted/ada/ps1" in caplog.text
    assert all(path in caplog.text for path in paths) and "took" not in caplog.text
