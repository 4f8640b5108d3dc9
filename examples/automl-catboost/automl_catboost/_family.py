"""CatBoost: gradient boosting on symmetric trees, with target statistics for categories."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from automl.families import (
    Family,
    FitData,
    Model,
    Params,
    Problem,
    Resources,
    Start,
    Watch,
    expected_rounds,
    faster_rate,
)

if TYPE_CHECKING:
    import catboost
    import optuna

MAX_ROUNDS = 5000

BORDERS = 128
"""Twice as many take twice as long, and half as many were no worse, on the tables tried."""

WIDEST = 10_000
"""Columns times leaves of a first tree: what a round takes, however few rows there are."""

MISSING = "missing"
"""The category of a missing value, and of one that training did not meet."""

DENSE_CLASSES = 30
"""Classes beyond which a round, which grows one tree for all of them, takes too long."""

ROUND, ROW, CELL, SPLIT = 300.0, 0.03, 0.0017, 1.3
"""Microseconds of a round: of each, per row, per cell and level of a tree, and per leaf and
column (15 fits of 1,000 to 50,000 rows; the target statistics of categories come on top),"""

BINNING = 0.2
"""and of a cell once."""

SYMMETRIC_RATE = 0.5
"""A round with a symmetric tree teaches as much as one of this learning rate with a free one."""


class CatBoostModel:
    """A model, kept in CatBoost's own format until it is needed."""

    def __init__(self, content: bytes, about: Mapping[str, Any]) -> None:
        self._content, self._about = content, dict(about)
        self._native: catboost.CatBoost | None = None
        self._categorical: tuple[int, ...] = ()

    @property
    def native(self) -> "catboost.CatBoost":
        """The native model."""
        if self._native is None:
            import catboost

            self._native = catboost.CatBoost()
            self._native.load_model(blob=self._content)
            self._categorical = tuple(self._native.get_cat_feature_indices())
        return self._native

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Probabilities or values, of shape (n_rows, n_outputs)."""
        about, task = self._about, self._about["task"]
        kind = "RawFormulaVal" if task == "regression" else "Probability"
        native, rows = self.native, to_pool(X, self._categorical)
        out = np.asarray(native.predict(rows, prediction_type=kind, thread_count=n_threads))
        if task == "multiclass":
            return spread(out, about["classes"], about["n_classes"])
        return out[:, 1:] if task == "binary" else out[:, None]

    def contributions(self, X: np.ndarray) -> np.ndarray:
        """Mean absolute SHAP value of each column, summed over classes."""
        native, rows = self.native, to_pool(X, self._categorical)
        raw = np.asarray(native.get_feature_importance(rows, type="ShapValues", thread_count=1))
        values = np.abs(raw).reshape(len(X), -1, X.shape[1] + 1)[:, :, :-1]
        return np.asarray(values.sum(axis=1).mean(axis=0))

    def save(self) -> dict[str, bytes]:
        """CatBoost's binary format, and what it doesn't say."""
        return {"model.cbm": self._content, "about.json": json.dumps(self._about).encode()}

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_native": None}


class CatBoost(Family):
    """Gradient boosting with the starting point of Holzmueller et al. (2024), and neighbours."""

    name = "catboost"
    preload = ("catboost",)
    libraries = ("catboost",)
    unit_seconds = 1e-6
    work_spread = 0.6

    def supports(self, problem: Problem) -> bool:
        """Not with so many classes that a round takes seconds."""
        return problem.n_classes <= DENSE_CLASSES

    def starts(self, problem: Problem) -> Sequence[Start]:
        """The tuned default of Holzmueller et al., then others that differ from it.

        Target statistics take up to ten times as long as columns of single categories, and those
        of two or more columns together longer still, so that most starting points have few.
        """
        if problem.task == "regression":
            default = _point(0.09, _affordable(9, problem), 1e-5, one_hot=20, rows=0.9, noise=0.0)
        else:
            default = _point(0.08, _affordable(7, problem), 1e-5, one_hot=15, rows=0.9, noise=0.8)
        return [
            Start(default, rank=2),
            Start(_point(0.07, 6, 2.2, one_hot=10, crossed=2), rank=6),
            Start(_point(0.1, 4, 4.6, one_hot=10), rank=10),
            Start(_point(0.05, 7, 4.5, one_hot=50), rank=13),
        ]

    def suggest(self, trial: "optuna.Trial", problem: Problem) -> Params:
        """The space of TabArena, with the rate bounded below by what a minute can train.

        Trees stay symmetric: others take longer to grow and to predict, and can't be shortened
        to the best step.
        """
        return {
            "learning_rate": trial.suggest_float("learning_rate", 0.015, 0.15, log=True),
            "depth": trial.suggest_int("depth", 3, 9),
            "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 1e-5, 10.0, log=True),
            "subsample": trial.suggest_float("subsample", 0.7, 1.0),
            "rsm": trial.suggest_float("rsm", 0.7, 1.0),
            "random_strength": trial.suggest_float("random_strength", 0.0, 2.0),
            "one_hot_max_size": trial.suggest_int("one_hot_max_size", 8, 100, log=True),
            "max_ctr_complexity": trial.suggest_int("max_ctr_complexity", 1, 3),
        }

    def work(
        self, params: Mapping[str, Any], problem: Problem, *, width: int | None = None
    ) -> float:
        """Rounds until early stopping, times what a round does with rows, bins and leaves."""
        columns = float(self.matrix_width(params, problem, width))
        depth, rounds = _depth(params), _expected_rounds(params, problem)
        cells = problem.n_rows * columns * float(params.get("rsm", 1.0))
        splits = columns * np.exp2(depth) * SPLIT
        a_tree = problem.n_rows * ROW + cells * depth * CELL + splits
        a_round = ROUND + problem.n_outputs * a_tree
        return float(rounds * a_round + problem.n_rows * columns * BINNING)

    def quicker(self, params: Mapping[str, Any], times: float) -> tuple[Params, float]:
        """A higher learning rate."""
        return faster_rate(params, times)

    def memory(
        self,
        params: Mapping[str, Any],
        problem: Problem,
        *,
        width: int | None = None,
        itemsize: int = 4,
    ) -> float:
        """Rows as a frame and as CatBoost's own, bins, target statistics, histograms, trees."""
        columns = max(1, self.matrix_width(params, problem, width))
        leaves, rounds = np.exp2(_depth(params)), _expected_rounds(params, problem)
        rows = problem.n_rows * (12.0 * columns + 60 + 40 * problem.n_outputs)
        histograms = problem.n_outputs * leaves * columns * BORDERS * 16.0
        trees = rounds * leaves * (problem.n_outputs + 1) * 16
        return float(rows + histograms + trees + 4e7)

    def fit(
        self,
        params: Mapping[str, Any],
        data: FitData,
        watch: Watch,
        *,
        problem: Problem,
        resources: Resources,
    ) -> Model:
        """Boost round by round until the watch has seen enough."""
        import catboost

        watch.with_patience(float(np.clip(3.0 / float(params["learning_rate"]), 30, 100)), 0.2)
        classes = np.unique(data.train_y) if problem.n_classes else None
        follower = Follower(watch, problem, classes, len(data.valid))
        settings = _objective(problem, classes) | follower.settings() | dict(params)
        settings |= {
            "iterations": len(watch.steps(MAX_ROUNDS)),
            "bootstrap_type": "Bernoulli",
            "boosting_type": "Plain",
            "leaf_estimation_iterations": 1,
            "border_count": BORDERS,
            "random_seed": resources.seed,
            "thread_count": resources.n_threads,
            "allow_const_label": True,
            "allow_writing_files": False,
            "use_best_model": False,
        }
        train, valid = _pools(data, classes)
        native = catboost.CatBoost(settings)
        watch.out_of_time()  # its clock starts here: what came before was no step
        silence = io.StringIO()  # "Silent" still warns of classes that are missing
        callbacks = None if watch.validates else [follower]
        native.fit(train, eval_set=valid, callbacks=callbacks, silent=True, log_cout=silence)
        return follower.finish(native, data)

    def load(self, files: Mapping[str, bytes]) -> Model:
        """Read CatBoost's binary format."""
        return CatBoostModel(files["model.cbm"], json.loads(files["about.json"]))


class Follower:
    """Shows the watch CatBoost's rounds, as a metric of the training.

    A metric is handed what CatBoost itself keeps up to date, the sums of the trees for the
    validation rows, so that looking costs no prediction. Its values rise by one with each round
    until the watch says stop, when they fall: then CatBoost's detector ends the training. Without
    rows to validate on a callback looks at the clock; it is handed all metrics of all rounds,
    which takes longer than a round once there are a few hundred, so it is not used for both.
    """

    no_jit = True  # CatBoost would compile `evaluate` with numba, or warn that it can't

    def __init__(
        self, watch: Watch, problem: Problem, classes: np.ndarray | None, n_valid: int
    ) -> None:
        self._watch, self._problem = watch, problem
        self._classes, self._n_valid = classes, n_valid
        self._step, self._is_valid, self._ended = 0, True, False
        self._error: BaseException | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # CatBoost copies its parameters

    def settings(self) -> Params:
        """What CatBoost is told of it."""
        if not self._watch.validates:
            return {"metric_period": MAX_ROUNDS}
        return {"eval_metric": self, "od_type": "Iter", "od_wait": 1}

    def after_iteration(self, info: Any) -> bool:
        """Whether training goes on."""
        self._step += 1
        return not self._watch.out_of_time()

    def is_max_optimal(self) -> bool:
        """A larger value is a better one."""
        return True

    def get_final_error(self, error: float, weight: float) -> float:
        """The value as it is."""
        return error

    def evaluate(
        self, approxes: Sequence[np.ndarray], target: np.ndarray, weight: np.ndarray | None
    ) -> tuple[float, float]:
        """Called after each round for the training rows, then for those to validate."""
        self._is_valid = not self._is_valid
        if not self._is_valid:
            return 0.0, 1.0
        if self._ended:  # at the first round: CatBoost needs a second one to see values fall
            return -2.0, 1.0
        self._step += 1
        try:
            self._ended = self._ends(approxes)
        except BaseException as error:  # noqa: BLE001 - CatBoost would turn it into one of its own
            self._error, self._ended = error, True
        return (-1.0 if self._ended else float(self._step)), 1.0

    def _ends(self, sums: Sequence[np.ndarray]) -> bool:
        """Show the round to the watch where it is due; whether training should end."""
        if not self._watch.due(self._step):
            return self._watch.out_of_time()
        assert len(sums[0]) == self._n_valid
        return self._watch.observe(self._step, self._to_outputs(np.column_stack(sums)))

    def finish(self, native: "catboost.CatBoost", data: FitData) -> CatBoostModel:
        """The model at the watch's best step."""
        if self._error is not None:
            raise self._error
        watch = self._watch
        if watch.validates and not self._ended and self._step > watch.last_step:
            watch.observe(self._step, self._model(native).predict(data.valid_X))
        if 0 < watch.best_step < native.tree_count_:
            native.shrink(watch.best_step)
        return self._model(native)

    def _model(self, native: "catboost.CatBoost") -> CatBoostModel:
        content = bytes(native._serialize_model())  # the public way is through a file
        classes = [] if self._classes is None else self._classes.tolist()
        about = {"task": self._problem.task, "n_classes": self._problem.n_classes}
        return CatBoostModel(content, about | {"classes": classes})

    def _to_outputs(self, sums: np.ndarray) -> np.ndarray:
        """Probabilities or values from sums of trees."""
        if self._problem.task == "regression":
            return sums
        if self._problem.task == "binary":
            return np.asarray(1 / (1 + np.exp(-np.clip(sums, -500, 500))))
        assert self._classes is not None
        powers = np.exp(sums - sums.max(axis=1, keepdims=True))
        return spread(powers, self._classes.tolist(), self._problem.n_classes)


def spread(shares: np.ndarray, classes: Sequence[int], n_classes: int) -> np.ndarray:
    """Probabilities of all classes from shares of those that the training rows had.

    Of one class alone CatBoost makes two.
    """
    out = np.zeros((len(shares), n_classes))
    out[:, classes] = shares[:, : len(classes)]
    return np.asarray(out / out.sum(axis=1, keepdims=True))


def to_pool(
    values: np.ndarray,
    categorical: Sequence[int],
    *,
    label: np.ndarray | None = None,
    weight: np.ndarray | None = None,
) -> "catboost.Pool":
    """Rows as CatBoost reads them fastest: numbers as they are, codes as pandas' categories."""
    import catboost

    rows: Any = np.asarray(values, dtype=np.float32)
    if categorical:
        columns: dict[int, Any] = {i: rows[:, i] for i in range(rows.shape[1])}
        columns |= {i: _categories(rows[:, i]) for i in categorical}
        rows = pd.DataFrame(columns, copy=False)
    return catboost.Pool(
        rows, label, cat_features=list(categorical), weight=weight, thread_count=1
    )


def _categories(codes: np.ndarray) -> "pd.Categorical[str]":
    """Codes as categories that are called by their numbers, and those missing as one more."""
    missing = np.isnan(codes)
    whole = np.where(missing, -1, codes).astype(np.int32)
    n = int(whole.max(initial=-1)) + 1
    whole[missing] = n
    return pd.Categorical.from_codes(whole, categories=pd.Index([*map(str, range(n)), MISSING]))


def _pools(
    data: FitData, classes: np.ndarray | None
) -> tuple["catboost.Pool", "catboost.Pool | None"]:
    """Rows to train on, and those to validate on if there are any."""
    categorical = data.matrix.categorical
    train = to_pool(data.train_X, categorical, label=data.train_y, weight=data.train_weight)
    if not len(data.valid):
        return train, None
    label = data.y[data.valid]  # only there for CatBoost's own loss, which nobody reads
    if classes is not None:  # and which refuses a class that it was not trained on
        label = np.where(np.isin(label, classes), label, classes[0])
    return train, to_pool(data.valid_X, categorical, label=label)


def _objective(problem: Problem, classes: np.ndarray | None) -> Params:
    if problem.task == "multiclass":
        return {"loss_function": "MultiClass"}
    if classes is None:
        return {"loss_function": "MAE" if problem.absolute_error else "RMSE"}
    # one class alone is refused where labels are classes, not where they are probabilities
    return {"loss_function": "Logloss" if len(classes) > 1 else "CrossEntropy"}


def _point(
    rate: float,
    depth: int,
    l2: float,
    *,
    one_hot: int,
    rows: float = 0.8,
    noise: float = 1.0,
    crossed: int = 1,
) -> Params:
    return {
        "learning_rate": rate,
        "depth": depth,
        "l2_leaf_reg": l2,
        "subsample": rows,
        "rsm": 1.0,
        "random_strength": noise,
        "one_hot_max_size": one_hot,
        "max_ctr_complexity": crossed,
    }


def _affordable(depth: int, problem: Problem) -> int:
    """That depth, or a smaller one where there are many columns, but no less than 6."""
    return int(np.clip(np.log2(WIDEST / problem.n_columns), 6, depth))


def _depth(params: Mapping[str, Any]) -> float:
    return float(params.get("depth", 6))


def _expected_rounds(params: Mapping[str, Any], problem: Problem) -> float:
    """Rounds until early stopping."""
    rate = SYMMETRIC_RATE * float(params.get("learning_rate", 0.03))
    return expected_rounds(problem, rate, float(np.exp2(_depth(params) / 2)), MAX_ROUNDS)
