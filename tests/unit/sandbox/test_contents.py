"""What every box holds, and what it must not."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.errors import HarnessError
from autograder.sandbox import landlock
from autograder.sandbox.bubblewrap import command
from autograder.sandbox.contents import names_in_box, readable, refuse_exposed, withheld
from autograder.sandbox.wall import Sandbox
from autograder.sandbox.withhold_oracle import INSTRUCTOR_PACKAGE

PACKAGES = "lib/python3.11/site-packages"


def test_what_boxes_can_read_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, Path("/usr/src/course"), Path(sys.prefix) / "course"):
        refuse_exposed("The course", place)
    for place in (Path("/usr/local/lib/course"), Path(sys.prefix) / "lib" / "course"):
        with pytest.raises(HarnessError, match=r"The exchange is in .* Move it elsewhere"):
            refuse_exposed("The exchange", place)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An environment inside of the base Python, entered by a link, as pyenv makes them."""
    base, link = tmp_path / "3.11", tmp_path / "kit"
    own = base / "envs" / "kit"
    for name in ("bin", "lib", "etc/jupyter", "etc/ipython", "src/kit/solutions", "share"):
        (own / name).mkdir(parents=True)
        (own / name / "file").write_text("seen")
    for place in (own, base, base / "envs" / "other"):
        for name in ("autograder/exercises", INSTRUCTOR_PACKAGE, "numpy"):
            (place / PACKAGES / name).mkdir(parents=True)
            (place / PACKAGES / name / "file").write_text("seen")
    (own / "lib64").symlink_to("lib")
    link.symlink_to(own)
    monkeypatch.setattr(sys, "base_prefix", str(base))
    monkeypatch.setattr(sys, "prefix", str(link))
    monkeypatch.setattr(sys, "path", [*sys.path, str(link / PACKAGES)])
    readable.cache_clear()
    yield link
    readable.cache_clear()


SECRETS = (
    *(f"{place}/{PACKAGES}/{name}"
      for place in ("kit", "3.11", "3.11/envs/kit", "3.11/envs/other")
      for name in ("autograder/exercises", INSTRUCTOR_PACKAGE)),
    "kit/lib64/python3.11/site-packages/autograder/exercises", "kit/etc/jupyter",
    "kit/src/kit/solutions", "kit/share", "3.11/envs/kit/etc/jupyter",
    f"3.11/{PACKAGES}/numpy",  # of a Python that the grader does not use, as is all in it
)  # fmt: skip
NEEDED = ("kit/bin", "kit/etc/ipython", f"kit/{PACKAGES}/numpy")


def test_programs_and_libraries_are_readable_and_nothing_beside_them(site: Path) -> None:
    root, bound = site.parent, readable()
    covered = {name for folder in withheld() for name in names_in_box(folder)}
    for name in SECRETS:
        place = root / name
        inside = any(place.is_relative_to(folder) for folder in bound)
        assert not inside or any(place.is_relative_to(folder) for folder in covered), name
    for name in NEEDED:
        place = root / name
        assert any(place.is_relative_to(folder) for folder in bound), name
        assert not any(place.is_relative_to(folder) for folder in covered), name


def test_landlock_gives_no_right_to_what_is_withheld(site: Path) -> None:
    root, rights = site.parent, set()
    for folder in readable():
        for path, right in landlock._without(folder.resolve(), withheld()).items():
            if right & landlock.landlock_calls.READ & ~landlock.landlock_calls.LIST:
                rights.add(Path(path).resolve())
    for name in SECRETS:
        place = (root / name).resolve()
        assert not any(place.is_relative_to(folder) for folder in rights), name
    for name in NEEDED:
        assert any((root / name).resolve().is_relative_to(folder) for folder in rights), name


@pytest.mark.slow
def test_a_box_sees_none_of_it_under_any_name(site: Path) -> None:
    look = (
        "import os, sys\n"
        "for name in sys.argv[1:]:\n"
        "    print(int(os.path.exists(name + '/file')), end='')"
    )
    names = [str(site.parent / name) for name in (*SECRETS, *NEEDED)]
    line = command(Sandbox(), [str(Path(sys.executable).resolve()), "-S", "-c", look, *names])
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.stdout == "0" * len(SECRETS) + "1" * len(NEEDED), done.stderr


def test_what_a_site_keeps_beside_its_programs_is_not_readable() -> None:
    """nbgrader's exchange is there by default, with what others handed in."""
    for place in map(Path, ("/usr/local/share", "/usr/local/etc", "/usr/src", "/usr/app")):
        assert not any(place.is_relative_to(folder) for folder in readable())
