"""A metric on some of the rows, as a number of which smaller is better."""

from collections.abc import Callable

from automl.objective._metric import Metric
from automl.objective._types import Array, Weights

Loss = Callable[[Array, Array], float]


def loss_of(metric: Metric, y: Array, sample_weight: Weights = None) -> Loss:
    """Return the loss of (row numbers, predictions of those rows); nan where it is not defined.

    Parameters
    ----------
    metric : Metric
    y : ndarray of shape (n_rows,)
        The encoded target.
    sample_weight : ndarray of shape (n_rows,), optional

    Examples
    --------
    >>> import numpy as np
    >>> from automl.objective import get_metric
    >>> loss = loss_of(get_metric("roc_auc", task="binary"), np.array([0, 1, 1]))
    >>> rows = np.array([0, 1])
    >>> loss(rows, np.array([[0.1], [0.4]])), loss(rows[1:], np.array([[0.4]]))
    (-1.0, nan)
    """

    def loss(rows: Array, predictions: Array) -> float:
        w = None if sample_weight is None else sample_weight[rows]
        return metric.loss(metric.score_or_nan(y[rows], predictions, w))

    return loss
