"""The metric that a user names or brings."""

import difflib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from automl.exceptions import UsageError
from automl.objective import _callables as callables
from automl.objective._catalogue import DEFAULTS, EXTRAS, entries, everyday_names
from automl.objective._metric import Metric, of_entry
from automl.objective._named import NamedEvaluator
from automl.objective._types import Array, Needs, check_task


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
        return of_entry(NamedEvaluator(name, task, positive))
    if isinstance(metric, str):
        name, function = metric, callables.load_function(metric)
    elif callable(metric):
        name, function = callables.callable_name(metric), metric
    else:
        raise UsageError(f"metric {metric!r} is neither a name nor a function")
    return _from_callable(name, function, task=task, classes=classes, positive=positive)


def _from_callable(
    name: str, function: Callable[..., Any], *, task: str, classes: Array | None, positive: int
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
