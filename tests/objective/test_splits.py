"""Validation splits: each row validated once, classes and groups where they belong."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import model_selection as ms

from automl.exceptions import DataError, UsageError
from automl.objective import Splits, make_splits


def assert_partition(splits: Splits, n: int) -> None:
    for fold in splits.folds:
        assert len(fold.train)
        assert len(fold.valid)
        assert np.array_equal(np.sort(np.concatenate([fold.train, fold.valid])), np.arange(n))
    assert splits.disjoint
    assert np.array_equal(splits.valid_rows, np.arange(n))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3, 4]), min_size=2, max_size=60),
    st.integers(2, 9),
    st.integers(0, 99),
)
def test_classes_are_spread(labels, k, seed):
    y = np.unique(labels, return_inverse=True)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        splits = make_splits(y, task="multiclass", n_folds_hint=k, random_state=seed)
    assert_partition(splits, len(y))
    assert len(splits.folds) == min(k, len(y))
    assert splits.random
    sizes = [len(fold.valid) for fold in splits.folds]
    assert max(sizes) - min(sizes) <= 1
    for c in np.unique(y):
        counts = [int((y[fold.valid] == c).sum()) for fold in splits.folds]
        assert max(counts) - min(counts) <= 1
        if (y == c).sum() >= 2:
            assert all((y[fold.train] == c).any() for fold in splits.folds)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), st.integers(2, 9), st.integers(0, 99))
def test_values_are_spread(n, k, seed):
    y = np.random.default_rng(seed).lognormal(size=n)
    splits = make_splits(y, task="regression", n_folds_hint=k, random_state=seed)
    assert_partition(splits, n)
    ranks = y.argsort().argsort()
    for fold in splits.folds:  # one row of each k neighbours in value
        assert len(np.unique(ranks[fold.valid] // len(splits.folds))) == len(fold.valid)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 20),
    st.integers(2, 8),
    st.sampled_from(["binary", "regression"]),
)
def test_groups_stay_together(seed, n_groups, k, task):
    rng = np.random.default_rng(seed)
    groups = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, size=40)])
    y = rng.integers(0, 2, size=len(groups))
    names = np.array([f"g{g}" for g in range(n_groups)], dtype=object)[groups]
    splits = make_splits(y, task=task, groups=names, n_folds_hint=k, random_state=seed)
    assert_partition(splits, len(y))
    assert len(splits.folds) == min(k, n_groups)
    assert not splits.random
    for fold in splits.folds:
        assert not set(names[fold.train]) & set(names[fold.valid])


def test_groups_keep_class_frequencies_even():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(100), 10)
    y = (rng.random(100) < 0.2).astype(int)[groups]  # each group is of one class
    splits = make_splits(y, task="binary", groups=groups, cv=5)
    shares = [y[fold.valid].mean() for fold in splits.folds]
    assert max(shares) - min(shares) <= 0.051
    assert {len(fold.valid) for fold in splits.folds} <= {190, 200, 210}


def test_missing_groups_are_one_group():
    groups = np.array(["a", None, "b", None, "c", "c"], dtype=object)
    splits = make_splits(np.arange(6.0), task="regression", groups=groups, cv=4)
    assert len(splits.folds) == 4
    assert all((1 in fold.valid) == (3 in fold.valid) for fold in splits.folds)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_holdout(task):
    y = np.arange(100) % 2
    splits = make_splits(y, task=task, n_folds_hint=1)
    assert splits.kind == "holdout 20 %"
    (fold,) = splits.folds
    assert len(fold.valid) == 20
    assert y[fold.valid].sum() == 10
    assert np.array_equal(np.sort(np.concatenate([fold.train, fold.valid])), np.arange(100))


def test_holdout_trains_on_the_only_row_of_a_class():
    y = np.concatenate([np.zeros(20, int), np.arange(1, 21)])
    for seed in range(10):
        (fold,) = make_splits(y, task="multiclass", n_folds_hint=1, random_state=seed).folds
        assert set(y[fold.train]) == set(range(21))
        assert len(fold.valid)


def test_grouped_holdout():
    groups = np.repeat(np.arange(10), 10)
    splits = make_splits(np.arange(100.0), task="regression", groups=groups, n_folds_hint=1)
    (fold,) = splits.folds
    assert splits.kind == "grouped holdout 20 %"
    assert len(set(groups[fold.valid])) == 2


def test_same_seed_same_folds():
    y = np.arange(50) % 3

    def valid(seed):
        return [
            f.valid.tolist() for f in make_splits(y, task="multiclass", random_state=seed).folds
        ]

    assert valid(1) == valid(1)
    assert valid(1) != valid(2)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize("hint", [1, 2, 5, 8])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_tiny_tables(n, hint, task):
    splits = make_splits(np.arange(n) % 2, task=task, n_folds_hint=hint)
    assert len(splits.folds) == (1 if hint == 1 else min(hint, n))
    for fold in splits.folds:
        assert len(fold.train)
        assert len(fold.valid)


@pytest.mark.parametrize(("n", "words"), [(1, r"1 sample .*n_samples = 1"), (0, "0 samples")])
def test_too_few_rows(n, words):
    with pytest.raises(DataError, match=words):
        make_splits(np.zeros(n), task="regression")


def test_bad_groups():
    with pytest.raises(DataError, match="one group only"):
        make_splits(np.arange(4.0), task="regression", groups=["a"] * 4)
    with pytest.raises(UsageError, match=r"shape \(3,\).*4 rows"):
        make_splits(np.arange(4.0), task="regression", groups=["a", "b", "c"])


@pytest.mark.parametrize("cv", [1, 0, -3, True, 2.5, "loo"])
def test_bad_cv_values(cv):
    with pytest.raises(UsageError, match="cv is"):
        make_splits(np.arange(9.0), task="regression", cv=cv)


def test_more_folds_than_rows_are_reduced_with_a_word(caplog):
    splits = make_splits(np.arange(3.0), task="regression", cv=10)
    assert len(splits.folds) == 3
    assert "3 folds were made" in caplog.text
    caplog.clear()
    make_splits(np.arange(3.0), task="regression", n_folds_hint=10)
    assert not caplog.text


# --- the user's own --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("splitter", "disjoint"),
    [
        (ms.TimeSeriesSplit(3), True),
        (ms.StratifiedKFold(4, shuffle=True, random_state=0), True),
        (ms.RepeatedKFold(n_splits=3, n_repeats=2, random_state=0), False),
        (ms.LeaveOneOut(), True),
        (ms.PredefinedSplit([-1] * 10 + [0] * 5 + [1] * 5), True),
    ],
)
def test_splitters_of_scikit_learn(splitter, disjoint):
    y = np.arange(20) % 2
    splits = make_splits(y, task="binary", cv=splitter)
    expected = list(splitter.split(np.zeros((20, 1)), y))
    assert len(splits.folds) == len(expected)
    for fold, (train, valid) in zip(splits.folds, expected, strict=True):
        assert np.array_equal(fold.train, train)
        assert np.array_equal(fold.valid, valid)
    assert type(splitter).__name__ in splits.kind
    assert splits.disjoint == disjoint
    assert not splits.random


def test_splitter_gets_the_groups():
    groups = np.repeat([0, 1, 2], 3)
    splits = make_splits(
        np.arange(9.0), task="regression", cv=ms.LeaveOneGroupOut(), groups=groups
    )
    assert [f.valid.tolist() for f in splits.folds] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_iterables_and_masks():
    mask = np.array([True, True, False, False])
    splits = make_splits(
        np.arange(4.0), task="regression", cv=(p for p in [([0, 1], [2]), (mask, ~mask)])
    )
    assert splits.folds[0].valid.tolist() == [2]
    assert splits.folds[1].train.tolist() == [0, 1]
    assert splits.valid_rows.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("cv", "words"),
    [
        ([], "gave no split"),
        ([([0, 1], [2]), ([0], [])], "validation part of split 1 is empty"),
        ([([], [1])], "training part of split 0 is empty"),
        ([([0, 9], [1])], "training part of split 0 holds row 9; the table's rows are 0 to 3"),
        ([([0], [-1])], "holds row -1"),
        ([([0, 1, 2], [2, 3])], "1 rows of split 0 are in both parts, row 2"),
        ([([0], [1, 1])], "split 0 holds a row twice"),
        ([([0.0], [1.0])], "type float64"),
        ([[0, 1, 2]], "must be a pair"),
        ([3], "must be a pair"),
        (ms.KFold, "pass an instance: KFold"),
        (object(), "a splitter of scikit-learn or a list"),
        (ms.KFold(9), "splitter KFold can't split these 4 rows.*n_splits=9"),
        (ms.GroupKFold(2), "splitter GroupKFold can't split.*groups"),
    ],
)
def test_unusable_splits_are_named(cv, words):
    with pytest.raises(UsageError, match=words):
        make_splits(np.arange(4.0), task="regression", cv=cv)


@pytest.mark.parametrize("seed", range(20))
def test_a_holdout_has_a_row_of_each_class_if_it_can(seed):
    y = np.zeros(4000, dtype=np.int64)
    y[[7, 900, 2500]] = 1
    splits = make_splits(y, task="binary", n_folds_hint=1, random_state=seed)
    assert y[splits.folds[0].valid].sum() >= 1
    assert y[splits.folds[0].train].sum() >= 1
