"""The metrics of probabilities and values, in plain numpy.

A search and a greedy ensemble evaluate a metric many thousand times, mostly on a few
thousand rows, where the input checks of :mod:`sklearn.metrics` cost more than the metric.
Each function gives scikit-learn's number. Where scikit-learn raises or warns because the
number is not defined, the function returns nan; a target that the metric can't ever be
computed on raises ``ValueError``.

`y` holds codes or values, `w` the row weights or None; predictions are finite.
Classification functions that end in ``_multi`` take one column of probabilities per class,
the others ``P(positive)`` only.
"""

from collections.abc import Callable

import numpy as np

from automl.objective._types import Array, Weights


def mean(values: Array, w: Weights) -> float:
    """Return the weighted mean, nan where all weights are zero."""
    if w is None:
        return float(values.mean())
    total = w.sum()
    return float(np.dot(values, w) / total) if total > 0 else np.nan


# --- probabilities ---------------------------------------------------------------------


def roc_auc(y: Array, p: Array, w: Weights = None) -> float:
    """Return the share of (positive, negative) pairs in the right order; ties count half."""
    positive = y == 1
    if w is not None:
        return _weighted_roc_auc(positive, p, w)
    above, below = np.sort(p[positive]), np.sort(p[~positive])
    if not above.size or not below.size:
        return np.nan
    wins = below.searchsorted(above, "left").sum() + below.searchsorted(above, "right").sum()
    return float(wins / (2.0 * above.size * below.size))


def _weighted_roc_auc(positive: Array, p: Array, w: Array) -> float:
    below, below_w = p[~positive], w[~positive]
    order = below.argsort()
    below = below[order]
    mass = np.concatenate(([0.0], np.cumsum(below_w[order], dtype=np.float64)))
    above, above_w = p[positive], w[positive]
    total = mass[-1] * above_w.sum(dtype=np.float64)
    if not total > 0:
        return np.nan
    wins = mass[below.searchsorted(above, "left")] + mass[below.searchsorted(above, "right")]
    return float(np.dot(wins, above_w) / (2.0 * total))


def average_precision(y: Array, p: Array, w: Weights = None) -> float:
    """Return the mean precision over the steps of recall; nan without a positive row."""
    order = p.argsort()[::-1]
    ordered = p[order]
    hit = (y[order] == 1).astype(np.float64)
    weight = np.ones(len(p)) if w is None else w[order].astype(np.float64)
    last_of_tie = np.append(ordered[1:] != ordered[:-1], True)
    found = np.cumsum(hit * weight)[last_of_tie]
    seen = np.cumsum(weight)[last_of_tie]
    if not found[-1] > 0:
        return np.nan
    precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
    return float(np.dot(np.diff(found, prepend=0.0), precision) / found[-1])


def log_loss(y: Array, p: Array, w: Weights = None) -> float:
    """Return the mean negative log-likelihood, clipped at the precision of p's dtype."""
    return _negative_log(np.where(y == 1, p, 1 - p), w)


def log_loss_multi(y: Array, p: Array, w: Weights = None) -> float:
    """Return the mean negative log-likelihood of the true class."""
    return _negative_log(p[np.arange(len(y)), y], w)


def _negative_log(chosen: Array, w: Weights) -> float:
    eps = np.finfo(chosen.dtype).eps
    clipped = chosen.clip(eps, 1 - eps).astype(np.float64, copy=False)
    return -mean(np.log(clipped), w)


def brier(y: Array, p: Array, w: Weights = None) -> float:
    """Return the mean squared distance of P(positive) from 0 or 1."""
    return mean(np.square(p - (y == 1), dtype=np.float64), w)


def brier_multi(y: Array, p: Array, w: Weights = None) -> float:
    """Return the mean squared distance from the one-hot target, between 0 and 2."""
    p = p.astype(np.float64, copy=False)
    return mean(np.einsum("ij,ij->i", p, p) - 2.0 * p[np.arange(len(y)), y] + 1.0, w)


def d2(loss: Callable[[Array, Array, Weights], float]) -> Callable[..., float]:
    """Return 1 - loss / loss of the class frequencies, for a loss of probabilities."""

    def score(y: Array, p: Array, w: Weights = None) -> float:
        total = len(y) if w is None else w.sum()
        if len(y) < 2 or not total > 0:
            return np.nan
        share = np.bincount(y, w, minlength=p.shape[1] if p.ndim == 2 else 2) / total
        null = np.tile(share, (len(y), 1)) if p.ndim == 2 else np.full(len(y), share[1])
        reference = loss(y, null, w)
        return 1.0 - loss(y, p, w) / reference if reference > 1e-12 else np.nan

    return score


def one_vs_rest(
    score: Callable[[Array, Array, Weights], float], *, weighted: bool
) -> Callable[[Array, Array, Weights], float]:
    """Average a two-class metric over the classes, leaving out those it is undefined for."""

    def average(y: Array, p: Array, w: Weights = None) -> float:
        total = shares = 0.0
        for code in range(p.shape[1]):
            member = y == code
            value = score(member, p[:, code], w)
            if not np.isnan(value):
                share = float(member.sum() if w is None else w[member].sum()) if weighted else 1.0
                total += share * value
                shares += share
        return total / shares if shares > 0 else np.nan

    return average


def one_vs_one(*, weighted: bool) -> Callable[[Array, Array, Weights], float]:
    """Average the area under the curve over pairs of classes (Hand and Till, 2001)."""

    def average(y: Array, p: Array, w: Weights = None) -> float:
        rows = [np.flatnonzero(y == code) for code in range(p.shape[1])]
        total = shares = 0.0
        for a in range(p.shape[1]):
            for b in range(a):
                pair = np.concatenate((rows[a], rows[b]))
                w_pair = None if w is None else w[pair]
                value = 0.5 * (
                    roc_auc(y[pair] == a, p[pair, a], w_pair)
                    + roc_auc(y[pair] == b, p[pair, b], w_pair)
                )
                if not np.isnan(value):
                    size = float(len(pair) if w_pair is None else w_pair.sum())
                    share = size if weighted else 1.0
                    total += share * value
                    shares += share
        return total / shares if shares > 0 else np.nan

    return average


def top_2_accuracy(y: Array, p: Array, w: Weights = None) -> float:
    """Return the share of rows whose class is among the two most probable ones."""
    best = np.argsort(p, axis=1, kind="stable")[:, ::-1][:, :2]
    return mean((best == y[:, None]).any(axis=1), w)


# --- values ----------------------------------------------------------------------------


def mse(y: Array, v: Array, w: Weights = None) -> float:
    """Return the mean squared error."""
    return mean(np.square(y - v), w)


def rmse(y: Array, v: Array, w: Weights = None) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(mse(y, v, w)))


def mae(y: Array, v: Array, w: Weights = None) -> float:
    """Return the mean absolute error."""
    return mean(np.abs(y - v), w)


def median_absolute_error(y: Array, v: Array, w: Weights = None) -> float:
    """Return the median absolute error."""
    error = np.abs(y - v)
    return weighted_median(error, w)


def weighted_median(values: Array, w: Weights = None) -> float:
    """Return the middle of the lowest and the highest weighted median.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
    w : ndarray of shape (n_rows,), optional
        Weights, zero or above; nan comes of zeros alone.

    Examples
    --------
    >>> values = np.array([0.0, 0.0, 9.0])
    >>> weighted_median(values), weighted_median(values, np.array([1, 1, 8]))
    (0.0, 9.0)
    """
    if w is None:
        return float(np.median(values))
    order = values.argsort()
    order = order[w[order] > 0]
    if not order.size:
        return np.nan
    mass = np.cumsum(w[order], dtype=np.float64)
    half = mass[-1] / 2.0
    tolerance = 1e-12 * mass[-1]
    low = mass.searchsorted(half - tolerance, "left")
    high = mass.searchsorted(half + tolerance, "left")
    return float((values[order[low]] + values[order[min(high, len(order) - 1)]]) / 2.0)


def max_error(y: Array, v: Array, w: Weights = None) -> float:
    """Return the largest absolute error; weights have no meaning for it."""
    return float(np.abs(y - v).max())


def mape(y: Array, v: Array, w: Weights = None) -> float:
    """Return the mean absolute error relative to the target (1.0 is 100 %)."""
    return mean(np.abs(y - v) / np.maximum(np.abs(y), np.finfo(np.float64).eps), w)


def msle(y: Array, v: Array, w: Weights = None) -> float:
    """Return the mean squared error of log(1 + value)."""
    _demand_target(y, y > -1, "above -1")
    return mse(np.log1p(y), np.log1p(v), w) if (v > -1).all() else np.nan


def rmsle(y: Array, v: Array, w: Weights = None) -> float:
    """Return the root of the mean squared error of log(1 + value)."""
    return float(np.sqrt(msle(y, v, w)))


def r2(y: Array, v: Array, w: Weights = None) -> float:
    """Return the share of the target's variance that is explained."""
    if len(y) < 2:
        return np.nan
    spread = mean(np.square(y - mean(y, w)), w) if y.min() < y.max() else 0.0
    return _explained(mse(y, v, w), spread)


def explained_variance(y: Array, v: Array, w: Weights = None) -> float:
    """Return the share of explained variance, a constant bias forgiven."""
    error = y - v
    spread = mean(np.square(y - mean(y, w)), w) if y.min() < y.max() else 0.0
    return _explained(mean(np.square(error - mean(error, w)), w), spread)


def d2_absolute_error(y: Array, v: Array, w: Weights = None) -> float:
    """Return the share of the absolute deviation from the median that is explained."""
    if len(y) < 2:
        return np.nan
    middle = weighted_median(y, w)
    return _explained(mae(y, v, w), mean(np.abs(y - middle), w))


def _explained(error: float, reference: float) -> float:
    """Return 1 - error / reference, finite for a constant target as in scikit-learn."""
    if np.isnan(error) or np.isnan(reference):
        return np.nan
    if error == 0:
        return 1.0
    return 1.0 - error / reference if reference > 0 else 0.0


def poisson_deviance(y: Array, v: Array, w: Weights = None) -> float:
    """Return the mean Poisson deviance."""
    _demand_target(y, y >= 0, "of at least 0")
    if not (v > 0).all():
        return np.nan
    ratio = np.divide(y, v, out=np.ones(len(y)), where=y > 0)
    return mean(2.0 * (y * np.log(ratio) - y + v), w)


def gamma_deviance(y: Array, v: Array, w: Weights = None) -> float:
    """Return the mean Gamma deviance."""
    _demand_target(y, y > 0, "above 0")
    return mean(2.0 * (np.log(v / y) + y / v - 1.0), w) if (v > 0).all() else np.nan


def _demand_target(y: Array, fits: Array, allowed: str) -> None:
    if not fits.all():
        found = y[~fits][0]
        raise ValueError(f"it needs target values {allowed}, and the target holds {found!s}")
