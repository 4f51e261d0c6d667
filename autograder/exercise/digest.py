"""What the evidence of an exercise depends on: its description and code, without the words.

Another title, comment or docstring changes nothing that is observed: a mended sentence must not
have a class observed again, for hours.
"""

import ast
import hashlib
import io
import json
import tokenize
import tomllib
from collections.abc import Iterable

__all__ = ["digest_of"]

_WORDS = frozenset({"title", "technique", "explanation", "see"})
"""Keys of ``exercise.toml`` that are read by people only."""


def digest_of(size: str, description: bytes, code: Iterable[bytes]) -> str:
    """Return a SHA-256 of what an exercise asks for and how its answers are judged.

    Parameters
    ----------
    size : str
        ``laptop``, ``node`` or ``cluster``.
    description : bytes
        Content of ``exercise.toml``; what is not valid counts to the byte.
    code : iterable of bytes
        Contents of ``cases.py`` and of what it may import from the kit.
    """
    digest = hashlib.sha256(size.encode() + b":")
    for part in (_values(description), *map(_statements, code)):
        # The length in front keeps a byte that moves from one file to the next visible.
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _values(description: bytes) -> bytes:
    try:
        told = tomllib.loads(description.decode())
        return json.dumps(_without_words(told), sort_keys=True).encode()
    except (ValueError, TypeError):  # broken, or with a date: `read` says what is wrong
        return description


def _without_words(value: object) -> object:
    match value:
        case dict():
            return {
                key: _without_words(inner)
                for key, inner in value.items()
                if key not in _WORDS or not isinstance(inner, str)
            }
        case list():
            return [_without_words(inner) for inner in value]
    return value


def _statements(code: bytes) -> bytes:
    """Return the lines of a module without comments, docstrings and empty lines.

    By their places in the text: how a parser represents the rest depends on Python's version.
    """
    try:
        lines = code.decode().splitlines()
        tokens = list(tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline))
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, tokenize.TokenError):
        return code
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in nodes:
        match node:
            case ast.Expr(ast.Constant(str()), lineno=first, end_lineno=int(last)):
                lines[first - 1 : last] = [""] * (last - first + 1)
    return "\n".join(line for line in map(str.rstrip, lines) if line).encode()
