"""A new course folder: settings, the exercises' notebooks and an exchange.

Existing files are never touched, so the same command adds what is new in a newer kit.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from autograder.author import source_folder
from autograder.author.materials import CONFIG, find
from autograder.author.scaffold import write_new
from autograder.errors import HarnessError
from cluster.explain import suggestion

__all__ = ["make_exchange", "start"]

_EXCHANGE = """
# Hand-outs and hand-ins. This folder serves one person on one machine, to try everything out;
# for a class, name a folder that all of them can write to.
from pathlib import Path

c.Exchange.root = str(Path(__file__).with_name("exchange"))
"""

_ADD = (
    "add these two lines to it, so that the kit grades its exercises: "
    "`from autograder.course import configure` and `configure(c)`"
)


def start(project: Path, folder: Path, releases: Iterable[str] = ()) -> list[str]:
    """Create a course folder, or add what is missing to one.

    Parameters
    ----------
    project : Path
        A checkout of the kit, or any folder where the package for instructors is installed.
    folder : Path
        The course's root, from where nbgrader and JupyterLab are started.
    releases : iterable of str
        Exercises to generate and release with nbgrader at once.

    Returns
    -------
    list of str
        What was created and what was left alone, one line each.

    Raises
    ------
    HarnessError
        If there is neither, or the folder cannot be written to. A notebook that
        cannot be built stops the whole before anything is written, and so does an exercise that
        cannot be released.
    """
    materials = find(project)
    notebooks = {
        Path("source", name, f"{name}.ipynb"): text
        for name, text in source_folder.notebooks(
            materials.solutions, [materials.exercises]
        ).items()
    }
    names = _to_release(releases, notebooks, folder)
    try:
        said = [_configure(materials.config, folder)]
        said += [_put(folder, path, text) for path, text in notebooks.items()]
        source_folder.note_built(folder / "source", _as_built(folder, notebooks))
    except OSError as error:
        raise HarnessError(f"The course in {folder} cannot be made: {error}.") from error
    return said + [_release(folder, name) for name in names]


def _to_release(names: Iterable[str], notebooks: Mapping[Path, str], folder: Path) -> list[str]:
    known = {path.stem for path in notebooks}
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            raise HarnessError(f"There is no exercise {name}{suggestion(name, sorted(known))}.")
    config = folder / CONFIG
    if wanted and config.exists() and not _configured(config):
        raise HarnessError(f"Nothing was released: {config} does not mention the kit; {_ADD}.")
    return wanted


def _configured(config: Path) -> bool:
    return "autograder.course" in config.read_text(encoding="utf-8")


def _release(folder: Path, name: str) -> str:
    # nbgrader takes seconds to import, and not every course is released at once.
    from autograder.nbgrader_bridge.release import release

    release(folder, name)
    return f"released: {name}"


def _configure(config: Path, folder: Path) -> str:
    text = config.read_text(encoding="utf-8")
    place = folder / CONFIG
    own_exchange = "Exchange.root" not in text
    if not write_new({place: text + _EXCHANGE if own_exchange else text}):
        advice = "" if _configured(place) else f"; {_ADD}"
        return f"left alone: {CONFIG}{advice}"
    if own_exchange:
        make_exchange(folder)
    return f"made: {CONFIG}"


def make_exchange(course: Path) -> Path:
    """Create the folder that serves as nbgrader's exchange on one machine."""
    exchange = course / "exchange"
    exchange.mkdir(exist_ok=True)
    exchange.chmod(0o777)  # nbgrader asks for it
    return exchange


def _as_built(folder: Path, notebooks: Mapping[Path, str]) -> dict[Path, str]:
    """Return the notebooks that are as the kit builds them, by their place."""
    return {
        folder / path: text
        for path, text in notebooks.items()
        if (folder / path).read_bytes() == text.encode()
    }


def _put(folder: Path, path: Path, text: str) -> str:
    if write_new({folder / path: text}):
        return f"made: {path}"
    if (folder / path).read_text(encoding="utf-8", errors="replace") == text:
        return f"up to date: {path}"
    return f"left alone: {path}, which differs from what the kit builds"
