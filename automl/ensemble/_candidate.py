"""What can be chosen, and how predictions are put together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Candidate:
    """A finished configuration with its out-of-fold predictions.

    Parameters
    ----------
    name : str
    predictions : ndarray of shape (n_rows, n_outputs)
    loss : float
    """

    name: str
    predictions: np.ndarray
    loss: float


def blend(predictions: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Weighted mean of predictions.

    Examples
    --------
    >>> blend([np.zeros((1, 1)), np.ones((1, 1))], np.array([0.25, 0.75])).tolist()
    [[0.75]]
    """
    total = np.zeros(predictions[0].shape, dtype=np.float64)
    for p, w in zip(predictions, weights, strict=True):
        if w > 0:
            total += w * p
    return total


def blend_rows(
    candidates: Sequence[Candidate], weights: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Weighted mean of the candidates' predictions for some rows."""
    return blend([c.predictions[rows] for c in candidates], weights)


def least(losses: Sequence[float]) -> int:
    """Position of the smallest loss; one that is undefined is never the smallest."""
    return int(np.argmin(np.where(np.isnan(losses), np.inf, losses)))
