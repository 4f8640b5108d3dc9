"""Rows that no trial is judged by while it runs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from automl import AutoModel
from automl.families import Problem
from automl.search._outlying import MOST, outlying_rows

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(50, 10, 1000)


def problem(n, **rest):
    return Problem("regression", n, 3, **rest)


def test_ordinary_targets_have_none():
    for y in (NORMAL, RNG.gamma(9.0, size=2000), RNG.uniform(size=60), np.full(30, 7.0)):
        assert not len(outlying_rows(problem(len(y)), y, len(y) // 5))


def test_what_would_decide_a_fold_is_found_and_what_would_not_is_not():
    y = NORMAL.copy()
    y[[3, 500]] = 5000.0, -900.0
    y[7] = 85.0
    assert outlying_rows(problem(1000), y, 200).tolist() == [3, 500]


def test_one_behind_another_is_found():
    y = NORMAL.copy()
    y[[10, 20, 30]] = 1e9, 1e6, 1e3
    assert outlying_rows(problem(1000), y, 200).tolist() == [10, 20, 30]


def test_only_squares_make_rows_decide():
    y = np.append(NORMAL, 1e6)
    assert not len(outlying_rows(problem(1001, absolute_error=True), y, 200))
    labels = (y > 50).astype(np.int64)
    assert not len(outlying_rows(Problem("binary", 1001, 3, 2), labels, 200))


def test_a_row_that_weighs_nothing_decides_nothing():
    y, weight = np.append(NORMAL, 1e6), np.ones(1001)
    assert outlying_rows(problem(1001), y, 200, weight).tolist() == [1000]
    weight[-1] = 0.0
    assert not len(outlying_rows(problem(1001), y, 200, weight))


@settings(max_examples=200, deadline=None)
@given(
    arrays.arrays(
        np.float64,
        st.integers(2, 400),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    ),
    st.integers(1, 100),
)
def test_they_are_few_whatever_the_target(y, n_valid):
    found = outlying_rows(problem(len(y)), y, n_valid)
    assert len(found) <= MOST * len(y)
    assert (np.diff(found) > 0).all()
    assert ((found >= 0) & (found < len(y))).all()


@pytest.fixture(scope="module")
def bills():
    """A sum of columns, of which one is now and then absurdly large."""
    rng = np.random.default_rng(1)
    X = pd.DataFrame({name: rng.gamma(2.0, 300.0, 900) for name in ("rent", "heat", "tax")})
    X["town"] = rng.choice(["Ulm", "Bonn", "Kiel"], 900)
    X.loc[[5, 700], "tax"] = [2e6, 4e5]
    return X, X[["rent", "heat", "tax"]].sum(axis=1) + rng.normal(0, 5, 900)


def test_a_sum_with_outliers_is_found_and_told_with_all_rows(bills):
    X, y = bills
    model = AutoModel(
        metric="rmse", families=["lightgbm", "linear"], time_budget=None, max_trials=10, n_jobs=1
    )
    model.fit(X, y)
    board = model.leaderboard_.set_index("name")
    straight = board[[p.get("encoding") == "straight" for p in board["params"]]]
    assert straight["state"].tolist() == ["complete"]
    assert straight["score"].iloc[0] < 10
    assert model.score_ < 10
    constant = float(np.sqrt(np.mean((y - y.mean()) ** 2)))
    assert board.loc["constant", "score"] == pytest.approx(constant, rel=0.05)
