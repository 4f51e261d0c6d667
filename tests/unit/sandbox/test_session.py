"""Whose fault it is that a box cannot be frozen, or that a step fails in it."""

from types import SimpleNamespace

import pytest
from hostile.corpus import tiny

from autograder.errors import HarnessError
from autograder.model import CellOutput, Failure
from autograder.sandbox import machine_load, processes, session
from autograder.sandbox.running_box import Modules, RunningBox
from autograder.sandbox.session import Session


class TestWhatCannotBeFrozen:
    @pytest.fixture
    def box(self, monkeypatch: pytest.MonkeyPatch) -> Session:
        """A box whose processes do not stand still."""
        monkeypatch.setattr(processes, "freeze", lambda root: False)
        monkeypatch.setattr(processes, "ran", lambda root: {})
        monkeypatch.setattr(processes, "thaw", lambda root: None)
        monkeypatch.setattr(RunningBox, "root", 1)
        monkeypatch.setattr(RunningBox, "load", lambda self: None)
        monkeypatch.setattr(RunningBox, "_end", lambda self, root: True)
        box = Session(tiny(), Modules("driver", "scheduler", "worker"))
        box._load = None  # type: ignore[assignment]
        return box

    def test_is_tried_in_a_second_box_on_a_machine_of_its_own(
        self, box: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(machine_load, "others", lambda *_: session._OTHERS - 0.01)
        with box.frozen():
            pass
        assert box.ended == "its processes could not be stopped" and box.broken

    def test_is_nobodys_fault_on_a_busy_one(
        self, box: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(machine_load, "others", lambda *_: session._OTHERS + 0.01)
        with pytest.raises(HarnessError, match="nobody's fault"), box.frozen():
            pass
        assert box.ended


class TestAnErrorAmongTheOutputsOfAStep:
    @pytest.fixture
    def box(self, monkeypatch: pytest.MonkeyPatch) -> Session:
        """A box in which every cell puts out an error."""
        monkeypatch.setattr(RunningBox, "load", lambda self: None)
        monkeypatch.setattr(machine_load, "others", lambda *_: 0.0)
        box = Session(tiny(), Modules("driver", "scheduler", "worker"))
        failure = Failure("ValueError", "x", "")
        seen = CellOutput(0, (), 0.0, failure=failure)
        monkeypatch.setattr(box, "execute", lambda *_, silent: seen)
        box._load = None  # type: ignore[assignment]
        box.box.client = SimpleNamespace(succeeded=True)  # type: ignore[assignment]
        return box

    def test_is_a_hooks_if_the_step_succeeded(self, box: Session) -> None:
        assert box.step("settle(10)", 20, spoilt=True) is None and not box.broken

    def test_is_the_steps_own_if_it_did_not(self, box: Session) -> None:
        box.box.client.succeeded = False
        assert "settle() raised ValueError" in (box.step("settle(10)", 20, spoilt=True) or "")
        assert box.broken
