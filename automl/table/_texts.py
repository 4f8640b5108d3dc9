"""The texts of a column, each different one once, as plain arrays that processes can share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

PARTS = ("places", "buffer", "ends")


@dataclass(frozen=True, eq=False)
class Texts:
    """A column of texts.

    Parameters
    ----------
    places : ndarray of int32 of shape (n_rows,)
        Which of the different texts each row holds, -1 where it holds none.
    buffer : ndarray of uint8
        The different texts in UTF-8, one after the other.
    ends : ndarray of int64 of shape (n_texts,)
        Where each of them ends.
    kept : dict
        What was worked out of the different texts and may be asked for again; tables of some of
        the rows share it.

    Examples
    --------
    >>> texts = Texts.of(["so late!", None, "thanks", "so late!"])
    >>> texts.places.tolist(), texts.strings([1])
    ([0, -1, 1, 0], ['thanks'])
    >>> texts.take(slice(2, 4)).places.tolist(), len(texts)
    ([1, 0], 2)
    """

    places: np.ndarray
    buffer: np.ndarray
    ends: np.ndarray
    kept: dict[Any, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, values: Sequence[str | None]) -> "Texts":
        """Put rows of texts together."""
        numbers: dict[str, int] = {}
        places = [-1 if v is None else numbers.setdefault(v, len(numbers)) for v in values]
        return cls.stored(np.array(places, dtype=np.int32), list(numbers))

    @classmethod
    def stored(cls, places: np.ndarray, different: Sequence[str]) -> "Texts":
        """Write down different texts, which rows name by their places."""
        encoded = [text.encode("utf-8", "replace") for text in different]
        ends = np.cumsum([len(e) for e in encoded], dtype=np.int64)
        return cls(places, np.frombuffer(b"".join(encoded), dtype=np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def strings(self, numbers: Sequence[int] | np.ndarray | None = None) -> list[str]:
        """The different texts, or those of these numbers."""
        wanted = np.arange(len(self.ends)) if numbers is None else np.asarray(numbers, np.intp)
        content, ends = np.ascontiguousarray(self.buffer).data, self.ends[wanted].tolist()
        starts = np.append(0, self.ends)[wanted].tolist()
        return [str(content[a:b], "utf-8") for a, b in zip(starts, ends, strict=True)]

    def take(self, rows: np.ndarray | slice) -> "Texts":
        """The texts of some rows; the different ones are not copied."""
        return Texts(self.places[rows], self.buffer, self.ends, self.kept)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All that `from_arrays` needs."""
        return {part: getattr(self, part) for part in PARTS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Texts":
        """Inverse of :meth:`to_arrays`; the arrays may lie in files."""
        return cls(arrays["places"], arrays["buffer"], arrays["ends"])
