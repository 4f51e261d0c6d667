"""What nbgrader makes once per process: the same as before, only not again and again."""

import gc
import sqlite3
from pathlib import Path
from typing import Any

import jsonschema
import nbgrader.nbgraderformat.common as metadata
import pytest
import sqlalchemy
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator, ValidationError

from autograder.nbgrader_bridge.made_once import make_once

make_once()

pytestmark = pytest.mark.usefixtures("commands")


def test_a_gradebook_that_is_opened_again_has_the_same_engine(tmp_path: Path) -> None:
    url, other = f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/other.db"
    with Gradebook(url) as first:
        first.add_student("ada")
        with Gradebook(url) as within:
            assert within.engine is first.engine
        # What was opened within is closed, and this one is not.
        assert [student.id for student in first.students] == ["ada"]
    with Gradebook(url) as again, Gradebook(other) as else_where:
        assert again.engine is first.engine and else_where.engine is not first.engine
        assert [student.id for student in again.students] == ["ada"]
        assert else_where.students == []


def test_a_gradebook_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/one.db"
    with Gradebook(url) as first:
        first.add_student("ada")
    (tmp_path / "one.db").unlink()
    with Gradebook(url) as again:
        assert again.students == []


def test_tables_are_asked_for_once_and_again_where_the_file_is_another(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    said: list[str] = []

    def opened() -> list[str]:
        said.clear()
        with Gradebook(f"sqlite:///{path}") as gradebook:
            students = [student.id for student in gradebook.students]
        return students

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    with Gradebook(f"sqlite:///{path}") as first:
        first.add_student("ada")
        sqlalchemy.event.listen(first.engine, "before_cursor_execute", note)
    asked = ("PRAGMA", "sqlite_master", "CREATE TABLE")
    assert opened() == ["ada"]
    assert said and not [line for line in said if any(word in line for word in asked)]
    # Another one with all tables, one without any, and one that lacks a table.
    other = tmp_path / "other.db"
    with Gradebook(f"sqlite:///{other}") as gradebook:
        gradebook.add_student("bob")
    other.replace(path)
    assert opened() == ["bob"]
    path.write_bytes(b"")
    assert opened() == [] and any("CREATE TABLE" in line for line in said)
    with sqlite3.connect(tmp_path / "third.db") as database:
        database.execute("create table course (id varchar(128) primary key, lms_course_id text)")
    (tmp_path / "third.db").replace(path)
    assert opened() == [] and any("CREATE TABLE" in line for line in said)


def test_what_was_imported_is_no_business_of_the_garbage_collector() -> None:
    gc.unfreeze()
    try:
        make_once()
        assert gc.get_freeze_count() > 100_000
        assert all(known is not metadata for known in gc.get_objects())
    finally:
        gc.unfreeze()


def test_each_gradebook_in_memory_is_its_own() -> None:
    with Gradebook("sqlite:///:memory:") as first, Gradebook("sqlite:///:memory:") as second:
        first.add_student("ada")
        assert second.students == []


GOOD = {
    "schema_version": 3, "grade_id": "a", "grade": True, "points": 2, "solution": False,
    "locked": True, "task": False,
}  # fmt: skip


def refused(cell: dict[str, Any]) -> str:
    notebook = new_notebook(cells=[new_code_cell(metadata={"nbgrader": cell})])
    try:
        MetadataValidator().validate_nb(notebook)
    except ValidationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "spoil",
    [{}, {"points": "two"}, {"grade": "yes", "solution": 1}, {"grade_id": 7}, {"points": -1}],
)
def test_metadata_is_refused_in_the_words_of_jsonschema(
    spoil: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = refused(GOOD | spoil)
    monkeypatch.setattr(metadata, "jsonschema", jsonschema)
    assert ours == refused(GOOD | spoil)
    assert bool(ours) == bool(spoil)


def test_the_schema_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        jsonschema.Draft4Validator, "check_schema", lambda *a, **k: seen.append(a), raising=True
    )
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "title": "x"}
    for _ in range(3):
        metadata.jsonschema.validate({}, schema)
    assert len(seen) == 1
