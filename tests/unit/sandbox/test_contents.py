"""What every box holds, and what it must not."""

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.errors import HarnessError
from autograder.sandbox import contents, landlock
from autograder.sandbox.bubblewrap import command
from autograder.sandbox.contents import refuse_exposed, withheld
from autograder.sandbox.wall import Sandbox


def test_what_boxes_can_read_is_refused(tmp_path: Path) -> None:
    refuse_exposed("The course", tmp_path)
    for place in (Path("/usr/local/course"), Path(sys.prefix) / "course"):
        with pytest.raises(HarnessError, match=r"The exchange is in .* Move it elsewhere"):
            refuse_exposed("The exchange", place)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prefix with programs and settings, from which Python runs."""
    for name in ("bin", "lib", "etc/jupyter", "etc/ipython"):
        (tmp_path / "prefix" / name).mkdir(parents=True)
        (tmp_path / "prefix" / name / "file").touch()
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr(contents, "interpreter", lambda: (tmp_path / "prefix",))
    return tmp_path / "prefix"


def test_settings_of_servers_are_withheld_and_programs_are_not(site: Path) -> None:
    assert site / "etc" / "jupyter" in withheld()
    refuse_exposed("The gradebook", site / "etc" / "jupyter" / "gradebook.db")
    with pytest.raises(HarnessError):
        refuse_exposed("The gradebook", site / "etc" / "gradebook.db")
    rights = landlock._without(site, withheld())
    assert {str(site / name) for name in ("bin", "lib", "etc/ipython")} <= set(rights)
    assert str(site / "etc" / "jupyter") not in rights


@pytest.mark.slow
def test_what_a_site_keeps_beside_its_programs_is_in_no_box() -> None:
    """nbgrader's exchange is there by default, with what others handed in."""
    place = Path("/usr/local/share")
    if not place.is_dir():
        pytest.skip("this system has no such folder")
    look = f"import os; print(os.listdir({str(place)!r}))"
    line = command(Sandbox(), [sys.executable, "-S", "-c", look])
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr
