"""Evaluates a metric that the user brings: a function, a scorer, or ``module:function``."""

import importlib
import inspect
import logging
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np

from automl.exceptions import UsageError
from automl.objective._errors import MetricError
from automl.objective._labels import decide_labels
from automl.objective._types import Array, Needs, Weights

logger = logging.getLogger("automl.objective")

_LOSS_NAME = re.compile(r"(^|_)(error|loss|deviance|cost)$")


@dataclass(frozen=True, eq=False)
class FunctionEvaluator:
    """A plain function ``f(y_true, y_pred)``."""

    name: str
    function: Callable[..., Any]
    needs: Needs
    classes: Array | None
    positive: int
    takes_weight: bool

    def __call__(self, y: Array, predictions: Array, w: Weights) -> float:
        # Copies: a function may sort or scale its input in place, which others share.
        y_true = y.copy() if self.classes is None else self.classes[y]
        y_pred = self._response(predictions)
        weight = {"sample_weight": w} if self.takes_weight and w is not None else {}
        return _call(self.name, self.function, y_true, y_pred, **weight)

    def _response(self, predictions: Array) -> Array:
        if self.needs == "label" and self.classes is not None:
            return decide_labels(predictions, self.classes)
        if predictions.shape[1] > 1:
            return predictions.copy()
        column = predictions[:, 0].copy()
        return 1 - column if self.needs == "probability" and self.positive == 0 else column


@dataclass(frozen=True, eq=False)
class ScorerEvaluator:
    """A scorer ``s(estimator, X, y)`` in the sense of scikit-learn."""

    name: str
    function: Callable[..., Any]
    classes: Array | None
    takes_weight: bool

    def __call__(self, y: Array, predictions: Array, w: Weights) -> float:
        from automl.objective._stored_estimator import StoredClassifier, StoredRegressor

        rows = np.arange(len(y)).reshape(-1, 1)
        if self.classes is None:
            arguments: tuple[Any, ...] = (StoredRegressor(predictions.copy()), rows, y.copy())
        else:
            stored = StoredClassifier(predictions.copy(), self.classes)
            arguments = (stored, rows, self.classes[y])
        if self.takes_weight and w is not None:
            try:
                return _call(self.name, self.function, *arguments, sample_weight=w)
            except MetricError as error:
                # Each scorer accepts weights, but not each metric inside one does.
                cause = error.__cause__
                if not (isinstance(cause, TypeError) and "sample_weight" in str(cause)):
                    raise
        return _call(self.name, self.function, *arguments)


def _call(name: str, function: Callable[..., Any], *arguments: Any, **weight: Any) -> float:
    try:
        value = function(*arguments, **weight)
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        raise MetricError(f"metric {name!r} failed: {type(error).__name__}: {error}") from error
    if isinstance(value, (int, float, np.integer, np.floating, np.bool_)):
        return float(value)
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "biuf":
        return float(value)
    kind = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
    raise MetricError(f"metric {name!r} returned {kind}; it must return one number")


def load_function(address: str) -> Callable[..., Any]:
    """Import ``module:function``; modules in the current folder are found, too."""
    module_name, _, attribute = address.partition(":")
    if not module_name or not attribute:
        raise UsageError(f"metric {address!r}: write it as module:function, for example my:cost")
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # noqa: BLE001 - the module is the user's code
        raise UsageError(
            f"metric {address!r}: module {module_name!r} can't be imported "
            f"({type(error).__name__}: {error}). It must be installed or lie in {folder!r}."
        ) from error
    finally:
        sys.path.remove(folder)
    try:
        found = reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        public = ", ".join(n for n, v in vars(module).items() if callable(v) and n[0] != "_")
        raise UsageError(
            f"metric {address!r}: module {module_name!r} has no {attribute!r}; "
            f"it has {public or 'no functions'}"
        ) from error
    if not callable(found):
        raise UsageError(f"metric {address!r} is {found!r}, not a function")
    return found


def is_scorer(function: Callable[..., Any]) -> bool:
    """Tell a scorer ``(estimator, X, y)`` from a function ``(y_true, y_pred)``."""
    required = [
        parameter
        for parameter in _parameters(function)
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.default is parameter.empty
    ]
    if len(required) > 3:
        names = ", ".join(parameter.name for parameter in required)
        raise UsageError(
            f"metric {callable_name(function)!r} takes ({names}); it must take "
            "(y_true, y_pred), or (estimator, X, y) as a scorer of scikit-learn does"
        )
    return len(required) == 3 and required[2].name != "sample_weight"


def takes_weight(function: Callable[..., Any]) -> bool:
    """Say whether the function has a parameter ``sample_weight``."""
    return any(parameter.name == "sample_weight" for parameter in _parameters(function))


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some functions written in C have no signature
        return []


def callable_name(function: Callable[..., Any]) -> str:
    """Return a short name for messages and tables."""
    if isinstance(function, partial):
        return callable_name(function.func)
    name = getattr(function, "__name__", None)
    if isinstance(name, str):
        return name
    text = repr(function)
    return type(function).__name__ if " at 0x" in text else text


def is_greater_better(function: Callable[..., Any], name: str) -> bool:
    """Read the direction: the attribute if there is one, else from the function's name."""
    declared = getattr(function, "greater_is_better", None)
    if declared is None:
        own_name = callable_name(function)
        if _LOSS_NAME.search(own_name):
            return False
        if not own_name.endswith("_score"):
            logger.warning(
                "metric %r: greater is taken as better; set its attribute greater_is_better "
                "to False if it is a loss",
                name,
            )
        return True
    if not isinstance(declared, (bool, np.bool_)):
        raise UsageError(f"metric {name!r}: greater_is_better is {declared!r}; use True or False")
    return bool(declared)


def response_of(function: Callable[..., Any], name: str, task: str) -> Needs:
    """Read what the function wants to see: labels, probabilities or values."""
    method = getattr(function, "response_method", "predict")
    if method not in ("predict", "predict_proba"):
        raise UsageError(
            f"metric {name!r}: response_method is {method!r}; use 'predict' or 'predict_proba'"
        )
    if task == "regression":
        return "value"
    return "probability" if method == "predict_proba" else "label"
