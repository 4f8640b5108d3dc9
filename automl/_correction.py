"""From the score of out-of-fold predictions to that of the model which is handed over."""

import math
from collections.abc import Sequence

import numpy as np

from automl.objective import Metric
from automl.search import Trial

WIDER = 1.3
"""Resampling rows knows the luck of the rows that score, not that of the rows that train."""

UNSURE = 1.0
"""Spread of the gain of averaging between tables, as a share of the gain."""

REGRESSION = 0.3
"""A root or an absolute value gains so much less than a probability."""


def averaging_gain(trials: Sequence[Trial], weights: np.ndarray, task: str) -> float:
    """Share of the error that averaging fold models is expected to save.

    Out-of-fold predictions are by one model each, the saved model averages those of all folds.
    How much better that is on a table can't be seen without rows that no fold trained on; it is
    taken from other tables, by family. An ensemble has averaged already: its gain shrinks with
    the square root of the number of its members, each counted by its share.

    Parameters
    ----------
    trials : sequence of Trial
    weights : ndarray of shape (n_trials,)
        Shares of the trials in the model.
    task : {"binary", "multiclass", "regression"}
    """
    gains = [_gain(t) for t in trials]
    alone = float(np.dot(gains, weights)) * float(np.sqrt(np.dot(weights, weights)))
    return REGRESSION * alone if task == "regression" else alone


def corrected(
    metric: Metric, score: float, interval: tuple[float, float] | None, gain: float
) -> tuple[float, tuple[float, float] | None]:
    """Move a score by the gain of averaging, and widen its interval.

    Parameters
    ----------
    metric : Metric
        Where its best value is not finite nothing is moved.
    score : float
        Of out-of-fold predictions.
    interval : tuple of float, optional
        By resampling their rows.
    gain : float
        Share of the error.

    Returns
    -------
    score : float
    interval : tuple of float, optional

    Examples
    --------
    >>> from automl.objective import get_metric
    >>> rmse = get_metric("rmse", task="regression")
    >>> score, (low, high) = corrected(rmse, 10.0, (9.0, 11.0), 0.0)
    >>> score, round(low, 6), round(high, 6)
    (10.0, 8.7, 11.3)
    """
    optimum = metric.optimum
    shift = gain * (optimum - score) if math.isfinite(optimum) else 0.0
    moved = score + shift
    if interval is None:
        return moved, None
    low, high = (
        moved - _reach(score - interval[0], shift),
        moved + _reach(interval[1] - score, shift),
    )
    if math.isfinite(optimum):
        low, high = (low, min(high, optimum)) if score <= optimum else (max(low, optimum), high)
    return moved, (low, high)


def _gain(trial: Trial) -> float:
    """The gain of averaging a trial's models, if it has several."""
    single = trial.whole or trial.n_folds == 1 or len(trial.outcomes) == 1
    return 0.0 if single else trial.family.averaging_gain


def _reach(distance: float, shift: float) -> float:
    """How far an end of the interval is from the score."""
    return math.hypot(WIDER * distance, UNSURE * shift)
