"""The real nbgrader on a real course: the same marks by every way, and what goes with them."""

import asyncio
import csv
import html
import re
import shutil
from pathlib import Path
from typing import Any

import course
import nbformat
import pytest
from course import CLASS, EX02, STUDENTS, Course, Mark
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.evidence import rounds, store
from autograder.exercise import catalogue

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("commands")]

CHECKS = list(CLASS["hypatia"].verdict)


# ------------------------------------------------------------------- the same by every way


def test_command_gives_the_marks_of_the_pipeline(base: Path) -> None:
    graded = course.graded(base)
    exercise_ = catalogue.find(EX02)
    assert exercise_ is not None
    results = store.results(rounds.current(graded.root / "evidence", exercise_), EX02)
    assert [result.student for result in results] == list(STUDENTS)
    for result in results:
        assert result.grade is not None
        by_pipeline = {item.finding.grade_id: item.points for item in result.grade.scored}
        assert by_pipeline == CLASS[result.student].verdict
        assert graded.points(result.student) == by_pipeline


def test_words_wait_for_a_person_unless_nothing_was_written(base: Path) -> None:
    graded = course.graded(base)
    assert graded.marks("hypatia")["when_not"] == Mark(None, None, True)
    # What stock nbgrader gives for an answer that is as it was released.
    assert graded.marks("galois")["when_not"] == Mark(0.0, None, False)


def test_interface_in_a_running_event_loop_gives_the_same_marks(base: Path, tmp_path: Path) -> None:
    again = course.shared(base, tmp_path / "course")
    before = again.evidence()
    abel = next((again.root / "evidence").glob("*/round-*/results/*/abel.json"))
    key = re.search(r'"evidence":"(\w+)"', abel.read_text())
    assert key is not None
    (abel.parents[2] / f"evidence-{key[1]}.json").unlink()

    async def press_the_buttons() -> list[tuple[bool, str]]:
        return [again.autograde(student) for student in STUDENTS]

    done = asyncio.run(press_the_buttons())
    assert [success for success, _ in done] == [True] * 3, done
    for student in STUDENTS:
        assert again.marks(student) == course.graded(base).marks(student)
    after = again.evidence()
    written = {name for name in after if after[name] != before.get(name)}
    assert written == {f"evidence-{key[1]}.json"}
    assert "starting the box" in done[0][1] and "starting the box" not in done[2][1]


def test_student_and_force_choose_who_is_graded_again(base: Path, tmp_path: Path) -> None:
    again = course.shared(base, tmp_path / "course")
    evidence = again.evidence()
    for student in STUDENTS:
        _set(again, student, "fit_small_values", auto_score=1.25)
    skipped = again.nbgrader("autograde", EX02)
    assert skipped.returncode == 0 and skipped.stdout.count("Skipping existing assignment") == 3
    assert again.points("hypatia")["fit_small_values"] == 1.25
    forced = again.nbgrader("autograde", EX02, "--student", "hypatia", "--force")
    assert forced.returncode == 0, forced.stdout
    assert again.points("hypatia") == CLASS["hypatia"].verdict
    assert again.points("abel")["fit_small_values"] == 1.25
    assert again.evidence() == evidence


# ------------------------------------------------- lateness, marks by hand, feedback, export

LATE = """
from nbgrader.plugins import LateSubmissionPlugin

class Half(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score / 2

c.AssignLatePenalties.plugin_class = Half
"""


@pytest.fixture(scope="module")
def term(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course in which hypatia was late and a person has marked her words, then graded again."""
    late = course.shared(base, tmp_path_factory.mktemp("term") / "course")
    late.configure(LATE)
    with late.gradebook() as gradebook:
        gradebook.update_or_create_assignment(EX02, duedate="2026-03-01 12:00:00")
    for student, day in {"hypatia": 2, "abel": 1}.items():
        stamp = late.place(student).parent / "timestamp.txt"
        stamp.write_text(f"2026-03-0{day} 11:00:00 UTC")
    _set(late, "hypatia", "when_not", manual_score=1.5, needs_manual_grade=False)
    # Who marks may also overrule the machine.
    _set(late, "hypatia", "fit_small_values", manual_score=1.0, needs_manual_grade=False)
    success, log = late.autograde()
    assert success, log
    feedback = late.api().generate_feedback(EX02)
    assert feedback["success"], feedback
    return late


def test_marks_by_hand_stay_and_are_to_be_looked_at_again(term: Course) -> None:
    marks = term.marks("hypatia")
    assert marks["when_not"] == Mark(None, 1.5, True)
    assert marks["fit_small_values"] == Mark(2.0, 1.0, True)
    assert marks["score_large_values"] == Mark(2.0, None, False)


def test_export_has_totals_and_late_penalty(term: Course) -> None:
    done = term.nbgrader("export", "--to=grades.csv")
    assert done.returncode == 0, done.stdout
    with open(term.root / "grades.csv", newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    found = {
        student: tuple(
            float(rows[student][name])
            for name in ("raw_score", "late_submission_penalty", "score", "max_score")
        )
        for student in STUDENTS
    }
    # 18 points by the machine: one taken off by hand, and 1.5 of 2 for the words.
    assert found == {
        "hypatia": (18.5, 9.25, 9.25, 20.0),
        "abel": (13.0, 0.0, 13.0, 20.0),
        "galois": (0.0, 0.0, 0.0, 20.0),
    }


@pytest.fixture(scope="module")
def page(term: Course) -> str:
    return (term.root / "feedback" / "abel" / EX02 / f"{EX02}.html").read_text()


def test_feedback_says_what_was_expected_and_what_came(term: Course, page: str) -> None:
    words = _words(page)
    exercise_ = catalogue.find(EX02)
    assert exercise_ is not None
    abel = store.results(rounds.current(term.root / "evidence", exercise_), EX02)[0]
    assert abel.student == "abel" and abel.grade is not None
    assert len(abel.grade.scored) == len(CHECKS)
    for item in abel.grade.scored:
        assert _words(item.finding.title) in words
        if item.points < item.max_points:
            assert item.finding.expected and _words(item.finding.expected) in words
            assert item.finding.got and _words(item.finding.got) in words
            assert item.finding.advice and _words(item.finding.advice) in words
    assert "13 of 18 points" in words


def test_feedback_says_what_lateness_cost(term: Course, page: str) -> None:
    late = (term.root / "feedback" / "hypatia" / EX02 / f"{EX02}.html").read_text()
    sentence = "Handed in late: 9.25 points are subtracted from the points shown below."
    assert sentence in _words(late) and late.index("Handed in late") < late.index("of 18 points")
    assert "Handed in late" not in _words(page)


def test_feedback_says_which_words_are_marked(term: Course, page: str) -> None:
    marked = (term.root / "feedback" / "hypatia" / EX02 / f"{EX02}.html").read_text()
    assert "worth 2 points, are still to be marked by hand" in _words(page)
    assert "still to be marked" not in _words(marked) and "1.5 of 2" in _words(marked)
    # What a person took off the machine's mark is in the summary.
    assert "17 of 18 points" in _words(marked)


def test_feedback_has_the_students_own_error(page: str) -> None:
    words = _words(page)
    assert "ValueError: 2001 rows do not fit into chunks of 700" in words
    assert 'raise ValueError(f"{len(X)} rows do not fit into chunks of {rows}")' in words
    # Of nobody else's code but hers.
    assert "site-packages" not in words and "driver.py" not in words


def test_feedback_has_pictures_of_its_own(page: str) -> None:
    assert page.count("<svg") >= 2
    assert not re.search(r'<img[^>]+src="(?!data:)', page)


def test_feedback_has_the_students_own_outputs_and_words(page: str) -> None:
    words = _words(page)
    assert "chunks: ((512, 512," in words
    assert "If the training is what takes long, ParallelPostFit does not help" in words


# ----------------------------------------------------------------- notebooks that are odd


@pytest.fixture(scope="module")
def odd(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course with two students who hand in hypatia's answers in odd notebooks."""
    strange = course.shared(base, tmp_path_factory.mktemp("odd") / "course")
    strange.hand_in("frege", strange.fill("hypatia", _lose_and_retype))
    strange.hand_in("russell", strange.fill("hypatia", _double_and_move))
    for student in ("frege", "russell"):
        success, log = strange.autograde(student)
        assert success, log
    return strange


def _lose_and_retype(notebook: NotebookNode) -> None:
    """Delete one grade cell, make another text, a blank too, and raise the points of a third."""
    notebook.cells = [c for c in notebook.cells if _name(c) != "fit_small_values"]
    for cell in notebook.cells:
        if _name(cell) in ("predict_large_values", "score_large"):
            cell.cell_type = "markdown"
            del cell["outputs"], cell["execution_count"]
        if _name(cell) == "predict_large_speedup":
            cell.metadata.nbgrader.points = 400


def _double_and_move(notebook: NotebookNode) -> None:
    """Put all grade cells first, one of them again last, and a stranger; in an older format."""
    grades = [cell for cell in notebook.cells if _name(cell) in CHECKS]
    others = [cell for cell in notebook.cells if _name(cell) not in CHECKS]
    again = nbformat.from_dict(grades[0])
    again.source = "13.0"
    stranger = nbformat.from_dict(grades[0])
    stranger.metadata.nbgrader.grade_id = "of_another_assignment"
    notebook.cells = [*grades, *others, stranger, again]
    for cell in notebook.cells:
        del cell["id"]
    notebook.nbformat_minor = 4


@pytest.mark.parametrize("student", ["frege", "russell"])
def test_odd_notebook_is_graded_all_the_same(student: str, odd: Course) -> None:
    assert odd.points(student) == CLASS["hypatia"].verdict
    with odd.gradebook() as gradebook:
        submission = gradebook.find_submission_notebook(EX02, EX02, student)
        assert submission.max_score == 20
    nbformat.validate(nbformat.read(odd.autograded(student), as_version=nbformat.NO_CONVERT))


def test_odd_notebook_is_remarked_on(odd: Course) -> None:
    assert _remarks(odd, "frege") == (
        "The grade cell fit_small_values was missing from the notebook; graded all the same.",
        "The grade cell predict_large_values was of another type than code; graded all the same.",
    )
    assert _remarks(odd, "russell") == (
        "The grade cell fit_small_values was there more than once; graded all the same.",
    )
    assert _remarks(odd, "hypatia") == ()
    for student in ("frege", "russell"):
        top = nbformat.read(odd.autograded(student), as_version=4).cells[0].source
        assert all(remark in top for remark in _remarks(odd, student))


def test_lost_cell_has_its_finding_below_the_others(odd: Course) -> None:
    last = nbformat.read(odd.autograded("frege"), as_version=4).cells[-1]
    assert "fit_small_values" in last.source
    assert "fit_small returns the right model" in last.outputs[0].data["text/plain"]


@pytest.fixture(scope="module")
def printed(odd: Course) -> dict[str, str]:
    """What the cells of hypatia's notebook put out, by their code, after she had changed it."""
    odd.hand_in("hypatia", odd.fill("hypatia", _shift_and_save))
    success, log = odd.autograde("hypatia")
    assert success, log
    return {
        cell.source: "".join(output.get("text", "") for output in cell.outputs)
        for cell in nbformat.read(odd.autograded("hypatia"), as_version=4).cells
        if cell.cell_type == "code"
    }


def _shift_and_save(notebook: NotebookNode) -> None:
    """Move all cells, save the output of an experiment, and use a name of another one."""
    notebook.cells.pop(0)
    lazy = next(c for c in notebook.cells if c.source.startswith("lazy_labels ="))
    lazy.outputs = [new_output("stream", text="as it was\n"), new_output("error", ename="E")]
    notebook.cells.append(new_code_cell("print('mine', swapped)"))


def _of(printed: dict[str, str], code: str) -> str:
    return next(text for source, text in printed.items() if code in source)


def test_same_code_at_other_places_has_its_own_outputs(printed: dict[str, str]) -> None:
    assert "chunks: ((512, 512," in _of(printed, 'print("chunks:", X_large.chunks)')


def test_an_experiment_that_nothing_needs_has_its_saved_output(printed: dict[str, str]) -> None:
    shown = _of(printed, "lazy_labels =")
    assert "Not run again in grading" in shown and shown.endswith("as it was\n")
    assert "Not run in grading" in _of(printed, "for chunks in counts")


def test_an_experiment_that_a_students_cell_needs_runs(printed: dict[str, str]) -> None:
    assert "mine [3 1 2 0]" in _of(printed, "print('mine', swapped)")
    assert "before:" in _of(printed, "swapped = np.array")
    assert "predicting" in _of(printed, "plain = make_pipeline")


def test_right_work_with_experiments_left_out_has_all_points(
    odd: Course, printed: dict[str, str]
) -> None:
    assert odd.points("hypatia") == CLASS["hypatia"].verdict


# ----------------------------------------------------------- ordinary assignments in a box

PLAIN = "plain"


def _plain() -> NotebookNode:
    """An ordinary assignment, as nbgrader's users know it."""

    def code(source: str, name: str, *, points: float | None = None, solution: bool = False) -> Any:
        return _marked(new_code_cell(source), name, points, solution)

    words = _marked(new_markdown_cell("Because."), "why", 3, True)
    return new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}},
        cells=[
            code(
                "### BEGIN SOLUTION\n"
                "def total(path):\n    return sum(int(line) for line in open(path))\n"
                "### END SOLUTION",
                "total",
                solution=True,
            ),
            code("assert total('data.csv') == 6", "reads", points=2),
            code("round(total('data.csv') / 12, 3) * 4", "partly", points=4),
            code("raise RuntimeError('not for you')", "fails", points=1),
            code("import sys; print('careful', file=sys.stderr)", "warns", points=1),
            code(
                "open('made.txt', 'w').write('x')\nassert open('made.txt').read() == 'x'",
                "writes",
                points=1,
            ),
            code(
                "import os\nassert os.environ['NBGRADER_EXECUTION'] == 'autograde'",
                "told",
                points=1,
            ),
            words,
        ],
    )


def _marked(cell: NotebookNode, name: str, points: float | None, solution: bool) -> NotebookNode:
    cell.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": name,
        "grade": points is not None,
        "solution": solution,
        "locked": not solution,
        "task": False,
        **({} if points is None else {"points": points}),
    }
    return cell


LOOK_AROUND = """
import json, os, socket
def reach():
    try:
        socket.create_connection(("1.1.1.1", 53), timeout=3)
    except OSError as error:
        return type(error).__name__
    return "reached"
print(json.dumps({"course": os.path.exists(COURSE), "net": reach(), "home": os.environ["HOME"]}))
"""


def _plain_course(root: Path, *, stock: bool) -> Course:
    plain = course.begin(root, stock=stock)
    path = plain.write_source(PLAIN, _plain())
    (path.parent / "data.csv").write_text("1\n2\n3\n")
    released = plain.release(PLAIN)
    look = new_code_cell(LOOK_AROUND.replace("COURSE", repr(str(plain.root))))
    right = nbformat.from_dict(released)
    right.cells[0].source = _plain().cells[0].source
    right.cells[-1].source = "Because it adds up."
    right.cells.insert(0, look)
    plain.hand_in("noether", right, PLAIN)
    plain.hand_in("galois", released, PLAIN)
    # nbgrader puts the instructor's file in place of what the student made of it.
    (plain.place("noether", PLAIN).parent / "data.csv").write_text("100\n")
    success, log = plain.autograde("*", PLAIN)
    assert success, log
    return plain


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Course]:
    """The same ordinary assignment and class, in a course of the kit and in a stock one."""
    folder = tmp_path_factory.mktemp("plain")
    return {name: _plain_course(folder / name, stock=name == "stock") for name in ("kit", "stock")}


@pytest.mark.parametrize("student", ["noether", "galois"])
def test_ordinary_assignment_has_the_scores_of_stock_nbgrader(
    student: str, plain: dict[str, Course]
) -> None:
    assert plain["kit"].marks(student, PLAIN) == plain["stock"].marks(student, PLAIN)


def test_ordinary_assignment_is_scored_at_all(plain: dict[str, Course]) -> None:
    found = {name: mark.auto for name, mark in plain["kit"].marks("noether", PLAIN).items()}
    expected = {"reads": 2, "partly": 2, "fails": 0, "warns": 0, "writes": 1}
    assert found == {**expected, "told": 1, "why": None}


def test_what_an_ordinary_assignment_writes_lies_beside_it(plain: dict[str, Course]) -> None:
    def files(course_: Course) -> dict[str, bytes]:
        folder = course_.autograded("noether", PLAIN).parent
        return {
            path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".ipynb"
        }

    assert files(plain["kit"]) == files(plain["stock"])
    assert files(plain["kit"])["made.txt"] == b"x"


def test_what_was_graded_to_its_end_is_not_graded_again(
    plain: dict[str, Course], tmp_path: Path
) -> None:
    """Nor is a notebook that somebody took away, as with nbgrader."""
    copy = Course(Path(shutil.copytree(plain["kit"].root, tmp_path / "course")))
    graded = copy.autograded("noether", PLAIN)

    def grade() -> str:
        done = copy.nbgrader("autograde", PLAIN, "--student", "noether")
        assert done.returncode == 0, done.stdout
        return str(done.stdout)

    graded.unlink()
    assert "Skipping" in grade() and not graded.exists()
    # A grader that was killed before it came to the notebook, and one killed at once.
    for left in (".dask_scaling_kit_unfinished", None):
        for path in graded.parent.iterdir():
            path.unlink()
        if left:
            (graded.parent / left).touch()
        assert "was interrupted; it is graded again" in grade() and graded.exists()
        assert not (graded.parent / ".dask_scaling_kit_unfinished").exists()


def test_ordinary_assignment_runs_in_a_box(plain: dict[str, Course]) -> None:
    seen = _seen(plain["kit"])
    assert seen == {"course": False, "net": seen["net"], "home": "/home/student"}
    assert seen["net"] != "reached"
    # The look around sees a course where there is one to be seen.
    assert _seen(plain["stock"])["course"] is True


def _seen(plain: Course) -> dict[str, Any]:
    cell = nbformat.read(plain.autograded("noether", PLAIN), as_version=4).cells[0]
    return dict(nbformat.reader.json.loads(cell.outputs[0].text))


# -------------------------------------------------------------------------------- helpers


def _set(graded: Course, student: str, name: str, **values: Any) -> None:
    """Change a row of the gradebook, as the formgrader does."""
    with graded.gradebook() as gradebook:
        row = gradebook.find_grade(name, EX02, EX02, student)
        for attribute, value in values.items():
            setattr(row, attribute, value)
        gradebook.db.commit()


def _remarks(graded: Course, student: str) -> tuple[str, ...]:
    exercise_ = catalogue.find(EX02)
    assert exercise_ is not None
    results = store.results(rounds.current(graded.root / "evidence", exercise_), EX02)
    (grade,) = (result.grade for result in results if result.student == student)
    assert grade is not None
    return tuple(flag for flag in grade.flags if flag.startswith("The grade cell"))


def _name(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def _words(page: str) -> str:
    """Return the words of a page, or of a sentence in it, with single spaces."""
    text = html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"(?s)<(style|script).*?</\1>", "", page)))
    return " ".join(text.replace("`", "").split())
