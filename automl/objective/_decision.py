"""Which class is decided for: how probabilities become labels, so that it suits the metric.

The most probable class is the right one for accuracy alone. F1, balanced accuracy, the Matthews
correlation or a cost of the user's ask for a rare class earlier.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from automl.objective._confusion import Confusion, count
from automl.objective._labels import label_codes
from automl.objective._types import Array, Weights

N_ODDS = 25
"""Decisions to choose from for two classes: factors of the odds, 1 among them."""

LEAST_REACH = 4.0
"""The largest factor, at least, and the inverse of the smallest."""

EXPONENTS = tuple(np.linspace(0.0, 1.2, 9).tolist())
"""Decisions for more classes: weights are the shares of the classes to the power of minus one of
these. 0 is the most probable class, 1 makes up for all differences."""

MOST_ODDS = 1e6


@dataclass(frozen=True)
class Decision:
    """Weights of the classes; the class of the largest weighted probability is decided for.

    Parameters
    ----------
    weights : tuple of float
        One per class, positive.

    Notes
    -----
    For two classes this is a threshold: the second class is decided for above
    ``weights[0] / (weights[0] + weights[1])``.

    Examples
    --------
    >>> import numpy as np
    >>> Decision((1.0, 3.0)).adjust(np.array([[0.2], [0.25], [0.5]])).round(3).tolist()
    [[0.429], [0.5], [0.75]]
    """

    weights: tuple[float, ...]

    def adjust(self, predictions: Array) -> Array:
        """Return predictions whose most probable class is the one that is decided for.

        Parameters
        ----------
        predictions : ndarray of shape (n_rows, n_outputs)

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
        """
        p = np.asarray(predictions, dtype=np.float64)
        if p.shape[1] == 1:
            scaled = p * self.weights[1]
            total = scaled + (1 - p) * self.weights[0]
        else:
            scaled = p * np.asarray(self.weights)
            total = scaled.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(scaled, total, out=p.copy(), where=total > 0))


def decisions(y: Array, n_classes: int, w: Weights = None) -> list[Decision]:
    """List the decisions to choose from, from the rarest to the earliest for rare classes.

    Parameters
    ----------
    y : ndarray of int of shape (n_rows,)
        Codes of the classes.
    n_classes : int
    w : ndarray of shape (n_rows,), optional

    Returns
    -------
    list of Decision

    Examples
    --------
    >>> import numpy as np
    >>> found = decisions(np.array([0, 0, 0, 1]), 2)
    >>> len(found), found[0].weights, found[-1].weights
    (25, (1.0, 0.25), (1.0, 4.0))
    """
    shares = np.bincount(y, weights=w, minlength=n_classes).astype(np.float64)
    shares = np.maximum(shares, 0.5 * max(shares.sum(), 1e-9) / max(1, len(y)))
    shares /= shares.sum()
    if n_classes == 2:
        even = float(np.clip((shares[0] / shares[1]) ** EXPONENTS[-1], 1 / MOST_ODDS, MOST_ODDS))
        factors = np.geomspace(min(1 / LEAST_REACH, even), max(LEAST_REACH, even), N_ODDS)
        factors[np.argmin(np.abs(np.log(factors)))] = 1.0
        return [Decision((1.0, float(factor))) for factor in factors]
    return [Decision(tuple((shares**-power).tolist())) for power in EXPONENTS]


def plain_position(options: Sequence[Decision]) -> int:
    """Position of the decision for the most probable class."""
    return next(i for i, option in enumerate(options) if len(set(option.weights)) == 1)


def best_position(options: Sequence[Decision], losses: Sequence[float]) -> int:
    """Position of the decision whose loss, averaged with its neighbours', is the smallest.

    Parameters
    ----------
    options : sequence of Decision
    losses : sequence of float
        Nan where the metric is not defined.

    Returns
    -------
    int
        Of the most probable class where no loss is defined; among equals the closest to it.

    Examples
    --------
    >>> options = decisions(np.array([0, 1, 2, 2]), 3)
    >>> best_position(options, [0.5, 0.4, 0.3, 0.4, 0.1, 0.6, 0.7, 0.7, 0.7])
    3
    """
    values = np.asarray(losses, dtype=np.float64)
    values = np.where(np.isfinite(values), values, np.inf)
    padded = np.pad(values, 1, mode="edge")
    smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    plain = plain_position(options)
    if not np.isfinite(smooth).any():
        return plain
    distance = np.abs(np.arange(len(values)) - plain)
    return int(np.lexsort((distance, smooth))[0])


def count_all(
    y: Array, predictions: Array, options: Sequence[Decision], w: Weights = None
) -> list[Confusion]:
    """Count pairs of true and decided class under each decision.

    Parameters
    ----------
    y : ndarray of int of shape (n_rows,)
    predictions : ndarray of shape (n_rows, n_outputs)
    options : sequence of Decision
        For two classes with growing odds of the second.
    w : ndarray of shape (n_rows,), optional

    Returns
    -------
    list of Confusion

    Examples
    --------
    >>> import numpy as np
    >>> y, p = np.array([0, 1, 1]), np.array([[0.1], [0.3], [0.9]])
    >>> options = [Decision((1.0, 1.0)), Decision((1.0, 4.0))]
    >>> [c.matrix.tolist() for c in count_all(y, p, options)]
    [[[1.0, 0.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]]]
    """
    if predictions.shape[1] > 1:
        n_classes = predictions.shape[1]
        weights = [np.array(option.weights) for option in options]
        return [count(y, label_codes(predictions * each), n_classes, w) for each in weights]
    thresholds = np.array([o.weights[0] / sum(o.weights) for o in options])[::-1]
    passed = np.searchsorted(thresholds, predictions[:, 0], side="left")
    cells = y * (len(options) + 1) + passed
    plain = _decided(np.bincount(cells, minlength=2 * (len(options) + 1)))
    weighted = plain
    if w is not None:
        weighted = _decided(np.bincount(cells, weights=w, minlength=2 * (len(options) + 1)))
    present = (plain.sum(axis=1) + plain.sum(axis=2)) > 0
    return [Confusion(m, here) for m, here in zip(weighted[::-1], present[::-1], strict=True)]


def _decided(cells: Array) -> Array:
    """From rows by class and number of thresholds passed to a table of counts per threshold."""
    by_class = cells.reshape(2, -1).astype(np.float64)
    below = np.cumsum(by_class, axis=1)[:, :-1]
    above = by_class.sum(axis=1, keepdims=True) - below
    return np.stack([below, above], axis=2).transpose(1, 0, 2)
