"""A small part of a shell, enough for the set-up lines of a job: commands, words, variables.

Nothing is run. What cannot be known before the job runs, such as ``$(nproc)``, stays as it is
written and is never taken for a number.
"""

import ast
import operator
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from autograder.errors import ArgumentError

__all__ = ["Command", "commands", "expand", "is_assignment", "plain", "variables"]

_QUOTED_DOLLAR = "\ue000"
"""Stands for a ``$`` that the shell leaves alone, in single quotes or after a backslash."""

_LONGEST = 2_000
"""Most characters of a variable, and inside ``$(…)``: a few lines could double one for ever."""


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command: its words, without redirections and comments."""

    words: tuple[str, ...]
    """As the shell would see them before it expands variables."""
    runs: bool = True
    """Whether it runs in the shell itself if nothing fails: not as an alternative, in a pipe or in
    a subshell."""
    always: bool = True
    """Whether it runs even if another command fails."""


_OPERATOR = re.compile(r"&&|\|\||;;|\|&|[;|&()]")
_REDIRECTION = re.compile(r"(?:\d*|&)(?:>>|>&|<&|<<<|<>|>\||>|<)")

_BEFORE = ("!", "if", "time", "while", "until")
"""What may come before a command that still runs."""
_OPENING, _CLOSING = ("{", "then", "do"), ("}", "fi", "done")


def commands(text: str) -> list[Command]:
    """Split lines of a shell script into simple commands.

    Parameters
    ----------
    text : str
        One line or several.

    Raises
    ------
    ArgumentError
        If a quote or a bracket is not closed.
    """
    reader = _Reader()
    for kind, token in _tokens(text.replace("\\\n", "")):
        reader.take(kind, token)
    reader.end("")
    return reader.found


class _Reader:
    """The state while a script is read token by token."""

    def __init__(self) -> None:
        self.found: list[Command] = []
        self.words: list[str] = []
        self.after, self.redirected = "", False
        self.groups = [(True, True)]
        """For each group around a command: whether it runs if nothing fails, and always."""

    def take(self, kind: str, token: str) -> None:
        if kind == "operator":
            self.end(token)
        elif kind == "redirection":
            self.redirected = True
        elif self.redirected:
            self.redirected = False
        elif self.words or token not in (*_BEFORE, *_OPENING, *_CLOSING):
            self.words.append(token)
        elif token in _OPENING:
            # What comes after "then" or "do" may never run.
            self.open(*(self.now("") if token == "{" else (False, False)))
        elif token in _CLOSING:
            self.close()

    def end(self, joint: str) -> None:
        if self.words:
            self.found.append(Command(tuple(self.words), *self.now(joint)))
            self.after = ""
        if joint == "(":
            self.open(False, False)
        elif joint == ")":
            self.close()
        elif joint != ";" or self.words:  # a line may end after "&&"
            self.after = joint
        self.words, self.redirected = [], False

    def now(self, joint: str) -> tuple[bool, bool]:
        """Return ``runs`` and ``always`` of a command that ends with a joint."""
        runs, always = self.groups[-1]
        here = self.after not in ("||", "|", "|&") and joint not in ("|", "|&", "&")
        return runs and here, always and here and self.after != "&&"

    def open(self, runs: bool, always: bool) -> None:
        self.groups.append((runs, always))
        self.after = ""

    def close(self) -> None:
        if len(self.groups) > 1:
            self.groups.pop()
        self.after = ""


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place, length = 0, len(text)
    while place < length:
        letter = text[place]
        if letter == "\n":
            yield "operator", ";"
            place += 1
        elif letter.isspace():
            place += 1
        elif letter == "#":
            end = text.find("\n", place)
            place = length if end < 0 else end
        elif redirection := _REDIRECTION.match(text, place):
            yield "redirection", redirection[0]
            place = redirection.end()
        elif found := _OPERATOR.match(text, place):
            yield "operator", ";" if found[0] == ";;" else found[0]
            place = found.end()
        else:
            word, place = _word(text, place)
            yield "word", word


def _word(text: str, place: int) -> tuple[str, int]:
    word, quote, start = "", "", place
    while place < len(text):
        letter = text[place]
        if quote == "'":
            if letter == "'":
                quote = ""
            else:
                word += _QUOTED_DOLLAR if letter == "$" else letter
        elif letter == "\\" and (not quote or text[place + 1 : place + 2] in '$"\\`'):
            place += 1
            following = text[place : place + 1]
            word += _QUOTED_DOLLAR if following == "$" else following
        elif letter == "$" and (inner := _inner(text, place)):
            word += inner
            place += len(inner) - 1
        elif quote:
            if letter == quote:
                quote = ""
            else:
                word += letter
        elif letter in "\"'":
            quote = letter
        elif letter.isspace() or letter in ";|&()<>":
            break
        else:
            word += letter
        place += 1
    if quote:
        raise ArgumentError(f"makes a line with a quote that does not close: {text[start:][:60]}")
    return word, place


def _inner(text: str, place: int) -> str:
    """Return ``$(…)``, ``$((…))`` or ``${…}`` as it is written, blanks and all."""
    closing = {"(": ")", "{": "}"}.get(text[place + 1 : place + 2])
    if closing is None:
        return ""
    depth = 0
    for end in range(place + 1, min(len(text), place + _LONGEST)):
        depth += (text[end] == text[place + 1]) - (text[end] == closing)
        if depth == 0:
            return text[place : end + 1]
    raise ArgumentError(f"makes a line with a bracket that does not close: {text[place:][:60]}")


def plain(word: str) -> str:
    """Return a word as it would be shown: a quoted ``$`` is a ``$``."""
    return word.replace(_QUOTED_DOLLAR, "$")


_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


def is_assignment(word: str) -> bool:
    """Tell whether a word gives a variable a value."""
    return _ASSIGNMENT.fullmatch(word) is not None


_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^{}]*))?\}|([A-Za-z_]\w*)|\(\((.*?)\)\))", re.DOTALL)


def variables(before: Mapping[str, str], given: Iterable[Command]) -> dict[str, str]:
    """Return variables and their values after some commands; unset ones are left out.

    A reference to an unknown value keeps its ``$``.
    """
    known = dict(before)
    for command in given:
        if not command.runs:
            continue
        first, *others = command.words
        if first == "unset":
            for name in others:
                known.pop(name, None)
            continue
        if first in ("export", "declare", "typeset", "readonly", "local"):
            words = others
        elif all(map(is_assignment, command.words)):
            words = [first, *others]  # without a command after them, they stay
        else:
            continue
        for found in filter(None, map(_ASSIGNMENT.fullmatch, words)):
            known[found[1]] = expand(found[2], known)
            if len(known[found[1]]) > _LONGEST:
                raise ArgumentError(f"makes a variable {found[1][:40]} of very many letters")
    return known


def expand(word: str, known: Mapping[str, str]) -> str:
    """Replace the known variables in a word; others stay, as ``$NAME``."""

    def value(found: re.Match[str]) -> str:
        if found[4] is not None:
            return _computed(expand(found[4], known), known) or found[0]
        name = found[1] or found[3]
        if name in known:
            return known[name] or found[2] or ""
        if found[2] is not None:
            return expand(found[2], known)
        return f"${name}"

    return _VARIABLE.sub(value, word)


_OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: int(a / b),
    ast.Mod: operator.mod,
}


def _computed(text: str, known: Mapping[str, str]) -> str | None:
    """Compute whole numbers as ``$((…))`` does, or give up."""

    def number(node: ast.expr) -> int:
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
            return int(_OPERATIONS[type(node.op)](number(node.left), number(node.right)))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -number(node.operand)
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.Name):
            return int(known[node.id])
        raise ValueError

    try:
        tree = ast.parse(text.strip()[:200], mode="eval")
        result = number(tree.body)
        return str(result) if abs(result) < 10**9 else None
    except (SyntaxError, ValueError, KeyError, ZeroDivisionError, OverflowError, RecursionError):
        return None
