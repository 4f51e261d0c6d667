"""The line below a card: what was lost, what came, and the likely reason where one is known."""

from autograder.model import Finding, Mistake, ScoredFinding, Status
from autograder.student import check


def lost(*mistakes: Mistake) -> ScoredFinding:
    finding = Finding(
        "id", "mean_square", "values", "mean_square is right", Status.FAILED, 0.0, "13.5", "9.4",
        mistakes=mistakes,
    )  # fmt: skip
    return ScoredFinding(finding, 0.0, 1.0)


def test_it_says_what_came() -> None:
    assert check._message([lost()]) == "Not yet: mean_square is right. Got: 9.4."


def test_it_names_the_likely_reason() -> None:
    reasons = [Mistake(title, title, "…", "a page") for title in ("The square of the mean", "Two")]
    assert check._message([lost(*reasons)]) == (
        "Not yet: mean_square is right. Got: 9.4. Likely reason: The square of the mean."
    )
