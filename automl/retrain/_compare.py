"""Champion against challenger, on rows that neither was trained on."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from automl.exceptions import UsageError
from automl.objective import Metric, MetricError
from automl.retrain._champion import skill
from automl.table._messages import counted, listed

LEVEL = 0.95
RESAMPLES = 400
MOST_DRAWN = 10_000
"""A resample draws no more rows; the deviations are shrunk accordingly."""

LEAST_DEFINED = 50
"""Resamples for which both scores are defined, below which there is no interval."""

TOLERANCE = 0.1
"""A challenger may win although it could be worse, if it could not plausibly cost more than this
share of what the champion is worth over a constant."""

LEAST_ROWS, MOST_SLICES = 30, 50
"""Of a slice, and how many of them, the largest first."""


@dataclass(frozen=True)
class Paired:
    """A difference of two scores on the same rows, above zero where the challenger is better.

    Parameters
    ----------
    champion, challenger : float
        Scores in the metric's own sign.
    difference : float
    interval : (float, float)
        95 %, by a paired bootstrap.
    at_least : float
        What the difference exceeds with the certainty of the interval, looked at from below only.
    n_rows : int
    """

    champion: float
    challenger: float
    difference: float
    interval: tuple[float, float]
    at_least: float
    n_rows: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "champion": self.champion,
            "challenger": self.challenger,
            "difference": self.difference,
            "interval": list(self.interval),
            "at_least": self.at_least,
            "n_rows": self.n_rows,
        }


@dataclass(frozen=True)
class Demands:
    """What a challenger must meet beyond being better.

    Parameters
    ----------
    margin : float
        By how much its score must be better, in the metric's unit.
    min_score : float, optional
    max_bytes : int, optional
        Of the saved model.
    max_latency : float, optional
        Seconds to predict one row.
    """

    margin: float = 0.0
    min_score: float | None = None
    max_bytes: int | None = None
    max_latency: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.margin) and self.margin >= 0):
            raise UsageError(f"A margin of {self.margin!r} is not allowed: give 0 or more.")


@dataclass(frozen=True)
class Comparison:
    """What was compared, and what follows.

    Parameters
    ----------
    overall : Paired
    baseline : float
        Score of a constant on the same rows.
    slices : mapping of str to Paired
    promote : bool
    reason : str
    """

    overall: Paired
    baseline: float
    slices: Mapping[str, Paired] = field(default_factory=dict)
    promote: bool = False
    reason: str = ""


def paired(
    metric: Metric,
    y: np.ndarray,
    champion: np.ndarray,
    challenger: np.ndarray,
    *,
    sample_weight: np.ndarray | None = None,
    level: float = LEVEL,
    seed: int = 0,
    seconds: float | None = None,
) -> Paired:
    """Compare two lists of predictions of the same rows.

    Parameters
    ----------
    metric : Metric
    y : ndarray of shape (n_rows,)
        Encoded.
    champion, challenger : ndarray of shape (n_rows, n_outputs)
    sample_weight : ndarray of shape (n_rows,), optional
        Metrics that know no weights ignore it.
    level : float, default=0.95
    seed : int, default=0
    seconds : float, optional
        That it should take. There are fewer resamples of fewer rows, if need be, and no interval
        where even that takes longer.

    Returns
    -------
    Paired

    Notes
    -----
    Both scores are taken on the same resampled rows, so that what makes rows hard for both
    models cancels out [1]_. The interval is that of percentiles, as a difference of paired
    scores is about symmetric.

    References
    ----------
    .. [1] Efron, B. and Tibshirani, R. (1993). An introduction to the bootstrap. Chapter 8.

    Examples
    --------
    >>> from automl.objective import get_metric
    >>> y = np.arange(100.0)
    >>> found = paired(get_metric("mae", task="regression"), y, y[:, None] + 2, y[:, None] - 1)
    >>> found.champion, found.challenger, found.difference, found.interval
    (2.0, 1.0, 1.0, (1.0, 1.0))
    """

    def scores(rows: Any) -> tuple[float, float]:
        w = None if sample_weight is None else sample_weight[rows]
        old, new = (metric.score(y[rows], p[rows], w) for p in (champion, challenger))
        return old, new

    def gain(rows: Any) -> float:
        try:
            old, new = scores(rows)
        except MetricError:  # a draw without one of the classes, say
            return math.nan
        return metric.loss(old) - metric.loss(new)

    began, n = time.monotonic(), len(y)
    old, new = scores(slice(None))
    point = metric.loss(old) - metric.loss(new)
    n_draws, drawn = RESAMPLES, min(n, MOST_DRAWN)
    if seconds is not None:
        n_draws = int(min(n_draws, seconds / max(1e-9, time.monotonic() - began) * n / drawn))
        drawn = max(min(drawn, LEAST_ROWS), min(drawn, drawn * n_draws // LEAST_DEFINED))
    rng, found = np.random.default_rng(seed), []
    for _ in range(max(n_draws, LEAST_DEFINED)):
        if seconds is not None and time.monotonic() - began > seconds:
            break
        found.append(gain(rng.integers(n, size=drawn)))
    draws = np.array(found)
    draws = draws[~np.isnan(draws)]
    interval, at_least = (math.nan, math.nan), math.nan
    if len(draws) >= LEAST_DEFINED and not math.isnan(point):
        draws = point + (draws - point) * math.sqrt(drawn / n)
        quantiles = [(1 - level) / 2, (1 + level) / 2, 1 - level]
        low, high, bound = np.quantile(draws, quantiles).tolist()
        interval, at_least = (min(low, point), max(high, point)), min(bound, point)
    return Paired(old, new, point, interval, at_least, n)


def compare_slices(
    metric: Metric,
    y: np.ndarray,
    predictions: tuple[np.ndarray, np.ndarray],
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    sample_weight: np.ndarray | None = None,
    seed: int = 0,
    seconds: float | None = None,
) -> dict[str, Paired]:
    """Compare on the rows of each value of some columns.

    The level rises with the number of slices, so that all of them together are wrong as rarely
    as one.

    Parameters
    ----------
    metric : Metric
    y : ndarray of shape (n_rows,)
    predictions : (ndarray, ndarray)
        Of the champion and the challenger.
    frame : DataFrame
    columns : sequence of str
    sample_weight : ndarray of shape (n_rows,), optional
        Rows that weigh nothing do not make a slice larger.
    seed : int, default=0
    seconds : float, optional
        As in `paired`, for all of them.

    Returns
    -------
    dict of str to Paired
        By ``column=value``; slices where the metric is not defined are left out.

    Raises
    ------
    UsageError
        If there is no such column.
    """
    found: dict[str, np.ndarray] = {}
    for column in columns:
        if column not in frame.columns:
            raise UsageError(
                f"There is no column {column!r} to slice by; the columns are "
                f"{listed(frame.columns, 20)}."
            )
        codes, names = pd.factorize(frame[column])
        for code, name in [(-1, "missing"), *enumerate(names)]:
            found[f"{column}={name}"] = np.flatnonzero(codes == code)
    counts = np.ones(len(y), dtype=bool) if sample_weight is None else sample_weight > 0
    sizes = {name: int(counts[rows].sum()) for name, rows in found.items()}
    large = [name for name, size in sizes.items() if size >= LEAST_ROWS]
    large = sorted(large, key=lambda name: -sizes[name])[:MOST_SLICES]
    level = 1 - (1 - LEVEL) / max(1, len(large))
    results, each = {}, None if seconds is None else seconds / max(1, len(large))
    for name in large:
        rows = found[name]
        old, new = (p[rows] for p in predictions)
        w = None if sample_weight is None else sample_weight[rows]
        try:
            result = paired(
                metric, y[rows], old, new, sample_weight=w, level=level, seed=seed, seconds=each
            )
        except MetricError:
            continue
        if not math.isnan(result.difference):
            results[name] = result
    return results


def judge(
    metric: Metric,
    overall: Paired,
    baseline: float,
    slices: Mapping[str, Paired],
    demands: Demands,
) -> Comparison:
    """Decide whether the challenger is better.

    It is promoted if its score is better by more than the margin, if a serious loss has a chance
    of 5 % at most, if no slice loses beyond noise, and if it reaches the least score. Certain gain
    is not asked for: with equal evidence the model that has seen newer rows serves the next rows
    better, and a job that waits for certainty keeps an ageing model for want of rows.

    Parameters
    ----------
    metric : Metric
    overall : Paired
    baseline : float
    slices : mapping of str to Paired
    demands : Demands

    Returns
    -------
    Comparison
    """
    losing = [name for name, one in slices.items() if _loses(one)]
    worth = abs(metric.loss(baseline) - metric.loss(overall.champion))
    at_risk = not skill(metric, overall.champion, baseline) <= 0  # unknown, too
    serious = -TOLERANCE * worth if math.isfinite(worth) else 0.0
    low = overall.at_least
    told = (
        f"{metric.name} {overall.challenger:.5g} against {overall.champion:.5g} on "
        f"{counted(overall.n_rows, 'recent row')}"
    )
    if math.isnan(overall.difference) or math.isnan(low):
        no = (
            "the metric is not defined on the recent rows, or takes too long, so nothing could be "
            "compared"
        )
    elif metric.loss(baseline) <= metric.loss(metric.optimum):
        no = "a constant is perfect on the recent rows already, so nothing could be compared"
    elif overall.difference <= demands.margin:
        beyond = f" by more than {demands.margin:g}" if demands.margin else ""
        no = f"the challenger is not better{beyond}: {told}"
    elif at_risk and low < serious:
        no = (
            f"too few rows to be sure that the challenger is no worse: {told}, and the difference "
            f"may be as low as {low:.3g}"
        )
    elif losing:
        no = f"the challenger is worse beyond chance where {losing[0]}: {told} in all"
    elif not _reaches(metric, overall.challenger, demands.min_score):
        no = f"the challenger's score does not reach {demands.min_score:g}: {told}"
    else:
        return Comparison(overall, baseline, slices, True, f"the challenger is better: {told}")
    return Comparison(overall, baseline, slices, False, no)


def _loses(one: Paired) -> bool:
    """Whether the challenger loses on a slice; where there is no interval, at all."""
    high = one.interval[1]
    return (one.difference if math.isnan(high) else high) < 0


def _reaches(metric: Metric, score: float, least: float | None) -> bool:
    return least is None or metric.loss(score) <= metric.loss(least)
