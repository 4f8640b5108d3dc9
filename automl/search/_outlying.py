"""Rows whose targets alone would decide which of two trials looks better."""

import numpy as np

from automl.families import Problem

DECIDING = 0.05
"""Of a fold's squared deviations from the median, the share from which one row decides,"""

FEW = 20
"""and on a fold of few rows, how many times its even share."""

MOST = 0.02
"""Of all rows, those that can be outlying at most."""


def outlying_rows(
    problem: Problem, y: np.ndarray, n_valid: int, weight: np.ndarray | None = None
) -> np.ndarray:
    """Return the rows by which no trial is judged while it runs.

    A squared error is mostly that of the largest deviations. Where one row has a twentieth of
    all there is in a fold, the trials that happen to come near it look better than all others,
    which pruning would then end. The scores that are told, those by which a winner is chosen, and
    those by which boosting stops are of all rows.

    Parameters
    ----------
    problem : Problem
        No row is outlying where classes are predicted, or an absolute error counts.
    y : ndarray of shape (n_rows,)
    n_valid : int
        Validation rows of one fold.
    weight : ndarray of shape (n_rows,), optional

    Returns
    -------
    ndarray of int
        In ascending order.

    Examples
    --------
    >>> y = np.append(np.arange(98.0), [100.0, 5000.0])
    >>> outlying_rows(Problem("regression", 100, 3), y, 100).tolist()
    [99]
    >>> outlying_rows(Problem("regression", 100, 3, absolute_error=True), y, 100).tolist()
    []
    """
    none = np.empty(0, dtype=np.int64)
    if problem.task != "regression" or problem.absolute_error:
        return none
    small = y / (np.abs(y).max() or 1.0)  # squares of the largest numbers are beyond all numbers
    shares = (small - np.median(small)) ** 2
    shares = shares if weight is None else shares * weight
    most = int(MOST * len(y))
    order = np.argsort(-shares, kind="stable")[: most + 1]
    left = shares.sum() - np.append(0.0, np.cumsum(shares[order]))[:-1]
    allowed = max(DECIDING, FEW / n_valid) * n_valid / len(y)
    within = shares[order] <= allowed * left
    n = int(np.argmax(within)) if within.any() else most
    return np.sort(order[:n]) if n else none
