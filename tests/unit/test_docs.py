"""What the documentation tells people to type or to open is there."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from nbgrader.apps import NbGraderApp

from autograder.cli import main
from autograder.evidence import summary
from autograder.exercise.catalogue import every, find
from autograder.speedup import credit

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("changes/*.md")),
    ROOT / ".github/pull_request_template.md",
]

MADE = {
    "build",
    "release",
    "downloaded",
    "submitted",
    "autograded",
    "feedback",
    "evidence",
    "exercises",
    "samples",
    "reports",
}
"""Folders of a course or of a run: they are not in the checkout."""
MADE_FILES = {"grades.csv", "gradebook.db"}
FOLDERS = ("autograder", "cluster", "solutions", "source", "tests", "docs", "benchmarks")
SUFFIXES = (".md", ".py", ".toml", ".ipynb", ".lock", ".csv", ".db")
SHELL = ("console", "bash", "sh")


def code(text: str) -> Iterator[tuple[str, str]]:
    """Every piece of code of a page: its language, "" for a span, and one line of it."""
    for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.M | re.S):
        yield from ((language or "text", line.strip()) for line in block.splitlines())
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S)
    yield from (("", span.strip()) for span in re.findall(r"`([^`\n]+)`", prose))


def commands(text: str) -> Iterator[list[str]]:
    for language, line in code(text):
        if language and language not in SHELL:
            continue
        for part in re.split(r"&&|;|\|", line.removeprefix("$ ").split(" #")[0]):
            try:
                words = shlex.split(part)
            except ValueError:
                continue
            while words and re.fullmatch(r"[A-Z_]+=.*|cd|sudo", words[0]):
                words = words[1:]
            if words:
                yield [Path(words[0]).name, *words[1:]]


def wrong_commands(text: str) -> Iterator[str]:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.M))
    for program, *rest in commands(text):
        named = [word for word in rest if not word.startswith("-")]
        if program == "make":
            wanted = [word for word in named if "=" not in word]
            yield from (f"make {word}" for word in wanted if word not in targets)
        elif program == "autograder" and named:
            command = main.commands.get(named[0])
            known = {option for each in (command or main).params for option in each.opts}
            options = {word.partition("=")[0] for word in rest if word.startswith("-")}
            strange = options - known - {"-h", "--help", "--version"}
            if command is None or strange:
                yield f"autograder {' '.join(rest)}"
        elif program == "nbgrader" and named and named[0] not in NbGraderApp().subcommands:
            yield f"nbgrader {named[0]}"


def wrong_paths(text: str, page: Path) -> Iterator[str]:
    for language, span in code(text):
        for word in [span] if not language else span.split() if language in SHELL else []:
            if re.fullmatch(r"\.{0,2}[\w.-]+(/[\w.-]+)*/?", word) and not is_there(word, page):
                yield word
    for target in re.findall(r"\]\(([^)#]+)", text):
        if "://" not in target and not (page.parent / target).exists():
            yield target


def is_there(word: str, page: Path) -> bool:
    """Whether a word is no path, a path in the checkout, or one that is made later."""
    first, *more = Path(word).parts or ("",)
    is_path = word.endswith("/") or Path(word).suffix in SUFFIXES or bool(more)
    if not is_path or first in MADE | {".venv", ".."} or word in MADE_FILES:
        return True
    if more or word.endswith("/"):
        return (ROOT / word).exists()
    if (ROOT / word).exists() or (page.parent / word).exists():
        return True
    # A bare name such as cases.py is that of some file.
    return any(any((ROOT / folder).rglob(word)) for folder in FOLDERS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page):
    text = page.read_text(encoding="utf-8")
    assert text.strip()
    assert [*wrong_commands(text), *wrong_paths(text, page)] == []


WRONG = {
    "target": "`make tets`",
    "target in a block": "```console\nmake setup bxo\n```",
    "subcommand": "`autograder grad x.ipynb`",
    "option": "`autograder grade --unbox ex02_parallel_prediction.ipynb`",
    "nbgrader": "`nbgrader autgrade ex02`",
    "after cd": "```sh\ncd solutions && make tets\n```",
    "path": "see `autograder/boxes.py`",
    "folder": "see `solution/`",
    "bare name": "see `exercises.toml`",
    "link": "[see](docs/nowhere.md)",
}
RIGHT = {
    "target": "`make test`",
    "target with a variable": "`make PYTHON=python3.11 setup`",
    "subcommand": "`autograder grade --unboxed ex02_parallel_prediction.ipynb`",
    "name of the program": "the `autograder` command",
    "import": "```python\nfrom autograder import check\n```",
    "nbgrader": "`nbgrader autograde ex02 --force`",
    "path": "see `autograder/sandbox/bubblewrap.py`",
    "folder": "see `solutions/`",
    "bare name": "see `cases.py`",
    "placeholder": "in `evidence/<exercise>/round` or `source/<name>/<name>.ipynb`",
    "prose": "make sure that it is there",
    "web page": "[see](https://docs.dask.org)",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_there_is_found(name):
    text = WRONG[name]
    page = ROOT / "README.md"
    assert len([*wrong_commands(text), *wrong_paths(text, page)]) == 1


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_there_or_no_reference_is_let_pass(name):
    text = RIGHT[name]
    page = ROOT / "README.md"
    assert [*wrong_commands(text), *wrong_paths(text, page)] == []


def test_make_calls_commands_that_exist():
    makefile = (ROOT / "Makefile").read_text()
    recipes = re.findall(r"^\t@?\$\(BIN\)/(.*)$", makefile, re.M)
    assert recipes
    assert [*wrong_commands("```sh\n" + "\n".join(recipes) + "\n```")] == []


def test_the_credit_formula_has_the_numbers_of_the_verdict():
    credit_ = rf"credit\s+= \((S|speedup) − {credit.ZERO}\) / \(F − {credit.ZERO}\)"
    share = rf"F\s+= {credit.SHARE:.0%} of".replace("%", " %")
    for page in ("student.md", "verdict.md"):
        text = (ROOT / "docs" / page).read_text()
        assert re.search(credit_, text)
        assert re.search(share, text)
    assert f"at most   {credit.ROOM} × W" in text and f"more than {summary.EARLY} times" in text


def test_the_limits_that_students_read_are_those_of_the_exercise():
    exercise = find("ex02_parallel_prediction")
    limits = exercise.limits
    told = (
        f"{limits.cell_seconds:.0f} s for a cell, {limits.case_seconds:.0f} s for a call, "
        f"{limits.wall_seconds:.0f} s in all, {limits.memory_bytes / 1e9:.0f} GB, "
        f"{limits.processes} processes and threads. At most {limits.output_bytes / 1e6:.0f} MB of "
        "what the notebook prints are kept."
    )
    assert told in " ".join((ROOT / "docs" / "student.md").read_text().split())


# ------------------------------------------------------------- the messages that are explained

FOREIGN = {"ModuleNotFoundError: No module named 'autograder'"}
"""Messages of others; `test_a_python_without_the_kit_says_so` tries it."""
LITERAL = 20
"""Letters that a message must have in common with the code, at least."""


def messages(text: str) -> list[str]:
    """The messages that a page explains: its block quotes."""
    return re.findall(r"^> (.+)$", text, re.M)


@cache
def patterns() -> list[re.Pattern[str]]:
    """Every text of the code, with whatever is filled in left open."""
    found = []
    for path in [*ROOT.glob("autograder/**/*.py"), *ROOT.glob("cluster/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            texts = [part.value for part in parts if isinstance(part, ast.Constant)]
            if all(isinstance(text, str) for text in texts) and len("".join(texts)) >= LITERAL:
                found.append(
                    re.compile(
                        "".join(
                            re.escape(part.value) if isinstance(part, ast.Constant) else "(.+)"
                            for part in parts
                        )
                    )
                )
    return found


def is_said(message: str) -> bool:
    return message in FOREIGN or any(pattern.fullmatch(message) for pattern in patterns())


@pytest.mark.parametrize("message", messages((ROOT / "docs" / "troubleshooting.md").read_text()))
def test_a_message_that_is_explained_is_one_that_the_code_gives(message):
    assert is_said(message)


@pytest.mark.parametrize(
    "message",
    [
        "The check was disturbed by something.",
        "it ran for less than 15 seconds",
        "predict_large closed the notebook's client.",
    ],
)
def test_a_message_that_nobody_gives_is_found(message):
    assert not is_said(message)


def test_a_python_without_the_kit_says_so():
    command = [sys.executable, "-I", "-S", "-c", "import autograder"]
    said = subprocess.run(command, capture_output=True, text=True, cwd="/").stderr
    assert said.splitlines()[-1] in FOREIGN


@pytest.mark.parametrize("exercise", every(), ids=lambda exercise: exercise.name)
def test_the_term_has_a_week_for_each_exercise_and_its_points(exercise):
    text = (ROOT / "docs/term.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| \d+ \| `{exercise.name}` \|.*\| (.*) \|$", text, re.M)
    points = sum(check.points for check in exercise.checks) + sum(exercise.words.values())
    assert rows == [f"{points:g}"]
    assert len(re.findall(rf"^\| `{exercise.name}` \|", text, re.M)) == 1
