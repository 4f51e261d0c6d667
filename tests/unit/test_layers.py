"""Imports go one way: down the list of packages, never up it, and never in a circle."""

import ast
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
