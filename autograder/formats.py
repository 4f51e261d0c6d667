"""Formatting of numbers, sizes, times and other people's texts, the same everywhere."""

import math
import re
import unicodedata

__all__ = [
    "NOTHING",
    "TIMES",
    "a_or_an",
    "apart",
    "brief",
    "clean",
    "clip",
    "counted",
    "megabytes",
    "number",
    "one_line",
    "seconds",
    "sentence",
    "shorten",
    "time_left",
]

NOTHING = "\N{EN DASH}"
"""Shown where there is no number or word."""
TIMES = "\N{MULTIPLICATION SIGN}"

_CLIPPED = 4000
"""Characters of a traceback that are kept: its end, which says what happened."""
_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.?)")

_LINE_BREAK = re.compile("[\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_BREAKS = {"\n": "\\n"}


def number(value: float) -> str:
    """Write points or a ratio with at most two decimals and no trailing zeros."""
    if not math.isfinite(value):
        return NOTHING
    return f"{value:.2f}".rstrip("0").rstrip(".")


def seconds(value: float) -> str:
    """Write a duration in seconds with three significant digits or so, and its unit."""
    if not math.isfinite(value):
        return NOTHING
    digits = 3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} s"


def megabytes(size: float, digits: int = 1) -> str:
    """Write a number of bytes in MB with `digits` decimals, or in kB where it is small."""
    return f"{size / 1e6:.{digits}f} MB" if size >= 50_000 else f"{size / 1e3:.1f} kB"


def counted(count: int, what: str) -> str:
    """Write a number of things: ``1 worker``, ``2 workers``, ``1,200 tasks``."""
    return f"{count} {what}" if count == 1 else f"{count:,} {what}s"


def brief(value: float) -> str:
    """Write a setting as a person would: ``1e-05``, not ``9.999999999999999e-06``."""
    short = repr(float(f"{value:.6g}"))
    return short.removesuffix(".0") if float(value).is_integer() and "e" not in short else short


def apart(value: float, other: float, decimals: int = 4) -> tuple[str, str]:
    """Write two numbers with as many decimals as it takes to tell them apart.

    Parameters
    ----------
    value, other : float
    decimals : int
        The fewest to write.

    Returns
    -------
    tuple of str
        Equal only for equal numbers.
    """
    if value == other or not (math.isfinite(value) and math.isfinite(other)):
        return f"{value:.{decimals}f}", f"{other:.{decimals}f}"
    for digits in range(decimals, 18):
        written = f"{value:.{digits}f}", f"{other:.{digits}f}"
        if written[0] != written[1]:
            return written
    return repr(float(value)), repr(float(other))


def a_or_an(name: str) -> str:
    """Put the article before the name of a type: ``a list``, ``an ndarray``, ``an SVC``."""
    letters = re.match(r"[A-Z](?=[A-Z\d])|nd(?=array)", name)
    if letters:
        # Spelt out letter by letter: an "en", a "pee".
        vowel = letters[0][0].upper() in "AEFHILMNORSX"
    else:
        vowel = bool(re.match(r"(?i)[aeio]|u(?!ni|int|func|ser|til|se|ri)", name))
    return f"{'an' if vowel else 'a'} {name}"


def sentence(text: str) -> str:
    """End a text with a full stop, unless it ends like a sentence already."""
    text = text.rstrip()
    return text if text.endswith((".", "!", "?", "…", ".)", "?)")) else f"{text}."


def shorten(text: str, limit: int) -> str:
    """Cut a text at the end of a word, and say with "…" that there was more.

    Parameters
    ----------
    text : str
    limit : int
        Most characters of the result, "…" included.
    """
    if len(text) <= limit:
        return text
    end = max(limit - 1, 0)
    gap = max((text.rfind(space, 0, end + 1) for space in " \n\t"), default=-1)
    # A single word that is longer than that is cut where a character ends.
    if gap < end // 2:
        while end > 0 and _joined(text[end - 1], text[end]):
            end -= 1
        gap = end
    return f"{text[:gap].rstrip()}…"


def _joined(before: str, after: str) -> bool:
    """Whether two code points belong to one character that a reader sees."""
    joiner = "\u200d"
    return (
        joiner in (before, after)
        or unicodedata.category(after) in ("Mn", "Mc", "Me")
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or all("\U0001f1e6" <= each <= "\U0001f1ff" for each in (before, after))
        or all("\u1100" <= each <= "\u11ff" for each in (before, after))
    )


def time_left(elapsed: float, done: int, to_do: int) -> str:
    """Estimate the time left for a batch from what is done; empty at first.

    Parameters
    ----------
    elapsed : float
        Seconds that the finished items took together.
    done, to_do : int
        How many are finished, and how many are not.
    """
    if done < 1:
        return ""
    left = elapsed / done * to_do
    if left < 90:
        # To the nearest ten: a number that keeps changing claims more than is known.
        return f"about {max(10 * round(left / 10), 10)} s left"
    return (
        f"about {round(left / 60)} min left" if left < 5400 else f"about {left / 3600:.1f} h left"
    )


def clean(text: str) -> str:
    """Remove from a text what can harm a terminal, an XML parser or the reader.

    Escape sequences go; other control characters, lone surrogates and characters that change
    the direction of writing become ``U+FFFD``. Line breaks and tabs stay.

    Parameters
    ----------
    text : str
        Anything, such as the message of an exception in a student's code.

    Returns
    -------
    str
    """
    text = _ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        c if c.isprintable() or c in "\n\t" or (c.isspace() and c > " ") else "\ufffd" for c in text
    )


def one_line(text: str) -> str:
    """Clean a text that must stay within one line, such as a file's name in a log."""
    return _LINE_BREAK.sub(lambda found: _BREAKS.get(found[0], "\ufffd"), clean(text))


def clip(text: str, limit: int = _CLIPPED) -> str:
    """Shorten a text to its last `limit` characters, and say so where it was shortened."""
    text = text.strip("\n")
    if len(text) <= limit:
        return text
    end = text[-limit:]
    return "… (shortened)\n" + (end.partition("\n")[2] or end)
