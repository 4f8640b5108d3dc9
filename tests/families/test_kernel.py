"""Kernel machines: exact where theory says so, and worth their name on smooth tables."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.families import FitData, Problem, Resources, Watch, get_family
from automl.families import kernel as module
from automl.families._calibration import fit_link, probabilities
from automl.families._kernels import Exact, Kernel, Nystroem, slopes, squared_distances
from automl.features import Matrix

FAMILY = get_family("kernel")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = np.stack([np.sin(X[:, 0]), X[:, 1] ** 2], axis=1)
WEIGHT = RNG.uniform(0.5, 2.0, 60)
KERNEL = Kernel(np.array([1.0, 0.5, 0.1]), bandwidth=1.5, exponent=1.0)
ROWS = KERNEL.embed(X)


def matrix(values):
    names = tuple(f"x{i}" for i in range(values.shape[1]))
    return Matrix(values.astype(np.float32), names, names, (0,) * len(names))


def fit(values, y, *, task="regression", weight=None, params=None, n_valid=None, watch=None):
    """Fit the first configuration; the last rows validate, by squared error or log loss."""
    n = len(y)
    cut = n - (n // 4 if n_valid is None else n_valid)
    classes = 0 if task == "regression" else int(y.max()) + 1
    problem = Problem(task, n, values.shape[1], classes)
    data = FitData(matrix(values), y, np.arange(cut), np.arange(cut, n), weight)
    watch = watch or Watch(lambda p: loss(p, y[cut:]))
    params = FAMILY.starts(problem)[0].params | (params or {})
    return FAMILY.fit(params, data, watch, problem=problem, resources=Resources()), watch


def loss(p, y):
    if y.dtype.kind == "f":
        return float(np.mean((p[:, 0] - y) ** 2))
    chance = p[np.arange(len(y)), y] if p.shape[1] > 1 else np.where(y, p[:, 0], 1 - p[:, 0])
    return float(-np.log(chance + 1e-9).mean())


def left_out(strength, i):
    """Prediction for row `i` by a fit without it, in the plain way."""
    rest = np.arange(len(X)) != i
    K = KERNEL.values(ROWS[rest], ROWS[rest]) + 1
    alpha = np.linalg.solve(K + strength * np.diag(1 / WEIGHT[rest]), Y[rest])
    return (KERNEL.values(ROWS[[i]], ROWS[rest]) + 1) @ alpha


@pytest.mark.parametrize("strength", [1.0, 0.01])
def test_rows_are_left_out_without_a_fit(strength):
    solver = Exact(KERNEL.values(ROWS, ROWS), Y, WEIGHT, n_judged=5)
    _, predicted = solver.solve(strength)
    for i in range(5):
        np.testing.assert_allclose(predicted[[i]], left_out(strength, 55 + i), rtol=1e-6)


def test_all_rows_as_centres_are_the_exact_solution():
    exact, out = Exact(KERNEL.values(ROWS, ROWS), Y, WEIGHT, n_judged=9).solve(0.1)
    nystroem = Nystroem(KERNEL, ROWS, y=Y, weight=WEIGHT, n_centres=60, n_judged=9)
    again, again_out = nystroem.solve(0.1)
    np.testing.assert_allclose(again, exact, atol=1e-3)
    np.testing.assert_allclose(again_out, out, atol=1e-4)


@pytest.mark.parametrize("exponent", [0.7, 1.0, 2.0])
def test_slopes_are_root_mean_square_derivatives(exponent):
    kernel = Kernel(KERNEL.scales, 1.5, exponent)
    alpha = RNG.normal(size=(60, 1))
    found = slopes(kernel, ROWS, centres=ROWS, alpha=alpha, rng=RNG)
    for j in range(3):
        step = 1e-5 * np.eye(3)[j]
        up, down = (kernel.values(kernel.embed(X + s), ROWS) @ alpha for s in (step, -step))
        assert found[j] == pytest.approx(np.sqrt((((up - down) / 2e-5) ** 2).mean()), rel=1e-3)


def test_slopes_of_many_outputs_are_those_of_each_together():
    alpha = RNG.normal(size=(60, 4))
    rows = np.repeat(ROWS, 200, axis=0)
    found = slopes(KERNEL, rows, centres=ROWS, alpha=alpha, rng=RNG)
    each = [slopes(KERNEL, ROWS, centres=ROWS, alpha=alpha[:, [k]], rng=RNG) for k in range(4)]
    np.testing.assert_allclose(found, np.sqrt(np.square(each).sum(axis=0)), rtol=0.05)


@given(st.integers(1, 6), st.floats(-1e3, 1e3), st.integers(0, 100))
def test_distances_are_never_negative_and_do_not_drift(width, shift, seed):
    a = np.random.default_rng(seed).normal(size=(5, width)) + shift
    squares = squared_distances(a, a)
    assert (squares >= 0).all()
    plain = ((a[:, None] - a[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(squares, plain, atol=1e-8 * (1 + shift**2))


def test_scores_that_are_probabilities_stay_as_they_are():
    rng = np.random.default_rng(1)
    p = rng.dirichlet([2.0, 2.0, 2.0], 5000)
    codes = (rng.random(5000)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    link = fit_link(p, codes, np.ones(5000))
    assert np.abs(probabilities(p, link) - p).mean() < 0.02


def test_shrunken_scores_become_as_sure_as_they_should():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, 2000)
    scores = 1 / 3 + 0.2 * (np.eye(3)[codes] - 1 / 3) + 0.01 * rng.normal(size=(2000, 3))
    p = probabilities(scores, fit_link(scores, codes, np.ones(2000)))
    assert p[np.arange(2000), codes].mean() > 0.95


def test_columns_that_do_not_matter_are_found():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(400, 12))
    y = np.sin(2 * values[:, 0]) + values[:, 1] * values[:, 2]
    model, watch = fit(values, y)
    plain, blind = fit(values, y, params={"power": 0.0})
    assert watch.best_loss < 0.6 * blind.best_loss
    assert model.kernel.scales[:3].min() > 3 * model.kernel.scales[3:].max()
    assert np.ptp(plain.kernel.scales) == 0


def test_more_rows_than_centres(monkeypatch):
    rng = np.random.default_rng(3)
    values = rng.normal(size=(800, 4))
    y = np.sin(2 * values[:, 0]) + values[:, 1]
    _, exact = fit(values, y)
    monkeypatch.setattr(module, "MAX_CENTRES", 200)
    model, few = fit(values, y)
    assert len(model.arrays["centres"]) == 200
    assert exact.best_loss < few.best_loss < 3 * exact.best_loss < 0.1 * y.var()


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_tiny_tables(task, n):
    values = np.arange(2.0 * n).reshape(n, 2)
    y = np.linspace(0, 1, n) if task == "regression" else np.arange(n) % 3
    y = np.minimum(y, 1) if task == "binary" else y
    model, _ = fit(values, y, task=task, n_valid=0, watch=Watch())
    out = model.predict(values.astype(np.float32))
    assert np.isfinite(out).all()
    assert out.min() >= -1
    assert out.max() <= 2


def test_constant_columns_and_targets():
    values = np.ones((30, 2))
    model, _ = fit(values, np.full(30, 5.0))
    other = model.predict(np.zeros((2, 2), np.float32))
    np.testing.assert_allclose(other, 5.0)


def test_rows_without_weight_are_not_there():
    values, y = X.copy(), Y[:, 0].copy()
    weight = np.ones(60)
    weight[::3] = 0.0
    y[::3] = 1e6
    model, _ = fit(values, y, weight=weight, n_valid=0, watch=Watch())
    assert len(model.arrays["centres"]) == 40
    assert np.abs(model.predict(values.astype(np.float32))).max() < 2


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 7))
def test_rows_are_predicted_in_blocks(rows):
    model, _ = fit(X, Y[:, 0])
    values = X.astype(np.float32)
    whole = model.predict(values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_CELLS", rows * 45)
        np.testing.assert_allclose(model.predict(values), whole, rtol=1e-9)


@pytest.mark.parametrize(
    ("n_rows", "n_columns", "fit_for"),
    [(2000, 2000, True), (9000, 1000, False), (10_001, 5, False)],
)
def test_large_tables_are_left_to_others(n_rows, n_columns, fit_for):
    assert FAMILY.supports(Problem("regression", n_rows, n_columns)) == fit_for


def test_a_class_that_was_not_seen_keeps_a_small_chance():
    y = np.arange(60) % 2 * 2
    y[-1] = 1  # in no training row
    model, _ = fit(X, y, task="multiclass")
    out = model.predict(X.astype(np.float32))
    np.testing.assert_allclose(out.sum(axis=1), 1.0)
    assert ((out[:, 1] > 0.001) & (out[:, 1] < 0.05)).all()


@pytest.mark.parametrize("limit", [1, 3, 9, 20])
def test_a_refit_ends_where_the_fit_did(limit):
    falling = iter(range(0, -100, -1))
    watched, watch = fit(X, Y[:, 0], watch=Watch(lambda _: float(next(falling)), limit=limit))
    again, _ = fit(X[:45], Y[:45, 0], n_valid=0, watch=Watch(limit=limit))
    assert watch.best_step == watch.last_step <= limit
    np.testing.assert_array_equal(again.predict(X), watched.predict(X))
