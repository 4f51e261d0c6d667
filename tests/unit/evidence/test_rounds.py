"""A course's secret: what is not one is neither used nor replaced."""

import re
from pathlib import Path

import pytest

from autograder.errors import HarnessError
from autograder.evidence import rounds
from autograder.model import Exercise


def test_secret_that_the_kit_has_made_is_used_again(tmp_path: Path, ex02: Exercise) -> None:
    first = rounds.current(tmp_path, ex02)
    text = (tmp_path / "secret").read_text()
    assert re.fullmatch("[0-9a-f]{64}", text)
    assert rounds.current(tmp_path, ex02) == first
    # As after an editor, or a copy on another system.
    (tmp_path / "secret").write_text(f"{text}\r\n")
    assert rounds.current(tmp_path, ex02) == first
    (tmp_path / "secret").write_text("0" * 64)
    assert rounds.current(tmp_path, ex02).key != first.key


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "nothing"),
        (b"  \n", "nothing"),
        (b"5e" * 20, "40 characters"),
        (b"5e" * 32 + b"\n" + b"5e" * 32, "129 characters"),
        (b"\0" * 64, "64 characters"),
        (b"\xff" * 64, "64 characters"),
        (b"5E" * 32, "64 characters"),
    ],
)
def test_damaged_secret_is_refused_and_stays(
    content: bytes, found: str, tmp_path: Path, ex02: Exercise
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(content)
    with pytest.raises(HarnessError, match=f"found {found}.*Restore") as refused:
        rounds.current(tmp_path, ex02)
    assert str(secret) in str(refused.value) and "64 hexadecimal digits" in str(refused.value)
    assert secret.read_bytes() == content
