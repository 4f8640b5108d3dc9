"""Greedy ensemble selection."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.ensemble import blend, greedy_weights


def squared(y):
    return lambda p: float(((p - y) ** 2).mean())


@st.composite
def candidates(draw):
    """A target and predictions of it, good and bad ones, perhaps the same one twice."""
    seed, n = draw(st.integers(0, 10**6)), draw(st.integers(1, 8))
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(20, draw(st.sampled_from([1, 3]))))
    spreads = draw(st.lists(st.sampled_from([0.0, 0.1, 1.0, 10.0]), min_size=n, max_size=n))
    predictions = [y + s * rng.normal(size=y.shape) for s in spreads]
    if draw(st.booleans()):
        predictions.append(predictions[0])
    return y, predictions


@settings(max_examples=50, deadline=None)
@given(candidates(), st.integers(1, 12))
def test_weights_are_shares_and_never_worse_than_the_best_single(drawn, n_steps):
    y, predictions = drawn
    loss = squared(y)
    weights = greedy_weights(predictions, loss, n_steps=n_steps)
    assert weights.shape == (len(predictions),)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0)
    best = min(loss(p) for p in predictions)
    assert loss(blend(predictions, weights)) <= best + 1e-9


def test_errors_that_cancel_are_combined():
    y = np.zeros((50, 1))
    noise = np.random.default_rng(0).normal(size=(2, 50, 1))
    weights = greedy_weights([y + noise[0], y + noise[1], y + 5.0], squared(y))
    assert (weights[:2] > 0.2).all()
    assert weights[2] == 0


def test_of_equal_candidates_the_first_is_taken_and_no_other():
    y = np.zeros((10, 1))
    same = y + 1.0
    assert greedy_weights([same, same.copy(), same.copy()], squared(y)).tolist() == [1, 0, 0]


def test_the_smallest_ensemble_of_equal_ones_is_kept():
    """More steps with the same loss add nothing."""
    y = np.zeros((10, 1))
    assert greedy_weights([y, y + 1], squared(y), n_steps=9).tolist() == [1, 0]


def test_undefined_losses_are_never_chosen():
    y = np.zeros((4, 1))
    bad = np.full((4, 1), np.nan)
    assert greedy_weights([bad, y + 1, bad], squared(y)).tolist() == [0, 1, 0]


def test_something_is_chosen_where_no_loss_is_defined():
    weights = greedy_weights([np.zeros((3, 1))] * 2, lambda _: float("nan"))
    assert weights.sum() == 1


def test_candidates_are_not_changed():
    y = np.zeros((10, 1))
    predictions = [y + 1.0, y - 1.0]
    for p in predictions:
        p.setflags(write=False)
    greedy_weights(predictions, squared(y))


def test_the_best_step_is_kept_and_not_the_last():
    y = np.zeros((10, 1))
    weights = greedy_weights([y + 1, y - 1], squared(y), n_steps=3)
    assert weights.tolist() == [0.5, 0.5]


def test_ties_go_to_members_that_are_in_already():
    """A model less to keep, to load and to wait for."""
    y = np.zeros((10, 1))
    weights = greedy_weights([y + 1, y + 1, y - 1.5], squared(y), n_steps=3)
    np.testing.assert_allclose(weights, [2 / 3, 0, 1 / 3])


def test_losses_may_be_tiny():
    y = np.arange(20.0)[:, None] * 1e-8
    noisy = [y + 1e-8, y - 1e-8, y + 9e-8]
    weights = greedy_weights(noisy, lambda p: float(((p - y) ** 2).mean()))
    assert weights.tolist() == [0.5, 0.5, 0.0]
