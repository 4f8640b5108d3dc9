"""The bootstrap interval covers what it promises, and stays in one piece at the edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.exceptions import UsageError
from automl.objective import bootstrap_interval, get_metric


def binary_table(rng, n):
    z = 1.5 * rng.normal(size=n) - 1
    y = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)
    return y, (1 / (1 + np.exp(-1.2 * z)))[:, None]


@pytest.mark.parametrize(
    ("name", "n"), [("roc_auc", 60), ("log_loss", 100), ("accuracy", 60), ("f1", 100)]
)
def test_coverage(name, n):
    """95 % intervals of 200 tables: 0.90 is what is left of 0.95 less three errors."""
    rng = np.random.default_rng(5)
    metric = get_metric(name, task="binary")
    truth = metric.score(*binary_table(rng, 300_000))
    covered = 0
    for seed in range(200):
        low, high = bootstrap_interval(
            metric, *binary_table(rng, n), n_resamples=120, random_state=seed
        )
        covered += low <= truth <= high
    assert 180 <= covered <= 199


def test_coverage_with_groups():
    """Rows of one group share their luck: ignoring that would cover half as often."""
    rng = np.random.default_rng(6)
    metric = get_metric("mse", task="regression")
    covered = {True: 0, False: 0}
    for seed in range(100):
        groups = np.repeat(np.arange(40), 20)
        v = (rng.normal(size=40)[groups] + 0.1 * rng.normal(size=800))[:, None]
        for grouped in covered:
            low, high = bootstrap_interval(
                metric,
                np.zeros(800),
                v,
                groups=groups if grouped else None,
                n_resamples=80,
                random_state=seed,
            )
            covered[grouped] += low <= 1.01 <= high
    assert covered[True] >= 84
    assert covered[False] <= 60


def test_many_rows_are_as_narrow_as_they_should_be():
    """Half the width of a mean's interval is 1.96 standard errors of all rows, not of a part."""
    rng = np.random.default_rng(0)
    n = 40_000
    metric = get_metric("mae", task="regression")
    v = rng.exponential(size=n)[:, None]
    low, high = bootstrap_interval(metric, np.zeros(n), v, n_resamples=400)
    assert (high - low) / 2 == pytest.approx(1.96 / np.sqrt(n), rel=0.15)
    assert low < metric.score(np.zeros(n), v) < high


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 30),
    st.sampled_from(["roc_auc", "log_loss", "f1", "mcc", "average_precision"]),
    st.booleans(),
)
def test_holds_the_score_or_is_unknown(seed, n, name, weighted):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, size=n)
    p = rng.integers(0, 5, size=(n, 1)) / 4
    w = rng.random(n) if weighted else None
    metric = get_metric(name, task="binary")
    point = metric.score(y, p, w)
    low, high = bootstrap_interval(metric, y, p, sample_weight=w, n_resamples=40)
    if np.isnan(point):
        assert np.isnan(low)
        assert np.isnan(high)
    elif not np.isnan(low):
        assert low <= point <= high


def test_undefined_resamples_are_left_out():
    y = np.array([1] + [0] * 29)  # a third of the resamples has no positive row
    p = np.linspace(0.9, 0.1, 30)[:, None]
    low, high = bootstrap_interval(get_metric("roc_auc", task="binary"), y, p)
    assert np.isfinite([low, high]).all()


def test_weights_matter():
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    v = np.zeros((200, 1))
    w = np.where(np.abs(y) < 1, 1.0, 0.0)
    metric = get_metric("rmse", task="regression")
    _, high = bootstrap_interval(metric, y, v, sample_weight=w)
    low, _ = bootstrap_interval(metric, y, v)
    assert high < low


def test_level_and_seed():
    rng = np.random.default_rng(0)
    metric = get_metric("roc_auc", task="binary")
    table = binary_table(rng, 300)
    wide = bootstrap_interval(metric, *table, level=0.99)
    narrow = bootstrap_interval(metric, *table, level=0.5)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert bootstrap_interval(metric, *table, level=0.5) == narrow
    assert bootstrap_interval(metric, *table, level=0.5, random_state=1) != narrow
    with pytest.raises(UsageError, match="level is 95"):
        bootstrap_interval(metric, *table, level=95)


def test_nothing_to_resample():
    metric = get_metric("mae", task="regression")
    assert np.isnan(bootstrap_interval(metric, np.zeros(1), np.ones((1, 1)))).all()
    one_group = bootstrap_interval(metric, np.zeros(5), np.ones((5, 1)), groups=["a"] * 5)
    assert np.isnan(one_group).all()
    constant = bootstrap_interval(metric, np.zeros(5), np.ones((5, 1)))
    assert constant == (1.0, 1.0)
