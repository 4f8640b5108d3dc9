"""Linear models: lines that go on as they are, and lines that level out."""

import numpy as np
import pytest

from automl.families import FitData, Problem, Resources, Watch, get_family
from automl.families.linear import is_sum
from automl.features import Matrix

FAMILY = get_family("linear")
N = 600
PROBLEM = Problem("regression", N, 3)
RNG = np.random.default_rng(0)
X = RNG.gamma(1.5, 1.0, (N, 3)).astype(np.float32)
X[:4, 2] = 300.0, 80.0, 55.0, 30.0
SUM = X.sum(axis=1).astype(np.float64)
CURVE = np.log1p(X).sum(axis=1).astype(np.float64) + RNG.normal(0, 0.02, N)


def fit(y, params=None, weight=None, X=X):
    names = ("a", "b", "c")
    matrix = Matrix(X, names, names, (0, 0, 0))
    train, valid = np.arange(200, N), np.arange(200)
    data = FitData(matrix, y, train, valid, weight)
    watch = Watch(lambda p: float(np.mean((p[:, 0] - y[valid]) ** 2)))
    params = {"encoding": "straight", "finest": 1e-3} | (params or {})
    return FAMILY.fit(params, data, watch, problem=PROBLEM, resources=Resources())


def test_a_sum_goes_on_beyond_what_was_seen():
    far = np.array([[1.0, 1.0, 9000.0], [2000.0, 1.0, 1.0]], dtype=np.float32)
    np.testing.assert_allclose(fit(SUM).predict(far)[:, 0], far.sum(axis=1), rtol=0.01)


def test_what_is_only_about_linear_levels_out():
    near, far, further = fit(CURVE).predict(
        np.array([[1.0] * 3, [1.0, 1.0, 300.0], [1.0, 1.0, 9e5]], dtype=np.float32)
    )[:, 0]
    assert far - near < 5
    assert further == pytest.approx(far, abs=0.05)


@pytest.mark.parametrize("y", [SUM, CURVE])
def test_a_saved_model_levels_out_as_the_fitted_one(y):
    model = fit(y)
    again = FAMILY.load(model.save())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_rows_that_weigh_nothing_have_no_say():
    y, weight = SUM.copy(), np.ones(N)
    weight[300:320], y[300:320] = 0.0, 1e6
    far = np.array([[1.0, 1.0, 9000.0]], dtype=np.float32)
    assert fit(y, weight=weight).predict(far)[0, 0] == pytest.approx(9002, rel=0.01)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 12])
def test_few_rows_and_none_that_count_are_no_sum_and_no_error(n):
    assert not is_sum(X[:n].astype(float), np.ones(n), np.zeros(n), 0)
    is_sum(X[:n].astype(float), SUM[:n], None, 0)


def test_values_start_straight_and_classes_do_not():
    kinds = {
        task: [s.params["encoding"] for s in FAMILY.starts(Problem(task, N, 3, classes))]
        for task, classes in (("regression", 0), ("binary", 2), ("multiclass", 4))
    }
    assert kinds["regression"] == ["straight", "piecewise"]
    assert kinds["binary"] == kinds["multiclass"] == ["scaled", "piecewise"]
