"""LightGBM: gradient boosting on leaf-wise trees."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.families._base import (
    MEDIUM,
    DeviceError,
    DeviceUse,
    Family,
    FitData,
    Model,
    Params,
    Problem,
    Resources,
    Start,
)
from automl.families._binned import DATASET, datasets, sample_size
from automl.families._cuda import card_settings, card_use, device_of, without_device
from automl.families._generate import (
    KINDS,
    NOTHING,
    expected_columns,
    expected_work,
    extended,
)
from automl.families._generated import PLAN, GeneratedModel, Generator
from automl.families._rounds import COLUMNS, expected_rounds, faster_rate
from automl.families._watch import Watch
from automl.features import Matrix

if TYPE_CHECKING:
    import lightgbm
    import optuna

MAX_ROUNDS = 5000

GENERATING_RANK = 4
"""Where the first that generates columns stands among the starting configurations."""

TWEEDIE_RANK = 7
"""The one that learns logarithms of means, where the target is one of ratios."""

LARGE = 200_000
"""Rows times outputs beyond which the first configuration learns twice as fast: a minute has few
rounds."""

ROUND, ROW, CELL, SPLIT, RANDOM_SPLIT = 65.0, 0.05, 0.001, 0.45, 0.06
"""Microseconds of a round: of each, per row, per cell and level of a tree, and per leaf and
column where the best of 255 bins is sought or a random one is taken (113 fits, half of them
within a factor of 1.4),"""

BINNING = 0.1
"""and of a cell once: half of what binning takes, since most fits find the table binned."""

HISTOGRAM = 4096.0
NODE = 150.0
"""Bytes of the histogram of a leaf and column, and of a leaf, its share of the text included."""

WRITING = 3e-6
"""Seconds for a leaf in LightGBM's text. With classes, thousands of rounds of small trees take as
long to write as to train."""

RANDOM_RATE = 0.6
"""A round with random splits teaches as much as one of this learning rate with the best ones."""


class LightGBMModel:
    """A booster, kept as LightGBM's own text until it is needed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._booster: lightgbm.Booster | None = None

    @property
    def booster(self) -> "lightgbm.Booster":
        """The native booster."""
        if self._booster is None:
            import lightgbm as lgb

            self._booster = lgb.Booster(model_str=self._text)
        return self._booster

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Probabilities or values, of shape (n_rows, n_outputs)."""
        out = np.asarray(self.booster.predict(X, num_threads=n_threads))
        return out.reshape(len(X), -1)

    def contributions(self, X: np.ndarray) -> np.ndarray:
        """Mean absolute SHAP value of each column, summed over classes."""
        raw = np.asarray(self.booster.predict(X, pred_contrib=True))
        values = np.abs(raw).reshape(len(X), -1, X.shape[1] + 1)[:, :, :-1]
        return np.asarray(values.sum(axis=1).mean(axis=0))

    def save(self) -> dict[str, bytes]:
        """LightGBM's text format."""
        return {"model.txt": self._text.encode()}

    def __getstate__(self) -> dict[str, Any]:
        return {"_text": self._text, "_booster": None}


class LightGBM(Family):
    """Gradient boosting with the starting points of Holzmueller et al. (2024) and TabRepo."""

    name = "lightgbm"
    preload = ("lightgbm",)
    libraries = ("lightgbm",)
    unit_seconds = 1.1e-6
    work_spread = 0.6
    averaging_gain = 0.09

    def starts(self, problem: Problem) -> Sequence[Start]:
        """The tuned default of Holzmueller et al. first, then neighbours that differ from it."""
        if problem.task == "regression":
            default = _point(0.05, 100, 3, bagging=0.7)
        else:
            default = _point(0.04, 50, 40, bagging=0.75)
        if problem.n_rows * problem.n_outputs > LARGE:
            default["learning_rate"] *= 2
        if problem.n_rows < 1000:
            default |= {"min_data_in_leaf": min(10, default["min_data_in_leaf"])}
        computed = "arithmetic" if problem.n_columns - problem.n_categorical > 2 else NOTHING
        crosses = problem.n_categorical > 0 and problem.n_outputs == 1
        more = computed if crosses else NOTHING
        others = _slow(more) if problem.n_rows <= MEDIUM else _fast(more)
        starts = [Start(default, rank=0), *others]
        if crosses or computed != NOTHING:
            # Where nothing is found to generate it still differs from the default.
            kind = "crosses" if crosses else computed
            generating = default | {"feature_fraction": 0.8, "generated": kind}
            starts.insert(2, Start(generating, GENERATING_RANK))
        if _has_link(problem):
            for start in starts:
                tweedie = start.rank == TWEEDIE_RANK
                start.params["objective"] = "tweedie" if tweedie else "regression"
        most = _most_leaves(problem)
        return [
            Start(s.params | {"num_leaves": min(most, s.params["num_leaves"])}, s.rank)
            for s in starts
        ]

    def suggest(self, trial: "optuna.Trial", problem: Problem) -> Params:
        """The space of TabArena, with the rate bounded below by what a minute can train."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.15, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 3, _most_leaves(problem), log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 1, 64, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.3, 1.0),
            "bagging_fraction": trial.suggest_float("bagging_fraction", 0.6, 1.0),
            "extra_trees": trial.suggest_categorical("extra_trees", [False, True]),
            "lambda_l1": trial.suggest_float("lambda_l1", 1e-4, 5.0, log=True),
            "lambda_l2": trial.suggest_float("lambda_l2", 1e-4, 20.0, log=True),
            "cat_smooth": trial.suggest_float("cat_smooth", 1e-2, 100.0, log=True),
            "generated": trial.suggest_categorical("generated", KINDS),
        } | (
            {"objective": trial.suggest_categorical("objective", ["regression", "tweedie"])}
            if _has_link(problem)
            else {}
        )

    def work(
        self, params: Mapping[str, Any], problem: Problem, *, width: int | None = None
    ) -> float:
        """Rounds until early stopping, times what a round does with rows, bins and leaves."""
        columns = self.matrix_width(params, problem, width)
        kind = str(params.get("generated", NOTHING))
        columns += expected_columns(kind, problem)
        rows = problem.n_rows * float(params.get("bagging_fraction", 1.0))
        leaves, rounds = _expected_leaves(params, problem), _expected_rounds(params, problem)
        histograms = rows * columns * np.log2(leaves) * CELL
        splits = leaves * columns * float(params.get("feature_fraction", 1.0))
        splits *= RANDOM_SPLIT if params.get("extra_trees") else SPLIT
        a_round = ROUND + problem.n_rows * ROW + histograms + splits
        once = problem.n_rows * columns * BINNING + expected_work(kind, problem)
        return float(rounds * problem.n_outputs * a_round + once)

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
        """Three binned copies or the sample for the bins, histograms, rows and trees."""
        columns = max(1, self.matrix_width(params, problem, width))
        more = expected_columns(str(params.get("generated", NOTHING)), problem)
        columns += more
        copies = problem.n_rows * (2.0 * itemsize * columns + 64) if more else 0.0
        cells = float(problem.n_rows) * columns
        leaves, rounds = _expected_leaves(params, problem), _expected_rounds(params, problem)
        sample = 2 * cells + 13.0 * columns * min(problem.n_rows, sample_size(columns))
        trees = rounds * problem.n_outputs * leaves * NODE
        fitting = 3 * cells + leaves * columns * HISTOGRAM + trees
        rows = problem.n_rows * (24.0 + 32 * problem.n_outputs)
        return max(sample, fitting) + rows + copies + 4e6

    def device_use(
        self, params: Mapping[str, Any], problem: Problem, matrix: Matrix
    ) -> DeviceUse | None:
        """The whole card, if its CUDA backend heeds all of these parameters and columns."""
        return card_use(params, problem, matrix, _expected_leaves(params, problem))

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
        import lightgbm as lgb

        given = dict(params)
        if given.get("objective") == "tweedie" and data.y.min() < 0:  # other rows than once
            del given["objective"]
        kind = given.pop("generated", NOTHING)
        generator, data = extended(kind, data, problem=problem, resources=resources)
        binning = DATASET | {
            "bin_construct_sample_cnt": sample_size(data.matrix.shape[1]),
            "num_threads": resources.n_threads,
        }
        if resources.device != "cpu":
            binning |= card_settings(resources.device)
        train, valid, watch.copies = datasets(data, binning)
        settings = binning | _objective(problem) | given
        settings |= {
            "metric": "None",
            "bagging_freq": 1,
            "seed": resources.seed,
            "deterministic": True,
            "force_row_wise": True,
        } | card_settings(resources.device)
        rate = float(params["learning_rate"])
        watch.with_patience(float(np.clip(2.0 / rate, 20, 100)), 0.2)
        booster = lgb.Booster(settings, train)
        if valid is not None:
            booster.add_valid(valid, "valid")
        watch.out_of_time()  # its clock starts here: what came before was no step
        step, writing = 0, WRITING * problem.n_outputs * _expected_leaves(params, problem)
        for step in watch.steps(MAX_ROUNDS):
            exhausted = booster.update()
            watch.closing = step * writing
            if watch.due(step) or (exhausted and watch.validates):
                if watch.observe(step, _valid_predictions(booster, problem)) or exhausted:
                    break
            elif exhausted or watch.out_of_time():
                break
        text = booster.model_to_string(num_iteration=watch.best_step or step)
        watch.device = device_of(text, resources.device)
        if watch.device != resources.device:
            raise DeviceError(
                f"LightGBM was asked for {resources.device!r} and trained elsewhere."
            )
        model = LightGBMModel(without_device(text))
        return model if generator is None else GeneratedModel(model, generator)

    def load(self, files: Mapping[str, bytes]) -> Model:
        """Read LightGBM's text format, and how columns are generated if they are."""
        model = LightGBMModel(files["model.txt"].decode())
        return GeneratedModel(model, Generator.load(files)) if PLAN in files else model


def _expected_leaves(params: Mapping[str, Any], problem: Problem) -> float:
    """Leaves of a tree, as far as the rows fill them."""
    rows = problem.n_rows * float(params.get("bagging_fraction", 1.0))
    filled = rows / max(2.0, float(params.get("min_data_in_leaf", 20)))
    return max(2.0, min(float(params.get("num_leaves", 31)), filled))


def _expected_rounds(params: Mapping[str, Any], problem: Problem) -> float:
    """Rounds until early stopping."""
    rate = float(params.get("learning_rate", 0.1))
    rate *= float(params.get("feature_fraction", 1.0)) ** COLUMNS
    rate *= RANDOM_RATE if params.get("extra_trees") else 1.0
    return expected_rounds(problem, rate, _expected_leaves(params, problem), MAX_ROUNDS)


def _slow(generated: str) -> list[Start]:
    """Neighbours of the default for tables of which a minute fits hundreds; the one with most
    leaves generates columns."""
    return [
        Start(_point(0.08, 16, 12, columns=0.56, extra_trees=True), rank=4),
        Start(_point(0.03, 53, 14, columns=0.7), TWEEDIE_RANK),
        Start(_point(0.03, 128, 3, columns=0.9) | {"generated": generated}, rank=9),
        Start(_point(0.05, 8, 5, columns=0.5, l2=1.0), rank=11),
        Start(_point(0.034, 127, 6, columns=0.83, extra_trees=True), rank=14),
    ]


def _fast(generated: str) -> list[Start]:
    """The same for more rows: in the seconds of one that learns slowly there are three of these,
    of which one has leaves in a number that is right for the table."""
    return [
        Start(_point(0.1, 31, 20, columns=0.7), rank=3),
        Start(_point(0.09, 128, 3, columns=0.9) | {"generated": generated}, rank=5),
        Start(_point(0.1, 8, 5, columns=0.5, l2=1.0), rank=6),
        Start(_point(0.06, 53, 14, columns=0.7), TWEEDIE_RANK),
        Start(_point(0.15, 16, 12, columns=0.56, extra_trees=True), rank=12),
        Start(_point(0.05, 127, 6, columns=0.83, extra_trees=True), rank=14),
    ]


def _point(
    rate: float,
    leaves: int,
    min_data: int,
    *,
    columns: float = 1.0,
    bagging: float = 1.0,
    l2: float = 1e-4,
    extra_trees: bool = False,
) -> Params:
    return {
        "learning_rate": rate,
        "num_leaves": leaves,
        "min_data_in_leaf": min_data,
        "feature_fraction": columns,
        "bagging_fraction": bagging,
        "extra_trees": extra_trees,
        "lambda_l1": 1e-4,
        "lambda_l2": l2,
        "cat_smooth": 10.0,
        "generated": NOTHING,
    }


def _most_leaves(problem: Problem) -> int:
    return max(4, min(256, problem.n_rows // 4))


def _has_link(problem: Problem) -> bool:
    """Whether the mean's logarithm may be what trees add up to, with Tweedie's deviance."""
    return problem.ratios and not problem.absolute_error


def _objective(problem: Problem) -> Params:
    if problem.task == "binary":
        return {"objective": "binary", "min_sum_hessian_in_leaf": 1e-7}
    if problem.task == "multiclass":
        return {
            "objective": "multiclass",
            "num_class": problem.n_classes,
            "min_sum_hessian_in_leaf": 1e-7,
        }
    name = "regression_l1" if problem.absolute_error else "regression"
    return {"objective": name, "min_sum_hessian_in_leaf": 1e-7}


def _valid_predictions(booster: "lightgbm.Booster", problem: Problem) -> np.ndarray:
    """Predictions for the validation rows, which LightGBM keeps up to date by itself."""
    taken: list[np.ndarray] = []

    def take(predictions: np.ndarray, _: Any) -> tuple[str, float, bool]:
        taken.append(predictions)
        return "taken", 0.0, True

    booster.eval_valid(feval=take)
    return taken[0].reshape(-1, problem.n_outputs)
