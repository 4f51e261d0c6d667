"""Every command that a page shows is run by a test, or it stands here with the reason why not."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("*.md")), ROOT / "changes/README.md"]

WHOLE = {
    "docs/student.md": "tests/e2e/test_docs_commands.py",
    "docs/instructor.md": "tests/e2e/test_instructor_docs.py",
}
"""Pages whose ``console`` blocks are typed as they stand, in order, by a test."""

RUN = {
    "autograder new ex06_nearest_points": ("tests/integration/test_verify.py", '["new", NAME]'),
    "autograder build": ("tests/integration/test_verify.py", '["build"]'),
    "autograder verify ex06_nearest_points --samples":
        ("tests/integration/test_verify.py", '"verify", NAME, "--samples"'),
    "autograder verify ex02_parallel_prediction --samples":
        ("tests/integration/test_verify.py", '"verify", NAME, "--samples"'),
    "autograder course ../course --release ex00_first_steps --release ex12_is_it_worth_it":
        ("tests/e2e/test_instructor_docs.py", "type_in(command, where)"),
    "autograder course ../my-course":
        ("tests/e2e/test_instructor_docs.py", "type_in(command, where)"),
    "nbgrader generate_assignment ex02_parallel_prediction":
        ("tests/e2e/test_docs_commands.py", '"generate_assignment", EX02'),
    "jupyter lab": ("tests/e2e/test_docs_commands.py", 'JUPYTER = "jupyter lab"'),
    "autograder demo --recorded":
        ("tests/unit/instructor/test_recorded_demo.py", "recorded_demo.run("),
    "make test": (".ci/run", "make check coverage test-all"),
    "make test-all": (".ci/run", "make check coverage test-all"),
    "make coverage": (".ci/run", "make check coverage test-all"),
    "make check": (".ci/run", "make check coverage test-all"),
    "make setup": ("Makefile", "check: setup"),
    "make wheels": ("tests/e2e/test_wheels.py", '"pip", "wheel"'),
    "autograder observe ex02_parallel_prediction --profile slurm --jobs 40 --dry-run":
        ("tests/e2e/slurm/test_farm.py", "observe"),
    "autograder observe ex02_parallel_prediction --profile ../site.toml --jobs 40":
        ("tests/e2e/slurm/test_farm.py", "observe"),
    ".venv/bin/python -m pytest tests/e2e/test_packaging.py":
        ("tests/e2e/test_packaging.py", "def test_"),
    ".venv/bin/towncrier build --draft --version Unreleased":
        ("tests/unit/test_repository.py", '"build", "--draft"'),
}  # fmt: skip
"""Commands of other pages: the file that runs the same, and how it says so."""

_PREPARES = "prepares what the tests themselves run in"
_RELEASE = "makes a release; RELEASING.md is gone through by hand"
_WINDOWS = "needs Windows"
_IMAGE = "needs a builder of images and a base image, which no test has; test_images.py reads them"

NOT_RUN = {
    "apt install libseccomp2": _PREPARES,
    "AUTOGRADER_WALL=landlock autograder doctor": "test_doctor.py has what it says of a wall",
    "AUTOGRADER_WALL=landlock nbgrader autograde ex02_parallel_prediction":
        "test_landlock.py grades two samples on that wall as autograder grade does it",
    "make setup box": _PREPARES,
    ". .venv/bin/activate": _PREPARES,
    "cd ../my-course": "a folder that is made the line before",
    "make demo": "test_wheels.py runs autograder demo, which is all that it does after make setup",
    "make demo EXERCISES=ex02_parallel_prediction": "as make demo",
    "autograder demo build/demo ex02_parallel_prediction --whole": "as make demo, for longer",
    "make test-fast": "is part of make test",
    "make oldest": "sets up an environment of some 170 packages; run by hand",
    "make image": _IMAGE,
    "make image FLAVOUR=grader": _IMAGE,
    "python solutions/ex02_parallel_prediction.py":
        "runs what verify runs, with the figures of a student's kernel, for a minute",
    "wsl --install": _WINDOWS,
    "wsl --update": _WINDOWS,
    "wsl -d Ubuntu -- sudo apt install --yes python3-venv": _WINDOWS,
    "git switch main && git pull": _RELEASE,
    'git tag --annotate v0.2.0 --message "0.2.0"': _RELEASE,
    "git push origin v0.2.0": _RELEASE,
    "git clone --branch v0.2.0 . build/release && cd build/release": _RELEASE,
    "sha256sum dist/*.whl": _RELEASE,
}  # fmt: skip


def shown(page: Path) -> list[str]:
    """What a page tells people to type, without the blocks that a test types whole."""
    text = page.read_text(encoding="utf-8")
    whole = str(page.relative_to(ROOT)) in WHOLE
    languages = "bash|sh" if whole else "console|bash|sh"
    blocks = re.findall(rf"^ *```(?:{languages})\n(.*?)^ *```", text, re.M | re.S)
    lines = [re.sub(r"\s+# .*", "", line).strip() for block in blocks for line in block.split("\n")]
    return [line for line in lines if line and not line.startswith("#")]


EVERY = {command for page in PAGES for command in shown(page)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_run_or_says_why_not(page: Path) -> None:
    assert [each for each in shown(page) if each not in RUN and each not in NOT_RUN] == []


def test_no_command_stands_here_that_no_page_shows() -> None:
    assert sorted({*RUN, *NOT_RUN} - EVERY) == []
    assert not RUN.keys() & NOT_RUN.keys()
    assert all(NOT_RUN.values())


@pytest.mark.parametrize("command", RUN)
def test_the_file_that_runs_a_command_does(command: str) -> None:
    file, words = RUN[command]
    assert words in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", WHOLE)
def test_a_page_that_is_typed_whole_is_read_by_its_test(page: str) -> None:
    assert Path(page).name in (ROOT / WHOLE[page]).read_text(encoding="utf-8")


def test_a_page_shows_its_commands_without_their_comments() -> None:
    assert "make demo" in shown(ROOT / "README.md")
    assert "make test-fast" in shown(ROOT / "CONTRIBUTING.md")
    assert len(EVERY) > 25


def test_no_shell_command_hides_in_a_block_without_a_language() -> None:
    """Only a block that says that it is for a shell is looked at above."""
    start = r"^(?:\$ )?(?:sudo |\. )?(?:autograder|nbgrader|make|pip|python3?|docker|podman) [\w-]"
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.M | re.S):
            assert language or not re.search(start, block, re.M), f"{page.name}: {block}"
