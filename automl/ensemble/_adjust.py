"""What may still be done to the winner's predictions, where the metric rewards it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from automl.ensemble._calibration import Calibration, fit_calibration
from automl.ensemble._effort import MAX_PARTS
from automl.objective import Decision, Loss, Metric, decisions, loss_of

FOUND_TIMES = 2 * MAX_PARTS + 1
"""An adjustment is found without each part, for the best one and the ensemble, and once more."""

Adjustment = Calibration | Decision


@dataclass(frozen=True)
class Adjustments:
    """How an adjustment is found and judged.

    Parameters
    ----------
    find : callable
        From (rows, predictions of those rows) to the adjustment that suits them best.
    loss : callable
        From (rows, predictions of those rows) to the loss of the metric as it was declared.
    """

    find: Callable[[np.ndarray, np.ndarray], Adjustment]
    loss: Loss


def adjustments(
    metric: Metric,
    y: np.ndarray,
    weight: np.ndarray | None,
    predictions: np.ndarray,
    seconds: float | None,
) -> Adjustments | None:
    """The adjustments that suit a metric: calibration, decisions, or none.

    Parameters
    ----------
    metric : Metric
        As it was declared.
    y : ndarray of shape (n_rows,)
    weight : ndarray of shape (n_rows,), optional
    predictions : ndarray of shape (n_rows, n_outputs)
        Of any candidate, to see what a call of the metric takes.
    seconds : float, optional
        What finding decisions may take; ``None`` where no clock is asked.

    Returns
    -------
    Adjustments or None
    """
    loss = loss_of(metric, y, weight)
    if metric.calibrates:
        classes = metric.needs == "probability"

        def calibrate(rows: np.ndarray, p: np.ndarray) -> Adjustment:
            w = None if weight is None else weight[rows]
            return fit_calibration(y[rows], p, w, classes=classes)

        return Adjustments(calibrate, loss)
    if not metric.decides:
        return None
    options = decisions(y, max(2, predictions.shape[1]), weight)

    def decide(rows: np.ndarray, p: np.ndarray) -> Adjustment:
        w = None if weight is None else weight[rows]
        return metric.best_decision(y[rows], p, options, w)

    started = time.perf_counter()
    decide(np.arange(len(y)), predictions)
    if seconds is not None and FOUND_TIMES * (time.perf_counter() - started) > seconds:
        return None

    return Adjustments(decide, loss)
