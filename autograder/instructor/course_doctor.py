"""What nbgrader would do with a course's exercises of the kit, by the course's configuration.

As in `autograder.instructor.doctor`, reading (`read`) and interpreting (`examine`) are apart.
"""

from dataclasses import dataclass
from pathlib import Path

from autograder.author.materials import CONFIG
from autograder.instructor.doctor import Level, Line

__all__ = ["CourseReadings", "examine", "read"]


@dataclass(frozen=True, slots=True)
class CourseReadings:
    """How nbgrader would read a course's configuration."""

    broken: str
    """Why a configuration file does not load; empty if all do."""
    lacking: str
    """The kit's steps that are missing from autograde; empty if none is."""
    boxed: bool
    uses_kit: bool
    """Whether an assignment of the course is an exercise of the kit."""
    guarded: bool
    """Whether nbgrader is kept from running such an exercise with other settings."""
    elsewhere: Path | None = None
    """The course where nbgrader works if it is called in this folder, if it is another."""


def read(root: Path) -> CourseReadings | None:
    """Load the configuration of a course as nbgrader would; None where there is no course."""
    if not (root / "source").is_dir() and not (root / CONFIG).is_file():
        return None
    # nbgrader takes seconds to import.
    from nbgrader.converters import Autograde
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    from autograder.nbgrader_bridge import course_files, guard

    broken = guard.broken(root)
    config = Config({"CourseDirectory": {"root": str(root)}})
    elsewhere = None
    if not broken:
        config = course_files.settings(root)
        other = course_files.configured(root)
        elsewhere = other if other.resolve() != root.resolve() else None
    course = CourseDirectory(config=config)
    steps = Autograde(coursedir=course, config=config).autograde_preprocessors
    return CourseReadings(
        broken=broken,
        lacking=guard.lacking(steps),
        boxed=bool(config.BoxedExecute.get("boxed", True)),
        uses_kit=guard.uses_kit(course),
        guarded=guard.installed(),
        elsewhere=elsewhere,
    )


def examine(found: CourseReadings) -> list[Line]:
    """Say what nbgrader will do with a course's exercises of the kit."""
    ours = "this course's exercises of the kit" if found.uses_kit else "exercises of the kit"
    wrong = found.broken or found.lacking
    if wrong:
        # Without the guard, nbgrader runs what it should refuse.
        does = "nbgrader refuses" if found.guarded else "nbgrader runs WITHOUT A BOX"
        level = Level.BAD if found.uses_kit else Level.WEAK
        first = Line("course", level, f"{does} {ours}", wrong)
    elif found.boxed:
        first = Line("course", Level.GOOD, f"nbgrader lets the kit grade {ours}, in a box")
    else:
        first = Line(
            "course",
            Level.WEAK,
            "BoxedExecute.boxed is False: students' code runs without protection",
            f"remove that setting from {CONFIG}",
        )
    lines = [first]
    if found.elsewhere is not None:
        lines.append(
            Line(
                "course",
                Level.WEAK,
                f"nbgrader, called here, works on another course: {found.elsewhere}",
                "name this one (--course-dir for nbgrader, --course for autograder), or remove "
                "CourseDirectory.root from nbgrader's settings",
            )
        )
    if found.guarded:
        return [*lines, Line("course", Level.GOOD, f"grading is refused if {CONFIG} fails")]
    remedy = (
        "reinstall the kit: its nbgrader_config.json is missing from etc/jupyter of the "
        "environment; in a checkout, make setup puts it there"
    )
    lacks = f"if {CONFIG} failed to load, nbgrader would run students' code without a box"
    return [*lines, Line("course", Level.WEAK, lacks, remedy)]
