"""What stands in the repository for those who take part: it parses, is complete, and agrees."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from parts import Part

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))


def load(path: str | Path) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


# ------------------------------------------------------------------------------ the hooks


def hooks() -> list[dict[str, Any]]:
    (repository,) = load(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    return repository["hooks"]


def wrong_words(entry: str) -> Iterator[str]:
    """Yield paths of a hook's command that are not in the checkout."""
    tools = {"python", "pytest", *(name.split(">")[0] for name in development())}
    program, *rest = shlex.split(entry)
    if not program.startswith(".venv/bin/") or Path(program).name not in tools:
        yield program
    yield from (word for word in rest if "/" in word and not (ROOT / word).exists())


def development() -> list[str]:
    return PROJECT["project"]["optional-dependencies"]["dev"]


def test_the_hooks_are_the_checks_of_the_makefile_and_the_build():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", makefile, re.M)
    wanted = [line.strip().removeprefix("$(BIN)/") for line in recipe.splitlines()]
    entries = [hook["entry"].removeprefix(".venv/bin/") for hook in hooks()]
    assert [entry.removesuffix(" --force-exclude") for entry in entries[:-1]] == wanted
    assert hooks()[-1]["id"] == "notebooks"


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_a_hook_needs_nothing_that_make_setup_does_not_install(hook):
    assert {"id", "name", "language", "entry"} <= hook.keys()
    assert hook["language"] == "system"
    assert [*wrong_words(hook["entry"])] == []
    assert {"files", "types_or"} & hook.keys(), "it would run at every commit"


@pytest.mark.parametrize(
    "entry", ["ruff check", ".venv/bin/black .", ".venv/bin/python -m pytest tests/no/such.py"]
)
def test_a_hook_that_could_not_run_is_found(entry):
    assert len([*wrong_words(entry)]) == 1


def test_the_build_hook_selects_the_one_test_that_compares_the_bytes():
    (hook,) = (hook for hook in hooks() if hook["id"] == "notebooks")
    *_, path, option, word = shlex.split(hook["entry"])
    tests = re.findall(r"^def (test_\w+)", (ROOT / path).read_text(encoding="utf-8"), re.M)
    assert option == "-k"
    assert [name for name in tests if word in name] == [
        "test_the_committed_notebook_is_a_fresh_build"
    ]


@pytest.mark.parametrize(
    "path",
    ["solutions/ex02_parallel_prediction.py", "autograder/author/build.py", "source/a.ipynb"],
)
def test_the_build_hook_runs_when_the_build_could_change(path):
    (hook,) = (hook for hook in hooks() if hook["id"] == "notebooks")
    assert re.search(hook["files"], path)
    assert not re.search(hook["files"], "docs/author.md")


# --------------------------------------------------------------------------- the workflow


def test_the_workflow_installs_packages_and_leaves_the_rest_to_one_script():
    (job,) = load(".github/workflows/ci.yml")["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands[-1] == "bash .ci/run"
    assert (ROOT / ".ci/run").is_file()
    packages = [line for line in "\n".join(commands[:-1]).splitlines() if line]
    assert all(line.startswith(("sudo apt-get ", "sudo sysctl ")) for line in packages)
    assert any("bubblewrap" in line for line in packages)


def test_the_workflow_runs_on_changes_and_may_only_read():
    workflow = load(".github/workflows/ci.yml")
    assert {"push", "pull_request"} <= workflow[True].keys()  # YAML reads "on" as true
    assert workflow["permissions"] == {"contents": "read"}


def test_the_workflow_tries_the_oldest_python_that_is_supported():
    (job,) = load(".github/workflows/ci.yml")["jobs"].values()
    (setup,) = (step["with"] for step in job["steps"] if "setup-python" in step.get("uses", ""))
    assert f">={setup['python-version']}" == PROJECT["project"]["requires-python"]
    assert (ROOT / setup["cache-dependency-path"]).is_file()


# ------------------------------------------------------------------------------ the forms

INPUTS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


def wrong_form(form: dict[str, Any]) -> Iterator[str]:
    """Yield what the forge would refuse of an issue form."""
    yield from (f"no {key}" for key in ("name", "description", "body") if not form.get(key))
    ids = [field["id"] for field in form.get("body", []) if "id" in field]
    yield from (f"{name} twice" for name in {*ids} if ids.count(name) > 1)
    for field in form.get("body", []):
        attributes = field.get("attributes", {})
        if field.get("type") not in INPUTS:
            yield f"type {field.get('type')}"
        elif field["type"] == "markdown":
            yield from [] if attributes.get("value") else ["markdown without value"]
        elif not isinstance(attributes.get("label"), str):
            yield f"{field.get('id')} without label"
        options = attributes.get("options", [])
        yield from (f"option {o}" for o in options if not isinstance(o.get("label"), str))


def required(form: dict[str, Any]) -> set[str]:
    return {f["id"] for f in form["body"] if f.get("validations", {}).get("required")}


@pytest.mark.parametrize(
    "path", [path for path in FORMS if path.name != "config.yml"], ids=lambda path: path.stem
)
def test_an_issue_form_is_one(path):
    assert [*wrong_form(load(path))] == []
    assert required(load(path))


RIGHT_FIELD = {"type": "input", "id": "a", "attributes": {"label": "A"}}


@pytest.mark.parametrize(
    "fields",
    [
        [{**RIGHT_FIELD, "type": "text"}],
        [RIGHT_FIELD, RIGHT_FIELD],
        [{**RIGHT_FIELD, "attributes": {}}],
        [{"type": "markdown", "attributes": {}}],
        [{"type": "checkboxes", "attributes": {"label": "A", "options": [{"label": True}]}}],
    ],
)
def test_a_form_that_the_forge_would_refuse_is_found(fields):
    form = {"name": "n", "description": "d", "body": fields}
    assert len([*wrong_form(form)]) == 1
    assert [*wrong_form({**form, "body": [RIGHT_FIELD]})] == []


def test_there_is_a_form_for_each_kind_of_trouble():
    kinds = {"wrong-verdict", "unclear-exercise", "grading-stopped", "config"}
    assert {path.stem for path in FORMS} == kinds


def test_a_wrong_verdict_comes_with_what_it_was_made_from():
    form = load(".github/ISSUE_TEMPLATE/wrong-verdict.yml")
    assert {"evidence", "exercise", "version", "expected"} <= required(form)


def test_the_form_says_where_evidence_is(tmp_path):
    from autograder.evidence import rounds, store
    from autograder.exercise.catalogue import find
    from autograder.model import SCHEMA, Result

    exercise = find("ex02_parallel_prediction")
    round_ = rounds.current(tmp_path / "evidence", exercise)
    store.save_result(
        round_, "ASSIGNMENT", Result(SCHEMA, "STUDENT", exercise.name, None, evidence="KEY")
    )
    (result,) = tmp_path.rglob("STUDENT.json")
    text = (ROOT / ".github/ISSUE_TEMPLATE/wrong-verdict.yml").read_text(encoding="utf-8")
    for path in [result, result.parents[2] / "evidence-KEY.json", tmp_path / "evidence" / "secret"]:
        shown = str(path.relative_to(tmp_path)).replace(exercise.name, "EXERCISE")
        assert f"`{shown.replace('round-1', 'round-N')}`" in text
    assert '"evidence":"KEY"' in result.read_text(encoding="utf-8")


def test_security_reports_are_led_away_from_the_issues():
    config = load(".github/ISSUE_TEMPLATE/config.yml")
    (link,) = config["contact_links"]
    assert {"name", "url", "about"} == link.keys()
    assert "SECURITY.md" in link["about"]
    assert link["url"].startswith("https://")


# --------------------------------------------------------------------------- what must agree


def released(version: str) -> str:
    return version.partition(".dev")[0]


def test_the_citation_is_valid_and_of_this_version():
    citation = load("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()  # all that 1.2 wants
    assert citation["cff-version"] == "1.2.0"
    assert all(author.get("name") or author.get("family-names") for author in citation["authors"])
    assert citation["title"] == PROJECT["project"]["name"]
    assert citation["abstract"].rstrip(".") == PROJECT["project"]["description"]
    assert citation["license"] == PROJECT["project"]["license"]
    version = PROJECT["project"]["version"]
    if version == released(version):
        assert citation["version"] == version


def test_all_packages_that_are_built_here_have_one_version():
    for path in [ROOT / "pyproject.toml", *ROOT.glob("packaging/*/pyproject.toml")]:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        if "version" not in project.get("dynamic", ()):
            assert project["version"] == PROJECT["project"]["version"], path


def test_the_table_of_security_is_that_of_trust():
    security, trust = (
        " ".join((ROOT / page).read_text(encoding="utf-8").split())
        for page in ("SECURITY.md", "docs/trust.md")
    )
    assert "## Not hardened" in trust and "*Not hardened*" in security
    for passage in [
        "Side channels",
        "a friend who solves the exercise",
        "the kernel",
        "bubblewrap",
    ]:
        assert passage.lower() in trust.lower()
        assert passage.lower() in security.lower()
    for setting in re.findall(r"c\.BoxedExecute\.(readable_paths|environment\w+|network)\b", trust):
        assert f"`{setting}`" in security


def test_the_lock_pins_what_is_declared():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    extras = PROJECT["project"]["optional-dependencies"].values()
    for name in (name for extra in extras for name in extra):
        (package,) = re.findall(r"^[\w.-]+", name)
        assert re.search(rf"^{package}==", lock, re.M), name


def test_students_are_told_to_install_the_extra_and_instructors_need_not_know():
    (wanted,) = PROJECT["project"]["optional-dependencies"]["boosting"]
    assert f'pip install "{wanted}"' in (ROOT / "docs/student.md").read_text(encoding="utf-8")
    setup = (ROOT / "packaging/instructor/setup.py").read_text(encoding="utf-8")
    assert "dask-scaling-kit[boosting]==" in setup


# --------------------------------------------------------------------------- the changelog

TYPES = [kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]]
FRAGMENTS = sorted(p for p in (ROOT / "changes").iterdir() if p.name != "README.md")


def wrong_name(name: str) -> bool:
    return not re.fullmatch(rf"(\+[a-z0-9-]+|\d+)\.({'|'.join(TYPES)})\.md", name)


def draft() -> str:
    command = [Path(sys.executable).with_name("towncrier"), "build", "--draft"]
    done = subprocess.run(
        [*command, "--version", "Unreleased"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def sections(text: str) -> dict[str, str]:
    _, *parts = re.split(r"^### (.+)\n", text, flags=re.M)
    return {title: squeezed(body) for title, body in zip(parts[::2], parts[1::2], strict=True)}


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_every_fragment_has_a_known_type_and_something_to_say():
    for path in FRAGMENTS:
        assert not wrong_name(path.name), path.name
        text = path.read_text(encoding="utf-8").strip()
        assert text and not text.startswith(("-", "*", "#")), path.name
        assert len(text.splitlines()) <= 4, path.name


@pytest.mark.parametrize("name", ["+a.new.md", "a.added.md", "+a.added.txt", "added.md", ".keep"])
def test_a_name_that_would_be_left_out_is_found(name):
    assert wrong_name(name)
    assert not wrong_name("+a-change.added.md")
    assert not wrong_name("34.fixed.md")


def test_what_is_unreleased_is_made_from_the_fragments():
    titles = {kind["directory"]: kind["name"] for kind in PROJECT["tool"]["towncrier"]["type"]}
    made = sections(draft())
    assert {titles[path.name.split(".")[1]] for path in FRAGMENTS} == made.keys()
    for path in FRAGMENTS:
        assert squeezed(path.read_text(encoding="utf-8")) in made[titles[path.name.split(".")[1]]]


def test_nothing_is_written_into_the_changelog_by_hand():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    head, marker, rest = text.partition("<!-- towncrier release notes start -->\n")
    assert marker
    assert not re.search(r"^(##|-|\*)", head, re.M)
    assert "## Unreleased" not in rest


def test_the_page_on_fragments_lists_their_types():
    page = (ROOT / "changes/README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.M) == TYPES


def test_parts_of_the_tests_have_each_of_them_once():
    names = [f"tests/corpus/test_samples.py::test_verdict[ex{n}/student]" for n in range(200)]
    parts = [Part.read(f"{number}/6") for number in range(1, 7)]
    assert all(sum(part.has(name) for part in parts) == 1 for name in names)
    sizes = [sum(map(part.has, names)) for part in parts]
    assert min(sizes) > 0 and all(Part(1, 1).has(name) for name in names)


@pytest.mark.parametrize("text", ["7/6", "0/6", "1", "1/0", "", "a/b"])
def test_a_part_that_there_is_not_is_refused(text: str):
    with pytest.raises(ValueError, match="expected K/N"):
        Part.read(text)
