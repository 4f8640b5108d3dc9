"""A part of the rows in which no class is lost."""

import numpy as np

from automl.objective._types import Codes

OF_CLASS = 10
"""Rows of each class that are drawn, if it has so many,"""

MOST_CLASSES = 1000
"""and classes beyond which none is favoured."""


def draw_rows(codes: Codes, n: int, rng: np.random.Generator) -> Codes:
    """Draw rows at random, a few of each class among them, however rare it is.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows,)
        The class of each row.
    n : int
        Rows to draw; classes may make it a few more.
    rng : Generator

    Returns
    -------
    ndarray of int
        Row numbers in ascending order.

    Examples
    --------
    >>> codes = np.array([0] * 1000 + [1] * 3)
    >>> rows = draw_rows(codes, 100, np.random.default_rng(0))
    >>> len(rows), int((codes[rows] == 1).sum())
    (100, 3)
    """
    rows = rng.permutation(len(codes))
    classes, drawn = np.unique(codes[rows], return_inverse=True)
    if len(classes) > MOST_CLASSES:
        return np.sort(rows[:n])
    by_class = np.argsort(drawn, kind="stable")
    counts = np.bincount(drawn)
    place = np.empty(len(rows), dtype=np.int64)
    place[by_class] = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.flatnonzero(place < OF_CLASS)
    rest = np.flatnonzero(place >= OF_CLASS)[: max(0, n - len(first))]
    return np.sort(rows[np.concatenate([first, rest])])
