"""The estimators keep scikit-learn's contract, and their own."""

import copy
import io
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import TimeSeriesSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import automl
from automl import AutoClassifier, AutoModel, AutoRegressor
from automl.exceptions import DataError, NoModelError, SchemaError, UsageError

QUICK: dict[str, Any] = {
    "time_budget": None,
    "max_trials": 1,
    "families": ["linear"],
    "n_jobs": 1,
    "random_state": 0,
}

FOLDS_BREAK_EQUIVALENCE = (
    "folds are dealt by row: a row of weight 2 is in one fold, a row that is there twice in two"
)
EXPECTED_FAILURES = {
    name: {
        f"check_sample_weight_equivalence_on_{kind}_data": FOLDS_BREAK_EQUIVALENCE
        for kind in ("dense", "sparse")
    }
    for name in ("AutoClassifier", "AutoRegressor")
}


@parametrize_with_checks(
    [AutoClassifier(**QUICK, cv=2), AutoRegressor(**QUICK, cv=2)],
    expected_failed_checks=lambda e: EXPECTED_FAILURES[type(e).__name__],
)
def test_scikit_learn_contract(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def table() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    n = 240
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(float),
            "city": rng.choice(["Rome", "Oslo", "Lima"], n),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "member": rng.random(n) < 0.5,
        }
    )
    frame.loc[::9, "age"] = np.nan
    signal = frame["age"].fillna(50) / 20 + (frame["city"] == "Rome") + rng.normal(0, 0.4, n)
    target = pd.Series(np.where(signal > signal.median(), "yes", "no"), name="buys")
    return frame, target


@pytest.fixture(scope="module")
def fitted(table: tuple[pd.DataFrame, pd.Series]) -> AutoModel:
    frame, target = table
    spec = QUICK | {"max_trials": 3, "families": ["linear", "lightgbm"]}
    return AutoModel(**spec).fit(frame, target)


def test_attributes(fitted: AutoModel, table: tuple[pd.DataFrame, pd.Series]) -> None:
    frame, target = table
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert fitted.feature_names_in_.tolist() == list(frame.columns)
    assert fitted.n_features_in_ == 4
    low, high = fitted.score_interval_
    assert low <= fitted.score_ <= high
    assert 0.7 < fitted.score_ < 1
    board = fitted.leaderboard_
    assert board.loc[board["winner"], "name"].tolist() == [fitted.winner_]
    assert "constant" in board["name"].tolist()
    assert fitted.best_params_["family"] in ("linear", "lightgbm")
    assert fitted.score(frame, target) > 0.8
    assert fitted.predict_proba(frame).sum(axis=1) == pytest.approx(np.ones(len(frame)))


def test_survives_copies_without_its_run(
    fitted: AutoModel, table: tuple[pd.DataFrame, pd.Series], tmp_path: Path
) -> None:
    frame, _ = table
    want = fitted.predict_proba(frame)
    buffer = io.BytesIO()
    joblib.dump(fitted, buffer)
    buffer.seek(0)
    fitted.save(tmp_path / "m.automl")
    copies = [
        pickle.loads(pickle.dumps(fitted)),
        copy.deepcopy(fitted),
        joblib.load(buffer),
        automl.load(tmp_path / "m.automl"),
    ]
    for other in copies:
        assert (other.predict_proba(frame) == want).all()
        assert other.winner_ == fitted.winner_
        assert other.score(frame, fitted.predict(frame)) > 0.9


def test_loaded_model_is_typed(fitted: AutoModel, tmp_path: Path) -> None:
    loaded = automl.load(fitted.save(tmp_path / "m.automl"))
    assert isinstance(loaded, AutoClassifier)
    assert is_classifier(loaded)
    assert not is_regressor(loaded)
    assert loaded.score_ == fitted.score_


def test_model_predicts_in_another_process(
    fitted: AutoModel, table: tuple[pd.DataFrame, pd.Series], tmp_path: Path
) -> None:
    frame, _ = table
    fitted.save(tmp_path / "m.automl")
    frame.to_parquet(tmp_path / "x.parquet")
    code = (
        "import automl, pandas as pd, sys; "
        f"m = automl.load({str(tmp_path / 'm.automl')!r}); "
        f"p = m.predict_proba(pd.read_parquet({str(tmp_path / 'x.parquet')!r})); "
        "print(repr(float(p[:, 1].sum())), 'optuna' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    total, optuna_loaded = out.stdout.split()
    assert float(total) == fitted.predict_proba(frame)[:, 1].sum()
    assert optuna_loaded == "False"


def test_inside_pipeline_clone_and_cross_validate() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(90, 3))
    y = X[:, 0] * 2 + rng.normal(0, 0.1, 90)
    model = AutoRegressor(**QUICK)
    assert clone(model).get_params() == model.get_params()
    pipeline = make_pipeline(StandardScaler(), model)
    found = cross_validate(pipeline, X, y, cv=2, scoring="r2")
    assert found["test_score"].min() > 0.8


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_frames_of_other_libraries(
    fitted: AutoModel, table: tuple[pd.DataFrame, pd.Series], kind: str
) -> None:
    import polars
    import pyarrow

    frame, _ = table
    make = {
        "pandas": lambda f: f,
        "polars": polars.from_pandas,
        "pyarrow": pyarrow.Table.from_pandas,
    }[kind]
    assert (fitted.predict(make(frame)) == fitted.predict(frame)).all()


def test_same_seed_same_predictions(table: tuple[pd.DataFrame, pd.Series]) -> None:
    frame, target = table
    spec = QUICK | {"max_trials": 4, "families": ["lightgbm", "extra_trees"]}
    first, second = (AutoModel(**spec).fit(frame, target).predict_proba(frame) for _ in range(2))
    assert (first == second).all()


def test_schema_is_enforced(fitted: AutoModel, table: tuple[pd.DataFrame, pd.Series]) -> None:
    frame, _ = table
    with pytest.raises(SchemaError, match="city"):
        fitted.predict(frame.drop(columns="city"))
    with pytest.raises(SchemaError, match=r"(?s)age.*3|3.*age"):
        fitted.predict(frame.assign(age=["young" if i == 3 else 30 for i in range(len(frame))]))
    unseen = fitted.predict_proba(frame.assign(city="Atlantis"))
    assert np.isfinite(unseen).all()


def test_metric_function_and_direction() -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(120, 3))
    y = X[:, 0] + rng.normal(0, 0.3, 120)

    def worst_error(y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return float(np.abs(y_true - y_pred).max())

    model = AutoModel(**(QUICK | {"metric": worst_error})).fit(X, y)
    assert 0 < model.score_ < 3
    assert model.score(X, y) < 0
    scorer = make_scorer(mean_absolute_error, greater_is_better=False)
    assert AutoModel(**(QUICK | {"metric": scorer})).fit(X, y).score_ < 0
    assert AutoModel(**(QUICK | {"metric": "neg_mean_absolute_error"})).fit(X, y).score_ < 0
    assert AutoModel(**(QUICK | {"metric": "mae"})).fit(X, y).score_ > 0


def test_user_splitter_groups_and_weights(table: tuple[pd.DataFrame, pd.Series]) -> None:
    frame, target = table
    by_time = AutoModel(**(QUICK | {"cv": TimeSeriesSplit(3)})).fit(frame, target)
    assert 0.5 < by_time.score_ < 1
    grouped = AutoModel(**QUICK).fit(frame, target, groups=np.arange(len(frame)) // 10)
    assert 0.5 < grouped.score_ < 1
    weighted = AutoModel(**QUICK).fit(frame, target, sample_weight=np.ones(len(frame)))
    assert weighted.score_ == pytest.approx(AutoModel(**QUICK).fit(frame, target).score_)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (["a", None] * 20, "missing"),
        (["a"] * 40, "class"),
        ([f"c{i}" for i in range(40)], "class"),
    ],
)
def test_targets_that_teach_nothing(target: list[Any], message: str) -> None:
    X = pd.DataFrame({"x": np.random.default_rng(0).normal(size=40)})
    with pytest.raises(DataError, match=message):
        AutoModel(**QUICK).fit(X, pd.Series(target, dtype=object))


@pytest.mark.parametrize(
    "params",
    [
        {"metric": "rocauc"},
        {"families": ["lightgmb"]},
        {"time_budget": "soon"},
        {"time_budget": None, "max_trials": None},
        {"max_trials": 0, "time_budget": 5},
        {"device": "tpu"},
        {"n_jobs": 0},
        {"types": {"nope": "numeric"}},
        {"positive_label": "z"},
    ],
)
def test_wrong_parameters_say_so(params: dict[str, Any]) -> None:
    X = pd.DataFrame({"x": np.arange(40.0) % 7})
    y = ["a", "b"] * 20
    with pytest.raises(UsageError):
        AutoModel(**(QUICK | params)).fit(X, y)


def test_a_budget_too_short_for_any_trial_leaves_the_constant(
    table: tuple[pd.DataFrame, pd.Series], caplog: pytest.LogCaptureFixture
) -> None:
    frame, target = table
    model = AutoModel(time_budget=0.05, families=["linear"]).fit(frame, target)
    assert model.winner_ == "constant"
    assert len(np.unique(model.predict(frame))) == 1
    assert "constant baseline" in caplog.text


def _always(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    return 0.5 if len(np.unique(y_pred)) == 1 else float("nan")


def test_trials_that_all_fail_are_an_error(table: tuple[pd.DataFrame, pd.Series]) -> None:
    frame, target = table
    with pytest.raises(NoModelError, match="undefined"):
        AutoModel(metric=_always, time_budget=None, max_trials=2, families=["linear"]).fit(
            frame, target
        )


def test_ensemble_can_be_switched_off(table: tuple[pd.DataFrame, pd.Series]) -> None:
    frame, target = table
    spec = QUICK | {"max_trials": 4, "families": ["lightgbm", "linear"], "ensemble": False}
    model = AutoModel(**spec).fit(frame, target)
    assert model.winner_ != "ensemble"
    assert "ensemble" not in model.leaderboard_["name"].tolist()


@pytest.mark.slow
def test_two_metrics_two_winners() -> None:
    frame = pd.read_parquet(Path(__file__).parent.parent / "datasets" / "earthquakes.parquet")
    target = frame.pop("magnitude")
    spec = QUICK | {
        "families": ["linear", "random_forest", "lightgbm"],
        "max_trials": 4,
        "n_jobs": -1,
        "ensemble": False,
        "cv": 3,
    }
    by_rmse, by_mae = (
        AutoModel(**(spec | {"metric": metric})).fit(frame, target) for metric in ("rmse", "mae")
    )
    assert by_rmse.best_params_["family"] == "lightgbm"
    assert by_mae.best_params_["family"] == "random_forest"
