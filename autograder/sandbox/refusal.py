"""Why bubblewrap cannot build a box on this machine, and the command that repairs it.

bubblewrap's own message names a system call. The reason is a setting of the kernel or of the
container runtime, and each has one known repair: see the documentation of Docker, podman and
Kubernetes on seccomp profiles and masked paths, and Ubuntu's release notes of 24.04 and 25.04.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.files import text_of

__all__ = ["System", "read", "remedy"]


@dataclass(frozen=True, slots=True)
class System:
    """The settings that decide whether an ordinary user may create namespaces."""

    apparmor_restricts: bool
    """Ubuntu: only programs with an AppArmor profile may have user namespaces."""
    clone_forbidden: bool
    """Debian's and Arch's own switch."""
    most_namespaces: int | None
    """User namespaces that the kernel allows; None if unknown."""
    container: str
    """``docker``, ``podman``, ``kubernetes``, ``apptainer``, ``container`` of another kind, or
    empty."""
    root: bool
    profiles: tuple[str, ...] = ()
    """Files of AppArmor's with a profile for bubblewrap."""
    old_wsl: bool = False
    """Windows's first subsystem for Linux, which has no Linux kernel."""


def read(root: Path = Path("/")) -> System:
    """Read the settings of the kernel, and look for signs of a container.

    Parameters
    ----------
    root : Path
        Where ``proc``, ``run`` and ``.dockerenv`` are.
    """
    kernel = root / "proc/sys/kernel"
    return System(
        apparmor_restricts=_number(kernel / "apparmor_restrict_unprivileged_userns") == 1,
        clone_forbidden=_number(kernel / "unprivileged_userns_clone") == 0,
        most_namespaces=_number(root / "proc/sys/user/max_user_namespaces"),
        container=_container(root),
        root=os.geteuid() == 0,
        profiles=tuple(_profiles(root)),
        # The second one calls itself microsoft-standard-WSL2.
        old_wsl="-Microsoft" in text_of(root / "proc/version"),
    )


def remedy(system: System) -> str:
    """Say what to do: a sentence with a command for each reason that applies."""
    found = [
        text if isinstance(text, str) else text(system)
        for applies, text in _REPAIRS
        if applies(system)
    ]
    return " ".join(found) or (
        "It needs user namespaces, and a Python environment that this user can read "
        "(namei -l on the path of python shows which folder is closed)."
    )


def _number(path: Path) -> int | None:
    try:
        return int(text_of(path))
    except ValueError:
        return None


_BWRAP_PROFILE = re.compile(
    r"^\s*(?:profile\s+(?:\"[^\"]*\"|\S+)\s+)?\"?/usr/bin/bwrap\"?(?:\s.*)?\{\s*$", re.M
)
"""The line that begins a profile which is attached to the program."""


def _profiles(root: Path) -> Iterator[str]:
    folder = root / "etc/apparmor.d"
    disabled = folder / "disable"
    for path in sorted(folder.glob("*")):
        if _BWRAP_PROFILE.search(text_of(path)) and not (disabled / path.name).exists():
            yield f"/etc/apparmor.d/{path.name}"


def _keep(setting: str) -> str:
    """Return the command that changes a kernel setting now and at every boot."""
    file = "/etc/sysctl.d/90-user-namespaces.conf"
    return f"echo {setting} | sudo tee -a {file} && sudo sysctl -p {file}"


def _container(root: Path) -> str:
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    if (root / "run/.containerenv").exists():
        return "podman"
    if (root / ".dockerenv").exists():
        return "docker"
    if "APPTAINER_CONTAINER" in os.environ or "SINGULARITY_CONTAINER" in os.environ:
        return "apptainer"
    # systemd's name for it; https://systemd.io/CONTAINER_INTERFACE
    return "container" if os.environ.get("container") else ""  # noqa: SIM112


_UBUNTUS = "bwrap-userns-restrict"
"""The profile's file, in Ubuntu's package apparmor-profiles; since 25.04 it is there already."""


def _restricted(system: System) -> bool:
    return system.apparmor_restricts and not system.root and not system.container


def _one_profile(system: System) -> str:
    """Say how to keep only one of several profiles: Ubuntu's own, or the first."""
    ubuntus = [each for each in system.profiles if each.endswith(f"/{_UBUNTUS}")]
    kept = (*ubuntus, *system.profiles)[0]
    off = " && ".join(
        f"sudo ln -s {each} /etc/apparmor.d/disable/ && sudo apparmor_parser -R {each}"
        for each in system.profiles
        if each != kept
    )
    return (
        f"AppArmor has several profiles for /usr/bin/bwrap ({', '.join(system.profiles)}), so the "
        f"kernel attaches none; keep only one: {off}"
    )


_REPAIRS: tuple[tuple[Callable[[System], bool], str | Callable[[System], str]], ...] = (
    (
        lambda system: system.most_namespaces == 0,
        "This kernel allows no user namespaces, like some of Red Hat's: "
        f"{_keep('user.max_user_namespaces=15000')}",
    ),
    (
        lambda system: system.clone_forbidden and not system.root,
        "This kernel allows user namespaces only for root: "
        f"{_keep('kernel.unprivileged_userns_clone=1')}",
    ),
    (
        lambda system: _restricted(system) and not system.profiles,
        "AppArmor denies user namespaces to programs without a profile (Ubuntu from 23.10 on); "
        "give bubblewrap the one that Ubuntu has for it: sudo apt install apparmor-profiles && "
        f"sudo install -m 0644 /usr/share/apparmor/extra-profiles/{_UBUNTUS} /etc/apparmor.d/ && "
        f"sudo apparmor_parser -r /etc/apparmor.d/{_UBUNTUS}",
    ),
    (
        lambda system: _restricted(system) and len(system.profiles) == 1,
        lambda system: (
            "AppArmor denies user namespaces to programs without a profile, and has one for "
            "/usr/bin/bwrap, which may not be loaded, or may not apply to the bwrap that is found "
            "first: "
            f"sudo apparmor_parser -r {system.profiles[0]}"
        ),
    ),
    (lambda system: _restricted(system) and len(system.profiles) > 1, _one_profile),
    (
        lambda system: system.old_wsl,
        "Windows's first subsystem for Linux has no namespaces; in PowerShell, with the name that "
        "wsl --list shows: wsl --set-version NAME 2.",
    ),
    (
        lambda system: system.container == "docker",
        "Docker's default profiles refuse namespaces and mask /proc: start the container with "
        "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
        "--security-opt systempaths=unconfined. Its processes are then confined only by the box "
        "and by Docker's namespaces.",
    ),
    (
        lambda system: system.container == "podman",
        "Podman masks parts of /proc, so that no new one can be mounted: start the container with "
        "podman run --security-opt unmask=ALL.",
    ),
    (
        lambda system: system.container == "kubernetes",
        "The pod needs a /proc without masks and user namespaces of its own: procMount: Unmasked "
        "in the container's securityContext, and hostUsers: false in the pod's spec. On a "
        "JupyterHub with KubeSpawner that is c.KubeSpawner.extra_container_config = "
        '{"securityContext": {"procMount": "Unmasked"}} and c.KubeSpawner.extra_pod_config = '
        '{"hostUsers": False}.',
    ),
    (
        lambda system: system.container == "apptainer",
        "Inside Apptainer's container no namespaces may be created; if it is installed "
        "set-user-id, start it with apptainer exec --userns.",
    ),
    (
        lambda system: system.container == "container",
        "The container runtime has to allow user namespaces and an unmasked /proc.",
    ),
)
