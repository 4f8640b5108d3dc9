"""Linear models on crossed columns: indicators of values that meet, and weights for them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from automl.families import FitData, Problem, Resources, Watch, get_family
from automl.families._crossing import MOST_TABLES, Crossing, Levels, choose_levels
from automl.features import Matrix

FAMILY = get_family("crossed_linear")
RNG = np.random.default_rng(0)

VALUES = st.sampled_from([0.0, 1.0, 2.0, float("nan")])
TABLES = arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=VALUES)


def by_value(X):
    """Levels of all columns by their distinct values."""
    return [Levels(i, np.unique(c.astype(np.float64)), False) for i, c in enumerate(X.T)]


def meetings(row, order):
    """What meets in a row, in the plain way: columns with their values."""
    names = ["missing" if np.isnan(v) else float(v) for v in row]
    return {
        tuple((c, names[c]) for c in columns)
        for length in range(1, order + 1)
        for columns in combinations(range(len(row)), length)
    }


def data_of(X, y, cardinalities=None, n_valid=None):
    names = tuple(f"x{i}" for i in range(X.shape[1]))
    matrix = Matrix(X.astype(np.float32), names, names, cardinalities or (0,) * X.shape[1])
    cut = len(y) - (len(y) // 4 if n_valid is None else n_valid)
    return FitData(matrix, y, np.arange(cut), np.arange(cut, len(y)))


def error(data, params, task="binary", classes=2):
    """Mean absolute error on the validation rows of the first configuration with `params`."""
    truth = data.y[data.valid][:, None]
    watch = Watch(lambda p: float(np.abs(p - truth).mean()))
    problem = Problem(task, len(data.y), data.matrix.shape[1], classes, n_categorical=2)
    given = FAMILY.starts(problem)[0].params | params
    FAMILY.fit(given, data, watch, problem=problem, resources=Resources())
    return watch.best_loss


# -- indicators --------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(TABLES, TABLES, st.integers(1, 3), st.integers(1, 3))
def test_rows_share_indicators_as_they_share_values(X, new, order, least):
    width = min(X.shape[1], new.shape[1])
    X, new = X[:, :width], new[:, :width]
    crossing = Crossing.fit(X, by_value(X), order=order, least=least)
    seen = [meetings(row, order) for row in X]
    counts = {m: sum(m in s for s in seen) for s in seen for m in s}
    known = {m for m, n in counts.items() if n >= least}
    assert len(crossing.places) == len(known)
    train, later = crossing.matrix(X), crossing.matrix(new)
    for rows, matrix in ((X, train), (new, later)):
        assert matrix.getnnz(axis=1).tolist() == [len(meetings(r, order) & known) for r in rows]
    for i, row in enumerate(new):
        for j, other in enumerate(X):
            shared = (later[i] > 0).multiply(train[j] > 0).sum()
            assert shared == len(meetings(row, order) & meetings(other, order) & known)


@settings(max_examples=40, deadline=None)
@given(TABLES, st.integers(1, 3))
def test_what_is_saved_makes_the_same_matrix(X, order):
    crossing = Crossing.fit(X, by_value(X), order=order, least=1)
    again = Crossing.load(crossing.save())
    np.testing.assert_array_equal(again.matrix(X).toarray(), crossing.matrix(X).toarray())


def test_ranges_are_told_apart_and_missing_values_are_one():
    levels = Levels(0, np.array([0.0, 10.0]), True)
    values = np.array([-np.inf, -1, 0, 9.9, 10, np.inf, np.nan])
    assert levels.numbers(values).tolist() == [0, 0, 1, 1, 2, 2, 3]
    assert levels.size == 4


def test_of_many_columns_the_first_are_combined():
    X = RNG.integers(0, 2, (50, 60)).astype(np.float32)
    tables = Crossing.fit(X, by_value(X), order=2, least=1).tables
    assert len(tables) <= MOST_TABLES
    assert [t for t in tables if len(t) == 1] == [(i,) for i in range(60)]
    assert {i for t in tables if len(t) == 2 for i in t} == set(range(22))  # 231 of 240


def test_of_too_many_indicators_those_of_most_rows_stay():
    X = np.repeat([0.0, 1.0, 2.0, 3.0], [1, 9, 2, 8])[:, None]
    crossing = Crossing.fit(X, by_value(X), order=1, least=1, most=3)
    assert crossing.places.tolist() == [1, 3]


# -- values or ranges --------------------------------------------------------------------


def test_codes_are_taken_by_value_and_measures_by_range():
    """A whole number may be a name or a count; what it tells of the target decides."""
    n = 4000
    code, count = RNG.integers(0, 300, n), RNG.integers(0, 300, n)
    odd = RNG.random(300) < 0.5
    y = (odd[code] ^ (RNG.random(n) < 0.1)) | (count > 200)
    X = np.column_stack([code, count, RNG.normal(size=n), RNG.normal(size=n)])
    problem = Problem("binary", n, 4, 2)
    found = choose_levels(data_of(X, y.astype(np.int64)), problem, bins=8)
    assert {v.column: v.ranges for v in found} == {0: False, 1: True, 2: True, 3: True}
    assert {v.column for v in found[:2]} == {0, 1}  # those that tell most come first


def test_a_column_of_one_value_is_left_out():
    X = np.column_stack([np.ones(40), np.full(40, np.nan), np.arange(40) % 2])
    found = choose_levels(data_of(X, np.arange(40) % 2), Problem("binary", 40, 3, 2), bins=8)
    assert [v.column for v in found] == [2]


# -- the family --------------------------------------------------------------------------


def test_pairs_learn_what_single_values_cannot():
    n = 600
    a, b = RNG.integers(0, 4, n), RNG.integers(0, 4, n)
    data = data_of(np.column_stack([a, b]), (a + b) % 2, (4, 4))
    assert error(data, {"order": 2}) < 0.1
    assert error(data, {"order": 1}) > 0.4


def test_values_are_regressed_on_what_meets():
    n = 800
    a, b = RNG.integers(0, 5, n), RNG.integers(0, 5, n)
    effects = RNG.normal(size=(5, 5))
    y = effects[a, b] + 0.05 * RNG.normal(size=n)
    data = data_of(np.column_stack([a, b]), y, (5, 5))
    assert error(data, {"order": 2}, "regression", 0) < 0.1
    assert error(data, {"order": 1}, "regression", 0) > 0.3


def test_it_is_for_categories_and_first_where_they_are_many():
    def first(n_categorical, n_many=0, task="binary"):
        classes = 2 * (task == "binary")
        problem = Problem(task, 5000, 10, classes, n_categorical=n_categorical, n_many=n_many)
        return FAMILY.starts(problem)[0].rank if FAMILY.supports(problem) else None

    assert first(2, 1) < first(2)
    assert first(0) is None
    assert first(8, task="regression") == first(8)
    assert first(2, task="regression") is None


@pytest.mark.parametrize("n_columns", [1, 100])
def test_a_single_column_or_a_huge_table_is_not_for_it(n_columns):
    assert not FAMILY.supports(Problem("binary", 1_000_000, n_columns, 2, n_categorical=1))


def test_more_columns_and_longer_combinations_are_more_work():
    def work(order, n_columns):
        problem = Problem("binary", 5000, n_columns, 2)
        return FAMILY.work({"order": order, "bins": 12}, problem)

    assert work(1, 10) < work(2, 10) < work(3, 10)
    assert work(2, 5) < work(2, 10)
