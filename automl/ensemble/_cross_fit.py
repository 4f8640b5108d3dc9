"""What a way of choosing is worth: it chooses on all parts but one, and is judged on that one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from automl.ensemble._adjust import Adjustments
from automl.ensemble._candidate import Candidate, blend_rows, least
from automl.objective import Loss


@dataclass(frozen=True)
class Tried:
    """A way to choose, tried on each part with what it chose on the others.

    Parameters
    ----------
    predictions : ndarray of shape (n_rows, n_outputs)
    folds : list of (ndarray, ndarray, ndarray)
        The rows of a part, those that were chosen on, and the weights.
    """

    predictions: np.ndarray
    folds: list[tuple[np.ndarray, np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Judged:
    """What came of it.

    Parameters
    ----------
    predictions : ndarray of shape (n_rows, n_outputs)
    loss : float
    adjusted : bool
        Whether adjusting the predictions pays.
    """

    predictions: np.ndarray
    loss: float
    adjusted: bool


def cross_fit(
    candidates: Sequence[Candidate],
    pick: Callable[[np.ndarray], np.ndarray],
    rows: np.ndarray,
    parts: np.ndarray,
) -> Tried:
    honest = np.empty_like(candidates[0].predictions, dtype=np.float64)
    folds = []
    for part in np.unique(parts):
        outside, inside = rows[parts[rows] != part], np.flatnonzero(parts == part)
        weights = pick(outside)
        honest[inside] = blend_rows(candidates, weights, inside)
        folds.append((inside, outside, weights))
    return Tried(honest, folds)


def judge(
    candidates: Sequence[Candidate], tried: Tried, loss: Loss, adjustments: Adjustments | None
) -> Judged:
    """The loss of what was tried, adjusted as the other parts say where that helps."""
    everything = np.arange(len(tried.predictions))
    if adjustments is None:
        return Judged(tried.predictions, loss(everything, tried.predictions), adjusted=False)
    adjusted = np.empty_like(tried.predictions)
    for inside, outside, weights in tried.folds:
        found = adjustments.find(outside, blend_rows(candidates, weights, outside))
        adjusted[inside] = found.adjust(tried.predictions[inside])
    ways = (tried.predictions, adjusted)
    losses = [adjustments.loss(everything, way) for way in ways]
    best = least(losses)
    return Judged(ways[best], losses[best], adjusted=best == 1)
