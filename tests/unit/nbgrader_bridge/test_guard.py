"""Where the kit's configuration is not in force, exercises of the kit are not run."""

import json
from pathlib import Path

import pytest
from nbconvert.exporters import NotebookExporter
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import JSONFileConfigLoader

from autograder.course import configure
from autograder.nbgrader_bridge import guard
from autograder.nbgrader_bridge.read_submission import SubmissionExporter

ROOT = Path(__file__).parents[3]
EX02 = "ex02_parallel_prediction"
GOOD = "from autograder.course import configure\nc = get_config()\nconfigure(c)\n"

BROKEN = {
    "c = get_config(\n": "line 1: SyntaxError",
    "from autograder.course import configure\nc = get_config()\nconfigure()\n": "line 3: TypeError",
    "from autograder.course import configure_all\n": "line 1: ImportError",
    "import a_package_that_is_not_there\n": "line 1: ModuleNotFoundError",
    GOOD + "c.Exchange.root = 1 / 0\n": "line 4: ZeroDivisionError",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test writes is configuration."""
    monkeypatch.setattr(guard, "jupyter_config_path", lambda: [])
    monkeypatch.chdir(tmp_path)


def installed() -> Config:
    """What an installed kit puts into every environment."""
    loader = JSONFileConfigLoader("nbgrader_config.json", str(ROOT / "jupyter-config"))
    return loader.load_config()


def converter(root: Path, config: Config, name: str = EX02, source: str = EX02) -> Autograde:
    """A batch of one submission, of a course that has another notebook besides."""
    for place in (f"source/{source}/{source}", f"submitted/ada/{name}/{name}"):
        path = root / f"{place}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    directory = CourseDirectory(root=str(root), assignment_id=name)
    made = Autograde(coursedir=directory, config=config)
    made.init_notebooks()
    return made


def exporter(made: Autograde) -> NotebookExporter:
    return made.exporter_class(parent=made, config=made.config)


def configured() -> Config:
    config = installed()
    configure(config)
    return config


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("name", [EX02, "plain"])
def test_broken_configuration_of_a_course_with_kit_exercises_is_fatal(
    text: str, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "nbgrader_config.py").write_text(text)
    made = converter(tmp_path, installed(), name)
    with pytest.raises(NbGraderException) as refused:
        exporter(made)
    assert BROKEN[text] in str(refused.value) and str(tmp_path) in str(refused.value)
    assert str(refused.value).startswith("Nothing was graded.")
    # The kit's settings from elsewhere do not make up for what a course says besides.
    with pytest.raises(NbGraderException):
        exporter(converter(tmp_path, configured(), name))


@pytest.mark.parametrize("text", BROKEN)
def test_broken_configuration_of_an_ordinary_course_is_nbgraders(text: str, tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text(text)
    assert exporter(converter(tmp_path, installed(), "plain", "plain"))


@pytest.mark.parametrize("text", ["", "c = get_config()\n"])
def test_configuration_without_the_kit_refuses_exercises_only(text: str, tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text(text)
    with pytest.raises(NbGraderException, match=f"{EX02}: .* configure\\(c\\)"):
        exporter(converter(tmp_path, installed()))
    assert type(exporter(converter(tmp_path, installed(), "plain"))) is guard.GuardedExporter


def test_exercise_of_the_courses_own_is_one_even_with_a_wrong_description(tmp_path: Path) -> None:
    (tmp_path / "exercises" / "own").mkdir(parents=True)
    (tmp_path / "exercises" / "own" / "exercise.toml").write_text("nonsense")
    with pytest.raises(NbGraderException, match="own: "):
        exporter(converter(tmp_path, installed(), "own", "own"))


def test_kits_configuration_is_in_force(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text(GOOD)
    assert type(exporter(converter(tmp_path, configured()))) is SubmissionExporter


def test_installed_file_does_not_win_against_settings_in_its_own_folder(tmp_path: Path) -> None:
    """Of two files in one folder, traitlets prefers the JSON."""
    config = Config()
    configure(config)
    config.merge(installed())
    assert type(exporter(converter(tmp_path, config))) is SubmissionExporter


@pytest.mark.parametrize("stock", ["Execute", "SaveAutoGrades"])
def test_stock_steps_after_configure_are_refused(stock: str, tmp_path: Path) -> None:
    config = configured()
    ours = {"Execute": "execute.BoxedExecute", "SaveAutoGrades": "gradebook_writer.SaveGrades"}[
        stock
    ]
    steps = config.Autograde.autograde_preprocessors
    steps[steps.index(f"autograder.nbgrader_bridge.{ours}")] = f"nbgrader.preprocessors.{stock}"
    with pytest.raises(NbGraderException, match=f"name {stock} and not"):
        exporter(converter(tmp_path, config))


def test_guard_is_put_in_where_it_is_not_installed() -> None:
    config = Config()
    guard.guard(config)
    assert config.Autograde.exporter_class == guard.GUARD
    config = configured()
    guard.guard(config)
    assert config.Autograde.exporter_class.endswith("SubmissionExporter")


def test_installed_file_names_the_guard() -> None:
    text = (ROOT / "jupyter-config" / "nbgrader_config.json").read_text()
    assert json.loads(text) == {"Autograde": {"exporter_class": guard.GUARD}}
