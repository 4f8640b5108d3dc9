"""Estimators that answer with predictions made before.

A scorer of scikit-learn asks an estimator for predictions. These two have them already:
the table they are given holds the row numbers, so a scorer may also score a part of it.
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from automl.objective._labels import decide_labels
from automl.objective._types import Array


class StoredClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier that looks its probabilities up."""

    def __init__(self, predictions: Array, classes: Array) -> None:
        self.predictions = predictions
        self.classes = classes

    @property
    def classes_(self) -> Array:
        """The labels in the order of the probabilities' columns."""
        return self.classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Array) -> Array:
        """Return the most probable labels."""
        return decide_labels(self.predictions[X[:, 0]], self.classes)

    def predict_proba(self, X: Array) -> Array:
        """Return one column of probabilities per class."""
        stored = self.predictions[X[:, 0]]
        return np.column_stack([1 - stored, stored]) if stored.shape[1] == 1 else stored

    def decision_function(self, X: Array) -> Array:
        """Return confidence that orders as the probabilities do, 0 where classes tie."""
        stored = self.predictions[X[:, 0]]
        return stored[:, 0] - 0.5 if stored.shape[1] == 1 else stored


class StoredRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted regressor that looks its values up."""

    def __init__(self, predictions: Array) -> None:
        self.predictions = predictions

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Array) -> Array:
        """Return the values."""
        return np.asarray(self.predictions[X[:, 0], 0])
