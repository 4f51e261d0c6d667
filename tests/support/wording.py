"""What is wrong with a text that a student reads, as far as a machine can tell."""

import re

__all__ = ["faults"]

_NOUNS = (
    "blocks|bytes|candidates|cells|checks|chunks|columns|copies|cores|features|files|folds|graphs|"
    "jobs|labels|messages|nights|nodes|passes|pieces|points|processes|reads|results|rows|scores|"
    "seconds|stars|steps|tasks|threads|times|trainings|values|workers"
)
_FAULTS = {
    "two stops": r"(?<!\.)\.\.(?!\.)|(?<!\.)\.\s+\.(?=\s|$)|[!?]\.",
    "a plural of one": rf"(?<![\d.,-])1 (?:{_NOUNS})\b",
    "the wrong article": r"\b[Aa] (?:ndarray|SVC|SGD\w*|MLP\w*|NMF)\b"
    r"|\b[Aa] (?!one\b|once\b|uni|us|eu)[aeiou]\w+"
    r"|\b[Aa]n (?:[bcdfgjklmpqrstvwyz]\w+|uni\w+|us\w+|one\b)",
    "too many digits": r"\d\.\d{7,}",
    "two spaces": r"\S {2,}\S",
    "a stop or comma after a space": r" [.,;:](?=\s|$)",
}


def faults(text: str, *, sentences: bool = False) -> list[str]:
    """Return what is wrong with a text.

    Parameters
    ----------
    text : str
    sentences : bool
        Whether it consists of whole sentences.
    """
    found = [
        f"{fault}: {match[0]!r}"
        for fault, pattern in _FAULTS.items()
        for match in re.finditer(pattern, text)
    ]
    if text.count("`") % 2:
        found.append("a backtick that does not close")
    if sentences and text.strip() and not re.search(r"[.!?…)]$", text.strip()):
        found.append(f"no stop at the end: {text[-20:]!r}")
    return found
