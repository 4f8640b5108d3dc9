"""Rows that are left out where time or memory would not last."""

import time

import numpy as np
import pandas as pd
import pytest

from automl._sample import LEAST, OVERHEAD, Rows, sample_rows
from automl.search import Clock

N = 200_000


def data(n=N):
    numbers = np.arange(n)
    return Rows(pd.DataFrame({"a": numbers, "b": numbers / 2}), numbers, numbers, numbers)


def test_nothing_is_left_out_where_there_is_time_and_memory():
    given = data(1000)
    assert sample_rows(given, Clock(time.monotonic(), 60.0), 2**34, 0) == (given, "")
    assert sample_rows(given, Clock(0.0), None, 0) == (given, "")


def test_a_short_budget_leaves_rows_out_and_says_so():
    clock = Clock(time.monotonic(), 0.2)
    few, why = sample_rows(data(), clock, None, 0)
    assert LEAST <= len(few.frame) < N
    assert why == f"{len(few.frame):,} of 200,000 rows, as many as the time budget allows"


def test_little_memory_leaves_rows_out():
    few, why = sample_rows(data(), Clock(0.0), OVERHEAD + 6 * 2**20, 0)
    assert 0 < len(few.frame) < N
    assert why.endswith("as many as the memory allows")


@pytest.mark.parametrize("memory", [1, OVERHEAD])
def test_something_is_always_left(memory):
    few, _ = sample_rows(data(), Clock(0.0, 1.0), memory, 0)
    assert len(few.frame) == LEAST // 10


def test_rows_stay_together_and_in_order():
    few, _ = sample_rows(data(), Clock(0.0, 1e-3), None, 0)
    kept = few.frame["a"].to_numpy()
    assert (np.diff(kept) > 0).all()
    for values in (few.y, few.sample_weight, few.groups):
        np.testing.assert_array_equal(values, kept)
    series = Rows(data().frame, pd.Series(np.arange(N), index=np.arange(N) + 7))
    again, _ = sample_rows(series, Clock(0.0, 1e-3), None, 0)
    np.testing.assert_array_equal(again.y.to_numpy(), kept)


def test_a_rare_class_is_not_lost():
    y = np.array(["common"] * (N - 15) + ["rare"] * 12 + ["unique"] * 3, dtype=object)
    few, _ = sample_rows(Rows(data().frame, y), Clock(0.0, 1e-3), None, 0)
    assert len(few.y) == LEAST
    assert (few.y == "unique").sum() == 3
    assert (few.y == "rare").sum() >= 10


def test_missing_targets_are_rows_like_others():
    y = np.where(np.arange(N) % 2 == 0, np.nan, 1.0)
    few, _ = sample_rows(Rows(data().frame, y), Clock(0.0, 1e-3), None, 0)
    assert 0.4 < np.isnan(few.y).mean() < 0.6


def test_the_seed_decides_which():
    clock = Clock(0.0, 1e-3)
    first, same, other = (sample_rows(data(), clock, None, s)[0].y for s in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
