"""How long, how large and on how many rows one fit may be."""

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.families import Problem, get_family
from automl.features import Matrix
from automl.search import Clock, FoldOutcome, Trial
from automl.search._cost import CostModel
from automl.search._limits import GRACE, MIN_ROWS, SMALLER, TRIAL_SHARE, Limits

NAMES = tuple(f"x{i}" for i in range(20))
MATRIX = Matrix(np.zeros((0, 20), np.float32), NAMES, NAMES, (0,) * 20)


def limits(budget=60.0, *, n_rows=10_000, memory=None, reserve=2.0, elapsed=0.0):
    clock = Clock(time.monotonic() - elapsed, budget, reserve)
    problem = Problem("binary", n_rows, 20, 2)
    return Limits(clock, CostModel(), problem, memory)


def trial(name="lightgbm", *, n_rows=10_000, n_folds=5, whole=False):
    family = get_family(name)
    params = family.starts(Problem("binary", n_rows, 20, 2))[0].params
    return Trial(1, family, params, n_folds, n_rows, whole=whole)


def seconds(moment):
    return moment - time.monotonic()


def test_without_a_budget_nothing_limits_a_fit():
    allowance = limits(None).for_fit(trial(), 8000, MATRIX)
    assert (allowance.soft, allowance.hard, allowance.share) == (None, None, 1.0)
    assert limits(None).for_call().hard is None


def test_a_fit_ends_with_its_share_of_the_budget():
    found = limits(600.0, n_rows=10_000_000).for_fit(trial(), 8_000_000, MATRIX)
    assert seconds(found.soft) == pytest.approx(TRIAL_SHARE * 600 / 5, abs=1)
    assert found.hard > found.soft


def test_a_fit_that_should_take_a_moment_may_not_hang_for_long():
    found = limits(3600.0, n_rows=300).for_fit(trial(n_rows=300), 240, MATRIX)
    assert seconds(found.hard) < 60


def test_no_fit_goes_on_beyond_the_search():
    bounds = limits(60.0, n_rows=10_000_000, elapsed=55.0)
    found = bounds.for_fit(trial(n_folds=1), 8_000_000, MATRIX)
    assert seconds(found.soft) == pytest.approx(3.0, abs=0.5)
    assert found.hard <= bounds.end + 1e-6
    assert seconds(bounds.end) == pytest.approx(3.0 + GRACE, abs=0.5)
    assert bounds.for_call().hard <= bounds.end


def test_a_trial_is_made_smaller_where_it_would_not_get_far():
    bounds = limits(5.0, n_rows=10_000_000)
    smaller = bounds.for_fit(trial(n_folds=1), 8_000_000, MATRIX)
    assert MIN_ROWS <= smaller.share * 8_000_000 < 4_000_000
    assert bounds.for_fit(trial(n_folds=5), 8_000_000, MATRIX).share < 0.5
    assert bounds.for_fit(trial("extra_trees", whole=True), 8_000_000, MATRIX).share == 1.0
    assert limits(5.0).for_fit(trial(n_folds=1), 8000, MATRIX).share == 1.0


def test_folds_of_one_trial_have_the_same_share():
    bounds, begun = limits(5.0, n_rows=10_000_000), trial(n_folds=5)
    begun.outcomes[0] = FoldOutcome(0.5, 1)
    begun.share = 0.25
    assert bounds.for_fit(begun, 8_000_000, MATRIX).share == 0.25


def test_a_fit_is_made_smaller_until_it_fits_into_the_memory():
    n_rows = 1_000_000
    plenty = limits(None, n_rows=n_rows, memory=16 * 2**30)
    little = limits(None, n_rows=n_rows, memory=100 * 2**20)
    assert plenty.for_fit(trial(n_rows=n_rows), 800_000, MATRIX).share == 1.0
    found = little.for_fit(trial(n_rows=n_rows), 800_000, MATRIX)
    assert 0 < found.share < 1
    assert found.memory < 200 * 2**20


def test_a_fit_that_can_not_be_made_small_enough_is_refused():
    none = limits(n_rows=1_000_000, memory=1)
    assert none.for_fit(trial(n_rows=1_000_000), 800_000, MATRIX).share == 0
    little = limits(n_rows=1_000_000, memory=50 * 2**20)
    forest = trial("extra_trees", n_rows=1_000_000, whole=True)
    assert little.for_fit(forest, 800_000, MATRIX).share == 0


def test_what_ran_out_of_memory_is_expected_to_need_more():
    bounds, started = limits(None, n_rows=10**6, memory=300 * 2**20), trial(n_rows=10**6)
    before = bounds.for_fit(trial(n_rows=10**6), 800_000, MATRIX).share
    assert [bounds.halve(started) for _ in range(SMALLER + 1)] == [True] * SMALLER + [False]
    assert started.share == 0.5**SMALLER
    assert bounds.for_fit(trial(n_rows=10**6), 800_000, MATRIX).share < before


def test_what_a_card_lacks_says_nothing_of_memory_here():
    bounds, started = limits(None, n_rows=10**6, memory=300 * 2**20), trial(n_rows=10**6)
    before = bounds.for_fit(trial(n_rows=10**6), 800_000, MATRIX).share
    assert bounds.halve(started, on_card=True)
    assert bounds.for_fit(trial(n_rows=10**6), 800_000, MATRIX).share == before


def test_a_fit_out_of_bag_is_not_made_smaller():
    assert not limits().halve(trial("extra_trees", whole=True))


def test_a_slow_metric_gets_more_time():
    bounds = limits(600.0)
    assert 50 < seconds(bounds.for_call().hard) <= 60  # it may be one that takes long
    bounds.book_call(0.01)
    before = seconds(bounds.for_call().hard)
    assert before <= 3
    bounds.book_call(1.0)
    bounds.book_call(1.0)
    assert bounds.score_seconds == 1.0
    assert seconds(bounds.for_call().hard) > 2 * before


@given(
    budget=st.floats(0.1, 1e5),
    elapsed=st.floats(0.0, 1e5),
    n_rows=st.integers(10, 100_000_000),
    memory=st.none() | st.integers(0, 2**40),
)
def test_whatever_there_is_limits_make_sense(budget, elapsed, n_rows, memory):
    bounds = limits(budget, n_rows=n_rows, memory=memory, elapsed=elapsed)
    found = bounds.for_fit(trial(n_rows=n_rows), max(2, n_rows * 4 // 5), MATRIX)
    assert 0 <= found.share <= 1
    if found.share > 0:
        assert math.isfinite(found.soft)
        assert found.hard <= max(bounds.end, found.soft) + 1e-6
