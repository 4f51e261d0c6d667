"""A class observed by jobs of a real SLURM, one of them cancelled at work."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import farm_class
import pytest
from course import Course, with_scripts
from farm_class import ANSWERS, evidence, observing, without_box
from local_slurm import PROFILE, jobs

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("slurm")]

MORE = 2
"""Further codes: enough for a job that is cancelled after some, and one that comes in its place."""


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Course]:
    monkeypatch.setenv("PATH", with_scripts())
    made = farm_class.begun(tmp_path / "course")
    for i in range(MORE):
        more = {**ANSWERS["ada"], "total": f"{ANSWERS['ada']['total']}\n# {i}"}
        made.hand_in(f"more{i}", farm_class.filled(made, more), "tiny")
    (tmp_path / "site.toml").write_text(f'{PROFILE}shared_directory = "{tmp_path}"\n')
    yield made
    until = time.monotonic() + 20
    while jobs() and time.monotonic() < until:
        time.sleep(0.1)
    assert jobs() == []


def test_class_is_observed_by_two_jobs_one_of_them_cancelled(
    course: Course, tmp_path: Path
) -> None:
    profile = str(tmp_path / "site.toml")
    process = observing(course, "--profile", profile, "--jobs", "2", "--force-slots")
    seen, cancelled = set[str](), ""
    until = time.monotonic() + 240
    while process.poll() is None and time.monotonic() < until:
        seen |= set(jobs())
        if not cancelled and len(evidence(course)) >= 3:
            cancelled = min(jobs("%A"))
            subprocess.run(["scancel", cancelled], check=True)
        time.sleep(0.2)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert cancelled and len(seen) >= 3, (seen, said)
    assert len(evidence(course)) == len(ANSWERS) - 1 + MORE + 1, said
    assert list(course.root.glob("evidence/jobs/*")) and not list(course.root.glob("slurm-*"))

    done = course.nbgrader("autograde", "tiny", PATH=without_box(tmp_path / "bin"))
    assert done.returncode == 0, done.stdout
    full = {"total_values": 2.0, "spread_values": 2.0, "spread_speedup": 4.0}
    for student in ("ada", "eve", *(f"more{i}" for i in range(MORE))):
        assert {k: m.auto for k, m in course.marks(student, "tiny").items()} == full
