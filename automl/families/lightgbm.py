"""LightGBM: gradient boosting on leaf-wise trees."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.families._base import Family, FitData, Model, Params, Problem, Resources, Start
from automl.families._watch import Watch

if TYPE_CHECKING:
    import lightgbm
    import optuna

MAX_ROUNDS = 5000

LARGE = 200_000
"""Rows beyond which the first configuration learns twice as fast: a minute has few rounds."""

DATASET = {
    "max_bin": 255,
    "feature_pre_filter": False,
    "min_data_in_bin": 3,
    "verbosity": -1,
    "data_random_seed": 1,
}
"""Fixed for all trials, so that the table is binned once in a process."""


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

    def starts(self, problem: Problem) -> Sequence[Start]:
        """The tuned default of Holzmueller et al. first, then neighbours that differ from it."""
        if problem.task == "regression":
            default = _point(0.05, 100, 3, bagging=0.7)
        else:
            default = _point(0.04, 50, 40, bagging=0.75)
        if problem.n_rows > LARGE:
            default["learning_rate"] *= 2
        if problem.n_rows < 1000:
            default |= {"min_data_in_leaf": min(10, default["min_data_in_leaf"])}
        starts = [
            Start(default, rank=0),
            Start(_point(0.08, 16, 12, columns=0.56, extra_trees=True), rank=4),
            Start(_point(0.03, 53, 14, columns=0.7), rank=7),
            Start(_point(0.03, 128, 3, columns=0.9), rank=9),
            Start(_point(0.05, 8, 5, columns=0.5, l2=1.0), rank=11),
            Start(_point(0.034, 127, 6, columns=0.83, extra_trees=True), rank=14),
        ]
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
        import lightgbm as lgb

        binning = DATASET | {"num_threads": resources.n_threads}
        full = _binned(data, binning)
        train = full.subset(np.sort(data.train), params=binning).construct()
        settings = DATASET | _objective(problem) | dict(params)
        settings |= {
            "metric": "None",
            "bagging_freq": 1,
            "num_threads": resources.n_threads,
            "seed": resources.seed,
            "deterministic": True,
            "force_row_wise": True,
            "device_type": resources.device,
        }
        rate = float(params["learning_rate"])
        watch.with_patience(float(np.clip(2.0 / rate, 20, 100)), 0.2)
        booster = lgb.Booster(settings, train)
        if watch.validates:
            valid = full.subset(data.valid, params=binning).construct()
            booster.add_valid(valid, "valid")
        step = 0
        for step in watch.steps(MAX_ROUNDS):
            exhausted = booster.update()
            if watch.due(step) or (exhausted and watch.validates):
                if watch.observe(step, _valid_predictions(booster, problem)) or exhausted:
                    break
            elif exhausted or watch.out_of_time():
                break
        return LightGBMModel(booster.model_to_string(num_iteration=watch.best_step or step))

    def load(self, files: Mapping[str, bytes]) -> Model:
        """Read LightGBM's text format."""
        return LightGBMModel(files["model.txt"].decode())


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
    }


def _most_leaves(problem: Problem) -> int:
    return max(4, min(256, problem.n_rows // 4))


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


def _binned(data: FitData, params: Params) -> "lightgbm.Dataset":
    """The whole table, binned once in this process."""
    import lightgbm as lgb

    if "lightgbm" not in data.cache:
        data.cache["lightgbm"] = lgb.Dataset(
            data.matrix.values,
            label=data.y,
            weight=data.weight,
            categorical_feature=list(data.matrix.categorical),
            params=params,
            free_raw_data=True,
        ).construct()
    return data.cache["lightgbm"]


def _valid_predictions(booster: "lightgbm.Booster", problem: Problem) -> np.ndarray:
    """Predictions for the validation rows, which LightGBM keeps up to date by itself."""
    taken: list[np.ndarray] = []

    def take(predictions: np.ndarray, _: Any) -> tuple[str, float, bool]:
        taken.append(predictions)
        return "taken", 0.0, True

    booster.eval_valid(feval=take)
    return taken[0].reshape(-1, problem.n_outputs)
