"""Objects that nbgrader recreates for each submission, page and cell, created once per process.

- It opens the gradebook a dozen times per submission, each time with an engine of its own. A new
  engine has nothing compiled yet and builds the text of every query anew, which takes longer than
  the queries. Sessions, transactions and connections stay as they are: whoever closes a gradebook
  closes its connections.
- Each time it asks for every one of its tables, and creates those that are missing. A file that had
  all of them when it was last opened still has them.
- It checks the schema of its metadata against the schema of schemas before it checks a cell by it.

The first and the last were a third of the time that recording a submission's marks took.

Python's garbage collector also scans all imported objects, 140,000 of them, after enough new ones:
0.12 s of CPU in one of seven feedback pages. It finds nothing there.
"""

import gc
import json
import os
from collections.abc import Callable
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

import jsonschema
import nbgrader.api
import nbgrader.nbgraderformat.common
import sqlalchemy
from jsonschema.exceptions import best_match

__all__ = ["make_once"]


def make_once() -> None:
    """Make nbgrader create these objects once in this process."""
    nbgrader.api.create_engine = _engine
    nbgrader.api.inspect = _inspect
    tables = nbgrader.api.Base.metadata
    gc.freeze()
    tables.create_all = partial(_create_all, type(tables).create_all.__get__(tables))
    nbgrader.nbgraderformat.common.jsonschema = SimpleNamespace(validate=_validate)


def _engine(url: str, **options: Any) -> sqlalchemy.Engine:
    if ":memory:" in url or url == "sqlite://":
        return sqlalchemy.create_engine(url, **options)  # each is a database of its own
    return _shared(url, tuple(sorted(options.items())))


@lru_cache(maxsize=8)
def _shared(url: str, options: tuple[tuple[str, Any], ...]) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(url, **dict(options))


_COMPLETE: WeakKeyDictionary[sqlalchemy.Engine, tuple[int, int]] = WeakKeyDictionary()
"""By engine: the file that had all tables, by its device and number."""


def _inspect(subject: Any) -> Any:
    """Replace sqlalchemy's ``inspect``, which nbgrader only asks whether there is any table."""
    if isinstance(subject, sqlalchemy.Engine) and _is_complete(subject):
        return SimpleNamespace(get_table_names=lambda: list(nbgrader.api.Base.metadata.tables))
    return sqlalchemy.inspect(subject)


def _create_all(create: Callable[..., None], bind: sqlalchemy.Engine, **options: Any) -> None:
    """Create missing tables, unless the file had all of them before."""
    if _is_complete(bind):
        return
    create(bind=bind, **options)
    if not options and (file := _file(bind)):
        _COMPLETE[bind] = file


def _is_complete(engine: sqlalchemy.Engine) -> bool:
    file = _file(engine)
    return file is not None and _COMPLETE.get(engine) == file


def _file(engine: sqlalchemy.Engine) -> tuple[int, int] | None:
    """Identify a gradebook's file, even if it is replaced; None for other databases."""
    if engine.url.get_backend_name() != "sqlite" or not engine.url.database:
        return None
    try:
        status = os.stat(engine.url.database)
    except OSError:
        return None
    # An empty one has no tables, whatever its number was before.
    return (status.st_dev, status.st_ino) if status.st_size else None


def _validate(instance: Any, schema: Any) -> None:
    """Do what `jsonschema.validate` does, with a schema that is checked once."""
    # In the order that it has: an error quotes it.
    error = best_match(_validator(json.dumps(schema)).iter_errors(instance))
    if error is not None:
        raise error


@lru_cache(maxsize=8)
def _validator(text: str) -> Any:
    schema = json.loads(text)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)
