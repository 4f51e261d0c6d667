"""Images, dev containers and Binder: what they name is there, and they take nothing else."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import util
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "packaging" / "image"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
APPTAINER = (IMAGE / "apptainer.def").read_text(encoding="utf-8")
PYTHON = PROJECT["requires-python"].removeprefix(">=")

SPEC = util.spec_from_file_location("locked", IMAGE / "locked.py")
assert SPEC is not None and SPEC.loader is not None
locked = util.module_from_spec(SPEC)
SPEC.loader.exec_module(locked)


def names(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9][\w.-]*)==", lock, re.M))


def stages() -> dict[str, str]:
    """The instructions of every stage, by its name."""
    parts = re.split(r"^FROM \S+ AS (\S+)\n", CONTAINERFILE, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def copied() -> set[str]:
    """What is copied out of the checkout."""
    found: set[str] = set()
    for words in re.findall(r"^COPY (?!--from)(.+)$", CONTAINERFILE, re.M):
        found |= set(words.split()[:-1])
    return found


# ------------------------------------------------------------------------------ the lock


def part(*extras: str) -> str:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return locked.part(LOCK, locked.needed(project, extras))


@pytest.mark.parametrize("extras", [(), ("boosting",), ("boosting", "grader", "batch")])
def test_the_part_has_all_that_is_asked_for_and_its_dependencies(extras: tuple[str, ...]) -> None:
    """As the packages themselves say that are installed here, from the same lock."""
    from importlib.metadata import PackageNotFoundError, requires

    there = names(part(*extras))
    wanted = [*PROJECT["dependencies"]]
    for extra in extras:
        wanted += PROJECT["optional-dependencies"][extra]
    seen: set[tuple[str, frozenset[str]]] = set()
    queue = [Requirement(text) for text in wanted]
    while queue:
        need = queue.pop()
        name = re.sub(r"[-_.]+", "-", need.name).lower()
        if (name, frozenset(need.extras)) in seen:
            continue
        seen.add((name, frozenset(need.extras)))
        assert name in there, f"{name} is needed and not in the part"
        try:
            more = [Requirement(text) for text in requires(need.name) or ()]
        except PackageNotFoundError:
            continue
        for each in more:
            marker = each.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in need.extras or {""}):
                queue.append(each)
    assert len(seen) > 60


def test_the_part_is_of_the_lock_with_its_hashes_and_without_contributors_tools() -> None:
    student = part("boosting")
    assert names(student) < names(LOCK)
    assert not {"mypy", "ruff", "playwright", "mkdocs-material", "jupytext"} & names(student)
    assert {"dask", "jupyterlab", "xgboost-cpu"} <= names(student)
    assert {"jupytext", "nh3", "cryptography"} <= names(part("grader", "batch"))
    for entry in re.split(r"^(?=[a-z0-9])", student, flags=re.M)[1:]:
        assert entry in LOCK and "--hash=sha256:" in entry


def test_a_package_that_is_not_locked_is_an_error() -> None:
    with pytest.raises(KeyError, match="no-such-package"):
        locked.part(LOCK, ["dask", "no-such-package"])


def test_the_command_prints_it() -> None:
    command = [sys.executable, IMAGE / "locked.py", "--only", "setuptools"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert names(printed) == {"setuptools"}


# ------------------------------------------------------------------------------ the images


def test_all_begin_with_the_python_that_the_project_names() -> None:
    assert f"ARG BASE=python:{PYTHON}-slim\n" in CONTAINERFILE
    assert f"From: python:{PYTHON}-slim\n" in APPTAINER
    assert (ROOT / ".binder/runtime.txt").read_text() == f"python-{PYTHON}\n"


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    kept = {line[1:] for line in ignored if line.startswith("!")}
    for path in copied():
        assert (ROOT / path).exists(), path
        assert path.split("/")[0] in kept, path
    assert {path.split("/")[0] for path in copied()} == kept
    for source in re.findall(r"^    (\S+) /src/\S+$", APPTAINER, re.M):
        assert source in kept


def test_the_students_image_takes_the_environment_and_nothing_else() -> None:
    assert list(stages())[-1] == "student"
    (copies,) = re.findall(r"^COPY (.+)$", stages()["student"], re.M)
    assert copies == "--from=student-kit /opt/kit /opt/kit"
    assert not re.findall(r"solutions|source|samples|instructor", stages()["student-kit"])
    assert "FROM student-kit AS grader-kit" in CONTAINERFILE  # not the other way round


@pytest.mark.parametrize("flavour", ["student", "grader"])
def test_no_image_runs_as_root(flavour: str) -> None:
    user = re.findall(r"^USER (\S+)$", stages()[flavour], re.M)[-1]
    assert f"useradd --create-home --uid 1000 {user}" in stages()[flavour]


def test_the_steps_are_those_of_one_script() -> None:
    """No image installs in another way, and each asks for what the script knows."""
    script = (IMAGE / "install").read_text()
    known = set(re.findall(r"^(\w+)\)$", script, re.M))
    for text in (CONTAINERFILE, APPTAINER, (ROOT / ".binder/postBuild").read_text()):
        asked = set(re.findall(r"packaging/image/install (\w+)", text))
        assert asked and asked <= known
        assert "pip install" not in text
    for extra in re.findall(r'locked "\$kit/bin/python" (.+?) ;;', script):
        assert set(extra.split()) <= set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize("name", ["install", "try"])
def test_the_scripts_can_be_run(name: str) -> None:
    script = IMAGE / name
    assert script.stat().st_mode & 0o111
    shell = script.read_text().splitlines()[0].rpartition("/")[2]
    subprocess.run([shell, "-n", script], check=True)


def test_what_they_start_is_a_command_of_the_environment() -> None:
    commands = {"jupyter", *PROJECT["scripts"]}
    for text in stages().values():
        for command in re.findall(r"^CMD (.+)$", text, re.M):
            assert json.loads(command)[0] in commands


# ------------------------------------------------------------------ dev containers and Binder


def test_the_dev_container_is_the_students_image() -> None:
    about = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    build = about["build"]
    assert (ROOT / ".devcontainer" / build["dockerfile"]).resolve() == ROOT / "Containerfile"
    assert build["target"] == "student"
    assert f"USER {about['remoteUser']}\n" in stages()["student"]
    python = about["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert python == "/opt/kit/bin/python"


def test_binder_leaves_no_solution_beside_the_exercises() -> None:
    script = (ROOT / ".binder/postBuild").read_text()
    assert (ROOT / ".binder/postBuild").stat().st_mode & 0o111
    removed, released = script.index("rm -rf ./*"), script.index('cp -r "$course"/release')
    assert removed < released
    subprocess.run(["bash", "-n", ROOT / ".binder/postBuild"], check=True)


def test_binder_empties_no_checkout_of_a_contributor(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    done = subprocess.run(
        ["bash", ROOT / ".binder/postBuild"],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0 and "REPO_DIR" in done.stderr
    assert (tmp_path / "precious").exists()
