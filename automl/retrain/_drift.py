"""How far new values are from a profile of the old ones: plain arithmetic on arrays."""

import math
from dataclasses import dataclass

import numpy as np

from automl.table import ColumnProfile

BINS = 10
"""Of the stability index: tenths of the old values."""

PRIOR_ROWS = 0.5
"""Each bin counts as if it held so many rows more: the logarithm of an empty one is infinite."""

ALIKE = 0.15
"""Quantiles differ by one factor if its decimal logarithm varies no more over them."""

FEW = 3
"""Quantiles that can be compared, at the least, to speak of a factor."""


@dataclass(frozen=True)
class Distance:
    """How far a column is from what it was.

    Parameters
    ----------
    psi : float
        Population stability index: the sum over bins of (new - old) * log(new / old).
    ks : float
        Greatest distance of the two distribution functions.
    psi_noise, ks_noise : float
        What chance alone hardly exceeds for so many rows, if nothing changed.
    """

    psi: float
    ks: float
    psi_noise: float
    ks_noise: float


def column_distance(
    old: ColumnProfile, values: np.ndarray, *, old_rows: int, is_category: bool
) -> Distance:
    """Compare the values of a column with its profile; missing values are left aside.

    Parameters
    ----------
    old : ColumnProfile
    values : ndarray of shape (n_rows,)
        Numbers, or codes of categories.
    old_rows : int
        Rows that the profile was made of.
    is_category : bool
        Categories have no order: the distance of distributions is then half the sum of the
        differences of shares.

    Examples
    --------
    >>> old = ColumnProfile(values=(0.0, 1.0), shares=(0.5, 0.5))
    >>> same = column_distance(old, np.array([0.0, 1.0]), old_rows=100, is_category=False)
    >>> same.psi, same.ks
    (0.0, 0.0)
    >>> ones = column_distance(old, np.ones(50), old_rows=100, is_category=False)
    >>> ones.psi > 1, ones.ks
    (True, 0.5)
    """
    present = values[values >= 0] if is_category else values[np.isfinite(values)]
    if not len(present) or not (old.values or old.shares):
        return Distance(0.0, 0.0, 0.0, 0.0)
    if is_category:
        before, after = _category_shares(old, present)
        ks = float(np.abs(before - after).sum() / 2)
    else:
        before, after, ks = _number_shares(old, present)
    n_bins, per_row = len(before), 1 / len(present) + 1 / max(1, old_rows)
    psi = stability_index(_smooth(before, old_rows), _smooth(after, len(present)))
    # The index times the rows is about a chi-squared of n_bins - 1 degrees of freedom.
    noise = per_row * (n_bins - 1 + 4 * math.sqrt(2 * max(0, n_bins - 1)) + 8)
    return Distance(psi, ks, noise, 2.0 * math.sqrt(per_row))


def stability_index(before: np.ndarray, after: np.ndarray) -> float:
    """Return the population stability index of two lists of shares, all above zero.

    Examples
    --------
    >>> round(stability_index(np.array([0.5, 0.5]), np.array([0.9, 0.1])), 2)
    0.88
    """
    return float(((after - before) * np.log(after / before)).sum())


def unit_factor(old: ColumnProfile, values: np.ndarray) -> float:
    """Return the factor between the old values and the new ones, 1 where there is none.

    There is one if all quantiles changed by about the same factor: another distribution is not
    another unit.

    Parameters
    ----------
    old : ColumnProfile
    values : ndarray of shape (n_rows,)

    Examples
    --------
    >>> old = ColumnProfile(values=(1.0, 2.0, 3.0, 4.0, 5.0))
    >>> unit_factor(old, 1000 * np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    1000.0
    >>> unit_factor(old, np.array([1.0, 2.0, 3.0, 40.0, 500.0]))
    1.0
    """
    present = values[np.isfinite(values)]
    if not len(present) or not old.values:
        return 1.0
    if old.is_discrete:
        chances = np.cumsum(old.shares) - np.asarray(old.shares) / 2
    else:
        chances = np.linspace(0, 1, len(old.values))
    # the very ends are single values, which may be anything
    inner = slice(None) if old.is_discrete else slice(1, -1)
    before = np.asarray(old.values)[inner]
    after = np.quantile(present, np.clip(chances[inner], 0, 1), method="lower")
    usable = (before != 0) & (after != 0)
    if usable.sum() < min(FEW, (before != 0).sum()) or not usable.any():
        return 1.0
    if (np.sign(before[usable]) != np.sign(after[usable])).mean() > 0.1:
        return 1.0
    logs = np.log10(np.abs(after[usable]) / np.abs(before[usable]))
    middle = float(np.median(logs))
    alike = float(np.mean(np.abs(logs - middle) <= ALIKE)) >= 0.8
    return float(f"{10**middle:.4g}") if alike else 1.0


def _smooth(shares: np.ndarray, n_rows: int) -> np.ndarray:
    return (shares * n_rows + PRIOR_ROWS) / (n_rows + PRIOR_ROWS * len(shares))


def _category_shares(old: ColumnProfile, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the most frequent categories and of all others together."""
    most = min(len(old.shares), 2 * BINS)
    before = np.asarray(old.shares[:most])
    counts = np.bincount(np.minimum(codes, most), minlength=most + 1)
    after = counts / len(codes)
    return np.append(before, max(0.0, 1 - before.sum())), after


def _number_shares(old: ColumnProfile, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Shares of bins, old and new, and the distance of the distribution functions."""
    knots = np.asarray(old.values)
    if old.is_discrete:
        reached = np.cumsum(old.shares)
    else:
        knots, first = np.unique(knots[::-1], return_index=True)  # where a value occurs last
        reached = 1 - first / (len(old.values) - 1)
    now = np.searchsorted(np.sort(values), knots, side="right") / len(values)
    ks = float(np.abs(reached - now).max())
    if not old.is_discrete:  # some tenths of the old values, as far as values allow
        wanted = np.linspace(0, 1, BINS + 1)[1:-1]
        picked = np.unique(np.searchsorted(reached, wanted - 1e-9))
        picked = picked[picked < len(knots) - 1]
        reached, now = reached[picked], now[picked]
        reached, now = np.append(reached, 1.0), np.append(now, 1.0)
    before = np.diff(reached, prepend=0.0)
    after = np.diff(np.append(now[:-1], 1.0), prepend=0.0)
    return before, after, ks
