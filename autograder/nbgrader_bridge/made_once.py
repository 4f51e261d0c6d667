"""What nbgrader makes anew for each submission, page and cell, made once per process.

- It opens the gradebook a dozen times per submission, each time with an engine of its own. A new
  engine has nothing compiled yet and builds the text of every query anew, which takes longer than
  the queries. Sessions, transactions and connections stay as they are: whoever closes a gradebook
  closes its connections.
- It checks the schema of its metadata against the schema of schemas before it checks a cell by it.

Both together were a third of the time that recording a submission's marks takes.
"""

import json
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import jsonschema
import nbgrader.api
import nbgrader.nbgraderformat.common
import sqlalchemy
from jsonschema.exceptions import best_match

__all__ = ["make_once"]


def make_once() -> None:
    """Let nbgrader do so, in this process."""
    nbgrader.api.create_engine = _engine
    nbgrader.nbgraderformat.common.jsonschema = SimpleNamespace(validate=_validate)


def _engine(url: str, **options: Any) -> sqlalchemy.Engine:
    if ":memory:" in url or url == "sqlite://":
        return sqlalchemy.create_engine(url, **options)  # each is a database of its own
    return _shared(url, tuple(sorted(options.items())))


@lru_cache(maxsize=8)
def _shared(url: str, options: tuple[tuple[str, Any], ...]) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(url, **dict(options))


def _validate(instance: Any, schema: Any) -> None:
    """Do as `jsonschema.validate`."""
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
