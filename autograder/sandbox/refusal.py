"""Why bubblewrap cannot make a box on this machine, and the command that repairs it.

What bubblewrap itself says names a system call. The reason is a setting of the kernel, or of what
runs the container, and each has one known repair: see the documentation of Docker, podman and
Kubernetes on seccomp profiles and masked paths, and Ubuntu's release notes of 24.04 and 25.04.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["System", "read", "remedy"]


@dataclass(frozen=True, slots=True)
class System:
    """What decides whether an ordinary user may have namespaces."""

    apparmor_restricts: bool
    """Ubuntu: only programs with an AppArmor profile may have user namespaces."""
    clone_forbidden: bool
    """Debian's and Arch's own switch."""
    most_namespaces: int | None
    """User namespaces that the kernel allows; None where it does not say."""
    container: str
    """``docker``, ``podman``, ``kubernetes``, ``container`` of another kind, or empty."""
    root: bool


def read(root: Path = Path("/")) -> System:
    """Look at the settings of the kernel, and for signs of a container.

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
    )


def remedy(system: System) -> str:
    """Say what to do: a sentence with a command for each reason that applies."""
    found = [text for applies, text in _REPAIRS if applies(system)]
    return " ".join(found) or (
        "It needs user namespaces, and a Python environment that this user can read "
        "(namei -l on the path of python shows which folder is closed)."
    )


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _container(root: Path) -> str:
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    if (root / "run/.containerenv").exists():
        return "podman"
    if (root / ".dockerenv").exists():
        return "docker"
    # systemd's name for it; https://systemd.io/CONTAINER_INTERFACE
    return "container" if os.environ.get("container") else ""  # noqa: SIM112


_REPAIRS: tuple[tuple[Callable[[System], bool], str], ...] = (
    (
        lambda system: system.most_namespaces == 0,
        "This kernel allows no user namespaces (as some of Red Hat's do): "
        "sudo sysctl -w user.max_user_namespaces=15000.",
    ),
    (
        lambda system: system.clone_forbidden and not system.root,
        "This kernel keeps user namespaces for root: "
        "sudo sysctl -w kernel.unprivileged_userns_clone=1.",
    ),
    (
        lambda system: system.apparmor_restricts and not system.root and not system.container,
        "AppArmor keeps user namespaces from programs without a profile (Ubuntu 24.04); give "
        "bubblewrap the one that Ubuntu has for it: sudo apt install apparmor-profiles && "
        "sudo install -m 0644 /usr/share/apparmor/extra-profiles/bwrap-userns-restrict "
        "/etc/apparmor.d/ && sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict. From "
        "25.04 on it is there already, and a second profile for bwrap would switch both off.",
    ),
    (
        lambda system: system.container == "docker",
        "Docker's default profiles refuse namespaces and mask /proc: start the container with "
        "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
        "--security-opt systempaths=unconfined. Its processes are then held by the box, and by "
        "Docker's namespaces, alone.",
    ),
    (
        lambda system: system.container == "podman",
        "Podman masks parts of /proc, so that no new one can be mounted: start the container with "
        "podman run --security-opt unmask=ALL.",
    ),
    (
        lambda system: system.container == "kubernetes",
        "The pod needs a /proc without masks and user namespaces of its own: procMount: Unmasked "
        "in the container's securityContext, and hostUsers: false in the pod's spec.",
    ),
    (
        lambda system: system.container == "container",
        "What runs this container has to allow user namespaces and an unmasked /proc.",
    ),
)
