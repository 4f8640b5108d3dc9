"""Linear models on crossed columns: a weight for each value, and for values that meet."""

from collections.abc import Mapping, Sequence
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.families._arrays import pack, unpack
from automl.families._base import Family, FitData, Model, Params, Problem, Resources, Start
from automl.families._crossing import CHUNK, MOST_TABLES, Crossing, choose_levels
from automl.families._watch import Watch
from automl.families.linear import LinearModel, walk

if TYPE_CHECKING:
    import optuna

MOST_CELLS = 1e7
"""Rows times combinations of columns times outputs, beyond which a minute has better to do."""

MOST_WEIGHTS = 1_000_000

FEW = 12
"""Columns of which all triples are made."""

STRENGTHS = tuple(10.0**k for k in np.arange(1.0, -5.1, -0.5))
"""Regularisation from strong to weak: each is a step of the learning curve."""

ITERATIONS = 20
"""Of a solver for one penalty: logistic regression goes on from the one before."""

FIXED, VALUE, CELL, SUM, WEIGHT = 4e4, 0.1, 0.16, 0.37, 8.5
"""Microseconds of a fit: of each, per value to sort it, per row and combination of columns to look
it up, and for each output to sum it up in all steps, and per weight (36 fits, half of them within
a factor of 1.15 where the number of weights is known)."""

LOOKED_UP, SOLVER = 48.0, 200.0
"""Bytes for each cell that is looked up at a time, and for a weight and its past gradients."""

DISTINCT = 0.6
"""Values of a column that meet others, as a share of the ranges of a number,"""

REPEATED = 6
"""and rows of a combination of them that is met."""


class CrossedModel:
    """Indicators, and a linear model on them."""

    def __init__(self, crossing: Crossing, linear: LinearModel) -> None:
        self._crossing, self._linear = crossing, linear

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Probabilities or values, of shape (n_rows, n_outputs)."""
        return self._linear.predict(self._crossing.matrix(X))

    def save(self) -> dict[str, bytes]:
        """Two files of arrays."""
        return {"crossing.npz": pack(self._crossing.save())} | self._linear.save()


class CrossedLinear(Family):
    """Logistic regression and ridge on indicators of values, pairs and triples of them.

    The wide part of Cheng et al., Wide & Deep Learning for Recommender Systems (2016), with all
    combinations of the columns that tell most in place of chosen ones.
    """

    name = "crossed_linear"
    unit_seconds = 1e-6
    work_spread = 0.4
    preload = ("sklearn.linear_model", "scipy.sparse")

    def supports(self, problem: Problem) -> bool:
        """Where there are categories, for values mostly of them; not for so many rows that
        boosting sees them all sooner."""
        least = problem.n_columns / 2 if problem.task == "regression" else 1
        suits = problem.n_categorical >= least
        cells = problem.n_rows * _n_tables(problem.n_columns, 2)
        fits = cells * problem.n_outputs <= MOST_CELLS
        return suits and fits and problem.n_columns > 1

    def starts(self, problem: Problem) -> Sequence[Start]:
        """Pairs; triples where columns are few. Late where trees tell all categories apart."""
        pairs = {"order": 2, "bins": 12, "least": 2}
        first = 4 if problem.n_many else 8
        triples = [Start(pairs | {"order": 3}, first + 3)] if problem.n_columns <= FEW else []
        return [Start(pairs, first), *triples]

    def suggest(self, trial: "optuna.Trial", problem: Problem) -> Params:
        """How much is made of the columns; the path of penalties does the rest."""
        return {
            "order": trial.suggest_int("order", 1, 3),
            "bins": trial.suggest_int("bins", 4, 64, log=True),
            "least": trial.suggest_int("least", 1, 8, log=True),
        }

    def work(
        self, params: Mapping[str, Any], problem: Problem, *, width: int | None = None
    ) -> float:
        """Indicators to look up, and gradients and weights for each penalty."""
        columns = self.matrix_width(params, problem, width)
        tables, weights = _size(params, problem, columns)
        cells = float(problem.n_rows) * tables
        judging = problem.n_rows * columns * VALUE
        return (
            FIXED + judging + cells * CELL + (cells * SUM + weights * WEIGHT) * problem.n_outputs
        )

    def memory(
        self,
        params: Mapping[str, Any],
        problem: Problem,
        *,
        width: int | None = None,
        itemsize: int = 4,
    ) -> float:
        """The sparse matrix, what it is looked up with, rows, and what the solver remembers."""
        columns = self.matrix_width(params, problem, width)
        tables, weights = _size(params, problem, columns)
        cells = float(problem.n_rows) * tables
        looked_up = LOOKED_UP * min(cells, CHUNK) + 16.0 * problem.n_rows * columns
        solver = problem.n_outputs * (SOLVER * weights + 32.0 * problem.n_rows)
        return 16.0 * cells + looked_up + solver + 4e6

    def fit(
        self,
        params: Mapping[str, Any],
        data: FitData,
        watch: Watch,
        *,
        problem: Problem,
        resources: Resources,
    ) -> Model:
        """Make the indicators of the training rows, then walk along the penalties."""
        X = data.train_X
        levels = choose_levels(data, problem, bins=int(params["bins"]))
        crossing = Crossing.fit(
            X,
            levels,
            order=int(params["order"]),
            least=int(params["least"]),
            most=MOST_WEIGHTS // problem.n_outputs,
        )
        rows = crossing.matrix(X), crossing.matrix(data.valid_X)
        estimator = _estimator(problem, resources.seed)
        linear = walk(STRENGTHS, rows, data, watch, problem=problem, estimator=estimator)
        return CrossedModel(crossing, linear)

    def load(self, files: Mapping[str, bytes]) -> Model:
        """Read the arrays."""
        linear = LinearModel.of(files["linear.npz"])
        return CrossedModel(Crossing.load(unpack(files["crossing.npz"])), linear)


def _estimator(problem: Problem, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    if problem.task == "regression":
        return Ridge(max_iter=ITERATIONS, tol=2e-2, solver="sparse_cg", random_state=seed)
    return LogisticRegression(max_iter=ITERATIONS, tol=1e-6, warm_start=True, random_state=seed)


def _n_tables(n_columns: int, order: int) -> int:
    """Combinations of columns that are made, at most."""
    return min(MOST_TABLES, sum(comb(n_columns, k) for k in range(1, order + 1)))


def _size(params: Mapping[str, Any], problem: Problem, n_columns: int) -> tuple[int, float]:
    """Combinations of columns, and of values, that are expected."""
    order, bins = int(params.get("order", 2)), float(params.get("bins", 12))
    tables = _n_tables(n_columns, order)
    each = min(problem.n_rows / REPEATED, (DISTINCT * bins) ** order)
    return tables, min(tables * each, MOST_WEIGHTS / problem.n_outputs)
