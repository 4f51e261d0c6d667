"""A course folder to begin with: settings, the exercises' notebooks and a place to hand in.

What is there already is never touched, so the same command adds what a newer kit brings.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from autograder.author import build
from autograder.errors import HarnessError
from cluster.explain import suggestion

__all__ = ["start"]

_CONFIG = "nbgrader_config.py"

_EXCHANGE = """
# Hand-outs and hand-ins. This folder serves one person on one machine, to try everything out;
# for a class, name a folder that all of them can write to.
from pathlib import Path

c.Exchange.root = str(Path(__file__).with_name("exchange"))
"""

_ADD = (
    "add these two lines to it, so that exercises of the kit are graded by the kit: "
    "`from autograder.course import configure` and `configure(c)`"
)


def start(project: Path, folder: Path, releases: Iterable[str] = ()) -> list[str]:
    """Make a course folder, or add to one what it has not got.

    Parameters
    ----------
    project : Path
        The kit's checkout, with ``solutions/`` and ``nbgrader_config.py``.
    folder : Path
        The course's root, from where nbgrader and JupyterLab are started.
    releases : iterable of str
        Exercises to generate and release with nbgrader at once.

    Returns
    -------
    list of str
        What was made and what was left alone, one line each.

    Raises
    ------
    HarnessError
        If there is no checkout there, or the folder cannot be written to. A notebook that
        cannot be built stops the whole before anything is written, and so does an exercise that
        cannot be released.
    """
    notebooks = _notebooks(project)
    names = _to_release(releases, notebooks, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        said = [_configure(project, folder)]
        said += [_put(folder, path, text) for path, text in notebooks.items()]
    except OSError as error:
        raise HarnessError(f"The course in {folder} cannot be made: {error}.") from error
    return said + [_release(folder, name) for name in names]


def _to_release(names: Iterable[str], notebooks: Mapping[Path, str], folder: Path) -> list[str]:
    known = {path.stem for path in notebooks}
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            raise HarnessError(f"There is no exercise {name}{suggestion(name, sorted(known))}.")
    config = folder / _CONFIG
    if wanted and config.exists() and not _configured(config):
        raise HarnessError(f"Nothing was released: {config} has no word of the kit; {_ADD}.")
    return wanted


def _configured(config: Path) -> bool:
    return "autograder.course" in config.read_text(encoding="utf-8")


def _release(folder: Path, name: str) -> str:
    # nbgrader takes seconds to import, and not every course is released at once.
    from autograder.nbgrader_bridge.release import release

    release(folder, name)
    return f"released: {name}"


def _notebooks(project: Path) -> dict[Path, str]:
    """Build all notebooks; their texts by place in the course."""
    if not any((project / "solutions").glob("*.py")) or not (project / _CONFIG).is_file():
        raise HarnessError(
            f"{project} is no checkout of the kit: expected solutions/ and {_CONFIG} there. Run "
            "this in the checkout, or name it with --project."
        )
    built = build.notebooks(project / "solutions", [project / "exercises"])
    return {Path("source", name, f"{name}.ipynb"): text for name, text in built.items()}


def _configure(project: Path, folder: Path) -> str:
    place = folder / _CONFIG
    if place.exists():
        advice = "" if _configured(place) else f"; {_ADD}"
        return f"left alone: {_CONFIG}{advice}"
    text = (project / _CONFIG).read_text(encoding="utf-8")
    if "Exchange.root" not in text:
        text += _EXCHANGE
        exchange = folder / "exchange"
        exchange.mkdir(exist_ok=True)
        exchange.chmod(0o777)  # nbgrader asks for it
    place.write_text(text, encoding="utf-8")
    return f"made: {_CONFIG}"


def _put(folder: Path, path: Path, text: str) -> str:
    place = folder / path
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        return f"made: {path}"
    if place.read_text(encoding="utf-8", errors="replace") == text:
        return f"up to date: {path}"
    return f"left alone: {path}, which differs from what the kit builds"
