"""Linear models: logistic regression and ridge, along a path of regularisation."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.families._arrays import pack, unpack
from automl.families._base import (
    Family,
    FitData,
    Model,
    Params,
    Problem,
    Resources,
    Start,
    to_outputs,
)
from automl.families._watch import Watch
from automl.features import level_out

if TYPE_CHECKING:
    import optuna

STRENGTHS = tuple(10.0**k for k in np.arange(3.0, -3.1, -0.5))
"""Regularisation from strong to weak: each is a step of the learning curve."""

SINGLE_PRECISION_CELLS = 5_000_000
MAX_CELLS = 5_000_000

SUM_SHARE = 0.5
"""Of the error of lines that level out, what straight ones may have at most to be believed,"""

SURE, ASKED = 1.0, 5000
"""both with this penalty, on so many rows at most."""

STEPS = 8
STEP, CELL, PRODUCT = 2000.0, 0.005, 2e-5
"""Penalties tried until validation stops the path, and microseconds of one: of each, per cell
(and class), and per cell and column where a system is solved (108 fits)."""


class LinearModel:
    """Weights, an intercept, what turns their sum into a prediction, and whether numbers
    level out before."""

    def __init__(
        self, weights: np.ndarray, intercept: np.ndarray, link: str, *, levels_out: bool = False
    ) -> None:
        self.weights, self.intercept, self.link = weights, intercept, link
        self.levels_out = levels_out

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Probabilities or values, of shape (n_rows, n_outputs)."""
        X = level_out(X) if self.levels_out else X
        return apply_link(X @ self.weights + self.intercept, self.link)

    def save(self) -> dict[str, bytes]:
        """One file of arrays."""
        link, levels_out = np.array(self.link), np.array(self.levels_out)
        arrays = {"weights": self.weights, "intercept": self.intercept, "link": link}
        return {"linear.npz": pack(arrays | {"levels_out": levels_out})}

    @classmethod
    def of(cls, content: bytes) -> "LinearModel":
        """Read that file."""
        arrays = unpack(content)
        levels_out = bool(arrays.get("levels_out", False))
        return cls(
            arrays["weights"], arrays["intercept"], str(arrays["link"]), levels_out=levels_out
        )


def is_sum(X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, seed: int) -> bool:
    """Whether a target is a sum of columns, so that straight lines lead beyond what was seen.

    A line that goes on as it was makes wild predictions far out where the relation is only about
    linear, which no validation shows as long as nothing lies there. It is believed where, in the
    median of a fifth of the rows, it errs less than half as much as one that levels out.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Numbers that are not bent.
    y : ndarray of shape (n_rows,)
    weight : ndarray of shape (n_rows,), optional
    seed : int
    """
    from sklearn.linear_model import Ridge

    order = np.random.default_rng(seed).permutation(len(y))[:ASKED]
    train, test = np.array_split(order, [len(order) * 4 // 5])
    if min(len(train), len(test)) < 2:
        return False
    w = None if weight is None else weight[train]
    if w is not None and not w.any():
        return False
    errors = []
    for rows in (X, level_out(X)):
        model = Ridge(SURE, random_state=seed).fit(rows[train], y[train], sample_weight=w)
        errors.append(np.median(np.abs(model.predict(rows[test]) - y[test])))
    return bool(errors[0] < SUM_SHARE * errors[1])


def apply_link(values: np.ndarray, link: str) -> np.ndarray:
    """Turn sums into predictions.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_outputs)
    link : {"identity", "logistic", "softmax"}

    Examples
    --------
    >>> apply_link(np.array([[0.0, 0.0]]), "softmax").tolist()
    [[0.5, 0.5]]
    """
    if link == "logistic":
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -500, 500))))
    if link == "softmax":
        shifted = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
    return values


class Linear(Family):
    """Ridge and logistic regression; one trial walks a whole path of penalties."""

    name = "linear"
    unit_seconds = 1e-6
    work_spread = 0.25
    averaging_gain = 0.03
    tunable = False
    preload = ("sklearn.linear_model",)

    def supports(self, problem: Problem) -> bool:
        """Not for tables so large that a dense copy is out of proportion."""
        return problem.n_rows * problem.n_columns <= MAX_CELLS

    def encoding(self, params: Mapping[str, Any]) -> str:
        """Plain numbers, or bent ones."""
        return str(params.get("encoding", "scaled"))

    def starts(self, problem: Problem) -> Sequence[Start]:
        """Lines, then piecewise linear ones."""
        plain = self._plain(problem)
        return [
            Start({"encoding": plain, "finest": 1e-2}, rank=8),
            Start({"encoding": "piecewise", "finest": 1e-2}, rank=15),
        ]

    def _plain(self, problem: Problem) -> str:
        """The encoding of lines: amounts may be sums of columns."""
        return "straight" if problem.task == "regression" else "scaled"

    def suggest(self, trial: "optuna.Trial", problem: Problem) -> Params:
        """The encoding and how far the path goes; the path itself does the rest."""
        return {
            "encoding": trial.suggest_categorical("encoding", [self._plain(problem), "piecewise"]),
            "finest": trial.suggest_float("finest", 1e-3, 1.0, log=True),
        }

    def work(
        self, params: Mapping[str, Any], problem: Problem, *, width: int | None = None
    ) -> float:
        """Penalties until early stopping, times a gradient's way or a solved system."""
        columns = self.matrix_width(params, problem, width)
        cells = float(problem.n_rows) * max(1, columns)
        if problem.task == "regression":
            step = cells * (CELL + min(problem.n_rows, columns) * PRODUCT)
        else:
            step = cells * (problem.n_outputs + 1) * CELL
        return STEPS * (STEP + step)

    def memory(
        self,
        params: Mapping[str, Any],
        problem: Problem,
        *,
        width: int | None = None,
        itemsize: int = 4,
    ) -> float:
        """Rows in working precision, and for a solved system their centred copy."""
        columns = self.matrix_width(params, problem, width)
        cells = float(problem.n_rows) * columns
        precision = 8 if cells < SINGLE_PRECISION_CELLS else 4
        copies = 2 if problem.task == "regression" else 1
        side = min(problem.n_rows, columns)
        solved = 8.0 * side * side * 3 if problem.task == "regression" else 0.0
        rows = problem.n_rows * (24.0 + 32 * problem.n_outputs)
        return cells * (itemsize + precision * copies) + solved + rows + 4e6

    def fit(
        self,
        params: Mapping[str, Any],
        data: FitData,
        watch: Watch,
        *,
        problem: Problem,
        resources: Resources,
    ) -> Model:
        """Walk from strong to weak regularisation while validation improves."""
        precision = np.float64 if data.matrix.values.size < SINGLE_PRECISION_CELLS else np.float32
        rows = data.train_X.astype(precision), data.valid_X.astype(precision)
        levels_out = params.get("encoding") == "straight" and not is_sum(
            rows[0], data.train_y, data.train_weight, resources.seed
        )
        if levels_out:
            rows = level_out(rows[0]), level_out(rows[1])
        path = [s for s in STRENGTHS if s >= float(params["finest"]) * 0.99]
        estimator = _estimator(problem, resources.seed)
        model = walk(path, rows, data, watch, problem=problem, estimator=estimator)
        model.levels_out = levels_out
        return model

    def load(self, files: Mapping[str, bytes]) -> Model:
        """Read the arrays."""
        return LinearModel.of(files["linear.npz"])


def _estimator(problem: Problem, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    if problem.task == "regression":
        return Ridge(random_state=seed)
    return LogisticRegression(max_iter=60, tol=1e-3, warm_start=True, random_state=seed)


def walk(
    path: Sequence[float],
    rows: tuple[Any, Any],
    data: FitData,
    watch: Watch,
    *,
    problem: Problem,
    estimator: Any,
) -> LinearModel:
    """Walk from strong to weak regularisation while validation improves.

    Parameters
    ----------
    path : sequence of float
        Penalties.
    rows : tuple of two matrices
        To train and to validate on, dense or sparse.
    data : FitData
    watch : Watch
    problem : Problem
    estimator : Ridge or LogisticRegression

    Returns
    -------
    LinearModel
        At the watch's best step.
    """
    train, valid = rows
    if problem.task != "regression" and len(np.unique(data.train_y)) < 2:
        return _certain(int(data.train_y[0]), rows, watch, problem)
    watch.with_patience(2, 0.0)
    model = best = None
    for step, strength in zip(watch.steps(len(path)), path, strict=False):
        if problem.task == "regression":
            estimator.set_params(alpha=strength)
        else:
            estimator.set_params(C=1.0 / strength)
        with warnings.catch_warnings():  # unconverged is fine: the next step goes on from here
            warnings.simplefilter("ignore")
            estimator.fit(train, data.train_y, sample_weight=data.train_weight)
        model = _export(estimator, problem)
        if watch.validates:
            stop = watch.observe(step, model.predict(valid))
            best = model if watch.best_step == step else best
            if stop:
                break
        elif watch.out_of_time():
            break
    chosen = best or model
    assert chosen is not None
    return chosen


def _certain(only: int, rows: tuple[Any, Any], watch: Watch, problem: Problem) -> LinearModel:
    """The model of training rows of one class only, which scikit-learn refuses."""
    train, valid = rows
    n_columns = train.shape[1]
    if problem.task == "binary":
        intercept, link = np.array([30.0 if only else -30.0]), "logistic"
    else:
        intercept, link = np.where(np.arange(problem.n_classes) == only, 0.0, -30.0), "softmax"
    model = LinearModel(np.zeros((n_columns, len(intercept))), intercept, link)
    if watch.validates:
        watch.observe(1, model.predict(valid))
    return model


def _export(estimator: Any, problem: Problem) -> LinearModel:
    weights = np.atleast_2d(estimator.coef_).T
    intercept = np.atleast_1d(estimator.intercept_)
    if problem.task == "regression":
        return LinearModel(weights, intercept, "identity")
    if problem.task == "binary":
        return LinearModel(weights, intercept, "logistic")
    if weights.shape[1] == 1:  # two of the classes were seen: a softmax with one side fixed
        weights = np.concatenate([np.zeros_like(weights), weights], axis=1)
        intercept = np.concatenate([np.zeros_like(intercept), intercept])
    seen = estimator.classes_
    weights = to_outputs(weights, seen, problem)
    full = np.full(problem.n_classes, -30.0)  # a class never seen keeps a probability near 0
    full[seen] = intercept
    return LinearModel(weights, full, "softmax")
