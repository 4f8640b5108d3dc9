"""Extra trees and random forest: many deep trees, averaged."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

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
from automl.families._trees import Forest
from automl.families._watch import Watch

if TYPE_CHECKING:
    import optuna

MAX_TREES = 300
BATCH = 12
"""Most trees grown between two looks at the clock."""


class _ForestFamily(Family):
    """What the two forests share: all but scikit-learn's class and the starting points."""

    preload = ("sklearn.ensemble",)
    out_of_bag = True
    estimators: ClassVar[tuple[str, str]]
    bootstrap: ClassVar[bool]

    def suggest(self, trial: "optuna.Trial", problem: Problem) -> Params:
        """The few parameters that matter for averaged deep trees."""
        return {
            "max_features": trial.suggest_float("max_features", 0.02, 1.0),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 64, log=True),
        }

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
        X, y, weight = data.train_X.astype(np.float32), data.train_y, data.train_weight
        forest = getattr(sklearn.ensemble, name)(
            n_estimators=1,
            bootstrap=self.bootstrap or data.out_of_bag,
            warm_start=True,
            n_jobs=resources.n_threads,
            random_state=resources.seed,
            **params,
        )
        votes = _Votes(np.ascontiguousarray(data.valid_X, dtype=np.float32), data.out_of_bag)
        watch.with_patience(float("inf"), 0.0).keeps_last = True
        limit, trees = watch.steps(MAX_TREES).stop - 1, 0
        while trees < limit:
            batch = min(limit - trees, max(1, trees // 4), BATCH)
            forest.n_estimators = trees + batch
            forest.fit(X, y, sample_weight=weight)
            votes.add(forest, trees)
            trees += batch
            if watch.validates:
                if watch.observe(trees, _outputs(votes.mean(), forest, problem)):
                    break
            elif watch.out_of_time():
                break
        return _export(forest, problem)

    def load(self, files: Mapping[str, bytes]) -> Model:
        """Read the arrays of a forest."""
        return Forest.load(files["forest.npz"])


class ExtraTrees(_ForestFamily):
    """Extremely randomised trees (Geurts, Ernst, Wehenkel 2006)."""

    name = "extra_trees"
    bootstrap = False
    relative_cost = 4.0
    estimators = ("ExtraTreesClassifier", "ExtraTreesRegressor")

    def starts(self, problem: Problem) -> Sequence[Start]:
        """Library defaults, then more columns per split as in TabRepo's portfolio."""
        default = 1.0 if problem.task == "regression" else _sqrt_share(problem)
        leaf = _leaf(problem)
        return [
            Start({"max_features": default, "min_samples_leaf": leaf}, rank=3),
            Start({"max_features": 0.75, "min_samples_leaf": 2 * leaf}, rank=12),
        ]


class RandomForest(_ForestFamily):
    """Random forest (Breiman 2001)."""

    name = "random_forest"
    bootstrap = True
    relative_cost = 5.0
    estimators = ("RandomForestClassifier", "RandomForestRegressor")

    def starts(self, problem: Problem) -> Sequence[Start]:
        """A third of the columns for regression, their square root for classes."""
        default = 0.4 if problem.task == "regression" else _sqrt_share(problem)
        return [Start({"max_features": default, "min_samples_leaf": _leaf(problem)}, rank=6)]


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
        drawn = forest.estimators_samples_ if self._out_of_bag else None
        for i in range(first, len(forest.estimators_)):
            rows = np.ones(len(self._X), dtype=bool)
            if drawn is not None:
                rows[drawn[i]] = False
            if not rows.any():
                continue
            values = forest.estimators_[i].tree_.predict(self._X[rows]).reshape(rows.sum(), -1)
            if self._total.shape[1] != values.shape[1]:
                self._total = np.zeros((len(self._X), values.shape[1]))
            self._total[rows] += values
            self._count[rows] += 1

    def mean(self) -> np.ndarray:
        """Predictions so far, of shape (n_rows, n_seen_classes or 1)."""
        means = self._total / np.maximum(self._count, 1)
        unseen = self._count[:, 0] == 0
        if unseen.any() and not unseen.all():
            means[unseen] = means[~unseen].mean(axis=0)
        return means


def _sqrt_share(problem: Problem) -> float:
    return float(np.clip(problem.n_columns**-0.5, 0.02, 1.0))


def _leaf(problem: Problem) -> int:
    """Rows per leaf: 1 on small tables; leaves that grow with the table keep forests small."""
    return int(np.clip(problem.n_rows // 5000, 1, 30))


def _outputs(predictions: np.ndarray, forest: Any, problem: Problem) -> np.ndarray:
    return to_outputs(predictions, getattr(forest, "classes_", None), problem)


def _export(forest: Any, problem: Problem) -> Forest:
    exported = Forest.from_sklearn(forest.estimators_)
    exported.values = _outputs(exported.values, forest, problem).astype(np.float32)
    return exported
