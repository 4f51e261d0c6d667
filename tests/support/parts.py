"""Parts of the tests, for machines on which all of them take too long."""

import re
from dataclasses import dataclass
from zlib import crc32

__all__ = ["Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """One of several parts of about the same size; the same names are in it on every machine."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> "Part":
        """Read a part from ``K/N``.

        Raises
        ------
        ValueError
            If it is no such text, or there is no such part.
        """
        found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
        if found is None or int(found[1]) > int(found[2]):
            raise ValueError(f"expected K/N with K from 1 to N, found {text!r}")
        return cls(int(found[1]), int(found[2]))

    def has(self, name: str) -> bool:
        """Tell whether a name belongs to the part."""
        return crc32(name.encode()) % self.of == self.number - 1
