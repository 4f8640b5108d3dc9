"""XGBoost: gradient boosting on level-wise trees."""

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.families._base import Family, FitData, Model, Params, Problem, Resources, Start
from automl.families._watch import Watch

if TYPE_CHECKING:
    import optuna
    import xgboost

MAX_ROUNDS = 5000
MAX_BIN = 256
KEPT_CELLS = 200_000_000
"""Quantised folds of a table with more cells than this are not kept between trials."""

LARGEST = "largest_codes"
"""Attribute of a booster: for each categorical column the largest code in its training rows.

XGBoost takes a larger one for the largest where rows are quantised, and for none of those it
knows elsewhere. Missing means the same everywhere.
"""


class XGBoostModel:
    """A booster, kept in XGBoost's own binary JSON until it is needed."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._booster: xgboost.Booster | None = None

    @property
    def booster(self) -> "xgboost.Booster":
        """The native booster, on the CPU."""
        if self._booster is None:
            import xgboost as xgb

            self._booster = xgb.Booster({"nthread": 1}, model_file=bytearray(self._content))
            self._booster.set_param({"device": "cpu"})
        return self._booster

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Probabilities or values, of shape (n_rows, n_outputs)."""
        self.booster.set_param({"nthread": n_threads})
        out = self.booster.inplace_predict(self._known(X), validate_features=False)
        return np.asarray(out).reshape(len(X), -1)

    def contributions(self, X: np.ndarray) -> np.ndarray:
        """Mean absolute SHAP value of each column, summed over classes."""
        import xgboost as xgb

        matrix = xgb.DMatrix(self._known(X), feature_types=self.booster.feature_types)
        raw = self.booster.predict(matrix, pred_contribs=True, validate_features=False)
        values = np.abs(raw).reshape(len(X), -1, X.shape[1] + 1)[:, :, :-1]
        return np.asarray(values.sum(axis=1).mean(axis=0))

    def _known(self, X: np.ndarray) -> np.ndarray:
        """The rows with codes that training did not meet turned into missing values."""
        return _hide_unseen(X, json.loads(self.booster.attr(LARGEST) or "{}"))

    def save(self) -> dict[str, bytes]:
        """XGBoost's UBJSON format."""
        return {"model.ubj": self._content}

    def __getstate__(self) -> dict[str, Any]:
        return {"_content": self._content, "_booster": None}


class XGBoost(Family):
    """Gradient boosting with the starting points of Holzmueller et al. (2024) and TabRepo."""

    name = "xgboost"
    relative_cost = 1.5
    devices = ("cpu", "cuda")
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

        train, valid, largest = _quantised(data, resources)
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
        booster = xgb.Booster(settings, [train] + ([valid] if valid is not None else []))
        step = 0
        for step in watch.steps(MAX_ROUNDS):
            booster.update(train, step - 1)
            if valid is not None and watch.due(step):
                predictions = booster.predict(valid).reshape(-1, problem.n_outputs)
                if watch.observe(step, predictions):
                    break
            elif watch.out_of_time():
                break
        _require_device(booster, resources.device)
        booster = booster[: watch.best_step or step]
        booster.set_attr(**{LARGEST: json.dumps(largest)})
        return XGBoostModel(bytes(booster.save_raw("ubj")))

    def load(self, files: Mapping[str, bytes]) -> Model:
        """Read XGBoost's UBJSON format."""
        return XGBoostModel(files["model.ubj"])


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


def _require_device(booster: "xgboost.Booster", device: str) -> None:
    """Make sure that training did not fall back to the CPU, which XGBoost only warns of."""
    used = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    if device.startswith("cuda") and not used.startswith("cuda"):
        raise RuntimeError(f"XGBoost was asked for {device!r} and trained on {used!r}.")


def _quantised(
    data: FitData, resources: Resources
) -> tuple["xgboost.DMatrix", "xgboost.DMatrix | None", dict[str, float]]:
    """Quantised training and validation rows, kept for the next trial on the same fold."""
    import xgboost as xgb

    key = ("xgboost", hash(data.train.tobytes()), hash(data.valid.tobytes()))
    kept: tuple[xgb.DMatrix, xgb.DMatrix | None, dict[str, float]] | None = data.cache.get(key)
    if kept is not None:
        return kept
    types = ["c" if n else "q" for n in data.matrix.cardinalities]
    codes = {str(i): data.matrix.values[data.train, i] for i in data.matrix.categorical}
    largest = {i: float(np.nanmax(c, initial=-1.0)) for i, c in codes.items()}

    def matrix(rows: np.ndarray, ref: Any) -> "xgboost.DMatrix":
        return xgb.QuantileDMatrix(
            _hide_unseen(data.matrix.values[rows], largest),
            data.y[rows],
            weight=None if data.weight is None else data.weight[rows],
            max_bin=MAX_BIN,
            ref=ref,
            feature_types=types,
            enable_categorical=True,
            nthread=resources.n_threads,
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train = matrix(data.train, None)
        pair = train, matrix(data.valid, train) if len(data.valid) else None, largest
    if data.matrix.values.size > KEPT_CELLS:
        data.cache.clear()
    data.cache[key] = pair
    return pair


def _hide_unseen(X: np.ndarray, largest: Mapping[str, float]) -> np.ndarray:
    """The same rows, missing where the code of a category is above the largest one known."""
    for name, code in largest.items():
        unseen = X[:, int(name)] > code
        if unseen.any():
            X = X.copy()
            X[unseen, int(name)] = np.nan
    return X
