"""Why there is no box: each setting that forbids one has its own repair, and only that."""

from dataclasses import replace
from pathlib import Path

import pytest

from autograder.sandbox.refusal import System, read, remedy

PLAIN = System(False, False, 31_000, container="", root=False)

REPAIRS = {
    "max_user_namespaces=15000": replace(PLAIN, most_namespaces=0),
    "unprivileged_userns_clone=1": replace(PLAIN, clone_forbidden=True),
    "bwrap-userns-restrict": replace(PLAIN, apparmor_restricts=True),
    "seccomp=unconfined": replace(PLAIN, container="docker"),
    "unmask=ALL": replace(PLAIN, container="podman"),
    "procMount: Unmasked": replace(PLAIN, container="kubernetes"),
    "What runs this container": replace(PLAIN, container="container"),
    "that this user can read": PLAIN,
}


@pytest.mark.parametrize("words", REPAIRS)
def test_each_reason_has_its_own_repair(words: str) -> None:
    told = remedy(REPAIRS[words])
    assert [other for other in REPAIRS if other in told] == [words]


def test_two_reasons_are_both_said() -> None:
    told = remedy(replace(PLAIN, most_namespaces=0, container="podman"))
    assert "max_user_namespaces" in told and "unmask=ALL" in told


@pytest.mark.parametrize("words", ["unprivileged_userns_clone", "bwrap-userns-restrict"])
def test_what_holds_ordinary_users_only_is_not_told_to_root(words: str) -> None:
    system = replace(PLAIN, clone_forbidden=True, apparmor_restricts=True)
    assert words in remedy(system) and words not in remedy(replace(system, root=True))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("KUBERNETES_SERVICE_HOST", "container"):
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
    [("KUBERNETES_SERVICE_HOST", "kubernetes"), ("container", "container")],
)
def test_a_container_is_known_by_its_environment(
    machine: Path, monkeypatch: pytest.MonkeyPatch, name: str, container: str
) -> None:
    monkeypatch.setenv(name, "10.0.0.1")
    assert read(machine).container == container
