"""Print the part of requirements.lock that somebody needs.

    locked.py EXTRA…            what the kit needs, with some of its extras
    locked.py --only PACKAGE…   what some packages need

The lock has everything, the tools of contributors included. What needs a package stands below its
entry, as ``# via``; what the kit asks for itself stands in pyproject.toml. pip gets the result with
``--require-hashes``, and refuses it if anything is missing.
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

__all__ = ["needed", "part"]

ROOT = Path(__file__).parents[2]

_ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==.*\n(?:[ \t].*\n)*", re.M)
_VIA = re.compile(r"^ +# +(?:via )?(?P<name>[\w.-]+)$", re.M)


def part(lock: str, wanted: Iterable[str]) -> str:
    """Return the entries of a lock for some packages and all that they need.

    Parameters
    ----------
    lock : str
        As uv or pip-compile write it, with annotations.
    wanted : iterable of str
        Names of packages.

    Raises
    ------
    KeyError
        If the lock has no entry for one of them.
    """
    entries = [(_plain(found["name"]), found[0]) for found in _ENTRY.finditer(lock)]
    keep = {_plain(name) for name in wanted}
    if missing := keep - {name for name, _ in entries}:
        raise KeyError(f"not in the lock: {', '.join(sorted(missing))}")
    before = 0
    while len(keep) > before:
        before = len(keep)
        keep |= {name for name, text in entries if keep & {*map(_plain, _VIA.findall(text))}}
    return "".join(text for name, text in entries if name in keep)


def needed(project: str, extras: Iterable[str]) -> list[str]:
    """Return the packages that a project asks for itself, with some of its extras."""
    about = tomllib.loads(project)["project"]
    asked = [*about["dependencies"]]
    for extra in extras:
        asked += about["optional-dependencies"][extra]
    return [re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in asked]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    names = sys.argv[2:]
    if sys.argv[1:2] != ["--only"]:
        names = needed((ROOT / "pyproject.toml").read_text(encoding="utf-8"), sys.argv[1:])
    print(part((ROOT / "requirements.lock").read_text(encoding="utf-8"), names), end="")
