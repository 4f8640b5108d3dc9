"""What a fit watches, and what others are told of it."""

import numpy as np
import pytest

from automl.families import Problem
from automl.objective import get_metric
from automl.search._validation import Validation

REGRESSION = Problem("regression", n_rows=400, n_columns=3)
PRICES = np.random.default_rng(0).gamma(2, 50, 400)


def strict(y_true, y_pred):
    """A user's metric that can't be computed everywhere."""
    assert (y_pred > 0).all()
    return float(np.abs(np.log(y_pred / y_true)).mean())


strict.greater_is_better = False


def curve(metric, y, predictions, problem=REGRESSION):
    """What is reported of a fit that predicts these, step by step."""
    told = []
    watch = Validation(metric, problem, y, None).watch(lambda: False, told.append)
    for step, predicted in enumerate(predictions, 1):
        watch.observe(step, predicted)
    return [value for _, value, _ in told]


@pytest.mark.parametrize(
    "name", ["rmsle", "mean_squared_log_error", "mean_poisson_deviance", "mean_gamma_deviance"]
)
def test_metrics_of_amounts_above_zero_are_watched_themselves(name):
    metric = get_metric(name, task="regression")
    predicted = np.full((400, 1), PRICES.mean())
    (told,) = curve(metric, PRICES, [predicted])
    assert told == pytest.approx(metric.loss(metric.score(PRICES, predicted)))


def test_a_users_metric_may_fail_for_some_predictions():
    metric = get_metric(strict, task="regression")
    good, bad = np.full((400, 1), PRICES.mean()), np.full((400, 1), -1.0)
    told = curve(metric, PRICES, [good, bad])
    assert told[0] == pytest.approx(strict(PRICES, good[:, 0]))
    assert len(told) == 1 or told[1] == told[0]


def test_where_another_metric_is_watched_the_declared_one_is_told():
    labels = np.arange(400) % 2
    metric = get_metric("f1", task="binary", classes=np.array([0, 1]))
    predicted = np.where(labels, 0.7, 0.3)[:, None]
    problem = Problem("binary", n_rows=400, n_columns=3, n_classes=2)
    assert curve(metric, labels, [predicted], problem) == [-1.0]


def test_what_no_predictions_define_is_not_told():
    ones = np.ones(400, dtype=np.int64)
    metric = get_metric("roc_auc", task="binary", classes=np.array([0, 1]))
    problem = Problem("binary", n_rows=400, n_columns=3, n_classes=2)
    assert curve(metric, ones, [np.full((400, 1), 0.5)], problem) == []
