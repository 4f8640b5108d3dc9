"""From the score of out-of-fold predictions to that of the saved model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl._correction import REGRESSION, WIDER, averaging_gain, corrected
from automl.families import get_family
from automl.objective import get_metric
from automl.search import Trial

RMSE = get_metric("rmse", task="regression")
AUC = get_metric("roc_auc", task="binary", classes=np.array([0, 1]))


def trial(family, n_folds=5, **fields):
    return Trial(1, get_family(family), {}, n_folds, **fields)


def test_only_models_that_are_averaged_gain():
    one = np.ones(1)
    assert averaging_gain([trial("lightgbm")], one, "binary") == pytest.approx(0.09)
    assert averaging_gain([trial("lightgbm", n_folds=1)], one, "binary") == 0
    assert averaging_gain([trial("extra_trees", whole=True)], one, "binary") == 0
    regression = averaging_gain([trial("lightgbm")], one, "regression")
    assert regression == pytest.approx(0.09 * REGRESSION)


def test_an_ensemble_gains_less_than_its_members():
    four = [trial("lightgbm")] * 4
    assert averaging_gain(four, np.full(4, 0.25), "binary") == pytest.approx(0.045)
    mixed = [trial("lightgbm"), trial("extra_trees", whole=True)]
    assert averaging_gain(mixed, np.array([0.0, 1.0]), "binary") == 0


@pytest.mark.parametrize(
    ("metric", "score", "low", "high"), [(RMSE, 10.0, 9.0, 11.0), (AUC, 0.9, 0.85, 0.93)]
)
def test_the_score_moves_towards_the_optimum_and_the_interval_widens(metric, score, low, high):
    moved, (left, right) = corrected(metric, score, (low, high), 0.1)
    assert metric.loss(moved) < metric.loss(score)
    assert abs(metric.optimum - moved) == pytest.approx(0.9 * abs(metric.optimum - score))
    assert moved - left > WIDER * (score - low)
    assert right - moved > WIDER * (high - score)


@given(st.floats(0.5, 1.0), st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 0.5))
def test_an_interval_holds_the_score_and_no_impossible_one(score, below, above, gain):
    moved, interval = corrected(AUC, score, (score - below, min(1.0, score + above)), gain)
    assert interval is not None
    assert interval[0] <= moved <= interval[1] <= 1.0


def test_without_an_optimum_or_an_interval_nothing_is_invented():
    class Open:
        optimum = float("inf")

    assert corrected(Open(), 3.0, (2.0, 4.0), 0.2) == (3.0, (3 - WIDER, 3 + WIDER))
    assert corrected(RMSE, 3.0, None, 0.0) == (3.0, None)
