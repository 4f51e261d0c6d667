"""``autograder verify``: each step finds what is wrong, and is silent where nothing is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
from click.testing import CliRunner
from recordings import flat, run

from autograder.author import leaks, materials, typical, verify
from autograder.author.scaffold import new
from autograder.author.source_folder import build_all
from autograder.cli import main
from autograder.errors import HarnessError
from autograder.exercise import catalogue
from autograder.model import Comparison, Exercise, Finding, Grade, Reference, ScoredFinding, Status

NAME = "ex06_nearest_points"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with an exercise of its own, from the template, built."""
    new(NAME, tmp_path)
    build_all(tmp_path / "solutions", tmp_path / "source", [tmp_path / "exercises"])
    return tmp_path


def exercise_of(course: Path) -> Exercise:
    return catalogue.load(course / "exercises" / NAME)


def notebook_of(course: Path) -> nbformat.NotebookNode:
    return nbformat.read(course / "source" / NAME / f"{NAME}.ipynb", as_version=4)


@pytest.fixture
def measured() -> Reference:
    """A run of the reference solution that fits the template's ``[typical]``."""
    return Reference(
        speedup=1.8, work_seconds=3.0, tasks=17, graphs=1, gathered_bytes=384_000,
        graph_bytes=261_234, serial_seconds=2.9, same_round=True,
    )  # fmt: skip


@pytest.fixture
def graded(course: Path) -> Callable[..., Grade]:
    """What the pipeline makes of a sample of the template, as each states it."""

    def grade(notebook, context, *args):
        right = "squared" not in str(notebook) and "sqeuclidean" not in str(notebook)
        mistakes = context.exercise.mistakes
        gathers = replace(mistakes["squared"], name="gathers_input")
        named = {"values": mistakes["squared"], "lazy": gathers}
        scored = tuple(
            ScoredFinding(
                Finding(
                    check.grade_id, check.function, check.check, check.title,
                    Status.PASSED if right else Status.FAILED, float(right), "a", "b",
                    mistakes=(named[check.check],) if not right and check.check in named else (),
                ),
                check.points * right, check.points,
            )
            for check in context.exercise.checks
        )  # fmt: skip
        other = run(flat(2), 1.0)
        runs = (
            replace(other, case="odd", comparison=Comparison(False, "a", "b")),
            replace(other, case="large", comparison=Comparison(False, "a", "b")),
            replace(other, case="large", comparison=Comparison(True, "a", "b")),
        )
        return Grade(NAME, scored, 6.0 * right, 6.0, evidence=Seen(runs))

    return grade


class Seen:
    """The part of evidence that is looked at."""

    def __init__(self, runs):
        self.runs = runs


@pytest.fixture
def steps(course, measured, graded, monkeypatch) -> Callable[..., dict[str, verify.Outcome]]:
    """Verify the course's exercise without a box; the outcomes by step."""
    monkeypatch.setattr(verify.reference_solution, "reference", lambda *args, **options: measured)
    monkeypatch.setattr(verify.pipeline, "grade", graded)
    monkeypatch.setattr(verify, "_swap_truths", lambda *args: None)
    return lambda **options: {o.step: o for o in verify.verify(course, NAME, **options)}


ALL = {"text", "release", "box", "reference", "typical", "seeds", "sample right", "sample wrong"}


def test_nothing_is_wrong_with_the_template(steps):
    outcomes = steps(with_samples=True)
    assert {step: outcome.wrong for step, outcome in outcomes.items()} == dict.fromkeys(ALL, ())


# ------------------------------------------------------------------------- text and release


def test_a_notebook_that_is_not_a_fresh_build_is_found(steps, course):
    path = course / "source" / NAME / f"{NAME}.ipynb"
    path.write_text(path.read_text().replace("Nearest points", "Farthest points"))
    assert "differs from what the text builds" in steps()["text"].said
    path.unlink()
    assert "is missing" in steps()["text"].said


def test_a_text_that_cannot_be_built_ends_the_verification(steps, course):
    path = course / "solutions" / f"{NAME}.py"
    path.write_text(path.read_text().replace('grade="nearest_lazy"', 'grade="nearest_lasy"'))
    outcomes = steps()
    assert list(outcomes) == ["text"]
    assert '"nearest_lasy" is not in exercise.toml' in outcomes["text"].said


SOLUTION = """return X.map_blocks(
        lambda block, points: cdist(block, points).min(axis=1),
        points,
        drop_axis=1,
        dtype=float,
    )"""
LINE = "lambda block, points: cdist(block, points).min(axis=1),"
ANSWER = "When the rows are few: then starting tasks takes longer than the distances."


@pytest.mark.parametrize("text", [f"A hint: {SOLUTION}", ANSWER, ANSWER.replace(" ", "\n")])
def test_a_solution_in_another_cell_is_found(text, course):
    notebook = notebook_of(course)
    assert leaks.in_release(notebook, course / "nowhere") == []
    notebook.cells.append(nbformat.v4.new_markdown_cell(text))
    (found,) = leaks.in_release(notebook, course / "nowhere")
    assert "holds: " in found


def test_one_line_of_a_solution_may_be_shown_in_a_cell_but_not_in_a_file(course):
    notebook = notebook_of(course)
    notebook.cells.append(nbformat.v4.new_markdown_cell(f"Try `{LINE}`"))
    folder = course / "source" / NAME
    assert leaks.in_release(notebook, folder) == []
    (folder / "notes.txt").write_text(f"remember\n  {LINE}\n")
    assert leaks.in_release(notebook, folder) == [f"notes.txt holds: {LINE}"]
    (folder / "notes.txt").write_text("remember the milk")
    assert leaks.in_release(notebook, folder) == []


def test_a_blank_that_is_not_cleared_is_found(course, monkeypatch):
    notebook = notebook_of(course)
    assert leaks.in_release(notebook, course / "nowhere") == []
    monkeypatch.setattr(leaks, "cleared", lambda notebook: notebook)
    found = leaks.in_release(notebook, course / "nowhere")
    assert found[0] == "cell nearest still holds its solution: return X.map_blocks("
    assert "cell nearest holds: BEGIN SOLUTION" in found


def test_an_answer_that_a_box_would_hold_is_found(course):
    folder, notebook = course / "exercises" / NAME, notebook_of(course)
    assert leaks.in_box(folder, notebook) == []
    (folder / "helpers.py").write_text("def rows(): ...\n")
    assert leaks.in_box(folder, notebook) == []
    (folder / "helpers.py").write_text("def oracle(): ...\n")
    assert leaks.in_box(folder, notebook) == ["helpers.py has oracle in the box"]
    (folder / "helpers.py").write_text("from elsewhere import f as compare\n")
    assert leaks.in_box(folder, notebook) == ["helpers.py has compare in the box"]
    (folder / "helpers.py").write_text(f"def solve(X, points):\n    {SOLUTION}\n")
    assert leaks.in_box(folder, notebook) == [f"helpers.py holds: {LINE}"]


# ------------------------------------------------------------------ reference and baseline


def test_a_reference_without_full_marks_ends_the_verification(steps, monkeypatch):
    def refuse(*args, **options):
        raise HarnessError("The reference solution gets 4 of 6 points.")

    assert steps()["reference"].said == "full marks, speedup 1.80"
    monkeypatch.setattr(verify.reference_solution, "reference", refuse)
    outcomes = steps(with_samples=True)
    assert list(outcomes) == ["text", "release", "box", "reference"]
    assert outcomes["reference"].wrong == ("The reference solution gets 4 of 6 points.",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"speedup": 1.3}, "speedup = 1.90, but the reference has 1.30"),
        ({"tasks": 40}, "tasks = 17, but the reference has 40"),
        ({"graph_bytes": 20_123}, "graph_bytes = 270_000, but the reference has 20_100"),
    ],
)
def test_a_baseline_that_does_not_fit_is_found(change, said, course, measured):
    exercise = exercise_of(course)
    assert typical.differences(exercise, measured) == []
    assert typical.differences(exercise, replace(measured, **change)) == [said]


def test_the_baseline_is_written_and_all_else_stays(course, measured, steps):
    path = course / "exercises" / NAME / "exercise.toml"
    before = path.read_text()
    assert steps(write=True)["typical"].note == "wrote speedup, graph_bytes"
    after = path.read_text()
    assert after == before.replace("speedup = 1.9\n", "speedup = 1.80\n").replace(
        "graph_bytes = 270_000", "graph_bytes = 261_000"
    )
    assert steps(write=True)["typical"].note == "fits"
    assert path.read_text() == after


def test_a_baseline_without_a_line_to_write_to_is_refused(course, measured):
    path = course / "exercises" / NAME / "exercise.toml"
    text = path.read_text()
    start = text.index("[typical]")
    end = text.index("[mistakes")
    table = (
        "typical = { speedup = 1.0, tasks = 1, graphs = 1, gathered_bytes = 1, graph_bytes = 1 }\n"
    )
    path.write_text(table + text[:start] + text[end:])
    with pytest.raises(HarnessError, match=r"has no table \[typical\]"):
        typical.write(exercise_of(course), measured)


# ------------------------------------------------------------------------- seeds and samples


def test_an_answer_that_passes_for_every_seed_is_found(steps, graded, monkeypatch):
    def lenient(*args):
        grade = graded(*args)
        runs = [replace(r, comparison=Comparison(r.case == "odd", "", "")) for r in
                grade.evidence.runs]  # fmt: skip
        return replace(grade, evidence=Seen(runs))

    assert steps()["seeds"].wrong == ()
    monkeypatch.setattr(verify.pipeline, "grade", lenient)
    assert steps()["seeds"].wrong == ("odd: the answer to one seed is accepted for 3 other seeds",)


@pytest.mark.parametrize(
    ("constant", "others", "excused"),
    [
        # One answer whatever the seed, beside a case of the same function that refuses: as it is.
        (True, False, True),
        # No case of the function refuses, or the answers differ and pass all the same: too lenient.
        (True, True, False),
        (False, False, False),
    ],
)
def test_a_case_with_one_answer_for_all_seeds_is_named_but_not_wrong(
    constant, others, excused, steps, graded, monkeypatch
):
    def lenient(*args):
        grade = graded(*args)
        runs = [replace(r, comparison=Comparison(r.case == "odd" or others, "", "")) for r in
                grade.evidence.runs]  # fmt: skip
        return replace(grade, evidence=Seen(runs))

    def truth(round_, exercise, case, attempt):
        answer = 1 if constant else int.from_bytes(round_.key[:4], "big")
        other = int.from_bytes(round_.key[4:8], "big")
        arrays = {"split": np.array(answer), "given": np.array(other), "mistake:x": np.array(0)}
        return verify.oracle.Truth(arrays, 0.0)

    monkeypatch.setattr(verify.pipeline, "grade", lenient)
    monkeypatch.setattr(verify.oracle, "truth", truth)
    outcome = steps()["seeds"]
    assert (outcome.wrong == ()) == excused
    assert ("odd has the same answer for every seed" in outcome.said) == excused


def test_an_answer_that_passes_for_one_seed_by_chance_is_none(steps, graded, monkeypatch):
    rounds = []

    def once(notebook, context, *args):
        rounds.append(context.round.key)
        grade = graded(notebook, context)
        runs = [replace(r, comparison=Comparison(len(rounds) < 2, "", "")) for r in
                grade.evidence.runs]  # fmt: skip
        return replace(grade, evidence=Seen(runs))

    monkeypatch.setattr(verify.pipeline, "grade", once)
    assert steps()["seeds"].wrong == ()
    assert len(set(rounds)) == 2


def test_only_the_first_run_of_a_case_was_judged_by_another_truth():
    right, wrong = Comparison(True, "", ""), Comparison(False, "", "")
    timed = run(flat(2), 1.0)
    runs = [replace(timed, comparison=c) for c in (wrong, right)]
    assert verify.accepted(runs) == set()
    assert verify.accepted(runs[::-1]) == {"timed"}
    assert verify.accepted([timed]) == set()  # it failed, so there was nothing to compare


def test_the_truth_of_another_round_is_put_in_place_of_its_own(course, tmp_path):
    exercise = exercise_of(course)
    small = replace(exercise, cases=exercise.cases[:1])
    asked, other = (verify.rounds.current(tmp_path / name, small) for name in ("a", "b"))
    own = verify.oracle.truth(asked, small, small.cases[0], 0)
    verify._swap_truths(small, asked, other)
    swapped = verify.oracle.truth(asked, small, small.cases[0], 0)
    assert (swapped.arrays["distances"] != own.arrays["distances"]).any()


def test_a_sample_with_another_verdict_is_found(steps, course):
    path = course / "samples" / NAME / "wrong.toml"
    path.write_text(path.read_text().replace('nearest_values = "squared"', ""))
    outcomes = steps(with_samples=True)
    assert outcomes["sample right"].wrong == ()
    assert outcomes["sample wrong"].wrong == (
        "nearest_values: expected the mistake None, got squared",
    )


def test_samples_that_are_missing_or_wrong_are_found(steps, course):
    path = course / "samples" / NAME / "wrong.toml"
    path.write_text("student = 1")
    assert "wrong.toml" in steps(with_samples=True)["samples"].said
    for each in path.parent.iterdir():
        each.unlink()
    assert "there are none" in steps(with_samples=True)["samples"].said
    assert "samples" not in steps()


# ------------------------------------------------------------------------------- the command


def test_the_command_ends_with_status_1_if_a_step_fails(steps, course):
    done = CliRunner().invoke(main, ["verify", "--project", str(course), "--samples"])
    assert done.exit_code == 0, done.output
    assert "✓ typical: fits" in done.output
    assert "All 8 steps passed." in done.output
    (course / "source" / NAME / f"{NAME}.ipynb").unlink()
    done = CliRunner().invoke(main, ["verify", NAME, "--project", str(course)])
    assert done.exit_code == 1
    assert f"{NAME}, text: " in done.output


def test_an_exercise_without_a_text_is_refused(course, tmp_path):
    done = CliRunner().invoke(main, ["verify", "ex06_nearest", "--project", str(course)])
    assert done.exit_code == 1
    assert f'did you mean "{NAME}"' in done.output
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(HarnessError, match="There is no text"):
        verify.names(empty, None)


# ----------------------------------------------------------------- the package for instructors


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site-packages" / materials.INSTRUCTOR_PACKAGE
    (folder / "solutions").mkdir(parents=True)
    for name in ("__init__.py", "nbgrader_config.py", "solutions/ex02_parallel_prediction.py"):
        (folder / name).write_text("")
    monkeypatch.syspath_prepend(folder.parent)
    return folder


def test_texts_are_found_in_a_course_then_in_the_package(course, package):
    assert materials.find_text(course, NAME).root == course
    assert materials.find_text(course, "ex02_parallel_prediction").root == package
    assert materials.find_text(course).root == course
    assert materials.find_text(course / "nowhere").root == package
    assert materials.find(course).root == package  # the course has no configuration yet
    (course / "nbgrader_config.py").write_text("")
    assert materials.find(course).root == course


def test_without_the_package_there_is_only_the_project(course):
    with pytest.raises(HarnessError, match="dask-scaling-kit-instructor"):
        materials.find(course)


def test_a_box_never_holds_the_package(package, monkeypatch):
    from autograder.sandbox import bubblewrap, contents
    from autograder.sandbox.wall import Sandbox

    def covered() -> bool:
        line = bubblewrap.command(Sandbox(), ["true"])
        return str(package) in line and line[line.index(str(package)) - 1] == "--tmpfs"

    monkeypatch.setattr(bubblewrap.shutil, "which", lambda *args, **options: "/usr/bin/bwrap")
    monkeypatch.setattr(bubblewrap, "can_forbid_namespaces", lambda: False)
    monkeypatch.setattr(contents, "readable", lambda: (Path("/elsewhere"),))
    assert not covered()  # no part of what the box holds
    monkeypatch.setattr(contents, "readable", lambda: (package.parent,))
    assert covered()
