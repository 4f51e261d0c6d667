"""Why there is no box: each setting that forbids one has its own repair, and only that."""

from dataclasses import replace
from pathlib import Path

import pytest

from autograder.sandbox.refusal import System, read, remedy

PLAIN = System(False, False, 31_000, container="", root=False)

UBUNTUS = "/etc/apparmor.d/bwrap-userns-restrict"
ANOTHER = "/etc/apparmor.d/usr.bin.bwrap"

REPAIRS = {
    "max_user_namespaces=15000": replace(PLAIN, most_namespaces=0),
    "unprivileged_userns_clone=1": replace(PLAIN, clone_forbidden=True),
    "apt install apparmor-profiles": replace(PLAIN, apparmor_restricts=True),
    "which may not be loaded": replace(PLAIN, apparmor_restricts=True, profiles=(UBUNTUS,)),
    f"sudo apparmor_parser -R {ANOTHER}": replace(
        PLAIN, apparmor_restricts=True, profiles=(UBUNTUS, ANOTHER)
    ),
    "wsl --set-version NAME 2": replace(PLAIN, old_wsl=True),
    "seccomp=unconfined": replace(PLAIN, container="docker"),
    "unmask=ALL": replace(PLAIN, container="podman"),
    "procMount: Unmasked": replace(PLAIN, container="kubernetes"),
    "apptainer exec --userns": replace(PLAIN, container="apptainer"),
    "The container runtime": replace(PLAIN, container="container"),
    "that this user can read": PLAIN,
}


@pytest.mark.parametrize("words", REPAIRS)
def test_each_reason_has_its_own_repair(words: str) -> None:
    told = remedy(REPAIRS[words])
    assert [other for other in REPAIRS if other in told] == [words]


def test_two_reasons_are_both_said() -> None:
    told = remedy(replace(PLAIN, most_namespaces=0, container="podman"))
    assert "max_user_namespaces" in told and "unmask=ALL" in told


@pytest.mark.parametrize("words", ["unprivileged_userns_clone", "apparmor-profiles"])
def test_what_holds_ordinary_users_only_is_not_told_to_root(words: str) -> None:
    system = replace(PLAIN, clone_forbidden=True, apparmor_restricts=True)
    assert words in remedy(system) and words not in remedy(replace(system, root=True))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "KUBERNETES_SERVICE_HOST", "APPTAINER_CONTAINER", "SINGULARITY_CONTAINER", "container",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    for path, text in (
        ("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n"),
        ("proc/sys/kernel/unprivileged_userns_clone", "1\n"),
        ("proc/sys/user/max_user_namespaces", "0\n"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_the_kernel_is_read(machine: Path) -> None:
    found = read(machine)
    assert (found.apparmor_restricts, found.clone_forbidden, found.most_namespaces) == (
        True, False, 0,
    )  # fmt: skip
    assert found.container == ""


def test_what_the_kernel_does_not_have_forbids_nothing(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.apparmor_restricts, found.clone_forbidden) == (False, False)
    assert found.most_namespaces is None


@pytest.mark.parametrize(
    ("sign", "container"),
    [(".dockerenv", "docker"), ("run/.containerenv", "podman")],
)
def test_a_container_is_known_by_its_file(machine: Path, sign: str, container: str) -> None:
    (machine / sign).parent.mkdir(exist_ok=True)
    (machine / sign).touch()
    assert read(machine).container == container


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("KUBERNETES_SERVICE_HOST", "kubernetes"),
        ("APPTAINER_CONTAINER", "apptainer"),
        ("SINGULARITY_CONTAINER", "apptainer"),
        ("container", "container"),
    ],
)
def test_a_container_is_known_by_its_environment(
    machine: Path, monkeypatch: pytest.MonkeyPatch, name: str, container: str
) -> None:
    monkeypatch.setenv(name, "10.0.0.1")
    assert read(machine).container == container


PROFILES = {
    "bwrap-userns-restrict": """abi <abi/4.0>,
include <tunables/global>
profile bwrap /usr/bin/bwrap flags=(attach_disconnected,mediate_deleted) {
  allow all,
}
""",
    "usr.bin.bwrap": "/usr/bin/bwrap {\n  userns,\n}\n",
    "named": 'profile "of ours" "/usr/bin/bwrap" {\n}\n',
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_for_bubblewrap_is_found_whatever_its_form(machine: Path, name: str) -> None:
    _profile(machine, name)
    _profile(machine, "flatpak", "profile flatpak /usr/bin/flatpak {\n  /usr/bin/bwrap px,\n}\n")
    assert read(machine).profiles == (f"/etc/apparmor.d/{name}",)


def test_a_second_profile_is_to_be_switched_off_and_counts_no_more_then(machine: Path) -> None:
    for name in ("bwrap-userns-restrict", "usr.bin.bwrap"):
        _profile(machine, name)
    system = replace(read(machine), root=False, most_namespaces=31_000)
    told = remedy(system)
    assert f"{UBUNTUS}, {ANOTHER}" in told
    assert f"ln -s {ANOTHER} /etc/apparmor.d/disable/" in told and f"-R {UBUNTUS}" not in told
    (machine / "etc/apparmor.d/disable").mkdir()
    (machine / "etc/apparmor.d/disable/usr.bin.bwrap").touch()
    assert read(machine).profiles == (UBUNTUS,)


def _profile(machine: Path, name: str, text: str = "") -> None:
    folder = machine / "etc/apparmor.d"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text or PROFILES[name])


@pytest.mark.parametrize(
    ("version", "old"),
    [
        ("Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com)", True),
        ("Linux version 5.15.153.1-microsoft-standard-WSL2 (root@941d701f84f1)", False),
        ("Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org)", False),
    ],
)
def test_the_first_subsystem_of_windows_is_known(machine: Path, version: str, old: bool) -> None:
    (machine / "proc/version").write_text(version)
    assert read(machine).old_wsl is old


@pytest.mark.parametrize(
    "system",
    [replace(PLAIN, most_namespaces=0), replace(PLAIN, clone_forbidden=True)],
    ids=["none", "root only"],
)
def test_a_setting_of_the_kernel_outlives_the_next_start(system: System) -> None:
    assert "/etc/sysctl.d/" in remedy(system) and "sudo sysctl -p" in remedy(system)
