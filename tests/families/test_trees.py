"""Forests as arrays: exact, and safe to load."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestRegressor

from automl.exceptions import ArtifactError
from automl.families import _trees
from automl.families._arrays import pack, unpack
from automl.families._tree_file import FIELDS
from automl.families._trees import Forest

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4)).astype(np.float32)
X[::9, 2] = np.nan


def regressor(values=X, seed=0):
    y = np.nan_to_num(values).sum(axis=1)
    model = RandomForestRegressor(n_estimators=5, random_state=seed, n_jobs=1).fit(values, y)
    return model, Forest.from_sklearn(model.estimators_)


def test_predictions_are_those_of_the_forest():
    model, forest = regressor()
    np.testing.assert_allclose(forest.predict(X)[:, 0], model.predict(X), rtol=1e-6)


def test_probabilities_are_those_of_the_forest():
    y = RNG.integers(0, 3, len(X))
    model = ExtraTreesClassifier(n_estimators=5, random_state=0, n_jobs=1).fit(X, y)
    forest = Forest.from_sklearn(model.estimators_)
    np.testing.assert_allclose(forest.predict(X), model.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("n_rows", [_trees.PART, 3 * _trees.PART + 1])
def test_threads_predict_the_same(n_rows):
    _, forest = regressor()
    many = np.tile(X, (n_rows // len(X) + 1, 1))[:n_rows]
    alone = np.concatenate([forest.predict(part) for part in np.array_split(many, 7)])
    np.testing.assert_array_equal(forest.predict(many, n_threads=3), alone)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1e-3, 1.0, 1e6]))
def test_rows_on_a_threshold_go_the_same_way(seed, scale):
    """Thresholds are rounded to float32; values next to them are where that could show."""
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=(60, 2)) * scale).astype(np.float32)
    model, forest = regressor(values, seed % 1000)
    edges = np.unique(np.concatenate([t.tree_.threshold for t in model.estimators_]))
    edges = edges.astype(np.float32)
    near = np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)])
    rows = np.column_stack([near, near[::-1]]).astype(np.float32)
    np.testing.assert_allclose(forest.predict(rows)[:, 0], model.predict(rows), rtol=1e-5)


def test_loading_gives_the_same_bits():
    _, forest = regressor()
    loaded = Forest.load(forest.save()["forest.npz"])
    assert (loaded.predict(X) == forest.predict(X)).all()


def test_thresholds_between_whole_numbers_lie_in_the_middle():
    values = RNG.integers(-3, 9, (200, 2)).astype(np.float32)
    values[:, 1] += 0.25
    values[::7, 0] = np.nan
    y = np.nan_to_num(values).prod(axis=1)
    model = ExtraTreesRegressor(n_estimators=5, random_state=0, n_jobs=1).fit(values, y)
    forest = Forest.from_sklearn(model.estimators_, np.array([True, False]))
    np.testing.assert_allclose(forest.predict(values)[:, 0], model.predict(values), rtol=1e-6)
    found = forest.nodes["threshold"][forest.nodes["feature"] == 0]
    found = found[np.isfinite(found)]
    assert len(found) > len(np.unique(found))
    assert (found % 1 == 0.5).all()


def changed(**arrays):
    _, forest = regressor()
    return pack(unpack(forest.save()["forest.npz"]) | arrays)


def stored(name):
    return unpack(regressor()[1].save()["forest.npz"])[name]


@pytest.mark.parametrize("name", ["left", "right", "feature"])
@pytest.mark.parametrize("value", [-2, -7, 0, 10**6])
def test_a_node_that_points_elsewhere_is_refused(name, value):
    _, forest = regressor()
    if name == "feature" and value == 0:
        value = 4  # there are columns 0 to 3
    forest.nodes[name][0] = value
    with pytest.raises(ArtifactError, match="damaged"):
        Forest.load(forest.save()["forest.npz"])


@pytest.mark.parametrize("name", [*FIELDS, "inner"])
def test_an_array_that_is_too_short_is_refused(name):
    with pytest.raises(ArtifactError, match="damaged"):
        Forest.load(changed(**{name: stored(name)[..., :-1]}))


@pytest.mark.parametrize("sizes", [[0], [-1], [10**6], [2**62, 2**62], [], [[3]], [3.5]], ids=str)
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(ArtifactError, match="damaged"):
        Forest.load(changed(sizes=np.array(sizes)))


@pytest.mark.parametrize(
    "values", [np.zeros((4, 3), np.uint8), np.zeros((4, 0), np.uint8), np.zeros((3, 1)), [1.0]]
)
def test_values_that_do_not_fit_are_refused(values):
    with pytest.raises(ArtifactError, match="damaged"):
        Forest.load(changed(values=np.asarray(values)))


def test_a_claim_of_more_columns_does_not_make_it_read_outside():
    """Scikit-learn's tree doesn't compare the column of a node with the table's."""
    _, forest = regressor()
    forest.nodes["feature"][0], forest.n_features = 4, 5
    forest = Forest.load(forest.save()["forest.npz"])
    with pytest.raises(ArtifactError, match="columns"):
        forest.predict(X)


def test_pickled_arrays_are_refused():
    import io

    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{"code": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        unpack(buffer.getvalue())
    with pytest.raises(ValueError, match="[Oo]bject arrays"):
        pack({"a": np.array([{"code": 1}], dtype=object)})
