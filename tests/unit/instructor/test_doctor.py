"""What the doctor says of machines good and bad."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder import cli
from autograder.instructor import course_doctor, doctor
from autograder.instructor.doctor import Level, Readings, examine, worst
from autograder.nbgrader_bridge import guard

GOOD = Readings(
    box_refused="",
    root=False,
    groups=True,
    seccomp=True,
    namespaces_forbidden=True,
    prlimit=True,
    processes_counted=True,
    temporary_free=10**11,
    socket_room=50,
    cores=4,
    siblings=False,
    memory=10**10,
    swap_used=0,
    load=0.1,
    busy=0.02,
    delays_counted=True,
    governors=frozenset({"performance"}),
    forked=True,
    fork_refused="",
    missing=(),
    untested=(),
)

FAULTS = {
    "no box": ({"box_refused": "install bubblewrap"}, Level.BAD, "install bubblewrap"),
    "root": ({"root": True}, Level.WEAK, "ordinary user"),
    "no groups": ({"groups": False}, Level.WEAK, "systemd-run"),
    "no filter": ({"seccomp": False}, Level.WEAK, "libseccomp2"),
    "no prlimit": ({"prlimit": False}, Level.WEAK, "util-linux"),
    "full disk": ({"temporary_free": 10**8}, Level.WEAK, "TMPDIR"),
    "long path": ({"socket_room": -3}, Level.BAD, "TMPDIR"),
    "one core": ({"cores": 1}, Level.BAD, "two cores"),
    "no delays": ({"delays_counted": False}, Level.WEAK, "CONFIG_SCHED_INFO"),
    "halves of cores": ({"siblings": True}, Level.WEAK, "taskset"),
    "little memory": ({"memory": 10**9}, Level.WEAK, "larger machine"),
    "swap": ({"swap_used": 10**9}, Level.WEAK, "swapoff"),
    "busy": ({"busy": 0.6}, Level.WEAK, "quieter"),
    "load": ({"load": 3.5}, Level.WEAK, "top"),
    "no fork": ({"fork_refused": "setns: not permitted"}, Level.WEAK, "nothing else differs"),
    "missing package": ({"missing": ("nh3",)}, Level.BAD, "dask-scaling-kit[grader]"),
    "other version": (
        {"untested": ("dask 2025.1.0 (but ==2026.8.0)",)},
        Level.WEAK,
        "dask-scaling-kit[grader]",
    ),
    "another wall": (
        {"wall": "landlock", "lacks": ("names of files",), "forked": False},
        Level.WEAK,
        "docs/trust.md",
    ),
    "governor": ({"governors": frozenset({"powersave"})}, Level.WEAK, "cpupower"),
}


def test_good_machine_lacks_nothing() -> None:
    lines = examine(GOOD)
    assert {line.level for line in lines} == {Level.GOOD}
    assert not any(line.remedy for line in lines)
    assert worst(lines, "protection") is worst(lines, "timing") is Level.GOOD


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_is_one_line_with_its_remedy(name: str) -> None:
    change, level, remedy = FAULTS[name]
    lines = examine(replace(GOOD, **change))  # type: ignore[arg-type]
    (line,) = [line for line in lines if line.level is not Level.GOOD]
    assert line.level is level
    assert remedy in line.remedy
    assert worst(lines, line.topic) is level


def test_fork_bomb_needs_both_limits_to_be_missing() -> None:
    neither = examine(replace(GOOD, groups=False, processes_counted=False))
    assert any("fork bomb is only caught by polling" in line.what for line in neither)


def test_it_says_how_boxes_start() -> None:
    said = {
        "are forked": GOOD,
        "does its own imports, about 1.5 s: setns": replace(GOOD, fork_refused="setns"),
        "since AUTOGRADER_BOX_START is anew": replace(GOOD, forked=False),
        "as all boxes of the landlock wall do": replace(GOOD, forked=False, wall="landlock"),
        "a box for students' code (bubblewrap, user namespaces)": GOOD,
        "a box for students' code (Landlock, libseccomp)": replace(GOOD, wall="landlock"),
    }
    for words, found in said.items():
        assert sum(words in line.what for line in examine(found)) == 1, words
    for found in (GOOD, replace(GOOD, forked=False)):
        none = examine(replace(found, box_refused="install bubblewrap"))
        assert not any("imports" in line.what for line in none)


@pytest.mark.parametrize("found, status", [(GOOD, 0), (replace(GOOD, cores=1), 1)])
def test_command_shows_all_and_ends_accordingly(
    found: Readings, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "read", lambda: found)
    monkeypatch.setattr(course_doctor, "read", lambda root: None)
    done = CliRunner().invoke(cli.main, ["doctor"])
    assert done.exit_code == status, done.output
    assert "Protection: good" in done.output
    assert f"Timing: {'bad' if status else 'good'}" in done.output


def test_lists_of_processors_are_read() -> None:
    assert doctor.processor_numbers("0-2,5") == {0, 1, 2, 5}
    assert doctor.processor_numbers("3") == {3}


@pytest.mark.parametrize(
    "last, words, status",
    [
        ("configure(c)", "lets the kit grade this course's exercises", 0),
        ("configure()", "missing 1 required positional argument", 1),
        ("", "configure(c) of autograder.course", 1),
    ],
)
def test_command_loads_the_courses_configuration(
    last: str, words: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "read", lambda: GOOD)
    monkeypatch.setattr(guard, "installed", lambda: True)
    (tmp_path / "source" / "ex02_parallel_prediction").mkdir(parents=True)
    (tmp_path / "source/ex02_parallel_prediction/ex02_parallel_prediction.ipynb").write_text("{}")
    lines = ("from autograder.course import configure", "c = get_config()", last)
    (tmp_path / "nbgrader_config.py").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.main, ["doctor"], terminal_width=200)
    said = " ".join(done.output.split())
    assert done.exit_code == status, done.output
    assert words in said
    assert f"Course: {'bad' if status else 'good'}" in said


def test_outside_a_course_nothing_is_said_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "read", lambda: GOOD)
    monkeypatch.chdir(tmp_path)
    assert "Course" not in CliRunner().invoke(cli.main, ["doctor"]).output


class TestPackages:
    """What the environment has, against the kit's own list of what grading needs."""

    def test_this_environment_is_as_it_was_tested(self) -> None:
        assert doctor._packages() == ((), ())

    def test_what_students_need_alone_is_not_asked_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        needs = ["numpy>=99", 'nh3>=99; extra == "grader"', 'ruff>=99; extra == "dev"']
        monkeypatch.setattr("importlib.metadata.requires", lambda _: needs)
        missing, (untested,) = doctor._packages()
        assert missing == () and untested.startswith("nh3 ") and untested.endswith("(but >=99)")

    def test_what_is_not_installed_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        needs = ['no-such-package>=1; extra == "grader"', 'nh3>=0.2; extra == "grader"']
        monkeypatch.setattr("importlib.metadata.requires", lambda _: needs)
        assert doctor._packages() == (("no-such-package",), ())
