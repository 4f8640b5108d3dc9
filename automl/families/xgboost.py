"""XGBoost: gradient boosting on level-wise trees."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.families._base import (
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
from automl.families._quantised import MAX_BIN, SAMPLE, Validation, hide_unseen, quantised
from automl.families._rounds import COLUMNS, expected_rounds, faster_rate
from automl.families._watch import Watch
from automl.features import Matrix

if TYPE_CHECKING:
    import optuna
    import xgboost

MAX_ROUNDS = 5000

LARGEST = "largest_codes"
"""Attribute of a booster: for each categorical column the largest code in its training rows.

XGBoost takes a larger one for the largest where rows are quantised, and for none of those it
knows elsewhere. Missing means the same everywhere.
"""

ROUND, ROW, CELL, SPLIT = 90.0, 0.03, 0.0028, 0.27
"""Microseconds of a round: of each, per row, per cell and level of a tree, and per leaf and
column (111 fits, half of them within a factor of 1.4),"""

BINNING = 0.1
"""and of a cell once: half of what binning takes, since most fits find the fold binned."""


SKETCH, HISTOGRAM, NODE = 5.0, 4096.0, 200.0
"""Bytes of a cell that bins are made from, of the histogram of a node and column, and of a leaf
with its share of the file."""


QUANTISED, CONTEXT = 1.5, 7e8
"""Bytes of a quantised cell on a card (12 bits at 256 bins and some hundred columns), and of what
CUDA itself takes there for a process: estimated, not measured."""


class XGBoostModel:
    """A booster, kept in XGBoost's own binary JSON until it is needed."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._booster: xgboost.Booster | None = None
        self._n_threads, self._device = 0, "cpu"

    @property
    def booster(self) -> "xgboost.Booster":
        """The native booster, on the CPU unless it was moved."""
        if self._booster is None:
            import xgboost as xgb

            self._booster = xgb.Booster({"nthread": 1}, model_file=bytearray(self._content))
            self._booster.set_param({"device": self._device})
        return self._booster

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Probabilities or values, of shape (n_rows, n_outputs)."""
        if n_threads != self._n_threads:  # it takes as long as the prediction of a row
            self.booster.set_param({"nthread": n_threads})
            self._n_threads = n_threads
        if self._device != "cpu":
            out = self.booster.predict(self._matrix(X), validate_features=False)
            _device_of(self.booster, self._device)
        else:
            out = self.booster.inplace_predict(self._known(X), validate_features=False)
        return np.asarray(out).reshape(len(X), -1)

    def move(self, device: str) -> None:
        """Predict on the CPU or on a card from now on."""
        self._device = device
        if self._booster is not None:
            self._booster.set_param({"device": device})

    def contributions(self, X: np.ndarray) -> np.ndarray:
        """Mean absolute SHAP value of each column, summed over classes."""
        raw = self.booster.predict(self._matrix(X), pred_contribs=True, validate_features=False)
        values = np.abs(raw).reshape(len(X), -1, X.shape[1] + 1)[:, :, :-1]
        return np.asarray(values.sum(axis=1).mean(axis=0))

    def _matrix(self, X: np.ndarray) -> "xgboost.DMatrix":
        import xgboost as xgb

        return xgb.DMatrix(self._known(X), feature_types=self.booster.feature_types)

    def _known(self, X: np.ndarray) -> np.ndarray:
        """The rows with codes that training did not meet turned into missing values."""
        return hide_unseen(X, self._largest)

    @cached_property
    def _largest(self) -> dict[str, float]:
        found: dict[str, float] = json.loads(self.booster.attr(LARGEST) or "{}")
        return found

    def save(self) -> dict[str, bytes]:
        """XGBoost's UBJSON format."""
        return {"model.ubj": self._content}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_booster": None, "_n_threads": 0, "_device": "cpu"}


class XGBoost(Family):
    """Gradient boosting with the starting points of Holzmueller et al. (2024) and TabRepo."""

    name = "xgboost"
    unit_seconds = 1.6e-6
    work_spread = 0.6
    averaging_gain = 0.11
    preload = ("xgboost",)
    libraries = ("xgboost",)

    def starts(self, problem: Problem) -> Sequence[Start]:
        """The tuned default of Holzmueller et al. first."""
        if problem.task == "regression":
            default = _point(0.05, 9, 2.0, rows=0.7)
        else:
            default = _point(0.08, 6, 5e-3, rows=0.65, level=0.9)
        return [
            Start(default, rank=2),
            Start(_point(0.03, 10, 0.6, rows=0.8, level=0.69, l2=1.0), rank=10),
            Start(_point(0.06, 4, 1.0, rows=0.8, level=0.6, l2=2.0), rank=13),
        ]

    def suggest(self, trial: "optuna.Trial", problem: Problem) -> Params:
        """The space of TabArena, with the rate bounded below by what a minute can train."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.15, log=True),
            "max_depth": trial.suggest_int("max_depth", 2, 11),
            "min_child_weight": trial.suggest_float("min_child_weight", 1e-3, 10.0, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample_bylevel": trial.suggest_float("colsample_bylevel", 0.3, 1.0),
            "reg_lambda": trial.suggest_float("reg_lambda", 1e-4, 10.0, log=True),
            "reg_alpha": trial.suggest_float("reg_alpha", 1e-4, 5.0, log=True),
        }

    def work(
        self, params: Mapping[str, Any], problem: Problem, *, width: int | None = None
    ) -> float:
        """Rounds until early stopping, times what a round does with rows, bins and leaves."""
        columns = self.matrix_width(params, problem, width)
        rows = problem.n_rows * float(params.get("subsample", 1.0))
        fraction = float(params.get("colsample_bylevel", 1.0))
        leaves, rounds = _expected_leaves(params, problem), _expected_rounds(params, problem)
        cells = columns * fraction * (rows * np.log2(leaves) * CELL + leaves * SPLIT)
        a_round = ROUND + problem.n_rows * ROW + cells
        return float(rounds * problem.n_outputs * a_round + problem.n_rows * columns * BINNING)

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
        """Quantised rows, what bins are made from, the histograms of a tree's nodes, and trees."""
        columns = max(1, self.matrix_width(params, problem, width))
        leaves, rounds = _expected_leaves(params, problem), _expected_rounds(params, problem)
        histograms = 2 * leaves * columns * HISTOGRAM
        trees = rounds * problem.n_outputs * leaves * NODE
        rows = problem.n_rows * (4.0 * columns + 30 + 20 * problem.n_outputs)
        sketch = SKETCH * min(SAMPLE, problem.n_rows) * columns
        return float(rows + sketch + histograms + trees + 4e6)

    def device_use(
        self, params: Mapping[str, Any], problem: Problem, matrix: Matrix
    ) -> DeviceUse | None:
        """Quantised rows twice while they are copied, rows, and the histograms of a level."""
        if not {"tree_method", "booster", "device"}.isdisjoint(params):
            return None  # a user's own: then it is the user who chooses
        columns = max(1, len(matrix.names))
        leaves = _expected_leaves(params, problem)
        rows = problem.n_rows * (2.0 * QUANTISED * columns + 64 + 24 * problem.n_outputs)
        return DeviceUse(rows + 2 * leaves * columns * HISTOGRAM + CONTEXT)

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
        import xgboost as xgb

        if resources.n_threads > 1:  # beyond what the environment says, else nobody hears
            xgb.set_config(nthread=resources.n_threads)
        training = quantised(data, resources)
        train = training.rows
        settings = _objective(problem) | dict(params)
        settings |= {
            "tree_method": "hist",
            "max_bin": MAX_BIN,
            "nthread": resources.n_threads,
            "seed": resources.seed,
            "device": resources.device,
            "verbosity": 0,
            "disable_default_eval_metric": True,
        }
        watch.with_patience(float(np.clip(2.0 / float(params["learning_rate"]), 20, 100)), 0.2)
        booster = xgb.Booster(settings, [train])
        valid = Validation(booster, training, data, problem=problem, resources=resources)
        watch.copies = training.copies + valid.copies
        watch.out_of_time()  # its clock starts here: what came before was no step
        step = 0
        for step in watch.steps(MAX_ROUNDS):
            booster.update(train, step - 1)
            if step == 1:
                watch.device = _device_of(booster, resources.device)
            if watch.due(step):
                if watch.observe(step, valid.predict(step)):
                    break
            elif watch.out_of_time():
                break
        booster = booster[: watch.best_step or step]
        booster.set_attr(**{LARGEST: json.dumps(training.largest)})
        return XGBoostModel(bytes(booster.save_raw("ubj")))

    def load(self, files: Mapping[str, bytes]) -> Model:
        """Read XGBoost's UBJSON format."""
        return XGBoostModel(files["model.ubj"])


def _expected_leaves(params: Mapping[str, Any], problem: Problem) -> float:
    """Leaves of a tree, as far as the rows fill them."""
    rows = problem.n_rows * float(params.get("subsample", 1.0))
    least = float(params.get("min_child_weight", 1.0))
    least *= 1 if problem.task == "regression" else 4  # a row of two classes weighs 1/4
    most = 2.0 ** min(30, int(params.get("max_depth", 6)) or 30)  # 0 is no limit
    return max(2.0, min(most, rows / max(2.0, least)))


def _expected_rounds(params: Mapping[str, Any], problem: Problem) -> float:
    """Rounds until early stopping."""
    rate = float(params.get("learning_rate", 0.3))
    rate *= float(params.get("colsample_bylevel", 1.0)) ** COLUMNS
    return expected_rounds(problem, rate, _expected_leaves(params, problem), MAX_ROUNDS)


def _point(
    rate: float,
    depth: int,
    min_weight: float,
    *,
    rows: float,
    level: float = 1.0,
    l2: float = 1e-4,
) -> Params:
    return {
        "learning_rate": rate,
        "max_depth": depth,
        "min_child_weight": min_weight,
        "subsample": rows,
        "colsample_bylevel": level,
        "reg_lambda": l2,
        "reg_alpha": 1e-4,
    }


def _objective(problem: Problem) -> Params:
    if problem.task == "binary":
        return {"objective": "binary:logistic"}
    if problem.task == "multiclass":
        return {"objective": "multi:softprob", "num_class": problem.n_classes}
    return {"objective": "reg:absoluteerror" if problem.absolute_error else "reg:squarederror"}


def _device_of(booster: "xgboost.Booster", wanted: str) -> str:
    """Where training runs; an error if XGBoost fell back to the CPU, which it only warns of."""
    used = str(json.loads(booster.save_config())["learner"]["generic_param"]["device"])
    if wanted.startswith("cuda") and not used.startswith("cuda"):
        raise DeviceError(f"XGBoost was asked for {wanted!r} and trains on {used!r}.")
    return used
