import base64
import json
import os
import re
import runpy
import shutil
from dataclasses import replace
from xml.etree import ElementTree

import forked
import nbformat
import pytest
from checkout import ROOT, copy_text
from course import with_scripts
from nbgrader.nbgraderformat import MetadataValidator

from autograder.author.build import build
from autograder.author.drawing import COLOURS
from autograder.errors import HarnessError
from autograder.exercise import catalogue

NAME = "ex02_parallel_prediction"
TEXT = ROOT / "solutions" / f"{NAME}.py"
STUB = "raise NotImplementedError()"


@pytest.fixture
def build_changed(tmp_path, ex02):
    """Build the text of ex02 with one passage replaced."""

    def change(old, new, of=ex02, *, unmarked=False):
        text = TEXT.read_text()
        if unmarked:
            text = text.replace(' tags=["experiment"]', "")
        assert old in text
        copy_text(tmp_path, NAME)
        path = tmp_path / TEXT.name
        path.write_text(text.replace(old, new, 1))
        return build(path, of)

    return change


def cells_of(notebook):
    return json.loads(notebook)["cells"]


def marked(notebook):
    nbgrader = (cell["metadata"].get("nbgrader") for cell in cells_of(notebook))
    return {meta["grade_id"]: meta for meta in nbgrader if meta}


# ----------------------------------------------------------------------- the same bytes


@pytest.mark.parametrize("text", sorted((ROOT / "solutions").glob("*.py")), ids=lambda p: p.stem)
def test_the_committed_notebook_is_a_fresh_build(text):
    committed = ROOT / "source" / text.stem / f"{text.stem}.ipynb"
    assert committed.read_text() == build(text, catalogue.find(text.stem)), (
        f"{committed.name} is not what solutions/{text.name} gives; build it again"
    )


def test_two_builds_are_identical_and_a_change_shows(ex02, build_changed):
    assert build(TEXT, ex02) == build(TEXT, ex02)
    assert build_changed("Allow 45 to 60 minutes", "Allow an hour") != build(TEXT, ex02)


def test_a_cell_put_in_between_leaves_the_other_ids_alone(ex02, build_changed):
    before = [cell["id"] for cell in cells_of(build(TEXT, ex02))]
    longer = build_changed("# %% [markdown]\n", "# %%\npass\n\n# %% [markdown]\n")
    after = [cell["id"] for cell in cells_of(longer)]
    assert after[1:] == before and len(set(after)) == len(after)


def test_cells_that_are_alike_have_ids_of_their_own(build_changed):
    twins = "# %%\npass\n\n# %%\npass\n\n# %% [markdown]\n"
    ids = [cell["id"] for cell in cells_of(build_changed("# %% [markdown]\n", twins))]
    assert len(set(ids)) == len(ids)


# ------------------------------------------------------------------ what nbgrader reads


def test_the_notebook_is_valid_for_jupyter_and_nbgrader(ex02):
    notebook = nbformat.reads(build(TEXT, ex02), as_version=4)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(not cell.get("outputs") for cell in notebook.cells)


def test_points_are_those_of_the_exercise_and_of_nothing_else(ex02):
    metas = marked(build(TEXT, ex02))
    points = {name: meta["points"] for name, meta in metas.items() if meta["grade"]}
    assert points == {check.grade_id: check.points for check in ex02.checks} | ex02.words
    checks = tuple(replace(check, points=check.points + 0.5) for check in ex02.checks)
    changed = marked(build(TEXT, replace(ex02, checks=checks)))
    assert changed["fit_small_values"]["points"] == 2.5


@pytest.mark.parametrize(
    ("grade_id", "grade", "solution", "locked"),
    [
        ("fit_small", False, True, False),
        ("fit_small_values", True, False, True),
        ("when_not", True, True, False),
        ("setup", False, False, True),
    ],
)
def test_each_mark_becomes_the_kind_of_cell_it_names(grade_id, grade, solution, locked, ex02):
    meta = marked(build(TEXT, ex02))[grade_id]
    assert (meta["grade"], meta["solution"], meta["locked"]) == (grade, solution, locked)
    assert ("points" in meta) == grade
    assert meta["schema_version"] == 3


def test_the_docstring_of_the_text_stays_out(ex02):
    first = cells_of(build(TEXT, ex02))[0]
    assert first["cell_type"] == "markdown" and first["source"][0].startswith("# ")


REFUSED = {
    "unknown grade_id": ('grade="fit_small_values"', 'grade="fit_small_value"', "did you mean"),
    "check without a cell": ('# %% grade="predict_large_lazy"', "# %%", "predict_large_lazy"),
    "blank without a cell": ('# %% solution="score_large"', "# %%", "holds a solution"),
    "question without a cell": ('[markdown] words="when_not"', "[markdown]", "when_not"),
    "unknown blank": ('solution="fit_small"', 'solution="fit_smal"', 'mean "fit_small"'),
    "cell twice": ('grade="predict_large_lazy"', 'grade="predict_large_values"', "two cells"),
    "id of two kinds": ('given="setup"', 'given="fit_small"', "two cells"),
    "no region": ("    ### BEGIN SOLUTION\n", "", 'solution="fit_small" needs a line'),
    "no end": ("    ### END SOLUTION\n", "", 'solution="fit_small" needs a line'),
    "region in the open": (
        "started = time",
        "### BEGIN SOLUTION\n### END SOLUTION\nstarted = time",
        "not marked",
    ),
    "unknown mark": ('grade="fit_small_values"', 'graed="fit_small_values"', "did you mean"),
    "two marks": ('given="setup"', 'given="setup" grade="fit_small_values"', "2 marks"),
    "unknown tag": ('tags=["experiment"]', 'tags=["experimnt"]', "if it is code"),
    "experiment in markdown": (
        "# %% [markdown]",
        '# %% [markdown] tags=["experiment"]',
        "if it is code",
    ),
    "experiment with a mark": ('given="setup"', 'given="setup" tags=["experiment"]', "2 marks"),
    "experiment that a blank needs": (
        "    ### BEGIN SOLUTION\n",
        "    ### BEGIN SOLUTION\n    print(plain)\n",
        "a name that other code uses",
    ),
    "experiment beside code that may reach it": (
        "client = connect()",
        "client = connect()\nprint(globals())",
        "other code uses or may use",
    ),
    "experiment that changes something": (
        "plain.fit(X_small, y_small)",
        "plain.fit(X_small, y_small)\nX_small[0] = 1",
        "a lasting effect",
    ),
    "words in code": ('[markdown] words="when_not"', 'words="when_not"', "expected a markdown"),
    "grade in markdown": (
        'grade="fit_small_values"',
        '[markdown] grade="fit_small_values"',
        "code",
    ),
    "raw cell": ("# %% [markdown]\n# ## What you", "# %% [raw]\n# ## What you", "raw cell"),
    "code that would be lost": ("\n# %% script=", "\nx = 1\n# %% script=", "lost"),
    "text that is no Python": ('"""Exercise 2', '"Exercise 2', "not valid Python"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_text_that_does_not_fit_is_refused_in_one_sentence(name, build_changed):
    old, new, words = REFUSED[name]
    with pytest.raises(HarnessError, match=words) as caught:
        build_changed(old, new)
    message = str(caught.value)
    assert TEXT.name in message and "\n" not in message and message.endswith(".")


ACCEPTED = {
    "two regions": (
        "    ### END SOLUTION\n",
        "    ### END SOLUTION\n    ### BEGIN SOLUTION\n    ### END SOLUTION\n",
    ),
    "a comment above the first cell": ("\n# %% [markdown]\n", "\n# hello\n# %% [markdown]\n"),
    "a script's own cell": ('# %% tags=["experiment"]\nplain', '# %% script="more"\nplain'),
    "one more given cell": ('# %% tags=["experiment"]\nplain', '# %% given="plain"\nplain'),
    "given words": ("# %% [markdown]\n# # Par", '# %% [markdown] given="intro"\n# # Par'),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_text_that_fits_is_built(name, build_changed):
    assert cells_of(build_changed(*ACCEPTED[name]))


def test_what_only_a_script_needs_stays_out_of_the_notebook(build_changed):
    assert "command_line" in TEXT.read_text()
    assert "command_line" not in build_changed("\n", "\n")


def test_a_missing_text_is_named(tmp_path, ex02):
    with pytest.raises(HarnessError, match=r"nowhere\.py cannot be read"):
        build(tmp_path / "nowhere.py", ex02)


# ------------------------------------------------------------- markdown, and pictures in it

SCRIPT = """# %% [markdown]
# ```bash
# #!/usr/bin/env bash
# #PBS -P ab12
# %time
# !ls
# # why
# ```

"""


def test_markdown_stays_as_it_is_written(build_changed):
    """A line that Jupyter would take for a command is none in a script that is shown."""
    first = cells_of(build_changed("# %% [markdown]\n", f"{SCRIPT}# %% [markdown]\n"))[0]
    wanted = "```bash\n#!/usr/bin/env bash\n#PBS -P ab12\n%time\n!ls\n# why\n```"
    assert "".join(first["source"]) == wanted


def test_a_magic_command_in_code_is_brought_back(build_changed):
    # A magic may reach any name, so that no cell of the text could be marked as an experiment.
    cell = "# %%\n# %time 1 + 1\n\n# %% [markdown]\n"
    cells = cells_of(build_changed("# %% [markdown]\n", cell, unmarked=True))
    assert "".join(cells[0]["source"]) == "%time 1 + 1"


WORDS = "Two workers that talk to one scheduler"
DRAW = """
from autograder.author.drawing import Drawing

def draw():
    picture = Drawing(20, 10)
    picture.box(1, 1, 8, 8, "<&>", dashed=True)
    picture.arrow(1, 1, 2, 2, both=True)
    picture.line([(0, 0), (1, 2)])
    return picture.svg()
"""


@pytest.fixture
def build_pictured(build_changed, tmp_path):
    """Build the text of ex02 with a picture in a cell above it."""

    def build_it(words=WORDS, code=DRAW, name="extra"):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        (tmp_path / "pictures" / "extra.py").write_text(code)
        cell = f"# %% [markdown]\n# See ![{words}](pictures/{name}.py) here.\n\n# %% [markdown]\n"
        return cells_of(build_changed("# %% [markdown]\n", cell))[0]

    return build_it


def test_a_picture_is_in_the_notebook_itself(build_pictured):
    cell = build_pictured()
    source = "".join(cell["source"])
    found = re.fullmatch(
        rf"See !\[{WORDS}\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\) here\.", source
    )
    root = ElementTree.fromstring(base64.b64decode(found[1]))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "<&>" in "".join(root.itertext())
    assert build_pictured() == cell
    assert build_pictured(words=WORDS.replace(" that", "\n# that")) == cell


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"words": "Picture"}, "the picture extra.py needs an alternative text"),
        ({"words": ""}, "the picture extra.py needs an alternative text"),
        ({"name": "none"}, r"none.py cannot be drawn \(FileNotFoundError"),
        ({"code": "1 / 0"}, r"extra.py cannot be drawn \(ZeroDivisionError"),
        ({"code": "pass"}, r"extra.py cannot be drawn \(KeyError: 'draw'"),
    ],
)
def test_a_picture_that_cannot_be_shown_is_named(build_pictured, changed, words):
    with pytest.raises(HarnessError, match=words):
        build_pictured(**changed)


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(f * c for f, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("words", ["ink", "quiet"])
@pytest.mark.parametrize("area", ["paper", "blue", "green", "yellow", "red", "grey"])
def test_words_are_legible_on_every_area_of_a_picture(words, area):
    """WCAG's AA for text; the page behind, light or dark, does not count."""
    light, dark = luminance(COLOURS[area]), luminance(COLOURS[words])
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("path", sorted((ROOT / "solutions/pictures").glob("*.py")), ids=str)
def test_every_picture_is_used_and_has_a_paper_of_its_own(path):
    svg = runpy.run_path(str(path))["draw"]()
    assert f'fill="{COLOURS["paper"]}"' in svg
    ElementTree.fromstring(svg)
    texts = [text.read_text() for text in (ROOT / "solutions").glob("*.py")]
    assert any(f"](pictures/{path.name})" in text for text in texts)


# -------------------------------------------------------------------- what students get


@pytest.fixture(scope="module")
def course(tmp_path_factory, ex02):
    """A course in which nbgrader itself has made the student version of ex02."""
    course = tmp_path_factory.mktemp("course")
    place = course / "source" / NAME
    place.mkdir(parents=True)
    (place / f"{NAME}.ipynb").write_text(build(TEXT, ex02))
    (course / "nbgrader_config.py").write_text("c = get_config()\n")
    # nbgrader calls alembic by its name.
    command = ("-m", "nbgrader", "generate_assignment", NAME, "--create")
    done = forked.run(*command, cwd=course, env={**os.environ, "PATH": with_scripts()})
    assert done.returncode == 0, done.stdout
    return course


def secrets(notebook):
    """Every line of a solution and every sentence of a model answer."""
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader", {})
        if not meta.get("solution"):
            continue
        if cell.cell_type == "markdown":
            yield from re.split(r"(?<=[.;*])\s+", cell.source)
        for region in re.findall(r"(?s)### BEGIN SOLUTION\n(.*?)### END", cell.source):
            yield from filter(None, map(str.strip, region.splitlines()))


def leaks(released, notebook):
    """What must not be in a released folder and is."""
    allowed = {f"{NAME}.ipynb"}
    found = [path.name for path in released.rglob("*") if path.name not in allowed]
    for path in released.rglob("*.ipynb"):
        content = path.read_text()
        cells = "\n".join(cell.source for cell in nbformat.reads(content, as_version=4).cells)
        marks = ("BEGIN SOLUTION", "END SOLUTION")
        # The text with its line breaks undone too: prose is wrapped anywhere.
        found += [mark for mark in marks if mark in content]
        flat = " ".join(cells.split())
        found += [secret for secret in secrets(notebook) if " ".join(secret.split()) in flat]
    return found


@pytest.fixture(scope="module")
def source(course):
    return nbformat.read(course / "source" / NAME / f"{NAME}.ipynb", as_version=4)


def test_the_release_holds_one_notebook_and_no_solution(course, source):
    released = course / "release" / NAME
    assert [path.name for path in released.iterdir()] == [f"{NAME}.ipynb"]
    assert len(list(secrets(source))) > 8
    assert leaks(released, source) == []


def test_each_blank_of_the_release_raises_and_keeps_its_contract(course, ex02):
    released = (course / "release" / NAME / f"{NAME}.ipynb").read_text()
    blanks = [
        "".join(cell["source"])
        for cell in cells_of(released)
        if cell["metadata"].get("nbgrader", {}).get("grade_id") in ex02.functions
    ]
    assert len(blanks) == len(ex02.functions) == 5
    assert all(STUB in blank and "Returns" in blank for blank in blanks)


PLANTED = {
    "solution in a code cell": ("code", "x = 1\nreturn model.fit(X, y)"),
    "solution in a hint": ("markdown", "Try `return model.predict(X)`."),
    "model answer, wrapped otherwise": (
        "markdown",
        "A linear model needs\na few multiplications per row; and so on",
    ),
    "mark": ("code", "### END SOLUTION"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_leak_is_found(name, course, source, tmp_path):
    released = shutil.copytree(course / "release" / NAME, tmp_path / NAME)
    path = released / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    kind, text = PLANTED[name]
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    notebook.cells.append(make(text))
    nbformat.write(notebook, path)
    assert len(leaks(released, source)) == 1


def test_a_planted_file_is_found(course, source, tmp_path):
    released = shutil.copytree(course / "release" / NAME, tmp_path / NAME)
    shutil.copy(TEXT, released)
    assert leaks(released, source) == [TEXT.name]
