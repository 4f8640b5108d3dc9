"""The networks differentiate, regularise and average as they say, on odd tables too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.families import FitData, Problem, Resources, Watch, get_family
from automl.families._network import NEAR, Shape, Trainer, outputs
from automl.families.mlp import PART, MLPModel
from automl.features import Matrix

SHAPE = Shape(3, 5, 2, 2, members=3)


def losses(kind, out, y):
    """Loss of each member and row, written as in the books."""
    if kind == "softmax":
        normal = out - np.log(np.exp(out).sum(axis=2, keepdims=True))
        return -normal[:, np.arange(len(y)), y]
    error = out[:, :, 0] - y
    if kind == "logistic":
        return np.log1p(np.exp(out[:, :, 0])) - y * out[:, :, 0]
    if kind == "squared":
        return error**2 / 2
    far = np.abs(error) > NEAR
    return np.where(far, np.abs(error) - NEAR / 2, error**2 / (2 * NEAR))


@pytest.mark.parametrize("kind", ["softmax", "logistic", "squared", "absolute"])
def test_gradients_are_those_of_the_loss(kind):
    rng = np.random.default_rng(0)
    shape = SHAPE if kind == "softmax" else Shape(3, 5, 2, 1, members=3)
    trainer = Trainer(shape, 7, kind, rng)
    trainer.start_from(rng.normal(size=shape.n_outputs))
    x = rng.normal(size=(7, 3)).astype(np.float32)
    y = rng.integers(0, 2, 7) if kind in ("softmax", "logistic") else rng.normal(size=7)
    weight = rng.random(7).astype(np.float32)
    flat = trainer.flat.astype(np.float64)

    def loss(weights):
        out = outputs(x.astype(np.float64), shape.layers(weights))
        return float((losses(kind, out, y) * weight).sum() / 7)

    trainer.differentiate(x, y, weight)
    for layer, stacks in enumerate(trainer.gradients):
        for part, gradient in enumerate(stacks):
            moved, step = flat.copy(), 1e-6
            direction = rng.normal(size=gradient.shape)
            stack = shape.layers(moved)[layer][part]
            stack += step * direction
            up = loss(moved)
            stack -= 2 * step * direction
            slope = (up - loss(moved)) / (2 * step)
            assert slope == pytest.approx(float((gradient * direction).sum()), rel=2e-3, abs=1e-5)


def test_each_member_learns_for_itself():
    together = Trainer(SHAPE, 4, "softmax", np.random.default_rng(0))
    alone = Trainer(Shape(3, 5, 2, 2, members=1), 4, "softmax", np.random.default_rng(1))
    for (mine, bias), (theirs, added) in zip(alone.layers, together.layers, strict=True):
        mine[0], bias[0] = theirs[2], added[2]
    x = np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32)
    for trainer in (together, alone):
        for _ in range(5):
            trainer.step(x, np.array([0, 1, 1, 0]), None, 0.01)
    np.testing.assert_allclose(
        outputs(x, alone.layers)[0], outputs(x, together.layers)[2], rtol=1e-4, atol=1e-5
    )
    assert np.ptp(outputs(x, together.layers), axis=0).min() > 1e-3


def test_dropout_keeps_the_sums_and_drops_its_share():
    rng = np.random.default_rng(0)
    trainer = Trainer(Shape(4, 400, 1, 1, members=2), 50, "squared", rng, dropout=0.25)
    x = rng.normal(size=(50, 4)).astype(np.float32)
    trainer.differentiate(x, np.zeros(50), None)
    units = trainer._units[0]
    assert (units == 0).mean() == pytest.approx(0.25, abs=0.02)
    whole = Trainer(Shape(4, 400, 1, 1, members=2), 50, "squared", rng)
    whole.flat[:] = trainer.flat
    whole.differentiate(x, np.zeros(50), None)
    assert units.mean() == pytest.approx(whole._units[0].mean(), rel=0.05)
    np.testing.assert_allclose(units[units != 0] * 0.75, whole._units[0][units != 0], rtol=1e-5)


def test_decay_shrinks_weights_and_spares_biases():
    plain, shrunk = (
        Trainer(SHAPE, 2, "softmax", np.random.default_rng(0), decay=decay) for decay in (0, 2.0)
    )
    before = plain.flat.copy()
    x = np.ones((2, 3), np.float32)
    for trainer in (plain, shrunk):
        trainer.step(x, np.array([0, 1]), None, 0.01)
    for (w, b), (v, c), (start, _) in zip(
        plain.layers, shrunk.layers, SHAPE.layers(before), strict=True
    ):
        np.testing.assert_allclose(w - v, 0.02 * start, rtol=1e-3, atol=1e-6)
        assert (b == c).all()


def fitted(X, y, task="regression", *, weight=None, watch=None, absolute=False, **params):
    """A model of all rows, or the watch's best of the last third."""
    classes = {"regression": 0, "binary": 2}.get(task, int(max(y)) + 1)
    problem = Problem(task, len(X), X.shape[1], classes, absolute)
    names = tuple(f"c{i}" for i in range(X.shape[1]))
    matrix = Matrix(np.asarray(X, np.float32), names, names, (0,) * len(names))
    rows = np.arange(len(X))
    cut = len(X) if watch is None or not watch.validates else 2 * len(X) // 3
    data = FitData(matrix, np.asarray(y), rows[:cut], rows[cut:], weight)
    family = get_family("mlp")
    usual = dict(family.starts(problem)[0].params)
    watch = watch or Watch(None, limit=3)
    return family.fit(usual | params, data, watch, problem=problem, resources=Resources())


def test_what_is_bent_is_learnt():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 3))
    y = np.sin(2 * X[:, 0]) + np.abs(X[:, 1])
    valid = y[600:]
    watch = Watch(lambda p: float(np.mean((p[:, 0] - valid) ** 2)))
    fitted(X, y, watch=watch)
    assert watch.best_loss < 0.05 * np.var(valid)


@pytest.mark.parametrize("absolute", [False, True])
def test_absolute_errors_want_the_median(absolute):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1000, 1)), rng.exponential(size=1000)
    watch = Watch(None, limit=12)
    found = fitted(X, y, watch=watch, absolute=absolute, decay=1.0).predict(X).mean()
    assert found == pytest.approx(np.median(y) if absolute else y.mean(), abs=0.08)


def test_numbers_stay_in_the_range_of_the_target():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = X[:, 0]
    out = fitted(X, y, watch=Watch(None, limit=40)).predict(np.array([[50.0, 0], [-50.0, 0]]))
    assert out[:, 0].tolist() == [y.max(), y.min()]


def test_rows_are_predicted_alike_in_blocks_and_alone():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 3)).astype(np.float32)
    model = fitted(X, rng.integers(0, 3, 5000), "multiclass", watch=Watch(None, limit=1))
    out = model.predict(X)
    assert out.sum(axis=1) == pytest.approx(np.ones(5000))
    np.testing.assert_allclose(out[4990:], model.predict(X[4990:]), rtol=1e-5)
    np.testing.assert_allclose(out[4321:4322], model.predict(X[4321:4322]), rtol=1e-5)
    assert model.predict(X[:0]).shape == (0, 3)


def test_the_mean_of_the_members_is_predicted():
    flat = np.zeros(Shape(1, 2, 1, 1, members=2).n_weights, np.float32)
    layers = Shape(1, 2, 1, 1, members=2).layers(flat)
    layers[-1][1][:, 0, 0] = [-2.0, 4.0]
    model = MLPModel(layers, "logistic", np.array([0.0, 1.0, 0.0, 1.0]))
    wanted = np.mean(1 / (1 + np.exp([2.0, -4.0])))
    assert model.predict(np.ones((1, 1)))[0, 0] == pytest.approx(wanted)


def test_the_clock_ends_a_long_epoch():
    rows = 4 * PART
    X, y = np.ones((rows, 1)), np.arange(rows) % 2
    asked = []

    def stopped():
        asked.append(1)
        return True

    model = fitted(X, y, "binary", watch=Watch(None, stopped=stopped), width=32, depth=1)
    assert model.predict(X[:1]).shape == (1, 1)
    assert len(asked) == 2  # in the first epoch after its first part, and after it


def test_rows_without_weight_do_not_count():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = np.where(np.arange(300) % 2, 5.0, X[:, 0])
    weight = np.where(np.arange(300) % 2, 0.0, 1.0)
    model = fitted(X, y, weight=weight, watch=Watch(None, limit=30))
    assert np.mean((model.predict(X)[:, 0] - X[:, 0]) ** 2) < 0.1
    assert np.isfinite(fitted(X, y, weight=np.zeros(300)).predict(X)).all()


@settings(max_examples=40, deadline=None)
@given(
    task=st.sampled_from(["binary", "multiclass", "regression"]),
    rows=st.integers(2, 40),
    columns=st.integers(1, 300),
    same=st.booleans(),
    depth=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_odd_tables_get_a_model(task, rows, columns, same, depth, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns)) * 3
    y = rng.normal(size=rows) * 1e6 if task == "regression" else rng.integers(0, 2, rows)
    if task == "multiclass":
        y = y + rng.integers(0, 30, rows)
    y = np.full_like(y, y[0]) if same else y
    out = fitted(X, y, task, depth=depth).predict(X)
    assert np.isfinite(out).all()
    if task == "regression":
        assert (out >= y.min()).all()
        assert (out <= y.max()).all()
    elif same and rows >= out.shape[1]:  # a few steps don't teach which one of many classes
        full = out if task == "multiclass" else np.hstack([1 - out, out])
        assert (full.argmax(axis=1) == y[0]).all()


def priced(n_rows=300, *, shift=0.0):
    """A target whose logarithm is a straight line, and rows to train and validate on."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 3)).astype(np.float32)
    y = np.exp(X @ [1.0, -0.5, 0.0] + 0.1 * rng.normal(size=n_rows)) - shift
    names = ("a", "b", "c")
    rows = np.arange(n_rows)
    return FitData(Matrix(X, names, names, (0, 0, 0)), y, rows[:200], rows[200:])


def squared_error(data):
    return lambda p: float(np.mean((p[:, 0] - data.y[data.valid]) ** 2))


def fit_priced(data, **more):
    family = get_family("mlp")
    problem = Problem("regression", n_rows=200, n_columns=3, ratios=True)
    params = family.starts(problem)[0].params | more
    watch = Watch(squared_error(data), limit=60)
    return family.fit(params, data, watch, problem=problem, resources=Resources())


def test_logarithms_are_learned_where_the_target_is_one_of_ratios():
    data = priced()
    plain, log = (fit_priced(data, target=t).predict(data.valid_X) for t in ("plain", "log"))
    assert squared_error(data)(log) < 0.7 * squared_error(data)(plain)
    assert data.train_y.min() * 0.999 <= log.min()
    assert log.max() <= data.train_y.max() * 1.001


def test_a_model_of_logarithms_is_the_same_when_read_back():
    data = priced()
    model = fit_priced(data, target="log")
    again = get_family("mlp").load(model.save())
    np.testing.assert_array_equal(again.predict(data.valid_X), model.predict(data.valid_X))


def test_values_that_have_no_logarithm_are_learned_as_they_are():
    data = priced(shift=1.0)
    plain, log = (fit_priced(data, target=t).predict(data.valid_X) for t in ("plain", "log"))
    np.testing.assert_array_equal(log, plain)


def test_logarithms_are_proposed_for_targets_of_ratios_only():
    family = get_family("mlp")
    for ratios in (False, True):
        starts = family.starts(Problem("regression", n_rows=200, n_columns=3, ratios=ratios))
        assert any(s.params.get("target") == "log" for s in starts) is ratios


def test_beyond_ten_thousand_rows_fewer_networks_begin_with_bent_numbers():
    family = get_family("mlp")
    problems = [Problem("binary", n_rows=n, n_columns=3, n_classes=2) for n in (10_000, 10_001)]
    few, many = (min(family.starts(p), key=lambda s: s.rank).params for p in problems)
    assert (few["encoding"], many["encoding"]) == ("scaled", "piecewise")
    assert many["members"] < few["members"]
    few, many = (family.work(p | {"encoding": "scaled"}, problems[0]) for p in (few, many))
    assert many < few
