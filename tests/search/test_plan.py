"""How many folds a budget can carry."""

from hypothesis import given
from hypothesis import strategies as st

from automl.families import Problem
from automl.search import choose_n_folds

ROWS = st.integers(10, 10_000_000)
SECONDS = st.one_of(st.none(), st.floats(1, 100_000))


def folds(n_rows, seconds, n_columns=20, n_classes=2):
    task = "binary" if n_classes == 2 else "multiclass"
    return choose_n_folds(Problem(task, n_rows, n_columns, n_classes), seconds)


@given(ROWS, ROWS, SECONDS, st.integers(1, 500), st.integers(2, 50))
def test_more_rows_never_mean_more_folds(a, b, seconds, n_columns, n_classes):
    small, large = (folds(n, seconds, n_columns, n_classes) for n in sorted([a, b]))
    assert 1 <= large <= small <= 10


@given(ROWS, st.floats(1, 1e5), st.floats(1, 1e5))
def test_more_time_never_means_fewer_folds(n_rows, a, b):
    short, long = sorted([a, b])
    assert folds(n_rows, short) <= folds(n_rows, long)


@given(ROWS, SECONDS, st.integers(2, 50), st.integers(2, 50))
def test_more_classes_never_mean_more_folds(n_rows, seconds, a, b):
    few, many = sorted([a, b])
    assert folds(n_rows, seconds, n_classes=many) <= folds(n_rows, seconds, n_classes=few)


def test_a_small_table_is_never_judged_by_one_holdout():
    assert folds(300, 1.0) > 1
    assert folds(300, None) > 1
