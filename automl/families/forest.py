"""Extra trees and random forest: many deep trees, averaged."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from automl.families._arrays import float32_rows
from automl.families._base import (
    MEDIUM,
    Family,
    FitData,
    Model,
    Params,
    Problem,
    Resources,
    Start,
    to_outputs,
)
from automl.families._trees import Forest
from automl.families._watch import Watch

if TYPE_CHECKING:
    import optuna

MAX_TREES = 300

LARGE = 200_000
"""Rows from which leaves are never small: trees that learn single rows by heart take gigabytes."""

NODE, VALUE = 130.0, 24.0
"""Bytes of a node, and of each value that a leaf predicts: as grown, as arrays and as a file."""

GROWN, GROWN_BINARY = 0.8, 0.65
"""Nodes of a tree, times the rows of a leaf, over the rows."""

TREE, ROW = 3000.0, 0.2
"""Microseconds of each tree, and of each of its rows (219 fits, half within a factor of 1.2)."""

BATCH = 12
BATCH_ROWS = 2_000_000
"""Most trees grown between two looks at the clock, and most rows in all of them: some seconds."""

BLOCK = 50_000
"""Rows that are predicted at a time."""


class _ForestFamily(Family):
    """What the two forests share: all but scikit-learn's class and the starting points."""

    preload = ("sklearn.ensemble",)
    out_of_bag = True
    unit_seconds = 1e-6
    work_spread = 0.15
    estimators: ClassVar[tuple[str, str]]
    cell: ClassVar[float]
    """Microseconds per row, column that is looked at, and level of a tree."""
    bootstrap: ClassVar[bool]

    def work(
        self, params: Mapping[str, Any], problem: Problem, *, width: int | None = None
    ) -> float:
        """Trees, times the columns looked at on each level of one."""
        columns = self.matrix_width(params, problem, width)
        looked = max(1.0, columns * float(params.get("max_features", 1.0)))
        leaf = max(1.0, float(params.get("min_samples_leaf", 1)))
        levels = np.log2(max(2.0, problem.n_rows / leaf))
        return float(MAX_TREES * (TREE + problem.n_rows * (ROW + looked * levels * self.cell)))

    def memory(
        self,
        params: Mapping[str, Any],
        problem: Problem,
        *,
        width: int | None = None,
        itemsize: int = 4,
    ) -> float:
        """The rows in single precision, and the trees."""
        columns = self.matrix_width(params, problem, width)
        leaf = max(1.0, float(params.get("min_samples_leaf", 1)))
        grown = GROWN_BINARY if problem.task == "binary" else GROWN
        nodes = MAX_TREES * max(1.0, grown * problem.n_rows / leaf)
        outputs = max(1, problem.n_classes)
        rows = problem.n_rows * (5.0 * columns + 60 + 24 * outputs)
        return rows + nodes * (NODE + VALUE * outputs) + 4e6

    def suggest(self, trial: "optuna.Trial", problem: Problem) -> Params:
        """The few parameters that matter for averaged deep trees."""
        leaf = _leaf(problem)
        low, high = (leaf // 4, 4 * leaf) if problem.n_rows > LARGE else (1, 64)
        return {
            "max_features": trial.suggest_float("max_features", 0.02, 1.0),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", low, high, log=True),
        }

    def effective(self, params: Mapping[str, Any], problem: Problem) -> Params:
        """Shares that stand for the same number of columns make the same forest."""
        share = float(params.get("max_features", 1.0))
        return {**params, "max_features": max(1, int(share * problem.n_columns))}

    def fit(
        self,
        params: Mapping[str, Any],
        data: FitData,
        watch: Watch,
        *,
        problem: Problem,
        resources: Resources,
    ) -> Model:
        """Grow the forest batch by batch; a step is a tree."""
        import sklearn.ensemble

        name = self.estimators[problem.task == "regression"]
        X, y, weight = _float32(data, data.train), data.train_y, data.train_weight
        forest = getattr(sklearn.ensemble, name)(
            n_estimators=1,
            bootstrap=self.bootstrap or data.out_of_bag,
            warm_start=True,
            n_jobs=resources.n_threads,
            random_state=resources.seed,
            **params,
        )
        votes = _Votes(X if data.out_of_bag else _float32(data, data.valid), data.out_of_bag)
        watch.with_patience(float("inf"), 0.0).keeps_last = True
        limit, trees = watch.steps(MAX_TREES).stop - 1, 0
        largest = min(BATCH, max(1, BATCH_ROWS // len(y)))
        while trees < limit:
            batch = min(limit - trees, max(resources.n_threads, min(trees // 4, largest)))
            forest.n_estimators = trees + batch
            forest.fit(X, y, sample_weight=weight)
            votes.add(forest, trees)
            trees += batch
            if watch.validates:
                if watch.observe(trees, _outputs(votes.mean(), forest, problem)):
                    break
            elif watch.out_of_time():
                break
        return _export(forest, problem, X)

    def load(self, files: Mapping[str, bytes]) -> Model:
        """Read the arrays of a forest."""
        return Forest.load(files["forest.npz"])


class ExtraTrees(_ForestFamily):
    """Extremely randomised trees (Geurts, Ernst, Wehenkel 2006)."""

    name = "extra_trees"
    bootstrap = False
    cell = 0.0065
    estimators = ("ExtraTreesClassifier", "ExtraTreesRegressor")

    def starts(self, problem: Problem) -> Sequence[Start]:
        """Library defaults, then more columns per split as in TabRepo's portfolio."""
        default = 1.0 if problem.task == "regression" else _sqrt_share(problem)
        leaf = _leaf(problem)
        return [
            Start({"max_features": default, "min_samples_leaf": leaf}, rank=_later(problem, 3)),
            Start({"max_features": 0.75, "min_samples_leaf": 2 * leaf}, _later(problem, 12)),
        ]


class RandomForest(_ForestFamily):
    """Random forest (Breiman 2001)."""

    name = "random_forest"
    bootstrap = True
    cell = 0.017
    estimators = ("RandomForestClassifier", "RandomForestRegressor")

    def starts(self, problem: Problem) -> Sequence[Start]:
        """A third of the columns for regression, their square root for classes."""
        default = 0.4 if problem.task == "regression" else _sqrt_share(problem)
        leaf = _leaf(problem)
        return [Start({"max_features": default, "min_samples_leaf": leaf}, _later(problem, 6))]


class _Votes:
    """Running mean of the trees' predictions for the validation rows.

    Out of bag, a tree has a say in the rows that its bootstrap sample left out; a row that no
    tree has left out yet gets the mean of the others.
    """

    def __init__(self, X: np.ndarray, out_of_bag: bool) -> None:
        self._X, self._out_of_bag = X, out_of_bag
        self._total: np.ndarray = np.zeros((len(X), 1))
        self._count = np.zeros((len(X), 1))

    def add(self, forest: Any, first: int) -> None:
        """Take the votes of the trees from `first` on."""
        if not len(self._X):
            return
        drawn = _drawn(forest, first) if self._out_of_bag else None
        rows = np.arange(len(self._X))
        for i, grown in enumerate(forest.estimators_[first:]):
            if drawn is not None:
                out = np.ones(len(self._X), dtype=bool)
                out[drawn[i]] = False
                rows = np.flatnonzero(out)
            for start in range(0, len(rows), BLOCK):
                block = rows[start : start + BLOCK]
                values = grown.tree_.predict(self._X[block]).reshape(len(block), -1)
                if self._total.shape[1] != values.shape[1]:
                    self._total = np.zeros((len(self._X), values.shape[1]))
                self._total[block] += values
                self._count[block] += 1

    def mean(self) -> np.ndarray:
        """Predictions so far, of shape (n_rows, n_seen_classes or 1)."""
        means = self._total / np.maximum(self._count, 1)
        unseen = self._count[:, 0] == 0
        if unseen.any() and not unseen.all():
            means[unseen] = means[~unseen].mean(axis=0)
        return means


def _float32(data: FitData, rows: np.ndarray) -> np.ndarray:
    """Rows as scikit-learn's trees want them, without a copy where the shared matrix will do."""
    values = data.matrix.values
    if np.array_equal(rows, np.arange(len(values))):
        return np.asarray(_Unlocked(np.ascontiguousarray(values, dtype=np.float32)))
    return float32_rows(values, rows)


class _Unlocked:
    """The same memory for scikit-learn, which only reads but refuses what it may not write to."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values
        self.__array_interface__ = values.__array_interface__ | {
            "data": (values.ctypes.data, False)
        }


def _drawn(forest: Any, first: int) -> Sequence[np.ndarray]:
    """Rows in the bootstrap samples of the trees from `first` on.

    Scikit-learn draws the samples of all trees again whenever it is asked.
    """
    grown = forest.estimators_
    forest.estimators_ = grown[first:]
    drawn: Sequence[np.ndarray] = forest.estimators_samples_
    forest.estimators_ = grown
    return drawn


def _sqrt_share(problem: Problem) -> float:
    return float(np.clip(problem.n_columns**-0.5, 0.02, 1.0))


def _later(problem: Problem, rank: int) -> int:
    """A place further back where boosting gets more out of the same seconds."""
    return rank if problem.n_rows <= MEDIUM else rank + 4


def _leaf(problem: Problem) -> int:
    """Rows per leaf: 1 on small tables; leaves that grow with the table keep forests small."""
    return max(1, problem.n_rows // 5000)


def _outputs(predictions: np.ndarray, forest: Any, problem: Problem) -> np.ndarray:
    return to_outputs(predictions, getattr(forest, "classes_", None), problem)


def _are_whole(values: np.ndarray) -> bool:
    return bool(((np.floor(values) == values) | np.isnan(values)).all())


def _export(forest: Any, problem: Problem, X: np.ndarray) -> Forest:
    whole = np.array([_are_whole(x[:1000]) and _are_whole(x) for x in X.T])
    exported = Forest.from_sklearn(forest.estimators_, whole)
    exported.values = _outputs(exported.values, forest, problem).astype(np.float32)
    return exported
