"""Which wall boxes have, and what is said where one cannot be built."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.errors import HarnessError
from autograder.sandbox import walls
from autograder.sandbox.wall import Lack


@dataclass
class Made:
    """A wall that is only named."""

    name: str
    refused: str = ""
    lacks: tuple[Lack, ...] = ()

    def require(self) -> None:
        if self.refused:
            raise HarnessError(self.refused)

    def prepare(self, folder: Path) -> None:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def no_wall_is_named(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(walls.VARIABLE, raising=False)
    yield


def build(monkeypatch: pytest.MonkeyPatch, *made: Made) -> None:
    monkeypatch.setattr(walls, "WALLS", {wall.name: wall for wall in made})


def test_bubblewrap_is_the_default_and_another_wall_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert walls.chosen().name == walls.DEFAULT == "bwrap"
    assert walls.unheld() == "" and walls.chosen().lacks == ()
    monkeypatch.setenv(walls.VARIABLE, "landlock")
    assert walls.chosen().name == "landlock"
    assert "names of files" in walls.unheld()
    monkeypatch.setenv(walls.VARIABLE, "moat")
    with pytest.raises(HarnessError, match="is 'moat': expected bwrap or landlock"):
        walls.chosen()


def test_evidence_of_another_wall_is_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    assert walls.kind(boxed=True) is True
    assert walls.kind(boxed=False) is False
    assert walls.stated(boxed=True) == {}
    monkeypatch.setenv(walls.VARIABLE, "landlock")
    assert walls.kind(boxed=True) == "landlock"
    assert walls.kind(boxed=False) is False
    assert walls.stated(boxed=True) == {"wall": "landlock"}
    assert walls.stated(boxed=False) == {}


def test_a_wall_that_lacks_something_is_offered_and_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lacking = Made("landlock", lacks=(Lack("names of files", ""), Lack("ports", "")))
    build(monkeypatch, Made("bwrap", refused="No namespaces."), lacking)
    with pytest.raises(HarnessError) as refused:
        walls.require()
    assert str(refused.value) == (
        "No namespaces. The landlock wall can be built here: AUTOGRADER_WALL=landlock. The "
        "landlock wall does not stop every attack (names of files, ports): docs/trust.md says "
        "what that means; whether it is good enough for marks is your decision."
    )
    monkeypatch.setenv(walls.VARIABLE, "landlock")
    walls.require()


def test_nothing_is_offered_where_nothing_can_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    build(
        monkeypatch, Made("bwrap", refused="No namespaces."), Made("landlock", refused="Too old.")
    )
    with pytest.raises(HarnessError, match=r"^No namespaces\.$"):
        walls.require()
    monkeypatch.setenv(walls.VARIABLE, "landlock")
    with pytest.raises(HarnessError, match=r"^Too old\.$"):
        walls.require()
