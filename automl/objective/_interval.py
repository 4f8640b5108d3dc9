"""The interval of a score: how far it could be off by the luck of the rows."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from automl.exceptions import UsageError
from automl.objective._metric import Metric
from automl.objective._splits import factorize_groups
from automl.objective._types import Array, Codes, Weights

_MIN_RESAMPLES = 20  # fewer defined scores than this tell nothing about the tails
MOST_ROWS = 10_000
"""A resample draws no more of them."""

_BLOCKS = 40  # parts left out in turn to measure how the score's spread changes

RowsOfUnits = Callable[[Codes], Codes]


def bootstrap_interval(
    metric: Metric,
    y: Array,
    predictions: Array,
    *,
    sample_weight: Weights = None,
    groups: Any = None,
    level: float = 0.95,
    n_resamples: int = 200,
    random_state: int = 0,
) -> tuple[float, float]:
    """Bootstrap the score of predictions over rows, or over groups.

    Parameters
    ----------
    metric : Metric
        The metric.
    y : ndarray of shape (n_rows,)
        The encoded target.
    predictions : ndarray of shape (n_rows, n_outputs)
        Predictions for these rows, from models that did not see them.
    sample_weight : ndarray of shape (n_rows,), optional
        Weights of the rows.
    groups : array-like of shape (n_rows,), optional
        Draw whole groups: rows of one group tell less than as many unrelated rows.
    level : float, default=0.95
        The share of tables whose interval should hold the true score.
    n_resamples : int, default=200
        How often to draw.
    random_state : int, default=0
        Seed.

    Returns
    -------
    low, high : float
        The interval, which always holds the score itself. Both nan where the score, or the
        score of nearly all resamples, is not defined.

    Raises
    ------
    UsageError
        If `level` is not between 0 and 1.

    Notes
    -----
    Bias-corrected and accelerated interval (BCa) [1]_, the acceleration from a jackknife
    over up to 40 blocks, with the quantiles widened for few rows as in [2]_. Against the
    true score of simulated tables of 30 to 100 rows it held its level better than the
    percentile interval (log loss of 30 rows 0.90 against 0.88, area under the curve 0.97
    against 0.91, rmse with heavy tails 0.82 against 0.75) and far better than the basic
    interval; from 500 rows on they agree. A metric that few extreme rows decide, as rmse
    with heavy tails, keeps less than its level with every bootstrap.

    From more than 10,000 rows only so many are drawn, the deviations are shrunk by the
    square root of the ratio, and plain percentiles are taken: this bounds the time on a
    large table. Resamples for which the metric is not defined are left out.

    References
    ----------
    .. [1] Efron, B. (1987). Better bootstrap confidence intervals. JASA 82.
    .. [2] Hesterberg, T. (2015). What teachers should know about the bootstrap. The
       American Statistician 69.

    Examples
    --------
    >>> import numpy as np
    >>> from automl.objective import get_metric
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, size=400)
    >>> p = np.where(rng.random(400) < 0.8, y, 1 - y)[:, None].astype(float)
    >>> metric = get_metric("accuracy", task="binary")
    >>> metric.score(y, p)
    0.8
    >>> low, high = bootstrap_interval(metric, y, p)
    >>> bool(0.75 < low < 0.78 and 0.82 < high < 0.85)
    True
    """
    if not 0 < level < 1:
        raise UsageError(f"level is {level!r}; it must be between 0 and 1, for example 0.95")
    score = _Resampled(metric, np.asarray(y), predictions, sample_weight)
    point = score(None)
    n_units, rows_of = _units(groups, len(y))
    n_drawn = n_units if len(y) <= MOST_ROWS else max(2, n_units * MOST_ROWS // len(y))
    if math.isnan(point) or n_units < 2:
        return math.nan, math.nan
    rng = np.random.default_rng(random_state)
    draws = np.array(
        [score(rows_of(rng.integers(n_units, size=n_drawn))) for _ in range(n_resamples)]
    )
    draws = draws[~np.isnan(draws)]
    if len(draws) < min(_MIN_RESAMPLES, n_resamples):
        return math.nan, math.nan
    if n_drawn < n_units:
        draws = point + (draws - point) * math.sqrt(n_drawn / n_units)
        chances = np.array([(1 - level) / 2, (1 + level) / 2])
    else:
        acceleration = _acceleration(score, rows_of, n_units)
        chances = _bca_chances(draws, point, acceleration, level=level, n_units=n_units)
    low, high = np.quantile(draws, chances)
    return min(float(low), point), max(float(high), point)


class _Resampled:
    """The score of a choice of rows."""

    def __init__(self, metric: Metric, y: Array, predictions: Array, w: Weights) -> None:
        self._metric = metric
        self._y = y
        self._predictions = predictions
        self._w = w

    def __call__(self, rows: Codes | None) -> float:
        if rows is None:
            return self._metric.score(self._y, self._predictions, self._w)
        w = None if self._w is None else self._w[rows]
        return self._metric.score_or_nan(self._y[rows], self._predictions[rows], w)


def _units(groups: Any, n_rows: int) -> tuple[int, RowsOfUnits]:
    """Return how many units there are, and how to get the rows of drawn units."""
    if groups is None:
        return n_rows, lambda drawn: drawn
    codes = factorize_groups(groups, n_rows)
    n_units = int(codes.max()) + 1
    everything = np.arange(n_rows)
    return n_units, lambda drawn: np.repeat(
        everything, np.bincount(drawn, minlength=n_units)[codes]
    )


def _acceleration(score: _Resampled, rows_of: RowsOfUnits, n_units: int) -> float:
    """Estimate the skewness of the score by leaving out one block of units after another."""
    block = np.arange(n_units) % min(n_units, _BLOCKS)
    scores = np.array(
        [score(rows_of(np.flatnonzero(block != b))) for b in range(int(block.max()) + 1)]
    )
    scores = scores[~np.isnan(scores)]
    if not scores.size:
        return 0.0
    deviation = scores.mean() - scores
    spread = float(np.sum(deviation**2))
    return float(np.sum(deviation**3)) / (6.0 * spread**1.5) if spread > 1e-200 else 0.0


def _bca_chances(
    draws: Array, point: float, acceleration: float, *, level: float, n_units: int
) -> Array:
    """Return the two quantiles of the draws that bound the interval."""
    from scipy.special import ndtr, ndtri, stdtrit

    below = (np.mean(draws < point) + np.mean(draws <= point)) / 2
    bias = ndtri(np.clip(below, 0.01, 0.99))
    # A t quantile and the unbiased variance make up for few rows.
    reach = -stdtrit(n_units - 1, (1 - level) / 2) * math.sqrt(n_units / (n_units - 1))
    shifted = bias + np.array([-reach, reach])
    # Beyond a correction of half, the formula turns over: it was made for small ones.
    chances: Array = ndtr(bias + shifted / np.maximum(1 - acceleration * shifted, 0.5))
    return chances
