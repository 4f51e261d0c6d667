"""Profiles: from TOML files, validated, to frozen data."""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from cluster.errors import ClusterError
from cluster.explain import explain, matching

__all__ = [
    "SIZES",
    "AddressProfile",
    "BatchProfile",
    "LocalProfile",
    "Profile",
    "known_profiles",
    "load_profile",
    "with_memory",
]

_FOLDER = Path(__file__).parent / "profiles"

Size = Literal["laptop", "node", "cluster"]
SIZES: tuple[Size, ...] = get_args(Size)
"""From the smallest, which is the default."""

Memory = Annotated[str, matching(r"\d+(\.\d+)? ?[kMGT]i?B", 'a size such as "640 MB" or "4 GiB"')]
"""As Dask reads it: ``GB`` is 10⁹ bytes, ``GiB`` is 2³⁰."""


class _Profile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    size: Size = "laptop"
    """How large the data may be there: for a few cores, one large machine or many."""


class LocalProfile(_Profile):
    """Workers on this machine, in processes of their own."""

    kind: Literal["local"]
    workers: PositiveInt
    threads: PositiveInt
    memory: Memory
    dashboard: bool = True


class AddressProfile(_Profile):
    """A scheduler that is running already."""

    kind: Literal["address"]
    address: Annotated[str, matching(r"\w+://.+", 'an address such as "tcp://host:8786"')]
    workers: Annotated[int, Field(ge=0)] = 1
    """How many must have arrived before ``connect`` returns."""


class BatchProfile(_Profile):
    """Workers as jobs of a batch system, the scheduler in this process."""

    kind: Literal["slurm", "pbs"]
    workers: PositiveInt
    """Dask workers in all; ``processes`` of them share a job."""
    cores: PositiveInt
    """Per job."""
    processes: PositiveInt
    """Per job."""
    memory: Memory
    """Per job, divided between its processes."""
    walltime: Annotated[str, matching(r"(\d+-)?\d+:\d\d:\d\d", 'a time such as "01:30:00"')]
    queue: str | None = None
    account: str | None = None
    interface: str | None = None
    """Network interface between workers and scheduler."""
    directives: tuple[str, ...] = ()
    """Added to the head of the job script, without its ``#SBATCH`` or ``#PBS``."""
    directives_skip: tuple[str, ...] = ()
    """Lines of the head that contain one of these are dropped."""
    prologue: tuple[str, ...] = ()
    """Shell lines before the worker starts: ``module load …``."""
    local_directory: str | None = None
    """Where workers spill: a local disk of the node."""
    log_directory: str | None = None
    tls: bool = True
    """Whether all connections are encrypted and require the cluster's own certificate."""
    shared_directory: str = "~"
    """Folder of that certificate; every node has to see it."""
    timeout: PositiveFloat = 900
    """Seconds that ``connect`` waits for the workers: jobs wait in a queue first."""


Profile = LocalProfile | AddressProfile | BatchProfile
_MODELS: dict[str, type[Profile]] = {
    "local": LocalProfile,
    "address": AddressProfile,
    "slurm": BatchProfile,
    "pbs": BatchProfile,
}


def known_profiles() -> list[str]:
    """Name the profiles that come with the kit."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_profile(name: str) -> Profile:
    """Read a profile.

    Parameters
    ----------
    name : str
        One of `known_profiles`, or the path of a TOML file of the same form.

    Raises
    ------
    ClusterError
        If there is no such profile, or the file is not a valid profile.
    """
    is_path = name.endswith(".toml") or "/" in name
    path = Path(name).expanduser() if is_path else _FOLDER / f"{name}.toml"
    if not is_path and name not in known_profiles():
        raise ClusterError(
            f"There is no profile {name!r}{_nearest(name, known_profiles())}: known are "
            f"{', '.join(known_profiles())}, or give the path of a .toml file of your own."
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ClusterError(f"The profile {name!r} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ClusterError(f"The profile {name!r} is not valid TOML: {error}.") from None
    kind = str(content.get("kind"))
    if kind not in _MODELS:
        kinds = ", ".join(_MODELS)
        raise ClusterError(f"The profile {name!r} is wrong: kind must be one of {kinds}.")
    model = _MODELS[kind]
    try:
        return model.model_validate({"name": name} | content)
    except ValidationError as error:
        words = explain(error, content, model)
        raise ClusterError(f"The profile {name!r} is wrong: {words}.") from None


def with_memory(profile: LocalProfile, memory: str) -> LocalProfile:
    """Return a profile with another memory limit of its workers.

    Raises
    ------
    ClusterError
        If it is no size.
    """
    try:
        return LocalProfile.model_validate(profile.model_dump() | {"memory": memory})
    except ValidationError:
        raise ClusterError(
            f"memory is {memory!r}: write a number and its unit, such as '640 MB' or '4 GiB'."
        ) from None


def _nearest(name: str, among: list[str]) -> str:
    matches = difflib.get_close_matches(name, among, n=1)
    return f" (did you mean {matches[0]!r}?)" if matches else ""
