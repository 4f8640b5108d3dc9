"""Which family proposes next."""

from math import inf, isfinite, nan

from hypothesis import given
from hypothesis import strategies as st

from automl.search._bandit import Account, Bandit

NAMES = ["a", "b", "c"]
BOOKINGS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.floats(0, 1e4),
        st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([inf, -inf, nan])),
    ),
    max_size=30,
)


def filled(bookings, seed=0):
    bandit = Bandit(NAMES, seed)
    for booking in bookings:
        bandit.book(*booking)
    return bandit


def count(bandit, name, among=NAMES, draws=300):
    return sum(bandit.choose(among) == name for _ in range(draws))


@given(BOOKINGS, st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
def test_one_of_those_asked_for_is_chosen_whatever_happened(bookings, among):
    bandit = filled(bookings)
    assert all(bandit.choose(among) in among for _ in range(3))
    leader = min(a.best for a in bandit.accounts.values())
    for account in bandit.accounts.values():
        cost = account.cost_of_improvement(leader)
        assert cost > 0
        assert isfinite(cost)


@given(BOOKINGS)
def test_the_seed_decides(bookings):
    one, other = filled(bookings, 7), filled(bookings, 7)
    assert [one.choose(NAMES) for _ in range(5)] == [other.choose(NAMES) for _ in range(5)]


def test_equally_good_families_are_chosen_by_their_price():
    bandit = filled([("a", 1.0, 0.5), ("b", 20.0, 0.5), ("c", 20.0, 0.5)])
    assert count(bandit, "a") > 200


def test_a_family_that_goes_on_improving_is_preferred():
    improving = [("a", 1.0, 1.0 - 0.1 * i) for i in range(6)]
    stuck = [("b", 1.0, 0.5)] + [("b", 1.0, 0.9)] * 5
    bandit = filled(improving + stuck)
    assert count(bandit, "a", ["a", "b"]) > 200


def test_a_family_far_behind_the_leader_is_rarely_chosen():
    leader = [("a", 1.0, 0.3), ("a", 1.0, 0.2)]
    behind = [("b", 1.0, 10.0), ("b", 1.0, 9.99)]
    bandit = filled(leader + behind)
    assert count(bandit, "a", ["a", "b"]) > 250


def test_pruned_trials_cost_and_win_nothing():
    account = Account()
    account.book(1.0, 0.5)
    before = account.cost_of_improvement(0.5)
    account.book(30.0, None)
    assert account.best == 0.5
    assert account.seconds == 31.0
    assert account.cost_of_improvement(0.5) > before
