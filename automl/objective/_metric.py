"""The success metric: its direction, its best value, and how to compute it."""

import difflib
import math
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from automl.exceptions import UsageError
from automl.objective import _callables as callables
from automl.objective._by_value import dumps_by_value
from automl.objective._catalogue import DEFAULTS, EXTRAS, entries, everyday_names
from automl.objective._decision import Decision, best_position
from automl.objective._errors import MetricError
from automl.objective._named import NamedEvaluator
from automl.objective._types import Array, Needs, Weights, check_task


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
        >>> from automl.objective import decisions
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
        >>> get_metric("r2", task="regression").loss(0.8)
        -0.8
        """
        return -score if self.greater_is_better else score

    def is_better(self, a: float, b: float) -> bool:
        """Say whether score `a` is better than `b`; any number is better than nan.

        Examples
        --------
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
        >>> Metric.from_payload(get_metric("mae", task="regression").to_payload()).name
        'mae'
        """
        if payload.startswith(b"{"):
            return _from_entry(NamedEvaluator.from_bytes(payload))
        return Metric(*pickle.loads(payload))

    def __reduce__(self) -> tuple[Callable[[bytes], "Metric"], tuple[bytes]]:
        return Metric.from_payload, (self.to_payload(),)


def get_metric(
    metric: str | Callable[..., Any] = "auto",
    *,
    task: str,
    classes: Array | None = None,
    positive_label: object = None,
) -> Metric:
    """Find the success metric that the user names or brings.

    Parameters
    ----------
    metric : str or callable, default="auto"
        One of

        - "auto": ``roc_auc`` for two classes, ``log_loss`` for more, ``rmse`` for values;
        - an everyday name or a name of a scorer or metric in scikit-learn, see
          `metric_names`. Everyday names keep their own sign, ``neg_`` names are negative;
        - ``"module:function"``, imported from the current folder or what is installed;
        - a scorer of scikit-learn, or any callable ``(estimator, X, y)``; greater is better;
        - a function ``f(y_true, y_pred)``, which may take `sample_weight` as a keyword.
          It sees the user's labels, or values. With the attribute
          ``response_method = "predict_proba"`` it sees probabilities: of the positive class
          for two classes, else one column per class. Its attribute ``greater_is_better``
          says its direction. Without one, a name that ends in ``error``, ``loss``,
          ``deviance`` or ``cost`` is minimised and any other maximised.
    task : {"binary", "multiclass", "regression"}
        The task.
    classes : ndarray of shape (n_classes,), optional
        The labels in the order of their codes. Callables for classes need it.
    positive_label : object, optional
        The class that f1, precision, recall and average_precision are about; the second
        of `classes` by default. Only for two classes.

    Returns
    -------
    Metric

    Raises
    ------
    UsageError
        If the name is unknown or does not fit the task, the positive label is not a class,
        or the callable can't be used.

    Examples
    --------
    >>> import numpy as np
    >>> get_metric("auto", task="multiclass").name
    'log_loss'
    >>> def cost(y_true, y_pred):
    ...     return float(np.sum((y_true == "ill") & (y_pred == "well")))
    >>> metric = get_metric(cost, task="binary", classes=np.array(["ill", "well"]))
    >>> metric.greater_is_better
    False
    >>> metric.score(np.array([0, 1]), np.array([[0.9], [0.8]]))
    1.0
    """
    check_task(task)
    positive = _positive_code(positive_label, task, classes)
    if isinstance(metric, str) and ":" not in metric:
        name = DEFAULTS[task] if metric == "auto" else metric
        if name not in entries(task):
            raise UsageError(_unknown(name, task))
        return _from_entry(NamedEvaluator(name, task, positive))
    if isinstance(metric, str):
        return _from_callable(metric, callables.load_function(metric), task, classes, positive)
    if not callable(metric):
        raise UsageError(f"metric {metric!r} is neither a name nor a function")
    name = callables.callable_name(metric)
    return _from_callable(name, metric, task, classes, positive)


def _from_entry(evaluator: NamedEvaluator) -> Metric:
    entry = evaluator.entry
    optimum = entry.sign * entry.optimum + 0.0  # no minus zero
    return Metric(evaluator.name, entry.greater_is_better, optimum, entry.needs, evaluator)


def _from_callable(
    name: str, function: Callable[..., Any], task: str, classes: Array | None, positive: int
) -> Metric:
    if task == "regression":
        classes = None
    elif classes is None:
        raise UsageError(f"metric {name!r} is a function of labels: the classes are needed")
    else:
        classes = np.asarray(classes)
    weight = callables.takes_weight(function)
    if callables.is_scorer(function):
        scorer = callables.ScorerEvaluator(name, function, classes, weight)
        needs: Needs = "value" if classes is None else "probability"
        return Metric(name, True, math.inf, needs, scorer)
    needs = callables.response_of(function, name, task)
    greater = callables.is_greater_better(function, name)
    plain = callables.FunctionEvaluator(name, function, needs, classes, positive, weight)
    return Metric(name, greater, math.inf if greater else -math.inf, needs, plain)


def _positive_code(label: object, task: str, classes: Array | None) -> int:
    """Return the code of the positive class; a label from a command line is a text."""
    if label is None:
        return 1
    if task != "binary":
        raise UsageError(f"positive label {label!r}: only a target of two classes has one")
    if classes is None:
        raise UsageError(f"positive label {label!r}: the classes are needed to find it")
    known = np.asarray(classes).tolist()
    for same in (lambda c: c == label, lambda c: str(c) == str(label)):
        matches = [code for code, c in enumerate(known) if same(c)]
        if matches:
            return matches[0]
    raise UsageError(
        f"positive label {label!r} is not a class of the target; the classes are "
        + " and ".join(repr(c) for c in known)
    )


def _unknown(name: str, task: str) -> str:
    known = list(entries(task))
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    close = difflib.get_close_matches(plain, known, n=1, cutoff=0.6)
    elsewhere = [t for t in DEFAULTS if name in entries(t)]
    reason = f"is for {' and '.join(elsewhere)}, not {task}" if elsewhere else "is unknown"
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"metric {name!r} {reason}.{hint} For {task} there are "
        f"{', '.join(everyday_names(task))}; scikit-learn's scorer names; and module:function"
    )


def metric_names(task: str | None = None) -> list[str]:
    """List every accepted name.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}, optional
        Only those that fit this task.

    Returns
    -------
    list of str
        Sorted names.

    Examples
    --------
    >>> "roc_auc" in metric_names("binary"), "roc_auc" in metric_names("regression")
    (True, False)
    """
    tasks = list(DEFAULTS) if task is None else [check_task(task)]
    return sorted({name for each in tasks for name in entries(each)})


def extra_metrics(task: str) -> list[str]:
    """List the metrics that are worth printing beside the declared one.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}
        The task.

    Returns
    -------
    list of str
        Sorted names.

    Examples
    --------
    >>> extra_metrics("regression")
    ['mae', 'mape', 'median_absolute_error', 'r2', 'rmse']
    """
    return list(EXTRAS[check_task(task)])
