"""Building into a course: what differs is written, and what is not the kit's own work stays."""

import errno
import hashlib
import json
import os

import pytest
from checkout import ROOT, copy_text

from autograder.author.build import build
from autograder.author.source_folder import build_all
from autograder.errors import HarnessError

NAME = "ex02_parallel_prediction"
TEXT = ROOT / "solutions" / f"{NAME}.py"


def test_build_all_writes_what_differs_and_says_where(tmp_path, ex02):
    solutions, source = tmp_path / "solutions", tmp_path / "source"
    copy_text(solutions, NAME)
    (path,) = build_all(solutions, source)
    assert path == source / NAME / f"{NAME}.ipynb"
    assert path.read_text() == build(TEXT, ex02)
    assert [file.name for file in source.rglob("*") if file.is_file()] == [path.name]
    written = path.stat().st_mtime_ns
    build_all(solutions, source)
    assert path.stat().st_mtime_ns == written


def test_build_all_writes_nothing_if_one_text_has_no_exercise(tmp_path):
    solutions, source = tmp_path / "solutions", tmp_path / "source"
    copy_text(solutions, NAME)
    (solutions / "zz_unknown.py").write_text("# %%\npass\n")
    with pytest.raises(HarnessError, match=r"zz_unknown/exercise\.toml"):
        build_all(solutions, source)
    assert not source.exists()


# ------------------------------------------------------------ what is there already


@pytest.fixture
def course_of_one(tmp_path):
    """A course with a text of its own, built once; it builds again, changed."""
    solutions, source = tmp_path / "solutions", tmp_path / "source"
    copy_text(solutions, NAME)
    (path,) = build_all(solutions, source)

    def again(*, change=True, overwrite=False):
        text = TEXT.read_text()
        if change:
            text = text.replace("Allow 45 to 60 minutes", "Allow an hour")
        (solutions / TEXT.name).write_text(text)
        build_all(solutions, source, overwrite=overwrite)
        return path.read_text()

    return path, again


def test_a_text_that_changed_is_built_again(course_of_one):
    path, again = course_of_one
    before = path.read_text()
    assert again() != before and again(change=False) == before


def test_a_notebook_that_cannot_be_written_is_what_it_was(course_of_one, monkeypatch):
    path, again = course_of_one
    before = path.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(HarnessError, match=r"\.ipynb cannot be written: .*No space left"):
            again()
    assert path.read_bytes() == before
    assert [file for file in path.parents[1].rglob("*") if file.is_file()] == [path]
    again()
    assert path.read_bytes() != before


def test_a_notebook_that_was_changed_by_hand_is_not_overwritten(course_of_one):
    path, again = course_of_one
    mine = path.read_text().replace("Allow 45", "Allow (mine) 45")
    path.write_text(mine)
    with pytest.raises(HarnessError, match=f"{path.name} was changed since it was built"):
        again()
    assert path.read_text() == mine
    assert "Allow an hour" in again(overwrite=True)


def test_a_notebook_that_the_kit_never_built_is_not_overwritten(tmp_path):
    solutions, path = tmp_path / "solutions", tmp_path / "source" / NAME / f"{NAME}.ipynb"
    copy_text(solutions, NAME)
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(HarnessError, match="was not built here"):
        build_all(solutions, tmp_path / "source")
    assert path.read_text() == "{}"


def test_what_cannot_be_written_keeps_the_others_from_it(course_of_one, tmp_path):
    """All or nothing: half a build would be another thing that nobody asked for."""
    path, again = course_of_one
    path.write_text("{}")
    other = "ex04_large_collections"
    copy_text(tmp_path / "solutions", other)
    with pytest.raises(HarnessError):
        again()
    assert not (tmp_path / "source" / other).exists()


def test_what_the_kit_could_have_built_is_its_own(course_of_one):
    """A checkout that was merged, or a course that an earlier kit made."""
    path, again = course_of_one
    for record in path.parents[2].glob(".*"):
        record.unlink()
    again(change=False)
    assert "Allow an hour" in again()


@pytest.mark.parametrize("step", ["release", "submitted/ada", "autograded/ada"])
def test_a_live_exercise_is_not_built_anew_in_silence(step, course_of_one, tmp_path):
    path, again = course_of_one
    before = path.read_text()
    live = tmp_path / step / NAME / path.name
    live.parent.mkdir(parents=True)
    live.write_text("{}")
    assert again(change=False) == before
    with pytest.raises(HarnessError, match=f"{NAME} is in use: .*--overwrite"):
        again()
    assert path.read_text() == before
    assert again(overwrite=True) != before
    assert live.read_text() == "{}"


def test_a_record_that_cannot_be_read_is_no_licence(course_of_one):
    path, again = course_of_one
    (record,) = path.parents[2].glob(".*")
    record.write_text("[1]")
    with pytest.raises(HarnessError, match="was not built here"):
        again()


def test_the_record_of_the_checkout_fits():
    """Else the next build after a change is refused; ``autograder build`` renews it."""
    record = json.loads((ROOT / ".autograder-built.json").read_text())
    for path in sorted((ROOT / "source").glob("*/*.ipynb")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert record[str(path.relative_to(ROOT))] == digest, path.name
