"""Run every reference solution on the newest releases, and say what broke: ``make canary``.

The kit pins Dask, scikit-learn and what must agree with them. A course that is about to begin may
want newer ones. This makes an environment of its own with the newest releases that pip finds,
beside the kit as it is here, and runs each text of `solutions/` in it as a script, whose checks
judge it as a student's, and through a box (``autograder verify``). It ends with status 1 if
anything broke. Not part of the tests: what it says changes with every release of somebody else.

    python tests/support/canary.py --only ex02_parallel_prediction
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Outcome", "main", "newest", "parsed", "table", "what_broke"]

ROOT = Path(__file__).parents[2]
FREED = (
    "dask",
    "distributed",
    "dask-ml",
    "scikit-learn",
    "numpy",
    "pandas",
    "pyarrow",
    "xgboost-cpu",
)
"""Packages whose newest release is asked for; of all others, what ``pyproject.toml`` allows."""
TOOLS = "dev"
"""The optional dependencies that no exercise needs; all others are installed."""
NOT_ASKED = "not asked"
LIMIT = 900
"""Seconds for one run of one exercise. Chosen: on two quiet cores the longest takes a thirtieth of
it; beside tests and recordings, under a load of 10, five of 26 took more than a third."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one exercise."""

    exercise: str
    script: str
    """What broke when the text ran as a script; empty if nothing did."""
    box: str
    """The same of ``autograder verify``, or `NOT_ASKED`."""
    warned: int
    """Lines that warn of something which a later release will not have any more."""
    seconds: float


def newest(requirements: Iterable[str], freed: Sequence[str] = FREED) -> list[str]:
    """Take the version off the requirements that are to be the newest, and leave the others."""
    found = []
    for requirement in requirements:
        name = re.match(r"[\w.-]+", requirement)
        extras = re.match(r"[\w.-]+(\[[\w,-]+\])?", requirement)
        assert name and extras, requirement
        found.append(extras[0] if name[0].lower() in freed else requirement)
    return found


def parsed(text: str) -> list[str]:
    """Return what the kit needs, extras of exercises included, from the text of pyproject.toml."""
    project = tomllib.loads(text)["project"]
    extras = project.get("optional-dependencies", {})
    more = [each for name, wanted in extras.items() if name != TOOLS for each in wanted]
    return newest([*project["dependencies"], *more])


def what_broke(status: int, output: str) -> str:
    """Say in a line why a program failed: the exception it ended with, or its last line."""
    if status == 0:
        return ""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"[\w.]+(Error|Exception|Failed|Warning)\b", line)]
    broken = [line for line in lines if line.startswith("✗")]
    return ([*broken[:1], *raised[-1:], *lines[-1:]] or [f"status {status}"])[0][:160]


def table(outcomes: Sequence[Outcome]) -> str:
    """Show outcomes, one exercise a line."""
    rows = [("exercise", "script", "box", "warned", "seconds")]
    for each in outcomes:
        script, box = (words or "passed" for words in (each.script, each.box))
        rows.append((each.exercise, script, box, str(each.warned), f"{each.seconds:.0f}"))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def make(place: Path) -> dict[str, tuple[str, str]]:
    """Make the environment; return what it has in place of what, by package.

    Raises
    ------
    subprocess.CalledProcessError
        If pip finds no set of releases that go together, or one that cannot be installed.
    """
    if not (place / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    wanted = parsed((ROOT / "pyproject.toml").read_text("utf-8"))
    subprocess.run([*pip, "--upgrade", "setuptools>=77", "wheel", *wanted], check=True)
    kit = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    subprocess.run([*pip, *kit], check=True)
    # An install in place leaves the files out that an ordinary one brings along.
    for source, target in (
        ("jupyter_server_config.d/dask-scaling-kit.json", "dask-scaling-kit.json"),
        ("nbgrader_config.json", "nbgrader_config.json"),
    ):
        goal = place / "etc" / "jupyter" / source
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "jupyter-config" / target, goal)
    goal = place / "etc" / "ipython" / "ipython_kernel_config.json"
    goal.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "jupyter-config" / goal.name, goal)
    here, there = versions(Path(sys.executable)), versions(place / "bin" / "python")
    return {name: (here.get(name, "–"), there[name]) for name in FREED if name in there}


def versions(python: Path) -> Mapping[str, str]:
    """Return the versions of all packages that an interpreter has."""
    listed = subprocess.run(
        [str(python), "-m", "pip", "list", "--format=freeze"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pairs = (line.partition("==") for line in listed.splitlines())
    return {name.lower(): version for name, _, version in pairs}


def run(place: Path, *command: str) -> tuple[int, str]:
    """Run a program of the environment in the checkout; return its status and all it prints."""
    environment = {
        **os.environ,
        "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "MPLBACKEND": "Agg",
    }
    try:
        done = subprocess.run(
            [str(place / "bin" / "python"), *command],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired as late:
        text = late.stdout or b""
        said = text.decode(errors="replace") if isinstance(text, bytes) else text
        return 1, f"{said}\nTimeoutError: still running after {LIMIT} s"
    return done.returncode, done.stdout


def observe(place: Path, exercise: str, boxed: bool) -> Outcome:
    """Run one exercise in both ways."""
    began = time.perf_counter()
    status, said = run(place, "-W", "default", f"solutions/{exercise}.py", "--profile", "local")
    warned = len(set(re.findall(r"^.*(?:Deprecation|Future)Warning: .*$", said, re.M)))
    box = NOT_ASKED
    if boxed:
        box = what_broke(*run(place, "-m", "autograder", "verify", exercise))
    return Outcome(exercise, what_broke(status, said), box, warned, time.perf_counter() - began)


def main() -> int:
    """Print what broke; return the status to end with."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="EXERCISE", help="some of the exercises")
    parser.add_argument("--place", type=Path, default=ROOT / "build" / "canary", metavar="FOLDER")
    parser.add_argument("--unboxed", action="store_true", help="as scripts only, without a box")
    options = parser.parse_args()
    try:
        changed = make(options.place)
    except subprocess.CalledProcessError as error:
        print(f"The newest releases cannot be installed together (pip: {error.returncode}).")
        return 1
    for name, (here, there) in changed.items():
        print(f"{name:14} {here:12} {'→ ' + there if there != here else 'is the newest'}")
    names = options.only or sorted(path.stem for path in ROOT.glob("solutions/ex*.py"))
    outcomes = []
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        outcomes.append(observe(options.place, name, not options.unboxed))
    print(table(outcomes))
    broken = [each for each in outcomes if each.script or each.box not in ("", NOT_ASKED)]
    print(f"{len(outcomes) - len(broken)} of {len(outcomes)} exercises run on them.")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
