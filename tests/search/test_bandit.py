"""Which family proposes next."""

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.search._bandit import Account, Bandit, expected_improvement

NAMES = ["a", "b", "c"]
LOSSES = st.floats(-1e6, 1e6)
BOOKINGS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.floats(0, 1e4), st.one_of(st.none(), LOSSES)),
    max_size=30,
)


def filled(bookings, baseline=1.0, seed=0):
    bandit = Bandit(NAMES, seed)
    bandit.baseline = baseline
    for booking in bookings:
        bandit.book(*booking)
    return bandit


def count(bandit, name, among=NAMES, draws=300):
    return sum(bandit.choose(among) == name for _ in range(draws))


@given(
    BOOKINGS,
    st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    st.one_of(LOSSES, st.just(nan)),
)
def test_one_of_those_asked_for_is_chosen_whatever_happened(bookings, among, baseline):
    bandit = filled(bookings, baseline)
    assert all(bandit.choose(among) in among for _ in range(3))


def test_a_hopeless_family_can_be_chosen_where_nothing_else_fits():
    """The leader may be too slow for the time that is left."""
    bandit = filled([("a", 50.0, 0.1), ("b", 1.0, 1e6)])
    assert bandit.choose(["b"]) == "b"
    assert bandit.choose(["b", "c"]) in ("b", "c")


@given(BOOKINGS)
def test_the_seed_decides(bookings):
    one, other = filled(bookings, seed=7), filled(bookings, seed=7)
    assert [one.choose(NAMES) for _ in range(5)] == [other.choose(NAMES) for _ in range(5)]


def test_equally_good_families_are_chosen_by_their_price():
    bandit = filled([("a", 1.0, 0.5), ("b", 20.0, 0.5), ("c", 20.0, 0.5)])
    assert count(bandit, "a") > 200


def test_a_family_far_behind_the_leader_is_rarely_chosen():
    leader = [("a", 1.0, 0.21), ("a", 1.0, 0.2)]
    behind = [("b", 1.0, 0.9), ("b", 1.0, 0.89)]
    assert count(filled(leader + behind), "a", ["a", "b"]) > 250


def test_a_family_that_spends_in_vain_is_chosen_less_and_less():
    leader = [("a", 1.0, 0.5)]
    shares = [count(filled(leader + [("b", 1.0, None)] * n), "b", ["a", "b"]) for n in (1, 4, 20)]
    assert shares[0] > shares[1] > shares[2]


@given(st.floats(-100, 100), st.floats(0.01, 100), st.floats(-100, 100))
def test_expected_improvement_grows_with_the_chance(mean, spread, target):
    value = expected_improvement(mean, spread, target)
    assert value >= max(target - mean, 0) - 1e-9
    assert expected_improvement(mean - 1, spread, target) >= value - 1e-12
    assert expected_improvement(mean, 2 * spread, target) >= value - 1e-12


def test_expected_improvement_is_the_mean_of_the_falls():
    import numpy as np

    losses = np.random.default_rng(0).normal(1.0, 0.5, 400_000)
    falls = np.maximum(0.8 - losses, 0).mean()
    assert expected_improvement(1.0, 0.5, 0.8) == pytest.approx(falls, rel=0.01)


def test_a_family_that_finds_nothing_better_promises_less_and_less():
    account = Account()
    for loss in (0.5, 0.52, 0.51):
        account.book(1.0, loss)
    promises = [account.promise(0.5, 0.5)]
    for _ in range(3):
        account.book(1.0, None)
        promises.append(account.promise(0.5, 0.5))
    assert promises == sorted(promises, reverse=True)
    assert promises[-1] < promises[0]
    account.book(1.0, 0.49)
    assert account.in_vain == 0
    assert account.promise(0.49, 0.51) > promises[-1]
