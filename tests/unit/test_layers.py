"""Imports go one way, down the list of packages, and unit tests stand where their module does."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LAYERS = (
    ("errors", "imports", "model"),
    ("files", "formats", "pointers", "reader"),
    ("exercise",),
    ("submissions",),
    ("sandbox",),
    ("evidence",),
    ("replay",),
    ("speedup",),
    ("diagnose",),
    ("checks",),
    ("grading",),
    ("pipeline",),
    ("reference_solution",),
    ("report",),
    ("nbgrader_bridge",),
    ("author",),
    ("student", "instructor"),
    ("farm",),
    ("course", "cli", "__init__"),
    ("__main__",),
)
"""Packages and modules of ``autograder``, a row a layer: none knows of another in its own row."""

NEVER = {
    "replay": ("sandbox", "evidence"),
    "model": ("errors",),
}
"""What a package may not know although it stands above it: pure code knows no observer."""

PURE = ("model", "replay", "speedup", "diagnose", "checks", "grading")
IMPURE = ("os", "subprocess", "socket", "tempfile", "psutil", "time", "distributed")
"""What reads the machine, and has no place in code that only judges."""


def modules(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(folder.rglob("*.py")):
        if not {"exercises", "template"} & set(path.parts):
            yield (
                ".".join(path.relative_to(ROOT).with_suffix("").parts),
                ast.parse(path.read_text()),
            )


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def place(name: str) -> str:
    """The package, or loose module, of ``autograder`` that a dotted name lies in."""
    return [*name.split("."), "__init__"][1]


def wrong_ways(trees: dict[str, ast.Module]) -> list[str]:
    level = {name: i for i, row in enumerate(LAYERS) for name in row}
    found = []
    for module, tree in trees.items():
        own = place(module)
        for target in imported(tree):
            other = place(target)
            if not target.startswith("autograder.") or other == own or other not in level:
                continue
            if level[other] >= level[own] or other in NEVER.get(own, ()):
                found.append(f"{module} imports {target}")
    return found


AUTOGRADER = dict(modules(ROOT / "autograder"))


def test_every_package_has_its_layer():
    known = {name for row in LAYERS for name in row}
    assert {place(module) for module in AUTOGRADER} == known


def test_imports_go_one_way():
    assert wrong_ways(AUTOGRADER) == []


@pytest.mark.parametrize(
    "line",
    [
        "from autograder.speedup import decide",
        "from autograder.speedup.decide import judge",
        "def f():\n    import autograder.pipeline",
    ],
)
def test_a_wrong_way_is_seen(line: str) -> None:
    (found,) = wrong_ways({"autograder.evidence.observe": ast.parse(line)})
    assert found.startswith("autograder.evidence.observe imports autograder.")


def test_the_cluster_knows_nothing_of_grading():
    names = {name for _, tree in modules(ROOT / "cluster") for name in imported(tree)}
    assert not [name for name in names if name.split(".")[0] == "autograder"]


def test_code_that_judges_reads_nothing_of_the_machine():
    impure = [
        f"{module} imports {name}"
        for module, tree in AUTOGRADER.items()
        if place(module) in PURE
        for name in imported(tree)
        if name.split(".")[0] in IMPURE
    ]
    assert impure == []


def test_no_circle_among_modules():
    uses = {
        module: {
            name
            for target in imported(tree)
            for name in (target, target.rpartition(".")[0])
            if name in AUTOGRADER and name != module
        }
        for module, tree in AUTOGRADER.items()
    }
    while uses:
        free = [module for module, others in uses.items() if not others & set(uses)]
        assert free, f"circle among {sorted(uses)}"
        for module in free:
            del uses[module]


# --------------------------------------------------------------------------------------- names


def test_no_two_modules_of_the_grader_have_one_name():
    names = Counter(module.rpartition(".")[2] for module in AUTOGRADER)
    assert [name for name, times in names.items() if times > 1 and name != "__init__"] == []


def test_no_import_of_the_grader_needs_another_name():
    renamed = [
        f"{module}: {alias.name} as {alias.asname}"
        for module, tree in AUTOGRADER.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograder")
        for alias in node.names
        if alias.asname not in (None, alias.name)
    ]
    # The command has the name of the module that it is for.
    assert renamed == ["autograder.cli: verify as author"]


# ------------------------------------------------------------------------ where unit tests stand

UNIT = ROOT / "tests" / "unit"

OF_NO_MODULE = {
    "exercises": {"every_exercise", "promises", "sizes"},
    ".": {
        *(
            "canary",
            "docs",
            "docs_run",
            "fuzz",
            "images",
            "layers",
            "private_names",
            "repository",
            "troubleshooting",
        ),
        "wording",
    },
}
"""Tests of all modules of a folder, or of the repository."""


def misplaced(test: Path) -> bool:
    """Whether there is no module that a test is named after, nor a package."""
    folder = test.parent.relative_to(UNIT)
    stem = test.stem.removeprefix("test_")
    if stem in OF_NO_MODULE.get(str(folder), ()) or stem == folder.name:
        return False
    inside = ROOT if folder.parts[:1] in (("cluster",), ("benchmarks",)) else ROOT / "autograder"
    names = {path.stem for path in (inside / folder).iterdir() if not path.stem.startswith("_")}
    # A module may have several files of tests; those of an exercise have its number alone.
    return not any(stem == name or stem.startswith(f"{name}_") for name in names) and not any(
        name.startswith(f"{stem}_") for name in names if folder.name == "exercises"
    )


def test_unit_tests_stand_where_their_module_does():
    assert [str(test) for test in sorted(UNIT.rglob("test_*.py")) if misplaced(test)] == []


@pytest.mark.parametrize(
    "test", ["speedup/test_graph.py", "test_makespan.py", "exercises/test_ex99.py"]
)
def test_a_test_in_another_place_is_seen(test: str) -> None:
    assert misplaced(UNIT / test)
