"""How long things take here, learned from what ran."""

from collections.abc import Mapping

import numpy as np


class CostBook:
    """Seconds per fold of each family.

    Until a family has run, its cost is guessed from those that have, through the relative costs
    that families declare.

    Parameters
    ----------
    relative : mapping of str to float
        Declared cost of each family; 1 is a boosted ensemble with its default parameters.

    Examples
    --------
    >>> book = CostBook({"a": 1.0, "b": 3.0})
    >>> book.seconds("b") is None
    True
    >>> book.book("a", 2.0)
    >>> book.seconds("a"), book.seconds("b")
    (2.0, 6.0)
    """

    def __init__(self, relative: Mapping[str, float]) -> None:
        self._relative = dict(relative)
        self._seconds: dict[str, list[float]] = {}

    def book(self, family: str, seconds: float) -> None:
        """Enter a fold that was fitted."""
        self._seconds.setdefault(family, []).append(seconds)

    def seconds(self, family: str) -> float | None:
        """Expected seconds of a fold of this family, ``None`` before anything ran."""
        if family in self._seconds:
            return float(np.median(self._seconds[family]))
        if not self._seconds:
            return None
        units = [float(np.median(s)) / self._relative[name] for name, s in self._seconds.items()]
        return float(np.median(units)) * self._relative[family]
