"""The ``autograder`` command: everything that is not done through nbgrader."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from autograder.errors import HarnessError, KitError
from autograder.exercise.spec import SIZES
from autograder.formats import clean, one_line
from autograder.imports import leave_out_address_parsers
from cluster import ClusterError, system

__all__ = ["main"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_SIZE = click.option(
    "--size",
    type=click.Choice(SIZES),
    default=SIZES[0],
    show_default=True,
    help="Size of the cases.",
)


def _course(ctx: click.Context, option: click.Parameter, value: Path | None) -> Path | None:
    """Return the course's folder: the one that is named, or else the one we are in."""
    if value is not None:
        return value.resolve()
    if ctx.resilient_parsing:
        return None
    from autograder.nbgrader_bridge.course_files import here

    return here()


_COURSE = click.option(
    "--course",
    type=_FOLDER,
    callback=_course,
    help="The course's folder; by default the working directory.",
)


class _Group(click.Group):
    """Shows the kit's own errors as one sentence, and ends with status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (KitError, ClusterError) as error:
            click.echo(f"autograder: {clean(str(error))}", err=True)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if os.environ.get("AUTOGRADER_TRACEBACK"):
                raise
            from autograder.report.error_text import in_short

            click.echo(
                f"autograder: The kit itself failed: {in_short(error)} Please report this message; "
                "set AUTOGRADER_TRACEBACK=1 in the environment to see the traceback.",
                err=True,
            )
        sys.exit(1)


def _counts(ctx: click.Context, option: click.Parameter, value: str | None) -> list[int]:
    """Read numbers of workers, as in 1,2,4."""
    try:
        counts = [int(part) for part in (value or "").split(",") if part.strip()]
    except ValueError:
        counts = [0]
    if value is not None and (not counts or min(counts) < 1):
        raise click.BadParameter(f"{value!r} is not a list of numbers such as 1,2,4,8.")
    return counts


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dask-scaling-kit")
def main() -> None:
    """Teach, and fairly grade, scaling machine learning with Dask."""
    leave_out_address_parsers()


@main.command()
@click.argument("solutions", type=_FOLDER, default=Path("solutions"))
@click.argument("source", type=_FOLDER, default=Path("source"))
@click.option(
    "--exercises", type=_FOLDER, default=Path("exercises"), help="A course's own exercises."
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Also replace notebooks that were edited by hand, made elsewhere or released.",
)
def build(solutions: Path, source: Path, exercises: Path, overwrite: bool) -> None:
    """Build the notebooks in SOURCE from the text files in SOLUTIONS."""
    from autograder.author.source_folder import build_all

    for path in build_all(solutions, source.absolute(), [exercises], overwrite=overwrite):
        click.echo(f"built {os.path.relpath(path)}")


@main.command(short_help="Grade one NOTEBOOK on public data and print the findings.")
@click.argument("notebook", type=_FILE)
@click.option("--unboxed", is_flag=True, help="Run without protection, with your own rights.")
@click.option("--exercises", type=_FOLDER, help="A course's own exercises.")
@_SIZE
def grade(notebook: Path, unboxed: bool, exercises: Path | None, size: str) -> None:
    """Grade one NOTEBOOK on public data and print the findings; no marks are saved."""
    import tempfile

    from autograder import pipeline, submissions
    from autograder.errors import SubmissionError
    from autograder.evidence import rounds
    from autograder.exercise import catalogue
    from autograder.report import terminal

    found = catalogue.find(
        notebook.stem,
        [exercises] if exercises else catalogue.nearby(notebook.resolve().parent),
        size,
    )
    if found is None:
        raise SubmissionError(
            f"{notebook.name} does not belong to an exercise: the file must have the name of one, "
            "as in ex02_parallel_prediction.ipynb."
        )
    with tempfile.TemporaryDirectory(prefix="dsk-check-") as folder:
        context = pipeline.GradingContext(
            found, rounds.public(Path(folder), found), found.typical, not unboxed
        )
        graded = pipeline.grade(
            submissions.read(notebook), context, lambda step: click.echo(f"… {step}", err=True)
        )
    click.echo(terminal.render(graded))


@main.command()
@click.argument("name")
@click.option("--project", type=_FOLDER, default=Path("."), help="A checkout, or a course's root.")
def new(name: str, project: Path) -> None:
    """Create an exercise called NAME from a working template."""
    from autograder.author import scaffold

    for path in scaffold.new(name, project):
        click.echo(f"made {path}")


@main.command(short_help="Verify one EXERCISE, or all that have a text in solutions/.")
@click.argument("exercise", required=False)
@click.option("--samples", is_flag=True, help="Grade the sample class, too.")
@click.option("--write", is_flag=True, help="Write the reference's numbers into [typical].")
@click.option("--project", type=_FOLDER, default=Path("."), help="A checkout, or a course's root.")
@click.option("--unboxed", is_flag=True, help="Run without protection, with your own rights.")
def verify(exercise: str | None, samples: bool, write: bool, project: Path, unboxed: bool) -> None:
    """Verify all exercises that have a text in solutions/, or one EXERCISE.

    Checks that the notebook matches the text, that nothing released or visible in the sandbox
    gives a solution away, that the reference solution gets full marks, that [typical] fits, that
    answers to another seed are refused and, with --samples, that each sample gets the verdict
    that it states. Exits with status 1 if anything fails.
    """
    from autograder.author import verify as author

    tried, failed = 0, []
    for name in author.names(project.resolve(), exercise):
        click.echo(name)
        for outcome in author.verify(
            project.resolve(), name, with_samples=samples, write=write, boxed=not unboxed,
            progress=lambda step: click.echo(f"… {step}", err=True),
        ):  # fmt: skip
            tried += 1
            failed += [f"{name}, {outcome.step}: {wrong}" for wrong in outcome.wrong]
            click.echo(f"  {'✗' if outcome.wrong else '✓'} {outcome.step}: {outcome.said}")
    if failed:
        click.echo(f"\nFailed, of {tried} steps:", err=True)
        for line in failed:
            click.echo(f"  {line}", err=True)
        sys.exit(1)
    click.echo(f"All {tried} steps passed.")


@main.command(short_help="Measure how a solution of the exercise NAME scales.")
@click.argument("name")
@click.option(
    "--profile",
    default="local",
    show_default=True,
    help="Where the clusters run, as for connect().",
)
@click.option(
    "--workers",
    callback=_counts,
    help="Numbers of workers, such as 1,2,4,8; by default up to the number of cores here.",
)
@click.option("--notebook", type=_FILE, help="The solution to study; by default NAME.ipynb.")
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True)
@click.option("--output", type=_FOLDER, default=Path("."), help="Folder for the files.")
@click.option("--exercises", type=_FOLDER, help="A course's own exercises.")
def scale(
    name: str,
    profile: str,
    workers: list[int],
    notebook: Path | None,
    repeats: int,
    output: Path,
    exercises: Path | None,
) -> None:
    """Measure how a solution of the exercise NAME scales; write a page, a picture and a CSV.

    The case with the speedup check runs on clusters of several sizes: with the same input
    (strong scaling) and with input that grows with the workers (weak scaling). Measured and
    replayed times are drawn together.
    """
    from autograder.errors import SubmissionError
    from autograder.exercise import catalogue
    from autograder.instructor import scaling_study
    from autograder.report import scaling_page

    found = catalogue.find(name, [exercises] if exercises else catalogue.nearby(Path.cwd()))
    if found is None:
        raise SubmissionError(f"There is no exercise {name!r}.")
    scaling_study.timed_case(found)
    places = [
        Path(f"{name}.ipynb"),
        Path(name, f"{name}.ipynb"),
        Path(f"source/{name}/{name}.ipynb"),
    ]
    path = notebook or next((place for place in places if place.is_file()), None)
    if path is None:
        raise SubmissionError(f"There is no {name}.ipynb here; name one with --notebook.")
    cores = system.cores() if profile == "local" else 8
    study = scaling_study.measure(
        found,
        path,
        profile,
        workers or [count for count in (1, 2, 4, 8, 16, 32, 64) if count <= max(cores, 2)],
        repeats,
        lambda step: click.echo(f"… {step}", err=True),
    )
    click.echo(scaling_page.text(study))
    output.mkdir(parents=True, exist_ok=True)
    for ending, content in {
        "html": scaling_page.page(study),
        "svg": scaling_page.picture(study),
        "csv": scaling_page.table(study),
    }.items():
        place = output / f"{name}-scaling.{ending}"
        place.write_text(content, encoding="utf-8")
        click.echo(f"wrote {place}")


@main.command(short_help="Create a course in FOLDER, or add what is missing.")
@click.argument("folder", type=_FOLDER)
@click.option("--project", type=_FOLDER, default=Path("."), help="The kit's checkout.")
@click.option("--release", multiple=True, metavar="EXERCISE", help="Release this exercise, too.")
def course(folder: Path, project: Path, release: tuple[str, ...]) -> None:
    """Create a course in FOLDER, or add what is missing; nothing is overwritten."""
    from autograder.instructor.new_course import start

    for line in start(project.resolve(), folder.resolve(), release):
        click.echo(line)


@main.command(short_help="Fit the sizes of timed cases to this machine.")
@click.argument("exercise", required=False)
@_COURSE
@_SIZE
@click.option("--dry-run", is_flag=True, help="Measure and report, but write nothing.")
@click.option("--unboxed", is_flag=True, help="Run without protection, with your own rights.")
def calibrate(exercise: str | None, course: Path, size: str, dry_run: bool, unboxed: bool) -> None:
    """Fit the sizes of timed cases to this machine, for EXERCISE or the whole course."""
    from autograder.instructor.calibrate_course import calibrate_course

    for line in calibrate_course(
        course, exercise, size, boxed=not unboxed, write=not dry_run,
        progress=lambda step: click.echo(f"… {step}", err=True),
    ):  # fmt: skip
        click.echo(line)


def _farming(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of the commands that observe."""
    for option in (
        click.option(
            "--force-slots",
            is_flag=True,
            help="Allow more submissions at a time than there are cores for.",
        ),
        click.option("--status", is_flag=True, help="Show what has been observed; start nothing."),
        click.option("--dry-run", is_flag=True, help="Show what is left to do; start nothing."),
        click.option("--student", default="*", metavar="GLOB", help="Only these students."),
        click.option("--profile", help="A batch system's profile, as in connect()."),
        click.option(
            "--jobs",
            type=click.IntRange(1),
            metavar="N",
            help="Number of submissions at a time on this machine, or of jobs of the profile.",
        ),
        _COURSE,
        click.argument("assignment"),
    ):
        command = option(command)
    return command


@main.command(short_help="Run submissions in parallel; nbgrader then records the marks.")
@_farming
def observe(assignment: str, course: Path, force_slots: bool, student: str, **options: Any) -> None:
    """Run the submissions of ASSIGNMENT in parallel; nbgrader autograde then records the marks.

    Skips what has been observed, so the command can be killed and run again. Exits with status 1 if
    any submission was set aside.
    """
    from autograder.farm import command

    asked = command.Options(students=student, forced=force_slots, **options)
    if not command.observe(course, assignment, asked):
        sys.exit(1)


@main.command(short_help="Run submissions in parallel, then call nbgrader autograde.")
@_farming
@click.option("--force", is_flag=True, help="As in nbgrader: grade again what is graded already.")
def autograde(
    assignment: str, course: Path, force_slots: bool, student: str, force: bool, **options: Any
) -> None:
    """Run the submissions of ASSIGNMENT in parallel, then call nbgrader autograde."""
    from autograder.farm import command

    asked = command.Options(students=student, forced=force_slots, **options)
    sys.exit(command.autograde(course, assignment, asked, force=force))


@main.command(short_help="Write the class report of ASSIGNMENT: a page and a CSV.")
@click.argument("assignment")
@_COURSE
@click.option("--anonymous", is_flag=True, help="Write a page without names, to show to the class.")
def report(assignment: str, course: Path, anonymous: bool) -> None:
    """Write the class report of ASSIGNMENT: a page to read, and a CSV."""
    from autograder.instructor import class_report

    for path in class_report.report(course, assignment, anonymous=anonymous):
        click.echo(path)


@main.command(short_help="Write marks as a CSV that Canvas or Moodle imports.")
@click.argument("assignment")
@click.option("--canvas", "system", flag_value="canvas", help="For Canvas's gradebook.")
@click.option("--moodle", "system", flag_value="moodle", help="For Moodle's grade import.")
@click.option(
    "--column", default="", help="Heading of the marks column; by default the assignment's name."
)
@_COURSE
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write.")
def export(
    assignment: str, system: str | None, column: str, course: Path, out: Path | None
) -> None:
    """Write the marks of ASSIGNMENT as a CSV that Canvas or Moodle imports.

    Late penalties are subtracted. Students who handed in nothing, or whose work is not graded or
    not fully marked yet, get no mark.
    """
    from autograder.instructor import lms_export

    if system is None:
        raise click.UsageError("Say which system the marks are for: --canvas or --moodle.")
    done = lms_export.export(course, assignment, system, column=column, out=out)
    click.echo(done.path)
    for what, students in (
        ("handed in nothing", done.missing),
        ("not graded yet", [name for name, why in done.ungraded.items() if not why]),
        ("not fully marked", done.open),
    ):
        if students:
            click.echo(f"no mark, {what}: {', '.join(map(one_line, students))}", err=True)
    for name, why in done.ungraded.items():
        if why:
            click.echo(f"no mark, not graded yet: {one_line(name)} ({one_line(why)})", err=True)


@main.command(short_help="Grade a sample class with nbgrader and show the results.")
@click.argument("folder", type=_FOLDER, default=Path("build/demo"))
@click.argument("exercises", nargs=-1)
@click.option("--project", type=_FOLDER, default=Path("."), help="The kit's own checkout.")
@click.option("--whole", is_flag=True, help="Grade every sample, not only a class of eight.")
@click.option("--students", type=click.IntRange(1), metavar="N", help="Grade at most N samples.")
@click.option(
    "--recorded", is_flag=True, help="Judge kept evidence; nothing runs, and no sandbox is needed."
)
@click.option("--open", "opened", is_flag=True, help="Open the class reports in a browser.")
def demo(
    folder: Path,
    exercises: tuple[str, ...],
    project: Path,
    whole: bool,
    students: int | None,
    recorded: bool,
    opened: bool,
) -> None:
    """Grade a sample class in FOLDER with nbgrader and show the results.

    EXERCISES are names as in solutions/, or the word all; by default, the two that show most in
    little time. Outside a checkout, install the package dask-scaling-kit-instructor first.
    """
    if recorded:
        from autograder.instructor.recorded_demo import run
    else:
        from autograder.instructor.demo import run

    pages = run(project.resolve(), folder.resolve(), exercises, whole=whole, students=students)
    if opened:
        for page in pages:
            click.launch(page.resolve().as_uri())


@main.command(short_help="Report what this machine can enforce, and if it is fit for timing.")
def doctor() -> None:
    """Report what this machine can and cannot enforce, and whether it is fit for timing.

    In a course's folder, also check the configuration of nbgrader. Exits with status 1 if
    grading would be refused or its marks would not be reliable.
    """
    if not system.has_box():
        raise HarnessError(
            "Grading needs Linux, because the sandbox for students' code is made of its "
            "namespaces: use a server, a virtual machine, WSL2 or a container. Students' own "
            "checks work here."
        )
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from autograder.instructor import course_doctor
    from autograder.instructor.doctor import Level, examine, read, worst

    signs = {Level.GOOD: ("✓", "green"), Level.WEAK: ("~", "yellow"), Level.BAD: ("✗", "red")}
    lines = examine(read())
    course = course_doctor.read(Path.cwd())
    if course is not None:
        lines += course_doctor.examine(course)
    console = Console()
    for topic in dict.fromkeys(line.topic for line in lines):
        table = Table(title=topic.capitalize(), title_justify="left", box=None, show_header=False)
        for line in lines:
            if line.topic == topic:
                sign, style = signs[line.level]
                what = Text(line.what)
                if line.remedy:
                    what.append(f"\n→ {line.remedy}", style="dim")
                table.add_row(Text(sign, style=style), what)
        console.print(table)
        console.print(f"{topic.capitalize()}: {worst(lines, topic)}\n")
    if any(line.level is Level.BAD for line in lines):
        sys.exit(1)


@main.command(short_help="Extract submitted code and print the command to compare it.")
@click.argument("assignment")
@_COURSE
@click.option("--out", type=_FOLDER, default=Path("similar"), help="Folder for the files.")
def similar(assignment: str, course: Path, out: Path) -> None:
    """Extract the submitted code of ASSIGNMENT, and print the command to compare it.

    compare50 then shows which pairs are alike; the kit itself judges nobody. Files of an earlier
    run are removed.
    """
    from autograder.instructor.similar import command, extract

    written, skipped = extract(course, assignment, out / assignment)
    for line in skipped:
        click.echo(f"skipped: {one_line(line)}", err=True)
    click.echo(f"wrote the code of {len(written)} students; compare it with")
    click.echo(f"  {command(out / assignment)}")
    click.echo("To install compare50: pipx install compare50")
