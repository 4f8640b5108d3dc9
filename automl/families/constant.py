"""The constant baseline: what a model must beat."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.families._arrays import pack, unpack
from automl.families._base import Family, FitData, Model, Params, Problem, Resources, Start
from automl.families._watch import Watch

if TYPE_CHECKING:
    import optuna


class ConstantModel:
    """The same prediction for every row."""

    def __init__(self, value: np.ndarray) -> None:
        self.value = np.asarray(value, dtype=np.float64)

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Repeat the constant for each row of `X`."""
        return np.tile(self.value, (len(X), 1))

    def save(self) -> dict[str, bytes]:
        """One array."""
        return {"constant.npz": pack({"value": self.value})}


class Constant(Family):
    """Class shares, the mean, or the median where the metric is an absolute error."""

    name = "constant"
    averaging_gain = 0.0
    unit_seconds = 1e-8
    tunable = False

    def encoding(self, params: Mapping[str, Any]) -> str:
        """None of the columns."""
        return "none"

    def starts(self, problem: Problem) -> Sequence[Start]:
        """One configuration: there is nothing to tune."""
        return [Start({}, rank=0)]

    def suggest(self, trial: "optuna.Trial", problem: Problem) -> Params:
        """Nothing to propose."""
        return {}

    def fit(
        self,
        params: Mapping[str, Any],
        data: FitData,
        watch: Watch,
        *,
        problem: Problem,
        resources: Resources,
    ) -> Model:
        """Summarise the training target."""
        y, weight = data.train_y, data.train_weight
        if weight is not None and not weight.sum() > 0:  # no training row counts: all do
            weight = None
        if problem.task == "regression":
            if problem.absolute_error:
                value = np.array([_median(y, weight)])
            else:
                value = np.array([np.average(y, weights=weight)])
        else:
            counts = np.bincount(y, weights=weight, minlength=problem.n_classes)
            shares = counts / counts.sum()
            value = shares if problem.task == "multiclass" else shares[1:2]
        model = ConstantModel(value)
        if watch.validates:
            watch.observe(1, model.predict(data.valid_X))
        return model

    def load(self, files: Mapping[str, bytes]) -> Model:
        """Read the array."""
        return ConstantModel(unpack(files["constant.npz"])["value"])


def _median(y: np.ndarray, weight: np.ndarray | None) -> float:
    """The value below which half of the weight lies."""
    if weight is None:
        return float(np.median(y))
    order = np.argsort(y)
    total = np.cumsum(weight[order])
    return float(y[order][np.searchsorted(total, total[-1] / 2)])
