"""From the declared metric to the labels of a model."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from automl import AutoModel, load

N = 1500


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=N), "b": rng.normal(size=N)})
    y = np.where(X.a + X.b + 1.5 * rng.normal(size=N) > 3.2, "ill", "well")
    return X, y


def cost(y_true, y_pred):
    """A missed one costs as much as twenty false alarms."""
    missed = np.sum((y_true == "ill") & (y_pred == "well"))
    return float(20 * missed + np.sum((y_true == "well") & (y_pred == "ill"))) / len(y_true)


def fitted(table, metric, **options):
    model = AutoModel(
        metric=metric, max_trials=2, time_budget=None, families=["linear"], n_jobs=1, **options
    )
    return model.fit(*table)


def test_f1_decides_for_the_rare_class(table, tmp_path):
    X, y = table
    model = fitted(table, "f1", positive_label="ill")
    plain = model.classes_[model.predict_proba(X).argmax(axis=1)]
    decided = model.predict(X)
    assert f1_score(y, decided, pos_label="ill") > f1_score(y, plain, pos_label="ill") + 0.05
    assert model.score(X, y) == pytest.approx(f1_score(y, decided, pos_label="ill"))
    model.save(tmp_path / "model.automl")
    np.testing.assert_array_equal(load(tmp_path / "model.automl").predict(X), decided)


def test_the_score_is_that_of_what_is_decided(table):
    model = fitted(table, "f1", positive_label="ill")
    low, high = model.score_interval_
    assert low <= model.score(*table) <= high


def test_a_cost_of_the_user_decides(table):
    X, y = table
    model = fitted(table, cost)
    plain = model.classes_[model.predict_proba(X).argmax(axis=1)]
    assert cost(y, model.predict(X)) < 0.8 * cost(y, plain)


def test_other_metrics_decide_for_the_most_probable(table):
    X, _ = table
    model = fitted(table, "accuracy")
    most_probable = model.classes_[model.predict_proba(X).argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(X), most_probable)
