"""The metrics of labels, all from one table of counts.

Counting takes one pass over the rows; each metric is then arithmetic on a small matrix.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from automl.objective._types import Array, Weights

ROUNDING = 1e-12
"""Of sums of weights, relative to them."""


@dataclass(frozen=True)
class Confusion:
    """Weights of the rows by true class (row) and predicted class (column).

    `present` marks classes that occur among the true or the predicted labels: macro
    averages are over these, as in scikit-learn. With two classes the positive one is last.
    """

    matrix: Array
    present: Array

    @property
    def true(self) -> Array:
        """The weight of each true class."""
        return np.asarray(self.matrix.sum(axis=1))

    @property
    def predicted(self) -> Array:
        """The weight of each predicted class."""
        return np.asarray(self.matrix.sum(axis=0))

    @property
    def hits(self) -> Array:
        """The weight of the rows of each class that are predicted right."""
        return self.matrix.diagonal()

    def reversed(self) -> "Confusion":
        """Return the same counts with the classes in the opposite order."""
        return Confusion(self.matrix[::-1, ::-1], self.present[::-1])


def count(y: Array, codes: Array, n_classes: int, w: Weights = None) -> Confusion:
    """Count pairs of true and predicted code."""
    cells = y * n_classes + codes
    size = n_classes * n_classes
    plain = np.bincount(cells, minlength=size).reshape(n_classes, n_classes)
    present = (plain.sum(axis=0) + plain.sum(axis=1)) > 0
    if w is None:
        return Confusion(plain.astype(np.float64), present)
    weighted = np.bincount(cells, weights=w, minlength=size)
    return Confusion(weighted.reshape(n_classes, n_classes), present)


def _ratio(numerator: float, denominator: float, undefined: float = np.nan) -> float:
    return float(numerator / denominator) if denominator != 0 else undefined


def accuracy(c: Confusion) -> float:
    """Return the share of right labels."""
    return _ratio(c.hits.sum(), c.matrix.sum())


def balanced_accuracy(c: Confusion) -> float:
    """Return the mean recall over the classes of the target."""
    true = c.true
    occurs = true > 0
    return float(np.mean(c.hits[occurs] / true[occurs])) if occurs.any() else np.nan


def matthews_corrcoef(c: Confusion) -> float:
    """Return the correlation of true and predicted labels."""
    true, predicted, total = c.true, c.predicted, c.matrix.sum()
    covariance = c.hits.sum() * total - np.dot(true, predicted)
    product = (total**2 - np.dot(predicted, predicted)) * (total**2 - np.dot(true, true))
    return _ratio(covariance, np.sqrt(product), undefined=0.0)


def cohen_kappa(c: Confusion) -> float:
    """Return the agreement beyond what the class frequencies alone would give."""
    total = c.matrix.sum()
    expected = _ratio(np.dot(c.true, c.predicted), total)
    beyond = total - expected
    if beyond <= ROUNDING * total:  # one class only
        return np.nan
    return 1.0 - _ratio(total - c.hits.sum(), beyond)


def positive_likelihood_ratio(c: Confusion) -> float:
    """Return recall over the false positive rate."""
    (tn, fp), (fn, tp) = c.matrix
    return _ratio(tp * (tn + fp), fp * (tp + fn))


def negative_likelihood_ratio(c: Confusion) -> float:
    """Return the false negative rate over specificity."""
    (tn, fp), (fn, tp) = c.matrix
    return _ratio(fn * (tn + fp), tn * (tp + fn))


Parts = Callable[[Confusion], tuple[Array, Array]]


def precision_parts(c: Confusion) -> tuple[Array, Array]:
    """Return numerator and denominator of each class's precision."""
    return c.hits, c.predicted


def recall_parts(c: Confusion) -> tuple[Array, Array]:
    """Return numerator and denominator of each class's recall."""
    return c.hits, c.true


def f1_parts(c: Confusion) -> tuple[Array, Array]:
    """Return numerator and denominator of each class's F1."""
    return 2.0 * c.hits, c.predicted + c.true


def jaccard_parts(c: Confusion) -> tuple[Array, Array]:
    """Return numerator and denominator of each class's Jaccard index."""
    return c.hits, c.predicted + c.true - c.hits


def of_positive(parts: Parts) -> Callable[[Confusion], float]:
    """Return the metric of the positive class; 0 where it is a division by zero."""

    def score(c: Confusion) -> float:
        numerator, denominator = parts(c)
        return _ratio(numerator[1], denominator[1], undefined=0.0)

    return score


def averaged(parts: Parts, how: str) -> Callable[[Confusion], float]:
    """Return the metric over all classes: "macro", "micro" or "weighted"."""

    def score(c: Confusion) -> float:
        numerator, denominator = parts(c)
        if how == "micro":
            return _ratio(numerator.sum(), denominator.sum(), undefined=0.0)
        each = np.divide(
            numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0
        )
        if how == "macro":
            return float(each[c.present].mean())
        return _ratio(np.dot(each, c.true), c.true.sum())

    return score
