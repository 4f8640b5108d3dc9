"""The success metric: its direction, its best value, and how to compute it."""

import math
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from automl.objective._by_value import dumps_by_value
from automl.objective._decision import Decision, best_position
from automl.objective._errors import MetricError
from automl.objective._named import NamedEvaluator
from automl.objective._types import Array, Needs, Weights


class _Evaluator(Protocol):
    def __call__(self, y: Array, predictions: Array, w: Weights) -> float: ...


@dataclass(frozen=True, slots=True)
class Metric:
    """A success metric in its own sign and unit. Made by `get_metric`.

    Parameters
    ----------
    name : str
        The name as the user wrote it.
    greater_is_better : bool
        Its direction.
    optimum : float
        The best possible score, infinite when unknown.
    needs : {"probability", "label", "value"}
        What it looks at.
    evaluate : callable
        Computes it; use `score`.

    Examples
    --------
    >>> import numpy as np
    >>> from automl.objective import get_metric
    >>> metric = get_metric("rmse", task="regression")
    >>> metric.score(np.array([1.0, 3.0]), np.array([[1.0], [1.0]]))
    1.414...
    >>> metric.is_better(0.5, 0.7), metric.optimum
    (True, 0.0)
    """

    name: str
    greater_is_better: bool
    optimum: float
    needs: Needs
    evaluate: _Evaluator = field(repr=False)

    def score(self, y: Array, predictions: Array, sample_weight: Weights = None) -> float:
        """Compute the metric.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            The encoded target: class codes, or values.
        predictions : ndarray of shape (n_rows, n_outputs)
            ``P(classes[1])`` in one column for two classes, one column of probabilities
            per class for more, one column of values for regression.
        sample_weight : ndarray of shape (n_rows,), optional
            Weights of the rows. Metrics that know no weights ignore them.

        Returns
        -------
        float
            The score, nan where it is not defined: no rows, one class only for a metric
            that compares classes, predictions that are not finite.

        Raises
        ------
        MetricError
            If the metric fails, or the target is outside of what it is defined for.

        Examples
        --------
        >>> import numpy as np
        >>> from automl.objective import get_metric
        >>> metric = get_metric("roc_auc", task="binary")
        >>> metric.score(np.array([0, 1, 1]), np.array([[0.1], [0.4], [0.4]]))
        1.0
        >>> metric.score(np.array([1, 1]), np.array([[0.1], [0.4]]))
        nan
        """
        if len(y) == 0 or not np.isfinite(predictions).all():
            return math.nan
        value = self.evaluate(y, predictions, sample_weight)
        return value if math.isfinite(value) else math.nan

    @property
    def decides(self) -> bool:
        """Whether another class than the most probable one may suit the metric.

        That is so for metrics that weigh classes against each other, and for any function of
        labels that the user brings.

        Examples
        --------
        >>> from automl.objective import get_metric
        >>> [get_metric(m, task="binary").decides for m in ("f1", "accuracy", "roc_auc")]
        [True, False, False]
        """
        if isinstance(self.evaluate, NamedEvaluator):
            return self.evaluate.entry.decides
        return self.needs == "label"

    @property
    def calibrates(self) -> bool:
        """Whether the metric rewards predictions of the right size, not only in the right order.

        Examples
        --------
        >>> from automl.objective import get_metric
        >>> [get_metric(m, task="binary").calibrates for m in ("log_loss", "roc_auc")]
        [True, False]
        """
        return isinstance(self.evaluate, NamedEvaluator) and self.evaluate.entry.calibrates

    def at_best(self) -> "Metric":
        """Return the metric at the decision that suits it best, to compare models by.

        A function of the user's stays as it is: it would take too many calls.

        Examples
        --------
        >>> import numpy as np
        >>> from automl.objective import get_metric
        >>> y, p = np.array([0, 0, 0, 1]), np.array([[0.1], [0.2], [0.2], [0.4]])
        >>> f1 = get_metric("f1", task="binary")
        >>> f1.score(y, p), f1.at_best().score(y, p)
        (0.0, 1.0)
        """
        if isinstance(self.evaluate, NamedEvaluator) and self.decides:
            return replace(self, evaluate=replace(self.evaluate, decided=True))
        return self

    def best_decision(
        self, y: Array, predictions: Array, options: Sequence[Decision], w: Weights = None
    ) -> Decision:
        """Find the decision that suits a metric of labels best.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
        predictions : ndarray of shape (n_rows, n_outputs)
        options : sequence of Decision
            What `decisions` lists.
        w : ndarray of shape (n_rows,), optional

        Returns
        -------
        Decision

        Examples
        --------
        >>> import numpy as np
        >>> from automl.objective import decisions, get_metric
        >>> y, p = np.array([0, 0, 0, 1]), np.array([[0.1], [0.2], [0.2], [0.4]])
        >>> f1 = get_metric("f1", task="binary")
        >>> best = f1.best_decision(y, p, decisions(y, 2))
        >>> f1.score(y, best.adjust(p))
        1.0
        """
        if isinstance(self.evaluate, NamedEvaluator):
            scores = self.evaluate.score_each(y, predictions, options, w)
        else:
            scores = [self.score_or_nan(y, option.adjust(predictions), w) for option in options]
        return options[best_position(options, [self.loss(score) for score in scores])]

    def score_or_nan(self, y: Array, predictions: Array, sample_weight: Weights = None) -> float:
        """Compute the metric; nan also where it fails, as on too few rows for a user's."""
        try:
            return self.score(y, predictions, sample_weight)
        except MetricError:
            return math.nan

    def loss(self, score: float) -> float:
        """Turn a score into a number of which smaller is better.

        Examples
        --------
        >>> from automl.objective import get_metric
        >>> get_metric("r2", task="regression").loss(0.8)
        -0.8
        """
        return -score if self.greater_is_better else score

    def is_better(self, a: float, b: float) -> bool:
        """Say whether score `a` is better than `b`; any number is better than nan.

        Examples
        --------
        >>> from automl.objective import get_metric
        >>> metric = get_metric("accuracy", task="binary")
        >>> metric.is_better(0.9, 0.8), metric.is_better(0.1, float("nan"))
        (True, True)
        """
        if math.isnan(a) or math.isnan(b):
            return not math.isnan(a)
        return self.loss(a) < self.loss(b)

    def to_payload(self) -> bytes:
        """Return the metric as bytes for another process.

        A named metric is a line of JSON. A callable travels by value, with the code of all
        modules that are not installed packages.

        Raises
        ------
        UsageError
            If the callable holds something that can't be pickled.

        Examples
        --------
        >>> from automl.objective import get_metric
        >>> get_metric("mae", task="regression").to_payload()
        b'{"decided": false, "name": "mae", "positive": 1, "task": "regression"}'
        """
        if isinstance(self.evaluate, NamedEvaluator):
            return self.evaluate.to_bytes()
        values = (self.name, self.greater_is_better, self.optimum, self.needs, self.evaluate)
        return dumps_by_value(self.name, values)

    @staticmethod
    def from_payload(payload: bytes) -> "Metric":
        """Undo `to_payload`. Bytes of a callable run code: take them from yourself only.

        Examples
        --------
        >>> from automl.objective import get_metric
        >>> Metric.from_payload(get_metric("mae", task="regression").to_payload()).name
        'mae'
        """
        if payload.startswith(b"{"):
            return of_entry(NamedEvaluator.from_bytes(payload))
        return Metric(*pickle.loads(payload))

    def __reduce__(self) -> tuple[Callable[[bytes], "Metric"], tuple[bytes]]:
        return Metric.from_payload, (self.to_payload(),)


def of_entry(evaluator: NamedEvaluator) -> Metric:
    """The metric that the catalogue has under a name."""
    entry = evaluator.entry
    optimum = entry.sign * entry.optimum + 0.0  # no minus zero
    return Metric(evaluator.name, entry.greater_is_better, optimum, entry.needs, evaluator)
